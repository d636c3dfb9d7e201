/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Drift at the source: what it would bring now if it were pulled again, of which only texts, small archives
 * and the heads of models are fetched. */
#include "govern/drift_internal.h"
#include "govern/evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SOURCES_MAX = 64 };

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

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_url(const char *source)
{
    return begins_with(source, "https:") || begins_with(source, "http:");
}

/* Sources that can state something else tomorrow. */
static bool is_remote(const char *source)
{
    static const char *const schemes[] = {"hf:", "pypi:", "npm:", "ollama:", "oci:"};
    for (size_t i = 0; i < MICA_COUNT(schemes); i++)
        if (begins_with(source, schemes[i]))
            return true;
    return is_url(source);
}

static bool is_registry(const char *source)
{
    return begins_with(source, "ollama:") || begins_with(source, "oci:");
}

/* ---- statements ---- */

/* What a person states, or other files than the source's card, the source need not state. */
static bool is_own_statement(const struct mica_drift_look *look, const char *before)
{
    const char *asserted = json_string_value(json_object_get(look->card, "asserted"));
    return (asserted && strcmp(asserted, before) == 0) || look->component->kind == MICA_COMPONENT_DATASET;
}

static void compare_declared(struct mica_drift_look *look, const char *now)
{
    const char *before = mica_drift_accepted(look, "declared");
    if (!before)
        before = json_string_value(json_object_get(look->card, "source_declared"));
    if (!before)
        before = look->component->declared_card;
    if (!now || !*now) {
        if (*before && is_own_statement(look, before))
            mica_drift_say(look, MICA_DRIFT_NOT_SEEN, "licence stated by the source", before,
                           "the source states none", "");
        else if (*before)
            mica_drift_say(look, MICA_DRIFT_CHANGED, "licence stated by the source", before, "nothing", "");
    } else if (!*before) {
        mica_drift_say(look, MICA_DRIFT_SAME, "licence stated by the source; none was registered", "", now,
                       "");
    } else if (mica_drift_same_licence(before, now)) {
        mica_drift_say(look, MICA_DRIFT_SAME, "licence stated by the source", before, "", "");
    } else {
        mica_drift_say(look, MICA_DRIFT_CHANGED, "licence stated by the source", before, now, "");
        json_object_set_new(look->drift->seen, "declared",
                            json_string(mica_drift_clean(look, now, 1000, false)));
    }
}

/* ---- what it would bring now ---- */

static enum mica_status compare_plan(struct mica_drift_look *look, struct mica_plan *plan,
                                     struct mica_err *err)
{
    const char *source = look->component->source, *before = look->component->revision,
               *now = plan->revision ? plan->revision : "", *licence = "";
    bool moved = *before && *now && strcmp(before, now) != 0;
    json_object_set_new(look->drift->seen, "revision", json_string(now));
    if (moved)
        mica_drift_say(look, MICA_DRIFT_SAME,
                       is_registry(source) ? "the tag stands for another manifest, the registered one stays"
                                           : "the source has moved on, the registered revision stays",
                       before, now, "");
    enum mica_status status = mica_drift_texts(look, plan, moved, &licence, err);
    if (status != MICA_OK)
        return status;
    compare_declared(look, plan->declared ? plan->declared : licence);
    if (look->manifest)
        mica_drift_keys(look, plan, is_url(source));
    return MICA_OK;
}

static void not_seen(struct mica_drift_look *look, const char *why)
{
    mica_drift_say(look, MICA_DRIFT_NOT_SEEN, "the source could not be looked at", look->component->source,
                   why, "");
}

