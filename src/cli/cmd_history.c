/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/registered.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>

struct args {
    bool json;
};

struct printing {
    bool names;
    int64_t n;
    json_t *lines;
};

static void add_line(void *user, const char *time, const char *name, const char *event, const char *what)
{
    struct printing *p = user;
    p->n++;
    if (p->lines)
        json_array_append_new(p->lines, json_pack("{s:s, s:s, s:s, s:s}", "time", time, "name", name, "event",
                                                  event, "what", what));
    else if (p->names)
        printf("%s  %-9s %s: %s\n", time, event, name, what);
    else
        printf("%s  %-9s %s\n", time, event, what);
}

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    struct mica_store *store;
    struct mica_register *reg;
    struct mica_name name;
    char text[MICA_NAME_TEXT];
    struct mica_err err;
    struct printing p = {.names = n_operands == 0, .lines = args->json ? json_array() : NULL};
    enum mica_status status = mica_cli_open_register(&store, &reg, &err);
    if (status == MICA_OK && n_operands) {
        /* A stored model is known under its full name; datasets and others as they are. */
        int64_t id;
        snprintf(text, sizeof text, "%s", operands[0]);
        bool is_dataset =
            mica_register_resolve(reg, MICA_COMPONENT_DATASET, operands[0], &id, NULL) == MICA_OK;
        if (!is_dataset && strncmp(operands[0], "hf:", 3) != 0 &&
            mica_name_parse(operands[0], &name, NULL) == MICA_OK)
            mica_name_print(&name, text);
    }
    if (status == MICA_OK)
        status = mica_register_history(reg, n_operands ? text : NULL, add_line, &p, &err);
    if (status == MICA_OK && n_operands && p.n == 0)
        status = mica_fail(&err, MICA_ENOTFOUND, "%s: the register was never told of it", text);
    if (args->json && (status == MICA_OK || status == MICA_EDENIED))
        mica_cli_print_json(json_pack("{s:O, s:b}", "history", p.lines, "whole", status == MICA_OK));
    json_decref(p.lines);
    mica_register_close(reg);
    mica_store_close(store);
    return status == MICA_OK ? 0 : mica_cli_fail(status, &err);
}

static const struct mica_option options[] = {
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object"},
};
const struct mica_command mica_command_history = {
    options, MICA_COUNT(options), 0, 1, sizeof(struct args), NULL, run};
