/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The KV cache and attention with AVX-512: a micro tile is 8 rows × 32 positions for the scores, 8 rows × 32
 * elements for the values, each 16 accumulators. */
#include "kern/init.h"
#include "kern/math.h"
#include "kern/quant.h"
#include "kern/x86/avx512/math.h"
#include "kern/x86/attention_rows.inc"

static inline __m512 load_f16(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

static inline __m512 load_s8(const int8_t *p)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)));
}

/* ---- storing */

/* 32 floats as mica_quantize does it: codes as bytes; returns the scale. */
static inline float quantize32(const float *x, __m256i *codes_out)
{
    __m512 a = _mm512_loadu_ps(x), b = _mm512_loadu_ps(x + 16);
    __m512i most = _mm512_max_epu32(_mm512_castps_si512(abs_ps(a)), _mm512_castps_si512(abs_ps(b)));
    float amax = _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128((int)_mm512_reduce_max_epu32(most))));
    float factor = 127.0f / amax;
    __m512 inv = _mm512_set1_ps(factor <= 0x1.fffffep127f ? factor : 0);
    /* a NaN becomes INT_MIN, whose low byte is 0 */
    __m128i low = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(_mm512_mul_ps(a, inv)));
    __m128i high = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(_mm512_mul_ps(b, inv)));
    *codes_out = _mm256_set_m128i(high, low);
    return amax / 127.0f;
}

static void kv_store_f16(const struct mica_kv_layer *layer, const int32_t *block_table, int64_t pos,
                         const float *k, const float *v)
{
    int dim = layer->head_dim, j = (int)(pos % MICA_KV_BLOCK);
    for (int h = 0; h < layer->n_kv_heads; h++, k += dim, v += dim) {
        uint8_t *head = mica_kv_tile(layer, block_table, pos / MICA_KV_BLOCK, h);
        uint16_t *k_out = (uint16_t *)head + (j / MICA_KV_HALF) * dim * MICA_KV_HALF + j % MICA_KV_HALF;
        uint16_t *v_out = (uint16_t *)(head + layer->k_bytes) + j * dim;
        for (int d = 0; d < dim; d += 16) {
            uint16_t column[16];
            _mm256_storeu_si256((__m256i *)column, _mm512_cvtps_ph(_mm512_loadu_ps(k + d), 0));
            _mm256_storeu_si256((__m256i *)(v_out + d), _mm512_cvtps_ph(_mm512_loadu_ps(v + d), 0));
            for (int i = 0; i < 16; i++)
                k_out[(d + i) * MICA_KV_HALF] = column[i];
        }
    }
}

static void kv_store_q8_0(const struct mica_kv_layer *layer, const int32_t *block_table, int64_t pos,
                          const float *k, const float *v)
{
    int dim = layer->head_dim, blocks = dim / MICA_ACT_BLOCK, j = (int)(pos % MICA_KV_BLOCK);
    int half = j / MICA_KV_HALF, lane = j % MICA_KV_HALF;
    for (int h = 0; h < layer->n_kv_heads; h++, k += dim, v += dim) {
        uint8_t *head = mica_kv_tile(layer, block_table, pos / MICA_KV_BLOCK, h);
        uint8_t *k_codes = head + (size_t)half * (layer->k_bytes / 2);
        uint16_t *k_scales = (uint16_t *)(k_codes + dim * MICA_KV_HALF);
        uint8_t *v_codes = head + layer->k_bytes;
        uint16_t *v_scales = (uint16_t *)(v_codes + dim * MICA_KV_BLOCK);
        for (int b = 0; b < blocks; b++) {
            __m256i codes;
            uint32_t words[8];
            k_scales[b * MICA_KV_HALF + lane] = _cvtss_sh(quantize32(k + b * MICA_ACT_BLOCK, &codes), 0);
            _mm256_storeu_si256((__m256i *)words, _mm256_xor_si256(codes, _mm256_set1_epi8(-128)));
            for (int i = 0; i < 8; i++)
                memcpy(k_codes + ((size_t)b * 8 + i) * (MICA_KV_HALF * 4) + lane * 4, &words[i], 4);
            v_scales[j * blocks + b] = _cvtss_sh(quantize32(v + b * MICA_ACT_BLOCK, &codes), 0);
            _mm256_storeu_si256((__m256i *)(v_codes + j * dim + b * MICA_ACT_BLOCK), codes);
        }
    }
}

