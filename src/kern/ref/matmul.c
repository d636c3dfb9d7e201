/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Matrix products and activation quantisation in plain C: what every other variant must equal. */
#include "kern/init.h"

#include <math.h>
#include <string.h>

#include "kern/matmul.h"
#include "kern/quant.h"
#include "kern/quant/form.h"

/* Tokens that share one decoding of the weights. */
enum { TILE = 16 };

/* The block of 32 columns that is being multiplied, for all 16 rows. */
struct block {
    int16_t codes[MICA_LANES][MICA_ACT_BLOCK];
    float d[MICA_LANES];              /* scale, or with two runs the f16 factor of both */
    float min[MICA_LANES];            /* as added; with two runs minus the f16 factor of both */
    int32_t run_scale[2][MICA_LANES]; /* two runs only */
    int32_t run_min[2][MICA_LANES];
};

/* ---- decoding */

MICA_INLINE void decode_codes(struct mica_matmul_form f, const uint8_t *vectors, struct block *out)
{
    for (int lane = 0; lane < MICA_LANES; lane++) {
        uint32_t words[MICA_MAX_WORDS];
        uint8_t bytes[MICA_ACT_BLOCK];
        for (int w = 0; w < mica_form_vectors(f); w++)
            words[w] = mica_load32(vectors + 4 * (w * MICA_LANES + lane));
        mica_codes_of_words(f.main_bits, f.high_bits, words, bytes);
        for (int i = 0; i < MICA_ACT_BLOCK; i++)
            out->codes[lane][i] = f.table ? mica_code_tables[f.table][bytes[i]] : bytes[i];
    }
}

/* scales points to the block of scales, sub is the block of 32 columns inside it. */
MICA_INLINE void decode_scales(struct mica_matmul_form f, const uint8_t *scales, int sub, struct block *out)
{
    const uint8_t *bytes = scales + MICA_LANES * (2 * mica_form_halves(f) + (size_t)sub * mica_form_bytes(f));
    bool is_signed = !f.has_min;
    for (int lane = 0; lane < MICA_LANES; lane++) {
        float d = f.e8m0 ? mica_f32_of_bits(mica_e8m0_bits(bytes[lane]))
                         : mica_f16_value(mica_load16(scales + 2 * lane));
        float min = f.has_min ? mica_f16_value(mica_load16(scales + 2 * (MICA_LANES + lane))) : 0;
        uint8_t b0 = f.n_runs ? bytes[lane] : 0,
                b1 = f.n_runs ? bytes[MICA_LANES * (f.n_runs > 1 || f.has_min) + lane] : 0;
        if (f.n_runs == 1) {
            d *= is_signed ? (float)(int8_t)b0 : (float)b0;
            min = -(min * (float)b1);
        } else if (f.n_runs == 2) {
            min = -min;
            out->run_scale[0][lane] = f.min_in_nibble ? b0 & 15 : (int8_t)b0;
            out->run_scale[1][lane] = f.min_in_nibble ? b1 & 15 : (int8_t)b1;
            out->run_min[0][lane] = b0 >> 4;
            out->run_min[1][lane] = b1 >> 4;
        }
        out->d[lane] = d;
        out->min[lane] = min;
    }
}

/* ---- products */

MICA_INLINE int32_t dot_run(const int16_t *codes, const int16_t *q)
{
    int32_t sum = 0;
    for (int i = 0; i < MICA_ACT_BLOCK / 2; i++)
        sum += codes[i] * q[i];
    return sum;
}

MICA_INLINE int32_t times_zero(struct mica_matmul_form f, int32_t neg_sum)
{
    return f.zero_shift < 0 ? 0 : neg_sum * (1 << f.zero_shift);
}

/* acc, low:[16] += block · act */
MICA_INLINE void add_block(struct mica_matmul_form f, const struct block *b, const struct mica_act_block *act,
                           float *acc, float *low)
{
    int16_t q[MICA_ACT_BLOCK];
    for (int i = 0; i < MICA_ACT_BLOCK; i++)
        q[i] = act->q[i];
    for (int lane = 0; lane < MICA_LANES; lane++) {
        int32_t dot0 = dot_run(b->codes[lane], q) + times_zero(f, act->neg_sum[0]);
        int32_t dot1 = dot_run(b->codes[lane] + 16, q + 16) + times_zero(f, act->neg_sum[1]);
        int32_t dot =
            f.n_runs == 2 ? b->run_scale[0][lane] * dot0 + b->run_scale[1][lane] * dot1 : dot0 + dot1;
        acc[lane] = fmaf((float)dot, b->d[lane] * act->d, acc[lane]);
        if (f.has_min && f.n_runs == 2) {
            int32_t j = -(b->run_min[0][lane] * act->neg_sum[0] + b->run_min[1][lane] * act->neg_sum[1]);
            low[lane] = fmaf((float)j, b->min[lane] * act->d, low[lane]);
        } else if (f.has_min) {
            low[lane] = fmaf(b->min[lane], act->s, low[lane]);
        }
    }
}

/* Adds the epilogue and stores the lanes that are rows of the matrix. */
static void store_lanes(const float *acc, int64_t token, int64_t n0, int64_t n, float *out, int64_t ld,
                        const struct mica_epilogue *epilogue)
{
    for (int lane = 0; lane < MICA_LANES && n0 + lane < n; lane++) {
        float y = acc[lane];
        if (epilogue && epilogue->bias)
            y += epilogue->bias[n0 + lane];
        if (epilogue && epilogue->residual)
            y += epilogue->residual[token * epilogue->ld_residual + n0 + lane];
        out[token * ld + n0 + lane] = y;
    }
}

