/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/http_internal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

enum { RETRY_AFTER_MAX = 120, DELAY_MAX_MS = 30000, TICK_MS = 100 };

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum mica_status mica_http_new(const struct mica_http_options *options, struct mica_http **out,
                               struct mica_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_curl);
    struct mica_http *http = mica_alloc(1, sizeof *http);
    if (!http || !(http->easy = curl_easy_init())) {
        mica_free(http);
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    }
    if (options)
        http->options = *options;
    struct mica_http_options *o = &http->options;
    o->stall_seconds = o->stall_seconds > 0 ? o->stall_seconds : 30;
    o->attempts = o->attempts > 0 ? o->attempts : 7;
    o->delay_ms = o->delay_ms > 0 ? o->delay_ms : 250;
    o->connections = o->connections > 0 && o->connections <= 16 ? o->connections : 4;
    o->part_bytes = o->part_bytes ? o->part_bytes : 8 << 20;
    http->random = (uint64_t)mica_http_now() << 20 ^ (uint64_t)getpid();
    *out = http;
    return MICA_OK;
}

void mica_http_free(struct mica_http *http)
{
    if (!http)
        return;
    curl_easy_cleanup(http->easy);
    mica_free(http);
}

int64_t mica_http_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- one exchange ---- */

static size_t on_header(char *data, size_t size, size_t n, void *user)
{
    struct mica_http_exchange *exchange = user;
    size_t len = size * n;
    if (len >= 5 &&
        strncasecmp(data, "HTTP/", 5) == 0) { /* a new answer: after 100 Continue, or of a proxy */
        exchange->headers.len = 0;
        return len;
    }
    while (len > 0 && (data[len - 1] == '\r' || data[len - 1] == '\n'))
        len--;
    const char *colon = memchr(data, ':', len);
    if (!colon)
        return size * n;
    size_t name = (size_t)(colon - data);
    const char *value = colon + 1, *end = data + len;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    exchange->headers.limit = MICA_HTTP_HEADERS_MAX;
    if (memchr(data, '\0', len) || !mica_buf_append(&exchange->headers, data, name) ||
        !mica_buf_append(&exchange->headers, "", 1) ||
        !mica_buf_append(&exchange->headers, value, (size_t)(end - value)) ||
        !mica_buf_append(&exchange->headers, "", 1)) {
        exchange->headers_failed = true;
        return 0;
    }
    return size * n;
}

const char *mica_http_find_header(const struct mica_buf *headers, const char *name, int n)
{
    for (size_t at = 0; at < headers->len;) {
        const char *key = headers->data + at, *value = key + strlen(key) + 1;
        if (strcasecmp(key, name) == 0 && n-- == 0)
            return value;
        at = (size_t)(value + strlen(value) + 1 - headers->data);
    }
    return NULL;
}

void mica_http_exchange_release(struct mica_http_exchange *exchange)
{
    curl_slist_free_all(exchange->lines);
    mica_buf_release(&exchange->headers);
    *exchange = (struct mica_http_exchange){0};
}

static bool add_line(struct mica_http_exchange *exchange, const char *line)
{
    struct curl_slist *longer = curl_slist_append(exchange->lines, line);
    if (longer)
        exchange->lines = longer;
    return longer != NULL;
}

static bool add_lines(struct mica_http_exchange *exchange, const char *authorization,
                      const char *const *headers)
{
    struct mica_buf line = {0};
    bool ok = add_line(exchange, "Expect:");
    if (authorization) {
        ok =
            ok && mica_buf_printf(&line, "Authorization: %s", authorization) && add_line(exchange, line.data);
        mica_buf_release(&line);
    }
    for (; ok && headers && *headers; headers++)
        ok = add_line(exchange, *headers);
    return ok;
}

static const char *certificates(void)
{
    static const char *const names[] = {"SSL_CERT_FILE", "CURL_CA_BUNDLE"};
    for (size_t i = 0; i < MICA_COUNT(names); i++) {
        const char *path = getenv(names[i]);
        if (path && *path)
            return path;
    }
    return NULL;
}

enum mica_status mica_http_setup(struct mica_http *http, CURL *easy, struct mica_http_exchange *exchange,
                                 const char *url, const char *authorization, const char *const *headers,
                                 struct mica_err *err)
{
    const char *ca = certificates();
    mica_http_exchange_release(exchange);
    curl_easy_reset(easy); /* connections stay open */
    if (!add_lines(exchange, authorization, headers) || curl_easy_setopt(easy, CURLOPT_URL, url) != CURLE_OK)
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* Parallel parts want connections of their own, not streams of one. */
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "mica/" MICA_VERSION);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, 20L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1024L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)http->options.stall_seconds);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 256L << 10);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->lines);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->error);
    if (mica_http_is_loopback(url)) /* a proxy would leave the machine */
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (!authorization)
        curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
    if (ca)
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca);
    return MICA_OK;
}

