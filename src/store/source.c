/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/source_internal.h"

#include <jansson.h>

#include <ctype.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* ---- plans ---- */

static void release_file(struct mica_plan_file *file)
{
    mica_free(file->url);
    mica_free(file->title);
    mica_free(file->member_of);
    mica_free(file->check);
    mica_free(file->authorization);
}

void mica_plan_release(struct mica_plan *plan)
{
    char **const texts[] = {&plan->source, &plan->revision, &plan->location, &plan->declared,
                            &plan->origin, &plan->datasets, &plan->name,     &plan->manifest};
    for (int64_t i = 0; i < plan->n_files; i++)
        release_file(&plan->files[i]);
    mica_free(plan->files);
    for (size_t i = 0; i < MICA_COUNT(texts); i++)
        mica_free(*texts[i]);
    if (plan->auth_free && plan->auth)
        plan->auth_free(plan->auth);
    *plan = (struct mica_plan){0};
}

struct mica_plan_file *mica_plan_add(struct mica_plan *plan)
{
    if (!mica_grow(&plan->files, plan->n_files, &plan->capacity, sizeof *plan->files))
        return NULL;
    plan->files[plan->n_files] = (struct mica_plan_file){.kind = MICA_LAYER_OTHER};
    return &plan->files[plan->n_files++];
}

enum mica_status mica_plan_set(char **field, const char *text, struct mica_err *err)
{
    char *copy = text ? mica_strdup(text) : NULL;
    if (text && !copy)
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    mica_free(*field);
    *field = copy;
    return MICA_OK;
}

static int by_title(const void *a, const void *b)
{
    const struct mica_plan_file *x = a, *y = b;
    return x->kind != y->kind ? (int)x->kind - (int)y->kind : strcmp(x->title, y->title);
}

void mica_plan_sort(struct mica_plan *plan)
{
    if (plan->n_files) /* qsort takes no NULL, also for nothing */
        qsort(plan->files, (size_t)plan->n_files, sizeof *plan->files, by_title);
}

enum mica_status mica_plan_package(struct mica_puller *puller, const struct mica_packages *packages,
                                   const char *spec, size_t name_len, struct mica_plan *plan,
                                   struct mica_err *err)
{
    json_t *answer = NULL;
    enum mica_status status = packages->ask(puller, spec, &answer, err);
    if (status == MICA_OK)
        status = packages->fill(answer, spec, name_len, plan, err);
    json_decref(answer);
    if (status != MICA_OK)
        return status;
    struct mica_package_auth *auth = mica_alloc(1, sizeof *auth);
    if (!auth)
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    auth->puller = puller;
    snprintf(auth->spec, sizeof auth->spec, "%.*s%s%s", (int)name_len, spec, packages->at, plan->revision);
    plan->auth = auth;
    plan->auth_free = mica_free;
    plan->renew = packages->renew;
    return MICA_OK;
}

/* ---- the private folder ---- */

enum mica_status mica_puller_scratch(struct mica_puller *puller, const char **path_out, struct mica_err *err)
{
    if (!puller->scratch) {
        char path[MICA_PATH_MAX];
        const char *tmp = getenv("TMPDIR");
        enum mica_status status =
            mica_fs_path(path, err, "%s/mica-pull-XXXXXX", tmp && tmp[0] == '/' ? tmp : "/tmp");
        if (status != MICA_OK)
            return status;
        if (!mkdtemp(path))
            return mica_fail(err, MICA_EIO, "%s: %s", path, strerror(errno));
        puller->scratch = mica_strdup(path);
        if (!puller->scratch) {
            rmdir(path);
            return mica_fail(err, MICA_ENOMEM, "out of memory");
        }
    }
    *path_out = puller->scratch;
    return MICA_OK;
}

bool mica_puller_progress(void *user, uint64_t done, uint64_t total)
{
    struct mica_puller *p = user;
    if (!p->options->progress)
        return true;
    uint64_t all = p->total ? p->total : total ? p->done_before + total : 0;
    uint64_t now = p->done_before + done;
    p->is_cancelled = !p->options->progress(p->options->user, p->what, now, all && now > all ? now : all);
    return !p->is_cancelled;
}

