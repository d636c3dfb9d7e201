/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <mica/base.h>
#include <stdio.h>

static const struct {
    int http, exit_code;
    const char *text;
} rows[] = {
#define ROW(name, http, exit_code, text) [MICA_##name] = {http, exit_code, text},
    MICA_STATUS_ROWS(ROW)
#undef ROW
};

enum mica_status mica_fail(struct mica_err *err, enum mica_status status, const char *fmt, ...)
{
    if (err) {
        va_list args;
        va_start(args, fmt);
        err->status = status;
        vsnprintf(err->text, sizeof err->text, fmt, args);
        va_end(args);
    }
    return status;
}

const char *mica_status_text(enum mica_status status)
{
    return rows[status].text;
}

int mica_status_http(enum mica_status status)
{
    return rows[status].http;
}

int mica_status_exit(enum mica_status status)
{
    return rows[status].exit_code;
}
