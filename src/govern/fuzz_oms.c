/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The input is a bundle, or a statement on its own (as the payload of a bundle whose signature was good).
 * What parses as a statement must hold what its readers rely on. */
#include "govern/oms.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether a part of the path is ".."; "a../b" has none. */
static bool goes_up(const char *path)
{
    for (const char *part = path; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || !part[2]))
            return true;
    return false;
}

static void try_statement(const char *text, size_t len)
{
    struct mica_err err = {0};
    struct mica_oms *oms = NULL;
    enum mica_status status = mica_oms_parse(text, len, "fuzz", &oms, &err);
    if (status != MICA_OK) {
        if (oms || err.status != status || !err.text[0])
            abort();
        return;
    }
    for (int64_t i = 0; i < oms->n_resources; i++) {
        const struct mica_oms_resource *res = &oms->resources[i];
        if (res->path[0] == '/' || !res->path[0] || goes_up(res->path) ||
            (oms->is_sharded && res->start >= res->end))
            abort();
    }
    for (int64_t i = 0; i < oms->n_ignored; i++)
        if (!oms->ignored[i][0] || oms->ignored[i][0] == '/')
            abort();
    mica_oms_free(oms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mica_err err = {0};
    struct mica_bundle bundle = {0};
    enum mica_status status = mica_bundle_parse((const char *)data, size, "fuzz", &bundle, &err);
    if (status == MICA_OK)
        try_statement(bundle.payload.data, bundle.payload.len);
    else if (err.status != status || !err.text[0])
        abort();
    mica_bundle_release(&bundle);
    try_statement((const char *)data, size);
    return 0;
}
