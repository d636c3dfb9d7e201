/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The register: rows and their seals, links and closures, history, shards; files that are none of ours. */
#include "base/fs.h"
#include "govern/register.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

static char home[64];
static struct mica_err err;

static int setup(void **state)
{
    snprintf(home, sizeof home, "/tmp/mica-register-XXXXXX");
    return mkdtemp(home) ? 0 : -1;
}

static int teardown(void **state)
{
    static const char *const names[] = {"register.db", "register.db-journal", "key"};
    char path[128];
    for (size_t i = 0; i < MICA_COUNT(names); i++) {
        snprintf(path, sizeof path, "%s/%s", home, names[i]);
        unlink(path);
    }
    return rmdir(home);
}

static struct mica_register *open_register(void)
{
    struct mica_register *reg = NULL;
    if (mica_register_open(home, &reg, &err) != MICA_OK)
        fail_msg("%s", err.text);
    return reg;
}

static int64_t put(struct mica_register *reg, enum mica_component_kind kind, const char *name,
                   const char *concluded)
{
    int64_t id = 0;
    struct mica_component c = {.kind = kind, .name = name, .concluded = concluded, .digest = "aa", .size = 7};
    if (mica_register_put(reg, &c, "register", &id, &err) != MICA_OK)
        fail_msg("%s", err.text);
    return id;
}

/* Does to the file what another program would. */
static void tamper(const char *sql)
{
    char path[128];
    char *message = NULL;
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/register.db", home);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    sqlite3_close(db);
}

static void test_put_and_find(void **state)
{
    struct mica_components *found = NULL;
    struct mica_register *reg = open_register();
    int64_t id = put(reg, MICA_COMPONENT_MODEL, "m:latest", "MIT");
    assert_int_equal(put(reg, MICA_COMPONENT_MODEL, "m:latest", "Apache-2.0"), id);
    assert_int_not_equal(put(reg, MICA_COMPONENT_TEMPLATE, "m:latest", "MIT"), id);
    mica_register_close(reg);
    reg = open_register();
    assert_int_equal(mica_register_find(reg, MICA_COMPONENT_MODEL, "m:latest", &found, &err), MICA_OK);
    assert_int_equal(found->n, 1);
    assert_string_equal(found->rows[0].concluded, "Apache-2.0");
    assert_string_equal(found->rows[0].owner, "");
    assert_int_equal(found->rows[0].size, 7);
    assert_int_equal(strlen(found->rows[0].time), 20);
    mica_components_free(found);
    assert_int_equal(mica_register_find(reg, MICA_COMPONENT_MODEL, "x", &found, &err), MICA_ENOTFOUND);
    assert_int_equal(mica_register_put(reg, &(struct mica_component){0}, "", NULL, &err), MICA_EARG);
    mica_register_close(reg);
}

/* What comes from anyone cannot move a cursor, and is UTF-8. */
static void test_clean_texts(void **state)
{
    static const struct {
        const char *given, *kept;
    } rows[] = {
        {"plain – ünïcode 你好 🙂", "plain – ünïcode 你好 🙂"},
        {"a\x1b[2Jb\tc\x7f", "a [2Jb c "},
        {"\xc2\x9b", "  "},
        {"\xe2\x80\xae"
         "x\xe2\x81\xa6",
         "   x   "},
        {"\xff\xc3(\xc0\xaf\xed\xa0\x80\xf5\x80\x80\x80", "?"
                                                          "?(???????"
                                                          "?"
                                                          "?"},
        {"\xe4\xbd", "??"},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_components *found = NULL;
        struct mica_register *reg = open_register();
        struct mica_component c = {
            .kind = MICA_COMPONENT_MODEL, .name = "m", .owner = rows[i].given, .notes = "a\nb"};
        assert_int_equal(mica_register_put(reg, &c, "", NULL, &err), MICA_OK);
        assert_int_equal(mica_register_find(reg, MICA_COMPONENT_MODEL, "m", &found, &err), MICA_OK);
        if (strcmp(found->rows[0].owner, rows[i].kept) != 0)
            fail_msg("row %zu: '%s'", i, found->rows[0].owner);
        assert_string_equal(found->rows[0].notes, "a\nb");
        mica_components_free(found);
        mica_register_close(reg);
    }
}

