/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* May we do this with that? The licence table (licences.def) and the decision over a model's whole closure.
 */
#ifndef MICA_RIGHTS_H
#define MICA_RIGHTS_H

#include "base/mem.h"

/* What is asked. Numbers are -1 where not known. Lists are NULL-terminated, or NULL where not known. */
enum mica_use { MICA_USE_PRIVATE, MICA_USE_RESEARCH, MICA_USE_INTERNAL, MICA_USE_COMMERCIAL };
enum mica_data_policy { MICA_DATA_BLOCK, MICA_DATA_WARN, MICA_DATA_IGNORE };
struct mica_facts {
    enum mica_use
        use; /* private: own trial; internal: inside a company; commercial: in a product or service */
    bool distribute, host; /* gives copies to others; lets others use it over a network */
    bool modified;         /* weights, code or text were changed */
    int trains_on_outputs; /* 1, 0, -1 unknown */
    double users_now, users_at_release, revenue_year, revenue_month; /* monthly active users; US dollars */
    const char *seat;                                                /* ISO 3166 country, "EU"; "" unknown */
    const char *const *markets;                                      /* the same */
    const char *const *domains;    /* rows of the table of domains: "medical-advice", "military", … */
    const char *product;           /* product name; "" unknown */
    const char *const *registered; /* licensors that a registration was made with: "stability" … */
    bool text_only;                /* only a text model of the family is used, no multimodal one */
    bool declared_is_enough;       /* policy: a declared SPDX id without its text counts (default true) */
    /* Policy on training data whose terms are non-commercial (default block), share-alike (warn), not known
     * (warn). */
    enum mica_data_policy data_nc, data_share_alike, data_unknown;
};

/* One component of the closure, as the register states it. */
struct mica_subject {
    const char *component; /* name for people */
    const char *kind;      /* "model", "adapter", "dataset", … */
    const char *relation;  /* "" for the thing itself, else "base", "trained_on", … */
    const char *licence;   /* concluded: SPDX expression, "LicenseRef-modified-…", "" */
    const char *declared;  /* as stated somewhere, canonical or not; "" */
    bool text_seen;        /* licence comes from a text, not from a tag */
};

enum mica_verdict {
    MICA_VERDICT_YES,
    MICA_VERDICT_YES_WITH,
    MICA_VERDICT_NEEDS_FACT,
    MICA_VERDICT_UNKNOWN,
    MICA_VERDICT_NO
};
struct mica_reason {
    const char *component, *licence, *clause, *rule, *text;
    enum mica_verdict effect; /* what this reason alone would make the verdict */
};
struct mica_duty {
    const char *component, *licence, *clause, *name, *text; /* name: COPY, NOTICE, CHANGES, … */
};
struct mica_decision {
    enum mica_verdict verdict;
    struct mica_reason *reasons;
    struct mica_duty *duties;
    const char **missing; /* names of facts, as flags spell them */
    int64_t n_reasons, n_duties, n_missing, reasons_capacity, duties_capacity, missing_capacity;
    struct mica_arena arena;
};

/* The facts with nothing known: private use, no distribution, declared_is_enough. */
void mica_facts_default(struct mica_facts *facts);
/* Decides over all subjects ([0] is the thing itself), in the order of the rules in rights.c; of alternatives
 * (OR) the best is taken. The verdict is the worst effect of a reason. Texts that the subjects hold are
 * copied. Free the result. Thread-safe. ENOMEM. */
enum mica_status mica_rights_decide(const struct mica_subject *subjects, int64_t n_subjects,
                                    const struct mica_facts *facts, struct mica_decision **out,
                                    struct mica_err *err);
void mica_decision_free(struct mica_decision *decision);
const char *mica_verdict_text(enum mica_verdict verdict); /* "YES_WITH" */
const char *mica_use_text(enum mica_use use);             /* "private", "research", … */
bool mica_use_parse(const char *text, enum mica_use *out);
/* The decision as JSON: verdict, reasons[{component, licence, clause, rule, effect, text}],
 * obligations[{component, licence, clause, name, text}], missing_facts. Facts as JSON: those that are known.
 * New reference; NULL: out of memory. */
struct json_t *mica_decision_json(const struct mica_decision *decision);
struct json_t *mica_facts_json(const struct mica_facts *facts);

/* The project's file: facts and policy. NULL path: ./mica.yaml, else home/mica.yaml (home may be NULL), else
 * the defaults; where both are there, the facts are the folder's and of each rule the stricter one holds.
 * Keys with relative paths lie beside the file that names them. EDENIED: ./mica.yaml is another user's. What
 * is not as the schema says is EFORMAT with file and line. The schema as JSON Schema: new reference; NULL:
 * out of memory. */
enum mica_signature_policy { MICA_SIGNATURE_OPTIONAL, MICA_SIGNATURE_REQUIRED };
struct mica_policy {
    struct mica_facts facts;
    char *path; /* the file read, or NULL */
    enum mica_signature_policy signatures;
    const char *const *keys; /* paths of public keys whose signatures count */
    bool drift_blocks;       /* default true */
    bool unregistered;       /* may --unregistered be used; default true */
    struct mica_arena arena;
};
enum mica_status mica_policy_load(const char *path, const char *home, struct mica_policy *out,
                                  struct mica_err *err);
void mica_policy_release(struct mica_policy *policy);
struct json_t *mica_policy_schema(void);

#endif
