/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Tokens drawn from logits, against a plain computation that sorts everything and sums in doubles. */
#include "base/philox.h"
#include "engine/internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { VOCAB = 40, HISTORY = 12 };

static const struct mica_kern *kern;

static uint64_t random_state;

static double uniform(void)
{
    return mica_philox_uniform(1234, random_state++);
}

static int below(int n)
{
    return (int)(uniform() * n);
}

static int32_t sample(const struct mica_sampling *how, const float *logits, const int32_t *history,
                      int64_t n_history, int64_t position)
{
    float copy[VOCAB];
    struct mica_candidate scratch[VOCAB];
    struct mica_err err = {0};
    int32_t token = -1;
    memcpy(copy, logits, sizeof copy);
    enum mica_status status =
        mica_sample(kern, how, copy, VOCAB, history, n_history, position, scratch, &token, &err);
    if (status != MICA_OK)
        fail_msg("mica_sample: %s", err.text);
    return token;
}

/* ---- the plain computation */

struct ranked {
    double logit, p;
    int32_t id;
};

static int by_rank(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return x->logit != y->logit ? (x->logit < y->logit) - (x->logit > y->logit)
                                : (x->id > y->id) - (x->id < y->id);
}

static int by_id(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static void adjust(const struct mica_sampling *how, float *logits, const int32_t *history, int n_history)
{
    int count[VOCAB] = {0};
    int first =
        how->penalty_last_n && how->penalty_last_n < n_history ? n_history - (int)how->penalty_last_n : 0;
    for (int i = first; i < n_history; i++)
        count[history[i]]++;
    for (int id = 0; id < VOCAB; id++) {
        if (!count[id])
            continue;
        float r = (float)how->repetition_penalty;
        logits[id] = logits[id] > 0 ? logits[id] / r : logits[id] * r;
        logits[id] -= (float)(how->presence_penalty + count[id] * how->frequency_penalty);
    }
    for (int i = 0; i < how->n_logit_bias; i++)
        logits[how->logit_bias[i].token] += how->logit_bias[i].bias;
}

/* The expected token; −1 when the draw falls too close to a border to tell. */
static int32_t expected(const struct mica_sampling *how, const float *logits, const int32_t *history,
                        int n_history, int64_t position)
{
    float changed[VOCAB];
    struct ranked list[VOCAB];
    int n = 0, n_all = 0, kept = 0;
    memcpy(changed, logits, sizeof changed);
    adjust(how, changed, history, n_history);
    for (int id = 0; id < VOCAB; id++)
        list[id] = (struct ranked){changed[id], 0, id};
    qsort(list, VOCAB, sizeof *list, by_rank);
    if (how->temperature == 0)
        return list[0].id;
    double total = 0, sum = 0, at = 0;
    /* What lies 40 nats and more under the best does not count. */
    while (n_all < VOCAB && list[n_all].logit >= (float)list[0].logit - 40 * (float)how->temperature)
        n_all++;
    n = how->top_k && how->top_k < n_all ? how->top_k : n_all;
    for (int i = 0; i < n; i++)
        total += list[i].p = exp((list[i].logit - list[0].logit) / how->temperature);
    while (kept < n && (kept == 0 || (sum < how->top_p * total && list[kept].p >= how->min_p)))
        sum += list[kept++].p;
    /* Without a rank to cut at, the draw goes through the vocabulary in its own order. */
    if (n == n_all && how->top_p >= 1 && how->min_p == 0)
        qsort(list, VOCAB, sizeof *list, by_id);
    double u = mica_philox_uniform(how->seed, (uint64_t)position) * sum;
    for (int i = 0; i < kept; i++) {
        at += list[i].p;
        if (fabs(at - u) < 1e-9 * total)
            return -1;
        if (at > u)
            return list[i].id;
    }
    return -1;
}

/* ---- tests */

static void test_every_setting(void **state)
{
    static const double temperatures[] = {0, 0.1, 0.7, 1, 3}, top_ps[] = {1, 0.95, 0.5, 1e-6},
                        min_ps[] = {0, 0.02, 0.3, 1}, repetitions[] = {1, 1.3, 0.7}, costs[] = {0, 1.5, -0.4};
    static const int top_ks[] = {0, 1, 2, 7, VOCAB - 1, VOCAB, 1000}, windows[] = {0, 1, 5, 100};
    int undecided = 0;
    for (int i = 0; i < 4000; i++) {
        struct mica_logit_bias biases[2] = {{below(VOCAB), (float)(uniform() * 8 - 4)}, {below(VOCAB), 2}};
        struct mica_sampling how = {.temperature = temperatures[below(5)],
                                    .top_k = top_ks[below(7)],
                                    .top_p = top_ps[below(4)],
                                    .min_p = min_ps[below(4)],
                                    .repetition_penalty = repetitions[below(3)],
                                    .presence_penalty = costs[below(3)],
                                    .frequency_penalty = costs[below(3)],
                                    .penalty_last_n = windows[below(4)],
                                    .seed = (uint64_t)below(1 << 20) << 33 | 5,
                                    .logit_bias = biases,
                                    .n_logit_bias = below(3)};
        float logits[VOCAB];
        int32_t history[HISTORY];
        int n_history = below(HISTORY + 1);
        bool ties = below(2);
        for (int id = 0; id < VOCAB; id++)
            logits[id] = ties ? (float)(below(5) - 2) : (float)(uniform() * 12 - 6);
        for (int k = 0; k < n_history; k++)
            history[k] = below(VOCAB / 2);
        int64_t position = below(1 << 20);
        int32_t want = expected(&how, logits, history, n_history, position);
        undecided += want < 0;
        int32_t got = sample(&how, logits, history, n_history, position);
        if (want >= 0 && got != want)
            fail_msg("case %d (T %g, top-k %d, top-p %g, min-p %g): token %d, not %d", i, how.temperature,
                     how.top_k, how.top_p, how.min_p, got, want);
    }
    assert_in_range(undecided, 0, 40);
}

static void test_ties_go_to_the_lower_id(void **state)
{
    struct mica_sampling how;
    float logits[VOCAB] = {0};
    mica_sampling_default(&how);
    logits[31] = logits[9] = logits[17] = 3;
    assert_int_equal(sample(&how, logits, NULL, 0, 0), 9);
    how.temperature = 1;
    how.top_k = 1;
    assert_int_equal(sample(&how, logits, NULL, 0, 0), 9);
    how.top_k = 2; /* cuts through the three that are equal */
    for (int64_t position = 0; position < 200; position++) {
        int32_t token = sample(&how, logits, NULL, 0, position);
        assert_true(token == 9 || token == 17);
    }
}

static void test_top_logits(void **state)
{
    const float logits[] = {1, 5, NAN, 5, -INFINITY, 7, 1};
    const int32_t want[] = {5, 1, 3, 0, 6};
    int32_t ids[7];
    assert_int_equal(mica_top_logits(logits, 7, 7, ids), 5); /* NaN and −inf never count */
    assert_memory_equal(ids, want, sizeof want);
    for (int n = 1; n <= 5; n++) {
        assert_int_equal(mica_top_logits(logits, 7, n, ids), n);
        assert_memory_equal(ids, want, (size_t)n * sizeof *ids);
    }
}

static void test_seed_and_position_alone_decide(void **state)
{
    struct mica_sampling how;
    float logits[VOCAB];
    int32_t forward[64], other[64];
    int different = 0;
    mica_sampling_default(&how);
    how.temperature = 1;
    for (int id = 0; id < VOCAB; id++)
        logits[id] = (float)uniform();
    for (int64_t i = 0; i < 64; i++)
        forward[i] = sample(&how, logits, NULL, 0, i);
    for (int64_t i = 63; i >= 0; i--) /* in another order */
        assert_int_equal(sample(&how, logits, NULL, 0, i), forward[i]);
    how.seed = UINT64_C(1) << 63;
    for (int64_t i = 0; i < 64; i++) {
        other[i] = sample(&how, logits, NULL, 0, i);
        different += other[i] != forward[i];
    }
    assert_in_range(different, 40, 64);
}

/* Each token comes as often as its probability says, within six standard deviations. */
static void test_frequencies(void **state)
{
    enum { DRAWS = 20000 };
    static const struct {
        int top_k;
        double temperature;
    } rows[] = {{0, 1}, {0, 2}, {5, 1}};
    for (size_t row = 0; row < MICA_COUNT(rows); row++) {
        struct mica_sampling how;
        float logits[VOCAB];
        int counts[VOCAB] = {0};
        double total = 0;
        int n = rows[row].top_k ? rows[row].top_k : VOCAB;
        mica_sampling_default(&how);
        how.temperature = rows[row].temperature;
        how.top_k = rows[row].top_k;
        for (int id = 0; id < VOCAB; id++)
            logits[id] = -0.2f * (float)id;
        for (int id = 0; id < n; id++)
            total += exp(logits[id] / how.temperature);
        for (int i = 0; i < DRAWS; i++)
            counts[sample(&how, logits, NULL, 0, i)]++;
        for (int id = 0; id < VOCAB; id++) {
            double p = id < n ? exp(logits[id] / how.temperature) / total : 0;
            if (fabs(counts[id] - DRAWS * p) > 6 * sqrt(DRAWS * p * (1 - p)) + 1)
                fail_msg("row %zu: token %d came %d times of %d, not about %.0f", row, id, counts[id], DRAWS,
                         DRAWS * p);
        }
    }
}

static void test_extreme_temperatures(void **state)
{
    struct mica_sampling how;
    float logits[VOCAB] = {0};
    int seen[VOCAB] = {0}, n_seen = 0;
    mica_sampling_default(&how);
    logits[5] = 1;
    how.temperature = 1e-300;
    for (int64_t i = 0; i < 100; i++)
        assert_int_equal(sample(&how, logits, NULL, 0, i), 5);
    how.temperature = 100;
    for (int64_t i = 0; i < 1000; i++)
        seen[sample(&how, logits, NULL, 0, i)] = 1;
    for (int id = 0; id < VOCAB; id++)
        n_seen += seen[id];
    assert_int_equal(n_seen, VOCAB);
}

static void test_no_finite_logit(void **state)
{
    struct mica_sampling how;
    float logits[VOCAB];
    struct mica_candidate scratch[VOCAB];
    struct mica_err err = {0};
    int32_t token = -1;
    mica_sampling_default(&how);
    for (int id = 0; id < VOCAB; id++)
        logits[id] = -INFINITY;
    assert_int_equal(mica_sample(kern, &how, logits, VOCAB, NULL, 0, 17, scratch, &token, &err),
                     MICA_EINTERNAL);
    assert_non_null(strstr(err.text, "17"));
    assert_int_equal(token, -1);
    logits[3] = -1e30f; /* one is enough, and tokens at −inf are never drawn */
    how.temperature = 100;
    for (int64_t i = 0; i < 50; i++)
        assert_int_equal(sample(&how, logits, NULL, 0, i), 3);
}

static void test_wrong_settings(void **state)
{
    static const struct mica_logit_bias unknown = {VOCAB, 1}, negative = {-1, 1}, not_a_number = {1, NAN};
    static const struct {
        const char *word;
        struct mica_sampling how;
    } rows[] = {
        {"temperature", {.temperature = -0.1, .top_p = 1, .repetition_penalty = 1}},
        {"temperature", {.temperature = NAN, .top_p = 1, .repetition_penalty = 1}},
        {"temperature", {.temperature = INFINITY, .top_p = 1, .repetition_penalty = 1}},
        {"top_k", {.top_k = -1, .top_p = 1, .repetition_penalty = 1}},
        {"top_p", {.top_p = 1.01, .repetition_penalty = 1}},
        {"min_p", {.min_p = -1, .top_p = 1, .repetition_penalty = 1}},
        {"repetition_penalty", {.top_p = 1, .repetition_penalty = 0}},
        {"presence_penalty", {.top_p = 1, .repetition_penalty = 1, .presence_penalty = NAN}},
        {"frequency_penalty", {.top_p = 1, .repetition_penalty = 1, .frequency_penalty = 1000}},
        {"penalty_last_n", {.top_p = 1, .repetition_penalty = 1, .penalty_last_n = -1}},
        {"logit_bias", {.top_p = 1, .repetition_penalty = 1, .logit_bias = &unknown, .n_logit_bias = 1}},
        {"logit_bias", {.top_p = 1, .repetition_penalty = 1, .logit_bias = &negative, .n_logit_bias = 1}},
        {"logit_bias", {.top_p = 1, .repetition_penalty = 1, .logit_bias = &not_a_number, .n_logit_bias = 1}},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_err err = {0};
        if (mica_sampling_check(&rows[i].how, VOCAB, &err) != MICA_EARG || !strstr(err.text, rows[i].word))
            fail_msg("row %zu (%s): '%s'", i, rows[i].word, err.text);
    }
    struct mica_sampling plain;
    mica_sampling_default(&plain);
    assert_int_equal(mica_sampling_check(&plain, VOCAB, NULL), MICA_OK);
}

static void test_log_sum_exp(void **state)
{
    for (int round = 0; round < 50; round++) {
        float logits[VOCAB];
        double sum = 0, scale = round % 5 * 10;
        for (int id = 0; id < VOCAB; id++)
            logits[id] = (float)(uniform() * scale + round * 100);
        for (int id = 0; id < VOCAB; id++)
            sum += exp((double)logits[id] - round * 100);
        assert_true(fabs(mica_log_sum_exp(kern, logits, VOCAB) - (log(sum) + round * 100)) < 1e-5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_setting),   cmocka_unit_test(test_ties_go_to_the_lower_id),
        cmocka_unit_test(test_top_logits),      cmocka_unit_test(test_seed_and_position_alone_decide),
        cmocka_unit_test(test_frequencies),     cmocka_unit_test(test_extreme_temperatures),
        cmocka_unit_test(test_no_finite_logit), cmocka_unit_test(test_wrong_settings),
        cmocka_unit_test(test_log_sum_exp),
    };
    kern = mica_kern_get();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
