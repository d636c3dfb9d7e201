/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* F32, F16 and BF16, and the conversions of single halves. Packed, they are [K][16] elements. */
#include "kern/quant/form.h"

float mica_f16_to_f32(uint16_t h)
{
    return mica_f16_value(h);
}

uint16_t mica_f32_to_f16(float x)
{
    uint32_t bits = mica_bits_of_f32(x), sign = bits >> 16 & 0x8000, a = bits & 0x7fffffff;
    if (a > 0x7f800000)
        return (uint16_t)(sign | 0x7e00 | (a >> 13 & 0x3ff));
    if (a >= 0x477ff000) /* 65520 and up round to infinity */
        return (uint16_t)(sign | 0x7c00);
    if (a >= 0x38800000) /* normal halves: rebias the exponent, then round away 13 bits */
        return (uint16_t)(sign | (a - 0x38000000 + 0xfff + (a >> 13 & 1)) >> 13);
    if (a <= 0x33000000) /* half of the smallest subnormal ties to zero */
        return (uint16_t)sign;
    int shift = 126 - (int)(a >> 23);
    uint32_t mantissa = (a & 0x7fffff) | 0x800000;
    return (uint16_t)(sign | (mantissa + (1u << (shift - 1)) - 1 + (mantissa >> shift & 1)) >> shift);
}

float mica_bf16_to_f32(uint16_t h)
{
    return mica_f32_of_bits((uint32_t)h << 16);
}

uint16_t mica_f32_to_bf16(float x)
{
    uint32_t bits = mica_bits_of_f32(x);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 64);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

void mica_decode_f32(const uint8_t *blocks, int64_t n, float *out)
{
    memcpy(out, blocks, (size_t)n * sizeof *out);
}

void mica_encode_f32(const float *x, int64_t n, uint8_t *blocks)
{
    memcpy(blocks, x, (size_t)n * sizeof *x);
}

void mica_decode_f16(const uint8_t *blocks, int64_t n, float *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = mica_f16_value(mica_load16(blocks + 2 * i));
}

void mica_encode_f16(const float *x, int64_t n, uint8_t *blocks)
{
    for (int64_t i = 0; i < n; i++) {
        uint16_t h = mica_f32_to_f16(x[i]);
        memcpy(blocks + 2 * i, &h, sizeof h);
    }
}

void mica_decode_bf16(const uint8_t *blocks, int64_t n, float *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = mica_bf16_to_f32(mica_load16(blocks + 2 * i));
}

void mica_encode_bf16(const float *x, int64_t n, uint8_t *blocks)
{
    for (int64_t i = 0; i < n; i++) {
        uint16_t h = mica_f32_to_bf16(x[i]);
        memcpy(blocks + 2 * i, &h, sizeof h);
    }
}

MICA_INLINE void pack_elements(const uint8_t *rows, size_t row_bytes, int n_rows, int64_t k, size_t size,
                               uint8_t *codes)
{
    for (int64_t i = 0; i < k; i++, rows += size, codes += MICA_LANES * size)
        for (int r = 0; r < n_rows; r++)
            memcpy(codes + r * size, rows + r * row_bytes, size);
}

static void pack_32(const uint8_t *rows, size_t row_bytes, int n_rows, int64_t k, uint8_t *codes,
                    uint8_t *scales)
{
    pack_elements(rows, row_bytes, n_rows, k, 4, codes);
}

static void pack_16(const uint8_t *rows, size_t row_bytes, int n_rows, int64_t k, uint8_t *codes,
                    uint8_t *scales)
{
    pack_elements(rows, row_bytes, n_rows, k, 2, codes);
}

static void unpack_f32(const uint8_t *codes, const uint8_t *scales, int lane, int64_t k, float *out)
{
    for (int64_t i = 0; i < k; i++)
        memcpy(out + i, codes + 4 * (i * MICA_LANES + lane), sizeof *out);
}

static void unpack_f16(const uint8_t *codes, const uint8_t *scales, int lane, int64_t k, float *out)
{
    for (int64_t i = 0; i < k; i++)
        out[i] = mica_f16_value(mica_load16(codes + 2 * (i * MICA_LANES + lane)));
}

static void unpack_bf16(const uint8_t *codes, const uint8_t *scales, int lane, int64_t k, float *out)
{
    for (int64_t i = 0; i < k; i++)
        out[i] = mica_bf16_to_f32(mica_load16(codes + 2 * (i * MICA_LANES + lane)));
}

const struct mica_packing mica_packing_f32 = {NULL, pack_32, unpack_f32};
const struct mica_packing mica_packing_f16 = {NULL, pack_16, unpack_f16};
const struct mica_packing mica_packing_bf16 = {NULL, pack_16, unpack_bf16};
