/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Calls: arguments to parameters, builtins, macros. */
#include "format/chat_internal.h"

#include <string.h>

const struct chat_builtin *chat_builtin_find(const struct chat_builtin *table, const char *name, size_t len)
{
    for (; table->name; table++) {
        if (strlen(table->name) == len && !memcmp(table->name, name, len))
            return table;
    }
    return NULL;
}

const struct chat_builtin *chat_filter_find(const char *name, size_t len)
{
    static const struct chat_builtin *const tables[] = {chat_filters_text, chat_filters_list,
                                                        chat_filters_value};
    const struct chat_builtin *func = NULL;
    for (size_t i = 0; i < MICA_COUNT(tables) && !func; i++)
        func = chat_builtin_find(tables[i], name, len);
    return func;
}

/* The index of a parameter, or -1. */
static int param_index(const char *params, const struct chat_value *name)
{
    for (int i = 0; *params; i++) {
        size_t len = strcspn(params, " ");
        if (len == name->len && !memcmp(params, name->s, len))
            return i;
        params += len;
        params += *params == ' ';
    }
    return -1;
}

static int count_params(const char *params)
{
    int n = *params != 0;
    for (; *params; params++)
        n += *params == ' ';
    return n;
}

static bool bind(struct chat_ctx *ctx, const struct chat_builtin *func, struct chat_call *call)
{
    const struct chat_args *args = call->args;
    bool by_position = func->params[0] == '-';
    const char *params = func->params + by_position;
    int n = count_params(params);
    if (args->n > n)
        return chat_raise(ctx, "%s() takes at most %d argument%s (%d given)", func->name, n,
                          n == 1 ? "" : "s", (int)args->n);
    for (int64_t i = 0; i < args->n; i++)
        call->at[i] = args->at[i];
    for (int64_t i = 0; i < args->n_keywords; i++) {
        const struct chat_value *name = &args->keywords[i].name;
        int index = by_position ? -1 : param_index(params, name);
        if (index < 0)
            return chat_raise(ctx, "%s() got an unexpected keyword argument '%.*s'", func->name,
                              (int)name->len, name->s);
        if (call->at[index].kind != CHAT_MISSING)
            return chat_raise(ctx, "%s() got multiple values for argument '%.*s'", func->name, (int)name->len,
                              name->s);
        call->at[index] = args->keywords[i].value;
    }
    for (int i = 0; i < func->n_required; i++) {
        if (call->at[i].kind == CHAT_MISSING)
            return chat_raise(ctx, "%s() misses an argument: it needs at least %d", func->name,
                              func->n_required);
    }
    return true;
}

bool chat_run_builtin(struct chat_ctx *ctx, const struct chat_builtin *func, const struct chat_value *self,
                      const struct chat_args *args, struct chat_value *out)
{
    struct chat_call call = {.self = *self, .args = args};
    if (func->params[0] != '*' && !bind(ctx, func, &call))
        return false;
    return chat_charge(ctx, 1) && func->run(ctx, &call, out);
}

/* ---- arguments ---- */
static bool add_keyword(struct chat_ctx *ctx, struct chat_args *args, int64_t *capacity,
                        struct chat_value name, struct chat_value value)
{
    for (int64_t i = 0; i < args->n_keywords; i++) {
        const struct chat_value *other = &args->keywords[i].name;
        if (other->len == name.len && !memcmp(other->s, name.s, name.len))
            return chat_raise(ctx, "got multiple values for keyword argument '%.*s'", (int)name.len, name.s);
    }
    if (args->n_keywords == *capacity) {
        int64_t wanted = *capacity * 2 + 4;
        struct chat_keyword *bigger = chat_alloc(ctx, (size_t)wanted, sizeof *bigger);
        if (!bigger)
            return false;
        if (args->n_keywords)
            memcpy(bigger, args->keywords, (size_t)args->n_keywords * sizeof *bigger);
        args->keywords = bigger;
        *capacity = wanted;
    }
    args->keywords[args->n_keywords++] = (struct chat_keyword){name, value};
    return true;
}

