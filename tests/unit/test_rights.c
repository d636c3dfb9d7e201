/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Licence expressions, the table's own consistency, decisions over several components, and mica.yaml. The
 * verdicts licence by licence are in tests/gold/rights.csv. */
#include "base/fs.h"
#include "govern/licence.h"
#include "govern/rights.h"
#include "govern/spdx.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* "a+b|c" for (a AND b) OR c. */
static void print_choice(const struct mica_spdx *spdx, char out[1024])
{
    size_t at = 0;
    for (int i = 0; i < spdx->n; i++)
        for (int k = 0; k < spdx->any[i].n; k++) {
            const struct mica_spdx_licence *l = spdx->any[i].all[k];
            at += (size_t)snprintf(out + at, 1024 - at, "%s%s%s%s%s",
                                   k   ? "+"
                                   : i ? "|"
                                       : "",
                                   l->id, l->or_later ? ">" : "", *l->exception ? "/" : "", l->exception);
        }
}

static void test_expressions(void **state)
{
    static const struct {
        const char *text, *choice;
    } rows[] = {
        {"MIT", "MIT"},
        {" ( MIT ) ", "MIT"},
        {"MIT AND Apache-2.0", "MIT+Apache-2.0"},
        {"MIT OR Apache-2.0 AND BSD-3-Clause", "MIT|Apache-2.0+BSD-3-Clause"},
        {"(MIT OR Apache-2.0) AND (ISC OR Zlib)", "MIT+ISC|MIT+Zlib|Apache-2.0+ISC|Apache-2.0+Zlib"},
        {"GPL-2.0+ WITH Classpath-exception-2.0", "GPL-2.0>/Classpath-exception-2.0"},
        {"mit or isc", "mit|isc"},
        {"LicenseRef-CreativeML-OpenRAIL++-M", "LicenseRef-CreativeML-OpenRAIL++-M"},
        {"DocumentRef-x:LicenseRef-y AND 0BSD", "DocumentRef-x:LicenseRef-y+0BSD"},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_spdx *spdx = NULL;
        struct mica_err err = {0};
        char choice[1024] = "";
        if (mica_spdx_parse(rows[i].text, &spdx, &err) != MICA_OK)
            fail_msg("'%s': %s", rows[i].text, err.text);
        print_choice(spdx, choice);
        mica_spdx_free(spdx);
        if (strcmp(choice, rows[i].choice) != 0)
            fail_msg("'%s': %s, not %s", rows[i].text, choice, rows[i].choice);
    }
}

static void test_bad_expressions(void **state)
{
    static const char *const rows[] = {
        "",
        "AND",
        "MIT AND",
        "MIT Apache-2.0",
        "(MIT",
        "MIT)",
        "MIT WITH",
        "MIT WITH (Classpath-exception-2.0)",
        "OR MIT",
        "MI/T",
        "M+IT",
        "()",
        "MIT,ISC",
        "a:b",
        "MIT OR OR ISC",
        "MIT WITH AND",
        "-MIT",
        "(MIT OR ISC) WITH LLVM-exception",
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_spdx *spdx = NULL;
        struct mica_err err = {0};
        if (mica_spdx_parse(rows[i], &spdx, &err) != MICA_EFORMAT || spdx ||
            !strstr(err.text, "at character"))
            fail_msg("'%s' was read, or badly refused: %s", rows[i], err.text);
    }
    char deep[200] = "", wide[MICA_SPDX_LENGTH + 2] = "";
    struct mica_spdx *spdx = NULL;
    memset(deep, '(', 40);
    memcpy(deep + 40, "MIT", 3);
    memset(deep + 43, ')', 40);
    assert_int_equal(mica_spdx_parse(deep, &spdx, NULL), MICA_ELIMIT);
    for (int i = 0; i < 7; i++)
        strcat(wide, i ? " AND (a OR b)" : "(a OR b)");
    assert_int_equal(mica_spdx_parse(wide, &spdx, NULL), MICA_ELIMIT);
    memset(wide, 'a', MICA_SPDX_LENGTH + 1);
    assert_int_equal(mica_spdx_parse(wide, &spdx, NULL), MICA_ELIMIT);
}

static enum mica_verdict decide_one(const char *licence, const struct mica_facts *facts)
{
    struct mica_subject subject = {"it", "model", "", licence, "", true};
    struct mica_decision *d = NULL;
    assert_int_equal(mica_rights_decide(&subject, 1, facts, &d, NULL), MICA_OK);
    enum mica_verdict verdict = d->verdict;
    mica_decision_free(d);
    return verdict;
}

