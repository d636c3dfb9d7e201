/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What the files of the Go template interpreter share: templates of Go's text/template, as Ollama stores them
 * beside a model and renders them. A template is text → tokens (gotmpl_lex.c) → a tree (gotmpl_parse.c) that
 * gotmpl_exec.c walks over values made of the conversation (gotmpl_data.c). Values are immutable and live in
 * the render's pool. Functions that return bool return false once the context holds an error. */
#ifndef MICA_GOTMPL_H
#define MICA_GOTMPL_H

#include "format/chat_internal.h"

/* ---- values ---- */
/* Go tells a value that is not there at all from an interface that holds nothing: NONE and NIL. */
enum gotmpl_kind {
    GOTMPL_NONE,
    GOTMPL_NIL,
    GOTMPL_BOOL, /* i is 0 or 1 */
    GOTMPL_INT,
    GOTMPL_FLOAT,
    GOTMPL_STRING,
    GOTMPL_LIST,
    GOTMPL_MAP,    /* keys in items at even places, sorted, each before its value */
    GOTMPL_STRUCT, /* items are the type's fields */
};
struct gotmpl_value {
    uint8_t kind;
    bool nil;     /* of a list or map: Go's nil one */
    uint32_t len; /* bytes of s, elements of a list, pairs of a map */
    union {
        int64_t i;
        double d;
        const char *s;
        const struct gotmpl_value *items;
    };
    const struct gotmpl_type *type; /* of lists, maps and structs */
};
/* What Ollama's Go program declares: names for messages, fields for templates, keys for JSON. */
struct gotmpl_type {
    const char *name;
    uint8_t kind;                   /* GOTMPL_NONE: whatever the JSON holds */
    bool prints_json;               /* printing it gives JSON, not Go's notation */
    bool prints_one;                /* a list of one prints as what it holds, in JSON, too */
    bool is_pointer;                /* in a list: printing it would give an address */
    const struct gotmpl_type *elem; /* of a list or map */
    const struct gotmpl_field *fields;
    int n_fields;
};
struct gotmpl_field {
    const char *name;            /* as templates say it */
    const char *key, *other_key; /* in what is rendered; other_key may be NULL */
    const char *json;            /* when it is printed as JSON */
    bool omit_empty;
    const struct gotmpl_type *type;
};

static inline struct gotmpl_value gotmpl_bool(bool b)
{
    return (struct gotmpl_value){.kind = GOTMPL_BOOL, .i = b};
}
static inline struct gotmpl_value gotmpl_int(int64_t i)
{
    return (struct gotmpl_value){.kind = GOTMPL_INT, .i = i};
}
static inline struct gotmpl_value gotmpl_str(const char *s, size_t len)
{
    return (struct gotmpl_value){.kind = GOTMPL_STRING, .len = (uint32_t)len, .s = s};
}

/* ---- the tree ---- */
enum gotmpl_node_kind {
    GOTMPL_TEXT,   /* value */
    GOTMPL_ACTION, /* pipe */
    GOTMPL_IF,     /* pipe, list, other */
    GOTMPL_WITH,
    GOTMPL_RANGE,
    GOTMPL_CALL, /* {{template}}: value is the name; pipe or NULL */
    GOTMPL_BREAK,
    GOTMPL_CONTINUE,
    GOTMPL_PIPE,     /* decls: variables it sets (flag: assigned, not declared); list: commands */
    GOTMPL_COMMAND,  /* list: the function or value, then its arguments */
    GOTMPL_FIELD,    /* names */
    GOTMPL_VARIABLE, /* names: "$x", then fields */
    GOTMPL_CHAIN,    /* list: the operand; names */
    GOTMPL_IDENT,    /* func */
    GOTMPL_DOT,
    GOTMPL_NILWORD,
    GOTMPL_LITERAL, /* value */
};
struct gotmpl_name {
    const char *s;
    uint32_t len;
    struct gotmpl_name *next;
};
struct gotmpl_node {
    uint8_t kind;
    bool flag;
    int32_t line;
    struct gotmpl_value value;
    struct gotmpl_name *names;
    const struct gotmpl_func *func;
    struct gotmpl_node *pipe, *list, *other, *decls, *next;
};
struct gotmpl_define {
    struct gotmpl_value name;
    struct gotmpl_node *root;
    struct gotmpl_define *next;
};
struct gotmpl {
    struct chat_pool *pool; /* the template's */
    struct gotmpl_define *defines;
    struct gotmpl_node *root;
    struct gotmpl_node *open_root; /* the root up to where the response begins */
    bool takes_messages;           /* it names .Messages: it gets the whole conversation at once */
};

