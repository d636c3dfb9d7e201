/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Matrix products: the reference against sums in double precision, every instruction set against the
 * reference byte for byte, and results that do not depend on batch, split or neighbours. */
#include "base/mem.h"
#include "kern/kern.h"
#include "kern/matmul.h"
#include "kern/quant.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_M = 64, PAD = 3 };
static const int batch_sizes[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                                  12, 13, 14, 15, 16, 17, 18, 19, 20, 33, 64};
static const char *const isas[] = {"ref", "avx2", "avx512"};
static const struct {
    int n, k;
} shapes[] = {{1, 256}, {15, 512}, {16, 1024}, {17, 256}, {40, 768}, {100, 512}};
/* K that only the types with blocks of 32 (or single floats) can have. */
static const struct {
    int n, k;
} small_shapes[] = {{33, 32}, {50, 96}, {70, 160}};

static uint64_t random_state = 1;

static uint32_t random_bits(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 32);
}

static float random_float(void)
{
    return (float)(int32_t)random_bits() * 0x1p-31f;
}

static const struct mica_matmul_form *form_of(enum mica_wtype type)
{
#define X(NAME, ...) [MICA_W_##NAME] = MICA_MATMUL_FORM_OF(__VA_ARGS__),
    static const struct mica_matmul_form forms[MICA_W_COUNT] = {MICA_MATMUL_FORMS(X)};
#undef X
    return forms[type].main_bits ? &forms[type] : NULL;
}

/* ---- a random problem */

struct problem {
    enum mica_wtype type;
    struct mica_packed w;
    float *x;        /* [MAX_M][k] */
    void *act;       /* quantised or x */
    float *bias;     /* [n] */
    float *residual; /* [MAX_M][n + PAD] */
};

static uint16_t random_scale(void)
{
    return mica_f32_to_f16(random_float() * 0.1f);
}

static void fill_group(enum mica_wtype type, struct mica_packed *w, uint8_t *group)
{
    const struct mica_matmul_form *f = form_of(type);
    for (size_t i = 0; i < w->group_bytes; i++)
        group[i] = (uint8_t)random_bits();
    if (!f) {
        for (int64_t i = 0; i < w->k * MICA_LANES; i++) {
            float v = random_float();
            uint16_t h = type == MICA_W_F16 ? mica_f32_to_f16(v) : mica_f32_to_bf16(v);
            if (type == MICA_W_F32)
                memcpy(group + 4 * i, &v, 4);
            else
                memcpy(group + 2 * i, &h, 2);
        }
        return;
    }
    uint8_t *scales = group + w->codes_bytes;
    for (int64_t b = 0; b < w->k / (32 * f->n_subs); b++, scales += mica_form_scales(*f)) {
        for (int i = 0; i < MICA_LANES * mica_form_halves(*f); i++) {
            uint16_t h = random_scale();
            memcpy(scales + 2 * i, &h, 2);
        }
        for (int i = 0; f->e8m0 && i < MICA_LANES; i++)
            scales[i] = (uint8_t)(118 + random_bits() % 12);
    }
}

/* The largest products: every code and scale at an end of its range, every activation ±127. */
static void make_extreme(struct problem *p)
{
    const struct mica_matmul_form *f = form_of(p->type);
    for (int64_t g = 0; g < p->w.n_groups; g++) {
        uint8_t *group = p->w.data + g * p->w.group_bytes, *scales = group + p->w.codes_bytes;
        for (size_t i = 0; i < p->w.codes_bytes; i += 512)
            memset(group + i, random_bits() & 1 ? 0xff : 0,
                   i + 512 < p->w.codes_bytes ? 512 : p->w.codes_bytes - i);
        for (int64_t b = 0; b < p->w.k / (32 * f->n_subs); b++, scales += mica_form_scales(*f))
            for (int i = 2 * MICA_LANES * mica_form_halves(*f); !f->e8m0 && i < mica_form_scales(*f); i++)
                scales[i] = f->has_min ? 0xff : random_bits() & 1 ? 0x80 : 0x7f;
    }
    for (int i = 0; i < MAX_M * p->w.k; i++)
        p->x[i] = i / 64 % 3 == 1 ? -1.0f : 1.0f;
    mica_kern_named("ref")->quantize(p->x, MAX_M * p->w.k, p->act);
}

