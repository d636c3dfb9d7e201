/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Packing by table: every type's own functions do the work. */
#include "kern/packed.h"

#include "base/mem.h"
#include "kern/quant/form.h"

#include <assert.h>

static const struct mica_packing *const packings[MICA_W_COUNT] = {
#define X(NAME, decode, encode, packing) [MICA_W_##NAME] = &packing,
#include "kern/quant.def"
#undef X
};

/* Bytes of one group's codes and scales for k columns; false when a size does not fit. */
static bool group_sizes(enum mica_wtype type, size_t k, size_t *codes, size_t *group)
{
    const struct mica_form *form = packings[type]->form;
    size_t scales = 0, sum;
    if (form) {
        size_t n_blocks = k / form->elements;
        size_t block_codes =
            (size_t)mica_plane_words(form->main_bits, form->high_bits) * form->elements / 32 * 4 * MICA_LANES;
        if (!mica_mul_size(n_blocks, block_codes, codes) ||
            !mica_mul_size(n_blocks, (size_t)MICA_LANES * (2 * form->n_h + form->n_b), &scales))
            return false;
    } else if (!mica_mul_size(k, (size_t)MICA_LANES * mica_wtypes[type].block_bytes, codes)) {
        return false;
    }
    if (!mica_add_size(*codes, scales, &sum) || !mica_add_size(sum, 63, &sum))
        return false;
    *group = sum / 64 * 64;
    return true;
}

enum mica_status mica_packed_layout(enum mica_wtype type, int64_t n, int64_t k, struct mica_packed *out,
                                    struct mica_err *err)
{
    const struct mica_wtype_info *info = &mica_wtypes[type];
    size_t codes, group, all;
    if (n < 1 || k < 1 || k % info->block_elements)
        return mica_fail(err, MICA_EARG,
                         "a matrix of %lld x %lld cannot be stored as %s: rows are blocks of %d",
                         (long long)n, (long long)k, info->name, info->block_elements);
    int64_t n_groups = (n - 1) / MICA_LANES + 1;
    if (!group_sizes(type, (size_t)k, &codes, &group) || !mica_mul_size((size_t)n_groups, group, &all))
        return mica_fail(err, MICA_ELIMIT, "a matrix of %lld x %lld is too large", (long long)n,
                         (long long)k);
    *out = (struct mica_packed){
        .type = type, .n = n, .k = k, .n_groups = n_groups, .codes_bytes = codes, .group_bytes = group};
    return MICA_OK;
}

void mica_pack_groups(const struct mica_packed *packed, const uint8_t *rows, int64_t g0, int64_t g1)
{
    size_t row_bytes;
    bool fits = mica_wtype_size(packed->type, packed->k, &row_bytes);
    assert(fits && g0 >= 0 && g1 <= packed->n_groups);
    for (int64_t g = g0; g < g1; g++) {
        int64_t first = g * MICA_LANES, left = packed->n - first;
        int n_rows = left < MICA_LANES ? (int)left : MICA_LANES;
        uint8_t *codes = packed->data + (size_t)g * packed->group_bytes;
        if (n_rows < MICA_LANES)
            memset(codes, 0, packed->group_bytes);
        packings[packed->type]->pack(rows + (size_t)first * row_bytes, row_bytes, n_rows, packed->k, codes,
                                     codes + packed->codes_bytes);
    }
}

void mica_unpack_row(const struct mica_packed *packed, int64_t r, float *out)
{
    assert(r >= 0 && r < packed->n);
    const uint8_t *codes = packed->data + (size_t)(r / MICA_LANES) * packed->group_bytes;
    packings[packed->type]->unpack(codes, codes + packed->codes_bytes, (int)(r % MICA_LANES), packed->k, out);
}