static void test_find_digest(void **state)
{
    char hex[MICA_DIGEST_HEX];
    struct mica_digest digest;
    struct mica_components *found = NULL;
    struct mica_register *reg = open_register();
    mica_sha256("x", 1, &digest);
    mica_digest_hex(&digest, hex);
    assert_int_equal(mica_register_find_digest(reg, &digest, &found, &err), MICA_ENOTFOUND);
    struct mica_component c = {.kind = MICA_COMPONENT_MODEL, .name = "b", .digest = hex};
    assert_int_equal(mica_register_put(reg, &c, "pull", NULL, &err), MICA_OK);
    c.name = "a";
    assert_int_equal(mica_register_put(reg, &c, "pull", NULL, &err), MICA_OK);
    assert_int_equal(mica_register_find_digest(reg, &digest, &found, &err), MICA_OK);
    assert_int_equal(found->n, 2);
    assert_string_equal(found->rows[0].name, "a");
    mica_components_free(found);
    mica_register_close(reg);
}

static void test_closure(void **state)
{
    struct mica_components *found = NULL;
    struct mica_digest first, second;
    struct mica_register *reg = open_register();
    int64_t model = put(reg, MICA_COMPONENT_MODEL, "tuned", "MIT"),
            base = put(reg, MICA_COMPONENT_MODEL, "base", "MIT"),
            data = put(reg, MICA_COMPONENT_DATASET, "data", "CC-BY-4.0");
    put(reg, MICA_COMPONENT_MODEL, "other", "MIT");
    assert_int_equal(mica_register_link(reg, model, MICA_RELATION_BASE, base, &err), MICA_OK);
    assert_int_equal(mica_register_link(reg, model, MICA_RELATION_BASE, base, &err), MICA_OK);
    assert_int_equal(mica_register_link(reg, base, MICA_RELATION_TRAINED_ON, data, &err), MICA_OK);
    assert_int_equal(mica_register_link(reg, base, MICA_RELATION_BASE, model, &err), MICA_OK); /* a circle */
    assert_int_equal(mica_register_link(reg, 99, MICA_RELATION_BASE, model, &err), MICA_ENOTFOUND);
    assert_int_not_equal(mica_register_link(reg, model, MICA_RELATION_BASE, 99, &err), MICA_OK);
    assert_int_equal(mica_register_closure(reg, model, &found, &err), MICA_OK);
    assert_int_equal(found->n, 3);
    assert_string_equal(found->rows[0].name, "tuned");
    assert_string_equal(found->rows[1].name, "base");
    assert_int_equal(found->relations[1], MICA_RELATION_BASE);
    assert_string_equal(found->rows[2].name, "data");
    assert_int_equal(found->relations[2], MICA_RELATION_TRAINED_ON);
    assert_true(mica_components_digest(found, &first));
    mica_components_free(found);
    assert_int_equal(mica_register_closure(reg, model, &found, &err), MICA_OK);
    assert_true(mica_components_digest(found, &second));
    assert_true(mica_digest_equal(&first, &second));
    found->rows[2].concluded = "CC-BY-NC-4.0";
    assert_true(mica_components_digest(found, &second));
    assert_false(mica_digest_equal(&first, &second));
    mica_components_free(found);
    assert_int_equal(mica_register_closure(reg, 99, &found, &err), MICA_ENOTFOUND);
    assert_int_equal(mica_register_unlink(reg, model, &err), MICA_OK);
    assert_int_equal(mica_register_closure(reg, model, &found, &err), MICA_OK);
    assert_int_equal(found->n, 1);
    mica_components_free(found);
    mica_register_close(reg);
}

