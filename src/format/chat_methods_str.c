/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The methods of text. */
#include "format/chat_internal.h"

#include <string.h>

static bool given(const struct chat_value *v)
{
    return v->kind != CHAT_MISSING && v->kind != CHAT_NONE;
}

/* ---- case ---- */
static bool change_case(struct chat_ctx *ctx, const struct chat_call *call, enum chat_case how,
                        struct chat_value *out)
{
    struct mica_buf buf = {0};
    chat_put_case(ctx, &call->self, how, &buf);
    if (!chat_str_take(ctx, &buf, out))
        return false;
    out->flag = call->self.flag;
    return true;
}

#define CASE_METHOD(name, how)                                                                               \
    static bool str_##name(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)       \
    {                                                                                                        \
        return change_case(ctx, call, how, out);                                                             \
    }
CASE_METHOD(upper, CHAT_UPPER)
CASE_METHOD(lower, CHAT_LOWER)
CASE_METHOD(title, CHAT_TITLE)
CASE_METHOD(capitalize, CHAT_CAPITAL)
CASE_METHOD(swapcase, CHAT_SWAP)
CASE_METHOD(casefold, CHAT_FOLD)

/* ---- ends ---- */
static bool strip(struct chat_ctx *ctx, const struct chat_call *call, int sides, struct chat_value *out)
{
    struct chat_value chars;
    if (given(&call->at[0]) && call->at[0].kind != CHAT_STR)
        return chat_raise(ctx, "strip arg must be None or str");
    chars = call->at[0];
    *out = chat_strip(&call->self, given(&call->at[0]) ? &chars : NULL, sides);
    return chat_charge(ctx, call->self.len / 64);
}

static bool str_strip(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return strip(ctx, call, 3, out);
}

static bool str_lstrip(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return strip(ctx, call, 1, out);
}

static bool str_rstrip(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return strip(ctx, call, 2, out);
}

static bool has_end(const struct chat_value *v, const struct chat_value *part, bool start)
{
    return part->len <= v->len && !memcmp(start ? v->s : v->s + v->len - part->len, part->s, part->len);
}

/* The part of the object between the optional arguments start and end, counted in characters. */
static bool window(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out,
                   size_t *skipped, bool *outside)
{
    const struct chat_value *v = &call->self;
    int64_t n = chat_chars(v->s, v->len), start = 0, end = n;
    if ((given(&call->at[1]) && !chat_arg_int(ctx, &call->at[1], 0, &start)) ||
        (given(&call->at[2]) && !chat_arg_int(ctx, &call->at[2], n, &end)) || !chat_charge(ctx, v->len / 16))
        return false;
    start = start < 0 ? (start < -n ? 0 : start + n) : start;
    end = end > n ? n : end < 0 ? (end < -n ? 0 : end + n) : end;
    *outside = start > end;
    *skipped = chat_offset(v->s, v->len, *outside ? 0 : start);
    *out = chat_str(v->s + *skipped,
                    chat_offset(v->s + *skipped, v->len - *skipped, *outside ? 0 : end - start));
    return true;
}

static bool has_ends(struct chat_ctx *ctx, const struct chat_call *call, bool start, struct chat_value *out)
{
    const struct chat_value *part = &call->at[0];
    struct chat_value text;
    size_t skipped;
    bool is = false, outside;
    if (!window(ctx, call, &text, &skipped, &outside))
        return false;
    if (part->kind == CHAT_STR) {
        is = !outside && has_end(&text, part, start);
    } else if (part->kind == CHAT_TUPLE) {
        for (int64_t i = 0; i < part->list->n && !is; i++) {
            if (part->list->at[i].kind != CHAT_STR)
                return chat_raise(ctx, "tuple for %s must only contain str",
                                  start ? "startswith" : "endswith");
            is = !outside && has_end(&text, &part->list->at[i], start);
        }
    } else {
        return chat_raise(ctx, "%s first arg must be str or a tuple of str, not %s",
                          start ? "startswith" : "endswith", chat_type_name(part));
    }
    *out = chat_bool(is);
    return true;
}

static bool str_startswith(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return has_ends(ctx, call, true, out);
}

static bool str_endswith(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return has_ends(ctx, call, false, out);
}

static bool str_removeprefix(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_value part;
    if (!chat_arg_str(ctx, &call->at[0], &part))
        return false;
    *out = call->self;
    if (has_end(&call->self, &part, true)) {
        out->s += part.len;
        out->len -= part.len;
    }
    return true;
}

