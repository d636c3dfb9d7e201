/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Llama (https://arxiv.org/abs/2302.13971, with grouped-query attention), and what shares its shape: Mistral,
 * SmolLM. */
#include "model/model.h"

static enum mica_status configure(struct mica_model *m, struct mica_err *err)
{
    /* Mistral's HF files state a window; null or absent means none. */
    mica_source_int(&m->source, NULL, "sliding_window", &m->hp.window);
    return mica_rope_configure(m, "full_attention", m->hp.rope_base, &m->rope[0], err);
}

static void load_layer(struct mica_loader *ld, struct mica_layer *l, int i)
{
    const struct mica_hparams *hp = &ld->model->hp;
    int64_t d = hp->d_model, q = hp->n_heads * hp->head_dim, kv = hp->n_kv_heads * hp->head_dim;
    l->attn_norm =
        mica_load_vector(ld, "blk.%d.attn_norm.weight", "layers.%d.input_layernorm.weight", i, d, 0);
    l->q = mica_load_matrix(ld, "blk.%d.attn_q.weight", "layers.%d.self_attn.q_proj.weight", i, q, d);
    l->k = mica_load_matrix(ld, "blk.%d.attn_k.weight", "layers.%d.self_attn.k_proj.weight", i, kv, d);
    l->v = mica_load_matrix(ld, "blk.%d.attn_v.weight", "layers.%d.self_attn.v_proj.weight", i, kv, d);
    l->o = mica_load_matrix(ld, "blk.%d.attn_output.weight", "layers.%d.self_attn.o_proj.weight", i, d, q);
    l->ffn_norm =
        mica_load_vector(ld, "blk.%d.ffn_norm.weight", "layers.%d.post_attention_layernorm.weight", i, d, 0);
    l->gate =
        mica_load_matrix(ld, "blk.%d.ffn_gate.weight", "layers.%d.mlp.gate_proj.weight", i, hp->d_ff, d);
    l->up = mica_load_matrix(ld, "blk.%d.ffn_up.weight", "layers.%d.mlp.up_proj.weight", i, hp->d_ff, d);
    l->down =
        mica_load_matrix(ld, "blk.%d.ffn_down.weight", "layers.%d.mlp.down_proj.weight", i, d, hp->d_ff);
}

/* x:[T,D] → [T,D]; one pre-norm block with grouped-query attention and a gated feed-forward */
static struct mica_tensor *block(struct mica_tensor *x, const struct mica_model *m, int i,
                                 const struct mica_step *s)
{
    const struct mica_layer *l = &m->layers[i];
    const struct mica_hparams *hp = &m->hp;
    struct mica_tensor *h = rms_norm(x, l->attn_norm, hp->norm_eps);
    struct mica_tensor *q = mica_heads(linear(h, l->q, NULL), s, hp->n_heads, hp->head_dim);
    struct mica_tensor *k = mica_heads(linear(h, l->k, NULL), s, hp->n_kv_heads, hp->head_dim);
    struct mica_tensor *v = mica_heads(linear(h, l->v, NULL), s, hp->n_kv_heads, hp->head_dim);
    q = rope(q, s->rope[0], m->rope_neox);
    k = rope(k, s->rope[0], m->rope_neox);
    x = add(x, linear(mica_attend(q, k, v, m, i, s), l->o, NULL));
    h = rms_norm(x, l->ffn_norm, hp->norm_eps);
    return add(x, linear(silu_mul(linear(h, l->gate, NULL), linear(h, l->up, NULL)), l->down, NULL));
}

const struct mica_arch mica_arch_llama = {
    .name = "llama",
    .hf_model_types = "llama mistral smollm",
    .configure = configure,
    .load_layer = load_layer,
    .block = block,
    .gguf_interleaved_rope = true,
};
