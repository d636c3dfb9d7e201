/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The K types, blocks of 256. In a file (b = 0..7 is a run of 32 columns, g = 0..15 a run of 16):
 *   Q2_K: u8 scales[16] (scale | min << 4), u8 qs[64], f16 d, f16 dmin    value = (d scale) q − dmin min
 *   Q3_K: u8 hmask[32], u8 qs[64], u8 scales[12], f16 d                   value = (d (scale − 32)) (q − 4)
 *   Q4_K: f16 d, f16 dmin, u8 scales[12], u8 qs[128]                      value = (d scale) q − dmin min
 *   Q5_K: f16 d, f16 dmin, u8 scales[12], u8 qh[32], u8 qs[128]           the same, q of 5 bits
 *   Q6_K: u8 ql[128], u8 qh[64], s8 scales[16], f16 d                     value = (d scale) (q − 32)
 * A run b takes its bits from 32 bytes that it shares with other runs, at its own shift:
 *   4 bits of Q4_K, Q5_K: bytes 32 (b / 2), shift 4 (b mod 2)
 *   4 bits of Q6_K:       bytes 64 (b / 4) + 32 (b mod 2), shift 4 (b / 2 mod 2)
 *   2 bits (qs of Q2_K and Q3_K, qh of Q6_K): bytes 32 (b / 4), shift 2 (b mod 4)
 *   1 bit (hmask, qh of Q5_K): the same 32 bytes for all, shift b */
#include "kern/quant/form.h"

/* Gathers width bits at shift from each of 32 bytes: 4 / 2 / 1 words hold 8 bits of a column group each. */
MICA_INLINE void nibble_words(const uint8_t *bytes, int shift, uint32_t *words)
{
    for (int j = 0; j < 4; j++) {
        uint32_t low = mica_load32(bytes + 4 * j) >> shift & 0x0f0f0f0f;
        words[j] = low | (mica_load32(bytes + 16 + 4 * j) >> shift & 0x0f0f0f0f) << 4;
    }
}

MICA_INLINE void two_bit_words(const uint8_t *bytes, int shift, uint32_t *words)
{
    for (int h = 0; h < 2; h++) {
        words[h] = 0;
        for (int p = 0; p < 4; p++)
            words[h] |= (mica_load32(bytes + 16 * h + 4 * p) >> shift & 0x03030303) << 2 * p;
    }
}

MICA_INLINE uint32_t bit_word(const uint8_t *bytes, int shift)
{
    uint32_t word = 0;
    for (int j = 0; j < 8; j++)
        word |= (mica_load32(bytes + 4 * j) >> shift & 0x01010101) << j;
    return word;
}

static void words_q2_k(const uint8_t *block, int sub, uint32_t *words)
{
    two_bit_words(block + 16 + 32 * (sub >> 2), 2 * (sub & 3), words);
}

static void words_q3_k(const uint8_t *block, int sub, uint32_t *words)
{
    two_bit_words(block + 32 + 32 * (sub >> 2), 2 * (sub & 3), words);
    words[2] = bit_word(block, sub);
}

static void words_q4_k(const uint8_t *block, int sub, uint32_t *words)
{
    nibble_words(block + 16 + 32 * (sub >> 1), 4 * (sub & 1), words);
}

static void words_q5_k(const uint8_t *block, int sub, uint32_t *words)
{
    nibble_words(block + 48 + 32 * (sub >> 1), 4 * (sub & 1), words);
    words[4] = bit_word(block + 16, sub);
}

static void words_q6_k(const uint8_t *block, int sub, uint32_t *words)
{
    nibble_words(block + 64 * (sub >> 2) + 32 * (sub & 1), 4 * (sub >> 1 & 1), words);
    two_bit_words(block + 128 + 32 * (sub >> 2), 2 * (sub & 3), words + 4);
}

static void scales_q2_k(const uint8_t *block, struct mica_scales *out)
{
    out->h[0] = mica_load16(block + 80);
    out->h[1] = mica_load16(block + 82);
    memcpy(out->b, block, 16);
}

/* 6-bit scales: low four bits in bytes 0..7 (low nibbles 0..7, high nibbles 8..15), high two bits of scale g
 * in byte 8 + g mod 4 at 2 (g / 4). */
