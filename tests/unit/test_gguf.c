/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "write.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const uint64_t dims_2x4[] = {4, 2}, dims_32[] = {32}, dims_48[] = {48};
enum { F32 = 0, Q4_0 = 2, REMOVED = 4, NOT_OURS = 16 };

/* Opens an exact-size copy, so that the address sanitizer sees a read past the end. The copy outlives the
 * reader through *bytes_out. */
static enum mica_status open_copy(const struct mica_buf *buf, struct mica_gguf **out, uint8_t **bytes_out,
                                  struct mica_err *err)
{
    *bytes_out = malloc(buf->len ? buf->len : 1);
    if (buf->len)
        memcpy(*bytes_out, buf->data, buf->len);
    struct mica_files *files = files_of_bytes(*bytes_out, buf->len, "model.gguf");
    enum mica_status status = mica_gguf_open(files, out, err);
    mica_files_free(files);
    return status;
}

/* Two keys and two tensors, as every test of a single fault starts from. */
static void put_sound(struct mica_buf *b, uint32_t version)
{
    put_gguf_head(b, version, 2, 15);
    put_kv_int(b, "u8", GGUF_U8, 200);
    put_kv_int(b, "i8", GGUF_I8, (uint8_t)-3);
    put_kv_int(b, "u16", GGUF_U16, 60000);
    put_kv_int(b, "i16", GGUF_I16, (uint16_t)-300);
    put_kv_int(b, "u32", GGUF_U32, 4000000000u);
    put_kv_int(b, "i32", GGUF_I32, (uint32_t)-70000);
    put_kv_int(b, "u64", GGUF_U64, UINT64_MAX);
    put_kv_int(b, "i64", GGUF_I64, (uint64_t)INT64_MIN);
    put_kv_f32(b, "f32", 1.5f);
    put_key(b, "f64", GGUF_F64);
    double f64 = -2.25;
    mica_buf_append(b, &f64, 8);
    put_kv_int(b, "yes", GGUF_BOOL, 1);
    put_kv_str(b, "name", "a name");
    put_kv_strs(b, "words", (const char *const[]){"one", "", "three"}, 3);
    put_kv_array(b, "numbers", GGUF_I16, 2);
    put_int(b, 2, (uint16_t)-7);
    put_int(b, 2, 8);
    put_kv_array(b, "nested", GGUF_ARRAY, 2);
    for (int i = 0; i < 2; i++) {
        put_int(b, 4, GGUF_STR);
        put_int(b, 8, 1);
        put_str(b, "inner");
    }
    put_gguf_tensor(b, "a.weight", F32, 2, dims_2x4, 0);
    put_gguf_tensor(b, "b.weight", Q4_0, 1, dims_32, 32);
    put_pad(b, 32);
    put_zeros(b, 32 + 18);
}

static void check_scalars(const struct mica_gguf *g)
{
    static const struct {
        const char *key;
        bool ok;
        int64_t want;
    } ints[] = {{"u8", true, 200},        {"i8", true, -3},          {"u16", true, 60000},
                {"i16", true, -300},      {"u32", true, 4000000000}, {"i32", true, -70000},
                {"i64", true, INT64_MIN}, {"yes", true, 1},          {"u64", false, 0},
                {"f32", false, 0},        {"name", false, 0},        {"words", false, 0},
                {"absent", false, 0}};
    static const struct {
        const char *key;
        bool ok;
        double want;
    } floats[] = {{"f32", true, 1.5}, {"f64", true, -2.25}, {"i16", true, -300},
                  {"yes", false, 0},  {"name", false, 0},   {"absent", false, 0}};
    for (size_t i = 0; i < MICA_COUNT(ints); i++) {
        int64_t got = 0;
        if (mica_gguf_int(g, ints[i].key, &got) != ints[i].ok || got != ints[i].want)
            fail_msg("mica_gguf_int(%s) gave %lld", ints[i].key, (long long)got);
    }
    for (size_t i = 0; i < MICA_COUNT(floats); i++) {
        double got = 0;
        if (mica_gguf_float(g, floats[i].key, &got) != floats[i].ok || got != floats[i].want)
            fail_msg("mica_gguf_float(%s) gave %g", floats[i].key, got);
    }
    bool flag = false;
    assert_true(mica_gguf_bool(g, "yes", &flag) && flag);
    assert_false(mica_gguf_bool(g, "u8", &flag));
    const char *s;
    size_t len;
    assert_true(mica_gguf_str(g, "name", &s, &len));
    assert_int_equal(len, 6);
    assert_memory_equal(s, "a name", 6);
    assert_false(mica_gguf_str(g, "words", &s, &len));
}

