/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/openness.h"

#include "govern/licence.h"
#include "govern/spdx.h"

#include <jansson.h>

#include <string.h>

const struct mica_mof_row mica_mof_rows[MICA_MOF_COMPONENTS] = {
#define X(row, name, kind, class) [MICA_MOF_##row] = {name, MICA_MOF_##kind, class},
#include "govern/openness.def"
#undef X
};

/* Whether one of the expression's alternatives is open (or OSI-approved) in all of its licences. */
static bool holds(const char *expression, bool (*is)(const char *id), bool *no_memory)
{
    struct mica_spdx *spdx = NULL;
    bool any = false;
    enum mica_status status = expression ? mica_spdx_parse(expression, &spdx, NULL) : MICA_EFORMAT;
    *no_memory |= status == MICA_ENOMEM;
    if (status != MICA_OK)
        return false;
    for (int i = 0; i < spdx->n && !any; i++) {
        any = true;
        for (int k = 0; k < spdx->any[i].n; k++)
            any = any && is(spdx->any[i].all[k]->id);
    }
    mica_spdx_free(spdx);
    return any;
}

/* Marks what is needed up to a class and counts it. A report and a paper do for each other in class III and
 * II; class I needs the paper, and counts a report that is there. */
static void count(const struct mica_openness_result *r, int mof_class, int *have, int *need)
{
    bool report = r->is_open[MICA_MOF_TECHNICAL_REPORT], paper = r->is_open[MICA_MOF_RESEARCH_PAPER];
    *have = *need = 0;
    for (int i = 0; i < MICA_MOF_COMPONENTS; i++) {
        if (mica_mof_rows[i].needed_for < mof_class || i == MICA_MOF_TECHNICAL_REPORT)
            continue;
        *need += 1;
        *have += r->is_open[i];
    }
    if (mof_class > 1) {
        *need += 1;
        *have += report || paper;
    } else {
        *need += report;
        *have += report;
    }
}

static void list_missing(struct mica_openness_result *r)
{
    int next = r->mof_class ? r->mof_class - 1 : 3, n = 0;
    for (int i = 0; i < MICA_MOF_COMPONENTS && next; i++) {
        bool is_report = i == MICA_MOF_TECHNICAL_REPORT;
        bool is_needed = mica_mof_rows[i].needed_for >= next && !r->is_open[i];
        if (is_report && (next == 1 || r->is_open[MICA_MOF_RESEARCH_PAPER]))
            is_needed = false;
        if (is_needed)
            r->missing[n++] = is_report ? "Technical report or research paper" : mica_mof_rows[i].name;
    }
}

static void classify(struct mica_openness_result *r)
{
    for (int c = 3; c >= 1; c--) {
        int have, need;
        count(r, c, &have, &need);
        r->progress[c] = 100.0 * have / need;
        if (have < need)
            return;
        r->mof_class = c;
    }
}

/* What the Open Source AI Definition asks for and is not there. */
static int lacks_source(const struct mica_release *release, const struct mica_openness_result *r,
                        const char **out, bool *no_memory)
{
    static const struct {
        enum mica_mof_component component;
        const char *text;
    } code[] = {{MICA_MOF_TRAINING_CODE, "training code under an OSI-approved licence"},
                {MICA_MOF_INFERENCE_CODE, "inference code under an OSI-approved licence"},
                {MICA_MOF_PREPROCESSING_CODE, "data preprocessing code under an OSI-approved licence"}};
    const struct {
        const char *where, *text;
    } data[] = {{release->data_provenance, "where the data came from"},
                {release->data_selection, "how the data was selected"},
                {release->data_labelling, "how the data was labelled"},
                {release->data_filtering, "how the data was filtered"},
                {release->data_public, "a list of the public data"},
                {release->data_obtainable, "a list of the data that can be had from third parties"}};
    int n = 0;
    for (size_t i = 0; i < MICA_COUNT(code); i++)
        if (!release->components[code[i].component].present ||
            !holds(release->components[code[i].component].licence, mica_licence_is_osi, no_memory))
            out[n++] = code[i].text;
    if (!r->is_open[MICA_MOF_PARAMETERS])
        out[n++] = "parameters under open terms";
    for (size_t i = 0; i < MICA_COUNT(data); i++)
        if (!data[i].where)
            out[n++] = data[i].text;
    return n;
}

static bool is_mutable(const char *licence)
{
    const struct mica_licence *row = licence ? mica_licence_find(licence) : NULL;
    return row && row->flags & MICA_LICENCE_MUTABLE;
}

