/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Tokens to a tree: statements. */
#include "format/chat_internal.h"

#include <stdio.h>
#include <string.h>

/* ---- what both halves of the parser use ---- */
struct chat_node *chat_syntax_error(struct chat_parser *p, const struct chat_token *at, const char *fmt, ...)
{
    char text[256];
    va_list args;
    if (p->status)
        return NULL;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    p->status =
        mica_fail(p->err, MICA_EFORMAT, "template line %d, column %d: %s", at->line, at->column, text);
    return NULL;
}

static struct chat_node *no_memory(struct chat_parser *p)
{
    if (!p->status)
        p->status = mica_fail(p->err, MICA_ENOMEM, "out of memory for a template");
    return NULL;
}

struct chat_node *chat_node_new(struct chat_parser *p, enum chat_node_kind kind, const struct chat_token *at)
{
    struct chat_node *node = chat_pool_alloc(&p->tmpl->pool, 1, sizeof *node);
    if (!node)
        return no_memory(p);
    node->kind = (uint8_t)kind;
    node->line = at->line;
    node->column = at->column;
    return node;
}

bool chat_is_op(const struct chat_token *token, int op)
{
    return token->kind == CHAT_TOKEN_OP && token->op == op;
}

bool chat_is_name(const struct chat_token *token, const char *name)
{
    return token->kind == CHAT_TOKEN_NAME && token->len == strlen(name) &&
           !memcmp(token->s, name, token->len);
}

bool chat_skip_op(struct chat_parser *p, int op)
{
    bool is = chat_is_op(p->token, op);
    p->token += is;
    return is;
}

bool chat_skip_name(struct chat_parser *p, const char *name)
{
    bool is = chat_is_name(p->token, name);
    p->token += is;
    return is;
}

bool chat_expect_op(struct chat_parser *p, int op)
{
    if (chat_skip_op(p, op))
        return true;
    chat_syntax_error(p, p->token, "expected '%c'", op);
    return false;
}

bool chat_nest(struct chat_parser *p)
{
    if (p->nesting < CHAT_MAX_NESTING) {
        p->nesting++;
        return true;
    }
    chat_syntax_error(p, p->token, "nested too deeply");
    return false;
}

int32_t chat_symbol_of(struct chat_parser *p, const struct chat_token *token)
{
    struct mica_template *tmpl = p->tmpl;
    int32_t sym = mica_strmap_get(&tmpl->by_name, token->s, token->len, -1);
    if (sym >= 0)
        return sym;
    if (tmpl->n_symbols >= INT32_MAX ||
        !mica_grow(&tmpl->symbols, tmpl->n_symbols, &tmpl->symbols_capacity, sizeof *tmpl->symbols) ||
        !mica_strmap_put(&tmpl->by_name, token->s, token->len, (int32_t)tmpl->n_symbols)) {
        no_memory(p);
        return -1;
    }
    tmpl->symbols[tmpl->n_symbols] = (struct chat_symbol){token->s, token->len};
    return (int32_t)tmpl->n_symbols++;
}

/* ---- statements ---- */
static bool parse_body(struct chat_parser *p, const char *const *ends, struct chat_node **out);

static bool expect_end(struct chat_parser *p)
{
    if (p->token->kind == CHAT_TOKEN_BLOCK_END) {
        p->token++;
        return true;
    }
    chat_syntax_error(p, p->token, "expected the end of the tag");
    return false;
}

/* The rest of a tag, then statements up to a tag named in ends, whose name is the current token afterwards.
 */
static bool parse_statements(struct chat_parser *p, const char *const *ends, struct chat_node **out)
{
    bool ok;
    chat_skip_op(p, ':');
    if (!expect_end(p) || !chat_nest(p))
        return false;
    ok = parse_body(p, ends, out);
    p->nesting--;
    return ok;
}

/* The same for a single possible end, which is passed over. */
static bool parse_until(struct chat_parser *p, const char *end, struct chat_node **out)
{
    const char *const ends[] = {end, NULL};
    if (!parse_statements(p, ends, out))
        return false;
    p->token++;
    return true;
}

