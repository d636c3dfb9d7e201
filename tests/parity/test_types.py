# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Each weight type through the whole engine, against a forward pass in numpy that rounds inputs to 8 bits as Mica does.

The two add numbers up in different orders, so now and then a value on the border between two codes becomes the other
one; such a row is off by as much as the rounding itself. With one layer that happens to few rows; the others are
equal to the last digits, and they are what the test counts.
"""
import sys
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("gguf")

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import gguf_encode  # noqa: E402
import gguf_forward  # noqa: E402
import tiny_gguf  # noqa: E402
from logits_tool import compare, errors, logits  # noqa: E402

FLOATS = ("F32", "F16", "BF16")
IDS = np.random.default_rng(1).integers(0, tiny_gguf.VOCAB, 100).tolist()


@pytest.mark.parametrize("arch, name", [("llama", name) for name in gguf_encode.TYPES] +
                         [(arch, name) for arch in tiny_gguf.ARCHS if arch != "llama" for name in ("F32", "Q4_0", "Q6_K")])
def test_type(arch, name, tmp_path):
    path = tmp_path / "model.gguf"
    tiny_gguf.write(name, path, arch, layers=1)
    got, want = logits(path, IDS), gguf_forward.Model(path, int8=True).logits(IDS)
    if name in FLOATS:
        compare(f"{arch}, {name}", got, want)
        return
    each = errors(got, want)
    equal = np.count_nonzero(each < 1e-5)
    assert equal >= 0.8 * len(IDS), f"{arch}, {name}: only {equal} of {len(IDS)} rows are equal"
    assert each.max() < 0.05, f"{arch}, {name}: row {each.argmax()} is off by {each.max():.2e}"


@pytest.mark.parametrize("arch", tiny_gguf.ARCHS)
def test_deep(arch, tmp_path):
    """All layers: rounding has spread to every row, but it has not grown."""
    path = tmp_path / "model.gguf"
    tiny_gguf.write("Q4_K", path, arch)
    exact = gguf_forward.Model(path).logits(IDS)
    ours = np.median(errors(logits(path, IDS), exact))
    rounded = np.median(errors(gguf_forward.Model(path, int8=True).logits(IDS), exact))
    assert 0.8 < ours / rounded < 1.25, f"{arch}: off by {ours:.2e}; rounding inputs to 8 bits explains {rounded:.2e}"
