/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Tensors, the op table, eager and captured execution.
 *
 * A context runs in one of two modes over the same rows of ops.def. Eager: infer, allocate, run. Captured:
 * the same call only infers and records a node; passes fuse, a planner lays all temporaries into one arena,
 * and a graph replays without allocating. Both give the same bits.
 *
 * An op call is NULL in, NULL out: the first op that fails leaves its message (op, shapes, file and line of
 * the call) on the context, and everything after it falls through; the caller checks once, with
 * mica_context_error.
 *
 * A context and everything made in it belongs to one thread at a time; kernels inside an op use the context's
 * pool. */
#ifndef MICA_TENSOR_H
#define MICA_TENSOR_H

#include "base/pool.h"
#include "kern/kern.h"

#include <stdatomic.h>

enum { MICA_MAX_DIMS = 4 };

/* PACKED: weights in the layout of kern/packed.h, shape [N, K]. ACT: quantised activations, shape [T, K],
 * stored as struct mica_act_block[T][K/32]. */
enum mica_dtype { MICA_F32, MICA_I32, MICA_ACT, MICA_PACKED };

/* Contiguous, outermost dimension first. Weights and inputs are made by the caller (see mica_input and the
 * model's loader); every other tensor belongs to its context and dies with its reset. */
struct mica_tensor {
    struct mica_context *ctx; /* NULL for weights */
    enum mica_dtype dtype;
    int n_dims;
    int64_t shape[MICA_MAX_DIMS];
    void *data;                       /* NULL while captured and not yet planned; NULL for PACKED */
    const struct mica_packed *packed; /* PACKED only */
    struct mica_tensor *quantised;    /* x after quantize(x): computed once, used by every linear of x */
    int node;                         /* which op of its context made it; −1 for leaves */
};

struct mica_context;
/* kern and pool (which may be NULL: one thread) are borrowed and must outlive the context. */
enum mica_status mica_context_new(const struct mica_kern *kern, struct mica_pool *pool,
                                  struct mica_context **out, struct mica_err *err);
void mica_context_free(struct mica_context *ctx);
/* Forgets every tensor and any error; keeps memory for reuse. Graphs made from the context live on. */
void mica_context_reset(struct mica_context *ctx);
/* MICA_OK, or the status and (into err) the message of the first op that failed since the last reset. */
enum mica_status mica_context_error(const struct mica_context *ctx, struct mica_err *err);

/* A leaf over the caller's memory, which must outlive the tensor (for a graph: must outlive the graph; its
 * contents may change between runs). */
struct mica_tensor *mica_input(struct mica_context *ctx, enum mica_dtype dtype, int n_dims,
                               const int64_t *shape, void *data);

/* ---- captured execution
 * ------------------------------------------------------------------------------------------ */

struct mica_graph;
/* From here until mica_graph_end, ops on ctx record instead of running. Fails when already capturing. */
enum mica_status mica_graph_begin(struct mica_context *ctx, struct mica_err *err);
/* Ends the capture: fuses, plans, and returns the graph; outputs[0..n) stay readable after each run at
 * mica_graph_output(graph, i). An op error met during capture is returned here. Always leaves eager mode. */
enum mica_status mica_graph_end(struct mica_context *ctx, struct mica_tensor *const *outputs, int n,
                                struct mica_graph **out, struct mica_err *err);
/* Replays. Allocates nothing. cancel, when not NULL, is read between nodes: once true the run ends with
 * ECANCELLED. */
enum mica_status mica_graph_run(struct mica_graph *graph, const atomic_bool *cancel, struct mica_err *err);
const void *mica_graph_output(const struct mica_graph *graph, int i);
size_t mica_graph_bytes(const struct mica_graph *graph); /* the arena the planner laid out */
void mica_graph_free(struct mica_graph *graph);

/* ---- ops: one function per row of ops.def
 * ------------------------------------------------------------------------ */

/* Each macro adds the caller's file and line to a possible error message. T tokens (rows), H heads, D head
 * width. */

/* table: PACKED [V,D], ids: I32 [T] → [T,D]. An id outside the table is an error when it runs. */
#define embed(table, ids) mica_op_embed(table, ids, MICA_HERE)
/* x:[T,K], w: PACKED [N,K], bias:[N] or NULL → [T,N]; quantises x (see quantize) unless w is F32, F16 or BF16
 */
