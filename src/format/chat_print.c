/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Values as text: what Python's str(), repr() and json.dumps() write. */
#include "format/chat_internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool puts_(struct chat_ctx *ctx, struct mica_buf *buf, const char *s)
{
    return chat_put(ctx, buf, s, strlen(s));
}

void chat_format_double(double d, char out[40])
{
    char text[40], digits[24] = {0}, *e;
    int n = 0, exponent, precision = 1;
    if (!isfinite(d)) {
        snprintf(out, 40, "%s", isnan(d) ? "nan" : d < 0 ? "-inf" : "inf");
        return;
    }
    /* the shortest that reads back as the same number */
    do
        snprintf(text, sizeof text, "%.*e", precision - 1, d);
    while (strtod(text, NULL) != d && precision++ < 17);
    e = strchr(text, 'e');
    exponent = atoi(e + 1);
    for (char *p = text; p < e; p++) {
        if (*p >= '0' && *p <= '9')
            digits[n++] = *p;
    }
    if (exponent >= 16 || exponent < -4) {
        snprintf(out, 40, "%s%c%s%.*se%c%02d", signbit(d) ? "-" : "", digits[0], n > 1 ? "." : "", n - 1,
                 digits + 1, exponent < 0 ? '-' : '+', abs(exponent));
    } else if (exponent < 0) {
        snprintf(out, 40, "%s0.%.*s%.*s", signbit(d) ? "-" : "", -exponent - 1, "000", n, digits);
    } else if (n <= exponent + 1) {
        snprintf(out, 40, "%s%.*s%.*s.0", signbit(d) ? "-" : "", n, digits, exponent + 1 - n,
                 "0000000000000000");
    } else {
        snprintf(out, 40, "%s%.*s.%.*s", signbit(d) ? "-" : "", exponent + 1, digits, n - exponent - 1,
                 digits + exponent + 1);
    }
}

static bool repr_str(struct chat_ctx *ctx, const struct chat_value *v, struct mica_buf *buf)
{
    const char *s = v->s, *end = s + v->len;
    bool single = memchr(s, '\'', v->len), twice = memchr(s, '"', v->len);
    char quote = single && !twice ? '"' : '\'', text[16];
    bool ok = chat_put(ctx, buf, &quote, 1);
    while (ok && s < end) {
        int len;
        uint32_t c = chat_utf8_get(s, &len);
        const char *short_form = c == '\n'   ? "\\n"
                                 : c == '\r' ? "\\r"
                                 : c == '\t' ? "\\t"
                                 : c == '\\' ? "\\\\"
                                             : NULL;
        if (c == (uint32_t)quote)
            short_form = "\\'";
        if (short_form) {
            ok = chat_put(ctx, buf, short_form, 2);
        } else if (chat_is_printable(c)) {
            ok = chat_put(ctx, buf, s, (size_t)len);
        } else {
            snprintf(text, sizeof text,
                     c < 0x100     ? "\\x%02" PRIx32
                     : c < 0x10000 ? "\\u%04" PRIx32
                                   : "\\U%08" PRIx32,
                     c);
            ok = puts_(ctx, buf, text);
        }
        s += len;
    }
    return ok && chat_put(ctx, buf, &quote, 1);
}

static bool repr_list(struct chat_ctx *ctx, const struct chat_list *list, const char *open, const char *close,
                      struct mica_buf *buf)
{
    bool ok = puts_(ctx, buf, open);
    for (int64_t i = 0; ok && i < list->n; i++)
        ok = (!i || puts_(ctx, buf, ", ")) && chat_put_repr(ctx, &list->at[i], buf);
    if (ok && list->n == 1 && !strcmp(close, ")"))
        ok = puts_(ctx, buf, ",");
    return ok && puts_(ctx, buf, close);
}

static bool repr_dict(struct chat_ctx *ctx, const struct chat_dict *dict, struct mica_buf *buf)
{
    bool ok = puts_(ctx, buf, "{");
    for (int64_t i = 0; ok && i < dict->n; i++)
        ok = (!i || puts_(ctx, buf, ", ")) && chat_put_repr(ctx, &dict->at[i].key, buf) &&
             puts_(ctx, buf, ": ") && chat_put_repr(ctx, &dict->at[i].value, buf);
    return ok && puts_(ctx, buf, "}");
}

static bool repr_view(struct chat_ctx *ctx, const struct chat_value *v, struct mica_buf *buf)
{
    struct chat_list *list;
    return chat_items(ctx, v, &list) && puts_(ctx, buf, v->view->name) &&
           repr_list(ctx, list, "([", "])", buf);
}

