/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Tests: what may follow `is`. */
#include "format/chat_internal.h"

#include <string.h>

static bool give(struct chat_value *out, bool is)
{
    *out = chat_bool(is);
    return true;
}

#define KIND_TEST(name, expression)                                                                          \
    static bool test_##name(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)      \
    {                                                                                                        \
        const struct chat_value *v = &call->self;                                                            \
        return give(out, expression);                                                                        \
    }
KIND_TEST(defined, v->kind != CHAT_UNDEFINED)
KIND_TEST(undefined, v->kind == CHAT_UNDEFINED)
KIND_TEST(none, v->kind == CHAT_NONE)
KIND_TEST(boolean, v->kind == CHAT_BOOL)
KIND_TEST(true, v->kind == CHAT_BOOL && v->i)
KIND_TEST(false, v->kind == CHAT_BOOL && !v->i)
KIND_TEST(integer, v->kind == CHAT_INT)
KIND_TEST(float, v->kind == CHAT_FLOAT)
KIND_TEST(number, chat_is_number(v))
KIND_TEST(string, v->kind == CHAT_STR)
KIND_TEST(mapping, v->kind == CHAT_DICT)
KIND_TEST(sequence, chat_length(v) >= 0 && v->kind != CHAT_VIEW)
KIND_TEST(iterable, chat_can_iterate(v))
KIND_TEST(escaped, v->kind == CHAT_STR && v->flag)
KIND_TEST(callable, v->kind == CHAT_FUNC || v->kind == CHAT_METHOD || v->kind == CHAT_MACRO ||
                        v->kind == CHAT_LOOP || v->kind == CHAT_JOINER || v->kind == CHAT_UNDEFINED)

static bool test_filter(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    const struct chat_value *v = &call->self;
    uint32_t hash;
    return chat_hash(ctx, v, &hash) && give(out, v->kind == CHAT_STR && chat_filter_find(v->s, v->len));
}

static bool test_test(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    const struct chat_value *v = &call->self;
    uint32_t hash;
    return chat_hash(ctx, v, &hash) &&
           give(out, v->kind == CHAT_STR && chat_builtin_find(chat_tests, v->s, v->len));
}

static bool test_lower(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_value text;
    return chat_to_str(ctx, &call->self, &text) && give(out, chat_all_of_case(&text, CHAT_LETTER_LOWER));
}

static bool test_upper(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_value text;
    return chat_to_str(ctx, &call->self, &text) && give(out, chat_all_of_case(&text, CHAT_LETTER_UPPER));
}

/* Whether the value divided by n leaves rest. */
static bool leaves(struct chat_ctx *ctx, const struct chat_value *v, struct chat_value n, int64_t rest,
                   struct chat_value *out)
{
    struct chat_value left, wanted = chat_int(rest);
    bool is;
    if (!chat_binary(ctx, '%', v, &n, &left) || !chat_equal(ctx, &left, &wanted, &is))
        return false;
    return give(out, is);
}

static bool test_odd(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return leaves(ctx, &call->self, chat_int(2), 1, out);
}

static bool test_even(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return leaves(ctx, &call->self, chat_int(2), 0, out);
}

static bool test_divisibleby(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return leaves(ctx, &call->self, call->at[0], 0, out);
}

static bool test_sameas(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    const struct chat_value *a = &call->self, *b = &call->at[0];
    if (a->kind != b->kind || a->kind == CHAT_NONE)
        return give(out, a->kind == b->kind);
    return give(out, a->i == b->i && a->len == b->len);
}

static bool test_in(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    bool is;
    return chat_contains(ctx, &call->at[0], &call->self, &is) && give(out, is);
}

#define ORDER_TEST(name, op)                                                                                 \
    static bool test_##name(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)      \
    {                                                                                                        \
        bool is;                                                                                             \
        return chat_compare(ctx, op, &call->self, &call->at[0], &is) && give(out, is);                       \
    }
ORDER_TEST(eq, CHAT_OP('=', '='))
ORDER_TEST(ne, CHAT_OP('!', '='))
ORDER_TEST(gt, '>')
ORDER_TEST(ge, CHAT_OP('>', '='))
ORDER_TEST(lt, '<')
ORDER_TEST(le, CHAT_OP('<', '='))

const struct chat_builtin chat_tests[] = {
    {"defined", test_defined, "", 0},
    {"undefined", test_undefined, "", 0},
    {"none", test_none, "", 0},
    {"boolean", test_boolean, "", 0},
    {"true", test_true, "", 0},
    {"false", test_false, "", 0},
    {"integer", test_integer, "", 0},
    {"float", test_float, "", 0},
    {"number", test_number, "", 0},
    {"string", test_string, "", 0},
    {"mapping", test_mapping, "", 0},
    {"sequence", test_sequence, "", 0},
    {"iterable", test_iterable, "", 0},
    {"escaped", test_escaped, "", 0},
    {"callable", test_callable, "", 0},
    {"filter", test_filter, "", 0},
    {"test", test_test, "", 0},
    {"lower", test_lower, "", 0},
    {"upper", test_upper, "", 0},
    {"odd", test_odd, "", 0},
    {"even", test_even, "", 0},
    {"divisibleby", test_divisibleby, "num", 1},
    {"sameas", test_sameas, "other", 1},
    {"in", test_in, "seq", 1},
    {"eq", test_eq, "-b", 1},
    {"equalto", test_eq, "-b", 1},
    {"==", test_eq, "-b", 1},
    {"ne", test_ne, "-b", 1},
    {"!=", test_ne, "-b", 1},
    {"gt", test_gt, "-b", 1},
    {"greaterthan", test_gt, "-b", 1},
    {">", test_gt, "-b", 1},
    {"ge", test_ge, "-b", 1},
    {">=", test_ge, "-b", 1},
    {"lt", test_lt, "-b", 1},
    {"lessthan", test_lt, "-b", 1},
    {"<", test_lt, "-b", 1},
    {"le", test_le, "-b", 1},
    {"<=", test_le, "-b", 1},
    {0},
};
