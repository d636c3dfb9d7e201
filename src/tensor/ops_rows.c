/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Norms, elementwise ops, softmax, and rotary positions. */
#include "tensor/op.h"

/* ---- shapes ---- */

const char *mica_infer_same(const struct mica_op_args *args, struct mica_tensor *out)
{
    const struct mica_tensor *a = args->in[0], *b = args->in[1];
    if (!mica_is_f32(a) || (b && !mica_is_f32(b)))
        return "inputs must be f32";
    if (b && !mica_same_shape(a, b))
        return "the shapes differ";
    out->n_dims = a->n_dims;
    for (int d = 0; d < a->n_dims; d++)
        out->shape[d] = a->shape[d];
    return NULL;
}

const char *mica_infer_row_norm(const struct mica_op_args *args, struct mica_tensor *out)
{
    const struct mica_tensor *x = args->in[0];
    for (int i = 1; i <= 2; i++) {
        const struct mica_tensor *w = args->in[i];
        if (w && (!mica_is_f32(w) || w->n_dims != 1 || w->shape[0] != mica_last_dim(x)))
            return "weights must be f32 with one value for each column of x";
    }
    return mica_infer_same(&(struct mica_op_args){.in = {x}}, out);
}

static const char *to_act(const char *why, struct mica_tensor *out)
{
    if (!why && mica_last_dim(out) % MICA_ACT_BLOCK)
        return "the last dimension must be a multiple of 32";
    out->dtype = MICA_ACT;
    return why;
}

const char *mica_infer_norm_quantize(const struct mica_op_args *args, struct mica_tensor *out)
{
    return to_act(mica_infer_row_norm(args, out), out);
}

const char *mica_infer_mul_quantize(const struct mica_op_args *args, struct mica_tensor *out)
{
    return to_act(mica_infer_same(args, out), out);
}

const char *mica_infer_rope(const struct mica_op_args *args, struct mica_tensor *out)
{
    const struct mica_tensor *x = args->in[0], *table = args->in[1];
    if (x->n_dims != 3 || table->n_dims != 3 || !mica_is_f32(table) || table->shape[2] != 2)
        return "x must be [T,H,D] and the table f32 [T,half,2]";
    if (table->shape[0] != x->shape[0] || 2 * table->shape[1] > x->shape[2])
        return "the table must have a row for each token, of at most D/2 pairs";
    return mica_infer_same(&(struct mica_op_args){.in = {x}}, out);
}

/* ---- elementwise ---- */

enum { UNIT = 1024 }; /* elements; a multiple of every vector width */

struct elementwise {
    mica_binary_fn *binary;
    mica_unary_fn *unary;
    mica_scale_fn *with_constant;
    const float *a, *b;
    float c;
    float *out;
};

static void elementwise_range(void *arg, int64_t begin, int64_t end, int thread)
{
    const struct elementwise *job = arg;
    (void)thread;
    if (job->binary)
        job->binary(job->a + begin, job->b + begin, end - begin, job->out + begin);
    else if (job->unary)
        job->unary(job->a + begin, end - begin, job->out + begin);
    else
        job->with_constant(job->a + begin, job->c, end - begin, job->out + begin);
}

static enum mica_status run_elementwise(const struct mica_exec *exec, const struct mica_op_call *call,
                                        struct elementwise job, double ns)
{
    const struct mica_tensor *const *in = call->args.in;
    job.a = in[0]->data;
    job.b = in[1] ? in[1]->data : NULL;
    job.c = call->args.f[0];
    job.out = call->out[0]->data;
    mica_exec_split(exec, mica_tensor_elements(in[0]), ns, UNIT, elementwise_range, &job);
    return MICA_OK;
}

/* ns: rough nanoseconds for an element on one thread. */
#define ELEMENTWISE(op, kind, ns)                                                                            \
    enum mica_status mica_run_##op(const struct mica_exec *exec, const struct mica_op_call *call,            \
                                   struct mica_err *err)                                                     \
    {                                                                                                        \
        (void)err;                                                                                           \
        return run_elementwise(exec, call, (struct elementwise){.kind = exec->kern->op}, ns);                \
    }
