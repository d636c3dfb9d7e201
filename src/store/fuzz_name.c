/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The input is a model's name. What is accepted can be a path and prints to a text that gives it again. */
#include "base/mem.h"
#include "store/name.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_part(const char *part)
{
    if (!part[0] || part[0] == '.' || part[0] == '-' || strchr(part, '/') || strchr(part, '\\'))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mica_name name, again;
    struct mica_err err = {0};
    char printed[MICA_NAME_TEXT];
    char *text = mica_strndup((const char *)data, size);
    if (!text)
        return 0;
    enum mica_status status = mica_name_parse(text, &name, &err);
    if (status == MICA_OK) {
        check_part(name.registry);
        check_part(name.namespace_);
        check_part(name.model);
        check_part(name.tag);
        mica_name_print(&name, printed);
        if (mica_name_parse(printed, &again, NULL) != MICA_OK || !mica_name_equal(&name, &again))
            abort();
    } else if (err.status != status || !err.text[0]) {
        abort();
    }
    mica_free(text);
    return 0;
}
