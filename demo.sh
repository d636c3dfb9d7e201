#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
# From a fresh clone to an answer: installs what is missing, builds, fetches SmolLM2-135M (93 MB, Apache-2.0, checked
# by digest), asks it a question, and shows that the same bits come out again. Safe to run twice; give your own
# question as the argument.
set -euo pipefail
cd "$(dirname "$0")"
question=${1:-What is the capital of France?}
cache=${MICA_TEST_CACHE:-$HOME/.cache/mica-test}
model=$cache/models/smollm2.gguf
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

step() { printf '\n\033[1m== %s\033[0m\n' "$1"; }

step "Packages"
tools/install_deps.sh build
echo "all there"

step "Build"
[ -f build/build.ninja ] || meson setup build -Dbuildtype=release >"$out/log" 2>&1 || { cat "$out/log"; exit 1; }
ninja -C build src/cli/mica >"$out/log" 2>&1 || { tail -40 "$out/log"; exit 1; }
mica=build/src/cli/mica
echo "$mica"

step "Model"
python3 tools/fetch.py smollm2
sha256sum "$model"

step "What is in the file: mica show"
"$mica" show "$model"

step "An answer: mica run"
echo "> $question"
# (The default system message in this model's template makes the small model ramble.)
ask=(run --unregistered "$model" "$question" --system "You are a helpful assistant." --temp 0)
"$mica" "${ask[@]}" -n 64 </dev/null
echo

step "The same question again, on other threads and other instruction sets: the same bits?"
# Tokens and log-probabilities are compared; timings differ, of course.
again() {
    local name=$1
    shift
    env "$@" </dev/null >"$out/$name.json"
}
run=("$mica" "${ask[@]}" -n 24 --json)
again "all_threads" "${run[@]}"
again "1_thread" "${run[@]}" --threads 1
again "3_threads" "${run[@]}" --threads 3
again "plain_C" MICA_ISA=ref "${run[@]}"
if grep -qw avx2 /proc/cpuinfo 2>/dev/null; then again "AVX2" MICA_ISA=avx2 "${run[@]}"; fi
if grep -qw avx512_vnni /proc/cpuinfo 2>/dev/null; then again "AVX-512" MICA_ISA=avx512 "${run[@]}"; fi
python3 - "$out"/*.json <<'PYTHON'
import hashlib, json, pathlib, sys
digests = {}
for path in map(pathlib.Path, sys.argv[1:]):
    answer = json.loads(path.read_text())
    same = json.dumps([answer["text"], answer["tokens"], answer["logprobs"]])
    digests[path.stem] = hashlib.sha256(same.encode()).hexdigest()
    print(f"{path.stem:12} {len(answer['tokens']):3} tokens and log-probabilities, sha256 {digests[path.stem][:16]}")
if len(set(digests.values())) != 1:
    sys.exit("NOT the same bits: please report this with the output of `mica show` and /proc/cpuinfo")
print("The same bits.")
PYTHON

step "Yours"
echo "$mica run $model        # a conversation; /help lists what it understands"
