/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Drift: the stored bytes beside the register, and what is kept of it. The source: drift_source.c. */
#include "govern/drift_internal.h"
#include "govern/evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <utf8proc.h>

const char *mica_drift_kind_text(enum mica_drift_kind kind)
{
    static const char *const texts[] = {"same", "changed", "not seen"};
    return texts[kind];
}

/* ---- rows ---- */

const char *mica_drift_clean(struct mica_drift_look *look, const char *text, size_t limit, bool keep_lines)
{
    struct mica_buf out = {0};
    size_t len = strlen(text), step;
    mica_buf_puts(&out, "");
    for (size_t at = 0; at < len && out.len < limit; at += step) {
        utf8proc_int32_t code;
        utf8proc_ssize_t n =
            utf8proc_iterate((const utf8proc_uint8_t *)text + at, (utf8proc_ssize_t)(len - at), &code);
        step = n > 0 ? (size_t)n : 1;
        bool is_fine = n > 0 &&
                       ((code >= 0x20 && code < 0x7f) || code >= 0xa0 || (keep_lines && code == '\n')) &&
                       (code < 0x200e || code > 0x200f) && (code < 0x2028 || code > 0x202e) &&
                       (code < 0x2066 || code > 0x2069);
        mica_buf_append(&out, is_fine ? text + at : " ", is_fine ? step : 1);
    }
    char *copy = out.failed ? NULL : mica_arena_strndup(&look->drift->arena, out.data, out.len);
    mica_buf_release(&out);
    look->failed = look->failed || !copy;
    return copy ? copy : "";
}

void mica_drift_say(struct mica_drift_look *look, enum mica_drift_kind kind, const char *what,
                    const char *before, const char *after, const char *diff)
{
    enum { FIELD_MAX = 1000, DIFF_MAX = 64 << 10 };
    struct mica_drift *drift = look->drift;
    if (!mica_grow(&drift->rows, drift->n, &drift->capacity, sizeof *drift->rows)) {
        look->failed = true;
        return;
    }
    drift->rows[drift->n++] = (struct mica_drift_row){kind, mica_drift_clean(look, what, FIELD_MAX, false),
                                                      mica_drift_clean(look, before, FIELD_MAX, false),
                                                      mica_drift_clean(look, after, FIELD_MAX, false),
                                                      mica_drift_clean(look, diff, DIFF_MAX, true)};
    drift->changed = drift->changed || kind == MICA_DRIFT_CHANGED;
}

bool mica_drift_same_licence(const char *a, const char *b)
{
    char x[128], y[128];
    if (strcasecmp(a, b) == 0)
        return true;
    return mica_licence_canonical(a, x) && mica_licence_canonical(b, y) && strcmp(x, y) == 0;
}

const char *mica_drift_accepted(const struct mica_drift_look *look, const char *key)
{
    const json_t *accepted = json_object_get(look->card, "accepted");
    return json_string_value(json_object_get(accepted, key));
}

const char *mica_drift_accepted_in(const struct mica_drift_look *look, const char *group, const char *key)
{
    const json_t *accepted = json_object_get(look->card, "accepted");
    return json_string_value(json_object_get(json_object_get(accepted, group), key));
}

void mica_drift_see(struct mica_drift_look *look, const char *group, const char *key, const char *value)
{
    json_t *seen = look->drift->seen, *values = json_object_get(seen, group);
    const char *fine = mica_drift_clean(look, value, 4000, false);
    if (!values) {
        values = json_object();
        if (json_object_set_new(seen, group, values) != 0)
            values = NULL;
    }
    if (!values ||
        json_object_set_new(values, mica_drift_clean(look, key, 300, false), json_string(fine)) != 0)
        look->failed = true;
}

void mica_drift_statement(struct mica_drift_look *look, const char *what, const char *key, const char *before,
                          const char *now)
{
    const char *accepted = mica_drift_accepted_in(look, "stated", key);
    now = mica_drift_clean(look, now, 1000, false);
    before = mica_drift_clean(look, before, 1000, false);
    before = accepted ? accepted : before;
    if (strcmp(before, now) == 0) {
        if (*before)
            mica_drift_say(look, MICA_DRIFT_SAME, what, before, "", "");
        return;
    }
    mica_drift_say(look, MICA_DRIFT_CHANGED, what, *before ? before : "nothing", *now ? now : "nothing", "");
    mica_drift_see(look, "stated", key, now);
}

