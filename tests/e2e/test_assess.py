# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""The sheet an open project is judged by, on made folders, hostile ones, and on this repository."""
import json
import os
import subprocess

import pytest
from conftest import ROOT

HEADER = "SPDX-" "License-Identifier: Apache-2.0"  # in two parts: this file is not under what it writes
NOW = "1780000000"  # 2026-05-28
POINTS = ["licence clarity", "documentation", "release cadence", "evals", "governance", "ecosystem fit", "security posture",
          "community"]


@pytest.fixture
def assess(mica, tmp_path):
    """assess(folder) is the sheet: {point: mark} and {check: [(mark, found, where)]}."""
    def call(folder, env=None):
        done = mica("assess", folder, "--json",
                    env={"MICA_HOME": str(tmp_path / "home"), "SOURCE_DATE_EPOCH": NOW, **(env or {})})
        assert done.returncode == 0, done.stderr
        sheet = json.loads(done.stdout)
        assert [p["point"] for p in sheet["points"]] == POINTS
        found = {}
        for point in sheet["points"]:
            for f in point["findings"]:
                found.setdefault(f["check"], []).append((f["mark"], f["found"], f["where"]))
        return {p["point"]: p["mark"] for p in sheet["points"]}, found
    return call


def git(folder, *arguments, when=1779000000, **env):
    subprocess.run(["git", "-C", str(folder), "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false",
                    *arguments], check=True, capture_output=True,
                   env={**os.environ, "GIT_AUTHOR_DATE": f"{when} +0000", "GIT_COMMITTER_DATE": f"{when} +0000",
                        "GIT_CONFIG_GLOBAL": "/dev/null", **env})


@pytest.fixture
def good(tmp_path):
    """A folder with all that the sheet looks for."""
    folder = tmp_path / "good"
    files = {
        "LICENSE": (ROOT / "LICENSE").read_text(),
        "README.md": "# Good\n\n## Install\n\nmake\n\n## Usage\n\nrun it\n\n## Limits\n\nIt does not fly.\n\n## Licence\n\nApache-2.0\n" + "x" * 500,
        "CHANGELOG.md": "# Changes\n\n## 1.1 - 2026-05-01\n\n## 1.0 - 2025-01-01\n", "pyproject.toml": '[project]\nname = "g"\nlicense = "Apache-2.0"\n',
        "SECURITY.md": "Report it to security@example.org\n", "CODE_OF_CONDUCT.md": "Be kind.\n", "CONTRIBUTING.md": "Do.\n",
        "GOVERNANCE.md": "A vote.\n", "MAINTAINERS": "A\n", "CITATION.cff": "title: Good\nlicense: Apache-2.0\n", "poetry.lock": "",
        "docs/a.md": "", "docs/b.md": "", "docs/c.md": "", "examples/a.py": f"# {HEADER}\n",
        "bench/run.py": f"# {HEADER}\n", ".github/workflows/ci.yml": "", ".github/dependabot.yml": "",
        "model.safetensors": "", "fuzz/target.c": f"// {HEADER}\n", "good.cdx.json": "{}",
        **{f"tests/test_{i}.py": f"# {HEADER}\n" for i in range(6)}}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def commit_all(folder):
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    for i, who in enumerate(["a@x", "b@x", "c@x", "d@x", "e@x", "e@x"]):
        git(folder, "-c", f"user.email={who}", "commit", "-q", "--allow-empty", "-m", "work", when=1779000000 + i)
    git(folder, "tag", "v1.0", when=1779000000)
    git(folder, "-c", "user.email=a@x", "tag", "-a", "-m", "second", "v1.1", when=1779500000)


def test_a_good_folder(assess, good):
    commit_all(good)
    marks, found = assess(good)
    assert set(marks.values()) == {"good"}, (marks, [f for f in found.items() if f[1][0][0] != "good"])
    assert found["licence text"] == [("good", "the whole text is Apache-2.0", "LICENSE:1")]
    assert ("good", "states Apache-2.0", "pyproject.toml:3") in found["licence in the metadata"]
    assert found["change log"] == [("good", "2 dated entries, the newest of 2026-05-01", "CHANGELOG.md:3")]
    assert found["commits"][0][1] == "6 commits from 2026-05-17 to 2026-05-17, 6 within a year"
    assert found["tags"][0][1] == "2 tags, 2 of them within a year; the newest is v1.1 of 2026-05-23"
    assert found["people at work"][0][:2] == ("good", "5 addresses committed within a year")
    assert found["how to report a weakness"][0][2] == "SECURITY.md:1"


def test_packed_history_is_the_same(assess, good):
    commit_all(good)
    before = assess(good)
    git(good, "gc", "-q", "--aggressive", "--prune=now")
    assert (good / ".git" / "packed-refs").exists()
    assert assess(good) == before