/* ---- tokens: gotmpl_lex.c ---- */
enum gotmpl_token_kind {
    GOTMPL_TOKEN_TEXT,
    GOTMPL_TOKEN_LEFT, /* {{ */
    GOTMPL_TOKEN_RIGHT,
    GOTMPL_TOKEN_SPACE,
    GOTMPL_TOKEN_WORD,     /* keywords and functions */
    GOTMPL_TOKEN_FIELD,    /* with its point */
    GOTMPL_TOKEN_VARIABLE, /* with its $ */
    GOTMPL_TOKEN_DOT,
    GOTMPL_TOKEN_NUMBER,
    GOTMPL_TOKEN_CHAR, /* with its quotes, as all of these */
    GOTMPL_TOKEN_STRING,
    GOTMPL_TOKEN_RAW,
    GOTMPL_TOKEN_ASSIGN,
    GOTMPL_TOKEN_DECLARE,
    GOTMPL_TOKEN_PIPE,
    GOTMPL_TOKEN_OPEN,
    GOTMPL_TOKEN_CLOSE,
    GOTMPL_TOKEN_OTHER,
    GOTMPL_TOKEN_ERROR, /* s is the message */
    GOTMPL_TOKEN_END,
};
struct gotmpl_token {
    uint8_t kind;
    uint32_t len;
    int32_t line;
    const char *s;
};
/* Splits source, which must stay. The last token is END or ERROR. */
enum mica_status gotmpl_lex(const char *source, size_t len, struct gotmpl_token **out, struct mica_err *err);
/* Literals: false when it is none that Go knows. text takes the string, which is shorter than its token. */
bool gotmpl_unquote(const struct gotmpl_token *token, char *text, struct gotmpl_value *out);
bool gotmpl_number(const struct gotmpl_token *token, struct gotmpl_value *out);

/* ---- parser: gotmpl_parse.c ---- */
/* Copies source into pool. EFORMAT with the line. */
enum mica_status gotmpl_parse(const char *source, size_t len, struct chat_pool *pool, struct gotmpl **out,
                              struct mica_err *err);

/* ---- a render ---- */
struct gotmpl_var {
    const struct gotmpl_name *name;
    struct gotmpl_value value;
};
enum gotmpl_flow { GOTMPL_FLOW_ON, GOTMPL_FLOW_BREAK, GOTMPL_FLOW_CONTINUE };
struct gotmpl_ctx {
    const struct gotmpl *tmpl;
    struct chat_pool pool;
    struct mica_buf *out;
    size_t output_limit;
    int64_t steps;
    int depth;
    int32_t line;
    enum gotmpl_flow flow;
    struct gotmpl_var *vars;
    int64_t n_vars, vars_capacity, first_var; /* those below first_var are another template's */
    enum mica_status status;
    struct mica_err *err;
};
/* Always false. */
bool gotmpl_fail(struct gotmpl_ctx *ctx, enum mica_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool gotmpl_charge(struct gotmpl_ctx *ctx, int64_t n); /* counts n steps of work */
bool gotmpl_enter(struct gotmpl_ctx *ctx);             /* one level deeper */
void *gotmpl_alloc(struct gotmpl_ctx *ctx, size_t n, size_t size);
/* Appends, within the limit on output. */
bool gotmpl_put(struct gotmpl_ctx *ctx, struct mica_buf *buf, const char *s, size_t len);
bool gotmpl_puts(struct gotmpl_ctx *ctx, struct mica_buf *buf, const char *s);
/* Moves a buffer's text into the pool and releases the buffer, also when it fails. */
bool gotmpl_take(struct gotmpl_ctx *ctx, struct mica_buf *buf, bool ok, struct gotmpl_value *out);
/* Executes a list of nodes with data as "." and "$". */
bool gotmpl_exec(struct gotmpl_ctx *ctx, const struct gotmpl_node *list, const struct gotmpl_value *data);
bool gotmpl_truth(const struct gotmpl_value *v);
const char *gotmpl_type_name(const struct gotmpl_value *v);
/* NULL: there is no such key. */
const struct gotmpl_value *gotmpl_map_get(const struct gotmpl_value *map, const char *key, size_t len);

/* ---- printing: gotmpl_print.c ---- */
bool gotmpl_print(struct gotmpl_ctx *ctx, struct mica_buf *buf, const struct gotmpl_value *v);
bool gotmpl_print_json(struct gotmpl_ctx *ctx, struct mica_buf *buf, const struct gotmpl_value *v);
bool gotmpl_print_format(struct gotmpl_ctx *ctx, struct mica_buf *buf, const struct gotmpl_value *args,
                         int n);

/* ---- functions: gotmpl_funcs.c ---- */
struct gotmpl_func {
    const char *name;
    int min, max; /* arguments; max -1: any number */
    bool (*run)(struct gotmpl_ctx *ctx, const struct gotmpl_value *args, int n, struct gotmpl_value *out);
    bool until;     /* and, or: run is NULL; they stop at the first argument of this truth */
    const char *no; /* why it is refused, or NULL */
};
const struct gotmpl_func *gotmpl_func_find(const char *name, size_t len);

/* ---- data: gotmpl_data.c ---- */
/* Renders as Ollama does: collates messages, hands them over at once or turn by turn. Appends to ctx->out. */
bool gotmpl_run(struct gotmpl_ctx *ctx, const json_t *vars);
/* The struct that a missing property is: all fields empty. */
bool gotmpl_zero(struct gotmpl_ctx *ctx, const struct gotmpl_type *type, struct gotmpl_value *out);

#endif
