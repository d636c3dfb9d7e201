/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The decision over a closure, rule by rule; each rule only adds reasons, and the verdict is the worst of
 * their effects:
 *   1. no licence, a family of licences, a modified or unknown text: UNKNOWN
 *   2. terms that keep commerce or production out: NO
 *   3. thresholds: their effect when exceeded, NEEDS_FACT when the number is not known
 *   4. territories and domains: NO there, or a condition
 *   5. hosting: forbidden, or counted as distribution
 *   6. share-alike terms that cannot hold together in one distributed work: NO; training data by policy
 *   7. training on outputs: forbidden, or with duties on the name
 *   8. what is left is allowed, with the obligations whose conditions the facts meet
 * Rows of the table that were not read from the text say so in a reason that changes no verdict. */
#include "govern/identify.h"
#include "govern/rights_internal.h"

#include <stdio.h>
#include <string.h>

enum { COMBINATIONS = 256 };

static const char *keep(struct judge *j, const char *text)
{
    char *copy = mica_arena_strndup(&j->out->arena, text, strlen(text));
    if (!copy)
        j->failed = true;
    return copy ? copy : "";
}

void judge_reason(struct judge *j, const struct prepared *p, const char *licence, const char *clause,
                  const char *rule, enum mica_verdict effect, const char *fmt, ...)
{
    struct mica_decision *d = j->out;
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (!mica_grow(&d->reasons, d->n_reasons, &d->reasons_capacity, sizeof *d->reasons)) {
        j->failed = true;
        return;
    }
    d->reasons[d->n_reasons++] = (struct mica_reason){
        keep(j, p->subject->component), keep(j, licence), keep(j, clause), rule, keep(j, text), effect};
    if (effect > d->verdict)
        d->verdict = effect;
}

void judge_duty(struct judge *j, const struct prepared *p, const char *licence, const char *clause,
                const char *name, const char *text)
{
    struct mica_decision *d = j->out;
    if (!mica_grow(&d->duties, d->n_duties, &d->duties_capacity, sizeof *d->duties)) {
        j->failed = true;
        return;
    }
    d->duties[d->n_duties++] = (struct mica_duty){keep(j, p->subject->component), keep(j, licence),
                                                  keep(j, clause), name, keep(j, text)};
    if (d->verdict < MICA_VERDICT_YES_WITH)
        d->verdict = MICA_VERDICT_YES_WITH;
}

void judge_missing(struct judge *j, const char *fact)
{
    struct mica_decision *d = j->out;
    for (int64_t i = 0; i < d->n_missing; i++)
        if (strcmp(d->missing[i], fact) == 0)
            return;
    if (!mica_grow(&d->missing, d->n_missing, &d->missing_capacity, sizeof *d->missing))
        j->failed = true;
    else
        d->missing[d->n_missing++] = fact;
}

const struct mica_licence *rights_row(const struct mica_spdx_licence *licence)
{
    char id[160];
    if (licence->or_later && strstr(licence->id, "GPL-")) {
        size_t len = strlen(licence->id), only = strlen("-only");
        bool has_only = len > only && strcasecmp(licence->id + len - only, "-only") == 0;
        snprintf(id, sizeof id, "%.*s-or-later", (int)(has_only ? len - only : len), licence->id);
        return mica_licence_find(id);
    }
    return mica_licence_find(licence->id);
}

