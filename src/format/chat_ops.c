/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic of templates. Integers have 64 bits; where Python's would grow past them, the render fails. */
#include "format/chat_internal.h"

#include <math.h>
#include <string.h>

static bool overflow(struct chat_ctx *ctx)
{
    return chat_fail(ctx, MICA_ELIMIT, "a number in the template does not fit into 64 bits");
}

static bool mismatch(struct chat_ctx *ctx, int op, const struct chat_value *a, const struct chat_value *b)
{
    if (op == '+' && (a->kind == CHAT_STR || a->kind == CHAT_LIST || a->kind == CHAT_TUPLE))
        return chat_raise(ctx, "can only concatenate %s (not \"%s\") to %s", chat_type_name(a),
                          chat_type_name(b), chat_type_name(a));
    return chat_raise(ctx, "unsupported operand type(s) for %c%s: '%s' and '%s'", op > 255 ? op >> 8 : op,
                      op == CHAT_OP('/', '/')   ? "/"
                      : op == CHAT_OP('*', '*') ? "*"
                                                : "",
                      chat_type_name(a), chat_type_name(b));
}

/* ---- numbers ---- */
static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return a % b && (a < 0) != (b < 0) ? q - 1 : q;
}

static bool int_pow(struct chat_ctx *ctx, int64_t base, int64_t exponent, struct chat_value *out)
{
    int64_t result = 1;
    bool square_fits = true;
    if (exponent < 0) {
        if (!base)
            return chat_raise(ctx, "0.0 cannot be raised to a negative power");
        *out = chat_float(pow((double)base, (double)exponent));
        return true;
    }
    for (; exponent; exponent >>= 1) {
        if ((exponent & 1) && (!square_fits || __builtin_mul_overflow(result, base, &result)))
            return overflow(ctx);
        square_fits = square_fits && !__builtin_mul_overflow(base, base, &base);
    }
    *out = chat_int(result);
    return true;
}

static bool int_op(struct chat_ctx *ctx, int op, int64_t a, int64_t b, struct chat_value *out)
{
    int64_t result = 0;
    if ((op == '/' || op == '%' || op == CHAT_OP('/', '/')) && !b)
        return chat_raise(ctx, op == '/'   ? "division by zero"
                               : op == '%' ? "integer modulo by zero"
                                           : "integer division or modulo by zero");
    switch (op) {
    case '+':
        if (__builtin_add_overflow(a, b, &result))
            return overflow(ctx);
        break;
    case '-':
        if (__builtin_sub_overflow(a, b, &result))
            return overflow(ctx);
        break;
    case '*':
        if (__builtin_mul_overflow(a, b, &result))
            return overflow(ctx);
        break;
    case '/':
        *out = chat_float((double)a / (double)b);
        return true;
    case '%':
        result = b == -1 ? 0 : a - b * floor_div(a, b);
        break;
    case CHAT_OP('/', '/'):
        if (a == INT64_MIN && b == -1)
            return overflow(ctx);
        result = floor_div(a, b);
        break;
    default:
        return int_pow(ctx, a, b, out);
    }
    *out = chat_int(result);
    return true;
}

static double float_mod(double a, double b)
{
    double m = fmod(a, b);
    if (m != 0)
        return (b < 0) != (m < 0) ? m + b : m;
    return copysign(0.0, b);
}

static double float_floor_div(double a, double b)
{
    double m = fmod(a, b), q = (a - m) / b, floored;
    if (m != 0 && (b < 0) != (m < 0))
        q -= 1;
    if (q == 0)
        return copysign(0.0, a / b);
    floored = floor(q);
    return q - floored > 0.5 ? floored + 1 : floored;
}

static bool float_pow(struct chat_ctx *ctx, double a, double b, struct chat_value *out)
{
    double r;
    if (a == 0 && b < 0)
        return chat_raise(ctx, "0.0 cannot be raised to a negative power");
    if (a < 0 && b != floor(b) && isfinite(a) && isfinite(b))
        return chat_raise(ctx, "complex numbers are not supported");
    r = pow(a, b);
    if (isinf(r) && isfinite(a) && isfinite(b))
        return chat_raise(ctx, "numerical result out of range");
    *out = chat_float(r);
    return true;
}

static bool float_op(struct chat_ctx *ctx, int op, double a, double b, struct chat_value *out)
{
    if ((op == '/' || op == '%' || op == CHAT_OP('/', '/')) && b == 0)
        return chat_raise(ctx, op == '/'   ? "float division by zero"
                               : op == '%' ? "float modulo"
                                           : "float floor division by zero");
    switch (op) {
    case '+':
        *out = chat_float(a + b);
        return true;
    case '-':
        *out = chat_float(a - b);
        return true;
    case '*':
        *out = chat_float(a * b);
        return true;
    case '/':
        *out = chat_float(a / b);
        return true;
    case '%':
        *out = chat_float(float_mod(a, b));
        return true;
    case CHAT_OP('/', '/'):
        *out = chat_float(float_floor_div(a, b));
        return true;
    default:
        return float_pow(ctx, a, b, out);
    }
}

