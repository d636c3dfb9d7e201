/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What both writers of bills of materials need: JSON that fails once, references, locations, card facts. */
#include "govern/sbom_internal.h"
#include "store/json.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* ---- JSON ---- */

static json_t *kept(struct mica_sbom_out *out, json_t *value)
{
    if (!value)
        out->failed = true;
    return value;
}

json_t *mica_sbom_object(struct mica_sbom_out *out)
{
    return kept(out, json_object());
}

json_t *mica_sbom_array(struct mica_sbom_out *out)
{
    return kept(out, json_array());
}

json_t *mica_sbom_string(struct mica_sbom_out *out, const char *text)
{
    json_t *value = text ? json_string(text) : NULL;
    if (value || !text)
        return kept(out, value);
    struct mica_buf clean = {0};
    mica_buf_puts(&clean, "");
    for (const uint8_t *s = (const uint8_t *)text; *s;) {
        utf8proc_int32_t code;
        utf8proc_ssize_t n = utf8proc_iterate(s, (utf8proc_ssize_t)strlen((const char *)s), &code);
        if (n > 0)
            mica_buf_append(&clean, s, (size_t)n);
        else
            mica_buf_puts(&clean, "\xef\xbf\xbd");
        s += n > 0 ? n : 1;
    }
    value = clean.failed ? NULL : json_string(clean.data);
    mica_buf_release(&clean);
    return kept(out, value);
}

void mica_sbom_set(struct mica_sbom_out *out, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        out->failed = true;
}

void mica_sbom_add(struct mica_sbom_out *out, json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0)
        out->failed = true;
}

void mica_sbom_set_text(struct mica_sbom_out *out, json_t *object, const char *key, const char *text)
{
    if (text && *text)
        mica_sbom_set(out, object, key, mica_sbom_string(out, text));
}

void mica_sbom_property(struct mica_sbom_out *out, json_t *list, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    json_t *property = mica_sbom_object(out);
    mica_sbom_set_text(out, property, "name", name);
    mica_sbom_set_text(out, property, "value", value);
    mica_sbom_add(out, list, property);
}

void mica_sbom_set_list(struct mica_sbom_out *out, json_t *object, const char *key, json_t *list)
{
    if (json_array_size(list))
        mica_sbom_set(out, object, key, list);
    else
        json_decref(list);
}

char *mica_sbom_printf(struct mica_sbom_out *out, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = len < 0 ? NULL : mica_arena_alloc(&out->arena, (size_t)len + 1, 1);
    if (!text) {
        out->failed = true;
        return NULL;
    }
    va_start(args, fmt);
    vsnprintf(text, (size_t)len + 1, fmt, args);
    va_end(args);
    return text;
}

/* ---- names and places ---- */

static const struct mica_component *component(const struct mica_sbom_out *out, int64_t row)
{
    return &out->in->closure->rows[row];
}

static bool is_stated(const char *text)
{
    return text && *text;
}

bool mica_sbom_is_digest(const char *text)
{
    struct mica_digest digest;
    return text && strlen(text) == MICA_DIGEST_HEX - 1 && mica_digest_parse(text, &digest);
}

/* Appends text with every byte outside letters, digits and safe as %XX. */
static void escape(struct mica_buf *buf, const char *text, const char *safe)
{
    for (const unsigned char *s = (const unsigned char *)text; *s; s++) {
        if (*s < 0x80 && (isalnum(*s) || strchr(safe, *s)))
            mica_buf_append(buf, s, 1);
        else
            mica_buf_printf(buf, "%%%02X", *s);
    }
}

static const char *from_buf(struct mica_sbom_out *out, struct mica_buf *buf)
{
    char *text = buf->failed ? NULL : mica_arena_strndup(&out->arena, buf->data ? buf->data : "", buf->len);
    mica_buf_release(buf);
    if (!text)
        out->failed = true;
    return text;
}

static const char *kind_text(enum mica_component_kind kind)
{
    static const char *const texts[] = {
#define MICA_COMPONENT_TEXT(name, text) [MICA_COMPONENT_##name] = text,
        MICA_COMPONENT_ROWS(MICA_COMPONENT_TEXT)
#undef MICA_COMPONENT_TEXT
    };
    return texts[kind];
}

const char *mica_sbom_ref(struct mica_sbom_out *out, int64_t row)
{
    const struct mica_component *c = component(out, row);
    struct mica_buf buf = {0};
    mica_buf_printf(&buf, "%s:", kind_text(c->kind));
    escape(&buf, c->name ? c->name : "", "-._/");
    mica_buf_puts(&buf, "@");
    escape(&buf, c->version ? c->version : "", "-._/");
    return from_buf(out, &buf);
}

