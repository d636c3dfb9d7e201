/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/keys.h"
#include "base/fs.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <stdlib.h>
#include <string.h>

/* The curves: what we call them, what OpenSSL does, and the digest that goes with each. */
static const struct curve {
    const char *name, *group, *digest;
} curves[] = {
    {"P-256", "prime256v1", "SHA256"},
    {"P-384", "secp384r1", "SHA384"},
    {"P-521", "secp521r1", "SHA512"},
};

struct mica_key {
    EVP_PKEY *pkey;
    const struct curve *curve;
    char hint[MICA_DIGEST_HEX];
};

void mica_wipe(void *data, size_t len)
{
    OPENSSL_cleanse(data, len);
}

enum mica_status mica_password_get(const struct mica_password *password, const char *what,
                                   char out[MICA_PASSWORD_MAX], struct mica_err *err)
{
    const char *given = getenv("MICA_KEY_PASSWORD");
    if (given && strlen(given) < MICA_PASSWORD_MAX) {
        memcpy(out, given, strlen(given) + 1);
        return MICA_OK;
    }
    if (given)
        return mica_fail(err, MICA_ELIMIT, "MICA_KEY_PASSWORD: longer than %d bytes", MICA_PASSWORD_MAX - 1);
    if (password && password->ask && password->ask(password->user, what, out))
        return MICA_OK;
    return mica_fail(err, MICA_EDENIED, "%s: needs a password: set MICA_KEY_PASSWORD, or run at a terminal",
                     what);
}

/* Takes over pkey; finds its curve and computes its hint. */
static enum mica_status wrap(EVP_PKEY *pkey, const char *name, struct mica_key **out, struct mica_err *err)
{
    char group[64] = "";
    struct mica_key *key = mica_alloc(1, sizeof *key);
    struct mica_buf pem = {0};
    struct mica_digest digest;
    enum mica_status status = MICA_OK;
    if (!key) {
        EVP_PKEY_free(pkey);
        return mica_fail(err, MICA_ENOMEM, "%s: out of memory", name);
    }
    key->pkey = pkey;
    if (EVP_PKEY_is_a(pkey, "EC"))
        EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL);
    for (size_t i = 0; i < MICA_COUNT(curves) && !key->curve; i++)
        if (strcmp(group, curves[i].group) == 0)
            key->curve = &curves[i];
    if (!key->curve)
        status = mica_fail(err, MICA_EUNSUPPORTED,
                           "%s: a key of type %s%s%s; signatures here use P-256, P-384 or P-521", name,
                           EVP_PKEY_get0_type_name(pkey), *group ? " on " : "", group);
    else
        status = mica_key_public_pem(key, &pem, err);
    if (status == MICA_OK && !mica_sha256(pem.data, pem.len, &digest))
        status = mica_fail(err, MICA_ENOMEM, "%s: out of memory", name);
    mica_buf_release(&pem);
    if (status != MICA_OK) {
        mica_key_free(key);
        return status;
    }
    mica_digest_hex(&digest, key->hint);
    *out = key;
    return MICA_OK;
}

/* What the password callback carries: where to ask, and what went wrong there. */
struct asking {
    const struct mica_password *password;
    const char *name;
    struct mica_err *err;
    enum mica_status status;
    bool asked;
};

static int ask(char *buf, int size, int writing, void *user)
{
    struct asking *a = user;
    char text[MICA_PASSWORD_MAX];
    a->asked = true;
    a->status = mica_password_get(a->password, a->name, text, a->err);
    int len = a->status == MICA_OK ? (int)strlen(text) : -1;
    if (len >= size)
        len = -1;
    if (len >= 0)
        memcpy(buf, text, (size_t)len);
    mica_wipe(text, sizeof text);
    return len;
}

static enum mica_status parse(const char *pem, size_t len, const char *name, bool is_private,
                              const struct mica_password *password, struct mica_key **out,
                              struct mica_err *err)
{
    struct asking asking = {password, name, err, MICA_OK, false};
    if (len > MICA_KEY_FILE_MAX)
        return mica_fail(err, MICA_ELIMIT, "%s: too big for a key", name);
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    if (!bio)
        return mica_fail(err, MICA_ENOMEM, "%s: out of memory", name);
    EVP_PKEY *pkey = is_private ? PEM_read_bio_PrivateKey(bio, NULL, ask, &asking)
                                : PEM_read_bio_PUBKEY(bio, NULL, ask, &asking);
    BIO_free(bio);
    ERR_clear_error();
    if (pkey)
        return wrap(pkey, name, out, err);
    if (asking.status != MICA_OK)
        return asking.status;
    if (asking.asked)
        return mica_fail(err, MICA_EDENIED, "%s: the password is wrong", name);
    if (!is_private && memmem(pem, len, "PRIVATE KEY-----", 16))
        return mica_fail(err, MICA_EARG, "%s: a private key; the public one is needed here", name);
    if (is_private && memmem(pem, len, "PUBLIC KEY-----", 15))
        return mica_fail(err, MICA_EARG, "%s: a public key; the private one is needed here", name);
    return mica_fail(err, MICA_EFORMAT, "%s: no %s key in PEM form", name, is_private ? "private" : "public");
}

