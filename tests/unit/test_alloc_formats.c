/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Every allocation fails once while a split GGUF and a sharded safetensors model are opened. */
#include "alloc.h"
#include "write.h"

#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

/* A set of files that the scenarios open; made once, while allocations work. */
static struct mica_buf parts[2], shards[2];
static struct mica_files *split, *sharded;
static const char index_json[] =
    "{\"metadata\":{\"total_size\":8},\"weight_map\":{\"a\":\"1.safetensors\",\"b\":\"2.safetensors\"}}";

static void put_part(struct mica_buf *b, uint64_t no)
{
    static const uint64_t dims[] = {4};
    put_gguf_head(b, 3, 1, no ? 3 : 6);
    put_kv_int(b, "split.no", GGUF_U16, no);
    put_kv_int(b, "split.count", GGUF_U16, 2);
    put_kv_int(b, "split.tensors.count", GGUF_I32, 2);
    if (no == 0) {
        put_kv_str(b, "name", "a name");
        put_kv_strs(b, "words", (const char *const[]){"one", "two"}, 2);
        put_kv_array(b, "numbers", GGUF_I32, 1);
        put_int(b, 4, 7);
    }
    put_gguf_tensor(b, no ? "b" : "a", 0, 1, dims, 0);
    put_pad(b, 32);
    put_zeros(b, 16);
}

static int make_files(void **state)
{
    put_part(&parts[0], 0);
    put_part(&parts[1], 1);
    put_safetensors_head(&shards[0], "{\"__metadata__\":{\"format\":\"pt\"},"
                                     "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}");
    put_safetensors_head(&shards[1], "{\"b\":{\"dtype\":\"BF16\",\"shape\":[1,2],\"data_offsets\":[0,4]}}");
    put_zeros(&shards[0], 4);
    put_zeros(&shards[1], 4);
    split = files_of_bytes(parts[0].data, parts[0].len, "m-00001-of-00002.gguf");
    add_bytes(split, parts[1].data, parts[1].len, "m-00002-of-00002.gguf");
    sharded = files_of_bytes(shards[0].data, shards[0].len, "1.safetensors");
    add_bytes(sharded, shards[1].data, shards[1].len, "2.safetensors");
    add_bytes(sharded, index_json, sizeof index_json - 1, "model.safetensors.index.json");
    return 0;
}

static int free_files(void **state)
{
    mica_files_free(split);
    mica_files_free(sharded);
    for (int i = 0; i < 2; i++) {
        mica_buf_release(&parts[i]);
        mica_buf_release(&shards[i]);
    }
    return 0;
}

static enum mica_status open_split(void *arg, struct mica_err *err)
{
    struct mica_gguf *gguf = NULL;
    enum mica_status status = mica_gguf_open(split, &gguf, err);
    if (status != MICA_OK && gguf)
        fail_msg("a reader came with status %d", (int)status);
    mica_gguf_free(gguf);
    return status;
}

static enum mica_status open_sharded(void *arg, struct mica_err *err)
{
    struct mica_safetensors *st = NULL;
    enum mica_status status = mica_safetensors_open(sharded, &st, err);
    if (status != MICA_OK && st)
        fail_msg("a reader came with status %d", (int)status);
    mica_safetensors_free(st);
    return status;
}

static void test_split_gguf(void **state)
{
    alloc_fail_everywhere("split GGUF", open_split, NULL, 0);
}

static void test_sharded_safetensors(void **state)
{
    alloc_fail_everywhere("sharded safetensors", open_sharded, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split_gguf),
        cmocka_unit_test(test_sharded_safetensors),
    };
    return cmocka_run_group_tests(tests, make_files, free_files);
}
