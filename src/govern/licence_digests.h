/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Texts that are known by the digest of their words only: licences of models that we may not carry, and
 * editions of licences that differ from the reference. */
#ifndef MICA_LICENCE_DIGESTS_H
#define MICA_LICENCE_DIGESTS_H

#include "base/sha256.h"
#include "govern/licence_words.h"

/* SHA-256 of the words from begin on as they are compared, with a space between them. false: out of memory.
 */
bool mica_licence_digest(const struct mica_licence_words *words, int64_t begin, struct mica_digest *out);
/* The id of the text with this digest; NULL when none is known. "WITH …" is an exception behind a licence. */
const char *mica_licence_by_digest(const struct mica_digest *digest);

#endif
