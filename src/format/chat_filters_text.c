/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Filters that write text. */
#include "format/chat_internal.h"

#include <stdlib.h>
#include <string.h>

/* The filter's input as text; a marked text stays marked. */
static bool input(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return chat_to_str(ctx, &call->self, out);
}

static bool flag(const struct chat_value *v)
{
    return chat_truth(v);
}

static bool change_case(struct chat_ctx *ctx, const struct chat_call *call, enum chat_case how,
                        struct chat_value *out)
{
    struct mica_buf buf = {0};
    struct chat_value text;
    if (!input(ctx, call, &text))
        return false;
    chat_put_case(ctx, &text, how, &buf);
    if (!chat_str_take(ctx, &buf, out))
        return false;
    out->flag = text.flag;
    return true;
}

static bool filter_upper(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return change_case(ctx, call, CHAT_UPPER, out);
}

static bool filter_lower(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return change_case(ctx, call, CHAT_LOWER, out);
}

static bool filter_capitalize(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return change_case(ctx, call, CHAT_CAPITAL, out);
}

/* Unlike the method of the same name, words end only at space and opening marks. */
static bool filter_title(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct mica_buf buf = {0};
    struct chat_value text;
    bool start = true, ok = input(ctx, call, &text);
    for (uint32_t i = 0; ok && i < text.len;) {
        int len;
        uint32_t c = chat_utf8_get(text.s + i, &len);
        struct chat_value one = chat_str(text.s + i, (size_t)len);
        ok = chat_put_case(ctx, &one, start ? CHAT_UPPER : CHAT_LOWER, &buf);
        start = chat_is_space(c) || (c < 0x80 && c && strchr("-({[<", (int)c));
        i += (uint32_t)len;
    }
    return chat_str_take(ctx, &buf, out);
}

static bool filter_trim(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_value text, chars;
    bool given = call->at[0].kind != CHAT_MISSING && call->at[0].kind != CHAT_NONE;
    if (!input(ctx, call, &text) || (given && !chat_arg_str(ctx, &call->at[0], &chars)))
        return false;
    *out = chat_strip(&text, given ? &chars : NULL, 3);
    return chat_charge(ctx, text.len / 64);
}

static bool filter_replace(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_value text, old, new_text;
    int64_t most = -1;
    if (!input(ctx, call, &text) || !chat_to_str(ctx, &call->at[0], &old) ||
        !chat_to_str(ctx, &call->at[1], &new_text))
        return false;
    if (call->at[2].kind != CHAT_NONE && !chat_arg_int(ctx, &call->at[2], -1, &most))
        return false;
    return chat_replace(ctx, &text, &old, &new_text, most, out);
}

static bool filter_string(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return input(ctx, call, out);
}

static bool filter_safe(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    if (!input(ctx, call, out))
        return false;
    out->flag = 1;
    return true;
}

static bool filter_escape(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return chat_escape(ctx, &call->self, out);
}

static bool filter_forceescape(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_value text;
    if (!input(ctx, call, &text))
        return false;
    text.flag = 0;
    return chat_escape(ctx, &text, out);
}

static bool filter_join(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct mica_buf buf = {0};
    struct chat_value separator = chat_str("", 0);
    struct chat_list *items;
    bool ok = chat_items(ctx, &call->self, &items);
    if (ok && call->at[0].kind != CHAT_MISSING)
        ok = chat_to_str(ctx, &call->at[0], &separator);
    for (int64_t i = 0; ok && i < items->n; i++) {
        struct chat_value item = items->at[i];
        if (call->at[1].kind != CHAT_MISSING && call->at[1].kind != CHAT_NONE)
            ok = chat_get_path(ctx, &items->at[i], &call->at[1], &item);
        ok = ok && (!i || chat_put(ctx, &buf, separator.s, separator.len)) && chat_put_str(ctx, &item, &buf);
    }
    return chat_str_take(ctx, &buf, out);
}

