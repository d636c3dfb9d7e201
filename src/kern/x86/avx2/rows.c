/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Kernels over rows of floats, 8 lanes at a time (two vectors make the 16 lanes of a sum); masked loads end
 * each row. */
#include "kern/init.h"
#include "kern/x86/avx2/math.h"
#include <math.h>

static inline __m256 load_tail(const float *p, __m256i tail)
{
    return _mm256_maskload_ps(p, tail);
}

static inline __m256 keep(__m256 x, __m256i tail)
{
    return _mm256_and_ps(x, _mm256_castsi256_ps(tail));
}

static float sum_squares(const float *x, float shift, int64_t n)
{
    __m256 low = _mm256_setzero_ps(), high = low, s = SPLAT(shift);
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m256 a = _mm256_sub_ps(_mm256_loadu_ps(x + i), s), b = _mm256_sub_ps(_mm256_loadu_ps(x + i + 8), s);
        low = _mm256_fmadd_ps(a, a, low);
        high = _mm256_fmadd_ps(b, b, high);
    }
    __m256i t0 = tail_mask(n - i), t1 = tail_mask(n - i - 8);
    __m256 a = keep(_mm256_sub_ps(load_tail(x + i, t0), s), t0);
    __m256 b = keep(_mm256_sub_ps(load_tail(x + i + 8, t1), s), t1);
    return lane_sum(_mm256_fmadd_ps(a, a, low), _mm256_fmadd_ps(b, b, high));
}

static float sum_row(const float *x, int64_t n)
{
    __m256 low = _mm256_setzero_ps(), high = low;
    for (int64_t i = 0; i < n; i += 16) {
        low = _mm256_add_ps(low, load_tail(x + i, tail_mask(n - i)));
        high = _mm256_add_ps(high, load_tail(x + i + 8, tail_mask(n - i - 8)));
    }
    return lane_sum(low, high);
}

static void rms_norm(const float *x, const float *w, int64_t n, float eps, float *out)
{
    __m256 scale = SPLAT(1.0f / sqrtf(sum_squares(x, 0, n) / (float)n + eps));
    for (int64_t i = 0; i < n; i += 8) {
        __m256i tail = tail_mask(n - i);
        __m256 y = _mm256_mul_ps(load_tail(x + i, tail), scale);
        _mm256_maskstore_ps(out + i, tail, _mm256_mul_ps(y, load_tail(w + i, tail)));
    }
}

static void layer_norm(const float *x, const float *w, const float *b, int64_t n, float eps, float *out)
{
    float mean = sum_row(x, n) / (float)n;
    __m256 scale = SPLAT(1.0f / sqrtf(sum_squares(x, mean, n) / (float)n + eps)), shift = SPLAT(mean);
    for (int64_t i = 0; i < n; i += 8) {
        __m256i tail = tail_mask(n - i);
        __m256 y = _mm256_mul_ps(_mm256_sub_ps(load_tail(x + i, tail), shift), scale);
        __m256 weight = load_tail(w + i, tail);
        y = b ? _mm256_fmadd_ps(y, weight, load_tail(b + i, tail)) : _mm256_mul_ps(y, weight);
        _mm256_maskstore_ps(out + i, tail, y);
    }
}

static inline __m256 silu_ps(__m256 a)
{
    __m256 e = exp_ps(_mm256_xor_ps(a, SPLAT(-0.0f)));
    return _mm256_div_ps(a, _mm256_add_ps(SPLAT(1.0f), e));
}

static inline __m256 gelu_ps(__m256 a)
{
    __m256 t = _mm256_mul_ps(SPLAT(MICA_GELU_CUBIC), _mm256_mul_ps(a, a));
    t = _mm256_fmadd_ps(t, a, a);
    __m256 e = exp_ps(_mm256_mul_ps(t, SPLAT(MICA_GELU_SCALE)));
    return _mm256_div_ps(a, _mm256_add_ps(SPLAT(1.0f), e));
}

