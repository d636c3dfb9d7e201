/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <jansson.h>

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char home[256];
static struct mica_store *store;

static int set_up(void **state)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(home, sizeof home, "%s/mica-store-XXXXXX", tmp ? tmp : "/tmp");
    return mkdtemp(home) && mica_store_open(home, &store, NULL) == MICA_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[300];
    mica_store_close(store);
    snprintf(command, sizeof command, "rm -rf '%s'", home);
    return system(command);
}

static const char *below_home(const char *fmt, ...)
{
    static char path[1024];
    va_list args;
    va_start(args, fmt);
    int n = snprintf(path, sizeof path, "%s/", home);
    vsnprintf(path + n, sizeof path - (size_t)n, fmt, args);
    va_end(args);
    return path;
}

static void must(enum mica_status status, const struct mica_err *err)
{
    if (status != MICA_OK)
        fail_msg("%s", err->text);
}

/* ---- names ---- */

static void names_are_parsed(void **state)
{
    static const struct {
        const char *text, *registry, *namespace_, *model, *tag, *printed;
    } rows[] = {
        {"smollm2", "registry.ollama.ai", "library", "smollm2", "latest", "smollm2:latest"},
        {"smollm2:135m", "registry.ollama.ai", "library", "smollm2", "135m", "smollm2:135m"},
        {"me/x", "registry.ollama.ai", "me", "x", "latest", "me/x:latest"},
        {"library/x", "registry.ollama.ai", "library", "x", "latest", "x:latest"},
        {"hf.co/o_w/R-1.0:Q4_K_M", "hf.co", "o_w", "R-1.0", "Q4_K_M", "hf.co/o_w/R-1.0:Q4_K_M"},
        {"localhost:5000/ns/m", "localhost:5000", "ns", "m", "latest", "localhost:5000/ns/m:latest"},
        {"localhost:5000/ns/m:t", "localhost:5000", "ns", "m", "t", "localhost:5000/ns/m:t"},
        {"h/library/m:t", "h", "library", "m", "t", "h/library/m:t"},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_name name, again;
        struct mica_err err;
        char printed[MICA_NAME_TEXT];
        must(mica_name_parse(rows[i].text, &name, &err), &err);
        assert_string_equal(name.registry, rows[i].registry);
        assert_string_equal(name.namespace_, rows[i].namespace_);
        assert_string_equal(name.model, rows[i].model);
        assert_string_equal(name.tag, rows[i].tag);
        mica_name_print(&name, printed);
        assert_string_equal(printed, rows[i].printed);
        must(mica_name_parse(printed, &again, &err), &err);
        assert_true(mica_name_equal(&name, &again));
    }
}

static void odd_names_are_refused(void **state)
{
    char longer[400];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    const char *const rows[] = {"",         ":",          "/",      "a/",           "/a",           "a:",
                                ":a",       "..",         "../x",   "a/../b",       "../../x",      ".hidden",
                                "a/b/c/d",  "a b",        "a\nb",   "a:b:c",        "a:../b",       "-f",
                                "a\\b",     "x:.t",       "h:/n/m", "h:1x/n/m",     "h:123456/n/m", "h/n:1/m",
                                "\xc3\xa4", "a%2e",       "~/x",    "http://h/n/m", longer,         "a:b/c",
                                "a//b",     "h:80:80/n/m"};
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_name name;
        struct mica_err err = {0};
        memset(&name, 'u', sizeof name);
        if (mica_name_parse(rows[i], &name, &err) != MICA_EARG || !err.text[0])
            fail_msg("'%s' was not refused", rows[i]);
        if (name.model[0] != 'u')
            fail_msg("'%s': the output was touched", rows[i]);
    }
}

/* ---- manifests ---- */

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEAD   "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.docker.distribution.manifest.v2+json\","
#define CONFIG                                                                                               \
    "\"config\":{\"mediaType\":\"application/vnd.docker.container.image.v1+json\",\"digest\":\"" DIGEST      \
    "\",\"size\":7}"
#define LAYER(type, size, more)                                                                              \
    "{\"mediaType\":\"application/vnd.ollama.image." type "\",\"digest\":\"" DIGEST "\",\"size\":" size more \
    "}"
