/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* mica assess: the sheet that an open project is judged by. */
#include "cli/cli.h"
#include "cli/registered.h"
#include "govern/assess.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct args {
    const char *format;
    bool json;
};

struct material {
    struct mica_store *store;
    struct mica_register *reg;
    struct mica_components *closure;
    struct mica_manifest *manifest;
    struct mica_model_info info;
    struct mica_assess_model model;
    char *card, first[32], last[32];
};

static void release(struct material *m)
{
    mica_free(m->card);
    mica_components_free(m->closure);
    mica_manifest_free(m->manifest);
    mica_register_close(m->reg);
    mica_store_close(m->store);
}

static void count_line(void *user, const char *time, const char *name, const char *event, const char *what)
{
    struct material *m = user;
    if (!m->model.n_history++)
        snprintf(m->first, sizeof m->first, "%s", time);
    snprintf(m->last, sizeof m->last, "%s", time);
}

static void read_card(struct material *m)
{
    enum { CARD_MAX = 4 << 20 };
    struct mica_digest digest;
    struct mica_mapping *map;
    if (!mica_digest_parse(m->closure->rows[0].card_digest, &digest) ||
        mica_store_blob_open(m->store, &digest, &map, NULL) != MICA_OK)
        return;
    if (mica_mapping_size(map) <= CARD_MAX)
        m->card = mica_strndup((const char *)mica_mapping_data(map), mica_mapping_size(map));
    mica_mapping_free(map);
    m->model.card = m->card;
}

static void read_info(struct material *m)
{
    struct mica_files *files;
    if (mica_store_files(m->store, m->manifest, &files, NULL) != MICA_OK)
        return;
    if (mica_model_inspect(files, &m->info, NULL) == MICA_OK) {
        m->model.architecture = m->info.architecture;
        m->model.has_template = m->info.has_chat_template;
    }
    mica_files_free(files);
}

static enum mica_status gather(struct material *m, const char *text, char printed[MICA_NAME_TEXT],
                               struct mica_err *err)
{
    struct mica_name name;
    enum mica_status status = mica_cli_open_register(&m->store, &m->reg, err);
    if (status == MICA_OK)
        status = mica_cli_manifest(m->store, text, &name, &m->manifest, err);
    if (status == MICA_OK)
        status = mica_cli_closure(m->reg, MICA_COMPONENT_MODEL, text, &m->closure, err);
    if (status != MICA_OK)
        return status;
    mica_name_print(&name, printed);
    status = mica_register_history(m->reg, printed, count_line, m, err);
    if (status != MICA_OK)
        return status;
    m->model.name = printed;
    m->model.closure = m->closure;
    m->model.manifest = m->manifest;
    m->model.first = m->first;
    m->model.last = m->last;
    read_card(m);
    read_info(m);
    return MICA_OK;
}

static enum mica_status assess_model(const char *text, struct mica_assessment **out, struct mica_err *err)
{
    char name[MICA_NAME_TEXT];
    struct material m = {0};
    enum mica_status status = gather(&m, text, name, err);
    if (status == MICA_OK)
        status = mica_assess_model(&m.model, out, err);
    release(&m);
    return status;
}

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    struct mica_assessment *sheet = NULL;
    struct mica_buf text = {0};
    struct mica_err err;
    struct stat st;
    bool markdown = args->format && strcmp(args->format, "markdown") == 0, json = args->json;
    if (args->format && !markdown && strcmp(args->format, "json") != 0 && strcmp(args->format, "text") != 0)
        return mica_cli_usage("--format %s: it is text, markdown or json", args->format);
    json |= args->format && strcmp(args->format, "json") == 0;
    bool is_folder = stat(operands[0], &st) == 0 && S_ISDIR(st.st_mode);
    enum mica_status status =
        is_folder ? mica_assess_folder(operands[0], &sheet, &err) : assess_model(operands[0], &sheet, &err);
    if (status != MICA_OK)
        return mica_cli_fail(status, &err);
    int code = 0;
    if (json) {
        code = mica_cli_print_json(mica_assessment_json(sheet));
    } else {
        if (markdown)
            mica_assessment_markdown(sheet, &text);
        else
            mica_assessment_print(sheet, &text);
        if (text.failed || fputs(text.data, stdout) < 0)
            code = mica_cli_fail(MICA_EIO, &(struct mica_err){MICA_EIO, "the sheet cannot be written"});
    }
    mica_buf_release(&text);
    mica_assessment_free(sheet);
    return code;
}

static const struct mica_option options[] = {
    {"format", 'f', MICA_OPT_TEXT, offsetof(struct args, format), "FORMAT",
     "text (default), markdown or json"},
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object"},
};
const struct mica_command mica_command_assess = {
    options, MICA_COUNT(options), 1, 1, sizeof(struct args), NULL, run};
