/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* A pull: plans of all sources, checks, the files, the manifest. */
#include "store/unpack.h"
#include "store/look.h"
#include "store/source_internal.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SOURCES_MAX = 256 };
static const uint64_t disk_reserve = 32 << 20;

static const struct row {
    const char *name, *spelling;
    enum mica_status (*plan)(struct mica_puller *, const char *, struct mica_plan *, struct mica_err *);
} rows[] = {
#define X(name, spelling) {#name, spelling, mica_plan_##name},
#include "store/sources.def"
#undef X
};

/* One pull as it goes. plans[0] gathers all files; owner[i] is the plan that file i came from. */
struct pull {
    struct mica_puller puller;
    char *sources[SOURCES_MAX];
    int n_sources;
    struct mica_plan *plans;
    int *owners;
    struct mica_archive **archives;
    int n_archives;
    struct mica_manifest *manifest;
    struct mica_name name;
};

/* ---- sources ---- */

static enum mica_status add_source(struct pull *p, const char *text, struct mica_err *err)
{
    if (p->n_sources == SOURCES_MAX)
        return mica_fail(err, MICA_ELIMIT, "more than %d sources", SOURCES_MAX);
    char *copy = mica_strdup(text);
    if (!copy)
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    p->sources[p->n_sources++] = copy;
    return MICA_OK;
}

/* "pypi:NAME-part{1..4}" is four sources. */
static enum mica_status expand(struct pull *p, const char *text, struct mica_err *err)
{
    const char *open = strchr(text, '{');
    unsigned first, last;
    int used = 0;
    if (!open || sscanf(open, "{%4u..%4u}%n", &first, &last, &used) != 2 || used == 0)
        return add_source(p, text, err);
    enum mica_status status = MICA_OK;
    for (unsigned i = first; status == MICA_OK && i <= last; i++) {
        struct mica_buf one = {0};
        mica_buf_printf(&one, "%.*s%u%s", (int)(open - text), text, i, open + used);
        status = one.failed ? mica_fail(err, MICA_ENOMEM, "out of memory") : add_source(p, one.data, err);
        mica_buf_release(&one);
    }
    return status;
}

static const struct row *find_row(const char *name, size_t len)
{
    for (size_t i = 0; i < MICA_COUNT(rows); i++)
        if (strlen(rows[i].name) == len && strncmp(rows[i].name, name, len) == 0)
            return &rows[i];
    return NULL;
}

static enum mica_status unknown_source(const char *source, struct mica_err *err)
{
    struct mica_buf text = {0};
    for (size_t i = 0; i < MICA_COUNT(rows); i++)
        mica_buf_printf(&text, "%s%s", i ? ", " : "", rows[i].spelling);
    enum mica_status status =
        mica_fail(err, MICA_EARG, "'%.100s': not a source; sources are %s%s", source,
                  text.data ? text.data : "", mica_fs_exists(source) ? ". A file: file:PATH" : "");
    mica_buf_release(&text);
    return status;
}

static enum mica_status plan_source(struct pull *p, const char *source, struct mica_plan *plan,
                                    struct mica_err *err)
{
    size_t len = strcspn(source, ":");
    struct mica_name name;
    const struct row *row = source[len] ? find_row(source, len) : NULL;
    const char *rest = row ? source + len + 1 : source;
    if (!row && mica_name_parse(source, &name, NULL) == MICA_OK)
        row = find_row("ollama", 6); /* a bare name */
    if (!row)
        return unknown_source(source, err);
    enum mica_status status = row->plan(&p->puller, rest, plan, err);
    if (status == MICA_OK && !plan->source)
        status = mica_plan_set(&plan->source, source, err);
    if (status == MICA_OK && plan->n_files == 0 && !p->puller.options->texts && !p->puller.options->dataset)
        status = mica_fail(err, MICA_ENOTFOUND, "%.200s: there is nothing to fetch", source);
    return status;
}

