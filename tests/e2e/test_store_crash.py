# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Writers that are killed, writers side by side, and gc beside them: what is visible is always whole."""
import hashlib
import json
import os
import random
import subprocess

import pytest
from conftest import BUILD

PARTS = 12


class Store:
    def __init__(self, mica, home):
        self.mica, self.home = mica, home
        self.env = {**os.environ, "MICA_HOME": str(home)}

    def writer(self, name, seed):
        return subprocess.Popen([str(BUILD / "tests" / "store_tool"), name, str(seed), str(PARTS)], env=self.env,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *arguments):
        done = self.mica(*arguments, env={"MICA_HOME": str(self.home)})
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout

    def check(self):
        """Every visible blob has the bytes that its name says, and every model all of its blobs."""
        for blob in (self.home / "blobs").glob("sha256-*"):
            if len(blob.name) == 71:
                assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name[7:], blob.name
        self.run("verify", "--all")

    def partial(self):
        return [p.name for p in (self.home / "blobs").iterdir() if len(p.name) != 71]


@pytest.fixture
def store(mica, tmp_path):
    return Store(mica, tmp_path / "home")


def test_killed_at_any_step(store):
    """20 times: killed after a random line of its output, then once more to the end."""
    choose = random.Random(7)
    n_kept = 0
    for seed in range(20):
        name, lines = f"m{seed}", choose.randrange(1, 3 * PARTS + 5)
        with store.writer(name, seed) as killed:
            for _ in range(lines):
                killed.stdout.readline()
            killed.kill()
        store.check()
        with store.writer(name, seed) as second:
            out, errors = second.communicate(timeout=60)
        assert second.returncode == 0, errors
        n_kept += out.count("kept ")
    assert n_kept > 20  # it goes on where the first one was
    store.check()
    assert len(json.loads(store.run("list", "--json"))["models"]) == 20
    store.run("gc", "--partial-hours", "0")
    assert store.partial() == []
    assert len(json.loads(store.run("list", "--json"))["models"]) == 20
    store.check()


def test_several_write_the_same(store):
    writers = [store.writer(f"m{i}", 5) for i in range(4)]
    outs = [w.communicate(timeout=60) for w in writers]
    assert [w.returncode for w in writers] == [0] * 4, outs
    # One wrote it; the others waited and found it complete.
    assert sorted(out.splitlines()[0] for out, _ in outs) == ["begun 0"] + ["complete 0"] * 3
    store.check()
    assert store.partial() == []


def test_one_is_killed_while_others_wait(store):
    first = store.writer("m", 5)
    assert first.stdout.readline() == "begun 0\n"
    others = [store.writer("m", 5) for _ in range(2)]
    for _ in range(7):
        first.stdout.readline()
    first.kill()
    first.communicate()
    outs = [w.communicate(timeout=60) for w in others]
    assert [w.returncode for w in others] == [0, 0], outs
    store.check()


def test_gc_beside_imports(store):
    """gc takes nothing from a writer, at whatever step it comes."""
    for seed in range(4):
        writers = [store.writer(f"m{i}", seed * 2 + i) for i in range(2)]
        gcs = [subprocess.Popen([str(BUILD / "src/cli/mica"), "gc", "--partial-hours", "0"], env=store.env,
                                stdout=subprocess.DEVNULL) for _ in range(3)]
        assert [w.communicate(timeout=60) and w.returncode for w in writers] == [0, 0]
        assert [g.wait(timeout=60) for g in gcs] == [0] * 3
        store.check()
        assert len(json.loads(store.run("list", "--json"))["models"]) == 2
        store.run("rm", "m0", "m1")
        store.run("gc", "--partial-hours", "0")
        assert list((store.home / "blobs").iterdir()) == []


def test_adding_and_removing_side_by_side(store):
    """rm takes away folders that publish has just made."""
    for seed in range(3):
        writers = [store.writer(f"ns/m:{i}", seed) for i in range(3)]
        removers = [subprocess.Popen([str(BUILD / "src/cli/mica"), "rm", f"ns/m:{i}"], env=store.env,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for i in range(3)]
        outs = [w.communicate(timeout=60) for w in writers]
        assert [w.returncode for w in writers] == [0] * 3, outs
        for remover in removers:
            remover.wait(timeout=60)
        store.check()
