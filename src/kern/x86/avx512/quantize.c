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
        __m256i q = _mm256_setr_m128i(_mm512_cvtepi32_epi8(q0), _mm512_cvtepi32_epi8(q1));
        _mm256_storeu_si256((__m256i *)out->q, q);
        /* Each half's sum, in every lane of its half. */
        __m256i sums = _mm256_dpbusd_epi32(_mm256_setzero_si256(), _mm256_set1_epi8(1), q);
        sums = _mm256_add_epi32(sums, _mm256_shuffle_epi32(sums, 0x4e));
        sums = _mm256_add_epi32(sums, _mm256_shuffle_epi32(sums, 0xb1));
        __m128i sum0 = _mm256_castsi256_si128(sums), sum1 = _mm256_extracti128_si256(sums, 1);
        out->d = amax / 127.0f;
        out->s = out->d * (float)_mm_cvtsi128_si32(_mm_add_epi32(sum0, sum1));
        _mm_storel_epi64((__m128i *)out->neg_sum,
                         _mm_sub_epi32(_mm_setzero_si128(), _mm_unpacklo_epi32(sum0, sum1)));
    }
}

void mica_kern_init_avx512_quantize(struct mica_kern *kern)
{
    kern->quantize = quantize;
}
