/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/dsse.h"
#include "base/digits.h"

#include <jansson.h>

#include <string.h>

static const char bundle_type[] = "application/vnd.dev.sigstore.bundle.v0.3+json";
static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool mica_base64_encode(const void *data, size_t len, struct mica_buf *out)
{
    const uint8_t *at = data;
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t x = (uint32_t)at[i] << 16 | (n > 1 ? (uint32_t)at[i + 1] << 8 : 0) | (n > 2 ? at[i + 2] : 0);
        char quad[4] = {digits[x >> 18], digits[x >> 12 & 63], n > 1 ? digits[x >> 6 & 63] : '=',
                        n > 2 ? digits[x & 63] : '='};
        mica_buf_append(out, quad, 4);
    }
    return mica_buf_append(out, "", 0);
}

bool mica_base64_decode(const char *text, size_t len, struct mica_buf *out)
{
    if (len % 4)
        return false;
    for (size_t i = 0; i < len; i += 4) {
        uint32_t x = 0;
        int n = 4;
        if (i + 4 == len)
            n = text[i + 3] != '=' ? 4 : text[i + 2] != '=' ? 3 : 2;
        for (int k = 0; k < 4; k++) {
            int value = k < n ? mica_base64_digit(text[i + k]) : 0;
            if (value < 0)
                return false;
            x = x << 6 | (uint32_t)value;
        }
        if ((n == 3 && x & 0xff) || (n == 2 && x & 0xffff))
            return false;
        uint8_t bytes[3] = {(uint8_t)(x >> 16), (uint8_t)(x >> 8), (uint8_t)x};
        mica_buf_append(out, bytes, (size_t)n - 1);
    }
    return mica_buf_append(out, "", 0);
}

bool mica_dsse_pae(const char *type, const void *payload, size_t len, struct mica_buf *out)
{
    return mica_buf_printf(out, "DSSEv1 %zu %s %zu ", strlen(type), type, len) &&
           mica_buf_append(out, payload, len);
}

enum mica_status mica_dsse_sign(const char *type, const void *payload, size_t len, const struct mica_key *key,
                                const char *keyid, struct json_t **out, struct mica_err *err)
{
    struct mica_buf pae = {0}, der = {0}, payload64 = {0}, sig64 = {0};
    enum mica_status status = mica_dsse_pae(type, payload, len, &pae)
                                  ? mica_key_sign(key, pae.data, pae.len, &der, err)
                                  : mica_fail(err, MICA_ENOMEM, "signature: out of memory");
    json_t *envelope = NULL;
    if (status == MICA_OK && mica_base64_encode(payload, len, &payload64) &&
        mica_base64_encode(der.data, der.len, &sig64))
        envelope = json_pack("{s:s#, s:s, s:[{s:s#, s:s}]}", "payload", payload64.data ? payload64.data : "",
                             payload64.len, "payloadType", type, "signatures", "sig", sig64.data, sig64.len,
                             "keyid", keyid);
    mica_buf_release(&pae);
    mica_buf_release(&der);
    mica_buf_release(&payload64);
    mica_buf_release(&sig64);
    if (status == MICA_OK && !envelope)
        status = mica_fail(err, MICA_ENOMEM, "signature: out of memory");
    if (status == MICA_OK)
        *out = envelope;
    return status;
}

enum mica_status mica_bundle_sign(const void *payload, size_t len, const struct mica_key *key,
                                  struct json_t **out, struct mica_err *err)
{
    json_t *envelope;
    enum mica_status status = mica_dsse_sign(MICA_DSSE_INTOTO, payload, len, key, "", &envelope, err);
    if (status != MICA_OK)
        return status;
    json_t *bundle =
        json_pack("{s:s, s:{s:{s:s}, s:[]}, s:o}", "mediaType", bundle_type, "verificationMaterial",
                  "publicKey", "hint", mica_key_hint(key), "tlogEntries", "dsseEnvelope", envelope);
    if (!bundle)
        return mica_fail(err, MICA_ENOMEM, "signature: out of memory");
    *out = bundle;
    return MICA_OK;
}

