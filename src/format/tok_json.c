/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Tokenizers from a Hugging Face folder: tokenizer.json, and which tokens begin and end a text from
 * tokenizer_config.json, generation_config.json and config.json. */
#include "format/tok_json.h"

#include <string.h>

static enum mica_status no_memory(struct mica_err *err)
{
    return mica_fail(err, MICA_ENOMEM, "tokenizer.json: out of memory");
}

/* The library reports a failed allocation as a syntax error at times. The same text parsed again tells the
 * two apart: what was wrong with the text is wrong again. NULL: no JSON, or out of memory (the code says so).
 */
static json_t *parse_text(const char *text, size_t len, size_t flags, json_error_t *error)
{
    json_t *root = json_loadb(text, len, flags, error);
    return root ? root : json_loadb(text, len, flags, error);
}

/* Parses the file called name; *out stays NULL when it is not in the set or is no JSON (Python writes NaN and
 * Infinity): what it would say can be done without. Numbers become reals, because some are beyond any
 * integer. */
static enum mica_status parse(const struct mica_files *files, const char *name, json_t **out,
                              struct mica_err *err)
{
    struct mica_mapping *map = mica_files_find(files, name);
    json_error_t error;
    if (!map)
        return MICA_OK;
    *out = parse_text((const char *)mica_mapping_data(map), mica_mapping_size(map),
                      JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
    return *out || json_error_code(&error) != json_error_out_of_memory ? MICA_OK : no_memory(err);
}

/* A token named in tokenizer_config.json: a string, or an object with "content". */
static int32_t named_token(const struct mica_tokenizer *tok, const json_t *config, const char *key)
{
    const json_t *node = json_object_get(config, key);
    struct mica_str text = tok_json_str(json_is_object(node) ? json_object_get(node, "content") : node);
    return text.data ? tok_vocab_find(&tok->vocab, text.data, text.len) : -1;
}

static int32_t id_at(const struct mica_tokenizer *tok, const json_t *config, const char *key)
{
    const json_t *node = json_object_get(config, key);
    if (json_is_array(node))
        node = json_array_get(node, 0);
    double id = json_is_number(node) ? json_number_value(node) : -1;
    return id >= 0 && id < tok->vocab.n ? (int32_t)id : -1;
}

static void mark_end(struct mica_tokenizer *tok, const json_t *node)
{
    double id = json_is_number(node) ? json_number_value(node) : -1;
    if (id >= 0 && id < tok->vocab.n)
        tok_mark_end(tok, (int64_t)id);
}

static void mark_ends(struct mica_tokenizer *tok, const json_t *config)
{
    const json_t *node = json_object_get(config, "eos_token_id");
    mark_end(tok, node);
    for (size_t i = 0; i < json_array_size(node); i++)
        mark_end(tok, json_array_get(node, i));
}

/* Which tokens begin and end a text, from the parsed files (NULL where there is none). */
static bool use_configs(struct mica_tokenizer *tok, const json_t *config, json_t *const others[2])
{
    bool from_template = tok->before.n || tok->after.n, ok = true;
    tok->bos = named_token(tok, config, "bos_token");
    tok->eos = named_token(tok, config, "eos_token");
    for (int i = 0; i < 2; i++) {
        if (tok->bos < 0 && !json_is_object(config))
            tok->bos = id_at(tok, others[i], "bos_token_id");
        if (tok->eos < 0)
            tok->eos = id_at(tok, others[i], "eos_token_id");
    }
    if (tok->bos < 0 && tok->before.n && !json_is_object(config))
        tok->bos = tok->before.ids[0];
    /* The post-processor says what is added; only where it says nothing do the flags count. */
    if (!from_template && tok->bos >= 0 && json_is_true(json_object_get(config, "add_bos_token")))
        ok = mica_ids_push(&tok->before, tok->bos);
    if (ok && !from_template && tok->eos >= 0 && json_is_true(json_object_get(config, "add_eos_token")))
        ok = mica_ids_push(&tok->after, tok->eos);
    ok = ok && tok_finish(tok);
    for (int i = 0; ok && i < 2; i++)
        mark_ends(tok, others[i]);
    return ok;
}

static enum mica_status read_configs(struct mica_tokenizer *tok, const struct mica_files *files,
                                     struct mica_err *err)
{
    json_t *config = NULL, *others[2] = {NULL, NULL};
    enum mica_status status = parse(files, "tokenizer_config.json", &config, err);
    if (status == MICA_OK)
        status = parse(files, "generation_config.json", &others[0], err);
    if (status == MICA_OK)
        status = parse(files, "config.json", &others[1], err);
    if (status == MICA_OK && !use_configs(tok, config, others))
        status = no_memory(err);
    json_decref(config);
    json_decref(others[0]);
    json_decref(others[1]);
    return status;
}

enum mica_status mica_tokenizer_from_files(const struct mica_files *files, struct mica_tokenizer **out,
                                           struct mica_err *err)
{
    struct mica_mapping *map = mica_files_find(files, "tokenizer.json");
    if (!map)
        return mica_fail(err, MICA_ENOTFOUND, "there is no tokenizer.json");
    struct tok_lifted lifted = {0};
    json_error_t error;
    if (!tok_json_lift((const char *)mica_mapping_data(map), mica_mapping_size(map), &lifted)) {
        tok_lifted_release(&lifted);
        return no_memory(err);
    }
    json_t *root = parse_text(lifted.rest, lifted.rest_len, JSON_ALLOW_NUL, &error);
    if (!root) {
        tok_lifted_release(&lifted);
        if (json_error_code(&error) == json_error_out_of_memory)
            return no_memory(err);
        return mica_fail(err, MICA_EFORMAT, "tokenizer.json:%d:%d: %s", error.line, error.column, error.text);
    }
    enum mica_status status = MICA_OK;
    struct mica_tokenizer *tok = tok_new();
    if (!tok)
        status = no_memory(err);
    if (status == MICA_OK)
        status = tok_json_normalizer(tok, json_object_get(root, "normalizer"), 0, err);
    if (status == MICA_OK)
        status = tok_json_pretokenizer(tok, json_object_get(root, "pre_tokenizer"), 0, err);
    if (status == MICA_OK)
        status = tok_json_decoder(tok, json_object_get(root, "decoder"), 0, err);
    if (status == MICA_OK)
        status = tok_json_model(tok, root, &lifted, err);
    if (status == MICA_OK)
        status = tok_json_post(tok, json_object_get(root, "post_processor"), 0, err);
    json_decref(root);
    tok_lifted_release(&lifted);
    if (status == MICA_OK)
        status = read_configs(tok, files, err);
    if (status == MICA_OK)
        *out = tok;
    else
        mica_tokenizer_free(tok);
    return status;
}
