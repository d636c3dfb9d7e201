/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Times the matrix products: kern_bench [ISA [THREADS [TYPE ...]]]. Each line gives the best of several runs
 * as GOPS (2 per multiply-add) and its share of this machine's int8 peak, and as GB/s of weights read and its
 * share of the memory bandwidth; both limits are measured first, in the same run. Few tokens (M up to 16) run
 * over weights that no cache holds, many tokens over one layer. */
#include "base/mem.h"
#include "base/pool.h"
#include "kern/kern.h"

#include <immintrin.h>
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

/* ---- the machine's limits */

struct limits {
    double gops, gflops, gbps;
};

#define UNROLL _Pragma("GCC unroll 16")
#define WIDE   __attribute__((target("avx512f,avx512bw,avx512vnni"), noinline))

WIDE static void dot_peak_512(int64_t n)
{
    __m512i acc[16], a = _mm512_set1_epi8(1), b = _mm512_set1_epi8(3);
    UNROLL for (int i = 0; i < 16; i++) acc[i] = a;
    for (int64_t j = 0; j < n; j++)
        UNROLL for (int i = 0; i < 16; i++)
        {
            acc[i] = _mm512_dpbusd_epi32(acc[i], a, b);
            __asm__ volatile("" : "+v"(acc[i]));
        }
}

WIDE static void fma_peak_512(int64_t n)
{
    __m512 acc[16], a = _mm512_set1_ps(0.5f);
    UNROLL for (int i = 0; i < 16; i++) acc[i] = a;
    for (int64_t j = 0; j < n; j++)
        UNROLL for (int i = 0; i < 16; i++)
        {
            acc[i] = _mm512_fmadd_ps(acc[i], a, a);
            __asm__ volatile("" : "+v"(acc[i]));
        }
}

__attribute__((target("avx2"), noinline)) static void dot_peak_256(int64_t n)
{
    __m256i acc[8], a = _mm256_set1_epi8(1), b = _mm256_set1_epi8(3), one = _mm256_set1_epi16(1);
    UNROLL for (int i = 0; i < 8; i++) acc[i] = a;
    for (int64_t j = 0; j < n; j++)
        UNROLL for (int i = 0; i < 8; i++)
        {
            __m256i p = _mm256_maddubs_epi16(a, b);
            __asm__ volatile("" : "+x"(p));
            acc[i] = _mm256_add_epi32(acc[i], _mm256_madd_epi16(p, one));
            __asm__ volatile("" : "+x"(acc[i]));
        }
}

__attribute__((target("avx2,fma"), noinline)) static void fma_peak_256(int64_t n)
{
    __m256 acc[12], a = _mm256_set1_ps(0.5f);
    UNROLL for (int i = 0; i < 12; i++) acc[i] = a;
    for (int64_t j = 0; j < n; j++)
        UNROLL for (int i = 0; i < 12; i++)
        {
            acc[i] = _mm256_fmadd_ps(acc[i], a, a);
            __asm__ volatile("" : "+x"(acc[i]));
        }
}

struct peak_job {
    bool wide, floats;
    int64_t n;
};

static void run_peak(void *arg, int64_t begin, int64_t end, int thread)
{
    const struct peak_job *p = arg;
    for (int64_t i = begin; i < end; i++) {
        if (p->wide)
            (p->floats ? fma_peak_512 : dot_peak_512)(p->n);
        else
            (p->floats ? fma_peak_256 : dot_peak_256)(p->n);
    }
}

struct read_job {
    const uint64_t *data;
    volatile uint64_t sink;
};

__attribute__((target("avx2"))) static void run_read(void *arg, int64_t begin, int64_t end, int thread)
{
    struct read_job *r = arg;
    __m256i sum = _mm256_setzero_si256();
    for (int64_t i = begin * 65536; i < end * 65536; i += 4)
        sum = _mm256_xor_si256(sum, _mm256_loadu_si256((const __m256i *)(r->data + i)));
    r->sink = (uint64_t)_mm256_extract_epi64(sum, 0);
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

static struct limits measure_limits(struct mica_pool *pool, bool wide, uint8_t *data)
{
    struct limits out;
    int64_t items = 16 * mica_pool_threads(pool);
    struct peak_job peak = {wide, false, 20000};
    double t = best_time(pool, items, 1, run_peak, &peak, 100);
    out.gops = (double)(items * peak.n) * (wide ? 16 * 64 : 8 * 32) * 2 / t / 1e9;
    peak.floats = true;
    t = best_time(pool, items, 1, run_peak, &peak, 100);
    out.gflops = (double)(items * peak.n) * (wide ? 16 * 16 : 12 * 8) * 2 / t / 1e9;
    struct read_job read = {.data = (const uint64_t *)data};
    t = best_time(pool, (int64_t)(cold_bytes / 8 / 65536), 4, run_read, &read, 6);
    out.gbps = (double)cold_bytes / t / 1e9;
    return out;
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
                        const struct limits *limits, uint8_t *data)
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
            printf(" %d: %5.1f GB/s %3.0f%%", m, gbps, 100 * gbps / limits->gbps);
        else
            printf(" %d: %4.0f %2.0f%%", m, gops, 100 * gops / (floats ? limits->gflops : limits->gops));
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
    struct limits limits = measure_limits(pool, !strcmp(kern->name, "avx512"), data);
    printf("%s, %d threads: int8 peak %.0f GOPS, f32 peak %.0f GFLOPS, memory %.1f GB/s\n", kern->name,
           mica_pool_threads(pool), limits.gops, limits.gflops, limits.gbps);
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
