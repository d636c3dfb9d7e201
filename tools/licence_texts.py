#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Packs the reference licence texts into what the library carries: a gzip file and the assembly that includes it.

usage: licence_texts.py OUT.gz OUT.S [SPDX-FULL.JSON]

The texts are those of npm's spdx-license-list (CC0-1.0). Without a file they come from the cache of tools/fetch.py,
which fetches them by digest when they are not there. With neither, the set is empty and the library says so."""
import gzip
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

CACHE = Path(os.environ.get("MICA_TEST_CACHE") or Path.home() / ".cache" / "mica-test") / "licences" / "spdx-full.json"


def source(args):
    if args:
        return Path(args[0])
    if not CACHE.is_file():
        try:
            subprocess.run([sys.executable, str(Path(__file__).parent / "fetch.py"), "spdx"], check=False, timeout=120,
                           stdin=subprocess.DEVNULL)
        except (OSError, subprocess.TimeoutExpired) as error:
            print(f"licence texts: {error}", file=sys.stderr)
    return CACHE if CACHE.is_file() else None


def pack(licences):
    """Count, then id, name and text of each, all NUL-terminated, in order of id."""
    parts = [str(len(licences))]
    for key in sorted(licences):
        row = licences[key]
        parts += [key, row["name"], row["licenseText"]]
    if any("\0" in part for part in parts):
        sys.exit("licence texts: a text holds a NUL")
    return "".join(part + "\0" for part in parts).encode()


def main():
    out, assembly, *rest = sys.argv[1:]
    path = source(rest)
    licences = json.loads(path.read_text(encoding="utf-8")) if path else {}
    if not licences:
        print("licence texts: none found; `mica licence` will identify nothing. Configure with -Dlicence_texts=FILE "
              "or run tools/fetch.py spdx, then delete this target's output", file=sys.stderr)
    packed = pack(licences)
    data = gzip.compress(packed, 9, mtime=0)
    Path(out).write_bytes(data)
    # The digest makes the assembly change with the data, so that it is assembled anew.
    Path(assembly).write_text(f"""/* {hashlib.sha256(data).hexdigest()} */
    .section .rodata
    .global mica_licence_pack
    .global mica_licence_pack_end
    .global mica_licence_pack_size
    .hidden mica_licence_pack
    .hidden mica_licence_pack_end
    .hidden mica_licence_pack_size
    .balign 16
mica_licence_pack:
    .incbin "{Path(out).resolve()}"
mica_licence_pack_end:
    .byte 0
    .balign 8
mica_licence_pack_size:
    .quad {len(packed)}
    .section .note.GNU-stack,"",%progbits
""")


if __name__ == "__main__":
    main()
