/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The KV cache's layout and attention in plain C, one query of one head at a time. The order of every
 * operation is stated in kern/attention.h. */
#include "kern/attention.h"
#include "kern/init.h"
#include "kern/math.h"
#include "kern/quant.h"
#include "kern/quant/form.h"
#include <math.h>
#include <string.h>

void mica_kv_layer_sizes(struct mica_kv_layer *layer)
{
    size_t d = (size_t)layer->head_dim;
    if (layer->type != MICA_KV_Q8_0)
        layer->k_bytes = MICA_KV_BLOCK * d * (layer->type == MICA_KV_F32 ? sizeof(float) : sizeof(uint16_t));
    else
        layer->k_bytes = MICA_KV_BLOCK * d + MICA_KV_BLOCK * (d / MICA_ACT_BLOCK) * sizeof(uint16_t);
    layer->head_bytes = 2 * layer->k_bytes;
    layer->block_bytes = (size_t)layer->n_kv_heads * layer->head_bytes;
}

size_t mica_attention_scratch(int head_dim, int n_heads, int n_kv_heads)
{
    (void)n_heads, (void)n_kv_heads;
    size_t d = (size_t)head_dim, rows = MICA_ATTN_ROWS, tile = MICA_KV_BLOCK;
    size_t per_row = 3 * d + 2 * tile + d / 8 + 32, shared = 2 * tile * d + 2 * tile * (d / MICA_ACT_BLOCK);
    return (rows * per_row + shared + 1024) * sizeof(float);
}

static void kv_store_f16(const struct mica_kv_layer *layer, const int32_t *block_table, int64_t pos,
                         const float *k, const float *v)
{
    int dim = layer->head_dim, j = (int)(pos % MICA_KV_BLOCK);
    for (int h = 0; h < layer->n_kv_heads; h++, k += dim, v += dim) {
        uint8_t *head = mica_kv_tile(layer, block_table, pos / MICA_KV_BLOCK, h);
        uint16_t *k_out = (uint16_t *)head + (j / MICA_KV_HALF) * dim * MICA_KV_HALF + j % MICA_KV_HALF;
        uint16_t *v_out = (uint16_t *)(head + layer->k_bytes) + j * dim;
        for (int d = 0; d < dim; d++) {
            k_out[d * MICA_KV_HALF] = mica_f32_to_f16(k[d]);
            v_out[d] = mica_f32_to_f16(v[d]);
        }
    }
}

/* One block of 32 as mica_quantize defines it; returns its scale. */
static float quantize32(const float *x, int8_t q[MICA_ACT_BLOCK])
{
    /* The bits of |x| order as integers with NaN on top. */
    uint32_t bits = 0;
    for (int i = 0; i < MICA_ACT_BLOCK; i++) {
        uint32_t a = mica_bits_of_f32(x[i]) & 0x7fffffff;
        bits = a > bits ? a : bits;
    }
    float amax = mica_f32_of_bits(bits), inv = 127.0f / amax;
    inv = inv <= 0x1.fffffep127f ? inv : 0;
    for (int i = 0; i < MICA_ACT_BLOCK; i++) {
        float v = x[i] * inv;
        q[i] = fabsf(v) < 127.5f ? (int8_t)lrintf(v) : 0;
    }
    return amax / 127.0f;
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
            int8_t q[MICA_ACT_BLOCK];
            float scale = quantize32(k + b * MICA_ACT_BLOCK, q);
            for (int i = 0; i < MICA_ACT_BLOCK; i++) {
                int d = b * MICA_ACT_BLOCK + i;
                k_codes[(d / 4) * (MICA_KV_HALF * 4) + lane * 4 + d % 4] = (uint8_t)(q[i] + 128);
            }
            k_scales[b * MICA_KV_HALF + lane] = mica_f32_to_f16(scale);
            v_scales[j * blocks + b] = mica_f32_to_f16(quantize32(v + b * MICA_ACT_BLOCK, q));
            memcpy(v_codes + j * dim + b * MICA_ACT_BLOCK, q, sizeof q);
        }
    }
}

