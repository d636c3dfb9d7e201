/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Filters that work on lists and dicts. */
#include "format/chat_internal.h"

#include <stdlib.h>
#include <string.h>

static bool give_iter(struct chat_ctx *ctx, const char *name, struct chat_list *list, struct chat_value *out)
{
    struct chat_iter *iter = chat_alloc(ctx, 1, sizeof *iter);
    if (!iter)
        return false;
    *iter = (struct chat_iter){name, list, 0};
    *out = (struct chat_value){.kind = CHAT_ITER, .iter = iter};
    return true;
}

static bool is_given(const struct chat_value *v)
{
    return v->kind != CHAT_MISSING && v->kind != CHAT_NONE;
}

/* "a.0.b", a number or None: what the attribute parameters of filters take. */
bool chat_get_path(struct chat_ctx *ctx, const struct chat_value *v, const struct chat_value *path,
                   struct chat_value *out)
{
    const char *s = path->s, *end;
    *out = *v;
    if (!is_given(path))
        return true;
    if (path->kind != CHAT_STR)
        return chat_getitem(ctx, v, path, out);
    end = s + path->len;
    for (;;) {
        const char *dot = memchr(s, '.', (size_t)(end - s)), *stop = dot ? dot : end;
        struct chat_value part = chat_str(s, (size_t)(stop - s)), object = *out;
        bool number = stop > s && stop - s < 18;
        int64_t i = 0;
        for (const char *p = s; number && p < stop; p++) {
            number = *p >= '0' && *p <= '9';
            i = i * 10 + (*p - '0');
        }
        if (number)
            part = chat_int(i);
        if (!chat_getitem(ctx, &object, &part, out))
            return false;
        if (!dot)
            return true;
        s = dot + 1;
    }
}

/* Text in lower case unless case matters; anything else as it is. */
static bool fold(struct chat_ctx *ctx, struct chat_value *v, bool case_sensitive)
{
    struct mica_buf buf = {0};
    if (v->kind != CHAT_STR || case_sensitive)
        return true;
    chat_put_case(ctx, v, CHAT_LOWER, &buf);
    return chat_str_take(ctx, &buf, v);
}

static bool key_of(struct chat_ctx *ctx, const struct chat_value *v, const struct chat_value *path,
                   bool case_sensitive, struct chat_value *out)
{
    return chat_get_path(ctx, v, path, out) && fold(ctx, out, case_sensitive);
}

static struct chat_list *copy_list(struct chat_ctx *ctx, const struct chat_list *from)
{
    struct chat_list *list = chat_charge(ctx, from->n) ? chat_list_new(ctx, from->n) : NULL;
    if (list && from->n)
        memcpy(list->at, from->at, (size_t)from->n * sizeof *list->at);
    if (list)
        list->n = from->n;
    return list;
}

/* ---- the simple ones ---- */
static bool filter_length(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    *out = chat_int(chat_length(&call->self));
    return out->i >= 0 || chat_raise(ctx, "object of type '%s' has no len()", chat_type_name(&call->self));
}

static bool filter_first(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    const struct chat_value *v = &call->self;
    struct chat_list *items;
    if (v->kind == CHAT_ITER && v->iter->pos < v->iter->list->n) {
        *out = v->iter->list->at[v->iter->pos++];
        return true;
    }
    if (!chat_items(ctx, v, &items))
        return false;
    *out = items->n ? items->at[0] : chat_hint("No first item, sequence was empty.");
    return true;
}

static bool filter_last(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_list *items;
    if (call->self.kind == CHAT_ITER)
        return chat_raise(ctx, "'%s' object is not reversible", call->self.iter->name);
    if (!chat_items(ctx, &call->self, &items))
        return false;
    *out = items->n ? items->at[items->n - 1] : chat_hint("No last item, sequence was empty.");
    if (call->self.kind == CHAT_STR && items->n) /* reversing a text takes parts of it, iterating does not */
        out->flag = call->self.flag;
    return true;
}

