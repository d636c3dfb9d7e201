/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Which chat template a model's files bring: one rule for the engine, which runs it, and the register, which
 * keeps its digest. */
#ifndef MICA_TEMPLATE_SOURCE_H
#define MICA_TEMPLATE_SOURCE_H

#include <mica/base.h>
#include <stdbool.h>

struct mica_gguf;
struct json_t;

/* A template's text (not NUL-terminated), alive as long as the files and reader it was found in and until
 * release; text is NULL when there is none. */
struct mica_template_source {
    const char *text;
    size_t len;
    struct json_t *owner;
};
/* GGUF's tokenizer.chat_template, or, of an HF folder (gguf is NULL), chat_template.jinja, else the
 * chat_template of tokenizer_config.json (of several, the one called "default"). */
void mica_template_find(const struct mica_gguf *gguf, const struct mica_files *files,
                        struct mica_template_source *out);
void mica_template_source_release(struct mica_template_source *source);

/* Is this text a template of Go's kind, as Ollama stores them beside a model, and not Jinja? */
bool mica_template_is_go(const char *text, size_t len);

/* Whether the text of a model's template layer is what it runs with: any that is Jinja, and Go that parses.
 * Otherwise the model's own template is used. The one place where that is decided: what is registered, what
 * runs and what is shown must agree. Fails with ENOMEM only. */
enum mica_status mica_template_usable(const char *text, size_t len, bool *usable, struct mica_err *err);

#endif
