/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The KV cache and attention with AVX2: registers hold 4 rows × 16 positions for the scores, 4 rows × 16
 * elements for the values. */
#include "kern/init.h"
#include "kern/quant.h"
#include "kern/x86/avx2/math.h"
#include "kern/x86/attention_rows.inc"

enum { QUAD = 4 };

static inline __m256 load_f16(const uint16_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

static inline __m256 load_s8(const int8_t *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}

/* ---- storing */

/* 32 floats as mica_quantize does it: codes as bytes; returns the scale. */
static inline float quantize32(const float *x, __m256i *codes_out)
{
    __m256 v[4];
    __m256i word[4], most = _mm256_setzero_si256();
    for (int i = 0; i < 4; i++) {
        v[i] = _mm256_loadu_ps(x + i * 8);
        most = _mm256_max_epu32(most, _mm256_castps_si256(abs_ps(v[i])));
    }
    __m128i top = _mm_max_epu32(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1));
    top = _mm_max_epu32(top, _mm_shuffle_epi32(top, 0x4e));
    top = _mm_max_epu32(top, _mm_shuffle_epi32(top, 0xb1));
    float amax = _mm_cvtss_f32(_mm_castsi128_ps(top)), factor = 127.0f / amax;
    __m256 inv = SPLAT(factor <= 0x1.fffffep127f ? factor : 0);
    for (int i = 0; i < 4; i++) {
        __m256 y = _mm256_mul_ps(v[i], inv);
        __m256i is_number = _mm256_castps_si256(_mm256_cmp_ps(y, y, _CMP_ORD_Q));
        word[i] = _mm256_and_si256(_mm256_cvtps_epi32(y), is_number);
    }
    __m256i low = _mm256_packs_epi32(word[0], word[1]), high = _mm256_packs_epi32(word[2], word[3]);
    *codes_out =
        _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
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
        for (int d = 0; d < dim; d += 8) {
            uint16_t column[8];
            _mm_storeu_si128((__m128i *)column, _mm256_cvtps_ph(_mm256_loadu_ps(k + d), 0));
            _mm_storeu_si128((__m128i *)(v_out + d), _mm256_cvtps_ph(_mm256_loadu_ps(v + d), 0));
            for (int i = 0; i < 8; i++)
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
        w->q_scale[(tile * blocks + b) * ATTN_MICRO + i] = quantize32(q + b * MICA_ACT_BLOCK, &codes);
        _mm256_storeu_si256((__m256i *)words, codes);
        for (int j = 0; j < 8; j++)
            w->q_codes[(tile * (dim / 4) + b * 8 + j) * ATTN_MICRO + i] = words[j];
    }
}

static void attn_load_tile(struct attn_work *w)
{
    size_t n = (size_t)w->dim * MICA_KV_BLOCK;
    int blocks = w->dim / MICA_ACT_BLOCK;
    bool is_f16 = w->args->layer->type == MICA_KV_F16;
    if (!is_f16) {
        const uint16_t *scales = (const uint16_t *)(w->v_tile + w->dim * MICA_KV_BLOCK);
        for (int j = 0; j < MICA_KV_BLOCK; j++)
            for (int b = 0; b < blocks; b++)
                w->v_scale[b * MICA_KV_BLOCK + j] = _cvtsh_ss(scales[j * blocks + b]);
    }
    if (w->is_direct)
        return;
    if (is_f16)
        for (size_t i = 0; i < n; i += 8) {
            _mm256_storeu_ps(w->k + i, load_f16((const uint16_t *)w->k_tile + i));
            _mm256_storeu_ps(w->v + i, load_f16((const uint16_t *)w->v_tile + i));
        }
    else
        for (size_t i = 0; i < n; i += 8)
            _mm256_storeu_ps(w->v + i, load_s8((const int8_t *)w->v_tile + i));
}