static bool filter_list(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_list *items;
    if (!chat_items(ctx, &call->self, &items))
        return false;
    *out = chat_of_list(CHAT_LIST, items);
    return true;
}

static bool filter_reverse(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_value bounds[3] = {chat_none(), chat_none(), chat_int(-1)}, items;
    struct chat_list *list;
    if (call->self.kind == CHAT_STR)
        return chat_slice(ctx, &call->self, bounds, out);
    if (!chat_items(ctx, &call->self, &list))
        return false;
    items = chat_of_list(CHAT_LIST, list);
    return chat_slice(ctx, &items, bounds, out) && give_iter(ctx, "list_reverseiterator", out->list, out);
}

static bool filter_items(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_value view = call->self;
    struct chat_list *items;
    if (view.kind != CHAT_DICT && view.kind != CHAT_UNDEFINED)
        return chat_raise(ctx, "Can only get item pairs from a mapping.");
    if (view.kind == CHAT_DICT && !chat_view(ctx, view.dict, "dict_items", &view))
        return false;
    return chat_items(ctx, &view, &items) && give_iter(ctx, "generator", items, out);
}

static bool filter_sum(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_value total = call->at[1].kind == CHAT_MISSING ? chat_int(0) : call->at[1], item;
    struct chat_list *items;
    if (total.kind == CHAT_STR)
        return chat_raise(ctx, "sum() can't sum strings [use ''.join(seq) instead]");
    if (!chat_items(ctx, &call->self, &items))
        return false;
    for (int64_t i = 0; i < items->n; i++) {
        if (!chat_get_path(ctx, &items->at[i], &call->at[0], &item) ||
            !chat_binary(ctx, '+', &total, &item, &total))
            return false;
    }
    *out = total;
    return true;
}

static bool pick(struct chat_ctx *ctx, const struct chat_call *call, int op, struct chat_value *out)
{
    struct chat_list *items;
    struct chat_value best, key;
    bool case_sensitive = chat_truth(&call->at[0]), better = true;
    if (!chat_items(ctx, &call->self, &items))
        return false;
    *out = chat_hint("No aggregated item, sequence was empty.");
    for (int64_t i = 0; i < items->n; i++) {
        if (!key_of(ctx, &items->at[i], &call->at[1], case_sensitive, &key) ||
            (i && !chat_compare(ctx, op, &key, &best, &better)))
            return false;
        if (better) {
            best = key;
            *out = items->at[i];
        }
    }
    return true;
}

static bool filter_min(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return pick(ctx, call, '<', out);
}

static bool filter_max(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return pick(ctx, call, '>', out);
}

/* ---- order ---- */
/* The key is a list: one part for each of the attributes between commas. */
static bool sort_key(struct chat_ctx *ctx, const struct chat_value *v, const struct chat_value *path,
                     bool case_sensitive, struct chat_value *out)
{
    struct chat_list *parts = chat_list_new(ctx, 1);
    struct chat_value part;
    if (!parts)
        return false;
    *out = chat_of_list(CHAT_LIST, parts);
    if (!is_given(path) || path->kind != CHAT_STR)
        return key_of(ctx, v, path, case_sensitive, &part) && chat_list_push(ctx, parts, part);
    for (const char *s = path->s, *end = s + path->len; s <= end;) {
        const char *comma = memchr(s, ',', (size_t)(end - s)), *stop = comma ? comma : end;
        struct chat_value piece = chat_str(s, (size_t)(stop - s));
        if (!key_of(ctx, v, &piece, case_sensitive, &part) || !chat_list_push(ctx, parts, part))
            return false;
        s = stop + 1;
    }
    return true;
}

