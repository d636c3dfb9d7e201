/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* JSON from manifests, layers and configs. */
#ifndef MICA_STORE_JSON_H
#define MICA_STORE_JSON_H

#include "base/mem.h"

#include <jansson.h>

/* Reads a document of len bytes, called what in messages; duplicate keys are refused. EFORMAT, ENOMEM. */
enum mica_status mica_json_load(const char *text, size_t len, const char *what, struct json_t **out,
                                struct mica_err *err);

#endif
