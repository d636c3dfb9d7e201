/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Reading components: rows, their seals, closures, digests. */
#include "govern/register_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CLOSURE = 10000 };

const char mica_register_columns[] = "id, seal, kind, size"
#define X(field) ", " #field
    MICA_COMPONENT_TEXTS(X)
#undef X
    ;

static const char *const kinds[] = {
#define X(name, text) text,
    MICA_COMPONENT_ROWS(X)
#undef X
};

const char *mica_component_kind_text(enum mica_component_kind kind)
{
    return kinds[kind];
}

bool mica_component_kind_parse(const char *text, enum mica_component_kind *out)
{
    for (size_t i = 0; i < MICA_COUNT(kinds); i++)
        if (strcmp(text, kinds[i]) == 0) {
            *out = (enum mica_component_kind)i;
            return true;
        }
    return false;
}

static const char *const relations[] = {
#define X(name, text) text,
    MICA_RELATION_ROWS(X)
#undef X
};

const char *mica_relation_text(enum mica_relation relation)
{
    return relations[relation];
}

static bool relation_parse(const char *text, enum mica_relation *out)
{
    for (size_t i = 0; i < MICA_COUNT(relations); i++)
        if (strcmp(text, relations[i]) == 0) {
            *out = (enum mica_relation)i;
            return true;
        }
    return false;
}

static void state_component(struct mica_buf *buf, const struct mica_component *c, bool with_time)
{
    mica_seal_text(buf, kinds[c->kind]);
    mica_seal_int(buf, c->size);
#define X(field) mica_seal_text(buf, with_time || strcmp(#field, "time") != 0 ? c->field : "");
    MICA_COMPONENT_TEXTS(X)
#undef X
}

enum mica_status mica_register_seal(struct mica_register *reg, const struct mica_component *component,
                                    struct mica_digest *out, struct mica_err *err)
{
    struct mica_buf buf = {0};
    sqlite3_stmt *stmt = mica_register_prepare(reg,
                                               "SELECT relation, kind, name, version FROM links JOIN "
                                               "components ON components.id = dst WHERE src = ? "
                                               "ORDER BY relation, kind, name, version",
                                               err);
    if (!stmt)
        return mica_register_fail(reg, err);
    int step;
    mica_seal_text(&buf, "component");
    state_component(&buf, component, true);
    sqlite3_bind_int64(stmt, 1, component->id);
    while ((step = sqlite3_step(stmt)) == SQLITE_ROW)
        for (int i = 0; i < 4; i++)
            mica_seal_text(&buf, mica_register_text(stmt, i));
    enum mica_status status = step == SQLITE_DONE ? MICA_OK : mica_register_fail(reg, err);
    sqlite3_finalize(stmt);
    if (!mica_seal_make(reg, &buf, out) && status == MICA_OK)
        status = mica_fail(err, MICA_ENOMEM, "register: out of memory");
    return status;
}

static const char *copy_column(struct mica_arena *arena, sqlite3_stmt *stmt, int column)
{
    const char *text = mica_register_text(stmt, column);
    return mica_arena_strndup(arena, text, strlen(text));
}

static enum mica_status check_seal(struct mica_register *reg, sqlite3_stmt *stmt,
                                   const struct mica_component *row, struct mica_err *err)
{
    struct mica_digest seal;
    enum mica_status status = mica_register_seal(reg, row, &seal, err);
    if (status != MICA_OK)
        return status;
    const void *stored = sqlite3_column_blob(stmt, 1);
    if (sqlite3_column_bytes(stmt, 1) == sizeof seal.bytes &&
        memcmp(stored, seal.bytes, sizeof seal.bytes) == 0)
        return MICA_OK;
    return mica_fail(err, MICA_EDENIED,
                     "%s %s: its entry in the register was changed outside Mica (or the key was); look at it "
                     "with 'mica history %s', then record it anew with '%s %s'",
                     kinds[row->kind], row->name, row->name,
                     row->kind == MICA_COMPONENT_DATASET ? "mica dataset add" : "mica register", row->name);
}

/* One row of stmt into *row. */
static enum mica_status read_row(struct mica_register *reg, sqlite3_stmt *stmt, bool check,
                                 struct mica_arena *arena, struct mica_component *row, struct mica_err *err)
{
    int column = 4;
    bool ok = true;
    *row =
        (struct mica_component){.id = sqlite3_column_int64(stmt, 0), .size = sqlite3_column_int64(stmt, 3)};
    if (!mica_component_kind_parse(mica_register_text(stmt, 2), &row->kind))
        return mica_fail(err, MICA_EDENIED,
                         "%s: row %lld of the register was changed outside Mica: no such kind",
                         mica_register_text(stmt, 2), (long long)row->id);
#define X(field) ok = (row->field = copy_column(arena, stmt, column++)) != NULL && ok;
    MICA_COMPONENT_TEXTS(X)
#undef X
    if (!ok)
        return mica_fail(err, MICA_ENOMEM, "register: out of memory");
    return check ? check_seal(reg, stmt, row, err) : MICA_OK;
}

