/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Modelfiles, as Ollama spells them: what a new model is made of.
 *
 *   # a comment
 *   FROM smollm2
 *   PARAMETER temperature 0.2
 *   SYSTEM """several
 *   lines"""
 *   MESSAGE user Hello
 *
 * A command is a word in any case and its value: the rest of the line, or "quoted" or """quoted""" text that
 * may go over several lines (nothing in it is an escape). */
#ifndef MICA_MODELFILE_H
#define MICA_MODELFILE_H

#include "base/mem.h"

/* Rows: constant, keyword, whether its value begins with a word of its own, whether there can be one only. */
#define MICA_MODELFILE_ROWS(X)                                                                               \
    X(FROM, "FROM", false, true)                                                                             \
    X(PARAMETER, "PARAMETER", true, false)                                                                   \
    X(TEMPLATE, "TEMPLATE", false, true)                                                                     \
    X(SYSTEM, "SYSTEM", false, true)                                                                         \
    X(ADAPTER, "ADAPTER", false, false)                                                                      \
    X(LICENSE, "LICENSE", false, false)                                                                      \
    X(MESSAGE, "MESSAGE", true, false)
enum mica_modelfile_kind {
#define MICA_MODELFILE_ENUM(name, keyword, word, single) MICA_MODELFILE_##name,
    MICA_MODELFILE_ROWS(MICA_MODELFILE_ENUM)
#undef MICA_MODELFILE_ENUM
};

struct mica_modelfile_command {
    enum mica_modelfile_kind kind;
    int line;          /* where it begins, from 1 */
    const char *word;  /* a PARAMETER's name, a MESSAGE's role, in lower case; else "" */
    const char *value; /* without its quotes; NUL-terminated */
};
struct mica_modelfile {
    struct mica_modelfile_command *commands;
    int64_t n, capacity;
    struct mica_arena arena;
};

/* Parses len bytes of text that are called name in messages ("NAME:LINE: …"). There is exactly one FROM.
 * Values of PARAMETER are not looked at. EFORMAT, EUNSUPPORTED (a command of Ollama that Mica has no use
 * for), ELIMIT (1 MiB, 10000 commands), ENOMEM. Free the result. */
enum mica_status mica_modelfile_parse(const char *text, size_t len, const char *name,
                                      struct mica_modelfile **out, struct mica_err *err);
void mica_modelfile_free(struct mica_modelfile *file);
/* The last command of a kind, or NULL. */
const struct mica_modelfile_command *mica_modelfile_find(const struct mica_modelfile *file,
                                                         enum mica_modelfile_kind kind);
/* Appends "KEYWORD value" with the quotes that the value needs. False when the value cannot be written (it
 * has a line that ends in three quotes) or memory runs out. */
bool mica_modelfile_print(struct mica_buf *out, const char *keyword, const char *value);

#endif
