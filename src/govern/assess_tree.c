/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* A folder from anyone: every step goes from an open folder by one name and follows no link. */
#include "govern/assess_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_skipped(const char *name)
{
    static const char *const names[] = {".", "..", ".git", "node_modules", "__pycache__"};
    for (size_t i = 0; i < MICA_COUNT(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Something that a tool made and can make again: a build folder, a virtual environment, a cache. */
static bool is_made(int folder)
{
    static const char *const names[] = {"CACHEDIR.TAG", "meson-info", "CMakeCache.txt", "pyvenv.cfg"};
    for (size_t i = 0; i < MICA_COUNT(names); i++)
        if (faccessat(folder, names[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            return true;
    return false;
}

static void list(struct mica_assess *a, int folder, const char *prefix, int depth);

static void add_entry(struct mica_assess *a, int folder, const char *prefix, const char *name, int depth)
{
    struct mica_tree *tree = &a->tree;
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    if (tree->n >= MICA_TREE_MAX || depth > MICA_TREE_DEPTH) {
        tree->cut = true;
        return;
    }
    const char *path = mica_assess_printf(a, "%s%s%s", prefix, *prefix ? "/" : "", name);
    if (!path || !mica_grow(&tree->entries, tree->n, &tree->capacity, sizeof *tree->entries)) {
        a->failed = true;
        return;
    }
    tree->entries[tree->n++] =
        (struct mica_entry){path, (uint64_t)st.st_size, S_ISDIR(st.st_mode), S_ISLNK(st.st_mode)};
    if (!S_ISDIR(st.st_mode))
        return;
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && is_made(fd))
        close(fd);
    else if (fd >= 0)
        list(a, fd, path, depth + 1);
}

/* Takes over the descriptor. */
static void list(struct mica_assess *a, int folder, const char *prefix, int depth)
{
    DIR *dir = fdopendir(folder);
    const struct dirent *entry;
    if (!dir) {
        close(folder);
        return;
    }
    while (!a->failed && !a->tree.cut && (entry = readdir(dir)))
        if (!is_skipped(entry->d_name))
            add_entry(a, dirfd(dir), prefix, entry->d_name, depth);
    closedir(dir);
}

static int depth_of(const char *path)
{
    int depth = 0;
    for (; *path; path++)
        depth += *path == '/';
    return depth;
}

/* What lies higher comes first. */
static int by_path(const void *a, const void *b)
{
    const struct mica_entry *x = a, *y = b;
    int dx = depth_of(x->path), dy = depth_of(y->path);
    return dx != dy ? (dx > dy) - (dx < dy) : strcmp(x->path, y->path);
}

enum mica_status mica_tree_open(const char *path, struct mica_assess *a, struct mica_err *err)
{
    a->tree.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (a->tree.fd < 0)
        return mica_fail(err,
                         errno == ENOENT    ? MICA_ENOTFOUND
                         : errno == ENOTDIR ? MICA_EARG
                                            : MICA_EIO,
                         "%s: %s", path, strerror(errno));
    int fd = openat(a->tree.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return mica_fail(err, MICA_EIO, "%s: %s", path, strerror(errno));
    list(a, fd, "", 0);
    if (a->failed)
        return mica_fail(err, MICA_ENOMEM, "%s: out of memory", path);
    if (a->tree.n)
        qsort(a->tree.entries, (size_t)a->tree.n, sizeof *a->tree.entries, by_path);
    return MICA_OK;
}

void mica_tree_close(struct mica_tree *tree)
{
    if (tree->fd >= 0)
        close(tree->fd);
    tree->fd = -1;
    mica_free(tree->entries);
    tree->entries = NULL;
    tree->n = 0;
}

static bool matches(const char *path, const char *pattern)
{
    const char *slash = strrchr(path, '/'), *name = strchr(pattern, '/') || !slash ? path : slash + 1;
    size_t len = strlen(pattern);
    if (len && pattern[len - 1] == '*')
        return strncasecmp(name, pattern, len - 1) == 0;
    if (*pattern == '*') {
        size_t n = strlen(name);
        return n >= len - 1 && strcasecmp(name + n - (len - 1), pattern + 1) == 0;
    }
    return strcasecmp(name, pattern) == 0;
}

const struct mica_entry *mica_tree_find(const struct mica_tree *tree, const char *pattern, bool folder)
{
    for (int64_t i = 0; i < tree->n; i++)
        if (tree->entries[i].is_folder == folder && !tree->entries[i].is_link &&
            matches(tree->entries[i].path, pattern))
            return &tree->entries[i];
    return NULL;
}

const struct mica_entry *mica_tree_find_top(const struct mica_tree *tree, const char *pattern)
{
    static const char *const places[] = {"", ".github/", ".gitlab/", "docs/"};
    for (size_t k = 0; k < MICA_COUNT(places); k++)
        for (int64_t i = 0; i < tree->n; i++) {
            const struct mica_entry *entry = &tree->entries[i];
            size_t len = strlen(places[k]);
            if (!entry->is_folder && !entry->is_link && strncasecmp(entry->path, places[k], len) == 0 &&
                !strchr(entry->path + len, '/') && matches(entry->path + len, pattern))
                return entry;
        }
    return NULL;
}

bool mica_tree_read(const struct mica_tree *tree, const struct mica_entry *entry, struct mica_buf *out)
{
    char chunk[16384], path[4096];
    int folder = tree->fd, fd = -1;
    if (entry->is_folder || entry->is_link || strlen(entry->path) >= sizeof path)
        return false;
    memcpy(path, entry->path, strlen(entry->path) + 1);
    /* One name at a time: a folder that became a link since it was listed is not followed either. */
    for (char *name = path, *slash; name; name = slash ? slash + 1 : NULL) {
        slash = strchr(name, '/');
        if (slash)
            *slash = 0;
        fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | (slash ? O_DIRECTORY : 0));
        if (folder != tree->fd)
            close(folder);
        if (fd < 0)
            return false;
        folder = fd;
    }
    struct stat st;
    ssize_t n = -1;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        size_t room = MICA_TREE_FILE;
        mica_buf_puts(out, "");
        while (room && (n = read(fd, chunk, room < sizeof chunk ? room : sizeof chunk)) > 0) {
            for (ssize_t i = 0; i < n; i++) /* it is used as text */
                if (!chunk[i])
                    chunk[i] = ' ';
            mica_buf_append(out, chunk, (size_t)n);
            room -= (size_t)n;
        }
    }
    close(fd);
    return n >= 0 && !out->failed;
}
