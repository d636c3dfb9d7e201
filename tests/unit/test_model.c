/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Models whose settings and tensors do not fit: each is refused with words that name the fault. */
#include "model/model.h"
#include "tiny_model.h"
#include "write.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static enum mica_status load(struct mica_files *files, struct mica_model **out, struct mica_err *err)
{
    struct mica_source src = {0};
    enum mica_status status = mica_source_open(files, &src, err);
    if (status == MICA_OK)
        status = mica_model_load_weights(&src, NULL, out, err);
    mica_source_release(&src);
    mica_files_free(files);
    return status;
}

/* says NULL: the model loads. */
static void check(const char *name, struct mica_files *files, enum mica_status want, const char *says)
{
    struct mica_model *model = NULL;
    struct mica_err err = {0};
    enum mica_status status = load(files, &model, &err);
    if (status != want)
        fail_msg("%s: status %d instead of %d: %s", name, (int)status, (int)want, err.text);
    if (says && !strstr(err.text, says))
        fail_msg("%s: '%s' does not say '%s'", name, err.text, says);
    assert_true((model != NULL) == (status == MICA_OK));
    mica_model_unload(model);
}

/* ---- GGUF ---- */

enum { HEAD = 24, N_KEYS_AT = 16, ALIGN = 32 };

static char *find_bytes(const struct mica_buf *buf, const char *text)
{
    char *at = memmem(buf->data, buf->len, text, strlen(text));
    if (!at)
        fail_msg("the tiny model has no '%s'", text);
    return at;
}

/* Puts one more key first. Its bytes and a filler keep the alignment of the data. */
static void insert_key(struct mica_buf *buf, const struct mica_buf *key)
{
    char filler[ALIGN + 1] = {0};
    struct mica_buf extra = {0}, out = {0};
    mica_buf_append(&extra, key->data, key->len);
    put_kv_str(&extra, "test.filler", "");
    memset(filler, 'x', (ALIGN - extra.len % ALIGN) % ALIGN);
    extra.len = key->len;
    put_kv_str(&extra, "test.filler", filler);
    mica_buf_append(&out, buf->data, HEAD);
    out.data[N_KEYS_AT] = (char)(out.data[N_KEYS_AT] + 2);
    mica_buf_append(&out, extra.data, extra.len);
    mica_buf_append(&out, buf->data + HEAD, buf->len - HEAD);
    assert_false(out.failed || extra.failed);
    mica_buf_release(&extra);
    mica_buf_release(buf);
    *buf = out;
}

