# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""A signer and a verifier of OpenSSF Model Signing v1.0 bundles from the standard library and the openssl program, written from the
specification and independent of Mica: what both agree on is no shared mistake."""
import base64
import hashlib
import json
import subprocess
from pathlib import Path

TYPE = "application/vnd.in-toto+json"
IGNORED = [".git", ".gitattributes", ".github", ".gitignore"]
HASH = {"P-256": "-sha256", "P-384": "-sha384", "P-521": "-sha512"}
GROUP = {"P-256": "prime256v1", "P-384": "secp384r1", "P-521": "secp521r1"}


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *map(str, arguments)], input=data, capture_output=True, check=True).stdout


def make_key(folder, curve="P-256", name="key"):
    """Writes NAME.pem and NAME.pub.pem; gives both paths."""
    secret, public = Path(folder) / f"{name}.pem", Path(folder) / f"{name}.pub.pem"
    openssl("ecparam", "-name", GROUP[curve], "-genkey", "-noout", "-out", secret)
    openssl("ec", "-in", secret, "-pubout", "-out", public)
    return secret, public


def files_of(root, ignored=()):
    """{path from root: bytes}, in order of code points."""
    found = {}
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        skip = any(name == i or name.startswith(i + "/") for i in ignored)
        if path.is_file() and not path.is_symlink() and not skip:
            found[name] = path.read_bytes()
    return dict(sorted(found.items()))


def statement(root, rows=None, subject=None, ignored=IGNORED, **serialization):
    """The statement of a folder, as a dictionary; rows are (name, digest) where another list is wanted."""
    if rows is None:
        rows = [(name, hashlib.sha256(data).hexdigest()) for name, data in files_of(root, ignored).items()]
    digest = hashlib.sha256(b"".join(bytes.fromhex(d) for _, d in rows)).hexdigest()
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": subject or root.name, "digest": {"sha256": digest}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {
            "resources": [{"name": n, "algorithm": "sha256", "digest": d} for n, d in rows],
            "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": False,
                              "ignore_paths": list(ignored), **serialization},
        },
    }


def pae(payload, kind=TYPE):
    return f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload


def seal(payload, secret, public, curve="P-256", **signature):
    """The bundle around a statement (a dictionary, or bytes)."""
    if not isinstance(payload, bytes):
        payload = json.dumps(payload, ensure_ascii=False).encode()
    der = openssl("dgst", HASH[curve], "-sign", secret, data=pae(payload))
    return {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": hashlib.sha256(public.read_bytes()).hexdigest()}, "tlogEntries": []},
        "dsseEnvelope": {"payload": base64.b64encode(payload).decode(), "payloadType": TYPE,
                         "signatures": [{"sig": base64.b64encode(der).decode(), "keyid": "", **signature}]},
    }


def check(bundle, root, public, folder, curve="P-256"):
    """Raises unless the bundle (a dictionary) is signed by the key over exactly what the folder holds."""
    envelope = bundle["dsseEnvelope"]
    payload, folder = base64.b64decode(envelope["payload"], validate=True), Path(folder)
    (folder / "check.der").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"], validate=True))
    openssl("dgst", HASH[curve], "-verify", public, "-signature", folder / "check.der", data=pae(payload, envelope["payloadType"]))
    said = json.loads(payload)
    rows = [(r["name"], r["digest"]) for r in said["predicate"]["resources"]]
    assert [n for n, _ in rows] == sorted(n for n, _ in rows)
    expected = statement(root, subject=said["subject"][0]["name"],
                         ignored=said["predicate"]["serialization"]["ignore_paths"])
    assert said == expected
