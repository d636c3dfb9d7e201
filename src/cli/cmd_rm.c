/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/models.h"
#include "cli/terminal.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>

struct args {
    bool json;
};

/* Deletes those blobs of a removed model that nothing else names. While others add that cannot be known:
 * then they are left to gc. */
static void free_blobs(struct mica_store *store, const struct mica_manifest *manifest)
{
    struct mica_digest *only = mica_alloc((size_t)manifest->n_layers + 1, sizeof *only);
    struct mica_gc_options options = {.no_wait = true,
                                      .named = mica_cli_registered_blobs,
                                      .user = store,
                                      .only = only,
                                      .n_only = manifest->n_layers + 1};
    struct mica_err err = {0};
    enum mica_status status = only ? MICA_OK : mica_fail(&err, MICA_ENOMEM, "out of memory");
    if (status == MICA_OK) {
        only[0] = manifest->config.digest;
        for (int64_t i = 0; i < manifest->n_layers; i++)
            only[i + 1] = manifest->layers[i].digest;
        status = mica_store_gc(store, &options, NULL, &err);
    }
    if (status != MICA_OK)
        mica_terminal_say("its blobs stay until 'mica gc': %s", err.text);
    mica_free(only);
}

static enum mica_status remove_model(struct mica_store *store, const char *text, struct mica_err *err)
{
    struct mica_name name;
    struct mica_manifest *manifest = NULL;
    struct mica_err unreadable;
    enum mica_status status = mica_name_parse(text, &name, err);
    if (status != MICA_OK)
        return status;
    /* One that cannot be read can be removed, but its blobs are not known. */
    if (mica_store_manifest(store, &name, &manifest, &unreadable) != MICA_OK)
        manifest = NULL;
    status = mica_store_remove(store, &name, err);
    if (status == MICA_OK)
        status = mica_cli_register_forget(store, &name, err);
    if (status == MICA_OK && manifest)
        free_blobs(store, manifest);
    mica_manifest_free(manifest);
    return status;
}

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    struct mica_store *store;
    struct mica_err err;
    json_t *deleted = json_array();
    int code = 0;
    enum mica_status status = mica_store_open(NULL, &store, &err);
    if (status != MICA_OK) {
        json_decref(deleted);
        return mica_cli_fail(status, &err);
    }
    for (int i = 0; i < n_operands; i++) {
        status = remove_model(store, operands[i], &err);
        if (status == MICA_OK && args->json)
            json_array_append_new(deleted, json_string(operands[i]));
        else if (status == MICA_OK)
            printf("deleted '%s'\n", operands[i]);
        else
            code = mica_cli_fail(status, &err);
    }
    mica_store_close(store);
    if (args->json)
        mica_cli_print_json(json_pack("{s:O}", "deleted", deleted));
    json_decref(deleted);
    return code;
}

static const struct mica_option options[] = {
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object"},
};
const struct mica_command mica_command_rm = {
    options, MICA_COUNT(options), 1, MICA_LIST_MAX, sizeof(struct args), NULL, run};
