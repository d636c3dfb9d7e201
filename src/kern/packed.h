/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The packed weight layout: 16 output rows across the lanes.
 *
 * A matrix W:[N,K] becomes ceil(N/16) groups of 16 rows; missing rows of the last group are zero. A group
 * holds, in order, its codes (64-byte aligned), then its scales. Inside a group everything runs from k = 0
 * upwards, so a kernel reads two sequential streams and each lane adds its blocks in order (rule 1 of
 * docs/reproducibility.md).
 *
 * Codes, per block of 32 columns, as 64-byte vectors; byte 4·r + i of a vector belongs to row r (0..15):
 *   4-bit plane, 4 vectors j = 0..3:  low nibble = column 4j + i, high nibble = column 16 + 4j + i
 *   2-bit plane, 2 vectors h = 0..1:  bits 2p, 2p+1 (p = 0..3) = column 16h + 4p + i
 *   1-bit plane, 1 vector:            bit j (0..7) = column 4j + i
 *   8-bit plane, 8 vectors j = 0..7:  the byte = column 4j + i, stored + 128 (unsigned)
 * A code is put together from one main plane and at most one plane of higher bits, main plane first:
 *   Q4_0 Q4_1 Q4_K IQ4_NL IQ4_XS MXFP4: 4   Q5_0 Q5_1 Q5_K: 4 + 1 bit   Q6_K: 4 + 2 bits   Q2_K: 2   Q3_K: 2
 * + 1 bit Q8_0: 8
 *
 * Scales, each an array over the 16 rows:
 *   Q4_0 Q5_0 Q8_0 IQ4_NL   per 32:  f16 d
 *   Q4_1 Q5_1               per 32:  f16 d, f16 m
 *   MXFP4                   per 32:  u8 e (E8M0)
 *   Q4_K Q5_K               per 256: f16 d, f16 dmin, then per 32: u8 scale, u8 min
 *   Q3_K Q6_K               per 256: f16 d, then per 16: s8 scale (Q3_K: the 6-bit scale minus 32)
 *   Q2_K                    per 256: f16 d, f16 dmin, then per 16: u8 (scale | min << 4)
 *   IQ4_XS                  per 256: f16 d, then per 32: s8 scale (the 6-bit scale minus 32)
 * F32, F16, BF16: no scales; codes are [K][16] elements of the type. */
#ifndef MICA_PACKED_H
#define MICA_PACKED_H

#include "base/wtype.h"

enum { MICA_LANES = 16, MICA_ACT_BLOCK = 32 };

struct mica_packed {
    enum mica_wtype type;
    int64_t n, k; /* rows (outputs), columns (inputs) */
    int64_t n_groups;
    size_t codes_bytes; /* of one group; its scales follow */
    size_t group_bytes; /* a multiple of 64 */
    uint8_t *data;      /* n_groups × group_bytes, 64-byte aligned */
};

/* One block of 32 quantised activations: x ≈ d · q. */
struct mica_act_block {
    int8_t q[MICA_ACT_BLOCK]; /* −127 … 127 */
    float d;                  /* amax / 127 */
    float s;                  /* d × (float)(sum of q) */
    int32_t neg_sum[2];       /* minus the sum of q[0..16) and of q[16..32) */
};

/* Fills in the sizes of *out for W:[n,k] of type (data stays NULL). EARG when k does not fit the type's
 * block, ELIMIT when a size overflows. The caller allocates n_groups × group_bytes, 64-byte aligned. */
enum mica_status mica_packed_layout(enum mica_wtype type, int64_t n, int64_t k, struct mica_packed *out,
                                    struct mica_err *err);
/* Packs groups [g0, g1) from rows as they lie in a file (rows:[n][row bytes], row r at rows + r × row bytes).
 * Different groups may be packed by different threads. */
void mica_pack_groups(const struct mica_packed *packed, const uint8_t *rows, int64_t g0, int64_t g1);
/* out[k] = row r, dequantised exactly as the format defines. Thread-safe. */
void mica_unpack_row(const struct mica_packed *packed, int64_t r, float *out);

#endif
