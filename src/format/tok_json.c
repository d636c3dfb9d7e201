/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Tokenizers from a Hugging Face folder: tokenizer.json, and which tokens begin and end a text from
 * tokenizer_config.json, generation_config.json and config.json. */
#include "format/tok_json.h"

#include <string.h>

/* Parses the file called name when it is in the set. A broken side file counts as absent. */
static json_t *parse(const struct mica_files *files, const char *name)
{
    struct mica_mapping *map = mica_files_find(files, name);
    json_error_t error;
    return map ? json_loadb((const char *)mica_mapping_data(map), mica_mapping_size(map), JSON_ALLOW_NUL,
                            &error)
               : NULL;
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
    json_int_t id = json_is_integer(node) ? json_integer_value(node) : -1;
    return id >= 0 && id < tok->vocab.n ? (int32_t)id : -1;
}

static void mark_ends(struct mica_tokenizer *tok, const json_t *config)
{
    const json_t *node = json_object_get(config, "eos_token_id");
    if (json_is_integer(node))
        tok_mark_end(tok, json_integer_value(node));
    for (size_t i = 0; i < json_array_size(node); i++)
        tok_mark_end(tok, json_integer_value(json_array_get(node, i)));
}

static bool read_configs(struct mica_tokenizer *tok, const struct mica_files *files)
{
    json_t *config = parse(files, "tokenizer_config.json");
    json_t *others[] = {parse(files, "generation_config.json"), parse(files, "config.json")};
    bool from_template = tok->before.n || tok->after.n, ok = true;
    tok->bos = named_token(tok, config, "bos_token");
    tok->eos = named_token(tok, config, "eos_token");
    for (size_t i = 0; i < MICA_COUNT(others); i++) {
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
    for (size_t i = 0; i < MICA_COUNT(others); i++) {
        if (ok)
            mark_ends(tok, others[i]);
        json_decref(others[i]);
    }
    json_decref(config);
    return ok;
}

enum mica_status mica_tokenizer_from_files(const struct mica_files *files, struct mica_tokenizer **out,
                                           struct mica_err *err)
{
    struct mica_mapping *map = mica_files_find(files, "tokenizer.json");
    if (!map)
        return mica_fail(err, MICA_ENOTFOUND, "there is no tokenizer.json");
    json_error_t error;
    json_t *root =
        json_loadb((const char *)mica_mapping_data(map), mica_mapping_size(map), JSON_ALLOW_NUL, &error);
    if (!root)
        return mica_fail(err,
                         json_error_code(&error) == json_error_out_of_memory ? MICA_ENOMEM : MICA_EFORMAT,
                         "tokenizer.json:%d:%d: %s", error.line, error.column, error.text);
    enum mica_status status = MICA_OK;
    struct mica_tokenizer *tok = tok_new();
    if (!tok)
        status = mica_fail(err, MICA_ENOMEM, "tokenizer.json: out of memory");
    if (status == MICA_OK)
        status = tok_json_normalizer(tok, json_object_get(root, "normalizer"), 0, err);
    if (status == MICA_OK)
        status = tok_json_pretokenizer(tok, json_object_get(root, "pre_tokenizer"), 0, err);
    if (status == MICA_OK)
        status = tok_json_decoder(tok, json_object_get(root, "decoder"), 0, err);
    if (status == MICA_OK)
        status = tok_json_model(tok, root, err);
    if (status == MICA_OK)
        status = tok_json_post(tok, json_object_get(root, "post_processor"), 0, err);
    json_decref(root);
    if (status == MICA_OK && !read_configs(tok, files))
        status = mica_fail(err, MICA_ENOMEM, "tokenizer.json: out of memory");
    if (status == MICA_OK)
        *out = tok;
    else
        mica_tokenizer_free(tok);
    return status;
}
