/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* A file's head is read once, front to back, through a cursor that cannot leave the file; every count is held
 * against the bytes that are left before anything is allocated for it. */
#include "format/gguf_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_KEYS = 1 << 16,
    MAX_TENSORS = 1 << 20,
    MAX_KEY_LEN = 65535, /* the format's own limit */
    MAX_NAME_LEN = 256,
    MAX_NESTING = 4,
    MAX_DIMS = 4,
    DEFAULT_ALIGNMENT = 32,
    MIN_ALIGNMENT = 8, /* the format's own; keeps every scalar type aligned */
    MAX_ALIGNMENT = 1 << 20,
    MIN_KV_BYTES = 8 + 1 + 4 + 1,
    MIN_TENSOR_BYTES = 8 + 1 + 4 + 8 + 4 + 8,
};

struct cursor {
    const char *file;
    const uint8_t *data;
    size_t pos, size;
    struct mica_err *err;
};

/* What one part says about itself. */
struct head {
    uint64_t n_tensors, n_pairs;
    uint64_t alignment;
    int64_t split_no, split_count, split_tensors; /* -1: not said */
};

static enum mica_status take(struct cursor *c, size_t n, const char *what, const uint8_t **out)
{
    if (n > c->size - c->pos)
        return mica_fail(c->err, MICA_EFORMAT, "%s: %s at byte %zu ends past the file (%zu bytes)", c->file,
                         what, c->pos, c->size);
    *out = c->data + c->pos;
    c->pos += n;
    return MICA_OK;
}

static enum mica_status take_u32(struct cursor *c, const char *what, uint32_t *out)
{
    const uint8_t *p = NULL;
    enum mica_status status = take(c, 4, what, &p);
    if (status == MICA_OK)
        *out = gguf_u32(p);
    return status;
}

static enum mica_status take_u64(struct cursor *c, const char *what, uint64_t *out)
{
    const uint8_t *p = NULL;
    enum mica_status status = take(c, 8, what, &p);
    if (status == MICA_OK)
        *out = gguf_u64(p);
    return status;
}

static enum mica_status take_str(struct cursor *c, const char *what, struct mica_str *out)
{
    uint64_t len = 0;
    const uint8_t *p = NULL;
    enum mica_status status = take_u64(c, what, &len);
    if (status != MICA_OK)
        return status;
    if (len > c->size - c->pos)
        return mica_fail(c->err, MICA_EFORMAT,
                         "%s: %s at byte %zu says it has %" PRIu64
                         " bytes, but only %zu are left in the file",
                         c->file, what, c->pos - 8, len, c->size - c->pos);
    status = take(c, (size_t)len, what, &p);
    if (status == MICA_OK)
        *out = (struct mica_str){(const char *)p, (size_t)len};
    return status;
}

/* A key or a tensor's name: text that can be a C string and be printed. */
static enum mica_status take_name(struct cursor *c, struct mica_gguf *g, const char *what, size_t max,
                                  const char **out, size_t *len_out)
{
    size_t at = c->pos;
    struct mica_str s = {0};
    enum mica_status status = take_str(c, what, &s);
    if (status != MICA_OK)
        return status;
    if (s.len == 0 || s.len > max)
        return mica_fail(c->err, MICA_EFORMAT, "%s: %s at byte %zu has %zu bytes; 1 to %zu are allowed",
                         c->file, what, at, s.len, max);
    for (size_t i = 0; i < s.len; i++)
        if ((uint8_t)s.data[i] < 0x20 || s.data[i] == 0x7f)
            return mica_fail(c->err, MICA_EFORMAT, "%s: %s at byte %zu contains a control character", c->file,
                             what, at);
    char *copy = mica_arena_strndup(&g->arena, s.data, s.len);
    if (!copy)
        return mica_fail(c->err, MICA_ENOMEM, "%s: out of memory", c->file);
    *out = copy;
    *len_out = s.len;
    return MICA_OK;
}

static enum mica_status check_bools(struct cursor *c, const char *key, const uint8_t *p, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        if (p[i] > 1)
            return mica_fail(c->err, MICA_EFORMAT, "%s: key %s holds a bool of value %u; 0 and 1 are allowed",
                             c->file, key, p[i]);
    return MICA_OK;
}

