/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The tokenizer's parts. Text passes through them in this order: added tokens are cut out (tok_added.c), the
 * rest is normalised (tok_normalize.c), split into words (tok_pretok.c) and each word is turned into ids by
 * the model (tok_bpe.c, tok_spm.c, tok_unigram.c, tok_wordpiece.c). tok_gguf.c and tok_json.c fill the same
 * struct. */
#ifndef MICA_TOK_INTERNAL_H
#define MICA_TOK_INTERNAL_H

#include "format/tokenizer.h"

/* Token types as GGUF numbers them. */
enum tok_type {
    TOK_UNDEFINED,
    TOK_NORMAL,
    TOK_UNKNOWN,
    TOK_CONTROL,
    TOK_USER_DEFINED,
    TOK_UNUSED,
    TOK_BYTE,
};

/* ---- vocabulary: tok_vocab.c ---- */
struct tok_vocab {
    const struct mica_str *tokens; /* data == NULL: the id is a hole */
    uint8_t *types;
    float *scores; /* NULL when the vocabulary has none */
    int32_t n;
    size_t max_len; /* of a token, in bytes */
    struct tok_vocab_slot {
        uint32_t hash;
        int32_t id1; /* id + 1; 0 = free */
    } * slots;
    size_t mask;
    struct mica_str *owned; /* what tokens points to */
    char *blob;
};
/* Indexes tokens[0..n). The first of two equal texts wins. */
bool tok_vocab_index(struct tok_vocab *vocab);
int32_t tok_vocab_find(const struct tok_vocab *vocab, const char *text, size_t len);
/* The id of the concatenation a + b, or -1. */
int32_t tok_vocab_find_pair(const struct tok_vocab *vocab, struct mica_str a, struct mica_str b);
void tok_vocab_release(struct tok_vocab *vocab);
/* The value of a token written <0xAB>, or -1. */
int tok_byte_value(struct mica_str text);
/* Fills ids[256] with the ids of <0x00>…<0xFF>; false when one is missing. */
bool tok_byte_tokens(const struct tok_vocab *vocab, int32_t ids[256]);

/* ---- UTF-8 and Unicode: tok_unicode.c ---- */
/* Length of the valid character at p, or 0. */
int tok_utf8_len(const char *p, size_t len);
/* Reads the valid character at p. */
uint32_t tok_utf8_get(const char *p, int *len_out);
int tok_utf8_put(uint32_t c, char out[4]);
/* How many bytes from p on are valid UTF-8. */
size_t tok_utf8_valid_prefix(const char *p, size_t len);
/* Length of the ill-formed sequence at p (1 to 3 bytes) that one U+FFFD replaces. *incomplete: more bytes
 * could still complete it. */
int tok_utf8_bad_len(const char *p, size_t len, bool *incomplete);
bool tok_is_space(uint32_t c);       /* White_Space */
bool tok_is_punctuation(uint32_t c); /* general category P */
bool tok_is_number(uint32_t c);      /* general category N */
bool tok_is_word(uint32_t c);        /* \w */
/* GPT-2's reversible map from bytes to printable characters. */
uint32_t tok_byte_to_char(uint8_t byte);
int tok_char_to_byte(uint32_t c); /* -1: not in the map */

/* ---- prefix tree: tok_trie.c ---- */
struct tok_trie {
    struct tok_trie_slot {
        uint32_t key, child; /* key = node * 256 + byte; child 0 = free */
    } * slots;
    size_t n_slots, n_used;
    int32_t *values; /* by node: -1 = no text ends here */
    int64_t n_nodes, values_capacity;
    bool starts[256];
};
bool tok_trie_add(struct tok_trie *trie, const char *text, size_t len, int32_t value);
static inline uint32_t tok_trie_step(const struct tok_trie *trie, uint32_t node, uint8_t byte)
{
    uint32_t key = node << 8 | byte;
    size_t mask = trie->n_slots - 1, i = (key * 0x9e3779b1u >> 4) & mask;
    while (trie->slots[i].child && trie->slots[i].key != key)
        i = (i + 1) & mask;
    return trie->slots[i].child;
}
void tok_trie_release(struct tok_trie *trie);

/* ---- regular expressions: tok_regex.c ---- */
struct tok_regex; /* compiled by PCRE2 */
/* Compiles a pattern written for Oniguruma or Rust's regex crate. */
enum mica_status tok_regex_new(const char *pattern, size_t len, struct tok_regex **out, struct mica_err *err);
void tok_regex_free(struct tok_regex *regex);
struct tok_matcher; /* what one thread needs to match */
struct tok_matcher *tok_matcher_new(void);
void tok_matcher_free(struct tok_matcher *matcher);
/* The first match in valid UTF-8 text from `from` on. false: there is none. */
bool tok_regex_find(const struct tok_regex *regex, struct tok_matcher *matcher, const char *text, size_t len,
                    size_t from, size_t *begin_out, size_t *end_out);

