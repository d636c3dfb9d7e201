/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What the commands over stored models share. */
#ifndef MICA_CLI_MODELS_H
#define MICA_CLI_MODELS_H

#include "cli/cli.h"
#include "store/store.h"

enum { MICA_SHORT_TEXT = 40 };
/* "1.3 GB", decimal as disks and Ollama count. */
void mica_cli_size_text(uint64_t bytes, char out[MICA_SHORT_TEXT]);
/* "3 weeks ago". */
void mica_cli_age_text(int64_t since, char out[MICA_SHORT_TEXT]);

/* Rows of texts as columns under a head, each column as wide as its widest text. cells: n_rows × n_columns.
 */
void mica_cli_print_table(const char *const *head, int n_columns, const char *const *cells, int64_t n_rows);

/* The manifest of the model that the user named. */
enum mica_status mica_cli_manifest(struct mica_store *store, const char *text, struct mica_name *name_out,
                                   struct mica_manifest **out, struct mica_err *err);

/* The files of what the user named, to be looked at but not run: a stored model, or else a path. */
enum mica_status mica_cli_files(const char *text, struct mica_files **out, struct mica_err *err);

/* Blobs that the register of a struct mica_store refers to (licence texts, policies, cards), for
 * mica_gc_options.named. */
enum mica_status mica_cli_registered_blobs(void *store, struct mica_digest **out, int64_t *n_out,
                                           struct mica_err *err);
/* Writes what the register states about a model also under another name; forgets a model, unless others are
 * made from it (their terms depend on its). Both are fine when the register states nothing. */
enum mica_status mica_cli_register_copy(struct mica_store *store, const struct mica_name *from,
                                        const struct mica_name *to, struct mica_err *err);
enum mica_status mica_cli_register_forget(struct mica_store *store, const struct mica_name *name,
                                          struct mica_err *err);

/* mica verify NAME…: hashes the blobs of the named models, or everything in the store. */
int mica_cli_verify_store(char **names, int n_names, bool all, bool json);

#endif
