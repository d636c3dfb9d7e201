/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What the commands about signatures share. */
#ifndef MICA_CLI_SIGNATURE_H
#define MICA_CLI_SIGNATURE_H

#include "cli/cli.h"
#include "govern/keys.h"
#include "store/store.h"

/* Asks at the terminal, without showing what is typed; user is not used. */
bool mica_cli_ask_password(void *user, const char *what, char out[MICA_PASSWORD_MAX]);
/* Asks twice. The environment's MICA_KEY_PASSWORD is taken instead where it is set. */
enum mica_status mica_cli_new_password(const char *what, char out[MICA_PASSWORD_MAX], struct mica_err *err);

/* A private key file of either kind: is_minisign says which. Free with mica_cli_signer_release. */
struct mica_minisign_secret;
struct mica_cli_signer {
    struct mica_key *key;
    struct mica_minisign_secret *minisign;
};
enum mica_status mica_cli_signer_read(const char *path, struct mica_cli_signer *out, struct mica_err *err);
void mica_cli_signer_release(struct mica_cli_signer *signer);

/* Whether an operand means a path: it has a '/', or something lies there and no stored model is called so. */
bool mica_cli_is_path(struct mica_store *store, const char *operand);

/* mica verify with --key: a folder, a file, or a stored model (signature NULL and no path). Prints; an exit
 * code. */
struct mica_cli_verify {
    const char *target, *signature;
    const struct mica_text_list *keys;
    int64_t threads;
    bool json;
};
int mica_cli_verify_signature(const struct mica_cli_verify *verify);

/* Writes where the stored model came from to path (NULL, "-": standard output), as an in-toto statement; with
 * a key, in a signed DSSE envelope. */
enum mica_status mica_cli_write_provenance(const char *name, const char *key_path, const char *path,
                                           struct mica_err *err);

#endif
