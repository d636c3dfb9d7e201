/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* REUSE-IgnoreStart: this file prints the licence tag of another one. */
#include "govern/dependencies.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <archive.h>
#include <curl/curl.h>
#include <gnu/libc-version.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <pcre2.h>
#include <sqlite3.h>
#include <utf8proc.h>
#include <yaml.h>

#include <stdio.h>
#include <string.h>

static const char *pcre2_version(void)
{
    static _Thread_local char text[64]; /* "10.42 2022-12-11" */
    if (pcre2_config(PCRE2_CONFIG_VERSION, NULL) > (int)sizeof text)
        return "";
    pcre2_config(PCRE2_CONFIG_VERSION, text);
    text[strcspn(text, " ")] = '\0';
    return text;
}

static const char *openssl_version(void)
{
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}

static const char *curl_version_text(void)
{
    return curl_version_info(CURLVERSION_NOW)->version;
}

static const char *archive_version_text(void)
{
    const char *text = archive_version_string(); /* "libarchive 3.6.2" */
    return text + strcspn(text, "0123456789");
}

const struct mica_dependency mica_dependencies[] = {
#define X(group, ...) {MICA_DEPENDENCY_##group, __VA_ARGS__},
#include "govern/dependencies.def"
#undef X
};
const int mica_n_dependencies = MICA_COUNT(mica_dependencies);

/* ---- the page ---- */

static bool is_shipped(const struct mica_dependency *d)
{
    return d->group == MICA_DEPENDENCY_LIBRARY || d->group == MICA_DEPENDENCY_PROGRAM;
}

static void put_licence(struct mica_buf *out, const struct mica_dependency *d)
{
    mica_buf_printf(out, "%s%s%s%s", d->licence, *d->about_licence ? " (" : "", d->about_licence,
                    *d->about_licence ? ")" : "");
}

bool mica_dependencies_page(struct mica_buf *out)
{
    mica_buf_puts(out,
                  "<!-- SPDX-FileCopyrightText: 2026 The Mica authors\n"
                  "     SPDX-License" /* in two, so that it is not read as this file's */ "-Identifier: "
                  "Apache-2.0 -->\n"
                  "<!-- Made by: mica licences --software --format markdown. Its rows stand in\n"
                  "     src/govern/dependencies.def; a test compares. -->\n"
                  "# Dependencies\n\n"
                  "Debian packages, each made for its job. A new one needs a row in "
                  "`src/govern/dependencies.def` with its\nreason. The text of a package's licence is "
                  "/usr/share/doc/PACKAGE/copyright.\n\n"
                  "## Linked into libmica and mica\n\n"
                  "| library | package | what for | why this one | licence | commercial redistribution |\n"
                  "| --- | --- | --- | --- | --- | --- |\n");
    for (int i = 0; i < mica_n_dependencies; i++) {
        const struct mica_dependency *d = &mica_dependencies[i];
        if (!is_shipped(d))
            continue;
        mica_buf_printf(out, "| %s%s | %s | %s | %s | ", d->name,
                        d->group == MICA_DEPENDENCY_PROGRAM ? " (program only)" : "", d->package, d->purpose,
                        d->reason);
        put_licence(out, d);
        mica_buf_puts(out, " | yes |\n");
    }
    mica_buf_puts(out, "\n## To build and test only: nothing of these is shipped\n\n"
                       "| tool | package | what for | licence |\n| --- | --- | --- | --- |\n");
    for (int i = 0; i < mica_n_dependencies; i++) {
        const struct mica_dependency *d = &mica_dependencies[i];
        if (is_shipped(d))
            continue;
        mica_buf_printf(out, "| %s | %s | %s | ", d->name, d->package, d->purpose);
        put_licence(out, d);
        mica_buf_puts(out, " |\n");
    }
    return mica_buf_puts(
        out,
        "\nThe packages from pip are the references that tests compare with; their versions are pinned in\n"
        "`tests/requirements.txt`.\n\n"
        "## Test data\n\n"
        "`tools/fetch.py --list` prints every model, tokenizer, template and licence collection with its "
        "package and licence. None of it\nis in this repository, and nothing that tests fetch is "
        "redistributed, except the SPDX licence texts, which are packed into\nlibmica.\n");
}

/* ---- components ---- */

