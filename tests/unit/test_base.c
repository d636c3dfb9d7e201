/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "base/wtype.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* A new folder under TMPDIR; the caller removes what it puts there. */
static void new_folder(char *out, size_t size)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(out, size, "%s/mica-test-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(out));
}

static void write_file(const char *folder, const char *name, const char *text, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    fclose(f);
}

static void failing_fills_the_message(void **state)
{
    struct mica_err err = {0};
    assert_int_equal(mica_fail(&err, MICA_EFORMAT, "%s: row %d", "a.gguf", 7), MICA_EFORMAT);
    assert_int_equal(err.status, MICA_EFORMAT);
    assert_string_equal(err.text, "a.gguf: row 7");
    assert_int_equal(mica_fail(NULL, MICA_EIO, "nobody listens"), MICA_EIO);
    char longer[2000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    mica_fail(&err, MICA_EIO, "%s", longer);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_int_equal(mica_status_http(MICA_OK), 200);
    assert_int_equal(mica_status_exit(MICA_OK), 0);
    for (enum mica_status s = MICA_OK + 1; s <= MICA_EINTERNAL; s++)
        if (mica_status_exit(s) == 0 || mica_status_http(s) < 400 || !mica_status_text(s)[0])
            fail_msg("status %d has no error row", (int)s);
}

static void sizes_are_checked(void **state)
{
    size_t out = 5;
    assert_true(mica_mul_size(6, 7, &out));
    assert_int_equal(out, 42);
    assert_false(mica_mul_size(SIZE_MAX, 2, &out));
    assert_false(mica_add_size(SIZE_MAX, 1, &out));
    assert_null(mica_realloc(NULL, SIZE_MAX, 2));
    struct mica_arena arena = {0};
    assert_null(mica_arena_alloc(&arena, SIZE_MAX, 2));
    assert_null(mica_arena_alloc(&arena, SIZE_MAX - 64, 1));
    mica_arena_release(&arena);
}

static void arena_memory_is_aligned_zeroed_and_apart(void **state)
{
    static const size_t sizes[] = {0, 1, 63, 64, 65, 4096, 70000, 1 << 20, 3};
    struct mica_arena arena = {0};
    char *blocks[MICA_COUNT(sizes)];
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < MICA_COUNT(sizes); i++) {
            blocks[i] = mica_arena_alloc(&arena, sizes[i], 1);
            assert_non_null(blocks[i]);
            assert_int_equal((uintptr_t)blocks[i] % 64, 0);
            for (size_t k = 0; k < sizes[i]; k++)
                if (blocks[i][k])
                    fail_msg("size %zu: byte %zu is not zero", sizes[i], k);
            memset(blocks[i], (int)i + 1, sizes[i]);
        }
        for (size_t i = 0; i < MICA_COUNT(sizes); i++)
            for (size_t k = 0; k < sizes[i]; k++)
                if (blocks[i][k] != (char)(i + 1))
                    fail_msg("size %zu: byte %zu was overwritten", sizes[i], k);
        assert_string_equal(mica_arena_strndup(&arena, "mica schist", 4), "mica");
        mica_arena_release(&arena);
    }
}

