/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/licence_lines.h"

#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

/* STATEMENT words at most, years not counted, and SMALL unknown ones in small letters: names are written with
 * capitals, clauses in languages that we do not know are not. A word that COMMON licences use is no part of
 * an address either. */
enum { STATEMENT = 28, SMALL = 4, CORE = 96, COMMON = 20 };
enum role { NO, YEAR, NAME, LINK, SIGN, GENERIC };

static const char *const title_words[] = {"the",  "license", "version",    "v",        "full",   "text",
                                          "open", "source",  "identifier", "software", "public", "spdx"};

static bool is_letter(char c)
{
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What a character looks like: accents off, a digit among letters as the letter it stands in for. 0 when it
 * is none that a name may have. */
static utf8proc_int32_t look_of(utf8proc_int32_t point, bool has_letter)
{
    static const char letters[] = "oizeasbtbg";
    if (point >= 128 && (point < 0xc0 || point > 0x24f || point == 0xd7 || point == 0xf7))
        return 0;
    utf8proc_int32_t parts[8];
    if (point >= 128 && utf8proc_decompose_char(point, parts, 8, UTF8PROC_DECOMPOSE, NULL) > 0)
        point = parts[0];
    if (has_letter && point >= '0' && point <= '9')
        return letters[point - '0'];
    return point < 32 || point == 127 ? 0 : point;
}

/* What a word looks like at a glance. false when it holds a character that is no Latin letter, digit or
 * apostrophe. */
static bool look(const char *key, size_t len, char out[CORE])
{
    size_t n = 0;
    bool has_letter = false;
    for (size_t i = 0; i < len; i++)
        has_letter = has_letter || ((uint8_t)key[i] >= 'A');
    for (size_t i = 0; i < len && n + 1 < CORE;) {
        utf8proc_int32_t point;
        utf8proc_ssize_t size =
            utf8proc_iterate((const utf8proc_uint8_t *)key + i, (utf8proc_ssize_t)(len - i), &point);
        point = size > 0 ? look_of(point, has_letter) : 0;
        if (!point)
            return false;
        if (point < 128)
            out[n++] = (char)point;
        i += (size_t)size;
    }
    out[n] = 0;
    return n > 0 && len < CORE;
}

static bool is_year(const char *key, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_digit(key[i]) && !(i == 3 && len == 4 && key[i] == 'x'))
            return false;
    return len == 2 || (len == 4 && (memcmp(key, "19", 2) == 0 || memcmp(key, "20", 2) == 0));
}

/* Is the word part of something like a@b.org or http://b.org, without a space in it? */
static bool in_address(const struct mica_licence_words *words, const struct mica_licence_word *w)
{
    const char *from = words->text + w->from, *to = words->text + w->to;
    const char *begin = words->text, *end = words->text + words->words[words->n - 1].to;
    /* Most words stand between spaces: those are none. */
    if (!(from > begin && strchr("@/.:_-+", from[-1])) && !(to + 1 < end && strchr("@/.:_-+", *to)))
        return false;
    for (int i = 0; i < 64 && from > begin && !strchr(" \t\r\n", from[-1]); i++)
        from--;
    for (int i = 0; i < 64 && to < end && *to && !strchr(" \t\r\n", *to); i++)
        to++;
    for (const char *at = from; at < to; at++)
        if (*at == '@' || (to - at > 3 && (strncmp(at, "://", 3) == 0 || strncasecmp(at, "www.", 4) == 0)))
            return true;
    return false;
}

/* In how many reference texts is the word in small letters? */
static int32_t spread(const struct mica_licence_index *index, const char *key, size_t len)
{
    int32_t id = mica_licence_word_id(index, key, len);
    return id >= 0 && id < index->n_spread ? index->spread[id] : 0;
}

static bool is_known(const struct mica_licence_index *index, const char *key, size_t len)
{
    return spread(index, key, len) > 0;
}

static bool is_common(const struct mica_licence_index *index, const char *key, size_t len)
{
    return spread(index, key, len) >= COMMON;
}

/* Given names that are verbs of licences, too: names only directly behind the sign or a year, before a word
 * that no licence has, and at the head of an address. */
