/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* YAML by schema: a table of keys says what a file may hold and where each value goes. Scalars are text until
 * the table types them, so "no" is a country where the table says text. A key that is not in the table, a
 * value of another type and a key given twice are errors that begin with "FILE:LINE: ". Anchors, aliases and
 * tags are refused, and a file is at most MICA_YAML_BYTES long and MICA_YAML_DEPTH deep.
 *
 *   static const struct mica_yaml_key keys[] = {
 *       {"name", MICA_YAML_TEXT, offsetof(struct card, name), .required = true, .help = "what it is called"},
 *       {"use", MICA_YAML_ENUM, offsetof(struct card, use), .choices = (const char *const[]){"a", "b",
 * NULL}},
 *   };
 *   const struct mica_yaml_schema schema = {"card", keys, MICA_COUNT(keys)};
 */
#ifndef MICA_YAML_H
#define MICA_YAML_H

#include "base/mem.h"

enum { MICA_YAML_BYTES = 1 << 20, MICA_YAML_DEPTH = 16, MICA_YAML_KEYS = 64 };

enum mica_yaml_type {
    MICA_YAML_TEXT,   /* const char * */
    MICA_YAML_INT,    /* int64_t */
    MICA_YAML_NUMBER, /* double, finite */
    MICA_YAML_BOOL,   /* bool: true, false, yes, no */
    MICA_YAML_SWITCH, /* the same as int 1 or 0, so that -1 can stand for "not stated" */
    MICA_YAML_ENUM,   /* int: the index in choices */
    MICA_YAML_LIST,   /* const char *const *: NULL-terminated texts; one scalar is a list of one */
    MICA_YAML_GROUP,  /* a mapping with its own keys, whose offsets count from this key's offset */
    MICA_YAML_ITEMS,  /* struct mica_yaml_items: a list of mappings */
};
struct mica_yaml_items {
    void *rows; /* n structs of schema->size bytes */
    int64_t n;
};
struct mica_yaml_key {
    const char *name;
    enum mica_yaml_type type;
    size_t offset;
    const char *help;
    bool required;
    const char *const *choices;            /* ENUM: NULL-terminated */
    const struct mica_yaml_schema *schema; /* GROUP, ITEMS */
};
struct mica_yaml_schema {
    const char *title;
    const struct mica_yaml_key *keys;
    int n_keys;  /* at most MICA_YAML_KEYS */
    size_t size; /* ITEMS: of one struct */
    bool open;   /* skips keys that it does not know: for files that others define */
};

/* Reads the mapping in text into *out, whose values stay as they are where the file (or a null) says nothing.
 * Texts live in arena. name is used in messages. An empty text is an empty mapping. EFORMAT, ELIMIT, ENOMEM;
 * on failure *out may be partly filled. Thread-safe. */
enum mica_status mica_yaml_read(const struct mica_yaml_schema *schema, const char *text, size_t len,
                                const char *name, struct mica_arena *arena, void *out, struct mica_err *err);
/* The front matter of a Markdown card, between a first line "---" and the next such line; false: there is
 * none. Line numbers in messages stay those of the card, as the part begins with its first line. */
bool mica_yaml_front_matter(const char *text, size_t len, const char **part_out, size_t *len_out);
/* What *data holds, as JSON: texts that are NULL and lists that are NULL or empty are left out. New
 * reference; NULL: out of memory. */
struct json_t *mica_yaml_json(const struct mica_yaml_schema *schema, const void *data);
/* The schema as JSON Schema (2020-12). New reference; NULL: out of memory. */
struct json_t *mica_yaml_json_schema(const struct mica_yaml_schema *schema);
/* Of n texts, the one nearest to word, where few enough letters differ for a slip of the pen; else NULL. */
const char *mica_nearest(const char *word, const char *const *texts, int n);

#endif