static const struct {
    CURLcode code;
    enum mica_status status;
    const char *text;
} failures[] = {
    {CURLE_COULDNT_RESOLVE_HOST, MICA_EIO, "the host's name cannot be resolved: is the network there?"},
    {CURLE_COULDNT_RESOLVE_PROXY, MICA_EIO, "the proxy's name cannot be resolved"},
    {CURLE_COULDNT_CONNECT, MICA_EIO, "cannot connect"},
    {CURLE_OPERATION_TIMEDOUT, MICA_EIO, "no answer, or one too slow"},
    {CURLE_PARTIAL_FILE, MICA_EIO, "the answer ends early"},
    {CURLE_GOT_NOTHING, MICA_EIO, "the connection was closed without an answer"},
    {CURLE_PEER_FAILED_VERIFICATION, MICA_EDENIED, "its certificate is not valid"},
    {CURLE_OUT_OF_MEMORY, MICA_ENOMEM, "out of memory"},
};

enum mica_status mica_http_fail(const char *url, CURLcode code, const struct mica_http_exchange *exchange,
                                struct mica_err *err)
{
    char host[256];
    mica_http_host(url, host, sizeof host);
    if (exchange->headers_failed)
        return mica_fail(err, MICA_ELIMIT,
                         "%s: an answer with more than %d KiB of headers, or malformed ones", host,
                         MICA_HTTP_HEADERS_MAX >> 10);
    for (size_t i = 0; i < MICA_COUNT(failures); i++)
        if (failures[i].code == code)
            return mica_fail(err, failures[i].status, "%s: %s", host, failures[i].text);
    return mica_fail(err, MICA_EIO, "%s: %s", host,
                     exchange->error[0] ? exchange->error : curl_easy_strerror(code));
}

/* ---- trying again ---- */

bool mica_http_again(CURLcode code, long status)
{
    static const CURLcode never[] = {
        CURLE_PEER_FAILED_VERIFICATION, CURLE_OUT_OF_MEMORY,       CURLE_URL_MALFORMAT,
        CURLE_UNSUPPORTED_PROTOCOL,     CURLE_ABORTED_BY_CALLBACK, CURLE_WRITE_ERROR,
        CURLE_SSL_CACERT_BADFILE,       CURLE_READ_ERROR};
    if (code == CURLE_OK)
        return status == 408 || status == 429 || (status >= 500 && status != 501 && status != 505);
    for (size_t i = 0; i < MICA_COUNT(never); i++)
        if (never[i] == code)
            return false;
    return true;
}

enum mica_status mica_http_delay(struct mica_http *http, const struct mica_buf *headers, int attempt,
                                 int64_t *ms_out, struct mica_err *err)
{
    int64_t ms = http->options.delay_ms;
    for (int i = 1; i < attempt && ms < DELAY_MAX_MS; i++)
        ms *= 2;
    ms = ms < DELAY_MAX_MS ? ms : DELAY_MAX_MS;
    http->random = http->random * 6364136223846793005ULL + 1442695040888963407ULL;
    ms = ms / 2 + (int64_t)((http->random >> 33) % (uint64_t)(ms + 1)); /* between a half and three halves */
    const char *asked = mica_http_find_header(headers, "Retry-After", 0);
    if (asked && *asked) {
        char *end;
        long long seconds = strtoll(asked, &end, 10);
        if (*end) {
            time_t at = curl_getdate(asked, NULL);
            seconds = at < 0 ? 0 : (long long)at - (long long)time(NULL);
        }
        if (seconds > RETRY_AFTER_MAX)
            return mica_fail(err, MICA_EIO, "asks to come back after %lld s", seconds);
        if (seconds * 1000 > ms)
            ms = seconds * 1000;
        else if (seconds == 0 && !*end)
            ms = 0;
    }
    *ms_out = ms;
    return MICA_OK;
}

/* ---- a request into memory ---- */

struct doing {
    const struct mica_http_request *request;
    struct mica_http_exchange exchange;
    CURL *easy;
    struct mica_buf body;
    uint64_t sent;
    int64_t told;
    bool is_over, is_cancelled, got_headers;
};

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
    struct doing *d = user;
    if (d->request->only_headers) {
        d->got_headers = true;
        return 0;
    }
    size_t len = size * n, limit = d->request->limit ? d->request->limit : 16 << 20;
    if (len > limit - d->body.len) {
        d->is_over = true;
        return 0;
    }
    return mica_buf_append(&d->body, data, len) ? len : 0;
}