static bool repr_range(struct chat_ctx *ctx, const struct chat_range *range, struct mica_buf *buf)
{
    char text[96];
    if (range->step == 1)
        snprintf(text, sizeof text, "range(%" PRId64 ", %" PRId64 ")", range->start, range->stop);
    else
        snprintf(text, sizeof text, "range(%" PRId64 ", %" PRId64 ", %" PRId64 ")", range->start, range->stop,
                 range->step);
    return puts_(ctx, buf, text);
}

static bool repr_other(struct chat_ctx *ctx, const struct chat_value *v, struct mica_buf *buf)
{
    char text[160];
    if (v->kind == CHAT_MACRO && !v->macro->node->value.len)
        snprintf(text, sizeof text, "<Macro anonymous>");
    else if (v->kind == CHAT_MACRO)
        snprintf(text, sizeof text, "<Macro '%.*s'>", (int)v->macro->node->value.len,
                 v->macro->node->value.s);
    else if (v->kind == CHAT_METHOD) /* an address would differ from run to run */
        snprintf(text, sizeof text, "<built-in method %s of %s object at 0x7f0000000000>",
                 v->bound->func->name, chat_type_name(&v->bound->self));
    else
        snprintf(text, sizeof text, "<%s object at 0x7f0000000000>", chat_type_name(v));
    return puts_(ctx, buf, text);
}

static bool put_int(struct chat_ctx *ctx, int64_t i, struct mica_buf *buf)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, i);
    return puts_(ctx, buf, text);
}

static bool put_float(struct chat_ctx *ctx, double d, struct mica_buf *buf)
{
    char text[40];
    chat_format_double(d, text);
    return puts_(ctx, buf, text);
}

static bool repr(struct chat_ctx *ctx, const struct chat_value *v, struct mica_buf *buf)
{
    switch (v->kind) {
    case CHAT_MISSING:
    case CHAT_UNDEFINED:
        return puts_(ctx, buf, "Undefined");
    case CHAT_NONE:
        return puts_(ctx, buf, "None");
    case CHAT_BOOL:
        return puts_(ctx, buf, v->i ? "True" : "False");
    case CHAT_INT:
        return put_int(ctx, v->i, buf);
    case CHAT_FLOAT:
        return put_float(ctx, v->d, buf);
    case CHAT_STR:
        return v->flag ? puts_(ctx, buf, "Markup(") && repr_str(ctx, v, buf) && puts_(ctx, buf, ")")
                       : repr_str(ctx, v, buf);
    case CHAT_LIST:
        return repr_list(ctx, v->list, "[", "]", buf);
    case CHAT_TUPLE:
        return repr_list(ctx, v->list, "(", ")", buf);
    case CHAT_DICT:
        return repr_dict(ctx, v->dict, buf);
    case CHAT_NAMESPACE:
        return puts_(ctx, buf, "<Namespace ") && repr_dict(ctx, v->dict, buf) && puts_(ctx, buf, ">");
    case CHAT_VIEW:
        return repr_view(ctx, v, buf);
    case CHAT_RANGE:
        return repr_range(ctx, v->range, buf);
    default:
        return repr_other(ctx, v, buf);
    }
}

bool chat_put_repr(struct chat_ctx *ctx, const struct chat_value *v, struct mica_buf *buf)
{
    bool ok = chat_enter(ctx) && repr(ctx, v, buf);
    chat_leave(ctx);
    return ok;
}

bool chat_put_str(struct chat_ctx *ctx, const struct chat_value *v, struct mica_buf *buf)
{
    if (v->kind == CHAT_STR)
        return chat_put(ctx, buf, v->s, v->len);
    if (v->kind == CHAT_UNDEFINED || v->kind == CHAT_MISSING)
        return true;
    return chat_put_repr(ctx, v, buf);
}

bool chat_to_str(struct chat_ctx *ctx, const struct chat_value *v, struct chat_value *out)
{
    struct mica_buf buf = {0};
    if (v->kind == CHAT_STR) {
        *out = *v;
        return true;
    }
    chat_put_str(ctx, v, &buf);
    return chat_str_take(ctx, &buf, out);
}

/* ---- JSON ---- */
static bool json_str(struct chat_ctx *ctx, const struct chat_value *v, bool ascii, struct mica_buf *buf)
{
    static const char from[] = "\"\\\n\r\t\f\b", to[] = "\"\\nrtfb";
    const char *s = v->s, *end = s + v->len;
    bool ok = puts_(ctx, buf, "\"");
    while (ok && s < end) {
        const char *plain = s, *special;
        char text[16];
        int len;
        uint32_t c;
        while (s < end && (uint8_t)*s >= 0x20 && *s != '"' && *s != '\\' && !(ascii && (uint8_t)*s >= 0x7f))
            s++;
        if (s > plain && !chat_put(ctx, buf, plain, (size_t)(s - plain)))
            return false;
        if (s == end)
            break;
        c = chat_utf8_get(s, &len);
        special = c && c < 0x80 ? strchr(from, (int)c) : NULL;
        if (special)
            snprintf(text, sizeof text, "\\%c", to[special - from]);
        else if (c < 0x10000)
            snprintf(text, sizeof text, "\\u%04" PRIx32, c);
        else
            snprintf(text, sizeof text, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd800 + ((c - 0x10000) >> 10),
                     0xdc00 + (c & 0x3ff));
        ok = puts_(ctx, buf, text);
        s += len;
    }
    return ok && puts_(ctx, buf, "\"");
}

