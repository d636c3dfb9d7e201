/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The merge loop that BPE and SentencePiece share: the earliest pair is merged first, the leftmost of equals.
 */
#include "format/tok_internal.h"

#include <string.h>

/* Short words are merged by scanning for the least pair; the heap's bookkeeping would cost more. */
enum { SMALL_WORD = 32 };

bool tok_push_symbol(struct tok_scratch *scratch, int32_t id, size_t begin, size_t len)
{
    if (!mica_grow(&scratch->symbols, scratch->n_symbols, &scratch->symbols_capacity,
                   sizeof *scratch->symbols))
        return false;
    int32_t i = (int32_t)scratch->n_symbols++;
    scratch->symbols[i] = (struct tok_symbol){id, i - 1, i + 1, (uint32_t)begin, (uint32_t)len};
    return true;
}

static void merge_small(struct tok_scratch *scratch, const char *text, tok_pair *pair)
{
    struct tok_symbol *symbols = scratch->symbols;
    int n = (int)scratch->n_symbols;
    uint32_t order[SMALL_WORD];
    int32_t id[SMALL_WORD]; /* of the merge of symbols i and i + 1; -1 = none */
    for (int i = 0; i + 1 < n; i++)
        if (!pair(scratch, text, &symbols[i], &symbols[i + 1], &order[i], &id[i]))
            id[i] = -1;
    while (n > 1) {
        int best = -1;
        for (int i = 0; i + 1 < n; i++)
            if (id[i] >= 0 && (best < 0 || order[i] < order[best]))
                best = i;
        if (best < 0)
            break;
        symbols[best].id = id[best];
        symbols[best].len += symbols[best + 1].len;
        for (int i = best + 1; i + 1 < n; i++)
            symbols[i] = symbols[i + 1];
        for (int i = best + 1; i + 2 < n; i++) {
            order[i] = order[i + 1];
            id[i] = id[i + 1];
        }
        n--;
        for (int i = best > 0 ? best - 1 : 0; i <= best && i + 1 < n; i++)
            if (!pair(scratch, text, &symbols[i], &symbols[i + 1], &order[i], &id[i]))
                id[i] = -1;
    }
    scratch->n_symbols = n;
}

static bool heap_push(struct tok_scratch *scratch, struct tok_candidate candidate)
{
    if (!mica_grow(&scratch->heap, scratch->n_heap, &scratch->heap_capacity, sizeof *scratch->heap))
        return false;
    struct tok_candidate *heap = scratch->heap;
    int64_t i = scratch->n_heap++;
    while (i > 0 && heap[(i - 1) / 2].key > candidate.key) {
        heap[i] = heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap[i] = candidate;
    return true;
}

static struct tok_candidate heap_pop(struct tok_scratch *scratch)
{
    struct tok_candidate *heap = scratch->heap, top = heap[0], last = heap[--scratch->n_heap];
    int64_t n = scratch->n_heap, i = 0;
    for (int64_t child = 1; child < n; child = 2 * i + 1) {
        if (child + 1 < n && heap[child + 1].key < heap[child].key)
            child++;
        if (heap[child].key >= last.key)
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return top;
}

/* Offers the merge of the symbol at left with the one after it. */
static bool offer(struct tok_scratch *scratch, const char *text, tok_pair *pair, int32_t left)
{
    if (left < 0 || scratch->symbols[left].next >= scratch->n_symbols)
        return true;
    const struct tok_symbol *a = &scratch->symbols[left], *b = &scratch->symbols[a->next];
    uint32_t order;
    int32_t id;
    if (!pair(scratch, text, a, b, &order, &id))
        return true;
    return heap_push(scratch,
                     (struct tok_candidate){(uint64_t)order << 32 | (uint32_t)left, a->len + b->len, id});
}

bool tok_merge(struct tok_scratch *scratch, const char *text, tok_pair *pair)
{
    if (scratch->n_symbols <= SMALL_WORD) {
        merge_small(scratch, text, pair);
        return true;
    }
    struct tok_symbol *symbols = scratch->symbols;
    int64_t n = scratch->n_symbols;
    scratch->n_heap = 0;
    for (int32_t i = 0; i + 1 < n; i++)
        if (!offer(scratch, text, pair, i))
            return false;
    while (scratch->n_heap > 0) {
        struct tok_candidate top = heap_pop(scratch);
        int32_t left = (int32_t)(uint32_t)top.key, right = symbols[left].next;
        if (!symbols[left].len || right >= n || symbols[left].len + symbols[right].len != top.size)
            continue;
        symbols[left].id = top.id;
        symbols[left].len = top.size;
        symbols[left].next = symbols[right].next;
        symbols[right].len = 0;
        if (symbols[left].next < n)
            symbols[symbols[left].next].prev = left;
        if (!offer(scratch, text, pair, symbols[left].prev) || !offer(scratch, text, pair, left))
            return false;
    }
    int64_t kept = 0;
    for (int64_t i = 0; i < n; i = symbols[i].next)
        symbols[kept++] = symbols[i];
    scratch->n_symbols = kept;
    return true;
}
