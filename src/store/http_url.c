/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/http_internal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A part of a parsed URL; empty when it is not there. Free with curl_free unless NULL (out of memory). */
static char *get(CURLU *u, CURLUPart part)
{
    char *text = NULL;
    if (curl_url_get(u, part, &text, part == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0) != CURLUE_OK)
        return NULL;
    return text;
}

static bool is_loopback(const char *host)
{
    size_t digits = strspn(host, "0123456789.");
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (strncmp(host, "127.", 4) == 0 && host[digits] == '\0');
}

enum mica_status mica_http_url_check(const char *url, bool plain_http, struct mica_err *err)
{
    enum mica_status status = MICA_OK;
    CURLU *u = curl_url();
    if (!u)
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    if (strncasecmp(url, "http:", 5) != 0 && strncasecmp(url, "https:", 6) != 0) {
        curl_url_cleanup(u);
        return mica_fail(err, MICA_EDENIED, "'%.100s': only http and https are fetched", url);
    }
    if (strlen(url) > MICA_HTTP_URL_MAX || curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK) {
        curl_url_cleanup(u);
        return mica_fail(err, MICA_EARG, "'%.100s': not a URL", url);
    }
    char *scheme = get(u, CURLUPART_SCHEME), *host = get(u, CURLUPART_HOST), *user = get(u, CURLUPART_USER),
         *password = get(u, CURLUPART_PASSWORD);
    if (scheme && strcasecmp(scheme, "https") != 0 && strcasecmp(scheme, "http") != 0)
        status = mica_fail(err, MICA_EDENIED, "'%.100s': only http and https are fetched", url);
    else if (!scheme || !host)
        status = mica_fail(err, MICA_EARG, "'%.100s': not a URL", url);
    else if (user || password)
        status = mica_fail(err, MICA_EARG, "%s: a URL with a user name in it; put that into ~/.netrc", host);
    else if (strcasecmp(scheme, "http") == 0 && !plain_http && !is_loopback(host))
        status = mica_fail(err, MICA_EDENIED,
                           "%s: http without encryption is for this machine only; use https, or --plain-http",
                           host);
    curl_free(scheme);
    curl_free(host);
    curl_free(user);
    curl_free(password);
    curl_url_cleanup(u);
    return status;
}

static bool same_part(CURLU *a, CURLU *b, CURLUPart part)
{
    char *x = get(a, part), *y = get(b, part);
    bool same = x && y && strcasecmp(x, y) == 0;
    curl_free(x);
    curl_free(y);
    return same;
}

bool mica_http_is_loopback(const char *url)
{
    CURLU *u = curl_url();
    char *host = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK ? get(u, CURLUPART_HOST) : NULL;
    bool loopback = host && is_loopback(host);
    curl_free(host);
    curl_url_cleanup(u);
    return loopback;
}

/* Loopback, and what else leads to this machine or to its host's own services: 0.0.0.0 in any spelling,
 * link-local addresses, and IPv6 literals, of which there are too many forms. */
static bool is_inner(const char *url)
{
    static const char *const begins[] = {"[", "0.", "127.", "169.254."};
    char host[256] = "";
    char *plain = mica_http_resolve(url, url); /* "https://0/" becomes "https://0.0.0.0/" */
    if (plain)
        mica_http_host(plain, host, sizeof host);
    mica_free(plain);
    size_t len = strcspn(host, ":");
    while (len && host[len - 1] == '.') /* "localhost." */
        len--;
    bool is_local =
        len >= 9 && strncasecmp(host + len - 9, "localhost", 9) == 0 && (len == 9 || host[len - 10] == '.');
    for (size_t i = 0; i < MICA_COUNT(begins); i++)
        is_local = is_local || strncmp(host, begins[i], strlen(begins[i])) == 0;
    return is_local || !*host;
}

bool mica_http_leads_in(const char *from, const char *to)
{
    return is_inner(to) && !is_inner(from);
}

bool mica_http_same_origin(const char *a, const char *b)
{
    CURLU *u = curl_url(), *v = curl_url();
    bool same = u && v && curl_url_set(u, CURLUPART_URL, a, 0) == CURLUE_OK &&
                curl_url_set(v, CURLUPART_URL, b, 0) == CURLUE_OK && same_part(u, v, CURLUPART_SCHEME) &&
                same_part(u, v, CURLUPART_HOST) && same_part(u, v, CURLUPART_PORT);
    curl_url_cleanup(u);
    curl_url_cleanup(v);
    return same;
}

char *mica_http_resolve(const char *base, const char *location)
{
    char *text = NULL, *copy = NULL;
    CURLU *u = curl_url();
    /* A space in Location is common, and harmless once it is encoded. */
    if (u && strlen(location) <= MICA_HTTP_URL_MAX && curl_url_set(u, CURLUPART_URL, base, 0) == CURLUE_OK &&
        curl_url_set(u, CURLUPART_URL, location, CURLU_URLENCODE | CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_URL, &text, 0) == CURLUE_OK)
        copy = mica_strdup(text);
    curl_free(text);
    curl_url_cleanup(u);
    return copy;
}

enum mica_status mica_http_next_hop(struct mica_http *http, const char *url, const char *location, char **out,
                                    struct mica_err *err)
{
    char host[256];
    mica_http_host(url, host, sizeof host);
    char *next = mica_http_resolve(url, location);
    if (!next)
        return mica_fail(err, MICA_EFORMAT, "%s: redirects to something that is not a URL", host);
    enum mica_status status = mica_http_url_check(next, http->options.plain_http, err);
    if (status == MICA_OK && strncasecmp(url, "https:", 6) == 0 && strncasecmp(next, "https:", 6) != 0)
        status = mica_fail(err, MICA_EDENIED, "%s: redirects from https to http", host);
    if (status == MICA_OK && mica_http_leads_in(url, next))
        status = mica_fail(err, MICA_EDENIED, "%s: redirects to an address of this machine", host);
    if (status != MICA_OK) {
        mica_free(next);
        return status;
    }
    *out = next;
    return MICA_OK;
}

void mica_http_host(const char *url, char *out, size_t size)
{
    const char *at = strstr(url, "://");
    at = at ? at + 3 : url;
    snprintf(out, size, "%.*s", (int)strcspn(at, "/?#"), at);
}

bool mica_http_escape(struct mica_buf *out, const char *text, const char *keep)
{
    for (; *text; text++) {
        bool plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
                     (*text >= '0' && *text <= '9') || strchr("-._~", *text) || strchr(keep, *text);
        if (plain)
            mica_buf_append(out, text, 1);
        else
            mica_buf_printf(out, "%%%02X", (unsigned char)*text);
    }
    return !out->failed;
}
