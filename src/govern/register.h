/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The register: one SQLite file (MICA_HOME/register.db) that knows every component, where it came from, and
 * under which terms. Each row carries a seal (HMAC-SHA-256 by MICA_HOME/key, made at first use, mode 0600)
 * over all that it states, so that a row changed by other hands is noticed. Changes are kept in a history.
 *
 * One connection is used by one thread at a time; processes may share the file. */
#ifndef MICA_REGISTER_H
#define MICA_REGISTER_H

#include "base/mem.h"
#include "base/sha256.h"

/* Kinds of components. */
#define MICA_COMPONENT_ROWS(X)                                                                               \
    X(MODEL, "model")                                                                                        \
    X(ADAPTER, "adapter")                                                                                    \
    X(TOKENIZER, "tokenizer")                                                                                \
    X(TEMPLATE, "template")                                                                                  \
    X(DATASET, "dataset")                                                                                    \
    X(SOFTWARE, "software") /* what Mica is made with */
enum mica_component_kind {
#define MICA_COMPONENT_ENUM(name, text) MICA_COMPONENT_##name,
    MICA_COMPONENT_ROWS(MICA_COMPONENT_ENUM)
#undef MICA_COMPONENT_ENUM
};

/* Texts are NUL-terminated and never NULL in what the register returns ("" = not stated); NULL may be given.
 * What is put is made UTF-8 without control characters (newlines may stand in notes and card). */
struct mica_component {
    int64_t id; /* given by the register */
    enum mica_component_kind kind;
    const char *name, *version; /* a stored model: the short form of its name with the tag, and "" */
    const char *digest;         /* 64 hex digits; of a stored model: its manifest's */
    const char *source, *revision, *location;
    const char *time;            /* when registered, RFC 3339 */
    int64_t size;                /* bytes */
    const char *declared_card;   /* what the card or the package index states, as spelt there */
    const char *declared_key;    /* what the file itself states (GGUF general.license, safetensors config) */
    const char *declared_file;   /* name of the LICENSE file that came with it */
    const char *licence_digest;  /* of that text, in the store */
    const char *concluded;       /* SPDX expression from the text; LicenseRef-modified-…; "" = unknown */
    const char *policy_digest;   /* of a use policy's text, in the store */
    const char *card_digest;     /* of the card's text, in the store */
    const char *template_digest; /* SHA-256 of the chat template that the model runs with */
    const char *owner, *notes;
    const char *drift; /* "" or what drifted; by policy stops loading */
    const char
        *card; /* JSON object: dataset or model card facts (filters, sampling ratios, cleaning, languages…) */
};

/* The text fields above, in the order in which seals and digests take them: X(field). */
#define MICA_COMPONENT_TEXTS(X)                                                                              \
    X(name)                                                                                                  \
    X(version)                                                                                               \
    X(digest)                                                                                                \
    X(source)                                                                                                \
    X(revision)                                                                                              \
    X(location)                                                                                              \
    X(time)                                                                                                  \
    X(declared_card)                                                                                         \
    X(declared_key)                                                                                          \
    X(declared_file)                                                                                         \
    X(licence_digest)                                                                                        \
    X(concluded)                                                                                             \
    X(policy_digest)                                                                                         \
    X(card_digest)                                                                                           \
    X(template_digest)                                                                                       \
    X(owner)                                                                                                 \
    X(notes)                                                                                                 \
    X(drift)                                                                                                 \
    X(card)
const char *mica_component_kind_text(enum mica_component_kind kind); /* "model" */
bool mica_component_kind_parse(const char *text, enum mica_component_kind *out);

/* How a component depends on another. */
#define MICA_RELATION_ROWS(X)                                                                                \
    X(BASE, "base")             /* was made from it, by tuning, merging or quantising */                     \
    X(ADAPTER, "adapter")       /* runs with it */                                                           \
    X(TRAINED_ON, "trained_on") /* a dataset */                                                              \
    X(TOKENIZER, "tokenizer")                                                                                \
    X(TEMPLATE, "template")                                                                                  \
    X(DEPENDS_ON, "depends_on") /* software */
enum mica_relation {
#define MICA_RELATION_ENUM(name, text) MICA_RELATION_##name,
    MICA_RELATION_ROWS(MICA_RELATION_ENUM)
#undef MICA_RELATION_ENUM
};

const char *mica_relation_text(enum mica_relation relation); /* "trained_on" */

struct mica_register;
/* Opens (makes) the register in the store's home; NULL: the home that mica_store_open takes. A file that is
 * no register of Mica's, is damaged or was made by a newer Mica is refused and never written to: EFORMAT,
 * EUNSUPPORTED. */
enum mica_status mica_register_open(const char *home, struct mica_register **out, struct mica_err *err);
void mica_register_close(struct mica_register *reg);

/* Groups changes: all of them or none are kept. Nests: only the outermost end commits, and once an inner one
 * did not, the outermost cannot (EINTERNAL). end without commit never fails. Takes the write lock; waits up
 * to ten seconds for other processes. */
enum mica_status mica_register_begin(struct mica_register *reg, struct mica_err *err);
enum mica_status mica_register_end(struct mica_register *reg, bool commit, struct mica_err *err);

