/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Keys that sign and verify: ECDSA on P-256 with SHA-256, on P-384 with SHA-384, on P-521 with SHA-512, read
 * from PEM (PKCS #8, SEC 1; encrypted ones ask for a password). Thread-safe once read. */
#ifndef MICA_KEYS_H
#define MICA_KEYS_H

#include "base/sha256.h"
#include "base/mem.h"

enum { MICA_PASSWORD_MAX = 1024, MICA_KEY_FILE_MAX = 64 << 10 };

/* How a password is found: the environment's MICA_KEY_PASSWORD, else ask (may be NULL). ask fills out with a
 * NUL-terminated text and gives false when there is none; what says for what it is ("key.pem"). */
struct mica_password {
    bool (*ask)(void *user, const char *what, char out[MICA_PASSWORD_MAX]);
    void *user;
};
/* EDENIED says how to give one. The caller wipes out with mica_wipe. */
enum mica_status mica_password_get(const struct mica_password *password, const char *what,
                                   char out[MICA_PASSWORD_MAX], struct mica_err *err);
void mica_wipe(void *data, size_t len); /* a memset that is never optimised away */

struct mica_key;
/* name is used in messages. password may be NULL (then only the environment is looked at). */
enum mica_status mica_key_parse_private(const char *pem, size_t len, const char *name,
                                        const struct mica_password *password, struct mica_key **out,
                                        struct mica_err *err);
enum mica_status mica_key_parse_public(const char *pem, size_t len, const char *name, struct mica_key **out,
                                       struct mica_err *err);
enum mica_status mica_key_read_private(const char *path, const struct mica_password *password,
                                       struct mica_key **out, struct mica_err *err);
enum mica_status mica_key_read_public(const char *path, struct mica_key **out, struct mica_err *err);
/* curve: "P-256", "P-384", "P-521". */
enum mica_status mica_key_generate(const char *curve, struct mica_key **out, struct mica_err *err);
void mica_key_free(struct mica_key *key);

/* Appends PEM: PKCS #8 (encrypted by AES-256-CBC when password is not NULL), SubjectPublicKeyInfo. */
enum mica_status mica_key_private_pem(const struct mica_key *key, const char *password, struct mica_buf *out,
                                      struct mica_err *err);
enum mica_status mica_key_public_pem(const struct mica_key *key, struct mica_buf *out, struct mica_err *err);
const char *mica_key_curve(const struct mica_key *key); /* "P-256" */
/* SHA-256 in hex of the public key's PEM in canonical form: how bundles name the key. */
const char *mica_key_hint(const struct mica_key *key);

/* Appends the ECDSA signature in DER. */
enum mica_status mica_key_sign(const struct mica_key *key, const void *data, size_t len, struct mica_buf *out,
                               struct mica_err *err);
/* Whether the signature is this key's over exactly these bytes. DER in any other form than the canonical is
 * not. */
bool mica_key_verify(const struct mica_key *key, const void *data, size_t len, const void *signature,
                     size_t signature_len);

#endif
