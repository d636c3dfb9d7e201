/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Go templates: walking the tree. */
#include "format/gotmpl.h"

#include <stdarg.h>
#include <string.h>

enum { MAX_ARGS = 64 };

static bool exec_list(struct gotmpl_ctx *ctx, const struct gotmpl_node *list, const struct gotmpl_value *dot);
static bool eval_pipe(struct gotmpl_ctx *ctx, const struct gotmpl_node *pipe, const struct gotmpl_value *dot,
                      struct gotmpl_value *out);

bool gotmpl_fail(struct gotmpl_ctx *ctx, enum mica_status status, const char *fmt, ...)
{
    char text[384];
    va_list args;
    if (ctx->status)
        return false;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    ctx->status = ctx->line ? mica_fail(ctx->err, status, "template line %d: %s", ctx->line, text)
                            : mica_fail(ctx->err, status, "template: %s", text);
    return false;
}

bool gotmpl_charge(struct gotmpl_ctx *ctx, int64_t n)
{
    if (ctx->status)
        return false;
    if (n < ctx->steps) {
        ctx->steps -= n;
        return true;
    }
    return gotmpl_fail(ctx, MICA_ELIMIT, "takes too many steps");
}

bool gotmpl_enter(struct gotmpl_ctx *ctx)
{
    if (ctx->depth <= 0)
        return gotmpl_fail(ctx, MICA_ELIMIT, "nested too deeply");
    ctx->depth--;
    return gotmpl_charge(ctx, 1);
}

void *gotmpl_alloc(struct gotmpl_ctx *ctx, size_t n, size_t size)
{
    void *p = chat_pool_alloc(&ctx->pool, n, size);
    if (!p && ctx->pool.limit && ctx->pool.used > ctx->pool.limit)
        gotmpl_fail(ctx, MICA_ELIMIT, "its values take more than %zu MiB", ctx->pool.limit >> 20);
    else if (!p)
        gotmpl_fail(ctx, MICA_ENOMEM, "out of memory for a template's values");
    return p;
}

bool gotmpl_put(struct gotmpl_ctx *ctx, struct mica_buf *buf, const char *s, size_t len)
{
    if (ctx->status || !gotmpl_charge(ctx, (int64_t)(len / 64)))
        return false;
    if (len > ctx->output_limit || buf->len > ctx->output_limit - len)
        return gotmpl_fail(ctx, MICA_ELIMIT, "gives more than %zu bytes", ctx->output_limit);
    return mica_buf_append(buf, s, len) ||
           gotmpl_fail(ctx, MICA_ENOMEM, "out of memory for a template's text");
}

bool gotmpl_puts(struct gotmpl_ctx *ctx, struct mica_buf *buf, const char *s)
{
    return gotmpl_put(ctx, buf, s, strlen(s));
}

bool gotmpl_take(struct gotmpl_ctx *ctx, struct mica_buf *buf, bool ok, struct gotmpl_value *out)
{
    char *copy = ok ? gotmpl_alloc(ctx, buf->len + 1, 1) : NULL;
    if (copy) {
        if (buf->len)
            memcpy(copy, buf->data, buf->len);
        *out = gotmpl_str(copy, buf->len);
    }
    mica_buf_release(buf);
    return copy != NULL;
}

const char *gotmpl_type_name(const struct gotmpl_value *v)
{
    static const char *const names[] = {"nil",    "nil",  "bool", "int",   "float64",
                                        "string", "list", "map",  "struct"};
    return v->type && v->type->name ? v->type->name : names[v->kind];
}

bool gotmpl_truth(const struct gotmpl_value *v)
{
    switch ((enum gotmpl_kind)v->kind) {
    case GOTMPL_NONE:
    case GOTMPL_NIL:
        return false;
    case GOTMPL_BOOL:
    case GOTMPL_INT:
        return v->i != 0;
    case GOTMPL_FLOAT:
        return v->d != 0;
    case GOTMPL_STRUCT:
        return true;
    default:
        return v->len != 0;
    }
}

