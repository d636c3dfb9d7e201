/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/identify.h"
#include "govern/licence_digests.h"
#include "govern/licence_lines.h"
#include "govern/licence_pattern.h"
#include "govern/word_diff.h"

#include <stdio.h>
#include <string.h>

/* Below this likeness a text is no version of the nearest reference, but another text. */
static const double LIKE_ENOUGH = 0.55;
/* Of references that match the same words, those this near to each other are told apart by their ids. */
static const double ALIKE = 0.02;
/* A reference of which less than this is in the text is no part of it. */
static const double PART_HELD = 0.6;
static const double NEARLY_WHOLE[] = {0.97, 0.9, 0.8};
/* … unless so much of the text is in it: a reference may have long optional parts. */
static const double PART_WITHIN = 0.85;
/* A text is MAX_PARTS licences at most; exceptions are short. */
enum { MAX_CANDIDATES = 48, ID = 128, HEAD_WORDS = 64, MAX_PARTS = 64, EXCEPTION_WORDS = 1000 };

/* The words that a difference is about: not list marks, titles and copyright statements. */
static struct mica_diff_word *diff_words(const struct mica_licence_text *text,
                                         const struct mica_licence_words *words, int64_t *n_out)
{
    struct mica_diff_word *out = mica_alloc((size_t)words->n, sizeof *out);
    bool head = true;
    int64_t n = 0;
    for (int64_t i = 0; out && i < words->n; i++) {
        const struct mica_licence_word *w = &words->words[i];
        if (w->flags & (MICA_WORD_ITEM | MICA_WORD_COPYRIGHT) ||
            (head && i < HEAD_WORDS && mica_licence_is_title(text, words, i)))
            continue;
        head = false;
        out[n++] = (struct mica_diff_word){words->text + w->from, mica_word_key(words, i), w->to - w->from,
                                           w->key_len};
    }
    *n_out = n;
    return out;
}

static char *diff_text(const struct mica_licence_text *text, const struct mica_licence_words *reference,
                       const struct mica_licence_words *words)
{
    int64_t n = 0, m = 0;
    struct mica_diff_word *a = diff_words(text, reference, &n), *b = diff_words(text, words, &m);
    struct mica_buf out = {0};
    mica_buf_append(&out, "", 0);
    bool ok = a && b && mica_diff_words(a, n, b, m, &out);
    mica_free(a);
    mica_free(b);
    if (ok && !out.failed)
        return out.data;
    mica_buf_release(&out);
    return NULL;
}

/* A text that is likest a reference, but not it. */
static enum mica_status describe_modified(const struct mica_licence_index *index,
                                          const struct mica_licence_words *words,
                                          const struct mica_licence_likeness *nearest,
                                          struct mica_licence_match *match, struct mica_err *err)
{
    const struct mica_licence_text *text = &index->texts[nearest->text];
    struct mica_licence_words reference;
    if (nearest->dice < LIKE_ENOUGH)
        return MICA_OK;
    enum mica_status status = mica_licence_split(text->text, text->len, &reference, err);
    if (status != MICA_OK)
        return status;
    match->kind = MICA_LICENCE_MODIFIED;
    snprintf(match->id, sizeof match->id, "LicenseRef-modified-%.100s", match->nearest);
    mica_licence_number(index, &reference);
    mica_licence_mark(index, &reference, true);
    match->diff = reference.norm.failed ? NULL : diff_text(text, &reference, words);
    mica_licence_words_release(&reference);
    return match->diff ? MICA_OK : mica_fail(err, MICA_ENOMEM, "difference of licences: out of memory");
}

/* The preferred id of a text: a deprecated one is replaced, and of ids that share a text the shortest counts,
 * so the text of GPL-2.0 alone says "only". */
static void preferred_id(const char *id, char out[ID])
{
    if (!mica_licence_canonical(id, out))
        snprintf(out, ID, "%s", id);
}

/* References that may be (a part of) the text, with their patterns made when they are first tried. */
struct candidate {
    const struct mica_licence_likeness *likeness;
    struct mica_licence_pattern *pattern;
};
struct candidates {
    struct candidate rows[MAX_CANDIDATES];
    int n;
};

/* Does another reference with the preferred id have the very same text? */
static bool is_duplicate(const struct mica_licence_text *text)
{
    char id[ID];
    preferred_id(text->id, id);
    const char *preferred = strcmp(id, text->id) != 0 ? mica_licence_text(id) : NULL;
    return preferred && strcmp(preferred, text->text) == 0;
}

static void add_candidate(const struct mica_licence_index *index, struct candidates *candidates,
                          const struct mica_licence_likeness *row)
{
    for (int i = 0; i < candidates->n; i++)
        if (candidates->rows[i].likeness == row)
            return;
    if (candidates->n < MAX_CANDIDATES && !is_duplicate(&index->texts[row->text]))
        candidates->rows[candidates->n++].likeness = row;
}

/* The likest, for a text that is one licence, then those that the text holds nearly whole, for one that is
 * several. */
static void choose(const struct mica_licence_index *index, struct candidates *candidates,
                   const struct mica_licence_likeness *likest, int64_t n)
{
    for (int64_t i = 0; i < n && candidates->n < MAX_CANDIDATES / 2; i++)
        if (likest[i].held >= PART_HELD || likest[i].within >= PART_WITHIN)
            add_candidate(index, candidates, &likest[i]);
    for (size_t k = 0; k < MICA_COUNT(NEARLY_WHOLE); k++)
        for (int64_t i = 0; i < n; i++)
            if (likest[i].held >= NEARLY_WHOLE[k])
                add_candidate(index, candidates, &likest[i]);
}

