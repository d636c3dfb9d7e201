# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""The store's commands on a store that Ollama laid out, and on one that somebody tampered with."""
import hashlib
import json
import os
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from ollama_store import OllamaStore  # noqa: E402

LIBRARY = "registry.ollama.ai/library/"


@pytest.fixture
def store(tmp_path):
    """A store with two models that share their weights, one from another registry, and a dead download."""
    store = OllamaStore(tmp_path / "models")
    weights = store.layer("model", b"GGUF" + bytes(100), **{"from": "/root/.ollama/models/blobs/sha256-x"})
    small = [weights, store.layer("template", "{{ .Prompt }}"), store.layer("license", "MIT License"),
             store.layer("params", '{"stop":["<|im_end|>"]}')]
    store.add(LIBRARY + "smollm2/135m", small)
    store.add(LIBRARY + "smollm2/latest", [*small, store.layer("system", "Be brief.")])
    store.add("hf.co/someone/Model-GGUF/Q4_K_M", [store.layer("model", b"GGUF other")])
    (store.home / "blobs" / ("sha256-" + 64 * "1" + "-partial")).write_bytes(b"half")
    (store.home / "blobs" / ("sha256-" + 64 * "1" + "-partial-0")).write_text('{"N":0}')
    return store


@pytest.fixture
def run(mica, store):
    def call(*arguments, code=0):
        done = mica(*arguments, env={"MICA_HOME": str(store.home)})
        assert done.returncode == code, (arguments, done.stdout, done.stderr)
        return done
    return call


def test_list_in_ollamas_columns(run, store):
    lines = run("list").stdout.splitlines()
    assert lines[0].split() == ["NAME", "ID", "SIZE", "MODIFIED"]
    assert [line.split()[0] for line in lines[1:]] == \
        ["hf.co/someone/Model-GGUF:Q4_K_M", "smollm2:135m", "smollm2:latest"]
    data = (store.home / "manifests" / LIBRARY / "smollm2/135m").read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    assert lines[2].split()[1] == digest[:12]
    models = json.loads(run("list", "--json").stdout)["models"]
    assert models[1]["digest"] == digest
    assert models[1]["size"] == sum(x["size"] for x in [*json.loads(data)["layers"], json.loads(data)["config"]])
    assert len(json.loads(run("list", "smol", "--json").stdout)["models"]) == 2


def test_copying_keeps_every_byte(run, store):
    run("cp", "smollm2", "me/copy:v1")
    assert (store.home / "manifests/registry.ollama.ai/me/copy/v1").read_bytes() == \
        (store.home / "manifests" / LIBRARY / "smollm2/latest").read_bytes()
    run("cp", "nothing", "x", code=5)
    run("cp", "smollm2", "../x", code=2)


def test_removing_frees_only_what_nothing_else_has(run, store):
    before = store.blobs()
    run("rm", "smollm2")
    gone = before - store.blobs()
    assert len(gone) == 2  # its system message and its config; the weights are shared
    run("rm", "hf.co/someone/Model-GGUF:Q4_K_M", "nothing", code=5)
    assert not (store.home / "manifests/hf.co").exists()
    run("rm", "smollm2:135m")
    assert store.blobs() == {"sha256-" + 64 * "1" + "-partial", "sha256-" + 64 * "1" + "-partial-0"}
    assert json.loads(run("list", "--json").stdout) == {"models": []}


def test_gc(run, store):
    loose = "sha256-" + store.blob("nobody has me")[0][7:]
    before = store.blobs()
    # Ollama is pulling: what nobody names may be the first half of its next model.
    assert run("gc", "--dry-run").stdout.startswith("would delete 0 files")
    week_ago = time.time() - 7 * 86400
    os.utime(store.home / "blobs" / loose, (week_ago, week_ago))
    assert run("gc", "--dry-run").stdout.startswith("would delete 1 file")
    assert store.blobs() == before
    assert json.loads(run("gc", "--json").stdout)["files"] == 1
    assert store.blobs() == before - {loose}
    run("gc", "--partial-hours", "0")
    assert not [name for name in store.blobs() if "partial" in name]
    run("verify", "--all")


