/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/evidence.h"
#include "govern/identify.h"
#include "govern/register_internal.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MAX_NAMED = 64, LOOK_BYTES = 120 };

static enum mica_status no_memory(struct mica_err *err)
{
    return mica_fail(err, MICA_ENOMEM, "register: out of memory");
}

/* ---- sets of licences ---- */

static bool add_id(struct mica_licence_set *set, const char *id)
{
    for (int i = 0; i < set->n; i++)
        if (strcmp(set->ids[i], id) == 0)
            return true;
    if (set->n == MICA_LICENCE_SET)
        return false;
    snprintf(set->ids[set->n++], sizeof set->ids[0], "%s", id);
    return true;
}

void mica_licence_set_parse(const char *statement, struct mica_licence_set *out)
{
    char id[128], part[128];
    *out = (struct mica_licence_set){0};
    if (!strstr(statement, " OR ") && !strstr(statement, " AND ")) {
        if (mica_licence_canonical(statement, id))
            add_id(out, id);
        return;
    }
    /* "(A OR B) AND C": words between the operators. */
    bool expects_id = true;
    for (const char *at = statement + strspn(statement, " ()"); *at; at += strspn(at, " ()")) {
        size_t len = strcspn(at, " ()");
        snprintf(part, sizeof part, "%.*s", (int)(len < sizeof part ? len : sizeof part - 1), at);
        at += len;
        bool is_or = strcmp(part, "OR") == 0, is_and = strcmp(part, "AND") == 0;
        out->has_choice = out->has_choice || is_or;
        if (expects_id == (is_or || is_and) ||
            (expects_id && (!mica_licence_canonical(part, id) || !add_id(out, id)))) {
            *out = (struct mica_licence_set){0};
            return;
        }
        expects_id = !expects_id;
    }
}

bool mica_licence_sets_meet(const struct mica_licence_set *a, const struct mica_licence_set *b)
{
    for (int i = 0; i < a->n; i++)
        for (int j = 0; j < b->n; j++)
            if (strcmp(a->ids[i], b->ids[j]) == 0)
                return true;
    return false;
}

/* ---- helpers ---- */

static const char *keep(struct mica_arena *arena, const char *text)
{
    return text ? mica_arena_strndup(arena, text, strlen(text)) : "";
}

/* Facts are kept as JSON: UTF-8, whatever the file holds. Sets failed when memory runs out. */
static json_t *fact(struct mica_evidence *e, const char *text)
{
    const char *clean = mica_register_clean(&e->arena, text, true);
    return clean ? json_string(clean) : NULL;
}

static void set_fact(struct mica_evidence *e, json_t *object, const char *key, json_t *value)
{
    e->failed = json_object_set_new(object, key, value) != 0 || e->failed;
}

static void append_fact(struct mica_evidence *e, json_t *array, json_t *value)
{
    e->failed = json_array_append_new(array, value) != 0 || e->failed;
}

/* The array called key, made when it is not there; NULL when out of memory. */
static json_t *fact_list(struct mica_evidence *e, const char *key)
{
    if (!json_object_get(e->facts, key))
        set_fact(e, e->facts, key, json_array());
    return json_object_get(e->facts, key);
}

static void add_problem(struct mica_evidence *e, const char *text)
{
    append_fact(e, fact_list(e, "problems"), fact(e, text));
}

static void add_line(struct mica_buf *lines, const char *line, size_t len)
{
    if (len && !memchr(line, '\n', len))
        mica_buf_printf(lines, "%s%.*s", lines->len ? "\n" : "", (int)(len < 1000 ? len : 1000), line);
}

/* "https://huggingface.co/owner/repo" and "owner/repo" are hf:owner/repo; anything else stays what it is. */
static void add_repo(struct mica_buf *lines, const char *text)
{
    static const char *const prefixes[] = {"https://huggingface.co/datasets/", "https://huggingface.co/",
                                           "http://huggingface.co/", "hf:"};
    char line[512];
    const char *rest = text;
    for (size_t i = 0; i < MICA_COUNT(prefixes) && rest == text; i++)
        if (strncmp(text, prefixes[i], strlen(prefixes[i])) == 0)
            rest = text + strlen(prefixes[i]);
    const char *slash = strchr(rest, '/');
    bool is_repo = slash && slash > rest && slash[1] && !strchr(slash + 1, '/') && !strstr(rest, "://");
    snprintf(line, sizeof line, "%s%s", is_repo ? "hf:" : "", is_repo ? rest : text);
    add_line(lines, line, strlen(line));
}