@pytest.mark.parametrize("name,check,mark", [
    ("LICENSE", "licence text", "poor"), ("README.md", "README", "poor"), ("CHANGELOG.md", "change log", "partial"),
    ("SECURITY.md", "how to report a weakness", "poor"), ("GOVERNANCE.md", "who decides", "partial"),
    ("MAINTAINERS", "owners of the code", "partial"), ("pyproject.toml", "package metadata", "partial"),
    ("poetry.lock", "pinned dependencies", "partial"), ("model.safetensors", "model formats", "not seen"),
    ("good.cdx.json", "bill of materials", "partial"), ("CONTRIBUTING.md", "how to contribute", "partial"),
    ("CODE_OF_CONDUCT.md", "code of conduct", "partial"), (".github/workflows/ci.yml", "tests run on every change", "partial"),
    ("bench/run.py", "evaluations and benchmarks", "good")])
def test_what_is_missing_is_told(assess, good, name, check, mark):
    (good / name).unlink()
    assert assess(good)[1][check][0][0] == mark


def test_an_empty_folder(assess, tmp_path):
    (tmp_path / "empty").mkdir()
    marks, found = assess(tmp_path / "empty")
    assert "good" not in {m for p, m in marks.items() if p != "security posture"}
    assert found["commits"] == [("not seen", "there is no .git", ".git")]


def test_a_changed_licence(assess, good):
    text = (good / "LICENSE").read_text()
    (good / "LICENSE").write_text(text.replace("irrevocable", "revocable"))
    mark, words, _ = assess(good)[1]["licence text"][0]
    assert mark == "poor" and "LicenseRef-modified-Apache-2.0" in words


def test_pickles(assess, good):
    (good / "data").mkdir()
    (good / "data" / "weights.PKL").write_bytes(b"\x80")
    (good / "pytorch_model-00001.bin").write_bytes(b"\x80")
    marks, found = assess(good)
    assert {f[2] for f in found["files that run code when loaded"]} == {"data/weights.PKL", "pytorch_model-00001.bin"}


def test_nothing_outside_is_read(assess, tmp_path):
    outside, folder = tmp_path / "outside", tmp_path / "in"
    for path in (outside, folder, outside / "tests"):
        path.mkdir()
    (outside / "LICENSE").write_text((ROOT / "LICENSE").read_text())
    (outside / "tests" / "a.py").write_text("")
    (folder / "LICENSE").symlink_to(outside / "LICENSE")
    (folder / "README.md").symlink_to("../outside/LICENSE")
    (folder / "tests").symlink_to(outside / "tests")
    (folder / ".git").symlink_to(ROOT / ".git")
    os.mkfifo(folder / "SECURITY.md")
    os.mkfifo(folder / "CHANGELOG.md")
    found = assess(folder)[1]
    assert found["licence text"][0][0] == "poor" and found["README"][0] == ("poor", "no README", "")
    assert found["tests"][0][0] == "poor" and found["commits"][0][1] == ".git leads out of the folder"
    assert found["how to report a weakness"][0][0] == "poor" and found["change log"][0][0] == "partial"


def test_a_hostile_repository_runs_nothing(assess, good, tmp_path):
    commit_all(good)
    clean = assess(good)
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    with (good / ".git" / "config").open("a") as config:
        config.write(f"""
[core]
    fsmonitor = {trap}
    pager = {trap}
    sshCommand = {trap}
    hooksPath = {tmp_path}
    editor = {trap}
    alternateRefsCommand = {trap}
[log]
    showSignature = true
[gpg]
    program = {trap}
[alias]
    log = !{trap}
[include]
    path = {tmp_path}/more
[extensions]
    partialClone = origin
[remote "origin"]
    url = ssh://x/y
    promisor = true
    uploadpack = {trap}
[diff]
    external = {trap}
""")
    assert assess(good, env={"GIT_DIR": "/nonexistent", "GIT_EXTERNAL_DIFF": str(trap), "GIT_SSH_COMMAND": str(trap),
                             "GIT_PAGER": str(trap), "GIT_CONFIG_PARAMETERS": f"'core.pager={trap}'"}) == clean
    # An object that is missing is not fetched.
    next(p for p in (good / ".git" / "objects").glob("??/*")).unlink()
    assess(good)
    assert not (tmp_path / "sprung").exists()


def test_a_linked_worktree(assess, good, tmp_path):
    """Its .git is a file; it counts when the repository names the worktree, too."""
    commit_all(good)
    clean = assess(good)[1]
    linked, liar = tmp_path / "linked", tmp_path / "liar"
    git(good, "worktree", "add", "-q", "--detach", str(linked))
    assert clean["commits"][0][0] != "not seen" and assess(linked)[1] == clean
    liar.mkdir()
    for text in ((linked / ".git").read_text(), f"gitdir: {good}/.git\n", "gitdir: /etc\n", "gitdir: ", "x" * 9000, ""):
        (liar / ".git").write_text(text)
        state, why, _ = assess(liar)[1]["commits"][0]
        assert state == "not seen" and "does not name the folder" in why, text
    # A worktree that was moved by hand is told from one that is not.
    linked.rename(tmp_path / "moved")
    assert assess(tmp_path / "moved")[1]["commits"][0][0] == "not seen"