static void check_arrays(const struct mica_gguf *g)
{
    static const char *const wanted[] = {"one", "", "three"};
    int64_t n = 0, whole = 0;
    double real = 0;
    const struct mica_str *words = mica_gguf_array_strs(g, "words", &n);
    assert_non_null(words);
    assert_int_equal(n, 3);
    for (int i = 0; i < 3; i++)
        if (words[i].len != strlen(wanted[i]) || memcmp(words[i].data, wanted[i], words[i].len) != 0)
            fail_msg("word %d has %zu bytes", i, words[i].len);
    assert_null(mica_gguf_array_strs(g, "numbers", &n));
    assert_int_equal(mica_gguf_array_len(g, "numbers"), 2);
    assert_int_equal(mica_gguf_array_len(g, "nested"), 2);
    assert_int_equal(mica_gguf_array_len(g, "u8"), -1);
    assert_true(mica_gguf_array_int(g, "numbers", 0, &whole));
    assert_int_equal(whole, -7);
    assert_true(mica_gguf_array_float(g, "numbers", 1, &real));
    assert_true(real == 8);
    assert_false(mica_gguf_array_int(g, "numbers", 2, &whole));
    assert_false(mica_gguf_array_int(g, "numbers", -1, &whole));
    assert_false(mica_gguf_array_int(g, "words", 0, &whole));
    assert_false(mica_gguf_array_int(g, "nested", 0, &whole));
}

static void check_tensors(const struct mica_gguf *g, const uint8_t *bytes)
{
    assert_int_equal(mica_gguf_tensor_count(g), 2);
    const struct mica_file_tensor *a = mica_gguf_tensor(g, "a.weight"), *q = mica_gguf_tensor_at(g, 1);
    assert_ptr_equal(a, mica_gguf_tensor_at(g, 0));
    assert_true(a->type == MICA_W_F32 && a->n_dims == 2 && a->shape[0] == 2 && a->shape[1] == 4);
    assert_int_equal(a->size, 32);
    assert_ptr_equal(a->data, bytes + a->offset);
    assert_true(q->type == MICA_W_Q4_0 && q->size == 18 && q->offset == a->offset + 32);
    assert_null(mica_gguf_tensor(g, "c.weight"));
    assert_null(mica_gguf_tensor_at(g, 2));
}

static void test_reads(void **state)
{
    for (uint32_t version = 2; version <= 3; version++) {
        struct mica_buf b = {0};
        struct mica_gguf *g;
        struct mica_err err;
        uint8_t *bytes;
        put_sound(&b, version);
        if (open_copy(&b, &g, &bytes, &err) != MICA_OK)
            fail_msg("version %u: %s", version, err.text);
        check_scalars(g);
        check_arrays(g);
        check_tensors(g, bytes);
        assert_string_equal(mica_gguf_key_at(g, 0), "u8");
        assert_string_equal(mica_gguf_key_at(g, 14), "nested");
        assert_null(mica_gguf_key_at(g, 15));
        assert_null(mica_gguf_key_at(g, -1));
        mica_gguf_free(g);
        free(bytes);
        mica_buf_release(&b);
    }
    mica_gguf_free(NULL);
}

/* One malformed file per row: how it is made, and what must come of it. */
#define FAULT(name) static void name(struct mica_buf *b)

