/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Chat templates: the rows of tests/data/chat.test, the limits, what a failure leaves behind. */
#include "format/chat.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static enum mica_status render(const char *source, size_t len, const char *vars,
                               const struct mica_template_limits *limits, struct mica_buf *out,
                               struct mica_err *err)
{
    struct mica_template *tmpl = NULL;
    json_t *json = json_loads(vars, 0, NULL);
    if (!json)
        fail_msg("not JSON: %s", vars);
    enum mica_status status = mica_template_parse(source, len, &tmpl, err);
    if (!status)
        status = mica_template_render(tmpl, json, limits, out, err);
    mica_template_free(tmpl);
    json_decref(json);
    return status;
}

/* ---- tests/data/chat.test ---- */
static enum mica_status status_named(const char *name, size_t len)
{
    static const char *const names[] = {
#define STATUS_NAME(name, http, exit_code, text) #name,
        MICA_STATUS_ROWS(STATUS_NAME)
#undef STATUS_NAME
    };
    for (size_t i = 0; i < MICA_COUNT(names); i++) {
        if (strlen(names[i]) == len && !memcmp(names[i], name, len))
            return (enum mica_status)i;
    }
    fail_msg("no status %.*s", (int)len, name);
    return MICA_OK;
}

static void check_text(int line, const char *expected, enum mica_status status, const struct mica_buf *out,
                       const struct mica_err *err)
{
    json_t *text = json_loads(expected, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (!text)
        fail_msg("chat.test:%d: not JSON: %s", line, expected);
    if (status)
        fail_msg("chat.test:%d: failed: %s", line, err->text);
    if (out->len != json_string_length(text) ||
        (out->len && memcmp(out->data, json_string_value(text), out->len)))
        fail_msg("chat.test:%d: rendered\n%s\nand not\n%s", line, out->data, json_string_value(text));
    json_decref(text);
}

static void check_error(int line, const char *expected, enum mica_status status, const struct mica_buf *out,
                        const struct mica_err *err)
{
    const char *space = strchr(expected, ' ');
    if (!space)
        fail_msg("chat.test:%d: no words after the status", line);
    if (status != status_named(expected, (size_t)(space - expected)))
        fail_msg("chat.test:%d: status %d (%s) and not %s", line, (int)status, err->text, expected);
    if (!strstr(err->text, space + 1))
        fail_msg("chat.test:%d: said\n%s\nand not\n%s", line, err->text, space + 1);
    if (out->len)
        fail_msg("chat.test:%d: failed and wrote %s", line, out->data);
}

static void run_row(int line, const char *source, const char *vars, const char *expected)
{
    json_t *decoded = source[0] == '"' ? json_loads(source, JSON_DECODE_ANY, NULL) : NULL;
    const char *text = decoded ? json_string_value(decoded) : source;
    size_t len = decoded ? json_string_length(decoded) : strlen(source);
    /* Of the exact size, so that the address sanitizer sees a read past the end. */
    char *exact = malloc(len ? len : 1);
    struct mica_buf out = {0};
    struct mica_err err = {0};
    assert_non_null(exact);
    memcpy(exact, text, len);
    enum mica_status status = render(exact, len, vars, NULL, &out, &err);
    if (expected[0] == '"')
        check_text(line, expected, status, &out, &err);
    else
        check_error(line, expected, status, &out, &err);
    mica_buf_release(&out);
    free(exact);
    json_decref(decoded);
}

static void test_rows(void **state)
{
    const char *folder = getenv("MICA_TEST_DATA");
    char path[4096], *lines[3] = {0};
    size_t capacities[3] = {0};
    int line = 0, n = 0, rows = 0;
    ssize_t len;
    snprintf(path, sizeof path, "%s/chat.test", folder ? folder : "tests/data");
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("%s: cannot be opened; MICA_TEST_DATA says where tests/data is", path);
    while ((len = getline(&lines[n], &capacities[n], f)) > 0) {
        line++;
        if (lines[n][len - 1] == '\n')
            lines[n][--len] = 0;
        if (n == 0 && (!len || lines[0][0] == '#'))
            continue;
        if (++n == 3) {
            run_row(line - 2, lines[0], lines[1], lines[2]);
            rows++;
            n = 0;
        }
    }
    fclose(f);
    for (int i = 0; i < 3; i++)
        free(lines[i]);
    assert_int_equal(n, 0);
    assert_true(rows > 80);
}

/* ---- limits ---- */
static void test_limits(void **state)
{
    static const struct {
        const char *source;
        struct mica_template_limits limits;
        enum mica_status status;
    } rows[] = {
        {"{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}{% endfor %}{% "
         "endfor %}{% endfor %}",
         {0},
         MICA_ELIMIT},
        {"{% for a in range(9) %}{% endfor %}", {.steps = 8}, MICA_ELIMIT},
        {"{% for a in range(9) %}{% endfor %}", {.steps = 100}, MICA_OK},
        {"{{ 'a' * 1000000000 }}", {0}, MICA_ELIMIT},
        {"{{ [0] * 1000000000000 }}", {0}, MICA_ELIMIT},
        {"{{ 'abc' }}", {.output = 2}, MICA_ELIMIT},
        {"{{ 'abc' }}", {.output = 3}, MICA_OK},
        {"{% set x %}abcd{% endset %}", {.output = 3}, MICA_ELIMIT},
        {"{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
         {0},
         MICA_ELIMIT},
        {"{% set ns = namespace(s=[]) %}{% for i in range(300) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s "
         "}}",
         {0},
         MICA_ELIMIT},
        {"{% set ns = namespace(s=[]) %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s + [1] %}{% endfor "
         "%}",
         {0},
         MICA_ELIMIT},
        {"{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", {0}, MICA_ELIMIT},
        {"{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", {.depth = 1000000}, MICA_ELIMIT},
        {"{% for x in [[]] recursive %}{{ loop([[]]) }}{% endfor %}", {0}, MICA_ELIMIT},
        {"{{ range(100001) | length }}", {0}, MICA_ELIMIT},
        {"{{ range(100000) | length }}", {0}, MICA_OK},
        {"{{ range(-9223372036854775807, 9223372036854775807) }}", {0}, MICA_ELIMIT},
        {"{{ 9223372036854775807 + 1 }}", {0}, MICA_ELIMIT},
        {"{{ 2 ** 64 }}", {0}, MICA_ELIMIT},
        {"{{ -9223372036854775807 - 1 }}", {0}, MICA_OK},
        {"{{ (-9223372036854775807 - 1) // -1 }}", {0}, MICA_ELIMIT},
        {"{{ (-9223372036854775807 - 1) % -1 }}", {0}, MICA_OK},
        {"{{ (-9223372036854775807 - 1) | abs }}", {0}, MICA_ELIMIT},
        {"{{ 1e300 | int }}", {0}, MICA_ELIMIT},
        {"{{ 'x'.ljust(999999999999) }}", {0}, MICA_ELIMIT},
        {"{{ '%999999999d' % 1 }}", {0}, MICA_ELIMIT},
        {"{{ '{:999999999}'.format(1) }}", {0}, MICA_ELIMIT},
        {"{{ ('a' * 10000000).replace('', 'aaaaaaaaaa') }}", {0}, MICA_ELIMIT},
        {"{{ [1] | batch(1000000000, 0) | list }}", {0}, MICA_ELIMIT},
        {"{{ [1] | slice(1000000000) | list }}", {0}, MICA_ELIMIT},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_buf out = {0};
        struct mica_err err = {0};
        enum mica_status status =
            render(rows[i].source, strlen(rows[i].source), "{}", &rows[i].limits, &out, &err);
        if (status != rows[i].status)
            fail_msg("%s: status %d (%s) and not %d", rows[i].source, (int)status, err.text,
                     (int)rows[i].status);
        if (status && (out.len || err.status != status || !err.text[0]))
            fail_msg("%s: failed without a message or with output", rows[i].source);
        mica_buf_release(&out);
    }
}

/* Sources that are mostly brackets: the parser refuses them and does not run out of stack. */
static void test_nesting(void **state)
{
    static const struct {
        const char *head, *unit, *tail;
        int times;
        enum mica_status status;
    } rows[] = {
        {"{{ ", "(", "1", 100000, MICA_EFORMAT},
        {"{{ ", "[", "", 100000, MICA_EFORMAT},
        {"{{ ", "not ", "1 }}", 100000, MICA_EFORMAT},
        {"{{ ", "-", "1 }}", 100000, MICA_EFORMAT},
        {"{{ ", "1 if 1 else ", "2 }}", 100000, MICA_EFORMAT},
        {"", "{% if 1 %}", "", 100000, MICA_EFORMAT},
        {"", "{% for a in b %}", "", 100000, MICA_EFORMAT},
        {"{% set ", "(", "", 100000, MICA_EFORMAT},
        {"{{ 1", " + 1", " }}", 100000, MICA_ELIMIT},
        {"{{ 1", " + 1", " }}", 100, MICA_OK},
        {"{{ 'a'", " ~ 'a'", " }}", 100000, MICA_OK},
        {"{{ a", "|trim", " }}", 100000, MICA_ELIMIT},
        {"{{ a", "|nosuch", " }}", 100000, MICA_EFORMAT},
        {"{% filter trim", "|trim", " %}{% endfilter %}", 100000, MICA_ELIMIT},
        {"{% if 0 %}", "{% elif 0 %}", "{% endif %}", 100000, MICA_OK},
        {"{{ 1", " < 2", " }}", 100000, MICA_OK},
        {"{{ x", ".a", " }}", 100000, MICA_ELIMIT},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_buf source = {0}, out = {0};
        struct mica_err err = {0};
        mica_buf_puts(&source, rows[i].head);
        for (int k = 0; k < rows[i].times; k++)
            mica_buf_puts(&source, rows[i].unit);
        mica_buf_puts(&source, rows[i].tail);
        assert_false(source.failed);
        enum mica_status status = render(source.data, source.len, "{}", NULL, &out, &err);
        if (status != rows[i].status)
            fail_msg("%d × '%s': status %d (%s) and not %d", rows[i].times, rows[i].unit, (int)status,
                     err.text, (int)rows[i].status);
        mica_buf_release(&source);
        mica_buf_release(&out);
    }
}

static void test_deep_variables(void **state)
{
    struct mica_template *tmpl = NULL;
    struct mica_buf out = {0};
    struct mica_err err = {0};
    json_t *vars = json_object(), *deep = json_array();
    for (int i = 0; i < 5000; i++) {
        json_t *outer = json_array();
        json_array_append_new(outer, deep);
        deep = outer;
    }
    json_object_set_new(vars, "x", deep);
    assert_int_equal(mica_template_parse("{{ x }}", 7, &tmpl, &err), MICA_OK);
    assert_int_equal(mica_template_render(tmpl, vars, NULL, &out, &err), MICA_ELIMIT);
    assert_int_equal(out.len, 0);
    mica_template_free(tmpl);
    json_decref(vars);
}

/* ---- the interface ---- */
static void test_appends(void **state)
{
    struct mica_template *tmpl = NULL;
    struct mica_buf out = {0};
    struct mica_err err = {0};
    json_t *vars = json_pack("{s:i}", "n", 0);
    assert_int_equal(mica_template_parse("{{ 6 / n }}", 11, &tmpl, &err), MICA_OK);
    mica_buf_puts(&out, "kept ");
    assert_int_equal(mica_template_render(tmpl, vars, NULL, &out, &err), MICA_EFORMAT);
    assert_string_equal(out.data, "kept ");
    json_object_set_new(vars, "n", json_integer(4));
    assert_int_equal(mica_template_render(tmpl, vars, NULL, &out, NULL), MICA_OK);
    assert_string_equal(out.data, "kept 1.5");
    mica_buf_release(&out);
    mica_template_free(tmpl);
    mica_template_free(NULL);
    json_decref(vars);
}

static void test_refuses_bytes(void **state)
{
    struct mica_template *tmpl = NULL;
    struct mica_err err = {0};
    assert_int_equal(mica_template_parse("a\xff", 2, &tmpl, &err), MICA_EFORMAT);
    assert_null(tmpl);
    assert_non_null(strstr(err.text, "UTF-8"));
}

static void test_empty(void **state)
{
    struct mica_buf out = {0};
    assert_int_equal(render("", 0, "{}", NULL, &out, NULL), MICA_OK);
    assert_int_equal(out.len, 0);
    mica_buf_release(&out);
}

static void test_now(void **state)
{
    const struct mica_template_limits limits = {.now = 86400 * 365};
    const char source[] = "{{ strftime_now('%Y') }}{{ strftime_now('') }}";
    struct mica_buf out = {0};
    assert_int_equal(render(source, sizeof source - 1, "{}", &limits, &out, NULL), MICA_OK);
    assert_string_equal(out.data, "1971");
    mica_buf_release(&out);
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),           cmocka_unit_test(test_limits),
        cmocka_unit_test(test_nesting),        cmocka_unit_test(test_appends),
        cmocka_unit_test(test_refuses_bytes),  cmocka_unit_test(test_empty),
        cmocka_unit_test(test_deep_variables), cmocka_unit_test(test_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
