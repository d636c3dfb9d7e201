/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What the variants of attention share: where K and V lie, which positions a query sees, the order of
 * arithmetic.
 *
 * A row is one query of one head, at position p. Its state starts as m = −1e30, l = 0, o[D] = 0. Each tile:
 *   dot[j]  f16, f32:  fma(q[d], k[d][j], dot) for d = 0, 1, …
 *           q8_0: for each block b of 32 elements: I = Σ code(q)·code(k) (int32), then
 *                 fma((float)I, d(k) × d(q), dot); q is quantised as by mica_quantize
 *   s[j] = dot[j] × scale;  with a softcap: s = softcap × tanh(s / softcap);  −inf where the row does not see
 * j m' = max(m, s[0..31]);  c = exp(m − m');  e[j] = exp(s[j] − m') l = fma(l, c, sum of e: lane i is e[i] +
 * e[i + 16], then the fixed tree) o[d] = o[d] × c, then for j = 0, 1, …:  f16: o = fma(e[j], v[j][d], o);
 * q8_0: o = fma(e[j] × d(v), code, o) Parts merge into M = −1e30, L = 0, O[D] = 0: M' = max(M, m);  c = exp(M
 * − M');  c2 = exp(m − M');  L = fma(l, c2, L × c);  O[d] = fma(o[d], c2, O[d] × c) and the result is
 * fma(O[d], 1 / L, 0), or 0 when L is 0. A tile whose positions are all hidden from the row multiplies by
 * exp(0) = 1 and adds e = 0: it changes nothing, so rows that see different tiles can share a loop. For the
 * same reason a whole part may be absent. Positions outside those that any row of the call sees are never
 * read: their memory may hold anything. */
#ifndef MICA_KERN_ATTENTION_H
#define MICA_KERN_ATTENTION_H

#include "kern/kern.h"

enum { MICA_ATTN_ROWS = 64, MICA_KV_HALF = 16, MICA_ATTN_PART_TILES = MICA_ATTN_PART / MICA_KV_BLOCK };

#define MICA_ATTN_MAX_START (-1e30f)

/* K of one head for the block that holds positions tile × 32 …; V lies k_bytes further. */
static inline uint8_t *mica_kv_tile(const struct mica_kv_layer *layer, const int32_t *block_table,
                                    int64_t tile, int kv_head)
{
    return layer->data + (size_t)block_table[tile] * layer->block_bytes + (size_t)kv_head * layer->head_bytes;
}

/* The first position seen from pos. */
static inline int64_t mica_attn_first(int64_t pos, int64_t window)
{
    return window > 0 && pos >= window ? pos - window + 1 : 0;
}

/* The heads to do: the first, and how many. */
static inline int mica_attn_heads(const struct mica_attention *args, int *first_out)
{
    int group = args->n_heads / args->layer->n_kv_heads;
    *first_out = args->kv_head * group + args->head0;
    return (args->head1 ? args->head1 : group) - args->head0;
}

#endif
