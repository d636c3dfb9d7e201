/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* A schema and what was read by it, as JSON. */
#include "base/yaml.h"

#include <jansson.h>

static json_t *texts(const char *const *list)
{
    json_t *array = json_array();
    for (; array && list && *list; list++)
        if (json_array_append_new(array, json_string(*list)) != 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static json_t *items(const struct mica_yaml_schema *schema, const struct mica_yaml_items *items)
{
    json_t *array = json_array();
    for (int64_t i = 0; array && i < items->n; i++)
        if (json_array_append_new(
                array, mica_yaml_json(schema, (const char *)items->rows + (size_t)i * schema->size)) != 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

/* *absent: there is nothing to write. */
static json_t *value(const struct mica_yaml_key *key, const void *at, bool *absent)
{
    const char *text;
    const char *const *list;
    const struct mica_yaml_items *rows = at;
    switch (key->type) {
    case MICA_YAML_TEXT:
        text = *(const char *const *)at;
        *absent = !text;
        return text ? json_string(text) : NULL;
    case MICA_YAML_INT:
        return json_integer((json_int_t) * (const int64_t *)at);
    case MICA_YAML_NUMBER:
        return json_real(*(const double *)at);
    case MICA_YAML_BOOL:
        return json_boolean(*(const bool *)at);
    case MICA_YAML_SWITCH:
        *absent = *(const int *)at < 0;
        return *absent ? NULL : json_boolean(*(const int *)at);
    case MICA_YAML_ENUM:
        *absent = *(const int *)at < 0;
        return *absent ? NULL : json_string(key->choices[*(const int *)at]);
    case MICA_YAML_LIST:
        list = *(const char *const *const *)at;
        *absent = !list || !*list;
        return *absent ? NULL : texts(list);
    case MICA_YAML_GROUP:
        return mica_yaml_json(key->schema, at);
    case MICA_YAML_ITEMS:
        *absent = rows->n == 0;
        return *absent ? NULL : items(key->schema, rows);
    }
    return NULL;
}

json_t *mica_yaml_json(const struct mica_yaml_schema *schema, const void *data)
{
    json_t *object = json_object();
    for (int i = 0; object && i < schema->n_keys; i++) {
        const struct mica_yaml_key *key = &schema->keys[i];
        bool absent = false;
        json_t *v = value(key, (const char *)data + key->offset, &absent);
        if (!absent && json_object_set_new(object, key->name, v) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *property(const struct mica_yaml_key *key)
{
    static const char *const types[] = {
        [MICA_YAML_TEXT] = "string",  [MICA_YAML_INT] = "integer",    [MICA_YAML_NUMBER] = "number",
        [MICA_YAML_BOOL] = "boolean", [MICA_YAML_SWITCH] = "boolean", [MICA_YAML_ENUM] = "string",
        [MICA_YAML_LIST] = "array",   [MICA_YAML_GROUP] = "object",   [MICA_YAML_ITEMS] = "array",
    };
    json_t *p = key->type == MICA_YAML_GROUP ? mica_yaml_json_schema(key->schema)
                                             : json_pack("{s:s}", "type", types[key->type]);
    int failed = !p;
    if (p && key->type == MICA_YAML_GROUP)
        json_object_del(p, "$schema");
    if (p && key->help)
        failed |= json_object_set_new(p, "description", json_string(key->help));
    if (p && key->type == MICA_YAML_ENUM)
        failed |= json_object_set_new(p, "enum", texts(key->choices));
    if (p && key->type == MICA_YAML_LIST)
        failed |= json_object_set_new(p, "items", json_pack("{s:s}", "type", "string"));
    if (p && key->type == MICA_YAML_ITEMS) {
        json_t *item = mica_yaml_json_schema(key->schema);
        if (item)
            json_object_del(item, "$schema");
        failed |= json_object_set_new(p, "items", item);
    }
    if (failed) {
        json_decref(p);
        return NULL;
    }
    return p;
}

json_t *mica_yaml_json_schema(const struct mica_yaml_schema *schema)
{
    json_t *properties = json_object(), *required = json_array();
    int failed = !properties || !required;
    for (int i = 0; i < schema->n_keys && !failed; i++) {
        failed = json_object_set_new(properties, schema->keys[i].name, property(&schema->keys[i]));
        if (!failed && schema->keys[i].required)
            failed = json_array_append_new(required, json_string(schema->keys[i].name));
    }
    json_t *all = failed ? NULL
                         : json_pack("{s:s, s:s, s:s, s:b, s:O, s:O}", "$schema",
                                     "https://json-schema.org/draft/2020-12/schema", "title", schema->title,
                                     "type", "object", "additionalProperties", schema->open, "properties",
                                     properties, "required", required);
    json_decref(properties);
    json_decref(required);
    return all;
}
