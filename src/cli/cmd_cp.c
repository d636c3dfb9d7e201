/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/models.h"

#include <jansson.h>

#include <stdio.h>

struct args {
    bool json;
};

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    char text[MICA_NAME_TEXT], hex[MICA_DIGEST_HEX];
    struct mica_store *store = NULL;
    struct mica_manifest *manifest = NULL;
    struct mica_name from, to;
    struct mica_err err;
    enum mica_status status = mica_store_open(NULL, &store, &err);
    if (status == MICA_OK)
        status = mica_name_parse(operands[1], &to, &err);
    if (status == MICA_OK)
        status = mica_cli_manifest(store, operands[0], &from, &manifest, &err);
    /* The manifest's own bytes: what Mica does not know in it is copied, too. */
    if (status == MICA_OK)
        status = mica_store_publish(store, &to, manifest, &err);
    if (status == MICA_OK)
        status = mica_cli_register_copy(store, &from, &to, &err);
    if (status == MICA_OK) {
        mica_name_print(&to, text);
        mica_digest_hex(&manifest->digest, hex);
    }
    mica_manifest_free(manifest);
    mica_store_close(store);
    if (status != MICA_OK)
        return mica_cli_fail(status, &err);
    if (args->json)
        return mica_cli_print_json(json_pack("{s:s, s:s}", "name", text, "digest", hex));
    printf("copied '%s' to '%s'\n", operands[0], operands[1]);
    return 0;
}

static const struct mica_option options[] = {
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object"},
};
const struct mica_command mica_command_cp = {options, MICA_COUNT(options), 2, 2, sizeof(struct args), NULL,
                                             run};
