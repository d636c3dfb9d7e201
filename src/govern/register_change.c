/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Changing the register: components, links, shards, history. */
#include "govern/register_internal.h"

#include <stdio.h>
#include <string.h>

static enum mica_status finish(struct mica_register *reg, enum mica_status status, struct mica_err *err)
{
    if (status == MICA_OK)
        return mica_register_end(reg, true, err);
    mica_register_end(reg, false, NULL);
    return status;
}

static enum mica_status no_memory(struct mica_err *err)
{
    return mica_fail(err, MICA_ENOMEM, "register: out of memory");
}

/* ---- history ---- */

static bool seal_shards(struct mica_register *reg, const char *blob, uint64_t size, const void *digests,
                        size_t len, struct mica_digest *out)
{
    struct mica_buf buf = {0};
    mica_seal_text(&buf, "shards");
    mica_seal_text(&buf, blob);
    mica_seal_int(&buf, (int64_t)size);
    mica_seal_bytes(&buf, digests, len);
    return mica_seal_make(reg, &buf, out);
}

/* The seal of the last line is kept once more, so that lines cut off at the end are missed. It has a row
 * among the shards, under a name that no blob has. */
static const char end_name[] = "history";

/* Whether the end that is kept is last; where nothing was ever told, neither is there. */
static enum mica_status check_end(struct mica_register *reg, const void *last, size_t len, bool *whole,
                                  struct mica_err *err)
{
    struct mica_digest seal;
    sqlite3_stmt *stmt =
        mica_register_prepare(reg, "SELECT digests, seal FROM shards WHERE blob = 'history'", err);
    if (!stmt)
        return mica_register_fail(reg, err);
    enum mica_status status = MICA_OK;
    int step = sqlite3_step(stmt);
    size_t n = step == SQLITE_ROW ? (size_t)sqlite3_column_bytes(stmt, 0) : 0;
    const void *kept = n ? sqlite3_column_blob(stmt, 0) : "";
    if (step != SQLITE_ROW && step != SQLITE_DONE)
        status = mica_register_fail(reg, err);
    else if (!seal_shards(reg, end_name, 0, kept, n, &seal))
        status = no_memory(err);
    else
        *whole = n == len && memcmp(kept, len ? last : "", len) == 0 &&
                 (step == SQLITE_DONE ||
                  (sqlite3_column_bytes(stmt, 1) == sizeof seal.bytes &&
                   memcmp(sqlite3_column_blob(stmt, 1), seal.bytes, sizeof seal.bytes) == 0));
    sqlite3_finalize(stmt);
    return status;
}

static enum mica_status keep_end(struct mica_register *reg, const struct mica_digest *last,
                                 struct mica_err *err)
{
    struct mica_digest seal;
    if (!seal_shards(reg, end_name, 0, last->bytes, sizeof last->bytes, &seal))
        return no_memory(err);
    sqlite3_stmt *stmt = mica_register_prepare(
        reg, "INSERT OR REPLACE INTO shards (blob, size, digests, seal) VALUES ('history', 0, ?, ?)", err);
    if (!stmt)
        return mica_register_fail(reg, err);
    sqlite3_bind_blob(stmt, 1, last->bytes, sizeof last->bytes, SQLITE_STATIC);
    sqlite3_bind_blob(stmt, 2, seal.bytes, sizeof seal.bytes, SQLITE_STATIC);
    return mica_register_run(reg, stmt, err);
}

/* The seal of a line covers the seal of the one before it. */
static bool seal_line(struct mica_register *reg, const void *before, size_t before_len,
                      const char *const text[4], struct mica_digest *out)
{
    struct mica_buf buf = {0};
    mica_seal_text(&buf, "history");
    mica_seal_bytes(&buf, before, before_len);
    for (int i = 0; i < 4; i++)
        mica_seal_text(&buf, text[i]);
    return mica_seal_make(reg, &buf, out);
}

