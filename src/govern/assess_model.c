/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Checks of a stored model: what the register, the manifest and the card say. */
#include "govern/assess_internal.h"
#include "govern/card.h"
#include "govern/identify.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct mica_component *row(const struct mica_assess *a)
{
    return &a->model->closure->rows[0];
}

static bool is_stated(const char *text)
{
    return text && *text;
}

/* ---- licence ---- */

void mica_check_model_terms(struct mica_assess *a)
{
    const struct mica_component *c = row(a);
    if (is_stated(c->concluded) && strncmp(c->concluded, "LicenseRef-modified-", 20) == 0)
        mica_found(a, MICA_MARK_POOR, "register", "the text is a changed one: %s", c->concluded);
    else if (is_stated(c->concluded) && is_stated(c->licence_digest))
        mica_found(a, MICA_MARK_GOOD, is_stated(c->declared_file) ? c->declared_file : "register",
                   "the whole text is %s", c->concluded);
    else if (is_stated(c->concluded) || is_stated(c->declared_card) || is_stated(c->declared_key))
        mica_found(a, MICA_MARK_PARTIAL, "register", "only stated, without its text: %s",
                   is_stated(c->concluded)       ? c->concluded
                   : is_stated(c->declared_card) ? c->declared_card
                                                 : c->declared_key);
    else
        mica_found(a, MICA_MARK_POOR, "register", "no licence is stated anywhere");
    if (a->model->verdict)
        mica_found(a, MICA_MARK_NOT_SEEN, "mica rights", "for what this project wants to do: %s",
                   a->model->verdict);
}

void mica_check_model_agreement(struct mica_assess *a)
{
    const struct mica_component *c = row(a);
    const char *const texts[] = {c->declared_card, c->declared_key, c->concluded};
    char ids[3][128] = {"", "", ""};
    const char *first = NULL;
    int n = 0;
    for (size_t i = 0; i < MICA_COUNT(texts); i++) {
        if (!is_stated(texts[i]))
            continue;
        if (!mica_licence_canonical(texts[i], ids[i]))
            snprintf(ids[i], sizeof ids[i], "%s", texts[i]);
        n++;
        if (first && strcasecmp(first, ids[i]) != 0) {
            mica_found(a, MICA_MARK_POOR, "register", "statements disagree: %s and %s", first, ids[i]);
            return;
        }
        first = ids[i];
    }
    if (n > 1)
        mica_found(a, MICA_MARK_GOOD, "register", "%d statements agree: %s", n, first);
    else
        mica_found(a, MICA_MARK_NOT_SEEN, "register", "there are not two statements to compare");
}

void mica_check_model_closure(struct mica_assess *a)
{
    const struct mica_components *closure = a->model->closure;
    int64_t n = 0, n_stated = 0;
    for (int64_t i = 1; i < closure->n; i++) {
        const struct mica_component *c = &closure->rows[i];
        if (c->kind == MICA_COMPONENT_TOKENIZER || c->kind == MICA_COMPONENT_TEMPLATE)
            continue;
        n++;
        n_stated += is_stated(c->concluded) || is_stated(c->declared_card) || is_stated(c->declared_key);
    }
    if (n)
        mica_found(a, n_stated == n ? MICA_MARK_GOOD : MICA_MARK_PARTIAL, "register",
                   "terms are stated for %lld of %lld bases, adapters and data sets", (long long)n_stated,
                   (long long)n);
    else
        mica_found(a, MICA_MARK_NOT_SEEN, "register", "it names nothing that it was made from");
}

/* ---- documentation ---- */

void mica_check_model_card(struct mica_assess *a)
{
    size_t len = a->model->card ? strlen(a->model->card) : 0;
    if (len)
        mica_found(a, len > 1500 ? MICA_MARK_GOOD : MICA_MARK_PARTIAL, "card:1", "a card of %lld bytes",
                   (long long)len);
    else
        mica_found(a, MICA_MARK_POOR, "", "no model card came with it");
}

void mica_check_model_sections(struct mica_assess *a)
{
    static const struct {
        const char *words[4];
        const char *what;
    } sections[] = {{{"intended use", "use cases", "#uses", "how to use"}, "what it is for"},
                    {{"limitation", "out-of-scope", "risks"}, "what it is not for"},
                    {{"training data", "dataset", "#training", "trained on"}, "what it was trained on"},
                    {{"bias", "safety", "ethical"}, "bias and safety"}};
    if (!a->model->card) {
        mica_found(a, MICA_MARK_NOT_SEEN, "", "no card to read");
        return;
    }
    for (size_t i = 0; i < MICA_COUNT(sections); i++) {
        int64_t line = 0;
        for (int k = 0; k < 4 && sections[i].words[k] && !line; k++)
            line = mica_text_line(a->model->card, sections[i].words[k]);
        if (line)
            mica_found(a, MICA_MARK_GOOD, mica_assess_printf(a, "card:%lld", (long long)line), "says %s",
                       sections[i].what);
        else
            mica_found(a, MICA_MARK_PARTIAL, "card", "does not say %s", sections[i].what);
    }
}

/* ---- releases ---- */

void mica_check_model_revision(struct mica_assess *a)
{
    if (is_stated(row(a)->revision))
        mica_found(a, MICA_MARK_GOOD, "register", "pinned to %s", row(a)->revision);
    else
        mica_found(a, MICA_MARK_PARTIAL, "register", "no revision is known");
}

void mica_check_model_history(struct mica_assess *a)
{
    if (a->model->n_history)
        mica_found(a, MICA_MARK_NOT_SEEN, "register",
                   "%lld entries here, from %s to %s; its makers' releases are not among them",
                   (long long)a->model->n_history, a->model->first ? a->model->first : "?",
                   a->model->last ? a->model->last : "?");
    else
        mica_found(a, MICA_MARK_NOT_SEEN, "register", "no history");
}

