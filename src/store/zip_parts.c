/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The layout is that of PKWARE's APPNOTE 6.3: members, each behind a local header; a directory with a record
 * of each; a record of where the directory is. */
#include "store/zip_parts.h"

#include <string.h>

enum {
    TAIL = 256 << 10,
    DIRECTORY_MAX = 4 << 20,
    MEMBER_MAX = 1 << 20,
    MEMBERS_MAX = 64,
    END_BYTES = 22,
    RECORD_BYTES = 46,
    LOCAL_BYTES = 30,
    DESCRIPTOR_BYTES = 24,
    NAME_MAX_BYTES = 1024
};

struct zip {
    const struct mica_zip_source *source;
    struct mica_buf tail; /* bytes [from, size) */
    uint64_t from;
    uint64_t directory, directory_len; /* where it is */
    unsigned n;
    struct mica_buf records; /* of the small zip */
    unsigned n_kept;
};

static uint32_t get(const char *at, int bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++)
        value |= (uint32_t)(unsigned char)at[i] << (8 * i);
    return value;
}

static void put(struct mica_buf *out, uint32_t value, int bytes)
{
    char text[4];
    for (int i = 0; i < bytes; i++)
        text[i] = (char)(value >> (8 * i));
    mica_buf_append(out, text, (size_t)bytes);
}

static enum mica_status malformed(const struct zip *zip, const char *what, struct mica_err *err)
{
    return mica_fail(err, MICA_EFORMAT, "%s: not a whole zip: %s", zip->source->name, what);
}

/* Reads the end again, from an earlier place on. */
static enum mica_status read_tail(struct zip *zip, uint64_t from, struct mica_err *err)
{
    mica_buf_release(&zip->tail);
    zip->from = from;
    enum mica_status status = zip->source->read(zip->source->user, from, zip->source->size, &zip->tail, err);
    if (status == MICA_OK && (zip->tail.failed || zip->tail.len != zip->source->size - from))
        status = malformed(zip, "its end could not be read", err);
    return status;
}

static enum mica_status find_directory(struct zip *zip, struct mica_err *err)
{
    const struct mica_zip_source *source = zip->source;
    enum mica_status status = source->size < END_BYTES
                                  ? malformed(zip, "it is too short", err)
                                  : read_tail(zip, source->size > TAIL ? source->size - TAIL : 0, err);
    if (status != MICA_OK)
        return status;
    const char *end = NULL;
    for (size_t at = zip->tail.len - END_BYTES + 1; !end && at-- > 0;) {
        const char *here = zip->tail.data + at;
        if (memcmp(here, "PK\5\6", 4) == 0 && get(here + 20, 2) == zip->tail.len - at - END_BYTES)
            end = here;
    }
    if (!end)
        return malformed(zip, "it has no directory", err);
    zip->n = get(end + 10, 2);
    zip->directory_len = get(end + 12, 4);
    zip->directory = get(end + 16, 4);
    uint64_t end_at = zip->from + (uint64_t)(end - zip->tail.data);
    if (zip->n == 0xffff || zip->directory == 0xffffffff || zip->directory_len == 0xffffffff)
        return mica_fail(err, MICA_EUNSUPPORTED, "%s: a zip64, of which parts alone are not read",
                         source->name);
    if (zip->directory + zip->directory_len > end_at)
        return malformed(zip, "its directory lies outside", err);
    if (zip->directory_len > DIRECTORY_MAX)
        return mica_fail(err, MICA_ELIMIT, "%s: its directory has more than %d MiB", source->name,
                         DIRECTORY_MAX >> 20);
    return zip->directory < zip->from ? read_tail(zip, zip->directory, err) : MICA_OK;
}

/* Appends bytes [from, until), from the tail where it has them. */
static enum mica_status read_bytes(struct zip *zip, uint64_t from, uint64_t until, struct mica_buf *out,
                                   struct mica_err *err)
{
    size_t before = out->len;
    if (from >= zip->from) {
        mica_buf_append(out, zip->tail.data + (from - zip->from), (size_t)(until - from));
        return out->failed ? mica_fail(err, MICA_ENOMEM, "out of memory") : MICA_OK;
    }
    enum mica_status status = zip->source->read(zip->source->user, from, until, out, err);
    return status == MICA_OK && (out->failed || out->len - before != until - from)
               ? malformed(zip, "a member could not be read", err)
               : status;
}

