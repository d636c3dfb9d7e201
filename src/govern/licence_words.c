/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/licence_words.h"

#include <string.h>
#include <utf8proc.h>

/* What a character is for the comparison. */
enum kind { WORD, SPACE, NEWLINE, QUOTE, HYPHEN, MARK, OPEN, CLOSE, SIGN, COPYRIGHT };

/* Characters outside ASCII that are not (part of) words. Those that show nothing, or turn the direction of
 * writing, are not here on purpose: a text with them in it is not the reference text. */
static const struct {
    uint32_t first, last;
    enum kind kind;
} ranges[] = {
    {0xa0, 0xa0, SPACE},       {0xa9, 0xa9, COPYRIGHT}, {0xab, 0xab, QUOTE},     {0xb4, 0xb4, QUOTE},
    {0xb7, 0xb7, MARK},        {0xbb, 0xbb, QUOTE},     {0x2000, 0x200a, SPACE}, {0x2010, 0x2011, HYPHEN},
    {0x2012, 0x2015, MARK},    {0x2018, 0x201f, QUOTE}, {0x2022, 0x2023, MARK},  {0x2026, 0x2026, MARK},
    {0x2028, 0x2029, NEWLINE}, {0x202f, 0x202f, SPACE}, {0x2032, 0x2036, QUOTE}, {0x2039, 0x203a, QUOTE},
    {0x2043, 0x2043, MARK},    {0x2212, 0x2212, MARK},  {0x25a0, 0x25a1, MARK},  {0x25aa, 0x25ab, MARK},
    {0x25cb, 0x25cb, MARK},    {0x25cf, 0x25cf, MARK},  {0x25e6, 0x25e6, MARK},  {0x3000, 0x3000, SPACE},
    {0x3001, 0x3002, MARK},    {0x3008, 0x3011, QUOTE}, {0xff08, 0xff09, MARK},  {0xff0c, 0xff0c, MARK},
    {0xff0e, 0xff0e, MARK},    {0xff1a, 0xff1b, MARK},
};
/* Windows-1252 between 0x80 and 0x9f, for what is not UTF-8. */
static const uint16_t windows[32] = {0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021,
                                     0x2c6,  0x2030, 0x160,  0x2039, 0x152,  0x8d,   0x17d,  0x8f,
                                     0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                     0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};

static enum kind ascii_kind(uint32_t c)
{
    if (c == '\n')
        return NEWLINE;
    if (c == ' ' || (c >= '\t' && c <= '\r'))
        return SPACE;
    if ((c >= '0' && c <= '9') || (c | 32) - 'a' < 26 || c < 32 || c == 127)
        return WORD;
    if (strchr("'\"`", (int)c))
        return QUOTE;
    if (c == '-')
        return HYPHEN;
    if (strchr("<[{", (int)c))
        return OPEN;
    if (strchr(">]}", (int)c))
        return CLOSE;
    return strchr("$%&", (int)c) ? SIGN : MARK;
}

static enum kind kind_of(uint32_t c)
{
    if (c < 128)
        return ascii_kind(c);
    for (size_t i = 0; i < MICA_COUNT(ranges); i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return ranges[i].kind;
    return WORD;
}

struct scanner {
    const uint8_t *text;
    size_t len, at;
    bool windows;
    struct mica_licence_words *out;
    uint32_t line;
    bool line_start, empty_line; /* no word on this line yet; an empty line before it */
    size_t before_line;          /* the end of what was written before this line */
    size_t bracket_end;          /* inside a bracket up to here */
    bool bracket_opens;
};

/* The character at at; its length in *size. */
static uint32_t peek(const struct scanner *s, size_t at, size_t *size)
{
    uint8_t c = s->text[at];
    *size = 1;
    if (c < 128)
        return c;
    if (s->windows)
        return c < 0xa0 ? windows[c - 0x80] : c;
    utf8proc_int32_t point;
    utf8proc_ssize_t n = utf8proc_iterate(s->text + at, (utf8proc_ssize_t)(s->len - at), &point);
    *size = n > 0 ? (size_t)n : 1;
    return n > 0 ? (uint32_t)point : 0xfffd;
}

static bool is_utf8(const uint8_t *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        utf8proc_int32_t point;
        utf8proc_ssize_t n = utf8proc_iterate(text + i, (utf8proc_ssize_t)(len - i), &point);
        if (n <= 0)
            return false;
        i += (size_t)n;
    }
    return true;
}

static bool is_in(uint32_t c, const char *set)
{
    return c && c < 128 && strchr(set, (int)c);
}

static bool is_digit(uint32_t c)
{
    return c >= '0' && c <= '9';
}

