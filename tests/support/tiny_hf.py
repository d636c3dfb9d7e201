# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Tiny random models of every architecture, made with transformers: the reference that logits are compared with.

CASES names them; each row is one thing that an implementation can get wrong. The weights are drawn so that it shows:
scores of attention that differ, norms and biases that are not the neutral ones.
"""
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import torch  # noqa: E402
import transformers  # noqa: E402
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS  # noqa: E402

VOCAB, TEXT = 291, 150
PLAIN = {"hidden_size": 96, "intermediate_size": 160, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 2, "head_dim": 32, "vocab_size": VOCAB, "max_position_embeddings": 512,
         "bos_token_id": 257, "eos_token_id": 256, "pad_token_id": 258}
LLAMA3 = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 64}
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 64}
LINEAR = {"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0}


def longrope(pairs, theta=10000.0):
    return {"rope_type": "longrope", "rope_theta": theta, "short_factor": [1 + 0.05 * i for i in range(pairs)],
            "long_factor": [1 + 0.5 * i for i in range(pairs)], "original_max_position_embeddings": 128}


def global_rope(**parameters):
    return {"full_attention": {"rope_theta": 1e6, **parameters},
            "sliding_attention": {"rope_theta": 1e4, "rope_type": "default"}}


PHI = {"head_dim": None, "hidden_size": 128}
GEMMA = {"num_hidden_layers": 6, "sliding_window": 16, "query_pre_attn_scalar": 32}
# name → (model_type, what differs from PLAIN)
CASES = {
    "llama": ("llama", {}),
    "llama, one KV head": ("llama", {"num_attention_heads": 6, "num_key_value_heads": 1}),
    "llama, a KV head each": ("llama", {"num_attention_heads": 5, "num_key_value_heads": 5, "head_dim": 16,
                                        "hidden_size": 80}),
    "llama, heads of 8": ("llama", {"head_dim": 8}),
    "llama, heads of 24": ("llama", {"head_dim": 24, "num_attention_heads": 9, "num_key_value_heads": 3,
                                     "hidden_size": 72}),
    "llama, heads of 80": ("llama", {"head_dim": 80, "hidden_size": 72}),
    "llama, odd sizes": ("llama", {"hidden_size": 68, "intermediate_size": 99, "head_dim": 10, "num_hidden_layers": 3}),
    "llama, head width not stated": ("llama", {"head_dim": None}),
    "llama, tied": ("llama", {"tie_word_embeddings": True}),
    "llama, attention biases": ("llama", {"attention_bias": True}),
    "llama, all biases": ("llama", {"attention_bias": True, "mlp_bias": True}),
    "llama, theta": ("llama", {"rope_parameters": {"rope_type": "default", "rope_theta": 500000.0}}),
    "llama, linear": ("llama", {"rope_parameters": LINEAR}),
    "llama, llama3": ("llama", {"rope_parameters": LLAMA3}),
    "llama, yarn": ("llama", {"rope_parameters": YARN}),
    "llama, yarn with all settings": ("llama", {"rope_parameters": {
        **YARN, "beta_fast": 16.0, "beta_slow": 2.0, "mscale": 1.0, "mscale_all_dim": 0.5, "truncate": False}}),
    "llama, yarn with a factor": ("llama", {"rope_parameters": {**YARN, "attention_factor": 1.3}}),
    "llama, epsilon": ("llama", {"rms_norm_eps": 1e-2}),
    "mistral": ("mistral", {"sliding_window": None}),
    "mistral, window": ("mistral", {"sliding_window": 16}),
    "mistral, window of a block": ("mistral", {"sliding_window": 32, "head_dim": 24}),
    "mistral, window of one": ("mistral", {"sliding_window": 1}),
    "qwen2": ("qwen2", {"head_dim": None}),
    "qwen2, tied": ("qwen2", {"head_dim": None, "tie_word_embeddings": True, "num_attention_heads": 6}),
    "qwen2, yarn": ("qwen2", {"head_dim": None, "rope_parameters": YARN}),
    "qwen2, window": ("qwen2", {"head_dim": None, "use_sliding_window": True, "sliding_window": 16,
                                "max_window_layers": 1, "num_hidden_layers": 3}),
    "qwen3": ("qwen3", {}),
    "qwen3, wide heads, tied": ("qwen3", {"head_dim": 64, "tie_word_embeddings": True}),
    "qwen3, biases": ("qwen3", {"attention_bias": True}),
    "qwen3, yarn": ("qwen3", {"rope_parameters": YARN}),
    "gemma3": ("gemma3_text", GEMMA),
    "gemma3, layer types": ("gemma3_text", {**GEMMA, "layer_types": ["full_attention", "sliding_attention",
                                            "sliding_attention", "full_attention", "full_attention",
                                            "sliding_attention"]}),
    "gemma3, scalar": ("gemma3_text", {**GEMMA, "query_pre_attn_scalar": 11}),
    "gemma3, softcaps": ("gemma3_text", {**GEMMA, "attn_logit_softcapping": 2.0, "final_logit_softcapping": 3.0}),
    "gemma3, linear": ("gemma3_text", {**GEMMA, "rope_parameters": global_rope(rope_type="linear", factor=8.0)}),
    "gemma3, theta": ("gemma3_text", {**GEMMA, "rope_parameters": {
        "full_attention": {"rope_theta": 2e5, "rope_type": "default"},
        "sliding_attention": {"rope_theta": 2e3, "rope_type": "default"}}}),
    "gemma3, one KV head": ("gemma3_text", {**GEMMA, "num_key_value_heads": 1, "head_dim": 40,
                                            "query_pre_attn_scalar": 40}),
    "phi3": ("phi3", PHI),
    "phi3, window": ("phi3", {**PHI, "sliding_window": 20}),
    "phi3, partial": ("phi3", {**PHI, "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0,
                                                         "partial_rotary_factor": 0.75}}),
    "phi3, longrope": ("phi3", {**PHI, "original_max_position_embeddings": 128, "rope_parameters": longrope(16)}),
    "phi3, longrope, partial": ("phi3", {**PHI, "original_max_position_embeddings": 128, "rope_parameters": {
        **longrope(8), "partial_rotary_factor": 0.5}}),
    "phi3, tied": ("phi3", {**PHI, "tie_word_embeddings": True}),
}

# What a GGUF file has no words for, so that its form is not compared.
NOT_IN_GGUF = ["llama, yarn with all settings", "mistral, window", "mistral, window of a block", "mistral, window of one",
               "qwen2, window", "gemma3, layer types", "gemma3, scalar"]


def draw(name, tensor, generator):
    """Random values for one parameter, in place."""
    tensor.normal_(generator=generator)
    if tensor.dim() == 2:
        gain = 1.0 if "embed" in name else 2.0 if "q_proj" in name or "lm_head" in name else 1.2
        tensor.mul_(gain / tensor.shape[1] ** 0.5)
        if "embed" in name:
            tensor.mul_(4)
    else:
        tensor.mul_(0.2)
        if "norm" in name and "Gemma" not in name:
            tensor.add_(1)


def as_stated(module, query, key, value, mask, **settings):
    """transformers' own attention in its plain form, with the cap on scores that Gemma's configuration states (the
    package's Gemma 3 reads it and leaves it out)."""
    eager = sys.modules[type(module).__module__].eager_attention_forward
    cap = getattr(module, "attn_logit_softcapping", None)
    if cap:
        settings["softcap"] = cap
    return eager(module, query, key, value, mask, **settings)


transformers.AttentionInterface.register("as_stated", as_stated)
transformers.AttentionMaskInterface.register("as_stated", ALL_MASK_ATTENTION_FUNCTIONS["eager"])


def make(case, seed=1):
    """The model of a case, with weights that the case's name and the seed decide."""
    model_type, changes = CASES[case]
    settings = {k: v for k, v in {**PLAIN, **changes}.items() if v is not None or k == "sliding_window"}
    config = transformers.AutoConfig.for_model(model_type, **settings)
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="as_stated", dtype=torch.float32)
    generator = torch.Generator().manual_seed(seed)
    prefix = "Gemma" if model_type.startswith("gemma") else ""
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            draw(prefix + name, tensor, generator)
    return model.eval()