static void kv_store_f32(const struct mica_kv_layer *layer, const int32_t *block_table, int64_t pos,
                         const float *k, const float *v)
{
    int dim = layer->head_dim, j = (int)(pos % MICA_KV_BLOCK);
    for (int h = 0; h < layer->n_kv_heads; h++, k += dim, v += dim) {
        uint8_t *head = mica_kv_tile(layer, block_table, pos / MICA_KV_BLOCK, h);
        float *k_out = (float *)head + (j / MICA_KV_HALF) * dim * MICA_KV_HALF + j % MICA_KV_HALF;
        for (int d = 0; d < dim; d++)
            k_out[d * MICA_KV_HALF] = k[d];
        memcpy((float *)(head + layer->k_bytes) + j * dim, v, (size_t)dim * sizeof *v);
    }
}

/* One row: its query, the running state of its part, and the merged state. */
struct row {
    const float *q;
    int8_t *codes;   /* [D] the query quantised, */
    float *scales;   /* [D/32] for q8_0 */
    float *part;     /* [D] */
    float *out;      /* [D] merged, then the result */
    int64_t lo, pos; /* the positions it sees: lo … pos */
    float m, l, all_m, all_l;
};

static float load_float(const struct mica_kv_layer *layer, const uint8_t *base, int i)
{
    return layer->type == MICA_KV_F32 ? ((const float *)base)[i]
                                      : mica_f16_to_f32(((const uint16_t *)base)[i]);
}

static float dot_float(const struct mica_kv_layer *layer, const struct row *row, const uint8_t *k, int j)
{
    int dim = layer->head_dim, at = (j / MICA_KV_HALF) * dim * MICA_KV_HALF + j % MICA_KV_HALF;
    float dot = 0;
    for (int d = 0; d < dim; d++)
        dot = fmaf(row->q[d], load_float(layer, k, at + d * MICA_KV_HALF), dot);
    return dot;
}

static float dot_q8_0(const struct mica_kv_layer *layer, const struct row *row, const uint8_t *k, int j)
{
    int dim = layer->head_dim, lane = j % MICA_KV_HALF;
    const uint8_t *codes = k + (size_t)(j / MICA_KV_HALF) * (layer->k_bytes / 2);
    const uint16_t *scales = (const uint16_t *)(codes + dim * MICA_KV_HALF);
    float dot = 0;
    for (int b = 0; b < dim / MICA_ACT_BLOCK; b++) {
        int32_t sum = 0;
        for (int d = b * MICA_ACT_BLOCK; d < (b + 1) * MICA_ACT_BLOCK; d++)
            sum += row->codes[d] * (codes[(d / 4) * (MICA_KV_HALF * 4) + lane * 4 + d % 4] - 128);
        dot = fmaf((float)sum, mica_f16_to_f32(scales[b * MICA_KV_HALF + lane]) * row->scales[b], dot);
    }
    return dot;
}

static void add_values_float(const struct mica_kv_layer *layer, const uint8_t *v, int j, float e, float *out)
{
    for (int d = 0; d < layer->head_dim; d++)
        out[d] = fmaf(e, load_float(layer, v, j * layer->head_dim + d), out[d]);
}

static void add_values_q8_0(const struct mica_kv_layer *layer, const uint8_t *v, int j, float e, float *out)
{
    int dim = layer->head_dim, blocks = dim / MICA_ACT_BLOCK;
    const int8_t *codes = (const int8_t *)v + j * dim;
    const uint16_t *scales = (const uint16_t *)(v + dim * MICA_KV_BLOCK) + j * blocks;
    for (int b = 0; b < blocks; b++) {
        float t = e * mica_f16_to_f32(scales[b]);
        for (int d = b * MICA_ACT_BLOCK; d < (b + 1) * MICA_ACT_BLOCK; d++)
            out[d] = fmaf(t, (float)codes[d], out[d]);
    }
}

