/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/dataset.h"
#include "base/yaml.h"

#include <jansson.h>

#include <stdlib.h>
#include <string.h>

struct sampling {
    const char *from;
    double ratio;
};
struct file {
    const char *name, *sha256;
    int64_t size;
};
struct card {
    const char *version, *title, *source, *revision, *location, *licence, *owner, *collected, *classification;
    const char *consent, *opt_out, *notes;
    const char *const *languages, *const *filters, *const *cleaning, *const *modalities, *const *derived_from;
    int64_t examples, bytes, tokens;
    int sensitive, personal, synthetic;
    struct mica_yaml_items sampling, files;
};

static const struct mica_yaml_key sampling_keys[] = {
    {"from", MICA_YAML_TEXT, offsetof(struct sampling, from), "a source or a part of the set",
     .required = true},
    {"ratio", MICA_YAML_NUMBER, offsetof(struct sampling, ratio), "its share, 0 to 1", .required = true},
};
static const struct mica_yaml_schema sampling_schema = {"sampling", sampling_keys, MICA_COUNT(sampling_keys),
                                                        sizeof(struct sampling)};
static const struct mica_yaml_key file_keys[] = {
    {"name", MICA_YAML_TEXT, offsetof(struct file, name), "file name", .required = true},
    {"sha256", MICA_YAML_TEXT, offsetof(struct file, sha256), "64 hex digits", .required = true},
    {"size", MICA_YAML_INT, offsetof(struct file, size), "bytes"},
};
static const struct mica_yaml_schema file_schema = {"file", file_keys, MICA_COUNT(file_keys),
                                                    sizeof(struct file)};
static const struct mica_yaml_key keys[] = {
    {"version", MICA_YAML_TEXT, offsetof(struct card, version), "version of the set"},
    {"title", MICA_YAML_TEXT, offsetof(struct card, title), "what it is called"},
    {"source", MICA_YAML_TEXT, offsetof(struct card, source), "where it came from", .required = true},
    {"revision", MICA_YAML_TEXT, offsetof(struct card, revision), "which state of the source"},
    {"location", MICA_YAML_TEXT, offsetof(struct card, location), "a page or URL for people"},
    {"licence", MICA_YAML_TEXT, offsetof(struct card, licence),
     "SPDX id or expression as the source states it", .required = true},
    {"owner", MICA_YAML_TEXT, offsetof(struct card, owner), "who answers for it here", .required = true},
    {"collected", MICA_YAML_TEXT, offsetof(struct card, collected), "when it was collected"},
    {"languages", MICA_YAML_LIST, offsetof(struct card, languages), "languages"},
    {"modalities", MICA_YAML_LIST, offsetof(struct card, modalities), "text, image, audio, …"},
    {"derived_from", MICA_YAML_LIST, offsetof(struct card, derived_from),
     "registered datasets it was made from"},
    {"filters", MICA_YAML_LIST, offsetof(struct card, filters), "what was left out, and how"},
    {"sampling", MICA_YAML_ITEMS, offsetof(struct card, sampling), "in which proportions parts were taken",
     .schema = &sampling_schema},
    {"cleaning", MICA_YAML_LIST, offsetof(struct card, cleaning),
     "what was changed: deduplication, masking, …"},
    {"examples", MICA_YAML_INT, offsetof(struct card, examples), "number of examples"},
    {"bytes", MICA_YAML_INT, offsetof(struct card, bytes), "size"},
    {"tokens", MICA_YAML_INT, offsetof(struct card, tokens), "size in tokens"},
    {"sensitive_data", MICA_YAML_SWITCH, offsetof(struct card, sensitive), "holds sensitive data"},
    {"personal_data", MICA_YAML_SWITCH, offsetof(struct card, personal), "holds personal data"},
    {"synthetic", MICA_YAML_SWITCH, offsetof(struct card, synthetic), "was made by a model"},
    {"classification", MICA_YAML_TEXT, offsetof(struct card, classification),
     "who may see it: public, internal, …"},
    {"consent", MICA_YAML_TEXT, offsetof(struct card, consent), "on which grounds it was collected"},
    {"opt_out", MICA_YAML_TEXT, offsetof(struct card, opt_out), "how reservations were respected"},
    {"files", MICA_YAML_ITEMS, offsetof(struct card, files), "its files by digest", .schema = &file_schema},
    {"notes", MICA_YAML_TEXT, offsetof(struct card, notes), "anything else"},
};
static const struct mica_yaml_schema schema = {"dataset card", keys, MICA_COUNT(keys), sizeof(struct card)};

struct json_t *mica_dataset_schema(void)
{
    return mica_yaml_json_schema(&schema);
}

/* What the schema cannot say. */
static enum mica_status check(const struct card *card, const char *name, struct mica_err *err)
{
    const struct sampling *sampling = card->sampling.rows;
    const struct file *files = card->files.rows;
    struct mica_digest digest;
    double total = 0;
    for (int64_t i = 0; i < card->sampling.n; i++) {
        if (sampling[i].ratio < 0 || sampling[i].ratio > 1)
            return mica_fail(err, MICA_EFORMAT, "%s: sampling from %s: a ratio lies between 0 and 1", name,
                             sampling[i].from);
        total += sampling[i].ratio;
    }
    if (total > 1 + 1e-6)
        return mica_fail(err, MICA_EFORMAT, "%s: the sampling ratios add up to %.4g, more than 1", name,
                         total);
    for (int64_t i = 0; i < card->files.n; i++)
        if (!mica_digest_parse(files[i].sha256, &digest) || files[i].size < 0)
            return mica_fail(err, MICA_EFORMAT,
                             "%s: file %s: sha256 is 64 lower-case hex digits, size not negative", name,
                             files[i].name);
    return card->examples < 0 || card->bytes < 0 || card->tokens < 0
               ? mica_fail(err, MICA_EFORMAT, "%s: examples, bytes and tokens are not negative", name)
               : MICA_OK;
}

