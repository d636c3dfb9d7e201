/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Small tokenizers in memory: what the parity tests cannot see, and files that are wrong. */
#include "write.h"

#include "format/tokenizer.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- tokenizer.json ---- */

static const char byte_level[] =
    "{\"added_tokens\":[{\"id\":9,\"content\":\"<s>\",\"special\":true},{\"id\":10,\"content\":\"<tool>\","
    "\"special\":false,"
    "\"normalized\":false},{\"id\":11,\"content\":\"<|im_end|>\",\"special\":true}],"
    "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false},\"decoder\":{\"type\":"
    "\"ByteLevel\"},"
    "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\"\\u0120\":3,\"\\u0120ab\":4,"
    "\"\\u00f0\":5,"
    "\"\\u0141\":6,\"\\u013a\":7,\"\\u0122\":8,\"<\":12,\"s\":13,\">\":14,\"\\u00ff\":15},"
    "\"merges\":[\"a b\",[\"\\u0120\",\"ab\"]]}}";
static const char fallback[] =
    "{\"added_tokens\":[{\"id\":0,\"content\":\"<unk>\",\"special\":true}],"
    "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"\\u2581\"},"
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\\u2581\"}]},"
    "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":"
    "\"\\u2581\"},"
    "\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\" "
    "\","
    "\"start\":1,\"stop\":0}]},"
    "\"model\":{\"type\":\"BPE\",\"unk_token\":\"<unk>\",\"byte_fallback\":true,\"merges\":[\"\\u2581 "
    "a\"],\"vocab\":{"
    "\"<unk>\":0,\"\\u2581\":300,\"a\":301,\"\\u2581a\":302";
static const char wordpiece[] =
    "{\"normalizer\":{\"type\":\"BertNormalizer\"},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
    "\"post_processor\":{\"type\":\"BertProcessing\",\"cls\":[\"[CLS]\",1],\"sep\":[\"[SEP]\",2]},"
    "\"decoder\":{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true},"
    "\"added_tokens\":[{\"id\":1,\"content\":\"[CLS]\",\"special\":true},{\"id\":2,\"content\":\"[SEP]\","
    "\"special\":true}],"
    "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"continuing_subword_prefix\":\"##\","
    "\"vocab\":{\"[UNK]\":0,"
    "\"[CLS]\":1,\"[SEP]\":2,\"play\":3,\"##ing\":4,\"!\":5,\"##s\":6}}}";
static const char unigram[] = "{\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"\\u2581\"},"
                              "\"decoder\":{\"type\":\"Metaspace\","
                              "\"replacement\":\"\\u2581\"},\"model\":{\"type\":\"Unigram\",\"unk_id\":0,"
                              "\"vocab\":[[\"<unk>\",0],[\"\\u2581\",-3],"
                              "[\"a\",-2],[\"b\",-2.5],[\"ab\",-4],[\"\\u2581ab\",-6],[\"ba\",-4.6]]}}";

struct loaded {
    struct mica_files *files;
    struct mica_gguf *gguf;
    struct mica_tokenizer *tok;
};

static struct loaded load_json(const char *json)
{
    struct loaded l = {.files = files_of_bytes(json, strlen(json), "tokenizer.json")};
    struct mica_err err;
    if (mica_tokenizer_from_files(l.files, &l.tok, &err) != MICA_OK)
        fail_msg("%.60s…: %s", json, err.text);
    return l;
}

static void unload(struct loaded *l)
{
    mica_tokenizer_free(l->tok);
    mica_gguf_free(l->gguf);
    mica_files_free(l->files);
}

static void check_ids(const char *what, const struct mica_tokenizer *tok, const char *text, size_t len,
                      int flags, const int32_t *want, int64_t n)
{
    struct mica_ids ids = {0};
    struct mica_err err;
    if (mica_tokenizer_encode(tok, text, len, flags, &ids, &err) != MICA_OK)
        fail_msg("%s: %s", what, err.text);
    bool same = ids.n == n;
    for (int64_t i = 0; same && i < n; i++)
        same = ids.ids[i] == want[i];
    if (!same) {
        for (int64_t i = 0; i < ids.n; i++)
            print_error("%d ", ids.ids[i]);
        fail_msg("%s: wrong ids of \"%s\" (%lld of them)", what, text, (long long)ids.n);
    }
    mica_ids_release(&ids);
}

