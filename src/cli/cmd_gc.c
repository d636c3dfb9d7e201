/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/models.h"

#include <jansson.h>

#include <stdio.h>

struct args {
    int64_t hours;
    bool dry_run, json;
};

static void defaults(void *data)
{
    ((struct args *)data)->hours = 24;
}

static int print(const struct args *args, const struct mica_gc_result *result)
{
    char size[MICA_SHORT_TEXT];
    if (args->json)
        return mica_cli_print_json(json_pack("{s:b, s:I, s:I}", "dry_run", args->dry_run, "files",
                                             (json_int_t)result->n, "bytes", (json_int_t)result->bytes));
    mica_cli_size_text(result->bytes, size);
    printf("%s %lld file%s, %s\n", args->dry_run ? "would delete" : "deleted", (long long)result->n,
           result->n == 1 ? "" : "s", size);
    return 0;
}

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    struct mica_store *store = NULL;
    struct mica_gc_options options = {.dry_run = args->dry_run, .named = mica_cli_registered_blobs};
    struct mica_gc_result result;
    struct mica_err err;
    if (args->hours < 0 || args->hours > 1000000)
        return mica_cli_usage("gc: --partial-hours must be between 0 and 1000000");
    options.keep_partial = args->hours * 3600;
    enum mica_status status = mica_store_open(NULL, &store, &err);
    options.user = store;
    if (status == MICA_OK)
        status = mica_store_gc(store, &options, &result, &err);
    mica_store_close(store);
    return status == MICA_OK ? print(args, &result) : mica_cli_fail(status, &err);
}

static const struct mica_option options[] = {
    {"dry-run", 'n', MICA_OPT_FLAG, offsetof(struct args, dry_run), NULL,
     "say what would be deleted, delete nothing"},
    {"partial-hours", 0, MICA_OPT_INT, offsetof(struct args, hours), "N",
     "keep unfinished downloads that are younger (24)"},
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object"},
};
const struct mica_command mica_command_gc = {
    options, MICA_COUNT(options), 0, 0, sizeof(struct args), defaults, run};
