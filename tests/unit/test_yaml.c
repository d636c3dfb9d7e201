/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The schema reader: what it reads, what it refuses and with which words, and its JSON Schema. */
#include "base/yaml.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct source {
    const char *url;
    double ratio;
};
struct card {
    const char *name, *country;
    int64_t size;
    double share;
    bool open;
    int trains, use;
    const char *const *markets;
    struct source main;
    struct mica_yaml_items sources;
};
static const struct mica_yaml_key source_keys[] = {
    {"url", MICA_YAML_TEXT, offsetof(struct source, url), "where it is", .required = true},
    {"ratio", MICA_YAML_NUMBER, offsetof(struct source, ratio), "share of the mix"},
};
static const struct mica_yaml_schema source_schema = {"source", source_keys, 2, sizeof(struct source)};
static const char *const uses[] = {"private", "commercial", NULL};
static const struct mica_yaml_key keys[] = {
    {"name", MICA_YAML_TEXT, offsetof(struct card, name), "what it is called", .required = true},
    {"country", MICA_YAML_TEXT, offsetof(struct card, country), "ISO code"},
    {"size", MICA_YAML_INT, offsetof(struct card, size), "bytes"},
    {"share", MICA_YAML_NUMBER, offsetof(struct card, share), "0 to 1"},
    {"open", MICA_YAML_BOOL, offsetof(struct card, open), "is it open"},
    {"trains", MICA_YAML_SWITCH, offsetof(struct card, trains), "trains on outputs"},
    {"use", MICA_YAML_ENUM, offsetof(struct card, use), "what for", .choices = uses},
    {"markets", MICA_YAML_LIST, offsetof(struct card, markets), "countries"},
    {"main", MICA_YAML_GROUP, offsetof(struct card, main), "main source", .schema = &source_schema},
    {"sources", MICA_YAML_ITEMS, offsetof(struct card, sources), "sources", .schema = &source_schema},
};
static const struct mica_yaml_schema schema = {"card", keys, MICA_COUNT(keys)};

static void test_reads_every_type(void **state)
{
    static const char text[] = "# comment\nname: no\ncountry: NO\nsize: 700000000\nshare: 1e-1\nopen: Yes\n"
                               "trains: false\nuse: commercial\nmarkets: [US, 'EU']\n"
                               "main: {url: https://x, ratio: 2}\n"
                               "sources:\n- url: a\n- url: b\n  ratio: 0.25\n";
    struct card card = {.trains = -1, .use = -1};
    struct mica_arena arena = {0};
    struct mica_err err = {0};
    if (mica_yaml_read(&schema, text, strlen(text), "f", &arena, &card, &err) != MICA_OK)
        fail_msg("%s", err.text);
    assert_string_equal(card.name, "no");
    assert_string_equal(card.country, "NO");
    assert_int_equal(card.size, 700000000);
    assert_true(card.share == 0.1 && card.open && card.trains == 0 && card.use == 1);
    assert_string_equal(card.markets[1], "EU");
    assert_null(card.markets[2]);
    assert_string_equal(card.main.url, "https://x");
    assert_int_equal(card.sources.n, 2);
    const struct source *sources = card.sources.rows;
    assert_true(sources[1].ratio == 0.25);
    json_t *json = mica_yaml_json(&schema, &card);
    char *dump = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(dump, "{\"country\":\"NO\",\"main\":{\"ratio\":2.0,\"url\":\"https://x\"},"
                              "\"markets\":[\"US\",\"EU\"],\"name\":\"no\",\"open\":true,"
                              "\"share\":0.10000000000000001,\"size\":700000000,"
                              "\"sources\":[{\"ratio\":0.0,\"url\":\"a\"},{\"ratio\":0.25,\"url\":\"b\"}],"
                              "\"trains\":false,\"use\":\"commercial\"}");
    free(dump);
    json_decref(json);
    mica_arena_release(&arena);
}

static void test_keeps_defaults(void **state)
{
    static const char text[] = "name: x\nsize:\nuse: ~\nmarkets: null\nopen: null\n";
    struct card card = {.size = 7, .trains = -1, .use = 1, .open = true};
    struct mica_arena arena = {0};
    assert_int_equal(mica_yaml_read(&schema, text, strlen(text), "f", &arena, &card, NULL), MICA_OK);
    assert_true(card.size == 7 && card.use == 1 && card.open && card.trains == -1 && !card.markets);
    mica_arena_release(&arena);
}

