# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""mica pull from registries: Debian's docker-registry, and ones that redirect, ask who we are, break off, or lie."""
import base64
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import BUILD, ROOT

sys.path.insert(0, str(ROOT / "tests" / "support"))
from fake_registry import FakeRegistry, TokenService  # noqa: E402
from outcome import fails, ok  # noqa: E402
from registry import (  # noqa: E402
    CONFIG, DOCKER_MANIFEST, LICENSE, MODEL, OCI_INDEX, OCI_MANIFEST, PARAMS, SYSTEM, TEMPLATE, Registry, digest_of,
    fill_store, find_program, manifest_of)

EXIT_ARG, EXIT_FORMAT, EXIT_UNSUPPORTED, EXIT_NOT_FOUND, EXIT_IO, EXIT_LIMIT, EXIT_CANCELLED, EXIT_DENIED = \
    2, 3, 4, 5, 6, 8, 9, 10
TERMS = (ROOT / "LICENSE").read_bytes()
needs_registry = pytest.mark.skipif(not find_program(), reason="docker-registry is not installed")


@pytest.fixture(scope="session")
def weights(tiny_model):
    """A whole small model, as bytes."""
    return tiny_model


@pytest.fixture(scope="session")
def parts(weights):
    return [(MODEL, weights), (LICENSE, TERMS), (TEMPLATE, b"{{ messages[0]['content'] }}"), (SYSTEM, b"Be brief."),
            (PARAMS, b'{"temperature":0,"stop":["<|end|>"]}')]


