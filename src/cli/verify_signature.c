/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "cli/models.h"
#include "cli/signature.h"
#include "govern/minisign.h"
#include "govern/oms_folder.h"
#include "govern/signature.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* What a verified signature says. */
struct found {
    struct mica_oms_report report;
    char key[MICA_DIGEST_HEX];
    const char *key_path;
    char comment[MICA_MINISIGN_COMMENT]; /* minisign's trusted one */
};

static int tell(const struct mica_cli_verify *v, const struct found *f)
{
    char spaced[MICA_MINISIGN_COMMENT], comment[MICA_MINISIGN_COMMENT];
    snprintf(spaced, sizeof spaced, "%s", f->comment);
    for (char *at = spaced; *at; at++)
        if (*at == '\t') /* what minisign puts between its words */
            *at = ' ';
    mica_printable(spaced, comment, sizeof comment);
    if (v->json)
        return mica_cli_print_json(json_pack(
            "{s:b, s:s, s:s, s:s, s:I, s:I, s:s*, s:s*, s:s*}", "verified", 1, "target", v->target, "key",
            f->key, "key_file", f->key_path, "files", (json_int_t)f->report.n_files, "bytes",
            (json_int_t)f->report.bytes, "root", *f->report.root ? f->report.root : NULL, "subject",
            *f->report.subject ? f->report.subject : NULL, "trusted_comment", *comment ? comment : NULL));
    printf("verified  %s: %lld file%s, %llu bytes\nkey       %s (%s)\n", v->target,
           (long long)f->report.n_files, f->report.n_files == 1 ? "" : "s",
           (unsigned long long)f->report.bytes, f->key, f->key_path);
    if (*comment)
        printf("comment   %s\n", comment);
    return 0;
}

/* ---- minisign ---- */

static enum mica_status read_minisign_key(const char *path, struct mica_minisign_public *out,
                                          struct mica_err *err)
{
    struct mica_buf text = {0};
    /* As minisign's -P, a key may be given as its text. */
    if (strncmp(path, "RW", 2) == 0 && strlen(path) == 56 && !mica_fs_exists(path))
        return mica_minisign_parse_public(path, strlen(path), path, out, err);
    enum mica_status status = mica_fs_read(path, MICA_KEY_FILE_MAX, &text, err);
    if (status == MICA_OK && memmem(text.data, text.len, "-----BEGIN", 10))
        status =
            mica_fail(err, MICA_EARG,
                      "%s: a PEM key, but this is a minisign signature: it needs the minisign key", path);
    if (status == MICA_OK)
        status = mica_minisign_parse_public(text.data, text.len, path, out, err);
    mica_buf_release(&text);
    return status;
}

static enum mica_status verify_minisign(const struct mica_cli_verify *v, const char *name,
                                        const struct mica_buf *text, struct found *out, struct mica_err *err)
{
    struct mica_minisign_signature *signature = mica_alloc(1, sizeof *signature);
    struct mica_mapping *file = NULL;
    struct mica_minisign_public key;
    enum mica_status status = signature
                                  ? mica_minisign_parse_signature(text->data, text->len, name, signature, err)
                                  : mica_fail(err, MICA_ENOMEM, "%s: out of memory", name);
    if (status == MICA_OK)
        status = mica_mapping_open(v->target, &file, err);
    enum mica_status opened = status;
    for (int i = 0; i < v->keys->n && opened == MICA_OK; i++) {
        status = read_minisign_key(v->keys->items[i], &key, err);
        if (status == MICA_OK)
            status = mica_minisign_verify(file, signature, &key, name, err);
        if (status == MICA_OK) {
            mica_minisign_id_text(key.id, out->key);
            out->key_path = v->keys->items[i];
            out->report = (struct mica_oms_report){1, mica_mapping_size(file)};
            memcpy(out->comment, signature->comment, sizeof out->comment);
        }
        if (status != MICA_EDENIED)
            break;
    }
    mica_mapping_free(file);
    mica_free(signature);
    return status;
}

/* ---- OMS ---- */

static enum mica_status read_ec_key(const char *path, struct mica_key **out, struct mica_err *err)
{
    struct mica_buf text = {0};
    enum mica_status status = mica_fs_read(path, MICA_KEY_FILE_MAX, &text, err);
    if (status == MICA_OK && mica_minisign_is(text.data, text.len))
        status = mica_fail(err, MICA_EARG, "%s: a minisign key, but this signature needs a PEM key", path);
    if (status == MICA_OK)
        status = mica_key_parse_public(text.data, text.len, path, out, err);
    mica_buf_release(&text);
    return status;
}

