/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/model.h"
#include "kern/math.h"

#include <math.h>
#include <string.h>

static const struct mica_arch *const archs[] = {
#define X(name) &mica_arch_##name,
#include "model/arch.def"
#undef X
};

static bool has_word(const char *words, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = words; len && (at = strstr(at, word)) != NULL; at += len)
        if ((at == words || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
            return true;
    return false;
}

const struct mica_arch *mica_arch_find(const char *name, bool hf)
{
    for (size_t i = 0; i < MICA_COUNT(archs); i++)
        if (hf ? has_word(archs[i]->hf_model_types, name) : strcmp(archs[i]->name, name) == 0)
            return archs[i];
    return NULL;
}

static enum mica_status check_hparams(const struct mica_hparams *hp, struct mica_err *err)
{
    const struct {
        const char *name;
        int64_t value, most;
    } rows[] = {{"number of layers", hp->n_layers, 4096},     {"model width", hp->d_model, 1 << 20},
                {"number of heads", hp->n_heads, 1 << 16},    {"number of KV heads", hp->n_kv_heads, 1 << 16},
                {"head width", hp->head_dim, 1 << 14},        {"feed-forward width", hp->d_ff, 1 << 22},
                {"vocabulary size", hp->n_vocab, 1 << 24},    {"context length", hp->n_ctx, 1 << 28},
                {"rotated width", hp->rope_dim, hp->head_dim}};
    for (size_t i = 0; i < MICA_COUNT(rows); i++)
        if (rows[i].value < 1 || rows[i].value > rows[i].most)
            return mica_fail(err, MICA_EFORMAT, "%s is %lld; it must lie between 1 and %lld", rows[i].name,
                             (long long)rows[i].value, (long long)rows[i].most);
    if (hp->n_heads % hp->n_kv_heads || hp->rope_dim % 2)
        return mica_fail(err, MICA_EFORMAT,
                         "%lld heads with %lld KV heads, rotated width %lld: do not divide",
                         (long long)hp->n_heads, (long long)hp->n_kv_heads, (long long)hp->rope_dim);
    if (hp->window < 0 || !(hp->norm_eps >= 0 && hp->norm_eps <= 1))
        return mica_fail(err, MICA_EFORMAT, "sliding window %lld, norm epsilon %g: out of range",
                         (long long)hp->window, hp->norm_eps);
    if (!(hp->attn_softcap >= 0 && hp->attn_softcap < 1e6 && hp->logit_softcap >= 0 &&
          hp->logit_softcap < 1e6))
        return mica_fail(err, MICA_EFORMAT, "soft caps %g of scores and %g of logits: out of range",
                         hp->attn_softcap, hp->logit_softcap);
    return MICA_OK;
}

static enum mica_status missing(const struct mica_source *src, const char *gguf_key, const char *hf_key,
                                struct mica_err *err)
{
    if (src->gguf)
        return mica_fail(err, MICA_EFORMAT, "%s.%s is missing or no number", src->arch, gguf_key);
    return mica_fail(err, MICA_EFORMAT, "config.json: %s is missing or no number", hf_key);
}

bool mica_layer_is_local(const struct mica_model *m, int64_t i, bool otherwise)
{
    const json_t *types = mica_source_hf(&m->source, "layer_types");
    const char *type = json_string_value(json_array_get(types, (size_t)i));
    return type ? strcmp(type, "sliding_attention") == 0 : otherwise;
}

/* What config.json says that would change the computation into one that the architecture does not do. */
static enum mica_status check_config(struct mica_model *m, struct mica_err *err)
{
    const struct mica_source *src = &m->source;
    json_error_t where;
    json_t *defaults = json_loads(m->arch->hf_defaults, 0, &where);
    bool merged = defaults && json_object_update_missing(src->hparams, defaults) == 0;
    json_decref(defaults);
    if (!merged)
        return mica_fail(err, MICA_ENOMEM, "config.json: out of memory");
    const json_t *how = json_object_get(src->config, "quantization_config");
    if (json_is_object(how)) {
        const char *method = json_string_value(json_object_get(how, "quant_method"));
        return mica_fail(err, MICA_EUNSUPPORTED,
                         "config.json: weights quantised by '%.32s' cannot be read; use a GGUF file or the "
                         "unquantised model",
                         method ? method : "?");
    }
    const char *act = json_string_value(mica_source_hf(src, "hidden_activation"));
    if (!act)
        act = json_string_value(mica_source_hf(src, "hidden_act"));
    if (act && strcmp(act, m->arch->hf_activation) != 0)
        return mica_fail(err, MICA_EUNSUPPORTED,
                         "config.json: activation '%.32s' is not supported: %s has %s", act, m->arch->name,
                         m->arch->hf_activation);
    return MICA_OK;
}

static enum mica_status read_hparams(struct mica_model *m, struct mica_err *err)
{
    struct mica_hparams *hp = &m->hp;
    const struct mica_source *src = &m->source;
    double partial = 1;
#define X(field, kind, gguf_key, hf_key, needed)                                                             \
    if (!mica_source_##kind(src, gguf_key, hf_key, &hp->field) && (needed))                                  \
        return missing(src, gguf_key, hf_key, err);
#include "model/hparams.def"
#undef X
    hp->rope_base = 10000;
    mica_source_float(src, "rope.freq_base", "rope_theta", &hp->rope_base);
    if (!hp->n_kv_heads)
        hp->n_kv_heads = hp->n_heads;
    if (!hp->head_dim && hp->n_heads > 0)
        hp->head_dim = hp->d_model / hp->n_heads;
    if (!mica_source_float(src, NULL, "partial_rotary_factor", &partial))
        mica_source_float(src, NULL, "rope_parameters.partial_rotary_factor", &partial);
    if (!hp->rope_dim && partial > 0 && partial <= 1)
        hp->rope_dim = (int64_t)((double)hp->head_dim * partial);
    const struct mica_file_tensor *embed =
        mica_source_tensor(src, "token_embd.weight", "embed_tokens.weight");
    if (!embed || embed->n_dims != 2)
        return mica_fail(err, MICA_EFORMAT,
                         "the token embedding (token_embd.weight, embed_tokens.weight) is missing");
    hp->n_vocab = embed->shape[0];
    enum mica_status status = check_hparams(hp, err);
    if (status == MICA_OK)
        hp->attn_scale = 1 / sqrt((double)hp->head_dim);
    return status;
}

enum mica_status mica_model_configure(struct mica_model *m, struct mica_err *err)
{
    bool hf = mica_source_is_hf(&m->source);
    m->arch = mica_arch_find(m->source.arch, hf);
    if (!m->arch)
        return mica_fail(err, MICA_EUNSUPPORTED, "architecture '%s' is not supported", m->source.arch);
    m->rope_neox = hf || !m->arch->gguf_interleaved_rope;
    m->n_ropes = 1;
    enum mica_status status = hf ? check_config(m, err) : MICA_OK;
    if (status == MICA_OK)
        status = read_hparams(m, err);
    if (status != MICA_OK)
        return status;
    m->layers = mica_arena_alloc(&m->arena, (size_t)m->hp.n_layers, sizeof *m->layers);
    if (!m->layers)
        return mica_fail(err, MICA_ENOMEM, "%lld layers: out of memory", (long long)m->hp.n_layers);
    for (int64_t i = 0; i < m->hp.n_layers; i++)
        m->layers[i].is_local = true;
    status = m->arch->configure ? m->arch->configure(m, err) : MICA_OK;
    return status != MICA_OK ? status : check_hparams(&m->hp, err);
}

static void load_all(struct mica_loader *ld)
{
    struct mica_model *m = ld->model;
    const struct mica_hparams *hp = &m->hp;
    float norm_offset = mica_source_is_hf(&m->source) ? m->arch->hf_norm_offset : 0;
    m->embed = mica_load_matrix(ld, "token_embd.weight", "embed_tokens.weight", 0, hp->n_vocab, hp->d_model);
    for (int64_t i = 0; i < hp->n_layers && ld->status == MICA_OK; i++)
        m->arch->load_layer(ld, &m->layers[i], (int)i);
    m->out_norm = mica_load_vector(ld, "output_norm.weight", "norm.weight", 0, hp->d_model, norm_offset);
    bool tied = !mica_source_tensor(&m->source, "output.weight", "lm_head.weight");
    mica_source_bool(&m->source, NULL, "tie_word_embeddings", &tied);
    if (tied)
        m->output = m->embed;
    else
        m->output = mica_load_matrix(ld, "output.weight", "lm_head.weight", 0, hp->n_vocab, hp->d_model);
    mica_load_nothing_left(ld);
}

enum mica_status mica_model_load_weights(struct mica_source *src, struct mica_pool *pool,
                                         struct mica_model **out, struct mica_err *err)
{
    struct mica_model *m = mica_alloc(1, sizeof *m);
    if (!m)
        return mica_fail(err, MICA_ENOMEM, "model: out of memory");
    m->source = *src;
    enum mica_status status = mica_model_configure(m, err);
    if (status == MICA_OK) {
        struct mica_loader ld = {m, pool, MICA_OK, err, NULL};
        ld.used = mica_alloc((size_t)mica_source_tensor_count(&m->source), sizeof *ld.used);
        if (ld.used)
            load_all(&ld);
        else
            ld.status = mica_fail(err, MICA_ENOMEM, "model: out of memory");
        mica_free(ld.used);
        status = ld.status;
    }
    if (status != MICA_OK) {
        m->source = (struct mica_source){0}; /* still the caller's */
        mica_model_unload(m);
        return status;
    }
    *src = (struct mica_source){0};
    *out = m;
    return MICA_OK;
}

void mica_model_unload(struct mica_model *m)
{
    if (!m)
        return;
    mica_pages_release(&m->pages);
    mica_free(m->packed.items);
    mica_arena_release(&m->arena);
    mica_source_release(&m->source);
    mica_free(m);
}

struct mica_tensor *mica_attend(struct mica_tensor *q, struct mica_tensor *k, struct mica_tensor *v,
                                const struct mica_model *m, int i, const struct mica_step *s)
{
    const struct mica_hparams *hp = &m->hp;
    struct mica_attention_params how = {(float)hp->attn_scale, (float)hp->attn_softcap,
                                        m->layers[i].is_local ? hp->window : 0};
    return reshape(attention(q, k, v, s->kv, i, &how), s->n_tokens, hp->n_heads * hp->head_dim);
}

/* ids:[T] → logits:[R,V] */
struct mica_tensor *mica_model_forward(const struct mica_model *m, const struct mica_step *s)
{
    struct mica_tensor *x = embed(m->embed, s->ids);
    if (m->arch->embed_scale)
        x = scale(x, m->arch->embed_scale(m));
    for (int64_t i = 0; i < m->hp.n_layers; i++)
        x = m->arch->block(x, m, (int)i, s);
    x = rms_norm(take_rows(x, s->out_rows), m->out_norm, (float)m->hp.norm_eps);
    struct mica_tensor *logits = linear(x, m->output, NULL);
    return m->hp.logit_softcap > 0 ? softcap(logits, (float)m->hp.logit_softcap) : logits;
}
