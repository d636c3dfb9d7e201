/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What the commands over the register share. */
#ifndef MICA_CLI_REGISTERED_H
#define MICA_CLI_REGISTERED_H

#include "cli/models.h"
#include "govern/register.h"

/* Opens the store and its register; close both also on failure (they are NULL then). */
enum mica_status mica_cli_open_register(struct mica_store **store, struct mica_register **reg,
                                        struct mica_err *err);
/* The component that the user named, in the kind given, and all that it depends on. */
enum mica_status mica_cli_closure(struct mica_register *reg, enum mica_component_kind kind, const char *text,
                                  struct mica_components **out, struct mica_err *err);

/* A registered model with all that it depends on. Zero it before; release it also on failure. */
struct mica_registered {
    struct mica_store *store;
    struct mica_register *reg;
    struct mica_components *closure; /* the model's own row is the first */
    struct mica_manifest *manifest;  /* NULL where only the register was asked */
    char name[MICA_NAME_TEXT];
};
enum mica_status mica_cli_registered(const char *text, struct mica_registered *out, struct mica_err *err);
/* The same of a model that is in the store, with its manifest. */
enum mica_status mica_cli_registered_model(const char *text, struct mica_registered *out,
                                           struct mica_err *err);
void mica_cli_registered_release(struct mica_registered *registered);
/* A text of the register by its digest; NULL: none is named, the store does not have it, or it is longer than
 * max. Free it with mica_free. */
char *mica_cli_registered_text(struct mica_store *store, const char *digest, size_t max);

/* A row as JSON: texts that say nothing are left out, card is an object. New reference; NULL: out of memory.
 */
struct json_t *mica_cli_component_json(const struct mica_component *row);
/* What the row's licence is: concluded, else declared (then *is_declared), else "". */
const char *mica_cli_licence(const struct mica_component *row, bool *is_declared);

/* Prints the licence of a model that came in, and the next step, in two lines that begin with indent. */
void mica_cli_print_terms(const struct mica_component *row, const char *indent);

/* History lines that a command adds: begin before, end prints those that came since, as "  NAME: CHANGE". */
int64_t mica_cli_history_begin(struct mica_register *reg);
void mica_cli_history_end(struct mica_register *reg, int64_t n_before);

#endif
