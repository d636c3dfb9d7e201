/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Hashes blobs again: each once, several at a time. */
#include "cli/models.h"
#include "cli/terminal.h"

#include <jansson.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct blob {
    struct mica_digest digest;
    char model[MICA_NAME_TEXT]; /* the first that names it; "" for none */
    char media_type[128];
    uint64_t size;
    bool has_size; /* a manifest states it */
    enum mica_status status;
    char problem[256];
};

struct check {
    struct mica_store *store;
    struct blob *blobs;
    int64_t n, capacity;
    uint64_t total;
    atomic_uint_fast64_t done;
    atomic_flag printing;
    struct timespec printed;
    bool tty;
};

/* Adds a blob, unless it is there. */
static enum mica_status add_blob(struct check *check, const struct mica_digest *digest,
                                 const struct mica_layer *layer, const char *model, struct mica_err *err)
{
    for (int64_t i = 0; i < check->n; i++)
        if (mica_digest_equal(&check->blobs[i].digest, digest))
            return MICA_OK;
    if (!mica_grow(&check->blobs, check->n, &check->capacity, sizeof *check->blobs))
        return mica_fail(err, MICA_ENOMEM, "verify: out of memory");
    struct blob *blob = &check->blobs[check->n++];
    *blob = (struct blob){.digest = *digest};
    snprintf(blob->model, sizeof blob->model, "%s", model);
    if (layer) {
        memcpy(blob->media_type, layer->media_type, sizeof blob->media_type);
        blob->size = layer->size;
        blob->has_size = true;
    }
    return MICA_OK;
}

static enum mica_status add_model(struct check *check, const struct mica_name *name, struct mica_err *err)
{
    char text[MICA_NAME_TEXT];
    struct mica_manifest *manifest;
    mica_name_print(name, text);
    enum mica_status status = mica_store_manifest(check->store, name, &manifest, err);
    if (status != MICA_OK)
        return status;
    status = add_blob(check, &manifest->config.digest, &manifest->config, text, err);
    for (int64_t i = 0; status == MICA_OK && i < manifest->n_layers; i++)
        status = add_blob(check, &manifest->layers[i].digest, &manifest->layers[i], text, err);
    mica_manifest_free(manifest);
    return status;
}

/* Blobs that no model names. */
static enum mica_status add_loose(struct check *check, struct mica_err *err)
{
    char path[MICA_PATH_MAX];
    enum mica_status status = mica_fs_path(path, err, "%s/blobs", mica_store_home(check->store));
    DIR *dir = status == MICA_OK ? opendir(path) : NULL;
    const struct dirent *entry;
    while (dir && status == MICA_OK && (entry = readdir(dir)) != NULL) {
        struct mica_digest digest;
        if (strncmp(entry->d_name, "sha256-", 7) == 0 && mica_digest_parse(entry->d_name, &digest))
            status = add_blob(check, &digest, NULL, "", err);
    }
    if (dir)
        closedir(dir);
    return status;
}

static enum mica_status add_all(struct check *check, struct mica_err *err)
{
    struct mica_listed *rows = NULL;
    int64_t n = 0;
    enum mica_status status = mica_store_list(check->store, &rows, &n, err);
    for (int64_t i = 0; status == MICA_OK && i < n; i++)
        status = add_model(check, &rows[i].name, err);
    if (status == MICA_OK)
        status = add_loose(check, err);
    mica_free(rows);
    return status;
}

/* A line that is written over, a few times a second, by whichever thread comes by. */
static void show_progress(struct check *check, bool last)
{
    struct timespec now;
    char done[MICA_SHORT_TEXT], total[MICA_SHORT_TEXT];
    if (!check->tty || atomic_flag_test_and_set(&check->printing))
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double passed =
        (double)(now.tv_sec - check->printed.tv_sec) + 1e-9 * (double)(now.tv_nsec - check->printed.tv_nsec);
    if (last) {
        fputs("\r\033[K", stderr);
    } else if (passed > 0.1) {
        check->printed = now;
        mica_cli_size_text(atomic_load(&check->done), done);
        mica_cli_size_text(check->total, total);
        fprintf(stderr, "\rverifying %s of %s\033[K", done, total);
    }
    atomic_flag_clear(&check->printing);
}

static void say(struct blob *blob, enum mica_status status, const char *text)
{
    blob->status = status;
    snprintf(blob->problem, sizeof blob->problem, "%s", text);
}

