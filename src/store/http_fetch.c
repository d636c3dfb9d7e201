/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* A URL into a blob. One round is: ask for the first byte (which settles size, validator, ranges and where
 * redirects lead), then fetch either the missing parts over several connections or, without ranges, the whole
 * as one stream. A round ends early when the file changed under it or when the place that the redirects led
 * to stops answering (signed URLs expire); then another round begins. */
#include "store/http_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SLOTS_MAX = 16, ROUNDS_MAX = 8, CHANGES_MAX = 3, PROGRESS_MS = 200, REAL_PROGRESS = 256 << 10 };

enum outcome { GOING, DONE, CHANGED, MOVED, FAILED };

struct slot {
    CURL *easy;
    struct mica_http_exchange exchange;
    struct fetching *of;
    uint64_t part, begin, at, end; /* end: UINT64_MAX in a stream of unknown length */
    uint64_t good;                 /* where the last failure was */
    int64_t not_before;
    int failures;
    bool is_used, is_running, checked, refused, io_failed;
    int io_errno;
};

struct fetching {
    struct mica_http *http;
    struct mica_store *store;
    const struct mica_http_fetch *fetch;
    struct mica_blob_writer *writer;
    CURLM *multi;
    struct slot slots[SLOTS_MAX];
    int n_slots;
    char *url, *validator; /* of this round: a strong ETag or NULL */
    uint64_t size;         /* UINT64_MAX: not known */
    uint64_t n_parts, next_part, done_bytes;
    bool has_ranges, resumed, has_record; /* has_record: of the writer's parts */
    int64_t told;
};

/* ---- the first byte ---- */

static bool parse_range(const char *text, uint64_t *begin, uint64_t *total)
{
    uint64_t last;
    int used = 0;
    if (!text)
        return false;
    if (sscanf(text, "bytes %" SCNu64 "-%" SCNu64 "/%" SCNu64 "%n", begin, &last, total, &used) == 3)
        return !text[used] && *begin <= last && last < *total;
    return false;
}

static enum mica_status settle_size(struct fetching *f, const struct mica_http_response *response,
                                    struct mica_err *err)
{
    uint64_t begin = 0, total = UINT64_MAX;
    const char *length = mica_http_header(response, "Content-Length", 0);
    const char *range = mica_http_header(response, "Content-Range", 0);
    f->has_ranges = response->status == 206;
    if (f->has_ranges && (!parse_range(range, &begin, &total) || begin != 0))
        return mica_fail(err, MICA_EFORMAT, "%.200s: the server's Content-Range makes no sense",
                         f->fetch->url);
    if (response->status == 416 && range && strcmp(range, "bytes */0") == 0)
        total = 0;
    if (response->status == 200 && length && *length) {
        char *end;
        errno = 0;
        total = strtoull(length, &end, 10);
        if (*end || errno || *length == '-')
            return mica_fail(err, MICA_EFORMAT, "%.200s: the server's Content-Length makes no sense",
                             f->fetch->url);
    }
    if (total != UINT64_MAX && (total > INT64_MAX || (f->fetch->size && total != f->fetch->size)))
        return mica_fail(err, MICA_EFORMAT,
                         "%.200s: the server has %" PRIu64 " bytes where %" PRIu64 " are expected",
                         f->fetch->url, total, f->fetch->size);
    f->size = total == UINT64_MAX && f->fetch->size ? f->fetch->size : total;
    return MICA_OK;
}

static enum mica_status ask(struct fetching *f, struct mica_err *err)
{
    const char *lines[32] = {"Range: bytes=0-0"};
    struct mica_http_response response;
    int n = 1;
    for (const char *const *more = f->fetch->headers; more && *more && n < 31; more++)
        lines[n++] = *more;
    const struct mica_http_request request = {.url = f->fetch->url,
                                              .authorization = f->fetch->authorization,
                                              .headers = lines,
                                              .only_headers = true};
    enum mica_status status = mica_http_do(f->http, &request, &response, err);
    if (status != MICA_OK)
        return status;
    if (response.status != 416)
        status = mica_http_check(response.status, f->fetch->url, err);
    if (status == MICA_OK)
        status = settle_size(f, &response, err);
    if (status == MICA_OK) {
        const char *etag = mica_http_header(&response, "ETag", 0);
        mica_free(f->url);
        mica_free(f->validator);
        f->url = response.url;
        response.url = NULL;
        f->validator = etag && etag[0] == '"' ? mica_strdup(etag) : NULL;
    }
    mica_http_response_release(&response);
    return status;
}

