# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""The gate before the engine: each way of not being the registered model is refused with its own message."""
import hashlib
import json
import os
import pty
import select
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))
import tiny_gguf  # noqa: E402

from conftest import BUILD  # noqa: E402

DENIED, NOT_FOUND = 10, 5
TEMPLATE = "{% for m in messages %}<|start|>{{ m.role }}: {{ m.content }}\n{% endfor %}"
NON_COMMERCIAL = "CC-BY-NC-4.0"


class Home:
    """A store of its own, and the program on it."""

    def __init__(self, mica, folder, licences):
        self.program, self.folder, self.store, self.licences = mica, folder, folder / "home", licences

    def mica(self, *arguments, **options):
        return self.program(*arguments, env={"MICA_HOME": str(self.store)}, cwd=self.folder, **options)

    def ok(self, *arguments):
        done = self.mica(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return done.stdout

    def refuses(self, *arguments, code=DENIED, words=()):
        done = self.mica(*arguments)
        assert done.returncode == code, f"{arguments}: exit code {done.returncode}: {done.stderr}"
        assert done.stdout == "", "a refused model must not answer"
        for word in words:
            assert word in done.stderr, f"'{word}' is not in: {done.stderr}"
        return done.stderr

    def run(self, name, *arguments):
        return json.loads(self.ok("run", name, "and the", "-n", 6, "--json", *arguments))

    def add(self, name, licence="Apache-2.0", **settings):
        """Registers a tiny model that lies in the folder, with a licence's text."""
        path = self.folder / f"{name}.gguf"
        tiny_gguf.write("Q8_0", path, template=TEMPLATE, **{"licence": licence and licence.lower(), **settings})
        with_licence = []
        if licence:
            text = self.folder / f"{licence}.txt"
            text.write_text(self.licences[licence]["licenseText"])
            with_licence = ["--licence", text]
        self.ok("register", path, "--as", name, *with_licence)
        return path

    def blobs(self, name):
        """{media type's last word: path of the blob} of a stored model."""
        manifest = json.loads(self.manifest(name).read_text())
        return {layer["mediaType"].rsplit(".", 1)[-1]: self.store / "blobs" / layer["digest"].replace(":", "-")
                for layer in manifest["layers"]}

    def manifest(self, name):
        return self.store / "manifests" / "registry.ollama.ai" / "library" / name / "latest"

    def update(self, sql, *values):
        with sqlite3.connect(self.store / "register.db") as db:
            assert db.execute(sql, values).rowcount > 0, "the test must change a row"


@pytest.fixture
def home(mica, fetched, tmp_path):
    return Home(mica, tmp_path, json.loads(fetched("licences/spdx-full.json").read_text()))


def flip(path, at):
    path = path.resolve()
    path.chmod(0o644)
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))


def test_a_registered_model_runs_by_name_and_by_path(home):
    path = home.add("tiny")
    by_name, by_path = home.run("tiny"), home.run(path)
    assert by_name["tokens"] == by_path["tokens"] and by_name["logprobs"] == by_path["logprobs"]


def test_an_unknown_file_needs_a_word_and_leaves_a_trace(home):
    path, receipt = home.folder / "found.gguf", home.folder / "receipt.json"
    tiny_gguf.write("Q8_0", path)
    home.refuses("run", path, "x", words=["found.gguf", "mica register", "--unregistered"])
    home.run(path, "--unregistered", "--receipt", receipt)
    events = [json.loads(line) for line in (home.store / "log.jsonl").read_text().splitlines()]
    assert [e["event"] for e in events] == ["unregistered"] and events[0]["files"][0]["size"] == path.stat().st_size
    model = json.loads(receipt.read_text())["model"]
    assert model["registered"] is False and model["sha256"] == events[0]["files"][0]["sha256"]


def test_a_policy_can_forbid_unregistered_files(home):
    path = home.folder / "found.gguf"
    tiny_gguf.write("Q8_0", path)
    (home.folder / "mica.yaml").write_text("policy:\n  unregistered: no\n")
    home.refuses("run", path, "x", "--unregistered", words=["policy", "mica.yaml"])


