/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Template text to tokens, with the white space control of Jinja under trim_blocks and lstrip_blocks. */
#include "format/chat_internal.h"

#include <string.h>

struct lexer {
    const char *at, *end;
    int32_t line, column;
    bool line_starting; /* the last tag ended a line: spaces in front of the next tag are indentation */
    char brackets[CHAT_MAX_NESTING];
    int n_brackets;
    struct chat_tokens *out;
    struct mica_err *err;
    enum mica_status status;
};

static bool fail(struct lexer *lex, const char *text)
{
    lex->status =
        mica_fail(lex->err, MICA_EFORMAT, "template line %d, column %d: %s", lex->line, lex->column, text);
    return false;
}

static void advance(struct lexer *lex, const char *to)
{
    for (; lex->at < to; lex->at++) {
        if (*lex->at == '\n') {
            lex->line++;
            lex->column = 1;
        } else if ((*lex->at & 0xc0) != 0x80) {
            lex->column++;
        }
    }
}

/* Adds the len bytes at lex->at as a token and moves past them. */
static bool add(struct lexer *lex, enum chat_token_kind kind, int op, size_t len)
{
    if (!mica_grow(&lex->out->at, lex->out->n, &lex->out->capacity, sizeof *lex->out->at)) {
        lex->status = mica_fail(lex->err, MICA_ENOMEM, "out of memory for a template's tokens");
        return false;
    }
    lex->out->at[lex->out->n++] = (struct chat_token){.kind = (uint8_t)kind,
                                                      .op = (uint16_t)op,
                                                      .len = (uint32_t)len,
                                                      .s = lex->at,
                                                      .line = lex->line,
                                                      .column = lex->column};
    advance(lex, lex->at + len);
    return true;
}

static bool starts(const char *at, const char *end, const char *text)
{
    size_t len = strlen(text);
    return (size_t)(end - at) >= len && !memcmp(at, text, len);
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end) {
        int len;
        if (!chat_is_space(chat_utf8_get(at, &len)))
            break;
        at += len;
    }
    return at;
}

static const char *skip_space_back(const char *begin, const char *at)
{
    while (at > begin) {
        const char *prev = at - 1;
        int len;
        while (prev > begin && (*prev & 0xc0) == 0x80)
            prev--;
        if (!chat_is_space(chat_utf8_get(prev, &len)))
            break;
        at = prev;
    }
    return at;
}

/* Where the text before a tag ends: sign is the character after the tag's opening brace pair. */
static const char *text_end(const struct lexer *lex, const char *tag)
{
    const char *line = tag;
    if (tag[2] == '-')
        return skip_space_back(lex->at, tag);
    if (tag[2] == '+' || tag[1] == '{')
        return tag;
    while (line > lex->at && line[-1] != '\n')
        line--;
    if (line == lex->at && !lex->line_starting)
        return tag;
    return skip_space(line, tag) == tag ? line : tag;
}

/* The end of a tag that closes with `close` at `at`: what trim_blocks and a minus sign take along. NULL: it
 * does not close here. */
static const char *tag_end(const char *at, const char *end, const char *close, bool trim)
{
    if (*at == '-' && starts(at + 1, end, close))
        return skip_space(at + 3, end);
    if (*at == '+' && trim && starts(at + 1, end, close))
        return at + 3;
    if (!starts(at, end, close))
        return NULL;
    at += 2;
    return trim && at < end && *at == '\n' ? at + 1 : at;
}

static void finish_tag(struct lexer *lex, const char *end)
{
    advance(lex, end);
    lex->line_starting = end[-1] == '\n';
}

static bool lex_comment(struct lexer *lex)
{
    const char *at = lex->at + 2, *end;
    if (at < lex->end && (*at == '-' || *at == '+'))
        at++;
    for (; at < lex->end; at++) {
        if ((end = tag_end(at, lex->end, "#}", true))) {
            finish_tag(lex, end);
            return true;
        }
    }
    return fail(lex, "the comment that starts here never ends: add #}");
}

