/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* How fast attention and the float rows run on one thread. Attention counts only the products that a causal
 * mask leaves, as a share of the FMA peak of the instruction set measured in the same run; decoding also
 * shows the bytes of K and V it reads per second. Usage: attn_bench [seconds per row [ref]] */
#include "kern/limits.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* other programs take turns on this CPU */
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double seconds = 0.1;

static void *take(size_t n)
{
    void *p = aligned_alloc(64, (n + 63) / 64 * 64);
    if (!p)
        exit(1);
    memset(p, 0, n);
    return p;
}

struct shape {
    const char *name;
    int head_dim, n_heads, n_kv_heads;
    int64_t pos0, n_q;
};
static const struct shape shapes[] = {
    {"prefill SmolLM2", 64, 9, 3, 0, 512}, {"prefill SmolLM2", 64, 9, 3, 512, 512},
    {"prefill Qwen", 64, 14, 2, 0, 512},   {"prefill Gemma", 256, 4, 1, 0, 512},
    {"prefill Llama", 128, 32, 8, 0, 512}, {"decode SmolLM2", 64, 9, 3, 511, 1},
    {"decode SmolLM2", 64, 9, 3, 8191, 1}, {"decode Qwen", 64, 14, 2, 2047, 1},
    {"decode Gemma", 256, 4, 1, 2047, 1},  {"decode Llama", 128, 32, 8, 2047, 1},
    {"decode MHA", 64, 12, 12, 2047, 1},   {"speculate SmolLM2", 64, 9, 3, 2047, 5},
};

/* The least time that one call per KV head takes. */
static double time_attention(const struct mica_kern *kern, struct mica_attention *args)
{
    double least = 1e9, stop = now() + seconds;
    do {
        double start = now();
        for (args->kv_head = 0; args->kv_head < args->layer->n_kv_heads; args->kv_head++)
            kern->attention[args->layer->type](args);
        double took = now() - start;
        least = took < least ? took : least;
    } while (now() < stop);
    return least;
}

static void bench_attention(const struct mica_kern *kern, double best, const struct shape *shape, int type)
{
    struct mica_kv_layer layer = {
        .type = (enum mica_kv_type)type, .n_kv_heads = shape->n_kv_heads, .head_dim = shape->head_dim};
    mica_kv_layer_sizes(&layer);
    int64_t n_pos = shape->pos0 + shape->n_q, n_blocks = (n_pos + MICA_KV_BLOCK - 1) / MICA_KV_BLOCK;
    int64_t ld = (int64_t)shape->n_heads * shape->head_dim;
    layer.data = take((size_t)n_blocks * layer.block_bytes);
    int32_t *table = take((size_t)n_blocks * sizeof *table);
    for (int64_t i = 0; i < n_blocks; i++)
        table[i] = (int32_t)i;
    float *q = take((size_t)(ld * shape->n_q) * sizeof *q),
          *out = take((size_t)(ld * shape->n_q) * sizeof *out);
    for (int64_t i = 0; i < ld * shape->n_q; i++)
        q[i] = (float)(rand() % 2001 - 1000) * 1e-3f;
    double start = now();
    for (int64_t pos = 0; pos < n_pos; pos++)
        kern->kv_store[type](&layer, table, pos, q + (pos % shape->n_q) * ld, q + (pos % shape->n_q) * ld);
    double store = (now() - start) / (double)n_pos;
    struct mica_attention args = {.layer = &layer,
                                  .block_table = table,
                                  .pos0 = shape->pos0,
                                  .n_q = shape->n_q,
                                  .ld = ld,
                                  .n_heads = shape->n_heads,
                                  .scale = 0.125f,
                                  .q = q,
                                  .out = out};
    args.scratch = take(mica_attention_scratch(shape->head_dim, shape->n_heads, shape->n_kv_heads));
    double least = time_attention(kern, &args), pairs = 0;
    for (int64_t i = 0; i < shape->n_q; i++)
        pairs += (double)(shape->pos0 + i + 1);
    double flops = 4.0 * pairs * shape->head_dim * shape->n_heads;
    double bytes = (double)n_pos / MICA_KV_BLOCK * (double)layer.block_bytes;
    printf("%-7s %-18s %-5s D %3d  pos0 %5d  n_q %3d  %9.1f us  %7.1f GFLOPS", kern->name, shape->name,
           type == MICA_KV_F16 ? "f16" : "q8_0", shape->head_dim, (int)shape->pos0, (int)shape->n_q,
           least * 1e6, flops / least * 1e-9);
    if (best > 0)
        printf(" %5.1f%% of peak", 100 * flops / least / best);
    if (shape->n_q <= 8)
        printf("  %6.1f GB/s", bytes / least * 1e-9);
    printf("  store %.2f us\n", store * 1e6);
    free(layer.data);
    free(table);
    free(q);
    free(out);
    free(args.scratch);
}

