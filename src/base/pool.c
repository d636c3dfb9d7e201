/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A job is published by raising generation; workers that see it do chunks until none is left.
 * The caller works too, then closes the job and waits until every worker that entered it has left. A worker
 * that did not wake up in time is not waited for: it finds the job closed.
 *
 * On a busy machine threads meet other programs, and each other. A worker that lost its CPU in the middle of
 * a chunk holds everybody up for a time slice: the caller then sleeps, so that the kernel can put the worker
 * on the caller's CPU, and benches the worker: it does without it for some milliseconds, longer each time it
 * happens again. A worker that woke up on the caller's own CPU moves to another, or is benched where there is
 * none. So a busy program soon has one CPU for itself and we keep the rest, instead of meeting it at every
 * job. */
enum bench { ON_DUTY, LEAVING, BENCHED };
struct worker {
    _Alignas(64) atomic_bool is_working; /* in a chunk */
    atomic_int bench;                    /* enum bench; sleeps on it until the caller sets ON_DUTY */
    struct mica_pool *pool;
    pthread_t thread;
    int index;
    int64_t bench_end, bench_ns; /* of whoever moves bench away from ON_DUTY */
};

/* The chunks [next, end) that a thread has still to do. It takes them in order, so each goes on where the
 * last one ended and finds what was prefetched; then it helps the other threads with theirs. */
struct lane {
    _Alignas(64) _Atomic int64_t next;
    int64_t end;
};

struct mica_pool {
    int n_threads;
    struct lane *lanes;     /* n_threads */
    struct worker *workers; /* n_threads − 1 */
    mica_job *job;
    void *arg;
    int64_t n_items, grain;
    atomic_int n_benched, caller_cpu;
    _Alignas(64) atomic_int generation; /* odd: a job is open for workers */
    _Alignas(64) atomic_int inside;     /* workers between entering and leaving a job */
    _Alignas(64) atomic_int sleepers;
    atomic_bool caller_sleeps, stop;
};

/* Nanoseconds. Workers spin for longer than the serial gaps inside a decoding step. */
enum {
    WORKER_SPIN = 60000,
    CALLER_SPIN = 20000,
    LATE = 200000,
    BENCH_LEAST = 5000000,
    BENCH_MOST = 160000000
};
enum { SPINS_PER_CLOCK = 32 };

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* ns 0: no time limit */
static void futex_wait(atomic_int *word, int seen, int64_t ns)
{
    struct timespec t = {ns / 1000000000, ns % 1000000000};
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, ns ? &t : NULL, NULL, 0);
}

static void futex_wake_all(atomic_int *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1 << 30, NULL, NULL, 0);
}

/* Spins until *word differs from seen; false when it still does not after ns. */
static bool spin_while(atomic_int *word, int seen, int64_t ns)
{
    for (int64_t start = 0;;) {
        for (int i = 0; i < SPINS_PER_CLOCK; i++) {
            if (atomic_load_explicit(word, memory_order_acquire) != seen)
                return true;
            relax();
        }
        int64_t now = now_ns();
        start = start ? start : now;
        if (now - start >= ns)
            return false;
    }
}

/* Does chunks until none is left; how many it did. */
static int64_t work(struct mica_pool *pool, int thread)
{
    int64_t n = 0, chunk;
    for (int i = 0, at = thread; i < pool->n_threads; i++, at = at + 1 < pool->n_threads ? at + 1 : 0) {
        struct lane *lane = &pool->lanes[at];
        while (atomic_load_explicit(&lane->next, memory_order_relaxed) < lane->end &&
               (chunk = atomic_fetch_add_explicit(&lane->next, 1, memory_order_relaxed)) < lane->end) {
            int64_t begin = chunk * pool->grain, left = pool->n_items - begin;
            pool->job(pool->arg, begin, begin + (left < pool->grain ? left : pool->grain), thread);
            n++;
        }
    }
    return n;
}

