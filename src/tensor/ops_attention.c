/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Attention over the KV cache: stores the new keys and values, then cuts the queries into work items. */
#include "tensor/op.h"

#include <assert.h>
#include <string.h>

enum {
    LAYER,
    WINDOW /* args.i */
};
enum {
    SCALE,
    SOFTCAP /* args.f */
};
enum { QUERY_CHUNK = 64, ALIGN = 64 };

/* Queries [row0, row0 + n) of one sequence. */
struct query_chunk {
    int32_t seq, first, n; /* first counts from the sequence's row0 */
};

/* Heads narrower than the cache's are padded with zeros here. */
struct attention_scratch {
    float *q, *out; /* [T,H,P]; NULL when D = P */
    float *kv;      /* for each thread k, v:[Hkv,P]; NULL when D = P */
    uint8_t *kernel;
    size_t kernel_bytes; /* of each thread */
    struct query_chunk *chunks;
    size_t total;
};

static size_t take(size_t *total, size_t bytes)
{
    size_t at = *total;
    *total += (bytes + ALIGN - 1) / ALIGN * ALIGN;
    return at;
}

static const struct mica_kv_layer *layer_of(const struct mica_op_args *args)
{
    return &((const struct mica_kv_batch *)args->p)->layers[args->i[LAYER]];
}

static struct attention_scratch lay_out(const struct mica_op_args *args, int n_threads, uint8_t *base)
{
    const struct mica_tensor *q = args->in[0];
    const struct mica_kv_layer *layer = layer_of(args);
    struct attention_scratch s = {0};
    size_t tokens = (size_t)q->shape[0], heads = (size_t)q->shape[1], width = (size_t)layer->head_dim;
    s.kernel_bytes = mica_attention_scratch(layer->head_dim, (int)heads, layer->n_kv_heads);
    s.kernel_bytes = (s.kernel_bytes + ALIGN - 1) / ALIGN * ALIGN;
    size_t chunks = take(&s.total, tokens * sizeof *s.chunks);
    size_t kernel = take(&s.total, (size_t)n_threads * s.kernel_bytes), pad_q = 0, pad_out = 0, pad_kv = 0;
    bool padded = q->shape[2] != layer->head_dim;
    if (padded) {
        pad_q = take(&s.total, tokens * heads * width * sizeof(float));
        pad_out = take(&s.total, tokens * heads * width * sizeof(float));
        pad_kv = take(&s.total, 2 * (size_t)n_threads * (size_t)layer->n_kv_heads * width * sizeof(float));
    }
    if (base) {
        s.chunks = (void *)(base + chunks);
        s.kernel = base + kernel;
        s.q = padded ? (float *)(base + pad_q) : NULL;
        s.out = padded ? (float *)(base + pad_out) : NULL;
        s.kv = padded ? (float *)(base + pad_kv) : NULL;
    }
    return s;
}

size_t mica_scratch_attention(const struct mica_op_args *args, int n_threads)
{
    return lay_out(args, n_threads, NULL).total;
}

const char *mica_infer_attention(const struct mica_op_args *args, struct mica_tensor *out)
{
    const struct mica_tensor *q = args->in[0], *k = args->in[1], *v = args->in[2];
    const struct mica_kv_batch *kv = args->p;
    if (!mica_is_f32(q) || !mica_is_f32(k) || !mica_is_f32(v) || q->n_dims != 3 || k->n_dims != 3)
        return "q, k and v must be f32 [T,H,D]";
    if (!mica_same_shape(k, v) || k->shape[0] != q->shape[0] || k->shape[2] != q->shape[2])
        return "k and v must be alike, with the tokens and the head width of q";
    if (q->shape[1] % k->shape[1])
        return "the number of query heads must be a multiple of the number of KV heads";
    if (!kv || !kv->layers)
        return "there is no KV cache";
    if (layer_of(args)->n_kv_heads != k->shape[1] || layer_of(args)->head_dim < k->shape[2])
        return "the KV cache was made for other heads";
    *out = (struct mica_tensor){.n_dims = 3, .shape = {q->shape[0], q->shape[1], q->shape[2]}, .node = -1};
    return NULL;
}