FAULT(empty)
{
}
FAULT(not_gguf)
{
    mica_buf_puts(b, "PK\3\4 and so on");
}
FAULT(old_ggml)
{
    mica_buf_puts(b, "tjgg and so on");
}
FAULT(only_magic)
{
    mica_buf_puts(b, "GGUF");
}
FAULT(version_1)
{
    put_gguf_head(b, 1, 0, 0);
}
FAULT(version_0)
{
    put_gguf_head(b, 0, 0, 0);
}
FAULT(version_4)
{
    put_gguf_head(b, 4, 0, 0);
}
FAULT(big_endian)
{
    put_gguf_head(b, 0x03000000, 0, 0);
}
FAULT(no_counts)
{
    put_gguf_head(b, 3, 0, 0);
    b->len -= 9;
}
FAULT(many_keys)
{
    put_gguf_head(b, 3, 0, UINT64_MAX);
}
FAULT(many_tensors)
{
    put_gguf_head(b, 3, UINT64_MAX / 8, 0);
    put_zeros(b, 64);
}
FAULT(too_many_keys)
{
    put_gguf_head(b, 3, 0, (1 << 16) + 1);
    put_zeros(b, ((1 << 16) + 1) * 14);
}
FAULT(key_cut)
{
    put_gguf_head(b, 3, 0, 1);
    put_int(b, 8, 100);
    put_zeros(b, 20);
}
FAULT(key_huge)
{
    put_gguf_head(b, 3, 0, 1);
    put_int(b, 8, UINT64_MAX - 7);
    put_zeros(b, 20);
}
FAULT(key_empty)
{
    put_gguf_head(b, 3, 0, 1);
    put_kv_int(b, "", GGUF_U32, 1);
}
FAULT(key_long)
{
    put_gguf_head(b, 3, 0, 1);
    put_int(b, 8, 65536);
    for (int i = 0; i < 65536; i++)
        mica_buf_puts(b, "k");
    put_int(b, 4, GGUF_U8);
    put_int(b, 1, 1);
}
FAULT(key_control)
{
    put_gguf_head(b, 3, 0, 1);
    put_kv_int(b, "a\nb", GGUF_U32, 1);
}
FAULT(key_twice)
{
    put_gguf_head(b, 3, 0, 2);
    put_kv_int(b, "k", GGUF_U32, 1);
    put_kv_int(b, "k", GGUF_U32, 1);
}
FAULT(value_type)
{
    put_gguf_head(b, 3, 0, 1);
    put_key(b, "k", 13);
    put_zeros(b, 16);
}
FAULT(value_cut)
{
    put_gguf_head(b, 3, 0, 1);
    put_kv_int(b, "k", GGUF_U64, 1);
    b->len -= 5;
}
FAULT(bool_2)
{
    put_gguf_head(b, 3, 0, 1);
    put_kv_int(b, "k", GGUF_BOOL, 2);
}
FAULT(bool_2_in_array)
{
    put_gguf_head(b, 3, 0, 1);
    put_kv_array(b, "k", GGUF_BOOL, 2);
    put_int(b, 2, 0x0201);
}
FAULT(string_huge)
{
    put_gguf_head(b, 3, 0, 1);
    put_key(b, "k", GGUF_STR);
    put_int(b, 8, UINT64_MAX);
    put_zeros(b, 8);
}
FAULT(array_type)
{
    put_gguf_head(b, 3, 0, 1);
    put_kv_array(b, "k", 77, 1);
    put_zeros(b, 16);
}
FAULT(array_huge)
{
    put_gguf_head(b, 3, 0, 1);
    put_kv_array(b, "k", GGUF_F64, UINT64_MAX / 8 + 1); /* times 8 is 0 */
    put_zeros(b, 16);
}
FAULT(array_of_strings_huge)
{
    put_gguf_head(b, 3, 0, 1);
    put_kv_array(b, "k", GGUF_STR, UINT64_MAX / 16 + 1); /* times the size of an index entry is 0 */
    put_zeros(b, 16);
}
FAULT(array_string_cut)
{
    put_gguf_head(b, 3, 0, 1);
    put_kv_array(b, "k", GGUF_STR, 2);
    put_str(b, "fine");
    put_int(b, 8, 50);
    put_zeros(b, 10);
}
FAULT(array_deep)
{
    put_gguf_head(b, 3, 0, 1);
    put_kv_array(b, "k", GGUF_ARRAY, 1);
    for (int i = 0; i < 1000; i++) {
        put_int(b, 4, GGUF_ARRAY);
        put_int(b, 8, 1);
    }
}
FAULT(alignment_0)
{
    put_gguf_head(b, 3, 0, 1);
    put_kv_int(b, "general.alignment", GGUF_U32, 0);
}
FAULT(alignment_24)
{
    put_gguf_head(b, 3, 0, 1);
    put_kv_int(b, "general.alignment", GGUF_U32, 24);
}
FAULT(alignment_huge)
{
    put_gguf_head(b, 3, 0, 1);
    put_kv_int(b, "general.alignment", GGUF_U32, 0x80000000u);
}
FAULT(alignment_text)
{
    put_gguf_head(b, 3, 0, 1);
    put_kv_str(b, "general.alignment", "32");
}
FAULT(split_text)
{
    put_gguf_head(b, 3, 0, 1);
    put_kv_str(b, "split.count", "2");
}
FAULT(split_alone)
{
    put_gguf_head(b, 3, 0, 2);
    put_kv_int(b, "split.count", GGUF_U16, 2);
    put_kv_int(b, "split.no", GGUF_U16, 0);
}

