/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The engine's half of admission: it loads no set of files that nobody vouches for, and none that was touched
 * between the check and the load. */
#include "base/admission.h"
#include "base/fs.h"
#include "base/sha256.h"
#include "tiny_model.h"

#include <mica/engine.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/mica-admission-XXXXXX";
static char path[MICA_PATH_MAX], other[MICA_PATH_MAX];
static struct mica_buf model;

static void write_model(const char *to)
{
    assert_int_equal(mica_fs_write(to, model.data, model.len, 0644, NULL), MICA_OK);
}

static struct mica_files *open_model(void)
{
    struct mica_files *files;
    write_model(path);
    assert_int_equal(mica_files_open(path, &files, NULL), MICA_OK);
    return files;
}

static void assert_refused(const struct mica_files *files, const struct mica_engine_options *options,
                           const char *word)
{
    struct mica_engine *engine = NULL;
    struct mica_err err;
    assert_int_equal(mica_engine_load(files, options, &engine, &err), MICA_EDENIED);
    assert_null(engine);
    if (!strstr(err.text, word))
        fail_msg("'%s' is not in: %s", word, err.text);
}

static void assert_loads(const struct mica_files *files)
{
    struct mica_engine *engine = NULL;
    struct mica_err err;
    if (mica_engine_load(files, NULL, &engine, &err) != MICA_OK)
        fail_msg("%s", err.text);
    mica_engine_free(engine);
}

static void test_nobody_vouches(void **state)
{
    struct mica_files *files = open_model();
    assert_null(mica_files_admission(files));
    assert_refused(files, NULL, "admitted");
    mica_files_allow_unregistered(files, "tiny");
    assert_loads(files);
    mica_files_free(files);
}

static void test_written_into_between_check_and_use(void **state)
{
    struct mica_files *files = open_model();
    mica_files_allow_unregistered(files, "tiny");
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, model.data, 1, 0), 1); /* even the byte that was there */
    close(fd);
    assert_refused(files, NULL, "changed while it was being loaded");
    mica_files_free(files);
}

static void test_times_set_back(void **state)
{
    struct mica_files *files = open_model();
    struct stat st;
    mica_files_allow_unregistered(files, "tiny");
    assert_int_equal(stat(path, &st), 0);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, model.data, 1, 0), 1);
    assert_int_equal(futimens(fd, (struct timespec[2]){st.st_atim, st.st_mtim}), 0);
    close(fd);
    assert_refused(files, NULL, "changed while it was being loaded");
    mica_files_free(files);
}

static void test_replaced_between_check_and_use(void **state)
{
    struct mica_files *files = open_model();
    mica_files_allow_unregistered(files, "tiny");
    write_model(other);
    assert_int_equal(rename(other, path), 0);
    assert_refused(files, NULL, "replaced while it was being loaded");
    mica_files_free(files);
}

static void test_removed_between_check_and_use(void **state)
{
    struct mica_files *files = open_model();
    mica_files_allow_unregistered(files, "tiny");
    assert_int_equal(unlink(path), 0);
    assert_refused(files, NULL, "while it was being loaded");
    mica_files_free(files);
}

static void test_another_template(void **state)
{
    static const char text[] = "{{ messages[0].content }}";
    struct mica_files *files = open_model();
    struct mica_admission admission = {.registered = true, .name = "tiny:latest"};
    struct mica_engine_options options = {.chat_template = text};
    struct mica_engine *engine = NULL;
    struct mica_digest digest;
    mica_files_admit(files, &admission);
    assert_refused(files, &options, "chat template");
    assert_true(mica_sha256(text, strlen(text), &digest));
    mica_digest_hex(&digest, admission.template_digest);
    mica_files_admit(files, &admission);
    assert_int_equal(mica_engine_load(files, &options, &engine, NULL), MICA_OK);
    assert_string_equal(mica_engine_admission(engine)->name, "tiny:latest");
    mica_engine_free(engine);
    assert_refused(files, NULL, "mica register tiny:latest");
    mica_files_free(files);
}

static int set_up(void **state)
{
    put_tiny_model(&model);
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/tiny.gguf", folder);
    snprintf(other, sizeof other, "%s/other.gguf", folder);
    return 0;
}

static int tear_down(void **state)
{
    unlink(path);
    unlink(other);
    mica_buf_release(&model);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_vouches),
        cmocka_unit_test(test_written_into_between_check_and_use),
        cmocka_unit_test(test_times_set_back),
        cmocka_unit_test(test_replaced_between_check_and_use),
        cmocka_unit_test(test_removed_between_check_and_use),
        cmocka_unit_test(test_another_template),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
