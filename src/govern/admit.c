/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The gate between the store and the engine. What passes is the mapping that was hashed, never a path. */
#include "base/admission.h"
#include "format/template_source.h"
#include "govern/closure.h"
#include "govern/register.h"
#include "govern/signature.h"
#include "store/store.h"

#include <mica/govern.h>

#include <jansson.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_LIMIT = 4 << 20 }; /* of a stored template, system message, … */

/* Everything that one admission needs, released together. */
struct gate {
    const struct mica_admit_options *options;
    struct mica_store *store;
    struct mica_register *reg;
    struct mica_pool *pool;
    struct mica_policy policy;
    struct mica_name name;
    char text[MICA_NAME_TEXT]; /* the name, for messages and the register */
    struct mica_manifest *manifest;
    struct mica_components *closure; /* row 0: the model */
    struct mica_admitted *out;
    struct mica_admission admission;
};

static enum mica_status gate_open(struct gate *gate, struct mica_err *err)
{
    const struct mica_admit_options *options = gate->options;
    enum mica_status status = mica_store_open(options->home, &gate->store, err);
    if (status == MICA_OK)
        status = mica_policy_load(options->policy, mica_store_home(gate->store), &gate->policy, err);
    if (status == MICA_OK && options->use && !mica_use_parse(options->use, &gate->policy.facts.use))
        status = mica_fail(err, MICA_EARG, "--use: '%s' is not private, research, internal or commercial",
                           options->use);
    if (status == MICA_OK)
        status = mica_pool_new(options->threads, &gate->pool, err);
    gate->out = mica_alloc(1, sizeof *gate->out);
    if (status == MICA_OK && !gate->out)
        status = mica_fail(err, MICA_ENOMEM, "admission: out of memory");
    return status;
}

static void gate_close(struct gate *gate)
{
    mica_components_free(gate->closure);
    mica_manifest_free(gate->manifest);
    mica_admitted_free(gate->out);
    mica_pool_free(gate->pool);
    mica_policy_release(&gate->policy);
    mica_register_close(gate->reg);
    mica_store_close(gate->store);
}

/* ---- bytes ---- */

/* Compares the mapping with the shards that were registered for its blob. */
static enum mica_status check_shards(struct gate *gate, const struct mica_layer *layer,
                                     const struct mica_mapping *map, struct mica_err *err)
{
    char hex[MICA_DIGEST_HEX];
    struct mica_digest *registered = NULL, *found = NULL;
    uint64_t size;
    mica_digest_hex(&layer->digest, hex);
    enum mica_status status = mica_register_shards(gate->reg, &layer->digest, &size, &registered, err);
    if (status == MICA_ENOTFOUND)
        return mica_fail(
            err, MICA_EDENIED,
            "%s: the register has no digests of blob sha256-%.12s…; record them with: mica register %s",
            gate->text, hex, gate->text);
    if (status != MICA_OK)
        return status;
    size_t n = mica_shard_count(size), bad = 0;
    found = mica_alloc(n, sizeof *found);
    if (mica_mapping_size(map) != size)
        status = mica_fail(err, MICA_EDENIED,
                           "%s: blob sha256-%.12s… has %zu bytes, registered are %llu: it was changed after "
                           "it was registered; bring it again with: mica pull",
                           gate->text, hex, mica_mapping_size(map), (unsigned long long)size);
    else if (!found || !mica_shards_hash(mica_mapping_data(map), size, gate->pool, found))
        status = mica_fail(err, MICA_ENOMEM, "%s: out of memory", gate->text);
    while (status == MICA_OK && bad < n && mica_digest_equal(&found[bad], &registered[bad]))
        bad++;
    mica_mapping_release(map, 0,
                         mica_mapping_size(map)); /* hashed pages need not stay beside the packed weights */
    if (status == MICA_OK && bad < n)
        status = mica_fail(err, MICA_EDENIED,
                           "%s: blob sha256-%.12s… is not what was registered: bytes %zu to %zu MiB differ; "
                           "'mica verify %s' looks at all of it, 'mica rm %s' and 'mica pull' bring it again",
                           gate->text, hex, bad * (MICA_SHARD_BYTES >> 20),
                           (bad + 1) * (MICA_SHARD_BYTES >> 20), gate->text, gate->text);
    mica_free(registered);
    mica_free(found);
    return status;
}

