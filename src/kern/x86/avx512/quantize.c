/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Quantisation of activations with AVX-512. */
#include "kern/init.h"

#include <float.h>
#include <immintrin.h>

/* 16 numbers → whole numbers in −127 … 127; what is not a number becomes 0 (see the reference). */
static inline __m512i rounded(__m512 x, __m512 inv)
{
    __m512 v = _mm512_mul_ps(x, inv);
    __mmask16 ok = _mm512_cmp_ps_mask(_mm512_abs_ps(v), _mm512_set1_ps(127.5f), _CMP_LT_OQ);
    return _mm512_maskz_cvtps_epi32(ok, v);
}

static void quantize(const float *x, int64_t k, struct mica_act_block *out)
{
    const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
    for (int64_t b = 0; b < k / MICA_ACT_BLOCK; b++, x += MICA_ACT_BLOCK, out++) {
        __m512 x0 = _mm512_loadu_ps(x), x1 = _mm512_loadu_ps(x + 16);
        /* The bits of |x| order as integers, NaN on top. */
        __m512i bits = _mm512_max_epu32(_mm512_and_si512(_mm512_castps_si512(x0), magnitude),
                                        _mm512_and_si512(_mm512_castps_si512(x1), magnitude));
        float amax = _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128((int)_mm512_reduce_max_epu32(bits))));
        float inv = 127.0f / amax;
        inv = inv <= FLT_MAX ? inv : 0;
        __m512i q0 = rounded(x0, _mm512_set1_ps(inv)), q1 = rounded(x1, _mm512_set1_ps(inv));
        int sum0 = _mm512_reduce_add_epi32(q0), sum1 = _mm512_reduce_add_epi32(q1);
        _mm_storeu_si128((__m128i *)out->q, _mm512_cvtepi32_epi8(q0));
        _mm_storeu_si128((__m128i *)(out->q + 16), _mm512_cvtepi32_epi8(q1));
        out->d = amax / 127.0f;
        out->s = out->d * (float)(sum0 + sum1);
        out->neg_sum[0] = -sum0;
        out->neg_sum[1] = -sum1;
    }
}

void mica_kern_init_avx512_quantize(struct mica_kern *kern)
{
    kern->quantize = quantize;
}