/* One pass over n strings that the cursor stands before: checks and indexes them. */
static enum mica_status index_strings(struct cursor *c, const char *key, uint64_t n, struct mica_str **out)
{
    struct mica_str *strs = mica_alloc((size_t)n, sizeof *strs);
    if (!strs)
        return mica_fail(c->err, MICA_ENOMEM, "%s: out of memory for the %" PRIu64 " strings of %s", c->file,
                         n, key);
    for (uint64_t i = 0; i < n; i++) {
        enum mica_status status = take_str(c, key, &strs[i]);
        if (status != MICA_OK) {
            mica_free(strs);
            return status;
        }
    }
    *out = strs;
    return MICA_OK;
}

/* v may be NULL: then the array is only checked and skipped over, as an inner array is. */
static enum mica_status take_array(struct cursor *c, const char *key, int depth, struct gguf_value *v)
{
    uint32_t type = 0;
    uint64_t n = 0;
    size_t at = c->pos;
    const uint8_t *p = NULL;
    enum mica_status status = take_u32(c, key, &type);
    if (status == MICA_OK)
        status = take_u64(c, key, &n);
    if (status != MICA_OK)
        return status;
    if (type >= GGUF_T_COUNT)
        return mica_fail(c->err, MICA_EFORMAT, "%s: key %s is an array of the unknown type %" PRIu32, c->file,
                         key, type);
    if (depth >= MAX_NESTING)
        return mica_fail(c->err, MICA_ELIMIT, "%s: key %s nests arrays deeper than %d", c->file, key,
                         MAX_NESTING);
    if (n > (c->size - c->pos) / gguf_min_bytes[type])
        return mica_fail(c->err, MICA_EFORMAT,
                         "%s: key %s at byte %zu says it has %" PRIu64
                         " elements, more than the file can hold",
                         c->file, key, at, n);
    if (v)
        *v = (struct gguf_value){GGUF_T_ARRAY, type, c->data + c->pos, n, NULL};
    if (type == GGUF_T_STRING && v)
        return index_strings(c, key, n, &v->strs);
    if (type == GGUF_T_STRING || type == GGUF_T_ARRAY) {
        struct mica_str skipped;
        for (uint64_t i = 0; i < n && status == MICA_OK; i++)
            status = type == GGUF_T_STRING ? take_str(c, key, &skipped) : take_array(c, key, depth + 1, NULL);
        return status;
    }
    status = take(c, (size_t)n * gguf_min_bytes[type], key, &p);
    if (status == MICA_OK && type == GGUF_T_BOOL)
        status = check_bools(c, key, p, n);
    return status;
}

static enum mica_status take_value(struct cursor *c, const char *key, struct gguf_value *v)
{
    enum mica_status status = take_u32(c, key, &v->type);
    if (status != MICA_OK)
        return status;
    if (v->type >= GGUF_T_COUNT)
        return mica_fail(c->err, MICA_EFORMAT, "%s: key %s has the unknown type %" PRIu32, c->file, key,
                         v->type);
    if (v->type == GGUF_T_ARRAY)
        return take_array(c, key, 0, v);
    if (v->type == GGUF_T_STRING) {
        struct mica_str s = {0};
        status = take_str(c, key, &s);
        if (status == MICA_OK) {
            v->data = (const uint8_t *)s.data;
            v->n = s.len;
        }
        return status;
    }
    status = take(c, gguf_min_bytes[v->type], key, &v->data);
    if (status == MICA_OK && v->type == GGUF_T_BOOL)
        status = check_bools(c, key, v->data, 1);
    return status;
}

