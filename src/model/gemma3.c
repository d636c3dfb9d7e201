/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Gemma 3 (https://arxiv.org/abs/2503.19786): five layers with a sliding window to one that sees everything,
 * norms before and after both halves of a block, normalised q and k, and a tanh-GELU gate. */
#include "model/model.h"

#include <math.h>

enum { GLOBAL_EVERY = 6, LAYERS_27B = 62 };

static enum mica_status configure(struct mica_model *m, struct mica_err *err)
{
    struct mica_hparams *hp = &m->hp;
    double local_base = 10000, scalar = (double)hp->head_dim;
    int64_t every = GLOBAL_EVERY;
    mica_source_int(&m->source, "attention.sliding_window", "sliding_window", &hp->window);
    mica_source_int(&m->source, "attention.sliding_window_pattern", "sliding_window_pattern", &every);
    if (hp->n_layers ==
        LAYERS_27B) /* GGUF states no scalar; only the 27B model's differs from the head width */
        scalar = (double)hp->d_model / (double)hp->n_heads;
    mica_source_float(&m->source, NULL, "query_pre_attn_scalar", &scalar);
    mica_source_float(&m->source, "rope.freq_base_swa", "rope_local_base_freq", &local_base);
    mica_source_float(&m->source, NULL, "rope_parameters.sliding_attention.rope_theta", &local_base);
    if (every < 1 || scalar <= 0)
        return mica_fail(err, MICA_EFORMAT,
                         "gemma3: sliding_window_pattern and query_pre_attn_scalar must be positive");
    hp->attn_scale = 1 / sqrt(scalar);
    for (int64_t i = 0; i < hp->n_layers; i++)
        m->layers[i].is_local = mica_layer_is_local(m, i, (i + 1) % every != 0);
    m->n_ropes = 2;
    enum mica_status status = mica_rope_configure(m, "full_attention", hp->rope_base, &m->rope[0], err);
    return status != MICA_OK ? status
                             : mica_rope_configure(m, "sliding_attention", local_base, &m->rope[1], err);
}

static void load_layer(struct mica_loader *ld, struct mica_layer *l, int i)
{
    const struct mica_hparams *hp = &ld->model->hp;
    int64_t dim = hp->d_model, head = hp->head_dim;
    float one = mica_source_is_hf(&ld->model->source) ? ld->model->arch->hf_norm_offset : 0;
    int64_t q = hp->n_heads * head, kv = hp->n_kv_heads * head;
    l->attn_norm =
        mica_load_vector(ld, "blk.%d.attn_norm.weight", "layers.%d.input_layernorm.weight", i, dim, one);
    l->q = mica_load_matrix(ld, "blk.%d.attn_q.weight", "layers.%d.self_attn.q_proj.weight", i, q, dim);
    l->k = mica_load_matrix(ld, "blk.%d.attn_k.weight", "layers.%d.self_attn.k_proj.weight", i, kv, dim);
    l->v = mica_load_matrix(ld, "blk.%d.attn_v.weight", "layers.%d.self_attn.v_proj.weight", i, kv, dim);
    l->q_norm =
        mica_load_vector(ld, "blk.%d.attn_q_norm.weight", "layers.%d.self_attn.q_norm.weight", i, head, one);
    l->k_norm =
        mica_load_vector(ld, "blk.%d.attn_k_norm.weight", "layers.%d.self_attn.k_norm.weight", i, head, one);
    l->o = mica_load_matrix(ld, "blk.%d.attn_output.weight", "layers.%d.self_attn.o_proj.weight", i, dim, q);
    l->attn_post_norm = mica_load_vector(ld, "blk.%d.post_attention_norm.weight",
                                         "layers.%d.post_attention_layernorm.weight", i, dim, one);
    l->ffn_norm = mica_load_vector(ld, "blk.%d.ffn_norm.weight", "layers.%d.pre_feedforward_layernorm.weight",
                                   i, dim, one);
    l->gate =
        mica_load_matrix(ld, "blk.%d.ffn_gate.weight", "layers.%d.mlp.gate_proj.weight", i, hp->d_ff, dim);
    l->up = mica_load_matrix(ld, "blk.%d.ffn_up.weight", "layers.%d.mlp.up_proj.weight", i, hp->d_ff, dim);
    l->down =
        mica_load_matrix(ld, "blk.%d.ffn_down.weight", "layers.%d.mlp.down_proj.weight", i, dim, hp->d_ff);
    l->ffn_post_norm = mica_load_vector(ld, "blk.%d.post_ffw_norm.weight",
                                        "layers.%d.post_feedforward_layernorm.weight", i, dim, one);
}

/* x:[T,D] → [T,D] */
static struct mica_tensor *block(struct mica_tensor *x, const struct mica_model *m, int i,
                                 const struct mica_step *s)
{
    const struct mica_layer *l = &m->layers[i];
    const struct mica_hparams *hp = &m->hp;
    struct mica_tensor *table = s->rope[l->is_local ? 1 : 0];
    struct mica_tensor *h = rms_norm(x, l->attn_norm, hp->norm_eps);
    struct mica_tensor *q = mica_heads(linear(h, l->q, NULL), s, hp->n_heads, hp->head_dim);
    struct mica_tensor *k = mica_heads(linear(h, l->k, NULL), s, hp->n_kv_heads, hp->head_dim);
    struct mica_tensor *v = mica_heads(linear(h, l->v, NULL), s, hp->n_kv_heads, hp->head_dim);
    q = rope(rms_norm(q, l->q_norm, hp->norm_eps), table, m->rope_neox);
    k = rope(rms_norm(k, l->k_norm, hp->norm_eps), table, m->rope_neox);
    h = linear(mica_attend(q, k, v, m, i, s), l->o, NULL);
    x = add(x, rms_norm(h, l->attn_post_norm, hp->norm_eps));
    h = rms_norm(x, l->ffn_norm, hp->norm_eps);
    h = linear(gelu_mul(linear(h, l->gate, NULL), linear(h, l->up, NULL)), l->down, NULL);
    return add(x, rms_norm(h, l->ffn_post_norm, hp->norm_eps));
}

static float embed_scale(const struct mica_model *m)
{
    return sqrtf((float)m->hp.d_model);
}

const struct mica_arch mica_arch_gemma3 = {
    .name = "gemma3",
    .hf_model_types = "gemma3_text gemma3",
    .hf_defaults = "{\"num_attention_heads\": 8, \"num_key_value_heads\": 4, \"head_dim\": 256, "
                   "\"rms_norm_eps\": 1e-6, \"max_position_embeddings\": 131072, \"rope_theta\": 1e6, "
                   "\"sliding_window\": 4096, \"query_pre_attn_scalar\": 256, \"tie_word_embeddings\": true}",
    .hf_activation = "gelu_pytorch_tanh",
    .configure = configure,
    .load_layer = load_layer,
    .block = block,
    .embed_scale = embed_scale,
    .hf_norm_offset = 1,
};
