/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Signs a folder, and compares a folder with what was signed. */
#include "govern/oms_folder.h"
#include "base/strmap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMED = 4 /* problems that a message names */, PATH_LIMIT = 4096 };

static const char *const git_paths[] = {".git", ".gitattributes", ".github", ".gitignore"};

/* ---- signing ---- */

static void name_of(const char *folder, char *out, size_t size)
{
    char *real = realpath(folder, NULL);
    const char *slash = real ? strrchr(real, '/') : NULL;
    snprintf(out, size, "%s", slash && slash[1] ? slash + 1 : "model");
    free(real);
}

static enum mica_status piece_failed(const char *folder, const struct mica_folder_piece *piece,
                                     struct mica_err *err)
{
    char text[300];
    mica_printable(piece->path, text, sizeof text);
    if (piece->error == ENOMEM)
        return mica_fail(err, MICA_ENOMEM, "%s: %s: out of memory", folder, text);
    if (piece->error)
        return mica_fail(err, MICA_EIO, "%s: %s: %s", folder, text, strerror(piece->error));
    return mica_fail(err, MICA_EIO, "%s: %s changed while it was read: sign again", folder, text);
}

static enum mica_status hash_and_seal(const char *name, struct mica_folder *folder,
                                      const char *const *ignored, int64_t n_ignored,
                                      const struct mica_key *key, struct mica_pool *pool,
                                      struct mica_buf *out, struct mica_oms_report *report,
                                      struct mica_err *err)
{
    size_t n = (size_t)folder->n_files;
    struct mica_folder_piece *pieces = mica_alloc(n, sizeof *pieces);
    struct mica_oms_file *files = mica_alloc(n, sizeof *files);
    struct mica_oms_report r = {.n_files = folder->n_files};
    enum mica_status status = MICA_OK;
    if (!pieces || !files)
        status = mica_fail(err, MICA_ENOMEM, "%s: out of memory", name);
    for (size_t i = 0; i < n && status == MICA_OK; i++) {
        pieces[i] = (struct mica_folder_piece){folder->files[i].path, 0, folder->files[i].size, true};
        r.bytes += folder->files[i].size;
    }
    if (status == MICA_OK)
        status = mica_folder_hash(folder, pieces, folder->n_files, false, pool, err);
    for (size_t i = 0; i < n && status == MICA_OK; i++) {
        files[i].name = pieces[i].path;
        memcpy(files[i].digest.bytes, pieces[i].digest, MICA_DIGEST_BYTES);
        if (pieces[i].failed)
            status = piece_failed(name, &pieces[i], err);
    }
    name_of(name, r.subject, sizeof r.subject);
    if (status == MICA_OK)
        status = mica_oms_seal(r.subject, files, folder->n_files, ignored, n_ignored, key, out, err);
    if (status == MICA_OK && report)
        *report = r;
    mica_free(pieces);
    mica_free(files);
    return status;
}

enum mica_status mica_oms_sign_folder(const char *folder, const char *signature_path,
                                      const char *const *ignored, int64_t n_ignored,
                                      const struct mica_key *key, struct mica_pool *pool,
                                      struct mica_buf *out, struct mica_oms_report *report,
                                      struct mica_err *err)
{
    char own[PATH_LIMIT];
    struct mica_folder listed;
    int64_t n = 0;
    const char **all = mica_alloc((size_t)n_ignored + MICA_COUNT(git_paths) + 1, sizeof *all);
    if (!all)
        return mica_fail(err, MICA_ENOMEM, "%s: out of memory", folder);
    for (size_t i = 0; i < MICA_COUNT(git_paths); i++)
        all[n++] = git_paths[i];
    for (int64_t i = 0; i < n_ignored; i++)
        all[n++] = ignored[i];
    if (signature_path && mica_folder_relative(folder, signature_path, own))
        all[n++] = own;
    enum mica_status status = mica_folder_list(folder, all, n, &listed, err);
    if (status == MICA_OK) {
        if (listed.n_files == 1 && strcmp(listed.files[0].path, ".") == 0)
            status = mica_fail(err, MICA_EARG,
                               "%s: one file; sign the folder it lies in, or use a minisign key", folder);
        else
            status = hash_and_seal(folder, &listed, all, n, key, pool, out, report, err);
        mica_folder_release(&listed);
    }
    mica_free(all);
    return status;
}

