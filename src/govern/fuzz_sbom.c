/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The input is a bill of materials in either format; what was read is walked from end to end. */
#include "govern/sbom.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t walk(const char *text)
{
    if (!text)
        abort();
    for (const char *s = text; *s; s++)
        if ((unsigned char)*s < 0x20)
            abort();
    return strlen(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mica_sbom *sbom = NULL;
    struct mica_err err = {0};
    volatile size_t sum = 0;
    enum mica_status status = mica_sbom_read((const char *)data, size, &sbom, &err);
    if (status != MICA_OK) {
        if (sbom || err.status != status || !err.text[0])
            abort();
        return 0;
    }
    sum += walk(sbom->spec) + walk(sbom->serial) + walk(sbom->subject);
    for (int64_t i = 0; i < sbom->n_rows; i++) {
        const struct mica_sbom_row *row = &sbom->rows[i];
        sum += walk(row->kind) + walk(row->ref) + walk(row->name) + walk(row->version) + walk(row->declared) +
               walk(row->concluded);
        if (*row->digest && strlen(row->digest) != 64)
            abort();
    }
    for (int64_t i = 0; i < sbom->n_gaps; i++)
        if (!sbom->gaps[i])
            abort();
    mica_sbom_free(sbom);
    return 0;
}