/* Every column, a link, a whole row from elsewhere: each is noticed, and recording anew heals it. */
static void test_tampering(void **state)
{
    static const struct {
        const char *sql;
        bool whole; /* nothing to notice */
    } rows[] = {
        {"UPDATE components SET concluded = 'CC0-1.0' WHERE name = 'm'", false},
        {"UPDATE components SET concluded = '', declared_card = 'MIT' WHERE name = 'm'", false},
        {"UPDATE components SET digest = 'bb' WHERE name = 'm'", false},
        {"UPDATE components SET size = 8 WHERE name = 'm'", false},
        {"UPDATE components SET drift = 'x' WHERE name = 'm'", false},
        {"UPDATE components SET version = '2' WHERE name = 'm'", false},
        {"UPDATE components SET kind = 'model', name = 'm' WHERE name = 'free'", false},
        {"UPDATE components SET seal = (SELECT seal FROM components WHERE name = 'free') WHERE name = 'm'",
         false},
        {"UPDATE components SET seal = x'' WHERE name = 'm'", false},
        {"DELETE FROM links", false},
        {"UPDATE links SET relation = 'template'", false},
        {"UPDATE components SET seal = seal WHERE name = 'm'", true},
        {"CREATE TRIGGER t AFTER INSERT ON history BEGIN UPDATE components SET owner = 'x'; END", true},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_components *found = NULL;
        struct mica_register *reg = open_register();
        tamper("DELETE FROM links; DELETE FROM components");
        int64_t model = put(reg, MICA_COMPONENT_MODEL, "m", "MIT"),
                data = put(reg, MICA_COMPONENT_DATASET, "data", "CC-BY-NC-4.0");
        struct mica_component other = {.kind = MICA_COMPONENT_MODEL, .name = "free", .version = "3"};
        assert_int_equal(mica_register_put(reg, &other, "", NULL, &err), MICA_OK);
        assert_int_equal(mica_register_link(reg, model, MICA_RELATION_TRAINED_ON, data, &err), MICA_OK);
        tamper(rows[i].sql);
        put(reg, MICA_COMPONENT_SOFTWARE, "s", "MIT");
        enum mica_status status = mica_register_find(reg, MICA_COMPONENT_MODEL, "m", &found, &err);
        if (status != (rows[i].whole ? MICA_OK : MICA_EDENIED))
            fail_msg("row %zu: %s: status %d", i, rows[i].sql, status);
        if (!rows[i].whole) {
            assert_non_null(strstr(err.text, "changed outside Mica"));
            assert_non_null(strstr(err.text, "'mica register m'"));
            assert_int_equal(mica_register_all(reg, &found, &err), MICA_EDENIED);
        } else
            mica_components_free(found);
        mica_register_close(reg);
    }
    struct mica_components *found = NULL;
    struct mica_register *reg = open_register();
    tamper("UPDATE components SET concluded = 'CC0-1.0' WHERE name = 'm'");
    assert_int_equal(mica_register_find(reg, MICA_COMPONENT_MODEL, "m", &found, &err), MICA_EDENIED);
    put(reg, MICA_COMPONENT_MODEL, "m", "MIT");
    assert_int_equal(mica_register_find(reg, MICA_COMPONENT_MODEL, "m", &found, &err), MICA_OK);
    mica_components_free(found);
    mica_register_close(reg);
}

static void test_key(void **state)
{
    char path[128];
    struct stat st;
    struct mica_components *found = NULL;
    struct mica_register *reg = open_register();
    put(reg, MICA_COMPONENT_MODEL, "m", "MIT");
    mica_register_close(reg);
    snprintf(path, sizeof path, "%s/key", home);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, 32);
    chmod(path, 0644);
    assert_int_equal(mica_register_open(home, &reg, &err), MICA_EDENIED);
    assert_non_null(strstr(err.text, "chmod 600"));
    chmod(path, 0600);
    assert_int_equal(truncate(path, 31), 0);
    assert_int_equal(mica_register_open(home, &reg, &err), MICA_EFORMAT);
    unlink(path); /* a new key seals nothing of the old one's */
    reg = open_register();
    assert_int_equal(mica_register_find(reg, MICA_COMPONENT_MODEL, "m", &found, &err), MICA_EDENIED);
    mica_register_close(reg);
}

struct lines {
    int n;
    char last[256];
};

static void count_line(void *user, const char *time, const char *name, const char *event, const char *what)
{
    struct lines *lines = user;
    lines->n++;
    snprintf(lines->last, sizeof lines->last, "%s|%s|%s", name, event, what);
}

static void test_history(void **state)
{
    struct lines lines = {0};
    struct mica_register *reg = open_register();
    put(reg, MICA_COMPONENT_MODEL, "m", "MIT");
    put(reg, MICA_COMPONENT_MODEL, "m", "Apache-2.0");
    assert_int_equal(mica_register_history(reg, "m", count_line, &lines, &err), MICA_OK);
    assert_int_equal(lines.n, 2);
    assert_string_equal(lines.last, "m|register|concluded: MIT → Apache-2.0");
    put(reg, MICA_COMPONENT_MODEL, "m", "Apache-2.0");
    assert_int_equal(mica_register_note(reg, "n", "drift", "card changed", &err), MICA_OK);
    lines.n = 0;
    assert_int_equal(mica_register_history(reg, NULL, count_line, &lines, &err), MICA_OK);
    assert_int_equal(lines.n, 4);
    assert_string_equal(lines.last, "n|drift|card changed");
    tamper("DELETE FROM history WHERE id = 2");
    lines.n = 0;
    assert_int_equal(mica_register_history(reg, NULL, count_line, &lines, &err), MICA_EDENIED);
    assert_int_equal(lines.n, 3);
    assert_non_null(strstr(err.text, "line 3"));
    mica_register_close(reg);
}

