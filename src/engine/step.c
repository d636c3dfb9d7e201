/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* One forward pass over a ragged batch: fills the captured graph's inputs, replays it, advances the sessions.
 */
#include "engine/internal.h"

#include <string.h>

enum { LOGITS_LIMIT = 32 << 20 }; /* bytes of logits in one step */

int64_t mica_engine_max_rows(const struct mica_engine *engine)
{
    int64_t rows = LOGITS_LIMIT / (engine->model->hp.n_vocab * (int64_t)sizeof(float));
    return rows < 1 ? 1 : rows < engine->chunk ? rows : engine->chunk;
}

static struct mica_tensor *input(struct mica_engine *engine, enum mica_dtype dtype, void *data, int n_dims,
                                 int64_t d0, int64_t d1, int64_t d2)
{
    return mica_input(engine->ctx, dtype, n_dims, (int64_t[]){d0, d1, d2}, data);
}

static enum mica_status capture(struct mica_engine *engine, int64_t n_tokens, int64_t n_rows,
                                enum mica_kv_type cache, struct mica_graph **out, struct mica_err *err)
{
    const struct mica_model *m = engine->model;
    mica_context_reset(engine->ctx);
    enum mica_status status = mica_graph_begin(engine->ctx, err);
    if (status != MICA_OK)
        return status;
    struct mica_step step = {.ctx = engine->ctx,
                             .ids = input(engine, MICA_I32, engine->ids, 1, n_tokens, 0, 0),
                             .out_rows = input(engine, MICA_I32, engine->rows, 1, n_rows, 0, 0),
                             .n_tokens = n_tokens,
                             .kv = &engine->batch[cache]};
    for (int i = 0; i < m->n_ropes; i++)
        step.rope[i] = input(engine, MICA_F32, engine->rope_tables[i], 3, n_tokens, m->rope[i].half, 2);
    struct mica_tensor *logits = mica_model_forward(m, &step);
    status = mica_graph_end(engine->ctx, &logits, 1, out, err);
    mica_context_reset(engine->ctx);
    return status;
}

/* The graph for this shape: captured once, then replayed; the least recently used one makes room. */
static enum mica_status find_graph(struct mica_engine *engine, int64_t n_tokens, int64_t n_rows,
                                   enum mica_kv_type cache, struct mica_graph **out, struct mica_err *err)
{
    struct mica_cached_graph *oldest = &engine->graphs[0];
    for (int i = 0; i < MICA_GRAPHS; i++) {
        struct mica_cached_graph *g = &engine->graphs[i];
        if (g->graph && g->n_tokens == n_tokens && g->n_rows == n_rows && g->cache == cache) {
            g->last_used = ++engine->clock;
            *out = g->graph;
            return MICA_OK;
        }
        if (g->last_used < oldest->last_used)
            oldest = g;
    }
    mica_graph_free(oldest->graph);
    *oldest = (struct mica_cached_graph){0};
    enum mica_status status = capture(engine, n_tokens, n_rows, cache, out, err);
    if (status == MICA_OK)
        *oldest = (struct mica_cached_graph){*out, n_tokens, n_rows, cache, ++engine->clock};
    return status;
}

static void take_blocks(struct mica_session *session, int64_t n_tokens)
{
    int64_t needed = (n_tokens + MICA_KV_BLOCK - 1) / MICA_KV_BLOCK;
    while (session->n_blocks < needed)
        session->block_table[session->n_blocks++] = mica_kv_pool_take(&session->engine->kv[session->cache]);
}

static enum mica_status check_parts(const struct mica_engine *engine, const struct mica_part *parts,
                                    int n_parts, struct mica_err *err)
{
    for (int i = 0; i < n_parts; i++) {
        const struct mica_session *s = parts[i].session;
        if (parts[i].n > s->ctx - s->n_tokens)
            return mica_fail(err, MICA_ELIMIT,
                             "%lld tokens after %lld do not fit a context of %lld: %lld too many",
                             (long long)parts[i].n, (long long)s->n_tokens, (long long)s->ctx,
                             (long long)(s->n_tokens + parts[i].n - s->ctx));
        for (int64_t j = 0; j < parts[i].n; j++)
            if (parts[i].tokens[j] < 0 || parts[i].tokens[j] >= engine->model->hp.n_vocab)
                return mica_fail(err, MICA_EARG, "token %d at %lld: the vocabulary has ids 0 to %lld",
                                 parts[i].tokens[j], (long long)j, (long long)engine->model->hp.n_vocab - 1);
    }
    return MICA_OK;
}

