/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml.h"
#include "cli/openness.h"
#include "cli/registered.h"
#include "govern/identify.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>

struct args {
    const char *components;
    bool json;
};

/* What is asked about, with what its texts live in. */
struct subject {
    struct mica_release release;
    struct mica_registered of;
    struct mica_arena arena;
};

/* The concluded licence, else the one that a stated tag stands for, else the tag; NULL: nothing is stated. */
static const char *stated(struct subject *s, const struct mica_component *row)
{
    char id[128];
    const char *tag = *row->declared_key ? row->declared_key : row->declared_card;
    if (*row->concluded)
        return row->concluded;
    if (!*tag || !mica_licence_canonical(tag, id))
        return *tag ? tag : NULL;
    return mica_arena_strndup(&s->arena, id, strlen(id));
}

static void set(struct mica_release *release, enum mica_mof_component component, const char *licence)
{
    release->components[component].present = true;
    release->components[component].licence = licence;
}

/* What the register shows: the parameters, the card that came with them, and the data that it names. */
static void from_register(struct subject *s)
{
    const struct mica_components *closure = s->of.closure;
    set(&s->release, MICA_MOF_PARAMETERS, stated(s, &closure->rows[0]));
    if (*closure->rows[0].card_digest)
        set(&s->release, MICA_MOF_MODEL_CARD, stated(s, &closure->rows[0]));
    for (int64_t i = 1; i < closure->n; i++)
        if (closure->relations[i] == MICA_RELATION_TRAINED_ON && closure->rows[i].digest[0])
            set(&s->release, MICA_MOF_DATASETS, stated(s, &closure->rows[i]));
}

static enum mica_status read_text(struct subject *s, const char *text, size_t len, const char *name,
                                  struct mica_err *err)
{
    return mica_release_read(text, len, name, &s->arena, &s->release, err);
}

static enum mica_status read_file(struct subject *s, const char *path, struct mica_err *err)
{
    struct mica_buf text = {0};
    enum mica_status status = mica_fs_read(path, MICA_YAML_BYTES, &text, err);
    if (status == MICA_OK)
        status = read_text(s, text.data, text.len, path, err);
    mica_buf_release(&text);
    return status;
}

/* A file mof.yml that came with the model completes what the register shows. */
static enum mica_status read_layers(struct subject *s, struct mica_store *store, struct mica_err *err)
{
    struct mica_name name;
    struct mica_manifest *manifest = NULL;
    enum mica_status status = mica_cli_manifest(store, s->of.name, &name, &manifest, err);
    for (int64_t i = 0; status == MICA_OK && i < manifest->n_layers; i++) {
        const struct mica_layer *layer = &manifest->layers[i];
        struct mica_buf text = {0};
        if (strcmp(layer->title, "mof.yml") != 0)
            continue;
        status = mica_store_layer_text(store, layer, &text, err);
        if (status == MICA_OK)
            status = read_text(s, text.data, text.len, "mof.yml", err);
        mica_buf_release(&text);
    }
    mica_manifest_free(manifest);
    return status;
}

static enum mica_status read_model(struct subject *s, const char *text, struct mica_err *err)
{
    enum mica_status status = mica_cli_registered(text, &s->of, err);
    if (status != MICA_OK)
        return status;
    s->release.name = s->of.name;
    from_register(s);
    return read_layers(s, s->of.store, err);
}

enum mica_status mica_cli_openness(const char *name, enum mica_openness *out, struct mica_err *err)
{
    struct subject s = {.release = {.gated = -1}};
    struct mica_openness_result result;
    enum mica_status status = read_model(&s, name, err);
    if (status == MICA_OK)
        status = mica_openness_decide(&s.release, &result, err);
    if (status == MICA_OK)
        *out = result.openness;
    mica_cli_registered_release(&s.of);
    mica_arena_release(&s.arena);
    return status;
}

static bool is_yaml(const char *text)
{
    const char *dot = strrchr(text, '.');
    return dot && (strcmp(dot, ".yml") == 0 || strcmp(dot, ".yaml") == 0);
}

static void print_lines(const char *head, const char *const *texts)
{
    if (*texts)
        printf("%s\n", head);
    for (; *texts; texts++)
        printf("  %s\n", *texts);
}

static void print_text(const struct mica_release *release, const struct mica_openness_result *r)
{
    printf("%s: %s; Model Openness Framework: %s (class III %.0f %%, II %.0f %%, I %.0f %%)\n",
           release->name ? release->name : "the release", mica_openness_text(r->openness),
           mica_mof_class_text(r->mof_class), r->progress[3], r->progress[2], r->progress[1]);
    for (int i = 0; i < MICA_MOF_COMPONENTS; i++) {
        const char *licence = release->components[i].licence;
        if (!release->components[i].present)
            printf("  %-32s -\n", mica_mof_rows[i].name);
        else
            printf("  %-32s %-9s %s\n", mica_mof_rows[i].name, r->is_open[i] ? "open" : "not open",
                   licence ? licence : "no licence stated");
    }
    print_lines(r->mof_class ? "missing for the next class" : "missing for class III", r->missing);
    print_lines(r->openness == MICA_OPENNESS_WEIGHTS ? "missing for open source AI"
                                                     : "missing for open weights",
                r->lacks);
    if (release->gated < 0)
        printf("whether a gate stands before it is not stated; none is assumed\n");
    if (r->claims_more)
        printf("claimed: '%s', which is more than was found\n", release->claimed);
}

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    struct subject s = {.release = {.gated = -1}};
    struct mica_openness_result result;
    struct mica_err err;
    int code = 0;
    enum mica_status status =
        is_yaml(operands[0]) ? read_file(&s, operands[0], &err) : read_model(&s, operands[0], &err);
    if (status == MICA_OK && args->components)
        status = read_file(&s, args->components, &err);
    if (status == MICA_OK)
        status = mica_openness_decide(&s.release, &result, &err);
    if (status != MICA_OK) {
        code = mica_cli_fail(status, &err);
    } else {
        if (args->json)
            code = mica_cli_print_json(mica_openness_json(&s.release, &result));
        else
            print_text(&s.release, &result);
    }
    mica_cli_registered_release(&s.of);
    mica_arena_release(&s.arena);
    return code;
}

static const struct mica_option options[] = {
    {"components", 0, MICA_OPT_TEXT, offsetof(struct args, components), "FILE",
     "a mof.yml that states what the store does not show"},
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object"},
};
const struct mica_command mica_command_openness = {
    options, MICA_COUNT(options), 1, 1, sizeof(struct args), NULL, run};
