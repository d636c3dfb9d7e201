#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone; every public one as C and as C++, without the project's flags."""
import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

from sources import ROOT, finish, need, project_files

WARNINGS = ["-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-unused-function", "-Werror", "-fsyntax-only"]


def compiles(job):
    compiler, flags, include = job
    suffix = ".cc" if compiler == "g++" else ".c"
    with tempfile.NamedTemporaryFile("w", suffix=suffix) as source:
        # Twice: the guard is part of the contract.
        source.write(f"#include {include}\n#include {include}\nextern int not_empty;\n")
        source.flush()
        done = subprocess.run([need(compiler), *flags, *WARNINGS, source.name], cwd=ROOT, capture_output=True,
                              text=True, check=False)
    return None if done.returncode == 0 else f"{include} with {compiler} {flags[0]}:\n{done.stderr}"


def main():
    jobs = []
    for path in project_files(".h", under=("include/",)):
        include = f"<{path.removeprefix('include/')}>"
        jobs += [("gcc", ["-std=c11", "-pedantic", "-Iinclude"], include),
                 ("g++", ["-std=c++11", "-Iinclude"], include)]
    for path in project_files(".h", under=("src/",)):
        jobs.append(("gcc", ["-std=gnu17", "-D_GNU_SOURCE", "-Iinclude", "-Isrc"], f'"{path.removeprefix("src/")}"'))
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        finish(f"headers ({len(jobs)} compilations)", [problem for problem in workers.map(compiles, jobs) if problem])


if __name__ == "__main__":
    main()
