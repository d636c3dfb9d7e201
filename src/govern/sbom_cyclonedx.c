/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* CycloneDX 1.6 and 1.7: an ML-BOM. Components are the rows of the register; the files of the described model
 * are components inside it. */
#include "govern/sbom_internal.h"

#include <string.h>

static const struct mica_component *component(const struct mica_sbom_out *out, int64_t row)
{
    return &out->in->closure->rows[row];
}

/* What a row is in CycloneDX: its type, and the type of its data, if it is data. */
static const struct {
    const char *type, *data;
} kinds[] = {
    [MICA_COMPONENT_MODEL] = {"machine-learning-model", NULL},
    [MICA_COMPONENT_ADAPTER] = {"machine-learning-model", NULL},
    [MICA_COMPONENT_TOKENIZER] = {"file", NULL},
    [MICA_COMPONENT_TEMPLATE] = {"file", NULL},
    [MICA_COMPONENT_DATASET] = {"data", "dataset"},
    [MICA_COMPONENT_SOFTWARE] = {"library", NULL},
};

static const char *type_of(const struct mica_sbom_out *out, int64_t row)
{
    enum mica_component_kind kind = component(out, row)->kind;
    return row == 0 && kind == MICA_COMPONENT_SOFTWARE ? "application" : kinds[kind].type;
}

static json_t *hashes(struct mica_sbom_out *out, const char *hex)
{
    json_t *list = mica_sbom_array(out), *hash = mica_sbom_object(out);
    mica_sbom_set_text(out, hash, "alg", "SHA-256");
    mica_sbom_set_text(out, hash, "content", hex);
    mica_sbom_add(out, list, hash);
    return list;
}

static json_t *named(struct mica_sbom_out *out, const char *key, const char *text)
{
    json_t *object = mica_sbom_object(out);
    mica_sbom_set_text(out, object, key, text);
    return object;
}

/* ---- licences ---- */

static void add_licence(struct mica_sbom_out *out, json_t *list, int64_t row, const struct mica_terms *terms,
                        const char *acknowledgement)
{
    if (terms->kind == MICA_TERMS_NONE)
        return;
    json_t *entry = mica_sbom_object(out), *licence = entry;
    if (terms->kind == MICA_TERMS_EXPRESSION) {
        mica_sbom_set_text(out, entry, "expression", terms->text);
    } else {
        licence = named(out, terms->kind == MICA_TERMS_ID ? "id" : "name", terms->text);
        if (terms->kind != MICA_TERMS_ID)
            mica_sbom_set_text(out, licence, "url", mica_sbom_location(out, row));
    }
    mica_sbom_set_text(out, licence, "acknowledgement", acknowledgement);
    if (licence != entry)
        mica_sbom_set(out, entry, "license", licence);
    mica_sbom_add(out, list, entry);
}

/* 1.6 takes either single licences or one expression: then the conclusion goes first, and the declaration is
 * among the properties, as it always is in the words of whoever declared it. */
static void set_licences(struct mica_sbom_out *out, json_t *object, int64_t row)
{
    struct mica_terms declared, concluded;
    json_t *list = mica_sbom_array(out);
    mica_terms_declared(component(out, row), &declared);
    mica_terms_concluded(component(out, row), &concluded);
    bool one = strcmp(out->in->spec, "1.6") == 0 &&
               (declared.kind == MICA_TERMS_EXPRESSION || concluded.kind == MICA_TERMS_EXPRESSION);
    if (!one || concluded.kind == MICA_TERMS_NONE)
        add_licence(out, list, row, &declared, "declared");
    add_licence(out, list, row, &concluded, "concluded");
    mica_sbom_set_list(out, object, "licenses", list);
}

/* ---- model cards ---- */

static void set_formats(struct mica_sbom_out *out, json_t *object, const char *key, const char *format)
{
    json_t *list = mica_sbom_array(out);
    mica_sbom_add(out, list, named(out, "format", format));
    mica_sbom_set(out, object, key, list);
}

