/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/show.h"
#include "cli/registered.h"
#include "cli/terminal.h"
#include "format/template_source.h"
#include "store/modelfile.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>

enum mica_status mica_cli_shown_open(const char *text, struct mica_cli_shown *out, struct mica_err *err)
{
    char name[MICA_NAME_TEXT], path[MICA_PATH_MAX];
    struct mica_register *reg = NULL;
    *out = (struct mica_cli_shown){0};
    enum mica_status status = mica_store_open(NULL, &out->store, err);
    if (status == MICA_OK)
        status = mica_cli_manifest(out->store, text, &out->name, &out->manifest, err);
    if (status == MICA_OK)
        status = mica_fs_path(path, err, "%s/register.db", mica_store_home(out->store));
    if (status != MICA_OK || !mica_fs_exists(path))
        return status;
    mica_name_print(&out->name, name);
    status = mica_register_open(mica_store_home(out->store), &reg, err);
    if (status == MICA_OK) {
        status = mica_register_find(reg, MICA_COMPONENT_MODEL, name, &out->components, err);
        if (status == MICA_ENOTFOUND)
            status = MICA_OK;
    }
    mica_register_close(reg);
    return status;
}

void mica_cli_shown_release(struct mica_cli_shown *shown)
{
    mica_components_free(shown->components);
    mica_manifest_free(shown->manifest);
    mica_store_close(shown->store);
    *shown = (struct mica_cli_shown){0};
}

/* ---- parts ---- */

/* Text for people, ending in a line feed. */
static void print_lines(const char *text, size_t len)
{
    fwrite(text, 1, len, stdout);
    if (len && text[len - 1] != '\n')
        putchar('\n');
}

int mica_cli_show_licences(const struct mica_cli_shown *shown)
{
    struct mica_err err;
    int n = 0;
    for (int64_t i = 0; i < shown->manifest->n_layers; i++) {
        struct mica_buf text = {0};
        const struct mica_layer *layer = &shown->manifest->layers[i];
        if (layer->kind != MICA_LAYER_LICENSE)
            continue;
        enum mica_status status = mica_store_layer_text(shown->store, layer, &text, &err);
        if (status == MICA_OK && n++)
            putchar('\n');
        if (status == MICA_OK)
            print_lines(text.data, text.len);
        mica_buf_release(&text);
        if (status != MICA_OK)
            return mica_cli_fail(status, &err);
    }
    if (n)
        return 0;
    mica_fail(&err, MICA_ENOTFOUND,
              "the model came with no licence text; what is known of its terms: mica show");
    return mica_cli_fail(MICA_ENOTFOUND, &err);
}

int mica_cli_show_text(const struct mica_cli_shown *shown, enum mica_layer_kind kind)
{
    struct mica_buf text = {0};
    struct mica_err err;
    char name[MICA_NAME_TEXT];
    mica_name_print(&shown->name, name);
    enum mica_status status = mica_store_text(shown->store, shown->manifest, kind, &text, &err);
    if (status == MICA_ENOTFOUND && !mica_manifest_find(shown->manifest, kind))
        mica_fail(&err, status, "%s: nothing of the kind is stored beside the model's file%s", name,
                  kind == MICA_LAYER_TEMPLATE ? ", whose own template is used" : "");
    if (status == MICA_OK)
        print_lines(text.data, text.len);
    mica_buf_release(&text);
    return status == MICA_OK ? 0 : mica_cli_fail(status, &err);
}

/* The layer's JSON; NULL when there is none. */
static enum mica_status read_json(const struct mica_cli_shown *shown, enum mica_layer_kind kind, json_t **out,
                                  struct mica_err *err)
{
    struct mica_buf text = {0};
    json_error_t error;
    *out = NULL;
    if (!mica_manifest_find(shown->manifest, kind))
        return MICA_OK;
    enum mica_status status = mica_store_text(shown->store, shown->manifest, kind, &text, err);
    if (status == MICA_OK && !(*out = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &error)))
        status = mica_fail(err, MICA_EFORMAT, "the layer %s is no JSON: %s", mica_layer_media_type(kind),
                           error.text);
    mica_buf_release(&text);
    return status;
}

/* One parameter as a Modelfile's value. */
static bool print_value(struct mica_buf *out, const char *keyword, const json_t *value)
{
    if (json_is_string(value))
        return mica_modelfile_print(out, keyword, json_string_value(value));
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
    bool ok = text && mica_buf_printf(out, "%s %s\n", keyword, text);
    free(text);
    return ok;
}

