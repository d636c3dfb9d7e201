/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* A safetensors file is a length (u64), so many bytes of JSON, and the tensors' bytes without holes. */
#include "format/safetensors.h"
#include "base/mem.h"
#include "base/strmap.h"

#include <endian.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_HEADER = 100 * 1024 * 1024, /* the format's own limit */
    MAX_NAME_LEN = 512,
    MAX_TENSORS = 1 << 20,
};

/* Every dtype of the format and its bits. Those that mica_wtypes lacks are checked and then left alone: what
 * real models store so (position ids, masks) no architecture reads. */
static const struct {
    const char *name;
    int bits;
} dtypes[] = {
    {"F64", 64},    {"F32", 32},    {"F16", 16},    {"BF16", 16},   {"I64", 64}, {"I32", 32}, {"I16", 16},
    {"I8", 8},      {"U64", 64},    {"U32", 32},    {"U16", 16},    {"U8", 8},   {"BOOL", 8}, {"F8_E4M3", 8},
    {"F8_E5M2", 8}, {"F8_E8M0", 8}, {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"F4", 4},   {"C64", 64},
};

struct mica_safetensors {
    struct mica_arena arena; /* names */
    struct mica_mapping **maps;
    int n_maps;
    struct mica_file_tensor *tensors;
    int64_t n_tensors, capacity;
    struct entry { /* every tensor of every file, those left alone too */
        const struct mica_mapping *map;
        int64_t tensor; /* -1: left alone */
    } * entries;
    int64_t n_entries, entry_capacity;
    struct mica_strmap index; /* name → entry */
};

/* The file being read. */
struct source {
    const char *file;
    struct mica_mapping *map;
    const uint8_t *data; /* of the tensors */
    size_t size;
    struct span *spans;
    int64_t n_spans;
    struct mica_err *err;
};

struct span {
    size_t begin, end;
    const char *name;
};

static enum mica_status no_memory(const char *file, struct mica_err *err)
{
    return mica_fail(err, MICA_ENOMEM, "%s: out of memory", file);
}

static enum mica_status parse_json(const char *file, const char *text, size_t len, json_t **out,
                                   struct mica_err *err)
{
    json_error_t why;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    /* jansson takes some failed allocations for syntax errors; those have no text or do not come again. */
    if (!root)
        root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    if (!root && (json_error_code(&why) == json_error_out_of_memory || !why.text[0]))
        return no_memory(file, err);
    if (!root)
        return mica_fail(err, MICA_EFORMAT, "%s: the JSON header is malformed at byte %d: %s", file,
                         why.position, why.text);
    if (!json_is_object(root)) {
        json_decref(root);
        return mica_fail(err, MICA_EFORMAT, "%s: the JSON header is no object", file);
    }
    *out = root;
    return MICA_OK;
}

static enum mica_status check_metadata(const struct source *src, const json_t *metadata)
{
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return mica_fail(src->err, MICA_EFORMAT, "%s: __metadata__ is no object", src->file);
    json_object_foreach((json_t *)metadata, key, value)
    {
        if (!json_is_string(value))
            return mica_fail(src->err, MICA_EFORMAT, "%s: __metadata__: the value of %.64s is no string",
                             src->file, key);
    }
    return MICA_OK;
}

static enum mica_status check_name(const struct source *src, const char *name)
{
    size_t len = strlen(name);
    if (len < 1 || len > MAX_NAME_LEN)
        return mica_fail(src->err, MICA_EFORMAT, "%s: a tensor's name has %zu bytes; 1 to %d are allowed",
                         src->file, len, MAX_NAME_LEN);
    for (size_t i = 0; i < len; i++)
        if ((uint8_t)name[i] < 0x20 || name[i] == 0x7f)
            return mica_fail(src->err, MICA_EFORMAT, "%s: a tensor's name contains a control character",
                             src->file);
    return MICA_OK;
}

static enum mica_status read_shape(const struct source *src, const char *name, const json_t *shape,
                                   struct mica_file_tensor *t, uint64_t *n_out)
{
    uint64_t n = 1;
    if (!json_is_array(shape) || json_array_size(shape) > MICA_MAX_FILE_DIMS)
        return mica_fail(src->err, MICA_EFORMAT, "%s: tensor %s: shape must be a list of at most %d numbers",
                         src->file, name, MICA_MAX_FILE_DIMS);
    t->n_dims = (int)json_array_size(shape);
    for (int i = 0; i < t->n_dims; i++) {
        const json_t *dim = json_array_get(shape, (size_t)i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0 ||
            __builtin_mul_overflow(n, (uint64_t)json_integer_value(dim), &n))
            return mica_fail(src->err, MICA_EFORMAT, "%s: tensor %s: dimension %d makes no valid size",
                             src->file, name, i);
        t->shape[i] = json_integer_value(dim);
    }
    *n_out = n;
    return MICA_OK;
}

