/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Evaluation results in a model card: the part "model-index" of its front matter
 * (https://huggingface.co/docs/hub/model-cards#evaluation-results). */
#include "base/yaml.h"
#include "govern/card.h"

#include <jansson.h>

#include <stdio.h>

struct named {
    const char *name, *type;
};
struct metric {
    const char *type, *name, *value;
};
struct result {
    struct named task, dataset;
    struct mica_yaml_items metrics;
};
struct model {
    struct mica_yaml_items results;
};
struct front {
    struct mica_yaml_items models;
};

static const struct mica_yaml_key named_keys[] = {
    {"name", MICA_YAML_TEXT, offsetof(struct named, name), "name"},
    {"type", MICA_YAML_TEXT, offsetof(struct named, type), "type"},
};
static const struct mica_yaml_schema named_schema = {"name", named_keys, MICA_COUNT(named_keys),
                                                     sizeof(struct named), .open = true};
static const struct mica_yaml_key metric_keys[] = {
    {"type", MICA_YAML_TEXT, offsetof(struct metric, type), "what was measured"},
    {"name", MICA_YAML_TEXT, offsetof(struct metric, name), "what it is called"},
    {"value", MICA_YAML_TEXT, offsetof(struct metric, value), "what came out"},
};
static const struct mica_yaml_schema metric_schema = {"metric", metric_keys, MICA_COUNT(metric_keys),
                                                      sizeof(struct metric), .open = true};
static const struct mica_yaml_key result_keys[] = {
    {"task", MICA_YAML_GROUP, offsetof(struct result, task), "task", .schema = &named_schema},
    {"dataset", MICA_YAML_GROUP, offsetof(struct result, dataset), "on what", .schema = &named_schema},
    {"metrics", MICA_YAML_ITEMS, offsetof(struct result, metrics), "results", .schema = &metric_schema},
};
static const struct mica_yaml_schema result_schema = {"result", result_keys, MICA_COUNT(result_keys),
                                                      sizeof(struct result), .open = true};
static const struct mica_yaml_key model_keys[] = {
    {"results", MICA_YAML_ITEMS, offsetof(struct model, results), "results", .schema = &result_schema},
};
static const struct mica_yaml_schema model_schema = {"model", model_keys, MICA_COUNT(model_keys),
                                                     sizeof(struct model), .open = true};
static const struct mica_yaml_key front_keys[] = {
    {"model-index", MICA_YAML_ITEMS, offsetof(struct front, models), "models", .schema = &model_schema},
};
static const struct mica_yaml_schema front_schema = {"model card", front_keys, MICA_COUNT(front_keys),
                                                     sizeof(struct front), .open = true};

static bool add_metrics(json_t *list, const struct result *result)
{
    const char *slice = result->dataset.name   ? result->dataset.name
                        : result->dataset.type ? result->dataset.type
                                               : result->task.name;
    const struct metric *metrics = result->metrics.rows;
    for (int64_t i = 0; i < result->metrics.n; i++) {
        const char *type = metrics[i].type ? metrics[i].type : metrics[i].name;
        if (!type || !metrics[i].value)
            continue;
        json_t *row = json_pack("{s:s, s:s, s:s*}", "type", type, "value", metrics[i].value, "slice", slice);
        if (json_array_append_new(list, row) != 0)
            return false;
    }
    return true;
}

enum mica_status mica_card_results(const char *text, size_t len, const char *name, struct json_t **out,
                                   struct mica_err *err)
{
    const char *part;
    size_t part_len;
    struct mica_arena arena = {0};
    struct front front = {0};
    json_t *list = json_array();
    bool ok = list != NULL;
    enum mica_status status = MICA_OK;
    if (ok && mica_yaml_front_matter(text, len, &part, &part_len))
        status = mica_yaml_read(&front_schema, part, part_len, name, &arena, &front, err);
    for (int64_t m = 0; status == MICA_OK && ok && m < front.models.n; m++) {
        const struct model *model = (const struct model *)front.models.rows + m;
        for (int64_t r = 0; ok && r < model->results.n; r++)
            ok = add_metrics(list, (const struct result *)model->results.rows + r);
    }
    mica_arena_release(&arena);
    if (status == MICA_OK && !ok)
        status = mica_fail(err, MICA_ENOMEM, "%s: out of memory", name);
    if (status != MICA_OK)
        json_decref(list);
    else
        *out = list;
    return status;
}
