/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"
#include "base/mem.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A job is published by raising generation; workers that see it claim chunks from next until none is left.
 * The caller works too, then waits until every worker that entered the job has left it. A worker that never
 * woke up in time is not waited for: it finds the job closed. */
struct mica_pool {
    int n_threads;
    pthread_t *workers;
    mica_job *job;
    void *arg;
    int64_t n_items, grain;
    _Alignas(64) atomic_int generation; /* odd: a job is open for workers */
    _Alignas(64) _Atomic int64_t next;
    _Alignas(64) atomic_int inside; /* workers between entering and leaving a job */
    _Alignas(64) atomic_int sleepers;
    atomic_bool stop;
};

struct worker_start {
    struct mica_pool *pool;
    int thread;
};

enum { SPINS = 4000 }; /* about 50 µs: longer than the serial gaps inside a decoding step */

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static void futex_wait(atomic_int *word, int seen)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void futex_wake_all(atomic_int *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1 << 30, NULL, NULL, 0);
}

static void work(struct mica_pool *pool, int thread)
{
    for (;;) {
        int64_t begin = atomic_fetch_add_explicit(&pool->next, pool->grain, memory_order_relaxed);
        if (begin >= pool->n_items)
            return;
        int64_t end = pool->n_items - begin < pool->grain ? pool->n_items : begin + pool->grain;
        pool->job(pool->arg, begin, end, thread);
    }
}

static void wait_for_job(struct mica_pool *pool, int seen)
{
    for (;;) {
        for (int i = 0; i < SPINS; i++) {
            int now = atomic_load_explicit(&pool->generation, memory_order_acquire);
            if (now != seen)
                return;
            relax();
        }
        atomic_fetch_add(&pool->sleepers, 1);
        if (atomic_load(&pool->generation) == seen)
            futex_wait(&pool->generation, seen);
        atomic_fetch_sub(&pool->sleepers, 1);
    }
}

static void *worker_main(void *arg)
{
    struct worker_start start = *(struct worker_start *)arg;
    struct mica_pool *pool = start.pool;
    mica_free(arg);
    int seen = 0;
    for (;;) {
        wait_for_job(pool, seen);
        if (atomic_load(&pool->stop))
            return NULL;
        atomic_fetch_add(&pool->inside, 1);
        /* Entering before looking again: if the job is still open now, the caller waits for us. */
        int now = atomic_load(&pool->generation);
        if (now & 1)
            work(pool, start.thread);
        atomic_fetch_sub(&pool->inside, 1);
        seen = now;
    }
}

void mica_pool_run(struct mica_pool *pool, int64_t n_items, int64_t grain, mica_job *job, void *arg)
{
    if (n_items <= 0)
        return;
    if (grain < 1)
        grain = 1;
    if (!pool || pool->n_threads == 1 || n_items <= grain) {
        job(arg, 0, n_items, 0);
        return;
    }
    pool->job = job;
    pool->arg = arg;
    pool->n_items = n_items;
    pool->grain = grain;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    atomic_fetch_add(&pool->generation, 1);
    if (atomic_load(&pool->sleepers) > 0)
        futex_wake_all(&pool->generation);
    work(pool, 0);
    /* Close the job, then wait for those inside. */
    atomic_fetch_add(&pool->generation, 1);
    for (int i = 0; atomic_load(&pool->inside) > 0; i++) {
        relax();
        if (i > SPINS)
            sched_yield();
    }
}

int mica_pool_threads(const struct mica_pool *pool)
{
    return pool ? pool->n_threads : 1;
}

void mica_pool_free(struct mica_pool *pool)
{
    if (!pool)
        return;
    atomic_store(&pool->stop, true);
    atomic_fetch_add(&pool->generation, 2);
    futex_wake_all(&pool->generation);
    for (int i = 0; i < pool->n_threads - 1; i++)
        pthread_join(pool->workers[i], NULL);
    mica_free(pool->workers);
    mica_free(pool);
}

enum mica_status mica_pool_new(int n_threads, struct mica_pool **out, struct mica_err *err)
{
    if (n_threads == 0)
        n_threads = mica_cpu_count();
    if (n_threads < 1 || n_threads > 1024)
        return mica_fail(err, MICA_EARG, "threads: %d is not between 1 and 1024", n_threads);
    struct mica_pool *pool = mica_alloc(1, sizeof *pool);
    pthread_t *workers = mica_alloc((size_t)n_threads, sizeof *workers);
    if (!pool || !workers) {
        mica_free(pool);
        mica_free(workers);
        return mica_fail(err, MICA_ENOMEM, "thread pool: out of memory");
    }
    pool->workers = workers;
    pool->n_threads = 1;
    for (int i = 1; i < n_threads; i++) {
        struct worker_start *start = mica_alloc(1, sizeof *start);
        if (start)
            *start = (struct worker_start){pool, i};
        if (!start || pthread_create(&workers[i - 1], NULL, worker_main, start) != 0) {
            mica_free(start);
            mica_pool_free(pool);
            return mica_fail(err, MICA_ENOMEM, "thread pool: cannot start thread %d of %d", i + 1, n_threads);
        }
        pool->n_threads++;
    }
    *out = pool;
    return MICA_OK;
}

/* The quota of this process's cgroup (v2, then v1) in CPUs, rounded up; 0 when there is none. */
static int cgroup_cpus(void)
{
    long long quota = -1, period = 0;
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (file) {
        if (fscanf(file, "%lld %lld", &quota, &period) != 2)
            quota = -1;
        fclose(file);
    } else if ((file = fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "re"))) {
        if (fscanf(file, "%lld", &quota) != 1)
            quota = -1;
        fclose(file);
        if ((file = fopen("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "re"))) {
            if (fscanf(file, "%lld", &period) != 1)
                period = 0;
            fclose(file);
        }
    }
    return quota > 0 && period > 0 ? (int)((quota + period - 1) / period) : 0;
}

int mica_cpu_count(void)
{
    cpu_set_t set;
    int n = 1, quota = cgroup_cpus();
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        n = CPU_COUNT(&set);
    if (quota > 0 && quota < n)
        n = quota;
    return n < 1 ? 1 : n;
}
