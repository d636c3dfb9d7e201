/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Kernels over rows of floats, 16 lanes at a time; a masked load ends each row. */
#include "kern/init.h"
#include "kern/x86/avx512/math.h"
#include <math.h>

static float sum_squares(const float *x, float shift, int64_t n)
{
    __m512 sum = _mm512_setzero_ps(), s = _mm512_set1_ps(shift);
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m512 d = _mm512_sub_ps(_mm512_loadu_ps(x + i), s);
        sum = _mm512_fmadd_ps(d, d, sum);
    }
    __mmask16 tail = tail_mask(n - i);
    __m512 d = _mm512_sub_ps(_mm512_maskz_loadu_ps(tail, x + i), s);
    return lane_sum(_mm512_mask3_fmadd_ps(d, d, sum, tail));
}

static float sum_row(const float *x, int64_t n)
{
    __m512 sum = _mm512_setzero_ps();
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        sum = _mm512_add_ps(sum, _mm512_loadu_ps(x + i));
    return lane_sum(_mm512_add_ps(sum, _mm512_maskz_loadu_ps(tail_mask(n - i), x + i)));
}

static void rms_norm(const float *x, const float *w, int64_t n, float eps, float *out)
{
    __m512 scale = _mm512_set1_ps(1.0f / sqrtf(sum_squares(x, 0, n) / (float)n + eps));
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 tail = tail_mask(n - i);
        __m512 y = _mm512_mul_ps(_mm512_maskz_loadu_ps(tail, x + i), scale);
        _mm512_mask_storeu_ps(out + i, tail, _mm512_mul_ps(y, _mm512_maskz_loadu_ps(tail, w + i)));
    }
}

static void layer_norm(const float *x, const float *w, const float *b, int64_t n, float eps, float *out)
{
    float mean = sum_row(x, n) / (float)n;
    __m512 scale = _mm512_set1_ps(1.0f / sqrtf(sum_squares(x, mean, n) / (float)n + eps));
    __m512 shift = _mm512_set1_ps(mean);
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 tail = tail_mask(n - i);
        __m512 y = _mm512_mul_ps(_mm512_sub_ps(_mm512_maskz_loadu_ps(tail, x + i), shift), scale);
        __m512 weight = _mm512_maskz_loadu_ps(tail, w + i);
        y = b ? _mm512_fmadd_ps(y, weight, _mm512_maskz_loadu_ps(tail, b + i)) : _mm512_mul_ps(y, weight);
        _mm512_mask_storeu_ps(out + i, tail, y);
    }
}

static inline __m512 silu_ps(__m512 a)
{
    __m512 e = exp_ps(_mm512_xor_ps(a, _mm512_set1_ps(-0.0f)));
    return _mm512_div_ps(a, _mm512_add_ps(_mm512_set1_ps(1.0f), e));
}

static inline __m512 gelu_ps(__m512 a)
{
    __m512 t = _mm512_mul_ps(_mm512_set1_ps(MICA_GELU_CUBIC), _mm512_mul_ps(a, a));
    t = _mm512_fmadd_ps(t, a, a);
    __m512 e = exp_ps(_mm512_mul_ps(t, _mm512_set1_ps(MICA_GELU_SCALE)));
    return _mm512_div_ps(a, _mm512_add_ps(_mm512_set1_ps(1.0f), e));
}

static inline __m512 gelu_erf_ps(__m512 a)
{
    __m512 e = erf_ps(_mm512_mul_ps(a, _mm512_set1_ps(MICA_SQRT_HALF)));
    return _mm512_mul_ps(_mm512_mul_ps(_mm512_set1_ps(0.5f), a), _mm512_add_ps(_mm512_set1_ps(1.0f), e));
}

#define BINARY_ROW(name, expression)                                                                         \
    static void name(const float *x, const float *y, int64_t n, float *out)                                  \
    {                                                                                                        \
        int64_t i = 0;                                                                                       \
        for (; i + 16 <= n; i += 16) {                                                                       \
            __m512 a = _mm512_loadu_ps(x + i), b = _mm512_loadu_ps(y + i);                                   \
            _mm512_storeu_ps(out + i, expression);                                                           \
        }                                                                                                    \
        __mmask16 tail = tail_mask(n - i);                                                                   \
        __m512 a = _mm512_maskz_loadu_ps(tail, x + i), b = _mm512_maskz_loadu_ps(tail, y + i);               \
        _mm512_mask_storeu_ps(out + i, tail, expression);                                                    \
    }
BINARY_ROW(add, _mm512_add_ps(a, b))
BINARY_ROW(mul, _mm512_mul_ps(a, b))
BINARY_ROW(silu_mul, _mm512_mul_ps(silu_ps(a), b))
BINARY_ROW(gelu_mul, _mm512_mul_ps(gelu_ps(a), b))

#define UNARY_ROW(declaration, expression)                                                                   \
    static void declaration                                                                                  \
    {                                                                                                        \
        int64_t i = 0;                                                                                       \
        for (; i + 16 <= n; i += 16) {                                                                       \
            __m512 a = _mm512_loadu_ps(x + i);                                                               \
            _mm512_storeu_ps(out + i, expression);                                                           \
        }                                                                                                    \
        __mmask16 tail = tail_mask(n - i);                                                                   \
        __m512 a = _mm512_maskz_loadu_ps(tail, x + i);                                                       \
        _mm512_mask_storeu_ps(out + i, tail, expression);                                                    \
    }
