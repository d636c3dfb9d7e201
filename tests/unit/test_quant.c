/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Codecs on blocks made by hand, and the half conversions over every half and every rounding boundary. */
#include "base/mem.h"
#include "kern/quant.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* What the format says, in doubles: 10 bits of mantissa, exponent bias 15. */
static double half_value(uint16_t h)
{
    int exponent = h >> 10 & 31, mantissa = h & 1023;
    double magnitude = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
    return h & 0x8000 ? -magnitude : magnitude;
}

static void test_every_half(void **state)
{
    for (uint32_t h = 0; h < 65536; h++) {
        float x = mica_f16_to_f32((uint16_t)h);
        bool special = (h >> 10 & 31) == 31;
        bool right = !special          ? (double)x == half_value((uint16_t)h) && !signbit(x) == !(h & 0x8000)
                     : (h & 1023) == 0 ? isinf(x) && !signbit(x) == !(h & 0x8000)
                                       : isnan(x);
        if (!right)
            fail_msg("half %#x gives %a", h, x);
        uint16_t back = mica_f32_to_f16(x), want = (uint16_t)(h | (special && h & 1023 ? 0x200 : 0));
        if (back != want)
            fail_msg("half %#x comes back as %#x", h, back);
    }
}

/* At, just below and just above the middle of every two neighbouring halves. */
static void test_halves_round_to_even(void **state)
{
    for (uint32_t h = 0; h < 0x7c00; h++) {
        double upper = h == 0x7bff ? 65536 : half_value((uint16_t)(h + 1));
        float middle = (float)((half_value((uint16_t)h) + upper) / 2);
        uint32_t even = h & 1 ? h + 1 : h;
        for (int sign = 0; sign < 2; sign++) {
            float s = sign ? -1 : 1;
            uint32_t top = sign ? 0x8000 : 0;
            if (mica_f32_to_f16(s * middle) != (top | even))
                fail_msg("%a ties to %#x", s * middle, mica_f32_to_f16(s * middle));
            if (mica_f32_to_f16(s * nextafterf(middle, 0)) != (top | h))
                fail_msg("just below %a: %#x", middle, mica_f32_to_f16(s * nextafterf(middle, 0)));
            if (mica_f32_to_f16(s * nextafterf(middle, INFINITY)) != (top | (h + 1)))
                fail_msg("just above %a: %#x", middle, mica_f32_to_f16(s * nextafterf(middle, INFINITY)));
        }
    }
    assert_int_equal(mica_f32_to_f16(1e30f), 0x7c00);
    assert_int_equal(mica_f32_to_f16(-INFINITY), 0xfc00);
    assert_int_equal(mica_f32_to_f16(0x1p-149f), 0);
    assert_int_equal(mica_f32_to_f16(-0.0f), 0x8000);
    assert_int_equal(mica_f32_to_f16(NAN) & 0x7e00, 0x7e00);
}

static void test_bf16(void **state)
{
    static const struct {
        uint32_t bits;
        uint16_t want;
    } rows[] = {
        {0x3f800000, 0x3f80}, {0x3f808000, 0x3f80}, {0x3f808001, 0x3f81}, {0x3f818000, 0x3f82},
        {0x3f817fff, 0x3f81}, {0x00000001, 0x0000}, {0x00008001, 0x0001}, {0x80000000, 0x8000},
        {0x7f7fffff, 0x7f80}, {0x7f800000, 0x7f80}, {0xff800000, 0xff80}, {0x7f800001, 0x7fc0},
        {0xffc12345, 0xffc1}, {0x7fffffff, 0x7fff},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        float x;
        memcpy(&x, &rows[i].bits, sizeof x);
        if (mica_f32_to_bf16(x) != rows[i].want)
            fail_msg("%#x gives %#x", rows[i].bits, mica_f32_to_bf16(x));
    }
    for (uint32_t h = 0; h < 65536; h++)
        if (bits_of(mica_bf16_to_f32((uint16_t)h)) != h << 16)
            fail_msg("bf16 %#x gives %#x", h, bits_of(mica_bf16_to_f32((uint16_t)h)));
}

/* Blocks of zeros but for the listed bytes; one element checked. d = 1 is 0x3c00, 2 is 0x4000, −0.5 is
 * 0xb800. */
