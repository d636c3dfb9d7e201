/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/signature.h"
#include "govern/oms_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How each kind of layer is signed: under which name when it has no title (NULL: not signed), and whether a
 * signature must cover it because it changes what runs. */
static const struct signed_kind {
    const char *name;
    bool must;
} kinds[MICA_LAYER_OTHER + 1] = {
    [MICA_LAYER_MODEL] = {"model.gguf", true},     [MICA_LAYER_FILE] = {"file", true},
    [MICA_LAYER_ADAPTER] = {"adapter.gguf", true}, [MICA_LAYER_PROJECTOR] = {"projector.gguf", true},
    [MICA_LAYER_TEMPLATE] = {"template", true},    [MICA_LAYER_SYSTEM] = {"system", true},
    [MICA_LAYER_PARAMS] = {"params.json", true},   [MICA_LAYER_MESSAGES] = {"messages.json", true},
    [MICA_LAYER_LICENSE] = {"LICENSE", false},     [MICA_LAYER_CARD] = {"README.md", false},
};

const char *mica_signature_name(const struct mica_manifest *manifest, int64_t i, char out[MICA_SIGNED_NAME])
{
    const struct mica_layer *layer = &manifest->layers[i];
    int nth = 1;
    if (!kinds[layer->kind].name)
        return NULL;
    if (layer->title[0])
        return strcpy(out, layer->title);
    for (int64_t k = 0; k < i; k++)
        nth += manifest->layers[k].kind == layer->kind && !manifest->layers[k].title[0];
    if (nth == 1)
        snprintf(out, MICA_SIGNED_NAME, "%s", kinds[layer->kind].name);
    else
        snprintf(out, MICA_SIGNED_NAME, "%s-%d", kinds[layer->kind].name, nth);
    return out;
}

/* Marks in seen the layer that a resource is about. */
static enum mica_status match_resource(const struct mica_manifest *manifest,
                                       const struct mica_oms_resource *res, bool *seen, struct mica_err *err)
{
    char name[MICA_SIGNED_NAME], text[300];
    for (int64_t i = 0; i < manifest->n_layers; i++) {
        if (!mica_signature_name(manifest, i, name) || strcmp(name, res->path) != 0 || seen[i])
            continue;
        if (memcmp(manifest->layers[i].digest.bytes, res->digest, MICA_DIGEST_BYTES) != 0)
            return mica_fail(err, MICA_EDENIED, "%s is not the one that was signed",
                             mica_printable(name, text, sizeof text));
        seen[i] = true;
        return MICA_OK;
    }
    return mica_fail(err, MICA_EDENIED, "%s was signed, but the model has no such layer",
                     mica_printable(res->path, text, sizeof text));
}

static enum mica_status match_layers(const struct mica_manifest *manifest, const struct mica_oms *oms,
                                     struct mica_err *err)
{
    char name[MICA_SIGNED_NAME], text[300];
    enum mica_status status = MICA_OK;
    if (oms->is_sharded || oms->is_blake2b)
        return mica_fail(err, MICA_EUNSUPPORTED,
                         "signed by shards or by BLAKE2b; layers have SHA-256 digests");
    bool *seen = mica_alloc((size_t)manifest->n_layers, sizeof *seen);
    if (!seen)
        return mica_fail(err, MICA_ENOMEM, "signature: out of memory");
    for (int64_t i = 0; i < oms->n_resources && status == MICA_OK; i++)
        status = match_resource(manifest, &oms->resources[i], seen, err);
    for (int64_t i = 0; i < manifest->n_layers && status == MICA_OK; i++)
        if (kinds[manifest->layers[i].kind].must && !seen[i] && mica_signature_name(manifest, i, name))
            status =
                mica_fail(err, MICA_EDENIED, "%s is not signed", mica_printable(name, text, sizeof text));
    mica_free(seen);
    return status;
}

static enum mica_status check_layer(struct mica_store *store, const struct mica_manifest *manifest,
                                    const struct mica_layer *layer, const struct mica_key *key,
                                    struct mica_err *err)
{
    struct mica_buf text = {0};
    struct mica_oms *oms = NULL;
    enum mica_status status = mica_store_layer_text(store, layer, &text, err);
    if (status == MICA_OK)
        status = mica_oms_open(text.data, text.len, "signature", key, &oms, err);
    if (status == MICA_OK)
        status = match_layers(manifest, oms, err);
    mica_oms_free(oms);
    mica_buf_release(&text);
    return status;
}

