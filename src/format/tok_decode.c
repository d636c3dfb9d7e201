/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Ids to text. Every decoder works on one token at a time, so that streaming and decoding at once agree. */
#include "format/tok_internal.h"

#include <string.h>

struct piece {
    struct mica_buf text[2]; /* the step before wrote one, the next writes the other */
    int at;
};

static struct mica_buf *next_text(struct piece *piece)
{
    piece->at ^= 1;
    piece->text[piece->at].len = 0;
    return &piece->text[piece->at];
}

static void replace(struct mica_buf *out, const char *text, size_t len, const char *from, size_t n_from,
                    const char *to, size_t n_to)
{
    size_t i = 0;
    while (n_from && i < len) {
        const char *at = memmem(text + i, len - i, from, n_from);
        if (!at)
            break;
        mica_buf_append(out, text + i, (size_t)(at - text) - i);
        mica_buf_append(out, to, n_to);
        i = (size_t)(at - text) + n_from;
    }
    mica_buf_append(out, text + i, len - i);
}

/* Printable characters back to bytes; a token that is not written in them is text already. */
static void decode_bytes(struct mica_buf *out, const char *text, size_t len)
{
    int n;
    for (size_t i = 0; i < len; i += (size_t)n) {
        int byte = tok_utf8_len(text + i, len - i) ? tok_char_to_byte(tok_utf8_get(text + i, &n)) : -1;
        if (byte < 0) {
            out->len = 0;
            mica_buf_append(out, text, len);
            return;
        }
        char c = (char)byte;
        mica_buf_append(out, &c, 1);
    }
}

