/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Statements about how things came to be and how they were judged, as in-toto statements v1: SLSA provenance
 * v1 (converting, quantising, creating), test results v0.1 (evaluations), verification summaries v1
 * (decisions). Signed, they are DSSE envelopes. All makers give a new reference and are thread-safe. */
#ifndef MICA_PROVENANCE_H
#define MICA_PROVENANCE_H

#include "govern/dsse.h"

struct json_t;

/* What was done; the "external parameters" of each are named in docs/provenance.md. */
#define MICA_BUILD_CREATE   "urn:mica:build:create:v1"   /* mica create: a Modelfile */
#define MICA_BUILD_IMPORT   "urn:mica:build:import:v1"   /* mica pull: files taken as they are */
#define MICA_BUILD_CONVERT  "urn:mica:build:convert:v1"  /* another file format */
#define MICA_BUILD_QUANTIZE "urn:mica:build:quantize:v1" /* fewer bits */

/* A file, model or dataset: in-toto's resource descriptor. Texts may be NULL, but one of uri and digest is
 * there. */
struct mica_artifact {
    const char *name, *uri;
    const char *sha256;                    /* 64 hex digits */
    const char *git_commit;                /* 40 hex digits */
    const char *kind, *relation, *licence; /* annotations */
};

struct mica_provenance {
    const char *build_type;
    struct json_t *parameters; /* external parameters, an object: its reference is taken, also on failure */
    const struct mica_artifact *subjects, *sources; /* what came out; what went in */
    int64_t n_subjects, n_sources;
    const char *builder;            /* URI; NULL: this Mica on the user's machine */
    const char *invocation;         /* NULL: not stated */
    const char *started, *finished; /* RFC 3339; NULL: not stated */
};
/* EARG names what is missing. */
enum mica_status mica_provenance_slsa(const struct mica_provenance *input, struct json_t **out,
                                      struct mica_err *err);

/* The outcome of an evaluation of the subjects. */
enum mica_test_result { MICA_TEST_PASSED, MICA_TEST_WARNED, MICA_TEST_FAILED };
struct mica_test_statement {
    const struct mica_artifact *subjects, *configuration;
    int64_t n_subjects, n_configuration;
    enum mica_test_result result;
    const char *const *passed, *const *warned, *const *failed; /* names of tests; NULL-terminated, or NULL */
    const char *url;                                           /* of a report; NULL: none */
};
enum mica_status mica_provenance_test(const struct mica_test_statement *input, struct json_t **out,
                                      struct mica_err *err);

/* That the subjects were checked against a policy. */
struct mica_vsa {
    const struct mica_artifact *subjects;
    int64_t n_subjects;
    const char *resource;               /* URI of what was asked for, e.g. the model's name as a URI */
    struct mica_artifact policy;        /* uri, sha256 */
    const struct mica_artifact *inputs; /* attestations that were looked at */
    int64_t n_inputs;
    bool passed;
    const char *const *levels; /* verified properties ("SLSA_BUILD_LEVEL_1", own ones); NULL-terminated */
    const char *time;          /* RFC 3339; NULL: now */
};
enum mica_status mica_provenance_vsa(const struct mica_vsa *input, struct json_t **out, struct mica_err *err);

/* Appends the statement as one line of JSON: on its own, or in a DSSE envelope signed by key. */
enum mica_status mica_provenance_write(const struct json_t *statement, const struct mica_key *key,
                                       struct mica_buf *out, struct mica_err *err);
/* "pkg:generic/NAME" with NAME percent-encoded: a URI for what has none. */
bool mica_provenance_uri(const char *name, struct mica_buf *out);

#endif
