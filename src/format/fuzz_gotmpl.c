/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The input is a Go template; what parses renders three conversations within small limits. */
#include "format/gotmpl.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const conversations[] = {
    "{\"messages\":[{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"user\",\"content\":\"Hi "
    "\\u00e9\"},{\"role\":"
    "\"assistant\",\"content\":\"yes\"},{\"role\":\"user\",\"content\":\"x\"}]}",
    "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"12\"}]},{\"role\":"
    "\"assistant\","
    "\"content\":null,\"thinking\":\"t\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"x\":"
    "1.5,\"y\":"
    "[null,true]}}}]},{\"role\":\"tool\",\"content\":\"{}\"}],\"think\":\"low\",\"tools\":[{\"type\":"
    "\"function\","
    "\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":["
    "\"string\","
    "\"null\"]}}}}}]}",
    "{\"prompt\":\"a\",\"suffix\":\"b\"}"};

static void render(const struct mica_template *tmpl, const char *json)
{
    static const struct mica_template_limits limits = {.steps = 20000, .output = 1 << 16, .depth = 60};
    struct mica_buf out = {0};
    struct mica_err err = {0};
    json_t *vars = json_loads(json, 0, NULL);
    if (!vars)
        abort();
    enum mica_status status = mica_template_render(tmpl, vars, &limits, &out, &err);
    if (status == MICA_OK ? out.len > limits.output : out.len || err.status != status || !err.text[0])
        abort();
    mica_buf_release(&out);
    json_decref(vars);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mica_template tmpl = {0};
    struct mica_err err = {0};
    enum mica_status status = MICA_EFORMAT;
    /* Straight to the parser: the fuzzer is not to find out what tells Go from Jinja. */
    if (chat_utf8_valid((const char *)data, size)) {
        status = gotmpl_parse((const char *)data, size, &tmpl.pool, &tmpl.go, &err);
        if (status != MICA_OK && (tmpl.go || err.status != status || !err.text[0]))
            abort();
    }
    for (size_t i = 0; status == MICA_OK && i < MICA_COUNT(conversations); i++)
        render(&tmpl, conversations[i]);
    mica_arena_release(&tmpl.pool.arena);
    return 0;
}
