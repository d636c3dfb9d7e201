/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Rotary frequencies and their scalings: linear, Llama 3, YaRN (https://arxiv.org/abs/2309.00071) and
 * LongRoPE (https://arxiv.org/abs/2402.13753), as GGUF and HF files state them. */
#include "kern/math.h"
#include "model/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct scaling {
    char type[32];
    double factor, original_ctx, low_freq_factor, high_freq_factor, beta_fast, beta_slow;
    double attention_factor; /* 0: follows from the others */
    double mscale, mscale_all_dim;
    bool truncate; /* YaRN's ramp begins and ends at whole pairs */
    const json_t *long_factor, *short_factor;
};

static double number(const json_t *object, const char *key, double missing)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : missing;
}

static void read_hf(const struct mica_source *src, const char *layer_type, struct scaling *sc, double *base)
{
    const json_t *all = mica_source_hf(src, "rope_parameters"), *own = json_object_get(all, layer_type);
    if (!own)
        own = json_object_get(all, "rope_type") || json_object_get(all, "rope_theta") ? all : NULL;
    if (!own && strcmp(layer_type, "full_attention") == 0)
        own = mica_source_hf(src, "rope_scaling");
    if (!own)
        return;
    const char *type = json_string_value(json_object_get(own, "rope_type"));
    if (!type)
        type = json_string_value(json_object_get(own, "type"));
    snprintf(sc->type, sizeof sc->type, "%s", type ? type : "default");
    *base = number(own, "rope_theta", *base);
    sc->original_ctx = number(own, "original_max_position_embeddings", sc->original_ctx);
    /* Phi-3 states it beside rope_parameters, and there it counts. */
    const json_t *original = mica_source_hf(src, "original_max_position_embeddings");
    if (json_is_number(original))
        sc->original_ctx = json_number_value(original);
    sc->factor = number(own, "factor", 0);
    sc->low_freq_factor = number(own, "low_freq_factor", 1);
    sc->high_freq_factor = number(own, "high_freq_factor", 4);
    sc->beta_fast = number(own, "beta_fast", 32);
    sc->beta_slow = number(own, "beta_slow", 1);
    sc->attention_factor = number(own, "attention_factor", 0);
    sc->mscale = number(own, "mscale", 0);
    sc->mscale_all_dim = number(own, "mscale_all_dim", 0);
    sc->truncate = !json_is_false(json_object_get(own, "truncate"));
    sc->long_factor = json_object_get(own, "long_factor");
    sc->short_factor = json_object_get(own, "short_factor");
}

static void read_gguf(const struct mica_source *src, const char *layer_type, struct scaling *sc)
{
    if (strcmp(layer_type, "full_attention") != 0)
        return;
    mica_source_str(src, "rope.scaling.type", NULL, sc->type, sizeof sc->type);
    if (!mica_source_float(src, "rope.scaling.factor", NULL, &sc->factor))
        mica_source_float(src, "rope.scale_linear", NULL, &sc->factor); /* older files */
    mica_source_float(src, "rope.scaling.original_context_length", NULL, &sc->original_ctx);
    mica_source_float(src, "rope.scaling.attn_factor", NULL, &sc->attention_factor);
    mica_source_float(src, "rope.scaling.yarn_beta_fast", NULL, &sc->beta_fast);
    mica_source_float(src, "rope.scaling.yarn_beta_slow", NULL, &sc->beta_slow);
    if (sc->type[0])
        return;
    bool has_factors = mica_source_tensor(src, "rope_factors_short.weight", NULL) != NULL;
    bool is_linear = sc->factor != 0 && sc->factor != 1;
    snprintf(sc->type, sizeof sc->type, "%s", has_factors ? "longrope" : is_linear ? "linear" : "default");
}

/* Llama 3.1: long wavelengths are stretched by factor, short ones stay, between them a linear blend. */
static double llama3_freq(const struct scaling *sc, double freq)
{
    double wavelength = 2 * M_PI / freq;
    double low = sc->original_ctx / sc->low_freq_factor, high = sc->original_ctx / sc->high_freq_factor;
    if (wavelength > low)
        return freq / sc->factor;
    if (wavelength < high)
        return freq;
    double smooth =
        (sc->original_ctx / wavelength - sc->low_freq_factor) / (sc->high_freq_factor - sc->low_freq_factor);
    return (1 - smooth) * freq / sc->factor + smooth * freq;
}

