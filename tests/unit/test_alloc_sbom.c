/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Every allocation fails once while bills of materials are written and read, and while the sheet is filled
 * in. */
#include "alloc.h"
#include "govern/assess.h"
#include "govern/sbom.h"

#include <jansson.h>

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct mica_component rows[] = {
    {.kind = MICA_COMPONENT_MODEL,
     .name = "m:latest",
     .version = "",
     .digest = DIGEST,
     .source = "hf:a/m",
     .revision = "r",
     .location = "https://example.org/a b",
     .time = "2026-01-01T00:00:00Z",
     .declared_card = "mit",
     .declared_key = "",
     .declared_file = "",
     .licence_digest = "",
     .concluded = "MIT OR LicenseRef-x",
     .policy_digest = "",
     .card_digest = DIGEST,
     .template_digest = DIGEST,
     .owner = "",
     .notes = "\xff",
     .drift = "",
     .card = "{\"metrics\":[{\"type\":\"a\",\"value\":1.5}],\"limitations\":[\"x\"]}"},
    {.kind = MICA_COMPONENT_DATASET,
     .name = "d",
     .version = "1",
     .digest = "",
     .source = "",
     .revision = "",
     .location = "",
     .time = "",
     .declared_card = "some words",
     .declared_key = "",
     .declared_file = "",
     .licence_digest = "",
     .concluded = "",
     .policy_digest = "",
     .card_digest = "",
     .template_digest = "",
     .owner = "o",
     .notes = "",
     .drift = "",
     .card = "{\"filters\":[\"x\",\"y\"]}"}};
static enum mica_relation relations[] = {MICA_RELATION_BASE, MICA_RELATION_TRAINED_ON};
static int64_t parents[] = {-1, 0};
static const struct mica_components closure = {
    .rows = rows, .n = 2, .relations = relations, .parents = parents};

static enum mica_status write_one(void *arg, struct mica_err *err)
{
    const struct mica_sbom_input input = {
        .format = *(enum mica_sbom_format *)arg, .closure = &closure, .verdict = "YES", .openness = "X"};
    json_t *document = NULL;
    enum mica_status status = mica_sbom_make(&input, &document, err);
    if (status == MICA_OK)
        json_decref(document);
    return status;
}

static char *texts[2];

static enum mica_status read_one(void *arg, struct mica_err *err)
{
    struct mica_sbom *sbom = NULL;
    enum mica_status status = mica_sbom_read(arg, strlen(arg), &sbom, err);
    mica_sbom_free(sbom);
    return status;
}

static enum mica_status assess_one(void *arg, struct mica_err *err)
{
    const struct mica_assess_model model = {
        .name = "m", .closure = &closure, .card = "# Uses\nMMLU 5\n", .has_template = true};
    struct mica_assessment *sheet = NULL;
    struct mica_buf text = {0};
    enum mica_status status = mica_assess_model(&model, &sheet, err);
    if (status == MICA_OK) {
        mica_assessment_print(sheet, &text);
        mica_assessment_markdown(sheet, &text);
    }
    mica_buf_release(&text);
    mica_assessment_free(sheet);
    return status;
}

static void test_writing(void **state)
{
    enum mica_sbom_format formats[] = {MICA_SBOM_CYCLONEDX, MICA_SBOM_SPDX};
    alloc_fail_everywhere("CycloneDX", write_one, &formats[0], 2000);
    alloc_fail_everywhere("SPDX", write_one, &formats[1], 2000);
}

static void test_reading(void **state)
{
    for (int i = 0; i < 2; i++) {
        const struct mica_sbom_input input = {.format = i ? MICA_SBOM_SPDX : MICA_SBOM_CYCLONEDX,
                                              .closure = &closure};
        json_t *document = NULL;
        assert_int_equal(mica_sbom_make(&input, &document, NULL), MICA_OK);
        texts[i] = json_dumps(document, 0);
        json_decref(document);
        assert_non_null(texts[i]);
        alloc_fail_everywhere(i ? "SPDX" : "CycloneDX", read_one, texts[i], 1000);
        free(texts[i]);
    }
}

static void test_assessing(void **state)
{
    alloc_fail_everywhere("sheet", assess_one, NULL, 1000);
}

/* The table of licence tags is made once and stays. */
static int warm_up(void **state)
{
    enum mica_sbom_format format = MICA_SBOM_SPDX;
    return write_one(&format, NULL) == MICA_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_writing), cmocka_unit_test(test_reading),
                                       cmocka_unit_test(test_assessing)};
    return cmocka_run_group_tests(tests, warm_up, NULL);
}
