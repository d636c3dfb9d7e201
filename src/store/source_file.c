/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* file:PATH: a GGUF file (with the other parts of a split one), an archive, or an HF folder. */
#include "store/source_internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static enum mica_status add(struct mica_plan *plan, const char *path, const char *title,
                            enum mica_layer_kind kind, struct mica_err *err)
{
    struct stat st;
    char url[MICA_PATH_MAX];
    if (stat(path, &st) != 0)
        return mica_fail(err, errno == ENOENT ? MICA_ENOTFOUND : MICA_EIO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return mica_fail(err, MICA_EARG, "%s: not a regular file", path);
    enum mica_status status = mica_fs_path(url, err, "file:%s", path);
    struct mica_plan_file *file = status == MICA_OK ? mica_plan_add(plan) : NULL;
    if (status != MICA_OK || !file)
        return status != MICA_OK ? status : mica_fail(err, MICA_ENOMEM, "out of memory");
    file->kind = kind;
    file->size = (uint64_t)st.st_size;
    file->is_exact = true;
    status = mica_plan_set(&file->url, url, err);
    if (status == MICA_OK)
        status = mica_plan_set(&file->title, title, err);
    return status;
}

static enum mica_status add_gguf(struct mica_plan *plan, const char *path, struct mica_err *err)
{
    char part[MICA_PATH_MAX];
    size_t stem;
    int n = mica_source_split(path, &stem);
    enum mica_status status = MICA_OK;
    for (int i = 1; status == MICA_OK && i <= (n ? n : 1); i++) {
        status = n ? mica_fs_path(part, err, "%.*s-%05d-of-%05d.gguf", (int)stem, path, i, n)
                   : mica_fs_path(part, err, "%s", path);
        if (status == MICA_OK)
            status = add(plan, part, mica_source_base(part), MICA_LAYER_MODEL, err);
    }
    return status;
}

static enum mica_status add_entry(struct mica_plan *plan, const char *folder, const char *name,
                                  bool gguf_only, struct mica_err *err)
{
    char path[MICA_PATH_MAX];
    struct stat st;
    enum mica_layer_kind kind = mica_source_kind(name);
    if (kind == MICA_LAYER_OTHER || name[0] == '.' || (gguf_only && kind == MICA_LAYER_FILE) ||
        (kind == MICA_LAYER_CARD && strcasecmp(name, "README.md") != 0))
        return MICA_OK;
    enum mica_status status = mica_fs_path(path, err, "%s/%s", folder, name);
    if (status != MICA_OK || stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
        return status;
    return add(plan, path, name, kind, err);
}

static int skip_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static enum mica_status add_folder(struct mica_plan *plan, const char *path, struct mica_err *err)
{
    struct dirent **list = NULL;
    int n = scandir(path, &list, skip_hidden, alphasort);
    bool has_gguf = false, has_tensors = false;
    enum mica_status status = MICA_OK;
    if (n < 0)
        return mica_fail(err, MICA_EIO, "%s: %s", path, strerror(errno));
    for (int i = 0; i < n; i++) {
        const char *dot = strrchr(list[i]->d_name, '.');
        has_gguf = has_gguf || (dot && strcmp(dot, ".gguf") == 0);
        has_tensors = has_tensors || (dot && strcmp(dot, ".safetensors") == 0);
    }
    if (has_gguf == has_tensors)
        status = mica_fail(err, has_gguf ? MICA_EARG : MICA_ENOTFOUND, "%s: %s", path,
                           has_gguf ? "holds a GGUF file and an HF model; name the one that is meant"
                                    : "no model in it (*.gguf, or *.safetensors with config.json)");
    for (int i = 0; i < n; i++) {
        if (status == MICA_OK)
            status = add_entry(plan, path, list[i]->d_name, has_gguf, err);
        free(list[i]);
    }
    free(list);
    mica_plan_sort(plan);
    return status;
}

static enum mica_status set_name(struct mica_plan *plan, const char *path, struct mica_err *err)
{
    char text[MICA_PATH_MAX];
    struct mica_buf name = {0};
    size_t stem;
    enum mica_status status = mica_fs_path(text, err, "%s", mica_source_base(path));
    if (status != MICA_OK)
        return status;
    if (mica_source_split(text, &stem))
        text[stem] = '\0';
    char *dot = strrchr(text, '.');
    if (dot && (strcmp(dot, ".gguf") == 0 || mica_source_archive(text)))
        *dot = '\0';
    if (mica_source_name(&name, text))
        status = mica_plan_set(&plan->name, name.data, err);
    mica_buf_release(&name);
    return status;
}

enum mica_status mica_plan_file(struct mica_puller *puller, const char *rest, struct mica_plan *plan,
                                struct mica_err *err)
{
    struct stat st;
    char *path = realpath(strncmp(rest, "///", 3) == 0 ? rest + 2 : rest, NULL);
    if (!path || stat(path, &st) != 0) {
        free(path);
        return mica_fail(err, errno == ENOENT ? MICA_ENOTFOUND : MICA_EIO, "%s: %s", rest, strerror(errno));
    }
    const char *kind = S_ISDIR(st.st_mode) ? NULL : mica_source_archive(path);
    enum mica_status status;
    if (S_ISDIR(st.st_mode)) {
        status = add_folder(plan, path, err);
    } else if (kind) {
        status = add(plan, path, mica_source_base(path), MICA_LAYER_OTHER, err);
        if (status == MICA_OK)
            status = mica_plan_set(&plan->files[0].member_of, kind, err);
    } else {
        status = add_gguf(plan, path, err);
    }
    if (status == MICA_OK)
        status = mica_plan_set(&plan->location, path, err);
    if (status == MICA_OK)
        status = set_name(plan, path, err);
    free(path);
    return status;
}
