/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What the engine's files share. */
#ifndef MICA_ENGINE_INTERNAL_H
#define MICA_ENGINE_INTERNAL_H

#include "format/chat.h"
#include "model/model.h"

#include <mica/engine.h>
#include <stdatomic.h>

/* All layers' KV cache in one growing mapping, in blocks of MICA_KV_BLOCK positions. A block holds every
 * layer's part, so memory is touched only as sequences grow. A sequence names its blocks in a block table. */
struct mica_kv_pool {
    uint8_t *data;
    size_t layer_bytes, block_bytes;
    int64_t n_blocks, n_reserved; /* blocks there are; blocks promised to open sessions */
    int32_t *free_blocks;
    int64_t n_free;
    struct mica_kv_layer *layers; /* [n_layers], kept in step with data */
    int64_t n_layers;
    bool ready;
};
enum mica_status mica_kv_pool_init(struct mica_kv_pool *pool, const struct mica_hparams *hp,
                                   enum mica_kv_type type, struct mica_err *err);
/* Promises n more blocks, growing the mapping as needed; so taking a promised block never fails. */
enum mica_status mica_kv_pool_reserve(struct mica_kv_pool *pool, int64_t n, struct mica_err *err);
void mica_kv_pool_unreserve(struct mica_kv_pool *pool, int64_t n);
int32_t mica_kv_pool_take(struct mica_kv_pool *pool);
void mica_kv_pool_give(struct mica_kv_pool *pool, int32_t block);
void mica_kv_pool_release(struct mica_kv_pool *pool);
/* Bytes of cache per position, all layers. */
size_t mica_kv_bytes_per_token(const struct mica_hparams *hp, enum mica_kv_type type);

/* A captured forward pass for one number of tokens and of wanted rows. */
struct mica_cached_graph {
    struct mica_graph *graph;
    int64_t n_tokens, n_rows;
    enum mica_kv_type cache;
    uint64_t last_used;
};
enum { MICA_GRAPHS = 6 };

struct mica_engine {
    struct mica_pool *pool;
    const struct mica_kern *kern;
    struct mica_model *model;
    struct mica_tokenizer *tokenizer; /* NULL: the model takes and gives ids only, no_tokenizer says why */
    struct mica_err no_tokenizer;
    struct mica_template *chat; /* NULL: the model brings none */
    struct mica_model_info info;
    struct mica_admission admission;
    struct mica_context *ctx;
    struct mica_kv_pool kv[MICA_KV_COUNT];
    int64_t chunk; /* most tokens in one step */
    /* Inputs of the captured graphs; graphs keep pointers into them. */
    int32_t *ids, *rows;                /* [chunk] */
    float *rope_tables[MICA_MAX_ROPES]; /* [chunk][half][2] */
    struct mica_batch_seq *seqs;        /* [chunk] */
    struct mica_kv_batch batch[MICA_KV_COUNT];
    struct mica_cached_graph graphs[MICA_GRAPHS];
    uint64_t clock;
    int64_t n_sessions;
};

struct mica_session {
    struct mica_engine *engine;
    enum mica_kv_type cache;
    int64_t ctx;          /* positions */
    int64_t n_tokens;     /* in the cache */
    int32_t *tokens;      /* [ctx] */
    int32_t *block_table; /* [ctx / MICA_KV_BLOCK] */
    int64_t n_blocks;     /* taken */
    atomic_bool cancelled;
};

/* One sequence's part of a step: n tokens to append, and from which of them on logits are wanted (n: none).
 */
struct mica_part {
    struct mica_session *session;
    const int32_t *tokens;
    int64_t n, logits_from;
};
/* Appends every part's tokens (in total at most engine->chunk, each session at most once, all of one cache
 * type) and gives *logits_out:[rows][V], the wanted rows in order of parts, valid until the next step. cancel
 * may be NULL. On failure no session has changed. */
enum mica_status mica_engine_step(struct mica_engine *engine, const struct mica_part *parts, int n_parts,
                                  const atomic_bool *cancel, const float **logits_out, struct mica_err *err);
/* The most rows of logits one step may ask for. */
int64_t mica_engine_max_rows(const struct mica_engine *engine);

/* ---- distributions
 * ------------------------------------------------------------------------------------------------ */

/* log Σ exp(logits) over [V] */
double mica_log_sum_exp(const struct mica_kern *kern, const float *logits, int64_t n);
/* The n best of logits by value, ties by the lower id. Returns how many were written (NaN and −inf never
 * are). */
int mica_top_logits(const float *logits, int64_t n_vocab, int n, int32_t *ids_out);
/* Draws the token for position from logits (changed in place by penalties and biases). history: the tokens
 * before it. scratch: [V] of struct mica_candidate. EINTERNAL when no logit is finite. */
struct mica_candidate {
    float logit;
    int32_t id;
};
enum mica_status mica_sample(const struct mica_kern *kern, const struct mica_sampling *how, float *logits,
                             int64_t n_vocab, const int32_t *history, int64_t n_history, int64_t position,
                             struct mica_candidate *scratch, int32_t *token_out, struct mica_err *err);
enum mica_status mica_sampling_check(const struct mica_sampling *how, int64_t n_vocab, struct mica_err *err);

#endif
