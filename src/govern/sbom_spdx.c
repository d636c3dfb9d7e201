/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* SPDX 3.0.1 as JSON-LD: profiles core, software, AI, dataset, simple and expanded licensing. */
#include "govern/sbom_internal.h"

#include <string.h>

/* A document being gathered: its elements, by id. */
struct graph {
    struct mica_sbom_out *out;
    json_t *elements, *ids;
    const char *base;
    int64_t n_relations;
};

static const struct mica_component *component(const struct graph *g, int64_t row)
{
    return &g->out->in->closure->rows[row];
}

/* Blank node: the one CreationInfo of all elements. */
static const char creation[] = "_:creation";
static const char no_licence[] = "https://spdx.org/rdf/3.0.1/terms/ExpandedLicensing/NoAssertionLicense";

static const char *id_of(struct graph *g, const char *local)
{
    return local ? mica_sbom_printf(g->out, "%s%s", g->base, local) : NULL;
}

static json_t *element(struct graph *g, const char *type, const char *id)
{
    json_t *object = mica_sbom_object(g->out);
    mica_sbom_set_text(g->out, object, "type", type);
    mica_sbom_set_text(g->out, object, "spdxId", id);
    mica_sbom_set_text(g->out, object, "creationInfo", creation);
    mica_sbom_add(g->out, g->elements, object);
    if (id)
        mica_sbom_add(g->out, g->ids, mica_sbom_string(g->out, id));
    return object;
}

static void set_texts(struct graph *g, json_t *object, const char *key, const char *text)
{
    if (!text || !*text)
        return;
    json_t *list = mica_sbom_array(g->out);
    mica_sbom_add(g->out, list, mica_sbom_string(g->out, text));
    mica_sbom_set(g->out, object, key, list);
}

static void relate(struct graph *g, const char *from, const char *type, const char *to)
{
    const char *id = id_of(g, mica_sbom_printf(g->out, "relation:%lld", (long long)g->n_relations++));
    json_t *object = element(g, "Relationship", id);
    mica_sbom_set_text(g->out, object, "from", from);
    mica_sbom_set_text(g->out, object, "relationshipType", type);
    set_texts(g, object, "to", to);
}

static bool has_element(const struct graph *g, const char *id)
{
    for (size_t i = 0; i < json_array_size(g->ids); i++) {
        const char *other = json_string_value(json_array_get(g->ids, i));
        if (other && strcmp(other, id) == 0)
            return true;
    }
    return false;
}

static const char *escaped_id(struct graph *g, const char *kind, const char *text)
{
    const char *uri = mica_sbom_uri(g->out, mica_sbom_printf(g->out, "x:%s", text));
    struct mica_buf buf = {0};
    mica_buf_printf(&buf, "%s:", kind);
    for (const char *s = uri ? uri + 2 : ""; *s; s++)
        mica_buf_puts(&buf, *s == '#' ? "%23" : (char[]){*s, 0});
    const char *copy = buf.failed ? NULL : id_of(g, mica_sbom_printf(g->out, "%s", buf.data));
    mica_buf_release(&buf);
    return copy;
}

/* The organisation called name, once. */
static const char *agent(struct graph *g, const char *name)
{
    const char *id = escaped_id(g, "agent", name ? name : "not-stated");
    if (id && !has_element(g, id)) {
        json_t *object = element(g, "Organization", id);
        mica_sbom_set_text(g->out, object, "name", name ? name : "NOASSERTION");
        if (!name)
            mica_sbom_set_text(g->out, object, "comment", "Nobody is stated as the supplier.");
    }
    return id;
}

/* ---- licences ---- */

/* The text behind a LicenseRef, once. */
static const char *licence_text(struct graph *g, const char *ref, int64_t row)
{
    const char *const *texts = g->out->in->texts;
    const char *id = id_of(g, mica_sbom_printf(g->out, "text:%s", ref));
    const char *text = texts && texts[row] && *texts[row] ? texts[row] : NULL;
    if (id && !has_element(g, id)) {
        json_t *object = element(g, "simplelicensing_SimpleLicensingText", id);
        mica_sbom_set_text(g->out, object, "name", ref);
        mica_sbom_set_text(g->out, object, "simplelicensing_licenseText",
                           text ? text : "The text was not seen; only its name was stated.");
    }
    return id;
}

