# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""The hub of our tests against the client of Hugging Face: what that understands and how it refuses is what Mica is tested
with."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from hub import COMMIT, Hub, git_sha1, sha256  # noqa: E402

hf = pytest.importorskip("huggingface_hub")
from huggingface_hub import errors  # noqa: E402

ODD = "dir/a b#c?d%20é+&.txt"
MODEL = bytes(range(256)) * 9000
FILES = {"README.md": b"---\nlicense: mit\n---\n", "config.json": b"{}", "tiny-Q8_0.gguf": MODEL, ODD: b"odd"}


@pytest.fixture(params=[False, True], ids=["lfs", "xet"])
def hub(request, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY", True)
    with Hub(dict(FILES), lfs=["tiny-Q8_0.gguf"]) as hub:
        hub.xet, hub.page = request.param, 2
        yield hub


def test_what_it_lists(hub):
    api = hf.HfApi(endpoint=hub.url, token=False)
    for revision in (None, "main", "refs/pr/1", COMMIT):
        info = api.model_info("owner/tiny", revision=revision, files_metadata=True)
        assert info.sha == COMMIT
        assert {s.rfilename: s.size for s in info.siblings} == {name: len(data) for name, data in FILES.items()}
        model = next(s for s in info.siblings if s.rfilename == "tiny-Q8_0.gguf")
        assert model.lfs.sha256 == sha256(MODEL) and model.blob_id == git_sha1(MODEL)
    tree = {f.path: f for f in api.list_repo_tree("owner/tiny", recursive=True)}
    assert set(tree) == set(FILES) and tree["tiny-Q8_0.gguf"].lfs.sha256 == sha256(MODEL)
    assert [f.path for f in api.get_paths_info("owner/tiny", ["config.json", "nothing"])] == ["config.json"]


def test_what_it_fetches(hub, tmp_path):
    for name, data in FILES.items():
        url = hf.hf_hub_url("owner/tiny", name, endpoint=hub.url)
        found = hf.get_hf_file_metadata(url, token=False, endpoint=hub.url)
        assert (found.commit_hash, found.size) == (COMMIT, len(data))
        assert found.etag == (sha256(data) if name.endswith(".gguf") else git_sha1(data))
        path = hf.hf_hub_download("owner/tiny", name, endpoint=hub.url, cache_dir=tmp_path, token=False)
        assert Path(path).read_bytes() == data
    folder = Path(hf.snapshot_download("owner/tiny", endpoint=hub.url, cache_dir=tmp_path / "all", token=False))
    assert {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()} == set(FILES)


def test_a_renamed_repository(hub, tmp_path):
    hub.renamed = "former/name"
    assert hf.HfApi(endpoint=hub.url, token=False).model_info("former/name").id == "owner/tiny"
    path = hf.hf_hub_download("former/name", "config.json", endpoint=hub.url, cache_dir=tmp_path, token=False)
    assert Path(path).read_bytes() == b"{}"


@pytest.mark.parametrize("repo, revision, token, prepare, error", [
    ("owner/none", None, False, {}, errors.RepositoryNotFoundError),
    ("owner/none", None, "hf_x", {}, errors.RepositoryNotFoundError),
    ("owner/tiny", "v9", False, {}, errors.RevisionNotFoundError),
    ("owner/tiny", None, False, {"token": "hf_other"}, errors.GatedRepoError),
    ("owner/tiny", None, "hf_x", {"gated": "hf_x"}, errors.GatedRepoError),
    ("owner/tiny", None, "hf_x", {"token": "hf_other"}, errors.HfHubHTTPError),
])
def test_how_it_refuses(hub, repo, revision, token, prepare, error):
    for name, value in prepare.items():
        setattr(hub, name, value)
    with pytest.raises(error) as caught:
        hf.HfApi(endpoint=hub.url, token=token).model_info(repo, revision=revision)
    assert type(caught.value) is error


def test_a_file_that_is_not_there(hub, tmp_path):
    with pytest.raises(errors.EntryNotFoundError):
        hf.get_hf_file_metadata(hf.hf_hub_url("owner/tiny", "nothing", endpoint=hub.url), token=False, endpoint=hub.url)
