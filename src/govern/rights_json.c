/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/rights.h"

#include <jansson.h>

/* What a reason rests on: a clause, or where it is no single one, the text or its absence. */
static const char *clause_of(const struct mica_reason *reason)
{
    return *reason->clause    ? reason->clause
           : *reason->licence ? "the licence as a whole"
                              : "no licence stated";
}

static json_t *reasons(const struct mica_decision *d)
{
    json_t *list = json_array();
    int failed = !list;
    for (int64_t i = 0; i < d->n_reasons && !failed; i++) {
        const struct mica_reason *r = &d->reasons[i];
        failed = json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "component",
                                                       r->component, "licence", r->licence, "clause",
                                                       clause_of(r), "rule", r->rule, "effect",
                                                       mica_verdict_text(r->effect), "text", r->text));
    }
    if (!failed)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *duties(const struct mica_decision *d)
{
    json_t *list = json_array();
    int failed = !list;
    for (int64_t i = 0; i < d->n_duties && !failed; i++) {
        const struct mica_duty *u = &d->duties[i];
        failed = json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "component", u->component,
                                                       "licence", u->licence, "clause", u->clause, "name",
                                                       u->name, "text", u->text));
    }
    if (!failed)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *texts(const char *const *list, int64_t n)
{
    json_t *array = json_array();
    int failed = !array;
    for (int64_t i = 0; i < n && list[i] && !failed; i++)
        failed = json_array_append_new(array, json_string(list[i]));
    if (!failed)
        return array;
    json_decref(array);
    return NULL;
}

json_t *mica_decision_json(const struct mica_decision *decision)
{
    return json_pack("{s:s, s:o, s:o, s:o}", "verdict", mica_verdict_text(decision->verdict), "reasons",
                     reasons(decision), "obligations", duties(decision), "missing_facts",
                     texts(decision->missing, decision->n_missing));
}

static int set_number(json_t *object, const char *name, double value)
{
    return value < 0 ? 0 : json_object_set_new(object, name, json_real(value));
}

static int set_list(json_t *object, const char *name, const char *const *list)
{
    return list && *list ? json_object_set_new(object, name, texts(list, INT64_MAX)) : 0;
}

json_t *mica_facts_json(const struct mica_facts *f)
{
    json_t *o =
        json_pack("{s:s, s:b, s:b, s:b, s:b}", "use", mica_use_text(f->use), "distribute", f->distribute,
                  "host", f->host, "modified", f->modified, "declared_is_enough", f->declared_is_enough);
    int failed = !o;
    if (!failed && f->trains_on_outputs >= 0)
        failed |= json_object_set_new(o, "trains_on_outputs", json_boolean(f->trains_on_outputs));
    if (!failed && f->text_only)
        failed |= json_object_set_new(o, "text_only", json_true());
    if (!failed && f->seat[0])
        failed |= json_object_set_new(o, "seat", json_string(f->seat));
    if (!failed && f->product[0])
        failed |= json_object_set_new(o, "product", json_string(f->product));
    if (!failed)
        failed |= set_number(o, "users", f->users_now) |
                  set_number(o, "users_at_release", f->users_at_release) |
                  set_number(o, "revenue", f->revenue_year) |
                  set_number(o, "revenue_month", f->revenue_month) | set_list(o, "markets", f->markets) |
                  set_list(o, "domains", f->domains) | set_list(o, "registered", f->registered);
    if (!failed)
        return o;
    json_decref(o);
    return NULL;
}
