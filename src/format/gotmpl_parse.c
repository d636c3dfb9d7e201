/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Go templates: tokens into a tree. Each parse_ function returns NULL after an error. */
#include "format/gotmpl.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

/* Names are looked for one by one. */
enum { MAX_NAMES = 1000 };

struct parser {
    struct gotmpl *tmpl;
    const struct gotmpl_token *at;
    int nesting, loops, n_defines;
    struct gotmpl_name **names; /* variables in sight */
    int64_t n_names, capacity;
    enum mica_status status;
    struct mica_err *err;
};
/* What ends a list of nodes. */
enum stop { STOP_END, STOP_ELSE, STOP_EOF };

static void *syntax_error(struct parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static struct gotmpl_node *parse_pipe(struct parser *p, const char *what, enum gotmpl_token_kind end);
static struct gotmpl_node *parse_list(struct parser *p, enum stop *stop);

static void *syntax_error(struct parser *p, const char *fmt, ...)
{
    char text[256];
    va_list args;
    if (p->status)
        return NULL;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    p->status = mica_fail(p->err, MICA_EFORMAT, "template line %d: %s", p->at->line, text);
    return NULL;
}

static void *unexpected(struct parser *p, const char *where)
{
    const struct gotmpl_token *at = p->at;
    if (at->kind == GOTMPL_TOKEN_ERROR)
        return syntax_error(p, "%.*s", (int)at->len, at->s);
    if (at->kind == GOTMPL_TOKEN_END)
        return syntax_error(p, "the template ends in %s", where);
    return syntax_error(p, "unexpected '%.*s' in %s", at->len < 40 ? (int)at->len : 40, at->s, where);
}

static void *alloc(struct parser *p, size_t size)
{
    void *m = chat_pool_alloc(p->tmpl->pool, 1, size);
    if (!m && !p->status)
        p->status = mica_fail(p->err, MICA_ENOMEM, "out of memory for a template");
    return m;
}

static struct gotmpl_node *new_node(struct parser *p, enum gotmpl_node_kind kind)
{
    struct gotmpl_node *node = alloc(p, sizeof *node);
    if (node) {
        node->kind = (uint8_t)kind;
        node->line = p->at->line;
    }
    return node;
}

static bool nest(struct parser *p)
{
    if (p->nesting >= CHAT_MAX_NESTING)
        return syntax_error(p, "nested too deeply"), false;
    p->nesting++;
    return true;
}

static void skip_space(struct parser *p)
{
    while (p->at->kind == GOTMPL_TOKEN_SPACE)
        p->at++;
}

static bool is_word(const struct gotmpl_token *at, const char *word)
{
    return at->kind == GOTMPL_TOKEN_WORD && at->len == strlen(word) && memcmp(at->s, word, at->len) == 0;
}

static bool skip_word(struct parser *p, const char *word)
{
    bool is = is_word(p->at, word);
    p->at += is;
    return is;
}

static bool expect_right(struct parser *p, const char *where)
{
    skip_space(p);
    if (p->at->kind != GOTMPL_TOKEN_RIGHT)
        return unexpected(p, where), false;
    p->at++;
    return true;
}

/* ---- operands ---- */

static struct gotmpl_name *parse_name(struct parser *p)
{
    struct gotmpl_name *name = alloc(p, sizeof *name);
    if (name) {
        uint32_t dot = p->at->kind == GOTMPL_TOKEN_FIELD;
        *name = (struct gotmpl_name){.s = p->at->s + dot, .len = p->at->len - dot};
        p->at++;
    }
    return name;
}

/* The fields that follow without space; false after an error. */
static bool parse_fields(struct parser *p, struct gotmpl_name **tail)
{
    for (; p->at->kind == GOTMPL_TOKEN_FIELD; tail = &(*tail)->next)
        if (!(*tail = parse_name(p)))
            return false;
    return true;
}

static bool same_name(const struct gotmpl_name *a, const struct gotmpl_name *b)
{
    return a->len == b->len && memcmp(a->s, b->s, a->len) == 0;
}

static bool declare(struct parser *p, struct gotmpl_name *name)
{
    if (p->n_names >= MAX_NAMES)
        return syntax_error(p, "more than %d variables", MAX_NAMES), false;
    if (!mica_grow(&p->names, p->n_names, &p->capacity, sizeof(struct gotmpl_name *)))
        return p->status = mica_fail(p->err, MICA_ENOMEM, "out of memory for a template"), false;
    p->names[p->n_names++] = name;
    return true;
}

static struct gotmpl_node *parse_variable(struct parser *p)
{
    struct gotmpl_node *node = new_node(p, GOTMPL_VARIABLE);
    const struct gotmpl_token *at = p->at;
    bool known = at->len == 1; /* $ */
    if (!node || !(node->names = parse_name(p)))
        return NULL;
    for (int64_t i = 0; i < p->n_names && !known; i++)
        known = same_name(p->names[i], node->names);
    if (!known)
        return syntax_error(p, "there is no variable %.*s", at->len < 60 ? (int)at->len : 60, at->s);
    return parse_fields(p, &node->names->next) ? node : NULL;
}

static struct gotmpl_node *parse_word(struct parser *p)
{
    const struct gotmpl_token *at = p->at;
    struct gotmpl_node *node = new_node(p, GOTMPL_LITERAL);
    if (!node)
        return NULL;
    if (is_word(at, "nil")) {
        node->kind = GOTMPL_NILWORD;
    } else if (is_word(at, "true") || is_word(at, "false")) {
        node->value = gotmpl_bool(at->s[0] == 't');
    } else {
        static const char *const keywords[] = {"if",       "else",  "end",    "range", "with",
                                               "template", "block", "define", "break", "continue"};
        for (size_t i = 0; i < MICA_COUNT(keywords); i++)
            if (is_word(at, keywords[i]))
                return unexpected(p, "an expression");
        node->kind = GOTMPL_IDENT;
        node->func = gotmpl_func_find(at->s, at->len);
        if (!node->func)
            return syntax_error(p, "there is no function %.*s", at->len < 60 ? (int)at->len : 60, at->s);
        if (node->func->no)
            return syntax_error(p, "%s: %s", node->func->name, node->func->no);
    }
    p->at++;
    return node;
}

static struct gotmpl_node *parse_literal(struct parser *p)
{
    const struct gotmpl_token *at = p->at;
    struct gotmpl_node *node = new_node(p, GOTMPL_LITERAL);
    bool is_text = at->kind == GOTMPL_TOKEN_STRING || at->kind == GOTMPL_TOKEN_RAW;
    char *text = is_text ? alloc(p, at->len) : NULL;
    if (!node || p->status)
        return NULL;
    if (is_text ? !gotmpl_unquote(at, text, &node->value) : !gotmpl_number(at, &node->value))
        return syntax_error(p, "%.*s is no %s that Go knows", at->len < 60 ? (int)at->len : 60, at->s,
                            is_text ? "string" : "number");
    p->at++;
    return node;
}

static struct gotmpl_node *parse_term(struct parser *p)
{
    struct gotmpl_node *node;
    switch ((enum gotmpl_token_kind)p->at->kind) {
    case GOTMPL_TOKEN_WORD:
        return parse_word(p);
    case GOTMPL_TOKEN_DOT:
        node = new_node(p, GOTMPL_DOT);
        p->at++;
        return node;
    case GOTMPL_TOKEN_FIELD:
        node = new_node(p, GOTMPL_FIELD);
        return node && parse_fields(p, &node->names) ? node : NULL;
    case GOTMPL_TOKEN_VARIABLE:
        return parse_variable(p);
    case GOTMPL_TOKEN_NUMBER:
    case GOTMPL_TOKEN_CHAR:
    case GOTMPL_TOKEN_STRING:
    case GOTMPL_TOKEN_RAW:
        return parse_literal(p);
    case GOTMPL_TOKEN_OPEN:
        if (!nest(p))
            return NULL;
        p->at++;
        node = parse_pipe(p, "parentheses", GOTMPL_TOKEN_CLOSE);
        p->nesting--;
        return node;
    default:
        return unexpected(p, "an expression");
    }
}

/* A term and the fields of what it gives. */
static struct gotmpl_node *parse_operand(struct parser *p)
{
    struct gotmpl_node *term = parse_term(p), *chain;
    if (!term || p->at->kind != GOTMPL_TOKEN_FIELD)
        return term;
    if (term->kind != GOTMPL_PIPE && term->kind != GOTMPL_IDENT)
        return unexpected(p, "an expression: only what stands in parentheses has fields");
    if (!(chain = new_node(p, GOTMPL_CHAIN)))
        return NULL;
    chain->list = term;
    return parse_fields(p, &chain->names) ? chain : NULL;
}

static struct gotmpl_node *parse_command(struct parser *p)
{
    struct gotmpl_node *command = new_node(p, GOTMPL_COMMAND), **tail;
    if (!command)
        return NULL;
    for (tail = &command->list;; tail = &(*tail)->next) {
        if (!(*tail = parse_operand(p)))
            return NULL;
        bool spaced = p->at->kind == GOTMPL_TOKEN_SPACE;
        skip_space(p);
        switch ((enum gotmpl_token_kind)p->at->kind) {
        case GOTMPL_TOKEN_RIGHT:
        case GOTMPL_TOKEN_CLOSE:
        case GOTMPL_TOKEN_PIPE:
            return command;
        default:
            if (!spaced)
                return unexpected(p, "an expression");
        }
    }
}

/* ---- pipelines ---- */

/* "$x :=", "$x =", and in a range "$i, $x :=" as well; the parser stays where it is when there is none. */
static bool parse_decls(struct parser *p, struct gotmpl_node *pipe, const char *what)
{
    struct gotmpl_node **tail = &pipe->decls;
    for (int n = 1; p->at->kind == GOTMPL_TOKEN_VARIABLE; n++) {
        const struct gotmpl_token *after = p->at + 1;
        while (after->kind == GOTMPL_TOKEN_SPACE)
            after++;
        bool comma = after->kind == GOTMPL_TOKEN_OTHER;
        bool sets = after->kind == GOTMPL_TOKEN_ASSIGN || after->kind == GOTMPL_TOKEN_DECLARE;
        if (!comma && !sets)
            return true;
        if (!(*tail = new_node(p, GOTMPL_VARIABLE)) || !((*tail)->names = parse_name(p)) ||
            !declare(p, (*tail)->names))
            return false;
        pipe->flag = after->kind == GOTMPL_TOKEN_ASSIGN;
        p->at = after + 1;
        skip_space(p);
        if (sets)
            return true;
        if (n > 1 || strcmp(what, "range") != 0)
            return syntax_error(p, "too many variables in %s", what), false;
        if (p->at->kind != GOTMPL_TOKEN_VARIABLE)
            return unexpected(p, "the variables of a range"), false;
        tail = &(*tail)->next;
    }
    return true;
}

/* Also takes the token that ends it. */
static struct gotmpl_node *parse_pipe(struct parser *p, const char *what, enum gotmpl_token_kind end)
{
    struct gotmpl_node *pipe, **tail;
    skip_space(p);
    if (!(pipe = new_node(p, GOTMPL_PIPE)) || !parse_decls(p, pipe, what))
        return NULL;
    if (p->at->kind == end)
        return syntax_error(p, "%s without a value", what);
    for (tail = &pipe->list;; tail = &(*tail)->next) {
        const struct gotmpl_token *begin = p->at;
        if (!(*tail = parse_command(p)))
            return NULL;
        const struct gotmpl_node *first = (*tail)->list;
        if (tail != &pipe->list &&
            (first->kind == GOTMPL_DOT || first->kind == GOTMPL_NILWORD || first->kind == GOTMPL_LITERAL)) {
            p->at = begin;
            return syntax_error(p, "what stands behind | cannot take a value");
        }
        if (p->at->kind == end)
            break;
        if (p->at->kind != GOTMPL_TOKEN_PIPE)
            return unexpected(p, what);
        p->at++;
        skip_space(p);
        if (p->at->kind == end) /* Go lets a bar at the end pass */
            break;
    }
    p->at++;
    return pipe;
}

/* ---- statements ---- */

static bool parse_body(struct parser *p, struct gotmpl_node *node, const char *what);

/* {{if}}, {{range}} or {{with}}, from its pipe to its {{end}}. */
static struct gotmpl_node *parse_branch(struct parser *p, enum gotmpl_node_kind kind, const char *what)
{
    struct gotmpl_node *node = new_node(p, kind);
    int64_t n_names = p->n_names;
    if (!node || !nest(p))
        return NULL;
    bool ok = (node->pipe = parse_pipe(p, what, GOTMPL_TOKEN_RIGHT)) && parse_body(p, node, what);
    p->nesting--;
    p->n_names = n_names;
    return ok ? node : NULL;
}

/* The list and the else list; "else if" and "else with" are a branch of their own that shares the end. */
static bool parse_body(struct parser *p, struct gotmpl_node *node, const char *what)
{
    enum stop stop;
    p->loops += node->kind == GOTMPL_RANGE;
    node->list = parse_list(p, &stop);
    p->loops -= node->kind == GOTMPL_RANGE;
    if (p->status || stop == STOP_END)
        return !p->status;
    if (stop == STOP_EOF)
        return unexpected(p, "a block that has no end"), false;
    skip_space(p);
    if (node->kind != GOTMPL_RANGE && skip_word(p, what))
        return (node->other = parse_branch(p, (enum gotmpl_node_kind)node->kind, what)) != NULL;
    if (!expect_right(p, "else"))
        return false;
    node->other = parse_list(p, &stop);
    if (!p->status && stop != STOP_END)
        unexpected(p, stop == STOP_EOF ? "a block that has no end" : "a block: there was an else before");
    return !p->status;
}

static struct gotmpl_node *parse_jump(struct parser *p, enum gotmpl_node_kind kind, const char *what)
{
    struct gotmpl_node *node = new_node(p, kind);
    if (!node || !expect_right(p, what))
        return NULL;
    return p->loops ? node : syntax_error(p, "%s outside of a range", what);
}

static bool parse_template_name(struct parser *p, struct gotmpl_value *out)
{
    skip_space(p);
    if (p->at->kind != GOTMPL_TOKEN_STRING && p->at->kind != GOTMPL_TOKEN_RAW)
        return unexpected(p, "a template's name"), false;
    char *text = alloc(p, p->at->len);
    if (!text)
        return false;
    if (!gotmpl_unquote(p->at, text, out))
        return syntax_error(p, "the template's name is no string that Go knows"), false;
    p->at++;
    return true;
}

static bool is_blank(const struct gotmpl_node *list)
{
    for (; list; list = list->next)
        if (list->kind != GOTMPL_TEXT ||
            strspn(list->value.s, " \t\r\n\v\f") < list->value.len) /* the pool zeroes behind the source */
            return false;
    return true;
}

/* A blank definition gives way to another one. */
static bool add_define(struct parser *p, const struct gotmpl_value *name, struct gotmpl_node *root)
{
    struct gotmpl_define *d = p->tmpl->defines;
    while (d && (d->name.len != name->len || memcmp(d->name.s, name->s, name->len) != 0))
        d = d->next;
    if (d && !is_blank(d->root)) {
        if (!is_blank(root))
            syntax_error(p, "template \"%.*s\" is defined twice", name->len < 60 ? (int)name->len : 60,
                         name->s);
        return !p->status;
    }
    if (!d && p->n_defines >= MAX_NAMES)
        return syntax_error(p, "more than %d definitions", MAX_NAMES), false;
    if (!d) {
        p->n_defines++;
        if (!(d = alloc(p, sizeof *d)))
            return false;
        d->next = p->tmpl->defines;
        p->tmpl->defines = d;
        d->name = *name;
    }
    d->root = root;
    return true;
}

/* The body of a define or block: variables outside are not in sight, and loops outside are none to leave. */
static bool parse_define_body(struct parser *p, const struct gotmpl_value *name)
{
    struct gotmpl_name **names = p->names;
    int64_t n_names = p->n_names, capacity = p->capacity;
    int loops = p->loops;
    enum stop stop = STOP_EOF;
    p->names = NULL;
    p->n_names = p->capacity = 0;
    p->loops = 0;
    struct gotmpl_node *root = nest(p) ? parse_list(p, &stop) : NULL;
    mica_free(p->names);
    p->names = names;
    p->n_names = n_names;
    p->capacity = capacity;
    p->loops = loops;
    if (p->status)
        return false;
    p->nesting--;
    if (stop != STOP_END)
        return unexpected(p, "a definition that has no end"), false;
    return add_define(p, name, root);
}

static struct gotmpl_node *parse_call(struct parser *p, bool is_block)
{
    struct gotmpl_node *node = new_node(p, GOTMPL_CALL);
    if (!node || !parse_template_name(p, &node->value))
        return NULL;
    skip_space(p);
    if (!is_block && p->at->kind == GOTMPL_TOKEN_RIGHT)
        return p->at++, node;
    if (!(node->pipe = parse_pipe(p, is_block ? "block" : "template", GOTMPL_TOKEN_RIGHT)))
        return NULL;
    return !is_block || parse_define_body(p, &node->value) ? node : NULL;
}

/* Behind {{. Words that only end something are parse_list's. */
static struct gotmpl_node *parse_action(struct parser *p)
{
    struct gotmpl_node *node;
    if (skip_word(p, "if"))
        return parse_branch(p, GOTMPL_IF, "if");
    if (skip_word(p, "range"))
        return parse_branch(p, GOTMPL_RANGE, "range");
    if (skip_word(p, "with"))
        return parse_branch(p, GOTMPL_WITH, "with");
    if (skip_word(p, "template"))
        return parse_call(p, false);
    if (skip_word(p, "block"))
        return parse_call(p, true);
    if (skip_word(p, "break"))
        return parse_jump(p, GOTMPL_BREAK, "break");
    if (skip_word(p, "continue"))
        return parse_jump(p, GOTMPL_CONTINUE, "continue");
    if (!(node = new_node(p, GOTMPL_ACTION)))
        return NULL;
    node->pipe = parse_pipe(p, "an action", GOTMPL_TOKEN_RIGHT);
    return node->pipe ? node : NULL;
}

/* Definitions stand at the top only. */
static bool parse_define(struct parser *p)
{
    struct gotmpl_value name;
    return parse_template_name(p, &name) && expect_right(p, "define") && parse_define_body(p, &name);
}

static struct gotmpl_node *parse_text(struct parser *p)
{
    struct gotmpl_node *node = new_node(p, GOTMPL_TEXT);
    if (node)
        node->value = gotmpl_str(p->at->s, p->at->len);
    p->at++;
    return node;
}

/* Nodes up to {{end}}, which is taken, {{else, or the end of all; NULL when empty or after an error. */
static struct gotmpl_node *parse_list(struct parser *p, enum stop *stop)
{
    struct gotmpl_node *first = NULL, **tail = &first;
    *stop = STOP_EOF;
    while (p->at->kind == GOTMPL_TOKEN_TEXT || p->at->kind == GOTMPL_TOKEN_LEFT) {
        if (p->at->kind == GOTMPL_TOKEN_TEXT) {
            if (!(*tail = parse_text(p)))
                return NULL;
            tail = &(*tail)->next;
            continue;
        }
        p->at++;
        skip_space(p);
        if (is_word(p->at, "else") || is_word(p->at, "end")) {
            *stop = p->at->s[1] == 'l' ? STOP_ELSE : STOP_END;
            p->at++;
            return *stop == STOP_ELSE || expect_right(p, "end") ? first : NULL;
        }
        if (p->nesting == 0 && skip_word(p, "define")) {
            if (!parse_define(p))
                return NULL;
            continue;
        }
        if (!(*tail = parse_action(p)))
            return NULL;
        tail = &(*tail)->next;
    }
    if (p->at->kind == GOTMPL_TOKEN_ERROR)
        unexpected(p, "text");
    return p->status ? NULL : first;
}

/* ---- what Ollama makes of the tree ---- */

static bool names_it(const struct gotmpl_node *list, const char *name);

static bool is_named(const struct gotmpl_name *names, const char *name)
{
    for (; names; names = names->next)
        if (names->len == strlen(name) && strncasecmp(names->s, name, names->len) == 0)
            return true;
    return false;
}

/* Is there a field or variable of this name, in whatever case? As Ollama looks for them: not in the fields of
 * what stands in parentheses. */
static bool names_it(const struct gotmpl_node *list, const char *name)
{
    for (; list; list = list->next) {
        bool looks = list->kind == GOTMPL_FIELD || list->kind == GOTMPL_VARIABLE;
        if (looks ? is_named(list->names, name)
                  : list->kind != GOTMPL_CHAIN && (names_it(list->pipe, name) || names_it(list->list, name) ||
                                                   names_it(list->other, name)))
            return true;
    }
    return false;
}

static struct gotmpl_node *cut_list(struct parser *p, const struct gotmpl_node *list, bool *cut);

static bool is_response(const struct gotmpl_node *node)
{
    for (const struct gotmpl_name *n = node->kind == GOTMPL_FIELD ? node->names : NULL; n; n = n->next)
        if (n->len == 8 && memcmp(n->s, "Response", 8) == 0)
            return true;
    return false;
}

/* A copy of a node without what stands behind .Response; NULL when nothing of it is left. A pipeline that
 * goes on behind it is dropped as a whole. */
static struct gotmpl_node *cut_node(struct parser *p, const struct gotmpl_node *node, bool *cut)
{
    struct gotmpl_node *copy;
    if (*cut || !(copy = alloc(p, sizeof *copy)))
        return NULL;
    *copy = *node;
    copy->next = NULL;
    switch ((enum gotmpl_node_kind)node->kind) {
    case GOTMPL_FIELD:
        *cut = is_response(node);
        break;
    case GOTMPL_ACTION:
        copy->pipe = cut_node(p, node->pipe, cut);
        return copy->pipe ? copy : NULL;
    case GOTMPL_IF:
    case GOTMPL_WITH:
    case GOTMPL_RANGE:
        copy->list = cut_list(p, node->list, cut);
        copy->other = cut_list(p, node->other, cut);
        break;
    case GOTMPL_PIPE: {
        struct gotmpl_node **tail = &copy->list;
        copy->list = NULL;
        for (const struct gotmpl_node *c = node->list; c; c = c->next, tail = &(*tail)->next) {
            if (!(*tail = alloc(p, sizeof **tail)))
                return NULL;
            **tail = *c;
            (*tail)->next = NULL;
            if (!((*tail)->list = cut_list(p, c->list, cut)))
                return NULL;
        }
        break;
    }
    default:
        break;
    }
    return copy;
}

static struct gotmpl_node *cut_list(struct parser *p, const struct gotmpl_node *list, bool *cut)
{
    struct gotmpl_node *first = NULL, **tail = &first;
    for (; list; list = list->next)
        if ((*tail = cut_node(p, list, cut)))
            tail = &(*tail)->next;
    return first;
}

static bool finish(struct parser *p, struct gotmpl_node *root)
{
    struct gotmpl *tmpl = p->tmpl;
    bool cut = false, responds = false;
    const struct gotmpl_value none = gotmpl_str("", 0);
    if (!add_define(p, &none, root))
        return false;
    for (struct gotmpl_define *d = tmpl->defines; d; d = d->next) {
        tmpl->takes_messages |= names_it(d->root, "messages");
        responds |= names_it(d->root, "response");
        if (!d->name.len)
            tmpl->root = d->root;
    }
    if (!tmpl->takes_messages && !responds) {
        struct gotmpl_node *action = new_node(p, GOTMPL_ACTION), *pipe = new_node(p, GOTMPL_PIPE);
        struct gotmpl_node *command = new_node(p, GOTMPL_COMMAND), *field = new_node(p, GOTMPL_FIELD);
        struct gotmpl_name *name = alloc(p, sizeof *name);
        if (p->status)
            return false;
        *name = (struct gotmpl_name){.s = "Response", .len = 8};
        field->names = name;
        command->list = field;
        pipe->list = command;
        action->pipe = pipe;
        struct gotmpl_node **tail = &tmpl->root;
        while (*tail)
            tail = &(*tail)->next;
        *tail = action;
    }
    tmpl->open_root = cut_list(p, tmpl->root, &cut);
    return !p->status;
}

enum mica_status gotmpl_parse(const char *source, size_t len, struct chat_pool *pool, struct gotmpl **out,
                              struct mica_err *err)
{
    struct gotmpl *tmpl = chat_pool_alloc(pool, 1, sizeof *tmpl);
    char *copy = chat_pool_alloc(pool, len + 1, 1);
    struct gotmpl_token *tokens;
    enum stop stop;
    if (!tmpl || !copy)
        return mica_fail(err, MICA_ENOMEM, "out of memory for a template");
    memcpy(copy, source, len);
    tmpl->pool = pool;
    enum mica_status status = gotmpl_lex(copy, len, &tokens, err);
    if (status != MICA_OK)
        return status;
    struct parser p = {.tmpl = tmpl, .at = tokens, .err = err};
    struct gotmpl_node *root = parse_list(&p, &stop);
    if (!p.status && stop != STOP_EOF) {
        p.at--;
        syntax_error(&p, "%s without an if, range or with", stop == STOP_END ? "end" : "else");
    }
    if (!p.status && finish(&p, root))
        *out = tmpl;
    mica_free(p.names);
    mica_free(tokens);
    return p.status;
}
