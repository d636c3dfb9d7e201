# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""mica push: into Debian's docker-registry, and into registries that break off, ask who we are, or lie."""
import base64
import json
import os
import signal
import subprocess
import sys
import threading

import pytest
from conftest import BUILD, ROOT

sys.path.insert(0, str(ROOT / "tests" / "support"))
from fake_registry import FakeRegistry, TokenService  # noqa: E402
from outcome import fails, ok  # noqa: E402
from registry import (  # noqa: E402
    LICENSE, MODEL, OCI_MANIFEST, TEMPLATE, Registry, digest_of, fill_store, find_program)

EXIT_ARG, EXIT_FORMAT, EXIT_UNSUPPORTED, EXIT_NOT_FOUND, EXIT_IO, EXIT_CANCELLED, EXIT_DENIED = 2, 3, 4, 5, 6, 9, 10
BIG = os.urandom(40 << 20)
PARTS = [(MODEL, BIG), (LICENSE, b"The terms.\n"), (TEMPLATE, b"{{ messages }}")]
SMALL = [(MODEL, b"weights"), (LICENSE, b"The terms.\n")]


@pytest.fixture
def push(mica, tmp_path):
    """push('m', 'oci://…') with a store of its own."""
    def call(name, to=None, *arguments, env=None, **options):
        where = ("--to", to) if to else ()
        clean = {"MICA_HOME": str(tmp_path / "home"), "HOME": str(tmp_path), "DOCKER_CONFIG": str(tmp_path / "docker"),
                 "MICA_REGISTRY": "", **(env or {})}
        return mica("push", "-q", name, *where, *arguments, env=clean, timeout=60, **options)
    return call


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def add(home, parts, name="m", **more):
    return fill_store(home, f"registry.ollama.ai/library/{name}/latest", parts, **more)


@pytest.mark.skipif(not find_program(), reason="docker-registry is not installed")
def test_into_a_real_registry(push, home, tmp_path):
    manifest = add(home, PARTS)
    with Registry(tmp_path / "registry") as registry:
        done = ok(push("m", f"oci://{registry.host}/a/b:v1", "--json"))
        assert json.loads(done.stdout)["digest"] == digest_of(manifest)
        assert registry.blob(digest_of(BIG)).read_bytes() == BIG
        assert registry.blob(digest_of(manifest)).read_bytes() == manifest
        before = registry.log().count('"PATCH ')
        assert before == 2
        ok(push("m", f"oci://{registry.host}/a/b:v2"))
        assert registry.log().count('"PATCH ') == before, "what is there is not sent again"


@pytest.mark.skipif(not find_program(), reason="docker-registry is not installed")
def test_mount_in_a_real_registry(push, home, tmp_path):
    with Registry(tmp_path / "registry") as registry:
        fill_store(home, f"{registry.host}/a/b/v1", PARTS)
        ok(push(f"{registry.host}/a/b:v1"))
        before = registry.log().count('"PATCH ')
        ok(push(f"{registry.host}/a/b:v1", f"{registry.host}/c/d:v1"))
        log = registry.log()
        assert log.count('"PATCH ') == before and "mount=" in log


def test_an_oci_manifest_keeps_its_type(push, home):
    manifest = add(home, SMALL, media_type=OCI_MANIFEST)
    with FakeRegistry() as fake:
        ok(push("m", f"oci://{fake.host}/a/b:t"))
        assert fake.manifests["a/b:t"] == (OCI_MANIFEST, manifest)
        assert set(fake.blobs.values()) == {b"{}", b"weights", b"The terms.\n"}
        assert fake.seen[-1][:2] == ("PUT", "/v2/a/b/manifests/t"), "the manifest comes last"


def breaks(times, after, method="PATCH"):
    """A hook that ends the connection in the middle of a body, a number of times; what came is kept."""
    left = [times]

    def hook(request):
        if request.command != method or "/uploads/" not in request.path or left[0] == 0:
            return False
        left[0] -= 1
        upload = request.path.rpartition("/")[2].partition("?")[0]
        request.fake.uploads[upload] += request.body(after)
        return request.hang_up()
    return hook


def test_a_broken_upload_goes_on(push, home):
    add(home, PARTS)
    with FakeRegistry(breaks(2, 5 << 20)) as fake:
        ok(push("m", f"oci://{fake.host}/a/b:t"))
        assert fake.blobs[digest_of(BIG)] == BIG
        assert fake.count("POST", "/uploads/") == len(PARTS) + 1, "nothing started again"
        spans = [h.get("Content-Range") for m, _, h in fake.seen if m == "PATCH"]
        assert f"{5 << 20}-{(21 << 20) - 1}" in spans, spans


def test_a_broken_last_piece_goes_on(push, home):
    add(home, PARTS)
    with FakeRegistry(breaks(1, 1 << 20, "PUT")) as fake:
        ok(push("m", f"oci://{fake.host}/a/b:t"))
        assert fake.blobs[digest_of(BIG)] == BIG


