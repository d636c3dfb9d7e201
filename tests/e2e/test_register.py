# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""The register as people use it: recording files, folders and foreign stores, licences as a page, history, datasets;
what was changed behind Mica's back is refused and can be recorded anew."""
import csv
import hashlib
import html.parser
import io
import json
import re
import sqlite3
import struct
import subprocess

import pytest

from conftest import BUILD, ROOT

DENIED, NOT_FOUND, MALFORMED, USAGE = 10, 5, 3, 2


def gguf(path, **keys):
    """A GGUF file without tensors; a name's __ is a dot."""
    out = b"GGUF" + struct.pack("<IQQ", 3, 0, len(keys))
    for key, value in keys.items():
        for text, kind in ((key.replace("__", "."), 8), (value, None)):
            out += struct.pack("<Q", len(text.encode())) + text.encode()
            out += struct.pack("<I", kind) if kind else b""
    path.write_bytes(out)
    return path


@pytest.fixture
def home(tmp_path, mica):
    """Runs mica in a store of the test's own; checks the exit code."""
    class Home:
        path = tmp_path / "home"

        def __call__(self, *arguments, code=0):
            done = mica(*arguments, env={"MICA_HOME": str(self.path)}, cwd=tmp_path)
            assert done.returncode == code, done.stdout + done.stderr
            return done.stdout if code == 0 else done.stderr

        def tamper(self, sql):
            with sqlite3.connect(self.path / "register.db") as db:
                db.execute(sql)
            db.close()

        def rows(self, *arguments):
            return json.loads(self("licences", *arguments, "--format", "json"))["components"]

        def component(self, name):
            return json.loads(self("register", name, "--json"))["components"][0]
    return Home()


def licence_text(spdx_id, fetched):
    listing = json.loads(fetched("licences/spdx-full.json").read_text())
    return listing[spdx_id]["licenseText"] if "licenseText" in listing[spdx_id] else listing[spdx_id]["license"]


def test_a_file_where_it_lies(home, tmp_path):
    path = gguf(tmp_path / "My Model.gguf", general__license="apache-2.0", tokenizer__chat_template="{{ messages }}")
    out = home("register", path, "--owner", "us", "--notes", "a note")
    assert "my-model:latest: registered" in out and "(declared; no text confirms it)" in out
    row = home.component("my-model")
    assert row["owner"] == "us" and row["notes"] == "a note" and row["source"] == f"file:{path}"
    assert row["template_digest"] == hashlib.sha256(b"{{ messages }}").hexdigest()
    blob = home.path / "blobs" / f"sha256-{hashlib.sha256(path.read_bytes()).hexdigest()}"
    assert blob.is_symlink() and blob.resolve() == path
    assert "My Model" not in home("list") and "my-model:latest" in home("list")


def test_changes_are_told(home, tmp_path):
    path = gguf(tmp_path / "m.gguf", general__license="mit")
    home("register", path)
    gguf(path, general__license="apache-2.0")
    out = home("register", path)
    assert "declared_key: mit → apache-2.0" in out and "digest: " in out
    assert "unchanged" in home("register", "m")
    lines = home("history", "m").splitlines()
    assert len(lines) == 3 and "new; digest" in lines[0] and "mit → apache-2.0" in lines[1] and "unchanged" in lines[2]
    assert json.loads(home("history", "--json"))["whole"] is True


def test_a_file_that_changed_is_not_recorded(home, tmp_path):
    path = gguf(tmp_path / "m.gguf", general__license="mit")
    home("register", path)
    gguf(path, general__license="gpl")
    assert "changed" in home("register", "m", code=MALFORMED)


def test_a_licence_by_a_person(home, tmp_path, fetched):
    path = gguf(tmp_path / "m.gguf")
    assert "not stated" in home("register", path)
    home("register", "m", "--licence", "apache license 2.0")
    row = home.component("m")
    assert row["declared_card"] == "Apache-2.0" and "concluded" not in row
    assert home.component("m")["declared_card"] == "Apache-2.0", "recording again must not lose it"
    assert "neither a file nor a licence" in home("register", "m", "--licence", "no such thing", code=USAGE)
    (tmp_path / "COPYING").write_text(licence_text("MIT", fetched))
    assert "contradictory" in home("register", "m", "--licence", tmp_path / "COPYING")
    assert home.component("m")["concluded"] == "LicenseRef-disputed"
    home("register", "m", "--licence", "none")
    row = home.component("m")
    assert row["concluded"] == "MIT" and row["declared_file"] == "COPYING" and "drift" not in row
    home("register", "m", "--licence", tmp_path / "COPYING")
    assert home("show", "m", "--license").count("Permission is hereby granted") == 1, "not twice the same"
    (tmp_path / "COPYING").write_text(licence_text("CC-BY-NC-4.0", fetched))
    home("register", "m", "--licence", tmp_path / "COPYING")
    shown = home("show", "m", "--license")
    assert "NonCommercial" in shown and "Permission is hereby granted" in shown, "a text replaces no other one"