static void problem_init(struct problem *p, enum mica_wtype type, int n, int k)
{
    *p = (struct problem){.type = type};
    struct mica_err err;
    assert_int_equal(mica_packed_layout(type, n, k, &p->w, &err), MICA_OK);
    p->w.data = aligned_alloc(64, (size_t)p->w.n_groups * p->w.group_bytes);
    for (int64_t g = 0; g < p->w.n_groups; g++)
        fill_group(type, &p->w, p->w.data + g * p->w.group_bytes);
    p->x = malloc(sizeof(float) * MAX_M * k);
    for (int i = 0; i < MAX_M * k; i++)
        p->x[i] = random_float() * (float)(1 + i / 32 % 3);
    p->bias = malloc(sizeof(float) * n);
    for (int i = 0; i < n; i++)
        p->bias[i] = random_float();
    p->residual = malloc(sizeof(float) * MAX_M * (n + PAD));
    for (int i = 0; i < MAX_M * (n + PAD); i++)
        p->residual[i] = random_float();
    p->act = p->x;
    if (form_of(type)) {
        p->act = malloc(sizeof(struct mica_act_block) * MAX_M * k / 32);
        mica_kern_named("ref")->quantize(p->x, (int64_t)MAX_M * k, p->act);
    }
}

static void problem_release(struct problem *p)
{
    if (p->act != p->x)
        free(p->act);
    free(p->x);
    free(p->bias);
    free(p->residual);
    free(p->w.data);
}

/* One product into out:[MAX_M][n + PAD], which is poisoned first. */
static void multiply(const struct mica_kern *kern, const struct problem *p, int m, int64_t split, bool bias,
                     bool residual, float *out)
{
    int64_t ld = p->w.n + PAD;
    struct mica_epilogue epilogue = {bias ? p->bias : NULL, residual ? p->residual : NULL, ld};
    memset(out, 0x7b, sizeof(float) * MAX_M * ld);
    kern->matmul[p->type](&p->w, p->act, m, split, p->w.n_groups, out, ld,
                          bias || residual ? &epilogue : NULL);
    if (split)
        kern->matmul[p->type](&p->w, p->act, m, 0, split, out, ld, bias || residual ? &epilogue : NULL);
}

/* ---- the reference against double precision */

static double act_value(const struct problem *p, int64_t m, int64_t k)
{
    if (!form_of(p->type))
        return p->x[m * p->w.k + k];
    const struct mica_act_block *b = (const struct mica_act_block *)p->act + m * (p->w.k / 32) + k / 32;
    return (double)b->d * b->q[k % 32];
}

static void check_against_double(const struct problem *p, const float *out, int m)
{
    int64_t k = p->w.k, run = form_of(p->type) ? 32 : 1;
    float *row = malloc(sizeof(float) * k);
    for (int64_t r = 0; r < p->w.n; r++) {
        mica_unpack_row(&p->w, r, row);
        for (int64_t t = 0; t < m; t++) {
            double sum = 0, size = 0;
            for (int64_t b = 0; b < k; b += run) {
                double w_max = 0, x_sum = 0;
                for (int64_t i = b; i < b + run; i++) {
                    sum += row[i] * act_value(p, t, i);
                    w_max = fmax(w_max, fabs(row[i]));
                    x_sum += fabs(act_value(p, t, i));
                }
                size += w_max * x_sum;
            }
            /* Every step rounds by 2^-24 of a partial sum of scales and minimums, each within 4 × size. */
            double bound = 4 * size * (double)(k / run + 8) * 0x1p-24, y = out[t * (p->w.n + PAD) + r];
            if (!(fabs(y - sum) <= bound))
                fail_msg("%s %d x %d: row %d of token %d is %.9g, not %.9g", mica_wtypes[p->type].name,
                         (int)p->w.n, (int)k, (int)r, (int)t, y, sum);
        }
    }
    free(row);
}

/* ---- all variants against the reference */

static void check_equal(const struct problem *p, const char *isa, int m, const float *out, const float *want)
{
    int64_t ld = p->w.n + PAD;
    for (int64_t i = 0; i < MAX_M * ld; i++) {
        bool written = i / ld < m && i % ld < p->w.n;
        uint32_t got, expected = 0x7b7b7b7b;
        memcpy(&got, out + i, 4);
        if (written)
            memcpy(&expected, want + i, 4);
        if (got != expected)
            fail_msg("%s %s %d x %d, %d tokens: row %d of token %d has bits %08x, not %08x", isa,
                     mica_wtypes[p->type].name, (int)p->w.n, (int)p->w.k, m, (int)(i % ld), (int)(i / ld),
                     got, expected);
    }
}

static void check_epilogue(const struct problem *p, const float *plain, bool bias, bool residual, float *want)
{
    int64_t ld = p->w.n + PAD;
    for (int64_t i = 0; i < MAX_M * ld; i++) {
        want[i] = plain[i];
        if (bias && i % ld < p->w.n)
            want[i] += p->bias[i % ld];
        if (residual)
            want[i] += p->residual[i];
    }
}

