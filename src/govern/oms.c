/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/oms.h"
#include "base/digits.h"
#include "base/strmap.h"

#include <jansson.h>
#include <utf8proc.h>

#include <stdio.h>
#include <string.h>

enum { STATEMENT_ITEMS = 8 * MICA_OMS_FILES };

static const char statement_type[] = "https://in-toto.io/Statement/v1";
static const char predicate_type[] = "https://model_signing/signature/v1.0";

/* What the functions that read one statement share. */
struct reading {
    struct mica_oms *oms;
    const char *name;
    struct mica_err *err;
};

static enum mica_status malformed(const struct reading *r, const char *where, const char *what)
{
    return mica_fail(r->err, MICA_EFORMAT, "%s: malformed bundle at %s: %s", r->name, where, what);
}

static enum mica_status no_memory(const struct reading *r)
{
    return mica_fail(r->err, MICA_ENOMEM, "%s: out of memory", r->name);
}

/* The text of a field, or NULL. */
static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text && *text ? text : NULL;
}

static const char *keep(const struct reading *r, const char *text)
{
    return mica_arena_strndup(&r->oms->arena, text, strlen(text));
}

static bool parse_hex(const char *text, uint8_t *out, size_t n)
{
    if (strlen(text) != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = mica_hex_digit(text[2 * i]), low = mica_hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Whether path stays below its folder and is spelt in the one canonical way. */
static bool is_plain_path(const char *path)
{
    for (const char *at = path;; at++) {
        size_t len = strcspn(at, "/");
        if (len == 0 || (len == 1 && *at == '.') || (len == 2 && at[0] == '.' && at[1] == '.'))
            return false;
        at += len;
        if (!*at)
            return at - path < 4096;
    }
}

/* Reads the decimal number that ends at *end and begins after a ':', and cuts it off. */
static bool cut_number(char *text, uint64_t *out)
{
    char *colon = strrchr(text, ':');
    uint64_t n = 0;
    if (!colon || !colon[1] || (colon[1] == '0' && colon[2]))
        return false;
    for (const char *at = colon + 1; *at; at++)
        if (*at < '0' || *at > '9' || __builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(*at - '0'), &n))
            return false;
    *colon = '\0';
    *out = n;
    return true;
}

/* A shard's algorithm is spelt "sha256", as the specification does, or "sha256-sharded-1000", as its
 * reference program does. */
static bool is_algorithm(const struct reading *r, const char *used, const char *algorithm)
{
    char sharded[64];
    snprintf(sharded, sizeof sharded, "%s-sharded-%llu", algorithm, (unsigned long long)r->oms->shard_size);
    return strcmp(used, algorithm) == 0 || (r->oms->is_sharded && strcmp(used, sharded) == 0);
}

static enum mica_status parse_resource(const struct reading *r, const json_t *item, int64_t i,
                                       const char *algorithm)
{
    struct mica_oms_resource *res = &r->oms->resources[i];
    char where[64];
    snprintf(where, sizeof where, "predicate.resources[%lld]", (long long)i);
    const char *name = text_of(item, "name"), *digest = text_of(item, "digest"),
               *used = text_of(item, "algorithm");
    if (!name || !digest || !used)
        return malformed(r, where, "name, algorithm or digest is not there");
    if (!is_algorithm(r, used, algorithm))
        return malformed(r, where, "another algorithm than hash_type");
    if (!parse_hex(digest, res->digest, mica_oms_digest_len(r->oms)))
        return malformed(r, where, "the digest is not hexadecimal of the right length");
    char *path = mica_arena_strndup(&r->oms->arena, name, strlen(name));
    res->name = keep(r, name);
    res->path = path;
    if (!path || !res->name)
        return no_memory(r);
    if (r->oms->is_sharded &&
        (!cut_number(path, &res->end) || !cut_number(path, &res->start) || res->start >= res->end))
        return malformed(r, where, "a shard's name is not path:start:end");
    bool is_single = strcmp(path, ".") == 0 && r->oms->n_resources == 1;
    if (!is_single && !is_plain_path(path))
        return malformed(r, where, "the path is absolute, leaves the folder, or is not in its plain form");
    return MICA_OK;
}

static enum mica_status check_names(const struct reading *r)
{
    struct mica_strmap seen = {0};
    enum mica_status status =
        mica_strmap_reserve(&seen, (size_t)r->oms->n_resources) ? MICA_OK : no_memory(r);
    for (int64_t i = 0; i < r->oms->n_resources && status == MICA_OK; i++) {
        const char *name = r->oms->resources[i].name;
        if (mica_strmap_get(&seen, name, strlen(name), -1) >= 0)
            status =
                mica_fail(r->err, MICA_EFORMAT, "%s: malformed bundle: '%s' is listed twice", r->name, name);
        else if (!mica_strmap_put(&seen, name, strlen(name), (int32_t)i))
            status = no_memory(r);
    }
    mica_strmap_release(&seen);
    return status;
}

static enum mica_status parse_resources(const struct reading *r, const json_t *list, const char *algorithm)
{
    if (!json_is_array(list) || json_array_size(list) == 0)
        return malformed(r, "predicate.resources", "not a list of files");
    if (json_array_size(list) > MICA_OMS_FILES)
        return mica_fail(r->err, MICA_ELIMIT, "%s: lists more than %d files", r->name, MICA_OMS_FILES);
    r->oms->n_resources = (int64_t)json_array_size(list);
    r->oms->resources = mica_arena_alloc(&r->oms->arena, json_array_size(list), sizeof *r->oms->resources);
    enum mica_status status = r->oms->resources ? MICA_OK : no_memory(r);
    for (int64_t i = 0; i < r->oms->n_resources && status == MICA_OK; i++)
        status = parse_resource(r, json_array_get(list, (size_t)i), i, algorithm);
    return status == MICA_OK ? check_names(r) : status;
}

static enum mica_status parse_ignored(const struct reading *r, const json_t *list)
{
    size_t n = json_array_size(list);
    if (!list || json_is_null(list))
        return MICA_OK;
    if (!json_is_array(list) || n > MICA_OMS_FILES)
        return malformed(r, "predicate.serialization.ignore_paths", "not a list of paths");
    r->oms->ignored = mica_arena_alloc(&r->oms->arena, n, sizeof *r->oms->ignored);
    if (!r->oms->ignored)
        return no_memory(r);
    for (size_t i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text || !*text)
            return malformed(r, "predicate.serialization.ignore_paths", "a path is not a text");
        size_t len = strlen(text);
        while (len > 1 && text[len - 1] == '/')
            len--;
        char *path = mica_arena_strndup(&r->oms->arena, text, len);
        if (!path)
            return no_memory(r);
        /* A path in another form would name nothing that lies below the folder, or the folder itself. */
        if (is_plain_path(path))
            r->oms->ignored[r->oms->n_ignored++] = path;
    }
    return MICA_OK;
}

