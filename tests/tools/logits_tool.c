/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* logits_tool MODEL [CACHE] < ids > rows: reads token ids as text and writes the logits after each as f32,
 * [T][V]: for tests/parity/test_logits.py. */
#include "engine/internal.h"

#include <stdio.h>
#include <string.h>

enum { MAX_IDS = 1 << 16 };

static enum mica_status dump(struct mica_session *session, const int32_t *ids, int64_t n,
                             struct mica_err *err)
{
    struct mica_engine *engine = session->engine;
    int64_t n_vocab = engine->model->hp.n_vocab, most = mica_engine_max_rows(engine);
    for (int64_t at = 0; at < n; at += most) {
        const float *logits;
        struct mica_part part = {session, ids + at, n - at < most ? n - at : most, 0};
        enum mica_status status = mica_engine_step(engine, &part, 1, NULL, &logits, err);
        if (status != MICA_OK)
            return status;
        size_t count = (size_t)(part.n * n_vocab);
        if (fwrite(logits, sizeof *logits, count, stdout) != count)
            return mica_fail(err, MICA_EIO, "the rows cannot be written");
    }
    return MICA_OK;
}

static const char *const caches[] = {
    [MICA_CACHE_F16] = "f16", [MICA_CACHE_Q8_0] = "q8_0", [MICA_CACHE_F32] = "f32", NULL};

int main(int argc, char **argv)
{
    static int32_t ids[MAX_IDS];
    int64_t n = 0;
    struct mica_files *files = NULL;
    struct mica_engine *engine = NULL;
    struct mica_session *session = NULL;
    struct mica_err err;
    int cache = 0;
    while (argc == 3 && caches[cache] && strcmp(argv[2], caches[cache]) != 0)
        cache++;
    if (argc < 2 || argc > 3 || !caches[cache]) {
        fprintf(stderr, "usage: logits_tool MODEL [f16|q8_0|f32] < ids\n");
        return 2;
    }
    while (n < MAX_IDS && scanf("%d", &ids[n]) == 1)
        n++;
    struct mica_session_options how = {n, (enum mica_cache)cache};
    enum mica_status status = mica_files_open(argv[1], &files, &err);
    if (status == MICA_OK) {
        mica_files_allow_unregistered(files, argv[1]);
        status = mica_engine_load(files, NULL, &engine, &err);
    }
    if (status == MICA_OK)
        status = mica_session_open(engine, &how, &session, &err);
    if (status == MICA_OK)
        status = dump(session, ids, n, &err);
    if (status != MICA_OK)
        fprintf(stderr, "logits_tool: %s\n", err.text);
    mica_session_close(session);
    mica_engine_free(engine);
    mica_files_free(files);
    return status == MICA_OK ? 0 : 1;
}
