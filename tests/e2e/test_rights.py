# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""mica rights, policy and openness as a person and a pipeline use them."""
import json
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import tiny_gguf  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
SHIP = ("--use", "commercial", "--distribute")
EXITS = {"YES": 0, "YES_WITH": 0, "NO": 10, "NEEDS_FACT": 11, "UNKNOWN": 12}


@pytest.fixture
def home(tmp_path):
    return {"MICA_HOME": str(tmp_path / "home")}


def ask(mica, home, *arguments):
    done = mica("rights", *arguments, "--json", env=home, cwd=home["MICA_HOME"].rsplit("/", 1)[0])
    assert done.stdout, done.stderr
    answer = json.loads(done.stdout)
    assert done.returncode == EXITS[answer["verdict"]]
    return answer


@pytest.mark.parametrize("arguments, verdict", [
    (("MIT", "--use", "private"), "YES"),
    (("MIT", *SHIP), "YES_WITH"),
    (("CC-BY-NC-4.0", *SHIP), "NO"),
    (("LicenseRef-Llama-3.1", *SHIP), "NEEDS_FACT"),
    (("LicenseRef-Never-Heard", *SHIP), "UNKNOWN"),
    (("other", "--declared", *SHIP), "UNKNOWN"),
    (("GPL-2.0-only", "--with", "Apache-2.0", *SHIP), "NO"),
    (("Apache-2.0", "--trained-on", "CC-BY-NC-4.0", *SHIP), "NO"),
    (("LicenseRef-OpenRAIL-M", "--use", "internal", "--domain", "medical-advice"), "NO"),
    (("LicenseRef-Tencent-Hunyuan", *SHIP, "--seat", "US", "--market", "US,KR", "--users-at-release", "9"), "NO"),
    (("LicenseRef-Tencent-Hunyuan", *SHIP, "--seat", "US", "--market", "UK", "--users-at-release", "9"), "NO"),
    (("LicenseRef-Tencent-Hunyuan", *SHIP, "--seat", "el", "--market", "US", "--users-at-release", "9"), "NO"),
    (("LicenseRef-Falcon-180B", "--use", "commercial", "--host"), "NO"),
    (("LicenseRef-Falcon-180B", "--use", "commercial", "--host", "--registered", "tii"), "YES_WITH"),
])
def test_verdicts_and_exit_codes(mica, home, arguments, verdict):
    answer = ask(mica, home, "--licence", *arguments)
    assert answer["verdict"] == verdict
    worst = [reason for reason in answer["reasons"] if reason["effect"] == verdict]
    assert worst and all(reason["component"] and reason["rule"] and reason["text"] for reason in worst)


def test_a_licence_as_operand(mica, home):
    assert ask(mica, home, "(MIT OR GPL-2.0-only) AND Apache-2.0", *SHIP)["verdict"] == "YES_WITH"
    done = mica("rights", "MIT-of-mine", *SHIP, env=home)
    assert done.returncode == 5 and "neither a registered model" in done.stderr


def test_gemma_names_its_terms(mica, home):
    answer = ask(mica, home, "--licence", "LicenseRef-Gemma", *SHIP)
    duties = {duty["name"]: duty for duty in answer["obligations"]}
    assert {"USE_POLICY", "FLOWDOWN", "COPY", "NOTICE"} <= set(duties)
    assert "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms" in (
        duties["NOTICE"]["text"])
    assert "automated-decisions" in duties["USE_POLICY"]["text"] and duties["FLOWDOWN"]["clause"] == "3.1(1)"


def test_usual_questions(mica, home):
    done = mica("rights", "--licence", "LicenseRef-MNPL", env=home)
    assert done.returncode == 0
    lines = [line.split() for line in done.stdout.splitlines()[1:5]]
    assert [line[:3] for line in lines] == [["private", "trial", "YES_WITH"], ["inside", "a", "company"],
                                            ["hosted", "product", "NO"], ["shipped", "product", "NO"]]


