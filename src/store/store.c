/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_MANIFEST = 1 << 20, MAX_TEXT = 1 << 20 };

enum mica_status mica_store_open(const char *home, struct mica_store **out, struct mica_err *err)
{
    const char *user = getenv("HOME");
    if (!home || !*home)
        home = getenv("MICA_HOME");
    bool given = home && *home;
    if (!given && (!user || !*user))
        return mica_fail(err, MICA_EARG, "no place for the store: set MICA_HOME to a folder");
    struct mica_store *store = mica_alloc(1, sizeof *store);
    if (!store)
        return mica_fail(err, MICA_ENOMEM, "store: out of memory");
    store->lock_fd = -1;
    enum mica_status status =
        given ? mica_fs_path(store->home, err, "%s", home) : mica_fs_path(store->home, err, "%s/.mica", user);
    if (status != MICA_OK) {
        mica_free(store);
        return status;
    }
    for (size_t len = strlen(store->home); len > 1 && store->home[len - 1] == '/'; len--)
        store->home[len - 1] = '\0';
    *out = store;
    return MICA_OK;
}

void mica_store_close(struct mica_store *store)
{
    if (!store)
        return;
    mica_store_stop(store);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    mica_free(store);
}

const char *mica_store_home(const struct mica_store *store)
{
    return store->home;
}

enum mica_status mica_store_lock(struct mica_store *store, int mode, bool no_wait, struct mica_err *err)
{
    char path[MICA_PATH_MAX];
    if (store->lock_mode == mode || store->lock_mode == LOCK_EX)
        return MICA_OK;
    enum mica_status status = mica_fs_path(path, err, "%s/blobs", store->home);
    if (status == MICA_OK)
        status = mica_fs_mkdirs(path, err);
    if (status == MICA_OK)
        status = mica_fs_path(path, err, "%s/lock", store->home);
    if (status != MICA_OK)
        return status;
    if (store->lock_fd < 0)
        store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (store->lock_fd < 0)
        return mica_fail(err, MICA_EIO, "%s: %s", path, strerror(errno));
    while (flock(store->lock_fd, mode | (no_wait ? LOCK_NB : 0)) != 0) {
        if (errno == EWOULDBLOCK)
            return mica_fail(err, MICA_EDENIED, "%s: another process is adding or deleting; try again later",
                             store->home);
        if (errno != EINTR)
            return mica_fail(err, MICA_EIO, "%s: cannot be locked: %s", path, strerror(errno));
    }
    store->lock_mode = mode;
    return MICA_OK;
}

void mica_store_unlock(struct mica_store *store)
{
    if (store->lock_mode)
        flock(store->lock_fd, LOCK_UN);
    store->lock_mode = 0;
}

/* ---- manifests ---- */

int mica_store_open_folder(const struct mica_store *store, const char *const *parts, int n)
{
    char path[MICA_PATH_MAX];
    if (mica_fs_path(path, NULL, "%s/manifests", store->home) != MICA_OK) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < n && folder >= 0; i++) {
        int next = openat(folder, parts[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), e = errno;
        close(folder);
        folder = next;
        errno = e;
    }
    return folder;
}

