#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Every function in include/mica has a comment: on its own, beside it, or over the paragraph it stands in. Every
public header opens with what it is for and can be used from C++. No page names a file of this repository that is not there."""
import os
import re

from sources import ROOT, finish, project_files

FUNCTION = re.compile(r"\b(mica_\w+)\s*\(")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
PATH = re.compile(r"`((?:src|tools|tests|docs|include|examples|bench)/[\w./-]*)`")
PLACEHOLDER = re.compile(r"NAME|LAYER|ISA")


def paragraphs(lines):
    """(first line number, lines) of each run of lines without a blank one."""
    start = 0
    for i in range(len(lines) + 1):
        if i == len(lines) or not lines[i].strip():
            if i > start:
                yield start + 1, lines[start:i]
            start = i + 1


def undocumented(path):
    lines = (ROOT / path).read_text().splitlines()
    for first, paragraph in paragraphs(lines):
        commented = False
        for offset, line in enumerate(paragraph):
            commented = commented or "/*" in line
            if line.startswith("MICA_API") and not commented:
                name = FUNCTION.search(" ".join(paragraph[offset:offset + 2]))
                yield f"{path}:{first + offset}: {name.group(1) if name else line} has no comment"


def dead_paths(path):
    """Links and paths of this repository that a page names and that are not there."""
    for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
        named = [(ROOT / path).parent / link for link in LINK.findall(line)]
        named += [ROOT / name for name in PATH.findall(line) if not PLACEHOLDER.search(name)]
        for target in named:
            if not target.exists():
                yield f"{path}:{number}: there is no {os.path.relpath(target, ROOT)}"


def main():
    problems = []
    pages = project_files(".md")
    for path in pages:
        problems += dead_paths(path)
    headers = project_files(".h", under=("include/",))
    for path in headers:
        problems += undocumented(path)
        text = (ROOT / path).read_text()
        if text.count("/*", 0, text.find("#ifndef")) < 2:
            problems.append(f"{path}: no comment before the guard says what the header is for")
        if "MICA_API" in text and 'extern "C"' not in text:
            problems.append(f'{path}: no extern "C"')
    finish(f"docs ({len(headers)} public headers, {len(pages)} pages)", problems)


if __name__ == "__main__":
    main()