static enum mica_status print_parameters(const struct mica_cli_shown *shown, const char *before,
                                         struct mica_buf *out, struct mica_err *err)
{
    json_t *params, *value, *item;
    const char *name;
    size_t i;
    enum mica_status status = read_json(shown, MICA_LAYER_PARAMS, &params, err);
    bool ok = true;
    json_object_foreach(params, name, value)
    {
        char keyword[160];
        snprintf(keyword, sizeof keyword, "%s%.128s", before, name);
        if (!json_is_array(value))
            ok = print_value(out, keyword, value) && ok;
        json_array_foreach(value, i, item)
        {
            ok = print_value(out, keyword, item) && ok;
        }
    }
    json_decref(params);
    return status != MICA_OK ? status
           : ok              ? MICA_OK
                : mica_fail(err, MICA_EUNSUPPORTED, "a parameter cannot be written in a Modelfile");
}

int mica_cli_show_parameters(const struct mica_cli_shown *shown)
{
    struct mica_buf out = {0};
    struct mica_err err;
    enum mica_status status = print_parameters(shown, "", &out, &err);
    if (status == MICA_OK)
        fwrite(out.len ? out.data : "", 1, out.len, stdout);
    mica_buf_release(&out);
    return status == MICA_OK ? 0 : mica_cli_fail(status, &err);
}

/* ---- a Modelfile ---- */

static const char not_used[] = "a Go template that Mica cannot read; the one in the model's own file is used";

static enum mica_status print_layer(const struct mica_cli_shown *shown, const struct mica_layer *layer,
                                    const char *keyword, struct mica_buf *out, struct mica_err *err)
{
    struct mica_buf text = {0};
    char path[MICA_PATH_MAX];
    enum mica_status status;
    bool ok = true;
    if (layer->kind == MICA_LAYER_ADAPTER) {
        status = mica_store_blob_path(shown->store, &layer->digest, path, err);
        ok = status != MICA_OK || mica_buf_printf(out, "%s %s\n", keyword, path);
    } else {
        status = mica_store_layer_text(shown->store, layer, &text, err);
        if (status == MICA_OK && memchr(text.data, 0, text.len))
            status = mica_fail(err, MICA_EUNSUPPORTED, "%s: is no text", keyword);
        bool usable = true;
        if (status == MICA_OK && layer->kind == MICA_LAYER_TEMPLATE)
            status = mica_template_usable(text.data, text.len, &usable, err);
        /* One that create would refuse: said as a comment. */
        if (status == MICA_OK && !usable)
            ok = mica_buf_printf(out, "# TEMPLATE: %s\n", not_used);
        else if (status == MICA_OK)
            ok = mica_modelfile_print(out, keyword, text.data);
    }
    mica_buf_release(&text);
    return status != MICA_OK ? status
           : ok              ? MICA_OK
                : mica_fail(err, MICA_EUNSUPPORTED, "%s: cannot be written in a Modelfile", keyword);
}

static enum mica_status print_messages(const struct mica_cli_shown *shown, struct mica_buf *out,
                                       struct mica_err *err)
{
    json_t *messages, *message;
    size_t i;
    bool ok = true;
    enum mica_status status = read_json(shown, MICA_LAYER_MESSAGES, &messages, err);
    json_array_foreach(messages, i, message)
    {
        const char *role = json_string_value(json_object_get(message, "role"));
        const char *content = json_string_value(json_object_get(message, "content"));
        char keyword[64];
        snprintf(keyword, sizeof keyword, "MESSAGE %.40s", role ? role : "user");
        ok = mica_modelfile_print(out, keyword, content ? content : "") && ok;
    }
    json_decref(messages);
    return status != MICA_OK ? status
           : ok              ? MICA_OK
                : mica_fail(err, MICA_EUNSUPPORTED, "a message cannot be written in a Modelfile");
}

/* A GGUF in one file is named by its blob, anything else by the model's name. */
static enum mica_status print_from(const struct mica_cli_shown *shown, struct mica_buf *out,
                                   struct mica_err *err)
{
    char name[MICA_NAME_TEXT], hex[MICA_DIGEST_HEX];
    int n_models = 0;
    for (int64_t i = 0; i < shown->manifest->n_layers; i++)
        n_models += shown->manifest->layers[i].kind == MICA_LAYER_MODEL;
    mica_name_print(&shown->name, name);
    mica_buf_printf(out, "# Made by 'mica show --modelfile %s'. To build on this model instead:\n# FROM %s\n",
                    name, name);
    if (n_models == 1) {
        mica_digest_hex(&mica_manifest_find(shown->manifest, MICA_LAYER_MODEL)->digest, hex);
        mica_buf_printf(out, "FROM sha256:%s\n", hex);
    } else {
        mica_buf_printf(out, "FROM %s\n", name);
    }
    return out->failed ? mica_fail(err, MICA_ENOMEM, "out of memory") : MICA_OK;
}

