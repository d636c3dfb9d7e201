/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The input is a tokenizer.json; what loads encodes a few texts, whose ids are decoded at once and in a
 * stream. */
#include "base/mem.h"
#include "format/tokenizer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const texts[] = {
    "",
    "The thing is here, the 1234th.  \n\tA",
    "<|im_start|>the<|im_end|><s>[CLS] </s>",
    "e\xcc\x81\xc3\xa9 \xf0\x9f\x98\x80 \xe4\xb8\xad\xe6\x96\x87 \xff\xc3(\xe2\x82",
};

static void try_text(const struct mica_tokenizer *tok, const char *text)
{
    struct mica_err err = {0};
    struct mica_ids ids = {0};
    struct mica_buf whole = {0}, pieces = {0};
    struct mica_detokenizer detok = {.tok = tok};
    enum mica_status status = mica_tokenizer_encode(
        tok, text, strlen(text), MICA_TOKENIZE_ADD_SPECIAL | MICA_TOKENIZE_PARSE_SPECIAL, &ids, &err);
    if (status == MICA_OK)
        status = mica_tokenizer_decode(tok, ids.ids, ids.n, false, &whole, &err);
    for (int64_t i = 0; i < ids.n && status == MICA_OK; i++) {
        if (ids.ids[i] < 0 || ids.ids[i] >= mica_tokenizer_vocab_size(tok))
            abort();
        status = mica_detokenizer_next(&detok, ids.ids[i], &pieces, &err);
    }
    if (status == MICA_OK)
        status = mica_detokenizer_flush(&detok, &pieces, &err);
    if (status != MICA_OK && (err.status != status || !err.text[0]))
        abort();
    if (status == MICA_OK &&
        (whole.len != pieces.len || (whole.len && memcmp(whole.data, pieces.data, whole.len))))
        abort();
    mica_ids_release(&ids);
    mica_buf_release(&whole);
    mica_buf_release(&pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mica_mapping *map;
    struct mica_files *files;
    struct mica_tokenizer *tok = NULL;
    struct mica_err err = {0};
    if (mica_mapping_from_bytes(data, size, "tokenizer.json", &map, NULL) != MICA_OK ||
        mica_files_new(&files, NULL) != MICA_OK ||
        mica_files_add(files, "tokenizer.json", map, NULL) != MICA_OK)
        abort();
    enum mica_status status = mica_tokenizer_from_files(files, &tok, &err);
    if (status == MICA_OK) {
        for (size_t i = 0; i < MICA_COUNT(texts); i++)
            try_text(tok, texts[i]);
    } else if (tok || err.status != status || !err.text[0]) {
        abort();
    }
    mica_tokenizer_free(tok);
    mica_files_free(files);
    mica_mapping_free(map);
    return 0;
}
