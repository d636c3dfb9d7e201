/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/terminal.h"

#include <jansson.h>

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct mica_command_row mica_commands[] = {
#define X(name, operands, summary) {#name, operands, summary, &mica_command_##name},
#include "cli/commands.def"
#undef X
};
const int mica_n_commands = MICA_COUNT(mica_commands);

/* License is licence: commands and options are found in either spelling. */
static const char *house_spelling(const char *text, char out[64])
{
    const char *at = strstr(text, "licens");
    if (!at || strlen(text) >= 64)
        return text;
    snprintf(out, 64, "%s", text);
    out[at - text + 5] = 'c';
    return out;
}

static const struct mica_command_row *find_command(const char *name)
{
    char spelt[64];
    name = house_spelling(name, spelt);
    for (int i = 0; i < mica_n_commands; i++)
        if (strcmp(mica_commands[i].name, name) == 0)
            return &mica_commands[i];
    return NULL;
}

static const struct mica_option *find_option(const struct mica_command *command, const char *name, size_t len,
                                             char letter)
{
    for (int i = 0; i < command->n_options; i++) {
        const struct mica_option *option = &command->options[i];
        if (letter ? option->letter == letter
                   : strlen(option->name) == len && memcmp(option->name, name, len) == 0)
            return option;
    }
    return NULL;
}

static bool store(const struct mica_option *option, const char *text, void *args)
{
    char *at = (char *)args + option->offset, *end;
    struct mica_text_list *list = (void *)at;
    errno = 0;
    switch (option->kind) {
    case MICA_OPT_FLAG:
        *(bool *)at = true;
        return true;
    case MICA_OPT_INT:
        *(int64_t *)at = strtoll(text, &end, 10);
        return *text && !*end && !errno;
    case MICA_OPT_FLOAT:
        *(double *)at = strtod(text, &end);
        return *text && !*end && isfinite(*(double *)at);
    case MICA_OPT_TEXT:
        *(const char **)at = text;
        return true;
    case MICA_OPT_LIST:
        list->items[list->n++] = text;
        return true;
    }
    return false;
}

static bool is_full(const struct mica_option *option, const void *args)
{
    const struct mica_text_list *list = (const void *)((const char *)args + option->offset);
    return list->n == MICA_LIST_MAX;
}

/* Takes the option at argv[*at], and its value where that is the next argument; −1, or an exit code. */
static int parse_option(const struct mica_command_row *row, int argc, char **argv, int *at, void *args)
{
    const char *arg = argv[*at], *value = NULL;
    bool is_long = arg[1] == '-';
    size_t len = is_long ? strcspn(arg + 2, "=") : 1;
    char name[64], spelt[64];
    snprintf(name, sizeof name, "%.*s", (int)len, arg + (is_long ? 2 : 1));
    const char *found = house_spelling(name, spelt);
    const struct mica_option *option = find_option(row->command, found, strlen(found), is_long ? 0 : arg[1]);
    if (!option)
        return mica_cli_usage("%s: unknown option %s; see 'mica help %s'", row->name, arg, row->name);
    if (is_long ? arg[2 + len] == '=' : arg[2])
        value = is_long ? arg + 3 + len : arg + 2;
    if (option->kind == MICA_OPT_FLAG ? value != NULL : !value && *at + 1 == argc)
        return mica_cli_usage("%s: --%s %s", row->name, option->name,
                              value ? "takes no value" : "needs a value");
    if (option->kind != MICA_OPT_FLAG && !value)
        value = argv[++*at];
    if (option->kind == MICA_OPT_LIST && is_full(option, args))
        return mica_cli_usage("%s: --%s: given too often, at most %d times", row->name, option->name,
                              MICA_LIST_MAX);
    if (!store(option, value, args))
        return mica_cli_usage("%s: --%s: '%s' is not a valid %s", row->name, option->name, value,
                              option->value);
    return -1;
}

/* Parses argv into args and collects operands in place; −1, or an exit code. */
static int parse(const struct mica_command_row *row, int argc, char **argv, void *args, int *n_operands)
{
    bool only_operands = false;
    int code = -1;
    *n_operands = 0;
    for (int i = 0; i < argc && code < 0; i++) {
        const char *arg = argv[i];
        if (only_operands || arg[0] != '-' || !arg[1])
            argv[(*n_operands)++] = argv[i];
        else if (strcmp(arg, "--") == 0)
            only_operands = true;
        else if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)
            return mica_command_help.run(&(char[64]){0}, (char *[]){(char *)(uintptr_t)row->name}, 1);
        else
            code = parse_option(row, argc, argv, &i, args);
    }
    if (code >= 0)
        return code;
    if (*n_operands < row->command->min_operands || *n_operands > row->command->max_operands)
        return mica_cli_usage("usage: mica %s %s; see 'mica help %s'", row->name, row->operands, row->name);
    return -1;
}

int main(int argc, char **argv)
{
    mica_terminal_guard();
    signal(SIGXFSZ, SIG_IGN); /* a full quota is an error to be told, no end without a word */
    static char *overview[] = {"mica", "help", NULL};
    if (argc < 2) {
        argv = overview;
        argc = 2;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("mica %s\n", mica_version());
        return 0;
    }
    bool wants_help = strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0;
    const struct mica_command_row *row = find_command(wants_help ? "help" : argv[1]);
    if (!row)
        return mica_cli_usage("unknown command '%s'; see 'mica help'", argv[1]);
    const struct mica_command *command = row->command;
    void *args = mica_alloc(1, command->args_size);
    int n_operands = 0;
    if (!args)
        return mica_cli_fail(MICA_ENOMEM, &(struct mica_err){MICA_ENOMEM, "out of memory"});
    if (command->defaults)
        command->defaults(args);
    int code = parse(row, argc - 2, argv + 2, args, &n_operands);
    if (code < 0)
        code = command->run(args, argv + 2, n_operands);
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == 0)
        code = mica_cli_fail(MICA_EIO, &(struct mica_err){MICA_EIO, "standard output cannot be written"});
    mica_free(args);
    return code;
}