static void test_shards(void **state)
{
    struct mica_digest blob, shards[2] = {{{1}}, {{2}}}, *found = NULL;
    uint64_t size = 0;
    struct mica_register *reg = open_register();
    mica_sha256("blob", 4, &blob);
    assert_int_equal(mica_register_shards(reg, &blob, &size, &found, &err), MICA_ENOTFOUND);
    assert_int_equal(mica_register_put_shards(reg, &blob, MICA_SHARD_BYTES + 1, shards, &err), MICA_OK);
    assert_int_equal(mica_register_put_shards(reg, &blob, MICA_SHARD_BYTES + 1, shards, &err), MICA_OK);
    assert_int_equal(mica_register_shards(reg, &blob, &size, &found, &err), MICA_OK);
    assert_int_equal(size, MICA_SHARD_BYTES + 1);
    assert_memory_equal(found, shards, sizeof shards);
    mica_free(found);
    tamper("UPDATE shards SET size = 9223372036854775807");
    assert_int_equal(mica_register_shards(reg, &blob, &size, &found, &err), MICA_EDENIED);
    assert_int_equal(mica_register_put_shards(reg, &blob, 0, NULL, &err), MICA_OK);
    assert_int_equal(mica_register_shards(reg, &blob, &size, &found, &err), MICA_OK);
    assert_int_equal(size, 0);
    mica_free(found);
    mica_register_close(reg);
}

static void test_remove(void **state)
{
    struct mica_components *found = NULL;
    struct mica_register *reg = open_register();
    int64_t tuned = put(reg, MICA_COMPONENT_MODEL, "tuned", "MIT"),
            base = put(reg, MICA_COMPONENT_MODEL, "base", "LicenseRef-Gemma"),
            template_id = put(reg, MICA_COMPONENT_TEMPLATE, "tuned", "MIT");
    assert_int_equal(mica_register_link(reg, tuned, MICA_RELATION_BASE, base, &err), MICA_OK);
    assert_int_equal(mica_register_link(reg, tuned, MICA_RELATION_TEMPLATE, template_id, &err), MICA_OK);
    assert_int_equal(mica_register_remove(reg, base, "rm", &err), MICA_OK); /* its terms still bind tuned */
    assert_int_equal(mica_register_closure(reg, tuned, &found, &err), MICA_OK);
    assert_int_equal(found->n, 3);
    mica_components_free(found);
    assert_int_equal(mica_register_remove(reg, tuned, "rm", &err), MICA_OK);
    assert_int_equal(mica_register_all(reg, &found, &err), MICA_OK);
    assert_int_equal(found->n, 1);
    assert_string_equal(found->rows[0].name, "base");
    mica_components_free(found);
    assert_int_equal(mica_register_remove(reg, tuned, "rm", &err), MICA_ENOTFOUND);
    mica_register_close(reg);
}

static void test_forget_and_copy(void **state)
{
    struct mica_components *found = NULL;
    struct mica_register *reg = open_register();
    int64_t m = put(reg, MICA_COMPONENT_MODEL, "m", "MIT"),
            base = put(reg, MICA_COMPONENT_MODEL, "base", "MIT"),
            data = put(reg, MICA_COMPONENT_DATASET, "data", "MIT");
    assert_int_equal(mica_register_link(reg, m, MICA_RELATION_BASE, base, &err), MICA_OK);
    assert_int_equal(mica_register_link(reg, base, MICA_RELATION_TRAINED_ON, data, &err), MICA_OK);
    assert_int_equal(mica_register_copy(reg, MICA_COMPONENT_MODEL, "m", "n", "copy", &err), MICA_OK);
    assert_int_equal(mica_register_copy(reg, MICA_COMPONENT_MODEL, "x", "n", "copy", &err), MICA_ENOTFOUND);
    assert_int_equal(mica_register_find(reg, MICA_COMPONENT_MODEL, "n", &found, &err), MICA_OK);
    int64_t n = found->rows[0].id;
    mica_components_free(found);
    assert_int_equal(mica_register_closure(reg, n, &found, &err), MICA_OK);
    assert_int_equal(found->n, 3);
    assert_int_equal(found->parents[2], 1); /* the dataset is the base's, not the copy's own */
    mica_components_free(found);
    tamper("UPDATE components SET owner = 'x' WHERE name = 'm'");
    assert_int_equal(mica_register_copy(reg, MICA_COMPONENT_MODEL, "m", "o", "copy", &err), MICA_EDENIED);
    assert_int_equal(mica_register_forget(reg, MICA_COMPONENT_MODEL, "m", "rm", &err), MICA_OK);
    assert_int_equal(mica_register_forget(reg, MICA_COMPONENT_MODEL, "m", "rm", &err), MICA_ENOTFOUND);
    assert_int_equal(mica_register_all(reg, &found, &err), MICA_OK);
    assert_int_equal(found->n, 3);
    mica_components_free(found);
    mica_register_close(reg);
}

