/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "tensor/op.h"

#include <stdio.h>

const struct mica_op mica_ops[MICA_OP_COUNT] = {
#define X(name, required, optional, outs, in_place, effects, infer, run, scratch, vjp, onnx)                 \
    [MICA_OP_##name] = {#name,                                                                               \
                        required,                                                                            \
                        optional,                                                                            \
                        outs,                                                                                \
                        in_place,                                                                            \
                        effects,                                                                             \
                        mica_infer_##infer,                                                                  \
                        mica_run_##run,                                                                      \
                        mica_scratch_##scratch,                                                              \
                        vjp,                                                                                 \
                        onnx},
#include "tensor/ops.def"
#undef X
};

int64_t mica_tensor_rows(const struct mica_tensor *t)
{
    int64_t n = 1;
    for (int d = 0; d + 1 < t->n_dims; d++)
        n *= t->shape[d];
    return n;
}

int64_t mica_tensor_elements(const struct mica_tensor *t)
{
    return mica_tensor_rows(t) * mica_last_dim(t);
}

bool mica_tensor_bytes(const struct mica_tensor *t, size_t *out)
{
    size_t n = 1;
    for (int d = 0; d < t->n_dims; d++)
        if (!mica_mul_size(n, (size_t)t->shape[d], &n))
            return false;
    if (t->dtype == MICA_ACT) {
        n /= MICA_ACT_BLOCK;
        return mica_mul_size(n, sizeof(struct mica_act_block), out);
    }
    return mica_mul_size(n, 4, out) && *out <= SIZE_MAX / 2;
}

bool mica_same_shape(const struct mica_tensor *a, const struct mica_tensor *b)
{
    if (a->n_dims != b->n_dims)
        return false;
    for (int d = 0; d < a->n_dims; d++)
        if (a->shape[d] != b->shape[d])
            return false;
    return true;
}

static void put_tensor(struct mica_buf *buf, const struct mica_tensor *t)
{
    static const char *const names[] = {[MICA_F32] = "", [MICA_I32] = "i32", [MICA_ACT] = "act"};
    if (!t) {
        mica_buf_puts(buf, "none");
        return;
    }
    mica_buf_puts(buf, t->dtype == MICA_PACKED ? mica_wtypes[t->packed->type].name : names[t->dtype]);
    for (int d = 0; d < t->n_dims; d++)
        mica_buf_printf(buf, "%s%lld", d ? "," : "[", (long long)t->shape[d]);
    mica_buf_puts(buf, "]");
}

/* Puts place, op and input shapes before the reason. */
static enum mica_status fail(const struct mica_op_call *call, enum mica_status status, const char *why,
                             struct mica_err *err)
{
    struct mica_buf buf = {0};
    int last = call->op->n_required + call->op->n_optional - 1;
    while (last > 0 && !call->args.in[last])
        last--;
    for (int i = 0; i <= last; i++) {
        mica_buf_puts(&buf, i ? ", " : "");
        put_tensor(&buf, call->args.in[i]);
    }
    mica_fail(err, status, "%s:%d: %s(%s): %s", call->here.file, call->here.line, call->op->name,
              buf.failed || !buf.data ? "" : buf.data, why);
    mica_buf_release(&buf);
    return status;
}

static const char *check_inputs(const struct mica_op_call *call)
{
    for (int i = 0; i < call->op->n_required; i++)
        if (!call->args.in[i])
            return "a required input is missing";
    for (int i = 0; i < call->op->n_required + call->op->n_optional; i++) {
        const struct mica_tensor *t = call->args.in[i];
        if (t && t->dtype == MICA_PACKED && !t->packed)
            return "packed weights without data";
    }
    return NULL;
}

bool mica_op_infer(const struct mica_op_call *call, struct mica_tensor *out, struct mica_err *err)
{
    const char *why = check_inputs(call);
    for (int i = 0; i < call->op->n_out; i++)
        out[i] = (struct mica_tensor){.node = -1};
    if (!why)
        why = call->op->infer(&call->args, out);
    size_t bytes;
    for (int i = 0; i < call->op->n_out && !why; i++)
        if (!mica_tensor_bytes(&out[i], &bytes))
            why = "the result is too large";
    if (why)
        fail(call, MICA_EARG, why, err);
    return !why;
}

enum mica_status mica_op_run(const struct mica_exec *exec, const struct mica_op_call *call,
                             struct mica_err *err)
{
    struct mica_err why;
    enum mica_status status = call->op->run(exec, call, &why);
    return status == MICA_OK ? MICA_OK : fail(call, status, why.text, err);
}

size_t mica_scratch_none(const struct mica_op_args *args, int n_threads)
{
    (void)args, (void)n_threads;
    return 0;
}

void mica_exec_split(const struct mica_exec *exec, int64_t n, double ns_each, int64_t unit, mica_job *job,
                     void *arg)
{
    enum { ALONE_NS = 2500, CHUNK_NS = 20000, CHUNKS_EACH = 8 };
    double total = (double)n * ns_each;
    if (exec->n_threads == 1 || total < ALONE_NS || n <= unit) {
        if (n > 0)
            job(arg, 0, n, 0);
        return;
    }
    /* A few chunks each, so that a thread that lost its CPU can be helped out, but none too small. */
    double chunks = total / CHUNK_NS;
    double few = 4.0 * exec->n_threads, many = (double)CHUNKS_EACH * exec->n_threads;
    chunks = chunks < few ? few : chunks > many ? many : chunks;
    int64_t units = (n + unit - 1) / unit, grain = (int64_t)((double)units / chunks);
    mica_pool_run(exec->pool, n, (grain < 1 ? 1 : grain) * unit, job, arg);
}
