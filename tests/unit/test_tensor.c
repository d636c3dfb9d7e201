/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What ops compute, seen eagerly, and how they fail. */
#include "tensor/op.h"
#include "tensors.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

struct fixture {
    struct test_data data;
    struct mica_context *ctx;
};

static int setup(void **state)
{
    struct fixture *f = mica_alloc(1, sizeof *f);
    f->data.rng = 42;
    *state = f;
    return mica_context_new(mica_kern_get(), NULL, &f->ctx, NULL);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    mica_context_free(f->ctx);
    mica_arena_release(&f->data.arena);
    mica_free(f);
    return 0;
}

static struct mica_tensor *matrix(struct fixture *f, int64_t rows, int64_t columns)
{
    return mica_input(f->ctx, MICA_F32, 2, (int64_t[]){rows, columns}, test_floats(&f->data, rows * columns));
}

static void close_to(const struct mica_tensor *t, int64_t i, double wanted, const char *what)
{
    double got = ((const float *)t->data)[i];
    if (!(fabs(got - wanted) <= 1e-5 * (1 + fabs(wanted))))
        fail_msg("%s[%d] is %.9g, not %.9g", what, (int)i, got, wanted);
}

static void table_rows_are_complete(void **state)
{
    (void)state;
    for (int i = 0; i < MICA_OP_COUNT; i++) {
        const struct mica_op *op = &mica_ops[i];
        if (!op->name || !op->infer || !op->run || !op->scratch || op->n_required < 1 || op->n_out < 1 ||
            op->n_required + op->n_optional > MICA_MAX_IN || op->n_out > MICA_MAX_OUT)
            fail_msg("row %d (%s) lacks something", i, op->name);
        if (op->in_place >> (op->n_required + op->n_optional))
            fail_msg("%s: may lie on an input that it does not have", op->name);
    }
}

static void elementwise(void **state)
{
    struct fixture *f = *state;
    struct mica_tensor *a = matrix(f, 3, 70), *b = matrix(f, 3, 70);
    const float *x = a->data, *y = b->data;
    struct mica_tensor *sum = add(a, b), *product = mul(a, b), *gated = silu_mul(a, b),
                       *gelu_gated = gelu_mul(a, b);
    struct mica_tensor *s = silu(a), *g = gelu(a), *erf_form = gelu_erf(a), *half = scale(a, 0.5f),
                       *cap = softcap(a, 2);
    assert_int_equal(mica_context_error(f->ctx, NULL), MICA_OK);
    for (int64_t i = 0; i < 3 * 70; i++) {
        double v = x[i], sig = 1 / (1 + exp(-v));
        double tanh_form = 0.5 * v * (1 + tanh(0.7978845608028654 * (v + 0.044715 * v * v * v)));
        close_to(sum, i, v + y[i], "add");
        close_to(product, i, v * y[i], "mul");
        close_to(gated, i, v * sig * y[i], "silu_mul");
        close_to(gelu_gated, i, tanh_form * y[i], "gelu_mul");
        close_to(s, i, v * sig, "silu");
        close_to(g, i, tanh_form, "gelu");
        close_to(erf_form, i, 0.5 * v * (1 + erf(v / sqrt(2))), "gelu_erf");
        close_to(half, i, v / 2, "scale");
        close_to(cap, i, 2 * tanh(v / 2), "softcap");
    }
}

static void rows(void **state)
{
    struct fixture *f = *state;
    enum { N = 37, T = 4 };
    struct mica_tensor *x = matrix(f, T, N), *w = test_vector(&f->data, N), *b = test_vector(&f->data, N);
    struct mica_tensor *r = rms_norm(x, w, 1e-5f), *l = layer_norm(x, w, b, 1e-5f), *s = softmax(x);
    assert_int_equal(mica_context_error(f->ctx, NULL), MICA_OK);
    for (int64_t t = 0; t < T; t++) {
        const float *v = (const float *)x->data + t * N, *wv = w->data, *bv = b->data;
        double mean = 0, square = 0, total = 0;
        for (int i = 0; i < N; i++)
            mean += v[i] / (double)N, square += v[i] * (double)v[i] / N, total += exp((double)v[i]);
        for (int i = 0; i < N; i++) {
            close_to(r, t * N + i, v[i] / sqrt(square + 1e-5) * wv[i], "rms_norm");
            close_to(l, t * N + i, (v[i] - mean) / sqrt(square - mean * mean + 1e-5) * wv[i] + bv[i],
                     "layer_norm");
            close_to(s, t * N + i, exp((double)v[i]) / total, "softmax");
        }
    }
}

