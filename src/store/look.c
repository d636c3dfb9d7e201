/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/look.h"
#include "store/source_internal.h"
#include "store/unpack.h"
#include "store/zip_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HEAD_FIRST = 1 << 20, HEAD_MOST = 16 << 20 };

static bool is_remote(const struct mica_plan_file *file)
{
    return strncmp(file->url, "http", 4) == 0;
}

const struct mica_plan_file *mica_look_model(const struct mica_plan *plan)
{
    const struct mica_plan_file *found = NULL;
    for (int64_t i = 0; i < plan->n_files; i++) {
        const struct mica_plan_file *file = &plan->files[i];
        if (file->kind != MICA_LAYER_MODEL || file->member_of)
            continue;
        if (found)
            return NULL;
        found = file;
    }
    return found && is_remote(found) ? found : NULL;
}

uint64_t mica_look_size(struct mica_http *http, const struct mica_plan_file *file)
{
    struct mica_http_response response;
    const struct mica_http_request request = {
        .method = "HEAD", .url = file->url, .authorization = file->authorization};
    uint64_t size = 0;
    if (!is_remote(file) || mica_http_do(http, &request, &response, NULL) != MICA_OK)
        return 0;
    const char *length = mica_http_header(&response, "Content-Length", 0);
    if (response.status == 200 && length && *length && strspn(length, "0123456789") == strlen(length))
        size = strtoull(length, NULL, 10);
    mica_http_response_release(&response);
    return size;
}

/* ---- the head of a model ---- */

/* A file of size bytes without a disk: what was not written is a hole and takes no memory. */
static enum mica_status sparse_file(const char *head, size_t len, uint64_t size, int *fd_out,
                                    struct mica_err *err)
{
    int fd = memfd_create("model.gguf", MFD_CLOEXEC);
    if (fd < 0)
        return mica_fail(err, MICA_EIO, "model.gguf: cannot make a file in memory: %s", strerror(errno));
    bool ok = ftruncate(fd, (off_t)size) == 0;
    for (size_t at = 0; ok && at < len;) {
        ssize_t n = pwrite(fd, head + at, len - at, (off_t)at);
        if (n > 0)
            at += (size_t)n;
        else if (n == 0 || errno != EINTR)
            ok = false;
    }
    if (!ok) {
        mica_fail(err, MICA_EIO, "model.gguf: cannot write a file in memory: %s", strerror(errno));
        close(fd);
        return MICA_EIO;
    }
    *fd_out = fd;
    return MICA_OK;
}

enum mica_status mica_look_head_files(const void *head, size_t len, uint64_t size, struct mica_files **out,
                                      struct mica_err *err)
{
    struct mica_mapping *map = NULL;
    struct mica_files *files = NULL;
    int fd = -1;
    if (len > size || size > INT64_MAX)
        return mica_fail(err, MICA_EARG, "model.gguf: %zu bytes are not the head of %llu", len,
                         (unsigned long long)size);
    enum mica_status status = sparse_file(head, len, size, &fd, err);
    if (status == MICA_OK)
        status = mica_mapping_from_fd(fd, "model.gguf", &map, err);
    if (status == MICA_OK)
        status = mica_files_new(&files, err);
    if (status == MICA_OK)
        status = mica_files_add(files, "model.gguf", map, err);
    mica_mapping_free(map);
    if (status != MICA_OK) {
        mica_files_free(files);
        return status;
    }
    *out = files;
    return MICA_OK;
}

/* Appends bytes [from, until) of the file. */
static enum mica_status fetch_range(struct mica_http *http, const struct mica_plan_file *file, uint64_t from,
                                    uint64_t until, struct mica_buf *out, struct mica_err *err)
{
    char range[96];
    struct mica_http_response response;
    size_t wanted = (size_t)(until - from);
    snprintf(range, sizeof range, "Range: bytes=%llu-%llu", (unsigned long long)from,
             (unsigned long long)until - 1);
    const struct mica_http_request request = {.url = file->url,
                                              .authorization = file->authorization,
                                              .headers = (const char *const[]){range, NULL},
                                              .limit = wanted};
    enum mica_status status = mica_http_do(http, &request, &response, err);
    if (status == MICA_ELIMIT) /* it sends the whole file */
        return mica_fail(err, MICA_EUNSUPPORTED, "%s: the server gives no part of it alone", file->title);
    if (status != MICA_OK)
        return status;
    status = mica_http_check(response.status, file->title, err);
    if (status == MICA_OK && (response.status != 206 || response.body.len != wanted))
        status = mica_fail(err, MICA_EUNSUPPORTED, "%s: the server gives no part of it alone", file->title);
    if (status == MICA_OK && !mica_buf_append(out, response.body.data, wanted))
        status = mica_fail(err, MICA_ENOMEM, "out of memory");
    mica_http_response_release(&response);
    return status;
}

