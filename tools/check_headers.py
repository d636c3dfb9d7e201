#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone; every public one as C and as C++, without the project's flags."""
import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

from sources import ROOT, finish, need, project_files

PUBLIC = ["-Iinclude", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror"]
# A private header may be a template that its includer completes, so only errors count.
PRIVATE = ["-std=gnu17", "-D_GNU_SOURCE", "-Iinclude", "-Isrc", "-w"]
AVX512 = ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx512vnni", "-mfma", "-mf16c"]


def compiles(job):
    compiler, flags, include = job
    suffix = ".cc" if compiler == "g++" else ".c"
    with tempfile.NamedTemporaryFile("w", suffix=suffix) as source:
        # Twice: the guard is part of the contract.
        source.write(f"#include {include}\n#include {include}\nextern int not_empty;\n")
        source.flush()
        done = subprocess.run([need(compiler), *flags, "-fsyntax-only", source.name], cwd=ROOT, capture_output=True,
                              text=True, check=False)
    return None if done.returncode == 0 else f"{include} with {compiler} {flags[0]}:\n{done.stderr}"


def main():
    jobs = []
    for path in project_files(".h", under=("include/",)):
        include = f"<{path.removeprefix('include/')}>"
        jobs += [("gcc", ["-std=c11", "-pedantic", *PUBLIC], include),
                 ("g++", ["-std=c++11", *PUBLIC], include)]
    for path in project_files(".h", under=("src/",)):
        if "/x86/" not in path or os.uname().machine == "x86_64":
            jobs.append(("gcc", PRIVATE + (AVX512 if "/x86/" in path else []), f'"{path.removeprefix("src/")}"'))
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        finish(f"headers ({len(jobs)} compilations)", [problem for problem in workers.map(compiles, jobs) if problem])


if __name__ == "__main__":
    main()
