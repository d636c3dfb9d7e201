# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Writes a model of tiny_hf.py as GGUF: other names, llama's q and k reordered, Gemma's norms with their one added."""
import math

import gguf
import numpy as np
from tiny_hf import SPECIALS, VOCAB, byte_letters

NAMES = {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output", "input_layernorm": "attn_norm",
         "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
         "self_attn.o_proj": "attn_output", "self_attn.qkv_proj": "attn_qkv", "self_attn.q_norm": "attn_q_norm",
         "self_attn.k_norm": "attn_k_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
         "mlp.gate_up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "post_attention_layernorm": "ffn_norm"}
GEMMA_NAMES = {**NAMES, "post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
               "post_feedforward_layernorm": "post_ffw_norm"}
ARCHS = {"mistral": "llama", "gemma3_text": "gemma3"}


def tensor_name(name, names):
    """model.layers.3.mlp.up_proj.weight → blk.3.ffn_up.weight"""
    parts = name.removeprefix("model.").split(".")
    prefix = ""
    if parts[0] == "layers":
        prefix, parts = f"blk.{parts[1]}.", parts[2:]
    return f"{prefix}{names['.'.join(parts[:-1])]}.{parts[-1]}"


def interleave(rows, heads):
    """Rows of heads whose pairs lie half a head apart, in the order in which they are neighbours."""
    rest = rows.shape[1:]
    return np.ascontiguousarray(rows.reshape(heads, 2, -1, *rest).swapaxes(1, 2)).reshape(rows.shape)


def llama3_divisors(rope, half):
    wavelengths = 2 * math.pi * rope["rope_theta"] ** (np.arange(half) / half)
    low = rope["original_max_position_embeddings"] / rope["low_freq_factor"]
    high = rope["original_max_position_embeddings"] / rope["high_freq_factor"]
    smooth = (rope["original_max_position_embeddings"] / wavelengths - rope["low_freq_factor"]) / (
        rope["high_freq_factor"] - rope["low_freq_factor"])
    blend = 1 / ((1 - smooth) / rope["factor"] + smooth)
    return np.where(wavelengths > low, rope["factor"], np.where(wavelengths < high, 1, blend)).astype(np.float32)


def write_rope(writer, config, arch, head_dim):
    rope = config.rope_parameters
    if arch == "gemma3":
        writer.add_float32("gemma3.rope.freq_base_swa", rope["sliding_attention"]["rope_theta"])
        rope = rope["full_attention"]
    half = int(head_dim * rope.get("partial_rotary_factor", 1)) // 2
    writer.add_rope_freq_base(rope["rope_theta"])
    writer.add_rope_dimension_count(2 * half)
    kind, factor = rope["rope_type"], rope.get("factor")
    if kind in ("linear", "yarn"):
        writer.add_rope_scaling_type(gguf.RopeScalingType(kind))
        writer.add_rope_scaling_factor(factor)
    if kind == "yarn":
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
        if "attention_factor" in rope:
            writer.add_rope_scaling_attn_factors(rope["attention_factor"] / (0.1 * math.log(factor) + 1))
    if kind == "llama3":
        writer.add_tensor("rope_freqs.weight", llama3_divisors(rope, half))
    if kind == "longrope":
        original = config.original_max_position_embeddings
        stretch = config.max_position_embeddings / original
        writer.add_rope_scaling_orig_ctx_len(original)
        writer.add_rope_scaling_attn_factors(math.sqrt(1 + math.log(stretch) / math.log(original)))
        writer.add_tensor("rope_factors_short.weight", np.array(rope["short_factor"], np.float32))
        writer.add_tensor("rope_factors_long.weight", np.array(rope["long_factor"], np.float32))


def write_tokenizer(writer):
    letters = byte_letters()
    unused = VOCAB - 256 - len(SPECIALS)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([letters[b] for b in range(256)] + SPECIALS + [f"<unused{i}>" for i in range(unused)])
    writer.add_token_types([1] * 256 + [3] * len(SPECIALS) + [5] * unused)
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(256)


def write_settings(writer, config, arch, head_dim):
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    if arch in ("gemma3", "phi3") and config.sliding_window:
        writer.add_sliding_window(config.sliding_window)
    for key, name in (("attn_logit_softcapping", "attn"), ("final_logit_softcapping", "final")):
        if getattr(config, key, None):
            writer.add_float32(f"{arch}.{name}_logit_softcapping", getattr(config, key))


def write(model, path):
    """Everything as F32, tied matrices once."""
    config = model.config
    arch = ARCHS.get(config.model_type, config.model_type)
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer = gguf.GGUFWriter(path, arch)
    write_settings(writer, config, arch, head_dim)
    write_rope(writer, config, arch, head_dim)
    write_tokenizer(writer)
    for name, parameter in model.named_parameters():
        values = parameter.detach().float().numpy().copy()
        if arch == "llama" and ("q_proj" in name or "k_proj" in name):
            values = interleave(values, config.num_attention_heads if "q_proj" in name else config.num_key_value_heads)
        if arch == "gemma3" and name.endswith("norm.weight"):
            values += 1
        writer.add_tensor(tensor_name(name, GEMMA_NAMES if arch == "gemma3" else NAMES), values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
