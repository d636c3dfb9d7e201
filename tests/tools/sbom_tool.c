/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Bills of materials of made-up registers, for the parity tests:
 *   sbom_tool HOME < query
 * The query is a JSON object: "rows" (objects of register fields; "links": [[relation, row], …]), "layers"
 * ([[kind, digest, size, title], …]), "format" ("cyclonedx", "spdx"), "spec", "facts", "supplier", "verdict",
 * "texts" (by name). Rows go through a real register at HOME. */
#include "govern/sbom.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const struct mica_err *err)
{
    fprintf(stderr, "%s\n", err->text);
    return mica_status_exit(err->status);
}

static const char *text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static enum mica_status put_row(struct mica_register *reg, const json_t *row, int64_t *id,
                                struct mica_err *err)
{
    struct mica_component c = {.size = json_integer_value(json_object_get(row, "size"))};
    const char *kind = text(row, "kind");
    if (!kind || !mica_component_kind_parse(kind, &c.kind))
        return mica_fail(err, MICA_EARG, "a row without a kind");
#define X(field) c.field = text(row, #field);
    MICA_COMPONENT_TEXTS(X)
#undef X
    return mica_register_put(reg, &c, "test", id, err);
}

static enum mica_status put_links(struct mica_register *reg, const json_t *row, int64_t from,
                                  const int64_t *ids, struct mica_err *err)
{
    static const char *const names[] = {
#define X(name, text) text,
        MICA_RELATION_ROWS(X)
#undef X
    };
    const json_t *links = json_object_get(row, "links");
    enum mica_status status = MICA_OK;
    for (size_t i = 0; status == MICA_OK && i < json_array_size(links); i++) {
        const json_t *link = json_array_get(links, i);
        const char *name = json_string_value(json_array_get(link, 0));
        size_t relation = 0;
        while (relation < MICA_COUNT(names) && strcmp(names[relation], name) != 0)
            relation++;
        if (relation == MICA_COUNT(names))
            return mica_fail(err, MICA_EARG, "%s: no relation", name);
        status = mica_register_link(reg, from, (enum mica_relation)relation,
                                    ids[json_integer_value(json_array_get(link, 1))], err);
    }
    return status;
}

static enum mica_status fill(struct mica_register *reg, const json_t *rows, int64_t *ids,
                             struct mica_err *err)
{
    enum mica_status status = MICA_OK;
    for (size_t i = 0; status == MICA_OK && i < json_array_size(rows); i++)
        status = put_row(reg, json_array_get(rows, i), &ids[i], err);
    for (size_t i = 0; status == MICA_OK && i < json_array_size(rows); i++)
        status = put_links(reg, json_array_get(rows, i), ids[i], ids, err);
    return status;
}

static enum mica_status read_layers(const json_t *layers, struct mica_manifest **out, struct mica_err *err)
{
    struct mica_manifest *manifest = mica_manifest_new();
    enum mica_status status = manifest ? MICA_OK : mica_fail(err, MICA_ENOMEM, "out of memory");
    for (size_t i = 0; status == MICA_OK && i < json_array_size(layers); i++) {
        const json_t *layer = json_array_get(layers, i);
        struct mica_digest digest;
        if (!mica_digest_parse(json_string_value(json_array_get(layer, 1)), &digest))
            return mica_fail(err, MICA_EARG, "a layer without a digest");
        status =
            mica_manifest_add(manifest, (enum mica_layer_kind)json_integer_value(json_array_get(layer, 0)),
                              &digest, (uint64_t)json_integer_value(json_array_get(layer, 2)),
                              json_string_value(json_array_get(layer, 3)), err);
    }
    *out = manifest;
    return status;
}

static enum mica_status make(const json_t *query, const char *home, json_t **out, struct mica_err *err)
{
    const json_t *rows = json_object_get(query, "rows"), *layers = json_object_get(query, "layers"),
                 *f = json_object_get(query, "facts");
    int64_t ids[256] = {0};
    struct mica_register *reg = NULL;
    struct mica_components *closure = NULL;
    struct mica_manifest *manifest = NULL;
    const char *texts[256] = {0}, *format = text(query, "format");
    struct mica_sbom_facts facts = {.architecture = text(f, "architecture"),
                                    .quantization = text(f, "quantization"),
                                    .n_ctx = json_integer_value(json_object_get(f, "n_ctx")),
                                    .n_layers = json_integer_value(json_object_get(f, "n_layers"))};
    enum mica_status status = mica_register_open(home, &reg, err);
    if (status == MICA_OK)
        status = fill(reg, rows, ids, err);
    if (status == MICA_OK)
        status = mica_register_closure(reg, ids[0], &closure, err);
    if (status == MICA_OK && layers)
        status = read_layers(layers, &manifest, err);
    for (int64_t i = 0; status == MICA_OK && i < closure->n; i++)
        texts[i] = text(json_object_get(query, "texts"), closure->rows[i].name);
    struct mica_sbom_input input = {.format = format && strcmp(format, "spdx") == 0,
                                    .spec = text(query, "spec"),
                                    .closure = closure,
                                    .texts = texts,
                                    .manifest = manifest,
                                    .facts = f ? &facts : NULL,
                                    .supplier = text(query, "supplier"),
                                    .verdict = text(query, "verdict"),
                                    .openness = text(query, "openness")};
    if (status == MICA_OK)
        status = mica_sbom_make(&input, out, err);
    mica_manifest_free(manifest);
    mica_components_free(closure);
    mica_register_close(reg);
    return status;
}

int main(int argc, char **argv)
{
    json_t *query = json_loadf(stdin, 0, NULL), *document = NULL;
    struct mica_err err;
    if (argc != 2 || json_array_size(json_object_get(query, "rows")) > 256)
        return 2;
    if (make(query, argv[1], &document, &err) != MICA_OK)
        return fail(&err);
    char *dump = json_dumps(document, JSON_INDENT(1));
    puts(dump ? dump : "");
    free(dump);
    json_decref(document);
    json_decref(query);
    return 0;
}
