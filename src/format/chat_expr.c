/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Tokens to a tree: expressions, loosest binding first. */
#include "format/chat_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct chat_node *parse_unary(struct chat_parser *p, bool filters);

static struct chat_node *binary(struct chat_parser *p, enum chat_node_kind kind, const struct chat_token *at,
                                struct chat_node *a, struct chat_node *b)
{
    struct chat_node *node = a && b ? chat_node_new(p, kind, at) : NULL;
    if (node) {
        node->op = at->op;
        node->a = a;
        node->b = b;
    }
    return node;
}

static struct chat_node *parse_pow(struct chat_parser *p)
{
    struct chat_node *left = parse_unary(p, true);
    while (left && chat_is_op(p->token, CHAT_OP('*', '*'))) {
        const struct chat_token *at = p->token++;
        left = binary(p, CHAT_NODE_binary, at, left, parse_unary(p, true));
    }
    return left;
}

static struct chat_node *parse_product(struct chat_parser *p)
{
    struct chat_node *left = parse_pow(p);
    while (left && (chat_is_op(p->token, '*') || chat_is_op(p->token, '/') || chat_is_op(p->token, '%') ||
                    chat_is_op(p->token, CHAT_OP('/', '/')))) {
        const struct chat_token *at = p->token++;
        left = binary(p, CHAT_NODE_binary, at, left, parse_pow(p));
    }
    return left;
}

static struct chat_node *parse_concat(struct chat_parser *p)
{
    const struct chat_token *at = p->token;
    struct chat_node *first = parse_product(p), *node, **link;
    if (!first || !chat_is_op(p->token, '~'))
        return first;
    if (!(node = chat_node_new(p, CHAT_NODE_concat, at)))
        return NULL;
    node->a = first;
    for (link = &first->next; chat_skip_op(p, '~'); link = &(*link)->next) {
        if (!(*link = parse_product(p)))
            return NULL;
    }
    return node;
}

static struct chat_node *parse_sum(struct chat_parser *p)
{
    struct chat_node *left = parse_concat(p);
    while (left && (chat_is_op(p->token, '+') || chat_is_op(p->token, '-'))) {
        const struct chat_token *at = p->token++;
        left = binary(p, CHAT_NODE_binary, at, left, parse_concat(p));
    }
    return left;
}

/* The comparison operator at the current token, passed over; 0: none is there. */
static int comparison(struct chat_parser *p)
{
    static const int ops[] = {CHAT_OP('=', '='), CHAT_OP('!', '='), '<', '>',
                              CHAT_OP('<', '='), CHAT_OP('>', '=')};
    for (size_t i = 0; i < MICA_COUNT(ops); i++) {
        if (chat_skip_op(p, ops[i]))
            return ops[i];
    }
    if (chat_skip_name(p, "in"))
        return CHAT_OP_IN;
    if (chat_is_name(p->token, "not") && chat_is_name(p->token + 1, "in")) {
        p->token += 2;
        return CHAT_OP_NOTIN;
    }
    return 0;
}

static struct chat_node *parse_compare(struct chat_parser *p)
{
    const struct chat_token *at = p->token;
    struct chat_node *first = parse_sum(p), *node = NULL, **link = NULL;
    int op;
    while (first && (op = comparison(p))) {
        struct chat_node *operand = chat_node_new(p, CHAT_NODE_operand, at);
        if (!operand || !(operand->a = parse_sum(p)))
            return NULL;
        operand->op = (uint16_t)op;
        if (!node) {
            if (!(node = chat_node_new(p, CHAT_NODE_compare, at)))
                return NULL;
            node->a = first;
            link = &node->b;
        }
        *link = operand;
        link = &operand->next;
    }
    return node ? node : first;
}

static struct chat_node *parse_not(struct chat_parser *p)
{
    const struct chat_token *at = p->token;
    struct chat_node *node;
    if (!chat_skip_name(p, "not"))
        return parse_compare(p);
    if (!chat_nest(p) || !(node = chat_node_new(p, CHAT_NODE_not, at)))
        return NULL;
    node->a = parse_not(p);
    p->nesting--;
    return node->a ? node : NULL;
}

