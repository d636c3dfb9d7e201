/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Kernels over rows of floats: the reference against double within a bound, every variant against the
 * reference for equality, over ragged lengths. */
#include "base/mem.h"
#include "kern/kern.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

enum { MAX_N = 2048, GUARD = 16 };

static uint64_t random_state = 1;
static double uniform(double lo, double hi)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return lo + (hi - lo) * ((double)(random_state >> 11) * 0x1p-53);
}

struct data {
    float a[MAX_N], b[MAX_N], w[MAX_N];
};

typedef void run_fn(const struct mica_kern *kern, const struct data *in, int64_t n, float *out);
typedef void exact_fn(const struct data *in, int64_t n, double *out);

#define BINARY(name)                                                                                         \
    static void run_##name(const struct mica_kern *kern, const struct data *in, int64_t n, float *out)       \
    {                                                                                                        \
        kern->name(in->a, in->b, n, out);                                                                    \
    }
#define UNARY(name)                                                                                          \
    static void run_##name(const struct mica_kern *kern, const struct data *in, int64_t n, float *out)       \
    {                                                                                                        \
        kern->name(in->a, n, out);                                                                           \
    }
#define EXACT(name, expression)                                                                              \
    static void exact_##name(const struct data *in, int64_t n, double *out)                                  \
    {                                                                                                        \
        for (int64_t i = 0; i < n; i++) {                                                                    \
            double a = in->a[i], b = in->b[i];                                                               \
            (void)b;                                                                                         \
            out[i] = expression;                                                                             \
        }                                                                                                    \
    }

static double exact_silu1(double a)
{
    return a / (1 + exp(-a));
}
static double exact_gelu1(double a)
{
    return 0.5 * a * (1 + tanh(sqrt(2 / M_PI) * (a + 0.044715 * a * a * a)));
}

BINARY(add)
BINARY(mul)
BINARY(silu_mul)
BINARY(gelu_mul)
UNARY(silu)
UNARY(gelu)
UNARY(gelu_erf)
UNARY(exp)
UNARY(softmax)
EXACT(add, a + b)
EXACT(mul, a *b)
EXACT(silu_mul, exact_silu1(a) * b)
EXACT(gelu_mul, exact_gelu1(a) * b)
EXACT(silu, exact_silu1(a))
EXACT(gelu, exact_gelu1(a))
EXACT(gelu_erf, 0.5 * a * (1 + erf(a / sqrt(2))))
EXACT(exp, exp(a))
EXACT(scale, a *(double)1.7f)
EXACT(softcap, 30 * tanh(a / 30))

static void run_scale(const struct mica_kern *kern, const struct data *in, int64_t n, float *out)
{
    kern->scale(in->a, 1.7f, n, out);
}
static void run_softcap(const struct mica_kern *kern, const struct data *in, int64_t n, float *out)
{
    kern->softcap(in->a, 30.0f, n, out);
}
static void run_max(const struct mica_kern *kern, const struct data *in, int64_t n, float *out)
{
    out[0] = kern->max(in->a, n);
}
static void run_sum_exp(const struct mica_kern *kern, const struct data *in, int64_t n, float *out)
{
    out[0] = kern->sum_exp(in->a, 2.5f, n);
}
static void run_rms_norm(const struct mica_kern *kern, const struct data *in, int64_t n, float *out)
{
    kern->rms_norm(in->a, in->w, n, 1e-5f, out);
}
static void run_layer_norm(const struct mica_kern *kern, const struct data *in, int64_t n, float *out)
{
    kern->layer_norm(in->a, in->w, in->b, n, 1e-5f, out);
}
static void run_layer_norm_no_bias(const struct mica_kern *kern, const struct data *in, int64_t n, float *out)
{
    kern->layer_norm(in->a, in->w, NULL, n, 1e-5f, out);
}
static void run_in_place(const struct mica_kern *kern, const struct data *in, int64_t n, float *out)
{
    memcpy(out, in->a, (size_t)n * sizeof(float));
    kern->silu_mul(out, in->b, n, out);
}
static void run_rope_neox(const struct mica_kern *kern, const struct data *in, int64_t n, float *out)
{
    memcpy(out, in->a, (size_t)n * sizeof(float));
    kern->rope(out, in->b, n / 2, true);
}
static void run_rope_pairs(const struct mica_kern *kern, const struct data *in, int64_t n, float *out)
{
    memcpy(out, in->a, (size_t)n * sizeof(float));
    kern->rope(out, in->b, n / 2, false);
}

