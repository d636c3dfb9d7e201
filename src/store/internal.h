/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What the store's own files share. */
#ifndef MICA_STORE_PRIVATE_H
#define MICA_STORE_PRIVATE_H

#include "store/store.h"

struct mica_store {
    char home[MICA_PATH_MAX];
    int lock_fd;   /* MICA_HOME/lock, -1 while it was not needed */
    int lock_mode; /* LOCK_SH, LOCK_EX or 0 */
    struct mica_running_file *running;
};

/* Takes the store's lock (LOCK_SH: something is being added; LOCK_EX: something is being deleted) and makes
 * the folders. Held until unlock; taking it again is fine. no_wait: EDENIED when others hold it. */
enum mica_status mica_store_lock(struct mica_store *store, int mode, bool no_wait, struct mica_err *err);
void mica_store_unlock(struct mica_store *store);

/* Where names are: see named.c. */
enum mica_store_root { MICA_STORE_V1, MICA_STORE_V2, MICA_STORE_ROOTS };
const char *mica_store_root_name(enum mica_store_root root);
/* The folder that stands for a registry below a root, and the reverse. */
const char *mica_store_registry_in(enum mica_store_root root, const char *registry);
const char *mica_store_registry_of(enum mica_store_root root, const char *folder);
/* Opens the folder ROOT/parts[0]/…/parts[n - 1] without following links below the root; -1 and errno. */
int mica_store_open_folder(const struct mica_store *store, enum mica_store_root root,
                           const char *const *parts, int n);
/* Appends the bytes of the manifest, or list of manifests, called tag in an open folder. */
enum mica_status mica_store_read_text(struct mica_store *store, int folder, const char *tag,
                                      struct mica_buf *out, struct mica_err *err);
/* Reads and parses the manifest called tag in an open folder; of a list, the one that can run here. */
enum mica_status mica_store_read_manifest(struct mica_store *store, int folder, const struct mica_name *name,
                                          struct mica_manifest **out, struct mica_err *err);
/* Calls use for the digest of every blob that a name keeps: manifests, configs, layers, of lists all. */
typedef enum mica_status mica_store_use(void *user, const struct mica_digest *digest, struct mica_err *err);
enum mica_status mica_store_used_blobs(struct mica_store *store, int folder, const struct mica_name *name,
                                       mica_store_use *use, void *user, struct mica_err *err);
/* Calls visit for each stored name, in manifests-v2 first (a name may be in both); strict: anything that is
 * not a manifest's file or folder is EFORMAT, else it is passed over. */
typedef enum mica_status mica_store_visit(void *user, int folder, const struct mica_name *name,
                                          struct mica_err *err);
enum mica_status mica_store_walk(struct mica_store *store, bool strict, mica_store_visit *visit, void *user,
                                 struct mica_err *err);

#endif
