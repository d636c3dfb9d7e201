/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { N_ITEMS = 1000 };

struct tally {
    atomic_int seen[N_ITEMS];
    atomic_int bad_ranges;
    int n_threads;
    int64_t n_items, grain;
};

static void count_items(void *arg, int64_t begin, int64_t end, int thread)
{
    struct tally *tally = arg;
    if (begin < 0 || end > tally->n_items || begin >= end || thread < 0 || thread >= tally->n_threads)
        atomic_fetch_add(&tally->bad_ranges, 1);
    for (int64_t i = begin; i < end; i++)
        atomic_fetch_add(&tally->seen[i], 1);
}

static void every_item_once(void **state)
{
    static const int threads[] = {1, 2, 3, 7};
    static const int64_t items[] = {1, 2, 63, N_ITEMS}, grains[] = {1, 7, 64, 5000};
    for (size_t t = 0; t < MICA_COUNT(threads); t++) {
        struct mica_pool *pool;
        struct mica_err err;
        assert_int_equal(mica_pool_new(threads[t], &pool, &err), MICA_OK);
        assert_int_equal(mica_pool_threads(pool), threads[t]);
        for (size_t row = 0; row < MICA_COUNT(items) * MICA_COUNT(grains); row++) {
            struct tally tally = {.n_threads = threads[t]};
            tally.n_items = items[row / MICA_COUNT(grains)];
            tally.grain = grains[row % MICA_COUNT(grains)];
            mica_pool_run(pool, tally.n_items, tally.grain, count_items, &tally);
            for (int64_t i = 0; i < N_ITEMS; i++)
                if (tally.seen[i] != (i < tally.n_items) || tally.bad_ranges)
                    fail_msg("%d threads, %d items by %d: item %d done %d times, %d bad ranges", threads[t],
                             (int)tally.n_items, (int)tally.grain, (int)i, tally.seen[i], tally.bad_ranges);
        }
        mica_pool_free(pool);
    }
}

/* What a job reads, plainly and not atomically: ThreadSanitizer sees it when a job starts or ends too early.
 */
struct step {
    int64_t *values;
    int64_t add;
};

static void add_to_items(void *arg, int64_t begin, int64_t end, int thread)
{
    const struct step *step = arg;
    for (int64_t i = begin; i < end; i++)
        step->values[i] += step->add;
}

static void jobs_see_what_earlier_jobs_wrote(void **state)
{
    enum { N_JOBS = 2000, N_VALUES = 97 };
    struct mica_pool *pool;
    int64_t values[N_VALUES] = {0}, sum = 0;
    assert_int_equal(mica_pool_new(3, &pool, NULL), MICA_OK);
    for (int64_t job = 0; job < N_JOBS; job++) {
        struct step step = {values, job};
        mica_pool_run(pool, N_VALUES, 1 + job % 5, add_to_items, &step);
        sum += job;
    }
    mica_pool_free(pool);
    for (int i = 0; i < N_VALUES; i++)
        if (values[i] != sum)
            fail_msg("item %d: %lld, not %lld", i, (long long)values[i], (long long)sum);
}

static void edges(void **state)
{
    struct mica_pool *pool = NULL;
    struct mica_err err = {0};
    assert_int_equal(mica_pool_new(-1, &pool, &err), MICA_EARG);
    assert_null(pool);
    assert_non_null(strstr(err.text, "-1"));
    assert_int_equal(mica_pool_new(1025, &pool, NULL), MICA_EARG);
    struct tally tally = {.n_threads = 1, .n_items = 5};
    mica_pool_run(NULL, 0, 1, count_items, &tally);
    assert_int_equal(tally.seen[0], 0);
    mica_pool_run(NULL, 5, 0, count_items, &tally);
    assert_int_equal(tally.seen[4], 1);
    assert_int_equal(mica_pool_threads(NULL), 1);
    assert_true(mica_cpu_count() >= 1);
    mica_pool_free(NULL);
}

static void dawdle(void *arg, int64_t begin, int64_t end, int thread)
{
    count_items(arg, begin, end, thread);
    usleep(thread ? 1500 : 100);
}

/* Workers that keep the caller waiting are left out for a while and come back; no item is lost or done twice.
 */
static void late_workers(void **state)
{
    struct mica_pool *pool;
    (void)state;
    assert_int_equal(mica_pool_new(3, &pool, NULL), MICA_OK);
    for (int run = 0; run < 60; run++) {
        struct tally tally = {.n_threads = 3, .n_items = 200, .grain = 10};
        mica_pool_run(pool, tally.n_items, tally.grain, run % 3 ? dawdle : count_items, &tally);
        for (int i = 0; i < 200; i++)
            if (tally.seen[i] != 1)
                fail_msg("run %d: item %d done %d times", run, i, tally.seen[i]);
    }
    mica_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(late_workers),
        cmocka_unit_test(every_item_once),
        cmocka_unit_test(jobs_see_what_earlier_jobs_wrote),
        cmocka_unit_test(edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