/* *whole: nothing was cut off before it. */
static enum mica_status seal_next_line(struct mica_register *reg, const char *const text[4],
                                       struct mica_digest *out, bool *whole, struct mica_err *err)
{
    sqlite3_stmt *last = mica_register_prepare(reg, "SELECT seal FROM history ORDER BY id DESC LIMIT 1", err);
    if (!last)
        return mica_register_fail(reg, err);
    enum mica_status status = MICA_OK;
    int step = sqlite3_step(last);
    const void *before = step == SQLITE_ROW ? sqlite3_column_blob(last, 0) : NULL;
    size_t len = before ? (size_t)sqlite3_column_bytes(last, 0) : 0;
    if (step != SQLITE_ROW && step != SQLITE_DONE)
        status = mica_register_fail(reg, err);
    else if (!seal_line(reg, before, len, text, out))
        status = no_memory(err);
    if (status == MICA_OK)
        status = check_end(reg, before, len, whole, err);
    sqlite3_finalize(last);
    return status;
}

static enum mica_status insert_line(struct mica_register *reg, const char *const text[4],
                                    const struct mica_digest *seal, struct mica_err *err)
{
    sqlite3_stmt *stmt = mica_register_prepare(
        reg, "INSERT INTO history (time, name, event, what, seal) VALUES (?, ?, ?, ?, ?)", err);
    if (!stmt)
        return mica_register_fail(reg, err);
    for (int i = 0; i < 4; i++)
        mica_register_bind(stmt, i + 1, text[i]);
    sqlite3_bind_blob(stmt, 5, seal->bytes, sizeof seal->bytes, SQLITE_STATIC);
    return mica_register_run(reg, stmt, err);
}

enum mica_status mica_register_note(struct mica_register *reg, const char *name, const char *event,
                                    const char *what, struct mica_err *err)
{
    char now[MICA_TIME_TEXT];
    struct mica_digest seal;
    struct mica_arena arena = {0};
    mica_time_text(now);
    const char *const text[] = {now, mica_register_clean(&arena, name, false),
                                mica_register_clean(&arena, event, false),
                                mica_register_clean(&arena, what, false)};
    enum mica_status status = text[1] && text[2] && text[3] ? mica_register_begin(reg, err) : no_memory(err);
    if (status == MICA_OK) {
        bool whole = false;
        status = seal_next_line(reg, text, &seal, &whole, err);
        if (status == MICA_OK)
            status = insert_line(reg, text, &seal, err);
        if (status == MICA_OK && whole) /* else it stays known that something is missing */
            status = keep_end(reg, &seal, err);
        status = finish(reg, status, err);
    }
    mica_arena_release(&arena);
    return status;
}

/* broken: the first line that is not as it was, or 0; last: the seal of the last line. */
static enum mica_status judge_history(struct mica_register *reg, int64_t broken,
                                      const struct mica_digest *last, bool is_empty, struct mica_err *err)
{
    bool whole = true;
    if (broken)
        return mica_fail(err, MICA_EDENIED,
                         "%s: line %lld of the history, or the one before it, was changed outside Mica",
                         reg->path, (long long)broken);
    enum mica_status status = check_end(reg, last->bytes, is_empty ? 0 : sizeof last->bytes, &whole, err);
    if (status == MICA_OK && !whole)
        return mica_fail(err, MICA_EDENIED, "%s: lines of the history were removed at its end outside Mica",
                         reg->path);
    return status;
}