/* Rows r … r + n − 1 of the micro tile r0, one half of the positions. */
INLINE void scores_f16(const struct attn_work *w, int r0, int r, int half, bool is_direct, int n)
{
    int dim = w->dim;
    const float *q = w->q + (size_t)r0 * dim + r, *k = w->k + (size_t)half * dim * MICA_KV_HALF;
    const uint16_t *k16 = (const uint16_t *)w->k_tile + (size_t)half * dim * MICA_KV_HALF;
    __m256 sum[QUAD][2], scale = SPLAT(w->args->scale);
#pragma GCC unroll 4
    for (int i = 0; i < n; i++)
        sum[i][0] = sum[i][1] = _mm256_setzero_ps();
    for (int d = 0; d < dim; d++, q += ATTN_MICRO) {
        __m256 k0 = is_direct ? load_f16(k16 + d * 16) : _mm256_loadu_ps(k + d * 16);
        __m256 k1 = is_direct ? load_f16(k16 + d * 16 + 8) : _mm256_loadu_ps(k + d * 16 + 8);
#pragma GCC unroll 4
        for (int i = 0; i < n; i++) {
            __m256 x = SPLAT(q[i]);
            sum[i][0] = _mm256_fmadd_ps(x, k0, sum[i][0]);
            sum[i][1] = _mm256_fmadd_ps(x, k1, sum[i][1]);
        }
    }
    float *e = w->e + (r0 + r) * MICA_KV_BLOCK + half * MICA_KV_HALF;
#pragma GCC unroll 4
    for (int i = 0; i < n; i++) {
        _mm256_storeu_ps(e + i * MICA_KV_BLOCK, _mm256_mul_ps(sum[i][0], scale));
        _mm256_storeu_ps(e + i * MICA_KV_BLOCK + 8, _mm256_mul_ps(sum[i][1], scale));
    }
}

/* Codes of K lose their offset and lend their sign to the query's, so that 16-bit sums of two products fit.
 */
INLINE void scores_q8_0(const struct attn_work *w, int r0, int r, int half, int eight, int n)
{
    int dim = w->dim, blocks = dim / MICA_ACT_BLOCK;
    const uint8_t *codes = w->k_tile + (size_t)half * (w->args->layer->k_bytes / 2);
    const uint16_t *k_scale = (const uint16_t *)(codes + dim * MICA_KV_HALF) + eight;
    const int32_t *q = w->q_codes + (size_t)r0 * (dim / 4) + r;
    const float *q_scale = w->q_scale + r0 * blocks + r;
    const __m256i offset = _mm256_set1_epi8(-128), ones = _mm256_set1_epi16(1);
    __m256 sum[QUAD], scale = SPLAT(w->args->scale);
    codes += eight * 4;
#pragma GCC unroll 4
    for (int i = 0; i < n; i++)
        sum[i] = _mm256_setzero_ps();
    for (int b = 0; b < blocks; b++, q_scale += ATTN_MICRO) {
        __m256i dot[QUAD];
#pragma GCC unroll 4
        for (int i = 0; i < n; i++)
            dot[i] = _mm256_setzero_si256();
        for (int step = 0; step < 8; step++, codes += 64, q += ATTN_MICRO) {
            __m256i k = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)codes), offset);
            __m256i k_abs = _mm256_abs_epi8(k);
#pragma GCC unroll 4
            for (int i = 0; i < n; i++) {
                __m256i pairs = _mm256_maddubs_epi16(k_abs, _mm256_sign_epi8(_mm256_set1_epi32(q[i]), k));
                dot[i] = _mm256_add_epi32(dot[i], _mm256_madd_epi16(pairs, ones));
            }
        }
        __m256 dk = load_f16(k_scale + b * MICA_KV_HALF);
#pragma GCC unroll 4
        for (int i = 0; i < n; i++)
            sum[i] =
                _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot[i]), _mm256_mul_ps(dk, SPLAT(q_scale[i])), sum[i]);
    }
    float *e = w->e + (r0 + r) * MICA_KV_BLOCK + half * MICA_KV_HALF + eight;
#pragma GCC unroll 4
    for (int i = 0; i < n; i++)
        _mm256_storeu_ps(e + i * MICA_KV_BLOCK, _mm256_mul_ps(sum[i], scale));
}

static void attn_scores(struct attn_work *w, int r0, int n)
{
    bool is_f16 = w->args->layer->type == MICA_KV_F16;
    for (int half = 0; half < 2; half++) {
        for (int r = 0; r < n; r += QUAD) {
            int left = n - r < QUAD ? n - r : QUAD;
            if (!is_f16) {
                for (int eight = 0; eight < 16; eight += 8)
                    WITH_QUAD(left, scores_q8_0, w, r0, r, half, eight)
            } else if (w->is_direct) {
                WITH_QUAD(left, scores_f16, w, r0, r, half, true)
            } else {
                WITH_QUAD(left, scores_f16, w, r0, r, half, false)
            }
        }
    }
    if (w->args->softcap > 0) {
        __m256 cap = SPLAT(w->args->softcap);
        float *e = w->e + r0 * MICA_KV_BLOCK;
        for (int i = 0; i < n * MICA_KV_BLOCK; i += 8)
            _mm256_storeu_ps(e + i, _mm256_mul_ps(cap, tanh_ps(_mm256_div_ps(_mm256_loadu_ps(e + i), cap))));
    }
}

