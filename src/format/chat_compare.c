/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Equality, order, hashing, membership and sorting, as Python has them. */
#include "format/chat_internal.h"

#include <math.h>
#include <string.h>

static bool equal_lists(struct chat_ctx *ctx, const struct chat_list *a, const struct chat_list *b, bool *out)
{
    *out = a->n == b->n;
    for (int64_t i = 0; *out && i < a->n; i++) {
        if (!chat_equal(ctx, &a->at[i], &b->at[i], out))
            return false;
    }
    return true;
}

static bool equal_dicts(struct chat_ctx *ctx, const struct chat_dict *a, const struct chat_dict *b, bool *out)
{
    *out = a->n == b->n;
    for (int64_t i = 0; *out && i < a->n; i++) {
        struct chat_value *other;
        if (!chat_dict_find(ctx, b, &a->at[i].key, &other))
            return false;
        *out = other != NULL;
        if (other && !chat_equal(ctx, &a->at[i].value, other, out))
            return false;
    }
    return true;
}

static bool equal_ranges(const struct chat_range *a, const struct chat_range *b)
{
    return a->n == b->n && (!a->n || (a->start == b->start && (a->n == 1 || a->step == b->step)));
}

/* An int equals a float when the float is exactly it. */
static bool equal_numbers(const struct chat_value *a, const struct chat_value *b)
{
    const struct chat_value *i = chat_is_int(a) ? a : b, *f = chat_is_int(a) ? b : a;
    if (chat_is_int(a) && chat_is_int(b))
        return a->i == b->i;
    if (!chat_is_int(i))
        return a->d == b->d;
    return f->d >= -0x1p63 && f->d < 0x1p63 && f->d == trunc(f->d) && (int64_t)f->d == i->i;
}

static bool equal_same_kind(struct chat_ctx *ctx, const struct chat_value *a, const struct chat_value *b,
                            bool *out)
{
    switch (a->kind) {
    case CHAT_UNDEFINED:
    case CHAT_NONE:
        *out = true;
        return true;
    case CHAT_LIST:
    case CHAT_TUPLE:
        return equal_lists(ctx, a->list, b->list, out);
    case CHAT_DICT:
        return equal_dicts(ctx, a->dict, b->dict, out);
    case CHAT_RANGE:
        *out = equal_ranges(a->range, b->range);
        return true;
    case CHAT_METHOD:
        *out = a->bound->func == b->bound->func;
        return !*out || chat_equal(ctx, &a->bound->self, &b->bound->self, out);
    default:
        *out = a->s == b->s; /* the same object */
        return true;
    }
}

bool chat_equal(struct chat_ctx *ctx, const struct chat_value *a, const struct chat_value *b, bool *out)
{
    bool ok = true;
    *out = false;
    if (a->kind == CHAT_STR && b->kind == CHAT_STR) {
        *out = a->len == b->len && !memcmp(a->s, b->s, a->len);
        return chat_charge(ctx, a->len / 64);
    }
    if (chat_is_number(a) && chat_is_number(b)) {
        *out = equal_numbers(a, b);
        return true;
    }
    if (a->kind != b->kind)
        return true;
    ok = chat_enter(ctx) && chat_charge(ctx, 1) && equal_same_kind(ctx, a, b, out);
    chat_leave(ctx);
    return ok;
}

/* ---- order ---- */
static int order_str(const struct chat_value *a, const struct chat_value *b)
{
    /* UTF-8 sorts as its characters do. */
    int c = memcmp(a->s, b->s, a->len < b->len ? a->len : b->len);
    return c ? c : (a->len > b->len) - (a->len < b->len);
}

static bool holds(int op, int order)
{
    switch (op) {
    case '<':
        return order < 0;
    case '>':
        return order > 0;
    case CHAT_OP('<', '='):
        return order <= 0;
    default:
        return order >= 0;
    }
}

static bool compare_doubles(int op, double a, double b)
{
    if (isnan(a) || isnan(b))
        return false;
    return holds(op, (a > b) - (a < b));
}