const char *mica_sbom_layer_title(struct mica_sbom_out *out, int64_t layer)
{
    static const char *const names[] = {
#define MICA_LAYER_NAME(name, media_type, single) [MICA_LAYER_##name] = #name,
        MICA_LAYER_ROWS(MICA_LAYER_NAME)
#undef MICA_LAYER_NAME
            [MICA_LAYER_OTHER] = "OTHER",
    };
    const struct mica_layer *l = &out->in->manifest->layers[layer];
    if (l->title[0])
        return l->title;
    char *name = mica_sbom_printf(out, "%s", names[l->kind]);
    for (char *s = name; s && *s; s++)
        *s = (char)tolower((unsigned char)*s);
    return name;
}

const char *mica_sbom_layer_ref(struct mica_sbom_out *out, int64_t layer)
{
    return mica_sbom_printf(out, "file:%lld", (long long)layer);
}

static size_t scheme_len(const char *text)
{
    size_t len = isalpha((unsigned char)text[0]) ? 1 : 0;
    while (len && (isalnum((unsigned char)text[len]) || (text[len] && strchr("+-.", text[len]))))
        len++;
    return len && text[len] == ':' ? len + 1 : 0;
}

const char *mica_sbom_uri(struct mica_sbom_out *out, const char *text)
{
    struct mica_buf buf = {0};
    size_t n = text ? scheme_len(text) : 0;
    if (!n || !text[n])
        return NULL;
    mica_buf_append(&buf, text, n);
    const char *rest = text + n;
    bool fragment = false;
    if (strncmp(rest, "//", 2) == 0) { /* only a host may hold ':' and '@' freely; the rest is the same */
        mica_buf_puts(&buf, "//");
        size_t host = strcspn(rest + 2, "/?#");
        for (size_t i = 0; i < host; i++) {
            char one[2] = {rest[2 + i]};
            escape(&buf, one, "-._~:");
        }
        rest += 2 + host;
    }
    for (; *rest; rest++) {
        char one[2] = {*rest};
        bool escaped = rest[0] == '%' && isxdigit((unsigned char)rest[1]) && isxdigit((unsigned char)rest[2]);
        bool mark = *rest == '#' && !fragment;
        fragment |= mark;
        escape(&buf, one, escaped ? "%" : mark ? "#" : "-._~/?:@!$&()*+,;=");
    }
    return from_buf(out, &buf);
}

const char *mica_sbom_location(struct mica_sbom_out *out, int64_t row)
{
    const struct mica_component *c = component(out, row);
    const char *uri = mica_sbom_uri(out, c->location);
    if (!uri)
        uri = mica_sbom_uri(out, c->source);
    return uri                              ? uri
           : mica_sbom_is_digest(c->digest) ? mica_sbom_printf(out, "urn:sha256:%s", c->digest)
                                            : mica_sbom_printf(out, "urn:mica:%s", mica_sbom_ref(out, row));
}

const char *mica_sbom_supplier(struct mica_sbom_out *out, int64_t row)
{
    static const char *const hosts[][2] = {{"pypi:", "PyPI"}, {"npm:", "npm"}};
    const struct mica_component *c = component(out, row);
    const char *source = is_stated(c->source) ? c->source : c->name ? c->name : "";
    if (row == 0 && is_stated(out->in->supplier))
        return out->in->supplier;
    if (is_stated(c->owner))
        return c->owner;
    if (strncmp(source, "hf:", 3) == 0 && strchr(source + 3, '/'))
        return mica_sbom_printf(out, "%.*s", (int)strcspn(source + 3, "/"), source + 3);
    for (size_t i = 0; i < MICA_COUNT(hosts); i++)
        if (strncmp(source, hosts[i][0], strlen(hosts[i][0])) == 0)
            return mica_sbom_printf(out, "publisher of %s on %s", source + strlen(hosts[i][0]), hosts[i][1]);
    return NULL;
}

const char *mica_sbom_name(struct mica_sbom_out *out, int64_t row)
{
    const struct mica_component *c = component(out, row);
    const char *name = is_stated(c->name) ? c->name : "unnamed";
    return c->kind == MICA_COMPONENT_TOKENIZER  ? mica_sbom_printf(out, "%s (tokenizer)", name)
           : c->kind == MICA_COMPONENT_TEMPLATE ? mica_sbom_printf(out, "%s (chat template)", name)
                                                : name;
}