static struct chat_node *parse_target_name(struct chat_parser *p)
{
    static const char *const constants[] = {"true", "True", "false", "False", "none", "None"};
    const struct chat_token *token = p->token;
    struct chat_node *node;
    if (token->kind != CHAT_TOKEN_NAME)
        return chat_syntax_error(p, token, "expected a name");
    for (size_t i = 0; i < MICA_COUNT(constants); i++) {
        if (chat_is_name(token, constants[i]))
            return chat_syntax_error(p, token, "can't assign to %s", constants[i]);
    }
    node = chat_node_new(p, CHAT_NODE_name, token);
    if (!node || (node->sym = chat_symbol_of(p, token)) < 0)
        return NULL;
    node->value = chat_str(token->s, token->len);
    p->token++;
    return node;
}

static struct chat_node *parse_target(struct chat_parser *p, bool attributes);

static struct chat_node *parse_target_item(struct chat_parser *p, bool attributes)
{
    struct chat_node *node;
    if (chat_is_op(p->token, '(') || chat_is_op(p->token, '[')) {
        int close = p->token->op == '(' ? ')' : ']';
        p->token++;
        if (!chat_nest(p))
            return NULL;
        node = parse_target(p, attributes);
        p->nesting--;
        return node && chat_expect_op(p, close) ? node : NULL;
    }
    node = parse_target_name(p);
    if (node && attributes && chat_skip_op(p, '.')) {
        if (p->token->kind != CHAT_TOKEN_NAME)
            return chat_syntax_error(p, p->token, "expected an attribute's name");
        node->kind = CHAT_NODE_nsref;
        node->value = chat_str(p->token->s, p->token->len);
        p->token++;
    }
    return node;
}

/* One name, or several with commas. */
static struct chat_node *parse_target(struct chat_parser *p, bool attributes)
{
    const struct chat_token *begin = p->token;
    struct chat_node *first = parse_target_item(p, attributes), *tuple, **link;
    if (!first || !chat_is_op(p->token, ','))
        return first;
    tuple = chat_node_new(p, CHAT_NODE_tuple, begin);
    if (!tuple)
        return NULL;
    tuple->a = first;
    for (link = &first->next; chat_skip_op(p, ','); link = &(*link)->next) {
        if (p->token->kind != CHAT_TOKEN_NAME && !chat_is_op(p->token, '(') && !chat_is_op(p->token, '['))
            break;
        if (chat_is_name(p->token, "in"))
            break;
        if (!(*link = parse_target_item(p, attributes)))
            return NULL;
    }
    return tuple;
}

static struct chat_node *parse_set(struct chat_parser *p, const struct chat_token *tag)
{
    struct chat_node *node = chat_node_new(p, CHAT_NODE_set, tag);
    if (!node || !(node->a = parse_target(p, true)))
        return NULL;
    if (chat_skip_op(p, '=')) {
        node->b = chat_parse_tuple(p, true, NULL);
        return node->b && expect_end(p) ? node : NULL;
    }
    node->kind = CHAT_NODE_setblock;
    if (chat_is_op(p->token, '|') && !(node->c = chat_parse_filters(p, NULL, false)))
        return NULL;
    return parse_until(p, "endset", &node->b) && expect_end(p) ? node : NULL;
}

static struct chat_node *parse_for(struct chat_parser *p, const struct chat_token *tag)
{
    static const char *const ends[] = {"else", "endfor", NULL};
    struct chat_node *node = chat_node_new(p, CHAT_NODE_for, tag);
    bool ok;
    if (!node || !(node->a = parse_target(p, false)))
        return NULL;
    if (!chat_skip_name(p, "in"))
        return chat_syntax_error(p, p->token, "expected 'in'");
    if (!(node->b = chat_parse_tuple(p, false, "recursive")))
        return NULL;
    if (chat_skip_name(p, "if") && !(node->e = chat_parse_expression(p)))
        return NULL;
    node->flag = chat_skip_name(p, "recursive");
    p->loops++;
    ok = parse_statements(p, ends, &node->c);
    p->loops--;
    if (!ok)
        return NULL;
    if (chat_skip_name(p, "else")) {
        if (!parse_until(p, "endfor", &node->d))
            return NULL;
    } else {
        p->token++;
    }
    return expect_end(p) ? node : NULL;
}

