/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/minisign.h"
#include "govern/blake2b.h"
#include "govern/dsse.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <string.h>

static const char untrusted[] = "untrusted comment: ", trusted_mark[] = "trusted comment: ";

/* The bytes of a secret key file, in their order; numbers are little-endian. */
struct secret_file {
    uint8_t algorithm[2], kdf[2], checksum_algorithm[2], salt[32], ops[8], memory[8];
    struct secret_part {
        uint8_t id[8], seed[32], key[32], checksum[32];
    } part; /* XORed with the password's key stream */
};
struct public_file {
    uint8_t algorithm[2], id[8], key[32];
};
struct signature_file {
    uint8_t algorithm[2], id[8], signature[64];
};
_Static_assert(sizeof(struct secret_file) == 158 && sizeof(struct public_file) == 42 &&
                   sizeof(struct signature_file) == 74,
               "the structs lie as the files do");

bool mica_minisign_is(const char *text, size_t len)
{
    return len >= sizeof untrusted - 1 && memcmp(text, untrusted, sizeof untrusted - 1) == 0;
}

void mica_minisign_id_text(const uint8_t id[8], char out[17])
{
    for (int i = 0; i < 8; i++)
        snprintf(out + 2 * i, 3, "%02X", id[7 - i]);
}

/* ---- lines ---- */

struct line {
    const char *text;
    size_t len;
};

/* Takes the next line, without its end (LF or CR LF). */
static bool next_line(const char **at, const char *end, struct line *out)
{
    if (*at == end)
        return false;
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    *out = (struct line){*at, (size_t)((stop ? stop : end) - *at)};
    *at = stop ? stop + 1 : end;
    if (out->len && out->text[out->len - 1] == '\r')
        out->len--;
    return true;
}

static enum mica_status malformed(const char *name, int line, const char *what, struct mica_err *err)
{
    return mica_fail(err, MICA_EFORMAT, "%s: line %d: %s", name, line, what);
}

/* Decodes a line of exactly len bytes. */
static enum mica_status decode_line(const struct line *line, const char *name, int number, void *out,
                                    size_t len, struct mica_err *err)
{
    struct mica_buf bytes = {0};
    bool ok = mica_base64_decode(line->text, line->len, &bytes) && bytes.len == len, failed = bytes.failed;
    if (ok)
        memcpy(out, bytes.data, len);
    if (bytes.data)
        mica_wipe(bytes.data, bytes.len);
    mica_buf_release(&bytes);
    if (failed)
        return mica_fail(err, MICA_ENOMEM, "%s: out of memory", name);
    return ok ? MICA_OK : malformed(name, number, "not the base64 of a minisign file of this kind", err);
}

/* Reads the comment and the line after it, the whole of a key file. */
static enum mica_status decode_file(const char *text, size_t len, const char *name, void *out, size_t size,
                                    struct mica_err *err)
{
    const char *at = text, *end = text + len;
    struct line line;
    if (len > MICA_MINISIGN_FILE_MAX)
        return mica_fail(err, MICA_ELIMIT, "%s: too big for a minisign file", name);
    if (!mica_minisign_is(text, len))
        return malformed(name, 1, "not an untrusted comment, so no minisign file", err);
    next_line(&at, end, &line);
    if (!next_line(&at, end, &line))
        return malformed(name, 2, "not there", err);
    return decode_line(&line, name, 2, out, size, err);
}

/* ---- Ed25519 ---- */

static bool ed25519_sign(const struct mica_minisign_secret *secret, const void *data, size_t len,
                         uint8_t out[64])
{
    size_t n = 64;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret->seed, sizeof secret->seed);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = key && context && EVP_DigestSignInit_ex(context, NULL, NULL, NULL, NULL, key, NULL) == 1 &&
              EVP_DigestSign(context, out, &n, data, len) == 1 && n == 64;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return ok;
}

