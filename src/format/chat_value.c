/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Values of templates: memory, text, lists, dicts, what JSON becomes. */
#include "format/chat_internal.h"

#include <string.h>

enum { POOL_BLOCK = 8 * 1024, SMALL_DICT = 16 };

void *chat_pool_alloc(struct chat_pool *pool, size_t n, size_t size)
{
    size_t bytes;
    void *p;
    if (!mica_mul_size(n, size, &bytes) || !mica_add_size(bytes, 15, &bytes))
        return NULL;
    bytes &= ~(size_t)15;
    if (pool->limit && (bytes > pool->limit || pool->used > pool->limit - bytes)) {
        pool->used = pool->limit + 1;
        return NULL;
    }
    pool->used += bytes;
    if (bytes > POOL_BLOCK / 4)
        return mica_arena_alloc(&pool->arena, 1, bytes);
    if (bytes > pool->left) {
        if (!(pool->at = mica_arena_alloc(&pool->arena, 1, POOL_BLOCK)))
            return pool->left = 0, NULL;
        pool->left = POOL_BLOCK;
    }
    p = pool->at;
    pool->at += bytes;
    pool->left -= bytes;
    return p;
}

void *chat_alloc(struct chat_ctx *ctx, size_t n, size_t size)
{
    void *p = chat_pool_alloc(&ctx->pool, n, size);
    if (p)
        return p;
    if (ctx->pool.limit && ctx->pool.used > ctx->pool.limit)
        chat_fail(ctx, MICA_ELIMIT, "the template's values take more than %zu MiB", ctx->pool.limit >> 20);
    else
        chat_fail(ctx, MICA_ENOMEM, "out of memory for a template's values");
    return NULL;
}

struct chat_value chat_hint(const char *hint)
{
    return (struct chat_value){
        .kind = CHAT_UNDEFINED, .flag = CHAT_UNDEF_HINT, .len = (uint32_t)strlen(hint), .s = hint};
}

bool chat_str_is(const struct chat_value *v, const char *s)
{
    return v->kind == CHAT_STR && v->len == strlen(s) && !memcmp(v->s, s, v->len);
}

bool chat_str_copy(struct chat_ctx *ctx, const char *s, size_t len, struct chat_value *out)
{
    char *copy;
    if (len > CHAT_MAX_STRING)
        return chat_fail(ctx, MICA_ELIMIT, "a text in the template is too long");
    if (!(copy = chat_alloc(ctx, len + 1, 1)))
        return false;
    if (len)
        memcpy(copy, s, len);
    *out = chat_str(copy, len);
    return true;
}

bool chat_str_take(struct chat_ctx *ctx, struct mica_buf *buf, struct chat_value *out)
{
    bool ok = !ctx->status;
    if (ok && buf->failed)
        ok = chat_fail(ctx, MICA_ENOMEM, "out of memory for a template's text");
    if (ok)
        ok = chat_str_copy(ctx, buf->data, buf->len, out);
    mica_buf_release(buf);
    return ok;
}

bool chat_put(struct chat_ctx *ctx, struct mica_buf *buf, const char *s, size_t len)
{
    if (buf->len + len > ctx->output_limit)
        return chat_fail(ctx, MICA_ELIMIT, "the template writes more than %zu bytes", ctx->output_limit);
    if (!chat_charge(ctx, (int64_t)(len / 64)))
        return false;
    return mica_buf_append(buf, s, len) || chat_fail(ctx, MICA_ENOMEM, "out of memory for a template's text");
}

const char *chat_type_name(const struct chat_value *v)
{
    static const char *const names[] = {
        [CHAT_MISSING] = "Undefined",
        [CHAT_UNDEFINED] = "Undefined",
        [CHAT_NONE] = "NoneType",
        [CHAT_BOOL] = "bool",
        [CHAT_INT] = "int",
        [CHAT_FLOAT] = "float",
        [CHAT_STR] = "str",
        [CHAT_LIST] = "list",
        [CHAT_TUPLE] = "tuple",
        [CHAT_DICT] = "dict",
        [CHAT_ITER] = "generator",
        [CHAT_RANGE] = "range",
        [CHAT_NAMESPACE] = "Namespace",
        [CHAT_FUNC] = "function",
        [CHAT_METHOD] = "method",
        [CHAT_MACRO] = "Macro",
        [CHAT_LOOP] = "LoopContext",
        [CHAT_CYCLER] = "Cycler",
        [CHAT_JOINER] = "Joiner",
    };
    if (v->kind == CHAT_VIEW)
        return v->view ? v->view->name : "dict_items";
    return names[v->kind];
}

