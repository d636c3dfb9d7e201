/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The interactive conversation of mica run: line editing, commands that start with a slash, streamed answers.
 */
#include "cli/chat_loop.h"
#include "cli/terminal.h"

#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

struct chat {
    struct mica_run_args *args;
    struct mica_engine *engine;
    struct mica_session *session;
    EditLine *editor;
    History *history;
    struct mica_message *messages; /* roles are literals; contents are owned */
    int64_t n, capacity;
    int32_t *cached; /* the tokens the session holds */
    int64_t n_cached;
    bool continues; /* inside a multi-line message */
    bool quit;
};

static char *prompt_text(EditLine *editor)
{
    static char first[] = ">>> ", next[] = "... ";
    struct chat *chat;
    el_get(editor, EL_CLIENTDATA, &chat);
    return chat->continues ? next : first;
}

static bool push(struct chat *chat, const char *role, const char *content)
{
    char *copy = mica_strdup(content);
    if (!copy || !mica_grow(&chat->messages, chat->n, &chat->capacity, sizeof *chat->messages)) {
        mica_free(copy);
        return false;
    }
    chat->messages[chat->n++] = (struct mica_message){role, copy};
    return true;
}

static void drop_messages(struct chat *chat, int64_t keep)
{
    while (chat->n > keep)
        mica_free((void *)(uintptr_t)chat->messages[--chat->n].content);
}

static void reset(struct chat *chat)
{
    drop_messages(chat, 0);
    if (chat->args->system)
        push(chat, "system", chat->args->system);
    for (int i = 0; i < chat->args->n_opening; i++)
        push(chat, chat->args->opening[i].role, chat->args->opening[i].content);
}

static bool print_event(void *user, const struct mica_event *event)
{
    fwrite(event->text, 1, event->len, stdout);
    fflush(stdout);
    return true;
}

static enum mica_status conversation_tokens(struct chat *chat, int32_t **ids, int64_t *n,
                                            struct mica_err *err)
{
    struct mica_model_info info;
    mica_engine_info(chat->engine, &info);
    if (info.has_chat_template && !chat->args->raw)
        return mica_chat_tokenize(chat->engine, chat->messages, (int)chat->n, true, ids, n, err);
    struct mica_buf text = {0};
    for (int64_t i = 0; i < chat->n; i++)
        mica_buf_printf(&text, "%s%s", chat->messages[i].content, i + 1 < chat->n ? "\n" : "");
    enum mica_status status = text.failed || !text.data ? mica_fail(err, MICA_ENOMEM, "out of memory")
                                                        : mica_tokenize(chat->engine, text.data, text.len,
                                                                        true, false, ids, n, err);
    mica_buf_release(&text);
    return status;
}

static void print_notes(const struct mica_run_args *args, const struct mica_result *result, int64_t n,
                        int64_t known)
{
    if (strcmp(result->finish_reason, "length") == 0)
        fprintf(stderr, "[stopped: %s]\n",
                args->n ? "-n reached" : "the context is full; /clear starts anew");
    if (args->verbose)
        fprintf(stderr,
                "[%lld prompt tokens, %lld of them known; %.3f s to the first token, %lld new in %.3f s]\n",
                (long long)n, (long long)known, result->prompt_seconds, (long long)result->n_tokens,
                result->decode_seconds);
}

/* What the session holds now: the prompt and every new token but the last, which was never fed. */
static void remember_cache(struct chat *chat, const int32_t *ids, int64_t n, const struct mica_result *result)
{
    int64_t held = mica_session_length(chat->session);
    int32_t *cached = mica_realloc(chat->cached, (size_t)(held + 1), sizeof *cached);
    chat->cached = cached ? cached : chat->cached;
    chat->n_cached = 0;
    for (int64_t i = 0; cached && i < held && (i < n || i - n < result->n_tokens); i++)
        chat->cached[chat->n_cached++] = i < n ? ids[i] : result->tokens[i - n];
}

/* Answers the conversation so far. What the session already holds is not computed again. */
static enum mica_status answer(struct chat *chat, struct mica_err *err)
{
    struct mica_request request = {.session = chat->session,
                                   .max_tokens = chat->args->n,
                                   .stop = chat->args->stop.items,
                                   .n_stop = chat->args->stop.n,
                                   .on_token = print_event};
    struct mica_result result = {0};
    int32_t *ids = NULL;
    int64_t n = 0, common = 0;
    enum mica_status status = mica_cli_sampling(chat->args, &request.sampling, err);
    if (status == MICA_OK)
        status = conversation_tokens(chat, &ids, &n, err);
    if (status != MICA_OK)
        return status;
    while (common < chat->n_cached && common < n - 1 && chat->cached[common] == ids[common])
        common++;
    mica_session_truncate(chat->session, common);
    request.prompt = ids + common;
    request.n_prompt = n - common;
    mica_cli_catch_interrupt(
        chat->session); /* only now: at the prompt, Ctrl-C must not end the next answer */
    status = mica_generate(chat->engine, &request, 1, &result, err);
    mica_cli_catch_interrupt(NULL);
    if (status == MICA_OK && result.status != MICA_OK) {
        status = result.status;
        *err = result.err;
    }
    putchar('\n');
    if (status == MICA_OK) {
        print_notes(chat->args, &result, n, common);
        if (!push(chat, "assistant", result.text))
            status = mica_fail(err, MICA_ENOMEM, "out of memory");
    }
    remember_cache(chat, ids, n, &result);
    mica_result_release(&result);
    mica_release(ids);
    return status;
}