static enum mica_status read_span(const struct source *src, const char *name, const json_t *offsets,
                                  struct span *out)
{
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (!json_is_array(offsets) || json_array_size(offsets) != 2 || !json_is_integer(begin) ||
        !json_is_integer(end))
        return mica_fail(src->err, MICA_EFORMAT, "%s: tensor %s: data_offsets must be two integers",
                         src->file, name);
    int64_t from = json_integer_value(begin), to = json_integer_value(end);
    if (from < 0 || to < from)
        return mica_fail(src->err, MICA_EFORMAT,
                         "%s: tensor %s: data_offsets [%" PRId64 ", %" PRId64 "] are no range", src->file,
                         name, from, to);
    if ((uint64_t)to > src->size)
        return mica_fail(src->err, MICA_EFORMAT,
                         "%s: tensor %s ends at %" PRId64
                         ", past the %zu bytes of data; the file was cut short or is "
                         "damaged: fetch it again",
                         src->file, name, to, src->size);
    *out = (struct span){(size_t)from, (size_t)to, name};
    return MICA_OK;
}

/* The bits of dtype, or 0; *out is the weight type when there is one for it. */
static int find_dtype(const char *dtype, int *out)
{
    *out = -1;
    for (int i = 0; i < MICA_W_COUNT; i++)
        if (strcmp(mica_wtypes[i].safetensors_name, dtype) == 0)
            *out = i;
    for (size_t i = 0; i < MICA_COUNT(dtypes); i++)
        if (strcmp(dtypes[i].name, dtype) == 0)
            return dtypes[i].bits;
    return 0;
}

/* Reads one entry of the header: its span, its description and its weight type (-1: none of ours). */
static enum mica_status read_entry(const struct source *src, const char *name, const json_t *entry,
                                   struct span *span, struct mica_file_tensor *t, int *wtype)
{
    const json_t *dtype = json_object_get(entry, "dtype"), *shape = json_object_get(entry, "shape");
    const json_t *offsets = json_object_get(entry, "data_offsets");
    uint64_t n = 0, n_bits;
    enum mica_status status = check_name(src, name);
    if (status != MICA_OK)
        return status;
    if (!json_is_object(entry) || json_object_size(entry) != 3 || !json_is_string(dtype) || !shape ||
        !offsets)
        return mica_fail(src->err, MICA_EFORMAT,
                         "%s: tensor %s must have dtype, shape and data_offsets, and no more", src->file,
                         name);
    int bits = find_dtype(json_string_value(dtype), wtype);
    if (!bits)
        return mica_fail(src->err, MICA_EUNSUPPORTED, "%s: tensor %s has the unknown dtype %.32s", src->file,
                         name, json_string_value(dtype));
    status = read_shape(src, name, shape, t, &n);
    if (status == MICA_OK)
        status = read_span(src, name, offsets, span);
    if (status != MICA_OK)
        return status;
    if (__builtin_mul_overflow(n, (uint64_t)bits, &n_bits) || n_bits % 8 ||
        n_bits / 8 != span->end - span->begin)
        return mica_fail(
            src->err, MICA_EFORMAT,
            "%s: tensor %s: its shape and dtype %s do not make the %zu bytes that data_offsets gives it",
            src->file, name, json_string_value(dtype), span->end - span->begin);
    return MICA_OK;
}

static enum mica_status add_entry(struct mica_safetensors *st, const struct source *src,
                                  const struct span *span, struct mica_file_tensor *t, int wtype)
{
    size_t len = strlen(span->name);
    if (mica_strmap_get(&st->index, span->name, len, -1) >= 0)
        return mica_fail(src->err, MICA_EFORMAT, "%s: tensor %s is also in another file of the model",
                         src->file, span->name);
    if (st->n_entries >= MAX_TENSORS)
        return mica_fail(src->err, MICA_ELIMIT, "%s: more than %d tensors", src->file, MAX_TENSORS);
    const char *name = mica_arena_strndup(&st->arena, span->name, len);
    if (!name || !mica_grow(&st->entries, st->n_entries, &st->entry_capacity, sizeof *st->entries) ||
        !mica_grow(&st->tensors, st->n_tensors, &st->capacity, sizeof *st->tensors) ||
        !mica_strmap_put(&st->index, name, len, (int32_t)st->n_entries))
        return no_memory(src->file, src->err);
    st->entries[st->n_entries++] = (struct entry){src->map, wtype < 0 ? -1 : st->n_tensors};
    if (wtype < 0)
        return MICA_OK;
    t->name = name;
    t->type = (enum mica_wtype)wtype;
    t->data = src->data + span->begin;
    t->size = span->end - span->begin;
    t->offset = (size_t)(t->data - mica_mapping_data(src->map));
    t->map = src->map;
    st->tensors[st->n_tensors++] = *t;
    return MICA_OK;
}

