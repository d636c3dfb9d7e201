/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The predicates of text and the methods of everything else. */
#include "format/chat_internal.h"

#include <math.h>
#include <string.h>

/* ---- text predicates ---- */
static bool is_alnum(uint32_t c)
{
    return chat_is_alpha(c) || chat_is_numeric(c);
}

static bool is_ascii(uint32_t c)
{
    return c < 0x80;
}

/* Whether all characters are of a kind; empty: what it is for a text without characters. */
static bool all(const struct chat_call *call, bool (*is)(uint32_t), bool empty, struct chat_value *out)
{
    bool yes = call->self.len || empty;
    for (uint32_t i = 0; i < call->self.len && yes;) {
        int len;
        yes = is(chat_utf8_get(call->self.s + i, &len));
        i += (uint32_t)len;
    }
    *out = chat_bool(yes);
    return true;
}

#define PREDICATE(name, is, empty)                                                                           \
    static bool str_##name(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)       \
    {                                                                                                        \
        return all(call, is, empty, out);                                                                    \
    }
PREDICATE(isdigit, chat_is_digit, false)
PREDICATE(isnumeric, chat_is_numeric, false)
PREDICATE(isalpha, chat_is_alpha, false)
PREDICATE(isalnum, is_alnum, false)
PREDICATE(isspace, chat_is_space, false)
PREDICATE(isascii, is_ascii, true)
PREDICATE(isprintable, chat_is_printable, true)

PREDICATE(isdecimal, chat_is_decimal, false)

static bool str_isupper(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    *out = chat_bool(chat_all_of_case(&call->self, CHAT_LETTER_UPPER));
    return true;
}

static bool str_islower(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    *out = chat_bool(chat_all_of_case(&call->self, CHAT_LETTER_LOWER));
    return true;
}

static bool str_istitle(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    bool any = false, yes = true, in_word = false;
    for (uint32_t i = 0; i < call->self.len;) {
        int len;
        enum chat_letter letter = chat_letter(chat_utf8_get(call->self.s + i, &len));
        yes &= !letter || (letter != CHAT_LETTER_LOWER) != in_word;
        any |= letter != CHAT_LETTER_NONE;
        in_word = letter != CHAT_LETTER_NONE;
        i += (uint32_t)len;
    }
    *out = chat_bool(any && yes);
    return true;
}

static bool str_isidentifier(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    bool yes = call->self.len > 0;
    for (uint32_t i = 0; i < call->self.len && yes;) {
        int len;
        uint32_t c = chat_utf8_get(call->self.s + i, &len);
        yes = c == '_' || chat_is_alpha(c) || (i && chat_is_decimal(c));
        i += (uint32_t)len;
    }
    *out = chat_bool(yes);
    return true;
}

const struct chat_builtin chat_str_predicates[] = {
    {"isdigit", str_isdigit, "-", 0},
    {"isdecimal", str_isdecimal, "-", 0},
    {"isnumeric", str_isnumeric, "-", 0},
    {"isalpha", str_isalpha, "-", 0},
    {"isalnum", str_isalnum, "-", 0},
    {"isspace", str_isspace, "-", 0},
    {"isascii", str_isascii, "-", 0},
    {"isprintable", str_isprintable, "-", 0},
    {"isupper", str_isupper, "-", 0},
    {"islower", str_islower, "-", 0},
    {"istitle", str_istitle, "-", 0},
    {"isidentifier", str_isidentifier, "-", 0},
    {0},
};

/* ---- lists, tuples and ranges ---- */
static bool list_index(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_list *items;
    int64_t start, end;
    bool same;
    if (!chat_items(ctx, &call->self, &items) || !chat_arg_int(ctx, &call->at[1], 0, &start) ||
        !chat_arg_int(ctx, &call->at[2], items->n, &end))
        return false;
    start = start < 0 ? (start < -items->n ? 0 : start + items->n) : start;
    end = end < 0 ? end + items->n : end < items->n ? end : items->n;
    for (int64_t i = start; i < end; i++) {
        if (!chat_charge(ctx, 1) || !chat_equal(ctx, &items->at[i], &call->at[0], &same))
            return false;
        if (same) {
            *out = chat_int(i);
            return true;
        }
    }
    return chat_raise(ctx, "the value is not in the %s", chat_type_name(&call->self));
}

