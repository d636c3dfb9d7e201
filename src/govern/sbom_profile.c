/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What a bill of materials of a model must state beyond its schema. The schema of CycloneDX asks for little,
 * and the official SHACL of SPDX 3.0.1 passes documents that miss what its own text requires. */
#include "govern/sbom_internal.h"

#include <stdio.h>
#include <string.h>

/* Required of every thing of a type: a path of keys ("#distribution": some entry of this type). */
struct rule {
    const char *type, *path;
    bool subject_only; /* asked only of what the document is about: little is known of a base model */
};
static const struct rule cyclonedx_rules[] = {
    {"machine-learning-model", "bom-ref", false},
    {"machine-learning-model", "version", false},
    {"machine-learning-model", "supplier/name", true},
    {"machine-learning-model", "hashes/content", true},
    {"machine-learning-model", "licenses", false},
    {"machine-learning-model", "externalReferences/#distribution", true},
    {"machine-learning-model", "modelCard/modelParameters/approach/type", true},
    {"machine-learning-model", "modelCard/modelParameters/task", true},
    {"machine-learning-model", "modelCard/modelParameters/architectureFamily", true},
    {"machine-learning-model", "modelCard/modelParameters/modelArchitecture", true},
    {"machine-learning-model", "modelCard/modelParameters/inputs/format", true},
    {"machine-learning-model", "modelCard/modelParameters/outputs/format", true},
    {"machine-learning-model", "modelCard/considerations/useCases", true},
    {"machine-learning-model", "modelCard/considerations/technicalLimitations", true},
    {"machine-learning-model", "modelCard/considerations/ethicalConsiderations/name", true},
    {"data", "bom-ref", false},
    {"data", "licenses", false},
    {"data", "data/type", false},
    {"data", "data/classification", false},
    {"data", "data/sensitiveData", false},
    {"data", "data/governance/owners/organization/name", false},
    {"application", "version", false},
    {"application", "licenses", false},
    {"library", "version", false},
    {"library", "licenses", false},
};
static const struct rule spdx_rules[] = {
    {"ai_AIPackage", "creationInfo", false},
    {"ai_AIPackage", "name", false},
    {"ai_AIPackage", "suppliedBy", false},
    {"ai_AIPackage", "releaseTime", false},
    {"ai_AIPackage", "software_downloadLocation", false},
    {"ai_AIPackage", "software_packageVersion", false},
    {"ai_AIPackage", "software_primaryPurpose", false},
    {"ai_AIPackage", "verifiedUsing/hashValue", true},
    {"dataset_DatasetPackage", "creationInfo", false},
    {"dataset_DatasetPackage", "name", false},
    {"dataset_DatasetPackage", "originatedBy", false},
    {"dataset_DatasetPackage", "builtTime", false},
    {"dataset_DatasetPackage", "releaseTime", false},
    {"dataset_DatasetPackage", "software_downloadLocation", false},
    {"dataset_DatasetPackage", "software_primaryPurpose", false},
    {"dataset_DatasetPackage", "dataset_datasetType", false},
    {"software_Package", "name", false},
    {"software_Package", "software_packageVersion", false},
};

bool mica_sbom_gap(struct mica_sbom *sbom, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    char *copy = mica_arena_strndup(&sbom->arena, text, strlen(text));
    if (!copy || !mica_grow(&sbom->gaps, sbom->n_gaps, &sbom->gaps_capacity, sizeof *sbom->gaps))
        return false;
    sbom->gaps[sbom->n_gaps++] = copy;
    return true;
}

static bool is_stated(const json_t *value)
{
    if (json_is_array(value))
        return json_array_size(value) > 0 && is_stated(json_array_get(value, 0));
    if (json_is_string(value))
        return *json_string_value(value) && strcmp(json_string_value(value), "not stated") != 0;
    return json_is_object(value) ? json_object_size(value) > 0 : value && !json_is_null(value);
}

static const json_t *of_type(const json_t *list, const char *type)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_object_get(json_array_get(list, i), "type"));
        if (text && strcmp(text, type) == 0)
            return json_array_get(list, i);
    }
    return NULL;
}

static const json_t *walk(const json_t *value, const char *path)
{
    while (value && *path) {
        char key[64];
        size_t len = strcspn(path, "/");
        snprintf(key, sizeof key, "%.*s", (int)len, path);
        path += path[len] ? len + 1 : len;
        if (key[0] == '#') {
            value = of_type(value, key + 1);
            continue;
        }
        if (json_is_array(value))
            value = json_array_get(value, 0);
        value = json_object_get(value, key);
    }
    return value;
}

