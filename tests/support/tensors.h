/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Random tensors, weights and KV caches for tests of the tensor layer. */
#ifndef MICA_TEST_TENSORS_H
#define MICA_TEST_TENSORS_H

#include "base/mem.h"
#include "tensor/tensor.h"

struct test_data {
    struct mica_arena arena; /* everything made here */
    uint64_t rng;
};

uint32_t test_random(struct test_data *d);
float *test_floats(struct test_data *d, int64_t n); /* in (−2, 2) */
int32_t *test_ints(struct test_data *d, int64_t n, int32_t below);
/* F32 weights [n] that belong to no context. */
struct mica_tensor *test_vector(struct test_data *d, int64_t n);
/* W:[n,k] encoded as type and packed. */
struct mica_tensor *test_weights(struct test_data *d, enum mica_wtype type, int64_t n, int64_t k);
/* n_layers caches of n_blocks blocks, zeroed. */
struct mica_kv_layer *test_kv_layers(struct test_data *d, enum mica_kv_type type, int n_layers,
                                     int n_kv_heads, int head_dim, int n_blocks);

#endif
