/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Vocabularies whose tokens are longer than any buffer someone may have thought of (CVE-2025-49847), and
 * texts that make more tokens than they have bytes (CVE-2025-52566), through the file's reader and the
 * tokenizer. */
#include "write.h"
#include "format/tokenizer.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { HUGE_LEN = 1 << 20, HUGE_ID = 2, ANY = MICA_TOKENIZE_PARSE_SPECIAL };

struct vocabulary {
    char *text; /* of the huge token */
    struct mica_buf file;
    struct mica_gguf *gguf;
    struct mica_tokenizer *tok;
};

/* <unk>, <s>, the huge token (of the given type), and the 256 byte tokens. */
static void open_vocabulary(struct vocabulary *v, int huge_type)
{
    struct mica_buf *b = &v->file;
    struct mica_err err = {0};
    enum { N = 3 + 256 };
    v->text = malloc(HUGE_LEN + 1);
    memset(v->text, 'h', HUGE_LEN);
    v->text[HUGE_LEN] = 0;
    put_gguf_head(b, 3, 0, 6);
    put_kv_str(b, "tokenizer.ggml.model", "llama");
    put_kv_array(b, "tokenizer.ggml.tokens", GGUF_STR, N);
    put_str(b, "<unk>");
    put_str(b, "<s>");
    put_str(b, v->text);
    for (int i = 0; i < 256; i++) {
        static const char digits[] = "0123456789ABCDEF";
        put_str(b, (const char[]){'<', '0', 'x', digits[i / 16], digits[i % 16], '>', 0});
    }
    put_kv_array(b, "tokenizer.ggml.token_type", GGUF_I32, N);
    put_int(b, 4, 2);
    put_int(b, 4, 3);
    put_int(b, 4, (uint64_t)huge_type);
    for (int i = 0; i < 256; i++)
        put_int(b, 4, 6);
    put_kv_array(b, "tokenizer.ggml.scores", GGUF_F32, N);
    for (int i = 0; i < N; i++)
        put_f32(b, 0);
    put_kv_int(b, "tokenizer.ggml.add_bos_token", GGUF_BOOL, 0);
    put_kv_int(b, "tokenizer.ggml.add_space_prefix", GGUF_BOOL, 0);
    assert_false(b->failed);
    struct mica_files *files = files_of_bytes(b->data, b->len, "vocabulary.gguf");
    if (mica_gguf_open(files, &v->gguf, &err) != MICA_OK ||
        mica_tokenizer_from_gguf(v->gguf, &v->tok, &err) != MICA_OK)
        fail_msg("%s", err.text);
    mica_files_free(files);
}

static void close_vocabulary(struct vocabulary *v)
{
    mica_tokenizer_free(v->tok);
    mica_gguf_free(v->gguf);
    mica_buf_release(&v->file);
    free(v->text);
}

static void test_huge_token(void **state)
{
    static const int types[] = {1, 3, 4}; /* normal, control, user-defined */
    for (size_t t = 0; t < MICA_COUNT(types); t++) {
        struct vocabulary v = {0};
        struct mica_buf out = {0}, small = {.limit = 100};
        struct mica_ids ids = {0};
        struct mica_err err = {0};
        const int32_t huge[] = {HUGE_ID, HUGE_ID};
        size_t len = 0;
        open_vocabulary(&v, types[t]);
        assert_ptr_not_equal(mica_tokenizer_token(v.tok, HUGE_ID, &len), NULL);
        assert_int_equal(len, HUGE_LEN);
        assert_int_equal(mica_tokenizer_find(v.tok, v.text, HUGE_LEN), HUGE_ID);
        assert_int_equal(mica_tokenizer_decode(v.tok, huge, 2, false, &out, &err), MICA_OK);
        if (out.len != 2 * (size_t)HUGE_LEN || memcmp(out.data, v.text, HUGE_LEN) != 0)
            fail_msg("type %d: the huge token twice decodes to %zu bytes", types[t], out.len);

        /* A buffer that cannot hold it: an error, and not a byte past the limit. */
        enum mica_status status = mica_tokenizer_decode(v.tok, huge, 1, false, &small, &err);
        if (status == MICA_OK || err.status != status || small.len > small.limit)
            fail_msg("type %d: status %d with %zu bytes in a buffer of 100", types[t], status, small.len);

        struct mica_detokenizer detok = {.tok = v.tok};
        out.len = 0;
        assert_int_equal(mica_detokenizer_next(&detok, HUGE_ID, &out, &err), MICA_OK);
        assert_int_equal(mica_detokenizer_flush(&detok, &out, &err), MICA_OK);
        assert_int_equal(out.len, HUGE_LEN);
        if (types[t] != 1) { /* one that is looked for in the text as it stands */
            assert_int_equal(mica_tokenizer_encode(v.tok, v.text, HUGE_LEN, ANY, &ids, &err), MICA_OK);
            assert_true(ids.n == 1 && ids.ids[0] == HUGE_ID);
        }
        mica_ids_release(&ids);
        mica_buf_release(&out);
        mica_buf_release(&small);
        close_vocabulary(&v);
    }
}

static void test_more_tokens_than_bytes(void **state)
{
    struct vocabulary v = {0};
    struct mica_ids ids = {0};
    struct mica_err err = {0};
    enum { N = 10000 };
    static char text[N];
    open_vocabulary(&v, 3);
    memset(text, ' ', N); /* each becomes U+2581, which is three byte tokens here */
    assert_int_equal(mica_tokenizer_encode(v.tok, text, N, 0, &ids, &err), MICA_OK);
    assert_int_equal(ids.n, 3 * N);
    for (int64_t i = 0; i < ids.n; i++) {
        static const int bytes[] = {0xe2, 0x96, 0x81};
        if (ids.ids[i] != 3 + bytes[i % 3])
            fail_msg("token %lld is %d", (long long)i, ids.ids[i]);
    }
    assert_true(ids.capacity >= ids.n);
    mica_ids_release(&ids);
    close_vocabulary(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_huge_token),
        cmocka_unit_test(test_more_tokens_than_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
