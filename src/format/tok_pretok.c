/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Splits text into the words that the model may not cross. Each step splits what the steps before left; a
 * step that rewrites text (a space in front, ▁ for spaces) writes a new text and new splits. */
#include "format/tok_internal.h"

#include <string.h>

/* One step's work: words in, words out. */
struct pass {
    struct tok_scratch *scratch;
    const struct tok_step *step;
    const char *text;
    struct tok_splits *out;
    bool first_at_start; /* the first word begins the whole text */
};

static bool push_split(struct tok_splits *splits, size_t begin, size_t len)
{
    if (!len)
        return true;
    if (!mica_grow(&splits->at, splits->n, &splits->capacity, sizeof *splits->at))
        return false;
    splits->at[splits->n++] = (struct tok_split){begin, len};
    return true;
}

/* Collects the pieces of one word under a behaviour. */
struct collector {
    struct tok_splits *out;
    enum tok_behaviour behaviour;
    bool invert;
    size_t begin; /* of the piece that is not yet written */
    size_t end;
    bool open; /* there is one */
    bool was_match;
};

static bool collect(struct collector *c, size_t begin, size_t end, bool is_match)
{
    is_match = is_match != c->invert;
    bool ok = true, join = false;
    switch (c->behaviour) {
    case TOK_REMOVED:
        return is_match || push_split(c->out, begin, end - begin);
    case TOK_ISOLATED:
        return push_split(c->out, begin, end - begin);
    case TOK_CONTIGUOUS:
        join = c->open && is_match == c->was_match;
        break;
    case TOK_MERGED_WITH_PREVIOUS:
        join = c->open && is_match && !c->was_match;
        break;
    case TOK_MERGED_WITH_NEXT:
        /* A separator opens the piece that the next non-separator joins. */
        join = c->open && c->was_match && !is_match;
        break;
    }
    if (join) {
        c->end = end;
    } else {
        if (c->open)
            ok = push_split(c->out, c->begin, c->end - c->begin);
        c->begin = begin;
        c->end = end;
        c->open = true;
    }
    c->was_match = is_match;
    return ok;
}

static bool collect_end(struct collector *c)
{
    return !c->open || push_split(c->out, c->begin, c->end - c->begin);
}

static bool find_next(const struct pass *pass, const char *text, size_t len, size_t from, size_t *begin,
                      size_t *end)
{
    const struct tok_step *step = pass->step;
    if (step->regex)
        return tok_regex_find(step->regex, pass->scratch->matcher, text, len, from, begin, end);
    if (!step->pattern_len)
        return false;
    const char *at = from < len ? memmem(text + from, len - from, step->pattern, step->pattern_len) : NULL;
    if (!at)
        return false;
    *begin = (size_t)(at - text);
    *end = *begin + step->pattern_len;
    return true;
}

static bool split_pattern(struct pass *pass, struct tok_split word)
{
    struct collector c = {pass->out, pass->step->behaviour, pass->step->invert};
    const char *text = pass->text + word.begin;
    size_t from = 0, done = 0, begin, end;
    while (from <= word.len && find_next(pass, text, word.len, from, &begin, &end)) {
        if (begin > done && !collect(&c, word.begin + done, word.begin + begin, false))
            return false;
        if (!collect(&c, word.begin + begin, word.begin + end, true))
            return false;
        done = from = end;
        if (end == begin) { /* an empty match: go on behind the next character */
            if (end >= word.len)
                break;
            from += (size_t)tok_utf8_len(text + end, word.len - end);
        }
    }
    if (done < word.len && !collect(&c, word.begin + done, word.begin + word.len, false))
        return false;
    return collect_end(&c);
}

static bool is_chinese_or_bert_punctuation(uint32_t c)
{
    if (c < 0x80)
        return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
    return tok_is_punctuation(c);
}

/* Splits at characters of a class. */
static bool split_class(struct pass *pass, struct tok_split word)
{
    const struct tok_step *step = pass->step;
    struct collector c = {pass->out, step->behaviour, step->invert};
    size_t run = word.begin, end = word.begin + word.len;
    int n;
    for (size_t i = word.begin; i < end; i += (size_t)n) {
        uint32_t ch = tok_utf8_get(pass->text + i, &n);
        bool match = step->kind == TOK_PRE_DIGITS       ? tok_is_number(ch)
                     : step->kind == TOK_PRE_WHITESPACE ? tok_is_space(ch)
                                                        : is_chinese_or_bert_punctuation(ch);
        if (!match)
            continue;
        if (i > run && !collect(&c, run, i, false))
            return false;
        if (!collect(&c, i, i + (size_t)n, true))
            return false;
        run = i + (size_t)n;
    }
    if (run < end && !collect(&c, run, end, false))
        return false;
    return collect_end(&c);
}

