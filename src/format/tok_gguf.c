/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Tokenizers from GGUF metadata (tokenizer.ggml.…). */
#include "format/tok_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#define KEY(name) "tokenizer.ggml." name
#define PT_NEXT   "\036"
static const char lower_block[] = "\xE2\x96\x81"; /* ▁, how SentencePiece writes a space */

enum {
    PRETOK_IGNORE_MERGES = 1,
    PRETOK_ADD_BOS = 2,
    PRETOK_NFC = 4,
    PRETOK_CHARS = 8,   /* symbols are characters and not bytes, with byte tokens for the rest */
    PRETOK_SPACES = 16, /* spaces are written ▁ */
};

static const struct pretok {
    const char *names;
    int flags;
    const char *patterns;
} pretoks[] = {
#define X(names, flags, patterns) {names, flags, patterns},
#include "format/pretok.def"
#undef X
};

static bool has_name(const char *names, struct mica_str name)
{
    while (*names) {
        size_t n = strcspn(names, " ");
        if (n == name.len && memcmp(names, name.data, n) == 0)
            return true;
        names += n;
        names += *names == ' ';
    }
    return false;
}

static const struct pretok *find_pretok(struct mica_str name)
{
    for (size_t i = 0; i < MICA_COUNT(pretoks); i++)
        if (has_name(pretoks[i].names, name))
            return &pretoks[i];
    return NULL;
}

static bool equals(struct mica_str s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.data, text, s.len) == 0;
}

static enum mica_status no_memory(struct mica_err *err)
{
    return mica_fail(err, MICA_ENOMEM, "tokenizer: out of memory");
}

static enum mica_status read_types(struct mica_tokenizer *tok, const struct mica_gguf *gguf,
                                   struct mica_err *err)
{
    int64_t n = mica_gguf_array_len(gguf, KEY("token_type")), type;
    tok->vocab.types = mica_alloc((size_t)tok->vocab.n, 1);
    if (!tok->vocab.types)
        return no_memory(err);
    if (n >= 0 && n < tok->vocab.n)
        return mica_fail(err, MICA_EFORMAT,
                         "tokenizer.ggml.token_type has %" PRId64 " entries for %" PRId32 " tokens", n,
                         tok->vocab.n);
    for (int32_t id = 0; id < tok->vocab.n; id++) {
        tok->vocab.types[id] = TOK_NORMAL;
        if (n < 0)
            continue;
        if (!mica_gguf_array_int(gguf, KEY("token_type"), id, &type))
            return mica_fail(err, MICA_EFORMAT, "tokenizer.ggml.token_type is no array of integers");
        if (type < TOK_UNDEFINED || type > TOK_BYTE)
            return mica_fail(err, MICA_EFORMAT,
                             "tokenizer.ggml.token_type: token %" PRId32 " has type %" PRId64, id, type);
        tok->vocab.types[id] = type == TOK_UNDEFINED ? TOK_NORMAL : (uint8_t)type;
    }
    return MICA_OK;
}

static enum mica_status read_scores(struct mica_tokenizer *tok, const struct mica_gguf *gguf,
                                    struct mica_err *err)
{
    int64_t n = mica_gguf_array_len(gguf, KEY("scores"));
    double score;
    tok->vocab.scores = mica_alloc((size_t)tok->vocab.n, sizeof *tok->vocab.scores);
    if (!tok->vocab.scores)
        return no_memory(err);
    if (n >= 0 && n < tok->vocab.n)
        return mica_fail(err, MICA_EFORMAT,
                         "tokenizer.ggml.scores has %" PRId64 " entries for %" PRId32 " tokens", n,
                         tok->vocab.n);
    for (int32_t id = 0; n >= 0 && id < tok->vocab.n; id++) {
        if (!mica_gguf_array_float(gguf, KEY("scores"), id, &score) || score != score)
            return mica_fail(err, MICA_EFORMAT, "tokenizer.ggml.scores: token %" PRId32 " has no number", id);
        tok->vocab.scores[id] = (float)score;
    }
    return MICA_OK;
}

