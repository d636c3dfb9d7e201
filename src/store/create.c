/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/create.h"
#include "format/chat.h"
#include "store/json.h"
#include "store/params.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct maker {
    struct mica_store *store;
    const struct mica_modelfile *file;
    const struct mica_create_options *options;
    struct mica_manifest *manifest;
    struct mica_created *out;
    struct mica_err *err;
};

void mica_created_release(struct mica_created *created)
{
    mica_manifest_free(created->manifest);
    mica_free(created->source);
    *created = (struct mica_created){0};
}

/* ---- bytes into the store ---- */

static enum mica_status put_text(const struct maker *m, enum mica_layer_kind kind, const char *text,
                                 size_t len, const char *title)
{
    struct mica_digest digest;
    enum mica_status status = mica_store_blob_put(m->store, text, len, &digest, m->err);
    return status == MICA_OK ? mica_manifest_add(m->manifest, kind, &digest, len, title, m->err) : status;
}

static enum mica_status put_mapping(const struct maker *m, enum mica_layer_kind kind,
                                    const struct mica_mapping *map, const char *title)
{
    return put_text(m, kind, (const char *)mica_mapping_data(map), mica_mapping_size(map), title);
}

/* A relative path begins at the Modelfile's folder, "~/" at home. */
static enum mica_status full_path(const struct maker *m, const char *path, char out[MICA_PATH_MAX])
{
    const char *home = getenv("HOME");
    if (path[0] == '~' && path[1] == '/' && home)
        return mica_fs_path(out, m->err, "%s%s", home, path + 1);
    if (path[0] == '/' || !m->options->folder)
        return mica_fs_path(out, m->err, "%s", path);
    return mica_fs_path(out, m->err, "%s/%s", m->options->folder, path);
}

static bool is_gguf(const struct mica_mapping *map)
{
    return mica_mapping_size(map) >= 4 && memcmp(mica_mapping_data(map), "GGUF", 4) == 0;
}

static enum mica_status put_gguf(const struct maker *m, enum mica_layer_kind kind, const char *path,
                                 const char *title)
{
    struct mica_mapping *map;
    struct mica_digest digest;
    uint64_t size;
    enum mica_status status = mica_mapping_open(path, &map, m->err);
    if (status != MICA_OK)
        return status;
    if (!is_gguf(map))
        status = mica_fail(m->err, MICA_EUNSUPPORTED,
                           "%s: is no GGUF file; a Hugging Face model is named by its folder", path);
    else if (!m->options->link)
        status = put_mapping(m, kind, map, title);
    mica_mapping_free(map);
    if (status != MICA_OK || !m->options->link)
        return status;
    status = mica_store_blob_link(m->store, path, &digest, &size, m->err);
    return status == MICA_OK ? mica_manifest_add(m->manifest, kind, &digest, size, title, m->err) : status;
}

/* ---- FROM ---- */

/* "X-00002-of-00003.gguf" beside X-00001-of-00003.gguf: mica_files_open knows all parts. */
static enum mica_status from_gguf(const struct maker *m, const char *path)
{
    struct mica_files *files;
    char part[MICA_PATH_MAX];
    enum mica_status status = mica_files_open(path, &files, m->err);
    if (status != MICA_OK)
        return status;
    const char *slash = strrchr(path, '/');
    int n = mica_files_count(files), folder = slash ? (int)(slash - path) + 1 : 0;
    for (int i = 0; status == MICA_OK && i < n; i++) {
        const char *name = mica_files_name(files, i);
        status = mica_fs_path(part, m->err, "%.*s%s", folder, path, name);
        if (status == MICA_OK)
            status = put_gguf(m, MICA_LAYER_MODEL, part, n > 1 ? name : NULL);
    }
    mica_files_free(files);
    return status;
}

