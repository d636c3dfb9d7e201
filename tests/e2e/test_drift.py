# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""mica drift: terms that change at the source or in the store after they were registered."""
import json
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tests" / "support"))
from hub import Hub  # noqa: E402
from terms import APACHE, MIT  # noqa: E402

DRIFTED = 10


@pytest.fixture(scope="session")
def gguf(tiny_model):
    return tiny_model


class World:
    """A hub with one model, pulled into a store of its own."""
    def __init__(self, mica, home, hub):
        self.mica, self.home, self.hub = mica, home, hub
        self.env = {"MICA_HOME": str(home), "HF_TOKEN": "", "HF_HOME": str(home), "HF_ENDPOINT": hub.url}

    def call(self, *arguments, **env):
        return self.mica(*arguments, env={**self.env, **env})

    def drift(self, *arguments, code=None, **env):
        """{(kind, what): row} of the one model."""
        done = self.call("drift", "--json", *arguments, **env)
        assert done.returncode in ((0, DRIFTED) if code is None else (code,)), (done.returncode, done.stdout, done.stderr)
        said = json.loads(done.stdout)
        model = next(m for m in said["components"] if m["name"].startswith("tiny") and m["kind"] == "model")
        return {(r["kind"], r["what"]): r for r in model["compared"]}, model

    def row(self):
        return json.loads(self.call("show", "tiny", "--json").stdout)["stored"]["registered"]

    def history(self):
        return self.call("history", "tiny").stdout


@pytest.fixture
def world(mica, tmp_path, gguf):
    files = {"tiny.gguf": gguf, "README.md": b"---\nlicense: apache-2.0\n---\n# Tiny\n", "LICENSE": APACHE}
    with Hub(files, lfs=["tiny.gguf"], cardData={"license": "apache-2.0"}) as hub:
        w = World(mica, tmp_path / "home", hub)
        done = w.call("pull", "hf:owner/tiny", "--as", "tiny")
        assert done.returncode == 0, done.stderr
        yield w


def changed(rows):
    return sorted(what for kind, what in rows if kind == "changed")


def test_nothing_changed(world):
    rows, model = world.drift(code=0)
    assert not model["drifted"] and changed(rows) == []
    assert ("same", "the stored bytes say what is registered") in rows
    assert ("same", "text LICENSE at the source") in rows and ("same", "licence stated by the source") in rows
    assert world.call("drift").returncode == 0


def test_line_ends_are_no_change(world):
    world.hub.files["LICENSE"] = APACHE.replace(b"\n", b"\r\n")
    assert changed(world.drift(code=0)[0]) == []


def test_another_licence_in_the_card(world):
    world.hub.info["cardData"] = {"license": "gemma"}
    rows, model = world.drift(code=DRIFTED)
    row = rows[("changed", "licence stated by the source")]
    assert (row["before"], row["after"]) == ("apache-2.0", "gemma")
    assert model["drift"] == "licence stated by the source: apache-2.0 -> gemma"
    assert "drift" in world.history() and "gemma" in world.history()
    # It is not loaded until someone looked at it.
    done = world.call("run", "tiny", "x", "-n", "1")
    assert done.returncode == 10 and "mica drift --accept tiny" in done.stderr
    # Looking again says the same, once.
    before = world.history()
    assert world.drift(code=DRIFTED)[1]["drift"] == model["drift"] and world.history() == before


def test_the_card_spells_it_otherwise(world):
    world.hub.info["cardData"] = {"license": "Apache License 2.0"}
    assert changed(world.drift(code=0)[0]) == []


def test_a_clause_in_the_licence(world):
    world.hub.files["LICENSE"] = APACHE.replace(b"perpetual,", b"perpetual, non-commercial,")
    assert world.hub.files["LICENSE"] != APACHE
    rows, model = world.drift(code=DRIFTED)
    assert changed(rows) == ["text LICENSE at the source"]
    assert "[+non-commercial,+]" in rows[("changed", "text LICENSE at the source")]["diff"]
    assert "[+non-commercial,+]" in world.history()
    text = world.call("drift")
    assert text.returncode == DRIFTED and "[+non-commercial,+]" in text.stdout and "mica drift --accept tiny" in text.stdout
    # Accepting it takes the changed text as the licence: the rights decision sees it.
    assert world.call("drift", "--accept", "tiny").returncode == 0
    assert world.row()["concluded"].startswith("LicenseRef-modified-Apache-2.0")
    assert not world.drift(code=0)[1]["drifted"]
    assert world.call("rights", "tiny", "--use", "commercial").returncode == 12  # UNKNOWN


