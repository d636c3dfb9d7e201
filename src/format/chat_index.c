/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* value.attribute, value[key] and value[start:stop:step]. */
#include "format/chat_internal.h"

#include <string.h>

static struct chat_value undefined_of(const struct chat_value *v, int how, const char *name, size_t len)
{
    return (struct chat_value){
        .kind = CHAT_UNDEFINED, .flag = (uint8_t)(how + v->kind), .len = (uint32_t)len, .s = name};
}

static bool is(const char *name, size_t len, const char *other)
{
    return len == strlen(other) && !memcmp(name, other, len);
}

/* Methods that change their object do not exist in a sandbox; using them says so. */
static bool is_forbidden(const struct chat_value *v, const char *name, size_t len)
{
    static const char *const list[] = {"append", "clear",  "pop",    "reverse", "insert",
                                       "sort",   "extend", "remove", NULL};
    static const char *const dict[] = {"clear", "pop", "popitem", "setdefault", "update", NULL};
    const char *const *names = v->kind == CHAT_LIST ? list : v->kind == CHAT_DICT ? dict : list + 8;
    for (; *names; names++) {
        if (is(name, len, *names))
            return true;
    }
    return false;
}

static const struct chat_builtin *find_method(const struct chat_value *v, const char *name, size_t len)
{
    static const struct chat_builtin *const tables[] = {
        [CHAT_BOOL] = chat_int_methods,
        [CHAT_INT] = chat_int_methods,
        [CHAT_FLOAT] = chat_float_methods,
        [CHAT_STR] = chat_str_methods,
        [CHAT_LIST] = chat_list_methods,
        [CHAT_TUPLE] = chat_list_methods,
        [CHAT_DICT] = chat_dict_methods,
        [CHAT_LOOP] = chat_loop_methods,
        [CHAT_CYCLER] = chat_cycler_methods,
        [CHAT_RANGE] = chat_list_methods,
        [CHAT_JOINER] = NULL,
    };
    const struct chat_builtin *func = tables[v->kind] ? chat_builtin_find(tables[v->kind], name, len) : NULL;
    if (!func && v->kind == CHAT_STR)
        func = chat_builtin_find(chat_str_predicates, name, len);
    return func;
}

static bool data_attr(const struct chat_value *v, const char *name, size_t len, struct chat_value *out)
{
    if (v->kind == CHAT_MACRO && is(name, len, "name"))
        *out = v->macro->node->value;
    else if (v->kind == CHAT_CYCLER && is(name, len, "current"))
        *out = v->cycler->items->at[v->cycler->pos];
    else if (v->kind == CHAT_TUPLE && v->flag && is(name, len, "grouper"))
        *out = v->list->at[0];
    else if (v->kind == CHAT_TUPLE && v->flag && is(name, len, "list"))
        *out = v->list->at[1];
    else
        return false;
    return true;
}

/* An attribute that the object itself has, not an item of it. */
static bool own_attr(struct chat_ctx *ctx, const struct chat_value *v, const char *name, size_t len,
                     struct chat_value *out, bool *found)
{
    const struct chat_builtin *func = find_method(v, name, len);
    struct chat_bound *bound;
    struct chat_value *value;
    *found = true;
    if (is_forbidden(v, name, len)) {
        *out = undefined_of(v, 0, name, len);
        out->flag = CHAT_UNDEF_UNSAFE;
        return true;
    }
    if (func) {
        if (!(bound = chat_alloc(ctx, 1, sizeof *bound)))
            return false;
        *bound = (struct chat_bound){func, *v};
        *out = (struct chat_value){.kind = CHAT_METHOD, .bound = bound};
        return true;
    }
    if (v->kind == CHAT_LOOP) {
        *out = (struct chat_value){.kind = CHAT_MISSING};
        if (!chat_loop_attr(ctx, v->loop, name, len, out))
            return false;
        *found = out->kind != CHAT_MISSING;
        return true;
    }
    if (v->kind == CHAT_NAMESPACE && (value = chat_dict_get(v->dict, name, len))) {
        *out = *value;
        return true;
    }
    *found = data_attr(v, name, len, out);
    return true;
}

