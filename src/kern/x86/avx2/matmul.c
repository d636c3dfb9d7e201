/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Matrix products with AVX2. A tile is one group of 16 rows, in two halves of 8, × up to 4 tokens. Products
 * of unsigned codes and signed activations meet in pairs in 16 bits (vpmaddubsw saturates), and as many pairs
 * are summed there as surely fit. Codes of 8 bits do not fit even once: their sign moves to the activation.
 */
#include "kern/init.h"

#include "kern/matmul.h"
#include "kern/x86/avx2/tile.h"

/* ---- decoding: 8 rows × 4 columns per vector */

/* The largest code, as the multiplication sees it. */
MICA_MATMUL_INLINE int max_code(struct mica_matmul_form f)
{
    return f.table == MICA_TABLE_MXFP4 ? 28 : (1 << (f.main_bits + f.high_bits)) - 1;
}
/* Whether codes are multiplied as signed numbers. */
MICA_MATMUL_INLINE bool is_signed(struct mica_matmul_form f)
{
    return f.main_bits == 8 || f.table == MICA_TABLE_IQ4;
}
/* Vectors whose products may be summed in 16 bits: 1, 2, 4 or 8. */
MICA_MATMUL_INLINE int vectors_in_16_bits(struct mica_matmul_form f)
{
    int fit = is_signed(f) ? 1 : 32767 / (max_code(f) * 127 * 2);
    return fit >= 8 ? 8 : fit >= 4 ? 4 : fit >= 2 ? 2 : 1;
}

MICA_MATMUL_INLINE __m256i shifted(__m256i v, int left)
{
    return left > 0 ? _mm256_slli_epi16(v, left) : left < 0 ? _mm256_srli_epi16(v, -left) : v;
}

/* Half of code vector j (columns 4j .. 4j + 3 of the block of 32); vectors points to this half of the first.
 */
MICA_MATMUL_INLINE __m256i code_vector(struct mica_matmul_form f, const uint8_t *vectors, int j,
                                       __m256i table)
{
    int word = f.main_bits == 8 ? j : f.main_bits == 4 ? j & 3 : j >> 2;
    int shift = f.main_bits == 8 ? 0 : f.main_bits == 4 ? j & 4 : 2 * (j & 3);
    __m256i v = _mm256_loadu_si256((const __m256i *)(vectors + 64 * word));
    if (f.main_bits == 8)
        return _mm256_xor_si256(v, _mm256_set1_epi8(-128));
    v = _mm256_and_si256(shifted(v, -shift), _mm256_set1_epi8((char)((1 << f.main_bits) - 1)));
    if (f.high_bits) {
        int high_word = f.main_bits + (f.high_bits == 2 ? j >> 2 : 0);
        int high_shift = f.high_bits == 2 ? 2 * (j & 3) : j;
        __m256i high = _mm256_loadu_si256((const __m256i *)(vectors + 64 * high_word));
        __m256i mask = _mm256_set1_epi8((char)(((1 << f.high_bits) - 1) << f.main_bits));
        v = _mm256_or_si256(v, _mm256_and_si256(shifted(high, f.main_bits - high_shift), mask));
    }
    return f.table ? _mm256_shuffle_epi8(table, v) : v;
}

/* The type's table; signed if its codes are. */
MICA_MATMUL_INLINE __m256i load_table(struct mica_matmul_form f)
{
    __m128i table = _mm_loadu_si128((const __m128i *)mica_code_tables[f.table]);
    if (is_signed(f))
        table = _mm_xor_si128(table, _mm_set1_epi8(-128));
    return _mm256_broadcastsi128_si256(table);
}

MICA_MATMUL_INLINE __m256 load_f16(const uint8_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}
MICA_MATMUL_INLINE __m256i load_u8(const uint8_t *p)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
}
MICA_MATMUL_INLINE __m256i load_s8(const uint8_t *p)
{
    return _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p));
}

/* 2^(e − 128) */
MICA_MATMUL_INLINE __m256 load_e8m0(const uint8_t *p)
{
    __m256i e = load_u8(p), bits = _mm256_slli_epi32(_mm256_sub_epi32(e, _mm256_set1_epi32(1)), 23);
    __m256i tiny = _mm256_sllv_epi32(_mm256_set1_epi32(0x00200000), e);
    return _mm256_castsi256_ps(_mm256_blendv_epi8(bits, tiny, _mm256_cmpgt_epi32(_mm256_set1_epi32(2), e)));
}

