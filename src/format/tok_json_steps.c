/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* tokenizer.json's lists of steps. */
#include "format/tok_json.h"
#include "base/digits.h"

#include <string.h>
#include <utf8proc.h>

static const char gpt2_pattern[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
/* Rust's \w has the joiners, too, unlike Oniguruma's. */
#define WORD "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\x{200C}\\x{200D}"
static const char word_pattern[] = "[" WORD "]+|[^" WORD "\\s]+";

static enum mica_status no_memory(struct mica_err *err)
{
    return mica_fail(err, MICA_ENOMEM, "tokenizer.json: out of memory");
}

/* Adds a step, or fails because there are too many. */
static enum mica_status add(struct tok_steps *steps, enum tok_step_kind kind, struct tok_step **out,
                            struct mica_err *err)
{
    *out = tok_step_add(steps, kind);
    return *out ? MICA_OK : mica_fail(err, MICA_ELIMIT, "tokenizer.json: more than %d steps", TOK_MAX_STEPS);
}

static enum mica_status set_content(struct tok_step *step, const json_t *node, const char *key,
                                    struct mica_err *err)
{
    struct mica_str text = tok_json_str(json_object_get(node, key));
    if (!text.data)
        return mica_fail(err, MICA_EFORMAT, "tokenizer.json: \"%s\" is no string", key);
    return tok_step_content(step, text.data, text.len) ? MICA_OK : no_memory(err);
}

/* {"String": …} is taken literally, {"Regex": …} compiled; a plain string is literal, too. */
static enum mica_status set_pattern(struct tok_step *step, const json_t *node, struct mica_err *err)
{
    struct mica_str text = tok_json_str(node), regex = tok_json_str(json_object_get(node, "Regex"));
    if (regex.data)
        return tok_regex_new(regex.data, regex.len, &step->regex, err);
    if (!text.data)
        text = tok_json_str(json_object_get(node, "String"));
    if (!text.data)
        return mica_fail(err, MICA_EFORMAT, "tokenizer.json: a pattern is neither a string nor a regex");
    step->pattern = mica_strndup(text.data, text.len);
    step->pattern_len = text.len;
    return step->pattern ? MICA_OK : no_memory(err);
}

static bool flag(const json_t *node, const char *key, bool missing)
{
    const json_t *value = json_object_get(node, key);
    return json_is_boolean(value) ? json_is_true(value) : missing;
}

typedef enum mica_status read_steps(struct mica_tokenizer *tok, const json_t *node, int depth,
                                    struct mica_err *err);

static enum mica_status read_list(struct mica_tokenizer *tok, const json_t *list, read_steps *read, int depth,
                                  struct mica_err *err)
{
    enum mica_status status = MICA_OK;
    if (depth >= TOK_JSON_MAX_DEPTH)
        return mica_fail(err, MICA_ELIMIT, "tokenizer.json: sequences nested more than %d deep",
                         TOK_JSON_MAX_DEPTH);
    if (!json_is_array(list))
        return mica_fail(err, MICA_EFORMAT, "tokenizer.json: a sequence has no list");
    for (size_t i = 0; i < json_array_size(list) && status == MICA_OK; i++)
        status = read(tok, json_array_get(list, i), depth + 1, err);
    return status;
}

static bool is_type(const json_t *node, const char *type)
{
    const char *text = json_string_value(json_object_get(node, "type"));
    return text && strcmp(text, type) == 0;
}

static enum mica_status unsupported(const json_t *node, const char *what, struct mica_err *err)
{
    const char *type = json_string_value(json_object_get(node, "type"));
    if (!type)
        return mica_fail(err, MICA_EFORMAT, "tokenizer.json: a %s without \"type\"", what);
    return mica_fail(err, MICA_EUNSUPPORTED, "tokenizer.json: the %s \"%.60s\" is not supported", what, type);
}

/* ---- normalizers ---- */

/* Types that need no parameters but a number. */
static const struct {
    const char *type;
    enum tok_step_kind kind;
    int option;
} plain_normalizers[] = {
    {"NFC", TOK_NORM_FORM, UTF8PROC_STABLE | UTF8PROC_COMPOSE},
    {"NFD", TOK_NORM_FORM, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE},
    {"NFKC", TOK_NORM_FORM, UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT},
    {"NFKD", TOK_NORM_FORM, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT},
    {"Lowercase", TOK_NORM_LOWERCASE, 0},
    {"StripAccents", TOK_NORM_STRIP_ACCENTS, 0},
    {"Nmt", TOK_NORM_NMT, 0},
    {"ByteLevel", TOK_NORM_BYTES, 0},
};

static enum mica_status read_charsmap(struct mica_tokenizer *tok, const json_t *node, struct mica_err *err)
{
    struct mica_str text = tok_json_str(json_object_get(node, "precompiled_charsmap"));
    if (!text.data || tok->charsmap.units)
        return mica_fail(err, MICA_EFORMAT,
                         "tokenizer.json: a normalizer without or with a second precompiled_charsmap");
    struct tok_step *step;
    enum mica_status status = add(&tok->normalizers, TOK_NORM_CHARSMAP, &step, err);
    uint8_t *data = mica_alloc(text.len + 1, 1);
    size_t n = 0;
    uint32_t bits = 0;
    int n_bits = 0;
    if (!data)
        return no_memory(err);
    for (size_t i = 0; i < text.len && mica_base64_digit(text.data[i]) >= 0; i++) {
        bits = bits << 6 | (uint32_t)mica_base64_digit(text.data[i]);
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            data[n++] = (uint8_t)(bits >> n_bits);
        }
    }
    if (status == MICA_OK)
        status = tok_charsmap_init(&tok->charsmap, data, n, err);
    mica_free(data);
    return status;
}