const char *mica_evidence_key(const struct mica_gguf *gguf, struct mica_arena *arena, const char *key)
{
    const char *text;
    size_t len;
    if (!gguf || !mica_gguf_str(gguf, key, &text, &len))
        return "";
    return mica_arena_strndup(arena, text, strnlen(text, len));
}

/* ---- keys ---- */

/* general.base_model.count and general.base_model.N.{repo_url,organization,name}; the same for datasets. */
static enum mica_status read_named(struct mica_evidence *e, const struct mica_gguf *gguf, const char *what,
                                   struct mica_buf *lines, struct mica_err *err)
{
    char key[64], line[512];
    int64_t n = 0;
    snprintf(key, sizeof key, "general.%s.count", what);
    mica_gguf_int(gguf, key, &n);
    for (int64_t i = 0; i < n && i < MAX_NAMED; i++) {
        const char *fields[3];
        static const char *const names[] = {"repo_url", "organization", "name"};
        for (size_t f = 0; f < MICA_COUNT(names); f++) {
            snprintf(key, sizeof key, "general.%s.%d.%s", what, (int)i, names[f]);
            if (!(fields[f] = mica_evidence_key(gguf, &e->arena, key)))
                return no_memory(err);
        }
        snprintf(line, sizeof line, "%s%s%s", fields[1], *fields[1] ? "/" : "", fields[2]);
        if (*fields[0])
            add_repo(lines, fields[0]);
        else
            add_line(lines, line, strlen(line));
    }
    return MICA_OK;
}

static enum mica_status read_keys(struct mica_evidence *e, const struct mica_gguf *gguf, struct mica_err *err)
{
    int64_t n = 0;
    if (!gguf)
        return MICA_OK;
    const char *id = mica_evidence_key(gguf, &e->arena, "general.license");
    const char *name = mica_evidence_key(gguf, &e->arena, "general.license.name");
    const char *link = mica_evidence_key(gguf, &e->arena, "general.license.link");
    if (!id || !name || !link)
        return no_memory(err);
    bool names_none = !*id || strcmp(id, "other") == 0;
    e->declared_key = names_none && *name ? name : id;
    if (*link)
        set_fact(e, e->facts, "licence_key_link", fact(e, link));
    enum mica_status status = read_named(e, gguf, "base_model", &e->bases, err);
    if (status == MICA_OK)
        status = read_named(e, gguf, "dataset", &e->datasets, err);
    const struct mica_str *list = mica_gguf_array_strs(gguf, "general.datasets", &n);
    for (int64_t i = 0; list && i < n && i < MAX_NAMED; i++) {
        const char *text = mica_arena_strndup(&e->arena, list[i].data, strnlen(list[i].data, list[i].len));
        if (!text)
            return no_memory(err);
        add_repo(&e->datasets, text);
    }
    return status;
}

/* ---- card ---- */

static void card_facts(struct mica_evidence *e)
{
    const struct mica_card *card = &e->card;
    const struct {
        const char *key, *value;
    } texts[] = {{"name", card->name},       {"version", card->version},
                 {"summary", card->summary}, {"location", card->location},
                 {"task", card->task},       {"licence_link", card->licence_link}};
    const struct {
        const char *key;
        const char *const *value;
    } lists[] = {{"languages", card->languages},
                 {"tags", card->tags},
                 {"bases", card->bases},
                 {"datasets", card->datasets}};
    for (size_t i = 0; i < MICA_COUNT(texts); i++)
        if (texts[i].value)
            set_fact(e, e->facts, texts[i].key, fact(e, texts[i].value));
    for (size_t i = 0; i < MICA_COUNT(lists); i++)
        for (int k = 0; lists[i].value && lists[i].value[k]; k++)
            append_fact(e, fact_list(e, lists[i].key), fact(e, lists[i].value[k]));
}

