/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* SentencePiece's BPE: two neighbours merge when their text is a token, the highest score first; what is no
 * token is written in byte tokens. */
#include "format/tok_internal.h"

#include <string.h>

static bool find_token(const struct tok_scratch *scratch, const char *text, const struct tok_symbol *left,
                       const struct tok_symbol *right, uint32_t *order_out, int32_t *id_out)
{
    const struct tok_vocab *vocab = &scratch->tok->vocab;
    int32_t id = tok_vocab_find(vocab, text + left->begin, (size_t)left->len + right->len);
    if (id < 0)
        return false;
    uint8_t type = vocab->types[id];
    if (type == TOK_CONTROL || type == TOK_UNKNOWN || type == TOK_BYTE)
        return false;
    /* Higher scores first: the bits of a float, ordered and turned around. */
    uint32_t bits;
    memcpy(&bits, &vocab->scores[id], 4);
    *order_out = bits >> 31 ? bits : ~(bits | 0x80000000u);
    *id_out = id;
    return true;
}

bool tok_push_unknown(struct tok_scratch *scratch, const char *text, size_t len)
{
    const struct mica_tokenizer *tok = scratch->tok;
    if (!tok->byte_fallback)
        return tok->unk < 0 || mica_ids_push(scratch->out, tok->unk);
    for (size_t i = 0; i < len; i++)
        if (!mica_ids_push(scratch->out, tok->fallback_id[(uint8_t)text[i]]))
            return false;
    return true;
}

static bool encode_spm(struct tok_scratch *scratch, const char *text, size_t len)
{
    const struct tok_vocab *vocab = &scratch->tok->vocab;
    scratch->n_symbols = 0;
    for (size_t i = 0; i < len;) {
        size_t n = (size_t)tok_utf8_len(text + i, len - i);
        n = n ? n : 1;
        if (!tok_push_symbol(scratch, -1, i, n))
            return false;
        i += n;
    }
    if (!tok_merge(scratch, text, find_token))
        return false;
    for (int64_t i = 0; i < scratch->n_symbols; i++) {
        struct tok_symbol symbol = scratch->symbols[i];
        if (symbol.id < 0)
            symbol.id = tok_vocab_find(vocab, text + symbol.begin, symbol.len);
        bool ok = symbol.id >= 0 ? mica_ids_push(scratch->out, symbol.id)
                                 : tok_push_unknown(scratch, text + symbol.begin, symbol.len);
        if (!ok)
            return false;
    }
    return true;
}

const struct tok_model tok_model_spm = {"SentencePiece BPE", encode_spm};
