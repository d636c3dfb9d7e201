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

/* A row as JSON: texts that say nothing are left out, card is an object. New reference; NULL: out of memory.
 */
struct json_t *mica_cli_component_json(const struct mica_component *row);
/* What the row's licence is: concluded, else declared (then *is_declared), else "". */
const char *mica_cli_licence(const struct mica_component *row, bool *is_declared);

/* History lines that a command adds: begin before, end prints those that came since, as "  NAME: CHANGE". */
int64_t mica_cli_history_begin(struct mica_register *reg);
void mica_cli_history_end(struct mica_register *reg, int64_t n_before);

#endif
