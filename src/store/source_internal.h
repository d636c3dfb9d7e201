/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What sources share. A source is a row of sources.def and mica_plan_NAME in source_NAME.c. */
#ifndef MICA_SOURCE_INTERNAL_H
#define MICA_SOURCE_INTERNAL_H

#include "store/http.h"
#include "store/source.h"

enum { MICA_PACKAGE_NAME_MAX = 214 }; /* bytes of a package's name, and of its version */

/* One pull. */
struct mica_puller {
    struct mica_store *store;
    struct mica_http *http;
    const struct mica_pull_options *options;
    char *scratch; /* a private folder, made when first asked for, removed with the puller */
    /* progress over all files */
    const char *what;
    uint64_t done_before, total;
    bool is_cancelled;
};

/* Fills the plan from what follows "NAME:" in the source; it is empty (zeroed) before, and is released by the
 * caller also on failure. */
#define X(name, spelling)                                                                                    \
    enum mica_status mica_plan_##name(struct mica_puller *puller, const char *rest, struct mica_plan *plan,  \
                                      struct mica_err *err);
#include "store/sources.def"
#undef X

/* Adds an empty row and gives its place, valid until the next; NULL: out of memory. */
struct mica_plan_file *mica_plan_add(struct mica_plan *plan);
void mica_plan_sort(
    struct mica_plan *plan); /* models first, then by title: the same files, the same manifest */
/* Replaces *field by a copy; NULL text empties it. */
enum mica_status mica_plan_set(char **field, const char *text, struct mica_err *err);
enum mica_status mica_puller_scratch(struct mica_puller *puller, const char **path_out, struct mica_err *err);
/* The progress callback of mica_http_fetch and of mica_client_run (user: the puller). */
bool mica_puller_progress(void *user, uint64_t done, uint64_t total);

/* A package registry whose client (pip, npm) answers for it. */
struct mica_packages {
    const char *at; /* between name and version: "==", "@" */
    enum mica_status (*ask)(struct mica_puller *puller, const char *spec, struct json_t **out,
                            struct mica_err *err);
    enum mica_status (*fill)(const struct json_t *answer, const char *spec, size_t name_len,
                             struct mica_plan *plan, struct mica_err *err);
    enum mica_status (*renew)(void *auth, struct mica_plan_file *file, struct mica_err *err);
};
/* What renew gets: the package to bring by the client itself. */
struct mica_package_auth {
    struct mica_puller *puller;
    char spec[MICA_PACKAGE_NAME_MAX * 2 + 8];
};
/* Asks, fills the plan, and lets it be renewed; spec is checked, its first name_len bytes are the name. */
enum mica_status mica_plan_package(struct mica_puller *puller, const struct mica_packages *packages,
                                   const char *spec, size_t name_len, struct mica_plan *plan,
                                   struct mica_err *err);

/* What a file of a model folder or archive is, by its name (the last part of its path): a layer kind, or
 * MICA_LAYER_OTHER for what is not wanted. FILE: a part of an HF folder. */
enum mica_layer_kind mica_source_kind(const char *path);
const char *mica_source_base(const char *path);
/* Of "X-00002-of-00003.gguf": the count (3), *stem_len = bytes of "X"; 0 for other names. */
int mica_source_split(const char *name, size_t *stem_len);
/* Appends text made fit for a model's name: lower case, other characters become '-'. */
bool mica_source_name(struct mica_buf *out, const char *text);
/* "zip" for .whl and .zip, "tgz" for .tgz and .tar.gz, else NULL. */
const char *mica_source_archive(const char *name);

/* Brings one planned file: a blob in the store; of an archive only the mapping, which may be of a blob, too.
 */
enum mica_status mica_puller_fetch(struct mica_puller *puller, struct mica_plan *plan,
                                   struct mica_plan_file *file, struct mica_digest *digest_out,
                                   uint64_t *size_out, struct mica_mapping **archive_out,
                                   struct mica_err *err);
/* What archives become. Each is opened, so that all members are known; then layers are made of them. */
struct mica_archive;
enum mica_status mica_puller_members(struct mica_puller *puller, struct mica_archive *const *archives,
                                     int n_archives, struct mica_manifest *manifest, struct mica_err *err);
/* Refuses what is no GGUF file: head is its first len (up to 512) bytes, size all of it. */
enum mica_status mica_source_check_gguf(const char *name, const void *head, size_t len, struct mica_err *err);
/* The bytes of a planned file against the digests that its source states, where it states any. EFORMAT. */
enum mica_status mica_source_check_digest(const struct mica_plan_file *file, const struct mica_mapping *map,
                                          struct mica_err *err);

#endif
