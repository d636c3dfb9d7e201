/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Go templates: the conversation as Ollama hands it to them. */
#include "format/gotmpl.h"

#include <stdlib.h>
#include <string.h>

/* ---- Ollama's types ---- */

#define FIELDS(list) .fields = list, .n_fields = (int)MICA_COUNT(list)
static const struct gotmpl_type string_type = {.name = "string", .kind = GOTMPL_STRING};
static const struct gotmpl_type content_type = {.name = "string", .kind = GOTMPL_STRING};
static const struct gotmpl_type int_type = {.name = "int", .kind = GOTMPL_INT};
static const struct gotmpl_type any_type = {.name = "interface {}", .kind = GOTMPL_NONE};
static const struct gotmpl_type any_list = {.name = "[]interface {}", .kind = GOTMPL_LIST, .elem = &any_type};
static const struct gotmpl_type any_map = {
    .name = "map[string]interface {}", .kind = GOTMPL_MAP, .elem = &any_type};
static const struct gotmpl_type string_list = {.name = "[]string", .kind = GOTMPL_LIST, .elem = &string_type};
static const struct gotmpl_type images = {.name = "[]ImageData", .kind = GOTMPL_LIST, .elem = &string_type};

static const struct gotmpl_type arguments = {
    .name = "Arguments", .kind = GOTMPL_MAP, .prints_json = true, .elem = &any_type};
static const struct gotmpl_field call_function_fields[] = {
    {"Index", "index", NULL, "Index", false, &int_type},
    {"Name", "name", NULL, "Name", false, &string_type},
    {"Arguments", "arguments", NULL, "Arguments", false, &arguments}};
static const struct gotmpl_type call_function = {
    .name = "ToolCallFunction", .kind = GOTMPL_STRUCT, FIELDS(call_function_fields)};
static const struct gotmpl_field call_fields[] = {
    {"ID", "id", NULL, "ID", false, &string_type},
    {"Function", "function", NULL, "Function", false, &call_function}};
static const struct gotmpl_type call = {.name = "ToolCall", .kind = GOTMPL_STRUCT, FIELDS(call_fields)};
static const struct gotmpl_type calls = {.name = "[]ToolCall", .kind = GOTMPL_LIST, .elem = &call};
static const struct gotmpl_field message_fields[] = {
    {"Role", "role", NULL, "Role", false, &string_type},
    {"Content", "content", NULL, "Content", false, &content_type},
    {"Thinking", "thinking", "reasoning_content", "Thinking", false, &string_type},
    {"Images", "images", NULL, "Images", false, &images},
    {"ToolCalls", "tool_calls", NULL, "ToolCalls", false, &calls},
    {"ToolName", "tool_name", "name", "ToolName", false, &string_type},
    {"ToolCallID", "tool_call_id", NULL, "ToolCallID", false, &string_type}};
enum { ROLE, CONTENT };
static const struct gotmpl_type message = {
    .name = "Message", .kind = GOTMPL_STRUCT, .is_pointer = true, FIELDS(message_fields)};
static const struct gotmpl_type messages = {.name = "[]*Message", .kind = GOTMPL_LIST, .elem = &message};

/* A property has properties of its own: the tables name each other. */
static const struct gotmpl_type property;
static const struct gotmpl_type property_list = {
    .name = "[]ToolProperty", .kind = GOTMPL_LIST, .elem = &property};
static const struct gotmpl_type property_map = {
    .name = "*ToolPropertiesMap", .kind = GOTMPL_MAP, .elem = &property};
static const struct gotmpl_type properties = {
    .name = "Properties", .kind = GOTMPL_MAP, .prints_json = true, .elem = &property};
static const struct gotmpl_type property_type = {
    .name = "PropertyType", .kind = GOTMPL_LIST, .prints_one = true, .elem = &string_type};
static const struct gotmpl_field property_fields[] = {
    {"AnyOf", "anyOf", NULL, "anyOf", true, &property_list},
    {"Type", "type", NULL, "type", true, &property_type},
    {"Items", "items", NULL, "items", true, &any_type},
    {"Description", "description", NULL, "description", true, &string_type},
    {"Enum", "enum", NULL, "enum", true, &any_list},
    {"Properties", "properties", NULL, "properties", true, &property_map},
    {"Required", "required", NULL, "required", true, &string_list}};
