/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Ops that move rows: embed, take_rows, reshape. */
#include "tensor/op.h"

#include <string.h>

const char *mica_infer_embed(const struct mica_op_args *args, struct mica_tensor *out)
{
    const struct mica_tensor *table = args->in[0], *ids = args->in[1];
    if (table->dtype != MICA_PACKED || ids->dtype != MICA_I32 || ids->n_dims != 1)
        return "the table must be packed and the ids i32 [T]";
    *out = (struct mica_tensor){
        .dtype = MICA_F32, .n_dims = 2, .shape = {ids->shape[0], table->packed->k}, .node = -1};
    return NULL;
}

const char *mica_infer_take_rows(const struct mica_op_args *args, struct mica_tensor *out)
{
    const struct mica_tensor *x = args->in[0], *rows = args->in[1];
    if (!mica_is_f32(x) || x->n_dims != 2 || rows->dtype != MICA_I32 || rows->n_dims != 1)
        return "x must be f32 [T,D] and the rows i32 [R]";
    *out = (struct mica_tensor){
        .dtype = MICA_F32, .n_dims = 2, .shape = {rows->shape[0], x->shape[1]}, .node = -1};
    return NULL;
}

const char *mica_infer_reshape(const struct mica_op_args *args, struct mica_tensor *out)
{
    const struct mica_tensor *x = args->in[0];
    int64_t n = 1, n_dims = args->i[MICA_MAX_DIMS];
    if (x->dtype != MICA_F32 && x->dtype != MICA_I32)
        return "x must be f32 or i32";
    if (n_dims < 1 || n_dims > MICA_MAX_DIMS)
        return "1 to 4 dimensions";
    out->dtype = x->dtype;
    out->n_dims = (int)n_dims;
    for (int d = 0; d < n_dims; d++) {
        out->shape[d] = args->i[d];
        if (args->i[d] < 1 || __builtin_mul_overflow(n, args->i[d], &n))
            return "each dimension must be at least 1";
    }
    return n == mica_tensor_elements(x) ? NULL : "the new shape has another number of elements";
}

struct gather_job {
    const struct mica_packed *table; /* NULL: rows of x */
    const float *x;
    const int32_t *rows;
    int64_t n;
    float *out;
};

static void gather_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    const struct gather_job *job = arg;
    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        if (job->table)
            mica_unpack_row(job->table, job->rows[i], job->out + i * job->n);
        else
            memcpy(job->out + i * job->n, job->x + job->rows[i] * job->n, (size_t)job->n * sizeof(float));
    }
}

static enum mica_status run_gather(const struct mica_exec *exec, const struct mica_op_call *call,
                                   double ns_each, struct mica_err *err)
{
    const struct mica_tensor *from = call->args.in[0], *rows = call->args.in[1];
    struct gather_job job = {from->packed, from->data, rows->data, mica_last_dim(call->out[0]),
                             call->out[0]->data};
    for (int64_t i = 0; i < rows->shape[0]; i++)
        if (job.rows[i] < 0 || job.rows[i] >= from->shape[0])
            return mica_fail(err, MICA_EARG, "row %d (item %lld) is not in 0 to %lld", job.rows[i],
                             (long long)i, (long long)from->shape[0] - 1);
    mica_exec_split(exec, rows->shape[0], ns_each * (double)job.n, 1, gather_rows, &job);
    return MICA_OK;
}

enum mica_status mica_run_embed(const struct mica_exec *exec, const struct mica_op_call *call,
                                struct mica_err *err)
{
    return run_gather(exec, call, 2, err);
}

enum mica_status mica_run_take_rows(const struct mica_exec *exec, const struct mica_op_call *call,
                                    struct mica_err *err)
{
    return run_gather(exec, call, 0.1, err);
}

/* Marks a row as a view: eager and the planner give out[0] the data of in[0] and never run it. */
enum mica_status mica_run_view(const struct mica_exec *exec, const struct mica_op_call *call,
                               struct mica_err *err)
{
    (void)exec, (void)call;
    return mica_fail(err, MICA_EINTERNAL, "a view was run");
}

struct mica_tensor *mica_op_embed(const struct mica_tensor *table, struct mica_tensor *ids,
                                  struct mica_here here)
{
    return mica_op_apply(MICA_OP_embed, &(struct mica_op_args){.in = {table, ids}}, here);
}

struct mica_tensor *mica_op_take_rows(struct mica_tensor *x, struct mica_tensor *rows, struct mica_here here)
{
    return mica_op_apply(MICA_OP_take_rows, &(struct mica_op_args){.in = {x, rows}}, here);
}

struct mica_tensor *mica_op_reshape(struct mica_tensor *x, const int64_t *shape, int n_dims,
                                    struct mica_here here)
{
    struct mica_op_args args = {.in = {x}, .i = {[MICA_MAX_DIMS] = n_dims}};
    for (int d = 0; d < n_dims && d < MICA_MAX_DIMS; d++)
        args.i[d] = shape[d];
    return mica_op_apply(MICA_OP_reshape, &args, here);
}
