/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Pre-tokenizer patterns on PCRE2. They are written for Oniguruma or for Rust's regex crate, whose classes
 * differ: \s there is White_Space (PCRE2's has U+180E too), \w is Alphabetic, M, Nd and Pc, \p{Han} means the
 * script and not the script extensions, and sets may be nested. */
#include "format/tok_internal.h"

#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { JIT_STACK_START = 32 << 10, JIT_STACK_MAX = 16 << 20, HEAP_LIMIT_KIB = 64 << 10 };
/* A pattern that backtracks without end costs one text at most this many times the limit. */
enum { MATCH_LIMIT = 5000000, MAX_GIVEN_UP = 4, MAX_PATTERN = 1 << 16 };

struct tok_regex {
    pcre2_code *code;
    bool jit;
};

struct tok_matcher {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    int n_given_up;
};

static const char word_class[] = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}";

/* Long names of general categories, which PCRE2 does not know. */
static const char *const category_names[][2] = {
    {"Letter", "L"},          {"Mark", "M"},      {"Number", "N"}, {"Punctuation", "P"},
    {"Symbol", "S"},          {"Separator", "Z"}, {"Other", "C"},  {"Alpha", "Alphabetic"},
    {"Space", "White_Space"}, {"Punct", "P"},     {"Digit", "Nd"}, {"Upper", "Uppercase"},
    {"Lower", "Lowercase"},
};
static const char *const binary_names[] = {
    "Alphabetic",  "White_Space",           "Uppercase",         "Lowercase", "Any", "Emoji",
    "Ideographic", "Extended_Pictographic", "Emoji_Presentation"};

/* Appends \p{name}; at points behind the opening brace. Returns how far it read, 0 when malformed. */
static size_t put_property(struct mica_buf *out, char letter, const char *at, size_t len)
{
    const char *close = memchr(at, '}', len);
    if (!close || close == at || close - at > 60)
        return 0;
    char name[64];
    size_t n = (size_t)(close - at), skip = at[0] == '^' ? 1 : 0;
    memcpy(name, at + skip, n - skip);
    name[n - skip] = 0;
    const char *use = name, *scope = "";
    for (size_t i = 0; i < MICA_COUNT(category_names); i++)
        if (strcmp(name, category_names[i][0]) == 0)
            use = category_names[i][1];
    bool binary = strlen(use) <= 2 || strchr(use, '=') || strchr(use, ':');
    for (size_t i = 0; i < MICA_COUNT(binary_names); i++)
        binary = binary || strcmp(use, binary_names[i]) == 0;
    if (!binary)
        scope = "sc:";
    bool negative = (letter == 'P') != (skip == 1);
    mica_buf_printf(out, "\\%c{%s%s}", negative ? 'P' : 'p', scope, use);
    return n + 1;
}

/* Translates the escape behind the backslash at at[0]; returns the bytes read, 0 when not supported. */
static size_t put_escape(struct mica_buf *out, const char *at, size_t len, bool in_class)
{
    if (len < 2)
        return 0;
    switch (at[1]) {
    case 's':
        mica_buf_puts(out, "\\p{White_Space}");
        return 2;
    case 'S':
        mica_buf_puts(out, "\\P{White_Space}");
        return 2;
    case 'w':
        mica_buf_printf(out, in_class ? "%s" : "[%s]", word_class);
        return 2;
    case 'W':
        if (in_class)
            return 0;
        mica_buf_printf(out, "[^%s]", word_class);
        return 2;
    case 'b':
        if (in_class)
            break;
        mica_buf_printf(out, "(?:(?<=[%s])(?![%s])|(?<![%s])(?=[%s]))", word_class, word_class, word_class,
                        word_class);
        return 2;
    case 'h':
        mica_buf_puts(out, in_class ? "0-9a-fA-F" : "[0-9a-fA-F]");
        return 2;
    case 'u':
        if (len < 6)
            return 0;
        mica_buf_printf(out, "\\x{%.4s}", at + 2);
        return 6;
    case 'p':
    case 'P':
        if (len < 4 || at[2] != '{')
            break;
        size_t n = put_property(out, at[1], at + 3, len - 3);
        return n ? n + 3 : 0;
    default:
        break;
    }
    mica_buf_append(out, at, 2);
    return 2;
}

/* Inside a set: an intersection, a named class, or a nested negation begins here. */
static bool no_counterpart(char c, char next)
{
    return c == '&' ? next == '&' : c == '[' && (next == ':' || next == '^');
}

/* false: the pattern uses something that has no counterpart. */
static bool translate(const char *at, size_t len, struct mica_buf *out)
{
    int depth = 0; /* of nested sets; all but the outermost brackets go: a union is flat */
    for (size_t i = 0; i < len;) {
        char c = at[i];
        if (c == '\\') {
            size_t n = put_escape(out, at + i, len - i, depth > 0);
            if (!n)
                return false;
            i += n;
            continue;
        }
        if (depth > 0 && i + 1 < len && no_counterpart(c, at[i + 1]))
            return false;
        bool keep = true;
        if (c == '[')
            keep = depth++ == 0;
        else if (c == ']' && depth > 0)
            keep = --depth == 0;
        if (keep)
            mica_buf_append(out, &c, 1);
        i++;
        if (c == '[' && keep && i < len && at[i] == '^')
            mica_buf_append(out, &at[i++], 1);
    }
    return depth == 0;
}

