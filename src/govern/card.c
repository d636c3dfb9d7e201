/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/card.h"
#include "base/yaml.h"
#include "govern/identify.h"

#include <jansson.h>

#include <string.h>
#include <strings.h>

enum { MAX_LICENCE = 300 /* a longer one is a text, not an id */, MAX_LICENCE_TEXT = 256 << 10 };

static enum mica_status no_memory(const char *name, struct mica_err *err)
{
    return mica_fail(err, MICA_ENOMEM, "%s: out of memory", name);
}

static const char *copy(struct mica_arena *arena, const struct mica_buf *buf)
{
    return buf->failed || !buf->data ? NULL : mica_arena_strndup(arena, buf->data, buf->len);
}

/* ---- YAML front matter (https://huggingface.co/docs/hub/model-cards) ---- */

struct front {
    const char *const *licence, *const *bases, *const *datasets, *const *languages, *const *tags;
    const char *licence_name, *licence_link, *task, *name;
};
static const struct mica_yaml_key front_keys[] = {
    {"license", MICA_YAML_LIST, offsetof(struct front, licence), "licence tags"},
    {"license_name", MICA_YAML_TEXT, offsetof(struct front, licence_name), "what \"other\" means"},
    {"license_link", MICA_YAML_TEXT, offsetof(struct front, licence_link), "where its text is"},
    {"base_model", MICA_YAML_LIST, offsetof(struct front, bases), "models it was made from"},
    {"datasets", MICA_YAML_LIST, offsetof(struct front, datasets), "what it was trained on"},
    {"language", MICA_YAML_LIST, offsetof(struct front, languages), "languages"},
    {"tags", MICA_YAML_LIST, offsetof(struct front, tags), "tags"},
    {"pipeline_tag", MICA_YAML_TEXT, offsetof(struct front, task), "task"},
    {"model_name", MICA_YAML_TEXT, offsetof(struct front, name), "name"},
};
static const struct mica_yaml_schema front_schema = {"model card", front_keys, MICA_COUNT(front_keys),
                                                     sizeof(struct front), .open = true};

/* Several statements hold together: "A AND B". */
static bool join(struct mica_buf *buf, const char *id)
{
    return mica_buf_printf(buf, "%s%s", buf->len ? " AND " : "", id);
}

static enum mica_status read_front(const char *text, size_t len, const char *name, struct mica_arena *arena,
                                   struct mica_card *out, struct mica_err *err)
{
    struct front front = {0};
    struct mica_buf licence = {0};
    enum mica_status status = mica_yaml_read(&front_schema, text, len, name, arena, &front, err);
    if (status != MICA_OK)
        return status;
    for (int i = 0; front.licence && front.licence[i]; i++) {
        bool other = strcmp(front.licence[i], "other") == 0 && front.licence_name;
        join(&licence, other ? front.licence_name : front.licence[i]);
    }
    *out = (struct mica_card){.licence_link = front.licence_link,
                              .name = front.name,
                              .task = front.task,
                              .bases = front.bases,
                              .datasets = front.datasets,
                              .languages = front.languages,
                              .tags = front.tags};
    if (licence.len && !(out->licence = copy(arena, &licence)))
        status = no_memory(name, err);
    mica_buf_release(&licence);
    return status;
}

/* ---- Python core metadata (https://packaging.python.org/specifications/core-metadata/) ---- */

struct headers {
    struct mica_arena *arena;
    const char *expression, *licence, *name, *version, *summary, *home;
    struct mica_buf classifiers, licence_text; /* of several lines */
    bool failed;
};

static void keep(struct headers *h, const char **slot, const char *value, size_t len)
{
    if (*slot || len == 0 || len > MAX_LICENCE || (len == 7 && memcmp(value, "UNKNOWN", 7) == 0))
        return;
    *slot = mica_arena_strndup(h->arena, value, len);
    h->failed = h->failed || !*slot;
}

/* "License :: OSI Approved :: MIT License": its last part, unless that only says "OSI Approved". */
static void keep_classifier(struct headers *h, const char *value, size_t len)
{
    static const char prefix[] = "License :: ";
    size_t at = len;
    if (len <= strlen(prefix) || len > MAX_LICENCE || memcmp(value, prefix, strlen(prefix)) != 0)
        return;
    while (at > 0 && value[at - 1] != ':')
        at--;
    while (at < len && value[at] == ' ')
        at++;
    const char *id = mica_arena_strndup(h->arena, value + at, len - at);
    if (!id)
        h->failed = true;
    else if (*id && strcmp(id, "OSI Approved") != 0)
        h->failed = !join(&h->classifiers, id) || h->failed;
}

static void keep_header(struct headers *h, const char *line, size_t len)
{
    const struct {
        const char *key;
        const char **slot;
    } slots[] = {{"License-Expression", &h->expression},
                 {"License", &h->licence},
                 {"Name", &h->name},
                 {"Version", &h->version},
                 {"Summary", &h->summary},
                 {"Home-page", &h->home}};
    const char *colon = memchr(line, ':', len);
    if (!colon)
        return;
    size_t key_len = (size_t)(colon - line), at = key_len + 1;
    while (at < len && (line[at] == ' ' || line[at] == '\t'))
        at++;
    if (key_len == strlen("Classifier") && strncasecmp(line, "Classifier", key_len) == 0)
        keep_classifier(h, line + at, len - at);
    for (size_t i = 0; i < MICA_COUNT(slots); i++)
        if (key_len == strlen(slots[i].key) && strncasecmp(line, slots[i].key, key_len) == 0)
            keep(h, slots[i].slot, line + at, len - at);
}

