/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Go templates: text into tokens, and the values of literals. */
#include "format/gotmpl.h"

#include <stdlib.h>
#include <string.h>

struct lexer {
    const char *at, *end;
    int32_t line;
    struct gotmpl_token *tokens;
    int64_t n, capacity;
    bool failed; /* out of memory */
};

static bool add(struct lexer *lx, enum gotmpl_token_kind kind, const char *s, size_t len)
{
    if (!mica_grow(&lx->tokens, lx->n, &lx->capacity, sizeof *lx->tokens))
        return lx->failed = true, false;
    lx->tokens[lx->n++] =
        (struct gotmpl_token){.kind = (uint8_t)kind, .s = s, .len = (uint32_t)len, .line = lx->line};
    return true;
}

/* Ends the tokens: always false. */
static bool fail(struct lexer *lx, const char *message)
{
    add(lx, GOTMPL_TOKEN_ERROR, message, strlen(message));
    return false;
}

static bool is_space(int c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The length of the letter, digit or underscore at s, 0: none is there. */
static int word_char(const char *s, const char *end)
{
    int len;
    if (s >= end)
        return 0;
    uint32_t c = chat_utf8_get(s, &len);
    return c == '_' || chat_is_alpha(c) || chat_is_decimal(c) ? len : 0;
}

static void count_lines(struct lexer *lx, const char *from, const char *to)
{
    for (; from < to; from++)
        lx->line += *from == '\n';
}

/* "}}" or " -}}" at s: how long, 0: none. */
static int right_delim(const struct lexer *lx, const char *s)
{
    size_t left = (size_t)(lx->end - s);
    if (left >= 4 && is_space(s[0]) && memcmp(s + 1, "-}}", 3) == 0)
        return 4;
    return left >= 2 && s[0] == '}' && s[1] == '}' ? 2 : 0;
}

/* Goes past a right delimiter and the space it trims. */
static void skip_right(struct lexer *lx, int len)
{
    lx->line += len == 4 && lx->at[0] == '\n';
    lx->at += len;
    for (; len == 4 && lx->at < lx->end && is_space(*lx->at); lx->at++)
        lx->line += *lx->at == '\n';
}

/* After these an identifier may end. */
static bool ends_word(const struct lexer *lx)
{
    return lx->at >= lx->end || is_space(*lx->at) || strchr(".,|:)(", *lx->at) || right_delim(lx, lx->at);
}

static bool lex_quoted(struct lexer *lx, char quote, enum gotmpl_token_kind kind)
{
    const char *from = lx->at++;
    for (; lx->at >= lx->end || *lx->at != quote; lx->at++) {
        lx->at += lx->at < lx->end && quote != '`' && *lx->at == '\\';
        if (lx->at >= lx->end || (quote != '`' && *lx->at == '\n'))
            return fail(lx, quote == '`'   ? "a string in ` does not end"
                            : quote == '"' ? "a string in \" does not end on its line"
                                           : "a character in ' does not end");
    }
    lx->at++;
    bool ok = add(lx, kind, from, (size_t)(lx->at - from));
    count_lines(lx, from, lx->at);
    return ok;
}

/* Takes whatever could belong to a number; gotmpl_number looks at it closely. */
static bool lex_number(struct lexer *lx)
{
    const char *from = lx->at;
    bool hex = false;
    lx->at += *lx->at == '+' || *lx->at == '-';
    if (lx->at + 1 < lx->end && lx->at[0] == '0' && strchr("xX", lx->at[1]))
        hex = true;
    while (lx->at < lx->end) {
        int len = word_char(lx->at, lx->end);
        char before = lx->at > from ? lx->at[-1] : '\0';
        bool exponent = hex ? before == 'p' || before == 'P' : before == 'e' || before == 'E';
        if (len)
            lx->at += len;
        else if (*lx->at == '.' || (exponent && (*lx->at == '+' || *lx->at == '-')))
            lx->at++;
        else
            break;
    }
    return add(lx, GOTMPL_TOKEN_NUMBER, from, (size_t)(lx->at - from));
}

static bool lex_word(struct lexer *lx, enum gotmpl_token_kind kind)
{
    const char *from = lx->at;
    int len;
    lx->at += kind != GOTMPL_TOKEN_WORD;
    while ((len = word_char(lx->at, lx->end)))
        lx->at += len;
    if (!ends_word(lx))
        return fail(lx, "a name ends in a character that cannot stand there");
    if (kind == GOTMPL_TOKEN_FIELD && lx->at == from + 1)
        kind = GOTMPL_TOKEN_DOT;
    return add(lx, kind, from, (size_t)(lx->at - from));
}

static bool lex_space(struct lexer *lx)
{
    const char *from = lx->at;
    /* The last one may belong to a delimiter that trims. */
    while (lx->at < lx->end && is_space(*lx->at) && !right_delim(lx, lx->at))
        lx->at++;
    if (lx->at == from)
        return true;
    bool ok = add(lx, GOTMPL_TOKEN_SPACE, from, (size_t)(lx->at - from));
    count_lines(lx, from, lx->at);
    return ok;
}

static bool lex_mark(struct lexer *lx, int *parens)
{
    static const struct {
        char c;
        enum gotmpl_token_kind kind;
    } marks[] = {{'=', GOTMPL_TOKEN_ASSIGN},
                 {'|', GOTMPL_TOKEN_PIPE},
                 {'(', GOTMPL_TOKEN_OPEN},
                 {')', GOTMPL_TOKEN_CLOSE},
                 {',', GOTMPL_TOKEN_OTHER}};
    char c = *lx->at;
    if (c == ':' && lx->end - lx->at > 1 && lx->at[1] == '=') {
        lx->at += 2;
        return add(lx, GOTMPL_TOKEN_DECLARE, lx->at - 2, 2);
    }
    *parens += c == '(';
    *parens -= c == ')';
    for (size_t i = 0; i < MICA_COUNT(marks); i++)
        if (marks[i].c == c)
            return *parens < 0 ? fail(lx, "a ) without its (") : add(lx, marks[i].kind, lx->at++, 1);
    return fail(lx, c == ':' ? "expected :=" : "a character that cannot stand in an action");
}

static bool lex_token(struct lexer *lx, int *parens)
{
    char c = *lx->at, next = lx->end - lx->at > 1 ? lx->at[1] : '\0';
    if (is_space(c))
        return lex_space(lx);
    if (c == '"')
        return lex_quoted(lx, c, GOTMPL_TOKEN_STRING);
    if (c == '`')
        return lex_quoted(lx, c, GOTMPL_TOKEN_RAW);
    if (c == '\'')
        return lex_quoted(lx, c, GOTMPL_TOKEN_CHAR);
    if (c == '$')
        return lex_word(lx, GOTMPL_TOKEN_VARIABLE);
    if (c == '.' && !(next >= '0' && next <= '9'))
        return lex_word(lx, GOTMPL_TOKEN_FIELD);
    if ((c >= '0' && c <= '9') || c == '.' || c == '+' || c == '-')
        return lex_number(lx);
    return word_char(lx->at, lx->end) ? lex_word(lx, GOTMPL_TOKEN_WORD) : lex_mark(lx, parens);
}

static bool lex_action(struct lexer *lx)
{
    int parens = 0, len;
    lx->at += 2;
    bool trims = lx->end - lx->at > 1 && lx->at[0] == '-' && is_space(lx->at[1]);
    const char *comment = lx->at + (trims ? 2 : 0);
    if (lx->end - comment >= 2 && comment[0] == '/' && comment[1] == '*') {
        const char *stop = memmem(comment + 2, (size_t)(lx->end - comment - 2), "*/", 2);
        if (!stop)
            return fail(lx, "a comment does not end");
        count_lines(lx, lx->at, stop);
        lx->at = stop + 2;
        if (!(len = right_delim(lx, lx->at)))
            return fail(lx, "a comment ends before its }}");
        skip_right(lx, len);
        return true;
    }
    if (!add(lx, GOTMPL_TOKEN_LEFT, lx->at - 2, 2))
        return false;
    lx->at += trims; /* the space after the mark stays: it changes nothing */
    while (!(len = right_delim(lx, lx->at))) {
        if (lx->at >= lx->end)
            return fail(lx, "an action does not end");
        if (!lex_token(lx, &parens))
            return false;
    }
    if (parens)
        return fail(lx, "a ( without its )");
    bool ok = add(lx, GOTMPL_TOKEN_RIGHT, lx->at, (size_t)len);
    skip_right(lx, len);
    return ok;
}

enum mica_status gotmpl_lex(const char *source, size_t len, struct gotmpl_token **out, struct mica_err *err)
{
    struct lexer lx = {.at = source, .end = source + len, .line = 1};
    bool ok = true;
    while (ok && lx.at < lx.end) {
        const char *open = memmem(lx.at, (size_t)(lx.end - lx.at), "{{", 2), *stop = open ? open : lx.end;
        if (open && lx.end - open > 3 && open[2] == '-' && is_space(open[3]))
            while (stop > lx.at && is_space(stop[-1]))
                stop--;
        if (stop > lx.at)
            ok = add(&lx, GOTMPL_TOKEN_TEXT, lx.at, (size_t)(stop - lx.at));
        stop = open ? open : lx.end;
        count_lines(&lx, lx.at, stop);
        lx.at = stop;
        ok = ok && (!open || lex_action(&lx));
    }
    if (ok)
        add(&lx, GOTMPL_TOKEN_END, lx.end, 0);
    if (lx.failed) {
        mica_free(lx.tokens);
        return mica_fail(err, MICA_ENOMEM, "out of memory for a template");
    }
    *out = lx.tokens;
    return MICA_OK;
}

/* ---- literals ---- */

static int digit_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : 99;
}

