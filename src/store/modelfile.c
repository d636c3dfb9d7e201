/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/modelfile.h"

#include <utf8proc.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MAX_BYTES = 1 << 20, MAX_COMMANDS = 10000 };

static const struct {
    const char *keyword;
    bool has_word, is_single;
} kinds[] = {
#define X(name, keyword, word, single) {keyword, word, single},
    MICA_MODELFILE_ROWS(X)
#undef X
};

/* Commands of newer Ollamas that steer its own program. */
static const char *const foreign[] = {"REQUIRES", "RENDERER", "PARSER", "DRAFT"};

struct parser {
    const char *at, *end;
    const char *name;
    int line;
    struct mica_modelfile *file;
    struct mica_err *err;
};

static enum mica_status no_memory(const struct parser *p)
{
    return mica_fail(p->err, MICA_ENOMEM, "%s: out of memory", p->name);
}

/* Bytes that could not be stored as text: NUL, and what is no UTF-8 (UTF-16 above all). */
static enum mica_status check_text(const char *text, size_t len, const char *name, struct mica_err *err)
{
    int line = 1;
    for (size_t i = 0; i < len;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t n =
            utf8proc_iterate((const utf8proc_uint8_t *)text + i, (utf8proc_ssize_t)(len - i), &c);
        if (n <= 0 || c == 0)
            return mica_fail(err, MICA_EFORMAT, "%s:%d: not a text in UTF-8 (byte 0x%02x)", name, line,
                             (unsigned char)text[i]);
        line += c == '\n';
        i += (size_t)n;
    }
    return MICA_OK;
}

/* The end of the current line, without its line feed. */
static const char *line_end(const struct parser *p)
{
    const char *lf = memchr(p->at, '\n', (size_t)(p->end - p->at));
    return lf ? lf : p->end;
}

static void next_line(struct parser *p)
{
    const char *end = line_end(p);
    p->at = end < p->end ? end + 1 : end;
    p->line++;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && is_blank(*at))
        at++;
    return at;
}

static const char *trim(const char *begin, const char *end)
{
    while (end > begin && is_blank(end[-1]))
        end--;
    return end;
}

/* A value in n quotes from p->at on: it ends where a line ends in as many. */
static enum mica_status take_quoted(struct parser *p, size_t n, const char **out)
{
    const char *begin = p->at + n;
    int first = p->line;
    for (p->at = begin;; next_line(p)) {
        const char *end = trim(p->at, line_end(p));
        if ((size_t)(end - p->at) >= n && memcmp(end - n, "\"\"\"", n) == 0) {
            *out = mica_arena_strndup(&p->file->arena, begin, (size_t)(end - (ptrdiff_t)n - begin));
            next_line(p);
            return *out ? MICA_OK : no_memory(p);
        }
        if (line_end(p) == p->end)
            return mica_fail(p->err, MICA_EFORMAT, "%s:%d: the text in %.*s has no end", p->name, first,
                             (int)n, "\"\"\"");
    }
}

static enum mica_status take_value(struct parser *p, const char **out)
{
    const char *end = trim(p->at, line_end(p));
    if (end - p->at >= 3 && memcmp(p->at, "\"\"\"", 3) == 0)
        return take_quoted(p, 3, out);
    if (end > p->at && *p->at == '"')
        return take_quoted(p, 1, out);
    *out = mica_arena_strndup(&p->file->arena, p->at, (size_t)(end - p->at));
    next_line(p);
    return *out ? MICA_OK : no_memory(p);
}