/* Adds text to a field as one more item unless it is there. */
static enum mica_status join_text(char **field, const char *text, const char *between, struct mica_err *err)
{
    struct mica_buf joined = {0};
    if (!text || (*field && strcmp(*field, text) == 0))
        return MICA_OK;
    mica_buf_printf(&joined, "%s%s%s", *field ? *field : "", *field ? between : "", text);
    enum mica_status status =
        joined.failed ? mica_fail(err, MICA_ENOMEM, "out of memory") : mica_plan_set(field, joined.data, err);
    mica_buf_release(&joined);
    return status;
}

/* Moves the files of plan i to plan 0, and what it states. */
static enum mica_status merge(struct pull *p, int i, struct mica_err *err)
{
    struct mica_plan *into = &p->plans[0], *from = &p->plans[i];
    enum mica_status status = MICA_OK;
    for (int64_t k = 0; i > 0 && status == MICA_OK && k < from->n_files; k++) {
        struct mica_plan_file *file = mica_plan_add(into);
        if (!file)
            return mica_fail(err, MICA_ENOMEM, "out of memory");
        *file = from->files[k];
        from->files[k] = (struct mica_plan_file){0};
    }
    int *owners = mica_realloc(p->owners, (size_t)into->n_files, sizeof *owners);
    if (!owners)
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    p->owners = owners;
    for (int64_t k = into->n_files - from->n_files; k < into->n_files; k++)
        owners[k] = i;
    if (i == 0)
        return MICA_OK;
    from->n_files = 0;
    status = join_text(&into->source, from->source, " ", err);
    if (status == MICA_OK)
        status = join_text(&into->declared, from->declared, " AND ", err);
    if (status == MICA_OK)
        status = join_text(&into->origin, from->origin, "\n", err);
    return status;
}

static enum mica_status make_plans(struct pull *p, struct mica_err *err)
{
    enum mica_status status = MICA_OK;
    p->plans = mica_alloc((size_t)p->n_sources, sizeof *p->plans);
    if (!p->plans)
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    for (int i = 0; status == MICA_OK && i < p->n_sources; i++) {
        status = plan_source(p, p->sources[i], &p->plans[i], err);
        for (int64_t k = 0; status == MICA_OK && p->n_sources > 1 && k < p->plans[i].n_files; k++)
            if (!p->plans[i].files[k].member_of)
                status =
                    mica_fail(err, MICA_EARG,
                              "%.200s: several sources are for packages that each bring a part of one file",
                              p->sources[i]);
        if (status == MICA_OK)
            status = merge(p, i, err);
    }
    if (status != MICA_OK)
        return status;
    const char *name = p->puller.options->as ? p->puller.options->as : p->plans[0].name;
    if (!name)
        return mica_fail(err, MICA_EARG, "%.200s: say what to store it as: --as NAME", p->plans[0].source);
    return mica_name_parse(name, &p->name, err);
}

/* ---- is there room? ---- */

static bool is_remote(const struct mica_plan_file *file)
{
    return strncmp(file->url, "file:", 5) != 0;
}

/* Sizes that the source does not state, as the server says them. */
static void ask_sizes(struct pull *p)
{
    struct mica_plan *plan = &p->plans[0];
    for (int64_t i = 0; i < plan->n_files; i++)
        if (!plan->files[i].size)
            plan->files[i].size = mica_look_size(p->puller.http, &plan->files[i]);
}

static void free_bytes(const char *home, char place[MICA_PATH_MAX], uint64_t *out)
{
    snprintf(place, MICA_PATH_MAX, "%s", home);
    while (mica_fs_free_bytes(place, out, NULL) != MICA_OK) {
        char *slash = strrchr(place, '/');
        if (!slash || slash == place) {
            snprintf(place, MICA_PATH_MAX, "%s", slash ? "/" : ".");
            if (mica_fs_free_bytes(place, out, NULL) != MICA_OK)
                *out = UINT64_MAX;
            return;
        }
        *slash = '\0';
    }
}

/* What an earlier, interrupted pull left of the file takes no more room. */
static uint64_t bytes_left(const struct pull *p, const struct mica_plan_file *file)
{
    char path[MICA_PATH_MAX];
    struct stat st;
    const uint64_t block = 512;
    size_t len;
    if (!file->has_digest || mica_store_blob_path(p->puller.store, &file->digest, path, NULL) != MICA_OK)
        return file->size;
    len = strlen(path);
    snprintf(path + len, sizeof path - len, "-partial");
    uint64_t has = stat(path, &st) == 0 ? (uint64_t)st.st_blocks * block : 0;
    return has < file->size ? file->size - has : 0;
}