static enum mica_status look_at_plan(struct mica_drift_look *look, char *text, struct mica_err *err)
{
    const struct mica_pull_options options = {.plain_http = look->options->plain_http,
                                              .attempts = 2,
                                              .texts = !look->manifest,
                                              .dataset = look->component->kind == MICA_COMPONENT_DATASET};
    char *sources[SOURCES_MAX], *save = NULL;
    int n = 0;
    struct mica_plan plan = {0};
    struct mica_err problem;
    for (char *word = strtok_r(text, " ", &save); word && n < SOURCES_MAX;
         word = strtok_r(NULL, " ", &save)) {
        unpin(word);
        sources[n++] = word;
    }
    if (mica_plan_make(look->store, (const char *const *)sources, n, &options, &plan, &problem) != MICA_OK) {
        not_seen(look, problem.text);
        return MICA_OK;
    }
    look->drift->seen = json_object();
    enum mica_status status = look->drift->seen
                                  ? compare_plan(look, &plan, err)
                                  : mica_fail(err, MICA_ENOMEM, "%s: out of memory", look->component->name);
    mica_plan_release(&plan);
    return status;
}

/* ---- a page ---- */

/* A card that lies somewhere: what it states counts. Other pages state nothing that can be compared. */
static enum mica_status look_at_page(struct mica_drift_look *look, char *url, struct mica_err *err)
{
    const struct mica_plan_file file = {.url = url, .title = url};
    struct mica_card card = {0};
    struct mica_buf text = {0};
    struct mica_err problem;
    enum mica_status status = mica_look_text(look->http, look->store, &file, &text, &problem);
    if (status == MICA_OK)
        status = mica_card_read(text.data, text.len, "the page", &look->drift->arena, &card, &problem);
    mica_buf_release(&text);
    if (status == MICA_ENOMEM)
        return mica_fail(err, status, "%s", problem.text);
    if (status != MICA_OK) {
        not_seen(look, problem.text);
        return MICA_OK;
    }
    if (!card.licence) {
        not_seen(look, "the page states no licence that can be read (a card with front matter would)");
        return MICA_OK;
    }
    if (!(look->drift->seen = json_object()))
        return mica_fail(err, MICA_ENOMEM, "%s: out of memory", look->component->name);
    compare_declared(look, card.licence);
    return MICA_OK;
}

/* ---- where ---- */

/* A page of the hub, or a way to spell its data sets, as "hf:OWNER/NAME". */
static void to_hub(char *source, size_t size)
{
    const char *endpoint = getenv("HF_ENDPOINT");
    const char *const hubs[] = {"https://huggingface.co", endpoint && *endpoint ? endpoint : "https://hf.co"};
    char copy[4096];
    const char *rest = begins_with(source, "hf:datasets/") ? source + strlen("hf:datasets/") : NULL;
    for (size_t i = 0; i < MICA_COUNT(hubs) && !rest; i++)
        if (begins_with(source, hubs[i]) && begins_with(source + strlen(hubs[i]), "/datasets/"))
            rest = source + strlen(hubs[i]) + strlen("/datasets/");
    if (!rest)
        return;
    snprintf(copy, sizeof copy, "%s", rest);
    char *slash = strchr(copy, '/');
    if (slash) /* "/tree/main" is nobody's */
        slash[1 + strcspn(slash + 1, "/?#")] = '\0';
    snprintf(source, size, "hf:%.*s", (int)size - 4, copy);
}

enum mica_status mica_drift_look_at_source(struct mica_drift_look *look, struct mica_err *err)
{
    const struct mica_http_options options = {.plain_http = look->options->plain_http, .attempts = 2};
    char text[4096];
    bool is_dataset = look->component->kind == MICA_COMPONENT_DATASET;
    snprintf(text, sizeof text, "%s", look->component->source);
    if (is_dataset)
        to_hub(text, sizeof text);
    if (!is_remote(text)) {
        mica_drift_say(look, MICA_DRIFT_NOT_SEEN,
                       *text ? "its source cannot state anything new" : "no source is registered", text, "",
                       "");
        return MICA_OK;
    }
    enum mica_status status = mica_http_new(&options, &look->http, err);
    if (status == MICA_OK)
        status = is_dataset && is_url(text) ? look_at_page(look, text, err) : look_at_plan(look, text, err);
    mica_http_free(look->http);
    look->http = NULL;
    return status;
}
