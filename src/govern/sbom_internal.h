/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What the two writers and the reader of bills of materials share. */
#ifndef MICA_SBOM_INTERNAL_H
#define MICA_SBOM_INTERNAL_H

#include "base/fs.h"
#include "govern/sbom.h"

#include <jansson.h>

/* A document being written. Once something failed, failed stays set and the document is thrown away: the
 * calls below may be given NULL and then do nothing. */
struct mica_sbom_out {
    const struct mica_sbom_input *in;
    char time[MICA_TIME_TEXT];
    char uuid[37];
    json_t **cards; /* of each row, an object; NULL where the register has none */
    struct mica_arena arena;
    bool failed;
};

json_t *mica_sbom_object(struct mica_sbom_out *out);
json_t *mica_sbom_array(struct mica_sbom_out *out);
/* The text as a JSON string; bytes that are no UTF-8 become U+FFFD. */
json_t *mica_sbom_string(struct mica_sbom_out *out, const char *text);
/* Both take the reference to value. */
void mica_sbom_set(struct mica_sbom_out *out, json_t *object, const char *key, json_t *value);
void mica_sbom_add(struct mica_sbom_out *out, json_t *array, json_t *value);
/* Sets a text; an empty one (or NULL) is left out. */
void mica_sbom_set_text(struct mica_sbom_out *out, json_t *object, const char *key, const char *text);
/* Adds {"name": name, "value": value} to a list of properties; an empty value is left out. */
void mica_sbom_property(struct mica_sbom_out *out, json_t *list, const char *name, const char *value);
/* Sets a list unless it is empty, and takes it. */
void mica_sbom_set_list(struct mica_sbom_out *out, json_t *object, const char *key, json_t *list);
char *mica_sbom_printf(struct mica_sbom_out *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* KIND:NAME@VERSION with everything but letters, digits and "-._/" as %XX: a name that can stand in a URI. */
const char *mica_sbom_ref(struct mica_sbom_out *out, int64_t row);
const char *mica_sbom_layer_ref(struct mica_sbom_out *out, int64_t layer);
/* text as a URI, everything that may not stand in one as %XX; NULL when it does not begin with a scheme. */
const char *mica_sbom_uri(struct mica_sbom_out *out, const char *text);
/* Where row is obtained from: its location, else its source, else its digest as a URN. */
const char *mica_sbom_location(struct mica_sbom_out *out, int64_t row);
/* Who supplies row: its owner, or who owns its source; NULL when nobody is stated. */
const char *mica_sbom_supplier(struct mica_sbom_out *out, int64_t row);
/* Name for people: a tokenizer and a template have their model's. */
const char *mica_sbom_name(struct mica_sbom_out *out, int64_t row);
/* Version for people: version, else revision, else the digest's first 12 digits, else "not stated". */
const char *mica_sbom_version(struct mica_sbom_out *out, int64_t row);
/* The only weights file of the described model, or NULL. */
const struct mica_layer *mica_sbom_weights(const struct mica_sbom_out *out);
const char *mica_sbom_layer_title(struct mica_sbom_out *out, int64_t layer);
bool mica_sbom_is_digest(const char *text);
/* The row that row i hangs from. */
int64_t mica_sbom_parent(const struct mica_sbom_out *out, int64_t row);

/* A text of row's card under the first of the keys (NULL-terminated) that is there; a list of texts is given
 * as its first one. */
const char *mica_sbom_card_text(struct mica_sbom_out *out, int64_t row, const char *const *keys);
/* All texts under the first of the keys that is there, in one line; NULL: none. */
const char *mica_sbom_card_joined(struct mica_sbom_out *out, int64_t row, const char *const *keys);
/* A switch of row's card: 1, 0, or -1 where it is not stated. */
int mica_sbom_card_switch(const struct mica_sbom_out *out, int64_t row, const char *key);
/* The texts under the first of the keys that is there, as a new JSON array. */
json_t *mica_sbom_card_texts(struct mica_sbom_out *out, int64_t row, const char *const *keys);
/* Evaluation results of row's card as [{"type", "value", "slice"}]: a new array, maybe empty. */
json_t *mica_sbom_card_metrics(struct mica_sbom_out *out, int64_t row);

/* What a licence text in the register is. */
enum mica_terms_kind {
    MICA_TERMS_NONE,       /* nothing stated */
    MICA_TERMS_ID,         /* one identifier of the SPDX list */
    MICA_TERMS_REF,        /* one LicenseRef-… */
    MICA_TERMS_EXPRESSION, /* a well-formed expression of several */
    MICA_TERMS_OTHER       /* words that are none of these */
};
struct mica_terms {
    enum mica_terms_kind kind;
    char text[2048];
};
/* Reads text as an SPDX expression; identifiers take the list's spelling. */
void mica_terms_read(const char *text, struct mica_terms *out);
/* What was declared for the component (card, key in the file, or a text that came with it), and what was
 * concluded from the text. */
void mica_terms_declared(const struct mica_component *component, struct mica_terms *out);
void mica_terms_concluded(const struct mica_component *component, struct mica_terms *out);
/* The list's spelling of an identifier in any case, or NULL. */
const char *mica_spdx_id(const char *text, size_t len);

/* The two writers; they fill *out unless they fail. */
json_t *mica_sbom_cyclonedx(struct mica_sbom_out *out);
json_t *mica_sbom_spdx(struct mica_sbom_out *out);

/* Adds to sbom->gaps what our profile misses in the document; false when out of memory. */
bool mica_sbom_profile(struct mica_sbom *sbom, const json_t *document);
bool mica_sbom_gap(struct mica_sbom *sbom, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
