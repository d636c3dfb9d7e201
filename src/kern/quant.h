/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Codecs of the quantised types as files store them (GGUF block layouts). One row per type in quant.def. */
#ifndef MICA_QUANT_H
#define MICA_QUANT_H

#include "base/wtype.h"

/* out[n] = blocks dequantised, bit for bit as the pip package gguf does; n is a multiple of the block. */
typedef void mica_decode_fn(const uint8_t *blocks, int64_t n, float *out);
/* blocks = x[n] quantised, bit for bit as the pip package gguf does. */
typedef void mica_encode_fn(const float *x, int64_t n, uint8_t *blocks);

struct mica_codec {
    mica_decode_fn *decode;
    mica_encode_fn *encode; /* NULL: cannot be written yet */
};
extern const struct mica_codec mica_codecs[MICA_W_COUNT];

float mica_f16_to_f32(uint16_t h);
uint16_t mica_f32_to_f16(float x); /* round to nearest even, as F16C does */
float mica_bf16_to_f32(uint16_t h);
uint16_t mica_f32_to_bf16(float x); /* round to nearest even; NaN stays NaN */

#endif
