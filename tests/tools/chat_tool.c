/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Renders templates for the parity tests: reads JSON lines {"template": …, "vars": {…}, "now": seconds} and
 * writes for each {"text": …} or {"error": …, "status": …}. */
#include "format/chat.h"

#include <stdio.h>
#include <stdlib.h>

static json_t *answer(const json_t *query)
{
    const json_t *source = json_object_get(query, "template"), *vars = json_object_get(query, "vars");
    struct mica_template_limits limits = {.now = json_integer_value(json_object_get(query, "now"))};
    struct mica_template *tmpl = NULL;
    struct mica_buf out = {0};
    struct mica_err err = {0};
    json_t *reply;
    enum mica_status status =
        mica_template_parse(json_string_value(source), json_string_length(source), &tmpl, &err);
    if (!status)
        status = mica_template_render(tmpl, vars, &limits, &out, &err);
    if (status)
        reply = json_pack("{s:s, s:i}", "error", err.text, "status", (int)status);
    else
        reply = json_pack("{s:s%}", "text", out.data ? out.data : "", out.len);
    mica_buf_release(&out);
    mica_template_free(tmpl);
    return reply;
}

int main(void)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t n;
    while ((n = getline(&line, &capacity, stdin)) > 0) {
        json_error_t error;
        json_t *query = json_loadb(line, (size_t)n, JSON_ALLOW_NUL, &error);
        json_t *reply = query ? answer(query) : json_pack("{s:s}", "error", error.text);
        char *text = reply ? json_dumps(reply, JSON_COMPACT) : NULL;
        puts(text ? text : "{\"error\": \"not UTF-8\"}");
        fflush(stdout);
        free(text);
        json_decref(query);
        json_decref(reply);
    }
    free(line);
    return 0;
}
