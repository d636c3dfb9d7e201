/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The store: a folder laid out as Ollama's (manifests/REGISTRY/NAMESPACE/MODEL/TAG, blobs/sha256-HEX), so an
 * Ollama store can be used in place (MICA_HOME=~/.ollama/models). What newer Ollamas write (manifests-v2,
 * lists of manifests: named.c) is read, too; Mica writes manifests, which they read as well. Beside these
 * two, Mica keeps register.db, key, log.jsonl, run/ and mica.yaml in it.
 *
 * Crash safety: a blob is written to blobs/sha256-HEX-partial (or aside under another name while its digest
 * is unknown), checked, synced and renamed; a manifest is published last. So what is visible is whole.
 *
 * Concurrency: any number of processes and threads. Who adds holds a shared lock of the store
 * (MICA_HOME/lock) until its manifest is published, gc an exclusive one; who writes a partial blob locks that
 * file, and a second one waits for it and then finds the blob there. A struct mica_store may be used by one
 * thread at a time. */
#ifndef MICA_STORE_INTERNAL_H
#define MICA_STORE_INTERNAL_H

#include "base/fs.h"
#include "store/manifest.h"
#include "store/name.h"

struct mica_store;

/* Opens the store at home; NULL: $MICA_HOME, else ~/.mica. Its folders are made when something is first
 * written: opening an empty place is fine. */
enum mica_status mica_store_open(const char *home, struct mica_store **out, struct mica_err *err);
void mica_store_close(struct mica_store *store); /* NULL is legal; lets go of its locks */
const char *mica_store_home(const struct mica_store *store);

/* ---- models ---- */

/* The manifest of a stored model. ENOTFOUND says how to pull it. */
enum mica_status mica_store_manifest(struct mica_store *store, const struct mica_name *name,
                                     struct mica_manifest **out, struct mica_err *err);
/* Makes the sealed manifest visible under name, replacing what was there. All its blobs must be there. */
enum mica_status mica_store_publish(struct mica_store *store, const struct mica_name *name,
                                    const struct mica_manifest *manifest, struct mica_err *err);
struct mica_listed {
    struct mica_name name;
    int64_t modified; /* seconds since 1970 */
};
/* Every model in order of its name; free with mica_free. */
enum mica_status mica_store_list(struct mica_store *store, struct mica_listed **out, int64_t *n_out,
                                 struct mica_err *err);
/* Forgets the name; blobs stay until gc. */
enum mica_status mica_store_remove(struct mica_store *store, const struct mica_name *name,
                                   struct mica_err *err);
/* Deletes blobs that no manifest names, and partial files that nobody writes and that are older than
 * keep_partial seconds. Waits while others add, or with no_wait gives EDENIED at once. Refuses (EFORMAT) when
 * a manifest cannot be read: what it names is not known. While Ollama seems to pull into the same folder,
 * blobs younger than keep_partial stay, too. */
struct mica_gc_options {
    int64_t keep_partial;
    bool dry_run, no_wait;
    /* Called when nobody can add any more; gives blobs to keep beside those of manifests (texts of the
     * register), which gc frees. NULL: none. */
    enum mica_status (*named)(void *user, struct mica_digest **out, int64_t *n_out, struct mica_err *err);
    void *user;
    const struct mica_digest *only; /* not NULL: look at no other blobs, and at no partial files */
    int64_t n_only;
};
struct mica_gc_result {
    int64_t n;
    uint64_t bytes; /* on disk; a link to a file elsewhere counts as nothing */
};
enum mica_status mica_store_gc(struct mica_store *store, const struct mica_gc_options *options,
                               struct mica_gc_result *out, struct mica_err *err);
/* The model's files as mappings, named by title (or "model.gguf"): MODEL and FILE layers in the manifest's
 * order. Sizes are compared with the manifest, digests are not (that is admission's work). */
enum mica_status mica_store_files(struct mica_store *store, const struct mica_manifest *manifest,
                                  struct mica_files **out, struct mica_err *err);
/* Appends the text of the manifest's first layer of a kind (TEMPLATE, SYSTEM, PARAMS, MESSAGES, CARD, …) to
 * out, after checking it against its digest; at most 1 MiB. ENOTFOUND when there is no such layer. */
