/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/registered.h"
#include "cli/rights_facts.h"
#include "govern/closure.h"
#include "govern/licence.h"
#include "govern/spdx.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>

/* Exit codes beside those of the statuses: what a pipeline branches on. */
enum { EXIT_NO = 10, EXIT_NEEDS_FACT = 11, EXIT_UNKNOWN = 12 };

static int verdict_exit(enum mica_verdict verdict)
{
    static const int codes[] = {[MICA_VERDICT_NEEDS_FACT] = EXIT_NEEDS_FACT,
                                [MICA_VERDICT_UNKNOWN] = EXIT_UNKNOWN,
                                [MICA_VERDICT_NO] = EXIT_NO};
    return codes[verdict];
}

/* What is asked about: a registered closure, or licences given as such. */
struct question {
    struct mica_registered of;
    struct mica_subject subjects[MICA_LIST_MAX * 3];
    int64_t n;
    char name[MICA_NAME_TEXT];
};

static void add_subjects(struct question *q, const struct mica_text_list *list, const char *relation,
                         bool declared)
{
    for (int i = 0; i < list->n; i++)
        q->subjects[q->n++] = (struct mica_subject){.component = list->items[i],
                                                    .kind = *relation == 't' ? "dataset" : "model",
                                                    .relation = relation,
                                                    .licence = declared ? "" : list->items[i],
                                                    .declared = list->items[i],
                                                    .text_seen = !declared};
}

static enum mica_status find_model(struct question *q, const char *text, struct mica_err *err)
{
    enum mica_status status = mica_cli_registered(text, &q->of, err);
    if (status == MICA_ENOTFOUND)
        return mica_fail(
            err, MICA_ENOTFOUND,
            "%s: neither a registered model ('mica list') nor, with --licence, asked as a licence", text);
    if (status == MICA_OK)
        snprintf(q->name, sizeof q->name, "%s", q->of.name);
    return status;
}

/* Whether text is an expression of licences that the table knows. */
static bool is_expression(const char *text)
{
    struct mica_spdx *spdx = NULL;
    bool known = mica_spdx_parse(text, &spdx, NULL) == MICA_OK;
    for (int i = 0; known && i < spdx->n; i++)
        for (int k = 0; k < spdx->any[i].n; k++)
            known = known && mica_licence_find(spdx->any[i].all[k]->id);
    mica_spdx_free(spdx);
    return known;
}

static enum mica_status decide(const struct question *q, const struct mica_facts *facts,
                               struct mica_decision **out, struct mica_err *err)
{
    return q->of.closure ? mica_closure_rights(q->of.closure, facts, out, err)
                         : mica_rights_decide(q->subjects, q->n, facts, out, err);
}

static void print_reasons(const struct mica_decision *d)
{
    for (int64_t i = 0; i < d->n_reasons; i++) {
        const struct mica_reason *r = &d->reasons[i];
        printf("  %-10s  %s", mica_verdict_text(r->effect), r->component);
        if (strcmp(r->component, r->licence) != 0)
            printf(", %s", *r->licence ? r->licence : "no licence");
        printf("%s%s, rule %s: %s\n", *r->clause ? " " : "", r->clause, r->rule, r->text);
    }
}

static void print_duties(const struct mica_decision *d)
{
    if (d->n_duties)
        printf("obligations\n");
    for (int64_t i = 0; i < d->n_duties; i++)
        printf("  %-14s %s%s%s: %s\n", d->duties[i].name, d->duties[i].licence,
               *d->duties[i].clause ? " " : "", d->duties[i].clause, d->duties[i].text);
}

static int print_decision(const struct question *q, const struct mica_facts *facts,
                          const struct mica_decision *d)
{
    printf("%s: %s\nfacts\n  ", q->name, mica_verdict_text(d->verdict));
    rights_facts_print(facts);
    printf("\nreasons\n");
    print_reasons(d);
    print_duties(d);
    if (d->n_missing)
        printf("needed\n ");
    for (int64_t i = 0; i < d->n_missing; i++)
        printf(" --%s", d->missing[i]);
    printf("%s", d->n_missing ? "\n" : "");
    return verdict_exit(d->verdict);
}

/* Takes the reference to usual, which may be NULL. */
static int print_json(const struct question *q, const struct mica_facts *facts, const struct mica_decision *d,
                      json_t *usual)
{
    struct mica_digest digest;
    char hex[MICA_DIGEST_HEX] = "";
    json_t *document = mica_decision_json(d);
    if (q->of.closure && mica_components_digest(q->of.closure, &digest))
        mica_digest_hex(&digest, hex);
    int failed = !document || json_object_set_new(document, "facts", mica_facts_json(facts)) ||
                 json_object_set_new(document, "subject", json_string(q->name)) ||
                 (usual && json_object_set(document, "usual", usual)) ||
                 (*hex && json_object_set_new(document, "register_digest", json_string(hex)));
    json_decref(usual);
    if (failed) {
        json_decref(document);
        document = NULL;
    }
    int code = mica_cli_print_json(document);
    return code ? code : verdict_exit(d->verdict);
}