/* The position after {% name %} at `at` (NULL: something else stands there). */
static const char *whole_tag(const char *at, const char *end, const char *name, bool trim)
{
    at += 2;
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    at = skip_space(at, end);
    if (!starts(at, end, name))
        return NULL;
    at = skip_space(at + strlen(name), end);
    if (at >= end || (*at == '+' && !trim))
        return NULL;
    return trim ? tag_end(at, end, "%}", true)
                : (*at == '-' && starts(at + 1, end, "%}") ? skip_space(at + 3, end)
                   : starts(at, end, "%}")                 ? at + 2
                                                           : NULL);
}

static bool lex_raw(struct lexer *lex, const char *body)
{
    finish_tag(lex, body);
    for (const char *at = body; at < lex->end; at++) {
        const char *end = starts(at, lex->end, "{%") ? whole_tag(at, lex->end, "endraw", true) : NULL;
        if (!end)
            continue;
        if (!add(lex, CHAT_TOKEN_DATA, 0, (size_t)(text_end(lex, at) - lex->at)))
            return false;
        finish_tag(lex, end);
        return true;
    }
    return fail(lex, "raw text that starts here never ends: add {% endraw %}");
}

static size_t digits(const char *at, const char *end, const char *set)
{
    const char *begin = at;
    /* An underscore may stand between two digits. */
    while (at < end && ((*at && strchr(set, *at)) ||
                        (*at == '_' && at > begin && at + 1 < end && at[1] && strchr(set, at[1]))))
        at++;
    return (size_t)(at - begin);
}

static const char DECIMAL[] = "0123456789";

static size_t float_len(const char *at, const char *end)
{
    size_t whole = digits(at, end, DECIMAL), n = whole, part;
    bool real = false;
    if (at + n < end && at[n] == '.' && (part = digits(at + n + 1, end, DECIMAL))) {
        n += 1 + part;
        real = true;
    }
    if (at + n < end && (at[n] == 'e' || at[n] == 'E')) {
        size_t sign = at + n + 1 < end && (at[n + 1] == '+' || at[n + 1] == '-');
        if ((part = digits(at + n + 1 + sign, end, DECIMAL)))
            return n + 1 + sign + part;
    }
    return real ? n : 0;
}

static size_t int_len(const char *at, const char *end)
{
    static const struct {
        char letter;
        const char *set;
    } bases[] = {{'b', "01"}, {'o', "01234567"}, {'x', "0123456789abcdefABCDEF"}};
    if (*at != '0')
        return digits(at, end, DECIMAL);
    for (size_t i = 0; i < MICA_COUNT(bases) && at + 1 < end; i++) {
        size_t skip = at + 2 < end && at[2] == '_' ? 3 : 2;
        size_t n = (at[1] | 0x20) == bases[i].letter ? digits(at + skip, end, bases[i].set) : 0;
        if (n)
            return skip + n;
    }
    return digits(at, end, "0");
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (c & 0x80);
}

static size_t string_len(const char *at, const char *end)
{
    for (const char *p = at + 1; p < end; p++) {
        if (*p == *at)
            return (size_t)(p + 1 - at);
        if (*p == '\\')
            p++;
    }
    return 0;
}

static bool lex_op(struct lexer *lex)
{
    static const char *const pairs[] = {"//", "**", "==", "!=", ">=", "<="};
    char c = *lex->at;
    for (size_t i = 0; i < MICA_COUNT(pairs); i++) {
        if (starts(lex->at, lex->end, pairs[i]))
            return add(lex, CHAT_TOKEN_OP, CHAT_OP(pairs[i][0], pairs[i][1]), 2);
    }
    if (!c || !strchr("+-/*%~[](){}><=.:|,;", c))
        return fail(lex, "this character means nothing here");
    if (c == '(' || c == '[' || c == '{') {
        if (lex->n_brackets == CHAT_MAX_NESTING)
            return fail(lex, "brackets are nested too deeply");
        lex->brackets[lex->n_brackets++] = c == '(' ? ')' : (char)(c + 2);
    } else if (c == ')' || c == ']' || c == '}') {
        if (!lex->n_brackets || lex->brackets[--lex->n_brackets] != c)
            return fail(lex, "this bracket closes nothing");
    }
    return add(lex, CHAT_TOKEN_OP, c, 1);
}

