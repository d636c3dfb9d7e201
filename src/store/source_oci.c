/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Registries: oci://HOST/REPO[:TAG|@sha256:…] and Ollama names. */
#include "store/oci.h"
#include "store/source_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LICENCE_MAX = 1 << 20, LICENCES_MAX = 16 };

static void free_client(void *auth)
{
    mica_oci_free(auth);
}

static enum mica_status set_authorization(const struct mica_oci *oci, struct mica_plan_file *file,
                                          struct mica_err *err)
{
    return mica_plan_set(&file->authorization, mica_oci_authorization(oci), err);
}

/* A token ran out, or blobs need one where manifests did not: asks for the blob's headers, which brings a
 * challenge and with it a new token. Where the blob really lies does not matter for that. */
static enum mica_status renew(void *auth, struct mica_plan_file *file, struct mica_err *err)
{
    struct mica_oci *oci = auth;
    struct mica_http_request request = {.method = "HEAD", .no_redirects = true};
    struct mica_http_response response = {0};
    enum mica_status status = mica_oci_do(oci, file->url, &request, &response, err);
    if (status == MICA_OK && (response.status == 401 || response.status == 403))
        status = mica_oci_check(oci, &response, "pull", err);
    if (status == MICA_OK)
        status = set_authorization(oci, file, err);
    mica_http_response_release(&response);
    return status;
}

/* What progress and messages call it: its own title, or "model 0123456789ab". */
static enum mica_status set_title(struct mica_plan_file *file, const struct mica_layer *layer,
                                  struct mica_err *err)
{
    char text[256], hex[MICA_DIGEST_HEX];
    const int short_digest = 12;
    const char *word = strrchr(layer->media_type, '.');
    mica_digest_hex(&layer->digest, hex);
    snprintf(text, sizeof text, "%s %.*s", layer->kind < MICA_LAYER_CONFIG && word ? word + 1 : "config",
             short_digest, hex);
    return mica_plan_set(&file->title, *layer->title ? layer->title : text, err);
}

static enum mica_status add_file(const struct mica_oci *oci, const struct mica_layer *layer,
                                 struct mica_plan *plan, struct mica_err *err)
{
    struct mica_plan_file *file = mica_plan_add(plan);
    if (!file || !(file->url = mica_oci_blob_url(oci, &layer->digest)))
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    file->kind = layer->kind;
    file->size = layer->size;
    file->is_exact = true;
    file->has_digest = true;
    file->digest = layer->digest;
    enum mica_status status = set_title(file, layer, err);
    return status == MICA_OK ? set_authorization(oci, file, err) : status;
}

static int by_size(const void *a, const void *b)
{
    const struct mica_plan_file *x = a, *y = b;
    return x->size != y->size ? (x->size < y->size ? -1 : 1)
                              : memcmp(x->digest.bytes, y->digest.bytes, sizeof x->digest.bytes);
}

/* Small files first: what is wrong with the terms or the template shows before the weights come. */
static enum mica_status add_files(const struct mica_oci *oci, const struct mica_manifest *manifest,
                                  struct mica_plan *plan, struct mica_err *err)
{
    bool has_model = false;
    enum mica_status status = add_file(oci, &manifest->config, plan, err);
    for (int64_t i = 0; i < manifest->n_layers && status == MICA_OK; i++) {
        enum mica_layer_kind kind = manifest->layers[i].kind;
        has_model |= kind == MICA_LAYER_MODEL || kind == MICA_LAYER_FILE || kind == MICA_LAYER_ADAPTER;
        status = add_file(oci, &manifest->layers[i], plan, err);
    }
    if (status == MICA_OK && !has_model)
        status = mica_fail(err, MICA_EUNSUPPORTED,
                           "%s: holds no model: none of its %lld layers is of a type that Mica reads",
                           plan->location, (long long)manifest->n_layers);
    if (status == MICA_OK)
        qsort(plan->files, (size_t)plan->n_files, sizeof *plan->files, by_size);
    return status;
}