enum mica_status mica_look_head(struct mica_http *http, const struct mica_plan_file *file,
                                bool (*is_enough)(void *user, const struct mica_files *files), void *user,
                                struct mica_err *err)
{
    struct mica_buf head = {0};
    uint64_t size = file->size ? file->size : mica_look_size(http, file);
    bool done = false;
    enum mica_status status =
        size ? MICA_OK
             : mica_fail(err, MICA_EUNSUPPORTED, "%s: the server does not state its size", file->title);
    for (uint64_t until = HEAD_FIRST; status == MICA_OK && !done && until <= HEAD_MOST; until *= 2) {
        struct mica_files *files = NULL;
        uint64_t end = until < size ? until : size;
        if (end <= head.len)
            break;
        status = fetch_range(http, file, head.len, end, &head, err);
        if (status == MICA_OK)
            status = mica_look_head_files(head.data, head.len, size, &files, err);
        done = status == MICA_OK && is_enough(user, files);
        mica_files_free(files);
    }
    mica_buf_release(&head);
    if (status == MICA_OK && !done)
        status = mica_fail(err, MICA_ENOTFOUND, "%s: its first %d MiB hold no whole header of a GGUF file",
                           file->title, HEAD_MOST >> 20);
    return status;
}

/* ---- texts ---- */

static enum mica_status append_text(struct mica_buf *out, const void *data, size_t len, struct mica_err *err)
{
    size_t from = out->len;
    mica_buf_puts(out, "");
    mica_buf_append(out, len ? data : "", len);
    if (out->failed)
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    for (size_t i = from; i < out->len; i++) /* it is used as text */
        if (!out->data[i])
            out->data[i] = ' ';
    return MICA_OK;
}

enum mica_status mica_look_text(struct mica_http *http, struct mica_store *store,
                                const struct mica_plan_file *file, struct mica_buf *out, struct mica_err *err)
{
    struct mica_http_response response = {0};
    if (file->has_digest && mica_store_has_blob(store, &file->digest)) {
        const struct mica_layer layer = {
            .kind = MICA_LAYER_LICENSE, .digest = file->digest, .size = file->size};
        return mica_store_layer_text(store, &layer, out, err);
    }
    if (!is_remote(file))
        return mica_fs_read(file->url + 5, MICA_LOOK_TEXT_MAX, out, err);
    const struct mica_http_request request = {
        .url = file->url, .authorization = file->authorization, .limit = MICA_LOOK_TEXT_MAX};
    enum mica_status status = mica_http_do(http, &request, &response, err);
    if (status != MICA_OK)
        return status;
    status = mica_http_check(response.status, file->title ? file->title : "text", err);
    if (status == MICA_OK)
        status = append_text(out, response.body.data, response.body.len, err);
    mica_http_response_release(&response);
    return status;
}

/* ---- archives ---- */

/* One archive: its wanted members by depth, and the text of each. */
struct looking {
    struct mica_archive *archive;
    bool *wanted;
    struct mica_look_member members[MICA_LOOK_TEXTS_MAX];
    int64_t places[MICA_LOOK_TEXTS_MAX];
    int n;
};

static int depth(const char *path)
{
    int n = 0;
    for (; *path; path++)
        n += *path == '/';
    return n;
}

static enum mica_status choose(struct looking *l, struct mica_err *err)
{
    enum { DEPTH_MAX = 8 };
    int64_t count = mica_archive_count(l->archive);
    l->wanted = mica_alloc((size_t)count + 1, sizeof *l->wanted);
    if (!l->wanted)
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    for (int level = 0; level <= DEPTH_MAX; level++)
        for (int64_t i = 0; i < count && l->n < MICA_LOOK_TEXTS_MAX; i++) {
            const char *path = mica_archive_name(l->archive, i);
            enum mica_layer_kind kind = mica_source_kind(path);
            if (depth(path) != level || (kind != MICA_LAYER_CARD && kind != MICA_LAYER_LICENSE) ||
                mica_archive_size(l->archive, i) > MICA_LOOK_TEXT_MAX)
                continue;
            l->wanted[i] = true;
            l->places[l->n] = i;
            l->members[l->n++] = (struct mica_look_member){.path = path, .kind = kind};
        }
    return MICA_OK;
}

static enum mica_status take(void *user, int64_t i, const void *bytes, size_t len, struct mica_err *err)
{
    struct looking *l = user;
    for (int k = 0; k < l->n; k++)
        if (l->places[k] == i)
            return append_text(&l->members[k].text, bytes, len, err);
    return MICA_OK;
}