static void exact_max(const struct data *in, int64_t n, double *out)
{
    out[0] = -INFINITY;
    for (int64_t i = 0; i < n; i++)
        out[0] = fmax(out[0], in->a[i]);
}
static void exact_sum_exp(const struct data *in, int64_t n, double *out)
{
    out[0] = 0;
    for (int64_t i = 0; i < n; i++)
        out[0] += exp((double)(in->a[i] - 2.5f));
}
static void exact_softmax(const struct data *in, int64_t n, double *out)
{
    double max, total = 0;
    exact_max(in, n, &max);
    for (int64_t i = 0; i < n; i++)
        total += out[i] = exp(in->a[i] - max);
    for (int64_t i = 0; i < n; i++)
        out[i] /= total;
}
static void exact_norm(const struct data *in, int64_t n, double *out, bool centred, bool bias)
{
    double mean = 0, squares = 0;
    for (int64_t i = 0; i < n && centred; i++)
        mean += in->a[i] / (double)n;
    for (int64_t i = 0; i < n; i++)
        squares += (in->a[i] - mean) * (in->a[i] - mean);
    for (int64_t i = 0; i < n; i++)
        out[i] = (in->a[i] - mean) / sqrt(squares / (double)n + 1e-5) * in->w[i] + (bias ? in->b[i] : 0);
}
static void exact_rms_norm(const struct data *in, int64_t n, double *out)
{
    exact_norm(in, n, out, false, false);
}
static void exact_layer_norm(const struct data *in, int64_t n, double *out)
{
    exact_norm(in, n, out, true, true);
}
static void exact_layer_norm_no_bias(const struct data *in, int64_t n, double *out)
{
    exact_norm(in, n, out, true, false);
}
static void exact_rope(const struct data *in, int64_t n, double *out, int64_t step, int64_t other)
{
    if (n % 2)
        out[n - 1] = in->a[n - 1];
    for (int64_t i = 0; i < n / 2; i++) {
        const float *p = in->a + i * step;
        double c = in->b[2 * i], s = in->b[2 * i + 1];
        out[i * step] = p[0] * c - p[other] * s;
        out[i * step + other] = p[other] * c + p[0] * s;
    }
}
static void exact_rope_neox(const struct data *in, int64_t n, double *out)
{
    exact_rope(in, n, out, 1, n / 2);
}
static void exact_rope_pairs(const struct data *in, int64_t n, double *out)
{
    exact_rope(in, n, out, 2, 1);
}

/* rel, abs: the bound on the error of the reference, in units of 2^-24; sums get n/16 + 8 roundings more. */
struct row {
    const char *name;
    run_fn *run;
    exact_fn *exact;
    double rel, abs;
    bool reduces; /* to one number */
};
static const struct row rows[] = {
    {"add", run_add, exact_add, 1, 0, false},
    {"mul", run_mul, exact_mul, 1, 0, false},
    {"scale", run_scale, exact_scale, 1, 0, false},
    {"silu", run_silu, exact_silu, 8, 0, false},
    {"silu_mul", run_silu_mul, exact_silu_mul, 9, 0, false},
    {"silu_mul in place", run_in_place, exact_silu_mul, 9, 0, false},
    {"gelu", run_gelu, exact_gelu, 2, 40, false},
    {"gelu_mul", run_gelu_mul, exact_gelu_mul, 3, 400, false},
    {"gelu_erf", run_gelu_erf, exact_gelu_erf, 8, 40, false},
    {"exp", run_exp, exact_exp, 4, 0, false},
    {"softcap", run_softcap, exact_softcap, 6, 0, false},
    {"max", run_max, exact_max, 0, 0, true},
    {"sum_exp", run_sum_exp, exact_sum_exp, 150, 0, true},
    {"softmax", run_softmax, exact_softmax, 170, 0, false},
    {"rms_norm", run_rms_norm, exact_rms_norm, 80, 0, false},
    {"layer_norm", run_layer_norm, exact_layer_norm, 200, 2000, false},
    {"layer_norm without bias", run_layer_norm_no_bias, exact_layer_norm_no_bias, 200, 2000, false},
    {"rope neox", run_rope_neox, exact_rope_neox, 2, 800, false},
    {"rope pairs", run_rope_pairs, exact_rope_pairs, 2, 800, false},
};
static const int64_t lengths[] = {1,  2,  3,  7,  8,  9,   15,  16,  17,  30,   31,   32,  33,
                                  47, 48, 49, 63, 64, 100, 127, 129, 576, 1000, 1537, 2048};

static void fill(struct data *in)
{
    for (int i = 0; i < MAX_N; i++) {
        in->a[i] = (float)uniform(-20, 20);
        in->b[i] = (float)uniform(-8, 8);
        in->w[i] = (float)uniform(-2, 2);
    }
}