static size_t on_send(char *out, size_t size, size_t n, void *user)
{
    struct doing *d = user;
    uint64_t left = d->request->body_len - d->sent;
    size_t len = size * n < left ? size * n : (size_t)left;
    memcpy(out, (const char *)d->request->body + d->sent, len);
    d->sent += len;
    return len;
}

static int on_seek(void *user, curl_off_t offset, int origin)
{
    struct doing *d = user;
    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > d->request->body_len)
        return CURL_SEEKFUNC_FAIL;
    d->sent = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

static bool tell(struct doing *d, int64_t every)
{
    int64_t now = mica_http_now();
    if (!d->request->progress || now - d->told < every)
        return true;
    d->told = now;
    d->is_cancelled = !d->request->progress(d->request->user, d->sent, d->request->body_len);
    return !d->is_cancelled;
}

static int on_progress(void *user, curl_off_t total, curl_off_t now, curl_off_t to_send, curl_off_t sent)
{
    return !tell(user, 2 * TICK_MS);
}

static bool is_upload(const char *method)
{
    return strcmp(method, "PUT") == 0 || strcmp(method, "POST") == 0 || strcmp(method, "PATCH") == 0;
}

static void set_method(CURL *easy, const char *method, struct doing *d)
{
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, d);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, d);
    if (is_upload(method)) {
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_send);
        curl_easy_setopt(easy, CURLOPT_READDATA, d);
        curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
        curl_easy_setopt(easy, CURLOPT_SEEKDATA, d);
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)d->request->body_len);
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    } else if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (strcmp(method, "GET") != 0) {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    }
}

static bool wait_ms(struct doing *d, int64_t ms)
{
    for (int64_t end = mica_http_now() + ms; mica_http_now() < end;) {
        if (!tell(d, 0))
            return false;
        int64_t left = end - mica_http_now();
        usleep((useconds_t)((left < TICK_MS ? left : TICK_MS) * 1000));
    }
    return true;
}

/* What a finished exchange is when it is no answer to hand on. */
static enum mica_status failed(struct doing *d, const char *url, CURLcode code, struct mica_err *err)
{
    char host[256];
    mica_http_host(url, host, sizeof host);
    if (d->is_cancelled)
        return mica_fail(err, MICA_ECANCELLED, "cancelled");
    if (d->is_over)
        return mica_fail(err, MICA_ELIMIT, "%s: the answer is larger than %zu bytes", host,
                         d->request->limit ? d->request->limit : (size_t)16 << 20);
    if (d->body.failed)
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    return mica_http_fail(url, code, &d->exchange, err);
}

static bool is_compressed(const struct mica_buf *headers)
{
    const char *encoding = mica_http_find_header(headers, "Content-Encoding", 0);
    return encoding && *encoding && strcasecmp(encoding, "identity") != 0;
}

/* The server did nothing, so that the request may be sent again whatever its method. */
static bool was_not_done(CURLcode code, long answer)
{
    return answer == 429 || answer == 503 || code == CURLE_COULDNT_CONNECT ||
           code == CURLE_COULDNT_RESOLVE_HOST;
}

/* Somebody waits: where nothing answers at all, three times are enough to tell. */
static int most_attempts(const struct mica_http *http, CURLcode code)
{
    bool is_nobody = code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST;
    return is_nobody && http->options.attempts > 3 ? 3 : http->options.attempts;
}

