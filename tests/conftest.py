# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""What the Python tests share: where the build and the fetched files are. A test whose file is absent is skipped."""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("MICA_BUILD") or ROOT / "build")
CACHE = Path(os.environ.get("MICA_TEST_CACHE") or Path.home() / ".cache" / "mica-test")


def pytest_addoption(parser):
    parser.addoption("--peer", action="store_true", help="also compare with llama.cpp (package llama-cpp-python)")


def pytest_configure(config):
    # No test sees the store of whoever runs it.
    os.environ["MICA_HOME"] = tempfile.mkdtemp(prefix="mica-home-")
    config.addinivalue_line("markers", "slow: left out by ./test.sh --quick")


def pytest_unconfigure(config):
    shutil.rmtree(os.environ["MICA_HOME"], ignore_errors=True)


@pytest.fixture(scope="session")
def fetched():
    """fetched('models/smollm2.gguf') is the path of a file or folder that tools/fetch.py brought."""
    def find(relative):
        path = CACHE / relative
        if not path.exists():
            pytest.skip(f"{path} is absent: run tools/fetch.py")
        return path
    return find


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """The bytes of a small whole model."""
    path = tmp_path_factory.mktemp("tiny") / "tiny.gguf"
    subprocess.run([sys.executable, ROOT / "tests/support/tiny_gguf.py", "Q8_0", path], check=True)
    return path.read_bytes()


@pytest.fixture(scope="session")
def mica():
    """mica('show', path, env={...}) runs the program and returns the finished process (text mode)."""
    def call(*arguments, env=None, timeout=300, **options):
        return subprocess.run([str(BUILD / "src" / "cli" / "mica"), *map(str, arguments)], text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, check=False, timeout=timeout,
                              env={**os.environ, **(env or {})}, **options)
    return call
