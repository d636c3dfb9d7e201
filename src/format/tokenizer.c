/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Encoding: added tokens, normalisation, words, model; and what the header promises about a vocabulary. */
#include "format/tok_internal.h"

#include <string.h>

/* Positions in words are 32-bit. */
enum { MAX_TEXT = 1 << 30 };

bool mica_ids_push(struct mica_ids *list, int32_t id)
{
    if (!mica_grow(&list->ids, list->n, &list->capacity, sizeof *list->ids))
        return false;
    list->ids[list->n++] = id;
    return true;
}

void mica_ids_release(struct mica_ids *list)
{
    mica_free(list->ids);
    *list = (struct mica_ids){0};
}

struct tok_step *tok_step_add(struct tok_steps *steps, enum tok_step_kind kind)
{
    if (steps->n >= TOK_MAX_STEPS)
        return NULL;
    struct tok_step *step = &steps->at[steps->n++];
    *step = (struct tok_step){.kind = kind};
    return step;
}

bool tok_step_content(struct tok_step *step, const char *content, size_t len)
{
    mica_free(step->content);
    step->content = mica_strndup(content, len);
    step->content_len = len;
    return step->content != NULL;
}

void tok_steps_release(struct tok_steps *steps)
{
    for (int i = 0; i < steps->n; i++) {
        tok_regex_free(steps->at[i].regex);
        mica_free(steps->at[i].pattern);
        mica_free(steps->at[i].content);
    }
    steps->n = 0;
}

struct mica_tokenizer *tok_new(void)
{
    struct mica_tokenizer *tok = mica_alloc(1, sizeof *tok);
    if (tok)
        tok->unk = tok->bos = tok->eos = tok->bpe.unk = -1;
    return tok;
}

void mica_tokenizer_free(struct mica_tokenizer *tok)
{
    if (!tok)
        return;
    tok_vocab_release(&tok->vocab);
    mica_free(tok->added.tokens);
    tok_trie_release(&tok->added.raw);
    tok_trie_release(&tok->added.normalized);
    mica_free(tok->bpe.slots);
    tok_trie_release(&tok->unigram.trie);
    mica_free(tok->unigram.scores);
    mica_free(tok->charsmap.units);
    mica_free(tok->charsmap.replacements);
    tok_steps_release(&tok->normalizers);
    tok_steps_release(&tok->pretokenizers);
    tok_steps_release(&tok->decoders);
    mica_free(tok->prefix_text);
    mica_free(tok->ends);
    mica_ids_release(&tok->before);
    mica_ids_release(&tok->after);
    mica_free(tok);
}

/* Texts that end a turn or a document wherever they are a special or an added token. Those of the second row
 * are ordinary words in some vocabularies and count only as control tokens. */
static const char *const end_texts[] = {
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "[EOT]",
    "<|endoftext|>",
    "<end_of_utterance>",
    "<turn|>",
    "<end_of_turn>",
    "<EOT>",
    "<｜end▁of▁sentence｜>",
    "<|flush|>",
    "<|calls|>",
    "[e~[",
    "<|eos|>",
};
static const char *const control_end_texts[] = {"</s>", "<eos>", "[EOS]", "<|tool_response>"};

static int32_t find_text(const struct mica_tokenizer *tok, const char *text)
{
    return tok_vocab_find(&tok->vocab, text, strlen(text));
}

void tok_mark_end(struct mica_tokenizer *tok, int64_t id)
{
    if (id >= 0 && id < tok->vocab.n)
        tok->ends[id] = true;
}

