/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Our elementary functions against the long double functions of the C library. */
#include "kern/math.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static uint64_t random_state = 1;
static double uniform(double lo, double hi)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return lo + (hi - lo) * ((double)(random_state >> 11) * 0x1p-53);
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* How many units in the last place got is from exact. */
static double ulps(float got, long double exact)
{
    int exponent;
    frexpl(exact, &exponent);
    return (double)(fabsl((long double)got - exact) / ldexpl(1.0L, (exponent < -125 ? -125 : exponent) - 24));
}

struct f32_case {
    const char *name;
    float (*got)(float);
    long double (*exact)(long double);
    double lo, hi;
};
static const struct f32_case f32_cases[] = {
    {"exp", mica_expf, expl, -87.3, 88.72}, {"exp", mica_expf, expl, -1, 1},
    {"exp", mica_expf, expl, -1e-6, 1e-6},  {"tanh", mica_tanhf, tanhl, -12, 12},
    {"tanh", mica_tanhf, tanhl, -0.7, 0.7}, {"tanh", mica_tanhf, tanhl, -1e-5, 1e-5},
    {"erf", mica_erff, erfl, -5, 5},        {"erf", mica_erff, erfl, 0.9, 1.1},
    {"erf", mica_erff, erfl, -1e-5, 1e-5},
};

static void test_f32_accuracy(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof f32_cases / sizeof *f32_cases; c++) {
        const struct f32_case *row = &f32_cases[c];
        for (int i = 0; i < 100000; i++) {
            float x = (float)uniform(row->lo, row->hi);
            double off = ulps(row->got(x), row->exact((long double)x));
            if (off > 2.0)
                fail_msg("%s(%a) is off by %.2f ulp", row->name, x, off);
        }
    }
}

struct f32_value {
    const char *name;
    float (*got)(float);
    float x, want;
};
static const struct f32_value f32_values[] = {
    {"exp", mica_expf, 0, 1},
    {"exp", mica_expf, -0.0f, 1},
    {"exp", mica_expf, -INFINITY, 0},
    {"exp", mica_expf, INFINITY, INFINITY},
    {"exp", mica_expf, 88.73f, INFINITY},
    {"exp", mica_expf, -87.34f, 0},
    {"exp", mica_expf, -1e30f, 0},
    {"exp", mica_expf, 3e38f, INFINITY},
    {"tanh", mica_tanhf, 0, 0},
    {"tanh", mica_tanhf, -0.0f, -0.0f},
    {"tanh", mica_tanhf, INFINITY, 1},
    {"tanh", mica_tanhf, -INFINITY, -1},
    {"tanh", mica_tanhf, 3e38f, 1},
    {"tanh", mica_tanhf, 1e-30f, 1e-30f},
    {"erf", mica_erff, 0, 0},
    {"erf", mica_erff, -0.0f, -0.0f},
    {"erf", mica_erff, INFINITY, 1},
    {"erf", mica_erff, -INFINITY, -1},
    {"erf", mica_erff, -3e38f, -1},
};

static void test_f32_edges(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof f32_values / sizeof *f32_values; c++) {
        const struct f32_value *row = &f32_values[c];
        if (bits_of(row->got(row->x)) != bits_of(row->want))
            fail_msg("row %zu: %s(%a) = %a, not %a", c, row->name, row->x, row->got(row->x), row->want);
    }
    assert_true(isnan(mica_expf(NAN)));
    assert_true(isnan(mica_tanhf(NAN)));
    assert_true(isnan(mica_erff(NAN)));
    assert_true(isfinite(mica_expf(88.72283f)));
    assert_true(mica_expf(-87.33649f) > 0);
}

static void near(const char *what, double x, double got, long double exact)
{
    long double off = fabsl((long double)got - exact);
    if (!(off <= 1e-14L * fabsl(exact)))
        fail_msg("%s at %.17g: %.17g, exact %.17Lg", what, x, got, exact);
}

static void test_f64(void **state)
{
    (void)state;
    static const double reach[] = {1, 100, 1e5, 1e9};
    for (int i = 0; i < 100000; i++) {
        double x = uniform(-700, 700), y = uniform(-3, 3), s, c;
        near("exp", x, mica_exp(x), expl((long double)x));
        near("exp", y, mica_exp(y), expl((long double)y));
        near("log", exp(x), mica_log(exp(x)), logl((long double)exp(x)));
        near("log", 1 + y / 4, mica_log(1 + y / 4), logl((long double)(1 + y / 4)));
        near("pow", y, mica_pow(10000.0, y * 20), powl(10000.0L, (long double)(y * 20)));
        near("pow", y, mica_pow(exp(y), x / 4), powl((long double)exp(y), (long double)(x / 4)));
        double angle = uniform(-1, 1) * reach[i % 4];
        mica_sincos(angle, &s, &c);
        near("sin", angle, s, sinl((long double)angle));
        near("cos", angle, c, cosl((long double)angle));
    }
}

static void test_f64_edges(void **state)
{
    (void)state;
    double s, c;
    mica_sincos(0, &s, &c);
    assert_true(s == 0 && c == 1);
    for (int n = 1; n < 600000000; n += 6000011) { /* whole numbers of quarter turns nearly cancel */
        double x = n * 1.5707963267948966;
        mica_sincos(x, &s, &c);
        near("sin", x, s, sinl((long double)x));
        near("cos", x, c, cosl((long double)x));
    }
    assert_true(mica_exp(-INFINITY) == 0 && mica_exp(INFINITY) == INFINITY && mica_exp(0) == 1);
    assert_true(isnan(mica_exp(NAN)) && isnan(mica_log(-1)) && isnan(mica_log(NAN)));
    assert_true(mica_log(0) == -INFINITY && mica_log(1) == 0 && mica_log(INFINITY) == INFINITY);
    near("log", 5e-324, mica_log(5e-324), logl((long double)5e-324));
    assert_true(mica_pow(2, 10) == 1024 && mica_pow(5, 0) == 1 && mica_pow(10000, -1) == 1e-4);
    assert_true(mica_pow(1e6, 500) == INFINITY && mica_pow(1e6, -500) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_f32_accuracy),
        cmocka_unit_test(test_f32_edges),
        cmocka_unit_test(test_f64),
        cmocka_unit_test(test_f64_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
