/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* One licence's terms against the facts. */
#include "govern/rights_internal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool in_company(const struct mica_facts *f)
{
    return f->use == MICA_USE_INTERNAL || f->use == MICA_USE_COMMERCIAL;
}

static bool is_shared(const struct mica_facts *f, const struct mica_licence *row)
{
    return f->distribute || (f->host && row->flags & MICA_LICENCE_HOSTING);
}

static bool applies(const struct mica_term *term, const struct mica_facts *f, const struct mica_licence *row)
{
    bool is_public = f->distribute || f->host;
    bool trains = f->trains_on_outputs == 1;
    const bool holds[] = {
        [MICA_WHEN_ANY] = true,
        [MICA_WHEN_COPIES] = f->distribute,
        [MICA_WHEN_SHARE] = is_shared(f, row),
        [MICA_WHEN_PUBLIC] = is_public,
        [MICA_WHEN_CHANGED] = f->modified && is_shared(f, row),
        [MICA_WHEN_HOST] = f->host,
        [MICA_WHEN_NETWORK] = f->modified && f->host,
        [MICA_WHEN_COMPANY] = in_company(f),
        [MICA_WHEN_COMMERCIAL] = f->use == MICA_USE_COMMERCIAL,
        [MICA_WHEN_TRAIN] = trains,
        [MICA_WHEN_TRAINED_PUBLIC] = trains && is_public,
        [MICA_WHEN_DERIVED_PUBLIC] = (trains || f->modified) && is_public,
    };
    return holds[term->when];
}

/* A list that ends in NULL, or is NULL. */
static bool has(const char *const *list, const char *text)
{
    for (; list && *list; list++)
        if (strcasecmp(*list, text) == 0)
            return true;
    return false;
}

static bool is_registered(const struct mica_facts *f, const struct mica_licence *row)
{
    return row->licensor[0] && has(f->registered, row->licensor);
}

static const struct {
    const char *flag, *words;
    size_t offset;
} metrics[] = {
    [MICA_METRIC_USERS_NOW] = {"users", "monthly users", offsetof(struct mica_facts, users_now)},
    [MICA_METRIC_USERS_AT_RELEASE] = {"users-at-release", "monthly users at the release",
                                      offsetof(struct mica_facts, users_at_release)},
    [MICA_METRIC_REVENUE_YEAR] = {"revenue", "USD of revenue a year",
                                  offsetof(struct mica_facts, revenue_year)},
    [MICA_METRIC_REVENUE_MONTH] = {"revenue-month", "USD of revenue a month",
                                   offsetof(struct mica_facts, revenue_month)},
};

static double metric(const struct mica_facts *f, enum mica_metric which)
{
    double value;
    memcpy(&value, (const char *)f + metrics[which].offset, sizeof value);
    return value;
}

static const char *bar_rule(const struct mica_term *term)
{
    static const struct {
        const char *name, *rule;
    } rules[] = {{"OUTPUT_BAN", "outputs"}, {"HOSTED", "hosting"}, {"ND", "no-derivatives"}};
    for (size_t i = 0; i < MICA_COUNT(rules); i++)
        if (strcmp(rules[i].name, term->name) == 0)
            return rules[i].rule;
    return "non-commercial";
}

static bool is_nc(const struct mica_term *term)
{
    return term->kind == MICA_TERM_BAR && strcmp(bar_rule(term), "non-commercial") == 0;
}

/* Rules 2, 5 and 7: what is forbidden. */
static void apply_bar(struct judge *j, const struct prepared *p, const struct mica_licence *row,
                      const struct mica_term *term)
{
    bool can_be_granted = strcmp(term->name, "HOSTED") == 0;
    if (applies(term, j->facts, row) && !(can_be_granted && is_registered(j->facts, row)))
        judge_reason(j, p, row->id, term->clause, bar_rule(term), MICA_VERDICT_NO, "%s", term->text);
}

/* Whether a limit of the row that ends in a duty is known to be exceeded: then no other number is needed. */
static bool duty_is_due(const struct judge *j, const struct mica_licence *row)
{
    for (int i = 0; i < row->n_terms; i++) {
        const struct mica_term *term = &row->terms[i];
        if (term->kind == MICA_TERM_LIMIT && term->effect == MICA_LIMIT_DUTY &&
            metric(j->facts, term->metric) > term->value)
            return true;
    }
    return false;
}

/* Rule 3. Who uses it privately or for research is not asked for numbers, but numbers given count. */
static void apply_limit(struct judge *j, const struct prepared *p, const struct mica_licence *row,
                        const struct mica_term *term)
{
    double value = metric(j->facts, term->metric);
    const char *flag = metrics[term->metric].flag;
    bool is_duty = term->effect == MICA_LIMIT_DUTY;
    if (!applies(term, j->facts, row) || (term->effect == MICA_LIMIT_ASK && is_registered(j->facts, row)))
        return;
    if (value < 0) {
        if (!in_company(j->facts) || (is_duty && duty_is_due(j, row)))
            return;
        judge_missing(j, flag);
        judge_reason(j, p, row->id, term->clause, "threshold", MICA_VERDICT_NEEDS_FACT, "--%s is needed: %s",
                     flag, term->text);
    } else if (value > term->value && is_duty) {
        judge_duty(j, p, row->id, term->clause, "DISPLAY", term->text);
    } else if (value > term->value) {
        judge_reason(j, p, row->id, term->clause, "threshold", MICA_VERDICT_NO, "%.0f %s: %s", value,
                     metrics[term->metric].words, term->text);
    }
}

