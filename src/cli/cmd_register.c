/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* mica register: records a file where it lies, or a stored model (again, after a look). */
#include "cli/registered.h"
#include "govern/dependencies.h"
#include "govern/identify.h"
#include "govern/record.h"

#include <jansson.h>

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { TEXT_LIMIT = 1 << 20 };

struct args {
    const char *as, *licence, *owner, *notes, *source;
    struct mica_text_list bases, datasets;
    bool software, relink, json;
};

/* One command; released together. */
struct job {
    const struct args *args;
    struct mica_store *store;
    struct mica_register *reg;
    struct mica_name name;
    struct mica_manifest *manifest;
    bool is_new; /* the manifest is ours and has to be published */
    char source[MICA_PATH_MAX + 8];
    const char *asserted;
    char licence_id[128];
};

/* ---- what is registered ---- */

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A path is what looks like one; anything else is a name first. */
static bool looks_like_path(const char *text)
{
    size_t len = strlen(text);
    return text[0] == '/' || strncmp(text, "./", 2) == 0 || strncmp(text, "../", 3) == 0 ||
           strcmp(text, ".") == 0 || strcmp(text, "..") == 0 ||
           (len > 5 && strcasecmp(text + len - 5, ".gguf") == 0);
}

/* "SmolLM2 135M.Q4_1.gguf" → "smollm2-135m.q4_1": what a name may hold. */
static void name_from_path(const char *path, char out[128])
{
    const char *slash = strrchr(path, '/');
    size_t n = 0;
    for (const char *at = slash ? slash + 1 : path; *at && n < 127; at++) {
        char c = (char)tolower((unsigned char)*at);
        bool fits = isalnum((unsigned char)c) || c == '_' || c == '-' || (c == '.' && n > 0);
        out[n++] = fits ? c : '-';
    }
    out[n] = '\0';
    if (n > 5 && strcmp(out + n - 5, ".gguf") == 0)
        out[n - 5] = '\0';
}

static enum mica_status link_file(struct job *job, const char *folder, const char *name,
                                  enum mica_layer_kind kind, struct mica_err *err)
{
    char path[MICA_PATH_MAX];
    struct mica_digest digest;
    uint64_t size;
    enum mica_status status = mica_fs_path(path, err, "%s/%s", folder, name);
    if (status == MICA_OK)
        status = mica_store_blob_link(job->store, path, &digest, &size, err);
    return status == MICA_OK ? mica_manifest_add(job->manifest, kind, &digest, size, name, err) : status;
}

/* Texts are small and are kept as they are now. */
static enum mica_status keep_text(struct job *job, const char *path, const char *title,
                                  enum mica_layer_kind kind, struct mica_err *err)
{
    struct mica_buf text = {0};
    struct mica_digest digest;
    enum mica_status status = mica_fs_read(path, TEXT_LIMIT, &text, err);
    if (status == MICA_OK)
        status = mica_store_blob_put(job->store, text.data, text.len, &digest, err);
    if (status == MICA_OK)
        status = mica_manifest_add(job->manifest, kind, &digest, text.len, title, err);
    mica_buf_release(&text);
    return status;
}

/* Files of a folder that are evidence. */
static bool evidence_kind(const char *name, enum mica_layer_kind *out)
{
    static const char *const texts[] = {"LICENSE", "LICENCE",    "COPYING",
                                        "NOTICE",  "USE_POLICY", "USE-POLICY"};
    if (strcasecmp(name, "README.md") == 0) {
        *out = MICA_LAYER_CARD;
        return true;
    }
    for (size_t i = 0; i < MICA_COUNT(texts); i++)
        if (strncasecmp(name, texts[i], strlen(texts[i])) == 0) {
            *out = MICA_LAYER_LICENSE;
            return true;
        }
    return false;
}

