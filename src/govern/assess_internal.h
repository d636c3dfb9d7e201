/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What the checks of the sheet share. */
#ifndef MICA_ASSESS_INTERNAL_H
#define MICA_ASSESS_INTERNAL_H

#include "govern/assess.h"

/* One entry of a folder, by its path from there. */
struct mica_entry {
    const char *path;
    uint64_t size;
    bool is_folder, is_link;
};
/* The commits and tags of a repository, as far as they lie in the folder. */
struct mica_git {
    bool seen;
    const char *why; /* when not seen */
    int64_t n_commits, n_year, n_authors_year, n_tags, n_tags_year;
    int64_t first, last, last_tag; /* seconds since 1970; 0: none */
    const char *tag;               /* name of the newest */
};
struct mica_tree {
    int fd; /* of the folder */
    struct mica_entry *entries;
    int64_t n, capacity;
    bool cut; /* there was more than is read */
    struct mica_git git;
};

/* What a check works on: a tree or a model. */
struct mica_assess {
    struct mica_assessment *sheet;
    struct mica_tree tree;
    const struct mica_assess_model *model;
    int64_t now; /* seconds since 1970 */
    enum mica_point point;
    const char *check;
    bool failed; /* out of memory */
};
typedef void mica_assess_check(struct mica_assess *a);

/* States what the running check found. */
void mica_found(struct mica_assess *a, enum mica_mark mark, const char *where, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
char *mica_assess_printf(struct mica_assess *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

enum { MICA_TREE_MAX = 50000, MICA_TREE_DEPTH = 16, MICA_TREE_FILE = 1 << 20 };
/* Lists the folder: entries in order of their paths, without .git, node_modules and what tools made (build
 * folders, virtual environments). */
enum mica_status mica_tree_open(const char *path, struct mica_assess *a, struct mica_err *err);
void mica_tree_close(struct mica_tree *tree);
/* The first entry whose name (its last part, or its whole path when pattern has a '/') is pattern without
 * regard to case; '*' at the end of the pattern is any rest. folder: which kind. NULL: there is none. */
const struct mica_entry *mica_tree_find(const struct mica_tree *tree, const char *pattern, bool folder);
/* Same, at the top of the folder only, or in .github, .gitlab or docs. */
const struct mica_entry *mica_tree_find_top(const struct mica_tree *tree, const char *pattern);
/* Appends at most MICA_TREE_FILE bytes of a regular file; false when it cannot be read. */
bool mica_tree_read(const struct mica_tree *tree, const struct mica_entry *entry, struct mica_buf *out);
/* Reads .git: through git where it is installed, over the repository's objects alone and never its
 * configuration. */
void mica_tree_read_git(struct mica_assess *a);

/* The line (from 1) of the first occurrence of word in text without regard to case, 0: none. A word that
 * begins with '#' is looked for in headings only (Markdown's or underlined). */
int64_t mica_text_line(const char *text, const char *word);

#define X(point, subject, function, title) mica_assess_check mica_check_##subject##_##function;
#include "govern/assess.def"
#undef X

#endif