enum { ADD = MICA_TOKENIZE_ADD_SPECIAL, PARSE = MICA_TOKENIZE_PARSE_SPECIAL };

static void test_encode(void **state)
{
    /* Byte tokens <0x00> to <0xFF> have the ids 1 to 256. */
    struct mica_buf with_bytes = {0};
    mica_buf_puts(&with_bytes, fallback);
    for (int i = 0; i < 256; i++)
        mica_buf_printf(&with_bytes, ",\"<0x%02X>\":%d", i, i + 1);
    mica_buf_puts(&with_bytes, "}}}");
    const struct {
        const char *name, *json, *text;
        int flags;
        int32_t ids[12];
        int64_t n;
    } rows[] = {
        {"merges", byte_level, "ab ab a", 0, {2, 4, 3, 0}, 4},
        {"added without parsing", byte_level, "a<tool>b", 0, {0, 10, 1}, 3},
        {"special without parsing", byte_level, "a<s>", 0, {0, 12, 13, 14}, 4},
        {"special with parsing", byte_level, "a<s>b", PARSE, {0, 9, 1}, 3},
        {"empty", byte_level, "", PARSE | ADD, {0}, 0},
        {"a byte outside UTF-8", byte_level, "ab\xff", 0, {2, 15}, 2},
        {"bytes without a token are left out", byte_level, "aca", 0, {0, 0}, 2},
        {"byte fallback", with_bytes.data, "a\xc3\xa9", 0, {302, 0xC3 + 1, 0xA9 + 1}, 3},
        {"byte fallback outside UTF-8", with_bytes.data, "a\xff\xc3 a", 0, {302, 256, 0xC3 + 1, 300, 302}, 5},
        {"pieces", wordpiece, "Playing pl\xc3\xa1ys!", ADD, {1, 3, 4, 3, 6, 5, 2}, 7},
        {"an unknown word", wordpiece, "plain play", 0, {0, 3}, 2},
        {"U+FFFD is cleaned away", wordpiece, "play\xff", 0, {3}, 1},
        {"the best sum", unigram, "ab", 0, {5}, 1},
        {"the best sum of several", unigram, "bab", 0, {1, 3, 4}, 3},
        {"unknown neighbours are one", unigram, "xyza", 0, {1, 0, 2}, 3},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct loaded l = load_json(rows[i].json);
        check_ids(rows[i].name, l.tok, rows[i].text, strlen(rows[i].text), rows[i].flags, rows[i].ids,
                  rows[i].n);
        unload(&l);
    }
    mica_buf_release(&with_bytes);
}

static void test_appends(void **state)
{
    struct loaded l = load_json(byte_level);
    struct mica_ids ids = {0};
    assert_int_equal(mica_tokenizer_encode(l.tok, "a", 1, 0, &ids, NULL), MICA_OK);
    assert_int_equal(mica_tokenizer_encode(l.tok, "b\0a", 3, 0, &ids, NULL), MICA_OK);
    assert_int_equal(ids.n, 3);
    assert_int_equal(ids.ids[1], 1);
    mica_ids_release(&ids);
    unload(&l);
}