@pytest.mark.parametrize("field", ["concluded", "declared_key", "digest", "owner", "card"])
def test_a_changed_row_is_refused(home, tmp_path, field):
    home("register", gguf(tmp_path / "m.gguf", general__license="gemma"))
    home.tamper(f"UPDATE components SET {field} = 'CC0-1.0' WHERE kind = 'model'")
    message = home("licences", code=DENIED)
    assert "model m:latest" in message and "changed outside Mica" in message and "'mica register m:latest'" in message
    home("licences", "m", code=DENIED)
    home("register", "m")
    assert home.rows("m")[0]["licence"] == "gemma (declared)"


def test_changed_links_and_history_are_noticed(home, tmp_path):
    home("register", gguf(tmp_path / "base.gguf", general__license="gemma"))
    home("register", gguf(tmp_path / "m.gguf", general__license="mit"), "--base", "base")
    assert {row["component"] for row in home.rows("m")} == {"m:latest", "base:latest"}
    home.tamper("DELETE FROM links")
    home("licences", "m", code=DENIED)
    home.tamper("UPDATE history SET what = 'nothing' WHERE id = 1")
    assert "history" in home("history", code=DENIED)


@pytest.mark.parametrize("sql", ["DELETE FROM history WHERE id = (SELECT max(id) FROM history)", "DELETE FROM history",
                                 "DELETE FROM shards WHERE blob = 'history'",
                                 "UPDATE shards SET digests = zeroblob(32) WHERE blob = 'history'"])
def test_a_history_that_was_cut_stays_cut(home, tmp_path, sql):
    home("register", gguf(tmp_path / "m.gguf", general__license="gemma"))
    home("register", "m", "--owner", "me")
    assert "owner" in home("history")
    home.tamper(sql)
    assert "removed at its end" in home("history", code=DENIED)
    home("register", "m", "--owner", "you")
    assert "history" in home("history", code=DENIED), "nothing that is told later heals it"
    assert home.rows("m")


def test_another_key_and_an_open_key(home, tmp_path):
    home("register", gguf(tmp_path / "m.gguf", general__license="mit"))
    key = home.path / "key"
    assert key.stat().st_mode & 0o777 == 0o600 and key.stat().st_size == 32
    key.chmod(0o644)
    assert "chmod 600" in home("licences", code=DENIED)
    key.unlink()
    assert "changed outside Mica (or the key was)" in home("licences", code=DENIED)


def test_a_foreign_database_stays(home):
    home.path.mkdir()
    with sqlite3.connect(home.path / "register.db") as db:
        db.execute("CREATE TABLE photos (a)")
    db.close()
    before = (home.path / "register.db").read_bytes()
    assert "another program's database" in home("licences", code=MALFORMED)
    assert (home.path / "register.db").read_bytes() == before


def test_a_folder(home, tmp_path, fetched):
    folder = tmp_path / "Model-1B"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "tokenizer.json").write_text("{}")
    (folder / "chat_template.jinja").write_text("{{ x }}")
    (folder / "README.md").write_text("---\nlicense: mit\nbase_model: lab/base\ndatasets:\n- lab/data\nlanguage: [en]\n---\n")
    (folder / "LICENSE").write_text(licence_text("MIT", fetched))
    (folder / "NOTICE").write_text("Made by the lab.")
    (folder / "evil.pkl").write_bytes(b"\x80\x04.")
    home("register", folder, "--source", "hf:lab/model")
    row = home.component("model-1b")
    assert row["concluded"] == "MIT" and row["declared_card"] == "mit" and row["source"] == "hf:lab/model"
    assert row["template_digest"] == hashlib.sha256(b"{{ x }}").hexdigest()
    assert row["card"]["languages"] == ["en"]
    assert {text["title"]: text["role"] for text in row["card"]["texts"]} == {"LICENSE": "licence", "NOTICE": "notice"}
    kinds = {(r["component"], r["kind"]): r["licence"] for r in home.rows("model-1b", "--parts")}
    assert kinds[("hf:lab/base", "model")] == "mit (declared)", "same owner"
    assert kinds[("hf:lab/data", "dataset")] == "not stated"
    assert ("model-1b:latest", "tokenizer") in kinds and ("model-1b:latest", "template") in kinds