def test_an_upload_that_was_forgotten_starts_again(push, home):
    add(home, PARTS)
    forgot = []

    def hook(request):
        if request.command == "PATCH" and len(forgot) < 1 and request.headers["Content-Range"][0] != "0":
            forgot.append(1)
            request.fake.uploads.clear()
        return False
    with FakeRegistry(hook) as fake:
        ok(push("m", f"oci://{fake.host}/a/b:t"))
        assert forgot and fake.blobs[digest_of(BIG)] == BIG


def test_a_registry_that_always_forgets(push, home):
    """It would never end otherwise: every piece is progress, and every break loses all."""
    add(home, PARTS)

    def hook(request):
        if request.command == "PATCH" and request.headers["Content-Range"][0] != "0":
            request.fake.uploads.clear()
        return False
    with FakeRegistry(hook) as fake:
        fails(push("m", f"oci://{fake.host}/a/b:t"), EXIT_IO, "had forgotten")


def test_a_lost_answer_is_found_out(push, home):
    """The registry took the blob, but its answer never came."""
    add(home, SMALL)
    lost = []

    def hook(request):
        if request.command == "PUT" and "digest=" in request.path and not lost:
            lost.append(1)
            data = request.body()
            request.fake.blobs[digest_of(data)] = data
            return request.hang_up()
        return False
    with FakeRegistry(hook) as fake:
        ok(push("m", f"oci://{fake.host}/a/b:t"))


def test_a_registry_that_keeps_less_than_was_sent(push, home):
    add(home, PARTS)

    def hook(request):
        upload = request.path.rpartition("/")[2].partition("?")[0]
        if request.command != "PATCH" or len(request.fake.uploads[upload]) > 1000:
            return False
        data = request.body()
        request.fake.uploads[upload] += data[:12345]
        return request.reply(202, Location=request.path, Range=f"0-{len(request.fake.uploads[upload]) - 1}")
    with FakeRegistry(hook) as fake:
        ok(push("m", f"oci://{fake.host}/a/b:t"))
        assert fake.blobs[digest_of(BIG)] == BIG


def test_an_upload_place_elsewhere_gets_no_authorization(push, home):
    """Registries send uploads to storage on another host: it must not see the password."""
    add(home, SMALL)
    with FakeRegistry() as storage, FakeRegistry() as fake:
        fake.users = {"u": "secret"}

        def hook(request):
            if request.command == "POST" and fake.allowed(request):
                request.body()
                storage.uploads["1"] = b""
                return request.reply(202, Location=f"http://{storage.host}/v2/s/blobs/uploads/1")
            return False
        fake.hook = hook
        env = {"MICA_REGISTRY_USER": "u", "MICA_REGISTRY_PASSWORD": "secret"}
        ok(push("m", f"oci://{fake.host}/a/b:t", env=env))
        assert storage.count("PUT", "digest=") == 3
        assert storage.authorizations() == []


def test_basic_auth(push, home, tmp_path):
    add(home, SMALL)
    with FakeRegistry() as fake:
        fake.users = {"u": "p:w"}
        to = f"oci://{fake.host}/a/b:t"
        fails(push("m", to), EXIT_DENIED, "MICA_REGISTRY_USER")
        fails(push("m", to, env={"MICA_REGISTRY_USER": "u", "MICA_REGISTRY_PASSWORD": "no"}), EXIT_DENIED,
              "does not take the name and password")
        ok(push("m", to, env={"MICA_REGISTRY_USER": "u", "MICA_REGISTRY_PASSWORD": "p:w"}))
        (tmp_path / "docker").mkdir()
        auth = base64.b64encode(b"u:p:w").decode()
        (tmp_path / "docker" / "config.json").write_text(json.dumps({"auths": {fake.host: {"auth": auth}}}))
        fake.blobs.clear()
        ok(push("m", to))
        assert len(fake.blobs) == 3


def test_bearer_tokens(push, home):
    add(home, SMALL)
    with FakeRegistry() as fake, TokenService() as tokens:
        fake.token_url = tokens.url
        to = f"oci://{fake.host}/a/b:t"
        ok(push("m", to))
        assert tokens.asked == [{"service": ["fake"], "scope": ["repository:a/b:pull,push"]}]
        assert tokens.authorizations() == []
        tokens.users = {"u": "p"}
        fails(push("m", to), EXIT_DENIED, "asking for a token")
        ok(push("m", to, env={"MICA_REGISTRY_USER": "u", "MICA_REGISTRY_PASSWORD": "p"}))
        assert all(a.startswith("Bearer ") for a in fake.authorizations()), "the password goes to the service only"
        fake.token = "other"
        fails(push("m", to, env={"MICA_REGISTRY_USER": "u", "MICA_REGISTRY_PASSWORD": "p"}), EXIT_DENIED)


