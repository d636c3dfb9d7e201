/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What the files of the template interpreter share. A template is text → tokens (chat_lex.c) → a tree of
 * nodes (chat_parse.c, chat_expr.c) that chat_exec.c and chat_eval.c walk. Values are immutable, apart from
 * namespaces and the position of iterators, and live in the render's pool. Functions that return bool return
 * false once the context holds an error. */
#ifndef MICA_CHAT_INTERNAL_H
#define MICA_CHAT_INTERNAL_H

#include "base/strmap.h"
#include "format/chat.h"

enum {
    CHAT_MAX_PARAMS = 8,      /* of a builtin */
    CHAT_MAX_NESTING = 200,   /* of brackets and statements in a template */
    CHAT_MAX_DEPTH = 1000,    /* what limits.depth may ask for: the C stack must hold it */
    CHAT_MAX_RANGE = 100000,  /* as Jinja's sandbox has it */
    CHAT_MAX_STRING = 1 << 30 /* bytes */
};

/* ---- memory: chat_value.c ---- */
/* Small allocations out of an arena, aligned to 16. */
struct chat_pool {
    struct mica_arena arena;
    char *at;
    size_t left;
    size_t used, limit; /* bytes; limit 0 = none */
};
/* NULL when out of memory or over the limit (then used > limit). */
void *chat_pool_alloc(struct chat_pool *pool, size_t n, size_t size);

/* ---- values ---- */
enum chat_kind {
    CHAT_MISSING, /* an argument that was not given, a variable that was never set; never seen by templates */
    CHAT_UNDEFINED,
    CHAT_NONE,
    CHAT_BOOL, /* i is 0 or 1 */
    CHAT_INT,
    CHAT_FLOAT,
    CHAT_STR,
    CHAT_LIST,
    CHAT_TUPLE,
    CHAT_DICT,
    CHAT_ITER, /* a generator: gives each of its items once */
    CHAT_RANGE,
    CHAT_VIEW, /* what dict.keys(), values() and items() give */
    CHAT_NAMESPACE,
    CHAT_FUNC,
    CHAT_METHOD,
    CHAT_MACRO,
    CHAT_LOOP,
    CHAT_CYCLER,
    CHAT_JOINER,
};
/* How an undefined value came about, in flag: plain name; the hint in s is the message; the attribute s of an
 * object of kind flag - CHAT_UNDEF_ATTR or its element s. */
enum { CHAT_UNDEF_NAME, CHAT_UNDEF_HINT, CHAT_UNDEF_UNSAFE, CHAT_UNDEF_ATTR = 32, CHAT_UNDEF_ITEM = 64 };

struct chat_value {
    uint8_t kind;
    uint8_t
        flag; /* of text: 1 = marked safe; of a tuple: 1 = from groupby; of an undefined value: see above */
    uint32_t len; /* of s */
    union {
        int64_t i;
        double d;
        const char *s; /* valid UTF-8, not NUL-terminated */
        struct chat_list *list;
        struct chat_dict *dict; /* also of a namespace */
        struct chat_iter *iter;
        const struct chat_range *range;
        const struct chat_view *view;
        const struct chat_builtin *func;
        const struct chat_bound *bound;
        struct chat_macro *macro;
        struct chat_loop *loop;
        struct chat_cycler *cycler;
    };
};
struct chat_list {
    int64_t n, capacity;
    struct chat_value *at;
};
struct chat_entry {
    struct chat_value key, value;
    uint32_t hash;
};
struct chat_dict {
    int64_t n, capacity;
    struct chat_entry *at; /* in order of insertion */
    int32_t *index;        /* open addressing over 2 × capacity slots, -1 = free; NULL while small */
    int64_t n_index;
};
struct chat_iter {
    const char *name; /* what the generator is called in messages */
    struct chat_list *list;
    int64_t pos;
};
struct chat_range {
    int64_t start, stop, step, n;
};
struct chat_view {
    const char *name;
    struct chat_dict *dict;
};
struct chat_bound {
    const struct chat_builtin *func;
    struct chat_value self;
};
struct chat_cycler { /* also a joiner */
    struct chat_list *items;
    int64_t pos;
};

