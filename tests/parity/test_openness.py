# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""mica openness against the golden files of the Model Openness Tool: classes and percentages."""
import json
import os
import re
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("MICA_SHARED") or Path(__file__).resolve().parents[3] / "shared")
GOLDENS = SHARED / "data" / "mof"
EXPECTED = GOLDENS / "expected_results.json"


def expected():
    """{release name: classification}; the tool's file has commas before closing brackets."""
    if not EXPECTED.exists():
        return {}
    text = re.sub(r",(\s*[}\]])", r"\1", EXPECTED.read_text())
    return {model["release"]["name"]: model["classification"] for model in json.loads(text)["models"]}


@pytest.mark.skipif(not EXPECTED.exists(), reason="the golden files are not here")
def test_goldens(mica):
    goldens, wrong, seen = expected(), [], 0
    for path in sorted(GOLDENS.glob("*.yml")):
        found = json.loads(mica("openness", path, "--json").stdout)
        want = goldens[found["subject"]]
        seen += 1
        same = all(abs(found["progress"][c] - want["progress"][c]) < 0.01 for c in "123")
        if not same or found["class"] != want["class"] or found["label"] != want["label"]:
            wrong.append((path.name, found["class"], found["progress"], want))
    assert not wrong
    assert seen == len(goldens) >= 25
