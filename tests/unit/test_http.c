/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The parts of the HTTP client that need no hub: URLs, headers, waiting, a server that says nothing. What
 * servers do is tested by tests/e2e/test_pull.py. */
#include "store/http_internal.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void test_which_urls_are_asked(void **state)
{
    static const struct {
        const char *url;
        bool plain;
        enum mica_status status;
    } rows[] = {
        {"https://example.com/x", false, MICA_OK},
        {"HTTPS://example.com:8443/x?y#z", false, MICA_OK},
        {"http://example.com/x", false, MICA_EDENIED},
        {"http://example.com/x", true, MICA_OK},
        {"http://localhost:1/x", false, MICA_OK},
        {"http://127.0.0.1/x", false, MICA_OK},
        {"http://127.9.9.9/x", false, MICA_OK},
        {"http://[::1]:80/x", false, MICA_OK},
        {"http://127.0.0.1.example.com/x", false, MICA_EDENIED},
        {"http://localhost.example.com/x", false, MICA_EDENIED},
        {"http://10.0.0.1/x", false, MICA_EDENIED},
        {"http://[::2]/x", false, MICA_EDENIED},
        {"https://me:secret@example.com/x", false, MICA_EARG},
        {"https://me@example.com/x", false, MICA_EARG},
        {"file:///etc/passwd", true, MICA_EDENIED},
        {"ftp://example.com/x", true, MICA_EDENIED},
        {"gopher://127.0.0.1/x", true, MICA_EDENIED},
        {"example.com/x", true, MICA_EDENIED},
        {"https://", false, MICA_EARG},
        {"https://exa mple.com/", false, MICA_EARG},
        {"", false, MICA_EDENIED},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_err err = {0};
        enum mica_status status = mica_http_url_check(rows[i].url, rows[i].plain, &err);
        if (status != rows[i].status || (status != MICA_OK && !err.text[0]))
            fail_msg("'%s' (plain http %d): %s, not %s", rows[i].url, rows[i].plain, mica_status_text(status),
                     mica_status_text(rows[i].status));
    }
}

static void test_same_origin(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"https://a.org/x", "https://a.org/y?z", true},
        {"https://a.org", "https://A.ORG:443/", true},
        {"https://a.org", "http://a.org", false},
        {"https://a.org", "https://a.org:8443", false},
        {"https://a.org", "https://a.org.evil.org", false},
        {"https://a.org", "https://b.a.org", false},
        {"https://a.org", "nonsense", false},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++)
        if (mica_http_same_origin(rows[i].a, rows[i].b) != rows[i].same)
            fail_msg("%s and %s", rows[i].a, rows[i].b);
}

static void test_no_way_inside(void **state)
{
    static const char *const inner[] = {
        "https://127.0.0.1/",          "https://127.1/x",      "https://0/",
        "https://2130706433/",         "https://0x7f.1/",      "https://localhost/",
        "https://LOCALHOST./",         "https://a.localhost/", "https://[::1]/",
        "https://[::ffff:127.0.0.1]/", "https://[fe80::1]/",   "https://169.254.169.254/latest/meta-data/"};
    static const char *const outer[] = {"https://hub.org/", "https://10.0.0.5:5000/",
                                        "https://localhost.evil.org/"};
    for (size_t k = 0; k < MICA_COUNT(outer); k++) {
        for (size_t i = 0; i < MICA_COUNT(inner); i++)
            if (!mica_http_leads_in(outer[k], inner[i]) || mica_http_leads_in(inner[i], outer[k]))
                fail_msg("%s to %s", outer[k], inner[i]);
        for (size_t i = 0; i < MICA_COUNT(outer); i++)
            if (mica_http_leads_in(outer[k], outer[i]))
                fail_msg("%s to %s", outer[k], outer[i]);
    }
    assert_false(mica_http_leads_in(inner[0], inner[3]));
}

static void test_resolve_and_escape(void **state)
{
    static const struct {
        const char *base, *location, *result;
    } rows[] = {
        {"https://a.org/x/y?q", "z", "https://a.org/x/z"},
        {"https://a.org/x/y", "/z", "https://a.org/z"},
        {"https://a.org/x/y", "../z", "https://a.org/z"},
        {"https://a.org/x/y", "//b.org/z", "https://b.org/z"},
        {"https://a.org/x/y", "http://b.org/z", "http://b.org/z"},
        {"https://a.org/x/y", "?n=1", "https://a.org/x/y?n=1"},
        {"nonsense", "x", NULL},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        char *url = mica_http_resolve(rows[i].base, rows[i].location);
        bool same = url && rows[i].result ? strcmp(url, rows[i].result) == 0 : url == rows[i].result;
        if (!same)
            fail_msg("%s + %s = %s", rows[i].base, rows[i].location, url ? url : "NULL");
        mica_free(url);
    }
    struct mica_buf out = {0};
    assert_true(mica_http_escape(&out, "a/b c%\xc3\xa9?#&~", "/"));
    assert_string_equal(out.data, "a/b%20c%25%C3%A9%3F%23%26~");
    mica_buf_release(&out);
}

