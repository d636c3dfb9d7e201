/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/params.h"
#include "store/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct mica_param_info mica_params_info[MICA_PARAM_COUNT] = {
#define X(name, type, least, most, used) {#name, MICA_PARAM_##type, (double)(least), (double)(most), used},
#include "store/params.def"
#undef X
};

static const char *const type_texts[] = {"a whole number", "a number", "true or false", "text"};

static int find(const char *name)
{
    for (int i = 0; i < MICA_PARAM_COUNT; i++)
        if (strcmp(mica_params_info[i].name, name) == 0)
            return i;
    return -1;
}

static enum mica_status wrong_type(enum mica_status status, int i, struct mica_err *err)
{
    return mica_fail(err, status, "parameter %s: is not %s", mica_params_info[i].name,
                     type_texts[mica_params_info[i].type]);
}

static enum mica_status check_range(enum mica_status status, int i, double value, struct mica_err *err)
{
    const struct mica_param_info *info = &mica_params_info[i];
    return value >= info->least && value <= info->most
               ? MICA_OK
               : mica_fail(err, status, "parameter %s: %g is not between %g and %g", info->name, value,
                           info->least, info->most);
}

static enum mica_status add_stop(struct mica_params *params, const json_t *text, struct mica_err *err)
{
    if (!json_is_string(text))
        return wrong_type(MICA_EFORMAT, MICA_PARAM_stop, err);
    if (params->n_stop == MICA_STOP_MAX)
        return mica_fail(err, MICA_ELIMIT, "parameter stop: more than %d texts", MICA_STOP_MAX);
    if (json_string_length(text) == 0)
        return MICA_OK; /* would stop everything */
    const char *copy = mica_arena_strndup(&params->arena, json_string_value(text), json_string_length(text));
    if (!copy)
        return mica_fail(err, MICA_ENOMEM, "parameters: out of memory");
    params->stop[params->n_stop++] = copy;
    return MICA_OK;
}

static enum mica_status take_value(struct mica_params *params, int i, const json_t *value,
                                   struct mica_err *err)
{
    enum mica_param_type type = mica_params_info[i].type;
    enum mica_status status = MICA_OK;
    size_t k;
    const json_t *text;
    if (json_is_null(value))
        return MICA_OK;
    params->has[i] = true;
    if (type == MICA_PARAM_TEXTS && json_is_array(value)) {
        json_array_foreach(value, k, text)
        {
            status = add_stop(params, text, err);
            if (status != MICA_OK)
                break;
        }
        return status;
    }
    if (type == MICA_PARAM_TEXTS)
        return add_stop(params, value, err);
    double number = json_is_boolean(value) ? json_is_true(value) : json_number_value(value);
    /* Ollama writes whole numbers without a fraction, but other tools may not. */
    bool whole =
        json_is_integer(value) || (json_is_real(value) && number == floor(number) && fabs(number) < 9e15);
    if (type == MICA_PARAM_BOOL ? !json_is_boolean(value)
                                : !json_is_number(value) || (type == MICA_PARAM_INT && !whole))
        return wrong_type(MICA_EFORMAT, i, err);
    params->number[i] = number;
    params->integer[i] = json_is_integer(value) ? json_integer_value(value) : (int64_t)number;
    return check_range(MICA_EFORMAT, i, number, err);
}

enum mica_status mica_params_parse(const char *json, size_t len, struct mica_params *out,
                                   struct mica_err *err)
{
    struct mica_params params = {0};
    const char *key;
    json_t *value, *root;
    enum mica_status status = mica_json_load(json, len, "parameters", &root, err);
    if (status != MICA_OK)
        return status;
    if (!json_is_object(root))
        status = mica_fail(err, MICA_EFORMAT, "parameters: not a JSON object");
    json_object_foreach(root, key, value)
    {
        int i = find(key);
        if (i >= 0 && status == MICA_OK)
            status = take_value(&params, i, value, err);
    }
    json_decref(root);
    if (status != MICA_OK) {
        mica_params_release(&params);
        return status;
    }
    *out = params;
    return MICA_OK;
}

void mica_params_release(struct mica_params *params)
{
    mica_arena_release(&params->arena);
    *params = (struct mica_params){0};
}

/* The value of a PARAMETER line as JSON (NULL: out of memory); false when it is of another type. */
static bool read_value(enum mica_param_type type, const char *text, json_t **out)
{
    char *end;
    bool yes = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    errno = 0;
    switch (type) {
    case MICA_PARAM_INT:
        *out = json_integer(strtoll(text, &end, 10));
        return *text && !*end && !errno;
    case MICA_PARAM_FLOAT: {
        double x = strtod(text, &end);
        *out = json_real(isfinite(x) ? x : 0);
        return *text && !*end && isfinite(x) && !strpbrk(text, "xXpP");
    }
    case MICA_PARAM_BOOL:
        *out = json_boolean(yes);
        return yes || strcmp(text, "false") == 0 || strcmp(text, "0") == 0;
    case MICA_PARAM_TEXTS:
        break;
    }
    *out = json_string(text);
    return true;
}

enum mica_status mica_params_add(struct json_t *object, const char *name, const char *value,
                                 struct mica_err *err)
{
    int i = find(name), rc;
    if (i < 0)
        return mica_fail(err, MICA_EARG,
                         "parameter %.100s: there is no such parameter; see docs/modelfile.md", name);
    enum mica_param_type type = mica_params_info[i].type;
    json_t *json, *texts = json_object_get(object, name);
    bool right = read_value(type, value, &json);
    enum mica_status status = !json    ? mica_fail(err, MICA_ENOMEM, "parameters: out of memory")
                              : !right ? wrong_type(MICA_EARG, i, err)
                                       : MICA_OK;
    if (status == MICA_OK && json_is_number(json))
        status = check_range(MICA_EARG, i, json_number_value(json), err);
    if (status == MICA_OK && type == MICA_PARAM_TEXTS && !*value)
        status = mica_fail(err, MICA_EARG, "parameter %s: is empty", name);
    if (status == MICA_OK && json_array_size(texts) >= MICA_STOP_MAX)
        status = mica_fail(err, MICA_ELIMIT, "parameter %s: more than %d texts", name, MICA_STOP_MAX);
    if (status != MICA_OK) {
        json_decref(json);
        return status;
    }
    if (type == MICA_PARAM_TEXTS && texts)
        rc = json_array_append_new(texts, json);
    else
        rc = json_object_set_new(object, name, type == MICA_PARAM_TEXTS ? json_pack("[o]", json) : json);
    return rc == 0 ? MICA_OK : mica_fail(err, MICA_ENOMEM, "parameters: out of memory");
}
