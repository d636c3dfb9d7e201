/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Models: hyper-parameters, weights and the forward function of each architecture. */
#ifndef MICA_MODEL_H
#define MICA_MODEL_H

#include "model/source.h"
#include "tensor/tensor.h"

/* What a decoder-only transformer states about itself. One row each in hparams.def. */
struct mica_hparams {
    int64_t n_layers, d_model, n_heads, n_kv_heads, head_dim, d_ff, n_vocab, n_ctx;
    int64_t rope_dim; /* rotated elements of a head */
    int64_t window;   /* sliding window in positions; 0: none */
    double norm_eps, rope_base;
    double attn_scale;                  /* scores are multiplied by it */
    double attn_softcap, logit_softcap; /* 0: none */
};

/* Rotary position embedding (https://arxiv.org/abs/2104.09864): the frequencies after scaling. */
struct mica_rope {
    int64_t half;          /* pairs */
    double *inv_freq;      /* [half], in radians per position */
    double *long_inv_freq; /* LongRoPE: [half] for contexts beyond original_ctx; else NULL */
    int64_t original_ctx;
    double attention_factor; /* multiplies cos and sin (YaRN, LongRoPE); usually 1 */
};

/* One transformer block. An architecture uses the tensors that it has; the rest stay NULL. */
struct mica_layer {
    struct mica_tensor *attn_norm, *q, *k, *v, *o;         /* [D] [H·d,D] [Hkv·d,D] [Hkv·d,D] [D,H·d] */
    struct mica_tensor *q_bias, *k_bias, *v_bias, *o_bias; /* [H·d] [Hkv·d] [Hkv·d] [D] */
    struct mica_tensor *q_norm, *k_norm;                   /* [d] */
    struct mica_tensor *attn_post_norm, *ffn_norm, *ffn_post_norm; /* [D] */
    struct mica_tensor *gate, *up, *down;                          /* [F,D] [F,D] [D,F] */
    struct mica_tensor *gate_bias, *up_bias, *down_bias;           /* [F] [F] [D] */
    bool is_local; /* attends within the sliding window, where the model has one; by default every layer */
};

enum { MICA_MAX_ROPES = 2 };

struct mica_model {
    const struct mica_arch *arch;
    struct mica_source source; /* kept: metadata, tokenizer texts */
    struct mica_hparams hp;
    bool rope_neox; /* which pairs rotate: (i, i + half), or (2i, 2i + 1) as GGUF stores llama */
    int n_ropes;    /* 2: rope[0] for global layers, rope[1] for local ones */
    struct mica_rope rope[MICA_MAX_ROPES];
    struct mica_tensor *embed, *out_norm, *output; /* [V,D] [D] [V,D] */
    struct mica_layer *layers;
    struct mica_arena arena;  /* descriptors and vectors */
    struct mica_pages pages;  /* packed weights */
    struct mica_packed_list { /* packed matrices */
        struct mica_packed **items;
        int64_t n, capacity;
    } packed;
    size_t weight_bytes; /* packed weights and vectors, resident */
};

/* What one forward pass runs on. */
struct mica_step {
    struct mica_context *ctx;
    struct mica_tensor *ids;                  /* I32 [T] */
    struct mica_tensor *rope[MICA_MAX_ROPES]; /* [T,half,2] */
    struct mica_tensor *out_rows;             /* I32 [R]: the rows whose logits are wanted */
    int64_t n_tokens;
    const struct mica_kv_batch *kv;
};

/* Collects the first error, so that an architecture's load function reads as a list of its tensors. */
struct mica_loader {
    struct mica_model *model;
    struct mica_pool *pool;
    enum mica_status status;
    struct mica_err *err;
    bool *used; /* [tensors of the source] */
};
/* W:[n,k], packed. Names may hold one %d for the layer. After a failure every load returns NULL at once. */
struct mica_tensor *mica_load_matrix(struct mica_loader *ld, const char *gguf_name, const char *hf_name,
                                     int layer, int64_t n, int64_t k);
/* Rows [row0, row0 + n) of a stored matrix of total rows: for projections that a file keeps fused. */
struct mica_tensor *mica_load_rows(struct mica_loader *ld, const char *gguf_name, const char *hf_name,
                                   int layer, int64_t total, int64_t row0, int64_t n, int64_t k);
