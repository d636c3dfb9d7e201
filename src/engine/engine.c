/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/internal.h"
#include "format/template_source.h"
#include "base/sha256.h"

#include <stdio.h>
#include <string.h>

enum { DEFAULT_CHUNK = 256, MAX_CHUNK = 4096 };

const char *mica_version(void)
{
    return MICA_VERSION;
}

/* The type that holds most of the model, the way people name files: "Q4_1", or "Q5_0 + Q8_0 + Q6_K" when
 * mixed. */
static void describe_tensors(const struct mica_source *src, struct mica_model_info *info)
{
    uint64_t elements[MICA_W_COUNT] = {0}, total = 0;
    for (int64_t i = 0; i < mica_source_tensor_count(src); i++) {
        const struct mica_file_tensor *t = mica_source_tensor_at(src, i);
        uint64_t n = 1;
        for (int d = 0; d < t->n_dims; d++)
            n *= (uint64_t)t->shape[d];
        elements[t->type] += n;
        total += n;
        info->file_bytes += t->size;
    }
    info->n_parameters = (int64_t)total;
    size_t used = 0;
    for (uint64_t left = total; used < sizeof info->quantization - 16;) {
        int best = 0;
        for (int type = 1; type < MICA_W_COUNT; type++)
            if (elements[type] > elements[best])
                best = type;
        if (!elements[best] || (used && elements[best] * 50 < total))
            break;
        used += (size_t)snprintf(info->quantization + used, sizeof info->quantization - used, "%s%s",
                                 used ? " + " : "", mica_wtypes[best].name);
        left -= elements[best];
        elements[best] = 0;
    }
}

static void describe(const struct mica_model *m, const struct mica_files *files, struct mica_model_info *info)
{
    const struct mica_hparams *hp = &m->hp;
    const struct mica_source *src = &m->source;
    struct mica_template_source source;
    *info = (struct mica_model_info){.n_layers = hp->n_layers,
                                     .d_model = hp->d_model,
                                     .n_heads = hp->n_heads,
                                     .n_kv_heads = hp->n_kv_heads,
                                     .head_dim = hp->head_dim,
                                     .d_ff = hp->d_ff,
                                     .n_vocab = hp->n_vocab,
                                     .n_ctx = hp->n_ctx,
                                     .kv_bytes_per_token = {mica_kv_bytes_per_token(hp, MICA_KV_F16),
                                                            mica_kv_bytes_per_token(hp, MICA_KV_Q8_0),
                                                            mica_kv_bytes_per_token(hp, MICA_KV_F32)}};
    snprintf(info->architecture, sizeof info->architecture, "%s", m->arch->name);
    snprintf(info->reproducibility, sizeof info->reproducibility, "any-isa");
    mica_source_str(src, "general.name", "_name_or_path", info->name, sizeof info->name);
    mica_source_str(src, "general.license", "license", info->license, sizeof info->license);
    mica_template_find(src->gguf, files, &source);
    info->has_chat_template = source.text != NULL;
    mica_template_source_release(&source);
    describe_tensors(src, info);
    info->weight_bytes = m->weight_bytes ? m->weight_bytes : info->file_bytes;
}

static enum mica_status load_tokenizer(const struct mica_source *src, const struct mica_files *files,
                                       struct mica_tokenizer **out, struct mica_err *err)
{
    return src->gguf ? mica_tokenizer_from_gguf(src->gguf, out, err)
                     : mica_tokenizer_from_files(files, out, err);
}

/* A model whose files bring no tokenizer, or one we cannot read, still runs on token ids. */
static enum mica_status load_own_tokenizer(struct mica_engine *engine, const struct mica_files *files,
                                           struct mica_err *err)
{
    enum mica_status status =
        load_tokenizer(&engine->model->source, files, &engine->tokenizer, &engine->no_tokenizer);
    if (status == MICA_OK || status == MICA_ENOTFOUND || status == MICA_EUNSUPPORTED)
        return MICA_OK;
    return mica_fail(err, status, "%s", engine->no_tokenizer.text);
}

