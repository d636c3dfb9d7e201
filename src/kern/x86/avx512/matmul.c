/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Matrix products with AVX-512 VNNI. A tile is R groups of 16 rows × T tokens, everything of it in registers:
 * one group when tokens are few and the weights' way from memory decides, two groups when there are more, so
 * that each broadcast activation is used twice. The first tile of a group brings its weights into the cache
 * for the others. Together they ask for the next group's: a group is too short a stream for the hardware's
 * prefetchers. */
#include "kern/init.h"

#include "kern/matmul.h"
#include "kern/x86/avx512/tile.h"

/* ---- decoding: 16 rows × 4 columns per vector */

MICA_MATMUL_INLINE __m512i shifted(__m512i v, int left)
{
    return left > 0 ? _mm512_slli_epi16(v, left) : left < 0 ? _mm512_srli_epi16(v, -left) : v;
}

/* Code vector j (columns 4j .. 4j + 3 of the block of 32). */
MICA_MATMUL_INLINE __m512i code_vector(struct mica_matmul_form f, const uint8_t *vectors, int j,
                                       __m512i table)
{
    int word = f.main_bits == 8 ? j : f.main_bits == 4 ? j & 3 : j >> 2;
    int shift = f.main_bits == 8 ? 0 : f.main_bits == 4 ? j & 4 : 2 * (j & 3);
    __m512i v = _mm512_loadu_si512(vectors + 64 * word);
    if (f.main_bits < 8)
        v = _mm512_and_si512(shifted(v, -shift), _mm512_set1_epi8((char)((1 << f.main_bits) - 1)));
    if (f.high_bits) {
        int high_word = f.main_bits + (f.high_bits == 2 ? j >> 2 : 0);
        int high_shift = f.high_bits == 2 ? 2 * (j & 3) : j;
        __m512i high = shifted(_mm512_loadu_si512(vectors + 64 * high_word), f.main_bits - high_shift);
        __m512i mask = _mm512_set1_epi8((char)(((1 << f.high_bits) - 1) << f.main_bits));
        v = _mm512_ternarylogic_epi32(v, high, mask, 0xf8); /* v | (high & mask) */
    }
    return f.table ? _mm512_shuffle_epi8(table, v) : v;
}

MICA_MATMUL_INLINE __m512 load_f16(const uint8_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

MICA_MATMUL_INLINE __m512i load_u8(const uint8_t *p)
{
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
}

MICA_MATMUL_INLINE __m512i load_s8(const uint8_t *p)
{
    return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p));
}

/* 2^(e − 128) */
MICA_MATMUL_INLINE __m512 load_e8m0(const uint8_t *p)
{
    __m512i e = load_u8(p), bits = _mm512_slli_epi32(_mm512_sub_epi32(e, _mm512_set1_epi32(1)), 23);
    __m512i tiny = _mm512_sllv_epi32(_mm512_set1_epi32(0x00200000), e);
    return _mm512_castsi512_ps(
        _mm512_mask_mov_epi32(bits, _mm512_cmplt_epu32_mask(e, _mm512_set1_epi32(2)), tiny));
}

/* The scales of one block of 32 columns, of one group of rows. */
struct scales {
    __m512 d;      /* the block's scale; with two runs the factor of both */
    __m512 run[2]; /* two runs: their scales */
};

MICA_MATMUL_INLINE const uint8_t *byte_scales(struct mica_matmul_form f, const uint8_t *scales, int sub)
{
    return scales + MICA_LANES * (2 * mica_form_halves(f) + sub * mica_form_bytes(f));
}

MICA_MATMUL_INLINE struct scales load_scales(struct mica_matmul_form f, const uint8_t *scales, int sub)
{
    const uint8_t *bytes = byte_scales(f, scales, sub);
    struct scales out = {0};
    if (f.e8m0) {
        out.d = load_e8m0(bytes);
        return out;
    }
    out.d = load_f16(scales);
    if (f.n_runs == 1)
        out.d = _mm512_mul_ps(out.d, _mm512_cvtepi32_ps(f.has_min ? load_u8(bytes) : load_s8(bytes)));
    UNROLL for (int i = 0; i < 2; i++)
    {
        if (f.n_runs < 2)
            break;
        __m512i s = f.min_in_nibble ? _mm512_and_si512(load_u8(bytes + 16 * i), _mm512_set1_epi32(15))
                                    : load_s8(bytes + 16 * i);
        out.run[i] = _mm512_cvtepi32_ps(s);
    }
    return out;
}

/* ---- a block: integers, then one FMA */

