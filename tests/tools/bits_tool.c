/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Runs random prompts through one model in every way that must not matter, and compares tokens and
 * log-probabilities as bytes with the plainest way: alone, one thread, the prompt in one piece, a cold cache.
 *   bits_tool MODEL PROMPTS LENGTH NEW [plain]
 * Prints the plain results (with "plain" only those), so that runs under different MICA_ISA can be compared,
 * too. */
#include "base/mem.h"

#include <mica/mica.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PROMPTS = 64, BATCH = 17, N_CACHES = MICA_CACHE_Q8_0 + 1 };

struct way {
    int threads;
    int64_t chunk;
    bool batch, warm;
    enum mica_cache cache;
};

struct prompt {
    int32_t *ids;
    int64_t n;
    uint64_t seed;
};

struct outcome {
    int32_t *tokens;
    double *logprobs;
    int64_t n;
};

struct bench {
    struct mica_files *files;
    struct prompt prompts[MAX_PROMPTS];
    int n_prompts;
    int64_t n_new;
};

static _Noreturn void die(const char *what, const struct mica_err *err)
{
    fprintf(stderr, "%s: %s\n", what, err ? err->text : "");
    exit(1);
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    return z ^ (z >> 31);
}

static void make_prompts(struct bench *bench, int n, int64_t length, int64_t n_vocab)
{
    uint64_t state = 7;
    bench->n_prompts = n;
    for (int i = 0; i < n; i++) {
        struct prompt *p = &bench->prompts[i];
        /* The first is as long as asked for; the others have any length, so that no two agree on chunk
         * borders. */
        p->n = i == 0 ? length : 1 + (int64_t)(next_random(&state) % (uint64_t)length);
        p->ids = calloc((size_t)p->n, sizeof *p->ids);
        p->seed = next_random(&state);
        for (int64_t k = 0; k < p->n; k++)
            p->ids[k] = (int32_t)(next_random(&state) % (uint64_t)n_vocab);
    }
}

/* A session that holds the first part of the prompt already, left over from a longer conversation. */
static int64_t warm_up(struct mica_engine *engine, struct mica_session *session, const struct prompt *p)
{
    struct mica_request request = {.session = session, .prompt = p->ids, .n_prompt = p->n, .max_tokens = 2};
    struct mica_result result;
    struct mica_err err;
    int64_t keep = p->n / 2;
    mica_sampling_default(&request.sampling);
    if (mica_generate(engine, &request, 1, &result, &err) != MICA_OK || result.status != MICA_OK)
        die("warming up", &result.err);
    mica_result_release(&result);
    mica_session_truncate(session, keep);
    return keep;
}

/* Prompts [first, first + n) together. */
static void run_together(struct mica_engine *engine, const struct bench *bench, const struct way *way,
                         int first, int n, struct outcome *out)
{
    struct mica_request requests[MAX_PROMPTS] = {0};
    struct mica_result results[MAX_PROMPTS];
    struct mica_err err;
    for (int i = 0; i < n; i++) {
        const struct prompt *p = &bench->prompts[first + i];
        struct mica_session_options options = {.ctx = p->n + bench->n_new + 1, .cache = way->cache};
        if (mica_session_open(engine, &options, &requests[i].session, &err) != MICA_OK)
            die("session", &err);
        int64_t kept = way->warm ? warm_up(engine, requests[i].session, p) : 0;
        requests[i].prompt = p->ids + kept;
        requests[i].n_prompt = p->n - kept;
        requests[i].max_tokens = bench->n_new;
        requests[i].ignore_end = true;
        mica_sampling_default(&requests[i].sampling);
        requests[i].sampling.temperature = 0.9;
        requests[i].sampling.top_k = 50;
        requests[i].sampling.seed = p->seed;
    }
    if (mica_generate(engine, requests, n, results, &err) != MICA_OK)
        die("generate", &err);
    for (int i = 0; i < n; i++) {
        if (results[i].status != MICA_OK)
            die("generate", &results[i].err);
        size_t count = (size_t)results[i].n_tokens;
        out[first + i].n = results[i].n_tokens;
        out[first + i].tokens =
            memcpy(malloc(count * sizeof(int32_t)), results[i].tokens, count * sizeof(int32_t));
        out[first + i].logprobs =
            memcpy(malloc(count * sizeof(double)), results[i].logprobs, count * sizeof(double));
        mica_result_release(&results[i]);
        mica_session_close(requests[i].session);
    }
}

static struct mica_engine *load(const struct bench *bench, const struct way *way)
{
    struct mica_engine_options options = {.threads = way->threads, .chunk = way->chunk};
    struct mica_engine *engine;
    struct mica_err err;
    mica_files_allow_unregistered(bench->files, "bits");
    if (mica_engine_load(bench->files, &options, &engine, &err) != MICA_OK)
        die("load", &err);
    return engine;
}

static void run_way(struct mica_engine *engine, const struct bench *bench, const struct way *way,
                    struct outcome *out)
{
    int step = way->batch ? BATCH : 1;
    for (int first = 0; first < bench->n_prompts; first += step)
        run_together(engine, bench, way, first,
                     bench->n_prompts - first < step ? bench->n_prompts - first : step, out);
}

