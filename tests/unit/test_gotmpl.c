/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Go templates: what tells them from Jinja, forms of the data, errors, limits. What they give otherwise is
 * compared with Go itself in tests/parity/test_gotmpl.py. */
#include "format/chat.h"
#include "format/template_source.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static const char turns[] =
    "{\"messages\":[{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"user\",\"content\":\"one\"},"
    "{\"role\":\"assistant\",\"content\":\"two\"},{\"role\":\"user\",\"content\":\"three\"}]}";

static enum mica_status render(const char *source, const char *vars,
                               const struct mica_template_limits *limits, struct mica_buf *out,
                               struct mica_err *err)
{
    struct mica_template *tmpl = NULL;
    json_t *json = json_loads(vars, 0, NULL);
    if (!json)
        fail_msg("not JSON: %s", vars);
    enum mica_status status = mica_template_parse(source, strlen(source), &tmpl, err);
    if (status == MICA_OK)
        status = mica_template_render(tmpl, json, limits, out, err);
    mica_template_free(tmpl);
    json_decref(json);
    return status;
}

static void test_kind(void **state)
{
    static const struct {
        const char *source;
        bool go;
    } rows[] = {{"{{ .System }}", true},
                {"x {{- $y := 1 }}", true},
                {"{{if .A}}b{{end}}", true},
                {"{{ range $i, $_ := .Messages }}{{ end }}", true},
                {"{{/* a comment */}}x", true},
                {"{{ json .Tools }}", true},
                {"{{ (index .Messages 0).Role }}", true},
                {"{{ printf `%s` $.System }}", true},
                {"a }} b {{ \"x\" }}{{- end -}}", true},
                {"", false},
                {"plain .System", false},
                {"{{ messages[0].content }}", false},
                {"{{ '.System $x' }}{{ \"a \\\" .B\" }}", false},
                {"{{ ending }}{{ iffy }}{{ with_x }}", false},
                {"{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}", false},
                {"{% if x %}{{ .System }}{% endif %}", false},
                {"{{", false}};
    for (size_t i = 0; i < MICA_COUNT(rows); i++)
        if (mica_template_is_go(rows[i].source, strlen(rows[i].source)) != rows[i].go)
            fail_msg("row %zu: %s", i, rows[i].source);
}

static void test_usable(void **state)
{
    static const struct {
        const char *source;
        bool usable;
    } rows[] = {{"{{ .System }}", true},
                {"{{ .System", false},
                {"{{ if .System }}", false},
                {"{{ .System }}{{ currentDate }}", false},
                {"{{ messages[ }}", true}, /* Jinja that does not parse is said when it is to run */
                {"plain", true}};
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_err err;
        bool usable;
        assert_int_equal(mica_template_usable(rows[i].source, strlen(rows[i].source), &usable, &err),
                         MICA_OK);
        if (usable != rows[i].usable)
            fail_msg("row %zu: %s", i, rows[i].source);
    }
}

static void test_data(void **state)
{
    static const struct {
        const char *source, *vars, *text;
    } rows[] = {
        {"{{ .System }}|{{ .Prompt }}|{{ .Response }};", turns, "S|one|two;|three|"},
        {"{{ range .Messages }}{{ .Content }};{{ end }}",
         "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":"
         "\"image\"},"
         "{\"type\":\"text\",\"text\":\"b\"}]},{\"role\":\"assistant\",\"content\":null},{\"role\":\"user\"}]"
         "}",
         "a\n\nb;;;"},
        {"{{ range .Messages }}{{ .Thinking }},{{ .ToolName }};{{ end }}",
         "{\"messages\":[{\"role\":\"assistant\",\"reasoning_content\":\"r\"},{\"role\":\"tool\",\"name\":"
         "\"n\"}]}",
         "r,;,n;"},
        {"{{ range .Messages }}{{ range .ToolCalls }}{{ .Function.Arguments }}{{ end }}{{ end }}",
         "{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"arguments\":\"{\\\"b\\\": "
         "[1], \\\"a\\\": 2}\"}},{\"function\":{\"arguments\":\"no\"}},{\"function\":{}}]}]}",
         "{\"a\":2,\"b\":[1]}{}{}"},
        {"{{ .Think }}{{ .ThinkLevel }}{{ .IsThinkSet }}", "{\"messages\":[],\"think\":null}", "falsefalse"},
        {"{{ .Prompt }}<{{ .Suffix }}>", "{\"prompt\":\"a\",\"suffix\":\"b\"}", "a<b>"},
        {"{{ .Messages | len }}", "{}", "0"},
        {"{{ .Prompt }}!", "[]", "!"},
        {"{{ len .Messages }}", "{\"messages\":[1,null,\"x\"]}", "1"},
        /* The response begins behind its field, and what comes after is not said. */
        {"{{ if .Prompt }}{{ .Prompt }}: {{ .Response }}.{{ else }}none{{ end }} end", turns,
         "one: two. endthree: "},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_buf out = {0};
        struct mica_err err = {0};
        if (render(rows[i].source, rows[i].vars, NULL, &out, &err) != MICA_OK)
            fail_msg("row %zu: %s", i, err.text);
        if (strcmp(out.data ? out.data : "", rows[i].text) != 0)
            fail_msg("row %zu: %s", i, out.data);
        mica_buf_release(&out);
    }
}

