/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Speed of prompts and of writing, beside what the machine could do at most, measured in the same run. */
#include "cli/cli.h"
#include "engine/internal.h"
#include "kern/limits.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct args {
    struct mica_model_args model;
    int64_t pp, tg, repeat;
    const char *batch;
    bool json;
};

enum { MAX_BATCH = 256, MAX_REPEAT = 100, MAX_ROWS = 16 };

/* One measured figure, in tokens per second. */
struct row {
    char key[32];
    int64_t n_sequences, n_tokens; /* n_sequences 0: a prompt */
    double limit;
    double rates[MAX_REPEAT];
    int64_t n_rates;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Ids spread over the vocabulary, clear of the control tokens at its ends. */
static int32_t token_at(const struct mica_engine *engine, int64_t i)
{
    int64_t n_vocab = engine->model->hp.n_vocab;
    return (int32_t)(n_vocab > 400 ? (i * 7919) % (n_vocab - 200) + 100 : i % n_vocab);
}

static enum mica_status run_prompt(struct mica_engine *engine, struct mica_session *session, int64_t n,
                                   struct mica_err *err)
{
    int32_t ids[4096];
    const float *logits;
    for (int64_t at = 0; at < n;) {
        int64_t count = n - at < engine->chunk ? n - at : engine->chunk;
        for (int64_t i = 0; i < count; i++)
            ids[i] = token_at(engine, at + i);
        bool last = at + count == n;
        struct mica_part part = {session, ids, count, last ? count - 1 : count};
        enum mica_status status = mica_engine_step(engine, &part, 1, NULL, &logits, err);
        if (status != MICA_OK)
            return status;
        at += count;
    }
    return MICA_OK;
}

static enum mica_status run_decode(struct mica_engine *engine, struct mica_session **sessions,
                                   int64_t n_sequences, int64_t n, struct mica_err *err)
{
    struct mica_part parts[MAX_BATCH];
    int32_t ids[MAX_BATCH];
    const float *logits;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t s = 0; s < n_sequences; s++) {
            ids[s] = token_at(engine, i + s);
            parts[s] = (struct mica_part){sessions[s], &ids[s], 1, 0};
        }
        enum mica_status status = mica_engine_step(engine, parts, (int)n_sequences, NULL, &logits, err);
        if (status != MICA_OK)
            return status;
    }
    return MICA_OK;
}

static enum mica_status measure(struct mica_engine *engine, struct mica_session **sessions, struct row *row,
                                bool counts, struct mica_err *err)
{
    int64_t n_sequences = row->n_sequences ? row->n_sequences : 1;
    for (int64_t s = 0; s < n_sequences; s++)
        mica_session_truncate(sessions[s], 0);
    double start = now();
    enum mica_status status = row->n_sequences ? run_decode(engine, sessions, n_sequences, row->n_tokens, err)
                                               : run_prompt(engine, sessions[0], row->n_tokens, err);
    if (status == MICA_OK && counts)
        row->rates[row->n_rates++] = (double)(n_sequences * row->n_tokens) / (now() - start);
    return status;
}

/* What a token costs at least: multiply-adds in the layers' matrices, and bytes of weights that writing
 * reads. */
static void token_costs(const struct mica_model *m, double *layer_macs, double *output_macs, double *bytes,
                        bool *floats)
{
    *layer_macs = *bytes = 0;
    *floats = false;
    for (int64_t i = 0; i < m->packed.n; i++) {
        const struct mica_packed *w = m->packed.items[i];
        bool is_output = w == m->output->packed;
        if (is_output || w != m->embed->packed)
            *bytes += (double)w->n_groups * (double)w->group_bytes;
        if (!is_output && w != m->embed->packed) {
            *layer_macs += (double)w->n * (double)w->k;
            *floats = *floats || w->type <= MICA_W_BF16;
        }
    }
    *output_macs = (double)m->output->packed->n * (double)m->output->packed->k;
}

