/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The config blob of a model made here: what Ollama states in it, read from the model's files. */
#include "format/gguf.h"
#include "format/safetensors.h"
#include "store/internal.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* GGUF's general.file_type. */
static const char *const file_types[] = {
    [0] = "F32",     [1] = "F16",     [2] = "Q4_0",      [3] = "Q4_1",    [7] = "Q8_0",     [8] = "Q5_0",
    [9] = "Q5_1",    [10] = "Q2_K",   [11] = "Q3_K_S",   [12] = "Q3_K_M", [13] = "Q3_K_L",  [14] = "Q4_K_S",
    [15] = "Q4_K_M", [16] = "Q5_K_S", [17] = "Q5_K_M",   [18] = "Q6_K",   [19] = "IQ2_XXS", [20] = "IQ2_XS",
    [21] = "Q2_K_S", [22] = "IQ3_XS", [23] = "IQ3_XXS",  [24] = "IQ1_S",  [25] = "IQ4_NL",  [26] = "IQ3_S",
    [27] = "IQ3_M",  [28] = "IQ2_S",  [29] = "IQ2_M",    [30] = "IQ4_XS", [31] = "IQ1_M",   [32] = "BF16",
    [36] = "TQ1_0",  [37] = "TQ2_0",  [38] = "MXFP4_MOE"};

struct facts {
    char format[16], family[64], file_type[16], type[32];
};

/* Families are words of letters and digits; anything else is not worth keeping. */
static void take_family(const char *text, size_t len, struct facts *out)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] >= 127)
            return;
    if (len < sizeof out->family)
        memcpy(out->family, text, len);
}

/* "134.52M", "7.6B": as Ollama counts parameters. */
static void print_count(uint64_t n, char out[32])
{
    double billions = (double)n / 1e9, millions = (double)n / 1e6;
    if (n >= 1000000000)
        snprintf(out, 32, n % 1000000000 ? "%.1fB" : "%.0fB", billions);
    else if (n >= 1000000)
        snprintf(out, 32, n % 1000000 ? "%.2fM" : "%.0fM", millions);
    else if (n >= 1000)
        snprintf(out, 32, "%.0fK", (double)n / 1e3);
    else
        snprintf(out, 32, "%llu", (unsigned long long)n);
}

static uint64_t elements(const struct mica_file_tensor *tensor)
{
    uint64_t n = 1;
    for (int i = 0; i < tensor->n_dims; i++)
        if (__builtin_mul_overflow(n, (uint64_t)tensor->shape[i], &n))
            return 0;
    return n;
}

static void read_gguf(const struct mica_gguf *gguf, struct facts *out)
{
    const char *family;
    size_t len;
    int64_t type;
    uint64_t n = 0;
    strcpy(out->format, "gguf");
    if (mica_gguf_str(gguf, "general.architecture", &family, &len))
        take_family(family, len, out);
    if (mica_gguf_int(gguf, "general.file_type", &type) && type >= 0 &&
        type < (int64_t)MICA_COUNT(file_types) && file_types[type])
        strcpy(out->file_type, file_types[type]);
    for (int64_t i = 0; i < mica_gguf_tensor_count(gguf); i++)
        n += elements(mica_gguf_tensor_at(gguf, i));
    print_count(n, out->type);
}

static void read_folder(const struct mica_safetensors *st, const struct mica_files *files, struct facts *out)
{
    struct mica_mapping *map = mica_files_find(files, "config.json");
    uint64_t n = 0;
    strcpy(out->format, "safetensors");
    json_t *root =
        map ? json_loadb((const char *)mica_mapping_data(map), mica_mapping_size(map), 0, NULL) : NULL;
    const char *family = json_string_value(json_object_get(root, "model_type"));
    const char *type = json_string_value(json_object_get(root, "torch_dtype"));
    if (family)
        take_family(family, strlen(family), out);
    if (type)
        strcpy(out->file_type, strcmp(type, "bfloat16") == 0  ? "BF16"
                               : strcmp(type, "float16") == 0 ? "F16"
                               : strcmp(type, "float32") == 0 ? "F32"
                                                              : "");
    json_decref(root);
    for (int64_t i = 0; i < mica_safetensors_tensor_count(st); i++)
        n += elements(mica_safetensors_tensor_at(st, i));
    print_count(n, out->type);
}

/* A file that cannot be read as a model only leaves its facts out: a store keeps more than Mica can run. */
static enum mica_status read_facts(struct mica_store *store, const struct mica_manifest *manifest,
                                   struct facts *out, struct mica_err *err)
{
    struct mica_files *files;
    struct mica_gguf *gguf;
    struct mica_safetensors *st;
    if (!mica_manifest_find(manifest, MICA_LAYER_MODEL) && !mica_manifest_find(manifest, MICA_LAYER_FILE))
        return MICA_OK;
    enum mica_status status = mica_store_files(store, manifest, &files, err);
    if (status != MICA_OK)
        return status;
    if (mica_manifest_find(manifest, MICA_LAYER_MODEL)) {
        status = mica_gguf_open(files, &gguf, err);
        if (status == MICA_OK) {
            read_gguf(gguf, out);
            mica_gguf_free(gguf);
        }
    } else {
        status = mica_safetensors_open(files, &st, err);
        if (status == MICA_OK) {
            read_folder(st, files, out);
            mica_safetensors_free(st);
        }
    }
    mica_files_free(files);
    return status == MICA_ENOMEM ? status : MICA_OK;
}

static json_t *config_json(const struct mica_manifest *manifest, const struct facts *facts)
{
    json_t *layers = json_array();
    for (int64_t i = 0; layers && i < manifest->n_layers; i++) {
        char digest[7 + MICA_DIGEST_HEX] = "sha256:";
        mica_digest_hex(&manifest->layers[i].digest, digest + 7);
        json_array_append_new(layers, json_string(digest));
    }
    return json_pack("{s:s, s:s, s:[s], s:s, s:s, s:s, s:s, s:{s:s, s:o}}", "model_format", facts->format,
                     "model_family", facts->family, "model_families", facts->family, "model_type",
                     facts->type, "file_type", facts->file_type, "architecture", "amd64", "os", "linux",
                     "rootfs", "type", "layers", "diff_ids", layers);
}

enum mica_status mica_store_make_config(struct mica_store *store, struct mica_manifest *manifest,
                                        struct mica_err *err)
{
    struct facts facts = {0};
    struct mica_digest digest;
    enum mica_status status = read_facts(store, manifest, &facts, err);
    if (status != MICA_OK)
        return status;
    json_t *config = config_json(manifest, &facts);
    char *text = config ? json_dumps(config, JSON_COMPACT) : NULL;
    json_decref(config);
    if (!text)
        return mica_fail(err, MICA_ENOMEM, "store: out of memory");
    size_t len = strlen(text);
    status = mica_store_blob_put(store, text, len, &digest, err);
    if (status == MICA_OK)
        status = mica_manifest_add(manifest, MICA_LAYER_CONFIG, &digest, len, NULL, err);
    free(text);
    return status;
}