bool tok_finish(struct mica_tokenizer *tok)
{
    tok->ends = mica_alloc((size_t)tok->vocab.n, sizeof *tok->ends);
    if (!tok->ends)
        return false;
    tok_mark_end(tok, tok->eos);
    for (size_t i = 0; i < MICA_COUNT(end_texts); i++) {
        int32_t id = find_text(tok, end_texts[i]);
        if (id >= 0 && (tok->vocab.types[id] == TOK_CONTROL || tok->vocab.types[id] == TOK_USER_DEFINED))
            tok->ends[id] = true;
    }
    for (size_t i = 0; i < MICA_COUNT(control_end_texts); i++) {
        int32_t id = find_text(tok, control_end_texts[i]);
        if (id >= 0 && tok->vocab.types[id] == TOK_CONTROL)
            tok->ends[id] = true;
    }
    /* Where <|return|> or <|flush|> end the answer, <|end|> only ends one of its messages. */
    int32_t end = find_text(tok, "<|end|>");
    if (end >= 0 && ((find_text(tok, "<|return|>") >= 0 && find_text(tok, "<|call|>") >= 0) ||
                     (find_text(tok, "<|flush|>") >= 0 && find_text(tok, "<|calls|>") >= 0)))
        tok->ends[end] = end == tok->eos;
    return true;
}

static bool encode_valid(struct tok_scratch *scratch, const char *text, size_t len, bool at_start)
{
    if (!tok_normalize(scratch, &text, &len))
        return false;
    if (!len)
        return true;
    return tok_added_split(scratch, &scratch->tok->added.normalized, text, len, at_start, tok_words);
}

/* Writes U+FFFD for each ill-formed sequence. */
static bool replace_bad(struct tok_scratch *scratch, const char *text, size_t len)
{
    struct mica_buf *out = &scratch->text;
    out->len = 0;
    for (size_t i = 0; i < len;) {
        size_t valid = tok_utf8_valid_prefix(text + i, len - i);
        mica_buf_append(out, text + i, valid);
        i += valid;
        if (i < len) {
            bool incomplete;
            i += (size_t)tok_utf8_bad_len(text + i, len - i, &incomplete);
            mica_buf_puts(out, "\xEF\xBF\xBD");
        }
    }
    return !out->failed;
}

static bool encode_rest(struct tok_scratch *scratch, const char *text, size_t len, bool at_start)
{
    const struct mica_tokenizer *tok = scratch->tok;
    size_t valid = tok_utf8_valid_prefix(text, len);
    if (valid == len)
        return encode_valid(scratch, text, len, at_start);
    if (!tok->bpe.takes_bytes && !tok->byte_fallback)
        return replace_bad(scratch, text, len) &&
               encode_valid(scratch, scratch->text.data, scratch->text.len, at_start);
    /* Bytes outside UTF-8 are words of their own. */
    for (size_t i = 0; i < len;) {
        if (valid && !encode_valid(scratch, text + i, valid, at_start && !i))
            return false;
        i += valid;
        size_t bad = 0;
        while (i + bad < len && !tok_utf8_len(text + i + bad, len - i - bad))
            bad++;
        if (bad && !(tok->bpe.takes_bytes ? tok->model->encode(scratch, text + i, bad)
                                          : tok_push_unknown(scratch, text + i, bad)))
            return false;
        i += bad;
        valid = tok_utf8_valid_prefix(text + i, len - i);
    }
    return true;
}

static const char mark[] = "\xEF\xB7\x90"; /* U+FDD0 */
enum { MARK_LEN = sizeof mark - 1 };

void mica_tokenizer_mark(const struct mica_tokenizer *tok, const char *text, size_t len, struct mica_buf *out)
{
    for (size_t i = 0; i < len;) {
        int n = tok_utf8_len(text + i, len - i);
        n = n ? n : 1;
        mica_buf_append(out, text + i, (size_t)n);
        /* A mark after its first character takes a control token apart. A mark that was there before is
         * doubled. */
        if (tok_added_special_at(tok, text + i, len - i) ||
            (n == MARK_LEN && !memcmp(text + i, mark, MARK_LEN)))
            mica_buf_append(out, mark, MARK_LEN);
        i += (size_t)n;
    }
}

