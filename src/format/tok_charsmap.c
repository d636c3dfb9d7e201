/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* sentencepiece's precompiled normalisation map: four bytes of size, a double-array trie (darts-clone) of
 * that size, then NUL-terminated replacements that the trie's values point to. */
#include "format/tok_internal.h"

#include <string.h>
#include <utf8proc.h>

enum mica_status tok_charsmap_init(struct tok_charsmap *map, const uint8_t *data, size_t len,
                                   struct mica_err *err)
{
    uint32_t size = 0;
    if (len >= 4)
        size = (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24;
    if (len < 4 || size % 4 || size > len - 4)
        return mica_fail(err, MICA_EFORMAT,
                         "tokenizer: the precompiled charsmap's trie ends past its %zu bytes", len);
    size_t rest = len - 4 - size;
    uint32_t *units = mica_alloc(size / 4, sizeof *units);
    char *replacements = mica_alloc(rest + 1, 1);
    if (!units || !replacements) {
        mica_free(units);
        mica_free(replacements);
        return mica_fail(err, MICA_ENOMEM, "tokenizer: out of memory");
    }
    for (size_t i = 0; i < size / 4; i++) {
        const uint8_t *at = data + 4 + i * 4;
        units[i] = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    }
    memcpy(replacements, data + 4 + size, rest);
    map->units = units;
    map->n_units = size / 4;
    map->replacements = replacements;
    map->replacements_len = rest;
    return MICA_OK;
}

static uint32_t unit_offset(uint32_t unit)
{
    return (unit >> 10) << ((unit & (1u << 9)) >> 6);
}

/* The replacement of the shortest (or longest) prefix of text in the map; NULL = none. */
static const char *find(const struct tok_charsmap *map, const char *text, size_t len, size_t *matched_out)
{
    const char *found = NULL;
    size_t at = 0;
    if (!map->n_units)
        return NULL;
    at ^= unit_offset(map->units[0]);
    for (size_t i = 0; i < len && text[i]; i++) {
        uint8_t byte = (uint8_t)text[i];
        at ^= byte;
        if (at >= map->n_units || (map->units[at] & (1u << 31 | 0xFF)) != byte)
            break;
        uint32_t unit = map->units[at];
        at ^= unit_offset(unit);
        if (!(unit >> 8 & 1))
            continue;
        if (at >= map->n_units)
            break;
        uint32_t value = map->units[at] & ((1u << 31) - 1);
        if (value > map->replacements_len)
            break;
        found = map->replacements + value;
        *matched_out = i + 1;
        if (!map->longest)
            break;
    }
    return found;
}

/* The file may hold anything; what follows relies on valid text. */
static void put_replacement(struct mica_buf *out, const char *replacement)
{
    size_t n = strlen(replacement);
    if (tok_utf8_valid_prefix(replacement, n) == n)
        mica_buf_append(out, replacement, n);
    else
        mica_buf_puts(out, "\xEF\xBF\xBD");
}

static bool apply_longest(const struct tok_charsmap *map, const char *text, size_t len, struct mica_buf *out)
{
    for (size_t i = 0, n; i < len; i += n) {
        const char *replacement = find(map, text + i, len - i, &n);
        if (replacement) {
            put_replacement(out, replacement);
            continue;
        }
        n = (size_t)tok_utf8_len(text + i, len - i);
        n = n ? n : 1;
        mica_buf_append(out, text + i, n);
    }
    return !out->failed;
}

static size_t grapheme_len(const char *text, size_t len)
{
    utf8proc_int32_t state = 0;
    int n;
    uint32_t last = tok_utf8_get(text, &n);
    size_t i = (size_t)n;
    while (i < len) {
        uint32_t c = tok_utf8_get(text + i, &n);
        if (utf8proc_grapheme_break_stateful((utf8proc_int32_t)last, (utf8proc_int32_t)c, &state))
            break;
        last = c;
        i += (size_t)n;
    }
    return i;
}

bool tok_charsmap_apply(const struct tok_charsmap *map, const char *text, size_t len, struct mica_buf *out)
{
    if (map->longest)
        return apply_longest(map, text, len, out);
    for (size_t i = 0, n; i < len; i += n) {
        size_t matched;
        n = grapheme_len(text + i, len - i);
        const char *replacement = n < 6 ? find(map, text + i, n, &matched) : NULL;
        if (replacement) {
            put_replacement(out, replacement);
            continue;
        }
        int n_char;
        for (size_t j = i; j < i + n; j += (size_t)n_char) {
            tok_utf8_get(text + j, &n_char);
            replacement = find(map, text + j, (size_t)n_char, &matched);
            if (replacement)
                put_replacement(out, replacement);
            else
                mica_buf_append(out, text + j, (size_t)n_char);
        }
    }
    return !out->failed;
}

/* T5: runs of spaces become one written space, or each space is written; one goes in front. */
bool tok_spaces_apply(const struct tok_step *step, const char *text, size_t len, struct mica_buf *out)
{
    bool prepend = step->option & TOK_SPACES_PREPEND, merge = step->option & TOK_SPACES_MERGE;
    bool in_word = false, prepended = false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == ' ') {
            in_word = false;
            if (!merge)
                mica_buf_append(out, step->content, step->content_len);
            continue;
        }
        if (!in_word && (merge || (prepend && !prepended))) {
            mica_buf_append(out, step->content, step->content_len);
            prepended = true;
        }
        in_word = true;
        mica_buf_append(out, &text[i], 1);
    }
    return !out->failed;
}
