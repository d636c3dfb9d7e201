/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Quantisation of activations with AVX2. */
#include "kern/init.h"

#include <float.h>
#include <immintrin.h>

/* 8 numbers → whole numbers in −127 … 127; what is not a number becomes 0 (see the reference). */
static inline __m256i rounded(__m256 x, __m256 inv)
{
    __m256 v = _mm256_mul_ps(x, inv), size = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v);
    __m256 ok = _mm256_cmp_ps(size, _mm256_set1_ps(127.5f), _CMP_LT_OQ);
    return _mm256_and_si256(_mm256_cvtps_epi32(v), _mm256_castps_si256(ok));
}

static inline __m128i fold(__m256i v)
{
    return _mm_max_epu32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
}

static inline int sum_lanes(__m256i v)
{
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

static void quantize(const float *x, int64_t k, struct mica_act_block *out)
{
    const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
    for (int64_t b = 0; b < k / MICA_ACT_BLOCK; b++, x += MICA_ACT_BLOCK, out++) {
        __m256 v[4];
        __m256i bits = _mm256_setzero_si256(), q[4];
        for (int i = 0; i < 4; i++) { /* the bits of |x| order as integers, NaN on top */
            v[i] = _mm256_loadu_ps(x + 8 * i);
            bits = _mm256_max_epu32(bits, _mm256_and_si256(_mm256_castps_si256(v[i]), magnitude));
        }
        __m128i max = fold(bits);
        max = _mm_max_epu32(max, _mm_shuffle_epi32(max, 0x4e));
        max = _mm_max_epu32(max, _mm_shuffle_epi32(max, 0xb1));
        float amax = _mm_cvtss_f32(_mm_castsi128_ps(max)), inv = 127.0f / amax;
        inv = inv <= FLT_MAX ? inv : 0;
        for (int i = 0; i < 4; i++)
            q[i] = rounded(v[i], _mm256_set1_ps(inv));
        int sum0 = sum_lanes(_mm256_add_epi32(q[0], q[1])), sum1 = sum_lanes(_mm256_add_epi32(q[2], q[3]));
        __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3]));
        bytes = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
        _mm256_storeu_si256((__m256i *)out->q, bytes);
        out->d = amax / 127.0f;
        out->s = out->d * (float)(sum0 + sum1);
        out->neg_sum[0] = -sum0;
        out->neg_sum[1] = -sum1;
    }
}

void mica_kern_init_avx2_quantize(struct mica_kern *kern)
{
    kern->quantize = quantize;
}
