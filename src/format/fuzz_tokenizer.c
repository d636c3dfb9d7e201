/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Three kinds of input: a GGUF file and a tokenizer.json are loaded and tried on a short text; anything else
 * is a text for two fixed tokenizers, one of which can write every byte. */
#include "format/tokenizer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char sample[] =
    "Hello  w\xc3\xb6rld's 12345 <s>\n\xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x98\x80!\xff\xe2\x82";

static struct mica_files *files_of(const void *data, size_t size, const char *name)
{
    struct mica_mapping *map = NULL;
    struct mica_files *files = NULL;
    if (mica_mapping_from_bytes(data, size, name, &map, NULL) == MICA_OK &&
        mica_files_new(&files, NULL) == MICA_OK && mica_files_add(files, name, map, NULL) != MICA_OK) {
        mica_files_free(files);
        files = NULL;
    }
    mica_mapping_free(map);
    return files;
}

/* Encodes, decodes at once and id by id; both decodings must agree. With lossless, valid text must come back.
 */
static void try_text(const struct mica_tokenizer *tok, const char *text, size_t len, bool lossless)
{
    struct mica_ids ids = {0};
    struct mica_buf whole = {0}, parts = {0};
    struct mica_detokenizer detok = {.tok = tok};
    int flags = MICA_TOKENIZE_ADD_SPECIAL | MICA_TOKENIZE_PARSE_SPECIAL;
    if (mica_tokenizer_encode(tok, text, len, lossless ? 0 : flags, &ids, NULL) != MICA_OK)
        abort();
    for (int64_t i = 0; i < ids.n; i++)
        if (ids.ids[i] < 0 || ids.ids[i] >= mica_tokenizer_vocab_size(tok) ||
            mica_detokenizer_next(&detok, ids.ids[i], &parts, NULL) != MICA_OK)
            abort();
    if (mica_detokenizer_flush(&detok, &parts, NULL) != MICA_OK ||
        mica_tokenizer_decode(tok, ids.ids, ids.n, false, &whole, NULL) != MICA_OK)
        abort();
    if (whole.len != parts.len || (whole.len && memcmp(whole.data, parts.data, whole.len) != 0))
        abort();
    bool replaced = whole.len && memmem(whole.data, whole.len, "\xEF\xBF\xBD", 3);
    if (lossless && !replaced && (whole.len != len || (len && memcmp(whole.data, text, len) != 0)))
        abort();
    mica_ids_release(&ids);
    mica_buf_release(&whole);
    mica_buf_release(&parts);
}

static struct mica_tokenizer *load_json(const void *data, size_t size)
{
    struct mica_files *files = files_of(data, size, "tokenizer.json");
    struct mica_tokenizer *tok = NULL;
    struct mica_err err = {0};
    enum mica_status status = files ? mica_tokenizer_from_files(files, &tok, &err) : MICA_OK;
    if (status != MICA_OK && (tok || err.status != status || !err.text[0]))
        abort();
    mica_files_free(files);
    return tok;
}

static void try_gguf(const uint8_t *data, size_t size)
{
    struct mica_files *files = files_of(data, size, "model.gguf");
    struct mica_gguf *gguf = NULL;
    struct mica_tokenizer *tok = NULL;
    if (files && mica_gguf_open(files, &gguf, NULL) == MICA_OK &&
        mica_tokenizer_from_gguf(gguf, &tok, NULL) == MICA_OK)
        try_text(tok, sample, sizeof sample, false);
    mica_tokenizer_free(tok);
    mica_gguf_free(gguf);
    mica_files_free(files);
}

/* Byte-level BPE with every byte, a few merges and GPT-2's pattern. */
static struct mica_tokenizer *every_byte(void)
{
    struct mica_buf json = {0};
    int next = 0x100;
    mica_buf_puts(
        &json,
        "{\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false},\"decoder\":{\"type\":"
        "\"ByteLevel\"},\"model\":{\"type\":\"BPE\",\"merges\":[\"t h\",\"th e\",\"\\u0120 the\",\"1 1\","
        "\"\\u0120 \\u0120\"],\"vocab\":{\"th\":256,\"the\":257,\"\\u0120the\":258,\"11\":259,"
        "\"\\u0120\\u0120\":260");
    for (int b = 0; b < 256; b++) {
        bool itself = (b > 0x20 && b < 0x7F) || (b > 0xA0 && b != 0xAD);
        mica_buf_printf(&json, ",\"\\u%04x\":%d", itself ? b : next++, b);
    }
    mica_buf_puts(&json, "}}}");
    struct mica_tokenizer *tok = load_json(json.data, json.len);
    mica_buf_release(&json);
    return tok;
}

static const char bert[] = "{\"added_tokens\":[{\"id\":4,\"content\":\"[M]\",\"lstrip\":true,\"single_word\":"
                           "true}],\"normalizer\":{\"type\":"
                           "\"BertNormalizer\"},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},\"model\":{"
                           "\"type\":\"WordPiece\",\"unk_token\":"
                           "\"u\",\"vocab\":{\"u\":0,\"a\":1,\"##b\":2,\"e\":3}}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mica_tokenizer *bytes, *words;
    if (!bytes && (!(bytes = every_byte()) || !(words = load_json(bert, strlen(bert)))))
        abort();
    if (size >= 4 && memcmp(data, "GGUF", 4) == 0) {
        try_gguf(data, size);
    } else if (size && data[0] == '{') {
        struct mica_tokenizer *tok = load_json(data, size);
        if (tok)
            try_text(tok, sample, sizeof sample, false);
        mica_tokenizer_free(tok);
    } else {
        try_text(bytes, (const char *)data, size, true);
        try_text(words, (const char *)data, size, false);
    }
    return 0;
}