#define TITLE(title) ",\"annotations\":{\"org.opencontainers.image.title\":\"" title "\"}"

static void a_manifest_keeps_its_bytes(void **state)
{
    static const char text[] =
        HEAD CONFIG ",\"layers\":[" LAYER("model", "5", ",\"from\":\"/x/y\"") ",\n " LAYER(
            "license", "6", TITLE("a/LICENSE")) "," LAYER("strange", "8", "") "]}\n";
    struct mica_manifest *manifest;
    struct mica_err err;
    struct mica_digest digest;
    must(mica_manifest_parse(text, sizeof text - 1, &manifest, &err), &err);
    assert_int_equal(manifest->n_layers, 3);
    assert_int_equal(mica_manifest_size(manifest), 7 + 5 + 6 + 8);
    assert_int_equal(manifest->layers[2].kind, MICA_LAYER_OTHER);
    assert_string_equal(mica_manifest_find(manifest, MICA_LAYER_LICENSE)->title, "a/LICENSE");
    assert_null(mica_manifest_find(manifest, MICA_LAYER_SYSTEM));
    assert_string_equal(manifest->text, text);
    mica_sha256(text, sizeof text - 1, &digest);
    assert_true(mica_digest_equal(&digest, &manifest->digest));
    mica_manifest_free(manifest);
}

static void a_sealed_manifest_reads_back(void **state)
{
    struct mica_digest digest = {{1, 2, 3}};
    struct mica_err err;
    struct mica_manifest *made = mica_manifest_new(), *read;
    assert_non_null(made);
    assert_int_equal(mica_manifest_seal(made, &err), MICA_EARG); /* no config */
    must(mica_manifest_add(made, MICA_LAYER_CONFIG, &digest, 3, NULL, &err), &err);
    must(mica_manifest_add(made, MICA_LAYER_MODEL, &digest, 10, "m.gguf", &err), &err);
    must(mica_manifest_add(made, MICA_LAYER_SYSTEM, &digest, 11, NULL, &err), &err);
    assert_int_equal(mica_manifest_add(made, MICA_LAYER_SYSTEM, &digest, 1, NULL, &err), MICA_EFORMAT);
    assert_int_equal(mica_manifest_add(made, MICA_LAYER_FILE, &digest, 1, "m.gguf", &err), MICA_EFORMAT);
    assert_int_equal(mica_manifest_add(made, MICA_LAYER_FILE, &digest, 1, "../m", &err), MICA_EFORMAT);
    must(mica_manifest_seal(made, &err), &err);
    must(mica_manifest_parse(made->text, made->len, &read, &err), &err);
    assert_int_equal(read->n_layers, 2);
    assert_true(mica_digest_equal(&made->digest, &read->digest));
    assert_string_equal(read->layers[0].title, "m.gguf");
    mica_manifest_free(read);
    mica_manifest_free(made);
}

