/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Rewriting a captured graph: fewer nodes, fewer parallel regions, fewer passes over memory. No rewrite
 * changes a bit of an output: a fused row does the arithmetic of its parts in the same order.
 *
 * A node that is gone has op NULL until the end. A fused node takes the place of the last of its parts, where
 * all of its inputs exist; a group takes the place of the first, where all that use its outputs still follow.
 */
#include "tensor/op.h"

/* Two rows that become one when nothing else uses what passes between them. */
static const struct {
    enum mica_op_id producer, consumer, fused;
} fusions[] = {
    {MICA_OP_rms_norm, MICA_OP_quantize, MICA_OP_rms_norm_quantize},
    {MICA_OP_silu_mul, MICA_OP_quantize, MICA_OP_silu_mul_quantize},
    {MICA_OP_gelu_mul, MICA_OP_quantize, MICA_OP_gelu_mul_quantize},
};

struct passes {
    struct mica_graph *graph;
    int32_t *uses; /* of output j of node i: [i × MICA_MAX_OUT + j]; an output of the graph is a use */
};

static struct mica_op_call *producer(const struct passes *p, const struct mica_tensor *t)
{
    return t && mica_graph_owns(p->graph, t) ? &p->graph->nodes[t->node] : NULL;
}

static bool is_op(const struct mica_op_call *node, enum mica_op_id id)
{
    return node && node->op == &mica_ops[id];
}

static void count(const struct passes *p, const struct mica_tensor *t, int by)
{
    const struct mica_op_call *node = producer(p, t);
    for (int j = 0; node && j < node->op->n_out; j++)
        if (node->out[j] == t)
            p->uses[t->node * MICA_MAX_OUT + j] += by;
}

static bool used_once(const struct passes *p, const struct mica_op_call *node)
{
    return p->uses[node->out[0]->node * MICA_MAX_OUT] == 1;
}

static void count_uses(const struct passes *p)
{
    const struct mica_graph *graph = p->graph;
    for (int i = 0; i < graph->n_outputs; i++)
        count(p, graph->outputs[i], 1);
    for (int64_t i = 0; i < graph->n_nodes; i++)
        for (int j = 0; j < MICA_MAX_IN; j++)
            count(p, graph->nodes[i].args.in[j], 1);
}

/* Backwards, so that what only dead nodes use dies too. */
static void drop_dead(const struct passes *p)
{
    for (int64_t i = p->graph->n_nodes - 1; i >= 0; i--) {
        struct mica_op_call *node = &p->graph->nodes[i];
        bool used = node->op->has_effects;
        for (int j = 0; j < node->op->n_out; j++)
            used |= p->uses[i * MICA_MAX_OUT + j] > 0;
        for (int j = 0; j < MICA_MAX_IN && !used; j++)
            count(p, node->args.in[j], -1);
        if (!used)
            node->op = NULL;
    }
}

static void fuse_pairs(const struct passes *p)
{
    for (int64_t i = 0; i < p->graph->n_nodes; i++) {
        struct mica_op_call *node = &p->graph->nodes[i];
        struct mica_op_call *before = node->op ? producer(p, node->args.in[0]) : NULL;
        for (size_t r = 0; r < MICA_COUNT(fusions); r++) {
            if (!is_op(node, fusions[r].consumer) || !is_op(before, fusions[r].producer) ||
                !used_once(p, before))
                continue;
            node->op = &mica_ops[fusions[r].fused];
            node->args = before->args;
            node->here = before->here;
            before->op = NULL;
        }
    }
}

static bool is_plain_linear(const struct passes *p, const struct mica_op_call *node)
{
    enum { RESIDUAL = 3 };
    return is_op(node, MICA_OP_linear) && !node->args.in[RESIDUAL] && used_once(p, node);
}

/* add(linear(x, w, bias), y) → linear with y as its residual. */
static void fuse_residuals(const struct passes *p)
{
    enum { RESIDUAL = 3 };
    for (int64_t i = 0; i < p->graph->n_nodes; i++) {
        struct mica_op_call *node = &p->graph->nodes[i];
        for (int side = 1; side >= 0 && is_op(node, MICA_OP_add); side--) {
            struct mica_op_call *product = producer(p, node->args.in[side]);
            if (!is_plain_linear(p, product))
                continue;
            const struct mica_tensor *other = node->args.in[!side];
            node->op = product->op;
            node->args = product->args;
            node->args.in[RESIDUAL] = other;
            node->here = product->here;
            product->op = NULL;
        }
    }
}