/* ---- lists ---- */
struct chat_list *chat_list_new(struct chat_ctx *ctx, int64_t capacity)
{
    struct chat_list *list = chat_alloc(ctx, 1, sizeof *list);
    if (!list)
        return NULL;
    if (capacity && !(list->at = chat_alloc(ctx, (size_t)capacity, sizeof *list->at)))
        return NULL;
    list->capacity = capacity;
    return list;
}

/* Twice the room for an array of the pool; the old one is left to the pool. */
static void *grow(struct chat_ctx *ctx, const void *old, int64_t n, int64_t *capacity, size_t size)
{
    int64_t wanted = *capacity < 4 ? 8 : *capacity * 2;
    void *p = chat_alloc(ctx, (size_t)wanted, size);
    if (!p)
        return NULL;
    if (n)
        memcpy(p, old, (size_t)n * size);
    *capacity = wanted;
    return p;
}

bool chat_list_push(struct chat_ctx *ctx, struct chat_list *list, struct chat_value v)
{
    if (list->n == list->capacity) {
        struct chat_value *at = grow(ctx, list->at, list->n, &list->capacity, sizeof *at);
        if (!at)
            return false;
        list->at = at;
    }
    list->at[list->n++] = v;
    return true;
}

bool chat_tuple2(struct chat_ctx *ctx, struct chat_value a, struct chat_value b, struct chat_value *out)
{
    struct chat_list *list = chat_list_new(ctx, 2);
    if (!list)
        return false;
    list->at[0] = a;
    list->at[1] = b;
    list->n = 2;
    *out = chat_of_list(CHAT_TUPLE, list);
    return true;
}

/* ---- dicts ---- */
struct chat_dict *chat_dict_new(struct chat_ctx *ctx, int64_t capacity)
{
    struct chat_dict *dict = chat_alloc(ctx, 1, sizeof *dict);
    if (!dict)
        return NULL;
    if (capacity && !(dict->at = chat_alloc(ctx, (size_t)capacity, sizeof *dict->at)))
        return NULL;
    dict->capacity = capacity;
    return dict;
}

static void index_add(struct chat_dict *dict, int64_t entry)
{
    int64_t slot = dict->at[entry].hash & (dict->n_index - 1);
    while (dict->index[slot] >= 0)
        slot = (slot + 1) & (dict->n_index - 1);
    dict->index[slot] = (int32_t)entry;
}

static bool index_build(struct chat_ctx *ctx, struct chat_dict *dict)
{
    int64_t n = 64;
    while (n < dict->capacity * 2)
        n *= 2;
    if (!(dict->index = chat_alloc(ctx, (size_t)n, sizeof *dict->index)))
        return false;
    memset(dict->index, 0xff, (size_t)n * sizeof *dict->index);
    dict->n_index = n;
    for (int64_t i = 0; i < dict->n; i++)
        index_add(dict, i);
    return true;
}

static bool find_hashed(struct chat_ctx *ctx, const struct chat_dict *dict, const struct chat_value *key,
                        uint32_t hash, struct chat_value **found)
{
    bool same = false;
    *found = NULL;
    if (!dict->index) {
        for (int64_t i = 0; i < dict->n && !same; i++) {
            if (dict->at[i].hash != hash)
                continue;
            if (!chat_equal(ctx, &dict->at[i].key, key, &same))
                return false;
            if (same)
                *found = &dict->at[i].value;
        }
        return true;
    }
    for (int64_t slot = hash & (dict->n_index - 1); dict->index[slot] >= 0 && !same;
         slot = (slot + 1) & (dict->n_index - 1)) {
        struct chat_entry *entry = &dict->at[dict->index[slot]];
        if (entry->hash != hash)
            continue;
        if (!chat_charge(ctx, 1) || !chat_equal(ctx, &entry->key, key, &same))
            return false;
        if (same)
            *found = &entry->value;
    }
    return true;
}

