#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""C files look as clang-format with .clang-format makes them. --fix formats them."""
import subprocess
import sys

from sources import ROOT, c_files, finish, need


def main():
    files = c_files()
    tool = need("clang-format")
    if "--fix" in sys.argv[1:]:
        subprocess.run([tool, "-i", *files], cwd=ROOT, check=True)
        return
    done = subprocess.run([tool, "--dry-run", "-ferror-limit=1", *files], cwd=ROOT, capture_output=True, text=True,
                          check=False)
    places = [line.split(": warning:")[0] for line in done.stderr.splitlines() if ": warning:" in line]
    first = {}
    for place in places:
        first.setdefault(place.split(":")[0], place)
    problems = [f"{place}: not as clang-format makes it; run tools/check_format.py --fix" for place in first.values()]
    if done.returncode != 0 and not problems:
        problems = [done.stderr]
    finish(f"format ({len(files)} files)", problems)


if __name__ == "__main__":
    main()