/* The pair index at which a frequency makes the given number of turns over the original context. */
static double yarn_dim(const struct scaling *sc, double rotations, double base, int64_t dim)
{
    return (double)dim * mica_log(sc->original_ctx / (rotations * 2 * M_PI)) / (2 * mica_log(base));
}

static double yarn_mscale(double factor, double mscale)
{
    return factor > 1 ? 0.1 * mscale * mica_log(factor) + 1 : 1;
}

static void apply_yarn(const struct scaling *sc, double base, bool is_hf, struct mica_rope *rope)
{
    int64_t dim = rope->half * 2;
    double low = yarn_dim(sc, sc->beta_fast, base, dim), high = yarn_dim(sc, sc->beta_slow, base, dim);
    low = fmax(sc->truncate ? floor(low) : low, 0);
    high = fmin(sc->truncate ? ceil(high) : high, (double)(dim - 1));
    if (low == high)
        high += 0.001;
    for (int64_t i = 0; i < rope->half; i++) {
        double ramp = fmin(fmax(((double)i - low) / (high - low), 0), 1);
        rope->inv_freq[i] = rope->inv_freq[i] / sc->factor * ramp + rope->inv_freq[i] * (1 - ramp);
    }
    double own = yarn_mscale(sc->factor, 1);
    if (sc->mscale != 0 && sc->mscale_all_dim != 0)
        own = yarn_mscale(sc->factor, sc->mscale) / yarn_mscale(sc->factor, sc->mscale_all_dim);
    /* GGUF's factor comes on top of what follows from the others; HF's replaces it. */
    rope->attention_factor = sc->attention_factor == 0 ? own
                             : is_hf                   ? sc->attention_factor
                                                       : sc->attention_factor * own;
}

static enum mica_status divide_by(const struct mica_file_tensor *t, int64_t half, double *inv_freq,
                                  struct mica_err *err)
{
    if (t->type != MICA_W_F32 || t->n_dims != 1 || t->shape[0] != half)
        return mica_fail(err, MICA_EFORMAT, "tensor %s: expected %lld values of F32", t->name,
                         (long long)half);
    for (int64_t i = 0; i < half; i++) {
        float factor;
        memcpy(&factor, t->data + (size_t)i * sizeof factor, sizeof factor);
        inv_freq[i] /= factor;
    }
    return MICA_OK;
}

/* One of LongRoPE's two sets of factors, from a tensor or a list. */
static enum mica_status divide_longrope(const struct mica_source *src, const char *tensor, const json_t *list,
                                        int64_t half, double *inv_freq, struct mica_err *err)
{
    if (src->gguf) {
        const struct mica_file_tensor *t = mica_source_tensor(src, tensor, NULL);
        return t ? divide_by(t, half, inv_freq, err)
                 : mica_fail(err, MICA_EFORMAT, "tensor %s is missing", tensor);
    }
    if (json_array_size(list) != (size_t)half)
        return mica_fail(err, MICA_EFORMAT, "config.json: LongRoPE needs lists of %lld factors, not %zu",
                         (long long)half, json_array_size(list));
    for (int64_t i = 0; i < half; i++)
        inv_freq[i] /= json_number_value(json_array_get(list, (size_t)i));
    return MICA_OK;
}

/* LongRoPE keeps two sets of factors: contexts beyond the original one need the long one. */
static enum mica_status apply_longrope(struct mica_model *m, const struct scaling *sc, struct mica_rope *rope,
                                       struct mica_err *err)
{
    const struct mica_source *src = &m->source;
    size_t bytes = (size_t)rope->half * sizeof *rope->inv_freq;
    rope->original_ctx = (int64_t)sc->original_ctx;
    rope->long_inv_freq = mica_arena_alloc(&m->arena, bytes, 1);
    if (!rope->long_inv_freq)
        return mica_fail(err, MICA_ENOMEM, "rope: out of memory");
    memcpy(rope->long_inv_freq, rope->inv_freq, bytes);
    enum mica_status status =
        divide_longrope(src, "rope_factors_short.weight", sc->short_factor, rope->half, rope->inv_freq, err);
    if (status == MICA_OK)
        status = divide_longrope(src, "rope_factors_long.weight", sc->long_factor, rope->half,
                                 rope->long_inv_freq, err);
    double factor = sc->factor;
    rope->attention_factor = sc->attention_factor != 0 ? sc->attention_factor
                             : factor > 1 ? sqrt(1 + mica_log(factor) / mica_log(sc->original_ctx))
                                          : 1;
    return status;
}

