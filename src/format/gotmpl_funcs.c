/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Go templates: the functions of text/template and Ollama's. */
#include "format/gotmpl.h"

#include <string.h>

#define ARGUMENTS struct gotmpl_ctx *ctx, const struct gotmpl_value *args, int n, struct gotmpl_value *out

static bool run_not(ARGUMENTS)
{
    (void)ctx;
    (void)n;
    *out = gotmpl_bool(!gotmpl_truth(&args[0]));
    return true;
}

/* ---- comparing ---- */

static bool is_basic(const struct gotmpl_value *v)
{
    return v->kind >= GOTMPL_BOOL && v->kind <= GOTMPL_STRING;
}

static bool is_nil(const struct gotmpl_value *v)
{
    return v->kind == GOTMPL_NONE || v->kind == GOTMPL_NIL || (v->kind > GOTMPL_STRING && v->nil);
}

static bool incomparable(struct gotmpl_ctx *ctx, const struct gotmpl_value *a, const struct gotmpl_value *b)
{
    return gotmpl_fail(ctx, MICA_EFORMAT, "values of types %s and %s cannot be compared", gotmpl_type_name(a),
                       gotmpl_type_name(b));
}

static bool equal(struct gotmpl_ctx *ctx, const struct gotmpl_value *a, const struct gotmpl_value *b,
                  bool *out)
{
    *out = false;
    if (is_basic(a) != is_basic(b) || (is_basic(a) && a->kind != b->kind))
        return a->kind == GOTMPL_NONE || b->kind == GOTMPL_NONE || incomparable(ctx, a, b);
    if (!is_basic(a)) {
        if (a->kind != b->kind && a->kind != GOTMPL_NONE && b->kind != GOTMPL_NONE)
            return incomparable(ctx, a, b);
        if (!is_nil(a) && !is_nil(b))
            return incomparable(ctx, a, b);
        *out = is_nil(a) == is_nil(b);
        return true;
    }
    if (a->kind == GOTMPL_STRING && !gotmpl_charge(ctx, a->len / 64))
        return false;
    if (a->kind == GOTMPL_STRING)
        *out = a->len == b->len && memcmp(a->s, b->s, a->len) == 0;
    else
        *out = a->kind == GOTMPL_FLOAT ? a->d == b->d : a->i == b->i;
    return true;
}

static bool less(struct gotmpl_ctx *ctx, const struct gotmpl_value *a, const struct gotmpl_value *b,
                 bool *out)
{
    if (a->kind != b->kind || a->kind < GOTMPL_INT || a->kind > GOTMPL_STRING)
        return incomparable(ctx, a, b);
    if (a->kind == GOTMPL_STRING && !gotmpl_charge(ctx, a->len / 64))
        return false;
    if (a->kind == GOTMPL_STRING) {
        int order = memcmp(a->s, b->s, a->len < b->len ? a->len : b->len);
        *out = order < 0 || (order == 0 && a->len < b->len);
    } else {
        *out = a->kind == GOTMPL_FLOAT ? a->d < b->d : a->i < b->i;
    }
    return true;
}

/* Whether the first equals any of the others. */
static bool run_eq(ARGUMENTS)
{
    bool same = false, ok = true;
    for (int i = 1; ok && !same && i < n; i++)
        ok = equal(ctx, &args[0], &args[i], &same);
    *out = gotmpl_bool(same);
    return ok;
}

static bool run_ne(ARGUMENTS)
{
    bool ok = run_eq(ctx, args, n, out);
    out->i = !out->i;
    return ok;
}

static bool run_lt(ARGUMENTS)
{
    bool is_less = false, ok = less(ctx, &args[0], &args[1], &is_less);
    (void)n;
    *out = gotmpl_bool(is_less);
    return ok;
}

static bool run_le(ARGUMENTS)
{
    bool ok = run_lt(ctx, args, n, out);
    return ok && (out->i || run_eq(ctx, args, n, out));
}

static bool run_gt(ARGUMENTS)
{
    bool ok = run_le(ctx, args, n, out);
    out->i = !out->i;
    return ok;
}

static bool run_ge(ARGUMENTS)
{
    bool ok = run_lt(ctx, args, n, out);
    out->i = !out->i;
    return ok;
}

/* ---- lists, maps and strings ---- */