MICA_MATMUL_INLINE __m512i broadcast_q(const struct mica_act_block *act, int j)
{
    return _mm512_set1_epi32(*(const int32_t *)(act->q + 4 * j));
}

/* Where the integer sum of runs [run, run + n) starts: minus the codes' zero times the sum of q. */
MICA_MATMUL_INLINE __m512i dot_start(struct mica_matmul_form f, const struct mica_act_block *act, int run)
{
    if (f.zero_shift < 0)
        return _mm512_setzero_si512();
    __m512i sum = _mm512_set1_epi32(act->neg_sum[run]);
    if (f.n_runs < 2)
        sum = _mm512_add_epi32(sum, _mm512_set1_epi32(act->neg_sum[1]));
    return _mm512_slli_epi32(sum, f.zero_shift);
}

/* dot[R][T] += codes [j0, j1) · q */
MICA_MATMUL_INLINE void dot_vectors(struct mica_matmul_form f, const int R, const int T,
                                    const uint8_t *const *codes, const struct mica_act_block *const *act,
                                    int j0, int j1, __m512i table, __m512i *dot)
{
    UNROLL for (int j = j0; j < j1; j++)
    {
        __m512i c[4];
        UNROLL for (int r = 0; r < R; r++) c[r] = code_vector(f, codes[r], j, table);
        UNROLL for (int t = 0; t < T; t++)
        {
            __m512i q = broadcast_q(act[t], j);
            UNROLL for (int r = 0; r < R; r++) dot[r * T + t] = _mm512_dpbusd_epi32(dot[r * T + t], c[r], q);
        }
    }
}

MICA_MATMUL_INLINE void add_block(struct mica_matmul_form f, const int R, const int T,
                                  const uint8_t *const *codes, const uint8_t *const *scales, int sub,
                                  const struct mica_act_block *const *act, __m512i table, __m512 *acc)
{
    __m512i dot[32];
    __m512 sum[32];
    UNROLL for (int t = 0; t < T; t++)
    {
        __m512i start = dot_start(f, act[t], 0);
        UNROLL for (int r = 0; r < R; r++) dot[r * T + t] = start;
    }
    dot_vectors(f, R, T, codes, act, 0, f.n_runs == 2 ? 4 : 8, table, dot);
    struct scales s[4];
    UNROLL for (int r = 0; r < R; r++) s[r] = load_scales(f, scales[r], sub);
    if (f.n_runs == 2) {
        UNROLL for (int t = 0; t < T; t++)
        {
            __m512i start = dot_start(f, act[t], 1);
            UNROLL for (int r = 0; r < R; r++)
            {
                sum[r * T + t] = _mm512_mul_ps(_mm512_cvtepi32_ps(dot[r * T + t]), s[r].run[0]);
                dot[r * T + t] = start;
            }
        }
        dot_vectors(f, R, T, codes, act, 4, 8, table, dot);
    }
    UNROLL for (int t = 0; t < T; t++)
    {
        __m512 d = _mm512_set1_ps(act[t]->d);
        UNROLL for (int r = 0; r < R; r++)
        {
            __m512 x = _mm512_cvtepi32_ps(dot[r * T + t]);
            if (f.n_runs == 2)
                x = _mm512_fmadd_ps(x, s[r].run[1], sum[r * T + t]); /* whole numbers below 2^24: exact */
            acc[r * T + t] = _mm512_fmadd_ps(x, _mm512_mul_ps(s[r].d, d), acc[r * T + t]);
        }
    }
}

/* ---- minimums */

MICA_MATMUL_INLINE void add_minimums(struct mica_matmul_form f, const int R, const int T,
                                     const uint8_t *const *scales, int sub,
                                     const struct mica_act_block *const *act, __m512 *low)
{
    __m512 min[4];
    __m512i pair[4]; /* two runs: both minimums as 16-bit halves */
    UNROLL for (int r = 0; r < R; r++)
    {
        const uint8_t *bytes = byte_scales(f, scales[r], sub);
        min[r] = load_f16(scales[r] + 2 * MICA_LANES);
        if (f.n_runs == 1)
            min[r] = _mm512_mul_ps(min[r], _mm512_cvtepi32_ps(load_u8(bytes + MICA_LANES)));
        if (f.n_runs == 2)
            pair[r] =
                _mm512_or_si512(_mm512_srli_epi32(load_u8(bytes), 4),
                                _mm512_slli_epi32(_mm512_srli_epi32(load_u8(bytes + MICA_LANES), 4), 16));
    }
    UNROLL for (int t = 0; t < T; t++)
    {
        __m512 s = _mm512_set1_ps(f.n_runs == 2 ? act[t]->d : act[t]->s);
        __m512i sums = _mm512_setzero_si512();
        if (f.n_runs == 2)
            sums = _mm512_mask_blend_epi16(0xaaaaaaaa, _mm512_set1_epi32(act[t]->neg_sum[0]),
                                           _mm512_slli_epi32(_mm512_set1_epi32(act[t]->neg_sum[1]), 16));
        UNROLL for (int r = 0; r < R; r++)
        {
            __m512 *l = &low[r * T + t];
            if (f.n_runs == 2)
                *l = _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_madd_epi16(pair[r], sums)),
                                     _mm512_mul_ps(min[r], s), *l);
            else if (f.n_runs == 1)
                *l = _mm512_fnmadd_ps(min[r], s, *l);
            else
                *l = _mm512_fmadd_ps(min[r], s, *l);
        }
    }
}

