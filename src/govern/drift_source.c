/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Drift at the source: what it would bring now if it were pulled again, of which only texts are fetched. */
#include "govern/drift_internal.h"
#include "store/http.h"
#include "store/source.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { TEXT_MAX = 1 << 20, TEXTS_MAX = 32, SOURCES_MAX = 64 };

/* A source as of now: without what pins it. "hf:o/r@REV:FILE", "pypi:n==1", "npm:@s/n@1". */
static void unpin(char *source)
{
    char *at = NULL, *end;
    if (strncmp(source, "hf:", 3) == 0) {
        at = strchr(source, '@');
        end = at ? at + strcspn(at, ":") : NULL;
        if (at)
            memmove(at, end, strlen(end) + 1);
    } else if (strncmp(source, "pypi:", 5) == 0) {
        at = strstr(source, "==");
    } else if (strncmp(source, "npm:", 4) == 0 && source[4]) {
        at = strchr(source + 5, '@');
    }
    if (at && strncmp(source, "hf:", 3) != 0)
        *at = 0;
}

/* Sources that can state something else tomorrow. */
static bool is_remote(const char *source)
{
    static const char *const schemes[] = {"hf:", "pypi:", "npm:", "ollama:", "oci:"};
    for (size_t i = 0; i < MICA_COUNT(schemes); i++)
        if (strncmp(source, schemes[i], strlen(schemes[i])) == 0)
            return true;
    return false;
}

/* ---- texts ---- */

static const char *base_name(const char *title)
{
    const char *slash = strrchr(title, '/');
    return slash ? slash + 1 : title;
}

/* The same words in the same order: line ends and indents say nothing. */
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

static enum mica_status fetch_text(struct mica_drift_look *look, struct mica_http *http,
                                   const struct mica_plan_file *file, struct mica_buf *out,
                                   struct mica_err *err)
{
    struct mica_http_response response = {0};
    if (file->has_digest && mica_store_has_blob(look->store, &file->digest)) {
        const struct mica_layer layer = {
            .kind = MICA_LAYER_LICENSE, .digest = file->digest, .size = file->size};
        return mica_store_layer_text(look->store, &layer, out, err);
    }
    enum mica_status status =
        mica_http_do(http,
                     &(struct mica_http_request){
                         .url = file->url, .authorization = file->authorization, .limit = TEXT_MAX},
                     &response, err);
    if (status != MICA_OK)
        return status;
    status = mica_http_check(response.status, file->title ? file->title : "text", err);
    if (status == MICA_OK) {
        mica_buf_puts(out, "");
        mica_buf_append(out, response.body.data ? response.body.data : "", response.body.len);
        for (size_t i = 0; out->data && i < out->len; i++) /* it is used as text */
            if (!out->data[i])
                out->data[i] = ' ';
        if (out->failed)
            status = mica_fail(err, MICA_ENOMEM, "out of memory");
    }
    mica_http_response_release(&response);
    return status;
}

static bool is_policy(const char *title)
{
    return strcasestr(base_name(title), "policy") != NULL;
}

/* Keeps what a changed text is, so that it can be accepted. */
static void keep_text(struct mica_drift_look *look, const char *title, const struct mica_buf *text,
                      json_t *texts)
{
    struct mica_digest digest;
    struct mica_licence_match match = {0};
    char hex[MICA_DIGEST_HEX], id[128];
    if (mica_store_blob_put(look->store, text->data, text->len, &digest, NULL) != MICA_OK) {
        look->failed = true;
        return;
    }
    mica_digest_hex(&digest, hex);
    json_object_set_new(texts, base_name(title), json_string(hex));
    if (is_policy(title)) {
        json_object_set_new(look->drift->seen, "policy_digest", json_string(hex));
        return;
    }
    if (strcasestr(base_name(title), "notice") ||
        mica_licence_identify(text->data, text->len, &match, NULL) != MICA_OK)
        return;
    if (match.kind == MICA_LICENCE_UNKNOWN || !*match.id)
        snprintf(id, sizeof id, "LicenseRef-unidentified-%.12s", hex);
    else
        snprintf(id, sizeof id, "%s", match.id);
    mica_free(match.diff);
    json_object_set_new(look->drift->seen, "concluded", json_string(id));
    json_object_set_new(look->drift->seen, "licence_digest", json_string(hex));
}