/* ---- one slot ---- */

static bool write_at(struct slot *s, const char *data, size_t len)
{
    int fd = mica_blob_fd(s->of->writer);
    while (len > 0) {
        ssize_t n = pwrite(fd, data, len, (off_t)s->at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            s->io_failed = true;
            s->io_errno = errno;
            return false;
        }
        data += n;
        len -= (size_t)n;
        s->at += (uint64_t)n;
    }
    return true;
}

/* Is the answer the bytes that were asked for? */
static bool is_expected(struct slot *s)
{
    long status = 0;
    uint64_t begin, total;
    curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    if (mica_http_find_header(&s->exchange.headers, "Content-Encoding", 0))
        return false;
    if (!s->of->has_ranges)
        return status == 200;
    return status == 206 &&
           parse_range(mica_http_find_header(&s->exchange.headers, "Content-Range", 0), &begin, &total) &&
           begin == s->at && total == s->of->size;
}

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
    struct slot *s = user;
    size_t len = size * n;
    if (!s->checked) {
        s->checked = true;
        s->refused = !is_expected(s);
    }
    if (s->refused || len > s->end - s->at)
        return 0;
    return write_at(s, data, len) ? len : 0;
}

static enum mica_status start(struct slot *s, struct mica_err *err)
{
    struct fetching *f = s->of;
    const struct mica_http_fetch *fetch = f->fetch;
    char range[64];
    struct mica_buf if_range = {0};
    const char *lines[32];
    int n = 0;
    for (const char *const *more = fetch->headers; more && *more && n < 29; more++)
        lines[n++] = *more;
    if (f->has_ranges) {
        snprintf(range, sizeof range, "Range: bytes=%" PRIu64 "-%" PRIu64, s->at, s->end - 1);
        lines[n++] = range;
        if (f->validator && mica_buf_printf(&if_range, "If-Range: %s", f->validator))
            lines[n++] = if_range.data;
    } else {
        s->at = s->begin; /* a stream begins anew */
    }
    lines[n] = NULL;
    bool may_know = mica_http_same_origin(f->url, fetch->url);
    enum mica_status status = mica_http_setup(f->http, s->easy, &s->exchange, f->url,
                                              may_know ? fetch->authorization : NULL, lines, err);
    mica_buf_release(&if_range);
    if (status != MICA_OK)
        return status;
    curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s);
    s->checked = s->refused = s->io_failed = false;
    if (curl_multi_add_handle(f->multi, s->easy) != CURLM_OK)
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    s->is_running = true;
    return MICA_OK;
}

/* Gives the slot the next part that is missing; false: none is. */
static bool take_part(struct slot *s)
{
    struct fetching *f = s->of;
    uint64_t bytes = f->http->options.part_bytes;
    while (f->has_ranges && f->next_part < f->n_parts && mica_blob_part_done(f->writer, f->next_part))
        f->next_part++;
    if (f->next_part >= f->n_parts)
        return false;
    s->part = f->next_part++;
    s->begin = s->at = s->good = f->has_ranges ? s->part * bytes : 0;
    s->end = f->has_ranges && f->size - s->begin > bytes ? s->begin + bytes : f->size;
    s->failures = 0;
    s->not_before = 0;
    s->is_used = true;
    return true;
}

/* ---- how an exchange ended ---- */

