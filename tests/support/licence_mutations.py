# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Ways to change what a licence text says: each takes a random source and the text, and gives the changed text or
None when the text has no place for it. None of the results may be called clean."""
import re

CLAUSES = [
    "This software may be used for non-commercial purposes only.", "You may not use this software for military purposes.",
    "If you have more than 700 million monthly active users, you must request a license from the author.",
    "Use in the European Union is prohibited.", "You shall indemnify the authors against any claim.",
    "Commercial use requires a separate license.", "No weapons.", "For research use only.", "Not for production use.",
    "The outputs may not be used to train other models.", "You must display the name of the author.",
    "Only academic institutions may use this.", "All derivatives must be reported to the licensor.",
    "The licensor may terminate this license at any time.", "Excluding Russia and Belarus.", "Noncommercial.",
    "Personal use only", "Free for evaluation", "Patent claims excluded", "Users earning over $1000000 must pay",
    "Redistribution is subject to prior written consent of Acme Inc."]
WORDS = [("may", "must"), ("may not", "may"), ("and", "or"), ("or", "and"), ("any", "no"), ("without", "with"),
         ("shall", "may"), ("must", "may"), ("not", ""), ("is", "is not"), ("are", "are not"), ("may", "may not"),
         ("provided", "unless"), ("all", "some"), ("granted", "denied"), ("use", "non-commercial use"),
         ("distribute", "sell"), ("free", "paid"), ("perpetual", "temporary"), ("irrevocable", "revocable"),
         ("worldwide", "domestic"), ("royalty-free", "royalty-bearing"), ("commercial", "private"), ("conditions", "wishes")]
INSERTED = ["not", "non-", "only", "except", "commercially", "never", "no", "always", "must", "unless", "noncommercially",
            "in research", "within Germany", "for evaluation", "subject to payment", "until 2030", "internally"]
LOOKALIKES = str.maketrans("aeopcx", "аеорсх")
INVISIBLE = "\u200b\u200d\u2060\u00ad\u202e\ufeff"
# Lines that state a copyright, and the first line: years, names and titles are free there, within bounds.
STATEMENT = re.compile(r"(?im)\A.*$|^.*(copyright|\(c\)|©).*(\d{4}|<|\[|year|inc\b|reserved).*$|^.*\S@\S.*$|<[^>]{3,80}>")
SENTENCE = re.compile(r"(?<=[.;:]\s)[^.;:]{20,}?[.;:](?=\s|$)")


def outside_statements(text, found):
    """Not on a line that states a copyright: years and names there are free."""
    spans = [m.span() for m in STATEMENT.finditer(text)]
    return [m for m in found if not any(a <= m.end() and m.start() < b for a, b in spans)]


def words(text):
    """Words of letters, not on copyright lines, not in capitals or brackets alone (those may be names)."""
    return outside_statements(text, [m for m in re.finditer(r"\S+", text) if re.search(r"[a-z]{2}", m.group()) and
                                     not re.fullmatch(r"\W*[ivxIVX]+\W*", m.group()) and not re.search(r"[<>\[\]{}]", m.group())])


def sentences(text):
    return [m for m in outside_statements(text, SENTENCE.finditer(text)) if len(re.findall(r"[a-z]{3,}", m.group())) > 3]


def clause_behind_sentence(rng, text):
    at = rng.choice([m.end() for m in re.finditer(r"[.;:](?=\s)", text)] + [len(text)])
    return text[:at] + " " + rng.choice(CLAUSES) + text[at:]


def clause_at_begin(rng, text):
    return rng.choice(CLAUSES) + rng.choice(["\n\n", " ", "\n"]) + text


def clause_at_end(rng, text):
    return text.rstrip() + rng.choice(["\n\n", " ", "\n"]) + rng.choice(CLAUSES)


def clause_in_title(rng, text):
    lines, clause = text.split("\n"), rng.choice(CLAUSES)
    i = rng.randrange(min(3, len(lines)))
    lines[i] = rng.choice([f"{lines[i]} - {clause}", f"{lines[i]} ({clause.rstrip('.')})", f"{clause} {lines[i]}"])
    return "\n".join(lines)


def clause_in_copyright(rng, text):
    clause = rng.choice(CLAUSES)
    line = rng.choice([f"Copyright (c) 2020 Acme Inc. {clause}", f"Copyright 2020 {clause}", f"(c) 2020 Acme, {clause}",
                       f"Copyright (c) {clause}", f"Copyright (c) 2020 Acme. All rights reserved. {clause}",
                       f"Copyright (c) 2020 Acme\n{clause}", f"Copyright 2021 {clause.title()}",
                       f"Copyright 2021 Acme {clause.upper()}", f"Copyright (c) 2020 Acme <{clause}>"])
    return rng.choice([f"{line}\n\n{text}", f"{text}\n\n{line}", f"{line}\n{text}"])


FOREIGN = ["Tylko do użytku niekomercyjnego", "Pouze pro nekomerční použití", "Endast för icke-kommersiellt bruk",
           "Ticari kullanım yasaktır", "Hanya untuk penggunaan nonkomersial", "Vain ei-kaupalliseen käyttöön",
           "Kun til ikke-kommerciel brug", "Kereskedelmi felhasználás tilos", "Numai pentru uz necomercial",
           "Samo za nekomercijalnu uporabu", "Gewerbliche Nutzung kostenpflichtig", "Usage commercial interdit",
           "Uso comercial prohibido", "Ainult mitteäriliseks kasutamiseks", "Usus mercatorius vetitus", "Bruk i EU forbudt",
           "Zakaz użytku wojskowego", "Askeri kullanım yasaktır", "Kasutamine sõjaväes keelatud", "Uso bélico vedado",
           "Bonvolu pagi al ni antaŭ ol vi uzas tion", "仅供非商业使用", "Только для некоммерческого использования"]


def clause_in_another_language(rng, text):
    clause = rng.choice(FOREIGN)
    # A language that nothing is known of: small letters and length tell a clause from a name, but not in an address.
    is_known = clause in FOREIGN[:-3]
    clause = rng.choice([clause, clause.lower()] + [clause.title(), clause.upper()] * is_known)
    line = rng.choice([f"Copyright (c) 2020 Acme. {clause}", f"Copyright (c) 2019-2023 {clause}", f"(c) 2020 {clause}",
                       *[f"Copyright (c) 2020 Acme <{clause.replace(' ', '-')}@acme.org>",
                         f"Copyright (c) 2020 Acme (https://acme.org/{clause.replace(' ', '/')})"] * is_known])
    return rng.choice([f"{line}\n\n{text}", f"{text}\n\n{line}", clause_for_name(rng, text, clause)])


def clause_for_name(rng, text, clause):
    found = list(re.finditer(r"(?i)(the copyright holders?|<[^>]{3,40}>|\[[^\]]{3,40}\])", text))
    if not found:
        return None
    m = rng.choice(found)
    return text[:m.start()] + clause + text[m.end():]


def clause_in_place_of_name(rng, text):
    found = list(re.finditer(r"(?i)(the copyright holders?|the authors?|<[^>]{3,40}>|\[[^\]]{3,40}\]|the regents)", text))
    if not found:
        return None
    m, clause = rng.choice(found), rng.choice(CLAUSES)
    return text[:m.end()] + " " + rng.choice([clause, clause.upper(), clause.title(), clause.rstrip(".")]) + text[m.end():]


def clause_in_comment(rng, text):
    lines = text.split("\n")
    open_, close = rng.choice([("// ", ""), ("# ", ""), ("/* ", " */"), ("<!-- ", " -->"), ("-- ", ""), ("; ", "")])
    lines.insert(rng.randrange(len(lines) + 1), open_ + rng.choice(CLAUSES) + close)
    return "\n".join(lines)


def clause_as_item(rng, text):
    lines = text.split("\n")
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(["1. ", "a) ", "(b) ", "* ", "- "]) + rng.choice(CLAUSES))
    return "\n".join(lines)


def sentence_removed(rng, text):
    found = sentences(text)
    if not found:
        return None
    m = rng.choice(found)
    return text[:m.start()] + text[m.end():]


def sentences_swapped(rng, text):
    found = sentences(text)
    if len(found) < 2:
        return None
    i = rng.randrange(len(found) - 1)
    a, b = found[i], found[i + 1]
    return text[:a.start()] + b.group() + text[a.end():b.start()] + a.group() + text[b.end():]


def word_removed(rng, text):
    m = rng.choice(words(text))
    return text[:m.start()] + text[m.end():]


def word_inserted(rng, text):
    m = rng.choice(words(text))
    return text[:m.start()] + rng.choice(INSERTED) + " " + text[m.start():]


def word_changed(rng, text):
    old, new = rng.choice(WORDS)
    found = outside_statements(text, re.finditer(rf"(?i)\b{old}\b", text))
    if not found:
        return None
    m = rng.choice(found)
    return text[:m.start()] + (new.upper() if m.group().isupper() else new) + text[m.end():]


def number_changed(rng, text):
    found = outside_statements(text, re.finditer(r"\d+", text))
    if not found:
        return None
    m = rng.choice(found)
    return text[:m.start()] + str(int(m.group()) + rng.randrange(1, 9)) + text[m.end():]


def neighbours_swapped(rng, text):
    found = words(text)
    i = rng.randrange(len(found) - 1)
    a, b = found[i], found[i + 1]
    if re.sub(r"\W", "", a.group().lower()) == re.sub(r"\W", "", b.group().lower()) or text[a.end():b.start()].strip():
        return None
    return text[:a.start()] + b.group() + text[a.end():b.start()] + a.group() + text[b.end():]


def invisible_inserted(rng, text):
    m = rng.choice(words(text))
    at = rng.randrange(m.start(), m.end() + 1)
    return text[:at] + rng.choice(INVISIBLE) + text[at:]


def lookalike(rng, text):
    m = rng.choice(words(text))
    other = m.group().translate(LOOKALIKES)
    return None if other == m.group() else text[:m.start()] + other + text[m.end():]


MUTATIONS = [clause_behind_sentence, clause_at_begin, clause_at_end, clause_in_title, clause_in_copyright,
             clause_in_another_language, clause_in_place_of_name, clause_in_comment, clause_as_item, sentence_removed,
             sentences_swapped, word_removed, word_inserted, word_changed, number_changed, neighbours_swapped, invisible_inserted, lookalike]
