# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""The GGUF reader sees the same metadata and tensor table as the pip package gguf, for three real models."""

import json
import subprocess

import pytest
from conftest import BUILD

gguf = pytest.importorskip("gguf")


def plain(field):
    """What gguf_dump prints for this field: numbers as they are, strings as the hex of their bytes."""
    kinds = [t.name for t in field.types]
    values = []
    for index in field.data:
        part = field.parts[index]
        if kinds[-1] == "STRING":
            values.append(bytes(part).hex())
        elif kinds == ["BOOL"]:
            values.append(bool(part[0]))
        else:
            values.append(part[0].item())
    return values if kinds[0] == "ARRAY" else values[0]


@pytest.mark.parametrize("name", ["smollm2", "qwen", "gemma"])
def test_same_as_pip_gguf(name, fetched):
    path = fetched(f"models/{name}.gguf")
    ours = json.loads(subprocess.run([BUILD / "tests/gguf_dump", path], check=True, capture_output=True).stdout)
    reader = gguf.GGUFReader(path)
    fields = {key: field for key, field in reader.fields.items() if not key.startswith("GGUF.")}

    assert list(ours["keys"]) == list(fields), "keys in file order"
    for key, field in fields.items():
        assert ours["keys"][key] == plain(field), key

    assert [t["name"] for t in ours["tensors"]] == [t.name for t in reader.tensors]
    for mine, theirs in zip(ours["tensors"], reader.tensors):
        want = {
            "name": theirs.name,
            "type": int(theirs.tensor_type),
            "offset": int(theirs.data_offset),
            "size": int(theirs.n_bytes),
            "shape": [int(d) for d in reversed(theirs.shape)],
        }
        assert mine == want, theirs.name
