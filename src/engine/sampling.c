/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* From logits to a token. Every step is a total order or a fixed-order sum, and the random number depends
 * only on the seed and the position, so a draw can be repeated anywhere. */
#include "base/philox.h"
#include "engine/internal.h"
#include "kern/math.h"

#include <math.h>
#include <string.h>

void mica_sampling_default(struct mica_sampling *sampling)
{
    *sampling = (struct mica_sampling){.top_p = 1, .repetition_penalty = 1};
}

enum mica_status mica_sampling_check(const struct mica_sampling *how, int64_t n_vocab, struct mica_err *err)
{
    const struct {
        const char *name;
        double value, least, most;
    } rows[] = {{"temperature", how->temperature, 0, 100},
                {"top_k", how->top_k, 0, INT32_MAX},
                {"top_p", how->top_p, 0, 1},
                {"min_p", how->min_p, 0, 1},
                {"repetition_penalty", how->repetition_penalty, 0.01, 100},
                {"presence_penalty", how->presence_penalty, -100, 100},
                {"frequency_penalty", how->frequency_penalty, -100, 100},
                {"penalty_last_n", (double)how->penalty_last_n, 0, INT32_MAX}};
    for (size_t i = 0; i < MICA_COUNT(rows); i++)
        if (!(rows[i].value >= rows[i].least && rows[i].value <= rows[i].most))
            return mica_fail(err, MICA_EARG, "%s is %g; it must lie between %g and %g", rows[i].name,
                             rows[i].value, rows[i].least, rows[i].most);
    for (int i = 0; i < how->n_logit_bias; i++)
        if (how->logit_bias[i].token < 0 || how->logit_bias[i].token >= n_vocab ||
            isnan(how->logit_bias[i].bias))
            return mica_fail(err, MICA_EARG,
                             "logit_bias: token %d is not in the vocabulary of %lld, or its bias is NaN",
                             how->logit_bias[i].token, (long long)n_vocab);
    return MICA_OK;
}

double mica_log_sum_exp(const struct mica_kern *kern, const float *logits, int64_t n)
{
    float max = kern->max(logits, n);
    return (double)max + mica_log((double)kern->sum_exp(logits, max, n));
}