static const char *const cleanups[][2] = {
    {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},    {" n't", "n't"},
    {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
};

static void clean_up(struct piece *piece)
{
    for (size_t i = 0; i < MICA_COUNT(cleanups); i++) {
        struct mica_buf *in = &piece->text[piece->at], *out = next_text(piece);
        replace(out, in->data, in->len, cleanups[i][0], strlen(cleanups[i][0]), cleanups[i][1],
                strlen(cleanups[i][1]));
    }
}

static void decode_wordpiece(const struct tok_step *step, struct piece *piece, bool first)
{
    const struct mica_buf *in = &piece->text[piece->at];
    const char *text = in->data;
    size_t len = in->len;
    struct mica_buf *out = next_text(piece);
    if (!first) {
        if (step->content_len && len >= step->content_len &&
            memcmp(text, step->content, step->content_len) == 0) {
            text += step->content_len;
            len -= step->content_len;
        } else {
            mica_buf_append(out, " ", 1);
        }
    }
    mica_buf_append(out, text, len);
    if (step->option)
        clean_up(piece);
}

static void strip_left(const struct tok_step *step, struct mica_buf *out, const char *text, size_t len)
{
    for (int i = 0; i < step->option; i++) {
        if (!step->content_len || len < step->content_len ||
            memcmp(text, step->content, step->content_len) != 0)
            break;
        text += step->content_len;
        len -= step->content_len;
    }
    mica_buf_append(out, text, len);
}

static void run_step(const struct tok_step *step, struct piece *piece, bool first)
{
    if (step->kind == TOK_DEC_WORDPIECE) {
        decode_wordpiece(step, piece, first);
        return;
    }
    const char *text = piece->text[piece->at].data;
    size_t len = piece->text[piece->at].len;
    struct mica_buf *out = next_text(piece);
    int byte;
    char c;
    switch (step->kind) {
    case TOK_DEC_BYTES:
        decode_bytes(out, text, len);
        break;
    case TOK_DEC_BYTE_FALLBACK:
        byte = tok_byte_value((struct mica_str){text, len});
        c = (char)byte;
        mica_buf_append(out, byte >= 0 ? &c : text, byte >= 0 ? 1 : len);
        break;
    case TOK_DEC_REPLACE:
        replace(out, text, len, step->pattern, step->pattern_len, step->content, step->content_len);
        break;
    case TOK_DEC_METASPACE:
        /* The first token has no space in front of it, unless none was ever added. */
        replace(out, text, len, step->content, step->content_len, " ",
                first && step->option != TOK_META_NEVER ? 0 : 1);
        break;
    case TOK_DEC_STRIP:
        if (first || step->invert)
            strip_left(step, out, text, len);
        else
            mica_buf_append(out, text, len);
        break;
    case TOK_DEC_SPACES:
        mica_buf_append(out, " ", first ? 0 : 1);
        mica_buf_append(out, text, len);
        break;
    default:
        mica_buf_append(out, text, len);
        break;
    }
}

/* Moves what is complete from pending and text to out; keeps the beginning of a character. */
static void emit(struct mica_detokenizer *detok, const char *text, size_t len, struct mica_buf *out)
{
    char joined[16];
    size_t n_pending = (size_t)detok->n_pending, taken = 0;
    /* Complete the waiting character first, byte by byte: it is at most four bytes long. */
    while (detok->n_pending > 0 && taken < len) {
        bool incomplete;
        memcpy(joined, detok->pending, n_pending);
        joined[n_pending] = text[taken];
        if (tok_utf8_len(joined, n_pending + 1)) {
            mica_buf_append(out, joined, n_pending + 1);
            taken++;
            detok->n_pending = 0;
            break;
        }
        if (tok_utf8_bad_len(joined, n_pending + 1, &incomplete) == (int)n_pending + 1 && incomplete) {
            detok->pending[n_pending++] = (uint8_t)text[taken++];
            detok->n_pending = (int)n_pending;
            continue;
        }
        mica_buf_puts(out, "\xEF\xBF\xBD");
        detok->n_pending = 0;
    }
    while (taken < len) {
        size_t valid = tok_utf8_valid_prefix(text + taken, len - taken);
        mica_buf_append(out, text + taken, valid);
        taken += valid;
        if (taken >= len)
            break;
        bool incomplete;
        int bad = tok_utf8_bad_len(text + taken, len - taken, &incomplete);
        if (incomplete && taken + (size_t)bad == len) {
            memcpy(detok->pending, text + taken, (size_t)bad);
            detok->n_pending = bad;
            break;
        }
        mica_buf_puts(out, "\xEF\xBF\xBD");
        taken += (size_t)bad;
    }
}

/* The suffix that ends a word becomes a space, but not at the very end: the space waits in pending. */
static void hold_space(const struct tok_step *step, struct piece *piece, struct mica_detokenizer *detok,
                       struct mica_buf *out)
{
    struct mica_buf *in = &piece->text[piece->at];
    bool ends = step->content_len && in->len >= step->content_len &&
                memcmp(in->data + in->len - step->content_len, step->content, step->content_len) == 0;
    emit(detok, in->data, in->len - (ends ? step->content_len : 0), out);
    if (ends) {
        if (detok->n_pending)
            mica_buf_puts(out, "\xEF\xBF\xBD");
        detok->pending[0] = ' ';
        detok->n_pending = 1;
    }
}

static void flush_space(struct mica_detokenizer *detok, struct mica_buf *out)
{
    if (detok->n_pending == 1 && detok->pending[0] == ' ') {
        mica_buf_append(out, " ", 1);
        detok->n_pending = 0;
    }
}

static void next_with(struct mica_detokenizer *detok, int32_t id, struct piece *piece, struct mica_buf *out)
{
    const struct mica_tokenizer *tok = detok->tok;
    if (id < 0 || id >= tok->vocab.n || !tok->vocab.tokens[id].data)
        return; /* ids that pad the model's output stand for no text */
    uint8_t type = tok->vocab.types[id];
    bool special = type == TOK_CONTROL || type == TOK_UNKNOWN;
    if (special && detok->skip_special)
        return;
    struct mica_str token = tok->vocab.tokens[id];
    flush_space(detok, out);
    if (tok->raw_added && (special || type == TOK_USER_DEFINED)) {
        emit(detok, token.data, token.len, out);
        detok->started = true;
        return;
    }
    mica_buf_append(next_text(piece), token.data, token.len);
    const struct tok_step *holder = NULL;
    for (int i = 0; i < tok->decoders.n; i++) {
        run_step(&tok->decoders.at[i], piece, !detok->started);
        if (tok->decoders.at[i].kind == TOK_DEC_BPE)
            holder = &tok->decoders.at[i];
    }
    if (holder)
        hold_space(holder, piece, detok, out);
    else
        emit(detok, piece->text[piece->at].data, piece->text[piece->at].len, out);
    detok->started = true;
}

static enum mica_status finish(struct piece *piece, struct mica_buf *out, struct mica_err *err)
{
    bool failed = out->failed || piece->text[0].failed || piece->text[1].failed;
    mica_buf_release(&piece->text[0]);
    mica_buf_release(&piece->text[1]);
    return failed ? mica_fail(err, MICA_ENOMEM, "out of memory while detokenizing") : MICA_OK;
}

enum mica_status mica_detokenizer_next(struct mica_detokenizer *detok, int32_t id, struct mica_buf *out,
                                       struct mica_err *err)
{
    struct piece piece = {0};
    next_with(detok, id, &piece, out);
    return finish(&piece, out, err);
}

enum mica_status mica_detokenizer_flush(struct mica_detokenizer *detok, struct mica_buf *out,
                                        struct mica_err *err)
{
    struct piece piece = {0};
    bool space = detok->n_pending == 1 && detok->pending[0] == ' ';
    if (detok->n_pending && !space)
        mica_buf_puts(out, "\xEF\xBF\xBD");
    detok->n_pending = 0;
    return finish(&piece, out, err);
}

enum mica_status mica_tokenizer_decode(const struct mica_tokenizer *tok, const int32_t *ids, int64_t n,
                                       bool skip_special, struct mica_buf *out, struct mica_err *err)
{
    struct mica_detokenizer detok = {.tok = tok, .skip_special = skip_special};
    struct piece piece = {0};
    for (int64_t i = 0; i < n; i++)
        next_with(&detok, ids[i], &piece, out);
    enum mica_status status = finish(&piece, out, err);
    return status == MICA_OK ? mica_detokenizer_flush(&detok, out, err) : status;
}
