/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Every op gives the same bits eagerly, captured, and after the passes, on any number of threads. */
#include "tensor/op.h"
#include "tensors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* What one expression is made of. All shapes come from these few numbers. */
struct world {
    struct test_data data;
    struct mica_context *ctx;
    int64_t n_tokens, width, hidden, heads, kv_heads, dim, half;
    enum mica_wtype type;
    struct mica_tensor *table, *norm, *norm_bias, *wq, *wk, *wv, *wo, *gate, *up, *down, *bias, *hidden_norm;
    float *x, *y, *wide, *rope;
    int32_t *ids, *rows;
    struct mica_kv_batch kv;
    struct mica_batch_seq seqs[3];
    size_t cache_bytes;
    struct mica_attention_params how;
};

enum { N_LAYERS = 2, N_BLOCKS = 8, VOCAB = 50, N_ROWS = 3, MAX_OUTPUTS = 4 };

static void make_world(struct world *w, uint64_t seed, int64_t n_tokens, enum mica_wtype type,
                       enum mica_kv_type kv_type, int64_t dim)
{
    *w = (struct world){.data.rng = seed, .n_tokens = n_tokens, .type = type};
    struct test_data *d = &w->data;
    bool k_quant = mica_wtypes[type].block_elements == 256;
    w->heads = 8, w->kv_heads = 2, w->dim = dim, w->half = dim / 2 - 2;
    w->width = k_quant ? 256 : 96;
    w->hidden = k_quant ? 512 : 160;
    int64_t q = w->heads * dim, kv = w->kv_heads * dim;
    w->table = test_weights(d, type, VOCAB, w->width);
    w->norm = test_vector(d, w->width);
    w->norm_bias = test_vector(d, w->width);
    w->hidden_norm = test_vector(d, w->hidden);
    w->wq = test_weights(d, type, q, w->width);
    w->wk = test_weights(d, type, kv, w->width);
    w->wv = test_weights(d, type, kv, w->width);
    w->wo = test_weights(d, type, w->width, q);
    w->gate = test_weights(d, type, w->hidden, w->width);
    w->up = test_weights(d, type, w->hidden, w->width);
    w->down = test_weights(d, type, w->width, w->hidden);
    w->bias = test_vector(d, q);
    w->x = test_floats(d, n_tokens * w->width);
    w->y = test_floats(d, n_tokens * w->width);
    w->wide = test_floats(d, 3 * n_tokens * w->heads * dim);
    w->rope = test_floats(d, n_tokens * w->half * 2);
    w->ids = test_ints(d, n_tokens, VOCAB);
    w->rows = test_ints(d, N_ROWS, (int32_t)n_tokens);
    static const int32_t blocks[3][3] = {{4, 1, 6}, {0, 2, 5}, {7, 3, 3}};
    int64_t first = n_tokens > 2 ? n_tokens - 2 : n_tokens, rest = n_tokens - first;
    w->seqs[0] = (struct mica_batch_seq){0, first, 0, blocks[0]};
    w->seqs[1] = (struct mica_batch_seq){first, rest > 0, 40, blocks[1]};
    w->seqs[2] = (struct mica_batch_seq){first + 1, rest > 1, 3, blocks[2]};
    struct mica_kv_layer *layers =
        test_kv_layers(d, kv_type, N_LAYERS, (int)w->kv_heads, (int)((dim + 31) / 32 * 32), N_BLOCKS);
    w->cache_bytes = layers[0].block_bytes * N_BLOCKS;
    w->kv = (struct mica_kv_batch){layers, w->seqs, rest > 1 ? 3 : rest > 0 ? 2 : 1};
    w->how = (struct mica_attention_params){0.25f, 0, 0};
}

static struct mica_tensor *leaf(struct world *w, float *data, int64_t columns)
{
    return mica_input(w->ctx, MICA_F32, 2, (int64_t[]){w->n_tokens, columns}, data);
}

static struct mica_tensor *heads_leaf(struct world *w, int64_t at, int64_t heads)
{
    return mica_input(w->ctx, MICA_F32, 3, (int64_t[]){w->n_tokens, heads, w->dim},
                      w->wide + at * w->n_tokens * w->heads * w->dim);
}

static struct mica_tensor *rope_leaf(struct world *w)
{
    return mica_input(w->ctx, MICA_F32, 3, (int64_t[]){w->n_tokens, w->half, 2}, w->rope);
}

/* ---- expressions: each fills out and returns how many ---- */