static void test_transactions(void **state)
{
    struct mica_components *found = NULL;
    struct mica_register *reg = open_register();
    assert_int_equal(mica_register_begin(reg, &err), MICA_OK);
    put(reg, MICA_COMPONENT_MODEL, "a", "MIT");
    assert_int_equal(mica_register_end(reg, false, &err), MICA_OK);
    assert_int_equal(mica_register_begin(reg, &err), MICA_OK);
    put(reg, MICA_COMPONENT_MODEL, "b", "MIT");
    assert_int_equal(mica_register_link(reg, 99, MICA_RELATION_BASE, 98, &err), MICA_ENOTFOUND);
    assert_int_equal(mica_register_end(reg, true, &err), MICA_EINTERNAL);
    assert_int_equal(mica_register_all(reg, &found, &err), MICA_OK);
    assert_int_equal(found->n, 0);
    mica_components_free(found);
    mica_register_close(reg);
}

/* Four processes make the key and the file, and write, at once. */
static void test_processes(void **state)
{
    enum { PROCESSES = 4, ROWS = 5 };
    struct lines lines = {0};
    struct mica_components *found = NULL;
    pid_t children[PROCESSES];
    for (int p = 0; p < PROCESSES; p++) {
        children[p] = fork();
        assert_true(children[p] >= 0);
        if (children[p] == 0) {
            struct mica_register *reg = NULL;
            bool ok = mica_register_open(home, &reg, NULL) == MICA_OK;
            for (int i = 0; ok && i < ROWS; i++) {
                char name[32];
                snprintf(name, sizeof name, "m%d-%d", p, i);
                struct mica_component c = {.kind = MICA_COMPONENT_MODEL, .name = name};
                ok = mica_register_put(reg, &c, "pull", NULL, NULL) == MICA_OK;
            }
            mica_register_close(reg);
            _exit(ok ? 0 : 1);
        }
    }
    for (int p = 0; p < PROCESSES; p++) {
        int code = -1;
        assert_int_equal(waitpid(children[p], &code, 0), children[p]);
        assert_int_equal(code, 0);
    }
    struct mica_register *reg = open_register();
    assert_int_equal(mica_register_all(reg, &found, &err), MICA_OK);
    assert_int_equal(found->n, PROCESSES * ROWS);
    mica_components_free(found);
    assert_int_equal(mica_register_history(reg, NULL, count_line, &lines, &err), MICA_OK);
    assert_int_equal(lines.n, PROCESSES * ROWS);
    mica_register_close(reg);
}

/* Files that are not ours stay as they are, to the byte. */
static void test_foreign_files(void **state)
{
    static const struct {
        const char *sql, *text;
        enum mica_status status;
    } rows[] = {
        {"CREATE TABLE t (a)", NULL, MICA_EFORMAT},
        {"PRAGMA application_id = 5; CREATE TABLE t (a)", NULL, MICA_EFORMAT},
        {"PRAGMA application_id = 1298752353; PRAGMA user_version = 1000; CREATE TABLE t (a)", NULL,
         MICA_EUNSUPPORTED},
        {"PRAGMA application_id = 1298752353; PRAGMA user_version = -1; CREATE TABLE t (a)", NULL,
         MICA_EFORMAT},
        {NULL, "this is no database, but it is long enough to have the header of one, if it had one ........",
         MICA_EFORMAT},
    };
    char path[128];
    snprintf(path, sizeof path, "%s/register.db", home);
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_buf before = {0}, after = {0};
        struct mica_register *reg = NULL;
        unlink(path);
        if (rows[i].sql)
            tamper(rows[i].sql);
        else
            assert_int_equal(mica_fs_write(path, rows[i].text, strlen(rows[i].text), 0644, &err), MICA_OK);
        assert_int_equal(mica_fs_read(path, 1 << 20, &before, &err), MICA_OK);
        enum mica_status status = mica_register_open(home, &reg, &err);
        if (status != rows[i].status || reg)
            fail_msg("row %zu: status %d, %s", i, status, err.text);
        assert_int_equal(mica_fs_read(path, 1 << 20, &after, &err), MICA_OK);
        assert_int_equal(before.len, after.len);
        assert_memory_equal(before.data, after.data, before.len);
        mica_buf_release(&before);
        mica_buf_release(&after);
    }
}