static bool spread_dict(struct chat_ctx *ctx, struct chat_args *args, int64_t *capacity,
                        const struct chat_value *v)
{
    if (v->kind != CHAT_DICT)
        return chat_raise(ctx, "argument after ** must be a mapping, not %s", chat_type_name(v));
    for (int64_t i = 0; i < v->dict->n; i++) {
        if (v->dict->at[i].key.kind != CHAT_STR)
            return chat_raise(ctx, "keywords must be strings");
        if (!add_keyword(ctx, args, capacity, v->dict->at[i].key, v->dict->at[i].value))
            return false;
    }
    return true;
}

static bool spread_list(struct chat_ctx *ctx, struct chat_list *list, const struct chat_value *v)
{
    struct chat_list *items;
    if (!chat_items(ctx, v, &items))
        return false;
    for (int64_t i = 0; i < items->n; i++) {
        if (!chat_list_push(ctx, list, items->at[i]))
            return false;
    }
    return true;
}

bool chat_eval_args(struct chat_ctx *ctx, const struct chat_node *node, struct chat_args *args)
{
    struct chat_list list = {0};
    int64_t n_keywords = 0;
    *args = (struct chat_args){0};
    for (; node; node = node->next) {
        struct chat_value v;
        bool ok = chat_eval(ctx, node->a, &v);
        if (ok && node->op == CHAT_ARG_POSITION)
            ok = chat_list_push(ctx, &list, v);
        else if (ok && node->op == CHAT_ARG_KEYWORD)
            ok = add_keyword(ctx, args, &n_keywords, node->value, v);
        else if (ok)
            ok = node->op == CHAT_ARG_LIST ? spread_list(ctx, &list, &v)
                                           : spread_dict(ctx, args, &n_keywords, &v);
        if (!ok)
            return false;
    }
    args->at = list.at;
    args->n = list.n;
    return true;
}

bool chat_arg_int(struct chat_ctx *ctx, const struct chat_value *v, int64_t missing, int64_t *out)
{
    *out = missing;
    if (v->kind == CHAT_MISSING)
        return true;
    if (!chat_is_int(v))
        return v->kind == CHAT_UNDEFINED
                   ? chat_fail_undefined(ctx, v)
                   : chat_raise(ctx, "'%s' object cannot be interpreted as an integer", chat_type_name(v));
    *out = v->i;
    return true;
}

bool chat_arg_str(struct chat_ctx *ctx, const struct chat_value *v, struct chat_value *out)
{
    if (v->kind != CHAT_STR)
        return chat_raise(ctx, "expected str instead of %s", chat_type_name(v));
    *out = *v;
    return true;
}

/* ---- macros ---- */
static bool find_keyword(const struct chat_args *args, const struct chat_value *name, bool *used, int64_t *at)
{
    for (*at = 0; *at < args->n_keywords; ++*at) {
        const struct chat_value *other = &args->keywords[*at].name;
        if (!used[*at] && other->len == name->len && !memcmp(other->s, name->s, name->len))
            return true;
    }
    return false;
}

/* Extra arguments: into varargs and kwargs where the macro's body names them, an error elsewhere. */
static bool bind_rest(struct chat_ctx *ctx, const struct chat_node *macro, const struct chat_args *args,
                      const bool *used, int64_t n_params)
{
    struct chat_list *rest = chat_list_new(ctx, args->n > n_params ? args->n - n_params : 0);
    struct chat_dict *named = chat_dict_new(ctx, 0);
    if (!rest || !named)
        return false;
    if (args->n > n_params && !(macro->flag & CHAT_MACRO_VARARGS))
        return chat_raise(ctx, "macro '%.*s' takes not more than %d argument(s)", (int)macro->value.len,
                          macro->value.s, (int)n_params);
    for (int64_t i = n_params; i < args->n; i++)
        rest->at[rest->n++] = args->at[i];
    for (int64_t i = 0; i < args->n_keywords; i++) {
        const struct chat_keyword *keyword = &args->keywords[i];
        if (used[i])
            continue;
        if (!(macro->flag & CHAT_MACRO_KWARGS))
            return chat_raise(ctx, "macro '%.*s' takes no keyword argument '%.*s'", (int)macro->value.len,
                              macro->value.s, (int)keyword->name.len, keyword->name.s);
        if (!chat_dict_put(ctx, named, &keyword->name, keyword->value))
            return false;
    }
    if ((macro->flag & CHAT_MACRO_KWARGS) &&
        !chat_frame_set(ctx, CHAT_SYM_KWARGS, (struct chat_value){.kind = CHAT_DICT, .dict = named}))
        return false;
    return !(macro->flag & CHAT_MACRO_VARARGS) ||
           chat_frame_set(ctx, CHAT_SYM_VARARGS, chat_of_list(CHAT_TUPLE, rest));
}