/* BERT: spaces go, punctuation stands alone. */
static bool split_bert(struct pass *pass, struct tok_split word)
{
    size_t run = word.begin, end = word.begin + word.len;
    int n;
    for (size_t i = word.begin; i < end; i += (size_t)n) {
        uint32_t ch = tok_utf8_get(pass->text + i, &n);
        bool space = tok_is_space(ch);
        if (!space && !is_chinese_or_bert_punctuation(ch))
            continue;
        if (!push_split(pass->out, run, i - run) || (!space && !push_split(pass->out, i, (size_t)n)))
            return false;
        run = i + (size_t)n;
    }
    return push_split(pass->out, run, end - run);
}

/* ▁ for spaces, one in front, and a split before each. */
static bool split_metaspace(struct pass *pass, struct tok_split word, struct mica_buf *out)
{
    const struct tok_step *step = pass->step;
    const char *space = step->content, *text = pass->text + word.begin;
    size_t n_space = step->content_len, begin = out->len;
    int scheme = step->option & 3;
    bool prepend = scheme == TOK_META_ALWAYS || (scheme == TOK_META_FIRST && pass->first_at_start);
    bool has = word.len && (text[0] == ' ' || (word.len >= n_space && memcmp(text, space, n_space) == 0));
    if (prepend && !has)
        mica_buf_append(out, space, n_space);
    for (size_t i = 0; i < word.len; i++)
        if (text[i] == ' ')
            mica_buf_append(out, space, n_space);
        else
            mica_buf_append(out, text + i, 1);
    if (out->failed)
        return false;
    if (!(step->option & TOK_META_SPLIT) || !n_space)
        return push_split(pass->out, begin, out->len - begin);
    size_t run = begin;
    for (size_t i = begin; i + n_space <= out->len; i++)
        if (memcmp(out->data + i, space, n_space) == 0) {
            if (!push_split(pass->out, run, i - run))
                return false;
            run = i;
            i += n_space - 1;
        }
    return push_split(pass->out, run, out->len - run);
}

/* A space in front of each word that has none. */
static bool prefix_space(struct pass *pass, struct tok_split word, struct mica_buf *out)
{
    size_t begin = out->len;
    if (pass->text[word.begin] != ' ')
        mica_buf_append(out, " ", 1);
    mica_buf_append(out, pass->text + word.begin, word.len);
    return !out->failed && push_split(pass->out, begin, out->len - begin);
}

/* Bytes as printable characters: needed when another step or a model of characters follows. */
static bool rewrite_bytes(struct pass *pass, struct tok_split word, struct mica_buf *out)
{
    size_t begin = out->len;
    char utf8[4];
    for (size_t i = 0; i < word.len; i++)
        mica_buf_append(out, utf8,
                        (size_t)tok_utf8_put(tok_byte_to_char((uint8_t)pass->text[word.begin + i]), utf8));
    return !out->failed && push_split(pass->out, begin, out->len - begin);
}

static bool run_step(struct pass *pass, const struct tok_splits *in, struct mica_buf *buf)
{
    for (int64_t i = 0; i < in->n; i++) {
        bool ok = false;
        switch (pass->step->kind) {
        case TOK_PRE_SPLIT:
            ok = split_pattern(pass, in->at[i]);
            break;
        case TOK_PRE_BERT:
            ok = split_bert(pass, in->at[i]);
            break;
        case TOK_PRE_METASPACE:
            ok = split_metaspace(pass, in->at[i], buf);
            break;
        case TOK_PRE_BYTES:
            ok = rewrite_bytes(pass, in->at[i], buf);
            break;
        case TOK_PRE_SPACE:
            ok = prefix_space(pass, in->at[i], buf);
            break;
        default:
            ok = split_class(pass, in->at[i]);
            break;
        }
        if (!ok)
            return false;
        pass->first_at_start = false;
    }
    return true;
}

bool tok_words(struct tok_scratch *scratch, const char *text, size_t len, bool at_start)
{
    const struct mica_tokenizer *tok = scratch->tok;
    struct tok_splits *in = &scratch->splits[0], *out = &scratch->splits[1];
    in->n = 0;
    if (!push_split(in, 0, len))
        return false;
    for (int i = 0, turn = 0; i < tok->pretokenizers.n; i++) {
        const struct tok_step *step = &tok->pretokenizers.at[i];
        struct pass pass = {scratch, step, text, out, at_start};
        bool rewrites =
            step->kind == TOK_PRE_BYTES || step->kind == TOK_PRE_SPACE || step->kind == TOK_PRE_METASPACE;
        struct mica_buf *buf = &scratch->words[turn];
        buf->len = rewrites ? 0 : buf->len;
        out->n = 0;
        if (!run_step(&pass, in, buf))
            return false;
        if (rewrites) {
            text = buf->data;
            turn ^= 1;
        }
        struct tok_splits *swap = in;
        in = out;
        out = swap;
    }
    for (int64_t i = 0; i < in->n; i++)
        if (!tok->model->encode(scratch, text + in->at[i].begin, in->at[i].len))
            return false;
    return true;
}
