/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Phi-3 (https://arxiv.org/abs/2404.14219): Llama's block; files keep q, k, v in one matrix and gate, up in
 * another. */
#include "model/model.h"

static enum mica_status configure(struct mica_model *m, struct mica_err *err)
{
    mica_source_int(&m->source, "attention.sliding_window", "sliding_window", &m->hp.window);
    return mica_rope_configure(m, "full_attention", m->hp.rope_base, &m->rope[0], err);
}

static void load_layer(struct mica_loader *ld, struct mica_layer *l, int i)
{
    const struct mica_hparams *hp = &ld->model->hp;
    int64_t d = hp->d_model, f = hp->d_ff, q = hp->n_heads * hp->head_dim, kv = hp->n_kv_heads * hp->head_dim;
    static const char qkv_gguf[] = "blk.%d.attn_qkv.weight", qkv_hf[] = "layers.%d.self_attn.qkv_proj.weight";
    static const char up_gguf[] = "blk.%d.ffn_up.weight", up_hf[] = "layers.%d.mlp.gate_up_proj.weight";
    l->attn_norm =
        mica_load_vector(ld, "blk.%d.attn_norm.weight", "layers.%d.input_layernorm.weight", i, d, 0);
    l->q = mica_load_rows(ld, qkv_gguf, qkv_hf, i, q + 2 * kv, 0, q, d);
    l->k = mica_load_rows(ld, qkv_gguf, qkv_hf, i, q + 2 * kv, q, kv, d);
    l->v = mica_load_rows(ld, qkv_gguf, qkv_hf, i, q + 2 * kv, q + kv, kv, d);
    l->o = mica_load_matrix(ld, "blk.%d.attn_output.weight", "layers.%d.self_attn.o_proj.weight", i, d, q);
    l->ffn_norm =
        mica_load_vector(ld, "blk.%d.ffn_norm.weight", "layers.%d.post_attention_layernorm.weight", i, d, 0);
    l->gate = mica_load_rows(ld, up_gguf, up_hf, i, 2 * f, 0, f, d);
    l->up = mica_load_rows(ld, up_gguf, up_hf, i, 2 * f, f, f, d);
    l->down = mica_load_matrix(ld, "blk.%d.ffn_down.weight", "layers.%d.mlp.down_proj.weight", i, d, f);
}

const struct mica_arch mica_arch_phi3 = {
    .name = "phi3",
    .hf_model_types = "phi3",
    .hf_defaults = "{\"rms_norm_eps\": 1e-5, \"max_position_embeddings\": 4096, "
                   "\"original_max_position_embeddings\": 4096}",
    .hf_activation = "silu",
    .configure = configure,
    .load_layer = load_layer,
    .block = mica_llama_block,
};
