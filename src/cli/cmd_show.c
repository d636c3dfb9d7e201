/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/memory.h"
#include "cli/show.h"
#include "cli/terminal.h"

#include <jansson.h>

#include <stdio.h>

struct args {
    struct mica_model_args model;
    bool json, licence, modelfile, parameters, system, template;
};

static json_t *info_json(const struct mica_model_info *i, const struct mica_need *need)
{
    return json_pack(
        "{s:s, s:s, s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:b, s:{s:I, s:s, s:I, s:I, "
        "s:I}, s:s}",
        "architecture", i->architecture, "name", i->name, "license", i->license, "parameters",
        (json_int_t)i->n_parameters, "quantization", i->quantization, "context_length", (json_int_t)i->n_ctx,
        "layers", (json_int_t)i->n_layers, "embedding_length", (json_int_t)i->d_model, "heads",
        (json_int_t)i->n_heads, "kv_heads", (json_int_t)i->n_kv_heads, "head_dim", (json_int_t)i->head_dim,
        "feed_forward_length", (json_int_t)i->d_ff, "vocab_size", (json_int_t)i->n_vocab, "tokenizer",
        i->tokenizer, "chat_template", i->has_chat_template, "memory", "context", (json_int_t)need->ctx,
        "kv_type", mica_cli_caches[need->cache], "weights_bytes", (json_int_t)need->weights, "kv_bytes",
        (json_int_t)need->kv, "total_bytes", (json_int_t)need->total, "reproducibility", i->reproducibility);
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

/* What the files state and need; cannot_run says why Mica cannot run them, or is empty. */
struct facts {
    struct mica_model_info info;
    struct mica_need need;
    struct mica_err cannot_run;
};

static enum mica_status inspect(const struct args *args, const char *model, struct facts *out,
                                struct mica_err *err)
{
    struct mica_files *files;
    struct mica_session_options session;
    enum mica_status status = mica_cli_session_options(&args->model, &session, err);
    if (status == MICA_OK)
        status = mica_cli_files(model, &files, err);
    if (status != MICA_OK)
        return status;
    out->cannot_run = (struct mica_err){0};
    if (mica_model_inspect(files, &out->info, &out->cannot_run) == MICA_OK)
        mica_cli_need(&out->info, &session, &out->need);
    mica_files_free(files);
    return MICA_OK;
}

static int show_path(const struct args *args, const char *path)
{
    struct facts facts;
    struct mica_err err;
    enum mica_status status = inspect(args, path, &facts, &err);
    if (status != MICA_OK)
        return mica_cli_fail(status, &err);
    if (facts.cannot_run.status != MICA_OK) {
        mica_fail(&err, facts.cannot_run.status, "%.200s: %s", path, facts.cannot_run.text);
        return mica_cli_fail(err.status, &err);
    }
    if (args->json)
        return mica_cli_print_json(info_json(&facts.info, &facts.need));
    print_text(&facts.info, &facts.need);
    return 0;
}

/* A store holds models that Mica cannot run, too: what is known of them is shown. */
static int show_stored(const struct args *args, const char *model, const struct mica_cli_shown *shown)
{
    struct facts facts;
    struct mica_err err;
    enum mica_status status = inspect(args, model, &facts, &err);
    if (status != MICA_OK)
        return mica_cli_fail(status, &err);
    bool runs = facts.cannot_run.status == MICA_OK;
    if (args->json) {
        json_t *stored = mica_cli_shown_json(shown, &err);
        if (!stored)
            return mica_cli_fail(err.status, &err);
        json_t *out = runs ? info_json(&facts.info, &facts.need)
                           : json_pack("{s:s}", "cannot_run", facts.cannot_run.text);
        json_object_set_new(out, "stored", stored);
        return mica_cli_print_json(out);
    }
    if (runs)
        print_text(&facts.info, &facts.need);
    else
        mica_terminal_line("%-16s %s", "cannot run", facts.cannot_run.text);
    status = mica_cli_show_stored(shown, &err);
    return status == MICA_OK ? 0 : mica_cli_fail(status, &err);
}

static int show_part(const struct args *args, const struct mica_cli_shown *shown)
{
    return args->licence      ? mica_cli_show_licences(shown)
           : args->modelfile  ? mica_cli_show_modelfile(shown)
           : args->parameters ? mica_cli_show_parameters(shown)
           : args->system     ? mica_cli_show_text(shown, MICA_LAYER_SYSTEM)
                              : mica_cli_show_text(shown, MICA_LAYER_TEMPLATE);
}

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    struct mica_cli_shown shown;
    struct mica_err err;
    int parts = args->licence + args->modelfile + args->parameters + args->system + args->template;
    if (parts > 1 || (parts && args->json))
        return mica_cli_usage("show: one of --licence, --modelfile, --parameters, --system and --template, "
                              "without --json");
    enum mica_status status = mica_cli_shown_open(operands[0], &shown, &err);
    int code = status == MICA_OK ? parts ? show_part(args, &shown) : show_stored(args, operands[0], &shown)
               : shown.manifest || parts ? mica_cli_fail(status, &err)
                                         : show_path(args, operands[0]);
    mica_cli_shown_release(&shown);
    return code;
}

static const struct mica_option options[] = {
    {"licence", 0, MICA_OPT_FLAG, offsetof(struct args, licence), NULL,
     "only the licence texts of a stored model"},
    {"modelfile", 0, MICA_OPT_FLAG, offsetof(struct args, modelfile), NULL, "only a Modelfile that makes it"},
    {"parameters", 0, MICA_OPT_FLAG, offsetof(struct args, parameters), NULL, "only its parameters"},
    {"system", 0, MICA_OPT_FLAG, offsetof(struct args, system), NULL, "only its system message"},
    {"template", 0, MICA_OPT_FLAG, offsetof(struct args, template), NULL, "only its stored template"},
    {"ctx", 'c', MICA_OPT_INT, offsetof(struct args, model.ctx), "N", "context to state the memory for"},
    {"kv", 0, MICA_OPT_TEXT, offsetof(struct args, model.kv), "TYPE", "KV cache: f16 (default), q8_0 or f32"},
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object"},
};
const struct mica_command mica_command_show = {options, MICA_COUNT(options), 1, 1, sizeof(struct args), NULL,
                                               run};