/* 16-bit pairs of small numbers: a in the low half of each lane, b in the high half. */
MICA_MATMUL_INLINE __m256i pair_up(__m256i a, __m256i b)
{
    return _mm256_blend_epi16(a, _mm256_slli_epi32(b, 16), 0xaa);
}

MICA_MATMUL_INLINE const uint8_t *byte_scales(struct mica_matmul_form f, const uint8_t *scales, int sub)
{
    return scales + MICA_LANES * (2 * mica_form_halves(f) + sub * mica_form_bytes(f));
}

/* The scale of one block, or the factor of both its runs, for half h. */
MICA_MATMUL_INLINE __m256 load_scale(struct mica_matmul_form f, const uint8_t *scales, int sub, int h)
{
    const uint8_t *bytes = byte_scales(f, scales, sub) + HALF_LANES * h;
    if (f.e8m0)
        return load_e8m0(bytes);
    __m256 d = load_f16(scales + 2 * HALF_LANES * h);
    if (f.n_runs == 1)
        d = _mm256_mul_ps(d, _mm256_cvtepi32_ps(f.has_min ? load_u8(bytes) : load_s8(bytes)));
    return d;
}

/* Two runs: the integer scale of one of them. */
MICA_MATMUL_INLINE __m256i load_run_scale(struct mica_matmul_form f, const uint8_t *scales, int sub, int run,
                                          int h)
{
    const uint8_t *bytes = byte_scales(f, scales, sub) + MICA_LANES * run + HALF_LANES * h;
    return f.min_in_nibble ? _mm256_and_si256(load_u8(bytes), _mm256_set1_epi32(15)) : load_s8(bytes);
}

/* ---- a block: integers, then one FMA */

MICA_MATMUL_INLINE __m256i multiply(struct mica_matmul_form f, __m256i codes, __m256i q)
{
    if (is_signed(f))
        return _mm256_maddubs_epi16(_mm256_abs_epi8(codes), _mm256_sign_epi8(q, codes));
    return _mm256_maddubs_epi16(codes, q);
}

/* sums[T][HALVES] = codes [j0, j0 + n) · q, in 16 bits */
MICA_MATMUL_INLINE void sum_vectors(struct mica_matmul_form f, const int T, const uint8_t *codes,
                                    const struct mica_act_block *const *act, int j0, int n, __m256i table,
                                    __m256i *sums)
{
    UNROLL for (int j = j0; j < j0 + n; j++)
    {
        __m256i c[HALVES];
        UNROLL for (int h = 0; h < HALVES; h++) c[h] = code_vector(f, codes + 32 * h, j, table);
        UNROLL for (int t = 0; t < T; t++)
        {
            __m256i q = _mm256_set1_epi32(*(const int32_t *)(act[t]->q + 4 * j));
            UNROLL for (int h = 0; h < HALVES; h++)
            {
                __m256i product = multiply(f, c[h], q);
                sums[t * HALVES + h] = j == j0 ? product : _mm256_add_epi16(sums[t * HALVES + h], product);
            }
        }
    }
}

/* Where the integer sum starts: minus the codes' zero times the sum of q, times the runs' scales if any. */
MICA_MATMUL_INLINE __m256i dot_start(struct mica_matmul_form f, const uint8_t *scales, int sub, int h,
                                     const struct mica_act_block *act)
{
    if (f.zero_shift < 0 || is_signed(f))
        return _mm256_setzero_si256();
    __m256i sum0 = _mm256_set1_epi32(act->neg_sum[0]), sum1 = _mm256_set1_epi32(act->neg_sum[1]);
    __m256i sum = _mm256_add_epi32(sum0, sum1);
    if (f.n_runs == 2)
        sum = _mm256_madd_epi16(
            pair_up(load_run_scale(f, scales, sub, 0, h), load_run_scale(f, scales, sub, 1, h)),
            pair_up(sum0, sum1));
    return _mm256_slli_epi32(sum, f.zero_shift);
}