/* ---- attention */

static void attn_load_query(struct attn_work *w, int row, const float *q)
{
    int dim = w->dim, i = row % ATTN_MICRO;
    size_t tile = (size_t)row / ATTN_MICRO;
    if (w->args->layer->type == MICA_KV_F16) {
        float *out = w->q + tile * dim * ATTN_MICRO + i;
        for (int d = 0; d < dim; d++)
            out[d * ATTN_MICRO] = q[d];
        return;
    }
    int blocks = dim / MICA_ACT_BLOCK;
    for (int b = 0; b < blocks; b++) {
        __m256i codes;
        int32_t words[8];
        float scale = quantize32(q + b * MICA_ACT_BLOCK, &codes);
        __m256i low =
            _mm256_dpbusd_epi32(_mm256_setzero_si256(), _mm256_set1_epi8(-128), codes); /* 128 × sum */
        __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
        sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
        sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1));
        size_t at = (tile * blocks + b) * ATTN_MICRO + i;
        w->q_scale[at] = scale;
        w->q_low[at] = -_mm_cvtsi128_si32(sum);
        _mm256_storeu_si256((__m256i *)words, codes);
        for (int j = 0; j < 8; j++)
            w->q_codes[(tile * (dim / 4) + b * 8 + j) * ATTN_MICRO + i] = words[j];
    }
}

/* The scales of V, [32][D/32] f16, turned to [D/32][32] f32. */
static void load_v_scales(struct attn_work *w)
{
    int blocks = w->dim / MICA_ACT_BLOCK;
    const uint16_t *scales = (const uint16_t *)(w->v_tile + w->dim * MICA_KV_BLOCK);
    if (blocks == 2) {
        const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
        for (int h = 0; h < 2; h++) {
            __m512 a = load_f16(scales + h * 32), b = load_f16(scales + h * 32 + 16);
            _mm512_storeu_ps(w->v_scale + h * 16, _mm512_permutex2var_ps(a, even, b));
            _mm512_storeu_ps(w->v_scale + 32 + h * 16, _mm512_permutex2var_ps(a, odd, b));
        }
        return;
    }
    for (int j = 0; j < MICA_KV_BLOCK; j++)
        for (int b = 0; b < blocks; b++)
            w->v_scale[b * MICA_KV_BLOCK + j] = _cvtsh_ss(scales[j * blocks + b]);
}

static void attn_load_tile(struct attn_work *w)
{
    size_t n = (size_t)w->dim * MICA_KV_BLOCK;
    bool is_f16 = w->args->layer->type == MICA_KV_F16;
    if (!is_f16)
        load_v_scales(w);
    if (w->is_direct)
        return;
    if (is_f16)
        for (size_t i = 0; i < n; i += 16) {
            _mm512_storeu_ps(w->k + i, load_f16((const uint16_t *)w->k_tile + i));
            _mm512_storeu_ps(w->v + i, load_f16((const uint16_t *)w->v_tile + i));
        }
    else
        for (size_t i = 0; i < n; i += 16)
            _mm512_storeu_ps(w->v + i, load_s8((const int8_t *)w->v_tile + i));
}

