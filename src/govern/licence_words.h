/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* A text as the sequence of words that licences are compared by, after the SPDX matching guidelines: case,
 * white space, punctuation, quotes, dashes, comment marks and kinds of spelling do not count. Everything else
 * does: a character that is no known punctuation is (part of) a word, so nothing can hide between words. */
#ifndef MICA_LICENCE_WORDS_H
#define MICA_LICENCE_WORDS_H

#include "base/mem.h"

enum {
    MICA_WORD_FIRST = 1,      /* first of its line */
    MICA_WORD_ITEM = 2,       /* number or letter of a list item at the start of a line: "3.", "(a)", "1.2" */
    MICA_WORD_CAPITAL = 4,    /* begins with a capital, a digit or a letter outside ASCII */
    MICA_WORD_BROKEN = 8,     /* ends in a hyphen at the end of a line: may be one word with the next */
    MICA_WORD_BRACKET = 16,   /* inside <…>, […] or {…} on one line */
    MICA_WORD_OPENS = 32,     /* the first one of such */
    MICA_WORD_PARAGRAPH = 64, /* follows an empty line, or is the first of all */
    MICA_WORD_LOWER = 128,    /* was written in small letters */
    MICA_WORD_COPYRIGHT = 256, /* on a line that states who holds the copyright: see licence_lines.h */
    MICA_WORD_PARTS = 512,     /* glued to the next one by a hyphen */
    MICA_WORD_NAME = 1024,     /* may be part of the name of a holder of rights */
    MICA_WORD_SIGN = 2048,     /* "copyright" written with © or (c) */
    MICA_WORD_LINK = 4096,     /* a year, or a word between names */
    MICA_WORD_YEAR = 16384,    /* a year on such a line */
    MICA_WORD_PROPER = 8192,   /* a word of a name that tells whose */
};
struct mica_licence_word {
    uint32_t key, key_len; /* the word as compared: in norm */
    uint32_t from, to;     /* where it stands in the text */
    uint32_t line;
    uint16_t flags;
    int32_t id; /* for the user: -1 */
};
struct mica_licence_words {
    const char *text; /* the caller's, which must outlive this */
    struct mica_buf norm;
    struct mica_licence_word *words;
    int64_t n, capacity;
};

/* Texts longer than this are no licences. */
enum { MICA_LICENCE_TEXT_MAX = 4 << 20 };
/* Splits UTF-8 (a byte order mark is skipped), or Windows-1252 when it is not UTF-8. ENOMEM; ELIMIT. */
enum mica_status mica_licence_split(const char *text, size_t len, struct mica_licence_words *out,
                                    struct mica_err *err);
void mica_licence_words_release(struct mica_licence_words *words);

static inline const char *mica_word_key(const struct mica_licence_words *words, int64_t i)
{
    return words->norm.data + words->words[i].key;
}
/* Is word i this (lower-case) one? */
bool mica_word_is(const struct mica_licence_words *words, int64_t i, const char *word);
/* Do two item marks name the same place in a list ("3", "c" and "iii" do)? */
bool mica_item_equal(const char *a, size_t a_len, const char *b, size_t b_len);

#endif
