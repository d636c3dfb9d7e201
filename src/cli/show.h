/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What mica show says of a stored model beside what its files state. */
#ifndef MICA_CLI_SHOW_H
#define MICA_CLI_SHOW_H

#include "cli/models.h"
#include "govern/register.h"

/* A stored model being shown; component is NULL when the register does not know it. */
struct mica_cli_shown {
    struct mica_store *store;
    struct mica_name name;
    struct mica_manifest *manifest;
    struct mica_components *components;
};
/* ENOTFOUND: no such name in the store. Release also on failure. */
enum mica_status mica_cli_shown_open(const char *text, struct mica_cli_shown *out, struct mica_err *err);
void mica_cli_shown_release(struct mica_cli_shown *shown);

/* One part alone, as it is: licence texts, parameters as a Modelfile spells them, system message, template,
 * or a Modelfile that makes the model. An exit code. */
int mica_cli_show_licences(const struct mica_cli_shown *shown);
int mica_cli_show_parameters(const struct mica_cli_shown *shown);
int mica_cli_show_text(const struct mica_cli_shown *shown, enum mica_layer_kind kind);
int mica_cli_show_modelfile(const struct mica_cli_shown *shown);

/* The lines after what the files state; the same as a JSON object (new reference, NULL and *err on failure).
 */
enum mica_status mica_cli_show_stored(const struct mica_cli_shown *shown, struct mica_err *err);
struct json_t *mica_cli_shown_json(const struct mica_cli_shown *shown, struct mica_err *err);

#endif