static enum outcome give_up(struct slot *s, CURLcode code, long answer, struct mica_err *err)
{
    if (s->io_failed)
        mica_fail(
            err, MICA_EIO,
            "the store cannot be written: %s; make room there ('mica gc'), and the same command goes on "
            "from here",
            strerror(s->io_errno));
    else if (code == CURLE_OK && answer >= 300)
        mica_http_check((int)answer, s->of->fetch->url, err);
    else if (code == CURLE_OK || code == CURLE_WRITE_ERROR)
        mica_fail(err, MICA_EFORMAT, "%.200s: the server sends other bytes than were asked for",
                  s->of->fetch->url);
    else
        mica_http_fail(s->of->url, code, &s->exchange, err);
    return FAILED;
}

static enum outcome try_later(struct slot *s, CURLcode code, long answer, struct mica_err *err)
{
    int64_t ms;
    struct mica_err why;
    if (s->at >= s->good + REAL_PROGRESS && s->of->has_ranges)
        s->failures = 0;
    s->good = s->at;
    if (++s->failures >= s->of->http->options.attempts ||
        mica_http_delay(s->of->http, &s->exchange.headers, s->failures, &ms, &why) != MICA_OK)
        return give_up(s, code, answer, err);
    s->not_before = mica_http_now() + ms;
    return GOING;
}

static enum outcome finish_part(struct slot *s, struct mica_err *err)
{
    struct fetching *f = s->of;
    s->is_used = false;
    f->done_bytes += s->at - s->begin;
    if (!f->has_ranges) {
        f->size = s->at;
        return ftruncate(mica_blob_fd(f->writer), (off_t)s->at) == 0
                   ? GOING
                   : (mica_fail(err, MICA_EIO, "the store cannot be written: %s", strerror(errno)), FAILED);
    }
    return !f->has_record || mica_blob_part_mark(f->writer, s->part, err) == MICA_OK ? GOING : FAILED;
}

/* An answer that is not the bytes asked for, and what follows from it; GOING: nothing, it may be tried again.
 */
static enum outcome judge(struct slot *s, CURLcode code, long answer, struct mica_err *err)
{
    struct fetching *f = s->of;
    bool was_redirected = strcmp(f->url, f->fetch->url) != 0;
    bool is_refusal = answer >= 400 && answer < 500 && answer != 408 && answer != 429;
    if (s->io_failed)
        return give_up(s, code, answer, err);
    if (f->has_ranges && (answer == 200 || answer == 412 || answer == 416 || (answer == 206 && s->refused)))
        return CHANGED;
    if ((answer >= 300 && answer < 400) || (is_refusal && was_redirected))
        return MOVED;
    return s->refused && answer < 400 ? give_up(s, code, answer, err) : GOING;
}

static bool is_complete(const struct slot *s, CURLcode code, long answer)
{
    const struct fetching *f = s->of;
    bool is_whole = f->size == UINT64_MAX ? code == CURLE_OK : s->at == s->end;
    return is_whole && !s->refused && !s->io_failed && answer == (f->has_ranges ? 206 : 200);
}

static enum outcome ended(struct slot *s, CURLcode code, struct mica_err *err)
{
    long answer = 0;
    curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &answer);
    curl_multi_remove_handle(s->of->multi, s->easy);
    s->is_running = false;
    if (is_complete(s, code, answer))
        return finish_part(s, err);
    enum outcome outcome = judge(s, code, answer, err);
    if (outcome != GOING)
        return outcome;
    if (s->refused) /* the body of an error */
        code = CURLE_OK;
    if (code == CURLE_OK && answer < 300)
        code = CURLE_PARTIAL_FILE;
    return mica_http_again(code, answer) ? try_later(s, code, answer, err) : give_up(s, code, answer, err);
}

/* ---- a round ---- */

static bool tell(struct fetching *f)
{
    int64_t now = mica_http_now();
    if (!f->fetch->progress || now - f->told < PROGRESS_MS)
        return true;
    uint64_t done = f->done_bytes;
    for (int i = 0; i < f->n_slots; i++)
        if (f->slots[i].is_used)
            done += f->slots[i].at - f->slots[i].begin;
    f->told = now;
    return f->fetch->progress(f->fetch->user, done, f->size == UINT64_MAX ? 0 : f->size);
}