static bool json_line(struct chat_ctx *ctx, const struct chat_json_style *style, int level,
                      struct mica_buf *buf)
{
    bool ok = !style->indented || puts_(ctx, buf, "\n");
    for (int i = 0; ok && style->indented && i < level; i++)
        ok = chat_put(ctx, buf, style->indent.s, style->indent.len);
    return ok;
}

static bool json_list(struct chat_ctx *ctx, const struct chat_list *list, const struct chat_json_style *style,
                      int level, struct mica_buf *buf)
{
    bool ok = puts_(ctx, buf, "[");
    for (int64_t i = 0; ok && i < list->n; i++)
        ok = (!i || chat_put(ctx, buf, style->item_separator.s, style->item_separator.len)) &&
             json_line(ctx, style, level + 1, buf) && chat_put_json(ctx, &list->at[i], style, level + 1, buf);
    return ok && (!list->n || json_line(ctx, style, level, buf)) && puts_(ctx, buf, "]");
}

static bool json_key(struct chat_ctx *ctx, const struct chat_value *key, const struct chat_json_style *style,
                     struct mica_buf *buf)
{
    if (key->kind == CHAT_STR)
        return json_str(ctx, key, style->ascii, buf);
    if (key->kind != CHAT_NONE && !chat_is_number(key))
        return chat_raise(ctx, "keys must be str, int, float, bool or None, not %s", chat_type_name(key));
    return puts_(ctx, buf, "\"") && chat_put_json(ctx, key, style, 0, buf) && puts_(ctx, buf, "\"");
}

static bool json_dict(struct chat_ctx *ctx, const struct chat_dict *dict, const struct chat_json_style *style,
                      int level, struct mica_buf *buf)
{
    struct chat_value *keys = chat_alloc(ctx, (size_t)dict->n * 2, sizeof *keys), *values = keys + dict->n;
    bool ok = keys && puts_(ctx, buf, "{");
    for (int64_t i = 0; ok && i < dict->n; i++) {
        keys[i] = dict->at[i].key;
        values[i] = dict->at[i].value;
    }
    if (ok && style->sort_keys)
        ok = chat_sort(ctx, keys, values, dict->n, false);
    for (int64_t i = 0; ok && i < dict->n; i++)
        ok = (!i || chat_put(ctx, buf, style->item_separator.s, style->item_separator.len)) &&
             json_line(ctx, style, level + 1, buf) && json_key(ctx, &keys[i], style, buf) &&
             chat_put(ctx, buf, style->key_separator.s, style->key_separator.len) &&
             chat_put_json(ctx, &values[i], style, level + 1, buf);
    return ok && (!dict->n || json_line(ctx, style, level, buf)) && puts_(ctx, buf, "}");
}

static bool json_float(struct chat_ctx *ctx, double d, struct mica_buf *buf)
{
    if (isfinite(d))
        return put_float(ctx, d, buf);
    return puts_(ctx, buf, isnan(d) ? "NaN" : d < 0 ? "-Infinity" : "Infinity");
}

static bool put_json(struct chat_ctx *ctx, const struct chat_value *v, const struct chat_json_style *style,
                     int level, struct mica_buf *buf)
{
    switch (v->kind) {
    case CHAT_NONE:
        return puts_(ctx, buf, "null");
    case CHAT_BOOL:
        return puts_(ctx, buf, v->i ? "true" : "false");
    case CHAT_INT:
        return put_int(ctx, v->i, buf);
    case CHAT_FLOAT:
        return json_float(ctx, v->d, buf);
    case CHAT_STR:
        return json_str(ctx, v, style->ascii, buf);
    case CHAT_LIST:
    case CHAT_TUPLE:
        return json_list(ctx, v->list, style, level, buf);
    case CHAT_DICT:
        return json_dict(ctx, v->dict, style, level, buf);
    default:
        return chat_raise(ctx, "Object of type %s is not JSON serializable", chat_type_name(v));
    }
}

bool chat_put_json(struct chat_ctx *ctx, const struct chat_value *v, const struct chat_json_style *style,
                   int level, struct mica_buf *buf)
{
    bool ok = chat_enter(ctx) && put_json(ctx, v, style, level, buf);
    chat_leave(ctx);
    return ok;
}
