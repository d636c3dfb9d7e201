# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""The licence table's OSI marks against the SPDX list."""
import json
import os
import subprocess
from pathlib import Path

import pytest

LIST = Path(os.environ.get("MICA_TEST_CACHE") or Path.home() / ".cache" / "mica-test") / "licences" / "spdx-full.json"
BUILD = Path(os.environ.get("MICA_BUILD") or Path(__file__).resolve().parents[2] / "build")


def rows(*ids):
    done = subprocess.run([BUILD / "tests" / "licence_tool", *ids], capture_output=True, text=True, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


@pytest.mark.skipif(not LIST.exists(), reason="tools/fetch.py spdx")
def test_osi_marks():
    listed = json.loads(LIST.read_text())
    approved = {name: bool(row.get("osiApproved")) for name, row in listed.items()}
    in_table = {name: osi == "OSI" for name, osi in rows()}
    assert {name: osi for name, osi in in_table.items() if name in approved} == {
        name: approved[name] for name in in_table if name in approved}
    assert {name: osi == "OSI" for name, osi, _ in rows(*approved)} == approved


def test_open_marks():
    expected = {"MIT": "open", "CC0-1.0": "open", "ODC-By-1.0": "open", "CDLA-Sharing-1.0": "open",
                "OpenMDW-1.1": "open", "CC-BY-2.5-AU": "open", "CC-BY-SA-3.0-AT": "open", "CC-BY-NC-4.0": "-",
                "CC-BY-ND-4.0": "-", "LicenseRef-Gemma": "-", "SSPL-1.0": "-", "Elastic-2.0": "-", "JSON": "-"}
    assert {name: is_open for name, _, is_open in rows(*expected)} == expected