static void hostile_manifests_are_refused(void **state)
{
#define ONE(layer) HEAD CONFIG ",\"layers\":[" layer "]}"
    static const struct {
        const char *what, *text;
        enum mica_status status;
    } rows[] = {
        {"empty", "", MICA_EFORMAT},
        {"no object", "[]", MICA_EFORMAT},
        {"a list", HEAD "\"manifests\":[]}", MICA_EUNSUPPORTED},
        {"version 1", "{\"schemaVersion\":1," CONFIG ",\"layers\":[]}", MICA_EFORMAT},
        {"no config", HEAD "\"layers\":[]}", MICA_EFORMAT},
        {"no layers", HEAD CONFIG "}", MICA_EFORMAT},
        {"layers no array", HEAD CONFIG ",\"layers\":{}}", MICA_EFORMAT},
        {"a layer that is a number", ONE("5"), MICA_EFORMAT},
        {"negative size", ONE(LAYER("model", "-1", "")), MICA_EFORMAT},
        {"fraction", ONE(LAYER("model", "1.5", "")), MICA_EFORMAT},
        {"float size", ONE(LAYER("model", "1e3", "")), MICA_EFORMAT},
        {"huge size", ONE(LAYER("model", "9223372036854775807", "")), MICA_EFORMAT},
        {"size past 64 bits", ONE(LAYER("model", "99999999999999999999", "")), MICA_EFORMAT},
        {"size as text", ONE(LAYER("model", "\"5\"", "")), MICA_EFORMAT},
        {"duplicate key", ONE(LAYER("model", "5", ",\"size\":6")), MICA_EFORMAT},
        {"title ..", ONE(LAYER("model", "5", TITLE("a/../../b"))), MICA_EFORMAT},
        {"title absolute", ONE(LAYER("model", "5", TITLE("/etc/passwd"))), MICA_EFORMAT},
        {"title NUL", ONE(LAYER("model", "5", TITLE("a\\u0000b"))), MICA_EFORMAT},
        {"title backslash", ONE(LAYER("model", "5", TITLE("..\\\\b"))), MICA_EFORMAT},
        {"title drive", ONE(LAYER("model", "5", TITLE("C:b"))), MICA_EFORMAT},
        {"title newline", ONE(LAYER("model", "5", TITLE("a\\nb"))), MICA_EFORMAT},
        {"title empty", ONE(LAYER("model", "5", TITLE(""))), MICA_EFORMAT},
        {"title ends in /", ONE(LAYER("model", "5", TITLE("a/"))), MICA_EFORMAT},
        {"annotations a list", ONE(LAYER("model", "5", ",\"annotations\":[]")), MICA_EFORMAT},
        {"two systems", ONE(LAYER("system", "5", "") "," LAYER("system", "5", "")), MICA_EFORMAT},
        {"trailing bytes", ONE("") "x", MICA_EFORMAT},
        {"digest as a path",
         ONE("{\"mediaType\":\"x\",\"digest\":\"sha256:../../../../../../../../../../../../../../../../../../"
             "../../etc/pa\",\"size\":1}"),
         MICA_EFORMAT},
        {"digest with a dash",
         ONE("{\"mediaType\":\"x\",\"digest\":\"sha256-"
             "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\",\"size\":1}"),
         MICA_EFORMAT},
        {"digest in capitals",
         ONE("{\"mediaType\":\"x\",\"digest\":\"sha256:"
             "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef\",\"size\":1}"),
         MICA_EFORMAT},
        {"no digest", ONE("{\"mediaType\":\"x\",\"size\":1}"), MICA_EFORMAT},
        {"media type with a line", ONE("{\"mediaType\":\"x\\ny\",\"digest\":\"" DIGEST "\",\"size\":1}"),
         MICA_EFORMAT},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_manifest *manifest = NULL;
        struct mica_err err = {0};
        enum mica_status status = mica_manifest_parse(rows[i].text, strlen(rows[i].text), &manifest, &err);
        if (status != rows[i].status || manifest || !err.text[0])
            fail_msg("%s: %s (%s)", rows[i].what, mica_status_text(status), err.text);
    }
    /* Deeper than the stack, and longer than anyone's. */
    size_t n = 2 << 20;
    char *text = malloc(n);
    assert_non_null(text);
    memset(text, '[', n);
    assert_int_equal(mica_manifest_parse(text, 1 << 20, &(struct mica_manifest *){NULL}, NULL), MICA_EFORMAT);
    assert_int_equal(mica_manifest_parse(text, n, &(struct mica_manifest *){NULL}, NULL), MICA_ELIMIT);
    free(text);
}

/* ---- blobs ---- */

static void bytes_become_a_blob(void **state)
{
    struct mica_digest digest, again;
    struct mica_err err;
    struct mica_mapping *map;
    char path[MICA_PATH_MAX];
    must(mica_store_blob_put(store, "hello", 5, &digest, &err), &err);
    must(mica_store_blob_put(store, "hello", 5, &again, &err), &err);
    assert_true(mica_digest_equal(&digest, &again));
    must(mica_store_blob_path(store, &digest, path, &err), &err);
    assert_string_equal(path, below_home("blobs/sha256-"
                                         "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"));
    must(mica_store_blob_open(store, &digest, &map, &err), &err);
    assert_int_equal(mica_mapping_size(map), 5);
    assert_memory_equal(mica_mapping_data(map), "hello", 5);
    mica_mapping_free(map);
    digest.bytes[0] ^= 1;
    assert_false(mica_store_has_blob(store, &digest));
    assert_int_equal(mica_store_blob_open(store, &digest, &map, &err), MICA_ENOTFOUND);
}

