/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/record.h"
#include "format/template_source.h"
#include "govern/evidence.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One recording. */
struct record {
    struct mica_store *store;
    struct mica_register *reg;
    const struct mica_manifest *manifest;
    const struct mica_origin *origin;
    char name[MICA_NAME_TEXT];
    struct mica_files *files;
    struct mica_gguf *gguf; /* NULL: an HF folder, or a file that cannot be read */
    struct mica_evidence evidence;
    char template_digest[MICA_DIGEST_HEX], tokenizer_digest[MICA_DIGEST_HEX], digest[MICA_DIGEST_HEX];
    struct mica_components *old; /* what was recorded before, or NULL */
    int64_t id;
};

static enum mica_status no_memory(struct mica_err *err)
{
    return mica_fail(err, MICA_ENOMEM, "register: out of memory");
}

static void digest_text(const struct mica_digest *digest, char out[MICA_DIGEST_HEX])
{
    static const struct mica_digest none;
    if (mica_digest_equal(digest, &none))
        *out = '\0';
    else
        mica_digest_hex(digest, out);
}

enum mica_status mica_template_digest(const struct mica_files *files, const char *override, size_t len,
                                      struct mica_digest *out, struct mica_err *err)
{
    struct mica_template_source source = {.text = override, .len = len};
    struct mica_gguf *gguf = NULL;
    struct mica_digest digest = {0};
    enum mica_status status = MICA_OK;
    if (!override) {
        /* Files that are no GGUF are an HF folder's. */
        status = mica_files_find(files, "config.json") ? MICA_OK : mica_gguf_open(files, &gguf, err);
        if (status == MICA_OK)
            mica_template_find(gguf, files, &source);
    }
    if (status == MICA_OK && source.text && !mica_sha256(source.text, source.len, &digest))
        status = no_memory(err);
    if (!override && status == MICA_OK)
        mica_template_source_release(&source);
    mica_gguf_free(gguf);
    if (status == MICA_OK)
        *out = digest;
    return status;
}

/* ---- bytes ---- */

/* Hashes a blob whole, which must give its name, and in shards, which are kept. */
static enum mica_status record_blob(struct record *r, const struct mica_layer *layer, struct mica_pool *pool,
                                    struct mica_err *err)
{
    struct mica_mapping *map;
    struct mica_digest digest;
    char hex[MICA_DIGEST_HEX];
    mica_digest_hex(&layer->digest, hex);
    enum mica_status status = mica_store_blob_open(r->store, &layer->digest, &map, err);
    if (status != MICA_OK)
        return status;
    size_t size = mica_mapping_size(map);
    struct mica_digest *shards = mica_alloc(mica_shard_count(size), sizeof *shards);
    if (!shards || !mica_sha256(mica_mapping_data(map), size, &digest) ||
        !mica_shards_hash(mica_mapping_data(map), size, pool, shards))
        status = no_memory(err);
    else if (size != layer->size || !mica_digest_equal(&digest, &layer->digest))
        status = mica_fail(
            err, MICA_EFORMAT,
            "%s: blob sha256-%.12s… was changed: its bytes are not what its name says; 'mica rm %s' "
            "and 'mica pull' bring it again",
            r->name, hex, r->name);
    if (status == MICA_OK)
        status = mica_register_put_shards(r->reg, &layer->digest, size, shards, err);
    mica_free(shards);
    mica_mapping_free(map);
    return status;
}

/* Shards state only what a blob's digest states, too, so they are kept before, and outside of, the
 * transaction: hashing may take long, and others shall not wait for it. */
static enum mica_status record_blobs(struct record *r, struct mica_err *err)
{
    struct mica_pool *pool = NULL;
    enum mica_status status = mica_pool_new(0, &pool, err);
    for (int64_t i = 0; i < r->manifest->n_layers && status == MICA_OK; i++)
        status = record_blob(r, &r->manifest->layers[i], pool, err);
    mica_pool_free(pool);
    return status;
}

