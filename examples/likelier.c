/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* How likely a model finds each ending of a text, by its log-probability:  likelier MODEL TEXT ENDING…
 * cc -o likelier likelier.c $(pkg-config --cflags --libs mica) */
#include <mica/mica.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Adds up the log-probabilities of the tokens of text from number from on. */
static enum mica_status score(struct mica_engine *engine, struct mica_session *session, const char *text,
                              int64_t from, double *sum_out, int64_t *n_out, struct mica_err *err)
{
    int32_t *ids = NULL;
    enum mica_status status = mica_tokenize(engine, text, strlen(text), true, false, &ids, n_out, err);
    double *logprobs = status == MICA_OK ? calloc((size_t)*n_out + 1, sizeof *logprobs) : NULL;
    if (logprobs) {
        mica_session_truncate(session, 0);
        status = mica_score(session, ids, *n_out, logprobs, err);
    }
    *sum_out = 0;
    for (int64_t i = from; logprobs && i < *n_out; i++)
        *sum_out += logprobs[i];
    free(logprobs);
    mica_release(ids);
    return status;
}

int main(int argc, char **argv)
{
    struct mica_err err = {0};
    struct mica_admitted *model = NULL;
    struct mica_engine *engine = NULL;
    struct mica_session *session = NULL;
    char text[4096];
    double sum;
    int64_t n_text = 0, n;
    if (argc < 3)
        return fprintf(stderr, "usage: likelier MODEL TEXT ENDING...\n"), 2;
    enum mica_status status = mica_model_admit(argv[1], NULL, &model, &err);
    if (status == MICA_OK)
        status = mica_engine_load(model->files, NULL, &engine, &err);
    if (status == MICA_OK)
        status = mica_session_open(engine, NULL, &session, &err);
    for (int i = 2; i < argc && status == MICA_OK; i++) {
        snprintf(text, sizeof text, "%s%s", argv[2], i > 2 ? argv[i] : "");
        status = score(engine, session, text, i > 2 ? n_text : 1, &sum, i > 2 ? &n : &n_text, &err);
        printf("%10.4f  %s\n", sum, text);
    }
    if (status != MICA_OK)
        fprintf(stderr, "%s\n", err.text);
    mica_session_close(session);
    mica_engine_free(engine);
    mica_admitted_free(model);
    return mica_status_exit(status);
}