static bool ed25519_verify(const uint8_t public_key[32], const void *data, size_t len,
                           const uint8_t signature[64])
{
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, 32);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = key && context && EVP_DigestVerifyInit_ex(context, NULL, NULL, NULL, NULL, key, NULL) == 1 &&
              EVP_DigestVerify(context, signature, 64, data, len) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return ok;
}

static bool ed25519_public(const uint8_t seed[32], uint8_t out[32])
{
    size_t n = 32;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
    bool ok = key && EVP_PKEY_get_raw_public_key(key, out, &n) == 1 && n == 32;
    EVP_PKEY_free(key);
    ERR_clear_error();
    return ok;
}

/* ---- the password's key stream: scrypt, its costs given as libsodium's limits ---- */

static uint64_t load64(const uint8_t p[8])
{
    uint64_t x = 0;
    for (int i = 7; i >= 0; i--)
        x = x << 8 | p[i];
    return x;
}

static void store64(uint64_t x, uint8_t p[8])
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(x >> (8 * i));
}

/* N, r, p from limits of operations and memory, the way libsodium chooses them. */
static void scrypt_costs(uint64_t ops, uint64_t memory, uint64_t *n_out, uint64_t *r_out, uint64_t *p_out)
{
    const uint64_t r = 8;
    ops = ops < 32768 ? 32768 : ops;
    bool by_ops = ops < memory / 32;
    uint64_t max_n = by_ops ? ops / (r * 4) : memory / (r * 128), n = 2;
    while (n <= max_n / 2 && n < (uint64_t)1 << 62)
        n *= 2;
    uint64_t max_rp = ops / 4 / n;
    max_rp = max_rp < 0x3fffffff ? max_rp : 0x3fffffff;
    *n_out = n;
    *r_out = r;
    *p_out = by_ops || max_rp / r == 0 ? 1 : max_rp / r;
}

static enum mica_status mix_password(struct secret_file *file, const char *password, const char *name,
                                     struct mica_err *err)
{
    /* minisign's own files ask for 1 GiB and 2^25 operations; a hostile file may not ask for more. */
    const uint64_t max_memory = (uint64_t)1 << 30, max_ops = (uint64_t)1 << 26;
    uint8_t stream[sizeof file->part];
    uint64_t n, r, p, limit = max_memory + (64 << 20);
    if (load64(file->ops) > max_ops || load64(file->memory) > max_memory)
        return mica_fail(err, MICA_ELIMIT, "%s: its password asks for more than 1 GiB or too much time",
                         name);
    scrypt_costs(load64(file->ops), load64(file->memory), &n, &r, &p);
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SCRYPT", NULL);
    EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, (void *)(uintptr_t)password,
                                          strlen(password)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, file->salt, sizeof file->salt),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_R, &r),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_P, &p),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &limit),
        OSSL_PARAM_construct_end(),
    };
    bool ok = context && EVP_KDF_derive(context, stream, sizeof stream, params) == 1;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    ERR_clear_error();
    uint8_t *part = (uint8_t *)&file->part;
    for (size_t i = 0; i < sizeof stream && ok; i++)
        part[i] ^= stream[i];
    mica_wipe(stream, sizeof stream);
    return ok ? MICA_OK
              : mica_fail(err, MICA_ENOMEM, "%s: no memory (%llu MiB) to work its password out", name,
                          (unsigned long long)(n * r * 128 >> 20));
}

static void secret_checksum(const struct secret_file *file, uint8_t out[32])
{
    struct mica_blake2b state;
    mica_blake2b_begin(&state, 32);
    mica_blake2b_update(&state, file->algorithm, sizeof file->algorithm);
    mica_blake2b_update(&state, file->part.id, sizeof file->part.id);
    mica_blake2b_update(&state, file->part.seed, sizeof file->part.seed);
    mica_blake2b_update(&state, file->part.key, sizeof file->part.key);
    mica_blake2b_end(&state, out);
    mica_wipe(&state, sizeof state);
}

