/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/oms_folder.h"
#include "base/fs.h"
#include "govern/blake2b.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 20 };

const char *mica_printable(const char *name, char *out, size_t size)
{
    size_t i = 0;
    for (; name[i] && i + 1 < size; i++)
        out[i] = (unsigned char)name[i] < ' ' || name[i] == 0x7f ? '?' : name[i];
    out[i] = '\0';
    return out;
}

bool mica_folder_ignores(const char *path, const char *const *ignored, int64_t n_ignored)
{
    for (int64_t i = 0; i < n_ignored; i++) {
        size_t len = strlen(ignored[i]);
        if (strncmp(path, ignored[i], len) == 0 && (path[len] == '\0' || path[len] == '/'))
            return true;
    }
    return false;
}

struct walk {
    struct mica_folder *folder;
    const char *const *ignored;
    int64_t n_ignored;
    const char *name; /* of the folder, for messages */
    struct mica_err *err;
};

static enum mica_status refuse(const struct walk *w, const char *path, mode_t mode)
{
    char text[300];
    return mica_fail(w->err, MICA_EDENIED,
                     S_ISLNK(mode)
                         ? "%s: %s is a symbolic link: a signed folder holds files only"
                         : "%s: %s is neither a file nor a folder: a signed folder holds files only",
                     w->name, mica_printable(path, text, sizeof text));
}

static enum mica_status add_file(const struct walk *w, const char *path, uint64_t size)
{
    struct mica_folder *f = w->folder;
    if (f->n_files == MICA_OMS_FILES)
        return mica_fail(w->err, MICA_ELIMIT, "%s: more than %d files", w->name, MICA_OMS_FILES);
    const char *kept = mica_arena_strndup(&f->arena, path, strlen(path));
    if (!kept || !mica_grow(&f->files, f->n_files, &f->capacity, sizeof *f->files))
        return mica_fail(w->err, MICA_ENOMEM, "%s: out of memory", w->name);
    f->files[f->n_files++] = (struct mica_folder_file){kept, size};
    return MICA_OK;
}

static enum mica_status walk_folder(const struct walk *w, int fd, const char *prefix, int depth);

/* Lists what the folder open at parent has under the name entry. */
static enum mica_status walk_entry(const struct walk *w, int parent, const char *prefix, const char *entry,
                                   int depth)
{
    char path[MICA_PATH_MAX];
    struct stat st;
    enum mica_status status = mica_fs_path(path, w->err, "%s%s", prefix, entry);
    if (status != MICA_OK)
        return status;
    if (fstatat(parent, entry, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return mica_fail(w->err, MICA_EIO, "%s: %s: %s", w->name, path, strerror(errno));
    if (S_ISLNK(st.st_mode))
        return refuse(w, path, st.st_mode);
    if (mica_folder_ignores(path, w->ignored, w->n_ignored))
        return MICA_OK;
    if (S_ISREG(st.st_mode))
        return add_file(w, path, (uint64_t)st.st_size);
    if (!S_ISDIR(st.st_mode))
        return refuse(w, path, st.st_mode);
    if (depth == MICA_OMS_DEPTH)
        return mica_fail(w->err, MICA_ELIMIT, "%s: folders nested deeper than %d", w->name, MICA_OMS_DEPTH);
    int fd = openat(parent, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return mica_fail(w->err, MICA_EIO, "%s: %s: %s", w->name, path, strerror(errno));
    status = mica_fs_path(path, w->err, "%s%s/", prefix, entry);
    if (status != MICA_OK) {
        close(fd);
        return status;
    }
    return walk_folder(w, fd, path, depth + 1);
}

/* Closes fd. prefix is "" or ends in "/". */
static enum mica_status walk_folder(const struct walk *w, int fd, const char *prefix, int depth)
{
    enum mica_status status = MICA_OK;
    struct dirent *entry;
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return mica_fail(w->err, MICA_ENOMEM, "%s: out of memory", w->name);
    }
    errno = 0;
    while (status == MICA_OK && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            status = walk_entry(w, dirfd(dir), prefix, entry->d_name, depth);
        errno = 0;
    }
    if (status == MICA_OK && errno)
        status = mica_fail(w->err, MICA_EIO, "%s: %s", w->name, strerror(errno));
    closedir(dir);
    return status;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct mica_folder_file *)a)->path, ((const struct mica_folder_file *)b)->path);
}