class Home:
    """A store of its own and the program in it."""

    def __init__(self, mica, folder):
        self.mica, self.path, self.folder = mica, folder / "home", folder
        self.env = {"MICA_HOME": str(self.path), "HOME": str(folder), "DOCKER_CONFIG": str(folder / "docker"),
                    "MICA_REGISTRY": "", "http_proxy": "", "https_proxy": ""}

    def __call__(self, command, *arguments, env=None, **options):
        quiet = ["--quiet"] if command in ("pull", "push") else []
        return self.mica(command, *quiet, *arguments, env={**self.env, **(env or {})}, timeout=100, **options)

    def start(self, *arguments, **options):
        return subprocess.Popen([BUILD / "src/cli/mica", *arguments], env={**os.environ, **self.env}, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    def blob(self, data):
        digest = data if isinstance(data, str) else digest_of(data)
        return self.path / "blobs" / digest.replace(":", "-")

    def blobs(self):
        """The visible blobs, each checked: what is visible is whole."""
        found = []
        for path in (self.path / "blobs").glob("sha256-*"):
            if len(path.name) == 7 + 64:
                assert path.name == "sha256-" + hashlib.sha256(path.read_bytes()).hexdigest(), path
                found.append(path.name)
        return found

    def manifests(self):
        folder = self.path / "manifests"
        return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


@pytest.fixture
def home(mica, tmp_path):
    return Home(mica, tmp_path)


# ---- a real registry


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    if not find_program():
        pytest.skip("docker-registry is not installed")
    with Registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


def test_round_trip(home, registry, parts):
    manifest = fill_store(home.path, "registry.ollama.ai/library/m/latest", parts)
    place = f"oci://{registry.host}/round/trip:v1"
    ok(home("push", "m", "--to", place))
    shutil.rmtree(home.path)
    ok(home("pull", place))
    assert home.manifests() == [f"{registry.host}/round/trip/v1"]
    assert (home.path / "manifests" / home.manifests()[0]).read_bytes() == manifest
    for _, data in parts:
        assert home.blob(data).read_bytes() == data
    assert ok(home("verify", f"{registry.host}/round/trip:v1"))
    ok(home("rm", f"{registry.host}/round/trip:v1"))
    assert home.manifests() == []
    ok(home("pull", place, "--as", "again"))
    assert home.manifests() == ["registry.ollama.ai/library/again/latest"]
    assert (home.path / "manifests" / home.manifests()[0]).read_bytes() == manifest


def test_by_digest_and_as_an_ollama_name(home, registry, parts):
    manifest = fill_store(home.path, f"{registry.host}/by/digest/v1", parts)
    ok(home("push", f"{registry.host}/by/digest:v1"))
    shutil.rmtree(home.path)
    digest = digest_of(manifest)
    ok(home("pull", f"oci://{registry.host}/by/digest@{digest}"))
    assert home.manifests() == [f"{registry.host}/by/digest/{digest[7:19]}"]
    ok(home("pull", f"ollama:{registry.host}/by/digest:v1"))
    ok(home("pull", f"{registry.host}/by/digest:v1"))
    assert home.manifests()[1] == f"{registry.host}/by/digest/v1"
    fails(home("pull", f"oci://{registry.host}/by/digest@sha256:{'0' * 64}"), EXIT_NOT_FOUND, "MANIFEST_UNKNOWN")
    fails(home("pull", f"oci://{registry.host}/by/digest:v2"), EXIT_NOT_FOUND, "v2")


def test_tampered_storage(home, registry, parts, weights):
    """Someone changed the registry's disk: what arrives is not what the manifest names."""
    changed = weights[:-1] + bytes([weights[-1] ^ 1])
    fill_store(home.path, "registry.ollama.ai/library/m/latest", [(MODEL, changed), *parts[1:]])
    place = f"oci://{registry.host}/tampered:v1"
    ok(home("push", "m", "--to", place))
    shutil.rmtree(home.path)
    path = registry.blob(digest_of(changed))
    path.write_bytes(weights)
    fails(home("pull", place), EXIT_FORMAT, "announced")
    assert home.manifests() == [] and home.blob(changed).name not in home.blobs()
    path.write_bytes(changed)
    ok(home("pull", place))


def htpasswd(folder):
    """bcrypt of user:word, made once: the registry takes no other kind."""
    path = folder / "htpasswd"
    path.write_text("user:$2y$05$4qgnLLWYzGFsd3Nmc5dYtOH4QYz3mekJtfvBw5rzMjYb3g9mxD7py\n")
    return path


@needs_registry
def test_basic_auth_of_a_real_registry(home, parts, tmp_path):
    auth = {"htpasswd": {"realm": "test", "path": str(htpasswd(tmp_path))}}
    with Registry(tmp_path / "registry", auth=auth) as registry:
        fill_store(home.path, "registry.ollama.ai/library/m/latest", parts)
        place, env = f"oci://{registry.host}/a/b:t", {"MICA_REGISTRY_USER": "user", "MICA_REGISTRY_PASSWORD": "word"}
        fails(home("push", "m", "--to", place), EXIT_DENIED, "MICA_REGISTRY_USER")
        ok(home("push", "m", "--to", place, env=env))
        shutil.rmtree(home.path)
        fails(home("pull", place), EXIT_DENIED)
        ok(home("pull", place, env=env))


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make_jwt(folder, query, issued):
    """A token that docker-registry accepts: signed by the key of the certificate that it trusts."""
    scope = query["scope"][0].split(":")
    certificate = "".join((folder / "cert.pem").read_text().splitlines()[1:-1])
    head = {"typ": "JWT", "alg": "RS256", "x5c": [certificate]}
    claims = {"iss": "tests", "sub": "", "aud": query["service"][0], "exp": issued + 300, "nbf": issued - 10,
              "iat": issued, "jti": "1",
              "access": [{"type": scope[0], "name": ":".join(scope[1:-1]), "actions": scope[-1].split(",")}]}
    text = ".".join(b64url(json.dumps(part).encode()) for part in (head, claims))
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", folder / "key.pem"], input=text.encode(),
                               capture_output=True, check=True).stdout
    return f"{text}.{b64url(signature)}"


@needs_registry
def test_token_auth_of_a_real_registry(home, parts, tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "key.pem", "-out",
                    tmp_path / "cert.pem", "-subj", "/CN=tests"], check=True, capture_output=True)
    issued = int((tmp_path / "cert.pem").stat().st_mtime)
    with TokenService(lambda query: make_jwt(tmp_path, query, issued)) as tokens:
        auth = {"token": {"realm": tokens.url, "service": "registry of the test", "issuer": "tests",
                          "rootcertbundle": str(tmp_path / "cert.pem")}}
        with Registry(tmp_path / "registry", auth=auth) as registry:
            manifest = fill_store(home.path, "registry.ollama.ai/library/m/latest", parts)
            ok(home("push", "m", "--to", f"oci://{registry.host}/a/b:t"))
            shutil.rmtree(home.path)
            ok(home("pull", f"oci://{registry.host}/a/b:t"))
            assert (home.path / "manifests" / home.manifests()[0]).read_bytes() == manifest
        assert [q["scope"] for q in tokens.asked] == [["repository:a/b:pull,push"], ["repository:a/b:pull"]]