static bool is_ambiguous(const struct mica_licence_words *words, int64_t i)
{
    static const char *const names[] = {"will", "may", "grant", "rich", "chase"};
    for (size_t k = 0; k < MICA_COUNT(names); k++)
        if (mica_word_is(words, i, names[k]))
            return true;
    return false;
}

/* Is the word a mailbox that is called after what it is for? */
static bool is_mailbox(const struct mica_licence_words *words, int64_t i)
{
    static const char *const names[] = {"contact", "info", "support", "legal", "admin", "mail"};
    for (size_t k = 0; k < MICA_COUNT(names); k++)
        if (mica_word_is(words, i, names[k]))
            return true;
    return false;
}

static bool holds_stem(const char *core)
{
    static const char *const stems[] = {
#define NAME(word)
#define LINK(word)
#define GENERIC(word)
#define REFUSED(word)
#define STEM(word) word,
#include "govern/licence_names.def"
#undef NAME
#undef LINK
#undef GENERIC
#undef REFUSED
#undef STEM
    };
    for (size_t i = 0; i < MICA_COUNT(stems); i++)
        if (strstr(core, stems[i]))
            return true;
    return false;
}

/* A name is made of words that no licence has in its running text; an address, of none that many have. */
static bool is_name(const struct mica_licence_index *index, const char *key, size_t len, bool address)
{
    return address ? len <= 2 || !is_common(index, key, len) : !is_known(index, key, len);
}

/* A number with a unit is no name ("700m"), a name with a number is one ("X11"). */
static bool may_be_name(const struct mica_licence_index *index, const struct mica_licence_words *words,
                        const struct mica_licence_word *w, const char *core)
{
    bool is_number = is_digit(mica_word_key(words, w - words->words)[0]) && !in_address(words, w);
    return !is_number && mica_strmap_get(&index->names, core, strlen(core), 0) != 4 && !holds_stem(core);
}

/* before: the role of the word before. */
static enum role role_of(const struct mica_licence_index *index, const struct mica_licence_words *words,
                         int64_t i, enum role before)
{
    static const enum role listed_roles[] = {NO, NAME, LINK, GENERIC, NO};
    const struct mica_licence_word *w = &words->words[i];
    const char *key = mica_word_key(words, i);
    char core[CORE];
    if (mica_word_is(words, i, "copyright") && !(w->flags & MICA_WORD_BRACKET))
        return SIGN;
    int32_t listed = mica_strmap_get(&index->names, key, w->key_len, 0);
    if (listed)
        return listed_roles[listed];
    if (is_year(key, w->key_len))
        return w->key_len == 4 || before == YEAR || before == SIGN ? YEAR : NO;
    if (!look(key, w->key_len, core) || !may_be_name(index, words, w, core))
        return NO;
    /* "döt" looks like "dot", which a name may hold. */
    if (mica_strmap_get(&index->names, core, strlen(core), 0) == 1)
        return NAME;
    bool address = in_address(words, w), head = address && i + 1 < words->n && words->text[w->to] == '@';
    if (head && (is_ambiguous(words, i) || is_mailbox(words, i)))
        return NAME;
    return is_name(index, key, w->key_len, address) && is_name(index, core, strlen(core), address) ? NAME
                                                                                                   : NO;
}

static bool is_given_name(const struct mica_licence_words *words, const uint8_t *roles, int64_t i)
{
    return is_ambiguous(words, i) && words->words[i].flags & MICA_WORD_CAPITAL && i > 0 && i + 1 < words->n &&
           (roles[i - 1] == SIGN || roles[i - 1] == YEAR) && roles[i + 1] == NAME &&
           words->words[i + 1].flags & MICA_WORD_CAPITAL && words->words[i + 1].id < 0;
}

static bool is_reserved(const struct mica_licence_words *words, int64_t i)
{
    return i + 2 < words->n && mica_word_is(words, i, "all") && mica_word_is(words, i + 1, "rights") &&
           mica_word_is(words, i + 2, "reserved");
}

static bool is_one_of(const struct mica_licence_words *words, int64_t i, const char *const *list, size_t n)
{
    for (size_t k = 0; k < n; k++)
        if (mica_word_is(words, i, list[k]))
            return true;
    return false;
}

/* Where a statement may begin: at "copyright", or at "portions (of this code) copyright", "modifications by"
 * and the like. */
