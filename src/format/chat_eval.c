/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The expressions of a template. */
#include "format/chat_internal.h"

#include <stdio.h>
#include <string.h>

/* ---- errors and limits ---- */
bool chat_fail(struct chat_ctx *ctx, enum mica_status status, const char *fmt, ...)
{
    char text[448];
    va_list args;
    if (ctx->status)
        return false;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    ctx->status = mica_fail(ctx->err, status, "%s", text);
    return false;
}

bool chat_raise(struct chat_ctx *ctx, const char *fmt, ...)
{
    char text[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (!ctx->at)
        return chat_fail(ctx, MICA_EFORMAT, "template: %s", text);
    return chat_fail(ctx, MICA_EFORMAT, "template line %d, column %d: %s", ctx->at->line, ctx->at->column,
                     text);
}

bool chat_fail_undefined(struct chat_ctx *ctx, const struct chat_value *v)
{
    struct chat_value object = {.kind = v->flag & 31};
    const char *type = chat_type_name(&object);
    int len = (int)v->len;
    if (v->flag == CHAT_UNDEF_HINT)
        return chat_raise(ctx, "%.*s", len, v->s);
    if (v->flag == CHAT_UNDEF_UNSAFE)
        return chat_raise(ctx, "the sandbox does not allow to use '%.*s', which would change its object", len,
                          v->s);
    if (v->flag & CHAT_UNDEF_ITEM)
        return chat_raise(ctx, "%s object has no element %.*s", type, len, v->s);
    if (v->flag & CHAT_UNDEF_ATTR)
        return chat_raise(ctx, "'%s object' has no attribute '%.*s'", type, len, v->s);
    return chat_raise(ctx, "'%.*s' is undefined", len, v->s);
}

bool chat_charge(struct chat_ctx *ctx, int64_t n)
{
    if (ctx->steps >= n) {
        ctx->steps -= n;
        return true;
    }
    ctx->steps = 0;
    return chat_fail(ctx, MICA_ELIMIT, "the template takes too many steps");
}

bool chat_enter(struct chat_ctx *ctx)
{
    return --ctx->depth >= 0 || chat_fail(ctx, MICA_ELIMIT, "the template or its data is nested too deeply");
}

void chat_leave(struct chat_ctx *ctx)
{
    ctx->depth++;
}

/* ---- expressions ---- */
static bool eval_const(struct chat_ctx *ctx, const struct chat_node *node, struct chat_value *out)
{
    *out = node->value;
    return true;
}

static bool eval_name(struct chat_ctx *ctx, const struct chat_node *node, struct chat_value *out)
{
    const struct chat_symbol *symbol = &ctx->tmpl->symbols[node->sym];
    *out = chat_frame_get(ctx, node->sym);
    if (out->kind == CHAT_MISSING)
        *out = (struct chat_value){.kind = CHAT_UNDEFINED, .len = symbol->len, .s = symbol->s};
    return true;
}

static bool eval_items(struct chat_ctx *ctx, const struct chat_node *items, enum chat_kind kind,
                       struct chat_value *out)
{
    struct chat_list *list = chat_list_new(ctx, 0);
    if (!list)
        return false;
    for (; items; items = items->next) {
        struct chat_value v;
        if (!chat_eval(ctx, items, &v) || !chat_list_push(ctx, list, v))
            return false;
    }
    *out = chat_of_list(kind, list);
    return true;
}

static bool eval_list(struct chat_ctx *ctx, const struct chat_node *node, struct chat_value *out)
{
    return eval_items(ctx, node->a, CHAT_LIST, out);
}

static bool eval_tuple(struct chat_ctx *ctx, const struct chat_node *node, struct chat_value *out)
{
    return eval_items(ctx, node->a, CHAT_TUPLE, out);
}

static bool eval_dict(struct chat_ctx *ctx, const struct chat_node *node, struct chat_value *out)
{
    struct chat_dict *dict = chat_dict_new(ctx, 0);
    if (!dict)
        return false;
    for (const struct chat_node *key = node->a; key; key = key->next->next) {
        struct chat_value k, v;
        if (!chat_eval(ctx, key, &k) || !chat_eval(ctx, key->next, &v) || !chat_dict_put(ctx, dict, &k, v))
            return false;
    }
    *out = (struct chat_value){.kind = CHAT_DICT, .dict = dict};
    return true;
}

static bool eval_getattr(struct chat_ctx *ctx, const struct chat_node *node, struct chat_value *out)
{
    struct chat_value object;
    return chat_eval(ctx, node->a, &object) &&
           chat_getattr(ctx, &object, node->value.s, node->value.len, out);
}

static bool eval_getitem(struct chat_ctx *ctx, const struct chat_node *node, struct chat_value *out)
{
    struct chat_value object, key, bounds[3];
    const struct chat_node *const parts[] = {node->b->a, node->b->b, node->b->c};
    if (!chat_eval(ctx, node->a, &object))
        return false;
    if (node->b->kind != CHAT_NODE_slice)
        return chat_eval(ctx, node->b, &key) && chat_getitem(ctx, &object, &key, out);
    for (int i = 0; i < 3; i++) {
        bounds[i] = chat_none();
        if (parts[i] && !chat_eval(ctx, parts[i], &bounds[i]))
            return false;
    }
    return chat_slice(ctx, &object, bounds, out);
}

static bool eval_slice(struct chat_ctx *ctx, const struct chat_node *node, struct chat_value *out)
{
    return chat_raise(ctx, "a slice cannot be part of a tuple");
}

static bool eval_call(struct chat_ctx *ctx, const struct chat_node *node, struct chat_value *out)
{
    struct chat_value callee;
    struct chat_args args;
    return chat_eval(ctx, node->a, &callee) && chat_eval_args(ctx, node->b, &args) &&
           chat_call_value(ctx, &callee, &args, out);
}

static bool run_named(struct chat_ctx *ctx, const struct chat_node *node, const struct chat_value *input,
                      struct chat_value *out)
{
    struct chat_args args;
    if (!node->func)
        return chat_raise(ctx, "no %s named '%.*s'", node->kind == CHAT_NODE_filter ? "filter" : "test",
                          (int)node->value.len, node->value.s);
    return chat_eval_args(ctx, node->b, &args) && chat_run_builtin(ctx, node->func, input, &args, out);
}

static bool eval_filter(struct chat_ctx *ctx, const struct chat_node *node, struct chat_value *out)
{
    struct chat_value input;
    return chat_eval(ctx, node->a, &input) && run_named(ctx, node, &input, out);
}

bool chat_apply_filters(struct chat_ctx *ctx, const struct chat_node *filter, struct chat_value input,
                        struct chat_value *out)
{
    const struct chat_node *saved = ctx->at;
    bool ok = chat_enter(ctx);
    /* the last filter is the outermost node */
    if (ok && filter->a)
        ok = chat_apply_filters(ctx, filter->a, input, &input);
    ctx->at = filter;
    ok = ok && run_named(ctx, filter, &input, out);
    if (ok)
        ctx->at = saved;
    chat_leave(ctx);
    return ok;
}

static bool eval_test(struct chat_ctx *ctx, const struct chat_node *node, struct chat_value *out)
{
    return eval_filter(ctx, node, out);
}

static bool eval_cond(struct chat_ctx *ctx, const struct chat_node *node, struct chat_value *out)
{
    struct chat_value test;
    if (!chat_eval(ctx, node->a, &test))
        return false;
    if (chat_truth(&test))
        return chat_eval(ctx, node->b, out);
    if (node->c)
        return chat_eval(ctx, node->c, out);
    *out = chat_hint("the inline if-expression was false and has no else");
    return true;
}

static bool eval_and(struct chat_ctx *ctx, const struct chat_node *node, struct chat_value *out)
{
    return chat_eval(ctx, node->a, out) && (!chat_truth(out) || chat_eval(ctx, node->b, out));
}

static bool eval_or(struct chat_ctx *ctx, const struct chat_node *node, struct chat_value *out)
{
    return chat_eval(ctx, node->a, out) && (chat_truth(out) || chat_eval(ctx, node->b, out));
}

static bool eval_not(struct chat_ctx *ctx, const struct chat_node *node, struct chat_value *out)
{
    struct chat_value v;
    if (!chat_eval(ctx, node->a, &v))
        return false;
    *out = chat_bool(!chat_truth(&v));
    return true;
}

static bool eval_sign(struct chat_ctx *ctx, const struct chat_node *node, struct chat_value *out)
{
    struct chat_value v;
    return chat_eval(ctx, node->a, &v) && chat_sign(ctx, node->op, &v, out);
}

static bool eval_binary(struct chat_ctx *ctx, const struct chat_node *node, struct chat_value *out)
{
    struct chat_value a, b;
    return chat_eval(ctx, node->a, &a) && chat_eval(ctx, node->b, &b) &&
           chat_binary(ctx, node->op, &a, &b, out);
}

static bool eval_concat(struct chat_ctx *ctx, const struct chat_node *node, struct chat_value *out)
{
    struct mica_buf buf = {0};
    bool ok = true;
    for (const struct chat_node *item = node->a; ok && item; item = item->next) {
        struct chat_value v;
        ok = chat_eval(ctx, item, &v) && chat_put_str(ctx, &v, &buf);
    }
    return chat_str_take(ctx, &buf, out);
}

static bool eval_compare(struct chat_ctx *ctx, const struct chat_node *node, struct chat_value *out)
{
    struct chat_value left, right;
    bool is = true;
    if (!chat_eval(ctx, node->a, &left))
        return false;
    for (const struct chat_node *operand = node->b; is && operand; operand = operand->next) {
        bool ok = chat_eval(ctx, operand->a, &right);
        if (ok && (operand->op == CHAT_OP_IN || operand->op == CHAT_OP_NOTIN)) {
            ok = chat_contains(ctx, &right, &left, &is);
            is ^= operand->op == CHAT_OP_NOTIN;
        } else if (ok) {
            ok = chat_compare(ctx, operand->op, &left, &right, &is);
        }
        if (!ok)
            return false;
        left = right;
    }
    *out = chat_bool(is);
    return true;
}

bool chat_eval(struct chat_ctx *ctx, const struct chat_node *node, struct chat_value *out)
{
    static bool (*const table[])(struct chat_ctx *, const struct chat_node *, struct chat_value *) = {
#define CHAT_EVAL_ROW(name) eval_##name,
        CHAT_EXPRESSIONS(CHAT_EVAL_ROW)
#undef CHAT_EVAL_ROW
    };
    const struct chat_node *saved = ctx->at;
    bool ok = chat_enter(ctx) && chat_charge(ctx, 1);
    ctx->at = node;
    ok = ok && table[node->kind](ctx, node, out);
    if (ok)
        ctx->at = saved;
    chat_leave(ctx);
    return ok;
}