/* 😀 is F0 9F 98 80; its four bytes have a token each. */
static void test_stream(void **state)
{
    static const struct {
        int32_t ids[6];
        int n;
        bool skip;
        const char *pieces[7]; /* the last is what flush adds */
    } rows[] = {
        {{0, 5, 6, 7, 8, 1}, 6, false, {"a", "", "", "", "\xf0\x9f\x98\x80", "b", ""}},
        {{5, 6, 1},
         3,
         false,
         {"", "",
          "\xef\xbf\xbd"
          "b",
          ""}},
        {{15, 5, 5}, 3, false, {"\xef\xbf\xbd", "", "\xef\xbf\xbd", "\xef\xbf\xbd"}},
        {{9, 0, 11, 10}, 4, false, {"<s>", "a", "<|im_end|>", "<tool>", ""}},
        {{9, 0, 11, 10}, 4, true, {"", "a", "", "<tool>", ""}},
        {{5, 9, 6}, 3, true, {"", "", "", "\xef\xbf\xbd"}},
        {{99, -1, 0}, 3, true, {"", "", "a", ""}},
    };
    struct loaded l = load_json(byte_level);
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_detokenizer detok = {.tok = l.tok, .skip_special = rows[i].skip};
        struct mica_buf all = {0}, whole = {0};
        for (int j = 0; j <= rows[i].n; j++) {
            struct mica_buf piece = {0};
            enum mica_status status = j < rows[i].n
                                          ? mica_detokenizer_next(&detok, rows[i].ids[j], &piece, NULL)
                                          : mica_detokenizer_flush(&detok, &piece, NULL);
            assert_int_equal(status, MICA_OK);
            if (strcmp(piece.data ? piece.data : "", rows[i].pieces[j]) != 0)
                fail_msg("row %zu, piece %d: \"%s\" and not \"%s\"", i, j, piece.data, rows[i].pieces[j]);
            mica_buf_append(&all, piece.data ? piece.data : "", piece.len);
            mica_buf_release(&piece);
        }
        assert_int_equal(mica_tokenizer_decode(l.tok, rows[i].ids, rows[i].n, rows[i].skip, &whole, NULL),
                         MICA_OK);
        if (whole.len != all.len ||
            memcmp(whole.data ? whole.data : "", all.data ? all.data : "", all.len) != 0)
            fail_msg("row %zu: the pieces give \"%s\", the whole \"%s\"", i, all.data, whole.data);
        mica_buf_release(&all);
        mica_buf_release(&whole);
    }
    unload(&l);
}

static void test_questions(void **state)
{
    struct loaded l = load_json(byte_level);
    size_t len;
    assert_int_equal(mica_tokenizer_vocab_size(l.tok), 16);
    assert_int_equal(mica_tokenizer_find(l.tok,
                                         "\xc4\xa0"
                                         "ab",
                                         4),
                     4);
    assert_int_equal(mica_tokenizer_find(l.tok, "abb", 3), -1);
    assert_string_equal(mica_tokenizer_token(l.tok, 11, &len), "<|im_end|>");
    assert_int_equal(len, 10);
    assert_null(mica_tokenizer_token(l.tok, 16, &len));
    assert_null(mica_tokenizer_token(l.tok, -1, &len));
    assert_true(mica_tokenizer_is_end(l.tok, 11));
    assert_false(mica_tokenizer_is_end(l.tok, 9));
    assert_false(mica_tokenizer_is_end(l.tok, 1000));
    assert_true(mica_tokenizer_is_special(l.tok, 9));
    assert_false(mica_tokenizer_is_special(l.tok, 10));
    assert_int_equal(mica_tokenizer_bos(l.tok), -1);
    assert_string_equal(mica_tokenizer_kind(l.tok), "BPE");
    unload(&l);
}

static void test_config(void **state)
{
    static const char config[] =
        "{\"bos_token\":{\"content\":\"<s>\"},\"eos_token\":\"<tool>\",\"add_bos_token\":true}";
    static const char generation[] = "{\"eos_token_id\":[10,2]}";
    struct loaded l = {.files = files_of_bytes(byte_level, strlen(byte_level), "tokenizer.json")};
    add_bytes(l.files, config, strlen(config), "tokenizer_config.json");
    add_bytes(l.files, generation, strlen(generation), "generation_config.json");
    assert_int_equal(mica_tokenizer_from_files(l.files, &l.tok, NULL), MICA_OK);
    assert_int_equal(mica_tokenizer_bos(l.tok), 9);
    assert_int_equal(mica_tokenizer_eos(l.tok), 10);
    assert_true(mica_tokenizer_is_end(l.tok, 10));
    assert_true(mica_tokenizer_is_end(l.tok, 2));
    check_ids("bos", l.tok, "a", 1, ADD, (int32_t[]){9, 0}, 2);
    unload(&l);
}