/* Sets how files were cut and hashed; *algorithm_out lives as long as the JSON. */
static enum mica_status parse_serialization(const struct reading *r, const json_t *s,
                                            const char **algorithm_out)
{
    const char *method = text_of(s, "method"), *hash = text_of(s, "hash_type");
    if (!method || !hash)
        return malformed(r, "predicate.serialization", "method or hash_type is not there");
    if (strcmp(method, "files") != 0 && strcmp(method, "shards") != 0)
        return mica_fail(r->err, MICA_EUNSUPPORTED, "%s: serialization method '%.40s'", r->name, method);
    if (strcmp(hash, "sha256") != 0 && strcmp(hash, "blake2b") != 0)
        return mica_fail(r->err, MICA_EUNSUPPORTED,
                         "%s: digests by '%.40s'; sha256 and blake2b are read here: sign with sha256",
                         r->name, hash);
    r->oms->is_sharded = strcmp(method, "shards") == 0;
    r->oms->is_blake2b = strcmp(hash, "blake2b") == 0;
    /* Writers that go through protobuf's Struct spell the number as 1000.0. */
    double shard_size = json_number_value(json_object_get(s, "shard_size"));
    if (r->oms->is_sharded &&
        !(shard_size >= 1 && shard_size <= 0x1p53 && shard_size == (double)(uint64_t)shard_size))
        return malformed(r, "predicate.serialization.shard_size", "not a positive whole number");
    r->oms->shard_size = r->oms->is_sharded ? (uint64_t)shard_size : 0;
    *algorithm_out = hash;
    return parse_ignored(r, json_object_get(s, "ignore_paths"));
}

