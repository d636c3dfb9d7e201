/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/memory.h"
#include "cli/models.h"

#include <jansson.h>

#include <stdio.h>

struct args {
    struct mica_model_args model;
    bool json;
};

static int print_json(const struct mica_model_info *i, const struct mica_need *need)
{
    return mica_cli_print_json(json_pack(
        "{s:s, s:s, s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:b, s:{s:I, s:s, s:I, s:I, "
        "s:I}, s:s}",
        "architecture", i->architecture, "name", i->name, "license", i->license, "parameters",
        (json_int_t)i->n_parameters, "quantization", i->quantization, "context_length", (json_int_t)i->n_ctx,
        "layers", (json_int_t)i->n_layers, "embedding_length", (json_int_t)i->d_model, "heads",
        (json_int_t)i->n_heads, "kv_heads", (json_int_t)i->n_kv_heads, "head_dim", (json_int_t)i->head_dim,
        "feed_forward_length", (json_int_t)i->d_ff, "vocab_size", (json_int_t)i->n_vocab, "tokenizer",
        i->tokenizer, "chat_template", i->has_chat_template, "memory", "context", (json_int_t)need->ctx,
        "kv_type", mica_cli_caches[need->cache], "weights_bytes", (json_int_t)need->weights, "kv_bytes",
        (json_int_t)need->kv, "total_bytes", (json_int_t)need->total, "reproducibility", i->reproducibility));
}

static const char *or_unstated(const char *text)
{
    return *text ? text : "not stated in the file";
}

static void print_text(const struct mica_model_info *i, const struct mica_need *need)
{
    const double mib = 1 << 20;
    printf("architecture     %s\nname             %s\nlicence          %s\n", i->architecture,
           or_unstated(i->name), or_unstated(i->license));
    printf("parameters       %.1f M\nquantisation     %s\ncontext          %lld tokens\n",
           (double)i->n_parameters / 1e6, i->quantization, (long long)i->n_ctx);
    printf("shape            %lld layers, width %lld, %lld heads (%lld KV) of %lld, feed-forward %lld\n",
           (long long)i->n_layers, (long long)i->d_model, (long long)i->n_heads, (long long)i->n_kv_heads,
           (long long)i->head_dim, (long long)i->d_ff);
    printf("tokenizer        %s, %lld tokens\nchat template    %s\n", or_unstated(i->tokenizer),
           (long long)i->n_vocab, i->has_chat_template ? "yes" : "none");
    printf("memory           %.0f MiB for %lld tokens: weights %.0f, KV cache (%s) %.0f, work about %.0f\n",
           (double)need->total / mib, (long long)need->ctx, (double)need->weights / mib,
           mica_cli_caches[need->cache], (double)need->kv / mib, (double)need->work / mib);
    printf("reproducibility  %s: the same bits on every supported instruction set\n", i->reproducibility);
}

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    struct mica_files *files;
    struct mica_model_info info;
    struct mica_session_options session;
    struct mica_need need;
    struct mica_err err;
    enum mica_status status = mica_cli_session_options(&args->model, &session, &err);
    if (status == MICA_OK)
        status = mica_cli_files(operands[0], &files, &err);
    if (status != MICA_OK)
        return mica_cli_fail(status, &err);
    status = mica_model_inspect(files, &info, &err);
    mica_files_free(files);
    if (status != MICA_OK)
        return mica_cli_fail(status, &err);
    mica_cli_need(&info, &session, &need);
    if (args->json)
        return print_json(&info, &need);
    print_text(&info, &need);
    return 0;
}

static const struct mica_option options[] = {
    {"ctx", 'c', MICA_OPT_INT, offsetof(struct args, model.ctx), "N", "context to state the memory for"},
    {"kv", 0, MICA_OPT_TEXT, offsetof(struct args, model.kv), "TYPE", "KV cache: f16 (default), q8_0 or f32"},
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object"},
};
const struct mica_command mica_command_show = {options, MICA_COUNT(options), 1, 1, sizeof(struct args), NULL,
                                               run};
