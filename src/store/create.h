/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Makes a model from a Modelfile. */
#ifndef MICA_CREATE_H
#define MICA_CREATE_H

#include "store/modelfile.h"
#include "store/store.h"

struct mica_create_options {
    const char *folder; /* relative paths in FROM and ADAPTER begin here; NULL: the current folder */
    bool link;          /* GGUF files are registered where they lie, not copied */
};
struct mica_created {
    struct mica_manifest *manifest;
    bool has_base; /* FROM named a stored model */
    struct mica_name base;
    char *source; /* what FROM named otherwise: a path or digest; NULL */
};
void mica_created_release(struct mica_created *created);

/* Builds the model and publishes it as name. FROM is the name of a stored model, a GGUF file, a Hugging Face
 * folder, or the digest of a blob. Layers of the base are inherited: TEMPLATE, SYSTEM and MESSAGE replace
 * theirs, parameters are merged by name, LICENSE and ADAPTER are added (so a model never loses the terms it
 * came with). Release *out. */
enum mica_status mica_create(struct mica_store *store, const struct mica_name *name,
                             const struct mica_modelfile *file, const struct mica_create_options *options,
                             struct mica_created *out, struct mica_err *err);

#endif