/* ---- sequences ---- */
static bool concat_str(struct chat_ctx *ctx, const struct chat_value *a, const struct chat_value *b,
                       struct chat_value *out)
{
    struct chat_value left = *a, right = *b;
    size_t len;
    char *s;
    /* Text that is marked safe stays so, by escaping the other side. */
    if (a->flag != b->flag && !chat_escape(ctx, a->flag ? b : a, a->flag ? &right : &left))
        return false;
    len = (size_t)left.len + right.len;
    if (len > ctx->output_limit)
        return chat_fail(ctx, MICA_ELIMIT, "a text in the template is longer than %zu bytes",
                         ctx->output_limit);
    if (!chat_charge(ctx, (int64_t)(len / 64)) || !(s = chat_alloc(ctx, len + 1, 1)))
        return false;
    memcpy(s, left.s, left.len);
    memcpy(s + left.len, right.s, right.len);
    *out = chat_str(s, len);
    out->flag = left.flag | right.flag;
    return true;
}

static bool concat_lists(struct chat_ctx *ctx, const struct chat_value *a, const struct chat_value *b,
                         struct chat_value *out)
{
    int64_t n = a->list->n + b->list->n;
    struct chat_list *list = chat_charge(ctx, n) ? chat_list_new(ctx, n) : NULL;
    if (!list)
        return false;
    for (int64_t i = 0; i < n; i++)
        list->at[i] = i < a->list->n ? a->list->at[i] : b->list->at[i - a->list->n];
    list->n = n;
    *out = chat_of_list(a->kind, list);
    return true;
}

static bool repeat(struct chat_ctx *ctx, const struct chat_value *v, int64_t times, struct chat_value *out)
{
    size_t unit = v->kind == CHAT_STR ? v->len : (size_t)v->list->n, total;
    struct chat_list *list;
    times = times > 0 && unit ? times : 0;
    if (!mica_mul_size(unit, (size_t)times, &total) || total > ctx->output_limit)
        return chat_fail(ctx, MICA_ELIMIT, "a repetition in the template is longer than %zu",
                         ctx->output_limit);
    if (v->kind == CHAT_STR) {
        char *s = chat_charge(ctx, (int64_t)(total / 64)) ? chat_alloc(ctx, total + 1, 1) : NULL;
        for (int64_t i = 0; s && i < times; i++)
            memcpy(s + (size_t)i * unit, v->s, unit);
        *out = chat_str(s, total);
        out->flag = v->flag;
        return s;
    }
    if (!chat_charge(ctx, (int64_t)total) || !(list = chat_list_new(ctx, (int64_t)total)))
        return false;
    for (int64_t i = 0; v->list->n && i < (int64_t)total; i++)
        list->at[list->n++] = v->list->at[i % v->list->n];
    *out = chat_of_list(v->kind, list);
    return true;
}

static bool is_sequence(const struct chat_value *v)
{
    return v->kind == CHAT_STR || v->kind == CHAT_LIST || v->kind == CHAT_TUPLE;
}

static bool sequence_op(struct chat_ctx *ctx, int op, const struct chat_value *a, const struct chat_value *b,
                        struct chat_value *out)
{
    if (op == '+' && a->kind == b->kind && is_sequence(a))
        return a->kind == CHAT_STR ? concat_str(ctx, a, b, out) : concat_lists(ctx, a, b, out);
    if (op == '*' && is_sequence(a) && chat_is_int(b))
        return repeat(ctx, a, b->i, out);
    if (op == '*' && is_sequence(b) && chat_is_int(a))
        return repeat(ctx, b, a->i, out);
    return mismatch(ctx, op, a, b);
}

bool chat_binary(struct chat_ctx *ctx, int op, const struct chat_value *a, const struct chat_value *b,
                 struct chat_value *out)
{
    if (a->kind == CHAT_STR && op == '%')
        return chat_percent(ctx, a, b, out);
    if (a->kind == CHAT_UNDEFINED || b->kind == CHAT_UNDEFINED)
        return chat_fail_undefined(ctx, a->kind == CHAT_UNDEFINED ? a : b);
    if (chat_is_int(a) && chat_is_int(b))
        return int_op(ctx, op, a->i, b->i, out);
    if (chat_is_number(a) && chat_is_number(b))
        return float_op(ctx, op, chat_as_double(a), chat_as_double(b), out);
    return sequence_op(ctx, op, a, b, out);
}

bool chat_sign(struct chat_ctx *ctx, int op, const struct chat_value *a, struct chat_value *out)
{
    if (a->kind == CHAT_UNDEFINED)
        return chat_fail_undefined(ctx, a);
    if (!chat_is_number(a))
        return chat_raise(ctx, "bad operand type for unary %c: '%s'", op, chat_type_name(a));
    if (a->kind == CHAT_FLOAT) {
        *out = chat_float(op == '-' ? -a->d : a->d);
        return true;
    }
    if (op == '-' && a->i == INT64_MIN)
        return overflow(ctx);
    *out = chat_int(op == '-' ? -a->i : a->i);
    return true;
}

bool chat_escape(struct chat_ctx *ctx, const struct chat_value *v, struct chat_value *out)
{
    static const char special[] = "&<>'\"";
    static const char *const names[] = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
    struct mica_buf buf = {0};
    struct chat_value text;
    bool ok = chat_to_str(ctx, v, &text);
    if (!ok || text.flag) {
        *out = text;
        return ok;
    }
    for (uint32_t i = 0, begin = 0; ok && i <= text.len; i++) {
        const char *found = i < text.len && text.s[i] ? strchr(special, text.s[i]) : NULL;
        if (!found && i < text.len)
            continue;
        ok = chat_put(ctx, &buf, text.s + begin, i - begin) &&
             (!found || chat_put(ctx, &buf, names[found - special], strlen(names[found - special])));
        begin = i + 1;
    }
    ok = chat_str_take(ctx, &buf, out);
    out->flag = 1;
    return ok;
}
