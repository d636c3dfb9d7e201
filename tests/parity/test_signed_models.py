# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Signatures and provenance of stored models: what is signed by name, what breaks it, and statements that the packages of in-toto
read."""
import base64
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
import oms  # noqa: E402
from conftest import BUILD  # noqa: E402

DENIED = 10
TEMPLATE = "application/vnd.ollama.image.template"


class Store:
    def __init__(self, mica, home):
        self.mica, self.home = mica, home
        self.env = {"MICA_HOME": str(home)}

    def call(self, *arguments, code=0, text=""):
        done = self.mica(*arguments, env=self.env)
        assert (done.returncode, text in done.stdout + done.stderr) == (code, True), (done.returncode, done.stdout, done.stderr)
        return done.stdout

    def path(self, name):
        return next(self.home.glob(f"manifests/*/*/{name}/latest"))

    def manifest(self, name):
        return json.loads(self.path(name).read_text())

    def blob(self, digest):
        return self.home / "blobs" / digest.replace(":", "-")

    def put(self, data):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.blob(digest).write_bytes(data)
        return {"digest": digest, "size": len(data)}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    pytest.importorskip("gguf")
    import tiny_gguf
    path = tmp_path_factory.mktemp("tiny") / "tiny.gguf"
    tiny_gguf.write("F16", path)
    return path


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    return {name: oms.make_key(folder, curve, name) for name, curve in (("mine", "P-256"), ("yours", "P-384"))}


@pytest.fixture
def store(mica, tmp_path, tiny):
    made = Store(mica, tmp_path / "home")
    made.call("pull", f"file:{tiny}", "--as", "tiny", "-q")
    return made


def test_sign_by_name(store, keys, tmp_path, tiny):
    before = store.manifest("tiny")
    store.call("verify", "tiny", "--key", keys["mine"][1], code=DENIED, text="not signed")
    store.call("sign", "tiny", "--key", keys["mine"][0])
    store.call("verify", "tiny", "--key", keys["mine"][1], text="verified")
    store.call("verify", "tiny", "--key", keys["yours"][1], code=DENIED, text="another key")
    after = store.manifest("tiny")
    assert after["layers"][:-1] == before["layers"] and after["config"] == before["config"]
    assert after["layers"][-1]["mediaType"] == "application/vnd.mica.signature"
    # A second signature stands beside the first; the same key again replaces its own.
    store.call("sign", "tiny", "--key", keys["yours"][0])
    store.call("sign", "tiny", "--key", keys["mine"][0])
    assert len(store.manifest("tiny")["layers"]) == len(before["layers"]) + 2
    for name in keys:
        store.call("verify", "tiny", "--key", keys[name][1])
    store.call("verify", "tiny")
    # The bundle is one over the folder that holds the same files.
    bundle = json.loads(store.blob(after["layers"][-1]["digest"]).read_text())
    folder = tmp_path / "folder"
    folder.mkdir()
    names = [r["name"] for r in json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))["predicate"]["resources"]]
    assert names == [tiny.name]
    (folder / tiny.name).write_bytes(tiny.read_bytes())
    (tmp_path / "s").write_text(json.dumps(bundle))
    store.call("verify", folder, "--signature", tmp_path / "s", "--key", keys["mine"][1])


def test_register_follows(store, keys):
    """Signing makes another manifest; the register must know it, or the model would not run any more."""
    store.call("sign", "tiny", "--key", keys["mine"][0])
    said = json.loads(store.call("provenance", "tiny"))
    digest = hashlib.sha256(store.path("tiny").read_bytes()).hexdigest()
    assert {"name": "tiny:latest", "digest": {"sha256": digest}, "annotations": {"kind": "manifest"}} in said["subject"]


def with_layer(layers, kind, entry, title=None):
    notes = {"annotations": {"org.opencontainers.image.title": title}} if title else {}
    return [*layers, {"mediaType": kind, **entry, **notes}]


def test_swapped_layers(store, keys):
    """A template, system message or parameters put beside signed weights are not signed; nor are other weights."""
    store.call("sign", "tiny", "--key", keys["mine"][0])
    signed = store.manifest("tiny")
    other = store.put(b"{{ evil }}")
    first = signed["layers"][0]
    cases = {
        "template": (with_layer(signed["layers"], TEMPLATE, other), "template is not signed"),
        "system": (with_layer(signed["layers"], TEMPLATE.replace("template", "system"), other), "system is not signed"),
        "params": (with_layer(signed["layers"], TEMPLATE.replace("template", "params"), other), "params.json is not signed"),
        "file": (with_layer(signed["layers"], "application/vnd.mica.file", other, "more.py"), "more.py is not signed"),
        "weights": ([{**first, **other}, *signed["layers"][1:]], "tiny.gguf is not the one that was signed"),
        "no weights": (signed["layers"][1:], "tiny.gguf was signed, but"),
        "no signature": (signed["layers"][:-1], "not signed"),
        "empty signature": (with_layer(signed["layers"][:-1], "application/vnd.mica.signature", store.put(b"{}")), "mediaType"),
    }
    for name, (layers, text) in cases.items():
        store.path("tiny").write_text(json.dumps({**signed, "layers": layers}))
        done = store.mica("verify", "tiny", "--key", keys["mine"][1], env=store.env)
        assert done.returncode == DENIED and text in done.stderr, (name, done.stderr)
    store.path("tiny").write_text(json.dumps({**signed, "layers": with_layer(
        signed["layers"], TEMPLATE.replace("template", "license"), store.put(b"MIT"))}))
    store.call("verify", "tiny", "--key", keys["mine"][1])  # terms are the register's matter
    store.path("tiny").write_text(json.dumps({**signed, "layers": with_layer(signed["layers"][:-1], TEMPLATE, other)}))
    store.call("rm", "nothing-of-this-name", code=5)
    store.call("verify", "tiny", "--key", keys["mine"][1], code=DENIED, text="not signed")


def test_changed_blob(store, keys):
    store.call("sign", "tiny", "--key", keys["mine"][0])
    blob = store.blob(store.manifest("tiny")["layers"][0]["digest"])
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.chmod(0o644)
    blob.write_bytes(data)
    store.call("verify", "tiny", "--key", keys["mine"][1], code=DENIED, text="tiny.gguf has changed")


def test_policy_that_wants_signatures(store, keys):
    """Admission: the model runs when one of the listed keys signed it, and says why when not."""
    def policy(*public):
        lines = ", ".join(str(p) for p in public)
        (store.home / "mica.yaml").write_text(f"policy:\n  signatures: required\n  keys: [{lines}]\n")
    mine, yours = keys["mine"], keys["yours"]
    policy(mine[1])
    store.call("run", "tiny", "hello", "-n", 1, code=DENIED, text="not signed")
    store.call("sign", "tiny", "--key", yours[0])
    store.call("run", "tiny", "hello", "-n", 1, code=DENIED, text="another key")
    policy(mine[1], yours[1])
    store.call("run", "tiny", "hello", "-n", 1)
    store.call("sign", "tiny", "--key", mine[0])
    store.call("run", "tiny", "hello", "-n", 1)
    policy(store.home / "no such key", mine[1])
    store.call("run", "tiny", "hello", "-n", 1, code=5, text="no such key")
    policy()
    done = store.mica("run", "tiny", "hello", "-n", 1, env=store.env)
    assert done.returncode != 0 and "no key" in done.stderr


def test_folder_or_name(store, keys, tmp_path, monkeypatch):
    """A stored model's name wins over a folder called so, unless it is spelt as a path."""
    monkeypatch.chdir(tmp_path)
    Path("tiny").mkdir()
    Path("tiny/a").write_bytes(b"")
    store.call("sign", "tiny", "--key", keys["mine"][0])
    assert not Path("tiny/model.sig").exists()
    store.call("sign", "./tiny", "--key", keys["mine"][0])
    assert Path("tiny/model.sig").exists()