static bool compare_numbers(int op, const struct chat_value *a, const struct chat_value *b)
{
    if (chat_is_int(a) && chat_is_int(b))
        return holds(op, (a->i > b->i) - (a->i < b->i));
    return compare_doubles(op, chat_as_double(a), chat_as_double(b));
}

static bool compare_lists(struct chat_ctx *ctx, int op, const struct chat_list *a, const struct chat_list *b,
                          bool *out)
{
    for (int64_t i = 0; i < a->n && i < b->n; i++) {
        bool same;
        if (!chat_equal(ctx, &a->at[i], &b->at[i], &same))
            return false;
        if (!same)
            return chat_compare(ctx, op, &a->at[i], &b->at[i], out);
    }
    *out = holds(op, (a->n > b->n) - (a->n < b->n));
    return true;
}

bool chat_compare(struct chat_ctx *ctx, int op, const struct chat_value *a, const struct chat_value *b,
                  bool *out)
{
    bool ok;
    if (op == CHAT_OP('=', '=') || op == CHAT_OP('!', '=')) {
        ok = chat_equal(ctx, a, b, out);
        *out ^= op == CHAT_OP('!', '=');
        return ok;
    }
    if (a->kind == CHAT_UNDEFINED || b->kind == CHAT_UNDEFINED)
        return chat_fail_undefined(ctx, a->kind == CHAT_UNDEFINED ? a : b);
    if (a->kind == CHAT_STR && b->kind == CHAT_STR) {
        *out = holds(op, order_str(a, b));
        return chat_charge(ctx, a->len / 64);
    }
    if (chat_is_number(a) && chat_is_number(b)) {
        *out = compare_numbers(op, a, b);
        return true;
    }
    if (a->kind == b->kind && (a->kind == CHAT_LIST || a->kind == CHAT_TUPLE)) {
        ok = chat_enter(ctx) && chat_charge(ctx, 1) && compare_lists(ctx, op, a->list, b->list, out);
        chat_leave(ctx);
        return ok;
    }
    return chat_raise(ctx, "'%c%s' not supported between instances of '%s' and '%s'", op > 255 ? op >> 8 : op,
                      op > 255 ? "=" : "", chat_type_name(a), chat_type_name(b));
}

static bool contains_key(struct chat_ctx *ctx, const struct chat_dict *dict, const struct chat_value *key,
                         bool *out)
{
    struct chat_value *found;
    if (!chat_dict_find(ctx, dict, key, &found))
        return false;
    *out = found != NULL;
    return true;
}

bool chat_contains(struct chat_ctx *ctx, const struct chat_value *container, const struct chat_value *item,
                   bool *out)
{
    struct chat_list *list;
    *out = false;
    if (container->kind == CHAT_STR) {
        if (item->kind != CHAT_STR)
            return chat_raise(ctx, "'in <string>' requires string as left operand, not %s",
                              chat_type_name(item));
        *out = chat_find(container->s, container->len, item->s, item->len, 0) >= 0;
        return chat_charge(ctx, container->len / 64);
    }
    if (container->kind == CHAT_DICT)
        return contains_key(ctx, container->dict, item, out);
    if (container->kind == CHAT_VIEW && !strcmp(container->view->name, "dict_keys"))
        return contains_key(ctx, container->view->dict, item, out);
    if (!chat_can_iterate(container))
        return chat_raise(ctx, "argument of type '%s' is not iterable", chat_type_name(container));
    if (!chat_items(ctx, container, &list))
        return false;
    for (int64_t i = 0; i < list->n && !*out; i++) {
        if (!chat_charge(ctx, 1) || !chat_equal(ctx, &list->at[i], item, out))
            return false;
    }
    return true;
}

/* ---- hashing ---- */
static uint32_t hash_bytes(const char *s, size_t len)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ (uint8_t)s[i]) * 16777619u;
    return h;
}

static uint32_t hash_number(const struct chat_value *v)
{
    /* Equal numbers hash alike, whatever their type. */
    double d = chat_as_double(v) + 0.0;
    return hash_bytes((const char *)&d, sizeof d);
}

