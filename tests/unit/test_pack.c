/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Packing: the bytes lie where packed.h says, and an unpacked row is the decoded row, bit for bit. */
#include "base/mem.h"
#include "kern/packed.h"
#include "kern/quant.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t random_state = 1;

static uint8_t random_byte(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint8_t)(random_state >> 56);
}

struct matrix {
    uint8_t *rows;
    size_t row_bytes;
    float *decoded; /* [n][k] */
    struct mica_packed packed;
    uint8_t *end; /* one past the packed bytes: 64 bytes that must stay as they are */
};

/* Random blocks in an allocation that ends with the last row, so that a sanitizer sees any read past it. */
static void matrix_init(struct matrix *m, enum mica_wtype type, int64_t n, int64_t k)
{
    struct mica_err err = {0};
    assert_int_equal(mica_packed_layout(type, n, k, &m->packed, &err), MICA_OK);
    assert_true(mica_wtype_size(type, k, &m->row_bytes));
    m->rows = malloc((size_t)n * m->row_bytes);
    for (size_t i = 0; i < (size_t)n * m->row_bytes; i++)
        m->rows[i] = random_byte();
    m->decoded = malloc((size_t)(n * k) * sizeof(float));
    for (int64_t r = 0; r < n; r++)
        mica_codecs[type].decode(m->rows + r * m->row_bytes, k, m->decoded + r * k);
    size_t size = (size_t)m->packed.n_groups * m->packed.group_bytes;
    m->packed.data = aligned_alloc(64, size + 64);
    memset(m->packed.data, 0xa5, size + 64);
    m->end = m->packed.data + size;
    mica_pack_groups(&m->packed, m->rows, 0, m->packed.n_groups / 2);
    mica_pack_groups(&m->packed, m->rows, m->packed.n_groups / 2, m->packed.n_groups);
}

static void matrix_release(struct matrix *m)
{
    free(m->rows);
    free(m->decoded);
    free(m->packed.data);
}

static const char *text(const struct mica_packed *p, int64_t r, int64_t c)
{
    static char buf[128];
    snprintf(buf, sizeof buf, "%s %lld x %lld, row %lld, column %lld", mica_wtypes[p->type].name,
             (long long)p->n, (long long)p->k, (long long)r, (long long)c);
    return buf;
}

/* ---- the layout once more, written from the text of packed.h, one byte at a time */

static const struct expected {
    int main_bits, high_bits, zero;
    int n_halves, n_bytes,
        run; /* scales per block: halves, bytes (each over 16 rows), columns of one scale */
} expected[MICA_W_COUNT] = {
    [MICA_W_Q4_0] = {4, 0, 8, 1, 0, 32},   [MICA_W_Q4_1] = {4, 0, 0, 2, 0, 32},
    [MICA_W_Q5_0] = {4, 1, 16, 1, 0, 32},  [MICA_W_Q5_1] = {4, 1, 0, 2, 0, 32},
    [MICA_W_Q8_0] = {8, 0, 128, 1, 0, 32}, [MICA_W_Q2_K] = {2, 0, 0, 2, 16, 16},
    [MICA_W_Q3_K] = {2, 1, 4, 1, 16, 16},  [MICA_W_Q4_K] = {4, 0, 0, 2, 16, 32},
    [MICA_W_Q5_K] = {4, 1, 0, 2, 16, 32},  [MICA_W_Q6_K] = {4, 2, 32, 1, 16, 16},
    [MICA_W_IQ4_NL] = {4, 0, 0, 1, 0, 32}, [MICA_W_IQ4_XS] = {4, 0, 0, 1, 8, 32},
    [MICA_W_MXFP4] = {4, 0, 0, 0, 1, 32},
};

static int plane_bits(const uint8_t *plane, int bits, int lane, int c)
{
    const uint8_t *at = plane + 4 * lane + c % 4;
    if (bits == 8)
        return at[64 * (c / 4)];
    if (bits == 4)
        return at[64 * (c % 16 / 4)] >> (c < 16 ? 0 : 4) & 15;
    if (bits == 2)
        return at[64 * (c / 16)] >> 2 * (c % 16 / 4) & 3;
    return at[0] >> c / 4 & 1;
}