/* ---- key files ---- */

enum mica_status mica_minisign_parse_public(const char *text, size_t len, const char *name,
                                            struct mica_minisign_public *out, struct mica_err *err)
{
    struct public_file file;
    const char *at = text;
    struct line line;
    enum mica_status status;
    if (!mica_minisign_is(text, len) && len < 256 && next_line(&at, text + len, &line))
        status = decode_line(&line, name, 1, &file, sizeof file, err);
    else
        status = decode_file(text, len, name, &file, sizeof file, err);
    if (status != MICA_OK)
        return status;
    if (memcmp(file.algorithm, "Ed", 2) != 0)
        return mica_fail(err, MICA_EUNSUPPORTED, "%s: not an Ed25519 public key", name);
    memcpy(out->id, file.id, sizeof file.id);
    memcpy(out->key, file.key, sizeof file.key);
    return MICA_OK;
}

static enum mica_status open_secret(struct secret_file *file, const char *name,
                                    const struct mica_password *password, struct mica_err *err)
{
    static const uint8_t plain[2] = {0, 0};
    char text[MICA_PASSWORD_MAX];
    uint8_t checksum[32], public_key[32];
    if (memcmp(file->algorithm, "Ed", 2) != 0 || memcmp(file->checksum_algorithm, "B2", 2) != 0)
        return mica_fail(err, MICA_EUNSUPPORTED, "%s: not an Ed25519 secret key", name);
    bool is_encrypted = memcmp(file->kdf, "Sc", 2) == 0;
    if (!is_encrypted && memcmp(file->kdf, plain, 2) != 0)
        return mica_fail(err, MICA_EUNSUPPORTED, "%s: encrypted in an unknown way", name);
    if (is_encrypted) {
        enum mica_status status = mica_password_get(password, name, text, err);
        if (status == MICA_OK)
            status = mix_password(file, text, name, err);
        mica_wipe(text, sizeof text);
        if (status != MICA_OK)
            return status;
    }
    secret_checksum(file, checksum);
    /* Some writers leave the checksum of an unencrypted key empty; the public half is checked below. */
    static const uint8_t none[32] = {0};
    bool is_right = memcmp(checksum, file->part.checksum, 32) == 0 ||
                    (!is_encrypted && memcmp(none, file->part.checksum, 32) == 0);
    if (!is_right)
        return is_encrypted ? mica_fail(err, MICA_EDENIED, "%s: the password is wrong", name)
                            : mica_fail(err, MICA_EFORMAT, "%s: damaged: its checksum does not fit", name);
    if (!ed25519_public(file->part.seed, public_key) || memcmp(public_key, file->part.key, 32) != 0)
        return mica_fail(err, MICA_EFORMAT, "%s: damaged: its two halves do not fit", name);
    return MICA_OK;
}

enum mica_status mica_minisign_parse_secret(const char *text, size_t len, const char *name,
                                            const struct mica_password *password,
                                            struct mica_minisign_secret *out, struct mica_err *err)
{
    struct secret_file file;
    enum mica_status status = decode_file(text, len, name, &file, sizeof file, err);
    if (status == MICA_OK)
        status = open_secret(&file, name, password, err);
    if (status == MICA_OK) {
        memcpy(out->id, file.part.id, sizeof out->id);
        memcpy(out->seed, file.part.seed, sizeof out->seed);
        memcpy(out->key, file.part.key, sizeof out->key);
    }
    mica_wipe(&file, sizeof file);
    return status;
}

enum mica_status mica_minisign_generate(struct mica_minisign_secret *out, struct mica_err *err)
{
    struct mica_minisign_secret secret;
    if (RAND_bytes(secret.id, sizeof secret.id) != 1 ||
        RAND_priv_bytes(secret.seed, sizeof secret.seed) != 1 || !ed25519_public(secret.seed, secret.key))
        return mica_fail(err, MICA_EINTERNAL, "minisign: no random numbers for a key");
    *out = secret;
    mica_wipe(&secret, sizeof secret);
    return MICA_OK;
}

