/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Looking at what a source has, without taking it into the store: the head of a model, texts, small archives.
 * Nothing here checks a model's digest; nothing that was only looked at is ever run. */
#ifndef MICA_LOOK_H
#define MICA_LOOK_H

#include "store/http.h"
#include "store/source.h"

enum { MICA_LOOK_TEXT_MAX = 1 << 20, MICA_LOOK_TEXTS_MAX = 64 };
#define MICA_LOOK_ARCHIVE_MAX ((uint64_t)20 << 20)

/* The one GGUF file of the plan that a server has; NULL: there is none, or several, or it lies in an archive.
 */
const struct mica_plan_file *mica_look_model(const struct mica_plan *plan);
/* A GGUF file of size bytes, of which only the first len are known: a set of one file. The rest of it are
 * zeros that take no memory. */
enum mica_status mica_look_head_files(const void *head, size_t len, uint64_t size, struct mica_files **out,
                                      struct mica_err *err);
/* Reads the head of the file by range, 1 MiB and then twice as much each time, at most 16 MiB (which hold the
 * headers of all models that we know), until is_enough says so of the set of files above. ENOTFOUND: it never
 * did. A size of 0 is asked for. */
enum mica_status mica_look_head(struct mica_http *http, const struct mica_plan_file *file,
                                bool (*is_enough)(void *user, const struct mica_files *files), void *user,
                                struct mica_err *err);
/* Appends the text of a planned file, from the store where it lies there, to out, at most 1 MiB, without
 * NULs.
 */
enum mica_status mica_look_text(struct mica_http *http, struct mica_store *store,
                                const struct mica_plan_file *file, struct mica_buf *out,
                                struct mica_err *err);
/* The bytes that a server states for the file, or 0. */
uint64_t mica_look_size(struct mica_http *http, const struct mica_plan_file *file);

/* Cards, licences, notices and policies in a planned archive, at most MICA_LOOK_TEXTS_MAX of them, those at
 * the top first. One of at most MICA_LOOK_ARCHIVE_MAX bytes is fetched, and its digest must be the one that
 * the source states; of a larger wheel only its directory and these texts, where the server gives parts; else
 * ELIMIT says how large it is. */
struct mica_look_member {
    const char *path;
    enum mica_layer_kind kind; /* CARD or LICENSE */
    struct mica_buf text;      /* without NULs */
};
enum mica_status mica_look_archive(struct mica_http *http, const struct mica_plan_file *file,
                                   void (*member)(void *user, const struct mica_look_member *member),
                                   void *user, struct mica_err *err);

#endif
