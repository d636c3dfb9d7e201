#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy with .clang-tidy over the sources of the build (not the tests, whose assertions it cannot follow); in a quick run only over the changed ones."""
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sources import BUILD, QUICK, ROOT, changed_files, finish, need

GATES = ROOT / "tests" / "gates"
# Options of gcc that clang does not know.
DROP = ("-fno-fat-lto-objects", "-fno-tree-ter", "-fno-tree-reassoc", "-Wno-clobbered", "-Wno-maybe-uninitialized")


def commands():
    """{source: compile command} of the build's own C files; a file built twice counts once."""
    found = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        path = os.path.relpath(os.path.join(entry["directory"], entry["file"]), ROOT)
        if path.endswith(".c") and path.startswith(("src/", "examples/")):
            words = [w for w in entry["command"].split() if w not in DROP]
            found.setdefault(path, {**entry, "command": " ".join(words), "file": str(ROOT / path)})
    return found


def known_outcomes(path):
    """Headers that tell the analyser what functions of other files always return."""
    text = (ROOT / path).read_text()
    if "enum mica_status mica_fail(" not in text:
        yield GATES / "analyzer.h"
    if path.startswith("src/format/chat") and "bool chat_fail(" not in text:
        yield GATES / "analyzer_chat.h"


def main():
    if not (BUILD / "compile_commands.json").is_file():
        sys.exit(f"{BUILD}: not built")
    entries = commands()
    files = sorted(sys.argv[1:] or entries)
    if QUICK:
        files = sorted(set(files) & changed_files())
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as workers:
        (Path(folder) / "compile_commands.json").write_text(json.dumps(list(entries.values())))

        def tidy(path):
            extra = [f"--extra-arg-before=-include{header}" for header in known_outcomes(path)]
            done = subprocess.run([need("clang-tidy"), "--quiet", *extra, "-p", folder, str(ROOT / path)], cwd=ROOT,
                                  capture_output=True, text=True, check=False)
            return done.stdout.strip() if done.returncode != 0 or "warning:" in done.stdout else None

        finish(f"tidy ({len(files)} files)", [text for text in workers.map(tidy, files) if text])


if __name__ == "__main__":
    main()
