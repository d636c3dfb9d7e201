/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What the matrix products of all instruction sets share: the form of every quantised type as constants. Each
 * variant has one body that takes a form by constant, so the compiler makes sixteen kernels of it. */
#ifndef MICA_MATMUL_H
#define MICA_MATMUL_H

#include "kern/packed.h"

#define MICA_MATMUL_INLINE static inline __attribute__((always_inline))

enum mica_code_table { MICA_TABLE_NONE, MICA_TABLE_IQ4, MICA_TABLE_MXFP4 };

/* The planes and the scales as packed.h lays them out. */
struct mica_matmul_form {
    int main_bits, high_bits;
    enum mica_code_table table;
    int zero_shift; /* value = code − 2^zero_shift; −1: the code itself */
    int n_subs;     /* blocks of 32 columns that share the f16 numbers: 1 or 8 */
    int n_runs;     /* integer scales per block of 32: 0, 1 or 2 */
    bool e8m0;      /* the block's scale is a power of two in a byte */
    bool has_min;
    bool min_in_nibble; /* the minimum sits on top of the scale (Q2_K) */
};

/* X(NAME, main bits, high bits, table, zero shift, n_subs, n_runs, e8m0, has_min, min_in_nibble) */
#define MICA_MATMUL_FORMS(X)                                                                                 \
    X(Q4_0, 4, 0, NONE, 3, 1, 0, 0, 0, 0)                                                                    \
    X(Q4_1, 4, 0, NONE, -1, 1, 0, 0, 1, 0)                                                                   \
    X(Q5_0, 4, 1, NONE, 4, 1, 0, 0, 0, 0)                                                                    \
    X(Q5_1, 4, 1, NONE, -1, 1, 0, 0, 1, 0)                                                                   \
    X(Q8_0, 8, 0, NONE, 7, 1, 0, 0, 0, 0)                                                                    \
    X(Q2_K, 2, 0, NONE, -1, 8, 2, 0, 1, 1)                                                                   \
    X(Q3_K, 2, 1, NONE, 2, 8, 2, 0, 0, 0)                                                                    \
    X(Q4_K, 4, 0, NONE, -1, 8, 1, 0, 1, 0)                                                                   \
    X(Q5_K, 4, 1, NONE, -1, 8, 1, 0, 1, 0)                                                                   \
    X(Q6_K, 4, 2, NONE, 5, 8, 2, 0, 0, 0)                                                                    \
    X(IQ4_NL, 4, 0, IQ4, 7, 1, 0, 0, 0, 0)                                                                   \
    X(IQ4_XS, 4, 0, IQ4, 7, 8, 1, 0, 0, 0)                                                                   \
    X(MXFP4, 4, 0, MXFP4, 4, 1, 0, 1, 0, 0)

#define MICA_MATMUL_FORM_OF(main, high, tab, shift, subs, runs, e8, min, nibble)                             \
    (struct mica_matmul_form)                                                                                \
    {                                                                                                        \
        .main_bits = main, .high_bits = high, .table = MICA_TABLE_##tab, .zero_shift = shift,                \
        .n_subs = subs, .n_runs = runs, .e8m0 = e8, .has_min = min, .min_in_nibble = nibble                  \
    }

/* 64-byte code vectors of a block of 32 columns: one holds one bit of 32 columns × 16 rows. */
MICA_MATMUL_INLINE int mica_form_vectors(struct mica_matmul_form f)
{
    return f.main_bits + f.high_bits;
}
/* f16 arrays at the head of a block of scales. */
MICA_MATMUL_INLINE int mica_form_halves(struct mica_matmul_form f)
{
    return f.e8m0 ? 0 : f.has_min ? 2 : 1;
}
/* Byte arrays per block of 32 columns, after the f16 arrays. */
MICA_MATMUL_INLINE int mica_form_bytes(struct mica_matmul_form f)
{
    return f.e8m0 ? 1 : f.has_min && f.n_runs == 1 ? 2 : f.n_runs;
}
/* Bytes of a whole block of scales. */
MICA_MATMUL_INLINE int mica_form_scales(struct mica_matmul_form f)
{
    return MICA_LANES * (2 * mica_form_halves(f) + f.n_subs * mica_form_bytes(f));
}

/* Values of the 4-bit codes of the types with a table, plus 2^zero_shift: unsigned, for u8 × s8 products.
 * MXFP4's are twice the values of e2m1, so that they are whole. */
static const uint8_t mica_code_tables[3][16] = {
    [MICA_TABLE_IQ4] = {1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241},
    [MICA_TABLE_MXFP4] = {16, 17, 18, 19, 20, 22, 24, 28, 16, 15, 14, 13, 12, 10, 8, 4},
};

/* The bits of 2^(e − 128): the exponent of E8M0 less one, for the doubled table. */
MICA_MATMUL_INLINE uint32_t mica_e8m0_bits(uint8_t e)
{
    return e < 2 ? 0x00200000u << e : (uint32_t)(e - 1) << 23;
}

#endif