static bool compute_root(const struct mica_oms *oms, char out[MICA_DIGEST_HEX])
{
    struct mica_digest root;
    struct mica_sha256_stream *stream = mica_sha256_begin();
    bool ok = stream != NULL;
    for (int64_t i = 0; i < oms->n_resources && ok; i++)
        ok = mica_sha256_update(stream, oms->resources[i].digest, mica_oms_digest_len(oms));
    ok = mica_sha256_end(stream, ok ? &root : NULL);
    if (ok)
        mica_digest_hex(&root, out);
    return ok;
}

static enum mica_status parse_subject(const struct reading *r, const json_t *subjects)
{
    const json_t *subject = json_array_get(subjects, 0);
    const char *name = text_of(subject, "name"),
               *root = text_of(json_object_get(subject, "digest"), "sha256");
    char computed[MICA_DIGEST_HEX];
    if (!json_is_array(subjects) || json_array_size(subjects) != 1)
        return malformed(r, "subject", "not a list of exactly one");
    if (!name || !root)
        return malformed(r, "subject[0]", "name or digest.sha256 is not there");
    if (!compute_root(r->oms, computed) || !(r->oms->subject = keep(r, name)))
        return no_memory(r);
    if (strcmp(root, computed) != 0)
        return mica_fail(r->err, MICA_EDENIED,
                         "%s: wrong root digest: the statement says %.64s, its list of files gives %s",
                         r->name, root, computed);
    memcpy(r->oms->root, computed, sizeof computed);
    return MICA_OK;
}

static enum mica_status parse_statement(const struct reading *r, const json_t *root)
{
    const char *type = text_of(root, "_type"), *predicate_of = text_of(root, "predicateType"),
               *algorithm = NULL;
    const json_t *predicate = json_object_get(root, "predicate");
    if (!type || strcmp(type, statement_type) != 0)
        return malformed(r, "payload._type", "not an in-toto statement v1");
    if (!predicate_of || strcmp(predicate_of, predicate_type) != 0)
        return mica_fail(r->err, MICA_EUNSUPPORTED, "%s: states '%.100s', not %s", r->name,
                         predicate_of ? predicate_of : "", predicate_type);
    enum mica_status status = parse_serialization(r, json_object_get(predicate, "serialization"), &algorithm);
    if (status == MICA_OK)
        status = parse_resources(r, json_object_get(predicate, "resources"), algorithm);
    if (status == MICA_OK)
        status = parse_subject(r, json_object_get(root, "subject"));
    return status;
}

enum mica_status mica_oms_parse(const char *payload, size_t len, const char *name, struct mica_oms **out,
                                struct mica_err *err)
{
    json_t *root;
    enum mica_status status = mica_json_parse(payload, len, STATEMENT_ITEMS, name, &root, err);
    if (status != MICA_OK)
        return status;
    struct reading r = {mica_alloc(1, sizeof(struct mica_oms)), name, err};
    status = r.oms ? parse_statement(&r, root) : no_memory(&r);
    json_decref(root);
    if (status != MICA_OK) {
        mica_oms_free(r.oms);
        return status;
    }
    *out = r.oms;
    return MICA_OK;
}

enum mica_status mica_oms_open(const char *bundle, size_t len, const char *name, const struct mica_key *key,
                               struct mica_oms **out, struct mica_err *err)
{
    struct mica_bundle b = {0};
    enum mica_status status = mica_bundle_parse(bundle, len, name, &b, err);
    if (status == MICA_OK)
        status = mica_bundle_verify(&b, key, name, err);
    if (status == MICA_OK)
        status = mica_oms_parse(b.payload.data, b.payload.len, name, out, err);
    mica_bundle_release(&b);
    return status;
}

