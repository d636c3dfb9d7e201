/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Every allocation fails once while a template is parsed and rendered. */
#include "alloc.h"
#include "format/chat.h"

#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static const char source[] =
    "{%- macro show(x, sep=', ') -%}{% for k, v in x.items() if v %}{{ k ~ '=' ~ v }}{{ sep if not loop.last "
    "}}"
    "{% endfor %}{{ varargs }}{{ caller() if caller }}{%- endmacro -%}"
    "{% set ns = namespace(n=0) %}{% for m in messages recursive %}{% set ns.n = ns.n + loop.length %}"
    "{{ m | tojson(indent=2, sort_keys=true) }}{{ show(m, '; ', 1) }}{{ loop([]) }}{% endfor %}"
    "{% call show({'a': [1, 2.5, none], 'b': 'x' * 30}) %}{{ 'called' | upper | center(99) }}{% endcall %}"
    "{% set text | trim %} {{ messages | map(attribute='content') | list }} {% endset %}{{ text.split() | "
    "sort }}"
    "{{ text.replace('i', 'ii').title()[::-1] | indent(2) }}{{ '%5s %(a)s' % {'a': 1} if false else '%5.1f' "
    "% ns.n }}"
    "{{ '{:>9} {k!r}'.format(1, k=[text]) }}{{ range(40) | batch(3) | list | length }}{{ {'a': 1}.get('a') }}"
    "{% filter replace('a', 'b') %}{{ dict(messages[0], z=1) | dictsort }}{% endfilter %}"
    "{{ messages | groupby('role') | map('first') | unique | join('\\x41\\n') }}{{ '<b>' | e + '<i>' }}"
    "{% for i in range(20) %}{% set name = i ~ 'x' %}{{ {name: i, 'y': loop.nextitem} }}{% endfor %}";

static json_t *vars;

static int make_vars(void **state)
{
    vars = json_pack("{s:[{s:s, s:s}, {s:s, s:s}]}", "messages", "role", "user", "content", "Hi é", "role",
                     "assistant", "content", "It is late.");
    return vars ? 0 : -1;
}

static int free_vars(void **state)
{
    json_decref(vars);
    return 0;
}

static enum mica_status parse_and_render(void *arg, struct mica_err *err)
{
    struct mica_template *tmpl = NULL;
    struct mica_buf out = {0};
    enum mica_status status = mica_template_parse(source, sizeof source - 1, &tmpl, err);
    if (status != MICA_OK && tmpl)
        fail_msg("a template came with status %d", (int)status);
    if (status == MICA_OK)
        status = mica_template_render(tmpl, vars, NULL, &out, err);
    if (status != MICA_OK && out.len)
        fail_msg("text came with status %d", (int)status);
    mica_buf_release(&out);
    mica_template_free(tmpl);
    return status;
}

static void test_template(void **state)
{
    alloc_fail_everywhere("parse and render a template", parse_and_render, NULL, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_template)};
    return cmocka_run_group_tests(tests, make_vars, free_vars);
}
