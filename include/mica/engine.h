/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Models, sessions, generation. Callers see tokens, text and events; tensors stay inside.
 *
 * Threads: a model and its sessions are one mutable timeline, used by one thread at a time (kernels run on a
 * pool of their own inside). mica_session_cancel is the exception: it may be called from any thread and from
 * signal handlers.
 *
 * Same bits: for one model, token sequence, settings and seed, tokens and log-probabilities do not depend on
 * the number of threads, the batch around a session, how the prompt is cut into chunks, or the instruction
 * set. */
#ifndef MICA_ENGINE_H
#define MICA_ENGINE_H

#include <mica/base.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

MICA_API const char *mica_version(void); /* "0.1.0" */

/* ---- models
 * ------------------------------------------------------------------------------------------------------ */

struct mica_engine; /* a loaded model with its thread pool */

struct mica_engine_options {
    int threads;               /* 0: the CPUs this process may use */
    int64_t chunk;             /* prompt tokens per forward pass, 0: 256; never changes a result */
    const char *chat_template; /* Jinja or Go's, instead of the one that the files bring; NULL: theirs */
};
/* Loads the model made of files (GGUF, or an HF folder's config.json, *.safetensors, tokenizer.json). Weights
 * are packed into memory of the engine's own; the mappings' pages are let go, but references are kept for
 * metadata. options may be NULL. EDENIED: the set carries no admission (see struct mica_admission), its chat
 * template is not the admitted one, or a file was changed or replaced since it was opened. EFORMAT,
 * EUNSUPPORTED, ENOMEM, EIO. */
MICA_API enum mica_status mica_engine_load(const struct mica_files *files,
                                           const struct mica_engine_options *options,
                                           struct mica_engine **out, struct mica_err *err);
/* Frees the model; its sessions must have been closed before. NULL is legal. */
MICA_API void mica_engine_free(struct mica_engine *engine);

/* Facts about a model, readable without loading its weights. Strings are "" when the files do not state them.
 */
struct mica_model_info {
    char architecture[64], name[128], license[128], quantization[64], tokenizer[64];
    char reproducibility[16]; /* "any-isa" or "same-isa" */
    bool has_chat_template;
    int64_t n_parameters, n_layers, d_model, n_heads, n_kv_heads, head_dim, d_ff, n_vocab, n_ctx;
    uint64_t file_bytes;            /* of the tensors as stored */
    uint64_t weight_bytes;          /* resident once packed */
    uint64_t kv_bytes_per_token[3]; /* KV cache: by enum mica_cache */
};
MICA_API enum mica_status mica_model_inspect(const struct mica_files *files, struct mica_model_info *out,
                                             struct mica_err *err);
/* What the model was loaded on; lives as long as the engine. */
MICA_API const struct mica_admission *mica_engine_admission(const struct mica_engine *engine);
MICA_API void mica_engine_info(const struct mica_engine *engine, struct mica_model_info *out);
/* The instruction set in use: "avx512", "avx2" or "ref" (MICA_ISA forces one). */
MICA_API const char *mica_engine_isa(const struct mica_engine *engine);
MICA_API int mica_engine_threads(const struct mica_engine *engine);

/* ---- text and tokens
 * --------------------------------------------------------------------------------------------- */

/* A model whose files bring no tokenizer runs on ids alone: its results have no text, and these calls are
 * EUNSUPPORTED. */

/* Lists and texts that calls return belong to the caller: free with mica_release. NULL is legal. */
MICA_API void mica_release(void *p);

/* Tokenizes text (len bytes). add_special adds what the model puts before a text (bos); parse_special turns
 * control tokens written in the text into their ids: only for trusted text, such as a rendered template. */
MICA_API enum mica_status mica_tokenize(const struct mica_engine *engine, const char *text, size_t len,
                                        bool add_special, bool parse_special, int32_t **ids_out,
                                        int64_t *n_out, struct mica_err *err);
/* The text of ids; NUL-terminated, *len_out bytes (len_out may be NULL). skip_special leaves out control
 * tokens. */
MICA_API enum mica_status mica_detokenize(const struct mica_engine *engine, const int32_t *ids, int64_t n,
                                          bool skip_special, char **text_out, size_t *len_out,
                                          struct mica_err *err);

struct mica_message {
    const char *role, *content; /* NUL-terminated UTF-8 */
};
/* Renders the model's own chat template over messages, to be read. EUNSUPPORTED when the model brings none;
 * EARG with the template author's words when it refuses the conversation. */
MICA_API enum mica_status mica_chat_render(const struct mica_engine *engine,
                                           const struct mica_message *messages, int n_messages,
                                           bool add_generation_prompt, char **text_out, struct mica_err *err);
/* The tokens of the rendered conversation, ready to be a prompt. Control tokens are the template's own:
 * where messages spell one, it stays plain text. */
