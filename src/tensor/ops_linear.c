/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Products with packed weights, and the quantisation of their input. */
#include "tensor/op.h"

/* Where weight i of a linear (i = 0) or linear_group keeps its inputs; in[0] is x. */
enum { WEIGHT = 1, BIAS = 2, RESIDUAL = 3, STRIDE = 3 };

static bool needs_act(enum mica_wtype type)
{
    return type != MICA_W_F32 && type != MICA_W_F16 && type != MICA_W_BF16;
}

struct mica_tensor *mica_op_quantize(struct mica_tensor *x, struct mica_here here)
{
    if (!x)
        return NULL;
    if (x->quantised)
        return x->quantised;
    struct mica_tensor *q = mica_op_apply(MICA_OP_quantize, &(struct mica_op_args){.in = {x}}, here);
    /* A leaf's contents may change; and what a capture made must not outlive it on an eager tensor. */
    if (q && x->node >= 0 && (!q->ctx->capture || mica_graph_owns(q->ctx->capture, x)))
        x->quantised = q;
    return q;
}

struct mica_tensor *mica_op_linear(struct mica_tensor *x, const struct mica_tensor *w,
                                   const struct mica_tensor *bias, struct mica_here here)
{
    /* A row that does not fit the weights is left as it is, so that linear reports it and not quantize. */
    if (x && w && w->dtype == MICA_PACKED && w->packed && needs_act(w->packed->type) && mica_is_f32(x) &&
        mica_last_dim(x) == w->packed->k)
        x = mica_op_quantize(x, here);
    return mica_op_apply(MICA_OP_linear, &(struct mica_op_args){.in = {x, w, bias}}, here);
}

const char *mica_infer_quantize(const struct mica_op_args *args, struct mica_tensor *out)
{
    const struct mica_tensor *x = args->in[0];
    if (!mica_is_f32(x))
        return "x must be f32";
    if (mica_last_dim(x) % MICA_ACT_BLOCK)
        return "the last dimension must be a multiple of 32";
    *out = (struct mica_tensor){.dtype = MICA_ACT, .n_dims = x->n_dims};
    for (int d = 0; d < x->n_dims; d++)
        out->shape[d] = x->shape[d];
    return NULL;
}

static const char *infer_one(const struct mica_op_args *args, int i, struct mica_tensor *out)
{
    const struct mica_tensor *x = args->in[0], *w = args->in[STRIDE * i + WEIGHT],
                             *bias = args->in[STRIDE * i + BIAS], *residual = args->in[STRIDE * i + RESIDUAL];
    if (w->dtype != MICA_PACKED)
        return "w must be packed";
    if (mica_last_dim(x) != w->packed->k)
        return "x has another number of columns than w";
    if (x->dtype != (needs_act(w->packed->type) ? MICA_ACT : MICA_F32))
        return "x must be f32";
    *out = (struct mica_tensor){.dtype = MICA_F32, .n_dims = x->n_dims};
    for (int d = 0; d < x->n_dims; d++)
        out->shape[d] = x->shape[d];
    out->shape[x->n_dims - 1] = w->packed->n;
    if (bias && (!mica_is_f32(bias) || bias->n_dims != 1 || bias->shape[0] != w->packed->n))
        return "bias must be f32 with one value for each row of w";
    if (residual && (!mica_is_f32(residual) || !mica_same_shape(residual, out)))
        return "the residual must have the shape of the result";
    return NULL;
}

const char *mica_infer_linear(const struct mica_op_args *args, struct mica_tensor *out)
{
    return infer_one(args, 0, out);
}

const char *mica_infer_linear_group(const struct mica_op_args *args, struct mica_tensor *out)
{
    const char *why = NULL;
    for (int i = 0; i < MICA_MAX_OUT && args->in[STRIDE * i + WEIGHT] && !why; i++)
        why = infer_one(args, i, &out[i]);
    return why;
}

/* ---- quantize ---- */

struct quantize_job {
    mica_quantize_fn *fn;
    const float *x;
    int64_t k;
    struct mica_act_block *out;
};

static void quantize_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    const struct quantize_job *job = arg;
    (void)thread;
    for (int64_t i = begin; i < end; i++)
        job->fn(job->x + i * job->k, job->k, job->out + i * (job->k / MICA_ACT_BLOCK));
}

enum mica_status mica_run_quantize(const struct mica_exec *exec, const struct mica_op_call *call,
                                   struct mica_err *err)
{
    const struct mica_tensor *x = call->args.in[0];
    (void)err;
    struct quantize_job job = {exec->kern->quantize, x->data, mica_last_dim(x), call->out[0]->data};
    mica_exec_split(exec, mica_tensor_rows(x), 0.2 * (double)job.k, 1, quantize_rows, &job);
    return MICA_OK;
}

/* ---- products ----
 * Work is cut into panels of tokens × chunks of 16-row groups. A panel's activations stay in the second-level
 * cache while the groups stream past. Groups go in pairs, which is how kernels like them. Any cut gives the
 * same bits: each output is one lane's ordered sum. */

