/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Answers a question, token by token:  answer MODEL QUESTION
 * cc -o answer answer.c $(pkg-config --cflags --libs mica) */
#include <mica/mica.h>
#include <stdio.h>

static bool print(void *user, const struct mica_event *event)
{
    (void)user;
    fwrite(event->text, 1, event->len, stdout);
    return fflush(stdout) == 0; /* false would end the generation */
}

int main(int argc, char **argv)
{
    struct mica_err err = {0};
    struct mica_admitted *model = NULL;
    struct mica_engine *engine = NULL;
    struct mica_session *session = NULL;
    struct mica_request request = {.max_tokens = 24, .on_token = print};
    struct mica_result result = {0};
    int32_t *ids = NULL;
    if (argc != 3)
        return fprintf(stderr, "usage: answer MODEL QUESTION\n"), 2;
    struct mica_message message = {"user", argv[2]};

    /* MODEL is a name of the store, or a file that its register knows: see 'mica register'.
     * A call returns MICA_OK, or says in err what went wrong. What was not made stays NULL: freeing that is
     * fine. The model's own template turns the message into tokens of the form the model was trained on. */
    if (mica_model_admit(argv[1], NULL, &model, &err) != MICA_OK ||
        mica_engine_load(model->files, NULL, &engine, &err) != MICA_OK ||
        mica_session_open(engine, NULL, &session, &err) != MICA_OK ||
        mica_chat_tokenize(engine, &message, 1, true, &ids, &request.n_prompt, &err) != MICA_OK)
        goto out;
    request.session = session;
    request.prompt = ids;
    mica_sampling_default(&request.sampling); /* the likeliest token every time */
    if (mica_generate(engine, &request, 1, &result, &err) == MICA_OK)
        err = result.err; /* of this request alone */
    printf("\n");
out:
    if (err.status != MICA_OK)
        fprintf(stderr, "%s\n", err.text);
    mica_result_release(&result);
    mica_release(ids);
    mica_session_close(session);
    mica_engine_free(engine);
    mica_admitted_free(model);
    return mica_status_exit(err.status);
}
