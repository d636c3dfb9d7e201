/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* SPDX licence expressions (SPDX 2.3 annex D): ids, LicenseRef-…, DocumentRef-…:LicenseRef-…, +, WITH, AND,
 * OR and parentheses. What is read is the choice that the expression leaves: alternatives, each a list of
 * licences that hold together. */
#ifndef MICA_SPDX_H
#define MICA_SPDX_H

#include "base/mem.h"

/* Longer, deeper or wider expressions are refused. */
enum { MICA_SPDX_LENGTH = 4096, MICA_SPDX_DEPTH = 32, MICA_SPDX_ALTERNATIVES = 64, MICA_SPDX_LICENCES = 64 };

struct mica_spdx_licence {
    const char *id;        /* without the + */
    const char *exception; /* "" none */
    bool or_later;         /* + */
};
struct mica_spdx_alternative {
    const struct mica_spdx_licence **all; /* hold together */
    int n;
};
struct mica_spdx {
    struct mica_spdx_alternative *any; /* one may be chosen */
    int n;
    struct mica_arena arena;
};

/* EFORMAT (with the place), ELIMIT, ENOMEM. Free the result. Thread-safe. */
enum mica_status mica_spdx_parse(const char *text, struct mica_spdx **out, struct mica_err *err);
void mica_spdx_free(struct mica_spdx *spdx);

#endif