const char *mica_sbom_version(struct mica_sbom_out *out, int64_t row)
{
    const struct mica_component *c = component(out, row);
    return is_stated(c->version)            ? c->version
           : is_stated(c->revision)         ? c->revision
           : mica_sbom_is_digest(c->digest) ? mica_sbom_printf(out, "%.12s", c->digest)
                                            : "not stated";
}

const struct mica_layer *mica_sbom_weights(const struct mica_sbom_out *out)
{
    const struct mica_layer *found = NULL;
    const struct mica_manifest *manifest = out->in->manifest;
    for (int64_t i = 0; manifest && i < manifest->n_layers; i++)
        if (manifest->layers[i].kind == MICA_LAYER_MODEL) {
            if (found)
                return NULL;
            found = &manifest->layers[i];
        }
    return found;
}

int64_t mica_sbom_parent(const struct mica_sbom_out *out, int64_t row)
{
    return out->in->closure->parents ? out->in->closure->parents[row] : 0;
}

/* ---- cards ---- */

static const json_t *card_value(const struct mica_sbom_out *out, int64_t row, const char *const *keys)
{
    for (; *keys; keys++) {
        const json_t *value = json_object_get(out->cards[row], *keys);
        if (value && !json_is_null(value))
            return value;
    }
    return NULL;
}

static json_t *as_text(struct mica_sbom_out *out, const json_t *value)
{
    if (json_is_string(value))
        return mica_sbom_string(out, json_string_value(value));
    char *dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(9) | JSON_SORT_KEYS);
    json_t *text = dump ? mica_sbom_string(out, dump) : kept(out, NULL);
    free(dump);
    return text;
}

const char *mica_sbom_card_text(struct mica_sbom_out *out, int64_t row, const char *const *keys)
{
    const json_t *value = card_value(out, row, keys);
    if (json_is_array(value))
        value = json_array_get(value, 0);
    if (!value)
        return NULL;
    json_t *text = as_text(out, value);
    const char *copy = text ? mica_sbom_printf(out, "%s", json_string_value(text)) : NULL;
    json_decref(text);
    return copy;
}

json_t *mica_sbom_card_texts(struct mica_sbom_out *out, int64_t row, const char *const *keys)
{
    const json_t *value = card_value(out, row, keys);
    json_t *list = mica_sbom_array(out);
    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++)
            mica_sbom_add(out, list, as_text(out, json_array_get(value, i)));
    } else if (value) {
        mica_sbom_add(out, list, as_text(out, value));
    }
    return list;
}

const char *mica_sbom_card_joined(struct mica_sbom_out *out, int64_t row, const char *const *keys)
{
    json_t *list = mica_sbom_card_texts(out, row, keys);
    struct mica_buf text = {0};
    for (size_t i = 0; i < json_array_size(list); i++)
        mica_buf_printf(&text, "%s%s", i ? "; " : "", json_string_value(json_array_get(list, i)));
    bool none = json_array_size(list) == 0;
    json_decref(list);
    return none ? NULL : from_buf(out, &text);
}

int mica_sbom_card_switch(const struct mica_sbom_out *out, int64_t row, const char *key)
{
    const json_t *value = json_object_get(out->cards[row], key);
    return json_is_boolean(value) ? json_is_true(value) : -1;
}

static void add_metric(struct mica_sbom_out *out, json_t *list, const json_t *metric)
{
    const json_t *type = json_object_get(metric, "type"), *value = json_object_get(metric, "value"),
                 *own = json_object_get(metric, "slice");
    if (!json_is_string(type) || !value || json_is_null(value))
        return;
    json_t *row = mica_sbom_object(out);
    mica_sbom_set(out, row, "type", as_text(out, type));
    mica_sbom_set(out, row, "value", as_text(out, value));
    mica_sbom_set_text(out, row, "slice", json_string_value(own));
    mica_sbom_add(out, list, row);
}

json_t *mica_sbom_card_metrics(struct mica_sbom_out *out, int64_t row)
{
    json_t *list = mica_sbom_array(out);
    const json_t *own = json_object_get(out->cards[row], "metrics");
    for (size_t i = 0; i < json_array_size(own); i++)
        add_metric(out, list, json_array_get(own, i));
    for (size_t i = 0; row == 0 && i < json_array_size(out->in->results); i++)
        add_metric(out, list, json_array_get(out->in->results, i));
    return list;
}

static bool read_cards(struct mica_sbom_out *out)
{
    int64_t n = out->in->closure->n;
    out->cards = mica_arena_alloc(&out->arena, (size_t)n, sizeof(json_t *));
    for (int64_t i = 0; out->cards && i < n; i++) {
        const char *card = component(out, i)->card;
        /* A card that is no JSON states nothing. */
        if (is_stated(card) &&
            mica_json_load(card, strlen(card), "card", &out->cards[i], NULL) == MICA_ENOMEM)
            return false;
    }
    return out->cards != NULL;
}

