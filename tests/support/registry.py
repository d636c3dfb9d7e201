# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Registries for tests: Debian's docker-registry on loopback, and stores laid out as Ollama lays them."""
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

MODEL = "application/vnd.ollama.image.model"
LICENSE = "application/vnd.ollama.image.license"
PARAMS = "application/vnd.ollama.image.params"
TEMPLATE = "application/vnd.ollama.image.template"
SYSTEM = "application/vnd.ollama.image.system"
CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def layer(media_type, data, title=None):
    entry = {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}
    if title:
        entry["annotations"] = {"org.opencontainers.image.title": title}
    return entry


def manifest_of(parts, config=b"{}", media_type=DOCKER_MANIFEST, **more):
    """The bytes of a manifest over parts [(media type, bytes)], printed as Ollama prints it."""
    return json.dumps({"schemaVersion": 2, "mediaType": media_type, "config": layer(CONFIG, config),
                       "layers": [layer(*part) for part in parts], **more}, separators=(",", ":")).encode()


def fill_store(home, name, parts, config=b"{}", **more):
    """Puts a model into the store at home the way Ollama lays it; name is 'registry/namespace/model/tag'.
    Gives the manifest's bytes."""
    blobs = Path(home) / "blobs"
    blobs.mkdir(parents=True, exist_ok=True)
    for data in [config, *(part[1] for part in parts)]:
        (blobs / digest_of(data).replace(":", "-")).write_bytes(data)
    manifest = manifest_of(parts, config, **more)
    path = Path(home) / "manifests" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(manifest)
    return manifest


def find_program():
    return shutil.which("docker-registry")


class Registry:
    """Debian's docker-registry with a folder and a port of its own. `more` is added to its configuration (JSON is
    YAML). Used as a context manager."""

    def __init__(self, folder, **more):
        self.folder = Path(folder)
        self.data = self.folder / "data"
        self.config = {"version": "0.1", "log": {"level": "info", "accesslog": {"disabled": False}},
                       "storage": {"filesystem": {"rootdirectory": str(self.data)}, "delete": {"enabled": True}},
                       "http": {"addr": "127.0.0.1:0", "secret": "of-a-test"}, **more}

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        path, self.log_path = self.folder / "config.yml", self.folder / "log"
        path.write_text(json.dumps(self.config))
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([find_program(), "serve", str(path)], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT)
        while not (found := re.search(r"listening on 127\.0\.0\.1:(\d+)", self.log())):
            assert self.process.poll() is None, self.log()
        self.host = f"127.0.0.1:{found[1]}"
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=20)

    def log(self):
        return self.log_path.read_text()

    def blob(self, digest):
        """Where the registry keeps a blob."""
        hexes = digest.removeprefix("sha256:")
        return self.data / "docker/registry/v2/blobs/sha256" / hexes[:2] / hexes / "data"
