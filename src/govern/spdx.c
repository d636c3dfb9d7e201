/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Recursive descent straight into the list of alternatives: OR appends lists, AND multiplies them. */
#include "govern/spdx.h"

#include <string.h>

struct parser {
    const char *text, *at;
    const char *word; /* the token looked at; NULL at the end */
    size_t len;
    struct mica_arena *arena;
    struct mica_err *err;
    int depth;
};
/* Alternatives under construction. */
struct choice {
    struct mica_spdx_alternative *any;
    int n;
};

static bool is_id_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == ':' || c == '+';
}

static void next(struct parser *p)
{
    p->at += strspn(p->at, " \t\r\n");
    p->word = *p->at ? p->at : NULL;
    p->len = 0;
    if (*p->at == '(' || *p->at == ')')
        p->len = 1;
    else
        while (is_id_char(p->at[p->len]))
            p->len++;
    p->at += p->len;
}

static bool is_word(const struct parser *p, const char *word)
{
    return p->word && p->len == strlen(word) && strncasecmp(p->word, word, p->len) == 0;
}

static enum mica_status fail(struct parser *p, const char *what)
{
    size_t at = p->word ? (size_t)(p->word - p->text) + 1 : strlen(p->text) + 1;
    return mica_fail(p->err, MICA_EFORMAT, "licence expression '%.80s': %s at character %zu", p->text, what,
                     at);
}

static enum mica_status no_memory(struct parser *p)
{
    return mica_fail(p->err, MICA_ENOMEM, "licence expression: out of memory");
}

static bool is_operator(const struct parser *p)
{
    return is_word(p, "AND") || is_word(p, "OR") || is_word(p, "WITH");
}

/* An id: letters first or a digit, '+' at its end only, ':' after DocumentRef only. */
static bool is_id(const struct parser *p)
{
    if (!p->word || !p->len || *p->word == '(' || *p->word == ')' || is_operator(p))
        return false;
    const char *plus = memchr(p->word, '+', p->len), *colon = memchr(p->word, ':', p->len);
    bool is_ref = p->len > 12 && strncmp(p->word, "DocumentRef-", 12) == 0;
    /* OpenRAIL++-M has its pluses inside. */
    bool is_own = strncmp(p->word, "LicenseRef-", 11) == 0 || is_ref;
    return (!plus || is_own || plus == p->word + p->len - 1) && (!colon || is_ref) &&
           !strchr("+-.:_", *p->word);
}

static enum mica_status parse_simple(struct parser *p, struct choice *out)
{
    if (!is_id(p))
        return fail(p, p->word ? "a licence id is expected" : "it ends where a licence id is expected");
    struct mica_spdx_licence *licence = mica_arena_alloc(p->arena, 1, sizeof *licence);
    struct mica_spdx_alternative *any = mica_arena_alloc(p->arena, 1, sizeof *any);
    const struct mica_spdx_licence **all = mica_arena_alloc(p->arena, 1, sizeof *all);
    if (!licence || !any || !all)
        return no_memory(p);
    size_t len = p->len;
    licence->or_later = p->word[len - 1] == '+';
    licence->id = mica_arena_strndup(p->arena, p->word, licence->or_later ? len - 1 : len);
    licence->exception = "";
    next(p);
    if (is_word(p, "WITH")) {
        next(p);
        if (!is_id(p))
            return fail(p, "an exception is expected after WITH");
        licence->exception = mica_arena_strndup(p->arena, p->word, p->len);
        next(p);
    }
    if (!licence->id || !licence->exception)
        return no_memory(p);
    all[0] = licence;
    *any = (struct mica_spdx_alternative){all, 1};
    *out = (struct choice){any, 1};
    return MICA_OK;
}

static enum mica_status parse_or(struct parser *p, struct choice *out);

static enum mica_status parse_primary(struct parser *p, struct choice *out)
{
    if (!is_word(p, "("))
        return parse_simple(p, out);
    if (++p->depth > MICA_SPDX_DEPTH)
        return mica_fail(p->err, MICA_ELIMIT, "licence expression: nested deeper than %d", MICA_SPDX_DEPTH);
    next(p);
    enum mica_status status = parse_or(p, out);
    if (status != MICA_OK)
        return status;
    if (!is_word(p, ")"))
        return fail(p, "')' is missing");
    p->depth--;
    next(p);
    return MICA_OK;
}