MICA_API enum mica_status mica_chat_tokenize(const struct mica_engine *engine,
                                             const struct mica_message *messages, int n_messages,
                                             bool add_generation_prompt, int32_t **ids_out, int64_t *n_out,
                                             struct mica_err *err);

/* ---- sessions
 * ---------------------------------------------------------------------------------------------------- */

/* F32 rounds nothing and is slow: it is for measurements. */
enum mica_cache { MICA_CACHE_F16, MICA_CACHE_Q8_0, MICA_CACHE_F32 };

struct mica_session_options {
    int64_t ctx;           /* positions, 0: what the model was trained for, at most 4096 */
    enum mica_cache cache; /* type of the KV cache */
};
struct mica_session;
/* Opens an empty sequence. Its KV cache takes memory only as it fills. options may be NULL. */
MICA_API enum mica_status mica_session_open(struct mica_engine *engine,
                                            const struct mica_session_options *options,
                                            struct mica_session **out, struct mica_err *err);
MICA_API void mica_session_close(struct mica_session *session);
/* Keeps the first n tokens (n at most mica_session_length) and forgets the rest. */
MICA_API void mica_session_truncate(struct mica_session *session, int64_t n);
MICA_API int64_t mica_session_length(const struct mica_session *session);  /* tokens in the cache */
MICA_API int64_t mica_session_context(const struct mica_session *session); /* positions it can hold */
/* Makes the running or next generation end with finish reason "cancelled", within one forward pass. */
MICA_API void mica_session_cancel(struct mica_session *session);

struct mica_sampling {
    double temperature;                         /* 0: greedy */
    int top_k;                                  /* 0: off */
    double top_p;                               /* 1: off */
    double min_p;                               /* 0: off */
    double repetition_penalty;                  /* 1: off; divides positive and multiplies negative logits */
    double presence_penalty, frequency_penalty; /* 0: off; subtracted once, and once per occurrence */
    int64_t penalty_last_n; /* tokens that penalties look back on; 0: all generated and prompt tokens */
    uint64_t seed;
    struct mica_logit_bias {
        int32_t token;
        float bias;
    } const *logit_bias;
    int n_logit_bias;
};
/* temperature 0, everything off. */
MICA_API void mica_sampling_default(struct mica_sampling *sampling);

struct mica_event {
    int32_t token;
    double logprob;   /* of token, from the model's own distribution (before sampling settings), nats */
    const char *text; /* what became certain with this token: whole UTF-8 characters, maybe "" */
    size_t len;
    int64_t index; /* 0 for the first new token */
    int n_top;     /* alternatives, best first, when asked for */
    const struct mica_alternative {
        int32_t token;
        double logprob;
    } * top;
};
/* Called for every new token; returning false cancels the generation. Pointers are valid during the call. */
typedef bool mica_event_fn(void *user, const struct mica_event *event);

struct mica_request {
    struct mica_session *session;
    const int32_t *prompt; /* tokens after what the session already holds; at least one */
    int64_t n_prompt;
    int64_t max_tokens; /* new tokens; 0: until the context is full */
    struct mica_sampling sampling;
    const char *const *stop; /* generation ends before the first of these texts */
    int n_stop;
    const int32_t *stop_tokens; /* besides the model's own end tokens */
    int n_stop_tokens;
    bool ignore_end;         /* go on past the model's own end tokens */
    int n_top;               /* alternatives per token, 0 to 20 */
    mica_event_fn *on_token; /* may be NULL */
    void *user;
};
struct mica_result {
    enum mica_status status; /* of this request alone */
    struct mica_err err;
    const char *finish_reason; /* "stop" (end token or stop text), "length", "cancelled", or "error" */
    int32_t *tokens;           /* the new tokens (an end token is the last one) */
    double *logprobs;          /* one per token */
    int64_t n_tokens;
    char *text; /* without end tokens and stop texts; NUL-terminated */
    size_t text_len;
    double prompt_seconds, decode_seconds;
};
/* Runs n requests together, each on a session of its own, until all have ended. One request that fails leaves
 * the others alone: its own result says why. A prompt that does not fit is ELIMIT and says by how much.
 * Returns an error only for misuse (EARG) or when nothing could be started (ENOMEM); the results are filled
 * either way and released with mica_result_release. */
MICA_API enum mica_status mica_generate(struct mica_engine *engine, const struct mica_request *requests,
                                        int n, struct mica_result *results, struct mica_err *err);
MICA_API void mica_result_release(struct mica_result *result);

/* Appends tokens to the session and gives the log-probability of each under the model (nats): logprobs_out[i]
 * belongs to tokens[i]. logprobs_out[0] is NAN: the distribution before the first token is not kept. */
MICA_API enum mica_status mica_score(struct mica_session *session, const int32_t *tokens, int64_t n,
                                     double *logprobs_out, struct mica_err *err);

#ifdef __cplusplus
}
#endif
#endif