static void hash_blob(struct check *check, struct blob *blob, int fd)
{
    enum { CHUNK = 4 << 20 };
    struct mica_sha256_stream *stream = mica_sha256_begin();
    uint8_t *chunk = mica_alloc(CHUNK, 1);
    struct mica_digest digest;
    ssize_t n = -1;
    bool ok = stream && chunk;
    while (ok && (n = read(fd, chunk, CHUNK)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        ok = n > 0 && mica_sha256_update(stream, chunk, (size_t)n);
        atomic_fetch_add(&check->done, ok ? (uint64_t)n : 0);
        show_progress(check, false);
    }
    mica_free(chunk);
    if (!mica_sha256_end(stream, ok ? &digest : NULL) || !ok)
        say(blob, MICA_EIO, n < 0 ? strerror(errno) : "out of memory");
    else if (!mica_digest_equal(&digest, &blob->digest))
        say(blob, MICA_EDENIED, "its bytes were changed");
}

static void check_blob(struct check *check, struct blob *blob)
{
    char path[MICA_PATH_MAX], text[100];
    struct stat st;
    int fd = mica_store_blob_path(check->store, &blob->digest, path, NULL) == MICA_OK
                 ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
                 : -1;
    if (fd < 0 || fstat(fd, &st) != 0) {
        say(blob, errno == ENOENT ? MICA_ENOTFOUND : MICA_EIO,
            errno == ENOENT ? "it is not there" : strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        say(blob, MICA_EFORMAT, "it is no regular file");
    } else if (blob->has_size && (uint64_t)st.st_size != blob->size) {
        snprintf(text, sizeof text, "%lld bytes, but the manifest says %llu", (long long)st.st_size,
                 (unsigned long long)blob->size);
        say(blob, MICA_EDENIED, text);
    } else {
        blob->size = (uint64_t)st.st_size;
        hash_blob(check, blob, fd);
    }
    if (fd >= 0)
        close(fd);
}

static void check_blobs(void *arg, int64_t begin, int64_t end, int thread)
{
    struct check *check = arg;
    for (int64_t i = begin; i < end; i++)
        check_blob(check, &check->blobs[i]);
}

/* The big ones first: the last one to finish is then a small one. */
static int by_size(const void *a, const void *b)
{
    const struct blob *x = a, *y = b;
    return (x->size < y->size) - (x->size > y->size);
}

static const char *layer_text(const struct blob *blob)
{
    const char *dot = strrchr(blob->media_type, '.');
    return strncmp(blob->media_type, "application/vnd.ollama.image.", 29) == 0 ? dot + 1
           : strncmp(blob->media_type, "application/vnd.mica.", 21) == 0       ? dot + 1
           : strstr(blob->media_type, "container.image")                       ? "config"
           : blob->media_type[0]                                               ? blob->media_type
                                                                               : "unnamed";
}

static int report(const struct check *check, bool json)
{
    json_t *bad = json_array();
    enum mica_status worst = MICA_OK;
    char hex[MICA_DIGEST_HEX], size[MICA_SHORT_TEXT];
    uint64_t bytes = 0;
    for (int64_t i = 0; i < check->n; i++) {
        const struct blob *blob = &check->blobs[i];
        bytes += blob->size;
        if (blob->status == MICA_OK)
            continue;
        worst = worst == MICA_EDENIED ? worst : blob->status;
        mica_digest_hex(&blob->digest, hex);
        json_array_append_new(bad, json_pack("{s:s, s:s, s:s, s:s}", "digest", hex, "model", blob->model,
                                             "layer", layer_text(blob), "problem", blob->problem));
        mica_terminal_say("blob sha256-%s (%s%s%s): %s", hex, layer_text(blob), blob->model[0] ? " of " : "",
                          blob->model, blob->problem);
    }
    if (worst != MICA_OK)
        fputs("mica: pull or create the models named above again, or remove them with 'mica rm'\n", stderr);
    int n_bad = (int)json_array_size(bad);
    if (json) {
        int code = mica_cli_print_json(json_pack("{s:I, s:I, s:o}", "blobs", (json_int_t)check->n, "bytes",
                                                 (json_int_t)bytes, "bad", bad));
        return code ? code : mica_status_exit(worst);
    }
    json_decref(bad);
    mica_cli_size_text(bytes, size);
    if (worst == MICA_OK)
        printf("%lld blobs, %s: all as their digests say\n", (long long)check->n, size);
    else
        printf("%lld blobs, %s: %d wrong\n", (long long)check->n, size, n_bad);
    return mica_status_exit(worst);
}

int mica_cli_verify_store(char **names, int n_names, bool all, bool json)
{
    struct check check = {.printing = ATOMIC_FLAG_INIT, .tty = isatty(STDERR_FILENO)};
    struct mica_pool *pool = NULL;
    struct mica_err err;
    enum mica_status status = mica_store_open(NULL, &check.store, &err);
    for (int i = 0; status == MICA_OK && i < n_names; i++) {
        struct mica_name name;
        status = mica_name_parse(names[i], &name, &err);
        if (status == MICA_OK)
            status = add_model(&check, &name, &err);
    }
    if (status == MICA_OK && all)
        status = add_all(&check, &err);
    if (status == MICA_OK)
        status = mica_pool_new(0, &pool, &err);
    int code = 0;
    if (status == MICA_OK) {
        for (int64_t i = 0; i < check.n; i++)
            check.total += check.blobs[i].size;
        if (check.n > 1)
            qsort(check.blobs, (size_t)check.n, sizeof *check.blobs, by_size);
        mica_pool_run(pool, check.n, 1, check_blobs, &check);
        show_progress(&check, true);
        code = report(&check, json);
    }
    mica_pool_free(pool);
    mica_free(check.blobs);
    mica_store_close(check.store);
    return status == MICA_OK ? code : mica_cli_fail(status, &err);
}
