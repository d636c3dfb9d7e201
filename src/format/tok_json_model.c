/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* tokenizer.json's "model" and "added_tokens". */
#include "format/tok_json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static enum mica_status no_memory(struct mica_err *err)
{
    return mica_fail(err, MICA_ENOMEM, "tokenizer.json: out of memory");
}

static bool flag(const json_t *node, const char *key)
{
    return json_is_true(json_object_get(node, key));
}

enum { MAX_ID = 1 << 28 };

/* The texts in the order their ids were met, before the vocabulary's size is known. */
struct entries {
    struct tok_entry *at;
    int64_t n, capacity, max_id;
    size_t bytes;
};

static enum mica_status put_entry(struct entries *entries, struct mica_str text, int64_t id,
                                  struct mica_err *err)
{
    if (id < 0 || id > MAX_ID)
        return mica_fail(err, MICA_EFORMAT, "tokenizer.json: the token \"%.60s\" has the id %lld", text.data,
                         (long long)id);
    if (!mica_grow(&entries->at, entries->n, &entries->capacity, sizeof *entries->at))
        return no_memory(err);
    entries->at[entries->n++] = (struct tok_entry){text, id};
    entries->max_id = id > entries->max_id ? id : entries->max_id;
    entries->bytes += text.len + 1;
    return MICA_OK;
}

static enum mica_status collect_map(struct entries *entries, json_t *vocab, struct mica_err *err)
{
    enum mica_status status = MICA_OK;
    for (void *it = json_object_iter(vocab); it && status == MICA_OK; it = json_object_iter_next(vocab, it)) {
        const json_t *id = json_object_iter_value(it);
        struct mica_str text = {json_object_iter_key(it), json_object_iter_key_len(it)};
        if (!json_is_integer(id))
            return mica_fail(err, MICA_EFORMAT, "tokenizer.json: the token \"%.60s\" has no id", text.data);
        status = put_entry(entries, text, json_integer_value(id), err);
    }
    return status;
}

static enum mica_status collect_list(struct entries *entries, const json_t *vocab, struct mica_err *err)
{
    enum mica_status status = MICA_OK;
    for (size_t i = 0; i < json_array_size(vocab) && status == MICA_OK; i++) {
        struct mica_str text = tok_json_str(json_array_get(json_array_get(vocab, i), 0));
        if (!text.data)
            return mica_fail(err, MICA_EFORMAT, "tokenizer.json: token %zu is no pair of text and score", i);
        status = put_entry(entries, text, (int64_t)i, err);
    }
    return status;
}

static enum mica_status collect_added(struct entries *entries, const json_t *added, struct mica_err *err)
{
    enum mica_status status = MICA_OK;
    for (size_t i = 0; i < json_array_size(added) && status == MICA_OK; i++) {
        const json_t *item = json_array_get(added, i), *id = json_object_get(item, "id");
        struct mica_str text = tok_json_str(json_object_get(item, "content"));
        if (!text.data || !json_is_integer(id))
            return mica_fail(err, MICA_EFORMAT, "tokenizer.json: added token %zu has no content or no id", i);
        status = put_entry(entries, text, json_integer_value(id), err);
    }
    return status;
}

static enum mica_status build_vocab(struct mica_tokenizer *tok, const struct entries *entries,
                                    struct mica_err *err)
{
    struct tok_vocab *vocab = &tok->vocab;
    if (!entries->n)
        return mica_fail(err, MICA_EFORMAT, "tokenizer.json: the vocabulary is empty");
    /* Ids may have holes, but not so many that a small file asks for much memory. */
    if (entries->max_id > entries->n * 4 + (1 << 16))
        return mica_fail(err, MICA_EFORMAT, "tokenizer.json: id %lld in a vocabulary of %lld tokens",
                         (long long)entries->max_id, (long long)entries->n);
    int64_t n = entries->max_id + 1;
    vocab->owned = mica_alloc((size_t)n, sizeof *vocab->owned);
    vocab->types = mica_alloc((size_t)n, 1);
    vocab->blob = mica_alloc(entries->bytes, 1);
    if (!vocab->owned || !vocab->types || !vocab->blob)
        return no_memory(err);
    vocab->tokens = vocab->owned;
    vocab->n = (int32_t)n;
    char *at = vocab->blob;
    for (int64_t i = 0; i < entries->n; i++) {
        const struct tok_entry *entry = &entries->at[i];
        memcpy(at, entry->text.data, entry->text.len);
        vocab->owned[entry->id] = (struct mica_str){at, entry->text.len};
        at += entry->text.len + 1;
    }
    memset(vocab->types, TOK_NORMAL, (size_t)n);
    return tok_vocab_index(vocab) ? MICA_OK : no_memory(err);
}

