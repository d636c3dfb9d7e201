/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* How the x86 products of float weights cut groups × tokens into tiles. */
#ifndef MICA_FLOAT_TILES_H
#define MICA_FLOAT_TILES_H

#include "kern/x86/product.h"

enum { MAX_TOKENS = 6 };

struct tiles {
    tile_fn *one[MAX_TOKENS + 1], *many[MAX_TOKENS + 1]; /* of one group; of groups[t] */
    int groups[MAX_TOKENS + 1];                          /* groups of a tile by its tokens */
};

/* Rows past the last whole tile go group by group: each lane's sum is the same either way. */
static void run_product(const struct tiles *tiles, struct product *p, int64_t m, int64_t g0, int64_t g1)
{
    p->n_tiles = (m + MAX_TOKENS - 1) / MAX_TOKENS;
    int n_groups = tiles->groups[p->n_tiles > 0 ? (m + p->n_tiles - 1) / p->n_tiles : 1];
    for (int64_t g = g0; g < g1;) {
        int64_t step = g1 - g < n_groups ? g1 - g : n_groups;
        for (int64_t m0 = 0, i = 0; i < p->n_tiles; i++) {
            int64_t left = p->n_tiles - i, t = (m - m0 + left - 1) / left, r = g;
            p->tile = i;
            for (; r + tiles->groups[t] <= g + step; r += tiles->groups[t])
                tiles->many[t](p, m0, r);
            for (; r < g + step; r++)
                tiles->one[t](p, m0, r);
            m0 += t;
        }
        g += step;
    }
}

#endif
