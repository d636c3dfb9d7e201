/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/oci.h"
#include "store/manifest.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MANIFEST_MAX = 1 << 20, ANSWER_MAX = 1 << 20, URL_MAX = 8 << 10 };

struct mica_oci {
    struct mica_http *http;
    struct mica_oci_ref ref;
    bool is_push, plain_http;
    char base[300], also[512];
    char *authorization;
};

enum mica_status mica_oci_new(const struct mica_oci_ref *ref, bool push,
                              const struct mica_http_options *options, struct mica_oci **out,
                              struct mica_err *err)
{
    struct mica_oci *oci = mica_alloc(1, sizeof *oci);
    if (!oci)
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    oci->ref = *ref;
    oci->is_push = push;
    oci->plain_http = options && options->plain_http;
    snprintf(oci->base, sizeof oci->base, "%s://%s",
             oci->plain_http || mica_oci_is_loopback(ref->host) ? "http" : "https", ref->host);
    enum mica_status status = mica_http_new(options, &oci->http, err);
    if (status != MICA_OK) {
        mica_oci_free(oci);
        return status;
    }
    *out = oci;
    return MICA_OK;
}

void mica_oci_free(struct mica_oci *oci)
{
    if (!oci)
        return;
    mica_http_free(oci->http);
    mica_free(oci->authorization);
    mica_free(oci);
}

const struct mica_oci_ref *mica_oci_ref(const struct mica_oci *oci)
{
    return &oci->ref;
}

void mica_oci_also(struct mica_oci *oci, const char *repo)
{
    snprintf(oci->also, sizeof oci->also, "%s", repo);
}

const char *mica_oci_authorization(const struct mica_oci *oci)
{
    return oci->authorization;
}

char *mica_oci_blob_url(const struct mica_oci *oci, const struct mica_digest *digest)
{
    char hex[MICA_DIGEST_HEX], url[URL_MAX];
    mica_digest_hex(digest, hex);
    snprintf(url, sizeof url, "%s/v2/%s/blobs/sha256:%s", oci->base, oci->ref.repo, hex);
    return mica_strdup(url);
}

/* ---- failures ---- */

/* Another's words for a terminal: printable, on one line. */
static void copy_words(char *out, size_t size, const char *words)
{
    size_t len = 0;
    for (; *words && len + 1 < size; words++)
        out[len++] = (unsigned char)*words < ' ' || *words == 0x7f ? ' ' : *words;
    out[len] = '\0';
}

enum mica_status mica_oci_check(const struct mica_oci *oci, const struct mica_http_response *response,
                                const char *what, struct mica_err *err)
{
    char place[1024], words[200] = "", said[64] = "";
    struct mica_err plain;
    snprintf(place, sizeof place, "%s/%s: %s", oci->ref.host, oci->ref.repo, what);
    enum mica_status status = mica_http_check(response->status, place, &plain);
    if (status == MICA_OK)
        return MICA_OK;
    json_t *answer = json_loadb(response->body.data ? response->body.data : "", response->body.len, 0, NULL);
    json_t *first = json_array_get(json_object_get(answer, "errors"), 0);
    const char *code = json_string_value(json_object_get(first, "code")),
               *message = json_string_value(json_object_get(first, "message"));
    copy_words(said, sizeof said, code ? code : "");
    copy_words(words, sizeof words, message ? message : "");
    json_decref(answer);
    return *words || *said ? mica_fail(err, status, "%s: %s %s", plain.text, said, words)
                           : mica_fail(err, status, "%s", plain.text);
}

/* ---- authorization ---- */

static bool find_challenge(const struct mica_http_response *response, struct mica_oci_challenge *out)
{
    struct mica_oci_challenge one;
    const char *value;
    *out = (struct mica_oci_challenge){0};
    for (int i = 0; (value = mica_http_header(response, "WWW-Authenticate", i)); i++)
        if (mica_oci_challenge_parse(value, &one) && one.scheme > out->scheme)
            *out = one;
    return out->scheme != MICA_OCI_NONE;
}

static bool is_encrypted(const char *url)
{
    return strncasecmp(url, "https:", 6) == 0;
}

static bool token_url(const struct mica_oci *oci, const struct mica_oci_challenge *challenge,
                      struct mica_buf *out)
{
    mica_buf_puts(out, challenge->realm);
    mica_buf_puts(out, strchr(challenge->realm, '?') ? "&" : "?");
    if (*challenge->service) {
        mica_buf_puts(out, "service=");
        mica_http_escape(out, challenge->service, "");
        mica_buf_puts(out, "&");
    }
    mica_buf_printf(out, "scope=repository:%s:pull%s", oci->ref.repo, oci->is_push ? ",push" : "");
    if (*oci->also)
        mica_buf_printf(out, "&scope=repository:%s:pull", oci->also);
    return !out->failed;
}

