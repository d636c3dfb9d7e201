/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Chat templates: an interpreter for the part of Jinja that model authors use, sandboxed by construction (no
 * attribute access beyond data, no imports, no files) and limited in steps, output and nesting. */
#ifndef MICA_CHAT_H
#define MICA_CHAT_H

#include "base/mem.h"

#include <jansson.h>

struct mica_template;

/* Parses source. EFORMAT with line and column. The template is immutable: threads may share it. */
enum mica_status mica_template_parse(const char *source, size_t len, struct mica_template **out,
                                     struct mica_err *err);
void mica_template_free(struct mica_template *tmpl);

struct mica_template_limits {
    int64_t steps; /* evaluated nodes; 0 = the default of 10 million */
    size_t output; /* bytes; 0 = 16 MiB */
    int depth;     /* nested calls and expressions; 0 = 200 */
    int64_t now;   /* seconds since 1970 for strftime_now; 0 = the clock */
};
/* Renders with the members of vars (a JSON object: messages, tools, add_generation_prompt, bos_token …) as
 * globals. raise_exception('…') in the template is EARG with the author's text; going over a limit is ELIMIT.
 * Appends to out only on success. Semantics follow Jinja2 with trim_blocks and lstrip_blocks, as transformers
 * renders. */
enum mica_status mica_template_render(const struct mica_template *tmpl, const json_t *vars,
                                      const struct mica_template_limits *limits, struct mica_buf *out,
                                      struct mica_err *err);

#endif
