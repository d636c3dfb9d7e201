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

void mica_load_llama_layer(struct mica_loader *ld, struct mica_layer *l, int i)
{
    const struct mica_hparams *hp = &ld->model->hp;
    int64_t d = hp->d_model, f = hp->d_ff, q = hp->n_heads * hp->head_dim, kv = hp->n_kv_heads * hp->head_dim;
    l->attn_norm =
        mica_load_vector(ld, "blk.%d.attn_norm.weight", "layers.%d.input_layernorm.weight", i, d, 0);
    l->q = mica_load_matrix(ld, "blk.%d.attn_q.weight", "layers.%d.self_attn.q_proj.weight", i, q, d);
    l->k = mica_load_matrix(ld, "blk.%d.attn_k.weight", "layers.%d.self_attn.k_proj.weight", i, kv, d);
    l->v = mica_load_matrix(ld, "blk.%d.attn_v.weight", "layers.%d.self_attn.v_proj.weight", i, kv, d);
    l->o = mica_load_matrix(ld, "blk.%d.attn_output.weight", "layers.%d.self_attn.o_proj.weight", i, d, q);
    l->q_bias = mica_load_optional_vector(ld, "blk.%d.attn_q.bias", "layers.%d.self_attn.q_proj.bias", i, q);
    l->k_bias = mica_load_optional_vector(ld, "blk.%d.attn_k.bias", "layers.%d.self_attn.k_proj.bias", i, kv);
    l->v_bias = mica_load_optional_vector(ld, "blk.%d.attn_v.bias", "layers.%d.self_attn.v_proj.bias", i, kv);
    l->o_bias =
        mica_load_optional_vector(ld, "blk.%d.attn_output.bias", "layers.%d.self_attn.o_proj.bias", i, d);
    l->ffn_norm =
        mica_load_vector(ld, "blk.%d.ffn_norm.weight", "layers.%d.post_attention_layernorm.weight", i, d, 0);
    l->gate = mica_load_matrix(ld, "blk.%d.ffn_gate.weight", "layers.%d.mlp.gate_proj.weight", i, f, d);
    l->up = mica_load_matrix(ld, "blk.%d.ffn_up.weight", "layers.%d.mlp.up_proj.weight", i, f, d);
    l->down = mica_load_matrix(ld, "blk.%d.ffn_down.weight", "layers.%d.mlp.down_proj.weight", i, d, f);
    l->gate_bias =
        mica_load_optional_vector(ld, "blk.%d.ffn_gate.bias", "layers.%d.mlp.gate_proj.bias", i, f);
    l->up_bias = mica_load_optional_vector(ld, "blk.%d.ffn_up.bias", "layers.%d.mlp.up_proj.bias", i, f);
    l->down_bias =
        mica_load_optional_vector(ld, "blk.%d.ffn_down.bias", "layers.%d.mlp.down_proj.bias", i, d);
}

/* x:[T,D] → [T,D]; one pre-norm block with grouped-query attention and a gated feed-forward */
struct mica_tensor *mica_llama_block(struct mica_tensor *x, const struct mica_model *m, int i,
                                     const struct mica_step *s)
{
    const struct mica_layer *l = &m->layers[i];
    const struct mica_hparams *hp = &m->hp;
    struct mica_tensor *h = rms_norm(x, l->attn_norm, hp->norm_eps);
    struct mica_tensor *q = mica_heads(linear(h, l->q, l->q_bias), s, hp->n_heads, hp->head_dim);
    struct mica_tensor *k = mica_heads(linear(h, l->k, l->k_bias), s, hp->n_kv_heads, hp->head_dim);
    struct mica_tensor *v = mica_heads(linear(h, l->v, l->v_bias), s, hp->n_kv_heads, hp->head_dim);
    q = rope(l->q_norm ? rms_norm(q, l->q_norm, hp->norm_eps) : q, s->rope[0], m->rope_neox);
    k = rope(l->k_norm ? rms_norm(k, l->k_norm, hp->norm_eps) : k, s->rope[0], m->rope_neox);
    x = add(x, linear(mica_attend(q, k, v, m, i, s), l->o, l->o_bias));
    h = rms_norm(x, l->ffn_norm, hp->norm_eps);
    h = silu_mul(linear(h, l->gate, l->gate_bias), linear(h, l->up, l->up_bias));
    return add(x, linear(h, l->down, l->down_bias));
}

const struct mica_arch mica_arch_llama = {
    .name = "llama",
    .hf_model_types = "llama mistral smollm",
    .hf_defaults = "{\"rms_norm_eps\": 1e-6, \"max_position_embeddings\": 2048}",
    .hf_activation = "silu",
    .configure = configure,
    .load_layer = mica_load_llama_layer,
    .block = mica_llama_block,
    .gguf_interleaved_rope = true,
};
