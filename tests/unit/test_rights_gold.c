/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Every licence against twelve questions: tests/gold/rights.csv by the author of the table, rights_texts.csv
 * by somebody else from the licence texts alone, rights_combined.csv for several licences and components. */
#include "govern/rights.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define CLAUSE_PARTS "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
enum { QUESTIONS = 13, FIELDS = 6, COMPONENTS = 4 };

/* A small firm in the United States that knows its numbers. */
#define FIRM_BUT(trains, users, year, month, country)                                                        \
    .trains_on_outputs = trains, .users_now = users, .users_at_release = users, .revenue_year = year,        \
    .revenue_month = month, .seat = country, .markets = us, .product = "", .declared_is_enough = true
#define FIRM FIRM_BUT(0, 1000, 5e5, 4e4, "US")
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
    {"modify-host", false, {FIRM, .use = MICA_USE_COMMERCIAL, .host = true, .modified = true}},
    {"modify-ship", false, {FIRM, .use = MICA_USE_COMMERCIAL, .distribute = true, .modified = true}},
    {"train", false, {FIRM_BUT(1, 1000, 5e5, 4e4, "US"), .use = MICA_USE_COMMERCIAL, .distribute = true}},
    {"military", false, {FIRM, .use = MICA_USE_INTERNAL, .domains = military}},
    {"medical", false, {FIRM, .use = MICA_USE_COMMERCIAL, .host = true, .domains = medical}},
    {"users-800m", false, {FIRM_BUT(0, 8e8, 5e5, 4e4, "US"), .use = MICA_USE_COMMERCIAL, .host = true}},
    {"revenue-2m", false, {FIRM_BUT(0, 1000, 2e6, 1.7e5, "US"), .use = MICA_USE_COMMERCIAL, .host = true}},
    {"eu-seat", false, {FIRM_BUT(0, 1000, 5e5, 4e4, "DE"), .use = MICA_USE_COMMERCIAL, .host = true}},
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

/* The parts of a clause: "1.b.i" and "1(b)(i)" are the same three. */
static const char *next_part(const char **at, size_t *len)
{
    *at += strcspn(*at, CLAUSE_PARTS);
    const char *part = *at;
    *len = strspn(part, CLAUSE_PARTS);
    *at += *len;
    return part;
}

static bool same_clause(const char *a, const char *b)
{
    size_t len_a, len_b;
    const char *first = a;
    for (;;) {
        const char *part_a = next_part(&a, &len_a), *part_b = next_part(&b, &len_b);
        if (!len_a || !len_b)
            return a != first;
        if (len_a != len_b || strncasecmp(part_a, part_b, len_a) != 0)
            return false;
    }
}

/* Of a list ("3.2, 3.6") one clause is enough. */
static bool lists_clause(const char *list, const char *clause)
{
    for (const char *at = list; at; at = strchr(at, ',')) {
        char one[64];
        at += *at == ',';
        snprintf(one, sizeof one, "%.*s", (int)strcspn(at, ","), at);
        if (same_clause(one, clause))
            return true;
    }
    return false;
}

static bool cites_part_of(const struct mica_decision *d, const char *clause)
{
    bool found = false;
    for (int64_t i = 0; i < d->n_duties; i++)
        found = found || lists_clause(d->duties[i].clause, clause);
    for (int64_t i = 0; i < d->n_reasons; i++)
        found = found ||
                (d->reasons[i].effect >= MICA_VERDICT_YES_WITH && lists_clause(d->reasons[i].clause, clause));
    return found;
}

/* Whether "COPY/NOTICE" or "(COPY)" speaks of the obligation. */
static bool names_duty(const char *word, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = strstr(word, name); at; at = strstr(at + 1, name))
        if ((at == word || strchr("/(", at[-1])) && strchr("/)", at[len]))
            return true;
    return false;
}

/* The obligations as a whole: each word that is not in brackets is met, nothing else is asked for. */
static const char *compare_set(const struct mica_decision *d, const char *wanted)
{
    static char text[256];
    char *words[24], *state = NULL;
    int n = 0;
    snprintf(text, sizeof text, "%s", wanted);
    for (char *word = strtok_r(text, " ", &state); word && n < 24; word = strtok_r(NULL, " ", &state))
        words[n++] = word;
    for (int w = 0; w < n; w++) {
        bool met = words[w][0] == '(';
        for (int64_t i = 0; i < d->n_duties; i++)
            met = met || names_duty(words[w], d->duties[i].name);
        if (!met)
            return words[w];
    }
    for (int64_t i = 0; i < d->n_duties; i++) {
        bool known = false;
        for (int w = 0; w < n; w++)
            known = known || names_duty(words[w], d->duties[i].name);
        if (!known) {
            snprintf(text, sizeof text, "not %s", d->duties[i].name);
            return text;
        }
    }
    return "";
}