/* The tokens' texts, taken out of the file's mapping: who writes into the file later changes no answer. */
static bool copy_tokens(struct tok_vocab *vocab, const struct mica_str *tokens)
{
    size_t bytes = 0, n = (size_t)vocab->n;
    for (size_t i = 0; i < n; i++)
        bytes += tokens[i].len; /* fits: they do not overlap in the file */
    vocab->owned = mica_alloc(n, sizeof *vocab->owned);
    vocab->blob = mica_alloc(bytes + 1, 1);
    if (!vocab->owned || !vocab->blob)
        return false;
    for (size_t i = 0, at = 0; i < n; at += tokens[i++].len) {
        if (tokens[i].len)
            memcpy(vocab->blob + at, tokens[i].data, tokens[i].len);
        vocab->owned[i] = (struct mica_str){vocab->blob + at, tokens[i].len};
    }
    vocab->tokens = vocab->owned;
    return true;
}

static enum mica_status read_vocab(struct mica_tokenizer *tok, const struct mica_gguf *gguf,
                                   struct mica_err *err)
{
    int64_t n;
    const struct mica_str *tokens = mica_gguf_array_strs(gguf, KEY("tokens"), &n);
    if (!tokens)
        return mica_fail(err, MICA_EFORMAT, "the file has no vocabulary (tokenizer.ggml.tokens)");
    if (n < 1 || n > 1 << 28)
        return mica_fail(err, MICA_EFORMAT, "tokenizer.ggml.tokens has %" PRId64 " entries", n);
    tok->vocab.n = (int32_t)n;
    if (!copy_tokens(&tok->vocab, tokens))
        return no_memory(err);
    enum mica_status status = read_types(tok, gguf, err);
    if (status == MICA_OK && !tok_vocab_index(&tok->vocab))
        status = no_memory(err);
    return status;
}

/* Reads an id; -1 when the key is absent. */
static enum mica_status read_id(const struct mica_tokenizer *tok, const struct mica_gguf *gguf,
                                const char *key, int32_t *out, struct mica_err *err)
{
    int64_t id;
    if (!mica_gguf_int(gguf, key, &id) || id == -1 || id == UINT32_MAX)
        return MICA_OK;
    if (id < 0 || id >= tok->vocab.n)
        return mica_fail(err, MICA_EFORMAT, "%s is %" PRId64 ", but there are %" PRId32 " tokens", key, id,
                         tok->vocab.n);
    *out = (int32_t)id;
    return MICA_OK;
}

static enum mica_status read_merges(struct mica_tokenizer *tok, const struct mica_gguf *gguf, bool required,
                                    struct mica_err *err)
{
    int64_t n = 0;
    const struct mica_str *merges = mica_gguf_array_strs(gguf, KEY("merges"), &n);
    if (!merges && required)
        return mica_fail(err, MICA_EFORMAT, "a BPE vocabulary without tokenizer.ggml.merges");
    if (n > 1 << 28)
        return mica_fail(err, MICA_EFORMAT, "tokenizer.ggml.merges has %" PRId64 " entries", n);
    if (!tok_bpe_reserve(&tok->bpe, n))
        return no_memory(err);
    int32_t guess = -1;
    for (int64_t i = 0; merges && i < n; i++) {
        struct mica_str merge = merges[i];
        /* The first character may itself be a space in vocabularies of characters. */
        const char *space = merge.len > 1 ? memchr(merge.data + 1, ' ', merge.len - 1) : NULL;
        if (!space || space + 1 == merge.data + merge.len)
            return mica_fail(err, MICA_EFORMAT, "tokenizer.ggml.merges: entry %" PRId64 " is no pair", i);
        struct mica_str left = {merge.data, (size_t)(space - merge.data)};
        struct mica_str right = {space + 1, merge.len - left.len - 1};
        tok_bpe_add_merge(tok, left, right, (int32_t)i, &guess);
    }
    return MICA_OK;
}