/* ---- evidence ---- */

/* Notes what could not be read: such a model can be kept and described, though not run. */
static void open_gguf(struct record *r, struct mica_err *problem)
{
    if (!mica_manifest_find(r->manifest, MICA_LAYER_MODEL))
        return;
    if (mica_gguf_open(r->files, &r->gguf, problem) == MICA_OK)
        problem->text[0] = '\0';
}

static enum mica_status read_template(struct record *r, struct mica_err *err)
{
    struct mica_buf text = {0};
    struct mica_template_source source;
    struct mica_digest digest = {0};
    mica_template_find(r->gguf, r->files, &source);
    enum mica_status status = MICA_OK;
    const char *used = source.text;
    size_t len = source.len;
    bool usable = false;
    if (mica_manifest_find(r->manifest, MICA_LAYER_TEMPLATE)) {
        status = mica_store_text(r->store, r->manifest, MICA_LAYER_TEMPLATE, &text, err);
        if (status == MICA_OK)
            status = mica_template_usable(text.data, text.len, &usable, err);
        if (status == MICA_OK && usable) {
            used = text.data;
            len = text.len;
        }
    }
    if (status == MICA_OK && used && !mica_sha256(used, len, &digest))
        status = no_memory(err);
    digest_text(&digest, r->template_digest);
    mica_template_source_release(&source);
    mica_buf_release(&text);
    return status;
}

static enum mica_status read_evidence(struct record *r, struct mica_err *err)
{
    struct mica_err problem = {0};
    struct mica_digest digest = {0};
    mica_digest_hex(&r->manifest->digest, r->digest);
    enum mica_status status = mica_store_files(r->store, r->manifest, &r->files, err);
    if (status != MICA_OK)
        return status;
    open_gguf(r, &problem);
    status = mica_evidence_read(r->store, r->manifest, r->gguf, r->origin, r->old ? r->old->rows[0].card : "",
                                &r->evidence, err);
    if (status == MICA_OK && *problem.text) {
        json_t *list = json_array();
        if (json_array_append_new(list, json_string(problem.text)) != 0 ||
            json_object_set(r->evidence.facts, "file_problems", list) != 0)
            status = no_memory(err);
        json_decref(list);
    }
    if (status == MICA_OK)
        status = read_template(r, err);
    if (status == MICA_OK && !mica_tokenizer_digest(r->gguf, r->files, &digest))
        status = no_memory(err);
    digest_text(&digest, r->tokenizer_digest);
    return status;
}

/* ---- components ---- */

static const char *either(const char *given, const char *kept)
{
    return given ? given : kept ? kept : "";
}

/* The terms as the evidence states them, for the model and for what is part of it. */
static struct mica_component with_terms(const struct record *r, enum mica_component_kind kind,
                                        const char *name)
{
    const struct mica_origin *o = r->origin;
    const struct mica_component *old = r->old ? &r->old->rows[0] : NULL;
    const struct mica_evidence *e = &r->evidence;
    return (struct mica_component){.kind = kind,
                                   .name = name,
                                   .source = either(o->source, old ? old->source : NULL),
                                   .revision = either(o->revision, old ? old->revision : NULL),
                                   .location = either(o->location, old ? old->location : NULL),
                                   .declared_card = e->declared_card,
                                   .declared_key = e->declared_key,
                                   .declared_file = e->declared_file,
                                   .licence_digest = e->licence_digest,
                                   .concluded = e->concluded,
                                   .policy_digest = e->policy_digest,
                                   .owner = either(o->owner, old ? old->owner : NULL)};
}