static enum mica_status read_bert(struct mica_tokenizer *tok, const json_t *node, struct mica_err *err)
{
    struct tok_step *step;
    bool lowercase = flag(node, "lowercase", true);
    enum mica_status status = add(&tok->normalizers, TOK_NORM_BERT, &step, err);
    if (status == MICA_OK)
        step->option = (flag(node, "clean_text", true) ? TOK_BERT_CLEAN : 0) |
                       (flag(node, "handle_chinese_chars", true) ? TOK_BERT_CHINESE : 0) |
                       (flag(node, "strip_accents", lowercase) ? TOK_BERT_STRIP_ACCENTS : 0) |
                       (lowercase ? TOK_BERT_LOWERCASE : 0);
    return status;
}

enum mica_status tok_json_normalizer(struct mica_tokenizer *tok, const json_t *node, int depth,
                                     struct mica_err *err)
{
    struct tok_step *step;
    enum mica_status status = MICA_OK;
    if (!node || json_is_null(node))
        return MICA_OK;
    for (size_t i = 0; i < MICA_COUNT(plain_normalizers); i++)
        if (is_type(node, plain_normalizers[i].type)) {
            status = add(&tok->normalizers, plain_normalizers[i].kind, &step, err);
            if (status == MICA_OK)
                step->option = plain_normalizers[i].option;
            return status;
        }
    if (is_type(node, "Sequence"))
        return read_list(tok, json_object_get(node, "normalizers"), tok_json_normalizer, depth, err);
    if (is_type(node, "Precompiled"))
        return read_charsmap(tok, node, err);
    if (is_type(node, "BertNormalizer"))
        return read_bert(tok, node, err);
    if (is_type(node, "Prepend")) {
        status = add(&tok->normalizers, TOK_NORM_PREPEND, &step, err);
        return status == MICA_OK ? set_content(step, node, "prepend", err) : status;
    }
    if (is_type(node, "Replace")) {
        status = add(&tok->normalizers, TOK_NORM_REPLACE, &step, err);
        if (status == MICA_OK)
            status = set_pattern(step, json_object_get(node, "pattern"), err);
        return status == MICA_OK ? set_content(step, node, "content", err) : status;
    }
    if (is_type(node, "Strip")) {
        status = add(&tok->normalizers, TOK_NORM_STRIP, &step, err);
        if (status == MICA_OK)
            step->option =
                (flag(node, "strip_left", true) ? 1 : 0) | (flag(node, "strip_right", true) ? 2 : 0);
        return status;
    }
    return unsupported(node, "normalizer", err);
}

