/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/rights_facts.h"

#include "base/yaml.h"
#include "govern/licence.h"

#include <stdio.h>
#include <string.h>

/* Splits the options' values at commas into out, which holds MICA_LIST_MAX and the NULL. */
static enum mica_status split(const struct mica_text_list *list, const char *flag, struct mica_arena *arena,
                              const char **out, const char *const **facts_list, struct mica_err *err)
{
    int n = 0;
    for (int i = 0; i < list->n; i++)
        for (const char *at = list->items[i]; *at;) {
            size_t len = strcspn(at, ",");
            if (n == MICA_LIST_MAX)
                return mica_fail(err, MICA_EARG, "--%s: more than %d values", flag, MICA_LIST_MAX);
            if (len && !(out[n++] = mica_arena_strndup(arena, at, len)))
                return mica_fail(err, MICA_ENOMEM, "--%s: out of memory", flag);
            at += len + (at[len] == ',');
        }
    out[n] = NULL;
    if (n)
        *facts_list = out;
    return MICA_OK;
}

static enum mica_status check_country(const char *text, const char *flag, struct mica_err *err)
{
    if (strlen(text) == 2)
        return MICA_OK;
    return mica_fail(err, MICA_EARG, "--%s: '%.30s' is no two-letter country code (or EU)", flag, text);
}

static enum mica_status check_domain(const char *text, struct mica_err *err)
{
    const char *names[64];
    int n = 0;
    for (; n < mica_domain_count() && n < (int)MICA_COUNT(names); n++) {
        names[n] = mica_domain_name(n);
        if (strcasecmp(names[n], text) == 0)
            return MICA_OK;
    }
    const char *nearest = mica_nearest(text, names, n);
    return mica_fail(err, MICA_EARG, "--domain: unknown '%.60s'%s%s%s; '--domain help' lists them", text,
                     nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

static enum mica_status check(const struct mica_facts *f, struct mica_err *err)
{
    enum mica_status status = f->seat[0] ? check_country(f->seat, "seat", err) : MICA_OK;
    for (const char *const *m = f->markets; m && *m && status == MICA_OK; m++)
        status = check_country(*m, "market", err);
    for (const char *const *d = f->domains; d && *d && status == MICA_OK; d++)
        status = check_domain(*d, err);
    return status;
}

static void set_number(double given, double *fact)
{
    if (given >= 0)
        *fact = given;
}

enum mica_status rights_facts(const struct rights_args *args, struct rights_lists *lists,
                              struct mica_facts *facts, struct mica_err *err)
{
    if (args->use && !mica_use_parse(args->use, &facts->use))
        return mica_fail(err, MICA_EARG, "--use: '%.40s' is not private, research, internal or commercial",
                         args->use);
    if (args->trains && strcmp(args->trains, "yes") != 0 && strcmp(args->trains, "no") != 0)
        return mica_fail(err, MICA_EARG, "--trains-on-outputs: '%.40s' is not yes or no", args->trains);
    if (args->trains)
        facts->trains_on_outputs = strcmp(args->trains, "yes") == 0;
    facts->distribute |= args->distribute;
    facts->host |= args->host;
    facts->modified |= args->modified;
    facts->text_only |= args->text_only;
    set_number(args->users, &facts->users_now);
    set_number(args->users_at_release, &facts->users_at_release);
    set_number(args->revenue, &facts->revenue_year);
    set_number(args->revenue_month, &facts->revenue_month);
    facts->seat = args->seat ? args->seat : facts->seat;
    facts->product = args->product ? args->product : facts->product;
    enum mica_status status =
        split(&args->markets, "market", &lists->arena, lists->markets, &facts->markets, err);
    if (status == MICA_OK)
        status = split(&args->domains, "domain", &lists->arena, lists->domains, &facts->domains, err);
    if (status == MICA_OK)
        status =
            split(&args->registered, "registered", &lists->arena, lists->registered, &facts->registered, err);
    return status == MICA_OK ? check(facts, err) : status;
}

static void print_list(const char *what, const char *const *list)
{
    if (!list || !*list)
        return;
    printf("; %s", what);
    for (int i = 0; list[i]; i++)
        printf("%s%s", i ? ", " : " ", list[i]);
}

static void print_number(const char *what, double value)
{
    if (value >= 0)
        printf("; %.0f %s", value, what);
}

void rights_facts_print(const struct mica_facts *f)
{
    printf("%s use", mica_use_text(f->use));
    if (f->product[0])
        printf(" in %s", f->product);
    printf("%s%s%s", f->distribute ? "; copies go to others" : "", f->host ? "; hosted for others" : "",
           f->modified ? "; modified" : "");
    if (!f->distribute && !f->host)
        printf("; not given to others");
    if (f->trains_on_outputs >= 0)
        printf("; %s on outputs", f->trains_on_outputs ? "trains" : "does not train");
    print_number("monthly users", f->users_now);
    print_number("monthly users at release", f->users_at_release);
    print_number("USD a year", f->revenue_year);
    print_number("USD a month", f->revenue_month);
    if (f->seat[0])
        printf("; seat %s", f->seat);
    print_list("markets", f->markets);
    print_list("for", f->domains);
    print_list("registered with", f->registered);
    if (f->text_only)
        printf("; text models only");
}