/* The digest of the set is that of its list of files; without one, of its card. */
static bool content_digest(const struct card *card, const char *card_digest, char out[MICA_DIGEST_HEX])
{
    const struct file *files = card->files.rows;
    struct mica_buf list = {0};
    struct mica_digest digest;
    if (card->files.n == 0) {
        memcpy(out, card_digest, MICA_DIGEST_HEX);
        return true;
    }
    for (int64_t i = 0; i < card->files.n; i++)
        mica_buf_printf(&list, "%s  %s\n", files[i].sha256, files[i].name);
    bool ok = !list.failed && mica_sha256(list.data, list.len, &digest);
    mica_buf_release(&list);
    if (ok)
        mica_digest_hex(&digest, out);
    return ok;
}

/* Links to the datasets it was made from, which must be known: a name that means nothing states nothing. */
static enum mica_status link_sources(struct mica_register *reg, const struct card *card, int64_t id,
                                     const char *card_name, struct mica_err *err)
{
    enum mica_status status = mica_register_unlink(reg, id, err);
    for (int i = 0; card->derived_from && card->derived_from[i] && status == MICA_OK; i++) {
        int64_t from;
        status = mica_register_resolve(reg, MICA_COMPONENT_DATASET, card->derived_from[i], &from, err);
        if (status == MICA_ENOTFOUND)
            return mica_fail(
                err, MICA_ENOTFOUND,
                "%s: derived_from: %s: no such dataset is registered; add it first with 'mica dataset "
                "add'",
                card_name, card->derived_from[i]);
        if (status == MICA_OK && from != id)
            status = mica_register_link(reg, id, MICA_RELATION_BASE, from, err);
    }
    return status;
}

static enum mica_status put(struct mica_register *reg, const struct card *card, struct mica_component *row,
                            const char *card_name, int64_t *id, struct mica_err *err)
{
    int64_t named;
    enum mica_status status = mica_register_begin(reg, err);
    if (status != MICA_OK)
        return status;
    status = mica_register_put(reg, row, "dataset", id, err);
    if (status == MICA_OK)
        status = link_sources(reg, card, *id, card_name, err);
    /* Models that named the source before anyone described it mean this set from now on. */
    if (status == MICA_OK &&
        mica_register_resolve(reg, MICA_COMPONENT_DATASET, row->source, &named, NULL) == MICA_OK &&
        named == *id) {
        struct mica_components *old = NULL;
        if (mica_register_find(reg, MICA_COMPONENT_DATASET, row->source, &old, NULL) == MICA_OK &&
            !*old->rows[0].digest && old->rows[0].id != *id) {
            status = mica_register_retarget(reg, old->rows[0].id, *id, err);
            if (status == MICA_OK)
                status = mica_register_remove(reg, old->rows[0].id, "dataset", err);
        }
        mica_components_free(old);
    }
    if (status == MICA_OK)
        return mica_register_end(reg, true, err);
    mica_register_end(reg, false, NULL);
    return status;
}

enum mica_status mica_dataset_add(struct mica_register *reg, const char *name, const char *text, size_t len,
                                  const char *card_name, const char *card_digest, const char *concluded,
                                  const char *licence_digest, int64_t *id_out, struct mica_err *err)
{
    static const char *const counts[] = {"examples", "bytes", "tokens"};
    struct card card = {.sensitive = -1, .personal = -1, .synthetic = -1};
    struct mica_arena arena = {0};
    char digest[MICA_DIGEST_HEX];
    char *facts = NULL;
    int64_t id;
    enum mica_status status = mica_yaml_read(&schema, text, len, card_name, &arena, &card, err);
    if (status == MICA_OK)
        status = check(&card, card_name, err);
    if (status == MICA_OK) {
        json_t *json = mica_yaml_json(&schema, &card);
        for (size_t i = 0; i < MICA_COUNT(counts); i++) /* 0 is not stated */
            if (json_integer_value(json_object_get(json, counts[i])) == 0)
                json_object_del(json, counts[i]);
        facts = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
        json_decref(json);
        if (!facts || !content_digest(&card, card_digest, digest))
            status = mica_fail(err, MICA_ENOMEM, "%s: out of memory", card_name);
    }
    if (status == MICA_OK) {
        struct mica_component row = {.kind = MICA_COMPONENT_DATASET,
                                     .name = name,
                                     .version = card.version,
                                     .digest = digest,
                                     .source = card.source,
                                     .revision = card.revision,
                                     .location = card.location,
                                     .size = card.bytes,
                                     .declared_card = card.licence,
                                     .licence_digest = licence_digest,
                                     .concluded = concluded,
                                     .card_digest = card_digest,
                                     .owner = card.owner,
                                     .notes = card.notes,
                                     .card = facts};
        status = put(reg, &card, &row, card_name, &id, err);
    }
    if (status == MICA_OK && id_out)
        *id_out = id;
    free(facts);
    mica_arena_release(&arena);
    return status;
}
