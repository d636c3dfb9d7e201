/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Times the matrix products: kern_bench [ISA [THREADS [TYPE ...]]]. Each line gives the best of several runs
 * as GOPS (2 per multiply-add) and its share of this machine's int8 peak, and as GB/s of weights read and its
 * share of the memory bandwidth; both limits are measured first, in the same run. Few tokens (M up to 16) run
 * over weights that no cache holds, many tokens over one layer. */
#include "base/mem.h"
#include "base/pool.h"
#include "kern/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_M = 512, GRAIN = 4 };
static const int batch_sizes[] = {1, 2, 3, 4, 6, 8, 12, 16, 64, 512};
static const size_t cold_bytes = (size_t)128 << 20;

static const struct shape {
    enum mica_wtype type;
    int n, k;
} shapes[] = {
    {MICA_W_Q4_1, 1536, 576},   {MICA_W_Q4_1, 576, 1536},  {MICA_W_Q5_0, 4864, 896},
    {MICA_W_Q4_K, 896, 4864},   {MICA_W_Q6_K, 896, 4864},  {MICA_W_Q8_0, 4864, 896},
    {MICA_W_Q4_0, 4864, 896},   {MICA_W_Q5_1, 4864, 896},  {MICA_W_Q5_K, 896, 4864},
    {MICA_W_Q2_K, 896, 4864},   {MICA_W_Q3_K, 896, 4864},  {MICA_W_IQ4_NL, 4864, 896},
    {MICA_W_IQ4_XS, 896, 4864}, {MICA_W_MXFP4, 4864, 896}, {MICA_W_F32, 896, 896},
    {MICA_W_F16, 896, 896},     {MICA_W_BF16, 896, 896},
};

/* One thread is timed by its own clock, so that other processes on the machine disturb it less. */
static clockid_t clock_id = CLOCK_MONOTONIC;

static double now(void)
{
    struct timespec t;
    clock_gettime(clock_id, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double best_time(struct mica_pool *pool, int64_t n, int64_t grain, mica_job *job, void *arg,
                        int repeats)
{
    double best = 1e9;
    for (int i = 0; i < repeats; i++) {
        double t0 = now();
        mica_pool_run(pool, n, grain, job, arg);
        double t = now() - t0;
        best = t < best ? t : best;
    }
    return best;
}

/* ---- products */

struct product {
    const struct mica_kern *kern;
    struct mica_packed w; /* data: of the first of many equal matrices, one after the other */
    const void *act;
    int64_t m;
    float *out;
};

/* Items are the groups of all matrices. */
static void run_product(void *arg, int64_t begin, int64_t end, int thread)
{
    const struct product *p = arg;
    while (begin < end) {
        struct mica_packed w = p->w;
        int64_t matrix = begin / w.n_groups, first = matrix * w.n_groups;
        int64_t stop = end - first < w.n_groups ? end - first : w.n_groups;
        w.data += (size_t)first * w.group_bytes;
        p->kern->matmul[w.type](&w, p->act, p->m, begin - first, stop, p->out, w.n, NULL);
        begin = first + stop;
    }
}

static void bench_shape(const struct mica_kern *kern, struct mica_pool *pool, const struct shape *s,
                        const struct mica_limits *limits, uint8_t *data)
{
    bool floats = s->type <= MICA_W_BF16;
    struct product p = {.kern = kern};
    if (mica_packed_layout(s->type, s->n, s->k, &p.w, NULL))
        return;
    p.w.data = data;
    void *act = mica_alloc((size_t)MAX_M * s->k, floats ? 4 : 2);
    p.act = act;
    p.out = mica_alloc((size_t)MAX_M * s->n, sizeof(float));
    printf("%-7s N %5d K %5d |", mica_wtypes[s->type].name, s->n, s->k);
    for (size_t i = 0; act && p.out && i < MICA_COUNT(batch_sizes); i++) {
        int m = batch_sizes[i];
        p.m = m;
        int64_t n_matrices = m <= 16 ? (int64_t)(cold_bytes / ((size_t)p.w.n_groups * p.w.group_bytes)) : 1;
        double t = best_time(pool, n_matrices * p.w.n_groups, GRAIN, run_product, &p, m <= 16 ? 7 : 15);
        double gops = 2.0 * s->n * s->k * m * n_matrices / t / 1e9;
        double gbps = (double)(n_matrices * p.w.n_groups) * (double)p.w.group_bytes / t / 1e9;
        if (m <= 4)
            printf(" %d: %5.1f GB/s %3.0f%%", m, gbps, 100e9 * gbps / limits->memory_bytes);
        else
            printf(" %d: %4.0f %2.0f%%", m, gops,
                   100e9 * gops / (floats ? limits->f32_flops : limits->int8_ops));
        fflush(stdout);
    }
    printf("\n");
    mica_free(act);
    mica_free(p.out);
}

int main(int argc, char **argv)
{
    const struct mica_kern *kern = argc > 1 ? mica_kern_named(argv[1]) : mica_kern_get();
    struct mica_pool *pool;
    if (!kern || mica_pool_new(argc > 2 ? atoi(argv[2]) : 1, &pool, NULL)) {
        fprintf(stderr, "usage: kern_bench [ref|avx2|avx512 [THREADS [TYPE ...]]]\n");
        return 2;
    }
    if (mica_pool_threads(pool) == 1)
        clock_id = CLOCK_THREAD_CPUTIME_ID;
    uint8_t *data = mica_pages_alloc(cold_bytes);
    if (!data)
        return 9;
    memset(data, 0x3a, cold_bytes); /* ordinary numbers as f16, E8M0 and f32 */
    struct mica_limits limits;
    if (mica_limits_measure(kern, pool, &limits, NULL))
        return 9;
    printf("%s, %d threads: int8 peak %.0f GOPS, f32 peak %.0f GFLOPS, memory %.1f GB/s\n", kern->name,
           mica_pool_threads(pool), limits.int8_ops * 1e-9, limits.f32_flops * 1e-9,
           limits.memory_bytes * 1e-9);
    for (size_t i = 0; i < MICA_COUNT(shapes); i++) {
        bool wanted = argc <= 3;
        for (int j = 3; j < argc; j++)
            wanted = wanted || !strcmp(argv[j], mica_wtypes[shapes[i].type].name);
        if (wanted)
            bench_shape(kern, pool, &shapes[i], &limits, data);
    }
    mica_pages_free(data, cold_bytes);
    mica_pool_free(pool);
    return 0;
}
