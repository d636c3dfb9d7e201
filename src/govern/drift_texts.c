/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Drift of texts: licences, notices, policies, cards, and what a registry keeps beside a model, as the source
 * has them now, each beside the registered one. Two texts are one when they have the same words. */
#include "format/template_source.h"
#include "govern/drift_internal.h"
#include "govern/evidence.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { TEXTS_MAX = 64, NAME_MAX_LEN = 200 };

/* A text on either side. */
struct text {
    char name[NAME_MAX_LEN + 16]; /* its own among those of its side */
    enum mica_layer_kind kind;
    struct mica_digest digest;
    struct mica_buf text;
    int pair; /* index on the other side, or -1 */
};
struct side {
    struct text rows[TEXTS_MAX];
    int n;
};
struct sides {
    struct mica_drift_look *look;
    struct side before, now;
    bool is_whole;        /* all texts of the source were seen */
    bool licence_changed; /* and is to be identified */
};

/* ---- one text ---- */

static bool same_words(const char *a, const char *b)
{
    static const char blank[] = " \t\r\n\f\v";
    for (;;) {
        a += strspn(a, blank);
        b += strspn(b, blank);
        size_t n = strcspn(a, blank), m = strcspn(b, blank);
        if (n != m || memcmp(a, b, n) != 0)
            return false;
        if (!n)
            return true;
        a += n;
        b += m;
    }
}

static bool load_blob(struct mica_drift_look *look, const char *hex, struct mica_buf *out)
{
    struct mica_layer layer = {.kind = MICA_LAYER_LICENSE};
    struct mica_mapping *map;
    if (!mica_digest_parse(hex, &layer.digest) ||
        mica_store_blob_open(look->store, &layer.digest, &map, NULL) != MICA_OK)
        return false;
    layer.size = mica_mapping_size(map);
    mica_mapping_free(map);
    return mica_store_layer_text(look->store, &layer, out, NULL) == MICA_OK;
}

/* The text that was accepted; one that the store lost is known by its digest only, and then is still the same
 * when its bytes are. */
static const struct mica_buf *load_accepted(struct mica_drift_look *look, const char *hex,
                                            const struct mica_buf *now, struct mica_buf *out)
{
    struct mica_digest digest;
    char now_hex[MICA_DIGEST_HEX];
    if (!*hex)
        return NULL;
    if (load_blob(look, hex, out))
        return out;
    if (!mica_sha256(now->data, now->len, &digest))
        return NULL;
    mica_digest_hex(&digest, now_hex);
    return strcmp(hex, now_hex) == 0 ? now : NULL;
}

static void keep(struct mica_drift_look *look, const char *name, const struct mica_buf *now)
{
    struct mica_digest digest;
    char hex[MICA_DIGEST_HEX];
    if (mica_store_blob_put(look->store, now->data, now->len, &digest, NULL) != MICA_OK) {
        look->failed = true;
        return;
    }
    mica_digest_hex(&digest, hex);
    mica_drift_see(look, "texts", name, hex);
}

void mica_drift_text(struct mica_drift_look *look, const char *name, const struct mica_buf *before,
                     const struct mica_buf *now, bool *changed)
{
    const char *hex = mica_drift_accepted_in(look, "texts", name);
    struct mica_buf accepted = {0};
    char what[400];
    snprintf(what, sizeof what, "text %.300s at the source", name);
    if (hex)
        before = load_accepted(look, hex, now, &accepted);
    if (before && same_words(before->data, now->data)) {
        mica_drift_say(look, MICA_DRIFT_SAME, what, "", "", "");
        mica_buf_release(&accepted);
        return;
    }
    char *diff = before ? mica_word_diff(before->data, now->data) : NULL;
    if (before && !diff)
        look->failed = true;
    else if (diff)
        mica_drift_say(look, MICA_DRIFT_CHANGED, what, "", "", diff);
    else
        mica_drift_say(look, MICA_DRIFT_CHANGED, what, "none", "new", "");
    mica_free(diff);
    keep(look, name, now);
    mica_buf_release(&accepted);
    *changed = true;
}

/* ---- the two sides ---- */

static const char *base_name(const char *title)
{
    const char *slash = strrchr(title, '/');
    return slash ? slash + 1 : title;
}

