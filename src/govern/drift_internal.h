/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What the parts of drift share. */
#ifndef MICA_DRIFT_INTERNAL_H
#define MICA_DRIFT_INTERNAL_H

#include "govern/drift.h"
#include "govern/identify.h"
#include "store/look.h"

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
    struct mica_http *http; /* while the source is looked at */
    bool failed;            /* out of memory */
};

/* A copy for people, at most limit bytes: UTF-8 without control characters, and without line ends unless they
 * are kept. Never NULL. */
const char *mica_drift_clean(struct mica_drift_look *look, const char *text, size_t limit, bool keep_lines);
/* Adds a row; the texts come from anyone. */
void mica_drift_say(struct mica_drift_look *look, enum mica_drift_kind kind, const char *what,
                    const char *before, const char *after, const char *diff);
/* Two spellings of one licence. */
bool mica_drift_same_licence(const char *a, const char *b);
/* What was accepted under key the last time drift was; NULL: nothing. */
const char *mica_drift_accepted(const struct mica_drift_look *look, const char *key);
/* The same in one of the groups "texts" (digests of texts by name, "": gone) and "stated" (values by key). */
const char *mica_drift_accepted_in(const struct mica_drift_look *look, const char *group, const char *key);
/* Keeps what the source states now, so that it can be accepted. */
void mica_drift_see(struct mica_drift_look *look, const char *group, const char *key, const char *value);
/* Compares one statement of the source with what was accepted or registered; both may be "". */
void mica_drift_statement(struct mica_drift_look *look, const char *what, const char *key, const char *before,
                          const char *now);
/* Compares a text with the one that was accepted under that name, or else with before (NULL: none), and keeps
 * it when it changed; then *changed is set. */
void mica_drift_text(struct mica_drift_look *look, const char *name, const struct mica_buf *before,
                     const struct mica_buf *now, bool *changed);

/* Everything that can be learnt from the source. */
enum mica_status mica_drift_look_at_source(struct mica_drift_look *look, struct mica_err *err);
/* Texts that the plan holds, and that its archives hold. *licence: what its card names, "" or text in the
 * arena of the drift. moved: it is another version than the registered one. */
enum mica_status mica_drift_texts(struct mica_drift_look *look, struct mica_plan *plan, bool moved,
                                  const char **licence, struct mica_err *err);
/* The keys of the model's file. is_pinned: the plan's digest is not what the source has, but what is wanted.
 */
void mica_drift_keys(struct mica_drift_look *look, const struct mica_plan *plan, bool is_pinned);

#endif