static struct chat_node *parse_and(struct chat_parser *p)
{
    struct chat_node *left = parse_not(p);
    while (left && chat_is_name(p->token, "and")) {
        const struct chat_token *at = p->token++;
        left = binary(p, CHAT_NODE_and, at, left, parse_not(p));
    }
    return left;
}

struct chat_node *chat_parse_or(struct chat_parser *p)
{
    struct chat_node *left = parse_and(p);
    while (left && chat_is_name(p->token, "or")) {
        const struct chat_token *at = p->token++;
        left = binary(p, CHAT_NODE_or, at, left, parse_and(p));
    }
    return left;
}

struct chat_node *chat_parse_expression(struct chat_parser *p)
{
    const struct chat_token *at = p->token;
    struct chat_node *value;
    if (!chat_nest(p))
        return NULL;
    value = chat_parse_or(p);
    while (value && chat_skip_name(p, "if")) {
        struct chat_node *node = chat_node_new(p, CHAT_NODE_cond, at);
        if (!node || !(node->a = chat_parse_or(p)))
            return NULL;
        node->b = value;
        if (chat_skip_name(p, "else") && !(node->c = chat_parse_expression(p)))
            return NULL;
        value = node;
    }
    p->nesting--;
    return value;
}

static bool ends_tuple(const struct chat_parser *p, const char *stop)
{
    return p->token->kind == CHAT_TOKEN_BLOCK_END || p->token->kind == CHAT_TOKEN_PRINT_END ||
           chat_is_op(p->token, ')') || (stop && chat_is_name(p->token, stop));
}

struct chat_node *chat_parse_tuple(struct chat_parser *p, bool conditional, const char *stop)
{
    const struct chat_token *at = p->token;
    struct chat_node *first, *tuple, **link;
    if (ends_tuple(p, stop))
        return chat_syntax_error(p, at, "expected an expression");
    first = conditional ? chat_parse_expression(p) : chat_parse_or(p);
    if (!first || !chat_is_op(p->token, ','))
        return first;
    if (!(tuple = chat_node_new(p, CHAT_NODE_tuple, at)))
        return NULL;
    tuple->a = first;
    for (link = &first->next; chat_skip_op(p, ',') && !ends_tuple(p, stop); link = &(*link)->next) {
        if (!(*link = conditional ? chat_parse_expression(p) : chat_parse_or(p)))
            return NULL;
    }
    return tuple;
}

/* ---- literals ---- */
static int hex_value(const char *s, int n, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < n; i++) {
        char c = s[i], low = (char)(c | 0x20);
        if (c >= '0' && c <= '9')
            *out = *out << 4 | (uint32_t)(c - '0');
        else if (low >= 'a' && low <= 'f')
            *out = *out << 4 | (uint32_t)(low - 'a' + 10);
        else
            return 0;
    }
    return n;
}

/* Reads the character that a numeric escape at s means; returns how many bytes of s it has, 0 when it is
 * wrong, -1 when it is none. */
static int numeric_escape(const char *s, const char *end, uint32_t *c)
{
    int n = *s == 'x' ? 2 : *s == 'u' ? 4 : *s == 'U' ? 8 : 0;
    *c = 0;
    if (n) {
        bool read = end - s > n && hex_value(s + 1, n, c);
        return read && *c <= 0x10ffff && (*c < 0xd800 || *c >= 0xe000) ? n + 1 : 0;
    }
    while (n < 3 && s + n < end && s[n] >= '0' && s[n] <= '7')
        *c = *c * 8 + (uint32_t)(s[n++] - '0');
    return n ? n : -1;
}

/* Writes what the escape at s (behind the backslash) means to out; returns how many bytes of s it has, 0 when
 * it is wrong, -1 when the backslash stands for itself. */