@pytest.mark.parametrize("arguments, message", [
    ((), "give a model's name, or licences with --licence"),
    (("x", "--licence", "MIT"), "give a model's name, or licences"),
    (("--licence", "MIT", "--use", "war"), "'war' is not private, research, internal or commercial"),
    (("--licence", "MIT", "--domain", "militarie"), "did you mean 'military'?"),
    (("--licence", "MIT", "--seat", "Germany"), "no two-letter country code"),
    (("--licence", "MIT", "--trains-on-outputs", "maybe"), "not yes or no"),
])
def test_wrong_flags(mica, home, arguments, message):
    done = mica("rights", *arguments, env=home)
    assert done.returncode == 2 and message in done.stderr


def test_policy_file(mica, home, tmp_path):
    (tmp_path / "mica.yaml").write_text("facts: {use: commercial, distribute: yes}\n"
                                        "policy: {declared_is_enough: no, data: {share_alike: block}}\n")
    assert ask(mica, home, "--licence", "MIT", "--declared")["verdict"] == "UNKNOWN"
    assert ask(mica, home, "--licence", "MIT")["facts"]["use"] == "commercial"
    assert ask(mica, home, "--licence", "MIT", "--trained-on", "CC-BY-SA-4.0")["verdict"] == "NO"
    assert ask(mica, home, "--licence", "CC-BY-NC-4.0", "--use", "research")["verdict"] == "YES_WITH"
    shown = json.loads(mica("policy", "--json", env=home, cwd=tmp_path).stdout)
    assert shown["path"] == "mica.yaml" and shown["policy"]["data"]["share_alike"] == "block"
    (tmp_path / "mica.yaml").write_text("facts:\n  uses: commercial\n")
    done = mica("rights", "--licence", "MIT", env=home, cwd=tmp_path)
    assert done.returncode == 3 and "mica.yaml:2: unknown key 'uses'; did you mean 'use'?" in done.stderr


def test_schema_holds_the_documented_example(mica, home, tmp_path):
    schema = json.loads(mica("policy", "--schema", env=home).stdout)
    page = (ROOT / "docs" / "rights.md").read_text()
    example = page.split("```yaml\n")[1].split("```")[0]
    jsonschema.validate(yaml.safe_load(example), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"facts": {"uses": "commercial"}}, schema)
    (tmp_path / "mica.yaml").write_text(example)
    done = mica("policy", tmp_path / "mica.yaml", env=home)
    assert done.returncode == 0 and "20000 monthly users" in done.stdout and "release.pub" in done.stdout


@pytest.fixture
def stored(mica, home, tmp_path):
    path = tmp_path / "tiny.gguf"
    tiny_gguf.write("Q8_0", path)
    done = mica("register", path, "--as", "tiny", "--licence", "apache-2.0", env=home)
    assert done.returncode == 0, done.stderr
    return "tiny"


def test_stored_model(mica, home, stored):
    answer = ask(mica, home, stored, *SHIP)
    assert answer["verdict"] == "YES_WITH" and answer["subject"] == "tiny:latest"
    assert len(answer["register_digest"]) == 64
    assert {"COPY", "NOTICE", "TEXT"} <= {duty["name"] for duty in answer["obligations"]}
    assert mica("rights", "nothing", env=home).returncode == 5


def test_openness_of_a_stored_model(mica, home, stored, tmp_path):
    found = json.loads(mica("openness", stored, "--json", env=home).stdout)
    assert found["openness"] == "OPEN_WEIGHTS" and found["class"] == 0
    assert "Model card" in found["missing"] and "where the data came from" in found["lacks"]
    names = ("Model architecture", "Model card", "Data card", "Evaluation results", "Research paper")
    more = {"release": {"components": [{"name": name, "license": "CC-BY-4.0"} for name in names]},
            "openness": {"claimed": "open source AI", "gated": False}}
    (tmp_path / "mof.yml").write_text(yaml.safe_dump(more))
    found = json.loads(mica("openness", stored, "--components", tmp_path / "mof.yml", "--json", env=home).stdout)
    assert found["class"] == 3 and found["progress"]["3"] == 100 and found["claims_more"]
