/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What the files of the register share. */
#ifndef MICA_REGISTER_INTERNAL_H
#define MICA_REGISTER_INTERNAL_H

#include "base/fs.h"
#include "govern/register.h"

#include <sqlite3.h>

enum { MICA_KEY_BYTES = 32 };
struct mica_register {
    sqlite3 *db;
    char path[MICA_PATH_MAX];
    uint8_t key[MICA_KEY_BYTES];
    int depth;   /* of mica_register_begin */
    bool failed; /* an inner transaction was rolled back */
};

/* Reads MICA_HOME/key into key, and makes it when it is not there; any number of processes at once. */
enum mica_status mica_register_key(const char *home, uint8_t key[MICA_KEY_BYTES], struct mica_err *err);

/* What a seal is made over: fields one after the other, each with its length before it, so that no text can
 * pass for two. */
void mica_seal_text(struct mica_buf *buf, const char *text); /* NULL counts as "" */
void mica_seal_bytes(struct mica_buf *buf, const void *data, size_t len);
void mica_seal_int(struct mica_buf *buf, int64_t value);
/* The seal over buf, which is released. false when out of memory. */
bool mica_seal_make(const struct mica_register *reg, struct mica_buf *buf, struct mica_digest *out);

/* A copy that is UTF-8 without control characters: what the register holds comes from anyone and goes to
 * terminals, pages and JSON. NULL: out of memory. */
const char *mica_register_clean(struct mica_arena *arena, const char *text, bool keep_newlines);
/* Turns SQLite's last error into ours. */
enum mica_status mica_register_fail(struct mica_register *reg, struct mica_err *err);
/* A statement, or NULL with *err filled; finalise it. */
sqlite3_stmt *mica_register_prepare(struct mica_register *reg, const char *sql, struct mica_err *err);
void mica_register_bind(sqlite3_stmt *stmt, int i, const char *text); /* NULL counts as "" */
/* Runs a statement that gives no rows, and finalises it. */
enum mica_status mica_register_run(struct mica_register *reg, sqlite3_stmt *stmt, struct mica_err *err);
const char *mica_register_text(sqlite3_stmt *stmt, int column); /* never NULL */
/* A consistent view for several reads: nothing to do inside a transaction. */
enum mica_status mica_register_read_begin(struct mica_register *reg, struct mica_err *err);
void mica_register_read_end(struct mica_register *reg);

/* The columns that mica_register_load reads, as SQL. */
extern const char mica_register_columns[];
/* Appends the rows that stmt gives (its columns as above), their seals checked when check says so. */
enum mica_status mica_register_load(struct mica_register *reg, sqlite3_stmt *stmt, bool check,
                                    struct mica_components *out, struct mica_err *err);
/* The seal of a component, its links included. */
enum mica_status mica_register_seal(struct mica_register *reg, const struct mica_component *component,
                                    struct mica_digest *out, struct mica_err *err);

#endif