static bool is_licence_file(const char *name)
{
    static const char *const prefixes[] = {"LICENSE", "LICENCE", "NOTICE", "USE_POLICY", "COPYING"};
    for (size_t i = 0; i < MICA_COUNT(prefixes); i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

static enum mica_status put_optional(const struct maker *m, enum mica_layer_kind kind, const char *folder,
                                     const char *name)
{
    char path[MICA_PATH_MAX];
    struct mica_mapping *map;
    enum mica_status status = mica_fs_path(path, m->err, "%s/%s", folder, name);
    if (status != MICA_OK || !mica_fs_exists(path))
        return status;
    status = mica_mapping_open(path, &map, m->err);
    if (status != MICA_OK)
        return status;
    status = put_mapping(m, kind, map, name);
    mica_mapping_free(map);
    return status;
}

static enum mica_status from_folder(const struct maker *m, const char *path)
{
    static const char *const others[] = {"LICENCE", "NOTICE", "NOTICE.md", "USE_POLICY.md", "COPYING"};
    struct mica_files *files;
    enum mica_status status = mica_files_open(path, &files, m->err);
    if (status != MICA_OK)
        return status;
    if (!mica_files_find(files, "config.json"))
        status = mica_fail(m->err, MICA_EUNSUPPORTED, "%s: has no config.json; is it a Hugging Face folder?",
                           path);
    for (int i = 0; status == MICA_OK && i < mica_files_count(files); i++) {
        const char *name = mica_files_name(files, i);
        status = put_mapping(m, is_licence_file(name) ? MICA_LAYER_LICENSE : MICA_LAYER_FILE,
                             mica_files_at(files, i), name);
    }
    for (size_t i = 0; status == MICA_OK && i < MICA_COUNT(others); i++)
        if (!mica_files_find(files, others[i]))
            status = put_optional(m, MICA_LAYER_LICENSE, path, others[i]);
    if (status == MICA_OK)
        status = put_optional(m, MICA_LAYER_CARD, path, "README.md");
    mica_files_free(files);
    return status;
}

static enum mica_status from_blob(const struct maker *m, const struct mica_digest *digest)
{
    char hex[MICA_DIGEST_HEX];
    struct mica_mapping *map;
    mica_digest_hex(digest, hex);
    enum mica_status status = mica_store_blob_open(m->store, digest, &map, m->err);
    if (status != MICA_OK)
        return status;
    status = is_gguf(map) ? mica_manifest_add(m->manifest, MICA_LAYER_MODEL, digest, mica_mapping_size(map),
                                              NULL, m->err)
                          : mica_fail(m->err, MICA_EUNSUPPORTED, "blob sha256-%s: is no GGUF file", hex);
    mica_mapping_free(map);
    return status;
}

/* Layers that the Modelfile replaces are left out; parameters are merged later. */
static enum mica_status from_model(const struct maker *m, const struct mica_manifest *base)
{
    static const struct {
        enum mica_layer_kind kind;
        enum mica_modelfile_kind by;
    } replaced[] = {{MICA_LAYER_TEMPLATE, MICA_MODELFILE_TEMPLATE},
                    {MICA_LAYER_SYSTEM, MICA_MODELFILE_SYSTEM},
                    {MICA_LAYER_MESSAGES, MICA_MODELFILE_MESSAGE},
                    {MICA_LAYER_PARAMS, MICA_MODELFILE_PARAMETER}};
    enum mica_status status = MICA_OK;
    for (int64_t i = 0; status == MICA_OK && i < base->n_layers; i++) {
        /* A signature was over the files of the base, under its name. */
        bool keep = base->layers[i].kind != MICA_LAYER_SIGNATURE;
        for (size_t k = 0; k < MICA_COUNT(replaced); k++)
            if (base->layers[i].kind == replaced[k].kind && mica_modelfile_find(m->file, replaced[k].by))
                keep = false;
        if (keep)
            status = mica_manifest_add_layer(m->manifest, &base->layers[i], m->err);
    }
    return status;
}

static bool looks_like_path(const char *text)
{
    size_t len = strlen(text);
    return text[0] == '/' || text[0] == '~' || text[0] == '.' ||
           (len > 5 && strcmp(text + len - 5, ".gguf") == 0);
}

static enum mica_status from_path(const struct maker *m, const char *text, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return mica_fail(m->err, errno == ENOENT ? MICA_ENOTFOUND : MICA_EIO, "%s: %s", path,
                         strerror(errno));
    m->out->source = mica_strdup(text);
    if (!m->out->source)
        return mica_fail(m->err, MICA_ENOMEM, "create: out of memory");
    return S_ISDIR(st.st_mode) ? from_folder(m, path) : from_gguf(m, path);
}

/* *base is the manifest of a stored model, or NULL. */
static enum mica_status take_from(const struct maker *m, struct mica_manifest **base)
{
    const char *text = mica_modelfile_find(m->file, MICA_MODELFILE_FROM)->value;
    const char *digest_text = text + (text[0] == '@');
    struct mica_digest digest;
    char path[MICA_PATH_MAX];
    struct mica_err not_named;
    *base = NULL;
    if (strncmp(digest_text, "sha256", 6) == 0 && mica_digest_parse(digest_text, &digest)) {
        m->out->source = mica_strdup(digest_text);
        return from_blob(m, &digest);
    }
    enum mica_status status = full_path(m, text, path);
    if (status != MICA_OK)
        return status;
    if (looks_like_path(text))
        return from_path(m, text, path);
    status = mica_name_parse(text, &m->out->base, &not_named);
    if (status == MICA_OK)
        status = mica_store_manifest(m->store, &m->out->base, base, &not_named);
    if (status == MICA_OK) {
        m->out->has_base = true;
        return from_model(m, *base);
    }
    if ((status == MICA_ENOTFOUND || status == MICA_EARG) && mica_fs_exists(path))
        return from_path(m, text, path);
    return mica_fail(m->err, status, "FROM %.100s: %s", text, not_named.text);
}

/* ---- the other commands ---- */

static enum mica_status check_template(const struct maker *m, const struct mica_modelfile_command *command)
{
    struct mica_template *tmpl;
    struct mica_err cause;
    const char *text = command->value;
    enum mica_status status = mica_template_parse(text, strlen(text), &tmpl, &cause);
    if (status != MICA_OK)
        return mica_fail(m->err, status, "line %d: TEMPLATE: %s", command->line, cause.text);
    mica_template_free(tmpl);
    return MICA_OK;
}

static enum mica_status add_adapter(const struct maker *m, const char *value)
{
    char path[MICA_PATH_MAX];
    struct stat st;
    enum mica_status status = full_path(m, value, path);
    if (status != MICA_OK)
        return status;
    if (stat(path, &st) != 0)
        return mica_fail(m->err, errno == ENOENT ? MICA_ENOTFOUND : MICA_EIO, "ADAPTER %s: %s", path,
                         strerror(errno));
    if (S_ISDIR(st.st_mode))
        return mica_fail(m->err, MICA_EUNSUPPORTED, "ADAPTER %s: is a folder; an adapter is a GGUF file",
                         path);
    return put_gguf(m, MICA_LAYER_ADAPTER, path, NULL);
}

/* TEMPLATE and SYSTEM: the last one counts, an empty one takes the base's away. */
static enum mica_status add_single(const struct maker *m, enum mica_modelfile_kind from,
                                   enum mica_layer_kind kind)
{
    const struct mica_modelfile_command *command = mica_modelfile_find(m->file, from);
    if (!command || !*command->value)
        return MICA_OK;
    enum mica_status status = from == MICA_MODELFILE_TEMPLATE ? check_template(m, command) : MICA_OK;
    return status == MICA_OK ? put_text(m, kind, command->value, strlen(command->value), NULL) : status;
}

static enum mica_status put_json(const struct maker *m, enum mica_layer_kind kind, const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    if (!text)
        return mica_fail(m->err, MICA_ENOMEM, "create: out of memory");
    enum mica_status status = put_text(m, kind, text, strlen(text), NULL);
    free(text);
    return status;
}

/* Our parameters, and those of the base that ours do not name. */
static enum mica_status merge_params(const struct maker *m, const struct mica_manifest *base, json_t *params)
{
    struct mica_buf text = {0};
    if (!base || !mica_manifest_find(base, MICA_LAYER_PARAMS))
        return MICA_OK;
    enum mica_status status = mica_store_text(m->store, base, MICA_LAYER_PARAMS, &text, m->err);
    if (status == MICA_OK) {
        json_t *inherited = NULL;
        status = mica_json_load(text.data, text.len, "the base's parameters", &inherited, m->err);
        if (status == MICA_OK && !json_is_object(inherited))
            status = mica_fail(m->err, MICA_EFORMAT, "the base's parameters: no JSON object");
        if (status == MICA_OK && json_object_update_missing(params, inherited) != 0)
            status = mica_fail(m->err, MICA_ENOMEM, "create: out of memory");
        json_decref(inherited);
    }
    mica_buf_release(&text);
    return status;
}

static enum mica_status add_params(const struct maker *m, const struct mica_manifest *base)
{
    struct mica_err cause;
    if (!mica_modelfile_find(m->file, MICA_MODELFILE_PARAMETER))
        return MICA_OK;
    json_t *params = json_object();
    enum mica_status status = params ? MICA_OK : mica_fail(m->err, MICA_ENOMEM, "create: out of memory");
    for (int64_t i = 0; status == MICA_OK && i < m->file->n; i++) {
        const struct mica_modelfile_command *command = &m->file->commands[i];
        if (command->kind != MICA_MODELFILE_PARAMETER)
            continue;
        status = mica_params_add(params, command->word, command->value, &cause);
        if (status != MICA_OK)
            mica_fail(m->err, status, "line %d: %s", command->line, cause.text);
    }
    if (status == MICA_OK)
        status = merge_params(m, base, params);
    if (status == MICA_OK)
        status = put_json(m, MICA_LAYER_PARAMS, params);
    json_decref(params);
    return status;
}

static enum mica_status add_messages(const struct maker *m)
{
    if (!mica_modelfile_find(m->file, MICA_MODELFILE_MESSAGE))
        return MICA_OK;
    json_t *messages = json_array();
    bool ok = messages != NULL;
    for (int64_t i = 0; ok && i < m->file->n; i++) {
        const struct mica_modelfile_command *command = &m->file->commands[i];
        if (command->kind == MICA_MODELFILE_MESSAGE)
            ok = json_array_append_new(messages, json_pack("{s:s, s:s}", "role", command->word, "content",
                                                           command->value)) == 0;
    }
    enum mica_status status = ok ? put_json(m, MICA_LAYER_MESSAGES, messages)
                                 : mica_fail(m->err, MICA_ENOMEM, "create: out of memory");
    json_decref(messages);
    return status;
}

static enum mica_status add_rest(const struct maker *m, const struct mica_manifest *base)
{
    enum mica_status status = add_single(m, MICA_MODELFILE_TEMPLATE, MICA_LAYER_TEMPLATE);
    if (status == MICA_OK)
        status = add_single(m, MICA_MODELFILE_SYSTEM, MICA_LAYER_SYSTEM);
    if (status == MICA_OK)
        status = add_params(m, base);
    if (status == MICA_OK)
        status = add_messages(m);
    for (int64_t i = 0; status == MICA_OK && i < m->file->n; i++) {
        const struct mica_modelfile_command *command = &m->file->commands[i];
        if (command->kind == MICA_MODELFILE_LICENSE)
            status = put_text(m, MICA_LAYER_LICENSE, command->value, strlen(command->value), NULL);
        else if (command->kind == MICA_MODELFILE_ADAPTER)
            status = add_adapter(m, command->value);
    }
    return status;
}

enum mica_status mica_create(struct mica_store *store, const struct mica_name *name,
                             const struct mica_modelfile *file, const struct mica_create_options *options,
                             struct mica_created *out, struct mica_err *err)
{
    static const struct mica_create_options none;
    struct mica_created created = {0};
    struct mica_manifest *base = NULL;
    struct maker m = {store, file, options ? options : &none, mica_manifest_new(), &created, err};
    created.manifest = m.manifest;
    enum mica_status status =
        m.manifest ? take_from(&m, &base) : mica_fail(err, MICA_ENOMEM, "create: out of memory");
    if (status == MICA_OK)
        status = add_rest(&m, base);
    if (status == MICA_OK)
        status = mica_store_make_config(store, m.manifest, err);
    if (status == MICA_OK)
        status = mica_manifest_seal(m.manifest, err);
    if (status == MICA_OK)
        status = mica_store_publish(store, name, m.manifest, err);
    mica_manifest_free(base);
    if (status != MICA_OK) {
        mica_created_release(&created);
        return status;
    }
    *out = created;
    return MICA_OK;
}
