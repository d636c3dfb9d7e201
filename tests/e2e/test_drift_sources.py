# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""mica drift at every kind of source: the keys of a model's file, datasets, packages, registries; and what a changed
model may do until someone accepted the change."""
import json
import random
import shutil
import struct
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tests" / "support"))
import archives  # noqa: E402
from fake_registry import FakeRegistry  # noqa: E402
from hub import Hub, npm_package, pip_index, sha256  # noqa: E402
from registry import LICENSE, MODEL, PARAMS, SYSTEM, TEMPLATE, manifest_of  # noqa: E402
from terms import APACHE, MIT  # noqa: E402

DRIFTED, DENIED = 10, 10
CARD = b"---\nlicense: apache-2.0\n---\n"


def gguf(tail=b"", **keys):
    """A GGUF file without tensors; a name's __ is a dot."""
    out = b"GGUF" + struct.pack("<IQQ", 3, 0, len(keys))
    for key, value in keys.items():
        name = key.replace("__", ".").encode()
        out += struct.pack("<Q", len(name)) + name + struct.pack("<IQ", 8, len(value)) + value.encode()
    return out + tail


class World:
    def __init__(self, mica, home):
        self.mica, self.home = mica, home
        self.env = {"MICA_HOME": str(home), "HF_TOKEN": "", "HF_HOME": str(home), "MICA_REGISTRY": ""}

    def call(self, *arguments, code=0):
        done = self.mica(*arguments, env=self.env)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return done.stdout if code in (0, DRIFTED) and arguments[0] != "run" else done.stderr

    def drift(self, *arguments, code=0):
        """{component: {what: (kind, before, after, diff)}}."""
        said = json.loads(self.call("drift", "--json", *arguments, code=code))
        return {f"{c['kind']} {c['name']}": {r["what"]: (r["kind"], r["before"], r["after"], r["diff"]) for r in c["compared"]}
                for c in said["components"]}

    def accept(self, name):
        self.call("drift", "--accept", name)
        return self.drift(name)


@pytest.fixture
def world(mica, tmp_path):
    return World(mica, tmp_path / "home")


def changed(rows):
    return {what: row[1:3] for what, row in rows.items() if row[0] == "changed"}


# ---- keys of the model's file

KEYS = {"general__license": "apache-2.0", "general__base_model__0__repo_url": "https://huggingface.co/lab/base",
        "tokenizer__chat_template": "{{ messages }}"}


def test_keys_of_the_model(world):
    files = {"m.gguf": gguf(bytes(3 << 20), **KEYS), "README.md": CARD}
    with Hub(files, lfs=["m.gguf"], cardData={"license": "apache-2.0"}) as hub:
        world.env["HF_ENDPOINT"] = hub.url
        world.call("pull", "hf:owner/tiny", "--as", "tiny")
        since = len(hub.log)
        assert "the model at the source has the registered bytes" in world.drift("tiny")["model tiny:latest"]
        assert not any("m.gguf" in entry[2] for entry in hub.log[since:]), "the same digest needs no look"
        hub.files["m.gguf"] = gguf(bytes(3 << 20), **{**KEYS, "general__license": "gemma", "general__license__link": "https://x",
                                                      "general__base_model__0__repo_url": "https://huggingface.co/lab/other",
                                                      "tokenizer__chat_template": "{{ messages }} obey"})
        rows = world.drift("tiny", code=DRIFTED)["model tiny:latest"]
        assert changed(rows) == {
            "key general.license in the model at the source": ("apache-2.0", "gemma"),
            "key general.license.link in the model at the source": ("nothing", "https://x"),
            "key general.base_model.0.repo_url in the model at the source":
                ("https://huggingface.co/lab/base", "https://huggingface.co/lab/other"),
            "text chat template of the model at the source": ("", "")}
        assert rows["text chat template of the model at the source"][3] == "{{ messages }} [+obey+]"
        assert [e[3] for e in hub.log if e[2].startswith("/m.gguf") and e[1] == "GET"][-1] == "bytes=0-1048575", "only the head"
        assert not changed(world.accept("tiny")["model tiny:latest"])
        hub.files["m.gguf"] = b"no model" + bytes(2 << 20)
        assert "hold no whole header" in world.drift("tiny")["model tiny:latest"]["keys of the model at the source"][2]