static bool lex_token(struct lexer *lex)
{
    const char *at = lex->at, *end = lex->end;
    size_t n;
    if (*at >= '0' && *at <= '9') {
        bool after_dot = at[-1] == '.';
        if (!after_dot && (n = float_len(at, end)))
            return add(lex, CHAT_TOKEN_FLOAT, 0, n);
        return add(lex, CHAT_TOKEN_INT, 0, int_len(at, end));
    }
    if (is_name_char(*at)) {
        for (n = 1; at + n < end && is_name_char(at[n]); n++)
            ;
        return add(lex, CHAT_TOKEN_NAME, 0, n);
    }
    if (*at == '\'' || *at == '"')
        return (n = string_len(at, end)) ? add(lex, CHAT_TOKEN_STRING, 0, n)
                                         : fail(lex, "the text that starts here never ends: add its quote");
    return lex_op(lex);
}

/* A {{ … }} or {% … %}. */
static bool lex_tag(struct lexer *lex)
{
    bool block = lex->at[1] == '%';
    int sign = lex->at + 2 < lex->end && (lex->at[2] == '-' || lex->at[2] == '+');
    if (!add(lex, block ? CHAT_TOKEN_BLOCK_BEGIN : CHAT_TOKEN_PRINT_BEGIN, 0, 2 + (size_t)sign))
        return false;
    lex->n_brackets = 0;
    for (;;) {
        const char *end;
        advance(lex, skip_space(lex->at, lex->end));
        if (lex->at == lex->end)
            return fail(lex, block ? "the template ends inside a tag: add %}"
                                   : "the template ends inside {{: add }}");
        end = lex->n_brackets ? NULL : tag_end(lex->at, lex->end, block ? "%}" : "}}", block);
        if (end) {
            if (!add(lex, block ? CHAT_TOKEN_BLOCK_END : CHAT_TOKEN_PRINT_END, 0, 0))
                return false;
            finish_tag(lex, end);
            return true;
        }
        if (!lex_token(lex))
            return false;
    }
}

static const char *next_tag(const char *at, const char *end)
{
    for (; at + 1 < end; at++) {
        if (*at == '{' && (at[1] == '%' || at[1] == '{' || at[1] == '#'))
            return at;
    }
    return NULL;
}

enum mica_status chat_lex(const char *source, size_t len, struct chat_tokens *out, struct mica_err *err)
{
    struct lexer lex = {.at = source,
                        .end = source + len,
                        .line = 1,
                        .column = 1,
                        .line_starting = true,
                        .out = out,
                        .err = err};
    const char *tag;
    bool ok = true;
    while (ok && (tag = next_tag(lex.at, lex.end))) {
        const char *text = text_end(&lex, tag), *raw;
        if (text > lex.at)
            ok = add(&lex, CHAT_TOKEN_DATA, 0, (size_t)(text - lex.at));
        if (!ok)
            break;
        advance(&lex, tag);
        raw = tag[1] == '%' ? whole_tag(tag, lex.end, "raw", false) : NULL;
        ok = raw ? lex_raw(&lex, raw) : tag[1] == '#' ? lex_comment(&lex) : lex_tag(&lex);
    }
    if (ok && lex.at < lex.end)
        ok = add(&lex, CHAT_TOKEN_DATA, 0, (size_t)(lex.end - lex.at));
    if (ok)
        ok = add(&lex, CHAT_TOKEN_END, 0, 0);
    return ok ? MICA_OK : lex.status;
}