bool chat_dict_find(struct chat_ctx *ctx, const struct chat_dict *dict, const struct chat_value *key,
                    struct chat_value **found)
{
    uint32_t hash;
    return chat_hash(ctx, key, &hash) && find_hashed(ctx, dict, key, hash, found);
}

static bool dict_add(struct chat_ctx *ctx, struct chat_dict *dict, const struct chat_value *key,
                     uint32_t hash, struct chat_value value)
{
    if (dict->n == dict->capacity) {
        struct chat_entry *at = grow(ctx, dict->at, dict->n, &dict->capacity, sizeof *at);
        if (!at)
            return false;
        dict->at = at;
        dict->index = NULL;
    }
    dict->at[dict->n++] = (struct chat_entry){*key, value, hash};
    if (dict->index)
        index_add(dict, dict->n - 1);
    else if (dict->n > SMALL_DICT && !index_build(ctx, dict))
        return false;
    return true;
}

bool chat_dict_put(struct chat_ctx *ctx, struct chat_dict *dict, const struct chat_value *key,
                   struct chat_value value)
{
    struct chat_value *found;
    uint32_t hash;
    if (!chat_hash(ctx, key, &hash) || !find_hashed(ctx, dict, key, hash, &found))
        return false;
    if (found) {
        *found = value;
        return true;
    }
    return dict_add(ctx, dict, key, hash, value);
}

struct chat_value *chat_dict_get(const struct chat_dict *dict, const char *key, size_t len)
{
    const struct chat_value k = chat_str(key, len);
    struct chat_value *found = NULL;
    uint32_t hash;
    /* Text never fails to be hashed or compared. */
    chat_hash(NULL, &k, &hash);
    for (int64_t i = 0; !dict->index && i < dict->n; i++) {
        const struct chat_value *other = &dict->at[i].key;
        if (dict->at[i].hash == hash && other->kind == CHAT_STR && other->len == len &&
            !memcmp(other->s, key, len))
            return &dict->at[i].value;
    }
    for (int64_t slot = hash & (dict->n_index - 1); dict->index && dict->index[slot] >= 0;
         slot = (slot + 1) & (dict->n_index - 1)) {
        struct chat_entry *entry = &dict->at[dict->index[slot]];
        if (entry->hash == hash && entry->key.kind == CHAT_STR && entry->key.len == len &&
            !memcmp(entry->key.s, key, len))
            return &entry->value;
    }
    return found;
}

/* ---- anything ---- */
int64_t chat_length(const struct chat_value *v)
{
    switch (v->kind) {
    case CHAT_UNDEFINED:
        return 0;
    case CHAT_STR:
        return chat_chars(v->s, v->len);
    case CHAT_LIST:
    case CHAT_TUPLE:
        return v->list->n;
    case CHAT_DICT:
        return v->dict->n;
    case CHAT_RANGE:
        return v->range->n;
    case CHAT_VIEW:
        return v->view->dict->n;
    default:
        return -1;
    }
}

bool chat_truth(const struct chat_value *v)
{
    switch (v->kind) {
    case CHAT_MISSING:
    case CHAT_UNDEFINED:
    case CHAT_NONE:
        return false;
    case CHAT_BOOL:
    case CHAT_INT:
        return v->i != 0;
    case CHAT_FLOAT:
        return v->d != 0;
    case CHAT_STR:
        return v->len > 0;
    default:
        return chat_length(v) != 0;
    }
}

bool chat_can_iterate(const struct chat_value *v)
{
    return v->kind == CHAT_ITER || v->kind == CHAT_LOOP || chat_length(v) >= 0;
}

static bool str_items(struct chat_ctx *ctx, const struct chat_value *v, struct chat_list *list)
{
    const char *s = v->s, *end = s + v->len;
    while (s < end) {
        int len;
        chat_utf8_get(s, &len);
        if (!chat_list_push(ctx, list, chat_str(s, (size_t)len)))
            return false;
        s += len;
    }
    return true;
}

