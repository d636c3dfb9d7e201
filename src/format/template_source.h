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

/* Is this text a template of Go's kind, as Ollama stores them beside a model? Mica runs the model's own Jinja
 * template instead. */
bool mica_template_is_go(const char *text, size_t len);

#endif