void mica_oms_free(struct mica_oms *oms)
{
    if (!oms)
        return;
    mica_arena_release(&oms->arena);
    mica_free(oms);
}

size_t mica_oms_digest_len(const struct mica_oms *oms)
{
    return oms->is_blake2b ? MICA_OMS_DIGEST_MAX : MICA_DIGEST_BYTES;
}

static bool is_utf8(const char *text)
{
    for (const uint8_t *at = (const uint8_t *)text; *at;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t n = utf8proc_iterate(at, -1, &c);
        if (n <= 0)
            return false;
        at += n;
    }
    return true;
}

static json_t *make_statement(const char *subject, const struct mica_oms_file *files, int64_t n_files,
                              const char *const *ignored, int64_t n_ignored)
{
    struct mica_digest root;
    char hex[MICA_DIGEST_HEX];
    json_t *resources = json_array(), *paths = json_array();
    struct mica_sha256_stream *stream = mica_sha256_begin();
    bool ok = resources && paths && stream;
    for (int64_t i = 0; i < n_files && ok; i++) {
        mica_digest_hex(&files[i].digest, hex);
        ok = mica_sha256_update(stream, files[i].digest.bytes, MICA_DIGEST_BYTES) &&
             json_array_append_new(resources, json_pack("{s:s, s:s, s:s}", "name", files[i].name, "algorithm",
                                                        "sha256", "digest", hex)) == 0;
    }
    for (int64_t i = 0; i < n_ignored && ok; i++)
        ok = json_array_append_new(paths, json_string(ignored[i])) == 0;
    ok = mica_sha256_end(stream, ok ? &root : NULL);
    if (!ok) {
        json_decref(resources);
        json_decref(paths);
        return NULL;
    }
    mica_digest_hex(&root, hex);
    return json_pack("{s:s, s:[{s:s, s:{s:s}}], s:s, s:{s:o, s:{s:s, s:s, s:b, s:o}}}", "_type",
                     statement_type, "subject", "name", subject, "digest", "sha256", hex, "predicateType",
                     predicate_type, "predicate", "resources", resources, "serialization", "method", "files",
                     "hash_type", "sha256", "allow_symlinks", 0, "ignore_paths", paths);
}

enum mica_status mica_oms_seal(const char *subject, const struct mica_oms_file *files, int64_t n_files,
                               const char *const *ignored, int64_t n_ignored, const struct mica_key *key,
                               struct mica_buf *out, struct mica_err *err)
{
    json_t *bundle = NULL;
    if (n_files == 0)
        return mica_fail(err, MICA_EARG, "%s: holds no files to sign", subject);
    for (int64_t i = 0; i < n_files; i++)
        if (!is_utf8(files[i].name))
            return mica_fail(err, MICA_EUNSUPPORTED, "%s: its name is not UTF-8: rename it", files[i].name);
    for (int64_t i = 0; i < n_ignored; i++)
        if (!is_utf8(ignored[i]))
            return mica_fail(err, MICA_EUNSUPPORTED, "%s: its name is not UTF-8", ignored[i]);
    struct mica_buf payload = {0};
    json_t *statement =
        make_statement(is_utf8(subject) ? subject : "model", files, n_files, ignored, n_ignored);
    enum mica_status status = mica_json_print(statement, &payload)
                                  ? mica_bundle_sign(payload.data, payload.len, key, &bundle, err)
                                  : mica_fail(err, MICA_ENOMEM, "%s: out of memory", subject);
    if (status == MICA_OK && !(mica_json_print(bundle, out) && mica_buf_puts(out, "\n")))
        status = mica_fail(err, MICA_ENOMEM, "%s: out of memory", subject);
    mica_buf_release(&payload);
    json_decref(statement);
    json_decref(bundle);
    return status;
}
