/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MICA_RECEIPT_H
#define MICA_RECEIPT_H

#include "cli/chat_loop.h"

/* Writes what made one answer to path: the model with its digests and terms (or that it ran unregistered),
 * the settings that decide the tokens, and digests of prompt and answer. The same answer gives the same
 * receipt but for the time and the machine it names. */
enum mica_status mica_cli_write_receipt(const char *path, const struct mica_run_args *args,
                                        const struct mica_loaded *loaded, const struct mica_request *request,
                                        const struct mica_result *result, struct mica_err *err);

#endif
