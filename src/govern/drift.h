/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Drift: do a component's terms still read as they were registered? Compared are, of a stored model, its own
 * bytes (the manifest, the texts, what card, keys and texts state), and of anything with a source that can be
 * reached, what the source states now: the licence in its metadata, and its licence, notice and policy texts.
 * The register's row is what everything is compared with. */
#ifndef MICA_DRIFT_H
#define MICA_DRIFT_H

#include "govern/register.h"
#include "store/store.h"

enum mica_drift_kind {
    MICA_DRIFT_SAME,
    MICA_DRIFT_CHANGED,
    MICA_DRIFT_NOT_SEEN /* the source could not be looked at, or not as a whole; what says why */
};
const char *mica_drift_kind_text(enum mica_drift_kind kind); /* "not seen" */

/* One thing that was compared. Texts are valid UTF-8; only diff may have line ends. */
struct mica_drift_row {
    enum mica_drift_kind kind;
    const char *what, *before, *after;
    const char *diff; /* of two texts, words: [-removed-] [+added+]; or "" */
};
struct mica_drift {
    struct mica_drift_row *rows;
    int64_t n, capacity;
    bool changed;
    bool reverted;       /* drift was recorded earlier, and now everything reads as registered again */
    const char *summary; /* of what changed, for the register; "" */
    struct json_t *seen; /* what the source states now, to be accepted later; NULL: not looked at */
    struct mica_arena arena;
};

struct mica_drift_options {
    bool offline;    /* do not ask the source */
    bool plain_http; /* as of mica_pull */
};
/* Looks at one row of the register. A source that cannot be reached is a row of the result, not a failure. */
enum mica_status mica_drift_look(struct mica_store *store, const struct mica_component *component,
                                 const struct mica_drift_options *options, struct mica_drift **out,
                                 struct mica_err *err);
void mica_drift_free(struct mica_drift *drift);
/* Writes what changed into the component's row (drift, and what the source states now) and its history with
 * the event "drift"; a drift that was reverted is taken back. Does nothing when nothing changed. */
enum mica_status mica_drift_record(struct mica_register *reg, const struct mica_component *component,
                                   const struct mica_drift *drift, struct mica_err *err);
/* Takes the terms that were seen when drift was recorded as the component's terms from now on: later looks
 * compare with them. A changed licence text that nobody identified, or a new licence in the metadata that
 * does not go with the text, leaves the component's licence disputed. seen: the card field of the row in
 * which the drift was recorded. */
enum mica_status mica_drift_accept(struct mica_register *reg, const struct mica_component *component,
                                   const char *seen, struct mica_err *err);
/* Calls text with the digest of each text that drift keeps for the card field of a row: they lie in the store
 * and are no model's layers. */
void mica_drift_kept(const char *card, void (*text)(void *user, const struct mica_digest *digest),
                     void *user);

#endif
