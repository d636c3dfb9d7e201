/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/manifest.h"
#include "store/json.h"
#include "store/source_internal.h"

#include <string.h>

#define MANIFEST_TYPE "application/vnd.docker.distribution.manifest.v2+json"
#define CNCF_PATH_KEY "org.cncf.model.filepath"
#define UNPACK_KEY    "io.deis.oras.content.unpack" /* ORAS: a folder in an archive */
#define TITLE_KEY     "org.opencontainers.image.title"
enum { MAX_TEXT = 1 << 20, MAX_LAYERS = 1000 };
/* So that the sum of all layers fits in 64 bits without a look. */
static const json_int_t max_size = (json_int_t)1 << 50;

struct mica_manifest *mica_manifest_new(void)
{
    return mica_alloc(1, sizeof(struct mica_manifest));
}

void mica_manifest_free(struct mica_manifest *manifest)
{
    if (!manifest)
        return;
    mica_free(manifest->layers);
    mica_free(manifest->text);
    mica_free(manifest);
}

static const bool is_single[MICA_LAYER_OTHER + 1] = {
#define X(name, media_type, single) single,
    MICA_LAYER_ROWS(X)
#undef X
};

enum mica_layer_kind mica_layer_kind_of(const char *media_type)
{
    /* How other tools spell the same parts. */
    static const struct {
        const char *media_type;
        enum mica_layer_kind kind;
    } others[] = {
        {"application/vnd.docker.ai.gguf.v3", MICA_LAYER_MODEL},
        {"application/vnd.docker.ai.gguf.v3.lora", MICA_LAYER_ADAPTER},
        {"application/vnd.docker.ai.gguf.v3.mmproj", MICA_LAYER_PROJECTOR},
        {"application/vnd.docker.ai.license", MICA_LAYER_LICENSE},
        {"application/vnd.docker.ai.chat.template.jinja", MICA_LAYER_TEMPLATE},
    };
    for (int kind = 0; kind < MICA_LAYER_CONFIG; kind++)
        if (strcmp(media_type, mica_layer_media_type((enum mica_layer_kind)kind)) == 0)
            return (enum mica_layer_kind)kind;
    for (size_t i = 0; i < MICA_COUNT(others); i++)
        if (strcmp(media_type, others[i].media_type) == 0)
            return others[i].kind;
    return MICA_LAYER_OTHER;
}

/* Is a layer of this type one file as it is, which only its title tells about? */
static bool is_plain_file(const char *media_type)
{
    static const char *const types[] = {
        "application/octet-stream",
        "text/plain",
        "text/markdown",
        "application/json",
        "application/vnd.oci.image.layer.v1.tar", /* ORAS says so of any file */
        "application/vnd.docker.ai.safetensors",
        "application/vnd.cncf.model.weight.v1.raw",
        "application/vnd.cncf.model.weight.v1.gguf",
        "application/vnd.cncf.model.weight.v1.safetensors",
        "application/vnd.cncf.model.weight.config.v1.raw",
        "application/vnd.cncf.model.doc.v1.raw"};
    for (size_t i = 0; i < MICA_COUNT(types); i++)
        if (strcmp(media_type, types[i]) == 0)
            return true;
    return false;
}

/* What such a file is, by its name. Cards and terms lie at the top. */
static enum mica_layer_kind kind_of_title(const char *title)
{
    enum mica_layer_kind kind = mica_source_kind(title);
    bool at_top = !strchr(title, '/');
    if (kind == MICA_LAYER_CARD)
        return strcmp(title, "README.md") == 0 ? kind : MICA_LAYER_OTHER;
    return kind == MICA_LAYER_LICENSE && !at_top ? MICA_LAYER_OTHER : kind;
}