/* Starts what may start; *n_busy is how many parts are being worked on. */
static enum outcome start_slots(struct fetching *f, int *n_busy, struct mica_err *err)
{
    int64_t now = mica_http_now();
    *n_busy = 0;
    for (int i = 0; i < f->n_slots; i++) {
        struct slot *s = &f->slots[i];
        if (!s->is_used && !take_part(s))
            continue;
        ++*n_busy;
        if (!s->is_running && s->not_before <= now && start(s, err) != MICA_OK)
            return FAILED;
    }
    return *n_busy ? GOING : DONE;
}

static enum outcome collect(struct fetching *f, struct mica_err *err)
{
    int left;
    enum outcome outcome = GOING;
    for (CURLMsg *msg; outcome == GOING && (msg = curl_multi_info_read(f->multi, &left));) {
        char *user = NULL;
        if (msg->msg != CURLMSG_DONE)
            continue;
        CURLcode code = msg->data.result;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &user);
        outcome = ended((struct slot *)(void *)user, code, err);
    }
    return outcome;
}

static int n_started(const struct fetching *f)
{
    int n = 0;
    for (int i = 0; i < f->n_slots; i++)
        n += f->slots[i].is_running;
    return n;
}

static enum outcome run_round(struct fetching *f, struct mica_err *err)
{
    enum outcome outcome = GOING;
    while (outcome == GOING) {
        int n_busy, n_running;
        outcome = start_slots(f, &n_busy, err);
        if (outcome != GOING)
            break;
        /* What has ended already is collected at once, not after a wait. */
        if (curl_multi_perform(f->multi, &n_running) != CURLM_OK ||
            (n_running >= n_started(f) &&
             curl_multi_poll(f->multi, NULL, 0, PROGRESS_MS / 2, NULL) != CURLM_OK)) {
            mica_fail(err, MICA_ENOMEM, "out of memory");
            outcome = FAILED;
            break;
        }
        outcome = collect(f, err);
        if (outcome == GOING && !tell(f)) {
            mica_fail(err, MICA_ECANCELLED, "cancelled");
            outcome = FAILED;
        }
    }
    for (int i = 0; i < f->n_slots; i++) {
        if (f->slots[i].is_running)
            curl_multi_remove_handle(f->multi, f->slots[i].easy);
        f->slots[i].is_running = f->slots[i].is_used = false;
    }
    return outcome;
}

/* Throws away what was written and begins anew. */
static enum mica_status begin_anew(struct fetching *f, struct mica_err *err)
{
    mica_blob_abandon(f->writer, true);
    f->writer = NULL;
    f->has_record = false;
    return mica_blob_begin(f->store, f->fetch->digest, &f->writer, err);
}

/* Lays out the parts of a round. A stream keeps nothing of what earlier runs left. */
static enum mica_status lay_out(struct fetching *f, struct mica_err *err)
{
    uint64_t bytes = f->http->options.part_bytes;
    enum mica_status status = MICA_OK;
    f->next_part = f->done_bytes = 0;
    if (!f->has_ranges) {
        f->n_parts = f->size == 0 ? 0 : 1;
        f->n_slots = 1;
        return f->fetch->digest ? begin_anew(f, err) : MICA_OK;
    }
    f->n_parts = f->size / bytes + (f->size % bytes != 0);
    f->n_slots = f->http->options.connections;
    if (f->fetch->digest && !f->has_record)
        status = mica_blob_parts(f->writer, f->size, bytes, err);
    f->has_record = f->fetch->digest != NULL;
    for (uint64_t i = 0; status == MICA_OK && i < f->n_parts; i++)
        if (mica_blob_part_done(f->writer, i)) {
            f->done_bytes += i + 1 < f->n_parts ? bytes : f->size - i * bytes;
            f->resumed = true;
        }
    return status;
}