static int by_begin(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* The format demands that the tensors cover the data exactly, so that nothing can hide between them. */
static enum mica_status check_cover(const struct source *src)
{
    size_t at = 0;
    qsort(src->spans, (size_t)src->n_spans, sizeof *src->spans, by_begin);
    for (int64_t i = 0; i < src->n_spans; i++) {
        if (src->spans[i].begin != at)
            return mica_fail(src->err, MICA_EFORMAT, "%s: tensor %s %s (it begins at %zu, expected %zu)",
                             src->file, src->spans[i].name,
                             src->spans[i].begin < at ? "overlaps another" : "leaves a hole before it",
                             src->spans[i].begin, at);
        at = src->spans[i].end;
    }
    if (at != src->size)
        return mica_fail(src->err, MICA_EFORMAT, "%s: %zu bytes after the last tensor belong to none",
                         src->file, src->size - at);
    return MICA_OK;
}

static enum mica_status read_header(struct mica_safetensors *st, struct source *src, json_t *root)
{
    const char *name;
    json_t *entry;
    src->spans = mica_alloc(json_object_size(root), sizeof *src->spans);
    if (!src->spans)
        return no_memory(src->file, src->err);
    json_object_foreach(root, name, entry)
    {
        struct mica_file_tensor t = {0};
        struct span *span = &src->spans[src->n_spans];
        int wtype = -1;
        enum mica_status status;
        if (strcmp(name, "__metadata__") == 0) {
            status = check_metadata(src, entry);
        } else {
            status = read_entry(src, name, entry, span, &t, &wtype);
            if (status == MICA_OK)
                status = add_entry(st, src, span, &t, wtype);
            src->n_spans++;
        }
        if (status != MICA_OK)
            return status;
    }
    return check_cover(src);
}

static enum mica_status read_file(struct mica_safetensors *st, const char *file, struct mica_mapping *map,
                                  struct mica_err *err)
{
    const uint8_t *data = mica_mapping_data(map);
    size_t size = mica_mapping_size(map);
    uint64_t len;
    json_t *root = NULL;
    if (size < 8)
        return mica_fail(err, MICA_EFORMAT, "%s: not a safetensors file (only %zu bytes)", file, size);
    memcpy(&len, data, 8);
    len = le64toh(len);
    if (len > size - 8)
        return mica_fail(err, MICA_EFORMAT,
                         "%s: the header says it has %" PRIu64
                         " bytes, but only %zu follow; this is no safetensors "
                         "file, or it was cut short",
                         file, len, size - 8);
    if (len > MAX_HEADER)
        return mica_fail(err, MICA_ELIMIT, "%s: a header of %" PRIu64 " bytes; at most %d are allowed", file,
                         len, MAX_HEADER);
    if (len == 0 || data[8] != '{')
        return mica_fail(err, MICA_EFORMAT, "%s: not a safetensors file (its header does not start with {)",
                         file);
    enum mica_status status = parse_json(file, (const char *)data + 8, (size_t)len, &root, err);
    if (status != MICA_OK)
        return status;
    struct source src = {file, map, data + 8 + len, size - 8 - (size_t)len, NULL, 0, err};
    status = read_header(st, &src, root);
    mica_free(src.spans);
    json_decref(root);
    return status;
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t len = strlen(name), n = strlen(suffix);
    return len >= n && strcmp(name + len - n, suffix) == 0;
}

/* Adds a file to those to be read, once. There is room for every file of the set. */
static void add_map(struct mica_safetensors *st, struct mica_mapping *map)
{
    for (int i = 0; i < st->n_maps; i++)
        if (st->maps[i] == map)
            return;
    st->maps[st->n_maps++] = mica_mapping_ref(map);
}

/* The shards that the index names become st->maps. */
static enum mica_status list_shards(struct mica_safetensors *st, const struct mica_files *files,
                                    const char *file, const json_t *index, struct mica_err *err)
{
    json_t *shard, *weight_map = json_object_get(index, "weight_map");
    const char *name;
    if (!json_is_object(weight_map))
        return mica_fail(err, MICA_EFORMAT, "%s: weight_map is no object", file);
    json_object_foreach(weight_map, name, shard)
    {
        if (!json_is_string(shard) || !has_suffix(json_string_value(shard), ".safetensors"))
            return mica_fail(err, MICA_EFORMAT, "%s: weight_map: tensor %.64s is in no .safetensors file",
                             file, name);
        struct mica_mapping *map = mica_files_find(files, json_string_value(shard));
        if (!map)
            return mica_fail(err, MICA_ENOTFOUND,
                             "%s: the model is incomplete: %.64s is not here; fetch it too", file,
                             json_string_value(shard));
        add_map(st, map);
    }
    return MICA_OK;
}

/* Once the shards are read: every tensor is where the index says. */
static enum mica_status check_shards(const struct mica_safetensors *st, const struct mica_files *files,
                                     const char *file, const json_t *index, struct mica_err *err)
{
    json_t *shard;
    const char *name;
    json_object_foreach(json_object_get(index, "weight_map"), name, shard)
    {
        int32_t i = mica_strmap_get(&st->index, name, strlen(name), -1);
        if (i < 0 || st->entries[i].map != mica_files_find(files, json_string_value(shard)))
            return mica_fail(err, MICA_EFORMAT, "%s: tensor %.64s is not in %.64s", file, name,
                             json_string_value(shard));
    }
    return MICA_OK;
}

/* Without an index: model.safetensors alone when it is there (beside it may lie adapters or the same weights
 * in another naming), else every safetensors file. */
static enum mica_status list_all(struct mica_safetensors *st, const struct mica_files *files,
                                 struct mica_err *err)
{
    struct mica_mapping *model = mica_files_find(files, "model.safetensors");
    const char *pickle = NULL;
    if (model)
        add_map(st, model);
    for (int i = 0; i < mica_files_count(files) && !model; i++) {
        static const char *const pickles[] = {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"};
        const char *name = mica_files_name(files, i);
        for (size_t k = 0; k < MICA_COUNT(pickles); k++)
            if (has_suffix(name, pickles[k]))
                pickle = name;
        if (has_suffix(name, ".safetensors"))
            add_map(st, mica_files_at(files, i));
    }
    if (st->n_maps)
        return MICA_OK;
    return mica_fail(
        err, pickle ? MICA_EUNSUPPORTED : MICA_ENOTFOUND,
        "%s%sno .safetensors file here; pickles (*.bin, *.pt) can run code and are never read: convert "
        "the model to safetensors",
        pickle ? pickle : "", pickle ? ": " : "");
}

enum mica_status mica_safetensors_open(const struct mica_files *files, struct mica_safetensors **out,
                                       struct mica_err *err)
{
    static const char index_name[] = "model.safetensors.index.json";
    const struct mica_mapping *index_map = mica_files_find(files, index_name);
    json_t *index = NULL;
    enum mica_status status = MICA_OK;
    struct mica_safetensors *st = mica_alloc(1, sizeof *st);
    if (!st || !(st->maps = mica_alloc((size_t)mica_files_count(files), sizeof(struct mica_mapping *)))) {
        mica_free(st);
        return no_memory("safetensors", err);
    }
    if (index_map)
        status = parse_json(index_name, (const char *)mica_mapping_data(index_map),
                            mica_mapping_size(index_map), &index, err);
    if (status == MICA_OK)
        status = index ? list_shards(st, files, index_name, index, err) : list_all(st, files, err);
    for (int i = 0; i < st->n_maps && status == MICA_OK; i++)
        status = read_file(st, mica_mapping_name(st->maps[i]), st->maps[i], err);
    if (status == MICA_OK && index)
        status = check_shards(st, files, index_name, index, err);
    json_decref(index);
    if (status != MICA_OK) {
        mica_safetensors_free(st);
        return status;
    }
    *out = st;
    return MICA_OK;
}

void mica_safetensors_free(struct mica_safetensors *st)
{
    if (!st)
        return;
    mica_strmap_release(&st->index);
    mica_free(st->entries);
    mica_free(st->tensors);
    for (int i = 0; i < st->n_maps; i++)
        mica_mapping_free(st->maps[i]);
    mica_free(st->maps);
    mica_arena_release(&st->arena);
    mica_free(st);
}

int64_t mica_safetensors_tensor_count(const struct mica_safetensors *st)
{
    return st->n_tensors;
}

const struct mica_file_tensor *mica_safetensors_tensor_at(const struct mica_safetensors *st, int64_t i)
{
    return i >= 0 && i < st->n_tensors ? &st->tensors[i] : NULL;
}

const struct mica_file_tensor *mica_safetensors_tensor(const struct mica_safetensors *st, const char *name)
{
    int32_t i = mica_strmap_get(&st->index, name, strlen(name), -1);
    return i < 0 || st->entries[i].tensor < 0 ? NULL : &st->tensors[st->entries[i].tensor];
}