MICA_MATMUL_INLINE void add_block(struct mica_matmul_form f, const int T, const uint8_t *codes,
                                  const uint8_t *scales, int sub, const struct mica_act_block *const *act,
                                  __m256i table, __m256 *acc)
{
    const int per_run = f.n_runs == 2 ? 4 : 8, fit = vectors_in_16_bits(f),
              step = fit < per_run ? fit : per_run;
    __m256i sums[16], dot[16];
    UNROLL for (int j = 0; j < 8; j += step)
    {
        sum_vectors(f, T, codes, act, j, step, table, sums);
        UNROLL for (int h = 0; h < HALVES; h++)
        {
            __m256i factor = _mm256_set1_epi16(1);
            if (f.n_runs == 2) { /* the scale fits in 16 bits, so it comes with the sum of the pairs */
                __m256i s = load_run_scale(f, scales, sub, j / 4, h);
                factor = pair_up(s, s);
            }
            UNROLL for (int t = 0; t < T; t++)
            {
                __m256i *d = &dot[t * HALVES + h];
                *d = _mm256_add_epi32(j ? *d : dot_start(f, scales, sub, h, act[t]),
                                      _mm256_madd_epi16(sums[t * HALVES + h], factor));
            }
        }
    }
    UNROLL for (int h = 0; h < HALVES; h++)
    {
        __m256 s = load_scale(f, scales, sub, h);
        UNROLL for (int t = 0; t < T; t++)
        {
            __m256 *a = &acc[t * HALVES + h];
            __m256 d = _mm256_mul_ps(s, _mm256_set1_ps(act[t]->d));
            *a = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot[t * HALVES + h]), d, *a);
        }
    }
}

/* ---- minimums */

MICA_MATMUL_INLINE __m256 times_runs(__m256i pair, __m256 factor, const struct mica_act_block *act,
                                     __m256 low)
{
    __m256i sums = pair_up(_mm256_set1_epi32(act->neg_sum[0]), _mm256_set1_epi32(act->neg_sum[1]));
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_madd_epi16(pair, sums)),
                           _mm256_mul_ps(factor, _mm256_set1_ps(act->d)), low);
}

MICA_MATMUL_INLINE void add_minimums(struct mica_matmul_form f, const int T, const uint8_t *scales, int sub,
                                     const struct mica_act_block *const *act, __m256 *low)
{
    UNROLL for (int h = 0; h < HALVES; h++)
    {
        const uint8_t *bytes = byte_scales(f, scales, sub) + HALF_LANES * h;
        __m256 min = load_f16(scales + 2 * (MICA_LANES + HALF_LANES * h));
        __m256i pair = _mm256_setzero_si256();
        if (f.n_runs == 1)
            min = _mm256_mul_ps(min, _mm256_cvtepi32_ps(load_u8(bytes + MICA_LANES)));
        if (f.n_runs == 2)
            pair = pair_up(_mm256_srli_epi32(load_u8(bytes), 4),
                           _mm256_srli_epi32(load_u8(bytes + MICA_LANES), 4));
        UNROLL for (int t = 0; t < T; t++)
        {
            __m256 *l = &low[t * HALVES + h];
            if (f.n_runs == 2)
                *l = times_runs(pair, min, act[t], *l);
            else if (f.n_runs == 1)
                *l = _mm256_fnmadd_ps(min, _mm256_set1_ps(act[t]->s), *l);
            else
                *l = _mm256_fmadd_ps(min, _mm256_set1_ps(act[t]->s), *l);
        }
    }
}

/* ---- tiles */

enum pass { PASS_CODES = 1, PASS_MINIMUMS = 2 };