static void a_blob_goes_on_where_it_stopped(void **state)
{
    static const char data[] = "0123456789";
    struct mica_digest digest, got;
    struct mica_blob_writer *writer;
    struct mica_err err;
    uint64_t size;
    mica_sha256(data, 10, &digest);
    must(mica_blob_begin(store, &digest, &writer, &err), &err);
    must(mica_blob_parts(writer, 10, 4, &err), &err);
    assert_int_equal(pwrite(mica_blob_fd(writer), data + 4, 4, 4), 4);
    must(mica_blob_part_mark(writer, 1, &err), &err);
    assert_int_equal(mica_blob_part_mark(writer, 3, &err), MICA_EARG);
    mica_blob_abandon(writer, false);
    assert_false(mica_store_has_blob(store, &digest));

    must(mica_blob_begin(store, &digest, &writer, &err), &err);
    must(mica_blob_parts(writer, 10, 4, &err), &err);
    assert_false(mica_blob_part_done(writer, 0));
    assert_true(mica_blob_part_done(writer, 1));
    assert_false(mica_blob_part_done(writer, 2));
    assert_int_equal(pwrite(mica_blob_fd(writer), data, 4, 0), 4);
    assert_int_equal(pwrite(mica_blob_fd(writer), data + 8, 2, 8), 2);
    must(mica_blob_commit(writer, &got, &size, &err), &err);
    assert_int_equal(size, 10);
    assert_true(mica_digest_equal(&got, &digest));
    must(mica_blob_begin(store, &digest, &writer, &err), &err);
    assert_null(writer); /* complete */
    assert_false(mica_fs_exists(below_home("blobs/sha256-84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96"
                                           "bedb9f882f7882-partial.parts")));
}

static void records_of_other_parts_do_not_count(void **state)
{
    struct mica_digest digest;
    struct mica_blob_writer *writer;
    struct mica_err err;
    char path[MICA_PATH_MAX], hex[MICA_DIGEST_HEX];
    mica_sha256("0123456789", 10, &digest);
    mica_digest_hex(&digest, hex);
    for (int row = 0; row < 3; row++) {
        must(mica_blob_begin(store, &digest, &writer, &err), &err);
        must(mica_blob_parts(writer, 10, 4, &err), &err);
        must(mica_blob_part_mark(writer, 0, &err), &err);
        mica_blob_abandon(writer, false);
        snprintf(path, sizeof path, "%s", below_home("blobs/sha256-%s-partial", hex));
        if (row == 1)
            assert_int_equal(unlink(path), 0); /* the bytes are gone, the record is not */
        must(mica_blob_begin(store, &digest, &writer, &err), &err);
        must(mica_blob_parts(writer, row == 2 ? 11 : 10, row == 0 ? 5 : 4, &err), &err);
        if (mica_blob_part_done(writer, 0))
            fail_msg("row %d: a part is there that never came", row);
        mica_blob_abandon(writer, true);
        assert_false(mica_fs_exists(path));
    }
}

static void a_wrong_digest_is_never_visible(void **state)
{
    struct mica_digest digest;
    struct mica_blob_writer *writer;
    struct mica_err err;
    mica_sha256("right", 5, &digest);
    must(mica_blob_begin(store, &digest, &writer, &err), &err);
    assert_int_equal(write(mica_blob_fd(writer), "wrong", 5), 5);
    assert_int_equal(mica_blob_commit(writer, NULL, NULL, &err), MICA_EFORMAT);
    assert_non_null(strstr(err.text, "announced"));
    assert_false(mica_store_has_blob(store, &digest));
    must(mica_blob_begin(store, &digest, &writer, &err), &err);
    assert_int_equal(lseek(mica_blob_fd(writer), 0, SEEK_END), 0); /* begins anew */
    assert_int_equal(write(mica_blob_fd(writer), "right", 5), 5);
    must(mica_blob_commit(writer, NULL, NULL, &err), &err);
    assert_true(mica_store_has_blob(store, &digest));
    must(mica_blob_begin(store, NULL, &writer, &err), &err);
    assert_int_equal(write(mica_blob_fd(writer), "right", 5), 5);
    must(mica_blob_commit(writer, &digest, NULL, &err), &err);
}

