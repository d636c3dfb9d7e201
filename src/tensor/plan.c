/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Lays all temporaries of a graph into one arena. Storage that lives at the same time never overlaps. */
#include "tensor/op.h"

#include <stdlib.h>

enum { ALIGN = 64 };

/* One piece of memory, needed from node first to node last. */
struct storage {
    size_t bytes, offset;
    int64_t first, last;
};

struct plan {
    struct mica_graph *graph;
    struct storage *pieces; /* of node i: output j is i × PER_NODE + j, scratch comes last */
    int64_t *order;         /* pieces with bytes, largest first */
    int64_t n_order;
    size_t total;
};
enum { SCRATCH = MICA_MAX_OUT, PER_NODE };

static int64_t piece_of(const struct plan *plan, const struct mica_tensor *t);

/* The piece in which output j of node i lies: its own, or that of the input it is a view of. −1: a leaf. */
static int64_t output_piece(const struct plan *plan, int64_t i, int j)
{
    const struct mica_op_call *node = &plan->graph->nodes[i];
    return node->op->run == mica_run_view ? piece_of(plan, node->args.in[0]) : i * PER_NODE + j;
}

static int64_t piece_of(const struct plan *plan, const struct mica_tensor *t)
{
    if (!t || !mica_graph_owns(plan->graph, t))
        return -1;
    const struct mica_op_call *node = &plan->graph->nodes[t->node];
    int j = 0;
    while (node->out[j] != t)
        j++;
    return output_piece(plan, t->node, j);
}

static void use(struct plan *plan, const struct mica_tensor *t, int64_t when)
{
    int64_t piece = piece_of(plan, t);
    if (piece >= 0 && plan->pieces[piece].last < when)
        plan->pieces[piece].last = when;
}

static bool measure(struct plan *plan)
{
    const struct mica_graph *graph = plan->graph;
    for (int64_t i = 0; i < graph->n_nodes; i++) {
        const struct mica_op_call *node = &graph->nodes[i];
        struct storage *pieces = &plan->pieces[i * PER_NODE];
        for (int j = 0; j < PER_NODE; j++)
            pieces[j] = (struct storage){.first = i, .last = i};
        for (int j = 0; j < MICA_MAX_IN; j++)
            use(plan, node->args.in[j], i);
        if (node->op->run == mica_run_view)
            continue;
        for (int j = 0; j < node->op->n_out; j++)
            if (node->out[j] && !mica_tensor_bytes(node->out[j], &pieces[j].bytes))
                return false;
        pieces[SCRATCH].bytes = node->op->scratch(&node->args, graph->exec.n_threads);
    }
    for (int i = 0; i < graph->n_outputs; i++)
        use(plan, graph->outputs[i], graph->n_nodes);
    return true;
}

static bool place(struct plan *plan)
{
    for (int64_t i = 0; i < plan->graph->n_nodes * PER_NODE; i++) {
        struct storage *piece = &plan->pieces[i];
        if (!piece->bytes)
            continue;
        piece->offset = plan->total;
        if (!mica_add_size(piece->bytes, ALIGN - 1, &piece->bytes) ||
            !mica_add_size(plan->total, piece->bytes / ALIGN * ALIGN, &plan->total))
            return false;
    }
    return true;
}

static void resolve(struct plan *plan)
{
    struct mica_graph *graph = plan->graph;
    for (int64_t i = 0; i < graph->n_nodes; i++) {
        struct mica_op_call *node = &graph->nodes[i];
        if (node->op->run == mica_run_view) {
            node->out[0]->data = node->args.in[0]->data;
            continue;
        }
        for (int j = 0; j < node->op->n_out; j++)
            if (node->out[j])
                node->out[j]->data = graph->arena + plan->pieces[i * PER_NODE + j].offset;
        node->scratch = graph->arena + plan->pieces[i * PER_NODE + SCRATCH].offset;
    }
}

static void drop_views(struct mica_graph *graph)
{
    int64_t n = 0;
    for (int64_t i = 0; i < graph->n_nodes; i++)
        if (graph->nodes[i].op->run != mica_run_view)
            graph->nodes[n++] = graph->nodes[i];
    graph->n_nodes = n;
}

enum mica_status mica_graph_plan(struct mica_graph *graph, struct mica_err *err)
{
    struct plan plan = {.graph = graph};
    plan.pieces = mica_alloc((size_t)graph->n_nodes * PER_NODE, sizeof *plan.pieces);
    enum mica_status status = MICA_ENOMEM;
    if (!plan.pieces || !measure(&plan) || !place(&plan))
        goto out;
    graph->arena = aligned_alloc(ALIGN, plan.total ? plan.total : ALIGN);
    if (!graph->arena)
        goto out;
    graph->arena_bytes = plan.total;
    resolve(&plan);
    drop_views(graph);
    status = MICA_OK;
out:
    mica_free(plan.pieces);
    return status == MICA_OK ? status
                             : mica_fail(err, status, "graph of %lld nodes, %zu bytes: out of memory",
                                         (long long)graph->n_nodes, plan.total);
}