static struct tok_step *add_step(struct tok_steps *steps, enum tok_step_kind kind, const char *pattern,
                                 const char *content)
{
    struct tok_step *step = tok_step_add(steps, kind);
    if (!step)
        return NULL;
    if (pattern) {
        step->pattern = mica_strdup(pattern);
        step->pattern_len = strlen(pattern);
        if (!step->pattern)
            return NULL;
    }
    return content && !tok_step_content(step, content, strlen(content)) ? NULL : step;
}

/* ▁ back to spaces, byte tokens to bytes, and the space that was put in front is taken away. */
static bool add_space_decoders(struct mica_tokenizer *tok, bool space_prefix)
{
    struct tok_step *strip = NULL;
    bool ok = add_step(&tok->decoders, TOK_DEC_REPLACE, lower_block, " ") &&
              add_step(&tok->decoders, TOK_DEC_BYTE_FALLBACK, NULL, NULL);
    if (ok && space_prefix) {
        strip = add_step(&tok->decoders, TOK_DEC_STRIP, NULL, " ");
        ok = strip != NULL;
        if (ok)
            strip->option = 1;
    }
    return ok;
}

static enum mica_status add_patterns(struct mica_tokenizer *tok, const char *patterns, struct mica_err *err)
{
    enum mica_status status = MICA_OK;
    while (status == MICA_OK && *patterns) {
        size_t n = strcspn(patterns, PT_NEXT);
        struct tok_step *step = add_step(&tok->pretokenizers, TOK_PRE_SPLIT, NULL, NULL);
        if (!step)
            return no_memory(err);
        step->behaviour = TOK_ISOLATED;
        status = tok_regex_new(patterns, n, &step->regex, err);
        patterns += n;
        patterns += *patterns != 0;
    }
    return status;
}

/* What differs between the kinds of vocabulary before the file's own flags. */
struct defaults {
    bool add_bos, add_eos, space_prefix;
};

static enum mica_status load_bpe(struct mica_tokenizer *tok, const struct mica_gguf *gguf,
                                 const char *pre_override, struct defaults *defaults, struct mica_err *err)
{
    struct mica_str pre = {"default", 7};
    mica_gguf_str(gguf, KEY("pre"), &pre.data, &pre.len);
    if (pre_override)
        pre = (struct mica_str){pre_override, strlen(pre_override)};
    const struct pretok *row = find_pretok(pre);
    if (!row)
        return mica_fail(err, MICA_EUNSUPPORTED,
                         "the pre-tokenizer \"%.*s\" (tokenizer.ggml.pre) is not supported",
                         (int)(pre.len < 80 ? pre.len : 80), pre.data);
    tok->model = &tok_model_bpe;
    tok->raw_added = true;
    snprintf(tok->kind, sizeof tok->kind, "BPE (%.*s)", (int)(pre.len < 80 ? pre.len : 80), pre.data);
    tok->bpe.takes_bytes = !(row->flags & PRETOK_CHARS);
    tok->bpe.ignore_merges = row->flags & PRETOK_IGNORE_MERGES;
    defaults->add_bos = row->flags & PRETOK_ADD_BOS;
    struct tok_step *form = NULL;
    if ((row->flags & PRETOK_NFC) && !(form = add_step(&tok->normalizers, TOK_NORM_FORM, NULL, NULL)))
        return no_memory(err);
    if (form)
        form->option = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    if ((row->flags & PRETOK_SPACES) && !add_step(&tok->normalizers, TOK_NORM_REPLACE, " ", lower_block))
        return no_memory(err);
    enum mica_status status = add_patterns(tok, row->patterns, err);
    if (status == MICA_OK)
        status = read_merges(tok, gguf, !equals(pre, "kimi-k2"), err);
    if (status != MICA_OK)
        return status;
    tok_bpe_prepare(tok);
    if (tok->bpe.takes_bytes)
        return add_step(&tok->decoders, TOK_DEC_BYTES, NULL, NULL) ? MICA_OK : no_memory(err);
    /* A run of newlines is one token where the vocabulary has it, whatever the merges say. */
    tok->byte_fallback = tok_byte_tokens(&tok->vocab, tok->fallback_id);
    tok->bpe.whole_newlines = true;
    return add_space_decoders(tok, false) ? MICA_OK : no_memory(err);
}

