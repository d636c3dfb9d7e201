/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* codec_tool decode TYPE < blocks > f32, or codec_tool encode TYPE < f32 > blocks: for
 * tests/parity/test_codecs.py. */
#include "base/mem.h"
#include "kern/quant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int run(bool decode, enum mica_wtype type, const struct mica_buf *in)
{
    const struct mica_wtype_info *info = &mica_wtypes[type];
    size_t unit = decode ? (size_t)info->block_bytes : sizeof(float) * info->block_elements;
    size_t out_unit = decode ? sizeof(float) * info->block_elements : (size_t)info->block_bytes;
    size_t n_blocks = in->len / unit;
    int64_t n = (int64_t)n_blocks * info->block_elements;
    if (in->len % unit) {
        fprintf(stderr, "codec_tool: %zu bytes are not whole blocks of %s\n", in->len, info->name);
        return 2;
    }
    void *out = mica_alloc(n_blocks, out_unit);
    if (!out)
        return 1;
    if (decode)
        mica_codecs[type].decode((const uint8_t *)in->data, n, out);
    else
        mica_codecs[type].encode((const float *)(const void *)in->data, n, out);
    size_t written = fwrite(out, out_unit, n_blocks, stdout);
    mica_free(out);
    return written == n_blocks ? 0 : 1;
}

int main(int argc, char **argv)
{
    enum mica_wtype type = MICA_W_COUNT;
    bool decode = argc == 3 && !strcmp(argv[1], "decode");
    for (int t = 0; argc == 3 && t < MICA_W_COUNT; t++)
        if (!strcmp(argv[2], mica_wtypes[t].name))
            type = (enum mica_wtype)t;
    if (type == MICA_W_COUNT || (!decode && strcmp(argv[1], "encode")) ||
        (!decode && !mica_codecs[type].encode)) {
        fprintf(stderr, "usage: codec_tool decode|encode TYPE\n");
        return 2;
    }
    struct mica_buf in = {0};
    char chunk[65536];
    for (size_t len; (len = fread(chunk, 1, sizeof chunk, stdin)) > 0;)
        mica_buf_append(&in, chunk, len);
    int rc = in.failed ? 1 : run(decode, type, &in);
    mica_buf_release(&in);
    return rc;
}