/* Every row's column of rights says what its terms decide, for a small company; every clause is stated. */
static void test_rows(void **state)
{
    struct mica_facts small;
    mica_facts_default(&small);
    small.use = MICA_USE_COMMERCIAL;
    small.users_now = small.users_at_release = 10;
    small.revenue_year = small.revenue_month = 10;
    small.seat = "US";
    small.markets = (const char *const[]){"US", NULL};
    for (int i = 0; i < mica_licence_count(); i++) {
        const struct mica_licence *row = mica_licence_at(i);
        struct mica_facts facts[4] = {small, small, small, small};
        facts[1].host = true;
        facts[2].distribute = facts[3].distribute = facts[3].modified = true;
        facts[2].use = facts[3].use = MICA_USE_PRIVATE;
        for (int k = 0; k < 4; k++) {
            bool is_no = decide_one(row->id, &facts[k]) == MICA_VERDICT_NO;
            bool says_no = row->rights[k] == 'n',
                 may_be = row->rights[k] == 'c' || (k == 1 && row->rights[0] == 'n');
            if (is_no != says_no && !may_be)
                fail_msg("%s: column %d is %c, but the decision is %s NO", row->id, k, row->rights[k],
                         is_no ? "" : "not");
        }
        for (int k = 0; k < row->n_terms; k++)
            if (row->terms[k].name && (!row->terms[k].clause[0] || !row->terms[k].text[0]))
                fail_msg("%s: term %s has no clause or no text", row->id, row->terms[k].name);
        for (int k = 0; k < i; k++)
            if (strcasecmp(mica_licence_at(k)->id, row->id) == 0)
                fail_msg("%s has two rows", row->id);
    }
    assert_true(mica_licence_count() > 80);
}

struct combination {
    const char *first, *second, *relation;
    enum mica_use use;
    bool distribute, host;
    enum mica_verdict verdict;
    const char *rule;
};

static void check_combination(const struct combination *row, size_t i)
{
    struct mica_subject subjects[2] = {{"first", "model", "", row->first, "", true},
                                       {"second", "model", row->relation, row->second, "", true}};
    struct mica_facts facts;
    struct mica_decision *d = NULL;
    bool found = false;
    mica_facts_default(&facts);
    facts.use = row->use;
    facts.distribute = row->distribute;
    facts.host = row->host;
    facts.seat = "US";
    facts.users_now = facts.users_at_release = facts.revenue_year = facts.revenue_month = 1;
    assert_int_equal(mica_rights_decide(subjects, row->second ? 2 : 1, &facts, &d, NULL), MICA_OK);
    for (int64_t k = 0; k < d->n_reasons; k++)
        found = found || (strcmp(d->reasons[k].rule, row->rule) == 0 && d->reasons[k].effect == d->verdict);
    if (d->verdict != row->verdict || !found)
        fail_msg("row %zu, %s and %s: %s, rule %s %s", i, row->first, row->second ? row->second : "nothing",
                 mica_verdict_text(d->verdict), row->rule, found ? "found" : "not found");
    mica_decision_free(d);
}

