/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Text from outside does not steer the terminal: escape sequences, other control characters and characters
 * that change the direction of writing are printed as '?'. */
#ifndef MICA_CLI_TERMINAL_H
#define MICA_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Turns text of len bytes, whose end need not be the end of a character, into what may be shown. At most len
 * bytes are written to out, which may be text itself. Bytes of a character that is not complete yet are left
 * over: *left of them, unless is_last. Line feeds and tabs stay. Returns the bytes written. */
size_t mica_terminal_clean(const char *text, size_t len, bool is_last, char *out, size_t *left);

/* From here on everything that is written to stdout is cleaned when it leads to a terminal; what goes to a
 * file or a pipe stays byte for byte. */
void mica_terminal_guard(void);
/* The stream behind the guard, for what steers the terminal itself. */
FILE *mica_terminal_raw(void);
/* A line "mica: …" on stderr, and one on stdout, cleaned wherever they lead. */
void mica_terminal_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void mica_terminal_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
