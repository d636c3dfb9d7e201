/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Captured execution: recording, finishing, replaying. */
#include "tensor/op.h"

#include <stdlib.h>
#include <string.h>

enum mica_status mica_graph_begin(struct mica_context *ctx, struct mica_err *err)
{
    if (ctx->capture)
        return mica_fail(err, MICA_EARG, "the context is already capturing a graph");
    if (ctx->status != MICA_OK)
        return mica_context_error(ctx, err);
    ctx->capture = mica_alloc(1, sizeof *ctx->capture);
    if (!ctx->capture)
        return mica_fail(err, MICA_ENOMEM, "graph: out of memory");
    ctx->capture->exec = ctx->exec;
    return MICA_OK;
}

bool mica_graph_record(struct mica_graph *graph, const struct mica_op_call *call)
{
    if (!mica_grow(&graph->nodes, graph->n_nodes, &graph->capacity, sizeof *graph->nodes))
        return false;
    graph->nodes[graph->n_nodes++] = *call;
    return true;
}

bool mica_graph_owns(const struct mica_graph *graph, const struct mica_tensor *t)
{
    if (t->node < 0 || t->node >= graph->n_nodes)
        return false;
    const struct mica_op_call *node = &graph->nodes[t->node];
    for (int i = 0; i < MICA_MAX_OUT; i++)
        if (node->out[i] == t)
            return true;
    return false;
}

/* A leaf's descriptor dies with its context's reset, so the graph keeps a copy. */
static bool copy_leaf(struct mica_graph *graph, const struct mica_tensor **t)
{
    if (!*t || !(*t)->ctx || mica_graph_owns(graph, *t))
        return true;
    struct mica_tensor *copy = mica_arena_alloc(&graph->storage, 1, sizeof *copy);
    if (!copy)
        return false;
    *copy = **t;
    copy->node = -1;
    copy->quantised = NULL;
    *t = copy;
    return true;
}

static bool copy_leaves(struct mica_graph *graph, struct mica_tensor *const *outputs, int n)
{
    for (int64_t i = 0; i < graph->n_nodes; i++)
        for (int j = 0; j < MICA_MAX_IN; j++)
            if (!copy_leaf(graph, &graph->nodes[i].args.in[j]))
                return false;
    graph->outputs = mica_arena_alloc(&graph->storage, (size_t)n + 1, sizeof *graph->outputs);
    graph->n_outputs = n;
    for (int i = 0; i < n && graph->outputs; i++) {
        graph->outputs[i] = outputs[i];
        if (!copy_leaf(graph, &graph->outputs[i]))
            return false;
    }
    return graph->outputs != NULL;
}

enum mica_status mica_graph_end(struct mica_context *ctx, struct mica_tensor *const *outputs, int n,
                                struct mica_graph **out, struct mica_err *err)
{
    struct mica_graph *graph = ctx->capture;
    enum mica_status status;
    if (!graph)
        return mica_fail(err, MICA_EARG, "the context is not capturing a graph");
    ctx->capture = NULL;
    status = mica_context_error(ctx, err);
    for (int i = 0; i < n && status == MICA_OK; i++)
        if (!outputs[i])
            status = mica_fail(err, MICA_EARG, "output %d of the graph is missing", i);
    if (status == MICA_OK && !copy_leaves(graph, outputs, n))
        status = mica_fail(err, MICA_ENOMEM, "graph of %lld nodes: out of memory", (long long)graph->n_nodes);
    if (status == MICA_OK && !ctx->no_passes)
        status = mica_graph_fuse(graph, err);
    if (status == MICA_OK)
        status = mica_graph_plan(graph, err);
    if (status != MICA_OK) {
        mica_graph_free(graph);
        return status;
    }
    *out = graph;
    return MICA_OK;
}

enum mica_status mica_graph_run(struct mica_graph *graph, const atomic_bool *cancel, struct mica_err *err)
{
    for (int64_t i = 0; i < graph->n_nodes; i++) {
        if (cancel && atomic_load_explicit(cancel, memory_order_relaxed))
            return mica_fail(err, MICA_ECANCELLED, "cancelled");
        enum mica_status status = mica_op_run(&graph->exec, &graph->nodes[i], err);
        if (status != MICA_OK)
            return status;
    }
    return MICA_OK;
}

const void *mica_graph_output(const struct mica_graph *graph, int i)
{
    return i >= 0 && i < graph->n_outputs ? graph->outputs[i]->data : NULL;
}

size_t mica_graph_bytes(const struct mica_graph *graph)
{
    return graph->arena_bytes;
}

void mica_graph_free(struct mica_graph *graph)
{
    if (!graph)
        return;
    mica_arena_release(&graph->storage);
    mica_free(graph->nodes);
    free(graph->arena);
    mica_free(graph);
}