/* Adds or replaces the component of (kind, name, version) in one transaction with its history line, which
 * says what changed; event says why ("pull", "register", "drift", …). A time of NULL or "" is now. Links
 * stay. The old row's seal is not looked at: this is how a row is recorded anew. *id_out may be NULL. */
enum mica_status mica_register_put(struct mica_register *reg, const struct mica_component *component,
                                   const char *event, int64_t *id_out, struct mica_err *err);
/* Links from → to; a link that exists is fine. The seal of from covers its links. */
enum mica_status mica_register_link(struct mica_register *reg, int64_t from, enum mica_relation relation,
                                    int64_t to, struct mica_err *err);
/* Forgets all links from a component. */
enum mica_status mica_register_unlink(struct mica_register *reg, int64_t from, struct mica_err *err);
/* Makes every link to `from` one to `to`. */
enum mica_status mica_register_retarget(struct mica_register *reg, int64_t from, int64_t to,
                                        struct mica_err *err);
/* The id of the component that a name or a source means: one called so, else one that came from there
 * ("hf:owner/repo" also finds "hf:owner/repo:FILE"), registered ones first, then the
 * newest. Seals are not looked at. ENOTFOUND. */
enum mica_status mica_register_resolve(struct mica_register *reg, enum mica_component_kind kind,
                                       const char *text, int64_t *id_out, struct mica_err *err);
/* Forgets a component, and the tokenizers, templates and unregistered bases that only it named. One that
 * others are linked to stays, with a history line: their terms depend on it. */
enum mica_status mica_register_remove(struct mica_register *reg, int64_t id, const char *event,
                                      struct mica_err *err);
/* The same by kind and name, in all its versions, also when its seal is broken. ENOTFOUND. */
enum mica_status mica_register_forget(struct mica_register *reg, enum mica_component_kind kind,
                                      const char *name, const char *event, struct mica_err *err);
/* Before another component takes the name: one that others come from stays what it is, under a version (the
 * begin of its digest), and their links still lead to it. Nothing to do where there is none. */
enum mica_status mica_register_set_aside(struct mica_register *reg, enum mica_component_kind kind,
                                         const char *name, struct mica_err *err);
/* Writes what is stated about a component, with its links, also under another name. ENOTFOUND, EDENIED. */
enum mica_status mica_register_copy(struct mica_register *reg, enum mica_component_kind kind,
                                    const char *from, const char *to, const char *event,
                                    struct mica_err *err);

/* Rows found: free with mica_components_free. EDENIED "changed outside Mica" names the component whose seal
 * is broken and the command that helps. */
struct mica_components {
    struct mica_component *rows;
    int64_t n, capacity;
    struct mica_arena arena;
    enum mica_relation *relations; /* of a closure: how row i is reached; [0] is the component itself */
    int64_t *parents;              /* of a closure: the row that row i is reached from; [0]: -1 */
};
void mica_components_free(struct mica_components *components);
/* The component of a kind and name, in all its versions; ENOTFOUND. */
enum mica_status mica_register_find(struct mica_register *reg, enum mica_component_kind kind,
                                    const char *name, struct mica_components **out, struct mica_err *err);
/* The component of a digest (manifest or file), maybe under several names, in order of kind and name;
 * ENOTFOUND. */
enum mica_status mica_register_find_digest(struct mica_register *reg, const struct mica_digest *digest,
                                           struct mica_components **out, struct mica_err *err);
/* The component and everything it is linked to, over all links, each once. */
enum mica_status mica_register_closure(struct mica_register *reg, int64_t id, struct mica_components **out,
                                       struct mica_err *err);
/* All components in order of kind and name. */
enum mica_status mica_register_all(struct mica_register *reg, struct mica_components **out,
                                   struct mica_err *err);
/* The digest of what the register states of these rows, their ids and times of registration left out: the
 * same statements in any order, the same digest. */
bool mica_components_digest(const struct mica_components *components, struct mica_digest *out);

/* Shard digests of a blob, sealed like a row: n = mica_shard_count(size). find: ENOTFOUND; free with
 * mica_free. */
enum mica_status mica_register_put_shards(struct mica_register *reg, const struct mica_digest *blob,
                                          uint64_t size, const struct mica_digest *shards,
                                          struct mica_err *err);
enum mica_status mica_register_shards(struct mica_register *reg, const struct mica_digest *blob,
                                      uint64_t *size_out, struct mica_digest **shards_out,
                                      struct mica_err *err);

/* One line of the history of a component, oldest first; NULL name: of all. Calls row for each. Lines are a
 * chain: each one's seal covers the one before; EDENIED, after the calls, when it is broken. */
enum mica_status mica_register_history(struct mica_register *reg, const char *name,
                                       void (*row)(void *user, const char *time, const char *name,
                                                   const char *event, const char *what),
                                       void *user, struct mica_err *err);
/* Adds a line without changing a row. */
enum mica_status mica_register_note(struct mica_register *reg, const char *name, const char *event,
                                    const char *what, struct mica_err *err);

#endif