struct attention_job {
    const struct mica_exec *exec;
    const struct mica_op_args *args;
    const struct mica_kv_batch *kv;
    const struct mica_kv_layer *layer;
    struct attention_scratch s;
    const float *q;
    float *out;
    int64_t n_chunks, splits; /* splits: into how many ranges the query heads of one KV head are cut */
};

/* dst:[n,width] = src:[n,dim] with zeros after each row */
static void widen(const float *src, int64_t n, int64_t dim, int64_t width, float *dst)
{
    for (int64_t i = 0; i < n; i++) {
        memcpy(dst + i * width, src + i * dim, (size_t)dim * sizeof *dst);
        memset(dst + i * width + dim, 0, (size_t)(width - dim) * sizeof *dst);
    }
}

static void store_token(const struct attention_job *job, const struct mica_batch_seq *seq, int64_t i,
                        int thread)
{
    const struct mica_tensor *k = job->args->in[1], *v = job->args->in[2];
    int64_t heads = k->shape[1], dim = k->shape[2], width = job->layer->head_dim;
    const float *k_row = (const float *)k->data + (seq->row0 + i) * heads * dim;
    const float *v_row = (const float *)v->data + (seq->row0 + i) * heads * dim;
    if (job->s.kv) {
        float *pad = job->s.kv + 2 * thread * heads * width;
        widen(k_row, heads, dim, width, pad);
        widen(v_row, heads, dim, width, pad + heads * width);
        k_row = pad;
        v_row = pad + heads * width;
    }
    job->exec->kern->kv_store[job->layer->type](job->layer, seq->block_table, seq->pos0 + i, k_row, v_row);
}

/* Items are chunks of queries: the same cut serves storing. */
static void store_chunks(void *arg, int64_t begin, int64_t end, int thread)
{
    const struct attention_job *job = arg;
    int64_t heads = job->args->in[0]->shape[1], dim = job->args->in[0]->shape[2];
    for (int64_t c = begin; c < end; c++) {
        const struct query_chunk *chunk = &job->s.chunks[c];
        const struct mica_batch_seq *seq = &job->kv->seqs[chunk->seq];
        for (int64_t i = chunk->first; i < chunk->first + chunk->n; i++)
            store_token(job, seq, i, thread);
        int64_t row = seq->row0 + chunk->first;
        if (job->s.q)
            widen((const float *)job->args->in[0]->data + row * heads * dim, chunk->n * heads, dim,
                  job->layer->head_dim, job->s.q + row * heads * job->layer->head_dim);
    }
}

static void attend_item(const struct attention_job *job, int64_t item, int thread)
{
    const struct mica_tensor *q = job->args->in[0];
    int64_t heads = q->shape[1], dim = q->shape[2], width = job->layer->head_dim, split = item % job->splits;
    int64_t kv_head = item / job->splits % job->layer->n_kv_heads, group = heads / job->layer->n_kv_heads;
    /* Late chunks see the most keys: they come first, so that the last items to finish are short ones. */
    int64_t c = job->n_chunks - 1 - item / job->splits / job->layer->n_kv_heads;
    const struct query_chunk *chunk = &job->s.chunks[c];
    const struct mica_batch_seq *seq = &job->kv->seqs[chunk->seq];
    int64_t row = seq->row0 + chunk->first, at = row * heads * width;
    struct mica_attention args = {
        .layer = job->layer,
        .block_table = seq->block_table,
        .pos0 = seq->pos0 + chunk->first,
        .n_q = chunk->n,
        .ld = heads * width,
        .n_heads = (int)heads,
        .kv_head = (int)kv_head,
        .head0 = (int)(group * split / job->splits),
        .head1 = (int)(group * (split + 1) / job->splits),
        .scale = job->args->f[SCALE],
        .softcap = job->args->f[SOFTCAP],
        .window = job->args->i[WINDOW],
        .q = (job->s.q ? job->s.q : job->q) + at,
        .out = (job->s.out ? job->s.out : job->out) + at,
        .scratch = job->s.kernel + (size_t)thread * job->s.kernel_bytes,
    };
    job->exec->kern->attention[job->layer->type](&args);
    for (int64_t t = 0; job->s.out && t < chunk->n; t++)
        for (int64_t h = kv_head * group + args.head0; h < kv_head * group + args.head1; h++)
            memcpy(job->out + ((row + t) * heads + h) * dim, job->s.out + ((row + t) * heads + h) * width,
                   (size_t)dim * sizeof(float));
}