/* A single word of a megabyte must not take quadratic time. */
static void test_long_word(void **state)
{
    enum { N = 1 << 20 };
    const char *const jsons[] = {byte_level, unigram, wordpiece};
    char *text = malloc(N);
    for (int i = 0; i < N; i++)
        text[i] = "ab"[i & 1];
    for (size_t i = 0; i < MICA_COUNT(jsons); i++) {
        struct loaded l = load_json(jsons[i]);
        struct mica_ids ids = {0};
        assert_int_equal(mica_tokenizer_encode(l.tok, text, N, 0, &ids, NULL), MICA_OK);
        assert_true(ids.n >= 1);
        mica_ids_release(&ids);
        unload(&l);
    }
    free(text);
}

/* A pattern that backtracks without end, with and without PCRE2's compiler, must not hold up the text: what
 * it cannot split stays one word. A pattern that forbids the compiler splits the same. */
static void test_patterns(void **state)
{
#define SPLIT(pattern)                                                                                       \
    "{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" pattern                               \
    "\"},\"behavior\":\"Isolated\"},\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"u\",\"vocab\":{"       \
    "\"u\":0,\"a\":1,\"aa\":2,\"b\":3,\" \":4}}}"
    static const struct {
        const char *json, *text;
        int32_t ids[8];
        int64_t n;
    } rows[] = {
        {SPLIT("a+"), "aab", {2, 3}, 2},         {SPLIT("(*NO_JIT)a+"), "aab", {2, 3}, 2},
        {SPLIT("(?=b)"), "aab", {2, 3}, 2},      {SPLIT("[^\\\\s[b]]+"), "aab", {2, 3}, 2}, /* a nested set */
        {SPLIT("\\\\h+"), "aa ", {2, 4}, 2}, /* hexadecimal digits, as in Oniguruma */
        {SPLIT("(?:a|aa|aaa)+c"), NULL, {0}, 1}, {SPLIT("(*NO_JIT)(?:a|aa|aaa)+c"), NULL, {0}, 1},
    };
    char *many = malloc(20001);
    memset(many, 'a', 20000);
    many[20000] = 0;
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct loaded l = load_json(rows[i].json);
        const char *text = rows[i].text ? rows[i].text : many;
        check_ids(rows[i].json, l.tok, text, strlen(text), 0, rows[i].ids, rows[i].n);
        unload(&l);
    }
    free(many);
}

/* Words go through the scanning merge up to 32 symbols and through the heap beyond: they must agree. */
static void test_merge_order(void **state)
{
    struct loaded l = load_json(
        "{\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false},"
        "\"model\":{\"vocab\":{\"a\":0,\"aa\":1,\"aaaa\":2,\"b\":3,\"ab\":4,\"aab\":5},"
        "\"merges\":[\"a a\",\"a b\",\"aa aa\",\"aa b\"]}}");
    for (int n = 1; n < 80; n++) {
        /* n times a, then b: pairs from the left, then pairs of pairs. */
        char text[96];
        int32_t want[96];
        int64_t n_want = 0;
        memset(text, 'a', (size_t)n);
        text[n] = 'b';
        int pairs = n / 2, fours = pairs / 2;
        for (int i = 0; i < fours; i++)
            want[n_want++] = 2;
        if (n % 2) {
            if (pairs % 2)
                want[n_want++] = 1;
            want[n_want++] = 4;
        } else if (pairs % 2) {
            want[n_want++] = 5;
        } else {
            want[n_want++] = 3;
        }
        char name[32];
        snprintf(name, sizeof name, "%d letters", n);
        check_ids(name, l.tok, text, (size_t)n + 1, 0, want, n_want);
    }
    unload(&l);
}