/* Texts are known by the names of their files; what has none, or is there once at most, by its kind. */
static void name_text(const struct side *side, struct text *text, const char *title)
{
    static const struct {
        enum mica_layer_kind kind;
        const char *name;
    } kinds[] = {{MICA_LAYER_TEMPLATE, "template"},
                 {MICA_LAYER_SYSTEM, "system message"},
                 {MICA_LAYER_PARAMS, "parameters"},
                 {MICA_LAYER_MESSAGES, "messages"},
                 {MICA_LAYER_CARD, "card"}};
    const char *name = *title ? base_name(title) : "of the licence";
    int n = 1;
    for (size_t i = 0; i < MICA_COUNT(kinds); i++)
        if (kinds[i].kind == text->kind)
            name = kinds[i].name;
    snprintf(text->name, sizeof text->name, "%.*s", NAME_MAX_LEN, name);
    for (int i = 0; i < side->n; i++)
        if (strcasecmp(side->rows[i].name, text->name) == 0) {
            snprintf(text->name, sizeof text->name, "%.*s (%d)", NAME_MAX_LEN, name, ++n);
            i = -1;
        }
}

/* Takes the text over; false: there is no room for more. */
static bool add(struct side *side, enum mica_layer_kind kind, const char *title, struct mica_buf *text)
{
    if (side->n == TEXTS_MAX || !mica_sha256(text->data, text->len, &side->rows[side->n].digest))
        return false;
    struct text *row = &side->rows[side->n];
    row->kind = kind;
    row->pair = -1;
    name_text(side, row, title);
    row->text = *text;
    *text = (struct mica_buf){0};
    side->n++;
    return true;
}

static bool is_text(enum mica_layer_kind kind)
{
    return kind == MICA_LAYER_LICENSE || kind == MICA_LAYER_CARD || kind == MICA_LAYER_TEMPLATE ||
           kind == MICA_LAYER_SYSTEM || kind == MICA_LAYER_PARAMS || kind == MICA_LAYER_MESSAGES;
}

/* Files of a model folder that may hold its chat template. */
static bool holds_template(enum mica_layer_kind kind, const char *title)
{
    return kind == MICA_LAYER_FILE &&
           (strcmp(title, "chat_template.jinja") == 0 || strcmp(title, "tokenizer_config.json") == 0);
}

static void load_before(struct sides *s)
{
    const struct mica_component *c = s->look->component;
    const struct mica_manifest *manifest = s->look->manifest;
    const char *const digests[] = {c->licence_digest, c->policy_digest};
    const char *const titles[] = {*c->declared_file ? c->declared_file : "LICENSE", "USE_POLICY"};
    struct mica_buf text = {0};
    for (int64_t i = 0; manifest && i < manifest->n_layers; i++) {
        const struct mica_layer *layer = &manifest->layers[i];
        if ((is_text(layer->kind) || holds_template(layer->kind, layer->title)) &&
            mica_store_layer_text(s->look->store, layer, &text, NULL) == MICA_OK)
            add(&s->before, layer->kind, layer->title, &text);
        mica_buf_release(&text);
    }
    for (size_t i = 0; !manifest && i < MICA_COUNT(digests); i++) {
        if (*digests[i] && load_blob(s->look, digests[i], &text))
            add(&s->before, MICA_LAYER_LICENSE, titles[i], &text);
        mica_buf_release(&text);
    }
}

static void not_seen(struct sides *s, const char *name, const char *why)
{
    char what[400];
    snprintf(what, sizeof what, "text %.300s at the source", name);
    mica_drift_say(s->look, MICA_DRIFT_NOT_SEEN, what, "", why, "");
    s->is_whole = false;
}

/* An archive may hold several cards: the one that was registered counts, else the package's metadata. */
static bool is_the_card(const struct sides *s, const char *path)
{
    const struct mica_layer *card =
        s->look->manifest ? mica_manifest_find(s->look->manifest, MICA_LAYER_CARD) : NULL;
    const char *base = base_name(path);
    for (int i = 0; i < s->now.n; i++)
        if (s->now.rows[i].kind == MICA_LAYER_CARD)
            return false;
    return card && *card->title ? strcmp(base, base_name(card->title)) == 0 : strcmp(base, "README.md") != 0;
}