static void name_it(const struct mica_release *release, struct mica_openness_result *r, bool *no_memory)
{
    const bool present = release->components[MICA_MOF_PARAMETERS].present;
    const char *licence = release->components[MICA_MOF_PARAMETERS].licence;
    int n = 0;
    if (!present) {
        r->openness = MICA_OPENNESS_CLOSED;
        r->lacks[n++] = "the final parameters";
    } else if (!licence) {
        r->openness = MICA_OPENNESS_UNKNOWN;
        r->lacks[n++] = "a licence of the parameters";
    } else if (!r->is_open[MICA_MOF_PARAMETERS] || release->gated == 1 || is_mutable(licence)) {
        r->openness = MICA_OPENNESS_ACCESS;
        if (!r->is_open[MICA_MOF_PARAMETERS])
            r->lacks[n++] = "parameters under open terms";
        if (release->gated == 1)
            r->lacks[n++] = "parameters without a gate";
        if (is_mutable(licence))
            r->lacks[n++] = "terms that the licensor cannot change";
    } else {
        n = lacks_source(release, r, r->lacks, no_memory);
        r->openness = n ? MICA_OPENNESS_WEIGHTS : MICA_OPENNESS_SOURCE;
    }
}

/* What is claimed: "open source" asks for the word, "open weights" too; "class 2" or "class II" for the
 * class. */
static bool claims_more(const char *claimed, const struct mica_openness_result *r)
{
    static const struct {
        const char *word;
        enum mica_openness openness;
        int mof_class;
    } claims[] = {
        {"class iii", 0, 3},
        {"class ii", 0, 2},
        {"class i", 0, 1},
        {"class 3", 0, 3},
        {"class 2", 0, 2},
        {"class 1", 0, 1},
        {"source", MICA_OPENNESS_SOURCE, 0},
        {"open weight", MICA_OPENNESS_WEIGHTS, 0},
        {"open-weight", MICA_OPENNESS_WEIGHTS, 0},
        {"open_weight", MICA_OPENNESS_WEIGHTS, 0},
    };
    for (size_t i = 0; claimed && i < MICA_COUNT(claims); i++)
        if (strcasestr(claimed, claims[i].word))
            return claims[i].mof_class ? r->mof_class == 0 || r->mof_class > claims[i].mof_class
                                       : r->openness < claims[i].openness;
    return false;
}

enum mica_status mica_openness_decide(const struct mica_release *release, struct mica_openness_result *out,
                                      struct mica_err *err)
{
    struct mica_openness_result r = {0};
    bool no_memory = false;
    for (int i = 0; i < MICA_MOF_COMPONENTS; i++)
        r.is_open[i] = release->components[i].present &&
                       holds(release->components[i].licence, mica_licence_is_open, &no_memory);
    classify(&r);
    list_missing(&r);
    name_it(release, &r, &no_memory);
    r.claims_more = claims_more(release->claimed, &r);
    if (no_memory)
        return mica_fail(err, MICA_ENOMEM, "openness: out of memory");
    *out = r;
    return MICA_OK;
}

const char *mica_openness_text(enum mica_openness openness)
{
    static const char *const texts[] = {"UNKNOWN", "CLOSED", "OPEN_ACCESS", "OPEN_WEIGHTS", "OPEN_SOURCE_AI"};
    return texts[openness];
}

const char *mica_mof_class_text(int mof_class)
{
    static const char *const texts[] = {"Unclassified", "Class I - Open Science Model",
                                        "Class II - Open Tooling Model", "Class III - Open Model"};
    return texts[mof_class];
}

static json_t *texts(const char *const *list)
{
    json_t *array = json_array();
    for (; array && *list; list++)
        json_array_append_new(array, json_string(*list));
    return array;
}

json_t *mica_openness_json(const struct mica_release *release, const struct mica_openness_result *r)
{
    json_t *components = json_array();
    for (int i = 0; components && i < MICA_MOF_COMPONENTS; i++)
        json_array_append_new(
            components, json_pack("{s:s, s:b, s:s?, s:b, s:i}", "name", mica_mof_rows[i].name, "present",
                                  release->components[i].present, "licence", release->components[i].licence,
                                  "open", r->is_open[i], "needed_for", mica_mof_rows[i].needed_for));
    return json_pack("{s:s?, s:s, s:i, s:s, s:{s:f, s:f, s:f}, s:o, s:o, s:o, s:s?, s:b, s:i}", "subject",
                     release->name, "openness", mica_openness_text(r->openness), "class", r->mof_class,
                     "label", mica_mof_class_text(r->mof_class), "progress", "1", r->progress[1], "2",
                     r->progress[2], "3", r->progress[3], "components", components, "missing",
                     texts(r->missing), "lacks", texts(r->lacks), "claimed", release->claimed, "claims_more",
                     r->claims_more, "rules", MICA_OPENNESS_RULES);
}
