/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The input is a licence text: identified, and compared with a tag and with itself. */
#include "govern/identify.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mica_licence_match match = {0};
    struct mica_err err = {0};
    char id[128];
    enum mica_status status = mica_licence_identify((const char *)data, size, &match, &err);
    if (status == MICA_OK) {
        if ((match.kind == MICA_LICENCE_UNKNOWN) != (match.id[0] == 0) ||
            (match.diff != NULL) != (match.kind == MICA_LICENCE_MODIFIED))
            abort();
    } else if (err.status != status || !err.text[0] || match.diff) {
        abort();
    }
    mica_free(match.diff);
    char *text = mica_strndup((const char *)data, size);
    if (!text)
        return 0;
    if (mica_licence_canonical(text, id) && !mica_licence_canonical(id, id))
        abort();
    char *half = mica_strdup(text + strlen(text) / 2), *diff = half ? mica_word_diff(text, half) : NULL;
    mica_free(diff);
    mica_free(half);
    mica_free(text);
    return 0;
}
