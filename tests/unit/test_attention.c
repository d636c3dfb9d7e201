/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The KV cache and attention: the reference against double, every variant against the reference for equality,
 * and a query's result alone against its result inside any chunk. */
#include "base/mem.h"
#include "kern/kern.h"
#include "kern/quant.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { ALL_HEADS = 1000 };
static const char *const variants[] = {"ref", "avx2", "avx512"};

static uint64_t random_state = 1;
static double uniform(double lo, double hi)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return lo + (hi - lo) * ((double)(random_state >> 11) * 0x1p-53);
}

struct shape {
    int head_dim, n_heads, n_kv_heads;
    int64_t pos0, n_q;
    int64_t window;
    float softcap;
};
static const struct shape shapes[] = {
    {64, 9, 3, 0, 70, 0, 0},      {64, 9, 3, 517, 1, 0, 0},    {64, 14, 2, 31, 33, 0, 0},
    {32, 4, 4, 0, 130, 0, 0},     {32, 1, 1, 5, 1, 0, 0},      {256, 4, 1, 40, 20, 16, 0},
    {96, 6, 2, 500, 40, 0, 30},   {128, 8, 1, 1020, 10, 0, 0}, {64, 3, 1, 1000, 90, 512, 0},
    {160, 5, 1, 3, 25, 7, 50},    {64, 2, 2, 1535, 2, 1, 0},   {64, 70, 1, 20, 3, 0, 0},
    {288, 2, 1, 480, 65, 100, 0}, {64, 4, 4, 64, 64, 33, 20},
};

/* A cache filled with one sequence, and the queries of the shape's chunk. */
struct setup {
    struct shape shape;
    struct mica_kv_layer layer;
    size_t bytes;
    int32_t *table;
    int64_t n_pos, ld;
    float *q, *out, *want;
    void *scratch;
    size_t scratch_bytes;
    float scale;
};

static void *take(size_t n, size_t size)
{
    void *p = aligned_alloc(64, (n * size + 127) / 64 * 64);
    assert_non_null(p);
    return p;
}

static void store_sequence(const struct mica_kern *kern, struct setup *s, uint64_t seed)
{
    int64_t width = (int64_t)s->layer.n_kv_heads * s->layer.head_dim;
    float *k = take((size_t)width, sizeof *k), *v = take((size_t)width, sizeof *v);
    memset(s->layer.data, 0xff, s->bytes); /* NaN where nothing is stored */
    random_state = seed;
    for (int64_t pos = 0; pos < s->n_pos; pos++) {
        static const float sizes[] = {1,      1, 0,    3,
                                      1e-38f, 1, 1e-6f}; /* the tiny ones test the scales of q8_0 */
        float size = sizes[pos % 7] * (float)uniform(0, 2), middle = pos % 7 == 4 ? 0 : 0.5f;
        for (int64_t i = 0; i < width; i++) {
            k[i] = size * (float)uniform(-1, 1);
            v[i] = size * (float)uniform(-1, 1) + middle;
        }
        kern->kv_store[s->layer.type](&s->layer, s->table, pos, k, v);
    }
    free(k);
    free(v);
}

static void setup_init(struct setup *s, const struct shape *shape, enum mica_kv_type type)
{
    *s = (struct setup){.shape = *shape};
    s->layer =
        (struct mica_kv_layer){.type = type, .n_kv_heads = shape->n_kv_heads, .head_dim = shape->head_dim};
    mica_kv_layer_sizes(&s->layer);
    s->n_pos = shape->pos0 + shape->n_q;
    int n_blocks = (int)((s->n_pos + MICA_KV_BLOCK - 1) / MICA_KV_BLOCK);
    s->bytes = (size_t)(n_blocks + 3) * s->layer.block_bytes;
    s->layer.data = take(s->bytes, 1);
    s->table = take((size_t)n_blocks, sizeof *s->table);
    for (int i = 0; i < n_blocks; i++) { /* shuffled, blocks 0 to 2 unused */
        int j = (int)uniform(0, i + 1);
        s->table[i] = s->table[j];
        s->table[j] = i + 3;
    }
    s->ld = (int64_t)shape->n_heads * shape->head_dim + 16;
    size_t n = (size_t)(s->ld * shape->n_q);
    s->q = take(n, sizeof *s->q);
    s->out = take(n, sizeof *s->out);
    s->want = take(n, sizeof *s->want);
    for (size_t i = 0; i < n; i++)
        s->q[i] = (float)uniform(-3, 3);
    s->scale = 1.0f / sqrtf((float)shape->head_dim);
    s->scratch_bytes = mica_attention_scratch(shape->head_dim, shape->n_heads, shape->n_kv_heads);
    s->scratch = take(s->scratch_bytes + 64, 1);
}

