/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/models.h"

struct args {
    bool all, json;
};

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    if (args->all == (n_operands > 0))
        return mica_cli_usage("verify: name models, or --all for the whole store");
    return mica_cli_verify_store(operands, n_operands, args->all, args->json);
}

static const struct mica_option options[] = {
    {"all", 0, MICA_OPT_FLAG, offsetof(struct args, all), NULL, "every model and blob of the store"},
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object"},
};
const struct mica_command mica_command_verify = {
    options, MICA_COUNT(options), 0, MICA_LIST_MAX, sizeof(struct args), NULL, run};
