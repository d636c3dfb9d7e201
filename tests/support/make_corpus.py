#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""make_corpus.py OUT: writes the kept inputs of the fuzz targets below OUT (tests/corpus), the same bytes each time.

They are small and well-formed, and between them use every part of each format. What fuzzing finds beside them lies in
the same folders and is left alone.
"""
import json
import struct
import sys
from pathlib import Path

U8, I8, U16, I16, U32, I32, F32, BOOL, STR, ARRAY, U64, I64, F64 = range(13)
PACK = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "?", U64: "Q", I64: "q", F64: "d"}
NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE = range(1, 7)
TYPES = {  # number: elements and bytes per block
    0: (1, 4), 1: (1, 2), 30: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 10: (256, 84),
    11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 20: (32, 18), 23: (256, 136), 39: (32, 17),
}
SPACE = "\u2581"


def text(s):
    raw = s.encode()
    return struct.pack("<Q", len(raw)) + raw


def value(kind, v):
    if kind == STR:
        return text(v)
    if kind == ARRAY:
        element, items = v
        return struct.pack("<IQ", element, len(items)) + b"".join(value(element, i) for i in items)
    return struct.pack("<" + PACK[kind], v)


def gguf(keys, tensors=(), version=3, alignment=32):
    """keys: (key, type, value); tensors: (name, type, dims innermost first)."""
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(keys))
    for key, kind, v in keys:
        out += text(key) + struct.pack("<I", kind) + value(kind, v)
    offset = 0
    for name, kind, dims in tensors:
        out += text(name) + struct.pack(f"<I{len(dims)}Q", len(dims), *dims) + struct.pack("<IQ", kind, offset)
        n = 1
        for dim in dims:
            n *= dim
        block, size = TYPES[kind]
        offset += -(-(n // block * size) // alignment) * alignment
    if tensors:
        out += bytes(-len(out) % alignment) + bytes(i % 251 for i in range(offset))
    return out


def byte_letters():
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    table = {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(others)}
    return [table[b] for b in range(256)]


MERGES = [("\u0120", "t"), ("h", "e"), ("i", "n"), ("\u0120t", "he"), ("in", "g"), ("e", "r"), ("\u0120", "a")]
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
PIECES = ["t", "h", "e", SPACE, SPACE + "t", "he", SPACE + "the", "i", "n", "in", "g", "ing", "\u00e9", "a", "1", ".", "\n"]


def bpe_keys(pre):
    tokens = byte_letters() + [a + b for a, b in MERGES] + SPECIALS + ["<tool>"]
    kinds = [NORMAL] * (len(tokens) - 4) + [CONTROL] * 3 + [USER]
    return [
        ("tokenizer.ggml.model", STR, "gpt2"), ("tokenizer.ggml.pre", STR, pre),
        ("tokenizer.ggml.tokens", ARRAY, (STR, tokens)), ("tokenizer.ggml.token_type", ARRAY, (I32, kinds)),
        ("tokenizer.ggml.merges", ARRAY, (STR, [f"{a} {b}" for a, b in MERGES])),
        ("tokenizer.ggml.bos_token_id", U32, len(tokens) - 3), ("tokenizer.ggml.eos_token_id", U32, len(tokens) - 2),
        ("tokenizer.ggml.add_bos_token", BOOL, False),
    ]


def piece_keys(model, head, byte_pieces):
    tokens = [t for t, _ in head] + ([f"<0x{b:02X}>" for b in range(256)] if byte_pieces else []) + PIECES
    kinds = [k for _, k in head] + ([BYTE] * 256 if byte_pieces else []) + [NORMAL] * len(PIECES)
    scores = [-float(i) for i in range(len(tokens))]
    return [
        ("tokenizer.ggml.model", STR, model), ("tokenizer.ggml.pre", STR, "default"),
        ("tokenizer.ggml.tokens", ARRAY, (STR, tokens)), ("tokenizer.ggml.scores", ARRAY, (F32, scores)),
        ("tokenizer.ggml.token_type", ARRAY, (I32, kinds)), ("tokenizer.ggml.bos_token_id", U32, 1),
        ("tokenizer.ggml.eos_token_id", U32, 2), ("tokenizer.ggml.unknown_token_id", U32, 0),
        ("tokenizer.ggml.add_bos_token", BOOL, True), ("tokenizer.ggml.add_eos_token", BOOL, False),
        ("tokenizer.ggml.add_space_prefix", BOOL, True),
    ]


def gguf_files():
    yield "kinds.gguf", gguf([
        ("u8", U8, 1), ("i8", I8, -1), ("u16", U16, 2), ("i16", I16, -2), ("u32", U32, 3), ("i32", I32, -3),
        ("f32", F32, 0.5), ("yes", BOOL, True), ("text", STR, "a text"), ("u64", U64, 4), ("i64", I64, -4),
        ("f64", F64, 0.25), ("words", ARRAY, (STR, ["one", "", "three"])), ("bools", ARRAY, (BOOL, [True, False])),
        ("floats", ARRAY, (F32, [1.0, 2.0])), ("nested", ARRAY, (ARRAY, [(STR, ["x"]), (U8, [1, 2])])),
        ("empty", ARRAY, (I32, [])), ("general.alignment", U32, 64),
    ], [("a.weight", 0, [4, 2]), ("b.weight", 8, [32, 1, 2])], alignment=64)
    yield "types.gguf", gguf([("general.architecture", STR, "llama")],
                             [(f"t{kind}", kind, [TYPES[kind][0]]) for kind in TYPES], version=2)
    yield "split.gguf", gguf([("split.no", U16, 0), ("split.count", U16, 1), ("split.tensors.count", I32, 1)],
                             [("a.weight", 1, [4])])
    settings = [("general.architecture", STR, "llama"), ("general.name", STR, "tiny"), ("llama.block_count", U32, 1),
                ("llama.rope.freq_base", F32, 1e4), ("tokenizer.chat_template", STR, "{{ messages[0].content }}")]
    for pre in ("smollm", "qwen2", "llama-bpe", "gpt-2"):
        yield f"bpe-{pre}.gguf", gguf(settings + bpe_keys(pre), [("token_embd.weight", 0, [2, 3])])
    head = [("<unk>", UNKNOWN), ("<s>", CONTROL), ("</s>", CONTROL)]
    yield "spm.gguf", gguf(piece_keys("llama", head, True))
    charsmap = struct.pack("<I", 8) + struct.pack("<II", 0, 0) + b"x\0"
    yield "unigram.gguf", gguf(piece_keys("t5", head, False) + [
        ("tokenizer.ggml.remove_extra_whitespaces", BOOL, True),
        ("tokenizer.ggml.precompiled_charsmap", ARRAY, (U8, list(charsmap)))])
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] + [SPACE + w for w in ("the", "h", "1")] + ["##i", "i", "ing", "."]
    yield "wordpiece.gguf", gguf([
        ("tokenizer.ggml.model", STR, "bert"), ("tokenizer.ggml.tokens", ARRAY, (STR, words)),
        ("tokenizer.ggml.token_type", ARRAY, (I32, [CONTROL] * 4 + [NORMAL] * (len(words) - 4))),
        ("tokenizer.ggml.unknown_token_id", U32, 1), ("tokenizer.ggml.cls_token_id", U32, 2),
        ("tokenizer.ggml.bos_token_id", U32, 2), ("tokenizer.ggml.seperator_token_id", U32, 3),
        ("tokenizer.ggml.padding_token_id", U32, 0)])


def safetensors(header, n):
    raw = json.dumps(header, separators=(",", ":")).encode()
    raw += b" " * (-len(raw) % 8)
    return struct.pack("<Q", len(raw)) + raw + bytes(i % 251 for i in range(n))


def safetensors_files():
    bits = {"F64": 64, "F32": 32, "F16": 16, "BF16": 16, "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U64": 64, "U32": 32,
            "U16": 16, "U8": 8, "BOOL": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F4": 4, "C64": 64}
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for dtype, width in bits.items():
        header[f"layer.{dtype}"] = {"dtype": dtype, "shape": [2, 2], "data_offsets": [at, at + width // 2]}
        at += width // 2
    yield "dtypes.safetensors", safetensors(header, at)
    yield "empty.safetensors", safetensors({}, 0)
    yield "shapes.safetensors", safetensors({
        "scalar": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]},
        "none": {"dtype": "F16", "shape": [3, 0], "data_offsets": [4, 4]},
        "deep": {"dtype": "BF16", "shape": [1, 2, 1, 2, 1, 1, 1, 1], "data_offsets": [4, 12]}}, 12)
    yield "index.json", json.dumps({"metadata": {"total_size": 8}, "weight_map": {
        "a": "1.safetensors", "b": "2.safetensors"}}).encode()


def added(first, names):
    return [{"id": first + i, "content": name, "single_word": False, "lstrip": False, "rstrip": i == 1,
             "normalized": False, "special": i != 2} for i, name in enumerate(names)]


def tokenizer_files():
    split = {"type": "Split", "pattern": {"Regex": r"'(?i:[sdmt])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|\s+(?!\S)|\s+|."},
             "behavior": "Isolated", "invert": False}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    plain = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
             "pre_tokenizer": None, "post_processor": None, "decoder": None}
    letters = byte_letters() + [a + b for a, b in MERGES]
    bpe = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "", "end_of_word_suffix": "",
           "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
           "vocab": {t: i for i, t in enumerate(letters)}, "merges": [f"{a} {b}" for a, b in MERGES]}
    template = {"type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": SPECIALS[0], "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {SPECIALS[0]: {"id": SPECIALS[0], "ids": [len(letters)], "tokens": [SPECIALS[0]]}}}
    yield "qwen.json", {**plain, "added_tokens": added(len(letters), SPECIALS), "normalizer": {"type": "NFC"},
                        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, level]},
                        "post_processor": level, "decoder": level, "model": bpe}
    yield "llama3.json", {**plain, "added_tokens": added(len(letters), SPECIALS),
                          "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, level]},
                          "post_processor": {"type": "Sequence", "processors": [level, template]}, "decoder": level,
                          "model": {**bpe, "ignore_merges": True, "merges": [list(m) for m in MERGES]}}
    head = ["<unk>", "<s>", "</s>"]
    pieces = head + [f"<0x{b:02X}>" for b in range(256)] + PIECES
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}
    decoders = [{"type": "Replace", "pattern": {"String": SPACE}, "content": " "}, {"type": "ByteFallback"},
                {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]
    yield "llama2.json", {**plain, "added_tokens": added(0, head),
                          "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": SPACE}, replace]},
                          "decoder": {"type": "Sequence", "decoders": decoders},
                          "model": {**bpe, "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True,
                                    "vocab": {t: i for i, t in enumerate(pieces)},
                                    "merges": ["h e", f"{SPACE} t", f"{SPACE}t he", "i n", "in g"]}}
    meta = {"type": "Metaspace", "replacement": SPACE, "add_prefix_space": True, "prepend_scheme": "always", "split": True}
    yield "unigram.json", {**plain, "added_tokens": added(0, head),
                           "normalizer": {"type": "Sequence", "normalizers": [
                               {"type": "NFKC"}, {"type": "Strip", "strip_left": False, "strip_right": True},
                               {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": SPACE}, {"type": "Lowercase"}]},
                           "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, meta]},
                           "decoder": meta,
                           "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": False,
                                     "vocab": [[t, -float(i)] for i, t in enumerate(head + PIECES)]}}
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "h", "##i", "##ing", "1", ".", "th", "##e"]
    yield "bert.json", {**plain, "added_tokens": added(0, words[:5]),
                        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                                       "strip_accents": None, "lowercase": True},
                        "pre_tokenizer": {"type": "BertPreTokenizer"},
                        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
                        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
                        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                                  "max_input_chars_per_word": 100, "vocab": {t: i for i, t in enumerate(words)}}}


TEMPLATES = {
    "chatml": "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' "
              "+ '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
    "checks": "{{- bos_token }}{%- if messages[0].role == 'system' %}{%- set system = messages[0].content | trim %}"
              "{%- set rest = messages[1:] %}{%- else %}{%- set rest = messages %}{%- endif %}"
              "{%- for m in rest %}{%- if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
              "{{- raise_exception('Roles must alternate') }}{%- endif %}{{ loop.index }}:{{ m['content'] | trim }}"
              "{%- if not loop.last %}{{ '\\n' }}{%- endif %}{%- endfor %}",
    "tools": "{%- if tools is defined and tools %}{%- for tool in tools %}{{ tool | tojson(indent=2) }}{%- endfor %}{%- endif %}"
             "{%- macro show(x, sep=', ') -%}{%- if x is mapping %}{% for k, v in x.items() %}{{ k ~ '=' ~ v }}{{ sep if not "
             "loop.last }}{% endfor %}{%- elif x is string %}{{ x | upper }}{%- else %}{{ x | string | replace('1', 'one') }}"
             "{%- endif %}{%- endmacro %}{{ show(messages[0]) }}{{ show(12) }}",
    "scopes": "{%- set ns = namespace(found=false, n=0) %}{%- for m in messages[::-1] %}{%- set ns.n = ns.n + 1 %}"
              "{%- if m.content is not none and 'i' in m.content %}{%- set ns.found = true %}{%- break %}{%- endif %}"
              "{%- endfor %}{{ ns.found }} {{ ns.n ** 2 // 3 - -1 }} {{ [1, 2.5, 'x', none, true] | join('-') }} "
              "{{ {'a': 1, 'b': [2]} | items | list | length }} {{ range(3) | map('string') | join }} "
              "{{ 'a b'.split(' ')[-1].startswith('b') and not false or undefined_name is defined }}",
    "filters": "{# a comment #}{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | first | default"
               "('none', true) | capitalize }}{% filter upper %}shout{% endfilter %}{% raw %}{{ raw }}{% endraw %}"
               "{% call(x) wrap('a') %}{{ x }}{% endcall %}{{ '%s is %d' % ('a', 1) }}{{ strftime_now('%Y') }}",
}


def chat_files():
    for name, source in TEMPLATES.items():
        yield name + ".jinja", source.encode()


def main():
    out = Path(sys.argv[1])
    groups = {"gguf": gguf_files(), "safetensors": safetensors_files(), "chat": chat_files(),
              "tokenizer": ((name, json.dumps(spec, ensure_ascii=False, separators=(",", ":")).encode())
                            for name, spec in tokenizer_files())}
    for group, files in groups.items():
        (out / group).mkdir(parents=True, exist_ok=True)
        for name, data in files:
            (out / group / name).write_bytes(data)


if __name__ == "__main__":
    main()
