/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The kernel table. ref/ fills every row in plain C; x86/ overrides rows where the CPU allows. All variants
 * of a row give the same bits (docs/reproducibility.md). Kernels check nothing: shapes are the caller's duty.
 * Every kernel works on one thread and touches only the outputs it names, so callers split work by rows,
 * groups or heads. */
#ifndef MICA_KERN_H
#define MICA_KERN_H

#include "kern/packed.h"

/* ---- matrix products
 * -------------------------------------------------------------------------------------------- */

/* What a product adds before it is stored, in this order: + bias[n], + residual[m][n]. Each may be NULL. */
struct mica_epilogue {
    const float *bias;     /* [N] */
    const float *residual; /* [M] rows of ld_residual floats */
    int64_t ld_residual;
};

/* out[m][n] = Σk act[m][k] · W[n][k] for m < M and the rows n of groups [g0, g1) (n < w->n); out has rows of
 * ld floats. act: for quantised types struct mica_act_block[M][K/32]; for F32, F16, BF16 float[M][K].
 *
 * Per lane, with a block of 32 (Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q4_K Q5_K IQ4_NL IQ4_XS MXFP4):
 *   I = Σ code·q − zero·Σq (int32)   s = the block's scale in f32 (for K types d × (float)scale, exact)
 *   acc = fma((float)I, s × act.d, acc)          and, with minimums:  low = fma(min, act.s, low)
 *   (min = m for Q4_1 Q5_1; −(dmin × (float)m) for Q4_K Q5_K)
 * with two scales per block (Q2_K Q3_K Q6_K):
 *   I = scale0·I0 + scale1·I1 (int32)             acc = fma((float)I, d × act.d, acc)
 *   Q2_K also: J = min0·Σq0 + min1·Σq1 (int32)    low = fma((float)J, −(dmin × act.d), low)
 * and F32 F16 BF16:  acc = fma(w, x, acc) for k = 0, 1, 2, …
 * The result is acc + low (acc alone where there are no minimums), then the epilogue. */
typedef void mica_matmul_fn(const struct mica_packed *w, const void *act, int64_t m, int64_t g0, int64_t g1,
                            float *out, int64_t ld, const struct mica_epilogue *epilogue);

/* x:[K] → out:[K/32]; K a multiple of 32. inv = 127 / amax (0 when amax is 0), q = round-to-even(x × inv), d
 * = amax / 127. */
typedef void mica_quantize_fn(const float *x, int64_t k, struct mica_act_block *out);

/* ---- rows of floats
 * --------------------------------------------------------------------------------------------- */

/* Sums over a row use 16 lanes: lane l adds elements l, l + 16, … with fmaf in order; missing elements are 0;
 * the lanes meet in a fixed tree: l += l + 8, then + 4, + 2, + 1. */

/* out[n] = x[n] / sqrt(mean(x²) + eps) × w[n]  (scale = 1 / sqrt(sum / n + eps) in IEEE f32 operations; (x ×
 * scale) × w) */
typedef void mica_rms_norm_fn(const float *x, const float *w, int64_t n, float eps, float *out);
/* out[n] = (x − mean) / sqrt(var + eps) × w + b; b may be NULL. mean = sum / n; var = sum of fma(d, d, lane)
 * with d = x − mean, / n; scale as above; y = d × scale, then fma(y, w, b), or y × w without b. */
typedef void mica_layer_norm_fn(const float *x, const float *w, const float *b, int64_t n, float eps,
                                float *out);
/* out[n] = f(a[n], b[n]); out may be a or b */
typedef void mica_binary_fn(const float *a, const float *b, int64_t n, float *out);
/* out[n] = f(x[n]); out may be x
 *   silu: a / (1 + exp(−a))
 *   gelu: t = fma(0.044715 × (a × a), a, a);  a / (1 + exp(t × −2√(2/π)))   which is the tanh form
 *   gelu_erf: (0.5 × a) × (1 + erf(a × √½))
 * with exp, tanh, erf as math_poly.h has them. Finite inputs give no NaN. silu_mul, gelu_mul: f(a) × b. */
typedef void mica_unary_fn(const float *x, int64_t n, float *out);
/* out[n] = x[n] × c */
typedef void mica_scale_fn(const float *x, float c, int64_t n, float *out);
/* out[n] = cap × tanh(x[n] / cap) */
typedef void mica_softcap_fn(const float *x, float cap, int64_t n, float *out);
/* x:[n] → its maximum (−inf for n = 0, never −0); NaN counts as −inf */
typedef float mica_max_fn(const float *x, int64_t n);
/* Σ exp((x[i] − shift)) over [n], 16 lanes and tree as above */
typedef float mica_sum_exp_fn(const float *x, float shift, int64_t n);
/* out[n] = exp(x − max) / Σ, Σ by 16 lanes and tree; out may be x; at least one x is finite and none +inf */
typedef void mica_softmax_fn(const float *x, int64_t n, float *out);