static void scales_q3_k(const uint8_t *block, struct mica_scales *out)
{
    uint32_t low0 = mica_load32(block + 96), low1 = mica_load32(block + 100), high = mica_load32(block + 104);
    uint32_t s[4] = {low0 & 0x0f0f0f0f, low1 & 0x0f0f0f0f, low0 >> 4 & 0x0f0f0f0f, low1 >> 4 & 0x0f0f0f0f};
    for (int i = 0; i < 4; i++)
        s[i] |= (high >> 2 * i & 0x03030303) << 4;
    out->h[0] = mica_load16(block + 108);
    memcpy(out->b, s, sizeof s);
    for (int g = 0; g < 16; g++)
        out->b[g] = (uint8_t)(out->b[g] - 32);
}

/* 6-bit scales and minimums of eight runs in 12 bytes: those of runs 0..3 are the low six bits of bytes 0..3
 * and 4..7; those of runs 4..7 have their low four bits in the nibbles of bytes 8..11 and their high two bits
 * on top of bytes 0..7. */
static void scales_q4_k(const uint8_t *block, struct mica_scales *out)
{
    uint32_t d = mica_load32(block + 4), m = mica_load32(block + 8), both = mica_load32(block + 12);
    uint32_t words[4] = {d & 0x3f3f3f3f, (both & 0x0f0f0f0f) | (d >> 2 & 0x30303030), m & 0x3f3f3f3f,
                         (both >> 4 & 0x0f0f0f0f) | (m >> 2 & 0x30303030)};
    uint8_t s[16];
    memcpy(s, words, sizeof s);
    out->h[0] = mica_load16(block);
    out->h[1] = mica_load16(block + 2);
    for (int b = 0; b < 8; b++) {
        out->b[2 * b] = s[b];
        out->b[2 * b + 1] = s[8 + b];
    }
}

static void scales_q6_k(const uint8_t *block, struct mica_scales *out)
{
    out->h[0] = mica_load16(block + 208);
    memcpy(out->b, block + 192, 16);
}

static void values_q2_k(const struct mica_scales *scales, int sub, const uint8_t *codes, float *out)
{
    float d = mica_f16_value(scales->h[0]), dmin = mica_f16_value(scales->h[1]);
    for (int half = 0; half < 2; half++) {
        uint8_t b = scales->b[2 * sub + half];
        float scale = d * (float)(b & 15), min = dmin * (float)(b >> 4);
        for (int i = 16 * half; i < 16 * half + 16; i++)
            out[i] = scale * (float)codes[i] - min;
    }
}

MICA_INLINE void values_around(const struct mica_scales *scales, int sub, int zero, const uint8_t *codes,
                               float *out)
{
    float d = mica_f16_value(scales->h[0]);
    for (int half = 0; half < 2; half++) {
        float scale = d * (float)(int8_t)scales->b[2 * sub + half];
        for (int i = 16 * half; i < 16 * half + 16; i++)
            out[i] = scale * (float)(codes[i] - zero);
    }
}

static void values_q3_k(const struct mica_scales *scales, int sub, const uint8_t *codes, float *out)
{
    values_around(scales, sub, 4, codes, out);
}

static void values_q6_k(const struct mica_scales *scales, int sub, const uint8_t *codes, float *out)
{
    values_around(scales, sub, 32, codes, out);
}

static void values_q4_k(const struct mica_scales *scales, int sub, const uint8_t *codes, float *out)
{
    float scale = mica_f16_value(scales->h[0]) * (float)scales->b[2 * sub];
    float min = mica_f16_value(scales->h[1]) * (float)scales->b[2 * sub + 1];
    for (int i = 0; i < 32; i++)
        out[i] = scale * (float)codes[i] - min;
}

static const struct mica_form form_q2_k = {256, 84, 2, 0, 2, 16, words_q2_k, scales_q2_k, values_q2_k};
static const struct mica_form form_q3_k = {256, 110, 2, 1, 1, 16, words_q3_k, scales_q3_k, values_q3_k};
static const struct mica_form form_q4_k = {256, 144, 4, 0, 2, 16, words_q4_k, scales_q4_k, values_q4_k};
static const struct mica_form form_q5_k = {256, 176, 4, 1, 2, 16, words_q5_k, scales_q4_k, values_q4_k};
static const struct mica_form form_q6_k = {256, 210, 4, 2, 1, 16, words_q6_k, scales_q6_k, values_q6_k};
MICA_FORM_FUNCTIONS(q2_k);
MICA_FORM_FUNCTIONS(q3_k);
MICA_FORM_FUNCTIONS(q4_k);
MICA_FORM_FUNCTIONS(q5_k);
MICA_FORM_FUNCTIONS(q6_k);
