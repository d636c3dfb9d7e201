/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/identify.h"
#include "govern/licence_index.h"
#include "govern/word_diff.h"

#include <stdio.h>
#include <string.h>

/* Below this likeness a text is no version of the nearest reference, but another text. */
static const double LIKE_ENOUGH = 0.55;

static struct mica_diff_word *diff_words(const struct mica_licence_words *words)
{
    struct mica_diff_word *out = mica_alloc((size_t)words->n, sizeof *out);
    for (int64_t i = 0; out && i < words->n; i++) {
        const struct mica_licence_word *w = &words->words[i];
        out[i] = (struct mica_diff_word){words->text + w->from, mica_word_key(words, i), w->to - w->from,
                                         w->key_len};
    }
    return out;
}

static char *diff_text(const struct mica_licence_words *reference, const struct mica_licence_words *words)
{
    struct mica_diff_word *a = diff_words(reference), *b = diff_words(words);
    struct mica_buf out = {0};
    mica_buf_append(&out, "", 0);
    bool ok = a && b && mica_diff_words(a, reference->n, b, words->n, &out);
    mica_free(a);
    mica_free(b);
    if (ok && !out.failed)
        return out.data;
    mica_buf_release(&out);
    return NULL;
}

static bool same_words(const struct mica_licence_words *a, const struct mica_licence_words *b)
{
    for (int64_t i = 0; a->n == b->n && i < a->n; i++)
        if (a->words[i].key_len != b->words[i].key_len ||
            memcmp(mica_word_key(a, i), mica_word_key(b, i), a->words[i].key_len) != 0)
            return false;
    return a->n == b->n;
}

static enum mica_status compare(const struct mica_licence_index *index,
                                const struct mica_licence_words *words,
                                const struct mica_licence_likeness *nearest, struct mica_licence_match *match,
                                struct mica_err *err)
{
    const struct mica_licence_text *text = &index->texts[nearest->text];
    struct mica_licence_words reference;
    match->similarity = nearest->dice;
    snprintf(match->nearest, sizeof match->nearest, "%s", text->id);
    if (nearest->dice < LIKE_ENOUGH)
        return MICA_OK;
    enum mica_status status = mica_licence_split(text->text, text->len, &reference, err);
    if (status != MICA_OK)
        return status;
    if (same_words(&reference, words)) {
        match->kind = MICA_LICENCE_IDENTIFIED;
        snprintf(match->id, sizeof match->id, "%s", text->id);
    } else {
        match->kind = MICA_LICENCE_MODIFIED;
        snprintf(match->id, sizeof match->id, "LicenseRef-modified-%s", text->id);
        match->diff = diff_text(&reference, words);
        if (!match->diff)
            status = mica_fail(err, MICA_ENOMEM, "difference of licences: out of memory");
    }
    mica_licence_words_release(&reference);
    return status;
}

enum mica_status mica_licence_identify(const char *text, size_t len, struct mica_licence_match *out,
                                       struct mica_err *err)
{
    const struct mica_licence_index *index;
    struct mica_licence_words words;
    struct mica_licence_likeness *likest = NULL;
    struct mica_licence_match match = {0};
    int64_t n;
    enum mica_status status = mica_licence_index(&index, err);
    if (status == MICA_OK)
        status = mica_licence_split(text, len, &words, err);
    if (status != MICA_OK)
        return status;
    mica_licence_number(index, &words);
    status = mica_licence_likest(index, &words, &likest, &n, err);
    if (status == MICA_OK && n > 0)
        status = compare(index, &words, &likest[0], &match, err);
    mica_free(likest);
    mica_licence_words_release(&words);
    if (status == MICA_OK)
        *out = match;
    return status;
}