static void test_ref(void **state)
{
    (void)state;
    const struct mica_kern *kern = mica_kern_named("ref");
    static struct data in;
    static float got[MAX_N];
    static double exact[MAX_N];
    for (size_t r = 0; r < MICA_COUNT(rows); r++) {
        for (size_t l = 0; l < MICA_COUNT(lengths); l++) {
            int64_t n = lengths[l];
            fill(&in);
            rows[r].run(kern, &in, n, got);
            rows[r].exact(&in, n, exact);
            for (int64_t i = 0; i < (rows[r].reduces ? 1 : n); i++)
                if (!(fabs(got[i] - exact[i]) <= (fabs(exact[i]) * rows[r].rel + rows[r].abs) * 0x1p-24))
                    fail_msg("%s n=%d [%d]: %.9g, exact %.17g", rows[r].name, (int)n, (int)i, got[i],
                             exact[i]);
        }
    }
}

/* Values that stress the ends: huge, tiny, zeros, infinities. */
static void fill_edges(struct data *in)
{
    static const float edges[] = {0.0f,   -0.0f,   1e-38f,   -1e-38f, 1e-45f, 88.7f,     88.8f,     -87.3f,
                                  -87.4f, 1e30f,   -1e30f,   3.4e38f, 0.624f, -3.4e38f,  INFINITY,  -INFINITY,
                                  1.0f,   0.6249f, -0.6251f, 4.0f,    -4.1f,  0.999999f, -1.00001f, 9.1f};
    const size_t n_edges = MICA_COUNT(edges);
    fill(in);
    for (int i = 0; i < MAX_N; i += 1 + (int)uniform(0, 6))
        in->a[i] = edges[(size_t)uniform(0, (double)n_edges)];
}

static void check_variant(const char *name)
{
    const struct mica_kern *ref = mica_kern_named("ref"), *kern = mica_kern_named(name);
    if (!kern)
        return;
    static struct data in;
    static float want[MAX_N + GUARD], got[MAX_N + GUARD];
    for (size_t r = 0; r < MICA_COUNT(rows); r++) {
        for (size_t l = 0; l < 2 * MICA_COUNT(lengths); l++) {
            int64_t n = lengths[l / 2];
            (l % 2 ? fill_edges : fill)(&in);
            for (int i = 0; i < MAX_N + GUARD; i++)
                want[i] = got[i] = 12345.0f;
            rows[r].run(ref, &in, n, want);
            rows[r].run(kern, &in, n, got);
            for (int64_t i = 0; i < n + GUARD; i++)
                if (memcmp(&got[i], &want[i], sizeof(float)) != 0 && !(isnan(got[i]) && isnan(want[i])))
                    fail_msg("%s %s n=%d [%d] of %a: %a, ref %a", name, rows[r].name, (int)n, (int)i, in.a[i],
                             got[i], want[i]);
        }
    }
}

static void test_avx2(void **state)
{
    (void)state;
    check_variant("avx2");
}

static void test_avx512(void **state)
{
    (void)state;
    check_variant("avx512");
}

static void test_ends(void **state)
{
    (void)state;
    static const char *names[] = {"ref", "avx2", "avx512"};
    for (size_t k = 0; k < MICA_COUNT(names); k++) {
        const struct mica_kern *kern = mica_kern_named(names[k]);
        if (!kern)
            continue;
        float x[40], out[40];
        assert_true(kern->max(x, 0) == -INFINITY && kern->sum_exp(x, 0, 0) == 0);
        for (int i = 0; i < 40; i++)
            x[i] = i == 5 ? -3.0f : NAN;
        assert_true(kern->max(x, 40) == -3.0f);
        for (int i = 0; i < 40; i++)
            x[i] = -0.0f;
        float zero = kern->max(x, 40);
        assert_false(signbit(zero));
        static const float big[] = {3.4e38f, -3.4e38f, 1e20f, -1e20f, 100, -100, 60000, -60000};
        for (int i = 0; i < 40; i++)
            x[i] = big[i % 8];
        mica_unary_fn *const f[] = {kern->silu, kern->gelu, kern->gelu_erf};
        for (size_t i = 0; i < MICA_COUNT(f); i++) {
            f[i](x, 40, out);
            for (int j = 0; j < 40; j++)
                if (!(x[j] > 0 ? out[j] == x[j] : fabsf(out[j]) < 1e-30f))
                    fail_msg("%s function %zu of %g is %g", names[k], i, x[j], out[j]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ref),
        cmocka_unit_test(test_avx2),
        cmocka_unit_test(test_avx512),
        cmocka_unit_test(test_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
