/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Contexts and eager execution. */
#include "tensor/op.h"

#include <stdlib.h>
#include <string.h>

enum mica_status mica_context_new(const struct mica_kern *kern, struct mica_pool *pool,
                                  struct mica_context **out, struct mica_err *err)
{
    struct mica_context *ctx = mica_alloc(1, sizeof *ctx);
    if (!ctx)
        return mica_fail(err, MICA_ENOMEM, "tensor context: out of memory");
    ctx->exec = (struct mica_exec){kern, pool, mica_pool_threads(pool)};
    *out = ctx;
    return MICA_OK;
}

void mica_context_free(struct mica_context *ctx)
{
    if (!ctx)
        return;
    mica_graph_free(ctx->capture);
    mica_arena_release(&ctx->arena);
    free(ctx->scratch);
    mica_free(ctx);
}

void mica_context_reset(struct mica_context *ctx)
{
    mica_graph_free(ctx->capture);
    ctx->capture = NULL;
    mica_arena_reset(&ctx->arena);
    ctx->status = MICA_OK;
    ctx->n_ops = 0;
}

enum mica_status mica_context_error(const struct mica_context *ctx, struct mica_err *err)
{
    if (ctx->status != MICA_OK && err)
        *err = ctx->err;
    return ctx->status;
}

void *mica_context_alloc(struct mica_context *ctx, size_t n, size_t size)
{
    return mica_arena_alloc(ctx->capture ? &ctx->capture->storage : &ctx->arena, n, size);
}

static struct mica_tensor *fail_memory(struct mica_context *ctx, const char *what, struct mica_here here)
{
    if (ctx->status == MICA_OK)
        ctx->status =
            mica_fail(&ctx->err, MICA_ENOMEM, "%s:%d: %s: out of memory", here.file, here.line, what);
    return NULL;
}

struct mica_tensor *mica_input(struct mica_context *ctx, enum mica_dtype dtype, int n_dims,
                               const int64_t *shape, void *data)
{
    if (ctx->status != MICA_OK)
        return NULL;
    bool ok = n_dims >= 1 && n_dims <= MICA_MAX_DIMS && dtype != MICA_PACKED;
    for (int d = 0; d < n_dims && ok; d++)
        ok = shape[d] >= 1;
    if (!ok) {
        ctx->status =
            mica_fail(&ctx->err, MICA_EARG, "input: 1 to %d dimensions, each at least 1", (int)MICA_MAX_DIMS);
        return NULL;
    }
    struct mica_tensor *t = mica_context_alloc(ctx, 1, sizeof *t);
    if (!t)
        return fail_memory(ctx, "input", MICA_HERE);
    *t = (struct mica_tensor){.ctx = ctx, .dtype = dtype, .n_dims = n_dims, .data = data, .node = -1};
    memcpy(t->shape, shape, (size_t)n_dims * sizeof *shape);
    return t;
}

static bool make_scratch(struct mica_context *ctx, size_t bytes)
{
    enum { ALIGN = 64 };
    if (bytes <= ctx->scratch_bytes)
        return true;
    bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    void *bigger = aligned_alloc(ALIGN, bytes);
    if (!bigger)
        return false;
    free(ctx->scratch);
    ctx->scratch = bigger;
    ctx->scratch_bytes = bytes;
    return true;
}

/* Finds data for the outputs and runs the call now. */
static bool run_now(struct mica_context *ctx, struct mica_op_call *call)
{
    for (int i = 0; i < MICA_MAX_IN; i++) {
        const struct mica_tensor *t = call->args.in[i];
        if (t && !t->data && t->dtype != MICA_PACKED) {
            ctx->status = mica_fail(&ctx->err, MICA_EARG, "%s:%d: %s: input %d belongs to a captured graph",
                                    call->here.file, call->here.line, call->op->name, i);
            return false;
        }
    }
    if (call->op->run == mica_run_view) {
        call->out[0]->data = call->args.in[0]->data;
        return true;
    }
    for (int i = 0; i < call->op->n_out; i++) {
        size_t bytes;
        if (!mica_tensor_bytes(call->out[i], &bytes) ||
            !(call->out[i]->data = mica_arena_alloc(&ctx->arena, bytes, 1)))
            return fail_memory(ctx, call->op->name, call->here);
    }
    if (!make_scratch(ctx, call->op->scratch(&call->args, ctx->exec.n_threads)))
        return fail_memory(ctx, call->op->name, call->here);
    call->scratch = ctx->scratch;
    ctx->status = mica_op_run(&ctx->exec, call, &ctx->err);
    return ctx->status == MICA_OK;
}

static struct mica_context *find_context(const struct mica_op_args *args)
{
    for (int i = 0; i < MICA_MAX_IN; i++)
        if (args->in[i] && args->in[i]->ctx)
            return args->in[i]->ctx;
    return NULL;
}

struct mica_tensor *mica_op_apply(enum mica_op_id id, const struct mica_op_args *args, struct mica_here here)
{
    struct mica_context *ctx = find_context(args);
    struct mica_op_call call = {.op = &mica_ops[id], .args = *args, .here = here};
    struct mica_tensor out[MICA_MAX_OUT];
    if (!ctx || ctx->status != MICA_OK)
        return NULL;
    struct mica_err err;
    if (!mica_op_infer(&call, out, &err)) {
        ctx->status = err.status;
        ctx->err = err;
        return NULL;
    }
    for (int i = 0; i < call.op->n_out; i++) {
        call.out[i] = mica_context_alloc(ctx, 1, sizeof *call.out[i]);
        if (!call.out[i])
            return fail_memory(ctx, call.op->name, here);
        *call.out[i] = out[i];
        call.out[i]->ctx = ctx;
        call.out[i]->node = ctx->capture ? (int)ctx->capture->n_nodes : ctx->n_ops++;
    }
    if (ctx->capture)
        return mica_graph_record(ctx->capture, &call) ? call.out[0] : fail_memory(ctx, call.op->name, here);
    return run_now(ctx, &call) ? call.out[0] : NULL;
}
