# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""The heads of real models, damaged: what is left opens or is refused, and nothing crashes. (The kept corpus has
small files only; test.sh damages those in the sanitizer build.)"""
import struct
import subprocess

import pytest
from conftest import BUILD


def head_of(path):
    """The file up to its tensor table, saying that it has no tensors."""
    gguf = pytest.importorskip("gguf")
    reader = gguf.GGUFReader(path)
    end = min(field.offset for field in (tensor.field for tensor in reader.tensors))
    with open(path, "rb") as file:
        head = bytearray(file.read(end))
    struct.pack_into("<Q", head, 8, 0)
    return bytes(head)


@pytest.mark.slow
def test_smollm2_head(fetched, tmp_path):
    (tmp_path / "head.gguf").write_bytes(head_of(fetched("models/smollm2.gguf")))
    done = subprocess.run([BUILD / "tests/fuzz/replay_fuzz_gguf", tmp_path, "300"], capture_output=True, text=True,
                          check=False, timeout=600)
    assert done.returncode == 0, f"exit {done.returncode}: {done.stderr[-200:]}"