/* ---- pre-tokenizers ---- */

static enum mica_status read_behaviour(const json_t *node, enum tok_behaviour missing,
                                       enum tok_behaviour *out, struct mica_err *err)
{
    static const char *const names[] = {
        [TOK_REMOVED] = "Removed",
        [TOK_ISOLATED] = "Isolated",
        [TOK_MERGED_WITH_PREVIOUS] = "MergedWithPrevious",
        [TOK_MERGED_WITH_NEXT] = "MergedWithNext",
        [TOK_CONTIGUOUS] = "Contiguous",
    };
    const char *text = json_string_value(json_object_get(node, "behavior"));
    *out = missing;
    if (!text)
        return MICA_OK;
    for (size_t i = 0; i < MICA_COUNT(names); i++)
        if (strcmp(text, names[i]) == 0) {
            *out = (enum tok_behaviour)i;
            return MICA_OK;
        }
    return mica_fail(err, MICA_EUNSUPPORTED, "tokenizer.json: the behavior \"%.60s\" is not supported", text);
}

/* A step that splits by one of our own patterns. */
static enum mica_status add_regex(struct mica_tokenizer *tok, const char *pattern,
                                  enum tok_behaviour behaviour, bool invert, struct mica_err *err)
{
    struct tok_step *step;
    enum mica_status status = add(&tok->pretokenizers, TOK_PRE_SPLIT, &step, err);
    if (status != MICA_OK)
        return status;
    step->behaviour = behaviour;
    step->invert = invert;
    return tok_regex_new(pattern, strlen(pattern), &step->regex, err);
}

static enum mica_status read_byte_level(struct mica_tokenizer *tok, const json_t *node, struct mica_err *err)
{
    struct tok_step *step;
    enum mica_status status = MICA_OK;
    if (flag(node, "add_prefix_space", true))
        status = add(&tok->pretokenizers, TOK_PRE_SPACE, &step, err);
    if (status == MICA_OK && flag(node, "use_regex", true))
        status = add_regex(tok, gpt2_pattern, TOK_ISOLATED, false, err);
    return status == MICA_OK ? add(&tok->pretokenizers, TOK_PRE_BYTES, &step, err) : status;
}

static int metaspace_scheme(const json_t *node)
{
    const char *scheme = json_string_value(json_object_get(node, "prepend_scheme"));
    if (!scheme)
        return flag(node, "add_prefix_space", true) ? TOK_META_ALWAYS : TOK_META_NEVER;
    if (strcmp(scheme, "first") == 0)
        return TOK_META_FIRST;
    return strcmp(scheme, "never") == 0 ? TOK_META_NEVER : TOK_META_ALWAYS;
}

static enum mica_status read_metaspace(struct tok_steps *steps, enum tok_step_kind kind, const json_t *node,
                                       struct mica_err *err)
{
    struct tok_step *step;
    enum mica_status status = add(steps, kind, &step, err);
    if (status != MICA_OK)
        return status;
    step->option = metaspace_scheme(node);
    if (kind == TOK_PRE_METASPACE && flag(node, "split", true))
        step->option |= TOK_META_SPLIT;
    return set_content(step, node, "replacement", err);
}

static enum mica_status read_split(struct mica_tokenizer *tok, const json_t *node, struct mica_err *err)
{
    struct tok_step *step;
    enum mica_status status = add(&tok->pretokenizers, TOK_PRE_SPLIT, &step, err);
    if (status != MICA_OK)
        return status;
    if (is_type(node, "CharDelimiterSplit")) {
        step->behaviour = TOK_REMOVED;
        return set_pattern(step, json_object_get(node, "delimiter"), err);
    }
    step->invert = flag(node, "invert", false);
    status = read_behaviour(node, TOK_ISOLATED, &step->behaviour, err);
    return status == MICA_OK ? set_pattern(step, json_object_get(node, "pattern"), err) : status;
}