static enum mica_status take_magic(struct cursor *c)
{
    const uint8_t *p = NULL;
    if (c->size < 4 || memcmp(c->data, "GGUF", 4) != 0) {
        static const char *const old[] = {"lmgg", "tjgg", "fmgg", "algg"}; /* ggml, ggjt, ggmf, ggla */
        for (size_t i = 0; c->size >= 4 && i < MICA_COUNT(old); i++)
            if (memcmp(c->data, old[i], 4) == 0)
                return mica_fail(c->err, MICA_EUNSUPPORTED,
                                 "%s: a GGML file from before GGUF; convert the model to GGUF again",
                                 c->file);
        return mica_fail(c->err, MICA_EFORMAT, "%s: not a GGUF file (it does not start with GGUF)", c->file);
    }
    enum mica_status status = take(c, 8, "the version", &p);
    if (status != MICA_OK)
        return status;
    uint32_t version = gguf_u32(p + 4);
    if (version == 2 || version == 3)
        return MICA_OK;
    if (version > 0xffff && (version & 0xffff) == 0)
        return mica_fail(c->err, MICA_EUNSUPPORTED,
                         "%s: a big-endian GGUF file; make a little-endian one (gguf_convert_endian.py does)",
                         c->file);
    if (version == 1)
        return mica_fail(c->err, MICA_EUNSUPPORTED,
                         "%s: GGUF version 1; convert the model again to get version 3", c->file);
    return mica_fail(c->err, MICA_EUNSUPPORTED,
                     "%s: GGUF version %" PRIu32 "; versions 2 and 3 are supported", c->file, version);
}

static enum mica_status take_counts(struct cursor *c, struct head *head)
{
    enum mica_status status = take_u64(c, "the number of tensors", &head->n_tensors);
    if (status == MICA_OK)
        status = take_u64(c, "the number of keys", &head->n_pairs);
    if (status != MICA_OK)
        return status;
    size_t left = c->size - c->pos;
    if (head->n_tensors > left / MIN_TENSOR_BYTES || head->n_pairs > left / MIN_KV_BYTES)
        return mica_fail(c->err, MICA_EFORMAT,
                         "%s: the header says %" PRIu64 " tensors and %" PRIu64
                         " keys, more than the file can hold",
                         c->file, head->n_tensors, head->n_pairs);
    if (head->n_tensors > MAX_TENSORS || head->n_pairs > MAX_KEYS)
        return mica_fail(c->err, MICA_ELIMIT,
                         "%s: %" PRIu64 " tensors and %" PRIu64 " keys; at most %d and %d are allowed",
                         c->file, head->n_tensors, head->n_pairs, MAX_TENSORS, MAX_KEYS);
    return MICA_OK;
}

/* Takes note of the keys that rule how this part is read. */
static enum mica_status note_key(struct cursor *c, const char *key, const struct gguf_value *v,
                                 struct head *head)
{
    struct {
        const char *key;
        int64_t *out, max;
    } const known[] = {
        {"split.no", &head->split_no, UINT16_MAX},
        {"split.count", &head->split_count, UINT16_MAX},
        {"split.tensors.count", &head->split_tensors, INT32_MAX},
    };
    int64_t n = -1;
    bool is_int =
        v->type != GGUF_T_ARRAY && v->type != GGUF_T_STRING && gguf_scalar_int(v->type, v->data, &n);
    if (strcmp(key, "general.alignment") == 0) {
        if (!is_int || n < MIN_ALIGNMENT || n > MAX_ALIGNMENT || (n & (n - 1)) != 0)
            return mica_fail(c->err, MICA_EFORMAT,
                             "%s: general.alignment must be a power of two from %d to %d", c->file,
                             MIN_ALIGNMENT, MAX_ALIGNMENT);
        head->alignment = (uint64_t)n;
    }
    for (size_t i = 0; i < MICA_COUNT(known); i++) {
        if (strcmp(key, known[i].key) != 0)
            continue;
        if (!is_int || n < 0 || n > known[i].max)
            return mica_fail(c->err, MICA_EFORMAT, "%s: %s must be an integer from 0 to %" PRId64, c->file,
                             key, known[i].max);
        *known[i].out = n;
    }
    return MICA_OK;
}

static void free_pairs(struct gguf_pair *pairs, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        mica_free(pairs[i].value.strs);
    mica_free(pairs);
}

/* The metadata of one part. That of the first becomes the reader's; later parts only repeat it or say where
 * they stand, so theirs is checked and dropped. */