static enum mica_status read_card(struct mica_evidence *e, struct mica_store *store,
                                  const struct mica_manifest *manifest, struct mica_err *err)
{
    const struct mica_layer *layer = mica_manifest_find(manifest, MICA_LAYER_CARD);
    struct mica_buf text = {0};
    struct mica_err problem;
    if (!layer)
        return MICA_OK;
    enum mica_status status = mica_store_layer_text(store, layer, &text, err);
    if (status == MICA_OK) {
        mica_digest_hex(&layer->digest, e->card_digest);
        status = mica_card_read(text.data, text.len, *layer->title ? layer->title : "card", &e->arena,
                                &e->card, &problem);
        if (status == MICA_EFORMAT || status == MICA_ELIMIT) {
            add_problem(e, problem.text);
            e->card = (struct mica_card){0};
            status = MICA_OK;
        } else if (status != MICA_OK)
            status = mica_fail(err, status, "%s", problem.text);
    }
    mica_buf_release(&text);
    if (status != MICA_OK)
        return status;
    card_facts(e);
    e->declared_card = e->card.licence ? e->card.licence : "";
    for (int i = 0; e->card.bases && e->card.bases[i] && i < MAX_NAMED; i++)
        add_repo(&e->bases, e->card.bases[i]);
    for (int i = 0; e->card.datasets && e->card.datasets[i] && i < MAX_NAMED; i++)
        add_repo(&e->datasets, e->card.datasets[i]);
    return MICA_OK;
}

/* Words that hold back what nearly every licence gives. */
static bool holds_back(const char *statement)
{
    static const char *const words[] = {
        "proprietary",  "commercial",          "research",     "academic",    "evaluation",
        "confidential", "all rights reserved", "internal use", "personal use"};
    for (size_t i = 0; i < MICA_COUNT(words); i++)
        if (strcasestr(statement, words[i]))
            return true;
    return false;
}

/* What is stated outside the files: by the source's metadata, by a person. Kept in facts, so that recording a
 * model again does not lose it. The card comes first, unless it names no licence that anyone knows; what the
 * source's metadata say then does not hide a text or a restriction. */
static enum mica_status read_statements(struct mica_evidence *e, const struct mica_origin *origin,
                                        const char *before, struct mica_err *err)
{
    const struct {
        const char *key, *given;
    } kept[] = {{"asserted", origin->asserted}, {"source_declared", origin->declared}};
    struct mica_licence_set card;
    json_t *old = json_loads(before, 0, NULL);
    enum mica_status status = MICA_OK;
    for (size_t i = 0; i < MICA_COUNT(kept) && status == MICA_OK; i++) {
        const char *stated =
            kept[i].given ? kept[i].given : json_string_value(json_object_get(old, kept[i].key));
        if (!stated || !*stated)
            continue;
        mica_licence_set_parse(e->declared_card, &card);
        set_fact(e, e->facts, kept[i].key, fact(e, stated));
        bool is_own = strcmp(e->declared_card, MICA_CARD_OWN_TEXT) == 0 || holds_back(e->declared_card);
        if (card.n == 0 && (i == 0 || !is_own) && !(e->declared_card = keep(&e->arena, stated)))
            status = no_memory(err);
    }
    json_decref(old);
    return status;
}

/* ---- texts ---- */

/* What a text is for, by the name of its file and, where it has none, by how it begins. Whatever calls itself
 * a licence is one. */
const char *mica_evidence_role(const char *title, const struct mica_buf *text)
{
    static const struct {
        const char *word, *role;
        bool begins; /* else it may stand anywhere */
    } names[] = {{"licen", "licence", true},       {"copying", "licence", true},
                 {"notice", "notice", true},       {"authors", "notice", true},
                 {"contributors", "notice", true}, {"third", "notice", true},
                 {"use_policy", "policy", false},  {"use-policy", "policy", false},
                 {"usepolicy", "policy", false},   {"use policy", "policy", false}};
    const char *slash = strrchr(title, '/'), *base = slash ? slash + 1 : title;
    char head[LOOK_BYTES + 1];
    for (size_t i = 0; i < MICA_COUNT(names); i++) {
        const char *found = strcasestr(base, names[i].word);
        if (found && (found == base || !names[i].begins))
            return names[i].role;
    }
    snprintf(head, sizeof head, "%.*s", (int)(text->len < LOOK_BYTES ? text->len : LOOK_BYTES), text->data);
    return !*title && strcasestr(head, "use policy") ? "policy" : "licence";
}