enum mica_status mica_minisign_write_secret(const struct mica_minisign_secret *secret, const char *password,
                                            struct mica_buf *out, struct mica_err *err)
{
    struct secret_file file = {{'E', 'd'}, {0}, {'B', '2'}};
    enum mica_status status = MICA_OK;
    memcpy(file.part.id, secret->id, sizeof secret->id);
    memcpy(file.part.seed, secret->seed, sizeof secret->seed);
    memcpy(file.part.key, secret->key, sizeof secret->key);
    secret_checksum(&file, file.part.checksum);
    if (password) {
        memcpy(file.kdf, "Sc", 2);
        store64((uint64_t)1 << 22, file.ops); /* N = 2^17, r = 8, p = 1 */
        store64((uint64_t)1 << 27, file.memory);
        status = RAND_bytes(file.salt, sizeof file.salt) == 1
                     ? mix_password(&file, password, "minisign", err)
                     : mica_fail(err, MICA_EINTERNAL, "minisign: no random numbers for a key");
    }
    if (status == MICA_OK && !(mica_buf_printf(out, "%sminisign %s secret key\n", untrusted,
                                               password ? "encrypted" : "unencrypted") &&
                               mica_base64_encode(&file, sizeof file, out) && mica_buf_puts(out, "\n")))
        status = mica_fail(err, MICA_ENOMEM, "minisign: out of memory");
    mica_wipe(&file, sizeof file);
    return status;
}

bool mica_minisign_write_public(const uint8_t id[8], const uint8_t key[32], struct mica_buf *out)
{
    char text[17];
    struct public_file file = {{'E', 'd'}};
    memcpy(file.id, id, sizeof file.id);
    memcpy(file.key, key, sizeof file.key);
    mica_minisign_id_text(id, text);
    return mica_buf_printf(out, "%sminisign public key %s\n", untrusted, text) &&
           mica_base64_encode(&file, sizeof file, out) && mica_buf_puts(out, "\n");
}

/* ---- signatures ---- */

/* BLAKE2b-512 of the file; its pages need not stay resident. */
static void hash_file(const struct mica_mapping *file, uint8_t out[64])
{
    const size_t step = 4 << 20, size = mica_mapping_size(file);
    struct mica_blake2b state;
    mica_blake2b_begin(&state, 64);
    for (size_t at = 0; at < size; at += step) {
        size_t n = size - at < step ? size - at : step;
        mica_blake2b_update(&state, mica_mapping_data(file) + at, n);
        mica_mapping_release(file, at, n);
    }
    mica_blake2b_end(&state, out);
}

enum mica_status mica_minisign_sign(const struct mica_mapping *file,
                                    const struct mica_minisign_secret *secret, const char *trusted,
                                    struct mica_buf *out, struct mica_err *err)
{
    struct signature_file sig = {{'E', 'D'}};
    uint8_t hash[64], global[64];
    struct mica_buf signed_comment = {0};
    if (strpbrk(trusted, "\r\n") || strlen(trusted) >= MICA_MINISIGN_COMMENT)
        return mica_fail(err, MICA_EARG, "trusted comment: one line of at most %d bytes",
                         MICA_MINISIGN_COMMENT - 1);
    memcpy(sig.id, secret->id, sizeof sig.id);
    hash_file(file, hash);
    bool ok = ed25519_sign(secret, hash, sizeof hash, sig.signature) &&
              mica_buf_append(&signed_comment, sig.signature, sizeof sig.signature) &&
              mica_buf_puts(&signed_comment, trusted) &&
              ed25519_sign(secret, signed_comment.data, signed_comment.len, global);
    ok = ok && mica_buf_printf(out, "%ssignature from mica\n", untrusted) &&
         mica_base64_encode(&sig, sizeof sig, out) &&
         mica_buf_printf(out, "\n%s%s\n", trusted_mark, trusted) &&
         mica_base64_encode(global, sizeof global, out) && mica_buf_puts(out, "\n");
    mica_buf_release(&signed_comment);
    return ok ? MICA_OK : mica_fail(err, MICA_ENOMEM, "minisign: out of memory");
}