/* Licence texts are in the store when the plan is checked, so that the terms are known before the weights. */
static enum mica_status fetch_licences(struct mica_puller *puller, struct mica_plan *plan,
                                       struct mica_err *err)
{
    int n = 0;
    for (int64_t i = 0; i < plan->n_files; i++) {
        struct mica_plan_file *file = &plan->files[i];
        struct mica_digest digest;
        uint64_t size;
        if (file->kind != MICA_LAYER_LICENSE || file->size > LICENCE_MAX || n++ >= LICENCES_MAX)
            continue;
        enum mica_status status = mica_puller_fetch(puller, plan, file, &digest, &size, NULL, err);
        if (status != MICA_OK)
            return status;
    }
    return MICA_OK;
}

static enum mica_status plan_ref(struct mica_puller *puller, const struct mica_oci_ref *ref,
                                 struct mica_plan *plan, struct mica_err *err)
{
    const struct mica_http_options options = {.plain_http = puller->options->plain_http};
    struct mica_buf text = {0};
    struct mica_manifest *manifest = NULL;
    struct mica_digest digest;
    struct mica_oci *oci;
    char revision[MICA_DIGEST_HEX + 8] = "sha256:", location[MICA_OCI_TEXT];
    enum mica_status status = mica_oci_new(ref, false, &options, &oci, err);
    if (status != MICA_OK)
        return status;
    plan->auth = oci;
    plan->auth_free = free_client;
    plan->renew = renew;
    status = mica_oci_manifest(oci, &text, &digest, err);
    if (status == MICA_OK)
        status = mica_manifest_parse(text.data, text.len, &manifest, err);
    mica_oci_ref_print(ref, location);
    mica_digest_hex(&digest, revision + 7);
    if (status == MICA_OK)
        status = mica_plan_set(&plan->revision, revision, err);
    if (status == MICA_OK)
        status = mica_plan_set(&plan->location, location, err);
    if (status == MICA_OK)
        status = add_files(oci, manifest, plan, err);
    if (status == MICA_OK) {
        plan->manifest = text.data; /* the plan's now */
        plan->manifest_len = text.len;
        text = (struct mica_buf){0};
        status = fetch_licences(puller, plan, err);
    }
    mica_buf_release(&text);
    mica_manifest_free(manifest);
    return status;
}

static enum mica_status set_name(const struct mica_name *name, struct mica_plan *plan, struct mica_err *err)
{
    char text[MICA_NAME_TEXT];
    mica_name_print(name, text);
    return mica_plan_set(&plan->name, text, err);
}

enum mica_status mica_plan_oci(struct mica_puller *puller, const char *rest, struct mica_plan *plan,
                               struct mica_err *err)
{
    struct mica_oci_ref ref;
    struct mica_name name;
    struct mica_buf text = {0};
    mica_buf_printf(&text, "oci:%s", rest);
    enum mica_status status =
        text.failed ? mica_fail(err, MICA_ENOMEM, "out of memory") : mica_oci_ref_parse(text.data, &ref, err);
    mica_buf_release(&text);
    if (status == MICA_OK && !puller->options->as) {
        status = mica_oci_ref_name(&ref, &name, err);
        if (status == MICA_OK)
            status = set_name(&name, plan, err);
    }
    return status == MICA_OK ? plan_ref(puller, &ref, plan, err) : status;
}

enum mica_status mica_plan_ollama(struct mica_puller *puller, const char *rest, struct mica_plan *plan,
                                  struct mica_err *err)
{
    struct mica_oci_ref ref;
    struct mica_name name;
    enum mica_status status = mica_name_parse(rest, &name, err);
    if (status == MICA_OK)
        status = mica_oci_allowed(name.registry, err);
    if (status == MICA_OK)
        status = set_name(&name, plan, err);
    if (status != MICA_OK)
        return status;
    mica_oci_ref_of_name(&name, &ref);
    return plan_ref(puller, &ref, plan, err);
}
