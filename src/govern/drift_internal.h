/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of drift share. */
#ifndef MICA_DRIFT_INTERNAL_H
#define MICA_DRIFT_INTERNAL_H

#include "govern/drift.h"
#include "govern/identify.h"

#include <jansson.h>

/* One look at one component. */
struct mica_drift_look {
    struct mica_store *store;
    const struct mica_component *component;
    const struct mica_drift_options *options;
    struct mica_drift *drift;
    struct mica_manifest *manifest; /* NULL: not stored */
    json_t *card;                   /* the row's card field; NULL: none */
    const char *dispute;
    bool failed; /* out of memory */
};

/* Adds a row; the texts come from anyone. */
void mica_drift_say(struct mica_drift_look *look, enum mica_drift_kind kind, const char *what,
                    const char *before, const char *after, const char *diff);
/* Two spellings of one licence. */
bool mica_drift_same_licence(const char *a, const char *b);
/* What was accepted under key the last time drift was; NULL: nothing. */
const char *mica_drift_accepted(const struct mica_drift_look *look, const char *key);
enum mica_status mica_drift_look_at_source(struct mica_drift_look *look, struct mica_err *err);

#endif
