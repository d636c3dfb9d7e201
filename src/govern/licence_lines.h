/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The words around a licence that may differ freely: who holds the copyright, and titles. Both by
 * construction: a copyright statement is made of years, names and nothing that licences use in their running
 * text; a title is made of words of the licence's own name. */
#ifndef MICA_LICENCE_LINES_H
#define MICA_LICENCE_LINES_H

#include "govern/licence_index.h"

/* Sets MICA_WORD_NAME and MICA_WORD_COPYRIGHT. words are numbered. Of a reference, only statements that fill
 * their lines are marked: the rest of a line belongs to the licence. */
void mica_licence_mark(const struct mica_licence_index *index, struct mica_licence_words *words,
                       bool reference);
/* May word i stand in a title of this licence? */
bool mica_licence_is_title(const struct mica_licence_text *text, const struct mica_licence_words *words,
                           int64_t i);
/* The end of the title line that begins at word i; i when the line is none of this licence: it has other
 * words, too, or none that makes a title, as its version, the first word of its name or "license" do. */
int64_t mica_licence_title_end(const struct mica_licence_text *text, const struct mica_licence_words *words,
                               int64_t i);

#endif
