/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Will it run here: the memory that a model needs beside what this process may take. */
#ifndef MICA_CLI_MEMORY_H
#define MICA_CLI_MEMORY_H

#include "base/machine.h"
#include "cli/cli.h"

struct mica_need {
    int64_t ctx;
    enum mica_cache cache;
    uint64_t weights, kv, work, total; /* bytes; work: buffers, tokenizer, program */
};
/* What running the model takes, with the context and cache of session (ctx 0: the model's, at most 4096). */
void mica_cli_need(const struct mica_model_info *info, const struct mica_session_options *session,
                   struct mica_need *out);

struct mica_fit {
    struct mica_need need;
    struct mica_memory memory;
    bool fits;
    int64_t largest_ctx[3]; /* that fits, by enum mica_cache, at most the model's; 0: not even the weights */
};
void mica_cli_fit(const struct mica_model_info *info, const struct mica_session_options *session,
                  struct mica_fit *out);
/* MICA_OK, or ELIMIT with one line that says how much is missing and what to do. */
enum mica_status mica_cli_fit_check(const struct mica_fit *fit, struct mica_err *err);
/* The advice of that line: "a context of 512 tokens (--ctx 512)", or "" when it fits. */
void mica_cli_fit_advice(const struct mica_fit *fit, char *out, size_t size);

/* Before anything of a model has been fetched: its weights take about the size of its files. ELIMIT as
 * above. */
enum mica_status mica_cli_fit_size(uint64_t file_bytes, struct mica_err *err);

#endif