enum { PANEL_BYTES = 160 * 1024, PANEL_ROWS = 16 };

struct matmul_part {
    mica_matmul_fn *fn;
    const struct mica_packed *w;
    struct mica_epilogue epilogue;
    float *out;
    int64_t end; /* groups of this and all earlier parts */
};
struct matmul_job {
    struct matmul_part parts[MICA_MAX_OUT];
    int n_parts;
    const char *x;
    size_t row_bytes;
    int64_t m, panel, n_groups;
};

static void matmul_piece(const struct matmul_job *job, const struct matmul_part *part, int64_t m0, int64_t g0,
                         int64_t g1)
{
    int64_t n = part->w->n, m = job->m - m0 < job->panel ? job->m - m0 : job->panel;
    struct mica_epilogue epilogue = part->epilogue;
    if (epilogue.residual)
        epilogue.residual += m0 * epilogue.ld_residual;
    bool any = epilogue.bias || epilogue.residual;
    part->fn(part->w, job->x + (size_t)m0 * job->row_bytes, m, g0, g1, part->out + m0 * n, n,
             any ? &epilogue : NULL);
}

/* Items are numbered panel by panel, so threads work on the same panel at a time. */
static void matmul_range(void *arg, int64_t begin, int64_t end, int thread)
{
    const struct matmul_job *job = arg;
    (void)thread;
    while (begin < end) {
        int64_t m0 = begin / job->n_groups * job->panel, g0 = begin % job->n_groups;
        int64_t g1 = job->n_groups - g0 < end - begin ? job->n_groups : g0 + end - begin;
        begin += g1 - g0;
        for (int64_t p = 0, first = 0; p < job->n_parts; first = job->parts[p++].end) {
            int64_t from = g0 > first ? g0 : first, to = g1 < job->parts[p].end ? g1 : job->parts[p].end;
            if (from < to)
                matmul_piece(job, &job->parts[p], m0, from - first, to - first);
        }
    }
}

static size_t row_bytes(const struct mica_tensor *x)
{
    size_t k = (size_t)mica_last_dim(x);
    return x->dtype == MICA_ACT ? k / MICA_ACT_BLOCK * sizeof(struct mica_act_block) : k * sizeof(float);
}

/* Rows of x in each panel, all nearly equal. */
static int64_t cut_panels(const struct mica_tensor *x, int64_t *n_out)
{
    int64_t m = mica_tensor_rows(x), most = (int64_t)(PANEL_BYTES / row_bytes(x));
    most = most < PANEL_ROWS ? PANEL_ROWS : most;
    *n_out = (m + most - 1) / most;
    return (m + *n_out - 1) / *n_out;
}

/* Rough nanoseconds of one group × m tokens: reading the weights bounds few tokens, multiplying many. */
static double group_ns(int64_t k, int64_t m)
{
    return 16 * (double)k * (0.06 + 0.01 * (double)m);
}

/* Lists the weights in args; their outputs are the caller's to set. */
static enum mica_status list_parts(const struct mica_exec *exec, const struct mica_op_args *args,
                                   struct matmul_job *job, struct mica_err *err)
{
    const struct mica_tensor *const *in = args->in, *x = in[0];
    *job = (struct matmul_job){.x = x->data, .m = mica_tensor_rows(x), .row_bytes = row_bytes(x)};
    for (int i = 0; i < MICA_MAX_OUT && in[STRIDE * i + WEIGHT]; i++) {
        const struct mica_tensor *w = in[STRIDE * i + WEIGHT], *bias = in[STRIDE * i + BIAS],
                                 *residual = in[STRIDE * i + RESIDUAL];
        struct matmul_part *part = &job->parts[job->n_parts++];
        part->fn = exec->kern->matmul[w->packed->type];
        part->w = w->packed;
        part->epilogue.bias = bias ? bias->data : NULL;
        part->epilogue.residual = residual ? residual->data : NULL;
        part->epilogue.ld_residual = w->packed->n;
        part->end = job->n_groups += w->packed->n_groups;
        if (!part->fn)
            return mica_fail(err, MICA_EUNSUPPORTED, "no kernel for %s", mica_wtypes[w->packed->type].name);
    }
    return MICA_OK;
}

enum mica_status mica_run_linear(const struct mica_exec *exec, const struct mica_op_call *call,
                                 struct mica_err *err)
{
    const struct mica_tensor *x = call->args.in[0];
    struct matmul_job job;
    enum mica_status status = list_parts(exec, &call->args, &job, err);
    if (status != MICA_OK)
        return status;
    int64_t n_panels;
    job.panel = cut_panels(x, &n_panels);
    for (int i = 0; i < job.n_parts; i++)
        job.parts[i].out = call->out[i]->data;
    mica_exec_split(exec, n_panels * job.n_groups, group_ns(mica_last_dim(x), job.panel), job.m > 1 ? 2 : 1,
                    matmul_range, &job);
    return MICA_OK;
}

