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
    int64_t *lies_on;       /* [pieces]: −1, or the piece whose memory this one uses */
    struct storage **order; /* room for two lists of pieces */
    size_t total;
};
enum { SCRATCH = MICA_MAX_OUT, PER_NODE };

static int64_t piece_of(const struct plan *plan, const struct mica_tensor *t);

/* The piece in which output j of node i lies: its own, or that of the input it is a view of. −1: a leaf. */
static int64_t output_piece(const struct plan *plan, int64_t i, int j)
{
    const struct mica_op_call *node = &plan->graph->nodes[i];
    if (node->op->run == mica_run_view)
        return piece_of(plan, node->args.in[0]);
    int64_t piece = i * PER_NODE + j;
    while (plan->lies_on[piece] >= 0)
        piece = plan->lies_on[piece];
    return piece;
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
        for (int j = 0; j < PER_NODE; j++) {
            pieces[j] = (struct storage){.first = i, .last = i};
            plan->lies_on[i * PER_NODE + j] = -1;
        }
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

/* An output that may lie on an input which nothing needs any more takes over its memory. */
static void reuse(struct plan *plan)
{
    for (int64_t i = 0; i < plan->graph->n_nodes; i++) {
        const struct mica_op_call *node = &plan->graph->nodes[i];
        struct storage *out = &plan->pieces[i * PER_NODE];
        for (int j = 0; j < MICA_MAX_IN && out->bytes; j++) {
            int64_t at = (node->op->in_place >> j & 1) ? piece_of(plan, node->args.in[j]) : -1;
            bool fits = at >= 0 && plan->pieces[at].last == i && plan->pieces[at].bytes == out->bytes;
            for (int other = 0; other < MICA_MAX_IN && fits; other++)
                fits = (node->op->in_place >> other & 1) || piece_of(plan, node->args.in[other]) != at;
            if (!fits)
                continue;
            plan->pieces[at].last = out->last;
            out->bytes = 0;
            plan->lies_on[i * PER_NODE] = at;
        }
    }
}

static int larger_first(const void *a, const void *b)
{
    const struct storage *x = *(struct storage *const *)a, *y = *(struct storage *const *)b;
    return x->bytes != y->bytes ? (x->bytes < y->bytes ? 1 : -1) : x < y ? -1 : x > y;
}

/* Each piece, largest first, goes to the lowest gap among those that live at the same time. */
static bool place(struct plan *plan)
{
    int64_t n = 0;
    struct storage **todo = plan->order, **placed = todo + plan->graph->n_nodes * PER_NODE;
    for (int64_t i = 0; i < plan->graph->n_nodes * PER_NODE; i++) {
        struct storage *piece = &plan->pieces[i];
        if (!mica_add_size(piece->bytes, ALIGN - 1, &piece->bytes))
            return false;
        piece->bytes = piece->bytes / ALIGN * ALIGN;
        if (piece->bytes)
            todo[n++] = piece;
    }
    qsort(todo, (size_t)n, sizeof *todo, larger_first);
    for (int64_t i = 0; i < n; i++) {
        struct storage *piece = todo[i];
        int64_t at = 0;
        for (; at < i; at++) {
            bool together = placed[at]->first <= piece->last && piece->first <= placed[at]->last;
            size_t end = placed[at]->offset + placed[at]->bytes;
            if (together && placed[at]->offset >= piece->offset &&
                placed[at]->offset - piece->offset >= piece->bytes)
                break;
            if (together && end > piece->offset)
                piece->offset = end;
        }
        size_t end;
        if (!mica_add_size(piece->offset, piece->bytes, &end))
            return false;
        plan->total = end > plan->total ? end : plan->total;
        for (at = i; at > 0 && placed[at - 1]->offset > piece->offset; at--)
            placed[at] = placed[at - 1];
        placed[at] = piece;
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
                node->out[j]->data = graph->arena + plan->pieces[output_piece(plan, i, j)].offset;
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
    size_t n = (size_t)graph->n_nodes * PER_NODE;
    plan.pieces = mica_alloc(n, sizeof *plan.pieces);
    plan.lies_on = mica_alloc(n, sizeof *plan.lies_on);
    plan.order = mica_alloc(2 * n, sizeof *plan.order);
    enum mica_status status = MICA_ENOMEM;
    if (!plan.pieces || !plan.lies_on || !plan.order || !measure(&plan))
        goto out;
    reuse(&plan);
    if (!place(&plan))
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
    mica_free(plan.lies_on);
    mica_free(plan.order);
    return status == MICA_OK ? status
                             : mica_fail(err, status, "graph of %lld nodes, %zu bytes: out of memory",
                                         (long long)graph->n_nodes, plan.total);
}