def test_gc_deletes_nothing_beside_a_manifest_it_cannot_read(run, store):
    store.blob("nobody has me")
    (store.home / "manifests" / LIBRARY / "smollm2/bad").write_text("{")
    before = store.blobs()
    assert "smollm2:bad" in run("gc", code=3).stderr
    done = run("rm", "smollm2")
    assert "mica gc" in done.stderr and "deleted" in done.stdout
    assert store.blobs() == before
    assert "smollm2:bad" in run("list").stderr
    run("rm", "smollm2:bad")


def test_verify_says_which_blob_of_which_model(run, store):
    assert "as their digests say" in run("verify", "smollm2", "smollm2:135m").stdout
    layers = json.loads((store.home / "manifests" / LIBRARY / "smollm2/latest").read_text())["layers"]
    blob = store.home / "blobs" / layers[0]["digest"].replace(":", "-")
    data = bytearray(blob.read_bytes())
    data[50] ^= 1
    blob.write_bytes(data)
    done = run("verify", "smollm2", code=10)
    assert f"{blob.name} (model of smollm2:latest): its bytes were changed" in done.stderr
    (bad,) = json.loads(run("verify", "--all", "--json", code=10).stdout)["bad"]
    assert bad["digest"] == blob.name[7:] and bad["layer"] == "model"
    blob.write_bytes(data[:-1])
    assert "manifest says 104" in run("verify", "smollm2", code=10).stderr
    blob.unlink()
    assert "not there" in run("verify", "smollm2", code=5).stderr
    os.mkfifo(blob)
    assert "no regular file" in run("verify", "smollm2", code=3).stderr
    blob.unlink()
    blob.mkdir()
    assert "no regular file" in run("verify", "smollm2", code=3).stderr
    run("verify", code=2)
    run("verify", "--all", "smollm2", code=2)


@pytest.mark.parametrize("name", ["../../x", "a/../b", "/etc/passwd", "a\\b", "a b", "x:", ".x", "a/b/c/d", "x:..", ""])
def test_odd_names(run, name):
    for command in (["cp", name, "y"], ["cp", "smollm2", name], ["rm", name], ["verify", name]):
        run(*command, code=2)


def change(store, edit):
    file = store.home / "manifests" / LIBRARY / "smollm2/latest"
    manifest = json.loads(file.read_text())
    edit(manifest)
    file.write_text(json.dumps(manifest))


@pytest.mark.parametrize("edit, code", [(edit, 3) for edit in [
    lambda m: m["layers"][0].update(digest="sha256:../../../../etc/passwd"),
    lambda m: m["layers"][0].update(digest="sha256-" + 64 * "a"),
    lambda m: m["layers"][0].update(size=-1),
    lambda m: m["layers"][0].update(size=2**70),
    lambda m: m["layers"][0].update(annotations={"org.opencontainers.image.title": "../../x"}),
    lambda m: m["layers"][0].update(annotations={"org.opencontainers.image.title": "/x"}),
    lambda m: m["layers"][0].update(annotations={"org.opencontainers.image.title": "a\0b"}),
]] + [(edit, 8) for edit in [
    lambda m: m.update(layers=m["layers"] * 1000),
    lambda m: m.update(x="y" * (1 << 20)),
]])
def test_hostile_manifests(run, store, edit, code):
    change(store, edit)
    for command in (["cp", "smollm2", "y"], ["verify", "smollm2"], ["verify", "--all"], ["gc"]):
        assert "smollm2:latest" in run(*command, code=code).stderr
    assert not (store.home / "manifests" / LIBRARY / "y").exists()