/* Walks the blocks of one group × T tokens in order of k. */
MICA_MATMUL_INLINE void walk_blocks(struct mica_matmul_form f, const int T, const int passes,
                                    const struct product *p, int64_t m0, int64_t g, __m256 *acc, __m256 *low)
{
    const uint8_t *codes = p->w->data + (size_t)g * p->w->group_bytes, *scales = codes + p->w->codes_bytes;
    const struct mica_act_block *act[8];
    const __m256i table = load_table(f);
    UNROLL for (int t = 0; t < T; t++) act[t] =
        (const struct mica_act_block *)p->act + (m0 + t) * p->act_stride;
    const size_t next = p->w->group_bytes;
    int64_t wait = p->tile;
    for (int64_t b = p->w->k / (MICA_ACT_BLOCK * f.n_subs); b > 0; b--) {
        const bool ahead = passes & PASS_CODES && wait == 0;
        wait = wait ? wait - 1 : p->n_tiles - 1;
        if (ahead)
            prefetch(scales + next, mica_form_scales(f));
        for (int sub = 0; sub < f.n_subs; sub++) {
            if (ahead)
                prefetch(codes + next, 64 * mica_form_vectors(f));
            if (passes & PASS_CODES)
                add_block(f, T, codes, scales, sub, act, table, acc);
            if (f.has_min && passes & PASS_MINIMUMS)
                add_minimums(f, T, scales, sub, act, low);
            codes += 64 * mica_form_vectors(f);
            UNROLL for (int t = 0; t < T; t++) act[t]++;
        }
        scales += mica_form_scales(f);
    }
}

MICA_MATMUL_INLINE void quant_tile(struct mica_matmul_form f, const int T, const struct product *p,
                                   int64_t m0, int64_t g)
{
    __m256 acc[16], low[16];
    UNROLL for (int i = 0; i < HALVES * T; i++) acc[i] = low[i] = _mm256_setzero_ps();
    if (f.has_min && T > 1) { /* the registers hold one of the two at a time */
        walk_blocks(f, T, PASS_CODES, p, m0, g, acc, low);
        walk_blocks(f, T, PASS_MINIMUMS, p, m0, g, acc, low);
    } else {
        walk_blocks(f, T, PASS_CODES | PASS_MINIMUMS, p, m0, g, acc, low);
    }
    if (f.has_min)
        UNROLL for (int i = 0; i < HALVES * T; i++) acc[i] = _mm256_add_ps(acc[i], low[i]);
    store_tile(1, T, p, m0, g, acc);
}

enum { MAX_TOKENS = 4 };

/* Cuts the tokens into tiles of nearly equal size. */
static void run_product(tile_fn *const *tiles, struct product *p, int64_t m, int64_t g0, int64_t g1)
{
    p->n_tiles = (m + MAX_TOKENS - 1) / MAX_TOKENS;
    for (int64_t g = g0; g < g1; g++)
        for (int64_t m0 = 0, i = 0; i < p->n_tiles; i++) {
            int64_t left = p->n_tiles - i, t = (m - m0 + left - 1) / left;
            p->tile = i;
            tiles[t](p, m0, g);
            m0 += t;
        }
}

#define TILE(NAME, T, ...)                                                                                   \
    static void tile_##NAME##_##T(const struct product *p, int64_t m0, int64_t g)                            \
    {                                                                                                        \
        quant_tile(MICA_MATMUL_FORM_OF(__VA_ARGS__), T, p, m0, g);                                           \
    }

#define X(NAME, ...)                                                                                         \
    TILE(NAME, 1, __VA_ARGS__)                                                                               \
    TILE(NAME, 2, __VA_ARGS__)                                                                               \
    TILE(NAME, 3, __VA_ARGS__)                                                                               \
    TILE(NAME, 4, __VA_ARGS__)                                                                               \
    static void matmul_##NAME(const struct mica_packed *w, const void *act, int64_t m, int64_t g0,           \
                              int64_t g1, float *out, int64_t ld, const struct mica_epilogue *epilogue)      \
    {                                                                                                        \
        static tile_fn *const tiles[] = {NULL, tile_##NAME##_1, tile_##NAME##_2, tile_##NAME##_3,            \
                                         tile_##NAME##_4};                                                   \
        struct product p = product_of(w, act, w->k / MICA_ACT_BLOCK, out, ld, epilogue);                     \
        run_product(tiles, &p, m, g0, g1);                                                                   \
    }
MICA_MATMUL_FORMS(X)
#undef X

void mica_kern_init_avx2_matmul(struct mica_kern *kern)
{
    mica_kern_init_avx2_matmul_float(kern);
    mica_kern_init_avx2_quantize(kern);
#define X(NAME, ...) kern->matmul[MICA_W_##NAME] = matmul_##NAME;
    MICA_MATMUL_FORMS(X)
#undef X
}
