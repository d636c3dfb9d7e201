# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Bills of materials: what Mica writes, its own profile and the outside validators accept; what others write, it reads."""
import copy
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import BUILD, ROOT

DIGEST = ["%064x" % (0x1234567890abcdef1234567890abcdef << 4 * i) for i in range(12)]
SPDX_DATA = Path(os.environ.get("MICA_SPDX_DATA") or ROOT.parent / "shared" / "data" / "spdx-3.0.1")
EPOCH = {"SOURCE_DATE_EPOCH": "1767323045"}
SPECS = [("cyclonedx", "1.6"), ("cyclonedx", "1.7"), ("spdx", "3.0.1")]
HOSTILE = "we\"ird\\ \u202e na\tme\u0007/é😀 <b>&{{x}}; --'%41% #?[]|^`\x7f\n..//\\"


def tiny():
    """A register of a model with all it can hang from."""
    return {"rows": [
        {"kind": "model", "name": "tiny:latest", "digest": DIGEST[0], "source": "hf:acme/tiny", "revision": "0123abcd",
         "location": "https://example.org/acme/tiny", "size": 1000, "declared_card": "Apache-2.0",
         "declared_key": "apache-2.0", "declared_file": "LICENSE", "licence_digest": DIGEST[1],
         "concluded": "Apache-2.0", "card_digest": DIGEST[2], "template_digest": DIGEST[3], "owner": "models team",
         "card": json.dumps({"pipeline_tag": "text-generation", "released": "2026-01-01", "limitations": ["English only"],
                             "use_cases": ["tests"], "ethical_considerations": ["bias is not measured"],
                             "metrics": [{"type": "perplexity", "value": 12.5, "slice": "held out"}],
                             "tested_on": ["hf:acme/held-out"]}),
         "links": [["base", 1], ["trained_on", 2], ["trained_on", 3], ["tokenizer", 4], ["template", 5], ["adapter", 6]]},
        {"kind": "model", "name": "hf:acme/base", "declared_card": "llama3.1", "concluded": "LicenseRef-Llama-3.1",
         "links": [["trained_on", 7]]},
        {"kind": "dataset", "name": "hf:acme/corpus", "version": "1", "digest": DIGEST[4], "size": 77,
         "declared_card": "CC-BY-4.0", "concluded": "CC-BY-4.0", "owner": "data team",
         "card": json.dumps({"classification": "public", "sensitive": ["none"], "type": "text", "built": "2025-12-31",
                             "released": "2026-01-01", "filters": ["language id", "length"],
                             "cleaning": ["dedup"], "sampling": [{"from": "web", "ratio": 0.9}], "personal_data": False})},
        {"kind": "dataset", "name": "hf:acme/held-out", "declared_card": "other"},
        {"kind": "tokenizer", "name": "tiny:latest tokenizer", "digest": DIGEST[5]},
        {"kind": "template", "name": "tiny:latest template", "digest": DIGEST[3]},
        {"kind": "adapter", "name": "lora:latest", "digest": DIGEST[6], "concluded": "MIT OR Apache-2.0",
         "declared_card": "MIT"},
        {"kind": "dataset", "name": "hf:acme/old", "declared_card": "Apache-2.0 AND (MIT OR LicenseRef-mine)"}],
        "layers": [[0, DIGEST[8], 900, "model.gguf"], [3, DIGEST[3], 50, ""], [7, DIGEST[1], 30, "LICENSE"]],
        "facts": {"architecture": "llama", "quantization": "Q8_0", "n_ctx": 2048, "n_layers": 2},
        "texts": {"hf:acme/base": "You may not."}, "verdict": "YES_WITH", "openness": "open weights"}


def bare():
    """A register that knows next to nothing."""
    return {"rows": [{"kind": "model", "name": "x"}]}


