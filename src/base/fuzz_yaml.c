/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The input is a file read by a schema with a key of every type; what is read is written as JSON. */
#include "base/yaml.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct item {
    const char *name;
    int64_t n;
};
struct card {
    const char *name;
    int64_t size;
    double share;
    bool open;
    int known, kind;
    const char *const *list;
    struct item inner;
    struct mica_yaml_items items;
};
static const struct mica_yaml_key item_keys[] = {
    {"name", MICA_YAML_TEXT, offsetof(struct item, name), "a name", .required = true},
    {"n", MICA_YAML_INT, offsetof(struct item, n), "a number"},
};
static const struct mica_yaml_schema item = {"item", item_keys, 2, sizeof(struct item), .open = true};
static const char *const kinds[] = {"one", "two", NULL};
static const struct mica_yaml_key keys[] = {
    {"name", MICA_YAML_TEXT, offsetof(struct card, name), "a name"},
    {"size", MICA_YAML_INT, offsetof(struct card, size), "bytes"},
    {"share", MICA_YAML_NUMBER, offsetof(struct card, share), "a part"},
    {"open", MICA_YAML_BOOL, offsetof(struct card, open), "whether"},
    {"known", MICA_YAML_SWITCH, offsetof(struct card, known), "whether"},
    {"kind", MICA_YAML_ENUM, offsetof(struct card, kind), "which", .choices = kinds},
    {"list", MICA_YAML_LIST, offsetof(struct card, list), "texts"},
    {"inner", MICA_YAML_GROUP, offsetof(struct card, inner), "one item", .schema = &item},
    {"items", MICA_YAML_ITEMS, offsetof(struct card, items), "more items", .schema = &item},
};
static const struct mica_yaml_schema schema = {"card", keys, MICA_COUNT(keys)};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct card card = {.known = -1, .kind = -1};
    struct mica_arena arena = {0};
    struct mica_err err = {0};
    enum mica_status status = mica_yaml_read(&schema, (const char *)data, size, "input", &arena, &card, &err);
    if (status != MICA_OK && (err.status != status || strncmp(err.text, "input:", 6) != 0))
        abort();
    if (status == MICA_OK) {
        /* A text that is no UTF-8 cannot become JSON: libyaml must have refused it. */
        json_t *json = mica_yaml_json(&schema, &card);
        if (!json)
            abort();
        json_decref(json);
    }
    mica_arena_release(&arena);
    return 0;
}
