/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/models.h"
#include "govern/drift.h"
#include "govern/register.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void mica_cli_size_text(uint64_t bytes, char out[MICA_SHORT_TEXT])
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1000 && unit + 1 < MICA_COUNT(units)) {
        value /= 1000;
        unit++;
    }
    snprintf(out, MICA_SHORT_TEXT, value < 10 && unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

void mica_cli_age_text(int64_t since, char out[MICA_SHORT_TEXT])
{
    static const struct {
        int64_t below, unit;
        const char *name;
    } rows[] = {
        {120, 1, "second"},
        {7200, 60, "minute"},
        {172800, 3600, "hour"},
        {1209600, 86400, "day"},
        {5184000, 604800, "week"},
        {63072000, 2592000, "month"},
        {INT64_MAX, 31536000, "year"},
    };
    int64_t age = time(NULL) - since;
    if (age < 1) {
        snprintf(out, MICA_SHORT_TEXT, "now");
        return;
    }
    size_t i = 0;
    while (age >= rows[i].below)
        i++;
    int64_t n = age / rows[i].unit;
    snprintf(out, MICA_SHORT_TEXT, "%lld %s%s ago", (long long)n, rows[i].name, n == 1 ? "" : "s");
}

void mica_cli_print_table(const char *const *head, int n_columns, const char *const *cells, int64_t n_rows)
{
    for (int64_t row = -1; row < n_rows; row++) {
        const char *const *line = row < 0 ? head : cells + row * n_columns;
        int last = n_columns - 1;
        while (last > 0 && !*line[last]) /* no blanks at the end of a line */
            last--;
        for (int c = 0; c <= last; c++) {
            size_t width = strlen(head[c]);
            for (int64_t i = 0; i < n_rows; i++)
                width = strlen(cells[i * n_columns + c]) > width ? strlen(cells[i * n_columns + c]) : width;
            if (c < last)
                printf("%-*s    ", (int)width, line[c]);
            else
                printf("%s\n", line[c]);
        }
    }
}

enum mica_status mica_cli_manifest(struct mica_store *store, const char *text, struct mica_name *name_out,
                                   struct mica_manifest **out, struct mica_err *err)
{
    struct mica_name name;
    enum mica_status status = mica_name_parse(text, &name, err);
    if (status == MICA_OK)
        status = mica_store_manifest(store, &name, out, err);
    if (status == MICA_OK)
        *name_out = name;
    return status;
}

enum mica_status mica_cli_files(const char *text, struct mica_files **out, struct mica_err *err)
{
    struct mica_store *store = NULL;
    struct mica_manifest *manifest = NULL;
    struct mica_name name;
    enum mica_status status = mica_store_open(NULL, &store, err);
    if (status == MICA_OK)
        status = mica_cli_manifest(store, text, &name, &manifest, err);
    if (status == MICA_OK)
        status = mica_store_files(store, manifest, out, err);
    else if (access(text, F_OK) == 0)
        status = mica_files_open(text, out, err);
    else if (strchr(text, '/') == text || strncmp(text, "./", 2) == 0)
        status = mica_fail(err, MICA_ENOTFOUND, "%s: no such file", text);
    mica_manifest_free(manifest);
    mica_store_close(store);
    return status;
}

/* Opens the register of the store when there is one; else *out is NULL. */
static enum mica_status open_register(struct mica_store *store, struct mica_register **out,
                                      struct mica_err *err)
{
    char path[MICA_PATH_MAX];
    *out = NULL;
    enum mica_status status = mica_fs_path(path, err, "%s/register.db", mica_store_home(store));
    return status == MICA_OK && mica_fs_exists(path) ? mica_register_open(mica_store_home(store), out, err)
                                                     : status;
}

struct blobs {
    struct mica_digest *rows;
    int64_t n, capacity;
    bool failed;
};

static void add_blob(void *user, const struct mica_digest *digest)
{
    struct blobs *blobs = user;
    if (mica_grow(&blobs->rows, blobs->n, &blobs->capacity, sizeof *blobs->rows))
        blobs->rows[blobs->n++] = *digest;
    else
        blobs->failed = true;
}

enum mica_status mica_cli_registered_blobs(void *store, struct mica_digest **out, int64_t *n_out,
                                           struct mica_err *err)
{
    struct mica_register *reg;
    struct mica_components *all = NULL;
    struct blobs blobs = {0};
    enum mica_status status = open_register(store, &reg, err);
    if (status == MICA_OK && reg)
        status = mica_register_all(reg, &all, err);
    for (int64_t i = 0; status == MICA_OK && all && i < all->n; i++) {
        const struct mica_component *row = &all->rows[i];
        const char *const texts[] = {row->licence_digest, row->policy_digest, row->card_digest};
        struct mica_digest digest;
        for (size_t k = 0; k < MICA_COUNT(texts); k++)
            if (mica_digest_parse(texts[k], &digest))
                add_blob(&blobs, &digest);
        mica_drift_kept(row->card, add_blob, &blobs);
    }
    mica_components_free(all);
    mica_register_close(reg);
    if (status == MICA_OK && blobs.failed)
        status = mica_fail(err, MICA_ENOMEM, "store: out of memory");
    if (status != MICA_OK) {
        mica_free(blobs.rows);
        return status;
    }
    *out = blobs.rows;
    *n_out = blobs.n;
    return MICA_OK;
}

enum mica_status mica_cli_register_copy(struct mica_store *store, const struct mica_name *from,
                                        const struct mica_name *to, struct mica_err *err)
{
    char old_name[MICA_NAME_TEXT], new_name[MICA_NAME_TEXT];
    struct mica_register *reg;
    mica_name_print(from, old_name);
    mica_name_print(to, new_name);
    if (mica_name_equal(from, to))
        return MICA_OK;
    enum mica_status status = open_register(store, &reg, err);
    if (status != MICA_OK || !reg)
        return status;
    status = mica_register_copy(reg, MICA_COMPONENT_MODEL, old_name, new_name, "copy", err);
    mica_register_close(reg);
    return status == MICA_ENOTFOUND ? MICA_OK : status;
}

enum mica_status mica_cli_register_forget(struct mica_store *store, const struct mica_name *name,
                                          struct mica_err *err)
{
    char text[MICA_NAME_TEXT];
    struct mica_register *reg;
    mica_name_print(name, text);
    enum mica_status status = open_register(store, &reg, err);
    if (status != MICA_OK || !reg)
        return status;
    status = mica_register_forget(reg, MICA_COMPONENT_MODEL, text, "rm", err);
    mica_register_close(reg);
    return status == MICA_ENOTFOUND ? MICA_OK : status;
}
