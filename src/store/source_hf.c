/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* hf:OWNER/REPO[@REVISION][:FILE or QUANT], from $HF_ENDPOINT or https://huggingface.co. The revision is
 * pinned to its commit; the API's list of files gives digest and size of each: SHA-256 of what lies in Git
 * LFS, git's own SHA-1 of the small ones. */
#include "store/source_internal.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { API_LIMIT = 32 << 20, FILES_MAX = 900, SHOWN_MAX = 12 };
static const char default_quant[] = "Q4_K_M";

struct repo {
    char id[256], revision[128], wanted[256]; /* wanted: a file or a quantisation, or "" */
    const char *endpoint;
    bool is_dataset, only_texts;
    char *authorization;
    json_t *info;
    const char *commit;
};

/* ---- what is asked for ---- */

static bool is_word(const char *text, size_t len)
{
    static const char fine[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    if (len == 0 || len > 96 || text[0] == '.' || text[0] == '-')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!memchr(fine, text[i], sizeof fine - 1))
            return false;
    return true;
}

static bool is_path(const char *text)
{
    if (!*text || text[0] == '/')
        return false;
    for (const char *at = text; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 127 || *at == '\\')
            return false;
    for (const char *at = text; at; at = strchr(at, '/'), at = at ? at + 1 : NULL)
        if (at[0] == '.' && (at[1] == '/' || !at[1] || (at[1] == '.' && (at[2] == '/' || !at[2]))))
            return false;
    return strlen(text) < 250;
}

static bool parse(const char *rest, struct repo *repo)
{
    size_t len = strcspn(rest, "@:"), owner = strcspn(rest, "/");
    const char *at = rest + len;
    if (len >= sizeof repo->id || owner >= len || !is_word(rest, owner) ||
        !is_word(rest + owner + 1, len - owner - 1))
        return false;
    snprintf(repo->id, sizeof repo->id, "%.*s", (int)len, rest);
    snprintf(repo->revision, sizeof repo->revision, "main");
    if (*at == '@') {
        size_t n = strcspn(++at, ":");
        if (n >= sizeof repo->revision)
            return false;
        snprintf(repo->revision, sizeof repo->revision, "%.*s", (int)n, at);
        if (!is_path(repo->revision))
            return false;
        at += n;
    }
    if (*at == ':') {
        if (!is_path(at + 1))
            return false;
        snprintf(repo->wanted, sizeof repo->wanted, "%s", at + 1);
    }
    return true;
}

/* ---- access ---- */

static enum mica_status set_token(struct repo *repo, const char *token, struct mica_err *err)
{
    struct mica_buf text = {0};
    size_t len = strcspn(token, "\r\n");
    for (size_t i = 0; i < len; i++)
        if (token[i] <= ' ' || token[i] > '~')
            return mica_fail(err, MICA_EARG, "the Hugging Face token has characters that no token has");
    if (!len)
        return MICA_OK;
    if (!mica_buf_printf(&text, "Bearer %.*s", (int)len, token)) {
        mica_buf_release(&text);
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    }
    repo->authorization = text.data;
    return MICA_OK;
}

static enum mica_status find_token(struct repo *repo, struct mica_err *err)
{
    char path[MICA_PATH_MAX];
    struct mica_buf text = {0};
    const char *token = getenv("HF_TOKEN"), *named = getenv("HF_TOKEN_PATH"), *hf_home = getenv("HF_HOME"),
               *home = getenv("HOME");
    if (token && *token)
        return set_token(repo, token, err);
    enum mica_status status = named ? mica_fs_path(path, err, "%s", named)
                              : hf_home
                                  ? mica_fs_path(path, err, "%s/token", hf_home)
                                  : mica_fs_path(path, err, "%s/.cache/huggingface/token", home ? home : "");
    if (status == MICA_OK && mica_fs_read(path, 4096, &text, NULL) == MICA_OK)
        status = set_token(repo, text.data, err);
    mica_buf_release(&text);
    return status;
}

