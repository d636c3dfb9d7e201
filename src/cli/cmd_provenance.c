/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* mica provenance: where a stored model came from, as a signed statement, from its manifest and the
 * register. */
#include "base/fs.h"
#include "cli/models.h"
#include "cli/signature.h"
#include "govern/provenance.h"
#include "govern/register.h"
#include "govern/signature.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>

struct args {
    const char *key, *out;
};

struct material {
    struct mica_store *store;
    struct mica_register *reg;
    struct mica_manifest *manifest;
    struct mica_components *closure;
    struct mica_artifact *subjects, *sources;
    int64_t n_subjects, n_sources;
    char name[MICA_NAME_TEXT];
    struct mica_arena arena;
};

static enum mica_status no_memory(struct mica_err *err)
{
    return mica_fail(err, MICA_ENOMEM, "provenance: out of memory");
}

static void release(struct material *m)
{
    mica_components_free(m->closure);
    mica_manifest_free(m->manifest);
    mica_register_close(m->reg);
    mica_store_close(m->store);
    mica_arena_release(&m->arena);
}

static enum mica_status gather(struct material *m, const char *text, struct mica_err *err)
{
    struct mica_name name;
    struct mica_components *found = NULL;
    enum mica_status status = mica_store_open(NULL, &m->store, err);
    if (status == MICA_OK)
        status = mica_cli_manifest(m->store, text, &name, &m->manifest, err);
    if (status == MICA_OK)
        status = mica_register_open(mica_store_home(m->store), &m->reg, err);
    if (status != MICA_OK)
        return status;
    mica_name_print(&name, m->name);
    status = mica_register_find(m->reg, MICA_COMPONENT_MODEL, m->name, &found, err);
    if (status == MICA_OK)
        status = mica_register_closure(m->reg, found->rows[0].id, &m->closure, err);
    mica_components_free(found);
    return status;
}

static const char *keep_hex(struct material *m, const struct mica_digest *digest)
{
    char hex[MICA_DIGEST_HEX];
    mica_digest_hex(digest, hex);
    return mica_arena_strndup(&m->arena, hex, strlen(hex));
}

/* What came out: the manifest, and each layer that changes what runs. */
static enum mica_status list_subjects(struct material *m, struct mica_err *err)
{
    char name[MICA_SIGNED_NAME];
    m->subjects = mica_arena_alloc(&m->arena, (size_t)m->manifest->n_layers + 1, sizeof *m->subjects);
    if (!m->subjects)
        return no_memory(err);
    for (int64_t i = -1; i < m->manifest->n_layers; i++) {
        const char *given = i < 0 ? m->name : mica_signature_name(m->manifest, i, name);
        if (!given)
            continue;
        const struct mica_digest *digest = i < 0 ? &m->manifest->digest : &m->manifest->layers[i].digest;
        struct mica_artifact artifact = {.name = mica_arena_strndup(&m->arena, given, strlen(given)),
                                         .sha256 = keep_hex(m, digest),
                                         .kind = i < 0 ? "manifest" : NULL};
        if (!artifact.name || !artifact.sha256)
            return no_memory(err);
        m->subjects[m->n_subjects++] = artifact;
    }
    return MICA_OK;
}

static bool is_commit(const char *text)
{
    return strlen(text) == 40 && strspn(text, "0123456789abcdef") == 40;
}

static bool is_uri(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+-.");
    return n > 1 && text[n] == ':' && !strpbrk(text, " <>\"{}|\\^`");
}

static const char *keep_uri(struct material *m, const char *name)
{
    struct mica_buf uri = {0};
    const char *kept =
        mica_provenance_uri(name, &uri) ? mica_arena_strndup(&m->arena, uri.data, uri.len) : NULL;
    mica_buf_release(&uri);
    return kept;
}

/* What went in: the place that the files were taken from, and every component that the model is linked to
 * and that is not a part of the files themselves. */