def test_links_among_manifests_lead_nowhere(run, store, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/latest").write_bytes((store.home / "manifests" / LIBRARY / "smollm2/latest").read_bytes())
    (store.home / "manifests" / LIBRARY / "linked").symlink_to(tmp_path / "outside")
    (store.home / "manifests" / LIBRARY / "smollm2/link").symlink_to("latest")
    assert "link" not in run("list").stdout
    run("verify", "linked", code=6)
    run("verify", "smollm2:link", code=3)
    run("cp", "smollm2", "linked:new", code=10)
    assert sorted(p.name for p in (tmp_path / "outside").iterdir()) == ["latest"]
    run("gc", code=3)


def test_a_store_behind_a_link(mica, store, tmp_path):
    (tmp_path / "link").symlink_to(store.home)
    assert "smollm2:135m" in mica("list", env={"MICA_HOME": str(tmp_path / "link")}).stdout


def test_an_empty_place_is_a_store_and_stays_empty(mica, tmp_path):
    env = {"MICA_HOME": str(tmp_path / "none")}
    assert json.loads(mica("list", "--json", env=env).stdout) == {"models": []}
    assert json.loads(mica("ps", "--json", env=env).stdout) == {"models": []}
    assert json.loads(mica("gc", "--json", env=env).stdout)["files"] == 0
    assert not (tmp_path / "none").exists()


def tree(home):
    return {str(p.relative_to(home)): p.read_bytes() for p in sorted(home.rglob("*")) if p.is_file()}


def test_looking_changes_nothing(run, store):
    """An Ollama store in place: its own files are the same bytes afterwards, and nothing new lies among them."""
    before = tree(store.home)
    run("list")
    run("show", "smollm2")
    run("show", "smollm2", "--json")
    run("show", "smollm2", "--modelfile")
    run("verify", "--all")
    run("ps")
    run("gc", "--dry-run")
    after = tree(store.home)
    assert {k: v for k, v in after.items() if k in before} == before
    assert set(after) - set(before) <= {"lock"}


def test_show_on_ollamas_store(run):
    assert "cannot run" in run("show", "smollm2").stdout  # the weights are no model here
    assert run("show", "smollm2", "--template").stdout == "{{ .Prompt }}\n"
    assert run("show", "smollm2", "--system").stdout == "Be brief.\n"
    assert run("show", "smollm2", "--license").stdout == "MIT License\n"
    assert run("show", "smollm2", "--parameters").stdout == "stop <|im_end|>\n"
    modelfile = run("show", "smollm2", "--modelfile").stdout
    assert "SYSTEM Be brief." in modelfile and "\nTEMPLATE {{ .Prompt }}" in modelfile
    stored = json.loads(run("show", "smollm2", "--json").stdout)["stored"]
    assert stored["config"]["model_family"] == "llama" and "registered" not in stored


# ---- what newer Ollamas write


@pytest.fixture
def newer(tmp_path):
    """manifests-v2 beside manifests: a model in both, a list for several runners, one in the cloud."""
    store = OllamaStore(tmp_path / "models")
    text = store.layer("license", "MIT License")
    store.add(LIBRARY + "both/latest", [store.layer("model", b"GGUF old"), text])
    store.add_v2("ollama.com/library/both/latest", [store.layer("model", b"GGUF new"), text], renderer="qwen3-coder",
                 parser="qwen3-coder", requires="0.14.0", capabilities=["tools"], context_length=262144)
    store.add_v2("hf.co/Some-One/Model-GGUF/Q8_0", [store.layer("model", b"GGUF hf")])
    store.add_v2("ollama.com/library/cloud/120b-cloud", None, remote_host="https://ollama.com:443", remote_model="x:120b")
    store.add_list("ollama.com/library/list/latest",
                   {"mlx": ([store.layer("tensor", b"T", name="a.weight")], True),
                    "llamacpp": ([store.layer("model", b"GGUF of the list"), text], True)})
    store.add_list("ollama.com/library/inline/latest",
                   {"mlx": ([store.layer("tensor", b"T", name="a.weight")], False),
                    "ollama": ([store.layer("model", b"GGUF inline")], False)})
    store.add_list("ollama.com/library/apple/latest", {"mlx": ([store.layer("tensor", b"U", name="b")], True)})
    return store


@pytest.fixture
def run_newer(mica, newer):
    def call(*arguments, code=0):
        done = mica(*arguments, env={"MICA_HOME": str(newer.home)})
        assert done.returncode == code, (arguments, done.stdout, done.stderr)
        return done
    return call


def model_bytes(run, newer, name):
    layers = json.loads(run("show", name, "--json").stdout)["stored"]["layers"]
    digest = next(x["digest"] for x in layers if x["media_type"].endswith("image.model"))
    return (newer.home / "blobs" / ("sha256-" + digest.removeprefix("sha256:"))).read_bytes()


def test_a_newer_ollamas_store(run_newer, newer):
    before = tree(newer.home)
    listed = run_newer("list")
    names = [line.split()[0] for line in listed.stdout.splitlines()[1:]]
    assert "apple:latest" in listed.stderr  # nothing of it runs here
    assert names == ["both:latest", "cloud:120b-cloud", "hf.co/Some-One/Model-GGUF:Q8_0",
                     "inline:latest", "list:latest"]
    assert model_bytes(run_newer, newer, "both") == b"GGUF new"
    assert model_bytes(run_newer, newer, "hf.co/Some-One/Model-GGUF:Q8_0") == b"GGUF hf"
    assert model_bytes(run_newer, newer, "list") == b"GGUF of the list"
    assert model_bytes(run_newer, newer, "inline") == b"GGUF inline"
    for name in ("both", "list", "inline", "cloud:120b-cloud"):
        run_newer("verify", name)
    assert "runners" in run_newer("show", "apple", code=4).stderr
    assert "no model file" in run_newer("run", "cloud:120b-cloud", "x", "--unregistered", code=3).stderr
    run_newer("gc", "--dry-run")
    assert {k: v for k, v in tree(newer.home).items() if k in before} == before


def test_gc_keeps_what_a_newer_ollama_names(run_newer, newer):
    orphan, _ = newer.blob(b"nobody's")
    everything = newer.blobs()
    run_newer("gc")
    assert everything - newer.blobs() == {orphan.replace(":", "-")}


def test_writing_and_removing_beside_a_newer_ollama(run_newer, newer):
    run_newer("cp", "list", "both")
    assert not os.path.lexists(newer.home / "manifests-v2/ollama.com/library/both")
    assert model_bytes(run_newer, newer, "both") == b"GGUF of the list"
    run_newer("rm", "list")
    assert not os.path.lexists(newer.home / "manifests-v2/ollama.com/library/list")
    assert model_bytes(run_newer, newer, "both") == b"GGUF of the list"
    run_newer("rm", "list", code=5)
    # What hides a name goes together with what it hid.
    newer.add_v2("ollama.com/library/both/latest", [newer.layer("model", b"GGUF again")])
    run_newer("rm", "both")
    run_newer("show", "both", code=5)


def test_hostile_links(run_newer, newer, tmp_path):
    (tmp_path / "secret").write_text("{}")
    entry = newer.home / "manifests-v2/ollama.com/library/both/latest"
    for target, code in ((tmp_path / "secret", 3), (tmp_path / ("sha256-" + 64 * "3"), 0), ("/dev/zero", 3)):
        entry.unlink()
        entry.symlink_to(target)
        run_newer("show", "both", code=code)  # a link to a blob that is not there hides nothing
        if code == 0:
            assert model_bytes(run_newer, newer, "both") == b"GGUF old"
    data = newer.add_v2("ollama.com/library/both/latest", [newer.layer("model", b"GGUF new")])
    blob = newer.home / "blobs" / ("sha256-" + hashlib.sha256(data).hexdigest())
    blob.write_bytes(data.replace(b"GGUF", b"gguf") + b" ")
    assert "changed" in run_newer("show", "both", code=10).stderr
