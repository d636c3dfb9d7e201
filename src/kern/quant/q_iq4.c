/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The 4-bit types with a table of values. In a file (low nibbles of 16 bytes are columns 0..15, high 16..31):
 *   IQ4_NL: f16 d, u8 qs[16]                                       blocks of 32, value = d table[q]
 *   IQ4_XS: f16 d, u16 scales_h, u8 scales_l[4], u8 qs[8][16]      blocks of 256, value = (d (scale − 32))
 * table[q]; scale b: low four bits in nibble b of scales_l, high two bits at 2b of scales_h MXFP4:  u8 e, u8
 * qs[16]                                        blocks of 32, value = 2^(e − 128) table[q] */
#include "kern/quant/encode.h"

static const int8_t iq4_table[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                     1,    13,   25,  38,  53,  69,  89,  113};
/* Twice the values of the 4-bit float e2m1, so that they are whole; hence e − 128 and not e − 127. */
static const int8_t mxfp4_table[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

static void words_iq4_nl(const uint8_t *block, int sub, uint32_t *words)
{
    memcpy(words, block + 2, 16);
}

static void words_iq4_xs(const uint8_t *block, int sub, uint32_t *words)
{
    memcpy(words, block + 8 + 16 * sub, 16);
}

static void words_mxfp4(const uint8_t *block, int sub, uint32_t *words)
{
    memcpy(words, block + 1, 16);
}

static void scales_iq4_nl(const uint8_t *block, struct mica_scales *out)
{
    out->h[0] = mica_load16(block);
}

static void scales_iq4_xs(const uint8_t *block, struct mica_scales *out)
{
    uint16_t high = mica_load16(block + 2);
    uint32_t low = mica_load32(block + 4);
    out->h[0] = mica_load16(block);
    for (int b = 0; b < 8; b++)
        out->b[b] = (uint8_t)((low >> 4 * b & 15) + ((high >> 2 * b & 3) << 4) - 32);
}

static void scales_mxfp4(const uint8_t *block, struct mica_scales *out)
{
    out->b[0] = block[0];
}

MICA_INLINE void values_of_table(float d, const int8_t *table, const uint8_t *codes, float *out)
{
    for (int i = 0; i < 32; i++)
        out[i] = d * (float)table[codes[i]];
}

static void values_iq4_nl(const struct mica_scales *scales, int sub, const uint8_t *codes, float *out)
{
    values_of_table(mica_f16_value(scales->h[0]), iq4_table, codes, out);
}

static void values_iq4_xs(const struct mica_scales *scales, int sub, const uint8_t *codes, float *out)
{
    float d = mica_f16_value(scales->h[0]) * (float)(int8_t)scales->b[sub];
    values_of_table(d, iq4_table, codes, out);
}

/* 2^(e − 128), subnormal for e < 2 */
static float power_of(uint8_t e)
{
    return mica_f32_of_bits(e < 2 ? 0x00200000u << e : (uint32_t)(e - 1) << 23);
}

static void values_mxfp4(const struct mica_scales *scales, int sub, const uint8_t *codes, float *out)
{
    values_of_table(power_of(scales->b[0]), mxfp4_table, codes, out);
}

static const struct mica_form form_iq4_nl = {32, 18, 4, 0, 1, 0, words_iq4_nl, scales_iq4_nl, values_iq4_nl};
static const struct mica_form form_iq4_xs = {256,           136,          4, 0, 1, 8, words_iq4_xs,
                                             scales_iq4_xs, values_iq4_xs};
static const struct mica_form form_mxfp4 = {32, 17, 4, 0, 0, 1, words_mxfp4, scales_mxfp4, values_mxfp4};
MICA_FORM_FUNCTIONS(iq4_nl);
MICA_FORM_FUNCTIONS(iq4_xs);
MICA_FORM_FUNCTIONS(mxfp4);

/* floor(log2(d)) of a positive finite d, where the logarithm is first rounded to f32: just below a power of
 * two it rounds up to the whole number. */
static int floor_log2(float d)
{
    int exponent;
    double below = 1 - (double)__builtin_frexpf(d, &exponent); /* d = (1 − below) 2^exponent */
    double shortfall = below * (1 + below * (0.5 + below / 3)) * 1.4426950408889634;
    return (float)(exponent - shortfall) == (float)exponent ? exponent : exponent - 1;
}

void mica_encode_mxfp4(const float *x, int64_t n, uint8_t *blocks)
{
    for (int64_t k = 0; k < n; k += 32, blocks += 17) {
        float max = 0;
        bool usual = true; /* neither infinite nor NaN */
        for (int i = 0; i < 32; i++) {
            float a = __builtin_fabsf(x[k + i]);
            max = a > max ? a : max;
            usual = usual && a <= 0x1.fffffep127f;
        }
        blocks[0] = max > 0 && usual ? (uint8_t)(floor_log2(max) - 2 + 127) : 0;
        float d = power_of(blocks[0]);
        uint8_t q[32];
        for (int i = 0; i < 32; i++) {
            float least = __builtin_fabsf(d * 0 - x[k + i]);
            q[i] = 0;
            for (uint8_t c = 1; c < 16; c++) {
                float error = __builtin_fabsf(d * (float)mxfp4_table[c] - x[k + i]);
                if (error < least) {
                    least = error;
                    q[i] = c;
                }
            }
        }
        for (int i = 0; i < 16; i++)
            blocks[1 + i] = (uint8_t)(q[i] | q[16 + i] << 4);
    }
}