static int code_at(const struct mica_packed *p, int64_t r, int64_t c)
{
    const struct expected *e = &expected[p->type];
    const uint8_t *group = p->data + r / 16 * p->group_bytes;
    const uint8_t *block = group + c / 32 * 64 * (e->main_bits + e->high_bits);
    int code = plane_bits(block, e->main_bits, (int)(r % 16), (int)(c % 32));
    if (e->high_bits)
        code |= plane_bits(block + 64 * e->main_bits, e->high_bits, (int)(r % 16), (int)(c % 32))
                << e->main_bits;
    return code;
}

static float value_at(const struct mica_packed *p, int64_t r, int64_t c)
{
    static const int8_t iq4[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
    static const int8_t mxfp4[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
    const struct expected *e = &expected[p->type];
    int elements = mica_wtypes[p->type].block_elements, lane = (int)(r % 16),
        run = (int)(c % elements) / e->run;
    const uint8_t *scales = p->data + r / 16 * p->group_bytes + p->codes_bytes +
                            c / elements * 16 * (2 * e->n_halves + e->n_bytes);
    const uint8_t *bytes = scales + 32 * e->n_halves + lane;
    uint16_t h[2] = {0};
    for (int i = 0; i < e->n_halves; i++)
        memcpy(&h[i], scales + 32 * i + 2 * lane, 2);
    float d = mica_f16_to_f32(h[0]), m = mica_f16_to_f32(h[1]);
    int code = code_at(p, r, c);
    switch (p->type) {
    case MICA_W_Q4_1:
    case MICA_W_Q5_1:
        return d * (float)code + m;
    case MICA_W_Q4_K:
    case MICA_W_Q5_K:
        return d * (float)bytes[16 * (2 * run)] * (float)code - m * (float)bytes[16 * (2 * run + 1)];
    case MICA_W_Q2_K:
        return d * (float)(bytes[16 * run] & 15) * (float)code - m * (float)(bytes[16 * run] >> 4);
    case MICA_W_Q3_K:
    case MICA_W_Q6_K:
        return d * (float)(int8_t)bytes[16 * run] * (float)(code - e->zero);
    case MICA_W_IQ4_NL:
        return d * (float)iq4[code];
    case MICA_W_IQ4_XS:
        return d * (float)(int8_t)bytes[16 * run] * (float)iq4[code];
    case MICA_W_MXFP4:
        return __builtin_ldexpf((float)mxfp4[code], bytes[0] - 128);
    default:
        return d * (float)(code - e->zero);
    }
}

static void check_layout(const struct matrix *m)
{
    const struct mica_packed *p = &m->packed;
    for (int64_t r = 0; r < p->n; r++)
        for (int64_t c = 0; c < p->k; c++) {
            float want = m->decoded[r * p->k + c], got = value_at(p, r, c);
            if (memcmp(&got, &want, sizeof got) && !(got != got && want != want))
                fail_msg("%s: %a where packed.h says %a", text(p, r, c), got, want);
        }
    for (int64_t r = p->n; r < p->n_groups * 16; r++)
        for (int64_t c = 0; c < p->k; c++)
            if (code_at(p, r, c))
                fail_msg("%s: a missing row has a code", text(p, r, c));
}

static void check_elements(const struct matrix *m)
{
    const struct mica_packed *p = &m->packed;
    size_t size = mica_wtypes[p->type].block_bytes;
    static const uint8_t zero[4];
    for (int64_t r = 0; r < p->n_groups * 16; r++)
        for (int64_t c = 0; c < p->k; c++) {
            const uint8_t *got = p->data + r / 16 * p->group_bytes + (c * 16 + r % 16) * size;
            if (memcmp(got, r < p->n ? m->rows + r * m->row_bytes + c * size : zero, size))
                fail_msg("%s: wrong element", text(p, r, c));
        }
}

static void check_matrix(enum mica_wtype type, int64_t n, int64_t k)
{
    struct matrix m;
    matrix_init(&m, type, n, k);
    float *row = malloc((size_t)k * sizeof *row);
    for (int64_t r = 0; r < n; r++) {
        mica_unpack_row(&m.packed, r, row);
        for (int64_t c = 0; c < k; c++)
            if (memcmp(row + c, m.decoded + r * k + c, sizeof *row))
                fail_msg("%s: unpacked %a, decoded %a", text(&m.packed, r, c), row[c], m.decoded[r * k + c]);
    }
    if (expected[type].main_bits)
        check_layout(&m);
    else
        check_elements(&m);
    for (int i = 0; i < 64; i++)
        if (m.end[i] != 0xa5)
            fail_msg("%s: wrote past the end", text(&m.packed, n, k));
    free(row);
    matrix_release(&m);
}

static void test_every_type(void **state)
{
    static const int64_t ns[] = {1, 15, 16, 17, 33}, ks[] = {32, 96, 256, 512, 576, 768};
    for (int type = 0; type < MICA_W_COUNT; type++)
        for (size_t i = 0; i < MICA_COUNT(ns); i++)
            for (size_t j = 0; j < MICA_COUNT(ks); j++)
                if (ks[j] % mica_wtypes[type].block_elements == 0)
                    check_matrix((enum mica_wtype)type, ns[i], ks[j]);
    check_matrix(MICA_W_F16, 3, 1);
    check_matrix(MICA_W_BF16, 17, 5);
    check_matrix(MICA_W_F32, 16, 7);
}

/* The tail of a group holds zeros in a group with missing rows: its scales make those rows 0 whatever the
 * code. */
static void test_missing_rows(void **state)
{
    for (int type = 0; type < MICA_W_COUNT; type++) {
        struct matrix m;
        matrix_init(&m, (enum mica_wtype)type, 17, 256);
        const struct expected *e = &expected[type];
        const uint8_t *scales = m.packed.data + m.packed.group_bytes + m.packed.codes_bytes;
        int n_blocks = 256 / mica_wtypes[type].block_elements;
        for (int b = 0; e->main_bits && b < n_blocks; b++, scales += 16 * (2 * e->n_halves + e->n_bytes))
            for (int lane = 1; lane < 16; lane++) {
                for (int i = 0; i < 2 * e->n_halves; i++)
                    if (scales[32 * (i / 2) + 2 * lane + i % 2])
                        fail_msg("%s: lane %d has a scale", mica_wtypes[type].name, lane);
                for (int i = 0; i < e->n_bytes; i++)
                    if (scales[32 * e->n_halves + 16 * i + lane])
                        fail_msg("%s: lane %d has a scale byte", mica_wtypes[type].name, lane);
            }
        matrix_release(&m);
    }
}

static void test_sizes(void **state)
{
    static const struct {
        enum mica_wtype type;
        int64_t n, k;
        enum mica_status status;
        size_t codes, group;
    } rows[] = {
        {MICA_W_Q4_0, 16, 32, MICA_OK, 256, 320},
        {MICA_W_Q4_1, 17, 64, MICA_OK, 512, 640},
        {MICA_W_Q6_K, 1, 256, MICA_OK, 3072, 3392},
        {MICA_W_Q4_K, 1, 512, MICA_OK, 4096, 4736},
        {MICA_W_Q8_0, 1, 32, MICA_OK, 512, 576},
        {MICA_W_F16, 1, 1, MICA_OK, 32, 64},
        {MICA_W_F32, 1, 3, MICA_OK, 192, 192},
        {MICA_W_Q4_0, 16, 33, MICA_EARG, 0, 0},
        {MICA_W_Q4_K, 16, 128, MICA_EARG, 0, 0},
        {MICA_W_Q4_0, 0, 32, MICA_EARG, 0, 0},
        {MICA_W_Q4_0, 16, 0, MICA_EARG, 0, 0},
        {MICA_W_Q4_0, -1, 32, MICA_EARG, 0, 0},
        {MICA_W_Q4_0, 1, -32, MICA_EARG, 0, 0},
        {MICA_W_F32, 1, INT64_MAX, MICA_ELIMIT, 0, 0},
        {MICA_W_Q8_0, INT64_MAX, 32, MICA_ELIMIT, 0, 0},
        {MICA_W_Q4_1, (int64_t)1 << 32, (int64_t)1 << 33, MICA_ELIMIT, 0, 0},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_packed packed = {.n = 77};
        struct mica_err err = {0};
        enum mica_status status = mica_packed_layout(rows[i].type, rows[i].n, rows[i].k, &packed, &err);
        if (status != rows[i].status || (status && (packed.n != 77 || !err.text[0])))
            fail_msg("row %zu: status %d: %s", i, status, err.text);
        if (!status &&
            (packed.codes_bytes != rows[i].codes || packed.group_bytes != rows[i].group || packed.data))
            fail_msg("row %zu: %zu codes, %zu group bytes", i, packed.codes_bytes, packed.group_bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type),
        cmocka_unit_test(test_missing_rows),
        cmocka_unit_test(test_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