static void test_damaged_page(void **state)
{
    char path[128];
    struct mica_components *found = NULL;
    struct mica_register *reg = open_register();
    put(reg, MICA_COMPONENT_MODEL, "m", "MIT");
    mica_register_close(reg);
    snprintf(path, sizeof path, "%s/register.db", home);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, 4096, SEEK_SET);
    for (int i = 0; i < 4096 * 8; i++)
        fputc(0xa5, file);
    fclose(file);
    enum mica_status status = mica_register_open(home, &reg, &err);
    if (status == MICA_OK) {
        status = mica_register_all(reg, &found, &err);
        mica_register_close(reg);
    }
    assert_int_equal(status, MICA_EFORMAT);
    assert_non_null(strstr(err.text, "damaged"));
}

/* A file as version 1 left it is brought up to date and keeps its rows. */
static void test_migration(void **state)
{
    struct mica_components *found = NULL;
    struct mica_register *reg = open_register();
    put(reg, MICA_COMPONENT_MODEL, "m", "MIT");
    mica_register_close(reg);
    tamper("DROP INDEX components_digest; DROP INDEX links_dst; DROP INDEX history_name; PRAGMA user_version "
           "= 1");
    reg = open_register();
    assert_int_equal(mica_register_all(reg, &found, &err), MICA_OK);
    assert_int_equal(found->n, 1);
    mica_components_free(found);
    mica_register_close(reg);
    tamper("DROP INDEX components_digest"); /* fails unless it was made again */
}

/* A disk that takes no more bytes: the change fails, the rows of before stay. In a process of its own, as the
 * limit is the process's. */
static void test_full_disk(void **state)
{
    struct mica_components *found = NULL;
    struct mica_register *reg = open_register();
    put(reg, MICA_COMPONENT_MODEL, "before", "MIT");
    mica_register_close(reg);
    pid_t child = fork();
    if (child == 0) {
        static char notes[1 << 20];
        memset(notes, 'x', sizeof notes - 1);
        struct rlimit limit = {256 << 10, 256 << 10};
        struct mica_component c = {.kind = MICA_COMPONENT_MODEL, .name = "after", .notes = notes};
        signal(SIGXFSZ, SIG_IGN);
        bool ok = setrlimit(RLIMIT_FSIZE, &limit) == 0 && mica_register_open(home, &reg, &err) == MICA_OK &&
                  mica_register_put(reg, &c, "", NULL, &err) == MICA_EIO;
        c.notes = "";
        ok = ok && mica_register_put(reg, &c, "", NULL, &err) == MICA_OK;
        mica_register_close(reg);
        _exit(ok ? 0 : 1);
    }
    int code = -1;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    reg = open_register();
    assert_int_equal(mica_register_all(reg, &found, &err), MICA_OK);
    assert_int_equal(found->n, 2);
    mica_components_free(found);
    mica_register_close(reg);
}

static void test_no_folder(void **state)
{
    struct mica_register *reg = NULL;
    assert_int_not_equal(mica_register_open("/dev/null/x", &reg, &err), MICA_OK);
    assert_int_not_equal(mica_register_open("/proc/x", &reg, &err), MICA_OK);
    assert_null(reg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_put_and_find, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clean_texts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_find_digest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_closure, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tampering, setup, teardown),
        cmocka_unit_test_setup_teardown(test_key, setup, teardown),
        cmocka_unit_test_setup_teardown(test_history, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shards, setup, teardown),
        cmocka_unit_test_setup_teardown(test_remove, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forget_and_copy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_transactions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_processes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_foreign_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_page, setup, teardown),
        cmocka_unit_test_setup_teardown(test_migration, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_folder, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