static enum mica_status verify_oms(const struct mica_cli_verify *v, const char *name,
                                   const struct mica_buf *text, struct found *out, struct mica_err *err)
{
    struct mica_pool *pool = NULL;
    struct mica_oms *oms = NULL;
    enum mica_status status = MICA_OK;
    for (int i = 0; i < v->keys->n && !oms; i++) {
        struct mica_key *key;
        status = read_ec_key(v->keys->items[i], &key, err);
        if (status != MICA_OK)
            return status;
        status = mica_oms_open(text->data, text->len, name, key, &oms, err);
        memcpy(out->key, mica_key_hint(key), MICA_DIGEST_HEX);
        out->key_path = v->keys->items[i];
        mica_key_free(key);
        if (status != MICA_EDENIED)
            break;
    }
    if (status == MICA_OK)
        status = mica_pool_new((int)v->threads, &pool, err);
    if (status == MICA_OK)
        status = mica_oms_verify_folder(oms, v->target, name, pool, &out->report, err);
    mica_pool_free(pool);
    mica_oms_free(oms);
    return status;
}

static enum mica_status verify_path(const struct mica_cli_verify *v, struct found *out, struct mica_err *err)
{
    char name[MICA_PATH_MAX];
    struct mica_buf text = {0};
    struct stat st;
    if (stat(v->target, &st) != 0)
        return mica_fail(err, MICA_ENOTFOUND, "%s: no such file or folder", v->target);
    enum mica_status status =
        v->signature
            ? mica_fs_path(name, err, "%s", v->signature)
            : mica_fs_path(name, err, S_ISDIR(st.st_mode) ? "%s/model.sig" : "%s.minisig", v->target);
    if (status == MICA_OK)
        status = mica_fs_read(name, MICA_BUNDLE_MAX, &text, err);
    if (status == MICA_OK)
        status = mica_minisign_is(text.data, text.len) ? verify_minisign(v, name, &text, out, err)
                                                       : verify_oms(v, name, &text, out, err);
    mica_buf_release(&text);
    return status;
}

/* ---- stored models ---- */

static enum mica_status hash_layer(struct mica_store *store, const struct mica_layer *layer, const char *name,
                                   struct mica_err *err)
{
    struct mica_mapping *map;
    struct mica_digest digest;
    enum mica_status status = mica_store_blob_open(store, &layer->digest, &map, err);
    if (status != MICA_OK)
        return status;
    if (!mica_sha256(mica_mapping_data(map), mica_mapping_size(map), &digest))
        status = mica_fail(err, MICA_ENOMEM, "%s: out of memory", name);
    else if (!mica_digest_equal(&digest, &layer->digest))
        status = mica_fail(err, MICA_EDENIED, "%s has changed in the store: pull the model again", name);
    mica_mapping_free(map);
    return status;
}

static enum mica_status verify_stored(const struct mica_cli_verify *v, struct mica_store *store,
                                      struct found *out, struct mica_err *err)
{
    char signed_as[MICA_SIGNED_NAME];
    const char *keys[MICA_LIST_MAX + 1] = {NULL};
    struct mica_err cause;
    struct mica_name name;
    struct mica_manifest *manifest = NULL;
    enum mica_status status = mica_cli_manifest(store, v->target, &name, &manifest, err);
    if (status != MICA_OK)
        return status;
    for (int i = 0; i < v->keys->n; i++) {
        keys[0] = v->keys->items[i];
        status = mica_signature_check(store, manifest, keys, out->key, sizeof out->key, &cause);
        out->key_path = keys[0];
        if (status != MICA_EDENIED)
            break;
    }
    for (int64_t i = 0; i < manifest->n_layers && status == MICA_OK; i++)
        if (mica_signature_name(manifest, i, signed_as)) {
            status = hash_layer(store, &manifest->layers[i], signed_as, &cause);
            out->report.n_files++;
            out->report.bytes += manifest->layers[i].size;
        }
    mica_manifest_free(manifest);
    return status == MICA_OK ? status : mica_fail(err, status, "%s: %s", v->target, cause.text);
}

int mica_cli_verify_signature(const struct mica_cli_verify *verify)
{
    struct found *found = mica_alloc(1, sizeof *found);
    struct mica_store *store = NULL;
    struct mica_err err;
    int code = 0;
    if (!verify->keys->n) {
        mica_free(found);
        return mica_cli_usage("verify: --key PUB names the public key that must have signed");
    }
    enum mica_status status =
        found ? mica_store_open(NULL, &store, &err) : mica_fail(&err, MICA_ENOMEM, "verify: out of memory");
    if (status == MICA_OK)
        status = verify->signature || mica_cli_is_path(store, verify->target)
                     ? verify_path(verify, found, &err)
                     : verify_stored(verify, store, found, &err);
    if (status == MICA_OK)
        code = tell(verify, found);
    mica_store_close(store);
    mica_free(found);
    return status == MICA_OK ? code : mica_cli_fail(status, &err);
}
