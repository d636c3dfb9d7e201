/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The words for openness, and what is missing; the Model Openness Tool's goldens are in tests/parity. */
#include "govern/openness.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define HEAD "release:\n  name: it\n  unknown_key: 1\n"
#define CODE                                                                                                 \
    "  components:\n  - {name: Training code, license: MIT}\n  - {name: Inference code, license: "           \
    "Apache-2.0}\n"                                                                                          \
    "  - {name: Data preprocessing code, license: MIT OR Apache-2.0}\n"
#define INFORMATION                                                                                          \
    "  data_information: {provenance: a, selection: b, labelling: c, filtering: d, public_data: e, "         \
    "third_party_data: f}\n"
#define WEIGHTS(licence) "  components:\n  - name: Model parameters (Final)\n    license: " licence "\n"

static void test_words(void **state)
{
    static const struct {
        const char *text;
        enum mica_openness openness;
        const char *lacks; /* the first thing */
        bool claims_more;
    } rows[] = {
        {HEAD CODE "  - {name: Model parameters (Final), license: Apache-2.0}\nopenness:\n  claimed: open "
                   "source\n" INFORMATION,
         MICA_OPENNESS_SOURCE, NULL, false},
        {HEAD CODE
         "  - {name: Model parameters (Final), license: Apache-2.0}\nopenness: {claimed: open source AI}\n",
         MICA_OPENNESS_WEIGHTS, "where the data came from", true},
        {HEAD WEIGHTS("Apache-2.0"), MICA_OPENNESS_WEIGHTS, "training code under an OSI-approved licence",
         false},
        {HEAD WEIGHTS("OpenMDW-1.0"), MICA_OPENNESS_WEIGHTS, "training code under an OSI-approved licence",
         false},
        {HEAD WEIGHTS("Apache-2.0 AND CC-BY-NC-4.0"), MICA_OPENNESS_ACCESS, "parameters under open terms",
         false},
        {HEAD WEIGHTS("CC-BY-NC-4.0 OR MIT"), MICA_OPENNESS_WEIGHTS,
         "training code under an OSI-approved licence", false},
        {HEAD WEIGHTS("LicenseRef-Gemma") "openness: {claimed: open weights}\n", MICA_OPENNESS_ACCESS,
         "parameters under open terms", true},
        {HEAD WEIGHTS("CC-BY-NC-4.0"), MICA_OPENNESS_ACCESS, "parameters under open terms", false},
        {HEAD WEIGHTS("MIT") "openness: {gated: yes}\n", MICA_OPENNESS_ACCESS, "parameters without a gate",
         false},
        {HEAD WEIGHTS("MIT") "openness: {claimed: class III}\n", MICA_OPENNESS_WEIGHTS,
         "training code under an OSI-approved licence", true},
        {HEAD WEIGHTS(""), MICA_OPENNESS_UNKNOWN, "a licence of the parameters", false},
        {HEAD CODE, MICA_OPENNESS_CLOSED, "the final parameters", false},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_release release = {.gated = -1};
        struct mica_openness_result r;
        struct mica_arena arena = {0};
        struct mica_err err = {0};
        if (mica_release_read(rows[i].text, strlen(rows[i].text), "f", &arena, &release, &err) != MICA_OK)
            fail_msg("row %zu: %s", i, err.text);
        assert_int_equal(mica_openness_decide(&release, &r, NULL), MICA_OK);
        bool same_lack = rows[i].lacks ? r.lacks[0] && strcmp(r.lacks[0], rows[i].lacks) == 0 : !r.lacks[0];
        if (r.openness != rows[i].openness || !same_lack || r.claims_more != rows[i].claims_more)
            fail_msg("row %zu: %s, lacks %s, claims %smore", i, mica_openness_text(r.openness),
                     r.lacks[0] ? r.lacks[0] : "nothing", r.claims_more ? "" : "no ");
        json_t *json = mica_openness_json(&release, &r);
        assert_string_equal(json_string_value(json_object_get(json, "openness")),
                            mica_openness_text(r.openness));
        json_decref(json);
        mica_arena_release(&arena);
    }
}

static void test_missing(void **state)
{
    struct mica_release release = {.gated = -1};
    struct mica_openness_result r;
    for (int i = 0; i < MICA_MOF_COMPONENTS; i++)
        release.components[i].present = mica_mof_rows[i].needed_for >= 2;
    for (int i = 0; i < MICA_MOF_COMPONENTS; i++)
        release.components[i].licence = "CC-BY-4.0";
    release.components[MICA_MOF_EVALUATION_DATA].licence = "CC-BY-NC-4.0";
    assert_int_equal(mica_openness_decide(&release, &r, NULL), MICA_OK);
    assert_int_equal(r.mof_class, 3);
    assert_true(r.progress[3] == 100 && r.progress[2] == 90 && r.progress[1] == 0);
    assert_string_equal(r.missing[0], "Evaluation data");
    assert_null(r.missing[1]);
    assert_string_equal(mica_mof_class_text(r.mof_class), "Class III - Open Model");
}

static void test_refuses(void **state)
{
    static const char *const texts[] = {
        "name: x\n",
        HEAD "  components:\n  - {name: Model params}\n",
        HEAD "openness: {gate: yes}\n",
        HEAD "  components: [x]\n",
    };
    for (size_t i = 0; i < MICA_COUNT(texts); i++) {
        struct mica_release release = {.gated = -1};
        struct mica_arena arena = {0};
        struct mica_err err = {0};
        if (mica_release_read(texts[i], strlen(texts[i]), "f", &arena, &release, &err) != MICA_EFORMAT ||
            release.name)
            fail_msg("row %zu: %s", i, err.text);
        mica_arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words), cmocka_unit_test(test_missing),
                                       cmocka_unit_test(test_refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