static struct chat_node *parse_if(struct chat_parser *p, const struct chat_token *tag)
{
    static const char *const ends[] = {"elif", "else", "endif", NULL};
    struct chat_node *first = chat_node_new(p, CHAT_NODE_if, tag), *node = first;
    while (node) {
        if (!(node->a = chat_parse_tuple(p, false, NULL)) || !parse_statements(p, ends, &node->b))
            return NULL;
        if (chat_is_name(p->token, "elif")) {
            node->flag = 1;
            node->c = chat_node_new(p, CHAT_NODE_if, p->token++);
            node = node->c;
            continue;
        }
        if (chat_skip_name(p, "else")) {
            if (!parse_until(p, "endif", &node->c))
                return NULL;
        } else {
            p->token++;
        }
        return expect_end(p) ? first : NULL;
    }
    return NULL;
}

static bool parse_params(struct chat_parser *p, struct chat_node **link)
{
    bool defaults = false;
    if (!chat_expect_op(p, '('))
        return false;
    for (int n = 0; !chat_is_op(p->token, ')'); n++) {
        struct chat_node *param;
        if (n && !chat_expect_op(p, ','))
            return false;
        if (!(param = parse_target_name(p)))
            return false;
        param->kind = CHAT_NODE_param;
        if (chat_skip_op(p, '=')) {
            defaults = true;
            if (!(param->a = chat_parse_expression(p)))
                return false;
        } else if (defaults) {
            chat_syntax_error(p, p->token, "a parameter without a default follows one that has a default");
            return false;
        }
        *link = param;
        link = &param->next;
    }
    p->token++;
    return true;
}

/* The body of a macro or call block: loops and flags start anew inside. */
static bool parse_macro_body(struct chat_parser *p, struct chat_node *macro, const char *end)
{
    uint8_t *outer = p->macro_flags;
    int loops = p->loops;
    bool ok;
    p->macro_flags = &macro->flag;
    p->loops = 0;
    ok = parse_until(p, end, &macro->b);
    p->macro_flags = outer;
    if (outer) /* a name inside of an inner macro counts for the outer one, too */
        *outer |= macro->flag;
    p->loops = loops;
    return ok;
}

static struct chat_node *parse_macro(struct chat_parser *p, const struct chat_token *tag)
{
    struct chat_node *node = parse_target_name(p);
    if (!node)
        return NULL;
    node->kind = CHAT_NODE_macro;
    return parse_params(p, &node->a) && parse_macro_body(p, node, "endmacro") && expect_end(p) ? node : NULL;
}

static struct chat_node *parse_call_block(struct chat_parser *p, const struct chat_token *tag)
{
    const struct chat_token *at;
    struct chat_node *node = chat_node_new(p, CHAT_NODE_callblock, tag);
    if (!node || !(node->b = chat_node_new(p, CHAT_NODE_macro, tag)))
        return NULL;
    node->b->value = chat_str("", 0);
    if (chat_is_op(p->token, '(') && !parse_params(p, &node->b->a))
        return NULL;
    at = p->token;
    if (!(node->a = chat_parse_expression(p)))
        return NULL;
    if (node->a->kind != CHAT_NODE_call)
        return chat_syntax_error(p, at, "expected a call");
    return parse_macro_body(p, node->b, "endcall") && expect_end(p) ? node : NULL;
}

static struct chat_node *parse_filter_block(struct chat_parser *p, const struct chat_token *tag)
{
    struct chat_node *node = chat_node_new(p, CHAT_NODE_filterblock, tag);
    if (!node || !(node->a = chat_parse_filters(p, NULL, true)))
        return NULL;
    return parse_until(p, "endfilter", &node->b) && expect_end(p) ? node : NULL;
}