static bool run_len(ARGUMENTS)
{
    (void)n;
    if (args[0].kind != GOTMPL_STRING && args[0].kind != GOTMPL_LIST && args[0].kind != GOTMPL_MAP)
        return gotmpl_fail(ctx, MICA_EFORMAT, "len: a value of type %s has no length",
                           gotmpl_type_name(&args[0]));
    *out = gotmpl_int(args[0].len);
    return true;
}

/* An index of most at most. */
static bool get_index(struct gotmpl_ctx *ctx, const struct gotmpl_value *v, int64_t most, const char *who,
                      uint32_t *out)
{
    if (v->kind != GOTMPL_INT)
        return gotmpl_fail(ctx, MICA_EFORMAT, "%s: a value of type %s is no index", who, gotmpl_type_name(v));
    if (v->i < 0 || v->i > most)
        return gotmpl_fail(ctx, MICA_EFORMAT, "%s: index %lld is out of range", who, (long long)v->i);
    *out = (uint32_t)v->i;
    return true;
}

static bool index_one(struct gotmpl_ctx *ctx, const struct gotmpl_value *of, const struct gotmpl_value *by,
                      struct gotmpl_value *out)
{
    uint32_t i = 0;
    if (of->kind == GOTMPL_MAP) {
        if (by->kind != GOTMPL_STRING)
            return gotmpl_fail(ctx, MICA_EFORMAT, "index: a key is a string, not a value of type %s",
                               gotmpl_type_name(by));
        const struct gotmpl_value *found = gotmpl_map_get(of, by->s, by->len);
        if (!found && of->type && of->type->elem && of->type->elem->kind != GOTMPL_NONE)
            return gotmpl_zero(ctx, of->type->elem, out);
        *out = found ? *found : (struct gotmpl_value){0};
        return true;
    }
    if (of->kind != GOTMPL_LIST && of->kind != GOTMPL_STRING)
        return gotmpl_fail(ctx, MICA_EFORMAT, "index: a value of type %s has no elements",
                           gotmpl_type_name(of));
    if (!get_index(ctx, by, (int64_t)of->len - 1, "index", &i))
        return false;
    *out = of->kind == GOTMPL_LIST ? of->items[i] : gotmpl_int((uint8_t)of->s[i]);
    return true;
}

static bool run_index(ARGUMENTS)
{
    struct gotmpl_value v = args[0];
    bool ok = true;
    if (v.kind == GOTMPL_NONE)
        return gotmpl_fail(ctx, MICA_EFORMAT, "index of nil");
    for (int i = 1; ok && i < n; i++)
        ok = index_one(ctx, &v, &args[i], &v);
    *out = v;
    return ok;
}

static bool run_slice(ARGUMENTS)
{
    struct gotmpl_value v = args[0];
    uint32_t from = 0, to = v.len;
    if (v.kind != GOTMPL_STRING && v.kind != GOTMPL_LIST)
        return gotmpl_fail(ctx, MICA_EFORMAT, "slice: a value of type %s cannot be cut",
                           gotmpl_type_name(&v));
    if ((n > 1 && !get_index(ctx, &args[1], v.len, "slice", &from)) ||
        (n > 2 && !get_index(ctx, &args[2], v.len, "slice", &to)))
        return false;
    if (from > to)
        return gotmpl_fail(ctx, MICA_EFORMAT, "slice: %u lies behind %u", (unsigned)from, (unsigned)to);
    if (v.kind == GOTMPL_STRING)
        v.s += from;
    else if (v.items)
        v.items += from;
    v.len = to - from;
    *out = v;
    return true;
}

/* ---- printing ---- */

/* Go puts spaces between operands of which neither is a string, println between all. */
static bool print_all(struct gotmpl_ctx *ctx, const struct gotmpl_value *args, int n, bool line,
                      struct gotmpl_value *out)
{
    struct mica_buf buf = {0};
    bool ok = true;
    for (int i = 0; ok && i < n; i++) {
        bool space = i && (line || (args[i].kind != GOTMPL_STRING && args[i - 1].kind != GOTMPL_STRING));
        ok = (!space || gotmpl_puts(ctx, &buf, " ")) &&
             (args[i].kind == GOTMPL_NONE ? gotmpl_puts(ctx, &buf, "<nil>")
                                          : gotmpl_print(ctx, &buf, &args[i]));
    }
    ok = ok && (!line || gotmpl_puts(ctx, &buf, "\n"));
    return gotmpl_take(ctx, &buf, ok, out);
}

static bool run_print(ARGUMENTS)
{
    return print_all(ctx, args, n, false, out);
}

static bool run_println(ARGUMENTS)
{
    return print_all(ctx, args, n, true, out);
}

