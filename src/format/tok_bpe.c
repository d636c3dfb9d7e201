/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Byte-pair encoding over ids: a hash table gives the rank and the result of merging two neighbours. */
#include "format/tok_internal.h"

#include <string.h>

static size_t slot_of(const struct tok_bpe *bpe, uint32_t left, uint32_t right)
{
    uint64_t h = ((uint64_t)left << 32 | right) * 0x9e3779b97f4a7c15u;
    return (size_t)(h >> 32) & bpe->mask;
}

bool tok_bpe_reserve(struct tok_bpe *bpe, int64_t n)
{
    size_t n_slots = 64;
    while (n_slots < (size_t)n * 2)
        n_slots *= 2;
    bpe->slots = mica_alloc(n_slots, sizeof *bpe->slots);
    bpe->mask = n_slots - 1;
    return bpe->slots != NULL;
}

/* Vocabularies list the results of merges in the order of merges: the token after the last result is almost
 * always the next one, and comparing it is cheaper than a look-up. */
static int32_t merged_id(const struct mica_tokenizer *tok, struct mica_str left, struct mica_str right,
                         int32_t guess)
{
    if (tok->bpe.prefix.len && right.len >= tok->bpe.prefix.len &&
        memcmp(right.data, tok->bpe.prefix.data, tok->bpe.prefix.len) == 0) {
        right.data += tok->bpe.prefix.len;
        right.len -= tok->bpe.prefix.len;
        guess = -1;
    }
    if (guess >= 0 && guess < tok->vocab.n) {
        struct mica_str token = tok->vocab.tokens[guess];
        if (token.len == left.len + right.len && memcmp(token.data, left.data, left.len) == 0 &&
            memcmp(token.data + left.len, right.data, right.len) == 0)
            return guess;
    }
    return tok_vocab_find_pair(&tok->vocab, left, right);
}

void tok_bpe_add_merge(struct mica_tokenizer *tok, struct mica_str left, struct mica_str right, int32_t rank,
                       int32_t *guess)
{
    struct tok_bpe *bpe = &tok->bpe;
    int32_t a = tok_vocab_find(&tok->vocab, left.data, left.len);
    int32_t b = tok_vocab_find(&tok->vocab, right.data, right.len);
    int32_t id = merged_id(tok, left, right, *guess);
    if (id >= 0)
        *guess = id + 1;
    if (a < 0 || b < 0 || id < 0 || (bpe->n_used + 1) * 4 > (bpe->mask + 1) * 3)
        return;
    size_t i = slot_of(bpe, (uint32_t)a, (uint32_t)b);
    for (; bpe->slots[i].rank1; i = (i + 1) & bpe->mask)
        if (bpe->slots[i].left == (uint32_t)a && bpe->slots[i].right == (uint32_t)b)
            return;
    bpe->slots[i] = (struct tok_merge_slot){(uint32_t)a, (uint32_t)b, rank + 1, id};
    bpe->n_used++;
}

static bool find_merge(const struct tok_scratch *scratch, const char *text, const struct tok_symbol *left,
                       const struct tok_symbol *right, uint32_t *order_out, int32_t *id_out)
{
    (void)text;
    const struct tok_bpe *bpe = &scratch->tok->bpe;
    uint32_t a = (uint32_t)left->id, b = (uint32_t)right->id;
    for (size_t i = slot_of(bpe, a, b); bpe->slots[i].rank1; i = (i + 1) & bpe->mask)
        if (bpe->slots[i].left == a && bpe->slots[i].right == b) {
            *order_out = (uint32_t)bpe->slots[i].rank1;
            *id_out = bpe->slots[i].id;
            return true;
        }
    return false;
}

void tok_bpe_prepare(struct mica_tokenizer *tok)
{
    for (int b = 0; b < 256; b++) {
        char text[4];
        struct mica_str one = {text, (size_t)tok_utf8_put(tok_byte_to_char((uint8_t)b), text)};
        tok->bpe.byte_id[b] = tok_vocab_find(&tok->vocab, one.data, one.len);
        tok->bpe.last_byte_id[b] = tok->bpe.suffix.len
                                       ? tok_vocab_find_pair(&tok->vocab, one, tok->bpe.suffix)
                                       : tok->bpe.byte_id[b];
    }
}