static enum mica_status take_pairs(struct cursor *c, struct mica_gguf *g, int part, struct head *head)
{
    enum mica_status status = MICA_OK;
    struct mica_strmap index = {0};
    int64_t n = 0;
    struct gguf_pair *pairs = mica_alloc((size_t)head->n_pairs, sizeof *pairs);
    if (!pairs || !mica_strmap_reserve(&index, (size_t)head->n_pairs)) {
        status = mica_fail(c->err, MICA_ENOMEM, "%s: out of memory", c->file);
        goto out;
    }
    while (n < (int64_t)head->n_pairs) {
        struct gguf_pair *pair = &pairs[n];
        size_t len = 0;
        status = take_name(c, g, "a key", MAX_KEY_LEN, &pair->key, &len);
        if (status != MICA_OK)
            goto out;
        if (mica_strmap_get(&index, pair->key, len, -1) >= 0) {
            status = mica_fail(c->err, MICA_EFORMAT, "%s: key %s appears twice", c->file, pair->key);
            goto out;
        }
        if (!mica_strmap_put(&index, pair->key, len, (int32_t)n)) {
            status = mica_fail(c->err, MICA_ENOMEM, "%s: out of memory", c->file);
            goto out;
        }
        n++;
        status = take_value(c, pair->key, &pair->value);
        if (status == MICA_OK)
            status = note_key(c, pair->key, &pair->value, head);
        if (status != MICA_OK)
            goto out;
    }
    if (part == 0) {
        g->pairs = pairs;
        g->n_pairs = n;
        g->pair_index = index;
        return MICA_OK;
    }
out:
    if (pairs)
        free_pairs(pairs, n);
    mica_strmap_release(&index);
    return status;
}

static enum mica_status take_shape(struct cursor *c, struct mica_file_tensor *t, int64_t *n_out)
{
    uint32_t n_dims = 0;
    int64_t n = 1;
    enum mica_status status = take_u32(c, t->name, &n_dims);
    if (status != MICA_OK)
        return status;
    if (n_dims < 1 || n_dims > MAX_DIMS)
        return mica_fail(c->err, MICA_EFORMAT,
                         "%s: tensor %s has %" PRIu32 " dimensions; 1 to %d are allowed", c->file, t->name,
                         n_dims, MAX_DIMS);
    t->n_dims = (int)n_dims;
    for (uint32_t i = 0; i < n_dims; i++) {
        uint64_t dim = 0;
        status = take_u64(c, t->name, &dim);
        if (status != MICA_OK)
            return status;
        if (dim < 1 || dim > INT64_MAX || __builtin_mul_overflow(n, (int64_t)dim, &n))
            return mica_fail(c->err, MICA_EFORMAT,
                             "%s: tensor %s: dimension %" PRIu32 " is %" PRIu64 ", which makes no valid size",
                             c->file, t->name, i, dim);
        t->shape[n_dims - 1 - i] = (int64_t)dim; /* the file has the innermost first */
    }
    *n_out = n;
    return MICA_OK;
}

static enum mica_status find_type(struct cursor *c, const char *tensor, uint32_t number, enum mica_wtype *out)
{
    for (int i = 0; i < MICA_W_COUNT; i++) {
        if (mica_wtypes[i].gguf_id >= 0 && (uint32_t)mica_wtypes[i].gguf_id == number) {
            *out = (enum mica_wtype)i;
            return MICA_OK;
        }
    }
    return mica_fail(c->err, MICA_EUNSUPPORTED,
                     "%s: tensor %s has the type number %" PRIu32
                     ", which is not supported; use another quantisation",
                     c->file, tensor, number);
}

