/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/word_diff.h"
#include "govern/identify.h"

#include <string.h>

/* Edits looked for at most: the trace of the search grows with their square. CONTEXT words of an unchanged
 * run are shown on either side of a change. */
enum { MAX_EDITS = 1200, CONTEXT = 4 };

struct sides {
    const struct mica_diff_word *a, *b;
    int64_t n, m;
};

static bool same(const struct mica_diff_word *a, const struct mica_diff_word *b)
{
    return a->key_len == b->key_len && memcmp(a->key, b->key, a->key_len) == 0;
}

/* One run of the edit script: KEEP, or words of one side only. */
struct run {
    enum { KEEP, REMOVE, ADD } kind;
    int64_t from, len; /* of side a for KEEP and REMOVE, of side b for ADD */
};
struct script {
    struct run *runs; /* last first while it is found */
    int64_t n, capacity;
    bool failed;
};

static void push(struct script *script, int kind, int64_t from, int64_t len)
{
    if (len <= 0)
        return;
    if (!mica_grow(&script->runs, script->n, &script->capacity, sizeof *script->runs)) {
        script->failed = true;
        return;
    }
    script->runs[script->n++] = (struct run){kind, from, len};
}

/* The furthest points of d edits are row d of the trace: diagonals -d … d, so row d starts at d². */
static int32_t furthest(const int32_t *trace, int64_t d, int64_t k)
{
    return k < -d || k > d ? -1 : trace[d * d + k + d];
}

/* Is the way to diagonal k in d edits a word added (from k + 1), rather than removed (from k - 1)? */
static bool is_added(const int32_t *trace, int64_t d, int64_t k)
{
    return k == -d || (k != d && furthest(trace, d - 1, k - 1) < furthest(trace, d - 1, k + 1));
}

static void walk_back(struct script *script, const struct sides *s, const int32_t *trace, int64_t d)
{
    int64_t x = s->n, y = s->m;
    for (; d > 0; d--) {
        int64_t k = x - y;
        bool added = is_added(trace, d, k);
        int64_t before = furthest(trace, d - 1, added ? k + 1 : k - 1), start = added ? before : before + 1;
        push(script, KEEP, start, x - start);
        if (added)
            push(script, ADD, start - k - 1, 1);
        else
            push(script, REMOVE, before, 1);
        x = before;
        y = before - (added ? k + 1 : k - 1);
    }
    push(script, KEEP, 0, x < y ? x : y);
}

/* Myers' greedy search. false when it takes more than MAX_EDITS edits or memory ends. */
static bool search(struct script *script, const struct sides *s)
{
    size_t capacity = 0;
    int32_t *trace = NULL;
    for (int64_t d = 0; d <= MAX_EDITS; d++) {
        size_t needed = (size_t)((d + 1) * (d + 1));
        if (needed > capacity) {
            int32_t *bigger = mica_realloc(trace, needed * 2, sizeof *trace);
            if (!bigger) {
                script->failed = true;
                break;
            }
            trace = bigger;
            capacity = needed * 2;
        }
        for (int64_t k = -d; k <= d; k++) {
            int64_t x = 0, y;
            if (d > 0)
                x = is_added(trace, d, k) ? furthest(trace, d - 1, k + 1) : furthest(trace, d - 1, k - 1) + 1;
            y = x - k;
            /* A point past an edge leads nowhere; it must not be taken for the end either. */
            while (x >= 0 && y >= 0 && x < s->n && y < s->m && same(&s->a[x], &s->b[y]))
                x++, y++;
            trace[d * d + k + d] = (int32_t)x;
            if (x == s->n && y == s->m) {
                walk_back(script, s, trace, d);
                mica_free(trace);
                return true;
            }
        }
    }
    mica_free(trace);
    return false;
}

static void show_words(struct mica_buf *out, const struct mica_diff_word *words, int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++) {
        if (i > from)
            mica_buf_puts(out, " ");
        /* A word may span lines; what is shown is one line, and nothing that steers a terminal. */
        for (uint32_t k = 0; k < words[i].shown_len; k++)
            mica_buf_append(
                out, (uint8_t)words[i].shown[k] < 32 || words[i].shown[k] == 127 ? " " : &words[i].shown[k],
                1);
    }
}

static void show_gap(struct mica_buf *out)
{
    if (out->len)
        mica_buf_puts(out, " ");
}