/* The id of the whole word when the vocabulary has it (ignore_merges); control tokens do not count. */
static int32_t whole_word(const struct tok_scratch *scratch, const char *text, size_t len)
{
    const struct mica_tokenizer *tok = scratch->tok;
    char small[512], *p = small;
    int32_t id;
    if (!tok->bpe.takes_bytes) {
        id = tok_vocab_find(&tok->vocab, text, len);
    } else {
        if (len > sizeof small / 2 || len > tok->vocab.max_len)
            return -1;
        for (size_t i = 0; i < len; i++)
            p += tok_utf8_put(tok_byte_to_char((uint8_t)text[i]), p);
        id = tok_vocab_find(&tok->vocab, small, (size_t)(p - small));
    }
    return id >= 0 && tok->vocab.types[id] != TOK_CONTROL ? id : -1;
}

static bool push_bytes(struct tok_scratch *scratch, const char *text, size_t len)
{
    const struct tok_bpe *bpe = &scratch->tok->bpe;
    for (size_t i = 0; i < len; i++) {
        uint8_t b = (uint8_t)text[i];
        int32_t id = i + 1 == len ? bpe->last_byte_id[b] : bpe->byte_id[b];
        if (id < 0)
            id = scratch->tok->bpe.unk;
        /* A byte without a token, where there is no unknown token, is left out. */
        if (id >= 0 && !tok_push_symbol(scratch, id, i, 1))
            return false;
    }
    return true;
}

static int32_t char_id(const struct mica_tokenizer *tok, const char *p, size_t n, bool first, bool last)
{
    const struct tok_bpe *bpe = &tok->bpe;
    struct mica_str c = {p, n};
    char joined[64];
    if (!first && bpe->prefix.len && bpe->prefix.len + n <= sizeof joined) {
        memcpy(joined, bpe->prefix.data, bpe->prefix.len);
        memcpy(joined + bpe->prefix.len, p, n);
        c = (struct mica_str){joined, bpe->prefix.len + n};
    }
    if (last && bpe->suffix.len)
        return tok_vocab_find_pair(&tok->vocab, c, bpe->suffix);
    return tok_vocab_find(&tok->vocab, c.data, c.len);
}

static bool push_fallback(struct tok_scratch *scratch, const char *text, size_t begin, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!tok_push_symbol(scratch, scratch->tok->fallback_id[(uint8_t)text[begin + i]], begin + i, 1))
            return false;
    return true;
}

static bool push_chars(struct tok_scratch *scratch, const char *text, size_t len)
{
    const struct mica_tokenizer *tok = scratch->tok;
    bool after_unk = false;
    for (size_t i = 0; i < len;) {
        size_t n = (size_t)tok_utf8_len(text + i, len - i);
        n = n ? n : 1;
        int32_t id = char_id(tok, text + i, n, i == 0, i + n == len);
        bool unk = id < 0 && !tok->byte_fallback;
        if (id >= 0 || (unk && tok->bpe.unk >= 0 && !(after_unk && tok->bpe.fuse_unk))) {
            if (!tok_push_symbol(scratch, id >= 0 ? id : tok->bpe.unk, i, n))
                return false;
        } else if (unk && after_unk && scratch->n_symbols) {
            scratch->symbols[scratch->n_symbols - 1].len += (uint32_t)n;
        } else if (!unk && !push_fallback(scratch, text, i, n)) {
            return false;
        }
        after_unk = unk && tok->bpe.unk >= 0;
        i += n;
    }
    return true;
}

static bool encode_bpe(struct tok_scratch *scratch, const char *text, size_t len)
{
    const struct mica_tokenizer *tok = scratch->tok;
    bool whole = tok->bpe.ignore_merges || (tok->bpe.whole_newlines && text[0] == '\n');
    if (whole) {
        int32_t id = whole_word(scratch, text, len);
        if (id >= 0)
            return mica_ids_push(scratch->out, id);
    }
    scratch->n_symbols = 0;
    bool ok = tok->bpe.takes_bytes ? push_bytes(scratch, text, len) : push_chars(scratch, text, len);
    if (!ok || !tok_merge(scratch, text, find_merge))
        return false;
    for (int64_t i = 0; i < scratch->n_symbols; i++)
        if (scratch->symbols[i].id >= 0 && !mica_ids_push(scratch->out, scratch->symbols[i].id))
            return false;
    return true;
}

const struct tok_model tok_model_bpe = {"BPE", encode_bpe};
