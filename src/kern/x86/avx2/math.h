/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The f32 functions of math_poly.h on 8 lanes. */
#ifndef MICA_X86_AVX2_MATH_H
#define MICA_X86_AVX2_MATH_H

#include "kern/math_poly.h"
#include <immintrin.h>
#include <stdint.h>

#define SPLAT(c) _mm256_set1_ps(c)

static inline __m256 exp_ps(__m256 x)
{
    const __m256 shift = SPLAT(MICA_EXP_SHIFT), one = SPLAT(1.0f);
    __m256 t = _mm256_fmadd_ps(x, SPLAT(MICA_EXP_LOG2E), shift), n = _mm256_sub_ps(t, shift);
    __m256 r = _mm256_fmadd_ps(n, SPLAT(-MICA_EXP_LN2HI), x);
    r = _mm256_fmadd_ps(n, SPLAT(-MICA_EXP_LN2LO), r);
    __m256 p = _mm256_fmadd_ps(SPLAT(MICA_EXP_E6), r, SPLAT(MICA_EXP_E5));
    p = _mm256_fmadd_ps(p, r, SPLAT(MICA_EXP_E4));
    p = _mm256_fmadd_ps(p, r, SPLAT(MICA_EXP_E3));
    p = _mm256_fmadd_ps(p, r, SPLAT(MICA_EXP_E2));
    p = _mm256_fmadd_ps(p, r, one);
    p = _mm256_fmadd_ps(p, r, one);
    __m256i y = _mm256_add_epi32(_mm256_castps_si256(p), _mm256_slli_epi32(_mm256_castps_si256(t), 23));
    __m256 high = _mm256_cmp_ps(x, SPLAT(MICA_EXP_MAX), _CMP_NLE_UQ);
    __m256 low = _mm256_cmp_ps(x, SPLAT(MICA_EXP_MIN), _CMP_LT_OQ);
    __m256 over = _mm256_add_ps(x, SPLAT(__builtin_inff()));
    return _mm256_andnot_ps(low, _mm256_blendv_ps(_mm256_castsi256_ps(y), over, high));
}

static inline __m256 abs_ps(__m256 x)
{
    return _mm256_andnot_ps(SPLAT(-0.0f), x);
}

/* y with the sign bit of x set too */
static inline __m256 with_sign(__m256 y, __m256 x)
{
    return _mm256_or_ps(y, _mm256_and_ps(x, SPLAT(-0.0f)));
}

static inline __m256 tanh_ps(__m256 x)
{
    const __m256 one = SPLAT(1.0f), two = SPLAT(2.0f);
    __m256 a = abs_ps(x), z = _mm256_mul_ps(x, x);
    __m256 p = _mm256_fmadd_ps(SPLAT(MICA_TANH_T6), z, SPLAT(MICA_TANH_T5));
    p = _mm256_fmadd_ps(p, z, SPLAT(MICA_TANH_T4));
    p = _mm256_fmadd_ps(p, z, SPLAT(MICA_TANH_T3));
    p = _mm256_fmadd_ps(p, z, SPLAT(MICA_TANH_T2));
    p = _mm256_fmadd_ps(p, z, SPLAT(MICA_TANH_T1));
    __m256 small = _mm256_fmadd_ps(_mm256_mul_ps(a, z), p, a);
    __m256 e = exp_ps(_mm256_add_ps(a, a));
    __m256 large = _mm256_sub_ps(one, _mm256_div_ps(two, _mm256_add_ps(e, one)));
    __m256 is_small = _mm256_cmp_ps(a, SPLAT(MICA_TANH_SMALL), _CMP_LT_OQ);
    return with_sign(_mm256_blendv_ps(large, small, is_small), x);
}

static inline __m256 erf_ps(__m256 x)
{
    const __m256 one = SPLAT(1.0f), four = SPLAT(4.0f);
    __m256 a = abs_ps(x), z = _mm256_mul_ps(x, x);
    __m256 p = _mm256_fmadd_ps(SPLAT(MICA_ERF_F7), z, SPLAT(MICA_ERF_F6));
    p = _mm256_fmadd_ps(p, z, SPLAT(MICA_ERF_F5));
    p = _mm256_fmadd_ps(p, z, SPLAT(MICA_ERF_F4));
    p = _mm256_fmadd_ps(p, z, SPLAT(MICA_ERF_F3));
    p = _mm256_fmadd_ps(p, z, SPLAT(MICA_ERF_F2));
    p = _mm256_fmadd_ps(p, z, SPLAT(MICA_ERF_F1));
    p = _mm256_fmadd_ps(p, z, SPLAT(MICA_ERF_F0));
    __m256 small = _mm256_fmadd_ps(a, p, a);
    __m256 t = _mm256_blendv_ps(four, a, _mm256_cmp_ps(a, four, _CMP_LT_OQ));
    __m256 g = _mm256_fmadd_ps(SPLAT(MICA_ERF_G9), t, SPLAT(MICA_ERF_G8));
    g = _mm256_fmadd_ps(g, t, SPLAT(MICA_ERF_G7));
    g = _mm256_fmadd_ps(g, t, SPLAT(MICA_ERF_G6));
    g = _mm256_fmadd_ps(g, t, SPLAT(MICA_ERF_G5));
    g = _mm256_fmadd_ps(g, t, SPLAT(MICA_ERF_G4));
    g = _mm256_fmadd_ps(g, t, SPLAT(MICA_ERF_G3));
    g = _mm256_fmadd_ps(g, t, SPLAT(MICA_ERF_G2));
    g = _mm256_fmadd_ps(g, t, SPLAT(MICA_ERF_G1));
    g = _mm256_fmadd_ps(g, t, SPLAT(MICA_ERF_G0));
    __m256 large = _mm256_sub_ps(one, exp_ps(_mm256_xor_ps(g, SPLAT(-0.0f))));
    large = _mm256_blendv_ps(large, a, _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
    return with_sign(_mm256_blendv_ps(large, small, _mm256_cmp_ps(a, one, _CMP_LT_OQ)), x);
}

/* Lanes 0 … 7 and 8 … 15 meet in the fixed tree of kern.h. */
static inline float lane_sum(__m256 low, __m256 high)
{
    __m256 a = _mm256_add_ps(low, high);
    __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}

static inline float lane_max(__m256 a)
{
    __m128 b = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_max_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_max_ss(b, _mm_movehdup_ps(b)));
}

/* All bits set in the lanes below n; none when n ≤ 0. */
static inline __m256i tail_mask(int64_t n)
{
    n = n < 0 ? 0 : n > 8 ? 8 : n;
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

#endif