/* Replaces the 32-bit value of a key, or adds the key. */
static void set_key(struct mica_buf *buf, const char *key, enum gguf_value type, uint32_t bits)
{
    char *at = memmem(buf->data, buf->len, key, strlen(key));
    if (at) {
        uint32_t number = type;
        memcpy(at + strlen(key), &number, sizeof number);
        memcpy(at + strlen(key) + sizeof number, &bits, sizeof bits);
        return;
    }
    struct mica_buf extra = {0};
    put_kv_int(&extra, key, type, bits);
    if (type == GGUF_F32 || type == GGUF_I32 || type == GGUF_U32)
        insert_key(buf, &extra);
    mica_buf_release(&extra);
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

#define INT(key, value, says)                                                                                \
    {                                                                                                        \
        key, GGUF_I32, value, 0, says                                                                        \
    }
#define REAL(key, value, says)                                                                               \
    {                                                                                                        \
        key, GGUF_F32, 0, value, says                                                                        \
    }
static const struct {
    const char *key;
    enum gguf_value type;
    int32_t value;
    float real;
    const char *says; /* NULL: loads */
} settings[] = {
    INT("llama.block_count", 0, "number of layers is 0"),
    INT("llama.block_count", -3, "number of layers is -3"),
    INT("llama.block_count", INT32_MAX, "number of layers is 2147483647"),
    INT("llama.block_count", 1, "tensor blk.1.attn_norm.weight: llama has no place for it"),
    INT("llama.block_count", 4000, "tensor blk.2.attn_norm.weight is missing"),
    INT("llama.embedding_length", 0, "model width is 0"),
    INT("llama.embedding_length", -1, "model width is -1"),
    INT("llama.embedding_length", 65, "token_embd.weight: shape [265, 64]"),
    INT("llama.feed_forward_length", 0, "feed-forward width is 0"),
    INT("llama.feed_forward_length", 97, "ffn_gate.weight: shape"),
    INT("llama.attention.head_count", 0, "number of heads is 0"),
    INT("llama.attention.head_count", -2, "number of heads is -2"),
    INT("llama.attention.head_count", 1 << 20, "number of heads is 1048576"),
    INT("llama.attention.head_count", 64, "rotated width is 32"),
    INT("llama.attention.head_count_kv", 0, "attn_k.weight: shape"),
    INT("llama.attention.head_count_kv", -1, "number of KV heads is -1"),
    INT("llama.attention.head_count_kv", 3, "do not divide"),
    INT("llama.attention.key_length", -1, "head width is -1"),
    INT("llama.attention.key_length", 1 << 30, "head width is 1073741824"),
    INT("llama.attention.key_length", 16, "rotated width is 32"),
    INT("llama.context_length", 0, "context length is 0"),
    INT("llama.context_length", -1, "context length is -1"),
    INT("llama.context_length", INT32_MAX, "context length is"),
    INT("llama.rope.dimension_count", 31, "do not divide"),
    INT("llama.rope.dimension_count", -2, "rotated width is -2"),
    INT("llama.rope.dimension_count", 64, "rotated width is 64"),
    REAL("llama.rope.freq_base", NAN, "rope: base nan"),
    REAL("llama.rope.freq_base", INFINITY, "rope: base inf"),
    REAL("llama.rope.freq_base", -10000, "rope: base -10000"),
    REAL("llama.rope.scaling.factor", NAN, "factor nan"),
    REAL("llama.rope.scaling.factor", -4, "factor -4"),
    REAL("llama.rope.scaling.factor", 4, NULL),
    REAL("llama.rope.scaling.original_context_length", NAN, "original context nan"),
    REAL("llama.attention.layer_norm_rms_epsilon", NAN, "norm epsilon nan"),
    REAL("llama.attention.layer_norm_rms_epsilon", -1, "norm epsilon -1"),
    REAL("llama.attn_logit_softcapping", NAN, "soft caps nan"),
    REAL("llama.final_logit_softcapping", -1, "soft caps 0 of scores and -1"),
};

static void test_settings(void **state)
{
    (void)state;
    for (size_t i = 0; i < MICA_COUNT(settings); i++) {
        struct mica_buf buf = {0};
        char name[96];
        put_tiny_model(&buf);
        bool is_real = settings[i].type == GGUF_F32;
        set_key(&buf, settings[i].key, settings[i].type,
                is_real ? bits_of(settings[i].real) : (uint32_t)settings[i].value);
        snprintf(name, sizeof name, "%s = %g", settings[i].key,
                 is_real ? (double)settings[i].real : settings[i].value);
        const char *says = settings[i].says;
        enum mica_status want = !says ? MICA_OK : strstr(says, "no place") ? MICA_EUNSUPPORTED : MICA_EFORMAT;
        check(name, files_of_bytes(buf.data, buf.len, "tiny.gguf"), want, says);
        mica_buf_release(&buf);
    }
}

/* A needed key under another name, a tensor under another name, a tensor with its sides exchanged. */
static void test_missing(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"llama.block_count", "llama.block_count is missing"},
        {"llama.context_length", "llama.context_length is missing"},
        {"llama.attention.layer_norm_rms_epsilon", "layer_norm_rms_epsilon is missing"},
        {"general.architecture", "general.architecture is missing"},
        {"token_embd.weight", "the token embedding (token_embd.weight, embed_tokens.weight) is missing"},
        {"output_norm.weight", "tensor output_norm.weight is missing"},
        {"blk.0.attn_norm.weight", "tensor blk.0.attn_norm.weight is missing"},
        {"blk.1.attn_output.weight", "tensor blk.1.attn_output.weight is missing"},
        {"blk.1.ffn_down.weight", "tensor blk.1.ffn_down.weight is missing"},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_buf buf = {0};
        put_tiny_model(&buf);
        *find_bytes(&buf, rows[i].text) = 'x';
        check(rows[i].text, files_of_bytes(buf.data, buf.len, "tiny.gguf"), MICA_EFORMAT, rows[i].says);
        mica_buf_release(&buf);
    }
    static const char *const exchanged[] = {"token_embd.weight", "blk.0.ffn_gate.weight",
                                            "blk.1.ffn_down.weight", "blk.1.attn_k.weight"};
    for (size_t i = 0; i < MICA_COUNT(exchanged); i++) {
        struct mica_buf buf = {0};
        uint64_t dims[2];
        put_tiny_model(&buf);
        char *at = find_bytes(&buf, exchanged[i]) + strlen(exchanged[i]) + sizeof(uint32_t);
        memcpy(dims, at, sizeof dims);
        uint64_t swapped[] = {dims[1], dims[0]};
        memcpy(at, swapped, sizeof swapped);
        check(exchanged[i], files_of_bytes(buf.data, buf.len, "tiny.gguf"), MICA_EFORMAT, "shape [");
        mica_buf_release(&buf);
    }
}