/* Rotates the first 2·half elements of one head x:[D] in place by cos_sin:[half][2] (cos, sin interleaved).
 * neox: pairs are (i, i + half), else (2i, 2i + 1). a' = a·c − b·s as fma(−b, s, a·c); b' = fma(a, s, b·c).
 */
typedef void mica_rope_fn(float *x, const float *cos_sin, int64_t half, bool neox);

/* ---- attention over KV blocks
 * ------------------------------------------------------------------------------------ */

enum { MICA_KV_BLOCK = 32, MICA_ATTN_PART = 512 }; /* positions */
enum mica_kv_type { MICA_KV_F16, MICA_KV_Q8_0, MICA_KV_F32, MICA_KV_COUNT };

/* One layer's cache. A block holds 32 positions: for each KV head first K then V, at
 *   data + block × block_bytes + kv_head × head_bytes.
 * K (f16):  [2 halves of 16 positions][D][16] f16.   V (f16): [32][D] f16.
 * K (q8_0): per half of 16 positions: codes [D/4][16 positions][4] s8 stored + 128, then f16 d[D/32][16];
 * V (q8_0): codes [32][D] s8, then f16 d[32][D/32].   D is a multiple of 32 (callers pad smaller heads).
 * f32 lies like f16; it rounds nothing and is for measurements: only plain C computes it. */
struct mica_kv_layer {
    uint8_t *data;
    enum mica_kv_type type;
    int n_kv_heads, head_dim;
    size_t k_bytes, head_bytes, block_bytes;
};
/* Sets the three sizes from type, n_kv_heads and head_dim. */
void mica_kv_layer_sizes(struct mica_kv_layer *layer);

/* Stores k, v:[n_kv_heads][D] of one token at position pos of the sequence whose blocks are block_table. */
typedef void mica_kv_store_fn(const struct mica_kv_layer *layer, const int32_t *block_table, int64_t pos,
                              const float *k, const float *v);

/* Attention of n_q query tokens at positions pos0 … pos0 + n_q − 1 of one sequence, for the query heads that
 * share kv_head. q, out: rows of ld floats per token, head h at h × D; the heads are kv_head × (n_heads /
 * n_kv_heads) + i. A query at position p sees positions max(0, p − window + 1) … p (window 0: all from 0).
 * Scores are (q·k) × scale, softcapped when softcap > 0. Tiles of 32 positions aligned to absolute positions
 * run in order with a running maximum; every MICA_ATTN_PART positions (aligned) a new part (max, sum, out)
 * starts, and parts merge in order. So chunking, batch and threads cannot change a bit. scratch:
 * mica_attention_scratch(...) bytes, 64-byte aligned, private to the calling thread. */
struct mica_attention {
    const struct mica_kv_layer *layer;
    const int32_t *block_table;
    int64_t pos0, n_q, ld;
    int n_heads, kv_head;
    int head0, head1; /* of the heads that share kv_head, those to do; head1 0: all */
    float scale, softcap;
    int64_t window;
    const float *q;
    float *out;
    void *scratch;
};
typedef void mica_attention_fn(const struct mica_attention *args);
size_t mica_attention_scratch(int head_dim, int n_heads, int n_kv_heads);

/* ---- the table
 * --------------------------------------------------------------------------------------------------- */

struct mica_kern {
    const char *name; /* "ref", "avx2", "avx512" */
    mica_matmul_fn *matmul[MICA_W_COUNT];
    mica_quantize_fn *quantize;
    mica_rms_norm_fn *rms_norm;
    mica_layer_norm_fn *layer_norm;
    mica_binary_fn *add, *mul, *silu_mul, *gelu_mul; /* act(a) × b; gelu is the tanh form */
    mica_unary_fn *silu, *gelu, *gelu_erf, *exp;
    mica_scale_fn *scale;
    mica_softcap_fn *softcap;
    mica_max_fn *max;
    mica_sum_exp_fn *sum_exp;
    mica_softmax_fn *softmax;
    mica_rope_fn *rope;
    mica_kv_store_fn *kv_store[MICA_KV_COUNT];
    mica_attention_fn *attention[MICA_KV_COUNT];
};

/* The table for this CPU, chosen once; MICA_ISA=ref|avx2|avx512 forces one (an unknown or unsupported value
 * falls back to the best and is reported by mica_kern_isa_error). Thread-safe. */
const struct mica_kern *mica_kern_get(void);
/* NULL, or what is wrong with MICA_ISA. */
const char *mica_kern_isa_error(void);
/* The table called name if this CPU can run it, else NULL: for tests that compare variants. */
const struct mica_kern *mica_kern_named(const char *name);

/* Each ISA's file overrides the rows it has. */
void mica_kern_init_ref(struct mica_kern *kern);
void mica_kern_init_avx2(struct mica_kern *kern);
void mica_kern_init_avx512(struct mica_kern *kern);

#endif