/* One row of the tensor table; t->offset is still relative to the data. */
static enum mica_status take_tensor(struct cursor *c, struct mica_gguf *g, uint64_t alignment,
                                    struct mica_file_tensor *t, size_t *name_len)
{
    int64_t n = 0;
    uint32_t type = 0;
    uint64_t offset = 0;
    enum mica_status status = take_name(c, g, "a tensor's name", MAX_NAME_LEN, &t->name, name_len);
    if (status == MICA_OK)
        status = take_shape(c, t, &n);
    if (status == MICA_OK)
        status = take_u32(c, t->name, &type);
    if (status == MICA_OK)
        status = take_u64(c, t->name, &offset);
    if (status == MICA_OK)
        status = find_type(c, t->name, type, &t->type);
    if (status != MICA_OK)
        return status;
    const struct mica_wtype_info *info = &mica_wtypes[t->type];
    if (t->shape[t->n_dims - 1] % info->block_elements)
        return mica_fail(c->err, MICA_EFORMAT,
                         "%s: tensor %s: rows of %" PRId64 " elements are no whole number of %s blocks of %d",
                         c->file, t->name, t->shape[t->n_dims - 1], info->name, info->block_elements);
    if (!mica_wtype_size(t->type, n, &t->size))
        return mica_fail(c->err, MICA_EFORMAT, "%s: tensor %s is too big", c->file, t->name);
    if (offset % alignment)
        return mica_fail(c->err, MICA_EFORMAT,
                         "%s: tensor %s at offset %" PRIu64 " is not aligned to %" PRIu64 " bytes", c->file,
                         t->name, offset, alignment);
    if (offset > SIZE_MAX)
        return mica_fail(c->err, MICA_EFORMAT, "%s: tensor %s lies past the file", c->file, t->name);
    t->offset = (size_t)offset;
    return MICA_OK;
}