ELEMENTWISE(add, binary, 0.1)
ELEMENTWISE(mul, binary, 0.1)
ELEMENTWISE(silu_mul, binary, 0.6)
ELEMENTWISE(gelu_mul, binary, 0.8)
ELEMENTWISE(silu, unary, 0.6)
ELEMENTWISE(gelu, unary, 0.8)
ELEMENTWISE(gelu_erf, unary, 1)
ELEMENTWISE(scale, with_constant, 0.1)
ELEMENTWISE(softcap, with_constant, 0.8)

/* ---- row by row ---- */

struct row_job {
    const struct mica_kern *kern;
    const float *x, *w, *b;
    float eps;
    int64_t n;
    float *out;
    struct mica_act_block *act;
    float *scratch;         /* n floats for each thread */
    mica_binary_fn *binary; /* of the row ops that multiply, then quantise */
};

static enum mica_status run_rows(const struct mica_exec *exec, const struct mica_op_call *call, mica_job *fn,
                                 struct row_job job, double ns)
{
    const struct mica_tensor *const *in = call->args.in;
    job.kern = exec->kern;
    job.x = in[0]->data;
    job.w = in[1] ? in[1]->data : NULL;
    job.b = in[2] ? in[2]->data : NULL;
    job.eps = call->args.f[0];
    job.n = mica_last_dim(in[0]);
    job.out = call->out[0]->data;
    job.act = call->out[0]->data;
    job.scratch = call->scratch;
    mica_exec_split(exec, mica_tensor_rows(in[0]), ns * (double)job.n, 1, fn, &job);
    return MICA_OK;
}

#define ROWS(op, fn, ns, ...)                                                                                \
    enum mica_status mica_run_##op(const struct mica_exec *exec, const struct mica_op_call *call,            \
                                   struct mica_err *err)                                                     \
    {                                                                                                        \
        (void)err;                                                                                           \
        return run_rows(exec, call, fn, (struct row_job){__VA_ARGS__}, ns);                                  \
    }

size_t mica_scratch_row(const struct mica_op_args *args, int n_threads)
{
    return (size_t)n_threads * (size_t)mica_last_dim(args->in[0]) * sizeof(float);
}

static void rms_norm_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    const struct row_job *job = arg;
    (void)thread;
    for (int64_t i = begin * job->n; i < end * job->n; i += job->n)
        (job->kern->rms_norm)(job->x + i, job->w, job->n, job->eps, job->out + i);
}
ROWS(rms_norm, rms_norm_rows, 0.2, 0)

static void layer_norm_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    const struct row_job *job = arg;
    (void)thread;
    for (int64_t i = begin * job->n; i < end * job->n; i += job->n)
        (job->kern->layer_norm)(job->x + i, job->w, job->b, job->n, job->eps, job->out + i);
}
ROWS(layer_norm, layer_norm_rows, 0.3, 0)

static void softmax_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    const struct row_job *job = arg;
    (void)thread;
    for (int64_t i = begin * job->n; i < end * job->n; i += job->n)
        (job->kern->softmax)(job->x + i, job->n, job->out + i);
}
ROWS(softmax, softmax_rows, 1, 0)

static void rms_norm_quantize_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    const struct row_job *job = arg;
    float *row = job->scratch + thread * job->n;
    for (int64_t i = begin; i < end; i++) {
        (job->kern->rms_norm)(job->x + i * job->n, job->w, job->n, job->eps, row);
        (job->kern->quantize)(row, job->n, job->act + i * (job->n / MICA_ACT_BLOCK));
    }
}
ROWS(rms_norm_quantize, rms_norm_quantize_rows, 0.6, 0)