static enum mica_status get_token(struct mica_oci *oci, const struct mica_oci_challenge *challenge,
                                  const char *basic, char **out, struct mica_err *err)
{
    struct mica_buf url = {.limit = URL_MAX};
    struct mica_http_response response = {0};
    char *token = NULL;
    enum mica_status status =
        mica_oci_realm_check(oci->base, challenge->realm, oci->plain_http, basic != NULL, err);
    if (status == MICA_OK && !token_url(oci, challenge, &url))
        status = mica_fail(err, MICA_ENOMEM, "%s: the token service's URL is too long", oci->ref.host);
    if (status == MICA_OK)
        status = mica_http_do(
            oci->http,
            &(struct mica_http_request){.url = url.data, .authorization = basic, .limit = ANSWER_MAX},
            &response, err);
    if (status == MICA_OK)
        status = mica_oci_check(oci, &response, "asking for a token", err);
    if (status == MICA_OK)
        status = mica_oci_token_parse(response.body.data, response.body.len, &token, err);
    if (status == MICA_OK) {
        struct mica_buf value = {0};
        mica_buf_printf(&value, "Bearer %s", token);
        if (value.failed) {
            mica_buf_release(&value);
            status = mica_fail(err, MICA_ENOMEM, "out of memory");
        } else {
            *out = value.data;
        }
    }
    mica_free(token);
    mica_buf_release(&url);
    mica_http_response_release(&response);
    return status;
}

/* What a 401 asks for. */
static enum mica_status authorize(struct mica_oci *oci, const struct mica_http_response *response,
                                  struct mica_err *err)
{
    struct mica_oci_challenge challenge;
    char *basic = NULL, *value = NULL;
    if (!find_challenge(response, &challenge))
        return mica_oci_check(oci, response, "no way to log in that Mica knows (Bearer, Basic)", err);
    enum mica_status status = mica_oci_credentials(oci->ref.host, &basic, err);
    if (status == MICA_OK && challenge.scheme == MICA_OCI_BEARER) {
        status = get_token(oci, &challenge, basic, &value, err);
        mica_free(basic);
    } else if (status == MICA_OK) {
        value = basic;
        if (!value)
            status = mica_fail(err, MICA_EDENIED,
                               "%s: asks for a user name and password: set MICA_REGISTRY_USER and "
                               "MICA_REGISTRY_PASSWORD, or log in with Docker",
                               oci->ref.host);
        else if (!is_encrypted(oci->base) && !mica_oci_is_loopback(oci->ref.host))
            status = mica_fail(err, MICA_EDENIED, "%s: a password does not travel without encryption",
                               oci->ref.host);
    }
    if (status != MICA_OK) {
        mica_free(value);
        return status;
    }
    mica_free(oci->authorization);
    oci->authorization = value;
    return MICA_OK;
}

enum mica_status mica_oci_do(struct mica_oci *oci, const char *path, struct mica_http_request *request,
                             struct mica_http_response *out, struct mica_err *err)
{
    struct mica_buf url = {.limit = URL_MAX};
    bool is_url = strstr(path, "://") != NULL;
    enum mica_status status = MICA_OK;
    mica_buf_printf(&url, "%s%s%s%s%s", is_url ? "" : oci->base, is_url ? "" : "/v2/",
                    is_url ? "" : oci->ref.repo, is_url ? "" : "/", path);
    if (url.failed) {
        mica_buf_release(&url);
        return mica_fail(err, MICA_ELIMIT, "%s: a URL that is too long", oci->ref.host);
    }
    bool is_ours = mica_http_same_origin(url.data, oci->base);
    for (int attempt = 0; status == MICA_OK; attempt++) {
        struct mica_http_response response = {0};
        request->url = url.data;
        request->authorization = is_ours ? oci->authorization : NULL;
        status = mica_http_do(oci->http, request, &response, err);
        if (status != MICA_OK)
            break;
        if (response.status == 401 && attempt > 0)
            status =
                mica_fail(err, MICA_EDENIED, "%s: does not take the %s it was given (401)", oci->ref.host,
                          strncmp(oci->authorization, "Basic", 5) == 0 ? "name and password" : "token");
        else if (response.status == 401 && is_ours)
            status = authorize(oci, &response, err);
        else {
            *out = response;
            break;
        }
        mica_http_response_release(&response);
    }
    request->url = request->authorization = NULL;
    mica_buf_release(&url);
    return status;
}

/* ---- manifests ---- */

static const char *const accept_manifests[] = {
    "Accept: application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json",
    NULL};