static bool run_printf(ARGUMENTS)
{
    struct mica_buf buf = {0};
    return gotmpl_take(ctx, &buf, gotmpl_print_format(ctx, &buf, args, n), out);
}

static bool run_json(ARGUMENTS)
{
    struct mica_buf buf = {0};
    (void)n;
    return gotmpl_take(ctx, &buf, gotmpl_print_json(ctx, &buf, &args[0]), out);
}

/* ---- Ollama's types of tools in TypeScript's words ---- */

static bool put_type(struct gotmpl_ctx *ctx, struct mica_buf *buf, const struct gotmpl_value *property);

static bool put_type_name(struct gotmpl_ctx *ctx, struct mica_buf *buf, const struct gotmpl_value *name)
{
    static const char *const names[][2] = {{"string", "string"},  {"number", "number"},
                                           {"integer", "number"}, {"boolean", "boolean"},
                                           {"array", "any[]"},    {"object", "Record<string, any>"},
                                           {"null", "null"}};
    for (size_t i = 0; i < MICA_COUNT(names); i++)
        if (name->len == strlen(names[i][0]) && memcmp(name->s, names[i][0], name->len) == 0)
            return gotmpl_puts(ctx, buf, names[i][1]);
    return gotmpl_puts(ctx, buf, "any");
}

static bool put_type(struct gotmpl_ctx *ctx, struct mica_buf *buf, const struct gotmpl_value *property)
{
    /* The first fields of the type in gotmpl_data.c. */
    const struct gotmpl_value *any_of = &property->items[0], *types = &property->items[1];
    bool ok = gotmpl_enter(ctx), any = ok && any_of->len > 0;
    const struct gotmpl_value *list = any ? any_of : types;
    if (ok && !list->len)
        ok = gotmpl_puts(ctx, buf, "any");
    for (uint32_t i = 0; ok && i < list->len; i++)
        ok = (!i || gotmpl_puts(ctx, buf, " | ")) &&
             (any ? put_type(ctx, buf, &list->items[i]) : put_type_name(ctx, buf, &list->items[i]));
    ctx->depth++;
    return ok;
}

static bool run_typescript(ARGUMENTS)
{
    struct mica_buf buf = {0};
    (void)n;
    bool is_property = args[0].kind == GOTMPL_STRUCT && strcmp(args[0].type->name, "ToolProperty") == 0;
    bool ok = is_property ? put_type(ctx, &buf, &args[0]) : gotmpl_puts(ctx, &buf, "any");
    return gotmpl_take(ctx, &buf, ok, out);
}

static const char dated[] =
    "what it gives changes every day, so what the model is asked cannot be reproduced";
static const char not_here[] = "this function of Go's is not supported here";

static const struct gotmpl_func funcs[] = {
    {"and", 1, -1, NULL, false, NULL},
    {"or", 1, -1, NULL, true, NULL},
    {"not", 1, 1, run_not, false, NULL},
    {"eq", 2, -1, run_eq, false, NULL},
    {"ne", 2, 2, run_ne, false, NULL},
    {"lt", 2, 2, run_lt, false, NULL},
    {"le", 2, 2, run_le, false, NULL},
    {"gt", 2, 2, run_gt, false, NULL},
    {"ge", 2, 2, run_ge, false, NULL},
    {"len", 1, 1, run_len, false, NULL},
    {"index", 1, -1, run_index, false, NULL},
    {"slice", 1, 3, run_slice, false, NULL},
    {"print", 0, -1, run_print, false, NULL},
    {"println", 0, -1, run_println, false, NULL},
    {"printf", 1, -1, run_printf, false, NULL},
    {"json", 1, 1, run_json, false, NULL},
    {"toTypeScriptType", 1, 1, run_typescript, false, NULL},
    {"currentDate", 0, -1, NULL, false, dated},
    {"yesterdayDate", 0, -1, NULL, false, dated},
    {"html", 0, -1, NULL, false, not_here},
    {"js", 0, -1, NULL, false, not_here},
    {"urlquery", 0, -1, NULL, false, not_here},
    {"call", 0, -1, NULL, false, not_here},
};

const struct gotmpl_func *gotmpl_func_find(const char *name, size_t len)
{
    for (size_t i = 0; i < MICA_COUNT(funcs); i++)
        if (strlen(funcs[i].name) == len && memcmp(funcs[i].name, name, len) == 0)
            return &funcs[i];
    return NULL;
}