def test_a_receipt_names_what_made_the_answer(home):
    home.add("tiny")
    receipts = []
    for threads in (1, 2):
        home.run("tiny", "--receipt", home.folder / "r.json", "--threads", threads)
        receipts.append(json.loads((home.folder / "r.json").read_text()))
    model = receipts[0]["model"]
    assert model["registered"] and model["name"] == "tiny:latest" and model["licence"] == "Apache-2.0"
    assert all(len(model[key]) == 64 for key in ("sha256", "template_sha256", "register_sha256"))
    for part in ("model", "settings", "prompt", "answer"):
        assert receipts[0][part] == receipts[1][part], part


@pytest.mark.parametrize("at", [0, 5000, -1], ids=["first", "middle", "last"])
def test_one_flipped_bit(home, at):
    path = home.add("tiny")
    flip(path, at % path.stat().st_size)
    message = home.refuses("run", "tiny", "x", words=["tiny", "is not what was registered", "mica verify"])
    assert "bytes 0 to 16 MiB" in message
    home.refuses("run", "tiny", "x", "--unregistered", words=["is not what was registered"])


def test_a_longer_and_a_shorter_blob(home):
    path = home.add("tiny")
    size = path.stat().st_size
    os.truncate(path, size + 1)
    assert "bytes" in home.refuses("run", "tiny", "x", code=home.mica("run", "tiny", "x").returncode)
    os.truncate(path, size - 1)
    assert home.mica("run", "tiny", "x").returncode != 0
    path.unlink()
    done = home.mica("run", "tiny", "x")
    assert done.returncode == NOT_FOUND and "sha256-" in done.stderr


def test_another_licence_in_the_register(home):
    home.add("tiny", NON_COMMERCIAL)
    home.refuses("run", "tiny", "x", "--use", "commercial", words=["tiny", "NO"])
    home.update("UPDATE components SET concluded = 'MIT' WHERE kind = 'model'")
    home.refuses("run", "tiny", "x", "--use", "commercial", words=["changed outside Mica", "mica register"])
    home.refuses("run", "tiny", "x", words=["changed outside Mica"])


def test_another_licence_text(home):
    home.add("tiny", NON_COMMERCIAL)
    blob = home.blobs("tiny")["license"].resolve()
    blob.chmod(0o644)
    blob.write_text("Do what you want.\n")
    home.refuses("run", "tiny", "x", words=["license", "is not what was registered"])


def test_a_go_template(home):
    """Ollama's kind runs as the layer of a model; one that Mica cannot read gives way to the file's own."""
    home.add("base")
    (home.folder / "Modelfile").write_text('FROM base\nTEMPLATE """<|start|>{{ .Prompt }}\n{{ .Response }}<|end|>"""\n')
    home.ok("create", "tiny", "-f", "Modelfile")
    assert home.run("tiny")["tokens"]
    go = b"{{ if .Prompt }}{{ .Prompt }}"  # lacks its end
    digest = hashlib.sha256(go).hexdigest()
    (home.store / "blobs" / f"sha256-{digest}").write_bytes(go)
    manifest = json.loads(home.manifest("tiny").read_text())
    for layer in manifest["layers"]:
        if layer["mediaType"].endswith("template"):
            layer.update(digest=f"sha256:{digest}", size=len(go))
    home.manifest("tiny").write_text(json.dumps(manifest))
    home.refuses("run", "tiny", "x", words=["is not the registered one"])
    home.ok("register", "tiny")
    assert home.run("tiny")["tokens"] == home.run("base")["tokens"]
    assert "cannot read" in home.ok("show", "tiny")


def test_another_template(home):
    path = home.add("base")
    (home.folder / "Modelfile").write_text(f"FROM base\nTEMPLATE \"\"\"{TEMPLATE}A: \"\"\"\n")
    home.ok("create", "tiny", "-f", "Modelfile")
    assert home.run("tiny")["tokens"]
    # The stored text is replaced behind the manifest's back.
    blob = home.blobs("tiny")["template"]
    kept = blob.read_bytes()
    blob.chmod(0o644)
    blob.write_bytes(kept.replace(b"A: ", b"Send money: "))
    home.refuses("run", "tiny", "x", words=["template", "is not what was registered"])
    blob.write_bytes(kept)
    assert home.run("tiny")["tokens"]
    # A manifest with another template, all digests right, as `ollama create` would leave it.
    manifest = json.loads(home.manifest("tiny").read_text())
    manifest["layers"] = [layer for layer in manifest["layers"] if not layer["mediaType"].endswith("template")]
    home.manifest("tiny").write_text(json.dumps(manifest))
    home.refuses("run", "tiny", "x", words=["manifest", "is not the registered one", "mica register tiny"])
    # Recorded anew, after a look, it runs.
    home.ok("register", "tiny")
    assert home.run("tiny")["tokens"]
    assert path.exists()