/* The bytes of one manifest, whose digest is as wanted (NULL: unknown) and as the registry says. */
static enum mica_status get_manifest(struct mica_oci *oci, const char *reference,
                                     const struct mica_digest *wanted, struct mica_buf *text,
                                     struct mica_digest *digest_out, struct mica_err *err)
{
    struct mica_http_response response = {0};
    char path[256];
    struct mica_digest digest, said;
    snprintf(path, sizeof path, "manifests/%s", reference);
    struct mica_http_request request = {.headers = accept_manifests, .limit = MANIFEST_MAX};
    enum mica_status status = mica_oci_do(oci, path, &request, &response, err);
    if (status == MICA_OK)
        status = mica_oci_check(oci, &response, reference, err);
    if (status == MICA_OK && !mica_sha256(response.body.data, response.body.len, &digest))
        status = mica_fail(err, MICA_ENOMEM, "out of memory");
    if (status == MICA_OK) {
        const char *header = mica_http_header(&response, "Docker-Content-Digest", 0);
        bool is_said = header && strncmp(header, "sha256:", 7) == 0;
        if (wanted && !mica_digest_equal(wanted, &digest))
            status = mica_fail(err, MICA_EFORMAT, "%s/%s: the manifest is not the one of digest %s",
                               oci->ref.host, oci->ref.repo, reference);
        else if (is_said && (!mica_digest_parse(header, &said) || !mica_digest_equal(&said, &digest)))
            status = mica_fail(err, MICA_EFORMAT,
                               "%s/%s: the manifest is not the one that the registry says it is (its "
                               "Docker-Content-Digest differs)",
                               oci->ref.host, oci->ref.repo);
        else if (!mica_buf_append(text, response.body.data, response.body.len))
            status = mica_fail(err, MICA_ENOMEM, "out of memory");
        else
            *digest_out = digest;
    }
    mica_http_response_release(&response);
    return status;
}

/* Attestations lie in an index beside the images; they say that they are for no platform. */
static bool is_image(json_t *entry)
{
    const char *type = json_string_value(json_object_get(entry, "mediaType"));
    const char *os = json_string_value(json_object_get(json_object_get(entry, "platform"), "os"));
    return type &&
           (strcmp(type, "application/vnd.oci.image.manifest.v1+json") == 0 ||
            strcmp(type, "application/vnd.docker.distribution.manifest.v2+json") == 0) &&
           !(os && strcmp(os, "unknown") == 0);
}

/* The digest of the one manifest in an index: *is_index says whether text is one at all. */
static enum mica_status read_index(const struct mica_oci *oci, const struct mica_buf *text, bool *is_index,
                                   struct mica_digest *out, struct mica_err *err)
{
    json_t *document = json_loadb(text->data, text->len, 0, NULL), *entry, *found = NULL;
    json_t *entries = json_object_get(document, "manifests");
    size_t i, n = 0;
    enum mica_status status = MICA_OK;
    *is_index = json_is_array(entries);
    json_array_foreach(entries, i, entry) if (is_image(entry))
    {
        found = entry;
        n++;
    }
    const char *digest = json_string_value(json_object_get(found, "digest"));
    if (*is_index && n != 1)
        status = mica_fail(err, MICA_EUNSUPPORTED,
                           "%s/%s: an index of %zu manifests, of which Mica cannot choose; name one by "
                           "@sha256:…",
                           oci->ref.host, oci->ref.repo, n);
    else if (*is_index && (!digest || !mica_digest_parse(digest, out)))
        status = mica_fail(err, MICA_EFORMAT, "%s/%s: an index whose manifest has no SHA-256 digest",
                           oci->ref.host, oci->ref.repo);
    json_decref(document);
    return status;
}

enum mica_status mica_oci_manifest(struct mica_oci *oci, struct mica_buf *text,
                                   struct mica_digest *digest_out, struct mica_err *err)
{
    char reference[MICA_DIGEST_HEX + 8], hex[MICA_DIGEST_HEX];
    struct mica_digest wanted = oci->ref.digest;
    const struct mica_digest *expected = oci->ref.has_digest ? &wanted : NULL;
    for (int depth = 0;; depth++) {
        struct mica_buf one = {0};
        bool is_index = false;
        mica_digest_hex(&wanted, hex);
        snprintf(reference, sizeof reference, "sha256:%s", hex);
        enum mica_status status =
            get_manifest(oci, expected ? reference : oci->ref.tag, expected, &one, digest_out, err);
        if (status == MICA_OK)
            status = read_index(oci, &one, &is_index, &wanted, err);
        if (status == MICA_OK && is_index && depth > 0)
            status =
                mica_fail(err, MICA_EUNSUPPORTED, "%s/%s: an index of indexes", oci->ref.host, oci->ref.repo);
        if (status == MICA_OK && !is_index && !mica_buf_append(text, one.data, one.len))
            status = mica_fail(err, MICA_ENOMEM, "out of memory");
        mica_buf_release(&one);
        if (status != MICA_OK || !is_index)
            return status;
        expected = &wanted;
    }
}
