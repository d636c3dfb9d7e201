/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Kernels over rows of floats, in plain C. The order of every operation is stated in kern.h. */
#include "kern/init.h"
#include "kern/math.h"
#include "kern/math_poly.h"
#include <math.h>

/* The 16 lanes of a row sum meet in a fixed tree. */
static float lane_sum(float lanes[MICA_LANES])
{
    for (int step = 8; step >= 1; step /= 2)
        for (int l = 0; l < step; l++)
            lanes[l] += lanes[l + step];
    return lanes[0];
}

static float sum_squares(const float *x, float shift, int64_t n)
{
    float lanes[MICA_LANES] = {0};
    for (int64_t i = 0; i < n; i++) {
        float d = x[i] - shift;
        lanes[i % MICA_LANES] = fmaf(d, d, lanes[i % MICA_LANES]);
    }
    return lane_sum(lanes);
}

static float sum(const float *x, int64_t n)
{
    float lanes[MICA_LANES] = {0};
    for (int64_t i = 0; i < n; i++)
        lanes[i % MICA_LANES] += x[i];
    return lane_sum(lanes);
}

static void rms_norm(const float *x, const float *w, int64_t n, float eps, float *out)
{
    float scale = 1.0f / sqrtf(sum_squares(x, 0, n) / (float)n + eps);
    for (int64_t i = 0; i < n; i++)
        out[i] = (x[i] * scale) * w[i];
}

static void layer_norm(const float *x, const float *w, const float *b, int64_t n, float eps, float *out)
{
    float mean = sum(x, n) / (float)n;
    float scale = 1.0f / sqrtf(sum_squares(x, mean, n) / (float)n + eps);
    for (int64_t i = 0; i < n; i++) {
        float y = (x[i] - mean) * scale;
        out[i] = b ? fmaf(y, w[i], b[i]) : y * w[i];
    }
}

static float silu1(float a)
{
    return a / (1.0f + mica_expf(-a));
}

static float gelu1(float a)
{
    float t = fmaf(MICA_GELU_CUBIC * (a * a), a, a);
    return a / (1.0f + mica_expf(t * MICA_GELU_SCALE));
}

static float gelu_erf1(float a)
{
    return (0.5f * a) * (1.0f + mica_erff(a * MICA_SQRT_HALF));
}

static void add(const float *a, const float *b, int64_t n, float *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = a[i] + b[i];
}

static void mul(const float *a, const float *b, int64_t n, float *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = a[i] * b[i];
}

static void silu_mul(const float *a, const float *b, int64_t n, float *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = silu1(a[i]) * b[i];
}

static void gelu_mul(const float *a, const float *b, int64_t n, float *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = gelu1(a[i]) * b[i];
}

static void silu(const float *x, int64_t n, float *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = silu1(x[i]);
}

static void gelu(const float *x, int64_t n, float *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = gelu1(x[i]);
}

static void gelu_erf(const float *x, int64_t n, float *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = gelu_erf1(x[i]);
}

static void exp_row(const float *x, int64_t n, float *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = mica_expf(x[i]);
}

static void scale_row(const float *x, float c, int64_t n, float *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = x[i] * c;
}

static void softcap(const float *x, float cap, int64_t n, float *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = cap * mica_tanhf(x[i] / cap);
}

static float max_row(const float *x, int64_t n)
{
    float m = -INFINITY;
    for (int64_t i = 0; i < n; i++)
        m = x[i] > m ? x[i] : m;
    return m + 0.0f; /* −0 and 0 compare equal: whichever came first, the answer is 0 */
}

static float sum_exp(const float *x, float shift, int64_t n)
{
    float lanes[MICA_LANES] = {0};
    for (int64_t i = 0; i < n; i++)
        lanes[i % MICA_LANES] += mica_expf(x[i] - shift);
    return lane_sum(lanes);
}

static void softmax(const float *x, int64_t n, float *out)
{
    float m = max_row(x, n), lanes[MICA_LANES] = {0};
    for (int64_t i = 0; i < n; i++) {
        out[i] = mica_expf(x[i] - m);
        lanes[i % MICA_LANES] += out[i];
    }
    float total = lane_sum(lanes);
    for (int64_t i = 0; i < n; i++)
        out[i] = out[i] / total;
}

static void rope(float *x, const float *cos_sin, int64_t half, bool neox)
{
    int64_t step = neox ? 1 : 2, other = neox ? half : 1;
    for (int64_t i = 0; i < half; i++) {
        float *p = x + i * step, a = p[0], b = p[other], c = cos_sin[2 * i], s = cos_sin[2 * i + 1];
        p[0] = fmaf(-b, s, a * c);
        p[other] = fmaf(a, s, b * c);
    }
}

void mica_kern_init_ref_rows(struct mica_kern *kern)
{
    kern->rms_norm = rms_norm;
    kern->layer_norm = layer_norm;
    kern->add = add;
    kern->mul = mul;
    kern->silu_mul = silu_mul;
    kern->gelu_mul = gelu_mul;
    kern->silu = silu;
    kern->gelu = gelu;
    kern->gelu_erf = gelu_erf;
    kern->exp = exp_row;
    kern->scale = scale_row;
    kern->softcap = softcap;
    kern->max = max_row;
    kern->sum_exp = sum_exp;
    kern->softmax = softmax;
    kern->rope = rope;
}