static const struct gotmpl_type property = {
    .name = "ToolProperty", .kind = GOTMPL_STRUCT, FIELDS(property_fields)};
static const struct gotmpl_field parameter_fields[] = {
    {"Type", "type", NULL, "type", false, &string_type},
    {"Defs", "$defs", NULL, "$defs", true, &any_type},
    {"Items", "items", NULL, "items", true, &any_type},
    {"Required", "required", NULL, "required", true, &string_list},
    {"Properties", "properties", NULL, "properties", false, &properties}};
static const struct gotmpl_type parameters = {
    .name = "ToolFunctionParameters", .kind = GOTMPL_STRUCT, FIELDS(parameter_fields)};
static const struct gotmpl_field function_fields[] = {
    {"Name", "name", NULL, "name", false, &string_type},
    {"Description", "description", NULL, "description", false, &string_type},
    {"Parameters", "parameters", NULL, "parameters", false, &parameters}};
static const struct gotmpl_type function = {
    .name = "ToolFunction", .kind = GOTMPL_STRUCT, FIELDS(function_fields)};
static const struct gotmpl_field tool_fields[] = {
    {"Type", "type", NULL, "type", false, &string_type},
    {"Items", "items", NULL, "items", true, &any_type},
    {"Function", "function", NULL, "function", false, &function}};
static const struct gotmpl_type tool = {.name = "Tool", .kind = GOTMPL_STRUCT, FIELDS(tool_fields)};
static const struct gotmpl_type tools = {
    .name = "Tools", .kind = GOTMPL_LIST, .prints_json = true, .elem = &tool};

/* ---- JSON into values ---- */

static bool build(struct gotmpl_ctx *ctx, const struct gotmpl_type *type, const json_t *json,
                  struct gotmpl_value *out);

static bool copy_string(struct gotmpl_ctx *ctx, const char *s, size_t len, struct gotmpl_value *out)
{
    char *copy = len <= CHAT_MAX_STRING ? gotmpl_alloc(ctx, len + 1, 1) : NULL;
    if (!copy)
        return gotmpl_fail(ctx, MICA_ELIMIT, "a text is too long");
    if (len)
        memcpy(copy, s, len);
    *out = gotmpl_str(copy, len);
    return true;
}

/* Joins texts as Ollama does; next gives each, in order. */
static bool join(struct gotmpl_ctx *ctx, const struct gotmpl_value *const *texts, int64_t n,
                 struct gotmpl_value *out)
{
    struct mica_buf buf = {0};
    bool ok = true;
    for (int64_t i = 0; ok && i < n; i++)
        ok = (!i || gotmpl_puts(ctx, &buf, "\n\n")) && gotmpl_put(ctx, &buf, texts[i]->s, texts[i]->len);
    return gotmpl_take(ctx, &buf, ok, out);
}

/* The texts of a content in parts, which Ollama takes for messages of their own. */
static bool build_content(struct gotmpl_ctx *ctx, const json_t *json, struct gotmpl_value *out)
{
    struct mica_buf buf = {0};
    const json_t *part;
    size_t i;
    bool ok = true, first = true;
    json_array_foreach(json, i, part)
    {
        const json_t *text = json_object_get(part, "text");
        if (!ok || !json_is_string(text))
            continue;
        ok = (first || gotmpl_puts(ctx, &buf, "\n\n")) &&
             gotmpl_put(ctx, &buf, json_string_value(text), json_string_length(text));
        first = false;
    }
    return gotmpl_take(ctx, &buf, ok, out);
}