static enum mica_status add_added(struct mica_tokenizer *tok, const json_t *added, struct mica_err *err)
{
    for (size_t i = 0; i < json_array_size(added); i++) {
        const json_t *item = json_array_get(added, i);
        struct tok_added_token token = {
            .id = (int32_t)json_integer_value(json_object_get(item, "id")),
            .single_word = flag(item, "single_word"),
            .lstrip = flag(item, "lstrip"),
            .rstrip = flag(item, "rstrip"),
            .special = flag(item, "special"),
        };
        tok->vocab.types[token.id] = token.special ? TOK_CONTROL : TOK_USER_DEFINED;
        const json_t *normalized = json_object_get(item, "normalized");
        if (!tok_added_add(tok, token, normalized ? json_is_true(normalized) : !token.special))
            return no_memory(err);
    }
    return MICA_OK;
}

static int32_t find_named(const struct mica_tokenizer *tok, const json_t *node)
{
    struct mica_str text = tok_json_str(node);
    return text.data ? tok_vocab_find(&tok->vocab, text.data, text.len) : -1;
}

/* Copies the two strings; the first goes to *a, the second to *b. */
static bool keep_strings(struct mica_tokenizer *tok, struct mica_str first, struct mica_str second,
                         struct mica_str *a, struct mica_str *b)
{
    char *text = mica_alloc(first.len + second.len + 1, 1);
    if (!text)
        return false;
    if (first.len)
        memcpy(text, first.data, first.len);
    if (second.len)
        memcpy(text + first.len, second.data, second.len);
    *a = (struct mica_str){text, first.len};
    *b = (struct mica_str){text + first.len, second.len};
    tok->prefix_text = text;
    return true;
}

static enum mica_status add_merges(struct mica_tokenizer *tok, const json_t *merges,
                                   const struct tok_lifted *lifted, struct mica_err *err)
{
    int32_t guess = -1;
    for (int64_t i = 0; i < lifted->n_merges; i++)
        tok_bpe_add_merge(tok, lifted->merges[i].left, lifted->merges[i].right, (int32_t)i, &guess);
    for (size_t i = 0; i < json_array_size(merges); i++) {
        const json_t *merge = json_array_get(merges, i);
        struct tok_merge_pair pair = {tok_json_str(json_array_get(merge, 0)),
                                      tok_json_str(json_array_get(merge, 1))};
        if (json_is_string(merge))
            tok_merge_split(tok_json_str(merge), &pair);
        if (!pair.left.len || !pair.right.len)
            return mica_fail(err, MICA_EFORMAT, "tokenizer.json: merge %zu is no pair", i);
        tok_bpe_add_merge(tok, pair.left, pair.right, (int32_t)i, &guess);
    }
    return MICA_OK;
}

static enum mica_status load_bpe(struct mica_tokenizer *tok, const json_t *model,
                                 const struct tok_lifted *lifted, struct mica_err *err)
{
    const json_t *merges = json_object_get(model, "merges");
    tok->model = &tok_model_bpe;
    tok->bpe.ignore_merges = flag(model, "ignore_merges");
    tok->bpe.fuse_unk = flag(model, "fuse_unk");
    tok->bpe.unk = tok->unk;
    if (!json_is_array(merges) || json_array_size(merges) > 1 << 28)
        return mica_fail(err, MICA_EFORMAT, "tokenizer.json: a BPE model without merges");
    if (!keep_strings(tok, tok_json_str(json_object_get(model, "continuing_subword_prefix")),
                      tok_json_str(json_object_get(model, "end_of_word_suffix")), &tok->bpe.prefix,
                      &tok->bpe.suffix) ||
        !tok_bpe_reserve(&tok->bpe, lifted->has_merges ? lifted->n_merges : (int64_t)json_array_size(merges)))
        return no_memory(err);
    /* The last pre-tokenizer's printable characters stand for bytes, and the model can take those as they
     * are. */
    struct tok_steps *pre = &tok->pretokenizers;
    if (pre->n && pre->at[pre->n - 1].kind == TOK_PRE_BYTES && !tok->bpe.prefix.len) {
        pre->n--;
        tok->bpe.takes_bytes = true;
    }
    tok_bpe_prepare(tok);
    return add_merges(tok, merges, lifted, err);
}

static enum mica_status load_unigram(struct mica_tokenizer *tok, const json_t *model, struct mica_err *err)
{
    const json_t *vocab = json_object_get(model, "vocab"), *unk = json_object_get(model, "unk_id");
    tok->model = &tok_model_unigram;
    tok->unigram.scores = mica_alloc((size_t)tok->vocab.n, sizeof *tok->unigram.scores);
    if (!tok->unigram.scores)
        return no_memory(err);
    for (int32_t id = 0; id < tok->vocab.n; id++)
        tok->unigram.scores[id] = NAN; /* added tokens are none of the model's */
    for (size_t i = 0; i < json_array_size(vocab); i++) {
        const json_t *score = json_array_get(json_array_get(vocab, i), 1);
        tok->unigram.scores[i] = json_number_value(score);
        if (!json_is_number(score) || !isfinite(tok->unigram.scores[i]))
            return mica_fail(err, MICA_EFORMAT, "tokenizer.json: token %zu has no score", i);
    }
    if (json_is_integer(unk)) {
        json_int_t id = json_integer_value(unk);
        if (id < 0 || id >= tok->vocab.n)
            return mica_fail(err, MICA_EFORMAT, "tokenizer.json: unk_id is %lld", (long long)id);
        tok->unk = (int32_t)id;
        if (tok->vocab.types[id] == TOK_NORMAL)
            tok->vocab.types[id] = TOK_UNKNOWN;
    }
    return tok_unigram_prepare(tok) ? MICA_OK : no_memory(err);
}