/* Reads a small layer whole; what was hashed is what is returned. */
static enum mica_status read_layer(struct gate *gate, const struct mica_layer *layer, char **text_out,
                                   struct mica_err *err)
{
    struct mica_mapping *map;
    struct mica_digest digest;
    char hex[MICA_DIGEST_HEX];
    mica_digest_hex(&layer->digest, hex);
    enum mica_status status = mica_store_blob_open(gate->store, &layer->digest, &map, err);
    if (status != MICA_OK)
        return status;
    char *copy = mica_mapping_size(map) <= TEXT_LIMIT
                     ? mica_strndup((const char *)mica_mapping_data(map), mica_mapping_size(map))
                     : NULL;
    if (mica_mapping_size(map) > TEXT_LIMIT)
        status = mica_fail(err, MICA_ELIMIT, "%s: blob sha256-%.12s… (%s) is larger than 4 MiB", gate->text,
                           hex, layer->media_type);
    else if (!copy || !mica_sha256(copy, mica_mapping_size(map), &digest))
        status = mica_fail(err, MICA_ENOMEM, "%s: out of memory", gate->text);
    else if (!mica_digest_equal(&digest, &layer->digest))
        status = mica_fail(
            err, MICA_EDENIED,
            "%s: blob sha256-%.12s… (%s) is not what was registered; 'mica verify %s' looks at all of it",
            gate->text, hex, layer->media_type, gate->text);
    mica_mapping_free(map);
    if (status != MICA_OK || !text_out) {
        mica_free(copy);
        return status;
    }
    mica_free(*text_out);
    *text_out = copy;
    return MICA_OK;
}

/* Text layers and where the admitted model keeps them. */
static const struct {
    enum mica_layer_kind kind;
    size_t at;
} texts[] = {{MICA_LAYER_TEMPLATE, offsetof(struct mica_admitted, chat_template)},
             {MICA_LAYER_SYSTEM, offsetof(struct mica_admitted, system)},
             {MICA_LAYER_PARAMS, offsetof(struct mica_admitted, parameters)},
             {MICA_LAYER_MESSAGES, offsetof(struct mica_admitted, messages)}};

static enum mica_status check_layer(struct gate *gate, const struct mica_layer *layer, int *n_files,
                                    struct mica_err *err)
{
    if (layer->kind == MICA_LAYER_MODEL || layer->kind == MICA_LAYER_FILE)
        return check_shards(gate, layer, mica_files_at(gate->out->files, (*n_files)++), err);
    if (layer->kind == MICA_LAYER_ADAPTER)
        return mica_fail(
            err, MICA_EUNSUPPORTED,
            "%s: has a LoRA adapter, which this version keeps but cannot run; create a model without ADAPTER",
            gate->text);
    for (size_t i = 0; i < MICA_COUNT(texts); i++)
        if (texts[i].kind == layer->kind)
            return read_layer(gate, layer, (char **)((char *)gate->out + texts[i].at), err);
    /* A projector is not used yet; signatures are checked on their own. */
    bool is_evidence = layer->kind == MICA_LAYER_LICENSE || layer->kind == MICA_LAYER_CARD;
    return is_evidence ? read_layer(gate, layer, NULL, err) : MICA_OK;
}

static enum mica_status check_layers(struct gate *gate, struct mica_err *err)
{
    int n_files = 0;
    enum mica_status status = mica_store_files(gate->store, gate->manifest, &gate->out->files, err);
    for (int64_t i = 0; i < gate->manifest->n_layers && status == MICA_OK; i++)
        status = check_layer(gate, &gate->manifest->layers[i], &n_files, err);
    /* One that cannot be used is none: what runs, and is registered, is then the model's own. */
    char *text = gate->out->chat_template;
    bool usable = true;
    if (status == MICA_OK && text)
        status = mica_template_usable(text, strlen(text), &usable, err);
    if (!usable) {
        mica_free(text);
        gate->out->chat_template = NULL;
    }
    return status;
}

/* ---- what the register says ---- */

/* Finds the model's row (ENOTFOUND), its closure, and whether the manifest is the registered one. */
static enum mica_status check_register(struct gate *gate, struct mica_err *err)
{
    struct mica_components *found = NULL;
    struct mica_digest digest;
    char hex[MICA_DIGEST_HEX];
    enum mica_status status = mica_register_open(mica_store_home(gate->store), &gate->reg, err);
    if (status == MICA_OK)
        status = mica_register_find(gate->reg, MICA_COMPONENT_MODEL, gate->text, &found, err);
    if (status == MICA_OK)
        status = mica_register_closure(gate->reg, found->rows[0].id, &gate->closure, err);
    mica_components_free(found);
    if (status != MICA_OK)
        return status;
    mica_digest_hex(&gate->manifest->digest, hex);
    if (strcmp(gate->closure->rows[0].digest, hex) != 0)
        return mica_fail(
            err, MICA_EDENIED,
            "%s: its manifest (sha256 %.12s…) is not the registered one (%.12s…): somebody replaced the "
            "model; pull it again, or record the new one after a look with: mica register %s",
            gate->text, hex, gate->closure->rows[0].digest, gate->text);
    if (!mica_components_digest(gate->closure, &digest))
        return mica_fail(err, MICA_ENOMEM, "%s: out of memory", gate->text);
    mica_digest_hex(&digest, gate->admission.register_digest);
    return MICA_OK;
}