# ---- registries that behave otherwise


def offer(fake, parts, place="a/b:t", **more):
    manifest = manifest_of(parts, **more)
    fake.add(place, manifest, [b"{}", *(part[1] for part in parts)])
    return manifest


def test_blobs_elsewhere_get_no_authorization(home, parts):
    """Blobs are often redirected to storage on another host: it must not see the token."""
    with FakeRegistry() as storage, TokenService() as tokens, FakeRegistry() as fake:
        offer(fake, parts)
        storage.blobs, fake.token_url = fake.blobs, tokens.url

        def hook(request):
            if "/blobs/" in request.path and fake.allowed(request):
                return request.reply(307, Location=f"http://{storage.host}{request.path}?signature=1")
            return False
        fake.hook = hook
        ok(home("pull", f"oci://{fake.host}/a/b:t"))
        assert storage.count("GET", "/blobs/") > len(parts) and storage.authorizations() == []


def test_a_token_that_runs_out_is_renewed(home, parts):
    with FakeRegistry() as fake, TokenService(lambda _: fake.token) as tokens:
        offer(fake, parts)
        fake.token_url = tokens.url

        def hook(request):
            if request.headers.get("Range") and request.fake.token == "right":
                request.fake.token = "second"
            return False
        fake.hook = hook
        ok(home("pull", f"oci://{fake.host}/a/b:t"))
        assert len(tokens.asked) == 2 and "Bearer second" in fake.authorizations()


def test_the_terms_come_before_the_weights(home, parts, weights):
    with FakeRegistry() as fake:
        offer(fake, parts)
        ok(home("pull", f"oci://{fake.host}/a/b:t"))
        asked = [path.rpartition("/")[2] for method, path, _ in fake.seen if method == "GET" and "/blobs/" in path]
        assert asked[0] == digest_of(TERMS) and asked[-1] == digest_of(weights)


def test_what_is_there_is_not_fetched_again(home, parts, weights):
    with FakeRegistry() as fake:
        offer(fake, parts)
        ok(home("pull", f"oci://{fake.host}/a/b:t"))
        offer(fake, [*parts[:3], (SYSTEM, b"Be long.")], "a/b:u")
        fake.seen.clear()
        ok(home("pull", f"oci://{fake.host}/a/b:u"))
        assert fake.count("GET", digest_of(weights)) == 0
        assert {path for m, path, _ in fake.seen if "/blobs/" in path} == {"/v2/a/b/blobs/" + digest_of(b"Be long.")}


FORMS = {
    "OCI manifest": {"media_type": OCI_MANIFEST},
    "as new Ollama versions print it": {"annotations": {"x": "y"}},
    "a larger config": {"config": b'{"model_format":"gguf","rootfs":{"type":"layers"}}'},
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_manifests(home, parts, form):
    with FakeRegistry() as fake:
        manifest = offer(fake, parts, **FORMS[form])
        config = FORMS[form].get("config", b"{}")
        fake.blobs[digest_of(config)] = config
        ok(home("pull", f"oci://{fake.host}/a/b:t", "--as", "m"))
        assert (home.path / "manifests/registry.ollama.ai/library/m/latest").read_bytes() == manifest
        assert home.blob(config).read_bytes() == config


def index_of(manifests):
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}).encode()


