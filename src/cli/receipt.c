/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/receipt.h"
#include "base/fs.h"
#include "base/sha256.h"

#include <jansson.h>

#include <stdlib.h>
#include <string.h>

static json_t *digest_of(const void *data, size_t len)
{
    struct mica_digest digest;
    char hex[MICA_DIGEST_HEX];
    if (!mica_sha256(data, len, &digest))
        return NULL;
    mica_digest_hex(&digest, hex);
    return json_string(hex);
}

static json_t *model_json(const struct mica_admission *a)
{
    return json_pack("{s:s, s:b, s:s, s:s, s:s, s:s, s:s, s:s}", "name", a->name, "registered", a->registered,
                     "sha256", a->digest, "template_sha256", a->template_digest, "register_sha256",
                     a->register_digest, "licence", a->licence, "verdict", a->verdict, "signer", a->signer);
}

static json_t *settings_json(const struct mica_run_args *args, const struct mica_request *request,
                             const struct mica_loaded *loaded)
{
    const struct mica_sampling *s = &request->sampling;
    json_t *stops = json_array(), *biases = json_array();
    for (int i = 0; i < request->n_stop; i++)
        json_array_append_new(stops, json_string(request->stop[i]));
    for (int i = 0; i < s->n_logit_bias; i++)
        json_array_append_new(
            biases, json_pack("[i, f]", (int)s->logit_bias[i].token, (double)s->logit_bias[i].bias));
    return json_pack("{s:f, s:i, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:o, s:o, s:b, s:I, s:s}",
                     "temperature", s->temperature, "top_k", s->top_k, "top_p", s->top_p, "min_p", s->min_p,
                     "repeat_penalty", s->repetition_penalty, "presence_penalty", s->presence_penalty,
                     "frequency_penalty", s->frequency_penalty, "repeat_last_n",
                     (json_int_t)s->penalty_last_n, "seed", (json_int_t)s->seed, "max_tokens",
                     (json_int_t)request->max_tokens, "stop", stops, "logit_bias", biases, "ignore_end",
                     request->ignore_end, "context", (json_int_t)mica_session_context(loaded->session), "kv",
                     args->model.kv ? args->model.kv : "f16");
}

enum mica_status mica_cli_write_receipt(const char *path, const struct mica_run_args *args,
                                        const struct mica_loaded *loaded, const struct mica_request *request,
                                        const struct mica_result *result, struct mica_err *err)
{
    char time[MICA_TIME_TEXT];
    struct mica_model_info info;
    mica_time_text(time);
    mica_engine_info(loaded->engine, &info);
    size_t prompt_bytes = (size_t)request->n_prompt * sizeof *request->prompt,
           token_bytes = (size_t)result->n_tokens * sizeof *result->tokens,
           logprob_bytes = (size_t)result->n_tokens * sizeof *result->logprobs;
    json_t *receipt = json_pack(
        "{s:s, s:s, s:o, s:o, s:{s:I, s:o}, s:{s:I, s:o, s:o, s:o, s:s}, s:s, s:{s:s, s:s, s:i}}", "receipt",
        "mica.receipt/1", "time", time, "model", model_json(mica_engine_admission(loaded->engine)),
        "settings", settings_json(args, request, loaded), "prompt", "tokens", (json_int_t)request->n_prompt,
        "sha256", digest_of(request->prompt, prompt_bytes), "answer", "tokens", (json_int_t)result->n_tokens,
        "sha256", digest_of(result->tokens, token_bytes), "logprobs_sha256",
        digest_of(result->logprobs, logprob_bytes), "text_sha256", digest_of(result->text, result->text_len),
        "finish_reason", result->finish_reason, "reproducibility", info.reproducibility, "ran_on", "mica",
        mica_version(), "isa", mica_engine_isa(loaded->engine), "threads",
        mica_engine_threads(loaded->engine));
    char *text = receipt ? json_dumps(receipt, JSON_INDENT(2)) : NULL;
    json_decref(receipt);
    if (!text)
        return mica_fail(err, MICA_ENOMEM, "%s: out of memory", path);
    enum mica_status status = mica_fs_write(path, text, strlen(text), 0644, err);
    free(text);
    return status;
}
