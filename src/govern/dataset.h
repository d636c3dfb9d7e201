/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Dataset cards: YAML files that state what a dataset is, where it came from and what was done to it. */
#ifndef MICA_DATASET_H
#define MICA_DATASET_H

#include "govern/register.h"

struct json_t;

/* Reads a card (a key that is not in its schema, or a wrong value, is EFORMAT with file and line) and writes
 * it into the register as the dataset called name. licence_text, or NULL, is the text that came with it,
 * stored under licence_digest. *id_out may be NULL. */
enum mica_status mica_dataset_add(struct mica_register *reg, const char *name, const char *card, size_t len,
                                  const char *card_name, const char *card_digest, const char *concluded,
                                  const char *licence_digest, int64_t *id_out, struct mica_err *err);
/* The schema of cards as JSON Schema. New reference; NULL: out of memory. */
struct json_t *mica_dataset_schema(void);

#endif