static bool hash_tuple(struct chat_ctx *ctx, const struct chat_list *list, uint32_t *out)
{
    uint32_t h = 7, item = 0;
    for (int64_t i = 0; i < list->n; i++) {
        if (!chat_hash(ctx, &list->at[i], &item))
            return false;
        h = h * 1000003u ^ item;
    }
    *out = h;
    return true;
}

bool chat_hash(struct chat_ctx *ctx, const struct chat_value *v, uint32_t *out)
{
    bool ok;
    switch (v->kind) {
    case CHAT_STR:
        *out = hash_bytes(v->s, v->len);
        return !ctx || chat_charge(ctx, v->len / 64);
    case CHAT_BOOL:
    case CHAT_INT:
    case CHAT_FLOAT:
        *out = hash_number(v);
        return true;
    case CHAT_NONE:
    case CHAT_UNDEFINED:
        *out = v->kind;
        return true;
    case CHAT_TUPLE:
        ok = chat_enter(ctx) && chat_charge(ctx, 1) && hash_tuple(ctx, v->list, out);
        chat_leave(ctx);
        return ok;
    case CHAT_VIEW:
        if (!strcmp(v->view->name, "dict_values"))
            break;
        return chat_raise(ctx, "unhashable type: '%s'", chat_type_name(v));
    case CHAT_LIST:
    case CHAT_DICT:
        return chat_raise(ctx, "unhashable type: '%s'", chat_type_name(v));
    default:
        break;
    }
    *out = hash_bytes((const char *)&v->s, sizeof v->s);
    return true;
}

static bool can_hash(const struct chat_value *v, int depth)
{
    bool yes = v->kind != CHAT_LIST && v->kind != CHAT_DICT && depth < CHAT_MAX_NESTING &&
               (v->kind != CHAT_VIEW || !strcmp(v->view->name, "dict_values"));
    for (int64_t i = 0; v->kind == CHAT_TUPLE && yes && i < v->list->n; i++)
        yes = can_hash(&v->list->at[i], depth + 1);
    return yes;
}

bool chat_can_hash(const struct chat_value *v)
{
    return can_hash(v, 0);
}

/* ---- sorting ---- */
struct pair {
    struct chat_value key, value;
};

/* Whether b must come before a. */
static bool before(struct chat_ctx *ctx, const struct pair *a, const struct pair *b, bool reverse, bool *out)
{
    return chat_charge(ctx, 1) && (reverse ? chat_compare(ctx, '<', &a->key, &b->key, out)
                                           : chat_compare(ctx, '<', &b->key, &a->key, out));
}

static bool merge(struct chat_ctx *ctx, const struct pair *from, struct pair *to, int64_t begin,
                  int64_t middle, int64_t end, bool reverse)
{
    int64_t left = begin, right = middle;
    for (int64_t i = begin; i < end; i++) {
        bool take_right = left == middle;
        if (left < middle && right < end && !before(ctx, &from[left], &from[right], reverse, &take_right))
            return false;
        to[i] = take_right ? from[right++] : from[left++];
    }
    return true;
}

bool chat_sort(struct chat_ctx *ctx, struct chat_value *keys, struct chat_value *values, int64_t n,
               bool reverse)
{
    struct pair *from = chat_alloc(ctx, (size_t)n, sizeof *from),
                *to = chat_alloc(ctx, (size_t)n, sizeof *to);
    if (!from || !to)
        return false;
    for (int64_t i = 0; i < n; i++)
        from[i] = (struct pair){keys[i], values[i]};
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t begin = 0; begin < n; begin += 2 * width) {
            int64_t middle = begin + width < n ? begin + width : n;
            int64_t end = middle + width < n ? middle + width : n;
            if (!merge(ctx, from, to, begin, middle, end, reverse))
                return false;
        }
        struct pair *swap = from;
        from = to;
        to = swap;
    }
    for (int64_t i = 0; i < n; i++) {
        keys[i] = from[i].key;
        values[i] = from[i].value;
    }
    return true;
}
