/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The statements of a template, variables and loops. */
#include "format/chat_internal.h"

#include <string.h>

/* ---- variables ---- */
struct chat_frame *chat_frame_push(struct chat_ctx *ctx, struct chat_frame *parent)
{
    struct chat_frame *frame = chat_alloc(ctx, 1, sizeof *frame);
    if (frame) {
        frame->parent = parent;
        ctx->frame = frame;
    }
    return frame;
}

bool chat_frame_set(struct chat_ctx *ctx, int32_t sym, struct chat_value v)
{
    struct chat_frame *frame = ctx->frame;
    if (!frame) {
        ctx->globals[sym] = v;
        return true;
    }
    for (int i = 0; i < frame->n; i++) {
        if (frame->at[i].sym == sym) {
            frame->at[i].value = v;
            return true;
        }
    }
    if (frame->n == frame->capacity) {
        int wanted = frame->capacity ? frame->capacity * 2 : 4;
        struct chat_binding *bigger = chat_alloc(ctx, (size_t)wanted, sizeof *bigger);
        if (!bigger)
            return false;
        if (frame->n)
            memcpy(bigger, frame->at, (size_t)frame->n * sizeof *bigger);
        frame->at = bigger;
        frame->capacity = wanted;
    }
    frame->at[frame->n++] = (struct chat_binding){sym, v};
    return true;
}

struct chat_value chat_frame_get(const struct chat_ctx *ctx, int32_t sym)
{
    for (const struct chat_frame *frame = ctx->frame; frame; frame = frame->parent) {
        for (int i = 0; i < frame->n; i++) {
            if (frame->at[i].sym == sym)
                return frame->at[i].value;
        }
    }
    return ctx->globals[sym];
}

static bool assign(struct chat_ctx *ctx, const struct chat_node *target, const struct chat_value *v);

static bool unpack(struct chat_ctx *ctx, const struct chat_node *targets, const struct chat_value *v)
{
    struct chat_list *items;
    int64_t n = 0, i = 0;
    if (!chat_items(ctx, v, &items))
        return false;
    for (const struct chat_node *t = targets; t; t = t->next)
        n++;
    if (items->n > n)
        return chat_raise(ctx, "too many values to unpack (expected %d)", (int)n);
    if (items->n < n)
        return chat_raise(ctx, "not enough values to unpack (expected %d, got %d)", (int)n, (int)items->n);
    for (const struct chat_node *t = targets; t; t = t->next) {
        if (!assign(ctx, t, &items->at[i++]))
            return false;
    }
    return true;
}

static bool assign(struct chat_ctx *ctx, const struct chat_node *target, const struct chat_value *v)
{
    struct chat_value object;
    if (target->kind == CHAT_NODE_name)
        return chat_frame_set(ctx, target->sym, *v);
    if (target->kind == CHAT_NODE_tuple)
        return unpack(ctx, target->a, v);
    object = chat_frame_get(ctx, target->sym);
    if (object.kind != CHAT_NAMESPACE)
        return chat_raise(ctx, "cannot assign attribute on non-namespace object");
    if (target->value.len && target->value.s[0] == '_')
        return chat_raise(ctx, "the attributes of a namespace cannot start with an underscore");
    return chat_dict_put(ctx, object.dict, &target->value, *v);
}

/* ---- statements ---- */
static bool exec_text(struct chat_ctx *ctx, const struct chat_node *node)
{
    return chat_put(ctx, ctx->out, node->value.s, node->value.len);
}

static bool exec_print(struct chat_ctx *ctx, const struct chat_node *node)
{
    struct chat_value v;
    return chat_eval(ctx, node->a, &v) && chat_put_str(ctx, &v, ctx->out);
}

static bool exec_do(struct chat_ctx *ctx, const struct chat_node *node)
{
    struct chat_value v;
    return chat_eval(ctx, node->a, &v);
}

static bool exec_if(struct chat_ctx *ctx, const struct chat_node *node)
{
    for (;;) {
        struct chat_value test;
        if (!chat_eval(ctx, node->a, &test))
            return false;
        if (chat_truth(&test))
            return chat_exec(ctx, node->b);
        if (!node->flag)
            return chat_exec(ctx, node->c);
        node = node->c;
    }
}

