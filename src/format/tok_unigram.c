/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Unigram: of all ways to write a word in tokens, the one with the highest sum of scores (Viterbi). */
#include "format/tok_internal.h"

#include <math.h>
#include <string.h>

/* An unknown character costs this much more than the worst token, as in sentencepiece. */
static const double unk_penalty = 10;

struct node {
    double score; /* of the best way to write the text up to here */
    int64_t begin;
    int32_t id; /* of its last token; -1 = not reached */
};

bool tok_unigram_prepare(struct mica_tokenizer *tok)
{
    struct tok_unigram *unigram = &tok->unigram;
    double min_score = INFINITY;
    for (int32_t id = 0; id < tok->vocab.n; id++) {
        struct mica_str token = tok->vocab.tokens[id];
        uint8_t type = tok->vocab.types[id];
        if (!token.data || isnan(unigram->scores[id]) ||
            (type != TOK_NORMAL && type != TOK_USER_DEFINED && type != TOK_UNUSED))
            continue;
        if (type == TOK_NORMAL && unigram->scores[id] < min_score)
            min_score = unigram->scores[id];
        if (!tok_trie_add(&unigram->trie, token.data, token.len, id))
            return false;
    }
    unigram->unk_score = (isfinite(min_score) ? min_score : 0) - unk_penalty;
    return true;
}

static void relax(struct node *node, double score, size_t begin, int32_t id)
{
    if (node->id < 0 || score > node->score)
        *node = (struct node){score, (int64_t)begin, id};
}

/* The id that stands for an unknown stretch inside the lattice. */
enum { UNKNOWN_ID = INT32_MAX };

static void search(const struct tok_unigram *unigram, const char *text, size_t len, struct node *nodes)
{
    for (size_t i = 0; i <= len; i++)
        nodes[i] = (struct node){0, 0, -1};
    for (size_t i = 0; i < len;) {
        size_t n_char = (size_t)tok_utf8_len(text + i, len - i);
        n_char = n_char ? n_char : 1;
        double here = nodes[i].score;
        bool has_single = false;
        if (unigram->trie.starts[(uint8_t)text[i]]) {
            uint32_t node = 0;
            for (size_t j = i; j < len; j++) {
                node = tok_trie_step(&unigram->trie, node, (uint8_t)text[j]);
                if (!node)
                    break;
                int32_t id = unigram->trie.values[node];
                if (id < 0)
                    continue;
                relax(&nodes[j + 1], here + unigram->scores[id], i, id);
                has_single = has_single || j + 1 - i == n_char;
            }
        }
        if (!has_single)
            relax(&nodes[i + n_char], here + unigram->unk_score, i, UNKNOWN_ID);
        i += n_char;
    }
}

static bool encode_unigram(struct tok_scratch *scratch, const char *text, size_t len)
{
    if ((int64_t)len + 1 > scratch->lattice_capacity) {
        void *bigger = mica_realloc(scratch->lattice, len + 1, sizeof(struct node));
        if (!bigger)
            return false;
        scratch->lattice = bigger;
        scratch->lattice_capacity = (int64_t)len + 1;
    }
    struct node *nodes = scratch->lattice;
    search(&scratch->tok->unigram, text, len, nodes);
    /* Walk back to front, turning each node's begin into a link forward; unknown neighbours become one. */
    int64_t end = (int64_t)len, next = -1;
    while (end > 0) {
        int64_t begin = nodes[end].begin;
        while (nodes[end].id == UNKNOWN_ID && begin > 0 && nodes[begin].id == UNKNOWN_ID)
            begin = nodes[begin].begin;
        int32_t id = nodes[end].id;
        nodes[end].begin = next;
        nodes[end].id = id;
        next = end;
        end = begin;
    }
    int64_t begin = 0;
    for (int64_t at = next; at >= 0; at = nodes[at].begin) {
        bool ok = nodes[at].id != UNKNOWN_ID ? mica_ids_push(scratch->out, nodes[at].id)
                                             : tok_push_unknown(scratch, text + begin, (size_t)(at - begin));
        if (!ok)
            return false;
        begin = at;
    }
    return true;
}

const struct tok_model tok_model_unigram = {"unigram", encode_unigram};
