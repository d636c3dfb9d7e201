/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Qwen3 (https://arxiv.org/abs/2505.09388): Llama's block with each q and k head normalised before it is
 * rotated. */
#include "model/model.h"

static enum mica_status configure(struct mica_model *m, struct mica_err *err)
{
    return mica_arch_qwen2.configure(m, err);
}

static void load_layer(struct mica_loader *ld, struct mica_layer *l, int i)
{
    int64_t d = ld->model->hp.head_dim;
    mica_load_llama_layer(ld, l, i);
    l->q_norm =
        mica_load_vector(ld, "blk.%d.attn_q_norm.weight", "layers.%d.self_attn.q_norm.weight", i, d, 0);
    l->k_norm =
        mica_load_vector(ld, "blk.%d.attn_k_norm.weight", "layers.%d.self_attn.k_norm.weight", i, d, 0);
}

const struct mica_arch mica_arch_qwen3 = {
    .name = "qwen3",
    .hf_model_types = "qwen3",
    .hf_defaults = "{\"rms_norm_eps\": 1e-6, \"max_position_embeddings\": 32768, \"max_window_layers\": 28, "
                   "\"sliding_window\": 4096, \"head_dim\": 128}",
    .hf_activation = "silu",
    .configure = configure,
    .load_layer = load_layer,
    .block = mica_llama_block,
};