/* Hides what row r0 + r does not see behind −inf. */
static void mask_scores(struct attn_work *w, int r0, int n, int64_t tile)
{
    for (int r = 0; r < n; r++) {
        int from, to;
        attn_visible(w, r0 + r, tile, &from, &to);
        float *e = w->e + (r0 + r) * MICA_KV_BLOCK;
        for (int j = 0; j < MICA_KV_BLOCK; j++)
            if (j < from || j >= to)
                e[j] = -INFINITY;
    }
}

/* Eight rows of lanes 0 … 7 (8 … 15 already added) become the eight results of the fixed tree, in order. */
#define REDUCE8(name, op)                                                                                    \
    INLINE __m256 name(const __m256 x[8])                                                                    \
    {                                                                                                        \
        __m256 y[4], z[2];                                                                                   \
        _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) y[i] =                                           \
            op(_mm256_permute2f128_ps(x[2 * i], x[2 * i + 1], 0x20),                                         \
               _mm256_permute2f128_ps(x[2 * i], x[2 * i + 1], 0x31));                                        \
        _Pragma("GCC unroll 2") for (int i = 0; i < 2; i++) z[i] =                                           \
            op(_mm256_shuffle_ps(y[2 * i], y[2 * i + 1], 0x44),                                              \
               _mm256_shuffle_ps(y[2 * i], y[2 * i + 1], 0xee));                                             \
        __m256 t = op(_mm256_shuffle_ps(z[0], z[1], 0x88), _mm256_shuffle_ps(z[0], z[1], 0xdd));             \
        return _mm256_permutevar8x32_ps(t, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));                       \
    }
REDUCE8(sum8, _mm256_add_ps)
REDUCE8(max8, _mm256_max_ps)

static void attn_weights(struct attn_work *w, int r0, int n, int64_t tile)
{
    int from, to, unused;
    attn_visible(w, r0 + n - 1, tile, &from, &unused);
    attn_visible(w, r0, tile, &unused, &to);
    if (from > 0 || to < MICA_KV_BLOCK)
        mask_scores(w, r0, n, tile);
    float *e = w->e + r0 * MICA_KV_BLOCK;
    __m256 x[8];
    for (int r = 0; r < 8; r++) {
        x[r] = _mm256_setzero_ps();
        if (r >= n)
            continue;
        const float *row = e + r * MICA_KV_BLOCK;
        x[r] = _mm256_max_ps(_mm256_max_ps(_mm256_loadu_ps(row), _mm256_loadu_ps(row + 8)),
                             _mm256_max_ps(_mm256_loadu_ps(row + 16), _mm256_loadu_ps(row + 24)));
    }
    __m256 old = _mm256_loadu_ps(w->m + r0), m = _mm256_max_ps(max8(x), old);
    __m256 c = exp_ps(_mm256_sub_ps(old, m));
    _mm256_storeu_ps(w->m + r0, m);
    _mm256_storeu_ps(w->c + r0, c);
    for (int r = 0; r < n; r++) {
        float *row = e + r * MICA_KV_BLOCK;
        __m256 shift = SPLAT(w->m[r0 + r]), y[4];
        for (int i = 0; i < 4; i++) {
            y[i] = exp_ps(_mm256_sub_ps(_mm256_loadu_ps(row + i * 8), shift));
            _mm256_storeu_ps(row + i * 8, y[i]);
        }
        x[r] = _mm256_add_ps(_mm256_add_ps(y[0], y[2]), _mm256_add_ps(y[1], y[3]));
    }
    _mm256_storeu_ps(w->l + r0, _mm256_fmadd_ps(_mm256_loadu_ps(w->l + r0), c, sum8(x)));
}

/* Where V comes from: w->v, or as stored. */
enum source { FROM_F32, FROM_F16, FROM_S8 };

