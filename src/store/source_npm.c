/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* npm:NAME[@VERSION]. The client resolves (so the user's registry, proxy and credentials count); the tarball
 * is fetched here, or by the client where it needs credentials. No script of the package runs. */
#include "store/client.h"
#include "store/source_internal.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_word(const char *text, size_t len, const char *more)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    if (len == 0 || len > MICA_PACKAGE_NAME_MAX || !memchr(letters, text[0], sizeof letters - 1))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!memchr(letters, text[i], sizeof letters - 1) && !strchr(more, text[i]))
            return false;
    return true;
}

/* Splits "@scope/name@version"; false: not a name that the registry has. */
static bool parse(const char *spec, size_t *name_len, const char **version)
{
    const char *at = spec;
    if (*at == '@') {
        size_t scope = strcspn(at + 1, "/");
        if (!is_word(at + 1, scope, "-._~") || at[1 + scope] != '/')
            return false;
        at += scope + 2;
    }
    size_t len = strcspn(at, "@");
    if (!is_word(at, len, "-._~"))
        return false;
    *name_len = (size_t)(at - spec) + len;
    *version = at[len] ? at + len + 1 : NULL;
    return *name_len <= MICA_PACKAGE_NAME_MAX && (!*version || is_word(*version, strlen(*version), "-._+"));
}

static enum mica_status ask(struct mica_puller *puller, const char *spec, json_t **out, struct mica_err *err)
{
    const char *const argv[] = {"npm",     "view",    spec,     "dist",    "name",
                                "version", "license", "--json", "--quiet", NULL};
    const char *folder;
    struct mica_buf text = {0};
    json_error_t where;
    puller->what = spec;
    enum mica_status status = mica_puller_scratch(puller, &folder, err);
    if (status == MICA_OK)
        status = mica_client_run(argv, folder, &text, mica_puller_progress, puller, err);
    if (status == MICA_EIO && strstr(text.data ? text.data : "", "E404"))
        status = mica_fail(err, MICA_ENOTFOUND, "npm:%s: the registry does not have it", spec);
    json_t *answer = status == MICA_OK && text.len ? json_loadb(text.data, text.len, 0, &where) : NULL;
    if (json_is_array(answer)) { /* of a tag that several versions match: the last is the newest */
        json_t *last = json_incref(json_array_get(answer, json_array_size(answer) - 1));
        json_decref(answer);
        answer = last;
    }
    mica_buf_release(&text);
    if (status == MICA_OK && !json_is_object(answer)) {
        json_decref(answer);
        return mica_fail(err, MICA_ENOTFOUND, "npm:%s: the registry does not have it", spec);
    }
    if (status == MICA_OK)
        *out = answer;
    return status;
}

static enum mica_status pack(void *user, struct mica_plan_file *file, struct mica_err *err)
{
    struct mica_package_auth *auth = user;
    const char *const argv[] = {
        "npm", "pack", auth->spec, "--ignore-scripts", "--json", "--quiet", "--pack-destination", ".", NULL};
    const char *folder;
    char path[MICA_PATH_MAX];
    struct mica_buf text = {0};
    enum mica_status status = mica_puller_scratch(auth->puller, &folder, err);
    if (status == MICA_OK)
        status = mica_client_run(argv, folder, &text, mica_puller_progress, auth->puller, err);
    json_t *answer = status == MICA_OK && text.len ? json_loadb(text.data, text.len, 0, NULL) : NULL;
    const char *name = json_string_value(json_object_get(json_array_get(answer, 0), "filename"));
    if (status == MICA_OK && (!name || strchr(name, '/')))
        status = mica_fail(err, MICA_EFORMAT, "npm pack: its answer names no file");
    if (status == MICA_OK)
        status = mica_fs_path(path, err, "file:%s/%s", folder, name);
    if (status == MICA_OK)
        status = mica_plan_set(&file->url, path, err);
    json_decref(answer);
    mica_buf_release(&text);
    return status;
}

/* What the registry says of the package. */
struct facts {
    const char *url, *integrity, *version, *licence;
};

static enum mica_status read_facts(const json_t *answer, const char *spec, struct facts *out,
                                   struct mica_err *err)
{
    const json_t *dist = json_object_get(answer, "dist"), *licence = json_object_get(answer, "license");
    if (json_is_object(licence))
        licence = json_object_get(licence, "type");
    *out = (struct facts){json_string_value(json_object_get(dist, "tarball")),
                          json_string_value(json_object_get(dist, "integrity")),
                          json_string_value(json_object_get(answer, "version")), json_string_value(licence)};
    /* The registry names no file of this machine. */
    if (!out->url || !out->version || strncasecmp(out->url, "http", 4) != 0)
        return mica_fail(err, MICA_EFORMAT, "npm:%s: the registry names no tarball", spec);
    if (!out->integrity || strncmp(out->integrity, "sha512-", 7) != 0 || strlen(out->integrity) != 95)
        return mica_fail(err, MICA_EUNSUPPORTED, "npm:%s: the registry states no SHA-512 for it", spec);
    return MICA_OK;
}

static enum mica_status set_texts(const struct facts *facts, const char *name, struct mica_plan *plan,
                                  struct mica_plan_file *file, struct mica_err *err)
{
    struct mica_buf title = {0}, page = {0}, clean = {0};
    mica_buf_printf(&title, "%s-%s.tgz", mica_source_base(name), facts->version);
    mica_buf_printf(&page, "https://www.npmjs.com/package/%s/v/%s", name, facts->version);
    mica_source_name(&clean, mica_source_base(name));
    const struct {
        char **field;
        const char *text;
    } texts[] = {{&file->url, facts->url},          {&file->title, title.data},
                 {&file->member_of, "tgz"},         {&file->check, facts->integrity},
                 {&plan->revision, facts->version}, {&plan->location, page.data},
                 {&plan->declared, facts->licence}, {&plan->name, clean.data}};
    enum mica_status status =
        title.failed || page.failed || clean.failed ? mica_fail(err, MICA_ENOMEM, "out of memory") : MICA_OK;
    for (size_t i = 0; status == MICA_OK && i < MICA_COUNT(texts); i++)
        status = mica_plan_set(texts[i].field, texts[i].text, err);
    mica_buf_release(&title);
    mica_buf_release(&page);
    mica_buf_release(&clean);
    return status;
}

static enum mica_status fill(const json_t *answer, const char *spec, size_t name_len, struct mica_plan *plan,
                             struct mica_err *err)
{
    char name[MICA_PACKAGE_NAME_MAX + 1];
    struct facts facts;
    enum mica_status status = read_facts(answer, spec, &facts, err);
    if (status != MICA_OK)
        return status;
    snprintf(name, sizeof name, "%.*s", (int)name_len, spec);
    struct mica_plan_file *file = mica_plan_add(plan);
    return file ? set_texts(&facts, name, plan, file, err) : mica_fail(err, MICA_ENOMEM, "out of memory");
}

enum mica_status mica_plan_npm(struct mica_puller *puller, const char *rest, struct mica_plan *plan,
                               struct mica_err *err)
{
    static const struct mica_packages packages = {"@", ask, fill, pack};
    size_t name_len;
    const char *version;
    if (!parse(rest, &name_len, &version))
        return mica_fail(err, MICA_EARG, "npm:%.200s: not a package's name (npm:NAME[@VERSION])", rest);
    return mica_plan_package(puller, &packages, rest, name_len, plan, err);
}