static void test_bad_json(void **state)
{
#define VOCAB "\"vocab\":{\"a\":0}"
    static const struct {
        const char *json;
        enum mica_status status;
        const char *part; /* of the message */
    } rows[] = {
        {"", MICA_EFORMAT, "tokenizer.json:"},
        {"{\"model\":", MICA_EFORMAT, "tokenizer.json:"},
        {"[]", MICA_EFORMAT, "no vocabulary"},
        {"{}", MICA_EFORMAT, "no vocabulary"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{},\"merges\":[]}}", MICA_EFORMAT, "empty"},
        {"{\"model\":{\"type\":\"BPE\"," VOCAB "}}", MICA_EFORMAT, "without merges"},
        {"{\"model\":{\"type\":\"BPE\"," VOCAB ",\"merges\":[\"ab\"]}}", MICA_EFORMAT, "merge 0"},
        {"{\"model\":{\"type\":\"BPE\"," VOCAB ",\"merges\":[[\"a\"]]}}", MICA_EFORMAT, "merge 0"},
        {"{\"model\":{\"type\":\"BPE\"," VOCAB ",\"merges\":[7]}}", MICA_EFORMAT, "merge 0"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":-1},\"merges\":[]}}", MICA_EFORMAT, "id -1"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":\"0\"},\"merges\":[]}}", MICA_EFORMAT, "no id"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":99999999999},\"merges\":[]}}", MICA_EFORMAT,
         "99999999999"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":200000000},\"merges\":[]}}", MICA_EFORMAT,
         "200000000"},
        {"{\"model\":{\"type\":\"Bytes\"," VOCAB "}}", MICA_EUNSUPPORTED, "Bytes"},
        {"{\"model\":{\"type\":\"Unigram\"," VOCAB "}}", MICA_EFORMAT, "no vocabulary"},
        {"{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\"]]}}", MICA_EFORMAT, "no score"},
        {"{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\",0]],\"unk_id\":1}}", MICA_EFORMAT, "unk_id"},
        {"{\"normalizer\":{\"type\":\"Upper\"}}", MICA_EUNSUPPORTED, "Upper"},
        {"{\"normalizer\":{}}", MICA_EFORMAT, "without \"type\""},
        {"{\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AP///w==\"}}", MICA_EFORMAT,
         "charsmap"},
        {"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(\"}}}", MICA_EFORMAT, "compile"},
        {"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"[a&&b]\"}}}", MICA_EUNSUPPORTED,
         "[a&&b]"},
        {"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{}}}", MICA_EFORMAT, "pattern"},
        {"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\"a\"},\"behavior\":\"Odd\"}}",
         MICA_EUNSUPPORTED, "Odd"},
        {"{\"decoder\":{\"type\":\"CTC\"}}", MICA_EUNSUPPORTED, "CTC"},
        {"{\"added_tokens\":[{\"content\":\"x\"}],\"model\":{\"type\":\"BPE\"," VOCAB ",\"merges\":[]}}",
         MICA_EFORMAT, "added token 0"},
        {"{\"post_processor\":{\"type\":\"BertProcessing\",\"cls\":[\"x\",5],\"sep\":[\"x\",0]},\"model\":{"
         "\"type\":\"WordLevel\"," VOCAB "}}",
         MICA_EFORMAT, "id 5"},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_files *files = files_of_bytes(rows[i].json, strlen(rows[i].json), "tokenizer.json");
        struct mica_tokenizer *tok = NULL;
        struct mica_err err = {0};
        enum mica_status status = mica_tokenizer_from_files(files, &tok, &err);
        if (status != rows[i].status || tok || !strstr(err.text, rows[i].part))
            fail_msg("%s: status %d, \"%s\"", rows[i].json, status, err.text);
        mica_files_free(files);
    }
    struct mica_files *none;
    struct mica_tokenizer *tok = NULL;
    assert_int_equal(mica_files_new(&none, NULL), MICA_OK);
    assert_int_equal(mica_tokenizer_from_files(none, &tok, NULL), MICA_ENOTFOUND);
    mica_files_free(none);
}

/* ---- GGUF ---- */

/* A vocabulary whose parts a test can spoil; a count of -1 leaves an array out. */
struct vocab {
    const char *model, *pre;
    const char *const *tokens, *const *merges;
    int64_t n_tokens, n_types, n_scores, n_merges;
    const int32_t *types;
    const float *scores;
    int64_t bos, eos;
};

