/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Every allocation fails once while the store parses, writes, lists and cleans up. */
#include "alloc.h"
#include "store/create.h"
#include "store/params.h"
#include "store/store.h"

#include <jansson.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static char home[256];

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
static const char manifest_text[] =
    "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"c\",\"digest\":\"" DIGEST "\",\"size\":2},\"layers\":["
    "{\"mediaType\":\"application/vnd.ollama.image.model\",\"digest\":\"" DIGEST
    "\",\"size\":5,\"annotations\":{"
    "\"org.opencontainers.image.title\":\"a/b.gguf\"}},{\"mediaType\":\"x\",\"digest\":\"" DIGEST
    "\",\"size\":6}]}";

/* jansson loses a byte of a word when its buffer cannot grow, and goes on: what we see is malformed, or a
 * layer type or blob that is not there. */
static enum mica_status forgive(enum mica_status status)
{
    return status == MICA_EFORMAT || status == MICA_EUNSUPPORTED || status == MICA_ENOTFOUND ? MICA_ENOMEM
                                                                                             : status;
}

static enum mica_status parse_manifest(void *arg, struct mica_err *err)
{
    struct mica_manifest *manifest;
    enum mica_status status = mica_manifest_parse(manifest_text, sizeof manifest_text - 1, &manifest, err);
    if (status != MICA_OK)
        return forgive(status);
    status = mica_manifest_seal(manifest, err);
    mica_manifest_free(manifest);
    return status;
}

static const char modelfile_text[] = "FROM base\nPARAMETER temperature 0.5\nPARAMETER stop a\nPARAMETER stop "
                                     "b\nSYSTEM \"\"\"two\nlines\"\"\"\nMESSAGE user hi\nLICENSE \"mine\"\n"
                                     "TEMPLATE {{ messages[0].content }}\n";

static enum mica_status parse_modelfile(void *arg, struct mica_err *err)
{
    struct mica_modelfile *file;
    enum mica_status status =
        mica_modelfile_parse(modelfile_text, sizeof modelfile_text - 1, "M", &file, err);
    if (status == MICA_OK)
        mica_modelfile_free(file);
    return status;
}

static enum mica_status read_params(void *arg, struct mica_err *err)
{
    static const char text[] = "{\"temperature\":0.5,\"stop\":[\"a\",\"b\"],\"use_mmap\":true}";
    struct mica_params params;
    json_t *object = json_object();
    enum mica_status status = object ? MICA_OK : mica_fail(err, MICA_ENOMEM, "out of memory");
    if (status == MICA_OK)
        status = mica_params_add(object, "top_k", "5", err);
    for (int i = 0; i < 3 && status == MICA_OK; i++)
        status = mica_params_add(object, "stop", "x", err);
    json_decref(object);
    if (status == MICA_OK)
        status = mica_params_parse(text, sizeof text - 1, &params, err);
    if (status == MICA_OK)
        mica_params_release(&params);
    return status;
}

/* Everything that changes the store or looks at it. */
static enum mica_status use_store(void *arg, struct mica_err *err)
{
    struct mica_store *store = NULL;
    struct mica_modelfile *file = NULL;
    struct mica_created created = {0};
    struct mica_listed *listed = NULL;
    struct mica_running *running = NULL;
    struct mica_buf text = {0};
    struct mica_files *files = NULL;
    struct mica_name name;
    struct mica_digest digest = {{1}};
    struct mica_gc_options options = {.no_wait = true};
    int64_t n;
    enum mica_status status = mica_store_open(home, &store, err);
    if (status == MICA_OK)
        status = mica_modelfile_parse(modelfile_text, sizeof modelfile_text - 1, "M", &file, err);
    if (status == MICA_OK)
        status = mica_name_parse("made", &name, err);
    if (status == MICA_OK)
        status = mica_create(store, &name, file, NULL, &created, err);
    if (status == MICA_OK)
        status = mica_store_list(store, &listed, &n, err);
    if (status == MICA_OK)
        status = mica_store_text(store, created.manifest, MICA_LAYER_SYSTEM, &text, err);
    if (status == MICA_OK)
        status = mica_store_files(store, created.manifest, &files, err);
    if (status == MICA_OK)
        status = mica_store_start(store, "made:latest", &digest, 1, err);
    if (status == MICA_OK)
        status = mica_store_ps(store, &running, &n, err);
    if (status == MICA_OK)
        status = mica_store_log(store, json_pack("{s:s}", "event", "test"), err);
    mica_store_close(store); /* gc wants no adder */
    store = NULL;
    if (status == MICA_OK)
        status = mica_store_open(home, &store, err);
    if (status == MICA_OK)
        status = mica_store_gc(store, &options, NULL, err);
    mica_created_release(&created);
    mica_modelfile_free(file);
    mica_files_free(files);
    mica_free(listed);
    mica_free(running);
    mica_buf_release(&text);
    mica_store_close(store);
    return forgive(status);
}

static void test_manifest(void **state)
{
    alloc_fail_everywhere("manifest", parse_manifest, NULL, 0);
}

static void test_modelfile(void **state)
{
    alloc_fail_everywhere("Modelfile", parse_modelfile, NULL, 0);
}

static void test_params(void **state)
{
    alloc_fail_everywhere("parameters", read_params, NULL, 0);
}

/* A base whose parameters and messages are inherited. */
static int make_base(void **state)
{
    static const struct {
        enum mica_layer_kind kind;
        const char *text;
    } layers[] = {{MICA_LAYER_MODEL, "GGUF is how it begins"},
                  {MICA_LAYER_PARAMS, "{\"top_k\":5,\"stop\":[\"z\"]}"},
                  {MICA_LAYER_LICENSE, "terms"}};
    const char *tmp = getenv("TMPDIR");
    struct mica_store *store;
    struct mica_name name;
    struct mica_digest digest;
    struct mica_manifest *manifest = mica_manifest_new();
    snprintf(home, sizeof home, "%s/mica-alloc-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(home) || mica_store_open(home, &store, NULL) != MICA_OK ||
        mica_name_parse("base", &name, NULL) != MICA_OK)
        return -1;
    for (size_t i = 0; i < MICA_COUNT(layers); i++) {
        size_t len = strlen(layers[i].text);
        if (mica_store_blob_put(store, layers[i].text, len, &digest, NULL) != MICA_OK ||
            mica_manifest_add(manifest, layers[i].kind, &digest, len, NULL, NULL) != MICA_OK)
            return -1;
    }
    bool ok = mica_store_make_config(store, manifest, NULL) == MICA_OK &&
              mica_manifest_seal(manifest, NULL) == MICA_OK &&
              mica_store_publish(store, &name, manifest, NULL) == MICA_OK;
    mica_manifest_free(manifest);
    mica_store_close(store);
    return ok ? 0 : -1;
}

static int remove_home(void **state)
{
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", home);
    return system(command);
}

static void test_store(void **state)
{
    alloc_fail_everywhere("store", use_store, NULL, 250);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manifest),
        cmocka_unit_test(test_modelfile),
        cmocka_unit_test(test_params),
        cmocka_unit_test(test_store),
    };
    return cmocka_run_group_tests(tests, make_base, remove_home);
}