static void attend_tile(const struct mica_attention *args, struct row *row, int64_t tile)
{
    const struct mica_kv_layer *layer = args->layer;
    const uint8_t *k = mica_kv_tile(layer, args->block_table, tile, args->kv_head), *v = k + layer->k_bytes;
    bool is_float = layer->type != MICA_KV_Q8_0;
    float e[MICA_KV_BLOCK], m = row->m;
    for (int j = 0; j < MICA_KV_BLOCK; j++) {
        int64_t pos = tile * MICA_KV_BLOCK + j;
        e[j] = -INFINITY;
        if (pos < row->lo || pos > row->pos)
            continue;
        e[j] = (is_float ? dot_float(layer, row, k, j) : dot_q8_0(layer, row, k, j)) * args->scale;
        if (args->softcap > 0)
            e[j] = args->softcap * mica_tanhf(e[j] / args->softcap);
        m = e[j] > m ? e[j] : m;
    }
    float lanes[MICA_KV_HALF], correction = mica_expf(row->m - m);
    for (int j = 0; j < MICA_KV_BLOCK; j++)
        e[j] = mica_expf(e[j] - m);
    for (int i = 0; i < MICA_KV_HALF; i++)
        lanes[i] = e[i] + e[i + MICA_KV_HALF];
    for (int step = MICA_KV_HALF / 2; step >= 1; step /= 2)
        for (int i = 0; i < step; i++)
            lanes[i] += lanes[i + step];
    row->l = fmaf(row->l, correction, lanes[0]);
    row->m = m;
    for (int d = 0; d < layer->head_dim; d++)
        row->part[d] *= correction;
    for (int j = 0; j < MICA_KV_BLOCK; j++) {
        int64_t pos = tile * MICA_KV_BLOCK + j;
        if (pos < row->lo || pos > row->pos)
            continue;
        if (is_float)
            add_values_float(layer, v, j, e[j], row->part);
        else
            add_values_q8_0(layer, v, j, e[j], row->part);
    }
}

static void start_part(struct row *row, int dim)
{
    row->m = MICA_ATTN_MAX_START;
    row->l = 0;
    memset(row->part, 0, (size_t)dim * sizeof(float));
}

static void merge_part(struct row *row, int dim)
{
    float m = row->m > row->all_m ? row->m : row->all_m;
    float old = mica_expf(row->all_m - m), new = mica_expf(row->m - m);
    row->all_l = fmaf(row->l, new, row->all_l * old);
    row->all_m = m;
    for (int d = 0; d < dim; d++)
        row->out[d] = fmaf(row->part[d], new, row->out[d] * old);
}

static void attend_row(const struct mica_attention *args, struct row *row)
{
    int dim = args->layer->head_dim;
    if (args->layer->type == MICA_KV_Q8_0)
        for (int b = 0; b < dim / MICA_ACT_BLOCK; b++)
            row->scales[b] = quantize32(row->q + b * MICA_ACT_BLOCK, row->codes + b * MICA_ACT_BLOCK);
    row->all_m = MICA_ATTN_MAX_START;
    row->all_l = 0;
    memset(row->out, 0, (size_t)dim * sizeof(float));
    int64_t tile = row->lo / MICA_KV_BLOCK, last = row->pos / MICA_KV_BLOCK;
    while (tile <= last) {
        start_part(row, dim);
        do
            attend_tile(args, row, tile++);
        while (tile <= last && tile % MICA_ATTN_PART_TILES != 0);
        merge_part(row, dim);
    }
    float inv = row->all_l > 0 ? 1.0f / row->all_l : 0;
    for (int d = 0; d < dim; d++)
        row->out[d] = fmaf(row->out[d], inv, 0.0f);
}

static void attention(const struct mica_attention *args)
{
    int dim = args->layer->head_dim, first, n_heads = mica_attn_heads(args, &first);
    float *scratch = args->scratch;
    for (int64_t i = 0; i < args->n_q; i++) {
        for (int h = 0; h < n_heads; h++) {
            int64_t at = i * args->ld + (int64_t)(first + h) * dim, pos = args->pos0 + i;
            struct row row = {.q = args->q + at,
                              .part = scratch,
                              .scales = scratch + dim,
                              .codes = (int8_t *)(scratch + 2 * dim),
                              .out = args->out + at,
                              .lo = mica_attn_first(pos, args->window),
                              .pos = pos};
            attend_row(args, &row);
        }
    }
}

void mica_kern_init_ref_attention(struct mica_kern *kern)
{
    kern->kv_store[MICA_KV_F16] = kv_store_f16;
    kern->kv_store[MICA_KV_Q8_0] = kv_store_q8_0;
    kern->kv_store[MICA_KV_F32] = kv_store_f32;
    for (int type = 0; type < MICA_KV_COUNT; type++)
        kern->attention[type] = attention;
}
