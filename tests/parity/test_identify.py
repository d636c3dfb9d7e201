# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Licences from their texts: all references, the texts that ScanCode's curators labelled, and thousands of changed
texts of which none may be called clean."""
import json
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import BUILD

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from licence_mutations import MUTATIONS  # noqa: E402

TOOL = BUILD / "tests" / "identify_tool"
# Ids whose reference texts are the same words: the shortest is given.
SAME_TEXT = re.compile(r"(-only|-or-later|\+|-(no-)?invariants|-(no-)?RFN|-no-copyleft-exception|-Combined-Work-Exception)")
DEPRECATED = {"StandardML-NJ": "SMLNJ", "BSD-2-Clause-FreeBSD": "BSD-2-Clause", "bzip2-1.0.5": "bzip2-1.0.6"}
# Texts whose label is not what they say.
MISLABELLED = {"bsd-original-uc": "BSD-4-Clause-UC without its advertising clause",
               "python": "labelled Python-2.0, word for word Python-2.0.1"}
POPULAR = ["MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "GPL-2.0-only", "GPL-3.0-only", "LGPL-2.1-only",
           "MPL-2.0", "CC-BY-4.0", "CC0-1.0", "Zlib", "Unlicense", "BSL-1.0", "CDLA-Permissive-2.0", "CC-BY-SA-4.0",
           "CC-BY-NC-4.0", "EPL-2.0", "AGPL-3.0-only", "PostgreSQL", "NCSA", "X11", "MIT-0", "0BSD", "BSD-4-Clause",
           "OFL-1.1", "Artistic-2.0", "ODbL-1.0"]


def identify(texts):
    """[(kind, id)] of {name: text}."""
    data = b"".join(b"%d %s\n" % (len(t), n.encode()) + t for n, t in texts)
    done = subprocess.run([TOOL], input=data, capture_output=True, check=True)
    rows = [line.split("\t") for line in done.stdout.decode().splitlines()]
    assert [row[0] for row in rows] == [name for name, _ in texts]
    return [(row[1], row[2]) for row in rows]


def family(key):
    return SAME_TEXT.sub("", DEPRECATED.get(key, key))


@pytest.fixture(scope="module")
def references(fetched):
    return {key: row["licenseText"] for key, row in
            json.loads(fetched("licences/spdx-full.json").read_text(encoding="utf-8")).items()}


def wrong(names, wanted, found):
    return [f"{name}: {kind} {key}, not {want}" for name, want, (kind, key) in zip(names, wanted, found)
            if kind != "IDENTIFIED" or family(key) != family(want)]


def test_references(references):
    names = list(references)
    assert wrong(names, names, identify([(n, references[n].encode()) for n in names])) == []


@pytest.mark.parametrize("encode", [
    lambda t: b"\xef\xbb\xbf" + t.replace("\n", "\r\n").encode(),
    lambda t: "\n".join(" * " + line for line in t.split("\n")).encode(),
    lambda t: "\n".join("# " + line for line in t.split("\n")).encode(),
    lambda t: t.upper().encode(),
    lambda t: ("Copyright (c) 2019-2024 Jane Doe <jane@example.org> and contributors\n\n" + t).encode(),
    lambda t: re.sub(r"[ \t]+", "  ", t).encode(),
    lambda t: re.sub(r"\bhttp://", "https://", t).encode(),
], ids=["bom-crlf", "stars", "hashes", "capitals", "copyright", "spaces", "https"])
def test_forms(references, encode):
    assert wrong(POPULAR, POPULAR, identify([(n, encode(references[n])) for n in POPULAR])) == []


def test_latin1(references):
    text = references["CECILL-2.1"].replace("’", "'").replace("œ", "oe")
    assert identify([("x", text.encode("latin-1", "replace"))])[0] != ("IDENTIFIED", "MIT")
    assert identify([("x", ("© 2020 Jérôme Müller\n\n" + references["MIT"]).encode("latin-1"))]) == [("IDENTIFIED", "MIT")]


def test_several_licences(references):
    both = references["MIT"] + "\n\n" + references["Apache-2.0"]
    twice = both + "\n\n" + references["MIT"]
    four = "\n\n".join(references[key] for key in ("MIT", "Apache-2.0", "BSD-3-Clause", "ISC"))
    assert identify([("four", four.encode())]) == [("IDENTIFIED", "MIT AND Apache-2.0 AND BSD-3-Clause AND ISC")]
    assert identify([("broken", (four + "\n\n" + references["Zlib"].replace("not", "")).encode())])[0][0] == "MODIFIED"
    assert identify([("both", both.encode()), ("twice", twice.encode())]) == [("IDENTIFIED", "MIT AND Apache-2.0")] * 2


BSD3_NAMES = ("Neither the name of the copyright holder nor the names of its contributors may be used",
              "The name of the author may not be used")
APACHE_NOTICE = "Copyright 2014 Grant Jenks\n\n"
MPL_NOTICE = """Copyright (C) 2020 Jane Doe (https://doe.example)
This Source Code Form is subject to the terms of the Mozilla Public License, v. 2.0. If a copy of the MPL was not
distributed with this file, You can obtain one at http://mozilla.org/MPL/2.0/.

---

"""


def apache_notice(references):
    text = references["Apache-2.0"]
    return APACHE_NOTICE + text[text.index("Licensed under the Apache License, Version 2.0"):]


def test_everyday_forms(references):
    """How projects write these licences; changed, they are no longer that."""
    bsd = re.sub(r"\s+", " ", references["BSD-3-Clause"])
    assert BSD3_NAMES[0] in bsd
    forms = {
        "BSD-3-Clause": bsd.replace(*BSD3_NAMES),
        "Apache-2.0": apache_notice(references),
        "MPL-2.0": MPL_NOTICE + references["MPL-2.0"],
    }
    names = list(forms)
    assert wrong(names, names, identify([(n, forms[n].encode()) for n in names])) == []
    changed = {"BSD-3-Clause": ("may not be used", "may be used"), "Apache-2.0": ("you may not use", "you may use"),
               "MPL-2.0": ("a copy of the MPL", "no copy of the MPL")}
    texts = [(n, forms[n].replace(*changed[n]).encode()) for n in names]
    assert all(kind != "IDENTIFIED" for kind, _ in identify(texts))
    notice = apache_notice(references) + "\nNot for commercial use.\n"
    assert identify([("notice", notice.encode())])[0][0] != "IDENTIFIED"


def test_labelled_texts(references, fetched):
    names, wanted, texts = [], [], []
    for path in sorted(fetched("licensedcode").glob("*.LICENSE")):
        head, body = re.match(r"---\n(.*?)\n---\n?(.*)", path.read_text(encoding="utf-8"), re.S).groups()
        key = re.search(r"^spdx_license_key: (\S+)$", head, re.M)
        if key and key.group(1) in references and path.stem not in MISLABELLED:
            names.append(path.stem)
            wanted.append(key.group(1))
            texts.append((path.stem, body.encode()))
    problems = wrong(names, wanted, identify(texts))
    assert len(names) > 600 and len(problems) <= 0.005 * len(names), problems


def changed_texts(references, n, seed):
    rng = random.Random(seed)
    keys = sorted(references)
    while n > 0:
        key = rng.choice(POPULAR) if rng.random() < 0.6 else rng.choice(keys)
        mutation = rng.choice(MUTATIONS)
        try:
            text = mutation(rng, references[key])
        except (IndexError, ValueError):
            continue  # no word, or only one, to change
        if text and text != references[key]:
            n -= 1
            yield f"{key} {mutation.__name__}", text


def check_changed(references, n, seed):
    texts = [(f"{i} {name}", text.encode()) for i, (name, text) in enumerate(changed_texts(references, n, seed))]
    problems = []
    for (name, text), (kind, key) in zip(texts, identify(texts)):
        was = name.split()[1]
        # A licence may become another one whole (BSD-2-Clause without a clause): that is then what the text is.
        if kind == "IDENTIFIED" and family(key) == family(was):
            problems.append(f"{name}: still {key}:\n{text.decode()[:3000]}")
    assert not problems, "\n".join(problem.split(":\n")[0] for problem in problems) + "\n" + problems[0]


def test_changed(references):
    check_changed(references, 500, 20261124)


@pytest.mark.slow
def test_changed_more(references):
    check_changed(references, 5000, 1)


def test_command(mica, references, tmp_path):
    path = tmp_path / "LICENSE"
    path.write_text("MIT License\n\nCopyright (c) 2024 Jane Doe\n\n" + references["MIT"].split("\n\n", 2)[2])
    done = mica("licence", path)
    assert (done.returncode, done.stdout) == (0, "MIT\n")
    path.write_text(path.read_text() + "\nFor non-commercial purposes only.\n")
    done = mica("licence", path, "--json", "--diff")
    found = json.loads(done.stdout)
    assert done.returncode == 10 and found["result"] == "modified" and found["id"] == "LicenseRef-modified-MIT"
    assert "[+For non-commercial purposes only+]" in found["diff"]
    path.write_text("This is no licence at all.\n")
    assert mica("licence", path).returncode == 10
    assert mica("licence", "--text", "apache-2.0").stdout == references["Apache-2.0"]