/* Maps every LicenseRef of an expression to the element that holds its text. */
static void set_custom_ids(struct graph *g, json_t *licence, const char *expression, int64_t row)
{
    json_t *list = mica_sbom_array(g->out);
    for (const char *s = expression; (s = strstr(s, "LicenseRef-"));) {
        size_t len = strcspn(s, " ()+");
        const char *ref = mica_sbom_printf(g->out, "%.*s", (int)len, s);
        json_t *entry = mica_sbom_object(g->out);
        mica_sbom_set_text(g->out, entry, "type", "DictionaryEntry");
        mica_sbom_set_text(g->out, entry, "key", ref);
        mica_sbom_set_text(g->out, entry, "value", ref ? licence_text(g, ref, row) : NULL);
        mica_sbom_add(g->out, list, entry);
        s += len;
    }
    mica_sbom_set_list(g->out, licence, "simplelicensing_customIdToUri", list);
}

static const char *licence(struct graph *g, const struct mica_terms *terms, int64_t row)
{
    char ref[sizeof terms->text + 32];
    const char *expression = terms->text;
    if (terms->kind == MICA_TERMS_NONE)
        return no_licence;
    if (terms->kind == MICA_TERMS_OTHER) { /* words that are no expression: a name of our own for them */
        struct mica_digest digest;
        char hex[MICA_DIGEST_HEX];
        if (!mica_sha256(terms->text, strlen(terms->text), &digest))
            g->out->failed = true;
        mica_digest_hex(&digest, hex);
        snprintf(ref, sizeof ref, "LicenseRef-stated-%.16s", hex);
        expression = ref;
    }
    const char *id = escaped_id(g, "licence", expression);
    if (id && !has_element(g, id)) {
        json_t *object = element(g, "simplelicensing_LicenseExpression", id);
        mica_sbom_set_text(g->out, object, "simplelicensing_licenseExpression", expression);
        if (terms->kind == MICA_TERMS_OTHER)
            mica_sbom_set_text(g->out, object, "comment",
                               mica_sbom_printf(g->out, "Stated as: %s", terms->text));
        set_custom_ids(g, object, expression, row);
    }
    return id;
}

static void relate_licences(struct graph *g, const char *id, int64_t row)
{
    struct mica_terms declared, concluded;
    mica_terms_declared(component(g, row), &declared);
    mica_terms_concluded(component(g, row), &concluded);
    relate(g, id, "hasDeclaredLicense", licence(g, &declared, row));
    relate(g, id, "hasConcludedLicense", licence(g, &concluded, row));
}

/* ---- packages and files ---- */

static void set_hash(struct graph *g, json_t *object, const char *hex)
{
    if (!mica_sbom_is_digest(hex))
        return;
    json_t *list = mica_sbom_array(g->out), *hash = mica_sbom_object(g->out);
    mica_sbom_set_text(g->out, hash, "type", "Hash");
    mica_sbom_set_text(g->out, hash, "algorithm", "sha256");
    mica_sbom_set_text(g->out, hash, "hashValue", hex);
    mica_sbom_add(g->out, list, hash);
    mica_sbom_set(g->out, object, "verifiedUsing", list);
}

static bool is_time(const char *text)
{
    static const char shape[] = "0000-00-00T00:00:00Z";
    if (!text || strlen(text) != sizeof shape - 1)
        return false;
    for (size_t i = 0; shape[i]; i++)
        if (shape[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i])
            return false;
    return true;
}

