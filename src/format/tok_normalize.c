/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Normalizers, in the order the tokenizer lists them. */
#include "format/tok_internal.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* Nothing below this leading byte changes: U+0300 for NFC, U+0080 for the other forms. */
static bool form_unchanged(int options, const char *text, size_t len)
{
    bool nfc = (options & UTF8PROC_COMPOSE) && !(options & UTF8PROC_COMPAT);
    uint8_t least = nfc ? 0xCC : 0x80;
    for (size_t i = 0; i < len; i++)
        if ((uint8_t)text[i] >= least)
            return false;
    return true;
}

static bool apply_form(int options, const char *text, size_t len, struct mica_buf *out)
{
    utf8proc_uint8_t *result = NULL;
    if (form_unchanged(options, text, len))
        return mica_buf_append(out, text, len);
    utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)len, &result,
                                      (utf8proc_option_t)options);
    if (n < 0)
        return n != UTF8PROC_ERROR_NOMEM && mica_buf_append(out, text, len);
    mica_buf_append(out, result, (size_t)n);
    free(result); /* utf8proc's own allocation */
    return !out->failed;
}

static void put_char(struct mica_buf *out, uint32_t c)
{
    char utf8[4];
    mica_buf_append(out, utf8, (size_t)tok_utf8_put(c, utf8));
}

static void put_lower(struct mica_buf *out, uint32_t c)
{
    if (c == 0x130) /* the only character whose full lower case is two characters */
        mica_buf_puts(out, "i\xCC\x87");
    else
        put_char(out, (uint32_t)utf8proc_tolower((utf8proc_int32_t)c));
}