static json_t *dataset_refs(struct mica_sbom_out *out, int64_t row)
{
    json_t *list = mica_sbom_array(out);
    for (int64_t i = 1; i < out->in->closure->n; i++)
        if (component(out, i)->kind == MICA_COMPONENT_DATASET && mica_sbom_parent(out, i) == row)
            mica_sbom_add(out, list, named(out, "ref", mica_sbom_ref(out, i)));
    return list;
}

static json_t *model_parameters(struct mica_sbom_out *out, int64_t row)
{
    static const char *const task_keys[] = {"pipeline_tag", "task", NULL},
                             *const approach_keys[] = {"approach", NULL},
                             *const architecture_keys[] = {"architecture", NULL},
                             *const family_keys[] = {"architecture_family", NULL};
    const struct mica_sbom_facts *facts = row ? NULL : out->in->facts;
    const char *task = mica_sbom_card_text(out, row, task_keys),
               *approach = mica_sbom_card_text(out, row, approach_keys),
               *architecture = mica_sbom_card_text(out, row, architecture_keys),
               *family = mica_sbom_card_text(out, row, family_keys);
    json_t *parameters = mica_sbom_object(out);
    mica_sbom_set(out, parameters, "approach", named(out, "type", approach ? approach : "self-supervised"));
    mica_sbom_set_text(out, parameters, "task", task ? task : "text-generation");
    mica_sbom_set_text(out, parameters, "architectureFamily", family ? family : "transformer");
    mica_sbom_set_text(out, parameters, "modelArchitecture",
                       facts && facts->architecture ? facts->architecture : architecture);
    mica_sbom_set_list(out, parameters, "datasets", dataset_refs(out, row));
    set_formats(out, parameters, "inputs", "text");
    set_formats(out, parameters, "outputs", "text");
    return parameters;
}

static json_t *limitations(struct mica_sbom_out *out, int64_t row)
{
    static const char *const keys[] = {"limitations", NULL};
    const struct mica_sbom_facts *facts = row ? NULL : out->in->facts;
    json_t *list = mica_sbom_card_texts(out, row, keys);
    if (facts && facts->n_ctx > 0)
        mica_sbom_add(out, list,
                      mica_sbom_string(out, mica_sbom_printf(out, "at most %lld tokens of context",
                                                             (long long)facts->n_ctx)));
    if (facts && facts->quantization && *facts->quantization)
        mica_sbom_add(
            out, list,
            mica_sbom_string(out, mica_sbom_printf(out, "weights are stored as %s", facts->quantization)));
    if (!json_array_size(list))
        mica_sbom_add(out, list, mica_sbom_string(out, "not stated"));
    return list;
}

static json_t *considerations(struct mica_sbom_out *out, int64_t row)
{
    static const char *const use_keys[] = {"use_cases", "intended_use", NULL},
                             *const user_keys[] = {"users", NULL},
                             *const risk_keys[] = {"ethical_considerations", "risks", NULL};
    json_t *object = mica_sbom_object(out), *uses = mica_sbom_card_texts(out, row, use_keys),
           *risks = mica_sbom_card_texts(out, row, risk_keys), *list = mica_sbom_array(out);
    if (!json_array_size(uses))
        mica_sbom_add(out, uses, mica_sbom_string(out, "not stated"));
    for (size_t i = 0; i < json_array_size(risks); i++)
        mica_sbom_add(out, list, named(out, "name", json_string_value(json_array_get(risks, i))));
    if (!json_array_size(list))
        mica_sbom_add(out, list, named(out, "name", "not stated"));
    json_decref(risks);
    mica_sbom_set_list(out, object, "users", mica_sbom_card_texts(out, row, user_keys));
    mica_sbom_set(out, object, "useCases", uses);
    mica_sbom_set(out, object, "technicalLimitations", limitations(out, row));
    mica_sbom_set(out, object, "ethicalConsiderations", list);
    return object;
}

