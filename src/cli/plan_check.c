/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/plan_check.h"
#include "cli/memory.h"
#include "cli/rights_facts.h"
#include "cli/terminal.h"
#include "govern/closure.h"
#include "govern/identify.h"
#include "store/look.h"

#include <stdio.h>
#include <string.h>

enum { ROOMY = 2 };

/* What the head of the model's file states; has_info says whether it could be read. */
struct seen {
    bool has_info;
    struct mica_model_info info;
    char licence[256]; /* concluded from licence texts, "" */
};

static uint64_t model_bytes(const struct mica_plan *plan)
{
    uint64_t bytes = 0;
    for (int64_t i = 0; i < plan->n_files; i++) {
        const struct mica_plan_file *file = &plan->files[i];
        bool counts = file->member_of || file->kind == MICA_LAYER_MODEL || file->kind == MICA_LAYER_FILE;
        if (counts && __builtin_add_overflow(bytes, file->size, &bytes))
            return UINT64_MAX;
    }
    return bytes;
}

/* ---- the head of a file that is far away ---- */

static bool inspect(void *user, const struct mica_files *files)
{
    struct seen *seen = user;
    seen->has_info = mica_model_inspect(files, &seen->info, NULL) == MICA_OK;
    return seen->has_info;
}

/* What cannot be read is not an error here: the fetch itself will say. */
static void read_head(const struct mica_plan_check *check, const struct mica_plan *plan, struct seen *seen)
{
    const struct mica_plan_file *file = mica_look_model(plan);
    struct mica_http *http;
    if (!file || !file->size || (file->has_digest && mica_store_has_blob(check->store, &file->digest)) ||
        mica_http_new(&(struct mica_http_options){.plain_http = check->plain_http, .attempts = 2}, &http,
                      NULL) != MICA_OK)
        return;
    mica_look_head(http, file, inspect, seen, NULL);
    mica_http_free(http);
}

/* ---- memory ---- */

static bool is_roomy(uint64_t bytes)
{
    struct mica_memory memory;
    mica_memory_available("", &memory);
    return bytes <= memory.available / ROOMY;
}

static enum mica_status check_memory(const struct mica_plan_check *check, const struct mica_plan *plan,
                                     const struct seen *seen, struct mica_err *err)
{
    struct mica_fit fit;
    struct mica_err why;
    enum mica_status status;
    if (check->any_size)
        return MICA_OK;
    if (seen->has_info) {
        mica_cli_fit(&seen->info, &check->session, &fit);
        status = mica_cli_fit_check(&fit, &why);
    } else {
        status = mica_cli_fit_size(model_bytes(plan), &why);
    }
    return status == MICA_OK ? MICA_OK
                             : mica_fail(err, status, "%s; --any-size fetches it nevertheless", why.text);
}

/* ---- terms ---- */

/* Adds what the licence texts are that the source brought before the weights. */
static enum mica_status read_licences(const struct mica_plan_check *check, const struct mica_plan *plan,
                                      struct seen *seen, struct mica_err *err)
{
    for (int64_t i = 0; i < plan->n_files; i++) {
        const struct mica_plan_file *file = &plan->files[i];
        struct mica_mapping *map;
        struct mica_licence_match match;
        if (file->kind != MICA_LAYER_LICENSE || !file->has_digest ||
            mica_store_blob_open(check->store, &file->digest, &map, NULL) != MICA_OK)
            continue;
        enum mica_status status =
            mica_licence_identify((const char *)mica_mapping_data(map), mica_mapping_size(map), &match, err);
        mica_mapping_free(map);
        if (status == MICA_EUNSUPPORTED)
            return MICA_OK;
        if (status != MICA_OK)
            return status;
        mica_free(match.diff);
        if (!match.id[0]) /* as the register will call it */
            snprintf(match.id, sizeof match.id, "LicenseRef-unidentified");
        size_t len = strlen(seen->licence);
        if (match.id[0] && len + strlen(match.id) + 6 < sizeof seen->licence &&
            !strstr(seen->licence, match.id))
            snprintf(seen->licence + len, sizeof seen->licence - len, "%s%s", len ? " AND " : "", match.id);
    }
    return MICA_OK;
}

