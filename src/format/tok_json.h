/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What the readers of tokenizer.json share. */
#ifndef MICA_TOK_JSON_H
#define MICA_TOK_JSON_H

#include "format/tok_internal.h"

#include <jansson.h>
#include <string.h>

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

struct tok_entry {
    struct mica_str text;
    int64_t id;
};
struct tok_merge_pair {
    struct mica_str left, right;
};
/* The parts of a tokenizer.json that are too large for a tree of values; they point into the text and blob.
 */
struct tok_lifted {
    bool has_vocab, has_merges;
    struct tok_entry *vocab;
    struct tok_merge_pair *merges;
    int64_t n_vocab, vocab_capacity, n_merges, merges_capacity;
    char *blob, *rest; /* rest: the text with {} and [] in their places */
    size_t rest_len;
};
/* Takes model.vocab and model.merges out of the text, when they are written as expected. false: out of
 * memory. */
bool tok_json_lift(const char *text, size_t len, struct tok_lifted *out);
void tok_lifted_release(struct tok_lifted *lifted);
/* Splits "a b"; false when there is no space. */
static inline bool tok_merge_split(struct mica_str text, struct tok_merge_pair *out)
{
    const char *space = text.len ? memchr(text.data, ' ', text.len) : NULL;
    if (!space)
        return false;
    out->left = (struct mica_str){text.data, (size_t)(space - text.data)};
    out->right = (struct mica_str){space + 1, text.len - out->left.len - 1};
    return true;
}

/* The model: vocabulary (with the added tokens) and rules. */
enum mica_status tok_json_model(struct mica_tokenizer *tok, const json_t *root, struct tok_lifted *lifted,
                                struct mica_err *err);

static inline struct mica_str tok_json_str(const json_t *node)
{
    const char *text = json_string_value(node);
    return (struct mica_str){text, text ? json_string_length(node) : 0};
}

enum { TOK_JSON_MAX_DEPTH = 16 };

#endif
