/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* mica drift: have terms changed since they were registered? */
#include "cli/registered.h"
#include "govern/drift.h"
#include "govern/record.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>

struct args {
    bool offline, accept, plain_http, json;
};

enum { EXIT_DRIFTED = 10 };

/* One run over many components. */
struct run {
    const struct args *args;
    struct mica_store *store;
    struct mica_register *reg;
    json_t *list; /* with --json */
    int64_t n, n_drifted;
};

static bool is_drifted(const struct mica_component *c, const struct mica_drift *drift)
{
    return drift->changed || (*c->drift && !drift->reverted);
}

static void print_drift(const struct mica_component *c, const struct mica_drift *drift)
{
    printf("%s %s%s%s\n", mica_component_kind_text(c->kind), c->name, *c->source ? "  from " : "", c->source);
    for (int64_t i = 0; i < drift->n; i++) {
        const struct mica_drift_row *row = &drift->rows[i];
        printf("  %-9s %s%s%s%s%s\n", mica_drift_kind_text(row->kind), row->what, *row->before ? ": " : "",
               row->before, *row->after ? (*row->before ? " -> " : ": ") : "", row->after);
        for (const char *at = row->diff; *at;) {
            int len = (int)strcspn(at, "\n");
            printf("            %.*s\n", len, at);
            at += len + (at[len] == '\n');
        }
    }
    bool pending = *c->drift && !drift->reverted;
    if (drift->reverted)
        printf("  same      again, what had changed earlier: %s\n", c->drift);
    if (pending && !drift->changed)
        printf("  changed   earlier, and not accepted yet: %s\n", c->drift);
    if ((pending || drift->changed) && c->kind == MICA_COMPONENT_MODEL)
        printf("  next      mica drift --accept %s, or mica rm %s\n", c->name, c->name);
    else if (pending || drift->changed)
        printf("  next      mica drift --accept %s\n", c->name);
}

static json_t *drift_json(const struct mica_component *c, const struct mica_drift *drift)
{
    json_t *rows = json_array();
    for (int64_t i = 0; i < drift->n; i++) {
        const struct mica_drift_row *row = &drift->rows[i];
        json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s, s:s}", "kind",
                                              mica_drift_kind_text(row->kind), "what", row->what, "before",
                                              row->before, "after", row->after, "diff", row->diff));
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:s, s:o, s:O?}", "kind",
                     mica_component_kind_text(c->kind), "name", c->name, "version", c->version, "source",
                     c->source, "revision", c->revision, "drifted", is_drifted(c, drift), "reverted",
                     drift->reverted, "drift",
                     drift->changed    ? drift->summary
                     : drift->reverted ? ""
                                       : c->drift,
                     "compared", rows, "seen", drift->seen);
}

static enum mica_status look(struct run *run, const struct mica_component *c, struct mica_err *err)
{
    const struct mica_drift_options options = {run->args->offline, run->args->plain_http};
    struct mica_drift *drift = NULL;
    enum mica_status status = mica_drift_look(run->store, c, &options, &drift, err);
    if (status != MICA_OK)
        return status;
    run->n++;
    run->n_drifted += is_drifted(c, drift);
    if (run->list)
        json_array_append_new(run->list, drift_json(c, drift));
    else
        print_drift(c, drift);
    status = mica_drift_record(run->reg, c, drift, err);
    mica_drift_free(drift);
    return status;
}

static const struct mica_component *find_version(const struct mica_components *rows, const char *version)
{
    for (int64_t i = 0; i < rows->n; i++)
        if (strcmp(rows->rows[i].version, version) == 0)
            return &rows->rows[i];
    return &rows->rows[0];
}

/* The stored bytes are recorded anew; then what was seen at the source counts. */
static enum mica_status accept(struct run *run, const struct mica_component *c, struct mica_err *err)
{
    static const struct mica_origin origin = {.event = "accept"};
    struct mica_name name;
    struct mica_manifest *manifest = NULL;
    struct mica_components *found = NULL;
    run->n++;
    if (!*c->drift) {
        if (run->list)
            json_array_append_new(run->list,
                                  json_pack("{s:s, s:s, s:b}", "kind", mica_component_kind_text(c->kind),
                                            "name", c->name, "accepted", false));
        else
            printf("%s: nothing to accept\n", c->name);
        return MICA_OK;
    }
    enum mica_status status = mica_register_begin(run->reg, err);
    if (status != MICA_OK)
        return status;
    if (c->kind == MICA_COMPONENT_MODEL && *c->digest && mica_name_parse(c->name, &name, NULL) == MICA_OK &&
        mica_store_manifest(run->store, &name, &manifest, NULL) == MICA_OK)
        status = mica_record_model(run->store, run->reg, &name, manifest, &origin, NULL, err);
    if (status == MICA_OK)
        status = mica_register_find(run->reg, c->kind, c->name, &found, err);
    const struct mica_component *row = status == MICA_OK ? find_version(found, c->version) : c;
    if (status == MICA_OK)
        status = mica_drift_accept(run->reg, row, c->card, err);
    if (status == MICA_OK)
        status = mica_register_end(run->reg, true, err);
    else
        mica_register_end(run->reg, false, NULL);
    if (status == MICA_OK && run->list)
        json_array_append_new(run->list,
                              json_pack("{s:s, s:s, s:b, s:s}", "kind", mica_component_kind_text(c->kind),
                                        "name", c->name, "accepted", true, "drift", c->drift));
    else if (status == MICA_OK)
        printf("%s: accepted: %s\n", c->name, c->drift);
    mica_components_free(found);
    mica_manifest_free(manifest);
    return status;
}

