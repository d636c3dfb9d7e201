/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What a model's files state about their terms and origin, and what follows from it. */
#ifndef MICA_EVIDENCE_H
#define MICA_EVIDENCE_H

#include "format/gguf.h"
#include "govern/card.h"
#include "govern/record.h"

/* Everything that is stated, where it is stated. Texts are never NULL; they live in the arena. */
struct mica_evidence {
    struct mica_arena arena;
    struct mica_card card;
    const char *declared_card, *declared_key, *declared_file;
    const char *concluded; /* from the texts; LicenseRef-disputed when the statements contradict each other */
    const char *drift;     /* "", or which statements contradict each other */
    char licence_digest[MICA_DIGEST_HEX], policy_digest[MICA_DIGEST_HEX], card_digest[MICA_DIGEST_HEX];
    struct mica_buf bases, datasets; /* lines */
    bool failed;                     /* a fact could not be kept: out of memory */
    struct json_t *facts; /* of the card, the licence texts one by one, and what could not be read */
};

/* Reads the evidence of a stored model; gguf is NULL for an HF folder; before is the card field of what was
 * recorded earlier ("": nothing), from which statements of the source and of persons are kept. What cannot be
 * read is named in facts and states nothing. ENOMEM, EIO. Release it also on failure. */
enum mica_status mica_evidence_read(struct mica_store *store, const struct mica_manifest *manifest,
                                    const struct mica_gguf *gguf, const struct mica_origin *origin,
                                    const char *before, struct mica_evidence *out, struct mica_err *err);
void mica_evidence_release(struct mica_evidence *evidence);
/* A string of a GGUF file's metadata, NUL-terminated in the arena; "" when it is not there, NULL: out of
 * memory. */
const char *mica_evidence_key(const struct mica_gguf *gguf, struct mica_arena *arena, const char *key);
/* What a text of terms is for, by the name of its file or how it begins: "licence", "notice" or "policy". */
const char *mica_evidence_role(const char *title, const struct mica_buf *text);
/* The digest of all that makes the tokenizer: GGUF's tokenizer.* without the chat template, or the files of
 * an HF folder; all zero when there is none. */
bool mica_tokenizer_digest(const struct mica_gguf *gguf, const struct mica_files *files,
                           struct mica_digest *out);

/* Which one statement names, or none (an expression names several): for tests and for drift. */
enum { MICA_LICENCE_SET = 16 };
struct mica_licence_set {
    char ids[MICA_LICENCE_SET][128];
    int n;
    bool has_choice; /* an OR */
};
/* The licences of a tag, a name or an SPDX expression; an empty set when part of it names no known text. */
void mica_licence_set_parse(const char *statement, struct mica_licence_set *out);
bool mica_licence_sets_meet(const struct mica_licence_set *a, const struct mica_licence_set *b);

#endif
