/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/oci.h"
#include "store/source.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct pushing {
    struct mica_store *store;
    struct mica_oci *oci;
    const struct mica_pull_options *options;
    const char *from; /* a repository of the same registry that may have the blobs */
    const char *what; /* of the progress */
    uint64_t done, total;
};

static bool on_progress(void *user, uint64_t done, uint64_t total)
{
    const struct pushing *p = user;
    return !p->options->progress || p->options->progress(p->options->user, p->what, p->done + done, p->total);
}

static enum mica_status push_layer(struct pushing *p, const struct mica_layer *layer, struct mica_err *err)
{
    struct mica_mapping *map;
    enum mica_status status = mica_store_blob_open(p->store, &layer->digest, &map, err);
    if (status != MICA_OK)
        return status;
    if (mica_mapping_size(map) != layer->size)
        status = mica_fail(err, MICA_EFORMAT, "%s: %zu bytes, but the manifest says %llu",
                           mica_mapping_name(map), mica_mapping_size(map), (unsigned long long)layer->size);
    p->what = *layer->title ? layer->title : mica_mapping_name(map);
    if (status == MICA_OK)
        status = mica_oci_upload(p->oci,
                                 &(struct mica_oci_upload){.digest = &layer->digest,
                                                           .data = mica_mapping_data(map),
                                                           .size = layer->size,
                                                           .from = p->from,
                                                           .progress = on_progress,
                                                           .user = p},
                                 err);
    mica_mapping_free(map);
    p->done += layer->size;
    return status;
}

/* A manifest last: whoever sees it can fetch all that it names. */
static enum mica_status push_all(struct pushing *p, const struct mica_manifest *manifest,
                                 struct mica_err *err)
{
    p->total = mica_manifest_size(manifest);
    enum mica_status status = push_layer(p, &manifest->config, err);
    for (int64_t i = 0; i < manifest->n_layers && status == MICA_OK; i++)
        status = push_layer(p, &manifest->layers[i], err);
    if (status == MICA_OK)
        status = mica_oci_put_manifest(p->oci, manifest->text, manifest->len, &manifest->digest, err);
    return status;
}

/* Where to: an oci:// reference, or a name whose registry names may lead to. */
static enum mica_status find_place(const struct mica_name *name, const char *to, struct mica_oci_ref *out,
                                   struct mica_err *err)
{
    struct mica_name other = *name;
    if (to && strncmp(to, "oci://", 6) == 0) {
        enum mica_status status = mica_oci_ref_parse(to, out, err);
        if (status == MICA_OK && out->has_digest)
            status = mica_fail(err, MICA_EARG, "%s: a model is pushed under a tag, not a digest", to);
        return status;
    }
    enum mica_status status = to ? mica_name_parse(to, &other, err) : MICA_OK;
    if (status == MICA_OK)
        status = mica_oci_allowed(other.registry, err);
    if (status == MICA_OK && strcasecmp(other.registry, MICA_DEFAULT_REGISTRY) == 0)
        status =
            mica_fail(err, MICA_EUNSUPPORTED,
                      "%s: takes models only from owners of an Ollama key, which Mica does not use; name "
                      "another registry: --to oci://HOST/REPOSITORY:TAG",
                      other.registry);
    if (status == MICA_OK)
        mica_oci_ref_of_name(&other, out);
    return status;
}

enum mica_status mica_push(struct mica_store *store, const struct mica_name *name, const char *to,
                           const struct mica_pull_options *options, struct mica_err *err)
{
    static const struct mica_pull_options none;
    struct pushing p = {.store = store, .options = options ? options : &none};
    struct mica_manifest *manifest = NULL;
    struct mica_oci_ref ref, own;
    enum mica_status status = find_place(name, to, &ref, err);
    if (status == MICA_OK)
        status = mica_store_manifest(store, name, &manifest, err);
    if (status == MICA_OK)
        status = mica_oci_new(&ref, true, &(struct mica_http_options){.plain_http = p.options->plain_http},
                              &p.oci, err);
    if (status == MICA_OK) {
        mica_oci_ref_of_name(name, &own);
        if (strcasecmp(own.host, ref.host) == 0 && strcmp(own.repo, ref.repo) != 0) {
            p.from = own.repo;
            mica_oci_also(p.oci, own.repo);
        }
        status = push_all(&p, manifest, err);
    }
    mica_oci_free(p.oci);
    mica_manifest_free(manifest);
    return status;
}
