/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The one-pager of licences, in every format. */
#ifndef MICA_CLI_LICENCES_PRINT_H
#define MICA_CLI_LICENCES_PRINT_H

#include "base/mem.h"

/* The columns, in order. */
#define MICA_LICENCE_COLUMNS(X)                                                                              \
    X(COMPONENT, "component")                                                                                \
    X(KIND, "kind")                                                                                          \
    X(LICENCE, "licence")                                                                                    \
    X(COMMERCIAL, "commercial use")                                                                          \
    X(REDISTRIBUTION, "redistribution")                                                                      \
    X(OBLIGATIONS, "obligations")                                                                            \
    X(OWNER, "owner")
enum mica_licence_column {
#define X(name, text) MICA_LICENCE_##name,
    MICA_LICENCE_COLUMNS(X)
#undef X
        MICA_LICENCE_N_COLUMNS,
};
struct mica_licence_row {
    const char *cells[MICA_LICENCE_N_COLUMNS];
};
struct mica_licence_page {
    const char *title, *time, *digest; /* digest: of what the register states; "" */
    const struct mica_licence_row *rows;
    int64_t n_rows;
};
extern const char *const mica_licence_heads[MICA_LICENCE_N_COLUMNS];

/* Appends the page: "table" (columns of text), "markdown", "csv" (RFC 4180; a cell that a spreadsheet would
 * take for a formula begins with '), "html" (one printable file). false: there is no such format. */
bool mica_licences_print(const char *format, const struct mica_licence_page *page, struct mica_buf *out);

#endif