# ---- provenance ----

def predicate(kind):
    module = {"provenance.v1": "provenance_pb2", "test_result.v0": "test_result_pb2", "vsa.v1": "vsa_pb2"}[kind]
    found = pytest.importorskip(f"in_toto_attestation.predicates.{kind}.{module}")
    return {"provenance.v1": "Provenance", "test_result.v0": "TestResult", "vsa.v1": "VerificationSummary"}[kind], found


def read_statement(text, kind, type_uri):
    """Strictly: the packages know every field that was written."""
    json_format = pytest.importorskip("google.protobuf.json_format")
    statement_pb2 = pytest.importorskip("in_toto_attestation.v1.statement_pb2")
    statement = pytest.importorskip("in_toto_attestation.v1.statement")
    parsed = json_format.Parse(text, statement_pb2.Statement())
    statement.Statement.copy_from_pb(parsed).validate()
    said = json.loads(text)
    assert said["predicateType"] == type_uri
    name, module = predicate(kind)
    if kind == "vsa.v1":  # the specification has a list; the package's message has a single text there
        assert said["predicate"]["verifiedLevels"] == ["arithmetic", "spelling"]
        said["predicate"]["verifiedLevels"] = "arithmetic"
    return json_format.Parse(json.dumps(said["predicate"]), getattr(module, name)())