/* ---- verifying ---- */

/* Collects what is wrong: the first few by name, the others by number. */
struct problems {
    struct mica_buf text;
    int64_t n;
};

static void add_problem(struct problems *p, const char *path, const char *what)
{
    char name[160];
    if (p->n++ < NAMED)
        mica_buf_printf(&p->text, "%s%s %s", p->n > 1 ? "; " : "", mica_printable(path, name, sizeof name),
                        what);
}

static enum mica_status tell_problems(struct problems *p, const char *folder, struct mica_err *err)
{
    enum mica_status status = MICA_OK;
    if (p->text.failed)
        status = mica_fail(err, MICA_ENOMEM, "%s: out of memory", folder);
    else if (p->n > NAMED)
        status = mica_fail(err, MICA_EDENIED, "%s: not what was signed: %s; and %lld more", folder,
                           p->text.data, (long long)(p->n - NAMED));
    else if (p->n)
        status = mica_fail(err, MICA_EDENIED, "%s: not what was signed: %s", folder, p->text.data);
    mica_buf_release(&p->text);
    return status;
}

struct verifying {
    const struct mica_oms *oms;
    const char *name; /* of the folder */
    struct mica_folder folder;
    const char *base; /* file name, where a single file is verified */
    struct mica_folder_piece *pieces;
    int64_t *file_of; /* by resource: index into folder.files */
    int64_t *n_of;    /* by file: how many resources are about it */
    struct problems problems;
    struct mica_err *err;
};

static enum mica_status no_memory(const struct verifying *v)
{
    return mica_fail(v->err, MICA_ENOMEM, "%s: out of memory", v->name);
}

/* The path that a resource names, as the list of files spells it. */
static const char *path_in_folder(const struct verifying *v, const char *path)
{
    return v->base && v->oms->n_resources == 1 && strcmp(path, v->base) == 0 ? "." : path;
}

static enum mica_status match_names(struct verifying *v)
{
    struct mica_strmap map = {0};
    bool ok = mica_strmap_reserve(&map, (size_t)v->folder.n_files);
    for (int64_t i = 0; i < v->folder.n_files && ok; i++)
        ok = mica_strmap_put(&map, v->folder.files[i].path, strlen(v->folder.files[i].path), (int32_t)i);
    for (int64_t i = 0; i < v->oms->n_resources && ok; i++) {
        const char *path = path_in_folder(v, v->oms->resources[i].path);
        int32_t at = mica_strmap_get(&map, path, strlen(path), -1);
        v->file_of[i] = at;
        if (at >= 0)
            v->n_of[at]++;
        else if (!i || strcmp(path, v->oms->resources[i - 1].path) != 0)
            add_problem(&v->problems, path, "is missing");
    }
    mica_strmap_release(&map);
    if (!ok)
        return no_memory(v);
    for (int64_t i = 0; i < v->folder.n_files; i++)
        /* A list of shards has no row for an empty file: there is nothing in it to vouch for. */
        if (!v->n_of[i] && !(v->oms->is_sharded && v->folder.files[i].size == 0))
            add_problem(&v->problems, v->base ? v->base : v->folder.files[i].path,
                        "is not signed: remove it, or sign again");
    return MICA_OK;
}

/* Whether a shard lies on the grid of shards of a file of this size: with unique names and the right number
 * of them, all on the grid means that the file is covered. */
static bool is_on_grid(const struct mica_oms_resource *res, uint64_t shard_size, uint64_t size)
{
    uint64_t left = size - res->start;
    return res->start % shard_size == 0 && res->start < size &&
           res->end - res->start == (left < shard_size ? left : shard_size);
}

static void check_sizes(struct verifying *v)
{
    for (int64_t i = 0; i < v->oms->n_resources && v->oms->is_sharded; i++) {
        const struct mica_oms_resource *res = &v->oms->resources[i];
        const struct mica_folder_file *file = &v->folder.files[v->file_of[i]];
        uint64_t n = file->size / v->oms->shard_size + (file->size % v->oms->shard_size != 0);
        if (n != (uint64_t)v->n_of[v->file_of[i]] || !is_on_grid(res, v->oms->shard_size, file->size)) {
            add_problem(&v->problems, file->path, "has another length than was signed");
            return;
        }
    }
}

