/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Reads the members of a zip (a wheel) or a gzipped tar (an npm package) from a mapping: nothing is unpacked
 * to disk by name. An archive is refused whole when a member is encrypted, is a link or a device, has a name
 * that is absolute or goes up ("..") or stands in it twice, or when sizes and counts are beyond what a model
 * needs (more than 20,000 members, or 64 MiB and a hundred times the archive). */
#ifndef MICA_UNPACK_H
#define MICA_UNPACK_H

#include "base/mem.h"

struct mica_archive;
/* kind: "zip" or "tgz". Takes its own reference to map. EFORMAT, EDENIED, ELIMIT, EUNSUPPORTED. */
enum mica_status mica_archive_open(struct mica_mapping *map, const char *kind, struct mica_archive **out,
                                   struct mica_err *err);
void mica_archive_free(struct mica_archive *archive);
int64_t mica_archive_count(const struct mica_archive *archive); /* files, not folders */
const char *mica_archive_name(const struct mica_archive *archive, int64_t i);
uint64_t mica_archive_size(const struct mica_archive *archive, int64_t i); /* as the archive states it */

/* Reads the members i for which wanted[i] is set, in the archive's order: data is called with pieces of each,
 * and once with len 0 at its end. A member that is not as long as stated is EFORMAT. */
enum mica_status mica_archive_read(struct mica_archive *archive, const bool *wanted,
                                   enum mica_status (*data)(void *user, int64_t i, const void *bytes,
                                                            size_t len, struct mica_err *err),
                                   void *user, struct mica_err *err);

#endif