enum mica_status mica_minisign_parse_signature(const char *text, size_t len, const char *name,
                                               struct mica_minisign_signature *out, struct mica_err *err)
{
    struct signature_file sig;
    struct line line;
    uint8_t global[64];
    const size_t mark = sizeof trusted_mark - 1;
    const char *at = text, *end = text + len;
    enum mica_status status = decode_file(text, len, name, &sig, sizeof sig, err);
    if (status != MICA_OK)
        return status;
    bool is_prehashed = memcmp(sig.algorithm, "ED", 2) == 0;
    if (!is_prehashed && memcmp(sig.algorithm, "Ed", 2) != 0)
        return mica_fail(err, MICA_EUNSUPPORTED, "%s: not an Ed25519 signature", name);
    next_line(&at, end, &line);
    next_line(&at, end, &line);
    if (!next_line(&at, end, &line) || line.len < mark || memcmp(line.text, trusted_mark, mark) != 0)
        return malformed(name, 3, "not a trusted comment", err);
    if (line.len - mark >= sizeof out->comment || memchr(line.text, '\0', line.len))
        return malformed(name, 3, "the trusted comment is too long or holds a NUL", err);
    struct line comment = {line.text + mark, line.len - mark};
    if (!next_line(&at, end, &line))
        return malformed(name, 4, "not there", err);
    status = decode_line(&line, name, 4, global, sizeof global, err);
    if (status != MICA_OK)
        return status;
    *out = (struct mica_minisign_signature){.prehashed = is_prehashed};
    memcpy(out->id, sig.id, sizeof out->id);
    memcpy(out->signature, sig.signature, sizeof out->signature);
    memcpy(out->global, global, sizeof out->global);
    memcpy(out->comment, comment.text, comment.len);
    return MICA_OK;
}

enum mica_status mica_minisign_verify(const struct mica_mapping *file,
                                      const struct mica_minisign_signature *signature,
                                      const struct mica_minisign_public *key, const char *name,
                                      struct mica_err *err)
{
    uint8_t hash[64];
    char theirs[17], ours[17];
    struct mica_buf signed_comment = {0};
    mica_minisign_id_text(signature->id, theirs);
    mica_minisign_id_text(key->id, ours);
    if (memcmp(signature->id, key->id, sizeof key->id) != 0)
        return mica_fail(err, MICA_EDENIED, "%s: signed with another key: %s, this key is %s", name, theirs,
                         ours);
    const void *data = hash;
    size_t len = sizeof hash;
    if (signature->prehashed) {
        hash_file(file, hash);
    } else {
        data = mica_mapping_data(file);
        len = mica_mapping_size(file);
    }
    if (!ed25519_verify(key->key, data ? data : "", len, signature->signature))
        return mica_fail(err, MICA_EDENIED,
                         "%s: the signature does not fit: %s has changed, or the signature is broken", name,
                         mica_mapping_name(file));
    bool ok = mica_buf_append(&signed_comment, signature->signature, sizeof signature->signature) &&
              mica_buf_puts(&signed_comment, signature->comment);
    bool fits = ok && ed25519_verify(key->key, signed_comment.data, signed_comment.len, signature->global);
    mica_buf_release(&signed_comment);
    if (!ok)
        return mica_fail(err, MICA_ENOMEM, "%s: out of memory", name);
    return fits ? MICA_OK : mica_fail(err, MICA_EDENIED, "%s: the trusted comment has changed", name);
}
