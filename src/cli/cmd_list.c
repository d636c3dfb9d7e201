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
    char name[MICA_NAME_TEXT], id[MICA_DIGEST_HEX], size[MICA_SHORT_TEXT], modified[MICA_SHORT_TEXT];
    uint64_t bytes;
    int64_t at;
};

/* A manifest that cannot be read is said aside and left out. */
static bool fill(struct mica_store *store, const struct mica_listed *listed, struct row *out)
{
    struct mica_manifest *manifest;
    struct mica_err err;
    if (mica_store_manifest(store, &listed->name, &manifest, &err) != MICA_OK) {
        mica_cli_fail(err.status, &err);
        return false;
    }
    mica_name_print(&listed->name, out->name);
    mica_digest_hex(&manifest->digest, out->id);
    out->bytes = mica_manifest_size(manifest);
    out->at = listed->modified;
    mica_cli_size_text(out->bytes, out->size);
    mica_cli_age_text(out->at, out->modified);
    mica_manifest_free(manifest);
    return true;
}

static int print_text(struct row *rows, int64_t n)
{
    static const char *const head[] = {"NAME", "ID", "SIZE", "MODIFIED"};
    const char **cells = mica_alloc((size_t)n, sizeof *cells * MICA_COUNT(head));
    if (!cells)
        return mica_status_exit(MICA_ENOMEM);
    for (int64_t i = 0; i < n; i++) {
        rows[i].id[12] = '\0';
        memcpy(&cells[i * 4], (const char *[]){rows[i].name, rows[i].id, rows[i].size, rows[i].modified},
               4 * sizeof *cells);
    }
    mica_cli_print_table(head, MICA_COUNT(head), cells, n);
    mica_free(cells);
    return 0;
}

static int print_json(const struct row *rows, int64_t n)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < n; i++) {
        char modified[MICA_SHORT_TEXT];
        mica_time_text_at(rows[i].at, modified);
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:I, s:s}", "name", rows[i].name, "digest", rows[i].id,
                                        "size", (json_int_t)rows[i].bytes, "modified", modified));
    }
    return mica_cli_print_json(json_pack("{s:o}", "models", list));
}

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    struct mica_store *store = NULL;
    struct mica_listed *listed = NULL;
    struct row *rows = NULL;
    struct mica_err err;
    int64_t n_listed = 0, n = 0;
    enum mica_status status = mica_store_open(NULL, &store, &err);
    if (status == MICA_OK)
        status = mica_store_list(store, &listed, &n_listed, &err);
    if (status == MICA_OK && !(rows = mica_alloc((size_t)n_listed, sizeof *rows)))
        status = mica_fail(&err, MICA_ENOMEM, "list: out of memory");
    for (int64_t i = 0; status == MICA_OK && i < n_listed; i++) {
        char name[MICA_NAME_TEXT];
        mica_name_print(&listed[i].name, name);
        if (n_operands == 0 || strncmp(name, operands[0], strlen(operands[0])) == 0)
            n += fill(store, &listed[i], &rows[n]);
    }
    int code = status != MICA_OK ? mica_cli_fail(status, &err)
               : args->json      ? print_json(rows, n)
                                 : print_text(rows, n);
    mica_free(rows);
    mica_free(listed);
    mica_store_close(store);
    return code;
}

static const struct mica_option options[] = {
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object"},
};
const struct mica_command mica_command_list = {options, MICA_COUNT(options), 0, 1, sizeof(struct args), NULL,
                                               run};
