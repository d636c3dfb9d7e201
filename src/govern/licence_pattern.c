/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/licence_pattern.h"
#include "govern/licence_lines.h"

#include <string.h>

/* NAME_WORDS at most stand in the place of a name, TITLE_WORDS before a licence, CREDIT_WORDS in a paragraph
 * that only names authors. */
enum { NAME_WORDS = 8, TITLE_WORDS = 64, CREDIT_WORDS = 60 };

/* WORD takes the word id; MARK a list mark, or nothing; NAME a word of a name, PROPER one that tells whose;
 * SLOT any copyright statements (HEAD: and titles). SPLIT goes on behind itself and at to, JUMP at to only.
 */
enum op { WORD, MARK, NAME, PROPER, HEAD, SLOT, YEARS, SPLIT, JUMP, ACCEPT };
struct node {
    uint8_t op;
    int32_t id; /* of WORD; of MARK: which word of the reference */
    int32_t to; /* while the pattern is made: -2 - the word of the reference to go on at */
};
struct mica_licence_pattern {
    const struct mica_licence_text *text;
    struct mica_licence_words words;
    struct node *nodes;
    int64_t n, capacity;
    bool failed;
    const struct mica_licence_rule **rules; /* those of this licence, while the pattern is made */
    int64_t n_rules;
};

static int64_t emit(struct mica_licence_pattern *p, enum op op, int32_t id, int64_t to)
{
    if (!mica_grow(&p->nodes, p->n, &p->capacity, sizeof *p->nodes)) {
        p->failed = true;
        return 0;
    }
    p->nodes[p->n] = (struct node){(uint8_t)op, id, (int32_t)to};
    return p->n++;
}

/* Up to n words of a name, or none. */
static void emit_name_words(struct mica_licence_pattern *p, int n)
{
    int64_t splits[NAME_WORDS];
    for (int i = 0; i < n; i++) {
        splits[i] = emit(p, SPLIT, 0, 0);
        emit(p, NAME, 0, 0);
    }
    for (int i = 0; i < n && !p->failed; i++)
        p->nodes[splits[i]].to = (int32_t)p->n;
}

/* A name: some words, one of which tells whose, or a phrase that stands for it. A phrase is taken whole, so
 * that "the copyright holders" cannot lose a word. */
static void emit_name(struct mica_licence_pattern *p, const struct mica_licence_index *index)
{
    static const char *const phrases[][3] = {{"the", "author"},
                                             {"the", "authors"},
                                             {"the", "copyright", "holder"},
                                             {"the", "regents"},
                                             {"the", "organization"},
                                             {"the", "company"},
                                             {"the", "copyright", "holders"},
                                             {"the", "university"},
                                             {"the", "foundation"},
                                             {"the", "institute"},
                                             {"the", "developers"}};
    int64_t jumps[MICA_COUNT(phrases)];
    for (size_t i = 0; i < MICA_COUNT(phrases); i++) {
        int64_t split = emit(p, SPLIT, 0, 0);
        for (int k = 0; k < 3 && phrases[i][k]; k++)
            emit(p, WORD, mica_licence_word_id(index, phrases[i][k], strlen(phrases[i][k])), 0);
        jumps[i] = emit(p, JUMP, 0, 0);
        if (!p->failed)
            p->nodes[split].to = (int32_t)p->n;
    }
    emit_name_words(p, NAME_WORDS / 2);
    emit(p, PROPER, 0, 0);
    emit_name_words(p, NAME_WORDS / 2);
    for (size_t i = 0; i < MICA_COUNT(phrases) && !p->failed; i++)
        p->nodes[jumps[i]].to = (int32_t)p->n;
}

/* Another way from the word of the reference that comes next to word end: over the words of alternative
 * ("{name}" is a name), or over nothing. */
static void emit_way(struct mica_licence_pattern *p, const struct mica_licence_index *index,
                     const struct mica_licence_words *alternative, int64_t end)
{
    int64_t split = emit(p, SPLIT, 0, 0);
    for (int64_t i = 0; alternative && i < alternative->n; i++) {
        if (alternative->words[i].flags & MICA_WORD_BRACKET)
            emit_name(p, index);
        else
            emit(p, WORD, alternative->words[i].id, 0);
    }
    emit(p, JUMP, 0, -2 - end);
    if (!p->failed)
        p->nodes[split].to = (int32_t)p->n;
}