/* Defaults see the parameters before them, so they are evaluated one after another in the macro's frame. */
static bool bind_default(struct chat_ctx *ctx, const struct chat_node *param)
{
    struct chat_value v = {.kind = CHAT_UNDEFINED, .len = param->value.len, .s = param->value.s};
    return (!param->a || chat_eval(ctx, param->a, &v)) && chat_frame_set(ctx, param->sym, v);
}

static bool bind_macro(struct chat_ctx *ctx, const struct chat_node *macro, const struct chat_args *args)
{
    const struct chat_value caller = chat_str("caller", 6);
    bool *used = chat_alloc(ctx, (size_t)args->n_keywords, sizeof *used), own_caller = false;
    int64_t n = 0, at;
    if (!used)
        return false;
    for (const struct chat_node *p = macro->a; p; p = p->next, n++) {
        struct chat_value v = {.kind = CHAT_MISSING};
        own_caller |= p->sym == CHAT_SYM_CALLER;
        if (n < args->n) {
            v = args->at[n];
        } else if (find_keyword(args, &p->value, used, &at)) {
            used[at] = true;
            v = args->keywords[at].value;
        }
        if (v.kind == CHAT_MISSING ? !bind_default(ctx, p) : !chat_frame_set(ctx, p->sym, v))
            return false;
    }
    if ((macro->flag & CHAT_MACRO_CALLER) && !own_caller) {
        struct chat_value v = chat_hint("No caller defined");
        if (find_keyword(args, &caller, used, &at)) {
            used[at] = true;
            v = args->keywords[at].value;
        }
        if (!chat_frame_set(ctx, CHAT_SYM_CALLER, v))
            return false;
    }
    return bind_rest(ctx, macro, args, used, n);
}

bool chat_macro_call(struct chat_ctx *ctx, const struct chat_macro *macro, const struct chat_args *args,
                     struct chat_value *out)
{
    struct chat_frame *saved = ctx->frame;
    struct mica_buf *outer = ctx->out, buf = {0};
    bool ok;
    ctx->out = &buf;
    ok = chat_frame_push(ctx, macro->frame) && bind_macro(ctx, macro->node, args) &&
         chat_exec(ctx, macro->node->b);
    ctx->out = outer;
    ctx->frame = saved;
    return chat_str_take(ctx, &buf, out) && ok;
}

bool chat_call_value(struct chat_ctx *ctx, const struct chat_value *callee, const struct chat_args *args,
                     struct chat_value *out)
{
    switch (callee->kind) {
    case CHAT_UNDEFINED:
        return chat_fail_undefined(ctx, callee);
    case CHAT_FUNC:
        return chat_run_builtin(ctx, callee->func, callee, args, out);
    case CHAT_METHOD:
        return chat_run_builtin(ctx, callee->bound->func, &callee->bound->self, args, out);
    case CHAT_MACRO:
        return chat_macro_call(ctx, callee->macro, args, out);
    case CHAT_LOOP:
        if (args->n != 1 || args->n_keywords)
            return chat_raise(ctx, "a recursive loop is called with the items of the next level");
        return chat_loop_again(ctx, callee->loop, &args->at[0], out);
    case CHAT_JOINER:
        *out = callee->cycler->pos++ ? callee->cycler->items->at[0] : chat_str("", 0);
        return true;
    default:
        return chat_raise(ctx, "'%s' object is not callable", chat_type_name(callee));
    }
}
