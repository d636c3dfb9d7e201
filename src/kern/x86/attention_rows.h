/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The part of attention that the x86 variants share: (query, head) pairs become rows, MICA_ATTN_ROWS at a
 * time; the rows walk the tiles of 32 positions together, in micro tiles of up to 8 rows. Each variant
 * includes this file once and defines the functions that it declares. Arithmetic: kern/attention.h. */
#ifndef MICA_X86_ATTENTION_ROWS_H
#define MICA_X86_ATTENTION_ROWS_H

#include "kern/attention.h"
#include "kern/math.h"
#include <math.h>
#include <string.h>

enum { ATTN_MICRO = 8 };

/* Calls f(…, rows) with rows a constant 1 … 8, so that the accumulators stay in registers. */
#define WITH_ROWS(n, f, ...)                                                                                 \
    switch (n) {                                                                                             \
    case 1:                                                                                                  \
        f(__VA_ARGS__, 1);                                                                                   \
        break;                                                                                               \
    case 2:                                                                                                  \
        f(__VA_ARGS__, 2);                                                                                   \
        break;                                                                                               \
    case 3:                                                                                                  \
        f(__VA_ARGS__, 3);                                                                                   \
        break;                                                                                               \
    case 4:                                                                                                  \
        f(__VA_ARGS__, 4);                                                                                   \
        break;                                                                                               \
    case 5:                                                                                                  \
        f(__VA_ARGS__, 5);                                                                                   \
        break;                                                                                               \
    case 6:                                                                                                  \
        f(__VA_ARGS__, 6);                                                                                   \
        break;                                                                                               \
    case 7:                                                                                                  \
        f(__VA_ARGS__, 7);                                                                                   \
        break;                                                                                               \
    default:                                                                                                 \
        f(__VA_ARGS__, 8);                                                                                   \
    }

/* The same for at most 4 rows. */
#define WITH_QUAD(n, f, ...)                                                                                 \
    switch (n) {                                                                                             \
    case 1:                                                                                                  \
        f(__VA_ARGS__, 1);                                                                                   \
        break;                                                                                               \
    case 2:                                                                                                  \
        f(__VA_ARGS__, 2);                                                                                   \
        break;                                                                                               \
    case 3:                                                                                                  \
        f(__VA_ARGS__, 3);                                                                                   \
        break;                                                                                               \
    default:                                                                                                 \
        f(__VA_ARGS__, 4);                                                                                   \
    }

#define INLINE static inline __attribute__((always_inline))

/* One block of rows. Row r of the block is head head0 + (first_row + r) % group of query (first_row + r) /
 * group. Rows lie in micro tiles of 8, interleaved, so that one address serves 8 broadcasts. */
struct attn_work {
    const struct mica_attention *args;
    int dim, head0, group, rows;
    int64_t first_row;
    float *q;         /* f16:  [rows/8][D][8] */
    int32_t *q_codes; /* q8_0: [rows/8][D/4][8], four codes each (the same memory) */
    float *q_scale;   /* [rows/8][D/32][8] */
    int32_t *q_low;   /* [rows/8][D/32][8]: −128 × the sum of the block's codes (K's are stored + 128) */
    float *k;         /* [2][D][16] the tile's K as f32 */
    float *v;         /* [32][D] the tile's V as f32 (q8_0: its codes as f32) */
    float *v_scale;   /* [D/32][32] */
    float *e;         /* [rows][32] scores, then their exponentials */
    float *scaled;    /* [8][32] exponentials × v_scale */
    float *o;         /* [rows][D] */
    float *m, *l;     /* [rows] the state of the part */
    float *c;         /* [rows] the factor by which this tile scales l and o */
    float *all_m, *all_l;
    const uint8_t *k_tile, *v_tile; /* the tile as it is stored */
    bool is_direct;                 /* few rows: read K and V as stored, not through k and v */
};

static inline int64_t attn_row_pos(const struct attn_work *w, int row)
{
    return w->args->pos0 + (w->first_row + row) / w->group;
}

static inline int64_t attn_row_offset(const struct attn_work *w, int row)
{
    int64_t i = w->first_row + row;
    return i / w->group * w->args->ld + (w->head0 + i % w->group) * w->dim;
}

/* The positions [*from, *to) of a tile that the row sees, relative to the tile. */
static inline void attn_visible(const struct attn_work *w, int row, int64_t tile, int *from, int *to)
{
    int64_t pos = attn_row_pos(w, row), lo = mica_attn_first(pos, w->args->window) - tile * MICA_KV_BLOCK;
    int64_t hi = pos + 1 - tile * MICA_KV_BLOCK;
    *from = lo < 0 ? 0 : lo > MICA_KV_BLOCK ? MICA_KV_BLOCK : (int)lo;
    *to = hi < 0 ? 0 : hi > MICA_KV_BLOCK ? MICA_KV_BLOCK : (int)hi;
}

