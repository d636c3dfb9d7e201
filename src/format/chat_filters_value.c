/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Filters on single values: defaults, numbers, attributes. */
#include "format/chat_internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool filter_default(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    bool use = call->self.kind == CHAT_UNDEFINED || (chat_truth(&call->at[1]) && !chat_truth(&call->self));
    *out = use ? call->at[0] : call->self;
    if (out->kind == CHAT_MISSING)
        *out = chat_str("", 0);
    return true;
}

/* ---- text to numbers ---- */
/* Copies a number's text without the space around it and the underscores between digits; false when it cannot
 * be a number. */
static bool number_text(const struct chat_value *v, char *out, size_t size)
{
    struct chat_value text = chat_strip(v, NULL, 3);
    size_t n = 0;
    for (uint32_t i = 0; i < text.len; i++) {
        bool inside = i > 0 && i + 1 < text.len && text.s[i - 1] != '_';
        if (text.s[i] == '_' && inside && strchr("0123456789abcdefABCDEF", text.s[i + 1]))
            continue;
        if (n + 1 == size || !text.s[i] || (text.s[i] & 0x80) || chat_is_space((uint8_t)text.s[i]))
            return false;
        out[n++] = text.s[i];
    }
    out[n] = 0;
    return n > 0;
}

enum parsed { PARSED, NOT_A_NUMBER, TOO_BIG };

static enum parsed parse_int(const struct chat_value *v, int64_t base, int64_t *out)
{
    char text[512], *digits = text, *end;
    if (!number_text(v, text, sizeof text))
        return NOT_A_NUMBER;
    digits += *digits == '-' || *digits == '+';
    if (digits[0] == '0' &&
        ((base == 16 && (digits[1] | 0x20) == 'x') || (base == 8 && (digits[1] | 0x20) == 'o') ||
         (base == 2 && (digits[1] | 0x20) == 'b')))
        memmove(digits, digits + 2, strlen(digits + 2) + 1);
    if (!strchr("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", *digits) || !*digits)
        return NOT_A_NUMBER;
    errno = 0;
    *out = strtoll(text, &end, (int)base);
    return *end ? NOT_A_NUMBER : errno ? TOO_BIG : PARSED;
}

static bool parse_float(const struct chat_value *v, double *out)
{
    char text[512], *end;
    const char *digits = text;
    if (!number_text(v, text, sizeof text))
        return false;
    digits += *digits == '-' || *digits == '+';
    if (digits[0] == '0' && (digits[1] | 0x20) == 'x')
        return false; /* strtod would read it */
    if (strchr(digits, '('))
        return false;
    *out = strtod(text, &end);
    return !*end && end > text;
}

static bool float_to_int(struct chat_ctx *ctx, double d, struct chat_value *out)
{
    if (!(d >= -0x1p63 && d < 0x1p63))
        return chat_fail(ctx, MICA_ELIMIT, "a number in the template does not fit into 64 bits");
    *out = chat_int((int64_t)d);
    return true;
}

static bool filter_int(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    const struct chat_value *v = &call->self;
    int64_t base, value;
    double d;
    enum parsed parsed;
    *out = call->at[0].kind == CHAT_MISSING ? chat_int(0) : call->at[0];
    if (!chat_arg_int(ctx, &call->at[1], 10, &base))
        return false;
    if (v->kind == CHAT_UNDEFINED)
        return chat_fail_undefined(ctx, v);
    if (chat_is_int(v)) {
        *out = chat_int(v->i);
        return true;
    }
    if (v->kind == CHAT_FLOAT)
        return isnan(v->d) || float_to_int(ctx, trunc(v->d), out);
    if (v->kind != CHAT_STR || base < 0 || base > 36 || base == 1)
        return true;
    parsed = parse_int(v, base, &value);
    if (parsed == TOO_BIG)
        return chat_fail(ctx, MICA_ELIMIT, "a number in the template does not fit into 64 bits");
    if (parsed == PARSED) {
        *out = chat_int(value);
        return true;
    }
    return !parse_float(v, &d) || !isfinite(d) || float_to_int(ctx, trunc(d), out);
}

static bool filter_float(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    const struct chat_value *v = &call->self;
    double d;
    *out = call->at[0].kind == CHAT_MISSING ? chat_float(0) : call->at[0];
    if (v->kind == CHAT_UNDEFINED)
        return chat_fail_undefined(ctx, v);
    if (chat_is_number(v))
        *out = chat_float(chat_as_double(v));
    else if (v->kind == CHAT_STR && parse_float(v, &d))
        *out = chat_float(d);
    return true;
}

