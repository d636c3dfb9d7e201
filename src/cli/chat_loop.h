/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MICA_CHAT_LOOP_H
#define MICA_CHAT_LOOP_H

#include "cli/cli.h"

struct mica_run_args {
    struct mica_model_args model;
    int64_t n, seed, top_k, repeat_last_n, top_logprobs;
    double temp, top_p, min_p, repeat_penalty, presence_penalty, frequency_penalty;
    const char *system, *ids;
    bool json, raw, ignore_eos, verbose;
    struct mica_text_list stop, logit_bias;
    struct mica_logit_bias biases[MICA_LIST_MAX];
    int n_biases;
};
enum mica_status mica_cli_sampling(const struct mica_run_args *args, struct mica_sampling *out,
                                   struct mica_err *err);
/* From now on Ctrl-C cancels session's answer instead of ending the program; with NULL it does nothing. */
void mica_cli_catch_interrupt(struct mica_session *session);
/* The interactive conversation; an exit code. */
int mica_cli_chat_loop(struct mica_run_args *args, struct mica_engine *engine, struct mica_session *session);

#endif