static enum mica_status check_drift(const struct gate *gate, struct mica_err *err)
{
    for (int64_t i = 0; i < gate->closure->n && gate->policy.drift_blocks; i++)
        if (*gate->closure->rows[i].drift)
            return mica_fail(err, MICA_EDENIED,
                             "%s: the terms of %s are in question: %s; look with 'mica drift %s', and settle "
                             "it with 'mica drift --accept "
                             "%s' or 'mica register %s --licence FILE'",
                             gate->text, gate->closure->rows[i].name, gate->closure->rows[i].drift,
                             gate->text, gate->text, gate->text);
    return MICA_OK;
}

static enum mica_status check_signature(struct gate *gate, struct mica_err *err)
{
    const char *const none[] = {NULL}, *const *keys = gate->policy.keys ? gate->policy.keys : none;
    struct mica_err why = {0};
    enum mica_status status = MICA_EDENIED;
    if (gate->policy.signatures != MICA_SIGNATURE_REQUIRED)
        return MICA_OK;
    if (!*keys)
        return mica_fail(err, MICA_EDENIED,
                         "%s: the policy wants a signature but names no keys: give it 'keys: [FILE.pub]'",
                         gate->text);
    /* One key at a time, so that the receipt can say which it was. */
    for (; *keys && status == MICA_EDENIED; keys++) {
        const char *const one[] = {*keys, NULL};
        status = mica_signature_check(gate->store, gate->manifest, one, NULL, 0, &why);
        if (status == MICA_OK)
            snprintf(gate->admission.signer, sizeof gate->admission.signer, "%s", *keys);
    }
    return status == MICA_OK
               ? MICA_OK
               : mica_fail(err, status, "%s: the policy wants a signature: %s", gate->text, why.text);
}

/* The reason that made the verdict: the first of its weight. */
static const struct mica_reason *deciding_reason(const struct mica_decision *decision)
{
    for (int64_t i = 0; i < decision->n_reasons; i++)
        if (decision->reasons[i].effect == decision->verdict)
            return &decision->reasons[i];
    return NULL;
}

static enum mica_status check_rights(struct gate *gate, struct mica_err *err)
{
    struct mica_decision *decision;
    const char *use = mica_use_text(gate->policy.facts.use);
    enum mica_status status = mica_closure_rights(gate->closure, &gate->policy.facts, &decision, err);
    if (status != MICA_OK)
        return status;
    snprintf(gate->admission.verdict, sizeof gate->admission.verdict, "%s",
             mica_verdict_text(decision->verdict));
    const struct mica_reason *why = deciding_reason(decision);
    if (decision->verdict >= MICA_VERDICT_NEEDS_FACT && why)
        status = mica_fail(
            err, MICA_EDENIED,
            "%s: not for %s use: the verdict is %s: %s%s%s%s%s: %s; all of it: mica rights %s --use %s",
            gate->text, use, gate->admission.verdict, why->component, *why->licence ? ", " : "", why->licence,
            *why->clause ? " " : "", why->clause, why->text, gate->text, use);
    else if (decision->verdict >= MICA_VERDICT_NEEDS_FACT)
        status = mica_fail(err, MICA_EDENIED,
                           "%s: not for %s use: the verdict is %s; see: mica rights %s --use %s", gate->text,
                           use, gate->admission.verdict, gate->text, use);
    mica_decision_free(decision);
    return status;
}

/* ---- the two ways in ---- */

static enum mica_status admit_known(struct gate *gate, struct mica_err *err)
{
    const struct mica_component *row;
    enum mica_status status = check_layers(gate, err);
    if (status == MICA_OK)
        status = check_drift(gate, err);
    if (status == MICA_OK)
        status = check_signature(gate, err);
    if (status == MICA_OK)
        status = check_rights(gate, err);
    if (status != MICA_OK)
        return status;
    row = &gate->closure->rows[0];
    gate->admission.registered = true;
    snprintf(gate->admission.name, sizeof gate->admission.name, "%.255s", gate->text);
    snprintf(gate->admission.digest, sizeof gate->admission.digest, "%s", row->digest);
    snprintf(gate->admission.template_digest, sizeof gate->admission.template_digest, "%s",
             row->template_digest);
    snprintf(gate->admission.licence, sizeof gate->admission.licence, "%s", row->concluded);
    mica_files_admit(gate->out->files, &gate->admission);
    return MICA_OK;
}