static const char *text_of(const json_t *object, const char *key, const char *missing)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : missing;
}

static bool check_rules(struct mica_sbom *sbom, const json_t *thing, const struct rule *rules, size_t n,
                        bool is_subject)
{
    const char *type = text_of(thing, "type", "");
    for (size_t i = 0; i < n; i++)
        if (strcmp(rules[i].type, type) == 0 && (is_subject || !rules[i].subject_only) &&
            !is_stated(walk(thing, rules[i].path)) &&
            !mica_sbom_gap(sbom, "%.64s %.256s: %s is not stated", type,
                           text_of(thing, "name", "without a name"), rules[i].path))
            return false;
    return true;
}

static bool has_dependency(const json_t *dependencies, const char *ref)
{
    for (size_t i = 0; i < json_array_size(dependencies); i++)
        if (strcmp(text_of(json_array_get(dependencies, i), "ref", ""), ref) == 0)
            return true;
    return false;
}

static bool check_cyclonedx(struct mica_sbom *sbom, const json_t *document)
{
    static const char *const top[] = {"serialNumber", "metadata/timestamp", "metadata/component/name"};
    const json_t *components = json_object_get(document, "components"),
                 *dependencies = json_object_get(document, "dependencies");
    bool seen = false;
    for (size_t i = 0; i < MICA_COUNT(top); i++)
        if (!is_stated(walk(document, top[i])) && !mica_sbom_gap(sbom, "document: %s is not stated", top[i]))
            return false;
    for (size_t i = 0; i < json_array_size(components); i++) {
        const json_t *thing = json_array_get(components, i);
        const char *ref = text_of(thing, "bom-ref", "");
        bool is_model = strcmp(text_of(thing, "type", ""), "machine-learning-model") == 0;
        if (!check_rules(sbom, thing, cyclonedx_rules, MICA_COUNT(cyclonedx_rules), is_model && !seen))
            return false;
        seen |= is_model;
        if (*ref && is_model && !has_dependency(dependencies, ref) &&
            !mica_sbom_gap(sbom, "machine-learning-model %.256s: is not among the dependencies",
                           text_of(thing, "name", "without a name")))
            return false;
    }
    return true;
}

/* How many relations of a type go out from id, and whether one does not say to what. */
static int64_t relations(const json_t *graph, const char *id, const char *type)
{
    int64_t n = 0;
    for (size_t i = 0; i < json_array_size(graph); i++) {
        const json_t *r = json_array_get(graph, i), *to = json_object_get(r, "to");
        if (strcmp(text_of(r, "relationshipType", ""), type) == 0 && strcmp(text_of(r, "from", ""), id) == 0)
            n += json_is_array(to) ? (int64_t)json_array_size(to) : to ? 1 : 0;
    }
    return n;
}

static bool check_spdx(struct mica_sbom *sbom, const json_t *document)
{
    static const char *const wanted[] = {"hasDeclaredLicense", "hasConcludedLicense"};
    enum { PACKAGES_MAX = 500 }; /* relations are looked up by walking the graph */
    const json_t *graph = json_object_get(document, "@graph");
    int64_t n_packages = 0;
    bool seen = false;
    for (size_t i = 0; i < json_array_size(graph); i++) {
        const json_t *thing = json_array_get(graph, i);
        const char *type = text_of(thing, "type", ""), *id = text_of(thing, "spdxId", "");
        bool is_model = strcmp(type, "ai_AIPackage") == 0;
        if (!is_model && strcmp(type, "dataset_DatasetPackage") != 0 && strcmp(type, "software_Package") != 0)
            continue;
        if (!check_rules(sbom, thing, spdx_rules, MICA_COUNT(spdx_rules), is_model && !seen))
            return false;
        seen |= is_model;
        if (++n_packages > PACKAGES_MAX)
            continue;
        for (size_t k = 0; k < MICA_COUNT(wanted); k++) {
            int64_t n = relations(graph, id, wanted[k]);
            if (n != 1 && !mica_sbom_gap(sbom, "%.64s %.256s: %lld relations %s, not one", type,
                                         text_of(thing, "name", "without a name"), (long long)n, wanted[k]))
                return false;
        }
    }
    return n_packages <= PACKAGES_MAX ||
           mica_sbom_gap(sbom, "document: only the licences of the first %d packages were looked at",
                         PACKAGES_MAX);
}

bool mica_sbom_profile(struct mica_sbom *sbom, const json_t *document)
{
    return sbom->format == MICA_SBOM_SPDX ? check_spdx(sbom, document) : check_cyclonedx(sbom, document);
}
