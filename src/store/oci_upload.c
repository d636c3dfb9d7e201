/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/http_internal.h"
#include "store/oci.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CHUNK = 16 << 20, ATTEMPTS = 6, STARTS = 6, DELAY_MS = 250, DELAY_MAX_MS = 10000, TICK_MS = 100 };

struct sending {
    struct mica_oci *oci;
    const struct mica_oci_upload *upload;
    char hex[MICA_DIGEST_HEX];
    char *location;
    uint64_t chunk, offset; /* the registry has bytes [0, offset) */
    int failures;           /* in a row, without progress */
    int starts;             /* how often from nothing */
    bool is_done;
};

static bool tell(void *user, uint64_t done, uint64_t total)
{
    const struct sending *s = user;
    return !s->upload->progress || s->upload->progress(s->upload->user, s->offset + done, s->upload->size);
}

static enum mica_status fail_memory(struct mica_err *err)
{
    return mica_fail(err, MICA_ENOMEM, "out of memory");
}

/* Where to send the next bytes. */
static enum mica_status take_location(struct sending *s, const struct mica_http_response *response,
                                      struct mica_err *err)
{
    const char *location = mica_http_header(response, "Location", 0);
    char *url = location ? mica_http_resolve(response->url, location) : NULL;
    if (!url)
        return mica_fail(err, MICA_EFORMAT, "%s: does not say where the upload goes on",
                         mica_oci_ref(s->oci)->host);
    if (mica_http_leads_in(response->url, url)) {
        mica_free(url);
        return mica_fail(err, MICA_EDENIED, "%s: wants the upload at an address of this machine",
                         mica_oci_ref(s->oci)->host);
    }
    mica_free(s->location);
    s->location = url;
    return MICA_OK;
}

/* Does the repository have the blob? */
static enum mica_status look(struct sending *s, struct mica_err *err)
{
    struct mica_http_response response = {0};
    struct mica_http_request request = {.method = "HEAD", .no_redirects = true};
    char path[MICA_DIGEST_HEX + 16];
    snprintf(path, sizeof path, "blobs/sha256:%s", s->hex);
    enum mica_status status = mica_oci_do(s->oci, path, &request, &response, err);
    if (status == MICA_OK)
        s->is_done = response.status == 200 || response.status == 307 || response.status == 302;
    if (status == MICA_OK && (response.status == 401 || response.status == 403))
        status = mica_oci_check(s->oci, &response, "push", err);
    mica_http_response_release(&response);
    return status;
}

/* Asks for a place, or for a mount from another repository. */
static enum mica_status start(struct sending *s, struct mica_err *err)
{
    struct mica_http_response response = {0};
    struct mica_http_request request = {.method = "POST"};
    char path[1024];
    int len = snprintf(path, sizeof path, "blobs/uploads/");
    if (s->upload->from)
        snprintf(path + len, sizeof path - (size_t)len, "?mount=sha256:%s&from=%s", s->hex, s->upload->from);
    if (s->starts++ == STARTS)
        return mica_fail(
            err, MICA_EIO,
            "%s: the connection broke %d times, and each time the registry had forgotten what it got",
            mica_oci_ref(s->oci)->host, STARTS);
    s->offset = 0;
    enum mica_status status = mica_oci_do(s->oci, path, &request, &response, err);
    if (status == MICA_OK)
        status = mica_oci_check(s->oci, &response, "push", err);
    if (status == MICA_OK && response.status == 201) {
        s->is_done = true; /* mounted */
    } else if (status == MICA_OK) {
        const char *least = mica_http_header(&response, "OCI-Chunk-Min-Length", 0);
        unsigned long long bytes = least ? strtoull(least, NULL, 10) : 0;
        s->chunk = s->upload->chunk_bytes ? s->upload->chunk_bytes : CHUNK;
        if (bytes > s->chunk && bytes < INT64_MAX)
            s->chunk = bytes;
        status = take_location(s, &response, err);
    }
    mica_http_response_release(&response);
    return status;
}

/* Sends bytes [offset, offset + len). The last ones go with the PUT that names the digest. */
static enum mica_status send_chunk(struct sending *s, uint64_t len, struct mica_http_response *response,
                                   struct mica_err *err)
{
    char range[80];
    const char *headers[] = {"Content-Type: application/octet-stream", range, NULL};
    bool is_last = s->offset + len == s->upload->size, is_whole = is_last && s->offset == 0;
    struct mica_buf url = {0};
    snprintf(range, sizeof range, "Content-Range: %llu-%llu", (unsigned long long)s->offset,
             (unsigned long long)(s->offset + len - 1));
    if (is_whole || len == 0)
        headers[1] = NULL;
    struct mica_http_request request = {.method = is_last ? "PUT" : "PATCH",
                                        .headers = headers,
                                        .body = (const char *)s->upload->data + s->offset,
                                        .body_len = len,
                                        .once = true,
                                        .progress = tell,
                                        .user = s};
    mica_buf_puts(&url, s->location);
    if (is_last)
        mica_buf_printf(&url, "%sdigest=sha256:%s", strchr(s->location, '?') ? "&" : "?", s->hex);
    enum mica_status status =
        url.failed ? fail_memory(err) : mica_oci_do(s->oci, url.data, &request, response, err);
    mica_buf_release(&url);
    return status;
}