#define P       MICA_USE_PRIVATE
#define C       MICA_USE_COMMERCIAL
#define YES     MICA_VERDICT_YES
#define WITH    MICA_VERDICT_YES_WITH
#define NO      MICA_VERDICT_NO
#define UNKNOWN MICA_VERDICT_UNKNOWN
static void test_combinations(void **state)
{
    static const struct combination rows[] = {
        /* share-alike in one distributed work */
        {"GPL-2.0-only", "Apache-2.0", "base", C, true, false, NO, "share-alike"},
        {"GPL-2.0-only", "Apache-2.0", "base", C, false, false, YES, "permitted"},
        {"GPL-2.0-or-later", "Apache-2.0", "base", C, true, false, WITH, "obligations"},
        {"GPL-2.0+", "Apache-2.0", "base", C, true, false, WITH, "obligations"},
        {"GPL-3.0-only", "Apache-2.0", "base", C, true, false, WITH, "obligations"},
        {"GPL-2.0-only", "GPL-3.0-only", "base", C, true, false, NO, "share-alike"},
        {"GPL-2.0-only", "MIT", "base", C, true, false, WITH, "obligations"},
        {"GPL-2.0-only", "BSD-4-Clause", "base", C, true, false, NO, "share-alike"},
        {"GPL-2.0-only", "LGPL-2.1-only", "base", C, true, false, WITH, "obligations"},
        {"GPL-2.0-only", "LGPL-3.0-only", "base", C, true, false, NO, "share-alike"},
        {"GPL-2.0-only WITH Classpath-exception-2.0", "Apache-2.0", "base", C, true, false, WITH,
         "obligations"},
        {"GPL-3.0-only", "AGPL-3.0-only", "base", C, true, false, WITH, "obligations"},
        {"GPL-2.0-only", "AGPL-3.0-only", "base", C, false, true, NO, "share-alike"},
        {"AGPL-3.0-only", "CDDL-1.0", "base", C, false, true, NO, "share-alike"},
        {"CC-BY-SA-4.0", "CC-BY-4.0", "base", C, true, false, WITH, "obligations"},
        {"CC-BY-SA-4.0", "GPL-3.0-only", "base", C, true, false, WITH, "obligations"},
        {"CC-BY-SA-4.0", "GPL-2.0-only", "base", C, true, false, NO, "share-alike"},
        {"CC-BY-SA-4.0", "CC-BY-SA-3.0", "base", C, true, false, WITH, "obligations"},
        {"CC-BY-SA-4.0", "LicenseRef-Llama-3.1", "base", C, true, false, NO, "share-alike"},
        {"GPL-3.0-only", "LicenseRef-Gemma", "adapter", C, true, false, NO, "share-alike"},
        {"GPL-2.0-only AND Apache-2.0", NULL, "", C, true, false, NO, "share-alike"},
        /* alternatives: the best, also where only one avoids a clash */
        {"GPL-2.0-only OR MIT", NULL, "", C, true, false, WITH, "obligations"},
        {"CC-BY-NC-4.0 OR Apache-2.0", NULL, "", C, true, false, WITH, "obligations"},
        {"Apache-2.0 OR GPL-2.0-only", "GPL-2.0-only", "base", C, true, false, WITH, "obligations"},
        {"MIT AND CC-BY-NC-4.0", NULL, "", C, true, false, NO, "non-commercial"},
        /* the closure is as good as its worst part */
        {"Apache-2.0", "CC-BY-NC-4.0", "base", C, false, false, NO, "non-commercial"},
        {"Apache-2.0", "CC-BY-NC-4.0", "base", P, false, false, YES, "permitted"},
        {"Apache-2.0", "", "base", P, false, false, UNKNOWN, "no-licence"},
        {"Apache-2.0", "LicenseRef-modified-MIT", "adapter", P, false, false, UNKNOWN, "modified-text"},
        {"Apache-2.0", "LicenseRef-Unheard-Of", "base", P, false, false, UNKNOWN, "no-row"},
        {"Apache-2.0 WITH Unheard-exception", NULL, "", P, false, false, UNKNOWN, "no-row"},
        {"not an expression", NULL, "", P, false, false, UNKNOWN, "unreadable"},
        {"NOASSERTION", NULL, "", P, false, false, UNKNOWN, "no-licence"},
        /* training data by policy */
        {"Apache-2.0", "CC-BY-NC-4.0", "trained_on", C, true, false, NO, "training-data"},
        {"Apache-2.0", "CC-BY-NC-4.0", "trained_on", P, false, false, YES, "permitted"},
        {"Apache-2.0", "CC-BY-SA-4.0", "trained_on", C, true, false, WITH, "training-data"},
        {"Apache-2.0", "ODbL-1.0", "trained_on", C, false, true, WITH, "training-data"},
        {"Apache-2.0", "", "trained_on", C, false, true, WITH, "no-licence"},
        {"Apache-2.0", "CDLA-Permissive-2.0", "trained_on", C, false, true, YES, "permitted"},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++)
        check_combination(&rows[i], i);
}

/* What is only stated: a tag of one text counts by policy and asks for the text; a family does not. */
static void test_declared(void **state)
{
    static const struct {
        const char *declared;
        bool enough;
        enum mica_verdict verdict;
        const char *rule;
    } rows[] = {
        {"apache-2.0", true, MICA_VERDICT_YES_WITH, "declared-only"},
        {"Apache License 2.0", true, MICA_VERDICT_YES_WITH, "declared-only"},
        {"MIT OR Apache-2.0", true, MICA_VERDICT_YES_WITH, "declared-only"},
        {"gemma", true, MICA_VERDICT_YES_WITH, "declared-only"},
        {"apache-2.0", false, MICA_VERDICT_UNKNOWN, "declared-only"},
        {"openrail", true, MICA_VERDICT_UNKNOWN, "tag-only"},
        {"other", true, MICA_VERDICT_UNKNOWN, "tag-only"},
        {"unknown", true, MICA_VERDICT_UNKNOWN, "no-licence"},
        {"", true, MICA_VERDICT_UNKNOWN, "no-licence"},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_subject subject = {"it", "model", "", "", rows[i].declared, false};
        struct mica_facts facts;
        struct mica_decision *d = NULL;
        mica_facts_default(&facts);
        facts.use = MICA_USE_COMMERCIAL;
        facts.distribute = true;
        facts.declared_is_enough = rows[i].enough;
        assert_int_equal(mica_rights_decide(&subject, 1, &facts, &d, NULL), MICA_OK);
        bool wants_text = d->n_duties > 0 && strcmp(d->duties[d->n_duties - 1].name, "TEXT") == 0;
        if (d->verdict != rows[i].verdict || strcmp(d->reasons[0].rule, rows[i].rule) != 0 ||
            (d->verdict == MICA_VERDICT_YES_WITH && !wants_text))
            fail_msg("'%s': %s, rule %s", rows[i].declared, mica_verdict_text(d->verdict),
                     d->reasons[0].rule);
        mica_decision_free(d);
    }
}

