/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The program: a table of commands, each with a table of options that also makes its help, its part of the
 * man page and the shell completion. */
#ifndef MICA_CLI_H
#define MICA_CLI_H

#include "base/mem.h"

#include <mica/mica.h>

enum mica_option_kind { MICA_OPT_FLAG, MICA_OPT_INT, MICA_OPT_FLOAT, MICA_OPT_TEXT, MICA_OPT_LIST };

enum { MICA_LIST_MAX = 64 };
struct mica_text_list {
    const char *items[MICA_LIST_MAX];
    int n;
};

/* One option: --name or -letter, stored at offset of the command's argument struct (bool, int64_t, double,
 * const char *, struct mica_text_list). */
struct mica_option {
    const char *name;
    char letter;
    enum mica_option_kind kind;
    size_t offset;
    const char *value, *help;
};

struct mica_command {
    const struct mica_option *options;
    int n_options;
    int min_operands, max_operands;
    size_t args_size;
    void (*defaults)(void *args);
    int (*run)(void *args, char **operands, int n_operands);
};
#define X(name, operands, summary) extern const struct mica_command mica_command_##name;
#include "cli/commands.def"
#undef X
/* The rows of commands.def. */
struct mica_command_row {
    const char *name, *operands, *summary;
    const struct mica_command *command;
};
extern const struct mica_command_row mica_commands[];
extern const int mica_n_commands;

/* What commands that load a model share. */
struct mica_model_args {
    int64_t threads, ctx, chunk;
    const char *kv;
};
#define MICA_MODEL_OPTIONS(type)                                                                             \
    {"threads",    't',                                                                                      \
     MICA_OPT_INT, offsetof(type, model.threads),                                                            \
     "N",          "threads; default: the CPUs this process may use"},                                       \
        {"ctx",        'c',                                                                                  \
         MICA_OPT_INT, offsetof(type, model.ctx),                                                            \
         "N",          "context in tokens; default: the model's, at most 4096"},                             \
        {"kv", 0, MICA_OPT_TEXT, offsetof(type, model.kv), "TYPE", "KV cache: f16 (default), q8_0 or f32"},  \
    {                                                                                                        \
        "chunk", 0, MICA_OPT_INT, offsetof(type, model.chunk), "N",                                          \
            "prompt tokens per step (256); changes speed only"                                               \
    }

/* Loads the model at path and opens a session; both outputs are set on success. Messages go to stderr, the
 * return value is the exit code. session_out may be NULL. */
int mica_cli_load(const char *path, const struct mica_model_args *args, struct mica_engine **engine_out,
                  struct mica_session **session_out);
/* Names of the values of --kv, by enum mica_cache. */
extern const char *const mica_cli_caches[];
int mica_cli_session_options(const struct mica_model_args *args, struct mica_session_options *out,
                             struct mica_err *err);
/* Prints "mica: TEXT" to stderr and gives the status's exit code. */
int mica_cli_fail(enum mica_status status, const struct mica_err *err);
int mica_cli_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* All of standard input or of the file at path ("-": standard input). */
enum mica_status mica_cli_read(const char *path, struct mica_buf *out, struct mica_err *err);
/* Parses "1,2,3" into a list the caller frees with mica_release. */
enum mica_status mica_cli_parse_ids(const char *text, int32_t **ids_out, int64_t *n_out,
                                    struct mica_err *err);
/* Writes a JSON document and a newline to stdout, frees it; an exit code. */
struct json_t;
int mica_cli_print_json(struct json_t *document);

#endif