/* A time of the card; where it states none, the time of registration, by which the thing was there. */
static void set_time(struct graph *g, json_t *object, int64_t row, const char *key, const char *const *keys,
                     const char **comment)
{
    const char *text = mica_sbom_card_text(g->out, row, keys);
    if (text && strlen(text) == 10) /* a day */
        text = mica_sbom_printf(g->out, "%sT00:00:00Z", text);
    if (!is_time(text)) {
        *comment = mica_sbom_printf(g->out, "%s%s is not stated; given is the time of registration.",
                                    *comment ? mica_sbom_printf(g->out, "%s ", *comment) : "", key);
        text = is_time(component(g, row)->time) ? component(g, row)->time : g->out->time;
    }
    mica_sbom_set_text(g->out, object, key, text);
}

static void add_entry(struct graph *g, json_t *list, const char *key, const char *value)
{
    if (!key || !value || !*value)
        return;
    json_t *entry = mica_sbom_object(g->out);
    mica_sbom_set_text(g->out, entry, "type", "DictionaryEntry");
    mica_sbom_set_text(g->out, entry, "key", key);
    mica_sbom_set_text(g->out, entry, "value", value);
    mica_sbom_add(g->out, list, entry);
}

static json_t *hyperparameters(struct graph *g)
{
    const struct mica_sbom_facts *facts = g->out->in->facts;
    json_t *list = mica_sbom_array(g->out);
    if (!facts)
        return list;
    const struct {
        const char *key;
        int64_t value;
    } numbers[] = {{"parameters", facts->n_parameters},
                   {"context_length", facts->n_ctx},
                   {"layers", facts->n_layers},
                   {"embedding_length", facts->d_model},
                   {"heads", facts->n_heads},
                   {"kv_heads", facts->n_kv_heads},
                   {"feed_forward_length", facts->d_ff},
                   {"vocabulary", facts->n_vocab}};
    for (size_t i = 0; i < MICA_COUNT(numbers); i++)
        if (numbers[i].value > 0)
            add_entry(g, list, numbers[i].key, mica_sbom_printf(g->out, "%lld", (long long)numbers[i].value));
    add_entry(g, list, "quantization", facts->quantization);
    add_entry(g, list, "tokenizer", facts->tokenizer);
    return list;
}

static void add_model_facts(struct graph *g, json_t *object, int64_t row)
{
    static const char *const task_keys[] = {"pipeline_tag", "task", NULL},
                             *const limit_keys[] = {"limitations", NULL},
                             *const training_keys[] = {"training", "training_data", NULL},
                             *const use_keys[] = {"use_cases", "intended_use", NULL};
    struct mica_sbom_out *out = g->out;
    const char *task = mica_sbom_card_text(out, row, task_keys);
    json_t *metrics = mica_sbom_card_metrics(out, row), *list = mica_sbom_array(out);
    for (size_t i = 0; i < json_array_size(metrics); i++) {
        const json_t *metric = json_array_get(metrics, i);
        const char *type = json_string_value(json_object_get(metric, "type")),
                   *slice = json_string_value(json_object_get(metric, "slice"));
        add_entry(g, list, slice ? mica_sbom_printf(out, "%s (%s)", type, slice) : type,
                  json_string_value(json_object_get(metric, "value")));
    }
    json_decref(metrics);
    set_texts(g, object, "ai_domain", task ? task : "text-generation");
    set_texts(g, object, "ai_typeOfModel",
              row == 0 && out->in->facts && out->in->facts->architecture ? out->in->facts->architecture
                                                                         : "transformer");
    mica_sbom_set_list(out, object, "ai_metric", list);
    if (row == 0)
        mica_sbom_set_list(out, object, "ai_hyperparameter", hyperparameters(g));
    mica_sbom_set_text(out, object, "ai_limitation", mica_sbom_card_text(out, row, limit_keys));
    mica_sbom_set_text(out, object, "ai_informationAboutTraining",
                       mica_sbom_card_text(out, row, training_keys));
    mica_sbom_set_text(out, object, "ai_informationAboutApplication",
                       mica_sbom_card_text(out, row, use_keys));
    mica_sbom_set_text(out, object, "ai_useSensitivePersonalInformation", "noAssertion");
}

