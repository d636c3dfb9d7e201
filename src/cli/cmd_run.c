/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/chat_loop.h"
#include "cli/receipt.h"

#include <jansson.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct mica_session *volatile interruptible; /* what Ctrl-C stops */

static void on_interrupt(int signal_number)
{
    struct mica_session *session = interruptible;
    if (session)
        mica_session_cancel(session);
}

void mica_cli_catch_interrupt(struct mica_session *session)
{
    interruptible = session;
    struct sigaction action = {.sa_handler = on_interrupt}; /* without SA_RESTART: reading a line ends */
    sigaction(SIGINT, &action, NULL);
}

static bool stream(void *user, const struct mica_event *event)
{
    fwrite(event->text, 1, event->len, stdout);
    fflush(stdout);
    return true;
}

/* Appends the token's alternatives to a JSON list. */
static bool collect(void *user, const struct mica_event *event)
{
    json_t *list = json_array();
    for (int i = 0; i < event->n_top; i++)
        json_array_append_new(list, json_pack("{s:i, s:f}", "token", (int)event->top[i].token, "logprob",
                                              event->top[i].logprob));
    json_array_append_new(user, list);
    return true;
}

enum mica_status mica_cli_sampling(const struct mica_run_args *args, struct mica_sampling *out,
                                   struct mica_err *err)
{
    mica_sampling_default(out);
    if (args->top_k < 0 || args->top_k > INT32_MAX || args->n < 0 || args->top_logprobs < 0 ||
        args->top_logprobs > 20)
        return mica_fail(err, MICA_EARG, "-n and --top-k must not be negative; --top-logprobs takes 0 to 20");
    out->temperature = args->temp;
    out->top_k = (int)args->top_k;
    out->top_p = args->top_p;
    out->min_p = args->min_p;
    out->repetition_penalty = args->repeat_penalty;
    out->presence_penalty = args->presence_penalty;
    out->frequency_penalty = args->frequency_penalty;
    out->penalty_last_n = args->repeat_last_n;
    out->seed = (uint64_t)args->seed;
    out->logit_bias = args->biases;
    out->n_logit_bias = args->n_biases;
    return MICA_OK;
}

/* --logit-bias ID=BIAS, as often as wanted. */
static enum mica_status parse_biases(struct mica_run_args *args, struct mica_err *err)
{
    for (int i = 0; i < args->logit_bias.n; i++) {
        int used = 0, id;
        float bias;
        const char *text = args->logit_bias.items[i];
        if (sscanf(text, "%d=%f%n", &id, &bias, &used) != 2 || text[used])
            return mica_fail(err, MICA_EARG, "--logit-bias: '%s' is not ID=BIAS", text);
        args->biases[args->n_biases++] = (struct mica_logit_bias){id, bias};
    }
    return MICA_OK;
}

/* The prompt's tokens: given ids, raw text, or the chat template around system and user messages. */
static enum mica_status prompt_tokens(const struct mica_run_args *args, struct mica_engine *engine,
                                      const char *prompt, int32_t **ids, int64_t *n, struct mica_err *err)
{
    struct mica_model_info info;
    mica_engine_info(engine, &info);
    if (args->ids)
        return mica_cli_parse_ids(args->ids, ids, n, err);
    if (args->raw || !info.has_chat_template)
        return mica_tokenize(engine, prompt, strlen(prompt), true, false, ids, n, err);
    struct mica_message *messages = mica_alloc((size_t)args->n_opening + 2, sizeof *messages);
    int count = 0;
    if (!messages)
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    if (args->system)
        messages[count++] = (struct mica_message){"system", args->system};
    for (int i = 0; i < args->n_opening; i++)
        messages[count++] = args->opening[i];
    messages[count++] = (struct mica_message){"user", prompt};
    enum mica_status status = mica_chat_tokenize(engine, messages, count, true, ids, n, err);
    mica_free(messages);
    return status;
}