static void wait_for_job(struct mica_pool *pool, int seen)
{
    while (!spin_while(&pool->generation, seen, WORKER_SPIN)) {
        atomic_fetch_add(&pool->sleepers, 1);
        if (atomic_load(&pool->generation) == seen)
            futex_wait(&pool->generation, seen, 0);
        atomic_fetch_sub(&pool->sleepers, 1);
    }
}

/* Both the worker and the caller may come to it: the first one does it. */
static void bench(struct worker *worker)
{
    int on_duty = ON_DUTY;
    if (!atomic_compare_exchange_strong(&worker->bench, &on_duty, LEAVING))
        return;
    int64_t now = now_ns();
    bool again = now - worker->bench_end < 4 * worker->bench_ns;
    worker->bench_ns = again ? 2 * worker->bench_ns : BENCH_LEAST;
    if (worker->bench_ns > BENCH_MOST)
        worker->bench_ns = BENCH_MOST;
    worker->bench_end = now + worker->bench_ns;
    atomic_fetch_add(&worker->pool->n_benched, 1);
    atomic_store(&worker->bench, BENCHED);
}

/* Moves the calling thread off cpu, without keeping it from coming back later. */
static bool leave_cpu(int cpu)
{
    cpu_set_t all, others;
    if (sched_getaffinity(0, sizeof all, &all) != 0)
        return false;
    others = all;
    CPU_CLR(cpu, &others);
    return CPU_COUNT(&others) > 0 && sched_setaffinity(0, sizeof others, &others) == 0 &&
           sched_setaffinity(0, sizeof all, &all) == 0;
}

static void join_job(struct worker *worker, int *seen_out)
{
    struct mica_pool *pool = worker->pool;
    atomic_fetch_add(&pool->inside, 1);
    /* Entering before looking again: if the job is still open now, the caller waits for us. */
    *seen_out = atomic_load(&pool->generation);
    if (*seen_out & 1) {
        atomic_store_explicit(&worker->is_working, true, memory_order_relaxed);
        work(pool, worker->index);
        atomic_store_explicit(&worker->is_working, false, memory_order_relaxed);
    }
    if (atomic_fetch_sub(&pool->inside, 1) == 1 && atomic_load(&pool->caller_sleeps))
        futex_wake_all(&pool->inside);
}

static void *worker_main(void *arg)
{
    struct worker *worker = arg;
    struct mica_pool *pool = worker->pool;
    /* Freeing sets stop before it raises generation: whoever has seen the one sees the other. */
    for (int seen = 0; !atomic_load(&pool->stop);) {
        wait_for_job(pool, seen);
        int cpu = atomic_load_explicit(&pool->caller_cpu, memory_order_relaxed);
        if (sched_getcpu() == cpu && !leave_cpu(cpu))
            bench(worker);
        else
            join_job(worker, &seen);
        for (int state; (state = atomic_load(&worker->bench)) != ON_DUTY;) {
            futex_wait(&worker->bench, state, 0);
            seen = -1; /* a job that is open now may be joined */
        }
    }
    return NULL;
}

static void bench_late_workers(struct mica_pool *pool)
{
    for (int i = 0; i < pool->n_threads - 1; i++)
        if (atomic_load(&pool->workers[i].is_working))
            bench(&pool->workers[i]);
}

static void call_back(struct mica_pool *pool, bool everyone)
{
    int64_t now = now_ns();
    for (int i = 0; i < pool->n_threads - 1; i++) {
        struct worker *worker = &pool->workers[i];
        if (atomic_load(&worker->bench) != BENCHED || (!everyone && now < worker->bench_end))
            continue;
        atomic_fetch_sub(&pool->n_benched, 1);
        atomic_store(&worker->bench, ON_DUTY);
        futex_wake_all(&worker->bench);
    }
}