const struct gotmpl_value *gotmpl_map_get(const struct gotmpl_value *map, const char *key, size_t len)
{
    for (size_t low = 0, high = map->len; low < high;) {
        size_t middle = low + (high - low) / 2;
        const struct gotmpl_value *k = &map->items[2 * middle];
        int order = memcmp(k->s, key, k->len < len ? k->len : len);
        if (order == 0 && k->len == len)
            return k + 1;
        if (order < 0 || (order == 0 && k->len < len))
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- variables ---- */

static bool push_var(struct gotmpl_ctx *ctx, const struct gotmpl_name *name, const struct gotmpl_value *v)
{
    if (!mica_grow(&ctx->vars, ctx->n_vars, &ctx->vars_capacity, sizeof *ctx->vars))
        return gotmpl_fail(ctx, MICA_ENOMEM, "out of memory for a template's variables");
    ctx->vars[ctx->n_vars++] = (struct gotmpl_var){name, *v};
    return true;
}

static struct gotmpl_value *find_var(struct gotmpl_ctx *ctx, const struct gotmpl_name *name)
{
    for (int64_t i = ctx->n_vars - 1; i >= ctx->first_var && gotmpl_charge(ctx, (ctx->n_vars - i) % 32 == 0);
         i--) {
        const struct gotmpl_name *other = ctx->vars[i].name;
        if (other->len == name->len && memcmp(other->s, name->s, name->len) == 0)
            return &ctx->vars[i].value;
    }
    if (ctx->status)
        return NULL;
    gotmpl_fail(ctx, MICA_EFORMAT, "there is no variable %.*s", name->len < 60 ? (int)name->len : 60,
                name->s);
    return NULL;
}

/* ---- fields ---- */

static bool get_field(struct gotmpl_ctx *ctx, const struct gotmpl_value *of, const struct gotmpl_name *name,
                      struct gotmpl_value *out)
{
    const struct gotmpl_value *found = NULL;
    int shown = name->len < 60 ? (int)name->len : 60;
    if (of->kind == GOTMPL_NONE) {
        *out = *of;
        return true;
    }
    if (of->kind == GOTMPL_NIL)
        return gotmpl_fail(ctx, MICA_EFORMAT, "field %.*s of what is nil", shown, name->s);
    if (of->type && of->type->prints_json && name->len == 6 && memcmp(name->s, "String", 6) == 0) {
        struct mica_buf buf = {0};
        return gotmpl_take(ctx, &buf, gotmpl_print(ctx, &buf, of), out);
    }
    if (of->kind == GOTMPL_MAP) {
        found = gotmpl_map_get(of, name->s, name->len);
        if (!found && of->type && of->type->elem && of->type->elem->kind != GOTMPL_NONE)
            return gotmpl_zero(ctx, of->type->elem, out);
        *out = found ? *found : (struct gotmpl_value){.kind = GOTMPL_NIL};
        return true;
    }
    const struct gotmpl_type *type = of->kind == GOTMPL_STRUCT ? of->type : NULL;
    for (int i = 0; type && i < type->n_fields; i++) {
        const char *field = type->fields[i].name;
        if (strlen(field) == name->len && memcmp(field, name->s, name->len) == 0)
            found = &of->items[i];
    }
    if (!found)
        return gotmpl_fail(ctx, MICA_EFORMAT, "there is no field %.*s in a value of type %s", shown, name->s,
                           gotmpl_type_name(of));
    *out = *found;
    return true;
}

static bool get_fields(struct gotmpl_ctx *ctx, const struct gotmpl_value *of, const struct gotmpl_name *names,
                       struct gotmpl_value *out)
{
    struct gotmpl_value v = *of;
    for (; names; names = names->next)
        if (!gotmpl_charge(ctx, 1) || !get_field(ctx, &v, names, &v))
            return false;
    *out = v;
    return true;
}

/* ---- expressions ---- */

static bool eval_call(struct gotmpl_ctx *ctx, const struct gotmpl_node *ident, const struct gotmpl_node *args,
                      const struct gotmpl_value *dot, const struct gotmpl_value *last,
                      struct gotmpl_value *out);

/* What stands alone or as an argument. */
static bool eval_operand(struct gotmpl_ctx *ctx, const struct gotmpl_node *node,
                         const struct gotmpl_value *dot, struct gotmpl_value *out)
{
    struct gotmpl_value v;
    const struct gotmpl_value *var;
    ctx->line = node->line;
    switch ((enum gotmpl_node_kind)node->kind) {
    case GOTMPL_FIELD:
        return get_fields(ctx, dot, node->names, out);
    case GOTMPL_VARIABLE:
        return (var = find_var(ctx, node->names)) && get_fields(ctx, var, node->names->next, out);
    case GOTMPL_CHAIN:
        return eval_operand(ctx, node->list, dot, &v) && get_fields(ctx, &v, node->names, out);
    case GOTMPL_IDENT:
        return eval_call(ctx, node, NULL, dot, NULL, out);
    case GOTMPL_PIPE:
        return eval_pipe(ctx, node, dot, out);
    case GOTMPL_DOT:
        *out = *dot;
        return true;
    case GOTMPL_NILWORD:
        *out = (struct gotmpl_value){0};
        return true;
    default:
        *out = node->value;
        return true;
    }
}

/* last: what comes through the pipe, or NULL. */
static bool eval_call(struct gotmpl_ctx *ctx, const struct gotmpl_node *ident, const struct gotmpl_node *args,
                      const struct gotmpl_value *dot, const struct gotmpl_value *last,
                      struct gotmpl_value *out)
{
    const struct gotmpl_func *func = ident->func;
    int n = last != NULL;
    for (const struct gotmpl_node *a = args; a; a = a->next)
        n++;
    if (n < func->min || (func->max >= 0 && n > func->max) || n > MAX_ARGS)
        return gotmpl_fail(ctx, MICA_EFORMAT, "%s does not take %d arguments", func->name, n);
    if (!func->run) { /* and, or: the rest is not evaluated */
        for (; args; args = args->next)
            if (!eval_operand(ctx, args, dot, out))
                return false;
            else if (gotmpl_truth(out) == func->until)
                return true;
        if (last)
            *out = *last;
        return true;
    }
    struct gotmpl_value *values = gotmpl_alloc(ctx, (size_t)n + 1, sizeof *values);
    int i = 0;
    if (!values)
        return false;
    for (; args; args = args->next)
        if (!eval_operand(ctx, args, dot, &values[i++]))
            return false;
    if (last)
        values[i] = *last;
    for (i = 0; i < n; i++)
        if (values[i].kind == GOTMPL_NIL)
            values[i].kind = GOTMPL_NONE;
    ctx->line = ident->line;
    return func->run(ctx, values, n, out);
}

static bool eval_command(struct gotmpl_ctx *ctx, const struct gotmpl_node *command,
                         const struct gotmpl_value *dot, const struct gotmpl_value *last,
                         struct gotmpl_value *out)
{
    const struct gotmpl_node *first = command->list;
    if (first->kind == GOTMPL_IDENT)
        return eval_call(ctx, first, first->next, dot, last, out);
    ctx->line = first->line;
    if (first->next || last)
        return gotmpl_fail(ctx, MICA_EFORMAT, "arguments for what is no function");
    if (first->kind == GOTMPL_NILWORD)
        return gotmpl_fail(ctx, MICA_EFORMAT, "nil alone has no value");
    return eval_operand(ctx, first, dot, out);
}

/* Also sets the variables that the pipe declares. */
static bool eval_pipe(struct gotmpl_ctx *ctx, const struct gotmpl_node *pipe, const struct gotmpl_value *dot,
                      struct gotmpl_value *out)
{
    struct gotmpl_value value = {0}, last = {0};
    bool ok = gotmpl_enter(ctx);
    if (!ok)
        return false;
    for (const struct gotmpl_node *c = pipe->list; ok && c; c = c->next) {
        ok = eval_command(ctx, c, dot, c == pipe->list ? NULL : &last, &value);
        if (ok && value.kind == GOTMPL_NIL)
            value.kind = GOTMPL_NONE;
        last = value;
    }
    for (const struct gotmpl_node *d = pipe->decls; ok && d; d = d->next) {
        if (!pipe->flag) {
            ok = push_var(ctx, d->names, &last);
        } else {
            struct gotmpl_value *var = find_var(ctx, d->names);
            ok = var != NULL;
            if (var)
                *var = last;
        }
    }
    ctx->depth++;
    if (ok)
        *out = last;
    return ok;
}

/* ---- statements ---- */

static bool set_loop_vars(struct gotmpl_ctx *ctx, const struct gotmpl_node *pipe, int64_t top,
                          const struct gotmpl_value *key, const struct gotmpl_value *value)
{
    const struct gotmpl_node *decls = pipe->decls, *second = decls ? decls->next : NULL;
    struct gotmpl_value *var;
    if (!decls)
        return true;
    if (pipe->flag) {
        if (!(var = find_var(ctx, decls->names)))
            return false;
        *var = second ? *key : *value;
        if (second && !(var = find_var(ctx, second->names)))
            return false;
        *var = *value;
        return true;
    }
    ctx->vars[top - 1].value = *value;
    if (second)
        ctx->vars[top - 2].value = *key;
    return true;
}

/* *again: whether the loop goes on. */
static bool exec_iteration(struct gotmpl_ctx *ctx, const struct gotmpl_node *node,
                           const struct gotmpl_value *key, const struct gotmpl_value *value, int64_t top,
                           bool *again)
{
    if (!gotmpl_charge(ctx, 1) || !set_loop_vars(ctx, node->pipe, top, key, value) ||
        !exec_list(ctx, node->list, value))
        return false;
    ctx->n_vars = top;
    *again = ctx->flow != GOTMPL_FLOW_BREAK;
    ctx->flow = GOTMPL_FLOW_ON;
    return true;
}

static bool exec_range(struct gotmpl_ctx *ctx, const struct gotmpl_node *node, const struct gotmpl_value *dot)
{
    struct gotmpl_value over;
    if (!eval_pipe(ctx, node->pipe, dot, &over))
        return false;
    int64_t top = ctx->n_vars, n = over.len;
    bool again = true;
    ctx->line = node->line;
    switch ((enum gotmpl_kind)over.kind) {
    case GOTMPL_NONE:
        n = 0;
        break;
    case GOTMPL_INT:
        n = over.i;
        if (node->pipe->decls && node->pipe->decls->next)
            return gotmpl_fail(ctx, MICA_EFORMAT, "range over a number has one variable");
        break;
    case GOTMPL_LIST:
    case GOTMPL_MAP:
        break;
    default:
        return gotmpl_fail(ctx, MICA_EFORMAT, "range cannot go over a value of type %s",
                           gotmpl_type_name(&over));
    }
    if (n <= 0)
        return exec_list(ctx, node->other, dot);
    for (int64_t i = 0; i < n && again; i++) {
        struct gotmpl_value key = gotmpl_int(i);
        const struct gotmpl_value *value = over.kind == GOTMPL_LIST  ? &over.items[i]
                                           : over.kind == GOTMPL_MAP ? &over.items[2 * i + 1]
                                                                     : &key;
        if (over.kind == GOTMPL_MAP)
            key = over.items[2 * i];
        if (!exec_iteration(ctx, node, &key, value, top, &again))
            return false;
    }
    return true;
}

static bool exec_if(struct gotmpl_ctx *ctx, const struct gotmpl_node *node, const struct gotmpl_value *dot)
{
    struct gotmpl_value value;
    if (!eval_pipe(ctx, node->pipe, dot, &value))
        return false;
    if (!gotmpl_truth(&value))
        return exec_list(ctx, node->other, dot);
    return exec_list(ctx, node->list, node->kind == GOTMPL_WITH ? &value : dot);
}

static bool exec_call(struct gotmpl_ctx *ctx, const struct gotmpl_node *node, const struct gotmpl_value *dot)
{
    const struct gotmpl_define *d = ctx->tmpl->defines;
    struct gotmpl_value data = {0};
    while (d && (d->name.len != node->value.len || memcmp(d->name.s, node->value.s, d->name.len) != 0))
        d = gotmpl_charge(ctx, 1) ? d->next : NULL;
    if (!d)
        return gotmpl_fail(ctx, MICA_EFORMAT, "there is no template \"%.*s\"",
                           node->value.len < 60 ? (int)node->value.len : 60, node->value.s);
    if (node->pipe && !eval_pipe(ctx, node->pipe, dot, &data))
        return false;
    return gotmpl_exec(ctx, d->name.len ? d->root : ctx->tmpl->root, &data);
}

static bool exec_node(struct gotmpl_ctx *ctx, const struct gotmpl_node *node, const struct gotmpl_value *dot)
{
    struct gotmpl_value value;
    int64_t n_vars = ctx->n_vars;
    bool ok;
    ctx->line = node->line;
    switch ((enum gotmpl_node_kind)node->kind) {
    case GOTMPL_TEXT:
        return gotmpl_put(ctx, ctx->out, node->value.s, node->value.len);
    case GOTMPL_ACTION:
        if (!eval_pipe(ctx, node->pipe, dot, &value))
            return false;
        ctx->line = node->line;
        return node->pipe->decls || gotmpl_print(ctx, ctx->out, &value);
    case GOTMPL_IF:
    case GOTMPL_WITH:
    case GOTMPL_RANGE:
        ok = node->kind == GOTMPL_RANGE ? exec_range(ctx, node, dot) : exec_if(ctx, node, dot);
        ctx->n_vars = n_vars;
        return ok;
    case GOTMPL_CALL:
        return exec_call(ctx, node, dot);
    case GOTMPL_BREAK:
        ctx->flow = GOTMPL_FLOW_BREAK;
        return true;
    default:
        ctx->flow = GOTMPL_FLOW_CONTINUE;
        return true;
    }
}

static bool exec_list(struct gotmpl_ctx *ctx, const struct gotmpl_node *list, const struct gotmpl_value *dot)
{
    bool ok = gotmpl_enter(ctx);
    if (!ok)
        return false;
    for (; ok && list && ctx->flow == GOTMPL_FLOW_ON; list = list->next)
        ok = gotmpl_charge(ctx, 1) && exec_node(ctx, list, dot);
    ctx->depth++;
    return ok;
}

bool gotmpl_exec(struct gotmpl_ctx *ctx, const struct gotmpl_node *list, const struct gotmpl_value *data)
{
    static const struct gotmpl_name dollar = {.s = "$", .len = 1};
    int64_t n_vars = ctx->n_vars, first_var = ctx->first_var;
    ctx->first_var = n_vars;
    bool ok = push_var(ctx, &dollar, data) && exec_list(ctx, list, data);
    ctx->n_vars = n_vars;
    ctx->first_var = first_var;
    return ok;
}