/* What an answer other than 2xx means here. The hub says X-Error-Code; without a token it tells what is not
 * there like what is private. */
static enum mica_status check(const struct repo *repo, const struct mica_http_response *response,
                              struct mica_err *err)
{
    const char *code = mica_http_header(response, "X-Error-Code", 0);
    bool refused = response->status == 401 || response->status == 403;
    code = code ? code : "";
    if (refused && strcmp(code, "GatedRepo") == 0)
        return mica_fail(err, MICA_EDENIED, "hf:%s: is gated%s: accept its terms at %s/%s%s", repo->id,
                         repo->authorization ? " for the token that was sent" : "", repo->endpoint, repo->id,
                         repo->authorization ? "" : ", make a token in the settings there, and set HF_TOKEN");
    if (response->status == 401 && repo->authorization && !*code)
        return mica_fail(err, MICA_EDENIED,
                         "hf:%s: the hub does not accept the token that was sent (HF_TOKEN, or "
                         "what \"hf auth login\" stored)",
                         repo->id);
    if (refused)
        return mica_fail(err, MICA_EDENIED,
                         "hf:%s: not there, private, or gated (%d)%s. For a gated model: accept its terms at "
                         "%s/%s, make a token at %s/settings/tokens, and set HF_TOKEN",
                         repo->id, response->status,
                         repo->authorization ? ", for the token that was sent" : "", repo->endpoint, repo->id,
                         repo->endpoint);
    if (response->status == 404 && strcmp(code, "RevisionNotFound") == 0)
        return mica_fail(err, MICA_ENOTFOUND, "hf:%s: it has no revision '%s'", repo->id, repo->revision);
    if (response->status == 404)
        return mica_fail(err, MICA_ENOTFOUND, "hf:%s: there is no such repository or revision (%s)", repo->id,
                         repo->revision);
    return mica_http_check(response->status, repo->id, err);
}

static enum mica_status ask(struct mica_puller *puller, struct repo *repo, struct mica_err *err)
{
    struct mica_buf url = {0};
    struct mica_http_response response;
    mica_buf_printf(&url, "%s/api/%s/%s/revision/", repo->endpoint, repo->is_dataset ? "datasets" : "models",
                    repo->id);
    mica_http_escape(&url, repo->revision, "");
    if (!mica_buf_puts(&url, "?blobs=true")) {
        mica_buf_release(&url);
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    }
    const struct mica_http_request request = {.url = url.data,
                                              .authorization = repo->authorization,
                                              .limit = API_LIMIT,
                                              .progress = mica_puller_progress,
                                              .user = puller};
    enum mica_status status = mica_http_do(puller->http, &request, &response, err);
    mica_buf_release(&url);
    if (status != MICA_OK)
        return status;
    status = check(repo, &response, err);
    if (status == MICA_OK) {
        repo->info = json_loadb(response.body.data, response.body.len, JSON_REJECT_DUPLICATES, NULL);
        repo->commit = json_string_value(json_object_get(repo->info, "sha"));
        if (!repo->commit || strlen(repo->commit) < 7 ||
            strspn(repo->commit, "0123456789abcdef") != strlen(repo->commit) ||
            !json_is_array(json_object_get(repo->info, "siblings")))
            status =
                mica_fail(err, MICA_EFORMAT, "hf:%s: the hub's answer names no commit or no files", repo->id);
    }
    mica_http_response_release(&response);
    return status;
}

/* ---- which files ---- */

static const char *file_name(const json_t *sibling)
{
    const char *name = json_string_value(json_object_get(sibling, "rfilename"));
    return name && is_path(name) ? name : NULL;
}

static bool ends_with(const char *text, const char *suffix)
{
    size_t len = strlen(text), n = strlen(suffix);
    return len > n && strcasecmp(text + len - n, suffix) == 0;
}

static bool is_model(const char *name)
{
    return ends_with(name, ".gguf") && strncasecmp(mica_source_base(name), "mmproj", 6) != 0;
}

