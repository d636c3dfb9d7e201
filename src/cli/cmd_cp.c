/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/models.h"

#include <stdio.h>

static int run(void *data, char **operands, int n_operands)
{
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
    mica_manifest_free(manifest);
    mica_store_close(store);
    if (status != MICA_OK)
        return mica_cli_fail(status, &err);
    printf("copied '%s' to '%s'\n", operands[0], operands[1]);
    return 0;
}

const struct mica_command mica_command_cp = {NULL, 0, 2, 2, 1, NULL, run};
