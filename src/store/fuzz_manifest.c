/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The input is a manifest. What is accepted keeps the promises of manifest.h and prints to an equal one. */
#include "store/manifest.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_title(const char *title)
{
    if (title[0] == '/' || strcmp(title, "..") == 0 || strncmp(title, "../", 3) == 0 ||
        strstr(title, "/../") || strchr(title, '\\') ||
        (strlen(title) > 2 && strcmp(title + strlen(title) - 3, "/..") == 0))
        abort();
}

static void check_printed(struct mica_manifest *manifest)
{
    struct mica_manifest *again;
    int64_t n = manifest->n_layers;
    uint64_t total = mica_manifest_size(manifest);
    enum mica_status status = mica_manifest_seal(manifest, NULL);
    if (status == MICA_ELIMIT) /* escapes may make it longer than it was */
        return;
    if (status != MICA_OK || mica_manifest_parse(manifest->text, manifest->len, &again, NULL) != MICA_OK ||
        again->n_layers != n || mica_manifest_size(again) != total)
        abort();
    mica_manifest_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mica_manifest *manifest = NULL;
    struct mica_err err = {0};
    enum mica_status status = mica_manifest_parse((const char *)data, size, &manifest, &err);
    if (status != MICA_OK) {
        if (manifest || err.status != status || !err.text[0])
            abort();
        return 0;
    }
    for (int64_t i = 0; i < manifest->n_layers; i++)
        check_title(manifest->layers[i].title);
    check_printed(manifest);
    mica_manifest_free(manifest);
    return 0;
}
