/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Which processes run models: each holds a lock on a file of its own in MICA_HOME/run. The kernel lets go of
 * the lock however a process ends, so a file without a lock is stale. Also: the log. */
#include "store/internal.h"

#include <jansson.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct mica_running_file {
    int fd;
    char path[MICA_PATH_MAX];
};

static bool still_there(int fd, const char *path)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && lstat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Opens and locks the file; whoever cleans up may take it away between the two. */
static enum mica_status open_running(struct mica_running_file *file, struct mica_err *err)
{
    for (;;) {
        file->fd = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
        if (file->fd < 0)
            return mica_fail(err, MICA_EIO, "%s: %s", file->path, strerror(errno));
        while (flock(file->fd, LOCK_EX) != 0)
            if (errno != EINTR) {
                int error = errno;
                close(file->fd);
                return mica_fail(err, MICA_EIO, "%s: %s", file->path, strerror(error));
            }
        if (still_there(file->fd, file->path))
            return MICA_OK;
        close(file->fd);
    }
}

static enum mica_status write_running(struct mica_running_file *file, const char *name,
                                      const struct mica_digest *digest, uint64_t bytes, struct mica_err *err)
{
    char hex[MICA_DIGEST_HEX];
    mica_digest_hex(digest, hex);
    json_t *root = json_pack("{s:i, s:s, s:s, s:I, s:I}", "pid", (int)getpid(), "name", name, "digest", hex,
                             "bytes", (json_int_t)bytes, "since", (json_int_t)time(NULL));
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (!text)
        return mica_fail(err, MICA_ENOMEM, "store: out of memory");
    size_t len = strlen(text);
    bool ok = ftruncate(file->fd, 0) == 0 && pwrite(file->fd, text, len, 0) == (ssize_t)len;
    free(text);
    return ok ? MICA_OK : mica_fail(err, MICA_EIO, "%s: %s", file->path, strerror(errno));
}

enum mica_status mica_store_start(struct mica_store *store, const char *name,
                                  const struct mica_digest *digest, uint64_t bytes, struct mica_err *err)
{
    static atomic_uint count; /* a process may run several models */
    mica_store_stop(store);
    struct mica_running_file *file = mica_alloc(1, sizeof *file);
    if (!file)
        return mica_fail(err, MICA_ENOMEM, "store: out of memory");
    file->fd = -1;
    unsigned i = atomic_fetch_add(&count, 1);
    enum mica_status status =
        i ? mica_fs_path(file->path, err, "%s/run/%d.%u.json", store->home, (int)getpid(), i)
          : mica_fs_path(file->path, err, "%s/run/%d.json", store->home, (int)getpid());
    if (status == MICA_OK)
        status = mica_fs_mkdirs_for(file->path, err);
    if (status == MICA_OK)
        status = open_running(file, err);
    if (status != MICA_OK) {
        mica_free(file);
        return status;
    }
    store->running = file;
    status = write_running(file, name, digest, bytes, err);
    if (status != MICA_OK)
        mica_store_stop(store);
    return status;
}

void mica_store_stop(struct mica_store *store)
{
    struct mica_running_file *file = store->running;
    if (!file)
        return;
    unlink(file->path);
    close(file->fd);
    mica_free(file);
    store->running = NULL;
}

