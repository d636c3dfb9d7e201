# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""The ids that llama.cpp keeps for its vocabularies (ggml-vocab-*.gguf with .inp and .out); for the vocabularies that
have none, the ids that llama-cpp-python gives, where it is installed."""
import json
import os
import subprocess

import pytest
from tokenizer_strings import SENTENCES, generate

from conftest import BUILD, CACHE

MODELS = CACHE / "llama-models"
GOLDEN = sorted(p.name for p in MODELS.glob("ggml-vocab-*.gguf") if p.with_name(p.name + ".inp").exists())
PLAIN = sorted(p.name for p in MODELS.glob("ggml-vocab-*.gguf") if p.name not in GOLDEN)


def ours(path, texts):
    lines = "".join(json.dumps({"text": t, "decode": True}) + "\n" for t in texts)
    run = subprocess.run([BUILD / "tests" / "tokenize_tool", path], input=lines.encode(), capture_output=True, check=False)
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(answers) == len(texts), run.stderr.decode()[-500:]
    assert not [a["error"] for a in answers if "error" in a]
    return [a["ids"] for a in answers]


def check(texts, want, got):
    wrong = [f"{t!r}\n  want {w}\n  got  {g}" for t, w, g in zip(texts, want, got) if w != g]
    assert not wrong, f"{len(wrong)} of {len(texts)} differ:\n" + "\n".join(wrong[:3])


@pytest.mark.parametrize("name", GOLDEN or ["ggml-vocab-*.gguf"])
def test_golden(fetched, name):
    if not GOLDEN:
        pytest.skip(f"{MODELS} is absent: run tools/fetch.py")
    path = fetched(f"llama-models/{name}")
    texts = path.with_name(name + ".inp").read_bytes().decode().split("\n__ggml_vocab_test__\n")
    want = [[int(i) for i in line.split()] for line in path.with_name(name + ".out").read_text().split("\n")]
    check(texts, want[:len(texts)], ours(path, texts))


@pytest.mark.parametrize("name", PLAIN or ["ggml-vocab-*.gguf"])
def test_same_as_llama_cpp(fetched, name):
    if not PLAIN:
        pytest.skip(f"{MODELS} is absent: run tools/fetch.py")
    llama_cpp = pytest.importorskip("llama_cpp")
    path = fetched(f"llama-models/{name}")
    # Its regular expressions know no script and no mark beyond their own tables; plain text in many scripts is enough.
    texts = [t for t in SENTENCES + generate(400, name, []) if all(c.isprintable() or c in "\n\t" for c in t)]
    quiet, stderr = os.open(os.devnull, os.O_WRONLY), os.dup(2)
    os.dup2(quiet, 2)
    try:
        model = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
        want = [model.tokenize(t.encode(), add_bos=False, special=False) for t in texts]
    finally:
        os.dup2(stderr, 2)
    check(texts, want, ours(path, texts))
