/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The vocabulary: texts by id and a hash table from text to id. Slots hold only a hash and an id, so that
 * indexing 262,144 tokens stays within the caches. */
#include "format/tok_internal.h"

#include <string.h>

static uint64_t load64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static uint64_t load32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static uint32_t hash_text(const char *p, size_t len)
{
    uint64_t h = len * 0x9e3779b97f4a7c15u;
    while (len > 8) {
        h = (h ^ load64(p)) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
        p += 8;
        len -= 8;
    }
    uint64_t tail = 0;
    if (len >= 4)
        tail = load32(p) | load32(p + len - 4) << 32;
    else if (len)
        tail = (uint8_t)p[0] | (uint64_t)(uint8_t)p[len / 2] << 8 | (uint64_t)(uint8_t)p[len - 1] << 16;
    h = (h ^ tail) * 0xff51afd7ed558ccdu;
    h ^= h >> 32;
    h *= 0xc4ceb9fe1a85ec53u;
    return (uint32_t)(h >> 32);
}

bool tok_vocab_index(struct tok_vocab *vocab)
{
    size_t n_slots = 64;
    while (n_slots < (size_t)vocab->n * 2)
        n_slots *= 2;
    vocab->slots = mica_alloc(n_slots, sizeof *vocab->slots);
    if (!vocab->slots)
        return false;
    vocab->mask = n_slots - 1;
    for (int32_t id = 0; id < vocab->n; id++) {
        struct mica_str token = vocab->tokens[id];
        if (!token.data)
            continue;
        if (token.len > vocab->max_len)
            vocab->max_len = token.len;
        uint32_t hash = hash_text(token.data, token.len);
        size_t i = hash & vocab->mask;
        bool known = false;
        while (vocab->slots[i].id1 && !known) {
            const struct mica_str *other = &vocab->tokens[vocab->slots[i].id1 - 1];
            if (vocab->slots[i].hash == hash && other->len == token.len &&
                memcmp(other->data, token.data, token.len) == 0)
                known = true;
            else
                i = (i + 1) & vocab->mask;
        }
        if (!known)
            vocab->slots[i] = (struct tok_vocab_slot){hash, id + 1};
    }
    return true;
}

int32_t tok_vocab_find(const struct tok_vocab *vocab, const char *text, size_t len)
{
    if (len > vocab->max_len)
        return -1;
    uint32_t hash = hash_text(text, len);
    for (size_t i = hash & vocab->mask; vocab->slots[i].id1; i = (i + 1) & vocab->mask) {
        if (vocab->slots[i].hash != hash)
            continue;
        const struct mica_str *token = &vocab->tokens[vocab->slots[i].id1 - 1];
        if (token->len == len && memcmp(token->data, text, len) == 0)
            return vocab->slots[i].id1 - 1;
    }
    return -1;
}

int32_t tok_vocab_find_pair(const struct tok_vocab *vocab, struct mica_str a, struct mica_str b)
{
    char small[256];
    size_t len;
    if (!mica_add_size(a.len, b.len, &len) || len > vocab->max_len)
        return -1;
    char *joined = len <= sizeof small ? small : mica_alloc(len, 1);
    if (!joined)
        return -1;
    memcpy(joined, a.data, a.len);
    memcpy(joined + a.len, b.data, b.len);
    int32_t id = tok_vocab_find(vocab, joined, len);
    if (joined != small)
        mica_free(joined);
    return id;
}

void tok_vocab_release(struct tok_vocab *vocab)
{
    mica_free(vocab->types);
    mica_free(vocab->scores);
    mica_free(vocab->slots);
    mica_free(vocab->owned);
    mica_free(vocab->blob);
    *vocab = (struct tok_vocab){0};
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int tok_byte_value(struct mica_str text)
{
    if (text.len != 6 || memcmp(text.data, "<0x", 3) != 0 || text.data[5] != '>')
        return -1;
    int high = hex_value(text.data[3]), low = hex_value(text.data[4]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

bool tok_byte_tokens(const struct tok_vocab *vocab, int32_t ids[256])
{
    static const char digits[] = "0123456789ABCDEF";
    bool complete = true;
    for (int b = 0; b < 256; b++) {
        char text[6] = {'<', '0', 'x', digits[b >> 4], digits[b & 15], '>'};
        ids[b] = tok_vocab_find(vocab, text, 6);
        complete = complete && ids[b] >= 0;
    }
    return complete;
}