static enum mica_status load_spm(struct mica_tokenizer *tok, const struct mica_gguf *gguf,
                                 struct defaults *defaults, struct mica_err *err)
{
    *defaults = (struct defaults){.add_bos = true, .space_prefix = true};
    mica_gguf_bool(gguf, KEY("add_space_prefix"), &defaults->space_prefix);
    tok->model = &tok_model_spm;
    tok->raw_added = true;
    snprintf(tok->kind, sizeof tok->kind, "SentencePiece BPE");
    tok->byte_fallback = tok_byte_tokens(&tok->vocab, tok->fallback_id);
    enum mica_status status = read_scores(tok, gguf, err);
    if (status != MICA_OK)
        return status;
    if ((defaults->space_prefix && !add_step(&tok->normalizers, TOK_NORM_PREPEND, NULL, " ")) ||
        !add_step(&tok->normalizers, TOK_NORM_REPLACE, " ", lower_block) ||
        !add_space_decoders(tok, defaults->space_prefix))
        return no_memory(err);
    return MICA_OK;
}

static enum mica_status read_charsmap(struct mica_tokenizer *tok, const struct mica_gguf *gguf,
                                      struct mica_err *err)
{
    int64_t n = mica_gguf_array_len(gguf, KEY("precompiled_charsmap")), byte;
    if (n <= 0)
        return MICA_OK;
    uint8_t *data = n <= 1 << 28 ? mica_alloc((size_t)n, 1) : NULL;
    if (!data)
        return no_memory(err);
    enum mica_status status = MICA_OK;
    for (int64_t i = 0; i < n && status == MICA_OK; i++) {
        if (!mica_gguf_array_int(gguf, KEY("precompiled_charsmap"), i, &byte))
            status = mica_fail(err, MICA_EFORMAT, "tokenizer.ggml.precompiled_charsmap is no array of bytes");
        data[i] = (uint8_t)byte;
    }
    if (status == MICA_OK)
        status = tok_charsmap_init(&tok->charsmap, data, (size_t)n, err);
    mica_free(data);
    tok->charsmap.longest = true;
    if (status == MICA_OK && !add_step(&tok->normalizers, TOK_NORM_CHARSMAP, NULL, NULL))
        status = no_memory(err);
    return status;
}

static enum mica_status load_unigram(struct mica_tokenizer *tok, const struct mica_gguf *gguf,
                                     struct defaults *defaults, struct mica_err *err)
{
    bool merge = false;
    *defaults = (struct defaults){.add_eos = true, .space_prefix = true};
    mica_gguf_bool(gguf, KEY("add_space_prefix"), &defaults->space_prefix);
    mica_gguf_bool(gguf, KEY("remove_extra_whitespaces"), &merge);
    tok->model = &tok_model_unigram;
    tok->raw_added = true;
    snprintf(tok->kind, sizeof tok->kind, "unigram");
    enum mica_status status = read_scores(tok, gguf, err);
    if (status == MICA_OK)
        status = read_charsmap(tok, gguf, err);
    if (status != MICA_OK)
        return status;
    struct tok_step *spaces = add_step(&tok->normalizers, TOK_NORM_SPACES, NULL, lower_block);
    if (!spaces || !(tok->unigram.scores = mica_alloc((size_t)tok->vocab.n, sizeof *tok->unigram.scores)))
        return no_memory(err);
    spaces->option = (defaults->space_prefix ? TOK_SPACES_PREPEND : 0) | (merge ? TOK_SPACES_MERGE : 0);
    for (int32_t id = 0; id < tok->vocab.n; id++)
        tok->unigram.scores[id] = (double)tok->vocab.scores[id];
    if (!tok_unigram_prepare(tok) || !add_space_decoders(tok, defaults->space_prefix))
        return no_memory(err);
    return MICA_OK;
}