static void show_run(struct mica_buf *out, const struct sides *s, const struct run *run, bool first,
                     bool last)
{
    int64_t head = first ? 0 : CONTEXT, tail = last ? 0 : CONTEXT;
    show_gap(out);
    if (run->kind != KEEP) {
        mica_buf_puts(out, run->kind == ADD ? "[+" : "[-");
        show_words(out, run->kind == ADD ? s->b : s->a, run->from, run->from + run->len);
        mica_buf_puts(out, run->kind == ADD ? "+]" : "-]");
    } else if (run->len <= head + tail + 1) {
        show_words(out, s->a, run->from, run->from + run->len);
    } else {
        show_words(out, s->a, run->from, run->from + head);
        mica_buf_puts(out, head ? " …" : "…");
        if (tail)
            show_gap(out);
        show_words(out, s->a, run->from + run->len - tail, run->from + run->len);
    }
}

/* Removed and added words of one change alternate in the script: show each kind together. runs is in order.
 */
static void join_changes(struct run *runs, int64_t *n)
{
    int64_t out = 0;
    for (int64_t i = 0; i < *n;) {
        if (runs[i].kind == KEEP) {
            struct run kept = runs[i++];
            for (; i < *n && runs[i].kind == KEEP; i++)
                kept.len += runs[i].len;
            runs[out++] = kept;
            continue;
        }
        struct run removed = {REMOVE, 0, 0}, added = {ADD, 0, 0};
        for (; i < *n && runs[i].kind != KEEP; i++) {
            struct run *to = runs[i].kind == REMOVE ? &removed : &added;
            if (!to->len)
                to->from = runs[i].from;
            to->len += runs[i].len;
        }
        if (removed.len)
            runs[out++] = removed;
        if (added.len)
            runs[out++] = added;
    }
    *n = out;
}

bool mica_diff_words(const struct mica_diff_word *before, int64_t n, const struct mica_diff_word *after,
                     int64_t m, struct mica_buf *out)
{
    int64_t head = 0, tail = 0;
    while (head < n && head < m && same(&before[head], &after[head]))
        head++;
    while (tail < n - head && tail < m - head && same(&before[n - 1 - tail], &after[m - 1 - tail]))
        tail++;
    struct sides inner = {before + head, after + head, n - head - tail, m - head - tail};
    struct script script = {0};
    push(&script, KEEP, n - tail, tail);
    int64_t mark = script.n;
    if (n > INT32_MAX / 2 || m > INT32_MAX / 2 || !search(&script, &inner)) {
        script.n = mark;
        push(&script, ADD, 0, inner.m);
        push(&script, REMOVE, 0, inner.n);
    }
    for (int64_t i = mark; i < script.n; i++)
        script.runs[i].from += head;
    push(&script, KEEP, 0, head);
    for (int64_t i = 0; i < script.n / 2; i++) {
        struct run swap = script.runs[i];
        script.runs[i] = script.runs[script.n - 1 - i];
        script.runs[script.n - 1 - i] = swap;
    }
    bool ok = !script.failed;
    if (ok) {
        join_changes(script.runs, &script.n);
        struct sides whole = {before, after, n, m};
        for (int64_t i = 0; i < script.n; i++)
            show_run(out, &whole, &script.runs[i], i == 0, i == script.n - 1);
    }
    mica_free(script.runs);
    return ok && !out->failed;
}

/* Words between white space. */
static struct mica_diff_word *split(const char *text, int64_t *n_out)
{
    struct mica_diff_word *words = NULL;
    int64_t n = 0, capacity = 0;
    const char *space = " \t\r\n\f\v";
    for (text += strspn(text, space); *text; text += strspn(text, space)) {
        size_t len = strcspn(text, space);
        if (len > UINT32_MAX || !mica_grow(&words, n, &capacity, sizeof *words)) {
            mica_free(words);
            return NULL;
        }
        words[n++] = (struct mica_diff_word){text, text, (uint32_t)len, (uint32_t)len};
        text += len;
    }
    *n_out = n;
    return words ? words : mica_alloc(0, sizeof *words);
}

char *mica_word_diff(const char *before, const char *after)
{
    int64_t n = 0, m = 0;
    struct mica_diff_word *a = split(before, &n), *b = split(after, &m);
    struct mica_buf out = {0};
    bool ok = a && b && mica_diff_words(a, n, b, m, &out) && mica_buf_append(&out, "", 0);
    mica_free(a);
    mica_free(b);
    if (ok && out.data)
        return out.data;
    mica_buf_release(&out);
    return ok ? mica_strdup("") : NULL;
}