static void test_architecture(void **state)
{
    (void)state;
    struct mica_buf buf = {0};
    put_tiny_model(&buf);
    memcpy(find_bytes(&buf, "llama"), "llamb", 5);
    check("llamb", files_of_bytes(buf.data, buf.len, "tiny.gguf"), MICA_EUNSUPPORTED,
          "architecture 'llamb' is not supported");
    mica_buf_release(&buf);
}

/* ---- HF folders ---- */

enum { HF_D = 32, HF_VOCAB = 20, HF_HEADS = 2, HF_HEAD_DIM = 16, HF_FFN = 40 };

static void put_st_tensor(struct mica_buf *json, const char *name, int rows, int columns, size_t *at)
{
    char text[256], shape[32];
    size_t bytes = (size_t)(rows ? rows : 1) * (size_t)columns * 4;
    if (rows)
        snprintf(shape, sizeof shape, "%d,%d", rows, columns);
    else
        snprintf(shape, sizeof shape, "%d", columns);
    snprintf(text, sizeof text, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
             *at ? "," : "{", name, shape, *at, *at + bytes);
    mica_buf_puts(json, text);
    *at += bytes;
}

static void put_hf_weights(struct mica_buf *out)
{
    struct mica_buf json = {0};
    size_t at = 0;
    static const char layer[] = "model.layers.0.";
    static const struct {
        const char *name;
        int rows, columns;
    } rows[] = {{"input_layernorm.weight", 0, HF_D},
                {"self_attn.q_proj.weight", HF_HEADS * HF_HEAD_DIM, HF_D},
                {"self_attn.k_proj.weight", HF_HEADS * HF_HEAD_DIM, HF_D},
                {"self_attn.v_proj.weight", HF_HEADS * HF_HEAD_DIM, HF_D},
                {"self_attn.o_proj.weight", HF_D, HF_HEADS * HF_HEAD_DIM},
                {"post_attention_layernorm.weight", 0, HF_D},
                {"mlp.gate_proj.weight", HF_FFN, HF_D},
                {"mlp.up_proj.weight", HF_FFN, HF_D},
                {"mlp.down_proj.weight", HF_D, HF_FFN}};
    put_st_tensor(&json, "model.embed_tokens.weight", HF_VOCAB, HF_D, &at);
    put_st_tensor(&json, "model.norm.weight", 0, HF_D, &at);
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        char name[96];
        snprintf(name, sizeof name, "%s%s", layer, rows[i].name);
        put_st_tensor(&json, name, rows[i].rows, rows[i].columns, &at);
    }
    mica_buf_puts(&json, "}");
    put_safetensors_head(out, json.data);
    put_zeros(out, at);
    mica_buf_release(&json);
}

#define SHAPE                                                                                                \
    "\"hidden_size\":32,\"num_hidden_layers\":1,\"num_attention_heads\":2,\"intermediate_size\":40,"         \
    "\"vocab_size\":20"