/* One tensor, then its data; everything about it is the row's. */
static void put_one_tensor(struct mica_buf *b, const char *name, uint32_t type, uint32_t n_dims,
                           const uint64_t *dims, uint64_t offset, size_t data)
{
    put_gguf_head(b, 3, 1, 0);
    put_gguf_tensor(b, name, type, n_dims, dims, offset);
    put_pad(b, 32);
    put_zeros(b, data);
}
FAULT(tensor_name_empty)
{
    put_one_tensor(b, "", F32, 1, dims_32, 0, 128);
}
FAULT(tensor_name_long)
{
    char name[258];
    memset(name, 'n', 257);
    name[257] = 0;
    put_one_tensor(b, name, F32, 1, dims_32, 0, 128);
}
FAULT(tensor_no_dims)
{
    put_one_tensor(b, "t", F32, 0, dims_32, 0, 128);
}
FAULT(tensor_5_dims)
{
    put_one_tensor(b, "t", F32, 5, (const uint64_t[]){1, 1, 1, 1, 1}, 0, 128);
}
FAULT(tensor_dims_huge)
{
    put_one_tensor(b, "t", F32, 1, dims_32, 0, 128);
    b->data[24 + 8 + 1] = -1; /* the number of dimensions, after the head and the name */
}
FAULT(tensor_dim_0)
{
    put_one_tensor(b, "t", F32, 2, (const uint64_t[]){4, 0}, 0, 128);
}
FAULT(tensor_dim_negative)
{
    put_one_tensor(b, "t", F32, 2, (const uint64_t[]){4, (uint64_t)-2}, 0, 128);
}
FAULT(tensor_product_overflow)
{
    put_one_tensor(b, "t", F32, 2, (const uint64_t[]){1ull << 32, 1ull << 32}, 0, 128);
}
FAULT(tensor_type_removed)
{
    put_one_tensor(b, "t", REMOVED, 1, dims_32, 0, 128);
}
FAULT(tensor_type_not_ours)
{
    put_one_tensor(b, "t", NOT_OURS, 1, dims_32, 0, 128);
}
FAULT(tensor_type_negative)
{
    put_one_tensor(b, "t", (uint32_t)-1, 1, dims_32, 0, 128);
}
FAULT(tensor_half_block)
{
    put_one_tensor(b, "t", Q4_0, 1, dims_48, 0, 128);
}
FAULT(tensor_half_block_in_row)
{
    put_one_tensor(b, "t", Q4_0, 2, (const uint64_t[]){16, 2}, 0, 128); /* 32 elements, but rows of 16 */
}
FAULT(tensor_unaligned)
{
    put_one_tensor(b, "t", F32, 1, dims_32, 4, 256);
}
FAULT(tensor_no_data)
{
    put_gguf_head(b, 3, 1, 0);
    put_gguf_tensor(b, "tensor-name", F32, 1, dims_32, 0);
}
FAULT(tensor_byte_short)
{
    put_one_tensor(b, "t", F32, 1, dims_32, 0, 127);
}
FAULT(tensor_offset_past)
{
    put_one_tensor(b, "t", F32, 1, dims_32, 1 << 20, 128);
}
FAULT(tensor_offset_wraps)
{
    put_one_tensor(b, "t", F32, 1, dims_32, UINT64_MAX - 31, 128);
}
FAULT(tensor_table_cut)
{
    put_gguf_head(b, 3, 2, 0);
    put_gguf_tensor(b, "t", F32, 1, dims_32, 0);
    put_zeros(b, 30);
}
static void put_two_tensors(struct mica_buf *b, const char *second, uint64_t offset)
{
    put_gguf_head(b, 3, 2, 0);
    put_gguf_tensor(b, "t", F32, 1, dims_32, 32);
    put_gguf_tensor(b, second, F32, 1, dims_32, offset);
    put_pad(b, 32);
    put_zeros(b, 512);
}
FAULT(tensor_twice)
{
    put_two_tensors(b, "t", 256);
}
FAULT(tensors_overlap)
{
    put_two_tensors(b, "u", 128);
}
FAULT(tensors_overlap_before)
{
    put_two_tensors(b, "u", 0);
}
FAULT(tensors_same_place)
{
    put_two_tensors(b, "u", 32);
}

