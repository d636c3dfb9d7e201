/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* A client of registries that speak the OCI distribution protocol (Docker's, Ollama's, ghcr.io, …).
 *
 * Scheme: https, and http to loopback or with plain_http. Credentials are looked for only after a registry
 * has asked who we are: $MICA_REGISTRY_USER and $MICA_REGISTRY_PASSWORD (not for the default registry), then
 * "auths" of $DOCKER_CONFIG/config.json or ~/.docker/config.json. They never travel without encryption but to
 * loopback. A remote registry cannot send us to a token service on this machine. */
#ifndef MICA_OCI_H
#define MICA_OCI_H

#include "store/http.h"
#include "store/name.h"

/* ---- pure parts (oci_ref.c, oci_auth.c) ---- */

/* A manifest's place. */
struct mica_oci_ref {
    char host[256]; /* maybe with a port */
    char repo[512]; /* "library/smollm2" */
    char tag[129];  /* "" when only the digest is given */
    bool has_digest;
    struct mica_digest digest;
};
enum { MICA_OCI_TEXT = 1024 };
/* Parses oci://HOST[:PORT]/REPO[:TAG][@sha256:…]; the tag is "latest" when there is neither. */
enum mica_status mica_oci_ref_parse(const char *text, struct mica_oci_ref *out, struct mica_err *err);
/* Where Ollama's registry keeps a model of that name: REGISTRY/v2/NAMESPACE/MODEL, and the tag. */
void mica_oci_ref_of_name(const struct mica_name *name, struct mica_oci_ref *out);
/* The name to store it under: HOST/NAMESPACE/MODEL:TAG. EARG for a repository of more than two parts. */
enum mica_status mica_oci_ref_name(const struct mica_oci_ref *ref, struct mica_name *out,
                                   struct mica_err *err);
/* "oci://HOST/REPO:TAG" or "oci://HOST/REPO@sha256:…". */
void mica_oci_ref_print(const struct mica_oci_ref *ref, char out[MICA_OCI_TEXT]);
bool mica_oci_is_loopback(const char *host);
/* A name may lead to the default registry, to loopback, and to hosts in $MICA_REGISTRY (separated by commas);
 * to any other only an oci:// reference does. EDENIED. */
enum mica_status mica_oci_allowed(const char *host, struct mica_err *err);

/* The value of a WWW-Authenticate header, of one challenge or several: the Bearer one is preferred. */
enum mica_oci_scheme { MICA_OCI_NONE, MICA_OCI_BASIC, MICA_OCI_BEARER };
struct mica_oci_challenge {
    enum mica_oci_scheme scheme;
    char realm[1024], service[512], scope[1024], error[128];
};
/* false, and *out stays, when the value is malformed or holds neither scheme. */
bool mica_oci_challenge_parse(const char *value, struct mica_oci_challenge *out);
/* May the token service at realm be asked, which the registry at that URL named? The registry must not be
 * able to send us, or our password, just anywhere: not to this machine, not out of encryption. EDENIED. */
enum mica_status mica_oci_realm_check(const char *registry, const char *realm, bool plain_http,
                                      bool has_password, struct mica_err *err);
/* The token in a token service's answer, fit for a header. Free it with mica_free. */
enum mica_status mica_oci_token_parse(const char *json, size_t len, char **out, struct mica_err *err);
/* The credentials for host as the value of an Authorization header ("Basic …"), NULL when there are none. */
enum mica_status mica_oci_credentials(const char *host, char **out, struct mica_err *err);
/* Bytes that a registry has, from the value of a Range header like "0-1023" (or "bytes=0-1023"); an upload
 * that holds nothing yet says "0-0" or nothing: then *out is 0. false when malformed. */
bool mica_oci_range_parse(const char *value, uint64_t *out);

/* ---- the client (oci.c) ---- */

struct mica_oci;
/* push: tokens are asked for with the right to write, too. options->plain_http allows http to hosts other
 * than loopback. */
enum mica_status mica_oci_new(const struct mica_oci_ref *ref, bool push,
                              const struct mica_http_options *options, struct mica_oci **out,
                              struct mica_err *err);
void mica_oci_free(struct mica_oci *oci);
const struct mica_oci_ref *mica_oci_ref(const struct mica_oci *oci);
/* Tokens are asked for that repository, too (to read from it, for a mount). */
void mica_oci_also(struct mica_oci *oci, const char *repo);
/* mica_http_do with this registry's authorization. A 401 is answered once with credentials or a token; the
 * request's own authorization is not used. path: below /v2/REPO/, or a URL of the registry. */
enum mica_status mica_oci_do(struct mica_oci *oci, const char *path, struct mica_http_request *request,
                             struct mica_http_response *out, struct mica_err *err);
/* The value of the Authorization header that worked last, or NULL. */
const char *mica_oci_authorization(const struct mica_oci *oci);
/* The manifest at the reference, its digest checked against the reference and the registry's own statement.
 * An index is followed when it holds one manifest, else it is EUNSUPPORTED. Appends to text. */
enum mica_status mica_oci_manifest(struct mica_oci *oci, struct mica_buf *text,
                                   struct mica_digest *digest_out, struct mica_err *err);
/* The URL of a blob; free with mica_free; NULL: out of memory. */
char *mica_oci_blob_url(const struct mica_oci *oci, const struct mica_digest *digest);
/* A failed answer as a status and a message with the registry's own words. */
enum mica_status mica_oci_check(const struct mica_oci *oci, const struct mica_http_response *response,
                                const char *what, struct mica_err *err);

/* ---- upload (oci_upload.c) ---- */

struct mica_oci_upload {
    const struct mica_digest *digest;
    const void *data;
    uint64_t size;
    const char *from;     /* another repository of this registry that may have it, or NULL */
    uint64_t chunk_bytes; /* 0: 16 MiB */
    bool (*progress)(void *user, uint64_t done, uint64_t total); /* may be NULL; false cancels */
    void *user;
};
/* Puts a blob there: skipped when it is there, mounted when another repository has it, else sent in chunks;
 * a broken connection goes on where the registry says it was. */
enum mica_status mica_oci_upload(struct mica_oci *oci, const struct mica_oci_upload *upload,
                                 struct mica_err *err);
/* Puts a manifest there under the reference's tag; the digest in the answer is checked. */
enum mica_status mica_oci_put_manifest(struct mica_oci *oci, const char *text, size_t len,
                                       const struct mica_digest *digest, struct mica_err *err);

#endif
