/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Which licence a text is. A text is identified when all of it is accounted for: the reference text, word by
 * word after the SPDX matching guidelines, and around it at most a title and copyright lines. Anything else
 * is not. */
#ifndef MICA_IDENTIFY_H
#define MICA_IDENTIFY_H

#include <mica/base.h>
#include <stdbool.h>

enum mica_licence_match_kind { MICA_LICENCE_UNKNOWN, MICA_LICENCE_MODIFIED, MICA_LICENCE_IDENTIFIED };
struct mica_licence_match {
    enum mica_licence_match_kind kind;
    char id[128];      /* SPDX id or expression, LicenseRef-…, LicenseRef-modified-X; "" when unknown */
    char nearest[128]; /* the reference text it was compared with; "" */
    double similarity; /* to it, 0..1 */
    char *diff; /* of a modified text: what was added [+…+] and removed [-…-], words; else NULL; mica_free */
};
/* Identifies len bytes of UTF-8 (or Latin-1) text. Thread-safe. ENOMEM, EUNSUPPORTED when Mica was built
 * without reference texts. */
enum mica_status mica_licence_identify(const char *text, size_t len, struct mica_licence_match *out,
                                       struct mica_err *err);
/* The reference text of an SPDX id, NUL-terminated, alive as long as the process; NULL when there is none. */
const char *mica_licence_text(const char *id);
/* The id that a tag stands for: "apache-2.0" → "Apache-2.0", "Apache License 2.0" → the same, "gemma" →
 * "LicenseRef-Gemma". false for what names no one text ("other", "openrail", "bsd", "cc"). */
bool mica_licence_canonical(const char *tag, char out[128]);
/* A word diff of any two texts: unchanged runs shortened, [+added+] and [-removed-]. Free with mica_free.
 * NULL: out of memory. */
char *mica_word_diff(const char *before, const char *after);

#endif
