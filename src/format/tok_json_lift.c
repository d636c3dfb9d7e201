/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* A tokenizer.json is a few kilobytes of settings around a vocabulary and merges of up to 30 MB, for which a
 * tree of JSON values costs ten times their size and most of the loading time. So the two are taken out of
 * the text here, and what is left goes to the JSON library. Whatever is not written as expected stays in the
 * text: the library then finds what is wrong with it. */
#include "format/tok_json.h"

#include <string.h>

struct reader {
    const char *at, *end;
    char *blob, *blob_end; /* unescaped strings; as large as the text */
};

static void skip_space(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r'))
        r->at++;
}

/* Skips spaces, then c; false when something else is there. */
static bool take(struct reader *r, char c)
{
    skip_space(r);
    if (r->at >= r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

static int32_t read_hex4(const char *at, const char *end)
{
    int32_t value = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9'                 ? c - '0'
                    : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                         : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* The escape behind a backslash; false when it is none. */
static bool read_escape(struct reader *r)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (r->at >= r->end)
        return false;
    char c = *r->at++;
    const char *letter = c ? strchr(letters, c) : NULL;
    if (letter) {
        *r->blob_end++ = meanings[letter - letters];
        return true;
    }
    int32_t high = c == 'u' ? read_hex4(r->at, r->end) : -1;
    if (high < 0)
        return false;
    r->at += 4;
    if (high >= 0xD800 && high < 0xDC00) {
        int32_t low =
            r->end - r->at >= 6 && r->at[0] == '\\' && r->at[1] == 'u' ? read_hex4(r->at + 2, r->end) : -1;
        if (low < 0xDC00 || low > 0xDFFF)
            return false;
        r->at += 6;
        high = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    } else if (high >= 0xDC00 && high < 0xE000) {
        return false;
    }
    r->blob_end += tok_utf8_put((uint32_t)high, r->blob_end);
    return true;
}

/* The rest of a string behind its opening quote: in place when nothing is escaped, else in the blob. */
static bool read_string(struct reader *r, struct mica_str *out)
{
    const char *begin = r->at;
    while (r->at < r->end && *r->at != '"' && *r->at != '\\' && (uint8_t)*r->at >= 0x20)
        r->at++;
    if (r->at < r->end && *r->at == '"') {
        *out = (struct mica_str){begin, (size_t)(r->at++ - begin)};
        return true;
    }
    char *copy = r->blob_end;
    memcpy(copy, begin, (size_t)(r->at - begin));
    r->blob_end += r->at - begin;
    while (r->at < r->end) {
        char c = *r->at++;
        if (c == '"') {
            *out = (struct mica_str){copy, (size_t)(r->blob_end - copy)};
            return true;
        }
        if ((uint8_t)c < 0x20 || (c == '\\' && !read_escape(r)))
            return false;
        if (c != '\\')
            *r->blob_end++ = c;
    }
    return false;
}

static bool skip_string(struct reader *r)
{
    while (r->at < r->end && *r->at != '"')
        r->at += *r->at == '\\' ? 2 : 1;
    if (r->at >= r->end)
        return false;
    r->at++;
    return true;
}

/* Skips one value of any kind. Only its brackets and strings are looked at. */
static bool skip_value(struct reader *r)
{
    int64_t depth = 0;
    skip_space(r);
    while (r->at < r->end) {
        char c = *r->at;
        if (depth == 0 && (c == ',' || c == '}' || c == ']'))
            return true;
        r->at++;
        if (c == '"' && !skip_string(r))
            return false;
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
    }
    return false;
}

static bool read_id(struct reader *r, int64_t *out)
{
    int64_t id = 0;
    int n = 0;
    skip_space(r);
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9' && n < 10; n++)
        id = id * 10 + (*r->at++ - '0');
    *out = id;
    return n > 0 && n < 10;
}

/* {"text": id, …} */
static bool read_vocab(struct reader *r, struct tok_lifted *out)
{
    if (!take(r, '{'))
        return false;
    if (take(r, '}'))
        return true;
    do {
        struct tok_entry entry;
        if (!take(r, '"') || !read_string(r, &entry.text) || !take(r, ':') || !read_id(r, &entry.id) ||
            !mica_grow(&out->vocab, out->n_vocab, &out->vocab_capacity, sizeof *out->vocab))
            return false;
        out->vocab[out->n_vocab++] = entry;
    } while (take(r, ','));
    return take(r, '}');
}

/* ["a b", …] or [["a", "b"], …] */
static bool read_merges(struct reader *r, struct tok_lifted *out)
{
    if (!take(r, '['))
        return false;
    if (take(r, ']'))
        return true;
    do {
        struct tok_merge_pair pair;
        bool ok;
        if (take(r, '['))
            ok = take(r, '"') && read_string(r, &pair.left) && take(r, ',') && take(r, '"') &&
                 read_string(r, &pair.right) && take(r, ']');
        else
            ok = take(r, '"') && read_string(r, &pair.left) && tok_merge_split(pair.left, &pair);
        if (!ok || !pair.left.len || !pair.right.len ||
            !mica_grow(&out->merges, out->n_merges, &out->merges_capacity, sizeof *out->merges))
            return false;
        out->merges[out->n_merges++] = pair;
    } while (take(r, ','));
    return take(r, ']');
}

/* Moves behind the key of an object's member; false at the end of the object or at an error. */
static bool next_member(struct reader *r, bool first, struct mica_str *key)
{
    return take(r, first ? '{' : ',') && take(r, '"') && read_string(r, key) && take(r, ':');
}

static bool is(struct mica_str s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.data, text, s.len) == 0;
}

/* Moves to the value of key in the object at r. */
static bool enter(struct reader *r, const char *key)
{
    struct mica_str name;
    for (bool first = true; next_member(r, first, &name); first = false) {
        if (is(name, key)) {
            skip_space(r);
            return true;
        }
        if (!skip_value(r))
            return false;
    }
    return false;
}

/* Tries to take the value at r out; the reader then stands behind it, or where it was. */
static bool lift(struct reader *r, struct tok_lifted *out, bool vocab, const char **from, const char **to)
{
    struct reader tried = *r;
    skip_space(&tried);
    *from = tried.at;
    if (vocab ? !read_vocab(&tried, out) : !read_merges(&tried, out)) {
        if (vocab)
            out->n_vocab = 0;
        else
            out->n_merges = 0;
        return false;
    }
    *to = tried.at;
    *r = tried;
    return true;
}

bool tok_json_lift(const char *text, size_t len, struct tok_lifted *out)
{
    const char *from[2] = {text, text}, *to[2] = {text, text};
    int n_cuts = 0;
    out->blob = mica_alloc(len, 1);
    out->rest = mica_alloc(len, 1);
    if (!out->blob || !out->rest)
        return false;
    struct reader r = {text, text + len, out->blob, out->blob};
    struct mica_str key;
    /* Strings are taken as they are, so the text must be valid; the library reports it when it is not. */
    if (tok_utf8_valid_prefix(text, len) == len && enter(&r, "model"))
        for (bool first = true; n_cuts < 2 && next_member(&r, first, &key); first = false) {
            bool vocab = is(key, "vocab") && !out->has_vocab, merges = is(key, "merges") && !out->has_merges;
            if ((vocab || merges) && lift(&r, out, vocab, &from[n_cuts], &to[n_cuts])) {
                out->has_vocab = out->has_vocab || vocab;
                out->has_merges = out->has_merges || merges;
                n_cuts++;
            } else if (!skip_value(&r)) {
                break;
            }
        }
    const char *done = text;
    for (int i = 0; i < n_cuts; i++) {
        memcpy(out->rest + out->rest_len, done, (size_t)(from[i] - done));
        out->rest_len += (size_t)(from[i] - done);
        memcpy(out->rest + out->rest_len, *from[i] == '{' ? "{}" : "[]", 2);
        out->rest_len += 2;
        done = to[i];
    }
    memcpy(out->rest + out->rest_len, done, (size_t)(text + len - done));
    out->rest_len += (size_t)(text + len - done);
    return true;
}

void tok_lifted_release(struct tok_lifted *lifted)
{
    mica_free(lifted->vocab);
    mica_free(lifted->merges);
    mica_free(lifted->blob);
    mica_free(lifted->rest);
    *lifted = (struct tok_lifted){0};
}
