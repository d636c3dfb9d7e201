/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Blobs: files called after the SHA-256 of their bytes. A blob becomes visible by a rename, after its digest
 * was checked and its bytes were synced. */
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct mica_blob_writer {
    struct mica_store *store;
    bool known; /* the digest */
    struct mica_digest digest;
    int fd, map_fd; /* map_fd: -1 without a record of parts */
    char path[MICA_PATH_MAX], map_path[MICA_PATH_MAX];
    uint64_t n_parts;
    uint8_t *parts; /* '1' where a part is there */
};

/* What the record of parts begins with; one byte per part follows. */
struct part_head {
    char magic[8];
    uint64_t size, part_bytes;
};
enum { MAX_PARTS = 1 << 22, CHUNK = 1 << 20 };

static enum mica_status fail_at(const char *path, struct mica_err *err)
{
    return mica_fail(err, errno == ENOSPC || errno == EDQUOT ? MICA_ELIMIT : MICA_EIO, "%s: %s", path,
                     strerror(errno));
}

enum mica_status mica_store_blob_path(struct mica_store *store, const struct mica_digest *digest,
                                      char out[MICA_PATH_MAX], struct mica_err *err)
{
    char hex[MICA_DIGEST_HEX];
    mica_digest_hex(digest, hex);
    return mica_fs_path(out, err, "%s/blobs/sha256-%s", store->home, hex);
}

bool mica_store_has_blob(struct mica_store *store, const struct mica_digest *digest)
{
    char path[MICA_PATH_MAX];
    struct stat st;
    return mica_store_blob_path(store, digest, path, NULL) == MICA_OK && stat(path, &st) == 0 &&
           S_ISREG(st.st_mode);
}

enum mica_status mica_store_blob_open(struct mica_store *store, const struct mica_digest *digest,
                                      struct mica_mapping **out, struct mica_err *err)
{
    char path[MICA_PATH_MAX];
    enum mica_status status = mica_store_blob_path(store, digest, path, err);
    return status == MICA_OK ? mica_mapping_open(path, out, err) : status;
}

/* ---- writers ---- */

static void free_writer(struct mica_blob_writer *writer)
{
    if (writer->fd >= 0)
        close(writer->fd);
    if (writer->map_fd >= 0)
        close(writer->map_fd);
    mica_free(writer->parts);
    mica_free(writer);
}

/* Whether the file at path is the one that fd has open. */
static bool is_same_file(int fd, const char *path)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && lstat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int wait_for_lock(int fd)
{
    int rc;
    while ((rc = flock(fd, LOCK_EX)) != 0 && errno == EINTR)
        ;
    return rc;
}

