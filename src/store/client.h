/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Runs a package registry's ordinary client (pip, npm): no shell, an argument vector. */
#ifndef MICA_CLIENT_H
#define MICA_CLIENT_H

#include "base/mem.h"

/* Runs argv (NULL-terminated; argv[0] is looked up in PATH) in folder, with nothing on standard input, until
 * it ends. Its standard output is appended to out, at most 64 MiB. tick is called a few times a second; false
 * ends the client. ENOTFOUND when it is not installed; EIO with the end of its messages when it fails. */
enum mica_status mica_client_run(const char *const *argv, const char *folder, struct mica_buf *out,
                                 bool (*tick)(void *user, uint64_t done, uint64_t total), void *user,
                                 struct mica_err *err);

#endif