/* ---- gated products ----
 * quantize(f(x · gateᵀ) × (x · upᵀ)): a work item is one block of 32 columns of the result, so the two
 * products never leave the cache of the thread that made them. */

enum { GATE, UP, TILE_BLOCKS = 4, TILE_COLUMNS = TILE_BLOCKS * MICA_ACT_BLOCK };

struct gated_job {
    struct matmul_job products;
    mica_binary_fn *gate;
    mica_quantize_fn *quantize;
    float *scratch; /* for each thread two tiles: [panel][TILE_COLUMNS] */
    struct mica_act_block *out;
    int64_t n_blocks; /* of a row of the result */
};

const char *mica_infer_gated(const struct mica_op_args *args, struct mica_tensor *out)
{
    struct mica_tensor both[MICA_MAX_OUT] = {{0}};
    const char *why = mica_infer_linear_group(args, both);
    if (!why && (!args->in[STRIDE * UP + WEIGHT] || !mica_same_shape(&both[GATE], &both[UP])))
        why = "the two weights must have the same shape";
    if (!why && mica_last_dim(&both[GATE]) % MICA_ACT_BLOCK)
        why = "the number of rows of w must be a multiple of 32";
    *out = both[GATE];
    out->dtype = MICA_ACT;
    return why;
}

size_t mica_scratch_gated(const struct mica_op_args *args, int n_threads)
{
    int64_t n_panels, panel = cut_panels(args->in[0], &n_panels);
    return (size_t)n_threads * 2 * (size_t)panel * TILE_COLUMNS * sizeof(float);
}

/* Blocks [b0, b0 + n) of the rows of the panel that starts at m0. */
static void gated_tile(const struct gated_job *job, int64_t m0, int64_t b0, int64_t n, float *tiles)
{
    const struct matmul_job *products = &job->products;
    int64_t m = products->m - m0 < products->panel ? products->m - m0 : products->panel;
    int64_t columns = n * MICA_ACT_BLOCK, groups = MICA_ACT_BLOCK / MICA_LANES;
    float *both[] = {tiles, tiles + products->panel * TILE_COLUMNS};
    for (int i = GATE; i <= UP; i++) {
        const struct matmul_part *part = &products->parts[i];
        /* The kernel counts columns from the first of w. */
        part->fn(part->w, products->x + (size_t)m0 * products->row_bytes, m, groups * b0, groups * (b0 + n),
                 both[i] - b0 * MICA_ACT_BLOCK, columns, part->epilogue.bias ? &part->epilogue : NULL);
    }
    for (int64_t r = 0; r < m; r++) {
        float *row = both[GATE] + r * columns;
        job->gate(row, both[UP] + r * columns, columns, row);
        (job->quantize)(row, columns, job->out + (m0 + r) * job->n_blocks + b0);
    }
}

static void gated_range(void *arg, int64_t begin, int64_t end, int thread)
{
    const struct gated_job *job = arg;
    float *tiles = job->scratch + thread * 2 * job->products.panel * TILE_COLUMNS;
    while (begin < end) {
        int64_t b0 = begin % job->n_blocks,
                left = job->n_blocks - b0 < end - begin ? job->n_blocks - b0 : end - begin;
        int64_t n = left < TILE_BLOCKS ? left : TILE_BLOCKS;
        gated_tile(job, begin / job->n_blocks * job->products.panel, b0, n, tiles);
        begin += n;
    }
}

static enum mica_status run_gated(const struct mica_exec *exec, const struct mica_op_call *call,
                                  mica_binary_fn *gate, struct mica_err *err)
{
    const struct mica_tensor *x = call->args.in[0];
    struct gated_job job = {.gate = gate, .quantize = exec->kern->quantize};
    enum mica_status status = list_parts(exec, &call->args, &job.products, err);
    if (status != MICA_OK)
        return status;
    int64_t n_panels, panel = cut_panels(x, &n_panels);
    job.products.panel = panel;
    job.scratch = call->scratch;
    job.out = call->out[0]->data;
    job.n_blocks = mica_last_dim(call->out[0]) / MICA_ACT_BLOCK;
    double ns = 4 * group_ns(mica_last_dim(x), panel) + MICA_ACT_BLOCK * (double)panel;
    mica_exec_split(exec, n_panels * job.n_blocks, ns, panel > PANEL_ROWS ? TILE_BLOCKS : 1, gated_range,
                    &job);
    return MICA_OK;
}

enum mica_status mica_run_linear_silu_mul(const struct mica_exec *exec, const struct mica_op_call *call,
                                          struct mica_err *err)
{
    return run_gated(exec, call, exec->kern->silu_mul, err);
}

enum mica_status mica_run_linear_gelu_mul(const struct mica_exec *exec, const struct mica_op_call *call,
                                          struct mica_err *err)
{
    return run_gated(exec, call, exec->kern->gelu_mul, err);
}
