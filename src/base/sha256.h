/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 digests (FIPS 180-4), of bytes, of streams, and of big files in shards on all cores. */
#ifndef MICA_SHA256_H
#define MICA_SHA256_H

#include "base/pool.h"

#include <stdbool.h>

enum { MICA_DIGEST_BYTES = 32, MICA_DIGEST_HEX = 65 /* with the NUL */ };
struct mica_digest {
    uint8_t bytes[MICA_DIGEST_BYTES];
};

/* The digest of len bytes. false only when the crypto library is out of memory. Thread-safe. */
bool mica_sha256(const void *data, size_t len, struct mica_digest *out);

/* A digest that grows. begin gives NULL when out of memory; end frees it (out may be NULL: throw it away).
 * copy gives the digest so far and goes on. */
struct mica_sha256_stream;
struct mica_sha256_stream *mica_sha256_begin(void);
bool mica_sha256_update(struct mica_sha256_stream *stream, const void *data, size_t len);
bool mica_sha256_end(struct mica_sha256_stream *stream, struct mica_digest *out);

/* 64 lower-case hex digits and a NUL. */
void mica_digest_hex(const struct mica_digest *digest, char out[MICA_DIGEST_HEX]);
/* Reads exactly 64 lower-case hex digits, plain or after "sha256:" or "sha256-"; false for anything else, so
 * that a digest string can never be a path. */
bool mica_digest_parse(const char *text, struct mica_digest *out);
bool mica_digest_equal(const struct mica_digest *a, const struct mica_digest *b);

/* SHA-256 is sequential, so a big file is hashed as shards of 16 MiB, each with a digest of its own, in
 * parallel. mica_shard_count(0) is 0. digests has room for mica_shard_count(size). pool may be NULL. */
enum { MICA_SHARD_BYTES = 16 << 20 };
size_t mica_shard_count(uint64_t size);
bool mica_shards_hash(const void *data, uint64_t size, struct mica_pool *pool, struct mica_digest *digests);

#endif