static enum mica_status read_members(struct mica_mapping *map, const struct mica_plan_file *file,
                                     void (*member)(void *, const struct mica_look_member *), void *user,
                                     struct mica_err *err)
{
    struct looking *l = mica_alloc(1, sizeof *l);
    if (!l)
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    enum mica_status status = mica_archive_open(map, file->member_of, &l->archive, err);
    if (status == MICA_OK)
        status = choose(l, err);
    if (status == MICA_OK && l->n)
        status = mica_archive_read(l->archive, l->wanted, take, l, err);
    for (int k = 0; k < l->n; k++) {
        if (status == MICA_OK)
            member(user, &l->members[k]);
        mica_buf_release(&l->members[k].text);
    }
    mica_archive_free(l->archive);
    mica_free(l->wanted);
    mica_free(l);
    return status;
}

/* Parts of a wheel that is too large to be fetched to look. */
struct far_zip {
    struct mica_http *http;
    const struct mica_plan_file *file;
};

static enum mica_status read_far(void *user, uint64_t from, uint64_t until, struct mica_buf *out,
                                 struct mica_err *err)
{
    const struct far_zip *far_zip = user;
    return fetch_range(far_zip->http, far_zip->file, from, until, out, err);
}

static bool is_text(const char *path, uint64_t size)
{
    enum mica_layer_kind kind = mica_source_kind(path);
    return kind == MICA_LAYER_CARD || kind == MICA_LAYER_LICENSE;
}

static enum mica_status too_large(const struct mica_plan_file *file, uint64_t size, const char *why,
                                  struct mica_err *err)
{
    return mica_fail(err, MICA_ELIMIT, "%s: %.1f MB, more than the %llu MB that are fetched to look%s%s",
                     file->title, (double)size / 1e6, (unsigned long long)(MICA_LOOK_ARCHIVE_MAX >> 20),
                     *why ? "; " : "", why);
}

/* The texts alone where the server gives parts. */
static enum mica_status fetch_texts(struct mica_http *http, const struct mica_plan_file *file, uint64_t size,
                                    struct mica_buf *out, struct mica_err *err)
{
    struct far_zip far_zip = {http, file};
    const struct mica_zip_source source = {file->title, size, read_far, &far_zip};
    struct mica_err why = {0};
    enum mica_status status =
        strcmp(file->member_of, "zip") == 0 ? mica_zip_parts(&source, is_text, out, &why) : MICA_EUNSUPPORTED;
    return status == MICA_OK ? MICA_OK : too_large(file, size, why.text, err);
}

/* The whole archive, whose digest must be the one that the source states. */
static enum mica_status fetch_whole(struct mica_http *http, const struct mica_plan_file *file,
                                    struct mica_buf *out, struct mica_err *err)
{
    struct mica_http_response response = {0};
    struct mica_mapping *map = NULL;
    const struct mica_http_request request = {
        .url = file->url, .authorization = file->authorization, .limit = (size_t)MICA_LOOK_ARCHIVE_MAX};
    enum mica_status status = mica_http_do(http, &request, &response, err);
    if (status != MICA_OK)
        return status;
    status = mica_http_check(response.status, file->title, err);
    if (status == MICA_OK)
        status = mica_mapping_from_bytes(response.body.data, response.body.len, file->title, &map, err);
    if (status == MICA_OK)
        status = mica_source_check_digest(file, map, err);
    mica_mapping_free(map);
    if (status == MICA_OK) {
        *out = response.body;
        response.body = (struct mica_buf){0};
    }
    mica_http_response_release(&response);
    return status;
}

enum mica_status mica_look_archive(struct mica_http *http, const struct mica_plan_file *file,
                                   void (*member)(void *user, const struct mica_look_member *member),
                                   void *user, struct mica_err *err)
{
    struct mica_buf bytes = {0};
    struct mica_mapping *map = NULL;
    enum mica_status status;
    if (is_remote(file)) {
        uint64_t size = file->size ? file->size : mica_look_size(http, file);
        status = size > MICA_LOOK_ARCHIVE_MAX ? fetch_texts(http, file, size, &bytes, err)
                                              : fetch_whole(http, file, &bytes, err);
        if (status == MICA_OK)
            status = mica_mapping_from_bytes(bytes.data, bytes.len, file->title, &map, err);
    } else {
        status = mica_mapping_open(file->url + 5, &map, err);
        if (status == MICA_OK)
            status = mica_source_check_digest(file, map, err);
    }
    if (status == MICA_OK)
        status = read_members(map, file, member, user, err);
    mica_mapping_free(map);
    mica_buf_release(&bytes);
    return status;
}
