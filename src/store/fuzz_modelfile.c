/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The input is a Modelfile. What is accepted prints to one that says the same; parameters that are accepted
 * read back. */
#include "store/modelfile.h"
#include "store/params.h"

#include <jansson.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const keywords[] = {
#define X(name, keyword, word, single) keyword,
    MICA_MODELFILE_ROWS(X)
#undef X
};

static void check_printed(const struct mica_modelfile *file)
{
    struct mica_buf text = {0};
    struct mica_modelfile *again;
    for (int64_t i = 0; i < file->n; i++) {
        char keyword[256];
        const struct mica_modelfile_command *command = &file->commands[i];
        if (strlen(command->word) > 200)
            goto out;
        snprintf(keyword, sizeof keyword, "%s%s%s", keywords[command->kind], *command->word ? " " : "",
                 command->word);
        if (!mica_modelfile_print(&text, keyword, command->value))
            goto out;
    }
    if (text.len > 1 << 20)
        goto out;
    if (mica_modelfile_parse(text.data, text.len, "printed", &again, NULL) != MICA_OK || again->n != file->n)
        abort();
    for (int64_t i = 0; i < file->n; i++)
        if (strcmp(again->commands[i].value, file->commands[i].value) != 0 ||
            strcmp(again->commands[i].word, file->commands[i].word) != 0)
            abort();
    mica_modelfile_free(again);
out:
    mica_buf_release(&text);
}

static void check_params(const struct mica_modelfile *file)
{
    json_t *object = json_object();
    for (int64_t i = 0; i < file->n; i++)
        if (file->commands[i].kind == MICA_MODELFILE_PARAMETER)
            mica_params_add(object, file->commands[i].word, file->commands[i].value, NULL);
    char *text = json_dumps(object, JSON_COMPACT);
    struct mica_params params;
    if (text && mica_params_parse(text, strlen(text), &params, NULL) != MICA_OK)
        abort();
    if (text)
        mica_params_release(&params);
    free(text);
    json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mica_modelfile *file = NULL;
    struct mica_params params;
    struct mica_err err = {0};
    if (mica_params_parse((const char *)data, size, &params, NULL) == MICA_OK)
        mica_params_release(&params);
    enum mica_status status = mica_modelfile_parse((const char *)data, size, "input", &file, &err);
    if (status != MICA_OK) {
        if (file || err.status != status || !err.text[0])
            abort();
        return 0;
    }
    check_printed(file);
    check_params(file);
    mica_modelfile_free(file);
    return 0;
}
