/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* A zip of which parts are taken: what comes out must be a zip of at most as many members, or be refused by
 * its reader. */
#include "store/unpack.h"
#include "store/zip_parts.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum mica_status read_input(void *user, uint64_t from, uint64_t until, struct mica_buf *out,
                                   struct mica_err *err)
{
    const struct mica_zip_source *source = user;
    if (from > until || until > source->size)
        abort();
    mica_buf_append(out, (const char *)source[1].user + from, (size_t)(until - from));
    return MICA_OK;
}

static bool is_wanted(const char *name, uint64_t size)
{
    return *name != 'n'; /* some are left out */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mica_zip_source source[2] = {{"x", size, read_input, NULL},
                                        {NULL, 0, NULL, (void *)(uintptr_t)data}};
    struct mica_buf out = {0};
    struct mica_err err = {0};
    struct mica_mapping *map;
    struct mica_archive *archive;
    source[0].user = source;
    enum mica_status status = mica_zip_parts(source, is_wanted, &out, &err);
    if (status != MICA_OK) {
        if (out.len || err.status != status || !err.text[0])
            abort();
    } else if (mica_mapping_from_bytes(out.data, out.len, "x", &map, NULL) == MICA_OK) {
        if (mica_archive_open(map, "zip", &archive, NULL) == MICA_OK)
            mica_archive_free(archive);
        mica_mapping_free(map);
    }
    mica_buf_release(&out);
    return 0;
}