/* Tokenizers, templates and adapters that came with a model are looked at with it; those with a source of
 * their own, by themselves. */
static bool is_looked_at(const struct mica_components *rows, const struct mica_component *c)
{
    if (c->kind == MICA_COMPONENT_MODEL || c->kind == MICA_COMPONENT_DATASET)
        return true;
    bool has_source = *c->source && c->kind != MICA_COMPONENT_SOFTWARE;
    for (int64_t i = 0; has_source && i < rows->n; i++)
        has_source =
            rows->rows[i].kind != MICA_COMPONENT_MODEL || strcmp(rows->rows[i].source, c->source) != 0;
    return has_source;
}

static enum mica_status each(struct run *run, const struct mica_components *rows, struct mica_err *err)
{
    enum mica_status status = MICA_OK;
    for (int64_t i = 0; status == MICA_OK && i < rows->n; i++)
        if (is_looked_at(rows, &rows->rows[i]))
            status = run->args->accept ? accept(run, &rows->rows[i], err) : look(run, &rows->rows[i], err);
    return status;
}

/* What the user named: a model, or else a component of another kind. */
static enum mica_status find(struct run *run, const char *name, struct mica_components **out,
                             struct mica_err *err)
{
    static const enum mica_component_kind kinds[] = {MICA_COMPONENT_DATASET, MICA_COMPONENT_ADAPTER,
                                                     MICA_COMPONENT_TOKENIZER};
    enum mica_status status = mica_cli_closure(run->reg, MICA_COMPONENT_MODEL, name, out, err);
    bool is_none = status == MICA_ENOTFOUND || status == MICA_EARG; /* EARG: no name of a model */
    for (size_t i = 0; is_none && status != MICA_OK && i < MICA_COUNT(kinds); i++)
        if (mica_cli_closure(run->reg, kinds[i], name, out, NULL) == MICA_OK)
            status = MICA_OK;
    return status;
}

static enum mica_status look_at(struct run *run, char **names, int n_names, struct mica_err *err)
{
    struct mica_components *rows = NULL;
    enum mica_status status = MICA_OK;
    if (!n_names) {
        status = mica_register_all(run->reg, &rows, err);
        if (status == MICA_OK)
            status = each(run, rows, err);
        mica_components_free(rows);
    }
    for (int i = 0; status == MICA_OK && i < n_names; i++) {
        status = find(run, names[i], &rows, err);
        if (status == MICA_OK)
            status = each(run, rows, err);
        mica_components_free(rows);
        rows = NULL;
    }
    return status;
}

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    struct run run = {.args = args, .list = args->json ? json_array() : NULL};
    struct mica_err err;
    if (args->accept && !n_operands)
        return mica_cli_usage("drift --accept: name the models whose new terms you have looked at");
    enum mica_status status = mica_cli_open_register(&run.store, &run.reg, &err);
    if (status == MICA_OK)
        status = look_at(&run, operands, n_operands, &err);
    mica_register_close(run.reg);
    mica_store_close(run.store);
    if (status != MICA_OK) {
        json_decref(run.list);
        return mica_cli_fail(status, &err);
    }
    if (args->json)
        mica_cli_print_json(
            json_pack("{s:o, s:I}", "components", run.list, "drifted", (json_int_t)run.n_drifted));
    else if (!run.n)
        printf("nothing is registered\n");
    return run.n_drifted ? EXIT_DRIFTED : 0;
}

static const struct mica_option options[] = {
    {"offline", 0, MICA_OPT_FLAG, offsetof(struct args, offline), NULL, "compare the stored bytes only"},
    {"accept", 0, MICA_OPT_FLAG, offsetof(struct args, accept), NULL,
     "take what was found as the terms from now on"},
    {"plain-http", 0, MICA_OPT_FLAG, offsetof(struct args, plain_http), NULL, "allow http:// to other hosts"},
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object"},
};
const struct mica_command mica_command_drift = {
    options, MICA_COUNT(options), 0, 64, sizeof(struct args), NULL, run};