/* The digest of the files that make the model, terms and settings left out, as a fact of the card. */
static bool state_files(struct record *r)
{
    struct mica_buf all = {0};
    struct mica_digest digest;
    char hex[MICA_DIGEST_HEX];
    for (int64_t i = 0; i < r->manifest->n_layers; i++) {
        const struct mica_layer *layer = &r->manifest->layers[i];
        if (layer->kind == MICA_LAYER_MODEL || layer->kind == MICA_LAYER_FILE)
            mica_buf_append(&all, layer->digest.bytes, sizeof layer->digest.bytes);
    }
    bool ok = !all.failed && mica_sha256(all.data ? all.data : "", all.len, &digest);
    mica_buf_release(&all);
    if (!ok)
        return false;
    mica_digest_hex(&digest, hex);
    return json_object_set_new(r->evidence.facts, "files_digest", json_string(hex)) == 0;
}

/* Whether the name stood for other files before. */
static bool is_another(const struct record *r)
{
    if (!r->old || *r->old->rows[0].version)
        return false;
    json_t *facts = json_loads(r->old->rows[0].card, 0, NULL);
    const char *before = json_string_value(json_object_get(facts, "files_digest")),
               *now = json_string_value(json_object_get(r->evidence.facts, "files_digest"));
    bool differs = before && now && strcmp(before, now) != 0;
    json_decref(facts);
    return differs;
}

static enum mica_status put_model(struct record *r, struct mica_err *err)
{
    const struct mica_component *old = r->old ? &r->old->rows[0] : NULL;
    struct mica_component model = with_terms(r, MICA_COMPONENT_MODEL, r->name);
    char *facts = json_dumps(r->evidence.facts, JSON_COMPACT | JSON_SORT_KEYS);
    if (!facts)
        return no_memory(err);
    model.digest = r->digest;
    model.size = (int64_t)mica_manifest_size(r->manifest);
    model.card_digest = r->evidence.card_digest;
    model.template_digest = r->template_digest;
    model.notes = either(r->origin->notes, old ? old->notes : NULL);
    model.drift = r->evidence.drift;
    model.card = facts;
    enum mica_status status = mica_register_put(r->reg, &model, r->origin->event, &r->id, err);
    free(facts);
    return status;
}

static enum mica_status put_part(struct record *r, enum mica_component_kind kind, const char *digest,
                                 enum mica_relation relation, struct mica_err *err)
{
    int64_t id;
    struct mica_component part = with_terms(r, kind, r->name);
    if (!*digest)
        return MICA_OK;
    part.digest = digest;
    enum mica_status status = mica_register_put(r->reg, &part, r->origin->event, &id, err);
    return status == MICA_OK ? mica_register_link(r->reg, r->id, relation, id, err) : status;
}

/* "hf:owner/" of two sources is the same: who publishes a tuned model and its base licenses both. */
static bool same_owner(const char *a, const char *b)
{
    const char *slash = strchr(a, '/');
    return strncmp(a, "hf:", 3) == 0 && slash && strncmp(a, b, (size_t)(slash - a) + 1) == 0;
}

/* A component that is only named. */
static enum mica_status put_named(struct record *r, enum mica_component_kind kind, const char *name,
                                  int64_t *id, struct mica_err *err)
{
    char notes[MICA_NAME_TEXT + 200];
    const struct mica_component model = with_terms(r, MICA_COMPONENT_MODEL, r->name);
    bool is_own = kind == MICA_COMPONENT_MODEL && same_owner(name, model.source);
    const char *declared = *model.declared_card ? model.declared_card : model.declared_key;
    snprintf(notes, sizeof notes, "named by %s and not registered itself%s", r->name,
             is_own ? "; by the same owner, so taken to stand under the same terms" : "");
    struct mica_component named = {.kind = kind,
                                   .name = name,
                                   .source = strncmp(name, "hf:", 3) == 0 ? name : "",
                                   .declared_card = is_own ? declared : "",
                                   .notes = notes};
    return mica_register_put(r->reg, &named, r->origin->event, id, err);
}