/* One hop with its retries. */
static enum mica_status exchange_once(struct mica_http *http, struct doing *d, const char *method,
                                      const char *url, const char *authorization, long *status_out,
                                      struct mica_err *err)
{
    bool may_repeat = !d->request->once && strcmp(method, "POST") != 0 && strcmp(method, "PATCH") != 0;
    for (int attempt = 1;; attempt++) {
        int64_t ms;
        long answer = 0;
        struct mica_err why;
        d->body.len = d->sent = 0;
        d->got_headers = false;
        enum mica_status status =
            mica_http_setup(http, http->easy, &d->exchange, url, authorization, d->request->headers, err);
        if (status != MICA_OK)
            return status;
        set_method(http->easy, method, d);
        /* On a connection that was used before, curl itself would send the body again when it breaks. */
        if (d->request->once)
            curl_easy_setopt(http->easy, CURLOPT_FRESH_CONNECT, 1L);
        CURLcode code = curl_easy_perform(http->easy);
        curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &answer);
        if (d->got_headers)
            code = CURLE_OK;
        if (code == CURLE_OK && !d->request->only_headers && is_compressed(&d->exchange.headers))
            return mica_fail(err, MICA_EFORMAT, "an answer is compressed though that was not asked for");
        bool again = mica_http_again(code, answer) && !d->is_cancelled &&
                     attempt < most_attempts(http, code) && (may_repeat || was_not_done(code, answer)) &&
                     mica_http_delay(http, &d->exchange.headers, attempt, &ms, &why) == MICA_OK;
        if (!again) {
            *status_out = answer;
            return code == CURLE_OK ? MICA_OK : failed(d, url, code, err);
        }
        if (!wait_ms(d, ms))
            return failed(d, url, code, err);
    }
}

static bool is_redirect(long status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Follows redirects; *url is replaced (and freed) on the way. */
static enum mica_status follow(struct mica_http *http, struct doing *d, char **url, long *answer,
                               struct mica_err *err)
{
    const struct mica_http_request *request = d->request;
    const char *method = request->method ? request->method : "GET";
    for (int hop = 0;; hop++) {
        char *next = NULL;
        bool may_know = mica_http_same_origin(*url, request->url);
        enum mica_status status =
            exchange_once(http, d, method, *url, may_know ? request->authorization : NULL, answer, err);
        if (status != MICA_OK)
            return status;
        const char *location = mica_http_find_header(&d->exchange.headers, "Location", 0);
        if (!is_redirect(*answer) || !location || request->no_redirects)
            return MICA_OK;
        if (hop == MICA_HTTP_REDIRECTS)
            return mica_fail(err, MICA_ELIMIT, "%.200s: more than %d redirects", request->url,
                             MICA_HTTP_REDIRECTS);
        status = mica_http_next_hop(http, *url, location, &next, err);
        if (status != MICA_OK)
            return status;
        if (*answer == 303 || (*answer < 303 && strcmp(method, "POST") == 0))
            method = strcmp(method, "HEAD") == 0 ? "HEAD" : "GET";
        mica_free(*url);
        *url = next;
    }
}

enum mica_status mica_http_do(struct mica_http *http, const struct mica_http_request *request,
                              struct mica_http_response *out, struct mica_err *err)
{
    struct doing d = {.request = request};
    long answer = 0;
    enum mica_status status = mica_http_url_check(request->url, http->options.plain_http, err);
    if (status != MICA_OK)
        return status;
    char *url = mica_strdup(request->url);
    if (!url || !mica_buf_puts(&d.body, ""))
        status = mica_fail(err, MICA_ENOMEM, "out of memory");
    else
        status = follow(http, &d, &url, &answer, err);
    if (status == MICA_OK) {
        d.body.data[d.body.len] = '\0';
        *out = (struct mica_http_response){(int)answer, d.body, d.exchange.headers, url};
        d.body = d.exchange.headers = (struct mica_buf){0};
        url = NULL;
    }
    mica_free(url);
    mica_buf_release(&d.body);
    mica_http_exchange_release(&d.exchange);
    return status;
}

void mica_http_response_release(struct mica_http_response *response)
{
    mica_buf_release(&response->body);
    mica_buf_release(&response->headers);
    mica_free(response->url);
    *response = (struct mica_http_response){0};
}

const char *mica_http_header(const struct mica_http_response *response, const char *name, int n)
{
    return mica_http_find_header(&response->headers, name, n);
}

enum mica_status mica_http_check(int status, const char *what, struct mica_err *err)
{
    static const struct {
        int status;
        enum mica_status result;
        const char *text;
    } rows[] = {
        {401, MICA_EDENIED, "the server asks who you are (401)"},
        {403, MICA_EDENIED, "the server does not allow it (403)"},
        {404, MICA_ENOTFOUND, "the server does not have it (404)"},
        {410, MICA_ENOTFOUND, "the server does not have it any more (410)"},
        {429, MICA_EIO, "the server has had too many requests from here (429); try later"},
        {503, MICA_EIO, "the server is not available (503); try later"},
    };
    if (status >= 200 && status < 300)
        return MICA_OK;
    for (size_t i = 0; i < MICA_COUNT(rows); i++)
        if (rows[i].status == status)
            return mica_fail(err, rows[i].result, "%.300s: %s", what, rows[i].text);
    return mica_fail(err, MICA_EIO, "%.300s: the server answers %d", what, status);
}