/* n digits to base at *s; -1: they are not there. */
static int64_t digits(const char **s, const char *end, int n, int base)
{
    int64_t value = 0;
    for (; n; n--, (*s)++) {
        if (*s >= end || digit_value(**s) >= base)
            return -1;
        value = value * base + digit_value(**s);
    }
    return value;
}

/* The escape behind a backslash at *s, as UTF-8 or one byte; the length, 0: there is no such escape. */
static int unescape(const char **s, const char *end, char quote, char out[4])
{
    static const char names[] = "abfnrtv\\", values[] = "\a\b\f\n\r\t\v\\";
    static const struct {
        char c;
        int n;
    } hex[] = {{'x', 2}, {'u', 4}, {'U', 8}};
    char c = *(*s)++;
    const char *name = c ? strchr(names, c) : NULL;
    if (name || c == quote)
        return out[0] = name ? values[name - names] : quote, 1;
    if (c >= '0' && c <= '7') {
        (*s)--;
        int64_t value = digits(s, end, 3, 8);
        out[0] = (char)value;
        return value >= 0 && value <= 255;
    }
    for (size_t i = 0; i < MICA_COUNT(hex); i++) {
        if (hex[i].c != c)
            continue;
        int64_t value = digits(s, end, hex[i].n, 16);
        if (value < 0 || value > 0x10ffff || (c != 'x' && value >= 0xd800 && value < 0xe000))
            return 0;
        if (c != 'x')
            return chat_utf8_put((uint32_t)value, out);
        out[0] = (char)value;
        return 1;
    }
    return 0;
}