static enum mica_status rounds(struct fetching *f, struct mica_err *err)
{
    int changes = 0;
    for (int round = 0; round < ROUNDS_MAX; round++) {
        enum mica_status status = ask(f, err);
        if (status == MICA_OK)
            status = lay_out(f, err);
        if (status != MICA_OK || !f->writer)
            return status;
        struct mica_err why = {MICA_EINTERNAL, ""};
        enum outcome outcome = run_round(f, &why);
        if (outcome == DONE)
            return MICA_OK;
        if (outcome == FAILED)
            return mica_fail(err, why.status, "%s", why.text);
        if (outcome == CHANGED) {
            if (++changes == CHANGES_MAX)
                break;
            status = begin_anew(f, err);
            if (status != MICA_OK || !f->writer)
                return status;
        }
    }
    return mica_fail(err, MICA_EIO, "%.300s: the file changes while it is fetched", f->fetch->url);
}

static enum mica_status open_slots(struct fetching *f, struct mica_err *err)
{
    f->multi = curl_multi_init();
    bool ok = f->multi != NULL;
    for (int i = 0; ok && i < f->http->options.connections; i++) {
        f->slots[i].of = f;
        f->slots[i].easy = curl_easy_init();
        ok = f->slots[i].easy != NULL;
    }
    return ok ? MICA_OK : mica_fail(err, MICA_ENOMEM, "out of memory");
}

static void close_slots(struct fetching *f)
{
    for (int i = 0; i < SLOTS_MAX; i++) {
        if (f->slots[i].easy)
            curl_easy_cleanup(f->slots[i].easy);
        mica_http_exchange_release(&f->slots[i].exchange);
    }
    if (f->multi)
        curl_multi_cleanup(f->multi);
}

/* The size of a blob that was there already. */
static enum mica_status size_of(struct mica_store *store, const struct mica_digest *digest, uint64_t *size,
                                struct mica_err *err)
{
    struct mica_mapping *map;
    enum mica_status status = mica_store_blob_open(store, digest, &map, err);
    if (status != MICA_OK)
        return status;
    *size = mica_mapping_size(map);
    mica_mapping_free(map);
    return MICA_OK;
}

/* Rounds, then the commit, which checks the digest. */
static enum mica_status bring(struct fetching *f, struct mica_digest *digest, uint64_t *size,
                              struct mica_err *err)
{
    for (int attempt = 0;; attempt++) {
        f->has_record = false;
        enum mica_status status = mica_blob_begin(f->store, f->fetch->digest, &f->writer, err);
        if (status == MICA_OK && f->writer)
            status = rounds(f, err);
        if (status != MICA_OK) {
            if (f->writer)
                mica_blob_abandon(f->writer, false);
            f->writer = NULL;
            return status;
        }
        if (!f->writer) { /* another process finished it */
            *digest = *f->fetch->digest;
            status = size_of(f->store, digest, size, err);
            if (status == MICA_ENOTFOUND && attempt < 3) /* and a third one removed it */
                continue;
            return status;
        }
        struct mica_blob_writer *writer = f->writer;
        f->writer = NULL;
        status = mica_blob_commit(writer, digest, size, err);
        /* What an earlier run left may be of another version of the file. */
        if (status != MICA_EFORMAT || !f->resumed || attempt)
            return status;
        f->resumed = false;
    }
}

enum mica_status mica_http_fetch(struct mica_http *http, struct mica_store *store,
                                 const struct mica_http_fetch *fetch, struct mica_digest *digest_out,
                                 uint64_t *size_out, struct mica_err *err)
{
    struct mica_digest digest = {{0}};
    uint64_t size = 0;
    struct fetching f = {.http = http, .store = store, .fetch = fetch, .size = UINT64_MAX};
    enum mica_status status = mica_http_url_check(fetch->url, http->options.plain_http, err);
    if (status == MICA_OK)
        status = open_slots(&f, err);
    if (status == MICA_OK)
        status = bring(&f, &digest, &size, err);
    close_slots(&f);
    mica_free(f.url);
    mica_free(f.validator);
    if (status != MICA_OK)
        return status;
    if (digest_out)
        *digest_out = digest;
    if (size_out)
        *size_out = size;
    return MICA_OK;
}