/* Several processes write one blob at once: each finds it whole. */
static void writers_wait_for_each_other(void **state)
{
    enum { N = 6, SIZE = 1 << 20 };
    static uint8_t data[SIZE];
    struct mica_digest digest;
    memset(data, 7, sizeof data);
    mica_sha256(data, sizeof data, &digest);
    for (int i = 0; i < N; i++)
        if (fork() == 0) {
            struct mica_store *own;
            struct mica_blob_writer *writer = NULL;
            bool ok = mica_store_open(home, &own, NULL) == MICA_OK &&
                      mica_blob_begin(own, &digest, &writer, NULL) == MICA_OK;
            if (ok && writer)
                ok = pwrite(mica_blob_fd(writer), data, sizeof data, 0) == SIZE &&
                     mica_blob_commit(writer, NULL, NULL, NULL) == MICA_OK;
            _exit(ok && mica_store_has_blob(own, &digest) ? 0 : 1);
        }
    for (int i = 0; i < N; i++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    struct mica_mapping *map;
    struct mica_err err;
    must(mica_store_blob_open(store, &digest, &map, &err), &err);
    assert_memory_equal(mica_mapping_data(map), data, sizeof data);
    mica_mapping_free(map);
}

/* ---- models ---- */

static void add_model(const char *text, const char *body)
{
    struct mica_name name;
    struct mica_err err;
    struct mica_digest digest;
    struct mica_manifest *manifest = mica_manifest_new();
    must(mica_name_parse(text, &name, &err), &err);
    must(mica_store_blob_put(store, body, strlen(body), &digest, &err), &err);
    must(mica_manifest_add(manifest, MICA_LAYER_MODEL, &digest, strlen(body), NULL, &err), &err);
    must(mica_store_blob_put(store, "{}", 2, &digest, &err), &err);
    must(mica_manifest_add(manifest, MICA_LAYER_CONFIG, &digest, 2, NULL, &err), &err);
    must(mica_manifest_seal(manifest, &err), &err);
    must(mica_store_publish(store, &name, manifest, &err), &err);
    mica_manifest_free(manifest);
}

static void models_are_published_and_listed(void **state)
{
    struct mica_listed *rows;
    struct mica_name name;
    struct mica_manifest *manifest;
    struct mica_files *files;
    struct mica_err err;
    int64_t n;
    must(mica_store_list(store, &rows, &n, &err), &err);
    assert_int_equal(n, 0);
    add_model("b", "bytes b");
    add_model("a/b:c", "bytes a");
    add_model("h:1/a/b:c", "bytes h");
    must(mica_store_list(store, &rows, &n, &err), &err);
    assert_int_equal(n, 3);
    char printed[MICA_NAME_TEXT];
    static const char *const want[] = {"a/b:c", "b:latest", "h:1/a/b:c"};
    for (int i = 0; i < 3; i++) {
        mica_name_print(&rows[i].name, printed);
        assert_string_equal(printed, want[i]);
    }
    must(mica_store_manifest(store, &rows[1].name, &manifest, &err), &err);
    must(mica_store_files(store, manifest, &files, &err), &err);
    assert_int_equal(mica_files_count(files), 1);
    assert_string_equal(mica_files_name(files, 0), "model.gguf");
    assert_memory_equal(mica_mapping_data(mica_files_at(files, 0)), "bytes b", 7);
    mica_files_free(files);
    mica_manifest_free(manifest);
    must(mica_store_remove(store, &rows[2].name, &err), &err);
    assert_false(mica_fs_exists(below_home("manifests/h:1")));
    assert_int_equal(mica_store_remove(store, &rows[2].name, &err), MICA_ENOTFOUND);
    must(mica_name_parse("nothing", &name, &err), &err);
    assert_int_equal(mica_store_manifest(store, &name, &manifest, &err), MICA_ENOTFOUND);
    assert_non_null(strstr(err.text, "mica pull"));
    mica_free(rows);
}

static void a_manifest_without_its_blobs_is_not_published(void **state)
{
    struct mica_digest digest = {{9}};
    struct mica_name name;
    struct mica_err err;
    struct mica_manifest *manifest = mica_manifest_new();
    must(mica_name_parse("x", &name, &err), &err);
    must(mica_manifest_add(manifest, MICA_LAYER_CONFIG, &digest, 2, NULL, &err), &err);
    must(mica_manifest_seal(manifest, &err), &err);
    assert_int_equal(mica_store_publish(store, &name, manifest, &err), MICA_ENOTFOUND);
    mica_manifest_free(manifest);
}

static void odd_files_are_no_models(void **state)
{
    struct mica_listed *rows;
    struct mica_name name;
    struct mica_manifest *manifest;
    struct mica_err err;
    int64_t n;
    add_model("real", "bytes");
    assert_int_equal(symlink(home, below_home("manifests/registry.ollama.ai/linked")), 0);
    assert_int_equal(symlink("latest", below_home("manifests/registry.ollama.ai/library/real/link")), 0);
    assert_int_equal(mkfifo(below_home("manifests/registry.ollama.ai/library/real/fifo"), 0600), 0);
    assert_int_equal(mkdir(below_home("manifests/registry.ollama.ai/library/real/folder"), 0700), 0);
    must(mica_store_list(store, &rows, &n, &err), &err);
    assert_int_equal(n, 1);
    mica_free(rows);
    static const char *const tags[] = {"link", "fifo", "folder"};
    for (size_t i = 0; i < MICA_COUNT(tags); i++) {
        must(mica_name_parse("real", &name, &err), &err);
        snprintf(name.tag, sizeof name.tag, "%s", tags[i]);
        if (mica_store_manifest(store, &name, &manifest, &err) != MICA_EFORMAT)
            fail_msg("%s: %s", tags[i], err.text);
    }
    must(mica_name_parse("linked/blobs", &name, &err), &err);
    assert_int_not_equal(mica_store_manifest(store, &name, &manifest, &err), MICA_OK);
}

static void blobs_that_are_no_files_are_refused(void **state)
{
    struct mica_digest digest = {{3}};
    struct mica_mapping *map;
    struct mica_err err;
    char hex[MICA_DIGEST_HEX];
    must(mica_store_blob_put(store, "x", 1, NULL, &err), &err);
    for (int row = 0; row < 2; row++) {
        digest.bytes[0]++;
        mica_digest_hex(&digest, hex);
        const char *path = below_home("blobs/sha256-%s", hex);
        assert_int_equal(row ? mkfifo(path, 0600) : mkdir(path, 0700), 0);
        assert_false(mica_store_has_blob(store, &digest));
        assert_int_not_equal(mica_store_blob_open(store, &digest, &map, &err), MICA_OK);
    }
}

/* ---- gc, links ---- */

static enum mica_status name_one(void *user, struct mica_digest **out, int64_t *n_out, struct mica_err *err)
{
    *out = mica_alloc(1, sizeof **out);
    **out = *(const struct mica_digest *)user;
    *n_out = 1;
    return MICA_OK;
}

static void gc_keeps_what_is_named(void **state)
{
    struct mica_digest named, loose, kept, partial;
    struct mica_gc_result result;
    struct mica_blob_writer *writer;
    struct mica_err err;
    struct mica_gc_options options = {.dry_run = true};
    must(mica_store_gc(store, &options, &result, &err), &err); /* nothing there yet */
    assert_int_equal(result.n, 0);
    add_model("m", "named");
    mica_sha256("named", 5, &named);
    must(mica_store_blob_put(store, "loose", 5, &loose, &err), &err);
    must(mica_store_blob_put(store, "kept", 4, &kept, &err), &err);
    mica_sha256("partial", 7, &partial);
    must(mica_blob_begin(store, &partial, &writer, &err), &err);
    must(mica_blob_parts(writer, 7, 7, &err), &err);
    /* While a writer adds, gc cannot run; nor from the same store. */
    struct mica_store *other;
    must(mica_store_open(home, &other, &err), &err);
    options.no_wait = true;
    assert_int_equal(mica_store_gc(other, &options, &result, &err), MICA_EDENIED);
    assert_int_equal(mica_store_gc(store, &options, &result, &err), MICA_EARG);
    mica_blob_abandon(writer, false);
    mica_store_close(store);
    store = other;
    options.named = name_one;
    options.user = &kept;
    options.keep_partial = 1000;
    must(mica_store_gc(store, &options, &result, &err), &err);
    assert_int_equal(result.n, 1);
    assert_true(mica_store_has_blob(store, &loose));
    options.dry_run = false;
    must(mica_store_gc(store, &options, &result, &err), &err);
    assert_int_equal(result.n, 1);
    assert_true(mica_store_has_blob(store, &named));
    assert_true(mica_store_has_blob(store, &kept));
    assert_false(mica_store_has_blob(store, &loose));
    options.keep_partial = 0;
    must(mica_store_gc(store, &options, &result, &err), &err);
    assert_int_equal(result.n, 2); /* the partial file and its record */
    add_model("n", "other");
    must(mica_store_gc(store, &options, &result, &err), &err);
    assert_int_equal(result.n, 0);
}

static void gc_deletes_nothing_when_a_manifest_is_unreadable(void **state)
{
    static const char *const rows[] = {"ln -s latest '%s/manifests/registry.ollama.ai/library/m/link'",
                                       "echo '{}' > '%s/manifests/registry.ollama.ai/library/m/odd'",
                                       "mkdir '%s/manifests/registry.ollama.ai/library/m/folder'",
                                       "touch '%s/manifests/stray'",
                                       "mkfifo '%s/manifests/registry.ollama.ai/library/m/fifo'"};
    struct mica_digest loose;
    struct mica_err err;
    char command[600];
    must(mica_store_blob_put(store, "loose", 5, &loose, &err), &err);
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_gc_options options = {0};
        snprintf(command, sizeof command, "rm -rf '%s/manifests'", home);
        assert_int_equal(system(command), 0);
        add_model("m", "named");
        snprintf(command, sizeof command, rows[i], home);
        assert_int_equal(system(command), 0);
        err.text[0] = 0;
        if (mica_store_gc(store, &options, NULL, &err) != MICA_EFORMAT)
            fail_msg("%s: %s", command, err.text);
        assert_true(mica_store_has_blob(store, &loose));
    }
}