/* Takes up where the registry is after a chunk: it may have kept less than was sent. */
static enum mica_status advance(struct sending *s, uint64_t len, const struct mica_http_response *response,
                                struct mica_err *err)
{
    const char *range = mica_http_header(response, "Range", 0);
    uint64_t has = s->offset + len;
    if (range && !mica_oci_range_parse(range, &has))
        return mica_fail(err, MICA_EFORMAT, "%s: a malformed Range in its answer",
                         mica_oci_ref(s->oci)->host);
    if (has > s->upload->size || has < s->offset)
        return mica_fail(err, MICA_EFORMAT, "%s: says it has %llu bytes of %llu", mica_oci_ref(s->oci)->host,
                         (unsigned long long)has, (unsigned long long)s->upload->size);
    s->failures = has > s->offset ? 0 : s->failures + 1;
    if (s->failures >= ATTEMPTS)
        return mica_fail(err, MICA_EIO, "%s: the upload makes no progress", mica_oci_ref(s->oci)->host);
    s->offset = has;
    return take_location(s, response, err);
}

static bool pause_for(struct sending *s)
{
    int64_t ms = DELAY_MS;
    for (int i = 1; i < s->failures && ms < DELAY_MAX_MS; i++)
        ms *= 2;
    for (; ms > 0; ms -= TICK_MS) {
        if (!tell(s, 0, 0))
            return false;
        nanosleep(&(struct timespec){.tv_nsec = TICK_MS * 1000000L}, NULL);
    }
    return true;
}

/* After a failure: asks the registry how far it is. An upload it has forgotten starts again. */
static enum mica_status recover(struct sending *s, struct mica_err *err)
{
    struct mica_http_response response = {0};
    struct mica_http_request request = {.no_redirects = true};
    uint64_t has = 0;
    if (!pause_for(s))
        return mica_fail(err, MICA_ECANCELLED, "cancelled");
    enum mica_status status = look(s, err); /* the answer may have been lost, not the bytes */
    if (status != MICA_OK || s->is_done)
        return status;
    if (!s->location)
        return start(s, err);
    status = mica_oci_do(s->oci, s->location, &request, &response, err);
    bool is_known = status == MICA_OK && (response.status == 204 || response.status == 202) &&
                    mica_oci_range_parse(mica_http_header(&response, "Range", 0), &has) &&
                    has <= s->upload->size;
    if (is_known) {
        s->offset = has;
        if (mica_http_header(&response, "Location", 0))
            status = take_location(s, &response, err);
    } else if (status == MICA_OK) {
        status = start(s, err);
    }
    mica_http_response_release(&response);
    return status;
}

/* Is this failure one that passes? */
static bool may_pass(enum mica_status status, int answer)
{
    if (status != MICA_OK)
        return status == MICA_EIO;
    return answer == 404 || answer == 408 || answer == 416 || answer == 429 || answer >= 500;
}

static enum mica_status step(struct sending *s, struct mica_err *err)
{
    struct mica_http_response response = {0};
    uint64_t left = s->upload->size - s->offset, len = left < s->chunk ? left : s->chunk;
    enum mica_status status = send_chunk(s, len, &response, err);
    int answer = status == MICA_OK ? response.status : 0;
    if (status == MICA_OK && answer == 201)
        s->is_done = true;
    else if (status == MICA_OK && answer == 202)
        status = advance(s, len, &response, err);
    else if (status == MICA_OK)
        status = mica_oci_check(s->oci, &response, "push", err);
    if (status != MICA_OK && may_pass(answer ? MICA_OK : status, answer) && ++s->failures < ATTEMPTS)
        status = recover(s, err);
    mica_http_response_release(&response);
    return status;
}

enum mica_status mica_oci_upload(struct mica_oci *oci, const struct mica_oci_upload *upload,
                                 struct mica_err *err)
{
    struct sending s = {.oci = oci, .upload = upload};
    mica_digest_hex(upload->digest, s.hex);
    enum mica_status status = look(&s, err);
    if (status == MICA_OK && !s.is_done)
        status = start(&s, err);
    while (status == MICA_OK && !s.is_done)
        status = step(&s, err);
    if (status == MICA_OK) {
        s.offset = upload->size;
        if (!tell(&s, 0, 0))
            status = mica_fail(err, MICA_ECANCELLED, "cancelled");
    }
    mica_free(s.location);
    return status;
}

enum mica_status mica_oci_put_manifest(struct mica_oci *oci, const char *text, size_t len,
                                       const struct mica_digest *digest, struct mica_err *err)
{
    struct mica_http_response response = {0};
    struct mica_digest said;
    char path[256], type[200];
    json_t *document = json_loadb(text, len, 0, NULL);
    const char *media_type = json_string_value(json_object_get(document, "mediaType"));
    snprintf(type, sizeof type, "Content-Type: %s",
             media_type ? media_type : "application/vnd.oci.image.manifest.v1+json");
    json_decref(document);
    snprintf(path, sizeof path, "manifests/%s", mica_oci_ref(oci)->tag);
    struct mica_http_request request = {
        .method = "PUT", .headers = (const char *const[]){type, NULL}, .body = text, .body_len = len};
    enum mica_status status = mica_oci_do(oci, path, &request, &response, err);
    if (status == MICA_OK)
        status = mica_oci_check(oci, &response, "push", err);
    if (status == MICA_OK) {
        const char *header = mica_http_header(&response, "Docker-Content-Digest", 0);
        if (header && strncmp(header, "sha256:", 7) == 0 &&
            (!mica_digest_parse(header, &said) || !mica_digest_equal(&said, digest)))
            status = mica_fail(err, MICA_EFORMAT, "%s: stored the manifest under another digest",
                               mica_oci_ref(oci)->host);
    }
    mica_http_response_release(&response);
    return status;
}