static void put_vocab(struct mica_buf *b, const struct vocab *v)
{
    int n_keys =
        4 + (v->n_types >= 0) + (v->n_scores >= 0) + (v->n_merges >= 0) + (v->bos >= 0) + (v->eos >= 0);
    put_gguf_head(b, 3, 0, (uint64_t)n_keys);
    put_kv_str(b, "general.architecture", "llama");
    put_kv_str(b, "tokenizer.ggml.model", v->model);
    put_kv_str(b, "tokenizer.ggml.pre", v->pre);
    put_kv_strs(b, "tokenizer.ggml.tokens", v->tokens, (uint64_t)v->n_tokens);
    if (v->n_types >= 0) {
        put_kv_array(b, "tokenizer.ggml.token_type", GGUF_I32, (uint64_t)v->n_types);
        for (int64_t i = 0; i < v->n_types; i++)
            put_int(b, 4, (uint32_t)v->types[i]);
    }
    if (v->n_scores >= 0) {
        put_kv_array(b, "tokenizer.ggml.scores", GGUF_F32, (uint64_t)v->n_scores);
        for (int64_t i = 0; i < v->n_scores; i++)
            put_f32(b, v->scores[i]);
    }
    if (v->n_merges >= 0)
        put_kv_strs(b, "tokenizer.ggml.merges", v->merges, (uint64_t)v->n_merges);
    if (v->bos >= 0)
        put_kv_int(b, "tokenizer.ggml.bos_token_id", GGUF_U32, (uint64_t)v->bos);
    if (v->eos >= 0)
        put_kv_int(b, "tokenizer.ggml.eos_token_id", GGUF_U32, (uint64_t)v->eos);
    put_pad(b, 32);
}

static enum mica_status load_gguf(const struct vocab *v, struct mica_buf *b, struct loaded *l,
                                  struct mica_err *err)
{
    put_vocab(b, v);
    l->files = files_of_bytes(b->data, b->len, "model.gguf");
    enum mica_status status = mica_gguf_open(l->files, &l->gguf, err);
    return status == MICA_OK ? mica_tokenizer_from_gguf(l->gguf, &l->tok, err) : status;
}

static const char *const spm_tokens[] = {"<unk>",
                                         "<s>",
                                         "</s>",
                                         "\xe2\x96\x81",
                                         "a",
                                         "b",
                                         "ab",
                                         "\xe2\x96\x81"
                                         "ab",
                                         "s",
                                         "<",
                                         ">",
                                         "<s",
                                         "<0x-1>",
                                         "<0xC3>",
                                         "<0x0A>",
                                         "<0xA9>"};
static const int32_t spm_types[] = {2, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 6, 6, 6, 6};
static const float spm_scores[] = {0, 0, 0, -9, -10, -11, -1, -2, -12, -13, -14, -3, 0, 0, 0, 0};
static const struct vocab spm = {"llama", "default", spm_tokens, NULL,       16, 16,
                                 16,      -1,        spm_types,  spm_scores, 1,  2};

static const char *const bpe_tokens[] = {"a",
                                         "b",
                                         "ab",
                                         "\xc4\xa0",
                                         "\xc4\xa0"
                                         "ab",
                                         "<|im_end|>",
                                         "<x>"};
static const char *const bpe_merges[] = {"a b", "\xc4\xa0 ab", "ab zz"};
static const int32_t bpe_types[] = {1, 1, 1, 1, 1, 3, 4};
static const struct vocab bpe = {"gpt2", "gpt-2", bpe_tokens, bpe_merges, 7, 7, -1, 3, bpe_types, NULL, 0, 5};

static void test_gguf(void **state)
{
    struct mica_err err = {0};
    struct mica_buf b = {0}, text = {0};
    struct loaded l = {0};
    if (load_gguf(&spm, &b, &l, &err) != MICA_OK)
        fail_msg("%s", err.text);
    check_ids("spm", l.tok, "ab", 2, ADD, (int32_t[]){1, 7}, 2);
    check_ids("spm, a control token as text", l.tok, "<s>", 3, 0, (int32_t[]){3, 11, 10}, 3);
    check_ids("spm, a control token", l.tok, "<s>ab", 5, PARSE, (int32_t[]){1, 7}, 2);
    /* Without all 256 byte tokens the unknown token stands for what cannot be written. */
    check_ids("spm, unknown", l.tok, "a\xff", 2, 0, (int32_t[]){3, 4, 0}, 3);
    assert_int_equal(mica_tokenizer_decode(l.tok, (int32_t[]){1, 7, 7, 13, 15, 12}, 6, true, &text, NULL),
                     MICA_OK);
    assert_string_equal(text.data, "ab ab\xc3\xa9<0x-1>"); /* CVE-2025-49847: no number, so no byte */
    assert_true(mica_tokenizer_is_end(l.tok, 2));
    mica_buf_release(&text);
    unload(&l);
    mica_buf_release(&b);

    b = (struct mica_buf){0};
    l = (struct loaded){0};
    if (load_gguf(&bpe, &b, &l, &err) != MICA_OK)
        fail_msg("%s", err.text);
    check_ids("bpe", l.tok, "ab ab<x>", 8, ADD, (int32_t[]){2, 4, 6}, 3);
    assert_string_equal(mica_tokenizer_kind(l.tok), "BPE (gpt-2)");
    assert_true(mica_tokenizer_is_end(l.tok, 5));
    unload(&l);
    mica_buf_release(&b);
}