static bool str_removesuffix(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_value part;
    if (!chat_arg_str(ctx, &call->at[0], &part))
        return false;
    *out = call->self;
    if (has_end(&call->self, &part, false))
        out->len -= part.len;
    return true;
}

/* ---- searching ---- */
static bool find(struct chat_ctx *ctx, const struct chat_call *call, bool last, int64_t *out)
{
    struct chat_value text, part;
    size_t skipped;
    bool outside;
    int64_t at;
    *out = -1;
    if (!chat_arg_str(ctx, &call->at[0], &part) || !window(ctx, call, &text, &skipped, &outside))
        return false;
    if (outside)
        return true;
    at = last ? chat_rfind(text.s, text.len, part.s, part.len)
              : chat_find(text.s, text.len, part.s, part.len, 0);
    if (at >= 0)
        *out = chat_chars(call->self.s, skipped + (size_t)at);
    return true;
}

static bool str_find(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    *out = chat_int(0);
    return find(ctx, call, false, &out->i);
}

static bool str_rfind(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    *out = chat_int(0);
    return find(ctx, call, true, &out->i);
}

static bool str_index(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return str_find(ctx, call, out) && (out->i >= 0 || chat_raise(ctx, "substring not found"));
}

static bool str_rindex(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return str_rfind(ctx, call, out) && (out->i >= 0 || chat_raise(ctx, "substring not found"));
}

static bool str_count(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_value text, part;
    size_t skipped;
    bool outside;
    int64_t at = 0, n = 0;
    if (!chat_arg_str(ctx, &call->at[0], &part) || !window(ctx, call, &text, &skipped, &outside))
        return false;
    if (!part.len)
        n = chat_chars(text.s, text.len) + 1;
    while (part.len && (at = chat_find(text.s, text.len, part.s, part.len, (size_t)at)) >= 0) {
        n++;
        at += part.len;
    }
    *out = chat_int(outside ? 0 : n);
    return true;
}

static bool str_replace(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_value old, new_text;
    int64_t most;
    if (!chat_arg_str(ctx, &call->at[0], &old) || !chat_arg_str(ctx, &call->at[1], &new_text) ||
        !chat_arg_int(ctx, &call->at[2], -1, &most) ||
        !chat_replace(ctx, &call->self, &old, &new_text, most, out))
        return false;
    out->flag = call->self.flag;
    return true;
}

/* ---- splitting and joining ---- */
static const char *space_end(const char *s, const char *end, bool space)
{
    int len;
    while (s < end && chat_is_space(chat_utf8_get(s, &len)) == space)
        s += len;
    return s;
}

static bool split_space(struct chat_ctx *ctx, const struct chat_value *v, int64_t most,
                        struct chat_list *list)
{
    const char *end = v->s + v->len, *s = space_end(v->s, end, true);
    while (s < end) {
        const char *stop = most == 0 ? end : space_end(s, end, false);
        if (!chat_charge(ctx, 1) || !chat_list_push(ctx, list, chat_part(v, s, (size_t)(stop - s))))
            return false;
        most -= most > 0;
        s = space_end(stop, end, true);
    }
    return true;
}

static bool split_at(struct chat_ctx *ctx, const struct chat_value *v, const struct chat_value *separator,
                     int64_t most, struct chat_list *list)
{
    size_t begin = 0;
    int64_t at;
    while (most != 0 && (at = chat_find(v->s, v->len, separator->s, separator->len, begin)) >= 0) {
        if (!chat_charge(ctx, 1) ||
            !chat_list_push(ctx, list, chat_part(v, v->s + begin, (size_t)at - begin)))
            return false;
        begin = (size_t)at + separator->len;
        most -= most > 0;
    }
    return chat_list_push(ctx, list, chat_part(v, v->s + begin, v->len - begin));
}