/* CVE-2024-32878: the header promises more keys than follow; the cleanup after the failed read then freed key
 * entries that had never been filled in, the strings of a half-read array among them. */
FAULT(cve_2024_32878)
{
    put_gguf_head(b, 3, 0, 40);
    put_kv_array(b, "k", GGUF_STR, 30);
    put_str(b, "read");
    put_int(b, 8, UINT64_MAX);
    put_zeros(b, 40 * 14);
}
FAULT(cve_2024_32878_in_key)
{
    put_gguf_head(b, 3, 0, 3);
    put_kv_str(b, "k", "read");
    put_int(b, 8, UINT64_MAX);
    put_zeros(b, 40);
}
/* CVE-2025-53630: padded tensor sizes were summed without a check, so their sum wrapped round to a small
 * buffer. */
FAULT(cve_2025_53630)
{
    put_gguf_head(b, 3, 3, 0);
    put_gguf_tensor(b, "a", F32, 1, (const uint64_t[]){1ull << 61}, 0);
    put_gguf_tensor(b, "b", F32, 1, (const uint64_t[]){1ull << 61}, 1ull << 63);
    put_gguf_tensor(b, "c", F32, 1, dims_32, 0);
    put_pad(b, 32);
    put_zeros(b, 128);
}
/* CVE-2026-27940: with the sum checked, the number of tensors times the bookkeeping for each still wrapped.
 */
FAULT(cve_2026_27940)
{
    put_gguf_head(b, 3, UINT64_MAX / 368 + 1, 0);
    put_gguf_tensor(b, "t", F32, 1, dims_32, 0);
    put_pad(b, 32);
    put_zeros(b, 128);
}
/* …and so did the padding of a size just below 2^64. */
FAULT(cve_2026_27940_padding)
{
    put_gguf_head(b, 3, 2, 0);
    put_gguf_tensor(b, "a", F32, 1, (const uint64_t[]){UINT64_MAX / 4}, 0);
    put_gguf_tensor(b, "b", F32, 1, dims_32, 0);
    put_pad(b, 32);
    put_zeros(b, 128);
}
/* CVE-2026-33298: dimensions whose product fits a signed 64-bit number, but whose size in bytes wraps to a
 * few megabytes. */