INLINE void scores_f16(const struct attn_work *w, int r0, bool is_direct, int n)
{
    int dim = w->dim;
    const float *q = w->q + (size_t)r0 * dim;
    const uint16_t *k16 = (const uint16_t *)w->k_tile;
    __m512 sum[8][2], scale = _mm512_set1_ps(w->args->scale);
#pragma GCC unroll 8
    for (int r = 0; r < n; r++)
        sum[r][0] = sum[r][1] = _mm512_setzero_ps();
    for (int d = 0; d < dim; d++, q += ATTN_MICRO) {
        __m512 k0 = is_direct ? load_f16(k16 + d * 16) : _mm512_loadu_ps(w->k + d * 16);
        __m512 k1 = is_direct ? load_f16(k16 + (dim + d) * 16) : _mm512_loadu_ps(w->k + (dim + d) * 16);
#pragma GCC unroll 8
        for (int r = 0; r < n; r++) {
            __m512 x = _mm512_set1_ps(q[r]);
            sum[r][0] = _mm512_fmadd_ps(x, k0, sum[r][0]);
            sum[r][1] = _mm512_fmadd_ps(x, k1, sum[r][1]);
        }
    }
    float *e = w->e + r0 * MICA_KV_BLOCK;
#pragma GCC unroll 8
    for (int r = 0; r < n; r++) {
        _mm512_storeu_ps(e + r * MICA_KV_BLOCK, _mm512_mul_ps(sum[r][0], scale));
        _mm512_storeu_ps(e + r * MICA_KV_BLOCK + 16, _mm512_mul_ps(sum[r][1], scale));
    }
}

enum { FEW_ROWS = 4 };

/* The scores of this tile, and of the next one into scaled: for few rows, whose sums are chains too short in
 * number to keep the multipliers busy. */
INLINE void scores_f16_ahead(const struct attn_work *w, const uint16_t *next, int n)
{
    int dim = w->dim;
    const float *q = w->q;
    const uint16_t *k = (const uint16_t *)w->k_tile;
    __m512 sum[FEW_ROWS][4], scale = _mm512_set1_ps(w->args->scale);
#pragma GCC unroll 4
    for (int r = 0; r < n; r++)
        sum[r][0] = sum[r][1] = sum[r][2] = sum[r][3] = _mm512_setzero_ps();
    for (int d = 0; d < dim; d++, q += ATTN_MICRO) {
        __m512 k0 = load_f16(k + d * 16), k1 = load_f16(k + (dim + d) * 16);
        __m512 k2 = load_f16(next + d * 16), k3 = load_f16(next + (dim + d) * 16);
#pragma GCC unroll 4
        for (int r = 0; r < n; r++) {
            __m512 x = _mm512_set1_ps(q[r]);
            sum[r][0] = _mm512_fmadd_ps(x, k0, sum[r][0]);
            sum[r][1] = _mm512_fmadd_ps(x, k1, sum[r][1]);
            sum[r][2] = _mm512_fmadd_ps(x, k2, sum[r][2]);
            sum[r][3] = _mm512_fmadd_ps(x, k3, sum[r][3]);
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < n; r++) {
        float *e = w->e + r * MICA_KV_BLOCK, *ahead = w->scaled + r * MICA_KV_BLOCK;
        _mm512_storeu_ps(e, _mm512_mul_ps(sum[r][0], scale));
        _mm512_storeu_ps(e + 16, _mm512_mul_ps(sum[r][1], scale));
        _mm512_storeu_ps(ahead, _mm512_mul_ps(sum[r][2], scale));
        _mm512_storeu_ps(ahead + 16, _mm512_mul_ps(sum[r][3], scale));
    }
}

/* False when there is nothing to gain: then the tile's scores are still to be computed. */
static bool few_scores_f16(struct attn_work *w, int n)
{
    if (w->ahead == w->tile) {
        memcpy(w->e, w->scaled, (size_t)n * MICA_KV_BLOCK * sizeof *w->e);
        w->ahead = -1;
        return true;
    }
    if (w->tile == w->last_tile)
        return false;
    const uint8_t *next = mica_kv_tile(w->args->layer, w->args->block_table, w->tile + 1, w->args->kv_head);
    WITH_QUAD(n, scores_f16_ahead, w, (const uint16_t *)next)
    w->ahead = w->tile + 1;
    return true;
}

INLINE void scores_q8_0(const struct attn_work *w, int r0, int half, int n)
{
    int dim = w->dim, blocks = dim / MICA_ACT_BLOCK;
    const uint8_t *codes = w->k_tile + (size_t)half * (w->args->layer->k_bytes / 2);
    const uint16_t *k_scale = (const uint16_t *)(codes + dim * MICA_KV_HALF);
    const int32_t *q = w->q_codes + (size_t)r0 * (dim / 4), *low = w->q_low + r0 * blocks;
    const float *q_scale = w->q_scale + r0 * blocks;
    __m512 sum[8], scale = _mm512_set1_ps(w->args->scale);
#pragma GCC unroll 8
    for (int r = 0; r < n; r++)
        sum[r] = _mm512_setzero_ps();
    for (int b = 0; b < blocks; b++, low += ATTN_MICRO, q_scale += ATTN_MICRO) {
        __m512i dot[8];
#pragma GCC unroll 8
        for (int r = 0; r < n; r++)
            dot[r] = _mm512_set1_epi32(low[r]);
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++, codes += 64, q += ATTN_MICRO) {
            __m512i k = _mm512_loadu_si512(codes);
#pragma GCC unroll 8
            for (int r = 0; r < n; r++)
                dot[r] = _mm512_dpbusd_epi32(dot[r], k, _mm512_set1_epi32(q[r]));
        }
        __m512 dk = load_f16(k_scale + b * MICA_KV_HALF);
#pragma GCC unroll 8
        for (int r = 0; r < n; r++)
            sum[r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot[r]),
                                     _mm512_mul_ps(dk, _mm512_set1_ps(q_scale[r])), sum[r]);
    }
    float *e = w->e + r0 * MICA_KV_BLOCK + half * MICA_KV_HALF;
