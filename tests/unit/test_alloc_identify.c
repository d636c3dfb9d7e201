/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Allocations fail while the index of licences is built (it can be built again), and each of them while a
 * text is identified. */
#include "alloc.h"
#include "base/mem.h"
#include "govern/identify.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static enum mica_status identify(void *arg, struct mica_err *err)
{
    struct mica_licence_match match = {0};
    enum mica_status status = mica_licence_identify(arg, strlen(arg), &match, err);
    mica_free(match.diff);
    return status;
}

static void test_index(void **state)
{
    static const long at[] = {1, 2, 3, 5, 8, 20, 100, 500, 1000, 2000, 4000};
    struct mica_err err;
    for (size_t i = 0; i < MICA_COUNT(at); i++) {
        err.text[0] = 0;
        alloc_fail_at(at[i]);
        enum mica_status status = identify("MIT License", &err);
        alloc_fail_at(0);
        if (status == MICA_EUNSUPPORTED)
            skip();
        if (status != MICA_OK && (status != MICA_ENOMEM || !err.text[0]))
            fail_msg("allocation %ld: %s", at[i], mica_status_text(status));
    }
    assert_int_equal(identify("MIT License", &err), MICA_OK);
}

static void test_identify(void **state)
{
    static char modified[16384];
    if (!mica_licence_text("MIT"))
        skip();
    static char clean[16384];
    snprintf(clean, sizeof clean, "%s\n\n%s", mica_licence_text("Zlib"), mica_licence_text("Fair"));
    snprintf(modified, sizeof modified, "%s\nNot for sale.", mica_licence_text("MIT"));
    alloc_fail_everywhere("modified", identify, modified, 120);
    alloc_fail_everywhere("two licences", identify, clean, 120);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_index), cmocka_unit_test(test_identify)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