/* ---- lines and width ---- */
static bool filter_indent(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_value text, with = call->at[0], line_end = chat_str("\n", 1);
    struct mica_buf buf = {0};
    struct chat_list *lines;
    int64_t width;
    bool blank = flag(&call->at[2]), ok;
    if (!chat_arg_str(ctx, &call->self, &text) || !(lines = chat_list_new(ctx, 0)))
        return false;
    if (with.kind != CHAT_STR) {
        if (!chat_arg_int(ctx, &with, 4, &width))
            return false;
        const struct chat_value unit = chat_str(" ", 1), times = chat_int(width);
        if (!chat_binary(ctx, '*', &unit, &times, &with))
            return false;
    }
    /* so that a final line end starts one more line */
    line_end.flag = text.flag;
    ok = chat_binary(ctx, '+', &text, &line_end, &text) && chat_split_lines(ctx, &text, false, lines);
    for (int64_t i = 0; ok && i < lines->n; i++) {
        const struct chat_value *line = &lines->at[i];
        bool indented = i ? blank || line->len : flag(&call->at[1]);
        ok = (!i || chat_put(ctx, &buf, "\n", 1)) && (!indented || chat_put(ctx, &buf, with.s, with.len)) &&
             chat_put(ctx, &buf, line->s, line->len);
    }
    if (!chat_str_take(ctx, &buf, out))
        return false;
    out->flag = text.flag;
    return true;
}

static bool filter_center(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_value text;
    int64_t width;
    return input(ctx, call, &text) && chat_arg_int(ctx, &call->at[0], 80, &width) &&
           chat_pad(ctx, &text, width, NULL, 3, out);
}

static bool filter_truncate(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    const struct chat_value *v = &call->self;
    struct chat_value end = chat_str("...", 3), head;
    int64_t length, leeway = 5, end_chars, n = chat_length(v), cut;
    if (!chat_arg_int(ctx, &call->at[0], 255, &length) ||
        (call->at[2].kind != CHAT_MISSING && !chat_arg_str(ctx, &call->at[2], &end)) ||
        (call->at[3].kind != CHAT_NONE && !chat_arg_int(ctx, &call->at[3], 5, &leeway)))
        return false;
    end_chars = chat_chars(end.s, end.len);
    if (length < end_chars)
        return chat_raise(ctx, "expected length >= %d", (int)end_chars);
    if (leeway < 0)
        return chat_raise(ctx, "expected leeway >= 0");
    *out = *v;
    if (n >= 0 && n - leeway <= length)
        return true;
    if (v->kind != CHAT_STR)
        return chat_raise(ctx, "'%s' object cannot be truncated", chat_type_name(v));
    head = chat_part(v, v->s, chat_offset(v->s, v->len, length - end_chars));
    cut = flag(&call->at[1]) ? -1 : chat_rfind(head.s, head.len, " ", 1);
    if (cut >= 0)
        head.len = (uint32_t)cut;
    return chat_binary(ctx, '+', &head, &end, out);
}

static bool filter_wordcount(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_value text;
    int64_t n = 0;
    bool in_word = false;
    if (!input(ctx, call, &text))
        return false;
    for (uint32_t i = 0; i < text.len;) {
        int len;
        uint32_t c = chat_utf8_get(text.s + i, &len);
        bool word = c == '_' || chat_is_alpha(c) || chat_is_numeric(c);
        n += word && !in_word;
        in_word = word;
        i += (uint32_t)len;
    }
    *out = chat_int(n);
    return true;
}

/* ---- markup ---- */
/* The character that &#…; at s means, 0: none. */
static uint32_t numeric_entity(const char *s, size_t len, size_t *used)
{
    bool hex = len > 3 && (s[2] | 0x20) == 'x';
    const char *set = hex ? "0123456789abcdef" : "0123456789", *digit;
    uint32_t c = 0;
    size_t i = hex ? 3 : 2;
    for (; i < len && s[i] && c < 0x110000 && (digit = strchr(set, s[i] >= 'A' ? s[i] | 0x20 : s[i])); i++)
        c = c * (hex ? 16 : 10) + (uint32_t)(digit - set);
    *used = i + 1;
    return i < len && s[i] == ';' && c < 0x110000 && (c < 0xd800 || c > 0xdfff) ? c : 0;
}