/* All signatures by one key; *best keeps the most telling reason against one. */
static enum mica_status check_key(struct mica_store *store, const struct mica_manifest *manifest,
                                  const char *path, char *signer, size_t signer_size, struct mica_err *best)
{
    struct mica_err cause;
    struct mica_key *key;
    enum mica_status status = mica_key_read_public(path, &key, best);
    /* A key that cannot be read is a mistake to be told, not one key less. */
    if (status != MICA_OK)
        return status == MICA_EDENIED ? MICA_EIO : status;
    status = MICA_EDENIED;
    for (int64_t i = 0; i < manifest->n_layers && status != MICA_OK; i++) {
        if (manifest->layers[i].kind != MICA_LAYER_SIGNATURE)
            continue;
        status = check_layer(store, manifest, &manifest->layers[i], key, &cause);
        if (status == MICA_ENOMEM) {
            *best = cause;
            break;
        }
        /* "Signed by another key" is worth saying only when nothing else is. */
        if (status != MICA_OK && (!best->text[0] || !strstr(cause.text, "another key")))
            *best = cause;
    }
    if (status == MICA_OK && signer)
        snprintf(signer, signer_size, "%s", mica_key_hint(key));
    mica_key_free(key);
    /* A malformed signature is none; another one may still be good. */
    return status == MICA_OK || status == MICA_ENOMEM ? status : MICA_EDENIED;
}

enum mica_status mica_signature_check(struct mica_store *store, const struct mica_manifest *manifest,
                                      const char *const *key_paths, char *signer, size_t signer_size,
                                      struct mica_err *err)
{
    struct mica_err best = {0};
    if (!mica_manifest_find(manifest, MICA_LAYER_SIGNATURE))
        return mica_fail(err, MICA_EDENIED, "not signed; 'mica sign NAME --key KEY' signs it");
    if (!key_paths || !*key_paths)
        return mica_fail(err, MICA_EARG,
                         "no key to check the signature with: give --key, or name keys in "
                         "the policy (signatures: keys)");
    for (; *key_paths; key_paths++) {
        enum mica_status status = check_key(store, manifest, *key_paths, signer, signer_size, &best);
        if (status != MICA_EDENIED)
            return status == MICA_OK ? status : mica_fail(err, status, "%s", best.text);
    }
    return mica_fail(err, MICA_EDENIED, "no valid signature: %s", best.text);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct mica_oms_file *)a)->name, ((const struct mica_oms_file *)b)->name);
}

/* The bundle over all layers that are signed. */
static enum mica_status seal_layers(const char *subject, const struct mica_manifest *manifest,
                                    const struct mica_key *key, struct mica_buf *out, struct mica_err *err)
{
    size_t n = (size_t)manifest->n_layers;
    int64_t n_files = 0;
    struct mica_oms_file *files = mica_alloc(n, sizeof *files);
    char(*names)[MICA_SIGNED_NAME] = mica_alloc(n, sizeof *names);
    enum mica_status status = MICA_OK;
    if (!files || !names)
        status = mica_fail(err, MICA_ENOMEM, "%s: out of memory", subject);
    for (size_t i = 0; i < n && status == MICA_OK; i++)
        if (mica_signature_name(manifest, (int64_t)i, names[i]))
            files[n_files++] = (struct mica_oms_file){names[i], manifest->layers[i].digest};
    if (status == MICA_OK) {
        qsort(files, (size_t)n_files, sizeof *files, by_name);
        for (int64_t i = 1; i < n_files && status == MICA_OK; i++)
            if (strcmp(files[i].name, files[i - 1].name) == 0)
                status = mica_fail(err, MICA_EUNSUPPORTED, "%s: two of its layers would be signed as %s",
                                   subject, files[i].name);
    }
    if (status == MICA_OK)
        status = mica_oms_seal(subject, files, n_files, NULL, 0, key, out, err);
    mica_free(files);
    mica_free(names);
    return status;
}

enum mica_status mica_signature_add(struct mica_store *store, const struct mica_name *name,
                                    const struct mica_manifest *manifest, const struct mica_key *key,
                                    struct mica_manifest **out, struct mica_err *err)
{
    char subject[MICA_NAME_TEXT], title[64];
    struct mica_buf text = {0};
    struct mica_digest digest;
    struct mica_manifest *signed_manifest = mica_manifest_new();
    mica_name_print(name, subject);
    snprintf(title, sizeof title, "%.16s.sig", mica_key_hint(key));
    enum mica_status status = signed_manifest ? seal_layers(subject, manifest, key, &text, err)
                                              : mica_fail(err, MICA_ENOMEM, "%s: out of memory", subject);
    if (status == MICA_OK)
        status = mica_store_blob_put(store, text.data, text.len, &digest, err);
    if (status == MICA_OK)
        status = mica_manifest_add_layer(signed_manifest, &manifest->config, err);
    for (int64_t i = 0; i < manifest->n_layers && status == MICA_OK; i++) {
        const struct mica_layer *layer = &manifest->layers[i];
        if (layer->kind != MICA_LAYER_SIGNATURE || strcmp(layer->title, title) != 0)
            status = mica_manifest_add_layer(signed_manifest, layer, err);
    }
    if (status == MICA_OK)
        status = mica_manifest_add(signed_manifest, MICA_LAYER_SIGNATURE, &digest, text.len, title, err);
    if (status == MICA_OK)
        status = mica_manifest_seal(signed_manifest, err);
    mica_buf_release(&text);
    if (status != MICA_OK) {
        mica_manifest_free(signed_manifest);
        return status;
    }
    *out = signed_manifest;
    return MICA_OK;
}