/* A relative path of plain parts: nothing that leads out of a folder, also on systems that split at '\'. */
static bool is_title(const char *title)
{
    for (const char *part = title;; part++) {
        size_t len = strcspn(part, "/");
        if (len == 0 || (len == 1 && part[0] == '.') || (len == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        for (size_t i = 0; i < len; i++)
            if ((unsigned char)part[i] < ' ' || part[i] == 127 || part[i] == '\\' || part[i] == ':')
                return false;
        part += len;
        if (!*part)
            return true;
    }
}

static bool is_media_type(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text >= 127 || *text == '"' || *text == '\\')
            return false;
    return true;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static enum mica_status parse_title(const json_t *entry, const char *where, struct mica_layer *out,
                                    struct mica_err *err)
{
    const json_t *notes = json_object_get(entry, "annotations");
    if (!notes || json_is_null(notes))
        return MICA_OK;
    const json_t *value = json_object_get(notes, TITLE_KEY);
    if (!value)
        value = json_object_get(notes, CNCF_PATH_KEY);
    if (!json_is_object(notes) || (value && !json_is_string(value)))
        return mica_fail(err, MICA_EFORMAT, "manifest: %s: its annotations are not texts", where);
    if (!value)
        return MICA_OK;
    const char *title = json_string_value(value);
    if (strlen(title) >= sizeof out->title || !is_title(title))
        return mica_fail(err, MICA_EFORMAT, "manifest: %s: the title is not a relative path of plain names",
                         where);
    memcpy(out->title, title, strlen(title) + 1);
    return MICA_OK;
}

static enum mica_status parse_layer(const json_t *entry, const char *where, struct mica_layer *out,
                                    struct mica_err *err)
{
    struct mica_layer layer = {0};
    const char *type = text_of(entry, "mediaType"), *digest = text_of(entry, "digest");
    const json_t *size = json_object_get(entry, "size");
    if (!type || !*type || strlen(type) >= sizeof layer.media_type || !is_media_type(type))
        return mica_fail(err, MICA_EFORMAT, "manifest: %s: no usable mediaType", where);
    if (!digest || strncmp(digest, "sha256:", 7) != 0 || !mica_digest_parse(digest, &layer.digest))
        return mica_fail(err, MICA_EFORMAT,
                         "manifest: %s: its digest is not \"sha256:\" and 64 lower-case hex digits", where);
    if (!json_is_integer(size) || json_integer_value(size) < 0 || json_integer_value(size) > max_size)
        return mica_fail(err, MICA_EFORMAT, "manifest: %s: its size is not a number of bytes", where);
    memcpy(layer.media_type, type, strlen(type) + 1);
    layer.size = (uint64_t)json_integer_value(size);
    layer.kind = mica_layer_kind_of(type);
    enum mica_status status = parse_title(entry, where, &layer, err);
    if (status == MICA_OK && layer.kind == MICA_LAYER_OTHER && layer.title[0] && is_plain_file(type) &&
        !json_object_get(json_object_get(entry, "annotations"), UNPACK_KEY))
        layer.kind = kind_of_title(layer.title);
    if (status == MICA_OK)
        *out = layer;
    return status;
}

enum mica_status mica_manifest_add_layer(struct mica_manifest *manifest, const struct mica_layer *layer,
                                         struct mica_err *err)
{
    if (layer->kind == MICA_LAYER_CONFIG) {
        manifest->config = *layer;
        return MICA_OK;
    }
    if (manifest->n_layers >= MAX_LAYERS)
        return mica_fail(err, MICA_ELIMIT, "manifest: more than %d layers", MAX_LAYERS);
    for (int64_t i = 0; i < manifest->n_layers; i++) {
        const struct mica_layer *other = &manifest->layers[i];
        if (is_single[layer->kind] && other->kind == layer->kind)
            return mica_fail(err, MICA_EFORMAT, "manifest: more than one layer of type %s",
                             layer->media_type);
        if (layer->title[0] && strcmp(layer->title, other->title) == 0)
            return mica_fail(err, MICA_EFORMAT, "manifest: two layers are called %s", layer->title);
    }
    if (!mica_grow(&manifest->layers, manifest->n_layers, &manifest->capacity, sizeof *manifest->layers))
        return mica_fail(err, MICA_ENOMEM, "manifest: out of memory");
    manifest->layers[manifest->n_layers++] = *layer;
    return MICA_OK;
}

enum mica_status mica_manifest_add(struct mica_manifest *manifest, enum mica_layer_kind kind,
                                   const struct mica_digest *digest, uint64_t size, const char *title,
                                   struct mica_err *err)
{
    struct mica_layer layer = {.kind = kind, .digest = *digest, .size = size};
    const char *type = mica_layer_media_type(kind);
    memcpy(layer.media_type, type, strlen(type) + 1);
    if (size > (uint64_t)max_size)
        return mica_fail(err, MICA_ELIMIT, "manifest: a layer of %llu bytes", (unsigned long long)size);
    if (title && *title) {
        if (strlen(title) >= sizeof layer.title || !is_title(title))
            return mica_fail(err, MICA_EFORMAT, "manifest: '%s' is not a relative path of plain names",
                             title);
        memcpy(layer.title, title, strlen(title) + 1);
    }
    return mica_manifest_add_layer(manifest, &layer, err);
}

static enum mica_status check_head(const json_t *root, struct mica_err *err)
{
    const char *type = text_of(root, "mediaType");
    if (!json_is_object(root))
        return mica_fail(err, MICA_EFORMAT, "manifest: not a JSON object");
    if (json_object_get(root, "manifests"))
        return mica_fail(err, MICA_EUNSUPPORTED,
                         "manifest: a list of manifests for several platforms, not one model's");
    if (json_integer_value(json_object_get(root, "schemaVersion")) != 2)
        return mica_fail(err, MICA_EFORMAT, "manifest: schemaVersion is not 2");
    if (type && strcmp(type, MANIFEST_TYPE) != 0 &&
        strcmp(type, "application/vnd.oci.image.manifest.v1+json") != 0)
        return mica_fail(err, MICA_EUNSUPPORTED, "manifest: mediaType %.100s", type);
    const json_t *layers = json_object_get(root, "layers"); /* null: Ollama's models in the cloud have none */
    if (!json_is_array(layers) && !json_is_null(layers))
        return mica_fail(err, MICA_EFORMAT, "manifest: no list of layers");
    if (json_array_size(json_object_get(root, "layers")) > MAX_LAYERS)
        return mica_fail(err, MICA_ELIMIT, "manifest: more than %d layers", MAX_LAYERS);
    return MICA_OK;
}

static enum mica_status parse_root(const json_t *root, struct mica_manifest *manifest, struct mica_err *err)
{
    struct mica_layer layer;
    size_t i;
    json_t *entry;
    enum mica_status status = check_head(root, err);
    if (status == MICA_OK)
        status = parse_layer(json_object_get(root, "config"), "config", &manifest->config, err);
    if (status != MICA_OK)
        return status;
    manifest->config.kind = MICA_LAYER_CONFIG;
    json_array_foreach(json_object_get(root, "layers"), i, entry)
    {
        char where[32];
        snprintf(where, sizeof where, "layer %zu", i);
        status = parse_layer(entry, where, &layer, err);
        if (status == MICA_OK)
            status = mica_manifest_add_layer(manifest, &layer, err);
        if (status != MICA_OK)
            return status;
    }
    return MICA_OK;
}

enum mica_status mica_manifest_parse(const char *text, size_t len, struct mica_manifest **out,
                                     struct mica_err *err)
{
    json_t *root;
    if (len > MAX_TEXT)
        return mica_fail(err, MICA_ELIMIT, "manifest: more than %d bytes", MAX_TEXT);
    enum mica_status status = mica_json_load(text, len, "manifest", &root, err);
    if (status != MICA_OK)
        return status;
    struct mica_manifest *manifest = mica_manifest_new();
    status =
        manifest ? parse_root(root, manifest, err) : mica_fail(err, MICA_ENOMEM, "manifest: out of memory");
    json_decref(root);
    if (status == MICA_OK &&
        (!(manifest->text = mica_strndup(text, len)) || !mica_sha256(text, len, &manifest->digest)))
        status = mica_fail(err, MICA_ENOMEM, "manifest: out of memory");
    if (status != MICA_OK) {
        mica_manifest_free(manifest);
        return status;
    }
    manifest->len = len;
    *out = manifest;
    return MICA_OK;
}

static json_t *layer_json(const struct mica_layer *layer)
{
    char digest[7 + MICA_DIGEST_HEX] = "sha256:";
    mica_digest_hex(&layer->digest, digest + 7);
    json_t *entry = json_pack("{s:s, s:s, s:I}", "mediaType", layer->media_type, "digest", digest, "size",
                              (json_int_t)layer->size);
    if (entry && layer->title[0] &&
        json_object_set_new(entry, "annotations", json_pack("{s:s}", TITLE_KEY, layer->title)) != 0) {
        json_decref(entry);
        return NULL;
    }
    return entry;
}

enum mica_status mica_manifest_seal(struct mica_manifest *manifest, struct mica_err *err)
{
    if (!manifest->config.media_type[0])
        return mica_fail(err, MICA_EARG, "manifest: it has no config");
    json_t *layers = json_array();
    bool ok = layers != NULL;
    for (int64_t i = 0; ok && i < manifest->n_layers; i++)
        ok = json_array_append_new(layers, layer_json(&manifest->layers[i])) == 0;
    json_t *root = json_pack("{s:i, s:s, s:o*, s:o*}", "schemaVersion", 2, "mediaType", MANIFEST_TYPE,
                             "config", layer_json(&manifest->config), "layers", layers);
    struct mica_digest digest;
    char *printed = ok && root ? json_dumps(root, JSON_COMPACT) : NULL;
    char *text = printed ? mica_strdup(printed) : NULL;
    free(printed);
    json_decref(root);
    if (!text || !mica_sha256(text, strlen(text), &digest)) {
        mica_free(text);
        return mica_fail(err, MICA_ENOMEM, "manifest: out of memory");
    }
    if (strlen(text) > MAX_TEXT) {
        mica_free(text);
        return mica_fail(err, MICA_ELIMIT, "manifest: more than %d bytes", MAX_TEXT);
    }
    mica_free(manifest->text);
    manifest->text = text;
    manifest->len = strlen(text);
    manifest->digest = digest;
    return MICA_OK;
}

const struct mica_layer *mica_manifest_find(const struct mica_manifest *manifest, enum mica_layer_kind kind)
{
    if (kind == MICA_LAYER_CONFIG)
        return &manifest->config;
    for (int64_t i = 0; i < manifest->n_layers; i++)
        if (manifest->layers[i].kind == kind)
            return &manifest->layers[i];
    return NULL;
}

uint64_t mica_manifest_size(const struct mica_manifest *manifest)
{
    uint64_t size = manifest->config.size;
    for (int64_t i = 0; i < manifest->n_layers; i++)
        size += manifest->layers[i].size;
    return size;
}
