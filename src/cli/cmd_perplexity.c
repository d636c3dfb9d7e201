/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <jansson.h>

#include <math.h>
#include <stdio.h>
#include <unistd.h>

struct args {
    struct mica_model_args model;
    const char *ids;
    int64_t window;
    bool json, no_special;
};

/* Scores the text in windows that each start anew: sums over every token that has a predecessor in its
 * window. */
static enum mica_status score(struct mica_session *session, const int32_t *ids, int64_t n, int64_t window,
                              double *nll, int64_t *count, struct mica_err *err)
{
    double *logprobs = mica_alloc((size_t)window, sizeof *logprobs);
    bool shows = isatty(2);
    enum mica_status status = logprobs ? MICA_OK : mica_fail(err, MICA_ENOMEM, "out of memory");
    for (int64_t at = 0; status == MICA_OK && at + 1 < n; at += window) {
        int64_t len = n - at < window ? n - at : window;
        mica_session_truncate(session, 0);
        status = mica_score(session, ids + at, len, logprobs, err);
        for (int64_t i = 1; status == MICA_OK && i < len; i++)
            *nll -= logprobs[i];
        *count += len - 1;
        if (shows)
            fprintf(stderr, "\r%lld of %lld tokens, perplexity so far %.4f ", (long long)(at + len),
                    (long long)n, exp(*nll / (double)*count));
    }
    if (shows)
        fputs("\r\033[K", stderr);
    mica_free(logprobs);
    return status;
}

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    struct mica_loaded loaded = {0};
    struct mica_err err;
    int32_t *ids = NULL;
    struct mica_buf text = {0};
    int64_t n = 0, count = 0;
    double nll = 0;
    if (args->window < 0 || (args->ids && n_operands > 1))
        return mica_cli_usage(args->window < 0 ? "perplexity: --window must not be negative"
                                               : "perplexity: give a file or --ids, not both");
    /* Before the model: what is wrong with the text shows at once. */
    enum mica_status status = args->ids ? mica_cli_parse_ids(args->ids, &ids, &n, &err)
                                        : mica_cli_read(n_operands > 1 ? operands[1] : "-", &text, &err);
    int code = status == MICA_OK ? mica_cli_load(operands[0], &args->model, true, &loaded)
                                 : mica_cli_fail(status, &err);
    if (code) {
        mica_release(ids);
        mica_buf_release(&text);
        return code;
    }
    if (!args->ids)
        status = mica_tokenize(loaded.engine, text.data, text.len, !args->no_special, false, &ids, &n, &err);
    mica_buf_release(&text);
    if (status == MICA_OK && n < 2)
        status = mica_fail(&err, MICA_EARG, "%lld tokens: perplexity needs at least two", (long long)n);
    int64_t ctx = mica_session_context(loaded.session),
            window = args->window && args->window < ctx ? args->window : ctx;
    if (status == MICA_OK)
        status = score(loaded.session, ids, n, window, &nll, &count, &err);
    mica_release(ids);
    mica_cli_unload(&loaded);
    if (status != MICA_OK)
        return mica_cli_fail(status, &err);
    nll /= (double)count;
    if (args->json)
        return mica_cli_print_json(
            json_pack("{s:f, s:f, s:I}", "nll", nll, "ppl", exp(nll), "n", (json_int_t)count));
    printf("nll %.6f nats per token, perplexity %.4f, %lld tokens predicted\n", nll, exp(nll),
           (long long)count);
    return 0;
}

static const struct mica_option options[] = {
    MICA_MODEL_OPTIONS(struct args),
    {"ids", 0, MICA_OPT_TEXT, offsetof(struct args, ids), "1,2,3", "score these token ids instead of a file"},
    {"window", 0, MICA_OPT_INT, offsetof(struct args, window), "N",
     "tokens per window, each starting anew; default: --ctx"},
    {"no-special", 0, MICA_OPT_FLAG, offsetof(struct args, no_special), NULL,
     "do not add bos before the text"},
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object: nll, ppl, n"},
};
const struct mica_command mica_command_perplexity = {
    options, MICA_COUNT(options), 1, 2, sizeof(struct args), NULL, run};