bool gotmpl_unquote(const struct gotmpl_token *token, char *text, struct gotmpl_value *out)
{
    const char *s = token->s + 1, *end = token->s + token->len - 1;
    char piece[4];
    size_t n = 0;
    while (s < end) {
        if (*s == '\\' && token->kind != GOTMPL_TOKEN_RAW) {
            s++;
            int len = unescape(&s, end, '"', piece);
            if (!len)
                return false;
            memcpy(text + n, piece, (size_t)len);
            n += (size_t)len;
        } else if (*s != '\r' || token->kind != GOTMPL_TOKEN_RAW) {
            text[n++] = *s++;
        } else {
            s++;
        }
    }
    *out = gotmpl_str(text, n);
    return true;
}

/* 'x' is a number in Go. */
static bool char_number(const struct gotmpl_token *token, struct gotmpl_value *out)
{
    const char *s = token->s + 1, *end = token->s + token->len - 1;
    char piece[4];
    int len;
    if (s >= end || *s == '\'')
        return false;
    if (*s != '\\') {
        *out = gotmpl_int(chat_utf8_get(s, &len));
        return s + len == end;
    }
    s++;
    bool wide = *s == 'u' || *s == 'U';
    if (!(len = unescape(&s, end, '\'', piece)))
        return false;
    *out = gotmpl_int(wide ? (int64_t)chat_utf8_get(piece, &len) : (uint8_t)piece[0]);
    return s == end;
}