enum mica_status mica_engine_step(struct mica_engine *engine, const struct mica_part *parts, int n_parts,
                                  const atomic_bool *cancel, const float **logits_out, struct mica_err *err)
{
    const struct mica_model *m = engine->model;
    int64_t n_tokens = 0, n_rows = 0;
    enum mica_kv_type cache = parts[0].session->cache;
    struct mica_graph *graph;
    enum mica_status status = check_parts(engine, parts, n_parts, err);
    if (status != MICA_OK)
        return status;
    for (int i = 0; i < n_parts; i++) {
        const struct mica_part *part = &parts[i];
        struct mica_session *session = part->session;
        take_blocks(session, session->n_tokens + part->n);
        engine->seqs[i] = (struct mica_batch_seq){n_tokens, part->n, session->n_tokens, session->block_table};
        memcpy(engine->ids + n_tokens, part->tokens, (size_t)part->n * sizeof *engine->ids);
        for (int r = 0; r < m->n_ropes; r++)
            for (int64_t j = 0; j < part->n; j++)
                mica_rope_table(&m->rope[r], session->ctx, session->n_tokens + j,
                                engine->rope_tables[r] + (n_tokens + j) * m->rope[r].half * 2);
        for (int64_t j = part->logits_from; j < part->n; j++)
            engine->rows[n_rows++] = (int32_t)(n_tokens + j);
        n_tokens += part->n;
    }
    /* A step that wants no logits still computes one row: the graph's shape stays simple. */
    int64_t wanted = n_rows;
    if (!n_rows)
        engine->rows[n_rows++] = (int32_t)(n_tokens - 1);
    engine->batch[cache].seqs = engine->seqs;
    engine->batch[cache].n_seqs = n_parts;
    status = find_graph(engine, n_tokens, n_rows, cache, &graph, err);
    if (status == MICA_OK)
        status = mica_graph_run(graph, cancel, err);
    for (int i = 0; i < n_parts; i++) {
        struct mica_session *session = parts[i].session;
        if (status == MICA_OK)
            memcpy(session->tokens + session->n_tokens, parts[i].tokens,
                   (size_t)parts[i].n * sizeof(int32_t));
        int64_t keep = session->n_tokens + (status == MICA_OK ? parts[i].n : 0);
        session->n_tokens += parts[i].n;
        mica_session_truncate(session, keep); /* gives blocks back after a failure */
    }
    if (status == MICA_OK)
        *logits_out = wanted ? mica_graph_output(graph, 0) : NULL;
    return status;
}

enum mica_status mica_score(struct mica_session *session, const int32_t *tokens, int64_t n,
                            double *logprobs_out, struct mica_err *err)
{
    struct mica_engine *engine = session->engine;
    int64_t n_vocab = engine->model->hp.n_vocab, most = mica_engine_max_rows(engine);
    if (n < 1)
        return mica_fail(err, MICA_EARG, "no tokens to score");
    enum mica_status status = check_parts(engine, &(struct mica_part){session, tokens, n, 0}, 1, err);
    if (status != MICA_OK)
        return status;
    for (int64_t at = 0; at < n;) {
        int64_t count = n - at < most ? n - at : most;
        const float *logits;
        struct mica_part part = {session, tokens + at, count, 0};
        status = mica_engine_step(engine, &part, 1, NULL, &logits, err);
        if (status != MICA_OK)
            return status;
        if (at == 0)
            logprobs_out[0] = __builtin_nan("");
        for (int64_t i = 0; i < count && at + i + 1 < n; i++) {
            const float *row = logits + i * n_vocab;
            logprobs_out[at + i + 1] =
                (double)row[tokens[at + i + 1]] - mica_log_sum_exp(engine->kern, row, n_vocab);
        }
        at += count;
    }
    return MICA_OK;
}
