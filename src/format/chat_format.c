/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* text % values and text.format(values). */
#include "format/chat_internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_PRECISION = 200, MAX_WIDTH = 1 << 20, NUMBER_SIZE = 640 };

/* How to write one value. */
struct spec {
    struct chat_value fill;
    char align; /* 0: the type's own, '=': between sign and digits */
    char sign;  /* '+', ' ' or 0 */
    char group; /* ',', '_' or 0 */
    char type;
    bool alternate;
    int64_t width, precision; /* precision -1: not given */
};

static bool pad(struct chat_ctx *ctx, const struct spec *spec, char align, const struct chat_value *text,
                struct mica_buf *buf)
{
    struct chat_value out;
    int64_t missing = spec->width - chat_chars(text->s, text->len);
    align = spec->align ? spec->align : align;
    if (missing <= 0)
        return chat_put(ctx, buf, text->s, text->len);
    if (align == '^') { /* the odd one goes to the right */
        if (!chat_pad(ctx, text, spec->width - (missing + 1) / 2, &spec->fill, 1, &out) ||
            !chat_pad(ctx, &out, spec->width, &spec->fill, 2, &out))
            return false;
    } else if (!chat_pad(ctx, text, spec->width, &spec->fill, align == '<' ? 2 : 1, &out)) {
        return false;
    }
    return chat_put(ctx, buf, out.s, out.len);
}

static bool put_text(struct chat_ctx *ctx, const struct spec *spec, struct chat_value text, char align,
                     struct mica_buf *buf)
{
    if (spec->precision >= 0)
        text.len = (uint32_t)chat_offset(text.s, text.len, spec->precision);
    return pad(ctx, spec, align, &text, buf);
}

/* ---- numbers ---- */
/* Puts separators into the digits at the start of text. */
static void group_digits(char *text, size_t size, const struct spec *spec)
{
    size_t every = strchr("bBoOxX", spec->type) && spec->type ? 4 : 3,
           n = strspn(text, "0123456789abcdefABCDEF");
    if (!strchr("bBoOxX", spec->type) || !spec->type)
        n = strspn(text, "0123456789");
    for (size_t at = n; at > every;) {
        at -= every;
        if (strlen(text) + 2 > size)
            return;
        memmove(text + at + 1, text + at, strlen(text + at) + 1);
        text[at] = spec->group;
    }
}

/* sign, prefix and digits with what fills them up. */
static bool put_number(struct chat_ctx *ctx, const struct spec *spec, bool negative, const char *prefix,
                       char *digits, struct mica_buf *buf)
{
    char head[8], text[NUMBER_SIZE + 16];
    struct chat_value tail;
    snprintf(head, sizeof head, "%s%s",
             negative            ? "-"
             : spec->sign == '+' ? "+"
             : spec->sign == ' ' ? " "
                                 : "",
             prefix);
    if (spec->group)
        group_digits(digits, NUMBER_SIZE, spec);
    if (spec->align == '=') {
        tail = chat_str(digits, strlen(digits));
        return chat_put(ctx, buf, head, strlen(head)) &&
               chat_pad(ctx, &tail, spec->width - (int64_t)strlen(head), &spec->fill, 1, &tail) &&
               chat_put(ctx, buf, tail.s, tail.len);
    }
    snprintf(text, sizeof text, "%s%s", head, digits);
    tail = chat_str(text, strlen(text));
    return pad(ctx, spec, '>', &tail, buf);
}

