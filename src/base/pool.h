/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The thread pool: one caller, n - 1 workers, one job at a time. */
#ifndef MICA_POOL_H
#define MICA_POOL_H

#include <mica/base.h>

struct mica_pool;

/* A pool that uses n_threads threads, the caller's included; 0 = as many CPUs as this process may use. */
enum mica_status mica_pool_new(int n_threads, struct mica_pool **out, struct mica_err *err);
void mica_pool_free(struct mica_pool *pool);
int mica_pool_threads(const struct mica_pool *pool); /* 1 for NULL */

/* Does items [begin, end) of the job; thread (0 = the caller) indexes per-thread scratch. */
typedef void mica_job(void *arg, int64_t begin, int64_t end, int thread);

/* Runs job over [0, n_items) in chunks of at most grain items and returns when all are done. Each
 * thread begins with a range of its own, in order, then helps the others with theirs: a thread that lost its
 * CPU slows the others down only in proportion. Which thread does an item never changes its result. pool may
 * be NULL: then the caller does everything. Only one thread may call at a time. */
void mica_pool_run(struct mica_pool *pool, int64_t n_items, int64_t grain, mica_job *job, void *arg);

/* CPUs this process may really use: affinity mask and cgroup quota. At least 1. */
int mica_cpu_count(void);

#endif
