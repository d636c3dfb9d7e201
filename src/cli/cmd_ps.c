/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/models.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>

struct args {
    bool json;
};

struct row {
    char id[MICA_DIGEST_HEX], size[MICA_SHORT_TEXT], pid[16], since[MICA_SHORT_TEXT];
};

static int print_text(const struct mica_running *running, int64_t n)
{
    static const char *const head[] = {"NAME", "ID", "SIZE", "PID", "STARTED"};
    struct row *rows = mica_alloc((size_t)n, sizeof *rows);
    const char **cells = mica_alloc((size_t)n, sizeof *cells * MICA_COUNT(head));
    for (int64_t i = 0; rows && cells && i < n; i++) {
        struct row *row = &rows[i];
        mica_digest_hex(&running[i].digest, row->id);
        row->id[12] = '\0';
        mica_cli_size_text(running[i].bytes, row->size);
        mica_cli_age_text(running[i].since, row->since);
        snprintf(row->pid, sizeof row->pid, "%d", running[i].pid);
        memcpy(&cells[i * 5], (const char *[]){running[i].name, row->id, row->size, row->pid, row->since},
               5 * sizeof *cells);
    }
    if (rows && cells)
        mica_cli_print_table(head, MICA_COUNT(head), cells, n);
    int code = rows && cells ? 0 : mica_status_exit(MICA_ENOMEM);
    mica_free(cells);
    mica_free(rows);
    return code;
}

static int print_json(const struct mica_running *running, int64_t n)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < n; i++) {
        char since[MICA_SHORT_TEXT], digest[MICA_DIGEST_HEX];
        mica_time_text_at(running[i].since, since);
        mica_digest_hex(&running[i].digest, digest);
        json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:i, s:s}", "name", running[i].name, "digest",
                                              digest, "size", (json_int_t)running[i].bytes, "pid",
                                              running[i].pid, "since", since));
    }
    return mica_cli_print_json(json_pack("{s:o}", "models", list));
}

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    struct mica_store *store = NULL;
    struct mica_running *running = NULL;
    struct mica_err err;
    int64_t n = 0;
    enum mica_status status = mica_store_open(NULL, &store, &err);
    if (status == MICA_OK)
        status = mica_store_ps(store, &running, &n, &err);
    int code = status != MICA_OK ? mica_cli_fail(status, &err)
               : args->json      ? print_json(running, n)
                                 : print_text(running, n);
    mica_free(running);
    mica_store_close(store);
    return code;
}

static const struct mica_option options[] = {
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object"},
};
const struct mica_command mica_command_ps = {options, MICA_COUNT(options), 0, 0, sizeof(struct args), NULL,
                                             run};