static bool words_at(const struct mica_licence_words *words, int64_t i,
                     const struct mica_licence_words *phrase)
{
    if (i + phrase->n > words->n)
        return false;
    for (int64_t k = 0; k < phrase->n; k++)
        if (words->words[i + k].id != phrase->words[k].id)
            return false;
    return true;
}

/* Where the words end that the rule is about, when they begin at word i; -1 when they do not. */
static int64_t rule_end(const struct mica_licence_pattern *p, const struct mica_licence_rule *rule, int64_t i,
                        int64_t head)
{
    if (rule->from_head ? i != head : !words_at(&p->words, i, &rule->first))
        return -1;
    if (rule->to_end)
        return p->words.n;
    if (!rule->range)
        return rule->from_head ? head : i + rule->first.n;
    for (int64_t k = rule->from_head ? head : i + rule->first.n; k < p->words.n; k++)
        if (words_at(&p->words, k, &rule->last))
            return k + rule->last.n;
    return -1;
}

/* Does a row's list of ids ("" for all; "MIT", "CC-BY*" or several between spaces) name this id? */
static bool applies(const char *ids, const char *id)
{
    if (!*ids)
        return true;
    for (const char *at = ids; *at;) {
        size_t len = strcspn(at, " ");
        if (len && at[len - 1] == '*' ? strncmp(at, id, len - 1) == 0
                                      : strlen(id) == len && !strncmp(at, id, len))
            return true;
        at += len + strspn(at + len, " ");
    }
    return false;
}

/* The end of the placeholder that opens at word i ("<year>", "[name of copyright owner]"); i when there is
 * none. */
static int64_t placeholder_end(const struct mica_licence_pattern *p, int64_t i)
{
    static const char *const known[] = {
        "year",         "yyyy",        "xxxx",      "years",       "name",     "of",       "the",
        "author",       "authors",     "copyright", "holder",      "holders",  "owner",    "owners",
        "organization", "licensor",    "email",     "url",         "software", "asset",    "product",
        "program",      "institution", "group",     "development", "insert",   "here",     "state",
        "state",        "information", "holder's",  "author's",    "or",       "designee", "related",
        "entities",     "number",      "your",      "license",     "full"};
    const struct mica_licence_word *w = p->words.words;
    if (!(w[i].flags & MICA_WORD_OPENS))
        return i;
    int64_t end = i;
    for (; end < p->words.n && w[end].flags & MICA_WORD_BRACKET &&
           (end == i || !(w[end].flags & MICA_WORD_OPENS));
         end++) {
        bool found = false;
        for (size_t k = 0; k < MICA_COUNT(known) && !found; k++)
            found = mica_word_is(&p->words, end, known[k]);
        if (!found)
            return i;
    }
    return end;
}

static void emit_word(struct mica_licence_pattern *p, const struct mica_licence_index *index, int64_t i)
{
    const struct mica_licence_word *w = &p->words.words[i];
    if (w->flags & MICA_WORD_BROKEN && i + 1 < p->words.n) {
        int32_t whole = mica_licence_whole_word(index, &p->words, i);
        if (whole >= 0) {
            int64_t split = emit(p, SPLIT, 0, 0);
            emit(p, WORD, whole, 0);
            emit(p, JUMP, 0, -2 - (i + 2));
            if (!p->failed)
                p->nodes[split].to = (int32_t)p->n;
        }
    }
    emit(p, w->flags & MICA_WORD_ITEM ? MARK : WORD, w->flags & MICA_WORD_ITEM ? (int32_t)i : w->id, 0);
}

/* Titles and copyright statements at the head are no part of the pattern: HEAD takes any such. */
static int64_t skip_head(const struct mica_licence_pattern *p)
{
    const struct mica_licence_words *words = &p->words;
    int64_t i = 0;
    while (i < words->n) {
        int64_t end =
            words->words[i].flags & MICA_WORD_COPYRIGHT ? i + 1 : mica_licence_title_end(p->text, words, i);
        if (end == i)
            break;
        i = end;
    }
    /* A reference that is all title keeps it. */
    return i < words->n ? i : 0;
}

