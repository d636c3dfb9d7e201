/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Serves one tokenizer to the parity tests: reads JSON lines {"text": …} or {"base64": …} (raw bytes), with
 * "add_special", "parse_special" and "decode", and writes for each {"ids": […], "text": …}. The text is what
 * decoding the ids gives; "stream": true also decodes id by id and fails when the two differ. {"load": PATH}
 * prints how many milliseconds loading took. */
#include "format/tokenizer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int base64_value(char c)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

static void decode_base64(const char *text, struct mica_buf *out)
{
    unsigned bits = 0;
    int n = 0;
    for (; base64_value(*text) >= 0; text++) {
        bits = bits << 6 | (unsigned)base64_value(*text);
        n += 6;
        if (n >= 8) {
            n -= 8;
            char byte = (char)(bits >> n & 255);
            mica_buf_append(out, &byte, 1);
        }
    }
}

struct loaded {
    struct mica_files *files;
    struct mica_gguf *gguf;
    struct mica_tokenizer *tok;
};

static enum mica_status load(const char *path, struct loaded *l, struct mica_err *err)
{
    enum mica_status status = mica_files_open(path, &l->files, err);
    size_t n = strlen(path);
    if (status != MICA_OK)
        return status;
    double start = now_ms();
    bool is_gguf = n > 5 && strcmp(path + n - 5, ".gguf") == 0;
    if (is_gguf)
        status = mica_gguf_open(l->files, &l->gguf, err);
    double middle = now_ms();
    if (status == MICA_OK)
        status = is_gguf ? mica_tokenizer_from_gguf(l->gguf, &l->tok, err)
                         : mica_tokenizer_from_files(l->files, &l->tok, err);
    fprintf(stderr, "open %.1f ms, tokenizer %.1f ms\n", middle - start, now_ms() - middle);
    return status;
}

static bool stream(const struct mica_tokenizer *tok, const struct mica_ids *ids, bool skip,
                   const struct mica_buf *whole)
{
    struct mica_detokenizer detok = {.tok = tok, .skip_special = skip};
    struct mica_buf text = {0};
    for (int64_t i = 0; i < ids->n; i++)
        mica_detokenizer_next(&detok, ids->ids[i], &text, NULL);
    mica_detokenizer_flush(&detok, &text, NULL);
    bool same = text.len == whole->len && (!text.len || memcmp(text.data, whole->data, text.len) == 0);
    mica_buf_release(&text);
    return same;
}

static json_t *answer(const struct mica_tokenizer *tok, const json_t *line)
{
    struct mica_buf text = {0}, back = {0};
    struct mica_ids ids = {0};
    struct mica_err err = {0};
    json_t *reply = json_object(), *array = json_array();
    const char *base64 = json_string_value(json_object_get(line, "base64"));
    const json_t *plain = json_object_get(line, "text"), *given = json_object_get(line, "ids");
    if (base64)
        decode_base64(base64, &text);
    else if (plain)
        mica_buf_append(&text, json_string_value(plain), json_string_length(plain));
    int flags = (json_is_true(json_object_get(line, "add_special")) ? MICA_TOKENIZE_ADD_SPECIAL : 0) |
                (json_is_true(json_object_get(line, "parse_special")) ? MICA_TOKENIZE_PARSE_SPECIAL : 0);
    bool skip = json_is_true(json_object_get(line, "skip_special"));
    if (given)
        for (size_t i = 0; i < json_array_size(given); i++)
            mica_ids_push(&ids, (int32_t)json_integer_value(json_array_get(given, i)));
    else if (mica_tokenizer_encode(tok, text.data ? text.data : "", text.len, flags, &ids, &err) != MICA_OK)
        json_object_set_new(reply, "error", json_string(err.text));
    for (int64_t i = 0; i < ids.n; i++)
        json_array_append_new(array, json_integer(ids.ids[i]));
    json_object_set_new(reply, "ids", array);
    if (json_is_true(json_object_get(line, "decode"))) {
        mica_tokenizer_decode(tok, ids.ids, ids.n, skip, &back, &err);
        json_object_set_new(reply, "text", json_stringn(back.data ? back.data : "", back.len));
        if (!stream(tok, &ids, skip, &back))
            json_object_set_new(reply, "error", json_string("streaming differs from decoding at once"));
    }
    mica_buf_release(&text);
    mica_buf_release(&back);
    mica_ids_release(&ids);
    return reply;
}

/* Encodes the file at path ten times and prints MB/s. */
static void measure(const struct mica_tokenizer *tok, const char *path)
{
    struct mica_mapping *map = NULL;
    struct mica_err err = {0};
    if (mica_mapping_open(path, &map, &err) != MICA_OK) {
        fprintf(stderr, "%s\n", err.text);
        return;
    }
    double best = 1e9;
    int64_t n = 0;
    for (int i = 0; i < 10; i++) {
        struct mica_ids ids = {0};
        double start = now_ms();
        mica_tokenizer_encode(tok, (const char *)mica_mapping_data(map), mica_mapping_size(map), 0, &ids,
                              NULL);
        double took = now_ms() - start;
        best = took < best ? took : best;
        n = ids.n;
        mica_ids_release(&ids);
    }
    printf("%.2f MB/s, %lld ids\n", (double)mica_mapping_size(map) / 1e3 / best, (long long)n);
    mica_mapping_free(map);
}

int main(int argc, char **argv)
{
    struct loaded l = {0};
    struct mica_err err = {0};
    char *line = NULL;
    size_t capacity = 0;
    int rc = 0;
    if (argc < 2) {
        fprintf(stderr, "usage: %s GGUF-OR-FOLDER [FILE-TO-MEASURE]\n", argv[0]);
        return 2;
    }
    if (load(argv[1], &l, &err) != MICA_OK) {
        fprintf(stderr, "%s\n", err.text);
        rc = 1;
    } else if (argc > 2) {
        measure(l.tok, argv[2]);
    } else {
        ssize_t n;
        while ((n = getline(&line, &capacity, stdin)) > 0) {
            json_error_t error;
            json_t *query = json_loadb(line, (size_t)n, JSON_ALLOW_NUL, &error);
            json_t *reply = query ? answer(l.tok, query) : json_pack("{s:s}", "error", error.text);
            char *text = json_dumps(reply, JSON_COMPACT);
            puts(text ? text : "{}");
            free(text);
            json_decref(query);
            json_decref(reply);
        }
    }
    free(line);
    mica_tokenizer_free(l.tok);
    mica_gguf_free(l.gguf);
    mica_files_free(l.files);
    return rc;
}