static enum mica_status read_all(int fd, size_t limit, const char *what, struct mica_buf *out,
                                 struct mica_err *err)
{
    char chunk[16384];
    struct stat st;
    ssize_t n;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return mica_fail(err, MICA_EFORMAT, "%s: not a regular file", what);
    mica_buf_puts(out, "");
    while ((n = read(fd, chunk, sizeof chunk)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return mica_fail(err, MICA_EIO, "%s: %s", what, strerror(errno));
        if (out->len + (size_t)n > limit)
            return mica_fail(err, MICA_ELIMIT, "%s: more than %zu bytes", what, limit);
        if (!mica_buf_append(out, chunk, (size_t)n))
            return mica_fail(err, MICA_ENOMEM, "%s: out of memory", what);
    }
    return out->failed ? mica_fail(err, MICA_ENOMEM, "%s: out of memory", what) : MICA_OK;
}

/* Puts the model's name before a message about its manifest. */
static enum mica_status name_it(enum mica_status status, const char *name, const struct mica_err *cause,
                                struct mica_err *err)
{
    return status == MICA_OK ? status : mica_fail(err, status, "%s: %s", name, cause->text);
}

enum mica_status mica_store_read_manifest(int folder, const struct mica_name *name,
                                          struct mica_manifest **out, struct mica_err *err)
{
    char text[MICA_NAME_TEXT];
    struct mica_buf buf = {0};
    struct mica_err cause;
    mica_name_print(name, text);
    int fd = openat(folder, name->tag, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return mica_fail(err,
                         errno == ENOENT  ? MICA_ENOTFOUND
                         : errno == ELOOP ? MICA_EFORMAT
                                          : MICA_EIO,
                         "%s: manifest: %s", text, errno == ELOOP ? "is a symbolic link" : strerror(errno));
    enum mica_status status = read_all(fd, MAX_MANIFEST, "manifest", &buf, &cause);
    close(fd);
    if (status == MICA_OK)
        status = mica_manifest_parse(buf.data, buf.len, out, &cause);
    mica_buf_release(&buf);
    return name_it(status, text, &cause, err);
}

static enum mica_status not_there(const struct mica_name *name, struct mica_err *err)
{
    char text[MICA_NAME_TEXT];
    mica_name_print(name, text);
    return mica_fail(err, MICA_ENOTFOUND,
                     "%s: no such model here; \"mica list\" shows what there is, \"mica pull\" brings it",
                     text);
}

enum mica_status mica_store_manifest(struct mica_store *store, const struct mica_name *name,
                                     struct mica_manifest **out, struct mica_err *err)
{
    int folder =
        mica_store_open_folder(store, (const char *[]){name->registry, name->namespace_, name->model}, 3);
    if (folder < 0 && errno == ENOENT)
        return not_there(name, err);
    if (folder < 0)
        return mica_fail(err, MICA_EIO, "%s/manifests: %s: %s", store->home, name->model, strerror(errno));
    enum mica_status status = mica_store_read_manifest(folder, name, out, err);
    close(folder);
    return status == MICA_ENOTFOUND ? not_there(name, err) : status;
}

static enum mica_status check_blobs(struct mica_store *store, const struct mica_manifest *manifest,
                                    struct mica_err *err)
{
    for (int64_t i = -1; i < manifest->n_layers; i++) {
        const struct mica_layer *layer = i < 0 ? &manifest->config : &manifest->layers[i];
        char path[MICA_PATH_MAX];
        struct stat st;
        enum mica_status status = mica_store_blob_path(store, &layer->digest, path, err);
        if (status != MICA_OK)
            return status;
        if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
            return mica_fail(err, MICA_ENOTFOUND, "%s: the manifest names this blob, but it is not there",
                             path);
        if ((uint64_t)st.st_size != layer->size)
            return mica_fail(err, MICA_EFORMAT, "%s: %lld bytes, but the manifest says %llu", path,
                             (long long)st.st_size, (unsigned long long)layer->size);
    }
    return MICA_OK;
}

enum mica_status mica_store_publish(struct mica_store *store, const struct mica_name *name,
                                    const struct mica_manifest *manifest, struct mica_err *err)
{
    char path[MICA_PATH_MAX];
    if (!manifest->text)
        return mica_fail(err, MICA_EARG, "manifest: not sealed");
    enum mica_status status = mica_store_lock(store, LOCK_SH, false, err);
    if (status == MICA_OK)
        status = check_blobs(store, manifest, err);
    if (status == MICA_OK)
        status = mica_fs_path(path, err, "%s/manifests/%s/%s/%s/%s", store->home, name->registry,
                              name->namespace_, name->model, name->tag);
    /* Someone else's rm may take away a folder that has just been made. */
    for (int tries = 0; status == MICA_OK; tries++) {
        status = mica_fs_mkdirs_for(path, err);
        if (status != MICA_OK)
            break;
        int folder =
            mica_store_open_folder(store, (const char *[]){name->registry, name->namespace_, name->model}, 3);
        if (folder < 0 && errno != ENOENT)
            status = mica_fail(err, MICA_EDENIED, "%s: a folder above it is a link or no folder", path);
        else if (folder >= 0)
            status = mica_fs_write(path, manifest->text, manifest->len, 0644, err);
        if (folder >= 0)
            close(folder);
        if (folder >= 0 && status == MICA_OK)
            break;
        if (status == MICA_ENOTFOUND && tries < 8)
            status = MICA_OK;
    }
    mica_store_unlock(store);
    return status;
}

enum mica_status mica_store_remove(struct mica_store *store, const struct mica_name *name,
                                   struct mica_err *err)
{
    const char *parts[] = {name->registry, name->namespace_, name->model};
    int folder = mica_store_open_folder(store, parts, 3);
    if (folder < 0 && errno == ENOENT)
        return not_there(name, err);
    if (folder < 0)
        return mica_fail(err, MICA_EIO, "%s/manifests: %s: %s", store->home, name->model, strerror(errno));
    int rc = unlinkat(folder, name->tag, 0), error = errno;
    if (rc == 0)
        fsync(folder);
    close(folder);
    if (rc != 0)
        return error == ENOENT ? not_there(name, err)
                               : mica_fail(err, MICA_EIO, "%s: %s", name->model, strerror(error));
    for (int n = 2; n >= 0; n--) { /* empty folders go, too */
        folder = mica_store_open_folder(store, parts, n);
        bool gone = folder >= 0 && unlinkat(folder, parts[n], AT_REMOVEDIR) == 0;
        if (folder >= 0)
            close(folder);
        if (!gone)
            break;
    }
    return MICA_OK;
}

/* ---- what a manifest names ---- */

static enum mica_status open_layer(struct mica_store *store, const struct mica_layer *layer,
                                   struct mica_mapping **out, struct mica_err *err)
{
    struct mica_mapping *map = NULL;
    enum mica_status status = mica_store_blob_open(store, &layer->digest, &map, err);
    if (status != MICA_OK)
        return status;
    if (mica_mapping_size(map) != layer->size) {
        status = mica_fail(err, MICA_EFORMAT, "%s: %zu bytes, but the manifest says %llu",
                           mica_mapping_name(map), mica_mapping_size(map), (unsigned long long)layer->size);
        mica_mapping_free(map);
        return status;
    }
    *out = map;
    return MICA_OK;
}

enum mica_status mica_store_files(struct mica_store *store, const struct mica_manifest *manifest,
                                  struct mica_files **out, struct mica_err *err)
{
    struct mica_files *files;
    enum mica_status status = mica_files_new(&files, err);
    if (status != MICA_OK)
        return status;
    for (int64_t i = 0; status == MICA_OK && i < manifest->n_layers; i++) {
        const struct mica_layer *layer = &manifest->layers[i];
        struct mica_mapping *map = NULL;
        if (layer->kind != MICA_LAYER_MODEL && layer->kind != MICA_LAYER_FILE)
            continue;
        status = open_layer(store, layer, &map, err);
        if (status != MICA_OK)
            break;
        status = mica_files_add(files, layer->title[0] ? layer->title : "model.gguf", map, err);
        mica_mapping_free(map);
    }
    if (status == MICA_OK && mica_files_count(files) == 0)
        status = mica_fail(err, MICA_EFORMAT, "the manifest names no model file");
    if (status != MICA_OK) {
        mica_files_free(files);
        return status;
    }
    *out = files;
    return MICA_OK;
}

enum mica_status mica_store_layer_text(struct mica_store *store, const struct mica_layer *layer,
                                       struct mica_buf *out, struct mica_err *err)
{
    char hex[MICA_DIGEST_HEX];
    struct mica_mapping *map = NULL;
    struct mica_digest digest;
    if (layer->size > MAX_TEXT)
        return mica_fail(err, MICA_ELIMIT, "a layer of type %s has more than %d bytes", layer->media_type,
                         MAX_TEXT);
    enum mica_status status = open_layer(store, layer, &map, err);
    if (status != MICA_OK)
        return status;
    mica_digest_hex(&layer->digest, hex);
    if (!mica_sha256(mica_mapping_data(map), mica_mapping_size(map), &digest))
        status = mica_fail(err, MICA_ENOMEM, "store: out of memory");
    else if (!mica_digest_equal(&digest, &layer->digest))
        status = mica_fail(err, MICA_EDENIED,
                           "blob sha256-%s: its bytes were changed; pull or create the model again", hex);
    else if (!mica_buf_append(out, mica_mapping_data(map), mica_mapping_size(map)) || !mica_buf_puts(out, ""))
        status = mica_fail(err, MICA_ENOMEM, "store: out of memory");
    mica_mapping_free(map);
    return status;
}

enum mica_status mica_store_text(struct mica_store *store, const struct mica_manifest *manifest,
                                 enum mica_layer_kind kind, struct mica_buf *out, struct mica_err *err)
{
    const struct mica_layer *layer = mica_manifest_find(manifest, kind);
    if (!layer)
        return mica_fail(err, MICA_ENOTFOUND, "the model has no layer of type %s",
                         mica_layer_media_type(kind));
    return mica_store_layer_text(store, layer, out, err);
}