static int unescape(const char *s, const char *end, struct mica_buf *out)
{
    static const char from[] = "\\'\"abfnrtv", to[] = "\\'\"\a\b\f\n\r\t\v";
    const char *simple = *s ? strchr(from, *s) : NULL;
    char utf8[4];
    uint32_t c;
    int n;
    if (*s == '\n')
        return 1;
    if (*s == 'N') /* characters by name */
        return 0;
    if (simple) {
        mica_buf_append(out, &to[simple - from], 1);
        return 1;
    }
    n = numeric_escape(s, end, &c);
    if (n > 0)
        mica_buf_append(out, utf8, (size_t)chat_utf8_put(c, utf8));
    else if (n < 0)
        mica_buf_append(out, "\\", 1);
    return n;
}

static bool add_literal(struct chat_parser *p, const struct chat_token *token, struct mica_buf *out)
{
    const char *s = token->s + 1, *end = token->s + token->len - 1;
    while (s < end) {
        const char *next = memchr(s, '\\', (size_t)(end - s));
        int n;
        mica_buf_append(out, s, (size_t)((next ? next : end) - s));
        if (!next)
            break;
        n = unescape(next + 1, end, out);
        if (!n) {
            chat_syntax_error(p, token, "an escape in this text is malformed");
            return false;
        }
        s = next + 1 + (n < 0 ? 0 : n);
        if (n < 0) { /* the backslash stands for itself, and so does what follows */
            int len = chat_utf8_len(s, end);
            mica_buf_append(out, s, (size_t)len);
            s += len;
        }
    }
    return true;
}

static struct chat_node *parse_string(struct chat_parser *p)
{
    struct chat_node *node = chat_node_new(p, CHAT_NODE_const, p->token);
    const struct chat_token *token = p->token;
    struct mica_buf buf = {0};
    char *copy = NULL;
    bool ok = node != NULL;
    if (ok && token[1].kind != CHAT_TOKEN_STRING && !memchr(token->s, '\\', token->len)) {
        node->value = chat_str(token->s + 1, token->len - 2);
        p->token++;
        return node;
    }
    for (; ok && p->token->kind == CHAT_TOKEN_STRING; p->token++)
        ok = add_literal(p, p->token, &buf);
    if (ok && (buf.failed || !(copy = chat_pool_alloc(&p->tmpl->pool, buf.len + 1, 1)))) {
        p->status = mica_fail(p->err, MICA_ENOMEM, "out of memory for a template");
        ok = false;
    }
    if (ok) {
        if (buf.len)
            memcpy(copy, buf.data, buf.len);
        node->value = chat_str(copy, buf.len);
    }
    mica_buf_release(&buf);
    return ok ? node : NULL;
}

static struct chat_node *parse_number(struct chat_parser *p)
{
    const struct chat_token *token = p->token;
    struct chat_node *node = chat_node_new(p, CHAT_NODE_const, token);
    char text[400], *end = text;
    int base = 10;
    if (!node)
        return NULL;
    for (uint32_t i = 0; i < token->len; i++) {
        if (token->s[i] == '_')
            continue;
        if (end == text + sizeof text - 1)
            return chat_syntax_error(p, token, "this number is too long");
        *end++ = token->s[i];
    }
    *end = 0;
    p->token++;
    if (token->kind == CHAT_TOKEN_FLOAT) {
        node->value = chat_float(strtod(text, NULL));
        return node;
    }
    if (text[0] == '0' && end > text + 2)
        base = (text[1] | 0x20) == 'x' ? 16 : (text[1] | 0x20) == 'o' ? 8 : (text[1] | 0x20) == 'b' ? 2 : 10;
    errno = 0;
    node->value = chat_int(strtoll(text + (base == 10 ? 0 : 2), NULL, base));
    return errno ? chat_syntax_error(p, token, "this number does not fit into 64 bits") : node;
}

/* true, none and so on, in both spellings. */
static bool constant(const struct chat_token *token, struct chat_value *out)
{
    static const struct {
        const char *name;
        struct chat_value value;
    } constants[] = {
        {"true", {.kind = CHAT_BOOL, .i = 1}},  {"True", {.kind = CHAT_BOOL, .i = 1}},
        {"false", {.kind = CHAT_BOOL, .i = 0}}, {"False", {.kind = CHAT_BOOL, .i = 0}},
        {"none", {.kind = CHAT_NONE}},          {"None", {.kind = CHAT_NONE}},
    };
    for (size_t i = 0; i < MICA_COUNT(constants); i++) {
        if (chat_is_name(token, constants[i].name)) {
            *out = constants[i].value;
            return true;
        }
    }
    return false;
}

