/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/admission.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct mica_files {
    struct entry {
        char *name;
        struct mica_mapping *map;
    } * entries;
    int64_t n, capacity;
    struct mica_admission admission;
    bool is_admitted;
};

enum mica_status mica_files_new(struct mica_files **out, struct mica_err *err)
{
    struct mica_files *files = mica_alloc(1, sizeof *files);
    if (!files)
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    *out = files;
    return MICA_OK;
}

enum mica_status mica_files_add(struct mica_files *files, const char *name, struct mica_mapping *map,
                                struct mica_err *err)
{
    char *copy = mica_strdup(name);
    if (!copy || !mica_grow(&files->entries, files->n, &files->capacity, sizeof *files->entries)) {
        mica_free(copy);
        return mica_fail(err, MICA_ENOMEM, "%s: out of memory", name);
    }
    files->entries[files->n++] = (struct entry){copy, mica_mapping_ref(map)};
    return MICA_OK;
}

void mica_files_free(struct mica_files *files)
{
    if (!files)
        return;
    for (int64_t i = 0; i < files->n; i++) {
        mica_free(files->entries[i].name);
        mica_mapping_free(files->entries[i].map);
    }
    mica_free(files->entries);
    mica_free(files);
}

int mica_files_count(const struct mica_files *files)
{
    return (int)files->n;
}

struct mica_mapping *mica_files_at(const struct mica_files *files, int i)
{
    return files->entries[i].map;
}

const char *mica_files_name(const struct mica_files *files, int i)
{
    return i >= 0 && i < files->n ? files->entries[i].name : NULL;
}

struct mica_mapping *mica_files_find(const struct mica_files *files, const char *name)
{
    for (int64_t i = 0; i < files->n; i++)
        if (strcmp(files->entries[i].name, name) == 0)
            return files->entries[i].map;
    return NULL;
}

void mica_files_admit(struct mica_files *files, const struct mica_admission *admission)
{
    files->admission = *admission;
    files->is_admitted = true;
}

void mica_files_allow_unregistered(struct mica_files *files, const char *name)
{
    struct mica_admission admission = {.registered = false};
    snprintf(admission.name, sizeof admission.name, "%s", name ? name : "");
    mica_files_admit(files, &admission);
}

const struct mica_admission *mica_files_admission(const struct mica_files *files)
{
    return files->is_admitted ? &files->admission : NULL;
}

static enum mica_status add_path(struct mica_files *files, const char *path, struct mica_err *err)
{
    struct mica_mapping *map;
    enum mica_status status = mica_mapping_open(path, &map, err);
    if (status != MICA_OK)
        return status;
    status = mica_files_add(files, mica_mapping_name(map), map, err);
    mica_mapping_free(map);
    return status;
}

/* What an HF folder may contribute; everything else in it (pickles above all) is left alone. */
static bool is_model_file(const char *name)
{
    static const char *const suffixes[] = {".json", ".safetensors", ".jinja", ".txt", ".model"};
    size_t len = strlen(name);
    for (size_t i = 0; i < MICA_COUNT(suffixes); i++) {
        size_t n = strlen(suffixes[i]);
        if (len > n && strcmp(name + len - n, suffixes[i]) == 0)
            return true;
    }
    return strncmp(name, "LICENSE", 7) == 0;
}

static enum mica_status add_folder(struct mica_files *files, const char *path, struct mica_err *err)
{
    struct dirent **list = NULL;
    int n = scandir(path, &list, NULL, alphasort);
    if (n < 0)
        return mica_fail(err, MICA_EIO, "%s: %s", path, strerror(errno));
    enum mica_status status = MICA_OK;
    for (int i = 0; i < n; i++) {
        struct mica_buf full = {0};
        struct stat st;
        if (status == MICA_OK && list[i]->d_name[0] != '.' && is_model_file(list[i]->d_name)) {
            if (!mica_buf_printf(&full, "%s/%s", path, list[i]->d_name))
                status = mica_fail(err, MICA_ENOMEM, "%s: out of memory", path);
            else if (stat(full.data, &st) == 0 && S_ISREG(st.st_mode))
                status = add_path(files, full.data, err);
        }
        mica_buf_release(&full);
        free(list[i]);
    }
    free(list);
    return status;
}

/* For NAME-00001-of-00003.gguf: how many parts, and where the part number stands; 0 for an unsplit name. */
static int split_parts(const char *path, size_t *digits_at)
{
    size_t len = strlen(path);
    static const char suffix[] = "-00001-of-00001.gguf";
    if (len < sizeof suffix)
        return 0;
    const char *tail = path + len - (sizeof suffix - 1);
    unsigned part, count;
    int used = 0;
    if (sscanf(tail, "-%5u-of-%5u.gguf%n", &part, &count, &used) != 2 || used != (int)sizeof suffix - 1)
        return 0;
    *digits_at = len - (sizeof suffix - 1) + 1;
    return (int)count;
}

enum mica_status mica_files_open(const char *path, struct mica_files **out, struct mica_err *err)
{
    struct mica_files *files;
    struct stat st;
    size_t digits_at = 0;
    if (stat(path, &st) != 0)
        return mica_fail(err, errno == ENOENT ? MICA_ENOTFOUND : MICA_EIO, "%s: %s", path, strerror(errno));
    enum mica_status status = mica_files_new(&files, err);
    if (status != MICA_OK)
        return status;
    int parts = S_ISDIR(st.st_mode) ? 0 : split_parts(path, &digits_at);
    if (S_ISDIR(st.st_mode)) {
        status = add_folder(files, path, err);
    } else if (parts <= 1) {
        status = add_path(files, path, err);
    } else {
        char *part_path = mica_strdup(path), digits[16];
        if (!part_path)
            status = mica_fail(err, MICA_ENOMEM, "%s: out of memory", path);
        for (int part = 1; status == MICA_OK && part <= parts; part++) {
            snprintf(digits, sizeof digits, "%05d", part);
            memcpy(part_path + digits_at, digits, 5);
            status = add_path(files, part_path, err);
        }
        mica_free(part_path);
    }
    if (status != MICA_OK) {
        mica_files_free(files);
        return status;
    }
    *out = files;
    return MICA_OK;
}
