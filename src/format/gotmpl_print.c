/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Go templates: values as text: Go's own notation, JSON as Go's encoder writes it, printf. */
#include "format/gotmpl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* ---- numbers ---- */

/* The fewest digits that give d again, without exponent from low up to high. */
static void float_text(double d, double low, double high, bool short_exponent, char out[400])
{
    double size = fabs(d);
    if (isnan(d) || isinf(d)) {
        snprintf(out, 400, "%s", isnan(d) ? "NaN" : d < 0 ? "-Inf" : "+Inf");
        return;
    }
    int precision = 0;
    for (; precision < 17; precision++) {
        snprintf(out, 400, "%.*e", precision, d);
        if (strtod(out, NULL) == d)
            break;
    }
    if (size != 0 && (size < low || size >= high)) {
        char *e = strchr(out, 'e');
        if (short_exponent && e && e[1] == '-' && e[2] == '0') /* as Go's JSON has it */
            memmove(e + 2, e + 3, strlen(e + 2));
        return;
    }
    const char *e = strchr(out, 'e');
    int decimals = precision - (e ? atoi(e + 1) : 0);
    snprintf(out, 400, "%.*f", decimals > 0 ? decimals : 0, d);
}

/* ---- JSON ---- */

static bool put_json_char(struct gotmpl_ctx *ctx, struct mica_buf *buf, uint32_t c, const char *s, int len)
{
    static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *at = c && c < 0x80 ? strchr(plain, (int)c) : NULL;
    char text[8];
    if (at)
        snprintf(text, sizeof text, "\\%c", letters[at - plain]);
    else if (c < 0x20 || c == '<' || c == '>' || c == '&' || c == 0x2028 || c == 0x2029)
        snprintf(text, sizeof text, "\\u%04x", (unsigned)c);
    else
        return gotmpl_put(ctx, buf, s, (size_t)len);
    return gotmpl_puts(ctx, buf, text);
}

static bool put_json_string(struct gotmpl_ctx *ctx, struct mica_buf *buf, const char *s, size_t len)
{
    const char *end = s + len;
    bool ok = gotmpl_charge(ctx, (int64_t)(len / 16)) && gotmpl_puts(ctx, buf, "\"");
    while (ok && s < end) {
        int n = chat_utf8_len(s, end), got;
        ok = n ? put_json_char(ctx, buf, chat_utf8_get(s, &got), s, n) : gotmpl_puts(ctx, buf, "\\ufffd");
        s += n ? n : 1;
    }
    return ok && gotmpl_puts(ctx, buf, "\"");
}

static bool is_empty(const struct gotmpl_value *v)
{
    return v->kind != GOTMPL_STRUCT && !gotmpl_truth(v);
}

static bool put_json_items(struct gotmpl_ctx *ctx, struct mica_buf *buf, const struct gotmpl_value *v)
{
    bool is_list = v->kind == GOTMPL_LIST, is_struct = v->kind == GOTMPL_STRUCT, first = true;
    int64_t n = is_struct ? v->type->n_fields : v->len;
    bool ok = gotmpl_puts(ctx, buf, is_list ? "[" : "{");
    for (int64_t i = 0; ok && i < n; i++) {
        const struct gotmpl_field *field = is_struct ? &v->type->fields[i] : NULL;
        const struct gotmpl_value *item = is_list || is_struct ? &v->items[i] : &v->items[2 * i + 1];
        if (field && field->omit_empty && is_empty(item))
            continue;
        ok = first || gotmpl_puts(ctx, buf, ",");
        first = false;
        if (ok && !is_list)
            ok = (field ? put_json_string(ctx, buf, field->json, strlen(field->json))
                        : put_json_string(ctx, buf, item[-1].s, item[-1].len)) &&
                 gotmpl_puts(ctx, buf, ":");
        ok = ok && gotmpl_print_json(ctx, buf, item);
    }
    return ok && gotmpl_puts(ctx, buf, is_list ? "]" : "}");
}

