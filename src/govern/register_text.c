/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/register_internal.h"

#include <string.h>

/* Bytes of the well-formed UTF-8 sequence at text, 0 when there is none (RFC 3629: no surrogates, no longer
 * form than needed, nothing past U+10FFFF). */
static size_t sequence_len(const unsigned char *text)
{
    static const struct {
        unsigned char first, last, second_min, second_max, len;
    } forms[] = {{0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
                 {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
                 {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    for (size_t i = 0; i < MICA_COUNT(forms); i++) {
        if (text[0] < forms[i].first || text[0] > forms[i].last)
            continue;
        if (forms[i].len > 1 && (text[1] < forms[i].second_min || text[1] > forms[i].second_max))
            return 0;
        for (size_t k = 2; k < forms[i].len; k++)
            if ((text[k] & 0xc0) != 0x80)
                return 0;
        return forms[i].len;
    }
    return 0;
}

/* Characters that move a cursor or reorder a line: C0 and C1 controls, and the bidirectional ones. */
static bool is_control(const unsigned char *text, size_t len)
{
    if (len == 1)
        return *text < ' ' || *text == 127;
    if (len == 2)
        return text[0] == 0xc2 && text[1] < 0xa0;
    bool is_bidi_mark = text[0] == 0xe2 && text[1] == 0x80 && text[2] >= 0xa8 && text[2] <= 0xae;
    bool is_isolate = text[0] == 0xe2 && text[1] == 0x81 && text[2] >= 0xa6 && text[2] <= 0xa9;
    return len == 3 && (is_bidi_mark || is_isolate);
}

const char *mica_register_clean(struct mica_arena *arena, const char *text, bool keep_newlines)
{
    size_t n = text ? strlen(text) : 0;
    char *copy = mica_arena_strndup(arena, text ? text : "", n);
    for (size_t at = 0; copy && at < n;) {
        size_t len = sequence_len((unsigned char *)copy + at);
        bool is_newline = keep_newlines && copy[at] == '\n';
        if (len == 0)
            copy[at++] = '?';
        else if (!is_newline && is_control((unsigned char *)copy + at, len)) {
            memset(copy + at, ' ', len);
            at += len;
        } else
            at += len;
    }
    return copy;
}
