/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "format/template_source.h"
#include "base/mem.h"
#include "format/chat.h"
#include "format/gguf.h"

#include <jansson.h>

#include <string.h>

void mica_template_find(const struct mica_gguf *gguf, const struct mica_files *files,
                        struct mica_template_source *out)
{
    *out = (struct mica_template_source){0};
    if (gguf) {
        mica_gguf_str(gguf, "tokenizer.chat_template", &out->text, &out->len);
        return;
    }
    struct mica_mapping *map = mica_files_find(files, "chat_template.jinja");
    if (map) {
        out->text = (const char *)mica_mapping_data(map);
        out->len = mica_mapping_size(map);
        return;
    }
    map = mica_files_find(files, "tokenizer_config.json");
    if (map)
        out->owner = json_loadb((const char *)mica_mapping_data(map), mica_mapping_size(map), 0, NULL);
    json_t *value = json_object_get(out->owner, "chat_template");
    json_t *list = json_is_array(value) ? value : NULL, *named;
    size_t i;
    json_array_foreach(list, i, named)
    {
        const char *name = json_string_value(json_object_get(named, "name"));
        if (name && strcmp(name, "default") == 0)
            value = json_object_get(named, "template");
    }
    out->text = json_string_value(value);
    out->len = json_string_length(value);
}

void mica_template_source_release(struct mica_template_source *source)
{
    json_decref(source->owner);
    *source = (struct mica_template_source){0};
}

static bool is_go_field(const char *at, const char *end, char before)
{
    return (before == ' ' || before == '(') && end - at > 1 && at[0] == '.' && at[1] >= 'A' && at[1] <= 'Z';
}

/* Inside of an action and outside of strings: Go's variables, and fields that stand behind a space. */
static bool names_go(const char *at, const char *end)
{
    char before = ' ';
    while (at < end && (end - at < 2 || memcmp(at, "}}", 2) != 0)) {
        if (*at == '$' || is_go_field(at, end, before))
            return true;
        before = *at++;
        if (before != '"' && before != '\'' && before != '`')
            continue;
        for (; at < end && *at != before; at++)
            at += *at == '\\' && before != '`' && end - at > 1;
        at += at < end;
    }
    return false;
}

static bool ends_word(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '"' || c == '-' || c == '}';
}

/* In Go's templates, what follows "{{" is a field (.Name), a variable ($x), a comment, or an action word; in
 * Jinja, "{{" opens an expression and actions stand in "{%". */
static bool is_go_action(const char *at, const char *end)
{
    static const char *const words[] = {"if",       "else",  "end",   "range",  "with",
                                        "template", "block", "break", "define", "continue"};
    at += at < end && *at == '-';
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n' || *at == '('))
        at++;
    size_t left = (size_t)(end - at);
    if (left && (*at == '.' || *at == '$'))
        return true;
    if (left > 1 && at[0] == '/' && at[1] == '*')
        return true;
    for (size_t i = 0; i < MICA_COUNT(words); i++) {
        size_t len = strlen(words[i]);
        /* A variable of Jinja's may begin like one of these, or be called like one and have members. */
        if (left > len && memcmp(at, words[i], len) == 0 && ends_word(at[len]))
            return true;
    }
    return names_go(at, end);
}

bool mica_template_is_go(const char *text, size_t len)
{
    if (memmem(text, len, "{%", 2))
        return false;
    const char *end = text + len;
    for (const char *at = text; (at = memmem(at, (size_t)(end - at), "{{", 2));) {
        at += 2;
        if (is_go_action(at, end))
            return true;
    }
    return false;
}

enum mica_status mica_template_usable(const char *text, size_t len, bool *usable, struct mica_err *err)
{
    struct mica_template *tmpl = NULL;
    *usable = true;
    if (!mica_template_is_go(text, len))
        return MICA_OK;
    enum mica_status status = mica_template_parse(text, len, &tmpl, err);
    mica_template_free(tmpl);
    if (status == MICA_ENOMEM)
        return status;
    *usable = status == MICA_OK;
    return MICA_OK;
}