/* The card's word for a kind of data, if SPDX has it. */
static const char *dataset_type(const char *stated)
{
    static const char *const types[] = {"audio",      "categorical", "graph",      "image",     "numeric",
                                        "other",      "sensor",      "structured", "syntactic", "text",
                                        "timeseries", "timestamp",   "video"};
    for (size_t i = 0; stated && i < MICA_COUNT(types); i++)
        if (strcmp(stated, types[i]) == 0)
            return types[i];
    return "noAssertion";
}

static void add_dataset_facts(struct graph *g, json_t *object, int64_t row, const char **comment)
{
    static const char *const built_keys[] = {"built", "collected", NULL},
                             *const type_keys[] = {"type", "modalities", NULL},
                             *const process_keys[] = {"filters", NULL},
                             *const cleaning_keys[] = {"cleaning", NULL}, *const bias_keys[] = {"bias", NULL},
                             *const use_keys[] = {"intended_use", NULL};
    struct mica_sbom_out *out = g->out;
    const char *cleaning = mica_sbom_card_joined(out, row, cleaning_keys);
    set_time(g, object, row, "builtTime", built_keys, comment);
    set_texts(g, object, "originatedBy", agent(g, mica_sbom_supplier(out, row)));
    set_texts(g, object, "dataset_datasetType", dataset_type(mica_sbom_card_text(out, row, type_keys)));
    mica_sbom_set_text(out, object, "dataset_dataCollectionProcess",
                       mica_sbom_card_joined(out, row, process_keys));
    set_texts(g, object, "dataset_dataPreprocessing", cleaning);
    set_texts(g, object, "dataset_knownBias", mica_sbom_card_text(out, row, bias_keys));
    mica_sbom_set_text(out, object, "dataset_intendedUse", mica_sbom_card_text(out, row, use_keys));
    int personal = mica_sbom_card_switch(out, row, "personal_data");
    mica_sbom_set_text(out, object, "dataset_hasSensitivePersonalInformation",
                       personal == 1   ? "yes"
                       : personal == 0 ? "no"
                                       : "noAssertion");
    if (component(g, row)->size > 0)
        mica_sbom_set(out, object, "dataset_datasetSize", json_integer(component(g, row)->size));
}

/* What a row is in SPDX. */
static const struct {
    const char *type, *purpose;
    bool package;
} kinds[] = {
    [MICA_COMPONENT_MODEL] = {"ai_AIPackage", "model", true},
    [MICA_COMPONENT_ADAPTER] = {"ai_AIPackage", "model", true},
    [MICA_COMPONENT_TOKENIZER] = {"software_File", "configuration", false},
    [MICA_COMPONENT_TEMPLATE] = {"software_File", "configuration", false},
    [MICA_COMPONENT_DATASET] = {"dataset_DatasetPackage", "data", true},
    [MICA_COMPONENT_SOFTWARE] = {"software_Package", "library", true},
};

static const char *add_verdicts(struct graph *g, const char *comment)
{
    struct mica_sbom_out *out = g->out;
    const struct mica_sbom_input *in = out->in;
    if (in->verdict)
        comment = mica_sbom_printf(out, "%s%sRights by this project's policy: %s.", comment ? comment : "",
                                   comment ? " " : "", in->verdict);
    if (in->openness)
        comment = mica_sbom_printf(out, "%s%sOpenness: %s.", comment ? comment : "", comment ? " " : "",
                                   in->openness);
    return comment;
}