/* What the text was when it was registered or accepted; false: there was none of this name. */
static bool registered_text(struct mica_drift_look *look, const char *title, struct mica_buf *out)
{
    const json_t *accepted = json_object_get(json_object_get(look->card, "accepted"), "texts");
    const char *hex = json_string_value(json_object_get(accepted, base_name(title)));
    struct mica_layer taken = {.kind = MICA_LAYER_LICENSE};
    const struct mica_layer *found = NULL;
    if (hex && mica_digest_parse(hex, &taken.digest)) {
        struct mica_mapping *map;
        bool ok = mica_store_blob_open(look->store, &taken.digest, &map, NULL) == MICA_OK;
        if (ok) {
            mica_buf_puts(out, "");
            mica_buf_append(out, (const char *)mica_mapping_data(map), mica_mapping_size(map));
            mica_mapping_free(map);
        }
        return ok && !out->failed;
    }
    for (int64_t i = 0; look->manifest && !found && i < look->manifest->n_layers; i++) {
        const struct mica_layer *layer = &look->manifest->layers[i];
        if (layer->kind == MICA_LAYER_LICENSE && strcasecmp(base_name(layer->title), base_name(title)) == 0)
            found = layer;
    }
    return found && mica_store_layer_text(look->store, found, out, NULL) == MICA_OK;
}

static void compare_text(struct mica_drift_look *look, const char *title, const struct mica_buf *now,
                         json_t *texts)
{
    struct mica_buf before = {0};
    char what[400];
    snprintf(what, sizeof what, "text %.300s at the source", *title ? title : "of the licence");
    if (!registered_text(look, title, &before)) {
        mica_drift_say(look, MICA_DRIFT_CHANGED, what, "none", "new", "");
        keep_text(look, title, now, texts);
    } else if (same_words(before.data, now->data)) {
        mica_drift_say(look, MICA_DRIFT_SAME, what, "", "", "");
    } else {
        char *diff = mica_word_diff(before.data, now->data);
        if (diff)
            mica_drift_say(look, MICA_DRIFT_CHANGED, what, "", "", diff);
        else
            look->failed = true;
        mica_free(diff);
        keep_text(look, title, now, texts);
    }
    mica_buf_release(&before);
}

static const struct mica_plan_file *find_title(const struct mica_plan *plan, const char *title)
{
    for (int64_t i = 0; i < plan->n_files; i++)
        if (plan->files[i].kind == MICA_LAYER_LICENSE && !plan->files[i].member_of &&
            strcasecmp(base_name(plan->files[i].title ? plan->files[i].title : ""), base_name(title)) == 0)
            return &plan->files[i];
    return NULL;
}

/* Texts that were registered and are there no more. */
static void find_missing(struct mica_drift_look *look, const struct mica_plan *plan, json_t *texts)
{
    const json_t *accepted = json_object_get(json_object_get(look->card, "accepted"), "texts");
    for (int64_t i = 0; look->manifest && i < look->manifest->n_layers; i++) {
        const struct mica_layer *layer = &look->manifest->layers[i];
        char what[400];
        const char *base = base_name(layer->title),
                   *state = json_string_value(json_object_get(accepted, base));
        if (layer->kind != MICA_LAYER_LICENSE || find_title(plan, layer->title) || (state && !*state))
            continue;
        snprintf(what, sizeof what, "text %.300s at the source",
                 *layer->title ? layer->title : "of the licence");
        mica_drift_say(look, MICA_DRIFT_CHANGED, what, "there", "gone", "");
        json_object_set_new(texts, base, json_string(""));
    }
}