static inline __m256 gelu_erf_ps(__m256 a)
{
    __m256 e = erf_ps(_mm256_mul_ps(a, SPLAT(MICA_SQRT_HALF)));
    return _mm256_mul_ps(_mm256_mul_ps(SPLAT(0.5f), a), _mm256_add_ps(SPLAT(1.0f), e));
}

#define BINARY_ROW(name, expression)                                                                         \
    static void name(const float *x, const float *y, int64_t n, float *out)                                  \
    {                                                                                                        \
        int64_t i = 0;                                                                                       \
        for (; i + 8 <= n; i += 8) {                                                                         \
            __m256 a = _mm256_loadu_ps(x + i), b = _mm256_loadu_ps(y + i);                                   \
            _mm256_storeu_ps(out + i, expression);                                                           \
        }                                                                                                    \
        __m256i tail = tail_mask(n - i);                                                                     \
        __m256 a = load_tail(x + i, tail), b = load_tail(y + i, tail);                                       \
        _mm256_maskstore_ps(out + i, tail, expression);                                                      \
    }
BINARY_ROW(add, _mm256_add_ps(a, b))
BINARY_ROW(mul, _mm256_mul_ps(a, b))
BINARY_ROW(silu_mul, _mm256_mul_ps(silu_ps(a), b))
BINARY_ROW(gelu_mul, _mm256_mul_ps(gelu_ps(a), b))

#define UNARY_ROW(declaration, expression)                                                                   \
    static void declaration                                                                                  \
    {                                                                                                        \
        int64_t i = 0;                                                                                       \
        for (; i + 8 <= n; i += 8) {                                                                         \
            __m256 a = _mm256_loadu_ps(x + i);                                                               \
            _mm256_storeu_ps(out + i, expression);                                                           \
        }                                                                                                    \
        __m256i tail = tail_mask(n - i);                                                                     \
        __m256 a = load_tail(x + i, tail);                                                                   \
        _mm256_maskstore_ps(out + i, tail, expression);                                                      \
    }
UNARY_ROW(silu(const float *x, int64_t n, float *out), silu_ps(a))
UNARY_ROW(gelu(const float *x, int64_t n, float *out), gelu_ps(a))
UNARY_ROW(gelu_erf(const float *x, int64_t n, float *out), gelu_erf_ps(a))
UNARY_ROW(exp_row(const float *x, int64_t n, float *out), exp_ps(a))
UNARY_ROW(scale_row(const float *x, float c, int64_t n, float *out), _mm256_mul_ps(a, SPLAT(c)))
UNARY_ROW(divide_row(const float *x, float c, int64_t n, float *out), _mm256_div_ps(a, SPLAT(c)))
UNARY_ROW(softcap(const float *x, float cap, int64_t n, float *out),
          _mm256_mul_ps(SPLAT(cap), tanh_ps(_mm256_div_ps(a, SPLAT(cap)))))

static float max_row(const float *x, int64_t n)
{
    /* max_ps gives its second operand when either is NaN */
    const __m256 least = SPLAT(-INFINITY);
    __m256 m0 = least, m1 = least, m2 = least, m3 = least;
    int64_t i = 0;
    for (; i + 32 <= n; i += 32) {
        m0 = _mm256_max_ps(_mm256_loadu_ps(x + i), m0);
        m1 = _mm256_max_ps(_mm256_loadu_ps(x + i + 8), m1);
        m2 = _mm256_max_ps(_mm256_loadu_ps(x + i + 16), m2);
        m3 = _mm256_max_ps(_mm256_loadu_ps(x + i + 24), m3);
    }
    for (; i < n; i += 8) {
        __m256i tail = tail_mask(n - i);
        __m256 v = _mm256_blendv_ps(least, load_tail(x + i, tail), _mm256_castsi256_ps(tail));
        m0 = _mm256_max_ps(v, m0);
    }
    return lane_max(_mm256_max_ps(_mm256_max_ps(m0, m1), _mm256_max_ps(m2, m3))) + 0.0f;
}