#pragma GCC unroll 8
    for (int r = 0; r < n; r++)
        _mm512_storeu_ps(e + r * MICA_KV_BLOCK, _mm512_mul_ps(sum[r], scale));
}

static void attn_scores(struct attn_work *w, int r0, int n)
{
    if (w->args->layer->type == MICA_KV_Q8_0) {
        for (int half = 0; half < 2; half++)
            WITH_ROWS(n, scores_q8_0, w, r0, half)
    } else if (!w->is_direct) {
        WITH_ROWS(n, scores_f16, w, r0, false)
    } else if (n > FEW_ROWS || w->rows > FEW_ROWS || !few_scores_f16(w, n)) {
        WITH_ROWS(n, scores_f16, w, r0, true)
    }
    if (w->args->softcap > 0) {
        __m512 cap = _mm512_set1_ps(w->args->softcap);
        float *e = w->e + r0 * MICA_KV_BLOCK;
        for (int i = 0; i < n * MICA_KV_BLOCK; i += 16)
            _mm512_storeu_ps(e + i, _mm512_mul_ps(cap, tanh_ps(_mm512_div_ps(_mm512_loadu_ps(e + i), cap))));
    }
}

/* Eight vectors of 16 lanes become the eight results of the fixed tree, in order, in the low half. */
#define REDUCE8(name, op)                                                                                    \
    INLINE __m256 name(const __m512 x[8])                                                                    \
    {                                                                                                        \
        const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 2, 6, 10, 14, 0, 0, 0, 0, 0, 0, 0, 0);          \
        __m512 y[4], z[2];                                                                                   \
        _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) y[i] =                                           \
            op(_mm512_shuffle_f32x4(x[2 * i], x[2 * i + 1], 0x44),                                           \
               _mm512_shuffle_f32x4(x[2 * i], x[2 * i + 1], 0xee));                                          \
        _Pragma("GCC unroll 2") for (int i = 0; i < 2; i++) z[i] =                                           \
            op(_mm512_shuffle_f32x4(y[2 * i], y[2 * i + 1], 0x88),                                           \
               _mm512_shuffle_f32x4(y[2 * i], y[2 * i + 1], 0xdd));                                          \
        __m512 t = op(_mm512_shuffle_ps(z[0], z[1], 0x44), _mm512_shuffle_ps(z[0], z[1], 0xee));             \
        t = op(t, _mm512_movehdup_ps(t));                                                                    \
        return _mm512_castps512_ps256(_mm512_permutexvar_ps(order, t));                                      \
    }
REDUCE8(sum8, _mm512_add_ps)
REDUCE8(max8, _mm512_max_ps)