def test_a_model_at_a_url(world):
    """Its digest says what was wanted, not what is there now."""
    with Hub({"m.gguf": gguf(**KEYS)}) as hub:
        world.call("pull", f"{hub.cdn}/m.gguf#sha256={sha256(hub.files['m.gguf'])}", "--as", "tiny")
        assert world.drift("tiny")["model tiny:latest"]["key general.license in the model at the source"][0] == "same"
        hub.files["m.gguf"] = gguf(**{**KEYS, "general__license": "mit"})
        assert changed(world.drift("tiny", code=DRIFTED)["model tiny:latest"]) == {
            "key general.license in the model at the source": ("apache-2.0", "mit")}
        hub.files.clear()
        rows = world.drift("tiny", code=DRIFTED)["model tiny:latest"]  # what was found is not accepted yet
        assert not changed(rows) and "not seen" in [row[0] for row in rows.values()]


def test_card_of_the_model(world):
    with Hub({"m.gguf": gguf(**KEYS), "README.md": CARD}, lfs=["m.gguf"], cardData={"license": "apache-2.0"}) as hub:
        world.env["HF_ENDPOINT"] = hub.url
        world.call("pull", "hf:owner/tiny", "--as", "tiny")
        hub.files["README.md"] = b"---\nlicense: apache-2.0\nlicense_link: https://x\nbase_model: lab/b\ndatasets: [lab/d]\n---\n"
        assert changed(world.drift("tiny", code=DRIFTED)["model tiny:latest"]) == {
            "link to the licence in the card at the source": ("nothing", "https://x"),
            "base models in the card at the source": ("nothing", "lab/b"),
            "datasets in the card at the source": ("nothing", "lab/d")}
        assert not changed(world.accept("tiny")["model tiny:latest"])


# ---- what a drifted model may do

def test_a_drifted_model_is_refused_until_accepted(world, tiny_model):
    files = {"tiny.gguf": tiny_model, "README.md": CARD, "LICENSE": APACHE}
    with Hub(files, lfs=["tiny.gguf"], cardData={"license": "apache-2.0"}) as hub:
        world.env["HF_ENDPOINT"] = hub.url
        world.call("pull", "hf:owner/tiny", "--as", "tiny")
        world.call("run", "tiny", "x", "-n", "1")
        hub.info["cardData"] = {"license": "mit"}
        world.drift("tiny", code=DRIFTED)
        refusal = world.call("run", "tiny", "x", "-n", "1", code=DENIED)
        assert ("tiny:latest: the terms of tiny:latest are in question: licence stated by the source: apache-2.0 -> mit; "
                "look with 'mica drift tiny:latest', and settle it with 'mica drift --accept tiny:latest'") in refusal
        (world.home / "mica.yaml").write_text("policy:\n  drift_blocks: no\n")
        world.call("run", "tiny", "x", "-n", "1")
        (world.home / "mica.yaml").unlink()
        hub.files["LICENSE"] = MIT
        said = world.call("drift", "tiny", code=DRIFTED)
        assert said.startswith("model tiny:latest  from hf:owner/tiny\n  same      the stored bytes say what is registered\n")
        assert "\n  changed   licence stated by the source: apache-2.0 -> mit\n" in said
        assert "\n  changed   text LICENSE at the source\n            [-" in said
        assert said.endswith("\n  next      mica drift --accept tiny:latest, or mica rm tiny:latest\n")
        assert "tiny:latest: accepted: " in world.call("drift", "--accept", "tiny")
        world.call("run", "tiny", "x", "-n", "1")
        lines = [line for line in world.call("history", "tiny").splitlines() if " drift " in line or " accept " in line]
        assert len(lines) >= 4 and "apache-2.0 -> mit" in lines[0] and "concluded" in lines[-1] and "MIT" in lines[-1], lines


def test_one_of_two_licences_changes(world):
    """Accepting one new text must not make the other one vanish from the conclusion."""
    files = {"m.gguf": gguf(**KEYS), "README.md": CARD, "LICENSE": APACHE, "LICENSE-CODE": MIT}
    with Hub(files, lfs=["m.gguf"], cardData={"license": "apache-2.0"}) as hub:
        world.env["HF_ENDPOINT"] = hub.url
        world.call("pull", "hf:owner/tiny", "--as", "tiny")
        del hub.files["LICENSE-CODE"]
        hub.files["LICENSE-CODE.txt"] = MIT.replace(b"free of charge", b"for a fee")
        rows = world.drift("tiny", code=DRIFTED)["model tiny:latest"]
        assert list(changed(rows)) == ["text LICENSE-CODE at the source"], "a renamed licence is compared with the old one"
        assert "[+for a fee,+]" in rows["text LICENSE-CODE at the source"][3]
        world.accept("tiny")
        row = json.loads(world.call("show", "tiny", "--json"))["stored"]["registered"]
        assert row["concluded"] == "Apache-2.0 AND LicenseRef-modified-MIT"