static void setup_release(struct setup *s)
{
    free(s->layer.data);
    free(s->table);
    free(s->q);
    free(s->out);
    free(s->want);
    free(s->scratch);
}

/* Runs queries [i0, i1) of the chunk, in one call per KV head or in one per part of its heads. */
static void attend(const struct mica_kern *kern, struct setup *s, int64_t i0, int64_t i1, int heads_per_call,
                   float *out)
{
    int group = s->shape.n_heads / s->shape.n_kv_heads;
    memset(s->scratch, 0xff, s->scratch_bytes + 64);
    for (int h = 0; h < s->shape.n_kv_heads; h++) {
        struct mica_attention args = {.layer = &s->layer,
                                      .block_table = s->table,
                                      .pos0 = s->shape.pos0 + i0,
                                      .n_q = i1 - i0,
                                      .ld = s->ld,
                                      .n_heads = s->shape.n_heads,
                                      .kv_head = h,
                                      .scale = s->scale,
                                      .softcap = s->shape.softcap,
                                      .window = s->shape.window,
                                      .q = s->q + i0 * s->ld,
                                      .out = out + i0 * s->ld,
                                      .scratch = s->scratch};
        for (int head = 0; head < group; head += heads_per_call) {
            args.head0 = head;
            args.head1 = head + heads_per_call < group ? head + heads_per_call : head ? group : 0;
            kern->attention[s->layer.type](&args);
        }
    }
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(((uint8_t *)s->scratch)[s->scratch_bytes + i], 0xff);
}

static void reset_output(struct setup *s, float *out)
{
    for (int64_t i = 0; i < s->ld * s->shape.n_q; i++)
        out[i] = 777.0f;
}

static void same_output(const struct setup *s, const char *what, const char *name)
{
    for (int64_t i = 0; i < s->ld * s->shape.n_q; i++)
        if (memcmp(&s->out[i], &s->want[i], sizeof(float)) != 0)
            fail_msg(
                "%s, %s: type %d D %d heads %d/%d pos0 %d n_q %d window %d: query %d element %d: %a, not %a",
                name, what, (int)s->layer.type, s->shape.head_dim, s->shape.n_heads, s->shape.n_kv_heads,
                (int)s->shape.pos0, (int)s->shape.n_q, (int)s->shape.window, (int)(i / s->ld),
                (int)(i % s->ld), s->out[i], s->want[i]);
}

/* Element d of K or V at pos, read as kern.h lays it out. */
static double stored(const struct setup *s, int64_t pos, int head, int d, bool is_v)
{
    const struct mica_kv_layer *l = &s->layer;
    const uint8_t *base =
        l->data + (size_t)s->table[pos / 32] * l->block_bytes + (size_t)head * l->head_bytes;
    int dim = l->head_dim, j = (int)(pos % 32), block = d / 32;
    int k_code = d / 4 * 64 + j % 16 * 4 + d % 4, k_wide = (j / 16) * dim * 16 + d * 16 + j % 16;
    if (is_v)
        base += l->k_bytes;
    if (l->type == MICA_KV_F32)
        return ((const float *)base)[is_v ? j * dim + d : k_wide];
    const uint16_t *wide = (const uint16_t *)base;
    if (l->type == MICA_KV_F16)
        return mica_f16_to_f32(is_v ? wide[j * dim + d] : wide[k_wide]);
    if (is_v)
        return (double)(int8_t)base[j * dim + d] *
               mica_f16_to_f32(((const uint16_t *)(base + 32 * dim))[j * (dim / 32) + block]);
    base += (j / 16) * (dim * 16 + dim);
    return ((double)base[k_code] - 128) *
           mica_f16_to_f32(((const uint16_t *)(base + dim * 16))[block * 16 + j % 16]);
}

/* The query as the type's kernel sees it. */
static void exact_query(const struct setup *s, const float *q, double *out)
{
    int dim = s->layer.head_dim;
    for (int d0 = 0; d0 < dim; d0 += 32) {
        float amax = 0;
        for (int d = d0; d < d0 + 32; d++)
            amax = fmaxf(amax, fabsf(q[d]));
        float inv = 127.0f / amax;
        for (int d = d0; d < d0 + 32; d++)
            out[d] = s->layer.type != MICA_KV_Q8_0 ? q[d] : (double)rintf(q[d] * inv) * (amax / 127.0f);
    }
}