/* Hides what row r0 + r does not see behind −inf. */
static void mask_scores(struct attn_work *w, int r0, int n, int64_t tile)
{
    const __m512 hidden = _mm512_set1_ps(-INFINITY);
    for (int r = 0; r < n; r++) {
        int from, to;
        attn_visible(w, r0 + r, tile, &from, &to);
        uint32_t visible = to > from ? (0xffffffffu >> (32 - (to - from))) << from : 0;
        float *e = w->e + (r0 + r) * MICA_KV_BLOCK;
        _mm512_mask_storeu_ps(e, (__mmask16)~visible, hidden);
        _mm512_mask_storeu_ps(e + 16, (__mmask16)(~visible >> 16), hidden);
    }
}

INLINE void weights(const struct attn_work *w, int r0, int n)
{
    float *e = w->e + r0 * MICA_KV_BLOCK;
    __m512 x[8];
#pragma GCC unroll 8
    for (int r = 0; r < 8; r++)
        x[r] = r < n ? _mm512_max_ps(_mm512_loadu_ps(e + r * MICA_KV_BLOCK),
                                     _mm512_loadu_ps(e + r * MICA_KV_BLOCK + 16))
                     : _mm512_setzero_ps();
    __m256 old = _mm256_loadu_ps(w->m + r0), m = _mm256_max_ps(max8(x), old);
    __m256 c = _mm512_castps512_ps256(exp_ps(_mm512_castps256_ps512(_mm256_sub_ps(old, m))));
    _mm256_storeu_ps(w->m + r0, m);
    _mm256_storeu_ps(w->c + r0, c);
#pragma GCC unroll 8
    for (int r = 0; r < n; r++) {
        __m512 shift = _mm512_set1_ps(w->m[r0 + r]);
        __m512 e0 = exp_ps(_mm512_sub_ps(_mm512_loadu_ps(e + r * MICA_KV_BLOCK), shift));
        __m512 e1 = exp_ps(_mm512_sub_ps(_mm512_loadu_ps(e + r * MICA_KV_BLOCK + 16), shift));
        _mm512_storeu_ps(e + r * MICA_KV_BLOCK, e0);
        _mm512_storeu_ps(e + r * MICA_KV_BLOCK + 16, e1);
        x[r] = _mm512_add_ps(e0, e1);
    }
    _mm256_storeu_ps(w->l + r0, _mm256_fmadd_ps(_mm256_loadu_ps(w->l + r0), c, sum8(x)));
}

static void attn_weights(struct attn_work *w, int r0, int n, int64_t tile)
{
    int from, to, unused;
    attn_visible(w, r0 + n - 1, tile, &from, &unused);
    attn_visible(w, r0, tile, &unused, &to);
    if (from > 0 || to < MICA_KV_BLOCK)
        mask_scores(w, r0, n, tile);
    WITH_ROWS(n, weights, w, r0)
}