static enum mica_status add_class(struct mica_tokenizer *tok, enum tok_step_kind kind, const json_t *node,
                                  enum tok_behaviour behaviour, struct mica_err *err)
{
    struct tok_step *step;
    enum mica_status status = add(&tok->pretokenizers, kind, &step, err);
    return status == MICA_OK ? read_behaviour(node, behaviour, &step->behaviour, err) : status;
}

enum mica_status tok_json_pretokenizer(struct mica_tokenizer *tok, const json_t *node, int depth,
                                       struct mica_err *err)
{
    if (!node || json_is_null(node))
        return MICA_OK;
    if (is_type(node, "Sequence"))
        return read_list(tok, json_object_get(node, "pretokenizers"), tok_json_pretokenizer, depth, err);
    if (is_type(node, "ByteLevel"))
        return read_byte_level(tok, node, err);
    if (is_type(node, "Split") || is_type(node, "CharDelimiterSplit"))
        return read_split(tok, node, err);
    if (is_type(node, "Metaspace"))
        return read_metaspace(&tok->pretokenizers, TOK_PRE_METASPACE, node, err);
    if (is_type(node, "Digits"))
        return add_class(tok, TOK_PRE_DIGITS, node,
                         flag(node, "individual_digits", false) ? TOK_ISOLATED : TOK_CONTIGUOUS, err);
    if (is_type(node, "Punctuation"))
        return add_class(tok, TOK_PRE_PUNCTUATION, node, TOK_ISOLATED, err);
    if (is_type(node, "WhitespaceSplit"))
        return add_class(tok, TOK_PRE_WHITESPACE, node, TOK_REMOVED, err);
    if (is_type(node, "Whitespace"))
        return add_regex(tok, word_pattern, TOK_REMOVED, true, err);
    if (is_type(node, "BertPreTokenizer"))
        return add_class(tok, TOK_PRE_BERT, node, TOK_ISOLATED, err);
    return unsupported(node, "pre-tokenizer", err);
}

/* ---- decoders ---- */

static enum mica_status read_strip(struct mica_tokenizer *tok, const json_t *node, struct mica_err *err)
{
    struct tok_step *step;
    json_int_t start = json_integer_value(json_object_get(node, "start"));
    if (json_integer_value(json_object_get(node, "stop")) > 0)
        return mica_fail(err, MICA_EUNSUPPORTED,
                         "tokenizer.json: a decoder that strips the end is not supported");
    if (start < 0 || start > 1 << 20)
        return mica_fail(err, MICA_EFORMAT, "tokenizer.json: a decoder strips %lld characters",
                         (long long)start);
    bool fused = false;
    for (int i = 0; i < tok->decoders.n; i++)
        fused = fused || tok->decoders.at[i].kind == TOK_DEC_FUSE;
    enum mica_status status = add(&tok->decoders, TOK_DEC_STRIP, &step, err);
    if (status != MICA_OK)
        return status;
    step->option = (int)start;
    step->invert = !fused; /* before the tokens are joined, each one is stripped */
    return set_content(step, node, "content", err);
}

