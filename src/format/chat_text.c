/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Text in templates: UTF-8, counted in characters, with Python's notions of space, case and lines. */
#include "format/chat_internal.h"

#include <string.h>
#include <utf8proc.h>

int chat_utf8_len(const char *s, const char *end)
{
    utf8proc_int32_t c;
    utf8proc_ssize_t n = s < end ? utf8proc_iterate((const utf8proc_uint8_t *)s, end - s, &c) : 0;
    return n > 0 ? (int)n : 0;
}

uint32_t chat_utf8_get(const char *s, int *len_out)
{
    const uint8_t *u = (const uint8_t *)s;
    if (u[0] < 0x80) {
        *len_out = 1;
        return u[0];
    }
    if (u[0] < 0xe0) {
        *len_out = 2;
        return (u[0] & 0x1fu) << 6 | (u[1] & 0x3fu);
    }
    if (u[0] < 0xf0) {
        *len_out = 3;
        return (u[0] & 0xfu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu);
    }
    *len_out = 4;
    return (u[0] & 7u) << 18 | (u[1] & 0x3fu) << 12 | (u[2] & 0x3fu) << 6 | (u[3] & 0x3fu);
}

int chat_utf8_put(uint32_t c, char out[4])
{
    return (int)utf8proc_encode_char((utf8proc_int32_t)c, (utf8proc_uint8_t *)out);
}

bool chat_utf8_valid(const char *s, size_t len)
{
    const char *end = s + len;
    while (s < end) {
        int n = (*s & 0x80) ? chat_utf8_len(s, end) : 1;
        if (!n)
            return false;
        s += n;
    }
    return true;
}

int64_t chat_chars(const char *s, size_t len)
{
    int64_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += (s[i] & 0xc0) != 0x80;
    return n;
}

size_t chat_offset(const char *s, size_t len, int64_t i)
{
    size_t at = 0;
    for (; i > 0 && at < len; i--) {
        at++;
        while (at < len && (s[at] & 0xc0) == 0x80)
            at++;
    }
    return at;
}

bool chat_is_space(uint32_t c)
{
    if (c < 0x80)
        return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f);
    return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
           c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

bool chat_is_line_end(uint32_t c)
{
    return (c >= 10 && c <= 13) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

struct range {
    uint32_t first, last;
};

static bool in_ranges(uint32_t c, const struct range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    }
    return false;
}

enum chat_letter chat_letter(uint32_t c)
{
    /* Small and capital by property, though not letters by category or modifiers. */
    static const struct range lower[] = {
        {0xaa, 0xaa},     {0xba, 0xba},     {0x2b0, 0x2b8},   {0x2c0, 0x2c1},   {0x2e0, 0x2e4},
        {0x345, 0x345},   {0x37a, 0x37a},   {0x1d2c, 0x1d6a}, {0x1d78, 0x1d78}, {0x1d9b, 0x1dbf},
        {0x2071, 0x2071}, {0x207f, 0x207f}, {0x2090, 0x209c}, {0x2170, 0x217f}, {0x24d0, 0x24e9},
        {0x2c7c, 0x2c7d}, {0xa69c, 0xa69d}, {0xa770, 0xa770}, {0xa7f8, 0xa7f9}, {0xab5c, 0xab5f}};
    static const struct range upper[] = {
        {0x2160, 0x216f}, {0x24b6, 0x24cf}, {0x1f130, 0x1f149}, {0x1f150, 0x1f169}, {0x1f170, 0x1f189}};
    if (c < 0x80)
        return c >= 'a' && c <= 'z'   ? CHAT_LETTER_LOWER
               : c >= 'A' && c <= 'Z' ? CHAT_LETTER_UPPER
                                      : CHAT_LETTER_NONE;
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
        return CHAT_LETTER_UPPER;
    case UTF8PROC_CATEGORY_LT:
        return CHAT_LETTER_TITLE;
    case UTF8PROC_CATEGORY_LL:
        return CHAT_LETTER_LOWER;
    default:
        return in_ranges(c, lower, MICA_COUNT(lower))   ? CHAT_LETTER_LOWER
               : in_ranges(c, upper, MICA_COUNT(upper)) ? CHAT_LETTER_UPPER
                                                        : CHAT_LETTER_NONE;
    }
}

bool chat_all_of_case(const struct chat_value *v, enum chat_letter wanted)
{
    bool any = false;
    for (uint32_t i = 0; i < v->len;) {
        int len;
        enum chat_letter letter = chat_letter(chat_utf8_get(v->s + i, &len));
        if (letter && letter != wanted)
            return false;
        any |= letter == wanted;
        i += (uint32_t)len;
    }
    return any;
}

bool chat_is_alpha(uint32_t c)
{
    utf8proc_category_t kind = utf8proc_category((utf8proc_int32_t)c);
    return kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO;
}

