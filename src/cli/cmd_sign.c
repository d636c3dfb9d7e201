/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "cli/models.h"
#include "cli/signature.h"
#include "govern/minisign.h"
#include "govern/register.h"
#include "govern/signature.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct args {
    const char *key, *out, *comment;
    struct mica_text_list ignored;
    int64_t threads;
    bool json;
};

static int done(const struct args *args, const char *what, const char *where, const char *signer,
                const struct mica_oms_report *report)
{
    if (args->json)
        return mica_cli_print_json(json_pack("{s:s, s:s, s:s, s:I, s:I}", "signed", what, "signature", where,
                                             "key", signer, "files", (json_int_t)report->n_files, "bytes",
                                             (json_int_t)report->bytes));
    printf("signed     %s: %lld file%s, %llu bytes\nkey        %s\nsignature  %s\n", what,
           (long long)report->n_files, report->n_files == 1 ? "" : "s", (unsigned long long)report->bytes,
           signer, where);
    return 0;
}

static enum mica_status sign_file(const struct args *args, const char *path,
                                  const struct mica_minisign_secret *secret, int *code, struct mica_err *err)
{
    char out_path[MICA_PATH_MAX], comment[512], id[17];
    struct mica_mapping *file;
    struct mica_buf text = {0};
    enum mica_status status = args->out ? mica_fs_path(out_path, err, "%s", args->out)
                                        : mica_fs_path(out_path, err, "%s.minisig", path);
    if (status == MICA_OK)
        status = mica_mapping_open(path, &file, err);
    if (status != MICA_OK)
        return status;
    snprintf(comment, sizeof comment, "timestamp:%lld\tfile:%.400s\thashed", (long long)time(NULL),
             mica_mapping_name(file));
    status = mica_minisign_sign(file, secret, args->comment ? args->comment : comment, &text, err);
    if (status == MICA_OK)
        status = mica_fs_write(out_path, text.data, text.len, 0644, err);
    mica_minisign_id_text(secret->id, id);
    if (status == MICA_OK)
        *code = done(args, path, out_path, id, &(struct mica_oms_report){1, mica_mapping_size(file)});
    mica_buf_release(&text);
    mica_mapping_free(file);
    return status;
}

static enum mica_status sign_folder(const struct args *args, const char *path, const struct mica_key *key,
                                    int *code, struct mica_err *err)
{
    char out_path[MICA_PATH_MAX];
    struct mica_pool *pool = NULL;
    struct mica_oms_report report;
    struct mica_buf text = {0};
    enum mica_status status = args->out ? mica_fs_path(out_path, err, "%s", args->out)
                                        : mica_fs_path(out_path, err, "%s/model.sig", path);
    if (status == MICA_OK)
        status = mica_pool_new((int)args->threads, &pool, err);
    if (status == MICA_OK)
        status = mica_oms_sign_folder(path, out_path, args->ignored.items, args->ignored.n, key, pool, &text,
                                      &report, err);
    if (status == MICA_OK)
        status = mica_fs_write(out_path, text.data, text.len, 0644, err);
    if (status == MICA_OK)
        *code = done(args, path, out_path, mica_key_hint(key), &report);
    mica_pool_free(pool);
    mica_buf_release(&text);
    return status;
}

/* Records the new manifest: signing makes another one of the same files, so all else that the register states
 * stays true. */
static enum mica_status record(struct mica_register *reg, const struct mica_component *old,
                               const struct mica_manifest *manifest, struct mica_err *err)
{
    char hex[MICA_DIGEST_HEX];
    const struct mica_layer *layer = &manifest->layers[manifest->n_layers - 1];
    struct mica_component row = *old;
    mica_digest_hex(&manifest->digest, hex);
    row.digest = hex;
    row.size = (int64_t)mica_manifest_size(manifest);
    row.time = NULL;
    /* A bundle is smaller than a shard, so its one shard's digest is its own. */
    enum mica_status status =
        layer->size && layer->size <= MICA_SHARD_BYTES
            ? mica_register_put_shards(reg, &layer->digest, layer->size, &layer->digest, err)
            : MICA_OK;
    return status == MICA_OK ? mica_register_put(reg, &row, "sign", NULL, err) : status;
}

