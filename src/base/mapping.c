/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct mica_mapping {
    atomic_int refs;
    int fd; /* -1 when the bytes are the caller's */
    const uint8_t *data;
    size_t size;
    char *path; /* as opened; its last part is the name */
    const char *name;
    bool by_path;       /* path leads to the file */
    struct stat opened; /* of the file as it was when it was mapped */
};

static enum mica_status new_mapping(int fd, const void *data, size_t size, const char *name,
                                    struct mica_mapping **out, struct mica_err *err)
{
    struct mica_mapping *map = mica_alloc(1, sizeof *map);
    char *copy = mica_strdup(name), *slash = copy ? strrchr(copy, '/') : NULL;
    if (!map || !copy) {
        mica_free(map);
        mica_free(copy);
        return mica_fail(err, MICA_ENOMEM, "%s: out of memory", name);
    }
    *map = (struct mica_mapping){
        .refs = 1, .fd = fd, .data = data, .size = size, .path = copy, .name = slash ? slash + 1 : copy};
    *out = map;
    return MICA_OK;
}

enum mica_status mica_mapping_from_bytes(const void *data, size_t size, const char *name,
                                         struct mica_mapping **out, struct mica_err *err)
{
    return new_mapping(-1, data, size, name, out, err);
}

/* File times move in ticks: a second change within the tick of the first would not show. So a file that was
 * changed just now is looked at after its tick has passed. */
static void let_tick_pass(const struct stat *st)
{
    struct timespec tick, now;
    if (clock_getres(CLOCK_REALTIME_COARSE, &tick) != 0 || clock_gettime(CLOCK_REALTIME_COARSE, &now) != 0)
        return;
    int64_t age = (now.tv_sec - st->st_ctim.tv_sec) * 1000000000LL + now.tv_nsec - st->st_ctim.tv_nsec;
    struct timespec wait = {0, 2 * tick.tv_nsec};
    if (age >= 0 && age <= wait.tv_nsec && wait.tv_nsec < 100000000)
        nanosleep(&wait, NULL);
}

enum mica_status mica_mapping_from_fd(int fd, const char *name, struct mica_mapping **out,
                                      struct mica_err *err)
{
    struct stat st;
    void *data = NULL;
    enum mica_status status;
    if (fstat(fd, &st) != 0) {
        status = mica_fail(err, MICA_EIO, "%s: %s", name, strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        status = mica_fail(err, MICA_EARG, "%s: not a regular file", name);
    } else if (st.st_size > 0 &&
               (data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED) {
        data = NULL;
        status = mica_fail(err, MICA_EIO, "%s: cannot map %lld bytes: %s", name, (long long)st.st_size,
                           strerror(errno));
    } else {
        status = new_mapping(fd, data, (size_t)st.st_size, name, out, err);
        if (status == MICA_OK) {
            (*out)->opened = st;
            let_tick_pass(&st);
        }
    }
    if (status != MICA_OK) {
        if (data)
            munmap(data, (size_t)st.st_size);
        close(fd);
    }
    return status;
}

enum mica_status mica_mapping_open(const char *path, struct mica_mapping **out, struct mica_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return mica_fail(err, errno == ENOENT ? MICA_ENOTFOUND : MICA_EIO, "%s: %s", path, strerror(errno));
    enum mica_status status = mica_mapping_from_fd(fd, path, out, err);
    if (status == MICA_OK)
        (*out)->by_path = true;
    return status;
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

enum mica_status mica_mapping_unchanged(const struct mica_mapping *map, struct mica_err *err)
{
    struct stat now;
    const struct stat *then = &map->opened;
    if (map->fd < 0)
        return MICA_OK;
    if (map->by_path &&
        (stat(map->path, &now) != 0 || now.st_dev != then->st_dev || now.st_ino != then->st_ino))
        return mica_fail(
            err, MICA_EDENIED,
            "%s: was replaced while it was being loaded: nothing was run from it; find out by whom, and "
            "run it again",
            map->path);
    /* The change time cannot be set back by whoever writes into the file. */
    if (fstat(map->fd, &now) != 0 || now.st_size != then->st_size || !same_time(now.st_mtim, then->st_mtim) ||
        !same_time(now.st_ctim, then->st_ctim))
        return mica_fail(
            err, MICA_EDENIED,
            "%s: was changed while it was being loaded: nothing was run from it; find out by whom, and "
            "run it again",
            map->path);
    return MICA_OK;
}

struct mica_mapping *mica_mapping_ref(struct mica_mapping *map)
{
    atomic_fetch_add_explicit(&map->refs, 1, memory_order_relaxed);
    return map;
}

void mica_mapping_free(struct mica_mapping *map)
{
    if (!map || atomic_fetch_sub_explicit(&map->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (map->fd >= 0) {
        if (map->data)
            munmap((void *)(uintptr_t)map->data, map->size);
        close(map->fd);
    }
    mica_free(map->path);
    mica_free(map);
}

const uint8_t *mica_mapping_data(const struct mica_mapping *map)
{
    return map->data;
}

size_t mica_mapping_size(const struct mica_mapping *map)
{
    return map->size;
}

const char *mica_mapping_name(const struct mica_mapping *map)
{
    return map->name;
}

void mica_mapping_release(const struct mica_mapping *map, size_t offset, size_t len)
{
    if (map->fd < 0 || offset > map->size || len > map->size - offset)
        return;
    /* Only whole pages inside the range: its edges may still be read through a neighbour. */
    size_t page = (size_t)sysconf(_SC_PAGESIZE), begin = (offset + page - 1) / page * page;
    size_t end = (offset + len) / page * page;
    if (begin < end)
        madvise((void *)(uintptr_t)(map->data + begin), end - begin, MADV_DONTNEED);
}
