#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""requant.py SOURCE.gguf TYPE OUT.gguf: the same model with its matrices stored as TYPE.

Metadata, vectors, and matrices whose rows are not whole blocks of TYPE stay as they are.
"""
import sys
from pathlib import Path

import gguf
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import gguf_encode  # noqa: E402


def copy_metadata(reader, writer):
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in ("general.architecture", "general.file_type"):
            continue
        kind = field.types[0]
        writer.add_key_value(field.name, field.contents(), kind,
                             field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None)


def requant(source, name, out):
    """Returns the names of the matrices that could not be stored as TYPE."""
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(out, reader.fields["general.architecture"].contents())
    copy_metadata(reader, writer)
    kept = []
    for tensor in reader.tensors:
        shape = [int(n) for n in reversed(tensor.shape)]
        if len(shape) < 2 or not gguf_encode.fits(name, shape):
            if len(shape) > 1:
                kept.append(tensor.name)
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
            continue
        values = np.asarray(gguf.dequantize(tensor.data, tensor.tensor_type), np.float32).reshape(shape)
        writer.add_tensor(tensor.name, gguf_encode.encode(values, name), raw_dtype=gguf.GGMLQuantizationType[name])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return kept


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[2] not in gguf_encode.TYPES:
        sys.exit(f"usage: requant.py SOURCE.gguf TYPE OUT.gguf, TYPE one of {' '.join(gguf_encode.TYPES)}")
    for kept_name in requant(sys.argv[1], sys.argv[2], sys.argv[3]):
        print(f"{kept_name}: rows are not whole blocks of {sys.argv[2]}; kept as it is", file=sys.stderr)