/* Takes over alternatives, which may be NULL. */
static json_t *result_json(const struct mica_result *r, int64_t n_prompt, json_t *alternatives)
{
    json_t *tokens = json_array(), *logprobs = json_array();
    for (int64_t i = 0; i < r->n_tokens; i++) {
        json_array_append_new(tokens, json_integer(r->tokens[i]));
        json_array_append_new(logprobs, json_real(r->logprobs[i]));
    }
    double prompt_speed = r->prompt_seconds > 0 ? (double)n_prompt / r->prompt_seconds : 0;
    double speed =
        r->decode_seconds > 0 && r->n_tokens > 1 ? (double)(r->n_tokens - 1) / r->decode_seconds : 0;
    json_t *document = json_pack(
        "{s:s%, s:o, s:o, s:s, s:{s:I, s:f, s:f, s:I, s:f, s:f}}", "text", r->text, r->text_len, "tokens",
        tokens, "logprobs", logprobs, "finish_reason", r->finish_reason, "timings", "prompt_n",
        (json_int_t)n_prompt, "prompt_seconds", r->prompt_seconds, "prompt_per_second", prompt_speed,
        "decode_n", (json_int_t)r->n_tokens, "decode_seconds", r->decode_seconds, "decode_per_second", speed);
    if (alternatives)
        json_object_set_new(document, "top_logprobs", alternatives);
    return document;
}

static int one_shot(const struct mica_run_args *args, const struct mica_loaded *loaded, const char *prompt)
{
    struct mica_engine *engine = loaded->engine;
    struct mica_session *session = loaded->session;
    struct mica_request request = {.session = session,
                                   .max_tokens = args->n,
                                   .stop = args->stop.items,
                                   .n_stop = args->stop.n,
                                   .ignore_end = args->ignore_eos,
                                   .n_top = (int)args->top_logprobs,
                                   .on_token = !args->json          ? stream
                                               : args->top_logprobs ? collect
                                                                    : NULL};
    struct mica_result result = {0};
    struct mica_err err;
    int32_t *ids = NULL;
    json_t *alternatives = args->json && args->top_logprobs ? json_array() : NULL;
    enum mica_status status = prompt_tokens(args, engine, prompt, &ids, &request.n_prompt, &err);
    request.prompt = ids;
    request.user = alternatives;
    if (status == MICA_OK)
        status = mica_cli_sampling(args, &request.sampling, &err);
    if (status == MICA_OK)
        status = mica_generate(engine, &request, 1, &result, &err);
    if (status == MICA_OK && result.status != MICA_OK) {
        status = result.status;
        err = result.err;
    }
    if (status == MICA_OK && args->receipt)
        status = mica_cli_write_receipt(args->receipt, args, loaded, &request, &result, &err);
    int code = status == MICA_OK ? 0 : mica_cli_fail(status, &err);
    if (status == MICA_OK && args->json)
        code = mica_cli_print_json(result_json(&result, request.n_prompt, json_incref(alternatives)));
    else if (status == MICA_OK)
        putchar('\n');
    if (status == MICA_OK && strcmp(result.finish_reason, "cancelled") == 0)
        code = mica_status_exit(MICA_ECANCELLED);
    fflush(stdout);
    if (status == MICA_OK && args->verbose)
        fprintf(stderr, "prompt %lld tokens in %.3f s, %lld new in %.3f s; %s, %d threads\n",
                (long long)request.n_prompt, result.prompt_seconds, (long long)result.n_tokens,
                result.decode_seconds, mica_engine_isa(engine), mica_engine_threads(engine));
    json_decref(alternatives);
    mica_result_release(&result);
    mica_release(ids);
    return code;
}

/* The prompt as a text: the operand, or standard input. */
static enum mica_status read_prompt(const char *operand, struct mica_buf *text, struct mica_err *err)
{
    if (operand)
        mica_buf_puts(text, operand);
    enum mica_status status = operand ? MICA_OK : mica_cli_read("-", text, err);
    if (status != MICA_OK)
        return status;
    if (text->failed)
        return mica_fail(err, MICA_ENOMEM, "prompt: out of memory");
    if (!text->len)
        return mica_fail(err, MICA_EARG, "no prompt: give one after MODEL, or on standard input");
    if (memchr(text->data, 0, text->len))
        return mica_fail(err, MICA_EARG, "the prompt holds a zero byte; it must be text");
    return MICA_OK;
}

