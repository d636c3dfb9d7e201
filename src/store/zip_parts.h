/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* A few members of a zip that is far away and large: only its directory and those members are read, and
 * become a small zip, which is read (and checked) as any other. */
#ifndef MICA_ZIP_PARTS_H
#define MICA_ZIP_PARTS_H

#include "base/mem.h"

struct mica_zip_source {
    const char *name; /* in messages */
    uint64_t size;
    /* Appends bytes [from, until) of it; they lie within its size. */
    enum mica_status (*read)(void *user, uint64_t from, uint64_t until, struct mica_buf *out,
                             struct mica_err *err);
    void *user;
};
/* Appends the small zip of the members that are wanted, by name and size, to out: at most 64 of them, at most
 * 1 MiB each. EFORMAT, EUNSUPPORTED (zip64), ELIMIT (a directory of more than 4 MiB), what read gives. */
enum mica_status mica_zip_parts(const struct mica_zip_source *source,
                                bool (*is_wanted)(const char *name, uint64_t size), struct mica_buf *out,
                                struct mica_err *err);

#endif
