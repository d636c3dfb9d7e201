/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What gguf.c reads and gguf_values.c gives out. */
#ifndef MICA_GGUF_INTERNAL_H
#define MICA_GGUF_INTERNAL_H

#include "base/mem.h"
#include "base/strmap.h"
#include "format/gguf.h"

enum gguf_type {
    GGUF_T_UINT8,
    GGUF_T_INT8,
    GGUF_T_UINT16,
    GGUF_T_INT16,
    GGUF_T_UINT32,
    GGUF_T_INT32,
    GGUF_T_FLOAT32,
    GGUF_T_BOOL,
    GGUF_T_STRING,
    GGUF_T_ARRAY,
    GGUF_T_UINT64,
    GGUF_T_INT64,
    GGUF_T_FLOAT64,
    GGUF_T_COUNT
};
/* Bytes a value takes at least: all of them for a scalar, the length field of a string, an array's head. */
extern const uint8_t gguf_min_bytes[GGUF_T_COUNT];

struct gguf_value {
    uint32_t type, element_type; /* element_type: of an array */
    const uint8_t *data;         /* scalar, characters or elements */
    uint64_t n;                  /* length of a string, elements of an array */
    struct mica_str *strs;       /* index of an array of strings; owned */
};

struct gguf_pair {
    const char *key;
    struct gguf_value value;
};

struct mica_gguf {
    struct mica_arena arena; /* keys and names */
    struct mica_mapping **maps;
    int n_maps;
    struct gguf_pair *pairs; /* of the first part */
    int64_t n_pairs;
    struct mica_strmap pair_index;
    struct mica_file_tensor *tensors;
    int64_t n_tensors;
    struct mica_strmap tensor_index;
};

uint32_t gguf_u32(const uint8_t *p);
uint64_t gguf_u64(const uint8_t *p);
/* A value of an integer type or bool; false for other types and for a uint64 above INT64_MAX. */
bool gguf_scalar_int(uint32_t type, const uint8_t *p, int64_t *out);
bool gguf_scalar_float(uint32_t type, const uint8_t *p, double *out); /* integers too */

#endif