/* ---- the stored bytes ---- */

static void compare_field(struct mica_drift_look *look, const char *what, const char *before,
                          const char *after)
{
    if (strcmp(before, after) != 0)
        mica_drift_say(look, MICA_DRIFT_CHANGED, what, *before ? before : "nothing",
                       *after ? after : "nothing", "");
}

/* The texts that terms are read from, hashed again: the store only promises their sizes. */
static void check_texts(struct mica_drift_look *look)
{
    for (int64_t i = 0; i < look->manifest->n_layers; i++) {
        const struct mica_layer *layer = &look->manifest->layers[i];
        struct mica_mapping *map;
        struct mica_digest digest;
        char before[MICA_DIGEST_HEX], after[MICA_DIGEST_HEX], what[400];
        struct mica_err err;
        if (layer->kind != MICA_LAYER_LICENSE && layer->kind != MICA_LAYER_CARD)
            continue;
        snprintf(what, sizeof what, "stored text %.300s", *layer->title ? layer->title : "of the licence");
        if (mica_store_blob_open(look->store, &layer->digest, &map, &err) != MICA_OK) {
            mica_drift_say(look, MICA_DRIFT_CHANGED, what, "there", err.text, "");
            continue;
        }
        if (!mica_sha256(mica_mapping_data(map), mica_mapping_size(map), &digest))
            look->failed = true;
        else if (!mica_digest_equal(&digest, &layer->digest)) {
            mica_digest_hex(&layer->digest, before);
            mica_digest_hex(&digest, after);
            mica_drift_say(look, MICA_DRIFT_CHANGED, what, before, after, "");
        }
        mica_mapping_free(map);
    }
}

static enum mica_status compare_evidence(struct mica_drift_look *look, struct mica_err *err)
{
    static const struct mica_origin nothing;
    const struct mica_component *c = look->component;
    struct mica_files *files = NULL;
    struct mica_gguf *gguf = NULL;
    struct mica_evidence e = {0};
    struct mica_err problem;
    if (mica_store_files(look->store, look->manifest, &files, &problem) != MICA_OK) {
        mica_drift_say(look, MICA_DRIFT_CHANGED, "stored files", "whole", problem.text, "");
        return MICA_OK;
    }
    if (mica_manifest_find(look->manifest, MICA_LAYER_MODEL) && mica_gguf_open(files, &gguf, NULL) != MICA_OK)
        gguf = NULL;
    enum mica_status status =
        mica_evidence_read(look->store, look->manifest, gguf, &nothing, c->card, &e, err);
    if (status == MICA_OK) {
        bool accepted = mica_drift_accepted(look, "declared") || mica_drift_accepted(look, "concluded");
        compare_field(look, "licence stated in the file", c->declared_key, e.declared_key);
        if (!mica_drift_accepted(look, "policy_digest"))
            compare_field(look, "use policy", c->policy_digest, e.policy_digest);
        compare_field(look, "card", c->card_digest, e.card_digest);
        if (!accepted) {
            compare_field(look, "licence stated in the card", c->declared_card, e.declared_card);
            compare_field(look, "licence text", c->licence_digest, e.licence_digest);
            compare_field(look, "licence of the text", c->concluded, e.concluded);
        }
        if (*e.drift && !mica_drift_accepted(look, "dispute"))
            mica_drift_say(look, MICA_DRIFT_CHANGED, "statements contradict each other", "", e.drift, "");
        look->dispute = mica_arena_strndup(&look->drift->arena, e.drift, strlen(e.drift));
    }
    mica_evidence_release(&e);
    mica_gguf_free(gguf);
    mica_files_free(files);
    return status;
}

static enum mica_status look_at_store(struct mica_drift_look *look, struct mica_err *err)
{
    const struct mica_component *c = look->component;
    struct mica_name name;
    char hex[MICA_DIGEST_HEX];
    if (c->kind != MICA_COMPONENT_MODEL || !*c->digest || mica_name_parse(c->name, &name, NULL) != MICA_OK)
        return MICA_OK;
    if (mica_store_manifest(look->store, &name, &look->manifest, NULL) != MICA_OK) {
        look->manifest = NULL;
        mica_drift_say(look, MICA_DRIFT_NOT_SEEN, "it is registered and not in the store", "", "", "");
        return MICA_OK;
    }
    mica_digest_hex(&look->manifest->digest, hex);
    if (strcmp(hex, c->digest) != 0) {
        mica_drift_say(look, MICA_DRIFT_CHANGED, "the name now stands for another model", c->digest, hex, "");
        return MICA_OK;
    }
    int64_t before = look->drift->n;
    check_texts(look);
    enum mica_status status = look->drift->n == before ? compare_evidence(look, err) : MICA_OK;
    if (status == MICA_OK && look->drift->n == before)
        mica_drift_say(look, MICA_DRIFT_SAME, "the stored bytes say what is registered", "", "", "");
    return status;
}

