/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "write.h"

#include <stdlib.h>
#include <string.h>

void put_int(struct mica_buf *buf, int bytes, uint64_t value)
{
    for (int i = 0; i < bytes; i++) {
        uint8_t byte = (uint8_t)(value >> (8 * i));
        mica_buf_append(buf, &byte, 1);
    }
}

void put_f32(struct mica_buf *buf, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_int(buf, 4, bits);
}

void put_zeros(struct mica_buf *buf, size_t n)
{
    for (size_t i = 0; i < n; i++)
        mica_buf_append(buf, "", 1);
}

void put_pad(struct mica_buf *buf, size_t alignment)
{
    while (buf->len % alignment)
        put_zeros(buf, 1);
}

void put_str(struct mica_buf *buf, const char *s)
{
    put_int(buf, 8, strlen(s));
    mica_buf_puts(buf, s);
}

void put_gguf_head(struct mica_buf *buf, uint32_t version, uint64_t n_tensors, uint64_t n_keys)
{
    mica_buf_puts(buf, "GGUF");
    put_int(buf, 4, version);
    put_int(buf, 8, n_tensors);
    put_int(buf, 8, n_keys);
}

void put_key(struct mica_buf *buf, const char *key, enum gguf_value type)
{
    put_str(buf, key);
    put_int(buf, 4, type);
}

void put_kv_int(struct mica_buf *buf, const char *key, enum gguf_value type, uint64_t value)
{
    static const int widths[] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 4, 8, 8, 8};
    put_key(buf, key, type);
    put_int(buf, widths[type], value);
}

void put_kv_f32(struct mica_buf *buf, const char *key, float value)
{
    put_key(buf, key, GGUF_F32);
    put_f32(buf, value);
}

void put_kv_str(struct mica_buf *buf, const char *key, const char *value)
{
    put_key(buf, key, GGUF_STR);
    put_str(buf, value);
}

void put_kv_array(struct mica_buf *buf, const char *key, enum gguf_value type, uint64_t n)
{
    put_key(buf, key, GGUF_ARRAY);
    put_int(buf, 4, type);
    put_int(buf, 8, n);
}

void put_kv_strs(struct mica_buf *buf, const char *key, const char *const *strs, uint64_t n)
{
    put_kv_array(buf, key, GGUF_STR, n);
    for (uint64_t i = 0; i < n; i++)
        put_str(buf, strs[i]);
}

void put_gguf_tensor(struct mica_buf *buf, const char *name, uint32_t type, uint32_t n_dims,
                     const uint64_t *dims, uint64_t offset)
{
    put_str(buf, name);
    put_int(buf, 4, n_dims);
    for (uint32_t i = 0; i < n_dims; i++)
        put_int(buf, 8, dims[i]);
    put_int(buf, 4, type);
    put_int(buf, 8, offset);
}

void put_safetensors_head(struct mica_buf *buf, const char *json)
{
    put_str(buf, json); /* the format's head is a length and so many characters, too */
}

void add_bytes(struct mica_files *files, const void *bytes, size_t size, const char *name)
{
    struct mica_mapping *map;
    if (mica_mapping_from_bytes(bytes, size, name, &map, NULL) != MICA_OK ||
        mica_files_add(files, name, map, NULL) != MICA_OK)
        abort();
    mica_mapping_free(map);
}

struct mica_files *files_of_bytes(const void *bytes, size_t size, const char *name)
{
    struct mica_files *files;
    if (mica_files_new(&files, NULL) != MICA_OK)
        abort();
    add_bytes(files, bytes, size, name);
    return files;
}