/* Finds what a line names: as it stands, or as the name of a stored model. */
static enum mica_status resolve(struct record *r, enum mica_component_kind kind, const char *line,
                                int64_t *id, struct mica_err *err)
{
    char text[MICA_NAME_TEXT];
    struct mica_name name;
    enum mica_status status = mica_register_resolve(r->reg, kind, line, id, err);
    if (status == MICA_ENOTFOUND && kind == MICA_COMPONENT_MODEL &&
        mica_name_parse(line, &name, NULL) == MICA_OK) {
        mica_name_print(&name, text);
        status = mica_register_resolve(r->reg, kind, text, id, err);
    }
    return status == MICA_ENOTFOUND ? put_named(r, kind, line, id, err) : status;
}

static enum mica_status link_lines(struct record *r, const char *lines, enum mica_component_kind kind,
                                   enum mica_relation relation, struct mica_err *err)
{
    enum mica_status status = MICA_OK;
    for (const char *at = lines ? lines : ""; *at && status == MICA_OK;) {
        size_t len = strcspn(at, "\n");
        char line[1024];
        int64_t id;
        snprintf(line, sizeof line, "%.*s", (int)(len < sizeof line ? len : sizeof line - 1), at);
        at += len + (at[len] == '\n');
        if (!*line)
            continue;
        status = resolve(r, kind, line, &id, err);
        if (status == MICA_OK && id != r->id)
            status = mica_register_link(r->reg, r->id, relation, id, err);
    }
    return status;
}

/* ---- adapters that come as layers ---- */

/* An adapter's own file may state terms and a base of its own. */
static enum mica_status record_adapter(struct record *r, const struct mica_layer *layer, int i,
                                       struct mica_err *err)
{
    char name[MICA_NAME_TEXT + 24], hex[MICA_DIGEST_HEX];
    struct mica_files *files = NULL;
    struct mica_mapping *map = NULL;
    struct mica_gguf *gguf = NULL;
    struct mica_arena arena = {0};
    int64_t id;
    enum mica_status status = mica_store_blob_open(r->store, &layer->digest, &map, err);
    if (status == MICA_OK)
        status = mica_files_new(&files, err);
    if (status == MICA_OK)
        status = mica_files_add(files, "adapter.gguf", map, err);
    if (status == MICA_OK) {
        if (mica_gguf_open(files, &gguf, NULL) != MICA_OK)
            gguf = NULL;
        struct mica_component adapter = with_terms(r, MICA_COMPONENT_ADAPTER, name);
        const char *stated = mica_evidence_key(gguf, &arena, "general.license");
        snprintf(name, sizeof name, "%s/adapter-%d", r->name, i + 1);
        mica_digest_hex(&layer->digest, hex);
        adapter.digest = hex;
        adapter.size = (int64_t)layer->size;
        if (!stated)
            status = no_memory(err);
        else if (*stated) {
            struct mica_licence_set own, model;
            mica_licence_set_parse(stated, &own);
            mica_licence_set_parse(adapter.concluded, &model);
            adapter.declared_key = stated;
            if (!mica_licence_sets_meet(&own, &model))
                adapter.concluded = adapter.licence_digest = adapter.declared_card = "";
        }
        if (status == MICA_OK)
            status = mica_register_put(r->reg, &adapter, r->origin->event, &id, err);
        if (status == MICA_OK)
            status = mica_register_link(r->reg, r->id, MICA_RELATION_ADAPTER, id, err);
    }
    mica_gguf_free(gguf);
    mica_files_free(files);
    mica_mapping_free(map);
    mica_arena_release(&arena);
    return status;
}

static enum mica_status record_adapters(struct record *r, struct mica_err *err)
{
    int n = 0;
    enum mica_status status = MICA_OK;
    for (int64_t i = 0; i < r->manifest->n_layers && status == MICA_OK; i++)
        if (r->manifest->layers[i].kind == MICA_LAYER_ADAPTER)
            status = record_adapter(r, &r->manifest->layers[i], n++, err);
    return status;
}

/* ---- all of it ---- */

