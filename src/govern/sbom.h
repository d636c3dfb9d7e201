/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Bills of materials: CycloneDX 1.6 and 1.7 (with the model card of an ML-BOM) and SPDX 3.0.1 JSON-LD,
 * written from the register and read from anyone.
 *
 * The same register, model and clock give the same bytes: serial numbers come from the content, times from
 * mica_time_text. Both writers hold the profile of sbom_profile.c, which asks for more than the two schemas
 * do; what nobody stated is said to be not stated, in the document and in the list of gaps. Thread-safe. */
#ifndef MICA_SBOM_H
#define MICA_SBOM_H

#include "govern/register.h"
#include "store/manifest.h"

struct json_t;

/* What the file of the described model says about itself; texts may be NULL, numbers 0. */
struct mica_sbom_facts {
    const char *architecture, *quantization, *tokenizer;
    int64_t n_parameters, n_ctx, n_layers, d_model, n_heads, n_kv_heads, d_ff, n_vocab;
};

enum mica_sbom_format { MICA_SBOM_CYCLONEDX, MICA_SBOM_SPDX };

struct mica_sbom_input {
    enum mica_sbom_format format;
    const char *spec;                      /* "1.6" or "1.7"; "3.0.1"; NULL: the newest of the format */
    const struct mica_components *closure; /* [0] is what the document is about */
    const char *const *texts;              /* licence text of row i or NULL; may be NULL */
    const struct mica_manifest *manifest;  /* of a stored model, else NULL */
    const struct mica_sbom_facts *facts;   /* NULL: not known */
    const struct json_t *results;          /* of evaluations of [0]: [{"type", "value", "slice"}], or NULL */
    const char *supplier;                  /* who supplies [0]; NULL: its owner, or read from its source */
    const char *verdict, *openness;        /* of the rights decision and the classification; NULL */
};

/* Makes the document; the caller owns the reference. EARG names an unknown spec. */
enum mica_status mica_sbom_make(const struct mica_sbom_input *input, struct json_t **out,
                                struct mica_err *err);

/* One component of a document that someone wrote. */
struct mica_sbom_row {
    const char *kind; /* "model", "dataset", "software", "file", … in the words of the format otherwise */
    const char *ref, *name, *version;
    const char *digest; /* SHA-256 in lower-case hex, or "" */
    const char *declared, *concluded;
};
/* A document read. Texts are valid UTF-8 without control characters. */
struct mica_sbom {
    enum mica_sbom_format format;
    const char *spec, *serial, *subject; /* subject: the ref of what it is about, or "" */
    struct mica_sbom_row *rows;
    int64_t n_rows, rows_capacity;
    const char **gaps; /* what our profile asks for and the document does not state, one line each */
    int64_t n_gaps, gaps_capacity;
    struct mica_arena arena;
};
enum { MICA_SBOM_BYTES_MAX = 32 << 20, MICA_SBOM_ROWS_MAX = 100000 };
/* Reads a CycloneDX (1.4 and later) or SPDX 3.0 JSON document of len bytes from anyone. EFORMAT says where it
 * is malformed, EUNSUPPORTED which format or version it is in, ELIMIT which limit it passes. */
enum mica_status mica_sbom_read(const char *text, size_t len, struct mica_sbom **out, struct mica_err *err);
void mica_sbom_free(struct mica_sbom *sbom);

#endif