enum mica_status mica_register_history(struct mica_register *reg, const char *name,
                                       void (*row)(void *user, const char *time, const char *name,
                                                   const char *event, const char *what),
                                       void *user, struct mica_err *err)
{
    struct mica_digest before, seal;
    bool first = true;
    int64_t broken = 0;
    int step;
    enum mica_status status = MICA_OK;
    sqlite3_stmt *stmt =
        mica_register_prepare(reg, "SELECT id, seal, time, name, event, what FROM history ORDER BY id", err);
    if (!stmt)
        return mica_register_fail(reg, err);
    while (status == MICA_OK && (step = sqlite3_step(stmt)) != SQLITE_DONE) {
        if (step != SQLITE_ROW) {
            status = mica_register_fail(reg, err);
            break;
        }
        const char *text[4];
        for (int i = 0; i < 4; i++)
            text[i] = mica_register_text(stmt, i + 2);
        const void *stored = sqlite3_column_blob(stmt, 1);
        bool whole = sqlite3_column_bytes(stmt, 1) == sizeof seal.bytes;
        if (!seal_line(reg, before.bytes, first ? 0 : sizeof before.bytes, text, &seal))
            status = no_memory(err);
        else if (!broken && (!whole || memcmp(stored, seal.bytes, sizeof seal.bytes) != 0))
            broken = sqlite3_column_int64(stmt, 0);
        first = false;
        if (whole)
            memcpy(before.bytes, stored, sizeof before.bytes);
        if (status == MICA_OK && (!name || strcmp(name, text[1]) == 0))
            row(user, text[0], text[1], text[2], text[3]);
    }
    sqlite3_finalize(stmt);
    return status == MICA_OK ? judge_history(reg, broken, &before, first, err) : status;
}

/* ---- components ---- */

static enum mica_status write_seal(struct mica_register *reg, const struct mica_component *component,
                                   struct mica_err *err)
{
    struct mica_digest seal;
    enum mica_status status = mica_register_seal(reg, component, &seal, err);
    if (status != MICA_OK)
        return status;
    sqlite3_stmt *stmt = mica_register_prepare(reg, "UPDATE components SET seal = ? WHERE id = ?", err);
    if (!stmt)
        return mica_register_fail(reg, err);
    sqlite3_bind_blob(stmt, 1, seal.bytes, sizeof seal.bytes, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 2, component->id);
    return mica_register_run(reg, stmt, err);
}

/* The rows of "WHERE …", their seals checked or not; the caller releases out also on failure. */
static enum mica_status load_where(struct mica_register *reg, const char *where, int64_t id, bool check,
                                   struct mica_components *out, struct mica_err *err)
{
    char sql[1024];
    snprintf(sql, sizeof sql, "SELECT %s FROM components WHERE %s", mica_register_columns, where);
    sqlite3_stmt *stmt = mica_register_prepare(reg, sql, err);
    if (!stmt)
        return mica_register_fail(reg, err);
    sqlite3_bind_int64(stmt, 1, id);
    enum mica_status status = mica_register_load(reg, stmt, check, out, err);
    sqlite3_finalize(stmt);
    return status;
}

static void release_rows(struct mica_components *rows)
{
    mica_free(rows->rows);
    mica_arena_release(&rows->arena);
}

static enum mica_status find_id(struct mica_register *reg, const struct mica_component *component,
                                int64_t *out, struct mica_err *err)
{
    sqlite3_stmt *stmt = mica_register_prepare(
        reg, "SELECT id FROM components WHERE kind = ? AND name = ? AND version = ?", err);
    if (!stmt)
        return mica_register_fail(reg, err);
    mica_register_bind(stmt, 1, mica_component_kind_text(component->kind));
    mica_register_bind(stmt, 2, component->name);
    mica_register_bind(stmt, 3, component->version);
    int step = sqlite3_step(stmt);
    *out = step == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return step == SQLITE_ROW || step == SQLITE_DONE ? MICA_OK : mica_register_fail(reg, err);
}

static const char *separator(const struct mica_buf *what)
{
    return what->len && what->data[what->len - 1] != ' ' ? "; " : "";
}

static void say_change(struct mica_buf *what, const char *field, const char *before, const char *after)
{
    after = after ? after : "";
    if (strcmp(before, after) == 0 || strcmp(field, "time") == 0)
        return;
    mica_buf_printf(what, "%s%s: %s → %s", separator(what), field, *before ? before : "(none)",
                    *after ? after : "(none)");
}

static void say_new(struct mica_buf *what, const char *field, const char *value)
{
    if (value && *value)
        mica_buf_printf(what, "%s%s: %s", separator(what), field, value);
}