def test_a_token_that_runs_out_is_renewed(push, home):
    add(home, PARTS)
    with FakeRegistry() as fake, TokenService(lambda _: fake.token) as tokens:
        fake.token_url = tokens.url

        def hook(request):
            if request.command == "PATCH" and request.fake.token == "right":
                request.fake.token = "second"
            return False
        fake.hook = hook
        ok(push("m", f"oci://{fake.host}/a/b:t"))
        assert len(tokens.asked) == 2 and fake.blobs[digest_of(BIG)] == BIG


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "", "a b", 7, None])
def test_hostile_tokens_are_refused(push, home, token):
    add(home, SMALL)
    with FakeRegistry() as fake, TokenService(lambda _: token) as tokens:
        fake.token_url = tokens.url
        fails(push("m", f"oci://{fake.host}/a/b:t"), EXIT_FORMAT, "token")
        assert all("X-Evil" not in headers for _, _, headers in fake.seen)


@pytest.mark.parametrize("realm", ["file:///etc/passwd", "http://192.0.2.1/token", "gopher://127.0.0.1/", "nonsense",
                                   "http://user:word@127.0.0.1:1/"])
def test_hostile_realms_are_refused(push, home, realm):
    add(home, SMALL)
    with FakeRegistry() as fake:
        fake.token_url = realm
        fails(push("m", f"oci://{fake.host}/a/b:t"), EXIT_DENIED, "names a token service that is not asked")


def test_answers_that_make_no_sense(push, home):
    add(home, PARTS)
    rows = {
        "no Location": (lambda r: r.command == "POST" and r.reply(202), EXIT_FORMAT, "where the upload goes on"),
        "more than was sent": (lambda r: r.command == "PATCH" and (r.body(), r.reply(
            202, Location=r.path, Range="0-99999999999"))[1], EXIT_FORMAT, "says it has"),
        "not a range": (lambda r: r.command == "PATCH" and (r.body(), r.reply(
            202, Location=r.path, Range="everything"))[1], EXIT_FORMAT, "malformed Range"),
        "another digest": (lambda r: "/manifests/" in r.path and (r.body(), r.reply(
            201, Docker_Content_Digest="sha256:" + "0" * 64))[1], EXIT_FORMAT, "another digest"),
        "words for the terminal": (lambda r: r.command == "POST" and r.reply(403, json.dumps(
            {"errors": [{"code": "DENIED", "message": "no\x1b[2J\nreally"}]}).encode()), EXIT_DENIED, "no [2J really"),
    }
    for name, (hook, code, word) in rows.items():
        with FakeRegistry(hook) as fake:
            done = push("m", f"oci://{fake.host}/a/b:t")
            assert done.returncode == code and word in done.stderr, (name, done.stderr)


def test_changed_bytes_are_not_taken(push, home):
    add(home, SMALL)
    (home / "blobs" / digest_of(b"weights").replace(":", "-")).write_bytes(b"weightS")
    with FakeRegistry() as fake:
        fails(push("m", f"oci://{fake.host}/a/b:t"), EXIT_IO, "DIGEST_INVALID")
        assert not fake.manifests
    (home / "blobs" / digest_of(b"weights").replace(":", "-")).write_bytes(b"weigh")
    with FakeRegistry() as fake:
        fails(push("m", f"oci://{fake.host}/a/b:t"), EXIT_FORMAT, "5 bytes")


def test_places_that_are_not_allowed(push, home):
    add(home, SMALL)
    fails(push("m", "registry.example/a/b:t"), EXIT_DENIED, "oci://registry.example")
    fails(push("m"), EXIT_UNSUPPORTED, "--to oci://")
    fails(push("m", "oci://registry.example"), EXIT_ARG, "oci://HOST")
    fails(push("m", "oci://h/a@sha256:" + "0" * 64), EXIT_ARG, "tag")
    fails(push("absent", "oci://127.0.0.1:1/a"), EXIT_NOT_FOUND, "absent")


def test_interrupted(home, tmp_path):
    """Ctrl-C in the middle of an upload ends it with the exit code of a cancelled command."""
    add(home, PARTS)
    stop, started = [], threading.Event()

    def hook(request):
        if request.command != "PATCH":
            return False
        request.body(1 << 20)
        started.wait()
        process.send_signal(signal.SIGINT)
        process.wait()
        stop.append(1)
        return request.hang_up()
    with FakeRegistry(hook) as fake:
        process = subprocess.Popen([BUILD / "src/cli/mica", "push", "-q", "m", "--to", f"oci://{fake.host}/a/b:t"],
                                   env={**os.environ, "MICA_HOME": str(home), "HOME": str(tmp_path)}, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        started.set()
        out, err = process.communicate(timeout=60)
    assert stop and process.returncode == EXIT_CANCELLED and out == "" and "interrupted" in err
