/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* mof.yml, as the Model Openness Tool writes it, with Mica's additions under "openness". */
#include "base/yaml.h"
#include "govern/openness.h"

#include <string.h>

struct licence {
    const char *name, *path;
};
struct component {
    const char *name, *path, *licence;
};
struct file {
    const char *name;
    struct licence distribution, kinds[MICA_MOF_KINDS];
    struct mica_yaml_items components;
    struct mica_release more; /* claimed, gated and the data information */
};

static const struct mica_yaml_key licence_keys[] = {
    {"name", MICA_YAML_TEXT, offsetof(struct licence, name), "SPDX id"},
    {"path", MICA_YAML_TEXT, offsetof(struct licence, path), "where its text is"},
};
static const struct mica_yaml_schema licence_schema = {"licence", licence_keys, MICA_COUNT(licence_keys),
                                                       .open = true};
static const struct mica_yaml_key component_keys[] = {
    {"name", MICA_YAML_TEXT, offsetof(struct component, name), "name of the component in the framework",
     .required = true},
    {"component_path", MICA_YAML_TEXT, offsetof(struct component, path), "where it is"},
    {"license", MICA_YAML_TEXT, offsetof(struct component, licence), "SPDX expression"},
};
static const struct mica_yaml_schema component_schema = {
    "component", component_keys, MICA_COUNT(component_keys), sizeof(struct component), .open = true};
#define KIND(kind) offsetof(struct file, kinds) + (kind) * sizeof(struct licence)
static const struct mica_yaml_key licences_keys[] = {
    {"distribution", MICA_YAML_GROUP, offsetof(struct file, distribution), "of what has no other",
     .schema = &licence_schema},
    {"code", MICA_YAML_GROUP, KIND(MICA_MOF_CODE), "of code", .schema = &licence_schema},
    {"data", MICA_YAML_GROUP, KIND(MICA_MOF_DATA), "of data and parameters", .schema = &licence_schema},
    {"document", MICA_YAML_GROUP, KIND(MICA_MOF_DOCUMENT), "of documents", .schema = &licence_schema},
};
static const struct mica_yaml_schema licences_schema = {"licences", licences_keys, MICA_COUNT(licences_keys),
                                                        .open = true};
static const struct mica_yaml_key release_keys[] = {
    {"name", MICA_YAML_TEXT, offsetof(struct file, name), "name of the model"},
    {"license", MICA_YAML_GROUP, 0, "licences of the release as a whole", .schema = &licences_schema},
    {"components", MICA_YAML_ITEMS, offsetof(struct file, components), "what is released",
     .schema = &component_schema},
};
static const struct mica_yaml_schema release_schema = {"release", release_keys, MICA_COUNT(release_keys),
                                                       .open = true};
#define MORE(field) offsetof(struct file, more.field)
static const struct mica_yaml_key information_keys[] = {
    {"provenance", MICA_YAML_TEXT, MORE(data_provenance), "where the data came from"},
    {"selection", MICA_YAML_TEXT, MORE(data_selection), "how it was selected"},
    {"labelling", MICA_YAML_TEXT, MORE(data_labelling), "how it was labelled"},
    {"filtering", MICA_YAML_TEXT, MORE(data_filtering), "how it was filtered"},
    {"public_data", MICA_YAML_TEXT, MORE(data_public), "list of the public data"},
    {"third_party_data", MICA_YAML_TEXT, MORE(data_obtainable), "list of what third parties give"},
};
static const struct mica_yaml_schema information_schema = {"data information", information_keys,
                                                           MICA_COUNT(information_keys)};
static const struct mica_yaml_key openness_keys[] = {
    {"claimed", MICA_YAML_TEXT, MORE(claimed), "what the release calls itself"},
    {"gated", MICA_YAML_SWITCH, MORE(gated), "one must ask or log in before getting it"},
    {"data_information", MICA_YAML_GROUP, 0, "where each is described", .schema = &information_schema},
};
static const struct mica_yaml_schema openness_schema = {"openness", openness_keys, MICA_COUNT(openness_keys)};
static const struct mica_yaml_key file_keys[] = {
    {"release", MICA_YAML_GROUP, 0, "the release", .required = true, .schema = &release_schema},
    {"openness", MICA_YAML_GROUP, 0, "what the tool's format has no place for", .schema = &openness_schema},
};
static const struct mica_yaml_schema file_schema = {"mof.yml", file_keys, MICA_COUNT(file_keys),
                                                    .open = true};

static int find_component(const char *name)
{
    for (int i = 0; i < MICA_MOF_COMPONENTS; i++)
        if (strcasecmp(mica_mof_rows[i].name, name) == 0)
            return i;
    return -1;
}

static const char *licence_of(const struct file *file, const struct component *component, int i)
{
    if (component->licence)
        return component->licence;
    const char *of_kind = file->kinds[mica_mof_rows[i].kind].name;
    return of_kind ? of_kind : file->distribution.name;
}

static enum mica_status unknown_component(const char *file, const char *name, struct mica_err *err)
{
    const char *names[MICA_MOF_COMPONENTS];
    for (int i = 0; i < MICA_MOF_COMPONENTS; i++)
        names[i] = mica_mof_rows[i].name;
    const char *nearest = mica_nearest(name, names, MICA_MOF_COMPONENTS);
    return mica_fail(err, MICA_EFORMAT, "%s: '%.80s' is no component of the Model Openness Framework%s%s%s",
                     file, name, nearest ? "; did you mean '" : "", nearest ? nearest : "",
                     nearest ? "'?" : "");
}

static void prefer(const char **to, const char *from)
{
    if (from)
        *to = from;
}

enum mica_status mica_release_read(const char *text, size_t len, const char *name, struct mica_arena *arena,
                                   struct mica_release *release, struct mica_err *err)
{
    struct file file = {.more = {.gated = release->gated}};
    struct mica_release r = *release;
    enum mica_status status = mica_yaml_read(&file_schema, text, len, name, arena, &file, err);
    if (status != MICA_OK)
        return status;
    const struct component *components = file.components.rows;
    for (int64_t k = 0; k < file.components.n; k++) {
        int i = find_component(components[k].name);
        if (i < 0)
            return unknown_component(name, components[k].name, err);
        r.components[i].present = true;
        prefer(&r.components[i].licence, licence_of(&file, &components[k], i));
        prefer(&r.components[i].where, components[k].path);
    }
    prefer(&r.name, file.name);
    prefer(&r.claimed, file.more.claimed);
    prefer(&r.data_provenance, file.more.data_provenance);
    prefer(&r.data_selection, file.more.data_selection);
    prefer(&r.data_labelling, file.more.data_labelling);
    prefer(&r.data_filtering, file.more.data_filtering);
    prefer(&r.data_public, file.more.data_public);
    prefer(&r.data_obtainable, file.more.data_obtainable);
    r.gated = file.more.gated;
    *release = r;
    return MICA_OK;
}
