/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Files and folders the crash-safe way. Paths in messages are those given. All functions are thread-safe. */
#ifndef MICA_FS_H
#define MICA_FS_H

#include "base/mem.h"

enum { MICA_PATH_MAX = 4096 };

/* Joins "a/b" into out[MICA_PATH_MAX]; ELIMIT when it does not fit. */
enum mica_status mica_fs_path(char out[MICA_PATH_MAX], struct mica_err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Makes the folder and those above it (mode 0755 less the umask); fine when it is there. */
enum mica_status mica_fs_mkdirs(const char *path, struct mica_err *err);
/* Makes the folders above the file at path. */
enum mica_status mica_fs_mkdirs_for(const char *path, struct mica_err *err);
/* Replaces the file at path by len bytes: written aside in the same folder, synced, renamed; the folder is
 * synced, too. Readers see the old bytes or the new ones, also after a power cut. Devices and pipes are
 * written to. */
enum mica_status mica_fs_write(const char *path, const void *data, size_t len, unsigned mode,
                               struct mica_err *err);
/* Appends the whole regular file at path to out, at most limit bytes: ENOTFOUND, EIO, ELIMIT, ENOMEM. */
enum mica_status mica_fs_read(const char *path, size_t limit, struct mica_buf *out, struct mica_err *err);
/* Syncs the folder that holds path, so that a rename in it lasts. */
enum mica_status mica_fs_sync_folder(const char *path, struct mica_err *err);
bool mica_fs_exists(const char *path); /* follows links */
/* Bytes that an unprivileged process may still write to the file system of path. */
enum mica_status mica_fs_free_bytes(const char *path, uint64_t *out, struct mica_err *err);
/* An RFC 3339 time in UTC, to the second ("2026-11-24T09:00:00Z"); SOURCE_DATE_EPOCH is used when it is set.
 */
enum { MICA_TIME_TEXT = 24 };
void mica_time_text(char out[MICA_TIME_TEXT]);
/* The same of a given time, in seconds since 1970. */
void mica_time_text_at(int64_t seconds, char out[MICA_TIME_TEXT]);

#endif
