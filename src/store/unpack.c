/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/unpack.h"
#include "base/strmap.h"

#include <archive.h>
#include <archive_entry.h>

#include <inttypes.h>
#include <locale.h>
#include <string.h>

enum { MEMBERS_MAX = 20000, NAME_MAX_BYTES = 1024, PIECE = 256 << 10 };
static const uint64_t always_fine = 64 << 20, ratio_max = 100;

struct mica_archive {
    struct mica_mapping *map;
    bool is_zip;
    struct member {
        char *name;
        uint64_t size;
        int64_t entry; /* its place among all entries, folders included */
    } * members;
    int64_t n, capacity;
};

/* libarchive turns names into the charset of the locale, and where that knows only ASCII, it loses them. So
 * it works under a locale of this thread alone. */
struct locales {
    locale_t ours, before;
};

static struct locales enter_utf8(void)
{
    struct locales l = {.ours = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0)};
    if (l.ours)
        l.before = uselocale(l.ours);
    return l;
}

static void leave_utf8(struct locales l)
{
    if (!l.ours)
        return;
    uselocale(l.before);
    freelocale(l.ours);
}

static struct archive *open_reader(const struct mica_archive *a)
{
    struct archive *reader = archive_read_new();
    if (!reader)
        return NULL;
    if (a->is_zip) {
        archive_read_support_format_zip_seekable(reader);
    } else {
        archive_read_support_format_tar(reader);
        archive_read_support_filter_gzip(reader);
    }
    /* Names are bytes, whatever the locale. */
    archive_read_set_option(reader, a->is_zip ? "zip" : "tar", "hdrcharset", "UTF-8");
    if (archive_read_open_memory(reader, mica_mapping_data(a->map), mica_mapping_size(a->map)) !=
        ARCHIVE_OK) {
        archive_read_free(reader);
        return NULL;
    }
    return reader;
}

static enum mica_status malformed(const struct mica_archive *a, struct archive *reader, struct mica_err *err)
{
    const char *text = reader ? archive_error_string(reader) : NULL;
    return mica_fail(err, MICA_EFORMAT, "%s: not a whole %s archive: %s", mica_mapping_name(a->map),
                     a->is_zip ? "zip" : "tar.gz", text ? text : "it cannot be opened");
}

/* NULL, or what is wrong with a member's name. */
static const char *bad_name(const char *name)
{
    if (!name || !*name)
        return "has no name";
    if (strlen(name) > NAME_MAX_BYTES)
        return "has a name of more than 1024 bytes";
    if (name[0] == '/' || strchr(name, '\\') || (name[0] && name[1] == ':'))
        return "has an absolute name";
    for (const char *at = name; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 127)
            return "has control characters in its name";
    for (const char *at = name; at; at = strchr(at, '/'), at = at ? at + 1 : NULL)
        if (at[0] == '.' && at[1] == '.' && (at[2] == '/' || !at[2]))
            return "has a name that goes up";
    return NULL;
}

static enum mica_status check_entry(const struct mica_archive *a, struct archive_entry *entry,
                                    struct mica_err *err)
{
    const char *name = archive_entry_pathname(entry), *why = bad_name(name);
    unsigned type = archive_entry_filetype(entry);
    if (!why && (archive_entry_hardlink(entry) || archive_entry_symlink(entry) ||
                 (type != AE_IFREG && type != AE_IFDIR)))
        why = "is a link or a device";
    if (!why && archive_entry_is_encrypted(entry))
        why = "is encrypted";
    if (!why && type == AE_IFREG && (!archive_entry_size_is_set(entry) || archive_entry_size(entry) < 0))
        why = "has no size";
    return why ? mica_fail(err, MICA_EDENIED, "%s: refused, a member (%.100s) %s", mica_mapping_name(a->map),
                           name && why[0] != 'h' ? name : "…", why)
               : MICA_OK;
}

static enum mica_status add_member(struct mica_archive *a, struct archive_entry *entry, int64_t index,
                                   uint64_t *total, struct mica_err *err)
{
    uint64_t size = (uint64_t)archive_entry_size(entry), compressed = mica_mapping_size(a->map);
    if (__builtin_add_overflow(*total, size, total) ||
        (*total > always_fine && *total / ratio_max > compressed))
        return mica_fail(err, MICA_ELIMIT, "%s: refused, it unpacks to more than %" PRIu64 " times its size",
                         mica_mapping_name(a->map), ratio_max);
    if (a->n == MEMBERS_MAX || index > 2 * MEMBERS_MAX)
        return mica_fail(err, MICA_ELIMIT, "%s: refused, it has more than %d members",
                         mica_mapping_name(a->map), MEMBERS_MAX);
    char *name = mica_strdup(archive_entry_pathname(entry));
    if (!name || !mica_grow(&a->members, a->n, &a->capacity, sizeof *a->members)) {
        mica_free(name);
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    }
    a->members[a->n++] = (struct member){name, size, index};
    return MICA_OK;
}

