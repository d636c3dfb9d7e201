/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Every allocation fails once while a model is pulled from an archive and from a folder. */
#include "alloc.h"
#include "base/fs.h"
#include "store/source.h"
#include "tiny_model.h"

#include <archive.h>
#include <archive_entry.h>
#include <jansson.h>

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/mica-alloc-pull-XXXXXX";
static char home[64], archive_source[160], folder_source[160];

static void add_member(struct archive *archive, const char *name, const void *data, size_t len)
{
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_size(entry, (la_int64_t)len);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
    assert_int_equal(archive_write_data(archive, data, len), (la_ssize_t)len);
    archive_entry_free(entry);
}

static void write_file(const char *name, const void *data, size_t len)
{
    char path[128];
    snprintf(path, sizeof path, "%s/model/%s", folder, name);
    assert_int_equal(mica_fs_mkdirs_for(path, NULL), MICA_OK);
    assert_int_equal(mica_fs_write(path, data, len, 0644, NULL), MICA_OK);
}

static int set_up(void **state)
{
    static const char terms[] = "Apache License\n", card[] = "---\nlicense: apache-2.0\n---\n";
    struct mica_buf model = {0};
    char path[128];
    put_tiny_model(&model);
    assert_false(model.failed);
    assert_non_null(mkdtemp(folder));
    snprintf(home, sizeof home, "%s/home", folder);
    snprintf(path, sizeof path, "%s/x.zip", folder);
    snprintf(archive_source, sizeof archive_source, "file:%s", path);
    snprintf(folder_source, sizeof folder_source, "file:%s/model", folder);
    struct archive *archive = archive_write_new();
    assert_int_equal(archive_write_set_format_zip(archive), ARCHIVE_OK);
    assert_int_equal(archive_write_open_filename(archive, path), ARCHIVE_OK);
    /* In two parts, so that joining is tried, too. */
    add_member(archive, "m/m.gguf.part0", model.data, 1000);
    add_member(archive, "m/m.gguf.part1", model.data + 1000, model.len - 1000);
    add_member(archive, "m/LICENSE", terms, sizeof terms - 1);
    add_member(archive, "m/README.md", card, sizeof card - 1);
    assert_int_equal(archive_write_free(archive), ARCHIVE_OK);
    write_file("m.gguf", model.data, model.len);
    write_file("LICENSE", terms, sizeof terms - 1);
    write_file("README.md", card, sizeof card - 1);
    mica_buf_release(&model);
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    return remove(path);
}

static int tear_down(void **state)
{
    return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static enum mica_status pull(void *arg, struct mica_err *err)
{
    const char *const sources[] = {arg};
    const struct mica_pull_options options = {.as = "x"};
    struct mica_store *store = NULL;
    struct mica_pulled pulled;
    enum mica_status status = mica_store_open(home, &store, err);
    if (status == MICA_OK)
        status = mica_pull(store, sources, 1, &options, &pulled, err);
    if (status == MICA_OK)
        mica_pulled_release(&pulled);
    mica_store_close(store);
    return status;
}

static void test_archive(void **state)
{
    alloc_fail_everywhere("pull of an archive", pull, archive_source, 300);
}

static void test_folder(void **state)
{
    alloc_fail_everywhere("pull of a folder", pull, folder_source, 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_archive),
        cmocka_unit_test(test_folder),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