static const char *compare_reading(const struct mica_decision *d, char *fields[FIELDS])
{
    if (strcmp(mica_verdict_text(d->verdict), fields[2]) != 0)
        return mica_verdict_text(d->verdict);
    if (d->verdict <= MICA_VERDICT_YES_WITH) {
        const char *lacks = compare_set(d, fields[3]);
        if (*lacks)
            return lacks;
    }
    for (char *clause = fields[4]; d->verdict > MICA_VERDICT_YES && *clause;) {
        char *end = strstr(clause, "; ");
        if (end)
            *end = '\0';
        if (!cites_part_of(d, clause))
            return clause;
        clause = end ? end + 2 : clause + strlen(clause);
    }
    return "";
}

typedef const char *comparison(const struct mica_decision *d, char *fields[FIELDS]);

static bool decides_by(const struct mica_decision *d, const char *rule)
{
    for (int64_t i = 0; i < d->n_reasons; i++)
        if (strcmp(d->reasons[i].rule, rule) == 0)
            return true;
    return false;
}

static const char *compare_combined(const struct mica_decision *d, char *fields[FIELDS])
{
    char *state = NULL;
    if (strcmp(mica_verdict_text(d->verdict), fields[2]) != 0)
        return mica_verdict_text(d->verdict);
    for (char *name = strtok_r(fields[3], " ", &state); name; name = strtok_r(NULL, " ", &state))
        if (!has_duty(d, name))
            return name;
    for (char *rule = strtok_r(fields[4], " ", &state); rule; rule = strtok_r(NULL, " ", &state))
        if (decides_by(d, rule[0] == '!' ? rule + 1 : rule) == (rule[0] == '!'))
            return rule;
    return "";
}

/* "MIT + base LicenseRef-X" as subjects; the text is cut up. */
static int read_components(char *text, struct mica_subject subjects[COMPONENTS])
{
    int n = 0;
    for (char *at = text; at && n < COMPONENTS; n++) {
        char *end = strstr(at, " + "), *licence = at;
        const char *relation = "";
        if (end)
            *end = '\0';
        if (n > 0) {
            relation = at;
            licence = at + strcspn(at, " ");
            if (*licence)
                *licence++ = '\0';
        }
        subjects[n] =
            (struct mica_subject){n ? relation : "it", "model", relation, licence, "", licence[0] != '\0'};
        at = end ? end + 3 : NULL;
    }
    return n;
}

/* A row of one licence: "tag:X" is only stated, and so is everything in questions of declared licences. */
static int read_licence(char *text, bool declared, struct mica_subject *subject)
{
    bool is_tag = strncmp(text, "tag:", 4) == 0, stated = declared || is_tag;
    const char *licence = is_tag ? text + 4 : text;
    *subject =
        (struct mica_subject){"it", "model", "", stated ? "" : licence, stated ? licence : "", !stated};
    return 1;
}

static int check(char *fields[FIELDS], int line, comparison *compare_row)
{
    struct mica_subject subjects[COMPONENTS];
    char shown[256];
    snprintf(shown, sizeof shown, "%s, %s", fields[0], fields[1]);
    for (int q = 0; q < QUESTIONS; q++) {
        struct mica_decision *d = NULL;
        struct mica_facts facts = questions[q].facts;
        facts.data_share_alike = facts.data_unknown = MICA_DATA_WARN;
        if (strcmp(questions[q].name, fields[1]) != 0)
            continue;
        int n = compare_row == compare_combined ? read_components(fields[0], subjects)
                                                : read_licence(fields[0], questions[q].declared, subjects);
        assert_int_equal(mica_rights_decide(subjects, n, &facts, &d, NULL), MICA_OK);
        const char *lacks = compare_row(d, fields);
        if (*lacks)
            print_error("line %d: %s: expected %s; %s\n", line, shown, fields[2], lacks);
        int failed = *lacks != '\0';
        mica_decision_free(d);
        return failed;
    }
    print_error("line %d: unknown question '%s'\n", line, fields[1]);
    return 1;
}

static void check_file(const char *name, comparison *compare_row, int least)
{
    char path[1024], text[1024], *fields[FIELDS];
    const char *data = getenv("MICA_TEST_DATA");
    assert_non_null(data);
    snprintf(path, sizeof path, "%s/../gold/%s", data, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    int line = 0, n = 0, failed = 0;
    while (fgets(text, sizeof text, file)) {
        line++;
        if (text[0] == '#')
            continue;
        split(text, fields);
        failed += check(fields, line, compare_row);
        n++;
    }
    fclose(file);
    if (failed)
        fail_msg("%s: %d of %d rows", name, failed, n);
    assert_true(n >= least);
}

static void test_gold(void **state)
{
    check_file("rights.csv", compare, 45 * 12);
}

static void test_second_reading(void **state)
{
    check_file("rights_texts.csv", compare_reading, 70 * 11);
}

static void test_combined(void **state)
{
    check_file("rights_combined.csv", compare_combined, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_gold), cmocka_unit_test(test_second_reading),
                                       cmocka_unit_test(test_combined)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