/* What is left between the template's control tokens, without marks. */
static bool encode_unmarked(struct tok_scratch *scratch, const char *text, size_t len, bool at_start)
{
    const char *at = memmem(text, len, mark, MARK_LEN);
    struct mica_buf plain = {0};
    if (!at)
        return encode_rest(scratch, text, len, at_start);
    for (size_t i = 0; i < len; at = memmem(text + i, len - i, mark, MARK_LEN)) {
        size_t n = at ? (size_t)(at - text) - i : len - i;
        mica_buf_append(&plain, text + i, n);
        i += n + (at ? MARK_LEN : 0);
        if (at && len - i >= MARK_LEN && !memcmp(text + i, mark, MARK_LEN)) {
            mica_buf_append(&plain, mark, MARK_LEN);
            i += MARK_LEN;
        }
    }
    scratch->parse_special = false;
    bool ok = !plain.failed && (!plain.len || encode_rest(scratch, plain.data, plain.len, at_start));
    scratch->parse_special = true;
    mica_buf_release(&plain);
    return ok;
}

static bool push_all(struct mica_ids *out, const struct mica_ids *ids)
{
    for (int64_t i = 0; i < ids->n; i++)
        if (!mica_ids_push(out, ids->ids[i]))
            return false;
    return true;
}

void tok_scratch_release(struct tok_scratch *scratch)
{
    tok_matcher_free(scratch->matcher);
    for (int i = 0; i < 2; i++) {
        mica_buf_release(&scratch->norm[i]);
        mica_buf_release(&scratch->words[i]);
        mica_free(scratch->splits[i].at);
    }
    mica_buf_release(&scratch->text);
    mica_free(scratch->symbols);
    mica_free(scratch->heap);
    mica_free(scratch->lattice);
}

enum mica_status mica_tokenizer_encode(const struct mica_tokenizer *tok, const char *text, size_t len,
                                       int flags, struct mica_ids *out, struct mica_err *err)
{
    if (len > MAX_TEXT)
        return mica_fail(err, MICA_ELIMIT,
                         "a text of %zu bytes is too long to tokenize; at most %d are allowed", len,
                         MAX_TEXT);
    struct tok_scratch scratch = {
        .tok = tok, .out = out, .parse_special = flags & MICA_TOKENIZE_PARSE_SPECIAL};
    int64_t n_before = out->n;
    bool ok = !(flags & MICA_TOKENIZE_ADD_SPECIAL) || push_all(out, &tok->before);
    ok = ok && (scratch.matcher = tok_matcher_new());
    ok = ok && (!len || tok_added_split(&scratch, &tok->added.raw, text, len, true,
                                        flags & MICA_TOKENIZE_MARKED ? encode_unmarked : encode_rest));
    ok = ok && (!(flags & MICA_TOKENIZE_ADD_SPECIAL) || push_all(out, &tok->after));
    tok_scratch_release(&scratch);
    if (ok)
        return MICA_OK;
    out->n = n_before;
    return mica_fail(err, MICA_ENOMEM, "out of memory while tokenizing %zu bytes", len);
}

int32_t mica_tokenizer_vocab_size(const struct mica_tokenizer *tok)
{
    return tok->vocab.n;
}

int32_t mica_tokenizer_bos(const struct mica_tokenizer *tok)
{
    return tok->bos;
}

int32_t mica_tokenizer_eos(const struct mica_tokenizer *tok)
{
    return tok->eos;
}

bool mica_tokenizer_is_end(const struct mica_tokenizer *tok, int32_t id)
{
    return id >= 0 && id < tok->vocab.n && tok->ends[id];
}

bool mica_tokenizer_is_special(const struct mica_tokenizer *tok, int32_t id)
{
    return id >= 0 && id < tok->vocab.n &&
           (tok->vocab.types[id] == TOK_CONTROL || tok->vocab.types[id] == TOK_UNKNOWN);
}

int32_t mica_tokenizer_find(const struct mica_tokenizer *tok, const char *text, size_t len)
{
    return tok_vocab_find(&tok->vocab, text, len);
}

const char *mica_tokenizer_token(const struct mica_tokenizer *tok, int32_t id, size_t *len_out)
{
    if (id < 0 || id >= tok->vocab.n || !tok->vocab.tokens[id].data)
        return NULL;
    *len_out = tok->vocab.tokens[id].len;
    return tok->vocab.tokens[id].data;
}

const char *mica_tokenizer_kind(const struct mica_tokenizer *tok)
{
    return tok->kind;
}