static void a_file_is_registered_where_it_lies(void **state)
{
    struct mica_digest digest, again;
    struct mica_mapping *map;
    struct mica_err err;
    uint64_t size;
    char file[1024], moved[1024], path[MICA_PATH_MAX];
    snprintf(file, sizeof file, "%s", below_home("my.gguf"));
    snprintf(moved, sizeof moved, "%s", below_home("moved.gguf"));
    must(mica_fs_write(file, "bytes", 5, 0644, &err), &err);
    must(mica_store_blob_link(store, file, &digest, &size, &err), &err);
    assert_int_equal(size, 5);
    must(mica_store_blob_link(store, file, &digest, &size, &err), &err);
    must(mica_store_blob_open(store, &digest, &map, &err), &err);
    assert_memory_equal(mica_mapping_data(map), "bytes", 5);
    mica_mapping_free(map);
    must(mica_store_blob_path(store, &digest, path, &err), &err);
    assert_int_equal(mica_store_blob_link(store, path, &again, &size, &err), MICA_OK); /* the file itself */
    must(mica_store_blob_put(store, "real blob", 9, &again, &err), &err);
    must(mica_store_blob_path(store, &again, path, &err), &err);
    assert_int_equal(mica_store_blob_link(store, path, &again, &size, &err), MICA_EARG);
    assert_int_equal(mica_store_blob_link(store, home, &again, &size, &err), MICA_EARG); /* a folder */
    assert_int_equal(mica_store_blob_link(store, "/no/such/file", &again, &size, &err), MICA_ENOTFOUND);
    /* The file moves: the link is dead, and registering it anew mends it. */
    assert_int_equal(rename(file, moved), 0);
    assert_false(mica_store_has_blob(store, &digest));
    must(mica_store_blob_link(store, moved, &digest, &size, &err), &err);
    assert_true(mica_store_has_blob(store, &digest));
    /* Bytes that come over the network replace a dead link, and never go through it. */
    assert_int_equal(unlink(moved), 0);
    must(mica_store_blob_put(store, "bytes", 5, &digest, &err), &err);
    assert_true(mica_store_has_blob(store, &digest));
    assert_false(mica_fs_exists(moved));
}

