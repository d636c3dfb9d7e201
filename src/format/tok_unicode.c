/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 and character classes. Classes, cases and forms are those of utf8proc's and PCRE2's tables (Unicode
 * 14 in Debian 12) everywhere. The tokenizers package splits by patterns with the same classes, but
 * normalises by tables of Unicode 10 and cleans for BERT by tables of Unicode 8: characters assigned in
 * between differ there. */
#include "format/tok_internal.h"

#include <string.h>
#include <utf8proc.h>

/* Allowed range of the second byte after a leading byte, and the sequence's length (Unicode, table 3-7). */
static int lead(uint8_t b, uint8_t *low, uint8_t *high)
{
    *low = 0x80;
    *high = 0xBF;
    if (b < 0x80)
        return 1;
    if (b >= 0xC2 && b <= 0xDF)
        return 2;
    if (b >= 0xE0 && b <= 0xEF) {
        if (b == 0xE0)
            *low = 0xA0;
        if (b == 0xED)
            *high = 0x9F;
        return 3;
    }
    if (b >= 0xF0 && b <= 0xF4) {
        if (b == 0xF0)
            *low = 0x90;
        if (b == 0xF4)
            *high = 0x8F;
        return 4;
    }
    return 0;
}

int tok_utf8_len(const char *p, size_t len)
{
    uint8_t low, high;
    int n = lead((uint8_t)p[0], &low, &high);
    if (n <= 1)
        return n;
    if (len < (size_t)n || (uint8_t)p[1] < low || (uint8_t)p[1] > high)
        return 0;
    for (int i = 2; i < n; i++)
        if (((uint8_t)p[i] & 0xC0) != 0x80)
            return 0;
    return n;
}

uint32_t tok_utf8_get(const char *p, int *len_out)
{
    const uint8_t *b = (const uint8_t *)p;
    if (b[0] < 0x80) {
        *len_out = 1;
        return b[0];
    }
    if (b[0] < 0xE0) {
        *len_out = 2;
        return (b[0] & 0x1Fu) << 6 | (b[1] & 0x3Fu);
    }
    if (b[0] < 0xF0) {
        *len_out = 3;
        return (b[0] & 0x0Fu) << 12 | (b[1] & 0x3Fu) << 6 | (b[2] & 0x3Fu);
    }
    *len_out = 4;
    return (b[0] & 0x07u) << 18 | (b[1] & 0x3Fu) << 12 | (b[2] & 0x3Fu) << 6 | (b[3] & 0x3Fu);
}

int tok_utf8_put(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

size_t tok_utf8_valid_prefix(const char *p, size_t len)
{
    size_t i = 0;
    while (i < len) {
        uint64_t word;
        if (i + 8 <= len) {
            memcpy(&word, p + i, 8);
            if (!(word & 0x8080808080808080u)) {
                i += 8;
                continue;
            }
        }
        int n = tok_utf8_len(p + i, len - i);
        if (!n)
            break;
        i += (size_t)n;
    }
    return i;
}

int tok_utf8_bad_len(const char *p, size_t len, bool *incomplete)
{
    uint8_t low, high;
    int n = lead((uint8_t)p[0], &low, &high), good = 1;
    *incomplete = false;
    if (n < 2)
        return 1;
    while (good < n && (size_t)good < len) {
        uint8_t b = (uint8_t)p[good];
        if (b < low || b > high)
            return good;
        low = 0x80;
        high = 0xBF;
        good++;
    }
    *incomplete = good < n;
    return good;
}

bool tok_is_space(uint32_t c)
{
    if (c < 0x80)
        return c == ' ' || (c >= '\t' && c <= '\r');
    return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
           c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool tok_is_punctuation(uint32_t c)
{
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

bool tok_is_number(uint32_t c)
{
    if (c < 0x80)
        return c >= '0' && c <= '9';
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
}

bool tok_is_word(uint32_t c)
{
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    if (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NL)
        return true;
    if (category == UTF8PROC_CATEGORY_PC || c == 0x200C || c == 0x200D)
        return true;
    /* Other_Alphabetic outside L, M and Nl: circled letters. */
    return (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) || (c >= 0x1F150 && c <= 0x1F169) ||
           (c >= 0x1F170 && c <= 0x1F189);
}

/* Printable Latin-1 stands for itself; the other 68 bytes are U+0100… in order. */
static bool prints_itself(uint8_t b)
{
    return (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b != 0xAD);
}

uint32_t tok_byte_to_char(uint8_t b)
{
    if (prints_itself(b))
        return b;
    if (b <= 0x20)
        return 0x100u + b;
    if (b <= 0xA0)
        return 0x121u + (b - 0x7Fu);
    return 0x143; /* 0xAD */
}

int tok_char_to_byte(uint32_t c)
{
    if (c < 0x100)
        return prints_itself((uint8_t)c) ? (int)c : -1;
    if (c <= 0x120)
        return (int)(c - 0x100);
    if (c <= 0x142)
        return (int)(c - 0x121 + 0x7F);
    return c == 0x143 ? 0xAD : -1;
}
