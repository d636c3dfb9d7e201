/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { WORD_MAX = 64 };

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the one being looked at */
    bool has_event;
    const char *name;
    struct mica_arena *arena;
    struct mica_err *err;
    int depth;
};

/* Edits that turn a into b, both shorter than WORD_MAX. */
static int edits(const char *a, const char *b)
{
    int row[WORD_MAX + 1], n = (int)strlen(b);
    for (int j = 0; j <= n; j++)
        row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int best = diagonal + (a[i - 1] != b[j - 1]);
            best = row[j] + 1 < best ? row[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[n];
}

const char *mica_nearest(const char *word, const char *const *texts, int n)
{
    const char *best = NULL;
    size_t len = strlen(word);
    int limit = len < 4 ? 1 : len < 8 ? 2 : 3;
    for (int i = 0; i < n && len < WORD_MAX; i++) {
        int distance = strlen(texts[i]) < WORD_MAX ? edits(word, texts[i]) : WORD_MAX;
        if (distance <= limit) {
            limit = distance - 1;
            best = texts[i];
        }
    }
    return best;
}

#define at_line(reader, mark, status, fmt, ...)                                                              \
    mica_fail((reader)->err, status, "%s:%zu: " fmt, (reader)->name, (size_t)(mark).line + 1, ##__VA_ARGS__)

static enum mica_status parser_failed(struct reader *r)
{
    if (r->parser.error == YAML_MEMORY_ERROR)
        return mica_fail(r->err, MICA_ENOMEM, "%s: out of memory", r->name);
    size_t line = r->parser.problem_mark.line + 1;
    return mica_fail(r->err, MICA_EFORMAT, "%s:%zu: no YAML: %s", r->name, line,
                     r->parser.problem ? r->parser.problem : "malformed");
}

static bool is_decorated(const yaml_event_t *e)
{
    if (e->type == YAML_SCALAR_EVENT)
        return e->data.scalar.anchor || e->data.scalar.tag;
    if (e->type == YAML_SEQUENCE_START_EVENT)
        return e->data.sequence_start.anchor || e->data.sequence_start.tag;
    return e->type == YAML_MAPPING_START_EVENT && (e->data.mapping_start.anchor || e->data.mapping_start.tag);
}

/* Moves to the next event. */
static enum mica_status next(struct reader *r)
{
    if (r->has_event)
        yaml_event_delete(&r->event);
    r->has_event = yaml_parser_parse(&r->parser, &r->event);
    if (!r->has_event)
        return parser_failed(r);
    yaml_event_type_t type = r->event.type;
    if (type == YAML_ALIAS_EVENT || is_decorated(&r->event))
        return at_line(r, r->event.start_mark, MICA_EFORMAT,
                       "anchors, aliases and tags are not allowed; write the value out");
    if (type == YAML_SCALAR_EVENT && memchr(r->event.data.scalar.value, 0, r->event.data.scalar.length))
        return at_line(r, r->event.start_mark, MICA_EFORMAT, "a text holds a NUL");
    bool opens = type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT;
    bool closes = type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT;
    r->depth += opens ? 1 : closes ? -1 : 0;
    if (r->depth > MICA_YAML_DEPTH)
        return at_line(r, r->event.start_mark, MICA_ELIMIT, "nested deeper than %d", MICA_YAML_DEPTH);
    return MICA_OK;
}

static const char *scalar(const struct reader *r)
{
    return (const char *)r->event.data.scalar.value;
}

/* A plain empty scalar, ~ or null: as if the key were not there. */
static bool is_null(const struct reader *r)
{
    if (r->event.type != YAML_SCALAR_EVENT || r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    const char *text = scalar(r);
    return !*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

/* Passes over the value that begins at the current event. */
static enum mica_status skip(struct reader *r)
{
    int depth = r->depth;
    enum mica_status status = MICA_OK;
    if (r->event.type != YAML_MAPPING_START_EVENT && r->event.type != YAML_SEQUENCE_START_EVENT)
        return MICA_OK;
    while (status == MICA_OK && r->depth >= depth)
        status = next(r);
    return status;
}

static bool parse_bool(const char *text, int *out)
{
    static const char *const words[] = {"false", "true", "no", "yes"};
    for (size_t i = 0; i < MICA_COUNT(words); i++)
        if (strcasecmp(text, words[i]) == 0) {
            *out = i & 1;
            return true;
        }
    return false;
}

static bool parse_int(const char *text, int64_t *out)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (!*text || *end || errno)
        return false;
    *out = value;
    return true;
}

static bool parse_number(const char *text, double *out)
{
    char *end;
    double value = strtod(text, &end);
    if (!*text || *end || !isfinite(value))
        return false;
    *out = value;
    return true;
}

static bool parse_choice(const char *const *choices, const char *text, int *out)
{
    for (int i = 0; choices[i]; i++)
        if (strcmp(choices[i], text) == 0) {
            *out = i;
            return true;
        }
    return false;
}

static enum mica_status bad_choice(struct reader *r, const struct mica_yaml_key *key)
{
    struct mica_buf list = {.limit = 300};
    for (int i = 0; key->choices[i]; i++)
        mica_buf_printf(&list, "%s%s", i ? ", " : "", key->choices[i]);
    at_line(r, r->event.start_mark, MICA_EFORMAT, "%s: '%.60s' is none of: %s", key->name, scalar(r),
            list.data ? list.data : "");
    mica_buf_release(&list);
    return MICA_EFORMAT;
}

static const char *const type_names[] = {
    [MICA_YAML_TEXT] = "text",
    [MICA_YAML_INT] = "a whole number",
    [MICA_YAML_NUMBER] = "a number",
    [MICA_YAML_BOOL] = "true or false",
    [MICA_YAML_SWITCH] = "true or false",
    [MICA_YAML_ENUM] = "one word",
    [MICA_YAML_LIST] = "a list of texts",
    [MICA_YAML_GROUP] = "a mapping",
    [MICA_YAML_ITEMS] = "a list of mappings",
};

static enum mica_status wrong_type(struct reader *r, const struct mica_yaml_key *key)
{
    if (r->event.type == YAML_SCALAR_EVENT)
        return at_line(r, r->event.start_mark, MICA_EFORMAT, "%s: '%.60s' is not %s", key->name, scalar(r),
                       type_names[key->type]);
    return at_line(r, r->event.start_mark, MICA_EFORMAT, "%s must be %s", key->name, type_names[key->type]);
}

static enum mica_status read_text(struct reader *r, const char **out)
{
    char *text = mica_arena_strndup(r->arena, scalar(r), r->event.data.scalar.length);
    if (!text)
        return mica_fail(r->err, MICA_ENOMEM, "%s: out of memory", r->name);
    *out = text;
    return MICA_OK;
}

static enum mica_status read_scalar(struct reader *r, const struct mica_yaml_key *key, void *at)
{
    const char *text = scalar(r);
    int truth = 0;
    bool good = true;
    switch (key->type) {
    case MICA_YAML_TEXT:
        return read_text(r, at);
    case MICA_YAML_INT:
        good = parse_int(text, at);
        break;
    case MICA_YAML_NUMBER:
        good = parse_number(text, at);
        break;
    case MICA_YAML_BOOL:
        good = parse_bool(text, &truth);
        *(bool *)at = good ? truth : *(bool *)at;
        break;
    case MICA_YAML_SWITCH:
        good = parse_bool(text, at);
        break;
    default:
        return parse_choice(key->choices, text, at) ? MICA_OK : bad_choice(r, key);
    }
    return good ? MICA_OK : wrong_type(r, key);
}

/* A growing array that moves to the arena when it is whole. */
struct rows {
    char *data;
    int64_t n, capacity;
};

static enum mica_status keep_rows(struct reader *r, struct rows *rows, size_t size, void **out)
{
    void *kept = mica_arena_alloc(r->arena, (size_t)rows->n, size);
    if (kept && rows->n)
        memcpy(kept, rows->data, (size_t)rows->n * size);
    *out = kept;
    return kept ? MICA_OK : mica_fail(r->err, MICA_ENOMEM, "%s: out of memory", r->name);
}

static enum mica_status add_text(struct reader *r, const struct mica_yaml_key *key, struct rows *rows)
{
    const char *text = NULL;
    if (r->event.type != YAML_SCALAR_EVENT)
        return wrong_type(r, key);
    enum mica_status status = read_text(r, &text);
    if (status != MICA_OK)
        return status;
    if (!mica_grow(&rows->data, rows->n + 1, &rows->capacity, sizeof text)) /* one more for the NULL */
        return mica_fail(r->err, MICA_ENOMEM, "%s: out of memory", r->name);
    ((const char **)(void *)rows->data)[rows->n++] = text;
    return MICA_OK;
}

static enum mica_status read_list(struct reader *r, const struct mica_yaml_key *key, const char *const **out)
{
    struct rows rows = {0};
    enum mica_status status = MICA_OK;
    void *kept = NULL;
    if (r->event.type == YAML_SCALAR_EVENT) {
        status = add_text(r, key, &rows);
    } else if (r->event.type == YAML_SEQUENCE_START_EVENT) {
        while ((status = next(r)) == MICA_OK && r->event.type != YAML_SEQUENCE_END_EVENT &&
               (status = add_text(r, key, &rows)) == MICA_OK)
            ;
    } else {
        status = wrong_type(r, key);
    }
    if (status == MICA_OK && !mica_grow(&rows.data, rows.n + 1, &rows.capacity, sizeof(char *)))
        status = mica_fail(r->err, MICA_ENOMEM, "%s: out of memory", r->name);
    if (status == MICA_OK) {
        ((const char **)(void *)rows.data)[rows.n++] = NULL;
        status = keep_rows(r, &rows, sizeof(char *), &kept);
    }
    if (status == MICA_OK)
        *out = kept;
    mica_free(rows.data);
    return status;
}

static enum mica_status read_mapping(struct reader *r, const struct mica_yaml_schema *schema, char *base);

static enum mica_status add_item(struct reader *r, const struct mica_yaml_key *key, struct rows *rows)
{
    size_t size = key->schema->size;
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return wrong_type(r, key);
    if (!mica_grow(&rows->data, rows->n, &rows->capacity, size))
        return mica_fail(r->err, MICA_ENOMEM, "%s: out of memory", r->name);
    char *row = rows->data + (size_t)rows->n * size;
    memset(row, 0, size);
    rows->n++;
    return read_mapping(r, key->schema, row);
}

static enum mica_status read_items(struct reader *r, const struct mica_yaml_key *key,
                                   struct mica_yaml_items *out)
{
    struct rows rows = {0};
    enum mica_status status = MICA_OK;
    void *kept = NULL;
    if (r->event.type != YAML_SEQUENCE_START_EVENT)
        return wrong_type(r, key);
    while ((status = next(r)) == MICA_OK && r->event.type != YAML_SEQUENCE_END_EVENT &&
           (status = add_item(r, key, &rows)) == MICA_OK)
        ;
    if (status == MICA_OK)
        status = keep_rows(r, &rows, key->schema->size, &kept);
    if (status == MICA_OK)
        *out = (struct mica_yaml_items){kept, rows.n};
    mica_free(rows.data);
    return status;
}

static enum mica_status read_value(struct reader *r, const struct mica_yaml_key *key, char *base)
{
    char *at = base + key->offset;
    if (is_null(r))
        return MICA_OK;
    if (key->type == MICA_YAML_LIST)
        return read_list(r, key, (void *)at);
    if (key->type == MICA_YAML_ITEMS)
        return read_items(r, key, (void *)at);
    if (key->type == MICA_YAML_GROUP)
        return r->event.type == YAML_MAPPING_START_EVENT ? read_mapping(r, key->schema, at)
                                                         : wrong_type(r, key);
    return r->event.type == YAML_SCALAR_EVENT ? read_scalar(r, key, at) : wrong_type(r, key);
}

static const struct mica_yaml_key *find_key(const struct mica_yaml_schema *schema, const char *name)
{
    for (int i = 0; i < schema->n_keys; i++)
        if (strcmp(schema->keys[i].name, name) == 0)
            return &schema->keys[i];
    return NULL;
}

static enum mica_status unknown_key(struct reader *r, const struct mica_yaml_schema *schema)
{
    const char *names[MICA_YAML_KEYS];
    for (int i = 0; i < schema->n_keys; i++)
        names[i] = schema->keys[i].name;
    const char *nearest = mica_nearest(scalar(r), names, schema->n_keys);
    if (nearest)
        return at_line(r, r->event.start_mark, MICA_EFORMAT, "unknown key '%.60s'; did you mean '%s'?",
                       scalar(r), nearest);
    struct mica_buf list = {.limit = 300};
    for (int i = 0; i < schema->n_keys; i++)
        mica_buf_printf(&list, "%s%s", i ? ", " : "", names[i]);
    at_line(r, r->event.start_mark, MICA_EFORMAT, "unknown key '%.60s'; known are: %s", scalar(r),
            list.data ? list.data : "");
    mica_buf_release(&list);
    return MICA_EFORMAT;
}

/* One key and its value; the current event is the key. */
static enum mica_status read_pair(struct reader *r, const struct mica_yaml_schema *schema, char *base,
                                  uint64_t *seen)
{
    if (r->event.type != YAML_SCALAR_EVENT)
        return at_line(r, r->event.start_mark, MICA_EFORMAT, "a key must be a plain word");
    const struct mica_yaml_key *key = find_key(schema, scalar(r));
    if (!key && !schema->open)
        return unknown_key(r, schema);
    uint64_t bit = key ? UINT64_C(1) << (key - schema->keys) : 0;
    if (*seen & bit)
        return at_line(r, r->event.start_mark, MICA_EFORMAT, "%s is given twice", key->name);
    *seen |= bit;
    enum mica_status status = next(r);
    if (status != MICA_OK)
        return status;
    return key ? read_value(r, key, base) : skip(r);
}

static enum mica_status read_mapping(struct reader *r, const struct mica_yaml_schema *schema, char *base)
{
    uint64_t seen = 0;
    yaml_mark_t start = r->event.start_mark;
    enum mica_status status;
    while ((status = next(r)) == MICA_OK && r->event.type != YAML_MAPPING_END_EVENT &&
           (status = read_pair(r, schema, base, &seen)) == MICA_OK)
        ;
    for (int i = 0; i < schema->n_keys && status == MICA_OK; i++)
        if (schema->keys[i].required && !(seen >> i & 1))
            status = at_line(r, start, MICA_EFORMAT, "%s is missing: %s", schema->keys[i].name,
                             schema->keys[i].help);
    return status;
}

/* Stream start, document start, the mapping, document end, stream end. */
static enum mica_status read_stream(struct reader *r, const struct mica_yaml_schema *schema, void *out)
{
    enum mica_status status = next(r);
    if (status == MICA_OK)
        status = next(r);
    bool empty = status == MICA_OK && r->event.type == YAML_STREAM_END_EVENT;
    if (status == MICA_OK && !empty)
        status = next(r);
    if (status != MICA_OK)
        return status;
    if (!empty && !is_null(r)) {
        if (r->event.type != YAML_MAPPING_START_EVENT)
            return at_line(r, r->event.start_mark, MICA_EFORMAT, "must be a mapping (KEY: VALUE)");
        if ((status = read_mapping(r, schema, out)) != MICA_OK)
            return status;
    } else {
        for (int i = 0; i < schema->n_keys; i++)
            if (schema->keys[i].required)
                return mica_fail(r->err, MICA_EFORMAT, "%s:1: %s is missing: %s", r->name,
                                 schema->keys[i].name, schema->keys[i].help);
    }
    while (status == MICA_OK && r->event.type != YAML_STREAM_END_EVENT) {
        status = next(r);
        if (status == MICA_OK && r->event.type == YAML_DOCUMENT_START_EVENT)
            return at_line(r, r->event.start_mark, MICA_EFORMAT, "a second document; one is expected");
    }
    return status;
}

enum mica_status mica_yaml_read(const struct mica_yaml_schema *schema, const char *text, size_t len,
                                const char *name, struct mica_arena *arena, void *out, struct mica_err *err)
{
    struct reader r = {.name = name, .arena = arena, .err = err};
    if (len > MICA_YAML_BYTES)
        return mica_fail(err, MICA_ELIMIT, "%s: %zu bytes of YAML; at most %d are read", name, len,
                         MICA_YAML_BYTES);
    if (!yaml_parser_initialize(&r.parser))
        return mica_fail(err, MICA_ENOMEM, "%s: out of memory", name);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(len ? text : ""), len);
    enum mica_status status = read_stream(&r, schema, out);
    if (r.has_event)
        yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    return status;
}

/* The length of the line at text, with its end; *is_rule: it is "---". */
static size_t line_length(const char *text, size_t len, bool *is_rule)
{
    const char *end = memchr(text, '\n', len);
    size_t n = end ? (size_t)(end - text) + 1 : len, body = n;
    while (body && strchr(" \t\r\n", text[body - 1]))
        body--;
    *is_rule = body == 3 && memcmp(text, "---", 3) == 0;
    return n;
}

bool mica_yaml_front_matter(const char *text, size_t len, const char **part_out, size_t *len_out)
{
    bool is_rule;
    size_t at = len ? line_length(text, len, &is_rule) : 0;
    if (!len || !is_rule)
        return false;
    while (at < len) {
        size_t n = line_length(text + at, len - at, &is_rule);
        if (is_rule) {
            *part_out = text;
            *len_out = at;
            return true;
        }
        at += n;
    }
    return false;
}