typedef int expression(struct world *w, struct mica_tensor **out);

static int embed_rows(struct world *w, struct mica_tensor **out)
{
    struct mica_tensor *ids = mica_input(w->ctx, MICA_I32, 1, &w->n_tokens, w->ids);
    struct mica_tensor *rows = mica_input(w->ctx, MICA_I32, 1, (int64_t[]){N_ROWS}, w->rows);
    out[0] = embed(w->table, ids);
    out[1] = take_rows(out[0], rows);
    return 2;
}

static int linears(struct world *w, struct mica_tensor **out)
{
    struct mica_tensor *x = leaf(w, w->x, w->width);
    out[0] = linear(x, w->wq, w->bias);
    out[1] = linear(x, w->gate, NULL);
    out[2] = linear(silu(x), w->wk, NULL);
    return 3;
}

static int norms(struct world *w, struct mica_tensor **out)
{
    struct mica_tensor *x = leaf(w, w->x, w->width);
    out[0] = rms_norm(x, w->norm, 1e-5f);
    out[1] = layer_norm(x, w->norm, w->norm_bias, 1e-5f);
    out[2] = layer_norm(x, w->norm, NULL, 1e-6f);
    out[3] = softmax(x);
    return 4;
}

static int binaries(struct world *w, struct mica_tensor **out)
{
    struct mica_tensor *x = leaf(w, w->x, w->width), *y = leaf(w, w->y, w->width);
    out[0] = add(x, y);
    out[1] = mul(add(x, y), silu_mul(x, y));
    out[2] = gelu_mul(mul(x, x), y);
    out[3] = add(out[2], out[2]);
    return 4;
}

static int unaries(struct world *w, struct mica_tensor **out)
{
    struct mica_tensor *x = leaf(w, w->x, w->width);
    out[0] = silu(scale(x, 0.3f));
    out[1] = gelu(softcap(x, 1.5f));
    out[2] = gelu_erf(out[1]);
    out[3] = scale(reshape(softcap(scale(x, 3), 2), w->width, w->n_tokens), 0.5f);
    return 4;
}

static int ropes(struct world *w, struct mica_tensor **out)
{
    out[0] = rope(heads_leaf(w, 0, w->heads), rope_leaf(w), true);
    out[1] = rope(scale(heads_leaf(w, 1, w->kv_heads), 2), rope_leaf(w), false);
    return 2;
}

static int attend(struct world *w, struct mica_tensor **out)
{
    struct mica_tensor *q = heads_leaf(w, 0, w->heads), *k = heads_leaf(w, 1, w->kv_heads),
                       *v = heads_leaf(w, 2, w->kv_heads);
    struct mica_attention_params narrow = {0.5f, 3, 9};
    out[0] = attention(q, k, v, &w->kv, 0, &w->how);
    out[1] = attention(rope(q, rope_leaf(w), true), k, v, &w->kv, 1, &narrow);
    return 2;
}

static int fused_quantize(struct world *w, struct mica_tensor **out)
{
    struct mica_tensor *x = leaf(w, w->x, w->width), *y = leaf(w, w->y, w->width);
    out[0] = linear(rms_norm(x, w->norm, 1e-5f), w->gate, NULL);
    out[1] = linear(silu_mul(x, y), w->gate, NULL);
    out[2] = linear(gelu_mul(x, y), w->gate, NULL);
    return 3;
}

/* The f32 norm is used as well, so it must stay; and a residual must not be taken twice. */
static int not_fusable(struct world *w, struct mica_tensor **out)
{
    struct mica_tensor *x = leaf(w, w->x, w->width), *h = rms_norm(x, w->norm, 1e-5f);
    struct mica_tensor *a = linear(silu_mul(linear(h, w->gate, NULL), linear(h, w->up, NULL)), w->down, NULL);
    out[0] = add(a, a);
    out[1] = add(h, add(x, a));
    out[2] = mul(h, x);
    mul(out[2], x); /* dead */
    return 3;
}