bool gotmpl_print_json(struct gotmpl_ctx *ctx, struct mica_buf *buf, const struct gotmpl_value *v)
{
    char text[400];
    bool ok;
    if (!gotmpl_enter(ctx))
        return false;
    switch ((enum gotmpl_kind)v->kind) {
    case GOTMPL_NONE:
    case GOTMPL_NIL:
        ok = gotmpl_puts(ctx, buf, "null");
        break;
    case GOTMPL_BOOL:
        ok = gotmpl_puts(ctx, buf, v->i ? "true" : "false");
        break;
    case GOTMPL_INT:
        snprintf(text, sizeof text, "%lld", (long long)v->i);
        ok = gotmpl_puts(ctx, buf, text);
        break;
    case GOTMPL_FLOAT:
        float_text(v->d, 1e-6, 1e21, true, text);
        ok = gotmpl_puts(ctx, buf, text);
        break;
    case GOTMPL_STRING:
        ok = put_json_string(ctx, buf, v->s, v->len);
        break;
    default:
        if (v->type && v->type->prints_one && v->len == 1)
            ok = gotmpl_print_json(ctx, buf, &v->items[0]);
        else
            ok = v->nil ? gotmpl_puts(ctx, buf, "null") : put_json_items(ctx, buf, v);
    }
    ctx->depth++;
    return ok;
}

/* ---- Go's notation ---- */

static bool put_value(struct gotmpl_ctx *ctx, struct mica_buf *buf, const struct gotmpl_value *v);

static bool put_pair(struct gotmpl_ctx *ctx, struct mica_buf *buf, const struct gotmpl_value *pair)
{
    return gotmpl_put(ctx, buf, pair[0].s, pair[0].len) && gotmpl_puts(ctx, buf, ":") &&
           put_value(ctx, buf, &pair[1]);
}

static bool put_items(struct gotmpl_ctx *ctx, struct mica_buf *buf, const struct gotmpl_value *v)
{
    bool is_map = v->kind == GOTMPL_MAP, is_struct = v->kind == GOTMPL_STRUCT && v->type;
    int64_t n = is_struct ? v->type->n_fields : v->len;
    if (v->kind == GOTMPL_LIST && n && v->type && v->type->elem && v->type->elem->is_pointer)
        return gotmpl_fail(ctx, MICA_EFORMAT,
                           "printing a list of type %s gives addresses in Go; use json or range",
                           v->type->name);
    bool ok = gotmpl_puts(ctx, buf, is_map ? "map[" : is_struct ? "{" : "[");
    for (int64_t i = 0; ok && i < n; i++)
        ok = (!i || gotmpl_puts(ctx, buf, " ")) &&
             (is_map ? put_pair(ctx, buf, &v->items[2 * i]) : put_value(ctx, buf, &v->items[i]));
    return ok && gotmpl_puts(ctx, buf, is_struct ? "}" : "]");
}

static bool put_typed(struct gotmpl_ctx *ctx, struct mica_buf *buf, const struct gotmpl_value *v)
{
    if (v->type && v->type->prints_json)
        return v->kind == GOTMPL_MAP && v->nil ? gotmpl_puts(ctx, buf, "{}") : gotmpl_print_json(ctx, buf, v);
    if (v->type && v->type->prints_one && v->len < 2)
        return !v->len || put_value(ctx, buf, &v->items[0]);
    return put_items(ctx, buf, v);
}

static bool put_value(struct gotmpl_ctx *ctx, struct mica_buf *buf, const struct gotmpl_value *v)
{
    char text[400];
    bool ok;
    if (!gotmpl_enter(ctx))
        return false;
    switch ((enum gotmpl_kind)v->kind) {
    case GOTMPL_NONE:
    case GOTMPL_NIL:
        ok = gotmpl_puts(ctx, buf, "<nil>");
        break;
    case GOTMPL_STRING:
        ok = gotmpl_put(ctx, buf, v->s, v->len);
        break;
    case GOTMPL_FLOAT:
        float_text(v->d, 1e-4, 1e21, false, text);
        ok = gotmpl_puts(ctx, buf, text);
        break;
    case GOTMPL_BOOL:
    case GOTMPL_INT:
        ok = gotmpl_print_json(ctx, buf, v);
        break;
    default:
        ok = put_typed(ctx, buf, v);
    }
    ctx->depth++;
    return ok;
}

