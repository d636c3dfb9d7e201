/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What a process may take, from files of made-up machines. */
#include "base/fs.h"
#include "base/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define MIB ((uint64_t)1 << 20)
#define V1  "/sys/fs/cgroup/memory"
#define V2  "/sys/fs/cgroup"

static const struct row {
    const char *name;
    const char *files[8][2];
    uint64_t available, cgroup;
    const char *limited_by;
} rows[] = {
    {"nothing can be read", {{NULL}}, UINT64_MAX, UINT64_MAX, "machine"},
    {"a plain machine",
     {{"/proc/meminfo", "MemTotal: 4096 kB\nMemFree: 1 kB\nMemAvailable:    2048 kB\n"}},
     2 * MIB,
     UINT64_MAX,
     "machine"},
    {"an old kernel without MemAvailable",
     {{"/proc/meminfo", "MemTotal: 4096 kB\nMemFree: 1024 kB\n"}},
     UINT64_MAX,
     UINT64_MAX,
     "machine"},
    {"v2 in a container: cache that can be dropped counts",
     {{"/proc/meminfo", "MemAvailable: 1048576 kB\n"},
      {"/proc/self/cgroup", "0::/\n"},
      {V2 "/memory.max", "104857600\n"},
      {V2 "/memory.current", "52428800\n"},
      {V2 "/memory.stat", "anon 10485760\nfile 41943040\ninactive_file 31457280\n"}},
     80 * MIB,
     80 * MIB,
     "control group"},
    {"v2 without a limit",
     {{"/proc/meminfo", "MemAvailable: 1024 kB\n"},
      {"/proc/self/cgroup", "0::/user.slice\n"},
      {V2 "/user.slice/memory.max", "max\n"},
      {V2 "/user.slice/memory.high", "max\n"},
      {V2 "/user.slice/memory.current", "52428800\n"}},
     MIB,
     UINT64_MAX,
     "machine"},
    {"v2: a group above is tighter",
     {{"/proc/meminfo", "MemAvailable: 1048576 kB\n"},
      {"/proc/self/cgroup", "0::/a/b/c\n"},
      {V2 "/a/b/c/memory.max", "104857600\n"},
      {V2 "/a/memory.max", "20971520\n"},
      {V2 "/a/memory.current", "10485760\n"}},
     10 * MIB,
     10 * MIB,
     "control group"},
    {"v2: memory.high slows a process down before memory.max",
     {{"/proc/meminfo", "MemAvailable: 1048576 kB\n"},
      {"/proc/self/cgroup", "0::/a\n"},
      {V2 "/a/memory.max", "104857600\n"},
      {V2 "/a/memory.high", "52428800\n"}},
     50 * MIB,
     50 * MIB,
     "control group"},
    {"v2: already over the limit",
     {{"/proc/meminfo", "MemAvailable: 1048576 kB\n"},
      {"/proc/self/cgroup", "0::/\n"},
      {V2 "/memory.max", "1048576\n"},
      {V2 "/memory.current", "2097152\n"}},
     0,
     0,
     "control group"},
    {"v1 beside an empty v2",
     {{"/proc/meminfo", "MemAvailable: 1048576 kB\n"},
      {"/proc/self/cgroup", "4:cpu,memory:/jobs/7\n0::/\n"},
      {V1 "/jobs/7/memory.limit_in_bytes", "31457280\n"},
      {V1 "/jobs/7/memory.usage_in_bytes", "20971520\n"},
      {V1 "/jobs/7/memory.stat", "inactive_file 1\ntotal_inactive_file 10485760\n"}},
     20 * MIB,
     20 * MIB,
     "control group"},
    {"v1: no limit is a huge number",
     {{"/proc/meminfo", "MemAvailable: 1024 kB\n"},
      {"/proc/self/cgroup", "4:memory:/\n"},
      {V1 "/memory.limit_in_bytes", "9223372036854771712\n"},
      {V1 "/memory.usage_in_bytes", "20971520\n"}},
     MIB,
     UINT64_MAX,
     "machine"},
    {"v1: the group's path lies outside of the container",
     {{"/proc/meminfo", "MemAvailable: 1048576 kB\n"},
      {"/proc/self/cgroup", "garbage\n4:memory:/docker/0123\n"},
      {V1 "/memory.limit_in_bytes", "31457280\n"},
      {V1 "/memory.usage_in_bytes", "10485760\n"}},
     20 * MIB,
     20 * MIB,
     "control group"},
};

static void remove_folder(const char *folder)
{
    char command[256];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a folder this test made */
}

static void limits_come_from_everywhere(void **state)
{
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        char folder[] = "/tmp/mica-machine-XXXXXX", path[MICA_PATH_MAX];
        struct mica_memory memory;
        assert_non_null(mkdtemp(folder));
        for (size_t j = 0; j < MICA_COUNT(rows[i].files) && rows[i].files[j][0]; j++) {
            const char *text = rows[i].files[j][1];
            assert_int_equal(mica_fs_path(path, NULL, "%s%s", folder, rows[i].files[j][0]), MICA_OK);
            assert_int_equal(mica_fs_mkdirs_for(path, NULL), MICA_OK);
            assert_int_equal(mica_fs_write(path, text, strlen(text), 0644, NULL), MICA_OK);
        }
        mica_memory_available(folder, &memory);
        remove_folder(folder);
        if (memory.cgroup != rows[i].cgroup || memory.available != rows[i].available ||
            strcmp(memory.limited_by, rows[i].limited_by) != 0)
            fail_msg("%s: available %llu, cgroup %llu, limited by %s", rows[i].name,
                     (unsigned long long)memory.available, (unsigned long long)memory.cgroup,
                     memory.limited_by);
    }
}

static void this_machine_has_memory(void **state)
{
    struct mica_memory memory;
    mica_memory_available("", &memory);
    assert_true(memory.system > MIB && memory.system < UINT64_MAX);
    assert_true(memory.available > MIB && memory.available <= memory.system);
}

/* A limit on data of this process; in a child, since it cannot be taken back for sure. */
static void ulimits_count(void **state)
{
#ifdef __SANITIZE_ADDRESS__
    skip(); /* the sanitizer itself needs more */
#endif
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct mica_memory memory;
        bool ok = setrlimit(RLIMIT_DATA, &(struct rlimit){64 * MIB, 64 * MIB}) == 0;
        mica_memory_available("", &memory);
        ok = ok && memory.data <= 64 * MIB && memory.available == memory.data &&
             strcmp(memory.limited_by, "ulimit") == 0 && memory.address_space > memory.data;
        _exit(ok ? 0 : 1);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_come_from_everywhere),
        cmocka_unit_test(this_machine_has_memory),
        cmocka_unit_test(ulimits_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
