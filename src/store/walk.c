/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Walks over all manifests, for list and gc. */
#include "store/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct walk {
    struct mica_store *store;
    bool strict;
    enum mica_store_root root;
    mica_store_visit *visit;
    void *user;
    const char *parts[4]; /* registry, namespace, model, tag as far as they are known */
};

static enum mica_status odd_entry(const struct walk *walk, const char *name, struct mica_err *err)
{
    return walk->strict ? mica_fail(err, MICA_EFORMAT,
                                    "%s/%s: '%.200s' is no model's folder or manifest; move it away",
                                    walk->store->home, mica_store_root_name(walk->root), name)
                        : MICA_OK;
}

/* The parts as a name, when they are what mica_name_parse lets through. */
static bool name_of(const struct walk *walk, struct mica_name *out)
{
    struct mica_buf text = {0};
    bool ok = mica_buf_printf(&text, "%s/%s/%s:%s", mica_store_registry_of(walk->root, walk->parts[0]),
                              walk->parts[1], walk->parts[2], walk->parts[3]) &&
              mica_name_parse(text.data, out, NULL) == MICA_OK && strcmp(out->tag, walk->parts[3]) == 0;
    mica_buf_release(&text);
    return ok;
}

static enum mica_status walk_folder(struct walk *walk, int depth, int folder, struct mica_err *err);

static enum mica_status walk_entry(struct walk *walk, int depth, int folder, const char *entry,
                                   struct mica_err *err)
{
    struct mica_name name;
    struct stat st;
    walk->parts[depth] = entry;
    if (fstatat(folder, entry, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? MICA_OK : odd_entry(walk, entry, err);
    if (depth < 3) {
        int next =
            S_ISDIR(st.st_mode) ? openat(folder, entry, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW) : -1;
        return next >= 0 ? walk_folder(walk, depth + 1, next, err) : odd_entry(walk, entry, err);
    }
    bool is_file = S_ISREG(st.st_mode) || (walk->root == MICA_STORE_V2 && S_ISLNK(st.st_mode));
    if (!is_file || !name_of(walk, &name))
        return odd_entry(walk, entry, err);
    return walk->visit(walk->user, folder, &name, err);
}

/* Closes folder. */
static enum mica_status walk_folder(struct walk *walk, int depth, int folder, struct mica_err *err)
{
    DIR *dir = fdopendir(folder);
    if (!dir) {
        close(folder);
        return mica_fail(err, MICA_ENOMEM, "%s/%s: %s", walk->store->home, mica_store_root_name(walk->root),
                         strerror(errno));
    }
    enum mica_status status = MICA_OK;
    const struct dirent *entry;
    /* Hidden files are those of writers, and what desktops leave. */
    while (status == MICA_OK && (entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.') {
            char *copy = mica_strdup(entry->d_name);
            status = copy ? walk_entry(walk, depth, folder, copy, err)
                          : mica_fail(err, MICA_ENOMEM, "store: out of memory");
            mica_free(copy);
        }
    closedir(dir);
    return status;
}

enum mica_status mica_store_walk(struct mica_store *store, bool strict, mica_store_visit *visit, void *user,
                                 struct mica_err *err)
{
    enum mica_status status = MICA_OK;
    for (int root = MICA_STORE_ROOTS - 1; status == MICA_OK && root >= 0; root--) {
        struct walk walk = {store, strict, (enum mica_store_root)root, visit, user, {0}};
        int folder = mica_store_open_folder(store, walk.root, NULL, 0);
        if (folder >= 0)
            status = walk_folder(&walk, 0, folder, err);
        else if (errno != ENOENT)
            status = mica_fail(err, MICA_EIO, "%s/%s: %s", store->home, mica_store_root_name(walk.root),
                               strerror(errno));
    }
    return status;
}

struct listing {
    struct mica_listed *rows;
    int64_t n, capacity;
};

static enum mica_status add_listed(void *user, int folder, const struct mica_name *name, struct mica_err *err)
{
    struct listing *listing = user;
    struct stat st;
    if (fstatat(folder, name->tag, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return MICA_OK; /* removed meanwhile */
    if (!mica_grow(&listing->rows, listing->n, &listing->capacity, sizeof *listing->rows))
        return mica_fail(err, MICA_ENOMEM, "store: out of memory");
    listing->rows[listing->n++] = (struct mica_listed){*name, st.st_mtime};
    return MICA_OK;
}

static int compare_listed(const void *a, const void *b)
{
    char x[MICA_NAME_TEXT], y[MICA_NAME_TEXT];
    mica_name_print(&((const struct mica_listed *)a)->name, x);
    mica_name_print(&((const struct mica_listed *)b)->name, y);
    return strcmp(x, y);
}

enum mica_status mica_store_list(struct mica_store *store, struct mica_listed **out, int64_t *n_out,
                                 struct mica_err *err)
{
    struct listing listing = {0};
    enum mica_status status = mica_store_walk(store, false, add_listed, &listing, err);
    if (status != MICA_OK) {
        mica_free(listing.rows);
        return status;
    }
    if (listing.n > 1)
        qsort(listing.rows, (size_t)listing.n, sizeof *listing.rows, compare_listed);
    int64_t n = 0; /* once, when it is in both folders */
    for (int64_t i = 0; i < listing.n; i++)
        if (n == 0 || !mica_name_equal(&listing.rows[i].name, &listing.rows[n - 1].name))
            listing.rows[n++] = listing.rows[i];
    listing.n = n;
    *out = listing.rows;
    *n_out = listing.n;
    return MICA_OK;
}