static void test_json(void **state)
{
    struct mica_subject subject = {"it", "model", "", "LicenseRef-Qwen", "", true};
    struct mica_facts facts;
    struct mica_decision *d = NULL;
    mica_facts_default(&facts);
    facts.use = MICA_USE_COMMERCIAL;
    facts.host = true;
    assert_int_equal(mica_rights_decide(&subject, 1, &facts, &d, NULL), MICA_OK);
    json_t *json = mica_decision_json(d), *known = mica_facts_json(&facts);
    assert_string_equal(json_string_value(json_object_get(json, "verdict")), "NEEDS_FACT");
    assert_string_equal(json_string_value(json_array_get(json_object_get(json, "missing_facts"), 0)),
                        "users");
    json_t *reason = json_array_get(json_object_get(json, "reasons"), 0);
    assert_string_equal(json_string_value(json_object_get(reason, "clause")), "4");
    assert_string_equal(json_string_value(json_object_get(known, "use")), "commercial");
    assert_null(json_object_get(known, "users"));
    json_decref(json);
    json_decref(known);
    mica_decision_free(d);
}

static enum mica_status load_policy(const char *text, struct mica_policy *out, struct mica_err *err)
{
    char path[] = "/tmp/mica-policy-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    enum mica_status status = mica_policy_load(path, NULL, out, err);
    unlink(path);
    return status;
}

static void test_policy(void **state)
{
    struct mica_policy policy;
    struct mica_err err = {0};
    if (load_policy("facts: {use: commercial, host: yes, users: 5e6, seat: DE, markets: [DE, FR],\n"
                    "  domains: medical-advice, trains_on_outputs: no}\n"
                    "policy: {declared_is_enough: no, data: {share_alike: block}, signatures: required,\n"
                    "  keys: a.pub, drift_blocks: no}\n",
                    &policy, &err) != MICA_OK)
        fail_msg("%s", err.text);
    const struct mica_facts *f = &policy.facts;
    assert_true(f->use == MICA_USE_COMMERCIAL && f->host && !f->distribute && f->users_now == 5e6);
    assert_true(f->users_at_release == -1 && f->trains_on_outputs == 0 && !f->declared_is_enough);
    assert_true(f->data_nc == MICA_DATA_BLOCK && f->data_share_alike == MICA_DATA_BLOCK);
    assert_true(policy.signatures == MICA_SIGNATURE_REQUIRED && !policy.drift_blocks && policy.unregistered);
    assert_string_equal(f->markets[1], "FR");
    assert_string_equal(f->domains[0], "medical-advice");
    assert_string_equal(policy.keys[0], "/tmp/a.pub");
    mica_policy_release(&policy);
    assert_int_equal(load_policy("facts: {uses: commercial}\n", &policy, &err), MICA_EFORMAT);
    assert_non_null(strstr(err.text, ":1: unknown key 'uses'; did you mean 'use'?"));
    assert_int_equal(load_policy("facts: {domains: [war]}\n", &policy, &err), MICA_EFORMAT);
    assert_int_equal(mica_policy_load("/nowhere/mica.yaml", NULL, &policy, &err), MICA_ENOTFOUND);
    assert_int_equal(load_policy("", &policy, &err), MICA_OK);
    assert_true(policy.drift_blocks && policy.facts.use == MICA_USE_PRIVATE &&
                policy.facts.declared_is_enough);
    mica_policy_release(&policy);
    json_t *schema = mica_policy_schema();
    assert_non_null(json_object_get(json_object_get(schema, "properties"), "facts"));
    json_decref(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expressions), cmocka_unit_test(test_bad_expressions),
        cmocka_unit_test(test_rows),        cmocka_unit_test(test_combinations),
        cmocka_unit_test(test_declared),    cmocka_unit_test(test_json),
        cmocka_unit_test(test_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