static struct mica_component component_of(const struct mica_dependency *d, char location[256])
{
    bool is_debian = !strchr(d->package, ' ');
    snprintf(location, 256, is_debian ? "/usr/share/doc/%s/copyright" : "", d->package);
    return (struct mica_component){.kind = MICA_COMPONENT_SOFTWARE,
                                   .name = d->name,
                                   .version = d->version ? d->version() : "",
                                   .source = d->package,
                                   .location = location,
                                   .declared_card = d->licence,
                                   .notes = d->purpose};
}

static struct mica_component mica_itself(void)
{
    return (struct mica_component){.kind = MICA_COMPONENT_SOFTWARE,
                                   .name = "mica",
                                   .version = MICA_VERSION,
                                   .declared_card = "Apache-2.0",
                                   .owner = "The Mica authors",
                                   .notes = "libmica and the program mica"};
}

static bool add_row(struct mica_components *all, const struct mica_component *row)
{
    if (!mica_grow(&all->rows, all->n, &all->capacity, sizeof *all->rows))
        return false;
    void *grown = mica_realloc(all->relations, (size_t)all->n + 1, sizeof *all->relations);
    if (!grown)
        return false;
    all->relations = grown;
    if (!(grown = mica_realloc(all->parents, (size_t)all->n + 1, sizeof *all->parents)))
        return false;
    all->parents = grown;
    all->relations[all->n] = MICA_RELATION_DEPENDS_ON;
    all->parents[all->n] = all->n ? 0 : -1;
    struct mica_component *copy = &all->rows[all->n++];
    bool ok = true;
    *copy = *row;
    copy->id = all->n;
#define X(field)                                                                                             \
    copy->field =                                                                                            \
        mica_arena_strndup(&all->arena, row->field ? row->field : "", row->field ? strlen(row->field) : 0);  \
    ok = ok && copy->field;
    MICA_COMPONENT_TEXTS(X)
#undef X
    return ok;
}

enum mica_status mica_dependencies_closure(struct mica_components **out, struct mica_err *err)
{
    char location[256];
    struct mica_components *all = mica_alloc(1, sizeof *all);
    struct mica_component row = mica_itself();
    bool ok = all && add_row(all, &row);
    for (int i = 0; i < mica_n_dependencies && ok; i++) {
        if (!is_shipped(&mica_dependencies[i]))
            continue;
        row = component_of(&mica_dependencies[i], location);
        ok = add_row(all, &row);
    }
    if (!ok) {
        mica_components_free(all);
        return mica_fail(err, MICA_ENOMEM, "dependencies: out of memory");
    }
    *out = all;
    return MICA_OK;
}

/* Is the newest row of this name the one that is recorded? */
static bool is_recorded(struct mica_register *reg, const struct mica_component *row, int64_t *id)
{
    struct mica_components *found = NULL;
    bool same = false;
    if (mica_register_find(reg, row->kind, row->name, &found, NULL) != MICA_OK)
        return false;
    for (int64_t i = 0; i < found->n && !same; i++) {
        const struct mica_component *old = &found->rows[i];
        same = strcmp(old->version, row->version) == 0 &&
               strcmp(old->declared_card, row->declared_card) == 0 && strcmp(old->source, row->source) == 0 &&
               strcmp(old->notes, row->notes) == 0;
        *id = old->id;
    }
    mica_components_free(found);
    return same;
}

enum mica_status mica_dependencies_record(struct mica_register *reg, struct mica_err *err)
{
    struct mica_components *all = NULL;
    int64_t id = 0, mica = 0;
    enum mica_status status = mica_dependencies_closure(&all, err);
    if (status == MICA_OK)
        status = mica_register_begin(reg, err);
    if (status != MICA_OK) {
        mica_components_free(all);
        return status;
    }
    for (int64_t i = 0; i < all->n && status == MICA_OK; i++) {
        if (!is_recorded(reg, &all->rows[i], &id))
            status = mica_register_put(reg, &all->rows[i], "register", &id, err);
        if (i == 0)
            mica = id;
        else if (status == MICA_OK)
            status = mica_register_link(reg, mica, MICA_RELATION_DEPENDS_ON, id, err);
    }
    mica_components_free(all);
    if (status == MICA_OK)
        return mica_register_end(reg, true, err);
    mica_register_end(reg, false, NULL);
    return status;
}