static bool exec_set(struct chat_ctx *ctx, const struct chat_node *node)
{
    struct chat_value v;
    return chat_eval(ctx, node->b, &v) && assign(ctx, node->a, &v);
}

/* Runs body in a scope of its own and gives its text. */
static bool capture(struct chat_ctx *ctx, const struct chat_node *body, struct chat_value *out)
{
    struct chat_frame *saved = ctx->frame;
    struct mica_buf *outer = ctx->out, buf = {0};
    bool ok;
    ctx->out = &buf;
    ok = chat_frame_push(ctx, saved) && chat_exec(ctx, body);
    ctx->out = outer;
    ctx->frame = saved;
    return chat_str_take(ctx, &buf, out) && ok;
}

static bool exec_setblock(struct chat_ctx *ctx, const struct chat_node *node)
{
    struct chat_value text;
    if (!capture(ctx, node->b, &text))
        return false;
    if (ctx->flow != CHAT_FLOW_ON) /* the block was left by break or continue */
        return true;
    return (!node->c || chat_apply_filters(ctx, node->c, text, &text)) && assign(ctx, node->a, &text);
}

static bool exec_filterblock(struct chat_ctx *ctx, const struct chat_node *node)
{
    struct chat_value text;
    if (!capture(ctx, node->b, &text))
        return false;
    if (ctx->flow != CHAT_FLOW_ON)
        return true;
    return chat_apply_filters(ctx, node->a, text, &text) && chat_put_str(ctx, &text, ctx->out);
}

static bool new_macro(struct chat_ctx *ctx, const struct chat_node *node, struct chat_value *out)
{
    struct chat_macro *macro = chat_alloc(ctx, 1, sizeof *macro);
    if (!macro)
        return false;
    *macro = (struct chat_macro){node, ctx->frame};
    for (struct chat_frame *frame = ctx->frame; frame && !frame->captured; frame = frame->parent)
        frame->captured = true;
    *out = (struct chat_value){.kind = CHAT_MACRO, .macro = macro};
    return true;
}

static bool exec_macro(struct chat_ctx *ctx, const struct chat_node *node)
{
    struct chat_value macro;
    return new_macro(ctx, node, &macro) && chat_frame_set(ctx, node->sym, macro);
}

static bool exec_callblock(struct chat_ctx *ctx, const struct chat_node *node)
{
    struct chat_value callee, caller, text;
    struct chat_keyword *keywords;
    struct chat_args args;
    if (!chat_eval(ctx, node->a->a, &callee) || !chat_eval_args(ctx, node->a->b, &args) ||
        !new_macro(ctx, node->b, &caller))
        return false;
    if (!(keywords = chat_alloc(ctx, (size_t)args.n_keywords + 1, sizeof *keywords)))
        return false;
    if (args.n_keywords)
        memcpy(keywords, args.keywords, (size_t)args.n_keywords * sizeof *keywords);
    keywords[args.n_keywords++] = (struct chat_keyword){chat_str("caller", 6), caller};
    args.keywords = keywords;
    return chat_call_value(ctx, &callee, &args, &text) && chat_put_str(ctx, &text, ctx->out);
}

static bool exec_with(struct chat_ctx *ctx, const struct chat_node *node)
{
    struct chat_frame *outer = ctx->frame, *frame = chat_frame_push(ctx, outer);
    bool ok = frame != NULL;
    for (const struct chat_node *set = node->a; ok && set; set = set->next) {
        struct chat_value v;
        ctx->frame = outer; /* the values do not see one another */
        ok = chat_eval(ctx, set->b, &v);
        ctx->frame = frame;
        ok = ok && assign(ctx, set->a, &v);
    }
    ok = ok && chat_exec(ctx, node->b);
    ctx->frame = outer;
    return ok;
}

static bool exec_break(struct chat_ctx *ctx, const struct chat_node *node)
{
    ctx->flow = CHAT_FLOW_BREAK;
    return true;
}

static bool exec_continue(struct chat_ctx *ctx, const struct chat_node *node)
{
    ctx->flow = CHAT_FLOW_CONTINUE;
    return true;
}