/* Identifies one licence text and adds its id to the set. */
static enum mica_status identify(struct mica_evidence *e, const struct mica_layer *layer,
                                 const struct mica_buf *text, json_t *about, struct mica_licence_set *ids,
                                 struct mica_err *err)
{
    static const char *const kinds[] = {"unknown", "modified", "identified"};
    struct mica_licence_match match = {0};
    char id[128], hex[MICA_DIGEST_HEX];
    enum mica_status status = mica_licence_identify(text->data, text->len, &match, err);
    if (status == MICA_EUNSUPPORTED)
        add_problem(e, "this Mica was built without reference texts and identifies no licence");
    else if (status != MICA_OK)
        return status;
    mica_digest_hex(&layer->digest, hex);
    /* A text that nobody identified still binds: it is not the licence that a tag beside it names. */
    if (match.kind == MICA_LICENCE_UNKNOWN || !*match.id)
        snprintf(id, sizeof id, "LicenseRef-unidentified-%.12s", hex);
    else
        snprintf(id, sizeof id, "%s", match.id);
    set_fact(e, about, "match", json_string(kinds[match.kind]));
    set_fact(e, about, "id", fact(e, id));
    if (*match.nearest && match.kind == MICA_LICENCE_MODIFIED) {
        set_fact(e, about, "nearest", fact(e, match.nearest));
        set_fact(e, about, "similarity", json_real(match.similarity));
    }
    mica_free(match.diff);
    return add_id(ids, id)
               ? MICA_OK
               : mica_fail(err, MICA_ELIMIT, "register: more than %d licence texts", MICA_LICENCE_SET);
}

static enum mica_status read_text(struct mica_evidence *e, struct mica_store *store,
                                  const struct mica_layer *layer, struct mica_licence_set *ids,
                                  struct mica_err *err)
{
    struct mica_buf text = {0};
    char hex[MICA_DIGEST_HEX];
    enum mica_status status = mica_store_layer_text(store, layer, &text, err);
    if (status == MICA_OK) {
        const char *role = mica_evidence_role(layer->title, &text);
        json_t *about = json_object();
        mica_digest_hex(&layer->digest, hex);
        append_fact(e, fact_list(e, "texts"), about); /* owns it */
        set_fact(e, about, "title", fact(e, layer->title));
        set_fact(e, about, "digest", json_string(hex));
        set_fact(e, about, "role", json_string(role));
        if (strcmp(role, "policy") == 0 && !*e->policy_digest)
            memcpy(e->policy_digest, hex, sizeof hex);
        if (strcmp(role, "licence") == 0) {
            if (!*e->licence_digest) {
                memcpy(e->licence_digest, hex, sizeof hex);
                e->declared_file = keep(&e->arena, *layer->title ? layer->title : "LICENSE");
            }
            status = e->failed ? no_memory(err) : identify(e, layer, &text, about, ids, err);
        }
        if (!e->declared_file && status == MICA_OK)
            status = no_memory(err);
    }
    mica_buf_release(&text);
    return status;
}

/* ---- conclusion ---- */

static const char *join_ids(struct mica_arena *arena, const struct mica_licence_set *ids)
{
    struct mica_buf text = {0};
    mica_buf_puts(&text, "");
    for (int i = 0; i < ids->n; i++)
        mica_buf_printf(&text, "%s%s", i ? " AND " : "", ids->ids[i]);
    const char *kept = text.failed ? NULL : keep(arena, text.data);
    mica_buf_release(&text);
    return kept;
}

/* A choice that the author offers ("A OR B") is his to offer when both texts came with it. */
static bool offers_choice(const struct mica_licence_set *declared, const struct mica_licence_set *ids)
{
    if (!declared->has_choice || declared->n != ids->n)
        return false;
    for (int i = 0; i < ids->n; i++) {
        struct mica_licence_set one = {.n = 1};
        memcpy(one.ids[0], ids->ids[i], sizeof one.ids[0]);
        if (!mica_licence_sets_meet(&one, declared))
            return false;
    }
    return true;
}

/* Texts that nobody knows contradict nothing: they block on their own. */
static bool is_settled(const struct mica_licence_set *ids)
{
    for (int i = 0; i < ids->n; i++)
        if (strncmp(ids->ids[i], "LicenseRef-modified-", 20) == 0 ||
            strncmp(ids->ids[i], "LicenseRef-unidentified-", 24) == 0)
            return false;
    return ids->n > 0;
}

