/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The shortest edit between two word sequences, shown as text. */
#ifndef MICA_WORD_DIFF_H
#define MICA_WORD_DIFF_H

#include "base/mem.h"

/* A word: where it stands and what it is compared by (key, key_len). */
struct mica_diff_word {
    const char *shown, *key;
    uint32_t shown_len, key_len;
};
/* Appends the diff to out. false when out of memory. Time and memory are bounded: two texts that differ in
 * thousands of places are shown as replaced in between. */
bool mica_diff_words(const struct mica_diff_word *before, int64_t n, const struct mica_diff_word *after,
                     int64_t m, struct mica_buf *out);

#endif