static void set_limit(const struct mica_engine *engine, const struct mica_limits *limits, struct row *row)
{
    double layer_macs, output_macs, bytes;
    bool floats;
    token_costs(engine->model, &layer_macs, &output_macs, &bytes, &floats);
    double ops = floats ? limits->f32_flops : limits->int8_ops;
    double n = row->n_sequences ? (double)row->n_sequences : 1;
    double compute =
        ops / (2 * (layer_macs + (row->n_sequences ? output_macs : output_macs / (double)row->n_tokens)));
    double memory = n * limits->memory_bytes / bytes;
    row->limit = row->n_sequences && memory < compute ? memory : compute;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const struct row *row)
{
    int64_t n = row->n_rates;
    return n % 2 ? row->rates[n / 2] : (row->rates[n / 2 - 1] + row->rates[n / 2]) / 2;
}

static int print_json(const struct mica_engine *engine, const struct mica_limits *limits,
                      const struct row *rows, int n)
{
    json_t *out = json_object();
    for (int i = 0; i < n; i++)
        json_object_set_new(out, rows[i].key,
                            json_pack("{s:f, s:f, s:f, s:f, s:f}", "min", rows[i].rates[0], "median",
                                      median(&rows[i]), "max", rows[i].rates[rows[i].n_rates - 1], "limit",
                                      rows[i].limit, "limit_share", median(&rows[i]) / rows[i].limit));
    json_object_set_new(out, "machine",
                        json_pack("{s:f, s:f, s:f, s:i, s:s}", "int8_gops", limits->int8_ops * 1e-9,
                                  "f32_gflops", limits->f32_flops * 1e-9, "memory_gb_s",
                                  limits->memory_bytes * 1e-9, "threads", mica_engine_threads(engine), "isa",
                                  mica_engine_isa(engine)));
    return mica_cli_print_json(out);
}

static void print_text(const struct mica_engine *engine, const struct mica_limits *limits,
                       const struct row *rows, int n)
{
    printf("%s, %d threads: int8 %.0f GOPS, f32 %.0f GFLOPS, memory read %.1f GB/s\n",
           mica_engine_isa(engine), mica_engine_threads(engine), limits->int8_ops * 1e-9,
           limits->f32_flops * 1e-9, limits->memory_bytes * 1e-9);
    printf("%-12s %10s %10s %10s %16s\n", "tokens/s", "min", "median", "max", "share of limit");
    for (int i = 0; i < n; i++)
        printf("%-12s %10.1f %10.1f %10.1f %15.0f%%\n", rows[i].key, rows[i].rates[0], median(&rows[i]),
               rows[i].rates[rows[i].n_rates - 1], 100 * median(&rows[i]) / rows[i].limit);
}

/* The rows to measure: the prompt, writing alone, and writing in each batch asked for. −1 after a usage
 * error. */
static int make_rows(const struct args *args, struct row *rows)
{
    int n = 0;
    if (args->pp > 0) {
        rows[n] = (struct row){.n_tokens = args->pp};
        snprintf(rows[n++].key, sizeof rows->key, "pp%lld", (long long)args->pp);
    }
    if (args->tg > 0) {
        rows[n] = (struct row){.n_sequences = 1, .n_tokens = args->tg};
        snprintf(rows[n++].key, sizeof rows->key, "tg%lld", (long long)args->tg);
    }
    for (const char *at = args->batch; args->tg > 0 && at && *at;) {
        char *end;
        long size = strtol(at, &end, 10);
        if (end == at || size < 1 || size > MAX_BATCH || n == MAX_ROWS || (*end && *end != ','))
            return mica_cli_usage("bench: --batch: '%s' is not a list of sizes from 1 to %d", args->batch,
                                  MAX_BATCH),
                   -1;
        if (size > 1) {
            rows[n] = (struct row){.n_sequences = size, .n_tokens = args->tg};
            snprintf(rows[n++].key, sizeof rows->key, "tg%lld_b%ld", (long long)args->tg, size);
        }
        at = end + (*end == ',');
    }
    return n;
}

