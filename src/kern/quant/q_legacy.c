/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The blocks of 32: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0. In a file:
 *   Q4_0: f16 d, u8 qs[16]                 low nibbles are columns 0..15, high nibbles 16..31; value = d (q −
 * 8) Q4_1: f16 d, f16 m, u8 qs[16]          value = d q + m Q5_0: f16 d, u32 qh, u8 qs[16]         bit c of
 * qh is bit 4 of column c; value = d (q − 16) Q5_1: f16 d, f16 m, u32 qh, u8 qs[16]  value = d q + m Q8_0:
 * f16 d, s8 qs[32]                 value = q d */
#include "kern/quant/encode.h"

MICA_INLINE void nibble_words(const uint8_t *qs, uint32_t *words)
{
    memcpy(words, qs, 16);
}

/* Bit 4j + i of x becomes bit 8i + j: each line swaps two bits of all the bit numbers. */
MICA_INLINE uint32_t bit_word(uint32_t x)
{
    uint32_t t;
    t = (x ^ x >> 3) & 0x0a0a0a0a, x ^= t ^ t << 3;   /* 0 and 2 */
    t = (x ^ x >> 6) & 0x00cc00cc, x ^= t ^ t << 6;   /* 1 and 3 */
    t = (x ^ x >> 12) & 0x0000f0f0, x ^= t ^ t << 12; /* 2 and 4 */
    t = (x ^ x >> 8) & 0x0000ff00, x ^= t ^ t << 8;   /* 3 and 4 */
    return x;
}

static void words_q4_0(const uint8_t *block, int sub, uint32_t *words)
{
    nibble_words(block + 2, words);
}

static void words_q4_1(const uint8_t *block, int sub, uint32_t *words)
{
    nibble_words(block + 4, words);
}

static void words_q5_0(const uint8_t *block, int sub, uint32_t *words)
{
    nibble_words(block + 6, words);
    words[4] = bit_word(mica_load32(block + 2));
}

static void words_q5_1(const uint8_t *block, int sub, uint32_t *words)
{
    nibble_words(block + 8, words);
    words[4] = bit_word(mica_load32(block + 4));
}

static void words_q8_0(const uint8_t *block, int sub, uint32_t *words)
{
    for (int j = 0; j < 8; j++)
        words[j] = mica_load32(block + 2 + 4 * j) ^ 0x80808080; /* + 128 in each byte */
}

static void scales_d(const uint8_t *block, struct mica_scales *out)
{
    out->h[0] = mica_load16(block);
}

static void scales_d_m(const uint8_t *block, struct mica_scales *out)
{
    out->h[0] = mica_load16(block);
    out->h[1] = mica_load16(block + 2);
}

MICA_INLINE void values_around(const struct mica_scales *scales, int zero, const uint8_t *codes, float *out)
{
    float d = mica_f16_value(scales->h[0]);
    for (int i = 0; i < 32; i++)
        out[i] = d * (float)(codes[i] - zero);
}

static void values_q4_0(const struct mica_scales *scales, int sub, const uint8_t *codes, float *out)
{
    values_around(scales, 8, codes, out);
}

static void values_q5_0(const struct mica_scales *scales, int sub, const uint8_t *codes, float *out)
{
    values_around(scales, 16, codes, out);
}

static void values_q8_0(const struct mica_scales *scales, int sub, const uint8_t *codes, float *out)
{
    values_around(scales, 128, codes, out);
}

static void values_d_m(const struct mica_scales *scales, int sub, const uint8_t *codes, float *out)
{
    float d = mica_f16_value(scales->h[0]), m = mica_f16_value(scales->h[1]);
    for (int i = 0; i < 32; i++)
        out[i] = d * (float)codes[i] + m;
}

static const struct mica_form form_q4_0 = {32, 18, 4, 0, 1, 0, words_q4_0, scales_d, values_q4_0};
static const struct mica_form form_q4_1 = {32, 20, 4, 0, 2, 0, words_q4_1, scales_d_m, values_d_m};
static const struct mica_form form_q5_0 = {32, 22, 4, 1, 1, 0, words_q5_0, scales_d, values_q5_0};
static const struct mica_form form_q5_1 = {32, 24, 4, 1, 2, 0, words_q5_1, scales_d_m, values_d_m};
static const struct mica_form form_q8_0 = {32, 34, 8, 0, 1, 0, words_q8_0, scales_d, values_q8_0};
MICA_FORM_FUNCTIONS(q4_0);
MICA_FORM_FUNCTIONS(q4_1);
MICA_FORM_FUNCTIONS(q5_0);
MICA_FORM_FUNCTIONS(q5_1);
MICA_FORM_FUNCTIONS(q8_0);

