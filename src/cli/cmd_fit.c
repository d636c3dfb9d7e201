/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/pool.h"
#include "cli/memory.h"
#include "cli/models.h"
#include "kern/kern.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>

struct args {
    struct mica_model_args model;
    bool json;
};

/* The machine's side of the answer that is not memory. */
struct host {
    uint64_t disk_free; /* UINT64_MAX: not known */
    char home[MICA_PATH_MAX];
};

/* The store's folder is made when something is first written: until then, the folder above it counts. */
static void look_at_disk(struct host *host)
{
    struct mica_store *store = NULL;
    char path[MICA_PATH_MAX];
    *host = (struct host){.disk_free = UINT64_MAX};
    if (mica_store_open(NULL, &store, NULL) != MICA_OK)
        return;
    snprintf(host->home, sizeof host->home, "%s", mica_store_home(store));
    mica_store_close(store);
    snprintf(path, sizeof path, "%s", host->home);
    while (*path && mica_fs_free_bytes(path, &host->disk_free, NULL) != MICA_OK) {
        char *slash = strrchr(path, '/');
        if (!slash || strcmp(path, "/") == 0)
            return;
        slash[slash == path] = '\0';
    }
}

static int print_json(const struct mica_fit *f, const struct host *host)
{
    char advice[160];
    mica_cli_fit_advice(f, advice, sizeof advice);
    struct json_t *disk =
        host->disk_free == UINT64_MAX ? json_null() : json_integer((json_int_t)host->disk_free);
    return mica_cli_print_json(
        json_pack("{s:b, s:{s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:s}, s:{s:I, s:I, s:I}, s:s, s:o, s:i, s:s, "
                  "s:s}",
                  "fits", f->fits, "memory", "context", (json_int_t)f->need.ctx, "kv_type",
                  mica_cli_caches[f->need.cache], "weights_bytes", (json_int_t)f->need.weights, "kv_bytes",
                  (json_int_t)f->need.kv, "work_bytes", (json_int_t)f->need.work, "total_bytes",
                  (json_int_t)f->need.total, "available_bytes", (json_int_t)f->memory.available, "limited_by",
                  f->memory.limited_by, "largest_context", "f16", (json_int_t)f->largest_ctx[MICA_CACHE_F16],
                  "q8_0", (json_int_t)f->largest_ctx[MICA_CACHE_Q8_0], "f32",
                  (json_int_t)f->largest_ctx[MICA_CACHE_F32], "store", host->home, "disk_free_bytes", disk,
                  "cpus", mica_cpu_count(), "isa", mica_kern_get()->name, "advice", advice));
}

static void print_text(const struct mica_fit *f, const struct host *host)
{
    const double mib = 1 << 20;
    char advice[160];
    mica_cli_fit_advice(f, advice, sizeof advice);
    printf("verdict    %s%s%s\n", f->fits ? "fits" : "does not fit", *advice ? ": " : "", advice);
    printf("needed     %.0f MiB for %lld tokens: weights %.0f, KV cache (%s) %.0f, work about %.0f\n",
           (double)f->need.total / mib, (long long)f->need.ctx, (double)f->need.weights / mib,
           mica_cli_caches[f->need.cache], (double)f->need.kv / mib, (double)f->need.work / mib);
    printf("available  %.0f MiB (limit: %s)\n", (double)f->memory.available / mib, f->memory.limited_by);
    printf("context    at most %lld tokens with f16, %lld with q8_0\n",
           (long long)f->largest_ctx[MICA_CACHE_F16], (long long)f->largest_ctx[MICA_CACHE_Q8_0]);
    if (host->disk_free != UINT64_MAX)
        printf("disk       %.0f MiB free in %s\n", (double)host->disk_free / mib, host->home);
    printf("CPUs       %d, instruction set %s\n", mica_cpu_count(), mica_kern_get()->name);
}

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    struct mica_files *files;
    struct mica_model_info info;
    struct mica_session_options session;
    struct mica_fit fit;
    struct host host;
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
    if (session.ctx > info.n_ctx) {
        mica_fail(&err, MICA_ELIMIT, "--ctx: the model's context ends at %lld tokens", (long long)info.n_ctx);
        return mica_cli_fail(MICA_ELIMIT, &err);
    }
    mica_cli_fit(&info, &session, &fit);
    look_at_disk(&host);
    if (args->json) {
        int code = print_json(&fit, &host);
        if (code)
            return code;
    } else {
        print_text(&fit, &host);
    }
    return fit.fits ? 0 : mica_status_exit(MICA_ELIMIT);
}

static const struct mica_option options[] = {
    {"ctx", 'c', MICA_OPT_INT, offsetof(struct args, model.ctx), "N", "context wanted, in tokens"},
    {"kv", 0, MICA_OPT_TEXT, offsetof(struct args, model.kv), "TYPE", "KV cache: f16 (default), q8_0 or f32"},
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object"},
};
const struct mica_command mica_command_fit = {options, MICA_COUNT(options), 1, 1, sizeof(struct args), NULL,
                                              run};
