/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What http.c shares with http_fetch.c: one exchange (a request and its answer, no redirects, no retries). */
#ifndef MICA_HTTP_INTERNAL_H
#define MICA_HTTP_INTERNAL_H

#include "store/http.h"

#include <curl/curl.h>

struct mica_http {
    struct mica_http_options options; /* with the defaults filled in */
    CURL *easy;                       /* of mica_http_do */
    uint64_t random;
};

enum { MICA_HTTP_HEADERS_MAX = 256 << 10, MICA_HTTP_REDIRECTS = 10, MICA_HTTP_URL_MAX = 16 << 10 };

struct mica_http_exchange {
    struct curl_slist *lines; /* what curl sends; lives as long as the exchange runs */
    struct mica_buf headers;  /* of the last answer, as in mica_http_response */
    bool headers_failed;
    char error[CURL_ERROR_SIZE];
};
/* Prepares easy for url. authorization and headers may be NULL. ENOMEM. */
enum mica_status mica_http_setup(struct mica_http *http, CURL *easy, struct mica_http_exchange *exchange,
                                 const char *url, const char *authorization, const char *const *headers,
                                 struct mica_err *err);
void mica_http_exchange_release(struct mica_http_exchange *exchange);
const char *mica_http_find_header(const struct mica_buf *headers, const char *name, int n);

/* May the same request be sent again after this result or status? */
bool mica_http_again(CURLcode code, long status);
/* How long to wait before the next attempt (from 1), in milliseconds; ELIMIT when Retry-After asks for more
 * than we wait. */
enum mica_status mica_http_delay(struct mica_http *http, const struct mica_buf *headers, int attempt,
                                 int64_t *ms_out, struct mica_err *err);
int64_t mica_http_now(void); /* milliseconds of a clock that only goes on */
/* The next hop of a redirect from url, checked: free with mica_free. */
enum mica_status mica_http_next_hop(struct mica_http *http, const char *url, const char *location, char **out,
                                    struct mica_err *err);
/* A failure of curl as a status and a message. */
enum mica_status mica_http_fail(const char *url, CURLcode code, const struct mica_http_exchange *exchange,
                                struct mica_err *err);
bool mica_http_is_loopback(const char *url);
/* Whether from, on the network, sends one to an address inside this machine. */
bool mica_http_leads_in(const char *from, const char *to);
/* The host of the URL, for messages; never its query, which may hold a secret. */
void mica_http_host(const char *url, char *out, size_t size);

#endif
