# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Lays out a store as Ollama does: manifests/HOST/NAMESPACE/MODEL/TAG and blobs/sha256-HEX."""
import hashlib
import json

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

    def config(self, layers):
        digest, size = self.blob(json.dumps(
            {"model_format": "gguf", "model_family": "llama", "model_families": ["llama"], "model_type": "134.52M",
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

    def blobs(self):
        return {p.name for p in (self.home / "blobs").iterdir()}
