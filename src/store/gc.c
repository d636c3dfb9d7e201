/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Deletes what no manifest names, while nobody adds. */
#include "store/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct gc {
    struct mica_store *store;
    struct mica_digest *used;
    int64_t n_used, capacity;
    const struct mica_gc_options *options;
    struct mica_gc_result result;
    time_t now;
    bool ollama_pulls; /* it takes no lock of ours, so what it has just finished is not touched */
};

enum { BLOB_NAME = 7 + MICA_DIGEST_HEX - 1 };

static enum mica_status use(void *user, const struct mica_digest *digest, struct mica_err *err)
{
    struct gc *gc = user;
    if (!mica_grow(&gc->used, gc->n_used, &gc->capacity, sizeof *gc->used))
        return mica_fail(err, MICA_ENOMEM, "gc: out of memory");
    gc->used[gc->n_used++] = *digest;
    return MICA_OK;
}

static enum mica_status use_manifest(void *user, int folder, const struct mica_name *name,
                                     struct mica_err *err)
{
    struct gc *gc = user;
    enum mica_status status = mica_store_used_blobs(gc->store, folder, name, use, gc, err);
    return status == MICA_ENOTFOUND ? MICA_OK /* removed meanwhile */ : status;
}

static int compare_digests(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct mica_digest));
}

static bool is_used(const struct gc *gc, const struct mica_digest *digest)
{
    return gc->n_used &&
           bsearch(digest, gc->used, (size_t)gc->n_used, sizeof *gc->used, compare_digests) != NULL;
}

/* Whether the caller asked about this blob. */
static bool is_wanted(const struct gc *gc, const struct mica_digest *digest)
{
    for (int64_t i = 0; i < gc->options->n_only; i++)
        if (mica_digest_equal(digest, &gc->options->only[i]))
            return true;
    return !gc->options->only;
}

static void delete_file(struct gc *gc, int folder, const char *name, const struct stat *st)
{
    if (!gc->options->dry_run && unlinkat(folder, name, 0) != 0)
        return;
    gc->result.n++;
    gc->result.bytes += S_ISREG(st->st_mode) ? (uint64_t)st->st_blocks * 512 : 0;
}

/* A writer holds a lock on its partial file. */
static bool is_written(int folder, const char *name)
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return false;
    bool locked = flock(fd, LOCK_EX | LOCK_NB) != 0;
    close(fd);
    return locked;
}

/* The record of a partial file goes with it. */
static bool is_record_of_a_file(int folder, const char *name)
{
    char partial[256];
    struct stat st;
    size_t len = strlen(name), suffix = sizeof ".parts" - 1;
    if (len <= suffix || len >= sizeof partial || strcmp(name + len - suffix, ".parts") != 0)
        return false;
    memcpy(partial, name, len - suffix);
    partial[len - suffix] = '\0';
    return fstatat(folder, partial, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Ollama keeps a record beside its partial files for each part: sha256-HEX-partial-N. */
static void look_for_ollama(struct gc *gc, int folder, const char *name)
{
    struct stat st;
    if (strncmp(name, "sha256-", 7) == 0 && strlen(name) > BLOB_NAME + sizeof "-partial-" - 1 &&
        strncmp(name + BLOB_NAME, "-partial-", sizeof "-partial-" - 1) == 0 &&
        fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        gc->now - st.st_mtime < gc->options->keep_partial)
        gc->ollama_pulls = true;
}

static void look_at(struct gc *gc, int folder, const char *name)
{
    char hex[BLOB_NAME + 1] = "";
    struct mica_digest digest;
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode)))
        return;
    memcpy(hex, name, strnlen(name, BLOB_NAME));
    bool is_blob = strncmp(name, "sha256-", 7) == 0 && mica_digest_parse(hex, &digest);
    if (is_blob && !name[BLOB_NAME]) {
        bool is_new = gc->ollama_pulls && gc->now - st.st_mtime < gc->options->keep_partial;
        if (!is_used(gc, &digest) && is_wanted(gc, &digest) && !is_new)
            delete_file(gc, folder, name, &st);
        return;
    }
    bool is_partial = strncmp(name, "partial-", 8) == 0 ||
                      (is_blob && strncmp(name + BLOB_NAME, "-partial", sizeof "-partial" - 1) == 0);
    if (is_partial && !gc->options->only && gc->now - st.st_mtime >= gc->options->keep_partial &&
        !is_written(folder, name) && !is_record_of_a_file(folder, name))
        delete_file(gc, folder, name, &st);
}

static enum mica_status sweep(struct gc *gc, const char *path, struct mica_err *err)
{
    void (*const passes[])(struct gc *, int, const char *) = {look_for_ollama, look_at, look_at};
    const struct dirent *entry;
    /* Twice: records of partial files follow the files. */
    for (int pass = 0; pass < (gc->options->dry_run ? 2 : 3); pass++) {
        DIR *dir = opendir(path);
        if (!dir)
            return mica_fail(err, MICA_EIO, "%s: %s", path, strerror(errno));
        while ((entry = readdir(dir)) != NULL)
            passes[pass](gc, dirfd(dir), entry->d_name);
        closedir(dir);
    }
    return MICA_OK;
}

enum mica_status mica_store_gc(struct mica_store *store, const struct mica_gc_options *options,
                               struct mica_gc_result *out, struct mica_err *err)
{
    struct gc gc = {.store = store, .options = options, .now = time(NULL)};
    struct mica_digest *named = NULL;
    int64_t n_named = 0;
    char blobs[MICA_PATH_MAX];
    enum mica_status status = mica_fs_path(blobs, err, "%s/blobs", store->home);
    if (status == MICA_OK && store->lock_mode)
        status = mica_fail(err, MICA_EARG, "gc: this store is adding a model");
    if (status != MICA_OK)
        return status;
    if (mica_fs_exists(blobs)) {
        status = mica_store_lock(store, LOCK_EX, options->no_wait, err);
        if (status == MICA_OK && options->named)
            status = options->named(options->user, &named, &n_named, err);
        for (int64_t i = 0; status == MICA_OK && i < n_named; i++)
            status = use(&gc, &named[i], err);
        if (status == MICA_OK)
            status = mica_store_walk(store, true, use_manifest, &gc, err);
        if (status == MICA_OK && gc.n_used > 1)
            qsort(gc.used, (size_t)gc.n_used, sizeof *gc.used, compare_digests);
        if (status == MICA_OK)
            status = sweep(&gc, blobs, err);
        mica_store_unlock(store);
    }
    mica_free(named);
    mica_free(gc.used);
    if (status == MICA_OK && out)
        *out = gc.result;
    return status;
}
