/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/name.h"

#include <stdio.h>
#include <string.h>

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Copies len bytes of a part after checking that they can be the name of a file: what begins with '.' could
 * be a parent or a hidden file, what begins with '-' an option. */
static enum mica_status take(const char *part, const char *text, size_t len, char *out, size_t size,
                             struct mica_err *err)
{
    if (len == 0)
        return mica_fail(err, MICA_EARG, "model name: the %s is empty", part);
    if (len >= size)
        return mica_fail(err, MICA_EARG, "model name: the %s is longer than %zu characters", part, size - 1);
    for (size_t i = 0; i < len; i++)
        if (!is_word(text[i]) && (i == 0 || (text[i] != '.' && text[i] != '-')))
            return mica_fail(err, MICA_EARG,
                             "model name: the %s may not have %s 0x%02x%s; letters, digits, '.', '_' and '-' "
                             "make [registry/][namespace/]name[:tag]",
                             part, i ? "the character" : "as its first character", (unsigned char)text[i],
                             text[i] > ' ' && text[i] < 127 ? (char[]){' ', '(', text[i], ')', 0} : "");
    memcpy(out, text, len);
    out[len] = '\0';
    return MICA_OK;
}

/* A host, maybe with ":PORT". */
static enum mica_status take_registry(const char *text, size_t len, char *out, size_t size,
                                      struct mica_err *err)
{
    const char *colon = memchr(text, ':', len);
    size_t host = colon ? (size_t)(colon - text) : len, port = len - host;
    enum mica_status status = take("registry", text, host, out, size, err);
    if (status != MICA_OK || !colon)
        return status;
    if (port < 2 || port > 6 || len >= size || strspn(colon + 1, "0123456789") < port - 1)
        return mica_fail(err, MICA_EARG, "model name: the registry's port is not a number of 1 to 5 digits");
    memcpy(out + host, colon, port);
    out[len] = '\0';
    return MICA_OK;
}

enum mica_status mica_name_parse(const char *text, struct mica_name *out, struct mica_err *err)
{
    struct mica_name name = {MICA_DEFAULT_REGISTRY, MICA_DEFAULT_NAMESPACE, "", MICA_DEFAULT_TAG};
    const char *slashes[3] = {0}, *colon = strrchr(text, ':'), *begin = text;
    enum mica_status status = MICA_OK;
    int n = 0;
    for (const char *at = strchr(text, '/'); at && n < 3; at = strchr(at + 1, '/'))
        slashes[n++] = at;
    if (n == 3)
        return mica_fail(err, MICA_EARG, "model name: more than [registry/][namespace/]name[:tag]");
    if (n > 0 && colon && colon < slashes[n - 1])
        colon = NULL; /* a port's */
    if (n == 2) {
        status = take_registry(text, (size_t)(slashes[0] - text), name.registry, sizeof name.registry, err);
        begin = slashes[0] + 1;
    }
    if (status == MICA_OK && n > 0) {
        status = take("namespace", begin, (size_t)(slashes[n - 1] - begin), name.namespace_,
                      sizeof name.namespace_, err);
        begin = slashes[n - 1] + 1;
    }
    if (status == MICA_OK)
        status = take("name", begin, colon ? (size_t)(colon - begin) : strlen(begin), name.model,
                      sizeof name.model, err);
    if (status == MICA_OK && colon)
        status = take("tag", colon + 1, strlen(colon + 1), name.tag, sizeof name.tag, err);
    if (status == MICA_OK)
        *out = name;
    return status;
}

void mica_name_print(const struct mica_name *name, char out[MICA_NAME_TEXT])
{
    bool registry = strcmp(name->registry, MICA_DEFAULT_REGISTRY) != 0;
    bool namespace_ = registry || strcmp(name->namespace_, MICA_DEFAULT_NAMESPACE) != 0;
    snprintf(out, MICA_NAME_TEXT, "%s%s%s%s%s:%s", registry ? name->registry : "", registry ? "/" : "",
             namespace_ ? name->namespace_ : "", namespace_ ? "/" : "", name->model, name->tag);
}

bool mica_name_equal(const struct mica_name *a, const struct mica_name *b)
{
    return strcmp(a->registry, b->registry) == 0 && strcmp(a->namespace_, b->namespace_) == 0 &&
           strcmp(a->model, b->model) == 0 && strcmp(a->tag, b->tag) == 0;
}
