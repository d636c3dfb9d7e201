/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The sheet people judge an open project by, filled in from what can be read here: eight points, each with
 * what was found and where, a mark, and what could not be seen. Nothing is guessed and nothing of what is
 * judged is run. */
#ifndef MICA_ASSESS_H
#define MICA_ASSESS_H

#include "govern/register.h"
#include "store/manifest.h"

/* The eight points: constant, name, what nobody can see from here. */
#define MICA_POINT_ROWS(X)                                                                                   \
    X(LICENCE, "licence clarity", "whether the terms were ever enforced or changed without notice")          \
    X(DOCUMENTATION, "documentation", "whether what is written is right")                                    \
    X(RELEASES, "release cadence", "releases since this copy was made")                                      \
    X(EVALS, "evals", "whether results that are stated can be had again")                                    \
    X(GOVERNANCE, "governance", "who decides in practice, and who pays")                                     \
    X(ECOSYSTEM, "ecosystem fit", "who else builds on it")                                                   \
    X(SECURITY, "security posture", "advisories published elsewhere, and how reports were answered")         \
    X(COMMUNITY, "community", "how fast questions are answered, downloads, forums")
enum mica_point {
#define MICA_POINT_ENUM(name, text, unseen) MICA_POINT_##name,
    MICA_POINT_ROWS(MICA_POINT_ENUM)
#undef MICA_POINT_ENUM
        MICA_POINTS
};

enum mica_mark { MICA_MARK_NOT_SEEN, MICA_MARK_POOR, MICA_MARK_PARTIAL, MICA_MARK_GOOD };
const char *mica_mark_text(enum mica_mark mark); /* "not seen" */
const char *mica_point_text(enum mica_point point);
const char *mica_point_unseen(enum mica_point point);

/* What one check found. Texts are valid UTF-8 without control characters. */
struct mica_finding {
    enum mica_point point;
    enum mica_mark mark; /* NOT_SEEN: it could not be looked at, text says why */
    const char *check, *text;
    const char *where; /* "FILE:LINE", "FILE", "register", or "" */
};
struct mica_assessment {
    const char *subject, *kind; /* kind: "folder" or "model" */
    enum mica_mark marks[MICA_POINTS];
    struct mica_finding *findings; /* in the order of assess.def */
    int64_t n_findings, capacity;
    struct mica_arena arena;
};

/* The folder at path. Symbolic links in it are not followed, nothing outside it is read, and at most 50,000
 * entries are. ENOTFOUND, EARG (no folder), EIO, ENOMEM. */
enum mica_status mica_assess_folder(const char *path, struct mica_assessment **out, struct mica_err *err);

/* What the caller knows about a stored model; only closure is required. */
struct mica_assess_model {
    const char *name;
    const struct mica_components *closure; /* [0] is the model */
    const struct mica_manifest *manifest;  /* NULL: not stored */
    const char *card;                      /* text of the model card, or NULL */
    const char *verdict;                   /* of the rights decision, or NULL */
    const char *architecture;              /* NULL: Mica cannot run it */
    bool has_template;
    int64_t n_history;        /* lines of the register's history about it */
    const char *first, *last; /* their times */
};
enum mica_status mica_assess_model(const struct mica_assess_model *model, struct mica_assessment **out,
                                   struct mica_err *err);
void mica_assessment_free(struct mica_assessment *assessment);

/* New reference; NULL: out of memory. */
struct json_t *mica_assessment_json(const struct mica_assessment *assessment);
/* Appends the sheet as Markdown, or as text for a terminal. */
void mica_assessment_markdown(const struct mica_assessment *assessment, struct mica_buf *out);
void mica_assessment_print(const struct mica_assessment *assessment, struct mica_buf *out);

#endif