static struct chat_node *parse_name(struct chat_parser *p)
{
    static const struct {
        const char *name;
        uint8_t flag;
    } specials[] = {
        {"caller", CHAT_MACRO_CALLER}, {"varargs", CHAT_MACRO_VARARGS}, {"kwargs", CHAT_MACRO_KWARGS}};
    const struct chat_token *token = p->token++;
    struct chat_node *node = chat_node_new(p, CHAT_NODE_name, token);
    if (!node)
        return NULL;
    if (constant(token, &node->value)) {
        node->kind = CHAT_NODE_const;
        return node;
    }
    for (size_t i = 0; i < MICA_COUNT(specials) && p->macro_flags; i++) {
        if (chat_is_name(token, specials[i].name))
            *p->macro_flags |= specials[i].flag;
    }
    return (node->sym = chat_symbol_of(p, token)) < 0 ? NULL : node;
}

/* Items up to close; pairs: with `key: value`. */
static struct chat_node *parse_display(struct chat_parser *p, enum chat_node_kind kind, int close, bool pairs)
{
    struct chat_node *node = chat_node_new(p, kind, p->token++), **link;
    if (!node)
        return NULL;
    for (link = &node->a; !chat_is_op(p->token, close);) {
        if (node->a && !chat_expect_op(p, ','))
            return NULL;
        if (chat_is_op(p->token, close))
            break;
        if (!(*link = chat_parse_expression(p)))
            return NULL;
        link = &(*link)->next;
        if (pairs) {
            if (!chat_expect_op(p, ':') || !(*link = chat_parse_expression(p)))
                return NULL;
            link = &(*link)->next;
        }
    }
    p->token++;
    return node;
}

struct chat_node *chat_parse_primary(struct chat_parser *p)
{
    const struct chat_token *token = p->token;
    struct chat_node *node;
    switch (token->kind) {
    case CHAT_TOKEN_NAME:
        return parse_name(p);
    case CHAT_TOKEN_STRING:
        return parse_string(p);
    case CHAT_TOKEN_INT:
    case CHAT_TOKEN_FLOAT:
        return parse_number(p);
    default:
        break;
    }
    if (chat_is_op(token, '[')) {
        return parse_display(p, CHAT_NODE_list, ']', false);
    } else if (chat_is_op(token, '{')) {
        return parse_display(p, CHAT_NODE_dict, '}', true);
    } else if (chat_skip_op(p, '(')) {
        node = chat_is_op(p->token, ')') ? chat_node_new(p, CHAT_NODE_tuple, token)
                                         : chat_parse_tuple(p, true, NULL);
        return node && chat_expect_op(p, ')') ? node : NULL;
    }
    return token->kind == CHAT_TOKEN_OP
               ? chat_syntax_error(p, token, "unexpected '%.*s'", (int)token->len, token->s)
               : chat_syntax_error(p, token, "expected an expression");
}

/* ---- what follows a primary ---- */
static bool at_slice_end(const struct chat_parser *p)
{
    return chat_is_op(p->token, ':') || chat_is_op(p->token, ']') || chat_is_op(p->token, ',');
}

static struct chat_node *parse_index(struct chat_parser *p)
{
    const struct chat_token *at = p->token;
    struct chat_node *slice, *start = NULL;
    if (!chat_is_op(at, ':')) {
        if (!(start = chat_parse_expression(p)) || !chat_is_op(p->token, ':'))
            return start;
    }
    p->token++;
    if (!(slice = chat_node_new(p, CHAT_NODE_slice, at)))
        return NULL;
    slice->a = start;
    if (!at_slice_end(p) && !(slice->b = chat_parse_expression(p)))
        return NULL;
    if (chat_skip_op(p, ':') && !at_slice_end(p) && !(slice->c = chat_parse_expression(p)))
        return NULL;
    return slice;
}

