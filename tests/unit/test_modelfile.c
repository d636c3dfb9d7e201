/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/modelfile.h"
#include "store/params.h"

#include <jansson.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void commands_are_read(void **state)
{
    static const char text[] = "\xef\xbb\xbf# comment\n\n"
                               "from  smollm2 \r\n"
                               "Parameter Temperature 0.5\n"
                               "PARAMETER stop \" a b \"\n"
                               "SYSTEM \"\"\"one\n"
                               "# two \"quoted\"\n"
                               "\"\"\"\n"
                               "SYSTEM \"\"\n"
                               "TEMPLATE \"first\n"
                               "last\"\n"
                               "message USER   # no comment\n"
                               "LICENSE \"\"\"a\"\"\"\"\"\"  \n"
                               "\tADAPTER ./x y.gguf";
    static const struct {
        enum mica_modelfile_kind kind;
        int line;
        const char *word, *value;
    } rows[] = {
        {MICA_MODELFILE_FROM, 3, "", "smollm2"},
        {MICA_MODELFILE_PARAMETER, 4, "temperature", "0.5"},
        {MICA_MODELFILE_PARAMETER, 5, "stop", " a b "},
        {MICA_MODELFILE_SYSTEM, 6, "", "one\n# two \"quoted\"\n"},
        {MICA_MODELFILE_SYSTEM, 9, "", ""},
        {MICA_MODELFILE_TEMPLATE, 10, "", "first\nlast"},
        {MICA_MODELFILE_MESSAGE, 12, "user", "# no comment"},
        {MICA_MODELFILE_LICENSE, 13, "", "a\"\"\""},
        {MICA_MODELFILE_ADAPTER, 14, "", "./x y.gguf"},
    };
    struct mica_modelfile *file;
    struct mica_err err;
    if (mica_modelfile_parse(text, sizeof text - 1, "M", &file, &err) != MICA_OK)
        fail_msg("%s", err.text);
    assert_int_equal(file->n, MICA_COUNT(rows));
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        const struct mica_modelfile_command *c = &file->commands[i];
        if (c->kind != rows[i].kind || c->line != rows[i].line || strcmp(c->word, rows[i].word) != 0 ||
            strcmp(c->value, rows[i].value) != 0)
            fail_msg("row %zu: line %d, word '%s', value '%s'", i, c->line, c->word, c->value);
    }
    assert_string_equal(mica_modelfile_find(file, MICA_MODELFILE_SYSTEM)->value, "");
    mica_modelfile_free(file);
}

static void errors_name_the_line(void **state)
{
    static const struct {
        const char *text, *message;
        enum mica_status status;
    } rows[] = {
        {"", "M: has no FROM", MICA_EFORMAT},
        {"# only\n", "M: has no FROM", MICA_EFORMAT},
        {"SYSTEM x\n", "M: has no FROM", MICA_EFORMAT},
        {"FROM\n", "M:1: FROM has no value", MICA_EFORMAT},
        {"FROM a\n\nFROM b\n", "M:3: a second FROM (the first is in line 1)", MICA_EFORMAT},
        {"FROM a\nBOGUS b\n", "M:2: 'BOGUS' is no command", MICA_EFORMAT},
        {"FROM a\nFROMAGE b\n", "M:2: 'FROMAGE' is no command", MICA_EFORMAT},
        {"FROM a\nREQUIRES 0.14.0\n", "M:2: REQUIRES", MICA_EUNSUPPORTED},
        {"FROM a\nrenderer x\n", "M:2: RENDERER", MICA_EUNSUPPORTED},
        {"FROM a\nSYSTEM \"\"\"b\n\nc", "M:2: the text in \"\"\" has no end", MICA_EFORMAT},
        {"FROM a\nSYSTEM \"b\nc\n", "M:2: the text in \" has no end", MICA_EFORMAT},
        {"FROM a\nPARAMETER stop\n", "M:2: PARAMETER has no value", MICA_EFORMAT},
        {"FROM a\nMESSAGE tool x\n", "M:2: MESSAGE: 'tool'", MICA_EFORMAT},
        {"FROM a\nMESSAGE user\n", "M:2: MESSAGE has no value", MICA_EFORMAT},
        {"FROM a\nLICENSE \"\"\n", "M:2: LICENSE has no value", MICA_EFORMAT},
        {"FROM a\n\xff\n", "M:2: not a text in UTF-8", MICA_EFORMAT},
        {"\xff\xfe"
         "F",
         "M:1: not a text in UTF-8", MICA_EFORMAT},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_modelfile *file = NULL;
        struct mica_err err = {0};
        enum mica_status status = mica_modelfile_parse(rows[i].text, strlen(rows[i].text), "M", &file, &err);
        if (status != rows[i].status || file ||
            strncmp(err.text, rows[i].message, strlen(rows[i].message)) != 0)
            fail_msg("row %zu: %s", i, err.text);
    }
    struct mica_modelfile *file = NULL;
    assert_int_equal(mica_modelfile_parse("FROM a\n\0", 8, "M", &file, NULL), MICA_EFORMAT);
    size_t size = (1 << 20) + 1;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, '\n', size);
    assert_int_equal(mica_modelfile_parse(text, size, "M", &file, NULL), MICA_ELIMIT);
    for (size_t i = 0; i < size; i++)
        text[i] = "SYSTEM x\n"[i % 9];
    assert_int_equal(mica_modelfile_parse(text, size - 1, "M", &file, NULL), MICA_ELIMIT);
    free(text);
}