# ---- datasets

def test_datasets(world, tmp_path):
    with Hub() as hub:
        world.env["HF_ENDPOINT"] = hub.url
        hub.others["datasets/lab/talk"] = ({"README.md": b"x", "LICENSE": MIT}, {"cardData": {"license": ["mit"]}})
        hub.raw["/cards/web.md"] = ("text/markdown", b"---\nlicense: cc-by-4.0\n---\n")
        hub.raw["/page"] = ("text/html", b"<html>free for all</html>")
        (tmp_path / "LICENSE").write_bytes(MIT)
        for name, source, licence in (("talk", f"{hub.url}/datasets/lab/talk/tree/main", "mit"), ("page", hub.url + "/page", "mit"),
                                      ("web", hub.url + "/cards/web.md", "cc-by-4.0"), ("by-hand", "a shelf", "mit")):
            (tmp_path / "card.yaml").write_text(f"source: {source}\nlicence: {licence}\nowner: us\n")
            text = ["--licence", tmp_path / "LICENSE"] if name == "talk" else []
            world.call("dataset", "add", name, "--card", tmp_path / "card.yaml", *text)
        said = world.drift()
        assert {name: [row[0] for row in rows.values()] for name, rows in said.items()} == {
            "dataset by-hand": ["not seen"], "dataset page": ["not seen"], "dataset talk": ["same", "same"],
            "dataset web": ["same"]}
        assert "states no licence" in said["dataset page"]["the source could not be looked at"][2]
        hub.others["datasets/lab/talk"] = ({"LICENSE": MIT.replace(b"sell ", b"")}, {"cardData": {"license": "cc-by-nc-4.0"}})
        hub.raw["/cards/web.md"] = ("text/markdown", b"---\nlicense: other\nlicense_name: mine\n---\n")
        said = world.drift(code=DRIFTED)
        assert changed(said["dataset talk"]) == {"licence stated by the source": ("mit", "cc-by-nc-4.0"),
                                                 "text LICENSE at the source": ("", "")}
        assert changed(said["dataset web"]) == {"licence stated by the source": ("cc-by-4.0", "mine")}
        # What was trained on it stops loading, too.
        (tmp_path / "m.gguf").write_bytes(gguf(**KEYS))
        world.call("register", tmp_path / "m.gguf", "--dataset", "talk")
        assert "the terms of talk are in question" in world.call("run", "m", "x", code=DENIED)
        world.accept("m")
        assert not changed(world.accept("web")["dataset web"])
        row = json.loads(world.call("dataset", "show", "talk", "--json"))
        assert row["declared_card"] == "cc-by-nc-4.0" and row["concluded"] == "LicenseRef-modified-MIT"


# ---- packages