enum mica_status tok_json_decoder(struct mica_tokenizer *tok, const json_t *node, int depth,
                                  struct mica_err *err)
{
    struct tok_step *step;
    enum mica_status status;
    if (!node || json_is_null(node))
        return depth ? MICA_OK : add(&tok->decoders, TOK_DEC_SPACES, &step, err);
    if (is_type(node, "Sequence"))
        return read_list(tok, json_object_get(node, "decoders"), tok_json_decoder, depth, err);
    if (is_type(node, "ByteLevel"))
        return add(&tok->decoders, TOK_DEC_BYTES, &step, err);
    if (is_type(node, "ByteFallback"))
        return add(&tok->decoders, TOK_DEC_BYTE_FALLBACK, &step, err);
    if (is_type(node, "Fuse"))
        return add(&tok->decoders, TOK_DEC_FUSE, &step, err);
    if (is_type(node, "Metaspace"))
        return read_metaspace(&tok->decoders, TOK_DEC_METASPACE, node, err);
    if (is_type(node, "Strip"))
        return read_strip(tok, node, err);
    if (is_type(node, "Replace")) {
        status = add(&tok->decoders, TOK_DEC_REPLACE, &step, err);
        if (status == MICA_OK)
            status = set_pattern(step, json_object_get(node, "pattern"), err);
        if (status == MICA_OK && step->regex)
            return mica_fail(err, MICA_EUNSUPPORTED,
                             "tokenizer.json: a decoder with a regex is not supported");
        return status == MICA_OK ? set_content(step, node, "content", err) : status;
    }
    if (is_type(node, "WordPiece")) {
        status = add(&tok->decoders, TOK_DEC_WORDPIECE, &step, err);
        if (status != MICA_OK)
            return status;
        step->option = flag(node, "cleanup", true);
        return set_content(step, node, "prefix", err);
    }
    if (is_type(node, "BPEDecoder")) {
        status = add(&tok->decoders, TOK_DEC_BPE, &step, err);
        return status == MICA_OK ? set_content(step, node, "suffix", err) : status;
    }
    return unsupported(node, "decoder", err);
}

/* ---- post-processors: what is added around a text ---- */

static enum mica_status push_id(const struct mica_tokenizer *tok, struct mica_ids *list, const json_t *id,
                                struct mica_err *err)
{
    json_int_t value = json_integer_value(id);
    if (!json_is_integer(id) || value < 0 || value >= tok->vocab.n)
        return mica_fail(err, MICA_EFORMAT, "tokenizer.json: the post-processor's id %lld is no token",
                         (long long)value);
    return mica_ids_push(list, (int32_t)value) ? MICA_OK : no_memory(err);
}

static enum mica_status read_template(struct mica_tokenizer *tok, const json_t *node, struct mica_err *err)
{
    const json_t *single = json_object_get(node, "single"), *tokens = json_object_get(node, "special_tokens");
    bool seen = false;
    enum mica_status status = MICA_OK;
    if (!json_is_array(single))
        return mica_fail(err, MICA_EFORMAT, "tokenizer.json: a template without \"single\"");
    for (size_t i = 0; i < json_array_size(single) && status == MICA_OK; i++) {
        const json_t *item = json_array_get(single, i), *special = json_object_get(item, "SpecialToken");
        if (json_object_get(item, "Sequence")) {
            if (seen)
                return mica_fail(err, MICA_EUNSUPPORTED, "tokenizer.json: a template that repeats the text");
            seen = true;
            continue;
        }
        const char *name = json_string_value(json_object_get(special, "id"));
        const json_t *ids = name ? json_object_get(json_object_get(tokens, name), "ids") : NULL;
        if (!json_is_array(ids))
            return mica_fail(err, MICA_EFORMAT, "tokenizer.json: the template's token \"%.60s\" has no ids",
                             name ? name : "");
        for (size_t j = 0; j < json_array_size(ids) && status == MICA_OK; j++)
            status = push_id(tok, seen ? &tok->after : &tok->before, json_array_get(ids, j), err);
    }
    return status;
}

enum mica_status tok_json_post(struct mica_tokenizer *tok, const json_t *node, int depth,
                               struct mica_err *err)
{
    if (!node || json_is_null(node) || is_type(node, "ByteLevel"))
        return MICA_OK;
    if (is_type(node, "Sequence"))
        return read_list(tok, json_object_get(node, "processors"), tok_json_post, depth, err);
    if (is_type(node, "TemplateProcessing"))
        return read_template(tok, node, err);
    if (is_type(node, "BertProcessing") || is_type(node, "RobertaProcessing")) {
        enum mica_status status =
            push_id(tok, &tok->before, json_array_get(json_object_get(node, "cls"), 1), err);
        if (status == MICA_OK)
            status = push_id(tok, &tok->after, json_array_get(json_object_get(node, "sep"), 1), err);
        return status;
    }
    return unsupported(node, "post-processor", err);
}