static json_t *model_card(struct mica_sbom_out *out, int64_t row)
{
    json_t *card = named(out, "bom-ref", mica_sbom_printf(out, "card:%lld", (long long)row)),
           *metrics = mica_sbom_card_metrics(out, row);
    mica_sbom_set(out, card, "modelParameters", model_parameters(out, row));
    if (json_array_size(metrics)) {
        json_t *analysis = mica_sbom_object(out);
        mica_sbom_set(out, analysis, "performanceMetrics", metrics);
        mica_sbom_set(out, card, "quantitativeAnalysis", analysis);
    } else {
        json_decref(metrics);
    }
    mica_sbom_set(out, card, "considerations", considerations(out, row));
    return card;
}

/* ---- components ---- */

static const char *sensitive_text(const struct mica_sbom_out *out, int64_t row)
{
    int sensitive = mica_sbom_card_switch(out, row, "sensitive_data"),
        personal = mica_sbom_card_switch(out, row, "personal_data");
    return personal == 1    ? "personal data"
           : sensitive == 1 ? "sensitive data"
           : sensitive == 0 ? "none"
                            : "not stated";
}

static json_t *data_entry(struct mica_sbom_out *out, int64_t row)
{
    static const char *const class_keys[] = {"classification", NULL}, *const sensitive_keys[] = {
                                                                          "sensitive", "sensitive_data",
                                                                          NULL};
    const struct mica_component *c = component(out, row);
    const char *classification = mica_sbom_card_text(out, row, class_keys),
               *owner = mica_sbom_supplier(out, row);
    json_t *entry = named(out, "type", kinds[c->kind].data),
           *sensitive = mica_sbom_card_texts(out, row, sensitive_keys), *owners = mica_sbom_array(out),
           *party = mica_sbom_object(out), *governance = mica_sbom_object(out),
           *contents = mica_sbom_object(out), *list = mica_sbom_array(out);
    if (!json_array_size(sensitive))
        mica_sbom_add(out, sensitive, mica_sbom_string(out, sensitive_text(out, row)));
    mica_sbom_set_text(out, entry, "name", mica_sbom_name(out, row));
    mica_sbom_set_text(out, contents, "url", mica_sbom_location(out, row));
    mica_sbom_set(out, entry, "contents", contents);
    mica_sbom_set_text(out, entry, "classification", classification ? classification : "not stated");
    mica_sbom_set(out, entry, "sensitiveData", sensitive);
    mica_sbom_set(out, party, "organization", named(out, "name", owner ? owner : "not stated"));
    mica_sbom_add(out, owners, party);
    mica_sbom_set(out, governance, "owners", owners);
    mica_sbom_set(out, entry, "governance", governance);
    mica_sbom_add(out, list, entry);
    return list;
}

static json_t *ancestors(struct mica_sbom_out *out, int64_t row)
{
    json_t *list = mica_sbom_array(out);
    const struct mica_components *closure = out->in->closure;
    for (int64_t i = 1; i < closure->n; i++) {
        bool is_base = closure->relations[i] == MICA_RELATION_BASE && mica_sbom_parent(out, i) == row,
             adapts = component(out, row)->kind == MICA_COMPONENT_ADAPTER && i == mica_sbom_parent(out, row);
        if (!is_base && !adapts)
            continue;
        json_t *base = named(out, "type", kinds[component(out, i)->kind].type);
        mica_sbom_set_text(out, base, "name", mica_sbom_name(out, i));
        mica_sbom_set_text(out, base, "version", mica_sbom_version(out, i));
        mica_sbom_add(out, list, base);
    }
    return list;
}

static void add_reference(struct mica_sbom_out *out, json_t *list, const char *type, const char *url,
                          const char *hex)
{
    json_t *reference = named(out, "type", type);
    mica_sbom_set_text(out, reference, "url", url);
    if (mica_sbom_is_digest(hex))
        mica_sbom_set(out, reference, "hashes", hashes(out, hex));
    mica_sbom_add(out, list, reference);
}