/* Appends a character in small letters. One outside ASCII stays outside: the Kelvin sign is no k. */
static void put_lower(struct mica_buf *norm, uint32_t c)
{
    if (c < 128) {
        char small = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        mica_buf_append(norm, &small, 1);
        return;
    }
    utf8proc_int32_t small = utf8proc_tolower((utf8proc_int32_t)c);
    utf8proc_uint8_t bytes[4];
    mica_buf_append(norm, bytes,
                    (size_t)utf8proc_encode_char(small < 128 ? (utf8proc_int32_t)c : small, bytes));
}

/* Does a word go on over the mark at at: an apostrophe between letters, a point between digits? */
static bool goes_on(const struct scanner *s, uint32_t last, size_t at, uint32_t mark, size_t size)
{
    size_t next_size;
    if (at + size >= s->len)
        return false;
    uint32_t next = peek(s, at + size, &next_size);
    if (mark == '\'' || mark == 0x2019)
        return !is_digit(last) && kind_of(next) == WORD && !is_digit(next);
    return mark == '.' && is_digit(last) && is_digit(next);
}

static void add_word(struct scanner *s, size_t key, size_t from, size_t to, unsigned flags)
{
    struct mica_licence_words *out = s->out;
    if (!mica_grow(&out->words, out->n, &out->capacity, sizeof *out->words)) {
        out->norm.failed = true;
        return;
    }
    if (s->line_start)
        flags |= MICA_WORD_FIRST | (s->empty_line ? MICA_WORD_PARAGRAPH : 0u);
    if (from < s->bracket_end)
        flags |= MICA_WORD_BRACKET | (s->bracket_opens ? MICA_WORD_OPENS : 0u);
    s->bracket_opens = false;
    s->line_start = s->empty_line = false;
    out->words[out->n++] = (struct mica_licence_word){(uint32_t)key,
                                                      (uint32_t)(out->norm.len - key),
                                                      (uint32_t)from,
                                                      (uint32_t)to,
                                                      s->line,
                                                      (uint16_t)flags,
                                                      -1};
}

static void take_word(struct scanner *s)
{
    struct mica_buf *norm = &s->out->norm;
    size_t from = s->at, key = norm->len, size, to;
    uint32_t first = peek(s, s->at, &size), last = first;
    bool lower = true;
    while (s->at < s->len) {
        uint32_t c = peek(s, s->at, &size);
        if (kind_of(c) != WORD) {
            if (!goes_on(s, last, s->at, c, size))
                break;
            c = c == 0x2019 ? '\'' : c;
        }
        lower = lower && !(c >= 'A' && c <= 'Z');
        put_lower(norm, c);
        last = c;
        s->at += size;
    }
    to = s->at;
    add_word(s, key, from, to,
             ((first >= 'A' && first <= 'Z') || is_digit(first) ||
                      (first >= 128 && utf8proc_tolower((utf8proc_int32_t)first) != (utf8proc_int32_t)first)
                  ? MICA_WORD_CAPITAL
                  : 0u) |
                 (lower && !is_digit(first) ? MICA_WORD_LOWER : 0u));
}

static void take_sign(struct scanner *s, size_t size, const char *key, unsigned flags)
{
    size_t at = s->out->norm.len;
    mica_buf_puts(&s->out->norm, key);
    add_word(s, at, s->at, s->at + size, flags);
    s->at += size;
}

/* A bracket that closes soon is a placeholder or an address; its words are marked. */
static void open_bracket(struct scanner *s)
{
    size_t limit = s->at + 100 < s->len ? s->at + 100 : s->len;
    for (size_t i = s->at + 1; i < limit; i++) {
        if (is_in(s->text[i], "<[{"))
            return;
        if (is_in(s->text[i], ">]}")) {
            s->bracket_end = i;
            s->bracket_opens = true;
            return;
        }
    }
}

/* "(c)" that stands for ©: beside the word copyright, or before a year. */
static bool is_round_c(const struct scanner *s)
{
    const uint8_t *t = s->text + s->at;
    size_t left = s->len - s->at, i = 3;
    if (left < 3 || t[0] != '(' || (t[1] | 32) != 'c' || t[2] != ')')
        return false;
    const struct mica_licence_words *out = s->out;
    if (out->n && mica_word_is(out, out->n - 1, "copyright") && !s->line_start)
        return true;
    while (i < left && (t[i] == ' ' || t[i] == '\t'))
        i++;
    if (left - i >= 4 && is_digit(t[i]) && is_digit(t[i + 1]) && is_digit(t[i + 2]) && is_digit(t[i + 3]))
        return true;
    return left - i >= 9 && utf8proc_tolower(t[i]) == 'c' &&
           !strncasecmp((const char *)t + i, "copyright", 9);
}