static enum mica_status load_wordpiece(struct mica_tokenizer *tok, const struct mica_gguf *gguf,
                                       struct defaults *defaults, struct mica_err *err)
{
    bool lowercase = true, strip;
    *defaults = (struct defaults){.add_bos = true, .space_prefix = true};
    mica_gguf_bool(gguf, "tokenizer.ggml.normalizer.lowercase", &lowercase);
    strip = lowercase;
    mica_gguf_bool(gguf, "tokenizer.ggml.normalizer.strip_accents", &strip);
    tok->model = &tok_model_wordpiece;
    tok->raw_added = true;
    /* GGUF writes ▁ before the tokens that begin a word and nothing before those that go on. */
    tok->initial_prefix = (struct mica_str){lower_block, 3};
    snprintf(tok->kind, sizeof tok->kind, "WordPiece");
    struct tok_step *bert = add_step(&tok->normalizers, TOK_NORM_BERT, NULL, NULL);
    if (!bert || !add_step(&tok->pretokenizers, TOK_PRE_BERT, NULL, NULL) || !add_space_decoders(tok, true))
        return no_memory(err);
    bert->option = TOK_BERT_CLEAN | TOK_BERT_CHINESE | (lowercase ? TOK_BERT_LOWERCASE : 0) |
                   (strip ? TOK_BERT_STRIP_ACCENTS : 0);
    return MICA_OK;
}

/* The ids with a meaning, and what is added around a text. */
static enum mica_status read_special_ids(struct mica_tokenizer *tok, const struct mica_gguf *gguf,
                                         struct defaults *defaults, struct mica_err *err)
{
    int32_t cls = -1, sep = -1;
    struct {
        const char *key;
        int32_t *id;
    } keys[] = {
        {KEY("bos_token_id"), &tok->bos},     {KEY("eos_token_id"), &tok->eos},
        {KEY("unknown_token_id"), &tok->unk}, {KEY("cls_token_id"), &cls},
        {KEY("seperator_token_id"), &sep},
    };
    for (size_t i = 0; i < MICA_COUNT(keys); i++) {
        enum mica_status status = read_id(tok, gguf, keys[i].key, keys[i].id, err);
        if (status != MICA_OK)
            return status;
    }
    mica_gguf_bool(gguf, KEY("add_bos_token"), &defaults->add_bos);
    mica_gguf_bool(gguf, KEY("add_eos_token"), &defaults->add_eos);
    if (tok->bos < 0)
        tok->bos = cls;
    for (int32_t id = 0; id < tok->vocab.n && tok->unk < 0; id++)
        if (tok->vocab.types[id] == TOK_UNKNOWN)
            tok->unk = id;
    bool ok = true;
    if (defaults->add_bos && tok->bos >= 0)
        ok = mica_ids_push(&tok->before, tok->bos);
    if (ok && tok->model == &tok_model_wordpiece && sep >= 0)
        ok = mica_ids_push(&tok->after, sep);
    else if (ok && defaults->add_eos && tok->eos >= 0)
        ok = mica_ids_push(&tok->after, tok->eos);
    return ok ? MICA_OK : no_memory(err);
}

static bool contains(struct mica_str text, const char *part)
{
    return text.len && memmem(text.data, text.len, part, strlen(part));
}

/* GGUF does not say which added tokens take the spaces beside them; these models' own files do. */
static void add_strips(const struct mica_gguf *gguf, struct mica_str text, struct tok_added_token *token)
{
    struct mica_str name = {NULL, 0}, pre = {NULL, 0}, arch = {NULL, 0};
    mica_gguf_str(gguf, "general.name", &name.data, &name.len);
    mica_gguf_str(gguf, KEY("pre"), &pre.data, &pre.len);
    mica_gguf_str(gguf, "general.architecture", &arch.data, &arch.len);
    if (contains(name, "phi-3") || contains(name, "phi3") || contains(name, "Phi-3") ||
        contains(name, "Phi3"))
        token->rstrip = !equals(text, "<unk>") && !equals(text, "<s>") && !equals(text, "<|endoftext|>");
    else if (contains(pre, "jina-v2-") || contains(arch, "nomic-bert-moe") || contains(arch, "jina-bert-v3"))
        token->lstrip = equals(text, "<mask>");
    else if (contains(arch, "modern-bert"))
        token->lstrip = equals(text, "[MASK]");
}

