#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Mica and llama.cpp on the same work, in turns, in one run: a Markdown table with ratios.

usage: compare.py [--mica build/src/cli/mica] [--models DIR] [--only smollm2,qwen,gemma]
                  [--parts speed,start,memory,busy] [--rounds 3] [--threads 2]

Needs a Python with llama-cpp-python built for this CPU (tools/fetch.py --peer makes one). Both engines run the same
token ids with the same number of threads: a prompt of 512 tokens, 64 tokens one by one, and batches of 8 and 16
sequences written together. Engines alternate A B A B, so a slow spell of the machine falls on both; quote the ratios.
"""
import argparse
import ctypes
import json
import os
import statistics
import subprocess
import sys
import time

TARGETS = {  # model: figure: least ratio to llama.cpp
    "smollm2": {"pp512": 6, "tg64": 2.5, "tg64_b8": 4, "tg64_b16": 4},
    "qwen": {"pp512": 2.5, "tg64": 1.6, "tg64_b8": 4, "tg64_b16": 4},
    "gemma": {"pp512": 2.5, "tg64": 1.6, "tg64_b8": 4, "tg64_b16": 4},
}
BATCHES = (8, 16)
BUSY = "import time\nend = time.time() + 60\nwhile time.time() < end: pass"


# ---- llama.cpp, in a process of its own -------------------------------------------------------------------------


class Peer:
    """llama.cpp through its C interface; n_seq sequences share one context."""

    def __init__(self, path, threads, n_ctx, n_batch, n_seq):
        import llama_cpp

        self.api = api = llama_cpp
        api.llama_backend_init()
        self.quiet = api.llama_log_callback(lambda level, text, data: None)
        api.llama_log_set(self.quiet, None)
        params = api.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = n_ctx, n_batch, n_batch
        params.n_seq_max = n_seq
        params.n_threads = params.n_threads_batch = threads
        self.model = api.llama_model_load_from_file(path.encode(), api.llama_model_default_params())
        self.ctx = api.llama_init_from_model(self.model, params)
        self.n_vocab = api.llama_vocab_n_tokens(api.llama_model_get_vocab(self.model))
        self.batch = api.llama_batch_init(n_batch, 0, 1)

    def clear(self):
        self.api.llama_memory_clear(self.api.llama_get_memory(self.ctx), True)

    def decode(self, rows):
        """rows: (token, position, sequence, wants logits)"""
        b = self.batch
        b.n_tokens = len(rows)
        for i, (token, position, sequence, wants) in enumerate(rows):
            b.token[i], b.pos[i], b.n_seq_id[i], b.seq_id[i][0], b.logits[i] = token, position, 1, sequence, wants
        if self.api.llama_decode(self.ctx, b) != 0:
            raise RuntimeError("llama_decode failed")
        self.api.llama_synchronize(self.ctx)

    def token(self, i):
        return (i * 7919) % (self.n_vocab - 200) + 100


def peer_rate(peer, n_seq, n_tokens):
    """Tokens per second of a prompt (n_seq 0) or of n_seq sequences written together."""
    peer.clear()
    start = time.perf_counter()
    if n_seq == 0:
        peer.decode([(peer.token(i), i, 0, i == n_tokens - 1) for i in range(n_tokens)])
    else:
        for i in range(n_tokens):
            peer.decode([(peer.token(i + s), i, s, True) for s in range(n_seq)])
    return max(n_seq, 1) * n_tokens / (time.perf_counter() - start)


def peer_main(path, threads, what):
    start = time.perf_counter()
    if what == "cold":
        peer = Peer(path, threads, 512, 512, 1)
        peer.decode([(peer.token(0), 0, 0, True)])
        print(json.dumps({"seconds": time.perf_counter() - start}))
        return
    sizes = {"pp512": (0, 512), "tg64": (1, 64)} if what == "all" else {"tg64": (1, 64)}
    if what == "all":
        sizes.update({f"tg64_b{n}": (n, 64) for n in BATCHES})
    out = {}
    for key, (n_seq, n_tokens) in sizes.items():
        peer = Peer(path, threads, 2048 if n_seq > 1 else 600, 512, max(n_seq, 1))
        peer_rate(peer, n_seq, n_tokens)
        out[key] = [peer_rate(peer, n_seq, n_tokens) for _ in range(3)]
        del peer
    print(json.dumps(out))


# ---- running both ------------------------------------------------------------------------------------------------


def run_json(command):
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def run_peer(path, threads, what):
    return run_json([sys.executable, __file__, "--peer", path, what, "--threads", str(threads)])


def mica_rates(args, path, options):
    out = run_json([args.mica, "bench", "--unregistered", path, "--threads", str(args.threads), "--json", "-r", "3", *options])
    return out, {k: [v["min"], v["median"], v["max"]] for k, v in out.items() if k != "machine"}


def rusage(command):
    """Wall seconds and peak resident bytes of a command."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        raise RuntimeError(f"{command}: exit status {status}")
    return time.perf_counter() - start, usage.ru_maxrss * 1024