/* ---- tiles */

enum pass { PASS_CODES = 1, PASS_MINIMUMS = 2 };

/* Walks the blocks of R groups × T tokens in order of k. */
MICA_MATMUL_INLINE void walk_blocks(struct mica_matmul_form f, const int R, const int T, const int passes,
                                    const struct product *p, int64_t m0, int64_t g, __m512 *acc, __m512 *low)
{
    const uint8_t *codes[4], *scales[4];
    const struct mica_act_block *act[16];
    __m512i table = _mm512_setzero_si512();
    if (f.table)
        table = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)mica_code_tables[f.table]));
    UNROLL for (int r = 0; r < R; r++)
    {
        codes[r] = p->w->data + (size_t)(g + r) * p->w->group_bytes;
        scales[r] = codes[r] + p->w->codes_bytes;
    }
    UNROLL for (int t = 0; t < T; t++) act[t] =
        (const struct mica_act_block *)p->act + (m0 + t) * p->act_stride;
    const size_t next = R * p->w->group_bytes;
    int64_t wait = p->tile;
    for (int64_t b = p->w->k / (MICA_ACT_BLOCK * f.n_subs); b > 0; b--) {
        const bool ahead = passes & PASS_CODES && wait == 0;
        wait = wait ? wait - 1 : p->n_tiles - 1;
        UNROLL for (int r = 0; ahead && r < R; r++) prefetch(scales[r] + next, mica_form_scales(f));
        for (int sub = 0; sub < f.n_subs; sub++) {
            UNROLL for (int r = 0; ahead && r < R; r++) prefetch(codes[r] + next, 64 * mica_form_vectors(f));
            if (passes & PASS_CODES)
                add_block(f, R, T, codes, scales, sub, act, table, acc);
            if (f.has_min && passes & PASS_MINIMUMS)
                add_minimums(f, R, T, scales, sub, act, low);
            UNROLL for (int r = 0; r < R; r++) codes[r] += 64 * mica_form_vectors(f);
            UNROLL for (int t = 0; t < T; t++) act[t]++;
        }
        UNROLL for (int r = 0; r < R; r++) scales[r] += mica_form_scales(f);
    }
}

MICA_MATMUL_INLINE void quant_tile(struct mica_matmul_form f, const int R, const int T,
                                   const struct product *p, int64_t m0, int64_t g)
{
    __m512 acc[32], low[32];
    UNROLL for (int i = 0; i < R * T; i++) acc[i] = low[i] = _mm512_setzero_ps();
    if (f.has_min && 3 * R * T + R + 2 > 30) { /* the registers hold one of the two at a time */
        walk_blocks(f, R, T, PASS_CODES, p, m0, g, acc, low);
        walk_blocks(f, R, T, PASS_MINIMUMS, p, m0, g, acc, low);
    } else {
        walk_blocks(f, R, T, PASS_CODES | PASS_MINIMUMS, p, m0, g, acc, low);
    }
    if (f.has_min)
        UNROLL for (int i = 0; i < R * T; i++) acc[i] = _mm512_add_ps(acc[i], low[i]);
    store_tile(R, T, p, m0, g, acc);
}

/* Two groups share more of their instructions, one group's weights arrive sooner: up to this many tokens it
 * wins. Measured; types whose groups are many bytes or whose tiles need many registers gain less from two. */
MICA_MATMUL_INLINE int tokens_of_one(struct mica_matmul_form f)
{
    return f.n_runs == 2 || f.main_bits == 8 ? 8 : 5;
}

enum { MAX_TOKENS = 8, MANY_TOKENS = 6 };

