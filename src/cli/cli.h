/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The program: a table of commands, each with a table of options that also makes its help, its part of the
 * man page and the shell completion. */
#ifndef MICA_CLI_H
#define MICA_CLI_H

#include "base/mem.h"

#include <mica/govern.h>
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
    const char *kv, *policy, *use;
    bool unregistered;
};
#define MICA_MODEL_OPTIONS(type)                                                                             \
    {"threads",    't',                                                                                      \
     MICA_OPT_INT, offsetof(type, model.threads),                                                            \
     "N",          "threads; default: the CPUs this process may use"},                                       \
        {"ctx",        'c',                                                                                  \
         MICA_OPT_INT, offsetof(type, model.ctx),                                                            \
         "N",          "context in tokens; default: the model's, at most 4096"},                             \
        {"kv", 0, MICA_OPT_TEXT, offsetof(type, model.kv), "TYPE", "KV cache: f16 (default), q8_0 or f32"},  \
        {"chunk",      0,                                                                                    \
         MICA_OPT_INT, offsetof(type, model.chunk),                                                          \
         "N",          "prompt tokens per step (256); changes speed only"},                                  \
        {"use",                                                                                              \
         0,                                                                                                  \
         MICA_OPT_TEXT,                                                                                      \
         offsetof(type, model.use),                                                                          \
         "USE",                                                                                              \
         "what for: private, research, internal or commercial; the terms must allow it; default: the "       \
         "policy's"},                                                                                        \
        {"policy",      0,                                                                                   \
         MICA_OPT_TEXT, offsetof(type, model.policy),                                                        \
         "FILE",        "facts and policy; default: ./mica.yaml, else MICA_HOME/mica.yaml"},                 \
    {                                                                                                        \
        "unregistered", 0, MICA_OPT_FLAG, offsetof(type, model.unregistered), NULL,                          \
            "let a file run that the register does not know; this is logged"                                 \
    }

/* A model that a command works with, and what is stored with it. */
struct mica_loaded {
    struct mica_store *store;
    struct mica_admitted *admitted;
    struct mica_engine *engine;
    struct mica_session *session;
};
/* Admits model (a stored name or a path), loads it and, when wanted, opens a session. Messages go to stderr,
 * the return value is the exit code; on success mica_cli_unload frees it all. */
int mica_cli_load(const char *model, const struct mica_model_args *args, bool with_session,
                  struct mica_loaded *out);
void mica_cli_unload(struct mica_loaded *loaded);
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