/* ---- the whole ---- */

static void summarise(struct mica_drift_look *look)
{
    struct mica_buf text = {0};
    mica_buf_puts(&text, "");
    for (int64_t i = 0; i < look->drift->n; i++) {
        const struct mica_drift_row *row = &look->drift->rows[i];
        if (row->kind == MICA_DRIFT_CHANGED)
            mica_buf_printf(&text, "%s%.120s%s%.80s%s%.80s", text.len ? "; " : "", row->what,
                            *row->before ? ": " : "", row->before, *row->after ? " -> " : "", row->after);
    }
    look->drift->summary = text.failed ? "" : mica_drift_clean(look, text.data, 1500, false);
    look->failed = look->failed || text.failed;
    mica_buf_release(&text);
}

static bool saw_everything(const struct mica_drift *drift)
{
    for (int64_t i = 0; i < drift->n; i++)
        if (drift->rows[i].kind == MICA_DRIFT_NOT_SEEN)
            return false;
    return true;
}

enum mica_status mica_drift_look(struct mica_store *store, const struct mica_component *component,
                                 const struct mica_drift_options *options, struct mica_drift **out,
                                 struct mica_err *err)
{
    struct mica_drift_look look = {.store = store,
                                   .component = component,
                                   .options = options,
                                   .drift = mica_alloc(1, sizeof *look.drift),
                                   .card = json_loads(component->card, 0, NULL)};
    if (!look.drift) {
        json_decref(look.card);
        return mica_fail(err, MICA_ENOMEM, "%s: out of memory", component->name);
    }
    enum mica_status status = look_at_store(&look, err);
    if (status == MICA_OK && !options->offline)
        status = mica_drift_look_at_source(&look, err);
    if (status == MICA_OK)
        summarise(&look);
    look.drift->reverted =
        look.drift->seen && *component->drift && !look.drift->changed && saw_everything(look.drift);
    mica_manifest_free(look.manifest);
    json_decref(look.card);
    if (status == MICA_OK && look.failed)
        status = mica_fail(err, MICA_ENOMEM, "%s: out of memory", component->name);
    if (status != MICA_OK) {
        mica_drift_free(look.drift);
        return status;
    }
    *out = look.drift;
    return MICA_OK;
}

void mica_drift_free(struct mica_drift *drift)
{
    if (!drift)
        return;
    json_decref(drift->seen);
    mica_arena_release(&drift->arena);
    mica_free(drift->rows);
    mica_free(drift);
}

/* ---- keeping it ---- */

/* The card field with value under key (taken; NULL: without the key), as text to be freed with free. */
static char *card_with(const char *card, const char *key, json_t *value)
{
    json_t *object = json_loads(card, 0, NULL);
    char *text = NULL;
    if (!object)
        object = json_object();
    if (!value)
        json_object_del(object, key);
    if (object && (!value || json_object_set_new(object, key, value) == 0))
        text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(object);
    return text;
}

/* The source states again what was registered. */
static enum mica_status record_reverted(struct mica_register *reg, const struct mica_component *component,
                                        struct mica_err *err)
{
    struct mica_component row = *component;
    char *card = card_with(component->card, "seen", NULL);
    row.drift = "";
    row.card = card;
    enum mica_status status = card ? mica_register_put(reg, &row, "drift", NULL, err)
                                   : mica_fail(err, MICA_ENOMEM, "%s: out of memory", component->name);
    free(card);
    return status;
}