/* Only a clear no ends it; what is not known is said. */
static enum mica_status judge(const struct mica_decision *decision, bool quiet, struct mica_err *err)
{
    static const struct mica_reason none = {"", "", "", "", ""};
    const struct mica_reason *why = NULL;
    if (decision->verdict < MICA_VERDICT_UNKNOWN)
        return MICA_OK;
    for (int64_t i = 0; i < decision->n_reasons && !why; i++)
        if (decision->reasons[i].effect == decision->verdict)
            why = &decision->reasons[i];
    why = why ? why : &none;
    if (decision->verdict == MICA_VERDICT_NO)
        return mica_fail(err, MICA_EDENIED, "%.100s: its terms (%.60s) do not allow this use: %.250s",
                         why->component, why->licence, why->text);
    if (!quiet)
        mica_terminal_say("warning: terms not known yet: %s", why->text);
    return MICA_OK;
}

/* The policy's facts, with --use over them. */
struct facts {
    struct mica_policy policy;
    struct rights_lists lists;
};

static enum mica_status load_facts(struct mica_store *store, const char *use, struct facts *facts,
                                   struct mica_err *err)
{
    const struct rights_args asked = {
        .use = use, .users = -1, .users_at_release = -1, .revenue = -1, .revenue_month = -1};
    enum mica_status status = mica_policy_load(NULL, mica_store_home(store), &facts->policy, err);
    return status == MICA_OK ? rights_facts(&asked, &facts->lists, &facts->policy.facts, err) : status;
}

static void release_facts(struct facts *facts)
{
    mica_arena_release(&facts->lists.arena);
    mica_policy_release(&facts->policy);
}

static enum mica_status check_terms(const struct mica_plan_check *check, const struct mica_plan *plan,
                                    const struct seen *seen, struct mica_err *err)
{
    const struct mica_subject subject = {.component = plan->source,
                                         .kind = "model",
                                         .relation = "",
                                         .licence = seen->licence,
                                         .declared = plan->declared   ? plan->declared
                                                     : seen->has_info ? seen->info.license
                                                                      : "",
                                         .text_seen = seen->licence[0] != '\0'};
    struct facts facts = {0};
    struct mica_decision *decision = NULL;
    enum mica_status status = load_facts(check->store, check->use, &facts, err);
    /* What lies here states its terms in a moment, when it is recorded. */
    bool is_here = plan->n_files > 0 && strncmp(plan->files[0].url, "file:", 5) == 0;
    if (status == MICA_OK)
        status = mica_rights_decide(&subject, 1, &facts.policy.facts, &decision, err);
    if (status == MICA_OK)
        status = judge(decision, check->quiet || is_here, err);
    mica_decision_free(decision);
    release_facts(&facts);
    return status;
}

enum mica_status mica_cli_push_check(struct mica_store *store, const struct mica_name *name, const char *use,
                                     bool quiet, struct mica_err *err)
{
    struct mica_register *reg = NULL;
    struct mica_components *found = NULL, *closure = NULL;
    struct mica_decision *decision = NULL;
    struct facts facts = {0};
    char text[MICA_NAME_TEXT];
    mica_name_print(name, text);
    enum mica_status status = load_facts(store, use, &facts, err);
    facts.policy.facts.distribute = true;
    if (status == MICA_OK)
        status = mica_register_open(mica_store_home(store), &reg, err);
    if (status == MICA_OK)
        status = mica_register_find(reg, MICA_COMPONENT_MODEL, text, &found, err);
    if (status == MICA_OK)
        status = mica_register_closure(reg, found->rows[0].id, &closure, err);
    if (status == MICA_OK)
        status = mica_closure_rights(closure, &facts.policy.facts, &decision, err);
    if (status == MICA_OK)
        status = judge(decision, quiet, err);
    if (status == MICA_ENOTFOUND) {
        status = MICA_OK;
        if (!quiet)
            mica_terminal_say("warning: %s is not registered, so its terms are not known: mica register %s",
                              text, text);
    }
    mica_decision_free(decision);
    mica_components_free(closure);
    mica_components_free(found);
    mica_register_close(reg);
    release_facts(&facts);
    return status;
}

enum mica_status mica_cli_plan_check(const struct mica_plan_check *check, const struct mica_plan *plan,
                                     struct mica_err *err)
{
    struct seen seen = {0};
    enum mica_status status = read_licences(check, plan, &seen, err);
    if (status != MICA_OK)
        return status;
    /* The head costs a few MB: it is read only where it can change the answer. */
    bool asks_terms = !plan->declared && !seen.licence[0];
    bool asks_memory = !check->any_size && (check->session.ctx || !is_roomy(model_bytes(plan)));
    if (asks_terms || asks_memory)
        read_head(check, plan, &seen);
    status = check_memory(check, plan, &seen, err);
    return status == MICA_OK ? check_terms(check, plan, &seen, err) : status;
}