static void values_print_to_what_reads_back(void **state)
{
    static const char *const values[] = {"plain",       "two words", " lead",          "trail ", "\"quoted\"",
                                         "a\nb",        "",          "ends in \"\"\"", "\n",     "# x",
                                         "a\"\"\"b\nc", "\"",        "\"\"\""};
    for (size_t i = 0; i < MICA_COUNT(values); i++) {
        struct mica_buf text = {0};
        struct mica_modelfile *file;
        struct mica_err err;
        mica_buf_puts(&text, "FROM a\n");
        assert_true(mica_modelfile_print(&text, "SYSTEM", values[i]));
        if (mica_modelfile_parse(text.data, text.len, "M", &file, &err) != MICA_OK)
            fail_msg("row %zu: %s", i, err.text);
        assert_string_equal(file->commands[1].value, values[i]);
        mica_modelfile_free(file);
        mica_buf_release(&text);
    }
    struct mica_buf text = {0};
    assert_false(mica_modelfile_print(&text, "SYSTEM", "a\"\"\"  \nb"));
    mica_buf_release(&text);
}

static void parameters_have_types_and_ranges(void **state)
{
    static const struct {
        const char *name, *value, *json; /* NULL: refused */
    } rows[] = {
        {"temperature", "0.5", "{\"temperature\":0.5}"},
        {"temperature", "1", "{\"temperature\":1.0}"},
        {"temperature", "hot", NULL},
        {"temperature", "nan", NULL},
        {"temperature", "inf", NULL},
        {"temperature", "0x1", NULL},
        {"temperature", "-1", NULL},
        {"top_k", "40", "{\"top_k\":40}"},
        {"top_k", "4.5", NULL},
        {"top_k", "99999999999999999999", NULL},
        {"top_p", "1.5", NULL},
        {"seed", "-3", "{\"seed\":-3}"},
        {"stop", "<|im_end|>", "{\"stop\":[\"<|im_end|>\"]}"},
        {"stop", "", NULL},
        {"num_ctx", "0", NULL},
        {"num_predict", "-1", "{\"num_predict\":-1}"},
        {"use_mmap", "true", "{\"use_mmap\":true}"},
        {"use_mmap", "yes", NULL},
        {"mirostat_tau", "5.0", "{\"mirostat_tau\":5.0}"},
        {"num_gpu", "99", "{\"num_gpu\":99}"},
        {"nonsense", "1", NULL},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_err err = {0};
        json_t *object = json_object();
        enum mica_status status = mica_params_add(object, rows[i].name, rows[i].value, &err);
        char *text = json_dumps(object, JSON_COMPACT);
        if ((status == MICA_OK) != (rows[i].json != NULL) ||
            strcmp(text, rows[i].json ? rows[i].json : "{}") != 0)
            fail_msg("%s %s: %s %s", rows[i].name, rows[i].value, text, err.text);
        free(text);
        json_decref(object);
    }
}

static void a_layer_of_parameters_is_read(void **state)
{
    static const char text[] = "{\"temperature\":0.25,\"stop\":[\"a\",\"b\"],\"top_k\":7.0,\"num_ctx\":2048,"
                               "\"use_mmap\":false,\"future\":{\"x\":1},\"seed\":null}";
    struct mica_params params;
    struct mica_err err;
    if (mica_params_parse(text, sizeof text - 1, &params, &err) != MICA_OK)
        fail_msg("%s", err.text);
    assert_true(params.has[MICA_PARAM_temperature]);
    assert_true(params.number[MICA_PARAM_temperature] == 0.25);
    assert_int_equal(params.integer[MICA_PARAM_top_k], 7);
    assert_int_equal(params.integer[MICA_PARAM_num_ctx], 2048);
    assert_int_equal(params.n_stop, 2);
    assert_string_equal(params.stop[1], "b");
    assert_false(params.has[MICA_PARAM_seed]);
    assert_false(params.has[MICA_PARAM_top_p]);
    mica_params_release(&params);
    static const char *const odd[] = {"",
                                      "[]",
                                      "{\"temperature\":\"hot\"}",
                                      "{\"top_k\":1.5}",
                                      "{\"top_p\":7}",
                                      "{\"stop\":[1]}",
                                      "{\"stop\":5}",
                                      "{\"seed\":1e300}",
                                      "{\"num_ctx\":-5}",
                                      "{\"temperature\":1,\"temperature\":2}",
                                      "{\"use_mmap\":1}"};
    for (size_t i = 0; i < MICA_COUNT(odd); i++)
        if (mica_params_parse(odd[i], strlen(odd[i]), &params, &err) != MICA_EFORMAT)
            fail_msg("%s was not refused", odd[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_read),
        cmocka_unit_test(errors_name_the_line),
        cmocka_unit_test(values_print_to_what_reads_back),
        cmocka_unit_test(parameters_have_types_and_ranges),
        cmocka_unit_test(a_layer_of_parameters_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