/* Copies a number without its underscores, which must stand between digits. */
static bool plain_number(const struct gotmpl_token *token, char out[64], bool *underscored)
{
    size_t n = 0;
    if (token->len > 60)
        return false;
    for (uint32_t i = 0; i < token->len; i++) {
        char c = token->s[i];
        if (c & 0x80)
            return false;
        if (c == '_') {
            *underscored = true;
            bool after = n && (digit_value(out[n - 1]) < 16 || strchr("xXoO", out[n - 1]));
            if (!after || i + 1 >= token->len || digit_value(token->s[i + 1]) >= 16)
                return false;
        } else {
            out[n++] = c;
        }
    }
    out[n] = 0;
    return n > 0;
}

static bool float_number(const char *text, bool underscored, int base, struct gotmpl_value *out)
{
    char *stop;
    /* Only numbers with a base may be underscored, and no names like "inf" come here. */
    if (strspn(text, "0123456789abcdefABCDEFxXpP.+-") != strlen(text) || (underscored && base != 16))
        return false;
    *out = (struct gotmpl_value){.kind = GOTMPL_FLOAT, .d = strtod(text, &stop)};
    return !*stop && out->d - out->d == 0;
}

/* digits: what stands behind the sign and the base's prefix. */
static bool int_number(const char *digits, bool negative, int base, struct gotmpl_value *out)
{
    uint64_t value = 0, limit = (uint64_t)INT64_MAX + negative;
    if (!*digits)
        return false;
    for (; *digits; digits++) {
        int digit = digit_value(*digits);
        if (digit >= base || value > (limit - (uint64_t)digit) / (uint64_t)base)
            return false;
        value = value * (uint64_t)base + (uint64_t)digit;
    }
    *out = gotmpl_int(negative ? (int64_t)(0 - value) : (int64_t)value);
    return true;
}

bool gotmpl_number(const struct gotmpl_token *token, struct gotmpl_value *out)
{
    char text[64];
    bool underscored = false;
    if (token->kind == GOTMPL_TOKEN_CHAR)
        return char_number(token, out);
    if (!plain_number(token, text, &underscored))
        return false;
    const char *s = text + (text[0] == '+' || text[0] == '-');
    int base = 10;
    if (s[0] == '0' && s[1])
        base = strchr("xX", s[1]) ? 16 : strchr("bB", s[1]) ? 2 : 8;
    if (base == 16 ? strpbrk(s, "pP") != NULL : base != 2 && strpbrk(s, ".eEpP") != NULL)
        return float_number(text, underscored, base, out);
    /* 017 is octal, too. */
    size_t prefix = base == 10 ? 0 : base == 8 && !strchr("oO", s[1]) ? 1 : 2;
    return int_number(s + prefix, text[0] == '-', base, out);
}