enum mica_status mica_model_inspect(const struct mica_files *files, struct mica_model_info *out,
                                    struct mica_err *err)
{
    struct mica_model m = {0};
    struct mica_tokenizer *tokenizer = NULL;
    enum mica_status status = mica_source_open(files, &m.source, err);
    if (status != MICA_OK)
        return status;
    status = mica_model_configure(&m, err);
    if (status == MICA_OK) {
        describe(&m, files, out);
        if (load_tokenizer(&m.source, files, &tokenizer, NULL) == MICA_OK)
            snprintf(out->tokenizer, sizeof out->tokenizer, "%s", mica_tokenizer_kind(tokenizer));
    }
    mica_tokenizer_free(tokenizer);
    mica_arena_release(&m.arena);
    mica_source_release(&m.source);
    return status;
}

static enum mica_status alloc_inputs(struct mica_engine *engine, struct mica_err *err)
{
    const struct mica_model *m = engine->model;
    size_t chunk = (size_t)engine->chunk;
    engine->ids = mica_alloc(chunk, sizeof *engine->ids);
    engine->rows = mica_alloc(chunk, sizeof *engine->rows);
    engine->seqs = mica_alloc(chunk, sizeof *engine->seqs);
    bool ok = engine->ids && engine->rows && engine->seqs;
    for (int i = 0; i < m->n_ropes; i++) {
        engine->rope_tables[i] = mica_alloc(chunk * (size_t)m->rope[i].half, 2 * sizeof(float));
        ok = ok && engine->rope_tables[i];
    }
    return ok ? MICA_OK : mica_fail(err, MICA_ENOMEM, "engine: out of memory");
}

/* A registered model answers through the template it was registered with, or not at all: another one can
 * change what it says as much as other weights can. */
static enum mica_status check_template(const struct mica_engine *engine, const char *text, size_t len,
                                       struct mica_err *err)
{
    const struct mica_admission *admission = &engine->admission;
    struct mica_digest digest;
    char hex[MICA_DIGEST_HEX] = "";
    if (!admission->registered)
        return MICA_OK;
    if (text && !mica_sha256(text, len, &digest))
        return mica_fail(err, MICA_ENOMEM, "chat template: out of memory");
    if (text)
        mica_digest_hex(&digest, hex);
    if (strcmp(hex, admission->template_digest) == 0)
        return MICA_OK;
    return mica_fail(
        err, MICA_EDENIED,
        "%s: its chat template (sha256 %.12s) is not the registered one (%.12s); if the change is wanted, "
        "record it with: mica register %s",
        admission->name, *hex ? hex : "none",
        *admission->template_digest ? admission->template_digest : "none", admission->name);
}

static enum mica_status load_chat(struct mica_engine *engine, const struct mica_files *files,
                                  const char *override, struct mica_err *err)
{
    struct mica_template_source source;
    mica_template_find(engine->model->source.gguf, files, &source);
    const char *text = override ? override : source.text;
    size_t len = override ? strlen(override) : source.len;
    enum mica_status status = check_template(engine, text, len, err);
    if (status == MICA_OK && text) {
        status = mica_template_parse(text, len, &engine->chat, err);
        /* A template of the model's that we cannot read must not keep it from running on plain prompts. */
        if (status != MICA_ENOMEM && !override)
            status = MICA_OK;
    }
    mica_template_source_release(&source);
    return status;
}

/* The last look before the model is given out: everything that was read was read from what was admitted. */
static enum mica_status check_unchanged(const struct mica_files *files, struct mica_err *err)
{
    enum mica_status status = MICA_OK;
    for (int i = 0; i < mica_files_count(files) && status == MICA_OK; i++)
        status = mica_mapping_unchanged(mica_files_at(files, i), err);
    return status;
}

