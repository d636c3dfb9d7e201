/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The register's file: opening, migrations, transactions. */
#include "govern/register_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { APPLICATION_ID = 0x4d696361 /* "Mica", in the file's header */, BUSY_MS = 10000 };

/* Step i brings a file from user_version i to i + 1. Steps are only ever added. */
static const char *const migrations[] = {
    "CREATE TABLE components (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, size INTEGER NOT NULL"
#define X(field) ", " #field " TEXT NOT NULL"
    MICA_COMPONENT_TEXTS(X)
#undef X
        ", seal BLOB NOT NULL, UNIQUE (kind, name, version)) STRICT;"
        "CREATE TABLE links (src INTEGER NOT NULL REFERENCES components (id), relation TEXT NOT NULL, dst "
        "INTEGER "
        "NOT NULL REFERENCES components (id), PRIMARY KEY (src, relation, dst)) STRICT, WITHOUT ROWID;"
        "CREATE TABLE shards (blob TEXT PRIMARY KEY, size INTEGER NOT NULL, digests BLOB NOT NULL, seal BLOB "
        "NOT "
        "NULL) STRICT, WITHOUT ROWID;"
        "CREATE TABLE history (id INTEGER PRIMARY KEY, time TEXT NOT NULL, name TEXT NOT NULL, event TEXT "
        "NOT "
        "NULL, what TEXT NOT NULL, seal BLOB NOT NULL) STRICT;",
    "CREATE INDEX components_digest ON components (digest);"
    "CREATE INDEX links_dst ON links (dst);"
    "CREATE INDEX history_name ON history (name);",
};

enum mica_status mica_register_fail(struct mica_register *reg, struct mica_err *err)
{
    switch (sqlite3_errcode(reg->db) & 0xff) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return mica_fail(
            err, MICA_EFORMAT,
            "%s: is damaged, or no register of Mica's (%s); put a good copy back, or move it away "
            "and record every model anew with 'mica register NAME'",
            reg->path, sqlite3_errmsg(reg->db));
    case SQLITE_NOMEM:
        return mica_fail(err, MICA_ENOMEM, "%s: out of memory", reg->path);
    case SQLITE_BUSY:
        return mica_fail(err, MICA_EIO, "%s: another process has been writing to it for %d s; try again",
                         reg->path, BUSY_MS / 1000);
    case SQLITE_READONLY:
        return mica_fail(err, MICA_EDENIED, "%s: cannot be written to (%s)", reg->path,
                         sqlite3_errmsg(reg->db));
    case SQLITE_TOOBIG:
        return mica_fail(err, MICA_ELIMIT, "%s: a text is too long", reg->path);
    default:
        return mica_fail(err, MICA_EIO, "%s: %s", reg->path, sqlite3_errmsg(reg->db));
    }
}

sqlite3_stmt *mica_register_prepare(struct mica_register *reg, const char *sql, struct mica_err *err)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(reg->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        mica_register_fail(reg, err);
    return stmt;
}

void mica_register_bind(sqlite3_stmt *stmt, int i, const char *text)
{
    sqlite3_bind_text(stmt, i, text ? text : "", -1, SQLITE_STATIC);
}

enum mica_status mica_register_run(struct mica_register *reg, sqlite3_stmt *stmt, struct mica_err *err)
{
    enum mica_status status = sqlite3_step(stmt) == SQLITE_DONE ? MICA_OK : mica_register_fail(reg, err);
    sqlite3_finalize(stmt);
    return status;
}

const char *mica_register_text(sqlite3_stmt *stmt, int column)
{
    const unsigned char *text = sqlite3_column_text(stmt, column);
    return text ? (const char *)text : "";
}

static enum mica_status execute(struct mica_register *reg, const char *sql, struct mica_err *err)
{
    return sqlite3_exec(reg->db, sql, NULL, NULL, NULL) == SQLITE_OK ? MICA_OK : mica_register_fail(reg, err);
}

