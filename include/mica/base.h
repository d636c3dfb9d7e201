/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What every Mica header shares: status codes, error messages, mappings. */
#ifndef MICA_BASE_H
#define MICA_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MICA_API __attribute__((visibility("default")))

/* One row per status: name, HTTP status, exit code, text. */
#define MICA_STATUS_ROWS(X)                                                                                  \
    X(OK, 200, 0, "ok")                                                                                      \
    X(EARG, 400, 2, "invalid argument")                                                                      \
    X(EFORMAT, 422, 3, "malformed data")                                                                     \
    X(EUNSUPPORTED, 501, 4, "not supported")                                                                 \
    X(ENOTFOUND, 404, 5, "not found")                                                                        \
    X(EIO, 500, 6, "input/output error")                                                                     \
    X(ENOMEM, 503, 7, "out of memory")                                                                       \
    X(ELIMIT, 413, 8, "over a limit")                                                                        \
    X(ECANCELLED, 499, 9, "cancelled")                                                                       \
    X(EDENIED, 403, 10, "not allowed")                                                                       \
    X(EINTERNAL, 500, 70, "internal error")

enum mica_status {
#define MICA_STATUS_ENUM(name, http, exit_code, text) MICA_##name,
    MICA_STATUS_ROWS(MICA_STATUS_ENUM)
#undef MICA_STATUS_ENUM
};

/* Where a failing call leaves its message. The caller owns it; it may be NULL wherever it is a parameter.
 * It is written only on failure. */
struct mica_err {
    enum mica_status status;
    char text[512];
};

/* Fills *err (when not NULL) and returns status, so that a failure is one line: return mica_fail(...). */
MICA_API enum mica_status mica_fail(struct mica_err *err, enum mica_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The status's row: text, HTTP status, exit code of the program. Thread-safe. */
MICA_API const char *mica_status_text(enum mica_status status);
MICA_API int mica_status_http(enum mica_status status);
MICA_API int mica_status_exit(enum mica_status status);

/* A read-only mapping of one file: the descriptor, its bytes, and their digest once someone has computed it.
 * Reference-counted (atomically); everything that keeps a pointer into data holds a reference. */
struct mica_mapping;

/* Maps the regular file at path. On success *out holds one reference. EIO, ENOTFOUND, ENOMEM. */
MICA_API enum mica_status mica_mapping_open(const char *path, struct mica_mapping **out,
                                            struct mica_err *err);
/* Takes over fd (closed with the last reference, also when this call fails); name is used in messages. */
MICA_API enum mica_status mica_mapping_from_fd(int fd, const char *name, struct mica_mapping **out,
                                               struct mica_err *err);
/* Wraps bytes that the caller keeps alive until the last reference is gone. */
MICA_API enum mica_status mica_mapping_from_bytes(const void *data, size_t size, const char *name,
                                                  struct mica_mapping **out, struct mica_err *err);
MICA_API struct mica_mapping *mica_mapping_ref(struct mica_mapping *map);
MICA_API void mica_mapping_free(struct mica_mapping *map);
MICA_API const uint8_t *mica_mapping_data(const struct mica_mapping *map);
MICA_API size_t mica_mapping_size(const struct mica_mapping *map);
MICA_API const char *mica_mapping_name(const struct mica_mapping *map); /* base name of the file */
/* Tells the kernel that [offset, offset + len) has been read and need not stay resident; never an error. */
MICA_API void mica_mapping_release(const struct mica_mapping *map, size_t offset, size_t len);
/* Whether the mapped file is still the one that was opened: same inode, size and times, and its path still
 * leads to it. EDENIED says what happened to it. Always MICA_OK for bytes of the caller's. Thread-safe. */
MICA_API enum mica_status mica_mapping_unchanged(const struct mica_mapping *map, struct mica_err *err);

/* The files a model is made of: mappings by name. A GGUF model is one file (or its split parts in order);
 * an HF folder brings config.json, tokenizer.json, *.safetensors and so on. Not thread-safe while it is
 * filled. */
struct mica_files;

/* Opens a GGUF file (and, for a name like X-00001-of-00003.gguf, its sibling parts) or the files of an HF
 * folder. */
MICA_API enum mica_status mica_files_open(const char *path, struct mica_files **out, struct mica_err *err);
/* An empty set, to be filled by mica_files_add (which takes its own reference to map). */
MICA_API enum mica_status mica_files_new(struct mica_files **out, struct mica_err *err);
MICA_API enum mica_status mica_files_add(struct mica_files *files, const char *name, struct mica_mapping *map,
                                         struct mica_err *err);
MICA_API void mica_files_free(struct mica_files *files);
MICA_API int mica_files_count(const struct mica_files *files);
/* The i-th mapping in order of addition; the set keeps its reference. */
MICA_API struct mica_mapping *mica_files_at(const struct mica_files *files, int i);
/* Its name in the set (a mapping may be called otherwise, as a stored blob is); NULL past the end. */
MICA_API const char *mica_files_name(const struct mica_files *files, int i);
/* The mapping called name, or NULL. */
MICA_API struct mica_mapping *mica_files_find(const struct mica_files *files, const char *name);

/* What stands behind a set of files. The engine loads no set without one. mica_model_admit (govern.h) gives a
 * registered model's; texts are "" where there is nothing to say. */
struct mica_admission {
    bool registered;          /* false: run unregistered, nobody vouches for these bytes */
    char name[256];           /* the stored model, or the file */
    char digest[65];          /* SHA-256 of the manifest; unregistered: of the file, where it is one */
    char template_digest[65]; /* SHA-256 of the chat template that may be used; "": the model has none */
    char register_digest[65]; /* of what the register stated when it was admitted */
    char licence[128], verdict[16];
    char signer[128]; /* hint of the public key whose signature was checked: SHA-256 of its PEM */
};
/* Lets files be loaded though no register knows them. */
MICA_API void mica_files_allow_unregistered(struct mica_files *files, const char *name);
/* The set's admission, or NULL. */
MICA_API const struct mica_admission *mica_files_admission(const struct mica_files *files);

#ifdef __cplusplus
}
#endif
#endif