FAULT(cve_2026_33298)
{
    put_one_tensor(b, "t", F32, 4, (const uint64_t[]){1024, 1024, 1ull << 21, (1ull << 21) + 1}, 0, 4096);
}
/* CVE-2026-7482: a shape larger than the data in the file made the server read on into its own heap. */
FAULT(cve_2026_7482)
{
    put_one_tensor(b, "t", F32, 2, (const uint64_t[]){1024, 1024}, 0, 4096);
}
/* CVE-2025-49847, CVE-2025-52566: token texts of a length that the vocabulary's 32-bit arithmetic took for a
 * negative or small one. A length beyond the file never gets that far. */
FAULT(cve_2025_49847)
{
    put_gguf_head(b, 3, 0, 1);
    put_kv_array(b, "tokenizer.ggml.tokens", GGUF_STR, 2);
    put_str(b, "a");
    put_int(b, 8, 0x80000010u);
    put_zeros(b, 64);
}
FAULT(cve_2025_52566)
{
    put_gguf_head(b, 3, 0, 1);
    put_kv_array(b, "tokenizer.ggml.tokens", GGUF_STR, 0x80000001u);
    put_str(b, "a");
    put_zeros(b, 64);
}

static const struct {
    const char *name;
    void (*put)(struct mica_buf *);
    enum mica_status want;
    const char *says; /* part of the message */
} faults[] = {
#define ROW(name, want, says)                                                                                \
    {                                                                                                        \
#name, name, MICA_##want, says                                                                       \
    }
    ROW(empty, EFORMAT, "not a GGUF file"),
    ROW(not_gguf, EFORMAT, "not a GGUF file"),
    ROW(old_ggml, EUNSUPPORTED, "from before GGUF"),
    ROW(only_magic, EFORMAT, "the version"),
    ROW(version_0, EUNSUPPORTED, "version 0"),
    ROW(version_1, EUNSUPPORTED, "version 1"),
    ROW(version_4, EUNSUPPORTED, "version 4"),
    ROW(big_endian, EUNSUPPORTED, "big-endian"),
    ROW(no_counts, EFORMAT, "the number of"),
    ROW(many_keys, EFORMAT, "more than the file can hold"),
    ROW(many_tensors, EFORMAT, "more than the file can hold"),
    ROW(too_many_keys, ELIMIT, "at most"),
    ROW(key_cut, EFORMAT, "a key at byte 24"),
    ROW(key_huge, EFORMAT, "a key at byte 24"),
    ROW(key_empty, EFORMAT, "has 0 bytes"),
    ROW(key_long, EFORMAT, "has 65536 bytes"),
    ROW(key_control, EFORMAT, "control character"),
    ROW(key_twice, EFORMAT, "key k appears twice"),
    ROW(value_type, EFORMAT, "unknown type 13"),
    ROW(value_cut, EFORMAT, "ends past the file"),
    ROW(bool_2, EFORMAT, "bool of value 2"),
    ROW(bool_2_in_array, EFORMAT, "bool of value 2"),
    ROW(string_huge, EFORMAT, "are left in the file"),
    ROW(array_type, EFORMAT, "unknown type 77"),
    ROW(array_huge, EFORMAT, "more than the file can hold"),
    ROW(array_of_strings_huge, EFORMAT, "more than the file can hold"),
    ROW(array_string_cut, EFORMAT, "says it has 50 bytes"),
    ROW(array_deep, ELIMIT, "nests arrays"),
    ROW(alignment_0, EFORMAT, "general.alignment"),
    ROW(alignment_24, EFORMAT, "general.alignment"),
    ROW(alignment_huge, EFORMAT, "general.alignment"),
    ROW(alignment_text, EFORMAT, "general.alignment"),
    ROW(split_text, EFORMAT, "split.count"),
    ROW(split_alone, EFORMAT, "split into 2 parts, of which 1"),
    ROW(tensor_name_empty, EFORMAT, "has 0 bytes"),
    ROW(tensor_name_long, EFORMAT, "has 257 bytes"),
    ROW(tensor_no_dims, EFORMAT, "0 dimensions"),
    ROW(tensor_5_dims, EFORMAT, "5 dimensions"),
    ROW(tensor_dims_huge, EFORMAT, "255 dimensions"),
    ROW(tensor_dim_0, EFORMAT, "dimension 1 is 0"),
    ROW(tensor_dim_negative, EFORMAT, "dimension 1 is 18446744073709551614"),
    ROW(tensor_product_overflow, EFORMAT, "no valid size"),
    ROW(tensor_type_removed, EUNSUPPORTED, "tensor t has the type number 4"),
    ROW(tensor_type_not_ours, EUNSUPPORTED, "tensor t has the type number 16"),
    ROW(tensor_type_negative, EUNSUPPORTED, "type number 4294967295"),
    ROW(tensor_half_block, EFORMAT, "rows of 48 elements"),
    ROW(tensor_half_block_in_row, EFORMAT, "rows of 16 elements"),
    ROW(tensor_unaligned, EFORMAT, "not aligned to 32"),
    ROW(tensor_no_data, EFORMAT, "ends before the tensors' data"),
    ROW(tensor_byte_short, EFORMAT, "tensor t (128 bytes at offset 0) ends past the file"),
    ROW(tensor_offset_past, EFORMAT, "ends past the file"),
    ROW(tensor_offset_wraps, EFORMAT, "ends past the file"),
    ROW(tensor_table_cut, EFORMAT, "the file can hold"),
    ROW(tensor_twice, EFORMAT, "tensor t appears twice"),
    ROW(tensors_overlap, EFORMAT, "t and u overlap"),
    ROW(tensors_overlap_before, EFORMAT, "u and t overlap"),
    ROW(tensors_same_place, EFORMAT, "overlap"),
    ROW(cve_2024_32878, EFORMAT, "are left in the file"),
    ROW(cve_2024_32878_in_key, EFORMAT, "are left in the file"),
    ROW(cve_2025_53630, EFORMAT, "ends past the file"),
    ROW(cve_2026_27940, EFORMAT, "more than the file can hold"),
    ROW(cve_2026_27940_padding, EFORMAT, "ends past the file"),
    ROW(cve_2026_33298, EFORMAT, "is too big"),
    ROW(cve_2026_7482, EFORMAT, "ends past the file"),
    ROW(cve_2025_49847, EFORMAT, "are left in the file"),
    ROW(cve_2025_52566, EFORMAT, "more than the file can hold"),
};