static void a_buffer_grows_and_remembers_failure(void **state)
{
    struct mica_buf buf = {0};
    for (int i = 0; i < 1000; i++)
        assert_true(mica_buf_printf(&buf, "%d,", i));
    assert_int_equal(buf.len, 10 * 2 + 90 * 3 + 900 * 4);
    assert_memory_equal(buf.data, "0,1,2,", 6);
    assert_int_equal(buf.data[buf.len], 0);
    char longer[600];
    memset(longer, 'y', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    assert_true(mica_buf_printf(&buf, "%s", longer));
    assert_string_equal(buf.data + buf.len - (sizeof longer - 1), longer);
    mica_buf_release(&buf);
    assert_null(buf.data);

    struct mica_buf limited = {.limit = 5};
    assert_true(mica_buf_puts(&limited, "12345"));
    assert_false(mica_buf_puts(&limited, "6"));
    assert_false(mica_buf_append(&limited, "", 0));
    assert_string_equal(limited.data, "12345");
    mica_buf_release(&limited);
}

static void an_array_grows(void **state)
{
    int *numbers = NULL;
    int64_t capacity = 0;
    for (int64_t n = 0; n < 1000; n++) {
        assert_true(mica_grow(&numbers, n, &capacity, sizeof *numbers));
        assert_true(capacity > n);
        numbers[n] = (int)n;
    }
    for (int n = 0; n < 1000; n++)
        assert_int_equal(numbers[n], n);
    mica_free(numbers);
}

static void a_map_keeps_the_first_value(void **state)
{
    enum { N = 5000 };
    static char keys[N][16];
    struct mica_strmap map = {0};
    assert_int_equal(mica_strmap_get(&map, "x", 1, -9), -9);
    for (int i = 0; i < N; i++) {
        snprintf(keys[i], sizeof keys[i], "key%d", i);
        assert_true(mica_strmap_put(&map, keys[i], strlen(keys[i]), i));
    }
    assert_true(mica_strmap_put(&map, "key7", 4, 1234));
    for (int i = 0; i < N; i++)
        if (mica_strmap_get(&map, keys[i], strlen(keys[i]), -1) != i)
            fail_msg("%s is lost", keys[i]);
    assert_int_equal(mica_strmap_get(&map, "key", 3, -1), -1);
    assert_true(mica_strmap_put(&map, "\0a", 2, 77)); /* keys are bytes, not strings */
    assert_int_equal(mica_strmap_get(&map, "\0a", 2, -1), 77);
    assert_int_equal(mica_strmap_get(&map, "\0b", 2, -1), -1);
    assert_int_equal(mica_strmap_get(&map, "", 0, -1), -1);
    mica_strmap_release(&map);
}

static void mappings_show_the_file(void **state)
{
    char folder[256], path[512];
    struct mica_mapping *map = NULL;
    struct mica_err err;
    new_folder(folder, sizeof folder);
    assert_int_equal(mica_mapping_open(folder, &map, &err), MICA_EARG);
    snprintf(path, sizeof path, "%s/absent", folder);
    assert_int_equal(mica_mapping_open(path, &map, &err), MICA_ENOTFOUND);
    assert_non_null(strstr(err.text, path));
    assert_null(map);
    write_file(folder, "empty", "", path, sizeof path);
    assert_int_equal(mica_mapping_open(path, &map, NULL), MICA_OK);
    assert_int_equal(mica_mapping_size(map), 0);
    mica_mapping_free(map);
    unlink(path);
    write_file(folder, "text", "muscovite", path, sizeof path);
    assert_int_equal(mica_mapping_open(path, &map, NULL), MICA_OK);
    unlink(path);
    struct mica_mapping *second = mica_mapping_ref(map);
    mica_mapping_free(map);
    assert_int_equal(mica_mapping_size(second), 9);
    assert_memory_equal(mica_mapping_data(second), "muscovite", 9);
    assert_string_equal(mica_mapping_name(second), "text");
    mica_mapping_release(second, 0, 9);
    mica_mapping_release(second, 5, SIZE_MAX);
    assert_memory_equal(mica_mapping_data(second), "muscovite", 9);
    mica_mapping_free(second);
    mica_mapping_free(NULL);
    rmdir(folder);
}

static void a_folder_brings_only_model_files(void **state)
{
    static const char *const names[] = {"config.json", "model.safetensors", "pytorch_model.bin",
                                        ".hidden.json", "LICENSE"};
    char folder[256], path[512];
    struct mica_files *files;
    new_folder(folder, sizeof folder);
    for (size_t i = 0; i < MICA_COUNT(names); i++)
        write_file(folder, names[i], names[i], path, sizeof path);
    assert_int_equal(mica_files_open(folder, &files, NULL), MICA_OK);
    assert_int_equal(mica_files_count(files), 3);
    for (size_t i = 0; i < MICA_COUNT(names); i++)
        if ((mica_files_find(files, names[i]) != NULL) != (i != 2 && i != 3))
            fail_msg("%s: wrongly %s", names[i], mica_files_find(files, names[i]) ? "taken" : "left out");
    mica_files_free(files);
    for (size_t i = 0; i < MICA_COUNT(names); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

/* As root, replacing /dev/null by a file would break the machine. */
static void devices_and_pipes_are_written_to(void **state)
{
    char folder[256], path[512], got[8] = "";
    struct stat before, after;
    new_folder(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/pipe", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(mica_fs_write(path, "abc", 3, 0644, NULL), MICA_OK);
    assert_int_equal(read(fd, got, sizeof got), 3);
    assert_string_equal(got, "abc");
    close(fd);
    assert_int_equal(lstat(path, &after), 0);
    assert_true(S_ISFIFO(after.st_mode));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(lstat("/dev/full", &before), 0);
    assert_int_equal(mica_fs_write("/dev/full", "abc", 3, 0644, NULL), MICA_EIO);
    assert_int_equal(lstat("/dev/full", &after), 0);
    assert_true(before.st_ino == after.st_ino && S_ISCHR(after.st_mode));
}

static void split_files_come_in_order(void **state)
{
    char folder[256], path[3][512];
    struct mica_files *files = NULL;
    struct mica_err err;
    new_folder(folder, sizeof folder);
    write_file(folder, "m-00002-of-00003.gguf", "two", path[1], sizeof path[1]);
    write_file(folder, "m-00001-of-00003.gguf", "one", path[0], sizeof path[0]);
    assert_int_equal(mica_files_open(path[0], &files, &err), MICA_ENOTFOUND);
    assert_non_null(strstr(err.text, "m-00003-of-00003.gguf"));
    assert_null(files);
    write_file(folder, "m-00003-of-00003.gguf", "three", path[2], sizeof path[2]);
    assert_int_equal(mica_files_open(path[1], &files, NULL), MICA_OK);
    assert_int_equal(mica_files_count(files), 3);
    assert_memory_equal(mica_mapping_data(mica_files_at(files, 0)), "one", 3);
    assert_memory_equal(mica_mapping_data(mica_files_at(files, 2)), "three", 5);
    mica_files_free(files);
    for (int i = 0; i < 3; i++)
        unlink(path[i]);
    rmdir(folder);
}

static void weight_types_have_sizes(void **state)
{
    size_t size = 0;
    for (int i = 0; i < MICA_W_COUNT; i++) {
        const struct mica_wtype_info *type = &mica_wtypes[i];
        if (!type->name || type->block_elements < 1 || type->block_bytes < 1)
            fail_msg("row %d is not filled", i);
        if (!mica_wtype_size(i, 10 * (int64_t)type->block_elements, &size) ||
            size != 10 * (size_t)type->block_bytes)
            fail_msg("%s: ten blocks are not %d bytes", type->name, 10 * type->block_bytes);
        if (mica_wtype_size(i, -type->block_elements, &size))
            fail_msg("%s: a negative number of elements has a size", type->name);
        if (type->block_elements > 1 && mica_wtype_size(i, type->block_elements + 1, &size))
            fail_msg("%s: part of a block has a size", type->name);
    }
    assert_false(mica_wtype_size(MICA_W_F32, INT64_MAX, &size));
}

static void test_pages(void **state)
{
    static const size_t sizes[] = {1, 64, 65, 5 << 20, 40 << 20, 100, 30 << 20, 3};
    struct mica_pages pages = {0};
    char *taken[MICA_COUNT(sizes)];
    for (size_t i = 0; i < MICA_COUNT(sizes); i++) {
        taken[i] = mica_pages_take(&pages, sizes[i]);
        if (!taken[i] || (uintptr_t)taken[i] % 64 || taken[i][0] || taken[i][sizes[i] - 1])
            fail_msg("block %zu: missing, not aligned, or not zero", i);
        memset(taken[i], (int)i + 1, sizes[i] < 4096 ? sizes[i] : 4096);
        taken[i][sizes[i] - 1] = (char)(i + 1);
    }
    for (size_t i = 0; i < MICA_COUNT(sizes); i++)
        if (taken[i][0] != (char)(i + 1) || taken[i][sizes[i] - 1] != (char)(i + 1))
            fail_msg("block %zu was overwritten", i);
    assert_null(mica_pages_take(&pages, SIZE_MAX - 3));
    mica_pages_release(&pages);
    mica_pages_release(&pages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),
        cmocka_unit_test(failing_fills_the_message),
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(arena_memory_is_aligned_zeroed_and_apart),
        cmocka_unit_test(a_buffer_grows_and_remembers_failure),
        cmocka_unit_test(an_array_grows),
        cmocka_unit_test(a_map_keeps_the_first_value),
        cmocka_unit_test(mappings_show_the_file),
        cmocka_unit_test(a_folder_brings_only_model_files),
        cmocka_unit_test(devices_and_pipes_are_written_to),
        cmocka_unit_test(split_files_come_in_order),
        cmocka_unit_test(weight_types_have_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