int mica_cli_show_modelfile(const struct mica_cli_shown *shown)
{
    static const struct {
        enum mica_layer_kind kind;
        const char *keyword;
    } rows[] = {{MICA_LAYER_TEMPLATE, "TEMPLATE"},
                {MICA_LAYER_SYSTEM, "SYSTEM"},
                {MICA_LAYER_ADAPTER, "ADAPTER"},
                {MICA_LAYER_LICENSE, "LICENSE"}};
    struct mica_buf out = {0};
    struct mica_err err;
    enum mica_status status = print_from(shown, &out, &err);
    for (size_t k = 0; k < MICA_COUNT(rows); k++)
        for (int64_t i = 0; status == MICA_OK && i < shown->manifest->n_layers; i++)
            if (shown->manifest->layers[i].kind == rows[k].kind)
                status = print_layer(shown, &shown->manifest->layers[i], rows[k].keyword, &out, &err);
    if (status == MICA_OK)
        status = print_parameters(shown, "PARAMETER ", &out, &err);
    if (status == MICA_OK)
        status = print_messages(shown, &out, &err);
    if (status == MICA_OK)
        fwrite(out.data, 1, out.len, stdout);
    mica_buf_release(&out);
    return status == MICA_OK ? 0 : mica_cli_fail(status, &err);
}

/* ---- the overview ---- */

/* The first line of a text, cut to what fits beside a label. */
static void print_first_line(const char *label, const char *text, size_t len)
{
    size_t begin = 0;
    while (begin < len && (text[begin] == '\n' || text[begin] == ' ' || text[begin] == '\r'))
        begin++;
    size_t n = strcspn(text + begin, "\r\n"), shown = n < 60 ? n : 60;
    while (shown > 0 && shown < n && ((unsigned char)text[begin + shown] & 0xc0) == 0x80)
        shown--;
    char line[64];
    size_t left;
    bool is_cut = begin + shown < len;
    shown = mica_terminal_clean(text + begin, shown, true, line, &left);
    printf("%-16s %.*s%s\n", label, (int)shown, line, is_cut ? " …" : "");
}

static enum mica_status print_layers(const struct mica_cli_shown *shown, struct mica_err *err)
{
    static const char *const labels[MICA_LAYER_OTHER + 1] = {[MICA_LAYER_TEMPLATE] = "template",
                                                             [MICA_LAYER_SYSTEM] = "system",
                                                             [MICA_LAYER_LICENSE] = "licence text"};
    for (int64_t i = 0; i < shown->manifest->n_layers; i++) {
        const struct mica_layer *layer = &shown->manifest->layers[i];
        struct mica_buf text = {0};
        if (!labels[layer->kind])
            continue;
        enum mica_status status = mica_store_layer_text(shown->store, layer, &text, err);
        bool usable = true;
        if (status == MICA_OK && layer->kind == MICA_LAYER_TEMPLATE)
            status = mica_template_usable(text.data, text.len, &usable, err);
        if (status == MICA_OK && !usable)
            printf("%-16s %s\n", "template", not_used);
        else if (status == MICA_OK)
            print_first_line(labels[layer->kind], text.data, text.len);
        mica_buf_release(&text);
        if (status != MICA_OK)
            return status;
    }
    return MICA_OK;
}

static void print_registered(const struct mica_cli_shown *shown)
{
    if (!shown->components) {
        printf("%-16s not in the register; record its terms with: mica register\n", "terms");
        return;
    }
    const struct mica_component *row = &shown->components->rows[0];
    bool is_declared;
    const char *licence = mica_cli_licence(row, &is_declared);
    printf("%-16s %s%s\n", "terms", *licence ? licence : "not known",
           !*licence     ? ""
           : is_declared ? " (declared; no text confirms it)"
                         : " (concluded from the licence text)");
    if (*row->source)
        printf("%-16s %s%s%s\n", "source", row->source, *row->revision ? " at " : "", row->revision);
    if (*row->drift)
        printf("%-16s %s\n", "drift", row->drift);
}