static void test_faults(void **state)
{
    for (size_t i = 0; i < MICA_COUNT(faults); i++) {
        struct mica_buf b = {0};
        struct mica_err err = {0};
        struct mica_gguf *g = NULL;
        uint8_t *bytes;
        faults[i].put(&b);
        enum mica_status got = open_copy(&b, &g, &bytes, &err);
        if (got != faults[i].want || err.status != got || !strstr(err.text, faults[i].says))
            fail_msg("%s: status %d (wanted %d), message: %s", faults[i].name, got, faults[i].want, err.text);
        assert_null(g);
        free(bytes);
        mica_buf_release(&b);
    }
}

/* Every prefix of a sound file is refused, except that the last tensor may stand at its very end. */
static void test_truncated(void **state)
{
    struct mica_buf b = {0};
    put_sound(&b, 3);
    size_t whole = b.len;
    for (b.len = 0; b.len < whole; b.len++) {
        struct mica_gguf *g = NULL;
        uint8_t *bytes;
        struct mica_err err = {0};
        if (open_copy(&b, &g, &bytes, &err) != MICA_EFORMAT)
            fail_msg("cut to %zu of %zu bytes: %s", b.len, whole, err.text);
        free(bytes);
    }
    mica_buf_release(&b);
}

/* Part i of n, holding one tensor; says may differ from what is true. */
static void put_part(struct mica_buf *b, int no, int count, int total, const char *tensor)
{
    put_gguf_head(b, 3, 1, no == 0 ? 4 : 3);
    put_kv_int(b, "split.no", GGUF_U16, (uint64_t)no);
    put_kv_int(b, "split.count", GGUF_U16, (uint64_t)count);
    put_kv_int(b, "split.tensors.count", GGUF_I32, (uint64_t)total);
    if (no == 0)
        put_kv_str(b, "general.architecture", "llama");
    put_gguf_tensor(b, tensor, F32, 1, dims_32, 0);
    put_pad(b, 32);
    put_zeros(b, 128);
}