static void linear_is_a_product(void **state)
{
    struct fixture *f = *state;
    enum { T = 3, K = 64, N = 21 };
    struct mica_tensor *x = matrix(f, T, K), *w = test_weights(&f->data, MICA_W_F32, N, K),
                       *bias = test_vector(&f->data, N), *y = linear(x, w, bias);
    assert_int_equal(mica_context_error(f->ctx, NULL), MICA_OK);
    float row[K];
    for (int64_t n = 0; n < N; n++) {
        mica_unpack_row(w->packed, n, row);
        for (int64_t t = 0; t < T; t++) {
            double sum = ((const float *)bias->data)[n];
            for (int k = 0; k < K; k++)
                sum += row[k] * (double)((const float *)x->data)[t * K + k];
            close_to(y, t * N + n, sum, "linear");
        }
    }
}

static void quantize_is_remembered(void **state)
{
    struct fixture *f = *state;
    struct mica_tensor *leaf = matrix(f, 2, 64), *x = silu(leaf);
    assert_non_null(quantize(x));
    assert_ptr_equal(quantize(x), quantize(x));
    assert_ptr_not_equal(quantize(leaf), quantize(leaf)); /* its contents may change */
    /* What a capture made is not left behind on an eager tensor. */
    struct mica_tensor *y = silu(leaf);
    assert_int_equal(mica_graph_begin(f->ctx, NULL), MICA_OK);
    struct mica_tensor *q = quantize(y);
    struct mica_graph *graph;
    assert_int_equal(mica_graph_end(f->ctx, &q, 1, &graph, NULL), MICA_OK);
    assert_null(y->quantised);
    mica_graph_free(graph);
}

static void moving_rows(void **state)
{
    struct fixture *f = *state;
    struct mica_tensor *table = test_weights(&f->data, MICA_W_Q8_0, 5, 32);
    int32_t ids[] = {4, 0, 4}, picks[] = {2, 1};
    struct mica_tensor *e = embed(table, mica_input(f->ctx, MICA_I32, 1, (int64_t[]){3}, ids));
    struct mica_tensor *t = take_rows(e, mica_input(f->ctx, MICA_I32, 1, (int64_t[]){2}, picks));
    struct mica_tensor *r = reshape(t, 4, 4, 4);
    float row[32];
    mica_unpack_row(table->packed, 4, row);
    assert_memory_equal(e->data, row, sizeof row);
    assert_memory_equal(t->data, row, sizeof row);
    assert_ptr_equal(r->data, t->data);
    assert_int_equal(r->n_dims, 3);
}

static void rotating(void **state)
{
    struct fixture *f = *state;
    float table[] = {0, 1}; /* a quarter turn of the first pair */
    float data[] = {1, 2, 3, 4};
    struct mica_tensor *x = mica_input(f->ctx, MICA_F32, 3, (int64_t[]){1, 1, 4}, data);
    struct mica_tensor *t = mica_input(f->ctx, MICA_F32, 3, (int64_t[]){1, 1, 2}, table);
    const float *near = rope(x, t, false)->data, *far = rope(x, t, true)->data;
    assert_true(near[0] == -2 && near[1] == 1 && near[2] == 3 && near[3] == 4);
    assert_true(far[0] == -2 && far[1] == 1 && far[2] == 3 &&
                far[3] == 4); /* half is 1: the pair is (0, 1) */
    assert_true(data[0] == 1);
}

/* One sequence, one head: the naive formula in f64 over f16-rounded keys, within f16's precision. */
static void attending(void **state)
{
    struct fixture *f = *state;
    enum { T = 9, D = 20 };
    struct test_data *d = &f->data;
    int32_t blocks[] = {1};
    struct mica_batch_seq seq = {0, T, 0, blocks};
    struct mica_kv_batch kv = {test_kv_layers(d, MICA_KV_F16, 1, 1, 32, 2), &seq, 1};
    struct mica_attention_params how = {0.3f, 0, 4};
    int64_t shape[] = {T, 1, D};
    float *q = test_floats(d, T * D), *k = test_floats(d, T * D), *v = test_floats(d, T * D);
    struct mica_tensor *y =
        attention(mica_input(f->ctx, MICA_F32, 3, shape, q), mica_input(f->ctx, MICA_F32, 3, shape, k),
                  mica_input(f->ctx, MICA_F32, 3, shape, v), &kv, 0, &how);
    assert_int_equal(mica_context_error(f->ctx, NULL), MICA_OK);
    for (int t = 0; t < T; t++) {
        double total = 0, sum[D] = {0};
        for (int s = t < 4 ? 0 : t - 3; s <= t; s++) {
            double dot = 0;
            for (int i = 0; i < D; i++)
                dot += q[t * D + i] * (double)k[s * D + i];
            double e = exp(0.3f * dot);
            total += e;
            for (int i = 0; i < D; i++)
                sum[i] += e * v[s * D + i];
        }
        for (int i = 0; i < D; i++)
            if (fabs(sum[i] / total - ((const float *)y->data)[t * D + i]) > 0.01)
                fail_msg("token %d, element %d: %g, not %g", t, i, ((const float *)y->data)[t * D + i],
                         sum[i] / total);
    }
}