enum mica_status mica_register_load(struct mica_register *reg, sqlite3_stmt *stmt, bool check,
                                    struct mica_components *out, struct mica_err *err)
{
    int step;
    while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (!mica_grow(&out->rows, out->n, &out->capacity, sizeof *out->rows))
            return mica_fail(err, MICA_ENOMEM, "register: out of memory");
        enum mica_status status = read_row(reg, stmt, check, &out->arena, &out->rows[out->n], err);
        if (status != MICA_OK)
            return status;
        out->n++;
    }
    return step == SQLITE_DONE ? MICA_OK : mica_register_fail(reg, err);
}

void mica_components_free(struct mica_components *components)
{
    if (!components)
        return;
    mica_free(components->rows);
    mica_free(components->relations);
    mica_free(components->parents);
    mica_arena_release(&components->arena);
    mica_free(components);
}

/* Loads what "SELECT columns FROM components <where>" gives, up to two texts bound. */
static enum mica_status query(struct mica_register *reg, const char *where, const char *first,
                              const char *second, struct mica_components **out, struct mica_err *err)
{
    char sql[1024];
    struct mica_components *found = mica_alloc(1, sizeof *found);
    if (!found)
        return mica_fail(err, MICA_ENOMEM, "register: out of memory");
    snprintf(sql, sizeof sql, "SELECT %s FROM components %s", mica_register_columns, where);
    enum mica_status status = mica_register_read_begin(reg, err);
    if (status == MICA_OK) {
        sqlite3_stmt *stmt = mica_register_prepare(reg, sql, err);
        status = stmt ? MICA_OK : mica_register_fail(reg, err);
        if (stmt && first)
            mica_register_bind(stmt, 1, first);
        if (stmt && second)
            mica_register_bind(stmt, 2, second);
        if (stmt)
            status = mica_register_load(reg, stmt, true, found, err);
        sqlite3_finalize(stmt);
        mica_register_read_end(reg);
    }
    if (status != MICA_OK) {
        mica_components_free(found);
        return status;
    }
    *out = found;
    return MICA_OK;
}

static enum mica_status must_exist(struct mica_components **out, const char *kind, const char *name,
                                   const char *command, struct mica_err *err)
{
    if ((*out)->n > 0)
        return MICA_OK;
    mica_components_free(*out);
    *out = NULL;
    return mica_fail(err, MICA_ENOTFOUND, "%s%s: is not in the register; record it with 'mica %s'", kind,
                     name, command);
}

enum mica_status mica_register_find(struct mica_register *reg, enum mica_component_kind kind,
                                    const char *name, struct mica_components **out, struct mica_err *err)
{
    struct mica_components *found = NULL;
    enum mica_status status =
        query(reg, "WHERE kind = ? AND name = ? ORDER BY version", kinds[kind], name, &found, err);
    if (status == MICA_OK)
        status =
            must_exist(&found, "", name, kind == MICA_COMPONENT_DATASET ? "dataset add" : "register", err);
    if (status == MICA_OK)
        *out = found;
    return status;
}

enum mica_status mica_register_find_digest(struct mica_register *reg, const struct mica_digest *digest,
                                           struct mica_components **out, struct mica_err *err)
{
    char hex[MICA_DIGEST_HEX];
    struct mica_components *found = NULL;
    mica_digest_hex(digest, hex);
    enum mica_status status =
        query(reg, "WHERE digest = ? ORDER BY kind, name, version", hex, NULL, &found, err);
    if (status == MICA_OK)
        status = must_exist(&found, "sha256:", hex, "register", err);
    if (status == MICA_OK)
        *out = found;
    return status;
}

enum mica_status mica_register_resolve(struct mica_register *reg, enum mica_component_kind kind,
                                       const char *text, int64_t *id_out, struct mica_err *err)
{
    sqlite3_stmt *stmt =
        mica_register_prepare(reg,
                              "SELECT id FROM components WHERE kind = ?1 AND (name = ?2 OR source = ?2 OR "
                              "substr(source, 1, length(?2) "
                              "+ 1) = ?2 || ':') ORDER BY digest = '', name <> ?2, id DESC LIMIT 1",
                              err);
    if (!stmt)
        return mica_register_fail(reg, err);
    mica_register_bind(stmt, 1, kinds[kind]);
    mica_register_bind(stmt, 2, text);
    int step = sqlite3_step(stmt);
    enum mica_status status = step == SQLITE_ROW ? MICA_OK
                              : step == SQLITE_DONE
                                  ? mica_fail(err, MICA_ENOTFOUND, "%s: is not in the register", text)
                                  : mica_register_fail(reg, err);
    if (status == MICA_OK)
        *id_out = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return status;
}