bool chat_is_decimal(uint32_t c)
{
    return utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_ND;
}

bool chat_is_digit(uint32_t c)
{
    /* raised, lowered, circled … */
    static const struct range digits[] = {
        {0xb2, 0xb3},     {0xb9, 0xb9},       {0x1369, 0x1371},   {0x19da, 0x19da},   {0x2070, 0x2070},
        {0x2074, 0x2079}, {0x2080, 0x2089},   {0x2460, 0x2468},   {0x2474, 0x247c},   {0x2488, 0x2490},
        {0x24ea, 0x24ea}, {0x24f5, 0x24fd},   {0x24ff, 0x24ff},   {0x2776, 0x277e},   {0x2780, 0x2788},
        {0x278a, 0x2792}, {0x10a40, 0x10a43}, {0x10e60, 0x10e68}, {0x11052, 0x1105a}, {0x1f100, 0x1f10a}};
    return chat_is_decimal(c) || in_ranges(c, digits, MICA_COUNT(digits));
}

bool chat_is_numeric(uint32_t c)
{
    utf8proc_category_t kind = utf8proc_category((utf8proc_int32_t)c);
    return kind >= UTF8PROC_CATEGORY_ND && kind <= UTF8PROC_CATEGORY_NO;
}

bool chat_is_printable(uint32_t c)
{
    utf8proc_category_t kind = utf8proc_category((utf8proc_int32_t)c);
    if (c == ' ')
        return true;
    return kind != UTF8PROC_CATEGORY_CN && kind != UTF8PROC_CATEGORY_CC && kind != UTF8PROC_CATEGORY_CF &&
           kind != UTF8PROC_CATEGORY_CS && kind != UTF8PROC_CATEGORY_CO && kind != UTF8PROC_CATEGORY_ZL &&
           kind != UTF8PROC_CATEGORY_ZP && kind != UTF8PROC_CATEGORY_ZS;
}

static const struct {
    uint32_t c;
    const char *upper, *title;
} special_cases[] = {
#define CASE(c, upper, title) {c, upper, title},
#include "format/chat_case.def"
#undef CASE
};

static bool put_char(struct chat_ctx *ctx, struct mica_buf *buf, uint32_t c)
{
    char utf8[4];
    return chat_put(ctx, buf, utf8, (size_t)chat_utf8_put(c, utf8));
}

static bool put_upper(struct chat_ctx *ctx, uint32_t c, bool title, struct mica_buf *buf)
{
    for (size_t i = 0; c >= 0x80 && i < MICA_COUNT(special_cases); i++) {
        const char *text = title ? special_cases[i].title : special_cases[i].upper;
        if (special_cases[i].c == c)
            return chat_put(ctx, buf, text, strlen(text));
    }
    return put_char(
        ctx, buf,
        (uint32_t)(title ? utf8proc_totitle((utf8proc_int32_t)c) : utf8proc_toupper((utf8proc_int32_t)c)));
}

/* Whether the capital sigma at s ends a word: a cased letter before it and none behind. */
static bool is_final_sigma(const struct chat_value *v, const char *s)
{
    const char *end = v->s + v->len, *next = s + 2, *prev = s;
    int len;
    if (prev == v->s)
        return false;
    do
        prev--;
    while (prev > v->s && (*prev & 0xc0) == 0x80);
    if (!chat_letter(chat_utf8_get(prev, &len)))
        return false;
    return next >= end || !chat_letter(chat_utf8_get(next, &len));
}

static bool put_lower(struct chat_ctx *ctx, const struct chat_value *v, const char *s, uint32_t c,
                      struct mica_buf *buf)
{
    if (c == 0x3a3 && is_final_sigma(v, s))
        return put_char(ctx, buf, 0x3c2);
    if (c == 0x130)
        return chat_put(ctx, buf, "i̇", 3);
    return put_char(ctx, buf, (uint32_t)utf8proc_tolower((utf8proc_int32_t)c));
}

bool chat_put_case(struct chat_ctx *ctx, const struct chat_value *v, enum chat_case how, struct mica_buf *buf)
{
    const char *s = v->s, *end = s + v->len;
    bool in_word = false, ok = true;
    while (ok && s < end) {
        int len;
        uint32_t c = chat_utf8_get(s, &len);
        enum chat_letter letter = chat_letter(c);
        if (how == CHAT_FOLD && c == 0xdf)
            ok = chat_put(ctx, buf, "ss", 2);
        else if (how == CHAT_UPPER || (how == CHAT_SWAP && letter == CHAT_LETTER_LOWER))
            ok = put_upper(ctx, c, false, buf);
        else if ((how == CHAT_TITLE && !in_word) || (how == CHAT_CAPITAL && s == v->s))
            ok = put_upper(ctx, c, true, buf);
        else if (how == CHAT_SWAP && letter != CHAT_LETTER_UPPER)
            ok = put_char(ctx, buf, c);
        else
            ok = put_lower(ctx, v, s, c, buf);
        in_word = letter != CHAT_LETTER_NONE;
        s += len;
    }
    return ok;
}

