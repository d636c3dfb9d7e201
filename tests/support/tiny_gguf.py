#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""tiny_gguf.py TYPE OUT.gguf [--arch llama|qwen2|qwen3|gemma3|phi3] [--layers N] [--seed N]: a random model of a
megabyte or so whose matrices are stored as TYPE, the same bytes each time. It talks nonsense, but it is a whole model:
every tensor, every setting and a tokenizer (bytes and a few merges, or for gemma3 and phi3 pieces with scores).
"""
import argparse
import sys
from pathlib import Path

import gguf
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import gguf_encode  # noqa: E402

D, HEADS, KV_HEADS, HEAD_DIM, FFN, VOCAB, CONTEXT = 256, 4, 2, 64, 512, 512, 2048
ARCHS = {"llama": 2, "qwen2": 2, "qwen3": 2, "gemma3": 6, "phi3": 2}  # layers; gemma3's sixth is its first global one
LETTERS = "etaoinshrdlu"
NORMAL, UNKNOWN, CONTROL, UNUSED, BYTE = 1, 2, 3, 5, 6


def byte_letters():
    """GPT-2's letter for each byte: printable Latin-1 stands for itself, the others follow from U+0100."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    return {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(others)}


def bpe_tokenizer(writer, arch):
    letters = byte_letters()
    space = letters[32]
    pairs = [(space, c) for c in LETTERS] + [(a, b) for a in LETTERS for b in LETTERS]
    pairs += [(space + "t", "he"), (space + "a", "nd"), ("in", "g")]
    specials = ["<|end|>", "<|start|>"]
    tokens = [letters[b] for b in range(256)] + [a + b for a, b in pairs] + specials
    if len(set(tokens)) != len(tokens):
        raise ValueError("a token twice")
    kinds = [NORMAL] * (len(tokens) - 2) + [CONTROL] * 2
    unused = VOCAB - len(tokens)
    end = len(tokens) - 2
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2" if arch.startswith("qwen") else "smollm")
    writer.add_token_list(tokens + [f"<unused{i}>" for i in range(unused)])
    writer.add_token_types(kinds + [UNUSED] * unused)
    writer.add_token_merges([f"{a} {b}" for a, b in pairs])
    writer.add_bos_token_id(end + 1)
    writer.add_eos_token_id(end)
    writer.add_add_bos_token(False)


def spm_tokenizer(writer):
    """Pieces with scores, in the form of Llama 2 and Gemma: byte pieces stand in for what has no letter."""
    tokens, kinds = ["<pad>", "<eos>", "<bos>", "<unk>"], [CONTROL, CONTROL, CONTROL, UNKNOWN]
    tokens += [f"<0x{b:02X}>" for b in range(256)]
    kinds += [BYTE] * 256
    scores = [0.0] * len(tokens)
    pieces = [a + b for a in "▁" + LETTERS for b in LETTERS] + ["▁the", "▁and", "ing"]
    pieces += ["▁", *"abcdefghijklmnopqrstuvwxyz", *"0123456789", *".,!?"]
    tokens += pieces
    scores += [-float(i) for i in range(len(pieces))]
    kinds += [NORMAL] * len(pieces)
    unused = VOCAB - len(tokens)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens + [f"<unused{i}>" for i in range(unused)])
    writer.add_token_scores(scores + [0.0] * unused)
    writer.add_token_types(kinds + [UNUSED] * unused)
    writer.add_bos_token_id(2)
    writer.add_eos_token_id(1)
    writer.add_unk_token_id(3)
    writer.add_pad_token_id(0)
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)


def settings(writer, arch, layers, licence, template):
    writer.add_name("tiny")  # llama.cpp expects more tokens of a model whose name holds "phi3"
    if licence:
        writer.add_license(licence)
    if template:
        writer.add_chat_template(template)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(D)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(FFN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-6 if arch.startswith(("qwen", "gemma")) else 1e-5)
    writer.add_rope_freq_base(1e6 if arch.startswith(("qwen", "gemma")) else 1e4)
    writer.add_vocab_size(VOCAB)
    if arch in ("llama", "phi3"):
        writer.add_rope_dimension_count(HEAD_DIM)
    if arch in ("qwen3", "gemma3"):
        writer.add_key_length(HEAD_DIM)
        writer.add_value_length(HEAD_DIM)
    if arch == "gemma3":
        writer.add_sliding_window(32)


def matrices(arch, layers):
    """(name, rows, columns, standard deviation) of every matrix."""
    q, kv = HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM
    tied = arch in ("qwen2", "gemma3")
    yield "token_embd", VOCAB, D, D ** -0.5 if tied else 1
    if not tied:
        yield "output", VOCAB, D, 2 * D ** -0.5
    for i in range(layers):
        if arch == "phi3":
            yield f"blk.{i}.attn_qkv", q + 2 * kv, D, D ** -0.5
        else:
            yield f"blk.{i}.attn_q", q, D, D ** -0.5
            yield f"blk.{i}.attn_k", kv, D, D ** -0.5
            yield f"blk.{i}.attn_v", kv, D, D ** -0.5
        yield f"blk.{i}.attn_output", D, q, q ** -0.5
        if arch != "phi3":
            yield f"blk.{i}.ffn_gate", FFN, D, D ** -0.5
        yield f"blk.{i}.ffn_up", 2 * FFN if arch == "phi3" else FFN, D, D ** -0.5
        yield f"blk.{i}.ffn_down", D, FFN, FFN ** -0.5


def vectors(arch, layers):
    """(name, length, mean) of every vector."""
    yield "output_norm.weight", D, 1
    for i in range(layers):
        yield f"blk.{i}.attn_norm.weight", D, 1
        yield f"blk.{i}.ffn_norm.weight", D, 1
        if arch == "qwen2":
            yield f"blk.{i}.attn_q.bias", HEADS * HEAD_DIM, 0
            yield f"blk.{i}.attn_k.bias", KV_HEADS * HEAD_DIM, 0
            yield f"blk.{i}.attn_v.bias", KV_HEADS * HEAD_DIM, 0
        if arch in ("qwen3", "gemma3"):
            yield f"blk.{i}.attn_q_norm.weight", HEAD_DIM, 1
            yield f"blk.{i}.attn_k_norm.weight", HEAD_DIM, 1
        if arch == "gemma3":
            yield f"blk.{i}.post_attention_norm.weight", D, 1
            yield f"blk.{i}.post_ffw_norm.weight", D, 1


def write(name, out, arch="llama", layers=None, seed=1, licence="apache-2.0", template=None):
    layers = layers or ARCHS[arch]
    writer = gguf.GGUFWriter(out, arch)
    settings(writer, arch, layers, licence, template)
    if arch in ("gemma3", "phi3"):
        spm_tokenizer(writer)
    else:
        bpe_tokenizer(writer, arch)
    rng = np.random.default_rng(seed)  # one stream, so every TYPE stores the same numbers
    for tensor, rows, columns, deviation in matrices(arch, layers):
        values = rng.standard_normal((rows, columns), np.float32) * np.float32(deviation)
        writer.add_tensor(tensor + ".weight", gguf_encode.encode(values, name),
                          raw_dtype=gguf.GGMLQuantizationType[name])
    for tensor, length, mean in vectors(arch, layers):
        writer.add_tensor(tensor, np.float32(mean) + np.float32(0.1) * rng.standard_normal(length, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("type", choices=gguf_encode.TYPES)
    parser.add_argument("out")
    parser.add_argument("--arch", choices=ARCHS, default="llama")
    parser.add_argument("--layers", type=int)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    write(args.type, args.out, args.arch, args.layers, args.seed)