def test_an_index_of_one_is_followed(home, parts):
    manifest = manifest_of(parts, media_type=OCI_MANIFEST)
    entry = {"mediaType": OCI_MANIFEST, "digest": digest_of(manifest), "size": len(manifest)}
    attestation = {**entry, "digest": "sha256:" + "1" * 64, "platform": {"os": "unknown", "architecture": "unknown"}}
    with FakeRegistry() as fake:
        fake.add("a/b:m", manifest, [b"{}", *(part[1] for part in parts)], OCI_MANIFEST)
        fake.add("a/b:one", index_of([entry, attestation]), [], OCI_INDEX)
        ok(home("pull", f"oci://{fake.host}/a/b:one", "--as", "m"))
        assert (home.path / "manifests/registry.ollama.ai/library/m/latest").read_bytes() == manifest
        other = {**entry, "platform": {"os": "linux", "architecture": "arm64"}}
        rows = {"two": ([entry, other], EXIT_UNSUPPORTED), "none": ([], EXIT_UNSUPPORTED),
                "attestation": ([attestation], EXIT_UNSUPPORTED),
                "dots": ([{**entry, "digest": "sha256:../../x"}], EXIT_FORMAT),
                "absent": ([{**entry, "digest": "sha256:" + "1" * 64}], EXIT_NOT_FOUND)}
        for tag, (manifests, code) in rows.items():
            fake.add(f"a/b:{tag}", index_of(manifests), [], OCI_INDEX)
            done = home("pull", f"oci://{fake.host}/a/b:{tag}", "--as", "n")
            assert done.returncode == code, (tag, done.stderr)
        inner = index_of([entry])
        fake.add("a/b:inner", inner, [], OCI_INDEX)
        fake.add("a/b:outer", index_of([{**entry, "digest": digest_of(inner)}]), [], OCI_INDEX)
        fails(home("pull", f"oci://{fake.host}/a/b:outer", "--as", "n"), EXIT_UNSUPPORTED, "index")


# ---- what other tools push

EMPTY = "application/vnd.oci.empty.v1+json"
CNCF = "application/vnd.cncf.model."
ARTIFACTS = {  # media types of the weights, the terms and the card
    "oras": ("application/vnd.oci.image.layer.v1.tar",) * 3,
    "oras with types": ("application/octet-stream", "text/plain", "text/markdown"),
    "docker model": ("application/vnd.docker.ai.gguf.v3", "application/vnd.docker.ai.license", "text/plain"),
    "modelpack": (CNCF + "weight.v1.raw", CNCF + "doc.v1.raw", CNCF + "doc.v1.raw"),
}


def artifact(types, weights, key="org.opencontainers.image.title", **notes):
    """A manifest as OCI 1.1 has it for artifacts: an empty config, files told apart by their titles."""
    layers = []
    for media_type, data, title in zip(types, (weights, TERMS, b"# Tiny\n"), ("tiny.gguf", "LICENSE", "README.md")):
        layers.append({"mediaType": media_type, "digest": digest_of(data), "size": len(data),
                       "annotations": {key: title, **notes}})
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "application/vnd.x", "layers": layers,
                       "config": {"mediaType": EMPTY, "digest": digest_of(b"{}"), "size": 2, "data": "e30="}}).encode()


@pytest.mark.parametrize("kind", ARTIFACTS)
def test_artifacts_of_other_tools(home, weights, kind):
    key = "org.cncf.model.filepath" if kind == "modelpack" else "org.opencontainers.image.title"
    manifest = artifact(ARTIFACTS[kind], weights, key)
    with FakeRegistry() as fake:
        fake.add("a/b:t", manifest, [b"{}", weights, TERMS, b"# Tiny\n"], OCI_MANIFEST)
        ok(home("pull", f"oci://{fake.host}/a/b:t", "--as", "m"))
        assert (home.path / "manifests/registry.ollama.ai/library/m/latest").read_bytes() == manifest
        shown = json.loads(ok(home("show", "m", "--json")).stdout)
        assert shown["architecture"] == "llama"
        assert "Apache-2.0" in ok(home("licences", "m")).stdout
        done = home("run", "m", "a", "-n", "1")
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("types, notes", [
    ((CNCF + "weight.v1.tar+gzip",) * 3, {}), ((CNCF + "weight.v1.tar+zstd",) * 3, {}),
    (("application/vnd.oci.image.layer.v1.tar+gzip",) * 3, {}),
    (("application/vnd.oci.image.layer.v1.tar",) * 3, {"io.deis.oras.content.unpack": "true"})],
    ids=["gzip", "zstd", "image", "folder"])