/* In a few words: the obligations, or the first reason of the verdict's weight. */
static void print_short(const struct mica_decision *d)
{
    if (d->verdict == MICA_VERDICT_YES)
        printf("no obligations");
    for (int64_t i = 0; d->verdict == MICA_VERDICT_YES_WITH && i < d->n_duties; i++) {
        bool again = false;
        for (int64_t k = 0; k < i; k++)
            again = again || strcmp(d->duties[k].name, d->duties[i].name) == 0;
        printf("%s%s", again ? "" : i ? ", " : "", again ? "" : d->duties[i].name);
    }
    for (int64_t i = 0; d->verdict > MICA_VERDICT_YES_WITH && i < d->n_reasons; i++)
        if (d->reasons[i].effect == d->verdict) {
            const struct mica_reason *r = &d->reasons[i];
            printf("%s%s%s%s%s: %s", r->component, *r->licence ? ", " : "", r->licence, *r->clause ? " " : "",
                   r->clause, r->text);
            break;
        }
    printf("\n");
}

static const struct {
    const char *title, *key;
    enum mica_use use;
    bool distribute, host;
} usual[] = {
    {"private trial", "private", MICA_USE_PRIVATE, false, false},
    {"inside a company", "internal", MICA_USE_INTERNAL, false, false},
    {"hosted product", "hosted", MICA_USE_COMMERCIAL, false, true},
    {"shipped product", "shipped", MICA_USE_COMMERCIAL, true, false},
};

/* Nothing was said about the use: the answers to the usual questions, into *json_out or, when that is NULL,
 * printed. */
static enum mica_status answer_usual(const struct question *q, const struct mica_facts *facts,
                                     json_t **json_out, struct mica_err *err)
{
    json_t *all = json_object();
    for (size_t i = 0; i < MICA_COUNT(usual); i++) {
        struct mica_facts f = *facts;
        struct mica_decision *d;
        f.use = usual[i].use;
        f.distribute = usual[i].distribute;
        f.host = usual[i].host;
        enum mica_status status = decide(q, &f, &d, err);
        if (status != MICA_OK) {
            json_decref(all);
            return status;
        }
        if (json_out) {
            json_object_set_new(all, usual[i].key, mica_decision_json(d));
        } else {
            printf("  %-17s %-10s  ", usual[i].title, mica_verdict_text(d->verdict));
            print_short(d);
        }
        mica_decision_free(d);
    }
    if (json_out)
        *json_out = json_incref(all);
    json_decref(all);
    return MICA_OK;
}

static int print_usual(const struct question *q, const struct mica_facts *facts)
{
    struct mica_err err;
    printf("%s\n", q->name);
    enum mica_status status = answer_usual(q, facts, NULL, &err);
    if (status != MICA_OK)
        return mica_cli_fail(status, &err);
    printf("more: --use private|research|internal|commercial with --distribute, --host, --modified …\n");
    return 0;
}

static int answer(const struct question *q, const struct rights_args *args)
{
    struct mica_policy policy = {0};
    struct rights_lists lists = {0};
    struct mica_store *store = NULL;
    struct mica_decision *decision = NULL;
    struct mica_err err;
    int code = 0;
    enum mica_status status = mica_store_open(NULL, &store, &err);
    if (status == MICA_OK)
        status = mica_policy_load(args->policy, mica_store_home(store), &policy, &err);
    mica_store_close(store);
    if (status == MICA_OK)
        status = rights_facts(args, &lists, &policy.facts, &err);
    const struct mica_facts *f = &policy.facts;
    bool is_open =
        status == MICA_OK && !args->use && !policy.path && !f->distribute && !f->host && !f->domains;
    json_t *answers = NULL;
    if (status == MICA_OK && is_open && args->json)
        status = answer_usual(q, f, &answers, &err);
    if (status == MICA_OK && (!is_open || args->json))
        status = decide(q, f, &decision, &err);
    if (status != MICA_OK)
        code = mica_cli_fail(status, &err);
    else if (args->json)
        code = print_json(q, f, decision, json_incref(answers));
    else
        code = is_open ? print_usual(q, f) : print_decision(q, f, decision);
    json_decref(answers);
    mica_decision_free(decision);
    mica_arena_release(&lists.arena);
    mica_policy_release(&policy);
    return code;
}

