/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/models.h"
#include "cli/signature.h"

struct args {
    struct mica_text_list keys;
    const char *signature;
    int64_t threads;
    bool all, json;
};

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    bool is_signed = args->keys.n || args->signature;
    if (args->threads < 0 || args->threads > 1024)
        return mica_cli_usage("verify: --threads: not between 0 and 1024");
    if (args->all == (n_operands > 0) || (args->all && is_signed))
        return mica_cli_usage("verify: name models, or --all for the whole store");
    if (!is_signed)
        return mica_cli_verify_store(operands, n_operands, args->all, args->json);
    if (n_operands != 1)
        return mica_cli_usage("verify: with --key, one model, folder or file at a time");
    return mica_cli_verify_signature(
        &(struct mica_cli_verify){operands[0], args->signature, &args->keys, args->threads, args->json});
}

static const struct mica_option options[] = {
    {"key", 'k', MICA_OPT_LIST, offsetof(struct args, keys), "FILE",
     "public key that must have signed (PEM or minisign); repeated: one of them"},
    {"signature", 's', MICA_OPT_TEXT, offsetof(struct args, signature), "FILE",
     "signature of a folder (default DIR/model.sig) or file (FILE.minisig)"},
    {"threads", 't', MICA_OPT_INT, offsetof(struct args, threads), "N", "threads that hash, with --key"},
    {"all", 0, MICA_OPT_FLAG, offsetof(struct args, all), NULL, "every model and blob of the store"},
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object"},
};
const struct mica_command mica_command_verify = {
    options, MICA_COUNT(options), 0, MICA_LIST_MAX, sizeof(struct args), NULL, run};