static size_t number_length(const uint8_t *t, size_t left)
{
    size_t i = 0;
    while (i < left && (is_digit(t[i]) || (t[i] == '.' && i && i + 1 < left && is_digit(t[i + 1]))))
        i++;
    return i <= 8 ? i : 0;
}

/* The length of the number, letter or Roman number at t; 0 when there is none. */
static size_t mark_length(const uint8_t *t, size_t left)
{
    size_t n = number_length(t, left);
    if (n)
        return n;
    while (n < 5 && n < left && (t[n] | 32) - 'a' < 26u)
        n++;
    for (size_t k = 0; n > 1 && k < n; k++)
        if (!is_in(t[k], "ivxIVX"))
            return 0;
    return n;
}

/* The length of the item mark at the start of a line ("3.", "(iv)", "a)", "1.2"); its core in *core. */
static size_t item_length(const struct scanner *s, size_t *core, size_t *core_len)
{
    const uint8_t *t = s->text + s->at;
    size_t left = s->len - s->at, open = left && is_in(t[0], "(["), i = open,
           n = mark_length(t + i, left - i);
    if (!n)
        return 0;
    *core = i;
    *core_len = n;
    i += n;
    size_t close = i;
    while (i < left && i < close + 2 && is_in(t[i], ").]:"))
        i++;
    bool closed = i > close && (!open || is_in(t[close], ")]"));
    if (!closed && (open || !memchr(t, '.', n)))
        return 0;
    return i >= left || is_in(t[i], " \t\r\n\f") ? i : 0;
}

/* A list item begins where what was written before it has come to an end. */
static bool item_may_begin(const struct scanner *s)
{
    const struct mica_licence_words *out = s->out;
    if (s->empty_line || !out->n || (out->words[out->n - 1].flags & MICA_WORD_ITEM))
        return true;
    if (mica_word_is(out, out->n - 1, "and") || mica_word_is(out, out->n - 1, "or"))
        return true;
    return s->before_line && is_in(s->text[s->before_line - 1], ".;:,-*\"'])");
}

static bool take_item(struct scanner *s)
{
    size_t core, core_len, len = item_length(s, &core, &core_len);
    if (!len || !item_may_begin(s))
        return false;
    size_t key = s->out->norm.len;
    for (size_t i = 0; i < core_len; i++)
        put_lower(&s->out->norm, s->text[s->at + core + i]);
    add_word(s, key, s->at + core, s->at + core + core_len, MICA_WORD_ITEM | MICA_WORD_CAPITAL);
    s->at += len;
    return true;
}

static void take_newline(struct scanner *s, size_t size)
{
    if (s->line_start)
        s->empty_line = true;
    else
        s->before_line = s->at;
    while (s->before_line && is_in(s->text[s->before_line - 1], " \t\r\f\v"))
        s->before_line--;
    s->line++;
    s->line_start = true;
    s->at += size;
}

/* A hyphen behind a word joins it to the next, or breaks it at the end of the line. */
static void take_hyphen(struct scanner *s, size_t size)
{
    struct mica_licence_words *out = s->out;
    size_t i = s->at + size;
    if (out->n && out->words[out->n - 1].to == s->at && i < s->len) {
        size_t next;
        uint32_t c = peek(s, i, &next);
        if (kind_of(c) == WORD)
            out->words[out->n - 1].flags |= MICA_WORD_PARTS;
        while (i < s->len && is_in(s->text[i], " \t\r"))
            i++;
        if (i < s->len && s->text[i] == '\n')
            out->words[out->n - 1].flags |= MICA_WORD_BROKEN;
    }
    s->at += size;
}

static void scan(struct scanner *s)
{
    while (s->at < s->len && !s->out->norm.failed) {
        size_t size;
        uint32_t c = peek(s, s->at, &size);
        enum kind kind = kind_of(c);
        if (kind == SPACE || kind == QUOTE) {
            s->at += size;
        } else if (kind == NEWLINE) {
            take_newline(s, size);
        } else if (kind == COPYRIGHT || (c == '(' && is_round_c(s))) {
            take_sign(s, kind == COPYRIGHT ? size : 3, "copyright", MICA_WORD_CAPITAL | MICA_WORD_SIGN);
        } else if ((s->line_start || (s->out->n && s->out->words[s->out->n - 1].line == s->line &&
                                      (s->out->words[s->out->n - 1].flags & MICA_WORD_ITEM))) &&
                   take_item(s)) {
            continue;
        } else if (kind == WORD) {
            take_word(s);
        } else if (kind == SIGN) {
            char key[2] = {(char)c, 0};
            take_sign(s, size, key, 0);
        } else if (kind == HYPHEN) {
            take_hyphen(s, size);
        } else {
            if (kind == OPEN && s->at >= s->bracket_end)
                open_bracket(s);
            s->at += size;
        }
    }
}