static struct chat_node *parse_subscript(struct chat_parser *p, struct chat_node *object)
{
    const struct chat_token *at = p->token++;
    struct chat_node *node = chat_node_new(p, CHAT_NODE_getitem, at), *tuple, **link;
    if (!node)
        return NULL;
    node->a = object;
    if (chat_is_op(p->token, ']'))
        return chat_syntax_error(p, at, "expected an index");
    if (!(node->b = parse_index(p)))
        return NULL;
    if (chat_is_op(p->token, ',')) {
        if (!(tuple = chat_node_new(p, CHAT_NODE_tuple, at)))
            return NULL;
        tuple->a = node->b;
        for (link = &tuple->a->next; chat_skip_op(p, ','); link = &(*link)->next) {
            if (!(*link = parse_index(p)))
                return NULL;
        }
        node->b = tuple;
    }
    return chat_expect_op(p, ']') ? node : NULL;
}

static struct chat_node *parse_attribute(struct chat_parser *p, struct chat_node *object)
{
    struct chat_node *node = chat_node_new(p, CHAT_NODE_getattr, p->token++);
    if (!node)
        return NULL;
    node->a = object;
    if (p->token->kind == CHAT_TOKEN_INT) {
        node->kind = CHAT_NODE_getitem;
        return (node->b = parse_number(p)) ? node : NULL;
    }
    if (p->token->kind != CHAT_TOKEN_NAME)
        return chat_syntax_error(p, p->token, "expected a name or number after the dot");
    node->value = chat_str(p->token->s, p->token->len);
    p->token++;
    return node;
}

static struct chat_node *parse_arg(struct chat_parser *p)
{
    const struct chat_token *at = p->token;
    struct chat_node *arg = chat_node_new(p, CHAT_NODE_arg, at);
    if (!arg)
        return NULL;
    if (chat_skip_op(p, '*')) {
        arg->op = CHAT_ARG_LIST;
    } else if (chat_skip_op(p, CHAT_OP('*', '*'))) {
        arg->op = CHAT_ARG_DICT;
    } else if (at->kind == CHAT_TOKEN_NAME && chat_is_op(at + 1, '=')) {
        arg->op = CHAT_ARG_KEYWORD;
        arg->value = chat_str(at->s, at->len);
        p->token += 2;
    }
    return (arg->a = chat_parse_expression(p)) ? arg : NULL;
}

/* Arguments at an opening bracket. */
static bool parse_args(struct chat_parser *p, struct chat_node **link)
{
    int seen = CHAT_ARG_POSITION;
    p->token++;
    for (int n = 0; !chat_is_op(p->token, ')'); n++) {
        const struct chat_token *at;
        if (n && !chat_expect_op(p, ','))
            return false;
        if (n && chat_is_op(p->token, ')'))
            break;
        at = p->token;
        if (!(*link = parse_arg(p)))
            return false;
        int op = (*link)->op;
        /* positional before named before * before **; named may also follow * */
        if ((op == CHAT_ARG_POSITION && seen != CHAT_ARG_POSITION) || seen == CHAT_ARG_DICT ||
            (op == CHAT_ARG_LIST && seen == CHAT_ARG_LIST)) {
            chat_syntax_error(p, at, "arguments are in the wrong order");
            return false;
        }
        seen = op == CHAT_ARG_KEYWORD && seen == CHAT_ARG_LIST ? CHAT_ARG_LIST : op;
        link = &(*link)->next;
    }
    p->token++;
    return true;
}

static struct chat_node *parse_call(struct chat_parser *p, struct chat_node *callee)
{
    struct chat_node *node = chat_node_new(p, CHAT_NODE_call, p->token);
    if (!node)
        return NULL;
    node->a = callee;
    return parse_args(p, &node->b) ? node : NULL;
}

/* "name" or "name.part": what filters and tests are called. */
static bool parse_dotted(struct chat_parser *p, struct chat_value *out)
{
    const char *begin = p->token->s;
    for (;;) {
        if (p->token->kind != CHAT_TOKEN_NAME) {
            chat_syntax_error(p, p->token, "expected a name");
            return false;
        }
        *out = chat_str(begin, (size_t)(p->token->s + p->token->len - begin));
        p->token++;
        if (!chat_skip_op(p, '.'))
            return true;
    }
}

