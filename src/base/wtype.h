/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The types weights are stored in: what the formats read and the kernels decode. */
#ifndef MICA_WTYPE_H
#define MICA_WTYPE_H

#include <mica/base.h>
#include <stdbool.h>

enum mica_wtype {
#define X(NAME, name, gguf, st, n, bytes) MICA_W_##NAME,
#include "base/wtype.def"
#undef X
    MICA_W_COUNT
};

struct mica_wtype_info {
    const char *name;
    int gguf_id;
    const char *safetensors_name;
    int block_elements, block_bytes;
};
extern const struct mica_wtype_info mica_wtypes[MICA_W_COUNT];

/* Bytes of n elements of type (n a multiple of the block); false when n is not, is negative, or does not fit.
 */
bool mica_wtype_size(enum mica_wtype type, int64_t n, size_t *out);

/* A weight tensor as it lies in a file. shape is outermost first, so a matrix is [rows, columns] and a row's
 * elements are contiguous: y = x · Wᵀ has shape[0] outputs. Everything points into map. */
enum { MICA_MAX_FILE_DIMS = 8 };
struct mica_file_tensor {
    const char *name;
    enum mica_wtype type;
    int n_dims;
    int64_t shape[MICA_MAX_FILE_DIMS];
    const uint8_t *data;
    size_t size;   /* bytes */
    size_t offset; /* of data in map */
    struct mica_mapping *map;
};

#endif