/* People and the EU's own offices write UK and EL: a place that is excluded must not be missed for that. */
static const char *iso_country(const char *country)
{
    return strcasecmp(country, "UK") == 0 ? "GB" : strcasecmp(country, "EL") == 0 ? "GR" : country;
}

static bool is_eu(const char *country)
{
    static const char members[] =
        "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE EU";
    const char *at = strlen(country) == 2 ? strcasestr(members, country) : NULL;
    return at && (at - members) % 3 == 0;
}

/* Whether country lies in one of the places ("EU GB KR"). */
static bool lies_in(const char *country, const char *places)
{
    country = iso_country(country);
    const char *at = strlen(country) == 2 ? strcasestr(places, country) : NULL;
    return (at && (at - places) % 3 == 0) || (strstr(places, "EU") && is_eu(country));
}

/* Rule 4, places. A private user who does not say where he sits is told the condition. */
static void apply_territory(struct judge *j, const struct prepared *p, const struct mica_licence *row,
                            const struct mica_term *term)
{
    const struct mica_facts *f = j->facts;
    unsigned how = (unsigned)term->value;
    if (how & 2 && f->text_only)
        return;
    if (f->seat[0] && lies_in(f->seat, term->name))
        judge_reason(j, p, row->id, term->clause, "territory", MICA_VERDICT_NO, "seat %s: %s", f->seat,
                     term->text);
    for (const char *const *market = how & 1 ? f->markets : NULL; market && *market; market++)
        if (lies_in(*market, term->name))
            judge_reason(j, p, row->id, term->clause, "territory", MICA_VERDICT_NO, "market %s: %s", *market,
                         term->text);
    if (!in_company(f)) {
        if (!f->seat[0])
            judge_duty(j, p, row->id, term->clause, "CONDITION", term->text);
        return;
    }
    if (!f->seat[0]) {
        judge_missing(j, "seat");
        judge_reason(j, p, row->id, term->clause, "territory", MICA_VERDICT_NEEDS_FACT,
                     "--seat is needed: %s", term->text);
    }
    if (how & 1 && !f->markets && (f->distribute || f->host)) {
        judge_missing(j, "market");
        judge_reason(j, p, row->id, term->clause, "territory", MICA_VERDICT_NEEDS_FACT,
                     "--market is needed: %s", term->text);
    }
}

/* Rule 4, domains. */
static void apply_domain(struct judge *j, const struct prepared *p, const struct mica_licence *row,
                         const char *domain)
{
    bool found = false;
    for (int i = 0; i < row->n_terms; i++) {
        const struct mica_term *term = &row->terms[i];
        if (!term->name || strcasecmp(term->name, domain) != 0)
            continue;
        found = true;
        if (term->kind == MICA_TERM_DOMAIN)
            judge_reason(j, p, row->id, term->clause, "domain", MICA_VERDICT_NO, "%s", term->text);
        else if (term->kind == MICA_TERM_CONDITION)
            judge_duty(j, p, row->id, term->clause, "CONDITION", term->text);
    }
    if (!found && row->flags & MICA_LICENCE_UNREAD)
        judge_reason(j, p, row->id, "", "policy-unread", MICA_VERDICT_UNKNOWN,
                     "what its use policy says of %s is not in Mica's table; read the policy", domain);
}

/* A name that begins as the duty's text quotes it ("… with 'Llama'") does what is asked. */
static bool name_is_right(const struct mica_facts *f, const struct mica_term *term)
{
    const char *quoted = strchr(term->text, '\''), *end = quoted ? strchr(quoted + 1, '\'') : NULL;
    return end && strcmp(term->name, "NAME_PREFIX") == 0 &&
           strncmp(f->product, quoted + 1, (size_t)(end - quoted - 1)) == 0;
}

/* A use policy is stated with the domains that the table knows it to forbid. */
static void use_policy_duty(struct judge *j, const struct prepared *p, const struct mica_licence *row,
                            const struct mica_term *policy)
{
    char text[1024];
    size_t at = (size_t)snprintf(text, sizeof text, "%.600s", policy->text);
    const char *joint = "; not for ";
    for (int i = 0; i < row->n_terms && at < sizeof text - 64; i++) {
        if (row->terms[i].kind != MICA_TERM_DOMAIN)
            continue;
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%.40s", joint, row->terms[i].name);
        joint = ", ";
    }
    judge_duty(j, p, row->id, policy->clause, policy->name, text);
}

