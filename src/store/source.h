/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Where models come from. A source first makes a plan (what there is, how big, under which stated terms), so
 * that disk, memory and terms are checked before the bytes are fetched; then everything is fetched into the
 * store. */
#ifndef MICA_SOURCE_STORE_H
#define MICA_SOURCE_STORE_H

#include "store/store.h"

/* One file to fetch, or an archive whose wanted members become layers. Texts are freed with the plan. */
struct mica_plan_file {
    char *url;                 /* https:, http:, or file: and a path on this machine */
    char *title, *member_of;   /* member_of: NULL, or the archive's kind "zip" or "tgz" */
    enum mica_layer_kind kind; /* of an archive: ignored, its members say */
    uint64_t size;             /* 0: not known before fetching */
    bool is_exact;             /* another size is refused; else size is only an estimate */
    bool has_digest;
    struct mica_digest digest;
    char
        *check; /* another digest to check: "sha512-BASE64" (npm) or "git-sha1:HEX" (a git blob's), or NULL */
    char *authorization; /* header value, or NULL; sent to the url's own host only */
};
struct mica_plan {
    char *source;   /* as the user gave it */
    char *revision; /* what it was pinned to: a version, a commit, a manifest digest */
    char *location; /* a page or URL for people */
    char *declared; /* the licence that the source's metadata states, as spelt there; NULL: none */
    char *origin;   /* models or datasets that the card names as bases: "hf:owner/repo" lines; NULL */
    char *datasets; /* datasets it was trained on, the same way; NULL */
    char *name;     /* what to store it as unless the user says; NULL: no idea */
    struct mica_plan_file *files;
    int64_t n_files, capacity;
    /* From a registry: the manifest's own bytes. They are parsed and published as they are (so the digest is
     * the registry's) once all files, the config among them, are in the store. NULL: made from the files. */
    char *manifest;
    size_t manifest_len;
    /* NULL, or called when a server no longer takes a file's authorization (EDENIED: a token ran out): puts a
     * new one there, and the fetch goes on where it was. EDENIED again ends the pull. */
    enum mica_status (*renew)(void *auth, struct mica_plan_file *file, struct mica_err *err);
    void *auth; /* freed by auth_free with the plan */
    void (*auth_free)(void *auth);
};
void mica_plan_release(struct mica_plan *plan);

struct mica_pull_options {
    const char *as;  /* the name to store it under; NULL: made from the source */
    bool plain_http; /* allow http:// for hosts other than loopback */
    bool link;       /* file: registered where it lies, not copied */
    int attempts;    /* of one request; 0: as many as mica_http_options takes */
    /* For mica_plan_make of hf: sources. texts: only cards, licences, notices and policies are planned, and
     * there may be none. dataset: the repository is one of data (only its texts are planned). */
    bool texts, dataset;
    /* Called with the plan before fetching; anything but MICA_OK (with *err filled) ends the pull. */
    enum mica_status (*check)(void *user, const struct mica_plan *plan, struct mica_err *err);
    /* Called a few times a second; total is 0 while unknown. false cancels. */
    bool (*progress)(void *user, const char *what, uint64_t done, uint64_t total);
    void *user;
};
struct mica_pulled {
    struct mica_name name;
    struct mica_manifest *manifest;
    struct mica_plan plan;
};
void mica_pulled_release(struct mica_pulled *pulled);

/* Only the plan: what there is at the sources now. as and check of the options are not used. The files'
 * tokens are not renewed. Release the plan. */
enum mica_status mica_plan_make(struct mica_store *store, const char *const *sources, int n_sources,
                                const struct mica_pull_options *options, struct mica_plan *out,
                                struct mica_err *err);
/* Pulls SOURCES (several only where each brings a part of one file) and publishes the model. One row of
 * sources.def per scheme; a bare name is an Ollama name. On success *out is the caller's. */
enum mica_status mica_pull(struct mica_store *store, const char *const *sources, int n_sources,
                           const struct mica_pull_options *options, struct mica_pulled *out,
                           struct mica_err *err);
/* Pushes a stored model to its registry (its name's, or `to`). */
enum mica_status mica_push(struct mica_store *store, const struct mica_name *name, const char *to,
                           const struct mica_pull_options *options, struct mica_err *err);

#endif
