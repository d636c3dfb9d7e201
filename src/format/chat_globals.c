/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The functions that every template can call. */
#include "format/chat_internal.h"

#include <string.h>
#include <time.h>

static bool global_range(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_range *range = chat_alloc(ctx, 1, sizeof *range);
    int64_t start, stop, step, span, n;
    if (!range || !chat_arg_int(ctx, &call->at[0], 0, &start) || !chat_arg_int(ctx, &call->at[1], 0, &stop) ||
        !chat_arg_int(ctx, &call->at[2], 1, &step))
        return false;
    if (call->at[1].kind == CHAT_MISSING) {
        stop = start;
        start = 0;
    }
    if (!step)
        return chat_raise(ctx, "range() arg 3 must not be zero");
    if (__builtin_sub_overflow(stop, start, &span) || step == INT64_MIN)
        return chat_fail(ctx, MICA_ELIMIT, "a range in the template has more than %d items", CHAT_MAX_RANGE);
    if (step < 0) {
        span = -span;
        n = span > 0 ? (span - 1) / -step + 1 : 0;
    } else {
        n = span > 0 ? (span - 1) / step + 1 : 0;
    }
    if (n > CHAT_MAX_RANGE)
        return chat_fail(ctx, MICA_ELIMIT, "a range in the template has more than %d items", CHAT_MAX_RANGE);
    *range = (struct chat_range){start, stop, step, n};
    *out = (struct chat_value){.kind = CHAT_RANGE, .range = range};
    return true;
}

/* What dict(…) and namespace(…) start with: a mapping or pairs, then the keywords. */
static bool fill_dict(struct chat_ctx *ctx, const struct chat_args *args, struct chat_value *out)
{
    struct chat_dict *dict = chat_dict_new(ctx, 0);
    struct chat_list *items, *pair;
    struct chat_value from;
    if (!dict)
        return false;
    if (args->n > 1)
        return chat_raise(ctx, "dict expected at most 1 argument, got %d", (int)args->n);
    if (args->n) {
        from = args->at[0];
        if (from.kind == CHAT_DICT && !chat_view(ctx, from.dict, "dict_items", &from))
            return false;
        if (!chat_items(ctx, &from, &items))
            return false;
        for (int64_t i = 0; i < items->n; i++) {
            if (!chat_items(ctx, &items->at[i], &pair))
                return false;
            if (pair->n != 2)
                return chat_raise(ctx, "dict expects pairs; one has length %d", (int)pair->n);
            if (!chat_dict_put(ctx, dict, &pair->at[0], pair->at[1]))
                return false;
        }
    }
    for (int64_t i = 0; i < args->n_keywords; i++) {
        if (!chat_dict_put(ctx, dict, &args->keywords[i].name, args->keywords[i].value))
            return false;
    }
    *out = (struct chat_value){.kind = CHAT_DICT, .dict = dict};
    return true;
}

static bool global_dict(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    return fill_dict(ctx, call->args, out);
}

static bool global_namespace(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    if (!fill_dict(ctx, call->args, out))
        return false;
    out->kind = CHAT_NAMESPACE;
    for (int64_t i = 0; i < out->dict->n; i++) {
        const struct chat_value *key = &out->dict->at[i].key;
        if (key->kind == CHAT_STR && key->len && key->s[0] == '_')
            return chat_raise(ctx, "the attributes of a namespace cannot start with an underscore");
    }
    return true;
}

static bool new_cycler(struct chat_ctx *ctx, enum chat_kind kind, struct chat_list *items,
                       struct chat_value *out)
{
    struct chat_cycler *cycler = chat_alloc(ctx, 1, sizeof *cycler);
    if (!cycler)
        return false;
    cycler->items = items;
    *out = (struct chat_value){.kind = (uint8_t)kind, .cycler = cycler};
    return true;
}

static bool global_cycler(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_list *items = chat_list_new(ctx, call->args->n);
    if (!items)
        return false;
    if (!call->args->n)
        return chat_raise(ctx, "at least one item has to be provided");
    for (; items->n < call->args->n; items->n++)
        items->at[items->n] = call->args->at[items->n];
    return new_cycler(ctx, CHAT_CYCLER, items, out);
}

static bool global_joiner(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_list *items = chat_list_new(ctx, 1);
    if (!items)
        return false;
    items->at[items->n++] = call->at[0].kind == CHAT_MISSING ? chat_str(", ", 2) : call->at[0];
    return new_cycler(ctx, CHAT_JOINER, items, out);
}

static bool global_raise_exception(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_value text;
    if (!chat_to_str(ctx, &call->at[0], &text))
        return false;
    return chat_fail(ctx, MICA_EARG, "%.*s", (int)text.len, text.s);
}

static bool global_strftime_now(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out)
{
    struct chat_value format;
    char *copy, text[1024];
    time_t now = (time_t)ctx->now;
    struct tm tm;
    size_t n;
    if (!chat_arg_str(ctx, &call->at[0], &format) || !(copy = chat_alloc(ctx, (size_t)format.len + 2, 1)))
        return false;
    /* A character in front, so that an empty result can be told from one that does not fit. */
    copy[0] = ' ';
    memcpy(copy + 1, format.s, format.len);
    if (!localtime_r(&now, &tm) || !(n = strftime(text, sizeof text, copy, &tm)))
        return chat_fail(ctx, MICA_ELIMIT, "strftime_now: the date is too long");
    if (!chat_utf8_valid(text + 1, n - 1))
        return chat_raise(ctx, "strftime_now: the date is not UTF-8");
    return chat_str_copy(ctx, text + 1, n - 1, out);
}

const struct chat_builtin chat_globals[] = {
    {"range", global_range, "-start stop step", 1},
    {"dict", global_dict, "*", 0},
    {"namespace", global_namespace, "*", 0},
    {"cycler", global_cycler, "*", 0},
    {"joiner", global_joiner, "sep", 0},
    {"raise_exception", global_raise_exception, "message", 1},
    {"strftime_now", global_strftime_now, "format", 1},
    {0},
};