static struct chat_node *parse_with(struct chat_parser *p, const struct chat_token *tag)
{
    struct chat_node *node = chat_node_new(p, CHAT_NODE_with, tag), **link;
    if (!node)
        return NULL;
    for (link = &node->a; p->token->kind != CHAT_TOKEN_BLOCK_END; link = &(*link)->next) {
        if (node->a && !chat_expect_op(p, ','))
            return NULL;
        struct chat_node *set = chat_node_new(p, CHAT_NODE_set, p->token);
        if (!set || !(set->a = parse_target_item(p, false)) || !chat_expect_op(p, '=') ||
            !(set->b = chat_parse_expression(p)))
            return NULL;
        *link = set;
    }
    return parse_until(p, "endwith", &node->b) && expect_end(p) ? node : NULL;
}

/* Marks what an assistant says; as nothing here asks for the marks, it only makes a scope. */
static struct chat_node *parse_generation(struct chat_parser *p, const struct chat_token *tag)
{
    struct chat_node *node = chat_node_new(p, CHAT_NODE_with, tag);
    int loops = p->loops;
    bool ok;
    if (!node)
        return NULL;
    p->loops = 0;
    ok = parse_until(p, "endgeneration", &node->b);
    p->loops = loops;
    return ok && expect_end(p) ? node : NULL;
}

static struct chat_node *parse_do(struct chat_parser *p, const struct chat_token *tag)
{
    struct chat_node *node = chat_node_new(p, CHAT_NODE_do, tag);
    return node && (node->a = chat_parse_tuple(p, true, NULL)) && expect_end(p) ? node : NULL;
}

static struct chat_node *parse_break(struct chat_parser *p, const struct chat_token *tag)
{
    if (!p->loops)
        return chat_syntax_error(p, tag, "'%.*s' outside of a loop", (int)tag->len, tag->s);
    return expect_end(p) ? chat_node_new(p, tag->s[0] == 'b' ? CHAT_NODE_break : CHAT_NODE_continue, tag)
                         : NULL;
}

static struct chat_node *parse_print(struct chat_parser *p, const struct chat_token *tag)
{
    struct chat_node *first = NULL, **link = &first;
    while (p->token->kind != CHAT_TOKEN_BLOCK_END) {
        if (first && !chat_expect_op(p, ','))
            return NULL;
        if (!(*link = chat_node_new(p, CHAT_NODE_print, tag)) || !((*link)->a = chat_parse_expression(p)))
            return NULL;
        link = &(*link)->next;
    }
    p->token++;
    /* print without anything to print is allowed */
    if (!first && (first = chat_node_new(p, CHAT_NODE_text, tag)))
        first->value = chat_str("", 0);
    return first;
}

static struct chat_node *parse_refused(struct chat_parser *p, const struct chat_token *tag)
{
    return chat_syntax_error(p, tag, "'%.*s' is not supported: a chat template is a single file",
                             (int)tag->len, tag->s);
}

static const struct {
    const char *name;
    struct chat_node *(*parse)(struct chat_parser *p, const struct chat_token *tag);
} statements[] = {
    {"set", parse_set},         {"if", parse_if},
    {"for", parse_for},         {"macro", parse_macro},
    {"call", parse_call_block}, {"filter", parse_filter_block},
    {"with", parse_with},       {"generation", parse_generation},
    {"do", parse_do},           {"break", parse_break},
    {"continue", parse_break},  {"print", parse_print},
    {"include", parse_refused}, {"import", parse_refused},
    {"from", parse_refused},    {"extends", parse_refused},
    {"block", parse_refused},   {"autoescape", parse_refused},
    {"trans", parse_refused},
};