/* Adds the values of positions [from, to), columns d0 … d0 + 15, to rows r … r + n − 1 (counted from the
 * block). v:[32][D] e:[n][32] */
INLINE void values(const struct attn_work *w, int r, int d0, int from, int to, const float *e,
                   enum source source, int n)
{
    int dim = w->dim;
    float *o = w->o + (size_t)r * dim + d0;
    __m256 sum[QUAD][2];
#pragma GCC unroll 4
    for (int i = 0; i < n; i++) {
        __m256 c = SPLAT(w->c[r + i]);
        sum[i][0] = _mm256_mul_ps(_mm256_loadu_ps(o + i * dim), c);
        sum[i][1] = _mm256_mul_ps(_mm256_loadu_ps(o + i * dim + 8), c);
    }
    for (int j = from; j < to; j++) {
        int at = j * dim + d0;
        __m256 v0, v1;
        if (source == FROM_F32) {
            v0 = _mm256_loadu_ps(w->v + at);
            v1 = _mm256_loadu_ps(w->v + at + 8);
        } else if (source == FROM_F16) {
            v0 = load_f16((const uint16_t *)w->v_tile + at);
            v1 = load_f16((const uint16_t *)w->v_tile + at + 8);
        } else {
            v0 = load_s8((const int8_t *)w->v_tile + at);
            v1 = load_s8((const int8_t *)w->v_tile + at + 8);
        }
#pragma GCC unroll 4
        for (int i = 0; i < n; i++) {
            __m256 x = SPLAT(e[i * MICA_KV_BLOCK + j]);
            sum[i][0] = _mm256_fmadd_ps(x, v0, sum[i][0]);
            sum[i][1] = _mm256_fmadd_ps(x, v1, sum[i][1]);
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < n; i++) {
        _mm256_storeu_ps(o + i * dim, sum[i][0]);
        _mm256_storeu_ps(o + i * dim + 8, sum[i][1]);
    }
}

static void attn_values(struct attn_work *w, int r0, int n, int from, int to)
{
    bool is_f16 = w->args->layer->type == MICA_KV_F16;
    const float *e = w->e + r0 * MICA_KV_BLOCK;
    for (int d0 = 0; d0 < w->dim; d0 += 16) {
        if (!is_f16 && d0 % MICA_ACT_BLOCK == 0) {
            const float *scale = w->v_scale + d0; /* D/32 blocks of 32 positions */
            e = w->scaled;
            for (int i = 0; i < n * MICA_KV_BLOCK; i += 8)
                _mm256_storeu_ps(w->scaled + i, _mm256_mul_ps(_mm256_loadu_ps(w->e + r0 * MICA_KV_BLOCK + i),
                                                              _mm256_loadu_ps(scale + i % MICA_KV_BLOCK)));
        }
        for (int r = 0; r < n; r += QUAD) {
            int left = n - r < QUAD ? n - r : QUAD;
            const float *rows = e + r * MICA_KV_BLOCK;
            if (!w->is_direct) {
                WITH_QUAD(left, values, w, r0 + r, d0, from, to, rows, FROM_F32)
            } else if (is_f16) {
                WITH_QUAD(left, values, w, r0 + r, d0, from, to, rows, FROM_F16)
            } else {
                WITH_QUAD(left, values, w, r0 + r, d0, from, to, rows, FROM_S8)
            }
        }
    }
}

static void attn_merge_row(int dim, const float *o, float c2, float c, float *out)
{
    __m256 new = SPLAT(c2), old = SPLAT(c);
    for (int d = 0; d < dim; d += 8) {
        __m256 y = _mm256_mul_ps(_mm256_loadu_ps(out + d), old);
        _mm256_storeu_ps(out + d, _mm256_fmadd_ps(_mm256_loadu_ps(o + d), new, y));
    }
}

static void attn_finish_row(int dim, float inv, float *out)
{
    for (int d = 0; d < dim; d += 8)
        _mm256_storeu_ps(out + d, _mm256_fmadd_ps(_mm256_loadu_ps(out + d), SPLAT(inv), _mm256_setzero_ps()));
}

void mica_kern_init_avx2_attention(struct mica_kern *kern)
{
    kern->kv_store[MICA_KV_F16] = kv_store_f16;
    kern->kv_store[MICA_KV_Q8_0] = kv_store_q8_0;
    kern->attention[MICA_KV_F16] = kern->attention[MICA_KV_Q8_0] = attention_rows;
}