static int64_t statement_sign(const struct mica_licence_words *words, const uint8_t *roles, int64_t i)
{
    static const char *const first[] = {"portions",      "parts", "original",
                                        "modifications", "port",  "typescript"};
    static const char *const behind[] = {"of",  "this",    "code", "the",  "software",
                                         "are", "version", "to",   "port", "typescript"};
    if (roles[i] == SIGN)
        return i;
    if (!is_one_of(words, i, first, MICA_COUNT(first)))
        return -1;
    for (int64_t k = i + 1; k < words->n && k < i + 5; k++) {
        if (roles[k] == SIGN)
            return k;
        if (!is_one_of(words, k, behind, MICA_COUNT(behind)))
            return -1;
    }
    return -1;
}

/* The end of a phrase that says where the holders are listed, or is part of the name of an institute; i when
 * there is none. */
static int64_t phrase_end(const struct mica_licence_words *words, int64_t i)
{
    static const char *const phrases[][6] = {{"listed", "in", "authors"},
                                             {"listed", "in", "the", "authors", "file"},
                                             {"as", "shown", "by", "the", "authors", "file"},
                                             {"for", "ai"},
                                             {"for", "artificial", "intelligence"},
                                             {"für", "künstliche", "intelligenz"}};
    for (size_t p = 0; p < MICA_COUNT(phrases); p++) {
        int64_t n = 0;
        while (n < 6 && phrases[p][n] && i + n < words->n && mica_word_is(words, i + n, phrases[p][n]))
            n++;
        if (n == 6 || !phrases[p][n])
            return i + n;
    }
    return i;
}

static bool names_holder(uint8_t role, const struct mica_licence_word *w)
{
    return role == NAME && (w->id < 0 || w->flags & MICA_WORD_CAPITAL);
}

static bool is_small_unknown(const struct mica_licence_words *words, const struct mica_licence_word *w)
{
    return w->id < 0 && !(w->flags & MICA_WORD_CAPITAL) && !in_address(words, w);
}

/* The end of the statement that begins at word i; i when there is none. */
static int64_t statement_end(const struct mica_licence_words *words, const uint8_t *roles, int64_t i)
{
    int64_t sign = statement_sign(words, roles, i), at = sign + 1, n = 0, n_small = 0;
    if (sign < 0)
        return i;
    bool dated = words->words[sign].flags & MICA_WORD_SIGN, named = false;
    for (; at < words->n && n < STATEMENT; at++) {
        const struct mica_licence_word *w = &words->words[at];
        if (w->flags & MICA_WORD_PARAGRAPH)
            break;
        int64_t behind = is_reserved(words, at) ? at + 3 : phrase_end(words, at);
        if (behind > at) {
            at = behind - 1;
            continue;
        }
        if (roles[at] == NO && !is_given_name(words, roles, at))
            break;
        n_small += roles[at] == NAME && is_small_unknown(words, w);
        if (n_small > SMALL)
            break;
        dated = dated || roles[at] == YEAR || w->flags & MICA_WORD_BRACKET;
        named = named || names_holder(roles[at], w);
        n = roles[at] == SIGN ? 0 : n + (roles[at] != YEAR);
    }
    if (at < words->n && is_reserved(words, at))
        at += 3;
    return dated || named ? at : i;
}

/* Cuts a statement of a reference to whole lines. */
static int64_t whole_lines(const struct mica_licence_words *words, int64_t begin, int64_t end)
{
    while (end > begin && end < words->n && !(words->words[end].flags & MICA_WORD_FIRST))
        end--;
    return end;
}

