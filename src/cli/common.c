/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <jansson.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int mica_cli_fail(enum mica_status status, const struct mica_err *err)
{
    fflush(stdout);
    fprintf(stderr, "mica: %s\n", err->text);
    return mica_status_exit(status);
}

int mica_cli_usage(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("mica: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return mica_status_exit(MICA_EARG);
}

const char *const mica_cli_caches[] = {
    [MICA_CACHE_F16] = "f16", [MICA_CACHE_Q8_0] = "q8_0", [MICA_CACHE_F32] = "f32"};

static bool find_cache(const char *name, enum mica_cache *out)
{
    for (size_t i = 0; i < MICA_COUNT(mica_cli_caches); i++)
        if (strcmp(name, mica_cli_caches[i]) == 0) {
            *out = (enum mica_cache)i;
            return true;
        }
    return false;
}

int mica_cli_session_options(const struct mica_model_args *args, struct mica_session_options *out,
                             struct mica_err *err)
{
    *out = (struct mica_session_options){.ctx = args->ctx};
    if (args->kv && !find_cache(args->kv, &out->cache))
        return mica_fail(err, MICA_EARG, "--kv: '%s' is not f16, q8_0 or f32", args->kv);
    if (args->ctx < 0 || args->threads < 0 || args->threads > 1024 || args->chunk < 0)
        return mica_fail(err, MICA_EARG,
                         "--ctx, --threads and --chunk must not be negative (threads: at most 1024)");
    return MICA_OK;
}

int mica_cli_load(const char *path, const struct mica_model_args *args, struct mica_engine **engine_out,
                  struct mica_session **session_out)
{
    struct mica_files *files = NULL;
    struct mica_engine *engine = NULL;
    struct mica_session_options session_options;
    struct mica_err err;
    enum mica_status status = mica_cli_session_options(args, &session_options, &err);
    struct mica_engine_options options = {(int)args->threads, args->chunk};
    if (status == MICA_OK)
        status = mica_files_open(path, &files, &err);
    if (status == MICA_OK)
        mica_files_allow_unregistered(files, path);
    if (status == MICA_OK)
        status = mica_engine_load(files, &options, &engine, &err);
    if (status == MICA_OK && session_out)
        status = mica_session_open(engine, &session_options, session_out, &err);
    mica_files_free(files);
    if (status != MICA_OK) {
        mica_engine_free(engine);
        return mica_cli_fail(status, &err);
    }
    *engine_out = engine;
    return 0;
}

enum mica_status mica_cli_read(const char *path, struct mica_buf *out, struct mica_err *err)
{
    char chunk[65536];
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "rbe");
    if (!file)
        return mica_fail(err, errno == ENOENT ? MICA_ENOTFOUND : MICA_EIO, "%s: %s", path, strerror(errno));
    size_t n;
    mica_buf_puts(out, "");
    while ((n = fread(chunk, 1, sizeof chunk, file)) > 0)
        mica_buf_append(out, chunk, n);
    bool failed = ferror(file);
    if (!is_stdin)
        fclose(file);
    if (failed)
        return mica_fail(err, MICA_EIO, "%s: cannot be read", path);
    return out->failed ? mica_fail(err, MICA_ENOMEM, "%s: out of memory", path) : MICA_OK;
}

enum mica_status mica_cli_parse_ids(const char *text, int32_t **ids_out, int64_t *n_out, struct mica_err *err)
{
    int32_t *ids = NULL;
    int64_t n = 0, capacity = 0;
    for (const char *at = text; *at;) {
        char *end;
        errno = 0;
        long value = strtol(at, &end, 10);
        if (end == at || errno || value < 0 || value > INT32_MAX || (*end && *end != ',' && *end != ' ')) {
            mica_free(ids);
            return mica_fail(err, MICA_EARG, "token ids: '%.20s' is not a list like 1,2,3", at);
        }
        if (!mica_grow(&ids, n, &capacity, sizeof *ids)) {
            mica_free(ids);
            return mica_fail(err, MICA_ENOMEM, "token ids: out of memory");
        }
        ids[n++] = (int32_t)value;
        at = end + strspn(end, ", ");
    }
    *ids_out = ids;
    *n_out = n;
    return MICA_OK;
}

int mica_cli_print_json(struct json_t *document)
{
    int code = 0;
    if (!document || json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) != 0)
        code = mica_cli_fail(MICA_ENOMEM, &(struct mica_err){MICA_ENOMEM, "cannot write the JSON document"});
    json_decref(document);
    putchar('\n');
    return code;
}
