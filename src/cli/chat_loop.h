/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MICA_CHAT_LOOP_H
#define MICA_CHAT_LOOP_H

#include "cli/cli.h"

/* Numbers are NaN or MICA_RUN_UNSET until someone sets them: an option, else the model's stored parameters,
 * else the default. */
#define MICA_RUN_UNSET INT64_MIN
struct mica_run_args {
    struct mica_model_args model;
    int64_t n, seed, top_k, repeat_last_n, top_logprobs;
    double temp, top_p, min_p, repeat_penalty, presence_penalty, frequency_penalty;
    const char *system, *ids, *receipt;
    struct mica_message *opening; /* messages that open the conversation, stored with the model */
    int n_opening;
    struct json_t *parameters, *messages; /* keep what the fields above point into */
    bool json, raw, ignore_eos, verbose;
    struct mica_text_list stop, logit_bias;
    struct mica_logit_bias biases[MICA_LIST_MAX];
    int n_biases;
};
/* Fills what the options left open from what is stored with the model, and then with the defaults. */
enum mica_status mica_cli_apply_stored(struct mica_run_args *args, const struct mica_admitted *admitted,
                                       struct mica_err *err);
void mica_cli_release_stored(struct mica_run_args *args);
enum mica_status mica_cli_sampling(const struct mica_run_args *args, struct mica_sampling *out,
                                   struct mica_err *err);
/* From now on Ctrl-C cancels session's answer instead of ending the program; with NULL it does nothing. */
void mica_cli_catch_interrupt(struct mica_session *session);
/* The interactive conversation; an exit code. */
int mica_cli_chat_loop(struct mica_run_args *args, struct mica_engine *engine, struct mica_session *session);

#endif
