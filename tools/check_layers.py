#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Holds the table of layers: no file includes upwards, no headers form a circle, no private header becomes a hub."""
import re
from collections import defaultdict

from sources import ROOT, finish, project_files

# layer: the layers below it that it may include. A layer always sees itself.
LAYERS = {
    "base": [],
    "kern": ["base"],
    "tensor": ["base", "kern"],
    "format": ["base"],
    "store": ["base", "format"],
    "govern": ["base", "format", "store"],
    "model": ["base", "kern", "tensor", "format"],
    "engine": ["base", "kern", "tensor", "format", "model"],
    "train": ["base", "kern", "tensor", "format", "model"],
    "image": ["base", "kern", "tensor", "format", "model"],
    "retrieve": ["base", "format", "store", "engine"],
    "app": ["base", "format", "store", "govern", "engine", "retrieve"],
    "eval": ["base", "format", "store", "govern", "engine", "retrieve", "app"],
    "server": ["base", "format", "store", "govern", "model", "engine", "retrieve", "app", "eval"],
    "cli": ["base", "kern", "tensor", "format", "store", "govern", "model", "engine", "train", "image", "retrieve",
            "app", "eval", "server"],
}
# The layer that a public header <mica/NAME.h> belongs to. mica.h gathers the others.
PUBLIC = {"mica": "cli"}
# A private header included by more files than this has become a hub (base is meant to be one).
MAX_FAN_IN = 30
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<(mica/[^>]+)>)')


def layer_of(name):
    """The layer of a path relative to src/ or include/ ('format/gguf.h', 'mica/base.h')."""
    first, _, rest = name.partition("/")
    if first == "mica":
        stem = rest.removesuffix(".h")
        return PUBLIC.get(stem, stem if stem in LAYERS else "engine")
    return first


def includes():
    """{path relative to src/ or include/: [(line, included path)]} for every source and table."""
    found = {}
    for path in project_files(".c", ".h", ".def", ".inc", under=("src/", "include/")):
        lines = (ROOT / path).read_text().splitlines()
        matches = [(i + 1, INCLUDE.match(line)) for i, line in enumerate(lines)]
        found[path.split("/", 1)[1]] = [(i, m.group(1) or m.group(2)) for i, m in matches if m]
    return found


def upward(found):
    for name, rows in found.items():
        layer = layer_of(name)
        if layer not in LAYERS:
            yield f"src/{name}: {layer} is no layer; add it to LAYERS in tools/check_layers.py with what it may see"
            continue
        for line, target in rows:
            if "/" not in target:
                yield f"{name}:{line}: include it as \"{name.rsplit('/', 1)[0]}/{target}\""
            elif layer_of(target) != layer and layer_of(target) not in LAYERS[layer]:
                yield f"{name}:{line}: {layer} may not include {target} (it sees: {', '.join(LAYERS[layer])})"


def circles(found):
    """Depth-first over headers; a header met again on the way down closes a circle."""
    done, problems = set(), []

    def visit(name, way):
        if name in way:
            problems.append("circle: " + " → ".join(way[way.index(name):] + [name]))
            return
        if name in done:
            return
        done.add(name)
        for _, target in found.get(name, []):
            visit(target, way + [name])

    for name in found:
        visit(name, [])
    return problems


def hubs(found):
    users = defaultdict(set)
    for name, rows in found.items():
        for _, target in rows:
            users[target].add(name)
    for target, names in users.items():
        if layer_of(target) != "base" and not target.startswith("mica/") and len(names) > MAX_FAN_IN:
            yield f"{target}: included by {len(names)} files, more than {MAX_FAN_IN}: split it"


def main():
    found = includes()
    finish("layers", [*upward(found), *circles(found), *hubs(found)])


if __name__ == "__main__":
    main()
