/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Reads the bills of materials that others write. */
#include "base/strmap.h"
#include "govern/dsse.h"
#include "govern/sbom_internal.h"

#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

enum { NESTING_MAX = 16, TEXT_MAX = 4096, JSON_MAX = 4000000 };

struct reader {
    struct mica_sbom *sbom;
    struct mica_err *err;
    enum mica_status status; /* the first failure */
};

static enum mica_status out_of_memory(struct reader *r)
{
    return mica_fail(r->err, MICA_ENOMEM, "out of memory while reading a bill of materials");
}

/* A character that changes how the text around it is shown, or does something to a terminal. */
static bool is_unsafe(utf8proc_int32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0x200e || code == 0x200f;
}

/* A copy for people: unsafe characters as spaces, cut at TEXT_MAX. NULL: out of memory. */
static const char *clean(struct reader *r, const char *text)
{
    size_t len = text ? strlen(text) : 0, n = 0;
    char *copy = mica_arena_alloc(&r->sbom->arena, (len < TEXT_MAX ? len : TEXT_MAX) + 1, 1);
    for (size_t at = 0; copy && at < len;) {
        utf8proc_int32_t code;
        utf8proc_ssize_t bytes =
            utf8proc_iterate((const utf8proc_uint8_t *)text + at, (utf8proc_ssize_t)(len - at), &code);
        size_t step = bytes > 0 ? (size_t)bytes : 1;
        bool unsafe = bytes <= 0 || is_unsafe(code);
        if (n + (unsafe ? 1 : step) > TEXT_MAX)
            break;
        if (unsafe)
            copy[n++] = ' ';
        else
            memcpy(copy + n, text + at, step), n += step;
        at += step;
    }
    if (!copy)
        r->status = out_of_memory(r);
    return copy;
}

