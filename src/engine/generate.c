/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Many requests through one engine: each step gathers what every sequence needs next (one token of decoding,
 * or the next piece of its prompt) into one ragged batch. A sequence has no phase of its own: it only catches
 * up with its tokens. */
#include "engine/internal.h"

#include <math.h>
#include <string.h>
#include <time.h>

enum { MAX_TOP = 20 };

struct run {
    const struct mica_request *request;
    struct mica_result *result;
    int64_t n_fed;        /* prompt tokens already in the cache */
    int32_t next;         /* the sampled token that the next step feeds */
    int64_t capacity;     /* of result->tokens and ->logprobs */
    struct mica_buf text; /* everything detokenised so far */
    size_t n_emitted;     /* bytes of text that the callback has seen */
    struct mica_detokenizer detok;
    double started, first;
    bool done;
};

struct batch {
    struct mica_engine *engine;
    struct run *runs;
    int n;
    struct mica_part *parts;
    int *part_runs; /* which run each part belongs to */
    float *logits;  /* [V], a copy that sampling may change */
    struct mica_candidate *candidates;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void finish(struct run *run, const char *reason)
{
    double end = now();
    run->done = true;
    run->result->finish_reason = reason;
    run->result->prompt_seconds = (run->first > 0 ? run->first : end) - run->started;
    run->result->decode_seconds = run->first > 0 ? end - run->first : 0;
}

static void finish_failed(struct run *run, enum mica_status status, const struct mica_err *err)
{
    run->result->status = status;
    run->result->err = *err;
    finish(run, "error");
}

static enum mica_status check_request(const struct mica_engine *engine, const struct mica_request *r,
                                      struct mica_err *err)
{
    const struct mica_session *s = r->session;
    if (r->n_prompt < 1)
        return mica_fail(err, MICA_EARG, "the prompt is empty: give at least one token");
    if (r->n_top < 0 || r->n_top > MAX_TOP)
        return mica_fail(err, MICA_EARG, "%d alternatives per token: must lie between 0 and %d", r->n_top,
                         MAX_TOP);
    if (r->max_tokens < 0)
        return mica_fail(err, MICA_EARG, "max_tokens is %lld; it must not be negative",
                         (long long)r->max_tokens);
    if (s->n_tokens + r->n_prompt > s->ctx)
        return mica_fail(
            err, MICA_ELIMIT,
            "the prompt of %lld tokens after %lld in the session does not fit the context of %lld: "
            "%lld too many; shorten it or open a longer context",
            (long long)r->n_prompt, (long long)s->n_tokens, (long long)s->ctx,
            (long long)(s->n_tokens + r->n_prompt - s->ctx));
    for (int64_t i = 0; i < r->n_prompt; i++)
        if (r->prompt[i] < 0 || r->prompt[i] >= engine->model->hp.n_vocab)
            return mica_fail(err, MICA_EARG, "prompt token %lld is %d; the vocabulary has ids 0 to %lld",
                             (long long)i, r->prompt[i], (long long)engine->model->hp.n_vocab - 1);
    return mica_sampling_check(&r->sampling, engine->model->hp.n_vocab, err);
}

static void start(struct mica_engine *engine, struct run *run, const struct mica_request *request,
                  struct mica_result *result)
{
    struct mica_err err;
    *result = (struct mica_result){.finish_reason = "error"};
    *run = (struct run){.request = request, .result = result, .started = now()};
    run->detok = (struct mica_detokenizer){.tok = engine->tokenizer, .skip_special = true};
    mica_buf_puts(&run->text, "");
    enum mica_status status = check_request(engine, request, &err);
    if (status != MICA_OK)
        finish_failed(run, status, &err);
}

/* Where the earliest stop text begins at or after from, or SIZE_MAX; *held is set to the length of the
 * longest tail that may still become one. */
static size_t find_stop(const struct run *run, size_t from, size_t *held)
{
    const struct mica_request *r = run->request;
    size_t found = SIZE_MAX;
    *held = 0;
    for (int i = 0; i < r->n_stop; i++) {
        size_t len = strlen(r->stop[i]);
        if (!len)
            continue;
        const char *at = memmem(run->text.data + from, run->text.len - from, r->stop[i], len);
        if (at && (size_t)(at - run->text.data) < found)
            found = (size_t)(at - run->text.data);
        size_t most = run->text.len - from < len - 1 ? run->text.len - from : len - 1;
        for (size_t tail = most; tail > *held; tail--)
            if (memcmp(run->text.data + run->text.len - tail, r->stop[i], tail) == 0)
                *held = tail;
    }
    return found;
}

static bool is_end(const struct mica_engine *engine, const struct mica_request *r, int32_t token)
{
    for (int i = 0; i < r->n_stop_tokens; i++)
        if (r->stop_tokens[i] == token)
            return true;
    return !r->ignore_end && engine->tokenizer && mica_tokenizer_is_end(engine->tokenizer, token);
}

static enum mica_status append_token(struct run *run, int32_t token, double logprob, struct mica_err *err)
{
    struct mica_result *result = run->result;
    int64_t capacity = run->capacity;
    if (!mica_grow(&result->tokens, result->n_tokens, &capacity, sizeof *result->tokens))
        return mica_fail(err, MICA_ENOMEM, "tokens: out of memory");
    capacity = run->capacity;
    if (!mica_grow(&result->logprobs, result->n_tokens, &capacity, sizeof *result->logprobs))
        return mica_fail(err, MICA_ENOMEM, "log-probabilities: out of memory");
    run->capacity = capacity;
    result->tokens[result->n_tokens] = token;
    result->logprobs[result->n_tokens++] = logprob;
    return MICA_OK;
}

/* Takes in the token just sampled: text, stop texts, the callback, and whether the run has ended. */
static enum mica_status accept(struct mica_engine *engine, struct run *run, int32_t token, double logprob,
                               const struct mica_alternative *top, int n_top, struct mica_err *err)
{
    const struct mica_request *r = run->request;
    const char *reason = NULL;
    size_t held = 0;
    enum mica_status status = append_token(run, token, logprob, err);
    if (status != MICA_OK)
        return status;
    int64_t n = run->result->n_tokens, length = r->session->n_tokens;
    if (is_end(engine, r, token))
        reason = "stop";
    else if (engine->tokenizer)
        status = mica_detokenizer_next(&run->detok, token, &run->text, err);
    /* The token itself needs a position before another one can follow. */
    if (status == MICA_OK && !reason &&
        ((r->max_tokens && n >= r->max_tokens) || length + 1 > r->session->ctx))
        reason = "length";
    if (status == MICA_OK && reason && engine->tokenizer)
        status = mica_detokenizer_flush(&run->detok, &run->text, err);
    if (status != MICA_OK)
        return status;
    if (run->text.failed)
        return mica_fail(err, MICA_ENOMEM, "text: out of memory");
    size_t cut = find_stop(run, run->n_emitted, &held), emit = run->text.len - held;
    if (cut != SIZE_MAX) {
        reason = "stop";
        run->text.len = emit = cut;
        run->text.data[cut] = 0;
    } else if (reason) {
        emit = run->text.len;
    }
    struct mica_event event = {token, logprob, run->text.data + run->n_emitted, emit - run->n_emitted, n - 1,
                               n_top, top};
    run->n_emitted = emit;
    if (r->on_token && !r->on_token(r->user, &event) && !reason)
        reason = "cancelled";
    if (reason)
        finish(run, reason);
    run->next = token;
    return MICA_OK;
}

/* Samples run's next token from its row of logits. */
static enum mica_status sample(struct batch *b, struct run *run, const float *row, struct mica_err *err)
{
    struct mica_engine *engine = b->engine;
    const struct mica_session *session = run->request->session;
    int64_t n_vocab = engine->model->hp.n_vocab;
    struct mica_alternative top[MAX_TOP];
    int32_t ids[MAX_TOP], token;
    double log_sum = mica_log_sum_exp(engine->kern, row, n_vocab);
    int n_top = run->request->n_top ? mica_top_logits(row, n_vocab, run->request->n_top, ids) : 0;
    for (int i = 0; i < n_top; i++)
        top[i] = (struct mica_alternative){ids[i], (double)row[ids[i]] - log_sum};
    memcpy(b->logits, row, (size_t)n_vocab * sizeof *row);
    enum mica_status status =
        mica_sample(engine->kern, &run->request->sampling, b->logits, n_vocab, session->tokens,
                    session->n_tokens, session->n_tokens, b->candidates, &token, err);
    if (status != MICA_OK)
        return status;
    if (run->first == 0)
        run->first = now();
    return accept(engine, run, token, (double)row[token] - log_sum, top, n_top, err);
}

/* Gathers the next step: one token of every decoding run, then prompt pieces while the budget lasts. */
static int gather(struct batch *b)
{
    int64_t budget = b->engine->chunk, rows = mica_engine_max_rows(b->engine);
    int n_parts = 0, cache = -1;
    for (int decoding = 1; decoding >= 0; decoding--) {
        for (int i = 0; i < b->n && budget > 0 && rows > 0; i++) {
            struct run *run = &b->runs[i];
            const struct mica_request *r = run->request;
            int64_t left = r->n_prompt - run->n_fed;
            if (run->done || (left == 0) != decoding || (cache >= 0 && (int)r->session->cache != cache))
                continue;
            cache = (int)r->session->cache;
            int64_t n = decoding ? 1 : left < budget ? left : budget;
            b->parts[n_parts] = (struct mica_part){r->session, decoding ? &run->next : r->prompt + run->n_fed,
                                                   n, decoding || n == left ? n - 1 : n};
            b->part_runs[n_parts++] = i;
            budget -= n;
            rows -= n == left || decoding;
        }
    }
    return n_parts;
}

static void check_cancelled(struct batch *b)
{
    for (int i = 0; i < b->n; i++)
        if (!b->runs[i].done && atomic_exchange(&b->runs[i].request->session->cancelled, false))
            finish(&b->runs[i], "cancelled");
}

static enum mica_status step(struct batch *b, int n_parts, struct mica_err *err)
{
    const float *logits;
    /* Only a request that is alone may break off a forward pass; others would lose their work. */
    const atomic_bool *cancel = n_parts == 1 ? &b->parts[0].session->cancelled : NULL;
    enum mica_status status = mica_engine_step(b->engine, b->parts, n_parts, cancel, &logits, err);
    if (status != MICA_OK)
        return status;
    int64_t row = 0, n_vocab = b->engine->model->hp.n_vocab;
    for (int i = 0; i < n_parts; i++) {
        struct run *run = &b->runs[b->part_runs[i]];
        struct mica_err own;
        if (run->n_fed < run->request->n_prompt)
            run->n_fed += b->parts[i].n;
        if (b->parts[i].logits_from == b->parts[i].n)
            continue;
        status = sample(b, run, logits + row++ * n_vocab, &own);
        if (status != MICA_OK)
            finish_failed(run, status, &own);
    }
    return MICA_OK;
}

/* A step that fails ends the requests that were in it, and only those. */
static void run_all(struct batch *b)
{
    for (int n_parts; check_cancelled(b), (n_parts = gather(b)) > 0;) {
        struct mica_err err;
        enum mica_status status = step(b, n_parts, &err);
        for (int i = 0; status != MICA_OK && i < n_parts; i++) {
            struct run *run = &b->runs[b->part_runs[i]];
            atomic_store(&b->parts[i].session->cancelled, false);
            if (status == MICA_ECANCELLED)
                finish(run, "cancelled");
            else
                finish_failed(run, status, &err);
        }
    }
}

enum mica_status mica_generate(struct mica_engine *engine, const struct mica_request *requests, int n,
                               struct mica_result *results, struct mica_err *err)
{
    size_t n_vocab = (size_t)engine->model->hp.n_vocab, count = n > 0 ? (size_t)n : 1;
    for (int i = 0; i < n; i++)
        results[i] = (struct mica_result){.finish_reason = "error"};
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++)
            if (!requests[i].session || requests[i].session->engine != engine ||
                (j < i && requests[i].session == requests[j].session))
                return mica_fail(err, MICA_EARG,
                                 "request %d: needs a session of this engine that no other request uses", i);
    struct batch b = {engine,
                      mica_alloc(count, sizeof *b.runs),
                      n,
                      mica_alloc(count, sizeof *b.parts),
                      mica_alloc(count, sizeof *b.part_runs),
                      mica_alloc(n_vocab, sizeof *b.logits),
                      mica_alloc(n_vocab, sizeof *b.candidates)};
    enum mica_status status = MICA_OK;
    if (!b.runs || !b.parts || !b.part_runs || !b.logits || !b.candidates) {
        status = mica_fail(err, MICA_ENOMEM, "generate: out of memory");
    } else {
        for (int i = 0; i < n; i++)
            start(engine, &b.runs[i], &requests[i], &results[i]);
        run_all(&b);
        for (int i = 0; i < n; i++) {
            results[i].text = b.runs[i].text.data;
            results[i].text_len = b.runs[i].text.len;
        }
    }
    mica_free(b.runs);
    mica_free(b.parts);
    mica_free(b.part_runs);
    mica_free(b.logits);
    mica_free(b.candidates);
    return status;
}

void mica_result_release(struct mica_result *result)
{
    mica_free(result->tokens);
    mica_free(result->logprobs);
    mica_free(result->text);
    *result = (struct mica_result){.finish_reason = "error"};
}