static enum mica_status load_words(struct mica_tokenizer *tok, const json_t *model, bool pieces,
                                   struct mica_err *err)
{
    tok->model = pieces ? &tok_model_wordpiece : &tok_model_wordlevel;
    if (!pieces)
        return MICA_OK;
    const json_t *max = json_object_get(model, "max_input_chars_per_word");
    json_int_t n = json_is_integer(max) ? json_integer_value(max) : 100;
    struct mica_str none;
    tok->max_word_chars = n > 0 ? (size_t)n : 1;
    return keep_strings(tok, tok_json_str(json_object_get(model, "continuing_subword_prefix")),
                        (struct mica_str){NULL, 0}, &tok->continuing_prefix, &none)
               ? MICA_OK
               : no_memory(err);
}

/* The lifted vocabulary becomes the entries. */
static enum mica_status take_lifted(struct entries *entries, struct tok_lifted *lifted, struct mica_err *err)
{
    *entries =
        (struct entries){.at = lifted->vocab, .n = lifted->n_vocab, .capacity = lifted->vocab_capacity};
    lifted->vocab = NULL;
    for (int64_t i = 0; i < entries->n; i++) {
        const struct tok_entry *entry = &entries->at[i];
        if (entry->id > MAX_ID)
            return mica_fail(err, MICA_EFORMAT, "tokenizer.json: the token \"%.*s\" has the id %lld",
                             entry->text.len < 60 ? (int)entry->text.len : 60, entry->text.data,
                             (long long)entry->id);
        entries->max_id = entry->id > entries->max_id ? entry->id : entries->max_id;
        entries->bytes += entry->text.len + 1;
    }
    return MICA_OK;
}

static enum mica_status read_vocab(struct mica_tokenizer *tok, json_t *vocab, const json_t *added,
                                   struct tok_lifted *lifted, struct mica_err *err)
{
    struct entries entries = {0};
    enum mica_status status;
    if (json_is_array(vocab))
        status = collect_list(&entries, vocab, err);
    else if (lifted->has_vocab)
        status = take_lifted(&entries, lifted, err);
    else
        status = collect_map(&entries, vocab, err);
    if (status == MICA_OK)
        status = collect_added(&entries, added, err);
    if (status == MICA_OK)
        status = build_vocab(tok, &entries, err);
    mica_free(entries.at);
    return status == MICA_OK ? add_added(tok, added, err) : status;
}

enum mica_status tok_json_model(struct mica_tokenizer *tok, const json_t *root, struct tok_lifted *lifted,
                                struct mica_err *err)
{
    const json_t *model = json_object_get(root, "model"), *added = json_object_get(root, "added_tokens");
    json_t *vocab = json_object_get(model, "vocab");
    const char *type = json_string_value(json_object_get(model, "type"));
    /* Older files leave the type out. */
    if (!type)
        type = json_object_get(model, "merges") ? "BPE" : json_is_array(vocab) ? "Unigram" : "WordPiece";
    bool unigram = strcmp(type, "Unigram") == 0, bpe = strcmp(type, "BPE") == 0;
    bool pieces = strcmp(type, "WordPiece") == 0;
    if (!bpe && !unigram && !pieces && strcmp(type, "WordLevel") != 0)
        return mica_fail(err, MICA_EUNSUPPORTED, "tokenizer.json: the model \"%.60s\" is not supported",
                         type);
    if (unigram ? !json_is_array(vocab) : !json_is_object(vocab))
        return mica_fail(err, MICA_EFORMAT, "tokenizer.json: the model has no vocabulary");
    enum mica_status status = read_vocab(tok, vocab, added, lifted, err);
    if (status != MICA_OK)
        return status;
    tok->unk = find_named(tok, json_object_get(model, "unk_token"));
    if (flag(model, "byte_fallback"))
        tok->byte_fallback = tok_byte_tokens(&tok->vocab, tok->fallback_id);
    snprintf(tok->kind, sizeof tok->kind, "%s", unigram ? "unigram" : type);
    if (bpe)
        return load_bpe(tok, model, lifted, err);
    return unigram ? load_unigram(tok, model, err) : load_words(tok, model, pieces, err);
}