/* ---- the tree ---- */
/* Expressions, then statements; the comment says what a … e are. */
#define CHAT_EXPRESSIONS(X)                                                                                  \
    X(const)   /* value */                                                                                   \
    X(name)    /* sym */                                                                                     \
    X(list)    /* a items */                                                                                 \
    X(tuple)   /* a items */                                                                                 \
    X(dict)    /* a key, value, key, value … */                                                            \
    X(getattr) /* a object, value name */                                                                    \
    X(getitem) /* a object, b index or slice */                                                              \
    X(slice)   /* a, b, c start, stop, step or NULL */                                                       \
    X(call)    /* a callee, b args */                                                                        \
    X(filter)  /* a input (NULL: the block's text), b args, func, value name */                              \
    X(test)    /* a input, b args, func, value name */                                                       \
    X(cond)    /* a test, b then, c else or NULL */                                                          \
    X(and)     /* a, b */                                                                                    \
    X(or)      /* a, b */                                                                                    \
    X(not )    /* a */                                                                                       \
    X(sign)    /* op, a */                                                                                   \
    X(binary)  /* op, a, b */                                                                                \
    X(concat)  /* a items */                                                                                 \
    X(compare) /* a first, b operands */
#define CHAT_STATEMENTS(X)                                                                                   \
    X(text)         /* value */                                                                              \
    X(print)        /* a expression */                                                                       \
    X(if)           /* a test, b body, c else body; flag: c is the next elif */                              \
    X(for)          /* a target, b iterable, c body, d else body, e filter; flag recursive */                \
    X(set)          /* a target, b expression */                                                             \
    X(setblock)     /* a target, b body, c filters or NULL */                                                \
    X(macro)        /* sym, value name, a params, b body, flag CHAT_MACRO_… */                             \
    X(callblock)    /* a call, b the macro that caller() calls */                                            \
    X(filterblock) /* a filters, b body */                                                                   \
    X(with)        /* a set statements, b body */                                                            \
    X(do)          /* a expression */                                                                        \
    X(break)                                                                                                 \
    X(continue)
enum chat_node_kind {
#define CHAT_NODE_ENUM(name) CHAT_NODE_##name,
    CHAT_EXPRESSIONS(CHAT_NODE_ENUM) CHAT_STATEMENTS(CHAT_NODE_ENUM)
#undef CHAT_NODE_ENUM
        CHAT_NODE_arg, /* of a call: op CHAT_ARG_…, value name, a expression */
    CHAT_NODE_operand, /* of a comparison: op, a */
    CHAT_NODE_param,   /* of a macro: sym, value name, a default or NULL */
    CHAT_NODE_nsref,   /* target of a set: sym, value attribute */
};
enum { CHAT_ARG_POSITION, CHAT_ARG_KEYWORD, CHAT_ARG_LIST, CHAT_ARG_DICT };
enum { CHAT_MACRO_CALLER = 1, CHAT_MACRO_VARARGS = 2, CHAT_MACRO_KWARGS = 4 };
/* Operators are their characters: '+', CHAT_OP('*', '*') … */
#define CHAT_OP(first, second) ((first) << 8 | (second))
enum { CHAT_OP_IN = 1, CHAT_OP_NOTIN };

struct chat_node {
    uint8_t kind, flag;
    uint16_t op;
    int32_t sym; /* index into the template's symbols */
    int32_t line, column;
    struct chat_value value;
    const struct chat_builtin *func; /* NULL: there is no such filter or test */
    struct chat_node *a, *b, *c, *d, *e, *next;
};

struct chat_symbol {
    const char *s;
    uint32_t len;
};
struct mica_template {
    struct chat_pool pool;
    struct mica_strmap by_name;
    struct chat_symbol *symbols;
    int64_t n_symbols, symbols_capacity;
    struct chat_node *body;
    struct gotmpl *go; /* instead of all but the pool: a template of Go's kind */
};

/* Names the interpreter itself knows: the first symbols of every template. */
enum { CHAT_SYM_LOOP, CHAT_SYM_CALLER, CHAT_SYM_VARARGS, CHAT_SYM_KWARGS, CHAT_N_SYMS };

