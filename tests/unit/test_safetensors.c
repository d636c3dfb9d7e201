/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "write.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define INDEX "model.safetensors.index.json"

static void put_file(struct mica_buf *b, const char *json, size_t n_data)
{
    put_safetensors_head(b, json);
    put_zeros(b, n_data);
}

static enum mica_status open_one(const struct mica_buf *b, uint8_t **bytes_out, struct mica_safetensors **out,
                                 struct mica_err *err)
{
    *bytes_out =
        malloc(b->len ? b->len : 1); /* exactly, so that the address sanitizer sees a read past the end */
    if (b->len)
        memcpy(*bytes_out, b->data, b->len);
    struct mica_files *files = files_of_bytes(*bytes_out, b->len, "model.safetensors");
    enum mica_status status = mica_safetensors_open(files, out, err);
    mica_files_free(files);
    return status;
}

static void test_reads(void **state)
{
    struct mica_buf b = {0};
    struct mica_safetensors *st = NULL;
    struct mica_err err = {0};
    uint8_t *bytes;
    put_file(&b,
             "{\"__metadata__\":{\"format\":\"pt\"},"
             "\"b\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[4,16]},"
             "\"ids\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[16,24]},"
             "\"empty\":{\"dtype\":\"F16\",\"shape\":[0,7],\"data_offsets\":[4,4]},"
             "\"scalar\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}   ",
             24);
    if (open_one(&b, &bytes, &st, &err) != MICA_OK)
        fail_msg("%s", err.text);
    assert_int_equal(mica_safetensors_tensor_count(st), 3);
    const struct mica_file_tensor *t = mica_safetensors_tensor(st, "b");
    assert_true(t && t == mica_safetensors_tensor_at(st, 0) && t->type == MICA_W_BF16);
    assert_true(t->n_dims == 2 && t->shape[0] == 2 && t->shape[1] == 3 && t->size == 12);
    assert_true(t->offset == b.len - 20 && t->data == bytes + t->offset);
    t = mica_safetensors_tensor(st, "scalar");
    assert_true(t && t->n_dims == 0 && t->size == 4 && t->type == MICA_W_F32);
    t = mica_safetensors_tensor(st, "empty");
    assert_true(t && t->size == 0 && t->type == MICA_W_F16);
    assert_null(mica_safetensors_tensor(st, "ids"));
    assert_null(mica_safetensors_tensor(st, "absent"));
    assert_null(mica_safetensors_tensor_at(st, 3));
    assert_null(mica_safetensors_tensor_at(st, -1));
    mica_safetensors_free(st);
    mica_safetensors_free(NULL);
    free(bytes);
    mica_buf_release(&b);
}

#define T(name, dtype, shape, from, to)                                                                      \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"

