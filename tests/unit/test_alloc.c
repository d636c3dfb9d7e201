/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Every allocation of every scenario fails once: the result is MICA_ENOMEM and nothing is left behind. */
#include "alloc.h"
#include "tiny_model.h"
#include "write.h"

#include "base/pool.h"
#include "format/tokenizer.h"

#include <mica/mica.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static struct mica_buf model; /* the tiny model's file */

static enum mica_status model_files(struct mica_files **out, struct mica_err *err)
{
    struct mica_mapping *map = NULL;
    struct mica_files *files = NULL;
    enum mica_status status = mica_mapping_from_bytes(model.data, model.len, "tiny.gguf", &map, err);
    if (status == MICA_OK)
        status = mica_files_new(&files, err);
    if (status == MICA_OK)
        status = mica_files_add(files, "tiny.gguf", map, err);
    mica_mapping_free(map);
    if (status != MICA_OK) {
        mica_files_free(files);
        return status;
    }
    *out = files;
    return MICA_OK;
}

static enum mica_status open_pool(void *arg, struct mica_err *err)
{
    struct mica_pool *pool = NULL;
    enum mica_status status = mica_pool_new(3, &pool, err);
    mica_pool_free(pool);
    return status;
}

static enum mica_status open_folder(void *arg, struct mica_err *err)
{
    struct mica_files *files = NULL;
    enum mica_status status = mica_files_open(arg, &files, err);
    mica_files_free(files);
    return status;
}

static enum mica_status open_gguf(void *arg, struct mica_err *err)
{
    struct mica_files *files = NULL;
    struct mica_gguf *gguf = NULL;
    enum mica_status status = model_files(&files, err);
    if (status == MICA_OK)
        status = mica_gguf_open(files, &gguf, err);
    mica_gguf_free(gguf);
    mica_files_free(files);
    return status;
}

static enum mica_status use_tokenizer(void *arg, struct mica_err *err)
{
    static const char text[] = "the <|im_start|> in an \xf0\x9f\xaa\xa8";
    struct mica_files *files = NULL;
    struct mica_gguf *gguf = NULL;
    struct mica_tokenizer *tokenizer = NULL;
    struct mica_ids ids = {0};
    struct mica_buf back = {0};
    enum mica_status status = model_files(&files, err);
    if (status == MICA_OK)
        status = mica_gguf_open(files, &gguf, err);
    if (status == MICA_OK)
        status = mica_tokenizer_from_gguf(gguf, &tokenizer, err);
    if (status == MICA_OK)
        status = mica_tokenizer_encode(tokenizer, text, strlen(text), MICA_TOKENIZE_PARSE_SPECIAL, &ids, err);
    if (status == MICA_OK)
        status = mica_tokenizer_decode(tokenizer, ids.ids, ids.n, false, &back, err);
    if (status == MICA_OK)
        assert_string_equal(back.data, text);
    mica_buf_release(&back);
    mica_ids_release(&ids);
    mica_tokenizer_free(tokenizer);
    mica_gguf_free(gguf);
    mica_files_free(files);
    return status;
}

/* Loads the model and answers two requests together, one of them with a stop text, alternatives and samplers.
 */
static enum mica_status answer(void *arg, struct mica_err *err)
{
    static const int32_t prompts[2][5] = {{1, 2, 3, 4, 5}, {70, 71, 72}};
    static const char *const stops[] = {"never"};
    const struct mica_engine_options options = {.threads = 2, .chunk = 4};
    const struct mica_session_options session_options = {.ctx = 64, .cache = *(enum mica_cache *)arg};
    struct mica_files *files = NULL;
    struct mica_engine *engine = NULL;
    struct mica_request requests[2] = {{.prompt = prompts[0], .n_prompt = 5, .max_tokens = 3},
                                       {.prompt = prompts[1], .n_prompt = 3, .max_tokens = 4}};
    struct mica_result results[2] = {0};
    enum mica_status status = model_files(&files, err);
    if (status == MICA_OK) {
        mica_files_allow_unregistered(files, "tiny.gguf");
        status = mica_engine_load(files, &options, &engine, err);
    }
    for (int i = 0; i < 2 && status == MICA_OK; i++) {
        mica_sampling_default(&requests[i].sampling);
        requests[i].ignore_end = true;
        status = mica_session_open(engine, &session_options, &requests[i].session, err);
    }
    requests[1].stop = stops;
    requests[1].n_stop = 1;
    requests[1].n_top = 3;
    requests[1].sampling.temperature = 1;
    requests[1].sampling.top_p = 0.9;
    requests[1].sampling.repetition_penalty = 1.1;
    if (status == MICA_OK)
        status = mica_generate(engine, requests, 2, results, err);
    for (int i = 0; i < 2; i++) {
        if (status == MICA_OK && results[i].status != MICA_OK) {
            status = results[i].status;
            *err = results[i].err;
        }
        mica_result_release(&results[i]);
        mica_session_close(requests[i].session);
    }
    mica_engine_free(engine);
    mica_files_free(files);
    return status;
}