/* ---- steps ---- */
enum tok_step_kind {
    /* normalizers */
    TOK_NORM_FORM, /* option: utf8proc options */
    TOK_NORM_LOWERCASE,
    TOK_NORM_STRIP_ACCENTS,
    TOK_NORM_BERT,    /* option: TOK_BERT_… bits */
    TOK_NORM_PREPEND, /* content */
    TOK_NORM_REPLACE, /* pattern or regex → content */
    TOK_NORM_STRIP,   /* option: 1 left, 2 right */
    TOK_NORM_CHARSMAP,
    TOK_NORM_SPACES, /* T5's: option: TOK_SPACES_… bits; content = the written space */
    TOK_NORM_BYTES,  /* bytes to printable characters */
    TOK_NORM_NMT,
    /* pre-tokenizers */
    TOK_PRE_SPLIT, /* pattern or regex, behaviour, invert */
    TOK_PRE_SPACE, /* a space in front of every word */
    TOK_PRE_BYTES, /* bytes to printable characters; left out when the model takes bytes */
    TOK_PRE_DIGITS,
    TOK_PRE_WHITESPACE,
    TOK_PRE_PUNCTUATION,
    TOK_PRE_BERT,
    TOK_PRE_METASPACE, /* content = the written space; option: TOK_META_… */
    /* decoders */
    TOK_DEC_BYTES,
    TOK_DEC_BYTE_FALLBACK,
    TOK_DEC_REPLACE,
    TOK_DEC_STRIP, /* content = the character; option = how many on the left */
    TOK_DEC_FUSE,
    TOK_DEC_METASPACE,
    TOK_DEC_WORDPIECE, /* content = prefix; option: clean up */
    TOK_DEC_BPE,       /* content = suffix */
    TOK_DEC_SPACES,    /* tokens are joined by spaces */
};
enum { TOK_BERT_CLEAN = 1, TOK_BERT_CHINESE = 2, TOK_BERT_STRIP_ACCENTS = 4, TOK_BERT_LOWERCASE = 8 };
enum { TOK_SPACES_PREPEND = 1, TOK_SPACES_MERGE = 2 };
enum { TOK_META_NEVER, TOK_META_FIRST, TOK_META_ALWAYS, TOK_META_SPLIT = 4 };
enum tok_behaviour {
    TOK_REMOVED,
    TOK_ISOLATED,
    TOK_MERGED_WITH_PREVIOUS,
    TOK_MERGED_WITH_NEXT,
    TOK_CONTIGUOUS,
};
struct tok_step {
    enum tok_step_kind kind;
    int option;
    enum tok_behaviour behaviour;
    bool invert;
    struct tok_regex *regex;
    char *pattern, *content; /* owned */
    size_t pattern_len, content_len;
};
enum { TOK_MAX_STEPS = 32 };
struct tok_steps {
    struct tok_step at[TOK_MAX_STEPS];
    int n;
};
void tok_steps_release(struct tok_steps *steps);

/* sentencepiece's precompiled normalisation: a double array over the text, then the replacements. */
struct tok_charsmap {
    uint32_t *units;
    size_t n_units;
    char *replacements; /* NUL-terminated strings */
    size_t replacements_len;
    bool longest; /* sentencepiece's rule; the tokenizers package works on graphemes and takes the shortest */
};

/* ---- added tokens: tok_added.c ---- */
struct tok_added_token {
    int32_t id;
    bool single_word, lstrip, rstrip, special;
};
struct tok_added {
    struct tok_added_token *tokens;
    int64_t n, capacity;
    struct tok_trie raw, normalized; /* values index tokens */
};

/* ---- models ---- */
struct tok_symbol {
    int32_t id, prev, next;
    uint32_t begin, len;
};
/* One candidate merge of the symbol at left with its successor. */
struct tok_candidate {
    uint64_t key;  /* order of merging in the upper half, position in the lower: least first */
    uint32_t size; /* bytes of both symbols together: tells a stale candidate */
    int32_t id;
};
struct tok_split {
    size_t begin, len;
};
struct tok_splits {
    struct tok_split *at;
    int64_t n, capacity;
};
/* What one call of encode works with. */
struct tok_scratch {
    const struct mica_tokenizer *tok;
    struct mica_ids *out;
    bool parse_special;
    bool first; /* nothing of the text has been seen yet */
    struct tok_matcher *matcher;
    struct mica_buf norm[2], words[2], text;
    struct tok_splits splits[2];
    struct tok_symbol *symbols;
    int64_t n_symbols, symbols_capacity;
    struct tok_candidate *heap;
    int64_t n_heap, heap_capacity;
    void *lattice;
    int64_t lattice_capacity;
};

struct tok_model {
    const char *name;
    /* Appends the ids of one word; the text is valid UTF-8 unless the model takes any bytes. false: out of
     * memory. */
    bool (*encode)(struct tok_scratch *scratch, const char *text, size_t len);
};
extern const struct tok_model tok_model_bpe, tok_model_spm, tok_model_unigram, tok_model_wordpiece,
    tok_model_wordlevel;