static void take_member(void *user, const struct mica_look_member *member)
{
    struct sides *s = user;
    struct mica_buf text = {0};
    if (member->kind == MICA_LAYER_CARD && !is_the_card(s, member->path))
        return;
    mica_buf_puts(&text, "");
    mica_buf_append(&text, member->text.data ? member->text.data : "", member->text.len);
    if (text.failed)
        s->look->failed = true;
    else if (!add(&s->now, member->kind, member->path, &text))
        not_seen(s, member->path, "there are too many texts");
    mica_buf_release(&text);
}

/* A registry's layer has no name of its own in the plan. */
static const char *own_title(const struct mica_manifest *manifest, const struct mica_plan_file *file)
{
    for (int64_t i = 0; manifest && i < manifest->n_layers; i++)
        if (mica_digest_equal(&manifest->layers[i].digest, &file->digest))
            return manifest->layers[i].title;
    return file->title ? file->title : "";
}

static void load_file(struct sides *s, const struct mica_manifest *manifest,
                      const struct mica_plan_file *file)
{
    struct mica_buf text = {0};
    struct mica_err problem;
    const char *title = own_title(manifest, file);
    if (!is_text(file->kind) && !holds_template(file->kind, title))
        return;
    if (mica_look_text(s->look->http, s->look->store, file, &text, &problem) != MICA_OK)
        not_seen(s, *title ? title : "of the licence", problem.text);
    else if (!add(&s->now, file->kind, title, &text))
        not_seen(s, title, "there are too many texts");
    mica_buf_release(&text);
}

static void load_now(struct sides *s, struct mica_plan *plan, bool moved)
{
    struct mica_manifest *manifest = NULL;
    struct mica_err problem;
    if (plan->manifest && mica_manifest_parse(plan->manifest, plan->manifest_len, &manifest, NULL) != MICA_OK)
        manifest = NULL;
    for (int64_t i = 0; i < plan->n_files; i++) {
        const struct mica_plan_file *file = &plan->files[i];
        if (!file->member_of) {
            load_file(s, manifest, file);
        } else if (!moved) {
            s->is_whole = false; /* a published version does not change: its index names its digest */
        } else if (mica_look_archive(s->look->http, file, take_member, s, &problem) != MICA_OK) {
            char what[400];
            snprintf(what, sizeof what, "texts in %.300s, which is newer", file->title);
            mica_drift_say(s->look, MICA_DRIFT_NOT_SEEN, what, "", problem.text, "");
            s->is_whole = false;
        }
    }
    mica_manifest_free(manifest);
}

/* ---- pairs ---- */

static void pair_up(struct side *before, int i, struct side *now, int k)
{
    before->rows[i].pair = k;
    now->rows[k].pair = i;
}

static bool is_licence(const struct text *text)
{
    return text->kind == MICA_LAYER_LICENSE &&
           strcmp(mica_evidence_role(text->name, &text->text), "licence") == 0;
}

/* The only one without a pair for which is_licence, or -1. */
static int only_licence(const struct side *side)
{
    int found = -1, n = 0;
    for (int i = 0; i < side->n; i++)
        if (side->rows[i].pair < 0 && is_licence(&side->rows[i])) {
            found = i;
            n++;
        }
    return n == 1 ? found : -1;
}

/* First the same bytes, then the same name, then a licence that was renamed. */
static void pair_texts(struct side *before, struct side *now)
{
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < before->n; i++)
            for (int k = 0; before->rows[i].pair < 0 && k < now->n; k++) {
                const struct text *a = &before->rows[i], *b = &now->rows[k];
                if (b->pair < 0 && a->kind == b->kind &&
                    (pass ? strcasecmp(a->name, b->name) == 0 : mica_digest_equal(&a->digest, &b->digest)))
                    pair_up(before, i, now, k);
            }
    int i = only_licence(before), k = only_licence(now);
    if (i >= 0 && k >= 0)
        pair_up(before, i, now, k);
}

/* ---- comparing ---- */

static bool has_name(const struct side *side, const char *name)
{
    for (int i = 0; i < side->n; i++)
        if (strcasecmp(side->rows[i].name, name) == 0)
            return true;
    return false;
}

