/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* mica licences: the one-pager. What a row allows is decided for the component alone; what a model with all
 * it was made from allows is what mica rights says. */
#include "cli/licences_print.h"
#include "cli/registered.h"
#include "govern/closure.h"
#include "govern/dependencies.h"
#include "govern/rights.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>

struct args {
    const char *format;
    bool software, parts;
};

/* A page being made. */
struct page {
    struct mica_arena arena;
    struct mica_licence_row *rows;
    int64_t n, capacity;
};

static const char *keep(struct page *page, const char *text)
{
    return mica_arena_strndup(&page->arena, text, strlen(text));
}

/* The decision over one component. */
static enum mica_status decide(const struct mica_component *row, enum mica_use use, bool distribute,
                               struct mica_decision **out, struct mica_err *err)
{
    struct mica_facts facts;
    struct mica_component copy = *row;
    struct mica_components alone = {.rows = &copy, .n = 1};
    mica_facts_default(&facts);
    facts.use = use;
    facts.distribute = distribute;
    return mica_closure_rights(&alone, &facts, out, err);
}

static const char *verdict_cell(struct page *page, const struct mica_decision *d)
{
    static const char *const words[] = {[MICA_VERDICT_YES] = "yes",
                                        [MICA_VERDICT_YES_WITH] = "yes, with obligations",
                                        [MICA_VERDICT_NEEDS_FACT] = "depends on",
                                        [MICA_VERDICT_UNKNOWN] = "unknown",
                                        [MICA_VERDICT_NO] = "no"};
    struct mica_buf text = {0};
    if (d->verdict != MICA_VERDICT_NEEDS_FACT)
        return words[d->verdict];
    mica_buf_puts(&text, words[d->verdict]);
    for (int64_t i = 0; i < d->n_missing; i++)
        mica_buf_printf(&text, "%s %s", i ? "," : "", d->missing[i]);
    const char *kept = text.failed ? NULL : keep(page, text.data);
    mica_buf_release(&text);
    return kept;
}

/* The names of the duties, each once. */
static const char *duties_cell(struct page *page, const struct mica_decision *d)
{
    struct mica_buf text = {0};
    mica_buf_puts(&text, "");
    for (int64_t i = 0; i < d->n_duties; i++) {
        bool is_new = true;
        for (int64_t j = 0; j < i; j++)
            is_new = is_new && strcmp(d->duties[j].name, d->duties[i].name) != 0;
        if (is_new)
            mica_buf_printf(&text, "%s%s", text.len ? ", " : "", d->duties[i].name);
    }
    const char *kept = text.failed ? NULL : keep(page, text.data);
    mica_buf_release(&text);
    return kept;
}

static const char *licence_cell(struct page *page, const struct mica_component *row)
{
    char text[512];
    bool is_declared;
    const char *licence = mica_cli_licence(row, &is_declared);
    if (!*licence)
        return "not stated";
    if (*row->drift && strcmp(licence, "LicenseRef-disputed") == 0)
        snprintf(text, sizeof text, "contradictory: %s", row->drift);
    else
        snprintf(text, sizeof text, "%s%s", licence, is_declared ? " (declared)" : "");
    return keep(page, text);
}

static enum mica_status add_row(struct page *page, const struct mica_component *row, struct mica_err *err)
{
    char name[1024];
    struct mica_decision *commercial = NULL, *copies = NULL, *both = NULL;
    struct mica_licence_row made;
    if (!mica_grow(&page->rows, page->n, &page->capacity, sizeof *page->rows))
        return mica_fail(err, MICA_ENOMEM, "licences: out of memory");
    enum mica_status status = decide(row, MICA_USE_COMMERCIAL, false, &commercial, err);
    if (status == MICA_OK)
        status = decide(row, MICA_USE_PRIVATE, true, &copies, err);
    if (status == MICA_OK)
        status = decide(row, MICA_USE_COMMERCIAL, true, &both, err);
    if (status == MICA_OK) {
        snprintf(name, sizeof name, "%s%s%s", row->name, *row->version ? " " : "", row->version);
        made = (struct mica_licence_row){
            {keep(page, name), mica_component_kind_text(row->kind), licence_cell(page, row),
             verdict_cell(page, commercial), verdict_cell(page, copies),
             duties_cell(page, both->n_duties ? both : copies), keep(page, row->owner)}};
        for (int c = 0; c < MICA_LICENCE_N_COLUMNS && status == MICA_OK; c++)
            if (!made.cells[c])
                status = mica_fail(err, MICA_ENOMEM, "licences: out of memory");
        if (status == MICA_OK)
            page->rows[page->n++] = made;
    }
    mica_decision_free(commercial);
    mica_decision_free(copies);
    mica_decision_free(both);
    return status;
}