static bool put_entity(struct chat_ctx *ctx, const char *s, size_t len, struct mica_buf *buf, size_t *used)
{
    static const struct {
        const char *name, *text;
    } entities[] = {{"&amp;", "&"},   {"&lt;", "<"},   {"&gt;", ">"},
                    {"&quot;", "\""}, {"&apos;", "'"}, {"&nbsp;", "\u00a0"}};
    char utf8[4];
    uint32_t c;
    for (size_t i = 0; i < MICA_COUNT(entities); i++) {
        size_t n = strlen(entities[i].name);
        if (len >= n && !memcmp(s, entities[i].name, n)) {
            *used = n;
            return chat_put(ctx, buf, entities[i].text, strlen(entities[i].text));
        }
    }
    if (len > 3 && s[1] == '#' && (c = numeric_entity(s, len, used)))
        return chat_put(ctx, buf, utf8, (size_t)chat_utf8_put(c, utf8));
    *used = 1;
    return chat_put(ctx, buf, "&", 1);
}

/* Where the tag or comment at s ends; 0: it never does. */
static size_t tag_len(const char *s, size_t len)
{
    bool comment = len >= 4 && !memcmp(s, "<!--", 4);
    int64_t end = comment ? chat_find(s, len, "-->", 3, 4) : chat_find(s, len, ">", 1, 1);
    return end < 0 ? 0 : (size_t)end + (comment ? 3 : 1);
}

static bool filter_striptags(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct mica_buf buf = {0};
    struct chat_value text;
    bool ok = input(ctx, call, &text), space = false, never = false;
    for (size_t i = 0; ok && i < text.len;) {
        const char *s = text.s + i;
        size_t rest = text.len - i, used = *s == '<' && !never ? tag_len(s, rest) : 0;
        int len;
        uint32_t c = chat_utf8_get(s, &len);
        never |= *s == '<' && !used;
        i += used;
        if (used)
            continue;
        i += (size_t)len;
        if (chat_is_space(c)) {
            space = true;
            continue;
        }
        if (space && buf.len)
            ok = chat_put(ctx, &buf, " ", 1);
        space = false;
        if (ok && c == '&') {
            ok = put_entity(ctx, s, rest, &buf, &used);
            i += used - 1;
        } else if (ok) {
            ok = chat_put(ctx, &buf, s, (size_t)len);
        }
    }
    return chat_str_take(ctx, &buf, out);
}

static bool put_quoted(struct chat_ctx *ctx, const struct chat_value *v, bool query, struct mica_buf *buf)
{
    static const char hex[] = "0123456789ABCDEF";
    struct chat_value text;
    if (!chat_to_str(ctx, v, &text))
        return false;
    for (uint32_t i = 0; i < text.len; i++) {
        uint8_t c = (uint8_t)text.s[i];
        char escaped[3] = {'%', hex[c >> 4], hex[c & 15]};
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c && strchr("_.-~", c)) || (c == '/' && !query);
        bool ok = plain               ? chat_put(ctx, buf, &text.s[i], 1)
                  : c == ' ' && query ? chat_put(ctx, buf, "+", 1)
                                      : chat_put(ctx, buf, escaped, 3);
        if (!ok)
            return false;
    }
    return true;
}

static bool filter_urlencode(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct mica_buf buf = {0};
    struct chat_value v = call->self;
    struct chat_list *pairs, *pair;
    bool ok;
    if (v.kind == CHAT_STR || !chat_can_iterate(&v)) {
        put_quoted(ctx, &v, false, &buf);
        return chat_str_take(ctx, &buf, out);
    }
    if (v.kind == CHAT_DICT && !chat_view(ctx, v.dict, "dict_items", &v))
        return false;
    ok = chat_items(ctx, &v, &pairs);
    for (int64_t i = 0; ok && i < pairs->n; i++) {
        ok = chat_items(ctx, &pairs->at[i], &pair);
        if (ok && pair->n != 2)
            ok = chat_raise(ctx, "urlencode expects pairs");
        ok = ok && (!i || chat_put(ctx, &buf, "&", 1)) && put_quoted(ctx, &pair->at[0], true, &buf) &&
             chat_put(ctx, &buf, "=", 1) && put_quoted(ctx, &pair->at[1], true, &buf);
    }
    return chat_str_take(ctx, &buf, out);
}

