/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* An HTTP client for what speaks to hubs and registries: one request into memory, and a URL into a blob.
 *
 * Common to both: only http and https; plain http to loopback only unless plain_http; redirects are followed
 * here, at most 10, never from https to http; Authorization goes to the origin (scheme, host, port) of the
 * first URL only; connection errors, 408, 429 and 5xx are retried with exponential back-off and jitter,
 * honouring Retry-After; a stalled or truncated answer is an error and retried; compressed answers are
 * neither asked for nor accepted; header and body sizes are limited. Proxies are taken from the environment
 * (http_proxy, https_proxy, no_proxy; never for loopback), certificates from the system or SSL_CERT_FILE,
 * user names and passwords from ~/.netrc where no Authorization is given.
 *
 * How a registry client builds on it:
 *  - Token auth: mica_http_do gives MICA_OK for every answer, so a 401 arrives as response.status with its
 *    WWW-Authenticate by mica_http_header (the n-th of them). GET the token, then repeat with .authorization
 *    = "Bearer …".
 *  - Blob download: mica_http_fetch with .digest, .size and .authorization. MICA_EDENIED (401 or 403): get a
 *    new token and call again; finished parts are kept.
 *  - Upload: POST for the upload's place, then PUT with .body and .body_len (a blob's mapping: the bytes are
 *    not copied) and .progress; Location by mica_http_header, made absolute by mica_http_resolve.
 *  - Manifest: PUT with .headers = {"Content-Type: …", NULL}. */
#ifndef MICA_HTTP_H
#define MICA_HTTP_H

#include "store/store.h"

/* Used by one thread at a time; keeps connections open between requests. */
struct mica_http;
struct mica_http_options {
    bool plain_http;     /* allow http:// to hosts other than loopback */
    int stall_seconds;   /* an answer that brings less than 1 KiB/s for so long is given up; 0: 30 */
    int attempts;        /* of one request, or of one part without progress; 0: 7 */
    int delay_ms;        /* before the second attempt, doubled for each one after; 0: 250 */
    int connections;     /* of one fetch; 0: 4, at most 16 */
    uint64_t part_bytes; /* of one fetch; 0: 8 MiB */
};
enum mica_status mica_http_new(const struct mica_http_options *options, struct mica_http **out,
                               struct mica_err *err); /* options may be NULL */
void mica_http_free(struct mica_http *http);

struct mica_http_request {
    const char *method; /* NULL: GET */
    const char *url;
    const char *authorization;  /* value of the header, or NULL */
    const char *const *headers; /* more lines "Name: value", NULL-terminated: no secrets, all hops get them */
    const void *body;           /* for POST, PUT and PATCH; the caller keeps it */
    uint64_t body_len;
    size_t limit;      /* of the answer's body; 0: 16 MiB */
    bool once;         /* a PUT whose bytes add up (an upload): not sent again when the connection breaks */
    bool no_redirects; /* a redirect is the answer */
    bool only_headers; /* the body of a GET is not wanted */
    /* Called a few times a second with the bytes of the body sent; false cancels. May be NULL. */
    bool (*progress)(void *user, uint64_t done, uint64_t total);
    void *user;
};
struct mica_http_response {
    int status;
    struct mica_buf body, headers; /* headers: name and value by turns, each NUL-terminated */
    char *url;                     /* that answered, after redirects */
};
/* MICA_OK whenever an answer came, whatever its status. Release the response. */
enum mica_status mica_http_do(struct mica_http *http, const struct mica_http_request *request,
                              struct mica_http_response *out, struct mica_err *err);
void mica_http_response_release(struct mica_http_response *response);
/* The value of the n-th (from 0) header of that name, in any case of letters; NULL when there is none. */
const char *mica_http_header(const struct mica_http_response *response, const char *name, int n);
/* MICA_OK for 2xx; else EDENIED (401, 403), ENOTFOUND (404, 410) or EIO with a message about what. */
enum mica_status mica_http_check(int status, const char *what, struct mica_err *err);

struct mica_http_fetch {
    const char *url, *authorization;
    const char *const *headers;
    const struct mica_digest *digest; /* NULL: not known, and what was fetched is lost with the process */
    uint64_t size;                    /* 0: not known; else another size is EFORMAT */
    bool (*progress)(void *user, uint64_t done, uint64_t total); /* total: 0 while not known */
    void *user;
};
/* Brings the URL into the store as a blob: in parts over several connections where the server has ranges,
 * going on where an earlier run was interrupted. Nothing is fetched when the blob is there. A digest other
 * than the expected one is EFORMAT, and nothing stays. Outputs may be NULL. */
enum mica_status mica_http_fetch(struct mica_http *http, struct mica_store *store,
                                 const struct mica_http_fetch *fetch, struct mica_digest *digest_out,
                                 uint64_t *size_out, struct mica_err *err);

/* ---- URLs ---- */

/* Is this a URL that may be asked? EARG (not a URL, or with a password in it) or EDENIED (scheme). */
enum mica_status mica_http_url_check(const char *url, bool plain_http, struct mica_err *err);
bool mica_http_same_origin(const char *a, const char *b);
/* The URL that a Location (or link) in an answer from base means; NULL: malformed or out of memory. Free it
 * with mica_free. */
char *mica_http_resolve(const char *base, const char *location);
/* Appends text percent-encoded but for letters, digits, "-._~" and the characters in keep. */
bool mica_http_escape(struct mica_buf *out, const char *text, const char *keep);

#endif