static int print_domains(void)
{
    for (int i = 0; i < mica_domain_count(); i++)
        printf("%-24s %s\n", mica_domain_name(i), mica_domain_help(i));
    return 0;
}

static void defaults(void *data)
{
    struct rights_args *args = data;
    args->users = args->users_at_release = args->revenue = args->revenue_month = -1;
}

static int run(void *data, char **operands, int n_operands)
{
    const struct rights_args *args = data;
    struct question *q;
    struct mica_err err;
    enum mica_status status = MICA_OK;
    if (args->domains.n && strcmp(args->domains.items[0], "help") == 0)
        return print_domains();
    if (n_operands + (args->licences.n > 0) != 1)
        return mica_cli_usage("rights: give a model's name, or licences with --licence");
    if (!(q = mica_alloc(1, sizeof *q)))
        return mica_cli_fail(MICA_ENOMEM, &(struct mica_err){MICA_ENOMEM, "out of memory"});
    struct mica_text_list licences = args->licences;
    if (n_operands)
        status = find_model(q, operands[0], &err);
    if (status != MICA_OK && is_expression(operands[0])) {
        status = MICA_OK;
        licences.items[licences.n++] = operands[0];
    }
    if (licences.n) {
        snprintf(q->name, sizeof q->name, "%s", licences.items[0]);
        add_subjects(q, &licences, "", args->declared);
        add_subjects(q, &args->with, "base", args->declared);
        add_subjects(q, &args->trained_on, "trained_on", args->declared);
    }
    int code = status == MICA_OK ? answer(q, args) : mica_cli_fail(status, &err);
    mica_cli_registered_release(&q->of);
    mica_free(q);
    return code;
}

#define AT(field) offsetof(struct rights_args, field)
static const struct mica_option options[] = {
    {"licence", 0, MICA_OPT_LIST, AT(licences), "EXPR", "ask about an SPDX expression instead of a model"},
    {"with", 0, MICA_OPT_LIST, AT(with), "EXPR", "and a part (base, adapter, code) under this one"},
    {"trained-on", 0, MICA_OPT_LIST, AT(trained_on), "EXPR", "and training data under this one"},
    {"declared", 0, MICA_OPT_FLAG, AT(declared), NULL, "the licences are only stated; no text was seen"},
    {"use", 0, MICA_OPT_TEXT, AT(use), "USE", "private, research, internal or commercial"},
    {"distribute", 0, MICA_OPT_FLAG, AT(distribute), NULL, "copies go to others"},
    {"host", 0, MICA_OPT_FLAG, AT(host), NULL, "others use it over a network"},
    {"modified", 0, MICA_OPT_FLAG, AT(modified), NULL, "weights, code or text were changed"},
    {"trains-on-outputs", 0, MICA_OPT_TEXT, AT(trains), "yes|no", "other models are trained on its outputs"},
    {"users", 0, MICA_OPT_FLOAT, AT(users), "N", "monthly active users now"},
    {"users-at-release", 0, MICA_OPT_FLOAT, AT(users_at_release), "N",
     "the same in the month before its release"},
    {"revenue", 0, MICA_OPT_FLOAT, AT(revenue), "USD", "revenue a year"},
    {"revenue-month", 0, MICA_OPT_FLOAT, AT(revenue_month), "USD", "revenue a month"},
    {"seat", 0, MICA_OPT_TEXT, AT(seat), "CC", "country of the seat (ISO 3166, or EU)"},
    {"market", 0, MICA_OPT_LIST, AT(markets), "CC,CC", "countries where it is offered"},
    {"domain", 0, MICA_OPT_LIST, AT(domains), "DOMAIN", "a sensitive domain of use; 'help' lists them"},
    {"product", 0, MICA_OPT_TEXT, AT(product), "NAME", "name of the product"},
    {"registered", 0, MICA_OPT_LIST, AT(registered), "WHOM",
     "licensor with whom a registration or licence was made"},
    {"text-only", 0, MICA_OPT_FLAG, AT(text_only), NULL, "no multimodal model of the family is used"},
    {"policy", 0, MICA_OPT_TEXT, AT(policy), "FILE",
     "facts and policy; default ./mica.yaml, MICA_HOME/mica.yaml"},
    {"json", 0, MICA_OPT_FLAG, AT(json), NULL,
     "one JSON object; exit code 0 for YES and YES_WITH, 10 NO, 11 NEEDS_FACT, 12 UNKNOWN"},
};
const struct mica_command mica_command_rights = {
    options, MICA_COUNT(options), 0, 1, sizeof(struct rights_args), defaults, run};