/* one[t]: one group × t tokens; two[t]: two groups × t tokens. */
struct tiles {
    tile_fn *one[MAX_TOKENS + 1], *two[MAX_TOKENS + 1];
};

/* Cuts the tokens into tiles of nearly equal size: of more than MAX_TOKENS, into 4 to 6 each. */
static void run_tiles(tile_fn *const *tiles, int64_t max_t, struct product *p, int64_t m, int64_t g)
{
    p->n_tiles = (m + max_t - 1) / max_t;
    for (int64_t m0 = 0, i = 0; i < p->n_tiles; i++) {
        int64_t left = p->n_tiles - i, t = (m - m0 + left - 1) / left;
        p->tile = i;
        tiles[t](p, m0, g);
        m0 += t;
    }
}

/* Tiles of one group for up to few tokens, and for a group left over. */
static void run_product(const struct tiles *tiles, int few, struct product *p, int64_t m, int64_t g0,
                        int64_t g1)
{
    int64_t g = g0, max_t = m > MAX_TOKENS ? MANY_TOKENS : MAX_TOKENS;
    if (m > few)
        for (; g + 1 < g1; g += 2)
            run_tiles(tiles->two, max_t, p, m, g);
    for (; g < g1; g++)
        run_tiles(tiles->one, MAX_TOKENS, p, m, g);
}

#define TILE(NAME, R, T, ...)                                                                                \
    static void tile_##NAME##_##R##_##T(const struct product *p, int64_t m0, int64_t g)                      \
    {                                                                                                        \
        quant_tile(MICA_MATMUL_FORM_OF(__VA_ARGS__), R, T, p, m0, g);                                        \
    }
#define TILE_ROW(NAME, R, T) [T] = tile_##NAME##_##R##_##T

#define X(NAME, ...)                                                                                         \
    TILE(NAME, 1, 1, __VA_ARGS__)                                                                            \
    TILE(NAME, 1, 2, __VA_ARGS__)                                                                            \
    TILE(NAME, 1, 3, __VA_ARGS__)                                                                            \
    TILE(NAME, 1, 4, __VA_ARGS__)                                                                            \
    TILE(NAME, 1, 5, __VA_ARGS__)                                                                            \
    TILE(NAME, 1, 6, __VA_ARGS__)                                                                            \
    TILE(NAME, 1, 7, __VA_ARGS__)                                                                            \
    TILE(NAME, 1, 8, __VA_ARGS__)                                                                            \
    TILE(NAME, 2, 4, __VA_ARGS__)                                                                            \
    TILE(NAME, 2, 5, __VA_ARGS__)                                                                            \
    TILE(NAME, 2, 6, __VA_ARGS__)                                                                            \
    TILE(NAME, 2, 7, __VA_ARGS__)                                                                            \
    TILE(NAME, 2, 8, __VA_ARGS__)                                                                            \
    static void matmul_##NAME(const struct mica_packed *w, const void *act, int64_t m, int64_t g0,           \
                              int64_t g1, float *out, int64_t ld, const struct mica_epilogue *epilogue)      \
    {                                                                                                        \
        static const struct tiles tiles = {                                                                  \
            .one = {TILE_ROW(NAME, 1, 1), TILE_ROW(NAME, 1, 2), TILE_ROW(NAME, 1, 3), TILE_ROW(NAME, 1, 4),  \
                    TILE_ROW(NAME, 1, 5), TILE_ROW(NAME, 1, 6), TILE_ROW(NAME, 1, 7), TILE_ROW(NAME, 1, 8)}, \
            .two = {TILE_ROW(NAME, 2, 4), TILE_ROW(NAME, 2, 5), TILE_ROW(NAME, 2, 6), TILE_ROW(NAME, 2, 7),  \
                    TILE_ROW(NAME, 2, 8)},                                                                   \
        };                                                                                                   \
        struct product p = product_of(w, act, w->k / MICA_ACT_BLOCK, out, ld, epilogue);                     \
        run_product(&tiles, tokens_of_one(MICA_MATMUL_FORM_OF(__VA_ARGS__)), &p, m, g0, g1);                 \
    }
MICA_MATMUL_FORMS(X)
#undef X

void mica_kern_init_avx512_matmul(struct mica_kern *kern)
{
    mica_kern_init_avx512_matmul_float(kern);
    mica_kern_init_avx512_quantize(kern);
#define X(NAME, ...) kern->matmul[MICA_W_##NAME] = matmul_##NAME;
    MICA_MATMUL_FORMS(X)
#undef X
}