static struct mica_tensor *layer(struct world *w, struct mica_tensor *x, int i, bool gelu_gate)
{
    struct mica_tensor *h = rms_norm(x, w->norm, 1e-5f), *table = rope_leaf(w);
    struct mica_tensor *q = reshape(linear(h, w->wq, w->bias), w->n_tokens, w->heads, w->dim);
    struct mica_tensor *k = reshape(linear(h, w->wk, NULL), w->n_tokens, w->kv_heads, w->dim);
    struct mica_tensor *v = reshape(linear(h, w->wv, NULL), w->n_tokens, w->kv_heads, w->dim);
    h = attention(rope(q, table, true), rope(k, table, true), v, &w->kv, i, &w->how);
    x = add(x, linear(reshape(h, w->n_tokens, w->heads * w->dim), w->wo, NULL));
    h = rms_norm(x, w->norm, 1e-5f);
    struct mica_tensor *gate = linear(h, w->gate, NULL), *up = linear(h, w->up, NULL);
    h = gelu_gate ? gelu_mul(gate, up) : silu_mul(gate, up);
    return add(x, linear(h, w->down, NULL));
}

static int transformer(struct world *w, struct mica_tensor **out)
{
    struct mica_tensor *ids = mica_input(w->ctx, MICA_I32, 1, &w->n_tokens, w->ids);
    struct mica_tensor *rows = mica_input(w->ctx, MICA_I32, 1, (int64_t[]){N_ROWS}, w->rows);
    struct mica_tensor *x = layer(w, layer(w, embed(w->table, ids), 0, false), 1, true);
    out[0] = linear(rms_norm(take_rows(x, rows), w->norm, 1e-5f), w->table, NULL);
    return 1;
}

static const struct row {
    const char *name;
    expression *build;
} expressions[] = {
    {"embed, take_rows", embed_rows},
    {"linear", linears},
    {"norms", norms},
    {"binary", binaries},
    {"unary", unaries},
    {"rope", ropes},
    {"attention", attend},
    {"fused quantize", fused_quantize},
    {"not fusable", not_fusable},
    {"two layers", transformer},
};

/* ---- running them ---- */

enum mode { EAGER, CAPTURED, FUSED, N_MODES };
static const char *const mode_names[] = {"eager", "captured", "fused"};
static bool ops_seen[MICA_OP_COUNT];

struct result {
    size_t len;
    uint8_t *bytes;
};

static void append(struct world *w, struct result *r, const void *data, size_t len)
{
    uint8_t *all = mica_arena_alloc(&w->data.arena, r->len + len, 1);
    assert_non_null(all);
    if (r->len)
        memcpy(all, r->bytes, r->len);
    memcpy(all + r->len, data, len);
    *r = (struct result){r->len + len, all};
}

static void clear_caches(struct world *w)
{
    for (int i = 0; i < N_LAYERS; i++)
        memset(w->kv.layers[i].data, 0, w->cache_bytes);
}

static struct result run_graph(struct world *w, struct mica_tensor **out, int n, const char *what)
{
    struct mica_graph *graph;
    struct mica_err err;
    struct result r = {0};
    size_t bytes[MAX_OUTPUTS];
    for (int i = 0; i < n; i++)
        assert_true(out[i] && mica_tensor_bytes(out[i], &bytes[i]));
    if (mica_graph_end(w->ctx, out, n, &graph, &err) != MICA_OK)
        fail_msg("%s: %s", what, err.text);
    mica_context_reset(w->ctx); /* the graph lives on */
    for (int64_t i = 0; i < graph->n_nodes; i++)
        ops_seen[graph->nodes[i].op - mica_ops] = true;
    for (int again = 0; again < 2; again++) {
        clear_caches(w);
        r = (struct result){0};
        if (mica_graph_run(graph, NULL, &err) != MICA_OK)
            fail_msg("%s: %s", what, err.text);
        for (int i = 0; i < n; i++)
            append(w, &r, mica_graph_output(graph, i), bytes[i]);
    }
    mica_graph_free(graph);
    return r;
}

static struct result run(struct world *w, expression *build, enum mode mode, struct mica_pool *pool,
                         const char *what)
{
    struct mica_err err;
    struct mica_tensor *out[MAX_OUTPUTS] = {0};
    struct result r = {0};
    assert_int_equal(mica_context_new(mica_kern_get(), pool, &w->ctx, &err), MICA_OK);
    w->ctx->no_passes = mode == CAPTURED;
    clear_caches(w);
    if (mode != EAGER)
        assert_int_equal(mica_graph_begin(w->ctx, &err), MICA_OK);
    int n = build(w, out);
    if (mode != EAGER) {
        r = run_graph(w, out, n, what);
    } else {
        if (mica_context_error(w->ctx, &err) != MICA_OK)
            fail_msg("%s: %s", what, err.text);
        for (int i = 0; i < n; i++) {
            size_t bytes;
            assert_true(mica_tensor_bytes(out[i], &bytes));
            append(w, &r, out[i]->data, bytes);
        }
    }
    mica_context_free(w->ctx);
    return r;
}