static void compare_licence(struct sides *s, const struct text *before, const struct text *now)
{
    bool changed = false;
    char hex[MICA_DIGEST_HEX], name[NAME_MAX_LEN + 40];
    snprintf(name, sizeof name, "%s%s", before ? before->name : now->name,
             !before && has_name(&s->before, now->name) ? ", another" : "");
    mica_drift_text(s->look, name, before ? &before->text : NULL, &now->text, &changed);
    if (!changed || now->kind != MICA_LAYER_LICENSE)
        return;
    mica_digest_hex(&now->digest, hex);
    const char *role = mica_evidence_role(now->name, &now->text);
    if (strcmp(role, "policy") == 0)
        json_object_set_new(s->look->drift->seen, "policy_digest", json_string(hex));
    if (strcmp(role, "licence") != 0)
        return;
    if (!s->licence_changed)
        json_object_set_new(s->look->drift->seen, "licence_digest", json_string(hex));
    s->licence_changed = true;
}

/* What all the licence texts at the source are, once one of them has changed. */
static void conclude(struct sides *s)
{
    struct mica_buf all = {0};
    for (int i = 0; i < s->now.n; i++) {
        const struct text *row = &s->now.rows[i];
        struct mica_licence_match match = {0};
        char id[128], hex[MICA_DIGEST_HEX];
        if (!is_licence(row))
            continue;
        mica_digest_hex(&row->digest, hex);
        if (mica_licence_identify(row->text.data, row->text.len, &match, NULL) != MICA_OK ||
            match.kind == MICA_LICENCE_UNKNOWN || !*match.id)
            snprintf(id, sizeof id, "LicenseRef-unidentified-%.12s", hex);
        else
            snprintf(id, sizeof id, "%s", match.id);
        mica_free(match.diff);
        if (!all.data || !strstr(all.data, id))
            mica_buf_printf(&all, "%s%s", all.len ? " AND " : "", id);
    }
    if (all.failed)
        s->look->failed = true;
    else if (all.len)
        json_object_set_new(s->look->drift->seen, "concluded", json_string(all.data));
    mica_buf_release(&all);
}

/* A text that was registered and is there no more. */
static void compare_missing(struct sides *s, const struct text *before)
{
    char what[400];
    const char *state = mica_drift_accepted_in(s->look, "texts", before->name);
    if (!s->is_whole || (state && !*state))
        return;
    snprintf(what, sizeof what, "text %.300s at the source", before->name);
    mica_drift_say(s->look, MICA_DRIFT_CHANGED, what, "there", "gone", "");
    mica_drift_see(s->look, "texts", before->name, "");
}

/* Texts that were accepted when they came. */
static void compare_accepted(struct sides *s)
{
    const char *name;
    json_t *state;
    json_t *accepted = json_object_get(json_object_get(s->look->card, "accepted"), "texts");
    json_object_foreach(accepted, name, state)
    {
        bool is_there = json_string_length(state) && strncmp(name, "chat template", 13) != 0;
        if (!is_there || has_name(&s->before, name) || has_name(&s->now, name) || !s->is_whole)
            continue;
        char what[400];
        snprintf(what, sizeof what, "text %.300s at the source", name);
        mica_drift_say(s->look, MICA_DRIFT_CHANGED, what, "there", "gone", "");
        mica_drift_see(s->look, "texts", name, "");
    }
}

/* ---- cards ---- */

static void join_list(const char *const *list, const json_t *array, struct mica_buf *out)
{
    size_t i;
    json_t *item;
    mica_buf_puts(out, "");
    for (int k = 0; list && list[k]; k++)
        mica_buf_printf(out, "%s%s", k ? ", " : "", list[k]);
    json_array_foreach(array, i, item)
    {
        mica_buf_printf(out, "%s%s", i ? ", " : "", json_string_value(item) ? json_string_value(item) : "");
    }
}

static void compare_list(struct sides *s, const char *what, const char *key, const char *const *now)
{
    struct mica_buf was = {0}, is = {0};
    join_list(NULL, json_object_get(s->look->card, key), &was);
    join_list(now, NULL, &is);
    if (was.failed || is.failed)
        s->look->failed = true;
    else
        mica_drift_statement(s->look, what, key, was.data, is.data);
    mica_buf_release(&was);
    mica_buf_release(&is);
}

