/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* How one quantised type's blocks map to lane words, and what is built from that: decode, pack, unpack.
 *
 * A type says three things: the plane words of 32 columns (packed.h shows the planes), the scales of a block
 * as plain u16 and u8 numbers, and the value of a code. Decoding goes through the same words and the same
 * value function as unpacking a packed row, so the two agree bit for bit. */
#ifndef MICA_QUANT_FORM_H
#define MICA_QUANT_FORM_H

#include "kern/packed.h"
#include "kern/quant.h"

#include <string.h>

#define MICA_INLINE static inline __attribute__((always_inline))

enum { MICA_MAX_WORDS = 8 };

/* The scales of one block of one row, in the order in which the packed layout stores them. */
struct mica_scales {
    uint16_t h[2];
    uint8_t b[16];
};

struct mica_form {
    int elements, bytes;      /* of one block in a file */
    int main_bits, high_bits; /* of the planes */
    int n_h, n_b;             /* how much of struct mica_scales is used */
    /* words = the plane words of columns [32 sub, 32 sub + 32) of a block */
    void (*words)(const uint8_t *block, int sub, uint32_t *words);
    void (*scales)(const uint8_t *block, struct mica_scales *out);
    /* out[32] = the values of codes[32], columns [32 sub, 32 sub + 32) */
    void (*values)(const struct mica_scales *scales, int sub, const uint8_t *codes, float *out);
};

MICA_INLINE uint16_t mica_load16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

MICA_INLINE uint32_t mica_load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

MICA_INLINE float mica_f32_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