static enum mica_status list_sources(struct material *m, struct mica_err *err)
{
    const struct mica_components *c = m->closure;
    m->sources = mica_arena_alloc(&m->arena, (size_t)c->n + 1, sizeof *m->sources);
    if (!m->sources)
        return no_memory(err);
    for (int64_t i = 0; i < c->n; i++) {
        const struct mica_component *row = &c->rows[i];
        if (i ? row->kind == MICA_COMPONENT_TOKENIZER || row->kind == MICA_COMPONENT_TEMPLATE
              : !*row->location && !*row->source)
            continue;
        struct mica_artifact artifact = {
            .name = i ? row->name : row->source,
            .uri = is_uri(row->location) ? row->location
                   : is_uri(row->source) ? row->source
                                         : NULL,
            .git_commit = is_commit(row->revision) ? row->revision : NULL,
            /* Of the model itself the digest is that of the result, not of what it was made from. */
            .sha256 = i ? row->digest : NULL,
            .kind = mica_component_kind_text(row->kind),
            .relation = i ? mica_relation_text(c->relations[i]) : "source",
            .licence = *row->concluded ? row->concluded : row->declared_card};
        if (!artifact.uri && !(artifact.uri = keep_uri(m, artifact.name)))
            return no_memory(err);
        m->sources[m->n_sources++] = artifact;
    }
    return MICA_OK;
}

/* The layers of a Modelfile, by kind: what "create" was asked for beside the base. */
static json_t *layers_json(const struct mica_manifest *manifest)
{
    static const struct {
        enum mica_layer_kind kind;
        const char *key;
    } rows[] = {{MICA_LAYER_TEMPLATE, "template"},
                {MICA_LAYER_SYSTEM, "system"},
                {MICA_LAYER_PARAMS, "parameters"},
                {MICA_LAYER_MESSAGES, "messages"},
                {MICA_LAYER_ADAPTER, "adapter"}};
    char hex[MICA_DIGEST_HEX];
    json_t *object = json_object();
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        const struct mica_layer *layer = mica_manifest_find(manifest, rows[i].kind);
        if (!layer)
            continue;
        mica_digest_hex(&layer->digest, hex);
        json_object_set_new(object, rows[i].key, json_pack("{s:s}", "sha256", hex));
    }
    return object;
}

static enum mica_status make(struct material *m, json_t **out, struct mica_err *err)
{
    const struct mica_component *row = &m->closure->rows[0];
    bool is_made = false;
    for (int64_t i = 1; i < m->closure->n; i++)
        is_made = is_made || (m->closure->relations[i] == MICA_RELATION_BASE && *m->closure->rows[i].digest);
    json_t *parameters = json_pack("{s:s, s:s, s:s, s:o}", "name", m->name, "source", row->source, "revision",
                                   row->revision, "layers", layers_json(m->manifest));
    if (!parameters)
        return no_memory(err);
    struct mica_provenance input = {.build_type = is_made ? MICA_BUILD_CREATE : MICA_BUILD_IMPORT,
                                    .parameters = parameters,
                                    .subjects = m->subjects,
                                    .n_subjects = m->n_subjects,
                                    .sources = m->sources,
                                    .n_sources = m->n_sources,
                                    .finished = row->time};
    return mica_provenance_slsa(&input, out, err);
}

static enum mica_status put_out(const struct mica_buf *text, const char *path, struct mica_err *err)
{
    if (path && strcmp(path, "-") != 0)
        return mica_fs_write(path, text->data, text->len, 0644, err);
    fwrite(text->data, 1, text->len, stdout);
    return MICA_OK;
}

enum mica_status mica_cli_write_provenance(const char *name, const char *key_path, const char *path,
                                           struct mica_err *err)
{
    struct material m = {0};
    struct mica_password password = {mica_cli_ask_password, NULL};
    struct mica_key *key = NULL;
    struct mica_buf text = {0};
    json_t *statement = NULL;
    enum mica_status status = gather(&m, name, err);
    if (status == MICA_OK)
        status = list_subjects(&m, err);
    if (status == MICA_OK)
        status = list_sources(&m, err);
    if (status == MICA_OK)
        status = make(&m, &statement, err);
    if (status == MICA_OK && key_path)
        status = mica_key_read_private(key_path, &password, &key, err);
    if (status == MICA_OK)
        status = mica_provenance_write(statement, key, &text, err);
    if (status == MICA_OK)
        status = put_out(&text, path, err);
    mica_buf_release(&text);
    mica_key_free(key);
    json_decref(statement);
    release(&m);
    return status;
}

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    struct mica_err err;
    enum mica_status status = mica_cli_write_provenance(operands[0], args->key, args->out, &err);
    return status == MICA_OK ? 0 : mica_cli_fail(status, &err);
}

static const struct mica_option options[] = {
    {"key", 'k', MICA_OPT_TEXT, offsetof(struct args, key), "FILE",
     "sign it: a secret key in PEM; the result is a DSSE envelope"},
    {"out", 'o', MICA_OPT_TEXT, offsetof(struct args, out), "FILE", "write there; default: standard output"},
};
const struct mica_command mica_command_provenance = {
    options, MICA_COUNT(options), 1, 1, sizeof(struct args), NULL, run};