/* Does the name carry the quantisation as a word of its own? */
static bool has_quant(const char *name, const char *quant)
{
    size_t n = strlen(quant);
    for (const char *at = name; (at = strcasestr(at, quant)) != NULL; at++) {
        bool begins = at == name || strchr("-._/", at[-1]);
        if (begins && (!at[n] || strchr("-./", at[n])))
            return true;
    }
    return false;
}

/* The same file but for the part number, or the very same. */
static bool is_same_model(const char *a, const char *b)
{
    size_t x, y;
    int n = mica_source_split(a, &x), m = mica_source_split(b, &y);
    return n && n == m ? x == y && strncmp(a, b, x) == 0 : strcmp(a, b) == 0;
}

static void list_models(const struct repo *repo, struct mica_buf *out)
{
    size_t i, n = 0;
    json_t *sibling;
    json_array_foreach(json_object_get(repo->info, "siblings"), i, sibling)
    {
        const char *name = file_name(sibling);
        if (name && is_model(name) && n++ < SHOWN_MAX)
            mica_buf_printf(out, "%s%.60s", out->len ? ", " : "", name);
    }
}

/* What the GGUF files of a repository are, beside what is wanted. */
struct choice {
    const char *exact, *by_quant, *only; /* only: the first one */
    bool is_only;                        /* all others are parts of the same */
};

static void look(const struct repo *repo, const char *quant, struct choice *c)
{
    size_t i;
    json_t *sibling;
    *c = (struct choice){.is_only = true};
    json_array_foreach(json_object_get(repo->info, "siblings"), i, sibling)
    {
        const char *name = file_name(sibling);
        if (!name || !is_model(name))
            continue;
        if (!c->exact && is_same_model(name, repo->wanted))
            c->exact = name;
        if (!c->by_quant && has_quant(name, quant))
            c->by_quant = name;
        c->is_only = c->is_only && (!c->only || is_same_model(c->only, name));
        c->only = c->only ? c->only : name;
    }
}

/* The GGUF file that is meant; NULL with MICA_OK: there is none in the repository. */
static enum mica_status choose(const struct repo *repo, const char **chosen, struct mica_err *err)
{
    const char *quant = *repo->wanted ? repo->wanted : default_quant;
    struct choice c;
    look(repo, quant, &c);
    *chosen = c.exact ? c.exact : c.by_quant ? c.by_quant : !*repo->wanted && c.is_only ? c.only : NULL;
    if (*chosen || (!c.only && !*repo->wanted))
        return MICA_OK;
    struct mica_buf names = {0};
    list_models(repo, &names);
    enum mica_status status =
        mica_fail(err, MICA_ENOTFOUND, "hf:%s: %s%s%s; say which of these as hf:%s:FILE: %.250s", repo->id,
                  *repo->wanted ? "no GGUF file for '" : "several GGUF files and none of ", quant,
                  *repo->wanted ? "'" : "", repo->id, names.data ? names.data : "(there is none)");
    mica_buf_release(&names);
    return status;
}

/* The part that a file of the repository plays, with the GGUF file chosen (or none: an HF folder). */
static enum mica_layer_kind role(const char *name, const char *chosen)
{
    enum mica_layer_kind kind = mica_source_kind(name);
    bool at_top = !strchr(name, '/');
    if (kind == MICA_LAYER_MODEL)
        return chosen && is_same_model(name, chosen) ? kind : MICA_LAYER_OTHER;
    if (kind == MICA_LAYER_CARD)
        return strcmp(name, "README.md") == 0 ? kind : MICA_LAYER_OTHER;
    if (kind == MICA_LAYER_LICENSE)
        return at_top ? kind : MICA_LAYER_OTHER;
    if (kind == MICA_LAYER_FILE && !chosen && at_top && strncmp(name, "consolidated", 12) != 0)
        return kind;
    return MICA_LAYER_OTHER;
}

/* ---- the plan ---- */