/* ---- evals ---- */

void mica_check_model_results(struct mica_assess *a)
{
    static const char *const words[] = {"MMLU",   "HellaSwag",  "ARC-",        "GSM8K",      "HumanEval",
                                        "IFEval", "WinoGrande", "PIQA",        "TruthfulQA", "perplexity",
                                        "BBH",    "MT-Bench",   "#evaluation", "#benchmark"};
    json_t *results = NULL;
    int64_t n_named = 0, line = 0;
    if (a->model->card &&
        mica_card_results(a->model->card, strlen(a->model->card), "card", &results, NULL) != MICA_OK)
        results = NULL;
    size_t n = json_array_size(results);
    json_decref(results);
    for (size_t i = 0; a->model->card && i < MICA_COUNT(words); i++) {
        int64_t at = mica_text_line(a->model->card, words[i]);
        n_named += at > 0;
        line = at && (!line || at < line) ? at : line;
    }
    if (n)
        mica_found(a, MICA_MARK_GOOD, "card", "%zu results in a form that programs read (model-index)", n);
    else if (n_named)
        mica_found(a, n_named > 2 ? MICA_MARK_GOOD : MICA_MARK_PARTIAL,
                   mica_assess_printf(a, "card:%lld", (long long)line),
                   "%lld known benchmarks or headings on evaluation are named; nothing was measured again",
                   (long long)n_named);
    else
        mica_found(a, a->model->card ? MICA_MARK_POOR : MICA_MARK_NOT_SEEN, "", "no results are stated");
}

/* ---- governance ---- */

void mica_check_model_owner(struct mica_assess *a)
{
    if (is_stated(row(a)->owner))
        mica_found(a, MICA_MARK_GOOD, "register", "here it belongs to %s", row(a)->owner);
    else
        mica_found(a, MICA_MARK_PARTIAL, "register", "nobody here is named as its owner");
}

void mica_check_model_lineage(struct mica_assess *a)
{
    const struct mica_components *closure = a->model->closure;
    int64_t bases = 0, data = 0;
    for (int64_t i = 1; i < closure->n; i++) {
        bases += closure->relations && closure->relations[i] == MICA_RELATION_BASE;
        data += closure->rows[i].kind == MICA_COMPONENT_DATASET;
    }
    mica_found(a,
               data    ? MICA_MARK_GOOD
               : bases ? MICA_MARK_PARTIAL
                       : MICA_MARK_POOR,
               "register", "it names %lld bases and %lld data sets", (long long)bases, (long long)data);
}

/* ---- ecosystem ---- */

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcasecmp(text + n - m, end) == 0;
}

static bool is_pickle(const char *title)
{
    static const char *const ends[] = {".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib"};
    for (size_t i = 0; i < MICA_COUNT(ends); i++)
        if (ends_with(title, ends[i]))
            return true;
    return ends_with(title, ".bin") && strstr(title, "pytorch_model") != NULL;
}

void mica_check_model_format(struct mica_assess *a)
{
    const struct mica_manifest *manifest = a->model->manifest;
    for (int64_t i = 0; manifest && i < manifest->n_layers; i++) {
        const struct mica_layer *layer = &manifest->layers[i];
        if (layer->kind == MICA_LAYER_MODEL || ends_with(layer->title, ".safetensors")) {
            mica_found(a, MICA_MARK_GOOD, layer->title, "%s: a format that many programs read",
                       layer->kind == MICA_LAYER_MODEL ? "GGUF" : "safetensors");
            return;
        }
    }
    mica_found(a, MICA_MARK_POOR, "", "no weights in GGUF or safetensors");
}

void mica_check_model_support(struct mica_assess *a)
{
    if (is_stated(a->model->architecture))
        mica_found(a, MICA_MARK_GOOD, "", "architecture %s, with%s a chat template", a->model->architecture,
                   a->model->has_template ? "" : "out");
    else
        mica_found(a, MICA_MARK_PARTIAL, "", "Mica does not run it");
}

/* ---- security ---- */

void mica_check_model_pickles(struct mica_assess *a)
{
    const struct mica_manifest *manifest = a->model->manifest;
    bool seen = false;
    for (int64_t i = 0; manifest && i < manifest->n_layers; i++)
        if (is_pickle(manifest->layers[i].title)) {
            mica_found(a, MICA_MARK_POOR, manifest->layers[i].title,
                       "a pickle: loading it elsewhere can run code");
            seen = true;
        }
    if (!seen)
        mica_found(a, manifest ? MICA_MARK_GOOD : MICA_MARK_NOT_SEEN, "", "no pickles");
}

void mica_check_model_signature(struct mica_assess *a)
{
    if (a->model->manifest && mica_manifest_find(a->model->manifest, MICA_LAYER_SIGNATURE))
        mica_found(a, MICA_MARK_GOOD, "", "it carries a signature; mica verify checks it against your keys");
    else
        mica_found(a, MICA_MARK_PARTIAL, "", "it carries no signature");
}

void mica_check_model_template_pinned(struct mica_assess *a)
{
    if (is_stated(row(a)->template_digest))
        mica_found(a, MICA_MARK_GOOD, "register",
                   "registered, so a changed one does not load (sha256 %.12s...)", row(a)->template_digest);
    else
        mica_found(a, MICA_MARK_NOT_SEEN, "register", "it has none");
}

void mica_check_model_drift(struct mica_assess *a)
{
    if (is_stated(row(a)->drift))
        mica_found(a, MICA_MARK_POOR, "register", "%s", row(a)->drift);
    else
        mica_found(a, MICA_MARK_NOT_SEEN, "register", "no drift is recorded; mica drift looks again");
}