enum mica_status mica_json_parse(const char *text, size_t len, size_t max_items, const char *name,
                                 struct json_t **out, struct mica_err *err)
{
    json_error_t where;
    size_t n_items = 0;
    for (size_t i = 0; i < len; i++)
        n_items += text[i] == '[' || text[i] == '{' || text[i] == ',';
    if (n_items > max_items)
        return mica_fail(err, MICA_ELIMIT, "%s: JSON of more than %zu values", name, max_items);
    /* When an allocation fails inside a string, jansson may call it bad syntax or drop a character unnoticed.
     * What is parsed twice to the same value was parsed whole. */
    json_t *value = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
    json_t *again = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
    bool is_same = value && again && json_equal(value, again);
    bool is_neither = !value && !again;
    json_decref(again);
    if (is_same) {
        *out = value;
        return MICA_OK;
    }
    json_decref(value);
    if (!is_neither)
        return mica_fail(err, MICA_ENOMEM, "%s: out of memory", name);
    if (json_error_code(&where) == json_error_out_of_memory)
        return mica_fail(err, MICA_ENOMEM, "%s: out of memory", name);
    return mica_fail(err, MICA_EFORMAT, "%s: malformed JSON at line %d, column %d: %s", name, where.line,
                     where.column, where.text);
}

static int append_text(const char *text, size_t len, void *out)
{
    return mica_buf_append(out, text, len) ? 0 : -1;
}

bool mica_json_print(const struct json_t *value, struct mica_buf *out)
{
    return value && json_dump_callback(value, append_text, out, JSON_COMPACT) == 0 && !out->failed;
}

static enum mica_status malformed(const char *name, const char *where, const char *what, struct mica_err *err)
{
    return mica_fail(err, MICA_EFORMAT, "%s: malformed bundle at %s: %s", name, where, what);
}

/* Reads verificationMaterial: which key the signer says it used. */
static enum mica_status parse_material(const json_t *material, const char *name, struct mica_bundle *out,
                                       struct mica_err *err)
{
    if (!json_is_object(material))
        return malformed(name, "verificationMaterial", "not there, or not an object", err);
    if (json_object_get(material, "certificate") || json_object_get(material, "x509CertificateChain"))
        return mica_fail(err, MICA_EUNSUPPORTED,
                         "%s: signed with a certificate (%s); only signatures by a public key are read here",
                         name, json_object_get(material, "certificate") ? "Sigstore keyless" : "X.509 chain");
    const json_t *key = json_object_get(material, "publicKey");
    if (!json_is_object(key))
        return malformed(name, "verificationMaterial.publicKey", "not there, or not an object", err);
    const json_t *hint = json_object_get(key, "hint"), *tlog = json_object_get(material, "tlogEntries");
    if (hint && !json_is_null(hint) && !json_is_string(hint))
        return malformed(name, "verificationMaterial.publicKey.hint", "not a text", err);
    if (tlog && !json_is_null(tlog) && !json_is_array(tlog))
        return malformed(name, "verificationMaterial.tlogEntries", "not a list", err);
    if (json_is_string(hint)) {
        if (json_string_length(hint) >= sizeof out->hint)
            return malformed(name, "verificationMaterial.publicKey.hint", "too long", err);
        memcpy(out->hint, json_string_value(hint), json_string_length(hint) + 1);
    }
    return MICA_OK;
}

static enum mica_status decode_field(const json_t *object, const char *key, const char *where,
                                     const char *name, struct mica_buf *out, struct mica_err *err)
{
    const json_t *field = json_object_get(object, key);
    if (!json_is_string(field) || json_string_length(field) == 0)
        return malformed(name, where, "not there, or not a text", err);
    if (mica_base64_decode(json_string_value(field), json_string_length(field), out))
        return MICA_OK;
    return out->failed ? mica_fail(err, MICA_ENOMEM, "%s: out of memory", name)
                       : malformed(name, where, "not base64", err);
}