/* Whether a mapping holds the very bytes of a layer. Shards that are missing or were tampered with do not
 * make a stored model a stranger: then its name, the digest of all of it, decides. */
static bool same_bytes(struct gate *gate, const struct mica_layer *layer, const struct mica_mapping *map)
{
    struct mica_digest *shards = NULL, digest;
    uint64_t size;
    struct mica_err ignored;
    if (mica_register_shards(gate->reg, &layer->digest, &size, &shards, &ignored) == MICA_OK) {
        mica_free(shards);
        return check_shards(gate, layer, map, &ignored) == MICA_OK;
    }
    return mica_sha256(mica_mapping_data(map), mica_mapping_size(map), &digest) &&
           mica_digest_equal(&digest, &layer->digest);
}

/* Whether the stored model's files are, by size and digest, exactly those in the set. */
static bool same_files(struct gate *gate, const struct mica_manifest *manifest,
                       const struct mica_files *files)
{
    int n = 0;
    for (int64_t i = 0; i < manifest->n_layers; i++) {
        const struct mica_layer *layer = &manifest->layers[i];
        if (layer->kind != MICA_LAYER_MODEL && layer->kind != MICA_LAYER_FILE)
            continue;
        const struct mica_mapping *map = mica_files_find(files, layer->title);
        if (!map && layer->kind == MICA_LAYER_MODEL && mica_files_count(files) == 1)
            map = mica_files_at(files, 0); /* one GGUF file may be called anything */
        if (!map || mica_mapping_size(map) != layer->size)
            return false;
        n++;
    }
    if (n != mica_files_count(files))
        return false;
    for (int64_t i = 0; i < manifest->n_layers; i++) {
        const struct mica_layer *layer = &manifest->layers[i];
        if (layer->kind != MICA_LAYER_MODEL && layer->kind != MICA_LAYER_FILE)
            continue;
        const struct mica_mapping *map = mica_files_find(files, layer->title);
        if (!same_bytes(gate, layer, map ? map : mica_files_at(files, 0)))
            return false;
    }
    return n > 0;
}

/* Looks for a stored model that is made of these very files; its name is left in the gate. */
static enum mica_status find_by_files(struct gate *gate, const struct mica_files *files, bool *found,
                                      struct mica_err *err)
{
    struct mica_listed *listed = NULL;
    int64_t n = 0;
    enum mica_status status = mica_store_list(gate->store, &listed, &n, err);
    if (status == MICA_OK && n > 0)
        status = mica_register_open(mica_store_home(gate->store), &gate->reg, err);
    *found = false;
    for (int64_t i = 0; i < n && status == MICA_OK && !*found; i++) {
        struct mica_err ignored; /* a damaged neighbour is no reason to refuse this file */
        struct mica_manifest *manifest = NULL;
        if (mica_store_manifest(gate->store, &listed[i].name, &manifest, &ignored) != MICA_OK)
            continue;
        mica_name_print(&listed[i].name, gate->text);
        *found = same_files(gate, manifest, files);
        if (*found) {
            gate->name = listed[i].name;
            gate->manifest = manifest;
        } else {
            mica_manifest_free(manifest);
        }
    }
    mica_free(listed);
    return status;
}

/* Lets unknown files pass because the user says so, and writes that down with their digests. */
static enum mica_status let_unregistered(struct gate *gate, const char *path, struct mica_files *files,
                                         struct mica_err *err)
{
    struct mica_digest digest;
    char hex[MICA_DIGEST_HEX] = "";
    json_t *rows = json_array();
    if (!gate->policy.unregistered) {
        json_decref(rows);
        return mica_fail(err, MICA_EDENIED,
                         "%s: is not registered, and the policy (%s) does not let unregistered files run",
                         path, gate->policy.path ? gate->policy.path : "mica.yaml");
    }
    for (int i = 0; i < mica_files_count(files); i++) {
        const struct mica_mapping *map = mica_files_at(files, i);
        if (!mica_sha256(mica_mapping_data(map), mica_mapping_size(map), &digest)) {
            json_decref(rows);
            return mica_fail(err, MICA_ENOMEM, "%s: out of memory", path);
        }
        mica_mapping_release(map, 0, mica_mapping_size(map));
        mica_digest_hex(&digest, hex);
        json_array_append_new(rows, json_pack("{s:s, s:s, s:I}", "name", mica_files_name(files, i), "sha256",
                                              hex, "size", (json_int_t)mica_mapping_size(map)));
    }
    mica_files_allow_unregistered(files, path);
    gate->admission = *mica_files_admission(files);
    if (mica_files_count(files) == 1)
        snprintf(gate->admission.digest, sizeof gate->admission.digest, "%s", hex);
    mica_files_admit(files, &gate->admission);
    return mica_store_log(
        gate->store, json_pack("{s:s, s:s, s:o}", "event", "unregistered", "path", path, "files", rows), err);
}