static json_t *references(struct mica_sbom_out *out, int64_t row)
{
    const struct mica_component *c = component(out, row);
    json_t *list = mica_sbom_array(out);
    const struct {
        const char *type, *digest;
    } texts[] = {
        {"evidence", c->licence_digest}, {"model-card", c->card_digest}, {"documentation", c->policy_digest}};
    add_reference(out, list, "distribution", mica_sbom_location(out, row), NULL);
    for (size_t i = 0; i < MICA_COUNT(texts); i++)
        if (mica_sbom_is_digest(texts[i].digest))
            add_reference(out, list, texts[i].type, mica_sbom_printf(out, "urn:sha256:%s", texts[i].digest),
                          texts[i].digest);
    return list;
}

/* What was done to a dataset, in the words of its card. */
static void dataset_properties(struct mica_sbom_out *out, int64_t row, json_t *list)
{
    static const char *const keys[] = {"filters",    "sampling",     "cleaning", "languages",
                                       "modalities", "derived_from", "examples", "tokens",
                                       "synthetic",  "consent",      "opt_out",  "collected"};
    for (size_t i = 0; i < MICA_COUNT(keys); i++) {
        const char *const one[] = {keys[i], NULL};
        mica_sbom_property(out, list, mica_sbom_printf(out, "mica:dataset:%s", keys[i]),
                           mica_sbom_card_joined(out, row, one));
    }
}

static json_t *properties(struct mica_sbom_out *out, int64_t row)
{
    const struct mica_component *c = component(out, row);
    const struct mica_sbom_facts *facts = row ? NULL : out->in->facts;
    json_t *list = mica_sbom_array(out);
    mica_sbom_property(out, list, "mica:kind",
                       kinds[c->kind].data                 ? NULL
                       : c->kind == MICA_COMPONENT_ADAPTER ? "adapter"
                                                           : NULL);
    mica_sbom_property(out, list, "mica:source", c->source);
    mica_sbom_property(out, list, "mica:revision", c->revision);
    mica_sbom_property(out, list, "mica:registered", c->time);
    mica_sbom_property(out, list, "mica:licence:card", c->declared_card);
    mica_sbom_property(out, list, "mica:licence:file-key", c->declared_key);
    mica_sbom_property(out, list, "mica:licence:file", c->declared_file);
    mica_sbom_property(out, list, "mica:template:sha256", c->template_digest);
    mica_sbom_property(out, list, "mica:drift", c->drift);
    mica_sbom_property(out, list, "mica:notes", c->notes);
    if (c->size > 0)
        mica_sbom_property(out, list, "mica:size", mica_sbom_printf(out, "%lld", (long long)c->size));
    if (c->kind == MICA_COMPONENT_DATASET)
        dataset_properties(out, row, list);
    if (row)
        return list;
    if (out->in->manifest)
        mica_sbom_property(out, list, "mica:manifest:sha256", c->digest);
    mica_sbom_property(out, list, "mica:rights:verdict", out->in->verdict);
    mica_sbom_property(out, list, "mica:openness", out->in->openness);
    if (facts) {
        mica_sbom_property(out, list, "mica:quantization", facts->quantization);
        mica_sbom_property(out, list, "mica:tokenizer", facts->tokenizer);
        const struct {
            const char *name;
            int64_t value;
        } numbers[] = {{"mica:parameters", facts->n_parameters},
                       {"mica:context-length", facts->n_ctx},
                       {"mica:layers", facts->n_layers},
                       {"mica:embedding-length", facts->d_model},
                       {"mica:heads", facts->n_heads},
                       {"mica:kv-heads", facts->n_kv_heads},
                       {"mica:feed-forward-length", facts->d_ff},
                       {"mica:vocabulary", facts->n_vocab}};
        for (size_t i = 0; i < MICA_COUNT(numbers); i++)
            if (numbers[i].value > 0)
                mica_sbom_property(out, list, numbers[i].name,
                                   mica_sbom_printf(out, "%lld", (long long)numbers[i].value));
    }
    return list;
}

static bool is_mime_type(const char *text)
{
    size_t a = strspn(text, "-+abcdefghijklmnopqrstuvwxyz0123456789.");
    return a && text[a] == '/' && text[a + 1] &&
           !text[a + 1 + strspn(text + a + 1, "-+abcdefghijklmnopqrstuvwxyz0123456789.")];
}

