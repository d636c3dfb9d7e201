# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""mica create: layers, inheritance and refusals."""
import hashlib
import json
import os
import shutil
import sqlite3
import sys
from pathlib import Path

import pytest
from conftest import ROOT

LIBRARY = "registry.ollama.ai/library/"
CHATML = "{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content }}<|end|>\n{% endfor %}"
MIT = "MIT License\n\nCopyright (c) 2026 Nobody\n"


@pytest.fixture(scope="module")
def gguf(tmp_path_factory):
    pytest.importorskip("gguf")
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    import tiny_gguf
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    tiny_gguf.write("Q8_0", path)
    return path


class Home:
    def __init__(self, mica, folder):
        self.mica, self.folder, self.home = mica, folder, folder / "home"

    def run(self, *arguments, code=0, **options):
        done = self.mica(*arguments, env={"MICA_HOME": str(self.home)}, **options)
        assert done.returncode == code, (arguments, done.stdout, done.stderr)
        return done

    def create(self, name, text, *options, code=0):
        file = self.folder / "Modelfile"
        file.write_text(text)
        return self.run("create", name, "-f", file, *options, code=code)

    def manifest(self, name):
        model, _, tag = name.partition(":")
        return json.loads((self.home / "manifests" / LIBRARY / model / (tag or "latest")).read_text())

    def layers(self, name):
        """Each layer's kind and bytes, in order."""
        return [(layer["mediaType"].rsplit(".", 1)[1], self.blob(layer)) for layer in self.manifest(name)["layers"]]

    def texts(self, name, kind):
        return [data.decode() for k, data in self.layers(name) if k == kind]

    def blob(self, layer):
        return (self.home / "blobs" / layer["digest"].replace(":", "-")).read_bytes()


@pytest.fixture
def home(mica, tmp_path):
    return Home(mica, tmp_path)


@pytest.fixture(scope="module")
def made(mica, gguf, tmp_path_factory):
    """The store that each test gets a copy of."""
    home = Home(mica, tmp_path_factory.mktemp("made"))
    home.create("base", f"FROM {gguf}\nTEMPLATE \"\"\"{CHATML}\"\"\"\nSYSTEM Be brief.\nPARAMETER temperature 0.5\n"
                f"PARAMETER stop <|end|>\nLICENSE \"\"\"{MIT}\"\"\"\nMESSAGE user Hi\nMESSAGE assistant Hello\n")
    return home


@pytest.fixture
def base(home, made):
    shutil.copytree(made.home, home.home)
    return home