static void check_problem(enum mica_wtype type, int n, int k, bool extreme)
{
    struct problem p;
    problem_init(&p, type, n, k);
    if (extreme)
        make_extreme(&p);
    size_t size = sizeof(float) * MAX_M * (n + PAD);
    float *plain = malloc(size), *want = malloc(size), *out = malloc(size);
    multiply(mica_kern_named("ref"), &p, MAX_M, 0, false, false, plain);
    check_against_double(&p, plain, 4);
    for (size_t i = 0; i < MICA_COUNT(isas); i++) {
        const struct mica_kern *kern = mica_kern_named(isas[i]);
        if (!kern)
            continue;
        for (size_t j = 0; j < MICA_COUNT(batch_sizes); j++) {
            bool bias = j & 1, residual = j & 2;
            check_epilogue(&p, plain, bias, residual, want);
            multiply(kern, &p, batch_sizes[j], (int64_t)j % p.w.n_groups, bias, residual, out);
            check_equal(&p, isas[i], batch_sizes[j], out, want);
        }
    }
    free(plain);
    free(want);
    free(out);
    problem_release(&p);
}

static void test_products(void **state)
{
    (void)state;
    for (int type = 0; type < MICA_W_COUNT; type++) {
        for (size_t i = 0; i < MICA_COUNT(shapes); i++)
            check_problem(type, shapes[i].n, shapes[i].k, false);
        for (size_t i = 0; i < MICA_COUNT(small_shapes); i++)
            if (mica_wtypes[type].block_elements <= 32)
                check_problem(type, small_shapes[i].n, small_shapes[i].k, false);
    }
}

static void test_extremes(void **state)
{
    (void)state;
    for (int type = 0; type < MICA_W_COUNT; type++)
        if (form_of(type))
            check_problem(type, 32, 512, true);
}

/* ---- activations */

static const float odd_numbers[] = {0.0f,    -0.0f,    1e-45f, -1e-40f, 3e-39f,        1e-38f, 4e-37f,
                                    3.4e38f, -3.4e38f, 127.5f, 0.5f,    0x1.fffffep0f, 1e-30f, -1e-36f};

static void check_quantized(const float *x, const struct mica_act_block *b)
{
    float amax = 0;
    int sum[2] = {0, 0};
    for (int i = 0; i < 32; i++) {
        amax = fmaxf(amax, fabsf(x[i]));
        sum[i / 16] += b->q[i];
    }
    assert_true(b->d == amax / 127.0f);
    assert_int_equal(b->neg_sum[0], -sum[0]);
    assert_int_equal(b->neg_sum[1], -sum[1]);
    assert_true(b->s == b->d * (float)(sum[0] + sum[1]));
    for (int i = 0; i < 32; i++) {
        double error = fabs(x[i] - (double)b->d * b->q[i]);
        if (b->q[i] == -128 || (amax > 1e-36f && !(error <= b->d * 0.50001)))
            fail_msg("%.9g became %d × %.9g", (double)x[i], b->q[i], (double)b->d);
    }
}

static void test_quantize(void **state)
{
    (void)state;
    enum { K = 32 * 200 };
    static float x[K];
    static struct mica_act_block want[K / 32], got[K / 32];
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < K; i++) {
            x[i] = ldexpf(random_float(), (int)(random_bits() % 8) + i / 320 * 12 - 120);
            if (round > 15 && random_bits() % 8 == 0)
                x[i] = odd_numbers[random_bits() % MICA_COUNT(odd_numbers)];
        }
        memset(x, 0, sizeof(float) * 32);
        mica_kern_named("ref")->quantize(x, K, want);
        for (int b = 0; b < K / 32; b++)
            check_quantized(x + 32 * b, &want[b]);
        if (round == 19) { /* not finite: only the variants' agreement counts */
            x[40] = NAN;
            x[75] = INFINITY;
            x[97] = -INFINITY;
            x[98] = NAN;
            mica_kern_named("ref")->quantize(x, K, want);
            assert_true(isnan(want[1].d) && isinf(want[2].d) && isnan(want[3].d));
        }
        for (size_t i = 1; i < MICA_COUNT(isas); i++) {
            const struct mica_kern *kern = mica_kern_named(isas[i]);
            if (!kern)
                continue;
            memset(got, 0x55, sizeof got);
            kern->quantize(x, K, got);
            for (int b = 0; b < K / 32; b++)
                if (memcmp(&got[b], &want[b], sizeof got[b]))
                    fail_msg("%s: block %d of round %d differs from the reference", isas[i], b, round);
        }
    }
}

/* ---- the table */

static void test_table(void **state)
{
    (void)state;
    assert_non_null(mica_kern_get());
    assert_string_equal(mica_kern_named("ref")->name, "ref");
    assert_null(mica_kern_named("sse"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_quantize),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