static bool filter_sort(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_list *items, *sorted;
    struct chat_value *keys;
    bool case_sensitive = chat_truth(&call->at[1]);
    if (!chat_items(ctx, &call->self, &items) || !(sorted = copy_list(ctx, items)) ||
        !(keys = chat_alloc(ctx, (size_t)items->n, sizeof *keys)))
        return false;
    for (int64_t i = 0; i < items->n; i++) {
        if (!sort_key(ctx, &items->at[i], &call->at[2], case_sensitive, &keys[i]))
            return false;
    }
    *out = chat_of_list(CHAT_LIST, sorted);
    return chat_sort(ctx, keys, sorted->at, items->n, chat_truth(&call->at[0]));
}

static bool filter_dictsort(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    bool by_value = chat_str_is(&call->at[1], "value");
    struct chat_value view, *keys;
    struct chat_list *items;
    if (call->self.kind == CHAT_UNDEFINED)
        return chat_fail_undefined(ctx, &call->self);
    if (call->self.kind != CHAT_DICT)
        return chat_raise(ctx, "'%s' object has no attribute 'items'", chat_type_name(&call->self));
    if (!by_value && call->at[1].kind != CHAT_MISSING && !chat_str_is(&call->at[1], "key"))
        return chat_raise(ctx, "You can only sort by either \"key\" or \"value\"");
    if (!chat_view(ctx, call->self.dict, "dict_items", &view) || !chat_items(ctx, &view, &items) ||
        !(keys = chat_alloc(ctx, (size_t)items->n, sizeof *keys)))
        return false;
    for (int64_t i = 0; i < items->n; i++) {
        keys[i] = items->at[i].list->at[by_value];
        if (!fold(ctx, &keys[i], chat_truth(&call->at[0])))
            return false;
    }
    *out = chat_of_list(CHAT_LIST, items);
    return chat_sort(ctx, keys, items->at, items->n, chat_truth(&call->at[2]));
}

static bool filter_unique(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_dict *seen = chat_dict_new(ctx, 0);
    struct chat_list *items, *list = chat_list_new(ctx, 0);
    if (!seen || !list || !chat_items(ctx, &call->self, &items))
        return false;
    for (int64_t i = 0; i < items->n; i++) {
        struct chat_value key, *found;
        if (!key_of(ctx, &items->at[i], &call->at[1], chat_truth(&call->at[0]), &key) ||
            !chat_dict_find(ctx, seen, &key, &found))
            return false;
        if (!found &&
            (!chat_dict_put(ctx, seen, &key, chat_none()) || !chat_list_push(ctx, list, items->at[i])))
            return false;
    }
    return give_iter(ctx, "generator", list, out);
}

static bool group_key(struct chat_ctx *ctx, const struct chat_call *call, const struct chat_value *item,
                      struct chat_value *out)
{
    if (!chat_get_path(ctx, item, &call->at[0], out))
        return false;
    if (out->kind == CHAT_UNDEFINED && is_given(&call->at[1]))
        *out = call->at[1];
    return true;
}

static bool filter_groupby(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_list *items, *sorted, *groups = chat_list_new(ctx, 0), *group = NULL;
    struct chat_value *keys, pair;
    if (!groups || !chat_items(ctx, &call->self, &items) || !(sorted = copy_list(ctx, items)) ||
        !(keys = chat_alloc(ctx, (size_t)items->n, sizeof *keys)))
        return false;
    for (int64_t i = 0; i < items->n; i++) {
        if (!group_key(ctx, call, &items->at[i], &keys[i]) || !fold(ctx, &keys[i], chat_truth(&call->at[2])))
            return false;
    }
    if (!chat_sort(ctx, keys, sorted->at, items->n, false))
        return false;
    for (int64_t i = 0; i < sorted->n; i++) {
        bool same = false;
        if (i && !chat_equal(ctx, &keys[i - 1], &keys[i], &same))
            return false;
        if (!same) {
            struct chat_value key = keys[i];
            if (!(group = chat_list_new(ctx, 0)) || !group_key(ctx, call, &sorted->at[i], &key) ||
                !chat_tuple2(ctx, key, chat_of_list(CHAT_LIST, group), &pair))
                return false;
            pair.flag = 1;
            if (!chat_list_push(ctx, groups, pair))
                return false;
        }
        if (!chat_list_push(ctx, group, sorted->at[i]))
            return false;
    }
    *out = chat_of_list(CHAT_LIST, groups);
    return true;
}