static bool dict_items(struct chat_ctx *ctx, const struct chat_dict *dict, const char *what,
                       struct chat_list *list)
{
    for (int64_t i = 0; i < dict->n; i++) {
        struct chat_value item = dict->at[i].key;
        if (what[5] == 'v') /* dict_values */
            item = dict->at[i].value;
        else if (what[5] == 'i' && !chat_tuple2(ctx, item, dict->at[i].value, &item))
            return false;
        if (!chat_list_push(ctx, list, item))
            return false;
    }
    return true;
}

bool chat_items(struct chat_ctx *ctx, const struct chat_value *v, struct chat_list **out)
{
    int64_t n = chat_length(v);
    struct chat_list *list;
    if (v->kind == CHAT_LIST || v->kind == CHAT_TUPLE) {
        *out = v->list;
        return true;
    }
    if (!chat_can_iterate(v) || v->kind == CHAT_LOOP)
        return chat_raise(ctx, "'%s' object is not iterable", chat_type_name(v));
    if (v->kind == CHAT_ITER)
        n = v->iter->list->n - v->iter->pos;
    if (!chat_charge(ctx, n) || !(list = chat_list_new(ctx, n)))
        return false;
    *out = list;
    switch (v->kind) {
    case CHAT_STR:
        return str_items(ctx, v, list);
    case CHAT_DICT:
        return dict_items(ctx, v->dict, "dict_keys", list);
    case CHAT_VIEW:
        return dict_items(ctx, v->view->dict, v->view->name, list);
    case CHAT_RANGE:
        for (int64_t i = 0; i < n; i++)
            list->at[list->n++] = chat_int(v->range->start + i * v->range->step);
        return true;
    case CHAT_ITER:
        for (; v->iter->pos < v->iter->list->n; v->iter->pos++)
            list->at[list->n++] = v->iter->list->at[v->iter->pos];
        return true;
    default:
        return true; /* undefined: nothing */
    }
}

bool chat_view(struct chat_ctx *ctx, struct chat_dict *dict, const char *name, struct chat_value *out)
{
    struct chat_view *view = chat_alloc(ctx, 1, sizeof *view);
    if (!view)
        return false;
    *view = (struct chat_view){name, dict};
    *out = (struct chat_value){.kind = CHAT_VIEW, .view = view};
    return true;
}

/* ---- JSON ---- */
static bool from_array(struct chat_ctx *ctx, const json_t *json, struct chat_value *out)
{
    size_t n = json_array_size(json);
    struct chat_list *list = chat_list_new(ctx, (int64_t)n);
    if (!list)
        return false;
    *out = chat_of_list(CHAT_LIST, list);
    for (size_t i = 0; i < n; i++) {
        struct chat_value item;
        if (!chat_from_json(ctx, json_array_get(json, i), &item) || !chat_list_push(ctx, list, item))
            return false;
    }
    return true;
}

static bool from_object(struct chat_ctx *ctx, const json_t *json, struct chat_value *out)
{
    struct chat_dict *dict = chat_dict_new(ctx, (int64_t)json_object_size(json));
    const char *key;
    json_t *item;
    size_t len;
    if (!dict)
        return false;
    *out = (struct chat_value){.kind = CHAT_DICT, .dict = dict};
    json_object_keylen_foreach((json_t *)json, key, len, item)
    {
        struct chat_value k = chat_str(key, len), value;
        uint32_t hash;
        if (!chat_from_json(ctx, item, &value) || !chat_hash(ctx, &k, &hash) ||
            !dict_add(ctx, dict, &k, hash, value))
            return false;
    }
    return true;
}

bool chat_from_json(struct chat_ctx *ctx, const json_t *json, struct chat_value *out)
{
    bool ok = true;
    if (!chat_enter(ctx))
        return false;
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        ok = from_object(ctx, json, out);
        break;
    case JSON_ARRAY:
        ok = from_array(ctx, json, out);
        break;
    case JSON_STRING:
        if (json_string_length(json) > CHAT_MAX_STRING)
            ok = chat_fail(ctx, MICA_ELIMIT, "a text given to the template is too long");
        *out = chat_str(json_string_value(json), json_string_length(json));
        break;
    case JSON_INTEGER:
        *out = chat_int(json_integer_value(json));
        break;
    case JSON_REAL:
        *out = chat_float(json_real_value(json));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        *out = chat_bool(json_is_true(json));
        break;
    default:
        *out = chat_none();
    }
    chat_leave(ctx);
    return ok;
}