def test_every_command_becomes_a_layer(base, gguf):
    assert [kind for kind, _ in base.layers("base")] == \
        ["model", "template", "system", "params", "messages", "license"]
    assert base.layers("base")[0][1] == gguf.read_bytes()
    assert base.texts("base", "template") == [CHATML]
    assert base.texts("base", "license") == [MIT]
    assert json.loads(base.texts("base", "params")[0]) == {"temperature": 0.5, "stop": ["<|end|>"]}
    assert json.loads(base.texts("base", "messages")[0]) == \
        [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    config = json.loads(base.blob(base.manifest("base")["config"]))
    assert config["model_format"] == "gguf" and config["model_family"] == "llama"
    assert config["model_families"] == ["llama"] and config["model_type"].endswith("M")
    assert config["rootfs"]["diff_ids"] == [layer["digest"] for layer in base.manifest("base")["layers"]]
    base.run("verify", "--all")


def test_layers_are_inherited_and_replaced(base):
    base.create("child", "FROM base\nSYSTEM \"\"\nPARAMETER top_k 7\nPARAMETER temperature 1\nLICENSE mine\n"
                "MESSAGE system x\n")
    assert base.texts("child", "system") == []
    assert base.texts("child", "template") == [CHATML]
    assert json.loads(base.texts("child", "params")[0]) == {"temperature": 1.0, "stop": ["<|end|>"], "top_k": 7}
    assert base.texts("child", "license") == [MIT, "mine"]
    assert json.loads(base.texts("child", "messages")[0]) == [{"role": "system", "content": "x"}]
    assert base.manifest("child")["layers"][0] == base.manifest("base")["layers"][0]
    base.create("plain", "FROM base\n")
    assert base.manifest("plain") == base.manifest("base")


def test_what_a_foreign_base_has_is_kept(base):
    """An Ollama base with a Go template and a layer that Mica does not know."""
    manifest = base.manifest("base")
    layer = dict(manifest["layers"][2], mediaType="application/vnd.ollama.image.future")
    go_text = b"{{ .System }}{{ .Prompt }}"
    digest = hashlib.sha256(go_text).hexdigest()
    (base.home / "blobs" / f"sha256-{digest}").write_bytes(go_text)
    manifest["layers"][1] = dict(manifest["layers"][1], digest="sha256:" + digest, size=len(go_text))
    manifest["layers"].append(layer)
    file = base.home / "manifests" / LIBRARY / "foreign" / "latest"
    file.parent.mkdir()
    file.write_text(json.dumps(manifest))
    base.create("child", "FROM foreign\nSYSTEM new\n")
    kinds = {x["mediaType"] for x in base.manifest("child")["layers"]}
    assert "application/vnd.ollama.image.future" in kinds
    assert base.texts("child", "template") == [go_text.decode()]


def test_go_templates(base):
    """Ollama's kind of template is kept, registered, and shown as it was given."""
    text = "{{ if .System }}S:{{ .System }}\n{{ end }}U:{{ .Prompt }}\nA:{{ .Response }}\n"
    base.create("go", f'FROM base\nTEMPLATE """{text}"""\n')
    assert base.texts("go", "template") == [text]
    with sqlite3.connect(base.home / "register.db") as db:
        digests = [row[0] for row in db.execute(
            "select template_digest from components where name = 'go:latest' and template_digest <> ''")]
    assert digests == [hashlib.sha256(text.encode()).hexdigest()]
    shown = base.run("show", "go", "--modelfile").stdout
    assert text in shown


def test_from_digest_and_link(home, gguf):
    home.create("linked", f"FROM {gguf}\n", "--link")
    layer = home.manifest("linked")["layers"][0]
    blob = home.home / "blobs" / layer["digest"].replace(":", "-")
    assert blob.is_symlink() and blob.resolve() == gguf
    home.create("again", f"FROM {layer['digest']}\nSYSTEM x\n")
    home.create("at", f"FROM @{layer['digest']}\n")
    assert home.manifest("again")["layers"][0]["digest"] == layer["digest"]
    home.create("none", "FROM sha256:" + 64 * "0", code=5)
    home.create("relative", "FROM ./tiny.gguf\n", code=5)
    (home.folder / "tiny.gguf").write_bytes(gguf.read_bytes())
    home.create("relative", "FROM ./tiny.gguf\n")
    home.create("bare", "FROM tiny.gguf\n")
    assert home.manifest("bare") == home.manifest("relative")


def test_from_a_folder(home, tmp_path):
    folder = tmp_path / "hf"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llama", "torch_dtype": "bfloat16"}')
    (folder / "tokenizer.json").write_text("{}")
    (folder / "LICENSE").write_text(MIT)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    (folder / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    home.create("folder", "FROM ./hf\n")
    titles = {x["annotations"]["org.opencontainers.image.title"]: x["mediaType"].rsplit(".", 1)[1]
              for x in home.manifest("folder")["layers"]}
    assert titles == {"config.json": "file", "tokenizer.json": "file", "model.safetensors": "file",
                      "LICENSE": "license", "README.md": "card"}
    config = json.loads(home.blob(home.manifest("folder")["config"]))
    assert (config["model_format"], config["model_family"], config["file_type"]) == ("safetensors", "llama", "BF16")


def test_it_is_registered_with_its_base(base):
    base.create("child", "FROM base\nSYSTEM x\n")
    with sqlite3.connect(base.home / "register.db") as db:
        dump = "\n".join(db.iterdump())
    assert "child:latest" in dump and "base:latest" in dump


@pytest.mark.parametrize("text, code, message", [
    ("FROM nothing\n", 5, "no such model"),
    ("FROM ../../etc/passwd\n", 5, "passwd"),
    ("FROM /etc/passwd\n", 4, "no GGUF file"),
    ("FROM base\nTEMPLATE \"\"\"{{ .System }}\n{{ if .Prompt }}\"\"\"\n", 3, "line 2: TEMPLATE: template line 2: "),
    ("FROM base\nTEMPLATE {{ .Prompt | nope }}\n", 3, "no function nope"),
    ("FROM base\nTEMPLATE {{ .Prompt }}{{ currentDate }}\n", 3, "cannot be reproduced"),
    ("FROM base\nTEMPLATE {% for %}\n", 3, "line 2: TEMPLATE"),
    ("FROM base\n\nPARAMETER nonsense 1\n", 2, "line 3: parameter nonsense"),
    ("FROM base\nPARAMETER top_k many\n", 2, "line 2: parameter top_k"),
    ("FROM base\nADAPTER /etc/passwd\n", 4, "no GGUF file"),
    ("FROM base\nADAPTER ./nothing.gguf\n", 5, "nothing.gguf"),
    ("FROM base\nREQUIRES 0.14\n", 4, "REQUIRES"),
    ("FROM base\nNONSENSE\n", 3, ":2: 'NONSENSE'"),
    ("SYSTEM x\n", 3, "no FROM"),
    ("FROM a b\n", 2, "name"),
])
def test_refusals(base, text, code, message):
    before = sorted(p.name for p in (base.home / "blobs").iterdir())
    assert message in base.create("new", text, code=code).stderr
    assert not (base.home / "manifests" / LIBRARY / "new").exists()
    base.run("gc", "--partial-hours", "0")
    assert sorted(p.name for p in (base.home / "blobs").iterdir()) == before


def test_quantize_is_refused(base):
    assert "does not quantise" in base.create("q", "FROM base\n", "--quantize", "Q4_K_M", code=2).stderr
    base.create("../x", "FROM base\n", code=2)


def test_special_files(base, tmp_path):
    os.mkfifo(tmp_path / "pipe.gguf")
    base.create("new", "FROM ./pipe.gguf\n", code=2)
    base.create("new", "FROM base\nADAPTER ./pipe.gguf\n", code=2)


def test_show_a_stored_model(base, gguf):
    text = base.run("show", "base").stdout
    for expected in ("architecture     llama", "stored as        base:latest", "licence text     MIT License …",
                     "system           Be brief.", "parameters       temperature 0.5", "stop <|end|>"):
        assert expected in text, text
    shown = json.loads(base.run("show", "base", "--json").stdout)
    assert shown["architecture"] == "llama" and shown["stored"]["name"] == "base:latest"
    assert shown["stored"]["licenses"] == [MIT] and shown["stored"]["system"] == "Be brief."
    assert shown["stored"]["parameters"] == {"temperature": 0.5, "stop": ["<|end|>"]}
    assert shown["stored"]["registered"]["digest"] == shown["stored"]["digest"]
    assert "stored" not in json.loads(base.run("show", gguf, "--json").stdout)


def test_show_one_part(base, gguf):
    assert base.run("show", "base", "--license").stdout == MIT
    assert base.run("show", "base", "--system").stdout == "Be brief.\n"
    assert base.run("show", "base", "--template").stdout.rstrip("\n") == CHATML.rstrip("\n")
    assert base.run("show", "base", "--parameters").stdout == "temperature 0.5\nstop <|end|>\n"
    base.run("show", "base", "--system", "--template", code=2)
    base.create("bare", f"FROM {gguf}\n")
    assert base.run("show", "bare", "--parameters").stdout == ""
    base.run("show", "bare", "--license", code=5)
    base.run("show", "bare", "--system", code=5)
    base.run("show", "nothing", "--system", code=5)


def test_the_modelfile_shown_makes_the_same_model(base):
    base.create("odd", "FROM base\nSYSTEM \"\"\" two\n \"quoted\" lines \n\"\"\"\nPARAMETER stop \"\"\" a\n\"\"\"\n"
                "PARAMETER min_p 0.05\nPARAMETER use_mmap false\nMESSAGE user \"\"\"x\ny\"\"\"\nLICENSE other\n")
    base.create("again", base.run("show", "odd", "--modelfile").stdout)
    def by_kind(name):
        return sorted((kind, json.dumps(json.loads(data), sort_keys=True) if kind in ("params", "messages") else data)
                      for kind, data in base.layers(name))
    assert by_kind("again") == by_kind("odd")


def test_show_what_cannot_run(base):
    (base.folder / "odd.gguf").write_bytes(b"GGUF\x03\0\0\0" + bytes(16))
    base.create("odd", "FROM ./odd.gguf\nSYSTEM x\n")
    assert "cannot run" in base.run("show", "odd").stdout
    assert "cannot_run" in json.loads(base.run("show", "odd", "--json").stdout)
    assert base.run("show", "odd", "--system").stdout == "x\n"


def test_show_refuses_changed_texts(base):
    (layer,) = [x for x in base.manifest("base")["layers"] if x["mediaType"].endswith("system")]
    (base.home / "blobs" / layer["digest"].replace(":", "-")).write_text("Be rude!!")
    for option in (["--system"], [], ["--json"], ["--modelfile"]):
        assert "changed" in base.run("show", "base", *option, code=10).stderr


def test_the_register_follows_copies_and_removals(base):
    def registered(name):
        return json.loads(base.run("show", name, "--json").stdout)["stored"].get("registered")
    base.create("child", "FROM base\nSYSTEM x\n")
    base.run("cp", "child", "me/copy:1")
    old, new = registered("child"), registered("me/copy:1")
    assert new["name"] == "me/copy:1" and new["digest"] == old["digest"]
    assert new.get("concluded") == old.get("concluded") and new.get("declared_file") == old.get("declared_file")
    base.run("rm", "me/copy:1")
    with sqlite3.connect(base.home / "register.db") as db:
        names = [row[0] for row in db.execute("SELECT name FROM components WHERE kind = 'model'")]
    assert "child:latest" in names and "me/copy:1" not in names
    # The base's terms are the child's, too: they stay known when the base itself is gone.
    base.run("rm", "base")
    with sqlite3.connect(base.home / "register.db") as db:
        names = [row[0] for row in db.execute("SELECT name FROM components WHERE kind = 'model'")]
    assert sorted(names) == ["base:latest", "child:latest"]
    base.run("rm", "child")
    with sqlite3.connect(base.home / "register.db") as db:
        names = [row[0] for row in db.execute("SELECT name FROM components WHERE kind = 'model'")]
    assert names == ["base:latest"]


def test_what_scripts_read(base, gguf, tmp_path):
    """Every command that makes or removes something says so as JSON, too."""
    made = json.loads(base.create("mine", "FROM base\nLICENSE In this house only.\n", "--json").stdout)
    assert made["name"] == "mine:latest" and made["layers"] == len(base.layers("mine"))
    assert "LicenseRef-unidentified-" in made["licence"]
    copied = json.loads(base.run("cp", "mine", "copy", "--json").stdout)
    assert copied == {"name": "copy:latest", "digest": made["digest"]}
    assert json.loads(base.run("rm", "mine", "copy", "--json").stdout) == {"deleted": ["mine", "copy"]}
    keys = json.loads(base.run("keygen", "--out", tmp_path / "me", "--json").stdout)
    assert {Path(keys["secret"]).name, Path(keys["public"]).name} == {"me.key", "me.pub"}


def test_the_next_step_is_one_that_works(base, gguf, tmp_path):
    """A model without terms does not run: what is proposed is to state them."""
    path = tmp_path / "bare.gguf"
    path.write_bytes(gguf.read_bytes().replace(b"general.license", b"general.xicense"))
    text = base.create("bare", f"FROM {path}\n").stdout
    assert "mica register bare:latest --licence" in text and "mica run" not in text
    assert "next     mica rights child:latest; mica show child:latest --licence" in base.create("child", "FROM base\n").stdout
    assert "next     mica rights sound:latest; mica run sound:latest" in base.create("sound", f"FROM {gguf}\n").stdout
    text = base.run("register", "child", "--dataset", "talk", "--base", "bare").stdout
    assert "talk: no licence stated; describe it with 'mica dataset add talk --card FILE'" in text
    assert "bare:latest: no licence stated" in text
    assert "mica dataset add" in base.run("dataset", "show", "nothing", code=5).stderr
    assert "never told of it" in base.run("history", "nothing", code=5).stderr


def test_either_spelling(base):
    """License and licence are one word to the program."""
    assert base.run("show", "base", "--license").stdout == base.run("show", "base", "--licence").stdout
    assert base.run("licenses", "base").stdout == base.run("licences", "base").stdout
    assert "unknown option --licens" in base.run("show", "base", "--licens", code=2).stderr


def test_a_template_that_only_the_file_has(home, gguf):
    home.create("plain", f"FROM {gguf}\n")
    assert "whose own template is used" in home.run("show", "plain", "--template", code=5).stderr


def test_a_text_that_nobody_knows_is_named(base):
    """The four usual answers, each under a key that scripts can rely on; the reason names the licence."""
    base.create("mine", "FROM base\nLICENSE In this house only.\n")
    answer = json.loads(base.run("rights", "mine", "--json", code=12).stdout)
    answers = answer["usual"]
    assert answer["verdict"] == "UNKNOWN" and answer["facts"]["use"] == "private"
    assert list(answers) == ["private", "internal", "hosted", "shipped"]
    assert {answer["verdict"] for answer in answers.values()} == {"UNKNOWN"}
    assert "mine:latest, LicenseRef-unidentified-" in base.run("rights", "mine").stdout


def test_what_lies_here_is_not_warned_about(home, gguf):
    done = home.run("pull", f"file:{gguf}", "--as", "here")
    assert "warning" not in done.stderr and "licence  apache-2.0 (declared" in done.stdout