/* From messages to the chat template's text, to tokens, and back. */
static enum mica_status converse(void *arg, struct mica_err *err)
{
    const struct mica_message messages[] = {{"system", "Be brief."}, {"user", "What is in the mica?"}};
    const struct mica_engine_options options = {.threads = 1};
    struct mica_files *files = NULL;
    struct mica_engine *engine = NULL;
    char *text = NULL, *back = NULL;
    int32_t *ids = NULL;
    int64_t n = 0;
    enum mica_status status = model_files(&files, err);
    if (status == MICA_OK) {
        mica_files_allow_unregistered(files, "tiny.gguf");
        status = mica_engine_load(files, &options, &engine, err);
    }
    if (status == MICA_OK)
        status = mica_chat_render(engine, messages, 2, true, &text, err);
    if (status == MICA_OK)
        status = mica_chat_tokenize(engine, messages, 2, true, &ids, &n, err);
    if (status == MICA_OK)
        status = mica_detokenize(engine, ids, n, false, &back, NULL, err);
    if (status == MICA_OK)
        assert_string_equal(back, text);
    mica_release(text);
    mica_release(back);
    mica_release(ids);
    mica_engine_free(engine);
    mica_files_free(files);
    return status;
}

static void test_answer(void **state)
{
    for (enum mica_cache cache = MICA_CACHE_F16; cache <= MICA_CACHE_Q8_0; cache++)
        alloc_fail_everywhere("load and generate", answer, &cache, 400);
}

static void test_converse(void **state)
{
    alloc_fail_everywhere("converse", converse, NULL, 400);
}

/* Normalizers, patterns, merges written in both ways, an escaped string, side files. */
static enum mica_status use_tokenizer_json(void *arg, struct mica_err *err)
{
    static const char json[] =
        "{\"added_tokens\":[{\"id\":4,\"content\":\"<s>\",\"special\":true},{\"id\":5,\"content\":\"[x]\"}],"
        "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{\"type\":\"Replace\","
        "\"pattern\":{\"String\":\"q\"},\"content\":\"b\"}]},\"pre_tokenizer\":{\"type\":\"ByteLevel\"},"
        "\"decoder\":{\"type\":\"ByteLevel\"},\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":"
        "2,"
        "\"\\u0120\":3},\"merges\":[\"a b\",[\"\\u0120\",\"ab\"]]}}";
    static const char config[] = "{\"eos_token\":\"<s>\",\"model_max_length\":1e30}";
    struct mica_mapping *map = NULL, *side = NULL;
    struct mica_files *files = NULL;
    struct mica_tokenizer *tokenizer = NULL;
    struct mica_ids ids = {0};
    enum mica_status status = mica_mapping_from_bytes(json, strlen(json), "tokenizer.json", &map, err);
    if (status == MICA_OK)
        status = mica_mapping_from_bytes(config, strlen(config), "tokenizer_config.json", &side, err);
    if (status == MICA_OK)
        status = mica_files_new(&files, err);
    if (status == MICA_OK)
        status = mica_files_add(files, "tokenizer.json", map, err);
    if (status == MICA_OK)
        status = mica_files_add(files, "tokenizer_config.json", side, err);
    if (status == MICA_OK)
        status = mica_tokenizer_from_files(files, &tokenizer, err);
    if (status == MICA_OK)
        status =
            mica_tokenizer_encode(tokenizer, "aq[x]<s> ab\xff", 12, MICA_TOKENIZE_PARSE_SPECIAL, &ids, err);
    if (status == MICA_OK) {
        assert_int_equal(mica_tokenizer_eos(tokenizer), 4);
        assert_int_equal(ids.n, 6);
        assert_int_equal(ids.ids[1], 2);
    }
    mica_ids_release(&ids);
    mica_tokenizer_free(tokenizer);
    mica_files_free(files);
    mica_mapping_free(map);
    mica_mapping_free(side);
    return status;
}

static void test_pool(void **state)
{
    alloc_fail_everywhere("thread pool", open_pool, NULL, 0);
}

static void test_folder(void **state)
{
    char folder[] = "/tmp/mica-test-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/config.json", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("{}", f);
    fclose(f);
    alloc_fail_everywhere("folder", open_folder, folder, 0);
    unlink(path);
    rmdir(folder);
}

static void test_gguf(void **state)
{
    alloc_fail_everywhere("GGUF", open_gguf, NULL, 0);
}

static void test_tokenizer(void **state)
{
    alloc_fail_everywhere("tokenizer", use_tokenizer, NULL, 0);
}

static void test_tokenizer_json(void **state)
{
    alloc_fail_everywhere("tokenizer.json", use_tokenizer_json, NULL, 0);
}

static int make_model(void **state)
{
    put_tiny_model(&model);
    return model.failed ? -1 : 0;
}

static int free_model(void **state)
{
    mica_buf_release(&model);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool),           cmocka_unit_test(test_folder),
        cmocka_unit_test(test_gguf),           cmocka_unit_test(test_tokenizer),
        cmocka_unit_test(test_tokenizer_json), cmocka_unit_test(test_answer),
        cmocka_unit_test(test_converse),
    };
    return cmocka_run_group_tests(tests, make_model, free_model);
}