def ollama_store(home, name, layers):
    """Lays out a store by hand as Ollama does. layers: (kind, bytes or the path of a file); the manifest's path."""
    (home.path / "blobs").mkdir(parents=True)

    def blob(data):
        digest = hashlib.sha256(data if isinstance(data, bytes) else data.read_bytes()).hexdigest()
        place = home.path / "blobs" / f"sha256-{digest}"
        if isinstance(data, bytes):
            place.write_bytes(data)
        else:
            place.symlink_to(data)
        return {"digest": f"sha256:{digest}", "size": place.stat().st_size}
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
                "config": {"mediaType": "application/vnd.docker.container.image.v1+json", **blob(b"{}")},
                "layers": [{"mediaType": f"application/vnd.ollama.image.{kind}", **blob(data)} for kind, data in layers]}
    path = home.path / "manifests" / "registry.ollama.ai" / "library" / name / "1b"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(manifest))
    return path


def test_a_store_of_ollama(home, tmp_path, fetched):
    model = gguf(tmp_path / "x.gguf", tokenizer__chat_template="{{ own }}")
    path = ollama_store(home, "llama", [
        ("model", model), ("license", licence_text("MIT", fetched).encode()),
        ("license", b"**Llama** Acceptable Use Policy\n\nYou will not."), ("template", b"{{ if .System }}x{{ end }}")])
    home("register", "llama:1b")
    row = home.component("llama:1b")
    assert row["concluded"] == "MIT" and len(row["policy_digest"]) == 64
    assert row["template_digest"] == hashlib.sha256(b"{{ if .System }}x{{ end }}").hexdigest()  # the layer, not the file's
    assert row["digest"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_model_of_ollama_runs_by_its_own_template(home, fetched):
    ollama_store(home, "smollm2", [("model", fetched("models/smollm2.gguf")),
                                   ("template", b"{{- range .Messages }}{{ .Content }}{{ end }}")])
    assert "register" in home("run", "smollm2:1b", "Hi", "-n", "2", code=DENIED)
    home("register", "smollm2:1b")
    home("run", "smollm2:1b", "Hi", "-n", "2")


def test_a_changed_model_can_be_removed(home, tmp_path):
    home("register", gguf(tmp_path / "m.gguf", general__license="mit"))
    home.tamper("UPDATE components SET owner = 'x'")
    home("rm", "m")
    assert home.rows("--parts") == [] and "removed" in home("history", "m")


class Cells(html.parser.HTMLParser):
    """The cells of a page, and every tag in it."""
    def __init__(self, text):
        super().__init__()
        self.tags, self.cells = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "td":
            self.cells.append("")

    def handle_data(self, data):
        if self.cells:
            self.cells[-1] += data


def test_the_page_in_every_format(home, tmp_path):
    owner = '=HYPERLINK("http://x|y")<script>'
    home("register", gguf(tmp_path / "m.gguf", general__license="apache-2.0"), "--owner", owner)
    home("register", gguf(tmp_path / "n.gguf"), "--owner", "a\nb\x1b[2J")
    rows = home.rows()
    assert [row["component"] for row in rows] == ["m:latest", "n:latest"]
    assert rows[0]["commercial use"].startswith("yes") and "NOTICE" in rows[0]["obligations"]
    assert rows[1]["licence"] == "not stated" and rows[1]["commercial use"] == "unknown"
    table = home("licences")
    assert "\x1b" not in table and len(table.splitlines()) == 3
    cells = list(csv.reader(io.StringIO(home("licences", "--format", "csv"))))
    assert cells[0][0] == "component" and cells[1][6] == "'" + owner and len(cells) == 3
    page = Cells(home("licences", "--format", "html"))
    assert "script" not in page.tags and owner in [cell.strip() for cell in page.cells]
    markdown = home("licences", "--format", "markdown")
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len(lines) == 4 and all(len(re.findall(r"(?<!\\)\|", line)) == 8 for line in lines)
    assert "<script>" not in markdown.replace("\\<script\\>", "")
    assert "\x1b" not in home("history") + home("register", "n")
    home("licences", "--format", "odt", code=USAGE)
    home("licences", "nothing", code=NOT_FOUND)


CARD = """version: "2"
title: Talk
source: hf:lab/talk
licence: cc-by-4.0
owner: data team
languages: [en, de]
filters: [fewer than 50 words]
sampling:
  - {from: web, ratio: 0.5}
  - {from: books, ratio: 0.5}
cleaning: deduplicated
sensitive_data: no
examples: 10
"""


def test_dataset_cards(home, tmp_path):
    card = tmp_path / "card.yaml"
    card.write_text(CARD)
    # A model named the set's source before anyone described it.
    home("register", gguf(tmp_path / "m.gguf", general__license="mit"), "--dataset", "hf:lab/talk")
    assert home.rows("m")[1]["licence"] == "not stated"
    home("dataset", "add", "talk", "--card", card)
    row = home.rows("m")[1]
    assert row["component"] == "talk 2" and row["licence"] == "cc-by-4.0 (declared)" and row["owner"] == "data team"
    shown = json.loads(home("dataset", "show", "talk", "--json"))
    assert shown["card"]["sampling"][1] == {"from": "books", "ratio": 0.5} and shown["card"]["sensitive_data"] is False
    assert "deduplicated" in home("dataset", "show", "talk") and "data team" in home("dataset", "list")
    card.write_text(CARD + "derived_from: [talk]\n")
    home("dataset", "add", "talk-small", "--card", card)
    home("register", "m", "--dataset", "talk-small", "--relink")
    assert [r["component"] for r in home.rows("m")] == ["m:latest", "talk-small 2", "talk 2"]


@pytest.mark.parametrize("text, message, code", [
    (CARD + "lizenz: x\n", "card.yaml:14: unknown key 'lizenz'", MALFORMED),
    (CARD.replace("0.5", "0.9"), "add up to", MALFORMED),
    (CARD.replace("owner: data team\n", ""), "owner", MALFORMED),
    (CARD + "files:\n  - {name: a, sha256: ../x}\n", "64 lower-case hex digits", MALFORMED),
    (CARD + "derived_from: nothing\n", "no such dataset", NOT_FOUND),
    (CARD.replace("[en, de]", "&a [*a]"), "card.yaml:6", MALFORMED),
])
def test_bad_dataset_cards(home, tmp_path, text, message, code):
    (tmp_path / "card.yaml").write_text(text)
    assert message in home("dataset", "add", "talk", "--card", "card.yaml", code=code)
    assert len(home("dataset", "list").splitlines()) == 1


def test_software(home):
    home("register", "--software")
    home("register", "--software")
    rows = {row["component"].rsplit(" ", 1)[0]: row for row in home.rows()}
    assert rows["SQLite"]["kind"] == "software" and rows["mica"]["licence"] == "Apache-2.0 (declared)"
    listed = json.loads(home("licences", "--software", "--format", "json"))["components"]
    assert len(listed) == len(rows) and "unknown" not in {row["redistribution"] for row in listed}


def test_dependencies_page_is_up_to_date(mica):
    made = mica("licences", "--software", "--format", "markdown").stdout
    assert made == (ROOT / "docs" / "dependencies.md").read_text(), \
        "run: build/src/cli/mica licences --software --format markdown > docs/dependencies.md"


def test_every_package_has_its_row():
    page = (ROOT / "docs" / "dependencies.md").read_text()
    script = (ROOT / "tools" / "install_deps.sh").read_text()
    packages = " ".join(re.findall(r"^(?:build|check)=\((.*?)\)", script, re.S | re.M)).split()
    for line in (ROOT / "tests" / "requirements.txt").read_text().splitlines():
        if line and line[0] != "#":
            packages.append(re.split(r"[\[=]", line)[0])
    assert len(packages) > 20
    missing = [p for p in packages if not re.search(rf"[| ,]{re.escape(p)}[ ,|]", page)]
    assert not missing, "add rows to src/govern/dependencies.def"


def test_two_at_once(home, tmp_path):
    paths = [gguf(tmp_path / f"m{i}.gguf", general__license="mit") for i in range(4)]
    running = [subprocess.Popen([BUILD / "src" / "cli" / "mica", "register", path], env={"MICA_HOME": str(home.path)},
                                stdout=subprocess.DEVNULL) for path in paths]
    assert [process.wait(timeout=60) for process in running] == [0] * 4
    assert len(home.rows()) == 4 and json.loads(home("history", "--json"))["whole"] is True
