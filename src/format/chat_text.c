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

bool chat_is_cased(uint32_t c, bool *upper)
{
    utf8proc_category_t kind = utf8proc_category((utf8proc_int32_t)c);
    *upper = kind == UTF8PROC_CATEGORY_LU;
    return kind == UTF8PROC_CATEGORY_LU || kind == UTF8PROC_CATEGORY_LL || kind == UTF8PROC_CATEGORY_LT ||
           (c >= 0x2160 && c <= 0x217f);
}

bool chat_is_alpha(uint32_t c)
{
    utf8proc_category_t kind = utf8proc_category((utf8proc_int32_t)c);
    return kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO;
}

bool chat_is_digit(uint32_t c)
{
    return utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_ND || c == 0xb2 || c == 0xb3 ||
           c == 0xb9;
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

/* Characters whose other case is more than one character. */
static const struct {
    uint32_t c;
    const char *upper, *title;
} special_cases[] = {
    {0xdf, "SS", "Ss"},   {0x149, "ʼN", "ʼN"},  {0x1f0, "J̌", "J̌"},      {0xfb00, "FF", "Ff"},
    {0xfb01, "FI", "Fi"}, {0xfb02, "FL", "Fl"}, {0xfb03, "FFI", "Ffi"}, {0xfb04, "FFL", "Ffl"},
    {0xfb05, "ST", "St"}, {0xfb06, "ST", "St"}, {0x587, "ԵՒ", "Եւ"},    {0x390, "Ϊ́", "Ϊ́"},
    {0x3b0, "Ϋ́", "Ϋ́"},
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
    bool upper;
    int len;
    if (prev == v->s)
        return false;
    do
        prev--;
    while (prev > v->s && (*prev & 0xc0) == 0x80);
    if (!chat_is_cased(chat_utf8_get(prev, &len), &upper))
        return false;
    return next >= end || !chat_is_cased(chat_utf8_get(next, &len), &upper);
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
        bool upper, cased = chat_is_cased(c, &upper);
        if (how == CHAT_FOLD && c == 0xdf)
            ok = chat_put(ctx, buf, "ss", 2);
        else if (how == CHAT_UPPER || (how == CHAT_SWAP && cased && !upper))
            ok = put_upper(ctx, c, false, buf);
        else if ((how == CHAT_TITLE && !in_word) || (how == CHAT_CAPITAL && s == v->s))
            ok = put_upper(ctx, c, true, buf);
        else if (how == CHAT_SWAP && !upper)
            ok = put_char(ctx, buf, c);
        else
            ok = put_lower(ctx, v, s, c, buf);
        in_word = cased;
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
    ok = ok && chat_put(ctx, &buf, v->s + at, v->len - at);
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