def hostile():
    query = tiny()
    for row in query["rows"]:
        for key in ("name", "version", "source", "revision", "location", "declared_card", "owner", "notes"):
            row[key] = row.get(key, "") + HOSTILE
        row["concluded"] = HOSTILE
    query["rows"][0]["location"] = "https://exa mple.org:80/" + HOSTILE
    query["supplier"] = HOSTILE
    return query


REGISTERS = {"tiny": tiny, "bare": bare, "hostile": hostile}


@pytest.fixture
def make(tmp_path):
    """make(query, format, spec) is the text of the document."""
    def call(query, fmt, spec, env=None):
        home = tmp_path / str(len(list(tmp_path.iterdir())))
        home.mkdir()
        done = subprocess.run([str(BUILD / "tests" / "sbom_tool"), str(home)], check=False, capture_output=True, text=True,
                              input=json.dumps({**query, "format": fmt, "spec": spec}), env={**os.environ, **EPOCH, **(env or {})})
        assert done.returncode == 0, done.stderr
        return done.stdout
    return call


@pytest.fixture(scope="session")
def strict():
    """strict(text, spec) is what is wrong with a CycloneDX document, or None."""
    schema = pytest.importorskip("cyclonedx.schema")
    validation = pytest.importorskip("cyclonedx.validation.json")
    validators = {s: validation.JsonStrictValidator(v) for s, v in (("1.6", schema.SchemaVersion.V1_6),
                                                                   ("1.7", schema.SchemaVersion.V1_7))}
    return lambda text, spec: validators[spec].validate_str(text)


def spdx_file(name):
    if not (SPDX_DATA / name).exists():
        pytest.skip(f"{SPDX_DATA / name} is absent: the model of SPDX 3.0.1, from github.com/spdx/spdx-spec")
    return SPDX_DATA / name


@pytest.fixture(scope="session")
def shacl():
    """shacl(text) is what the official SHACL of SPDX 3.0.1 says against a document, or ''."""
    rdflib, pyshacl = pytest.importorskip("rdflib"), pytest.importorskip("pyshacl")
    shapes = rdflib.Graph().parse(spdx_file("spdx-model.ttl"))
    context = json.loads(spdx_file("spdx-context.jsonld").read_text())["@context"]

    def check(text):
        graph = rdflib.Graph().parse(data=json.dumps({**json.loads(text), "@context": context}), format="json-ld")
        fine, _, report = pyshacl.validate(graph, shacl_graph=shapes, ont_graph=shapes)
        return "" if fine else report
    return check


