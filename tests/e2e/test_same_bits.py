# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""The promise of docs/reproducibility.md, on real files: tests/tools/bits_tool.c drives random prompts through threads,
batches, chunks, warm and cold caches inside one process; here the instruction sets are compared with each other."""
import os
import subprocess

import pytest
from conftest import BUILD

TOOL = BUILD / "tests" / "bits_tool"
CPU = open("/proc/cpuinfo").read().split() if os.path.exists("/proc/cpuinfo") else []
ISAS = ["ref"] + ["avx2"] * ("avx2" in CPU) + ["avx512"] * ("avx512_vnni" in CPU)


def bits(model, prompts, length, new, *more, isa=None, timeout=1800):
    env = {**os.environ, **({"MICA_ISA": isa} if isa else {})}
    done = subprocess.run([str(TOOL), str(model), str(prompts), str(length), str(new), *more], env=env, text=True,
                          capture_output=True, stdin=subprocess.DEVNULL, check=False, timeout=timeout)
    assert done.returncode == 0, f"MICA_ISA={isa}\n{done.stderr}"
    assert done.stdout.count("\n") == 2 * prompts * new, "not every prompt was answered"
    return done.stdout


@pytest.mark.parametrize("name", ["smollm2"])
def test_threads_batches_chunks_caches_quick(fetched, name):
    bits(fetched(f"models/{name}.gguf"), 3, 33, 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["smollm2", "gemma"])
def test_threads_batches_chunks_caches(fetched, name):
    bits(fetched(f"models/{name}.gguf"), 17, 40, 4)


@pytest.mark.parametrize("name", ["smollm2", pytest.param("gemma", marks=pytest.mark.slow),
                                  pytest.param("qwen", marks=pytest.mark.slow)])
def test_instruction_sets(fetched, name):
    model = fetched(f"models/{name}.gguf")
    size = (3, 70, 4) if name == "smollm2" else (2, 35, 2)  # plain C is slow
    results = {isa: bits(model, *size, "plain", isa=isa) for isa in ISAS}
    for isa, text in results.items():
        for line, expected in zip(text.splitlines(), results["ref"].splitlines()):
            assert line == expected, f"{isa} and plain C differ (cache, prompt, new token: id, log-probability)"