static void attend_items(void *arg, int64_t begin, int64_t end, int thread)
{
    for (int64_t i = begin; i < end; i++)
        attend_item(arg, i, thread);
}

/* Lists the chunks; false when the batch does not cover rows [0, T) once. */
static bool cut_queries(struct attention_job *job, int64_t n_tokens, double *keys_out)
{
    int64_t row = 0;
    assert(job->s.chunks); /* the op's scratch is always given */
    *keys_out = 0;
    for (int s = 0; s < job->kv->n_seqs; s++) {
        const struct mica_batch_seq *seq = &job->kv->seqs[s];
        if (seq->row0 != row || seq->n_q < 0 || seq->n_q > n_tokens - row || seq->pos0 < 0)
            return false;
        for (int64_t i = 0; i < seq->n_q; i += QUERY_CHUNK) {
            int64_t n = seq->n_q - i < QUERY_CHUNK ? seq->n_q - i : QUERY_CHUNK;
            job->s.chunks[job->n_chunks++] = (struct query_chunk){s, (int32_t)i, (int32_t)n};
        }
        *keys_out += (double)seq->n_q * ((double)seq->pos0 + (double)seq->n_q / 2 + 1);
        row += seq->n_q;
    }
    return row == n_tokens;
}

enum mica_status mica_run_attention(const struct mica_exec *exec, const struct mica_op_call *call,
                                    struct mica_err *err)
{
    const struct mica_tensor *q = call->args.in[0];
    struct attention_job job = {.exec = exec,
                                .args = &call->args,
                                .kv = call->args.p,
                                .layer = layer_of(&call->args),
                                .s = lay_out(&call->args, exec->n_threads, call->scratch),
                                .q = q->data,
                                .out = call->out[0]->data,
                                .splits = 1};
    double keys;
    if (!cut_queries(&job, q->shape[0], &keys))
        return mica_fail(err, MICA_EARG, "the sequences of the batch do not cover its %lld rows in order",
                         (long long)q->shape[0]);
    int64_t heads = q->shape[1], group = heads / job.layer->n_kv_heads;
    double width = (double)job.layer->head_dim;
    double store_ns = width * (double)job.layer->n_kv_heads * (double)q->shape[0] / (double)job.n_chunks;
    mica_exec_split(exec, job.n_chunks, store_ns, 1, store_chunks, &job);
    int64_t items = job.n_chunks * job.layer->n_kv_heads;
    /* Heads that share keys stay together, which reads the keys once, unless threads would be idle. */
    while (job.splits < group && items * job.splits < exec->n_threads)
        job.splits++;
    items *= job.splits;
    double attend_ns = keys * (double)heads * width * 0.15 / (double)items;
    mica_exec_split(exec, items, attend_ns, 1, attend_items, &job);
    return MICA_OK;
}

struct mica_tensor *mica_op_attention(struct mica_tensor *q, struct mica_tensor *k, struct mica_tensor *v,
                                      const struct mica_kv_batch *kv, int layer,
                                      const struct mica_attention_params *how, struct mica_here here)
{
    struct mica_op_args args = {.in = {q, k, v},
                                .f = {[SCALE] = how->scale, [SOFTCAP] = how->softcap},
                                .i = {[LAYER] = layer, [WINDOW] = how->window},
                                .p = kv};
    return mica_op_apply(MICA_OP_attention, &args, here);
}