static void compare(struct world *w, const struct row *row, struct mica_pool **pools, int n_pools)
{
    struct result first = run(w, row->build, EAGER, NULL, row->name);
    for (int p = 0; p < n_pools; p++)
        for (int mode = 0; mode < N_MODES; mode++) {
            struct result r = run(w, row->build, (enum mode)mode, pools[p], row->name);
            size_t at = 0;
            while (at < r.len && at < first.len && r.bytes[at] == first.bytes[at])
                at++;
            if (r.len != first.len || at < r.len)
                fail_msg("%s: %s, %s weights, %d tokens, %d threads: differs from eager at byte %zu of %zu",
                         row->name, mode_names[mode], mica_wtypes[w->type].name, (int)w->n_tokens,
                         mica_pool_threads(pools[p]), at, first.len);
        }
}

static void same_bits_in_every_mode(void **state)
{
    static const struct {
        int64_t n_tokens, dim;
        enum mica_wtype type;
        enum mica_kv_type kv;
    } worlds[] = {
        {1, 32, MICA_W_Q8_0, MICA_KV_F16},   {2, 12, MICA_W_F32, MICA_KV_F16},
        {5, 64, MICA_W_Q4_0, MICA_KV_Q8_0},  {44, 12, MICA_W_Q4_1, MICA_KV_F16},
        {70, 32, MICA_W_BF16, MICA_KV_Q8_0}, {3, 32, MICA_W_Q8_0, MICA_KV_F16},
    };
    struct mica_pool *pools[] = {NULL, NULL, NULL};
    (void)state;
    assert_int_equal(mica_pool_new(2, &pools[1], NULL), MICA_OK);
    assert_int_equal(mica_pool_new(3, &pools[2], NULL), MICA_OK);
    for (size_t i = 0; i < MICA_COUNT(worlds); i++) {
        struct world w;
        make_world(&w, 1000 + i, worlds[i].n_tokens, worlds[i].type, worlds[i].kv, worlds[i].dim);
        for (size_t e = 0; e < MICA_COUNT(expressions); e++)
            compare(&w, &expressions[e], pools, (int)MICA_COUNT(pools));
        mica_arena_release(&w.data.arena);
    }
    mica_pool_free(pools[1]);
    mica_pool_free(pools[2]);
    for (int op = 0; op < MICA_OP_COUNT; op++)
        if (!ops_seen[op] && mica_ops[op].run != mica_run_view)
            fail_msg("op %s never ran in a graph: add it to an expression", mica_ops[op].name);
}

/* ---- what the passes and the planner promise ---- */

static struct mica_graph *capture(struct world *w, expression *build, bool passes)
{
    struct mica_tensor *out[MAX_OUTPUTS];
    struct mica_graph *graph = NULL;
    struct mica_err err;
    assert_int_equal(mica_context_new(mica_kern_get(), NULL, &w->ctx, &err), MICA_OK);
    w->ctx->no_passes = !passes;
    assert_int_equal(mica_graph_begin(w->ctx, &err), MICA_OK);
    int n = build(w, out);
    if (mica_graph_end(w->ctx, out, n, &graph, &err) != MICA_OK)
        fail_msg("%s", err.text);
    mica_context_free(w->ctx);
    return graph;
}

static void a_layer_becomes_few_nodes(void **state)
{
    static const char *const wanted[] = {"embed",
                                         "rms_norm_quantize",
                                         "linear_group",
                                         "rope",
                                         "rope",
                                         "attention",
                                         "quantize",
                                         "linear",
                                         "rms_norm_quantize",
                                         "linear_silu_mul_quantize",
                                         "linear"};
    struct world w;
    (void)state;
    make_world(&w, 7, 50, MICA_W_Q8_0, MICA_KV_F16, 32);
    struct mica_graph *graph = capture(&w, transformer, true);
    for (size_t i = 0; i < MICA_COUNT(wanted); i++)
        if (strcmp(graph->nodes[i].op->name, wanted[i]) != 0)
            fail_msg("node %zu is %s, not %s", i, graph->nodes[i].op->name, wanted[i]);
    struct mica_graph *plain = capture(&w, transformer, false);
    size_t sum = 0, bytes, scratch = 0;
    for (int64_t i = 0; i < plain->n_nodes; i++) {
        const struct mica_op_call *node = &plain->nodes[i];
        assert_true(mica_tensor_bytes(node->out[0], &bytes));
        sum += bytes;
        bytes = node->op->scratch(&node->args, 1);
        scratch = bytes > scratch ? bytes : scratch;
    }
    assert_true(mica_graph_bytes(plain) < scratch + sum / 3);
    assert_true(mica_graph_bytes(graph) <= mica_graph_bytes(plain));
    assert_true(graph->n_nodes < plain->n_nodes);
    mica_graph_free(plain);
    mica_graph_free(graph);
    mica_arena_release(&w.data.arena);
}