enum mica_status tok_regex_new(const char *pattern, size_t len, struct tok_regex **out, struct mica_err *err)
{
    struct mica_buf text = {.limit = MAX_PATTERN * 8};
    struct tok_regex *regex = NULL;
    enum mica_status status = MICA_OK;
    int shown = len < 120 ? (int)len : 120;
    if (len > MAX_PATTERN)
        return mica_fail(err, MICA_ELIMIT, "tokenizer: pattern of %zu bytes; at most %d are allowed", len,
                         MAX_PATTERN);
    if (!translate(pattern, len, &text)) {
        status = mica_fail(err, MICA_EUNSUPPORTED, "tokenizer: pattern not supported: %.*s", shown, pattern);
        goto out;
    }
    regex = mica_alloc(1, sizeof *regex);
    if (!regex || text.failed) {
        status = mica_fail(err, MICA_ENOMEM, "tokenizer: out of memory");
        goto out;
    }
    int code;
    PCRE2_SIZE offset;
    regex->code = pcre2_compile((PCRE2_SPTR)(text.data ? text.data : ""), text.len,
                                PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &code,
                                &offset, NULL);
    if (!regex->code) {
        char message[128] = "";
        pcre2_get_error_message(code, (PCRE2_UCHAR *)message, sizeof message);
        status = mica_fail(err, MICA_EFORMAT, "tokenizer: pattern does not compile (%s): %.*s", message,
                           shown, pattern);
        goto out;
    }
    /* Without a compiler for this machine, or when the pattern forbids it, the interpreter does the same. */
    size_t jit_size = 0;
    if (pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE) == 0)
        pcre2_pattern_info(regex->code, PCRE2_INFO_JITSIZE, &jit_size);
    regex->jit = jit_size > 0;
    *out = regex;
    regex = NULL;
out:
    mica_buf_release(&text);
    tok_regex_free(regex);
    return status;
}

void tok_regex_free(struct tok_regex *regex)
{
    if (!regex)
        return;
    pcre2_code_free(regex->code);
    mica_free(regex);
}

struct tok_matcher *tok_matcher_new(void)
{
    struct tok_matcher *matcher = mica_alloc(1, sizeof *matcher);
    if (!matcher)
        return NULL;
    matcher->data = pcre2_match_data_create(1, NULL);
    matcher->context = pcre2_match_context_create(NULL);
    if (!matcher->data || !matcher->context) {
        tok_matcher_free(matcher);
        return NULL;
    }
    pcre2_set_match_limit(matcher->context, MATCH_LIMIT);
    pcre2_set_heap_limit(matcher->context, HEAP_LIMIT_KIB);
    return matcher;
}

void tok_matcher_free(struct tok_matcher *matcher)
{
    if (!matcher)
        return;
    pcre2_match_data_free(matcher->data);
    pcre2_match_context_free(matcher->context);
    pcre2_jit_stack_free(matcher->stack);
    mica_free(matcher);
}

static int match_slowly(const struct tok_regex *regex, struct tok_matcher *matcher, PCRE2_SPTR text,
                        size_t len, size_t from)
{
    if (regex->jit && !matcher->stack) {
        matcher->stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, NULL);
        if (matcher->stack) {
            pcre2_jit_stack_assign(matcher->context, NULL, matcher->stack);
            int rc = pcre2_jit_match(regex->code, text, len, from, 0, matcher->data, matcher->context);
            if (rc >= PCRE2_ERROR_PARTIAL)
                return rc;
        }
    }
    return pcre2_match(regex->code, text, len, from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, matcher->data,
                       matcher->context);
}

bool tok_regex_find(const struct tok_regex *regex, struct tok_matcher *matcher, const char *text, size_t len,
                    size_t from, size_t *begin_out, size_t *end_out)
{
    PCRE2_SPTR subject = (PCRE2_SPTR)text;
    if (matcher->n_given_up >= MAX_GIVEN_UP)
        return false;
    int rc = regex->jit ? pcre2_jit_match(regex->code, subject, len, from, 0, matcher->data, matcher->context)
                        : pcre2_match(regex->code, subject, len, from, PCRE2_NO_UTF_CHECK, matcher->data,
                                      matcher->context);
    /* A match limit counts as no match: the rest of the text stays one word. */
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
        rc = match_slowly(regex, matcher, subject, len, from);
    if (rc < 0) {
        matcher->n_given_up += rc < PCRE2_ERROR_PARTIAL;
        return false;
    }
    const PCRE2_SIZE *ovector = pcre2_get_ovector_pointer(matcher->data);
    if (ovector[1] < ovector[0] || ovector[0] < from) /* \K in a look-around */
        return false;
    *begin_out = ovector[0];
    *end_out = ovector[1];
    return true;
}
