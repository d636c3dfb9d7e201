# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""The clauses that the licence table cites exist in the licences' texts."""
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

BUILD = Path(os.environ.get("MICA_BUILD") or Path(__file__).resolve().parents[2] / "build")
# Rows whose texts SPDX does not have.
OTHER = {"LicenseRef-Llama-2": "llama-2-license-2023", "LicenseRef-OpenRAIL-M": "bigscience-open-rail-m",
         "LicenseRef-CreativeML-OpenRAIL-M": "stable-diffusion-2022-08-22"}
# Clauses named by words are looked up as words, those counted by us ("par. 2") cannot be.
COUNTED = re.compile(r"par\.|cond\.|^item|^GPL |^PSF ")
WORDS = re.compile(r"[A-Z][A-Za-z]{3}")
# Lists without labels in this copy; the text itself speaks of its "paragraph 4.a".
UNLABELLED = {("LicenseRef-CreativeML-OpenRAIL-M", f"4.{letter}") for letter in "abcd"}


def cited():
    done = subprocess.run([BUILD / "tests" / "licence_tool", "--clauses"], capture_output=True, text=True, check=True)
    found = {}
    for line in done.stdout.splitlines():
        licence, clause = line.split("\t")
        found.setdefault(licence, set()).add(clause)
    return found


def in_text(clause, text):
    """Whether the labels of a clause, "3(a)(1)", stand one after the other in the text."""
    at = 0
    for i, part in enumerate(re.findall(r"[0-9]+(?:\.[0-9]+)*|[a-zA-Z]+", clause)):
        label = re.escape(part)
        pattern = (rf"(?m)^[\s#*(]*(?:Section |Article )?{label}(?:[.):\s–]|$|\.?[A-Z])" if i == 0 else
                   rf"(?m)(?:^[\s(]*|\(){label}[.)]")
        found = re.compile(pattern).search(text, at)
        if not found:
            return False
        at = found.start() if i == 0 else found.end()
    return True


def missing(licence, clauses, text):
    wrong = []
    for clause in clauses:
        if COUNTED.search(clause):
            continue
        if WORDS.search(clause):
            if WORDS.search(clause)[0].lower() not in text.lower():
                wrong.append((licence, clause))
            continue
        for one in clause.split(", "):
            if (licence, one) not in UNLABELLED and not WORDS.search(one) and not in_text(one, text):
                wrong.append((licence, one))
    return wrong


def test_cited_clauses_exist(fetched):
    texts = {name: row["licenseText"] for name, row in json.loads(fetched("licences/spdx-full.json").read_text()).items()}
    folder = fetched("licensedcode")
    texts.update({name: (folder / f"{file}.LICENSE").read_text() for name, file in OTHER.items()})
    looked_up = {name: clauses for name, clauses in cited().items() if name in texts and name != "LicenseRef-Llama-2"}
    policy = {clause for clause in cited()["LicenseRef-Llama-2"] if not clause.startswith("Use Policy")}
    looked_up["LicenseRef-Llama-2"] = policy
    wrong = [one for name, clauses in looked_up.items() for one in missing(name, clauses, texts[name])]
    assert len(looked_up) > 70
    assert wrong == []


@pytest.mark.parametrize("clause,exists", [("2(a)(1)", True), ("2(a)(9)", False), ("19", False)])
def test_looks_for_labels(clause, exists):
    assert in_text(clause, "Section 1 – Words.\nSection 2 – Scope.\n  a.\tGrant.\n   1. You may.\n") is exists
