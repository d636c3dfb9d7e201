/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "format/template_source.h"
#include "base/mem.h"
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

/* In Go's templates, what follows "{{" is a field (.Name), a variable ($x) or an action word; in Jinja, "{{"
 * opens an expression and actions stand in "{%". */
bool mica_template_is_go(const char *text, size_t len)
{
    static const char *const words[] = {"if ",       "else",   "end",   "range ",  "with ",
                                        "template ", "block ", "break", "define ", "continue"};
    if (memmem(text, len, "{%", 2))
        return false;
    const char *end = text + len, *at = memmem(text, len, "{{", 2);
    for (; at; at = memmem(at, (size_t)(end - at), "{{", 2)) {
        at += 2;
        at += at < end && *at == '-';
        while (at < end && *at == ' ')
            at++;
        size_t left = (size_t)(end - at);
        if (left && (*at == '.' || *at == '$'))
            return true;
        for (size_t i = 0; i < MICA_COUNT(words); i++)
            if (left >= strlen(words[i]) && memcmp(at, words[i], strlen(words[i])) == 0)
                return true;
    }
    return false;
}