/* The files of the described model. */
static json_t *files(struct mica_sbom_out *out)
{
    const struct mica_manifest *manifest = out->in->manifest;
    json_t *list = mica_sbom_array(out);
    for (int64_t i = 0; manifest && i < manifest->n_layers; i++) {
        const struct mica_layer *layer = &manifest->layers[i];
        char hex[MICA_DIGEST_HEX];
        json_t *file = named(out, "type", "file"), *list_of = mica_sbom_array(out);
        mica_digest_hex(&layer->digest, hex);
        if (is_mime_type(layer->media_type))
            mica_sbom_set_text(out, file, "mime-type", layer->media_type);
        mica_sbom_set_text(out, file, "bom-ref", mica_sbom_layer_ref(out, i));
        mica_sbom_set_text(out, file, "name", mica_sbom_layer_title(out, i));
        mica_sbom_set(out, file, "hashes", hashes(out, hex));
        mica_sbom_property(out, list_of, "mica:size",
                           mica_sbom_printf(out, "%llu", (unsigned long long)layer->size));
        mica_sbom_set(out, file, "properties", list_of);
        mica_sbom_add(out, list, file);
    }
    return list;
}

static json_t *row_component(struct mica_sbom_out *out, int64_t row)
{
    const struct mica_component *c = component(out, row);
    const struct mica_layer *weights = row ? NULL : mica_sbom_weights(out);
    const char *supplier = mica_sbom_supplier(out, row), *digest = c->digest;
    char hex[MICA_DIGEST_HEX];
    json_t *object = named(out, "type", type_of(out, row));
    if (weights) {
        mica_digest_hex(&weights->digest, hex);
        digest = hex;
    }
    mica_sbom_set_text(out, object, "bom-ref", mica_sbom_ref(out, row));
    if (supplier)
        mica_sbom_set(out, object, "supplier", named(out, "name", supplier));
    mica_sbom_set_text(out, object, "name", mica_sbom_name(out, row));
    mica_sbom_set_text(out, object, "version", mica_sbom_version(out, row));
    if (mica_sbom_is_digest(digest))
        mica_sbom_set(out, object, "hashes", hashes(out, digest));
    set_licences(out, object, row);
    json_t *bases = ancestors(out, row);
    if (json_array_size(bases)) {
        json_t *pedigree = mica_sbom_object(out);
        mica_sbom_set(out, pedigree, "ancestors", bases);
        mica_sbom_set(out, object, "pedigree", pedigree);
    } else {
        json_decref(bases);
    }
    mica_sbom_set(out, object, "externalReferences", references(out, row));
    if (row == 0)
        mica_sbom_set_list(out, object, "components", files(out));
    if (strcmp(kinds[c->kind].type, "machine-learning-model") == 0)
        mica_sbom_set(out, object, "modelCard", model_card(out, row));
    if (kinds[c->kind].data)
        mica_sbom_set(out, object, "data", data_entry(out, row));
    mica_sbom_set_list(out, object, "properties", properties(out, row));
    return object;
}

/* The chat template, where the register has no row of its own for it: the digest of what the model runs with.
 */
static json_t *template_component(struct mica_sbom_out *out)
{
    const struct mica_components *closure = out->in->closure;
    if (!mica_sbom_is_digest(closure->rows[0].template_digest))
        return NULL;
    for (int64_t i = 1; i < closure->n; i++)
        if (closure->rows[i].kind == MICA_COMPONENT_TEMPLATE)
            return NULL;
    json_t *object = named(out, "type", "file");
    mica_sbom_set_text(out, object, "bom-ref", "template");
    mica_sbom_set_text(out, object, "name", "chat template");
    mica_sbom_set(out, object, "hashes", hashes(out, closure->rows[0].template_digest));
    return object;
}

/* ---- the document ---- */