/* What the history line says: of a new component its evidence and origin, else every change. */
static enum mica_status describe(struct mica_register *reg, int64_t id, const struct mica_component *c,
                                 struct mica_buf *what, struct mica_err *err)
{
    struct mica_components old = {0};
    enum mica_status status = id ? load_where(reg, "id = ?", id, false, &old, err) : MICA_OK;
    /* A model's tokenizer and template have its name: their lines say what they are about. */
    if (c->kind == MICA_COMPONENT_MODEL)
        mica_buf_puts(what, "");
    else
        mica_buf_printf(what, "(%s) ", mica_component_kind_text(c->kind));
    size_t head = what->len;
    if (status == MICA_OK && old.n == 1) {
#define X(field) say_change(what, #field, old.rows[0].field, c->field);
        MICA_COMPONENT_TEXTS(X)
#undef X
        if (old.rows[0].size != c->size)
            mica_buf_printf(what, "%ssize: %lld → %lld", separator(what), (long long)old.rows[0].size,
                            (long long)c->size);
        if (what->len == head)
            mica_buf_puts(what, "unchanged");
    } else if (status == MICA_OK) {
        mica_buf_puts(what, "new");
        say_new(what, "digest", c->digest);
        say_new(what, "source", c->source);
        say_new(what, "declared_card", c->declared_card);
        say_new(what, "declared_key", c->declared_key);
        say_new(what, "declared_file", c->declared_file);
        say_new(what, "concluded", c->concluded);
        say_new(what, "drift", c->drift);
    }
    release_rows(&old);
    return status == MICA_OK && what->failed ? no_memory(err) : status;
}

/* Inserts or replaces the row; its seal is written afterwards. */
static enum mica_status write_row(struct mica_register *reg, const struct mica_component *c,
                                  struct mica_err *err)
{
    static const char sql[] = "INSERT INTO components (id, seal, kind, size"
#define X(field) ", " #field
        MICA_COMPONENT_TEXTS(X)
#undef X
            ") VALUES (?, x'', ?, ?"
#define X(field) ", ?"
        MICA_COMPONENT_TEXTS(X)
#undef X
            ") ON CONFLICT (id) DO UPDATE SET size = excluded.size"
#define X(field) ", " #field " = excluded." #field
        MICA_COMPONENT_TEXTS(X)
#undef X
        ;
    sqlite3_stmt *stmt = mica_register_prepare(reg, sql, err);
    if (!stmt)
        return mica_register_fail(reg, err);
    int i = 4;
    if (c->id)
        sqlite3_bind_int64(stmt, 1, c->id);
    mica_register_bind(stmt, 2, mica_component_kind_text(c->kind));
    sqlite3_bind_int64(stmt, 3, c->size);
#define X(field) mica_register_bind(stmt, i++, c->field);
    MICA_COMPONENT_TEXTS(X)
#undef X
    return mica_register_run(reg, stmt, err);
}

/* A copy with clean texts, and the time when none was given. */
static bool clean_row(struct mica_component *row, struct mica_arena *arena)
{
    char now[MICA_TIME_TEXT];
    mica_time_text(now);
    if (!row->time || !*row->time)
        row->time = now;
    const char *notes = mica_register_clean(arena, row->notes, true),
               *card = mica_register_clean(arena, row->card, true);
    bool ok = notes && card;
#define X(field) ok = (row->field = mica_register_clean(arena, row->field, false)) != NULL && ok;
    MICA_COMPONENT_TEXTS(X)
#undef X
    row->notes = notes;
    row->card = card;
    return ok;
}

static enum mica_status put_row(struct mica_register *reg, struct mica_component *row, const char *event,
                                struct mica_err *err)
{
    struct mica_buf what = {0};
    enum mica_status status = find_id(reg, row, &row->id, err);
    if (status == MICA_OK)
        status = describe(reg, row->id, row, &what, err);
    if (status == MICA_OK)
        status = write_row(reg, row, err);
    if (status == MICA_OK && row->id == 0)
        row->id = sqlite3_last_insert_rowid(reg->db);
    if (status == MICA_OK)
        status = write_seal(reg, row, err);
    if (status == MICA_OK)
        status = mica_register_note(reg, row->name, event, what.data, err);
    mica_buf_release(&what);
    return status;
}

