# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Every codec against the package gguf, bit for bit: random blocks, every byte value, and numbers that hurt."""
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
gguf = pytest.importorskip("gguf")
from gguf import GGMLQuantizationType as Type  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import gguf_encode  # noqa: E402
import tiny_gguf  # noqa: E402

TOOL = Path(os.environ.get("MICA_BUILD") or ROOT / "build") / "tests" / "codec_tool"
TYPES = gguf_encode.TYPES
ENCODED = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "MXFP4"]


def tool(mode, name, data):
    if not TOOL.exists():
        pytest.skip(f"{TOOL} is not built")
    return subprocess.run([TOOL, mode, name], input=data.tobytes(), stdout=subprocess.PIPE, check=True).stdout


def same_floats(name, got, want):
    """Equal bits; any NaN equals any NaN (which of two payloads survives an addition is the compiler's choice)."""
    got, want = np.frombuffer(got, np.float32), want.reshape(-1)
    assert got.shape == want.shape
    bad = np.flatnonzero((got.view(np.uint32) != want.view(np.uint32)) & ~(np.isnan(got) & np.isnan(want)))
    assert bad.size == 0, f"{name}: element {bad[0]}: {got[bad[0]]!r} instead of {want[bad[0]]!r}, {bad.size} differ"


def dequantize(name, blocks):
    with np.errstate(all="ignore"):
        return np.ascontiguousarray(gguf.dequantize(blocks, Type[name]))


def quantize(name, x):
    with np.errstate(all="ignore"):
        return np.ascontiguousarray(gguf.quantize(x, Type[name])).view(np.uint8)


@pytest.mark.parametrize("name", TYPES)
def test_decode(name):
    _, size = gguf.GGML_QUANT_SIZES[Type[name]]
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    constant = np.repeat(np.arange(256, dtype=np.uint8)[:, None], size, axis=1)  # includes NaN and infinite scales
    blocks = np.concatenate([rng.integers(0, 256, (2000, size), np.uint8), constant])
    if name in ("F16", "BF16"):
        blocks = np.arange(65536, dtype=np.uint16).view(np.uint8).reshape(-1, 2)
    same_floats(name, tool("decode", name, blocks), dequantize(name, blocks))


def encode_cases(rng):
    """Case → rows of 32 numbers."""
    normal = rng.standard_normal((500, 32)).astype(np.float32)
    powers = np.float32(2) ** np.arange(-126, 128, dtype=np.float32)
    edges = np.stack([powers, np.nextafter(powers, np.float32(0)), np.nextafter(powers, np.float32(np.inf)),
                      powers * np.float32(1.5)], axis=1)
    near = np.zeros((edges.size, 32), np.float32)
    near[:, 3] = edges.reshape(-1)
    near[:, 4] = -edges.reshape(-1) / 3
    ulps = np.float32(1) - np.arange(64, dtype=np.float32) * np.float32(2 ** -24)
    below = np.zeros((ulps.size * 5, 32), np.float32)
    below[:, 0] = np.concatenate([ulps * np.float32(2.0 ** e) for e in (-100, -9, 0, 13, 100)])
    ties = rng.integers(-16, 17, (300, 32)).astype(np.float32) / 2
    ties[:, 0] = 8
    opposite = np.ones((2, 32), np.float32)
    opposite[0, 1::2] = -1
    opposite[1, ::2] = -1
    return {
        "normal": normal, "small": normal * np.float32(1e-4), "subnormal halves": normal * np.float32(1e-7),
        "subnormal": normal * np.float32(1e-40),
        "smallest": rng.integers(0, 40, (50, 32)).astype(np.uint32).view(np.float32),
        "large": normal * np.float32(1e5), "huge": normal * np.float32(5e37), "powers of two": near,
        "just below": below, "ties": ties, "opposite": opposite,
        "equal": np.ones((4, 32), np.float32) * np.array([[0], [1], [-1], [3e-6]], np.float32),
        "offset": normal + np.float32(1000), "overflow": np.clip(normal, -1, 1) * np.float32(3.4e38),
        "outliers": np.where(rng.random((300, 32)) < 0.03, normal[:300] * 1000, normal[:300]).astype(np.float32),
    }