/* chunk_ns: how long the caller's own chunks took, for a worker may rightly be busy that long. */
static void wait_for_workers(struct mica_pool *pool, int64_t chunk_ns)
{
    int inside;
    while ((inside = atomic_load(&pool->inside)) > 0)
        if (!spin_while(&pool->inside, inside, CALLER_SPIN))
            break;
    int64_t patience = LATE + 2 * chunk_ns, late = now_ns() + patience;
    while ((inside = atomic_load(&pool->inside)) > 0) {
        atomic_store(&pool->caller_sleeps, true);
        if (atomic_load(&pool->inside) == inside)
            futex_wait(&pool->inside, inside, patience);
        atomic_store(&pool->caller_sleeps, false);
        if (patience && now_ns() >= late) {
            bench_late_workers(pool);
            patience = 0;
        }
    }
}

void mica_pool_run(struct mica_pool *pool, int64_t n_items, int64_t grain, mica_job *job, void *arg)
{
    if (n_items <= 0)
        return;
    if (grain < 1)
        grain = 1;
    if (pool && atomic_load(&pool->n_benched) > 0)
        call_back(pool, false);
    if (!pool || pool->n_threads - atomic_load(&pool->n_benched) == 1 || n_items <= grain) {
        /* In chunks also when alone: a job may let go of what a chunk has used up. */
        for (int64_t at = 0; at < n_items; at += grain)
            job(arg, at, n_items - at < grain ? n_items : at + grain, 0);
        return;
    }
    atomic_store_explicit(&pool->caller_cpu, sched_getcpu(), memory_order_relaxed);
    pool->job = job;
    pool->arg = arg;
    pool->n_items = n_items;
    pool->grain = grain;
    int64_t n = (n_items + grain - 1) / grain, threads = pool->n_threads;
    for (int64_t i = 0; i < threads; i++) {
        atomic_store_explicit(&pool->lanes[i].next, n / threads * i + n % threads * i / threads,
                              memory_order_relaxed);
        pool->lanes[i].end = n / threads * (i + 1) + n % threads * (i + 1) / threads;
    }
    atomic_fetch_add(&pool->generation, 1);
    if (atomic_load(&pool->sleepers) > 0)
        futex_wake_all(&pool->generation);
    int64_t start = now_ns(), n_chunks = work(pool, 0);
    atomic_fetch_add(&pool->generation, 1);
    if (atomic_load(&pool->inside) > 0)
        wait_for_workers(pool, (now_ns() - start) / (n_chunks ? n_chunks : 1));
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
    call_back(pool, true);
    for (int i = 0; i < pool->n_threads - 1; i++)
        pthread_join(pool->workers[i].thread, NULL);
    free(pool->lanes);
    free(pool->workers);
    free(pool);
}

enum mica_status mica_pool_new(int n_threads, struct mica_pool **out, struct mica_err *err)
{
    if (n_threads == 0)
        n_threads = mica_cpu_count();
    if (n_threads < 1 || n_threads > 1024)
        return mica_fail(err, MICA_EARG, "threads: %d is not between 1 and 1024", n_threads);
    struct mica_pool *pool = aligned_alloc(_Alignof(struct mica_pool), sizeof *pool);
    struct worker *workers = aligned_alloc(_Alignof(struct worker), (size_t)n_threads * sizeof *workers);
    struct lane *lanes = aligned_alloc(_Alignof(struct lane), (size_t)n_threads * sizeof *lanes);
    if (!pool || !workers || !lanes) {
        free(pool);
        free(workers);
        free(lanes);
        return mica_fail(err, MICA_ENOMEM, "thread pool: out of memory");
    }
    memset(pool, 0, sizeof *pool);
    memset(workers, 0, (size_t)n_threads * sizeof *workers);
    pool->workers = workers;
    pool->lanes = lanes;
    pool->n_threads = 1;
    /* The program's signals are for its own threads: workers take none. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int i = 1; i < n_threads; i++) {
        workers[i - 1].pool = pool;
        workers[i - 1].index = i;
        if (pthread_create(&workers[i - 1].thread, NULL, worker_main, &workers[i - 1]) != 0)
            break;
        pool->n_threads++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pool->n_threads < n_threads) {
        mica_fail(err, MICA_ENOMEM, "thread pool: cannot start thread %d of %d", pool->n_threads + 1,
                  n_threads);
        mica_pool_free(pool);
        return MICA_ENOMEM;
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