/* One group of rows × tokens [m0, m1), at most TILE of them. */
MICA_INLINE void quant_tile(struct mica_matmul_form f, const struct mica_packed *w,
                            const struct mica_act_block *act, int64_t m0, int64_t m1, int64_t g, float *out,
                            int64_t ld, const struct mica_epilogue *epilogue)
{
    const uint8_t *codes = w->data + (size_t)g * w->group_bytes, *scales = codes + w->codes_bytes;
    int64_t n_blocks = w->k / MICA_ACT_BLOCK;
    float acc[TILE][MICA_LANES] = {0}, low[TILE][MICA_LANES] = {0};
    struct block block;
    for (int64_t b = 0; b < n_blocks; b++) {
        decode_codes(f, codes + (size_t)b * 64 * mica_form_vectors(f), &block);
        decode_scales(f, scales + (size_t)(b / f.n_subs) * mica_form_scales(f), (int)(b % f.n_subs), &block);
        for (int64_t m = m0; m < m1; m++)
            add_block(f, &block, &act[m * n_blocks + b], acc[m - m0], low[m - m0]);
    }
    for (int64_t m = m0; m < m1; m++) {
        for (int lane = 0; f.has_min && lane < MICA_LANES; lane++)
            acc[m - m0][lane] += low[m - m0][lane];
        store_lanes(acc[m - m0], m, g * MICA_LANES, w->n, out, ld, epilogue);
    }
}

#define X(NAME, ...)                                                                                         \
    static void matmul_##NAME(const struct mica_packed *w, const void *act, int64_t m, int64_t g0,           \
                              int64_t g1, float *out, int64_t ld, const struct mica_epilogue *epilogue)      \
    {                                                                                                        \
        for (int64_t g = g0; g < g1; g++)                                                                    \
            for (int64_t m0 = 0; m0 < m; m0 += TILE)                                                         \
                quant_tile(MICA_MATMUL_FORM_OF(__VA_ARGS__), w, act, m0, m0 + TILE < m ? m0 + TILE : m, g,   \
                           out, ld, epilogue);                                                               \
    }
MICA_MATMUL_FORMS(X)
#undef X

/* ---- weights that are floats */

MICA_INLINE float float_weight(enum mica_wtype type, const uint8_t *codes, int64_t i)
{
    if (type == MICA_W_F32)
        return mica_f32_of_bits(mica_load32(codes + 4 * i));
    return type == MICA_W_F16 ? mica_f16_value(mica_load16(codes + 2 * i))
                              : mica_f32_of_bits((uint32_t)mica_load16(codes + 2 * i) << 16);
}

MICA_INLINE void matmul_float(enum mica_wtype type, const struct mica_packed *w, const float *act, int64_t m,
                              int64_t g0, int64_t g1, float *out, int64_t ld,
                              const struct mica_epilogue *epilogue)
{
    for (int64_t g = g0; g < g1; g++) {
        const uint8_t *codes = w->data + (size_t)g * w->group_bytes;
        for (int64_t t = 0; t < m; t++) {
            float acc[MICA_LANES] = {0};
            for (int64_t k = 0; k < w->k; k++)
                for (int lane = 0; lane < MICA_LANES; lane++)
                    acc[lane] =
                        fmaf(float_weight(type, codes, k * MICA_LANES + lane), act[t * w->k + k], acc[lane]);
            store_lanes(acc, t, g * MICA_LANES, w->n, out, ld, epilogue);
        }
    }
}

#define FLOAT_MATMUL(NAME)                                                                                   \
    static void matmul_##NAME(const struct mica_packed *w, const void *act, int64_t m, int64_t g0,           \
                              int64_t g1, float *out, int64_t ld, const struct mica_epilogue *epilogue)      \
    {                                                                                                        \
        matmul_float(MICA_W_##NAME, w, act, m, g0, g1, out, ld, epilogue);                                   \
    }
FLOAT_MATMUL(F32)
FLOAT_MATMUL(F16)
FLOAT_MATMUL(BF16)

/* ---- activations */

static void quantize(const float *x, int64_t k, struct mica_act_block *out)
{
    for (int64_t b = 0; b < k / MICA_ACT_BLOCK; b++, x += MICA_ACT_BLOCK, out++) {
        /* The bits of |x| order as integers with NaN on top, so that a NaN reaches d and every output. */
        uint32_t bits = 0;
        for (int i = 0; i < MICA_ACT_BLOCK; i++) {
            uint32_t a = mica_bits_of_f32(x[i]) & 0x7fffffff;
            bits = a > bits ? a : bits;
        }
        float amax = mica_f32_of_bits(bits), inv = 127.0f / amax;
        inv = inv <= 0x1.fffffep127f ? inv : 0; /* zero, too small to matter, or NaN */
        int32_t sum[2] = {0, 0};
        for (int i = 0; i < MICA_ACT_BLOCK; i++) {
            float v = x[i] * inv;
            out->q[i] = fabsf(v) < 127.5f ? (int8_t)lrintf(v) : 0; /* only NaN fails: x was not finite */
            sum[i / 16] += out->q[i];
        }
        out->d = amax / 127.0f;
        out->s = out->d * (float)(sum[0] + sum[1]);
        out->neg_sum[0] = -sum[0];
        out->neg_sum[1] = -sum[1];
    }
}

void mica_kern_init_ref_matmul(struct mica_kern *kern)
{
#define X(NAME, ...) kern->matmul[MICA_W_##NAME] = matmul_##NAME;
    MICA_MATMUL_FORMS(X)
#undef X
    kern->matmul[MICA_W_F32] = matmul_F32;
    kern->matmul[MICA_W_F16] = matmul_F16;
    kern->matmul[MICA_W_BF16] = matmul_BF16;
    kern->quantize = quantize;
}