static void check_exact(const struct setup *s, int64_t i, int head, const float *got)
{
    int dim = s->layer.head_dim, kv = head / (s->shape.n_heads / s->shape.n_kv_heads);
    int64_t pos = s->shape.pos0 + i, lo = 0;
    if (s->shape.window && pos - s->shape.window + 1 > 0)
        lo = pos - s->shape.window + 1;
    double q[512], *score = take((size_t)pos + 1, sizeof *score), max = -INFINITY, total = 0, error = 0;
    exact_query(s, s->q + i * s->ld + (int64_t)head * dim, q);
    for (int64_t j = lo; j <= pos; j++) {
        double dot = 0, size = 0;
        for (int d = 0; d < dim; d++) {
            double term = q[d] * stored(s, j, kv, d, false);
            dot += term;
            size += fabs(term);
        }
        error = fmax(error, size * s->scale);
        score[j] = dot * s->scale;
        if (s->shape.softcap > 0)
            score[j] = s->shape.softcap * tanh(score[j] / s->shape.softcap);
        max = fmax(max, score[j]);
    }
    for (int64_t j = lo; j <= pos; j++)
        total += score[j] = exp(score[j] - max);
    /* A dot of D terms is off by at most D ulp of the sum of sizes, which exp makes relative; the sums over
     * positions and the merges add a few hundred ulp of Σ p·|v| at most. */
    double relative = (2 * (dim + 8) * error + 3 * (double)(pos - lo + 1) + 400) * 0x1p-24;
    for (int d = 0; d < dim; d++) {
        double want = 0, size = 0;
        for (int64_t j = lo; j <= pos; j++) {
            double v = stored(s, j, kv, d, true);
            want += score[j] / total * v;
            size += score[j] / total * fabs(v);
        }
        if (!(fabs(got[d] - want) <= relative * size))
            fail_msg("type %d D %d pos %d head %d [%d]: %.9g, exact %.17g ± %g", (int)s->layer.type, dim,
                     (int)pos, head, d, got[d], want, relative * size);
    }
    free(score);
}

static void test_ref(void **state)
{
    (void)state;
    const struct mica_kern *kern = mica_kern_named("ref");
    for (size_t c = 0; c < MICA_COUNT(shapes) * MICA_KV_COUNT; c++) {
        struct setup s;
        setup_init(&s, &shapes[c / MICA_KV_COUNT], (enum mica_kv_type)(c % MICA_KV_COUNT));
        store_sequence(kern, &s, c);
        attend(kern, &s, 0, s.shape.n_q, ALL_HEADS, s.out);
        for (int n = 0; n < 6; n++) {
            int64_t i = n ? (int64_t)uniform(0, (double)s.shape.n_q) : s.shape.n_q - 1;
            int head = (int)uniform(0, s.shape.n_heads);
            check_exact(&s, i, head, s.out + i * s.ld + (int64_t)head * s.layer.head_dim);
        }
        setup_release(&s);
    }
}

static void test_stored_values(void **state)
{
    (void)state;
    for (int type = 0; type < MICA_KV_COUNT; type++) {
        struct setup s;
        setup_init(&s, &shapes[6], (enum mica_kv_type)type);
        s.n_pos = 0;
        store_sequence(mica_kern_named("ref"), &s, 1);
        float k[192], v[192];
        for (int i = 0; i < 192; i++) {
            k[i] = (float)uniform(-2, 2);
            v[i] = (float)uniform(-2, 2);
        }
        mica_kern_named("ref")->kv_store[type](&s.layer, s.table, 53, k, v);
        for (int i = 0; i < 192; i++) {
            int head = i / 96, d = i % 96;
            double bound = type == MICA_KV_F32   ? 0
                           : type == MICA_KV_F16 ? 0x1p-11
                                                 : 2.0 / 127 * 0.51 + 2 * 0x1p-10;
            assert_true(fabs(stored(&s, 53, head, d, false) - k[i]) <= bound);
            assert_true(fabs(stored(&s, 53, head, d, true) - v[i]) <= bound);
        }
        setup_release(&s);
    }
}