/* Does it only say that terms are somewhere else, or nothing? */
static bool says_nothing(const char *statement)
{
    static const char *const starts[] = {
        "see ", "license.", "licence.", "license file", "file:", "unknown", "undefined", "none", "n/a"};
    for (size_t i = 0; i < MICA_COUNT(starts); i++)
        if (strncasecmp(statement, starts[i], strlen(starts[i])) == 0)
            return true;
    return !*statement || strcasecmp(statement, "license") == 0;
}

/* Is a word of the statement how one of the ids begins ("BSD License" and BSD-3-Clause)? */
static bool names_family(const char *statement, const struct mica_licence_set *ids)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (const char *at = statement; *at;) {
        size_t len = strspn(at, letters);
        for (int i = 0; len >= 3 && i < ids->n; i++)
            if (strncasecmp(ids->ids[i], at, len) == 0 && !strchr(letters, ids->ids[i][len]))
                return true;
        at += len ? len : 1;
    }
    return false;
}

/* Does a statement that names no licence that is known speak against one that does? */
static bool opposes(const char *statement, const struct mica_licence_set *meaning,
                    const struct mica_licence_set *other)
{
    return !meaning->n && other->n && !says_nothing(statement) && !names_family(statement, other);
}

/* Two statements that name different licences, or, where no text decides, one that is known and one that
 * nobody can judge. */
static bool clashes(const char *a, const struct mica_licence_set *a_ids, const char *b,
                    const struct mica_licence_set *b_ids, bool text_decides)
{
    return (a_ids->n && b_ids->n && !mica_licence_sets_meet(a_ids, b_ids)) ||
           (!text_decides && (opposes(a, a_ids, b_ids) || opposes(b, b_ids, a_ids)));
}

/* A text tells more than a statement that is not known, unless that holds back what the text gives. */
static bool clashes_with_text(const char *statement, const struct mica_licence_set *meaning,
                              const struct mica_licence_set *ids)
{
    return is_settled(ids) && ((meaning->n && !mica_licence_sets_meet(meaning, ids)) ||
                               (opposes(statement, meaning, ids) && holds_back(statement)));
}

/* from_base: the file is another model's, whose own row keeps what it states. */
static enum mica_status conclude(struct mica_evidence *e, const struct mica_licence_set *ids, bool from_base,
                                 struct mica_err *err)
{
    struct mica_licence_set card, key;
    struct mica_buf clash = {0};
    const char *joined = join_ids(&e->arena, ids);
    if (!joined)
        return no_memory(err);
    mica_licence_set_parse(e->declared_card, &card);
    mica_licence_set_parse(e->declared_key, &key);
    mica_buf_puts(&clash, "");
    if (clashes(e->declared_card, &card, e->declared_key, &key, is_settled(ids)))
        mica_buf_printf(&clash, "card says %s, file says %s", e->declared_card, e->declared_key);
    if (clashes_with_text(e->declared_card, &card, ids))
        mica_buf_printf(&clash, "%scard says %s, text is %s", clash.len ? "; " : "", e->declared_card,
                        joined);
    if (!from_base && clashes_with_text(e->declared_key, &key, ids))
        mica_buf_printf(&clash, "%sfile says %s, text is %s", clash.len ? "; " : "", e->declared_key, joined);
    e->concluded = clash.len ? "LicenseRef-disputed" : offers_choice(&card, ids) ? e->declared_card : joined;
    e->drift = clash.failed ? NULL : keep(&e->arena, clash.data);
    mica_buf_release(&clash);
    return e->drift ? MICA_OK : no_memory(err);
}

