/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Registers a file where it lies: its blob is a symbolic link. */
#include "store/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Whether the real path lies in the folder of blobs: a link to a blob would go round in a circle, or die with
 * the next gc. */
static bool is_inside_blobs(const struct mica_store *store, const char *path)
{
    char blobs[MICA_PATH_MAX];
    if (mica_fs_path(blobs, NULL, "%s/blobs", store->home) != MICA_OK)
        return false;
    char *real = realpath(blobs, NULL);
    size_t len = real ? strlen(real) : 0;
    bool inside = real && strncmp(path, real, len) == 0 && path[len] == '/';
    free(real);
    return inside;
}

/* Makes the link aside and renames it: what is there under the blob's name can only be a dead link. */
static enum mica_status make_link(struct mica_store *store, const char *target,
                                  const struct mica_digest *digest, struct mica_err *err)
{
    char path[MICA_PATH_MAX], aside[MICA_PATH_MAX];
    enum mica_status status = mica_store_blob_path(store, digest, path, err);
    if (status == MICA_OK)
        status = mica_fs_path(aside, err, "%s/blobs/partial-link-%d", store->home, (int)getpid());
    if (status != MICA_OK)
        return status;
    unlink(aside);
    if (symlink(target, aside) != 0 || rename(aside, path) != 0) {
        status = mica_fail(err, MICA_EIO, "%s: %s", path, strerror(errno));
        unlink(aside);
        return status;
    }
    return mica_fs_sync_folder(path, err);
}

enum mica_status mica_store_blob_link(struct mica_store *store, const char *path,
                                      struct mica_digest *digest_out, uint64_t *size_out,
                                      struct mica_err *err)
{
    struct mica_digest digest;
    struct mica_mapping *map = NULL;
    enum mica_status status = mica_store_lock(store, LOCK_SH, false, err);
    if (status != MICA_OK)
        return status;
    char *real = realpath(path, NULL);
    if (!real)
        return mica_fail(err, errno == ENOENT ? MICA_ENOTFOUND : MICA_EIO, "%s: %s", path, strerror(errno));
    if (is_inside_blobs(store, real))
        status = mica_fail(err, MICA_EARG, "%s: is a blob of this store already; use its digest", path);
    if (status == MICA_OK)
        status = mica_mapping_open(real, &map, err);
    if (status == MICA_OK && !mica_sha256(mica_mapping_data(map), mica_mapping_size(map), &digest))
        status = mica_fail(err, MICA_ENOMEM, "%s: out of memory", path);
    if (status == MICA_OK && !mica_store_has_blob(store, &digest))
        status = make_link(store, real, &digest, err);
    if (status == MICA_OK) {
        *digest_out = digest;
        *size_out = mica_mapping_size(map);
    }
    mica_mapping_free(map);
    free(real);
    return status;
}