static void test_how_long_to_wait(void **state)
{
    struct mica_http *http;
    struct mica_err err;
    assert_int_equal(mica_http_new(&(struct mica_http_options){.delay_ms = 100}, &http, &err), MICA_OK);
    static const struct {
        const char *retry_after; /* "" : none */
        int attempt;
        int64_t least, most; /* most 0: refused */
    } rows[] = {
        {"", 1, 50, 150},
        {"", 2, 100, 300},
        {"", 3, 200, 600},
        {"", 40, 15000, 45000},
        {"0", 3, 0, 0},
        {"7", 1, 7000, 7000},
        {"120", 1, 120000, 120000},
        {"121", 1, -1, 0},
        {"99999999999", 1, -1, 0},
        {"-5", 1, 50, 150},
        {"nonsense", 1, 50, 150},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 1, 50, 150},
        {"Fri, 01 Jan 2100 00:00:00 GMT", 1, -1, 0},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_buf headers = {0};
        int64_t ms = -1;
        if (*rows[i].retry_after) {
            mica_buf_append(&headers, "retry-after", 12);
            mica_buf_append(&headers, rows[i].retry_after, strlen(rows[i].retry_after) + 1);
        }
        enum mica_status status = mica_http_delay(http, &headers, rows[i].attempt, &ms, &err);
        bool ok = rows[i].least < 0 ? status != MICA_OK
                                    : status == MICA_OK && ms >= rows[i].least && ms <= rows[i].most;
        if (!ok)
            fail_msg("Retry-After '%s', attempt %d: %s, %lld ms", rows[i].retry_after, rows[i].attempt,
                     mica_status_text(status), (long long)ms);
        mica_buf_release(&headers);
    }
    mica_http_free(http);
}

static void test_what_answers_mean(void **state)
{
    static const struct {
        int status;
        enum mica_status result;
    } rows[] = {{200, MICA_OK},      {206, MICA_OK},        {204, MICA_OK},        {401, MICA_EDENIED},
                {403, MICA_EDENIED}, {404, MICA_ENOTFOUND}, {410, MICA_ENOTFOUND}, {429, MICA_EIO},
                {500, MICA_EIO},     {304, MICA_EIO},       {0, MICA_EIO}};
    for (size_t i = 0; i < MICA_COUNT(rows); i++)
        if (mica_http_check(rows[i].status, "x", NULL) != rows[i].result)
            fail_msg("status %d", rows[i].status);
}

/* A port that accepts connections and never says a word. */
static int listen_silently(char url[64])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    snprintf(url, 64, "http://127.0.0.1:%d/x", ntohs(address.sin_port));
    return fd;
}

static void test_a_stalled_server_is_given_up(void **state)
{
    char url[64];
    int fd = listen_silently(url);
    struct mica_http *http;
    struct mica_http_response response;
    struct mica_err err = {0};
    assert_int_equal(
        mica_http_new(&(struct mica_http_options){.stall_seconds = 1, .attempts = 1}, &http, &err), MICA_OK);
    assert_int_equal(mica_http_do(http, &(struct mica_http_request){.url = url}, &response, &err), MICA_EIO);
    assert_non_null(strstr(err.text, "no answer"));
    mica_http_free(http);
    close(fd);
}

static bool refuse(void *user, uint64_t done, uint64_t total)
{
    ++*(int *)user;
    return false;
}

static void test_a_request_can_be_cancelled(void **state)
{
    char url[64];
    int fd = listen_silently(url), calls = 0;
    struct mica_http *http;
    struct mica_http_response response;
    struct mica_err err = {0};
    assert_int_equal(mica_http_new(NULL, &http, &err), MICA_OK);
    const struct mica_http_request request = {.url = url, .progress = refuse, .user = &calls};
    assert_int_equal(mica_http_do(http, &request, &response, &err), MICA_ECANCELLED);
    assert_int_equal(calls, 1);
    mica_http_free(http);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_urls_are_asked),
        cmocka_unit_test(test_same_origin),
        cmocka_unit_test(test_no_way_inside),
        cmocka_unit_test(test_resolve_and_escape),
        cmocka_unit_test(test_how_long_to_wait),
        cmocka_unit_test(test_what_answers_mean),
        cmocka_unit_test(test_a_stalled_server_is_given_up),
        cmocka_unit_test(test_a_request_can_be_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