static void add_row(struct graph *g, int64_t row, const char *id)
{
    static const char *const released_keys[] = {"released", "release_date", NULL};
    struct mica_sbom_out *out = g->out;
    const struct mica_component *c = component(g, row);
    const struct mica_layer *weights = row ? NULL : mica_sbom_weights(out);
    const char *comment = c->notes && *c->notes ? c->notes : NULL, *digest = c->digest;
    char hex[MICA_DIGEST_HEX];
    json_t *object = element(g, kinds[c->kind].type, id);
    if (weights) {
        mica_digest_hex(&weights->digest, hex);
        digest = hex;
    }
    mica_sbom_set_text(out, object, "name", mica_sbom_name(out, row));
    mica_sbom_set_text(out, object, "software_primaryPurpose",
                       row == 0 && c->kind == MICA_COMPONENT_SOFTWARE ? "application"
                                                                      : kinds[c->kind].purpose);
    set_hash(g, object, digest);
    if (kinds[c->kind].package) {
        mica_sbom_set_text(out, object, "software_packageVersion", mica_sbom_version(out, row));
        mica_sbom_set_text(out, object, "software_downloadLocation", mica_sbom_location(out, row));
        mica_sbom_set_text(out, object, "suppliedBy", agent(g, mica_sbom_supplier(out, row)));
        set_time(g, object, row, "releaseTime", released_keys, &comment);
    }
    if (c->kind == MICA_COMPONENT_MODEL || c->kind == MICA_COMPONENT_ADAPTER)
        add_model_facts(g, object, row);
    if (c->kind == MICA_COMPONENT_DATASET)
        add_dataset_facts(g, object, row, &comment);
    if (row == 0)
        comment = add_verdicts(g, comment);
    mica_sbom_set_text(out, object, "comment", comment);
    relate_licences(g, id, row);
}

/* The files of the described model, and its template where the register has no row for it. */
static void add_files(struct graph *g, const char *model)
{
    struct mica_sbom_out *out = g->out;
    const struct mica_manifest *manifest = out->in->manifest;
    const struct mica_components *closure = out->in->closure;
    bool has_template = !mica_sbom_is_digest(component(g, 0)->template_digest);
    char hex[MICA_DIGEST_HEX];
    for (int64_t i = 0; manifest && i < manifest->n_layers; i++) {
        const struct mica_layer *layer = &manifest->layers[i];
        bool is_weights = layer->kind == MICA_LAYER_MODEL || layer->kind == MICA_LAYER_FILE;
        const char *id = id_of(g, mica_sbom_layer_ref(out, i));
        json_t *object = element(g, "software_File", id);
        mica_digest_hex(&layer->digest, hex);
        mica_sbom_set_text(out, object, "name", mica_sbom_layer_title(out, i));
        mica_sbom_set_text(out, object, "software_primaryPurpose",
                           is_weights                          ? "model"
                           : layer->kind == MICA_LAYER_LICENSE ? "documentation"
                                                               : "configuration");
        set_hash(g, object, hex);
        relate(g, model, is_weights ? "hasDistributionArtifact" : "contains", id);
    }
    for (int64_t i = 1; i < closure->n; i++)
        has_template |= closure->rows[i].kind == MICA_COMPONENT_TEMPLATE;
    if (!has_template) {
        const char *id = id_of(g, "template");
        json_t *object = element(g, "software_File", id);
        mica_sbom_set_text(out, object, "name", "chat template");
        mica_sbom_set_text(out, object, "software_primaryPurpose", "configuration");
        set_hash(g, object, component(g, 0)->template_digest);
        relate(g, model, "contains", id);
    }
}

/* How a relation of the register is said in SPDX, and whether it goes the other way round. */
static const struct {
    const char *type;
    bool reversed;
} relations[] = {
    [MICA_RELATION_BASE] = {"descendantOf", false},    [MICA_RELATION_ADAPTER] = {"dependsOn", true},
    [MICA_RELATION_TRAINED_ON] = {"trainedOn", false}, [MICA_RELATION_TOKENIZER] = {"dependsOn", false},
    [MICA_RELATION_TEMPLATE] = {"dependsOn", false},   [MICA_RELATION_DEPENDS_ON] = {"dependsOn", false},
};

