/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/registered.h"
#include "cli/terminal.h"
#include "govern/closure.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>

enum mica_status mica_cli_open_register(struct mica_store **store, struct mica_register **reg,
                                        struct mica_err *err)
{
    *store = NULL;
    *reg = NULL;
    enum mica_status status = mica_store_open(NULL, store, err);
    return status == MICA_OK ? mica_register_open(mica_store_home(*store), reg, err) : status;
}

enum mica_status mica_cli_closure(struct mica_register *reg, enum mica_component_kind kind, const char *text,
                                  struct mica_components **out, struct mica_err *err)
{
    struct mica_name name;
    char printed[MICA_NAME_TEXT];
    struct mica_components *found = NULL;
    enum mica_status status = mica_register_find(reg, kind, text, &found, err);
    if (status == MICA_ENOTFOUND && kind == MICA_COMPONENT_MODEL) {
        status = mica_name_parse(text, &name, err);
        if (status == MICA_OK) {
            mica_name_print(&name, printed);
            status = mica_register_find(reg, kind, printed, &found, err);
        }
    }
    if (status == MICA_OK)
        status = mica_register_closure(reg, found->rows[found->n - 1].id, out, err);
    mica_components_free(found);
    return status;
}

enum mica_status mica_cli_registered(const char *text, struct mica_registered *out, struct mica_err *err)
{
    enum mica_status status = mica_cli_open_register(&out->store, &out->reg, err);
    if (status == MICA_OK)
        status = mica_cli_closure(out->reg, MICA_COMPONENT_MODEL, text, &out->closure, err);
    if (status == MICA_OK)
        snprintf(out->name, sizeof out->name, "%s", out->closure->rows[0].name);
    return status;
}

enum mica_status mica_cli_registered_model(const char *text, struct mica_registered *out,
                                           struct mica_err *err)
{
    struct mica_name name;
    enum mica_status status = mica_cli_open_register(&out->store, &out->reg, err);
    if (status == MICA_OK)
        status = mica_cli_manifest(out->store, text, &name, &out->manifest, err);
    if (status == MICA_OK)
        status = mica_cli_closure(out->reg, MICA_COMPONENT_MODEL, text, &out->closure, err);
    if (status == MICA_OK)
        mica_name_print(&name, out->name);
    return status;
}

void mica_cli_registered_release(struct mica_registered *registered)
{
    mica_components_free(registered->closure);
    mica_manifest_free(registered->manifest);
    mica_register_close(registered->reg);
    mica_store_close(registered->store);
    *registered = (struct mica_registered){0};
}

char *mica_cli_registered_text(struct mica_store *store, const char *digest, size_t max)
{
    struct mica_digest blob;
    struct mica_mapping *map;
    char *text = NULL;
    if (!mica_digest_parse(digest, &blob) || mica_store_blob_open(store, &blob, &map, NULL) != MICA_OK)
        return NULL;
    if (mica_mapping_size(map) <= max)
        text = mica_strndup((const char *)mica_mapping_data(map), mica_mapping_size(map));
    mica_mapping_free(map);
    return text;
}

struct json_t *mica_cli_component_json(const struct mica_component *row)
{
    json_t *out = json_object();
    if (json_object_set_new(out, "kind", json_string(mica_component_kind_text(row->kind))) != 0) {
        json_decref(out);
        return NULL;
    }
#define X(field)                                                                                             \
    if (*row->field && strcmp(#field, "card") != 0)                                                          \
        json_object_set_new(out, #field, json_string(row->field));
    MICA_COMPONENT_TEXTS(X)
#undef X
    if (row->size)
        json_object_set_new(out, "size", json_integer(row->size));
    json_t *card = json_loads(row->card, 0, NULL);
    if (card)
        json_object_set_new(out, "card", card);
    return out;
}

const char *mica_cli_licence(const struct mica_component *row, bool *is_declared)
{
    *is_declared = !*row->concluded;
    return *row->concluded ? row->concluded : mica_component_declared(row);
}

/* Why Mica cannot run a stored model; the status is MICA_OK when it can. */
static struct mica_err look_whether_it_runs(const char *name)
{
    struct mica_err why = {0};
    struct mica_files *files;
    struct mica_model_info info;
    if (mica_cli_files(name, &files, &why) != MICA_OK)
        return why;
    if (mica_model_inspect(files, &info, &why) == MICA_OK)
        why = (struct mica_err){0};
    mica_files_free(files);
    return why;
}

void mica_cli_print_terms(const struct mica_component *row, const char *indent)
{
    bool is_declared;
    const char *licence = mica_cli_licence(row, &is_declared);
    if (*row->drift) {
        printf("%slicence  contradictory: %s\n%snext     mica drift %s\n", indent, row->drift, indent,
               row->name);
    } else if (*licence) {
        printf("%slicence  %s%s\n", indent, licence, is_declared ? " (declared; no text confirms it)" : "");
        bool is_unknown = strstr(licence, "LicenseRef-unidentified") != NULL; /* then it will not run */
        struct mica_err why = look_whether_it_runs(row->name);
        if (why.status != MICA_OK) {
            printf("%snote     cannot run here: ", indent);
            mica_terminal_line("%s", why.text);
            printf("%snext     mica rights %s\n", indent, row->name);
            return;
        }
        printf("%snext     mica rights %s; mica %s %s%s\n", indent, row->name, is_unknown ? "show" : "run",
               row->name, is_unknown ? " --licence" : "");
    } else {
        printf("%slicence  not stated: it will not run\n", indent);
        printf("%snext     state it, once you know it: mica register %s --licence FILE|ID\n", indent,
               row->name);
    }
}

static void count_line(void *user, const char *time, const char *name, const char *event, const char *what)
{
    ++*(int64_t *)user;
}

struct since {
    int64_t skip;
};

static void print_line(void *user, const char *time, const char *name, const char *event, const char *what)
{
    struct since *since = user;
    /* Parts follow their model: only a part that is another than before is news. */
    bool is_news = *what != '(' || (strstr(what, "digest: ") && !strstr(what, ") new; "));
    if (since->skip-- <= 0 && is_news) {
        /* The card is one piece of JSON, before and after: mica history has it. */
        const char *card = strstr(what, "card: {");
        printf("  %s: %.*s%s\n", name, card ? (int)(card - what) : (int)strlen(what), what,
               card ? "card: changed" : "");
    }
}

int64_t mica_cli_history_begin(struct mica_register *reg)
{
    int64_t n = 0;
    mica_register_history(reg, NULL, count_line, &n, NULL);
    return n;
}

void mica_cli_history_end(struct mica_register *reg, int64_t n_before)
{
    struct since since = {n_before};
    mica_register_history(reg, NULL, print_line, &since, NULL);
}