bool gotmpl_print(struct gotmpl_ctx *ctx, struct mica_buf *buf, const struct gotmpl_value *v)
{
    if (v->kind == GOTMPL_NONE || v->kind == GOTMPL_NIL)
        return gotmpl_puts(ctx, buf, "<no value>");
    return put_value(ctx, buf, v);
}

/* ---- printf ---- */

enum { FLAG_MINUS = 1, FLAG_PLUS = 2, FLAG_SHARP = 4, FLAG_SPACE = 8, FLAG_ZERO = 16, MAX_WIDTH = 1000 };
struct spec {
    int flags, width, precision; /* precision -1: none */
    char verb;
};

static bool put_quoted(struct gotmpl_ctx *ctx, struct mica_buf *buf, const struct gotmpl_value *v)
{
    static const char plain[] = "\"\\\a\b\f\n\r\t\v", letters[] = "\"\\abfnrtv";
    const char *s = v->s, *end = s + v->len;
    bool ok = gotmpl_charge(ctx, v->len / 16) && gotmpl_puts(ctx, buf, "\"");
    while (ok && s < end) {
        int n = chat_utf8_len(s, end), got;
        uint32_t c = n ? chat_utf8_get(s, &got) : 0;
        const char *at = c && c < 0x80 ? strchr(plain, (int)c) : NULL;
        char text[16];
        if (at)
            snprintf(text, sizeof text, "\\%c", letters[at - plain]);
        else if (!n || c < 0x20 || c == 0x7f)
            snprintf(text, sizeof text, "\\x%02x", (unsigned)(uint8_t)*s);
        /* U+FDD0 takes control tokens apart in messages: it must come through. */
        else if (!chat_is_printable(c) && c != 0xfdd0)
            snprintf(text, sizeof text, c < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)c);
        else
            text[0] = 0;
        ok = text[0] ? gotmpl_puts(ctx, buf, text) : gotmpl_put(ctx, buf, s, (size_t)n);
        s += n ? n : 1;
    }
    return ok && gotmpl_puts(ctx, buf, "\"");
}

/* Appends text in a field of the spec's width; numbers may be filled up with zeros behind their sign. */
static bool put_padded(struct gotmpl_ctx *ctx, struct mica_buf *buf, const struct spec *spec, const char *s,
                       size_t len, bool is_number)
{
    int64_t missing = spec->width - chat_chars(s, len);
    bool zeros = (spec->flags & FLAG_ZERO) && !(spec->flags & FLAG_MINUS) && is_number, ok = true;
    if (zeros && missing > 0 && len && (*s == '-' || *s == '+' || *s == ' ')) {
        ok = gotmpl_put(ctx, buf, s++, 1);
        len--;
    }
    for (int64_t i = 0; ok && i < missing && !(spec->flags & FLAG_MINUS); i++)
        ok = gotmpl_puts(ctx, buf, zeros ? "0" : " ");
    ok = ok && gotmpl_put(ctx, buf, s, len);
    for (int64_t i = 0; ok && i < missing && (spec->flags & FLAG_MINUS); i++)
        ok = gotmpl_puts(ctx, buf, " ");
    return ok;
}

/* What a verb does not know: %!d(string=hi). */
static bool put_bad(struct gotmpl_ctx *ctx, struct mica_buf *buf, char verb, const struct gotmpl_value *v)
{
    char text[8];
    snprintf(text, sizeof text, "%%!%c(", verb);
    if (v->kind == GOTMPL_NONE)
        return gotmpl_puts(ctx, buf, text) && gotmpl_puts(ctx, buf, "<nil>)");
    return gotmpl_puts(ctx, buf, text) && gotmpl_puts(ctx, buf, gotmpl_type_name(v)) &&
           gotmpl_puts(ctx, buf, "=") && put_value(ctx, buf, v) && gotmpl_puts(ctx, buf, ")");
}