def test_wheels(world):
    def wheel(version, licence="Apache-2.0", **files):
        return "tiny-model", *archives.wheel("tiny-model", version, {"m.gguf": gguf(**KEYS), **files}, licence)

    def publish(hub, *wheels, **more):
        world.env.update(pip_index(hub, *wheels, **more))

    first = wheel("1.0", LICENSE=APACHE)
    with Hub() as hub:
        publish(hub, first)
        world.call("pull", "pypi:tiny-model", "--as", "tiny")
        publish(hub, first, wheel("1.1", **{"LICENSE": APACHE.replace(b"perpetual,", b""), "USE_POLICY.md": b"Be good."}))
        rows = world.drift("tiny", code=DRIFTED)["model tiny:latest"]
        assert changed(rows) == {"text LICENSE at the source": ("", ""), "text USE_POLICY.md at the source": ("none", "new")}
        assert "[-perpetual,-]" in rows["text LICENSE at the source"][3]
        assert rows["the source has moved on, the registered revision stays"][1:3] == ("1.0", "1.1")
        world.call("drift", "--accept", "tiny")
        world.call("gc")  # what was accepted is not garbage
        assert not changed(world.drift("tiny")["model tiny:latest"])
        # Of a large one only the texts are fetched; where the server gives no parts, that is said.
        large = wheel("1.2", "MIT", LICENSE=MIT, rest=random.Random(1).randbytes(21 << 20), NOTICE=b"Heed.")
        publish(hub, first, large)
        rows = world.drift("tiny", code=DRIFTED)["model tiny:latest"]
        assert changed(rows) == {"licence stated by the source": ("Apache-2.0", "MIT")}
        assert "22.0 MB, more than the 20 MB that are fetched to look; tiny_model-1.2-py3-none-any.whl: the server gives no" in rows[
            "texts in tiny_model-1.2-py3-none-any.whl, which is newer"][2]
        publish(hub, first, large, place=hub.cdn)
        since = len(hub.log)
        rows = world.drift("tiny", code=DRIFTED)["model tiny:latest"]
        assert changed(rows) == {
            "licence stated by the source": ("Apache-2.0", "MIT"), "text LICENSE at the source": ("", ""),
            "text NOTICE at the source": ("none", "new"), "text USE_POLICY.md at the source": ("there", "gone")}
        ranges = [entry[3] for entry in hub.log[since:] if entry[1] == "GET" and large[1] in entry[2] and entry[3]]
        assert 1 <= len(ranges) <= 4 and ranges[0].endswith(f"-{len(large[2]) - 1}"), ranges


@pytest.mark.skipif(not shutil.which("npm"), reason="npm is not installed")
def test_npm(world):
    def package(**files):
        return archives.tgz_of({"package/package.json": b'{"name":"tiny","license":"MIT"}', "package/m.gguf": gguf(),
                                **{f"package/{name}": data for name, data in files.items()}})
    with Hub() as hub:
        world.env.update(npm_config_registry=hub.url, npm_config_cache=str(world.home / "npm"))
        npm_package(hub, "tiny", "1.0.0", package(LICENSE=MIT), "MIT")
        world.call("pull", "npm:tiny", "--as", "tiny")
        npm_package(hub, "tiny", "1.0.1", package(NOTICE=b"Heed."), "MIT")
        shutil.rmtree(world.home / "npm")
        assert changed(world.drift("tiny", code=DRIFTED)["model tiny:latest"]) == {
            "text NOTICE at the source": ("none", "new"), "text LICENSE at the source": ("there", "gone")}


# ---- registries

def test_registry(world):
    def publish(registry, *parts):
        manifest = manifest_of(parts)
        return registry.add("lab/tiny:v1", manifest, [data for _, data in parts] + [b"{}"])

    model = (MODEL, gguf(**KEYS))
    with FakeRegistry() as registry:
        publish(registry, model, (LICENSE, APACHE), (LICENSE, b"Be good."), (TEMPLATE, b"{{ .Prompt }}"),
                (PARAMS, b'{"temperature":0}'))
        world.call("pull", f"oci://{registry.host}/lab/tiny:v1", "--as", "tiny")
        assert not changed(world.drift("tiny")["model tiny:latest"])
        # The order of layers says nothing.
        publish(registry, (LICENSE, b"Be good."), (LICENSE, APACHE), (TEMPLATE, b"{{ .Prompt }}"), (PARAMS, b'{"temperature":0}'),
                model)
        assert not changed(world.drift("tiny")["model tiny:latest"])
        digest = publish(registry, (MODEL, gguf(**{**KEYS, "general__license": "mit"})), (LICENSE, APACHE),
                         (LICENSE, b"Be very good."), (TEMPLATE, b"{{ .Prompt }} obey"), (SYSTEM, b"Lie."),
                         (PARAMS, b'{"temperature":2}'))
        rows = world.drift("tiny", code=DRIFTED)["model tiny:latest"]
        assert rows["the tag stands for another manifest, the registered one stays"][2] == digest
        assert changed(rows) == {
            "text of the licence (2) at the source": ("", ""), "text template at the source": ("", ""),
            "text system message at the source": ("none", "new"), "text parameters at the source": ("", ""),
            "key general.license in the model at the source": ("apache-2.0", "mit")}
        assert rows["text of the licence (2) at the source"][3] == "Be [+very+] good."
        assert not changed(world.accept("tiny")["model tiny:latest"])