def verdict(holds):
    return "yes" if holds else "no"


def compare_speed(args, name, path, rows):
    mica, peer, shares = {}, {}, {}
    options = ["--batch", ",".join(str(n) for n in BATCHES)]
    for _ in range(args.rounds):
        full, rates = mica_rates(args, path, options)
        machine = full["machine"]
        print(f"{name}: {machine['isa']}, {machine['threads']} threads: int8 {machine['int8_gops']:.0f} GOPS, "
              f"memory read {machine['memory_gb_s']:.1f} GB/s", file=sys.stderr)
        for key, values in rates.items():
            mica.setdefault(key, []).extend(values)
            shares.setdefault(key, []).append(full[key]["limit_share"])
        for key, values in run_peer(path, args.threads, "all").items():
            peer.setdefault(key, []).extend(values)
    for key, least in TARGETS[name].items():
        ours, theirs = statistics.median(mica[key]), statistics.median(peer[key])
        rows.append((name, key, f"{ours:.1f}", f"{theirs:.1f}", f"{ours / theirs:.2f}×",
                     f"{100 * statistics.median(shares[key]):.0f}%", f"≥ {least}×", verdict(ours >= least * theirs)))


def compare_start(args, name, path, rows):
    command = [args.mica, "run", "--unregistered", path, "-n", "1", "--raw", "--threads", str(args.threads), "hi"]
    rusage(command)
    ours = statistics.median(rusage(command)[0] for _ in range(7))
    theirs = statistics.median(run_peer(path, args.threads, "cold")["seconds"] for _ in range(5))
    target, holds = ("≤ 0.2 s", verdict(ours <= 0.2)) if name == "smollm2" else ("", "")
    rows.append((name, "cold start to first token, s", f"{ours:.3f}", f"{theirs:.3f}", f"{theirs / ours:.2f}×", "", target, holds))


def compare_memory(args, name, path, rows):
    new = 256
    shown = run_json([args.mica, "show", path, "--ctx", str(new + 16), "--json"])["memory"]
    _, peak = rusage([args.mica, "run", "--unregistered", path, "-n", str(new), "--raw", "--ignore-eos", "--threads", str(args.threads), "hi"])
    most = 1.15 * shown["weights_bytes"] + shown["kv_bytes"] + (30 << 20)
    rows.append((name, "peak resident, MiB", f"{peak / 2**20:.0f}", "", "", "", f"≤ {most / 2**20:.0f}", verdict(peak <= most)))


def compare_busy(args, name, path, rows):
    def both():
        _, ours = mica_rates(args, path, ["--pp", "0"])
        return statistics.median(ours["tg64"]), statistics.median(run_peer(path, args.threads, "tg")["tg64"])

    quiet = both()
    busy = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        loaded = both()
    finally:
        busy.kill()
        busy.wait()
    kept = [100 * b / q for b, q in zip(loaded, quiet)]
    rows.append((name, "writing beside one busy process, % of quiet", f"{kept[0]:.0f}", f"{kept[1]:.0f}", "", "", "≥ 45",
                 verdict(kept[0] >= 45)))


PARTS = {"speed": compare_speed, "start": compare_start, "memory": compare_memory, "busy": compare_busy}


def main():
    cache = os.environ.get("MICA_TEST_CACHE", os.path.expanduser("~/.cache/mica-test"))
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--mica", default="build/src/cli/mica")
    p.add_argument("--models", default=os.path.join(cache, "models"))
    p.add_argument("--only", default=",".join(TARGETS))
    p.add_argument("--parts", default=",".join(PARTS), help="of: " + ", ".join(PARTS))
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--peer", nargs=2, help=argparse.SUPPRESS)
    args = p.parse_args()
    if args.peer:
        return peer_main(args.peer[0], args.threads, args.peer[1])
    rows = []
    for name in args.only.split(","):
        for part in args.parts.split(","):
            print(f"{name}: {part} …", file=sys.stderr, flush=True)
            PARTS[part](args, name, os.path.join(args.models, name + ".gguf"), rows)
    print("| model | figure (tokens/s unless stated) | Mica | llama.cpp | ratio | share of the limit | target | holds |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for row in rows:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
