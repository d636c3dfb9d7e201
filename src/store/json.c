/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/json.h"

enum mica_status mica_json_load(const char *text, size_t len, const char *what, struct json_t **out,
                                struct mica_err *err)
{
    json_error_t error = {0};
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    /* jansson reports an allocation that failed inside a word as bad syntax, and its very first one not at
     * all: what is really malformed is so a second time. */
    if (!root && json_error_code(&error) != json_error_out_of_memory) {
        error = (json_error_t){0};
        root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    }
    if (!root) {
        bool memory = json_error_code(&error) == json_error_out_of_memory || !error.text[0];
        return memory ? mica_fail(err, MICA_ENOMEM, "%s: out of memory", what)
                      : mica_fail(err, MICA_EFORMAT, "%s: line %d: %s", what, error.line, error.text);
    }
    *out = root;
    return MICA_OK;
}
