/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Writes a stored model into the register: reads what its files state, identifies its licence text, hashes
 * its shards. */
#ifndef MICA_RECORD_H
#define MICA_RECORD_H

#include "govern/register.h"
#include "store/store.h"

/* Where a model came from, as whoever brought it knows. All may be NULL; what is NULL (and not stated by the
 * files) stays as it was when the model is recorded again. */
struct mica_origin {
    const char *source, *revision, *location;
    const char *declared;            /* licence as the source's metadata states it */
    const char *asserted;            /* licence as a person states it; counts where the card names none */
    const char *bases;               /* lines: names of registered models, or "hf:owner/repo" of others */
    const char *adapters, *datasets; /* the same, for these relations */
    const char *owner, *notes;
    const char *event; /* "pull", "create", "register" */
    bool relink;       /* forget the bases, adapters and datasets recorded before; else links are added */
};
/* Registers the model (name, manifest) with its tokenizer, template, adapters, bases and datasets as
 * components and links, and the shard digests of all its blobs, whose bytes must be what the manifest says
 * (EFORMAT). Evidence: the CARD layer (YAML front matter of a model card, or package metadata), GGUF
 * general.license, general.license.name, general.license.link, general.base_model.*, general.dataset.*, and
 * the LICENSE layers, each identified.
 *
 * concluded: what the texts are, several as "A AND B"; LicenseRef-unidentified-DIGEST of a text that nobody
 * knows; LicenseRef-disputed, with the words in drift, when card, keys and texts contradict each other; ""
 * without a text. A base or dataset that is not registered becomes a component without a digest, so that the
 * rights decision sees that its terms are unknown; of a base by the same owner on the same hub, the model's
 * own terms are taken as declared. One transaction. *id_out may be NULL. */
enum mica_status mica_record_model(struct mica_store *store, struct mica_register *reg,
                                   const struct mica_name *name, const struct mica_manifest *manifest,
                                   const struct mica_origin *origin, int64_t *id_out, struct mica_err *err);
/* The chat template that a set of model files runs with (the override when not NULL), as a digest of its
 * text; all zero when there is none. */
enum mica_status mica_template_digest(const struct mica_files *files, const char *override, size_t len,
                                      struct mica_digest *out, struct mica_err *err);

#endif