def text(n=TEXT, seed=1):
    return torch.randint(0, VOCAB, (n,), generator=torch.Generator().manual_seed(seed)).tolist()


def logits(model, ids):
    """[T, V]"""
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].float().numpy()


def byte_letters():
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    return {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(others)}


SPECIALS = ["<|end|>", "<|start|>", "<|pad|>"]


def tokenizer():
    """tokenizer.json of a byte-level BPE: the bytes and three control tokens."""
    letters = byte_letters()
    vocab = {letters[b]: b for b in range(256)}
    added = [{"id": 256 + i, "content": text, "single_word": False, "lstrip": False, "rstrip": False,
              "normalized": False, "special": True} for i, text in enumerate(SPECIALS)]
    split = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
            "pre_tokenizer": split, "post_processor": None, "decoder": split,
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                      "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                      "vocab": vocab, "merges": []}}


def save(model, folder, dtype=None, shard=None):
    """An HF folder of the model. A dtype rounds the weights, of the model too."""
    options = {"max_shard_size": shard} if shard else {}
    if dtype:
        with torch.no_grad():
            for tensor in model.parameters():
                tensor.copy_(tensor.to(dtype))
        options["state_dict"] = {name: tensor.to(dtype) for name, tensor in model.state_dict().items()}
    model.save_pretrained(folder, **options)
    (Path(folder) / "tokenizer.json").write_text(json.dumps(tokenizer()))


def edit_config(folder, change):
    """Lets change(config) alter config.json."""
    path = Path(folder) / "config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))


def old_layout(config):
    """The settings of rope as transformers 4 wrote them."""
    rope = config.pop("rope_parameters")
    if "full_attention" in rope:
        config["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
        rope = rope["full_attention"]
    config["rope_theta"] = rope.pop("rope_theta")
    if "partial_rotary_factor" in rope:
        config["partial_rotary_factor"] = rope.pop("partial_rotary_factor")
    config["rope_scaling"] = None if rope["rope_type"] == "default" else rope
    if rope["rope_type"] in ("linear", "longrope"):  # the oldest spelling
        rope["type"] = rope.pop("rope_type")
