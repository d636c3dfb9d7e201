/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/machine.h"
#include "base/fs.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* These files are made by the kernel while they are read and have no size, so mica_fs_read does not fit. */
static FILE *open_below(const char *root, const char *path)
{
    char full[MICA_PATH_MAX];
    return mica_fs_path(full, NULL, "%s%s", root, path) == MICA_OK ? fopen(full, "re") : NULL;
}

/* The number after "KEY" at the beginning of a line; false when the file or the line is absent. */
static bool read_key(const char *root, const char *path, const char *key, uint64_t *out)
{
    char line[256];
    unsigned long long value;
    size_t len = strlen(key);
    bool found = false;
    FILE *file = open_below(root, path);
    while (file && !found && fgets(line, sizeof line, file))
        if (strncmp(line, key, len) == 0 && sscanf(line + len, "%llu", &value) == 1) {
            *out = value;
            found = true;
        }
    if (file)
        fclose(file);
    return found;
}

static uint64_t less_of(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t minus(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* What differs between the two versions of control groups. */
static const struct version {
    const char *mount, *usage, *reclaimable;
    const char *limits[2];
} v1 = {"/sys/fs/cgroup/memory",
        "memory.usage_in_bytes",
        "total_inactive_file ",
        {"memory.limit_in_bytes", "memory.limit_in_bytes"}},
  v2 = {"/sys/fs/cgroup", "memory.current", "inactive_file ", {"memory.max", "memory.high"}};

/* What one group, at path below the mount, still allows. "max" and absent files are no limit. */
static uint64_t group_allows(const char *root, const struct version *version, const char *path)
{
    char name[MICA_PATH_MAX];
    uint64_t limit = UINT64_MAX, usage = 0, reclaimable = 0, value;
    for (size_t i = 0; i < MICA_COUNT(version->limits); i++)
        if (mica_fs_path(name, NULL, "%s%s/%s", version->mount, path, version->limits[i]) == MICA_OK &&
            read_key(root, name, "", &value))
            limit = less_of(limit, value);
    /* v1 says "no limit" with the largest multiple of the page size. */
    if (limit >= INT64_MAX / 2)
        return UINT64_MAX;
    if (mica_fs_path(name, NULL, "%s%s/%s", version->mount, path, version->usage) == MICA_OK)
        read_key(root, name, "", &usage);
    if (mica_fs_path(name, NULL, "%s%s/memory.stat", version->mount, path) == MICA_OK)
        read_key(root, name, version->reclaimable, &reclaimable);
    return minus(limit, minus(usage, reclaimable));
}

/* The least over the group at path and all above it. Inside a container the path is often not below the
 * mount: then only the mount itself is left, which is the container's own group. */
static uint64_t groups_allow(const char *root, const struct version *version, const char *path)
{
    char at[MICA_PATH_MAX];
    uint64_t least = UINT64_MAX;
    if (mica_fs_path(at, NULL, "%s", path) != MICA_OK)
        return least;
    for (;;) {
        least = less_of(least, group_allows(root, version, strcmp(at, "/") == 0 ? "" : at));
        char *slash = strrchr(at, '/');
        if (!slash || strcmp(at, "/") == 0)
            return least;
        slash[slash == at] = '\0'; /* the first one stays: "/" */
    }
}

/* Lines of /proc/self/cgroup are ID:CONTROLLERS:PATH; v2 has the id 0 and no controllers. */
static uint64_t cgroup_memory(const char *root)
{
    char line[MICA_PATH_MAX];
    uint64_t least = UINT64_MAX;
    FILE *file = open_below(root, "/proc/self/cgroup");
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        char *rest = controllers + 1, *name;
        bool unified = *rest == '\0';
        if (unified)
            least = less_of(least, groups_allow(root, &v2, path));
        while ((name = strsep(&rest, ",")))
            if (strcmp(name, "memory") == 0)
                least = less_of(least, groups_allow(root, &v1, path));
    }
    if (file)
        fclose(file);
    return least;
}

static uint64_t rlimit_allows(int what, uint64_t used)
{
    struct rlimit limit;
    if (getrlimit(what, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return UINT64_MAX;
    return minus(limit.rlim_cur, used);
}

void mica_memory_available(const char *root, struct mica_memory *out)
{
    const uint64_t kib = 1024;
    uint64_t value = 0;
    *out = (struct mica_memory){.system = UINT64_MAX, .limited_by = "machine"};
    if (read_key(root, "/proc/meminfo", "MemAvailable:", &value))
        out->system = value * kib;
    out->cgroup = cgroup_memory(root);
    value = 0;
    read_key(root, "/proc/self/status", "VmSize:", &value);
    out->address_space = rlimit_allows(RLIMIT_AS, value * kib);
    value = 0;
    read_key(root, "/proc/self/status", "VmData:", &value);
    out->data = less_of(rlimit_allows(RLIMIT_DATA, value * kib), out->address_space);
    out->available = out->system;
    if (out->cgroup < out->available) {
        out->available = out->cgroup;
        out->limited_by = "control group";
    }
    if (out->data < out->available) {
        out->available = out->data;
        out->limited_by = "ulimit";
    }
}