def test_terms_that_nobody_stated(home):
    home.add("nameless", licence=None)
    home.refuses("run", "nameless", "x", words=["nameless", "UNKNOWN", "mica rights"])
    home.refuses("run", "nameless", "x", "--unregistered", words=["UNKNOWN"])


def test_a_use_the_terms_forbid(home):
    home.add("research", NON_COMMERCIAL)
    assert home.run("research")["tokens"], "private use is allowed"
    message = home.refuses("run", "research", "x", "--use", "commercial", words=["research", "commercial", "NO"])
    assert "mica rights research" in message
    (home.folder / "mica.yaml").write_text("facts:\n  use: commercial\n")
    home.refuses("run", "research", "x", words=["NO"])
    home.refuses("run", "research", "x", "--use", "fun", code=2, words=["--use", "fun"])


def test_a_base_model_forbids_what_the_derived_one_allows(home):
    home.add("base", NON_COMMERCIAL)
    apache = home.folder / "apache.txt"
    apache.write_text(home.licences["Apache-2.0"]["licenseText"])
    (home.folder / "Modelfile").write_text("FROM base\nSYSTEM Be brief.\n")
    home.ok("create", "derived", "-f", "Modelfile")
    home.refuses("run", "derived", "x", "--use", "commercial", words=["NO"])


def test_another_model_under_the_name_of_a_base_is_not_the_base(home):
    base = home.add("base", NON_COMMERCIAL)
    apache = home.folder / "apache.txt"
    apache.write_text(home.licences["Apache-2.0"]["licenseText"])
    for name, layers in (("derived", 1), ("other", 3)):
        tiny_gguf.write("Q8_0", home.folder / f"{name}.gguf", template=TEMPLATE, licence="apache-2.0", layers=layers)
    home.ok("register", "derived.gguf", "--as", "derived", "--base", "base", "--licence", apache)
    refusal = {"words": ["NO", NON_COMMERCIAL]}
    home.refuses("run", "derived", "x", "--use", "commercial", **refusal)
    home.ok("register", "other.gguf", "--as", "base", "--licence", apache)
    home.refuses("run", "derived", "x", "--use", "commercial", **refusal)
    assert home.run("base", "--use", "commercial")["tokens"]
    home.ok("rm", "base")
    home.ok("register", "other.gguf", "--as", "base", "--licence", apache)
    home.refuses("run", "derived", "x", "--use", "commercial", **refusal)
    home.ok("register", base, "--as", "base", "--licence", f"{NON_COMMERCIAL}.txt")
    home.ok("register", "other.gguf", "--as", "more", "--licence", apache)
    home.ok("cp", "more", "base")
    home.refuses("run", "derived", "x", "--use", "commercial", **refusal)
    assert home.run("base", "--use", "commercial")["tokens"] and home.run("derived")["tokens"]
    assert "changed outside" not in home.mica("licences").stderr + home.mica("history").stderr


def test_stored_settings_are_used(home):
    home.add("base")
    (home.folder / "Modelfile").write_text("FROM base\nPARAMETER num_predict 3\nPARAMETER num_ctx 64\nSYSTEM Be brief.\n"
                                           "MESSAGE user hello\nMESSAGE assistant hi\n")
    home.ok("create", "tuned", "-f", "Modelfile")
    answer = json.loads(home.ok("run", "tuned", "the end", "--json"))
    assert len(answer["tokens"]) == 3, "PARAMETER num_predict"
    plain = json.loads(home.ok("run", "base", "the end", "--json", "-n", "3"))
    assert answer["timings"]["prompt_n"] > plain["timings"]["prompt_n"], "SYSTEM and MESSAGE come before the prompt"
    assert len(json.loads(home.ok("run", "tuned", "the end", "--json", "-n", "5"))["tokens"]) == 5, "an option wins"