enum mica_status mica_register_put(struct mica_register *reg, const struct mica_component *component,
                                   const char *event, int64_t *id_out, struct mica_err *err)
{
    struct mica_component row = *component;
    struct mica_arena arena = {0};
    if (!row.name || !*row.name)
        return mica_fail(err, MICA_EARG, "register: a component needs a name");
    enum mica_status status = clean_row(&row, &arena) ? mica_register_begin(reg, err) : no_memory(err);
    if (status == MICA_OK)
        status = finish(reg, put_row(reg, &row, event, err), err);
    mica_arena_release(&arena);
    if (status == MICA_OK && id_out)
        *id_out = row.id;
    return status;
}

/* Runs a statement with up to three values and seals the component `from` again. check: only when its old
 * seal was whole, so that a changed row cannot be laundered by adding a link. */
static enum mica_status change_links(struct mica_register *reg, const char *sql, int64_t from,
                                     const char *relation, int64_t to, bool check, struct mica_err *err)
{
    struct mica_components row = {0};
    enum mica_status status = mica_register_begin(reg, err);
    if (status != MICA_OK)
        return status;
    status = load_where(reg, "id = ?", from, check, &row, err);
    if (status == MICA_OK && row.n != 1)
        status = mica_fail(err, MICA_ENOTFOUND, "register: there is no component %lld", (long long)from);
    sqlite3_stmt *stmt = status == MICA_OK ? mica_register_prepare(reg, sql, err) : NULL;
    if (status == MICA_OK && !stmt)
        status = mica_register_fail(reg, err);
    if (stmt) {
        sqlite3_bind_int64(stmt, 1, from);
        if (relation) {
            mica_register_bind(stmt, 2, relation);
            sqlite3_bind_int64(stmt, 3, to);
        }
        status = mica_register_run(reg, stmt, err);
    }
    if (status == MICA_OK)
        status = write_seal(reg, &row.rows[0], err);
    release_rows(&row);
    return finish(reg, status, err);
}