static void release(struct outcome *out, int n)
{
    for (int i = 0; i < n; i++) {
        free(out[i].tokens);
        free(out[i].logprobs);
        out[i] = (struct outcome){0};
    }
}

static int count_differences(const struct bench *bench, const struct way *way, const struct outcome *plain,
                             const struct outcome *out)
{
    int different = 0;
    for (int i = 0; i < bench->n_prompts; i++) {
        int64_t n = plain[i].n < out[i].n ? plain[i].n : out[i].n, at = 0;
        while (at < n && plain[i].tokens[at] == out[i].tokens[at] &&
               memcmp(&plain[i].logprobs[at], &out[i].logprobs[at], sizeof(double)) == 0)
            at++;
        if (at == plain[i].n && at == out[i].n)
            continue;
        different++;
        fprintf(stderr,
                "DIFFERENT: %d threads, chunk %d, %s, %s, cache %d: prompt %d of %d tokens, at new token %d: "
                "%d %a, not %d %a\n",
                way->threads, (int)way->chunk, way->batch ? "in a batch" : "alone",
                way->warm ? "warm" : "cold", (int)way->cache, i, (int)bench->prompts[i].n, (int)at,
                at < out[i].n ? out[i].tokens[at] : -1, at < out[i].n ? out[i].logprobs[at] : 0,
                at < plain[i].n ? plain[i].tokens[at] : -1, at < plain[i].n ? plain[i].logprobs[at] : 0);
    }
    return different;
}

/* Every way with one engine: caches of both types, alone and in a batch, cold and warm. */
static int try_engine(const struct bench *all, struct way way, struct outcome plain[][MAX_PROMPTS],
                      int *n_ways)
{
    /* A chunk of one token is slow, and holds no batch: fewer prompts do. */
    struct bench some = *all;
    some.n_prompts = way.chunk == 1 && all->n_prompts > 3 ? 3 : all->n_prompts;
    const struct bench *bench = &some;
    struct mica_engine *engine = load(bench, &way);
    struct outcome out[MAX_PROMPTS] = {0};
    int different = 0;
    for (int i = 0; i < 4 * N_CACHES; i++) {
        way.batch = i & 1;
        way.warm = i & 2;
        way.cache = (enum mica_cache)(i / 4);
        run_way(engine, bench, &way, out);
        different += count_differences(bench, &way, plain[way.cache], out);
        release(out, bench->n_prompts);
        ++*n_ways;
    }
    mica_engine_free(engine);
    return different;
}

static int try_all_ways(const struct bench *bench, int64_t length, struct outcome plain[][MAX_PROMPTS],
                        int *n_ways)
{
    const int64_t chunks[] = {1, 7, 64, length + 1};
    int different = 0;
    for (int threads = 1; threads <= 3; threads++)
        for (size_t c = 0; c < MICA_COUNT(chunks); c++) {
            different +=
                try_engine(bench, (struct way){.threads = threads, .chunk = chunks[c]}, plain, n_ways);
        }
    return different;
}

int main(int argc, char **argv)
{
    static struct bench bench;
    static struct outcome plain[N_CACHES][MAX_PROMPTS];
    struct mica_files *files;
    struct mica_model_info info;
    struct mica_err err;
    if (argc < 5 || atoi(argv[2]) < 1 || atoi(argv[2]) > MAX_PROMPTS) {
        fprintf(stderr, "usage: %s MODEL PROMPTS LENGTH NEW [plain]\n", argv[0]);
        return 2;
    }
    int64_t length = atoi(argv[3]);
    bench.n_new = atoi(argv[4]);
    if (mica_files_open(argv[1], &files, &err) != MICA_OK ||
        mica_model_inspect(files, &info, &err) != MICA_OK)
        die(argv[1], &err);
    bench.files = files;
    make_prompts(&bench, atoi(argv[2]), length, info.n_vocab);
    int different = 0, n_ways = 0;
    struct way way = {.threads = 1, .chunk = length + 1};
    struct mica_engine *engine = load(&bench, &way);
    for (int c = 0; c < N_CACHES; c++) {
        way.cache = (enum mica_cache)c;
        run_way(engine, &bench, &way, plain[c]);
        for (int i = 0; i < bench.n_prompts; i++)
            for (int64_t k = 0; k < plain[c][i].n; k++)
                printf("%d %d %" PRId64 ": %d %a\n", c, i, k, plain[c][i].tokens[k], plain[c][i].logprobs[k]);
    }
    mica_engine_free(engine);
    if (argc == 5)
        different = try_all_ways(&bench, length, plain, &n_ways);
    for (int c = 0; c < N_CACHES; c++)
        release(plain[c], bench.n_prompts);
    fprintf(stderr, "%d ways, %d prompts: %d different\n", n_ways, bench.n_prompts, different);
    for (int i = 0; i < bench.n_prompts; i++)
        free(bench.prompts[i].ids);
    mica_files_free(files);
    return different ? 1 : 0;
}