def test_a_required_signature(home):
    home.add("tiny")
    home.ok("keygen", "--out", "mine")
    home.ok("keygen", "--out", "other")
    policy = home.folder / "mica.yaml"
    policy.write_text("policy:\n  signatures: required\n  keys: [mine.pub]\n")
    home.refuses("run", "tiny", "x", words=["tiny", "signature", "mica sign"])
    home.ok("sign", "tiny", "--key", "mine.key")
    assert home.run("tiny")["tokens"]
    policy.write_text("policy:\n  signatures: required\n  keys: [other.pub]\n")
    home.refuses("run", "tiny", "x", words=["signature"])


def test_neither_name_nor_file(home):
    home.refuses("run", "nothing-here", "x", code=NOT_FOUND, words=["nothing-here", "mica list", "mica pull"])
    home.refuses("run", "../../etc/passwd", "x", code=home.mica("run", "../../etc/passwd", "x").returncode)


def test_a_damaged_register_is_said_and_kept(home):
    home.add("tiny")
    database = home.store / "register.db"
    for extra in ("-wal", "-shm"):
        Path(f"{database}{extra}").unlink(missing_ok=True)
    database.write_bytes(b"not a database" * 1000)
    done = home.mica("run", "tiny", "x")
    assert done.returncode not in (0, 1) and "register" in done.stderr
    assert database.read_bytes() == b"not a database" * 1000, "nothing stored may be lost"


def test_a_model_in_a_copy_of_the_store(home):
    """A store that was copied with its key and register works; without the key nothing in it is believed."""
    home.add("tiny")
    copy = home.folder / "copy"
    shutil.copytree(home.store, copy, symlinks=True)
    other = Home(home.program, home.folder, home.licences)
    other.store = copy
    assert other.run("tiny")["tokens"]
    (copy / "key").unlink()
    other.refuses("run", "tiny", "x", words=["changed outside Mica"])


def test_a_derived_model_has_the_terms_of_both(home):
    home.add("base")
    text = home.licences[NON_COMMERCIAL]["licenseText"]
    (home.folder / "Modelfile").write_text(f'FROM base\nLICENSE """{text}"""\n')
    home.ok("create", "research", "-f", "Modelfile")
    assert home.run("research")["tokens"]
    message = home.refuses("run", "research", "x", "--use", "commercial", words=["NO", NON_COMMERCIAL])
    assert "in question" not in message


def test_making_a_model_states_its_provenance(home):
    home.add("base")
    (home.folder / "Modelfile").write_text("FROM base\nSYSTEM Be brief.\n")
    home.ok("create", "derived", "-f", "Modelfile")
    (path,) = (home.store / "provenance").glob("*.intoto.jsonl")
    statement = json.loads(path.read_text())
    digest = hashlib.sha256(home.manifest("derived").read_bytes()).hexdigest()
    assert path.name == f"sha256-{digest}.intoto.jsonl"
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    assert {"name": "derived:latest", "digest": {"sha256": digest}}.items() <= statement["subject"][0].items()
    base = hashlib.sha256(home.manifest("base").read_bytes()).hexdigest()
    assert base in [d.get("digest", {}).get("sha256")
                    for d in statement["predicate"]["buildDefinition"]["resolvedDependencies"]]


class Terminal:
    """The program on a terminal of its own; what it writes is read until a text comes."""

    def __init__(self, home, *arguments):
        self.fd, other = pty.openpty()
        self.process = subprocess.Popen(
            [str(BUILD / "src" / "cli" / "mica"), *map(str, arguments)], stdin=other, stdout=other, stderr=other,
            cwd=home.folder, env={**os.environ, "MICA_HOME": str(home.store), "TERM": "dumb", "LC_ALL": "C.UTF-8"})
        os.close(other)
        self.seen = b""

    def until(self, text):
        while text not in self.seen:
            assert select.select([self.fd], [], [], 60)[0], f"{text!r} did not come; there was {self.seen!r}"
            self.seen += os.read(self.fd, 4096)
        before, self.seen = self.seen.split(text, 1)
        return before

    def rest(self):
        try:
            while part := os.read(self.fd, 4096):
                self.seen += part
        except OSError:  # how Linux says that nobody writes any more
            pass
        os.close(self.fd)
        self.process.wait(60)
        return self.seen

    def ask(self, text):
        self.until(b"> ")
        os.write(self.fd, text.encode() + b"\n")
        self.until(b"\n")
        return self.until(b"\r\n")


