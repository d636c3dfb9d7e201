/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* OpenSSF Model Signing v1.0: a signed list of a model's files with their digests. A signature by a public
 * key is written and read; what is signed is one folder, or a stored model's files (govern/signature.h).
 *
 * Refused wherever they appear: symbolic links, anything that is no regular file, names that leave the
 * folder. */
#ifndef MICA_OMS_H
#define MICA_OMS_H

#include "govern/dsse.h"

enum { MICA_OMS_FILES = 200000, MICA_OMS_DEPTH = 64, MICA_OMS_DIGEST_MAX = 64 };

/* One file (or bytes [start, end) of one, when the model was signed in shards) and its digest. */
struct mica_oms_resource {
    const char *name; /* as signed: a path from the folder, or path:start:end */
    const char *path; /* the path alone */
    uint64_t start, end;
    uint8_t digest[MICA_OMS_DIGEST_MAX];
};
struct mica_oms {
    const char *subject; /* the signer's name of the model: informative */
    char root[MICA_DIGEST_HEX];
    bool is_sharded, is_blake2b; /* digests: BLAKE2b of 64 bytes, else SHA-256 */
    uint64_t shard_size;
    struct mica_oms_resource *resources;
    int64_t n_resources;
    const char **ignored; /* paths left out, with all below them */
    int64_t n_ignored;
    struct mica_arena arena;
};
/* Reads a statement that is trusted already (its signature was checked). name is used in messages. */
enum mica_status mica_oms_parse(const char *payload, size_t len, const char *name, struct mica_oms **out,
                                struct mica_err *err);
/* Reads a bundle, checks its signature by key, then its statement. EDENIED: not signed by key; EFORMAT,
 * EUNSUPPORTED as for mica_bundle_parse. */
enum mica_status mica_oms_open(const char *bundle, size_t len, const char *name, const struct mica_key *key,
                               struct mica_oms **out, struct mica_err *err);
void mica_oms_free(struct mica_oms *oms);
size_t mica_oms_digest_len(const struct mica_oms *oms);

/* Appends the bundle (JSON) that states these whole files, in order of their names, signed by key. names are
 * unique. */
struct mica_oms_file {
    const char *name;
    struct mica_digest digest;
};
enum mica_status mica_oms_seal(const char *subject, const struct mica_oms_file *files, int64_t n_files,
                               const char *const *ignored, int64_t n_ignored, const struct mica_key *key,
                               struct mica_buf *out, struct mica_err *err);

struct mica_oms_report {
    int64_t n_files;
    uint64_t bytes;
    char root[MICA_DIGEST_HEX], subject[256];
};
/* Hashes the folder on pool (may be NULL) and appends its bundle. What lies at signature_path (NULL: none),
 * where that is inside the folder, and .git, .github, .gitattributes, .gitignore are left out, and what
 * ignored (may be NULL) names. report may be NULL. */
enum mica_status mica_oms_sign_folder(const char *folder, const char *signature_path,
                                      const char *const *ignored, int64_t n_ignored,
                                      const struct mica_key *key, struct mica_pool *pool,
                                      struct mica_buf *out, struct mica_oms_report *report,
                                      struct mica_err *err);
/* Whether the folder (or the single file at that path) holds exactly what was signed: EDENIED names what is
 * missing, not signed, a link, or changed. */
enum mica_status mica_oms_verify_folder(const struct mica_oms *oms, const char *folder,
                                        const char *signature_path, struct mica_pool *pool,
                                        struct mica_oms_report *report, struct mica_err *err);

#endif