static struct chat_node *parse_filter(struct chat_parser *p, struct chat_node *input)
{
    struct chat_node *node = chat_node_new(p, CHAT_NODE_filter, p->token);
    if (!node || !parse_dotted(p, &node->value))
        return NULL;
    node->a = input;
    node->func = chat_filter_find(node->value.s, node->value.len);
    p->unresolved |= !node->func;
    return !chat_is_op(p->token, '(') || parse_args(p, &node->b) ? node : NULL;
}

struct chat_node *chat_parse_filters(struct chat_parser *p, struct chat_node *node, bool start)
{
    if (start && !(node = parse_filter(p, node)))
        return NULL;
    while (chat_skip_op(p, '|')) {
        if (!(node = parse_filter(p, node)))
            return NULL;
    }
    return node;
}

static struct chat_node *parse_postfix(struct chat_parser *p, struct chat_node *node)
{
    while (node) {
        if (chat_is_op(p->token, '.'))
            node = parse_attribute(p, node);
        else if (chat_is_op(p->token, '['))
            node = parse_subscript(p, node);
        else if (chat_is_op(p->token, '('))
            node = parse_call(p, node);
        else
            break;
    }
    return node;
}

/* Whether the test's argument follows without brackets. */
static bool at_bare_argument(const struct chat_parser *p)
{
    const struct chat_token *token = p->token;
    if (chat_is_name(token, "else") || chat_is_name(token, "or") || chat_is_name(token, "and"))
        return false;
    return token->kind == CHAT_TOKEN_NAME || token->kind == CHAT_TOKEN_STRING ||
           token->kind == CHAT_TOKEN_INT || token->kind == CHAT_TOKEN_FLOAT || chat_is_op(token, '[') ||
           chat_is_op(token, '{');
}

static struct chat_node *parse_test(struct chat_parser *p, struct chat_node *input)
{
    const struct chat_token *at = p->token++;
    bool negated = chat_skip_name(p, "not");
    struct chat_node *node = chat_node_new(p, CHAT_NODE_test, at), *outer;
    if (!node || !parse_dotted(p, &node->value))
        return NULL;
    node->a = input;
    node->func = chat_builtin_find(chat_tests, node->value.s, node->value.len);
    p->unresolved |= !node->func;
    if (chat_is_op(p->token, '(')) {
        if (!parse_args(p, &node->b))
            return NULL;
    } else if (at_bare_argument(p)) {
        if (chat_is_name(p->token, "is"))
            return chat_syntax_error(p, p->token, "tests cannot be chained with 'is'");
        if (!(node->b = chat_node_new(p, CHAT_NODE_arg, p->token)) ||
            !(node->b->a = parse_postfix(p, chat_parse_primary(p))))
            return NULL;
    }
    if (!negated)
        return node;
    if ((outer = chat_node_new(p, CHAT_NODE_not, at)))
        outer->a = node;
    return outer;
}

static struct chat_node *parse_filters_and_tests(struct chat_parser *p, struct chat_node *node)
{
    while (node) {
        if (chat_is_op(p->token, '|'))
            node = chat_parse_filters(p, node, false);
        else if (chat_is_name(p->token, "is"))
            node = parse_test(p, node);
        else if (chat_is_op(p->token, '('))
            node = parse_call(p, node);
        else
            break;
    }
    return node;
}

static struct chat_node *parse_unary(struct chat_parser *p, bool filters)
{
    const struct chat_token *at = p->token;
    struct chat_node *node = NULL;
    if (!chat_nest(p))
        return NULL;
    if (chat_is_op(at, '-') || chat_is_op(at, '+')) {
        p->token++;
        if ((node = chat_node_new(p, CHAT_NODE_sign, at))) {
            node->op = at->op;
            if (!(node->a = parse_unary(p, false)))
                node = NULL;
        }
    } else {
        node = chat_parse_primary(p);
    }
    node = parse_postfix(p, node);
    if (filters)
        node = parse_filters_and_tests(p, node);
    p->nesting--;
    return node;
}
