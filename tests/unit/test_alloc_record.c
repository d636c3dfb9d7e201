/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Every allocation fails once while a model is recorded with all kinds of evidence, and while its closure is
 * read. SQLite has an allocator of its own, which is left alone. */
#include "alloc.h"
#include "govern/dataset.h"
#include "govern/record.h"
#include "write.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <stdio.h>

static char home[64];
static struct mica_store *store;
static struct mica_register *reg;
static struct mica_manifest *manifest;
static struct mica_name name;
static struct mica_err failure;

static void ok(enum mica_status status)
{
    if (status != MICA_OK)
        fail_msg("%s", failure.text);
}

static void add_layer(enum mica_layer_kind kind, const char *title, const void *data, size_t len)
{
    struct mica_digest digest;
    ok(mica_store_blob_put(store, data, len, &digest, &failure));
    ok(mica_manifest_add(manifest, kind, &digest, len, title, &failure));
}

static int setup(void **state)
{
    static const char card[] =
        "---\nlicense: mit\nbase_model: lab/base\ndatasets: [a/b]\nlanguage: en\n---\n",
                      text[] = "Do what we say.", notice[] = "By us.";
    struct mica_buf gguf = {0}, adapter = {0};
    /* Every round syncs: in memory that costs nothing. */
    snprintf(home, sizeof home, "%s/mica-alloc-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(home));
    ok(mica_store_open(home, &store, &failure));
    ok(mica_register_open(home, &reg, &failure));
    ok(mica_name_parse("m", &name, &failure));
    put_gguf_head(&gguf, 3, 0, 5);
    put_kv_str(&gguf, "general.license", "mit");
    put_kv_str(&gguf, "tokenizer.chat_template", "{{ messages }}");
    put_kv_strs(&gguf, "tokenizer.ggml.tokens", (const char *const[]){"a", "b"}, 2);
    put_kv_int(&gguf, "general.base_model.count", GGUF_U32, 1);
    put_kv_str(&gguf, "general.base_model.0.repo_url", "https://huggingface.co/lab/base");
    put_gguf_head(&adapter, 3, 0, 1);
    put_kv_str(&adapter, "general.license", "gemma");
    manifest = mica_manifest_new();
    assert_non_null(manifest);
    add_layer(MICA_LAYER_MODEL, "", gguf.data, gguf.len);
    add_layer(MICA_LAYER_ADAPTER, "", adapter.data, adapter.len);
    add_layer(MICA_LAYER_CARD, "README.md", card, sizeof card - 1);
    add_layer(MICA_LAYER_LICENSE, "LICENSE", text, sizeof text - 1);
    add_layer(MICA_LAYER_LICENSE, "NOTICE", notice, sizeof notice - 1);
    ok(mica_store_make_config(store, manifest, &failure));
    ok(mica_manifest_seal(manifest, &failure));
    mica_buf_release(&gguf);
    mica_buf_release(&adapter);
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    return remove(path);
}

static int teardown(void **state)
{
    mica_manifest_free(manifest);
    mica_register_close(reg);
    mica_store_close(store);
    return nftw(home, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static enum mica_status record_model(void *arg, struct mica_err *err)
{
    const struct mica_origin origin = {
        .source = "hf:lab/m", .asserted = "MIT", .datasets = "one\ntwo", .event = "pull"};
    return mica_record_model(store, reg, &name, manifest, &origin, NULL, err);
}

static enum mica_status read_closure(void *arg, struct mica_err *err)
{
    struct mica_components *found = NULL, *closure = NULL;
    struct mica_digest digest;
    enum mica_status status = mica_register_find(reg, MICA_COMPONENT_MODEL, "m:latest", &found, err);
    if (status == MICA_OK)
        status = mica_register_closure(reg, found->rows[0].id, &closure, err);
    if (status == MICA_OK && closure->n != 8)
        fail_msg("%d components", (int)closure->n);
    if (status == MICA_OK && !mica_components_digest(closure, &digest))
        status = mica_fail(err, MICA_ENOMEM, "digest: out of memory");
    mica_components_free(closure);
    mica_components_free(found);
    return status;
}

static enum mica_status add_dataset(void *arg, struct mica_err *err)
{
    static const char card[] = "source: here\nlicence: MIT\nowner: me\nfilters: [a, b]\n"
                               "sampling: [{from: web, ratio: 1}]\n";
    return mica_dataset_add(reg, "set", card, strlen(card), "card", "", "", "", NULL, err);
}

static enum mica_status open_again(void *arg, struct mica_err *err)
{
    struct mica_register *again = NULL;
    enum mica_status status = mica_register_open(home, &again, err);
    mica_register_close(again);
    return status;
}

static void test_everywhere(void **state)
{
    ok(record_model(NULL, &failure)); /* the reference texts are read once and stay */
    alloc_fail_everywhere("record", record_model, NULL, 120);
    alloc_fail_everywhere("closure", read_closure, NULL, 60);
    alloc_fail_everywhere("dataset", add_dataset, NULL, 60);
    alloc_fail_everywhere("open", open_again, NULL, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_everywhere, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
