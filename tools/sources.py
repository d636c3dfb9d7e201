# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""What the checks share: the project's files, and how a check ends."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("MICA_BUILD") or ROOT / "build")
QUICK = bool(os.environ.get("MICA_QUICK"))


def project_files(*suffixes, under=("",)):
    """The project's own files (tracked, or new and not ignored), relative to the root, sorted."""
    done = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True,
                          check=False)
    if done.returncode == 0:
        names = done.stdout.splitlines()
    else:
        names = [str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if p.is_file()]
    return sorted(n for n in set(names) if n.startswith(under) and (not suffixes or n.endswith(suffixes)) and
                  (ROOT / n).is_file())


def c_files(*suffixes):
    return project_files(*(suffixes or (".c", ".h")), under=("include/", "src/", "tests/", "examples/"))


def changed_files():
    """What differs from the last commit but one: what a quick check looks at."""
    done = subprocess.run(["git", "diff", "--name-only", "HEAD~1"], cwd=ROOT, capture_output=True, text=True,
                          check=False)
    new = subprocess.run(["git", "ls-files", "-o", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True,
                         check=False)
    return set(done.stdout.splitlines()) | set(new.stdout.splitlines())


def need(tool):
    """The path of a tool; absent is a failure, not a skip: ./test.sh installs it."""
    path = shutil.which(tool)
    if not path:
        sys.exit(f"{tool} is not installed: run tools/install_deps.sh test")
    return path


def finish(what, problems):
    for problem in problems:
        print(problem)
    print(f"{what}: {len(problems)} problem{'' if len(problems) == 1 else 's'}")
    sys.exit(1 if problems else 0)
