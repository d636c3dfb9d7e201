/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* A prefix tree over bytes whose edges live in one hash table. */
#include "format/tok_internal.h"

#include <string.h>

static bool grow_slots(struct tok_trie *trie)
{
    struct tok_trie bigger = {.n_slots = trie->n_slots ? trie->n_slots * 2 : 64};
    bigger.slots = mica_alloc(bigger.n_slots, sizeof *bigger.slots);
    if (!bigger.slots)
        return false;
    size_t mask = bigger.n_slots - 1;
    for (size_t i = 0; i < trie->n_slots; i++) {
        if (!trie->slots[i].child)
            continue;
        size_t j = (trie->slots[i].key * 0x9e3779b1u >> 4) & mask;
        while (bigger.slots[j].child)
            j = (j + 1) & mask;
        bigger.slots[j] = trie->slots[i];
    }
    mica_free(trie->slots);
    trie->slots = bigger.slots;
    trie->n_slots = bigger.n_slots;
    return true;
}

static bool add_node(struct tok_trie *trie)
{
    if (trie->n_nodes >= 1 << 24 ||
        !mica_grow(&trie->values, trie->n_nodes, &trie->values_capacity, sizeof *trie->values))
        return false;
    trie->values[trie->n_nodes++] = -1;
    return true;
}

bool tok_trie_add(struct tok_trie *trie, const char *text, size_t len, int32_t value)
{
    if (!len)
        return true;
    if (!trie->n_nodes && !add_node(trie))
        return false;
    uint32_t node = 0;
    trie->starts[(uint8_t)text[0]] = true;
    for (size_t i = 0; i < len; i++) {
        if ((trie->n_used + 1) * 2 > trie->n_slots && !grow_slots(trie))
            return false;
        uint32_t key = node << 8 | (uint8_t)text[i], child = tok_trie_step(trie, node, (uint8_t)text[i]);
        if (!child) {
            child = (uint32_t)trie->n_nodes;
            if (!add_node(trie))
                return false;
            size_t mask = trie->n_slots - 1, j = (key * 0x9e3779b1u >> 4) & mask;
            while (trie->slots[j].child)
                j = (j + 1) & mask;
            trie->slots[j] = (struct tok_trie_slot){key, child};
            trie->n_used++;
        }
        node = child;
    }
    if (trie->values[node] < 0)
        trie->values[node] = value;
    return true;
}

void tok_trie_release(struct tok_trie *trie)
{
    mica_free(trie->slots);
    mica_free(trie->values);
    *trie = (struct tok_trie){0};
}
