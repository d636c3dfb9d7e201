#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
# Builds Mica and runs every test. ./test.sh --help lists the options. Safe to run as often as you like.
set -euo pipefail
cd "$(dirname "$0")"
for arg in "$@"; do
    if [ "$arg" = --help ] || [ "$arg" = -h ]; then
        exec python3 tools/test.py --help
    fi
done
tools/install_deps.sh test
exec python3 tools/test.py "$@"