static bool is_chinese(uint32_t c)
{
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
           (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) ||
           (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

static bool is_removed_by_bert(uint32_t c)
{
    if (c == '\t' || c == '\n' || c == '\r')
        return false;
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return c == 0xFFFD || category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF ||
           category == UTF8PROC_CATEGORY_CO;
}

static bool bert_clean(int options, const char *text, size_t len, struct mica_buf *out)
{
    int n;
    for (size_t i = 0; i < len; i += (size_t)n) {
        uint32_t c = tok_utf8_get(text + i, &n);
        if (options & TOK_BERT_CLEAN) {
            if (is_removed_by_bert(c))
                continue;
            c = tok_is_space(c) ? ' ' : c;
        }
        bool alone = (options & TOK_BERT_CHINESE) && is_chinese(c);
        if (alone)
            put_char(out, ' ');
        put_char(out, c);
        if (alone)
            put_char(out, ' ');
    }
    return !out->failed;
}

bool tok_bert_apply(int options, const char *text, size_t len, struct mica_buf *out)
{
    struct mica_buf clean = {0}, apart = {0};
    bool ok = bert_clean(options, text, len, &clean);
    text = clean.data;
    len = clean.len;
    if (ok && (options & TOK_BERT_STRIP_ACCENTS)) {
        ok = apply_form(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE, text, len, &apart);
        text = apart.data;
        len = apart.len;
    }
    int n;
    for (size_t i = 0; ok && i < len; i += (size_t)n) {
        uint32_t c = tok_utf8_get(text + i, &n);
        if ((options & TOK_BERT_STRIP_ACCENTS) &&
            utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_MN)
            continue;
        if (options & TOK_BERT_LOWERCASE)
            put_lower(out, c);
        else
            put_char(out, c);
    }
    mica_buf_release(&clean);
    mica_buf_release(&apart);
    return ok && !out->failed;
}

static bool is_mark(uint32_t c)
{
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME;
}

static bool in_nmt_removed(uint32_t c)
{
    return (c >= 1 && c <= 8) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F;
}

static bool in_nmt_space(uint32_t c)
{
    return c == 9 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
           c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
}

/* Normalizers that look at one character at a time. */
static bool apply_chars(const struct tok_step *step, const char *text, size_t len, struct mica_buf *out)
{
    int n;
    for (size_t i = 0; i < len; i += (size_t)n) {
        uint32_t c = tok_utf8_get(text + i, &n);
        if (step->kind == TOK_NORM_LOWERCASE)
            put_lower(out, c);
        else if (step->kind == TOK_NORM_BYTES)
            for (int b = 0; b < n; b++)
                put_char(out, tok_byte_to_char((uint8_t)text[i + (size_t)b]));
        else if (step->kind == TOK_NORM_STRIP_ACCENTS ? !is_mark(c) : !in_nmt_removed(c))
            put_char(out, step->kind == TOK_NORM_NMT && in_nmt_space(c) ? ' ' : c);
    }
    return !out->failed;
}

static bool apply_replace(const struct tok_step *step, struct tok_matcher *matcher, const char *text,
                          size_t len, struct mica_buf *out)
{
    size_t done = 0, from = 0, begin = 0, end = 0;
    while (from <= len) {
        if (step->regex) {
            if (!tok_regex_find(step->regex, matcher, text, len, from, &begin, &end))
                break;
        } else {
            const char *at = step->pattern_len && from < len
                                 ? memmem(text + from, len - from, step->pattern, step->pattern_len)
                                 : NULL;
            if (!at)
                break;
            begin = (size_t)(at - text);
            end = begin + step->pattern_len;
        }
        mica_buf_append(out, text + done, begin - done);
        mica_buf_append(out, step->content, step->content_len);
        done = from = end;
        if (end == begin) {
            if (end >= len)
                break;
            from += (size_t)tok_utf8_len(text + end, len - end);
        }
    }
    return mica_buf_append(out, text + done, len - done);
}

static bool apply_strip(int sides, const char *text, size_t len, struct mica_buf *out)
{
    int n;
    size_t begin = 0, end = len;
    while ((sides & 1) && begin < len && tok_is_space(tok_utf8_get(text + begin, &n)))
        begin += (size_t)n;
    while ((sides & 2) && end > begin) {
        size_t at = end - 1;
        while (at > begin && ((uint8_t)text[at] & 0xC0) == 0x80)
            at--;
        if (!tok_is_space(tok_utf8_get(text + at, &n)))
            break;
        end = at;
    }
    return mica_buf_append(out, text + begin, end - begin);
}

static bool apply(struct tok_scratch *scratch, const struct tok_step *step, const char *text, size_t len,
                  struct mica_buf *out)
{
    switch (step->kind) {
    case TOK_NORM_FORM:
        return apply_form(step->option, text, len, out);
    case TOK_NORM_BERT:
        return tok_bert_apply(step->option, text, len, out);
    case TOK_NORM_PREPEND:
        return !len ||
               (mica_buf_append(out, step->content, step->content_len) && mica_buf_append(out, text, len));
    case TOK_NORM_REPLACE:
        return apply_replace(step, scratch->matcher, text, len, out);
    case TOK_NORM_STRIP:
        return apply_strip(step->option, text, len, out);
    case TOK_NORM_CHARSMAP:
        return tok_charsmap_apply(&scratch->tok->charsmap, text, len, out);
    case TOK_NORM_SPACES:
        return tok_spaces_apply(step, text, len, out);
    default:
        return apply_chars(step, text, len, out);
    }
}

bool tok_normalize(struct tok_scratch *scratch, const char **text, size_t *len)
{
    const struct tok_steps *steps = &scratch->tok->normalizers;
    for (int i = 0, turn = 0; i < steps->n; i++) {
        const struct tok_step *step = &steps->at[i];
        if (step->kind == TOK_NORM_FORM && form_unchanged(step->option, *text, *len))
            continue;
        struct mica_buf *out = &scratch->norm[turn];
        out->len = 0;
        if (!apply(scratch, step, *text, *len, out) || !mica_buf_append(out, "", 0))
            return false;
        *text = out->data ? out->data : "";
        *len = out->len;
        turn ^= 1;
    }
    return true;
}
