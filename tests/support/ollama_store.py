# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Lays out a store as Ollama does: manifests/HOST/NAMESPACE/MODEL/TAG and blobs/sha256-HEX; or as newer ones do:
manifests-v2/HOST/NAMESPACE/MODEL/TAG is a link to the manifest's blob, which may be a list with one per runner."""
import hashlib
import json
import os

IMAGE = "application/vnd.ollama.image."


class OllamaStore:
    def __init__(self, home):
        self.home = home
        (home / "blobs").mkdir(parents=True)

    def blob(self, data):
        if isinstance(data, str):
            data = data.encode()
        hexdigest = hashlib.sha256(data).hexdigest()
        (self.home / "blobs" / f"sha256-{hexdigest}").write_bytes(data)
        return "sha256:" + hexdigest, len(data)

    def layer(self, kind, data, **more):
        digest, size = self.blob(data)
        return {"mediaType": IMAGE + kind, "digest": digest, "size": size, **more}

    def config(self, layers, **more):
        digest, size = self.blob(json.dumps(
            {**more, "model_format": "gguf", "model_family": "llama", "model_families": ["llama"], "model_type": "134.52M",
             "file_type": "Q8_0", "architecture": "amd64", "os": "linux",
             "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]}}))
        return {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": digest, "size": size}

    def add(self, path, layers):
        """Writes the manifest the way Ollama does and returns its bytes."""
        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
                    "config": self.config(layers), "layers": layers}
        data = json.dumps(manifest, separators=(",", ":")).encode() + b"\n"
        file = self.home / "manifests" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return data

    def add_v2(self, path, layers, **config):
        """A manifest as newer Ollamas write it; returns its bytes. layers may be None: a model in the cloud."""
        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
                    "config": self.config(layers or [], **config), "layers": layers}
        return self.link(path, json.dumps(manifest, separators=(",", ":")).encode() + b"\n")

    def add_list(self, path, children):
        """children: {runner: (layers, as a blob?)}"""
        entries = []
        for runner, (layers, as_blob) in children.items():
            media_type = "application/vnd.docker.distribution.manifest.v2+json"
            child = {"schemaVersion": 2, "mediaType": media_type, "config": self.config(layers), "layers": layers}
            if as_blob:
                digest, _ = self.blob(json.dumps(child))
                child = {"mediaType": media_type, "digest": digest}
            entries.append({**child, "runner": runner, "format": "gguf"})
        return self.link(path, json.dumps({"schemaVersion": 2, "mediaType":
                                           "application/vnd.ollama.manifest.list.v2+json",
                                           "manifests": entries}).encode())

    def link(self, path, data):
        digest, _ = self.blob(data)
        file = self.home / "manifests-v2" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.symlink_to(os.path.relpath(self.home / "blobs" / digest.replace(":", "-"), file.parent))
        return data

    def blobs(self):
        return {p.name for p in (self.home / "blobs").iterdir()}