@pytest.fixture(scope="session")
def schema(tmp_path_factory):
    """schema(text) is the first error that the JSON schema of SPDX 3.0.1 (made by shacl2code) finds, or ''."""
    jsonschema = pytest.importorskip("jsonschema")
    out = tmp_path_factory.mktemp("spdx") / "schema.json"
    main, model = pytest.importorskip("shacl2code.main").main, pytest.importorskip("shacl2code.model")
    note = out.with_name("annotations.ttl")  # the identifier of an element is called spdxId in JSON
    note.write_text(f'<https://spdx.org/rdf/3.0.1/terms/Core/Element> <{model.SHACL2CODE.idPropertyName}> "spdxId" .\n')
    assert main(["generate", "-i", str(spdx_file("spdx-model.ttl")), "-i", str(note), "--context-url",
                 str(spdx_file("spdx-context.jsonld")), "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "jsonschema", "-o", str(out)]) == 0
    validator = jsonschema.Draft202012Validator(json.loads(out.read_text()))
    return lambda text: "\n".join(str(e)[:600] for e in [jsonschema.exceptions.best_match(validator.iter_errors(json.loads(text)))] if e)


@pytest.mark.parametrize("register", REGISTERS)
@pytest.mark.parametrize("spec", ["1.6", "1.7"])
def test_cyclonedx_is_valid(make, strict, register, spec):
    text = make(REGISTERS[register](), "cyclonedx", spec)
    assert strict(text, spec) is None


@pytest.mark.parametrize("register", REGISTERS)
def test_spdx_fits_the_schema(make, schema, register):
    assert schema(make(REGISTERS[register](), "spdx", "3.0.1")) == ""


@pytest.mark.parametrize("register", ["tiny", *(pytest.param(r, marks=pytest.mark.slow) for r in ("bare", "hostile"))])
def test_spdx_conforms_to_the_shapes(make, shacl, register):
    assert shacl(make(REGISTERS[register](), "spdx", "3.0.1")) == ""


@pytest.mark.parametrize("register", REGISTERS)
@pytest.mark.parametrize("fmt,spec", SPECS)
def test_same_register_same_bytes(make, register, fmt, spec):
    first, again = (make(REGISTERS[register](), fmt, spec) for _ in range(2))
    later = make(REGISTERS[register](), fmt, spec, env={"SOURCE_DATE_EPOCH": "1767400000"})
    identity = re.compile("urn:uuid:[0-9a-f-]{36}")
    # The clock of a register's rows is the register's, so rows are compared without it.
    assert first == again
    assert first != later and identity.findall(first)[0] == identity.findall(later)[0]


def test_serial_follows_content(make):
    other = tiny()
    other["rows"][2]["concluded"] = "CC-BY-SA-4.0"
    serials = {json.loads(make(q, "cyclonedx", s))["serialNumber"] for q in (tiny(), other) for s in ("1.6", "1.7")}
    assert len(serials) == 4


def by_ref(document):
    return {c["bom-ref"]: c for c in document["components"]}


def test_cyclonedx_says_what_the_register_knows(make):
    document = json.loads(make(tiny(), "cyclonedx", "1.7"))
    parts = by_ref(document)
    model = parts["model:tiny%3Alatest@"]
    assert model["hashes"] == [{"alg": "SHA-256", "content": DIGEST[8]}]  # the one weights file, not its manifest
    assert model["licenses"] == [{"license": {"id": "Apache-2.0", "acknowledgement": "declared"}},
                                 {"license": {"id": "Apache-2.0", "acknowledgement": "concluded"}}]
    assert [a["name"] for a in model["pedigree"]["ancestors"]] == ["hf:acme/base"]
    assert [f["name"] for f in model["components"]] == ["model.gguf", "template", "LICENSE"]
    card = model["modelCard"]
    assert {d["ref"] for d in card["modelParameters"]["datasets"]} == {"dataset:hf%3Aacme/corpus@1",
                                                                      "dataset:hf%3Aacme/held-out@"}
    assert card["modelParameters"]["modelArchitecture"] == "llama"
    assert card["quantitativeAnalysis"]["performanceMetrics"] == [{"type": "perplexity", "value": "12.5", "slice": "held out"}]
    assert card["considerations"]["technicalLimitations"][0] == "English only"
    assert {"name": "mica:rights:verdict", "value": "YES_WITH"} in model["properties"]
    assert parts["model:hf%3Aacme/base@"]["licenses"][1]["license"]["name"] == "LicenseRef-Llama-3.1"
    assert parts["adapter:lora%3Alatest@"]["licenses"] == [
        {"license": {"id": "MIT", "acknowledgement": "declared"}},
        {"expression": "MIT OR Apache-2.0", "acknowledgement": "concluded"}]
    assert parts["dataset:hf%3Aacme/corpus@1"]["data"][0]["governance"]["owners"][0]["organization"]["name"] == "data team"
    assert {"name": "mica:dataset:filters", "value": "language id; length"} in parts["dataset:hf%3Aacme/corpus@1"]["properties"]
    assert {"name": "mica:dataset:sampling", "value": '{"from":"web","ratio":0.9}'} in parts["dataset:hf%3Aacme/corpus@1"]["properties"]
    needs = {d["ref"]: d.get("dependsOn", []) for d in document["dependencies"]}
    assert needs["adapter:lora%3Alatest@"] == ["model:tiny%3Alatest@"]
    assert needs["model:hf%3Aacme/base@"] == ["dataset:hf%3Aacme/old@"]
    assert "adapter:lora%3Alatest@" in needs["bom"] and "template:tiny%3Alatest%20template@" in needs["model:tiny%3Alatest@"]
    assert set(needs) == {*parts, "bom"}


def test_cyclonedx_1_6_takes_one_expression(make):
    parts = by_ref(json.loads(make(tiny(), "cyclonedx", "1.6")))
    assert parts["adapter:lora%3Alatest@"]["licenses"] == [{"expression": "MIT OR Apache-2.0", "acknowledgement": "concluded"}]
    assert parts["dataset:hf%3Aacme/old@"]["licenses"] == [
        {"expression": "Apache-2.0 AND (MIT OR LicenseRef-mine)", "acknowledgement": "declared"}]


def test_template_without_a_row(make):
    query = tiny()
    query["rows"][0]["links"] = []
    template = by_ref(json.loads(make(query, "cyclonedx", "1.7")))["template"]
    assert template["type"] == "file" and template["hashes"][0]["content"] == DIGEST[3]


def relations(graph):
    return [(r["from"].partition("#")[2], r["relationshipType"], r["to"][0].rpartition("#")[2]) for r in graph
            if r["type"] == "Relationship"]


def test_spdx_says_what_the_register_knows(make):
    graph = json.loads(make(tiny(), "spdx", "3.0.1"))["@graph"]
    parts = {e["spdxId"].partition("#")[2]: e for e in graph if "spdxId" in e}
    said = relations(graph)
    for row in ("model:tiny%3Alatest@", "model:hf%3Aacme/base@", "dataset:hf%3Aacme/corpus@1", "adapter:lora%3Alatest@",
                "dataset:hf%3Aacme/held-out@", "dataset:hf%3Aacme/old@"):
        for kind in ("hasDeclaredLicense", "hasConcludedLicense"):
            assert len([r for r in said if r[:2] == (row, kind)]) == 1, (row, kind)
    model = parts["model:tiny%3Alatest@"]
    assert model["releaseTime"] == "2026-01-01T00:00:00Z" and model["software_primaryPurpose"] == "model"
    assert model["ai_metric"] == [{"type": "DictionaryEntry", "key": "perplexity (held out)", "value": "12.5"}]
    assert ("model:tiny%3Alatest@", "trainedOn", "dataset:hf%3Aacme/corpus@1") in said
    assert ("model:tiny%3Alatest@", "testedOn", "dataset:hf%3Aacme/held-out@") in said
    assert ("model:tiny%3Alatest@", "descendantOf", "model:hf%3Aacme/base@") in said
    assert ("adapter:lora%3Alatest@", "dependsOn", "model:tiny%3Alatest@") in said
    assert ("model:tiny%3Alatest@", "hasDistributionArtifact", "file:0") in said
    assert ("dataset:hf%3Aacme/held-out@", "hasConcludedLicense",
            "https://spdx.org/rdf/3.0.1/terms/ExpandedLicensing/NoAssertionLicense") in said
    assert parts["text:LicenseRef-Llama-3.1"]["simplelicensing_licenseText"] == "You may not."
    corpus = parts["dataset:hf%3Aacme/corpus@1"]
    assert corpus["builtTime"] == "2025-12-31T00:00:00Z" and corpus["dataset_datasetType"] == ["text"]
    # What nobody stated is filled in as the format wants it, and said to be so.
    assert "releaseTime is not stated" in parts["model:hf%3Aacme/base@"]["comment"]
    assert corpus["dataset_hasSensitivePersonalInformation"] == "no"
    assert corpus["dataset_dataCollectionProcess"] == "language id; length" and corpus["dataset_dataPreprocessing"] == ["dedup"]
    assert "comment" not in corpus


def test_spdx_ids_are_the_schema_s():
    folder = Path(pytest.importorskip("cyclonedx.schema").__file__).parent / "_res"
    wanted = json.loads((folder / "spdx.SNAPSHOT.schema.json").read_text())["enum"]
    ours = re.findall(r'X\("([^"]+)"\)', (ROOT / "src" / "govern" / "spdx_ids.def").read_text())
    assert sorted(ours) == sorted(wanted)
    assert ours == sorted(ours, key=str.lower)


@pytest.mark.parametrize("stated,want", [
    ("apache-2.0", {"license": {"id": "Apache-2.0"}}),
    ("MIT AND ISC", {"expression": "MIT AND ISC"}),
    ("(mit or isc)", {"license": {"name": "(mit or isc)"}}),
    ("( MIT OR ISC ) AND Zlib", {"expression": "(MIT OR ISC) AND Zlib"}),
    ("GPL-2.0-only WITH Classpath-exception-2.0", {"expression": "GPL-2.0-only WITH Classpath-exception-2.0"}),
    ("Apache-2.0+", {"expression": "Apache-2.0+"}),
    ("LicenseRef-modified-MIT", {"license": {"name": "LicenseRef-modified-MIT"}}),
    ("LicenseRef-", {"license": {"name": "LicenseRef-"}}),
    ("MIT OR", {"license": {"name": "MIT OR"}}),
    ("MIT ISC", {"license": {"name": "MIT ISC"}}),
    ("(MIT", {"license": {"name": "(MIT"}}),
    ("MIT)", {"license": {"name": "MIT)"}}),
    ("AND", {"license": {"name": "AND"}}),
    ("my own terms", {"license": {"name": "my own terms"}}),
])
def test_licences(make, strict, schema, stated, want):
    query = {"rows": [{"kind": "model", "name": "m", "concluded": stated}]}
    text = make(query, "cyclonedx", "1.7")
    got = json.loads(text)["components"][0]["licenses"][0]
    for entry in (got, got.get("license", {})):
        entry.pop("acknowledgement", None)
        entry.pop("url", None)
    assert got == want
    assert strict(text, "1.7") is None
    assert schema(make(query, "spdx", "3.0.1")) == ""


# ---- reading ----

@pytest.fixture
def check(mica, tmp_path):
    """check(document) is what `mica sbom --check` says: (finished process, JSON or None)."""
    def call(document, *more):
        path = tmp_path / "document.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        done = mica("sbom", "--check", path, "--json", *more, env={"MICA_HOME": str(tmp_path / "home")})
        return done, json.loads(done.stdout) if done.stdout.strip() else None
    return call


@pytest.mark.parametrize("fmt,spec", SPECS)
def test_own_documents_are_read(make, check, fmt, spec):
    done, said = check(make(tiny(), fmt, spec))
    assert done.returncode == 0, done.stderr
    rows = {r["ref"].rpartition("#")[2]: r for r in said["components"]}
    assert said["spec"] == spec
    assert rows["model:tiny%3Alatest@"]["sha256"] == DIGEST[8] and rows["model:tiny%3Alatest@"]["kind"] == "model"
    assert rows["model:tiny%3Alatest@"]["concluded"] == "Apache-2.0" and not rows["model:tiny%3Alatest@"]["stored"]
    assert rows["dataset:hf%3Aacme/corpus@1"]["declared"] == "CC-BY-4.0"
    assert rows["adapter:lora%3Alatest@"]["concluded"] == "MIT OR Apache-2.0"


def removed(document, path):
    """The document without what lies at path."""
    document = copy.deepcopy(document)
    at = document
    for key in path[:-1]:
        at = at[key]
    del at[path[-1]]
    return document


MODEL, CORPUS = "model:tiny%3Alatest@", "dataset:hf%3Aacme/corpus@1"
CYCLONEDX_FIELDS = ["serialNumber", "metadata/timestamp", *(f"{MODEL} {f}" for f in (
    "version", "bom-ref", "hashes", "licenses", "supplier", "externalReferences", "modelCard", "modelCard/modelParameters/approach",
    "modelCard/modelParameters/task", "modelCard/modelParameters/architectureFamily",
    "modelCard/modelParameters/modelArchitecture", "modelCard/modelParameters/inputs", "modelCard/modelParameters/outputs",
    "modelCard/considerations/useCases", "modelCard/considerations/technicalLimitations",
    "modelCard/considerations/ethicalConsiderations")), *(f"{CORPUS} {f}" for f in (
        "data/0/classification", "data/0/sensitiveData", "data/0/governance", "licenses")), "dependencies/1"]


@pytest.mark.parametrize("where", CYCLONEDX_FIELDS)
def test_profile_of_cyclonedx(make, check, where):
    whole = json.loads(make(tiny(), "cyclonedx", "1.7"))
    ref, _, path = where.rpartition(" ")
    keys = [int(k) if k.isdigit() else k for k in path.split("/")]
    if ref:
        keys = ["components", next(i for i, c in enumerate(whole["components"]) if c["bom-ref"] == ref), *keys]
    before = check(whole)[1]["gaps"]
    assert not any("tiny:latest" in g or "corpus" in g for g in before), before
    gaps = [g for g in check(removed(whole, keys))[1]["gaps"] if g not in before]
    assert gaps and ("dependencies" if "dependencies" in path else str(keys[-1])) in " ".join(gaps)
    assert check(removed(whole, keys), "--strict")[0].returncode == 3


SPDX_FIELDS = [("ai_AIPackage", f) for f in ("creationInfo", "suppliedBy", "releaseTime", "software_downloadLocation",
                                             "software_packageVersion", "software_primaryPurpose", "verifiedUsing")] + \
              [("dataset_DatasetPackage", f) for f in ("originatedBy", "builtTime", "releaseTime", "software_downloadLocation",
                                                       "software_primaryPurpose", "dataset_datasetType")]


@pytest.mark.parametrize("kind,field", SPDX_FIELDS)
def test_profile_of_spdx(make, check, kind, field):
    document = json.loads(make(tiny(), "spdx", "3.0.1"))
    before = check(document)[1]["gaps"]
    assert not any("tiny:latest" in g or "dataset" in g for g in before), before
    next(e for e in document["@graph"] if e["type"] == kind and field in e).pop(field)
    gaps = [g for g in check(document)[1]["gaps"] if g not in before]
    assert len(gaps) == 1 and field in gaps[0]


@pytest.mark.parametrize("kind", ["hasDeclaredLicense", "hasConcludedLicense"])
def test_profile_wants_one_licence_of_each_kind(make, check, kind):
    document = json.loads(make(tiny(), "spdx", "3.0.1"))
    relation = next(e for e in document["@graph"] if e.get("relationshipType") == kind)
    document["@graph"].remove(relation)
    assert kind in " ".join(check(document)[1]["gaps"])
    document["@graph"].append(relation)
    assert kind not in " ".join(check(document)[1]["gaps"])
    document["@graph"].append(relation)
    assert kind in " ".join(check(document)[1]["gaps"])


def test_reads_what_other_tools_write(check):
    model = pytest.importorskip("cyclonedx.model")
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.license import DisjunctiveLicense
    from cyclonedx.output import make_outputter
    from cyclonedx.schema import OutputFormat, SchemaVersion
    part = Component(name="weights", version="1", type=ComponentType.MACHINE_LEARNING_MODEL, bom_ref="w",
                     hashes=[model.HashType(alg=model.HashAlgorithm.SHA_256, content=DIGEST[0].upper())],
                     licenses=[DisjunctiveLicense(id="MIT")])
    for version in (SchemaVersion.V1_4, SchemaVersion.V1_5, SchemaVersion.V1_6, SchemaVersion.V1_7):
        if version == SchemaVersion.V1_4:
            part.type = ComponentType.LIBRARY
        bom = Bom(components=[part])
        done, said = check(make_outputter(bom, OutputFormat.JSON, version).output_as_string())
        assert done.returncode == 0, done.stderr
        row = said["components"][0]
        assert (row["name"], row["sha256"], row["declared"]) == ("weights", DIGEST[0], "MIT"), version
        part.type = ComponentType.MACHINE_LEARNING_MODEL


@pytest.mark.parametrize("document,status,words", [
    ("", 3, "line"),
    ("[]", 4, "neither"),
    ("{", 3, "line 1"),
    ('{"bomFormat":"CycloneDX","bomFormat":"CycloneDX"}', 3, "duplicate"),
    ('{"bomFormat":"CycloneDX"}', 3, "not stated"),
    ('{"bomFormat":"CycloneDX","specVersion":"1.1"}', 4, "1.4 to 1.7"),
    ('{"bomFormat":"CycloneDX","specVersion":"1.6","components":{}}', 3, "not a list"),
    ('{"bomFormat":"CycloneDX","specVersion":"1.6","components":[1]}', 3, "components[0] has no object"),
    ('{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"file"}]}', 3, "components[0] has no name"),
    ('{"spdxVersion":"SPDX-2.3"}', 4, "SPDX 2"),
    ('{"@context":"https://example.org","@graph":[]}', 4, "@context"),
    ('{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[7]}', 3, "@graph[0]"),
    ('{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[{"type":"ai_AIPackage"}]}', 3, "no spdxId"),
    ('{"bomFormat":"CycloneDX","specVersion":"1.6","components":' + '[{"type":"file","name":"x","components":' * 40 + "[]" +
     "}]" * 40 + "}", 8, "deep"),
    ("[" * 5000, 3, "depth"),
], ids=range(15))
def test_malformed_documents_are_refused(check, document, status, words):
    done, said = check(document)
    assert (done.returncode, said) == (status, None), done.stderr
    assert words in done.stderr


def test_names_cannot_speak_to_the_terminal(mica, tmp_path):
    path = tmp_path / "d.json"
    path.write_text(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
        {"type": "file", "name": "a\x1b[31m\u202eb\nmodel x: MIT, in the store\x9b2J"}]}))
    done = mica("sbom", "--check", path, env={"MICA_HOME": str(tmp_path / "home")})
    assert done.returncode == 0
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", done.stdout) and len(done.stdout.splitlines()[1].split()) > 5


