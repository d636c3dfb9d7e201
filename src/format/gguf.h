/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Reads GGUF v2 and v3, also split over several files
 * (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). Everything returned points into the mappings
 * or into the reader and lives as long as the reader. A reader is immutable after opening: any number of
 * threads may use it. */
#ifndef MICA_GGUF_H
#define MICA_GGUF_H

#include "base/wtype.h"

struct mica_gguf;

/* Opens the GGUF made of all files in the set (one, or the parts of a split in order). The reader holds its
 * own references to the mappings. Every count, length and offset is checked against the file. EFORMAT,
 * EUNSUPPORTED (version, byte order, tensor type), ENOMEM, ELIMIT. */
enum mica_status mica_gguf_open(const struct mica_files *files, struct mica_gguf **out, struct mica_err *err);
void mica_gguf_free(struct mica_gguf *gguf);

/* Metadata. Integer and bool values of any width read through _int when they fit; floats through _float.
 * Each returns false (and leaves *out alone) when the key is absent or of another kind. */
bool mica_gguf_int(const struct mica_gguf *gguf, const char *key, int64_t *out);
bool mica_gguf_float(const struct mica_gguf *gguf, const char *key, double *out); /* integers too */
/* A string: not NUL-terminated in the file, so with its length. */
bool mica_gguf_str(const struct mica_gguf *gguf, const char *key, const char **out, size_t *len_out);
bool mica_gguf_bool(const struct mica_gguf *gguf, const char *key, bool *out);
/* Arrays: the number of elements, or -1 when the key is absent or no array. */
int64_t mica_gguf_array_len(const struct mica_gguf *gguf, const char *key);
/* Element i of an array; false when it is absent, out of range or of another kind. String arrays are indexed
 * at opening, so access by i is O(1). */
bool mica_gguf_array_int(const struct mica_gguf *gguf, const char *key, int64_t i, int64_t *out);
bool mica_gguf_array_float(const struct mica_gguf *gguf, const char *key, int64_t i, double *out);
/* Whole arrays for speed: element pointers valid while the reader lives; NULL when absent or of another type.
 */
struct mica_str {
    const char *data;
    size_t len;
};
const struct mica_str *mica_gguf_array_strs(const struct mica_gguf *gguf, const char *key, int64_t *n_out);
/* The i-th key in file order, for listing; NULL past the end. */
const char *mica_gguf_key_at(const struct mica_gguf *gguf, int64_t i);

/* Tensors of all parts. NULL when there is no such tensor. */
int64_t mica_gguf_tensor_count(const struct mica_gguf *gguf);
const struct mica_file_tensor *mica_gguf_tensor_at(const struct mica_gguf *gguf, int64_t i);
const struct mica_file_tensor *mica_gguf_tensor(const struct mica_gguf *gguf, const char *name);

#endif