static void test_refuses(void **state)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"name: x\nsise: 1\n", "f:2: unknown key 'sise'; did you mean 'size'?"},
        {"name: x\nzebra: 1\n", "f:2: unknown key 'zebra'; known are: name, country"},
        {"name: x\n\nname: y\n", "f:3: name is given twice"},
        {"size: 1\n", "f:1: name is missing: what it is called"},
        {"", "f:1: name is missing"},
        {"name: x\nsize: 1.5\n", "f:2: size: '1.5' is not a whole number"},
        {"name: x\nsize: 99999999999999999999\n", "f:2: size: '99999999999999999999' is not"},
        {"name: x\nshare: nan\n", "f:2: share: 'nan' is not a number"},
        {"name: x\nopen: maybe\n", "f:2: open: 'maybe' is not true or false"},
        {"name: x\nuse: war\n", "f:2: use: 'war' is none of: private, commercial"},
        {"name: x\nmarkets: {a: b}\n", "f:2: markets must be a list of texts"},
        {"name: x\nmarkets: [[a]]\n", "f:2: markets must be a list of texts"},
        {"name: [x]\n", "f:1: name must be text"},
        {"name: x\nmain: y\n", "f:2: main: 'y' is not a mapping"},
        {"name: x\nsources:\n- url: a\n- ratio: 1\n", "f:4: url is missing: where it is"},
        {"name: x\nsources:\n- url: a\n  uri: b\n", "f:4: unknown key 'uri'; did you mean 'url'?"},
        {"name: &x y\n", "f:1: anchors, aliases and tags are not allowed"},
        {"name: !!python/object x\n", "f:1: anchors, aliases and tags are not allowed"},
        {"? [a]\n: b\n", "f:1: a key must be a plain word"},
        {"- a\n", "f:1: must be a mapping"},
        {"name: x\n---\nname: y\n", "f:2: a second document"},
        {"name: \"a\\0b\"\n", "f:1: a text holds a NUL"},
        {"name: x\n\tsize: 1\n", "f:2: no YAML: "},
        {"name: \xff\xfe\n", "f:1: no YAML: "},
        {"name: [[[[[[[[[[[[[[[[[[[[[[[[x\n", "f:1: name must be text"},
        {"name: x\nmain: {url: x, ratio: [[[[[[[[[[[[[[[[[[1", "f:2: ratio must be a number"},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct card card = {0};
        struct mica_arena arena = {0};
        struct mica_err err = {0};
        enum mica_status status =
            mica_yaml_read(&schema, rows[i].text, strlen(rows[i].text), "f", &arena, &card, &err);
        mica_arena_release(&arena);
        if (status != MICA_EFORMAT || strncmp(err.text, rows[i].message, strlen(rows[i].message)) != 0)
            fail_msg("row %zu: status %d, '%s', not '%s'", i, status, err.text, rows[i].message);
    }
}

static void test_limits(void **state)
{
    const struct mica_yaml_schema open = {"any", NULL, 0, .open = true};
    struct mica_arena arena = {0};
    struct mica_err err = {0};
    char *text = calloc(1, MICA_YAML_BYTES + 2);
    memset(text, '#', MICA_YAML_BYTES + 1);
    assert_int_equal(mica_yaml_read(&open, text, MICA_YAML_BYTES + 1, "f", &arena, NULL, &err), MICA_ELIMIT);
    assert_int_equal(mica_yaml_read(&open, text, MICA_YAML_BYTES, "f", &arena, NULL, &err), MICA_OK);
    memset(text, '[', 4000);
    memcpy(text, "a: ", 3);
    assert_int_equal(mica_yaml_read(&open, text, 4000, "f", &arena, NULL, &err), MICA_ELIMIT);
    assert_string_equal(err.text, "f:1: nested deeper than 16");
    free(text);
    mica_arena_release(&arena);
}

static void test_front_matter(void **state)
{
    static const char card[] = "---\r\nname: x\nsize: 2\n---\n# Title\n";
    const char *part = NULL;
    size_t len = 0;
    struct card read = {0};
    struct mica_arena arena = {0};
    assert_true(mica_yaml_front_matter(card, strlen(card), &part, &len));
    assert_int_equal(mica_yaml_read(&schema, part, len, "README.md", &arena, &read, NULL), MICA_OK);
    assert_int_equal(read.size, 2);
    assert_false(mica_yaml_front_matter("# no\n---\n", 9, &part, &len));
    assert_false(mica_yaml_front_matter("---\nname: x\n", 12, &part, &len));
    assert_false(mica_yaml_front_matter("", 0, &part, &len));
    mica_arena_release(&arena);
}

static void test_json_schema(void **state)
{
    json_t *json = mica_yaml_json_schema(&schema);
    json_t *use = json_object_get(json_object_get(json, "properties"), "use");
    assert_string_equal(json_string_value(json_array_get(json_object_get(use, "enum"), 1)), "commercial");
    assert_true(json_is_false(json_object_get(json, "additionalProperties")));
    assert_string_equal(json_string_value(json_array_get(json_object_get(json, "required"), 0)), "name");
    json_t *items = json_object_get(json_object_get(json_object_get(json, "properties"), "sources"), "items");
    assert_string_equal(json_string_value(json_object_get(items, "title")), "source");
    json_decref(json);
}

static void test_nearest(void **state)
{
    static const char *const words[] = {"commercial", "private", "revenue"};
    assert_string_equal(mica_nearest("comercial", words, 3), "commercial");
    assert_string_equal(mica_nearest("revneue", words, 3), "revenue");
    assert_null(mica_nearest("weather", words, 3));
    assert_null(mica_nearest("", words, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_every_type), cmocka_unit_test(test_keeps_defaults),
        cmocka_unit_test(test_refuses),          cmocka_unit_test(test_limits),
        cmocka_unit_test(test_front_matter),     cmocka_unit_test(test_json_schema),
        cmocka_unit_test(test_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