static enum mica_status publish(struct mica_store *store, const struct mica_name *name,
                                const struct mica_manifest *manifest, struct mica_err *err)
{
    char text[MICA_NAME_TEXT];
    struct mica_register *reg;
    struct mica_components *rows = NULL;
    enum mica_status status = mica_register_open(mica_store_home(store), &reg, err);
    if (status != MICA_OK)
        return status;
    mica_name_print(name, text);
    status = mica_register_find(reg, MICA_COMPONENT_MODEL, text, &rows, err);
    bool is_known = status == MICA_OK;
    if (is_known || status == MICA_ENOTFOUND)
        status = mica_store_publish(store, name, manifest, err);
    if (status == MICA_OK && is_known)
        status = record(reg, &rows->rows[0], manifest, err);
    mica_components_free(rows);
    mica_register_close(reg);
    return status;
}

static enum mica_status sign_stored(const struct args *args, struct mica_store *store, const char *text,
                                    const struct mica_key *key, int *code, struct mica_err *err)
{
    char where[MICA_DIGEST_HEX], signed_as[MICA_SIGNED_NAME];
    struct mica_name name;
    struct mica_manifest *manifest = NULL, *with = NULL;
    struct mica_oms_report report = {0};
    enum mica_status status = mica_cli_manifest(store, text, &name, &manifest, err);
    if (status == MICA_OK)
        status = mica_signature_add(store, &name, manifest, key, &with, err);
    if (status == MICA_OK)
        status = publish(store, &name, with, err);
    for (int64_t i = 0; status == MICA_OK && i < with->n_layers; i++)
        if (mica_signature_name(with, i, signed_as)) {
            report.n_files++;
            report.bytes += with->layers[i].size;
        }
    if (status == MICA_OK) {
        mica_digest_hex(&with->layers[with->n_layers - 1].digest, where);
        *code = done(args, text, where, mica_key_hint(key), &report);
    }
    mica_manifest_free(manifest);
    mica_manifest_free(with);
    return status;
}

static enum mica_status sign(const struct args *args, const char *target, int *code, struct mica_err *err)
{
    struct mica_store *store = NULL;
    struct mica_cli_signer signer = {0};
    struct stat st;
    enum mica_status status = mica_store_open(NULL, &store, err);
    if (status != MICA_OK)
        return status;
    bool is_path = args->out || mica_cli_is_path(store, target);
    status = mica_cli_signer_read(args->key, &signer, err);
    if (status != MICA_OK)
        goto out;
    if (is_path && stat(target, &st) != 0)
        status = mica_fail(err, MICA_ENOTFOUND, "%s: no such file or folder", target);
    else if (is_path && signer.minisign)
        status = S_ISDIR(st.st_mode)
                     ? mica_fail(err, MICA_EARG,
                                 "%s: a folder; minisign signs one file: use an EC key (mica keygen)", target)
                     : sign_file(args, target, signer.minisign, code, err);
    else if (signer.minisign)
        status =
            mica_fail(err, MICA_EARG,
                      "%s: stored models are signed by an EC key (mica keygen), not by minisign", target);
    else
        status = is_path ? sign_folder(args, target, signer.key, code, err)
                         : sign_stored(args, store, target, signer.key, code, err);
out:
    mica_cli_signer_release(&signer);
    mica_store_close(store);
    return status;
}

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    struct mica_err err;
    int code = 0;
    (void)n_operands;
    if (!args->key)
        return mica_cli_usage("sign: --key K names the secret key; 'mica keygen' makes one");
    if (args->threads < 0 || args->threads > 1024)
        return mica_cli_usage("sign: --threads: not between 0 and 1024");
    enum mica_status status = sign(args, operands[0], &code, &err);
    return status == MICA_OK ? code : mica_cli_fail(status, &err);
}

static const struct mica_option options[] = {
    {"key", 'k', MICA_OPT_TEXT, offsetof(struct args, key), "FILE",
     "secret key: PEM (P-256, P-384, P-521) or minisign; its password: MICA_KEY_PASSWORD, or asked for"},
    {"out", 'o', MICA_OPT_TEXT, offsetof(struct args, out), "FILE",
     "signature of a folder (default DIR/model.sig) or file (FILE.minisig)"},
    {"ignore", 0, MICA_OPT_LIST, offsetof(struct args, ignored), "PATH",
     "leave this path in the folder out; may be repeated"},
    {"comment", 0, MICA_OPT_TEXT, offsetof(struct args, comment), "TEXT", "trusted comment (minisign)"},
    {"threads", 't', MICA_OPT_INT, offsetof(struct args, threads), "N", "threads that hash"},
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object"},
};
const struct mica_command mica_command_sign = {options, MICA_COUNT(options), 1, 1, sizeof(struct args), NULL,
                                               run};