static const struct block_row {
    const char *what;
    enum mica_wtype type;
    struct {
        int at, value;
    } bytes[12];
    int n_bytes, column;
    float want;
} block_rows[] = {
    {"low nibble", MICA_W_Q4_0, {{1, 0x3c}, {2 + 5, 0x0f}}, 2, 5, 7},
    {"high nibble", MICA_W_Q4_0, {{1, 0x3c}, {2 + 5, 0xf0}}, 2, 21, 7},
    {"zero code", MICA_W_Q4_0, {{1, 0x40}}, 1, 0, -16},
    {"negative zero", MICA_W_Q4_0, {{1, 0xb8}, {2, 0x08}}, 2, 0, -0.0f},
    {"minimum", MICA_W_Q4_1, {{1, 0x3c}, {2, 0x00}, {3, 0xb8}, {4 + 15, 0x30}}, 4, 31, 2.5f},
    {"fifth bit of 17", MICA_W_Q5_0, {{1, 0x3c}, {4, 0x02}, {6 + 1, 0x50}}, 3, 17, 5},
    {"fifth bit clear", MICA_W_Q5_0, {{1, 0x3c}, {4, 0x02}, {6 + 1, 0x50}}, 3, 18, -16},
    {"fifth bit of 31", MICA_W_Q5_1, {{1, 0x3c}, {3, 0x3c}, {7, 0x80}, {8 + 15, 0xf0}}, 4, 31, 32},
    {"negative", MICA_W_Q8_0, {{1, 0x40}, {2 + 31, 0x80}}, 2, 31, -256},
    {"two bits, second half",
     MICA_W_Q2_K,
     {{8, 0x25}, {81, 0x3c}, {83, 0x40}, {16 + 32 + 3, 0x03}},
     4,
     131,
     11},
    {"hmask clear", MICA_W_Q3_K, {{32 + 5, 0x04}, {98, 0x05}, {106, 0x02}, {109, 0x3c}}, 4, 37, -15},
    {"hmask set", MICA_W_Q3_K, {{5, 0x02}, {32 + 5, 0x04}, {98, 0x05}, {106, 0x02}, {109, 0x3c}}, 5, 37, 5},
    {"scale 5 of 6 bits",
     MICA_W_Q4_K,
     {{1, 0x3c}, {3, 0x3c}, {4 + 1, 0xc0}, {8 + 1, 0x40}, {12 + 1, 0x5a}, {16 + 64 + 7, 0xf0}},
     6,
     167,
     58 * 15 - 21},
    {"scale 2",
     MICA_W_Q5_K,
     {{1, 0x3c}, {3, 0x3c}, {4 + 2, 0x3f}, {8 + 2, 0x3e}, {16 + 9, 0x04}, {48 + 32 + 9, 0x01}},
     6,
     73,
     63 * 17 - 62},
    {"high bits of run 6",
     MICA_W_Q6_K,
     {{64 + 2, 0x90}, {128 + 32 + 2, 0x30}, {192 + 12, 0xfe}, {209, 0x3c}},
     4,
     194,
     -2 * (57 - 32)},
    {"table", MICA_W_IQ4_NL, {{1, 0x3c}, {2, 0xf0}}, 2, 16, 113},
    {"scale 3", MICA_W_IQ4_XS, {{1, 0x3c}, {2, 0x80}, {5, 0x10}, {8 + 48, 0x0f}}, 4, 96, 113},
    {"scale 0", MICA_W_IQ4_XS, {{1, 0x3c}, {8, 0x08}}, 2, 0, -32},
    {"six halves", MICA_W_MXFP4, {{0, 127}, {1, 0xe0}}, 2, 16, -4},
    {"smallest scale", MICA_W_MXFP4, {{1, 0x01}}, 1, 0, 0x1p-128f},
    {"largest scale", MICA_W_MXFP4, {{0, 255}, {1, 0x01}}, 2, 0, 0x1p127f},
    {"infinite scale", MICA_W_Q8_0, {{1, 0x7c}, {2, 0xff}}, 2, 0, -INFINITY},
};

static void test_blocks(void **state)
{
    for (size_t i = 0; i < MICA_COUNT(block_rows); i++) {
        const struct block_row *row = &block_rows[i];
        uint8_t block[256] = {0};
        float out[256];
        for (int j = 0; j < row->n_bytes; j++)
            block[row->bytes[j].at] = (uint8_t)row->bytes[j].value;
        mica_codecs[row->type].decode(block, mica_wtypes[row->type].block_elements, out);
        if (bits_of(out[row->column]) != bits_of(row->want))
            fail_msg("%s, %s: column %d is %a, not %a", mica_wtypes[row->type].name, row->what, row->column,
                     out[row->column], row->want);
    }
}

/* Encoding decoded numbers gives back numbers within half a step (a step for the types that round down). */
static void test_round_trip(void **state)
{
    static const struct {
        enum mica_wtype type;
        float step;
    } rows[] = {{MICA_W_Q4_0, 2 / 8.0f},   {MICA_W_Q4_1, 2 / 15.0f},  {MICA_W_Q5_0, 2 / 16.0f},
                {MICA_W_Q5_1, 2 / 31.0f},  {MICA_W_Q8_0, 1 / 127.0f}, {MICA_W_MXFP4, 0.51f},
                {MICA_W_F16, 1 / 2048.0f}, {MICA_W_BF16, 1 / 256.0f}, {MICA_W_F32, 0}};
    float x[64], y[64];
    uint8_t blocks[256];
    for (int i = 0; i < 64; i++)
        x[i] = (float)((i * 37 + 11) % 64) / 31.5f - 1;
    for (size_t t = 0; t < MICA_COUNT(rows); t++) {
        mica_codecs[rows[t].type].encode(x, 64, blocks);
        mica_codecs[rows[t].type].decode(blocks, 64, y);
        for (int i = 0; i < 64; i++)
            if (!(fabsf(x[i] - y[i]) <= rows[t].step * 0.51f))
                fail_msg("%s: %g became %g", mica_wtypes[rows[t].type].name, x[i], y[i]);
    }
}

static void test_table(void **state)
{
    for (int t = 0; t < MICA_W_COUNT; t++)
        if (!mica_codecs[t].decode)
            fail_msg("%s cannot be decoded", mica_wtypes[t].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_half), cmocka_unit_test(test_halves_round_to_even),
        cmocka_unit_test(test_bf16),       cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