def test_what_is_written_into_a_loaded_file_changes_no_answer(home):
    path = home.add("tiny")
    asked = []
    for zero in (False, True):
        terminal = Terminal(home, "run", "tiny", "-n", "6", "--ignore-eos")
        answers = [terminal.ask("and the")]
        if zero:
            path.write_bytes(bytes(path.stat().st_size))
        answers.append(terminal.ask("ing the"))
        terminal.until(b"> ")  # what is typed before that is dropped with the old terminal settings
        os.write(terminal.fd, b"\x04")
        terminal.rest()
        asked.append(answers)
    assert asked[0][0].strip() and asked[0] == asked[1]
    home.refuses("run", "tiny", "x", words=["is not what was registered"])


def test_a_file_does_not_stand_in_for_a_stored_model(home):
    home.add("tiny")
    tiny_gguf.write("Q8_0", home.folder / "tiny", licence="mit")
    manifest = home.manifest("tiny")
    kept = manifest.read_bytes()
    manifest.write_text("{")
    home.refuses("run", "tiny", "x", "--unregistered", code=3, words=["tiny:latest", "manifest"])
    manifest.unlink()
    manifest.mkdir()
    home.refuses("run", "tiny", "x", "--unregistered", code=3, words=["tiny:latest", "manifest"])
    manifest.rmdir()
    manifest.write_bytes(kept)
    assert home.run("tiny")["tokens"]


@pytest.mark.parametrize("sql", ["UPDATE shards SET digests = zeroblob(32)", "DELETE FROM shards"])
def test_tampering_with_shards_does_not_make_a_file_unknown(home, sql):
    path = home.add("tiny", NON_COMMERCIAL)
    home.update(sql)
    message = home.refuses("run", path, "x", "--unregistered", "--use", "commercial")
    assert "tiny:latest" in message or "its shards in the register were changed" in message


def test_a_folders_policy_can_ask_only_for_more_than_the_stores(home):
    home.add("tiny")
    home.ok("keygen", "--out", home.store / "release")
    (home.store / "mica.yaml").write_text("policy:\n  signatures: required\n  keys: [release.pub]\n  unregistered: no\n")
    home.refuses("run", "tiny", "x", words=["signature"])
    home.ok("keygen", "--out", "release")  # an impostor, where a path that starts at the folder would lead
    home.ok("sign", "tiny", "--key", "release.key")
    own = home.folder / "mica.yaml"
    for text in (None, "facts: {use: private}", "policy: {signatures: optional}", "policy: {keys: [release.pub]}",
                 "policy: {signatures: required, keys: [release.pub]}"):
        if text:
            own.write_text(text)
        home.refuses("run", "tiny", "x", words=["signature"])
    home.ok("sign", "tiny", "--key", home.store / "release.key")
    assert home.run("tiny")["tokens"]
    tiny_gguf.write("Q8_0", home.folder / "found.gguf")
    own.write_text("policy: {unregistered: yes}")
    home.refuses("run", "found.gguf", "x", "--unregistered", words=["policy"])
    assert home.run("tiny", "--policy", own)["tokens"], "a file that is named counts alone"


def test_text_from_outside_does_not_steer_the_terminal(home):
    hostile = "\x1b]0;title\x07\x1b[31m\u202e\u009b1m"
    licence = home.folder / "odd.txt"
    licence.write_text(("é" * 3001 + hostile) * 3 + "\r\n")
    tiny_gguf.write("Q8_0", home.folder / "m.gguf", licence=f"mit{hostile}")
    home.ok("register", "m.gguf", "--as", "m", "--licence", licence)
    steering = [b"\x1b", b"\x07", "\u202e".encode(), "\u009b".encode()]
    for arguments in (["show", "m"], ["show", "m", "--license"], ["show", "m", "--modelfile"], ["show", "m", "--json"],
                      ["licences"], ["history"], ["rights", "m"], ["assess", "m"], ["drift", "m"], ["run", "m", "x"],
                      ["show", f"no{hostile}"], ["rm", f"no{hostile}"], [f"no{hostile}"]):
        shown = Terminal(home, *arguments).rest()
        assert shown.strip() and not [mark for mark in steering if mark in shown], arguments
        piped = home.mica(*arguments)
        assert not [mark for mark in steering if mark in piped.stderr.encode()], arguments
    assert "é" * 3001 in Terminal(home, "show", "m", "--license").rest().decode()
    assert home.ok("show", "m", "--license").encode() == licence.read_bytes().replace(b"\r\n", b"\n"), "a pipe gets all"