static bool filter_format(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_value text, values;
    if (!input(ctx, call, &text))
        return false;
    if (call->args->n && call->args->n_keywords)
        return chat_raise(ctx, "can't handle positional and keyword arguments at the same time");
    if (call->args->n_keywords) {
        struct chat_dict *dict = chat_dict_new(ctx, 0);
        for (int64_t i = 0; dict && i < call->args->n_keywords; i++) {
            const struct chat_keyword *keyword = &call->args->keywords[i];
            if (!chat_dict_put(ctx, dict, &keyword->name, keyword->value))
                return false;
        }
        values = (struct chat_value){.kind = CHAT_DICT, .dict = dict};
        return dict && chat_percent(ctx, &text, &values, out);
    }
    struct chat_list list = {call->args->n, call->args->n, call->args->at};
    values = chat_of_list(CHAT_TUPLE, &list);
    return chat_percent(ctx, &text, &values, out);
}

/* ---- JSON ---- */
static bool json_separators(struct chat_ctx *ctx, const struct chat_value *v, struct chat_json_style *style)
{
    struct chat_list *pair;
    if (v->kind == CHAT_MISSING || v->kind == CHAT_NONE)
        return true;
    if (!chat_items(ctx, v, &pair))
        return false;
    if (pair->n != 2)
        return chat_raise(ctx, "tojson expects two separators");
    return chat_arg_str(ctx, &pair->at[0], &style->item_separator) &&
           chat_arg_str(ctx, &pair->at[1], &style->key_separator);
}

static bool filter_tojson(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    const struct chat_value *indent = &call->at[1];
    struct chat_json_style style = {.ascii = flag(&call->at[0]),
                                    .sort_keys = flag(&call->at[3]),
                                    .indented = indent->kind != CHAT_MISSING && indent->kind != CHAT_NONE,
                                    .indent = *indent,
                                    .item_separator = chat_str(", ", 2),
                                    .key_separator = chat_str(": ", 2)};
    struct mica_buf buf = {0};
    if (style.indented) {
        const struct chat_value space = chat_str(" ", 1);
        style.item_separator.len = 1;
        if (indent->kind != CHAT_STR && !chat_is_int(indent))
            return chat_raise(ctx, "tojson cannot indent by %s", chat_type_name(indent));
        if (indent->kind != CHAT_STR && !chat_binary(ctx, '*', &space, indent, &style.indent))
            return false;
    }
    if (!json_separators(ctx, &call->at[2], &style))
        return false;
    chat_put_json(ctx, &call->self, &style, 0, &buf);
    return chat_str_take(ctx, &buf, out);
}

const struct chat_builtin chat_filters_text[] = {
    {"upper", filter_upper, "", 0},
    {"lower", filter_lower, "", 0},
    {"capitalize", filter_capitalize, "", 0},
    {"title", filter_title, "", 0},
    {"trim", filter_trim, "chars", 0},
    {"replace", filter_replace, "old new count", 2},
    {"string", filter_string, "", 0},
    {"safe", filter_safe, "", 0},
    {"escape", filter_escape, "", 0},
    {"e", filter_escape, "", 0},
    {"forceescape", filter_forceescape, "", 0},
    {"join", filter_join, "d attribute", 0},
    {"indent", filter_indent, "width first blank", 0},
    {"center", filter_center, "width", 0},
    {"truncate", filter_truncate, "length killwords end leeway", 0},
    {"wordcount", filter_wordcount, "", 0},
    {"striptags", filter_striptags, "", 0},
    {"urlencode", filter_urlencode, "", 0},
    {"format", filter_format, "*", 0},
    {"tojson", filter_tojson, "ensure_ascii indent separators sort_keys", 0},
    {0},
};
