/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Goes on from several texts at once, with the log-probability of each continuation:  batch MODEL TEXT…
 * A text's line is the same, to the last digit, whatever texts stand beside it.
 * cc -o batch batch.c $(pkg-config --cflags --libs mica) */
#include <mica/mica.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 32 };

int main(int argc, char **argv)
{
    struct mica_err err = {0};
    struct mica_admitted *model = NULL;
    struct mica_engine *engine = NULL;
    struct mica_request requests[MOST] = {0};
    struct mica_result results[MOST] = {0};
    int32_t *ids[MOST] = {0};
    int n = argc - 2;
    if (n < 1 || n > MOST)
        return fprintf(stderr, "usage: batch MODEL TEXT...\n"), 2;

    enum mica_status status = mica_model_admit(argv[1], NULL, &model, &err);
    if (status == MICA_OK)
        status = mica_engine_load(model->files, NULL, &engine, &err);
    for (int i = 0; i < n && status == MICA_OK; i++) {
        const char *text = argv[i + 2];
        status = mica_session_open(engine, NULL, &requests[i].session, &err); /* one for each text */
        if (status == MICA_OK)
            status =
                mica_tokenize(engine, text, strlen(text), true, false, &ids[i], &requests[i].n_prompt, &err);
        requests[i].prompt = ids[i];
        requests[i].max_tokens = 8;
        mica_sampling_default(&requests[i].sampling);
    }
    if (status == MICA_OK)
        status = mica_generate(engine, requests, n, results, &err);
    for (int i = 0; i < n && status == MICA_OK; i++) {
        double sum = 0;
        for (int64_t k = 0; k < results[i].n_tokens; k++)
            sum += results[i].logprobs[k];
        if (results[i].status == MICA_OK)
            printf("%.17g\t%s\n", sum, results[i].text);
        else
            printf("failed\t%s\n", results[i].err.text); /* the others go on */
    }
    if (status != MICA_OK)
        fprintf(stderr, "%s\n", err.text);
    for (int i = 0; i < n; i++) {
        mica_result_release(&results[i]);
        mica_release(ids[i]);
        mica_session_close(requests[i].session);
    }
    mica_engine_free(engine);
    mica_admitted_free(model);
    return mica_status_exit(status);
}