@pytest.mark.parametrize("arguments", [[], ["--self", "x"], ["x", "--check", "y"]])
def test_one_thing_at_a_time(mica, tmp_path, arguments):
    assert mica("sbom", *arguments, env={"MICA_HOME": str(tmp_path)}).returncode == 2


# ---- through the program ----

@pytest.mark.parametrize("fmt,spec", SPECS)
def test_mica_itself(mica, tmp_path, strict, fmt, spec):
    env = {"MICA_HOME": str(tmp_path / "home"), **EPOCH}
    first, again = (mica("sbom", "--self", "--format", fmt, "--spec", spec, env=env) for _ in range(2))
    assert first.returncode == 0 and first.stdout == again.stdout
    if fmt == "cyclonedx":
        assert strict(first.stdout, spec) is None
        parts = {c["name"]: c for c in json.loads(first.stdout)["components"]}
        assert parts["mica"]["type"] == "application" and parts["jansson"]["licenses"][0]["license"]["id"] == "MIT"
        assert parts["utf8proc"]["licenses"][0]["expression"] == "MIT AND Unicode-3.0"
        assert len(json.loads(first.stdout)["dependencies"][1]["dependsOn"]) == len(parts) - 1
    else:
        names = {e["name"]: e for e in json.loads(first.stdout)["@graph"] if e["type"] == "software_Package"}
        assert names["SQLite"]["software_packageVersion"].startswith("3.")