/* ---- loops ---- */
static bool passes(struct chat_ctx *ctx, const struct chat_loop *loop, const struct chat_value *item,
                   bool *out)
{
    struct chat_frame *saved = ctx->frame;
    struct chat_value v;
    bool ok = chat_frame_push(ctx, loop->outer) && assign(ctx, loop->node->a, item) &&
              chat_eval(ctx, loop->node->e, &v);
    ctx->frame = saved;
    *out = ok && chat_truth(&v);
    return ok;
}

/* A filter passes on what the targets got: tuples where they are tuples. */
static bool as_targets(struct chat_ctx *ctx, const struct chat_node *target, struct chat_value *v)
{
    struct chat_list *items, *list;
    int64_t i = 0;
    if (target->kind != CHAT_NODE_tuple)
        return true;
    if (!chat_items(ctx, v, &items) || !(list = chat_list_new(ctx, items->n)))
        return false;
    for (const struct chat_node *t = target->a; t && i < items->n; t = t->next, i++) {
        struct chat_value item = items->at[i];
        if (!as_targets(ctx, t, &item) || !chat_list_push(ctx, list, item))
            return false;
    }
    *v = chat_of_list(CHAT_TUPLE, list);
    return true;
}

/* The next item; MISSING at the end. */
static bool fetch(struct chat_ctx *ctx, struct chat_loop *loop, struct chat_value *out)
{
    while (loop->pos < loop->items->n) {
        bool passed = true;
        *out = loop->items->at[loop->pos++];
        if (loop->filtered && !passes(ctx, loop, out, &passed))
            return false;
        if (passed)
            return !loop->filtered || as_targets(ctx, loop->node->a, out);
    }
    *out = (struct chat_value){.kind = CHAT_MISSING};
    return true;
}

static bool peek(struct chat_ctx *ctx, struct chat_loop *loop)
{
    return loop->after.kind != CHAT_MISSING || fetch(ctx, loop, &loop->after);
}

static bool loop_next(struct chat_ctx *ctx, struct chat_loop *loop)
{
    struct chat_value next = loop->after;
    if (next.kind == CHAT_MISSING && !fetch(ctx, loop, &next))
        return false;
    loop->after.kind = CHAT_MISSING;
    loop->before = loop->current;
    loop->current = next;
    loop->index0++;
    return true;
}

static bool iterate(struct chat_ctx *ctx, struct chat_loop *loop)
{
    struct chat_frame *frame = NULL;
    const struct chat_value self = {.kind = CHAT_LOOP, .loop = loop};
    bool ok = loop_next(ctx, loop);
    while (ok && loop->current.kind != CHAT_MISSING) {
        if (!frame || frame->captured) {
            if (!(frame = chat_frame_push(ctx, loop->outer)))
                return false;
        } else {
            frame->n = 0;
        }
        ctx->frame = frame;
        ok = chat_frame_set(ctx, CHAT_SYM_LOOP, self) && assign(ctx, loop->node->a, &loop->current) &&
             chat_exec(ctx, loop->node->c);
        loop->completed |= ctx->flow == CHAT_FLOW_ON;
        if (ctx->flow == CHAT_FLOW_BREAK) {
            ctx->flow = CHAT_FLOW_ON;
            break;
        }
        ctx->flow = CHAT_FLOW_ON;
        ok = ok && loop_next(ctx, loop);
    }
    return ok;
}

static bool run_loop(struct chat_ctx *ctx, const struct chat_node *node, struct chat_frame *outer,
                     const struct chat_value *items, int64_t depth0)
{
    struct chat_frame *saved = ctx->frame;
    struct chat_loop *loop = chat_alloc(ctx, 1, sizeof *loop);
    bool ok = loop && chat_items(ctx, items, &loop->items);
    if (!ok)
        return false;
    loop->node = node;
    loop->outer = outer;
    loop->filtered = node->e != NULL;
    loop->length = loop->items->n;
    loop->index0 = -1;
    loop->depth0 = depth0;
    ok = iterate(ctx, loop);
    ctx->frame = saved;
    if (ok && node->d && !loop->completed) {
        ok = chat_frame_push(ctx, outer) && chat_exec(ctx, node->d);
        ctx->frame = saved;
    }
    return ok;
}

