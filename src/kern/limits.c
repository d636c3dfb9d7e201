/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/limits.h"
#include "base/mem.h"

#include <string.h>
#include <time.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
    ROUNDS = 20000,
    CHAINS = 12,
    REPEATS = 30,
    READ_CHUNK = 512 << 10,
    READ_BYTES = 256 << 20,
    READ_AHEAD = 32 << 10,
    READ_REPEATS = 5
};

/* Each loop keeps CHAINS independent accumulators busy; the empty asm keeps the compiler from folding them.
 */
typedef void loop_fn(int64_t rounds);

#if defined(__x86_64__)
#define UNROLL _Pragma("GCC unroll 12")
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vnni"), noinline))
#define AVX2   __attribute__((target("avx2,fma"), noinline))

AVX512 static void int8_avx512(int64_t rounds)
{
    __m512i acc[CHAINS], a = _mm512_set1_epi8(1), b = _mm512_set1_epi8(3);
    UNROLL for (int i = 0; i < CHAINS; i++) acc[i] = a;
    for (int64_t j = 0; j < rounds; j++)
        UNROLL for (int i = 0; i < CHAINS; i++)
        {
            acc[i] = _mm512_dpbusd_epi32(acc[i], a, b);
            __asm__ volatile("" : "+v"(acc[i]));
        }
}

AVX512 static void f32_avx512(int64_t rounds)
{
    __m512 acc[CHAINS], a = _mm512_set1_ps(0.5f);
    UNROLL for (int i = 0; i < CHAINS; i++) acc[i] = a;
    for (int64_t j = 0; j < rounds; j++)
        UNROLL for (int i = 0; i < CHAINS; i++)
        {
            acc[i] = _mm512_fmadd_ps(acc[i], a, a);
            __asm__ volatile("" : "+v"(acc[i]));
        }
}

AVX2 static void int8_avx2(int64_t rounds)
{
    __m256i acc[CHAINS], a = _mm256_set1_epi8(1), b = _mm256_set1_epi8(3), one = _mm256_set1_epi16(1);
    UNROLL for (int i = 0; i < CHAINS; i++) acc[i] = a;
    for (int64_t j = 0; j < rounds; j++)
        UNROLL for (int i = 0; i < CHAINS; i++)
        {
            __m256i p = _mm256_maddubs_epi16(a, b);
            __asm__ volatile("" : "+x"(p));
            acc[i] = _mm256_add_epi32(acc[i], _mm256_madd_epi16(p, one));
            __asm__ volatile("" : "+x"(acc[i]));
        }
}

AVX2 static void f32_avx2(int64_t rounds)
{
    __m256 acc[CHAINS], a = _mm256_set1_ps(0.5f);
    UNROLL for (int i = 0; i < CHAINS; i++) acc[i] = a;
    for (int64_t j = 0; j < rounds; j++)
        UNROLL for (int i = 0; i < CHAINS; i++)
        {
            acc[i] = _mm256_fmadd_ps(acc[i], a, a);
            __asm__ volatile("" : "+x"(acc[i]));
        }
}
#endif

static void int8_ref(int64_t rounds)
{
    int32_t acc[CHAINS] = {0};
    for (int64_t j = 0; j < rounds; j++)
        for (int i = 0; i < CHAINS; i++) {
            acc[i] += 3 * (int8_t)j;
            __asm__ volatile("" : "+r"(acc[i]));
        }
}

static void f32_ref(int64_t rounds)
{
    float acc[CHAINS] = {0};
    for (int64_t j = 0; j < rounds; j++)
        for (int i = 0; i < CHAINS; i++) {
            acc[i] = acc[i] * 0.5f + 0.5f;
            __asm__ volatile("" : "+r"(acc[i]));
        }
}

static const struct loops {
    const char *isa;
    loop_fn *int8, *f32;
    int int8_ops, f32_flops; /* per accumulator and round */
} loops[] = {
#if defined(__x86_64__)
    {"avx512", int8_avx512, f32_avx512, 2 * 64, 2 * 16},
    {"avx2", int8_avx2, f32_avx2, 2 * 32, 2 * 8},
#endif
    {"ref", int8_ref, f32_ref, 2, 2},
};

static void run_loop(void *arg, int64_t begin, int64_t end, int thread)
{
    loop_fn *const *loop = arg;
    while (begin++ < end)
        (*loop)(ROUNDS);
}

struct read_job {
    const uint8_t *data;
    volatile uint64_t sink; /* so that reading is not optimised away */
};

static void run_read(void *arg, int64_t begin, int64_t end, int thread)
{
    struct read_job *job = arg;
    const uint64_t *from = (const uint64_t *)(job->data + begin * READ_CHUNK);
    uint64_t sums[8] = {0};
    for (int64_t i = 0; i < (end - begin) * (READ_CHUNK / 8); i += 8) {
        __builtin_prefetch(from + i + READ_AHEAD / 8); /* past the end it does nothing */
        for (int j = 0; j < 8; j++)
            sums[j] ^= from[i + j];
    }
    job->sink = sums[0] ^ sums[1] ^ sums[2] ^ sums[3] ^ sums[4] ^ sums[5] ^ sums[6] ^ sums[7];
}

static double best_seconds(struct mica_pool *pool, int64_t items, mica_job *job, void *arg, int repeats)
{
    double best = 1e9;
    for (int i = 0; i < repeats; i++) {
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        mica_pool_run(pool, items, 1, job, arg);
        clock_gettime(CLOCK_MONOTONIC, &b);
        double t = (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
        best = t < best ? t : best;
    }
    return best;
}

enum mica_status mica_limits_measure(const struct mica_kern *kern, struct mica_pool *pool,
                                     struct mica_limits *out, struct mica_err *err)
{
    const struct loops *row = loops;
    while (strcmp(row->isa, kern->name) != 0 && strcmp(row->isa, "ref") != 0)
        row++;
    struct read_job read = {mica_pages_alloc(READ_BYTES), 0};
    if (!read.data)
        return mica_fail(err, MICA_ENOMEM, "measuring the memory needs %d bytes", READ_BYTES);
    memset((void *)(uintptr_t)read.data, 1, READ_BYTES);
    int64_t items = 8 * mica_pool_threads(pool);
    double work = (double)items * ROUNDS * CHAINS;
    loop_fn *int8 = row->int8, *f32 = row->f32;
    out->int8_ops = work * row->int8_ops / best_seconds(pool, items, run_loop, &int8, REPEATS);
    out->f32_flops = work * row->f32_flops / best_seconds(pool, items, run_loop, &f32, REPEATS);
    out->memory_bytes =
        READ_BYTES / best_seconds(pool, READ_BYTES / READ_CHUNK, run_read, &read, READ_REPEATS);
    mica_pages_free((void *)(uintptr_t)read.data, READ_BYTES);
    return MICA_OK;
}