static bool has_char(const struct chat_value *chars, const char *s, int len)
{
    return chat_find(chars->s, chars->len, s, (size_t)len, 0) >= 0;
}

struct chat_value chat_strip(const struct chat_value *v, const struct chat_value *chars, int sides)
{
    const char *s = v->s, *end = s + v->len;
    struct chat_value out = *v;
    int len;
    while ((sides & 1) && s < end) {
        uint32_t c = chat_utf8_get(s, &len);
        if (!(chars ? has_char(chars, s, len) : chat_is_space(c)))
            break;
        s += len;
    }
    while ((sides & 2) && end > s) {
        const char *prev = end - 1;
        while ((*prev & 0xc0) == 0x80)
            prev--;
        uint32_t c = chat_utf8_get(prev, &len);
        if (!(chars ? has_char(chars, prev, len) : chat_is_space(c)))
            break;
        end = prev;
    }
    out.s = s;
    out.len = (uint32_t)(end - s);
    return out;
}

int64_t chat_find(const char *s, size_t len, const char *needle, size_t needle_len, size_t from)
{
    const char *at;
    if (from > len || needle_len > len - from)
        return -1;
    at = needle_len ? memmem(s + from, len - from, needle, needle_len) : s + from;
    return at ? at - s : -1;
}

int64_t chat_rfind(const char *s, size_t len, const char *needle, size_t needle_len)
{
    if (needle_len > len)
        return -1;
    for (size_t at = len - needle_len;; at--) {
        if (!memcmp(s + at, needle, needle_len))
            return (int64_t)at;
        if (!at)
            return -1;
    }
}

bool chat_replace(struct chat_ctx *ctx, const struct chat_value *v, const struct chat_value *old,
                  const struct chat_value *new_text, int64_t most, struct chat_value *out)
{
    struct mica_buf buf = {0};
    size_t at = 0;
    bool ok = chat_charge(ctx, v->len / 64);
    while (ok && most != 0) {
        int64_t found;
        size_t copied = at;
        if (old->len) {
            if ((found = chat_find(v->s, v->len, old->s, old->len, at)) < 0)
                break;
            at = (size_t)found + old->len;
        } else { /* in front of every character and at the end */
            found = (int64_t)at;
        }
        ok = chat_charge(ctx, 1) && chat_put(ctx, &buf, v->s + copied, (size_t)found - copied) &&
             chat_put(ctx, &buf, new_text->s, new_text->len);
        most -= most > 0;
        if (!old->len) {
            size_t len = chat_offset(v->s + at, v->len - at, 1);
            if (!len)
                break;
            ok = ok && chat_put(ctx, &buf, v->s + at, len);
            at += len;
        }
    }
    if (ok)
        chat_put(ctx, &buf, v->s + at, v->len - at);
    return chat_str_take(ctx, &buf, out);
}

bool chat_split_lines(struct chat_ctx *ctx, const struct chat_value *v, bool keep, struct chat_list *out)
{
    const char *begin = v->s, *s = begin, *end = s + v->len;
    while (s < end) {
        int len;
        uint32_t c = chat_utf8_get(s, &len);
        const char *stop = s;
        s += len;
        if (!chat_is_line_end(c))
            continue;
        s += c == '\r' && s < end && *s == '\n';
        if (!chat_charge(ctx, 1) ||
            !chat_list_push(ctx, out, chat_part(v, begin, (size_t)((keep ? s : stop) - begin))))
            return false;
        begin = s;
    }
    return begin == end || chat_list_push(ctx, out, chat_part(v, begin, (size_t)(end - begin)));
}

bool chat_pad(struct chat_ctx *ctx, const struct chat_value *v, int64_t width, const struct chat_value *fill,
              int sides, struct chat_value *out)
{
    const struct chat_value space = chat_str(" ", 1);
    int64_t missing = width - chat_chars(v->s, v->len), left;
    struct mica_buf buf = {0};
    bool ok;
    fill = fill ? fill : &space;
    missing = missing > 0 ? missing : 0;
    /* Python puts the odd one on the left when the width is odd */
    left = sides == 1 ? missing : sides == 2 ? 0 : missing / 2 + (missing & width & 1);
    ok = chat_charge(ctx, missing / 16);
    for (int64_t i = 0; ok && i < left; i++)
        ok = chat_put(ctx, &buf, fill->s, fill->len);
    ok = ok && chat_put(ctx, &buf, v->s, v->len);
    for (int64_t i = left; ok && i < missing; i++)
        ok = chat_put(ctx, &buf, fill->s, fill->len);
    uint8_t flag = v->flag; /* out may be v */
    if (!chat_str_take(ctx, &buf, out))
        return false;
    out->flag = flag;
    return true;
}