enum mica_status mica_folder_list(const char *path, const char *const *ignored, int64_t n_ignored,
                                  struct mica_folder *out, struct mica_err *err)
{
    struct stat st;
    *out = (struct mica_folder){.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (out->fd < 0)
        return mica_fail(err, errno == ENOENT ? MICA_ENOTFOUND : MICA_EIO, "%s: %s", path, strerror(errno));
    struct walk w = {out, ignored, n_ignored, path, err};
    enum mica_status status;
    if (fstat(out->fd, &st) != 0)
        status = mica_fail(err, MICA_EIO, "%s: %s", path, strerror(errno));
    else if (S_ISREG(st.st_mode))
        status = add_file(&w, ".", (uint64_t)st.st_size);
    else if (!S_ISDIR(st.st_mode))
        status = mica_fail(err, MICA_EDENIED, "%s: neither a file nor a folder", path);
    else {
        /* A descriptor of its own: reading entries moves the position that all duplicates share. */
        int fd = openat(out->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        status =
            fd < 0 ? mica_fail(err, MICA_EIO, "%s: %s", path, strerror(errno)) : walk_folder(&w, fd, "", 0);
    }
    if (status != MICA_OK)
        mica_folder_release(out);
    else if (out->n_files > 1)
        qsort(out->files, (size_t)out->n_files, sizeof *out->files, by_path);
    return status;
}

void mica_folder_release(struct mica_folder *folder)
{
    if (folder->fd >= 0)
        close(folder->fd);
    mica_free(folder->files);
    mica_arena_release(&folder->arena);
    *folder = (struct mica_folder){.fd = -1};
}

/* Opens a path below fd one name at a time, so that no link is followed on the way; −1 and errno. */
static int open_below(int fd, const char *path)
{
    char name[256];
    int at = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    while (at >= 0) {
        size_t len = strcspn(path, "/");
        bool is_last = path[len] == '\0';
        if (len >= sizeof name) {
            close(at);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(name, path, len);
        name[len] = '\0';
        int next = openat(at, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | (is_last ? O_NONBLOCK : O_DIRECTORY));
        int error = errno;
        close(at);
        errno = error;
        at = next;
        if (is_last)
            break;
        path += len + 1;
    }
    return at;
}

struct hasher {
    struct mica_sha256_stream *sha256; /* NULL: blake2b */
    struct mica_blake2b blake2b;
};

static bool hash_update(struct hasher *h, const void *data, size_t len)
{
    if (h->sha256)
        return mica_sha256_update(h->sha256, data, len);
    mica_blake2b_update(&h->blake2b, data, len);
    return true;
}

/* Feeds bytes [start, end) of fd, and with whole sees that the file ends there. */
static bool hash_bytes(int fd, const struct mica_folder_piece *piece, struct hasher *h, uint8_t *buffer)
{
    uint64_t at = piece->start;
    for (;;) {
        uint64_t left = piece->end - at;
        /* At the end of a whole file one more byte is asked for: it must not be there. */
        size_t want = left ? (left < CHUNK ? (size_t)left : CHUNK) : 1;
        if (!left && !piece->whole)
            return true;
        ssize_t n = pread(fd, buffer, want, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        errno = 0;
        if (!left)
            return n == 0;
        if (n == 0 || !hash_update(h, buffer, (size_t)n))
            return false;
        at += (uint64_t)n;
    }
}

static bool hash_open_file(int fd, struct mica_folder_piece *piece, bool is_blake2b, uint8_t *buffer)
{
    struct hasher h = {0};
    struct mica_digest digest = {{0}};
    struct stat st;
    if (fstat(fd, &st) != 0)
        return false;
    errno = 0;
    if (!S_ISREG(st.st_mode))
        return false;
    if (is_blake2b)
        mica_blake2b_begin(&h.blake2b, MICA_OMS_DIGEST_MAX);
    else if (!(h.sha256 = mica_sha256_begin())) {
        errno = ENOMEM;
        return false;
    }
    posix_fadvise(fd, (off_t)piece->start, (off_t)(piece->end - piece->start), POSIX_FADV_SEQUENTIAL);
    bool ok = hash_bytes(fd, piece, &h, buffer);
    int error = errno;
    if (is_blake2b)
        mica_blake2b_end(&h.blake2b, piece->digest);
    else if (mica_sha256_end(h.sha256, &digest))
        memcpy(piece->digest, digest.bytes, sizeof digest.bytes);
    errno = error;
    return ok;
}

struct hash_job {
    const struct mica_folder *folder;
    struct mica_folder_piece **order;
    uint8_t *buffers; /* CHUNK bytes per thread */
    bool is_blake2b;
};

static void hash_pieces(void *arg, int64_t begin, int64_t end, int thread)
{
    const struct hash_job *job = arg;
    for (int64_t i = begin; i < end; i++) {
        struct mica_folder_piece *piece = job->order[i];
        int fd = strcmp(piece->path, ".") == 0 ? fcntl(job->folder->fd, F_DUPFD_CLOEXEC, 0)
                                               : open_below(job->folder->fd, piece->path);
        piece->failed =
            fd < 0 || !hash_open_file(fd, piece, job->is_blake2b, job->buffers + (size_t)thread * CHUNK);
        piece->error = piece->failed ? errno : 0;
        if (fd >= 0)
            close(fd);
    }
}

static int by_size(const void *a, const void *b)
{
    const struct mica_folder_piece *p = *(struct mica_folder_piece *const *)a,
                                   *q = *(struct mica_folder_piece *const *)b;
    uint64_t m = p->end - p->start, n = q->end - q->start;
    return m < n ? 1 : m > n ? -1 : p < q ? -1 : p > q;
}

enum mica_status mica_folder_hash(const struct mica_folder *folder, struct mica_folder_piece *pieces,
                                  int64_t n_pieces, bool is_blake2b, struct mica_pool *pool,
                                  struct mica_err *err)
{
    struct hash_job job = {folder, mica_alloc((size_t)n_pieces, sizeof *job.order),
                           mica_alloc((size_t)mica_pool_threads(pool), CHUNK), is_blake2b};
    enum mica_status status = MICA_OK;
    if (!job.order || !job.buffers)
        status = mica_fail(err, MICA_ENOMEM, "hashing: out of memory");
    for (int64_t i = 0; i < n_pieces && status == MICA_OK; i++)
        job.order[i] = &pieces[i];
    if (status == MICA_OK && n_pieces > 0) {
        qsort(job.order, (size_t)n_pieces, sizeof *job.order, by_size);
        mica_pool_run(pool, n_pieces, 1, hash_pieces, &job);
    }
    mica_free(job.order);
    mica_free(job.buffers);
    return status;
}

bool mica_folder_relative(const char *folder, const char *file, char out[4096])
{
    char parent[MICA_PATH_MAX], *real_folder = realpath(folder, NULL), *real_parent = NULL;
    const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
    bool ok = false;
    if (mica_fs_path(parent, NULL, "%.*s", slash ? (int)(slash - file + 1) : 1, slash ? file : ".") ==
        MICA_OK)
        real_parent = realpath(parent, NULL);
    if (real_folder && real_parent && *base) {
        size_t len = strcmp(real_folder, "/") == 0 ? 0 : strlen(real_folder);
        if (strncmp(real_parent, real_folder, len) == 0 && (real_parent[len] == '/' || !real_parent[len])) {
            const char *below = real_parent + len + (real_parent[len] == '/');
            int n = snprintf(out, 4096, "%s%s%s", below, *below ? "/" : "", base);
            ok = n > 0 && n < 4096;
        }
    }
    free(real_folder);
    free(real_parent);
    return ok;
}
