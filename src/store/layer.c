/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/manifest.h"

const char *mica_layer_media_type(enum mica_layer_kind kind)
{
    static const char *const types[] = {
#define X(name, media_type, single) media_type,
        MICA_LAYER_ROWS(X)
#undef X
    };
    return kind < MICA_LAYER_OTHER ? types[kind] : "application/octet-stream";
}
