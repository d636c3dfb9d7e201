/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* minisign: Ed25519 signatures over one file, with a comment that is signed, too. Written prehashed ("ED");
 * the older form over the whole file ("Ed") is verified as well. Key files with and without a password. */
#ifndef MICA_MINISIGN_H
#define MICA_MINISIGN_H

#include "govern/keys.h"

enum {
    MICA_MINISIGN_FILE_MAX = 16 << 10, /* of a key or signature file */
    MICA_MINISIGN_COMMENT = 8192,
};

struct mica_minisign_public {
    uint8_t id[8], key[32];
};
struct mica_minisign_secret {
    uint8_t id[8], seed[32], key[32]; /* key: the public one */
};
struct mica_minisign_signature {
    bool prehashed;
    uint8_t id[8], signature[64], global[64];
    char comment[MICA_MINISIGN_COMMENT]; /* the trusted one */
};

/* Whether a file's text begins as all minisign files do. */
bool mica_minisign_is(const char *text, size_t len);
/* Parsers; name is used in messages. A public key may also be given as its base64 line alone. */
enum mica_status mica_minisign_parse_public(const char *text, size_t len, const char *name,
                                            struct mica_minisign_public *out, struct mica_err *err);
/* An encrypted key asks for its password (see keys.h): EDENIED when it is wrong. Wipe the result. */
enum mica_status mica_minisign_parse_secret(const char *text, size_t len, const char *name,
                                            const struct mica_password *password,
                                            struct mica_minisign_secret *out, struct mica_err *err);
enum mica_status mica_minisign_parse_signature(const char *text, size_t len, const char *name,
                                               struct mica_minisign_signature *out, struct mica_err *err);

/* A new key pair; then its files' texts. password NULL: not encrypted. */
enum mica_status mica_minisign_generate(struct mica_minisign_secret *out, struct mica_err *err);
enum mica_status mica_minisign_write_secret(const struct mica_minisign_secret *secret, const char *password,
                                            struct mica_buf *out, struct mica_err *err);
bool mica_minisign_write_public(const uint8_t id[8], const uint8_t key[32], struct mica_buf *out);

/* Appends the signature file over the bytes; trusted is one line. */
enum mica_status mica_minisign_sign(const struct mica_mapping *file,
                                    const struct mica_minisign_secret *secret, const char *trusted,
                                    struct mica_buf *out, struct mica_err *err);
/* EDENIED: another key, changed bytes, a changed comment. name is the signature's, in messages. */
enum mica_status mica_minisign_verify(const struct mica_mapping *file,
                                      const struct mica_minisign_signature *signature,
                                      const struct mica_minisign_public *key, const char *name,
                                      struct mica_err *err);
void mica_minisign_id_text(const uint8_t id[8], char out[17]); /* as minisign prints it */

#endif