def test_another_licence_text(world):
    world.hub.files["LICENSE"] = MIT
    world.hub.info["cardData"] = {"license": "mit"}
    rows, _ = world.drift(code=DRIFTED)
    assert changed(rows) == ["licence stated by the source", "text LICENSE at the source"]
    assert world.call("drift", "--accept", "tiny").returncode == 0
    assert (world.row()["concluded"], world.row()["declared_card"]) == ("MIT", "mit")
    assert changed(world.drift(code=0)[0]) == []
    # What was accepted is what later looks compare with.
    world.hub.files["LICENSE"] = APACHE
    world.hub.info["cardData"] = {"license": "apache-2.0"}
    assert changed(world.drift(code=DRIFTED)[0]) == ["licence stated by the source", "text LICENSE at the source"]


def test_accepting_a_card_that_contradicts_the_text(world):
    world.hub.info["cardData"] = {"license": "mit"}
    world.drift(code=DRIFTED)
    assert world.call("drift", "--accept", "tiny").returncode == 0
    assert world.row()["concluded"] == "LicenseRef-disputed"
    # Accepting a second change does not forget the first.
    world.hub.files["NOTICE"] = b"A notice.\n"
    assert changed(world.drift(code=DRIFTED)[0]) == ["text NOTICE at the source"]
    assert world.call("drift", "--accept", "tiny").returncode == 0
    assert changed(world.drift(code=0)[0]) == []


def test_texts_that_come_and_go(world):
    world.hub.files["USE_POLICY.md"] = b"Do no harm.\n"
    assert changed(world.drift(code=DRIFTED)[0]) == ["text USE_POLICY.md at the source"]
    del world.hub.files["USE_POLICY.md"], world.hub.files["LICENSE"]
    row = world.drift(code=DRIFTED)[0][("changed", "text LICENSE at the source")]
    assert (row["before"], row["after"]) == ("there", "gone")
    assert world.call("drift", "--accept", "tiny").returncode == 0
    assert changed(world.drift(code=0)[0]) == []


def test_a_change_that_is_taken_back(world):
    world.hub.info["cardData"] = {"license": "gemma"}
    world.drift(code=DRIFTED)
    world.hub.info["cardData"] = {"license": "apache-2.0"}
    assert world.drift("--offline", code=DRIFTED)[1]["drift"]  # offline, nobody can know
    assert not world.drift(code=0)[1]["drifted"]
    assert world.call("run", "tiny", "x", "-n", "1").returncode != 10


@pytest.mark.parametrize("fault", ["gone", "refused", "unreachable", "without a model"])
def test_a_source_that_cannot_be_looked_at(world, fault):
    env = {}
    if fault == "gone":
        world.hub.repo = "owner/other"
    elif fault == "refused":
        world.hub.token = "secret"
    elif fault == "unreachable":
        env["HF_ENDPOINT"] = "http://127.0.0.1:9"
    else:
        del world.hub.files["tiny.gguf"]
    rows, model = world.drift(code=0, **env)
    assert not model["drifted"] and rows[("not seen", "the source could not be looked at")]["after"]


def test_a_pinned_source_is_looked_at_as_it_is_now(world):
    assert world.call("pull", "hf:owner/tiny@v1:tiny.gguf", "--as", "tiny").returncode == 0
    world.hub.info["cardData"] = {"license": "gemma"}
    since = len(world.hub.log)
    assert changed(world.drift(code=DRIFTED)[0]) == ["licence stated by the source"]
    assert any("/revision/main" in e[2] for e in world.hub.log[since:]) and not any("/revision/v1" in e[2] for e in world.hub.log[since:])