static int run(void *data, char **operands, int n_operands)
{
    struct mica_run_args *args = data;
    struct mica_loaded loaded = {0};
    struct mica_buf text = {0};
    struct mica_err err;
    bool interactive = n_operands == 1 && !args->ids && isatty(0) && !args->json;
    enum mica_status status = parse_biases(args, &err);
    if (args->ids && n_operands > 1)
        return mica_cli_usage("run: give a prompt or --ids, not both");
    if (args->top_logprobs && !args->json)
        return mica_cli_usage("run: --top-logprobs needs --json");
    if (args->receipt && interactive)
        return mica_cli_usage("run: --receipt is for one answer: give a prompt");
    if (status == MICA_OK && !interactive && !args->ids)
        status = read_prompt(n_operands > 1 ? operands[1] : NULL, &text, &err);
    if (status != MICA_OK) {
        mica_buf_release(&text);
        return mica_cli_fail(status, &err);
    }
    int code = mica_cli_load(operands[0], &args->model, true, &loaded);
    if (code == 0) {
        status = mica_cli_apply_stored(args, loaded.admitted, &err);
        mica_cli_catch_interrupt(interactive ? NULL : loaded.session);
        code = status != MICA_OK ? mica_cli_fail(status, &err)
               : interactive     ? mica_cli_chat_loop(args, loaded.engine, loaded.session)
                                 : one_shot(args, &loaded, text.data ? text.data : "");
        mica_cli_catch_interrupt(NULL);
        mica_cli_release_stored(args);
        mica_cli_unload(&loaded);
    }
    mica_buf_release(&text);
    return code;
}

static void defaults(void *data)
{
    struct mica_run_args *args = data;
    args->n = args->seed = args->top_k = args->repeat_last_n = MICA_RUN_UNSET;
    args->temp = args->top_p = args->min_p = args->repeat_penalty = args->presence_penalty =
        args->frequency_penalty = NAN;
}

#define AT(field) offsetof(struct mica_run_args, field)
static const struct mica_option options[] = {
    {"new", 'n', MICA_OPT_INT, AT(n), "N", "new tokens at most; default: until the context is full"},
    {"temp", 0, MICA_OPT_FLOAT, AT(temp), "T", "temperature; 0 (default) always takes the likeliest token"},
    {"top-k", 0, MICA_OPT_INT, AT(top_k), "K", "draw among the K likeliest; 0 (default): all"},
    {"top-p", 0, MICA_OPT_FLOAT, AT(top_p), "P", "draw among the likeliest that make up P; default 1: all"},
    {"min-p", 0, MICA_OPT_FLOAT, AT(min_p), "P", "leave out tokens under P times the likeliest; default 0"},
    {"repeat-penalty", 0, MICA_OPT_FLOAT, AT(repeat_penalty), "R",
     "make repeated tokens less likely; default 1: off"},
    {"repeat-last-n", 0, MICA_OPT_INT, AT(repeat_last_n), "N",
     "tokens the penalties look back on; 0 (default): all"},
    {"presence-penalty", 0, MICA_OPT_FLOAT, AT(presence_penalty), "X",
     "subtracted from tokens seen; default 0"},
    {"frequency-penalty", 0, MICA_OPT_FLOAT, AT(frequency_penalty), "X",
     "subtracted for each time seen; default 0"},
    {"logit-bias", 0, MICA_OPT_LIST, AT(logit_bias), "ID=BIAS", "added to a token's logit; may be repeated"},
    {"seed", 's', MICA_OPT_INT, AT(seed), "N", "seed of the draws; default 0"},
    {"stop", 0, MICA_OPT_LIST, AT(stop), "TEXT", "end before this text; may be repeated"},
    {"ignore-eos", 0, MICA_OPT_FLAG, AT(ignore_eos), NULL, "go on past the model's end tokens"},
    {"system", 0, MICA_OPT_TEXT, AT(system), "TEXT", "system message"},
    {"raw", 0, MICA_OPT_FLAG, AT(raw), NULL, "no chat template: the prompt as it is"},
    {"ids", 0, MICA_OPT_TEXT, AT(ids), "1,2,3", "the prompt as token ids"},
    {"json", 0, MICA_OPT_FLAG, AT(json), NULL,
     "one JSON object: text, tokens, logprobs, finish_reason, timings"},
    {"top-logprobs", 0, MICA_OPT_INT, AT(top_logprobs), "N",
     "with --json: also the N (at most 20) likeliest tokens each time"},
    {"receipt", 0, MICA_OPT_TEXT, AT(receipt), "FILE",
     "write what made this answer: model, terms, settings and digests, as JSON"},
    {"verbose", 'v', MICA_OPT_FLAG, AT(verbose), NULL, "timings on stderr"},
    MICA_MODEL_OPTIONS(struct mica_run_args),
};
const struct mica_command mica_command_run = {
    options, MICA_COUNT(options), 1, 2, sizeof(struct mica_run_args), defaults, run};
