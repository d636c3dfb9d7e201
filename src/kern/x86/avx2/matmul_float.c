/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Matrix products of F32, F16 and BF16 weights with AVX2: every lane is one chain of FMAs in the order of
 * k, so a tile takes enough groups × tokens to keep that many chains busy. */
#include "kern/init.h"
#include "kern/x86/avx2/tile.h"
#include "kern/x86/float_tiles.h"

/* Half h of column k of a group: 8 weights as f32. */
MICA_MATMUL_INLINE __m256 load_column(enum mica_wtype type, const uint8_t *codes, int64_t k, int h)
{
    if (type == MICA_W_F32)
        return _mm256_loadu_ps((const float *)(codes + 64 * k + 32 * h));
    __m128i half = _mm_loadu_si128((const __m128i *)(codes + 32 * k + 16 * h));
    if (type == MICA_W_F16)
        return _mm256_cvtph_ps(half);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
}

MICA_MATMUL_INLINE void float_tile(enum mica_wtype type, const int R, const int T, const struct product *p,
                                   int64_t m0, int64_t g)
{
    enum { STEP = 4 }; /* columns between prefetches: 256 or 128 bytes of each group */
    const uint8_t *codes[4];
    const float *x[8];
    __m256 acc[16];
    UNROLL for (int r = 0; r < R; r++) codes[r] = p->w->data + (size_t)(g + r) * p->w->group_bytes;
    UNROLL for (int t = 0; t < T; t++) x[t] = (const float *)p->act + (m0 + t) * p->act_stride;
    UNROLL for (int i = 0; i < R * T * HALVES; i++) acc[i] = _mm256_setzero_ps();
    const size_t next = R * p->w->group_bytes;
    const int column = type == MICA_W_F32 ? 64 : 32;
    int64_t ask = p->tile * STEP; /* the next column at which this tile prefetches */
    for (int64_t k = 0; k < p->w->k; k++) {
        if (k == ask) {
            ask += p->n_tiles * STEP;
            UNROLL for (int r = 0; r < R; r++) prefetch(codes[r] + next + k * column, STEP * column);
        }
        UNROLL for (int r = 0; r < R; r++)
        {
            __m256 w0 = load_column(type, codes[r], k, 0), w1 = load_column(type, codes[r], k, 1);
            UNROLL for (int t = 0; t < T; t++)
            {
                __m256 v = _mm256_set1_ps(x[t][k]), *a = &acc[(r * T + t) * HALVES];
                a[0] = _mm256_fmadd_ps(w0, v, a[0]);
                a[1] = _mm256_fmadd_ps(w1, v, a[1]);
            }
        }
    }
    store_tile(R, T, p, m0, g, acc);
}

#define TILE(NAME, R, T)                                                                                     \
    static void tile_##NAME##_##R##_##T(const struct product *p, int64_t m0, int64_t g)                      \
    {                                                                                                        \
        float_tile(MICA_W_##NAME, R, T, p, m0, g);                                                           \
    }
#define TILE_ROW(NAME, R, T) [T] = tile_##NAME##_##R##_##T

/* Tiles: eight to twelve chains. */
#define FLOAT_MATMUL(NAME)                                                                                   \
    TILE(NAME, 1, 1)                                                                                         \
    TILE(NAME, 1, 2)                                                                                         \
    TILE(NAME, 1, 3)                                                                                         \
    TILE(NAME, 1, 4)                                                                                         \
    TILE(NAME, 1, 5)                                                                                         \
    TILE(NAME, 1, 6)                                                                                         \
    TILE(NAME, 4, 1)                                                                                         \
    TILE(NAME, 2, 2)                                                                                         \
    TILE(NAME, 2, 3)                                                                                         \
    static void matmul_##NAME(const struct mica_packed *w, const void *act, int64_t m, int64_t g0,           \
                              int64_t g1, float *out, int64_t ld, const struct mica_epilogue *epilogue)      \
    {                                                                                                        \
        static const struct tiles tiles = {                                                                  \
            .one = {TILE_ROW(NAME, 1, 1), TILE_ROW(NAME, 1, 2), TILE_ROW(NAME, 1, 3), TILE_ROW(NAME, 1, 4),  \
                    TILE_ROW(NAME, 1, 5), TILE_ROW(NAME, 1, 6)},                                             \
            .many = {TILE_ROW(NAME, 4, 1), TILE_ROW(NAME, 2, 2), TILE_ROW(NAME, 2, 3), TILE_ROW(NAME, 1, 4), \
                     TILE_ROW(NAME, 1, 5), TILE_ROW(NAME, 1, 6)},                                            \
            .groups = {0, 4, 2, 2, 1, 1, 1},                                                                 \
        };                                                                                                   \
        struct product p = product_of(w, act, w->k, out, ld, epilogue);                                      \
        run_product(&tiles, &p, m, g0, g1);                                                                  \
    }
FLOAT_MATMUL(F32)
FLOAT_MATMUL(F16)
FLOAT_MATMUL(BF16)

void mica_kern_init_avx2_matmul_float(struct mica_kern *kern)
{
    kern->matmul[MICA_W_F32] = matmul_F32;
    kern->matmul[MICA_W_F16] = matmul_F16;
    kern->matmul[MICA_W_BF16] = matmul_BF16;
}
