/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/licence_index.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { WHOLE = 128 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct mica_licence_index *built;

static size_t pair_slot(const struct mica_licence_index *index, uint64_t key)
{
    size_t mask = index->n_slots - 1, i = (size_t)((key * 0x9e3779b97f4a7c15u) >> 20) & mask;
    while (index->pairs[i].key && index->pairs[i].key != key)
        i = (i + 1) & mask;
    return i;
}

static uint64_t pair_key(const struct mica_licence_words *words, int64_t i)
{
    return (uint64_t)(words->words[i].id + 1) << 32 | (uint32_t)(words->words[i + 1].id + 1);
}

static bool grow_pairs(struct mica_licence_index *index)
{
    struct mica_licence_pair *old = index->pairs;
    size_t n_old = index->n_slots;
    struct mica_licence_pair *bigger = mica_alloc(n_old ? n_old * 2 : 1 << 18, sizeof *bigger);
    if (!bigger)
        return false;
    index->pairs = bigger;
    index->n_slots = n_old ? n_old * 2 : 1 << 18;
    for (size_t i = 0; i < n_old; i++)
        if (old[i].key)
            index->pairs[pair_slot(index, old[i].key)] = old[i];
    mica_free(old);
    return true;
}

int32_t mica_licence_word_id(const struct mica_licence_index *index, const char *key, size_t len)
{
    return mica_strmap_get(&index->vocabulary, key, len, -1);
}

void mica_licence_number(const struct mica_licence_index *index, struct mica_licence_words *words)
{
    for (int64_t i = 0; i < words->n; i++)
        words->words[i].id = mica_licence_word_id(index, mica_word_key(words, i), words->words[i].key_len);
}

static int32_t add_word(struct mica_licence_index *index, const char *key, size_t len)
{
    int32_t id = mica_licence_word_id(index, key, len);
    if (id >= 0)
        return id;
    const char *kept = mica_arena_strndup(&index->arena, key, len);
    return kept && mica_strmap_put(&index->vocabulary, kept, len, index->n_words) ? index->n_words++ : -1;
}

/* Writes words i and i + 1 as one; its length, 0 when that is no word. */
static size_t join(const struct mica_licence_words *words, int64_t i, char whole[WHOLE])
{
    size_t a = words->words[i].key_len, b = words->words[i + 1].key_len;
    if (a + b >= WHOLE)
        return 0;
    memcpy(whole, mica_word_key(words, i), a);
    memcpy(whole + a, mica_word_key(words, i + 1), b);
    return a + b;
}

int32_t mica_licence_whole_word(const struct mica_licence_index *index,
                                const struct mica_licence_words *words, int64_t i)
{
    char whole[WHOLE];
    size_t len = join(words, i, whole);
    return len ? mica_licence_word_id(index, whole, len) : -1;
}

/* Numbers the words of a reference text; a word broken at the end of a line is known whole, too. */
static bool add_words(struct mica_licence_index *index, struct mica_licence_words *words)
{
    for (int64_t i = 0; i < words->n; i++) {
        struct mica_licence_word *w = &words->words[i];
        w->id = add_word(index, mica_word_key(words, i), w->key_len);
        if (w->id < 0)
            return false;
        char whole[WHOLE];
        size_t len = w->flags & MICA_WORD_BROKEN && i + 1 < words->n ? join(words, i, whole) : 0;
        if (len && add_word(index, whole, len) < 0)
            return false;
    }
    return true;
}

/* What is kept of each text until all are known. */
struct counted {
    int32_t *ids;
    int64_t n;
};

static bool count_pairs(struct mica_licence_index *index, int32_t text,
                        const struct mica_licence_words *words)
{
    for (int64_t i = 0; i + 1 < words->n; i++) {
        if (index->n_pairs * 2 >= index->n_slots && !grow_pairs(index))
            return false;
        struct mica_licence_pair *pair = &index->pairs[pair_slot(index, pair_key(words, i))];
        if (!pair->key) {
            *pair = (struct mica_licence_pair){.key = pair_key(words, i), .last = -1};
            index->n_pairs++;
        }
        if (pair->last != text) {
            pair->last = text;
            pair->n++;
            index->pairs_of[text]++;
        }
    }
    return true;
}

static bool keep_ids(struct counted *counted, const struct mica_licence_words *words)
{
    counted->ids = mica_alloc((size_t)words->n, sizeof *counted->ids);
    counted->n = words->n;
    for (int64_t i = 0; counted->ids && i < words->n; i++)
        counted->ids[i] = words->words[i].id;
    return counted->ids;
}

/* Adds one to the spread of each word that the text has in small letters. last: [n_words] */
static bool count_spread(struct mica_licence_index *index, int32_t text,
                         const struct mica_licence_words *words, int32_t **last, int64_t *capacity)
{
    if (index->n_words > *capacity) {
        int64_t wanted = (int64_t)index->n_words * 2;
        int32_t *more = mica_realloc(*last, (size_t)wanted, sizeof **last);
        if (more)
            *last = more;
        int32_t *spread = more ? mica_realloc(index->spread, (size_t)wanted, sizeof *spread) : NULL;
        if (!spread)
            return false;
        index->spread = spread;
        for (int64_t i = *capacity; i < wanted; i++)
            (*last)[i] = -1, index->spread[i] = 0;
        *capacity = wanted;
    }
    for (int64_t i = 0; i < words->n; i++) {
        const struct mica_licence_word *w = &words->words[i];
        if (*last && w->flags & MICA_WORD_LOWER && !(w->flags & MICA_WORD_BRACKET) &&
            (*last)[w->id] != text) {
            (*last)[w->id] = text;
            index->spread[w->id]++;
        }
    }
    return true;
}

static bool list_holders(struct mica_licence_index *index, const struct counted *counted)
{
    int64_t total = 0;
    for (size_t i = 0; i < index->n_slots; i++) {
        index->pairs[i].first = (int32_t)total;
        total += index->pairs[i].n;
        index->pairs[i].n = 0;
        index->pairs[i].last = -1;
    }
    index->holders = mica_alloc((size_t)total, sizeof *index->holders);
    if (!index->holders)
        return false;
    for (int32_t t = 0; t < index->n_texts; t++)
        for (int64_t i = 0; i + 1 < counted[t].n; i++) {
            uint64_t key = (uint64_t)(counted[t].ids[i] + 1) << 32 | (uint32_t)(counted[t].ids[i + 1] + 1);
            struct mica_licence_pair *pair = &index->pairs[pair_slot(index, key)];
            if (pair->last != t)
                index->holders[pair->first + pair->n++] = t;
            pair->last = t;
        }
    return true;
}

static bool list_names(struct mica_licence_index *index)
{
    static const struct {
        const char *word;
        int32_t kind;
    } rows[] = {
#define NAME(word)    {word, 1},
#define LINK(word)    {word, 2},
#define GENERIC(word) {word, 3},
#define REFUSED(word) {word, 4},
#define STEM(word)
#include "govern/licence_names.def"
#undef NAME
#undef LINK
#undef GENERIC
#undef REFUSED
#undef STEM
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++)
        if (!mica_strmap_put(&index->names, rows[i].word, strlen(rows[i].word), rows[i].kind))
            return false;
    return true;
}

static const struct {
    const char *ids, *phrase, *alternative;
} rule_rows[] = {
#define X(ids, phrase, alternative) {ids, phrase, alternative},
#include "govern/licence_variants.def"
#undef X
};

static enum mica_status split_rule(struct mica_licence_index *index, const char *text, size_t len,
                                   struct mica_licence_words *out, struct mica_err *err)
{
    enum mica_status status = mica_licence_split(text, len, out, err);
    if (status == MICA_OK && !add_words(index, out))
        status = mica_fail(err, MICA_ENOMEM, "variants of licences: out of memory");
    return status;
}

/* "first … last": "^" as first is where the licence begins behind its title, "$" as last is its end. */
static enum mica_status add_rule(struct mica_licence_index *index, size_t row, struct mica_err *err)
{
    struct mica_licence_rule *rule = &index->rules[index->n_rules++];
    const char *phrase = rule_rows[row].phrase, *dots = strstr(phrase, " … "),
               *last = dots ? dots + strlen(" … ") : "";
    rule->ids = rule_rows[row].ids;
    rule->range = dots;
    rule->from_head = phrase[0] == '^';
    rule->to_end = last[0] == '$';
    enum mica_status status =
        split_rule(index, phrase, dots ? (size_t)(dots - phrase) : strlen(phrase), &rule->first, err);
    if (status == MICA_OK)
        status = split_rule(index, last, strlen(last), &rule->last, err);
    if (status == MICA_OK)
        status = split_rule(index, rule_rows[row].alternative, strlen(rule_rows[row].alternative),
                            &rule->alternative, err);
    return status;
}

static enum mica_status list_rules(struct mica_licence_index *index, struct mica_err *err)
{
    enum mica_status status = MICA_OK;
    index->rules = mica_alloc(MICA_COUNT(rule_rows), sizeof *index->rules);
    if (!index->rules)
        return mica_fail(err, MICA_ENOMEM, "variants of licences: out of memory");
    for (size_t i = 0; i < MICA_COUNT(rule_rows) && status == MICA_OK; i++)
        status = add_rule(index, i, err);
    return status;
}

static void index_free(struct mica_licence_index *index)
{
    mica_strmap_release(&index->vocabulary);
    mica_strmap_release(&index->names);
    mica_arena_release(&index->arena);
    for (int64_t i = 0; i < index->n_rules; i++) {
        mica_licence_words_release(&index->rules[i].first);
        mica_licence_words_release(&index->rules[i].last);
        mica_licence_words_release(&index->rules[i].alternative);
    }
    mica_free(index->rules);
    mica_free(index->spread);
    mica_free(index->pairs);
    mica_free(index->holders);
    mica_free(index->pairs_of);
    mica_free(index);
}

static enum mica_status index_text(struct mica_licence_index *index, int32_t t, struct counted *counted,
                                   int32_t **last, int64_t *capacity, struct mica_err *err)
{
    struct mica_licence_words words;
    enum mica_status status = mica_licence_split(index->texts[t].text, index->texts[t].len, &words, err);
    if (status != MICA_OK)
        return status;
    if (!add_words(index, &words) || !count_pairs(index, t, &words) || !keep_ids(counted, &words) ||
        !count_spread(index, t, &words, last, capacity))
        status = mica_fail(err, MICA_ENOMEM, "index of licences: out of memory");
    mica_licence_words_release(&words);
    return status;
}

static enum mica_status build(struct mica_licence_index **out, struct mica_err *err)
{
    const struct mica_licence_text *texts;
    int64_t n, capacity = 0;
    int32_t *last = NULL;
    enum mica_status status = mica_licence_texts(&texts, &n, err);
    if (status != MICA_OK)
        return status;
    struct mica_licence_index *index = mica_alloc(1, sizeof *index);
    struct counted *counted = mica_alloc((size_t)n, sizeof *counted);
    if (index) {
        index->texts = texts;
        index->n_texts = n;
        index->pairs_of = mica_alloc((size_t)n, sizeof *index->pairs_of);
    }
    if (!index || !counted || !index->pairs_of || !grow_pairs(index))
        status = mica_fail(err, MICA_ENOMEM, "index of licences: out of memory");
    for (int32_t t = 0; t < n && status == MICA_OK; t++)
        status = index_text(index, t, &counted[t], &last, &capacity, err);
    if (status == MICA_OK && (!list_holders(index, counted) || !list_names(index)))
        status = mica_fail(err, MICA_ENOMEM, "index of licences: out of memory");
    for (int64_t t = 0; counted && t < n; t++)
        mica_free(counted[t].ids);
    mica_free(counted);
    mica_free(last);
    if (index)
        index->n_spread = index->n_words;
    if (status == MICA_OK)
        status = list_rules(index, err);
    if (status == MICA_OK)
        *out = index;
    else if (index)
        index_free(index);
    return status;
}

enum mica_status mica_licence_index(const struct mica_licence_index **out, struct mica_err *err)
{
    pthread_mutex_lock(&lock);
    enum mica_status status = built ? MICA_OK : build(&built, err);
    if (status == MICA_OK)
        *out = built;
    pthread_mutex_unlock(&lock);
    return status;
}

static int by_likeness(const void *a, const void *b)
{
    const struct mica_licence_likeness *x = a, *y = b;
    return x->dice != y->dice ? (x->dice < y->dice ? 1 : -1) : x->text - y->text;
}

enum mica_status mica_licence_likest(const struct mica_licence_index *index,
                                     const struct mica_licence_words *words,
                                     struct mica_licence_likeness **out, int64_t *n_out, struct mica_err *err)
{
    uint8_t *seen = mica_alloc(index->n_slots / 8 + 1, 1);
    int32_t *shared = mica_alloc((size_t)index->n_texts, sizeof *shared);
    struct mica_licence_likeness *rows = mica_alloc((size_t)index->n_texts, sizeof *rows);
    int64_t own = 0, n = 0;
    if (!seen || !shared || !rows) {
        mica_free(seen);
        mica_free(shared);
        mica_free(rows);
        return mica_fail(err, MICA_ENOMEM, "likeness of licences: out of memory");
    }
    for (int64_t i = 0; i + 1 < words->n; i++) {
        size_t slot = pair_slot(index, pair_key(words, i));
        if (!index->pairs[slot].key) {
            own++;
            continue;
        }
        if (seen[slot / 8] & 1 << slot % 8)
            continue;
        seen[slot / 8] |= (uint8_t)(1 << slot % 8);
        own++;
        for (int32_t h = 0; h < index->pairs[slot].n; h++)
            shared[index->holders[index->pairs[slot].first + h]]++;
    }
    for (int32_t t = 0; t < index->n_texts; t++)
        if (shared[t])
            rows[n++] = (struct mica_licence_likeness){
                t, 2.0 * shared[t] / (double)(own + index->pairs_of[t]),
                (double)shared[t] / index->pairs_of[t], (double)shared[t] / (double)own};
    mica_free(seen);
    mica_free(shared);
    qsort(rows, (size_t)n, sizeof *rows, by_likeness);
    *out = rows;
    *n_out = n;
    return MICA_OK;
}