enum mica_status mica_cli_show_stored(const struct mica_cli_shown *shown, struct mica_err *err)
{
    char name[MICA_NAME_TEXT], hex[MICA_DIGEST_HEX], size[MICA_SHORT_TEXT];
    struct mica_buf params = {0};
    int64_t n_adapters = 0;
    mica_name_print(&shown->name, name);
    mica_digest_hex(&shown->manifest->digest, hex);
    mica_cli_size_text(mica_manifest_size(shown->manifest), size);
    printf("%-16s %s\n%-16s sha256:%s\n%-16s %s in %lld layer%s\n", "stored as", name, "digest", hex, "size",
           size, (long long)shown->manifest->n_layers, shown->manifest->n_layers == 1 ? "" : "s");
    print_registered(shown);
    enum mica_status status = print_layers(shown, err);
    if (status == MICA_OK)
        status = print_parameters(shown, "                 ", &params, err);
    if (status == MICA_OK && params.len)
        printf("%-16s %s", "parameters", params.data + 17);
    for (int64_t i = 0; i < shown->manifest->n_layers; i++)
        n_adapters += shown->manifest->layers[i].kind == MICA_LAYER_ADAPTER;
    if (status == MICA_OK && n_adapters)
        printf("%-16s %lld\n", "adapters", (long long)n_adapters);
    mica_buf_release(&params);
    return status;
}

/* Texts of all layers of a kind as an array, or of the only one. */
static enum mica_status add_texts(const struct mica_cli_shown *shown, json_t *out, const char *key,
                                  enum mica_layer_kind kind, struct mica_err *err)
{
    enum mica_status status = MICA_OK;
    for (int64_t i = 0; status == MICA_OK && i < shown->manifest->n_layers; i++) {
        struct mica_buf text = {0};
        const struct mica_layer *layer = &shown->manifest->layers[i];
        if (layer->kind != kind)
            continue;
        status = mica_store_layer_text(shown->store, layer, &text, err);
        /* What is no UTF-8 is left out: JSON cannot hold it. */
        json_t *value = status == MICA_OK ? json_stringn(text.data, text.len) : NULL;
        if (value && kind == MICA_LAYER_LICENSE) {
            if (!json_object_get(out, key))
                json_object_set_new(out, key, json_array());
            json_array_append_new(json_object_get(out, key), value);
        } else if (value) {
            json_object_set_new(out, key, value);
        }
        mica_buf_release(&text);
    }
    return status;
}

static json_t *layers_json(const struct mica_cli_shown *shown)
{
    json_t *layers = json_array();
    for (int64_t i = 0; i < shown->manifest->n_layers; i++) {
        const struct mica_layer *layer = &shown->manifest->layers[i];
        char hex[MICA_DIGEST_HEX];
        mica_digest_hex(&layer->digest, hex);
        json_array_append_new(layers, json_pack("{s:s, s:s, s:I, s:s*}", "media_type", layer->media_type,
                                                "digest", hex, "size", (json_int_t)layer->size, "title",
                                                layer->title[0] ? layer->title : NULL));
    }
    return layers;
}

struct json_t *mica_cli_shown_json(const struct mica_cli_shown *shown, struct mica_err *err)
{
    static const struct {
        const char *key;
        enum mica_layer_kind kind;
    } texts[] = {{"system", MICA_LAYER_SYSTEM},
                 {"template", MICA_LAYER_TEMPLATE},
                 {"licenses", MICA_LAYER_LICENSE}},
      jsons[] = {{"parameters", MICA_LAYER_PARAMS},
                 {"messages", MICA_LAYER_MESSAGES},
                 {"config", MICA_LAYER_CONFIG}};
    char name[MICA_NAME_TEXT], hex[MICA_DIGEST_HEX];
    mica_name_print(&shown->name, name);
    mica_digest_hex(&shown->manifest->digest, hex);
    json_t *out = json_pack("{s:s, s:s, s:I, s:o}", "name", name, "digest", hex, "size",
                            (json_int_t)mica_manifest_size(shown->manifest), "layers", layers_json(shown));
    enum mica_status status = out ? MICA_OK : mica_fail(err, MICA_ENOMEM, "out of memory");
    for (size_t i = 0; status == MICA_OK && i < MICA_COUNT(texts); i++)
        status = add_texts(shown, out, texts[i].key, texts[i].kind, err);
    for (size_t i = 0; status == MICA_OK && i < MICA_COUNT(jsons); i++) {
        json_t *value;
        status = read_json(shown, jsons[i].kind, &value, err);
        if (value)
            json_object_set_new(out, jsons[i].key, value);
    }
    if (status == MICA_OK && shown->components)
        json_object_set_new(out, "registered", mica_cli_component_json(&shown->components->rows[0]));
    if (status != MICA_OK) {
        json_decref(out);
        return NULL;
    }
    return out;
}
