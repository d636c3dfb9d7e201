/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MICA_CLI_OPENNESS_H
#define MICA_CLI_OPENNESS_H

#include "cli/cli.h"
#include "govern/openness.h"

/* How open the stored model of that name is, as mica openness says it. */
enum mica_status mica_cli_openness(const char *name, enum mica_openness *out, struct mica_err *err);

#endif
