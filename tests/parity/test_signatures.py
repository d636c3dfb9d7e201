# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""mica sign and mica verify against the pip tool model-signing, Debian's minisign, an independent signer (tests/support/oms.py) and
the schemas of the specification; then every way of tampering, each with its own message."""
import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
import oms  # noqa: E402

SPEC = Path(os.environ.get("MICA_OMS_SPEC") or Path(__file__).resolve().parents[3] / "shared" / "data" / "oms-v1.0")
CURVES = ["P-256", "P-384", "P-521"]
DENIED, MALFORMED, UNSUPPORTED, WRONG_USE = 10, 3, 4, 2


@pytest.fixture
def home(tmp_path):
    return {"MICA_HOME": str(tmp_path / "home")}


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """{curve: (secret, public)}, made by openssl."""
    folder = tmp_path_factory.mktemp("keys")
    return {curve: oms.make_key(folder, curve, curve) for curve in CURVES}


@pytest.fixture
def model(tmp_path):
    """A folder with names and sizes that implementations get wrong."""
    root = tmp_path / "a model"
    for name, data in {
        "config.json": b"{}", "chat_template.jinja": b"{{ messages }}", "sub/a": b"1", "sub.b": b"2", "sub-c": b"3",
        "deep/er/est/file": b"4", "with space/und ümlaut ✓.txt": b"5", "a:b": b"6", "empty": b"", "also/empty": b"",
        "Z": b"7", "a": b"8", "\U0001f600": b"9", "\ufb01": b"10", "#'\"\\.txt": b"11",
        "big.bin": bytes(range(256)) * 20000, ".gitignore": b"x", ".git/HEAD": b"y", ".hidden": b"12",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def write(path, bundle):
    path.write_text(json.dumps(bundle) if isinstance(bundle, dict) else bundle)
    return path


def payload_of(path):
    return json.loads(base64.b64decode(json.loads(path.read_text())["dsseEnvelope"]["payload"]))


def accepted(mica, home, *arguments):
    done = mica("verify", *arguments, env=home)
    assert done.returncode == 0, done.stderr
    return done


def refused(mica, home, code, text, *arguments):
    done = mica("verify", *arguments, env=home)
    assert (done.returncode, text in done.stderr) == (code, True), (done.returncode, done.stderr)
    assert done.stdout == ""


# ---- the reference program, and the independent one ----

def reference():
    pytest.importorskip("model_signing")
    import model_signing
    return model_signing


@pytest.mark.parametrize("curve", CURVES)
def test_both_directions(mica, home, keys, model, tmp_path, curve):
    ms = reference()
    secret, public = keys[curve]
    ours, theirs, independent = tmp_path / "ours", tmp_path / "theirs", tmp_path / "independent"
    done = mica("sign", model, "--key", secret, "--out", ours, "--json", env=home)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["files"] == 17
    ms.verifying.Config().use_elliptic_key_verifier(public_key=public).verify(model, ours)
    oms.check(json.loads(ours.read_text()), model, public, tmp_path, curve)
    ms.signing.Config().use_elliptic_key_signer(private_key=secret).sign(model, theirs)
    accepted(mica, home, model, "--signature", theirs, "--key", public)
    write(independent, oms.seal(oms.statement(model), secret, public, curve))
    accepted(mica, home, model, "--signature", independent, "--key", public)


@pytest.mark.parametrize("hash_type, method", [("sha256", "files"), ("sha256", "shards"), ("blake2", "files"), ("blake2", "shards")])
def test_hashes_and_shards(mica, home, keys, model, tmp_path, hash_type, method):
    ms = reference()
    secret, public = keys["P-256"]
    config = ms.hashing.Config()
    if method == "shards":
        (model / "a:b").unlink()  # the reference program cannot name its shards
        config.use_shard_serialization(hashing_algorithm=hash_type, shard_size=1000003)
    else:
        config.use_file_serialization(hashing_algorithm=hash_type)
    path = tmp_path / "theirs"
    ms.signing.Config().use_elliptic_key_signer(private_key=secret).set_hashing_config(config).sign(model, path)
    accepted(mica, home, model, "--signature", path, "--key", public)
    data = (model / "big.bin").read_bytes()
    for changed in (data[:-1], data + b"x", data[:4000000] + b"x" + data[4000001:], data[1000003:]):
        (model / "big.bin").write_bytes(changed)
        refused(mica, home, DENIED, "big.bin has", model, "--signature", path, "--key", public)


def test_blake3_is_refused_clearly(mica, home, keys, model, tmp_path):
    ms = reference()
    secret, public = keys["P-256"]
    config = ms.hashing.Config().use_file_serialization(hashing_algorithm="blake3")
    ms.signing.Config().use_elliptic_key_signer(private_key=secret).set_hashing_config(config).sign(model, tmp_path / "s")
    refused(mica, home, UNSUPPORTED, "blake3", model, "--signature", tmp_path / "s", "--key", public)


def test_what_we_refuse_the_reference_refuses(mica, home, keys, model, tmp_path):
    ms = reference()
    secret, public = keys["P-256"]
    assert mica("sign", model, "--key", secret, "--out", tmp_path / "s", env=home).returncode == 0
    (model / "extra").write_bytes(b"")
    with pytest.raises(ValueError, match="extra"):
        ms.verifying.Config().use_elliptic_key_verifier(public_key=public).verify(model, tmp_path / "s")


def test_orders_and_forms(mica, home, keys, model, tmp_path):
    """Any order of files; absent, null and empty key ids; no log entries; no hint; spread-out JSON; CRLF and lone keys."""
    secret, public = keys["P-256"]
    said = oms.statement(model)
    rows = [(r["name"], r["digest"]) for r in said["predicate"]["resources"]]
    forms = {
        "by component": oms.seal(oms.statement(model, rows=sorted(rows, key=lambda r: r[0].split("/"))), secret, public),
        "reversed": oms.seal(oms.statement(model, rows=rows[::-1]), secret, public),
        "null keyid": oms.seal(said, secret, public, keyid=None),
        "indented": oms.seal(json.dumps(said, indent=4).encode(), secret, public),
        "links allowed": oms.seal(oms.statement(model, allow_symlinks=True), secret, public),
    }
    for name in ("no keyid", "no log", "no hint", "old key"):
        forms[name] = oms.seal(said, secret, public)
    del forms["no keyid"]["dsseEnvelope"]["signatures"][0]["keyid"]
    del forms["no log"]["verificationMaterial"]["tlogEntries"]
    del forms["no hint"]["verificationMaterial"]["publicKey"]["hint"]
    forms["old key"]["verificationMaterial"]["publicKey"] = {"rawBytes": "AAAA", "keyDetails": "x"}
    for name, bundle in forms.items():
        write(tmp_path / "s", bundle)
        done = mica("verify", model, "--signature", tmp_path / "s", "--key", public, env=home)
        assert done.returncode == 0, (name, done.stderr)
    crlf = tmp_path / "crlf.pem"
    crlf.write_bytes(public.read_bytes().replace(b"\n", b"\r\n"))
    accepted(mica, home, model, "--signature", tmp_path / "s", "--key", crlf)
    accepted(mica, home, model, "--signature", tmp_path / "s", "--key", keys["P-384"][1], "--key", public)
    assert mica("sign", model, "--key", keys["P-384"][0], "--out", tmp_path / "m", env=home).returncode == 0
    names = [r["name"] for r in payload_of(tmp_path / "m")["predicate"]["resources"]]
    assert names == sorted(names) and names.index("sub.b") < names.index("sub/a")


def test_schemas(mica, home, keys, model, tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    if not SPEC.exists():
        pytest.skip(f"{SPEC} is absent: schemas of the specification")
    from referencing import Registry, Resource
    read = {p.name.split(".")[0]: json.loads(p.read_text()) for p in SPEC.glob("*.schema.json")}
    registry = Registry().with_resources([(s["$id"], Resource.from_contents(s)) for s in read.values()])
    assert mica("sign", model, "--key", keys["P-256"][0], "--out", tmp_path / "s", env=home).returncode == 0
    for schema, document in (("bundle", json.loads((tmp_path / "s").read_text())), ("statement", payload_of(tmp_path / "s"))):
        jsonschema.Draft202012Validator(read[schema], registry=registry).validate(document)


@pytest.mark.parametrize("path, code, text", [
    ("valid/key", DENIED, "another key"), ("valid/certificate", UNSUPPORTED, "X.509"), ("valid/sigstore", UNSUPPORTED, "keyless"),
    ("invalid/empty", MALFORMED, "JSON"), ("invalid/missing-envelope", MALFORMED, "dsseEnvelope"),
    ("invalid/missing-verification-material", MALFORMED, "verificationMaterial"),
    ("invalid/missing-tlog-entries", UNSUPPORTED, "keyless"), ("invalid-payload/wrong-predicate", DENIED, "another key")])
def test_vectors(mica, home, keys, model, path, code, text):
    bundle = SPEC / "vectors" / f"{path}.bundle.json"
    if not bundle.exists():
        pytest.skip(f"{bundle} is absent: vectors of the specification")
    refused(mica, home, code, text, model, "--signature", bundle, "--key", keys["P-256"][1])


# ---- keys ----

def test_keygen(mica, home, model, tmp_path):
    for curve in CURVES:
        prefix, locked = tmp_path / curve, tmp_path / f"locked-{curve}"
        assert mica("keygen", "--curve", curve, "--out", prefix, env=home).returncode == 0
        assert (tmp_path / f"{curve}.key").stat().st_mode & 0o777 == 0o600
        oms.openssl("ec", "-in", f"{prefix}.key", "-noout", "-check")
        assert mica("keygen", "--out", prefix, env=home).returncode == WRONG_USE  # never overwritten
        password = {**home, "MICA_KEY_PASSWORD": "pass word ü"}
        assert mica("keygen", "--curve", curve, "--encrypt", "--out", locked, env=password).returncode == 0
        oms.openssl("ec", "-in", f"{locked}.key", "-passin", "pass:pass word ü", "-noout", "-check")
        done = mica("sign", model, "--key", f"{locked}.key", "--out", tmp_path / "s", env=password)
        assert done.returncode == 0, done.stderr
        accepted(mica, home, model, "--signature", tmp_path / "s", "--key", f"{locked}.pub")
        for env, text in (({"MICA_KEY_PASSWORD": "wrong"}, "password is wrong"), ({}, "needs a password")):
            done = subprocess.run([*mica_argv(), "sign", str(model), "--key", f"{locked}.key"], text=True, capture_output=True,
                                  stdin=subprocess.DEVNULL, start_new_session=True, check=False, env={**os.environ, **home, **env})
            assert (done.returncode, text in done.stderr) == (DENIED, True), done.stderr
    old = tmp_path / "old.pem"  # the old way of encrypting PEM, and its parameters in front
    oms.openssl("ecparam", "-name", "prime256v1", "-genkey", "-out", tmp_path / "plain.pem")
    oms.openssl("ec", "-in", tmp_path / "plain.pem", "-aes256", "-passout", "pass:pw", "-out", old)
    for key in (tmp_path / "plain.pem", old):
        assert mica("sign", model, "--key", key, "--out", tmp_path / "s", env={**home, "MICA_KEY_PASSWORD": "pw"}).returncode == 0


def mica_argv():
    from conftest import BUILD
    return [str(BUILD / "src" / "cli" / "mica")]


def test_wrong_keys(mica, home, keys, model, tmp_path):
    secret, public = keys["P-256"]
    assert mica("sign", model, "--key", secret, "--out", tmp_path / "s", env=home).returncode == 0
    _, other = oms.make_key(tmp_path, "P-256", "other")
    oms.openssl("genpkey", "-algorithm", "ed25519", "-out", tmp_path / "ed.pem")
    oms.openssl("pkey", "-in", tmp_path / "ed.pem", "-pubout", "-out", tmp_path / "ed.pub.pem")
    oms.openssl("ecparam", "-name", "secp256k1", "-genkey", "-noout", "-out", tmp_path / "k1.pem")
    oms.openssl("ec", "-in", tmp_path / "k1.pem", "-pubout", "-out", tmp_path / "k1.pub.pem")
    assert mica("keygen", "--minisign", "--out", tmp_path / "mini", env=home).returncode == 0
    for key, code, text in ((other, DENIED, "another key"), (keys["P-384"][1], DENIED, "another key"),
                            (secret, WRONG_USE, "a private key"), (tmp_path / "ed.pub.pem", UNSUPPORTED, "P-256"),
                            (tmp_path / "k1.pub.pem", UNSUPPORTED, "secp256k1"), (tmp_path / "none", 5, "none"),
                            (tmp_path / "mini.pub", WRONG_USE, "minisign"), (tmp_path / "s", MALFORMED, "PEM")):
        refused(mica, home, code, text, model, "--signature", tmp_path / "s", "--key", key)
    for key, code in ((public, WRONG_USE), (tmp_path / "ed.pem", UNSUPPORTED), (tmp_path / "k1.pem", UNSUPPORTED)):
        done = mica("sign", model, "--key", key, "--out", tmp_path / "never", env=home)
        assert done.returncode == code and not (tmp_path / "never").exists(), done.stderr
    # Without a hint the signature itself tells.
    bundle = json.loads((tmp_path / "s").read_text())
    del bundle["verificationMaterial"]["publicKey"]["hint"]
    write(tmp_path / "s", bundle)
    for key in (other, keys["P-384"][1]):
        refused(mica, home, DENIED, "broken", model, "--signature", tmp_path / "s", "--key", key)


# ---- tampering with the folder ----

def flip(path, at=0):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def swap(a, b):
    x, y = a.read_bytes(), b.read_bytes()
    a.write_bytes(y)
    b.write_bytes(x)


TAMPERING = {
    "flipped bit": (lambda m: flip(m / "big.bin", 4999999), "big.bin has changed"),
    "truncated": (lambda m: os.truncate(m / "big.bin", 4096), "big.bin has changed"),
    "emptied": (lambda m: os.truncate(m / "a", 0), "a has changed"),
    "appended": (lambda m: (m / "a").write_bytes(b"8\n"), "a has changed"),
    "swapped": (lambda m: swap(m / "sub/a", m / "sub.b"), "sub.b has changed; sub/a has changed"),
    "template": (lambda m: (m / "chat_template.jinja").write_bytes(b"{{ evil }}"), "chat_template.jinja has changed"),
    "removed": (lambda m: (m / "a").unlink(), "a is missing"),
    "renamed": (lambda m: (m / "a").rename(m / "b"), "a is missing; b is not signed"),
    "moved": (lambda m: (m / "sub/a").rename(m / "deep/a"), "sub/a is missing; deep/a is not signed"),
    "added": (lambda m: (m / "deep/er/new").write_bytes(b""), "deep/er/new is not signed"),
    "added, hidden": (lambda m: (m / ".new").write_bytes(b""), ".new is not signed"),
    "many": (lambda m: [(m / f"new{i}").write_bytes(b"") for i in range(9)], "and 5 more"),
    "link to a file": (lambda m: (m / "link").symlink_to("a"), "link is a symbolic link"),
    "link to a folder": (lambda m: (m / "link").symlink_to("sub"), "link is a symbolic link"),
    "dangling link": (lambda m: (m / "link").symlink_to("nowhere"), "link is a symbolic link"),
    "link in the place of a file": (lambda m: ((m / "a").rename(m.parent / "elsewhere"), (m / "a").symlink_to(m.parent / "elsewhere")),
                                    "a is a symbolic link"),
    "link in the place of a folder": (lambda m: ((m / "sub").rename(m.parent / "elsewhere"), (m / "sub").symlink_to(m.parent / "elsewhere")),
                                      "sub is a symbolic link"),
    "link that is left out": (lambda m: (m / ".github").symlink_to("/etc"), ".github is a symbolic link"),
    "pipe": (lambda m: os.mkfifo(m / "pipe"), "pipe is neither a file nor a folder"),
    "pipe in the place of a file": (lambda m: ((m / "a").unlink(), os.mkfifo(m / "a")), "a is neither a file nor a folder"),
    "folder in the place of a file": (lambda m: ((m / "a").unlink(), (m / "a").mkdir()), "a is missing"),
    "not UTF-8": (lambda m: open(os.fsencode(m) + b"/\xff\x1b[2J", "w").close(), "is not signed"),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering(mica, home, keys, model, tmp_path, name):
    secret, public = keys["P-256"]
    tamper, text = TAMPERING[name]
    assert mica("sign", model, "--key", secret, "--out", tmp_path / "s", env=home).returncode == 0
    tamper(model)
    done = subprocess.run([*mica_argv(), "verify", str(model), "--signature", str(tmp_path / "s"), "--key", str(public)],
                          capture_output=True, check=False, env={**os.environ, **home}, timeout=60)
    assert done.returncode == DENIED and text.encode() in done.stderr, done.stderr
    assert b"\x1b" not in done.stderr
    if "link" in name or "pipe" in name or name == "not UTF-8":  # and these are not signed either
        done = subprocess.run([*mica_argv(), "sign", str(model), "--key", str(secret), "--out", str(tmp_path / "never")],
                              capture_output=True, check=False, env={**os.environ, **home}, timeout=60)
        assert done.returncode in (DENIED, UNSUPPORTED) and not (tmp_path / "never").exists(), done.stderr


def test_harmless_changes(mica, home, keys, model, tmp_path):
    secret, public = keys["P-256"]
    inside = model / "model.sig"
    assert mica("sign", model, "--key", secret, env=home).returncode == 0  # the default: in the folder itself
    assert inside.exists()
    accepted(mica, home, model, "--key", public)
    accepted(mica, home, f"{model}/", "--key", public)
    assert mica("sign", model, "--key", secret, env=home).returncode == 0  # again: the old one is not signed
    accepted(mica, home, model, "--key", public)
    moved = model / "deep" / "other.sig"
    shutil.move(inside, moved)  # the one being checked is left out, wherever it lies
    accepted(mica, home, model, "--signature", moved, "--key", public)
    shutil.copy(moved, inside)  # left out by name; but then the other one is an unsigned file
    refused(mica, home, DENIED, "deep/other.sig is not signed", model, "--key", public)
    moved.unlink()
    os.link(model / "a", tmp_path / "hard link")
    (model / "no files here").mkdir()
    (model / ".git" / "more").write_bytes(b"")
    shutil.move(model, tmp_path / "renamed")
    accepted(mica, home, tmp_path / "renamed", "--key", public)


def test_ignored_paths(mica, home, keys, model, tmp_path):
    ms = reference()
    secret, public = keys["P-256"]
    assert mica("sign", model, "--key", secret, "--out", tmp_path / "s", "--ignore", "sub", "--ignore", "big.bin", env=home).returncode == 0
    names = [r["name"] for r in payload_of(tmp_path / "s")["predicate"]["resources"]]
    assert not {"sub/a", "big.bin", ".git/HEAD", ".gitignore"} & set(names) and {"sub.b", "sub-c", ".hidden"} <= set(names)
    (model / "sub" / "new").write_bytes(b"")
    accepted(mica, home, model, "--signature", tmp_path / "s", "--key", public)
    ms.verifying.Config().use_elliptic_key_verifier(public_key=public).verify(model, tmp_path / "s")
    for ignored, code, text in ((["."], DENIED, "is not signed"), (["/"], DENIED, "is not signed"), (["../x", "sub"], MALFORMED, "both")):
        bundle = oms.seal(oms.statement(model, rows=[("sub/a", "00" * 32)], ignored=ignored), secret, public)
        refused(mica, home, code, text, model, "--signature", write(tmp_path / "t", bundle), "--key", public)


# ---- tampering with the bundle ----

def edited(bundle, change):
    change(bundle)
    return bundle


def edit_payload(envelope, old, new):
    envelope["payload"] = base64.b64encode(base64.b64decode(envelope["payload"]).replace(old, new)).decode()


def edit_sig(envelope, change):
    sig = bytearray(base64.b64decode(envelope["signatures"][0]["sig"]))
    envelope["signatures"][0]["sig"] = base64.b64encode(change(sig)).decode()


BUNDLES = {
    "payload edited": (lambda e: edit_payload(e, b"empty", b"nevah"), DENIED, "broken"),
    "payload reformatted": (lambda e: edit_payload(e, b": ", b":"), DENIED, "broken"),
    "payload cut": (lambda e: e.update(payload=e["payload"][:400]), DENIED, "broken"),
    "payload not base64": (lambda e: e.update(payload=e["payload"][:-1] + "*"), MALFORMED, "not base64"),
    "payloadType edited": (lambda e: e.update(payloadType="application/json"), UNSUPPORTED, "application/json"),
    "two signatures": (lambda e: e["signatures"].append(e["signatures"][0]), MALFORMED, "exactly one"),
    "no signature": (lambda e: e["signatures"].clear(), MALFORMED, "exactly one"),
    "empty signature": (lambda e: e["signatures"][0].update(sig=""), MALFORMED, "signatures[0].sig"),
    "garbled signature": (lambda e: edit_sig(e, lambda s: bytes(s[:5]) + bytes([s[5] ^ 1]) + bytes(s[6:])), DENIED, "broken"),
    "signature cut": (lambda e: edit_sig(e, lambda s: bytes(s[:-1])), DENIED, "broken"),
    "signature longer": (lambda e: edit_sig(e, lambda s: bytes(s) + b"\0"), DENIED, "broken"),
    "BER length": (lambda e: edit_sig(e, lambda s: bytes([s[0], 0x81]) + bytes(s[1:])), DENIED, "broken"),
    "r = s = 0": (lambda e: edit_sig(e, lambda s: bytes.fromhex("3006020100020100")), DENIED, "broken"),
    "unknown keyid": (lambda e: e["signatures"][0].update(keyid=7), MALFORMED, "keyid"),
}


@pytest.mark.parametrize("name", BUNDLES)
def test_tampered_bundle(mica, home, keys, model, tmp_path, name):
    secret, public = keys["P-256"]
    change, code, text = BUNDLES[name]
    bundle = oms.seal(oms.statement(model), secret, public)
    change(bundle["dsseEnvelope"])
    refused(mica, home, code, text, model, "--signature", write(tmp_path / "s", bundle), "--key", public)


def test_both_values_of_s(mica, home, keys, model, tmp_path):
    """(r, s) and (r, n - s) are both signatures, and signers write either."""
    n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
    secret, public = keys["P-256"]

    def integer(x):
        data = x.to_bytes(33, "big").lstrip(b"\0")
        data = b"\0" + data if data[0] & 0x80 else data
        return bytes([2, len(data)]) + data

    def other(sig):
        r_len = sig[3]
        r, s = int.from_bytes(sig[4:4 + r_len], "big"), int.from_bytes(sig[6 + r_len:], "big")
        body = integer(r) + integer(n - s)
        return bytes([0x30, len(body)]) + body
    bundle = oms.seal(oms.statement(model), secret, public)
    accepted(mica, home, model, "--signature", write(tmp_path / "s", bundle), "--key", public)
    edit_sig(bundle["dsseEnvelope"], other)
    accepted(mica, home, model, "--signature", write(tmp_path / "s", bundle), "--key", public)


@pytest.mark.parametrize("rows, code, text", [
    ([("../outside", "00" * 32)], MALFORMED, "leaves the folder"),
    ([("/etc/passwd", "00" * 32)], MALFORMED, "absolute"),
    ([("a", "00" * 32), ("a", "00" * 32)], MALFORMED, "listed twice"),
    ([("sub/../a", "00" * 32)], MALFORMED, "leaves the folder"),
    ([("a", "00" * 20)], MALFORMED, "digest"),
    ([], MALFORMED, "resources"),
    ([("sub", "00" * 32)], DENIED, "sub is missing"),
    ([("a\x1b[2J", "00" * 32)], DENIED, "a?[2J is missing")])
def test_hostile_statements(mica, home, keys, model, tmp_path, rows, code, text):
    """Signed by the right key, and still not believed."""
    secret, public = keys["P-256"]
    (tmp_path / "outside").write_bytes(b"")
    bundle = oms.seal(oms.statement(model, rows=rows), secret, public)
    refused(mica, home, code, text, model, "--signature", write(tmp_path / "s", bundle), "--key", public)


def test_wrong_root(mica, home, keys, model, tmp_path):
    secret, public = keys["P-256"]
    said = oms.statement(model)
    said["subject"][0]["digest"]["sha256"] = "00" * 32
    bundle = oms.seal(said, secret, public)
    refused(mica, home, DENIED, "wrong root digest", model, "--signature", write(tmp_path / "s", bundle), "--key", public)


def test_other_statement_by_the_same_key(mica, home, keys, model, tmp_path):
    secret, public = keys["P-256"]
    said = {**oms.statement(model), "predicateType": "https://slsa.dev/provenance/v1"}
    refused(mica, home, UNSUPPORTED, "slsa.dev", model, "--signature", write(tmp_path / "s", oms.seal(said, secret, public)), "--key", public)


def test_single_file(mica, home, keys, tmp_path):
    """The specification calls it by its name, the reference program '.'; both are read."""
    secret, public = keys["P-256"]
    path = tmp_path / "one.gguf"
    path.write_bytes(b"GGUF")
    reference().signing.Config().use_elliptic_key_signer(private_key=secret).sign(path, tmp_path / "theirs")
    import hashlib
    digest = hashlib.sha256(b"GGUF").hexdigest()
    write(tmp_path / "spec", oms.seal(oms.statement(tmp_path, rows=[("one.gguf", digest)]), secret, public))
    for bundle in ("theirs", "spec"):
        accepted(mica, home, path, "--signature", tmp_path / bundle, "--key", public)
    path.write_bytes(b"GGUf")
    for bundle in ("theirs", "spec"):
        refused(mica, home, DENIED, "one.gguf has changed", path, "--signature", tmp_path / bundle, "--key", public)
    done = mica("sign", path, "--key", secret, env=home)
    assert done.returncode == WRONG_USE and "folder" in done.stderr


# ---- minisign ----

def minisign(*arguments, password=None, check=True):
    if not shutil.which("minisign"):
        pytest.skip("minisign is absent: see tools/install_deps.sh")
    return subprocess.run(["minisign", *map(str, arguments)], input=f"{password}\n{password}\n" if password else "", text=True,
                          capture_output=True, check=check)


def test_minisign_theirs(mica, home, tmp_path):
    path, key, public = tmp_path / "m.gguf", tmp_path / "k.key", tmp_path / "k.pub"
    path.write_bytes(bytes(range(256)) * 9000)
    minisign("-G", "-W", "-p", public, "-s", key)
    for flags in ([], ["-l"]):  # prehashed, legacy
        minisign("-S", *flags, "-s", key, "-t", "who: me ü", "-m", path)
        done = accepted(mica, home, path, "--key", public, "--json")
        assert json.loads(done.stdout)["trusted_comment"] == "who: me ü"
        accepted(mica, home, path, "--key", public.read_text().splitlines()[1])
    assert mica("sign", path, "--key", key, "--out", tmp_path / "ours", "--comment", "mine", env=home).returncode == 0
    assert "Trusted comment: mine" in minisign("-V", "-H", "-p", public, "-x", tmp_path / "ours", "-m", path).stdout
    signature = Path(f"{path}.minisig")
    text = signature.read_text()
    changes = {
        "comment": (text.replace("who: me", "who: you"), DENIED, "trusted comment has changed"),
        "untrusted": (text.replace("signature from", "signed by"), 0, ""),
        "algorithm": (text.replace("RW", "RU", 1), DENIED, "does not fit"),
        "no comment": ("\n".join(text.splitlines()[:2]), MALFORMED, "line 3"),
        "no global": ("\n".join(text.splitlines()[:3]), MALFORMED, "line 4"),
        "not minisign": ("{" + text, WRONG_USE, "needs a PEM key"),
        "CRLF": (text.replace("\n", "\r\n"), 0, ""),
        "cut": (text.replace("==", "="), MALFORMED, "base64"),
    }
    for name, (changed, code, message) in changes.items():
        signature.write_bytes(changed.encode())
        done = mica("verify", path, "--key", public, env=home)
        assert (done.returncode, message in done.stderr) == (code, True), (name, done.stderr)
    signature.write_text(text)
    minisign("-G", "-W", "-p", tmp_path / "o.pub", "-s", tmp_path / "o.key")
    refused(mica, home, DENIED, "another key", path, "--key", tmp_path / "o.pub")
    refused(mica, home, WRONG_USE, "PEM", path, "--key", oms.make_key(tmp_path)[1])
    flip(path)
    refused(mica, home, DENIED, "m.gguf has changed", path, "--key", public)


def test_minisign_ours(mica, home, tmp_path):
    path = tmp_path / "m.gguf"
    path.write_bytes(b"")
    assert mica("keygen", "--minisign", "--out", tmp_path / "k", env=home).returncode == 0
    minisign("-S", "-W", "-s", tmp_path / "k.key", "-m", path)
    accepted(mica, home, path, "--key", tmp_path / "k.pub")
    assert mica("sign", path, "--key", tmp_path / "k.key", env=home).returncode == 0
    minisign("-V", "-p", tmp_path / "k.pub", "-m", path)
    minisign("-R", "-W", "-s", tmp_path / "k.key", "-p", tmp_path / "again.pub")
    assert (tmp_path / "again.pub").read_text().split("\n")[1] == (tmp_path / "k.pub").read_text().split("\n")[1]
    assert mica("sign", tmp_path, "--key", tmp_path / "k.key", env=home).returncode == WRONG_USE
    password = {**home, "MICA_KEY_PASSWORD": "secret"}
    assert mica("keygen", "--minisign", "--encrypt", "--out", tmp_path / "e", env=password).returncode == 0
    minisign("-S", "-s", tmp_path / "e.key", "-m", path, password="secret")
    accepted(mica, home, path, "--key", tmp_path / "e.pub")
    done = mica("sign", path, "--key", tmp_path / "e.key", env={**home, "MICA_KEY_PASSWORD": "wrong"})
    assert done.returncode == DENIED and "password is wrong" in done.stderr


@pytest.mark.slow
def test_minisign_their_encrypted_key(mica, home, tmp_path):
    """Theirs asks for 1 GiB of memory."""
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF")
    minisign("-G", "-p", tmp_path / "k.pub", "-s", tmp_path / "k.key", password="their secret")
    done = mica("sign", path, "--key", tmp_path / "k.key", env={**home, "MICA_KEY_PASSWORD": "their secret"})
    assert done.returncode == 0, done.stderr
    minisign("-V", "-p", tmp_path / "k.pub", "-m", path)