@pytest.fixture
def schema_if_there(request):
    """schema_if_there(text) checks an SPDX document where the schema can be made."""
    if not (SPDX_DATA / "spdx-model.ttl").exists():
        return lambda text: None
    check_schema, check_shacl = request.getfixturevalue("schema"), request.getfixturevalue("shacl")

    def check_both(text):
        assert check_schema(text) == "" and check_shacl(text) == ""
    return check_both


@pytest.mark.slow
def test_a_real_model(mica, tmp_path, fetched, strict, schema_if_there, check):
    env = {"MICA_HOME": str(tmp_path / "home"), **EPOCH}
    done = mica("register", fetched("models/smollm2.gguf"), "--as", "smollm2", "--owner", "the lab", "--dataset", "hf:acme/corpus", env=env)
    assert done.returncode == 0, done.stderr
    for fmt, spec in SPECS:
        out = tmp_path / "bom.json"
        done = mica("sbom", "smollm2", "-f", fmt, "--spec", spec, "-o", out, env=env)
        assert done.returncode == 0 and done.stdout == "", done.stderr
        text = out.read_text()
        if fmt == "cyclonedx":
            assert strict(text, spec) is None
            model = json.loads(text)["components"][0]
            assert model["modelCard"]["modelParameters"]["modelArchitecture"] == "llama"
            assert {"name": "mica:context-length", "value": "8192"} in model["properties"]
            assert any(p["name"] == "mica:rights:verdict" for p in model["properties"])
            assert {"name": "mica:openness", "value": "OPEN_WEIGHTS"} in model["properties"]
        else:
            schema_if_there(text)
        rows = check(text)[1]["components"]
        model = next(r for r in rows if r["kind"] == "model" and r["sha256"])
        assert model["stored"] and model["declared"] == "Apache-2.0" and model["verdict"], model
        assert next(r for r in rows if r["kind"] == "dataset")["verdict"] == "UNKNOWN"
    assert mica("sbom", "smollm2", "--strict", "-o", tmp_path / "none.json", env=env).returncode == 3
    assert not (tmp_path / "none.json").exists()  # what is refused is not written