static int by_offset(const void *a, const void *b)
{
    const struct mica_file_tensor *x = *(const struct mica_file_tensor *const *)a;
    const struct mica_file_tensor *y = *(const struct mica_file_tensor *const *)b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static enum mica_status check_overlap(struct cursor *c, const struct mica_file_tensor *tensors, int64_t n)
{
    const struct mica_file_tensor **order = mica_alloc((size_t)n, sizeof *order);
    if (!order)
        return mica_fail(c->err, MICA_ENOMEM, "%s: out of memory", c->file);
    enum mica_status status = MICA_OK;
    for (int64_t i = 0; i < n; i++)
        order[i] = &tensors[i];
    qsort(order, (size_t)n, sizeof *order, by_offset);
    for (int64_t i = 1; i < n && status == MICA_OK; i++)
        if (order[i]->offset - order[i - 1]->offset < order[i - 1]->size)
            status = mica_fail(c->err, MICA_EFORMAT, "%s: tensors %s and %s overlap", c->file,
                               order[i - 1]->name, order[i]->name);
    mica_free(order);
    return status;
}

/* Places the tensors behind the head; the cursor stands at its end. */
static enum mica_status place_tensors(struct cursor *c, const struct head *head, struct mica_mapping *map,
                                      struct mica_file_tensor *tensors, int64_t n)
{
    size_t start;
    if (n == 0)
        return MICA_OK;
    if (!mica_add_size(c->pos, (size_t)head->alignment - 1, &start) ||
        (start &= ~((size_t)head->alignment - 1)) > c->size)
        return mica_fail(c->err, MICA_EFORMAT, "%s: the file ends before the tensors' data", c->file);
    size_t room = c->size - start;
    for (int64_t i = 0; i < n; i++) {
        struct mica_file_tensor *t = &tensors[i];
        if (t->offset > room || t->size > room - t->offset)
            return mica_fail(
                c->err, MICA_EFORMAT,
                "%s: tensor %s (%zu bytes at offset %zu) ends past the file; it was cut short or is "
                "damaged: fetch it again",
                c->file, t->name, t->size, t->offset);
        t->offset += start;
        t->data = c->data + t->offset;
        t->map = map;
    }
    return check_overlap(c, tensors, n);
}

static enum mica_status take_tensors(struct cursor *c, struct mica_gguf *g, const struct head *head,
                                     struct mica_mapping *map)
{
    int64_t first = g->n_tensors, n = (int64_t)head->n_tensors;
    struct mica_file_tensor *bigger = mica_realloc(g->tensors, (size_t)(first + n), sizeof *bigger);
    if (!bigger)
        return mica_fail(c->err, MICA_ENOMEM, "%s: out of memory for %" PRId64 " tensors", c->file, n);
    g->tensors = bigger;
    for (int64_t i = first; i < first + n; i++) {
        struct mica_file_tensor *t = &g->tensors[i];
        size_t len = 0;
        *t = (struct mica_file_tensor){0};
        enum mica_status status = take_tensor(c, g, head->alignment, t, &len);
        if (status != MICA_OK)
            return status;
        if (mica_strmap_get(&g->tensor_index, t->name, len, -1) >= 0)
            return mica_fail(c->err, MICA_EFORMAT, "%s: tensor %s appears twice", c->file, t->name);
        if (!mica_strmap_put(&g->tensor_index, t->name, len, (int32_t)i))
            return mica_fail(c->err, MICA_ENOMEM, "%s: out of memory", c->file);
    }
    g->n_tensors = first + n;
    return place_tensors(c, head, map, g->tensors + first, n);
}

static enum mica_status check_split(struct cursor *c, const struct mica_gguf *g, int part,
                                    const struct head *head)
{
    if (g->n_maps == 1 && head->split_count <= 1)
        return MICA_OK;
    if (head->split_count < 0)
        return mica_fail(
            c->err, MICA_EFORMAT,
            "%s: given with %d other files, but it is no part of a split model (no key split.count)", c->file,
            g->n_maps - 1);
    if (head->split_count != g->n_maps)
        return mica_fail(c->err, MICA_EFORMAT,
                         "%s: a model split into %" PRId64 " parts, of which %d are here", c->file,
                         head->split_count, g->n_maps);
    if (head->split_no != part)
        return mica_fail(c->err, MICA_EFORMAT,
                         "%s: says it is part %" PRId64
                         " of the split model, but stands in the place of part %d",
                         c->file, head->split_no + 1, part + 1);
    return MICA_OK;
}

static enum mica_status read_part(struct mica_gguf *g, int part, int64_t *split_tensors, struct mica_err *err)
{
    struct mica_mapping *map = g->maps[part];
    struct cursor c = {mica_mapping_name(map), mica_mapping_data(map), 0, mica_mapping_size(map), err};
    struct head head = {
        .alignment = DEFAULT_ALIGNMENT, .split_no = -1, .split_count = -1, .split_tensors = -1};
    enum mica_status status = take_magic(&c);
    if (status == MICA_OK)
        status = take_counts(&c, &head);
    if (status == MICA_OK)
        status = take_pairs(&c, g, part, &head);
    if (status == MICA_OK)
        status = check_split(&c, g, part, &head);
    if (status == MICA_OK)
        status = take_tensors(&c, g, &head, map);
    if (status == MICA_OK && part == 0)
        *split_tensors = head.split_tensors;
    return status;
}

enum mica_status mica_gguf_open(const struct mica_files *files, struct mica_gguf **out, struct mica_err *err)
{
    int n = mica_files_count(files);
    int64_t split_tensors = -1;
    if (n < 1)
        return mica_fail(err, MICA_EARG, "no GGUF file was given");
    struct mica_gguf *g = mica_alloc(1, sizeof *g);
    if (!g || !(g->maps = mica_alloc((size_t)n, sizeof(struct mica_mapping *)))) {
        mica_free(g);
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    }
    for (; g->n_maps < n; g->n_maps++)
        g->maps[g->n_maps] = mica_mapping_ref(mica_files_at(files, g->n_maps));
    enum mica_status status = MICA_OK;
    for (int part = 0; part < n && status == MICA_OK; part++)
        status = read_part(g, part, &split_tensors, err);
    if (status == MICA_OK && n > 1 && split_tensors != g->n_tensors)
        status = mica_fail(err, MICA_EFORMAT,
                           "%s: the parts hold %" PRId64 " tensors, split.tensors.count says %" PRId64,
                           mica_mapping_name(g->maps[0]), g->n_tensors, split_tensors);
    if (status != MICA_OK) {
        mica_gguf_free(g);
        return status;
    }
    *out = g;
    return MICA_OK;
}

void mica_gguf_free(struct mica_gguf *g)
{
    if (!g)
        return;
    free_pairs(g->pairs, g->n_pairs);
    mica_strmap_release(&g->pair_index);
    mica_strmap_release(&g->tensor_index);
    mica_free(g->tensors);
    for (int i = 0; i < g->n_maps; i++)
        mica_mapping_free(g->maps[i]);
    mica_free(g->maps);
    mica_arena_release(&g->arena);
    mica_free(g);
}
