/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What a Modelfile's PARAMETER, SYSTEM and MESSAGE lines left with a model, as settings of a run. */
#include "cli/chat_loop.h"

#include <jansson.h>

#include <math.h>

/* The parameters as a Modelfile spells them, where they go, and what holds when nobody sets them. */
static const struct {
    const char *name;
    bool is_int;
    size_t at;
    double fallback;
} parameters[] = {
    {"num_predict", true, offsetof(struct mica_run_args, n), 0},
    {"seed", true, offsetof(struct mica_run_args, seed), 0},
    {"top_k", true, offsetof(struct mica_run_args, top_k), 0},
    {"repeat_last_n", true, offsetof(struct mica_run_args, repeat_last_n), 0},
    {"temperature", false, offsetof(struct mica_run_args, temp), 0},
    {"top_p", false, offsetof(struct mica_run_args, top_p), 1},
    {"min_p", false, offsetof(struct mica_run_args, min_p), 0},
    {"repeat_penalty", false, offsetof(struct mica_run_args, repeat_penalty), 1},
    {"presence_penalty", false, offsetof(struct mica_run_args, presence_penalty), 0},
    {"frequency_penalty", false, offsetof(struct mica_run_args, frequency_penalty), 0},
};

static void apply_numbers(struct mica_run_args *args)
{
    for (size_t i = 0; i < MICA_COUNT(parameters); i++) {
        const json_t *stored = json_object_get(args->parameters, parameters[i].name);
        double value = json_is_number(stored) ? json_number_value(stored) : parameters[i].fallback;
        int64_t *integer = (int64_t *)(void *)((char *)args + parameters[i].at);
        double *real = (double *)(void *)((char *)args + parameters[i].at);
        /* Ollama writes -1 and -2 for "no limit". */
        if (parameters[i].is_int && *integer == MICA_RUN_UNSET)
            *integer = value < 0 || value > 1e15 ? 0 : (int64_t)value;
        else if (!parameters[i].is_int && isnan(*real))
            *real = value;
    }
}

static void apply_stops(struct mica_run_args *args)
{
    const json_t *stop = json_object_get(args->parameters, "stop"), *text;
    size_t i;
    if (args->stop.n > 0)
        return;
    if (json_is_string(stop))
        args->stop.items[args->stop.n++] = json_string_value(stop);
    json_array_foreach(stop, i, text)
    {
        if (json_is_string(text) && args->stop.n < MICA_LIST_MAX)
            args->stop.items[args->stop.n++] = json_string_value(text);
    }
}

static enum mica_status apply_messages(struct mica_run_args *args, struct mica_err *err)
{
    size_t i;
    const json_t *message;
    args->opening = mica_alloc(json_array_size(args->messages) + 1, sizeof *args->opening);
    if (!args->opening)
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    json_array_foreach(args->messages, i, message)
    {
        const char *role = json_string_value(json_object_get(message, "role"));
        const char *content = json_string_value(json_object_get(message, "content"));
        if (role && content)
            args->opening[args->n_opening++] = (struct mica_message){role, content};
    }
    return MICA_OK;
}

static enum mica_status read_json(const char *text, const char *what, json_t **out, struct mica_err *err)
{
    json_error_t where;
    if (text && !(*out = json_loads(text, 0, &where)))
        return mica_fail(err, MICA_EFORMAT, "the model's stored %s are no JSON: %s", what, where.text);
    return MICA_OK;
}

enum mica_status mica_cli_apply_stored(struct mica_run_args *args, const struct mica_admitted *admitted,
                                       struct mica_err *err)
{
    enum mica_status status = read_json(admitted->parameters, "parameters", &args->parameters, err);
    if (status == MICA_OK)
        status = read_json(admitted->messages, "messages", &args->messages, err);
    if (status != MICA_OK)
        return status;
    apply_numbers(args);
    apply_stops(args);
    if (!args->system)
        args->system = admitted->system;
    return apply_messages(args, err);
}

void mica_cli_release_stored(struct mica_run_args *args)
{
    mica_free(args->opening);
    json_decref(args->parameters);
    json_decref(args->messages);
}