/* The codes of q8_0 are those of mica_quantize, whatever the numbers. */
static void test_codes(void **state)
{
    (void)state;
    static const float firsts[] = {1, 0, 1e-38f, 1e-44f, 3e38f, INFINITY, -INFINITY, NAN};
    for (size_t c = 0; c < MICA_COUNT(variants) * MICA_COUNT(firsts); c++) {
        const struct mica_kern *kern = mica_kern_named(variants[c / MICA_COUNT(firsts)]);
        if (!kern)
            continue;
        struct setup s;
        setup_init(&s, &shapes[4], MICA_KV_Q8_0);
        float x[32];
        for (int i = 0; i < 32; i++)
            x[i] = firsts[c % MICA_COUNT(firsts)] * (i ? (float)uniform(-1, 1) : 1);
        struct mica_act_block want;
        mica_kern_named("ref")->quantize(x, 32, &want);
        kern->kv_store[MICA_KV_Q8_0](&s.layer, s.table, 0, x, x);
        const uint8_t *k = s.layer.data + (size_t)s.table[0] * s.layer.block_bytes, *v = k + s.layer.k_bytes;
        for (int i = 0; i < 32; i++)
            if ((int)k[i / 4 * 64 + i % 4] - 128 != want.q[i] || (int8_t)v[i] != want.q[i])
                fail_msg("%s, row %zu [%d]: %d %d, not %d", kern->name, c, i, k[i / 4 * 64 + i % 4] - 128,
                         (int8_t)v[i], want.q[i]);
        uint16_t scale = mica_f32_to_f16(want.d);
        assert_memory_equal(k + 512, &scale, 2);
        assert_memory_equal(v + 1024, &scale, 2);
        setup_release(&s);
    }
}

/* Each variant: what it stores and what it computes equal the reference's bytes, in any chunks. */
static void check_case(const struct shape *shape, enum mica_kv_type type, uint64_t seed)
{
    struct setup s;
    setup_init(&s, shape, type);
    const struct mica_kern *ref = mica_kern_named("ref");
    store_sequence(ref, &s, seed);
    reset_output(&s, s.want);
    attend(ref, &s, 0, shape->n_q, ALL_HEADS, s.want);
    uint8_t *memory = take(s.bytes, 1);
    memcpy(memory, s.layer.data, s.bytes);
    for (size_t v = 0; v < MICA_COUNT(variants); v++) {
        const struct mica_kern *kern = mica_kern_named(variants[v]);
        if (!kern)
            continue;
        store_sequence(kern, &s, seed);
        if (memcmp(memory, s.layer.data, s.bytes) != 0)
            fail_msg("%s stores other bytes: type %d D %d", variants[v], (int)type, shape->head_dim);
        reset_output(&s, s.out);
        if (v != 0)
            attend(kern, &s, 0, shape->n_q, ALL_HEADS, s.out);
        else /* the reference has no chunks: one query at a time stands for all */
            for (int64_t i = 0; i < shape->n_q; i++)
                attend(kern, &s, i, i + 1, ALL_HEADS, s.out);
        same_output(&s, "whole chunk", variants[v]);
        if (v == 0)
            continue;
        reset_output(&s, s.out);
        for (int64_t i = 0, next; i < shape->n_q; i = next) {
            next = i + 1 + (int64_t)(uniform(0, 1) * uniform(0, 40));
            next = next < shape->n_q ? next : shape->n_q;
            attend(kern, &s, i, next, 1 + (int)uniform(0, 5), s.out);
        }
        same_output(&s, "random chunks", variants[v]);
    }
    free(memory);
    setup_release(&s);
}

static void test_variants(void **state)
{
    (void)state;
    for (size_t c = 0; c < MICA_COUNT(shapes) * MICA_KV_COUNT; c++)
        check_case(&shapes[c / MICA_KV_COUNT], (enum mica_kv_type)(c % MICA_KV_COUNT), c);
}

static void test_variants_random(void **state)
{
    (void)state;
    random_state = 99;
    for (int c = 0; c < 60; c++) {
        struct shape shape = {.head_dim = 32 * (1 + (int)uniform(0, 6)),
                              .n_kv_heads = 1 + (int)uniform(0, 2)};
        shape.n_heads = shape.n_kv_heads * (1 + (int)uniform(0, 9));
        shape.pos0 = (int64_t)(uniform(0, 1) * uniform(0, 1100));
        shape.n_q = 1 + (int64_t)(uniform(0, 1) * uniform(0, 40));
        shape.window = c % 3 ? 0 : 1 + (int64_t)(uniform(0, 1) * uniform(0, 700));
        shape.softcap = c % 4 == 1 ? (float)uniform(1, 50) : 0;
        uint64_t keep = random_state;
        check_case(&shape, (enum mica_kv_type)(c % 2), (uint64_t)c);
        random_state = keep;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stored_values),
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_ref),
        cmocka_unit_test(test_variants),
        cmocka_unit_test(test_variants_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