/* ---- failures: each row must name its op, its shapes, this file, and the reason ---- */

static struct mica_tensor *wrong_embed(struct fixture *f)
{
    return embed(test_weights(&f->data, MICA_W_F32, 4, 4), matrix(f, 2, 3));
}
static struct mica_tensor *wrong_linear(struct fixture *f)
{
    return linear(matrix(f, 2, 32), test_weights(&f->data, MICA_W_Q8_0, 16, 64), NULL);
}
static struct mica_tensor *wrong_bias(struct fixture *f)
{
    return linear(matrix(f, 2, 64), test_weights(&f->data, MICA_W_Q8_0, 16, 64), test_vector(&f->data, 15));
}
static struct mica_tensor *missing_weights(struct fixture *f)
{
    return linear(matrix(f, 2, 64), NULL, NULL);
}
static struct mica_tensor *wrong_quantize(struct fixture *f)
{
    return quantize(matrix(f, 2, 40));
}
static struct mica_tensor *wrong_norm(struct fixture *f)
{
    return rms_norm(matrix(f, 2, 64), test_vector(&f->data, 63), 0);
}
static struct mica_tensor *wrong_add(struct fixture *f)
{
    return add(matrix(f, 2, 64), matrix(f, 3, 64));
}
static struct mica_tensor *wrong_rope(struct fixture *f)
{
    return rope(matrix(f, 2, 64), matrix(f, 3, 64), true);
}
static struct mica_tensor *wrong_reshape(struct fixture *f)
{
    return reshape(matrix(f, 2, 64), 3, 64);
}
static struct mica_tensor *wrong_row(struct fixture *f)
{
    int32_t *row = test_ints(&f->data, 1, 1);
    row[0] = -1;
    return take_rows(matrix(f, 2, 64), mica_input(f->ctx, MICA_I32, 1, (int64_t[]){1}, row));
}
static struct mica_tensor *wrong_input(struct fixture *f)
{
    return mica_input(f->ctx, MICA_F32, 2, (int64_t[]){2, 0}, NULL);
}

static void failures(void **state)
{
    struct fixture *f = *state;
    static const struct {
        struct mica_tensor *(*build)(struct fixture *f);
        const char *text;
    } table[] = {
        {wrong_embed, "embed(F32[4,4], [2,3]): the table must be packed and the ids i32 [T]"},
        {wrong_linear, "linear([2,32], Q8_0[16,64]): x has another number of columns than w"},
        {wrong_bias, "linear(act[2,64], Q8_0[16,64], [15]): bias must be"},
        {missing_weights, "linear([2,64]): a required input is missing"},
        {wrong_quantize, "quantize([2,40]): the last dimension must be a multiple of 32"},
        {wrong_norm, "rms_norm([2,64], [63]): weights must be"},
        {wrong_add, "add([2,64], [3,64]): the shapes differ"},
        {wrong_rope, "rope([2,64], [3,64]): x must be [T,H,D]"},
        {wrong_reshape, "reshape([2,64]): the new shape has another number of elements"},
        {wrong_row, "take_rows([2,64], i32[1]): row -1 (item 0) is not in 0 to 1"},
        {wrong_input, "input: 1 to 4 dimensions"},
    };
    for (size_t i = 0; i < MICA_COUNT(table); i++) {
        struct mica_err err = {0};
        assert_null(table[i].build(f));
        assert_int_equal(mica_context_error(f->ctx, &err), MICA_EARG);
        if (!strstr(err.text, table[i].text))
            fail_msg("row %zu: '%s' lacks '%s'", i, err.text, table[i].text);
        if (i + 1 < MICA_COUNT(table) && !strstr(err.text, "test_tensor.c:"))
            fail_msg("row %zu: '%s' does not say where", i, err.text);
        assert_null(matrix(f, 1, 1)); /* falls through until the reset */
        assert_null(wrong_add(f));
        mica_context_reset(f->ctx);
        assert_int_equal(mica_context_error(f->ctx, NULL), MICA_OK);
    }
    assert_null(add(NULL, NULL));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(table_rows_are_complete),
        TEST(elementwise),
        TEST(rows),
        TEST(linear_is_a_product),
        TEST(quantize_is_remembered),
        TEST(moving_rows),
        TEST(rotating),
        TEST(attending),
        TEST(failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