/* ---- tokens: chat_lex.c ---- */
enum chat_token_kind {
    CHAT_TOKEN_DATA,
    CHAT_TOKEN_BLOCK_BEGIN,
    CHAT_TOKEN_BLOCK_END,
    CHAT_TOKEN_PRINT_BEGIN,
    CHAT_TOKEN_PRINT_END,
    CHAT_TOKEN_NAME,
    CHAT_TOKEN_STRING, /* with its quotes */
    CHAT_TOKEN_INT,
    CHAT_TOKEN_FLOAT,
    CHAT_TOKEN_OP,
    CHAT_TOKEN_END,
};
struct chat_token {
    uint8_t kind;
    uint16_t op;
    uint32_t len;
    const char *s;
    int32_t line, column;
};
struct chat_tokens {
    struct chat_token *at;
    int64_t n, capacity;
};
/* Splits source, which must stay; newlines in it are \n. The last token is CHAT_TOKEN_END. */
enum mica_status chat_lex(const char *source, size_t len, struct chat_tokens *out, struct mica_err *err);

/* ---- parser: chat_parse.c and chat_expr.c ---- */
struct chat_parser {
    struct mica_template *tmpl;
    const struct chat_token *token; /* the current one */
    int nesting, loops;
    uint8_t *macro_flags; /* of the macro whose body is parsed, or NULL */
    bool unresolved;      /* a filter or test is not known */
    enum mica_status status;
    struct mica_err *err;
};
enum mica_status chat_parse(struct mica_template *tmpl, const struct chat_token *tokens,
                            struct mica_err *err);