static void mul_quantize_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    const struct row_job *job = arg;
    float *row = job->scratch + thread * job->n;
    for (int64_t i = begin; i < end; i++) {
        job->binary(job->x + i * job->n, job->w + i * job->n, job->n, row);
        (job->kern->quantize)(row, job->n, job->act + i * (job->n / MICA_ACT_BLOCK));
    }
}
ROWS(silu_mul_quantize, mul_quantize_rows, 0.8, .binary = exec->kern->silu_mul)
ROWS(gelu_mul_quantize, mul_quantize_rows, 1, .binary = exec->kern->gelu_mul)

/* ---- rope ---- */

struct rope_job {
    mica_rope_fn *fn;
    const float *x, *table;
    float *out;
    int64_t heads, dim, half;
    bool neox;
};

static void rope_tokens(void *arg, int64_t begin, int64_t end, int thread)
{
    const struct rope_job *job = arg;
    int64_t row = job->heads * job->dim;
    (void)thread;
    for (int64_t t = begin; t < end; t++) {
        float *out = job->out + t * row;
        if (job->out != job->x)
            for (int64_t i = 0; i < row; i++)
                out[i] = job->x[t * row + i];
        for (int64_t h = 0; h < job->heads; h++)
            job->fn(out + h * job->dim, job->table + t * 2 * job->half, job->half, job->neox);
    }
}

enum mica_status mica_run_rope(const struct mica_exec *exec, const struct mica_op_call *call,
                               struct mica_err *err)
{
    const struct mica_tensor *x = call->args.in[0], *table = call->args.in[1];
    (void)err;
    struct rope_job job = {exec->kern->rope, x->data,     table->data,     call->out[0]->data,
                           x->shape[1],      x->shape[2], table->shape[1], call->args.i[0] != 0};
    mica_exec_split(exec, x->shape[0], 0.3 * (double)(job.heads * job.dim), 1, rope_tokens, &job);
    return MICA_OK;
}

/* ---- the ops as functions ---- */

#define UNARY(op)                                                                                            \
    struct mica_tensor *mica_op_##op(struct mica_tensor *x, struct mica_here here)                           \
    {                                                                                                        \
        return mica_op_apply(MICA_OP_##op, &(struct mica_op_args){.in = {x}}, here);                         \
    }
#define UNARY_C(op)                                                                                          \
    struct mica_tensor *mica_op_##op(struct mica_tensor *x, float c, struct mica_here here)                  \
    {                                                                                                        \
        return mica_op_apply(MICA_OP_##op, &(struct mica_op_args){.in = {x}, .f = {c}}, here);               \
    }
#define BINARY(op)                                                                                           \
    struct mica_tensor *mica_op_##op(struct mica_tensor *a, struct mica_tensor *b, struct mica_here here)    \
    {                                                                                                        \
        return mica_op_apply(MICA_OP_##op, &(struct mica_op_args){.in = {a, b}}, here);                      \
    }
BINARY(add)
BINARY(mul)
BINARY(silu_mul)
BINARY(gelu_mul)
UNARY(silu)
UNARY(gelu)
UNARY(gelu_erf)
UNARY(softmax)
UNARY_C(scale)
UNARY_C(softcap)

struct mica_tensor *mica_op_rms_norm(struct mica_tensor *x, const struct mica_tensor *w, float eps,
                                     struct mica_here here)
{
    return mica_op_apply(MICA_OP_rms_norm, &(struct mica_op_args){.in = {x, w}, .f = {eps}}, here);
}

struct mica_tensor *mica_op_layer_norm(struct mica_tensor *x, const struct mica_tensor *w,
                                       const struct mica_tensor *b, float eps, struct mica_here here)
{
    return mica_op_apply(MICA_OP_layer_norm, &(struct mica_op_args){.in = {x, w, b}, .f = {eps}}, here);
}

struct mica_tensor *mica_op_rope(struct mica_tensor *x, const struct mica_tensor *table, bool neox,
                                 struct mica_here here)
{
    return mica_op_apply(MICA_OP_rope, &(struct mica_op_args){.in = {x, table}, .i = {neox}}, here);
}
