/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/terminal.h"
#include "store/store.h"

#include <jansson.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int mica_cli_fail(enum mica_status status, const struct mica_err *err)
{
    mica_terminal_say("%s", err->text);
    return mica_status_exit(status);
}

int mica_cli_usage(const char *fmt, ...)
{
    char text[2048];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    mica_terminal_say("%s", text);
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

/* The wanted context: the option's, else the one stored with the model (PARAMETER num_ctx). */
static int64_t wanted_context(const struct mica_model_args *args, const struct mica_admitted *admitted)
{
    json_t *parameters = admitted->parameters ? json_loads(admitted->parameters, 0, NULL) : NULL;
    int64_t stored = json_integer_value(json_object_get(parameters, "num_ctx"));
    json_decref(parameters);
    return args->ctx ? args->ctx : stored > 0 ? stored : 0;
}

/* Tells 'mica ps'. A home that cannot be written to is no reason not to run. */
static void announce(struct mica_loaded *loaded, const char *model)
{
    struct mica_digest digest = {0};
    struct mica_model_info info;
    const struct mica_admission *admission = mica_engine_admission(loaded->engine);
    mica_engine_info(loaded->engine, &info);
    mica_digest_parse(admission->digest, &digest);
    if (mica_store_open(NULL, &loaded->store, NULL) == MICA_OK)
        mica_store_start(loaded->store, *admission->name ? admission->name : model, &digest,
                         info.weight_bytes, NULL);
}

int mica_cli_load(const char *model, const struct mica_model_args *args, bool with_session,
                  struct mica_loaded *out)
{
    struct mica_loaded loaded = {0};
    struct mica_session_options session_options;
    struct mica_err err;
    struct mica_admit_options admit = {.policy = args->policy,
                                       .use = args->use,
                                       .unregistered = args->unregistered,
                                       .threads = (int)args->threads};
    enum mica_status status = mica_cli_session_options(args, &session_options, &err);
    if (status == MICA_OK)
        status = mica_model_admit(model, &admit, &loaded.admitted, &err);
    if (status == MICA_OK) {
        struct mica_engine_options options = {(int)args->threads, args->chunk,
                                              loaded.admitted->chat_template};
        status = mica_engine_load(loaded.admitted->files, &options, &loaded.engine, &err);
    }
    if (status == MICA_OK && with_session) {
        session_options.ctx = wanted_context(args, loaded.admitted);
        status = mica_session_open(loaded.engine, &session_options, &loaded.session, &err);
    }
    if (status != MICA_OK) {
        mica_cli_unload(&loaded);
        return mica_cli_fail(status, &err);
    }
    announce(&loaded, model);
    /* A folder from elsewhere may have brought one: what it says is at least not said in silence. */
    if (!args->policy && access("mica.yaml", F_OK) == 0 && isatty(STDERR_FILENO))
        mica_terminal_say("facts and policy are those of ./mica.yaml; 'mica policy' shows them");
    if (!mica_engine_admission(loaded.engine)->registered && isatty(2))
        mica_terminal_say("%s runs unregistered: nobody has looked at its terms", model);
    *out = loaded;
    return 0;
}

void mica_cli_unload(struct mica_loaded *loaded)
{
    mica_session_close(loaded->session);
    mica_engine_free(loaded->engine);
    mica_admitted_free(loaded->admitted);
    if (loaded->store)
        mica_store_stop(loaded->store);
    mica_store_close(loaded->store);
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