static bool list_count(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_list *items;
    bool same;
    if (!chat_items(ctx, &call->self, &items))
        return false;
    *out = chat_int(0);
    for (int64_t i = 0; i < items->n; i++) {
        if (!chat_charge(ctx, 1) || !chat_equal(ctx, &items->at[i], &call->at[0], &same))
            return false;
        out->i += same;
    }
    return true;
}

static bool list_copy(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    if (call->self.kind != CHAT_LIST)
        return chat_raise(ctx, "'%s object' has no attribute 'copy'", chat_type_name(&call->self));
    *out = call->self; /* nothing can tell the copy from the original */
    return true;
}

const struct chat_builtin chat_list_methods[] = {
    {"index", list_index, "-value start stop", 1},
    {"count", list_count, "-value", 1},
    {"copy", list_copy, "-", 0},
    {0},
};

/* ---- dicts ---- */
static bool dict_get(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_value *found;
    if (!chat_dict_find(ctx, call->self.dict, &call->at[0], &found))
        return false;
    *out = found ? *found : call->at[1].kind == CHAT_MISSING ? chat_none() : call->at[1];
    return true;
}

static bool dict_keys(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return chat_view(ctx, call->self.dict, "dict_keys", out);
}

static bool dict_values(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return chat_view(ctx, call->self.dict, "dict_values", out);
}

static bool dict_items(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return chat_view(ctx, call->self.dict, "dict_items", out);
}

static bool dict_copy(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    *out = call->self;
    return true;
}

const struct chat_builtin chat_dict_methods[] = {
    {"get", dict_get, "-key default", 1}, {"keys", dict_keys, "-", 0}, {"values", dict_values, "-", 0},
    {"items", dict_items, "-", 0},        {"copy", dict_copy, "-", 0}, {0},
};

/* ---- loops and cyclers ---- */
static bool loop_cycle(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    if (!call->args->n)
        return chat_raise(ctx, "no items for cycling given");
    *out = call->args->at[call->self.loop->index0 % call->args->n];
    return true;
}

static bool loop_changed(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_list *list = chat_list_new(ctx, 0);
    struct chat_value now;
    bool same = false;
    if (!list)
        return false;
    for (int64_t i = 0; i < call->args->n; i++) {
        if (!chat_list_push(ctx, list, call->args->at[i]))
            return false;
    }
    now = chat_of_list(CHAT_TUPLE, list);
    if (!chat_equal(ctx, &now, &call->self.loop->changed, &same))
        return false;
    call->self.loop->changed = now;
    *out = chat_bool(!same);
    return true;
}

const struct chat_builtin chat_loop_methods[] = {
    {"cycle", loop_cycle, "*", 0},
    {"changed", loop_changed, "*", 0},
    {0},
};

static bool cycler_next(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_cycler *cycler = call->self.cycler;
    *out = cycler->items->at[cycler->pos];
    cycler->pos = (cycler->pos + 1) % cycler->items->n;
    return true;
}

static bool cycler_reset(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    call->self.cycler->pos = 0;
    *out = chat_none();
    return true;
}

const struct chat_builtin chat_cycler_methods[] = {
    {"next", cycler_next, "-", 0},
    {"reset", cycler_reset, "-", 0},
    {0},
};

/* ---- numbers ---- */
static bool int_bit_length(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    uint64_t u = call->self.i < 0 ? -(uint64_t)call->self.i : (uint64_t)call->self.i;
    *out = chat_int(u ? 64 - __builtin_clzll(u) : 0);
    return true;
}

static bool float_is_integer(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    *out = chat_bool(isfinite(call->self.d) && call->self.d == trunc(call->self.d));
    return true;
}

const struct chat_builtin chat_int_methods[] = {{"bit_length", int_bit_length, "-", 0}, {0}};
const struct chat_builtin chat_float_methods[] = {{"is_integer", float_is_integer, "-", 0}, {0}};