static void inputs_may_change_between_runs(void **state)
{
    struct world w;
    struct mica_err err;
    (void)state;
    make_world(&w, 9, 3, MICA_W_Q8_0, MICA_KV_F16, 32);
    struct mica_graph *graph = capture(&w, binaries, true);
    assert_int_equal(mica_graph_run(graph, NULL, &err), MICA_OK);
    w.x[1] = 5, w.y[1] = 3;
    assert_int_equal(mica_graph_run(graph, NULL, &err), MICA_OK);
    assert_true(((const float *)mica_graph_output(graph, 0))[1] == 8);
    assert_null(mica_graph_output(graph, 4));
    mica_graph_free(graph);
    mica_arena_release(&w.data.arena);
}

static void run_time_errors_and_cancel(void **state)
{
    struct world w;
    struct mica_err err;
    (void)state;
    make_world(&w, 11, 3, MICA_W_Q8_0, MICA_KV_F16, 32);
    struct mica_graph *graph = capture(&w, transformer, true);
    atomic_bool cancel = true;
    assert_int_equal(mica_graph_run(graph, &cancel, &err), MICA_ECANCELLED);
    cancel = false;
    assert_int_equal(mica_graph_run(graph, &cancel, &err), MICA_OK);
    w.ids[2] = VOCAB;
    assert_int_equal(mica_graph_run(graph, NULL, &err), MICA_EARG);
    assert_non_null(strstr(err.text, "test_graph.c:"));
    assert_non_null(strstr(err.text, "embed(Q8_0[50,96], i32[3]): row 50 (item 2) is not in 0 to 49"));
    w.ids[2] = 0;
    w.seqs[0].n_q++;
    assert_int_equal(mica_graph_run(graph, NULL, &err), MICA_EARG);
    assert_non_null(strstr(err.text, "attention("));
    mica_graph_free(graph);
    mica_arena_release(&w.data.arena);
}

static void capture_errors(void **state)
{
    struct world w;
    struct mica_err err;
    struct mica_graph *graph = NULL;
    (void)state;
    make_world(&w, 13, 3, MICA_W_Q8_0, MICA_KV_F16, 32);
    assert_int_equal(mica_context_new(mica_kern_get(), NULL, &w.ctx, &err), MICA_OK);
    assert_int_equal(mica_graph_end(w.ctx, NULL, 0, &graph, &err), MICA_EARG);
    assert_int_equal(mica_graph_begin(w.ctx, &err), MICA_OK);
    assert_int_equal(mica_graph_begin(w.ctx, &err), MICA_EARG);
    struct mica_tensor *x = leaf(&w, w.x, w.width), *bad = add(x, reshape(x, w.width, w.n_tokens));
    assert_null(bad);
    assert_null(silu(x)); /* everything after an error falls through */
    assert_int_equal(mica_graph_end(w.ctx, &bad, 1, &graph, &err), MICA_EARG);
    assert_non_null(strstr(err.text, "add([3,96], [96,3]): the shapes differ"));
    assert_null(graph);
    /* The context is eager again, and works after a reset. */
    mica_context_reset(w.ctx);
    x = leaf(&w, w.x, w.width);
    assert_non_null(silu(x));
    /* A captured tensor has no data for an eager op. */
    assert_int_equal(mica_graph_begin(w.ctx, &err), MICA_OK);
    struct mica_tensor *y = silu(x);
    struct mica_tensor *none = NULL;
    assert_int_equal(mica_graph_end(w.ctx, &none, 1, &graph, &err), MICA_EARG);
    (void)y;
    assert_int_equal(mica_context_error(w.ctx, &err), MICA_OK);
    mica_context_free(w.ctx);
    mica_arena_release(&w.data.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits_in_every_mode),
        cmocka_unit_test(a_layer_becomes_few_nodes),
        cmocka_unit_test(inputs_may_change_between_runs),
        cmocka_unit_test(run_time_errors_and_cancel),
        cmocka_unit_test(capture_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
