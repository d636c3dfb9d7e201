#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Common misspellings (codespell). A word that is right after all goes into WORDS."""
import subprocess

from sources import ROOT, finish, need, project_files

WORDS = ["ser", "nd", "inout", "fo", "te", "ot", "bu", "clen", "hel", "thi", "wil", "ba", "als", "ist", "fpr", "larg", "crate", "upto"]
# (The spelling table of licence texts holds the variants that people write.)
SKIP = ("tests/corpus/", "src/govern/licence_spelling.def", "tests/golden/", "LICENSES/", "LICENSE")


def main():
    files = [name for name in project_files() if not name.startswith(SKIP) and
             not name.endswith((".gguf", ".safetensors", ".bin", ".png"))]
    done = subprocess.run([need("codespell"), f"--ignore-words-list={','.join(WORDS)}", *files], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    finish(f"spelling ({len(files)} files)", done.stdout.splitlines() + done.stderr.splitlines())


if __name__ == "__main__":
    main()
