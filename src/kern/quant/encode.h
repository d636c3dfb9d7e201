/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What the encoders share: conversions exactly as numpy does them. */
#ifndef MICA_QUANT_ENCODE_H
#define MICA_QUANT_ENCODE_H

#include "kern/quant/form.h"

/* The low byte of the truncated number; what does not fit an int32 (and NaN) gives 0, as x86's conversion
 * does. */
MICA_INLINE uint8_t mica_low_byte(float x)
{
    return x > -2147483648.0f && x < 2147483648.0f ? (uint8_t)(int32_t)x : 0;
}

MICA_INLINE void mica_store_f16(float x, uint8_t *out)
{
    uint16_t h = mica_f32_to_f16(x);
    memcpy(out, &h, sizeof h);
}

MICA_INLINE float mica_inverse(float d)
{
    return d == 0 ? 0 : 1 / d;
}

#endif
