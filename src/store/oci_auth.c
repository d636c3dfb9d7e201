/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Who we are: challenges, tokens, credentials. */
#include "base/fs.h"
#include "store/http_internal.h"
#include "store/oci.h"

#include <jansson.h>
#include <openssl/evp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TOKEN_MAX = 64 << 10, CONFIG_MAX = 1 << 20, CREDENTIALS_MAX = 4096 };

/* ---- challenges: 1#( scheme [ 1*SP ( token68 / #( name = value ) ) ] ) of RFC 9110 ---- */

static const char *skip(const char *at)
{
    return at + strspn(at, " \t,");
}

static size_t token_len(const char *at)
{
    size_t len = 0;
    while (at[len] > ' ' && at[len] < 0x7f && !strchr("()<>@,;:\\\"/[]?={}", at[len]))
        len++;
    return len;
}

/* Reads a value, quoted or not, into out[size]; NULL when malformed or too long. */
static const char *read_value(const char *at, char *out, size_t size)
{
    size_t len = 0;
    bool quoted = *at == '"';
    at += quoted;
    while (quoted ? *at != '"' : *at && !strchr(" \t,", *at)) {
        if (quoted && *at == '\\')
            at++;
        if ((unsigned char)*at < ' ' || len + 1 >= size)
            return NULL;
        out[len++] = *at++;
    }
    out[len] = '\0';
    return at + quoted;
}

/* The parameters after a scheme; NULL when malformed. A name without '=' begins the next challenge. */
static const char *read_parameters(const char *at, struct mica_oci_challenge *out)
{
    char value[2048];
    for (at = skip(at); *at;) {
        const char *name = at;
        size_t len = token_len(at);
        at += len;
        at += strspn(at, " \t");
        if (len == 0)
            return NULL;
        if (*at != '=')
            return name;
        at = read_value(at + 1 + strspn(at + 1, " \t"), value, sizeof value);
        if (!at)
            return NULL;
        const struct {
            const char *name;
            char *out;
            size_t size;
        } fields[] = {{"realm", out->realm, sizeof out->realm},
                      {"service", out->service, sizeof out->service},
                      {"scope", out->scope, sizeof out->scope},
                      {"error", out->error, sizeof out->error}};
        for (size_t i = 0; i < MICA_COUNT(fields); i++) {
            if (len != strlen(fields[i].name) || strncasecmp(name, fields[i].name, len) != 0)
                continue;
            if (strlen(value) >= fields[i].size)
                return NULL;
            memcpy(fields[i].out, value, strlen(value) + 1);
        }
        at = skip(at);
    }
    return at;
}

bool mica_oci_challenge_parse(const char *value, struct mica_oci_challenge *out)
{
    struct mica_oci_challenge best = {0};
    for (const char *at = skip(value); *at;) {
        struct mica_oci_challenge one = {0};
        size_t len = token_len(at);
        if (len == 6 && strncasecmp(at, "Bearer", len) == 0)
            one.scheme = MICA_OCI_BEARER;
        else if (len == 5 && strncasecmp(at, "Basic", len) == 0)
            one.scheme = MICA_OCI_BASIC;
        if (len == 0 || (at[len] && !strchr(" \t,", at[len])))
            return false;
        at = read_parameters(at + len, &one);
        if (!at || (one.scheme == MICA_OCI_BEARER && !*one.realm))
            return false;
        if (one.scheme > best.scheme)
            best = one;
    }
    if (best.scheme == MICA_OCI_NONE)
        return false;
    *out = best;
    return true;
}

/* ---- tokens ---- */

static bool is_encrypted(const char *url)
{
    return strncasecmp(url, "https:", 6) == 0;
}

enum mica_status mica_oci_realm_check(const char *registry, const char *realm, bool plain_http,
                                      bool has_password, struct mica_err *err)
{
    struct mica_err why;
    char host[256];
    mica_http_host(registry, host, sizeof host);
    if (mica_http_url_check(realm, plain_http, &why) != MICA_OK)
        return mica_fail(err, MICA_EDENIED, "%s: names a token service that is not asked: %s", host,
                         why.text);
    if (is_encrypted(registry) && !is_encrypted(realm))
        return mica_fail(err, MICA_EDENIED, "%s: names a token service without encryption", host);
    if (mica_http_leads_in(registry, realm))
        return mica_fail(err, MICA_EDENIED, "%s: names a token service on this machine", host);
    if (has_password && !is_encrypted(realm) && !mica_http_is_loopback(realm))
        return mica_fail(err, MICA_EDENIED, "%s: a password does not travel without encryption", host);
    return MICA_OK;
}