/* The element of largest magnitude; the first of equals, and the first NaN before all numbers. */
static float extreme(const float *x)
{
    float best = x[0];
    for (int i = 1; i < 32 && best == best; i++)
        if (x[i] != x[i] || __builtin_fabsf(x[i]) > __builtin_fabsf(best))
            best = x[i];
    return best;
}

/* The smallest and the largest element; NaN when there is one. */
static void range(const float *x, float *min, float *max)
{
    *min = *max = x[0];
    for (int i = 1; i < 32; i++) {
        *min = x[i] < *min || x[i] != x[i] ? x[i] : *min;
        *max = x[i] > *max || x[i] != x[i] ? x[i] : *max;
    }
}

static void store_nibbles(const uint8_t *q, uint8_t *qs)
{
    for (int i = 0; i < 16; i++)
        qs[i] = (uint8_t)((q[i] & 15) | q[16 + i] << 4);
}

static void store_fifth_bits(const uint8_t *q, uint8_t *qh)
{
    uint32_t bits = 0;
    for (int i = 0; i < 32; i++)
        bits |= (uint32_t)(q[i] >> 4 & 1) << i;
    memcpy(qh, &bits, sizeof bits);
}

MICA_INLINE uint8_t clip(uint8_t q, uint8_t top)
{
    return q < top ? q : top;
}

/* q[32] around a zero point, the extreme element at code 0; returns d. */
static float quantize_around(const float *x, int zero, uint8_t *q)
{
    float d = extreme(x) / (float)-zero, inverse = mica_inverse(d);
    for (int i = 0; i < 32; i++)
        q[i] = clip(mica_low_byte(x[i] * inverse + ((float)zero + 0.5f)), (uint8_t)(2 * zero - 1));
    return d;
}

/* q[32] from 0 for the smallest element to top for the largest. */
static void quantize_range(const float *x, int top, uint8_t *q, float *d, float *m)
{
    float max;
    range(x, m, &max);
    *d = (max - *m) / (float)top;
    float inverse = mica_inverse(*d);
    for (int i = 0; i < 32; i++)
        q[i] = clip(mica_low_byte((x[i] - *m) * inverse + 0.5f), (uint8_t)top);
}

void mica_encode_q4_0(const float *x, int64_t n, uint8_t *blocks)
{
    uint8_t q[32];
    for (int64_t k = 0; k < n; k += 32, blocks += 18) {
        mica_store_f16(quantize_around(x + k, 8, q), blocks);
        store_nibbles(q, blocks + 2);
    }
}

void mica_encode_q4_1(const float *x, int64_t n, uint8_t *blocks)
{
    uint8_t q[32];
    float d, m;
    for (int64_t k = 0; k < n; k += 32, blocks += 20) {
        quantize_range(x + k, 15, q, &d, &m);
        mica_store_f16(d, blocks);
        mica_store_f16(m, blocks + 2);
        store_nibbles(q, blocks + 4);
    }
}

void mica_encode_q5_0(const float *x, int64_t n, uint8_t *blocks)
{
    uint8_t q[32];
    for (int64_t k = 0; k < n; k += 32, blocks += 22) {
        mica_store_f16(quantize_around(x + k, 16, q), blocks);
        store_fifth_bits(q, blocks + 2);
        store_nibbles(q, blocks + 6);
    }
}

void mica_encode_q5_1(const float *x, int64_t n, uint8_t *blocks)
{
    uint8_t q[32];
    float d, m;
    for (int64_t k = 0; k < n; k += 32, blocks += 24) {
        quantize_range(x + k, 31, q, &d, &m);
        mica_store_f16(d, blocks);
        mica_store_f16(m, blocks + 2);
        store_fifth_bits(q, blocks + 4);
        store_nibbles(q, blocks + 8);
    }
}

/* Halves away from zero, from floors, so that the last bit of 0.49999997 is treated as gguf treats it. */
static float round_away(float x)
{
    float a = __builtin_fabsf(x), floored = __builtin_floorf(a);
    float rounded = floored + __builtin_floorf(2 * (a - floored));
    return x < 0 ? -rounded : rounded;
}

void mica_encode_q8_0(const float *x, int64_t n, uint8_t *blocks)
{
    for (int64_t k = 0; k < n; k += 32, blocks += 34) {
        float d = __builtin_fabsf(extreme(x + k)) / 127, inverse = mica_inverse(d);
        mica_store_f16(d, blocks);
        for (int i = 0; i < 32; i++)
            blocks[2 + i] = mica_low_byte(round_away(x[k + i] * inverse));
    }
}
