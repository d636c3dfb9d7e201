/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* WordPiece: the longest token first, from the left; a word that cannot be written so is unknown. And
 * WordLevel: a word is a token or unknown. */
#include "format/tok_internal.h"

#include <string.h>

static size_t count_chars(const char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += ((uint8_t)text[i] & 0xC0) != 0x80;
    return n;
}

static bool encode_wordlevel(struct tok_scratch *scratch, const char *text, size_t len)
{
    int32_t id = tok_vocab_find(&scratch->tok->vocab, text, len);
    id = id < 0 ? scratch->tok->unk : id;
    return id < 0 || mica_ids_push(scratch->out, id);
}

/* The longest token that text starts with (after prefix), its length in text in *len_out; -1: none. */
static int32_t longest_token(const struct mica_tokenizer *tok, struct mica_str prefix, const char *text,
                             size_t len, size_t *len_out)
{
    size_t end = tok->vocab.max_len > prefix.len ? tok->vocab.max_len - prefix.len : 0;
    end = end < len ? end : len;
    while (end > 0) {
        if (end == len || ((uint8_t)text[end] & 0xC0) != 0x80) {
            int32_t id = prefix.len ? tok_vocab_find_pair(&tok->vocab, prefix, (struct mica_str){text, end})
                                    : tok_vocab_find(&tok->vocab, text, end);
            if (id >= 0) {
                *len_out = end;
                return id;
            }
        }
        end--;
    }
    return -1;
}

static bool encode_wordpiece(struct tok_scratch *scratch, const char *text, size_t len)
{
    const struct mica_tokenizer *tok = scratch->tok;
    struct mica_ids *out = scratch->out;
    int64_t n_before = out->n;
    bool known = !tok->max_word_chars || count_chars(text, len) <= tok->max_word_chars;
    for (size_t i = 0, n; known && i < len; i += n) {
        int32_t id =
            longest_token(tok, i ? tok->continuing_prefix : tok->initial_prefix, text + i, len - i, &n);
        if (id < 0)
            known = false;
        else if (!mica_ids_push(out, id))
            return false;
        if (!known)
            break;
    }
    if (known)
        return true;
    out->n = n_before;
    return tok->unk < 0 || mica_ids_push(out, tok->unk);
}

const struct tok_model tok_model_wordpiece = {"WordPiece", encode_wordpiece};
const struct tok_model tok_model_wordlevel = {"WordLevel", encode_wordlevel};