#define CONFIG(more) "{\"model_type\":\"llama\"," SHAPE more "}"
#define ROPE(inside) CONFIG(",\"rope_scaling\":{" inside "}")
static const struct {
    const char *config;
    enum mica_status want;
    const char *says;
} configs[] = {
    {CONFIG(""), MICA_OK, NULL},
    {CONFIG(",\"rope_scaling\":null,\"head_dim\":null,\"sliding_window\":null"), MICA_OK, NULL},
    {"", MICA_EFORMAT, "config.json:"},
    {"[]", MICA_EFORMAT, "model_type is missing"},
    {"{\"model_type\":7}", MICA_EFORMAT, "model_type is missing"},
    {"{\"model_type\":\"llama\"}", MICA_EFORMAT, "config.json: num_hidden_layers is missing"},
    {"{\"model_type\":\"mamba\"," SHAPE "}", MICA_EUNSUPPORTED, "architecture 'mamba' is not supported"},
    {"{\"model_type\":\"mist\"," SHAPE "}", MICA_EUNSUPPORTED, "architecture 'mist' is not supported"},
    {"{\"model_type\":\"\"," SHAPE "}", MICA_EUNSUPPORTED, "architecture '' is not supported"},
    {"{\"model_type\":\"qwen3\"," SHAPE ",\"head_dim\":16}", MICA_EFORMAT, "q_norm.weight is missing"},
    {CONFIG(",\"rms_norm_eps\":\"small\""), MICA_EFORMAT, "rms_norm_eps is missing or no number"},
    {CONFIG(",\"num_key_value_heads\":0"), MICA_OK, NULL},
    {CONFIG(",\"num_key_value_heads\":-2"), MICA_EFORMAT, "number of KV heads is -2"},
    {CONFIG(",\"num_key_value_heads\":1"), MICA_EFORMAT, "k_proj.weight: shape [32, 32]"},
    {CONFIG(",\"head_dim\":8"), MICA_EFORMAT, "q_proj.weight: shape [32, 32]"},
    {CONFIG(",\"head_dim\":-8"), MICA_EFORMAT, "head width is -8"},
    {CONFIG(",\"head_dim\":99999999999999999999"), MICA_EFORMAT, "config.json:1:"},
    {CONFIG(",\"sliding_window\":-1"), MICA_EFORMAT, "sliding window -1"},
    {CONFIG(",\"sliding_window\":-9000000000000000000"), MICA_EFORMAT, "sliding window -9"},
    {CONFIG(",\"tie_word_embeddings\":false"), MICA_EFORMAT, "tensor lm_head.weight is missing"},
    {CONFIG(",\"hidden_act\":\"gelu\""), MICA_EUNSUPPORTED, "activation 'gelu' is not supported"},
    {CONFIG(",\"quantization_config\":{\"quant_method\":\"gptq\"}"), MICA_EUNSUPPORTED, "'gptq'"},
    {CONFIG(",\"rope_theta\":0"), MICA_EFORMAT, "rope: base 0"},
    {CONFIG(",\"rope_theta\":1e300"), MICA_EFORMAT, "rope: base 1e+300"},
    {CONFIG(",\"partial_rotary_factor\":0"), MICA_EFORMAT, "rotated width is 0"},
    {CONFIG(",\"partial_rotary_factor\":7"), MICA_EFORMAT, "rotated width is 0"},
    {CONFIG(",\"partial_rotary_factor\":0.7"), MICA_EFORMAT, "do not divide"},
    {ROPE("\"rope_type\":\"dynamic\",\"factor\":2"), MICA_EUNSUPPORTED, "'dynamic' is not supported"},
    {ROPE("\"rope_type\":\"linear\",\"factor\":-2"), MICA_EFORMAT, "factor -2"},
    {ROPE("\"type\":\"yarn\",\"factor\":1e200"), MICA_EFORMAT, "factor 1e+200"},
    {ROPE("\"type\":\"yarn\",\"factor\":4,\"attention_factor\":-1"), MICA_EFORMAT, "multiplies by -1"},
    {ROPE("\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":4,\"high_freq_factor\":4"), MICA_OK,
     NULL},
    {ROPE("\"rope_type\":\"longrope\""), MICA_EFORMAT, "lists of 8 factors, not 0"},
    {ROPE("\"rope_type\":\"longrope\",\"short_factor\":[1,1,1,1,1,1,1,1],\"long_factor\":[1,1]"),
     MICA_EFORMAT, "lists of 8 factors, not 2"},
    {ROPE("\"rope_type\":\"longrope\",\"short_factor\":[1,1,1,1,1,1,1,1],"
          "\"long_factor\":[1,0,1,1,1,1,1,1]"),
     MICA_EFORMAT, "frequency 1 inf"},
    {ROPE("\"rope_type\":\"longrope\",\"long_factor\":[1,1,1,1,1,1,1,1],"
          "\"short_factor\":[1,\"two\",1,1,1,1,1,-1]"),
     MICA_EFORMAT, "frequency 1 inf"},
};

static void test_configs(void **state)
{
    (void)state;
    struct mica_buf weights = {0};
    put_hf_weights(&weights);
    assert_false(weights.failed);
    for (size_t i = 0; i < MICA_COUNT(configs); i++) {
        struct mica_files *files =
            files_of_bytes(configs[i].config, strlen(configs[i].config), "config.json");
        add_bytes(files, weights.data, weights.len, "model.safetensors");
        check(configs[i].config, files, configs[i].want, configs[i].says);
    }
    mica_buf_release(&weights);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_settings), cmocka_unit_test(test_missing),
                                       cmocka_unit_test(test_architecture), cmocka_unit_test(test_configs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