/* Settings that /set changes. */
static const struct setting {
    const char *name;
    enum mica_option_kind kind;
    size_t offset;
} settings[] = {
    {"temp", MICA_OPT_FLOAT, offsetof(struct mica_run_args, temp)},
    {"top-k", MICA_OPT_INT, offsetof(struct mica_run_args, top_k)},
    {"top-p", MICA_OPT_FLOAT, offsetof(struct mica_run_args, top_p)},
    {"min-p", MICA_OPT_FLOAT, offsetof(struct mica_run_args, min_p)},
    {"repeat-penalty", MICA_OPT_FLOAT, offsetof(struct mica_run_args, repeat_penalty)},
    {"presence-penalty", MICA_OPT_FLOAT, offsetof(struct mica_run_args, presence_penalty)},
    {"frequency-penalty", MICA_OPT_FLOAT, offsetof(struct mica_run_args, frequency_penalty)},
    {"seed", MICA_OPT_INT, offsetof(struct mica_run_args, seed)},
    {"n", MICA_OPT_INT, offsetof(struct mica_run_args, n)},
};

static void command_set(struct chat *chat, const char *rest)
{
    char name[32], value[64], *end;
    int n = sscanf(rest, "%31s %63s", name, value);
    for (size_t i = 0; i < MICA_COUNT(settings); i++) {
        char *at = (char *)chat->args + settings[i].offset;
        bool is_int = settings[i].kind == MICA_OPT_INT;
        if (n == 2 && strcmp(settings[i].name, name) == 0) {
            double number = strtod(value, &end);
            if (*end || (is_int && number != (double)(int64_t)number))
                printf("/set %s: '%s' is not a number it takes\n", name, value);
            else if (is_int)
                *(int64_t *)at = (int64_t)number;
            else
                *(double *)at = number;
            return;
        }
        if (n < 1 && is_int)
            printf("  %-18s %lld\n", settings[i].name, (long long)*(int64_t *)at);
        else if (n < 1)
            printf("  %-18s %g\n", settings[i].name, *(double *)at);
    }
    if (n >= 1)
        printf("/set: NAME VALUE; /set alone lists the names\n");
}

static void command_clear(struct chat *chat, const char *rest)
{
    reset(chat);
}

static void command_quit(struct chat *chat, const char *rest)
{
    chat->quit = true;
}

static void command_help(struct chat *chat, const char *rest);

static const struct chat_command {
    const char *name, *help;
    void (*run)(struct chat *chat, const char *rest);
} commands[] = {
    {"/help", "these lines", command_help},
    {"/set", "[NAME VALUE] shows or changes how tokens are drawn", command_set},
    {"/clear", "forgets the conversation", command_clear},
    {"/bye", "ends the program, as Ctrl-D does", command_quit},
};

static void command_help(struct chat *chat, const char *rest)
{
    for (size_t i = 0; i < MICA_COUNT(commands); i++)
        printf("  %-8s %s\n", commands[i].name, commands[i].help);
    puts("  \"\"\"      begins and ends a message of several lines; a \\ at the end of a line continues it\n"
         "  Ctrl-C   stops the answer");
}

static bool run_command(struct chat *chat, const char *line)
{
    size_t len = strcspn(line, " \t");
    for (size_t i = 0; i < MICA_COUNT(commands); i++)
        if (strlen(commands[i].name) == len && memcmp(commands[i].name, line, len) == 0) {
            commands[i].run(chat, line + len);
            return true;
        }
    printf("unknown command %.*s; /help lists them\n", (int)len, line);
    return true;
}

/* Appends one line to the message; true when the message goes on. quoted: inside """ marks. */
static bool append_line(struct mica_buf *message, const char *line, size_t len, bool is_first, bool *quoted)
{
    static const char mark[] = "\"\"\"";
    enum { MARK = sizeof mark - 1 };
    while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
        len--;
    if (is_first && len >= MARK && memcmp(line, mark, MARK) == 0) {
        *quoted = true;
        line += MARK;
        len -= MARK;
    }
    bool closes = *quoted && len >= MARK && memcmp(line + len - MARK, mark, MARK) == 0;
    bool joins = !*quoted && len && line[len - 1] == '\\';
    mica_buf_append(message, line, len - (closes ? (size_t)MARK : joins ? 1 : 0));
    return (*quoted && !closes) || joins;
}

/* Reads one key for the line editor. Ctrl-C gets through only while this waits, so that none is lost on the
 * way from the prompt to here. A zero byte is no key: it is what the terminal makes of a Ctrl-D typed during
 * an answer. */
