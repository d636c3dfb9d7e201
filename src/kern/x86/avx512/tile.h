/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What the AVX-512 products of quantised and of float weights share. */
#ifndef MICA_AVX512_TILE_H
#define MICA_AVX512_TILE_H

#include "kern/x86/product.h"

/* Adds the epilogue to acc[R][T] and stores the rows that the matrix has. */
MICA_MATMUL_INLINE void store_tile(const int R, const int T, const struct product *p, int64_t m0, int64_t g,
                                   const __m512 *acc)
{
    UNROLL for (int r = 0; r < R; r++)
    {
        int64_t n0 = (g + r) * MICA_LANES, left = p->w->n - n0;
        __mmask16 mask = left >= MICA_LANES ? 0xffff : (__mmask16)((1 << (left > 0 ? left : 0)) - 1);
        __m512 bias = p->bias ? _mm512_maskz_loadu_ps(mask, p->bias + n0) : _mm512_setzero_ps();
        UNROLL for (int t = 0; t < T; t++)
        {
            __m512 y = acc[r * T + t];
            if (p->bias)
                y = _mm512_add_ps(y, bias);
            if (p->residual)
                y = _mm512_add_ps(y,
                                  _mm512_maskz_loadu_ps(mask, p->residual + (m0 + t) * p->ld_residual + n0));
            _mm512_mask_storeu_ps(p->out + (m0 + t) * p->ld + n0, mask, y);
        }
    }
}

#endif
