/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What the register says about a component's licence, read as an SPDX expression. */
#include "govern/identify.h"
#include "govern/sbom_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const spdx_ids[] = {
#define X(id) id,
#include "govern/spdx_ids.def"
#undef X
};

const char *mica_spdx_id(const char *text, size_t len)
{
    size_t low = 0, high = MICA_COUNT(spdx_ids);
    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = strncasecmp(text, spdx_ids[mid], len);
        if (order == 0 && spdx_ids[mid][len])
            order = -1;
        if (order == 0)
            return spdx_ids[mid];
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

static bool is_id_char(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '.';
}

static bool is_ref(const char *word, size_t len)
{
    static const char prefix[] = "LicenseRef-";
    const size_t n = sizeof prefix - 1;
    if (len <= n || memcmp(word, prefix, n) != 0)
        return false;
    for (size_t i = n; i < len; i++)
        if (!is_id_char(word[i]))
            return false;
    return true;
}

static bool append(struct mica_terms *out, size_t *at, const char *text, size_t len)
{
    bool space = *at && out->text[*at - 1] != '(' && text[0] != ')';
    if (*at + space + len >= sizeof out->text)
        return false;
    if (space)
        out->text[(*at)++] = ' ';
    memcpy(out->text + *at, text, len);
    *at += len;
    out->text[*at] = 0;
    return true;
}

/* One operand: an identifier of the list (a "+" may follow) or a LicenseRef. */
static bool append_operand(struct mica_terms *out, size_t *at, const char *word, size_t len)
{
    if (is_ref(word, len))
        return append(out, at, word, len);
    const char *id = mica_spdx_id(word, len);
    if (id)
        return append(out, at, id, strlen(id));
    if (len < 2 || word[len - 1] != '+' || !(id = mica_spdx_id(word, len - 1)))
        return false;
    return append(out, at, id, strlen(id)) && *at + 1 < sizeof out->text &&
           (out->text[*at] = '+', out->text[++*at] = 0, true);
}

static bool is_operator(const char *word, size_t len)
{
    return (len == 3 && memcmp(word, "AND", 3) == 0) || (len == 2 && memcmp(word, "OR", 2) == 0) ||
           (len == 4 && memcmp(word, "WITH", 4) == 0);
}

/* A well-formed expression alternates operands and operators; n_words is how many there were. */
static bool read_expression(const char *text, struct mica_terms *out, int *n_words)
{
    size_t at = 0;
    int depth = 0;
    bool want_operand = true;
    *n_words = 0;
    for (const char *s = text; *s;) {
        if (isspace((unsigned char)*s)) {
            s++;
        } else if (*s == '(' || *s == ')') {
            depth += *s == '(' ? 1 : -1;
            if (want_operand != (*s == '(') || depth < 0 || !append(out, &at, s, 1))
                return false;
            s++;
            ++*n_words;
        } else {
            size_t len = strcspn(s, " \t\r\n()");
            bool fine = want_operand ? append_operand(out, &at, s, len)
                                     : is_operator(s, len) && append(out, &at, s, len);
            if (!fine)
                return false;
            want_operand = !want_operand;
            s += len;
            ++*n_words;
        }
    }
    return depth == 0 && !want_operand;
}

void mica_terms_read(const char *text, struct mica_terms *out)
{
    int n_words;
    *out = (struct mica_terms){.kind = MICA_TERMS_NONE};
    if (!text || !*text)
        return;
    if (!read_expression(text, out, &n_words)) {
        out->kind = MICA_TERMS_OTHER;
        snprintf(out->text, sizeof out->text, "%s", text);
    } else if (n_words > 1 || strchr(out->text, '+')) {
        out->kind = MICA_TERMS_EXPRESSION;
    } else {
        out->kind = is_ref(out->text, strlen(out->text)) ? MICA_TERMS_REF : MICA_TERMS_ID;
    }
}

static bool is_stated(const char *text)
{
    return text && *text;
}

void mica_terms_declared(const struct mica_component *component, struct mica_terms *out)
{
    const char *text = is_stated(component->declared_card)  ? component->declared_card
                       : is_stated(component->declared_key) ? component->declared_key
                                                            : "";
    char id[128];
    /* A text that came with the component is a declaration, too, of what it was identified as. */
    if (!*text && is_stated(component->declared_file) && is_stated(component->concluded))
        text = component->concluded;
    mica_terms_read(text, out);
    if (out->kind == MICA_TERMS_OTHER && mica_licence_canonical(text, id))
        mica_terms_read(id, out);
}

void mica_terms_concluded(const struct mica_component *component, struct mica_terms *out)
{
    mica_terms_read(component->concluded, out);
}