static enum mica_status check_twice(const struct mica_archive *a, struct mica_err *err)
{
    struct mica_strmap seen = {0};
    enum mica_status status = MICA_OK;
    for (int64_t i = 0; status == MICA_OK && i < a->n; i++) {
        const char *name = a->members[i].name;
        if (mica_strmap_get(&seen, name, strlen(name), -1) >= 0)
            status = mica_fail(err, MICA_EDENIED, "%s: refused, %.100s stands in it twice",
                               mica_mapping_name(a->map), name);
        else if (!mica_strmap_put(&seen, name, strlen(name), (int32_t)i))
            status = mica_fail(err, MICA_ENOMEM, "out of memory");
    }
    mica_strmap_release(&seen);
    return status;
}

static enum mica_status list(struct mica_archive *a, struct mica_err *err)
{
    struct archive *reader = open_reader(a);
    struct archive_entry *entry;
    enum mica_status status = reader ? MICA_OK : malformed(a, NULL, err);
    uint64_t total = 0;
    int code = ARCHIVE_EOF;
    for (int64_t i = 0; status == MICA_OK; i++) {
        code = archive_read_next_header(reader, &entry);
        if (code == ARCHIVE_EOF)
            break;
        if (code != ARCHIVE_OK && code != ARCHIVE_WARN)
            status = malformed(a, reader, err);
        if (status == MICA_OK)
            status = check_entry(a, entry, err);
        if (status == MICA_OK && archive_entry_filetype(entry) == AE_IFREG)
            status = add_member(a, entry, i, &total, err);
        else if (status == MICA_OK && i > 2 * MEMBERS_MAX)
            status = mica_fail(err, MICA_ELIMIT, "%s: refused, it has too many members",
                               mica_mapping_name(a->map));
    }
    if (reader)
        archive_read_free(reader);
    return status == MICA_OK ? check_twice(a, err) : status;
}

enum mica_status mica_archive_open(struct mica_mapping *map, const char *kind, struct mica_archive **out,
                                   struct mica_err *err)
{
    bool is_zip = strcmp(kind, "zip") == 0;
    if (!is_zip && strcmp(kind, "tgz") != 0)
        return mica_fail(err, MICA_EUNSUPPORTED, "%s: not a kind of archive that is read", kind);
    struct mica_archive *a = mica_alloc(1, sizeof *a);
    if (!a)
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    a->map = mica_mapping_ref(map);
    a->is_zip = is_zip;
    struct locales locales = enter_utf8();
    enum mica_status status = list(a, err);
    leave_utf8(locales);
    if (status != MICA_OK) {
        mica_archive_free(a);
        return status;
    }
    *out = a;
    return MICA_OK;
}

void mica_archive_free(struct mica_archive *archive)
{
    if (!archive)
        return;
    for (int64_t i = 0; i < archive->n; i++)
        mica_free(archive->members[i].name);
    mica_free(archive->members);
    mica_mapping_free(archive->map);
    mica_free(archive);
}

int64_t mica_archive_count(const struct mica_archive *archive)
{
    return archive->n;
}

const char *mica_archive_name(const struct mica_archive *archive, int64_t i)
{
    return archive->members[i].name;
}

uint64_t mica_archive_size(const struct mica_archive *archive, int64_t i)
{
    return archive->members[i].size;
}

typedef enum mica_status member_data(void *user, int64_t i, const void *bytes, size_t len,
                                     struct mica_err *err);

static enum mica_status read_member(struct mica_archive *a, struct archive *reader, int64_t i, char *piece,
                                    member_data *data, void *user, struct mica_err *err)
{
    uint64_t left = a->members[i].size;
    for (;;) {
        la_ssize_t n = archive_read_data(reader, piece, PIECE);
        if (n < 0)
            return malformed(a, reader, err);
        if ((uint64_t)n > left || (n == 0 && left > 0))
            return mica_fail(err, MICA_EFORMAT, "%s: %.100s is not as long as the archive states",
                             mica_mapping_name(a->map), a->members[i].name);
        left -= (uint64_t)n;
        enum mica_status status = data(user, i, piece, (size_t)n, err);
        if (status != MICA_OK || n == 0)
            return status;
    }
}

static enum mica_status read_all(struct mica_archive *archive, const bool *wanted, member_data *data,
                                 void *user, struct mica_err *err)
{
    struct archive *reader = open_reader(archive);
    char *piece = mica_alloc(PIECE, 1);
    enum mica_status status = !reader  ? malformed(archive, NULL, err)
                              : !piece ? mica_fail(err, MICA_ENOMEM, "out of memory")
                                       : MICA_OK;
    struct archive_entry *entry;
    int64_t i = 0;
    for (int64_t at = 0; status == MICA_OK && i < archive->n; at++) {
        int code = archive_read_next_header(reader, &entry);
        if (code != ARCHIVE_OK && code != ARCHIVE_WARN)
            status = malformed(archive, reader, err);
        if (status != MICA_OK || at != archive->members[i].entry)
            continue;
        if (wanted[i])
            status = read_member(archive, reader, i, piece, data, user, err);
        i++;
    }
    mica_free(piece);
    if (reader)
        archive_read_free(reader);
    return status;
}

enum mica_status mica_archive_read(struct mica_archive *archive, const bool *wanted, member_data *data,
                                   void *user, struct mica_err *err)
{
    struct locales locales = enter_utf8();
    enum mica_status status = read_all(archive, wanted, data, user, err);
    leave_utf8(locales);
    return status;
}