enum { VOCAB = 151936 };

struct buffers {
    float x[VOCAB], y[VOCAB], z[VOCAB];
    float sink;
};
static void row_max(const struct mica_kern *kern, struct buffers *b)
{
    b->sink = kern->max(b->x, VOCAB);
}
static void row_sum_exp(const struct mica_kern *kern, struct buffers *b)
{
    b->sink = kern->sum_exp(b->x, 10, VOCAB);
}
static void row_softmax(const struct mica_kern *kern, struct buffers *b)
{
    kern->softmax(b->x, VOCAB, b->z);
}
static void row_softcap(const struct mica_kern *kern, struct buffers *b)
{
    kern->softcap(b->x, 30, VOCAB, b->z);
}
static void row_silu_mul(const struct mica_kern *kern, struct buffers *b)
{
    kern->silu_mul(b->x, b->y, 1536, b->z);
}
static void row_gelu_mul(const struct mica_kern *kern, struct buffers *b)
{
    kern->gelu_mul(b->x, b->y, 6912, b->z);
}
static void row_rms_norm(const struct mica_kern *kern, struct buffers *b)
{
    kern->rms_norm(b->x, b->y, 576, 1e-5f, b->z);
}
static void row_rope(const struct mica_kern *kern, struct buffers *b)
{
    memcpy(b->z, b->x, 64 * sizeof(float));
    kern->rope(b->z, b->y, 32, true);
}
static const struct {
    const char *name;
    void (*run)(const struct mica_kern *kern, struct buffers *b);
} row_cases[] = {
    {"max 151936", row_max},         {"sum_exp 151936", row_sum_exp}, {"softmax 151936", row_softmax},
    {"softcap 151936", row_softcap}, {"silu_mul 1536", row_silu_mul}, {"gelu_mul 6912", row_gelu_mul},
    {"rms_norm 576", row_rms_norm},  {"rope 64", row_rope},
};

static void bench_rows(const struct mica_kern *kern)
{
    struct buffers *b = take(sizeof *b);
    for (int i = 0; i < VOCAB; i++)
        b->x[i] = b->y[i] = (float)(rand() % 2001 - 1000) * 1e-2f;
    for (size_t c = 0; c < sizeof row_cases / sizeof *row_cases; c++) {
        double least = 1e9, stop = now() + seconds;
        do {
            double start = now();
            for (int i = 0; i < 20; i++)
                row_cases[c].run(kern, b);
            double took = (now() - start) / 20;
            least = took < least ? took : least;
        } while (now() < stop);
        printf("%-7s %-18s %9.3f us\n", kern->name, row_cases[c].name, least * 1e6);
    }
    free(b);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        seconds = atof(argv[1]);
    static const char *const isas[] = {"avx512", "avx2", "ref"};
    for (int i = 0; i < 3; i++) {
        const struct mica_kern *kern = mica_kern_named(isas[i]);
        if (!kern || (i == 2 && argc < 3))
            continue;
        struct mica_limits limits;
        if (mica_limits_measure(kern, NULL, &limits, NULL))
            return 9;
        double best = limits.f32_flops;
        printf("%-7s FMA peak %.1f GFLOPS\n", isas[i], best * 1e-9);
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            for (int type = 0; type < MICA_KV_F32; type++)
                bench_attention(kern, best, &shapes[s], type);
        bench_rows(kern);
    }
    return 0;
}
