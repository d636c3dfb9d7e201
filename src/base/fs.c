/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

static enum mica_status fail_errno(const char *path, struct mica_err *err)
{
    return mica_fail(err,
                     errno == ENOENT                     ? MICA_ENOTFOUND
                     : errno == EACCES || errno == EPERM ? MICA_EDENIED
                                                         : MICA_EIO,
                     "%s: %s", path, strerror(errno));
}

enum mica_status mica_fs_path(char out[MICA_PATH_MAX], struct mica_err *err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(out, MICA_PATH_MAX, fmt, args);
    va_end(args);
    return len >= 0 && len < MICA_PATH_MAX
               ? MICA_OK
               : mica_fail(err, MICA_ELIMIT, "%.200s…: the path is too long", out);
}

enum mica_status mica_fs_mkdirs(const char *path, struct mica_err *err)
{
    char part[MICA_PATH_MAX];
    struct stat st;
    enum mica_status status = mica_fs_path(part, err, "%s", path);
    if (status != MICA_OK)
        return status;
    for (char *at = part + 1;; at++)
        if (*at == '/' || *at == '\0') {
            char end = *at;
            *at = '\0';
            if (mkdir(part, 0755) != 0 && errno != EEXIST && !(stat(part, &st) == 0 && S_ISDIR(st.st_mode)))
                return fail_errno(part, err);
            *at = end;
            if (!end)
                break;
        }
    if (stat(path, &st) != 0)
        return fail_errno(path, err);
    return S_ISDIR(st.st_mode) ? MICA_OK : mica_fail(err, MICA_EIO, "%s: is not a folder", path);
}

/* The folder of path, "." when it names none. */
static enum mica_status folder_of(const char *path, char out[MICA_PATH_MAX], struct mica_err *err)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return mica_fs_path(out, err, ".");
    return mica_fs_path(out, err, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

enum mica_status mica_fs_mkdirs_for(const char *path, struct mica_err *err)
{
    char folder[MICA_PATH_MAX];
    enum mica_status status = folder_of(path, folder, err);
    return status == MICA_OK ? mica_fs_mkdirs(folder, err) : status;
}

enum mica_status mica_fs_sync_folder(const char *path, struct mica_err *err)
{
    char folder[MICA_PATH_MAX];
    enum mica_status status = folder_of(path, folder, err);
    if (status != MICA_OK)
        return status;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(folder, err);
    /* Some file systems cannot sync a folder; they say EINVAL and keep the order themselves. */
    if (fsync(fd) != 0 && errno != EINVAL)
        status = fail_errno(folder, err);
    close(fd);
    return status;
}

static bool write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

/* "-o /dev/null", "/dev/stdout", a named pipe: written to, never replaced. */
static bool is_device(const char *path)
{
    struct stat st;
    if (strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/proc/", 6) == 0)
        return stat(path, &st) == 0;
    return lstat(path, &st) == 0 && (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode) || S_ISFIFO(st.st_mode));
}

static enum mica_status write_to_device(const char *path, const void *data, size_t len, struct mica_err *err)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(path, err);
    bool ok = write_all(fd, data, len);
    int e = errno;
    ok = close(fd) == 0 && ok;
    errno = ok ? 0 : e;
    return ok ? MICA_OK : fail_errno(path, err);
}

enum mica_status mica_fs_write(const char *path, const void *data, size_t len, unsigned mode,
                               struct mica_err *err)
{
    /* A hidden name: whoever lists the folder does not take the aside file of a killed writer for data. */
    char aside[MICA_PATH_MAX];
    if (is_device(path))
        return write_to_device(path, data, len, err);
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path) + 1 : 0;
    enum mica_status status = mica_fs_path(aside, err, "%.*s.%s.XXXXXX", folder, path, path + folder);
    if (status != MICA_OK)
        return status;
    int fd = mkostemp(aside, O_CLOEXEC);
    if (fd < 0)
        return fail_errno(path, err);
    bool ok = fchmod(fd, mode) == 0 && write_all(fd, data, len) && fsync(fd) == 0;
    ok = close(fd) == 0 && ok;
    if (!ok || rename(aside, path) != 0) {
        status = fail_errno(path, err);
        unlink(aside);
        return status;
    }
    return mica_fs_sync_folder(path, err);
}

enum mica_status mica_fs_read(const char *path, size_t limit, struct mica_buf *out, struct mica_err *err)
{
    char chunk[65536];
    struct stat st;
    enum mica_status status = MICA_OK;
    size_t total = 0;
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail_errno(path, err);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return mica_fail(err, MICA_EARG, "%s: not a regular file", path);
    }
    mica_buf_puts(out, "");
    while (status == MICA_OK && (n = read(fd, chunk, sizeof chunk)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            status = fail_errno(path, err);
        else if ((total += (size_t)n) > limit)
            status = mica_fail(err, MICA_ELIMIT, "%s: more than %zu bytes", path, limit);
        else
            mica_buf_append(out, chunk, (size_t)n);
    }
    close(fd);
    if (status == MICA_OK && out->failed)
        status = mica_fail(err, MICA_ENOMEM, "%s: out of memory", path);
    return status;
}

bool mica_fs_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

enum mica_status mica_fs_free_bytes(const char *path, uint64_t *out, struct mica_err *err)
{
    struct statvfs st;
    if (statvfs(path, &st) != 0)
        return fail_errno(path, err);
    *out = (uint64_t)st.f_bavail * st.f_frsize;
    return MICA_OK;
}

void mica_time_text_at(int64_t seconds, char out[MICA_TIME_TEXT])
{
    time_t at = seconds;
    struct tm tm;
    if (!gmtime_r(&at, &tm) || strftime(out, MICA_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        snprintf(out, MICA_TIME_TEXT, "1970-01-01T00:00:00Z");
}

void mica_time_text(char out[MICA_TIME_TEXT])
{
    const char *fixed = getenv("SOURCE_DATE_EPOCH");
    mica_time_text_at(fixed && *fixed ? strtoll(fixed, NULL, 10) : time(NULL), out);
}
