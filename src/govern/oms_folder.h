/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The files of a folder, for signing: found without following a link, and hashed in parallel. */
#ifndef MICA_OMS_FOLDER_H
#define MICA_OMS_FOLDER_H

#include "govern/oms.h"

struct mica_folder_file {
    const char *path; /* from the folder */
    uint64_t size;
};
struct mica_folder {
    int fd;                         /* of the folder; of the file itself when the one path is "." */
    struct mica_folder_file *files; /* in order of their paths' bytes */
    int64_t n_files, capacity;
    struct mica_arena arena;
};
/* Lists every regular file below the folder but those that ignored names. EDENIED names a symbolic link or
 * anything else that is no regular file. A single file at path gives one entry ".". Release it. */
enum mica_status mica_folder_list(const char *path, const char *const *ignored, int64_t n_ignored,
                                  struct mica_folder *out, struct mica_err *err);
void mica_folder_release(struct mica_folder *folder);
/* Whether an ignored path names this one or a folder above it. */
bool mica_folder_ignores(const char *path, const char *const *ignored, int64_t n_ignored);

/* Bytes [start, end) of a file, and their digest once hashed. */
struct mica_folder_piece {
    const char *path;
    uint64_t start, end;
    bool whole;  /* end is where the file must end */
    bool failed; /* the file is no longer what was listed, or cannot be read */
    int error;   /* errno, or 0 when the file has another length than listed */
    uint8_t digest[MICA_OMS_DIGEST_MAX];
};
/* Hashes all pieces, the largest first. Only ENOMEM fails; a piece that fails says so itself. */
enum mica_status mica_folder_hash(const struct mica_folder *folder, struct mica_folder_piece *pieces,
                                  int64_t n_pieces, bool is_blake2b, struct mica_pool *pool,
                                  struct mica_err *err);

/* The path of a file relative to the folder, when it lies (or would lie) below it; false otherwise. */
bool mica_folder_relative(const char *folder, const char *file, char out[4096]);
/* Copies name with what would move a terminal's cursor replaced. */
const char *mica_printable(const char *name, char *out, size_t size);

#endif
