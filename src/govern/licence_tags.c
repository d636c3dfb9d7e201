/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/identify.h"
#include "govern/licence_texts.h"

#include <stdio.h>
#include <string.h>

enum { KEY = 160, ID = 128 };

static const struct {
    const char *tag, *id;
} rows[] = {
#define X(tag, id) {tag, id},
#include "govern/licence_tags.def"
#undef X
};

/* What tags are compared by: small letters, digits, "." and "+". false when it is too long for any, or holds
 * a sign that qualifies a name ("MIT*" is not MIT). */
static bool make_key(const char *tag, size_t len, char key[KEY])
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        char c = (char)(tag[i] >= 'A' && tag[i] <= 'Z' ? tag[i] + 32 : tag[i]);
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '+') {
            if ((uint8_t)c >= 128 || strchr("*~!?#^<>=|%$;{}[]", c))
                return false;
            continue;
        }
        if (n == KEY - 1)
            return false;
        key[n++] = c;
    }
    key[n] = 0;
    /* "license" and "licence" are one word. */
    for (char *at = key; (at = strstr(at, "licence"));)
        at[5] = 's';
    return n > 0;
}

static bool key_equal(const char *key, const char *text)
{
    char other[KEY];
    return make_key(text, strlen(text), other) && strcmp(key, other) == 0;
}

/* LicenseRef-… is an id by itself when a row has it. */
static bool leaf(const char *tag, size_t len, char out[ID])
{
    char key[KEY];
    if (!make_key(tag, len, key))
        return false;
    for (size_t i = 0; i < MICA_COUNT(rows); i++)
        if (key_equal(key, rows[i].tag) || (rows[i].id[0] && key_equal(key, rows[i].id))) {
            snprintf(out, ID, "%s", rows[i].id);
            return rows[i].id[0];
        }
    const struct mica_licence_text *texts;
    int64_t n;
    if (mica_licence_texts(&texts, &n, NULL) != MICA_OK)
        return false;
    for (int64_t i = 0; i < n; i++)
        if (key_equal(key, texts[i].id) || key_equal(key, texts[i].name)) {
            snprintf(out, ID, "%s", texts[i].id);
            return true;
        }
    return false;
}

/* The operator (" AND ", " OR ") at the top level of an expression, or NULL. */
static const char *find_operator(const char *text, const char *end, size_t *len)
{
    int depth = 0;
    for (const char *at = text; at < end; at++) {
        depth += *at == '(' ? 1 : *at == ')' ? -1 : 0;
        for (int i = 0; depth == 0 && i < 2; i++) {
            const char *word = i ? " AND " : " OR ";
            size_t n = strlen(word);
            if ((size_t)(end - at) > n && strncmp(at, word, n) == 0) {
                *len = n;
                return at;
            }
        }
    }
    return NULL;
}

/* " WITH X-exception" at the end of an operand, or NULL. */
static const char *find_with(const char *text, const char *end)
{
    static const char with[] = " WITH ", exception[] = "exception";
    for (const char *at = text; at + sizeof with - 1 < end; at++) {
        if (strncmp(at, with, sizeof with - 1) != 0)
            continue;
        const char *name = at + sizeof with - 1;
        size_t len = (size_t)(end - name);
        bool plain = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-+") >= len;
        return plain && memmem(name, len, exception, sizeof exception - 1) ? at : NULL;
    }
    return NULL;
}

static bool expression(const char *text, const char *end, struct mica_buf *out, int depth)
{
    size_t len;
    char id[ID];
    while (text < end && *text == ' ')
        text++;
    while (end > text && end[-1] == ' ')
        end--;
    if (depth > 8)
        return false;
    const char *operator= find_operator(text, end, &len);
    if (operator)
        return expression(text, operator, out, depth + 1) && mica_buf_append(out, operator, len) &&
               expression(operator+ len, end, out, depth + 1);
    if (end - text > 2 && *text == '(' && end[-1] == ')' && find_operator(text + 1, end - 1, &len))
        return mica_buf_puts(out, "(") && expression(text + 1, end - 1, out, depth + 1) &&
               mica_buf_puts(out, ")");
    const char *with = find_with(text, end);
    return leaf(text, (size_t)((with ? with : end) - text), id) && mica_buf_puts(out, id) &&
           (!with || mica_buf_append(out, with, (size_t)(end - with)));
}

/* "License :: OSI Approved :: MIT License" and the like: the last part counts. */
static const char *skip_classifier(const char *tag)
{
    if (strncmp(tag, "License ::", 10) != 0)
        return tag;
    for (const char *at; (at = strstr(tag, ":: "));)
        tag = at + 3;
    return tag;
}

bool mica_licence_canonical(const char *tag, char out[128])
{
    char text[ID];
    struct mica_buf buf = {.limit = ID - 1};
    tag = skip_classifier(tag);
    bool ok = expression(tag, tag + strlen(tag), &buf, 0) && buf.len;
    if (ok)
        snprintf(text, sizeof text, "%s", buf.data);
    mica_buf_release(&buf);
    if (ok)
        memcpy(out, text, sizeof text);
    return ok;
}
