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

enum { MAX_TEXT = 1 << 20 };

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

static enum mica_status not_there(const struct mica_name *name, struct mica_err *err)
{
    char text[MICA_NAME_TEXT];
    mica_name_print(name, text);
    return mica_fail(err, MICA_ENOTFOUND,
                     "%s: no such model here; 'mica list' shows what there is, 'mica pull' brings it", text);
}

/* Opens the folder of a name's manifest below a root. */
static int open_model(const struct mica_store *store, enum mica_store_root root, const struct mica_name *name)
{
    const char *parts[] = {mica_store_registry_in(root, name->registry), name->namespace_, name->model};
    return mica_store_open_folder(store, root, parts, 3);
}

static enum mica_status folder_failed(const struct mica_store *store, enum mica_store_root root,
                                      const struct mica_name *name, struct mica_err *err)
{
    return mica_fail(err, MICA_EIO, "%s/%s: %s: %s", store->home, mica_store_root_name(root), name->model,
                     strerror(errno));
}

enum mica_status mica_store_manifest(struct mica_store *store, const struct mica_name *name,
                                     struct mica_manifest **out, struct mica_err *err)
{
    enum mica_status status = MICA_ENOTFOUND;
    for (int root = MICA_STORE_ROOTS - 1; status == MICA_ENOTFOUND && root >= 0; root--) {
        int folder = open_model(store, (enum mica_store_root)root, name);
        if (folder < 0 && errno != ENOENT)
            return folder_failed(store, (enum mica_store_root)root, name, err);
        if (folder < 0)
            continue;
        status = mica_store_read_manifest(store, folder, name, out, err);
        close(folder);
    }
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

/* Takes a name out of a root, and folders that are empty then. ENOTFOUND. */
static enum mica_status remove_from(struct mica_store *store, enum mica_store_root root,
                                    const struct mica_name *name, struct mica_err *err)
{
    const char *parts[] = {mica_store_registry_in(root, name->registry), name->namespace_, name->model};
    int folder = mica_store_open_folder(store, root, parts, 3);
    if (folder < 0 && errno == ENOENT)
        return not_there(name, err);
    if (folder < 0)
        return folder_failed(store, root, name, err);
    int rc = unlinkat(folder, name->tag, 0), error = errno;
    if (rc == 0)
        fsync(folder);
    close(folder);
    if (rc != 0)
        return error == ENOENT ? not_there(name, err)
                               : mica_fail(err, MICA_EIO, "%s: %s", name->model, strerror(error));
    for (int n = 2; n >= 0; n--) { /* empty folders go, too */
        folder = mica_store_open_folder(store, root, parts, n);
        bool gone = folder >= 0 && unlinkat(folder, parts[n], AT_REMOVEDIR) == 0;
        if (folder >= 0)
            close(folder);
        if (!gone)
            break;
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
        int folder = open_model(store, MICA_STORE_V1, name);
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
    /* What a newer Ollama has under this name would hide what was just written. */
    if (status == MICA_OK) {
        status = remove_from(store, MICA_STORE_V2, name, err);
        status = status == MICA_ENOTFOUND ? MICA_OK : status;
    }
    mica_store_unlock(store);
    return status;
}

enum mica_status mica_store_remove(struct mica_store *store, const struct mica_name *name,
                                   struct mica_err *err)
{
    enum mica_status first = remove_from(store, MICA_STORE_V1, name, err);
    if (first != MICA_OK && first != MICA_ENOTFOUND)
        return first;
    enum mica_status second = remove_from(store, MICA_STORE_V2, name, err);
    return second == MICA_ENOTFOUND ? first : second;
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
