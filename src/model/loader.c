/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/quant.h"
#include "model/model.h"

#include <stdio.h>
#include <string.h>

/* Names hold at most one %d, the layer: formatted here so that no format string ever comes from a variable.
 */
static void layer_name(const char *pattern, int layer, char *out, size_t size)
{
    const char *hole = pattern ? strstr(pattern, "%d") : NULL;
    if (hole)
        snprintf(out, size, "%.*s%d%s", (int)(hole - pattern), pattern, layer, hole + 2);
    else
        snprintf(out, size, "%s", pattern ? pattern : "");
}

static const struct mica_file_tensor *find(struct mica_loader *ld, const char *gguf_name, const char *hf_name,
                                           int layer, char *shown, size_t size)
{
    char gguf[128], hf[128];
    layer_name(gguf_name, layer, gguf, sizeof gguf);
    layer_name(hf_name, layer, hf, sizeof hf);
    snprintf(shown, size, "%s", mica_source_is_hf(&ld->model->source) ? hf : gguf);
    const struct mica_source *src = &ld->model->source;
    const struct mica_file_tensor *tensor =
        mica_source_tensor(src, gguf_name ? gguf : NULL, hf_name ? hf : NULL);
    if (tensor)
        ld->used[tensor - mica_source_tensor_at(src, 0)] = true;
    return tensor;
}

