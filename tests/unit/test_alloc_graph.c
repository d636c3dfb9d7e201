/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Every allocation of the tensor layer may fail; replaying a graph makes none. */
#include "tensor/op.h"
#include "alloc.h"
#include "tensors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

enum { T = 5, D = 64, HEADS = 4, KV_HEADS = 2, DIM = 24, VOCAB = 40 };

static struct {
    struct test_data data;
    struct mica_tensor *table, *norm, *q, *k, *v, *o, *gate, *up, *down;
    struct mica_batch_seq seq;
    struct mica_kv_batch kv;
    int32_t blocks[1], ids[T];
    float rope[T * DIM];
} w;

static int make_weights(void **state)
{
    struct test_data *d = &w.data;
    (void)state;
    w.table = test_weights(d, MICA_W_Q8_0, VOCAB, D);
    w.norm = test_vector(d, D);
    w.q = test_weights(d, MICA_W_Q8_0, HEADS * DIM, D);
    w.k = test_weights(d, MICA_W_Q8_0, KV_HEADS * DIM, D);
    w.v = test_weights(d, MICA_W_Q8_0, KV_HEADS * DIM, D);
    w.o = test_weights(d, MICA_W_Q8_0, D, HEADS * DIM);
    w.gate = test_weights(d, MICA_W_Q8_0, 96, D);
    w.up = test_weights(d, MICA_W_Q8_0, 96, D);
    w.down = test_weights(d, MICA_W_Q8_0, D, 96);
    w.seq = (struct mica_batch_seq){0, T, 0, w.blocks};
    w.kv = (struct mica_kv_batch){test_kv_layers(d, MICA_KV_F16, 1, KV_HEADS, 32, 1), &w.seq, 1};
    return 0;
}

static int free_weights(void **state)
{
    (void)state;
    mica_arena_release(&w.data.arena);
    return 0;
}

static struct mica_tensor *block(struct mica_context *ctx)
{
    struct mica_attention_params how = {0.2f, 0, 0};
    struct mica_tensor *table = mica_input(ctx, MICA_F32, 3, (int64_t[]){T, DIM / 2, 2}, w.rope);
    struct mica_tensor *x = embed(w.table, mica_input(ctx, MICA_I32, 1, (int64_t[]){T}, w.ids));
    struct mica_tensor *h = rms_norm(x, w.norm, 1e-5f);
    struct mica_tensor *q = rope(reshape(linear(h, w.q, NULL), T, HEADS, DIM), table, true);
    struct mica_tensor *k = rope(reshape(linear(h, w.k, NULL), T, KV_HEADS, DIM), table, true);
    h = attention(q, k, reshape(linear(h, w.v, NULL), T, KV_HEADS, DIM), &w.kv, 0, &how);
    x = add(x, linear(reshape(h, T, HEADS * DIM), w.o, NULL));
    h = rms_norm(x, w.norm, 1e-5f);
    return add(x, linear(silu_mul(linear(h, w.gate, NULL), linear(h, w.up, NULL)), w.down, NULL));
}

static enum mica_status eager(void *arg, struct mica_err *err)
{
    struct mica_context *ctx;
    enum mica_status status = mica_context_new(mica_kern_get(), NULL, &ctx, err);
    (void)arg;
    if (status != MICA_OK)
        return status;
    for (int step = 0; step < 3 && status == MICA_OK; step++) {
        mica_context_reset(ctx);
        block(ctx);
        status = mica_context_error(ctx, err);
    }
    mica_context_free(ctx);
    return status;
}

static enum mica_status captured(void *arg, struct mica_err *err)
{
    struct mica_context *ctx;
    struct mica_graph *graph = NULL;
    enum mica_status status = mica_context_new(mica_kern_get(), arg, &ctx, err);
    if (status != MICA_OK)
        return status;
    status = mica_graph_begin(ctx, err);
    if (status == MICA_OK) {
        struct mica_tensor *out = block(ctx);
        status = mica_graph_end(ctx, &out, 1, &graph, err);
    }
    mica_context_free(ctx);
    if (status == MICA_OK) {
        long before = alloc_count();
        for (int run = 0; run < 3 && status == MICA_OK; run++)
            status = mica_graph_run(graph, NULL, err);
        if (alloc_count() != before)
            fail_msg("replaying made %ld allocations", alloc_count() - before);
    }
    mica_graph_free(graph);
    return status;
}

static void test_eager(void **state)
{
    (void)state;
    alloc_fail_everywhere("eager ops", eager, NULL, 0);
}

static void test_captured(void **state)
{
    struct mica_pool *pool;
    (void)state;
    alloc_fail_everywhere("captured ops", captured, NULL, 0);
    assert_int_equal(mica_pool_new(2, &pool, NULL), MICA_OK);
    alloc_fail_everywhere("captured ops on two threads", captured, pool, 0);
    mica_pool_free(pool);
}

/* The capture that is left open is freed with its context. */
static enum mica_status abandoned(void *arg, struct mica_err *err)
{
    struct mica_context *ctx;
    enum mica_status status = mica_context_new(mica_kern_get(), arg, &ctx, err);
    if (status != MICA_OK)
        return status;
    status = mica_graph_begin(ctx, err);
    if (status == MICA_OK) {
        block(ctx);
        status = mica_context_error(ctx, err);
    }
    mica_context_free(ctx);
    return status;
}

static void test_abandoned(void **state)
{
    (void)state;
    alloc_fail_everywhere("a capture without end", abandoned, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eager),
        cmocka_unit_test(test_captured),
        cmocka_unit_test(test_abandoned),
    };
    return cmocka_run_group_tests(tests, make_weights, free_weights);
}