UNARY_ROW(silu(const float *x, int64_t n, float *out), silu_ps(a))
UNARY_ROW(gelu(const float *x, int64_t n, float *out), gelu_ps(a))
UNARY_ROW(gelu_erf(const float *x, int64_t n, float *out), gelu_erf_ps(a))
UNARY_ROW(exp_row(const float *x, int64_t n, float *out), exp_ps(a))
UNARY_ROW(scale_row(const float *x, float c, int64_t n, float *out), _mm512_mul_ps(a, _mm512_set1_ps(c)))
UNARY_ROW(divide_row(const float *x, float c, int64_t n, float *out), _mm512_div_ps(a, _mm512_set1_ps(c)))
UNARY_ROW(softcap(const float *x, float cap, int64_t n, float *out),
          _mm512_mul_ps(_mm512_set1_ps(cap), tanh_ps(_mm512_div_ps(a, _mm512_set1_ps(cap)))))

static float max_row(const float *x, int64_t n)
{
    /* max_ps gives its second operand when either is NaN */
    __m512 m0 = _mm512_set1_ps(-INFINITY), m1 = m0, m2 = m0, m3 = m0;
    int64_t i = 0;
    for (; i + 64 <= n; i += 64) {
        m0 = _mm512_max_ps(_mm512_loadu_ps(x + i), m0);
        m1 = _mm512_max_ps(_mm512_loadu_ps(x + i + 16), m1);
        m2 = _mm512_max_ps(_mm512_loadu_ps(x + i + 32), m2);
        m3 = _mm512_max_ps(_mm512_loadu_ps(x + i + 48), m3);
    }
    for (; i < n; i += 16) {
        __mmask16 tail = tail_mask(n - i);
        m0 = _mm512_mask_max_ps(m0, tail, _mm512_maskz_loadu_ps(tail, x + i), m0);
    }
    m0 = _mm512_max_ps(_mm512_max_ps(m0, m1), _mm512_max_ps(m2, m3));
    return _mm512_reduce_max_ps(m0) + 0.0f;
}

static float sum_exp(const float *x, float shift, int64_t n)
{
    __m512 sum = _mm512_setzero_ps(), s = _mm512_set1_ps(shift);
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        sum = _mm512_add_ps(sum, exp_ps(_mm512_sub_ps(_mm512_loadu_ps(x + i), s)));
    __mmask16 tail = tail_mask(n - i);
    __m512 e = exp_ps(_mm512_sub_ps(_mm512_maskz_loadu_ps(tail, x + i), s));
    return lane_sum(_mm512_mask_add_ps(sum, tail, sum, e));
}

static void softmax(const float *x, int64_t n, float *out)
{
    __m512 sum = _mm512_setzero_ps(), m = _mm512_set1_ps(max_row(x, n));
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 tail = tail_mask(n - i);
        __m512 e = exp_ps(_mm512_sub_ps(_mm512_maskz_loadu_ps(tail, x + i), m));
        sum = _mm512_mask_add_ps(sum, tail, sum, e);
        _mm512_mask_storeu_ps(out + i, tail, e);
    }
    divide_row(out, lane_sum(sum), n, out);
}

static void rope_neox(float *x, const float *cos_sin, int64_t half)
{
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    for (int64_t i = 0; i < half; i += 16) {
        int64_t left = half - i;
        __mmask16 tail = tail_mask(left);
        __m512 lo = _mm512_maskz_loadu_ps(tail_mask(2 * left), cos_sin + 2 * i);
        __m512 hi = _mm512_maskz_loadu_ps(left > 8 ? tail_mask(2 * left - 16) : 0, cos_sin + 2 * i + 16);
        __m512 c = _mm512_permutex2var_ps(lo, even, hi), s = _mm512_permutex2var_ps(lo, odd, hi);
        __m512 a = _mm512_maskz_loadu_ps(tail, x + i), b = _mm512_maskz_loadu_ps(tail, x + half + i);
        _mm512_mask_storeu_ps(x + i, tail, _mm512_fnmadd_ps(b, s, _mm512_mul_ps(a, c)));
        _mm512_mask_storeu_ps(x + half + i, tail, _mm512_fmadd_ps(a, s, _mm512_mul_ps(b, c)));
    }
}

static void rope(float *x, const float *cos_sin, int64_t half, bool neox)
{
    if (neox) {
        rope_neox(x, cos_sin, half);
        return;
    }
    for (int64_t i = 0; i < 2 * half; i += 16) {
        __mmask16 tail = tail_mask(2 * half - i);
        __m512 v = _mm512_maskz_loadu_ps(tail, x + i), t = _mm512_maskz_loadu_ps(tail, cos_sin + i);
        __m512 swapped = _mm512_permute_ps(v, 0xb1), s = _mm512_movehdup_ps(t);
        s = _mm512_mask_xor_ps(s, 0x5555, s, _mm512_set1_ps(-0.0f)); /* minus for the first of a pair */
        __m512 y = _mm512_fmadd_ps(swapped, s, _mm512_mul_ps(v, _mm512_moveldup_ps(t)));
        _mm512_mask_storeu_ps(x + i, tail, y);
    }
}

void mica_kern_init_avx512_rows(struct mica_kern *kern)
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
