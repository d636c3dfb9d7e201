/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The input is a GGUF file; what opens is read from end to end, and its tokenizer is tried. */
#include "base/mem.h"
#include "format/gguf.h"
#include "format/tokenizer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads one byte of every string and one element of every array, so that the sanitizer sees where they lie.
 */
static uint64_t read_key(const struct mica_gguf *g, const char *key)
{
    int64_t n = mica_gguf_array_len(g, key), whole = 0, n_strs;
    double real = 0;
    bool flag = false;
    const char *s;
    size_t len;
    uint64_t sum = (uint64_t)n;
    if (mica_gguf_str(g, key, &s, &len) && len)
        sum += (uint8_t)s[0] + (uint8_t)s[len - 1];
    mica_gguf_int(g, key, &whole);
    mica_gguf_float(g, key, &real);
    mica_gguf_bool(g, key, &flag);
    mica_gguf_array_int(g, key, n - 1, &whole);
    mica_gguf_array_float(g, key, n - 1, &real);
    const struct mica_str *strs = mica_gguf_array_strs(g, key, &n_strs);
    for (int64_t i = 0; strs && i < n_strs; i++)
        if (strs[i].len)
            sum += (uint8_t)strs[i].data[strs[i].len - 1];
    return sum + (uint64_t)whole + flag;
}

static void try_tokenizer(const struct mica_gguf *g)
{
    static const char text[] = "Hi 12, <s>\xc3\xa9 \xff\xf0\x9f\x98\x80";
    struct mica_tokenizer *tok = NULL;
    struct mica_err err = {0};
    enum mica_status status = mica_tokenizer_from_gguf(g, &tok, &err);
    if (status != MICA_OK) {
        if (tok || err.status != status || !err.text[0])
            abort();
        return;
    }
    struct mica_ids ids = {0};
    struct mica_buf out = {0};
    if (mica_tokenizer_encode(tok, text, sizeof text - 1,
                              MICA_TOKENIZE_ADD_SPECIAL | MICA_TOKENIZE_PARSE_SPECIAL, &ids, &err) == MICA_OK)
        mica_tokenizer_decode(tok, ids.ids, ids.n, false, &out, &err);
    mica_buf_release(&out);
    mica_ids_release(&ids);
    mica_tokenizer_free(tok);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mica_mapping *map;
    struct mica_files *files;
    struct mica_gguf *g = NULL;
    struct mica_err err = {0};
    volatile uint64_t sum = 0;
    if (mica_mapping_from_bytes(data, size, "fuzz.gguf", &map, NULL) != MICA_OK ||
        mica_files_new(&files, NULL) != MICA_OK || mica_files_add(files, "fuzz.gguf", map, NULL) != MICA_OK)
        abort();
    enum mica_status status = mica_gguf_open(files, &g, &err);
    if (status == MICA_OK) {
        const char *key;
        for (int64_t i = 0; (key = mica_gguf_key_at(g, i)); i++)
            sum += read_key(g, key);
        for (int64_t i = 0; i < mica_gguf_tensor_count(g); i++) {
            const struct mica_file_tensor *t = mica_gguf_tensor_at(g, i);
            if (mica_gguf_tensor(g, t->name) != t || t->n_dims < 1)
                abort();
            sum += t->data[0] + t->data[t->size - 1];
        }
        try_tokenizer(g);
    } else if (g || err.status != status || !err.text[0]) {
        abort();
    }
    mica_gguf_free(g);
    mica_files_free(files);
    mica_mapping_free(map);
    return 0;
}