static enum mica_status add_evidence(struct job *job, const char *folder, struct mica_err *err)
{
    struct dirent **list = NULL;
    char path[MICA_PATH_MAX];
    enum mica_layer_kind kind;
    enum mica_status status = MICA_OK;
    int n = scandir(folder, &list, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        if (status == MICA_OK && evidence_kind(list[i]->d_name, &kind)) {
            status = mica_fs_path(path, err, "%s/%s", folder, list[i]->d_name);
            if (status == MICA_OK && !is_folder(path))
                status = keep_text(job, path, list[i]->d_name, kind, err);
        }
        free(list[i]);
    }
    free(list);
    return status;
}

/* A manifest over the files at path, which stay where they are. */
static enum mica_status from_path(struct job *job, const char *path, struct mica_err *err)
{
    char real[MICA_PATH_MAX], folder[MICA_PATH_MAX], text[128];
    struct mica_files *files = NULL;
    enum mica_layer_kind kind;
    if (!realpath(path, real))
        return mica_fail(err, MICA_ENOTFOUND, "%s: there is no such file", path);
    name_from_path(real, text);
    enum mica_status status = mica_name_parse(job->args->as ? job->args->as : text, &job->name, err);
    if (status == MICA_OK)
        status = mica_files_open(real, &files, err);
    if (status == MICA_OK && !(job->manifest = mica_manifest_new()))
        status = mica_fail(err, MICA_ENOMEM, "register: out of memory");
    bool is_hf = is_folder(real);
    snprintf(folder, sizeof folder, "%.*s", is_hf ? (int)strlen(real) : (int)(strrchr(real, '/') - real),
             real);
    for (int i = 0; status == MICA_OK && i < mica_files_count(files); i++) {
        const char *name = mica_files_name(files, i);
        if (!is_hf || !evidence_kind(name, &kind))
            status = link_file(job, folder, name, is_hf ? MICA_LAYER_FILE : MICA_LAYER_MODEL, err);
    }
    if (status == MICA_OK && is_hf)
        status = add_evidence(job, folder, err);
    mica_files_free(files);
    snprintf(job->source, sizeof job->source, "file:%s", real);
    job->is_new = true;
    return status;
}

static enum mica_status from_name(struct job *job, const char *text, struct mica_err *err)
{
    struct mica_name from;
    enum mica_status status = mica_name_parse(text, &from, err);
    if (status == MICA_OK)
        status = mica_store_manifest(job->store, &from, &job->manifest, err);
    job->name = from;
    if (status == MICA_OK && job->args->as) {
        status = mica_name_parse(job->args->as, &job->name, err);
        job->is_new = true;
    }
    return status;
}

/* ---- the licence that a person brings ---- */

/* Attaches a person's text. The very text is not attached twice; another of the same name gets a number, for
 * what came with the model stays evidence. */
static enum mica_status keep_licence(struct job *job, const char *path, const char *title,
                                     struct mica_err *err)
{
    char numbered[sizeof job->manifest->layers->title];
    struct mica_buf text = {0};
    struct mica_digest digest;
    bool is_there = false;
    int n = 1;
    enum mica_status status = mica_fs_read(path, TEXT_LIMIT, &text, err);
    if (status == MICA_OK && !mica_sha256(text.data, text.len, &digest))
        status = mica_fail(err, MICA_ENOMEM, "register: out of memory");
    mica_buf_release(&text);
    if (status != MICA_OK)
        return status;
    snprintf(numbered, sizeof numbered, "%s", title);
    for (int64_t i = 0; i < job->manifest->n_layers; i++) {
        const struct mica_layer *layer = &job->manifest->layers[i];
        is_there =
            is_there || (layer->kind == MICA_LAYER_LICENSE && mica_digest_equal(&layer->digest, &digest));
        if (strcmp(layer->title, numbered) == 0) {
            snprintf(numbered, sizeof numbered, "%.200s-%d", title, ++n);
            i = -1;
        }
    }
    return is_there ? MICA_OK : keep_text(job, path, numbered, MICA_LAYER_LICENSE, err);
}