/* The end of the paragraph that begins at word i when it only says who wrote what, and where to find them;
 * else i. */
static int64_t credit_end(const struct mica_licence_pattern *p, int64_t i)
{
    static const char *const between[] = {
        "this",      "is",      "was",     "were",    "written",    "code",    "based",
        "package",   "on",      "program", "library", "associated", "all",     "documentation",
        "developed", "changes", "are",     "rights",  "reserved",   "see",     "contains",
        "set",       "for",     "from",    "in",      "maintained", "created", "through"};
    const struct mica_licence_word *w = p->words.words;
    int64_t end = i;
    bool named = false;
    for (; end < p->words.n && (end == i || !(w[end].flags & MICA_WORD_PARAGRAPH)); end++) {
        bool ok = w[end].flags & (MICA_WORD_NAME | MICA_WORD_LINK | MICA_WORD_COPYRIGHT | MICA_WORD_BRACKET);
        for (size_t k = 0; k < MICA_COUNT(between) && !ok; k++)
            ok = mica_word_is(&p->words, end, between[k]);
        if (!ok || end - i > CREDIT_WORDS)
            return i;
        named = named || (w[end].flags & MICA_WORD_PROPER && w[end].flags & MICA_WORD_CAPITAL);
    }
    return named ? end : i;
}

/* The years behind a "copyright" in the running text may be others: a quoted statement names those of its
 * text. */
static void emit_years(struct mica_licence_pattern *p, int64_t i)
{
    const struct mica_licence_word *w = p->words.words;
    int64_t end = i;
    if (!i || !mica_word_is(&p->words, i - 1, "copyright"))
        return;
    while (end < p->words.n && w[end].flags & MICA_WORD_YEAR && !(w[end].flags & MICA_WORD_COPYRIGHT))
        end++;
    if (end == i)
        return;
    int64_t split = emit(p, SPLIT, 0, 0);
    emit(p, YEARS, 0, 0);
    emit(p, JUMP, 0, -2 - end);
    if (!p->failed)
        p->nodes[split].to = (int32_t)p->n;
}

static void compile(struct mica_licence_pattern *p, const struct mica_licence_index *index, int32_t *label)
{
    int64_t head = skip_head(p), credits = head;
    /* What a rule puts before the licence may stand between titles and statements. */
    label[head] = (int32_t)emit(p, HEAD, 0, 0);
    for (int64_t i = head; i < p->words.n && !p->failed; i++) {
        if (i > head)
            label[i] = (int32_t)p->n;
        for (int64_t r = 0; r < p->n_rules; r++) {
            int64_t end = rule_end(p, p->rules[r], i, head);
            if (end >= 0)
                emit_way(p, index, &p->rules[r]->alternative, end);
        }
        int64_t end = i == credits || p->words.words[i].flags & MICA_WORD_PARAGRAPH ? credit_end(p, i) : i;
        if (end > i && (i == credits || end == p->words.n)) {
            emit_way(p, index, NULL, end);
            emit(p, SLOT, 0, 0);
            credits = i == credits ? end : credits;
        }
        emit_years(p, i);
        end = placeholder_end(p, i);
        if (end > i) {
            int64_t split = emit(p, SPLIT, 0, 0);
            emit_name(p, index);
            emit(p, JUMP, 0, -2 - end);
            if (!p->failed)
                p->nodes[split].to = (int32_t)p->n;
        }
        if (!(p->words.words[i].flags & MICA_WORD_COPYRIGHT))
            emit_word(p, index, i);
        else if (!(i > head && p->words.words[i - 1].flags & MICA_WORD_COPYRIGHT))
            emit(p, SLOT, 0, 0);
    }
    label[p->words.n] = (int32_t)p->n;
    emit(p, SLOT, 0, 0);
    emit(p, ACCEPT, 0, 0);
    for (int64_t k = 0; k < p->n && !p->failed; k++)
        if (p->nodes[k].to <= -2)
            p->nodes[k].to = label[-2 - p->nodes[k].to];
}