/* ---- the document ---- */

static bool hash_text(struct mica_sha256_stream *stream, const char *text)
{
    return mica_sha256_update(stream, text ? text : "", text ? strlen(text) + 1 : 1);
}

/* All that a row states but the time: that is the clock's, as the document's is. */
static bool hash_row(const struct mica_sbom_out *out, int64_t row, struct mica_sha256_stream *stream)
{
    const struct mica_components *closure = out->in->closure;
    const struct mica_component *c = &closure->rows[row];
    const int64_t numbers[] = {c->kind, c->size, row && closure->relations ? closure->relations[row] : 0,
                               row ? mica_sbom_parent(out, row) : 0};
    bool ok = mica_sha256_update(stream, numbers, sizeof numbers);
#define X(field) ok = ok && (c->field == c->time || hash_text(stream, c->field));
    MICA_COMPONENT_TEXTS(X)
#undef X
    return ok;
}

static bool hash_input(const struct mica_sbom_out *out, struct mica_sha256_stream *stream)
{
    const struct mica_sbom_input *in = out->in;
    const char *const texts[] = {in->spec, in->verdict, in->openness, in->supplier};
    bool ok = mica_sha256_update(stream, &in->format, sizeof in->format);
    for (size_t i = 0; ok && i < MICA_COUNT(texts); i++)
        ok = hash_text(stream, texts[i]);
    for (int64_t i = 0; ok && i < in->closure->n; i++)
        ok = hash_row(out, i, stream);
    char *results = ok && in->results ? json_dumps(in->results, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    if (ok && in->results)
        ok = results && hash_text(stream, results);
    free(results);
    return ok && (!in->manifest || mica_sha256_update(stream, in->manifest->digest.bytes, MICA_DIGEST_BYTES));
}

/* A UUID (version 8: made from a digest) over all that goes into the document except the time. */
static bool make_uuid(struct mica_sbom_out *out)
{
    struct mica_sha256_stream *stream = mica_sha256_begin();
    struct mica_digest digest;
    uint8_t *b = digest.bytes;
    if (!stream)
        return false;
    bool ok = hash_input(out, stream);
    if (!mica_sha256_end(stream, &digest) || !ok)
        return false;
    b[6] = (uint8_t)(0x80 | (b[6] & 0x0f));
    b[8] = (uint8_t)(0x80 | (b[8] & 0x3f));
    snprintf(out->uuid, sizeof out->uuid,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3],
             b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
    return true;
}

static enum mica_status choose_spec(struct mica_sbom_input *in, struct mica_err *err)
{
    static const char *const specs[][3] = {
        [MICA_SBOM_CYCLONEDX] = {"1.7", "1.6"}, [MICA_SBOM_SPDX] = {"3.0.1"}};
    const char *const *row = specs[in->format];
    if (!in->spec)
        in->spec = row[0];
    for (int i = 0; i < 3 && row[i]; i++)
        if (strcmp(row[i], in->spec) == 0)
            return MICA_OK;
    return mica_fail(err, MICA_EARG, "--spec %s: %s is written in version %s%s%s", in->spec,
                     in->format == MICA_SBOM_SPDX ? "SPDX" : "CycloneDX", row[0], row[1] ? " or " : "",
                     row[1] ? row[1] : "");
}

enum mica_status mica_sbom_make(const struct mica_sbom_input *input, struct json_t **out,
                                struct mica_err *err)
{
    struct mica_sbom_input in = *input;
    struct mica_sbom_out o = {.in = &in};
    json_t *document = NULL;
    enum mica_status status = choose_spec(&in, err);
    if (status != MICA_OK)
        return status;
    if (in.closure->n < 1)
        return mica_fail(err, MICA_EARG, "a bill of materials of nothing");
    mica_time_text(o.time);
    if (read_cards(&o) && make_uuid(&o))
        document = in.format == MICA_SBOM_SPDX ? mica_sbom_spdx(&o) : mica_sbom_cyclonedx(&o);
    for (int64_t i = 0; o.cards && i < in.closure->n; i++)
        json_decref(o.cards[i]);
    mica_arena_release(&o.arena);
    if (!document || o.failed) {
        json_decref(document);
        return mica_fail(err, MICA_ENOMEM, "out of memory while writing a bill of materials");
    }
    *out = document;
    return MICA_OK;
}
