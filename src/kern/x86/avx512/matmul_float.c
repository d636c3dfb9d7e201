/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Matrix products of F32, F16 and BF16 weights with AVX-512: every lane is one chain of FMAs in the order of
 * k, so a tile takes enough groups × tokens to keep that many chains busy. */
#include "kern/init.h"
#include "kern/x86/avx512/tile.h"
#include "kern/x86/float_tiles.h"

/* Column k of a group: 16 weights as f32. */
MICA_MATMUL_INLINE __m512 load_column(enum mica_wtype type, const uint8_t *codes, int64_t k)
{
    if (type == MICA_W_F32)
        return _mm512_loadu_ps(codes + 64 * k);
    __m256i half = _mm256_loadu_si256((const __m256i *)(codes + 32 * k));
    if (type == MICA_W_F16)
        return _mm512_cvtph_ps(half);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

MICA_MATMUL_INLINE void float_tile(enum mica_wtype type, const int R, const int T, const struct product *p,
                                   int64_t m0, int64_t g)
{
    enum { STEP = 4 }; /* columns between prefetches: 256 or 128 bytes of each group */
    const uint8_t *codes[8];
    const float *x[8];
    __m512 acc[32];
    UNROLL for (int r = 0; r < R; r++) codes[r] = p->w->data + (size_t)(g + r) * p->w->group_bytes;
    UNROLL for (int t = 0; t < T; t++) x[t] = (const float *)p->act + (m0 + t) * p->act_stride;
    UNROLL for (int i = 0; i < R * T; i++) acc[i] = _mm512_setzero_ps();
    const size_t next = R * p->w->group_bytes;
    const int column = type == MICA_W_F32 ? 64 : 32;
    int64_t ask = p->tile * STEP; /* the next column at which this tile prefetches */
    for (int64_t k = 0; k < p->w->k; k++) {
        if (k == ask) {
            ask += p->n_tiles * STEP;
            UNROLL for (int r = 0; r < R; r++) prefetch(codes[r] + next + k * column, STEP * column);
        }
        __m512 w[8];
        UNROLL for (int r = 0; r < R; r++) w[r] = load_column(type, codes[r], k);
        UNROLL for (int t = 0; t < T; t++)
        {
            __m512 v = _mm512_set1_ps(x[t][k]);
            UNROLL for (int r = 0; r < R; r++) acc[r * T + t] = _mm512_fmadd_ps(w[r], v, acc[r * T + t]);
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

/* Tiles: at least eight chains, at most 24. */
#define FLOAT_MATMUL(NAME)                                                                                   \
    TILE(NAME, 1, 1)                                                                                         \
    TILE(NAME, 1, 2)                                                                                         \
    TILE(NAME, 1, 3)                                                                                         \
    TILE(NAME, 1, 4)                                                                                         \
    TILE(NAME, 1, 5)                                                                                         \
    TILE(NAME, 1, 6)                                                                                         \
    TILE(NAME, 8, 1)                                                                                         \
    TILE(NAME, 8, 2)                                                                                         \
    TILE(NAME, 8, 3)                                                                                         \
    TILE(NAME, 4, 4)                                                                                         \
    TILE(NAME, 4, 5)                                                                                         \
    TILE(NAME, 4, 6)                                                                                         \
    static void matmul_##NAME(const struct mica_packed *w, const void *act, int64_t m, int64_t g0,           \
                              int64_t g1, float *out, int64_t ld, const struct mica_epilogue *epilogue)      \
    {                                                                                                        \
        static const struct tiles tiles = {                                                                  \
            .one = {TILE_ROW(NAME, 1, 1), TILE_ROW(NAME, 1, 2), TILE_ROW(NAME, 1, 3), TILE_ROW(NAME, 1, 4),  \
                    TILE_ROW(NAME, 1, 5), TILE_ROW(NAME, 1, 6)},                                             \
            .many = {TILE_ROW(NAME, 8, 1), TILE_ROW(NAME, 8, 2), TILE_ROW(NAME, 8, 3), TILE_ROW(NAME, 4, 4), \
                     TILE_ROW(NAME, 4, 5), TILE_ROW(NAME, 4, 6)},                                            \
            .groups = {0, 8, 8, 8, 4, 4, 4},                                                                 \
        };                                                                                                   \
        struct product p = product_of(w, act, w->k, out, ld, epilogue);                                      \
        run_product(&tiles, &p, m, g0, g1);                                                                  \
    }
FLOAT_MATMUL(F32)
FLOAT_MATMUL(F16)
FLOAT_MATMUL(BF16)

void mica_kern_init_avx512_matmul_float(struct mica_kern *kern)
{
    kern->matmul[MICA_W_F32] = matmul_F32;
    kern->matmul[MICA_W_F16] = matmul_F16;
    kern->matmul[MICA_W_BF16] = matmul_BF16;
}
