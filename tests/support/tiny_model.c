/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "tiny_model.h"
#include "write.h"

#include <stdio.h>
#include <string.h>

static const char *const merges[] = {"t h", "i n", "Ġ t", "th e", "Ġt he", "a n"};
static const char *const merged[] = {"th", "in", "Ġt", "the", "Ġthe", "an"};
static const char *const controls[] = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
enum {
    N_BYTES = 256,
    N_MERGES = MICA_COUNT(merges),
    N_CONTROLS = MICA_COUNT(controls),
    N_VOCAB = N_BYTES + N_MERGES + N_CONTROLS,
    END = N_VOCAB - 1,
    MAX_TENSORS = 3 + 9 * TINY_LAYERS
};

static const char chat_template[] =
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

_Static_assert(N_VOCAB - N_CONTROLS == TINY_FIRST_CONTROL, "state the number in tiny_model.h");

struct shape {
    char name[48];
    uint64_t rows, columns; /* rows 0: a vector */
};

static int list_tensors(struct shape *out)
{
    static const struct shape block[] = {{"attn_norm", 0, TINY_D},
                                         {"attn_q", TINY_HEADS * TINY_HEAD_DIM, TINY_D},
                                         {"attn_k", TINY_HEAD_DIM, TINY_D},
                                         {"attn_v", TINY_HEAD_DIM, TINY_D},
                                         {"attn_output", TINY_D, TINY_HEADS * TINY_HEAD_DIM},
                                         {"ffn_norm", 0, TINY_D},
                                         {"ffn_gate", TINY_FFN, TINY_D},
                                         {"ffn_up", TINY_FFN, TINY_D},
                                         {"ffn_down", TINY_D, TINY_FFN}};
    int n = 0;
    out[n++] = (struct shape){"token_embd.weight", N_VOCAB, TINY_D};
    out[n++] = (struct shape){"output_norm.weight", 0, TINY_D};
    for (int layer = 0; layer < TINY_LAYERS; layer++)
        for (size_t i = 0; i < MICA_COUNT(block); i++) {
            out[n] = block[i];
            snprintf(out[n++].name, sizeof out->name, "blk.%d.%.20s.weight", layer, block[i].name);
        }
    return n;
}

/* The token of a byte in a byte-level vocabulary: printable characters stand for themselves, the others for
 * U+0100 onwards, in order. */
static void byte_token(int byte, char out[4])
{
    int others = 0, c = byte;
    for (int b = 0; b <= byte; b++) {
        bool printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
        if (b == byte && !printable)
            c = 256 + others;
        others += !printable;
    }
    int len = 0;
    if (c >= 128)
        out[len++] = (char)(0xc0 | c >> 6);
    out[len++] = (char)(c >= 128 ? 0x80 | (c & 63) : c);
    out[len] = 0;
}

static void put_vocabulary(struct mica_buf *buf)
{
    static char bytes[N_BYTES][4];
    const char *tokens[N_VOCAB];
    for (int i = 0; i < N_BYTES; i++) {
        byte_token(i, bytes[i]);
        tokens[i] = bytes[i];
    }
    memcpy(tokens + N_BYTES, merged, sizeof merged);
    memcpy(tokens + N_BYTES + N_MERGES, controls, sizeof controls);
    put_kv_str(buf, "tokenizer.ggml.model", "gpt2");
    put_kv_str(buf, "tokenizer.ggml.pre", "gpt-2");
    put_kv_strs(buf, "tokenizer.ggml.tokens", tokens, N_VOCAB);
    put_kv_array(buf, "tokenizer.ggml.token_type", GGUF_I32, N_VOCAB);
    for (int i = 0; i < N_VOCAB; i++)
        put_int(buf, 4, i < N_BYTES + N_MERGES ? 1 : 3);
    put_kv_strs(buf, "tokenizer.ggml.merges", merges, N_MERGES);
    put_kv_int(buf, "tokenizer.ggml.eos_token_id", GGUF_U32, END);
    put_kv_int(buf, "tokenizer.ggml.bos_token_id", GGUF_U32, N_VOCAB - N_CONTROLS);
    put_kv_int(buf, "tokenizer.ggml.add_bos_token", GGUF_BOOL, 0);
    put_kv_str(buf, "tokenizer.chat_template", chat_template);
}

static void put_hparams(struct mica_buf *buf)
{
    put_kv_str(buf, "general.architecture", "llama");
    put_kv_str(buf, "general.name", "Tiny");
    put_kv_str(buf, "general.license", "apache-2.0");
    put_kv_int(buf, "llama.block_count", GGUF_U32, TINY_LAYERS);
    put_kv_int(buf, "llama.embedding_length", GGUF_U32, TINY_D);
    put_kv_int(buf, "llama.feed_forward_length", GGUF_U32, TINY_FFN);
    put_kv_int(buf, "llama.attention.head_count", GGUF_U32, TINY_HEADS);
    put_kv_int(buf, "llama.attention.head_count_kv", GGUF_U32, 1);
    put_kv_int(buf, "llama.context_length", GGUF_U32, TINY_CTX);
    put_kv_int(buf, "llama.rope.dimension_count", GGUF_U32, TINY_HEAD_DIM);
    put_kv_f32(buf, "llama.rope.freq_base", 10000);
    put_kv_f32(buf, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
}

static float random_weight(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return ((float)(*state >> 40) / (float)(1 << 24) - 0.5f) * 0.5f;
}

void put_tiny_model(struct mica_buf *buf)
{
    enum { N_KEYS = 12 + 9 };
    struct shape shapes[MAX_TENSORS];
    int n = list_tensors(shapes);
    uint64_t offset = 0, state = 1;
    put_gguf_head(buf, 3, (uint64_t)n, N_KEYS);
    put_hparams(buf);
    put_vocabulary(buf);
    for (int i = 0; i < n; i++) {
        const uint64_t dims[] = {shapes[i].columns, shapes[i].rows};
        put_gguf_tensor(buf, shapes[i].name, 0, shapes[i].rows ? 2 : 1, dims, offset);
        offset += (shapes[i].rows ? shapes[i].rows : 1) * shapes[i].columns * 4;
    }
    put_pad(buf, 32);
    for (int i = 0; i < n; i++)
        for (uint64_t k = 0; k < (shapes[i].rows ? shapes[i].rows : 1) * shapes[i].columns; k++)
            put_f32(buf, shapes[i].rows ? random_weight(&state) : 1);
}
