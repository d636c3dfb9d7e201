/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Chat templates: interpreters for the part of Jinja that model authors use and for Go's text/template as
 * Ollama uses it, sandboxed by construction (no attribute access beyond data, no imports, no files) and
 * limited in steps, output and nesting. */
#ifndef MICA_CHAT_H
#define MICA_CHAT_H

#include "base/mem.h"

#include <jansson.h>

struct mica_template;

/* Parses source, which is Go or Jinja as mica_template_is_go says. EFORMAT with the line. The template is
 * immutable: threads may share it. */
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
 * Appends to out only on success. Semantics of Jinja follow Jinja2 with trim_blocks and lstrip_blocks, as
 * transformers renders. Go templates render as Ollama does: from messages, tools, think (a bool or a level),
 * and prompt with suffix; an answer is always left open, so add_generation_prompt changes nothing. */
enum mica_status mica_template_render(const struct mica_template *tmpl, const json_t *vars,
                                      const struct mica_template_limits *limits, struct mica_buf *out,
                                      struct mica_err *err);
/* Whether the tokenizer has to put its own first token in front of what this template gives: Jinja templates
 * spell it, Go ones rely on it being added. */
bool mica_template_lacks_bos(const struct mica_template *tmpl);

#endif
