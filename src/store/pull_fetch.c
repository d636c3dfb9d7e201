/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* One planned file: from the network or from this machine, checked, into the store. */
#include "store/source_internal.h"

#include <openssl/evp.h>

#include <stdio.h>
#include <string.h>

static bool is_remote(const struct mica_plan_file *file)
{
    return strncmp(file->url, "file:", 5) != 0;
}

/* ---- other digests ---- */

static bool hash(const struct mica_mapping *map, const EVP_MD *md, const char *prefix, unsigned char out[64],
                 unsigned *len)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && EVP_DigestInit_ex(context, md, NULL) == 1 &&
              (!prefix || EVP_DigestUpdate(context, prefix, strlen(prefix) + 1) == 1) &&
              EVP_DigestUpdate(context, mica_mapping_data(map), mica_mapping_size(map)) == 1 &&
              EVP_DigestFinal_ex(context, out, len) == 1;
    EVP_MD_CTX_free(context);
    return ok;
}

static bool matches_sha512(const struct mica_mapping *map, const char *base64)
{
    unsigned char digest[64];
    unsigned len;
    char text[100];
    if (!hash(map, EVP_sha512(), NULL, digest, &len))
        return false;
    EVP_EncodeBlock((unsigned char *)text, digest, (int)len);
    return strcmp(text, base64) == 0;
}

/* Git names a blob by the SHA-1 of "blob SIZE", a NUL and the bytes. */
static bool matches_git(const struct mica_mapping *map, const char *hex)
{
    unsigned char digest[64];
    unsigned len;
    char head[48], text[41];
    snprintf(head, sizeof head, "blob %zu", mica_mapping_size(map));
    if (!hash(map, EVP_sha1(), head, digest, &len))
        return false;
    for (unsigned i = 0; i < 20; i++)
        snprintf(text + (size_t)2 * i, 3, "%02x", digest[i]);
    return strcmp(text, hex) == 0;
}

static const struct {
    const char *prefix;
    bool (*matches)(const struct mica_mapping *map, const char *text);
} checks[] = {{"sha512-", matches_sha512}, {"git-sha1:", matches_git}};

static enum mica_status check(const struct mica_plan_file *file, const struct mica_mapping *map,
                              struct mica_err *err)
{
    if (!file->check)
        return MICA_OK;
    for (size_t i = 0; i < MICA_COUNT(checks); i++) {
        size_t n = strlen(checks[i].prefix);
        if (strncmp(file->check, checks[i].prefix, n) == 0)
            return checks[i].matches(map, file->check + n)
                       ? MICA_OK
                       : mica_fail(err, MICA_EFORMAT,
                                   "%s: its digest is not the one that the source states (%.100s)",
                                   file->title, file->check);
    }
    return mica_fail(err, MICA_EUNSUPPORTED, "%s: the digest '%.60s' is of no known kind", file->title,
                     file->check);
}

/* ---- from this machine ---- */

static enum mica_status check_sha256(const struct mica_plan_file *file, const struct mica_digest *digest,
                                     struct mica_err *err)
{
    if (!file->has_digest || mica_digest_equal(&file->digest, digest))
        return MICA_OK;
    return mica_fail(err, MICA_EFORMAT, "%s: its SHA-256 is not the one that the source states", file->title);
}

static enum mica_status copy(struct mica_puller *puller, const struct mica_plan_file *file, const char *path,
                             struct mica_digest *digest, uint64_t *size, struct mica_err *err)
{
    struct mica_mapping *map;
    enum mica_status status = mica_mapping_open(path, &map, err);
    if (status != MICA_OK)
        return status;
    *size = mica_mapping_size(map);
    if (file->kind == MICA_LAYER_MODEL)
        status = mica_source_check_gguf(file->title, mica_mapping_data(map), *size < 512 ? *size : 512, err);
    if (status == MICA_OK)
        status = puller->options->link && file->kind != MICA_LAYER_LICENSE && file->kind != MICA_LAYER_CARD
                     ? mica_store_blob_link(puller->store, path, digest, size, err)
                     : mica_store_blob_put(puller->store, mica_mapping_data(map), *size, digest, err);
    mica_mapping_free(map);
    return status == MICA_OK ? check_sha256(file, digest, err) : status;
}

