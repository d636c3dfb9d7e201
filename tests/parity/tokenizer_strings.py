# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Strings that tokenizers disagree about: every script, emoji, marks, spaces, digits, code, controls, special tokens."""
import random
import unicodedata

SENTENCES = [
    "The quick brown fox jumps over the lazy dog.", "Größe, Straße, Äpfel & Übermut – schön!", "C'est l'été à Paris ; n'est-ce pas ?",
    "El niño comió piñata en España… ¿verdad?", "Привет, как дела? Всё хорошо.", "Γειά σου Κόσμε, τι κάνεις;",
    "שלום עולם, מה שלומך?", "مرحبا بالعالم، كيف حالك؟ ١٢٣", "नमस्ते दुनिया, आप कैसे हैं? १२३", "வணக்கம் உலகம்",
    "สวัสดีชาวโลก วันนี้เป็นวันที่ดี", "こんにちは世界。カタカナとひらがな、漢字。", "你好，世界！今天天气怎么样？", "안녕하세요 세계, 잘 지내세요?",
    "Xin chào thế giới, tiếng Việt có dấu", "Witaj świecie, zażółć gęślą jaźń", "გამარჯობა მსოფლიო", "Բարեւ աշխարհ",
    "ሰላም ልዑል", "ជំរាបសួរ​ពិភពលោក", "ສະບາຍດີຊາວໂລກ", "မင်္ဂလာပါကမ္ဘာလောက", "བཀྲ་ཤིས་བདེ་ལེགས།", "ᐊᐃᓐᖓᐃ", "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ",
    "I'm you're he'll they've don't we'd IT'S YOU'RE WE'LL I'D 'ſ 'S 'Re", "x = y**2 + 3.14159e-10; // comment",
    "def f(x):\n    return [i for i in range(10) if i % 2 == 0]\n\n\nclass A:\n\tpass\n", "int main(void)\r\n{\r\n\treturn 0;\r\n}\r\n",
    "<html><body class=\"x\">&amp; text</body></html>", "{\"key\": [1, 2.5, null, true], \"ключ\": \"значение\"}",
    "SELECT * FROM t WHERE a<>b AND c!='d';", "https://example.com/path?q=1&r=%20#frag", "user@example.org +49 (0)30 123456-78",
    "CamelCaseIdentifier snake_case_identifier SCREAMING_CASE kebab-case-word", "3.14 1,000,000 0x1F 1e9 ½ ¼ Ⅷ ² ₃ ㊿ 𝟘𝟙 ٣٤ ௧௨",
    "♠♥♦♣ ∑∫√∞≠≤≥ ←↑→↓ ■□▲△ ─│┌┐ €£¥₹₿", "«quotes» „deutsch“ ‘single’ “double” ‹angle› 「corner」『white』", "a​b‌c‍d﻿e­f",
]
EMOJI = ["😀", "👍🏽", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪🇯🇵", "1️⃣", "👨🏿‍🚀", "❤️", "☺", "🫠", "🧑‍🤝‍🧑", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "⛹🏻‍♀️", "🤖", "©️"]
SPACES = [" ", "  ", "   ", "\t", "\n", "\r\n", "\n\n", "\n\n\n", "\r", "\x0b", "\x0c", "\x85", "\xa0", " ", " ", " ", " ",
          " ", " ", "　", "​", "᠎", " \n", "\n ", " \t ", "⠀", "   \n   ", "        ", "\t\t\t"]
MARKS = [chr(c) for c in (0x300, 0x301, 0x308, 0x327, 0x338, 0x5B0, 0x64B, 0x93C, 0x94D, 0xE31, 0x20D7, 0x3099, 0xFE0F, 0x1AB0)]
DIGITS = list("0123456789") + ["²", "½", "Ⅷ", "٣", "३", "௧", "๓", "𝟘", "㊿", "①", "〇", "十", "1234567", "007", "1,234.56"]


def assigned(first, last):
    """Characters that Unicode 14 assigns, which every library here knows."""
    return [chr(c) for c in range(first, last + 1) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]


BLOCKS = [block for block in (assigned(i * 0x80, i * 0x80 + 0x7F) for i in range(0x30000 // 0x80)) if block] + [
    assigned(0xE0000, 0xE01FF)]
CONTROLS = [chr(c) for c in list(range(0x20)) + list(range(0x7F, 0xA0))]


def piece(rng, specials):
    kind = rng.randrange(14)
    if kind == 0:
        return rng.choice(SENTENCES)
    if kind == 1:
        words = rng.choice(SENTENCES).split(" ")
        return " ".join(rng.choice(words) for _ in range(rng.randrange(1, 6)))
    if kind == 2:
        block = rng.choice(BLOCKS)
        return "".join(rng.choice(block) for _ in range(rng.randrange(1, 9)))
    if kind == 3:
        return "".join(rng.choice(rng.choice(BLOCKS)) for _ in range(rng.randrange(1, 6)))
    if kind == 4:
        return rng.choice(EMOJI)
    if kind == 5:
        return rng.choice(SPACES) * rng.choice([1, 1, 1, 2, 3, 17])
    if kind == 6:
        return "".join(rng.choice("aeiouAEIOUnç가カ") + "".join(rng.choice(MARKS) for _ in range(rng.randrange(1, 3)))
                       for _ in range(rng.randrange(1, 5)))
    if kind == 7:
        return "".join(rng.choice(DIGITS) for _ in range(rng.randrange(1, 8)))
    if kind == 8:
        return "".join(rng.choice(CONTROLS) for _ in range(rng.randrange(1, 4)))
    if kind == 9 and specials:
        return rng.choice(specials)
    if kind == 10:
        return rng.choice(["a", "=", "-", "0", "é", "中", " ", "\n", "▁", "ab", "'s", "😀", "。", "ก"]) * rng.randrange(2, 80)
    if kind == 11:
        return "".join(rng.choice("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") for _ in range(rng.randrange(1, 6)))
    if kind == 12:
        return rng.choice(["'s", "'T", "'re", "'VE", "'m", "'lL", "'d", "n't", "’s", "##ing", "▁word", "Ġword", "<0x41>"[:3]])
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ") for _ in range(rng.randrange(1, 30)))


def generate(n, seed, specials, without=None):
    """n strings; `without` has a character class of re that they must not use."""
    rng = random.Random(seed)
    texts = list(SENTENCES) + ["", " ", "  ", "\n", "\t", "a", "aaaa " * 300, "\n" * 500, " " * 700, "あ" * 400]
    while len(texts) < n:
        texts.append("".join(piece(rng, specials) for _ in range(rng.randrange(1, 7))))
    return [without.sub("", text) for text in texts[:n]] if without else texts[:n]


def every_character():
    """Each assigned character between letters, digits and signs: which class a pattern puts it in decides the words."""
    characters = [c for block in BLOCKS for c in block]
    return ["".join(f"{c}x{c}X1{c}-" for c in characters[i:i + 64]) for i in range(0, len(characters), 64)]