enum mica_status mica_register_link(struct mica_register *reg, int64_t from, enum mica_relation relation,
                                    int64_t to, struct mica_err *err)
{
    return change_links(reg, "INSERT INTO links (src, relation, dst) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                        from, mica_relation_text(relation), to, true, err);
}

enum mica_status mica_register_unlink(struct mica_register *reg, int64_t from, struct mica_err *err)
{
    return change_links(reg, "DELETE FROM links WHERE src = ?", from, NULL, 0, true, err);
}

enum mica_status mica_register_retarget(struct mica_register *reg, int64_t from, int64_t to,
                                        struct mica_err *err)
{
    static const char *const steps[] = {
        "UPDATE OR IGNORE links SET dst = ?2 WHERE dst = ?1", "DELETE FROM links WHERE dst = ?1 AND ?2 = ?2",
        "DELETE FROM links WHERE src = ?2 AND dst = ?2 AND ?1 = ?1", /* itself is no base of itself */
    };
    struct mica_components users = {0};
    enum mica_status status = mica_register_begin(reg, err);
    if (status != MICA_OK)
        return status;
    status = load_where(reg, "id IN (SELECT src FROM links WHERE dst = ?)", from, true, &users, err);
    for (size_t i = 0; i < MICA_COUNT(steps) && status == MICA_OK; i++) {
        sqlite3_stmt *stmt = mica_register_prepare(reg, steps[i], err);
        if (stmt) {
            sqlite3_bind_int64(stmt, 1, from);
            sqlite3_bind_int64(stmt, 2, to);
        }
        status = stmt ? mica_register_run(reg, stmt, err) : mica_register_fail(reg, err);
    }
    for (int64_t i = 0; i < users.n && status == MICA_OK; i++)
        status = write_seal(reg, &users.rows[i], err);
    release_rows(&users);
    return finish(reg, status, err);
}

static enum mica_status run_with_id(struct mica_register *reg, const char *sql, int64_t id,
                                    struct mica_err *err)
{
    sqlite3_stmt *stmt = mica_register_prepare(reg, sql, err);
    if (!stmt)
        return mica_register_fail(reg, err);
    sqlite3_bind_int64(stmt, 1, id);
    return mica_register_run(reg, stmt, err);
}

/* Deletes a row that nothing is linked to. */
static enum mica_status delete_row(struct mica_register *reg, const struct mica_component *row,
                                   const char *event, struct mica_err *err)
{
    enum mica_status status = run_with_id(reg, "DELETE FROM links WHERE src = ?", row->id, err);
    if (status == MICA_OK)
        status = run_with_id(reg, "DELETE FROM components WHERE id = ?", row->id, err);
    return status == MICA_OK ? mica_register_note(reg, row->name, event, "removed from the register", err)
                             : status;
}

static enum mica_status remove_row(struct mica_register *reg, int64_t id, const char *event,
                                   struct mica_err *err)
{
    struct mica_components row = {0}, users = {0}, parts = {0}, left = {0};
    enum mica_status status = load_where(reg, "id = ?", id, false, &row, err);
    if (status == MICA_OK && row.n != 1)
        status = mica_fail(err, MICA_ENOTFOUND, "register: there is no component %lld", (long long)id);
    if (status == MICA_OK)
        status = load_where(reg, "id IN (SELECT src FROM links WHERE dst = ?)", id, false, &users, err);
    if (status == MICA_OK && users.n > 0) {
        status = mica_register_note(reg, row.rows[0].name, event,
                                    "kept in the register: other components come from it", err);
        goto out;
    }
    if (status == MICA_OK)
        status =
            load_where(reg,
                       "id IN (SELECT dst FROM links WHERE src = ?) AND (kind IN ('tokenizer', 'template') "
                       "OR digest = '')",
                       id, false, &parts, err);
    if (status == MICA_OK)
        status = delete_row(reg, &row.rows[0], event, err);
    for (int64_t i = 0; status == MICA_OK && i < parts.n; i++) {
        left.n = 0;
        status = load_where(reg, "id IN (SELECT src FROM links WHERE dst = ?)", parts.rows[i].id, false,
                            &left, err);
        if (status == MICA_OK && left.n == 0)
            status = delete_row(reg, &parts.rows[i], event, err);
    }
out:
    release_rows(&row);
    release_rows(&users);
    release_rows(&parts);
    release_rows(&left);
    return status;
}

enum mica_status mica_register_remove(struct mica_register *reg, int64_t id, const char *event,
                                      struct mica_err *err)
{
    enum mica_status status = mica_register_begin(reg, err);
    return status == MICA_OK ? finish(reg, remove_row(reg, id, event, err), err) : status;
}

/* The ids of a kind and name, seals not looked at. */
static enum mica_status load_named(struct mica_register *reg, enum mica_component_kind kind, const char *name,
                                   bool check, struct mica_components *out, struct mica_err *err)
{
    char sql[1024];
    snprintf(sql, sizeof sql, "SELECT %s FROM components WHERE kind = ? AND name = ? ORDER BY version",
             mica_register_columns);
    sqlite3_stmt *stmt = mica_register_prepare(reg, sql, err);
    if (!stmt)
        return mica_register_fail(reg, err);
    mica_register_bind(stmt, 1, mica_component_kind_text(kind));
    mica_register_bind(stmt, 2, name);
    enum mica_status status = mica_register_load(reg, stmt, check, out, err);
    sqlite3_finalize(stmt);
    if (status == MICA_OK && out->n == 0)
        status = mica_fail(err, MICA_ENOTFOUND, "%s: is not in the register", name);
    return status;
}

enum mica_status mica_register_forget(struct mica_register *reg, enum mica_component_kind kind,
                                      const char *name, const char *event, struct mica_err *err)
{
    struct mica_components rows = {0};
    enum mica_status status = mica_register_begin(reg, err);
    if (status != MICA_OK)
        return status;
    status = load_named(reg, kind, name, false, &rows, err);
    for (int64_t i = 0; i < rows.n && status == MICA_OK; i++)
        status = remove_row(reg, rows.rows[i].id, event, err);
    release_rows(&rows);
    return finish(reg, status, err);
}

/* The row gets a version; seals of what is linked to it follow. A row whose seal is broken stays as it is. */
static enum mica_status set_version(struct mica_register *reg, struct mica_component *row,
                                    struct mica_components *users, struct mica_err *err)
{
    char version[13];
    snprintf(version, sizeof version, "%.12s", row->digest);
    sqlite3_stmt *stmt = mica_register_prepare(reg, "UPDATE components SET version = ? WHERE id = ?", err);
    if (!stmt)
        return mica_register_fail(reg, err);
    mica_register_bind(stmt, 1, version);
    sqlite3_bind_int64(stmt, 2, row->id);
    enum mica_status status = mica_register_run(reg, stmt, err);
    row->version = version;
    if (status == MICA_OK)
        status = write_seal(reg, row, err);
    for (int64_t i = 0; i < users->n && status == MICA_OK; i++)
        status = write_seal(reg, &users->rows[i], err);
    return status == MICA_OK ? mica_register_note(reg, row->name, "replaced",
                                                  "kept as it was: other components come from it", err)
                             : status;
}

enum mica_status mica_register_set_aside(struct mica_register *reg, enum mica_component_kind kind,
                                         const char *name, struct mica_err *err)
{
    const struct mica_component current = {.kind = kind, .name = name};
    struct mica_components row = {0}, users = {0};
    int64_t id = 0, other = 0;
    enum mica_status status = mica_register_begin(reg, err);
    if (status != MICA_OK)
        return status;
    status = find_id(reg, &current, &id, err);
    /* What is tampered with is refused as it stands; it must not be sealed anew here. */
    bool is_sound =
        status == MICA_OK && id && load_where(reg, "id = ?", id, true, &row, NULL) == MICA_OK &&
        load_where(reg, "id IN (SELECT src FROM links WHERE dst = ?)", id, true, &users, NULL) == MICA_OK;
    if (is_sound && row.n == 1 && users.n > 0 && *row.rows[0].digest) {
        char version[13];
        snprintf(version, sizeof version, "%.12s", row.rows[0].digest);
        struct mica_component before = current;
        before.version = version;
        status = find_id(reg, &before, &other, err);
        if (status == MICA_OK && other)
            status = mica_register_retarget(reg, id, other, err);
        else if (status == MICA_OK)
            status = set_version(reg, &row.rows[0], &users, err);
    }
    release_rows(&row);
    release_rows(&users);
    return finish(reg, status, err);
}

/* Whether another model has the name that a copy of row is to get. */
static bool is_taken(struct mica_register *reg, const struct mica_component *row, const char *to)
{
    struct mica_components there = {0};
    bool is_other = false;
    if (load_named(reg, row->kind, to, false, &there, NULL) != MICA_OK)
        there.n = 0;
    for (int64_t i = 0; i < there.n; i++)
        is_other = is_other || (!*there.rows[i].version && strcmp(there.rows[i].digest, row->digest) != 0);
    release_rows(&there);
    return is_other;
}

enum mica_status mica_register_copy(struct mica_register *reg, enum mica_component_kind kind,
                                    const char *from, const char *to, const char *event, struct mica_err *err)
{
    struct mica_components rows = {0};
    enum mica_status status = mica_register_begin(reg, err);
    if (status != MICA_OK)
        return status;
    status = load_named(reg, kind, from, true, &rows, err);
    for (int64_t i = 0; i < rows.n && status == MICA_OK; i++) {
        struct mica_component copy = rows.rows[i];
        copy.name = to;
        if (*copy.version)
            continue; /* a former model of that name */
        bool was_taken = is_taken(reg, &copy, to);
        if (was_taken)
            status = mica_register_set_aside(reg, kind, to, err);
        if (status == MICA_OK)
            status = mica_register_put(reg, &copy, event, &copy.id, err);
        if (status == MICA_OK && was_taken) /* what the former model was made of is not what this one is */
            status = mica_register_unlink(reg, copy.id, err);
        if (status == MICA_OK && copy.id != rows.rows[i].id)
            status = change_links(
                reg,
                "INSERT INTO links (src, relation, dst) SELECT ?1, relation, dst FROM links WHERE "
                "src = ?3 AND dst <> ?1 AND ?2 = '' ON CONFLICT DO NOTHING",
                copy.id, "", rows.rows[i].id, true, err);
    }
    release_rows(&rows);
    return finish(reg, status, err);
}

/* ---- shards ---- */

enum mica_status mica_register_put_shards(struct mica_register *reg, const struct mica_digest *blob,
                                          uint64_t size, const struct mica_digest *shards,
                                          struct mica_err *err)
{
    char hex[MICA_DIGEST_HEX];
    struct mica_digest seal;
    size_t n = mica_shard_count(size);
    mica_digest_hex(blob, hex);
    if (size > INT64_MAX || n > INT32_MAX / sizeof *shards)
        return mica_fail(err, MICA_ELIMIT, "sha256:%s: too big for the register", hex);
    if (!seal_shards(reg, hex, size, shards, n * sizeof *shards, &seal))
        return no_memory(err);
    enum mica_status status = mica_register_begin(reg, err);
    if (status != MICA_OK)
        return status;
    sqlite3_stmt *stmt = mica_register_prepare(
        reg, "INSERT OR REPLACE INTO shards (blob, size, digests, seal) VALUES (?, ?, ?, ?)", err);
    if (stmt) {
        mica_register_bind(stmt, 1, hex);
        sqlite3_bind_int64(stmt, 2, (int64_t)size);
        sqlite3_bind_blob(stmt, 3, n ? (const void *)shards : "", (int)(n * sizeof *shards), SQLITE_STATIC);
        sqlite3_bind_blob(stmt, 4, seal.bytes, sizeof seal.bytes, SQLITE_STATIC);
    }
    status = stmt ? mica_register_run(reg, stmt, err) : mica_register_fail(reg, err);
    return finish(reg, status, err);
}

static enum mica_status read_shards(struct mica_register *reg, sqlite3_stmt *stmt, const char *hex,
                                    uint64_t *size_out, struct mica_digest **shards_out, struct mica_err *err)
{
    struct mica_digest seal;
    uint64_t size = (uint64_t)sqlite3_column_int64(stmt, 0);
    size_t len = (size_t)sqlite3_column_bytes(stmt, 1);
    const void *digests = sqlite3_column_blob(stmt, 1);
    if (!seal_shards(reg, hex, size, digests, len, &seal))
        return no_memory(err);
    if (sqlite3_column_bytes(stmt, 2) != sizeof seal.bytes ||
        memcmp(sqlite3_column_blob(stmt, 2), seal.bytes, sizeof seal.bytes) != 0 ||
        len != mica_shard_count(size) * sizeof seal)
        return mica_fail(err, MICA_EDENIED,
                         "sha256:%s: its shards in the register were changed outside Mica (or the key was); "
                         "record the model anew with 'mica register NAME'",
                         hex);
    struct mica_digest *copy = mica_alloc(mica_shard_count(size), sizeof *copy);
    if (!copy)
        return no_memory(err);
    if (len)
        memcpy(copy, digests, len);
    *size_out = size;
    *shards_out = copy;
    return MICA_OK;
}

enum mica_status mica_register_shards(struct mica_register *reg, const struct mica_digest *blob,
                                      uint64_t *size_out, struct mica_digest **shards_out,
                                      struct mica_err *err)
{
    char hex[MICA_DIGEST_HEX];
    enum mica_status status = MICA_OK;
    mica_digest_hex(blob, hex);
    sqlite3_stmt *stmt =
        mica_register_prepare(reg, "SELECT size, digests, seal FROM shards WHERE blob = ?", err);
    if (!stmt)
        return mica_register_fail(reg, err);
    mica_register_bind(stmt, 1, hex);
    int step = sqlite3_step(stmt);
    if (step == SQLITE_DONE)
        status = mica_fail(err, MICA_ENOTFOUND,
                           "sha256:%s: its shards are not in the register; record the model with 'mica "
                           "register NAME'",
                           hex);
    else if (step != SQLITE_ROW)
        status = mica_register_fail(reg, err);
    else
        status = read_shards(reg, stmt, hex, size_out, shards_out, err);
    sqlite3_finalize(stmt);
    return status;
}
