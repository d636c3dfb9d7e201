/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/wtype.h"

const struct mica_wtype_info mica_wtypes[MICA_W_COUNT] = {
#define X(NAME, name, gguf, st, n, bytes) {name, gguf, st, n, bytes},
#include "base/wtype.def"
#undef X
};

bool mica_wtype_size(enum mica_wtype type, int64_t n, size_t *out)
{
    const struct mica_wtype_info *info = &mica_wtypes[type];
    if (n < 0 || n % info->block_elements)
        return false;
    return !__builtin_mul_overflow((size_t)(n / info->block_elements), (size_t)info->block_bytes, out);
}
