/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Metadata and tensors of a file that gguf.c has read and checked. */
#include "format/gguf_internal.h"

#include <endian.h>
#include <string.h>

const uint8_t gguf_min_bytes[GGUF_T_COUNT] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};

uint32_t gguf_u32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return le32toh(v);
}

uint64_t gguf_u64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return le64toh(v);
}

bool gguf_scalar_int(uint32_t type, const uint8_t *p, int64_t *out)
{
    uint16_t half;
    switch (type) {
    case GGUF_T_UINT8:
    case GGUF_T_BOOL:
        *out = p[0];
        return true;
    case GGUF_T_INT8:
        *out = (int8_t)p[0];
        return true;
    case GGUF_T_UINT16:
    case GGUF_T_INT16:
        memcpy(&half, p, 2);
        half = le16toh(half);
        *out = type == GGUF_T_INT16 ? (int16_t)half : half;
        return true;
    case GGUF_T_UINT32:
        *out = gguf_u32(p);
        return true;
    case GGUF_T_INT32:
        *out = (int32_t)gguf_u32(p);
        return true;
    case GGUF_T_UINT64:
        if (gguf_u64(p) > INT64_MAX)
            return false;
        *out = (int64_t)gguf_u64(p);
        return true;
    case GGUF_T_INT64:
        *out = (int64_t)gguf_u64(p);
        return true;
    default:
        return false;
    }
}

bool gguf_scalar_float(uint32_t type, const uint8_t *p, double *out)
{
    int64_t whole;
    if (type == GGUF_T_FLOAT32) {
        uint32_t bits = gguf_u32(p);
        float f;
        memcpy(&f, &bits, sizeof f);
        *out = f;
        return true;
    }
    if (type == GGUF_T_FLOAT64) {
        uint64_t bits = gguf_u64(p);
        memcpy(out, &bits, sizeof *out);
        return true;
    }
    if (type == GGUF_T_BOOL || !gguf_scalar_int(type, p, &whole))
        return false;
    *out = (double)whole;
    return true;
}

static const struct gguf_value *find_value(const struct mica_gguf *g, const char *key)
{
    int32_t i = mica_strmap_get(&g->pair_index, key, strlen(key), -1);
    return i < 0 ? NULL : &g->pairs[i].value;
}

bool mica_gguf_int(const struct mica_gguf *g, const char *key, int64_t *out)
{
    const struct gguf_value *v = find_value(g, key);
    return v && gguf_scalar_int(v->type, v->data, out);
}

bool mica_gguf_float(const struct mica_gguf *g, const char *key, double *out)
{
    const struct gguf_value *v = find_value(g, key);
    return v && gguf_scalar_float(v->type, v->data, out);
}

bool mica_gguf_str(const struct mica_gguf *g, const char *key, const char **out, size_t *len_out)
{
    const struct gguf_value *v = find_value(g, key);
    if (!v || v->type != GGUF_T_STRING)
        return false;
    *out = (const char *)v->data;
    *len_out = (size_t)v->n;
    return true;
}

bool mica_gguf_bool(const struct mica_gguf *g, const char *key, bool *out)
{
    const struct gguf_value *v = find_value(g, key);
    if (!v || v->type != GGUF_T_BOOL)
        return false;
    *out = v->data[0] != 0;
    return true;
}

static const struct gguf_value *find_array(const struct mica_gguf *g, const char *key)
{
    const struct gguf_value *v = find_value(g, key);
    return v && v->type == GGUF_T_ARRAY ? v : NULL;
}

/* Where element i of a numeric array lies, or NULL. */
static const uint8_t *find_element(const struct gguf_value *v, int64_t i)
{
    if (!v || v->element_type == GGUF_T_STRING || v->element_type == GGUF_T_ARRAY || i < 0 ||
        (uint64_t)i >= v->n)
        return NULL;
    return v->data + (size_t)i * gguf_min_bytes[v->element_type];
}

int64_t mica_gguf_array_len(const struct mica_gguf *g, const char *key)
{
    const struct gguf_value *v = find_array(g, key);
    return v ? (int64_t)v->n : -1;
}

bool mica_gguf_array_int(const struct mica_gguf *g, const char *key, int64_t i, int64_t *out)
{
    const struct gguf_value *v = find_array(g, key);
    const uint8_t *p = find_element(v, i);
    return p && gguf_scalar_int(v->element_type, p, out);
}

bool mica_gguf_array_float(const struct mica_gguf *g, const char *key, int64_t i, double *out)
{
    const struct gguf_value *v = find_array(g, key);
    const uint8_t *p = find_element(v, i);
    return p && gguf_scalar_float(v->element_type, p, out);
}

const struct mica_str *mica_gguf_array_strs(const struct mica_gguf *g, const char *key, int64_t *n_out)
{
    const struct gguf_value *v = find_array(g, key);
    if (!v || v->element_type != GGUF_T_STRING)
        return NULL;
    *n_out = (int64_t)v->n;
    return v->strs;
}

const char *mica_gguf_key_at(const struct mica_gguf *g, int64_t i)
{
    return i >= 0 && i < g->n_pairs ? g->pairs[i].key : NULL;
}

int64_t mica_gguf_tensor_count(const struct mica_gguf *g)
{
    return g->n_tensors;
}

const struct mica_file_tensor *mica_gguf_tensor_at(const struct mica_gguf *g, int64_t i)
{
    return i >= 0 && i < g->n_tensors ? &g->tensors[i] : NULL;
}

const struct mica_file_tensor *mica_gguf_tensor(const struct mica_gguf *g, const char *name)
{
    int32_t i = mica_strmap_get(&g->tensor_index, name, strlen(name), -1);
    return i < 0 ? NULL : &g->tensors[i];
}