/* act(linear(x, a)) × linear(x, b), quantised → one row that keeps both products in the cache. */
static void fuse_gates(const struct passes *p)
{
    enum { STRIDE = 3 };
    static const enum mica_op_id rows[][2] = {{MICA_OP_silu_mul_quantize, MICA_OP_linear_silu_mul_quantize},
                                              {MICA_OP_gelu_mul_quantize, MICA_OP_linear_gelu_mul_quantize}};
    for (int64_t i = 0; i < p->graph->n_nodes; i++) {
        struct mica_op_call *node = &p->graph->nodes[i];
        for (size_t r = 0; r < MICA_COUNT(rows) && node->op; r++) {
            struct mica_op_call *gate = producer(p, node->args.in[0]), *up = producer(p, node->args.in[1]);
            if (!is_op(node, rows[r][0]) || !is_plain_linear(p, gate) || !is_plain_linear(p, up) ||
                gate == up || gate->args.in[0] != up->args.in[0])
                continue;
            node->op = &mica_ops[rows[r][1]];
            node->args = gate->args;
            for (int j = 1; j < STRIDE; j++)
                node->args.in[STRIDE + j] = up->args.in[j];
            node->here = gate->here;
            gate->op = up->op = NULL;
        }
    }
}

static bool can_join(const struct passes *p, const struct mica_op_call *first,
                     const struct mica_op_call *node)
{
    if (!is_op(node, MICA_OP_linear) || node->args.in[0] != first->args.in[0])
        return false;
    for (int j = 1; j < MICA_MAX_IN; j++)
        if (producer(p, node->args.in[j])) /* weights and biases are leaves; a residual may come later */
            return false;
    return true;
}

/* linear(x, a), linear(x, b), linear(x, c) → one node, one parallel region. */
static void group_siblings(const struct passes *p)
{
    enum { STRIDE = 3 };
    struct mica_graph *graph = p->graph;
    for (int64_t i = 0; i < graph->n_nodes; i++) {
        struct mica_op_call *first = &graph->nodes[i];
        if (!can_join(p, first, first))
            continue;
        int n = 1;
        for (int64_t k = i + 1; k < graph->n_nodes && n < MICA_MAX_OUT; k++) {
            struct mica_op_call *node = &graph->nodes[k];
            if (!can_join(p, first, node))
                continue;
            for (int j = 1; j <= STRIDE; j++)
                first->args.in[n * STRIDE + j] = node->args.in[j];
            first->op = &mica_ops[MICA_OP_linear_group];
            first->out[n++] = node->out[0];
            node->out[0]->node = (int)i;
            node->op = NULL;
        }
    }
}

static void close_gaps(struct mica_graph *graph)
{
    int64_t n = 0;
    for (int64_t i = 0; i < graph->n_nodes; i++) {
        if (!graph->nodes[i].op)
            continue;
        graph->nodes[n] = graph->nodes[i];
        for (int j = 0; j < graph->nodes[n].op->n_out; j++)
            if (graph->nodes[n].out[j])
                graph->nodes[n].out[j]->node = (int)n;
        n++;
    }
    graph->n_nodes = n;
}

enum mica_status mica_graph_fuse(struct mica_graph *graph, struct mica_err *err)
{
    struct passes p = {graph, mica_alloc((size_t)graph->n_nodes * MICA_MAX_OUT, sizeof *p.uses)};
    if (!p.uses)
        return mica_fail(err, MICA_ENOMEM, "graph of %lld nodes: out of memory", (long long)graph->n_nodes);
    count_uses(&p);
    drop_dead(&p);
    fuse_pairs(&p);
    fuse_residuals(&p);
    fuse_gates(&p);
    group_siblings(&p);
    close_gaps(graph);
    mica_free(p.uses);
    return MICA_OK;
}
