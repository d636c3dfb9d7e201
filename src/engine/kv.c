/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/internal.h"

#include <string.h>
#include <sys/mman.h>

static void layer_shape(const struct mica_hparams *hp, enum mica_kv_type type, struct mica_kv_layer *layer)
{
    *layer = (struct mica_kv_layer){
        .type = type, .n_kv_heads = (int)hp->n_kv_heads, .head_dim = (int)((hp->head_dim + 31) / 32 * 32)};
    mica_kv_layer_sizes(layer);
}

size_t mica_kv_bytes_per_token(const struct mica_hparams *hp, enum mica_kv_type type)
{
    struct mica_kv_layer layer;
    layer_shape(hp, type, &layer);
    return layer.block_bytes * (size_t)hp->n_layers / MICA_KV_BLOCK;
}

enum mica_status mica_kv_pool_init(struct mica_kv_pool *pool, const struct mica_hparams *hp,
                                   enum mica_kv_type type, struct mica_err *err)
{
    struct mica_kv_layer shape;
    layer_shape(hp, type, &shape);
    struct mica_kv_layer *layers = mica_alloc((size_t)hp->n_layers, sizeof *layers);
    if (!layers)
        return mica_fail(err, MICA_ENOMEM, "KV cache: out of memory");
    *pool = (struct mica_kv_pool){.layer_bytes = shape.block_bytes,
                                  .block_bytes = shape.block_bytes * (size_t)hp->n_layers,
                                  .layers = layers,
                                  .n_layers = hp->n_layers,
                                  .ready = true};
    shape.block_bytes = pool->block_bytes; /* blocks of one layer lie a whole block apart */
    for (int64_t i = 0; i < hp->n_layers; i++)
        layers[i] = shape;
    return MICA_OK;
}

enum mica_status mica_kv_pool_reserve(struct mica_kv_pool *pool, int64_t n, struct mica_err *err)
{
    int64_t wanted = pool->n_reserved + n;
    if (wanted > pool->n_blocks) {
        size_t bytes, old = (size_t)pool->n_blocks * pool->block_bytes;
        if (!mica_mul_size((size_t)wanted, pool->block_bytes, &bytes) || bytes > SIZE_MAX / 2 ||
            wanted > INT32_MAX)
            return mica_fail(err, MICA_ELIMIT, "KV cache: %lld blocks do not fit", (long long)wanted);
        int32_t *free_blocks = mica_realloc(pool->free_blocks, (size_t)wanted, sizeof *free_blocks);
        if (free_blocks)
            pool->free_blocks = free_blocks;
        void *data = !free_blocks ? MAP_FAILED
                     : pool->data ? mremap(pool->data, old, bytes, MREMAP_MAYMOVE)
                                  : mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (data == MAP_FAILED)
            return mica_fail(err, MICA_ENOMEM,
                             "KV cache: cannot reserve %zu bytes; ask for a smaller context", bytes);
        pool->data = data;
        /* Lowest block last, so that it is taken first and memory is touched from the front. */
        memmove(free_blocks + (wanted - pool->n_blocks), free_blocks,
                (size_t)pool->n_free * sizeof *free_blocks);
        for (int64_t i = pool->n_blocks; i < wanted; i++)
            free_blocks[wanted - 1 - i] = (int32_t)i;
        pool->n_free += wanted - pool->n_blocks;
        pool->n_blocks = wanted;
        for (int64_t i = 0; i < pool->n_layers; i++)
            pool->layers[i].data = pool->data + (size_t)i * pool->layer_bytes;
    }
    pool->n_reserved = wanted;
    return MICA_OK;
}

void mica_kv_pool_unreserve(struct mica_kv_pool *pool, int64_t n)
{
    pool->n_reserved -= n;
}

int32_t mica_kv_pool_take(struct mica_kv_pool *pool)
{
    return pool->free_blocks[--pool->n_free];
}

void mica_kv_pool_give(struct mica_kv_pool *pool, int32_t block)
{
    pool->free_blocks[pool->n_free++] = block;
}

void mica_kv_pool_release(struct mica_kv_pool *pool)
{
    if (pool->data)
        munmap(pool->data, (size_t)pool->n_blocks * pool->block_bytes);
    mica_free(pool->free_blocks);
    mica_free(pool->layers);
    *pool = (struct mica_kv_pool){0};
}