static bool is_of_a_block(const char *name, bool hf)
{
    static const char *const prefixes[] = {"layers.", "model.layers.", "language_model.model.layers.",
                                           "model.language_model.layers."};
    if (!hf)
        return strncmp(name, "blk.", 4) == 0 && !strstr(name, ".attn_rot_embd.");
    for (size_t i = 0; i < MICA_COUNT(prefixes); i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return !strstr(name, ".rotary_emb."); /* older files keep frequencies, which settings give */
    return false;
}

static void *load_failed(struct mica_loader *ld, enum mica_status status)
{
    ld->status = status;
    return NULL;
}

struct pack_job {
    const struct mica_packed *packed;
    const struct mica_file_tensor *tensor;
    const uint8_t *rows;
    size_t row_bytes;
};

/* Packs groups [begin, end) and lets go of the file's pages at once, so that a weight is never resident
 * twice. */
static void pack_job(void *arg, int64_t begin, int64_t end, int thread)
{
    const struct pack_job *job = arg;
    const struct mica_packed *packed = job->packed;
    mica_pack_groups(packed, job->rows, begin, end);
    int64_t row0 = begin * MICA_LANES, row1 = end * MICA_LANES < packed->n ? end * MICA_LANES : packed->n;
    size_t at = (size_t)(job->rows - job->tensor->data) + job->tensor->offset + (size_t)row0 * job->row_bytes;
    mica_mapping_release(job->tensor->map, at, (size_t)(row1 - row0) * job->row_bytes);
}

struct mica_tensor *mica_load_rows(struct mica_loader *ld, const char *gguf_name, const char *hf_name,
                                   int layer, int64_t total, int64_t row0, int64_t n, int64_t k)
{
    char name[128];
    struct mica_model *m = ld->model;
    if (ld->status != MICA_OK)
        return NULL;
    const struct mica_file_tensor *file = find(ld, gguf_name, hf_name, layer, name, sizeof name);
    if (!file)
        return load_failed(ld, mica_fail(ld->err, MICA_EFORMAT, "tensor %s is missing", name));
    if (file->n_dims != 2 || file->shape[0] != total || file->shape[1] != k)
        return load_failed(
            ld, mica_fail(ld->err, MICA_EFORMAT,
                          "tensor %s: shape [%lld, %lld], but the model's settings need [%lld, %lld]", name,
                          (long long)file->shape[0], (long long)(file->n_dims > 1 ? file->shape[1] : 1),
                          (long long)total, (long long)k));
    struct mica_packed layout;
    enum mica_status status = mica_packed_layout(file->type, n, k, &layout, ld->err);
    if (status != MICA_OK)
        return load_failed(ld, status);
    struct mica_packed *packed = mica_arena_alloc(&m->arena, 1, sizeof *packed);
    struct mica_tensor *tensor = mica_arena_alloc(&m->arena, 1, sizeof *tensor);
    size_t bytes = (size_t)layout.n_groups * layout.group_bytes, row_bytes = 0;
    mica_wtype_size(file->type, k, &row_bytes);
    layout.data = packed && tensor ? mica_pages_take(&m->pages, bytes) : NULL;
    if (!layout.data ||
        !mica_grow(&m->packed.items, m->packed.n, &m->packed.capacity, sizeof *m->packed.items))
        return load_failed(
            ld, mica_fail(ld->err, MICA_ENOMEM, "tensor %s: cannot allocate %zu bytes", name, bytes));
    *packed = layout;
    m->packed.items[m->packed.n++] = packed;
    m->weight_bytes += bytes;
    struct pack_job job = {packed, file, file->data + (size_t)row0 * row_bytes, row_bytes};
    int64_t grain = (int64_t)((512 << 10) / (packed->group_bytes + 1)) + 1;
    mica_pool_run(ld->pool, packed->n_groups, grain, pack_job, &job);
    *tensor = (struct mica_tensor){
        .dtype = MICA_PACKED, .n_dims = 2, .shape = {n, k}, .packed = packed, .node = -1};
    return tensor;
}

struct mica_tensor *mica_load_matrix(struct mica_loader *ld, const char *gguf_name, const char *hf_name,
                                     int layer, int64_t n, int64_t k)
{
    return mica_load_rows(ld, gguf_name, hf_name, layer, n, 0, n, k);
}

static struct mica_tensor *load_vector(struct mica_loader *ld, const struct mica_file_tensor *file,
                                       const char *name, int64_t n, float offset)
{
    if (file->n_dims != 1 || file->shape[0] != n || !mica_codecs[file->type].decode)
        return load_failed(ld, mica_fail(ld->err, MICA_EFORMAT,
                                         "tensor %s: %lld values, but the model's settings need %lld", name,
                                         (long long)file->shape[0], (long long)n));
    struct mica_tensor *tensor = mica_arena_alloc(&ld->model->arena, 1, sizeof *tensor);
    float *data = mica_arena_alloc(&ld->model->arena, (size_t)n, sizeof *data);
    if (!tensor || !data)
        return load_failed(ld, mica_fail(ld->err, MICA_ENOMEM, "tensor %s: out of memory", name));
    mica_codecs[file->type].decode(file->data, n, data);
    for (int64_t i = 0; offset != 0 && i < n; i++)
        data[i] += offset;
    ld->model->weight_bytes += (size_t)n * sizeof *data;
    *tensor = (struct mica_tensor){.dtype = MICA_F32, .n_dims = 1, .shape = {n}, .data = data, .node = -1};
    return tensor;
}

struct mica_tensor *mica_load_vector(struct mica_loader *ld, const char *gguf_name, const char *hf_name,
                                     int layer, int64_t n, float offset)
{
    char name[128];
    if (ld->status != MICA_OK)
        return NULL;
    const struct mica_file_tensor *file = find(ld, gguf_name, hf_name, layer, name, sizeof name);
    if (!file)
        return load_failed(ld, mica_fail(ld->err, MICA_EFORMAT, "tensor %s is missing", name));
    return load_vector(ld, file, name, n, offset);
}

struct mica_tensor *mica_load_optional_vector(struct mica_loader *ld, const char *gguf_name,
                                              const char *hf_name, int layer, int64_t n)
{
    char name[128];
    if (ld->status != MICA_OK)
        return NULL;
    const struct mica_file_tensor *file = find(ld, gguf_name, hf_name, layer, name, sizeof name);
    return file ? load_vector(ld, file, name, n, 0) : NULL;
}

void mica_load_nothing_left(struct mica_loader *ld)
{
    const struct mica_source *src = &ld->model->source;
    for (int64_t i = 0; ld->status == MICA_OK && i < mica_source_tensor_count(src); i++) {
        const struct mica_file_tensor *t = mica_source_tensor_at(src, i);
        if (!ld->used[i] && is_of_a_block(t->name, mica_source_is_hf(src)))
            ld->status =
                mica_fail(ld->err, MICA_EUNSUPPORTED,
                          "tensor %s: %s has no place for it; leaving it out would give wrong answers",
                          t->name, ld->model->arch->name);
    }
}