/* Appends a member with its local header, and its record with the new place. */
static enum mica_status keep(struct zip *zip, const char *record, size_t record_len, struct mica_buf *out,
                             struct mica_err *err)
{
    struct mica_buf head = {0};
    uint64_t at = get(record + 42, 4), len = get(record + 20, 4);
    uint32_t place = (uint32_t)out->len;
    if (at + LOCAL_BYTES > zip->directory)
        return malformed(zip, "a member lies outside", err);
    enum mica_status status = read_bytes(zip, at, at + LOCAL_BYTES, &head, err);
    if (status == MICA_OK) {
        uint64_t until = at + LOCAL_BYTES + get(head.data + 26, 2) + get(head.data + 28, 2) + len;
        uint64_t with_descriptor =
            until + DESCRIPTOR_BYTES < zip->directory ? until + DESCRIPTOR_BYTES : zip->directory;
        status = until > zip->directory ? malformed(zip, "a member lies outside", err)
                                        : read_bytes(zip, at, with_descriptor, out, err);
    }
    mica_buf_release(&head);
    if (status != MICA_OK)
        return status;
    mica_buf_append(&zip->records, record, 42);
    put(&zip->records, place, 4);
    mica_buf_append(&zip->records, record + RECORD_BYTES, record_len - RECORD_BYTES);
    zip->n_kept++;
    return MICA_OK;
}

static enum mica_status keep_wanted(struct zip *zip, bool (*is_wanted)(const char *name, uint64_t size),
                                    struct mica_buf *out, struct mica_err *err)
{
    const char *at = zip->tail.data + (zip->directory - zip->from), *end = at + zip->directory_len;
    enum mica_status status = MICA_OK;
    for (unsigned i = 0; i < zip->n && status == MICA_OK && zip->n_kept < MEMBERS_MAX; i++) {
        char name[NAME_MAX_BYTES];
        if (end - at < RECORD_BYTES || memcmp(at, "PK\1\2", 4) != 0)
            return malformed(zip, "its directory is cut short", err);
        size_t name_len = get(at + 28, 2), len = RECORD_BYTES + name_len + get(at + 30, 2) + get(at + 32, 2);
        if ((size_t)(end - at) < len)
            return malformed(zip, "its directory is cut short", err);
        bool is_fine = name_len < sizeof name && !memchr(at + RECORD_BYTES, 0, name_len) &&
                       get(at + 20, 4) <= MEMBER_MAX && get(at + 24, 4) <= MEMBER_MAX;
        if (is_fine) {
            memcpy(name, at + RECORD_BYTES, name_len);
            name[name_len] = '\0';
            if (is_wanted(name, get(at + 24, 4)))
                status = keep(zip, at, len, out, err);
        }
        at += len;
    }
    return status;
}

enum mica_status mica_zip_parts(const struct mica_zip_source *source,
                                bool (*is_wanted)(const char *name, uint64_t size), struct mica_buf *out,
                                struct mica_err *err)
{
    struct zip zip = {.source = source};
    struct mica_buf small = {0};
    enum mica_status status = find_directory(&zip, err);
    if (status == MICA_OK)
        status = keep_wanted(&zip, is_wanted, &small, err);
    if (status == MICA_OK) {
        uint32_t directory = (uint32_t)small.len;
        mica_buf_append(&small, zip.records.data ? zip.records.data : "", zip.records.len);
        mica_buf_append(&small, "PK\5\6\0\0\0\0", 8);
        put(&small, zip.n_kept, 2);
        put(&small, zip.n_kept, 2);
        put(&small, (uint32_t)zip.records.len, 4);
        put(&small, directory, 4);
        put(&small, 0, 2);
        if (!mica_buf_append(out, small.data, small.len) || small.failed || zip.records.failed)
            status = mica_fail(err, MICA_ENOMEM, "out of memory");
    }
    mica_buf_release(&small);
    mica_buf_release(&zip.records);
    mica_buf_release(&zip.tail);
    return status;
}
