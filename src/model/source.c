/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/source.h"

#include <stdio.h>
#include <string.h>

static enum mica_status open_hf(const struct mica_files *files, struct mica_source *src, struct mica_err *err)
{
    struct mica_mapping *map = mica_files_find(files, "config.json");
    json_error_t where;
    if (!map && mica_files_count(files) == 1)
        return mica_fail(err, MICA_EFORMAT,
                         "%s: not a GGUF file (a Hugging Face model is given as its folder)",
                         mica_mapping_name(mica_files_at(files, 0)));
    if (!map)
        return mica_fail(
            err, MICA_ENOTFOUND,
            "no model here: neither a .gguf file nor a folder with config.json and *.safetensors");
    src->config = json_loadb((const char *)mica_mapping_data(map), mica_mapping_size(map),
                             JSON_REJECT_DUPLICATES, &where);
    if (!src->config)
        return mica_fail(err, MICA_EFORMAT, "config.json:%d:%d: %s", where.line, where.column, where.text);
    src->hparams = json_object_get(src->config, "text_config");
    if (!json_is_object(src->hparams))
        src->hparams = src->config;
    const char *type = json_string_value(json_object_get(src->hparams, "model_type"));
    if (!type)
        return mica_fail(err, MICA_EFORMAT, "config.json: model_type is missing");
    snprintf(src->arch, sizeof src->arch, "%s", type);
    return mica_safetensors_open(files, &src->st, err);
}

static bool is_gguf(const struct mica_files *files)
{
    struct mica_mapping *first = mica_files_count(files) ? mica_files_at(files, 0) : NULL;
    if (mica_files_find(files, "config.json"))
        return false;
    return first && mica_mapping_size(first) >= 4 && memcmp(mica_mapping_data(first), "GGUF", 4) == 0;
}

enum mica_status mica_source_open(const struct mica_files *files, struct mica_source *out,
                                  struct mica_err *err)
{
    struct mica_source src = {0};
    enum mica_status status;
    if (is_gguf(files)) {
        status = mica_gguf_open(files, &src.gguf, err);
        if (status == MICA_OK)
            mica_source_str(&src, "general.architecture", NULL, src.arch, sizeof src.arch);
        if (status == MICA_OK && !src.arch[0])
            status = mica_fail(err, MICA_EFORMAT, "%s: general.architecture is missing",
                               mica_mapping_name(mica_files_at(files, 0)));
    } else {
        status = open_hf(files, &src, err);
    }
    if (status != MICA_OK) {
        mica_source_release(&src);
        return status;
    }
    *out = src;
    return MICA_OK;
}

void mica_source_release(struct mica_source *src)
{
    mica_gguf_free(src->gguf);
    mica_safetensors_free(src->st);
    json_decref(src->config);
    *src = (struct mica_source){0};
}

const json_t *mica_source_hf(const struct mica_source *src, const char *path)
{
    const json_t *value = src->hparams;
    while (value && *path) {
        size_t len = strcspn(path, ".");
        value = json_object_getn(value, path, len);
        path += len + (path[len] == '.');
    }
    return json_is_null(value) ? NULL : value;
}

/* "ARCH.key" for hyper-parameters; keys that name their own space (general.…, tokenizer.…) stay as they are.
 */
static void full_key(const struct mica_source *src, const char *key, char *out, size_t size)
{
    bool absolute = strncmp(key, "general.", 8) == 0 || strncmp(key, "tokenizer.", 10) == 0;
    if (absolute)
        snprintf(out, size, "%s", key);
    else
        snprintf(out, size, "%s.%s", src->arch, key);
}

bool mica_source_float(const struct mica_source *src, const char *gguf_key, const char *hf_key, double *out)
{
    char key[160];
    if (src->gguf) {
        if (!gguf_key)
            return false;
        full_key(src, gguf_key, key, sizeof key);
        return mica_gguf_float(src->gguf, key, out);
    }
    const json_t *value = hf_key ? mica_source_hf(src, hf_key) : NULL;
    if (!json_is_number(value))
        return false;
    *out = json_number_value(value);
    return true;
}

bool mica_source_int(const struct mica_source *src, const char *gguf_key, const char *hf_key, int64_t *out)
{
    char key[160];
    if (src->gguf) {
        if (!gguf_key)
            return false;
        full_key(src, gguf_key, key, sizeof key);
        return mica_gguf_int(src->gguf, key, out);
    }
    const json_t *value = hf_key ? mica_source_hf(src, hf_key) : NULL;
    if (!json_is_integer(value))
        return false;
    *out = json_integer_value(value);
    return true;
}

bool mica_source_bool(const struct mica_source *src, const char *gguf_key, const char *hf_key, bool *out)
{
    char key[160];
    if (src->gguf) {
        if (!gguf_key)
            return false;
        full_key(src, gguf_key, key, sizeof key);
        return mica_gguf_bool(src->gguf, key, out);
    }
    const json_t *value = hf_key ? mica_source_hf(src, hf_key) : NULL;
    if (!json_is_boolean(value))
        return false;
    *out = json_is_true(value);
    return true;
}

void mica_source_str(const struct mica_source *src, const char *gguf_key, const char *hf_key, char *out,
                     size_t size)
{
    const char *text = NULL;
    size_t len = 0;
    char key[160];
    *out = 0;
    if (src->gguf && gguf_key) {
        full_key(src, gguf_key, key, sizeof key);
        if (!mica_gguf_str(src->gguf, key, &text, &len))
            return;
    } else if (!src->gguf && hf_key) {
        text = json_string_value(mica_source_hf(src, hf_key));
        len = text ? strlen(text) : 0;
    }
    if (len >= size)
        len = size - 1;
    if (text)
        memcpy(out, text, len);
    out[len] = 0;
}

const struct mica_file_tensor *mica_source_tensor(const struct mica_source *src, const char *gguf_name,
                                                  const char *hf_name)
{
    static const char *const prefixes[] = {"model.", "language_model.model.", "model.language_model.", ""};
    char name[256];
    if (src->gguf)
        return gguf_name ? mica_gguf_tensor(src->gguf, gguf_name) : NULL;
    for (size_t i = 0; hf_name && i < MICA_COUNT(prefixes); i++) {
        snprintf(name, sizeof name, "%s%s", prefixes[i], hf_name);
        const struct mica_file_tensor *tensor = mica_safetensors_tensor(src->st, name);
        if (tensor)
            return tensor;
    }
    return NULL;
}

int64_t mica_source_tensor_count(const struct mica_source *src)
{
    return src->gguf ? mica_gguf_tensor_count(src->gguf) : mica_safetensors_tensor_count(src->st);
}

const struct mica_file_tensor *mica_source_tensor_at(const struct mica_source *src, int64_t i)
{
    return src->gguf ? mica_gguf_tensor_at(src->gguf, i) : mica_safetensors_tensor_at(src->st, i);
}