enum mica_status mica_licence_pattern_new(const struct mica_licence_index *index, int32_t text,
                                          struct mica_licence_pattern **out, struct mica_err *err)
{
    struct mica_licence_pattern *p = mica_alloc(1, sizeof *p);
    int32_t *label = NULL;
    if (!p)
        return mica_fail(err, MICA_ENOMEM, "pattern of a licence: out of memory");
    p->text = &index->texts[text];
    enum mica_status status = mica_licence_split(p->text->text, p->text->len, &p->words, err);
    if (status == MICA_OK) {
        mica_licence_number(index, &p->words);
        mica_licence_mark(index, &p->words, true);
        label = mica_alloc((size_t)p->words.n + 1, sizeof *label);
        p->rules = mica_alloc((size_t)index->n_rules, sizeof *p->rules);
        for (int64_t r = 0; p->rules && r < index->n_rules; r++)
            if (applies(index->rules[r].ids, p->text->id))
                p->rules[p->n_rules++] = &index->rules[r];
        if (label && p->rules)
            compile(p, index, label);
        if (!label || !p->rules || p->failed || p->words.norm.failed)
            status = mica_fail(err, MICA_ENOMEM, "pattern of %s: out of memory", p->text->id);
    }
    mica_free(label);
    if (status == MICA_OK)
        *out = p;
    else
        mica_licence_pattern_free(p);
    return status;
}

void mica_licence_pattern_free(struct mica_licence_pattern *pattern)
{
    if (!pattern)
        return;
    mica_licence_words_release(&pattern->words);
    mica_free(pattern->nodes);
    mica_free(pattern->rules);
    mica_free(pattern);
}

/* Where the match may stand: a node, and what was left out since the last word that matched. A mark of the
 * reference and one of the text left out at the same place would be a changed one. */
enum left_out { NOTHING, OF_REFERENCE, OF_TEXT, LEFT_OUT };
struct states {
    int32_t *at; /* node × LEFT_OUT + left_out */
    uint8_t *has;
    int64_t n;
    bool accepted;
};
struct matcher {
    const struct mica_licence_pattern *p;
    const struct mica_licence_words *words;
    struct states lists[3];
    int32_t *stack;
    bool title[TITLE_WORDS];
    int64_t begin;
};

static bool is_loop(const struct node *node)
{
    return node->op == HEAD || node->op == SLOT || node->op == YEARS;
}

/* Adds a state and all that are reached from it without a word. */
static void add(struct matcher *m, struct states *list, int64_t node, enum left_out left)
{
    int64_t depth = 0;
    m->stack[depth++] = (int32_t)(node * LEFT_OUT + left);
    while (depth) {
        int32_t state = m->stack[--depth];
        if (list->has[state])
            continue;
        list->has[state] = 1;
        list->at[list->n++] = state;
        const struct node *at = &m->p->nodes[state / LEFT_OUT];
        int32_t next = state + LEFT_OUT;
        if (at->op == ACCEPT)
            list->accepted = true;
        if (at->op == SPLIT || at->op == JUMP)
            m->stack[depth++] = at->to * LEFT_OUT + state % LEFT_OUT;
        if (at->op == SPLIT || is_loop(at))
            m->stack[depth++] = next;
        if (at->op == MARK && state % LEFT_OUT != OF_TEXT)
            m->stack[depth++] = next - state % LEFT_OUT + OF_REFERENCE;
    }
}

static bool marks_equal(const struct matcher *m, const struct node *node, int64_t t)
{
    const struct mica_licence_word *a = &m->p->words.words[node->id], *b = &m->words->words[t];
    const char *x = mica_word_key(&m->p->words, node->id), *y = mica_word_key(m->words, t);
    if (a->key_len == b->key_len && memcmp(x, y, a->key_len) == 0)
        return true;
    return b->flags & MICA_WORD_ITEM && mica_item_equal(x, a->key_len, y, b->key_len);
}

static bool takes(const struct matcher *m, const struct node *node, int64_t t)
{
    const struct mica_licence_word *w = &m->words->words[t];
    switch (node->op) {
    case WORD:
        return w->id == node->id;
    case MARK:
        return marks_equal(m, node, t);
    case NAME:
        return w->flags & MICA_WORD_NAME;
    case PROPER:
        return w->flags & MICA_WORD_PROPER;
    case HEAD:
        return w->flags & MICA_WORD_COPYRIGHT || (t - m->begin < TITLE_WORDS && m->title[t - m->begin]);
    case SLOT:
        return w->flags & MICA_WORD_COPYRIGHT;
    case YEARS:
        return w->flags & MICA_WORD_YEAR;
    default:
        return false;
    }
}