static bool put_int(struct chat_ctx *ctx, const struct spec *spec, int64_t i, struct mica_buf *buf)
{
    char digits[NUMBER_SIZE], *at = digits + 80;
    uint64_t u = i < 0 ? -(uint64_t)i : (uint64_t)i;
    unsigned base = spec->type == 'x' || spec->type == 'X' ? 16
                    : spec->type == 'o'                    ? 8
                    : spec->type == 'b'                    ? 2
                                                           : 10;
    char prefix[3] = {'0', spec->type, 0};
    *at = 0;
    do
        *--at = (spec->type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef")[u % base];
    while (u /= base);
    memmove(digits, at, strlen(at) + 1);
    /* %.5d */
    while (spec->precision > (int64_t)strlen(digits) && strlen(digits) < MAX_PRECISION) {
        memmove(digits + 1, digits, strlen(digits) + 1);
        digits[0] = '0';
    }
    return put_number(ctx, spec, i < 0, spec->alternate && base != 10 ? prefix : "", digits, buf);
}

/* Without a type: the shortest text, or as %g but always recognisable as a float. */
static void general(const struct spec *spec, double d, char *out)
{
    if (spec->precision < 0) {
        chat_format_double(d, out);
        return;
    }
    snprintf(out, NUMBER_SIZE, "%.*g", spec->precision ? (int)spec->precision : 1, d);
    if (!strpbrk(out, ".einf"))
        snprintf(out + strlen(out), 3, ".0");
}

static bool put_float(struct chat_ctx *ctx, const struct spec *spec, double d, struct mica_buf *buf)
{
    char digits[NUMBER_SIZE], fmt[8];
    bool percent = spec->type == '%';
    int precision = spec->precision < 0 ? 6 : (int)spec->precision;
    double size = fabs(d) * (percent ? 100 : 1);
    if (spec->precision > MAX_PRECISION)
        return chat_fail(ctx, MICA_ELIMIT, "a number in the template is written with too many digits");
    if (!spec->type) {
        general(spec, size, digits);
    } else {
        snprintf(fmt, sizeof fmt, "%%%s.*%c", spec->alternate ? "#" : "", percent ? 'f' : spec->type);
        snprintf(digits, sizeof digits - 2, fmt, precision, size);
        if (percent)
            strcat(digits, "%");
    }
    return put_number(ctx, spec, signbit(d) && !isnan(d), "", digits, buf);
}

static bool put_char(struct chat_ctx *ctx, const struct spec *spec, int64_t c, struct mica_buf *buf)
{
    char utf8[4];
    if (c < 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return chat_raise(ctx, "%%c arg not in range(0x110000)");
    struct chat_value text = chat_str(utf8, (size_t)chat_utf8_put((uint32_t)c, utf8));
    return pad(ctx, spec, '<', &text, buf);
}

/* ---- text % values ---- */
struct percent {
    struct chat_value arg;
    int64_t next;
    bool mapping;
};

static bool next_arg(struct chat_ctx *ctx, struct percent *p, struct chat_value *out)
{
    int64_t n = p->arg.kind == CHAT_TUPLE ? p->arg.list->n : 1;
    if (p->next >= n)
        return chat_raise(ctx, "not enough arguments for format string");
    *out = p->arg.kind == CHAT_TUPLE ? p->arg.list->at[p->next] : p->arg;
    p->next++;
    return true;
}

/* A number or * at *s. */
static bool read_count(struct chat_ctx *ctx, struct percent *p, const char **s, const char *end, int64_t *out)
{
    struct chat_value v = {.kind = CHAT_MISSING};
    if (*s < end && **s == '*') {
        ++*s;
        return next_arg(ctx, p, &v) && (chat_is_int(&v) || chat_raise(ctx, "* wants int")) &&
               chat_arg_int(ctx, &v, 0, out);
    }
    for (*out = 0; *s < end && **s >= '0' && **s <= '9'; ++*s)
        *out = *out > MAX_WIDTH ? *out : *out * 10 + (**s - '0');
    return true;
}

static bool percent_number(struct chat_ctx *ctx, struct spec *spec, const struct chat_value *v,
                           struct mica_buf *buf)
{
    bool decimal = strchr("diu", spec->type) != NULL, integer = decimal || strchr("xXo", spec->type);
    if (v->kind == CHAT_UNDEFINED && decimal)
        return chat_fail_undefined(ctx, v);
    if (!chat_is_number(v) || (integer && !decimal && !chat_is_int(v)))
        return chat_raise(ctx, "%%%c format: %s is required, not %s", spec->type,
                          integer && !decimal ? "an integer" : "a real number", chat_type_name(v));
    if (!integer)
        return put_float(ctx, spec, chat_as_double(v), buf);
    if (v->kind == CHAT_FLOAT && !(fabs(v->d) < 0x1p63))
        return chat_fail(ctx, MICA_ELIMIT, "a number in the template does not fit into 64 bits");
    spec->type = decimal ? 'd' : spec->type;
    return put_int(ctx, spec, v->kind == CHAT_FLOAT ? (int64_t)v->d : v->i, buf);
}

static bool percent_value(struct chat_ctx *ctx, struct spec *spec, const struct chat_value *v,
                          struct mica_buf *buf)
{
    struct mica_buf repr = {0};
    struct chat_value text;
    if (strchr("diuxXoeEfFgG", spec->type))
        return percent_number(ctx, spec, v, buf);
    if (spec->align == '=')
        spec->align = 0;
    spec->fill = chat_str(" ", 1);
    if (spec->type == 's')
        return chat_to_str(ctx, v, &text) && put_text(ctx, spec, text, '>', buf);
    if (spec->type == 'r' || spec->type == 'a') {
        chat_put_repr(ctx, v, &repr);
        return chat_str_take(ctx, &repr, &text) && put_text(ctx, spec, text, '>', buf);
    }
    if (spec->type != 'c')
        return chat_raise(ctx, "unsupported format character '%c'", spec->type);
    spec->align = spec->align ? spec->align : '>';
    if (chat_is_int(v))
        return put_char(ctx, spec, v->i, buf);
    if (v->kind != CHAT_STR || chat_chars(v->s, v->len) != 1)
        return chat_raise(ctx, "%%c requires int or char");
    return pad(ctx, spec, '>', v, buf);
}

/* The value named in brackets at *s. */
static bool percent_key(struct chat_ctx *ctx, struct percent *p, const char **s, const char *end,
                        struct chat_value *out)
{
    const char *close = memchr(*s, ')', (size_t)(end - *s));
    struct chat_value key, *found = NULL;
    if (!p->mapping)
        return chat_raise(ctx, "format requires a mapping");
    if (!close)
        return chat_raise(ctx, "incomplete format key");
    key = chat_str(*s, (size_t)(close - *s));
    if (p->arg.kind != CHAT_DICT)
        return chat_raise(ctx, "format requires a mapping");
    if (!chat_dict_find(ctx, p->arg.dict, &key, &found))
        return false;
    if (!found)
        return chat_raise(ctx, "there is no '%.*s' to format", (int)key.len, key.s);
    *out = *found;
    *s = close + 1;
    return true;
}

static void percent_flags(const char **s, const char *end, struct spec *spec, bool *left, bool *zero)
{
    for (; *s < end && **s && strchr("-+ #0", **s); ++*s) {
        *left |= **s == '-';
        *zero |= **s == '0';
        spec->alternate |= **s == '#';
        if (**s == '+' || (**s == ' ' && !spec->sign))
            spec->sign = **s;
    }
}

/* Width, precision and type. */
static bool percent_size(struct chat_ctx *ctx, struct percent *p, const char **s, const char *end,
                         struct spec *spec)
{
    if (!read_count(ctx, p, s, end, &spec->width))
        return false;
    if (*s < end && **s == '.') {
        ++*s;
        if (!read_count(ctx, p, s, end, &spec->precision))
            return false;
        spec->precision = spec->precision < 0 ? 0 : spec->precision;
    }
    while (*s < end && **s && strchr("hlL", **s))
        ++*s;
    if (*s == end)
        return chat_raise(ctx, "incomplete format");
    spec->type = *(*s)++;
    return (spec->width <= MAX_WIDTH && spec->width >= -MAX_WIDTH) ||
           chat_fail(ctx, MICA_ELIMIT, "a width in the template is too large");
}

static bool percent_one(struct chat_ctx *ctx, struct percent *p, const char **s, const char *end,
                        struct mica_buf *buf)
{
    struct spec spec = {.fill = chat_str(" ", 1), .precision = -1};
    struct chat_value v = {.kind = CHAT_MISSING};
    bool left = false, zero = false;
    if (*s < end && **s == '(') {
        ++*s;
        if (!percent_key(ctx, p, s, end, &v))
            return false;
    }
    percent_flags(s, end, &spec, &left, &zero);
    if (!percent_size(ctx, p, s, end, &spec))
        return false;
    if (spec.type == '%')
        return chat_put(ctx, buf, "%", 1);
    left |= spec.width < 0; /* a negative * */
    spec.width = spec.width < 0 ? -spec.width : spec.width;
    spec.align = left ? '<' : zero ? '=' : 0;
    if (zero && !left)
        spec.fill = chat_str("0", 1);
    return (v.kind != CHAT_MISSING || next_arg(ctx, p, &v)) && percent_value(ctx, &spec, &v, buf);
}

bool chat_percent(struct chat_ctx *ctx, const struct chat_value *fmt, const struct chat_value *arg,
                  struct chat_value *out)
{
    const char *s = fmt->s, *end = s + fmt->len;
    struct percent p = {.arg = *arg};
    struct mica_buf buf = {0};
    bool ok = true;
    p.mapping = arg->kind == CHAT_DICT || arg->kind == CHAT_LIST || arg->kind == CHAT_UNDEFINED ||
                arg->kind == CHAT_RANGE;
    while (ok && s < end) {
        const char *next = memchr(s, '%', (size_t)(end - s));
        ok = chat_put(ctx, &buf, s, (size_t)((next ? next : end) - s));
        if (!next)
            break;
        s = next + 1;
        ok = ok && chat_charge(ctx, 1) && percent_one(ctx, &p, &s, end, &buf);
    }
    if (ok && !p.mapping && p.next < (arg->kind == CHAT_TUPLE ? arg->list->n : 1))
        chat_raise(ctx, "not all arguments converted during string formatting");
    if (!chat_str_take(ctx, &buf, out))
        return false;
    out->flag = fmt->flag;
    return true;
}

/* ---- text.format(values) ---- */
struct format {
    const struct chat_call *call;
    int64_t next; /* number of the next field without a name; -1: fields are numbered */
};

static bool is_align(char c)
{
    return c && strchr("<>=^", c);
}

static int64_t digits_value(const char **s, const char *end)
{
    int64_t n = 0;
    for (; *s < end && **s >= '0' && **s <= '9'; ++*s)
        n = n > MAX_WIDTH ? n : n * 10 + (**s - '0');
    return n;
}

/* Fill and alignment at s; returns what follows. */
static const char *parse_align(const char *s, const char *end, struct spec *spec)
{
    int first = chat_utf8_len(s, end);
    if (first && s + first < end && is_align(s[first])) {
        spec->fill = chat_str(s, (size_t)first);
        s += first;
    } else if (s == end || !is_align(*s)) {
        return s;
    }
    spec->align = *s;
    return s + 1;
}

static char take(const char **s, const char *end, const char *set)
{
    return *s < end && **s && strchr(set, **s) ? *(*s)++ : 0;
}

static bool parse_spec(struct chat_ctx *ctx, const char *s, const char *end, struct spec *spec)
{
    *spec = (struct spec){.fill = chat_str(" ", 1), .precision = -1};
    s = parse_align(s, end, spec);
    spec->sign = take(&s, end, "+- ");
    spec->alternate = take(&s, end, "#");
    if (take(&s, end, "0") && !spec->align) {
        spec->fill = chat_str("0", 1);
        spec->align = '=';
    }
    spec->width = digits_value(&s, end);
    spec->group = take(&s, end, ",_");
    if (s + 1 < end && *s == '.' && s[1] >= '0' && s[1] <= '9') {
        s++;
        spec->precision = digits_value(&s, end);
    }
    if (s < end)
        spec->type = *s++;
    if (s < end)
        return chat_raise(ctx, "Invalid format specifier");
    return spec->width <= MAX_WIDTH || chat_fail(ctx, MICA_ELIMIT, "a width in the template is too large");
}

static bool format_int(struct chat_ctx *ctx, struct spec *spec, const struct chat_value *v,
                       struct mica_buf *buf)
{
    if (spec->type && strchr("eEfFgG%", spec->type))
        return put_float(ctx, spec, (double)v->i, buf);
    if (spec->type && !strchr("dnbcoxX", spec->type))
        return chat_raise(ctx, "Unknown format code '%c' for object of type '%s'", spec->type,
                          chat_type_name(v));
    if (spec->precision >= 0)
        return chat_raise(ctx, "Precision not allowed in integer format specifier");
    return spec->type == 'c' ? put_char(ctx, spec, v->i, buf) : put_int(ctx, spec, v->i, buf);
}

static bool format_value(struct chat_ctx *ctx, const struct chat_value *v, const struct chat_value *text,
                         struct mica_buf *buf)
{
    struct spec spec;
    if (!text->len)
        return chat_put_str(ctx, v, buf);
    if (!parse_spec(ctx, text->s, text->s + text->len, &spec))
        return false;
    if (chat_is_int(v))
        return format_int(ctx, &spec, v, buf);
    if (v->kind == CHAT_FLOAT) {
        if (spec.type && !strchr("eEfFgG%n", spec.type))
            return chat_raise(ctx, "Unknown format code '%c' for object of type 'float'", spec.type);
        spec.type = spec.type == 'n' ? 'g' : spec.type;
        return put_float(ctx, &spec, v->d, buf);
    }
    if (v->kind != CHAT_STR)
        return chat_raise(ctx, "unsupported format string passed to %s.__format__", chat_type_name(v));
    if (spec.type && spec.type != 's')
        return chat_raise(ctx, "Unknown format code '%c' for object of type 'str'", spec.type);
    if (spec.sign || spec.group || spec.alternate || (spec.align == '=' && spec.fill.s[0] != '0'))
        return chat_raise(ctx, "this format is not allowed for text");
    spec.align = spec.align == '=' ? '<' : spec.align;
    return put_text(ctx, &spec, *v, '<', buf);
}

/* The argument that the start of a field's name means. */
static bool field_argument(struct chat_ctx *ctx, struct format *f, const struct chat_value *name,
                           struct chat_value *out)
{
    const struct chat_args *args = f->call->args;
    const char *s = name->s, *end = s + name->len;
    int64_t index = digits_value(&s, end);
    if (!name->len || s == end) {
        bool automatic = !name->len;
        if (automatic ? f->next < 0 : f->next > 0)
            return chat_raise(ctx, "cannot mix automatic field numbering with manual field specification");
        index = automatic ? f->next++ : index;
        f->next = automatic ? f->next : -1;
        if (index >= args->n)
            return chat_raise(ctx, "Replacement index %d out of range for positional args tuple", (int)index);
        *out = args->at[index];
        return true;
    }
    for (int64_t i = 0; i < args->n_keywords; i++) {
        const struct chat_value *key = &args->keywords[i].name;
        if (key->len == name->len && !memcmp(key->s, name->s, key->len)) {
            *out = args->keywords[i].value;
            return true;
        }
    }
    return chat_raise(ctx, "format() has no argument '%.*s'", (int)name->len, name->s);
}

/* name.attribute[key]… */
static bool field_value(struct chat_ctx *ctx, struct format *f, const char *s, const char *end,
                        struct chat_value *out)
{
    const char *at = s;
    struct chat_value name;
    while (at < end && *at != '.' && *at != '[')
        at++;
    name = chat_str(s, (size_t)(at - s));
    if (!field_argument(ctx, f, &name, out))
        return false;
    while (at < end) {
        struct chat_value object = *out, key;
        const char *begin = at + 1, *stop;
        if (*at == '.') {
            for (stop = begin; stop < end && *stop != '.' && *stop != '['; stop++)
                ;
            if (!chat_getattr(ctx, &object, begin, (size_t)(stop - begin), out))
                return false;
            at = stop;
            continue;
        }
        if (*at != '[' || !(stop = memchr(begin, ']', (size_t)(end - begin))))
            return chat_raise(ctx, "Only '.' or '[' may follow ']' in format field specifier");
        at = begin;
        key = chat_int(digits_value(&at, stop));
        if (at != stop || at == begin)
            key = chat_str(begin, (size_t)(stop - begin));
        if (!chat_getitem(ctx, &object, &key, out))
            return false;
        at = stop + 1;
    }
    return true;
}

static bool expand(struct chat_ctx *ctx, struct format *f, const char *s, const char *end, int level,
                   struct mica_buf *buf);

/* !s, !r and !a */
static bool convert(struct chat_ctx *ctx, char conversion, struct chat_value *v)
{
    struct mica_buf text = {0};
    if (!conversion)
        return true;
    if (conversion != 's' && conversion != 'r' && conversion != 'a')
        return chat_raise(ctx, "Unknown conversion specifier %c", conversion);
    if (conversion == 's')
        chat_put_str(ctx, v, &text);
    else
        chat_put_repr(ctx, v, &text);
    return chat_str_take(ctx, &text, v);
}

/* The field between s and end, without its braces. */
static bool put_field(struct chat_ctx *ctx, struct format *f, const char *s, const char *end, int level,
                      struct mica_buf *buf)
{
    const char *name_end = s;
    struct mica_buf spec_buf = {0};
    struct chat_value v = {.kind = CHAT_MISSING}, spec = chat_str("", 0);
    char conversion = 0;
    bool bracket = false;
    for (; name_end < end && (bracket || (*name_end != ':' && *name_end != '!')); name_end++)
        bracket = *name_end == '[' || (bracket && *name_end != ']');
    if (!field_value(ctx, f, s, name_end, &v))
        return false;
    if (name_end < end && *name_end == '!') {
        if (end - name_end < 2 || (end - name_end > 2 && name_end[2] != ':'))
            return chat_raise(ctx, "expected ':' after conversion specifier");
        conversion = name_end[1];
        name_end += 2;
    }
    if (name_end < end) {
        expand(ctx, f, name_end + 1, end, level + 1, &spec_buf);
        if (!chat_str_take(ctx, &spec_buf, &spec))
            return false;
    }
    return convert(ctx, conversion, &v) && format_value(ctx, &v, &spec, buf);
}

/* level 0: the text itself, with doubled braces; 1: a specification, which may hold fields. */
static bool expand(struct chat_ctx *ctx, struct format *f, const char *s, const char *end, int level,
                   struct mica_buf *buf)
{
    if (level > 1)
        return chat_raise(ctx, "Max string recursion exceeded");
    while (s < end) {
        const char *begin = s;
        int open = 1;
        while (s < end && *s != '{' && *s != '}')
            s++;
        if (!chat_put(ctx, buf, begin, (size_t)(s - begin)))
            return false;
        if (s == end)
            return true;
        if (s + 1 < end && s[1] == *s && !level) {
            if (!chat_put(ctx, buf, s, 1))
                return false;
            s += 2;
            continue;
        }
        if (*s == '}')
            return chat_raise(ctx, "Single '}' encountered in format string");
        for (begin = ++s; s < end && open; s++)
            open += *s == '{' ? 1 : *s == '}' ? -1 : 0;
        if (open)
            return chat_raise(ctx, "expected '}' before end of string");
        if (!chat_charge(ctx, 1) || !put_field(ctx, f, begin, s - 1, level, buf))
            return false;
    }
    return true;
}

bool chat_format_method(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct format f = {.call = call};
    struct mica_buf buf = {0};
    expand(ctx, &f, call->self.s, call->self.s + call->self.len, 0, &buf);
    if (!chat_str_take(ctx, &buf, out))
        return false;
    out->flag = call->self.flag;
    return true;
}