static enum mica_status compare_texts(struct mica_drift_look *look, const struct mica_plan *plan,
                                      struct mica_err *err)
{
    struct mica_http *http = NULL;
    int n = 0;
    json_t *texts = json_object();
    enum mica_status status = mica_http_new(
        &(struct mica_http_options){.plain_http = look->options->plain_http, .attempts = 2}, &http, err);
    for (int64_t i = 0; status == MICA_OK && i < plan->n_files; i++) {
        const struct mica_plan_file *file = &plan->files[i];
        struct mica_buf text = {0};
        struct mica_err problem;
        const char *title = file->title ? file->title : "";
        if (file->kind != MICA_LAYER_LICENSE || file->member_of || ++n > TEXTS_MAX)
            continue;
        if (fetch_text(look, http, file, &text, &problem) == MICA_OK)
            compare_text(look, title, &text, texts);
        else
            mica_drift_say(look, MICA_DRIFT_NOT_SEEN, title, "", problem.text, "");
        mica_buf_release(&text);
    }
    if (status == MICA_OK && look->manifest)
        find_missing(look, plan, texts);
    mica_http_free(http);
    if (json_object_size(texts))
        json_object_set_new(look->drift->seen, "texts", texts);
    else
        json_decref(texts);
    return status;
}

/* ---- what it states ---- */

static void compare_declared(struct mica_drift_look *look, const char *now)
{
    const char *before = mica_drift_accepted(look, "declared");
    if (!before)
        before = json_string_value(json_object_get(look->card, "source_declared"));
    if (!before)
        before = look->component->declared_card;
    if (!now || !*now) {
        if (*before)
            mica_drift_say(look, MICA_DRIFT_CHANGED, "licence stated by the source", before, "nothing", "");
    } else if (!*before) {
        mica_drift_say(look, MICA_DRIFT_SAME, "licence stated by the source; none was registered", "", now,
                       "");
    } else if (mica_drift_same_licence(before, now)) {
        mica_drift_say(look, MICA_DRIFT_SAME, "licence stated by the source", before, "", "");
    } else {
        mica_drift_say(look, MICA_DRIFT_CHANGED, "licence stated by the source", before, now, "");
        json_object_set_new(look->drift->seen, "declared", json_string(now));
    }
}

static bool holds_archives(const struct mica_plan *plan)
{
    for (int64_t i = 0; i < plan->n_files; i++)
        if (plan->files[i].member_of)
            return true;
    return false;
}

static enum mica_status compare_plan(struct mica_drift_look *look, const struct mica_plan *plan,
                                     struct mica_err *err)
{
    const char *before = look->component->revision, *now = plan->revision ? plan->revision : "";
    bool moved = *before && *now && strcmp(before, now) != 0;
    json_object_set_new(look->drift->seen, "revision", json_string(now));
    compare_declared(look, plan->declared);
    if (moved)
        mica_drift_say(look, MICA_DRIFT_SAME, "the source has moved on, the registered revision stays",
                       before, now, "");
    if (!holds_archives(plan))
        return look->manifest ? compare_texts(look, plan, err) : MICA_OK;
    if (moved)
        mica_drift_say(look, MICA_DRIFT_NOT_SEEN,
                       "texts of the new version lie in an archive and were not looked at", "", "", "");
    return MICA_OK;
}

enum mica_status mica_drift_look_at_source(struct mica_drift_look *look, struct mica_err *err)
{
    const struct mica_pull_options options = {.plain_http = look->options->plain_http, .attempts = 2};
    char text[4096], *sources[SOURCES_MAX], *save = NULL;
    int n = 0;
    struct mica_plan plan = {0};
    struct mica_err problem;
    if (!is_remote(look->component->source)) {
        mica_drift_say(look, MICA_DRIFT_NOT_SEEN,
                       *look->component->source ? "its source cannot state anything new"
                                                : "no source is registered",
                       look->component->source, "", "");
        return MICA_OK;
    }
    snprintf(text, sizeof text, "%s", look->component->source);
    for (char *word = strtok_r(text, " ", &save); word && n < SOURCES_MAX;
         word = strtok_r(NULL, " ", &save)) {
        unpin(word);
        sources[n++] = word;
    }
    if (mica_plan_make(look->store, (const char *const *)sources, n, &options, &plan, &problem) != MICA_OK) {
        mica_drift_say(look, MICA_DRIFT_NOT_SEEN, "the source could not be looked at",
                       look->component->source, problem.text, "");
        return MICA_OK;
    }
    look->drift->seen = json_object();
    enum mica_status status = look->drift->seen
                                  ? compare_plan(look, &plan, err)
                                  : mica_fail(err, MICA_ENOMEM, "%s: out of memory", look->component->name);
    mica_plan_release(&plan);
    return status;
}
