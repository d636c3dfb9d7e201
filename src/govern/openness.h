/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* How open a model is: the Model Openness Framework's class from the components that are released and their
 * licences, and a word for it. OPEN_SOURCE_AI follows the Open Source AI Definition; OPEN_WEIGHTS and
 * OPEN_ACCESS are Mica's own words for what is less. */
#ifndef MICA_OPENNESS_H
#define MICA_OPENNESS_H

#include "base/mem.h"

enum { MICA_OPENNESS_RULES = 1 }; /* version of the rules, in every result */

enum mica_mof_kind { MICA_MOF_CODE, MICA_MOF_DATA, MICA_MOF_DOCUMENT, MICA_MOF_KINDS };
enum mica_mof_component {
#define X(row, name, kind, class) MICA_MOF_##row,
#include "govern/openness.def"
#undef X
    MICA_MOF_COMPONENTS
};
extern const struct mica_mof_row {
    const char *name;
    enum mica_mof_kind kind;
    int needed_for; /* class 3, 2, 1; 0: optional */
} mica_mof_rows[MICA_MOF_COMPONENTS];

/* What is known of a release. Texts are NULL where nothing is stated. */
struct mica_release {
    const char *name, *claimed; /* claimed: "open source", "open weights", "class 2", … */
    int gated;                  /* 1, 0, −1 unknown */
    struct {
        bool present;
        const char *licence, *where;
    } components[MICA_MOF_COMPONENTS];
    /* Data information in the sense of the definition: where it is described. */
    const char *data_provenance, *data_selection, *data_labelling, *data_filtering, *data_public,
        *data_obtainable;
};

enum mica_openness {
    MICA_OPENNESS_UNKNOWN,
    MICA_OPENNESS_CLOSED,
    MICA_OPENNESS_ACCESS,
    MICA_OPENNESS_WEIGHTS,
    MICA_OPENNESS_SOURCE
};
struct mica_openness_result {
    enum mica_openness openness;
    int mof_class;      /* 3, 2, 1; 0: unclassified */
    double progress[4]; /* [1..3]: percent of the class's components, 0 while a lower class lacks some */
    bool is_open[MICA_MOF_COMPONENTS];            /* present and under an open licence */
    const char *missing[MICA_MOF_COMPONENTS + 1]; /* for the next class; NULL-terminated */
    const char *lacks[12]; /* for the next word (open weights, open source AI); NULL-terminated */
    bool claims_more;      /* than was found */
};

/* ENOMEM. */
enum mica_status mica_openness_decide(const struct mica_release *release, struct mica_openness_result *out,
                                      struct mica_err *err);
const char *mica_openness_text(enum mica_openness openness); /* "OPEN_WEIGHTS" */
const char *mica_mof_class_text(int mof_class);              /* "Class III - Open Model" */
/* Adds what a file of the Model Openness Tool (mof.yml) states to *release, over what is there; it may hold a
 * mapping "openness" with claimed, gated and data_information beside the tool's own. Texts live in arena. */
enum mica_status mica_release_read(const char *text, size_t len, const char *name, struct mica_arena *arena,
                                   struct mica_release *release, struct mica_err *err);
/* The result as JSON. New reference; NULL: out of memory. */
struct json_t *mica_openness_json(const struct mica_release *release,
                                  const struct mica_openness_result *result);

#endif