static const char *field(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static struct mica_sbom_row *add_row(struct reader *r)
{
    struct mica_sbom *sbom = r->sbom;
    if (sbom->n_rows >= MICA_SBOM_ROWS_MAX) {
        r->status = mica_fail(r->err, MICA_ELIMIT, "a bill of materials of more than %d components",
                              MICA_SBOM_ROWS_MAX);
        return NULL;
    }
    if (!mica_grow(&sbom->rows, sbom->n_rows, &sbom->rows_capacity, sizeof *sbom->rows)) {
        r->status = out_of_memory(r);
        return NULL;
    }
    sbom->rows[sbom->n_rows] = (struct mica_sbom_row){"", "", "", "", "", "", ""};
    return &sbom->rows[sbom->n_rows++];
}

/* The SHA-256 in a list of hashes, in lower case; "" when there is none or it is malformed. */
static const char *digest_of(struct reader *r, const json_t *hashes, const char *alg_key, const char *alg,
                             const char *value_key)
{
    for (size_t i = 0; i < json_array_size(hashes); i++) {
        const char *name = field(json_array_get(hashes, i), alg_key),
                   *value = field(json_array_get(hashes, i), value_key);
        if (!name || !value || strcmp(name, alg) != 0 || strlen(value) != MICA_DIGEST_HEX - 1)
            continue;
        char *copy = mica_arena_strndup(&r->sbom->arena, value, MICA_DIGEST_HEX - 1);
        if (!copy) {
            r->status = out_of_memory(r);
            return "";
        }
        for (char *s = copy; *s; s++)
            if (*s >= 'A' && *s <= 'F')
                *s = (char)(*s - 'A' + 'a');
        if (mica_sbom_is_digest(copy))
            return copy;
    }
    return "";
}

/* a AND b */
static const char *both(struct reader *r, const char *a, const char *b)
{
    if (!*a || strcmp(a, b) == 0)
        return b;
    size_t n = strlen(a), m = strlen(b);
    if (n + m > TEXT_MAX)
        return a;
    char *text = mica_arena_alloc(&r->sbom->arena, n + m + 6, 1);
    if (!text) {
        r->status = out_of_memory(r);
        return a;
    }
    snprintf(text, n + m + 6, "%s AND %s", a, b);
    return text;
}

/* ---- CycloneDX ---- */

static void read_licences(struct reader *r, const json_t *list, struct mica_sbom_row *row)
{
    for (size_t i = 0; i < json_array_size(list) && !r->status; i++) {
        const json_t *entry = json_array_get(list, i), *licence = json_object_get(entry, "license"),
                     *holder = licence ? licence : entry;
        const char *text = field(entry, "expression"), *acknowledgement = field(holder, "acknowledgement");
        if (!text)
            text = field(licence, "id");
        if (!text)
            text = field(licence, "name");
        const char **at =
            acknowledgement && strcmp(acknowledgement, "concluded") == 0 ? &row->concluded : &row->declared;
        const char *copy = text ? clean(r, text) : NULL;
        if (copy)
            *at = both(r, *at, copy);
    }
}

static const char *cyclonedx_kind(const json_t *component, const char *type)
{
    const json_t *data = json_array_get(json_object_get(component, "data"), 0);
    const char *data_type = field(data, "type");
    if (strcmp(type, "machine-learning-model") == 0)
        return "model";
    if (strcmp(type, "library") == 0 || strcmp(type, "application") == 0 || strcmp(type, "framework") == 0)
        return "software";
    return strcmp(type, "data") == 0 && (!data || (data_type && strcmp(data_type, "dataset") == 0))
               ? "dataset"
               : type;
}

static void read_component(struct reader *r, const json_t *component, const char *where, int64_t index)
{
    const char *type = field(component, "type"), *name = field(component, "name");
    if (!json_is_object(component) || !type || !name) {
        r->status = mica_fail(r->err, MICA_EFORMAT, "CycloneDX: %s[%lld] has no %s", where, (long long)index,
                              !json_is_object(component) ? "object"
                              : !type                    ? "type"
                                                         : "name");
        return;
    }
    struct mica_sbom_row row = {"", "", "", "", "", "", ""};
    row.kind = clean(r, cyclonedx_kind(component, type));
    row.ref = clean(r, field(component, "bom-ref"));
    row.name = clean(r, name);
    row.version = clean(r, field(component, "version"));
    row.digest = digest_of(r, json_object_get(component, "hashes"), "alg", "SHA-256", "content");
    if (r->status)
        return;
    read_licences(r, json_object_get(component, "licenses"), &row);
    struct mica_sbom_row *place = r->status ? NULL : add_row(r);
    if (place)
        *place = row;
}

static void read_components(struct reader *r, const json_t *list, const char *where, int depth)
{
    if (list && !json_is_array(list))
        r->status = mica_fail(r->err, MICA_EFORMAT, "CycloneDX: %s is not a list", where);
    if (depth > NESTING_MAX)
        r->status =
            mica_fail(r->err, MICA_ELIMIT, "CycloneDX: components lie more than %d deep", NESTING_MAX);
    for (size_t i = 0; i < json_array_size(list) && !r->status; i++) {
        read_component(r, json_array_get(list, i), where, (int64_t)i);
        if (!r->status)
            read_components(r, json_object_get(json_array_get(list, i), "components"),
                            "components in components", depth + 1);
    }
}

static void read_cyclonedx(struct reader *r, const json_t *document)
{
    static const char *const specs[] = {"1.4", "1.5", "1.6", "1.7"};
    const char *spec = field(document, "specVersion");
    bool known = false;
    for (size_t i = 0; spec && i < MICA_COUNT(specs); i++)
        known |= strcmp(spec, specs[i]) == 0;
    if (!known) {
        r->status = mica_fail(r->err, spec ? MICA_EUNSUPPORTED : MICA_EFORMAT,
                              "CycloneDX: version %.16s; versions 1.4 to 1.7 are read",
                              spec ? spec : "is not stated");
        return;
    }
    const json_t *subject = json_object_get(json_object_get(document, "metadata"), "component");
    r->sbom->format = MICA_SBOM_CYCLONEDX;
    r->sbom->spec = clean(r, spec);
    r->sbom->serial = clean(r, field(document, "serialNumber"));
    r->sbom->subject = clean(r, field(subject, "bom-ref"));
    if (subject && !r->status)
        read_component(r, subject, "metadata.component", 0);
    if (!r->status)
        read_components(r, json_object_get(document, "components"), "components", 0);
}

/* ---- SPDX ---- */

static const struct {
    const char *type, *kind;
} spdx_kinds[] = {{"ai_AIPackage", "model"},
                  {"dataset_DatasetPackage", "dataset"},
                  {"software_Package", "software"},
                  {"software_File", "file"}};

static const char *spdx_kind(const json_t *thing)
{
    const char *type = field(thing, "type");
    for (size_t i = 0; type && i < MICA_COUNT(spdx_kinds); i++)
        if (strcmp(type, spdx_kinds[i].type) == 0)
            return spdx_kinds[i].kind;
    return NULL;
}

static void read_element(struct reader *r, const json_t *thing, size_t index, struct mica_strmap *rows)
{
    const char *kind = spdx_kind(thing), *id = field(thing, "spdxId"), *name = field(thing, "name");
    if (!kind)
        return;
    if (!id || !name) {
        r->status = mica_fail(r->err, MICA_EFORMAT, "SPDX: @graph[%lld] (%s) has no %s", (long long)index,
                              kind, id ? "name" : "spdxId");
        return;
    }
    struct mica_sbom_row row = {kind, "", "", "", "", "", ""};
    row.ref = clean(r, id);
    row.name = clean(r, name);
    row.version = clean(r, field(thing, "software_packageVersion"));
    row.digest = digest_of(r, json_object_get(thing, "verifiedUsing"), "algorithm", "sha256", "hashValue");
    struct mica_sbom_row *place = r->status ? NULL : add_row(r);
    if (!place)
        return;
    *place = row;
    if (!mica_strmap_put(rows, id, strlen(id), (int32_t)(r->sbom->n_rows - 1)))
        r->status = out_of_memory(r);
}

static const char *first_text(const json_t *value)
{
    return json_string_value(json_is_array(value) ? json_array_get(value, 0) : value);
}

/* A relation to a licence fills in the row it comes from. */
static void read_relation(struct reader *r, const json_t *graph, const json_t *thing,
                          const struct mica_strmap *rows, const struct mica_strmap *licences)
{
    const char *type = field(thing, "relationshipType"), *from = field(thing, "from"),
               *to = first_text(json_object_get(thing, "to"));
    bool declared = type && strcmp(type, "hasDeclaredLicense") == 0,
         concluded = type && strcmp(type, "hasConcludedLicense") == 0;
    if (!from || !to || (!declared && !concluded))
        return;
    int32_t row = mica_strmap_get(rows, from, strlen(from), -1),
            licence = mica_strmap_get(licences, to, strlen(to), -1);
    if (row < 0 || licence < 0)
        return;
    const char *text =
        clean(r, field(json_array_get(graph, (size_t)licence), "simplelicensing_licenseExpression"));
    const char **at = declared ? &r->sbom->rows[row].declared : &r->sbom->rows[row].concluded;
    if (text)
        *at = both(r, *at, text);
}

static void read_spdx(struct reader *r, const json_t *document)
{
    const json_t *graph = json_object_get(document, "@graph"), *thing;
    const char *context = first_text(json_object_get(document, "@context"));
    struct mica_strmap rows = {0}, licences = {0};
    size_t i;
    if (!context || !strstr(context, "spdx.org/rdf/3.0") || !json_is_array(graph)) {
        r->status = mica_fail(r->err, MICA_EUNSUPPORTED,
                              "SPDX: the @context is not SPDX 3.0's, or there is no @graph");
        return;
    }
    r->sbom->format = MICA_SBOM_SPDX;
    r->sbom->spec = "3.0.1";
    json_array_foreach((json_t *)graph, i, thing)
    {
        const char *type = field(thing, "type"), *id = field(thing, "spdxId"),
                   *spec = field(thing, "specVersion");
        if (r->status)
            break;
        if (!json_is_object(thing) || !type) {
            r->status =
                mica_fail(r->err, MICA_EFORMAT, "SPDX: @graph[%lld] is no object with a type", (long long)i);
            break;
        }
        if (spec && strcmp(type, "CreationInfo") == 0)
            r->sbom->spec = clean(r, spec);
        if (strcmp(type, "software_Sbom") == 0)
            r->sbom->subject = clean(r, first_text(json_object_get(thing, "rootElement")));
        if (id && strcmp(type, "SpdxDocument") == 0)
            r->sbom->serial = clean(r, id);
        if (id && field(thing, "simplelicensing_licenseExpression") &&
            !mica_strmap_put(&licences, id, strlen(id), (int32_t)i))
            r->status = out_of_memory(r);
        if (!r->status)
            read_element(r, thing, i, &rows);
    }
    json_array_foreach((json_t *)graph, i, thing)
    {
        if (r->status)
            break;
        read_relation(r, graph, thing, &rows, &licences);
    }
    mica_strmap_release(&rows);
    mica_strmap_release(&licences);
}

/* ---- either ---- */

enum mica_status mica_sbom_read(const char *text, size_t len, struct mica_sbom **out, struct mica_err *err)
{
    if (len > MICA_SBOM_BYTES_MAX)
        return mica_fail(err, MICA_ELIMIT, "a bill of materials of more than %d MiB",
                         MICA_SBOM_BYTES_MAX >> 20);
    json_t *document = NULL;
    enum mica_status status = mica_json_parse(text, len, JSON_MAX, "bill of materials", &document, err);
    if (status != MICA_OK)
        return status;
    struct mica_sbom *sbom = mica_alloc(1, sizeof *sbom);
    struct reader r = {sbom, err, MICA_OK};
    const char *format = field(document, "bomFormat");
    if (!sbom) {
        json_decref(document);
        return out_of_memory(&r);
    }
    sbom->spec = sbom->serial = sbom->subject = "";
    if (format && strcmp(format, "CycloneDX") == 0)
        read_cyclonedx(&r, document);
    else if (json_object_get(document, "@context"))
        read_spdx(&r, document);
    else
        r.status = mica_fail(err, MICA_EUNSUPPORTED, "neither a CycloneDX nor an SPDX 3 document%s",
                             json_object_get(document, "spdxVersion") ? ": SPDX 2 is not read" : "");
    if (!r.status && !mica_sbom_profile(sbom, document))
        r.status = out_of_memory(&r);
    json_decref(document);
    if (r.status) {
        mica_sbom_free(sbom);
        return r.status;
    }
    *out = sbom;
    return MICA_OK;
}

void mica_sbom_free(struct mica_sbom *sbom)
{
    if (!sbom)
        return;
    mica_arena_release(&sbom->arena);
    mica_free(sbom->rows);
    mica_free((void *)sbom->gaps);
    mica_free(sbom);
}