/* ---- pieces ---- */
static bool push_part(struct chat_ctx *ctx, struct chat_list *parts, const struct chat_list *items,
                      int64_t begin, int64_t end, int64_t fill_to, const struct chat_value *fill)
{
    struct chat_list *part = chat_list_new(ctx, 0);
    for (int64_t i = begin; part && i < end; i++) {
        if (!chat_list_push(ctx, part, items->at[i]))
            return false;
    }
    while (part && is_given(fill) && part->n < fill_to) {
        if (!chat_charge(ctx, 1) || !chat_list_push(ctx, part, *fill))
            return false;
    }
    return part && chat_list_push(ctx, parts, chat_of_list(CHAT_LIST, part));
}

static bool filter_batch(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_list *items, *parts = chat_list_new(ctx, 0);
    int64_t size;
    if (!parts || !chat_items(ctx, &call->self, &items) || !chat_arg_int(ctx, &call->at[0], 1, &size))
        return false;
    if (size < 1)
        return chat_raise(ctx, "batch expects at least 1 item in a line");
    for (int64_t i = 0; i < items->n; i += size) {
        int64_t end = size < items->n - i ? i + size : items->n;
        if (!push_part(ctx, parts, items, i, end, size, &call->at[1]))
            return false;
    }
    return give_iter(ctx, "generator", parts, out);
}

static bool filter_slice(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_list *items, *parts = chat_list_new(ctx, 0);
    int64_t n, begin = 0;
    if (!parts || !chat_items(ctx, &call->self, &items) || !chat_arg_int(ctx, &call->at[0], 1, &n))
        return false;
    if (n < 1)
        return chat_raise(ctx, "slice expects at least 1 part");
    for (int64_t i = 0; i < n; i++) {
        int64_t size = items->n / n + (i < items->n % n), fill = i < items->n % n ? 0 : size + 1;
        if (!chat_charge(ctx, 1) || !push_part(ctx, parts, items, begin, begin + size, fill, &call->at[1]))
            return false;
        begin += size;
    }
    return give_iter(ctx, "generator", parts, out);
}

/* ---- map, select and the like ---- */
static const struct chat_value *keyword(const struct chat_args *args, const char *name)
{
    for (int64_t i = 0; i < args->n_keywords; i++) {
        if (chat_str_is(&args->keywords[i].name, name))
            return &args->keywords[i].value;
    }
    return NULL;
}

static bool map_attribute(struct chat_ctx *ctx, const struct chat_args *args, const struct chat_list *items,
                          struct chat_list *list)
{
    const struct chat_value *path = keyword(args, "attribute"), *missing = keyword(args, "default");
    if (args->n_keywords > 1 + (missing != NULL))
        return chat_raise(ctx, "map got an unexpected keyword argument");
    for (int64_t i = 0; i < items->n; i++) {
        struct chat_value v;
        if (!chat_get_path(ctx, &items->at[i], path, &v))
            return false;
        if (v.kind == CHAT_UNDEFINED && missing && missing->kind != CHAT_NONE)
            v = *missing;
        if (!chat_list_push(ctx, list, v))
            return false;
    }
    return true;
}

static bool map_filter(struct chat_ctx *ctx, const struct chat_args *args, const struct chat_list *items,
                       struct chat_list *list)
{
    const struct chat_builtin *func;
    struct chat_args rest = *args;
    if (!args->n)
        return chat_raise(ctx, "map requires a filter argument");
    if (args->at[0].kind != CHAT_STR || !(func = chat_filter_find(args->at[0].s, args->at[0].len)))
        return chat_raise(ctx, "no filter named '%.*s'",
                          args->at[0].kind == CHAT_STR ? (int)args->at[0].len : 0, args->at[0].s);
    rest.at++;
    rest.n--;
    for (int64_t i = 0; i < items->n; i++) {
        struct chat_value v;
        if (!chat_run_builtin(ctx, func, &items->at[i], &rest, &v) || !chat_list_push(ctx, list, v))
            return false;
    }
    return true;
}