static int print_json(const struct mica_licence_page *page)
{
    json_t *rows = json_array();
    for (int64_t i = 0; i < page->n_rows; i++) {
        json_t *row = json_object();
        for (int c = 0; c < MICA_LICENCE_N_COLUMNS; c++)
            json_object_set_new(row, mica_licence_heads[c], json_string(page->rows[i].cells[c]));
        json_array_append_new(rows, row);
    }
    return mica_cli_print_json(json_pack("{s:s, s:s, s:s, s:o}", "title", page->title, "time", page->time,
                                         "register_sha256", page->digest, "components", rows));
}

/* Tokenizers and templates come with their model, under its terms. */
static bool is_shown(const struct args *args, const struct mica_component *row)
{
    bool is_part = row->kind == MICA_COMPONENT_TOKENIZER || row->kind == MICA_COMPONENT_TEMPLATE;
    return args->parts || !is_part;
}

static int print_page(const struct args *args, const struct mica_components *rows, const char *title)
{
    char now[MICA_TIME_TEXT], hex[MICA_DIGEST_HEX] = "";
    const char *format = args->format ? args->format : "table";
    struct page page = {0};
    struct mica_digest digest;
    struct mica_buf text = {0};
    struct mica_err err;
    enum mica_status status = MICA_OK;
    mica_time_text(now);
    if (mica_components_digest(rows, &digest))
        mica_digest_hex(&digest, hex);
    for (int64_t i = 0; i < rows->n && status == MICA_OK; i++)
        if (is_shown(args, &rows->rows[i]))
            status = add_row(&page, &rows->rows[i], &err);
    const struct mica_licence_page made = {title, now, hex, page.rows, page.n};
    int code = 0;
    if (status != MICA_OK)
        code = mica_cli_fail(status, &err);
    else if (strcmp(format, "json") == 0)
        code = print_json(&made);
    else if (!mica_licences_print(format, &made, &text))
        code = mica_cli_usage("--format: '%s' is not table, markdown, csv, html or json", format);
    else if (text.failed)
        code = mica_cli_usage("licences: out of memory");
    else
        fwrite(text.data ? text.data : "", 1, text.len, stdout);
    mica_buf_release(&text);
    mica_free(page.rows);
    mica_arena_release(&page.arena);
    return code;
}

static int print_software(const struct args *args)
{
    struct mica_components *rows = NULL;
    struct mica_buf text = {0};
    struct mica_err err;
    /* Markdown is the page of the documentation; it names no versions, so that it is the same everywhere. */
    if (args->format && strcmp(args->format, "markdown") == 0) {
        if (!mica_dependencies_page(&text))
            return mica_cli_usage("licences: out of memory");
        fwrite(text.data, 1, text.len, stdout);
        mica_buf_release(&text);
        return 0;
    }
    enum mica_status status = mica_dependencies_closure(&rows, &err);
    if (status != MICA_OK)
        return mica_cli_fail(status, &err);
    int code = print_page(args, rows, "Licences of Mica and its libraries");
    mica_components_free(rows);
    return code;
}

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    struct mica_store *store;
    struct mica_register *reg;
    struct mica_components *rows = NULL;
    char title[MICA_NAME_TEXT + 64] = "Licences of all registered components";
    struct mica_err err;
    if (args->software)
        return n_operands ? mica_cli_usage("licences: --software is about Mica itself, without a NAME")
                          : print_software(args);
    enum mica_status status = mica_cli_open_register(&store, &reg, &err);
    if (status == MICA_OK)
        status = n_operands ? mica_cli_closure(reg, MICA_COMPONENT_MODEL, operands[0], &rows, &err)
                            : mica_register_all(reg, &rows, &err);
    if (n_operands && status == MICA_OK)
        snprintf(title, sizeof title, "Licences of %s and what it is made from", rows->rows[0].name);
    int code = status == MICA_OK ? print_page(args, rows, title) : mica_cli_fail(status, &err);
    mica_components_free(rows);
    mica_register_close(reg);
    mica_store_close(store);
    return code;
}

static const struct mica_option options[] = {
    {"format", 'f', MICA_OPT_TEXT, offsetof(struct args, format), "FORMAT",
     "table (default), markdown, csv, html or json"},
    {"parts", 0, MICA_OPT_FLAG, offsetof(struct args, parts), NULL,
     "also tokenizers and templates, each by itself"},
    {"software", 0, MICA_OPT_FLAG, offsetof(struct args, software), NULL, "Mica and its libraries instead"},
};
const struct mica_command mica_command_licences = {
    options, MICA_COUNT(options), 0, 1, sizeof(struct args), NULL, run};
