# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Go templates render as Go's text/template renders them, over the data that Ollama gives; errors name the same line.

What Go made of the cases lies in tests/golden/gotmpl.json; where a Go of 1.24 or later is installed it is asked again."""
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from test_templates import ours

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "support"))
import gotmpl_cases  # noqa: E402

CASES = list(gotmpl_cases.cases())


def go_is_new_enough():
    """1.24 is the first that ranges over numbers; Debian 12 has 1.19."""
    said = shutil.which("go") and subprocess.run(["go", "version"], capture_output=True, text=True).stdout
    found = re.search(r"go(\d+)\.(\d+)", said or "")
    return bool(found) and (int(found[1]), int(found[2])) >= (1, 24)


def line_of(answer):
    """The line that an error names; where Go names none, it counts for nothing."""
    found = re.match(r"template(?: line |: :)(\d+)", answer["error"])
    return int(found[1]) if found else None


def check(wanted):
    assert len(wanted) == len(CASES), "make tests/golden/gotmpl.json anew: tests/support/gotmpl_cases.py says how"
    bad = []
    for (name, _, _), want, got in zip(CASES, wanted, ours([(t, v) for _, t, v in CASES])):
        same = want.get("text") == got.get("text")
        if "error" in want and "error" in got and line_of(want):
            same = line_of(want) == line_of(got)
        if not same:
            bad.append(f"{name!r}: Go {want}, Mica {got}")
    assert not bad, "\n".join(bad)


def test_golden():
    check(json.loads((TESTS / "golden" / "gotmpl.json").read_text()))


@pytest.mark.skipif(not go_is_new_enough(), reason="no Go of 1.24 or later is installed")
def test_go_itself():
    check(gotmpl_cases.go_renders(TESTS / "support" / "gotmpl_oracle", CASES))
