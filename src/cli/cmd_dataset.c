/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* mica dataset: cards of datasets in the register. */
#include "cli/registered.h"
#include "govern/dataset.h"
#include "govern/identify.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_LIMIT = 1 << 20 };

struct args {
    const char *card, *licence;
    bool schema, json;
};
struct job {
    const struct args *args;
    struct mica_store *store;
    struct mica_register *reg;
};

/* Keeps a file in the store. */
static enum mica_status keep_file(struct job *job, const char *path, struct mica_buf *text,
                                  char hex[MICA_DIGEST_HEX], struct mica_err *err)
{
    struct mica_digest digest;
    enum mica_status status = mica_fs_read(path, TEXT_LIMIT, text, err);
    if (status == MICA_OK)
        status = mica_store_blob_put(job->store, text->data, text->len, &digest, err);
    if (status == MICA_OK)
        mica_digest_hex(&digest, hex);
    return status;
}

/* The licence text that came with the set. */
static enum mica_status read_licence(struct job *job, char hex[MICA_DIGEST_HEX], char concluded[128],
                                     struct mica_err *err)
{
    struct mica_buf text = {0};
    struct mica_licence_match match = {0};
    enum mica_status status = keep_file(job, job->args->licence, &text, hex, err);
    if (status == MICA_OK)
        status = mica_licence_identify(text.data, text.len, &match, err);
    if (status == MICA_OK) {
        if (*match.id)
            snprintf(concluded, 128, "%s", match.id);
        else
            snprintf(concluded, 128, "LicenseRef-unidentified-%.12s", hex);
    }
    mica_free(match.diff);
    mica_buf_release(&text);
    return status;
}

static enum mica_status add(struct job *job, const char *name, struct mica_err *err)
{
    char card_digest[MICA_DIGEST_HEX] = "", licence_digest[MICA_DIGEST_HEX] = "", concluded[128] = "";
    struct mica_buf card = {0};
    int64_t n_before = mica_cli_history_begin(job->reg);
    if (!job->args->card)
        return mica_fail(err, MICA_EARG,
                         "dataset add: give the card with --card FILE; 'mica dataset --schema' says "
                         "what it holds");
    enum mica_status status =
        job->args->licence ? read_licence(job, licence_digest, concluded, err) : MICA_OK;
    if (status == MICA_OK)
        status = keep_file(job, job->args->card, &card, card_digest, err);
    if (status == MICA_OK)
        status = mica_dataset_add(job->reg, name, card.data, card.len, job->args->card, card_digest,
                                  concluded, licence_digest, NULL, err);
    if (status == MICA_OK) {
        printf("%s: registered\n", name);
        mica_cli_history_end(job->reg, n_before);
    }
    mica_buf_release(&card);
    return status;
}

/* Lists of texts on one line each, objects as JSON. */
static void print_fact(const char *key, const json_t *value)
{
    size_t i;
    const json_t *item;
    char *dump;
    if (json_is_string(value)) {
        printf("%-16s %s\n", key, json_string_value(value));
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, item)
        {
            print_fact(i ? "" : key, item);
        }
    } else if ((dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(6))) != NULL) {
        printf("%-16s %s\n", key, dump);
        free(dump);
    }
}

static enum mica_status show(struct job *job, const char *name, struct mica_err *err)
{
    struct mica_components *closure = NULL;
    enum mica_status status = mica_cli_closure(job->reg, MICA_COMPONENT_DATASET, name, &closure, err);
    if (status != MICA_OK)
        return status;
    const struct mica_component *row = &closure->rows[0];
    if (job->args->json) {
        mica_cli_print_json(mica_cli_component_json(row));
    } else {
        json_t *card = json_loads(row->card, 0, NULL), *value;
        const char *key;
        bool is_declared;
        const char *licence = mica_cli_licence(row, &is_declared);
        printf("%-16s %s\n%-16s %s%s\n%-16s %s\n", "name", row->name, "licence is",
               *licence ? licence : "not stated", *licence && is_declared ? " (declared)" : "", "digest",
               *row->digest ? row->digest : "not known");
        json_object_foreach(card, key, value)
        {
            print_fact(key, value);
        }
        if (!card && *row->notes)
            printf("%-16s %s\n", "notes", row->notes);
        json_decref(card);
    }
    mica_components_free(closure);
    return MICA_OK;
}

static enum mica_status list(struct job *job, struct mica_err *err)
{
    static const char *const head[] = {"NAME", "VERSION", "LICENCE", "OWNER", "SOURCE"};
    struct mica_components *all = NULL;
    enum mica_status status = mica_register_all(job->reg, &all, err);
    if (status != MICA_OK)
        return status;
    const char **cells = mica_alloc((size_t)all->n * MICA_COUNT(head), sizeof *cells);
    json_t *rows = json_array();
    int64_t n = 0;
    for (int64_t i = 0; cells && i < all->n; i++) {
        const struct mica_component *row = &all->rows[i];
        bool is_declared;
        if (row->kind != MICA_COMPONENT_DATASET)
            continue;
        json_array_append_new(rows, mica_cli_component_json(row));
        const char *const line[] = {row->name, row->version, mica_cli_licence(row, &is_declared), row->owner,
                                    row->source};
        memcpy(&cells[n++ * (int64_t)MICA_COUNT(head)], line, sizeof line);
    }
    if (!cells)
        status = mica_fail(err, MICA_ENOMEM, "dataset: out of memory");
    else if (job->args->json)
        mica_cli_print_json(json_pack("{s:O}", "datasets", rows));
    else
        mica_cli_print_table(head, MICA_COUNT(head), cells, n);
    json_decref(rows);
    mica_free(cells);
    mica_components_free(all);
    return status;
}

static int run(void *data, char **operands, int n_operands)
{
    struct job job = {.args = data};
    struct mica_err err;
    const char *what = n_operands ? operands[0] : "";
    if (job.args->schema)
        return mica_cli_print_json(mica_dataset_schema());
    bool is_list = strcmp(what, "list") == 0, is_add = strcmp(what, "add") == 0,
         is_show = strcmp(what, "show") == 0;
    if (n_operands != (is_list ? 1 : 2) || !(is_list || is_add || is_show))
        return mica_cli_usage("dataset: it is 'add NAME --card FILE', 'show NAME' or 'list'");
    enum mica_status status = mica_cli_open_register(&job.store, &job.reg, &err);
    if (status == MICA_OK)
        status = is_list  ? list(&job, &err)
                 : is_add ? add(&job, operands[1], &err)
                          : show(&job, operands[1], &err);
    mica_register_close(job.reg);
    mica_store_close(job.store);
    return status == MICA_OK ? 0 : mica_cli_fail(status, &err);
}

static const struct mica_option options[] = {
    {"card", 0, MICA_OPT_TEXT, offsetof(struct args, card), "FILE", "add: the card, YAML"},
    {"licence", 0, MICA_OPT_TEXT, offsetof(struct args, licence), "FILE",
     "add: the licence text that came with it"},
    {"schema", 0, MICA_OPT_FLAG, offsetof(struct args, schema), NULL, "what a card may hold, as JSON Schema"},
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "show, list: one JSON object"},
};
const struct mica_command mica_command_dataset = {
    options, MICA_COUNT(options), 0, 2, sizeof(struct args), NULL, run};