static bool exec_for(struct chat_ctx *ctx, const struct chat_node *node)
{
    struct chat_value items;
    return chat_eval(ctx, node->b, &items) && run_loop(ctx, node, ctx->frame, &items, 0);
}

bool chat_loop_again(struct chat_ctx *ctx, const struct chat_loop *loop, const struct chat_value *items,
                     struct chat_value *out)
{
    struct mica_buf *outer = ctx->out, buf = {0};
    bool ok;
    if (!loop->node->flag)
        return chat_raise(ctx, "the loop must be marked 'recursive' to be called");
    ctx->out = &buf;
    ok = run_loop(ctx, loop->node, loop->outer, items, loop->depth0 + 1);
    ctx->out = outer;
    return chat_str_take(ctx, &buf, out) && ok;
}

/* With a filter the length is only known after looking at all items. */
static bool loop_length(struct chat_ctx *ctx, struct chat_loop *loop)
{
    struct chat_list *rest;
    struct chat_value item;
    if (!loop->filtered)
        return true;
    if (!(rest = chat_list_new(ctx, 0)))
        return false;
    for (;;) {
        if (!fetch(ctx, loop, &item))
            return false;
        if (item.kind == CHAT_MISSING)
            break;
        if (!chat_list_push(ctx, rest, item))
            return false;
    }
    loop->length = rest->n + loop->index0 + 1 + (loop->after.kind != CHAT_MISSING);
    loop->items = rest;
    loop->pos = 0;
    loop->filtered = false;
    return true;
}

enum loop_attr {
    INDEX,
    INDEX0,
    FIRST,
    LAST,
    LENGTH,
    REVINDEX,
    REVINDEX0,
    DEPTH,
    DEPTH0,
    PREVITEM,
    NEXTITEM,
    N_ATTRS
};

bool chat_loop_attr(struct chat_ctx *ctx, struct chat_loop *loop, const char *name, size_t len,
                    struct chat_value *out)
{
    static const char *const names[] = {"index",     "index0", "first",  "last",     "length",  "revindex",
                                        "revindex0", "depth",  "depth0", "previtem", "nextitem"};
    int which = 0;
    while (which < N_ATTRS && (strlen(names[which]) != len || memcmp(names[which], name, len)))
        which++;
    if ((which == LAST || which == NEXTITEM) && !peek(ctx, loop))
        return false;
    if ((which == LENGTH || which == REVINDEX || which == REVINDEX0) && !loop_length(ctx, loop))
        return false;
    switch (which) {
    case FIRST:
        *out = chat_bool(loop->index0 == 0);
        return true;
    case LAST:
        *out = chat_bool(loop->after.kind == CHAT_MISSING);
        return true;
    case PREVITEM:
        *out = loop->index0 ? loop->before : chat_hint("there is no previous item");
        return true;
    case NEXTITEM:
        *out = loop->after.kind != CHAT_MISSING ? loop->after : chat_hint("there is no next item");
        return true;
    case N_ATTRS:
        return true;
    default: {
        const int64_t numbers[] = {[INDEX] = loop->index0 + 1,
                                   [INDEX0] = loop->index0,
                                   [LENGTH] = loop->length,
                                   [REVINDEX] = loop->length - loop->index0,
                                   [REVINDEX0] = loop->length - loop->index0 - 1,
                                   [DEPTH] = loop->depth0 + 1,
                                   [DEPTH0] = loop->depth0};
        *out = chat_int(numbers[which]);
        return true;
    }
    }
}

bool chat_exec(struct chat_ctx *ctx, const struct chat_node *list)
{
    static bool (*const table[])(struct chat_ctx *, const struct chat_node *) = {
#define CHAT_EXEC_ROW(name) exec_##name,
        CHAT_STATEMENTS(CHAT_EXEC_ROW)
#undef CHAT_EXEC_ROW
    };
    const struct chat_node *saved = ctx->at;
    bool ok = chat_enter(ctx);
    for (; ok && list && ctx->flow == CHAT_FLOW_ON; list = list->next) {
        ctx->at = list;
        ok = chat_charge(ctx, 1) && table[list->kind - CHAT_NODE_text](ctx, list);
    }
    if (ok)
        ctx->at = saved;
    chat_leave(ctx);
    return ok;
}