static bool put_int(struct gotmpl_ctx *ctx, struct mica_buf *buf, const struct spec *spec, int64_t i)
{
    char text[80], letter[5];
    uint64_t size = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    const char *sign = i < 0 ? "-" : (spec->flags & FLAG_PLUS) ? "+" : (spec->flags & FLAG_SPACE) ? " " : "";
    bool sharp = spec->flags & FLAG_SHARP;
    switch (spec->verb) {
    case 'x':
        snprintf(text, sizeof text, "%s%s%llx", sign, sharp ? "0x" : "", (unsigned long long)size);
        break;
    case 'X':
        snprintf(text, sizeof text, "%s%s%llX", sign, sharp ? "0X" : "", (unsigned long long)size);
        break;
    case 'o':
        snprintf(text, sizeof text, "%s%s%llo", sign, sharp ? "0" : "", (unsigned long long)size);
        break;
    case 'c': {
        bool valid = i >= 0 && i <= 0x10ffff && !(i >= 0xd800 && i < 0xe000);
        int len = chat_utf8_put(valid ? (uint32_t)i : 0xfffd, letter);
        return put_padded(ctx, buf, spec, letter, (size_t)len, false);
    }
    default:
        snprintf(text, sizeof text, "%s%llu", sign, (unsigned long long)size);
    }
    return put_padded(ctx, buf, spec, text, strlen(text), true);
}

static bool put_float(struct gotmpl_ctx *ctx, struct mica_buf *buf, const struct spec *spec, double d)
{
    char text[401], format[8];
    if (spec->verb == 'v' || (spec->verb == 'g' && spec->precision < 0)) {
        float_text(d, 1e-4, 1e21, false, text + 1);
    } else {
        int precision = spec->precision < 0 ? 6 : spec->precision < 60 ? spec->precision : 60;
        snprintf(format, sizeof format, "%%.*%c", spec->verb == 'F' ? 'f' : spec->verb);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the verb is one of five */
        snprintf(text + 1, sizeof text - 1, format, precision, d);
#pragma GCC diagnostic pop
    }
    bool sign = text[1] != '-' && text[1] != '+' && (spec->flags & (FLAG_PLUS | FLAG_SPACE));
    text[0] = spec->flags & FLAG_PLUS ? '+' : ' ';
    const char *s = sign ? text : text + 1;
    return put_padded(ctx, buf, spec, s, strlen(s), isfinite(d));
}

static bool put_hex(struct gotmpl_ctx *ctx, struct mica_buf *buf, const struct gotmpl_value *v, bool upper)
{
    bool ok = gotmpl_charge(ctx, v->len / 16);
    for (uint32_t i = 0; ok && i < v->len; i++) {
        char text[4];
        snprintf(text, sizeof text, upper ? "%02X" : "%02x", (unsigned)(uint8_t)v->s[i]);
        ok = gotmpl_puts(ctx, buf, text);
    }
    return ok;
}

/* %s and %v of whatever prints as text, %q and %x of strings. */
static bool put_text(struct gotmpl_ctx *ctx, struct mica_buf *buf, const struct spec *spec,
                     const struct gotmpl_value *v)
{
    struct mica_buf text = {0};
    struct gotmpl_value shown = {0}, cut = *v;
    if (v->kind == GOTMPL_STRING && spec->precision >= 0)
        cut.len = (uint32_t)chat_offset(v->s, v->len, spec->precision);
    bool ok = spec->verb == 'q'   ? put_quoted(ctx, &text, &cut)
              : spec->verb == 'x' ? put_hex(ctx, &text, &cut, false)
              : spec->verb == 'X' ? put_hex(ctx, &text, &cut, true)
                                  : put_value(ctx, &text, &cut);
    return gotmpl_take(ctx, &text, ok, &shown) && put_padded(ctx, buf, spec, shown.s, shown.len, false);
}

static bool put_verb(struct gotmpl_ctx *ctx, struct mica_buf *buf, const struct spec *spec,
                     const struct gotmpl_value *v)
{
    bool general = spec->verb == 'v';
    const char *knows = "";
    switch ((enum gotmpl_kind)v->kind) {
    case GOTMPL_BOOL:
        knows = "vt";
        break;
    case GOTMPL_INT:
        knows = "vdxXoc";
        break;
    case GOTMPL_FLOAT:
        knows = "vgeEfF";
        break;
    case GOTMPL_STRING:
        knows = "vsqxX";
        break;
    case GOTMPL_NONE:
    case GOTMPL_NIL:
        knows = "v";
        break;
    default:
        knows = "vs";
    }
    if (spec->verb == 'T')
        return gotmpl_puts(ctx, buf, v->kind ? gotmpl_type_name(v) : "<nil>");
    if (!strchr(knows, spec->verb))
        return put_bad(ctx, buf, spec->verb, v);
    if (general && (spec->flags & (FLAG_SHARP | FLAG_PLUS)) && v->kind > GOTMPL_STRING)
        return gotmpl_fail(ctx, MICA_EUNSUPPORTED, "printf: %%+v and %%#v are for strings and numbers only");
    if (general && (spec->flags & FLAG_SHARP) && v->kind == GOTMPL_STRING) {
        struct spec quoted = *spec;
        quoted.verb = 'q';
        return put_text(ctx, buf, &quoted, v);
    }
    if (v->kind == GOTMPL_INT)
        return put_int(ctx, buf, spec, v->i);
    if (v->kind == GOTMPL_FLOAT)
        return put_float(ctx, buf, spec, v->d);
    return put_text(ctx, buf, spec, v);
}