def test_packed_layers_are_refused(home, weights, types, notes):
    with FakeRegistry() as fake:
        fake.add("a/b:t", artifact(types, weights, **notes), [b"{}", weights, TERMS, b"# Tiny\n"], OCI_MANIFEST)
        fails(home("pull", f"oci://{fake.host}/a/b:t"), EXIT_UNSUPPORTED, f"{fake.host}/a/b:t", "holds no model")
        assert home.manifests() == []


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
def test_skopeo_carries_it(home, registry, parts, tmp_path):
    """mica push, skopeo to a folder in OCI layout and back under another name, mica pull: the same bytes."""
    def skopeo(*arguments):
        done = subprocess.run(["skopeo", "--insecure-policy", *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout
    manifest = fill_store(home.path, "registry.ollama.ai/library/m/latest", parts, media_type=OCI_MANIFEST)
    ok(home("push", "m", "--to", f"oci://{registry.host}/skopeo/a:v1"))
    assert skopeo("inspect", "--tls-verify=false", "--raw", f"docker://{registry.host}/skopeo/a:v1").encode() == manifest
    skopeo("copy", "--src-tls-verify=false", "--preserve-digests", f"docker://{registry.host}/skopeo/a:v1",
           f"oci:{tmp_path / 'layout'}:v1")
    for _, data in parts:
        assert (tmp_path / "layout/blobs/sha256" / digest_of(data)[7:]).read_bytes() == data
    skopeo("copy", "--dest-tls-verify=false", "--preserve-digests", f"oci:{tmp_path / 'layout'}:v1",
           f"docker://{registry.host}/skopeo/b:v1")
    shutil.rmtree(home.path)
    ok(home("pull", f"oci://{registry.host}/skopeo/b:v1", "--as", "m"))
    assert (home.path / "manifests/registry.ollama.ai/library/m/latest").read_bytes() == manifest


# ---- hostile registries


def with_layer(**changes):
    """A manifest whose model layer is changed."""
    layer = {"mediaType": MODEL, "digest": "sha256:" + "2" * 64, "size": 10} | changes
    return json.dumps({"schemaVersion": 2, "mediaType": DOCKER_MANIFEST,
                       "config": {"mediaType": CONFIG, "digest": digest_of(b"{}"), "size": 2}, "layers": [layer]})


HOSTILE = {
    "digest that is a path": (with_layer(digest="sha256:../../../../etc/passwd"), EXIT_FORMAT),
    "digest with a path after it": (with_layer(digest="sha256:" + "2" * 64 + "/../x"), EXIT_FORMAT),
    "upper case digest": (with_layer(digest="sha256:" + "A" * 64), EXIT_FORMAT),
    "other digest": (with_layer(digest="md5:" + "2" * 32), EXIT_FORMAT),
    "title that is a path": (with_layer(annotations={"org.opencontainers.image.title": "../x"}), EXIT_FORMAT),
    "negative size": (with_layer(size=-1), EXIT_FORMAT),
    "size of 2^63": (with_layer(size=2**63), EXIT_FORMAT),
    "size of an exabyte": (with_layer(size=2**60), EXIT_FORMAT),
    "more than the disk": (with_layer(size=2**50), EXIT_LIMIT),
    "layers are no list": ('{"schemaVersion":2,"layers":{}}', EXIT_FORMAT),
    "schema 1": ('{"schemaVersion":1,"fsLayers":[]}', EXIT_FORMAT),
    "not JSON": ("<html>", EXIT_FORMAT),
    "nothing": ("", EXIT_FORMAT),
    "deep": ("[" * 100000, EXIT_FORMAT),
    "an image of Linux": (with_layer(mediaType="application/vnd.oci.image.layer.v1.tar+gzip"), EXIT_UNSUPPORTED),
    "huge": ('{"schemaVersion":2,"x":"' + "x" * (5 << 20) + '"}', EXIT_LIMIT),
    "many layers": (json.dumps({**json.loads(with_layer()), "layers": json.loads(with_layer())["layers"] * 1001}),
                    EXIT_LIMIT),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_manifests(home, name):
    text, code = HOSTILE[name]
    with FakeRegistry() as fake:
        fake.add("a/b:t", text.encode(), [b"{}"])
        fails(home("pull", f"oci://{fake.host}/a/b:t"), code)
        assert home.manifests() == []


def lie(weights):
    """name: (hook, exit code, words)"""
    digest = digest_of(weights)

    def of_blob(answer):
        return lambda r: digest in r.path and answer(r)
    endless = of_blob(lambda r: r.reply(302, Location=r.path + "x"))
    return {
        "manifest with another digest in its header": (
            lambda r: "/manifests/" in r.path and r.reply(200, r.fake.manifests["a/b:t"][1],
                                                          Docker_Content_Digest="sha256:" + "0" * 64),
            EXIT_FORMAT, "Docker-Content-Digest"),
        "other bytes": (of_blob(lambda r: r.reply(200, b"x" * len(weights))), EXIT_FORMAT, "announced"),
        "too few bytes": (of_blob(lambda r: r.reply(200, weights[:-1])), EXIT_FORMAT, ""),
        "too many bytes": (of_blob(lambda r: r.reply(200, weights + b"x")), EXIT_FORMAT, ""),
        "endless redirects": (endless, EXIT_LIMIT, "redirects"),
        "a redirect to a file": (of_blob(lambda r: r.reply(302, Location="file:///etc/passwd")), EXIT_DENIED, ""),
        "a redirect without encryption": (of_blob(lambda r: r.reply(302, Location="http://192.0.2.1/x")), EXIT_DENIED,
                                          "encryption"),
        "endless bytes in a manifest": (lambda r: "/manifests/" in r.path and r.reply(200, b"{" + b" " * (40 << 20)),
                                        EXIT_LIMIT, "larger"),
        "another range": (of_blob(lambda r: "Range" in r.headers and r.reply(
            206, weights[:10], Content_Range=f"bytes 0-9/{len(weights)}")), None, ""),
        "a compressed blob": (of_blob(lambda r: r.reply(200, weights, Content_Encoding="gzip")), EXIT_FORMAT,
                              "other bytes"),
    }


@pytest.mark.parametrize("name", lie(b""))
def test_lies(home, parts, weights, name):
    hook, code, word = lie(weights)[name]
    with FakeRegistry(hook) as fake:
        offer(fake, parts)
        done = home("pull", f"oci://{fake.host}/a/b:t")
        assert done.returncode != 0 and done.stderr.startswith("mica: ") and word in done.stderr, done.stderr
        assert code is None or done.returncode == code, done.stderr
        assert home.manifests() == [] and home.blob(weights).name not in home.blobs()


# ---- broken lines


def test_broken_downloads_go_on(home, parts, weights):
    """Every answer ends after a piece of its bytes."""
    left = [3]

    def hook(request):
        if digest_of(weights) not in request.path or request.command != "GET" or left[0] == 0:
            return False
        left[0] -= 1
        first = int(request.headers.get("Range", "bytes=0-")[6:].split("-")[0])
        data = weights[first:]
        headers = {"Content_Range": f"bytes {first}-{len(weights) - 1}/{len(weights)}"} if "Range" in request.headers else {}
        request.reply(206 if headers else 200, data[:200000], Content_Length=len(data), ETag='"1"', **headers)
        return request.hang_up()
    with FakeRegistry(hook) as fake:
        offer(fake, parts)
        ok(home("pull", f"oci://{fake.host}/a/b:t"))
        assert left == [0] and home.blob(weights).read_bytes() == weights


def big_model(weights, mib):
    """A model whose file has a tail of noise: fetched in several parts."""
    return weights + random.Random(1).randbytes(mib << 20)


def test_ctrl_c_keeps_what_came(home, parts, weights):
    """Interrupted in the middle: says so, shows nothing unfinished; the next pull fetches only the rest."""
    big, started, lock = big_model(weights, 40), threading.Event(), threading.Lock()
    served = [0]

    def hook(request):
        if digest_of(big) not in request.path or request.command != "GET":
            return False
        with lock:
            served[0] += 1
            turn = served[0]
        if turn > 4:
            started.wait()
            if turn == 5:
                process.send_signal(signal.SIGINT)
            process.wait()
            return request.hang_up()
        return False
    with FakeRegistry(hook) as fake:
        offer(fake, [(MODEL, big), *parts[1:]])
        process = home.start("pull", "-q", f"oci://{fake.host}/a/b:t")
        started.set()
        out, err = process.communicate(timeout=60)
        assert process.returncode == EXIT_CANCELLED, err
        assert err.count("\n") == 1 and "the same command goes on" in err, err
        assert home.manifests() == [] and home.blob(big).name not in home.blobs()
        fake.hook, fake.seen = None, []
        ok(home("pull", f"oci://{fake.host}/a/b:t"))
        assert home.blob(big).name in home.blobs()
        again = sum(digest_of(big) in path and "Range" in headers for _, path, headers in fake.seen)
        assert 1 <= again < 5, "parts that had come are not fetched again"


def test_a_full_disk(home, parts, weights):
    """The limit on file sizes stands for it: the message says what to do, and nothing unfinished is shown."""
    big = big_model(weights, 20)
    with FakeRegistry() as fake:
        offer(fake, [(MODEL, big), *parts[1:]])

        def limited():
            resource.setrlimit(resource.RLIMIT_FSIZE, (9 << 20, 9 << 20))
        done = home("pull", f"oci://{fake.host}/a/b:t", preexec_fn=limited)
        fails(done, EXIT_IO, "File too large")
        assert home.manifests() == [] and home.blob(big).name not in home.blobs()
        ok(home("pull", f"oci://{fake.host}/a/b:t"))


def test_two_pulls_at_once(home, parts, weights):
    big = big_model(weights, 20)
    with FakeRegistry() as fake:
        offer(fake, [(MODEL, big), *parts[1:]])
        both = [home.start("pull", "-q", f"oci://{fake.host}/a/b:t") for _ in range(2)]
        for process in both:
            out, err = process.communicate(timeout=60)
            assert process.returncode == 0, err
        assert len(home.blobs()) == len(parts) + 1
        ok(home("verify", f"{fake.host}/a/b:t"))


def test_killed_at_any_moment(home, parts, weights):
    """kill -9 at 20 random points, each followed by a look at what is visible; the last pull ends well."""
    big = big_model(weights, 30)
    seed = random.Random(7)
    with FakeRegistry() as fake:
        offer(fake, [(MODEL, big), *parts[1:]])
        total = len(fake.manifests["a/b:t"][1]) + len(big) + sum(len(data) for _, data in parts[1:])
        for point in range(20):
            victim, budget = [], [seed.randrange(1, total)]
            fake.hook = killer(victim, budget)
            process = home.start("pull", "-q", f"oci://{fake.host}/a/b:t")
            victim.append(process)
            process.communicate(timeout=60)
            assert process.returncode in (0, -signal.SIGKILL), (point, process.returncode)
            for path in home.manifests():
                ok(home("verify", path.rpartition("/")[0] + ":" + path.rpartition("/")[2]))
            home.blobs()
            if process.returncode == 0 or seed.random() < 0.3:
                shutil.rmtree(home.path, ignore_errors=True)
        fake.hook = None
        ok(home("pull", f"oci://{fake.host}/a/b:t"))
        assert len(home.blobs()) == len(parts) + 1


def killer(victim, budget):
    """A hook that kills the program once so many bytes were served, in the middle of an answer."""
    lock = threading.Lock()

    def hook(request):
        if request.command != "GET" or "/blobs/" not in request.path:
            return False
        data = request.fake.blobs[request.path.rpartition("/")[2]]
        first, _, last = request.headers.get("Range", "bytes=0-")[6:].partition("-")
        piece = data[int(first):int(last or len(data) - 1) + 1]
        with lock:
            dies = budget[0] is not None and budget[0] < len(piece)
            send = budget[0] if dies else len(piece)
            budget[0] = None if dies else budget[0] - len(piece) if budget[0] is not None else None
        headers = {"Content_Range": f"bytes {first}-{int(first) + len(piece) - 1}/{len(data)}"} \
            if "Range" in request.headers else {}
        request.reply(206 if headers else 200, piece[:send], Content_Length=len(piece), ETag='"1"',
                      Accept_Ranges="bytes", **headers)
        if dies:
            while not victim:
                pass
            victim[0].kill()
            victim[0].wait()
            return request.hang_up()
        return True
    return hook


# ---- before the weights


def tiny(folder, **settings):
    """A small model of which some things differ."""
    code = f"import tiny_gguf; tiny_gguf.write('Q8_0', {str(folder / 'm.gguf')!r}, **{settings!r})"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT / "tests/support")
    return (folder / "m.gguf").read_bytes()


def test_terms_are_looked_at_before_the_weights_come(home, fetched, tmp_path):
    text = json.loads(fetched("licences/spdx-full.json").read_text())["CC-BY-NC-4.0"]["licenseText"].encode()
    model = tiny(tmp_path, licence="cc-by-nc-4.0")
    with FakeRegistry() as fake:
        offer(fake, [(MODEL, model), (LICENSE, text)], "a/text:t")
        offer(fake, [(MODEL, model)], "a/key:t")
        fails(home("pull", f"oci://{fake.host}/a/text:t", "--use", "commercial"), EXIT_DENIED, "CC-BY-NC-4.0",
              "do not allow")
        assert fake.count("GET", digest_of(model)) == 0
        fails(home("pull", f"oci://{fake.host}/a/key:t", "--use", "commercial"), EXIT_DENIED, "CC-BY-NC-4.0",
              "do not allow")
        ranges = [headers["Range"] for _, path, headers in fake.seen if digest_of(model) in path]
        assert ranges == [f"bytes=0-{(1 << 20) - 1}"], "the head of the file is enough"
        assert home.manifests() == []
        ok(home("pull", f"oci://{fake.host}/a/text:t", "--use", "research", "--as", "m"))
        fails(home("push", "m", "--to", f"oci://{fake.host}/b:t", "--use", "commercial"), EXIT_DENIED,
              "do not allow")
        assert fake.count("POST", "/") == 0
        ok(home("push", "m", "--to", f"oci://{fake.host}/b:t", "--use", "research"))


def test_unknown_terms_are_said(home, weights):
    with FakeRegistry() as fake:
        offer(fake, [(MODEL, weights), (LICENSE, b"Ask me.")])
        done = ok(home.mica("pull", f"oci://{fake.host}/a/b:t", "--as", "m", env=home.env))
        assert "warning: terms not known yet" in done.stderr
        assert "warning: terms not known yet" in ok(home.mica("push", "m", "--to", f"oci://{fake.host}/c:t",
                                                                      env=home.env)).stderr
        fill_store(home.path, "registry.ollama.ai/library/n/latest", [(MODEL, weights)])
        assert "n:latest is not registered" in ok(home.mica("push", "n", "--to", f"oci://{fake.host}/d:t",
                                                           env=home.env)).stderr


def test_memory_is_looked_at_before_the_weights_come(home, fetched):
    """The head of the file tells what the cache will take."""
    model = fetched("models/smollm2.gguf").read_bytes()

    def within(mib):
        return lambda: resource.setrlimit(resource.RLIMIT_DATA, (mib << 20, mib << 20))
    with FakeRegistry() as fake:
        offer(fake, [(MODEL, model)])
        place = f"oci://{fake.host}/a/b:t"
        fails(home("pull", place, preexec_fn=within(100)), EXIT_LIMIT, "smaller quantisation", "--any-size")
        fails(home("pull", place, preexec_fn=within(200)), EXIT_LIMIT, "for 4096 tokens", "--kv q8_0", "--any-size")
        fails(home("pull", place, "--ctx", "8192", preexec_fn=within(250)), EXIT_LIMIT, "for 8192 tokens")
        assert fake.count("GET", "/blobs/") <= 6, "only heads were fetched"
        ok(home("pull", place, "--ctx", "1024", preexec_fn=within(200)))


# ---- names


def test_names_that_lead_nowhere(home):
    fails(home("pull", "registry.example/a/b"), EXIT_DENIED, "oci://registry.example")
    fails(home("pull", "oci://registry.example"), EXIT_ARG, "oci://HOST")
    fails(home("pull", "oci://127.0.0.1:1/a/b/c:t"), EXIT_ARG, "--as")


def test_the_listed_registry(home, parts):
    with FakeRegistry() as fake:
        offer(fake, parts)
        ok(home("pull", f"{fake.host}/a/b:t", env={"MICA_REGISTRY": "registry.example"}))


def test_nothing_listens(home):
    with FakeRegistry() as fake:
        host = fake.host
    fails(home("pull", f"oci://{host}/a/b:t"), EXIT_IO, host, "connect")


def test_users_of_the_store_see_the_model(home, parts):
    with FakeRegistry() as fake:
        offer(fake, parts)
        ok(home("pull", f"oci://{fake.host}/a/b:t", "--as", "m"))
        assert "m:latest" in home("list").stdout
        shown = json.loads(ok(home("show", "m", "--json")).stdout)
        assert shown["architecture"] == "llama"
        assert Path(home.path / "blobs").is_dir()
