# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Encodes arrays as any of Mica's sixteen types: through the package gguf where it can, else here, simply.

The encoders here round to the nearest code under scales taken from the extremes. They are for test files: the bits
are valid and the error is bounded, but a real quantiser finds better scales. Only exact IEEE operations are used, so
the same array gives the same bytes everywhere.
"""
import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, quantize

TYPES = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
         "IQ4_NL", "IQ4_XS", "MXFP4"]
IQ4_TABLE = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], np.float32)


def _half(x):
    """Bytes of x:[n] as halves, and the values that they hold, [n, 1]."""
    h = x.astype(np.float16)
    return h.reshape(-1, 1).view(np.uint8), h.astype(np.float32).reshape(-1, 1)


def _divide(a, b):
    return np.divide(a, b, out=np.zeros(np.broadcast(a, b).shape, np.float32), where=b != 0)


def _extreme(x):
    """The element of largest magnitude along the last axis."""
    return np.take_along_axis(x, np.abs(x).argmax(-1, keepdims=True), -1)[..., 0]


def _code(x, low, high):
    return np.clip(np.rint(x), low, high).astype(np.int32)


def _fields(q, width):
    """[n, 256] codes → [n, 256 / (8 / width) / 32 groups, 32] bytes; run b of a group lies at bit width × b."""
    per_byte = 8 // width
    q = q.reshape(len(q), -1, per_byte, 32).astype(np.uint8) << (width * np.arange(per_byte, dtype=np.uint8))[:, None]
    return np.bitwise_or.reduce(q, axis=2).reshape(len(q), -1)


def _scales_around(x, run, code_range, scale_range):
    """Scales of runs around zero: (bytes of d, integer scales [n, runs], codes [n, 256] from −code_range)."""
    runs = x.reshape(len(x), -1, run)
    scales = _extreme(runs) / np.float32(-code_range)
    d_bytes, d = _half(np.abs(scales).max(-1) / np.float32(scale_range))
    whole = _code(_divide(scales, d), -scale_range - 1, scale_range)
    step = (d * whole.astype(np.float32))[..., None]
    codes = _code(_divide(runs, step), -code_range, code_range - 1)
    return d_bytes, whole, codes.reshape(x.shape)


def _scales_above(x, run, top, scale_top):
    """Scales and minimums of runs: (bytes of d and dmin, scales, minimums, codes [n, 256] of 0..top)."""
    runs = x.reshape(len(x), -1, run)
    low = np.maximum(-runs.min(-1), np.float32(0))
    d_bytes, d = _half(((runs.max(-1) + low) / np.float32(top)).max(-1) / np.float32(scale_top))
    dmin_bytes, dmin = _half(low.max(-1) / np.float32(scale_top))
    scales = _code(_divide((runs.max(-1) + low) / np.float32(top), d), 0, scale_top)
    mins = _code(_divide(low, dmin), 0, scale_top)
    step, offset = (d * scales.astype(np.float32))[..., None], (dmin * mins.astype(np.float32))[..., None]
    codes = _code(_divide(runs + offset, step), 0, top)
    return np.concatenate([d_bytes, dmin_bytes], 1), scales, mins, codes.reshape(x.shape)


def _q2_k(x):
    d, scales, mins, q = _scales_above(x, 16, 3, 15)
    return np.concatenate([(scales | mins << 4).astype(np.uint8), _fields(q, 2), d], 1)


def _q3_k(x):
    d, scales, q = _scales_around(x, 16, 4, 31)
    s, q = scales + 32, q + 4
    low = (s[:, :8] & 15) | (s[:, 8:] & 15) << 4
    high = sum((s[:, 4 * i:4 * i + 4] >> 4) << 2 * i for i in range(4))
    return np.concatenate([_fields(q >> 2, 1), _fields(q & 3, 2), low.astype(np.uint8), high.astype(np.uint8), d], 1)


def _k_scales(s, m):
    parts = [s[:, :4] | s[:, 4:] >> 4 << 6, m[:, :4] | m[:, 4:] >> 4 << 6, (s[:, 4:] & 15) | (m[:, 4:] & 15) << 4]
    return np.concatenate(parts, 1).astype(np.uint8)


def _q4_k(x):
    d, scales, mins, q = _scales_above(x, 32, 15, 63)
    return np.concatenate([d, _k_scales(scales, mins), _fields(q, 4)], 1)


def _q5_k(x):
    d, scales, mins, q = _scales_above(x, 32, 31, 63)
    return np.concatenate([d, _k_scales(scales, mins), _fields(q >> 4, 1), _fields(q & 15, 4)], 1)


def _q6_k(x):
    d, scales, q = _scales_around(x, 16, 32, 127)
    q = (q + 32).reshape(-1, 2, 4, 32)  # low nibbles: runs 0 and 1 of each half under runs 2 and 3
    low = (q[:, :, :2] & 15) | (q[:, :, 2:] & 15) << 4
    return np.concatenate([low.reshape(-1, 128).astype(np.uint8), _fields(q.reshape(-1, 256) >> 4, 2),
                           scales.astype(np.int8).view(np.uint8), d], 1)


def _nearest(x):
    return np.abs(x[..., None] - IQ4_TABLE).argmin(-1).astype(np.uint8)


def _halves(q):
    """Codes [..., 32] → bytes [..., 16], columns 16..31 in the high nibbles."""
    return q[..., :16] | q[..., 16:] << 4


def _iq4_nl(x):
    d_bytes, d = _half(_extreme(x) / np.float32(-127))
    return np.concatenate([d_bytes, _halves(_nearest(_divide(x, d)))], 1)


def _iq4_xs(x):
    runs = x.reshape(-1, 8, 32)
    scales = _extreme(runs) / np.float32(-127)
    d_bytes, d = _half(np.abs(scales).max(-1) / np.float32(31))
    whole = _code(_divide(scales, d), -32, 31)
    q = _halves(_nearest(_divide(runs, (d * whole.astype(np.float32))[..., None])))
    s = whole + 32
    high = sum((s[:, b] >> 4) << 2 * b for b in range(8)).astype(np.uint16).reshape(-1, 1).view(np.uint8)
    low = ((s[:, 0::2] & 15) | (s[:, 1::2] & 15) << 4).astype(np.uint8)
    return np.concatenate([d_bytes, high, low, q.reshape(-1, 128)], 1)


OWN = {"Q2_K": _q2_k, "Q3_K": _q3_k, "Q4_K": _q4_k, "Q5_K": _q5_k, "Q6_K": _q6_k, "IQ4_NL": _iq4_nl,
       "IQ4_XS": _iq4_xs}


def fits(name, shape):
    """Whether rows of this shape are whole blocks of the type."""
    return shape[-1] % GGML_QUANT_SIZES[GGMLQuantizationType[name]][0] == 0


def encode(x, name):
    """x:[..., k] as type name, in the form GGUFWriter.add_tensor(..., raw_dtype=...) takes."""
    x = np.ascontiguousarray(x, np.float32)
    if name not in OWN:
        return quantize(x, GGMLQuantizationType[name])
    elements, size = GGML_QUANT_SIZES[GGMLQuantizationType[name]]
    blocks = OWN[name](x.reshape(-1, elements))
    assert blocks.dtype == np.uint8 and blocks.shape[1] == size, (name, blocks.dtype, blocks.shape)
    return blocks.reshape(*x.shape[:-1], -1)
