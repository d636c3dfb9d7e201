/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Text to token ids and back: byte-level BPE, SentencePiece BPE with byte fallback, unigram and WordPiece,
 * read from GGUF metadata or from Hugging Face's tokenizer.json. A tokenizer is immutable: threads may share
 * it. */
#ifndef MICA_TOKENIZER_H
#define MICA_TOKENIZER_H

#include "base/mem.h"
#include "format/gguf.h"

struct mica_tokenizer;

/* The tokenizer keeps pointers into gguf, which must outlive it. EFORMAT, EUNSUPPORTED (names the tokenizer),
 * ENOMEM. */
enum mica_status mica_tokenizer_from_gguf(const struct mica_gguf *gguf, struct mica_tokenizer **out,
                                          struct mica_err *err);
/* From an HF folder's tokenizer.json; tokenizer_config.json, when in the set, gives bos/eos and
 * add_bos/add_eos. */
enum mica_status mica_tokenizer_from_files(const struct mica_files *files, struct mica_tokenizer **out,
                                           struct mica_err *err);
void mica_tokenizer_free(struct mica_tokenizer *tok);

/* A growing list of token ids; release with mica_ids_release. */
struct mica_ids {
    int32_t *ids;
    int64_t n, capacity;
};
bool mica_ids_push(struct mica_ids *list, int32_t id);
void mica_ids_release(struct mica_ids *list);

enum mica_tokenize_flags {
    MICA_TOKENIZE_ADD_SPECIAL = 1,   /* what the model's post-processing adds: bos, eos, [CLS] … */
    MICA_TOKENIZE_PARSE_SPECIAL = 2, /* control tokens written in the text become their ids; without it, only
                                        user-defined added tokens do */
    MICA_TOKENIZE_MARKED = 4,        /* with PARSE_SPECIAL: parts went through mica_tokenizer_mark */
};
/* Appends text so that it may become part of a larger text that is tokenized with PARSE_SPECIAL | MARKED: the
 * control tokens written in it then stay plain text. Marks are U+FDD0, which no text holds otherwise; one
 * that does gets it back. */
void mica_tokenizer_mark(const struct mica_tokenizer *tok, const char *text, size_t len,
                         struct mica_buf *out);
/* Appends the ids of text (any bytes; invalid UTF-8 never fails: it is encoded by the model's byte tokens, or
 * as U+FFFD where the vocabulary has none). */
enum mica_status mica_tokenizer_encode(const struct mica_tokenizer *tok, const char *text, size_t len,
                                       int flags, struct mica_ids *out, struct mica_err *err);

/* Appends the text of ids[0..n). skip_special leaves out control tokens. */
enum mica_status mica_tokenizer_decode(const struct mica_tokenizer *tok, const int32_t *ids, int64_t n,
                                       bool skip_special, struct mica_buf *out, struct mica_err *err);

/* Streaming: the pieces appended for one id after another concatenate to what decode gives for all of them; a
 * piece never ends inside a UTF-8 character (at most 3 bytes wait in pending; flush emits what can never
 * complete as U+FFFD). */
struct mica_detokenizer {
    const struct mica_tokenizer *tok;
    bool skip_special, started;
    uint8_t pending[8];
    int n_pending;
};
enum mica_status mica_detokenizer_next(struct mica_detokenizer *detok, int32_t id, struct mica_buf *out,
                                       struct mica_err *err);
enum mica_status mica_detokenizer_flush(struct mica_detokenizer *detok, struct mica_buf *out,
                                        struct mica_err *err);

int32_t mica_tokenizer_vocab_size(const struct mica_tokenizer *tok);
int32_t mica_tokenizer_bos(const struct mica_tokenizer *tok); /* -1: none */
int32_t mica_tokenizer_eos(const struct mica_tokenizer *tok);
/* Ends a turn or a text: eos, eot, <|im_end|>, <end_of_turn> and the like. */
bool mica_tokenizer_is_end(const struct mica_tokenizer *tok, int32_t id);
bool mica_tokenizer_is_special(const struct mica_tokenizer *tok, int32_t id);
/* The id of exactly this token as it is written in the vocabulary, or -1. */
int32_t mica_tokenizer_find(const struct mica_tokenizer *tok, const char *text, size_t len);
/* How the vocabulary writes it (e.g. "Ġthe"); NULL when id is out of range. */
const char *mica_tokenizer_token(const struct mica_tokenizer *tok, int32_t id, size_t *len_out);
/* "BPE (smollm)", "SentencePiece BPE", "unigram", "WordPiece". */
const char *mica_tokenizer_kind(const struct mica_tokenizer *tok);

#endif
