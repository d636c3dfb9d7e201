/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Every allocation fails once while a file is read by a schema and while rights and openness are decided. */
#include "alloc.h"
#include "base/yaml.h"
#include "govern/openness.h"
#include "govern/rights.h"

#include <jansson.h>
#include <setjmp.h>
#include <cmocka.h>

static const struct mica_subject subjects[] = {
    {"model", "model", "", "(MIT OR GPL-2.0-only) AND LicenseRef-Gemma", "", true},
    {"base", "model", "base", "", "apache-2.0", false},
    {"odd", "model", "base", "LicenseRef-modified-MIT", "", true},
    {"data", "dataset", "trained_on", "CC-BY-SA-4.0 OR CC-BY-NC-4.0", "", true},
};

static enum mica_status decide(void *arg, struct mica_err *err)
{
    struct mica_facts facts;
    struct mica_decision *d = NULL;
    mica_facts_default(&facts);
    facts.use = MICA_USE_COMMERCIAL;
    facts.distribute = facts.modified = true;
    enum mica_status status = mica_rights_decide(subjects, MICA_COUNT(subjects), &facts, &d, err);
    mica_decision_free(d);
    return status;
}

static const char release[] = "release:\n  name: it\n  components:\n"
                              "  - {name: Model parameters (Final), license: MIT}\n"
                              "  - {name: Model card, license: CC-BY-4.0 OR MIT}\n"
                              "openness: {claimed: open, gated: no}\n";

static enum mica_status read_release(void *arg, struct mica_err *err)
{
    struct mica_release r = {.gated = -1};
    struct mica_arena arena = {0};
    enum mica_status status = mica_release_read(release, sizeof release - 1, "mof.yml", &arena, &r, err);
    struct mica_openness_result result;
    if (status == MICA_OK)
        status = mica_openness_decide(&r, &result, err);
    mica_arena_release(&arena);
    return status;
}

static void test_decide(void **state)
{
    alloc_fail_everywhere("rights", decide, NULL, 200);
}

static void test_release(void **state)
{
    alloc_fail_everywhere("mof.yml", read_release, NULL, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_decide), cmocka_unit_test(test_release)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
