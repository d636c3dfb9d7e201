/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The input is a licence expression; what is read stays within the limits and names no empty ids. */
#include "govern/spdx.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mica_spdx *spdx = NULL;
    struct mica_err err = {0};
    char *text = mica_strndup((const char *)data, size);
    if (!text)
        return 0;
    enum mica_status status = mica_spdx_parse(text, &spdx, &err);
    if (status != MICA_OK ? spdx || err.status != status || !err.text[0] : spdx->n < 1)
        abort();
    for (int i = 0; spdx && i < spdx->n; i++) {
        if (spdx->n > MICA_SPDX_ALTERNATIVES || spdx->any[i].n < 1 || spdx->any[i].n > MICA_SPDX_LICENCES)
            abort();
        for (int j = 0; j < spdx->any[i].n; j++)
            if (!spdx->any[i].all[j]->id[0] || !spdx->any[i].all[j]->exception)
                abort();
    }
    mica_spdx_free(spdx);
    mica_free(text);
    return 0;
}