static enum mica_status apply_scaling(struct mica_model *m, const struct scaling *sc, double base,
                                      struct mica_rope *rope, struct mica_err *err)
{
    if (strcmp(sc->type, "longrope") == 0 || strcmp(sc->type, "su") == 0)
        return apply_longrope(m, sc, rope, err);
    if (strcmp(sc->type, "yarn") == 0) {
        apply_yarn(sc, base, mica_source_is_hf(&m->source), rope);
    } else if (strcmp(sc->type, "linear") == 0) {
        for (int64_t i = 0; i < rope->half; i++)
            rope->inv_freq[i] /= sc->factor;
    } else if (strcmp(sc->type, "llama3") == 0) {
        for (int64_t i = 0; i < rope->half; i++)
            rope->inv_freq[i] = llama3_freq(sc, rope->inv_freq[i]);
    } else if (strcmp(sc->type, "default") != 0 && strcmp(sc->type, "none") != 0) {
        return mica_fail(err, MICA_EUNSUPPORTED, "rope scaling '%s' is not supported", sc->type);
    }
    return MICA_OK;
}

/* Whatever the file said: a frequency that is not one would turn every result into NaN. */
static enum mica_status check_rope(const struct mica_rope *rope, struct mica_err *err)
{
    const double *sets[] = {rope->inv_freq, rope->long_inv_freq};
    for (size_t set = 0; set < MICA_COUNT(sets); set++)
        for (int64_t i = 0; sets[set] && i < rope->half; i++)
            if (!(sets[set][i] >= 0 && sets[set][i] < 1e6))
                return mica_fail(err, MICA_EFORMAT, "rope: the scaling makes frequency %lld %g", (long long)i,
                                 sets[set][i]);
    if (!(rope->attention_factor > 0 && rope->attention_factor < 1e6))
        return mica_fail(err, MICA_EFORMAT, "rope: the scaling multiplies by %g", rope->attention_factor);
    return MICA_OK;
}

enum mica_status mica_rope_configure(struct mica_model *m, const char *layer_type, double base,
                                     struct mica_rope *rope, struct mica_err *err)
{
    const struct mica_file_tensor *freqs = mica_source_tensor(&m->source, "rope_freqs.weight", NULL);
    struct scaling sc = {.type = "default",
                         .original_ctx = (double)m->hp.n_ctx,
                         .low_freq_factor = 1,
                         .high_freq_factor = 4,
                         .beta_fast = 32,
                         .beta_slow = 1,
                         .truncate = true};
    if (mica_source_is_hf(&m->source))
        read_hf(&m->source, layer_type, &sc, &base);
    else
        read_gguf(&m->source, layer_type, &sc);
    if (sc.factor == 0)
        sc.factor = (double)m->hp.n_ctx / sc.original_ctx;
    if (!(base > 1 && base < 1e15) || !(sc.factor > 0 && sc.factor < 1e9) ||
        !(sc.original_ctx >= 1 && sc.original_ctx < 1e9))
        return mica_fail(err, MICA_EFORMAT, "rope: base %g, factor %g, original context %g", base, sc.factor,
                         sc.original_ctx);
    rope->half = m->hp.rope_dim / 2;
    rope->attention_factor = 1;
    rope->inv_freq = mica_arena_alloc(&m->arena, (size_t)rope->half, sizeof *rope->inv_freq);
    if (!rope->inv_freq)
        return mica_fail(err, MICA_ENOMEM, "rope: out of memory");
    for (int64_t i = 0; i < rope->half; i++)
        rope->inv_freq[i] = mica_pow(base, -2.0 * (double)i / (double)m->hp.rope_dim);
    /* GGUF keeps Llama 3's scaling as a tensor of divisors. */
    enum mica_status status = freqs && strcmp(layer_type, "full_attention") == 0
                                  ? divide_by(freqs, rope->half, rope->inv_freq, err)
                                  : apply_scaling(m, &sc, base, rope, err);
    return status != MICA_OK ? status : check_rope(rope, err);
}

void mica_rope_table(const struct mica_rope *rope, int64_t ctx, int64_t position, float *table)
{
    bool is_long = rope->long_inv_freq && ctx > rope->original_ctx;
    const double *inv_freq = is_long ? rope->long_inv_freq : rope->inv_freq;
    for (int64_t i = 0; i < rope->half; i++) {
        double sin_value, cos_value;
        mica_sincos((double)position * inv_freq[i], &sin_value, &cos_value);
        table[2 * i] = (float)(cos_value * rope->attention_factor);
        table[2 * i + 1] = (float)(sin_value * rope->attention_factor);
    }
}
