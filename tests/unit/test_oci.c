/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* References, challenges, tokens, credentials and ranges of registries: what can be told without one. */
#include "base/fs.h"
#include "store/oci.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void references_are_read(void **state)
{
    static const struct {
        const char *text, *host, *repo, *tag, *printed, *name; /* host NULL: refused; name NULL: has none */
    } rows[] = {
        {"oci://a/b", "a", "b", "latest", "oci://a/b:latest", "a/library/b:latest"},
        {"oci://ghcr.io/org/m:7b-q4_K.M", "ghcr.io", "org/m", "7b-q4_K.M", "oci://ghcr.io/org/m:7b-q4_K.M",
         "ghcr.io/org/m:7b-q4_K.M"},
        {"oci://127.0.0.1:5000/a/b:c", "127.0.0.1:5000", "a/b", "c", "oci://127.0.0.1:5000/a/b:c",
         "127.0.0.1:5000/a/b:c"},
        {"oci://h/a@sha256:" HEX, "h", "a", "", "oci://h/a@sha256:" HEX, "h/library/a:0123456789ab"},
        {"oci://h/a:t@sha256:" HEX, "h", "a", "t", "oci://h/a@sha256:" HEX, "h/library/a:t"},
        {"oci://h/a/b/c:t", "h", "a/b/c", "t", "oci://h/a/b/c:t", NULL},
        {.text = "h/a:t"},
        {.text = "oci://"},
        {.text = "oci://h"},
        {.text = "oci://h/"},
        {.text = "oci:///a"},
        {.text = "oci://h/../a"},
        {.text = "oci://h/a/.."},
        {.text = "oci://h/.a"},
        {.text = "oci://h/a//b"},
        {.text = "oci://h/a/"},
        {.text = "oci://h/a:"},
        {.text = "oci://h/a:../b"},
        {.text = "oci://h/a:b:c"},
        {.text = "oci://h/a?b"},
        {.text = "oci://h/a%2e%2e"},
        {.text = "oci://h/a b"},
        {.text = "oci://h/a\nb"},
        {.text = "oci://user@h/a"},
        {.text = "oci://u:p@h/a"},
        {.text = "oci://h:123456/a"},
        {.text = "oci://h:/a"},
        {.text = "oci://h:80x/a"},
        {.text = "oci://-h/a"},
        {.text = "oci://h/a@" HEX},
        {.text = "oci://h/a@sha256:" HEX "0"},
        {.text = "oci://h/a@sha256:../../../../etc/passwd"},
        {.text = "oci://h/a@sha512:" HEX},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_oci_ref ref;
        struct mica_name name;
        struct mica_err err;
        char printed[MICA_OCI_TEXT], stored[MICA_NAME_TEXT] = "";
        enum mica_status status = mica_oci_ref_parse(rows[i].text, &ref, &err);
        if (!rows[i].host) {
            if (status != MICA_EARG)
                fail_msg("%s: %s", rows[i].text, mica_status_text(status));
            continue;
        }
        if (status != MICA_OK)
            fail_msg("%s: %s", rows[i].text, err.text);
        mica_oci_ref_print(&ref, printed);
        status = mica_oci_ref_name(&ref, &name, &err);
        if (status == MICA_OK)
            mica_name_print(&name, stored);
        if (strcmp(ref.host, rows[i].host) != 0 || strcmp(ref.repo, rows[i].repo) != 0 ||
            strcmp(ref.tag, rows[i].tag) != 0 || strcmp(printed, rows[i].printed) != 0 ||
            strcmp(stored, rows[i].name ? rows[i].name : "") != 0)
            fail_msg("%s: %s, %s, %s, %s, %s", rows[i].text, ref.host, ref.repo, ref.tag, printed, stored);
    }
}

