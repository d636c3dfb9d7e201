/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "cli/signature.h"
#include "govern/minisign.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>

struct args {
    const char *out, *curve;
    bool minisign, encrypt, json;
};

static void defaults(void *data)
{
    ((struct args *)data)->curve = "P-256";
}

/* What is written: texts of both files. */
struct pair {
    struct mica_buf secret, public;
    char id[MICA_DIGEST_HEX];
};

static enum mica_status make_minisign(const char *password, struct pair *out, struct mica_err *err)
{
    struct mica_minisign_secret secret;
    enum mica_status status = mica_minisign_generate(&secret, err);
    if (status != MICA_OK)
        return status;
    mica_minisign_id_text(secret.id, out->id);
    status = mica_minisign_write_secret(&secret, password, &out->secret, err);
    if (status == MICA_OK && !mica_minisign_write_public(secret.id, secret.key, &out->public))
        status = mica_fail(err, MICA_ENOMEM, "keygen: out of memory");
    mica_wipe(&secret, sizeof secret);
    return status;
}

static enum mica_status make_ec(const char *curve, const char *password, struct pair *out,
                                struct mica_err *err)
{
    struct mica_key *key;
    enum mica_status status = mica_key_generate(curve, &key, err);
    if (status != MICA_OK)
        return status;
    snprintf(out->id, sizeof out->id, "%s", mica_key_hint(key));
    status = mica_key_private_pem(key, password, &out->secret, err);
    if (status == MICA_OK)
        status = mica_key_public_pem(key, &out->public, err);
    mica_key_free(key);
    return status;
}

static enum mica_status write_pair(const char *prefix, const struct pair *pair, bool json,
                                   struct mica_err *err)
{
    char secret[MICA_PATH_MAX], public[MICA_PATH_MAX];
    enum mica_status status = mica_fs_path(secret, err, "%s.key", prefix);
    if (status == MICA_OK)
        status = mica_fs_path(public, err, "%s.pub", prefix);
    if (status != MICA_OK)
        return status;
    if (mica_fs_exists(secret) || mica_fs_exists(public))
        return mica_fail(err, MICA_EARG, "%s.key, %s.pub: one is there already; keys are never overwritten",
                         prefix, prefix);
    status = mica_fs_write(secret, pair->secret.data, pair->secret.len, 0600, err);
    if (status == MICA_OK)
        status = mica_fs_write(public, pair->public.data, pair->public.len, 0644, err);
    if (status == MICA_OK && json)
        mica_cli_print_json(json_pack("{s:s, s:s, s:s}", "secret", secret, "public", public, "id", pair->id));
    else if (status == MICA_OK)
        printf("%s.key  keep it secret\n%s.pub  give it to those who verify\nid     %s\n", prefix, prefix,
               pair->id);
    return status;
}

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    char password[MICA_PASSWORD_MAX] = "";
    struct pair pair = {0};
    struct mica_err err;
    enum mica_status status = MICA_OK;
    (void)operands;
    (void)n_operands;
    if (!args->out)
        return mica_cli_usage("keygen: --out PREFIX says where the keys go: PREFIX.key and PREFIX.pub");
    if (args->encrypt)
        status = mica_cli_new_password(args->out, password, &err);
    const char *given = args->encrypt ? password : NULL;
    if (status == MICA_OK)
        status =
            args->minisign ? make_minisign(given, &pair, &err) : make_ec(args->curve, given, &pair, &err);
    mica_wipe(password, sizeof password);
    if (status == MICA_OK)
        status = write_pair(args->out, &pair, args->json, &err);
    if (pair.secret.data)
        mica_wipe(pair.secret.data, pair.secret.len);
    mica_buf_release(&pair.secret);
    mica_buf_release(&pair.public);
    return status == MICA_OK ? 0 : mica_cli_fail(status, &err);
}

static const struct mica_option options[] = {
    {"out", 'o', MICA_OPT_TEXT, offsetof(struct args, out), "PREFIX", "write PREFIX.key and PREFIX.pub"},
    {"curve", 0, MICA_OPT_TEXT, offsetof(struct args, curve), "CURVE", "P-256 (default), P-384 or P-521"},
    {"minisign", 0, MICA_OPT_FLAG, offsetof(struct args, minisign), NULL, "a minisign (Ed25519) key pair"},
    {"encrypt", 0, MICA_OPT_FLAG, offsetof(struct args, encrypt), NULL,
     "protect the secret key by a password (MICA_KEY_PASSWORD, or asked for)"},
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object"},
};
const struct mica_command mica_command_keygen = {
    options, MICA_COUNT(options), 0, 0, sizeof(struct args), defaults, run};