/* A line that goes on with a licence: "        THE SOFTWARE IS …", or "       |THE …". */
static void keep_more(struct headers *h, const char *line, size_t len)
{
    while (len && (*line == ' ' || *line == '\t' || *line == '|'))
        line++, len--;
    if (!h->licence_text.len && h->licence)
        mica_buf_puts(&h->licence_text, h->licence);
    h->licence = NULL;
    if (h->licence_text.len + len < MAX_LICENCE_TEXT) {
        mica_buf_append(&h->licence_text, "\n", 1);
        mica_buf_append(&h->licence_text, line, len);
    }
    h->failed = h->failed || h->licence_text.failed;
}

/* What a licence text that stands in a header is. */
static enum mica_status name_licence(struct headers *h, struct mica_err *err)
{
    struct mica_licence_match match = {0};
    if (!h->licence_text.len || h->failed)
        return MICA_OK;
    enum mica_status status = mica_licence_identify(h->licence_text.data, h->licence_text.len, &match, err);
    if (status == MICA_ENOMEM)
        return status;
    bool known = status == MICA_OK && match.kind == MICA_LICENCE_IDENTIFIED;
    h->licence = known ? mica_arena_strndup(h->arena, match.id, strlen(match.id)) : MICA_CARD_OWN_TEXT;
    mica_free(match.diff);
    h->failed = !h->licence;
    return MICA_OK;
}

/* Headers end at the first empty line. A value is its first line, but for a licence, of which old packages
 * give the whole text. */
static enum mica_status read_headers(const char *text, size_t len, const char *name, struct mica_arena *arena,
                                     struct mica_card *out, struct mica_err *err)
{
    struct headers h = {.arena = arena};
    bool in_licence = false;
    for (size_t at = 0; at < len;) {
        const char *line = text + at, *newline = memchr(line, '\n', len - at);
        size_t line_len = newline ? (size_t)(newline - line) : len - at;
        at += line_len + 1;
        if (line_len && line[line_len - 1] == '\r')
            line_len--;
        if (line_len == 0)
            break;
        if (*line == ' ' || *line == '\t') {
            if (in_licence)
                keep_more(&h, line, line_len);
            continue;
        }
        in_licence = line_len > 8 && strncasecmp(line, "License:", 8) == 0;
        keep_header(&h, line, line_len);
    }
    enum mica_status status = name_licence(&h, err);
    const char *classified = h.classifiers.len ? copy(arena, &h.classifiers) : NULL;
    *out = (struct mica_card){.licence = h.expression ? h.expression
                                         : h.licence  ? h.licence
                                                      : classified,
                              .name = h.name,
                              .version = h.version,
                              .summary = h.summary,
                              .location = h.home};
    h.failed = h.failed || h.classifiers.failed || (h.classifiers.len && !classified);
    mica_buf_release(&h.classifiers);
    mica_buf_release(&h.licence_text);
    return h.failed ? no_memory(name, err) : status;
}

/* ---- package.json (https://docs.npmjs.com/cli/configuring-npm/package-json) ---- */

static const char *licence_of(const json_t *value)
{
    return json_is_object(value) ? json_string_value(json_object_get(value, "type"))
                                 : json_string_value(value);
}

static enum mica_status read_package(const char *text, size_t len, const char *name, struct mica_arena *arena,
                                     struct mica_card *out, struct mica_err *err)
{
    json_error_t where;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where), *value;
    struct mica_buf licence = {0};
    size_t i;
    if (!root)
        return mica_fail(err, MICA_EFORMAT, "%s:%d: %s", name, where.line, where.text);
    const char *single = licence_of(json_object_get(root, "license"));
    if (single)
        join(&licence, single);
    json_array_foreach(json_object_get(root, "licenses"), i, value)
    {
        const char *id = licence_of(value);
        if (id && !single)
            join(&licence, id);
    }
    const struct {
        const char *key, **slot;
    } slots[] = {{"name", &out->name},
                 {"version", &out->version},
                 {"description", &out->summary},
                 {"homepage", &out->location}};
    bool ok = !licence.failed;
    *out = (struct mica_card){0};
    for (i = 0; i < MICA_COUNT(slots); i++) {
        const char *field = json_string_value(json_object_get(root, slots[i].key));
        if (field)
            ok = (*slots[i].slot = mica_arena_strndup(arena, field, strlen(field))) != NULL && ok;
    }
    if (licence.len && licence.len <= MAX_LICENCE)
        ok = (out->licence = copy(arena, &licence)) != NULL && ok;
    mica_buf_release(&licence);
    json_decref(root);
    return ok ? MICA_OK : no_memory(name, err);
}

enum mica_status mica_card_read(const char *text, size_t len, const char *name, struct mica_arena *arena,
                                struct mica_card *out, struct mica_err *err)
{
    static const char metadata[] = "Metadata-Version:";
    const char *part;
    size_t part_len;
    if (len > MICA_YAML_BYTES)
        return mica_fail(err, MICA_ELIMIT, "%s: a card of more than 1 MiB", name);
    if (mica_yaml_front_matter(text, len, &part, &part_len))
        return read_front(part, part_len, name, arena, out, err);
    if (len > strlen(metadata) && strncasecmp(text, metadata, strlen(metadata)) == 0)
        return read_headers(text, len, name, arena, out, err);
    size_t at = 0;
    while (at < len && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n'))
        at++;
    if (at < len && text[at] == '{')
        return read_package(text, len, name, arena, out, err);
    *out = (struct mica_card){0};
    return MICA_OK;
}
