/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* One matrix product, as the tiles of the x86 kernels see it. */
#ifndef MICA_X86_PRODUCT_H
#define MICA_X86_PRODUCT_H

#include "kern/kern.h"
#include "kern/matmul.h"

#include <immintrin.h>

struct product {
    const struct mica_packed *w;
    const void *act;
    int64_t act_stride; /* blocks or floats from one token to the next */
    float *out;
    int64_t ld;
    const float *bias, *residual;
    int64_t ld_residual;
    /* The tiles of one group of rows share the work of fetching the next group: tile number `tile` of n_tiles
     * does every n_tiles-th block. */
    int64_t tile, n_tiles;
};

MICA_MATMUL_INLINE struct product product_of(const struct mica_packed *w, const void *act, int64_t act_stride,
                                             float *out, int64_t ld, const struct mica_epilogue *epilogue)
{
    struct product p = {.w = w, .act = act, .act_stride = act_stride, .out = out, .ld = ld};
    if (epilogue) {
        p.bias = epilogue->bias;
        p.residual = epilogue->residual;
        p.ld_residual = epilogue->ld_residual;
    }
    return p;
}

/* Loops over arrays of registers: unrolled, or the arrays would live in memory. */
#define UNROLL _Pragma("GCC unroll 16")

MICA_MATMUL_INLINE void prefetch(const uint8_t *p, int n)
{
    UNROLL for (int i = 0; i < n; i += 64) _mm_prefetch(p + i, _MM_HINT_T0);
}

typedef void tile_fn(const struct product *p, int64_t m0, int64_t g);

#endif
