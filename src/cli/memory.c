/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/memory.h"

#include <stdio.h>
#include <string.h>

enum { WORK_BYTES = 30 << 20, BLOCK = 32 /* positions in a block of the KV cache */ };
static const double mib = 1 << 20;

static uint64_t add_capped(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

void mica_cli_need(const struct mica_model_info *info, const struct mica_session_options *session,
                   struct mica_need *out)
{
    const int64_t usual = 4096;
    int64_t ctx = session->ctx ? session->ctx : info->n_ctx < usual ? info->n_ctx : usual;
    *out = (struct mica_need){
        .ctx = ctx, .cache = session->cache, .weights = info->weight_bytes, .work = WORK_BYTES};
    if (__builtin_mul_overflow(info->kv_bytes_per_token[session->cache], (uint64_t)ctx, &out->kv))
        out->kv = UINT64_MAX;
    out->total = add_capped(out->kv, out->weights + out->work);
}

/* Tokens whose KV cache fits in what the rest leaves, in whole blocks. */
static int64_t largest_ctx(const struct mica_model_info *info, enum mica_cache cache, uint64_t available,
                           uint64_t rest)
{
    uint64_t per_token = info->kv_bytes_per_token[cache];
    if (rest >= available)
        return 0;
    uint64_t tokens = per_token ? (available - rest) / per_token : UINT64_MAX;
    return tokens >= (uint64_t)info->n_ctx ? info->n_ctx : (int64_t)(tokens / BLOCK * BLOCK);
}

void mica_cli_fit(const struct mica_model_info *info, const struct mica_session_options *session,
                  struct mica_fit *out)
{
    *out = (struct mica_fit){0};
    mica_cli_need(info, session, &out->need);
    mica_memory_available("", &out->memory);
    /* The mapped file takes no memory of its own, but it counts in a limit on address space. */
    uint64_t mapped = out->memory.address_space;
    mapped = mapped > info->file_bytes ? mapped - info->file_bytes : 0;
    if (out->memory.address_space != UINT64_MAX && mapped < out->memory.available) {
        out->memory.available = mapped;
        out->memory.limited_by = "ulimit";
    }
    for (int i = 0; i < (int)MICA_COUNT(out->largest_ctx); i++)
        out->largest_ctx[i] =
            largest_ctx(info, (enum mica_cache)i, out->memory.available, out->need.weights + out->need.work);
    out->fits = out->need.total <= out->memory.available;
}

void mica_cli_fit_advice(const struct mica_fit *fit, char *out, size_t size)
{
    const struct mica_need *need = &fit->need;
    int64_t q8_0 = fit->largest_ctx[MICA_CACHE_Q8_0], same = fit->largest_ctx[need->cache];
    *out = '\0';
    if (fit->fits)
        return;
    if (need->cache != MICA_CACHE_Q8_0 && q8_0 >= need->ctx)
        snprintf(out, size, "use --kv q8_0");
    else if (same > 0 && q8_0 > same)
        snprintf(out, size, "use a context of %lld tokens (--ctx %lld), or of %lld with --kv q8_0",
                 (long long)same, (long long)same, (long long)q8_0);
    else if (q8_0 > 0)
        snprintf(out, size, "use --kv q8_0 with a context of %lld tokens (--ctx %lld)", (long long)q8_0,
                 (long long)q8_0);
    else
        snprintf(out, size, "take a smaller quantisation or a smaller model, or free memory (limit: %s)",
                 fit->memory.limited_by);
}

enum mica_status mica_cli_fit_check(const struct mica_fit *fit, struct mica_err *err)
{
    char advice[160];
    mica_cli_fit_advice(fit, advice, sizeof advice);
    return fit->fits
               ? MICA_OK
               : mica_fail(err, MICA_ELIMIT,
                           "the model needs about %.0f MiB of memory for %lld tokens, but only %.0f MiB are "
                           "available: %s",
                           (double)fit->need.total / mib, (long long)fit->need.ctx,
                           (double)fit->memory.available / mib, advice);
}

enum mica_status mica_cli_fit_size(uint64_t file_bytes, struct mica_err *err)
{
    struct mica_memory memory;
    uint64_t need = add_capped(file_bytes, WORK_BYTES);
    mica_memory_available("", &memory);
    return need <= memory.available
               ? MICA_OK
               : mica_fail(
                     err, MICA_ELIMIT,
                     "the model needs about %.0f MiB of memory, but only %.0f MiB are available: take a "
                     "smaller quantisation or a smaller model, or free memory (limit: %s)",
                     (double)need / mib, (double)memory.available / mib, memory.limited_by);
}