/* ---- numbers ---- */
static bool filter_abs(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    const struct chat_value *v = &call->self;
    if (v->kind == CHAT_FLOAT) {
        *out = chat_float(fabs(v->d));
        return true;
    }
    if (!chat_is_int(v))
        return chat_raise(ctx, "bad operand type for abs(): '%s'", chat_type_name(v));
    *out = chat_int(v->i);
    return v->i >= 0 || chat_sign(ctx, '-', v, out);
}

static double round_float(double d, int64_t digits)
{
    char text[400];
    if (!isfinite(d) || digits > 22)
        return d;
    if (digits < 0) {
        double unit = pow(10, (double)-digits);
        return isinf(unit) ? copysign(0.0, d) : nearbyint(d / unit) * unit;
    }
    snprintf(text, sizeof text, "%.*f", (int)digits, d);
    return strtod(text, NULL);
}

/* Rounds half to even to tens, hundreds … */
static bool round_int(struct chat_ctx *ctx, int64_t i, int64_t digits, struct chat_value *out)
{
    int64_t unit = 1, rest, low;
    *out = chat_int(i);
    if (digits >= 0)
        return true;
    for (; digits < 0 && unit; digits++) {
        if (__builtin_mul_overflow(unit, 10, &unit))
            unit = 0;
    }
    *out = chat_int(0);
    if (!unit)
        return true;
    rest = i % unit;
    rest += rest < 0 ? unit : 0;
    if (__builtin_sub_overflow(i, rest, &low))
        return chat_fail(ctx, MICA_ELIMIT, "a number in the template does not fit into 64 bits");
    if (rest > unit - rest || (rest == unit - rest && (low / unit) % 2 != 0)) {
        if (__builtin_add_overflow(low, unit, &low))
            return chat_fail(ctx, MICA_ELIMIT, "a number in the template does not fit into 64 bits");
    }
    *out = chat_int(low);
    return true;
}

static bool filter_round(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    const struct chat_value *v = &call->self, *method = &call->at[1];
    bool ceiling = chat_str_is(method, "ceil"),
         common = method->kind == CHAT_MISSING || chat_str_is(method, "common");
    int64_t digits;
    double unit, scaled;
    if (!chat_arg_int(ctx, &call->at[0], 0, &digits))
        return false;
    if (!common && !ceiling && !chat_str_is(method, "floor"))
        return chat_raise(ctx, "method must be common, ceil or floor");
    if (v->kind == CHAT_UNDEFINED || !chat_is_number(v))
        return chat_raise(ctx, "type %s doesn't define __round__ method", chat_type_name(v));
    if (common && chat_is_int(v))
        return round_int(ctx, v->i, digits, out);
    if (common) {
        *out = chat_float(round_float(v->d, digits));
        return true;
    }
    unit = pow(10, (double)digits);
    scaled = chat_as_double(v) * unit;
    if (!isfinite(scaled))
        return chat_raise(ctx, "cannot convert float %s to integer", isnan(scaled) ? "NaN" : "infinity");
    /* adding zero: there is no negative zero among integers */
    *out = chat_float(((ceiling ? ceil(scaled) : floor(scaled)) + 0.0) / unit);
    return true;
}

static bool filter_attr(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_value name;
    if (!chat_arg_str(ctx, &call->at[0], &name) || !chat_getattr(ctx, &call->self, name.s, name.len, out))
        return false;
    if (call->self.kind == CHAT_DICT && out->kind != CHAT_METHOD && out->kind != CHAT_UNDEFINED)
        *out = (struct chat_value){
            .kind = CHAT_UNDEFINED, .flag = CHAT_UNDEF_ATTR + CHAT_DICT, .len = name.len, .s = name.s};
    return true;
}

static bool filter_pprint(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct mica_buf buf = {0};
    chat_put_repr(ctx, &call->self, &buf);
    return chat_str_take(ctx, &buf, out);
}

const struct chat_builtin chat_filters_value[] = {
    {"default", filter_default, "default_value boolean", 0},
    {"d", filter_default, "default_value boolean", 0},
    {"int", filter_int, "default base", 0},
    {"float", filter_float, "default", 0},
    {"abs", filter_abs, "", 0},
    {"round", filter_round, "precision method", 0},
    {"attr", filter_attr, "name", 1},
    {"pprint", filter_pprint, "", 0},
    {0},
};