static enum mica_status set_digest(const struct repo *repo, const json_t *sibling, const char *name,
                                   struct mica_plan_file *file, struct mica_err *err)
{
    const json_t *lfs = json_object_get(sibling, "lfs"), *size = json_object_get(sibling, "size");
    const char *sha256 = json_string_value(json_object_get(lfs, "sha256"));
    const char *blob = json_string_value(json_object_get(sibling, "blobId"));
    char text[64];
    if (lfs && !json_is_null(lfs)) {
        if (!sha256 || !mica_digest_parse(sha256, &file->digest))
            return mica_fail(err, MICA_EFORMAT, "hf:%s: the hub states no SHA-256 for %.100s", repo->id,
                             name);
        file->has_digest = true;
        size = json_object_get(lfs, "size") ? json_object_get(lfs, "size") : size;
    } else if (blob && strlen(blob) == 40 && strspn(blob, "0123456789abcdef") == 40) {
        snprintf(text, sizeof text, "git-sha1:%s", blob);
        enum mica_status status = mica_plan_set(&file->check, text, err);
        if (status != MICA_OK)
            return status;
    } else {
        return mica_fail(err, MICA_EFORMAT, "hf:%s: the hub states no digest for %.100s", repo->id, name);
    }
    if (json_is_integer(size) && json_integer_value(size) >= 0) {
        file->size = (uint64_t)json_integer_value(size);
        file->is_exact = file->size > 0;
    }
    return MICA_OK;
}

static enum mica_status add_file(const struct repo *repo, const json_t *sibling, const char *name,
                                 enum mica_layer_kind kind, struct mica_plan *plan, struct mica_err *err)
{
    struct mica_buf url = {0};
    if (plan->n_files == FILES_MAX)
        return mica_fail(err, MICA_ELIMIT, "hf:%s: more than %d files", repo->id, FILES_MAX);
    struct mica_plan_file *file = mica_plan_add(plan);
    if (!file)
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    file->kind = kind;
    mica_buf_printf(&url, "%s/%s%s/resolve/%s/", repo->endpoint, repo->is_dataset ? "datasets/" : "",
                    repo->id, repo->commit);
    enum mica_status status = mica_http_escape(&url, name, "/")
                                  ? mica_plan_set(&file->url, url.data, err)
                                  : mica_fail(err, MICA_ENOMEM, "out of memory");
    if (status == MICA_OK)
        status = mica_plan_set(&file->title, kind == MICA_LAYER_MODEL ? mica_source_base(name) : name, err);
    if (status == MICA_OK)
        status = mica_plan_set(&file->authorization, repo->authorization, err);
    if (status == MICA_OK)
        status = set_digest(repo, sibling, name, file, err);
    mica_buf_release(&url);
    return status;
}

static enum mica_status add_files(const struct repo *repo, struct mica_plan *plan, struct mica_err *err)
{
    const char *chosen = NULL;
    size_t i, stem;
    int n_models = 0;
    bool has_tensors = false;
    json_t *sibling;
    enum mica_status status = repo->only_texts ? MICA_OK : choose(repo, &chosen, err);
    json_array_foreach(json_object_get(repo->info, "siblings"), i, sibling)
    {
        const char *name = file_name(sibling);
        enum mica_layer_kind kind = name ? role(name, chosen) : MICA_LAYER_OTHER;
        bool is_text = kind == MICA_LAYER_CARD || kind == MICA_LAYER_LICENSE;
        if (status != MICA_OK || kind == MICA_LAYER_OTHER || (repo->only_texts && !is_text))
            continue;
        n_models += kind == MICA_LAYER_MODEL;
        has_tensors = has_tensors || ends_with(name, ".safetensors");
        status = add_file(repo, sibling, name, kind, plan, err);
    }
    if (status != MICA_OK)
        return status;
    if (!chosen && !has_tensors && !repo->only_texts)
        return mica_fail(err, MICA_ENOTFOUND, "hf:%s: no model in it (neither *.gguf nor *.safetensors)",
                         repo->id);
    int parts = chosen ? mica_source_split(chosen, &stem) : 0;
    if (parts && parts != n_models)
        return mica_fail(err, MICA_EFORMAT, "hf:%s: %d of the %d parts of %.100s are there", repo->id,
                         n_models, parts, chosen);
    mica_plan_sort(plan);
    return MICA_OK;
}

