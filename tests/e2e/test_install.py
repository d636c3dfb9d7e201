# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""What `meson install` puts down is enough to build and run another program with nothing but pkg-config."""
import os
import re
import shlex
import subprocess

import pytest
from conftest import BUILD, ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.c"))


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, timeout=300,
                          **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """The project installed into a folder of its own; (folder, environment in which pkg-config finds it)."""
    folder = tmp_path_factory.mktemp("installed")
    run(["meson", "install", "-C", str(BUILD), "--no-rebuild", "--destdir", str(folder)])
    (pc,) = folder.rglob("mica.pc")
    return folder, {**os.environ, "PKG_CONFIG_PATH": str(pc.parent), "PKG_CONFIG_SYSROOT_DIR": str(folder)}


def build(prefix, source, program):
    _, env = prefix
    flags = shlex.split(run(["pkg-config", "--cflags", "--libs", "mica"], env=env))
    run(["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-o", str(program), str(source), *flags])
    (library,) = prefix[0].rglob("libmica.so")
    return {**os.environ, "LD_LIBRARY_PATH": str(library.parent)}


def test_a_program_builds_and_runs(prefix, tmp_path):
    source = tmp_path / "status.c"
    source.write_text('#include <mica/mica.h>\n#include <stdio.h>\n'
                      'int main(void) { struct mica_files *f; struct mica_err e;\n'
                      '  int s = mica_files_open("/nonexistent", &f, &e); puts(e.text); return s != MICA_ENOTFOUND; }\n')
    if not (ROOT / "include" / "mica" / "mica.h").exists():
        pytest.skip("include/mica/mica.h is not written yet")
    env = build(prefix, source, tmp_path / "status")
    assert "/nonexistent" in run([str(tmp_path / "status")], env=env)


def test_only_the_public_interface_is_exported(prefix):
    (library,) = prefix[0].rglob("libmica.so")
    names = {line.split()[-1] for line in run(["nm", "-D", "--defined-only", str(library)]).splitlines()}
    declared = "".join(p.read_text() for p in (ROOT / "include" / "mica").glob("*.h"))
    undeclared = sorted(n for n in names if f"{n.split('@')[0]}(" not in declared)
    assert not undeclared, f"exported without being in include/mica: {undeclared}"
    promised = set(re.findall(r"MICA_API[^;(]*?\b(mica_\w+)\(", declared))
    assert len(promised) > 30 and not promised - names, f"declared but not exported: {promised - names}"


def test_headers_are_installed(prefix):
    (installed,) = prefix[0].rglob("mica/base.h")
    there = {p.name for p in installed.parent.glob("*.h")}
    assert there == {p.name for p in (ROOT / "include" / "mica").glob("*.h")}


@pytest.fixture(scope="module")
def example(prefix, mica, fetched, tmp_path_factory):
    """example('answer', ...) builds examples/answer.c once and gives what it prints about SmolLM2."""
    assert mica("register", fetched("models/smollm2.gguf"), "--as", "smollm2").returncode == 0
    model, folder, environments = fetched("models/smollm2.gguf"), tmp_path_factory.mktemp("examples"), {}

    def call(name, *arguments):
        if name not in environments:
            environments[name] = build(prefix, ROOT / "examples" / f"{name}.c", folder / name)
        return run([str(folder / name), str(model), *arguments], env=environments[name])
    return call


def test_example_answers(example, mica, fetched):
    question = "Name a mineral."
    expected = mica("run", "smollm2", question, "-n", 24).stdout
    assert len(expected) > 10 and example("answer", question) == expected


def test_example_compares_endings(example):
    lines = example("likelier", "The capital of France is", " Paris", " purple").splitlines()
    scores = {line.split()[-1]: float(line.split()[0]) for line in lines}
    assert scores["purple"] < scores["Paris"] < 0


def test_example_batch(example):
    texts = ["The capital of France is", "One, two, three,", "Water boils at"]
    lines = example("batch", *texts).splitlines()
    assert " Paris" in lines[0] and float(lines[0].split("\t")[0]) < 0
    for text in texts:
        assert example("batch", text).splitlines()[0] in lines, "another batch, other bits"


@pytest.mark.parametrize("source", EXAMPLES, ids=lambda p: p.name)
def test_example_fails_well(prefix, tmp_path, source):
    lines = source.read_text().splitlines()
    assert len(lines) < 60, f"{source.name} has {len(lines)} lines; an example stays under 60"
    env = build(prefix, source, tmp_path / "example")
    failed = subprocess.run([str(tmp_path / "example"), "/nonexistent", "x"], env=env, capture_output=True, text=True,
                            check=False, timeout=60)
    assert failed.returncode == 5 and "/nonexistent" in failed.stderr
    assert subprocess.run([str(tmp_path / "example")], env=env, capture_output=True, check=False).returncode == 2
