# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""How a run of the program ended."""


def ok(done):
    assert done.returncode == 0, done.stderr
    return done


def fails(done, code, *words):
    assert done.returncode == code, f"exit code {done.returncode}: {done.stderr}"
    assert done.stderr.startswith("mica: ") and done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr, done.stderr
