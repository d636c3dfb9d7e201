/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/internal.h"

enum { DEFAULT_CTX = 4096 };

enum mica_status mica_session_open(struct mica_engine *engine, const struct mica_session_options *options,
                                   struct mica_session **out, struct mica_err *err)
{
    const struct mica_hparams *hp = &engine->model->hp;
    int64_t ctx = options && options->ctx ? options->ctx : hp->n_ctx < DEFAULT_CTX ? hp->n_ctx : DEFAULT_CTX;
    static const enum mica_kv_type types[] = {
        [MICA_CACHE_F16] = MICA_KV_F16, [MICA_CACHE_Q8_0] = MICA_KV_Q8_0, [MICA_CACHE_F32] = MICA_KV_F32};
    if (options && (unsigned)options->cache >= MICA_COUNT(types))
        return mica_fail(err, MICA_EARG, "KV cache type %d does not exist", (int)options->cache);
    enum mica_kv_type cache = types[options ? options->cache : MICA_CACHE_F16];
    if (ctx < 1 || ctx > hp->n_ctx)
        return mica_fail(err, MICA_EARG, "context of %lld positions: this model takes 1 to %lld",
                         (long long)ctx, (long long)hp->n_ctx);
    struct mica_kv_pool *pool = &engine->kv[cache];
    if (!pool->ready) {
        enum mica_status status = mica_kv_pool_init(pool, hp, cache, err);
        if (status != MICA_OK)
            return status;
        engine->batch[cache].layers = pool->layers;
    }
    int64_t n_blocks = (ctx + MICA_KV_BLOCK - 1) / MICA_KV_BLOCK;
    struct mica_session *session = mica_alloc(1, sizeof *session);
    int32_t *tokens = mica_alloc((size_t)ctx, sizeof *tokens),
            *table = mica_alloc((size_t)n_blocks, sizeof *table);
    enum mica_status status = MICA_ENOMEM;
    if (!session || !tokens || !table)
        mica_fail(err, MICA_ENOMEM, "session: out of memory");
    else
        status = mica_kv_pool_reserve(pool, n_blocks, err);
    if (status != MICA_OK) {
        mica_free(session);
        mica_free(tokens);
        mica_free(table);
        return status;
    }
    session->engine = engine;
    session->cache = cache;
    session->ctx = ctx;
    session->tokens = tokens;
    session->block_table = table;
    engine->n_sessions++;
    *out = session;
    return MICA_OK;
}

void mica_session_close(struct mica_session *session)
{
    if (!session)
        return;
    mica_session_truncate(session, 0);
    mica_kv_pool_unreserve(&session->engine->kv[session->cache],
                           (session->ctx + MICA_KV_BLOCK - 1) / MICA_KV_BLOCK);
    session->engine->n_sessions--;
    mica_free(session->tokens);
    mica_free(session->block_table);
    mica_free(session);
}

void mica_session_truncate(struct mica_session *session, int64_t n)
{
    n = n < 0 ? 0 : n > session->n_tokens ? session->n_tokens : n;
    int64_t keep = (n + MICA_KV_BLOCK - 1) / MICA_KV_BLOCK;
    while (session->n_blocks > keep)
        mica_kv_pool_give(&session->engine->kv[session->cache], session->block_table[--session->n_blocks]);
    session->n_tokens = n;
}

int64_t mica_session_length(const struct mica_session *session)
{
    return session->n_tokens;
}

int64_t mica_session_context(const struct mica_session *session)
{
    return session->ctx;
}

void mica_session_cancel(struct mica_session *session)
{
    atomic_store(&session->cancelled, true);
}
