/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What the paper that comes with a model states: a model card's YAML front matter, the metadata of a Python
 * package, or an npm package.json. */
#ifndef MICA_CARD_H
#define MICA_CARD_H

#include "base/mem.h"

/* The licence of a card that holds a text which is no known one word for word. */
#define MICA_CARD_OWN_TEXT "a text in the package's metadata"

/* Texts and lists (NULL-terminated) live in the arena; NULL: not stated. */
struct mica_card {
    const char
        *licence; /* as spelt there: an id, a tag, an expression; of a card's "other" its license_name */
    const char *licence_link, *name, *version, *summary, *location, *task;
    const char *const *bases, *const *datasets; /* as spelt there: "owner/repo" */
    const char *const *languages, *const *tags;
};

/* Reads a card of at most 1 MiB; name is used in messages. A text of none of these kinds states nothing and
 * is no error. EFORMAT, ELIMIT, ENOMEM. Thread-safe. */
enum mica_status mica_card_read(const char *text, size_t len, const char *name, struct mica_arena *arena,
                                struct mica_card *out, struct mica_err *err);
/* Evaluation results that a card's front matter states: a new array of {"type", "value", "slice"}, maybe
 * empty. EFORMAT, ELIMIT, ENOMEM. Thread-safe. */
struct json_t;
enum mica_status mica_card_results(const char *text, size_t len, const char *name, struct json_t **out,
                                   struct mica_err *err);

#endif