enum mica_status mica_store_text(struct mica_store *store, const struct mica_manifest *manifest,
                                 enum mica_layer_kind kind, struct mica_buf *out, struct mica_err *err);
/* The same for one layer. */
enum mica_status mica_store_layer_text(struct mica_store *store, const struct mica_layer *layer,
                                       struct mica_buf *out, struct mica_err *err);
/* Makes the config blob that Ollama would (model_format, model_family, model_type, file_type, rootfs …) from
 * the manifest's model layers and adds it to the manifest: for whoever built one from files. Works for models
 * that Mica cannot run, too. */
enum mica_status mica_store_make_config(struct mica_store *store, struct mica_manifest *manifest,
                                        struct mica_err *err);

/* ---- blobs ---- */

enum mica_status mica_store_blob_path(struct mica_store *store, const struct mica_digest *digest,
                                      char out[MICA_PATH_MAX], struct mica_err *err);
bool mica_store_has_blob(struct mica_store *store, const struct mica_digest *digest);
/* ENOTFOUND when it is not there. */
enum mica_status mica_store_blob_open(struct mica_store *store, const struct mica_digest *digest,
                                      struct mica_mapping **out, struct mica_err *err);
/* Stores bytes; fine when they are there already. */
enum mica_status mica_store_blob_put(struct mica_store *store, const void *data, size_t len,
                                     struct mica_digest *digest_out, struct mica_err *err);
/* Registers the file at path where it lies: hashes it; blobs/sha256-HEX becomes a symbolic link to it. */
enum mica_status mica_store_blob_link(struct mica_store *store, const char *path,
                                      struct mica_digest *digest_out, uint64_t *size_out,
                                      struct mica_err *err);

/* A blob being written. With a digest known before, its bytes are kept in blobs/sha256-HEX-partial and,
 * where mica_blob_parts recorded what is there, a later begin goes on from there; without records it starts
 * with an empty file. Without a digest the bytes lie aside and are lost with the process. */
struct mica_blob_writer;
/* digest may be NULL. Waits while another writer (of any process, this one, too) writes the same blob: open
 * one writer at a time, or several in order of their digests. When the blob is complete already, *out is
 * NULL. */
enum mica_status mica_blob_begin(struct mica_store *store, const struct mica_digest *digest,
                                 struct mica_blob_writer **out, struct mica_err *err);
int mica_blob_fd(const struct mica_blob_writer *writer); /* for pwrite by parallel parts */
/* The ranges that earlier runs finished are kept beside the partial file: bytes [0, *size) in parts of
 * part_bytes. done(i) says whether part i is there. mark syncs the data before it records the part; threads
 * may mark different parts at once. */
enum mica_status mica_blob_parts(struct mica_blob_writer *writer, uint64_t size, uint64_t part_bytes,
                                 struct mica_err *err);
bool mica_blob_part_done(const struct mica_blob_writer *writer, uint64_t part);
enum mica_status mica_blob_part_mark(struct mica_blob_writer *writer, uint64_t part, struct mica_err *err);
/* Hashes what was written, compares with the digest (EFORMAT, and the partial file is removed, when it is
 * another), syncs, renames. Frees the writer also on failure. */
enum mica_status mica_blob_commit(struct mica_blob_writer *writer, struct mica_digest *digest_out,
                                  uint64_t *size_out, struct mica_err *err);
/* Keeps a partial file with a known digest for later (discard: removes it) and frees the writer. */
void mica_blob_abandon(struct mica_blob_writer *writer, bool discard);

/* ---- running models (mica ps) ---- */

/* Says that this process runs a model, until mica_store_stop or the end of the process, however it ends. */
struct mica_running {
    int pid;
    char name[MICA_NAME_TEXT];
    struct mica_digest digest;
    uint64_t bytes; /* memory */
    int64_t since;
};
enum mica_status mica_store_start(struct mica_store *store, const char *name,
                                  const struct mica_digest *digest, uint64_t bytes, struct mica_err *err);
void mica_store_stop(struct mica_store *store);
enum mica_status mica_store_ps(struct mica_store *store, struct mica_running **out, int64_t *n_out,
                               struct mica_err *err);

/* Appends one JSON object as a line to MICA_HOME/log.jsonl (a time is added) and takes the reference. */
struct json_t;
enum mica_status mica_store_log(struct mica_store *store, struct json_t *event, struct mica_err *err);

#endif
