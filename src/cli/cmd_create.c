/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/models.h"
#include "cli/registered.h"
#include "cli/signature.h"
#include "govern/record.h"
#include "store/create.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>

struct args {
    const char *file, *quantize, *key;
    bool link, json;
};

static void defaults(void *data)
{
    ((struct args *)data)->file = "Modelfile";
}

/* Paths in a Modelfile begin at its folder, in standard input at the current one. */
static enum mica_status folder_of(const char *file, char out[MICA_PATH_MAX], struct mica_err *err)
{
    const char *slash = strrchr(file, '/');
    return slash ? mica_fs_path(out, err, "%.*s", slash == file ? 1 : (int)(slash - file), file)
                 : mica_fs_path(out, err, ".");
}

/* Enters the model into the register, with the one it was made from as its base, and gives its row. */
static enum mica_status record(struct mica_store *store, const struct mica_name *name,
                               const struct mica_created *created, struct mica_components **row_out,
                               struct mica_err *err)
{
    char base[MICA_NAME_TEXT], text[MICA_NAME_TEXT];
    struct mica_origin origin = {.event = "create", .source = created->source};
    struct mica_register *reg = NULL;
    mica_name_print(&created->base, base);
    mica_name_print(name, text);
    /* A model made anew out of itself keeps the links it has. */
    origin.relink = !created->has_base || !mica_name_equal(&created->base, name);
    if (created->has_base && origin.relink)
        origin.bases = base;
    enum mica_status status = mica_register_open(mica_store_home(store), &reg, err);
    if (status == MICA_OK)
        status = mica_record_model(store, reg, name, created->manifest, &origin, NULL, err);
    if (status == MICA_OK)
        status = mica_register_find(reg, MICA_COMPONENT_MODEL, text, row_out, err);
    mica_register_close(reg);
    return status;
}

/* Keeps the statement of what was made from what in the home, named by the manifest it speaks of. */
static enum mica_status state_provenance(struct mica_store *store, const char *name,
                                         const struct mica_manifest *manifest, const char *key,
                                         struct mica_err *err)
{
    char path[MICA_PATH_MAX], hex[MICA_DIGEST_HEX];
    mica_digest_hex(&manifest->digest, hex);
    enum mica_status status =
        mica_fs_path(path, err, "%s/provenance/sha256-%s.intoto.jsonl", mica_store_home(store), hex);
    if (status == MICA_OK)
        status = mica_fs_mkdirs_for(path, err);
    return status == MICA_OK ? mica_cli_write_provenance(name, key, path, err) : status;
}

static enum mica_status create(struct mica_store *store, const struct args *args, const char *as,
                               struct mica_created *out, struct mica_components **row_out,
                               struct mica_err *err)
{
    char folder[MICA_PATH_MAX];
    struct mica_modelfile *file = NULL;
    struct mica_create_options options = {folder, args->link};
    struct mica_name name;
    struct mica_buf text = {0};
    enum mica_status status = mica_name_parse(as, &name, err);
    if (status == MICA_OK)
        status = folder_of(args->file, folder, err);
    if (status == MICA_OK)
        status = mica_cli_read(args->file, &text, err);
    if (status == MICA_OK)
        status = mica_modelfile_parse(text.data, text.len, strcmp(args->file, "-") ? args->file : "stdin",
                                      &file, err);
    if (status == MICA_OK)
        status = mica_create(store, &name, file, &options, out, err);
    if (status == MICA_OK)
        status = record(store, &name, out, row_out, err);
    if (status == MICA_OK)
        status = state_provenance(store, as, out->manifest, args->key, err);
    mica_modelfile_free(file);
    mica_buf_release(&text);
    return status;
}

static int print(const struct args *args, const char *as, const struct mica_manifest *manifest,
                 const struct mica_component *row)
{
    char size[MICA_SHORT_TEXT];
    if (args->json)
        return mica_cli_print_json(json_pack("{s:s, s:s, s:I, s:I, s:s}", "name", row->name, "digest",
                                             row->digest, "size", (json_int_t)mica_manifest_size(manifest),
                                             "layers", (json_int_t)manifest->n_layers, "licence",
                                             row->concluded));
    mica_cli_size_text(mica_manifest_size(manifest), size);
    printf("created '%s': %lld layer%s, %s\n", as, (long long)manifest->n_layers,
           manifest->n_layers == 1 ? "" : "s", size);
    mica_cli_print_terms(row, "");
    return 0;
}

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    struct mica_store *store;
    struct mica_created created = {0};
    struct mica_err err;
    struct mica_components *found = NULL;
    int code = 0;
    if (args->quantize)
        return mica_cli_usage("create: --quantize: this version does not quantise; start FROM a GGUF file "
                              "that is quantised already");
    enum mica_status status = mica_store_open(NULL, &store, &err);
    if (status != MICA_OK)
        return mica_cli_fail(status, &err);
    status = create(store, args, operands[0], &created, &found, &err);
    if (status == MICA_OK)
        code = print(args, operands[0], created.manifest, &found->rows[0]);
    mica_components_free(found);
    mica_created_release(&created);
    mica_store_close(store);
    return status == MICA_OK ? code : mica_cli_fail(status, &err);
}

static const struct mica_option options[] = {
    {"file", 'f', MICA_OPT_TEXT, offsetof(struct args, file), "FILE",
     "the Modelfile (default: ./Modelfile; -: standard input)"},
    {"link", 0, MICA_OPT_FLAG, offsetof(struct args, link), NULL,
     "keep GGUF files where they lie, the store links to them"},
    {"key", 'k', MICA_OPT_TEXT, offsetof(struct args, key), "FILE",
     "sign the statement of what it was made from, kept in MICA_HOME/provenance"},
    {"quantize", 'q', MICA_OPT_TEXT, offsetof(struct args, quantize), "TYPE", "not in this version"},
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object"},
};
const struct mica_command mica_command_create = {
    options, MICA_COUNT(options), 1, 1, sizeof(struct args), defaults, run};
