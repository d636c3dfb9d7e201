/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Qwen2 and Qwen2.5 (https://arxiv.org/abs/2407.10671): Llama's block with biases on q, k and v. */
#include "model/model.h"

static enum mica_status configure(struct mica_model *m, struct mica_err *err)
{
    bool windowed = false;
    mica_source_bool(&m->source, NULL, "use_sliding_window", &windowed);
    if (windowed)
        return mica_fail(err, MICA_EUNSUPPORTED, "qwen2: use_sliding_window is not supported");
    return mica_rope_configure(m, "full_attention", m->hp.rope_base, &m->rope[0], err);
}

static void load_layer(struct mica_loader *ld, struct mica_layer *l, int i)
{
    const struct mica_hparams *hp = &ld->model->hp;
    int64_t q = hp->n_heads * hp->head_dim, kv = hp->n_kv_heads * hp->head_dim;
    mica_arch_llama.load_layer(ld, l, i);
    l->q_bias = mica_load_vector(ld, "blk.%d.attn_q.bias", "layers.%d.self_attn.q_proj.bias", i, q, 0);
    l->k_bias = mica_load_vector(ld, "blk.%d.attn_k.bias", "layers.%d.self_attn.k_proj.bias", i, kv, 0);
    l->v_bias = mica_load_vector(ld, "blk.%d.attn_v.bias", "layers.%d.self_attn.v_proj.bias", i, kv, 0);
}

/* x:[T,D] → [T,D] */
static struct mica_tensor *block(struct mica_tensor *x, const struct mica_model *m, int i,
                                 const struct mica_step *s)
{
    const struct mica_layer *l = &m->layers[i];
    const struct mica_hparams *hp = &m->hp;
    struct mica_tensor *h = rms_norm(x, l->attn_norm, hp->norm_eps);
    struct mica_tensor *q = mica_heads(linear(h, l->q, l->q_bias), s, hp->n_heads, hp->head_dim);
    struct mica_tensor *k = mica_heads(linear(h, l->k, l->k_bias), s, hp->n_kv_heads, hp->head_dim);
    struct mica_tensor *v = mica_heads(linear(h, l->v, l->v_bias), s, hp->n_kv_heads, hp->head_dim);
    q = rope(q, s->rope[0], m->rope_neox);
    k = rope(k, s->rope[0], m->rope_neox);
    x = add(x, linear(mica_attend(q, k, v, m, i, s), l->o, NULL));
    h = rms_norm(x, l->ffn_norm, hp->norm_eps);
    return add(x, linear(silu_mul(linear(h, l->gate, NULL), linear(h, l->up, NULL)), l->down, NULL));
}

const struct mica_arch mica_arch_qwen2 = {
    .name = "qwen2",
    .hf_model_types = "qwen2",
    .configure = configure,
    .load_layer = load_layer,
    .block = block,
};
