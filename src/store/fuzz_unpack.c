/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The input is a zip when it starts with "PK", else a gzipped tar. What opens is read whole; names that were
 * let through must be harmless. */
#include "store/unpack.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum mica_status on_data(void *user, int64_t i, const void *bytes, size_t len, struct mica_err *err)
{
    uint64_t *total = user;
    if (len)
        *total += len + ((const uint8_t *)bytes)[len - 1] * 0U;
    return MICA_OK;
}

static void check_name(const char *name)
{
    if (!*name || name[0] == '/' || strchr(name, '\\') || strcmp(name, "..") == 0 ||
        strncmp(name, "../", 3) == 0 || strstr(name, "/../") ||
        (strlen(name) > 2 && strcmp(name + strlen(name) - 3, "/..") == 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool is_zip = size >= 2 && memcmp(data, "PK", 2) == 0;
    struct mica_mapping *map;
    struct mica_archive *archive = NULL;
    struct mica_err err = {0};
    uint64_t total = 0, stated = 0;
    if (mica_mapping_from_bytes(data, size, "x", &map, NULL) != MICA_OK)
        abort();
    enum mica_status status = mica_archive_open(map, is_zip ? "zip" : "tgz", &archive, &err);
    mica_mapping_free(map);
    if (status != MICA_OK) {
        if (archive || err.status != status || !err.text[0])
            abort();
        return 0;
    }
    int64_t n = mica_archive_count(archive);
    bool *wanted = calloc((size_t)n + 1, sizeof *wanted);
    if (!wanted)
        abort();
    for (int64_t i = 0; i < n; i++) {
        check_name(mica_archive_name(archive, i));
        stated += mica_archive_size(archive, i);
        wanted[i] = true;
    }
    status = mica_archive_read(archive, wanted, on_data, &total, &err);
    if (total > stated || (status == MICA_OK && total != stated))
        abort();
    free(wanted);
    mica_archive_free(archive);
    return 0;
}
