# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""The promise of docs/reproducibility.md, on real files: tests/tools/bits_tool.c drives random prompts through threads,
batches, chunks, warm and cold caches inside one process; here the instruction sets are compared with each other."""
import os
import subprocess
import sys

import pytest
from conftest import BUILD, ROOT

sys.path.insert(0, str(ROOT / "tests" / "support"))

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


def same_on_all(model, prompts, length, new):
    results = {isa: bits(model, prompts, length, new, "plain", isa=isa) for isa in ISAS}
    for isa, text in results.items():
        for line, expected in zip(text.splitlines(), results["ref"].splitlines()):
            assert line == expected, f"{isa} and plain C differ (cache, prompt, new token: id, log-probability)"


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """tiny('Q4_K', 'gemma3') is a random model of that type and architecture."""
    pytest.importorskip("gguf")
    import tiny_gguf
    folder = tmp_path_factory.mktemp("tiny")

    def make(name, arch):
        path = folder / f"{name}-{arch}.gguf"
        if not path.exists():
            tiny_gguf.write(name, str(path), arch)
        return path
    return make


TYPES = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
         "IQ4_NL", "IQ4_XS", "MXFP4"]
ARCHS = ["qwen2", "qwen3", "gemma3", "phi3"]
TINY = [(name, "llama") for name in TYPES] + [("Q4_K", arch) for arch in ARCHS]
QUICK = [("Q4_1", "llama"), ("Q4_K", "gemma3"), ("F16", "llama")]


@pytest.mark.parametrize("name, arch", [pytest.param(*p, marks=[] if p in QUICK else pytest.mark.slow) for p in TINY])
def test_tiny_threads_batches_chunks_caches(tiny, name, arch):
    bits(tiny(name, arch), 17, 75, 3)


@pytest.mark.parametrize("name, arch", TINY)
def test_tiny_instruction_sets(tiny, name, arch):
    same_on_all(tiny(name, arch), 3, 40, 3)


@pytest.mark.parametrize("name", ["smollm2"])
def test_threads_batches_chunks_caches_quick(fetched, name):
    bits(fetched(f"models/{name}.gguf"), 3, 33, 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["smollm2", "gemma"])
def test_threads_batches_chunks_caches(fetched, name):
    bits(fetched(f"models/{name}.gguf"), 17, 70, 2)


@pytest.mark.parametrize("name", ["smollm2", pytest.param("gemma", marks=pytest.mark.slow),
                                  pytest.param("qwen", marks=pytest.mark.slow)])
def test_instruction_sets(fetched, name):
    size = (3, 70, 4) if name == "smollm2" else (2, 35, 2)  # plain C is slow
    same_on_all(fetched(f"models/{name}.gguf"), *size)
