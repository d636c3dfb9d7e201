/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Every allocation fails once while Go templates are parsed and rendered. */
#include "alloc.h"
#include "format/chat.h"
#include "format/template_source.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static const char whole[] =
    "{{- define \"call\" }}{{ .Function.Name }}{{ json .Function.Arguments }}{{ end -}}"
    "{{ $n := 0 }}{{ range $i, $m := .Messages }}{{ $last := eq (len (slice $.Messages $i)) 1 }}{{ $n = $i }}"
    "{{ if .ToolCalls }}{{ range .ToolCalls }}{{ template \"call\" . }}{{ end }}{{ else if $last }}"
    "{{ printf \"%q %5d\" .Content $i | print \"x\" }}{{ else }}{{ .Content }}{{ end }}{{ end }}{{ .Tools }}"
    "{{ with .System }}{{ . }}{{ end }}{{ block \"b\" $n }}{{ println . `raw` }}{{ end }}";
static const char by_turn[] =
    "{{ if .System }}{{ .System }}\n{{ end }}{{ .Prompt }}{{ print .Response }}{{ \"\\n\" }}";

static json_t *vars;

static int make_vars(void **state)
{
    vars = json_loads(
        "{\"messages\":[{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"system\",\"content\":\"T\"},"
        "{\"role\":\"user\",\"content\":\"Hi é\"},{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":"
        "[{\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"b\\\": [1, null], \\\"a\\\": {}}\"}}]},"
        "{\"role\":\"tool\",\"content\":\"1\"},{\"role\":\"user\",\"content\":\"bye\"}],\"tools\":[{\"type\":"
        "\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"properties\":{\"x\":{\"type\":"
        "\"string\"}}}}}]}",
        0, NULL);
    return vars ? 0 : -1;
}

static int free_vars(void **state)
{
    json_decref(vars);
    return 0;
}

static enum mica_status parse_and_render(void *arg, struct mica_err *err)
{
    const char *source = arg;
    struct mica_template *tmpl = NULL;
    struct mica_buf out = {0};
    bool usable = false;
    enum mica_status status = mica_template_usable(source, strlen(source), &usable, err);
    if (status == MICA_OK && !usable)
        fail_msg("out of memory was taken for a template that does not parse");
    if (status == MICA_OK)
        status = mica_template_parse(source, strlen(source), &tmpl, err);
    if (status == MICA_OK)
        status = mica_template_render(tmpl, vars, NULL, &out, err);
    if (status != MICA_OK && out.len)
        fail_msg("text came with status %d", (int)status);
    mica_buf_release(&out);
    mica_template_free(tmpl);
    return status;
}

static void test_templates(void **state)
{
    alloc_fail_everywhere("a Go template over all messages", parse_and_render, (void *)whole, 2000);
    alloc_fail_everywhere("a Go template for each turn", parse_and_render, (void *)by_turn, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_templates)};
    return cmocka_run_group_tests(tests, make_vars, free_vars);
}
