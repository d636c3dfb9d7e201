/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What the readers of tokenizer.json share. */
#ifndef MICA_TOK_JSON_H
#define MICA_TOK_JSON_H

#include "format/tok_internal.h"

#include <jansson.h>

/* The steps of tokenizer.json's "normalizer", "pre_tokenizer", "decoder" and "post_processor"; null adds
 * none. */
enum mica_status tok_json_normalizer(struct mica_tokenizer *tok, const json_t *node, int depth,
                                     struct mica_err *err);
enum mica_status tok_json_pretokenizer(struct mica_tokenizer *tok, const json_t *node, int depth,
                                       struct mica_err *err);
enum mica_status tok_json_decoder(struct mica_tokenizer *tok, const json_t *node, int depth,
                                  struct mica_err *err);
enum mica_status tok_json_post(struct mica_tokenizer *tok, const json_t *node, int depth,
                               struct mica_err *err);
/* The model: vocabulary (with the added tokens) and rules. */
enum mica_status tok_json_model(struct mica_tokenizer *tok, const json_t *root, struct mica_err *err);

static inline struct mica_str tok_json_str(const json_t *node)
{
    const char *text = json_string_value(node);
    return (struct mica_str){text, text ? json_string_length(node) : 0};
}

enum { TOK_JSON_MAX_DEPTH = 16 };

#endif