static enum mica_status query_int(struct mica_register *reg, const char *sql, int64_t *out,
                                  struct mica_err *err)
{
    sqlite3_stmt *stmt = NULL;
    enum mica_status status = MICA_OK;
    if (sqlite3_prepare_v2(reg->db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        *out = sqlite3_column_int64(stmt, 0);
    else
        status = mica_register_fail(reg, err);
    sqlite3_finalize(stmt);
    return status;
}

/* What the file is: *version of a register, 0 of an empty file; anything else is refused. */
static enum mica_status file_version(struct mica_register *reg, int64_t *version, struct mica_err *err)
{
    int64_t application = 0, tables = 0;
    enum mica_status status = query_int(reg, "PRAGMA application_id", &application, err);
    if (status == MICA_OK)
        status = query_int(reg, "SELECT count(*) FROM sqlite_schema", &tables, err);
    if (status == MICA_OK)
        status = query_int(reg, "PRAGMA user_version", version, err);
    if (status != MICA_OK)
        return status;
    if (application != APPLICATION_ID && (application != 0 || tables != 0))
        return mica_fail(err, MICA_EFORMAT, "%s: is another program's database; move it away", reg->path);
    if (*version > (int64_t)MICA_COUNT(migrations))
        return mica_fail(err, MICA_EUNSUPPORTED,
                         "%s: has format %lld, made by a newer Mica; this one knows %d", reg->path,
                         (long long)*version, (int)MICA_COUNT(migrations));
    if (*version < 0 || (application == APPLICATION_ID && *version == 0))
        return mica_fail(err, MICA_EFORMAT, "%s: is damaged: its format is %lld", reg->path,
                         (long long)*version);
    return MICA_OK;
}

static enum mica_status migrate(struct mica_register *reg, struct mica_err *err)
{
    char sql[64];
    int64_t version = 0;
    enum mica_status status = file_version(reg, &version, err);
    if (status != MICA_OK || version == (int64_t)MICA_COUNT(migrations))
        return status;
    status = mica_register_begin(reg, err);
    if (status != MICA_OK)
        return status;
    status = file_version(reg, &version, err); /* another process may have been faster */
    for (int64_t i = version; status == MICA_OK && i < (int64_t)MICA_COUNT(migrations); i++)
        status = execute(reg, migrations[i], err);
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d; PRAGMA application_id = %d",
             (int)MICA_COUNT(migrations), APPLICATION_ID);
    if (status == MICA_OK)
        status = execute(reg, sql, err);
    if (status == MICA_OK)
        return mica_register_end(reg, true, err);
    mica_register_end(reg, false, NULL);
    return status;
}

/* A file from other hands may hold triggers and views; none of them runs. */
static bool configure(sqlite3 *db)
{
    return sqlite3_busy_timeout(db, BUSY_MS) == SQLITE_OK &&
           sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) == SQLITE_OK &&
           sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) == SQLITE_OK &&
           sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL) == SQLITE_OK &&
           sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL) == SQLITE_OK &&
           sqlite3_extended_result_codes(db, 1) == SQLITE_OK;
}

static enum mica_status open_database(struct mica_register *reg, struct mica_err *err)
{
    int code = sqlite3_open_v2(reg->path, &reg->db,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW, NULL);
    if (!reg->db)
        return mica_fail(err, MICA_ENOMEM, "%s: out of memory", reg->path);
    if (code != SQLITE_OK || !configure(reg->db))
        return mica_register_fail(reg, err);
    enum mica_status status =
        execute(reg,
                "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON; "
                "PRAGMA temp_store = MEMORY",
                err);
    return status == MICA_OK ? migrate(reg, err) : status;
}

static enum mica_status find_home(const char *home, char out[MICA_PATH_MAX], struct mica_err *err)
{
    const char *set = getenv("MICA_HOME"), *user = getenv("HOME");
    if (home || (set && *set))
        return mica_fs_path(out, err, "%s", home ? home : set);
    return mica_fs_path(out, err, "%s/.mica", user ? user : "");
}

enum mica_status mica_register_open(const char *home, struct mica_register **out, struct mica_err *err)
{
    char folder[MICA_PATH_MAX], real[MICA_PATH_MAX];
    enum mica_status status = find_home(home, folder, err);
    if (status == MICA_OK)
        status = mica_fs_mkdirs(folder, err);
    if (status != MICA_OK)
        return status;
    /* NOFOLLOW looks at every part of the path, and only the last one must not be a link. */
    if (!realpath(folder, real))
        return mica_fail(err, MICA_EIO, "%s: cannot be resolved", folder);
    struct mica_register *reg = mica_alloc(1, sizeof *reg);
    if (!reg)
        return mica_fail(err, MICA_ENOMEM, "%s: out of memory", folder);
    status = mica_fs_path(reg->path, err, "%s/register.db", real);
    if (status == MICA_OK)
        status = open_database(reg, err);
    if (status == MICA_OK)
        status = mica_register_key(real, reg->key, err);
    if (status != MICA_OK) {
        mica_register_close(reg);
        return status;
    }
    *out = reg;
    return MICA_OK;
}

void mica_register_close(struct mica_register *reg)
{
    if (!reg)
        return;
    sqlite3_close(reg->db); /* rolls back what is open */
    mica_free(reg);
}

enum mica_status mica_register_begin(struct mica_register *reg, struct mica_err *err)
{
    if (reg->depth == 0) {
        enum mica_status status = execute(reg, "BEGIN IMMEDIATE", err);
        if (status != MICA_OK)
            return status;
        reg->failed = false;
    }
    reg->depth++;
    return MICA_OK;
}

enum mica_status mica_register_end(struct mica_register *reg, bool commit, struct mica_err *err)
{
    enum mica_status status = MICA_OK;
    reg->failed = reg->failed || !commit;
    if (--reg->depth > 0)
        return MICA_OK;
    if (!reg->failed) {
        status = execute(reg, "COMMIT", err);
        if (status == MICA_OK)
            return MICA_OK;
    } else if (commit)
        status = mica_fail(err, MICA_EINTERNAL, "%s: part of the change failed, nothing was kept", reg->path);
    sqlite3_exec(reg->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

enum mica_status mica_register_read_begin(struct mica_register *reg, struct mica_err *err)
{
    return reg->depth ? MICA_OK : execute(reg, "BEGIN", err);
}

void mica_register_read_end(struct mica_register *reg)
{
    if (!reg->depth)
        sqlite3_exec(reg->db, "COMMIT", NULL, NULL, NULL);
}