enum mica_status mica_oci_token_parse(const char *json, size_t len, char **out, struct mica_err *err)
{
    json_error_t why;
    json_t *answer = json_loadb(json, len, 0, &why);
    const char *token = json_string_value(json_object_get(answer, "token"));
    if (!token || !*token)
        token = json_string_value(json_object_get(answer, "access_token"));
    bool ok = token && *token && strlen(token) <= TOKEN_MAX;
    /* What goes into a header must not end the line. */
    for (const char *at = token; ok && *at; at++)
        ok = *at > ' ' && *at < 0x7f;
    char *copy = ok ? mica_strdup(token) : NULL;
    json_decref(answer);
    if (!ok)
        return mica_fail(err, MICA_EFORMAT, "the token service's answer holds no token");
    if (!copy)
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    *out = copy;
    return MICA_OK;
}

/* ---- credentials ---- */

/* "Basic " and base64 of user:password, or (user NULL) of what is encoded already. */
static enum mica_status basic(const char *user, const char *password, char **out, struct mica_err *err)
{
    char plain[CREDENTIALS_MAX], encoded[(CREDENTIALS_MAX + 2) / 3 * 4 + 1], text[sizeof encoded + 8];
    int len = snprintf(plain, sizeof plain, "%s:%s", user, password);
    if (len < 0 || len >= (int)sizeof plain || strchr(user, ':'))
        return mica_fail(err, MICA_EARG,
                         "the user name holds a ':', or name and password are longer than %d bytes",
                         CREDENTIALS_MAX - 2);
    EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)plain, len);
    snprintf(text, sizeof text, "Basic %s", encoded);
    *out = mica_strdup(text);
    return *out ? MICA_OK : mica_fail(err, MICA_ENOMEM, "out of memory");
}

/* Keys are hosts, or URLs in files of older programs. */
static bool is_key_of(const char *key, const char *host)
{
    const char *scheme = strstr(key, "://");
    key = scheme ? scheme + 3 : key;
    size_t len = strcspn(key, "/");
    return len == strlen(host) && strncasecmp(key, host, len) == 0;
}

/* Docker's file keeps base64 of "user:password". */
static enum mica_status decode(const char *auth, char **out, struct mica_err *err)
{
    unsigned char plain[CREDENTIALS_MAX + 4];
    size_t len = strlen(auth);
    int n = len % 4 == 0 && len / 4 * 3 < CREDENTIALS_MAX
                ? EVP_DecodeBlock(plain, (const unsigned char *)auth, (int)len)
                : -1;
    char *colon = n > 0 ? memchr(plain, ':', (size_t)n) : NULL;
    if (!colon)
        return mica_fail(err, MICA_EFORMAT,
                         "the \"auth\" of Docker's config.json is not base64 of "
                         "user:password");
    plain[n] = '\0'; /* the padding was decoded to NULs, which end the password as well */
    *colon = '\0';
    return basic((const char *)plain, colon + 1, out, err);
}

static enum mica_status from_docker(const char *host, const char *path, char **out, struct mica_err *err)
{
    struct mica_buf text = {0};
    json_error_t why;
    const char *key;
    json_t *entry, *found = NULL;
    enum mica_status status = mica_fs_read(path, CONFIG_MAX, &text, err);
    if (status != MICA_OK) {
        mica_buf_release(&text);
        return status == MICA_ENOTFOUND ? MICA_OK : status;
    }
    json_t *config = json_loadb(text.data ? text.data : "", text.len, 0, &why);
    mica_buf_release(&text);
    if (!config)
        return mica_fail(err, MICA_EFORMAT, "%s: line %d: %s", path, why.line, why.text);
    json_object_foreach(json_object_get(config, "auths"), key, entry) if (is_key_of(key, host)) found = entry;
    const char *auth = json_string_value(json_object_get(found, "auth")),
               *user = json_string_value(json_object_get(found, "username")),
               *password = json_string_value(json_object_get(found, "password"));
    if (user && password)
        status = basic(user, password, out, err);
    else if (auth && *auth)
        status = decode(auth, out, err);
    else if (json_object_get(config, "credsStore") ||
             json_object_get(json_object_get(config, "credHelpers"), host))
        status = mica_fail(err, MICA_EDENIED,
                           "%s: %s keeps the password in a helper program, which Mica does not run; set "
                           "MICA_REGISTRY_USER and MICA_REGISTRY_PASSWORD",
                           host, path);
    json_decref(config);
    return status;
}

enum mica_status mica_oci_credentials(const char *host, char **out, struct mica_err *err)
{
    const char *user = getenv("MICA_REGISTRY_USER"), *password = getenv("MICA_REGISTRY_PASSWORD");
    const char *folder = getenv("DOCKER_CONFIG"), *home = getenv("HOME");
    char path[MICA_PATH_MAX];
    *out = NULL;
    /* The variables belong to the registry that someone set up, never to the one that names lead to anyway.
     */
    if (user && password && strcasecmp(host, MICA_DEFAULT_REGISTRY) != 0)
        return basic(user, password, out, err);
    if (!folder && !home)
        return MICA_OK;
    enum mica_status status = folder ? mica_fs_path(path, err, "%s/config.json", folder)
                                     : mica_fs_path(path, err, "%s/.docker/config.json", home);
    return status == MICA_OK ? from_docker(host, path, out, err) : status;
}