struct tok_bpe {
    struct tok_merge_slot {
        uint32_t left, right; /* ids */
        int32_t rank1, id;    /* rank1 = rank + 1; 0 = free */
    } * slots;
    size_t mask, n_used;
    bool takes_bytes; /* symbols are bytes and not characters */
    bool ignore_merges, fuse_unk, whole_newlines;
    int32_t unk;                             /* what a symbol outside the vocabulary becomes; -1 = nothing */
    int32_t byte_id[256], last_byte_id[256]; /* of a byte; of a word's last byte */
    struct mica_str prefix, suffix;          /* of continuing symbols; of the last symbol */
};
/* Makes room for n merges. */
bool tok_bpe_reserve(struct tok_bpe *bpe, int64_t n);
/* Adds the merge of the given rank; merges of tokens outside the vocabulary are left out. */
/* *guess: the id the result probably has; starts at -1. */
void tok_bpe_add_merge(struct mica_tokenizer *tok, struct mica_str left, struct mica_str right, int32_t rank,
                       int32_t *guess);
/* Fills byte_id. */
void tok_bpe_prepare(struct mica_tokenizer *tok);

struct tok_unigram {
    struct tok_trie trie;
    double *scores; /* NaN: not a token of the model */
    double unk_score;
};
bool tok_unigram_prepare(struct mica_tokenizer *tok);

struct mica_tokenizer {
    char kind[96];
    struct tok_vocab vocab;
    struct tok_added added;
    const struct tok_model *model;
    struct tok_bpe bpe;
    struct tok_unigram unigram;
    struct tok_charsmap charsmap;
    struct tok_steps normalizers, pretokenizers, decoders;
    bool byte_fallback;
    int32_t fallback_id[256]; /* of <0xAB> when byte_fallback */
    int32_t unk, bos, eos;
    bool raw_added;        /* added tokens are decoded as they are written */
    size_t max_word_chars; /* WordPiece: longer words are unknown; 0 = no limit */
    struct mica_str initial_prefix, continuing_prefix;
    char *prefix_text;             /* owns the prefixes and suffixes */
    bool *ends;                    /* by id */
    struct mica_ids before, after; /* added around the text */
};

bool tok_grow_ids(struct mica_ids *list, int64_t extra);
/* Merges symbols[0..n_symbols) best first. pair gives the order (less is earlier) and the id of a merge. */
typedef bool tok_pair(const struct tok_scratch *scratch, const char *text, const struct tok_symbol *left,
                      const struct tok_symbol *right, uint32_t *order_out, int32_t *id_out);
bool tok_merge(struct tok_scratch *scratch, const char *text, tok_pair *pair);
bool tok_push_symbol(struct tok_scratch *scratch, int32_t id, size_t begin, size_t len);
/* One unknown character or word. */
bool tok_push_unknown(struct tok_scratch *scratch, const char *text, size_t len);

/* Applies the normalizers; *text and *len then point into the scratch, or stay. */
bool tok_normalize(struct tok_scratch *scratch, const char **text, size_t *len);
enum mica_status tok_charsmap_init(struct tok_charsmap *map, const uint8_t *data, size_t len,
                                   struct mica_err *err);
bool tok_charsmap_apply(const struct tok_charsmap *map, const char *text, size_t len, struct mica_buf *out);
bool tok_spaces_apply(const struct tok_step *step, const char *text, size_t len, struct mica_buf *out);
bool tok_bert_apply(int options, const char *text, size_t len, struct mica_buf *out);
/* Splits into words and runs the model over them. */
bool tok_words(struct tok_scratch *scratch, const char *text, size_t len, bool at_start);

/* Adds a token that is cut out of the text before everything else. */
bool tok_added_add(struct mica_tokenizer *tok, struct tok_added_token token, bool normalized);
/* Cuts the added tokens out of text; the rest goes to rest. */
typedef bool tok_rest(struct tok_scratch *scratch, const char *text, size_t len, bool at_start);
bool tok_added_split(struct tok_scratch *scratch, const struct tok_trie *trie, const char *text, size_t len,
                     bool at_start, tok_rest *rest);

/* Whether a control token is written at the beginning of text. */
bool tok_added_special_at(const struct mica_tokenizer *tok, const char *text, size_t len);

void tok_scratch_release(struct tok_scratch *scratch);
struct mica_tokenizer *tok_new(void);
/* What both loaders do last: which tokens end a text. false: out of memory. */
bool tok_finish(struct mica_tokenizer *tok);
void tok_mark_end(struct mica_tokenizer *tok, int64_t id);
/* Adds a step; NULL when there are too many. */
struct tok_step *tok_step_add(struct tok_steps *steps, enum tok_step_kind kind);
bool tok_step_content(struct tok_step *step, const char *content, size_t len);

#endif
