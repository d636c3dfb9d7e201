/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/plan_check.h"
#include "cli/progress.h"
#include "store/source.h"

#include <jansson.h>

#include <stdio.h>

struct args {
    const char *to, *use;
    bool plain_http, quiet, json;
};

static bool on_progress(void *user, const char *what, uint64_t done, uint64_t total)
{
    return mica_progress_show(user, what, done, total);
}

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    struct mica_progress progress;
    struct mica_pull_options options = {
        .plain_http = args->plain_http, .progress = on_progress, .user = &progress};
    struct mica_store *store = NULL;
    struct mica_manifest *manifest = NULL;
    struct mica_name name;
    struct mica_err err;
    char text[MICA_NAME_TEXT], hex[MICA_DIGEST_HEX];
    mica_progress_begin(&progress, args->quiet);
    enum mica_status status = mica_name_parse(operands[0], &name, &err);
    if (status == MICA_OK)
        status = mica_store_open(NULL, &store, &err);
    if (status == MICA_OK)
        status = mica_store_manifest(store, &name, &manifest, &err);
    if (status == MICA_OK)
        status = mica_cli_push_check(store, &name, args->use, args->quiet, &err);
    if (status == MICA_OK)
        status = mica_push(store, &name, args->to, &options, &err);
    mica_progress_end(&progress);
    if (status == MICA_ECANCELLED)
        mica_fail(&err, status, "interrupted; layers that are there already are not sent again");
    mica_store_close(store);
    if (status != MICA_OK) {
        mica_manifest_free(manifest);
        return mica_cli_fail(status, &err);
    }
    mica_name_print(&name, text);
    mica_digest_hex(&manifest->digest, hex);
    uint64_t size = mica_manifest_size(manifest);
    mica_manifest_free(manifest);
    if (args->json)
        return mica_cli_print_json(json_pack("{s:s, s:s, s:s+, s:I}", "name", text, "to",
                                             args->to ? args->to : text, "digest", "sha256:", hex, "bytes",
                                             (json_int_t)size));
    printf("pushed %s%s%s, sha256:%s\n", text, args->to ? " to " : "", args->to ? args->to : "", hex);
    return 0;
}

static const struct mica_option options[] = {
    {"to", 0, MICA_OPT_TEXT, offsetof(struct args, to), "PLACE",
     "another name, or oci://HOST[:PORT]/REPOSITORY[:TAG]"},
    {"use", 0, MICA_OPT_TEXT, offsetof(struct args, use), "USE",
     "private, research, internal or commercial; default: the policy's"},
    {"plain-http", 0, MICA_OPT_FLAG, offsetof(struct args, plain_http), NULL,
     "speak http without encryption to that registry"},
    {"quiet", 'q', MICA_OPT_FLAG, offsetof(struct args, quiet), NULL, "no progress"},
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object"},
};
const struct mica_command mica_command_push = {options, MICA_COUNT(options), 1, 1, sizeof(struct args), NULL,
                                               run};