/* a comes before b: the higher logit, then the lower id */
static bool before(struct mica_candidate a, struct mica_candidate b)
{
    return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

int mica_top_logits(const float *logits, int64_t n_vocab, int n, int32_t *ids_out)
{
    int kept = 0;
    for (int64_t i = 0; i < n_vocab; i++) {
        float value = logits[i];
        if (!(value > -INFINITY) || (kept == n && !(value > logits[ids_out[kept - 1]])))
            continue;
        int at = kept < n ? kept++ : kept - 1;
        for (; at > 0 && value > logits[ids_out[at - 1]]; at--)
            ids_out[at] = ids_out[at - 1];
        ids_out[at] = (int32_t)i;
    }
    return kept;
}

static void apply_penalties(const struct mica_sampling *how, float *logits, int64_t n_vocab,
                            const int32_t *history, int64_t n_history)
{
    bool repeats = how->repetition_penalty != 1,
         counts = how->presence_penalty != 0 || how->frequency_penalty != 0;
    int64_t first =
        how->penalty_last_n && how->penalty_last_n < n_history ? n_history - how->penalty_last_n : 0;
    if (!repeats && !counts)
        return;
    /* A token is handled at its first occurrence in the window. */
    for (int64_t i = first; i < n_history; i++) {
        int32_t id = history[i];
        int64_t n = 0;
        bool seen = id < 0 || id >= n_vocab;
        for (int64_t j = first; j < i && !seen; j++)
            seen = history[j] == id;
        if (seen)
            continue;
        for (int64_t j = i; j < n_history; j++)
            n += history[j] == id;
        float penalty = (float)how->repetition_penalty;
        if (repeats)
            logits[id] = logits[id] > 0 ? logits[id] / penalty : logits[id] * penalty;
        logits[id] -= (float)(how->presence_penalty + (double)n * how->frequency_penalty);
    }
}

static void sift_down(struct mica_candidate *heap, int64_t n, int64_t i)
{
    for (;;) {
        int64_t best = i, left = 2 * i + 1;
        for (int64_t child = left; child < left + 2 && child < n; child++)
            if (before(heap[child], heap[best]))
                best = child;
        if (best == i)
            return;
        struct mica_candidate swap = heap[i];
        heap[i] = heap[best];
        heap[best] = swap;
        i = best;
    }
}

/* Moves the best of heap[0..n) to heap[n − 1]. */
static struct mica_candidate pop(struct mica_candidate *heap, int64_t n)
{
    struct mica_candidate best = heap[0];
    heap[0] = heap[n - 1];
    heap[n - 1] = best;
    sift_down(heap, n - 1, 0);
    return best;
}

static double weight(struct mica_candidate c, float max, double temperature)
{
    return mica_exp(((double)c.logit - (double)max) / temperature);
}

/* Draws among all candidates, in the order they come. */
static int32_t draw_any(const struct mica_candidate *list, int64_t n, float max, double temperature, double u)
{
    double total = 0, cumulative = 0;
    for (int64_t i = 0; i < n; i++)
        total += weight(list[i], max, temperature);
    for (int64_t i = 0; i < n; i++)
        if ((cumulative += weight(list[i], max, temperature)) > u * total)
            return list[i].id;
    return list[n - 1].id;
}

/* Draws among the candidates; u is uniform in [0, 1). Popped candidates end up at the array's tail, best
 * last. */
static int32_t draw(const struct mica_sampling *how, struct mica_candidate *heap, int64_t n, float max,
                    double u)
{
    double total = 0, kept = 0, cumulative = 0, t = how->temperature;
    int64_t limit = how->top_k && how->top_k < n ? how->top_k : n, n_kept = 0;
    if (limit == n && how->top_p >= 1 && how->min_p <= 0)
        return draw_any(heap, n, max, t, u);
    for (int64_t i = n / 2; i-- > 0;)
        sift_down(heap, n, i);
    if (limit < n) {
        for (int64_t i = 0; i < limit; i++)
            total += weight(pop(heap, n - i), max, t);
    } else {
        for (int64_t i = 0; i < n; i++)
            total += weight(heap[i], max, t);
    }
    for (; n_kept < limit && (n_kept == 0 || kept < how->top_p * total); n_kept++) {
        struct mica_candidate next = limit < n ? heap[n - 1 - n_kept] : pop(heap, n - n_kept);
        double w = weight(next, max, t);
        if (n_kept > 0 && w < how->min_p) /* the best has weight exp(0) = 1 */
            break;
        kept += w;
    }
    for (int64_t i = 0; i < n_kept; i++)
        if ((cumulative += weight(heap[n - 1 - i], max, t)) > u * kept)
            return heap[n - 1 - i].id;
    return heap[n - n_kept].id;
}

enum mica_status mica_sample(const struct mica_kern *kern, const struct mica_sampling *how, float *logits,
                             int64_t n_vocab, const int32_t *history, int64_t n_history, int64_t position,
                             struct mica_candidate *scratch, int32_t *token_out, struct mica_err *err)
{
    /* Beyond this many nats under the best, a weight vanishes in a sum of doubles. */
    const float negligible = 40;
    int64_t n = 0;
    apply_penalties(how, logits, n_vocab, history, n_history);
    for (int i = 0; i < how->n_logit_bias; i++)
        logits[how->logit_bias[i].token] += how->logit_bias[i].bias;
    float max = kern->max(logits, n_vocab);
    if (!(max > -INFINITY && max < INFINITY))
        return mica_fail(err, MICA_EINTERNAL, "the model gave no finite logit at position %lld",
                         (long long)position);
    if (how->temperature == 0 || how->top_k == 1)
        return mica_top_logits(logits, n_vocab, 1, token_out), MICA_OK;
    float floor = max - negligible * (float)how->temperature;
    for (int64_t i = 0; i < n_vocab; i++)
        if (logits[i] >= floor)
            scratch[n++] = (struct mica_candidate){logits[i], (int32_t)i};
    *token_out = draw(how, scratch, n, max, mica_philox_uniform(how->seed, (uint64_t)position));
    return MICA_OK;
}