static enum mica_status too_wide(struct parser *p)
{
    return mica_fail(p->err, MICA_ELIMIT,
                     "licence expression: more than %d alternatives or %d licences together",
                     MICA_SPDX_ALTERNATIVES, MICA_SPDX_LICENCES);
}

/* Every alternative of left with every one of right. */
static enum mica_status both(struct parser *p, const struct choice *left, const struct choice *right,
                             struct choice *out)
{
    int n = left->n * right->n, at = 0;
    if (n > MICA_SPDX_ALTERNATIVES)
        return too_wide(p);
    struct mica_spdx_alternative *any = mica_arena_alloc(p->arena, (size_t)n, sizeof *any);
    if (!any)
        return no_memory(p);
    for (int i = 0; i < left->n; i++)
        for (int j = 0; j < right->n; j++) {
            const struct mica_spdx_alternative *a = &left->any[i], *b = &right->any[j];
            int both = a->n + b->n;
            if (both > MICA_SPDX_LICENCES)
                return too_wide(p);
            const struct mica_spdx_licence **all = mica_arena_alloc(p->arena, (size_t)both, sizeof *all);
            if (!all)
                return no_memory(p);
            memcpy(all, a->all, (size_t)a->n * sizeof *all);
            memcpy(all + a->n, b->all, (size_t)b->n * sizeof *all);
            any[at++] = (struct mica_spdx_alternative){all, both};
        }
    *out = (struct choice){any, n};
    return MICA_OK;
}

static enum mica_status parse_and(struct parser *p, struct choice *out)
{
    struct choice right = {0}, left = {0};
    enum mica_status status = parse_primary(p, &left);
    while (status == MICA_OK && is_word(p, "AND")) {
        next(p);
        status = parse_primary(p, &right);
        if (status == MICA_OK)
            status = both(p, &left, &right, &left);
    }
    if (status == MICA_OK)
        *out = left;
    return status;
}

static enum mica_status either(struct parser *p, struct choice *left, const struct choice *right)
{
    int n = left->n + right->n;
    if (n > MICA_SPDX_ALTERNATIVES)
        return too_wide(p);
    struct mica_spdx_alternative *any = mica_arena_alloc(p->arena, (size_t)n, sizeof *any);
    if (!any)
        return no_memory(p);
    for (int i = 0; i < n; i++)
        any[i] = i < left->n ? left->any[i] : right->any[i - left->n];
    *left = (struct choice){any, n};
    return MICA_OK;
}

static enum mica_status parse_or(struct parser *p, struct choice *out)
{
    struct choice right = {0}, left = {0};
    enum mica_status status = parse_and(p, &left);
    while (status == MICA_OK && is_word(p, "OR")) {
        next(p);
        status = parse_and(p, &right);
        if (status == MICA_OK)
            status = either(p, &left, &right);
    }
    if (status == MICA_OK)
        *out = left;
    return status;
}

enum mica_status mica_spdx_parse(const char *text, struct mica_spdx **out, struct mica_err *err)
{
    if (strnlen(text, MICA_SPDX_LENGTH + 1) > MICA_SPDX_LENGTH)
        return mica_fail(err, MICA_ELIMIT, "licence expression: longer than %d bytes", MICA_SPDX_LENGTH);
    struct mica_spdx *spdx = mica_alloc(1, sizeof *spdx);
    if (!spdx)
        return mica_fail(err, MICA_ENOMEM, "licence expression: out of memory");
    struct parser p = {.text = text, .at = text, .arena = &spdx->arena, .err = err};
    struct choice choice = {0};
    next(&p);
    enum mica_status status = parse_or(&p, &choice);
    if (status == MICA_OK && p.word)
        status = fail(&p, "AND, OR or the end is expected");
    if (status != MICA_OK) {
        mica_spdx_free(spdx);
        return status;
    }
    spdx->any = choice.any;
    spdx->n = choice.n;
    *out = spdx;
    return MICA_OK;
}

void mica_spdx_free(struct mica_spdx *spdx)
{
    if (!spdx)
        return;
    mica_arena_release(&spdx->arena);
    mica_free(spdx);
}
