/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The input is a chat template; what parses renders two conversations within small limits. */
#include "format/chat.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char plain[] =
    "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi <there> \\u00e9\"}],\"add_generation_prompt\":true,"
    "\"bos_token\":\"<s>\",\"eos_token\":\"</s>\"}";
static const char tools[] =
    "{\"messages\":[{\"role\":\"system\",\"content\":\" Be brief. "
    "\"},{\"role\":\"user\",\"content\":[{\"type\":"
    "\"text\",\"text\":\"12\"}]},{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"function\":{"
    "\"name\":"
    "\"f\",\"arguments\":{\"x\":1.5}}}]},{\"role\":\"tool\",\"content\":\"{}\"}],\"tools\":[{\"type\":"
    "\"function\","
    "\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\",\"properties\":{}}}}],"
    "\"add_generation_prompt\":false,\"bos_token\":\"<s>\",\"eos_token\":\"</s>\"}";

static void render(const struct mica_template *tmpl, const char *json)
{
    static const struct mica_template_limits limits = {
        .steps = 20000, .output = 1 << 16, .depth = 60, .now = 1};
    struct mica_buf out = {0};
    struct mica_err err = {0};
    json_t *vars = json_loads(json, 0, NULL);
    if (!vars)
        abort();
    enum mica_status status = mica_template_render(tmpl, vars, &limits, &out, &err);
    /* The text of MICA_EARG may be the template's own, and that may be empty. */
    bool said = err.status == status && (err.text[0] || status == MICA_EARG);
    if (status == MICA_OK ? out.len > limits.output : out.len || !said)
        abort();
    mica_buf_release(&out);
    json_decref(vars);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mica_template *tmpl = NULL;
    struct mica_err err = {0};
    enum mica_status status = mica_template_parse((const char *)data, size, &tmpl, &err);
    if (status == MICA_OK) {
        render(tmpl, plain);
        render(tmpl, tools);
    } else if (tmpl || err.status != status || !err.text[0]) {
        abort();
    }
    mica_template_free(tmpl);
    return 0;
}
