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
    struct mica_registered of;
    struct mica_model_info info;
    struct mica_assess_model model;
    char *card, first[32], last[32];
};

static void release(struct material *m)
{
    mica_free(m->card);
    mica_cli_registered_release(&m->of);
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
    m->card = mica_cli_registered_text(m->of.store, m->of.closure->rows[0].card_digest, CARD_MAX);
    m->model.card = m->card;
}

static void read_info(struct material *m)
{
    struct mica_files *files;
    if (mica_store_files(m->of.store, m->of.manifest, &files, NULL) != MICA_OK)
        return;
    if (mica_model_inspect(files, &m->info, NULL) == MICA_OK) {
        m->model.architecture = m->info.architecture;
        m->model.has_template = m->info.has_chat_template;
    }
    mica_files_free(files);
}

static enum mica_status gather(struct material *m, const char *text, struct mica_err *err)
{
    enum mica_status status = mica_cli_registered_model(text, &m->of, err);
    if (status != MICA_OK)
        return status;
    status = mica_register_history(m->of.reg, m->of.name, count_line, m, err);
    if (status != MICA_OK)
        return status;
    m->model.name = m->of.name;
    m->model.closure = m->of.closure;
    m->model.manifest = m->of.manifest;
    m->model.first = m->first;
    m->model.last = m->last;
    read_card(m);
    read_info(m);
    return MICA_OK;
}

static enum mica_status assess_model(const char *text, struct mica_assessment **out, struct mica_err *err)
{
    struct material m = {0};
    enum mica_status status = gather(&m, text, err);
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