/* %[flags][width][.precision]verb at *s, behind the percent sign. */
static bool read_spec(const char **s, const char *end, struct spec *out)
{
    static const char flags[] = "-+# 0";
    const char *at;
    *out = (struct spec){.precision = -1};
    for (; *s < end && **s && (at = strchr(flags, **s)); (*s)++)
        out->flags |= 1 << (at - flags);
    for (; *s < end && **s >= '0' && **s <= '9' && out->width <= MAX_WIDTH; (*s)++)
        out->width = out->width * 10 + **s - '0';
    if (*s < end && **s == '.') {
        out->precision = 0;
        for ((*s)++; *s < end && **s >= '0' && **s <= '9' && out->precision <= MAX_WIDTH; (*s)++)
            out->precision = out->precision * 10 + **s - '0';
    }
    if (*s >= end || out->width > MAX_WIDTH || out->precision > MAX_WIDTH)
        return false;
    out->verb = *(*s)++;
    return true;
}

static bool put_extra(struct gotmpl_ctx *ctx, struct mica_buf *buf, const struct gotmpl_value *args, int n)
{
    bool ok = gotmpl_puts(ctx, buf, "%!(EXTRA ");
    for (int i = 0; ok && i < n; i++) {
        ok = !i || gotmpl_puts(ctx, buf, ", ");
        if (args[i].kind == GOTMPL_NONE)
            ok = ok && gotmpl_puts(ctx, buf, "<nil>");
        else
            ok = ok && gotmpl_puts(ctx, buf, gotmpl_type_name(&args[i])) && gotmpl_puts(ctx, buf, "=") &&
                 put_value(ctx, buf, &args[i]);
    }
    return ok && gotmpl_puts(ctx, buf, ")");
}

bool gotmpl_print_format(struct gotmpl_ctx *ctx, struct mica_buf *buf, const struct gotmpl_value *args, int n)
{
    if (args[0].kind != GOTMPL_STRING)
        return gotmpl_fail(ctx, MICA_EFORMAT, "printf takes a string first, not a value of type %s",
                           gotmpl_type_name(&args[0]));
    const char *s = args[0].s, *end = s + args[0].len;
    int next = 1;
    bool ok = true;
    while (ok && s < end) {
        const char *percent = memchr(s, '%', (size_t)(end - s)), *stop = percent ? percent : end;
        struct spec spec;
        ok = gotmpl_put(ctx, buf, s, (size_t)(stop - s));
        s = stop;
        if (!percent || !ok)
            break;
        s++;
        if (s == end)
            return gotmpl_puts(ctx, buf, "%!(NOVERB)");
        if (!read_spec(&s, end, &spec))
            return gotmpl_fail(ctx, MICA_EFORMAT, "printf: a verb in the format does not end");
        if (!spec.verb || spec.verb == '*' || spec.verb == '[' || (spec.verb & 0x80))
            return gotmpl_fail(ctx, MICA_EUNSUPPORTED, "printf: a verb in the format is not supported");
        char missing[16];
        snprintf(missing, sizeof missing, "%%!%c(MISSING)", spec.verb);
        ok = spec.verb == '%' ? gotmpl_puts(ctx, buf, "%")
             : next < n       ? put_verb(ctx, buf, &spec, &args[next++])
                              : gotmpl_puts(ctx, buf, missing);
    }
    return ok && (next >= n || put_extra(ctx, buf, args + next, n - next));
}