static json_t *metadata(struct mica_sbom_out *out, const char *root)
{
    json_t *object = named(out, "timestamp", out->time), *phases = mica_sbom_array(out),
           *tools = mica_sbom_object(out), *list = mica_sbom_array(out),
           *tool = named(out, "type", "application"), *subject = named(out, "type", type_of(out, 0));
    mica_sbom_add(out, phases, named(out, "phase", "operations"));
    mica_sbom_set(out, object, "lifecycles", phases);
    mica_sbom_set_text(out, tool, "name", "mica");
    mica_sbom_set_text(out, tool, "version", MICA_VERSION);
    mica_sbom_add(out, list, tool);
    mica_sbom_set(out, tools, "components", list);
    mica_sbom_set(out, object, "tools", tools);
    mica_sbom_set_text(out, subject, "bom-ref", root);
    mica_sbom_set_text(out, subject, "name", mica_sbom_name(out, 0));
    mica_sbom_set_text(out, subject, "version", mica_sbom_version(out, 0));
    set_licences(out, subject, 0);
    mica_sbom_set(out, object, "component", subject);
    return object;
}

static void add_dependency(struct mica_sbom_out *out, json_t *list, const char *ref, json_t *depends_on)
{
    json_t *object = named(out, "ref", ref);
    mica_sbom_set_list(out, object, "dependsOn", depends_on);
    mica_sbom_add(out, list, object);
}

/* Who needs whom: a model its bases, data, tokenizer and template; an adapter the model it is for. The whole
 * needs the model and its adapters. */
static json_t *dependencies(struct mica_sbom_out *out, const char *root, bool has_template)
{
    const struct mica_components *closure = out->in->closure;
    json_t *list = mica_sbom_array(out), *whole = mica_sbom_array(out);
    mica_sbom_add(out, whole, mica_sbom_string(out, mica_sbom_ref(out, 0)));
    for (int64_t i = 1; i < closure->n; i++)
        if (closure->relations[i] == MICA_RELATION_ADAPTER && mica_sbom_parent(out, i) == 0)
            mica_sbom_add(out, whole, mica_sbom_string(out, mica_sbom_ref(out, i)));
    add_dependency(out, list, root, whole);
    for (int64_t row = 0; row < closure->n; row++) {
        json_t *needs = mica_sbom_array(out);
        if (row && closure->relations[row] == MICA_RELATION_ADAPTER)
            mica_sbom_add(out, needs, mica_sbom_string(out, mica_sbom_ref(out, mica_sbom_parent(out, row))));
        for (int64_t i = 1; i < closure->n; i++)
            if (i != row && mica_sbom_parent(out, i) == row && closure->relations[i] != MICA_RELATION_ADAPTER)
                mica_sbom_add(out, needs, mica_sbom_string(out, mica_sbom_ref(out, i)));
        if (row == 0 && has_template)
            mica_sbom_add(out, needs, mica_sbom_string(out, "template"));
        add_dependency(out, list, mica_sbom_ref(out, row), needs);
    }
    return list;
}

json_t *mica_sbom_cyclonedx(struct mica_sbom_out *out)
{
    const char *spec = out->in->spec, *root = "bom";
    json_t *document = mica_sbom_object(out), *components = mica_sbom_array(out);
    mica_sbom_set_text(out, document, "$schema",
                       mica_sbom_printf(out, "http://cyclonedx.org/schema/bom-%s.schema.json", spec));
    mica_sbom_set_text(out, document, "bomFormat", "CycloneDX");
    mica_sbom_set_text(out, document, "specVersion", spec);
    mica_sbom_set_text(out, document, "serialNumber", mica_sbom_printf(out, "urn:uuid:%s", out->uuid));
    mica_sbom_set(out, document, "version", json_integer(1));
    mica_sbom_set(out, document, "metadata", metadata(out, root));
    for (int64_t i = 0; i < out->in->closure->n; i++)
        mica_sbom_add(out, components, row_component(out, i));
    json_t *template = template_component(out);
    if (template)
        mica_sbom_add(out, components, template);
    mica_sbom_set(out, document, "components", components);
    mica_sbom_set(out, document, "dependencies", dependencies(out, root, template));
    return document;
}