/* What a running process wrote, when it is complete and plausible. */
static bool parse_running(int fd, struct mica_running *out)
{
    char text[4096];
    ssize_t len = pread(fd, text, sizeof text, 0);
    json_t *root = len > 0 ? json_loadb(text, (size_t)len, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *name = NULL, *digest = NULL;
    json_int_t pid = 0, bytes = 0, since = 0;
    bool ok = root &&
              json_unpack(root, "{s:I, s:s, s:s, s:I, s:I}", "pid", &pid, "name", &name, "digest", &digest,
                          "bytes", &bytes, "since", &since) == 0 &&
              pid > 0 && pid <= INT32_MAX && bytes >= 0 && strlen(name) < sizeof out->name &&
              mica_digest_parse(digest, &out->digest);
    if (ok) {
        out->pid = (int)pid;
        out->bytes = (uint64_t)bytes;
        out->since = since;
        memcpy(out->name, name, strlen(name) + 1);
    }
    json_decref(root);
    return ok;
}

/* Whether the file is a running process's; a stale one is removed. */
static bool look_at(int folder, const char *entry, struct mica_running *out)
{
    struct stat st, named;
    size_t len = strlen(entry);
    if (entry[0] < '0' || entry[0] > '9' || len < 6 || strcmp(entry + len - 5, ".json") != 0)
        return false;
    int fd = openat(folder, entry, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return false;
    bool live = false;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        /* Only who holds the lock of the file that has this name takes the name away. A process that looks at
         * the same moment holds the lock of a stale file, too: hence kill. */
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            if (fstatat(folder, entry, &named, AT_SYMLINK_NOFOLLOW) == 0 && named.st_ino == st.st_ino)
                unlinkat(folder, entry, 0);
        } else if (errno == EWOULDBLOCK) {
            live = parse_running(fd, out) && (kill(out->pid, 0) == 0 || errno != ESRCH);
        }
    }
    close(fd);
    return live;
}

static int compare_running(const void *a, const void *b)
{
    const struct mica_running *x = a, *y = b;
    return x->since != y->since ? (x->since < y->since ? -1 : 1) : (x->pid > y->pid) - (x->pid < y->pid);
}

enum mica_status mica_store_ps(struct mica_store *store, struct mica_running **out, int64_t *n_out,
                               struct mica_err *err)
{
    char path[MICA_PATH_MAX];
    struct mica_running *rows = NULL;
    int64_t n = 0, capacity = 0;
    enum mica_status status = mica_fs_path(path, err, "%s/run", store->home);
    if (status != MICA_OK)
        return status;
    DIR *dir = opendir(path);
    if (!dir && errno != ENOENT)
        return mica_fail(err, MICA_EIO, "%s: %s", path, strerror(errno));
    const struct dirent *entry;
    while (dir && status == MICA_OK && (entry = readdir(dir)) != NULL) {
        struct mica_running row;
        if (!look_at(dirfd(dir), entry->d_name, &row))
            continue;
        if (!mica_grow(&rows, n, &capacity, sizeof *rows))
            status = mica_fail(err, MICA_ENOMEM, "store: out of memory");
        else
            rows[n++] = row;
    }
    if (dir)
        closedir(dir);
    if (status != MICA_OK) {
        mica_free(rows);
        return status;
    }
    if (n > 1)
        qsort(rows, (size_t)n, sizeof *rows, compare_running);
    *out = rows;
    *n_out = n;
    return MICA_OK;
}

/* ---- the log ---- */

static enum mica_status append_line(const char *path, const char *text, struct mica_err *err)
{
    struct mica_buf line = {0};
    enum mica_status status = MICA_OK;
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return mica_fail(err, MICA_EIO, "%s: %s", path, strerror(errno));
    /* One write: lines of several processes do not mix. */
    if (!mica_buf_printf(&line, "%s\n", text))
        status = mica_fail(err, MICA_ENOMEM, "log: out of memory");
    else if (write(fd, line.data, line.len) != (ssize_t)line.len)
        status = mica_fail(err, MICA_EIO, "%s: cannot be written: %s", path, strerror(errno));
    close(fd);
    mica_buf_release(&line);
    return status;
}

enum mica_status mica_store_log(struct mica_store *store, struct json_t *event, struct mica_err *err)
{
    char now[MICA_TIME_TEXT], path[MICA_PATH_MAX];
    mica_time_text(now);
    enum mica_status status = mica_fs_path(path, err, "%s/log.jsonl", store->home);
    if (status == MICA_OK)
        status = mica_fs_mkdirs_for(path, err);
    json_t *line = json_pack("{s:s}", "time", now);
    char *text =
        line && event && json_object_update_missing(line, event) == 0 ? json_dumps(line, JSON_COMPACT) : NULL;
    json_decref(line);
    json_decref(event);
    if (status == MICA_OK)
        status = text ? append_line(path, text, err) : mica_fail(err, MICA_ENOMEM, "log: out of memory");
    free(text);
    return status;
}
