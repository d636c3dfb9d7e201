/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Chat templates: parsing one, rendering it with a conversation. Jinja's are done here, Go's in gotmpl_*.c.
 */
#include "format/gotmpl.h"
#include "format/template_source.h"

#include <string.h>
#include <time.h>

enum { DEFAULT_STEPS = 10000000, DEFAULT_OUTPUT = 16 << 20, DEFAULT_DEPTH = 200 };
/* Room for values beside the output: every text is written at least twice on its way out. */
#define VALUES_LIMIT ((size_t)64 << 20)

/* Copies source into the template with \n for every kind of line end, and without the last one. */
static char *copy_source(struct mica_template *tmpl, const char *source, size_t len, size_t *len_out)
{
    char *copy = chat_pool_alloc(&tmpl->pool, len + 1, 1);
    size_t n = 0;
    if (!copy)
        return NULL;
    for (size_t i = 0; i < len; i++) {
        if (source[i] == '\r' && i + 1 < len && source[i + 1] == '\n')
            continue;
        copy[n++] = source[i] == '\r' ? '\n' : source[i];
    }
    n -= n && copy[n - 1] == '\n';
    copy[n] = 0;
    *len_out = n;
    return copy;
}

static enum mica_status add_symbols(struct mica_template *tmpl)
{
    static const char *const names[] = {"loop", "caller", "varargs", "kwargs"};
    _Static_assert(MICA_COUNT(names) == CHAT_N_SYMS, "one name for each");
    struct chat_parser p = {.tmpl = tmpl};
    for (size_t i = 0; i < MICA_COUNT(names); i++) {
        struct chat_token token = {.s = names[i], .len = (uint32_t)strlen(names[i])};
        if (chat_symbol_of(&p, &token) < 0)
            return MICA_ENOMEM;
    }
    return MICA_OK;
}

enum mica_status mica_template_parse(const char *source, size_t len, struct mica_template **out,
                                     struct mica_err *err)
{
    struct mica_template *tmpl = NULL;
    struct chat_tokens tokens = {0};
    enum mica_status status;
    char *copy = NULL;
    if (len > CHAT_MAX_STRING)
        return mica_fail(err, MICA_ELIMIT, "the template is too long");
    if (!chat_utf8_valid(source, len))
        return mica_fail(err, MICA_EFORMAT, "the template is not valid UTF-8");
    bool is_go = mica_template_is_go(source, len);
    if ((tmpl = mica_alloc(1, sizeof *tmpl)) && is_go) {
        if ((status = gotmpl_parse(source, len, &tmpl->pool, &tmpl->go, err)))
            mica_template_free(tmpl);
        else
            *out = tmpl;
        return status;
    }
    if (!tmpl || !(copy = copy_source(tmpl, source, len, &len)) || add_symbols(tmpl)) {
        mica_template_free(tmpl);
        return mica_fail(err, MICA_ENOMEM, "out of memory for a template");
    }
    status = chat_lex(copy, len, &tokens, err);
    if (!status)
        status = chat_parse(tmpl, tokens.at, err);
    mica_free(tokens.at);
    if (status)
        mica_template_free(tmpl);
    else
        *out = tmpl;
    return status;
}

void mica_template_free(struct mica_template *tmpl)
{
    if (!tmpl)
        return;
    mica_strmap_release(&tmpl->by_name);
    mica_free(tmpl->symbols);
    mica_arena_release(&tmpl->pool.arena);
    mica_free(tmpl);
}

/* Every name in the template starts as what the caller gave, or what Jinja has under it. */
static bool fill_globals(struct chat_ctx *ctx, const json_t *vars)
{
    const struct mica_template *tmpl = ctx->tmpl;
    if (!(ctx->globals = chat_alloc(ctx, (size_t)tmpl->n_symbols, sizeof *ctx->globals)))
        return false;
    for (int64_t i = 0; i < tmpl->n_symbols; i++) {
        const struct chat_symbol *symbol = &tmpl->symbols[i];
        const json_t *json = json_object_getn(vars, symbol->s, symbol->len);
        const struct chat_builtin *func = chat_builtin_find(chat_globals, symbol->s, symbol->len);
        if (json && !chat_from_json(ctx, json, &ctx->globals[i]))
            return false;
        if (!json && func)
            ctx->globals[i] = (struct chat_value){.kind = CHAT_FUNC, .func = func};
    }
    return true;
}

/* limits as given, or the defaults; none exceeds what the interpreters can take. */
static struct mica_template_limits clamp(const struct mica_template_limits *limits)
{
    struct mica_template_limits l = limits ? *limits : (struct mica_template_limits){0};
    l.steps = l.steps ? l.steps : DEFAULT_STEPS;
    l.output = l.output ? l.output : DEFAULT_OUTPUT;
    l.output = l.output < CHAT_MAX_STRING ? l.output : CHAT_MAX_STRING;
    l.depth = l.depth ? l.depth : DEFAULT_DEPTH;
    l.depth = l.depth < CHAT_MAX_DEPTH ? l.depth : CHAT_MAX_DEPTH;
    l.now = l.now ? l.now : (int64_t)time(NULL);
    return l;
}

static enum mica_status render_go(const struct gotmpl *go, const json_t *vars,
                                  const struct mica_template_limits *limits, struct mica_buf *out,
                                  struct mica_err *err)
{
    struct mica_buf buf = {0};
    struct gotmpl_ctx ctx = {.tmpl = go,
                             .out = &buf,
                             .err = err,
                             .steps = limits->steps,
                             .output_limit = limits->output,
                             .depth = limits->depth,
                             .pool.limit = limits->output * 8 + VALUES_LIMIT};
    if (gotmpl_run(&ctx, vars) && buf.len && !mica_buf_append(out, buf.data, buf.len))
        gotmpl_fail(&ctx, MICA_ENOMEM, "out of memory for its text");
    mica_buf_release(&buf);
    mica_free(ctx.vars);
    mica_arena_release(&ctx.pool.arena);
    return ctx.status;
}

enum mica_status mica_template_render(const struct mica_template *tmpl, const json_t *vars,
                                      const struct mica_template_limits *limits, struct mica_buf *out,
                                      struct mica_err *err)
{
    const struct mica_template_limits l = clamp(limits);
    struct mica_buf buf = {0};
    if (tmpl->go)
        return render_go(tmpl->go, vars, &l, out, err);
    struct chat_ctx ctx = {.tmpl = tmpl,
                           .out = &buf,
                           .err = err,
                           .steps = l.steps,
                           .output_limit = l.output,
                           .depth = l.depth,
                           .now = l.now,
                           .pool.limit = l.output * 8 + VALUES_LIMIT};
    if (fill_globals(&ctx, vars) && chat_exec(&ctx, tmpl->body) && buf.len &&
        !mica_buf_append(out, buf.data, buf.len))
        chat_fail(&ctx, MICA_ENOMEM, "out of memory for a template's text");
    mica_buf_release(&buf);
    mica_arena_release(&ctx.pool.arena);
    return ctx.status;
}

bool mica_template_lacks_bos(const struct mica_template *tmpl)
{
    return tmpl->go != NULL;
}