def test_hostile_texts_do_not_speak_to_the_terminal(world):
    world.hub.files["LICENSE"] = APACHE + b"\x1b[31m\x00\x9b2J \xe2\x80\xae and \xff\xfe more\r"
    world.hub.info["cardData"] = {"license": "x\x1b]0;evil\x07\nmodel  same"}
    done = world.call("drift")
    assert done.returncode == DRIFTED
    assert not any(ord(c) < 32 and c != "\n" or 0x7f <= ord(c) < 0xa0 or c == "\u202e" for c in done.stdout)


def blob(world, digest):
    return world.home / "blobs" / f"sha256-{digest}"


def test_a_stored_text_that_was_changed(world):
    path = blob(world, world.row()["licence_digest"])
    path.chmod(0o644)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"irrevocable", b"revocable  "))
    rows, model = world.drift("--offline", code=DRIFTED)
    assert changed(rows) == ["stored text LICENSE"] and model["drifted"]


def test_a_name_that_stands_for_another_model(world, gguf, tmp_path):
    (tmp_path / "other.gguf").write_bytes(gguf + b"\0")
    assert world.call("register", tmp_path / "other.gguf", "--as", "other").returncode == 0
    manifests = world.home / "manifests" / "registry.ollama.ai" / "library"
    (manifests / "tiny" / "latest").write_bytes((manifests / "other" / "latest").read_bytes())
    assert changed(world.drift("--offline", code=DRIFTED)[0]) == ["the name now stands for another model"]


def test_a_disputed_licence_is_drift_until_it_is_accepted(mica, tmp_path, gguf):
    files = {"tiny.gguf": gguf, "README.md": b"---\nlicense: mit\n---\n", "LICENSE": APACHE}
    with Hub(files, lfs=["tiny.gguf"], cardData={"license": "mit"}) as hub:
        w = World(mica, tmp_path / "home", hub)
        assert w.call("pull", "hf:owner/tiny", "--as", "tiny", "--yes").returncode in (0, 2)
        if w.call("show", "tiny").returncode != 0:
            assert w.call("pull", "hf:owner/tiny", "--as", "tiny").returncode == 0
        assert changed(w.drift("--offline", code=DRIFTED)[0]) == ["statements contradict each other"]
        assert w.call("drift", "--accept", "tiny").returncode == 0
        assert changed(w.drift(code=0)[0]) == []
        assert w.row()["concluded"] == "LicenseRef-disputed"


def test_arguments(mica, tmp_path):
    env = {"MICA_HOME": str(tmp_path / "home")}
    assert mica("drift", "--accept", env=env).returncode == 2
    assert mica("drift", "nothing", env=env).returncode == 5
    done = mica("drift", env=env)
    assert (done.returncode, done.stdout) == (0, "nothing is registered\n")


def test_terms_of_a_base_model(mica, tmp_path, gguf):
    files = {"tiny.gguf": gguf, "README.md": b"---\nlicense: apache-2.0\nbase_model: owner/base\n---\n", "LICENSE": APACHE}
    with Hub(files, lfs=["tiny.gguf"], cardData={"license": "apache-2.0", "base_model": "owner/base"}) as hub:
        w = World(mica, tmp_path / "home", hub)
        done = w.call("pull", "hf:owner/tiny", "--as", "tiny")
        assert done.returncode == 0, done.stderr
        hub.repo, hub.info["cardData"] = "owner/base", {"license": "gemma"}
        done = w.call("drift", "tiny", "--json")
        assert done.returncode == DRIFTED, done.stdout
        models = {m["name"]: m for m in json.loads(done.stdout)["components"]}
        assert models["hf:owner/base"]["drift"] == "licence stated by the source: apache-2.0 -> gemma"
        assert not models["tiny:latest"]["drifted"]
        # What is made from it does not load either.
        assert w.call("run", "tiny", "x", "-n", "1").returncode == 10
        assert w.call("drift", "--accept", "tiny").returncode == 0
        assert w.call("drift", "tiny").returncode == 0
