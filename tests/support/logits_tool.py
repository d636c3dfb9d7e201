# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Runs tests/tools/logits_tool.c and compares rows of logits."""
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

TOOL = Path(os.environ.get("MICA_BUILD") or Path(__file__).resolve().parents[2] / "build") / "tests" / "logits_tool"
BOUND = 1e-4


def run(path, ids, cache="f32", env=None):
    if not TOOL.exists():
        pytest.skip(f"{TOOL} is not built")
    return subprocess.run([TOOL, path, cache], input=" ".join(map(str, ids)).encode(), capture_output=True, check=False,
                          timeout=120, env={**os.environ, **(env or {})})


def logits(path, ids, cache="f32", env=None):
    """[T, V] as Mica computes it."""
    done = run(path, ids, cache, env)
    assert done.returncode == 0, done.stderr.decode()
    return np.frombuffer(done.stdout, np.float32).reshape(len(ids), -1)


def errors(got, want):
    """Relative error of each row: the length of the difference against the length of the row."""
    return np.linalg.norm(got - want, axis=1) / np.linalg.norm(want, axis=1)


def compare(label, got, want, bound=BOUND):
    assert got.shape == want.shape, f"{label}: {got.shape} instead of {want.shape}"
    each = errors(got, want)
    assert each.max() <= bound, f"{label}: row {each.argmax()} of {len(each)} is off by {each.max():.2e}, bound {bound}"
