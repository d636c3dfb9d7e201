/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/licence_texts.h"
#include "govern/identify.h"

#include <archive.h>
#include <archive_entry.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* What tools/licence_texts.py made: a gzip file, and how long it is unpacked. */
extern const uint8_t mica_licence_pack[], mica_licence_pack_end[];
extern const uint64_t mica_licence_pack_size;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct mica_licence_text *texts;
static int64_t n_texts;

/* Unpacks into a new buffer with a NUL behind it; NULL when out of memory. */
static char *unpack(size_t size)
{
    char *bytes = mica_alloc(size + 1, 1);
    struct archive *reader = archive_read_new();
    struct archive_entry *entry;
    bool ok = bytes && reader && archive_read_support_filter_gzip(reader) >= ARCHIVE_WARN &&
              archive_read_support_format_raw(reader) == ARCHIVE_OK &&
              archive_read_open_memory(reader, mica_licence_pack,
                                       (size_t)(mica_licence_pack_end - mica_licence_pack)) == ARCHIVE_OK &&
              archive_read_next_header(reader, &entry) == ARCHIVE_OK &&
              archive_read_data(reader, bytes, size) == (la_ssize_t)size;
    if (reader)
        archive_read_free(reader);
    if (ok)
        return bytes;
    mica_free(bytes);
    return NULL;
}

static char *next(char **at)
{
    char *part = *at;
    *at += strlen(part) + 1;
    return part;
}

static enum mica_status load(struct mica_err *err)
{
    char *bytes = unpack(mica_licence_pack_size), *at = bytes;
    if (!bytes)
        return mica_fail(err, MICA_ENOMEM, "reference licence texts: out of memory");
    int64_t n = strtol(next(&at), NULL, 10);
    struct mica_licence_text *rows = n ? mica_alloc((size_t)n, sizeof *rows) : NULL;
    if (!rows) {
        mica_free(bytes);
        return n ? mica_fail(err, MICA_ENOMEM, "reference licence texts: out of memory")
                 : mica_fail(err, MICA_EUNSUPPORTED,
                             "this build carries no reference licence texts: configure it with "
                             "-Dlicence_texts=FILE (spdx-full.json), or run tools/fetch.py spdx and rebuild");
    }
    for (int64_t i = 0; i < n; i++) {
        rows[i].id = next(&at);
        rows[i].name = next(&at);
        rows[i].text = next(&at);
        rows[i].len = (size_t)(at - rows[i].text) - 1;
    }
    texts = rows;
    n_texts = n;
    return MICA_OK;
}

enum mica_status mica_licence_texts(const struct mica_licence_text **out, int64_t *n_out,
                                    struct mica_err *err)
{
    pthread_mutex_lock(&lock);
    enum mica_status status = texts ? MICA_OK : load(err);
    pthread_mutex_unlock(&lock);
    if (status == MICA_OK) {
        *out = texts;
        *n_out = n_texts;
    }
    return status;
}

static int by_id(const void *key, const void *row)
{
    return strcmp(key, ((const struct mica_licence_text *)row)->id);
}

const char *mica_licence_text(const char *id)
{
    const struct mica_licence_text *rows;
    int64_t n;
    if (mica_licence_texts(&rows, &n, NULL) != MICA_OK)
        return NULL;
    const struct mica_licence_text *row = bsearch(id, rows, (size_t)n, sizeof *rows, by_id);
    return row ? row->text : NULL;
}