static bool filter_map(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    const struct chat_args *args = call->args;
    struct chat_list *items, *list = chat_list_new(ctx, 0);
    bool ok = list != NULL;
    if (ok && chat_truth(&call->self)) {
        ok = chat_enter(ctx) && chat_items(ctx, &call->self, &items);
        ok = ok && (!args->n && keyword(args, "attribute") ? map_attribute(ctx, args, items, list)
                                                           : map_filter(ctx, args, items, list));
        chat_leave(ctx);
    }
    return ok && give_iter(ctx, "generator", list, out);
}

/* Keeps the items (or those whose attribute) for which the test gives `wanted`. */
static bool choose(struct chat_ctx *ctx, const struct chat_call *call, bool attribute, bool wanted,
                   struct chat_value *out)
{
    struct chat_list *items, *list = chat_list_new(ctx, 0);
    struct chat_args rest = *call->args;
    const struct chat_value *path = NULL;
    const struct chat_builtin *test = NULL;
    if (!list)
        return false;
    if (!chat_truth(&call->self))
        return give_iter(ctx, "generator", list, out);
    if (attribute) {
        if (!rest.n)
            return chat_raise(ctx, "Missing parameter for attribute name");
        path = rest.at++;
        rest.n--;
    }
    if (rest.n) {
        if (rest.at->kind != CHAT_STR || !(test = chat_builtin_find(chat_tests, rest.at->s, rest.at->len)))
            return chat_raise(ctx, "no test named '%.*s'", rest.at->kind == CHAT_STR ? (int)rest.at->len : 0,
                              rest.at->s);
        rest.at++;
        rest.n--;
    }
    if (!chat_items(ctx, &call->self, &items))
        return false;
    for (int64_t i = 0; i < items->n; i++) {
        struct chat_value v = items->at[i], result;
        if (path && !chat_get_path(ctx, &items->at[i], path, &v))
            return false;
        result = v;
        if (test && !chat_run_builtin(ctx, test, &v, &rest, &result))
            return false;
        if (chat_truth(&result) == wanted && !chat_list_push(ctx, list, items->at[i]))
            return false;
    }
    return chat_charge(ctx, items->n) && give_iter(ctx, "generator", list, out);
}

static bool filter_select(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return choose(ctx, call, false, true, out);
}

static bool filter_reject(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return choose(ctx, call, false, false, out);
}

static bool filter_selectattr(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return choose(ctx, call, true, true, out);
}

static bool filter_rejectattr(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return choose(ctx, call, true, false, out);
}

const struct chat_builtin chat_filters_list[] = {
    {"length", filter_length, "", 0},
    {"count", filter_length, "", 0},
    {"first", filter_first, "", 0},
    {"last", filter_last, "", 0},
    {"list", filter_list, "", 0},
    {"reverse", filter_reverse, "", 0},
    {"items", filter_items, "", 0},
    {"sum", filter_sum, "attribute start", 0},
    {"min", filter_min, "case_sensitive attribute", 0},
    {"max", filter_max, "case_sensitive attribute", 0},
    {"sort", filter_sort, "reverse case_sensitive attribute", 0},
    {"dictsort", filter_dictsort, "case_sensitive by reverse", 0},
    {"unique", filter_unique, "case_sensitive attribute", 0},
    {"groupby", filter_groupby, "attribute default case_sensitive", 1},
    {"batch", filter_batch, "linecount fill_with", 1},
    {"slice", filter_slice, "slices fill_with", 1},
    {"map", filter_map, "*", 0},
    {"select", filter_select, "*", 0},
    {"reject", filter_reject, "*", 0},
    {"selectattr", filter_selectattr, "*", 0},
    {"rejectattr", filter_rejectattr, "*", 0},
    {0},
};