enum mica_status mica_evidence_read(struct mica_store *store, const struct mica_manifest *manifest,
                                    const struct mica_gguf *gguf, const struct mica_origin *origin,
                                    const char *before, struct mica_evidence *out, struct mica_err *err)
{
    struct mica_licence_set ids = {0};
    *out = (struct mica_evidence){.declared_card = "",
                                  .declared_key = "",
                                  .declared_file = "",
                                  .concluded = "",
                                  .drift = "",
                                  .facts = json_object()};
    if (!out->facts)
        return no_memory(err);
    enum mica_status status = read_card(out, store, manifest, err);
    if (status == MICA_OK)
        status = read_keys(out, gguf, err);
    if (status == MICA_OK)
        status = read_statements(out, origin, before, err);
    for (int64_t i = 0; i < manifest->n_layers && status == MICA_OK; i++)
        if (manifest->layers[i].kind == MICA_LAYER_LICENSE)
            status = read_text(out, store, &manifest->layers[i], &ids, err);
    if (status == MICA_OK && (out->failed || out->bases.failed || out->datasets.failed))
        status = no_memory(err);
    bool from_base = origin->bases && origin->event && strcmp(origin->event, "create") == 0;
    return status == MICA_OK ? conclude(out, &ids, from_base, err) : status;
}

void mica_evidence_release(struct mica_evidence *evidence)
{
    json_decref(evidence->facts);
    mica_buf_release(&evidence->bases);
    mica_buf_release(&evidence->datasets);
    mica_arena_release(&evidence->arena);
    *evidence = (struct mica_evidence){0};
}

/* ---- tokenizer ---- */

static bool put_text(struct mica_sha256_stream *stream, const char *text, size_t len)
{
    char head[32];
    int n = snprintf(head, sizeof head, "%zu:", len);
    return mica_sha256_update(stream, head, (size_t)n) && mica_sha256_update(stream, text, len);
}

static bool put_array(struct mica_sha256_stream *stream, const struct mica_gguf *gguf, const char *key)
{
    int64_t n = mica_gguf_array_len(gguf, key), strings, integer;
    double number;
    bool ok = true;
    const struct mica_str *list = mica_gguf_array_strs(gguf, key, &strings);
    for (int64_t i = 0; i < n && ok; i++) {
        char text[40] = "";
        if (list)
            ok = put_text(stream, list[i].data, list[i].len);
        else if (mica_gguf_array_int(gguf, key, i, &integer))
            ok = put_text(stream, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)integer));
        else if (mica_gguf_array_float(gguf, key, i, &number))
            ok = put_text(stream, text, (size_t)snprintf(text, sizeof text, "%.17g", number));
    }
    return ok;
}

static bool put_value(struct mica_sha256_stream *stream, const struct mica_gguf *gguf, const char *key)
{
    char text[40] = "";
    const char *string;
    size_t len;
    int64_t integer;
    double number;
    bool flag;
    if (!put_text(stream, key, strlen(key)))
        return false;
    if (mica_gguf_array_len(gguf, key) >= 0)
        return put_array(stream, gguf, key);
    if (mica_gguf_str(gguf, key, &string, &len))
        return put_text(stream, string, len);
    if (mica_gguf_int(gguf, key, &integer))
        snprintf(text, sizeof text, "%lld", (long long)integer);
    else if (mica_gguf_float(gguf, key, &number))
        snprintf(text, sizeof text, "%.17g", number);
    else if (mica_gguf_bool(gguf, key, &flag))
        snprintf(text, sizeof text, "%d", flag);
    return put_text(stream, text, strlen(text));
}

bool mica_tokenizer_digest(const struct mica_gguf *gguf, const struct mica_files *files,
                           struct mica_digest *out)
{
    static const char *const names[] = {"tokenizer.json", "tokenizer.model", "vocab.json",
                                        "vocab.txt",      "merges.txt",      "added_tokens.json"};
    struct mica_sha256_stream *stream = mica_sha256_begin();
    const char *key;
    bool ok = stream != NULL, any = false;
    for (int64_t i = 0; ok && gguf && (key = mica_gguf_key_at(gguf, i)) != NULL; i++)
        if (strncmp(key, "tokenizer.", 10) == 0 && strncmp(key, "tokenizer.chat_template", 23) != 0) {
            ok = put_value(stream, gguf, key);
            any = true;
        }
    for (size_t i = 0; ok && !gguf && i < MICA_COUNT(names); i++) {
        struct mica_mapping *map = mica_files_find(files, names[i]);
        if (!map)
            continue;
        ok = put_text(stream, names[i], strlen(names[i])) &&
             put_text(stream, (const char *)mica_mapping_data(map), mica_mapping_size(map));
        any = true;
    }
    ok = mica_sha256_end(stream, out) && ok;
    if (!any)
        *out = (struct mica_digest){0};
    return ok;
}