static enum mica_status check_room(struct pull *p, struct mica_err *err)
{
    const struct mica_plan *plan = &p->plans[0];
    uint64_t need = 0, total = 0, room;
    char place[MICA_PATH_MAX];
    for (int64_t i = 0; i < plan->n_files; i++) {
        const struct mica_plan_file *file = &plan->files[i];
        bool is_there = file->has_digest && mica_store_has_blob(p->puller.store, &file->digest);
        bool is_copied = is_remote(file) || !(p->puller.options->link || file->member_of);
        /* An archive and what comes out of it lie side by side for a while. */
        uint64_t bytes = (is_there || !is_copied ? 0 : file->size),
                 unpacked = file->member_of ? file->size : 0;
        if (__builtin_add_overflow(need, bytes ? bytes_left(p, file) : 0, &need) ||
            __builtin_add_overflow(need, unpacked, &need))
            need = UINT64_MAX;
        total = total > UINT64_MAX - bytes ? UINT64_MAX : total + bytes;
    }
    p->puller.total = total;
    free_bytes(mica_store_home(p->puller.store), place, &room);
    if (need && (room < disk_reserve || need > room - disk_reserve))
        return mica_fail(err, MICA_ELIMIT,
                         "not enough disk: %" PRIu64 " MB are needed, with %" PRIu64
                         " MB to spare, and %" PRIu64
                         " MB are free in %.200s; free some ('mica gc'), or set MICA_HOME to another disk",
                         need / 1000000, disk_reserve / 1000000, room / 1000000, place);
    return MICA_OK;
}

/* ---- fetching ---- */

static enum mica_status keep_archive(struct pull *p, struct mica_mapping *map, const char *kind,
                                     struct mica_err *err)
{
    enum mica_status status = mica_archive_open(map, kind, &p->archives[p->n_archives], err);
    mica_mapping_free(map);
    p->n_archives += status == MICA_OK;
    return status;
}

static enum mica_status fetch_all(struct pull *p, struct mica_err *err)
{
    struct mica_plan *plan = &p->plans[0];
    enum mica_status status = MICA_OK;
    p->archives = mica_alloc((size_t)plan->n_files, sizeof *p->archives);
    p->manifest = plan->manifest ? NULL : mica_manifest_new();
    if (!p->archives || (!p->manifest && !plan->manifest))
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    for (int64_t i = 0; status == MICA_OK && i < plan->n_files; i++) {
        struct mica_plan_file *file = &plan->files[i];
        struct mica_mapping *archive = NULL;
        struct mica_digest digest;
        uint64_t size = 0;
        bool was_there = file->has_digest && mica_store_has_blob(p->puller.store, &file->digest);
        status = mica_puller_fetch(&p->puller, &p->plans[p->owners[i]], file, &digest, &size, &archive, err);
        if (status == MICA_OK && !was_there)
            p->puller.done_before += size;
        if (status == MICA_OK && archive)
            status = keep_archive(p, archive, file->member_of, err);
        else if (status == MICA_OK && p->manifest)
            status = mica_manifest_add(p->manifest, file->kind, &digest, size, file->title, err);
    }
    return status;
}

/* Archives that were fetched are of no more use once their members are blobs. */
static void drop_archives(struct pull *p)
{
    const struct mica_plan *plan = &p->plans[0];
    char path[MICA_PATH_MAX];
    for (int64_t i = 0; i < plan->n_files; i++)
        if (plan->files[i].member_of && plan->files[i].has_digest &&
            mica_store_blob_path(p->puller.store, &plan->files[i].digest, path, NULL) == MICA_OK)
            unlink(path);
}

