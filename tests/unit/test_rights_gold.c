/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* tests/gold/rights.csv: every licence against twelve questions, as somebody who read the texts would answer.
 */
#include "govern/rights.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { QUESTIONS = 12, FIELDS = 5 };

/* A small firm in the United States that knows its numbers. */
#define FIRM                                                                                                 \
    .trains_on_outputs = 0, .users_now = 1000, .users_at_release = 1000, .revenue_year = 5e5,                \
    .revenue_month = 4e4, .seat = "US", .markets = us, .product = "", .declared_is_enough = true
static const char *const us[] = {"US", NULL};
static const char *const military[] = {"military", NULL}, *const medical[] = {"medical-advice", NULL};
static const struct {
    const char *name;
    bool declared;
    struct mica_facts facts;
} questions[QUESTIONS] = {
    {"private",
     false,
     {.use = MICA_USE_PRIVATE,
      .trains_on_outputs = -1,
      .users_now = -1,
      .users_at_release = -1,
      .revenue_year = -1,
      .revenue_month = -1,
      .seat = "",
      .product = "",
      .declared_is_enough = true}},
    {"internal", false, {FIRM, .use = MICA_USE_INTERNAL}},
    {"ship", false, {FIRM, .use = MICA_USE_COMMERCIAL, .distribute = true}},
    {"host", false, {FIRM, .use = MICA_USE_COMMERCIAL, .host = true}},
    {"modify-ship", false, {FIRM, .use = MICA_USE_COMMERCIAL, .distribute = true, .modified = true}},
    {"train",
     false,
     {.trains_on_outputs = 1,
      .users_now = 1000,
      .users_at_release = 1000,
      .revenue_year = 5e5,
      .revenue_month = 4e4,
      .seat = "US",
      .markets = us,
      .product = "",
      .declared_is_enough = true,
      .use = MICA_USE_COMMERCIAL,
      .distribute = true}},
    {"military", false, {FIRM, .use = MICA_USE_INTERNAL, .domains = military}},
    {"medical", false, {FIRM, .use = MICA_USE_COMMERCIAL, .host = true, .domains = medical}},
    {"users-800m",
     false,
     {.trains_on_outputs = 0,
      .users_now = 8e8,
      .users_at_release = 8e8,
      .revenue_year = 5e5,
      .revenue_month = 4e4,
      .seat = "US",
      .markets = us,
      .product = "",
      .declared_is_enough = true,
      .use = MICA_USE_COMMERCIAL,
      .host = true}},
    {"revenue-2m",
     false,
     {.trains_on_outputs = 0,
      .users_now = 1000,
      .users_at_release = 1000,
      .revenue_year = 2e6,
      .revenue_month = 1.7e5,
      .seat = "US",
      .markets = us,
      .product = "",
      .declared_is_enough = true,
      .use = MICA_USE_COMMERCIAL,
      .host = true}},
    {"eu-seat",
     false,
     {.trains_on_outputs = 0,
      .users_now = 1000,
      .users_at_release = 1000,
      .revenue_year = 5e5,
      .revenue_month = 4e4,
      .seat = "DE",
      .markets = us,
      .product = "",
      .declared_is_enough = true,
      .use = MICA_USE_COMMERCIAL,
      .host = true}},
    {"no-text", true, {FIRM, .use = MICA_USE_COMMERCIAL, .distribute = true}},
};

/* Splits a line at " | " in place; missing fields are "". */
static void split(char *line, char *fields[FIELDS])
{
    line[strcspn(line, "\n")] = '\0';
    for (int i = 0; i < FIELDS; i++) {
        char *bar = strstr(line, " | ");
        fields[i] = line;
        line = bar ? bar + 3 : line + strlen(line);
        if (bar)
            *bar = '\0';
    }
}

static bool has_duty(const struct mica_decision *d, const char *name)
{
    for (int64_t i = 0; i < d->n_duties; i++)
        if (strcmp(d->duties[i].name, name) == 0)
            return true;
    return false;
}

static bool cites(const struct mica_decision *d, const char *clause)
{
    bool found = false;
    for (int64_t i = 0; i < d->n_duties; i++)
        found = found || strcmp(d->duties[i].clause, clause) == 0;
    for (int64_t i = 0; i < d->n_reasons; i++)
        found = found ||
                (strcmp(d->reasons[i].clause, clause) == 0 && d->reasons[i].effect >= MICA_VERDICT_YES_WITH);
    return found;
}

/* What the decision lacks of the row, or "". */
static const char *compare(const struct mica_decision *d, char *fields[FIELDS])
{
    char *state = NULL;
    if (strcmp(mica_verdict_text(d->verdict), fields[2]) != 0)
        return mica_verdict_text(d->verdict);
    for (char *name = strtok_r(fields[3], " ", &state); name; name = strtok_r(NULL, " ", &state))
        if (!has_duty(d, name))
            return name;
    for (char *clause = fields[4]; d->verdict > MICA_VERDICT_YES && *clause;) {
        char *end = strstr(clause, "; ");
        if (end)
            *end = '\0';
        if (!cites(d, clause))
            return clause;
        clause = end ? end + 2 : clause + strlen(clause);
    }
    return d->verdict == MICA_VERDICT_YES && d->n_duties ? "no obligations" : "";
}

static int check(char *fields[FIELDS], int line)
{
    bool is_tag = strncmp(fields[0], "tag:", 4) == 0;
    for (int q = 0; q < QUESTIONS; q++) {
        if (strcmp(questions[q].name, fields[1]) != 0)
            continue;
        bool stated = questions[q].declared || is_tag;
        const char *licence = is_tag ? fields[0] + 4 : fields[0];
        struct mica_subject subject = {"it",   "model", "", stated ? "" : licence, stated ? licence : "",
                                       !stated};
        struct mica_decision *d = NULL;
        assert_int_equal(mica_rights_decide(&subject, 1, &questions[q].facts, &d, NULL), MICA_OK);
        const char *lacks = compare(d, fields);
        if (*lacks)
            print_error("line %d: %s, %s: expected %s; %s\n", line, fields[0], fields[1], fields[2], lacks);
        int failed = *lacks != '\0';
        mica_decision_free(d);
        return failed;
    }
    print_error("line %d: unknown question '%s'\n", line, fields[1]);
    return 1;
}

static void test_gold(void **state)
{
    char path[1024], text[1024], *fields[FIELDS];
    const char *data = getenv("MICA_TEST_DATA");
    assert_non_null(data);
    snprintf(path, sizeof path, "%s/../gold/rights.csv", data);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    int line = 0, n = 0, failed = 0;
    while (fgets(text, sizeof text, file)) {
        line++;
        if (text[0] == '#')
            continue;
        split(text, fields);
        failed += check(fields, line);
        n++;
    }
    fclose(file);
    if (failed)
        fail_msg("%d of %d rows", failed, n);
    assert_true(n >= 45 * QUESTIONS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_gold)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