static void long_references_are_refused(void **state)
{
    for (size_t len = 100; len < 3000; len += 97) {
        char *text = mica_alloc(len + 32, 1);
        struct mica_oci_ref ref;
        assert_non_null(text);
        for (int form = 0; form < 3; form++) {
            strcpy(text, form == 0 ? "oci://h/" : form == 1 ? "oci://h/a:" : "oci://");
            memset(text + strlen(text), 'a', len);
            if (form == 2)
                strcpy(text + 6 + len, "/a");
            enum mica_status status = mica_oci_ref_parse(text, &ref, NULL);
            bool fits = len <= (form == 0 ? 127u : form == 1 ? 128u : 255u);
            if ((status == MICA_OK) != fits)
                fail_msg("form %d of %zu bytes: %s", form, len, mica_status_text(status));
            memset(text, 0, len + 32);
        }
        mica_free(text);
    }
}

static void challenges_are_read(void **state)
{
    static const struct {
        const char *value;
        enum mica_oci_scheme scheme;
        const char *realm, *service, *scope;
    } rows[] = {
        {"Bearer "
         "realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\",scope=\"repository:a/b:"
         "pull,push\"",
         MICA_OCI_BEARER, "https://auth.docker.io/token", "registry.docker.io", "repository:a/b:pull,push"},
        {"bearer  Realm = \"r\" , SERVICE=s", MICA_OCI_BEARER, "r", "s", ""},
        {"Basic realm=\"a \\\"quoted\\\" name\"", MICA_OCI_BASIC, "a \"quoted\" name", "", ""},
        {"Basic", MICA_OCI_BASIC, "", "", ""},
        {"Basic realm=\"x\", Bearer realm=\"y\",scope=\"z\"", MICA_OCI_BEARER, "y", "", "z"},
        {"Bearer realm=\"y\", Basic realm=\"x\"", MICA_OCI_BEARER, "y", "", ""},
        {"Negotiate, Basic realm=x", MICA_OCI_BASIC, "x", "", ""},
        {"Digest qop=\"auth\", nonce=abc, Basic realm=x", MICA_OCI_BASIC, "x", "", ""},
        {"Bearer realm=\"r\",", MICA_OCI_BEARER, "r", "", ""},
        {.value = ""},
        {.value = "Negotiate"},
        {.value = "Bearer"},
        {.value = "Bearer realm="},
        {.value = "Bearer realm=\"open"},
        {.value = "Bearer realm=\"open\\"},
        {.value = "Bearer service=\"s\""},
        {.value = "Bearer realm=\"a\nb\""},
        {.value = "=\"\""},
        {.value = "Bearer =x"},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_oci_challenge c = {.realm = "kept"};
        bool ok = mica_oci_challenge_parse(rows[i].value, &c);
        if (ok != (rows[i].scheme != MICA_OCI_NONE))
            fail_msg("%s: %d", rows[i].value, ok);
        if (!ok)
            assert_string_equal(c.realm, "kept");
        else if (c.scheme != rows[i].scheme || strcmp(c.realm, rows[i].realm) != 0 ||
                 strcmp(c.service, rows[i].service) != 0 || strcmp(c.scope, rows[i].scope) != 0)
            fail_msg("%s: %d, '%s', '%s', '%s'", rows[i].value, (int)c.scheme, c.realm, c.service, c.scope);
    }
    static char longest[4000];
    strcpy(longest, "Bearer realm=\"");
    memset(longest + strlen(longest), 'a', 3000);
    strcat(longest, "\"");
    struct mica_oci_challenge c;
    assert_false(mica_oci_challenge_parse(longest, &c));
}