/* Only what a card states counts; its prose may change as it likes. */
static void compare_card(struct sides *s, const struct text *now, const char **licence)
{
    struct mica_card card = {0};
    struct mica_err problem;
    if (mica_card_read(now->text.data, now->text.len, "card", &s->look->drift->arena, &card, &problem) !=
        MICA_OK) {
        not_seen(s, "card", problem.text);
        return;
    }
    if (card.licence)
        *licence = card.licence;
    if (!*s->look->component->card_digest || s->look->component->kind != MICA_COMPONENT_MODEL)
        return; /* no card of this kind was registered */
    const char *link = json_string_value(json_object_get(s->look->card, "licence_link"));
    mica_drift_statement(s->look, "link to the licence in the card at the source", "licence_link",
                         link ? link : "", card.licence_link ? card.licence_link : "");
    compare_list(s, "base models in the card at the source", "bases", card.bases);
    compare_list(s, "datasets in the card at the source", "datasets", card.datasets);
}

/* ---- the chat template of a model folder ---- */

static bool folder_template(const struct side *side, struct mica_buf *out)
{
    struct mica_files *files = NULL;
    struct mica_template_source source = {0};
    bool ok = mica_files_new(&files, NULL) == MICA_OK;
    for (int i = 0; ok && i < side->n; i++) {
        const struct text *row = &side->rows[i];
        struct mica_mapping *map = NULL;
        if (row->kind != MICA_LAYER_FILE)
            continue;
        ok = mica_mapping_from_bytes(row->text.data, row->text.len, row->name, &map, NULL) == MICA_OK &&
             mica_files_add(files, row->name, map, NULL) == MICA_OK;
        mica_mapping_free(map);
    }
    if (ok) {
        mica_template_find(NULL, files, &source);
        mica_buf_puts(out, "");
        mica_buf_append(out, source.text ? source.text : "", source.text ? source.len : 0);
        mica_template_source_release(&source);
    }
    mica_files_free(files);
    return ok && !out->failed;
}

static void compare_folder_template(struct sides *s)
{
    struct mica_buf was = {0}, is = {0};
    bool changed = false;
    if (!folder_template(&s->before, &was) || !folder_template(&s->now, &is))
        s->look->failed = true;
    else if (was.len || is.len)
        mica_drift_text(s->look, "chat template of the model", &was, &is, &changed);
    mica_buf_release(&was);
    mica_buf_release(&is);
}

/* ---- all of it ---- */

static void compare_sides(struct sides *s, const char **licence)
{
    bool has_folder = false;
    pair_texts(&s->before, &s->now);
    for (int k = 0; k < s->now.n; k++) {
        const struct text *now = &s->now.rows[k];
        if (now->kind == MICA_LAYER_CARD)
            compare_card(s, now, licence);
        else if (now->kind == MICA_LAYER_FILE)
            has_folder = true;
        else
            compare_licence(s, now->pair < 0 ? NULL : &s->before.rows[now->pair], now);
    }
    for (int i = 0; i < s->before.n; i++) {
        enum mica_layer_kind kind = s->before.rows[i].kind;
        if (s->before.rows[i].pair < 0 && kind != MICA_LAYER_CARD && kind != MICA_LAYER_FILE)
            compare_missing(s, &s->before.rows[i]);
    }
    compare_accepted(s);
    if (has_folder && s->is_whole)
        compare_folder_template(s);
    if (s->licence_changed)
        conclude(s);
}

enum mica_status mica_drift_texts(struct mica_drift_look *look, struct mica_plan *plan, bool moved,
                                  const char **licence, struct mica_err *err)
{
    struct sides *s = mica_alloc(1, sizeof *s);
    if (!s)
        return mica_fail(err, MICA_ENOMEM, "%s: out of memory", look->component->name);
    s->look = look;
    s->is_whole = true;
    load_before(s);
    /* Of what is only named, or was described by hand, no texts may be registered: then only cards count. */
    bool has_texts = look->manifest || s->before.n > 0;
    load_now(s, plan, moved);
    for (int k = s->now.n - 1; !has_texts && k >= 0; k--)
        if (s->now.rows[k].kind != MICA_LAYER_CARD) {
            mica_buf_release(&s->now.rows[k].text);
            s->now.rows[k] = s->now.rows[--s->now.n];
            s->now.rows[s->now.n] = (struct text){0};
        }
    compare_sides(s, licence);
    for (int i = 0; i < TEXTS_MAX; i++) {
        mica_buf_release(&s->before.rows[i].text);
        mica_buf_release(&s->now.rows[i].text);
    }
    mica_free(s);
    return MICA_OK;
}