def test_provenance_of_a_stored_model(store, keys, tiny, tmp_path):
    said = read_statement(store.call("provenance", "tiny"), "provenance.v1", "https://slsa.dev/provenance/v1")
    assert said.build_definition.build_type == "urn:mica:build:import:v1"
    assert said.run_details.builder.id.startswith("pkg:generic/mica@")
    digests = {s["name"]: s["digest"]["sha256"] for s in json.loads(store.call("provenance", "tiny"))["subject"]}
    assert digests["tiny.gguf"] == hashlib.sha256(tiny.read_bytes()).hexdigest()
    # Signed: a DSSE envelope that openssl verifies.
    out = tmp_path / "statement"
    store.call("provenance", "tiny", "--key", keys["mine"][0], "--out", out)
    envelope = json.loads(out.read_text())
    payload = base64.b64decode(envelope["payload"], validate=True)
    (tmp_path / "der").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    assert b"OK" in oms.openssl("dgst", "-sha256", "-verify", keys["mine"][1], "-signature", tmp_path / "der", data=oms.pae(payload))
    assert json.loads(payload)["predicateType"] == "https://slsa.dev/provenance/v1"
    store.call("provenance", "other", code=5)


def test_provenance_of_a_created_model(store, tmp_path):
    (tmp_path / "Modelfile").write_text("FROM tiny\nSYSTEM Be brief.\nPARAMETER temperature 0\n")
    store.call("create", "brief", "--file", tmp_path / "Modelfile")
    text = store.call("provenance", "brief")
    said = read_statement(text, "provenance.v1", "https://slsa.dev/provenance/v1")
    assert said.build_definition.build_type == "urn:mica:build:create:v1"
    sources = json.loads(text)["predicate"]["buildDefinition"]["resolvedDependencies"]
    base = hashlib.sha256(store.path("tiny").read_bytes()).hexdigest()
    assert [s for s in sources if s["name"] == "tiny:latest" and s["digest"] == {"sha256": base}
            and s["annotations"]["relation"] == "base"], sources
    assert {"system", "parameters"} <= set(json.loads(text)["predicate"]["buildDefinition"]["externalParameters"]["layers"])


@pytest.mark.parametrize("tool, kind, type_uri", [
    ("slsa", "provenance.v1", "https://slsa.dev/provenance/v1"),
    ("test", "test_result.v0", "https://in-toto.io/attestation/test-result/v0.1"),
    ("vsa", "vsa.v1", "https://slsa.dev/verification_summary/v1")])
def test_statements(tool, kind, type_uri):
    done = subprocess.run([str(BUILD / "tests" / "provenance_tool"), tool], capture_output=True, text=True, check=True, env=os.environ)
    read_statement(done.stdout, kind, type_uri)