static void token_services_are_not_just_anywhere(void **state)
{
    static const struct {
        const char *registry, *realm;
        bool plain_http, has_password, allowed;
    } rows[] = {
        {"https://h", "https://auth.example/token", false, true, true},
        {"https://h", "https://h/token?x=y", false, true, true},
        {"http://127.0.0.1:5000", "http://127.0.0.1:5001/token", false, true, true},
        {"http://localhost:5000", "https://auth.example/token", false, true, true},
        {"https://h", "http://auth.example/token", true, false, false},
        {"http://h", "http://auth.example/token", true, false, true},
        {"http://h", "http://auth.example/token", true, true, false},
        {"http://h", "http://auth.example/token", false, false, false},
        {"https://h", "https://127.0.0.1/token", false, false, false},
        {"https://h", "https://127.0.0.1:8443/token", false, false, false},
        {"https://h", "https://127.1/token", false, false, false},
        {"https://h", "https://2130706433/token", false, false, false},
        {"https://h", "https://LOCALHOST/token", false, false, false},
        {"https://h", "https://localhost?x", false, false, false},
        {"https://h", "https://[::1]/token", false, false, false},
        {"https://h", "https://0.0.0.0/token", false, false, false},
        {"https://h", "https://0/token", false, false, false},
        {"https://h", "https://[::ffff:127.0.0.1]/token", false, false, false},
        {"https://h", "https://user@auth.example/token", false, false, false},
        {"https://h", "file:///etc/passwd", false, false, false},
        {"https://h", "nonsense", false, false, false},
        {"https://h", "", false, false, false},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        enum mica_status status = mica_oci_realm_check(rows[i].registry, rows[i].realm, rows[i].plain_http,
                                                       rows[i].has_password, NULL);
        if (status != (rows[i].allowed ? MICA_OK : MICA_EDENIED))
            fail_msg("%s names %s: %s", rows[i].registry, rows[i].realm, mica_status_text(status));
    }
}

static void tokens_are_read(void **state)
{
    static const struct {
        const char *json, *token;
    } rows[] = {
        {"{\"token\":\"abc.def\"}", "abc.def"},
        {"{\"access_token\":\"x\",\"expires_in\":300}", "x"},
        {"{\"token\":\"\",\"access_token\":\"y\"}", "y"},
        {"{\"token\":\"a\\r\\nX-Evil: 1\"}", NULL},
        {"{\"token\":\"a b\"}", NULL},
        {"{\"token\":\"\\u00e9\"}", NULL},
        {"{\"token\":5}", NULL},
        {"{}", NULL},
        {"[]", NULL},
        {"", NULL},
        {"<html>", NULL},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        char *token = NULL;
        enum mica_status status = mica_oci_token_parse(rows[i].json, strlen(rows[i].json), &token, NULL);
        if (status != (rows[i].token ? MICA_OK : MICA_EFORMAT) ||
            (rows[i].token && strcmp(rows[i].token, token) != 0))
            fail_msg("%s: %s", rows[i].json, token ? token : mica_status_text(status));
        mica_free(token);
    }
}

static void ranges_are_read(void **state)
{
    static const struct {
        const char *value;
        bool ok;
        uint64_t has;
    } rows[] = {
        {NULL, true, 0},
        {"", true, 0},
        {"0-0", true, 0},
        {"0-1023", true, 1024},
        {"bytes=0-9", true, 10},
        {"1-5", false, 0},
        {"0-", false, 0},
        {"0--1", false, 0},
        {"0-5x", false, 0},
        {"0- 5", false, 0},
        {"bytes 0-5", false, 0},
        {"0-9223372036854775807", false, 0},
        {"0-99999999999999999999", false, 0},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        uint64_t has = 77;
        bool ok = mica_oci_range_parse(rows[i].value, &has);
        if (ok != rows[i].ok || has != (ok ? rows[i].has : 77))
            fail_msg("'%s': %d, %llu", rows[i].value ? rows[i].value : "NULL", ok, (unsigned long long)has);
    }
}

static void names_lead_to_allowed_registries_only(void **state)
{
    static const struct {
        const char *list, *host;
        bool allowed;
    } rows[] = {
        {NULL, "registry.ollama.ai", true},
        {NULL, "localhost:5000", true},
        {NULL, "127.0.0.1:1", true},
        {NULL, "ghcr.io", false},
        {"", "ghcr.io", false},
        {"ghcr.io", "ghcr.io", true},
        {"a.example,GHCR.IO", "ghcr.io", true},
        {"a.example,ghcr.io:1", "ghcr.io", false},
        {"ghcr.io.evil", "ghcr.io", false},
        {NULL, "localhost.evil", false},
        {NULL, "127.0.0.1.evil", false},
        {NULL, "registry.ollama.ai.evil", false},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        if (rows[i].list)
            setenv("MICA_REGISTRY", rows[i].list, 1);
        else
            unsetenv("MICA_REGISTRY");
        if (mica_oci_allowed(rows[i].host, NULL) != (rows[i].allowed ? MICA_OK : MICA_EDENIED))
            fail_msg("%s with MICA_REGISTRY=%s", rows[i].host, rows[i].list ? rows[i].list : "(unset)");
    }
    unsetenv("MICA_REGISTRY");
}

