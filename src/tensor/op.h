/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The op table and what runs it. Only the tensor layer and its tests include this. */
#ifndef MICA_OP_H
#define MICA_OP_H

#include "base/mem.h"
#include "tensor/tensor.h"

enum { MICA_MAX_IN = 10, MICA_MAX_OUT = 3, MICA_MAX_INTS = MICA_MAX_DIMS + 1 };

/* Everything an op call was given. Fixed in size, so a graph node is a copy. */
struct mica_op_args {
    const struct mica_tensor *in[MICA_MAX_IN]; /* NULL: an optional input that is not there */
    float f[2];
    int64_t i[MICA_MAX_INTS];
    const void *p;
};

/* One op call: eager runs it at once, a graph keeps it as a node. */
struct mica_op_call {
    const struct mica_op *op;
    struct mica_op_args args;
    struct mica_tensor *out[MICA_MAX_OUT]; /* NULL past the last one */
    void *scratch;                         /* 64-byte aligned */
    struct mica_here here;
};

struct mica_exec {
    const struct mica_kern *kern;
    struct mica_pool *pool;
    int n_threads;
};

/* Sets dtype, n_dims and shape of each out (zeroed before). Returns NULL, or what is wrong with args. */
typedef const char *mica_infer_fn(const struct mica_op_args *args, struct mica_tensor *out);
/* Computes call->out. On failure err holds the reason; the caller adds op, shapes and place. */
typedef enum mica_status mica_run_fn(const struct mica_exec *exec, const struct mica_op_call *call,
                                     struct mica_err *err);
/* Bytes that run needs at call->scratch. */
typedef size_t mica_scratch_fn(const struct mica_op_args *args, int n_threads);
/* Given d(loss)/d(out), emits table ops that make d(loss)/d(in); false on failure. NULL: not differentiable.
 */
typedef bool mica_vjp_fn(const struct mica_op_call *call, struct mica_tensor *const *grad_out,
                         struct mica_tensor **grad_in);

struct mica_op {
    const char *name;
    int n_required, n_optional; /* inputs */
    int n_out;                  /* at most; infer leaves n_dims 0 for an output that the call does not have */
    unsigned in_place;          /* bit i: out[0] may lie on input i */
    bool has_effects;           /* stays although nothing uses its outputs */
    mica_infer_fn *infer;
    mica_run_fn *run; /* mica_run_view: out[0] is in[0] under another shape */
    mica_scratch_fn *scratch;
    mica_vjp_fn *vjp;
    const char *onnx; /* NULL: no single ONNX operator */
};

enum mica_op_id {
#define X(name, ...) MICA_OP_##name,
#include "tensor/ops.def"
#undef X
    MICA_OP_COUNT
};
extern const struct mica_op mica_ops[MICA_OP_COUNT];

/* The functions that rows of the table name; several rows may name the same. */
#define X(name, required, optional, outs, in_place, effects, infer, run, scratch, vjp, onnx)                 \
    mica_infer_fn mica_infer_##infer;                                                                        \
    mica_run_fn mica_run_##run;                                                                              \
    mica_scratch_fn mica_scratch_##scratch;
#include "tensor/ops.def"
#undef X

/* Runs or records one call of the op on the context of its inputs. A missing required input or an earlier
 * failure gives NULL. The other outputs, when there are any, are in *more (may be NULL). */
struct mica_tensor *mica_op_apply(enum mica_op_id op, const struct mica_op_args *args, struct mica_here here);

/* Infers outs (n_dims 0 where the op has none) and checks arity; false with err filled. */
bool mica_op_infer(const struct mica_op_call *call, struct mica_tensor *out, struct mica_err *err);
/* Runs the call; a failure's message starts with place, op and shapes. */
enum mica_status mica_op_run(const struct mica_exec *exec, const struct mica_op_call *call,
                             struct mica_err *err);

/* ---- shapes ---- */

static inline int64_t mica_last_dim(const struct mica_tensor *t)
{
    return t->shape[t->n_dims - 1];
}
/* The product of all dimensions but the last. */
int64_t mica_tensor_rows(const struct mica_tensor *t);
int64_t mica_tensor_elements(const struct mica_tensor *t);
/* Bytes of data; false when it overflows. */
bool mica_tensor_bytes(const struct mica_tensor *t, size_t *out);
bool mica_same_shape(const struct mica_tensor *a, const struct mica_tensor *b);
static inline bool mica_is_f32(const struct mica_tensor *t)
{
    return t->dtype == MICA_F32;
}

/* ---- splitting work ---- */

/* Runs job over n items that cost about ns_each nanoseconds: on the calling thread when the whole is too
 * small to be worth waking others, else in chunks of a multiple of unit items. */
void mica_exec_split(const struct mica_exec *exec, int64_t n, double ns_each, int64_t unit, mica_job *job,
                     void *arg);

/* ---- context ---- */

struct mica_graph;
struct mica_context {
    struct mica_exec exec;
    struct mica_arena arena; /* eager tensors and their data */
    void *scratch;           /* shared by all eager ops */
    size_t scratch_bytes;
    struct mica_graph *capture; /* NULL: eager */
    int n_ops;
    bool no_passes; /* graphs stay as captured: for tests that compare */
    enum mica_status status;
    struct mica_err err;
};
void *mica_context_alloc(struct mica_context *ctx, size_t n,
                         size_t size); /* from the capture, or the arena */

/* ---- graphs ---- */

struct mica_graph {
    struct mica_exec exec;
    struct mica_arena storage; /* nodes' tensors */
    struct mica_op_call *nodes;
    int64_t n_nodes, capacity;
    const struct mica_tensor **outputs;
    int n_outputs;
    uint8_t *arena; /* temporaries and scratch, laid out by mica_graph_plan */
    size_t arena_bytes;
};
/* Records the call; out tensors are already allocated from storage. */
bool mica_graph_record(struct mica_graph *graph, const struct mica_op_call *call);
/* Is t an output of a node? */
bool mica_graph_owns(const struct mica_graph *graph, const struct mica_tensor *t);
/* Rewrites nodes; never changes a bit of any output. */
enum mica_status mica_graph_fuse(struct mica_graph *graph, struct mica_err *err);
/* Allocates the arena and sets data of every tensor and scratch of every node. */
enum mica_status mica_graph_plan(struct mica_graph *graph, struct mica_err *err);

#endif
