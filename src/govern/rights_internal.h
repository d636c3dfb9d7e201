/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Between the parts of the rights decision: rights.c prepares and chooses, rights_terms.c applies one
 * licence's terms to the facts, rights_clash.c looks at several licences in one work. */
#ifndef MICA_RIGHTS_INTERNAL_H
#define MICA_RIGHTS_INTERNAL_H

#include "govern/licence.h"
#include "govern/rights.h"
#include "govern/spdx.h"

/* A subject made ready: its expression read, or why it says nothing. */
struct prepared {
    const struct mica_subject *subject;
    struct mica_spdx *spdx;          /* NULL: rule and text say why there is none */
    const char *rule, *text, *shown; /* shown: the licence as stated */
    bool declared;                   /* no text was seen */
    bool is_data;                    /* something that it was trained on or tested with */
    int chosen;                      /* alternative */
};

/* One run over all subjects with one choice of alternatives. */
struct judge {
    const struct mica_facts *facts;
    struct mica_decision *out;
    bool failed; /* out of memory */
};

void judge_reason(struct judge *j, const struct prepared *p, const char *licence, const char *clause,
                  const char *rule, enum mica_verdict effect, const char *fmt, ...)
    __attribute__((format(printf, 7, 8)));
void judge_duty(struct judge *j, const struct prepared *p, const char *licence, const char *clause,
                const char *name, const char *text);
void judge_missing(struct judge *j, const char *fact);

/* The row of one licence in an expression ("GPL-2.0" with + is the or-later row), or NULL. */
const struct mica_licence *rights_row(const struct mica_spdx_licence *licence);
/* Rules 2 to 5, 7 and 8 for one licence of one component. */
void rights_apply(struct judge *j, const struct prepared *p, const struct mica_licence *row);
/* Rule 6 for the licences of all components in one work. */
void rights_clashes(struct judge *j, const struct prepared *subjects, int64_t n);

#endif