static void test_bad_gguf(void **state)
{
    static const int32_t bad_types[] = {2, 3, 3, 1, 1, 1, 1, 1, 1, 1, 99, 1, 6, 6, 6, 6};
    static const float bad_scores[16] = {0, __builtin_nanf("")};
    static const char *const bad_merges[] = {"a b", "ab"}, *const half_merge[] = {"ab "};
    struct row {
        const char *name;
        struct vocab v;
        enum mica_status status;
        const char *part;
    } rows[] = {
        {"no such model", spm, MICA_EUNSUPPORTED, "\"rot13\""},
        {"no such pre-tokenizer", bpe, MICA_EUNSUPPORTED, "\"future\""},
        {"no tokens", spm, MICA_EFORMAT, "0 entries"},
        {"few types", spm, MICA_EFORMAT, "token_type has 3"},
        {"few scores", spm, MICA_EFORMAT, "scores has 3"},
        {"a type out of range", spm, MICA_EFORMAT, "type 99"},
        {"a score that is no number", spm, MICA_EFORMAT, "no number"},
        {"bos out of range", spm, MICA_EFORMAT, "bos_token_id is 16"},
        {"eos out of range", bpe, MICA_EFORMAT, "eos_token_id is 4294967294"},
        {"no merges", bpe, MICA_EFORMAT, "without tokenizer.ggml.merges"},
        {"a merge without a space", bpe, MICA_EFORMAT, "entry 1"},
        {"a merge of one", bpe, MICA_EFORMAT, "entry 0"},
    };
    rows[0].v.model = "rot13";
    rows[1].v.pre = "future";
    rows[2].v.n_tokens = 0;
    rows[3].v.n_types = 3;
    rows[4].v.n_scores = 3;
    rows[5].v.types = bad_types;
    rows[6].v.scores = bad_scores;
    rows[7].v.bos = 16;
    rows[8].v.eos = 4294967294;
    rows[9].v.n_merges = -1;
    rows[10].v.merges = bad_merges;
    rows[10].v.n_merges = 2;
    rows[11].v.merges = half_merge;
    rows[11].v.n_merges = 1;
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_buf b = {0};
        struct loaded l = {0};
        struct mica_err err = {0};
        enum mica_status status = load_gguf(&rows[i].v, &b, &l, &err);
        if (status != rows[i].status || l.tok || !strstr(err.text, rows[i].part))
            fail_msg("%s: status %d, \"%s\"", rows[i].name, status, err.text);
        unload(&l);
        mica_buf_release(&b);
    }
}

/* CVE-2025-52566: what the token count is compared with must not be cut to 32 bits. A text over the limit is
 * refused before anything reads it. */
static void test_too_long(void **state)
{
    struct loaded l = load_json(byte_level);
    struct mica_ids ids = {0};
    struct mica_err err;
    assert_int_equal(mica_tokenizer_encode(l.tok, "a", (size_t)1 << 31, 0, &ids, &err), MICA_ELIMIT);
    assert_int_equal(ids.n, 0);
    unload(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode),      cmocka_unit_test(test_appends),  cmocka_unit_test(test_stream),
        cmocka_unit_test(test_questions),   cmocka_unit_test(test_config),   cmocka_unit_test(test_long_word),
        cmocka_unit_test(test_merge_order), cmocka_unit_test(test_patterns), cmocka_unit_test(test_bad_json),
        cmocka_unit_test(test_gguf),        cmocka_unit_test(test_bad_gguf), cmocka_unit_test(test_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