bool chat_getattr(struct chat_ctx *ctx, const struct chat_value *v, const char *name, size_t len,
                  struct chat_value *out)
{
    struct chat_value *item;
    bool found;
    if (v->kind == CHAT_UNDEFINED)
        return chat_fail_undefined(ctx, v);
    if (!own_attr(ctx, v, name, len, out, &found))
        return false;
    if (found)
        return true;
    if (v->kind == CHAT_DICT && (item = chat_dict_get(v->dict, name, len))) {
        *out = *item;
        return true;
    }
    *out = undefined_of(v, CHAT_UNDEF_ATTR, name, len);
    return true;
}

/* ---- items ---- */
static bool at_index(struct chat_ctx *ctx, const struct chat_value *v, int64_t i, struct chat_value *out,
                     bool *found)
{
    int64_t n = chat_length(v);
    if (v->kind == CHAT_STR && !chat_charge(ctx, v->len / 16))
        return false;
    i += i < 0 ? n : 0;
    *found = i >= 0 && i < n;
    if (!*found)
        return true;
    if (v->kind == CHAT_RANGE) {
        *out = chat_int(v->range->start + i * v->range->step);
    } else if (v->kind == CHAT_STR) {
        size_t at = n == v->len ? (size_t)i : chat_offset(v->s, v->len, i);
        *out = chat_str(v->s + at, chat_offset(v->s + at, v->len - at, 1));
        out->flag = v->flag;
    } else {
        *out = v->list->at[i];
    }
    return true;
}

static bool find_item(struct chat_ctx *ctx, const struct chat_value *v, const struct chat_value *key,
                      struct chat_value *out, bool *found)
{
    struct chat_value *item;
    *found = false;
    switch (v->kind) {
    case CHAT_DICT:
        /* A key that cannot be hashed is not there. */
        if (!chat_can_hash(key))
            return true;
        if (!chat_dict_find(ctx, v->dict, key, &item))
            return false;
        if ((*found = item != NULL))
            *out = *item;
        return true;
    case CHAT_STR:
    case CHAT_LIST:
    case CHAT_TUPLE:
    case CHAT_RANGE:
        return !chat_is_int(key) || at_index(ctx, v, key->i, out, found);
    default:
        return true;
    }
}

bool chat_getitem(struct chat_ctx *ctx, const struct chat_value *v, const struct chat_value *key,
                  struct chat_value *out)
{
    struct mica_buf buf = {0};
    struct chat_value text;
    bool found;
    if (v->kind == CHAT_UNDEFINED)
        return chat_fail_undefined(ctx, v);
    if (!find_item(ctx, v, key, out, &found))
        return false;
    if (found)
        return true;
    if (key->kind == CHAT_STR) {
        if (!own_attr(ctx, v, key->s, key->len, out, &found))
            return false;
        if (!found)
            *out = undefined_of(v, CHAT_UNDEF_ATTR, key->s, key->len);
        return true;
    }
    chat_put_repr(ctx, key, &buf);
    if (!chat_str_take(ctx, &buf, &text))
        return false;
    *out = undefined_of(v, CHAT_UNDEF_ITEM, text.s, text.len);
    return true;
}

/* ---- slices ---- */
/* Python's rules: counts from the end when negative, and clamps. */
static int64_t bound(const struct chat_value *v, int64_t missing, int64_t n, bool backwards)
{
    int64_t i;
    if (v->kind == CHAT_NONE)
        return missing;
    i = v->i < -n - 1 ? -n - 1 : v->i;
    i += i < 0 ? n : 0;
    if (i < 0)
        return backwards ? -1 : 0;
    return i >= n ? (backwards ? n - 1 : n) : i;
}