/* From the right: the pieces come out last first. */
static bool rsplit(struct chat_ctx *ctx, const struct chat_value *v, const struct chat_value *separator,
                   int64_t most, struct chat_list *list)
{
    struct chat_value rest = *v;
    for (;;) {
        struct chat_value piece;
        int64_t at = -1;
        if (!separator) {
            rest = chat_strip(&rest, NULL, 2);
            if (!rest.len)
                return true;
            for (size_t i = rest.len; most != 0 && i > 0 && at < 0;) {
                int len;
                i--;
                if ((rest.s[i] & 0xc0) != 0x80 && chat_is_space(chat_utf8_get(rest.s + i, &len)))
                    at = (int64_t)i + len;
            }
        } else if (most != 0 && (at = chat_rfind(rest.s, rest.len, separator->s, separator->len)) >= 0) {
            at += separator->len;
        }
        piece = at < 0 ? rest : chat_part(&rest, rest.s + at, rest.len - (size_t)at);
        if (!chat_charge(ctx, 1) || !chat_list_push(ctx, list, piece))
            return false;
        if (at < 0)
            return true;
        rest.len = (uint32_t)(at - (separator ? separator->len : 0));
        most -= most > 0;
    }
}

static bool split_args(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *separator,
                       int64_t *most)
{
    separator->kind = CHAT_NONE;
    if (given(&call->at[0]) && !chat_arg_str(ctx, &call->at[0], separator))
        return false;
    if (separator->kind == CHAT_STR && !separator->len)
        return chat_raise(ctx, "empty separator");
    return chat_arg_int(ctx, &call->at[1], -1, most) && chat_charge(ctx, call->self.len / 64);
}

static bool str_split(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_list *list = chat_list_new(ctx, 0);
    struct chat_value separator = {0};
    int64_t most = 0;
    if (!list || !split_args(ctx, call, &separator, &most))
        return false;
    *out = chat_of_list(CHAT_LIST, list);
    return separator.kind == CHAT_STR ? split_at(ctx, &call->self, &separator, most, list)
                                      : split_space(ctx, &call->self, most, list);
}

static bool str_rsplit(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_list *list = chat_list_new(ctx, 0);
    struct chat_value separator = {0};
    int64_t most = 0;
    if (!list || !split_args(ctx, call, &separator, &most) ||
        !rsplit(ctx, &call->self, separator.kind == CHAT_STR ? &separator : NULL, most, list))
        return false;
    for (int64_t i = 0, k = list->n - 1; i < k; i++, k--) {
        struct chat_value swap = list->at[i];
        list->at[i] = list->at[k];
        list->at[k] = swap;
    }
    *out = chat_of_list(CHAT_LIST, list);
    return true;
}

static bool str_splitlines(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_list *list = chat_list_new(ctx, 0);
    if (!list)
        return false;
    *out = chat_of_list(CHAT_LIST, list);
    return chat_split_lines(ctx, &call->self, chat_truth(&call->at[0]), list);
}

static bool partition(struct chat_ctx *ctx, const struct chat_call *call, bool last, struct chat_value *out)
{
    struct chat_list *list = chat_list_new(ctx, 3);
    const struct chat_value *v = &call->self;
    struct chat_value part, none = chat_part(v, "", 0), whole = *v;
    int64_t at;
    if (!list || !chat_arg_str(ctx, &call->at[0], &part))
        return false;
    if (!part.len)
        return chat_raise(ctx, "empty separator");
    at = last ? chat_rfind(v->s, v->len, part.s, part.len) : chat_find(v->s, v->len, part.s, part.len, 0);
    list->at[0] = at >= 0 ? chat_part(v, v->s, (size_t)at) : last ? none : whole;
    list->at[1] = at >= 0 ? chat_part(v, part.s, part.len) : none;
    list->at[2] = at >= 0 ? chat_part(v, v->s + at + part.len, v->len - (size_t)at - part.len)
                  : last  ? whole
                          : none;
    list->n = 3;
    *out = chat_of_list(CHAT_TUPLE, list);
    return chat_charge(ctx, v->len / 64);
}

static bool str_partition(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return partition(ctx, call, false, out);
}

static bool str_rpartition(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return partition(ctx, call, true, out);
}

static bool str_join(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct mica_buf buf = {0};
    struct chat_list *items;
    bool ok = chat_items(ctx, &call->at[0], &items);
    for (int64_t i = 0; ok && i < items->n; i++) {
        struct chat_value item = items->at[i];
        if (item.kind != CHAT_STR && !call->self.flag)
            ok = chat_raise(ctx, "sequence item %d: expected str instance, %s found", (int)i,
                            chat_type_name(&item));
        ok = ok && (!call->self.flag || chat_escape(ctx, &item, &item)) &&
             (!i || chat_put(ctx, &buf, call->self.s, call->self.len)) &&
             chat_put(ctx, &buf, item.s, item.len);
    }
    if (!chat_str_take(ctx, &buf, out))
        return false;
    out->flag = call->self.flag;
    return true;
}

