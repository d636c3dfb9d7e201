/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Qwen3 (https://arxiv.org/abs/2505.09388): Llama's block with each q and k head normalised before it is
 * rotated. */
#include "model/model.h"

static enum mica_status configure(struct mica_model *m, struct mica_err *err)
{
    bool windowed = false;
    mica_source_bool(&m->source, NULL, "use_sliding_window", &windowed);
    if (windowed)
        return mica_fail(err, MICA_EUNSUPPORTED, "qwen3: use_sliding_window is not supported");
    return mica_rope_configure(m, "full_attention", m->hp.rope_base, &m->rope[0], err);
}

static void load_layer(struct mica_loader *ld, struct mica_layer *l, int i)
{
    int64_t d = ld->model->hp.head_dim;
    mica_arch_llama.load_layer(ld, l, i);
    l->q_norm =
        mica_load_vector(ld, "blk.%d.attn_q_norm.weight", "layers.%d.self_attn.q_norm.weight", i, d, 0);
    l->k_norm =
        mica_load_vector(ld, "blk.%d.attn_k_norm.weight", "layers.%d.self_attn.k_norm.weight", i, d, 0);
}

/* x:[T,D] → [T,D] */
static struct mica_tensor *block(struct mica_tensor *x, const struct mica_model *m, int i,
                                 const struct mica_step *s)
{
    const struct mica_layer *l = &m->layers[i];
    const struct mica_hparams *hp = &m->hp;
    struct mica_tensor *h = rms_norm(x, l->attn_norm, hp->norm_eps);
    struct mica_tensor *q = mica_heads(linear(h, l->q, NULL), s, hp->n_heads, hp->head_dim);
    struct mica_tensor *k = mica_heads(linear(h, l->k, NULL), s, hp->n_kv_heads, hp->head_dim);
    struct mica_tensor *v = mica_heads(linear(h, l->v, NULL), s, hp->n_kv_heads, hp->head_dim);
    q = rope(rms_norm(q, l->q_norm, hp->norm_eps), s->rope[0], m->rope_neox);
    k = rope(rms_norm(k, l->k_norm, hp->norm_eps), s->rope[0], m->rope_neox);
    x = add(x, linear(mica_attend(q, k, v, m, i, s), l->o, NULL));
    h = rms_norm(x, l->ffn_norm, hp->norm_eps);
    return add(x, linear(silu_mul(linear(h, l->gate, NULL), linear(h, l->up, NULL)), l->down, NULL));
}

const struct mica_arch mica_arch_qwen3 = {
    .name = "qwen3",
    .hf_model_types = "qwen3",
    .configure = configure,
    .load_layer = load_layer,
    .block = block,
};