static enum mica_status compare_digests(struct verifying *v, struct mica_pool *pool)
{
    int64_t n = v->oms->n_resources, last = -1;
    for (int64_t i = 0; i < n; i++) {
        const struct mica_folder_file *file = &v->folder.files[v->file_of[i]];
        const struct mica_oms_resource *res = &v->oms->resources[i];
        v->pieces[i] = (struct mica_folder_piece){file->path, res->start, res->end};
        if (!v->oms->is_sharded)
            v->pieces[i] = (struct mica_folder_piece){file->path, 0, file->size, true};
    }
    enum mica_status status = mica_folder_hash(&v->folder, v->pieces, n, v->oms->is_blake2b, pool, v->err);
    for (int64_t i = 0; i < n && status == MICA_OK; i++) {
        const struct mica_folder_piece *piece = &v->pieces[i];
        if (piece->failed)
            status = piece_failed(v->name, piece, v->err);
        else if (v->file_of[i] != last &&
                 memcmp(piece->digest, v->oms->resources[i].digest, mica_oms_digest_len(v->oms)) != 0) {
            add_problem(&v->problems, v->base ? v->base : piece->path, "has changed");
            last = v->file_of[i];
        }
    }
    return status;
}

static enum mica_status check_folder(struct verifying *v, struct mica_pool *pool)
{
    size_t n = (size_t)v->oms->n_resources;
    v->pieces = mica_alloc(n, sizeof *v->pieces);
    v->file_of = mica_alloc(n, sizeof *v->file_of);
    v->n_of = mica_alloc((size_t)v->folder.n_files, sizeof *v->n_of);
    enum mica_status status = v->pieces && v->file_of && v->n_of ? MICA_OK : no_memory(v);
    if (status == MICA_OK)
        status = match_names(v);
    /* Names and lengths first: they cost nothing, and a renamed file is told without hashing gigabytes. */
    if (status == MICA_OK && !v->problems.n)
        check_sizes(v);
    if (status == MICA_OK && !v->problems.n)
        status = compare_digests(v, pool);
    if (status == MICA_OK)
        status = tell_problems(&v->problems, v->name, v->err);
    mica_buf_release(&v->problems.text);
    mica_free(v->pieces);
    mica_free(v->file_of);
    mica_free(v->n_of);
    return status;
}

static enum mica_status check_ignored(const struct mica_oms *oms, struct mica_err *err)
{
    char text[300];
    for (int64_t i = 0; i < oms->n_resources; i++)
        if (mica_folder_ignores(oms->resources[i].path, oms->ignored, oms->n_ignored))
            return mica_fail(err, MICA_EFORMAT, "%s: malformed bundle: %s is both listed and left out",
                             oms->subject, mica_printable(oms->resources[i].path, text, sizeof text));
    return MICA_OK;
}

enum mica_status mica_oms_verify_folder(const struct mica_oms *oms, const char *folder,
                                        const char *signature_path, struct mica_pool *pool,
                                        struct mica_oms_report *report, struct mica_err *err)
{
    char own[PATH_LIMIT];
    struct verifying v = {.oms = oms, .name = folder, .err = err};
    int64_t n = oms->n_ignored;
    enum mica_status status = check_ignored(oms, err);
    if (status != MICA_OK)
        return status;
    const char **ignored = mica_alloc((size_t)n + 1, sizeof *ignored);
    if (!ignored)
        return mica_fail(err, MICA_ENOMEM, "%s: out of memory", folder);
    if (n)
        memcpy(ignored, oms->ignored, (size_t)n * sizeof *ignored);
    if (signature_path && mica_folder_relative(folder, signature_path, own))
        ignored[n++] = own;
    status = mica_folder_list(folder, ignored, n, &v.folder, err);
    if (status == MICA_OK) {
        const char *slash = strrchr(folder, '/');
        if (v.folder.n_files == 1 && strcmp(v.folder.files[0].path, ".") == 0)
            v.base = slash ? slash + 1 : folder;
        status = check_folder(&v, pool);
        if (status == MICA_OK && report) {
            *report = (struct mica_oms_report){.n_files = v.folder.n_files};
            for (int64_t i = 0; i < v.folder.n_files; i++)
                report->bytes += v.folder.files[i].size;
            snprintf(report->subject, sizeof report->subject, "%s", oms->subject);
            memcpy(report->root, oms->root, sizeof report->root);
        }
        mica_folder_release(&v.folder);
    }
    mica_free(ignored);
    return status;
}