/* Components that were only named become this one when it is what they named. */
static enum mica_status replace_named(struct record *r, struct mica_err *err)
{
    struct mica_components *named = NULL;
    char source[1024];
    enum mica_status status = MICA_OK;
    const char *from = with_terms(r, MICA_COMPONENT_MODEL, r->name).source;
    snprintf(source, sizeof source, "%s", from);
    char *colon = strncmp(source, "hf:", 3) == 0 ? strchr(source + 3, ':') : NULL;
    if (colon)
        *colon = '\0';
    if (!*source || mica_register_find(r->reg, MICA_COMPONENT_MODEL, source, &named, NULL) != MICA_OK)
        return MICA_OK;
    if (named->rows[0].id != r->id && !*named->rows[0].digest) {
        status = mica_register_retarget(r->reg, named->rows[0].id, r->id, err);
        if (status == MICA_OK)
            status = mica_register_remove(r->reg, named->rows[0].id, r->origin->event, err);
    }
    mica_components_free(named);
    return status;
}

static enum mica_status write_all(struct record *r, struct mica_err *err)
{
    const struct mica_origin *o = r->origin;
    const struct {
        const char *lines;
        enum mica_component_kind kind;
        enum mica_relation relation;
    } links[] = {{r->evidence.bases.data, MICA_COMPONENT_MODEL, MICA_RELATION_BASE},
                 {o->bases, MICA_COMPONENT_MODEL, MICA_RELATION_BASE},
                 {o->adapters, MICA_COMPONENT_ADAPTER, MICA_RELATION_ADAPTER},
                 {r->evidence.datasets.data, MICA_COMPONENT_DATASET, MICA_RELATION_TRAINED_ON},
                 {o->datasets, MICA_COMPONENT_DATASET, MICA_RELATION_TRAINED_ON}};
    enum mica_status status = state_files(r) ? MICA_OK : no_memory(err);
    if (status == MICA_OK && is_another(r))
        status = mica_register_set_aside(r->reg, MICA_COMPONENT_MODEL, r->name, err);
    if (status == MICA_OK)
        status = put_model(r, err);
    if (status == MICA_OK && o->relink)
        status = mica_register_unlink(r->reg, r->id, err);
    if (status == MICA_OK)
        status = put_part(r, MICA_COMPONENT_TOKENIZER, r->tokenizer_digest, MICA_RELATION_TOKENIZER, err);
    if (status == MICA_OK)
        status = put_part(r, MICA_COMPONENT_TEMPLATE, r->template_digest, MICA_RELATION_TEMPLATE, err);
    if (status == MICA_OK)
        status = record_adapters(r, err);
    for (size_t i = 0; i < MICA_COUNT(links) && status == MICA_OK; i++)
        status = link_lines(r, links[i].lines, links[i].kind, links[i].relation, err);
    return status == MICA_OK ? replace_named(r, err) : status;
}

enum mica_status mica_record_model(struct mica_store *store, struct mica_register *reg,
                                   const struct mica_name *name, const struct mica_manifest *manifest,
                                   const struct mica_origin *origin, int64_t *id_out, struct mica_err *err)
{
    static const struct mica_origin nothing = {.event = "register"};
    struct record r = {store, reg, manifest, origin ? origin : &nothing};
    mica_name_print(name, r.name);
    enum mica_status status = record_blobs(&r, err);
    /* A row whose seal is broken states nothing that is worth keeping. */
    if (mica_register_find(reg, MICA_COMPONENT_MODEL, r.name, &r.old, NULL) != MICA_OK)
        r.old = NULL;
    if (status == MICA_OK)
        status = read_evidence(&r, err);
    if (status == MICA_OK)
        status = mica_register_begin(reg, err);
    if (status == MICA_OK) {
        status = write_all(&r, err);
        if (status == MICA_OK)
            status = mica_register_end(reg, true, err);
        else
            mica_register_end(reg, false, NULL);
    }
    if (status == MICA_OK && id_out)
        *id_out = r.id;
    mica_components_free(r.old);
    mica_evidence_release(&r.evidence);
    mica_gguf_free(r.gguf);
    mica_files_free(r.files);
    return status;
}