/* What is wrong with a whole file, its header being JSON of some kind. */
static const struct {
    const char *name, *json;
    size_t n_data;
    enum mica_status want;
    const char *says;
} faults[] = {
    {"no JSON", "GGUF", 0, MICA_EFORMAT, "does not start with {"},
    {"empty header", "", 0, MICA_EFORMAT, "does not start with {"},
    {"a list", "[]", 0, MICA_EFORMAT, "does not start with {"},
    {"a space first", " {}", 0, MICA_EFORMAT, "does not start with {"},
    {"cut JSON", "{\"a\":{\"dtype\"", 0, MICA_EFORMAT, "malformed at byte"},
    {"two values", "{} {}", 0, MICA_EFORMAT, "malformed at byte"},
    {"no UTF-8", "{\"\xff\":{}}", 0, MICA_EFORMAT, "malformed at byte"},
    {"NUL in a name", "{\"a\\u0000b\":{}}", 0, MICA_EFORMAT, "malformed at byte"},
    {"deep", "{\"a\":[[[[]]]]}", 0, MICA_EFORMAT, "must have dtype"},
    {"tensor twice", "{" T("a", "F32", "[1]", "0", "4") "," T("a", "F32", "[1]", "0", "4") "}", 4,
     MICA_EFORMAT, "duplicate"},
    {"metadata twice", "{\"__metadata__\":{},\"__metadata__\":{}}", 0, MICA_EFORMAT, "duplicate"},
    {"metadata no object", "{\"__metadata__\":\"x\"}", 0, MICA_EFORMAT, "__metadata__ is no object"},
    {"metadata no string", "{\"__metadata__\":{\"k\":1}}", 0, MICA_EFORMAT, "value of k is no string"},
    {"entry no object", "{\"a\":1}", 0, MICA_EFORMAT, "must have dtype"},
    {"dtype missing", "{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, MICA_EFORMAT, "must have dtype"},
    {"shape missing", "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, MICA_EFORMAT,
     "must have dtype"},
    {"offsets missing", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, MICA_EFORMAT, "must have dtype"},
    {"one key more", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4,
     MICA_EFORMAT, "and no more"},
    {"dtype a number", "{\"a\":{\"dtype\":4,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, MICA_EFORMAT,
     "must have dtype"},
    {"dtype unknown", "{" T("a", "Q4_1", "[1]", "0", "4") "}", 4, MICA_EUNSUPPORTED, "unknown dtype Q4_1"},
    {"dtype empty", "{" T("a", "", "[1]", "0", "4") "}", 4, MICA_EUNSUPPORTED, "unknown dtype"},
    {"name empty", "{" T("", "F32", "[1]", "0", "4") "}", 4, MICA_EFORMAT, "name has 0 bytes"},
    {"name with control", "{" T("a\\n", "F32", "[1]", "0", "4") "}", 4, MICA_EFORMAT, "control character"},
    {"shape no list", "{" T("a", "F32", "4", "0", "4") "}", 4, MICA_EFORMAT, "shape must be"},
    {"shape of 9", "{" T("a", "F32", "[1,1,1,1,1,1,1,1,1]", "0", "4") "}", 4, MICA_EFORMAT, "shape must be"},
    {"dimension negative", "{" T("a", "F32", "[-1]", "0", "4") "}", 4, MICA_EFORMAT, "dimension 0"},
    {"dimension real", "{" T("a", "F32", "[1.0]", "0", "4") "}", 4, MICA_EFORMAT, "dimension 0"},
    {"dimension past int64", "{" T("a", "F32", "[9223372036854775808]", "0", "4") "}", 4, MICA_EFORMAT,
     "malformed"},
    {"product overflows", "{" T("a", "F32", "[4294967296,4294967296]", "0", "4") "}", 4, MICA_EFORMAT,
     "dimension 1"},
    {"bytes overflow", "{" T("a", "F32", "[4611686018427387905]", "0", "4") "}", 4, MICA_EFORMAT,
     "do not make"},
    {"offsets no list", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":4}}", 4, MICA_EFORMAT,
     "two integers"},
    {"one offset", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, MICA_EFORMAT,
     "two integers"},
    {"offsets real", "{" T("a", "F32", "[1]", "0", "4.0") "}", 4, MICA_EFORMAT, "two integers"},
    {"offset negative", "{" T("a", "F32", "[1]", "-4", "0") "}", 4, MICA_EFORMAT, "no range"},
    {"offsets turned round", "{" T("a", "F32", "[1]", "4", "0") "}", 4, MICA_EFORMAT, "no range"},
    {"past the file", "{" T("a", "F32", "[2]", "0", "8") "}", 7, MICA_EFORMAT, "ends at 8, past the 7 bytes"},
    {"far past the file", "{" T("a", "U8", "[9223372036854775807]", "0", "9223372036854775807") "}", 8,
     MICA_EFORMAT, "past the 8 bytes"},
    {"shape too small", "{" T("a", "F32", "[1]", "0", "8") "}", 8, MICA_EFORMAT, "do not make the 8 bytes"},
    {"shape too big", "{" T("a", "F32", "[3]", "0", "8") "}", 8, MICA_EFORMAT, "do not make the 8 bytes"},
    {"skipped dtype is checked", "{" T("a", "I64", "[2]", "0", "8") "}", 8, MICA_EFORMAT,
     "do not make the 8 bytes"},
    {"half a byte", "{" T("a", "F4", "[1]", "0", "1") "}", 1, MICA_EFORMAT, "do not make the 1 bytes"},
    {"hole at the front", "{" T("a", "F32", "[1]", "4", "8") "}", 8, MICA_EFORMAT, "hole"},
    {"hole between", "{" T("a", "F32", "[1]", "0", "4") "," T("b", "F32", "[1]", "8", "12") "}", 12,
     MICA_EFORMAT, "tensor b leaves a hole"},
    {"hole at the end", "{" T("a", "F32", "[1]", "0", "4") "}", 5, MICA_EFORMAT, "1 bytes after the last"},
    {"overlap", "{" T("a", "F32", "[2]", "0", "8") "," T("b", "F32", "[2]", "4", "12") "}", 12, MICA_EFORMAT,
     "tensor b overlaps"},
    {"same place", "{" T("a", "F32", "[1]", "0", "4") "," T("b", "F32", "[1]", "0", "4") "}", 4, MICA_EFORMAT,
     "overlaps"},
};

static void test_faults(void **state)
{
    for (size_t i = 0; i < MICA_COUNT(faults); i++) {
        struct mica_buf b = {0};
        struct mica_err err = {0};
        struct mica_safetensors *st = NULL;
        uint8_t *bytes;
        put_file(&b, faults[i].json, faults[i].n_data);
        enum mica_status got = open_one(&b, &bytes, &st, &err);
        if (got != faults[i].want || !strstr(err.text, faults[i].says) || st)
            fail_msg("%s: status %d (wanted %d), message: %s", faults[i].name, got, faults[i].want, err.text);
        free(bytes);
        mica_buf_release(&b);
    }
}

/* What is wrong with the length in front of the header. */
static void test_lengths(void **state)
{
    static const struct {
        const char *name;
        uint64_t says, has;
        enum mica_status want;
    } rows[] = {
        {"beyond the file", 3, 2, MICA_EFORMAT},
        {"all ones", UINT64_MAX, 2, MICA_EFORMAT},
        {"wraps round with the 8", UINT64_MAX - 7, 2, MICA_EFORMAT},
        {"over the limit", 100 * 1024 * 1024 + 1, 100 * 1024 * 1024 + 1, MICA_ELIMIT},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        size_t size = 8 + (size_t)rows[i].has;
        uint8_t *bytes = calloc(size, 1);
        struct mica_safetensors *st = NULL;
        struct mica_err err = {0};
        memcpy(bytes, &rows[i].says, 8);
        bytes[8] = '{';
        struct mica_files *files = files_of_bytes(bytes, size, "model.safetensors");
        enum mica_status got = mica_safetensors_open(files, &st, &err);
        if (got != rows[i].want || st)
            fail_msg("%s: status %d, message: %s", rows[i].name, got, err.text);
        mica_files_free(files);
        free(bytes);
    }
    for (size_t size = 0; size < 8; size++) {
        uint8_t bytes[8] = {0};
        struct mica_safetensors *st = NULL;
        struct mica_files *files = files_of_bytes(bytes, size, "model.safetensors");
        if (mica_safetensors_open(files, &st, NULL) != MICA_EFORMAT)
            fail_msg("a file of %zu bytes", size);
        mica_files_free(files);
    }
}

/* Sets of files: two shards holding a and b, and what else there is. */
static void test_sets(void **state)
{
    static const struct {
        const char *name, *index; /* index: NULL for none */
        const char *names[2], *tensors[2];
        enum mica_status want;
        int64_t n;
        const char *says;
    } rows[] = {
        {"index",
         "{\"weight_map\":{\"a\":\"1.safetensors\",\"b\":\"2.safetensors\"}}",
         {"1.safetensors", "2.safetensors"},
         {"a", "b"},
         MICA_OK,
         2,
         ""},
        {"index leaves one out",
         "{\"weight_map\":{\"a\":\"1.safetensors\"}}",
         {"1.safetensors", "2.safetensors"},
         {"a", "a"},
         MICA_OK,
         1,
         ""},
        {"shard missing",
         "{\"weight_map\":{\"a\":\"1.safetensors\",\"b\":\"3.safetensors\"}}",
         {"1.safetensors", "2.safetensors"},
         {"a", "b"},
         MICA_ENOTFOUND,
         0,
         "3.safetensors is not here"},
        {"tensor elsewhere",
         "{\"weight_map\":{\"a\":\"2.safetensors\",\"b\":\"1.safetensors\"}}",
         {"1.safetensors", "2.safetensors"},
         {"a", "b"},
         MICA_EFORMAT,
         0,
         "tensor a is not in 2.safetensors"},
        {"tensor nowhere",
         "{\"weight_map\":{\"c\":\"1.safetensors\"}}",
         {"1.safetensors", "2.safetensors"},
         {"a", "b"},
         MICA_EFORMAT,
         0,
         "tensor c is not in 1.safetensors"},
        {"tensor in both",
         "{\"weight_map\":{\"a\":\"1.safetensors\",\"b\":\"2.safetensors\"}}",
         {"1.safetensors", "2.safetensors"},
         {"a", "a"},
         MICA_EFORMAT,
         0,
         "also in another file"},
        {"shard is a pickle",
         "{\"weight_map\":{\"a\":\"1.bin\"}}",
         {"1.bin", "2.safetensors"},
         {"a", "b"},
         MICA_EFORMAT,
         0,
         "in no .safetensors file"},
        {"shard a number",
         "{\"weight_map\":{\"a\":1}}",
         {"1.safetensors", "2.safetensors"},
         {"a", "b"},
         MICA_EFORMAT,
         0,
         "in no .safetensors file"},
        {"index without a map",
         "{}",
         {"1.safetensors", "2.safetensors"},
         {"a", "b"},
         MICA_EFORMAT,
         0,
         "weight_map"},
        {"index no object",
         "[]",
         {"1.safetensors", "2.safetensors"},
         {"a", "b"},
         MICA_EFORMAT,
         0,
         "no object"},
        {"index empty", "", {"1.safetensors", "2.safetensors"}, {"a", "b"}, MICA_EFORMAT, 0, "malformed"},
        {"index says it twice",
         "{\"weight_map\":{\"a\":\"1.safetensors\",\"a\":\"2.safetensors\"}}",
         {"1.safetensors", "2.safetensors"},
         {"a", "b"},
         MICA_EFORMAT,
         0,
         "duplicate"},
        {"no index", NULL, {"1.safetensors", "2.safetensors"}, {"a", "b"}, MICA_OK, 2, ""},
        {"model.safetensors alone",
         NULL,
         {"adapter.safetensors", "model.safetensors"},
         {"a", "a"},
         MICA_OK,
         1,
         ""},
        {"a pickle beside", NULL, {"1.safetensors", "pytorch_model.bin"}, {"a", "b"}, MICA_OK, 1, ""},
        {"only pickles",
         NULL,
         {"pytorch_model.bin", "optimizer.pt"},
         {"a", "b"},
         MICA_EUNSUPPORTED,
         0,
         "convert the model to safetensors"},
        {"nothing",
         NULL,
         {"config.json", "README.txt"},
         {"a", "b"},
         MICA_ENOTFOUND,
         0,
         "convert the model to safetensors"},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_buf bufs[2] = {{0}, {0}};
        struct mica_files *files;
        struct mica_safetensors *st = NULL;
        struct mica_err err = {0};
        assert_int_equal(mica_files_new(&files, NULL), MICA_OK);
        for (int f = 0; f < 2; f++) {
            char json[128];
            snprintf(json, sizeof json, "{" T("%s", "F32", "[1]", "0", "4") "}", rows[i].tensors[f]);
            put_file(&bufs[f], json, 4);
            add_bytes(files, bufs[f].data, bufs[f].len, rows[i].names[f]);
        }
        if (rows[i].index)
            add_bytes(files, rows[i].index, strlen(rows[i].index), INDEX);
        enum mica_status got = mica_safetensors_open(files, &st, &err);
        mica_files_free(files); /* the reader holds what it needs */
        if (got != rows[i].want || !strstr(err.text, rows[i].says))
            fail_msg("%s: status %d, message: %s", rows[i].name, got, err.text);
        if (got == MICA_OK && mica_safetensors_tensor_count(st) != rows[i].n)
            fail_msg("%s: %lld tensors", rows[i].name, (long long)mica_safetensors_tensor_count(st));
        mica_safetensors_free(st);
        for (int f = 0; f < 2; f++)
            mica_buf_release(&bufs[f]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