static enum mica_status finish(struct mica_tokenizer *tok, const struct mica_gguf *gguf, struct mica_err *err)
{
    static const char *const end_keys[] = {KEY("eot_token_id"), KEY("eom_token_id")};
    static const char *const end_arrays[] = {KEY("eos_token_ids"), KEY("eot_token_ids")};
    if (mica_gguf_array_len(gguf, KEY("token_type")) < 0) {
        const int32_t special[] = {tok->bos, tok->eos, tok->unk};
        for (size_t i = 0; i < MICA_COUNT(special); i++)
            if (special[i] >= 0)
                tok->vocab.types[special[i]] = TOK_CONTROL;
    }
    for (int32_t id = 0; id < tok->vocab.n; id++) {
        uint8_t type = tok->vocab.types[id];
        if (type != TOK_CONTROL && type != TOK_USER_DEFINED && type != TOK_UNKNOWN)
            continue;
        struct tok_added_token token = {.id = id, .special = type != TOK_USER_DEFINED};
        add_strips(gguf, tok->vocab.tokens[id], &token);
        if (!tok_added_add(tok, token, false))
            return no_memory(err);
    }
    if (!tok_finish(tok))
        return no_memory(err);
    for (size_t i = 0; i < MICA_COUNT(end_keys); i++) {
        int32_t id = -1;
        enum mica_status status = read_id(tok, gguf, end_keys[i], &id, err);
        if (status != MICA_OK)
            return status;
        tok_mark_end(tok, id);
    }
    for (size_t i = 0; i < MICA_COUNT(end_arrays); i++) {
        int64_t id;
        for (int64_t j = 0; mica_gguf_array_int(gguf, end_arrays[i], j, &id); j++)
            tok_mark_end(tok, id);
    }
    return MICA_OK;
}

enum mica_status mica_tokenizer_from_gguf(const struct mica_gguf *gguf, struct mica_tokenizer **out,
                                          struct mica_err *err)
{
    struct mica_str model;
    if (!mica_gguf_str(gguf, KEY("model"), &model.data, &model.len))
        return mica_fail(err, MICA_ENOTFOUND, "the file has no tokenizer (tokenizer.ggml.model)");
    struct mica_tokenizer *tok = tok_new();
    if (!tok)
        return no_memory(err);
    struct defaults defaults = {0};
    enum mica_status status = read_vocab(tok, gguf, err);
    if (status != MICA_OK)
        goto out;
    if (equals(model, "gpt2"))
        status = load_bpe(tok, gguf, NULL, &defaults, err);
    else if (equals(model, "gemma4"))
        status = load_bpe(tok, gguf, "gemma4", &defaults, err);
    else if (equals(model, "llama"))
        status = load_spm(tok, gguf, &defaults, err);
    else if (equals(model, "t5"))
        status = load_unigram(tok, gguf, &defaults, err);
    else if (equals(model, "bert"))
        status = load_wordpiece(tok, gguf, &defaults, err);
    else
        status = mica_fail(err, MICA_EUNSUPPORTED,
                           "the tokenizer \"%.*s\" (tokenizer.ggml.model) is not supported",
                           (int)(model.len < 80 ? model.len : 80), model.data);
    if (status == MICA_OK)
        status = read_special_ids(tok, gguf, &defaults, err);
    if (status == MICA_OK)
        status = finish(tok, gguf, err);
out:
    if (status == MICA_OK)
        *out = tok;
    else
        mica_tokenizer_free(tok);
    return status;
}
