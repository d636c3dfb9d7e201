/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Named manifests on disk. Mica and older Ollamas write manifests/REGISTRY/NAMESPACE/MODEL/TAG. Newer ones
 * write manifests-v2/HOST/NAMESPACE/MODEL/TAG, a link to the manifest's blob, where HOST is ollama.com for
 * the public registry; and what they write may be a list of manifests, one per runner. A name in manifests-v2
 * hides the same one in manifests. */
#include "store/internal.h"
#include "store/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_MANIFEST = 1 << 20, MAX_CHILDREN = 64 };
#define PUBLIC_HOST_V2 "ollama.com"
static const char *const roots[] = {"manifests", "manifests-v2"};
/* Ours first: GGUF files run, what was made for other runners does not. */
static const char *const runners[] = {"", "ollama", "llamacpp"};

int mica_store_open_folder(const struct mica_store *store, enum mica_store_root root,
                           const char *const *parts, int n)
{
    char path[MICA_PATH_MAX];
    if (mica_fs_path(path, NULL, "%s/%s", store->home, roots[root]) != MICA_OK) {
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

const char *mica_store_root_name(enum mica_store_root root)
{
    return roots[root];
}

const char *mica_store_registry_in(enum mica_store_root root, const char *registry)
{
    return root == MICA_STORE_V2 && strcasecmp(registry, MICA_DEFAULT_REGISTRY) == 0 ? PUBLIC_HOST_V2
                                                                                     : registry;
}

const char *mica_store_registry_of(enum mica_store_root root, const char *folder)
{
    return root == MICA_STORE_V2 && strcasecmp(folder, PUBLIC_HOST_V2) == 0 ? MICA_DEFAULT_REGISTRY : folder;
}

static enum mica_status read_all(int fd, struct mica_buf *out, struct mica_err *err)
{
    char chunk[16384];
    struct stat st;
    ssize_t n;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return mica_fail(err, MICA_EFORMAT, "manifest: not a regular file");
    mica_buf_puts(out, "");
    while ((n = read(fd, chunk, sizeof chunk)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return mica_fail(err, MICA_EIO, "manifest: %s", strerror(errno));
        if (out->len + (size_t)n > MAX_MANIFEST)
            return mica_fail(err, MICA_ELIMIT, "manifest: more than %d bytes", MAX_MANIFEST);
        if (!mica_buf_append(out, chunk, (size_t)n))
            return mica_fail(err, MICA_ENOMEM, "manifest: out of memory");
    }
    return out->failed ? mica_fail(err, MICA_ENOMEM, "manifest: out of memory") : MICA_OK;
}

/* A manifest that is a blob; its bytes are compared with the digest. */
static enum mica_status read_blob(struct mica_store *store, const struct mica_digest *digest,
                                  struct mica_buf *out, struct mica_err *err)
{
    char path[MICA_PATH_MAX];
    struct mica_digest found;
    enum mica_status status = mica_store_blob_path(store, digest, path, err);
    if (status != MICA_OK)
        return status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return mica_fail(err, errno == ENOENT ? MICA_ENOTFOUND : MICA_EIO, "manifest: %s: %s", path,
                         strerror(errno));
    status = read_all(fd, out, err);
    close(fd);
    if (status == MICA_OK && !mica_sha256(out->data, out->len, &found))
        status = mica_fail(err, MICA_ENOMEM, "manifest: out of memory");
    if (status == MICA_OK && !mica_digest_equal(&found, digest))
        status = mica_fail(err, MICA_EDENIED, "manifest: the bytes of its blob were changed; pull it again");
    return status;
}

/* The digest that a link names: "../../../../blobs/sha256-HEX". Only its last part counts: the blob is looked
 * for in this store. */
static enum mica_status read_link(int folder, const char *entry, struct mica_digest *out,
                                  struct mica_err *err)
{
    char target[MICA_PATH_MAX];
    ssize_t n = readlinkat(folder, entry, target, sizeof target - 1);
    if (n < 0)
        return mica_fail(err, MICA_EIO, "manifest: %s", strerror(errno));
    target[n] = '\0';
    const char *last = strrchr(target, '/');
    last = last ? last + 1 : target;
    if (strncmp(last, "sha256-", 7) != 0 || !mica_digest_parse(last, out))
        return mica_fail(err, MICA_EFORMAT, "manifest: is a symbolic link to something else than a blob");
    return MICA_OK;
}

enum mica_status mica_store_read_text(struct mica_store *store, int folder, const char *tag,
                                      struct mica_buf *out, struct mica_err *err)
{
    struct mica_digest digest;
    int fd = openat(folder, tag, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ELOOP) {
        enum mica_status status = read_link(folder, tag, &digest, err);
        return status == MICA_OK ? read_blob(store, &digest, out, err) : status;
    }
    if (fd < 0)
        return mica_fail(err, errno == ENOENT ? MICA_ENOTFOUND : MICA_EIO, "manifest: %s", strerror(errno));
    enum mica_status status = read_all(fd, out, err);
    close(fd);
    return status;
}

/* ---- lists ---- */

/* The manifests of a list; NULL when the text is none. */
static enum mica_status load_list(const struct mica_buf *text, json_t **root, json_t **list,
                                  struct mica_err *err)
{
    enum mica_status status = mica_json_load(text->data, text->len, "manifest", root, err);
    *list = status == MICA_OK ? json_object_get(*root, "manifests") : NULL;
    if (*list && (!json_is_array(*list) || json_array_size(*list) > MAX_CHILDREN)) {
        json_decref(*root);
        *root = NULL;
        return mica_fail(err, MICA_EFORMAT, "manifest: its list is none of at most %d manifests",
                         MAX_CHILDREN);
    }
    return status;
}

/* The text of a list's entry: it stands in the list, or is a blob, whose digest is set then. */
static enum mica_status child_text(struct mica_store *store, const json_t *child, struct mica_buf *out,
                                   struct mica_digest *digest, bool *is_blob, struct mica_err *err)
{
    const char *hex = json_string_value(json_object_get(child, "digest"));
    *is_blob = hex != NULL;
    if (hex)
        return mica_digest_parse(hex, digest)
                   ? read_blob(store, digest, out, err)
                   : mica_fail(err, MICA_EFORMAT, "manifest: digest '%.80s' is no SHA-256", hex);
    char *printed = json_dumps(child, JSON_COMPACT);
    bool ok = printed && mica_buf_puts(out, printed);
    free(printed);
    return ok ? MICA_OK : mica_fail(err, MICA_ENOMEM, "manifest: out of memory");
}

static const json_t *choose(const json_t *list)
{
    for (size_t r = 0; r < MICA_COUNT(runners); r++) {
        size_t i;
        const json_t *child;
        json_array_foreach((json_t *)list, i, child)
        {
            const char *runner = json_string_value(json_object_get(child, "runner"));
            if (json_is_object(child) && strcasecmp(runner ? runner : "", runners[r]) == 0)
                return child;
        }
    }
    return NULL;
}

/* Replaces the text of a list by that of the manifest that is meant here. */
static enum mica_status choose_from_list(struct mica_store *store, struct mica_buf *text,
                                         struct mica_err *err)
{
    json_t *root = NULL, *list;
    struct mica_buf chosen = {0};
    struct mica_digest digest;
    bool is_blob;
    enum mica_status status = load_list(text, &root, &list, err);
    if (status == MICA_OK && list) {
        const json_t *child = choose(list);
        status = child ? child_text(store, child, &chosen, &digest, &is_blob, err)
                       : mica_fail(err, MICA_EUNSUPPORTED,
                                   "manifest: a list for other runners than those of GGUF files");
        if (status == MICA_OK) {
            mica_buf_release(text);
            *text = chosen;
        } else {
            mica_buf_release(&chosen);
        }
    }
    json_decref(root);
    return status;
}

enum mica_status mica_store_read_manifest(struct mica_store *store, int folder, const struct mica_name *name,
                                          struct mica_manifest **out, struct mica_err *err)
{
    char shown[MICA_NAME_TEXT];
    struct mica_buf text = {0};
    struct mica_err cause;
    enum mica_status status = mica_store_read_text(store, folder, name->tag, &text, &cause);
    if (status == MICA_OK)
        status = choose_from_list(store, &text, &cause);
    if (status == MICA_OK)
        status = mica_manifest_parse(text.data, text.len, out, &cause);
    mica_buf_release(&text);
    if (status == MICA_OK)
        return MICA_OK;
    mica_name_print(name, shown);
    return mica_fail(err, status, "%s: %s", shown, cause.text);
}

/* ---- all that a name holds ---- */

static enum mica_status use_layers(const struct mica_buf *text, mica_store_use *use, void *user,
                                   struct mica_err *err)
{
    struct mica_manifest *manifest;
    enum mica_status status = mica_manifest_parse(text->data, text->len, &manifest, err);
    if (status != MICA_OK)
        return status;
    status = use(user, &manifest->digest, err);
    if (status == MICA_OK)
        status = use(user, &manifest->config.digest, err);
    for (int64_t i = 0; status == MICA_OK && i < manifest->n_layers; i++)
        status = use(user, &manifest->layers[i].digest, err);
    mica_manifest_free(manifest);
    return status;
}

static enum mica_status use_list(struct mica_store *store, const json_t *list, mica_store_use *use,
                                 void *user, struct mica_err *err)
{
    enum mica_status status = MICA_OK;
    for (size_t i = 0; status == MICA_OK && i < json_array_size(list); i++) {
        struct mica_buf text = {0};
        struct mica_digest digest;
        bool is_blob = false;
        status = child_text(store, json_array_get(list, i), &text, &digest, &is_blob, err);
        if (status == MICA_OK && is_blob)
            status = use(user, &digest, err);
        if (status == MICA_OK)
            status = use_layers(&text, use, user, err);
        mica_buf_release(&text);
        if (status == MICA_ENOTFOUND)
            status = mica_fail(err, MICA_EFORMAT, "manifest: a manifest of its list is not there");
    }
    return status;
}

enum mica_status mica_store_used_blobs(struct mica_store *store, int folder, const struct mica_name *name,
                                       mica_store_use *use, void *user, struct mica_err *err)
{
    char shown[MICA_NAME_TEXT];
    struct mica_buf text = {0};
    struct mica_err cause;
    struct mica_digest digest;
    json_t *root = NULL, *list = NULL;
    enum mica_status status = mica_store_read_text(store, folder, name->tag, &text, &cause);
    if (status == MICA_OK)
        status = load_list(&text, &root, &list, &cause);
    if (status == MICA_OK && list && !mica_sha256(text.data, text.len, &digest))
        status = mica_fail(&cause, MICA_ENOMEM, "out of memory");
    if (status == MICA_OK && list)
        status = use(user, &digest, &cause);
    if (status == MICA_OK)
        status = list ? use_list(store, list, use, user, &cause) : use_layers(&text, use, user, &cause);
    json_decref(root);
    mica_buf_release(&text);
    if (status == MICA_OK)
        return MICA_OK;
    mica_name_print(name, shown);
    return mica_fail(err, status, "%s: %s", shown, cause.text);
}