void mica_licence_mark(const struct mica_licence_index *index, struct mica_licence_words *words,
                       bool reference)
{
    /* The roles are needed only while the statements are found; flags hold what lasts. */
    uint8_t *roles = mica_alloc((size_t)words->n, 1);
    if (!roles) {
        words->norm.failed = true;
        return;
    }
    for (int64_t i = 0; i < words->n; i++) {
        roles[i] = (uint8_t)role_of(index, words, i, i ? roles[i - 1] : NO);
        if (roles[i] == NAME || roles[i] == SIGN || roles[i] == GENERIC)
            words->words[i].flags |= roles[i] == NAME ? MICA_WORD_NAME | MICA_WORD_PROPER : MICA_WORD_NAME;
        else if (roles[i] != NO)
            words->words[i].flags |= roles[i] == YEAR ? MICA_WORD_LINK | MICA_WORD_YEAR : MICA_WORD_LINK;
    }
    for (int64_t i = 0; i < words->n;) {
        int64_t end = statement_end(words, roles, i);
        if (end > i && reference)
            end = words->words[i].flags & MICA_WORD_FIRST ? whole_lines(words, i, end) : i;
        for (int64_t k = i; k < end; k++)
            words->words[k].flags |= MICA_WORD_COPYRIGHT;
        i = end > i ? end : i + 1;
    }
    /* "All rights reserved." may stand in a paragraph of its own behind a statement. */
    for (int64_t i = 1; i < words->n; i++)
        if (words->words[i - 1].flags & MICA_WORD_COPYRIGHT && is_reserved(words, i))
            for (int64_t k = i; k < i + 3; k++)
                words->words[k].flags |= MICA_WORD_COPYRIGHT;
    mica_free(roles);
}

/* "v1.0", "1.0" and "1" name the same version. */
static size_t version_core(const char *key, size_t len, const char **core)
{
    *core = key;
    if (len > 1 && key[0] == 'v' && key[1] >= '0' && key[1] <= '9')
        ++*core, --len;
    if (len > 2 && memcmp(*core + len - 2, ".0", 2) == 0)
        len -= 2;
    return len;
}

/* The length of the run of letters and digits, with points between digits, at the start of at. */
static size_t run_length(const char *at)
{
    size_t n = 0;
    while (is_letter(at[n]) || is_digit(at[n]) || (n && at[n] == '.' && is_digit(at[n + 1])))
        n++;
    return n;
}

/* Is key a word of name, or two of them written as one ("Non Commercial")? */
static bool name_holds(const char *name, const char *key, size_t len)
{
    const char *core;
    size_t core_len = version_core(key, len, &core);
    for (const char *at = name; *at;) {
        const char *other;
        size_t n = run_length(at), other_len = version_core(at, n, &other), m = 0;
        if (n && other_len == core_len && strncasecmp(other, core, core_len) == 0)
            return true;
        while (n && at[n] && is_letter(at[n + 1 + m]))
            m++;
        if (m && len == n + m && strncasecmp(at, key, n) == 0 && strncasecmp(at + n + 1, key + n, m) == 0)
            return true;
        at += n ? n : 1;
    }
    return false;
}

/* Is key how name begins? */
static bool begins(const char *name, const char *key, size_t len)
{
    return strncasecmp(name, key, len) == 0 && !is_letter(name[len]);
}

bool mica_licence_is_title(const struct mica_licence_text *text, const struct mica_licence_words *words,
                           int64_t i)
{
    const char *key = mica_word_key(words, i);
    size_t len = words->words[i].key_len;
    for (size_t t = 0; t < MICA_COUNT(title_words); t++)
        if (mica_word_is(words, i, title_words[t]))
            return true;
    return name_holds(text->name, key, len) || name_holds(text->id, key, len);
}

/* Words of names that restrict: a title says such a thing once. */
static bool is_restriction(const struct mica_licence_words *words, int64_t i)
{
    static const char *const restrictions[] = {"noncommercial", "no",      "non",     "not",
                                               "only",          "without", "nuclear", "military"};
    for (size_t k = 0; k < MICA_COUNT(restrictions); k++)
        if (mica_word_is(words, i, restrictions[k]))
            return true;
    return false;
}

int64_t mica_licence_title_end(const struct mica_licence_text *text, const struct mica_licence_words *words,
                               int64_t i)
{
    bool anchored = false;
    int64_t end = i;
    int restrictions = 0;
    for (; end < words->n && words->words[end].line == words->words[i].line; end++) {
        const char *key = mica_word_key(words, end);
        size_t len = words->words[end].key_len;
        if (!mica_licence_is_title(text, words, end) || (is_restriction(words, end) && restrictions++))
            return i;
        anchored = anchored || mica_word_is(words, end, "license") || is_digit(key[len - 1]) ||
                   begins(text->name, key, len) || begins(text->id, key, len);
    }
    return anchored ? end : i;
}
