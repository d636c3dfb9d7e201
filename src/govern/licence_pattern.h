/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* A reference text as a pattern: its words in order, the places where a name stands, list marks that may be
 * left out, parts that are optional, and other wordings that licence_variants.def states. A text matches when
 * every word of it has its place. */
#ifndef MICA_LICENCE_PATTERN_H
#define MICA_LICENCE_PATTERN_H

#include "govern/licence_index.h"

struct mica_licence_pattern;
/* The pattern of index->texts[text]; free it. ENOMEM. */
enum mica_status mica_licence_pattern_new(const struct mica_licence_index *index, int32_t text,
                                          struct mica_licence_pattern **out, struct mica_err *err);
void mica_licence_pattern_free(struct mica_licence_pattern *pattern);
/* Matches words (numbered and marked) from word begin on. *end_out is the end of the longest match, begin
 * when there is none. ENOMEM. */
enum mica_status mica_licence_pattern_match(const struct mica_licence_index *index,
                                            const struct mica_licence_pattern *pattern,
                                            const struct mica_licence_words *words, int64_t begin,
                                            int64_t *end_out, struct mica_err *err);

#endif
