/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* BLAKE2b (RFC 7693) without a key. OpenSSL 3.0 has only the 64-byte form, and key files of minisign need the
 * 32-byte one, which is no prefix of it. */
#ifndef MICA_BLAKE2B_H
#define MICA_BLAKE2B_H

#include <stddef.h>
#include <stdint.h>

enum { MICA_BLAKE2B_MAX = 64 };
struct mica_blake2b {
    uint64_t h[8], total;
    uint8_t block[128];
    size_t used, out_len;
};
void mica_blake2b_begin(struct mica_blake2b *state, size_t out_len); /* 1 … 64 */
void mica_blake2b_update(struct mica_blake2b *state, const void *data, size_t len);
void mica_blake2b_end(struct mica_blake2b *state, uint8_t *out);

#endif
