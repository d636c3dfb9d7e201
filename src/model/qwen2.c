/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Qwen2 and Qwen2.5 (https://arxiv.org/abs/2407.10671): Llama's block with biases on q, k and v; the upper
 * layers may have a sliding window. */
#include "model/model.h"

static enum mica_status configure(struct mica_model *m, struct mica_err *err)
{
    bool windowed = false;
    int64_t first = m->hp.n_layers;
    mica_source_bool(&m->source, NULL, "use_sliding_window", &windowed);
    mica_source_int(&m->source, NULL, "max_window_layers", &first);
    if (windowed)
        mica_source_int(&m->source, NULL, "sliding_window", &m->hp.window);
    for (int64_t i = 0; i < m->hp.n_layers; i++)
        m->layers[i].is_local = mica_layer_is_local(m, i, i >= first);
    return mica_rope_configure(m, "full_attention", m->hp.rope_base, &m->rope[0], err);
}

const struct mica_arch mica_arch_qwen2 = {
    .name = "qwen2",
    .hf_model_types = "qwen2",
    .hf_defaults = "{\"rms_norm_eps\": 1e-6, \"max_position_embeddings\": 32768, \"max_window_layers\": 28, "
                   "\"sliding_window\": 4096}",
    .hf_activation = "silu",
    .configure = configure,
    .load_layer = mica_load_llama_layer,
    .block = mica_llama_block,
};
