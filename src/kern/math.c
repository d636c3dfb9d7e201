/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/math.h"
#include "kern/math_poly.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

/* ---- f32: the order of arithmetic is that of math_poly.h */

static uint32_t float_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float bits_float(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

float mica_expf(float x)
{
    if (x < MICA_EXP_MIN)
        return 0;
    if (!(x <= MICA_EXP_MAX))
        return x + INFINITY;
    float t = fmaf(x, MICA_EXP_LOG2E, MICA_EXP_SHIFT), n = t - MICA_EXP_SHIFT;
    float r = fmaf(n, -MICA_EXP_LN2LO, fmaf(n, -MICA_EXP_LN2HI, x));
    float p = fmaf(MICA_EXP_E6, r, MICA_EXP_E5);
    p = fmaf(p, r, MICA_EXP_E4);
    p = fmaf(p, r, MICA_EXP_E3);
    p = fmaf(p, r, MICA_EXP_E2);
    p = fmaf(p, r, 1.0f);
    p = fmaf(p, r, 1.0f);
    return bits_float(float_bits(p) + (float_bits(t) << 23));
}

float mica_tanhf(float x)
{
    float a = fabsf(x), z = x * x, y;
    if (a < MICA_TANH_SMALL) {
        float p = fmaf(MICA_TANH_T6, z, MICA_TANH_T5);
        p = fmaf(p, z, MICA_TANH_T4);
        p = fmaf(p, z, MICA_TANH_T3);
        p = fmaf(p, z, MICA_TANH_T2);
        p = fmaf(p, z, MICA_TANH_T1);
        y = fmaf(a * z, p, a);
    } else {
        y = 1.0f - 2.0f / (mica_expf(a + a) + 1.0f);
    }
    return bits_float(float_bits(y) | (float_bits(x) & 0x80000000u));
}

float mica_erff(float x)
{
    float a = fabsf(x), z = x * x, y;
    if (a < 1.0f) {
        float p = fmaf(MICA_ERF_F7, z, MICA_ERF_F6);
        p = fmaf(p, z, MICA_ERF_F5);
        p = fmaf(p, z, MICA_ERF_F4);
        p = fmaf(p, z, MICA_ERF_F3);
        p = fmaf(p, z, MICA_ERF_F2);
        p = fmaf(p, z, MICA_ERF_F1);
        p = fmaf(p, z, MICA_ERF_F0);
        y = fmaf(a, p, a);
    } else if (a != a) {
        y = a;
    } else {
        float t = a < 4.0f ? a : 4.0f;
        float g = fmaf(MICA_ERF_G9, t, MICA_ERF_G8);
        g = fmaf(g, t, MICA_ERF_G7);
        g = fmaf(g, t, MICA_ERF_G6);
        g = fmaf(g, t, MICA_ERF_G5);
        g = fmaf(g, t, MICA_ERF_G4);
        g = fmaf(g, t, MICA_ERF_G3);
        g = fmaf(g, t, MICA_ERF_G2);
        g = fmaf(g, t, MICA_ERF_G1);
        g = fmaf(g, t, MICA_ERF_G0);
        y = 1.0f - mica_expf(-g);
    }
    return bits_float(float_bits(y) | (float_bits(x) & 0x80000000u));
}

/* ---- f64 */

#define LN2_HI  0x1.62e42fefa2p-1 /* 40 bits: times an exponent it is exact */
#define LN2_LO  0x1.9ef35793c7673p-41
#define INV_LN2 0x1.71547652b82fep+0
#define PIO2_1  0x1.921fb54442d18p+0
#define PIO2_2  0x1.1a62633145c07p-54
#define PIO2_3  (-0x1.f1976b7ed8fbcp-110)
#define TWO_PI_ 0x1.45f306dc9c883p-1 /* 2/π */

/* An unevaluated sum hi + lo, |lo| at most half an ulp of hi. */
struct two {
    double hi, lo;
};

static struct two two_sum(double a, double b)
{
    double s = a + b, t = s - a;
    return (struct two){s, (a - (s - t)) + (b - t)};
}

static struct two two_mul(double a, double b)
{
    double p = a * b;
    return (struct two){p, fma(a, b, -p)};
}

static double pow2(int n) /* −1022 … 1023 */
{
    uint64_t bits = (uint64_t)(n + 1023) << 52;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Rounds to the nearest integer; |x| < 2^51. */
static double round_even(double x)
{
    return (x + 0x1.8p52) - 0x1.8p52;
}

/* exp(x.hi + x.lo) */
static double exp_two(struct two x)
{
    if (x.hi != x.hi)
        return x.hi;
    if (x.hi > 709.782712893384)
        return INFINITY;
    if (x.hi < -745.14)
        return 0;
    double n = round_even(x.hi * INV_LN2);
    double r = fma(n, -LN2_HI, x.hi);
    struct two s = two_sum(r, fma(n, -LN2_LO, x.lo));
    static const double inverse_factorial[] = {
        1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320,
        1.0 / 5040,       1.0 / 720,       1.0 / 120,      1.0 / 24,      1.0 / 6,      0.5};
    double p = 0;
    for (int i = 0; i < 12; i++)
        p = fma(p, s.hi, inverse_factorial[i]);
    /* 1 + (hi + (lo + lo·hi + hi²·p)) */
    double y = 1.0 + (s.hi + fma(s.hi * s.hi, p, fma(s.lo, s.hi, s.lo)));
    int half = (int)n / 2;
    return y * pow2(half) * pow2((int)n - half);
}

/* log(x), x positive, finite and normal or subnormal */
static struct two log_two(double x)
{
    int e = 0;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        e = -54;
    }
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    /* m in [√½, √2): the exponent field of the mantissa that makes log m smallest */
    uint64_t top = bits - 0x3fe6a09e667f3bcdu;
    e += (int)((int64_t)top >> 52);
    bits -= top & 0xfff0000000000000u;
    double m;
    memcpy(&m, &bits, sizeof m);
    /* f = (m − 1) / (m + 1) to twice the precision; log m = 2·atanh f */
    double a = m - 1.0;
    struct two b = two_sum(m, 1.0);
    double f = a / b.hi;
    double f_lo = (fma(-f, b.hi, a) - f * b.lo) / b.hi;
    double z = f * f, p = 0;
    for (int i = 21; i >= 3; i -= 2)
        p = fma(p, z, 2.0 / i);
    struct two s = two_sum(2.0 * f, fma(f * z, p, 2.0 * f_lo));
    struct two t = two_sum(e * LN2_HI, s.hi);
    return two_sum(t.hi, t.lo + fma((double)e, LN2_LO, s.lo));
}

double mica_exp(double x)
{
    return exp_two((struct two){x, 0});
}

double mica_log(double x)
{
    if (!(x > 0))
        return x == 0 ? -INFINITY : NAN;
    if (x == INFINITY)
        return x;
    struct two l = log_two(x);
    return l.hi + l.lo;
}

double mica_pow(double x, double y)
{
    if (y == 0 || x == 1.0)
        return 1.0;
    if (!(x > 0) || x == INFINITY || !isfinite(y))
        return exp_two((struct two){y * mica_log(x), 0});
    struct two l = log_two(x);
    struct two p = two_mul(y, l.hi);
    if (!(fabs(p.hi) < 1000))
        return exp_two((struct two){p.hi, 0});
    return exp_two(two_sum(p.hi, fma(y, l.lo, p.lo)));
}

/* The sine of r.hi + r.lo, |r| ≤ π/4 */
static double sin_two(struct two r)
{
    static const double c[] = {1.0 / 355687428096000, -1.0 / 1307674368000, 1.0 / 6227020800, -1.0 / 39916800,
                               1.0 / 362880,          -1.0 / 5040,          1.0 / 120,        -1.0 / 6};
    double z = r.hi * r.hi, p = 0;
    for (int i = 0; i < 8; i++)
        p = fma(p, z, c[i]);
    return r.hi + fma(r.hi * z, p, fma(-0.5 * z, r.lo, r.lo));
}

static double cos_two(struct two r)
{
    static const double c[] = {1.0 / 20922789888000, -1.0 / 87178291200, 1.0 / 479001600, -1.0 / 3628800,
                               1.0 / 40320,          -1.0 / 720,         1.0 / 24};
    double z = r.hi * r.hi, p = 0;
    for (int i = 0; i < 7; i++)
        p = fma(p, z, c[i]);
    double h = 0.5 * z, w = 1.0 - h;
    return w + (((1.0 - w) - h) + fma(z * z, p, -r.hi * r.lo));
}

void mica_sincos(double x, double *sin_out, double *cos_out)
{
    /* n·(π/2) with π/2 in three parts. The first step is exact: x − n·PIO2_1 fits a double. */
    double n = round_even(x * TWO_PI_);
    double r = fma(-n, PIO2_1, x);
    struct two p = two_mul(n, PIO2_2);
    struct two s = two_sum(r, -p.hi);
    struct two a = two_sum(s.hi, s.lo - p.lo - n * PIO2_3);
    double sine = sin_two(a), cosine = cos_two(a);
    switch ((int64_t)n & 3) {
    case 0:
        *sin_out = sine, *cos_out = cosine;
        break;
    case 1:
        *sin_out = cosine, *cos_out = -sine;
        break;
    case 2:
        *sin_out = -sine, *cos_out = -cosine;
        break;
    default:
        *sin_out = -cosine, *cos_out = sine;
    }
}