/* Adds the values of positions [from, to), columns d0 … d0 + 31: v:[32][D], e:[n][32]. */
INLINE void values(const struct attn_work *w, int r0, int d0, int from, int to, const float *e, int source,
                   int n)
{
    int dim = w->dim;
    float *o = w->o + (size_t)r0 * dim + d0;
    __m512 sum[8][2];
#pragma GCC unroll 8
    for (int r = 0; r < n; r++) {
        __m512 c = _mm512_set1_ps(w->c[r0 + r]);
        sum[r][0] = _mm512_mul_ps(_mm512_loadu_ps(o + r * dim), c);
        sum[r][1] = _mm512_mul_ps(_mm512_loadu_ps(o + r * dim + 16), c);
    }
    for (int j = from; j < to; j++) {
        int at = j * dim + d0;
        __m512 v0, v1;
        if (source == 0) {
            v0 = _mm512_loadu_ps(w->v + at);
            v1 = _mm512_loadu_ps(w->v + at + 16);
        } else if (source == 1) {
            v0 = load_f16((const uint16_t *)w->v_tile + at);
            v1 = load_f16((const uint16_t *)w->v_tile + at + 16);
        } else {
            v0 = load_s8((const int8_t *)w->v_tile + at);
            v1 = load_s8((const int8_t *)w->v_tile + at + 16);
        }
#pragma GCC unroll 8
        for (int r = 0; r < n; r++) {
            __m512 x = _mm512_set1_ps(e[r * MICA_KV_BLOCK + j]);
            sum[r][0] = _mm512_fmadd_ps(x, v0, sum[r][0]);
            sum[r][1] = _mm512_fmadd_ps(x, v1, sum[r][1]);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < n; r++) {
        _mm512_storeu_ps(o + r * dim, sum[r][0]);
        _mm512_storeu_ps(o + r * dim + 16, sum[r][1]);
    }
}

/* The same for few rows and 64 columns at a time, from V as it is stored. */
INLINE void values_f16_wide(const struct attn_work *w, int d0, int from, int to, int n)
{
    int dim = w->dim;
    float *o = w->o + d0;
    const uint16_t *v = (const uint16_t *)w->v_tile + from * dim + d0;
    __m512 sum[FEW_ROWS][4];
#pragma GCC unroll 4
    for (int r = 0; r < n; r++)
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++)
            sum[r][i] = _mm512_mul_ps(_mm512_loadu_ps(o + r * dim + 16 * i), _mm512_set1_ps(w->c[r]));
    for (int j = from; j < to; j++, v += dim) {
        __m512 v0 = load_f16(v), v1 = load_f16(v + 16), v2 = load_f16(v + 32), v3 = load_f16(v + 48);
#pragma GCC unroll 4
        for (int r = 0; r < n; r++) {
            __m512 x = _mm512_set1_ps(w->e[r * MICA_KV_BLOCK + j]);
            sum[r][0] = _mm512_fmadd_ps(x, v0, sum[r][0]);
            sum[r][1] = _mm512_fmadd_ps(x, v1, sum[r][1]);
            sum[r][2] = _mm512_fmadd_ps(x, v2, sum[r][2]);
            sum[r][3] = _mm512_fmadd_ps(x, v3, sum[r][3]);
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < n; r++)
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++)
            _mm512_storeu_ps(o + r * dim + 16 * i, sum[r][i]);
}

static void attn_values(struct attn_work *w, int r0, int n, int from, int to)
{
    bool is_f16 = w->args->layer->type == MICA_KV_F16;
    int done = 0;
    for (; is_f16 && w->rows <= FEW_ROWS && done + 64 <= w->dim; done += 64)
        WITH_QUAD(n, values_f16_wide, w, done, from, to)
    for (int d0 = done; d0 < w->dim; d0 += MICA_ACT_BLOCK) {
        const float *e = w->e + r0 * MICA_KV_BLOCK;
        if (!is_f16) {
            const float *scale = w->v_scale + d0;
            for (int i = 0; i < n * MICA_KV_BLOCK; i += 16)
                _mm512_storeu_ps(w->scaled + i,
                                 _mm512_mul_ps(_mm512_loadu_ps(e + i), _mm512_loadu_ps(scale + i % 32)));
            e = w->scaled;
        }
        if (!w->is_direct) {
            WITH_ROWS(n, values, w, r0, d0, from, to, e, 0)
        } else if (is_f16) {
            WITH_ROWS(n, values, w, r0, d0, from, to, e, 1)
        } else {
            WITH_ROWS(n, values, w, r0, d0, from, to, e, 2)
        }
    }
}

static void attn_merge_row(int dim, const float *o, float c2, float c, float *out)
{
    __m512 new = _mm512_set1_ps(c2), old = _mm512_set1_ps(c);
    for (int d = 0; d < dim; d += 16) {
        __m512 y = _mm512_mul_ps(_mm512_loadu_ps(out + d), old);
        _mm512_storeu_ps(out + d, _mm512_fmadd_ps(_mm512_loadu_ps(o + d), new, y));
    }
}

static void attn_finish_row(int dim, float inv, float *out)
{
    for (int d = 0; d < dim; d += 16)
        _mm512_storeu_ps(out + d,
                         _mm512_fmadd_ps(_mm512_loadu_ps(out + d), _mm512_set1_ps(inv), _mm512_setzero_ps()));
}

void mica_kern_init_avx512_attention(struct mica_kern *kern)
{
    kern->kv_store[MICA_KV_F16] = kv_store_f16;
    kern->kv_store[MICA_KV_Q8_0] = kv_store_q8_0;
    kern->attention[MICA_KV_F16] = kern->attention[MICA_KV_Q8_0] = attention_rows;
}