/* Rule 8. */
static void apply_duty(struct judge *j, const struct prepared *p, const struct mica_licence *row,
                       const struct mica_term *term)
{
    bool done = strcmp(term->name, "REGISTER") == 0 && is_registered(j->facts, row);
    done = done || name_is_right(j->facts, term);
    if (done || !applies(term, j->facts, row))
        return;
    if (strcmp(term->name, "USE_POLICY") == 0)
        use_policy_duty(j, p, row, term);
    else
        judge_duty(j, p, row->id, term->clause, term->name, term->text);
}

static void apply_term(struct judge *j, const struct prepared *p, const struct mica_licence *row,
                       const struct mica_term *term)
{
    if (!term->name)
        return;
    switch (term->kind) {
    case MICA_TERM_DUTY:
        apply_duty(j, p, row, term);
        break;
    case MICA_TERM_BAR:
        apply_bar(j, p, row, term);
        break;
    case MICA_TERM_LIMIT:
        apply_limit(j, p, row, term);
        break;
    case MICA_TERM_HOSTING:
        if (j->facts->host && !j->facts->distribute)
            judge_reason(j, p, row->id, term->clause, "hosting", MICA_VERDICT_YES_WITH, "%s", term->text);
        break;
    case MICA_TERM_TERRITORY:
        apply_territory(j, p, row, term);
        break;
    default:
        break; /* domains are looked up by name */
    }
}

/* Training data is not handed on with the model: its terms are weighed by policy. */
static void apply_data(struct judge *j, const struct prepared *p, const struct mica_licence *row)
{
    static const enum mica_verdict effects[] = {MICA_VERDICT_NO, MICA_VERDICT_YES_WITH, MICA_VERDICT_YES};
    bool shares = !(row->flags & MICA_LICENCE_RESULTS) && row->share >= MICA_SHARE_WORK &&
                  row->share <= MICA_SHARE_ADAPTED;
    for (int i = 0; i < row->n_terms; i++)
        if (is_nc(&row->terms[i]) && applies(&row->terms[i], j->facts, row))
            judge_reason(j, p, row->id, row->terms[i].clause, "training-data", effects[j->facts->data_nc],
                         "trained on data for non-commercial use (policy data.non_commercial): %s",
                         row->terms[i].text);
    if (shares && (j->facts->distribute || j->facts->host))
        judge_reason(
            j, p, row->id, "", "training-data", effects[j->facts->data_share_alike],
            "trained on share-alike data (policy data.share_alike); whether a model adapts it is unsettled");
}

/* What was found, in a line per licence, so that a permission names its component and licence, too. */
static void conclude(struct judge *j, const struct prepared *p, const struct mica_licence *row,
                     int64_t first_reason, int64_t first_duty)
{
    const struct mica_decision *d = j->out;
    char names[300] = "", clauses[300] = "";
    size_t at = 0, clause_at = 0;
    for (int64_t i = first_duty; i < d->n_duties && at < sizeof names - 32; i++) {
        const struct mica_duty *duty = &d->duties[i];
        if (!strstr(names, duty->name))
            at += (size_t)snprintf(names + at, sizeof names - at, "%s%.28s", at ? ", " : "", duty->name);
        if (*duty->clause && !strstr(clauses, duty->clause) && clause_at < sizeof clauses - 48)
            clause_at += (size_t)snprintf(clauses + clause_at, sizeof clauses - clause_at, "%s%.40s",
                                          clause_at ? ", " : "", duty->clause);
    }
    for (int64_t i = first_reason; i < d->n_reasons; i++)
        if (d->reasons[i].effect > MICA_VERDICT_YES_WITH)
            return;
    if (at)
        judge_reason(j, p, row->id, clauses, "obligations", MICA_VERDICT_YES_WITH, "allowed with %s", names);
    else
        judge_reason(j, p, row->id, "", "permitted", MICA_VERDICT_YES, "allowed; this use brings no duties");
}

void rights_apply(struct judge *j, const struct prepared *p, const struct mica_licence *row)
{
    int64_t first_reason = j->out->n_reasons, first_duty = j->out->n_duties;
    if (p->is_data)
        apply_data(j, p, row);
    for (int i = 0; !p->is_data && i < row->n_terms; i++)
        apply_term(j, p, row, &row->terms[i]);
    for (const char *const *domain = j->facts->domains; !p->is_data && domain && *domain; domain++)
        apply_domain(j, p, row, *domain);
    if (row->flags & MICA_LICENCE_SECONDARY)
        judge_reason(j, p, row->id, "", "secondary-source", MICA_VERDICT_YES,
                     "the table's row follows secondary sources; have counsel read the text");
    if (row->flags & MICA_LICENCE_SECONDARY_POLICY && !p->is_data)
        judge_reason(
            j, p, row->id, "", "secondary-source", MICA_VERDICT_YES,
            "what the table says of its use policy follows secondary sources; have counsel read that");
    if (!p->is_data)
        conclude(j, p, row, first_reason, first_duty);
}