/* A vector [n] in f32, plus offset (Gemma's HF files store norm weights minus one). */
struct mica_tensor *mica_load_vector(struct mica_loader *ld, const char *gguf_name, const char *hf_name,
                                     int layer, int64_t n, float offset);
/* The same, or NULL without an error when the file has no such tensor. */
struct mica_tensor *mica_load_optional_vector(struct mica_loader *ld, const char *gguf_name,
                                              const char *hf_name, int layer, int64_t n);

/* Refuses a file whose blocks hold tensors that nobody loaded: it is another architecture than it says. */
void mica_load_nothing_left(struct mica_loader *ld);

/* One row per architecture in arch.def, one file each. */
struct mica_arch {
    const char *name;           /* GGUF's general.architecture */
    const char *hf_model_types; /* space-separated model_type values */
    const char *hf_defaults;    /* JSON: what config.json need not say */
    const char *hf_activation;  /* the only hidden_act that block computes */
    /* Completes hp and rope after the common keys are read. May be NULL. */
    enum mica_status (*configure)(struct mica_model *m, struct mica_err *err);
    void (*load_layer)(struct mica_loader *ld, struct mica_layer *layer, int i);
    /* x:[T,D] → [T,D]: block i. */
    struct mica_tensor *(*block)(struct mica_tensor *x, const struct mica_model *m, int i,
                                 const struct mica_step *s);
    float (*embed_scale)(const struct mica_model *m); /* NULL: 1 */
    bool gguf_interleaved_rope;                       /* GGUF's q and k rotate (2i, 2i + 1) */
    float hf_norm_offset;                             /* added to norm weights read from HF files */
};
#define X(name) extern const struct mica_arch mica_arch_##name;
#include "model/arch.def"
#undef X
/* The architecture called name (GGUF) or model_type (HF), or NULL. */
const struct mica_arch *mica_arch_find(const char *name, bool hf);

/* Loads weights and hyper-parameters; on success the model owns src's contents. pool may be NULL. */
enum mica_status mica_model_load_weights(struct mica_source *src, struct mica_pool *pool,
                                         struct mica_model **out, struct mica_err *err);
void mica_model_unload(struct mica_model *m);

/* Only the hyper-parameters: what mica show needs. Fills hp, rope and arch of *m, which holds no weights. */
enum mica_status mica_model_configure(struct mica_model *m, struct mica_err *err);

/* ids → logits [R,V]: embed, every block, final norm, output. The same function serves and evaluates. */
struct mica_tensor *mica_model_forward(const struct mica_model *m, const struct mica_step *s);

/* Reads the frequencies for one kind of layer ("full_attention" or "sliding_attention") into *rope. */
enum mica_status mica_rope_configure(struct mica_model *m, const char *layer_type, double base,
                                     struct mica_rope *rope, struct mica_err *err);
/* table:[half][2] = cos and sin of position × frequency, × attention_factor, in a sequence of ctx positions
 * at most. */
void mica_rope_table(const struct mica_rope *rope, int64_t ctx, int64_t position, float *table);

/* ---- pieces that several architectures share
 * ------------------------------------------------------------------- */

/* Llama's tensors of one block, with biases where the file has them. */
void mica_load_llama_layer(struct mica_loader *ld, struct mica_layer *layer, int i);
/* Llama's block, x:[T,D] → [T,D]: with biases, and with q and k normalised, where layer i has such tensors.
 */
struct mica_tensor *mica_llama_block(struct mica_tensor *x, const struct mica_model *m, int i,
                                     const struct mica_step *s);
/* Whether config.json's layer_types calls layer i local; otherwise when it does not say. */
bool mica_layer_is_local(const struct mica_model *m, int64_t i, bool otherwise);

/* x:[T,K] → [T,heads,d] */
static inline struct mica_tensor *mica_heads(struct mica_tensor *x, const struct mica_step *s, int64_t heads,
                                             int64_t d)
{
    return reshape(x, s->n_tokens, heads, d);
}

/* Causal attention of block i over the cache, heads merged again: [T,H,d] → [T,H·d] */
struct mica_tensor *mica_attend(struct mica_tensor *q, struct mica_tensor *k, struct mica_tensor *v,
                                const struct mica_model *m, int i, const struct mica_step *s);

#endif
