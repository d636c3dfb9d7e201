#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that are missing: install_deps.sh build|test. Does nothing when all are there.
set -euo pipefail

build=(gcc libc6-dev meson ninja-build pkg-config libjansson-dev libpcre2-dev libutf8proc-dev libedit-dev
    libssl-dev libsqlite3-dev libcurl4-openssl-dev libarchive-dev libyaml-dev libcmocka-dev)
check=(g++ clang clang-format clang-tidy pmccabe codespell reuse git docker-registry minisign openssl skopeo sqlite3)
case "${1:-}" in
build) wanted=("${build[@]}") ;;
test) wanted=("${build[@]}" "${check[@]}") ;;
*)
    echo "usage: $0 build|test" >&2
    exit 2
    ;;
esac

# Python and npm may have been installed by other means than apt: what counts is that they work.
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || wanted+=(python3)
python3 -m pip --version >/dev/null 2>&1 || wanted+=(python3-pip)
if [ "$1" = test ]; then
    python3 -c 'import venv, ensurepip' 2>/dev/null || wanted+=(python3-venv)
    command -v npm >/dev/null || wanted+=(npm)
fi

if ! command -v dpkg-query >/dev/null; then
    echo "install_deps: this is not a Debian system; make sure that these are installed: ${wanted[*]}" >&2
    exit 0
fi
missing=()
for package in "${wanted[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
# libFuzzer and the sanitizers' run-time libraries come in a package named after clang's version.
if [ "$1" = test ] && ! ls /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a >/dev/null 2>&1; then
    missing+=(libclang-rt-dev)
fi
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "install_deps: run as root, or install sudo; missing packages: ${missing[*]}" >&2
        exit 1
    }
    as_root=(sudo)
fi
echo "install_deps: apt-get install ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" </dev/null >/dev/null
