/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What the reference texts have in common with a text: their words, numbered, and which of them hold which
 * pair of neighbouring words. Built once, at first use, and kept. */
#ifndef MICA_LICENCE_INDEX_H
#define MICA_LICENCE_INDEX_H

#include "base/strmap.h"
#include "govern/licence_texts.h"
#include "govern/licence_words.h"

struct mica_licence_pair {
    uint64_t key; /* both ids, each plus one; 0 = free */
    int32_t first, n, last;
};
/* A row of licence_variants.def: in the reference texts of ids, the words first, or from first to last, may
 * also read as alternative. */
struct mica_licence_rule {
    const char *ids;
    bool range, from_head, to_end;
    struct mica_licence_words first, last, alternative;
};
struct mica_licence_index {
    const struct mica_licence_text *texts;
    int64_t n_texts;
    struct mica_strmap vocabulary;
    struct mica_arena arena; /* the words */
    int32_t n_words;
    int32_t *spread; /* [n_spread] how many texts have the word in small letters */
    int32_t n_spread;
    struct mica_strmap names; /* licence_names.def: 1 NAME, 2 LINK, 3 GENERIC, 4 REFUSED */
    struct mica_licence_pair *pairs;
    size_t n_slots, n_pairs;
    int32_t *holders; /* the texts of each pair: pair.first, pair.n */
    struct mica_licence_rule *rules;
    int64_t n_rules;
    int32_t *pairs_of; /* [n_texts] how many different pairs a text has */
};
/* Thread-safe; the index lives as long as the process. ENOMEM, EUNSUPPORTED. */
enum mica_status mica_licence_index(const struct mica_licence_index **out, struct mica_err *err);
/* Sets the id of each word; -1 for one that no reference text has. */
void mica_licence_number(const struct mica_licence_index *index, struct mica_licence_words *words);
int32_t mica_licence_word_id(const struct mica_licence_index *index, const char *key, size_t len);

/* The id of words i and i + 1 read as one; -1 when no reference text has it. */
int32_t mica_licence_whole_word(const struct mica_licence_index *index,
                                const struct mica_licence_words *words, int64_t i);

struct mica_licence_likeness {
    int32_t text;
    /* 2 |a ∩ b| / (|a| + |b|); parts of the reference's and of the text's pairs that the other has */
    double dice, held, within;
};
/* All references that share a pair with words (numbered), likest first. The caller frees *out. ENOMEM. */
enum mica_status mica_licence_likest(const struct mica_licence_index *index,
                                     const struct mica_licence_words *words,
                                     struct mica_licence_likeness **out, int64_t *n_out,
                                     struct mica_err *err);

#endif