static bool is_nothing(const char *text)
{
    static const char *const words[] = {"", "none", "noassertion", "unknown", "null"};
    for (size_t i = 0; i < MICA_COUNT(words); i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

/* Whether the text is an expression whose licences all have rows. */
static enum mica_status read_known(const char *text, struct mica_spdx **out, struct mica_err *err)
{
    struct mica_spdx *spdx = NULL;
    enum mica_status status = mica_spdx_parse(text, &spdx, err);
    bool known = status == MICA_OK;
    for (int i = 0; known && i < spdx->n; i++)
        for (int k = 0; k < spdx->any[i].n; k++)
            known = known && rights_row(spdx->any[i].all[k]);
    if (known)
        *out = spdx;
    else
        mica_spdx_free(spdx);
    return status == MICA_ENOMEM ? status : MICA_OK;
}

/* A licence that is only stated: a tag, or an expression. */
static enum mica_status prepare_declared(struct prepared *p, struct mica_err *err)
{
    char id[128];
    const char *declared = p->subject->declared;
    p->shown = declared;
    p->declared = true;
    if (is_nothing(declared)) {
        p->rule = "no-licence";
        p->text =
            "no licence is stated, so all rights are reserved; ask the owner, or state it: mica register "
            "NAME --licence FILE|ID";
        return MICA_OK;
    }
    enum mica_status status = read_known(declared, &p->spdx, err);
    if (status != MICA_OK || p->spdx)
        return status;
    if (mica_licence_canonical(declared, id))
        status = read_known(id, &p->spdx, err);
    if (status == MICA_OK && !p->spdx) {
        p->rule = "tag-only";
        p->text = "the tag names no one licence text that Mica knows; get the text and register it";
    }
    return status;
}

static enum mica_status prepare(const struct mica_subject *subject, struct prepared *p, struct mica_err *err)
{
    *p = (struct prepared){.subject = subject, .shown = subject->licence, .declared = !subject->text_seen};
    p->is_data = strcmp(subject->relation, "trained_on") == 0 || strcmp(subject->relation, "tested_on") == 0;
    if (!subject->licence[0])
        return prepare_declared(p, err);
    if (strncasecmp(subject->licence, "LicenseRef-modified-", 20) == 0) {
        p->rule = "modified-text";
        p->text = "the text differs from the licence that it resembles; read the difference (mica show) and "
                  "ask counsel";
        return MICA_OK;
    }
    if (is_nothing(subject->licence)) {
        p->rule = "no-licence";
        p->text = "no licence was found; without one all rights are reserved";
        return MICA_OK;
    }
    enum mica_status status = mica_spdx_parse(subject->licence, &p->spdx, err);
    if (status == MICA_EFORMAT || status == MICA_ELIMIT) {
        p->rule = "unreadable";
        p->text = "this is no SPDX licence expression";
        return MICA_OK;
    }
    return status;
}

static void judge_stated(struct judge *j, const struct prepared *p)
{
    bool enough = j->facts->declared_is_enough;
    judge_reason(
        j, p, p->shown, "", "declared-only", enough ? MICA_VERDICT_YES : MICA_VERDICT_UNKNOWN, "%s",
        enough ? "the licence is only stated, its text was not seen"
               : "the licence is only stated and the policy asks for its text (declared_is_enough: false)");
}

/* Whether a duty on the licence text or a notice was found for the component after first. */
static bool has_text_duty(const struct mica_decision *d, int64_t first)
{
    for (int64_t i = first; i < d->n_duties; i++)
        if (strcmp(d->duties[i].name, "COPY") == 0 || strcmp(d->duties[i].name, "NOTICE") == 0)
            return true;
    return false;
}

static void judge_unknown(struct judge *j, const struct prepared *p, const char *licence, const char *rule,
                          const char *text)
{
    static const enum mica_verdict effects[] = {MICA_VERDICT_UNKNOWN, MICA_VERDICT_YES_WITH,
                                                MICA_VERDICT_YES};
    judge_reason(j, p, licence, "", rule, p->is_data ? effects[j->facts->data_unknown] : MICA_VERDICT_UNKNOWN,
                 "%s", text);
}

/* Rule 1, then the others for every licence of the chosen alternative. */
static void judge_subject(struct judge *j, const struct prepared *p)
{
    int64_t first = j->out->n_duties;
    if (!p->spdx) {
        judge_unknown(j, p, p->shown, p->rule, p->text);
        return;
    }
    if (p->declared && !p->is_data)
        judge_stated(j, p);
    const struct mica_spdx_alternative *chosen = &p->spdx->any[p->chosen];
    for (int i = 0; i < chosen->n; i++) {
        const struct mica_spdx_licence *licence = chosen->all[i];
        const struct mica_licence *row = rights_row(licence);
        bool drops_share;
        if (!row)
            judge_unknown(j, p, licence->id, "no-row", "the licence table has no row for it; read its text");
        else if (licence->exception[0] && !mica_exception_find(licence->exception, &drops_share))
            judge_unknown(j, p, licence->exception, "no-row",
                          "the table has no row for this exception; read its text");
        else
            rights_apply(j, p, row);
    }
    if (p->declared && !p->is_data && has_text_duty(j->out, first))
        judge_duty(j, p, p->shown, "", "TEXT",
                   "get the licence text and its notices: they did not come with the files");
}

static enum mica_status judge_all(const struct prepared *prepared, int64_t n, const struct mica_facts *facts,
                                  struct mica_decision **out, struct mica_err *err)
{
    struct judge j = {.facts = facts, .out = mica_alloc(1, sizeof **out)};
    if (!j.out)
        return mica_fail(err, MICA_ENOMEM, "rights: out of memory");
    for (int64_t i = 0; i < n; i++)
        judge_subject(&j, &prepared[i]);
    rights_clashes(&j, prepared, n);
    if (j.failed) {
        mica_decision_free(j.out);
        return mica_fail(err, MICA_ENOMEM, "rights: out of memory");
    }
    *out = j.out;
    return MICA_OK;
}

/* The next combination of alternatives; false when all were seen. */
static bool next_combination(struct prepared *prepared, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        if (!prepared[i].spdx)
            continue;
        if (++prepared[i].chosen < prepared[i].spdx->n)
            return true;
        prepared[i].chosen = 0;
    }
    return false;
}

static bool is_better(const struct mica_decision *a, const struct mica_decision *b)
{
    return a->verdict != b->verdict ? a->verdict < b->verdict : a->n_duties < b->n_duties;
}

static enum mica_status choose(struct prepared *prepared, int64_t n, const struct mica_facts *facts,
                               struct mica_decision **out, struct mica_err *err)
{
    struct mica_decision *best = NULL;
    int tried = 0;
    do {
        struct mica_decision *one = NULL;
        enum mica_status status = judge_all(prepared, n, facts, &one, err);
        if (status != MICA_OK) {
            mica_decision_free(best);
            return status;
        }
        if (best && !is_better(one, best)) {
            mica_decision_free(one);
            continue;
        }
        mica_decision_free(best);
        best = one;
    } while (++tried < COMBINATIONS && next_combination(prepared, n));
    *out = best;
    return MICA_OK;
}

enum mica_status mica_rights_decide(const struct mica_subject *subjects, int64_t n_subjects,
                                    const struct mica_facts *facts, struct mica_decision **out,
                                    struct mica_err *err)
{
    struct prepared *prepared = mica_alloc((size_t)n_subjects, sizeof *prepared);
    enum mica_status status = prepared ? MICA_OK : mica_fail(err, MICA_ENOMEM, "rights: out of memory");
    for (int64_t i = 0; i < n_subjects && status == MICA_OK; i++)
        status = prepare(&subjects[i], &prepared[i], err);
    if (status == MICA_OK)
        status = choose(prepared, n_subjects, facts, out, err);
    for (int64_t i = 0; i < n_subjects && prepared; i++)
        mica_spdx_free(prepared[i].spdx);
    mica_free(prepared);
    return status;
}

void mica_decision_free(struct mica_decision *decision)
{
    if (!decision)
        return;
    mica_free(decision->reasons);
    mica_free(decision->duties);
    mica_free(decision->missing);
    mica_arena_release(&decision->arena);
    mica_free(decision);
}
