/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "tensors.h"
#include "kern/quant.h"

#include <stdlib.h>

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

uint32_t test_random(struct test_data *d)
{
    d->rng = d->rng * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(d->rng >> 32);
}

float *test_floats(struct test_data *d, int64_t n)
{
    float *x = must(mica_arena_alloc(&d->arena, (size_t)n, sizeof *x));
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)(int32_t)test_random(d) * 0x1p-30f;
    return x;
}

int32_t *test_ints(struct test_data *d, int64_t n, int32_t below)
{
    int32_t *x = must(mica_arena_alloc(&d->arena, (size_t)n, sizeof *x));
    for (int64_t i = 0; i < n; i++)
        x[i] = (int32_t)(test_random(d) % (uint32_t)below);
    return x;
}

struct mica_tensor *test_vector(struct test_data *d, int64_t n)
{
    struct mica_tensor *t = must(mica_arena_alloc(&d->arena, 1, sizeof *t));
    *t = (struct mica_tensor){.n_dims = 1, .shape = {n}, .data = test_floats(d, n), .node = -1};
    return t;
}

struct mica_tensor *test_weights(struct test_data *d, enum mica_wtype type, int64_t n, int64_t k)
{
    struct mica_packed *packed = must(mica_arena_alloc(&d->arena, 1, sizeof *packed));
    struct mica_tensor *t = must(mica_arena_alloc(&d->arena, 1, sizeof *t));
    size_t bytes;
    if (mica_packed_layout(type, n, k, packed, NULL) != MICA_OK || !mica_wtype_size(type, n * k, &bytes))
        abort();
    uint8_t *rows = must(mica_arena_alloc(&d->arena, bytes, 1));
    mica_codecs[type].encode(test_floats(d, n * k), n * k, rows);
    packed->data = must(mica_arena_alloc(&d->arena, (size_t)packed->n_groups, packed->group_bytes));
    mica_pack_groups(packed, rows, 0, packed->n_groups);
    *t = (struct mica_tensor){
        .dtype = MICA_PACKED, .n_dims = 2, .shape = {n, k}, .packed = packed, .node = -1};
    return t;
}

struct mica_kv_layer *test_kv_layers(struct test_data *d, enum mica_kv_type type, int n_layers,
                                     int n_kv_heads, int head_dim, int n_blocks)
{
    struct mica_kv_layer *layers = must(mica_arena_alloc(&d->arena, (size_t)n_layers, sizeof *layers));
    for (int i = 0; i < n_layers; i++) {
        layers[i] = (struct mica_kv_layer){.type = type, .n_kv_heads = n_kv_heads, .head_dim = head_dim};
        mica_kv_layer_sizes(&layers[i]);
        layers[i].data = must(mica_arena_alloc(&d->arena, (size_t)n_blocks, layers[i].block_bytes));
    }
    return layers;
}