static bool build_list(struct gotmpl_ctx *ctx, const struct gotmpl_type *type, const json_t *json,
                       struct gotmpl_value *out)
{
    bool one = type->prints_one && json_is_string(json);
    size_t n = one ? 1 : json_array_size(json);
    struct gotmpl_value *items = gotmpl_alloc(ctx, n + 1, sizeof *items);
    if (!items || n > CHAT_MAX_STRING)
        return gotmpl_fail(ctx, MICA_ELIMIT, "a list is too long");
    for (size_t i = 0; i < n; i++)
        if (!build(ctx, type->elem, one ? json : json_array_get(json, i), &items[i]))
            return false;
    *out = (struct gotmpl_value){.kind = GOTMPL_LIST,
                                 .nil = !one && !json_is_array(json),
                                 .len = (uint32_t)n,
                                 .items = items,
                                 .type = type};
    return true;
}

static int by_key(const void *a, const void *b)
{
    const struct gotmpl_value *x = a, *y = b;
    int order = memcmp(x->s, y->s, x->len < y->len ? x->len : y->len);
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

static bool build_pairs(struct gotmpl_ctx *ctx, const struct gotmpl_type *type, json_t *json,
                        struct gotmpl_value *out)
{
    size_t n = json_object_size(json), i = 0;
    struct gotmpl_value *items = gotmpl_alloc(ctx, n + 1, 2 * sizeof *items);
    if (!items || n > CHAT_MAX_STRING)
        return gotmpl_fail(ctx, MICA_ELIMIT, "a map is too big");
    for (void *it = json_object_iter(json); it; it = json_object_iter_next(json, it), i++)
        if (!copy_string(ctx, json_object_iter_key(it), json_object_iter_key_len(it), &items[2 * i]) ||
            !build(ctx, type->elem, json_object_iter_value(it), &items[2 * i + 1]))
            return false;
    qsort(items, n, 2 * sizeof *items, by_key);
    *out = (struct gotmpl_value){
        .kind = GOTMPL_MAP, .nil = !json, .len = (uint32_t)n, .items = items, .type = type};
    return true;
}

/* The arguments of a call may also come as JSON in a text. */
static bool build_map(struct gotmpl_ctx *ctx, const struct gotmpl_type *type, const json_t *json,
                      struct gotmpl_value *out)
{
    json_t *parsed = NULL, *object = (json_t *)json;
    json_error_t why;
    if (json_is_string(json)) {
        object = parsed = json_loadb(json_string_value(json), json_string_length(json), 0, &why);
        if (!parsed && json_error_code(&why) == json_error_out_of_memory)
            return gotmpl_fail(ctx, MICA_ENOMEM, "out of memory for a call's arguments");
    }
    bool ok = build_pairs(ctx, type, json_is_object(object) ? object : NULL, out);
    json_decref(parsed);
    return ok;
}

static bool build_struct(struct gotmpl_ctx *ctx, const struct gotmpl_type *type, const json_t *json,
                         struct gotmpl_value *out)
{
    struct gotmpl_value *items = gotmpl_alloc(ctx, (size_t)type->n_fields, sizeof *items);
    bool ok = items != NULL;
    for (int i = 0; ok && i < type->n_fields; i++) {
        const struct gotmpl_field *field = &type->fields[i];
        const json_t *value = json_object_get(json, field->key);
        if (!value && field->other_key)
            value = json_object_get(json, field->other_key);
        ok = build(ctx, field->type, value, &items[i]);
    }
    *out = (struct gotmpl_value){.kind = GOTMPL_STRUCT, .items = items, .type = type};
    return ok;
}

/* Whatever the JSON holds, as Go reads it: every number is a float. */
static bool build_any(struct gotmpl_ctx *ctx, const json_t *json, struct gotmpl_value *out)
{
    *out = (struct gotmpl_value){.kind = GOTMPL_NIL};
    if (json_is_string(json))
        return copy_string(ctx, json_string_value(json), json_string_length(json), out);
    if (json_is_number(json))
        *out = (struct gotmpl_value){.kind = GOTMPL_FLOAT, .d = json_number_value(json)};
    else if (json_is_boolean(json))
        *out = gotmpl_bool(json_is_true(json));
    if (json_is_array(json))
        return build_list(ctx, &any_list, json, out);
    return !json_is_object(json) || build_map(ctx, &any_map, json, out);
}

/* What is not there, or of another kind, is empty. */
static bool build(struct gotmpl_ctx *ctx, const struct gotmpl_type *type, const json_t *json,
                  struct gotmpl_value *out)
{
    bool ok;
    if (!gotmpl_enter(ctx))
        return false;
    switch ((enum gotmpl_kind)type->kind) {
    case GOTMPL_STRING:
        ok = type == &content_type && json_is_array(json)
                 ? build_content(ctx, json, out)
                 : copy_string(ctx, json_string_value(json), json_string_length(json), out);
        break;
    case GOTMPL_INT:
        *out = gotmpl_int(json_integer_value(json));
        ok = true;
        break;
    case GOTMPL_LIST:
        ok = build_list(ctx, type, json, out);
        break;
    case GOTMPL_MAP:
        ok = build_map(ctx, type, json, out);
        break;
    case GOTMPL_STRUCT:
        ok = build_struct(ctx, type, json, out);
        break;
    default:
        ok = build_any(ctx, json, out);
    }
    ctx->depth++;
    return ok;
}

bool gotmpl_zero(struct gotmpl_ctx *ctx, const struct gotmpl_type *type, struct gotmpl_value *out)
{
    return build(ctx, type, NULL, out);
}

/* ---- the conversation ---- */

struct chat {
    struct gotmpl_value *at; /* messages */
    int64_t n;
    struct gotmpl_value system; /* all of them */
    struct gotmpl_value tools, think, level, think_set;
};

static bool is(const struct gotmpl_value *v, const char *text)
{
    return v->len == strlen(text) && memcmp(v->s, text, v->len) == 0;
}

static bool same_role(const struct gotmpl_value *a, const struct gotmpl_value *b)
{
    const struct gotmpl_value *x = &a->items[ROLE], *y = &b->items[ROLE];
    return x->len == y->len && memcmp(x->s, y->s, x->len) == 0;
}

/* Joins messages that follow one of the same role, apart from what tools say, and all that the system says.
 */
static bool collate(struct gotmpl_ctx *ctx, struct chat *chat)
{
    const struct gotmpl_value **texts = gotmpl_alloc(ctx, (size_t)chat->n + 1, sizeof(struct gotmpl_value *));
    int64_t n_texts = 0, n = 0;
    if (!texts)
        return false;
    for (int64_t i = 0; i < chat->n; i++)
        if (is(&chat->at[i].items[ROLE], "system"))
            texts[n_texts++] = &chat->at[i].items[CONTENT];
    if (!join(ctx, texts, n_texts, &chat->system))
        return false;
    for (int64_t i = 0, next; i < chat->n; i = next) {
        struct gotmpl_value first = chat->at[i];
        n_texts = 0;
        for (next = i; next < chat->n && (next == i || same_role(&first, &chat->at[next])); next++) {
            texts[n_texts++] = &chat->at[next].items[CONTENT];
            if (is(&first.items[ROLE], "tool")) {
                next++;
                break;
            }
        }
        if (n_texts > 1) {
            struct gotmpl_value *items = gotmpl_alloc(ctx, MICA_COUNT(message_fields), sizeof *items);
            if (!items)
                return false;
            memcpy(items, first.items, sizeof *items * MICA_COUNT(message_fields));
            if (!join(ctx, texts, n_texts, &items[CONTENT]))
                return false;
            first.items = items;
        }
        chat->at[n++] = first;
    }
    chat->n = n;
    return true;
}

static bool read_chat(struct gotmpl_ctx *ctx, const json_t *vars, struct chat *chat)
{
    const json_t *list = json_object_get(vars, "messages"), *think = json_object_get(vars, "think");
    chat->n = (int64_t)json_array_size(list);
    if (!(chat->at = gotmpl_alloc(ctx, (size_t)chat->n + 1, sizeof *chat->at)))
        return false;
    for (int64_t i = 0; i < chat->n; i++)
        if (!build(ctx, &message, json_array_get(list, (size_t)i), &chat->at[i]))
            return false;
    chat->think = gotmpl_bool(json_is_true(think) || json_is_string(think));
    chat->think_set = gotmpl_bool(think && !json_is_null(think));
    return build(ctx, &string_type, think, &chat->level) &&
           build(ctx, &tools, json_object_get(vars, "tools"), &chat->tools) && collate(ctx, chat);
}

struct member {
    const char *name;
    const struct gotmpl_value *value;
};

/* Executes with these members and those about thinking, which every template gets. */
static bool execute(struct gotmpl_ctx *ctx, const struct gotmpl_node *root, const struct chat *chat,
                    const struct member *members, size_t n)
{
    const struct member always[] = {
        {"IsThinkSet", &chat->think_set}, {"Think", &chat->think}, {"ThinkLevel", &chat->level}};
    struct gotmpl_value *items = gotmpl_alloc(ctx, n + MICA_COUNT(always), 2 * sizeof *items);
    if (!items)
        return false;
    for (size_t i = 0; i < n + MICA_COUNT(always); i++) {
        const struct member *m = i < n ? &members[i] : &always[i - n];
        items[2 * i] = gotmpl_str(m->name, strlen(m->name));
        items[2 * i + 1] = *m->value;
    }
    n += MICA_COUNT(always);
    qsort(items, n, 2 * sizeof *items, by_key);
    struct gotmpl_value data = {.kind = GOTMPL_MAP, .len = (uint32_t)n, .items = items, .type = &any_map};
    return gotmpl_exec(ctx, root, &data);
}

struct turn {
    struct gotmpl_value system, prompt, response;
};

static bool execute_turn(struct gotmpl_ctx *ctx, const struct gotmpl_node *root, const struct chat *chat,
                         struct turn *turn)
{
    const struct member members[] = {
        {"System", &turn->system}, {"Prompt", &turn->prompt}, {"Response", &turn->response}};
    bool ok = execute(ctx, root, chat, members, MICA_COUNT(members));
    turn->system = turn->prompt = turn->response = gotmpl_str("", 0);
    return ok;
}

/* Templates that know no .Messages run once for each turn; the last run ends where the response begins. */
static bool run_turns(struct gotmpl_ctx *ctx, const struct chat *chat)
{
    const struct gotmpl_value none = gotmpl_str("", 0);
    struct turn turn = {none, none, none};
    bool ok = true;
    for (int64_t i = 0; ok && i < chat->n; i++) {
        const struct gotmpl_value *role = &chat->at[i].items[ROLE], *content = &chat->at[i].items[CONTENT];
        bool system = is(role, "system"), user = is(role, "user");
        if ((system && (turn.prompt.len || turn.response.len)) || (user && turn.response.len))
            ok = execute_turn(ctx, ctx->tmpl->root, chat, &turn);
        if (system)
            turn.system = *content;
        else if (user)
            turn.prompt = *content;
        else if (is(role, "assistant"))
            turn.response = *content;
    }
    return ok && execute_turn(ctx, ctx->tmpl->open_root, chat, &turn);
}

bool gotmpl_run(struct gotmpl_ctx *ctx, const json_t *vars)
{
    const struct gotmpl_value none = gotmpl_str("", 0);
    struct chat chat = {0};
    struct gotmpl_value prompt = {0}, suffix = {0};
    if (!read_chat(ctx, vars, &chat) || !build(ctx, &string_type, json_object_get(vars, "prompt"), &prompt) ||
        !build(ctx, &string_type, json_object_get(vars, "suffix"), &suffix))
        return false;
    if (prompt.len && suffix.len) {
        const struct member members[] = {{"Prompt", &prompt}, {"Suffix", &suffix}, {"Response", &none}};
        return execute(ctx, ctx->tmpl->root, &chat, members, MICA_COUNT(members));
    }
    if (!ctx->tmpl->takes_messages)
        return run_turns(ctx, &chat);
    const struct gotmpl_value list = {
        .kind = GOTMPL_LIST, .nil = !chat.n, .len = (uint32_t)chat.n, .items = chat.at, .type = &messages};
    const struct member members[] = {
        {"System", &chat.system}, {"Messages", &list}, {"Tools", &chat.tools}, {"Response", &none}};
    return execute(ctx, ctx->tmpl->root, &chat, members, MICA_COUNT(members));
}
