/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/sha256.h"
#include "base/digits.h"
#include "base/mem.h"

#include <openssl/evp.h>

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

struct mica_sha256_stream {
    EVP_MD_CTX *context;
};

bool mica_sha256(const void *data, size_t len, struct mica_digest *out)
{
    return EVP_Digest(data ? data : "", len, out->bytes, NULL, EVP_sha256(), NULL) == 1;
}

struct mica_sha256_stream *mica_sha256_begin(void)
{
    struct mica_sha256_stream *stream = mica_alloc(1, sizeof *stream);
    if (!stream)
        return NULL;
    stream->context = EVP_MD_CTX_new();
    if (!stream->context || EVP_DigestInit_ex(stream->context, EVP_sha256(), NULL) != 1) {
        mica_sha256_end(stream, NULL);
        return NULL;
    }
    return stream;
}

bool mica_sha256_update(struct mica_sha256_stream *stream, const void *data, size_t len)
{
    return EVP_DigestUpdate(stream->context, data, len) == 1;
}

bool mica_sha256_end(struct mica_sha256_stream *stream, struct mica_digest *out)
{
    if (!stream)
        return false;
    bool ok = out && EVP_DigestFinal_ex(stream->context, out->bytes, NULL) == 1;
    EVP_MD_CTX_free(stream->context);
    mica_free(stream);
    return ok;
}

void mica_digest_hex(const struct mica_digest *digest, char out[MICA_DIGEST_HEX])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < MICA_DIGEST_BYTES; i++) {
        out[2 * i] = digits[digest->bytes[i] >> 4];
        out[2 * i + 1] = digits[digest->bytes[i] & 15];
    }
    out[MICA_DIGEST_HEX - 1] = '\0';
}

bool mica_digest_parse(const char *text, struct mica_digest *out)
{
    struct mica_digest digest;
    if (strncmp(text, "sha256:", 7) == 0 || strncmp(text, "sha256-", 7) == 0)
        text += 7;
    if (strlen(text) != MICA_DIGEST_HEX - 1)
        return false;
    for (int i = 0; i < MICA_DIGEST_BYTES; i++) {
        int high = mica_hex_digit(text[2 * i]), low = mica_hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        digest.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *out = digest;
    return true;
}

bool mica_digest_equal(const struct mica_digest *a, const struct mica_digest *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

size_t mica_shard_count(uint64_t size)
{
    return (size_t)(size / MICA_SHARD_BYTES + (size % MICA_SHARD_BYTES != 0));
}

struct shards {
    const uint8_t *data;
    uint64_t size;
    struct mica_digest *digests;
    atomic_bool failed;
};

static void hash_shards(void *arg, int64_t begin, int64_t end, int thread)
{
    struct shards *shards = arg;
    for (int64_t i = begin; i < end; i++) {
        uint64_t at = (uint64_t)i * MICA_SHARD_BYTES, left = shards->size - at;
        size_t len = left < MICA_SHARD_BYTES ? (size_t)left : MICA_SHARD_BYTES;
#ifdef MADV_POPULATE_READ
        /* A mapped file's pages in one call instead of a fault for each few; no matter when it fails. */
        uintptr_t page = (uintptr_t)(shards->data + at) & ~(uintptr_t)4095;
        madvise((void *)page, len, MADV_POPULATE_READ);
#endif
        if (!mica_sha256(shards->data + at, len, &shards->digests[i]))
            atomic_store_explicit(&shards->failed, true, memory_order_relaxed);
    }
}

bool mica_shards_hash(const void *data, uint64_t size, struct mica_pool *pool, struct mica_digest *digests)
{
    struct shards shards = {data, size, digests, false};
    mica_pool_run(pool, (int64_t)mica_shard_count(size), 1, hash_shards, &shards);
    return !shards.failed;
}
