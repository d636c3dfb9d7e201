/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* DSSE envelopes (Dead Simple Signing Envelope 1.0) around in-toto statements, and Sigstore bundles around
 * those. What is signed is the pre-authentication encoding: type and payload with their lengths. */
#ifndef MICA_DSSE_H
#define MICA_DSSE_H

#include "govern/keys.h"

#define MICA_DSSE_INTOTO "application/vnd.in-toto+json"

enum { MICA_BUNDLE_MAX = 64 << 20, MICA_BUNDLE_ITEMS = 10000 };

/* Appends base64 (RFC 4648, with padding). decode accepts only what encode writes: no spaces, padding there,
 * unused bits zero; false otherwise, or out of memory (out->failed). */
bool mica_base64_encode(const void *data, size_t len, struct mica_buf *out);
bool mica_base64_decode(const char *text, size_t len, struct mica_buf *out);

/* Appends "DSSEv1 LEN TYPE LEN PAYLOAD". */
bool mica_dsse_pae(const char *type, const void *payload, size_t len, struct mica_buf *out);

struct json_t;
/* The envelope of a statement signed by key: {payload, payloadType, signatures: [{sig, keyid}]}. A new
 * reference. */
enum mica_status mica_dsse_sign(const char *type, const void *payload, size_t len, const struct mica_key *key,
                                const char *keyid, struct json_t **out, struct mica_err *err);
/* A bundle with that envelope and the key's hint. A new reference. */
enum mica_status mica_bundle_sign(const void *payload, size_t len, const struct mica_key *key,
                                  struct json_t **out, struct mica_err *err);

/* A bundle as read, not trusted before mica_bundle_verify. Release it also after a failure. */
struct mica_bundle {
    struct mica_buf payload, signature;
    char type[128];
    char hint[129]; /* "" when the bundle names no key */
};
/* EFORMAT says what is wrong where; EUNSUPPORTED: signed with a certificate or keyless; ELIMIT. */
enum mica_status mica_bundle_parse(const char *text, size_t len, const char *name, struct mica_bundle *out,
                                   struct mica_err *err);
/* EDENIED: another key, or the signature does not fit. */
enum mica_status mica_bundle_verify(const struct mica_bundle *bundle, const struct mica_key *key,
                                    const char *name, struct mica_err *err);
void mica_bundle_release(struct mica_bundle *bundle);
/* Parses the text of name as JSON: duplicate keys, bad UTF-8 and trailing bytes are EFORMAT with the place.
 * ELIMIT for more than max_items brackets and commas, which bounds the memory of the parsed form. A new
 * reference. */
enum mica_status mica_json_parse(const char *text, size_t len, size_t max_items, const char *name,
                                 struct json_t **out, struct mica_err *err);
/* Appends value as compact JSON. false: out of memory. (jansson's own json_dumps can leave a part out
 * unnoticed when an allocation fails in the middle.) */
bool mica_json_print(const struct json_t *value, struct mica_buf *out);

#endif
