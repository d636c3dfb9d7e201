/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The input is a safetensors file, or, when it starts with "{", an index of two shards that are well-formed.
 */
#include "base/mem.h"
#include "format/safetensors.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add(struct mica_files *files, const char *name, const void *data, size_t size)
{
    struct mica_mapping *map;
    if (mica_mapping_from_bytes(data, size, name, &map, NULL) != MICA_OK ||
        mica_files_add(files, name, map, NULL) != MICA_OK)
        abort();
    mica_mapping_free(map);
}

static const char shard_a[] =
    "\x38\0\0\0\0\0\0\0{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}  \0\0\0\0";
static const char shard_b[] =
    "\x38\0\0\0\0\0\0\0{\"b\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}  \0\0\0\0";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mica_files *files;
    struct mica_safetensors *st = NULL;
    struct mica_err err = {0};
    volatile uint64_t sum = 0;
    if (mica_files_new(&files, NULL) != MICA_OK)
        abort();
    if (size && data[0] == '{') {
        add(files, "1.safetensors", shard_a, 8 + 0x38 + 4);
        add(files, "2.safetensors", shard_b, 8 + 0x38 + 4);
        add(files, "model.safetensors.index.json", data, size);
    } else {
        add(files, "model.safetensors", data, size);
    }
    enum mica_status status = mica_safetensors_open(files, &st, &err);
    for (int64_t i = 0; status == MICA_OK && i < mica_safetensors_tensor_count(st); i++) {
        const struct mica_file_tensor *t = mica_safetensors_tensor_at(st, i);
        if (mica_safetensors_tensor(st, t->name) != t)
            abort();
        if (t->size)
            sum += t->data[0] + t->data[t->size - 1];
    }
    if (status != MICA_OK && (st || err.status != status || !err.text[0]))
        abort();
    mica_safetensors_free(st);
    mica_files_free(files);
    return 0;
}