static struct chat_node *parse_statement(struct chat_parser *p)
{
    const struct chat_token *tag = p->token;
    for (size_t i = 0; i < MICA_COUNT(statements); i++) {
        if (chat_is_name(tag, statements[i].name)) {
            p->token++;
            return statements[i].parse(p, tag);
        }
    }
    if (tag->kind != CHAT_TOKEN_NAME)
        return chat_syntax_error(p, tag, "expected the name of a tag");
    return chat_syntax_error(p, tag, "unknown tag '%.*s'", (int)tag->len, tag->s);
}

static bool is_end(const struct chat_parser *p, const char *const *ends)
{
    for (; ends && *ends; ends++) {
        if (chat_is_name(p->token, *ends))
            return true;
    }
    return false;
}

static struct chat_node *parse_piece(struct chat_parser *p)
{
    const struct chat_token *token = p->token++;
    struct chat_node *node;
    if (token->kind == CHAT_TOKEN_DATA) {
        if ((node = chat_node_new(p, CHAT_NODE_text, token)))
            node->value = chat_str(token->s, token->len);
        return node;
    }
    if (token->kind == CHAT_TOKEN_BLOCK_BEGIN)
        return parse_statement(p);
    if (!(node = chat_node_new(p, CHAT_NODE_print, token)) || !(node->a = chat_parse_tuple(p, true, NULL)))
        return NULL;
    if (p->token->kind != CHAT_TOKEN_PRINT_END)
        return chat_syntax_error(p, p->token, "expected the end of the print statement: }}");
    p->token++;
    return node;
}

static bool parse_body(struct chat_parser *p, const char *const *ends, struct chat_node **out)
{
    const struct chat_token *begin = p->token;
    struct chat_node **link = out;
    while (p->token->kind != CHAT_TOKEN_END) {
        if (p->token->kind == CHAT_TOKEN_BLOCK_BEGIN && ends) {
            p->token++;
            if (is_end(p, ends))
                return true;
            p->token--;
        }
        if (!(*link = parse_piece(p)))
            return false;
        while (*link)
            link = &(*link)->next;
    }
    if (!ends)
        return true;
    while (ends[1])
        ends++;
    chat_syntax_error(p, begin, "the template ends where {%% %s %%} was expected for this", ends[0]);
    return false;
}

static bool is_scope(const struct chat_node *node)
{
    return node->kind == CHAT_NODE_for || node->kind == CHAT_NODE_setblock || node->kind == CHAT_NODE_macro ||
           node->kind == CHAT_NODE_callblock || node->kind == CHAT_NODE_filterblock ||
           node->kind == CHAT_NODE_with;
}

/* Jinja accepts unknown filters and tests inside of conditions and complains when they are reached. */
static bool check_names(struct chat_parser *p, const struct chat_node *node, bool soft, int depth)
{
    for (; node; node = node->next) {
        const struct chat_token at = {.line = node->line, .column = node->column};
        bool filter = node->kind == CHAT_NODE_filter;
        bool inside = node->kind == CHAT_NODE_if || node->kind == CHAT_NODE_cond || (soft && !is_scope(node));
        if (depth > CHAT_MAX_DEPTH * 4)
            return chat_syntax_error(p, &at, "nested too deeply");
        if (!soft && !node->func && (filter || node->kind == CHAT_NODE_test))
            return chat_syntax_error(p, &at, "no %s named '%.*s'", filter ? "filter" : "test",
                                     (int)node->value.len, node->value.s);
        if (!check_names(p, node->a, inside, depth + 1) || !check_names(p, node->b, inside, depth + 1) ||
            !check_names(p, node->c, inside, depth + 1) || !check_names(p, node->d, inside, depth + 1) ||
            !check_names(p, node->e, inside, depth + 1))
            return false;
    }
    return true;
}

enum mica_status chat_parse(struct mica_template *tmpl, const struct chat_token *tokens, struct mica_err *err)
{
    struct chat_parser p = {.tmpl = tmpl, .token = tokens, .err = err};
    bool ok = parse_body(&p, NULL, &tmpl->body);
    if (ok && p.unresolved)
        ok = check_names(&p, tmpl->body, false, 0);
    return ok ? MICA_OK : p.status;
}
