/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/init.h"

void mica_kern_init_ref_attention(struct mica_kern *kern)
{
    (void)kern;
}

size_t mica_attention_scratch(int head_dim, int n_heads, int n_kv_heads)
{
    (void)head_dim, (void)n_heads, (void)n_kv_heads;
    return 0;
}