@pytest.mark.parametrize("name", ENCODED)
def test_encode(name):
    elements, size = gguf.GGML_QUANT_SIZES[Type[name]]
    for case, x in encode_cases(np.random.default_rng(7)).items():
        x = np.ascontiguousarray(x)
        want = quantize(name, x).reshape(-1)
        got = np.frombuffer(tool("encode", name, x), np.uint8)
        assert got.shape == want.shape, f"{name}, {case}"
        bad = np.flatnonzero(got != want)
        assert bad.size == 0, (f"{name}, {case}: byte {bad[0] % size} of block {bad[0] // size}: {got[bad[0]]} "
                               f"instead of {want[bad[0]]}, {bad.size} bytes differ, "
                               f"x = {x.reshape(-1, elements)[bad[0] // size].tolist()}")


@pytest.mark.parametrize("name", ["F16", "BF16"])
def test_encode_rounds_to_nearest_even(name):
    high = np.arange(1 << 16, dtype=np.uint32) << 16
    low = np.array([0, 1, 0xfff, 0x1000, 0x1001, 0x2fff, 0x3000, 0x3001, 0x7fff, 0x8000, 0x8001, 0xffff], np.uint32)
    x = (high[:, None] | low[None, :]).view(np.float32)
    x = np.ascontiguousarray(x[~np.isnan(x)])
    got, want = np.frombuffer(tool("encode", name, x), np.uint16), quantize(name, x.reshape(-1, 1)).view(np.uint16)
    bad = np.flatnonzero(got != want.reshape(-1))
    assert bad.size == 0, f"{name}: {x[bad[0]].hex()} gives {got[bad[0]]:#x}, {bad.size} differ"


def test_encode_not_a_number():
    x = np.zeros((3, 32), np.float32)
    x[0, 5], x[1, 5], x[2, 0] = np.nan, np.inf, -np.inf
    for name in ["Q4_0", "Q5_0", "Q8_0", "MXFP4", "BF16"]:
        assert tool("encode", name, x) == quantize(name, x).tobytes(), name


# The most that the root mean square error of normal numbers may be: about a fifth above what was measured.
BOUNDS = {"Q2_K": 0.36, "Q3_K": 0.19, "Q4_K": 0.09, "Q5_K": 0.045, "Q6_K": 0.023, "IQ4_NL": 0.1, "IQ4_XS": 0.1}


@pytest.mark.parametrize("name", BOUNDS)
def test_the_test_encoder_is_sound(name):
    """The encoders behind the test models: the codec reads back about what went in, whatever the scale."""
    x = np.random.default_rng(3).standard_normal((64, 512)).astype(np.float32)
    for scale in (1e-3, 1, 100):
        y = np.frombuffer(tool("decode", name, gguf_encode.encode(x * np.float32(scale), name)), np.float32)
        error = float(np.sqrt(np.mean((y.reshape(x.shape) / scale - x) ** 2)))
        assert error < BOUNDS[name], f"{name} at scale {scale}: {error}"
    assert not np.frombuffer(tool("decode", name, gguf_encode.encode(x * 0, name)), np.float32).any(), name


@pytest.mark.parametrize("arch", tiny_gguf.ARCHS)
def test_tiny_models_are_reproducible(arch, tmp_path):
    for i in range(2):
        tiny_gguf.write("Q4_K", tmp_path / str(i), arch)
    assert (tmp_path / "0").read_bytes() == (tmp_path / "1").read_bytes()
    reader = gguf.GGUFReader(tmp_path / "0")
    assert len(reader.fields["tokenizer.ggml.tokens"].data) == tiny_gguf.VOCAB