static enum mica_status publish(struct pull *p, struct mica_err *err)
{
    const struct mica_plan *plan = &p->plans[0];
    enum mica_status status = MICA_OK;
    if (plan->manifest)
        status = mica_manifest_parse(plan->manifest, plan->manifest_len, &p->manifest, err);
    if (status == MICA_OK && p->n_archives) {
        struct mica_err cause;
        status = mica_puller_members(&p->puller, p->archives, p->n_archives, p->manifest, &cause);
        if (status != MICA_OK)
            return mica_fail(err, status, "%s: %s", plan->source ? plan->source : "archive", cause.text);
    }
    if (status == MICA_OK && !plan->manifest)
        status = mica_store_make_config(p->puller.store, p->manifest, err);
    if (status == MICA_OK && !plan->manifest)
        status = mica_manifest_seal(p->manifest, err);
    if (status == MICA_OK)
        status = mica_store_publish(p->puller.store, &p->name, p->manifest, err);
    if (status == MICA_OK)
        drop_archives(p);
    return status;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    return remove(path);
}

static void release(struct pull *p)
{
    if (p->puller.scratch) {
        nftw(p->puller.scratch, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
        mica_free(p->puller.scratch);
    }
    for (int i = 0; i < p->n_archives; i++)
        mica_archive_free(p->archives[i]);
    mica_free(p->archives);
    for (int i = 0; i < p->n_sources; i++) {
        if (p->plans)
            mica_plan_release(&p->plans[i]);
        mica_free(p->sources[i]);
    }
    mica_free(p->plans);
    mica_free(p->owners);
    mica_manifest_free(p->manifest);
    mica_http_free(p->puller.http);
}

static enum mica_status plan_all(struct pull *p, const char *const *sources, int n_sources,
                                 struct mica_err *err)
{
    enum mica_status status =
        mica_http_new(&(struct mica_http_options){.plain_http = p->puller.options->plain_http,
                                                  .attempts = p->puller.options->attempts},
                      &p->puller.http, err);
    for (int i = 0; status == MICA_OK && i < n_sources; i++)
        status = expand(p, sources[i], err);
    if (status == MICA_OK && p->n_sources == 0)
        status = mica_fail(err, MICA_EARG, "nothing to pull");
    return status == MICA_OK ? make_plans(p, err) : status;
}

/* Gives the gathered plan away. The tokens' state ends with the puller. */
static struct mica_plan take_plan(struct pull *p)
{
    struct mica_plan plan = p->plans[0];
    if (plan.auth_free && plan.auth)
        plan.auth_free(plan.auth);
    plan.auth = NULL;
    plan.auth_free = NULL;
    plan.renew = NULL;
    p->plans[0] = (struct mica_plan){0};
    return plan;
}

enum mica_status mica_plan_make(struct mica_store *store, const char *const *sources, int n_sources,
                                const struct mica_pull_options *options, struct mica_plan *out,
                                struct mica_err *err)
{
    struct mica_pull_options o = options ? *options : (struct mica_pull_options){0};
    struct pull p = {.puller = {.store = store, .options = &o, .what = ""}};
    o.as = "planned"; /* nothing is stored under it */
    enum mica_status status = plan_all(&p, sources, n_sources, err);
    if (status == MICA_OK)
        *out = take_plan(&p);
    release(&p);
    return status;
}

enum mica_status mica_pull(struct mica_store *store, const char *const *sources, int n_sources,
                           const struct mica_pull_options *options, struct mica_pulled *out,
                           struct mica_err *err)
{
    static const struct mica_pull_options nothing;
    struct pull p = {.puller = {.store = store, .options = options ? options : &nothing, .what = ""}};
    const struct mica_pull_options *o = p.puller.options;
    enum mica_status status = plan_all(&p, sources, n_sources, err);
    if (status == MICA_OK) {
        ask_sizes(&p);
        status = check_room(&p, err);
    }
    if (status == MICA_OK && o->check)
        status = o->check(o->user, &p.plans[0], err);
    if (status == MICA_OK)
        status = fetch_all(&p, err);
    if (status == MICA_OK)
        status = publish(&p, err);
    if (status == MICA_OK) {
        *out = (struct mica_pulled){p.name, p.manifest, take_plan(&p)};
        p.manifest = NULL;
    }
    release(&p);
    return status;
}

void mica_pulled_release(struct mica_pulled *pulled)
{
    mica_manifest_free(pulled->manifest);
    mica_plan_release(&pulled->plan);
    *pulled = (struct mica_pulled){0};
}
