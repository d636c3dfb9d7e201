/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/licence_digests.h"

#include <string.h>

static const struct {
    const char *digest, *id;
} rows[] = {
#define X(digest, id, source) {digest, id},
#include "govern/licence_digests.def"
#undef X
};

bool mica_licence_digest(const struct mica_licence_words *words, int64_t begin, struct mica_digest *out)
{
    struct mica_sha256_stream *stream = mica_sha256_begin();
    bool ok = stream;
    for (int64_t i = begin; i < words->n && ok; i++)
        ok = (i == begin || mica_sha256_update(stream, " ", 1)) &&
             mica_sha256_update(stream, mica_word_key(words, i), words->words[i].key_len);
    if (!stream)
        return false;
    return mica_sha256_end(stream, ok ? out : NULL) && ok;
}

const char *mica_licence_by_digest(const struct mica_digest *digest)
{
    char hex[MICA_DIGEST_HEX];
    mica_digest_hex(digest, hex);
    for (size_t i = 0; i < MICA_COUNT(rows); i++)
        if (strcmp(rows[i].digest, hex) == 0)
            return rows[i].id;
    return NULL;
}