static enum mica_status bench(struct mica_engine *engine, struct mica_model_args *model,
                              const struct args *args, struct row *rows, int n_rows, struct mica_err *err)
{
    struct mica_session *sessions[MAX_BATCH] = {0};
    struct mica_session_options options;
    int64_t most = 1;
    enum mica_status status = mica_cli_session_options(model, &options, err);
    options.ctx = options.ctx ? options.ctx : args->pp > args->tg ? args->pp : args->tg;
    for (int i = 0; i < n_rows; i++)
        most = rows[i].n_sequences > most ? rows[i].n_sequences : most;
    for (int64_t s = 0; s < most && status == MICA_OK; s++)
        status = mica_session_open(engine, &options, &sessions[s], err);
    /* Rows take turns, so that a slow spell of the machine does not fall on one of them. */
    for (int64_t r = 0; r <= args->repeat && status == MICA_OK; r++)
        for (int i = 0; i < n_rows && status == MICA_OK; i++)
            status = measure(engine, sessions, &rows[i], r > 0, err);
    for (int64_t s = 0; s < most; s++)
        mica_session_close(sessions[s]);
    return status;
}

static int run(void *data, char **operands, int n_operands)
{
    struct args *args = data;
    struct row *rows = mica_alloc(MAX_ROWS, sizeof *rows);
    struct mica_loaded loaded = {0};
    struct mica_limits limits;
    struct mica_err err = {0};
    if (!rows)
        return mica_cli_fail(MICA_ENOMEM, &(struct mica_err){MICA_ENOMEM, "out of memory"});
    if (args->repeat < 1 || args->repeat > MAX_REPEAT || args->pp < 0 || args->tg < 0 ||
        args->pp + args->tg == 0) {
        mica_free(rows);
        return mica_cli_usage("bench: --repeat takes 1 to %d; --pp and --tg must not be negative or both 0",
                              MAX_REPEAT);
    }
    int n_rows = make_rows(args, rows), code = n_rows < 0 ? mica_status_exit(MICA_EARG) : 0;
    if (code == 0)
        code = mica_cli_load(operands[0], &args->model, false, &loaded);
    if (code) {
        mica_free(rows);
        return code;
    }
    struct mica_engine *engine = loaded.engine;
    enum mica_status status = mica_limits_measure(engine->kern, engine->pool, &limits, &err);
    if (status == MICA_OK)
        status = bench(engine, &args->model, args, rows, n_rows, &err);
    for (int i = 0; i < n_rows && status == MICA_OK; i++) {
        set_limit(engine, &limits, &rows[i]);
        qsort(rows[i].rates, (size_t)rows[i].n_rates, sizeof rows[i].rates[0], compare);
    }
    if (status != MICA_OK)
        code = mica_cli_fail(status, &err);
    else if (args->json)
        code = print_json(engine, &limits, rows, n_rows);
    else
        print_text(engine, &limits, rows, n_rows);
    mica_cli_unload(&loaded);
    mica_free(rows);
    return code;
}

static void defaults(void *data)
{
    *(struct args *)data = (struct args){.pp = 512, .tg = 64, .repeat = 5};
}

static const struct mica_option options[] = {
    {"pp", 'p', MICA_OPT_INT, offsetof(struct args, pp), "N", "tokens of the prompt (512); 0: none"},
    {"tg", 'g', MICA_OPT_INT, offsetof(struct args, tg), "N", "tokens written one by one (64); 0: none"},
    {"batch", 'b', MICA_OPT_TEXT, offsetof(struct args, batch), "1,8,16",
     "also write in batches of so many sequences"},
    {"repeat", 'r', MICA_OPT_INT, offsetof(struct args, repeat), "N",
     "measured runs of each (5), after one that is not"},
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object"},
    MICA_MODEL_OPTIONS(struct args),
};
const struct mica_command mica_command_bench = {
    options, MICA_COUNT(options), 1, 1, sizeof(struct args), defaults, run};
