/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The f32 functions of math_poly.h on 16 lanes. */
#ifndef MICA_X86_AVX512_MATH_H
#define MICA_X86_AVX512_MATH_H

#include "kern/math_poly.h"
#include <immintrin.h>
#include <stdint.h>

static inline __m512 exp_ps(__m512 x)
{
    const __m512 shift = _mm512_set1_ps(MICA_EXP_SHIFT), one = _mm512_set1_ps(1.0f);
    __m512 t = _mm512_fmadd_ps(x, _mm512_set1_ps(MICA_EXP_LOG2E), shift), n = _mm512_sub_ps(t, shift);
    __m512 r = _mm512_fmadd_ps(n, _mm512_set1_ps(-MICA_EXP_LN2HI), x);
    r = _mm512_fmadd_ps(n, _mm512_set1_ps(-MICA_EXP_LN2LO), r);
    __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(MICA_EXP_E6), r, _mm512_set1_ps(MICA_EXP_E5));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(MICA_EXP_E4));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(MICA_EXP_E3));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(MICA_EXP_E2));
    p = _mm512_fmadd_ps(p, r, one);
    p = _mm512_fmadd_ps(p, r, one);
    __m512i y = _mm512_add_epi32(_mm512_castps_si512(p), _mm512_slli_epi32(_mm512_castps_si512(t), 23));
    __mmask16 high = _mm512_cmp_ps_mask(x, _mm512_set1_ps(MICA_EXP_MAX), _CMP_NLE_UQ);
    __mmask16 low = _mm512_cmp_ps_mask(x, _mm512_set1_ps(MICA_EXP_MIN), _CMP_LT_OQ);
    __m512 e = _mm512_mask_add_ps(_mm512_castsi512_ps(y), high, x, _mm512_set1_ps(__builtin_inff()));
    return _mm512_mask_mov_ps(e, low, _mm512_setzero_ps());
}

static inline __m512 abs_ps(__m512 x)
{
    return _mm512_abs_ps(x);
}

/* y with the sign bit of x set too */
static inline __m512 with_sign(__m512 y, __m512 x)
{
    return _mm512_or_ps(y, _mm512_and_ps(x, _mm512_set1_ps(-0.0f)));
}

static inline __m512 tanh_ps(__m512 x)
{
    const __m512 one = _mm512_set1_ps(1.0f), two = _mm512_set1_ps(2.0f);
    __m512 a = abs_ps(x), z = _mm512_mul_ps(x, x);
    __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(MICA_TANH_T6), z, _mm512_set1_ps(MICA_TANH_T5));
    p = _mm512_fmadd_ps(p, z, _mm512_set1_ps(MICA_TANH_T4));
    p = _mm512_fmadd_ps(p, z, _mm512_set1_ps(MICA_TANH_T3));
    p = _mm512_fmadd_ps(p, z, _mm512_set1_ps(MICA_TANH_T2));
    p = _mm512_fmadd_ps(p, z, _mm512_set1_ps(MICA_TANH_T1));
    __m512 small = _mm512_fmadd_ps(_mm512_mul_ps(a, z), p, a);
    __m512 e = exp_ps(_mm512_add_ps(a, a));
    __m512 large = _mm512_sub_ps(one, _mm512_div_ps(two, _mm512_add_ps(e, one)));
    __mmask16 is_small = _mm512_cmp_ps_mask(a, _mm512_set1_ps(MICA_TANH_SMALL), _CMP_LT_OQ);
    return with_sign(_mm512_mask_mov_ps(large, is_small, small), x);
}

static inline __m512 erf_ps(__m512 x)
{
    const __m512 one = _mm512_set1_ps(1.0f), four = _mm512_set1_ps(4.0f);
    __m512 a = abs_ps(x), z = _mm512_mul_ps(x, x);
    __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(MICA_ERF_F7), z, _mm512_set1_ps(MICA_ERF_F6));
    p = _mm512_fmadd_ps(p, z, _mm512_set1_ps(MICA_ERF_F5));
    p = _mm512_fmadd_ps(p, z, _mm512_set1_ps(MICA_ERF_F4));
    p = _mm512_fmadd_ps(p, z, _mm512_set1_ps(MICA_ERF_F3));
    p = _mm512_fmadd_ps(p, z, _mm512_set1_ps(MICA_ERF_F2));
    p = _mm512_fmadd_ps(p, z, _mm512_set1_ps(MICA_ERF_F1));
    p = _mm512_fmadd_ps(p, z, _mm512_set1_ps(MICA_ERF_F0));
    __m512 small = _mm512_fmadd_ps(a, p, a);
    __m512 t = _mm512_mask_mov_ps(four, _mm512_cmp_ps_mask(a, four, _CMP_LT_OQ), a);
    __m512 g = _mm512_fmadd_ps(_mm512_set1_ps(MICA_ERF_G9), t, _mm512_set1_ps(MICA_ERF_G8));
    g = _mm512_fmadd_ps(g, t, _mm512_set1_ps(MICA_ERF_G7));
    g = _mm512_fmadd_ps(g, t, _mm512_set1_ps(MICA_ERF_G6));
    g = _mm512_fmadd_ps(g, t, _mm512_set1_ps(MICA_ERF_G5));
    g = _mm512_fmadd_ps(g, t, _mm512_set1_ps(MICA_ERF_G4));
    g = _mm512_fmadd_ps(g, t, _mm512_set1_ps(MICA_ERF_G3));
    g = _mm512_fmadd_ps(g, t, _mm512_set1_ps(MICA_ERF_G2));
    g = _mm512_fmadd_ps(g, t, _mm512_set1_ps(MICA_ERF_G1));
    g = _mm512_fmadd_ps(g, t, _mm512_set1_ps(MICA_ERF_G0));
    g = _mm512_xor_ps(g, _mm512_set1_ps(-0.0f));
    __m512 large = _mm512_sub_ps(one, exp_ps(g));
    large = _mm512_mask_mov_ps(large, _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), a);
    return with_sign(_mm512_mask_mov_ps(large, _mm512_cmp_ps_mask(a, one, _CMP_LT_OQ), small), x);
}

/* The lanes meet in the fixed tree of kern.h. */
static inline float lane_sum(__m512 x)
{
    __m256 a = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}

/* The lanes below n, n ≥ 0. */
static inline __mmask16 tail_mask(int64_t n)
{
    return n >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << n) - 1);
}

#endif