/* The licence that reaches furthest from word begin; of several, the likest, then the shortest id. */
static enum mica_status next_part(const struct mica_licence_index *index,
                                  const struct mica_licence_words *words, struct candidates *candidates,
                                  int64_t begin, int64_t *end_out, char id[ID], struct mica_err *err)
{
    double best = 0;
    *end_out = begin;
    for (int i = 0; i < candidates->n; i++) {
        struct candidate *c = &candidates->rows[i];
        int64_t end = begin;
        char other[ID];
        enum mica_status status = MICA_OK;
        if (!c->pattern)
            status = mica_licence_pattern_new(index, c->likeness->text, &c->pattern, err);
        if (status == MICA_OK)
            status = mica_licence_pattern_match(index, c->pattern, words, begin, &end, err);
        if (status != MICA_OK)
            return status;
        if (end == begin || end < *end_out)
            continue;
        preferred_id(index->texts[c->likeness->text].id, other);
        bool further = end > *end_out, alike = c->likeness->dice > best - ALIKE;
        if (further || (alike && strlen(other) < strlen(id)) || c->likeness->dice > best + ALIKE) {
            *end_out = end;
            best = c->likeness->dice;
            snprintf(id, ID, "%s", other);
        }
    }
    return MICA_OK;
}

/* A text known by its digest from word begin on: a whole one, or an exception behind a licence. */
static enum mica_status known_rest(const struct mica_licence_words *words, int64_t begin, const char **id_out,
                                   struct mica_err *err)
{
    struct mica_digest digest;
    if (!mica_licence_digest(words, begin, &digest))
        return mica_fail(err, MICA_ENOMEM, "digest of a licence text: out of memory");
    const char *id = mica_licence_by_digest(&digest);
    *id_out = id && (strncmp(id, "WITH ", 5) == 0) == (begin > 0) ? id : NULL;
    return MICA_OK;
}

/* Is id one of those between " AND "? */
static bool has_operand(const char *ids, const char *id)
{
    size_t len = strlen(id);
    for (const char *at = ids; (at = strstr(at, id)); at += len)
        if ((at == ids || at[-1] == ' ') && (at[len] == 0 || at[len] == ' '))
            return true;
    return false;
}

/* Covers the whole text with licences, one behind the other. *all_out: was it covered? */
static enum mica_status cover(const struct mica_licence_index *index, const struct mica_licence_words *words,
                              struct candidates *candidates, char ids[ID], bool *all_out,
                              struct mica_err *err)
{
    int64_t begin = 0, end = 0;
    size_t len = 0;
    for (int parts = 0; begin < words->n; begin = end) {
        char id[ID] = "";
        const char *known = NULL;
        enum mica_status status = MICA_OK;
        if (parts++ == MAX_PARTS)
            return MICA_OK;
        if (begin == 0 || words->n - begin < EXCEPTION_WORDS)
            status = known_rest(words, begin, &known, err);
        if (status == MICA_OK && !known)
            status = next_part(index, words, candidates, begin, &end, id, err);
        if (status != MICA_OK)
            return status;
        if (known)
            end = words->n;
        if (end == begin)
            return MICA_OK;
        if (!known && has_operand(ids, id))
            continue;
        int n = snprintf(ids + len, ID - len, "%s%s", !len ? "" : known ? " " : " AND ", known ? known : id);
        if (n < 0 || (size_t)n >= ID - len)
            return MICA_OK;
        len += (size_t)n;
    }
    *all_out = words->n > 0;
    return MICA_OK;
}

static enum mica_status compare(const struct mica_licence_index *index,
                                const struct mica_licence_words *words, struct mica_licence_match *match,
                                struct mica_err *err)
{
    struct mica_licence_likeness *likest = NULL;
    struct candidates candidates = {0};
    bool all = false;
    int64_t n = 0;
    enum mica_status status = mica_licence_likest(index, words, &likest, &n, err);
    if (status == MICA_OK && n > 0) {
        choose(index, &candidates, likest, n);
        match->similarity = likest[0].dice;
        preferred_id(index->texts[likest[0].text].id, match->nearest);
        status = cover(index, words, &candidates, match->id, &all, err);
    }
    if (status == MICA_OK && all) {
        match->kind = MICA_LICENCE_IDENTIFIED;
    } else if (status == MICA_OK) {
        match->id[0] = 0;
        if (n > 0)
            status = describe_modified(index, words, &likest[0], match, err);
    }
    for (int i = 0; i < candidates.n; i++)
        mica_licence_pattern_free(candidates.rows[i].pattern);
    mica_free(likest);
    return status;
}

enum mica_status mica_licence_identify(const char *text, size_t len, struct mica_licence_match *out,
                                       struct mica_err *err)
{
    const struct mica_licence_index *index;
    struct mica_licence_words words;
    struct mica_licence_match match = {0};
    enum mica_status status = mica_licence_index(&index, err);
    if (status == MICA_OK)
        status = mica_licence_split(text, len, &words, err);
    if (status != MICA_OK)
        return status;
    mica_licence_number(index, &words);
    mica_licence_mark(index, &words, false);
    status = words.norm.failed ? mica_fail(err, MICA_ENOMEM, "licence text: out of memory")
                               : compare(index, &words, &match, err);
    mica_licence_words_release(&words);
    if (status == MICA_OK)
        *out = match;
    return status;
}