/* A field of the card that is one id or a list of them, as lines "hf:owner/repo". */
static enum mica_status set_lines(char **field, const json_t *value, struct mica_err *err)
{
    struct mica_buf text = {0};
    size_t n = json_is_array(value) ? json_array_size(value) : 1;
    for (size_t i = 0; i < n && i < 200; i++) {
        const char *id = json_string_value(json_is_array(value) ? json_array_get(value, i) : value);
        if (id && is_path(id))
            mica_buf_printf(&text, "%shf:%s", text.len ? "\n" : "", id);
    }
    enum mica_status status = text.failed ? mica_fail(err, MICA_ENOMEM, "out of memory")
                              : text.len  ? mica_plan_set(field, text.data, err)
                                          : MICA_OK;
    mica_buf_release(&text);
    return status;
}

static const char *first_text(const json_t *value)
{
    return json_string_value(json_is_array(value) ? json_array_get(value, 0) : value);
}

static enum mica_status set_facts(const struct repo *repo, struct mica_plan *plan, struct mica_err *err)
{
    const json_t *card = json_object_get(repo->info, "cardData");
    const char *licence = first_text(json_object_get(card, "license"));
    const char *name = json_string_value(json_object_get(card, "license_name"));
    struct mica_buf text = {0}, clean = {0};
    if (name && (!licence || strcmp(licence, "other") == 0))
        licence = name;
    enum mica_status status = mica_plan_set(&plan->declared, licence, err);
    if (status == MICA_OK)
        status = set_lines(&plan->origin, json_object_get(card, "base_model"), err);
    if (status == MICA_OK)
        status = set_lines(&plan->datasets, json_object_get(card, "datasets"), err);
    if (status == MICA_OK)
        status = mica_plan_set(&plan->revision, repo->commit, err);
    if (status == MICA_OK && !mica_buf_printf(&text, "%s/%s%s/tree/%s", repo->endpoint,
                                              repo->is_dataset ? "datasets/" : "", repo->id, repo->commit))
        status = mica_fail(err, MICA_ENOMEM, "out of memory");
    if (status == MICA_OK)
        status = mica_plan_set(&plan->location, text.data, err);
    if (status == MICA_OK && mica_source_name(&clean, mica_source_base(repo->id)) &&
        (!*repo->wanted || ends_with(repo->wanted, ".gguf") || strchr(repo->wanted, '/') ||
         mica_buf_printf(&clean, ":%s", repo->wanted)))
        status = mica_plan_set(&plan->name, clean.data, err);
    mica_buf_release(&text);
    mica_buf_release(&clean);
    return status;
}

enum mica_status mica_plan_hf(struct mica_puller *puller, const char *rest, struct mica_plan *plan,
                              struct mica_err *err)
{
    struct repo repo = {.endpoint = getenv("HF_ENDPOINT"),
                        .is_dataset = puller->options->dataset,
                        .only_texts = puller->options->texts || puller->options->dataset};
    char endpoint[512];
    if (!parse(rest, &repo))
        return mica_fail(err, MICA_EARG,
                         "hf:%.200s: not OWNER/REPO[@REVISION][:FILE or QUANT] with the characters they have",
                         rest);
    snprintf(endpoint, sizeof endpoint, "%s",
             repo.endpoint && *repo.endpoint ? repo.endpoint : "https://huggingface.co");
    for (size_t n = strlen(endpoint); n > 0 && endpoint[n - 1] == '/'; n--)
        endpoint[n - 1] = '\0';
    repo.endpoint = endpoint;
    puller->what = repo.id;
    enum mica_status status = find_token(&repo, err);
    if (status == MICA_OK)
        status = ask(puller, &repo, err);
    if (status == MICA_OK)
        status = add_files(&repo, plan, err);
    if (status == MICA_OK)
        status = set_facts(&repo, plan, err);
    json_decref(repo.info);
    mica_free(repo.authorization);
    return status;
}