enum mica_status mica_register_all(struct mica_register *reg, struct mica_components **out,
                                   struct mica_err *err)
{
    return query(reg, "ORDER BY kind, name, version", NULL, NULL, out, err);
}

struct closure {
    struct mica_register *reg;
    struct mica_components *found;
    sqlite3_stmt *row, *links;
};

static bool has_id(const struct mica_components *found, int64_t id)
{
    for (int64_t i = 0; i < found->n; i++)
        if (found->rows[i].id == id)
            return true;
    return false;
}

static enum mica_status visit(struct closure *closure, int64_t parent, int64_t id,
                              enum mica_relation relation, struct mica_err *err)
{
    struct mica_components *found = closure->found;
    if (has_id(found, id))
        return MICA_OK;
    if (found->n == MAX_CLOSURE)
        return mica_fail(err, MICA_ELIMIT, "register: more than %d components depend on each other",
                         MAX_CLOSURE);
    void *grown = mica_realloc(found->relations, (size_t)found->n + 1, sizeof *found->relations);
    if (!grown)
        return mica_fail(err, MICA_ENOMEM, "register: out of memory");
    found->relations = grown;
    found->relations[found->n] = relation;
    if (!(grown = mica_realloc(found->parents, (size_t)found->n + 1, sizeof *found->parents)))
        return mica_fail(err, MICA_ENOMEM, "register: out of memory");
    found->parents = grown;
    found->parents[found->n] = parent;
    sqlite3_reset(closure->row);
    sqlite3_bind_int64(closure->row, 1, id);
    int64_t before = found->n;
    enum mica_status status = mica_register_load(closure->reg, closure->row, true, found, err);
    if (status == MICA_OK && found->n == before)
        return mica_fail(err, MICA_ENOTFOUND, "register: there is no component %lld", (long long)id);
    return status;
}

/* Follows the links of row parent. */
static enum mica_status visit_links(struct closure *closure, int64_t parent, struct mica_err *err)
{
    enum mica_status status = MICA_OK;
    enum mica_relation relation;
    int step;
    sqlite3_reset(closure->links);
    sqlite3_bind_int64(closure->links, 1, closure->found->rows[parent].id);
    while (status == MICA_OK && (step = sqlite3_step(closure->links)) != SQLITE_DONE) {
        if (step != SQLITE_ROW)
            return mica_register_fail(closure->reg, err);
        if (!relation_parse(mica_register_text(closure->links, 0), &relation))
            return mica_fail(err, MICA_EDENIED, "%s: a link in the register was changed outside Mica",
                             mica_register_text(closure->links, 0));
        status = visit(closure, parent, sqlite3_column_int64(closure->links, 1), relation, err);
    }
    return status;
}

enum mica_status mica_register_closure(struct mica_register *reg, int64_t id, struct mica_components **out,
                                       struct mica_err *err)
{
    char sql[1024];
    struct closure closure = {.reg = reg, .found = mica_alloc(1, sizeof *closure.found)};
    if (!closure.found)
        return mica_fail(err, MICA_ENOMEM, "register: out of memory");
    snprintf(sql, sizeof sql, "SELECT %s FROM components WHERE id = ?", mica_register_columns);
    enum mica_status status = mica_register_read_begin(reg, err);
    if (status == MICA_OK) {
        closure.row = mica_register_prepare(reg, sql, err);
        closure.links = mica_register_prepare(
            reg,
            "SELECT relation, dst FROM links JOIN components ON components.id = dst WHERE src = ? ORDER BY "
            "relation, kind, name, version",
            err);
        status = closure.row && closure.links ? visit(&closure, -1, id, MICA_RELATION_BASE, err)
                                              : mica_register_fail(reg, err);
        for (int64_t i = 0; status == MICA_OK && i < closure.found->n; i++)
            status = visit_links(&closure, i, err);
        sqlite3_finalize(closure.row);
        sqlite3_finalize(closure.links);
        mica_register_read_end(reg);
    }
    if (status != MICA_OK) {
        mica_components_free(closure.found);
        return status;
    }
    *out = closure.found;
    return MICA_OK;
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct mica_digest));
}

bool mica_components_digest(const struct mica_components *components, struct mica_digest *out)
{
    struct mica_digest *rows = mica_alloc((size_t)components->n, sizeof *rows);
    bool ok = rows != NULL;
    for (int64_t i = 0; ok && i < components->n; i++) {
        struct mica_buf buf = {0};
        state_component(&buf, &components->rows[i], false);
        mica_seal_text(&buf, components->relations && i ? relations[components->relations[i]] : "");
        ok = !buf.failed && mica_sha256(buf.data, buf.len, &rows[i]);
        mica_buf_release(&buf);
    }
    if (ok) {
        qsort(rows, (size_t)components->n, sizeof *rows, by_bytes);
        ok = mica_sha256(rows, (size_t)components->n * sizeof *rows, out);
    }
    mica_free(rows);
    return ok;
}
