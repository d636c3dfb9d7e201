/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/internal.h"

#include <string.h>

void mica_release(void *p)
{
    mica_free(p);
}

static enum mica_status need_tokenizer(const struct mica_engine *engine, struct mica_err *err)
{
    if (engine->tokenizer)
        return MICA_OK;
    return mica_fail(err, MICA_EUNSUPPORTED, "this model takes token ids only: %s",
                     engine->no_tokenizer.text);
}

static enum mica_status tokenize(const struct mica_engine *engine, const char *text, size_t len, int flags,
                                 int32_t **ids_out, int64_t *n_out, struct mica_err *err)
{
    struct mica_ids list = {0};
    enum mica_status status = need_tokenizer(engine, err);
    if (status == MICA_OK)
        status = mica_tokenizer_encode(engine->tokenizer, text, len, flags, &list, err);
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

enum mica_status mica_tokenize(const struct mica_engine *engine, const char *text, size_t len,
                               bool add_special, bool parse_special, int32_t **ids_out, int64_t *n_out,
                               struct mica_err *err)
{
    int flags =
        (add_special ? MICA_TOKENIZE_ADD_SPECIAL : 0) | (parse_special ? MICA_TOKENIZE_PARSE_SPECIAL : 0);
    return tokenize(engine, text, len, flags, ids_out, n_out, err);
}

enum mica_status mica_detokenize(const struct mica_engine *engine, const int32_t *ids, int64_t n,
                                 bool skip_special, char **text_out, size_t *len_out, struct mica_err *err)
{
    struct mica_buf text = {0};
    mica_buf_puts(&text, "");
    enum mica_status status = need_tokenizer(engine, err);
    if (status == MICA_OK)
        status = mica_tokenizer_decode(engine->tokenizer, ids, n, skip_special, &text, err);
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

/* Sets vars[name] to the text of token id; a token that the model lacks stays undefined, as templates expect.
 */
static bool set_token(json_t *vars, const char *name, const struct mica_tokenizer *tokenizer, int32_t id)
{
    size_t len;
    const char *text = id >= 0 ? mica_tokenizer_token(tokenizer, id, &len) : NULL;
    return !text || json_object_set_new(vars, name, json_stringn(text, len)) == 0;
}

/* {"role": …, "content": …}; with marked, control tokens in them are taken apart. EARG when they are not
 * UTF-8.
 */
static enum mica_status message_json(const struct mica_engine *engine, const struct mica_message *message,
                                     int number, bool marked, json_t **out, struct mica_err *err)
{
    const char *const texts[] = {message->role, message->content};
    struct mica_buf parts[2] = {0};
    json_error_t why = {0};
    json_t *json = NULL;
    for (int i = 0; i < 2; i++) {
        mica_buf_puts(&parts[i], ""); /* not NULL even when empty */
        if (!marked)
            mica_buf_puts(&parts[i], texts[i]);
        else
            mica_tokenizer_mark(engine->tokenizer, texts[i], strlen(texts[i]), &parts[i]);
    }
    if (!parts[0].failed && !parts[1].failed)
        json = json_pack_ex(&why, 0, "{s:s%, s:s%}", "role", parts[0].data, parts[0].len, "content",
                            parts[1].data, parts[1].len);
    mica_buf_release(&parts[0]);
    mica_buf_release(&parts[1]);
    if (!json)
        return json_error_code(&why) == json_error_invalid_utf8
                   ? mica_fail(err, MICA_EARG, "message %d: role and content must be UTF-8 text", number)
                   : mica_fail(err, MICA_ENOMEM, "chat template: out of memory");
    *out = json;
    return MICA_OK;
}

static enum mica_status render(const struct mica_engine *engine, const struct mica_message *messages,
                               int n_messages, bool add_generation_prompt, bool marked, struct mica_buf *text,
                               struct mica_err *err)
{
    if (!engine->chat)
        return mica_fail(err, MICA_EUNSUPPORTED,
                         "this model brings no chat template that can be used; give a plain prompt instead");
    enum mica_status status = need_tokenizer(engine, err);
    if (status != MICA_OK)
        return status;
    json_t *vars = json_object(), *list = vars ? json_array() : NULL;
    bool ok = vars && json_object_set_new(vars, "messages", list) == 0;
    for (int i = 0; ok && i < n_messages; i++) {
        json_t *message = NULL;
        status = message_json(engine, &messages[i], i + 1, marked, &message, err);
        if (status != MICA_OK) {
            json_decref(vars);
            return status;
        }
        ok = json_array_append_new(list, message) == 0;
    }
    ok = ok && json_object_set_new(vars, "add_generation_prompt", json_boolean(add_generation_prompt)) == 0 &&
         set_token(vars, "bos_token", engine->tokenizer, mica_tokenizer_bos(engine->tokenizer)) &&
         set_token(vars, "eos_token", engine->tokenizer, mica_tokenizer_eos(engine->tokenizer));
    mica_buf_puts(text, "");
    status = ok ? mica_template_render(engine->chat, vars, NULL, text, err)
                : mica_fail(err, MICA_ENOMEM, "chat template: out of memory");
    json_decref(vars);
    if (status == MICA_OK && text->failed)
        status = mica_fail(err, MICA_ENOMEM, "chat template: out of memory");
    return status;
}

enum mica_status mica_chat_render(const struct mica_engine *engine, const struct mica_message *messages,
                                  int n_messages, bool add_generation_prompt, char **text_out,
                                  struct mica_err *err)
{
    struct mica_buf text = {0};
    enum mica_status status = render(engine, messages, n_messages, add_generation_prompt, false, &text, err);
    if (status == MICA_OK)
        *text_out = text.data;
    else
        mica_buf_release(&text);
    return status;
}

/* Some Go templates spell the first token all the same. */
static bool begins_with_bos(const struct mica_engine *engine, const struct mica_buf *text)
{
    size_t len;
    int32_t id = mica_tokenizer_bos(engine->tokenizer);
    const char *bos = id >= 0 ? mica_tokenizer_token(engine->tokenizer, id, &len) : NULL;
    return bos && text->len >= len && memcmp(text->data, bos, len) == 0;
}

enum mica_status mica_chat_tokenize(const struct mica_engine *engine, const struct mica_message *messages,
                                    int n_messages, bool add_generation_prompt, int32_t **ids_out,
                                    int64_t *n_out, struct mica_err *err)
{
    struct mica_buf text = {0};
    enum mica_status status = render(engine, messages, n_messages, add_generation_prompt, true, &text, err);
    int flags = MICA_TOKENIZE_PARSE_SPECIAL | MICA_TOKENIZE_MARKED;
    if (status == MICA_OK && mica_template_lacks_bos(engine->chat) && !begins_with_bos(engine, &text))
        flags |= MICA_TOKENIZE_ADD_SPECIAL;
    if (status == MICA_OK)
        status = tokenize(engine, text.data, text.len, flags, ids_out, n_out, err);
    mica_buf_release(&text);
    return status;
}