/* The same layers and one text more. */
static enum mica_status attach_text(struct job *job, struct mica_err *err)
{
    const char *slash = strrchr(job->args->licence, '/'), *title = slash ? slash + 1 : job->args->licence;
    if (!job->is_new || job->manifest->text) {
        struct mica_manifest *old = job->manifest;
        job->manifest = mica_manifest_new();
        enum mica_status status =
            job->manifest ? MICA_OK : mica_fail(err, MICA_ENOMEM, "register: out of memory");
        for (int64_t i = 0; status == MICA_OK && i < old->n_layers; i++)
            status = mica_manifest_add_layer(job->manifest, &old->layers[i], err);
        if (status == MICA_OK)
            job->manifest->config = old->config;
        mica_manifest_free(old);
        if (status != MICA_OK)
            return status;
        job->is_new = true;
    }
    return keep_licence(job, job->args->licence, title, err);
}

/* --licence FILE attaches a text; --licence ID is a statement of whoever registers. */
static enum mica_status bring_licence(struct job *job, struct mica_err *err)
{
    if (!job->args->licence)
        return MICA_OK;
    if (mica_fs_exists(job->args->licence))
        return attach_text(job, err);
    job->asserted = "";
    if (strcmp(job->args->licence, "none") == 0)
        return MICA_OK;
    if (!mica_licence_canonical(job->args->licence, job->licence_id))
        return mica_fail(
            err, MICA_EARG,
            "--licence: '%s' is neither a file nor a licence that Mica knows; give the file with its "
            "text, or an SPDX id such as Apache-2.0",
            job->args->licence);
    job->asserted = job->licence_id;
    return MICA_OK;
}

/* ---- writing ---- */

static bool join_lines(const struct mica_text_list *list, struct mica_buf *out)
{
    for (int i = 0; i < list->n; i++)
        mica_buf_printf(out, "%s%s", i ? "\n" : "", list->items[i]);
    return !out->failed;
}

static enum mica_status record(struct job *job, struct mica_err *err)
{
    const struct args *args = job->args;
    struct mica_buf bases = {0}, datasets = {0};
    enum mica_status status = MICA_OK;
    if (job->is_new && !job->manifest->text) {
        static const struct mica_digest none;
        if (mica_digest_equal(&job->manifest->config.digest, &none))
            status = mica_store_make_config(job->store, job->manifest, err);
        if (status == MICA_OK)
            status = mica_manifest_seal(job->manifest, err);
    }
    if (status == MICA_OK && (!join_lines(&args->bases, &bases) || !join_lines(&args->datasets, &datasets)))
        status = mica_fail(err, MICA_ENOMEM, "register: out of memory");
    const struct mica_origin origin = {.source = args->source   ? args->source
                                                 : *job->source ? job->source
                                                                : NULL,
                                       .asserted = job->asserted,
                                       .bases = bases.data,
                                       .datasets = datasets.data,
                                       .owner = args->owner,
                                       .notes = args->notes,
                                       .event = "register",
                                       .relink = args->relink};
    if (status == MICA_OK)
        status = mica_record_model(job->store, job->reg, &job->name, job->manifest, &origin, NULL, err);
    if (status == MICA_OK && job->is_new)
        status = mica_store_publish(job->store, &job->name, job->manifest, err);
    mica_buf_release(&bases);
    mica_buf_release(&datasets);
    return status;
}

/* A data set may be named before its card is here; the verdict then rests on nothing. */
static void print_links(const struct mica_components *closure)
{
    for (int64_t i = 1; i < closure->n; i++) {
        const struct mica_component *row = &closure->rows[i];
        bool is_declared, is_link = row->kind == MICA_COMPONENT_MODEL || row->kind == MICA_COMPONENT_DATASET;
        if (!is_link || closure->parents[i] != 0)
            continue;
        const char *licence = mica_cli_licence(row, &is_declared),
                   *relation = mica_relation_text(closure->relations[i]);
        bool has_no_card = row->kind == MICA_COMPONENT_DATASET && !*licence;
        printf("  %-10s %s: %s%s%s%s\n", relation, row->name, *licence ? licence : "no licence stated",
               has_no_card ? "; describe it with 'mica dataset add " : "", has_no_card ? row->name : "",
               has_no_card ? " --card FILE', then do this again with --relink" : "");
    }
}