static enum mica_status parse_envelope(const json_t *envelope, const char *name, struct mica_bundle *out,
                                       struct mica_err *err)
{
    if (!json_is_object(envelope))
        return malformed(name, "dsseEnvelope", "not there, or not an object", err);
    const json_t *type = json_object_get(envelope, "payloadType"),
                 *signatures = json_object_get(envelope, "signatures");
    if (!json_is_string(type) || json_string_length(type) >= sizeof out->type)
        return malformed(name, "dsseEnvelope.payloadType", "not there, or not a short text", err);
    memcpy(out->type, json_string_value(type), json_string_length(type) + 1);
    if (strcmp(out->type, MICA_DSSE_INTOTO) != 0)
        return mica_fail(err, MICA_EUNSUPPORTED, "%s: the payload is of type '%s', not %s", name, out->type,
                         MICA_DSSE_INTOTO);
    /* One only, as Sigstore's bundles demand: with several, readers would differ in which of them counts. */
    if (!json_is_array(signatures) || json_array_size(signatures) != 1)
        return malformed(name, "dsseEnvelope.signatures", "not a list of exactly one", err);
    const json_t *signature = json_array_get(signatures, 0), *keyid = json_object_get(signature, "keyid");
    if (keyid && !json_is_null(keyid) && !json_is_string(keyid))
        return malformed(name, "dsseEnvelope.signatures[0].keyid", "not a text", err);
    enum mica_status status =
        decode_field(signature, "sig", "dsseEnvelope.signatures[0].sig", name, &out->signature, err);
    if (status == MICA_OK)
        status = decode_field(envelope, "payload", "dsseEnvelope.payload", name, &out->payload, err);
    return status;
}

enum mica_status mica_bundle_parse(const char *text, size_t len, const char *name, struct mica_bundle *out,
                                   struct mica_err *err)
{
    json_t *root;
    if (len > MICA_BUNDLE_MAX)
        return mica_fail(err, MICA_ELIMIT, "%s: a bundle of more than %d MiB", name, MICA_BUNDLE_MAX >> 20);
    enum mica_status status = mica_json_parse(text, len, MICA_BUNDLE_ITEMS, name, &root, err);
    if (status != MICA_OK)
        return status;
    const char *type = json_string_value(json_object_get(root, "mediaType"));
    if (!json_is_object(root))
        status = malformed(name, "its beginning", "not a JSON object", err);
    else if (!type)
        status = malformed(name, "mediaType", "not there, or not a text", err);
    else if (strcmp(type, bundle_type) != 0)
        status = mica_fail(err, MICA_EUNSUPPORTED, "%s: of type '%.100s', not %s", name, type, bundle_type);
    if (status == MICA_OK)
        status = parse_material(json_object_get(root, "verificationMaterial"), name, out, err);
    if (status == MICA_OK)
        status = parse_envelope(json_object_get(root, "dsseEnvelope"), name, out, err);
    json_decref(root);
    return status;
}

enum mica_status mica_bundle_verify(const struct mica_bundle *bundle, const struct mica_key *key,
                                    const char *name, struct mica_err *err)
{
    struct mica_buf pae = {0};
    if (*bundle->hint && strcmp(bundle->hint, mica_key_hint(key)) != 0)
        return mica_fail(err, MICA_EDENIED, "%s: signed with another key: its hint is %s, this key's %s",
                         name, bundle->hint, mica_key_hint(key));
    if (!mica_dsse_pae(bundle->type, bundle->payload.data, bundle->payload.len, &pae)) {
        mica_buf_release(&pae);
        return mica_fail(err, MICA_ENOMEM, "%s: out of memory", name);
    }
    bool ok = mica_key_verify(key, pae.data, pae.len, bundle->signature.data, bundle->signature.len);
    mica_buf_release(&pae);
    if (ok)
        return MICA_OK;
    return mica_fail(err, MICA_EDENIED,
                     *bundle->hint
                         ? "%s: the signature is broken: it does not fit its payload"
                         : "%s: the signature is broken, or by another key: it does not fit its payload",
                     name);
}

void mica_bundle_release(struct mica_bundle *bundle)
{
    mica_buf_release(&bundle->payload);
    mica_buf_release(&bundle->signature);
}