/* ---- names of files ---- */

const char *mica_source_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool ends_with(const char *text, const char *suffix)
{
    size_t len = strlen(text), n = strlen(suffix);
    return len > n && strcasecmp(text + len - n, suffix) == 0;
}

static bool is_text_name(const char *base)
{
    static const char *const suffixes[] = {".txt", ".md", ".rst", ".text"};
    for (size_t i = 0; i < MICA_COUNT(suffixes); i++)
        if (ends_with(base, suffixes[i]))
            return true;
    const char *dot = strrchr(base, '.');
    return !dot || isdigit((unsigned char)dot[1]) ||
           isupper((unsigned char)dot[1]); /* LICENSE-2.0, LICENSE.MIT */
}

/* Words with which files of terms begin, or that they hold. */
static bool is_terms(const char *base)
{
    static const char *const begins[] = {"LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE", "TERMS"};
    if (!is_text_name(base))
        return false;
    for (size_t i = 0; i < MICA_COUNT(begins); i++)
        if (strncasecmp(base, begins[i], strlen(begins[i])) == 0)
            return true;
    return strcasestr(base, "POLICY") != NULL || strcasestr(base, "LICENSE") != NULL;
}

static const struct {
    const char *suffix;
    enum mica_layer_kind kind;
} suffix_kinds[] = {
    {".gguf", MICA_LAYER_MODEL}, {".safetensors", MICA_LAYER_FILE}, {".json", MICA_LAYER_FILE},
    {".jinja", MICA_LAYER_FILE}, {".model", MICA_LAYER_FILE},       {"merges.txt", MICA_LAYER_FILE},
};

enum mica_layer_kind mica_source_kind(const char *path)
{
    const char *base = mica_source_base(path);
    if (is_terms(base))
        return MICA_LAYER_LICENSE;
    if (strcasecmp(base, "README.md") == 0 || strcmp(base, "METADATA") == 0 ||
        strcmp(base, "package.json") == 0)
        return MICA_LAYER_CARD;
    if (strcmp(base, "vocab.txt") == 0 || strcmp(base, "merges.txt") == 0)
        return MICA_LAYER_FILE;
    for (size_t i = 0; i < MICA_COUNT(suffix_kinds); i++)
        if (ends_with(base, suffix_kinds[i].suffix))
            return suffix_kinds[i].kind;
    return MICA_LAYER_OTHER;
}

int mica_source_split(const char *name, size_t *stem_len)
{
    static const char example[] = "-00001-of-00001.gguf";
    size_t len = strlen(name), n = sizeof example - 1;
    unsigned part, count;
    int used = 0;
    if (len <= n || sscanf(name + len - n, "-%5u-of-%5u.gguf%n", &part, &count, &used) != 2 ||
        used != (int)n || part < 1 || part > count)
        return 0;
    *stem_len = len - n;
    return (int)count;
}

bool mica_source_name(struct mica_buf *out, const char *text)
{
    bool is_first = true;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool fits = c < 128 && (isalnum(c) || (strchr("._-", c) && !is_first));
        if (fits || !is_first)
            mica_buf_append(out, fits ? &(char){(char)tolower(c)} : "-", 1);
        is_first = is_first && !fits;
    }
    return !out->failed && !is_first;
}

const char *mica_source_archive(const char *name)
{
    return ends_with(name, ".whl") || ends_with(name, ".zip")      ? "zip"
           : ends_with(name, ".tgz") || ends_with(name, ".tar.gz") ? "tgz"
                                                                   : NULL;
}

enum mica_status mica_source_check_gguf(const char *name, const void *head, size_t len, struct mica_err *err)
{
    static const char pointer[] = "version https://git-lfs";
    if (len >= 4 && memcmp(head, "GGUF", 4) == 0)
        return MICA_OK;
    if (len >= sizeof pointer - 1 && memcmp(head, pointer, sizeof pointer - 1) == 0)
        return mica_fail(err, MICA_EFORMAT,
                         "%s: a Git LFS pointer instead of the file itself; fetch the file (git lfs pull)",
                         name);
    return mica_fail(err, MICA_EFORMAT, "%s: not a GGUF file", name);
}