/* ---- width ---- */
static bool pad(struct chat_ctx *ctx, const struct chat_call *call, int sides, struct chat_value *out)
{
    const struct chat_value *fill = &call->at[1];
    int64_t width;
    if (!chat_arg_int(ctx, &call->at[0], 0, &width))
        return false;
    if (fill->kind != CHAT_MISSING && (fill->kind != CHAT_STR || chat_chars(fill->s, fill->len) != 1))
        return chat_raise(ctx, "The fill character must be exactly one character long");
    return chat_pad(ctx, &call->self, width, fill->kind == CHAT_STR ? fill : NULL, sides, out);
}

static bool str_center(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return pad(ctx, call, 3, out);
}

static bool str_ljust(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return pad(ctx, call, 2, out);
}

static bool str_rjust(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return pad(ctx, call, 1, out);
}

static bool str_zfill(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    const struct chat_value zero = chat_str("0", 1);
    struct chat_value digits = call->self, sign = chat_part(&call->self, call->self.s, 0), padded;
    int64_t width;
    if (!chat_arg_int(ctx, &call->at[0], 0, &width))
        return false;
    if (digits.len && (digits.s[0] == '-' || digits.s[0] == '+')) {
        sign.len = 1;
        digits.s++;
        digits.len--;
    }
    return chat_pad(ctx, &digits, width - sign.len, &zero, 1, &padded) &&
           chat_binary(ctx, '+', &sign, &padded, out);
}

static bool str_expandtabs(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct mica_buf buf = {0};
    int64_t size, column = 0;
    bool ok = chat_arg_int(ctx, &call->at[0], 8, &size);
    for (uint32_t i = 0; ok && i < call->self.len; i++) {
        char c = call->self.s[i];
        if (c != '\t') {
            ok = chat_put(ctx, &buf, &c, 1);
            column = c == '\n' || c == '\r' ? 0 : column + ((c & 0xc0) != 0x80);
            continue;
        }
        int64_t n = size > 0 ? size - column % size : 0;
        column += n;
        ok = chat_charge(ctx, n / 16);
        for (; ok && n > 0; n--)
            ok = chat_put(ctx, &buf, " ", 1);
    }
    if (!chat_str_take(ctx, &buf, out))
        return false;
    out->flag = call->self.flag;
    return true;
}

const struct chat_builtin chat_str_methods[] = {
    {"upper", str_upper, "-", 0},
    {"lower", str_lower, "-", 0},
    {"title", str_title, "-", 0},
    {"capitalize", str_capitalize, "-", 0},
    {"swapcase", str_swapcase, "-", 0},
    {"casefold", str_casefold, "-", 0},
    {"strip", str_strip, "-chars", 0},
    {"lstrip", str_lstrip, "-chars", 0},
    {"rstrip", str_rstrip, "-chars", 0},
    {"startswith", str_startswith, "-prefix start end", 1},
    {"endswith", str_endswith, "-suffix start end", 1},
    {"removeprefix", str_removeprefix, "-prefix", 1},
    {"removesuffix", str_removesuffix, "-suffix", 1},
    {"find", str_find, "-sub start end", 1},
    {"rfind", str_rfind, "-sub start end", 1},
    {"index", str_index, "-sub start end", 1},
    {"rindex", str_rindex, "-sub start end", 1},
    {"count", str_count, "-sub start end", 1},
    {"replace", str_replace, "-old new count", 2},
    {"split", str_split, "sep maxsplit", 0},
    {"rsplit", str_rsplit, "sep maxsplit", 0},
    {"splitlines", str_splitlines, "keepends", 0},
    {"partition", str_partition, "-sep", 1},
    {"rpartition", str_rpartition, "-sep", 1},
    {"join", str_join, "-iterable", 1},
    {"center", str_center, "-width fillchar", 1},
    {"ljust", str_ljust, "-width fillchar", 1},
    {"rjust", str_rjust, "-width fillchar", 1},
    {"zfill", str_zfill, "-width", 1},
    {"expandtabs", str_expandtabs, "tabsize", 0},
    {"format", chat_format_method, "*", 0},
    {0},
};
