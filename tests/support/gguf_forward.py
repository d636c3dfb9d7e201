# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""A forward pass over a GGUF file in numpy, to compare Mica with: plain, a whole matrix at a time.

Weights are dequantised by the package gguf. With int8 = True the input of every product with a quantised matrix is
rounded as Mica rounds it (blocks of 32, scale = largest / 127), and with half_cache = True keys and values become
f16; so what these two roundings do to a result can be told from a mistake. Scaled rotary embeddings are not read.
"""
import numpy as np
from gguf import GGUFReader, GGMLQuantizationType, dequantize

FLOATS = (GGMLQuantizationType.F32, GGMLQuantizationType.F16, GGMLQuantizationType.BF16)
BLOCK, ROWS = 32, 16384


def round_int8(x):
    """x:[..., K] as blocks of 8-bit codes store it."""
    blocks = x.reshape(*x.shape[:-1], -1, BLOCK)
    largest = np.abs(blocks).max(-1, keepdims=True)
    inverse = np.divide(np.float32(127), largest, out=np.zeros_like(largest), where=largest > 0)
    return (np.rint(blocks * inverse) * (largest / np.float32(127))).reshape(x.shape)


class Model:
    def __init__(self, path, int8=False, half_cache=False):
        reader = GGUFReader(path)
        self.tensors = {t.name: t for t in reader.tensors}
        self.fields = reader.fields
        self.arch = self.fields["general.architecture"].contents()
        self.int8, self.half_cache = int8, half_cache
        self.n_layers, self.width = self.get("block_count"), self.get("embedding_length")
        self.heads, self.kv_heads = self.get("attention.head_count"), self.get("attention.head_count_kv")
        self.head_dim = self.get("attention.key_length", self.width // self.heads)
        self.eps = self.get("attention.layer_norm_rms_epsilon")
        self.gemma = self.arch == "gemma3"
        self.window = self.get("attention.sliding_window", 0) if self.arch in ("gemma3", "phi3") else 0

    def get(self, key, default=None):
        field = self.fields.get(f"{self.arch}.{key}")
        return default if field is None else field.contents()

    def weight(self, name, rows=slice(None)):
        tensor = self.tensors[name]
        return np.asarray(dequantize(tensor.data[rows], tensor.tensor_type), np.float32)

    def linear(self, x, name, rows=slice(None)):
        tensor = self.tensors[name + ".weight"]
        if self.int8 and tensor.tensor_type not in FLOATS:
            x = round_int8(x)
        first, last, _ = rows.indices(int(tensor.shape[-1]))
        parts = [x @ self.weight(name + ".weight", slice(at, min(at + ROWS, last))).T for at in range(first, last, ROWS)]
        y = np.concatenate(parts, -1)
        return y + self.weight(name + ".bias")[rows] if name + ".bias" in self.tensors else y

    def norm(self, x, name):
        scale = np.sqrt(np.mean(np.square(x, dtype=np.float64), -1, keepdims=True) + self.eps)
        return (x / scale).astype(np.float32) * self.weight(name + ".weight")

    def rope(self, x, base):
        rotated = self.get("rope.dimension_count", self.head_dim)
        half = rotated // 2
        angles = np.arange(len(x))[:, None] * base ** (-np.arange(half) / half)
        cos, sin = np.cos(angles)[:, None].astype(np.float32), np.sin(angles)[:, None].astype(np.float32)
        out = x.copy()
        if self.arch == "llama":
            first, second = slice(0, rotated, 2), slice(1, rotated, 2)
        else:
            first, second = slice(0, half), slice(half, rotated)
        out[..., first] = x[..., first] * cos - x[..., second] * sin
        out[..., second] = x[..., second] * cos + x[..., first] * sin
        return out

    def project(self, h, prefix):
        """q, k, v of [T, heads, head_dim]"""
        q, kv = self.heads * self.head_dim, self.kv_heads * self.head_dim
        if prefix + "attn_qkv.weight" in self.tensors:
            parts = np.split(self.linear(h, prefix + "attn_qkv"), [q, q + kv], -1)
        else:
            parts = [self.linear(h, prefix + name) for name in ("attn_q", "attn_k", "attn_v")]
        parts = [part.reshape(len(h), -1, self.head_dim) for part in parts]
        for i, name in enumerate(("attn_q_norm", "attn_k_norm")):
            if f"{prefix}{name}.weight" in self.tensors:
                parts[i] = self.norm(parts[i], prefix + name)
        return parts

    def attention(self, h, layer):
        prefix, n = f"blk.{layer}.", len(h)
        is_local = not self.gemma or (layer + 1) % 6 != 0
        base = self.get("rope.freq_base_swa", 1e4) if self.gemma and is_local else self.get("rope.freq_base", 1e4)
        q, k, v = self.project(h, prefix)
        q, k = self.rope(q, base), self.rope(k, base)
        if self.half_cache:
            k, v = k.astype(np.float16).astype(np.float32), v.astype(np.float16).astype(np.float32)
        k, v = (np.repeat(x, self.heads // self.kv_heads, 1) for x in (k, v))
        scores = np.einsum("ihd,jhd->hij", q, k) / np.float32(self.head_dim ** 0.5)
        behind = np.arange(n)[:, None] - np.arange(n)
        hidden = (behind < 0) | ((behind >= self.window) if self.window and is_local else False)
        scores = np.where(hidden, -np.inf, scores)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        return self.linear(np.einsum("hij,jhd->ihd", scores, v).reshape(n, -1), prefix + "attn_output")

    def feed_forward(self, h, layer):
        prefix = f"blk.{layer}."
        if self.arch == "phi3":
            gate, up = np.split(self.linear(h, prefix + "ffn_up"), 2, -1)
        else:
            gate, up = self.linear(h, prefix + "ffn_gate"), self.linear(h, prefix + "ffn_up")
        if self.gemma:
            gate = 0.5 * gate * (1 + np.tanh(np.sqrt(2 / np.pi) * (gate + 0.044715 * gate ** 3)))
        else:
            gate = gate / (1 + np.exp(-gate))
        return self.linear((gate * up).astype(np.float32), prefix + "ffn_down")

    def logits(self, ids):
        """[T, V]"""
        rows = self.tensors["token_embd.weight"]
        x = np.asarray(dequantize(rows.data[np.array(ids)], rows.tensor_type), np.float32)
        x = x * np.float32(self.width ** 0.5) if self.gemma else x
        for layer in range(self.n_layers):
            prefix = f"blk.{layer}."
            h = self.attention(self.norm(x, prefix + "attn_norm"), layer)
            x = x + (self.norm(h, prefix + "post_attention_norm") if self.gemma else h)
            h = self.feed_forward(self.norm(x, prefix + "ffn_norm"), layer)
            x = x + (self.norm(h, prefix + "post_ffw_norm") if self.gemma else h)
        return self.linear(self.norm(x, "output_norm"), "output" if "output.weight" in self.tensors else "token_embd")


def nll(logits, ids):
    """Mean negative log-likelihood of the tokens after the first."""
    wide = logits[:-1].astype(np.float64)
    top = wide.max(-1, keepdims=True)
    log_sum = np.log(np.exp(wide - top).sum(-1)) + top[:, 0]
    return float(np.mean(log_sum - wide[np.arange(len(ids) - 1), ids[1:]]))
