# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""mica fit: the verdict follows the limits of the process, and its advice holds."""
import hashlib
import json
import resource
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tests" / "support"))
from registry import MODEL, fill_store  # noqa: E402

EXIT_LIMIT = 8
MIB = 1 << 20


@pytest.fixture(scope="module")
def model(fetched):
    return fetched("models/qwen.gguf")


def limited(what, size):
    return lambda: resource.setrlimit(what, (size, size))


def fit(mica, model, *arguments, **options):
    done = mica("fit", model, "--json", *arguments, **options)
    assert done.returncode in (0, EXIT_LIMIT), done.stderr
    answer = json.loads(done.stdout)
    assert answer["fits"] == (done.returncode == 0) == (answer["advice"] == "")
    return answer


def test_it_fits_on_a_large_machine(mica, model, tmp_path):
    answer = fit(mica, model, env={"MICA_HOME": str(tmp_path / "not" / "there")})
    memory = answer["memory"]
    assert answer["fits"], answer
    assert memory["total_bytes"] == memory["weights_bytes"] + memory["kv_bytes"] + memory["work_bytes"]
    assert memory["total_bytes"] < memory["available_bytes"]
    assert memory["context"] == 4096 and memory["kv_type"] == "f16"
    assert answer["largest_context"]["f16"] == 32768
    assert answer["disk_free_bytes"] > 0 and answer["cpus"] >= 1 and answer["isa"] in ("ref", "avx2", "avx512")
    assert answer["store"] == str(tmp_path / "not" / "there")


def test_show_states_the_same_sums(mica, model):
    shown = json.loads(mica("show", model, "--json", "--ctx", 1000, "--kv", "q8_0").stdout)["memory"]
    memory = fit(mica, model, "--ctx", 1000, "--kv", "q8_0")["memory"]
    for key in ("context", "kv_type", "weights_bytes", "kv_bytes", "total_bytes"):
        assert shown[key] == memory[key], key


@pytest.mark.parametrize("limit, arguments, word", [
    (650 * MIB, ["--ctx", "32768"], "--ctx 1"),
    (750 * MIB, ["--ctx", "32768"], "--kv q8_0"),
    (650 * MIB, ["--ctx", "32768", "--kv", "q8_0"], "--kv q8_0 with a context of"),
    (300 * MIB, [], "smaller quantisation"),
])
def test_the_advice_holds(mica, model, limit, arguments, word):
    within = limited(resource.RLIMIT_DATA, limit)
    answer = fit(mica, model, *arguments, preexec_fn=within)
    assert not answer["fits"]
    assert word in answer["advice"]
    assert answer["memory"]["limited_by"] == "ulimit"
    assert answer["memory"]["available_bytes"] <= limit
    for kind, largest in answer["largest_context"].items():
        if largest:
            assert fit(mica, model, "--ctx", largest, "--kv", kind, preexec_fn=within)["fits"], kind
            if largest + 64 < 32768:
                assert not fit(mica, model, "--ctx", largest + 64, "--kv", kind, preexec_fn=within)["fits"], kind


def test_a_limit_on_address_space_counts_the_mapped_file(mica, fetched):
    model = fetched("models/smollm2.gguf")
    answer = fit(mica, model, preexec_fn=limited(resource.RLIMIT_AS, 300 * MIB))
    assert not answer["fits"]
    assert answer["memory"]["available_bytes"] < 300 * MIB - model.stat().st_size


def test_words_for_people(mica, model):
    done = mica("fit", model)
    assert done.returncode == 0 and done.stderr == ""
    for word in ("verdict    fits", "needed", "available", "context", "CPUs"):
        assert word in done.stdout
    done = mica("fit", model, preexec_fn=limited(resource.RLIMIT_DATA, 300 * MIB))
    assert done.returncode == EXIT_LIMIT
    assert "does not fit: take a smaller quantisation" in done.stdout


def test_a_stored_model(mica, model, tmp_path):
    """An Ollama store is used in place."""
    home = tmp_path / "home"
    fill_store(home, "registry.ollama.ai/library/m/latest", [(MODEL, b"GGUF")])
    manifest = home / "manifests/registry.ollama.ai/library/m/latest"
    text = json.loads(manifest.read_text())
    digest = "sha256:" + hashlib.sha256(model.read_bytes()).hexdigest()
    text["layers"][0] |= {"digest": digest, "size": model.stat().st_size}
    manifest.write_text(json.dumps(text))
    (home / "blobs" / digest.replace(":", "-")).symlink_to(model)
    env = {"MICA_HOME": str(home)}
    assert fit(mica, "m", env=env)["memory"]["weights_bytes"] == fit(mica, model)["memory"]["weights_bytes"]
    assert json.loads(mica("show", "m:latest", "--json", env=env).stdout)["architecture"] == "qwen2"
    assert mica("fit", "n", env=env).returncode == 5


def test_errors(mica, model):
    for arguments, code in ((["/nowhere.gguf"], 5), ([model, "--ctx", "32769"], EXIT_LIMIT), ([model, "--kv", "q9"], 2),
                            ([model, "--ctx", "-1"], 2)):
        done = mica("fit", *arguments)
        assert done.returncode == code and done.stdout == "" and done.stderr.startswith("mica: "), done
