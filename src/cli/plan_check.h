/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What can be told of a model before its weights are fetched: will it run here, and do its terms allow what
 * the policy says is done with it. */
#ifndef MICA_CLI_PLAN_CHECK_H
#define MICA_CLI_PLAN_CHECK_H

#include "cli/cli.h"
#include "store/source.h"

struct mica_plan_check {
    struct mica_store *store;
    struct mica_session_options session; /* the context and cache wanted */
    const char *use;                     /* as of mica rights --use; NULL: the policy's */
    bool plain_http, any_size;           /* any_size: whatever its size */
    bool quiet;                          /* no warning where the terms are not known yet */
};
/* ELIMIT: too big for this machine's memory. EDENIED: terms that clearly say no; what is not known yet is
 * said on stderr, and the loader decides on the texts. Where the source says too little, the head of the
 * model's file is read. */
enum mica_status mica_cli_plan_check(const struct mica_plan_check *check, const struct mica_plan *plan,
                                     struct mica_err *err);
/* The same for a stored model that is about to be given to others: its closure as the register knows it. */
enum mica_status mica_cli_push_check(struct mica_store *store, const struct mica_name *name, const char *use,
                                     bool quiet, struct mica_err *err);

#endif
