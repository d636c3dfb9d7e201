/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/internal.h"

#include <string.h>

void mica_release(void *p)
{
    mica_free(p);
}

enum mica_status mica_tokenize(const struct mica_engine *engine, const char *text, size_t len,
                               bool add_special, bool parse_special, int32_t **ids_out, int64_t *n_out,
                               struct mica_err *err)
{
    struct mica_ids list = {0};
    int flags =
        (add_special ? MICA_TOKENIZE_ADD_SPECIAL : 0) | (parse_special ? MICA_TOKENIZE_PARSE_SPECIAL : 0);
    enum mica_status status = mica_tokenizer_encode(engine->tokenizer, text, len, flags, &list, err);
    if (status == MICA_OK && !list.ids && !(list.ids = mica_alloc(1, sizeof *list.ids)))
        status = mica_fail(err, MICA_ENOMEM, "tokenize: out of memory");
    if (status != MICA_OK) {
        mica_ids_release(&list);
        return status;
    }
    *ids_out = list.ids;
    *n_out = list.n;
    return MICA_OK;
}

enum mica_status mica_detokenize(const struct mica_engine *engine, const int32_t *ids, int64_t n,
                                 bool skip_special, char **text_out, size_t *len_out, struct mica_err *err)
{
    struct mica_buf text = {0};
    mica_buf_puts(&text, "");
    enum mica_status status = mica_tokenizer_decode(engine->tokenizer, ids, n, skip_special, &text, err);
    if (status == MICA_OK && text.failed)
        status = mica_fail(err, MICA_ENOMEM, "detokenize: out of memory");
    if (status != MICA_OK) {
        mica_buf_release(&text);
        return status;
    }
    *text_out = text.data;
    if (len_out)
        *len_out = text.len;
    return MICA_OK;
}

/* The JSON string of the vocabulary's token id, or null. */
static json_t *token_json(const struct mica_tokenizer *tokenizer, int32_t id)
{
    size_t len;
    const char *text = id >= 0 ? mica_tokenizer_token(tokenizer, id, &len) : NULL;
    return text ? json_stringn(text, len) : json_null();
}

enum mica_status mica_chat_render(const struct mica_engine *engine, const struct mica_message *messages,
                                  int n_messages, bool add_generation_prompt, char **text_out,
                                  struct mica_err *err)
{
    if (!engine->chat)
        return mica_fail(err, MICA_EUNSUPPORTED,
                         "this model brings no chat template that can be used; give a plain prompt instead");
    json_t *vars = json_object(), *list = vars ? json_array() : NULL;
    bool ok = vars && json_object_set_new(vars, "messages", list) == 0;
    for (int i = 0; ok && i < n_messages; i++) {
        json_error_t why;
        json_t *message = json_pack_ex(&why, 0, "{s:s, s:s}", "role", messages[i].role, "content",
                                       messages[i].content);
        if (!message && json_error_code(&why) == json_error_invalid_utf8) {
            json_decref(vars);
            return mica_fail(err, MICA_EARG, "message %d: role and content must be UTF-8 text", i + 1);
        }
        ok = message && json_array_append_new(list, message) == 0;
    }
    ok = ok && json_object_set_new(vars, "add_generation_prompt", json_boolean(add_generation_prompt)) == 0 &&
         json_object_set_new(vars, "bos_token",
                             token_json(engine->tokenizer, mica_tokenizer_bos(engine->tokenizer))) == 0 &&
         json_object_set_new(vars, "eos_token",
                             token_json(engine->tokenizer, mica_tokenizer_eos(engine->tokenizer))) == 0;
    struct mica_buf text = {0};
    mica_buf_puts(&text, "");
    enum mica_status status = ok ? mica_template_render(engine->chat, vars, NULL, &text, err)
                                 : mica_fail(err, MICA_ENOMEM, "chat template: out of memory");
    json_decref(vars);
    if (status == MICA_OK && text.failed)
        status = mica_fail(err, MICA_ENOMEM, "chat template: out of memory");
    if (status != MICA_OK) {
        mica_buf_release(&text);
        return status;
    }
    *text_out = text.data;
    return MICA_OK;
}