static void a_changed_text_is_refused(void **state)
{
    struct mica_layer layer = {.kind = MICA_LAYER_SYSTEM, .media_type = "x", .size = 5};
    struct mica_buf text = {0};
    struct mica_err err;
    char path[MICA_PATH_MAX];
    must(mica_store_blob_put(store, "hello", 5, &layer.digest, &err), &err);
    must(mica_store_layer_text(store, &layer, &text, &err), &err);
    assert_string_equal(text.data, "hello");
    must(mica_store_blob_path(store, &layer.digest, path, &err), &err);
    must(mica_fs_write(path, "hellO", 5, 0644, &err), &err);
    assert_int_equal(mica_store_layer_text(store, &layer, &text, &err), MICA_EDENIED);
    must(mica_fs_write(path, "hello!", 6, 0644, &err), &err);
    assert_int_equal(mica_store_layer_text(store, &layer, &text, &err), MICA_EFORMAT);
    mica_buf_release(&text);
}

/* ---- running, log ---- */

static void a_running_model_is_seen_until_it_ends(void **state)
{
    struct mica_digest digest = {{1}};
    struct mica_running *rows = NULL;
    struct mica_err err;
    int64_t n;
    int pipes[2];
    char byte;
    must(mica_store_ps(store, &rows, &n, &err), &err);
    assert_int_equal(n, 0);
    must(mica_store_start(store, "smollm2:latest", &digest, 123, &err), &err);
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        struct mica_store *own;
        bool ok = mica_store_open(home, &own, NULL) == MICA_OK &&
                  mica_store_start(own, "other:latest", &digest, 5, NULL) == MICA_OK;
        if (write(pipes[1], ok ? "y" : "n", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    must(mica_store_ps(store, &rows, &n, &err), &err);
    assert_int_equal(n, 2);
    mica_free(rows);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    must(mica_store_ps(store, &rows, &n, &err), &err);
    assert_int_equal(n, 1);
    assert_string_equal(rows[0].name, "smollm2:latest");
    assert_int_equal(rows[0].pid, getpid());
    assert_int_equal(rows[0].bytes, 123);
    mica_free(rows);
    mica_store_stop(store);
    must(mica_store_ps(store, &rows, &n, &err), &err);
    assert_int_equal(n, 0);
    mica_free(rows);
    close(pipes[0]);
    close(pipes[1]);
}

static void the_log_grows_by_lines(void **state)
{
    struct mica_buf text = {0};
    struct mica_err err;
    must(mica_store_log(store, json_pack("{s:s}", "event", "one\ntwo"), &err), &err);
    must(mica_store_log(store, json_pack("{s:s}", "event", "three"), &err), &err);
    must(mica_fs_read(below_home("log.jsonl"), 1 << 20, &text, &err), &err);
    assert_memory_equal(text.data, "{\"time\":\"", 9);
    assert_non_null(strstr(text.data, "\"event\":\"one\\ntwo\"}\n{\"time\":"));
    mica_buf_release(&text);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_parsed),
        cmocka_unit_test(odd_names_are_refused),
        cmocka_unit_test(a_manifest_keeps_its_bytes),
        cmocka_unit_test(a_sealed_manifest_reads_back),
        cmocka_unit_test(hostile_manifests_are_refused),
        EACH(bytes_become_a_blob),
        EACH(a_blob_goes_on_where_it_stopped),
        EACH(records_of_other_parts_do_not_count),
        EACH(a_wrong_digest_is_never_visible),
        EACH(writers_wait_for_each_other),
        EACH(models_are_published_and_listed),
        EACH(a_manifest_without_its_blobs_is_not_published),
        EACH(odd_files_are_no_models),
        EACH(blobs_that_are_no_files_are_refused),
        EACH(gc_keeps_what_is_named),
        EACH(gc_deletes_nothing_when_a_manifest_is_unreadable),
        EACH(a_file_is_registered_where_it_lies),
        EACH(a_changed_text_is_refused),
        EACH(a_running_model_is_seen_until_it_ends),
        EACH(the_log_grows_by_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