static void credentials_are_found(void **state)
{
    static const struct {
        const char *config, *user, *password, *host, *value;
        enum mica_status status;
    } rows[] = {
        {NULL, NULL, NULL, "h", NULL, MICA_OK},
        {NULL, "u", "p", "h", "Basic dTpw", MICA_OK},
        {NULL, "u", NULL, "h", NULL, MICA_OK},
        {NULL, "u", "p", "registry.ollama.ai", NULL, MICA_OK},
        {NULL, "u:v", "p", "h", NULL, MICA_EARG},
        {"{\"auths\":{\"h:1\":{\"auth\":\"dTpw\"}}}", NULL, NULL, "h:1", "Basic dTpw", MICA_OK},
        {"{\"auths\":{\"https://h/v1/\":{\"auth\":\"dTpwdw==\"}}}", NULL, NULL, "h",
         "Basic dTpwdw==", MICA_OK},
        {"{\"auths\":{\"h\":{\"username\":\"u\",\"password\":\"p\"}}}", NULL, NULL, "h", "Basic dTpw",
         MICA_OK},
        {"{\"auths\":{\"other\":{\"auth\":\"dTpw\"}}}", NULL, NULL, "h", NULL, MICA_OK},
        {"{\"auths\":{\"h.evil\":{\"auth\":\"dTpw\"}}}", NULL, NULL, "h", NULL, MICA_OK},
        {"{\"auths\":{\"h\":{\"auth\":\"dTpw\"}}}", "a", "b", "h", "Basic YTpi", MICA_OK},
        {"{\"auths\":{\"h\":{\"auth\":\"????\"}}}", NULL, NULL, "h", NULL, MICA_EFORMAT},
        {"{\"auths\":{\"h\":{\"auth\":\"dXB3\"}}}", NULL, NULL, "h", NULL, MICA_EFORMAT},
        {"{\"auths\":{\"h\":{}},\"credsStore\":\"x\"}", NULL, NULL, "h", NULL, MICA_EDENIED},
        {"{\"auths\":[]}", NULL, NULL, "h", NULL, MICA_OK},
        {"{", NULL, NULL, "h", NULL, MICA_EFORMAT},
    };
    char folder[] = "/tmp/mica-oci-XXXXXX", path[MICA_PATH_MAX];
    assert_non_null(mkdtemp(folder));
    assert_int_equal(mica_fs_path(path, NULL, "%s/config.json", folder), MICA_OK);
    setenv("DOCKER_CONFIG", folder, 1);
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        char *value = NULL;
        unlink(path);
        unsetenv("MICA_REGISTRY_USER");
        unsetenv("MICA_REGISTRY_PASSWORD");
        if (rows[i].config)
            assert_int_equal(mica_fs_write(path, rows[i].config, strlen(rows[i].config), 0600, NULL),
                             MICA_OK);
        if (rows[i].user)
            setenv("MICA_REGISTRY_USER", rows[i].user, 1);
        if (rows[i].password)
            setenv("MICA_REGISTRY_PASSWORD", rows[i].password, 1);
        enum mica_status status = mica_oci_credentials(rows[i].host, &value, NULL);
        if (status != rows[i].status || (value != NULL) != (rows[i].value != NULL) ||
            (value && strcmp(value, rows[i].value) != 0))
            fail_msg("row %zu: %s, %s", i, mica_status_text(status), value ? value : "(none)");
        mica_free(value);
    }
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_are_read),
        cmocka_unit_test(long_references_are_refused),
        cmocka_unit_test(challenges_are_read),
        cmocka_unit_test(token_services_are_not_just_anywhere),
        cmocka_unit_test(tokens_are_read),
        cmocka_unit_test(ranges_are_read),
        cmocka_unit_test(names_lead_to_allowed_registries_only),
        cmocka_unit_test(credentials_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