/* Opens and locks the partial file of a known digest. *complete: another writer finished the blob. */
static enum mica_status open_partial(struct mica_blob_writer *writer, bool *complete, struct mica_err *err)
{
    struct stat st;
    for (;;) {
        *complete = mica_store_has_blob(writer->store, &writer->digest);
        if (*complete)
            return MICA_OK;
        writer->fd = open(writer->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
        if (writer->fd < 0 || fstat(writer->fd, &st) != 0)
            return fail_at(writer->path, err);
        if (!S_ISREG(st.st_mode))
            return mica_fail(err, MICA_EIO, "%s: is in the way and no regular file", writer->path);
        if (wait_for_lock(writer->fd) != 0)
            return fail_at(writer->path, err);
        /* Whoever held the lock before may have made this very file the blob, or removed it. */
        if (is_same_file(writer->fd, writer->path)) {
            *complete = mica_store_has_blob(writer->store, &writer->digest);
            if (*complete) {
                unlink(writer->map_path);
                unlink(writer->path);
            }
            return MICA_OK;
        }
        close(writer->fd);
        writer->fd = -1;
    }
}

/* A file of which nothing is recorded starts empty: its length says nothing about its bytes. */
static enum mica_status open_map(struct mica_blob_writer *writer, struct mica_err *err)
{
    writer->map_fd = open(writer->map_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (writer->map_fd < 0 && errno != ENOENT)
        return fail_at(writer->map_path, err);
    if (writer->map_fd < 0 && ftruncate(writer->fd, 0) != 0)
        return fail_at(writer->path, err);
    return MICA_OK;
}

static enum mica_status open_aside(struct mica_blob_writer *writer, struct mica_err *err)
{
    enum mica_status status = mica_fs_path(writer->path, err, "%s/blobs/partial-XXXXXX", writer->store->home);
    if (status != MICA_OK)
        return status;
    writer->fd = mkostemp(writer->path, O_CLOEXEC);
    return writer->fd >= 0 && wait_for_lock(writer->fd) == 0 ? MICA_OK : fail_at(writer->path, err);
}

enum mica_status mica_blob_begin(struct mica_store *store, const struct mica_digest *digest,
                                 struct mica_blob_writer **out, struct mica_err *err)
{
    char hex[MICA_DIGEST_HEX];
    bool complete = false;
    enum mica_status status = mica_store_lock(store, LOCK_SH, false, err);
    if (status != MICA_OK)
        return status;
    struct mica_blob_writer *writer = mica_alloc(1, sizeof *writer);
    if (!writer)
        return mica_fail(err, MICA_ENOMEM, "store: out of memory");
    writer->store = store;
    writer->fd = writer->map_fd = -1;
    if (digest) {
        writer->known = true;
        writer->digest = *digest;
        mica_digest_hex(digest, hex);
        status = mica_fs_path(writer->path, err, "%s/blobs/sha256-%s-partial", store->home, hex);
        if (status == MICA_OK)
            status = mica_fs_path(writer->map_path, err, "%s.parts", writer->path);
        if (status == MICA_OK)
            status = open_partial(writer, &complete, err);
        if (status == MICA_OK && !complete)
            status = open_map(writer, err);
    } else {
        status = open_aside(writer, err);
    }
    if (status != MICA_OK || complete) {
        free_writer(writer);
        writer = NULL;
    }
    if (status == MICA_OK)
        *out = writer;
    return status;
}

int mica_blob_fd(const struct mica_blob_writer *writer)
{
    return writer->fd;
}

static bool read_at(int fd, void *data, size_t len, uint64_t at)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = pread(fd, (char *)data + done, len - done, (off_t)(at + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static bool write_at(int fd, const void *data, size_t len, uint64_t at)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = pwrite(fd, (const char *)data + done, len - done, (off_t)(at + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

/* Takes over what an earlier run recorded, when that was about the same parts and the data is still there. */
static bool resume(struct mica_blob_writer *writer, const struct part_head *head)
{
    struct part_head old;
    struct stat st;
    return writer->map_fd >= 0 && read_at(writer->map_fd, &old, sizeof old, 0) &&
           memcmp(&old, head, sizeof old) == 0 &&
           read_at(writer->map_fd, writer->parts, writer->n_parts, sizeof old) &&
           fstat(writer->fd, &st) == 0 && (uint64_t)st.st_size == head->size;
}

static enum mica_status start_map(struct mica_blob_writer *writer, const struct part_head *head,
                                  struct mica_err *err)
{
    memset(writer->parts, '0', writer->n_parts);
    if (writer->map_fd >= 0)
        close(writer->map_fd);
    unlink(writer->map_path);
    if (ftruncate(writer->fd, 0) != 0 || ftruncate(writer->fd, (off_t)head->size) != 0)
        return fail_at(writer->path, err);
    writer->map_fd = open(writer->map_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    /* The head last: without it, there is no record. */
    if (writer->map_fd < 0 || !write_at(writer->map_fd, writer->parts, writer->n_parts, sizeof *head) ||
        !write_at(writer->map_fd, head, sizeof *head, 0))
        return fail_at(writer->map_path, err);
    return MICA_OK;
}

enum mica_status mica_blob_parts(struct mica_blob_writer *writer, uint64_t size, uint64_t part_bytes,
                                 struct mica_err *err)
{
    struct part_head head = {"MICAPRT1", size, part_bytes};
    if (!writer->known || writer->parts || part_bytes == 0 || size > INT64_MAX)
        return mica_fail(err, MICA_EARG, "blob: parts are for a known digest, once, and not empty");
    writer->n_parts = size / part_bytes + (size % part_bytes != 0);
    if (writer->n_parts > MAX_PARTS)
        return mica_fail(err, MICA_ELIMIT, "blob: more than %d parts", MAX_PARTS);
    writer->parts = mica_alloc(writer->n_parts, 1);
    if (!writer->parts)
        return mica_fail(err, MICA_ENOMEM, "blob: out of memory");
    return resume(writer, &head) ? MICA_OK : start_map(writer, &head, err);
}

bool mica_blob_part_done(const struct mica_blob_writer *writer, uint64_t part)
{
    return part < writer->n_parts && writer->parts[part] == '1';
}

enum mica_status mica_blob_part_mark(struct mica_blob_writer *writer, uint64_t part, struct mica_err *err)
{
    if (part >= writer->n_parts)
        return mica_fail(err, MICA_EARG, "blob: there is no part %llu", (unsigned long long)part);
    if (fdatasync(writer->fd) != 0)
        return fail_at(writer->path, err);
    if (!write_at(writer->map_fd, "1", 1, sizeof(struct part_head) + part))
        return fail_at(writer->map_path, err);
    writer->parts[part] = '1';
    return MICA_OK;
}

static enum mica_status hash_file(int fd, const char *path, struct mica_digest *out, uint64_t *size_out,
                                  struct mica_err *err)
{
    struct mica_sha256_stream *stream = mica_sha256_begin();
    uint8_t *chunk = mica_alloc(CHUNK, 1);
    enum mica_status status = MICA_OK;
    uint64_t size = 0;
    ssize_t n = 0;
    if (!stream || !chunk)
        status = mica_fail(err, MICA_ENOMEM, "blob: out of memory");
    while (status == MICA_OK && (n = pread(fd, chunk, CHUNK, (off_t)size)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            status = fail_at(path, err);
        else if (!mica_sha256_update(stream, chunk, (size_t)n))
            status = mica_fail(err, MICA_ENOMEM, "blob: out of memory");
        size += n > 0 ? (uint64_t)n : 0;
    }
    mica_free(chunk);
    if (!mica_sha256_end(stream, status == MICA_OK ? out : NULL) && status == MICA_OK)
        status = mica_fail(err, MICA_ENOMEM, "blob: out of memory");
    *size_out = size;
    return status;
}

/* Makes the written file the blob. */
static enum mica_status show_blob(struct mica_blob_writer *writer, const struct mica_digest *digest,
                                  struct mica_err *err)
{
    char path[MICA_PATH_MAX];
    enum mica_status status = mica_store_blob_path(writer->store, digest, path, err);
    if (status != MICA_OK)
        return status;
    if (!writer->known && mica_store_has_blob(writer->store, digest)) {
        unlink(writer->path);
        return MICA_OK;
    }
    if (fchmod(writer->fd, 0644) != 0 || fsync(writer->fd) != 0 || rename(writer->path, path) != 0)
        return fail_at(writer->path, err);
    return mica_fs_sync_folder(path, err);
}

enum mica_status mica_blob_commit(struct mica_blob_writer *writer, struct mica_digest *digest_out,
                                  uint64_t *size_out, struct mica_err *err)
{
    struct mica_digest digest;
    uint64_t size;
    enum mica_status status = hash_file(writer->fd, writer->path, &digest, &size, err);
    bool wrong = status == MICA_OK && writer->known && !mica_digest_equal(&digest, &writer->digest);
    if (wrong) {
        char want[MICA_DIGEST_HEX], have[MICA_DIGEST_HEX];
        mica_digest_hex(&writer->digest, want);
        mica_digest_hex(&digest, have);
        status = mica_fail(err, MICA_EFORMAT, "the bytes that came are sha256:%s, not sha256:%s as announced",
                           have, want);
    } else if (status == MICA_OK) {
        status = show_blob(writer, &digest, err);
    }
    if (status == MICA_OK && digest_out)
        *digest_out = digest;
    if (status == MICA_OK && size_out)
        *size_out = size;
    if (writer->known && status == MICA_OK)
        unlink(writer->map_path);
    mica_blob_abandon(writer, wrong);
    return status;
}

void mica_blob_abandon(struct mica_blob_writer *writer, bool discard)
{
    if (!writer)
        return;
    if (discard || !writer->known) {
        if (writer->known)
            unlink(writer->map_path);
        if (is_same_file(writer->fd, writer->path))
            unlink(writer->path);
    }
    free_writer(writer);
}

enum mica_status mica_store_blob_put(struct mica_store *store, const void *data, size_t len,
                                     struct mica_digest *digest_out, struct mica_err *err)
{
    struct mica_digest digest;
    struct mica_blob_writer *writer;
    if (!mica_sha256(data, len, &digest))
        return mica_fail(err, MICA_ENOMEM, "store: out of memory");
    enum mica_status status = mica_blob_begin(store, &digest, &writer, err);
    if (status != MICA_OK)
        return status;
    if (writer && (ftruncate(writer->fd, 0) != 0 || !write_at(writer->fd, data, len, 0))) {
        status = fail_at(writer->path, err);
        mica_blob_abandon(writer, true);
    } else if (writer) {
        status = mica_blob_commit(writer, NULL, NULL, err);
    }
    if (status == MICA_OK && digest_out)
        *digest_out = digest;
    return status;
}
