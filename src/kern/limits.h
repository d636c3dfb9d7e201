/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What this machine can do at most, measured: benchmarks state their figures as a share of it. */
#ifndef MICA_LIMITS_H
#define MICA_LIMITS_H

#include "base/pool.h"
#include "kern/kern.h"

struct mica_limits {
    double int8_ops;     /* per second, 2 per multiply-add, by the widest integer dot product of kern's ISA */
    double f32_flops;    /* per second, 2 per fused multiply-add */
    double memory_bytes; /* read per second, from memory that no cache holds */
};

/* Runs register-only loops and a read of a large buffer on all threads of pool, each several times, and keeps
 * the best. Takes about half a second. ENOMEM. */
enum mica_status mica_limits_measure(const struct mica_kern *kern, struct mica_pool *pool,
                                     struct mica_limits *out, struct mica_err *err);

#endif