static enum mica_status report(struct job *job, int64_t n_before, struct mica_err *err)
{
    char text[MICA_NAME_TEXT];
    struct mica_components *closure = NULL;
    mica_name_print(&job->name, text);
    enum mica_status status = mica_cli_closure(job->reg, MICA_COMPONENT_MODEL, text, &closure, err);
    if (status != MICA_OK)
        return status;
    if (job->args->json) {
        json_t *rows = json_array();
        for (int64_t i = 0; i < closure->n; i++) {
            json_t *row = mica_cli_component_json(&closure->rows[i]);
            if (i)
                json_object_set_new(row, "relation", json_string(mica_relation_text(closure->relations[i])));
            json_array_append_new(rows, row);
        }
        mica_cli_print_json(json_pack("{s:s, s:o}", "name", text, "components", rows));
    } else {
        printf("%s: registered\n", text);
        mica_cli_print_terms(&closure->rows[0], "  ");
        print_links(closure);
        mica_cli_history_end(job->reg, n_before);
    }
    mica_components_free(closure);
    return MICA_OK;
}

static enum mica_status register_one(struct job *job, const char *what, struct mica_err *err)
{
    int64_t n_before = mica_cli_history_begin(job->reg);
    bool is_path = looks_like_path(what) || (strchr(what, ':') == NULL && is_folder(what));
    enum mica_status status = is_path ? from_path(job, what, err) : from_name(job, what, err);
    if (status == MICA_OK)
        status = bring_licence(job, err);
    if (status == MICA_OK)
        status = record(job, err);
    return status == MICA_OK ? report(job, n_before, err) : status;
}

static int run(void *data, char **operands, int n_operands)
{
    struct job job = {.args = data};
    struct mica_err err;
    if (n_operands + job.args->software != 1)
        return mica_cli_usage("register: give a file, a folder or a stored model's name, or --software");
    enum mica_status status = mica_cli_open_register(&job.store, &job.reg, &err);
    if (status == MICA_OK)
        status = job.args->software ? mica_dependencies_record(job.reg, &err)
                                    : register_one(&job, operands[0], &err);
    mica_manifest_free(job.manifest);
    mica_register_close(job.reg);
    mica_store_close(job.store);
    return status == MICA_OK ? 0 : mica_cli_fail(status, &err);
}

static const struct mica_option options[] = {
    {"as", 0, MICA_OPT_TEXT, offsetof(struct args, as), "NAME",
     "the name to keep it under; default: the file's"},
    {"licence", 0, MICA_OPT_TEXT, offsetof(struct args, licence), "FILE|ID",
     "attach a licence text, or state an SPDX id; 'none' takes a statement back"},
    {"base", 0, MICA_OPT_LIST, offsetof(struct args, bases), "NAME",
     "a model it was made from; may be repeated"},
    {"dataset", 0, MICA_OPT_LIST, offsetof(struct args, datasets), "NAME",
     "what it was trained on; may be repeated"},
    {"relink", 0, MICA_OPT_FLAG, offsetof(struct args, relink), NULL,
     "forget bases and datasets recorded before"},
    {"owner", 0, MICA_OPT_TEXT, offsetof(struct args, owner), "NAME", "who answers for it here"},
    {"notes", 0, MICA_OPT_TEXT, offsetof(struct args, notes), "TEXT", "anything worth keeping"},
    {"source", 0, MICA_OPT_TEXT, offsetof(struct args, source), "TEXT", "where it came from"},
    {"software", 0, MICA_OPT_FLAG, offsetof(struct args, software), NULL, "record what Mica is made with"},
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object"},
};
const struct mica_command mica_command_register = {
    options, MICA_COUNT(options), 0, 1, sizeof(struct args), NULL, run};