/* What a variant defines. Rows r0 … r0 + n − 1 are one micro tile; r0 is a multiple of 8. */
static void attn_load_query(struct attn_work *w, int row, const float *q);
static void attn_load_tile(struct attn_work *w);             /* k and v, v_scale from the stored tile */
static void attn_scores(struct attn_work *w, int r0, int n); /* e = q · k × scale, softcapped */
static void attn_weights(struct attn_work *w, int r0, int n, int64_t tile); /* e, c and m, l */
static void attn_values(struct attn_work *w, int r0, int n, int from, int to);
/* out[D] = fma(o, c2, out × c) */
static void attn_merge_row(int dim, const float *o, float c2, float c, float *out);
/* out[D] = fma(out, inv, 0) */
static void attn_finish_row(int dim, float inv, float *out);

static void attn_tile(struct attn_work *w, int64_t tile)
{
    const struct mica_kv_layer *layer = w->args->layer;
    w->k_tile = mica_kv_tile(layer, w->args->block_table, tile, w->args->kv_head);
    w->v_tile = w->k_tile + layer->k_bytes;
    attn_load_tile(w);
    for (int r0 = 0; r0 < w->rows; r0 += ATTN_MICRO) {
        int n = w->rows - r0 < ATTN_MICRO ? w->rows - r0 : ATTN_MICRO, from, to, unused;
        attn_visible(w, r0, tile, &from, &unused);
        attn_visible(w, r0 + n - 1, tile, &unused, &to);
        if (from >= to)
            continue;
        attn_scores(w, r0, n);
        attn_weights(w, r0, n, tile);
        attn_values(w, r0, n, from, to);
    }
}

static void attn_merge(struct attn_work *w, bool is_first)
{
    for (int r = 0; r < w->rows; r++) {
        float *out = w->args->out + attn_row_offset(w, r), *o = w->o + (size_t)r * w->dim;
        if (is_first) { /* merging into an empty state copies */
            memcpy(out, o, (size_t)w->dim * sizeof *out);
            w->all_m[r] = w->m[r];
            w->all_l[r] = w->l[r];
            continue;
        }
        float m = w->m[r] > w->all_m[r] ? w->m[r] : w->all_m[r];
        float c = mica_expf(w->all_m[r] - m), c2 = mica_expf(w->m[r] - m);
        w->all_l[r] = fmaf(w->l[r], c2, w->all_l[r] * c);
        w->all_m[r] = m;
        attn_merge_row(w->dim, o, c2, c, out);
    }
}

static void attn_block(struct attn_work *w)
{
    const struct mica_attention *args = w->args;
    for (int r = 0; r < w->rows; r++)
        attn_load_query(w, r, args->q + attn_row_offset(w, r));
    w->is_direct = w->rows <= ATTN_MICRO;
    int64_t tile = mica_attn_first(attn_row_pos(w, 0), args->window) / MICA_KV_BLOCK;
    int64_t last = attn_row_pos(w, w->rows - 1) / MICA_KV_BLOCK;
    for (bool is_first = true; tile <= last; is_first = false) {
        memset(w->o, 0, (size_t)w->rows * w->dim * sizeof *w->o);
        for (int r = 0; r < MICA_ATTN_ROWS; r++) {
            w->m[r] = MICA_ATTN_MAX_START;
            w->l[r] = 0;
        }
        do
            attn_tile(w, tile++);
        while (tile <= last && tile % MICA_ATTN_PART_TILES != 0);
        attn_merge(w, is_first);
    }
    for (int r = 0; r < w->rows; r++)
        attn_finish_row(w->dim, w->all_l[r] > 0 ? 1.0f / w->all_l[r] : 0, args->out + attn_row_offset(w, r));
}

/* Takes n floats of scratch, rounded up to a multiple of 64 bytes. */
static inline float *attn_take(float **scratch, size_t n)
{
    float *p = *scratch;
    *scratch += (n + 15) / 16 * 16;
    return p;
}

static void attention_rows(const struct mica_attention *args)
{
    const size_t dim = (size_t)args->layer->head_dim, rows = MICA_ATTN_ROWS, blocks = dim / MICA_ACT_BLOCK;
    struct attn_work w = {.args = args, .dim = (int)dim};
    w.group = mica_attn_heads(args, &w.head0);
    float *scratch = args->scratch;
    w.q = attn_take(&scratch, rows * dim);
    w.q_codes = (int32_t *)w.q;
    w.q_scale = attn_take(&scratch, rows * blocks);
    w.q_low = (int32_t *)attn_take(&scratch, rows * blocks);
    w.k = attn_take(&scratch, MICA_KV_BLOCK * dim);
    w.v = attn_take(&scratch, MICA_KV_BLOCK * dim);
    w.v_scale = attn_take(&scratch, MICA_KV_BLOCK * blocks);
    w.e = attn_take(&scratch, rows * MICA_KV_BLOCK);
    w.scaled = attn_take(&scratch, ATTN_MICRO * MICA_KV_BLOCK);
    w.o = attn_take(&scratch, rows * dim);
    w.m = attn_take(&scratch, rows);
    w.l = attn_take(&scratch, rows);
    w.c = attn_take(&scratch, rows);
    w.all_m = attn_take(&scratch, rows);
    w.all_l = attn_take(&scratch, rows);
    int64_t n_rows = args->n_q * w.group;
    for (w.first_row = 0; w.first_row < n_rows; w.first_row += MICA_ATTN_ROWS) {
        w.rows = n_rows - w.first_row < MICA_ATTN_ROWS ? (int)(n_rows - w.first_row) : MICA_ATTN_ROWS;
        attn_block(&w);
    }
}

#endif
