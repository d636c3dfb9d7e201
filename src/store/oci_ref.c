/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/oci.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LETTERS    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS     "0123456789"
#define WORD_CHARS LETTERS DIGITS "._-"

/* A host name or IPv4 address, maybe with a port. */
static bool is_host(const char *text, size_t len)
{
    size_t name = strspn(text, LETTERS DIGITS ".-");
    if (name == 0 || name > len || *text == '.' || *text == '-')
        return false;
    if (name == len)
        return true;
    size_t port = strspn(text + name + 1, DIGITS);
    return text[name] == ':' && port >= 1 && port <= 5 && name + 1 + port == len;
}

/* One part of a repository's path, or a tag: what can also be a name in the store. */
static bool is_word(const char *text, size_t len, size_t max)
{
    return len >= 1 && len <= max && strspn(text, WORD_CHARS) >= len && *text != '.' && *text != '-';
}

static bool is_repo(const char *text, size_t len)
{
    for (;;) {
        const char *slash = memchr(text, '/', len);
        size_t part = slash ? (size_t)(slash - text) : len;
        if (!is_word(text, part, 127))
            return false;
        if (!slash)
            return true;
        text += part + 1;
        len -= part + 1;
    }
}

enum mica_status mica_oci_ref_parse(const char *text, struct mica_oci_ref *out, struct mica_err *err)
{
    struct mica_oci_ref ref = {0};
    if (strncmp(text, "oci://", 6) != 0)
        return mica_fail(err, MICA_EARG, "'%.200s': does not begin with oci://", text);
    const char *host = text + 6, *repo = strchr(host, '/');
    if (!repo || !is_host(host, (size_t)(repo - host)) || (size_t)(repo - host) >= sizeof ref.host)
        return mica_fail(err, MICA_EARG, "'%.200s': is not oci://HOST[:PORT]/REPOSITORY[:TAG]", text);
    snprintf(ref.host, sizeof ref.host, "%.*s", (int)(repo++ - host), host);
    const char *at = strchr(repo, '@');
    size_t len = at ? (size_t)(at - repo) : strlen(repo);
    if (at) {
        if (strncmp(at + 1, "sha256:", 7) != 0 || !mica_digest_parse(at + 1, &ref.digest))
            return mica_fail(err, MICA_EARG, "'%.200s': after '@' belongs sha256: and 64 hex digits", text);
        ref.has_digest = true;
    }
    const char *colon = memchr(repo, ':', len);
    if (colon) {
        size_t tag = len - (size_t)(colon + 1 - repo);
        if (!is_word(colon + 1, tag, sizeof ref.tag - 1))
            return mica_fail(err, MICA_EARG,
                             "'%.200s': the tag is not letters, digits, '.', '_', '-' (at most 128)", text);
        snprintf(ref.tag, sizeof ref.tag, "%.*s", (int)tag, colon + 1);
        len = (size_t)(colon - repo);
    } else if (!at) {
        snprintf(ref.tag, sizeof ref.tag, "%s", MICA_DEFAULT_TAG);
    }
    if (len >= sizeof ref.repo || !is_repo(repo, len))
        return mica_fail(
            err, MICA_EARG,
            "'%.200s': the repository is not parts of letters, digits, '.', '_', '-' between slashes", text);
    snprintf(ref.repo, sizeof ref.repo, "%.*s", (int)len, repo);
    *out = ref;
    return MICA_OK;
}

void mica_oci_ref_of_name(const struct mica_name *name, struct mica_oci_ref *out)
{
    *out = (struct mica_oci_ref){0};
    snprintf(out->host, sizeof out->host, "%s", name->registry);
    snprintf(out->repo, sizeof out->repo, "%s/%s", name->namespace_, name->model);
    snprintf(out->tag, sizeof out->tag, "%s", name->tag);
}

enum mica_status mica_oci_ref_name(const struct mica_oci_ref *ref, struct mica_name *out,
                                   struct mica_err *err)
{
    char text[MICA_OCI_TEXT], hex[MICA_DIGEST_HEX];
    const int short_digest = 12;
    const char *slash = strchr(ref->repo, '/');
    if (slash && strchr(slash + 1, '/'))
        return mica_fail(err, MICA_EARG, "%s/%s: give it a short name with --as", ref->host, ref->repo);
    mica_digest_hex(&ref->digest, hex);
    snprintf(text, sizeof text, "%s/%s%s:%.*s", ref->host, slash ? "" : MICA_DEFAULT_NAMESPACE "/", ref->repo,
             *ref->tag ? (int)sizeof ref->tag : short_digest, *ref->tag ? ref->tag : hex);
    return mica_name_parse(text, out, err);
}

void mica_oci_ref_print(const struct mica_oci_ref *ref, char out[MICA_OCI_TEXT])
{
    char hex[MICA_DIGEST_HEX];
    if (ref->has_digest) {
        mica_digest_hex(&ref->digest, hex);
        snprintf(out, MICA_OCI_TEXT, "oci://%s/%s@sha256:%s", ref->host, ref->repo, hex);
    } else {
        snprintf(out, MICA_OCI_TEXT, "oci://%s/%s:%s", ref->host, ref->repo, ref->tag);
    }
}

bool mica_oci_is_loopback(const char *host)
{
    size_t len = strcspn(host, ":");
    return (len == 9 && strncasecmp(host, "localhost", len) == 0) ||
           (strncmp(host, "127.", 4) == 0 && strspn(host, DIGITS ".") == len);
}

static bool is_listed(const char *list, const char *host)
{
    size_t len = strlen(host);
    for (const char *at = list; at && *at;) {
        size_t item = strcspn(at, ",");
        if (item == len && strncasecmp(at, host, len) == 0)
            return true;
        at += item + (at[item] == ',');
    }
    return false;
}

enum mica_status mica_oci_allowed(const char *host, struct mica_err *err)
{
    if (strcasecmp(host, MICA_DEFAULT_REGISTRY) == 0 || mica_oci_is_loopback(host) ||
        is_listed(getenv("MICA_REGISTRY"), host))
        return MICA_OK;
    return mica_fail(err, MICA_EDENIED,
                     "%s: is not the default registry; say oci://%s/… , or allow it by MICA_REGISTRY=%s",
                     host, host, host);
}

bool mica_oci_range_parse(const char *value, uint64_t *out)
{
    char *end;
    if (!value || !*value) {
        *out = 0;
        return true;
    }
    if (strncmp(value, "bytes=", 6) == 0)
        value += 6;
    if (strncmp(value, "0-", 2) != 0 || !strchr(DIGITS, value[2]) || !value[2])
        return false;
    unsigned long long last = strtoull(value + 2, &end, 10);
    if (*end || last >= INT64_MAX)
        return false;
    *out = last ? last + 1 : 0;
    return true;
}