static void add_relations(struct graph *g, const char *const *ids)
{
    static const char *const keys[] = {"tested_on", NULL};
    const struct mica_components *closure = g->out->in->closure;
    for (int64_t i = 1; i < closure->n; i++) {
        const char *from = ids[mica_sbom_parent(g->out, i)], *to = ids[i];
        bool back = relations[closure->relations[i]].reversed;
        relate(g, back ? to : from, relations[closure->relations[i]].type, back ? from : to);
    }
    json_t *tests = mica_sbom_card_texts(g->out, 0, keys);
    for (size_t k = 0; k < json_array_size(tests); k++)
        for (int64_t i = 1; i < closure->n; i++)
            if (closure->rows[i].kind == MICA_COMPONENT_DATASET && closure->rows[i].name &&
                strcmp(closure->rows[i].name, json_string_value(json_array_get(tests, k))) == 0)
                relate(g, ids[0], "testedOn", ids[i]);
    json_decref(tests);
}

/* ---- the document ---- */

static void add_creation(struct graph *g)
{
    struct mica_sbom_out *out = g->out;
    json_t *info = mica_sbom_object(out);
    const char *maker = id_of(g, "maker"), *tool = id_of(g, "tool");
    mica_sbom_set_text(out, info, "type", "CreationInfo");
    mica_sbom_set_text(out, info, "@id", creation);
    mica_sbom_set_text(out, info, "specVersion", "3.0.1");
    mica_sbom_set_text(out, info, "created", out->time);
    set_texts(g, info, "createdBy", maker);
    set_texts(g, info, "createdUsing", tool);
    mica_sbom_add(out, g->elements, info);
    mica_sbom_set_text(out, element(g, "SoftwareAgent", maker), "name", "mica");
    mica_sbom_set_text(out, element(g, "Tool", tool), "name", "mica-" MICA_VERSION);
}

static void add_document(struct graph *g, const char *model)
{
    static const char *const profiles[] = {"core",    "software",        "ai",
                                           "dataset", "simpleLicensing", "expandedLicensing"};
    struct mica_sbom_out *out = g->out;
    const char *bom_id = id_of(g, "bom"), *document_id = id_of(g, "document");
    json_t *list = mica_sbom_array(out), *inside = json_copy(g->ids), *all;
    json_t *bom = element(g, "software_Sbom", bom_id);
    set_texts(g, bom, "rootElement", model);
    if (!inside)
        out->failed = true;
    mica_sbom_set(out, bom, "element", inside);
    set_texts(g, bom, "software_sbomType", "analyzed");
    all = json_copy(g->ids);
    json_t *document = element(g, "SpdxDocument", document_id);
    mica_sbom_set_text(out, document, "name",
                       mica_sbom_printf(out, "Bill of materials of %s", mica_sbom_name(out, 0)));
    set_texts(g, document, "rootElement", bom_id);
    if (!all)
        out->failed = true;
    mica_sbom_set(out, document, "element", all);
    for (size_t i = 0; i < MICA_COUNT(profiles); i++)
        mica_sbom_add(out, list, mica_sbom_string(out, profiles[i]));
    mica_sbom_set(out, document, "profileConformance", list);
}

json_t *mica_sbom_spdx(struct mica_sbom_out *out)
{
    struct graph g = {.out = out, .elements = mica_sbom_array(out), .ids = mica_sbom_array(out)};
    int64_t n = out->in->closure->n;
    const char **ids = mica_arena_alloc(&out->arena, (size_t)n, sizeof *ids);
    json_t *document = mica_sbom_object(out);
    g.base = mica_sbom_printf(out, "urn:uuid:%s#", out->uuid);
    if (!ids)
        out->failed = true;
    mica_sbom_set_text(out, document, "@context", "https://spdx.org/rdf/3.0.1/spdx-context.jsonld");
    if (!out->failed)
        add_creation(&g);
    for (int64_t i = 0; ids && !out->failed && i < n; i++) {
        ids[i] = id_of(&g, mica_sbom_ref(out, i));
        add_row(&g, i, ids[i]);
    }
    if (ids && !out->failed) {
        add_files(&g, ids[0]);
        add_relations(&g, ids);
        add_document(&g, ids[0]);
    }
    mica_sbom_set(out, document, "@graph", g.elements);
    json_decref(g.ids);
    return document;
}