static void test_split(void **state)
{
    static const struct {
        const char *name;
        int no[2], count, total;
        const char *tensors[2];
        enum mica_status want;
        const char *says;
    } rows[] = {
        {"sound", {0, 1}, 2, 2, {"a", "b"}, MICA_OK, ""},
        {"swapped", {1, 0}, 2, 2, {"a", "b"}, MICA_EFORMAT, "part 2 of the split model"},
        {"part twice", {0, 0}, 2, 2, {"a", "b"}, MICA_EFORMAT, "place of part 2"},
        {"part missing", {0, 1}, 3, 3, {"a", "b"}, MICA_EFORMAT, "of which 2 are here"},
        {"count off", {0, 1}, 2, 3, {"a", "b"}, MICA_EFORMAT, "split.tensors.count says 3"},
        {"tensor in both", {0, 1}, 2, 2, {"a", "a"}, MICA_EFORMAT, "appears twice"},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_buf parts[2] = {{0}, {0}};
        struct mica_err err = {0};
        struct mica_gguf *g = NULL;
        struct mica_files *files;
        assert_int_equal(mica_files_new(&files, NULL), MICA_OK);
        for (int p = 0; p < 2; p++) {
            put_part(&parts[p], rows[i].no[p], rows[i].count, rows[i].total, rows[i].tensors[p]);
            add_bytes(files, parts[p].data, parts[p].len,
                      p ? "m-00002-of-00002.gguf" : "m-00001-of-00002.gguf");
        }
        enum mica_status got = mica_gguf_open(files, &g, &err);
        mica_files_free(files);
        if (got != rows[i].want || !strstr(err.text, rows[i].says))
            fail_msg("%s: status %d, message: %s", rows[i].name, got, err.text);
        if (got == MICA_OK) {
            assert_int_equal(mica_gguf_tensor_count(g), 2);
            assert_ptr_equal(mica_gguf_tensor(g, "b")->map, mica_gguf_tensor_at(g, 1)->map);
            assert_true((const char *)mica_gguf_tensor(g, "b")->data == parts[1].data + parts[1].len - 128);
            assert_string_equal(mica_gguf_key_at(g, 3), "general.architecture");
        }
        mica_gguf_free(g);
        for (int p = 0; p < 2; p++)
            mica_buf_release(&parts[p]);
    }
}

static void test_no_files(void **state)
{
    struct mica_files *files;
    struct mica_gguf *g;
    assert_int_equal(mica_files_new(&files, NULL), MICA_OK);
    assert_int_equal(mica_gguf_open(files, &g, NULL), MICA_EARG);
    mica_files_free(files);
}

static void test_alignment(void **state)
{
    struct mica_buf b = {0};
    struct mica_gguf *g;
    uint8_t *bytes;
    put_gguf_head(&b, 3, 2, 1);
    put_kv_int(&b, "general.alignment", GGUF_U32, 128);
    put_gguf_tensor(&b, "t", F32, 1, dims_32, 128);
    put_gguf_tensor(&b, "u", F32, 1, dims_32, 0); /* the table need not be in the order of the data */
    put_pad(&b, 128);
    put_zeros(&b, 256);
    assert_int_equal(open_copy(&b, &g, &bytes, NULL), MICA_OK);
    assert_int_equal(mica_gguf_tensor(g, "u")->offset % 128, 0);
    assert_int_equal(mica_gguf_tensor(g, "t")->offset, mica_gguf_tensor(g, "u")->offset + 128);
    mica_gguf_free(g);
    free(bytes);
    mica_buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads), cmocka_unit_test(test_faults),   cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_split), cmocka_unit_test(test_no_files), cmocka_unit_test(test_alignment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