static enum mica_status check_admission(struct mica_engine *engine, const struct mica_files *files,
                                        struct mica_err *err)
{
    const struct mica_admission *admission = mica_files_admission(files);
    if (!admission)
        return mica_fail(
            err, MICA_EDENIED,
            "the model has not been admitted: open it with mica_model_admit, or let it run without a "
            "register by mica_files_allow_unregistered");
    engine->admission = *admission;
    return MICA_OK;
}

enum mica_status mica_engine_load(const struct mica_files *files, const struct mica_engine_options *options,
                                  struct mica_engine **out, struct mica_err *err)
{
    struct mica_source src = {0};
    struct mica_engine *engine = mica_alloc(1, sizeof *engine);
    int64_t chunk = options && options->chunk ? options->chunk : DEFAULT_CHUNK;
    if (!engine)
        return mica_fail(err, MICA_ENOMEM, "engine: out of memory");
    engine->chunk = chunk;
    engine->kern = mica_kern_get();
    enum mica_status status = MICA_OK;
    if (chunk < 1 || chunk > MAX_CHUNK)
        status = mica_fail(err, MICA_EARG, "chunk of %lld tokens: must lie between 1 and %d",
                           (long long)chunk, MAX_CHUNK);
    else if (mica_kern_isa_error())
        status = mica_fail(err, MICA_EARG, "%s", mica_kern_isa_error());
    if (status == MICA_OK)
        status = check_admission(engine, files, err);
    if (status == MICA_OK)
        status = mica_source_open(files, &src, err);
    if (status == MICA_OK)
        status = mica_pool_new(options ? options->threads : 0, &engine->pool, err);
    if (status == MICA_OK)
        status = mica_model_load_weights(&src, engine->pool, &engine->model, err);
    mica_source_release(&src); /* empty once the model owns it */
    if (status == MICA_OK)
        status = load_own_tokenizer(engine, files, err);
    if (status == MICA_OK)
        status = load_chat(engine, files, options ? options->chat_template : NULL, err);
    if (status == MICA_OK)
        status = mica_context_new(engine->kern, engine->pool, &engine->ctx, err);
    if (status == MICA_OK)
        status = alloc_inputs(engine, err);
    if (status == MICA_OK)
        status = check_unchanged(files, err);
    if (status != MICA_OK) {
        mica_engine_free(engine);
        return status;
    }
    describe(engine->model, files, &engine->info);
    engine->info.has_chat_template |= engine->chat != NULL;
    if (engine->tokenizer)
        snprintf(engine->info.tokenizer, sizeof engine->info.tokenizer, "%s",
                 mica_tokenizer_kind(engine->tokenizer));
    *out = engine;
    return MICA_OK;
}

void mica_engine_free(struct mica_engine *engine)
{
    if (!engine)
        return;
    for (int i = 0; i < MICA_GRAPHS; i++)
        mica_graph_free(engine->graphs[i].graph);
    for (int i = 0; i < MICA_KV_COUNT; i++)
        mica_kv_pool_release(&engine->kv[i]);
    for (int i = 0; i < MICA_MAX_ROPES; i++)
        mica_free(engine->rope_tables[i]);
    mica_free(engine->ids);
    mica_free(engine->rows);
    mica_free(engine->seqs);
    mica_context_free(engine->ctx);
    mica_template_free(engine->chat);
    mica_tokenizer_free(engine->tokenizer);
    mica_model_unload(engine->model);
    mica_pool_free(engine->pool);
    mica_free(engine);
}

const struct mica_admission *mica_engine_admission(const struct mica_engine *engine)
{
    return &engine->admission;
}

void mica_engine_info(const struct mica_engine *engine, struct mica_model_info *out)
{
    *out = engine->info;
}

const char *mica_engine_isa(const struct mica_engine *engine)
{
    return engine->kern->name;
}

int mica_engine_threads(const struct mica_engine *engine)
{
    return mica_pool_threads(engine->pool);
}
