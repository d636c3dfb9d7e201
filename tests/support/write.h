/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Writes small GGUF and safetensors files into memory, well-formed or not: nothing is checked. A file is put
 * together in order: put_gguf_head, put_kv_… as often as the head says, put_gguf_tensor likewise, put_pad,
 * data. */
#ifndef MICA_TESTS_WRITE_H
#define MICA_TESTS_WRITE_H

#include "base/mem.h"
#include "format/gguf.h"
#include "format/safetensors.h"

/* The type numbers of GGUF metadata. */
enum gguf_value {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_STR,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64
};

/* Little-endian numbers of any width. */
void put_int(struct mica_buf *buf, int bytes, uint64_t value);
void put_f32(struct mica_buf *buf, float value);
void put_zeros(struct mica_buf *buf, size_t n);
/* Zeros up to the next multiple of alignment. */
void put_pad(struct mica_buf *buf, size_t alignment);
/* Length (u64) and characters. */
void put_str(struct mica_buf *buf, const char *s);

void put_gguf_head(struct mica_buf *buf, uint32_t version, uint64_t n_tensors, uint64_t n_keys);
/* Key and type; the value follows. */
void put_key(struct mica_buf *buf, const char *key, enum gguf_value type);
void put_kv_int(struct mica_buf *buf, const char *key, enum gguf_value type, uint64_t value);
void put_kv_f32(struct mica_buf *buf, const char *key, float value);
void put_kv_str(struct mica_buf *buf, const char *key, const char *value);
/* Key, element type and count; n elements follow. */
void put_kv_array(struct mica_buf *buf, const char *key, enum gguf_value type, uint64_t n);
void put_kv_strs(struct mica_buf *buf, const char *key, const char *const *strs, uint64_t n);
/* A row of the tensor table. dims: innermost first, as the file has them; offset: from the start of the data.
 */
void put_gguf_tensor(struct mica_buf *buf, const char *name, uint32_t type, uint32_t n_dims,
                     const uint64_t *dims, uint64_t offset);

/* Header length and header of a safetensors file; the data follows. */
void put_safetensors_head(struct mica_buf *buf, const char *json);

/* A set of files from memory. bytes must live as long as the set and what is opened from it. Fails the
 * process when out of memory. */
struct mica_files *files_of_bytes(const void *bytes, size_t size, const char *name);
void add_bytes(struct mica_files *files, const void *bytes, size_t size, const char *name);

#endif