/* out, when not NULL, gets the exponentials. */
static inline float sum_exp_row(const float *x, float shift, int64_t n, float *out)
{
    __m256 low = _mm256_setzero_ps(), high = low, s = SPLAT(shift);
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m256 a = exp_ps(_mm256_sub_ps(_mm256_loadu_ps(x + i), s));
        __m256 b = exp_ps(_mm256_sub_ps(_mm256_loadu_ps(x + i + 8), s));
        low = _mm256_add_ps(low, a);
        high = _mm256_add_ps(high, b);
        if (out) {
            _mm256_storeu_ps(out + i, a);
            _mm256_storeu_ps(out + i + 8, b);
        }
    }
    __m256i t0 = tail_mask(n - i), t1 = tail_mask(n - i - 8);
    __m256 a = keep(exp_ps(_mm256_sub_ps(load_tail(x + i, t0), s)), t0);
    __m256 b = keep(exp_ps(_mm256_sub_ps(load_tail(x + i + 8, t1), s)), t1);
    if (out) {
        _mm256_maskstore_ps(out + i, t0, a);
        _mm256_maskstore_ps(out + i + 8, t1, b);
    }
    return lane_sum(_mm256_add_ps(low, a), _mm256_add_ps(high, b));
}

static float sum_exp(const float *x, float shift, int64_t n)
{
    return sum_exp_row(x, shift, n, NULL);
}

static void softmax(const float *x, int64_t n, float *out)
{
    divide_row(out, sum_exp_row(x, max_row(x, n), n, out), n, out);
}

static void rope_neox(float *x, const float *cos_sin, int64_t half)
{
    const __m256i order = _mm256_setr_epi32(0, 1, 4, 5, 2, 3, 6, 7);
    for (int64_t i = 0; i < half; i += 8) {
        int64_t left = half - i;
        __m256i tail = tail_mask(left);
        __m256 lo = load_tail(cos_sin + 2 * i, tail_mask(2 * left));
        __m256 hi = load_tail(cos_sin + 2 * i + 8, tail_mask(2 * left - 8));
        __m256 c = _mm256_shuffle_ps(lo, hi, 0x88), s = _mm256_shuffle_ps(lo, hi, 0xdd);
        c = _mm256_permutevar8x32_ps(c, order);
        s = _mm256_permutevar8x32_ps(s, order);
        __m256 a = load_tail(x + i, tail), b = load_tail(x + half + i, tail);
        _mm256_maskstore_ps(x + i, tail, _mm256_fnmadd_ps(b, s, _mm256_mul_ps(a, c)));
        _mm256_maskstore_ps(x + half + i, tail, _mm256_fmadd_ps(a, s, _mm256_mul_ps(b, c)));
    }
}

static void rope(float *x, const float *cos_sin, int64_t half, bool neox)
{
    if (neox) {
        rope_neox(x, cos_sin, half);
        return;
    }
    const __m256 first =
        _mm256_setr_ps(-0.0f, 0, -0.0f, 0, -0.0f, 0, -0.0f, 0); /* minus for the first of a pair */
    for (int64_t i = 0; i < 2 * half; i += 8) {
        __m256i tail = tail_mask(2 * half - i);
        __m256 v = load_tail(x + i, tail), t = load_tail(cos_sin + i, tail);
        __m256 s = _mm256_xor_ps(_mm256_movehdup_ps(t), first);
        __m256 y = _mm256_mul_ps(v, _mm256_moveldup_ps(t));
        _mm256_maskstore_ps(x + i, tail, _mm256_fmadd_ps(_mm256_permute_ps(v, 0xb1), s, y));
    }
}

void mica_kern_init_avx2_rows(struct mica_kern *kern)
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