/* A word of letters, digits and '_', in lower case. */
static enum mica_status take_word(struct parser *p, const char **out)
{
    const char *end = line_end(p), *at = p->at;
    while (at < end && !is_blank(*at))
        at++;
    char *word = mica_arena_strndup(&p->file->arena, p->at, (size_t)(at - p->at));
    if (!word)
        return no_memory(p);
    for (char *c = word; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    *out = word;
    p->at = skip_blanks(at, end);
    return MICA_OK;
}

static enum mica_status find_kind(const struct parser *p, const char *word, size_t len, int *out)
{
    for (size_t i = 0; i < MICA_COUNT(kinds); i++)
        if (strlen(kinds[i].keyword) == len && strncasecmp(word, kinds[i].keyword, len) == 0) {
            *out = (int)i;
            return MICA_OK;
        }
    for (size_t i = 0; i < MICA_COUNT(foreign); i++)
        if (strlen(foreign[i]) == len && strncasecmp(word, foreign[i], len) == 0)
            return mica_fail(p->err, MICA_EUNSUPPORTED,
                             "%s:%d: %s steers Ollama's own program and means nothing here; leave it out",
                             p->name, p->line, foreign[i]);
    return mica_fail(p->err, MICA_EFORMAT,
                     "%s:%d: '%.*s' is no command; there are FROM, PARAMETER, TEMPLATE, SYSTEM, ADAPTER, "
                     "LICENSE and MESSAGE",
                     p->name, p->line, (int)(len < 40 ? len : 40), word);
}

static enum mica_status check_command(const struct parser *p, const struct mica_modelfile_command *command)
{
    const char *keyword = kinds[command->kind].keyword, *word = command->word;
    const struct mica_modelfile_command *from = mica_modelfile_find(p->file, MICA_MODELFILE_FROM);
    /* An empty SYSTEM or TEMPLATE takes the base's away. */
    if (!*command->value && command->kind != MICA_MODELFILE_SYSTEM &&
        command->kind != MICA_MODELFILE_TEMPLATE)
        return mica_fail(p->err, MICA_EFORMAT, "%s:%d: %s has no value", p->name, command->line, keyword);
    if (command->kind == MICA_MODELFILE_MESSAGE && strcmp(word, "system") != 0 && strcmp(word, "user") != 0 &&
        strcmp(word, "assistant") != 0)
        return mica_fail(p->err, MICA_EFORMAT, "%s:%d: MESSAGE: '%.40s' is not system, user or assistant",
                         p->name, command->line, word);
    if (command->kind == MICA_MODELFILE_FROM && from)
        return mica_fail(p->err, MICA_EFORMAT, "%s:%d: a second FROM (the first is in line %d)", p->name,
                         command->line, from->line);
    return MICA_OK;
}

static enum mica_status parse_command(struct parser *p)
{
    struct mica_modelfile_command command = {.line = p->line, .word = ""};
    const char *end = line_end(p), *word = p->at;
    int kind = 0;
    while (p->at < end && !is_blank(*p->at))
        p->at++;
    enum mica_status status = find_kind(p, word, (size_t)(p->at - word), &kind);
    if (status != MICA_OK)
        return status;
    command.kind = (enum mica_modelfile_kind)kind;
    p->at = skip_blanks(p->at, end);
    if (kinds[kind].has_word)
        status = take_word(p, &command.word);
    if (status == MICA_OK)
        status = take_value(p, &command.value);
    if (status == MICA_OK)
        status = check_command(p, &command);
    if (status != MICA_OK)
        return status;
    if (p->file->n == MAX_COMMANDS)
        return mica_fail(p->err, MICA_ELIMIT, "%s:%d: more than %d commands", p->name, command.line,
                         MAX_COMMANDS);
    if (!mica_grow(&p->file->commands, p->file->n, &p->file->capacity, sizeof command))
        return no_memory(p);
    p->file->commands[p->file->n++] = command;
    return MICA_OK;
}

enum mica_status mica_modelfile_parse(const char *text, size_t len, const char *name,
                                      struct mica_modelfile **out, struct mica_err *err)
{
    if (len > MAX_BYTES)
        return mica_fail(err, MICA_ELIMIT, "%s: more than %d bytes", name, MAX_BYTES);
    enum mica_status status = check_text(text, len, name, err);
    if (status != MICA_OK)
        return status;
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
        text += 3;
        len -= 3;
    }
    struct mica_modelfile *file = mica_alloc(1, sizeof *file);
    struct parser p = {text, text + len, name, 1, file, err};
    if (!file)
        return no_memory(&p);
    while (status == MICA_OK && p.at < p.end) {
        p.at = skip_blanks(p.at, p.end);
        if (p.at == line_end(&p) || *p.at == '#')
            next_line(&p);
        else
            status = parse_command(&p);
    }
    if (status == MICA_OK && !mica_modelfile_find(file, MICA_MODELFILE_FROM))
        status = mica_fail(err, MICA_EFORMAT, "%s: has no FROM: the model, GGUF file or folder to start with",
                           name);
    if (status != MICA_OK) {
        mica_modelfile_free(file);
        return status;
    }
    *out = file;
    return MICA_OK;
}

void mica_modelfile_free(struct mica_modelfile *file)
{
    if (!file)
        return;
    mica_arena_release(&file->arena);
    mica_free(file->commands);
    mica_free(file);
}

const struct mica_modelfile_command *mica_modelfile_find(const struct mica_modelfile *file,
                                                         enum mica_modelfile_kind kind)
{
    for (int64_t i = file->n - 1; i >= 0; i--)
        if (file->commands[i].kind == kind)
            return &file->commands[i];
    return NULL;
}

/* Whether some line but the last ends in as many quotes as the value would be put in. */
static bool ends_early(const char *value)
{
    for (const char *lf = strchr(value, '\n'); lf; lf = strchr(lf + 1, '\n')) {
        const char *end = trim(value, lf);
        if (end - value >= 3 && memcmp(end - 3, "\"\"\"", 3) == 0)
            return true;
    }
    return false;
}

bool mica_modelfile_print(struct mica_buf *out, const char *keyword, const char *value)
{
    size_t len = strlen(value);
    bool plain =
        len && *value != '"' && !is_blank(*value) && !is_blank(value[len - 1]) && !strchr(value, '\n');
    if (plain)
        return mica_buf_printf(out, "%s %s\n", keyword, value);
    return !ends_early(value) && mica_buf_printf(out, "%s \"\"\"%s\"\"\"\n", keyword, value);
}