enum mica_status mica_key_parse_private(const char *pem, size_t len, const char *name,
                                        const struct mica_password *password, struct mica_key **out,
                                        struct mica_err *err)
{
    return parse(pem, len, name, true, password, out, err);
}

enum mica_status mica_key_parse_public(const char *pem, size_t len, const char *name, struct mica_key **out,
                                       struct mica_err *err)
{
    return parse(pem, len, name, false, NULL, out, err);
}

static enum mica_status read_key(const char *path, bool is_private, const struct mica_password *password,
                                 struct mica_key **out, struct mica_err *err)
{
    struct mica_buf pem = {0};
    enum mica_status status = mica_fs_read(path, MICA_KEY_FILE_MAX, &pem, err);
    if (status == MICA_OK)
        status = parse(pem.data, pem.len, path, is_private, password, out, err);
    if (pem.data)
        mica_wipe(pem.data, pem.len);
    mica_buf_release(&pem);
    return status;
}

enum mica_status mica_key_read_private(const char *path, const struct mica_password *password,
                                       struct mica_key **out, struct mica_err *err)
{
    return read_key(path, true, password, out, err);
}

enum mica_status mica_key_read_public(const char *path, struct mica_key **out, struct mica_err *err)
{
    return read_key(path, false, NULL, out, err);
}

enum mica_status mica_key_generate(const char *curve, struct mica_key **out, struct mica_err *err)
{
    for (size_t i = 0; i < MICA_COUNT(curves); i++)
        if (strcmp(curve, curves[i].name) == 0) {
            EVP_PKEY *pkey = EVP_EC_gen(curves[i].group);
            ERR_clear_error();
            if (!pkey)
                return mica_fail(err, MICA_EINTERNAL, "%s: the key cannot be made", curve);
            return wrap(pkey, curve, out, err);
        }
    return mica_fail(err, MICA_EARG, "curve '%s': not P-256, P-384 or P-521", curve);
}

void mica_key_free(struct mica_key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->pkey);
    mica_free(key);
}

/* Appends what was written to bio, and frees it. */
static enum mica_status take_bio(BIO *bio, bool ok, struct mica_buf *out, struct mica_err *err)
{
    char *data = NULL;
    long len = ok ? BIO_get_mem_data(bio, &data) : 0;
    ok = len > 0 && mica_buf_append(out, data, (size_t)len);
    if (data)
        mica_wipe(data, (size_t)len);
    BIO_free(bio);
    ERR_clear_error();
    return ok ? MICA_OK : mica_fail(err, MICA_ENOMEM, "key: out of memory");
}

enum mica_status mica_key_private_pem(const struct mica_key *key, const char *password, struct mica_buf *out,
                                      struct mica_err *err)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool ok =
        bio && PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, password ? EVP_aes_256_cbc() : NULL, password,
                                             password ? (int)strlen(password) : 0, NULL, NULL) == 1;
    return take_bio(bio, ok, out, err);
}

enum mica_status mica_key_public_pem(const struct mica_key *key, struct mica_buf *out, struct mica_err *err)
{
    BIO *bio = BIO_new(BIO_s_mem());
    return take_bio(bio, bio && PEM_write_bio_PUBKEY(bio, key->pkey) == 1, out, err);
}

const char *mica_key_curve(const struct mica_key *key)
{
    return key->curve->name;
}

const char *mica_key_hint(const struct mica_key *key)
{
    return key->hint;
}

enum mica_status mica_key_sign(const struct mica_key *key, const void *data, size_t len, struct mica_buf *out,
                               struct mica_err *err)
{
    unsigned char der[160]; /* two numbers of at most 66 bytes */
    size_t der_len = sizeof der;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context &&
              EVP_DigestSignInit_ex(context, NULL, key->curve->digest, NULL, NULL, key->pkey, NULL) == 1 &&
              EVP_DigestSign(context, der, &der_len, data, len) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    if (!ok)
        return mica_fail(err, MICA_EINTERNAL, "key: cannot sign; is it a private key?");
    return mica_buf_append(out, der, der_len) ? MICA_OK : mica_fail(err, MICA_ENOMEM, "key: out of memory");
}

bool mica_key_verify(const struct mica_key *key, const void *data, size_t len, const void *signature,
                     size_t signature_len)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context &&
              EVP_DigestVerifyInit_ex(context, NULL, key->curve->digest, NULL, NULL, key->pkey, NULL) == 1 &&
              EVP_DigestVerify(context, signature, signature_len, data, len) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return ok;
}