MICA_INLINE uint32_t mica_bits_of_f32(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Integer arithmetic only, so that the result does not depend on the thread's denormal mode. */
MICA_INLINE float mica_f16_value(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 1023;
    if (exponent == 31)
        return mica_f32_of_bits(sign | 0x7f800000 | mantissa << 13 | (mantissa ? 0x400000 : 0));
    if (exponent)
        return mica_f32_of_bits(sign | (exponent + 112) << 23 | mantissa << 13);
    if (!mantissa)
        return mica_f32_of_bits(sign);
    int up = __builtin_clz(mantissa) - 21;
    return mica_f32_of_bits(sign | (uint32_t)(113 - up) << 23 | (mantissa << up & 1023) << 13);
}

MICA_INLINE int mica_plane_words(int main_bits, int high_bits)
{
    return main_bits + high_bits; /* one 64-byte vector holds one bit of 32 columns × 16 rows */
}

/* codes[32], whole codes in bytes, from the planes. */
MICA_INLINE void mica_codes_of_words(int main_bits, int high_bits, const uint32_t *words, uint8_t *codes)
{
    uint32_t c[8];
    for (int j = 0; j < 8; j++) {
        if (main_bits == 8)
            c[j] = words[j];
        else if (main_bits == 4)
            c[j] = words[j & 3] >> (j & 4) & 0x0f0f0f0f;
        else
            c[j] = words[j >> 2] >> 2 * (j & 3) & 0x03030303;
        if (high_bits == 1)
            c[j] |= (words[main_bits] >> j & 0x01010101) << main_bits;
        else if (high_bits == 2)
            c[j] |= (words[main_bits + (j >> 2)] >> 2 * (j & 3) & 0x03030303) << main_bits;
    }
    memcpy(codes, c, sizeof c);
}

MICA_INLINE void mica_form_decode(const struct mica_form *form, const uint8_t *blocks, int64_t n, float *out)
{
    uint32_t words[MICA_MAX_WORDS];
    uint8_t codes[32];
    struct mica_scales scales;
    for (int64_t k = 0; k < n; k += form->elements, blocks += form->bytes) {
        form->scales(blocks, &scales);
        for (int sub = 0; sub < form->elements / 32; sub++) {
            form->words(blocks, sub, words);
            mica_codes_of_words(form->main_bits, form->high_bits, words, codes);
            form->values(&scales, sub, codes, out + k + 32 * sub);
        }
    }
}

/* Packs one group; rows past n_rows stay as they are in codes and scales. */
MICA_INLINE void mica_form_pack(const struct mica_form *form, const uint8_t *rows, size_t row_bytes,
                                int n_rows, int64_t k, uint8_t *codes, uint8_t *scales)
{
    int n_words = mica_plane_words(form->main_bits, form->high_bits), n_subs = form->elements / 32;
    for (int64_t k0 = 0; k0 < k; k0 += form->elements) {
        uint16_t *h = (uint16_t *)scales;
        uint8_t *b = scales + 2 * MICA_LANES * form->n_h;
        for (int r = 0; r < n_rows; r++) {
            const uint8_t *block = rows + r * row_bytes;
            struct mica_scales s;
            form->scales(block, &s);
            for (int i = 0; i < form->n_h; i++)
                h[i * MICA_LANES + r] = s.h[i];
            for (int i = 0; i < form->n_b; i++)
                b[i * MICA_LANES + r] = s.b[i];
            for (int sub = 0; sub < n_subs; sub++) {
                uint32_t words[MICA_MAX_WORDS], *out = (uint32_t *)codes + sub * n_words * MICA_LANES + r;
                form->words(block, sub, words);
                for (int w = 0; w < n_words; w++)
                    out[w * MICA_LANES] = words[w];
            }
        }
        rows += form->bytes;
        codes += n_subs * n_words * 4 * MICA_LANES;
        scales += MICA_LANES * (2 * form->n_h + form->n_b);
    }
}

MICA_INLINE void mica_form_unpack(const struct mica_form *form, const uint8_t *codes, const uint8_t *scales,
                                  int lane, int64_t k, float *out)
{
    int n_words = mica_plane_words(form->main_bits, form->high_bits);
    for (int64_t k0 = 0; k0 < k; k0 += form->elements) {
        struct mica_scales s;
        for (int i = 0; i < form->n_h; i++)
            s.h[i] = mica_load16(scales + 2 * (i * MICA_LANES + lane));
        for (int i = 0; i < form->n_b; i++)
            s.b[i] = scales[MICA_LANES * (2 * form->n_h + i) + lane];
        scales += MICA_LANES * (2 * form->n_h + form->n_b);
        for (int sub = 0; sub < form->elements / 32; sub++, codes += n_words * 4 * MICA_LANES) {
            uint32_t words[MICA_MAX_WORDS];
            uint8_t bytes[32];
            for (int w = 0; w < n_words; w++)
                words[w] = mica_load32(codes + 4 * (w * MICA_LANES + lane));
            mica_codes_of_words(form->main_bits, form->high_bits, words, bytes);
            form->values(&s, sub, bytes, out + k0 + 32 * sub);
        }
    }
}

/* How a type is packed: one group at a time (rows past n_rows stay as they are in codes and scales), and one
 * row of a group back. form is NULL for plain floats. */
struct mica_packing {
    const struct mica_form *form;
    void (*pack)(const uint8_t *rows, size_t row_bytes, int n_rows, int64_t k, uint8_t *codes,
                 uint8_t *scales);
    void (*unpack)(const uint8_t *codes, const uint8_t *scales, int lane, int64_t k, float *out);
};

/* Defines decode, pack and unpack of a type from form_NAME. */
#define MICA_FORM_FUNCTIONS(name)                                                                            \
    void mica_decode_##name(const uint8_t *blocks, int64_t n, float *out)                                    \
    {                                                                                                        \
        mica_form_decode(&form_##name, blocks, n, out);                                                      \
    }                                                                                                        \
    static void pack_##name(const uint8_t *rows, size_t row_bytes, int n_rows, int64_t k, uint8_t *codes,    \
                            uint8_t *scales)                                                                 \
    {                                                                                                        \
        mica_form_pack(&form_##name, rows, row_bytes, n_rows, k, codes, scales);                             \
    }                                                                                                        \
    static void unpack_##name(const uint8_t *codes, const uint8_t *scales, int lane, int64_t k, float *out)  \
    {                                                                                                        \
        mica_form_unpack(&form_##name, codes, scales, lane, k, out);                                         \
    }                                                                                                        \
    const struct mica_packing mica_packing_##name = {&form_##name, pack_##name, unpack_##name}

#define X(NAME, decode, encode, packing)                                                                     \
    mica_decode_fn decode;                                                                                   \
    extern const struct mica_packing packing;
#include "kern/quant.def"
#undef X
mica_encode_fn mica_encode_f32, mica_encode_f16, mica_encode_bf16, mica_encode_q4_0, mica_encode_q4_1;
mica_encode_fn mica_encode_q5_0, mica_encode_q5_1, mica_encode_q8_0, mica_encode_mxfp4;

#endif