/* Rows of licence_spelling.def. */
static const struct spelling {
    const char *word, *next, *as, *as_next;
} spellings[] = {
#define X(word, next, as, as_next) {word, next, as, as_next},
#include "govern/licence_spelling.def"
#undef X
};

static void set_key(struct mica_licence_words *words, int64_t i, const char *key)
{
    words->words[i].key = (uint32_t)words->norm.len;
    words->words[i].key_len = (uint32_t)strlen(key);
    mica_buf_puts(&words->norm, key);
}

static const struct spelling *find_spelling(const struct mica_licence_words *words, int64_t i)
{
    const char *key = mica_word_key(words, i);
    for (size_t r = 0; r < MICA_COUNT(spellings); r++) {
        const struct spelling *row = &spellings[r];
        if (row->word[0] == key[0] && mica_word_is(words, i, row->word) &&
            (!row->next[0] || (i + 1 < words->n && mica_word_is(words, i + 1, row->next))))
            return row;
    }
    return NULL;
}

/* One spelling for all; © beside "copyright" counts once. */
static void respell(struct mica_licence_words *words)
{
    int64_t out = 0;
    for (int64_t i = 0; i < words->n && !words->norm.failed; i++) {
        if (out && mica_word_is(words, i, "copyright") && mica_word_is(words, out - 1, "copyright") &&
            words->words[i].line == words->words[out - 1].line) {
            words->words[out - 1].flags |= words->words[i].flags & MICA_WORD_SIGN;
            continue;
        }
        const struct spelling *row = find_spelling(words, i);
        words->words[out] = words->words[i];
        if (row) {
            set_key(words, out, row->as);
            if (row->next[0] && row->as_next[0]) {
                words->words[++out] = words->words[++i];
                set_key(words, out, row->as_next);
            } else if (row->next[0]) {
                words->words[out].to = words->words[++i].to;
            }
        }
        out++;
    }
    words->n = out;
}

enum mica_status mica_licence_split(const char *text, size_t len, struct mica_licence_words *out,
                                    struct mica_err *err)
{
    struct mica_licence_words words = {.text = text};
    if (len > MICA_LICENCE_TEXT_MAX)
        return mica_fail(err, MICA_ELIMIT, "licence text of %zu bytes: longer than any licence (%d)", len,
                         MICA_LICENCE_TEXT_MAX);
    struct scanner s = {
        .text = (const uint8_t *)text, .len = len, .out = &words, .line_start = true, .empty_line = true};
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        s.at = 3;
    s.windows = !is_utf8(s.text, len);
    mica_buf_append(&words.norm, "", 0);
    scan(&s);
    respell(&words);
    if (words.norm.failed) {
        mica_licence_words_release(&words);
        return mica_fail(err, MICA_ENOMEM, "licence text: out of memory");
    }
    *out = words;
    return MICA_OK;
}

void mica_licence_words_release(struct mica_licence_words *words)
{
    mica_buf_release(&words->norm);
    mica_free(words->words);
    *words = (struct mica_licence_words){0};
}

bool mica_word_is(const struct mica_licence_words *words, int64_t i, const char *word)
{
    const struct mica_licence_word *w = &words->words[i];
    return strlen(word) == w->key_len && memcmp(words->norm.data + w->key, word, w->key_len) == 0;
}

/* The places that a mark may name: as number or letter, and as Roman number. */
static void item_values(const char *mark, size_t len, int values[2])
{
    static const char digits[] = "ivx";
    static const int worth[] = {1, 5, 10};
    values[0] = values[1] = -1;
    if (len == 1 && mark[0] >= 'a' && mark[0] <= 'z')
        values[0] = mark[0] - 'a' + 1;
    else if (len < 4 && strspn(mark, "0123456789") >= len)
        for (size_t i = 0; i < len; i++)
            values[0] = (values[0] < 0 ? 0 : values[0] * 10) + mark[i] - '0';
    int sum = 0, last = 0;
    for (size_t i = len; i-- > 0;) {
        const char *digit = strchr(digits, mark[i]);
        if (!digit || !mark[i])
            return;
        int value = worth[digit - digits];
        sum += value < last ? -value : value;
        last = value > last ? value : last;
    }
    values[1] = sum;
}

bool mica_item_equal(const char *a, size_t a_len, const char *b, size_t b_len)
{
    if (a_len == b_len && memcmp(a, b, a_len) == 0)
        return true;
    int x[2], y[2];
    item_values(a, a_len, x);
    item_values(b, b_len, y);
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            if (x[i] > 0 && x[i] == y[j])
                return true;
    return false;
}