static void test_errors(void **state)
{
    static const struct {
        const char *source, *says;
    } rows[] = {
        {"{{ range .Messages }}\n{{ .Nope }}{{ end }}",
         "line 2: there is no field Nope in a value of type Message"},
        {"{{ .Missing.More }}", "line 1: field More"},
        {"\n\n{{ .System | nope }}", "line 3: there is no function nope"},
        {"{{ .System }}{{ currentDate }}", "currentDate: what it gives changes every day"},
        {"{{ .System }}{{ html .Prompt }}", "html: this function"},
        {"{{ .System", "line 1: an action does not end"},
        {"{{ if .System }}x", "a block that has no end"},
        {"{{ .System }}\n{{ end }}", "line 2: end without"},
        {"{{ .System }}{{ len 1 }}", "len: a value of type int"},
        {"{{ .System }}{{ $x = 1 }}", "no variable $x"},
        {"{{ .System }}{{ template \"x\" }}", "no template \"x\""},
        {"{{ .Messages }}", "gives addresses"},
        {"{{ .System }}\xff", "UTF-8"},
        {"{{ .System }}{{ define \"a\" }}1{{ end }}{{ define \"a\" }}2{{ end }}", "defined twice"},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_buf out = {0};
        struct mica_err err = {0};
        mica_buf_puts(&out, "kept");
        enum mica_status status = render(rows[i].source, turns, NULL, &out, &err);
        if (status != MICA_EFORMAT || !strstr(err.text, rows[i].says))
            fail_msg("row %zu: %d %s", i, (int)status, err.text);
        assert_string_equal(out.data, "kept");
        mica_buf_release(&out);
    }
}

static void test_limits(void **state)
{
    static const struct {
        const char *source;
        struct mica_template_limits limits;
        enum mica_status status;
    } rows[] = {
        {"{{ range 1000000000 }}{{ $.X }}{{ end }}", {0}, MICA_ELIMIT},
        {"{{ range 9 }}{{ $.X }}{{ end }}", {.steps = 20}, MICA_ELIMIT},
        {"{{ range 9 }}{{ $.X }}{{ end }}", {.steps = 1000}, MICA_OK},
        {"{{ .System }}abc", {.output = 2}, MICA_ELIMIT},
        {"{{ $x := \"0123456789\" }}{{ range 60 }}{{ $x = print $x $x }}{{ end }}", {0}, MICA_ELIMIT},
        {"{{ define \"r\" }}{{ template \"r\" . }}{{ end }}{{ template \"r\" .System }}", {0}, MICA_ELIMIT},
        {"{{ if .System }}{{ if .System }}{{ if true }}x{{ end }}{{ end }}{{ end }}",
         {.depth = 3},
         MICA_ELIMIT},
        {"{{ range 20000 }}{{ printf `%1000d` 1 }}{{ end }}{{ .System }}", {0}, MICA_ELIMIT},
        {"{{ .System }}{{ printf `%2000d` 1 }}", {0}, MICA_EFORMAT},
        {"{{ .System }}{{ printf \"%\\x00\" 1.5 }}", {0}, MICA_EUNSUPPORTED},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_buf out = {0};
        struct mica_err err = {0};
        enum mica_status status = render(rows[i].source, turns, &rows[i].limits, &out, &err);
        if (status != rows[i].status)
            fail_msg("row %zu: status %d: %s", i, (int)status, err.text);
        assert_true(status == MICA_OK || !out.len);
        mica_buf_release(&out);
    }
}

/* n times the text, between a beginning and an end. */
static char *many(const char *begin, const char *text, int n, const char *end)
{
    struct mica_buf buf = {0};
    mica_buf_puts(&buf, begin);
    for (int i = 0; i < n; i++)
        mica_buf_printf(&buf, "%s", text);
    mica_buf_puts(&buf, end);
    assert_false(buf.failed);
    return buf.data;
}

static void test_nesting(void **state)
{
    static const struct {
        const char *begin, *text, *end, *says;
    } rows[] = {{"{{ .System }}", "{{ if true }}", "", "nested too deeply"},
                {"{{ .System | print ", "(", "", "nested too deeply"},
                {"{{ if .System }}", "{{ else if true }}", "{{ end }}", "nested too deeply"},
                {"{{ .System }}", "{{ $x := 1 }}", "", "more than 1000 variables"}};
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_buf out = {0};
        struct mica_err err = {0};
        char *source = many(rows[i].begin, rows[i].text, 5000, rows[i].end);
        if (render(source, turns, NULL, &out, &err) != MICA_EFORMAT || !strstr(err.text, rows[i].says))
            fail_msg("row %zu: %s", i, err.text);
        mica_free(source);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kind),   cmocka_unit_test(test_usable),
                                       cmocka_unit_test(test_data),   cmocka_unit_test(test_errors),
                                       cmocka_unit_test(test_limits), cmocka_unit_test(test_nesting)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
