/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/models.h"
#include "cli/plan_check.h"
#include "cli/progress.h"
#include "cli/registered.h"
#include "cli/rights_facts.h"
#include "govern/record.h"
#include "store/source.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>

struct args {
    const char *as, *use;
    struct mica_model_args model;
    bool link, plain_http, any_size, quiet, json;
};

/* What the callbacks of a pull need. */
struct pulling {
    struct mica_progress progress;
    struct mica_plan_check check;
};

static bool on_progress(void *user, const char *what, uint64_t done, uint64_t total)
{
    struct pulling *p = user;
    return mica_progress_show(&p->progress, what, done, total);
}

static enum mica_status on_plan(void *user, const struct mica_plan *plan, struct mica_err *err)
{
    struct pulling *p = user;
    mica_progress_end(&p->progress);
    return mica_cli_plan_check(&p->check, plan, err);
}

/* ---- afterwards ---- */

/* Enters the model into the register and gives what that says of it now. */
static enum mica_status record(struct mica_store *store, const struct mica_pulled *pulled,
                               struct mica_components **found, struct mica_err *err)
{
    const struct mica_plan *plan = &pulled->plan;
    const struct mica_origin origin = {.source = plan->source,
                                       .revision = plan->revision,
                                       .location = plan->location,
                                       .declared = plan->declared,
                                       .bases = plan->origin,
                                       .datasets = plan->datasets,
                                       .event = "pull"};
    struct mica_register *reg = NULL;
    char name[MICA_NAME_TEXT];
    mica_name_print(&pulled->name, name);
    enum mica_status status = mica_register_open(mica_store_home(store), &reg, err);
    if (status == MICA_OK)
        status = mica_record_model(store, reg, &pulled->name, pulled->manifest, &origin, NULL, err);
    if (status == MICA_OK)
        status = mica_register_find(reg, MICA_COMPONENT_MODEL, name, found, err);
    mica_register_close(reg);
    return status;
}

static int print(const struct args *args, const struct mica_pulled *pulled, const struct mica_component *row)
{
    char name[MICA_NAME_TEXT], hex[MICA_DIGEST_HEX], size[MICA_SHORT_TEXT];
    const char *declared = pulled->plan.declared;
    mica_name_print(&pulled->name, name);
    mica_digest_hex(&pulled->manifest->digest, hex);
    mica_cli_size_text(mica_manifest_size(pulled->manifest), size);
    if (args->json)
        return mica_cli_print_json(
            json_pack("{s:s, s:s, s:I, s:I, s:s, s:s, s:s?, s:s?, s:s}", "name", name, "digest", hex, "size",
                      (json_int_t)mica_manifest_size(pulled->manifest), "layers",
                      (json_int_t)pulled->manifest->n_layers, "source", pulled->plan.source, "revision",
                      pulled->plan.revision ? pulled->plan.revision : "", "location", pulled->plan.location,
                      "declared_licence", declared, "licence", row->concluded));
    printf("name     %s\ndigest   sha256:%s\nsize     %s\n", name, hex, size);
    mica_cli_print_terms(row, "");
    return 0;
}

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    struct pulling pulling = {.check = {.plain_http = args->plain_http,
                                        .any_size = args->any_size,
                                        .quiet = args->quiet,
                                        .use = args->use}};
    struct mica_pull_options options = {.as = args->as,
                                        .plain_http = args->plain_http,
                                        .link = args->link,
                                        .check = on_plan,
                                        .progress = on_progress,
                                        .user = &pulling};
    struct mica_store *store = NULL;
    struct mica_pulled pulled;
    struct mica_err err;
    mica_progress_begin(&pulling.progress, args->quiet);
    enum mica_status status = mica_cli_session_options(&args->model, &pulling.check.session, &err);
    if (status == MICA_OK)
        status = mica_store_open(NULL, &store, &err);
    pulling.check.store = store;
    if (status == MICA_OK)
        status = mica_pull(store, (const char *const *)operands, n_operands, &options, &pulled, &err);
    mica_progress_end(&pulling.progress);
    if (status == MICA_ECANCELLED)
        mica_fail(&err, status, "interrupted; what came is kept, and the same command goes on from there");
    if (status != MICA_OK) {
        mica_store_close(store);
        return mica_cli_fail(status, &err);
    }
    struct mica_components *found = NULL;
    status = record(store, &pulled, &found, &err);
    int code = status == MICA_OK ? print(args, &pulled, &found->rows[0]) : mica_cli_fail(status, &err);
    mica_components_free(found);
    mica_pulled_release(&pulled);
    mica_store_close(store);
    return code;
}

static const struct mica_option options[] = {
    {"as", 0, MICA_OPT_TEXT, offsetof(struct args, as), "NAME", "the name to store it under"},
    {"use", 0, MICA_OPT_TEXT, offsetof(struct args, use), "USE",
     "private, research, internal or commercial: refuse terms that do not allow it; default: mica.yaml's"},
    {"link", 0, MICA_OPT_FLAG, offsetof(struct args, link), NULL,
     "file: register the file where it lies instead of copying it"},
    {"any-size", 0, MICA_OPT_FLAG, offsetof(struct args, any_size), NULL,
     "fetch it even when it will not fit in this machine's memory"},
    {"ctx", 'c', MICA_OPT_INT, offsetof(struct args, model.ctx), "N", "the context that shall fit in memory"},
    {"plain-http", 0, MICA_OPT_FLAG, offsetof(struct args, plain_http), NULL,
     "allow http without encryption to other machines"},
    {"quiet", 'q', MICA_OPT_FLAG, offsetof(struct args, quiet), NULL, "no progress"},
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object"},
};
const struct mica_command mica_command_pull = {options, MICA_COUNT(options), 1, 64, sizeof(struct args), NULL,
                                               run};