enum mica_status mica_drift_record(struct mica_register *reg, const struct mica_component *component,
                                   const struct mica_drift *drift, struct mica_err *err)
{
    enum { DIFF_MAX = 2000 };
    struct mica_component row = *component;
    if (drift->reverted)
        return record_reverted(reg, component, err);
    if (!drift->changed)
        return MICA_OK;
    char *card = card_with(component->card, "seen", json_incref(drift->seen));
    if (!card)
        return mica_fail(err, MICA_ENOMEM, "%s: out of memory", component->name);
    row.drift = drift->summary;
    row.card = card;
    enum mica_status status = MICA_OK;
    if (strcmp(component->drift, drift->summary) != 0 || strcmp(component->card, card) != 0)
        status = mica_register_put(reg, &row, "drift", NULL, err);
    for (int64_t i = 0; status == MICA_OK && i < drift->n; i++) {
        struct mica_buf text = {0};
        if (!*drift->rows[i].diff || strcmp(component->drift, drift->summary) == 0)
            continue;
        mica_buf_printf(&text, "%s: %.*s", drift->rows[i].what, DIFF_MAX, drift->rows[i].diff);
        status = text.failed ? mica_fail(err, MICA_ENOMEM, "%s: out of memory", component->name)
                             : mica_register_note(reg, component->name, "drift", text.data, err);
        mica_buf_release(&text);
    }
    free(card);
    return status;
}

/* accepted[group], with what was seen since over it. */
static bool merge_group(json_t *accepted, const json_t *old, const json_t *now, const char *group)
{
    json_t *before = json_object_get(old, group), *more = json_object_get(now, group);
    json_t *merged = before ? json_deep_copy(before) : json_object();
    bool ok = merged && (!more || json_object_update(merged, more) == 0);
    if (ok && json_object_size(merged))
        ok = json_object_set(accepted, group, merged) == 0;
    json_decref(merged);
    return ok;
}

/* What was accepted before, with what was seen since. */
static json_t *accepted_now(const char *seen, const char *dispute)
{
    json_t *card = json_loads(seen, 0, NULL), *accepted = json_object(),
           *old = json_object_get(card, "accepted"), *now = json_object_get(card, "seen");
    bool ok = accepted && (!old || json_object_update(accepted, old) == 0) &&
              (!now || json_object_update(accepted, now) == 0) && merge_group(accepted, old, now, "texts") &&
              merge_group(accepted, old, now, "stated");
    if (ok && *dispute)
        ok = json_object_set_new(accepted, "dispute", json_string(dispute)) == 0;
    json_decref(card);
    if (!ok) {
        json_decref(accepted);
        return NULL;
    }
    return accepted;
}

enum mica_status mica_drift_accept(struct mica_register *reg, const struct mica_component *component,
                                   const char *seen, struct mica_err *err)
{
    struct mica_component row = *component;
    /* What drift holds now is what record found by itself among the stored statements. */
    json_t *accepted = accepted_now(seen, component->drift);
    const char *declared = json_string_value(json_object_get(accepted, "declared")),
               *concluded = json_string_value(json_object_get(accepted, "concluded")),
               *digest = json_string_value(json_object_get(accepted, "licence_digest")),
               *policy = json_string_value(json_object_get(accepted, "policy_digest"));
    struct mica_licence_set stated, known;
    if (declared)
        row.declared_card = declared;
    if (policy)
        row.policy_digest = policy;
    if (concluded) {
        row.concluded = concluded;
        row.licence_digest = digest ? digest : "";
    }
    if (declared && *row.concluded) {
        mica_licence_set_parse(declared, &stated);
        mica_licence_set_parse(row.concluded, &known);
        if (stated.n && known.n && !mica_licence_sets_meet(&stated, &known))
            row.concluded = "LicenseRef-disputed";
    }
    char *without = card_with(component->card, "seen", NULL),
         *card = without && accepted ? card_with(without, "accepted", json_incref(accepted)) : NULL;
    row.drift = "";
    row.card = card;
    enum mica_status status = card ? mica_register_put(reg, &row, "accept", NULL, err)
                                   : mica_fail(err, MICA_ENOMEM, "%s: out of memory", component->name);
    free(card);
    free(without);
    json_decref(accepted);
    return status;
}

void mica_drift_kept(const char *card, void (*text)(void *user, const struct mica_digest *digest), void *user)
{
    static const char *const states[] = {"seen", "accepted"};
    json_t *object = json_loads(card, 0, NULL), *value;
    const char *name;
    struct mica_digest digest;
    for (size_t i = 0; i < MICA_COUNT(states); i++)
        json_object_foreach(json_object_get(json_object_get(object, states[i]), "texts"), name, value)
        {
            if (json_is_string(value) && mica_digest_parse(json_string_value(value), &digest))
                text(user, &digest);
        }
    json_decref(object);
}
