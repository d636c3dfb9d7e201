/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What the AVX2 products of quantised and of float weights share. A group's 16 rows are two halves of 8. */
#ifndef MICA_AVX2_TILE_H
#define MICA_AVX2_TILE_H

#include "kern/x86/product.h"

enum { HALVES = 2, HALF_LANES = MICA_LANES / HALVES };

/* Lanes below n (any number). */
MICA_MATMUL_INLINE __m256i lane_mask(int64_t n)
{
    int count = n < 0 ? 0 : n > HALF_LANES ? HALF_LANES : (int)n;
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* Adds the epilogue to acc[R][T][HALVES] and stores the rows that the matrix has. */
MICA_MATMUL_INLINE void store_tile(const int R, const int T, const struct product *p, int64_t m0, int64_t g,
                                   const __m256 *acc)
{
    UNROLL for (int i = 0; i < R * T * HALVES; i++)
    {
        int r = i / (T * HALVES), t = i / HALVES % T, h = i % HALVES;
        int64_t n0 = (g + r) * MICA_LANES + h * HALF_LANES;
        __m256i mask = lane_mask(p->w->n - n0);
        __m256 y = acc[i];
        if (p->bias)
            y = _mm256_add_ps(y, _mm256_maskload_ps(p->bias + n0, mask));
        if (p->residual)
            y = _mm256_add_ps(y, _mm256_maskload_ps(p->residual + (m0 + t) * p->ld_residual + n0, mask));
        _mm256_maskstore_ps(p->out + (m0 + t) * p->ld + n0, mask, y);
    }
}

#endif
