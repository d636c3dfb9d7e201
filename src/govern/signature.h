/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Signatures of stored models: an OMS bundle over the manifest's layers, kept as a SIGNATURE layer. It lists
 * the model's files by title, as a signature of the folder that they came from would, and every other layer
 * that changes what runs (adapters, template, system message, parameters, messages). */
#ifndef MICA_SIGNATURE_H
#define MICA_SIGNATURE_H

#include "govern/oms.h"
#include "store/store.h"

/* OK when one SIGNATURE layer is valid under one of the keys (paths of PEM files, NULL-terminated) for
 * exactly this manifest: every MODEL, FILE, ADAPTER, PROJECTOR, TEMPLATE, SYSTEM, PARAMS and MESSAGES layer
 * is listed with its digest, and nothing is listed that is no layer. Licence texts and cards may be listed.
 * Compares digests with the manifest; that the blobs have them is for the caller to see. EDENIED says why
 * not. signer (NULL: not wanted) gets the hint of the key that signed: 64 hex digits. */
enum mica_status mica_signature_check(struct mica_store *store, const struct mica_manifest *manifest,
                                      const char *const *key_paths, char *signer, size_t signer_size,
                                      struct mica_err *err);
/* A manifest like the given one with one more SIGNATURE layer, sealed, its blob stored; not published. One by
 * the same key is replaced. */
enum mica_status mica_signature_add(struct mica_store *store, const struct mica_name *name,
                                    const struct mica_manifest *manifest, const struct mica_key *key,
                                    struct mica_manifest **out, struct mica_err *err);
/* The name under which layer i is signed, or NULL when it is not: its title, or one that its kind gives. */
enum { MICA_SIGNED_NAME = 300 };
const char *mica_signature_name(const struct mica_manifest *manifest, int64_t i, char out[MICA_SIGNED_NAME]);

#endif