/* Always NULL. */
struct chat_node *chat_syntax_error(struct chat_parser *p, const struct chat_token *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
struct chat_node *chat_node_new(struct chat_parser *p, enum chat_node_kind kind, const struct chat_token *at);
bool chat_is_op(const struct chat_token *token, int op);
bool chat_is_name(const struct chat_token *token, const char *name);
bool chat_skip_op(struct chat_parser *p, int op);
bool chat_skip_name(struct chat_parser *p, const char *name);
bool chat_expect_op(struct chat_parser *p, int op);
/* The symbol of a name token; -1 when out of memory. */
int32_t chat_symbol_of(struct chat_parser *p, const struct chat_token *token);
struct chat_node *chat_parse_expression(struct chat_parser *p);
/* Without a conditional: what stands after `in` of a for loop and after `if`. */
struct chat_node *chat_parse_or(struct chat_parser *p);
/* One expression, or several with commas. stop: a name that ends it after a comma, or NULL. */
struct chat_node *chat_parse_tuple(struct chat_parser *p, bool conditional, const char *stop);
struct chat_node *chat_parse_primary(struct chat_parser *p);
/* The filters at |; start: the first has no bar. node: their input, or NULL. */
struct chat_node *chat_parse_filters(struct chat_parser *p, struct chat_node *node, bool start);
bool chat_nest(struct chat_parser *p);

/* ---- a render ---- */
struct chat_binding {
    int32_t sym;
    struct chat_value value;
};
struct chat_frame {
    struct chat_frame *parent; /* NULL: the next are the globals */
    bool captured;             /* a macro keeps this frame: do not use it again */
    int n, capacity;
    struct chat_binding *at;
};
struct chat_macro {
    const struct chat_node *node;
    struct chat_frame *frame; /* where it was defined */
};
struct chat_loop {
    struct chat_list *items;
    int64_t pos; /* of the next item to look at */
    const struct chat_node *node;
    struct chat_frame *outer;
    bool filtered;  /* node's filter decides which items count */
    bool completed; /* a body ran to its end, not to break or continue */
    int64_t index0, length, depth0;
    struct chat_value before, current, after; /* after: MISSING unless it was peeked at */
    struct chat_value changed;
};
enum chat_flow { CHAT_FLOW_ON, CHAT_FLOW_BREAK, CHAT_FLOW_CONTINUE };

struct chat_ctx {
    const struct mica_template *tmpl;
    struct chat_pool pool;
    struct chat_value *globals; /* by symbol */
    struct chat_frame *frame;
    struct mica_buf *out;
    size_t output_limit;
    int64_t steps; /* left */
    int depth;     /* levels left */
    int64_t now;
    enum chat_flow flow;
    const struct chat_node *at; /* being evaluated, for messages */
    enum mica_status status;
    struct mica_err *err;
};

/* Errors: each returns false. */
bool chat_raise(struct chat_ctx *ctx, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool chat_fail(struct chat_ctx *ctx, enum mica_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool chat_fail_undefined(struct chat_ctx *ctx, const struct chat_value *v);
/* Counts n steps of work. */
bool chat_charge(struct chat_ctx *ctx, int64_t n);
bool chat_enter(struct chat_ctx *ctx); /* one level deeper; chat_leave on the way out */
void chat_leave(struct chat_ctx *ctx);

/* ---- values: chat_value.c ---- */
void *chat_alloc(struct chat_ctx *ctx, size_t n, size_t size); /* NULL: the error is set */
static inline struct chat_value chat_bool(bool b)
{
    return (struct chat_value){.kind = CHAT_BOOL, .i = b};
}
static inline struct chat_value chat_int(int64_t i)
{
    return (struct chat_value){.kind = CHAT_INT, .i = i};
}
static inline struct chat_value chat_float(double d)
{
    return (struct chat_value){.kind = CHAT_FLOAT, .d = d};
}
static inline struct chat_value chat_none(void)
{
    return (struct chat_value){.kind = CHAT_NONE};
}
/* Does not copy. */
static inline struct chat_value chat_str(const char *s, size_t len)
{
    return (struct chat_value){.kind = CHAT_STR, .len = (uint32_t)len, .s = s};
}
static inline struct chat_value chat_of_list(enum chat_kind kind, struct chat_list *list)
{
    return (struct chat_value){.kind = (uint8_t)kind, .list = list};
}
/* A part of a text: marked safe when the whole is. */
static inline struct chat_value chat_part(const struct chat_value *v, const char *s, size_t len)
{
    return (struct chat_value){.kind = CHAT_STR, .flag = v->flag, .len = (uint32_t)len, .s = s};
}
static inline bool chat_is_int(const struct chat_value *v)
{
    return v->kind == CHAT_INT || v->kind == CHAT_BOOL;
}
static inline bool chat_is_number(const struct chat_value *v)
{
    return chat_is_int(v) || v->kind == CHAT_FLOAT;
}
static inline double chat_as_double(const struct chat_value *v)
{
    return v->kind == CHAT_FLOAT ? v->d : (double)v->i;
}
struct chat_value chat_hint(const char *hint); /* an undefined value with this message */
bool chat_str_is(const struct chat_value *v, const char *s);
/* Copies text into the pool. */
bool chat_str_copy(struct chat_ctx *ctx, const char *s, size_t len, struct chat_value *out);
/* Moves a buffer's text into the pool and releases the buffer; also when it fails. */
bool chat_str_take(struct chat_ctx *ctx, struct mica_buf *buf, struct chat_value *out);
/* Appends, within the limit on strings. */
bool chat_put(struct chat_ctx *ctx, struct mica_buf *buf, const char *s, size_t len);
const char *chat_type_name(const struct chat_value *v);
struct chat_list *chat_list_new(struct chat_ctx *ctx, int64_t capacity);
bool chat_list_push(struct chat_ctx *ctx, struct chat_list *list, struct chat_value v);
bool chat_tuple2(struct chat_ctx *ctx, struct chat_value a, struct chat_value b, struct chat_value *out);
struct chat_dict *chat_dict_new(struct chat_ctx *ctx, int64_t capacity);
bool chat_dict_put(struct chat_ctx *ctx, struct chat_dict *dict, const struct chat_value *key,
                   struct chat_value value);
/* *found NULL: no such key. Fails when the key cannot be hashed. */
bool chat_dict_find(struct chat_ctx *ctx, const struct chat_dict *dict, const struct chat_value *key,
                    struct chat_value **found);
struct chat_value *chat_dict_get(const struct chat_dict *dict, const char *key, size_t len);
bool chat_truth(const struct chat_value *v);
/* -1: it has no length. */
int64_t chat_length(const struct chat_value *v);
/* dict.keys(), values() or items(): name is what Python calls the view. */
bool chat_view(struct chat_ctx *ctx, struct chat_dict *dict, const char *name, struct chat_value *out);
/* The items of anything that can be iterated; the list may be shared and must not be changed. */
bool chat_items(struct chat_ctx *ctx, const struct chat_value *v, struct chat_list **out);
bool chat_can_iterate(const struct chat_value *v);
bool chat_from_json(struct chat_ctx *ctx, const json_t *json, struct chat_value *out);

/* ---- comparing: chat_compare.c ---- */
bool chat_equal(struct chat_ctx *ctx, const struct chat_value *a, const struct chat_value *b, bool *out);
/* op: '<', '>', CHAT_OP('<', '=') … */
bool chat_compare(struct chat_ctx *ctx, int op, const struct chat_value *a, const struct chat_value *b,
                  bool *out);
bool chat_contains(struct chat_ctx *ctx, const struct chat_value *container, const struct chat_value *item,
                   bool *out);
bool chat_hash(struct chat_ctx *ctx, const struct chat_value *v, uint32_t *out);
bool chat_can_hash(const struct chat_value *v);
/* Sorts keys and carries values along; stable. */
bool chat_sort(struct chat_ctx *ctx, struct chat_value *keys, struct chat_value *values, int64_t n,
               bool reverse);

/* ---- text: chat_text.c ---- */
int chat_utf8_len(const char *s, const char *end); /* of the valid character at s, 0: none is there */
uint32_t chat_utf8_get(const char *s, int *len_out);
int chat_utf8_put(uint32_t c, char out[4]);
bool chat_utf8_valid(const char *s, size_t len);
int64_t chat_chars(const char *s, size_t len); /* how many characters */
/* The byte offset of character i (at most the number of characters). */
size_t chat_offset(const char *s, size_t len, int64_t i);
bool chat_is_space(uint32_t c);
bool chat_is_line_end(uint32_t c);
enum chat_letter { CHAT_LETTER_NONE, CHAT_LETTER_LOWER, CHAT_LETTER_UPPER, CHAT_LETTER_TITLE };
enum chat_letter chat_letter(uint32_t c); /* whether it is small or capital */
bool chat_is_decimal(uint32_t c);
bool chat_is_alpha(uint32_t c);
bool chat_is_digit(uint32_t c);
bool chat_is_numeric(uint32_t c);
bool chat_is_printable(uint32_t c);
/* Whether there are letters, all of them of this case. */
bool chat_all_of_case(const struct chat_value *v, enum chat_letter wanted);
enum chat_case { CHAT_UPPER, CHAT_LOWER, CHAT_TITLE, CHAT_CAPITAL, CHAT_SWAP, CHAT_FOLD };
bool chat_put_case(struct chat_ctx *ctx, const struct chat_value *v, enum chat_case how,
                   struct mica_buf *buf);
/* Removes the characters in chars (NULL: white space) from the ends; sides: 1 left, 2 right. */
struct chat_value chat_strip(const struct chat_value *v, const struct chat_value *chars, int sides);
/* Where needle starts at or after from, or -1. Bytes. */
int64_t chat_find(const char *s, size_t len, const char *needle, size_t needle_len, size_t from);
int64_t chat_rfind(const char *s, size_t len, const char *needle, size_t needle_len);
bool chat_replace(struct chat_ctx *ctx, const struct chat_value *v, const struct chat_value *old,
                  const struct chat_value *new_text, int64_t most, struct chat_value *out);

/* The lines of a text, with their ends if keep. */
bool chat_split_lines(struct chat_ctx *ctx, const struct chat_value *v, bool keep, struct chat_list *out);
/* Fills up to width characters with fill (NULL: spaces); sides: 1 on the left, 2 on the right. */
bool chat_pad(struct chat_ctx *ctx, const struct chat_value *v, int64_t width, const struct chat_value *fill,
              int sides, struct chat_value *out);

/* ---- printing: chat_print.c ---- */
/* As str() and repr() print. */
bool chat_put_str(struct chat_ctx *ctx, const struct chat_value *v, struct mica_buf *buf);
bool chat_put_repr(struct chat_ctx *ctx, const struct chat_value *v, struct mica_buf *buf);
bool chat_to_str(struct chat_ctx *ctx, const struct chat_value *v, struct chat_value *out);
void chat_format_double(double d, char out[40]); /* Python's repr */
struct chat_json_style {
    bool ascii, sort_keys, indented;
    struct chat_value indent, item_separator, key_separator; /* strings */
};
bool chat_put_json(struct chat_ctx *ctx, const struct chat_value *v, const struct chat_json_style *style,
                   int level, struct mica_buf *buf);

/* ---- operators: chat_ops.c; attributes and items: chat_index.c ---- */
bool chat_binary(struct chat_ctx *ctx, int op, const struct chat_value *a, const struct chat_value *b,
                 struct chat_value *out);
bool chat_sign(struct chat_ctx *ctx, int op, const struct chat_value *a, struct chat_value *out);
bool chat_escape(struct chat_ctx *ctx, const struct chat_value *v, struct chat_value *out);
bool chat_getattr(struct chat_ctx *ctx, const struct chat_value *v, const char *name, size_t len,
                  struct chat_value *out);
bool chat_getitem(struct chat_ctx *ctx, const struct chat_value *v, const struct chat_value *key,
                  struct chat_value *out);
/* bounds: start, stop, step; each an int or None. */
bool chat_slice(struct chat_ctx *ctx, const struct chat_value *v, const struct chat_value bounds[3],
                struct chat_value *out);
/* fmt % arg and fmt.format(…): chat_format.c. */
bool chat_percent(struct chat_ctx *ctx, const struct chat_value *fmt, const struct chat_value *arg,
                  struct chat_value *out);

/* ---- calls: chat_call.c ---- */
struct chat_keyword {
    struct chat_value name, value;
};
struct chat_args {
    struct chat_value *at;
    int64_t n;
    struct chat_keyword *keywords;
    int64_t n_keywords;
};
/* What a builtin gets: the input of a filter or test or the object of a method, its parameters in order
 * (MISSING where none was given), and all arguments as written. */
struct chat_call {
    struct chat_value self;
    struct chat_value at[CHAT_MAX_PARAMS];
    const struct chat_args *args;
};
typedef bool chat_builtin_fn(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out);
struct chat_builtin {
    const char *name;
    chat_builtin_fn *run;
    const char *params; /* names, separated by spaces; "-" in front: by position only; "*": any arguments */
    uint8_t n_required;
};
/* Lists that end with a row without a name. */
extern const struct chat_builtin chat_filters_text[], chat_filters_list[], chat_filters_value[], chat_tests[],
    chat_globals[], chat_str_methods[], chat_str_predicates[], chat_list_methods[], chat_dict_methods[],
    chat_namespace_methods[], chat_loop_methods[], chat_cycler_methods[], chat_int_methods[],
    chat_float_methods[];
const struct chat_builtin *chat_builtin_find(const struct chat_builtin *table, const char *name, size_t len);
const struct chat_builtin *chat_filter_find(const char *name, size_t len);
bool chat_run_builtin(struct chat_ctx *ctx, const struct chat_builtin *func, const struct chat_value *self,
                      const struct chat_args *args, struct chat_value *out);
bool chat_call_value(struct chat_ctx *ctx, const struct chat_value *callee, const struct chat_args *args,
                     struct chat_value *out);
bool chat_format_method(struct chat_ctx *ctx, const struct chat_call *call, struct chat_value *out);
bool chat_eval_args(struct chat_ctx *ctx, const struct chat_node *list, struct chat_args *args);
/* Parameters. Each returns false with an error when the argument has another type. */
bool chat_arg_int(struct chat_ctx *ctx, const struct chat_value *v, int64_t missing, int64_t *out);
bool chat_arg_str(struct chat_ctx *ctx, const struct chat_value *v, struct chat_value *out);
/* What filters take as `attribute`: "a.0.b", a number, or None for the value itself. */
bool chat_get_path(struct chat_ctx *ctx, const struct chat_value *v, const struct chat_value *path,
                   struct chat_value *out);

/* ---- walking: chat_eval.c and chat_exec.c ---- */
bool chat_eval(struct chat_ctx *ctx, const struct chat_node *node, struct chat_value *out);
bool chat_exec(struct chat_ctx *ctx, const struct chat_node *list);
bool chat_apply_filters(struct chat_ctx *ctx, const struct chat_node *filter, struct chat_value input,
                        struct chat_value *out);
/* Makes a frame below parent the current one; NULL when out of memory. */
struct chat_frame *chat_frame_push(struct chat_ctx *ctx, struct chat_frame *parent);
bool chat_frame_set(struct chat_ctx *ctx, int32_t sym, struct chat_value v);
struct chat_value chat_frame_get(const struct chat_ctx *ctx, int32_t sym);
bool chat_macro_call(struct chat_ctx *ctx, const struct chat_macro *macro, const struct chat_args *args,
                     struct chat_value *out);
bool chat_loop_again(struct chat_ctx *ctx, const struct chat_loop *loop, const struct chat_value *items,
                     struct chat_value *out);
bool chat_loop_attr(struct chat_ctx *ctx, struct chat_loop *loop, const char *name, size_t len,
                    struct chat_value *out);

#endif
