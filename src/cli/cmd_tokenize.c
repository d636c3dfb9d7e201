/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/models.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>

#include "format/tokenizer.h"
#include "model/source.h"

struct args {
    bool json, decode, no_special, plain;
};

/* A tokenizer alone, without loading the weights. */
struct reader {
    struct mica_files *files;
    struct mica_source source;
    struct mica_tokenizer *tok;
};

static void close_reader(struct reader *r)
{
    mica_tokenizer_free(r->tok);
    mica_gguf_free(r->source.gguf);
    mica_files_free(r->files);
}

static enum mica_status open_reader(const char *path, struct reader *r, struct mica_err *err)
{
    enum mica_status status = mica_cli_files(path, &r->files, err);
    if (status == MICA_OK && mica_files_find(r->files, "tokenizer.json"))
        return mica_tokenizer_from_files(r->files, &r->tok, err);
    if (status == MICA_OK)
        status = mica_gguf_open(r->files, &r->source.gguf, err);
    return status == MICA_OK ? mica_tokenizer_from_gguf(r->source.gguf, &r->tok, err) : status;
}

static int print_ids(const struct reader *r, const struct mica_ids *ids, bool json)
{
    json_t *list = json ? json_array() : NULL, *pieces = json ? json_array() : NULL;
    for (int64_t i = 0; i < ids->n; i++) {
        size_t len = 0;
        const char *piece = mica_tokenizer_token(r->tok, ids->ids[i], &len);
        if (json) {
            json_array_append_new(list, json_integer(ids->ids[i]));
            json_t *text = json_stringn(piece, len);
            json_array_append_new(pieces, text ? text : json_null());
        } else {
            printf("%s%d", i ? "," : "", ids->ids[i]);
        }
    }
    if (json)
        return mica_cli_print_json(
            json_pack("{s:o, s:o, s:I}", "ids", list, "tokens", pieces, "n", (json_int_t)ids->n));
    putchar('\n');
    return 0;
}

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    struct reader r = {0};
    struct mica_buf text = {0}, out = {0};
    struct mica_ids ids = {0};
    struct mica_err err;
    int code = 0;
    enum mica_status status = open_reader(operands[0], &r, &err);
    if (status == MICA_OK && n_operands > 1)
        mica_buf_puts(&text, operands[1]);
    else if (status == MICA_OK)
        status = mica_cli_read("-", &text, &err);
    if (status == MICA_OK && args->decode) {
        status = mica_cli_parse_ids(text.data, &ids.ids, &ids.n, &err);
        if (status == MICA_OK)
            status = mica_tokenizer_decode(r.tok, ids.ids, ids.n, false, &out, &err);
        if (status == MICA_OK)
            code = args->json
                       ? mica_cli_print_json(json_pack("{s:s%}", "text", out.len ? out.data : "", out.len))
                       : (fwrite(out.data, 1, out.len, stdout), putchar('\n'), 0);
    } else if (status == MICA_OK) {
        int flags = (args->no_special ? 0 : MICA_TOKENIZE_ADD_SPECIAL) |
                    (args->plain ? 0 : MICA_TOKENIZE_PARSE_SPECIAL);
        status = mica_tokenizer_encode(r.tok, text.data, text.len, flags, &ids, &err);
        if (status == MICA_OK)
            code = print_ids(&r, &ids, args->json);
    }
    mica_buf_release(&text);
    mica_buf_release(&out);
    mica_ids_release(&ids);
    close_reader(&r);
    return status == MICA_OK ? code : mica_cli_fail(status, &err);
}

static const struct mica_option options[] = {
    {"decode", 'd', MICA_OPT_FLAG, offsetof(struct args, decode), NULL,
     "the operand is a list of ids; print their text"},
    {"no-special", 0, MICA_OPT_FLAG, offsetof(struct args, no_special), NULL, "do not add bos and the like"},
    {"plain", 0, MICA_OPT_FLAG, offsetof(struct args, plain), NULL,
     "control tokens in the text are plain text"},
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object"},
};
const struct mica_command mica_command_tokenize = {
    options, MICA_COUNT(options), 1, 2, sizeof(struct args), NULL, run};
