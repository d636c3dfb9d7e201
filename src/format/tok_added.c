/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Added tokens: texts that become one id before anything else looks at them; the leftmost, longest match. */
#include "format/tok_internal.h"

#include <string.h>

bool tok_added_add(struct mica_tokenizer *tok, struct tok_added_token token, bool normalized)
{
    struct tok_added *added = &tok->added;
    struct mica_str text = tok->vocab.tokens[token.id];
    if (!text.data || !text.len)
        return true;
    if (!mica_grow(&added->tokens, added->n, &added->capacity, sizeof *added->tokens) ||
        added->n >= INT32_MAX)
        return false;
    added->tokens[added->n] = token;
    if (!normalized)
        return tok_trie_add(&added->raw, text.data, text.len, (int32_t)added->n++);
    /* It is looked for in normalised text, so it is normalised itself. */
    struct tok_scratch scratch = {.tok = tok, .matcher = tok_matcher_new()};
    bool ok = scratch.matcher && tok_normalize(&scratch, &text.data, &text.len) &&
              tok_trie_add(&added->normalized, text.data, text.len, (int32_t)added->n++);
    tok_scratch_release(&scratch);
    return ok;
}

/* The longest token at text; NULL = none. */
static const struct tok_added_token *match_at(const struct tok_scratch *scratch, const struct tok_trie *trie,
                                              const char *text, size_t len, size_t *len_out)
{
    const struct tok_added_token *best = NULL;
    uint32_t node = 0;
    for (size_t i = 0; i < len; i++) {
        node = tok_trie_step(trie, node, (uint8_t)text[i]);
        if (!node)
            break;
        int32_t value = trie->values[node];
        if (value < 0)
            continue;
        const struct tok_added_token *token = &scratch->tok->added.tokens[value];
        if (token->special && !scratch->parse_special)
            continue;
        best = token;
        *len_out = i + 1;
    }
    return best;
}

static bool special_at(const struct mica_tokenizer *tok, const struct tok_trie *trie, const char *text,
                       size_t len)
{
    uint32_t node = 0;
    for (size_t i = 0; i < len && trie->n_nodes; i++) {
        node = tok_trie_step(trie, node, (uint8_t)text[i]);
        if (!node)
            return false;
        if (trie->values[node] >= 0 && tok->added.tokens[trie->values[node]].special)
            return true;
    }
    return false;
}

bool tok_added_special_at(const struct mica_tokenizer *tok, const char *text, size_t len)
{
    return special_at(tok, &tok->added.raw, text, len) || special_at(tok, &tok->added.normalized, text, len);
}

/* Start of the last character before end; end when the bytes there are no valid character. */
static size_t char_before(const char *text, size_t end)
{
    for (size_t n = 1; n <= 4 && n <= end; n++)
        if (((uint8_t)text[end - n] & 0xC0) != 0x80)
            return (size_t)tok_utf8_len(text + end - n, n) == n ? end - n : end;
    return end;
}

static bool word_before(const char *text, size_t end)
{
    size_t begin = char_before(text, end);
    int n;
    return begin < end && tok_is_word(tok_utf8_get(text + begin, &n));
}

static bool word_after(const char *text, size_t len)
{
    int n;
    return len && tok_utf8_len(text, len) && tok_is_word(tok_utf8_get(text, &n));
}

static size_t spaces_before(const char *text, size_t end)
{
    for (;;) {
        size_t begin = char_before(text, end);
        int n;
        if (begin >= end || !tok_is_space(tok_utf8_get(text + begin, &n)))
            return end;
        end = begin;
    }
}

static size_t spaces_after(const char *text, size_t len)
{
    size_t i = 0;
    while (i < len) {
        int n = tok_utf8_len(text + i, len - i);
        if (!n || !tok_is_space(tok_utf8_get(text + i, &n)))
            break;
        i += (size_t)n;
    }
    return i;
}

bool tok_added_split(struct tok_scratch *scratch, const struct tok_trie *trie, const char *text, size_t len,
                     bool at_start, tok_rest *rest)
{
    size_t done = 0, i = 0;
    while (trie->n_nodes && i < len) {
        size_t n_match = 0;
        const struct tok_added_token *token =
            trie->starts[(uint8_t)text[i]] ? match_at(scratch, trie, text + i, len - i, &n_match) : NULL;
        if (!token) {
            i++;
            continue;
        }
        size_t begin = i, end = i + n_match;
        i = end;
        if (token->single_word && (word_before(text, begin) || word_after(text + end, len - end)))
            continue;
        if (token->lstrip)
            begin = spaces_before(text, begin) > done ? spaces_before(text, begin) : done;
        if (token->rstrip)
            end += spaces_after(text + end, len - end);
        if (begin > done && !rest(scratch, text + done, begin - done, at_start && !done))
            return false;
        if (!mica_ids_push(scratch->out, token->id))
            return false;
        done = end;
        i = end > i ? end : i;
    }
    return done >= len || rest(scratch, text + done, len - done, at_start && !done);
}