#define linear(x, w, bias) mica_op_linear(x, w, bias, MICA_HERE)
/* x:[…,K] F32 → ACT, K a multiple of 32; memoised on x unless x is a leaf */
#define quantize(x) mica_op_quantize(x, MICA_HERE)
/* x:[…,D], w:[D] → same shape, over the last dimension (so [T,H,D] with w:[D] normalises each head) */
#define rms_norm(x, w, eps)      mica_op_rms_norm(x, w, eps, MICA_HERE)
#define layer_norm(x, w, b, eps) mica_op_layer_norm(x, w, b, eps, MICA_HERE)
/* same shapes */
#define add(a, b)       mica_op_add(a, b, MICA_HERE)
#define mul(a, b)       mica_op_mul(a, b, MICA_HERE)
#define silu_mul(a, b)  mica_op_silu_mul(a, b, MICA_HERE)
#define gelu_mul(a, b)  mica_op_gelu_mul(a, b, MICA_HERE)
#define silu(x)         mica_op_silu(x, MICA_HERE)
#define gelu(x)         mica_op_gelu(x, MICA_HERE)
#define gelu_erf(x)     mica_op_gelu_erf(x, MICA_HERE)
#define softmax(x)      mica_op_softmax(x, MICA_HERE)
#define scale(x, c)     mica_op_scale(x, c, MICA_HERE)
#define softcap(x, cap) mica_op_softcap(x, cap, MICA_HERE)
/* x:[T,H,D], table:[T,half,2] (cos, sin per position) → [T,H,D]; neox: pairs (i, i + half), else (2i, 2i + 1)
 */
#define rope(x, table, neox) mica_op_rope(x, table, neox, MICA_HERE)
/* q:[T,H,D] k,v:[T,Hkv,D] → [T,H,D]: stores k and v in layer  of the cache, then attends */
#define attention(q, k, v, kv, layer, how) mica_op_attention(q, k, v, kv, layer, how, MICA_HERE)
/* x:[T,D], rows: I32 [R] → [R,D] */
#define take_rows(x, rows) mica_op_take_rows(x, rows, MICA_HERE)
/* same elements, another shape; no copy */
#define reshape(x, ...) mica_op_reshape(x, (int64_t[]){__VA_ARGS__}, MICA_DIMS(__VA_ARGS__), MICA_HERE)
#define MICA_DIMS(...)  ((int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)))

struct mica_here {
    const char *file;
    int line;
};
#define MICA_HERE ((struct mica_here){__FILE__, __LINE__})

/* The sequences of one step. The engine owns it and changes its contents between runs of a graph; the pointer
 * that attention() took must stay valid. Token rows of sequence i are [row0, row0 + n_q), at positions pos0
 * onwards. */
struct mica_batch_seq {
    int64_t row0, n_q, pos0;
    const int32_t *block_table;
};
struct mica_kv_batch {
    const struct mica_kv_layer *layers;
    const struct mica_batch_seq *seqs;
    int n_seqs;
};
struct mica_attention_params {
    float scale, softcap; /* softcap 0: none */
    int64_t window;       /* 0: all positions */
};

struct mica_tensor *mica_op_embed(const struct mica_tensor *table, struct mica_tensor *ids,
                                  struct mica_here here);
struct mica_tensor *mica_op_linear(struct mica_tensor *x, const struct mica_tensor *w,
                                   const struct mica_tensor *bias, struct mica_here here);
struct mica_tensor *mica_op_quantize(struct mica_tensor *x, struct mica_here here);
struct mica_tensor *mica_op_rms_norm(struct mica_tensor *x, const struct mica_tensor *w, float eps,
                                     struct mica_here here);
struct mica_tensor *mica_op_layer_norm(struct mica_tensor *x, const struct mica_tensor *w,
                                       const struct mica_tensor *b, float eps, struct mica_here here);
struct mica_tensor *mica_op_add(struct mica_tensor *a, struct mica_tensor *b, struct mica_here here);
struct mica_tensor *mica_op_mul(struct mica_tensor *a, struct mica_tensor *b, struct mica_here here);
struct mica_tensor *mica_op_silu_mul(struct mica_tensor *a, struct mica_tensor *b, struct mica_here here);
struct mica_tensor *mica_op_gelu_mul(struct mica_tensor *a, struct mica_tensor *b, struct mica_here here);
struct mica_tensor *mica_op_silu(struct mica_tensor *x, struct mica_here here);
struct mica_tensor *mica_op_gelu(struct mica_tensor *x, struct mica_here here);
struct mica_tensor *mica_op_gelu_erf(struct mica_tensor *x, struct mica_here here);
struct mica_tensor *mica_op_softmax(struct mica_tensor *x, struct mica_here here);
struct mica_tensor *mica_op_scale(struct mica_tensor *x, float c, struct mica_here here);
struct mica_tensor *mica_op_softcap(struct mica_tensor *x, float cap, struct mica_here here);
struct mica_tensor *mica_op_rope(struct mica_tensor *x, const struct mica_tensor *table, bool neox,
                                 struct mica_here here);
struct mica_tensor *mica_op_attention(struct mica_tensor *q, struct mica_tensor *k, struct mica_tensor *v,
                                      const struct mica_kv_batch *kv, int layer,
                                      const struct mica_attention_params *how, struct mica_here here);
struct mica_tensor *mica_op_take_rows(struct mica_tensor *x, struct mica_tensor *rows, struct mica_here here);
struct mica_tensor *mica_op_reshape(struct mica_tensor *x, const int64_t *shape, int n_dims,
                                    struct mica_here here);

#endif