static bool slice_str(struct chat_ctx *ctx, const struct chat_value *v, int64_t start, int64_t step,
                      int64_t n, struct chat_value *out)
{
    struct mica_buf buf = {0};
    size_t at, len;
    if (!chat_charge(ctx, v->len / 16 + (step == 1 ? 0 : n)))
        return false;
    at = chat_offset(v->s, v->len, start);
    *out = *v;
    if (step == 1) {
        out->s = v->s + at;
        out->len = (uint32_t)chat_offset(v->s + at, v->len - at, n);
        return true;
    }
    for (int64_t i = 0; i < n; i++) {
        len = chat_offset(v->s + at, v->len - at, 1);
        if (!chat_put(ctx, &buf, v->s + at, len))
            break;
        for (int64_t k = 0; k < step && i + 1 < n; k++)
            at += chat_offset(v->s + at, v->len - at, 1);
        for (int64_t k = 0; k > step && i + 1 < n; k--) {
            at--;
            while ((v->s[at] & 0xc0) == 0x80)
                at--;
        }
    }
    if (!chat_str_take(ctx, &buf, out))
        return false;
    out->flag = v->flag;
    return true;
}

static bool slice_list(struct chat_ctx *ctx, const struct chat_value *v, int64_t start, int64_t step,
                       int64_t n, struct chat_value *out)
{
    struct chat_list *items, *list;
    if (!chat_items(ctx, v, &items) || !chat_charge(ctx, n) || !(list = chat_list_new(ctx, n)))
        return false;
    for (; list->n < n; list->n++)
        list->at[list->n] = items->at[start + list->n * step];
    *out = chat_of_list(v->kind, list);
    return true;
}

static bool slice_range(struct chat_ctx *ctx, const struct chat_value *v, int64_t start, int64_t stop,
                        int64_t step, int64_t n, struct chat_value *out)
{
    const struct chat_range *from = v->range;
    struct chat_range *range = chat_alloc(ctx, 1, sizeof *range);
    int64_t first, last, stride;
    if (!range)
        return false;
    if (__builtin_mul_overflow(start, from->step, &first) ||
        __builtin_add_overflow(first, from->start, &first) ||
        __builtin_mul_overflow(stop, from->step, &last) || __builtin_add_overflow(last, from->start, &last) ||
        __builtin_mul_overflow(step, from->step, &stride))
        return chat_fail(ctx, MICA_ELIMIT, "a number in the template does not fit into 64 bits");
    *range = (struct chat_range){first, last, stride, n};
    *out = (struct chat_value){.kind = CHAT_RANGE, .range = range};
    return true;
}

static bool check_slice(struct chat_ctx *ctx, const struct chat_value *v, const struct chat_value bounds[3])
{
    if (v->kind == CHAT_UNDEFINED)
        return chat_fail_undefined(ctx, v);
    if (v->kind == CHAT_DICT)
        return chat_raise(ctx, "unhashable type: 'slice'");
    if (v->kind != CHAT_STR && v->kind != CHAT_LIST && v->kind != CHAT_TUPLE && v->kind != CHAT_RANGE)
        return chat_raise(ctx, "'%s' object is not subscriptable", chat_type_name(v));
    for (int i = 0; i < 3; i++) {
        if (bounds[i].kind != CHAT_NONE && !chat_is_int(&bounds[i]))
            return chat_raise(ctx, "slice indices must be integers or None");
    }
    return (bounds[2].kind == CHAT_NONE || bounds[2].i) || chat_raise(ctx, "slice step cannot be zero");
}

bool chat_slice(struct chat_ctx *ctx, const struct chat_value *v, const struct chat_value bounds[3],
                struct chat_value *out)
{
    int64_t n = chat_length(v), step = bounds[2].kind == CHAT_NONE ? 1 : bounds[2].i, start, stop, count;
    if (!check_slice(ctx, v, bounds) || !step)
        return false;
    step = step > n ? n + 1 : step < -n ? -n - 1 : step;
    start = bound(&bounds[0], step < 0 ? n - 1 : 0, n, step < 0);
    stop = bound(&bounds[1], step < 0 ? -1 : n, n, step < 0);
    int64_t stride = step > 0 ? step : -step, span = step > 0 ? stop - start : start - stop;
    count = stride ? (span + stride - 1) / stride : 0;
    count = (step > 0 ? stop > start : stop < start) ? count : 0;
    if (v->kind == CHAT_STR)
        return slice_str(ctx, v, count ? start : 0, step, count, out);
    if (v->kind == CHAT_RANGE)
        return slice_range(ctx, v, start, stop, step, count, out);
    return slice_list(ctx, v, start, step, count, out);
}