@pytest.mark.parametrize("damage", ["alternates", "no objects", "hostile refs", "no branch", "garbage"])
def test_damaged_repositories(assess, good, damage):
    commit_all(good)
    dot = good / ".git"
    if damage == "alternates":
        (dot / "objects" / "info" / "alternates").write_text(str(ROOT / ".git" / "objects"))
    elif damage == "no objects":
        (dot / "objects").rename(dot / "gone")
    elif damage == "no branch":
        (dot / "refs").rename(dot / "gone")
    elif damage == "garbage":
        for path in (dot / "objects").glob("??/*"):
            path.chmod(0o644)
            path.write_bytes(b"garbage")
    else:
        line = "0" * 40 + " refs/heads/"
        (dot / "packed-refs").write_text(f"{line}../../x\n{line}a b\n{line}\x1b[31m\n{line}-x\n0 refs/heads/y\n{line}" + "z" * 5000)
    found = assess(good)[1]
    assert found["commits"][0][0] == ("good" if damage == "hostile refs" else "not seen"), found["commits"]


def test_hostile_names_and_sizes(mica, tmp_path):
    folder = tmp_path / "odd"
    deep = folder.joinpath(*["d"] * 40)
    deep.mkdir(parents=True)
    (folder / "LICENSE\n\x1b[31m|<b>").write_bytes(b"\xff\xfe no licence \x00")
    (folder / "README\xff".encode("latin-1").decode("utf-8", "surrogateescape")).write_text("x")
    (folder / "CHANGELOG").write_text("2026-13-45 9999-99-99 2026-02-0" * 1000)
    with (folder / "NEWS").open("wb") as big:
        big.truncate(1 << 34)
    for arguments in (["--json"], ["--format", "markdown"], []):
        done = mica("assess", folder, *arguments, env={"MICA_HOME": str(tmp_path / "home")})
        assert done.returncode == 0, done.stderr
        assert not any(ord(c) < 32 and c != "\n" for c in done.stdout) and "<b>" not in done.stdout.replace("\\<b\\>", "") or arguments != ["--format", "markdown"]


def test_this_repository(assess):
    marks, found = assess(ROOT, env={"SOURCE_DATE_EPOCH": ""})
    assert marks["licence clarity"] == "good" and marks["documentation"] == "good"
    assert found["licence text"] == [("good", "the whole text is Apache-2.0", "LICENSE:1")]
    assert found["tests"][0][0] == "good" and found["how to report a weakness"][0][2].startswith("SECURITY.md:")


def test_markdown_and_text(mica, good, tmp_path):
    env = {"MICA_HOME": str(tmp_path / "home"), "SOURCE_DATE_EPOCH": NOW}
    sheet = mica("assess", good, "--format", "markdown", env=env).stdout
    assert sheet.count("\n## ") == 8 and sheet.count("Not to be seen from here") == 8
    assert "| licence text | good | the whole text is Apache-2.0 | LICENSE:1 |" in sheet
    text = mica("assess", good, env=env).stdout
    assert "  good      licence text: the whole text is Apache-2.0 (LICENSE:1)\n" in text


@pytest.mark.parametrize("arguments,status", [(["nothing-of-this-name"], 5), (["../x"], 2), ([], 2), (["x", "--format", "html"], 2)])
def test_what_cannot_be_assessed(mica, tmp_path, arguments, status):
    done = mica("assess", *arguments, env={"MICA_HOME": str(tmp_path)}, cwd=tmp_path)
    assert done.returncode == status, done.stderr


def test_a_stored_model(assess, mica, fetched, tmp_path):
    env = {"MICA_HOME": str(tmp_path / "home")}
    assert mica("register", fetched("models/smollm2.gguf"), "--as", "smollm2", "--owner", "the lab", env=env).returncode == 0
    marks, found = assess("smollm2")
    assert found["licence"][0][:2] == ("partial", "only stated, without its text: apache-2.0")
    assert found["model card"][0][0] == "poor" and found["owner"] == [("good", "here it belongs to the lab", "register")]
    assert found["format"][0][0] == "good" and found["runs here"][0][1] == "architecture llama, with a chat template"
    assert found["chat template"][0][0] == "good" and marks["community"] == "not seen"
    assert mica("register", "smollm2", "--licence", ROOT / "LICENSE", env=env).returncode == 0
    assert assess("smollm2")[1]["licence"][0][:2] == ("good", "the whole text is Apache-2.0")