enum mica_status mica_source_check_digest(const struct mica_plan_file *file, const struct mica_mapping *map,
                                          struct mica_err *err)
{
    struct mica_digest digest;
    enum mica_status status = check(file, map, err);
    if (status != MICA_OK || !file->has_digest)
        return status;
    return mica_sha256(mica_mapping_data(map), mica_mapping_size(map), &digest)
               ? check_sha256(file, &digest, err)
               : mica_fail(err, MICA_ENOMEM, "out of memory");
}

static enum mica_status map_archive(const struct mica_plan_file *file, const char *path,
                                    struct mica_mapping **out, struct mica_err *err)
{
    enum mica_status status = mica_mapping_open(path, out, err);
    if (status != MICA_OK)
        return status;
    status = mica_source_check_digest(file, *out, err);
    if (status != MICA_OK) {
        mica_mapping_free(*out);
        *out = NULL;
    }
    return status;
}

/* ---- from the network ---- */

static enum mica_status download(struct mica_puller *puller, struct mica_plan *plan,
                                 struct mica_plan_file *file, struct mica_digest *digest, uint64_t *size,
                                 struct mica_err *err)
{
    for (int attempt = 0;; attempt++) {
        const struct mica_http_fetch fetch = {.url = file->url,
                                              .authorization = file->authorization,
                                              .digest = file->has_digest ? &file->digest : NULL,
                                              .size = file->is_exact ? file->size : 0,
                                              .progress = mica_puller_progress,
                                              .user = puller};
        enum mica_status status = mica_http_fetch(puller->http, puller->store, &fetch, digest, size, err);
        if (status != MICA_EDENIED || !plan->renew || attempt == 3)
            return status;
        status = plan->renew(plan->auth, file, err);
        if (status != MICA_OK || !is_remote(file))
            return status;
    }
}

static enum mica_status open_blob(struct mica_puller *puller, const struct mica_plan_file *file,
                                  const struct mica_digest *digest, struct mica_mapping **out,
                                  struct mica_err *err)
{
    enum mica_status status = mica_store_blob_open(puller->store, digest, out, err);
    if (status != MICA_OK)
        return status;
    status = check(file, *out, err);
    if (status == MICA_OK && file->kind == MICA_LAYER_MODEL && !file->member_of) {
        size_t len = mica_mapping_size(*out);
        status = mica_source_check_gguf(file->title, mica_mapping_data(*out), len < 512 ? len : 512, err);
    }
    if (status != MICA_OK) {
        mica_mapping_free(*out);
        *out = NULL;
    }
    return status;
}

/* The network's file as a blob and its mapping; *moved: it is to be taken from this machine instead. */
static enum mica_status bring(struct mica_puller *puller, struct mica_plan *plan, struct mica_plan_file *file,
                              struct mica_digest *digest, uint64_t *size, struct mica_mapping **map,
                              bool *moved, struct mica_err *err)
{
    for (int attempt = 0;; attempt++) {
        enum mica_status status = download(puller, plan, file, digest, size, err);
        *moved = !is_remote(file);
        if (status != MICA_OK || *moved)
            return status;
        status = open_blob(puller, file, digest, map, err);
        /* Another pull that had the same archive removed it after its work. */
        if (status != MICA_ENOTFOUND || attempt == 3)
            return status;
    }
}

enum mica_status mica_puller_fetch(struct mica_puller *puller, struct mica_plan *plan,
                                   struct mica_plan_file *file, struct mica_digest *digest_out,
                                   uint64_t *size_out, struct mica_mapping **archive_out,
                                   struct mica_err *err)
{
    bool is_here = !is_remote(file);
    enum mica_status status = MICA_OK;
    struct mica_mapping *map = NULL;
    puller->what = file->title;
    if (!is_here)
        status = bring(puller, plan, file, digest_out, size_out, &map, &is_here, err);
    if (status == MICA_OK && is_here)
        status = file->member_of ? map_archive(file, file->url + 5, &map, err)
                                 : copy(puller, file, file->url + 5, digest_out, size_out, err);
    if (status != MICA_OK)
        return status;
    if (file->member_of && map) {
        *archive_out = map;
        *size_out = mica_mapping_size(map);
    } else {
        mica_mapping_free(map);
    }
    return MICA_OK;
}
