/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The table of licences (licences.def): what each allows, asks for and forbids, with the clause that says so
 * in the licence's own numbering. Rows are engineering rules, not legal advice. */
#ifndef MICA_LICENCE_H
#define MICA_LICENCE_H

#include "base/mem.h"

/* What the rules ask of the facts before a term applies: name, "as said to people". */
#define MICA_WHEN_ROWS(X)                                                                                    \
    X(ANY, "always")                                                                                         \
    X(COPIES, "when copies are given to others")                                                             \
    X(SHARE, "when copies are given to others, or the licence counts hosting as that and it is hosted")      \
    X(PUBLIC, "when copies are given to others or it is hosted")                                             \
    X(CHANGED, "when a changed version is shared")                                                           \
    X(HOST, "when it is hosted")                                                                             \
    X(NETWORK, "when a changed version is hosted")                                                           \
    X(COMPANY, "in a company")                                                                               \
    X(COMMERCIAL, "in a product or service")                                                                 \
    X(TRAIN, "when a model is trained on its outputs")                                                       \
    X(TRAINED_PUBLIC, "when a model trained on its outputs is given to others or hosted")                    \
    X(DERIVED_PUBLIC, "when a model made from it or from its outputs is given to others or hosted")
enum mica_when {
#define MICA_WHEN_ENUM(name, text) MICA_WHEN_##name,
    MICA_WHEN_ROWS(MICA_WHEN_ENUM)
#undef MICA_WHEN_ENUM
};

enum mica_term_kind {
    MICA_TERM_DUTY,      /* name: COPY, NOTICE, … */
    MICA_TERM_BAR,       /* forbids: NC, RESEARCH, NONPROD, HOSTED, … */
    MICA_TERM_LIMIT,     /* beyond value of metric, effect applies */
    MICA_TERM_DOMAIN,    /* forbids the domain called name */
    MICA_TERM_CONDITION, /* allows the domain called name on the condition in text */
    MICA_TERM_HOSTING,   /* the clause that makes hosting a distribution; goes with MICA_LICENCE_HOSTING */
    MICA_TERM_TERRITORY  /* not for licensees seated in name; value 1: nor for markets there, 2: unless text
                            only */
};
enum mica_metric {
    MICA_METRIC_NONE,
    MICA_METRIC_USERS_NOW,
    MICA_METRIC_USERS_AT_RELEASE,
    MICA_METRIC_REVENUE_YEAR,
    MICA_METRIC_REVENUE_MONTH
};
/* Beyond a limit one must ask the licensor, the licence ends, or a duty arises. */
enum mica_limit_effect { MICA_LIMIT_ASK, MICA_LIMIT_END, MICA_LIMIT_DUTY };
struct mica_term {
    enum mica_term_kind kind;
    const char *name;
    enum mica_when when;
    const char *clause, *text;
    enum mica_metric metric;
    double value;
    enum mica_limit_effect effect;
};

enum mica_patent {
    MICA_PATENT_NONE,     /* nothing is said */
    MICA_PATENT_EXPRESS,  /* licensed expressly */
    MICA_PATENT_IMPLIED,  /* argued from the text */
    MICA_PATENT_GENERAL,  /* "intellectual property" at large */
    MICA_PATENT_WITHHELD, /* expressly not licensed */
};
/* How far the licence's own terms reach into what is made with it. */
enum mica_share {
    MICA_SHARE_NONE,
    MICA_SHARE_FILE,
    MICA_SHARE_LIBRARY,
    MICA_SHARE_WORK,
    MICA_SHARE_NETWORK,
    MICA_SHARE_DATABASE,
    MICA_SHARE_ADAPTED,
    MICA_SHARE_RESTRICTIONS /* only its use restrictions are handed on */
};
/* Families of share-alike works that a work may be part of; a share-alike licence is of one or more. */
enum {
    MICA_INTO_GPL2 = 1,
    MICA_INTO_GPL3 = 2,
    MICA_INTO_AGPL3 = 4,
    MICA_INTO_SA4 = 8,
    MICA_INTO_SA3 = 16,
    MICA_INTO_OTHER = 32, /* only with more of the very same licence */
    MICA_INTO_GPL = MICA_INTO_GPL2 | MICA_INTO_GPL3 | MICA_INTO_AGPL3,
    MICA_INTO_GPL3_ON = MICA_INTO_GPL3 | MICA_INTO_AGPL3,
    MICA_INTO_SA = MICA_INTO_SA3 | MICA_INTO_SA4
};
enum {
    MICA_LICENCE_OSI = 1,         /* approved by the Open Source Initiative */
    MICA_LICENCE_FSF = 2,         /* free according to the Free Software Foundation */
    MICA_LICENCE_DATA = 4,        /* an open data licence */
    MICA_LICENCE_MUTABLE = 8,     /* the licensor may change terms that it refers to */
    MICA_LICENCE_HOSTING = 16,    /* hosting counts as distribution */
    MICA_LICENCE_DISTILS = 32,    /* a model trained on its outputs counts as a derivative */
    MICA_LICENCE_UNREAD = 64,     /* refers to a use policy whose list is not in the table */
    MICA_LICENCE_INDEMNITY = 128, /* the licensee indemnifies the licensor */
    MICA_LICENCE_SECONDARY =
        256, /* the row follows secondary sources; rows without it were read from the text */
    MICA_LICENCE_RESULTS = 1024,        /* says that models trained on the data are free of its terms */
    MICA_LICENCE_SECONDARY_POLICY = 512 /* only its use policy's list does */
};

struct mica_licence {
    const char *id;   /* SPDX id or LicenseRef-… */
    const char *name; /* for people */
    unsigned flags;
    enum mica_patent patent;
    enum mica_share share;
    unsigned into, family;
    char rights[5];         /* commercial use, hosting, redistribution, modification: y, n, c (conditional) */
    const char *licensor;   /* as --registered spells it; "" many */
    const char *terminates; /* what ends it besides a breach; "" */
    const struct mica_term *terms;
    int n_terms;
};

/* The row of an SPDX id or LicenseRef (letters' case does not matter; deprecated GNU ids have their rows);
 * NULL: none. Rows live for ever. */
const struct mica_licence *mica_licence_find(const char *id);
int mica_licence_count(void);
const struct mica_licence *mica_licence_at(int i);
/* Whether an SPDX exception is in the table; *drops_share: it frees what links to the work from share-alike.
 */
bool mica_exception_find(const char *id, bool *drops_share);
/* "open" in the sense of the Model Openness Tool: approved by OSI, free for FSF, an open data licence, or
 * OpenMDW. Knows all SPDX ids with such a mark, not only those with rows. */
bool mica_licence_is_open(const char *id);
bool mica_licence_is_osi(const char *id);

/* The domains that use lists speak of: "medical-advice", "military", … */
int mica_domain_count(void);
const char *mica_domain_name(int i);
const char *mica_domain_help(int i);

#endif