/* Is word t a list mark that may be left out? One with nothing behind it has lost what it was the mark of. */
static bool is_free_mark(const struct matcher *m, int64_t t)
{
    const struct mica_licence_word *w = m->words->words;
    return w[t].flags & MICA_WORD_ITEM && t + 1 < m->words->n && !(w[t + 1].flags & MICA_WORD_PARAGRAPH);
}

/* Takes word t in every state of now. */
static void step(struct matcher *m, int64_t t, int32_t whole, const struct states *now, struct states *next,
                 struct states *after)
{
    for (int64_t i = 0; i < now->n; i++) {
        int64_t at = now->at[i] / LEFT_OUT;
        enum left_out left = (enum left_out)(now->at[i] % LEFT_OUT);
        const struct node *node = &m->p->nodes[at];
        if (takes(m, node, t))
            add(m, next, is_loop(node) ? at : at + 1, NOTHING);
        if (node->op == WORD && whole >= 0 && node->id == whole)
            add(m, after, at + 1, NOTHING);
        if (is_free_mark(m, t) && left != OF_REFERENCE && node->op != SPLIT && node->op != JUMP)
            add(m, next, at, OF_TEXT);
    }
}

static void clear(struct states *list)
{
    for (int64_t i = 0; i < list->n; i++)
        list->has[list->at[i]] = 0;
    list->n = 0;
    list->accepted = false;
}

/* Titles are whole lines. */
static void mark_titles(struct matcher *m)
{
    const struct mica_licence_word *w = m->words->words;
    int64_t n = m->words->n;
    for (int64_t t = m->begin, end; t < n && t < m->begin + TITLE_WORDS; t = end) {
        int64_t title = mica_licence_title_end(m->p->text, m->words, t);
        for (end = t; end < n && w[end].line == w[t].line; end++)
            if (end < m->begin + TITLE_WORDS)
                m->title[end - m->begin] = end < title;
    }
}

static int64_t run(struct matcher *m, const struct mica_licence_index *index)
{
    struct states *now = &m->lists[0], *next = &m->lists[1], *after = &m->lists[2];
    int64_t end = m->begin;
    mark_titles(m);
    add(m, now, 0, NOTHING);
    for (int64_t t = m->begin; t < m->words->n && (now->n || next->n); t++) {
        bool broken = m->words->words[t].flags & MICA_WORD_BROKEN && t + 1 < m->words->n;
        step(m, t, broken ? mica_licence_whole_word(index, m->words, t) : -1, now, next, after);
        clear(now);
        struct states *swap = now;
        now = next;
        next = after;
        after = swap;
        if (now->accepted)
            end = t + 1;
    }
    return end;
}

enum mica_status mica_licence_pattern_match(const struct mica_licence_index *index,
                                            const struct mica_licence_pattern *pattern,
                                            const struct mica_licence_words *words, int64_t begin,
                                            int64_t *end_out, struct mica_err *err)
{
    struct matcher *m = mica_alloc(1, sizeof *m);
    size_t n_states = (size_t)pattern->n * LEFT_OUT;
    bool ok = m;
    for (int i = 0; i < 3 && ok; i++) {
        m->lists[i].at = mica_alloc(n_states, sizeof *m->lists[i].at);
        m->lists[i].has = mica_alloc(n_states, 1);
        ok = m->lists[i].at && m->lists[i].has;
    }
    if (ok)
        m->stack = mica_alloc(n_states * 2 + 1, sizeof *m->stack);
    ok = ok && m->stack;
    if (ok) {
        m->p = pattern;
        m->words = words;
        m->begin = begin;
        *end_out = run(m, index);
    }
    for (int i = 0; m && i < 3; i++) {
        mica_free(m->lists[i].at);
        mica_free(m->lists[i].has);
    }
    if (m)
        mica_free(m->stack);
    mica_free(m);
    return ok ? MICA_OK : mica_fail(err, MICA_ENOMEM, "matching %s: out of memory", pattern->text->id);
}