static enum mica_status admit_path(struct gate *gate, const char *path, struct mica_err *err)
{
    struct mica_files *files = NULL;
    bool found = false;
    enum mica_status status = mica_files_open(path, &files, err);
    if (status == MICA_OK)
        status = find_by_files(gate, files, &found, err);
    if (status == MICA_OK && found) {
        struct mica_err why = {0};
        status = check_register(gate, &why);
        if (status == MICA_OK)
            status = admit_known(gate, &why);
        if (status != MICA_OK) /* the refusal speaks of a name that was not given */
            mica_fail(err, status, "%s: has the bytes of %s", path, why.text);
    } else if (status == MICA_OK && gate->options->unregistered) {
        status = let_unregistered(gate, path, files, err);
        gate->out->files = files;
        files = NULL;
    } else if (status == MICA_OK) {
        status = mica_fail(err, MICA_EDENIED,
                           "%s: is not in the register: nobody has looked at its terms; record it with "
                           "'mica register %s --as NAME', or run it once with --unregistered",
                           path, path);
    }
    mica_files_free(files);
    return status;
}

/* --unregistered is for what the register does not know; it opens no way around what it knows. */
static enum mica_status admit_stored(struct gate *gate, struct mica_err *err)
{
    struct mica_err refusal = {0};
    enum mica_status status = check_register(gate, &refusal);
    if (status == MICA_OK)
        return admit_known(gate, err);
    if (status != MICA_ENOTFOUND)
        return mica_fail(err, status, "%s", refusal.text);
    if (!gate->options->unregistered)
        return mica_fail(
            err, MICA_EDENIED,
            "%s: is in the store, but the register does not know it; look at its terms and record it with "
            "'mica register %s', or run it once with --unregistered",
            gate->text, gate->text);
    status = mica_store_files(gate->store, gate->manifest, &gate->out->files, err);
    return status == MICA_OK ? let_unregistered(gate, gate->text, gate->out->files, err) : status;
}

/* A stored name, or a path. */
static enum mica_status admit(struct gate *gate, const char *model, struct mica_err *err)
{
    struct mica_err no_name;
    enum mica_status status = mica_name_parse(model, &gate->name, &no_name);
    if (status == MICA_OK) {
        mica_name_print(&gate->name, gate->text);
        status = mica_store_manifest(gate->store, &gate->name, &gate->manifest, &no_name);
    }
    if (status == MICA_OK)
        return admit_stored(gate, err);
    /* A stored model that cannot be read is not replaced by a file that happens to have its name. */
    bool is_no_name = status == MICA_ENOTFOUND || status == MICA_EARG;
    if (is_no_name && access(model, F_OK) == 0)
        return admit_path(gate, model, err);
    if (is_no_name)
        return mica_fail(
            err, MICA_ENOTFOUND,
            "%s: is neither a stored model ('mica list' shows them, 'mica pull' brings one) nor a file",
            model);
    return mica_fail(err, status, "%s", no_name.text);
}

enum mica_status mica_model_admit(const char *model, const struct mica_admit_options *options,
                                  struct mica_admitted **out, struct mica_err *err)
{
    static const struct mica_admit_options defaults;
    struct gate gate = {.options = options ? options : &defaults};
    enum mica_status status = gate_open(&gate, err);
    if (status == MICA_OK)
        status = admit(&gate, model, err);
    if (status == MICA_OK) {
        *out = gate.out;
        gate.out = NULL;
    }
    gate_close(&gate);
    return status;
}

void mica_admitted_free(struct mica_admitted *admitted)
{
    if (!admitted)
        return;
    mica_files_free(admitted->files);
    for (size_t i = 0; i < MICA_COUNT(texts); i++)
        mica_free(*(char **)((char *)admitted + texts[i].at));
    mica_free(admitted);
}
