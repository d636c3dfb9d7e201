#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""No C file over 1200 lines, no function over 80 lines or over cyclomatic complexity 20 (pmccabe, a switch counts
one); in tests a function may have 150 lines. Prints the total and the ten largest files and functions."""
import re
import subprocess

from sources import ROOT, c_files, finish, need, project_files

MAX_FILE_LINES = 1200
MAX_FUNCTION_LINES = 80
MAX_TEST_LINES = 150  # a test is a table and a list of assertions
MAX_COMPLEXITY = 20
ROW = re.compile(r"^(\d+)\t(\d+)\t(\d+)\t(\d+)\t(\d+)\t([^(]+)\(\d+\): (.+)$")


def functions(files):
    """(complexity, lines, 'file:line', name) of every function that pmccabe finds."""
    done = subprocess.run([need("pmccabe"), *files], cwd=ROOT, capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        if m := ROW.match(line):
            yield int(m.group(1)), int(m.group(5)), f"{m.group(6)}:{m.group(4)}", m.group(7)


def main():
    files = c_files(".c", ".h", ".def", ".inc")
    lengths = {name: len((ROOT / name).read_text().splitlines()) for name in files}
    found = sorted(functions([name for name in files if name.endswith((".c", ".h", ".inc"))]), key=lambda f: -f[1])
    python = sum(len((ROOT / name).read_text().splitlines()) for name in project_files(".py"))
    source = sum(n for name, n in lengths.items() if not name.startswith("tests/"))
    print(f"{source} lines of C in include, src and examples; {sum(lengths.values()) - source} in tests; "
          f"{python} of Python; {len(found)} functions")
    for name, n in sorted(lengths.items(), key=lambda item: -item[1])[:10]:
        print(f"{n:6} lines  {name}")
    for complexity, n, place, name in found[:10]:
        print(f"{n:6} lines, complexity {complexity:2}  {place} {name}")
    problems = [f"{name}: {n} lines, more than {MAX_FILE_LINES}" for name, n in lengths.items() if n > MAX_FILE_LINES]
    for complexity, n, place, name in found:
        is_test = place.startswith("tests/")
        most = MAX_TEST_LINES if is_test else MAX_FUNCTION_LINES
        if n > most:
            problems.append(f"{place}: {name} has {n} lines, more than {most}")
        if complexity > MAX_COMPLEXITY and not is_test:
            problems.append(f"{place}: {name} has complexity {complexity}, more than {MAX_COMPLEXITY}")
    finish("size", problems)


if __name__ == "__main__":
    main()