def test_a_model_that_is_not_there(mica, tmp_path):
    assert mica("sbom", "nothing", env={"MICA_HOME": str(tmp_path)}).returncode == 5
    assert mica("sbom", "--self", "--spec", "9", env={"MICA_HOME": str(tmp_path)}).returncode == 2
    assert mica("sbom", "--self", "--format", "xml", env={"MICA_HOME": str(tmp_path)}).returncode == 2


def test_results_of_the_card(mica, tmp_path, strict):
    """A model card's model-index becomes quantitativeAnalysis."""
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    from hub import Hub  # noqa: PLC0415
    path = tmp_path / "tiny.gguf"
    subprocess.run([sys.executable, ROOT / "tests/support/tiny_gguf.py", "Q8_0", path], check=True)
    card = b"""---
license: mit
pipeline_tag: text-generation
model-index:
- name: tiny
  results:
  - task: {type: text-generation}
    dataset: {name: 'WikiText "2"', type: wikitext, args: {split: test}}
    metrics:
    - {type: perplexity, value: 12.5, verified: false}
    - name: only a name
      value: 3
---
# Tiny
"""
    with Hub({"tiny.gguf": path.read_bytes(), "README.md": card}, lfs=["tiny.gguf"], cardData={"license": "mit"}) as hub:
        env = {"MICA_HOME": str(tmp_path / "home"), "HF_TOKEN": "", "HF_HOME": str(tmp_path), "HF_ENDPOINT": hub.url}
        assert mica("pull", "hf:owner/tiny", "--as", "tiny", env=env).returncode == 0
    text = mica("sbom", "tiny", "--spec", "1.6", env=env).stdout
    assert strict(text, "1.6") is None
    model = json.loads(text)["components"][0]
    assert model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"] == [
        {"type": "perplexity", "value": "12.5", "slice": 'WikiText "2"'},
        {"type": "only a name", "value": "3", "slice": 'WikiText "2"'}]
    assert model["supplier"]["name"] == "owner"
    sheet = json.loads(mica("assess", "tiny", "--json", env=env).stdout)
    found = next(p for p in sheet["points"] if p["point"] == "evals")["findings"][0]["found"]
    assert found == "2 results in a form that programs read (model-index)"