static int read_key(EditLine *editor, wchar_t *key)
{
    struct pollfd input = {STDIN_FILENO, POLLIN, 0};
    mbstate_t state = {0};
    sigset_t waiting;
    char byte;
    pthread_sigmask(SIG_SETMASK, NULL, &waiting);
    sigdelset(&waiting, SIGINT);
    for (;;) {
        if (ppoll(&input, 1, NULL, &waiting) < 0)
            return -1;
        ssize_t n = read(STDIN_FILENO, &byte, 1);
        if (n <= 0)
            return (int)n;
        size_t used = mbrtowc(key, &byte, 1, &state);
        if (used == 1)
            return 1;
        if (used == (size_t)-1) /* no character of this locale */
            state = (mbstate_t){0};
    }
}

/* A line as typed, or NULL: at the end of input, or with errno EINTR after Ctrl-C. */
static const char *read_line(EditLine *editor, int *count)
{
    sigset_t interrupt, before;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    pthread_sigmask(SIG_BLOCK, &interrupt, &before);
    el_set(editor, EL_PREP_TERM, 1); /* before the prompt shows: what is typed after it is ours */
    errno = 0;
    const char *line = el_gets(editor, count);
    int why = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = why;
    return line;
}

/* One message: a line, lines joined by a trailing backslash, or lines between """ marks. false at the end of
 * input. */
static bool read_message(struct chat *chat, struct mica_buf *message)
{
    bool quoted = false;
    chat->continues = false;
    mica_buf_puts(message, "");
    for (;;) {
        int count;
        const char *line = read_line(chat->editor, &count);
        if (!line && errno == EINTR) { /* Ctrl-C at the prompt drops what was typed */
            puts("^C (Ctrl-D or /bye ends)");
            el_reset(chat->editor);
            message->len = 0;
            chat->continues = quoted = false;
            continue;
        }
        if (!line || count <= 0)
            return false;
        chat->continues = append_line(message, line, (size_t)count, !chat->continues, &quoted);
        if (!chat->continues)
            return true;
        mica_buf_puts(message, "\n");
    }
}

/* Makes every missing folder of path, for the user alone. Failing is no error: then there is no history. */
static void make_folders(char *path)
{
    for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = 0;
        mkdir(path, 0700);
        *at = '/';
    }
    mkdir(path, 0700);
}

static void history_path(struct mica_buf *path)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state && *state)
        mica_buf_printf(path, "%s", state);
    else if (home && *home)
        mica_buf_printf(path, "%s/.local/state", home);
    else
        return;
    mica_buf_puts(path, "/mica");
}

static void loop(struct chat *chat)
{
    struct mica_buf message = {0};
    HistEvent event;
    while (!chat->quit) {
        struct mica_err err;
        message.len = 0;
        if (!read_message(chat, &message))
            break;
        if (message.failed || !message.len)
            continue;
        history(chat->history, &event, H_ENTER, message.data);
        if (message.data[0] == '/' && run_command(chat, message.data))
            continue;
        int64_t before = chat->n;
        enum mica_status status = push(chat, "user", message.data)
                                      ? answer(chat, &err)
                                      : mica_fail(&err, MICA_ENOMEM, "out of memory");
        if (status != MICA_OK) {
            mica_terminal_say("%s", err.text);
            drop_messages(chat, before);
        }
    }
    mica_buf_release(&message);
}

int mica_cli_chat_loop(struct mica_run_args *args, struct mica_engine *engine, struct mica_session *session)
{
    struct chat chat = {.args = args, .engine = engine, .session = session};
    struct mica_buf path = {0};
    HistEvent event;
    /* Line editing knows characters by the locale; without one, UTF-8 is the likeliest. */
    setlocale(LC_CTYPE, "");
    if (MB_CUR_MAX == 1)
        setlocale(LC_CTYPE, "C.UTF-8");
    chat.editor = el_init("mica", stdin, mica_terminal_raw(), stderr);
    chat.history = history_init();
    if (!chat.editor || !chat.history)
        return mica_cli_fail(MICA_ENOMEM, &(struct mica_err){MICA_ENOMEM, "line editing: cannot start"});
    el_set(chat.editor, EL_CLIENTDATA, &chat);
    el_set(chat.editor, EL_PROMPT, prompt_text);
    el_set(chat.editor, EL_GETCFN, read_key);
    el_set(chat.editor, EL_EDITOR, "emacs");
    el_set(chat.editor, EL_HIST, history, chat.history);
    history(chat.history, &event, H_SETSIZE, 1000);
    history_path(&path);
    if (path.data) {
        make_folders(path.data);
        mica_buf_puts(&path, "/history");
        history(chat.history, &event, H_LOAD, path.data);
    }
    puts("/help lists commands; Ctrl-D ends.");
    reset(&chat);
    loop(&chat);
    if (path.data)
        history(chat.history, &event, H_SAVE, path.data);
    drop_messages(&chat, 0);
    mica_free(chat.messages);
    mica_free(chat.cached);
    mica_buf_release(&path);
    history_end(chat.history);
    el_end(chat.editor);
    return 0;
}
