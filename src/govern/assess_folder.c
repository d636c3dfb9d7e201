/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Checks of a folder: licence, documents, releases, evaluations. */
#include "govern/assess_internal.h"
#include "govern/identify.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { YEAR = 365 * 24 * 3600 };

static const struct mica_entry *find_any(const struct mica_assess *a, const char *const *patterns)
{
    const struct mica_entry *found = NULL;
    for (; *patterns && !found; patterns++)
        found = mica_tree_find_top(&a->tree, *patterns);
    return found;
}

static void date_text(int64_t at, char out[16])
{
    time_t seconds = (time_t)at;
    struct tm tm;
    if (!gmtime_r(&seconds, &tm) || !strftime(out, 16, "%Y-%m-%d", &tm))
        snprintf(out, 16, "unknown");
}

/* ---- licence ---- */

static const char *const licence_names[] = {"LICENSE*", "LICENCE*", "COPYING*", "UNLICENSE*", NULL};

void mica_check_folder_licence_text(struct mica_assess *a)
{
    const struct mica_entry *entry = find_any(a, licence_names);
    struct mica_buf text = {0};
    struct mica_licence_match match;
    if (!entry) {
        mica_found(a, MICA_MARK_POOR, "", "no LICENSE or COPYING file: all rights are reserved");
        return;
    }
    if (!mica_tree_read(&a->tree, entry, &text)) {
        mica_found(a, MICA_MARK_NOT_SEEN, entry->path, "it cannot be read");
    } else {
        enum mica_status status = mica_licence_identify(text.data, text.len, &match, NULL);
        if (status != MICA_OK) {
            mica_found(a, MICA_MARK_NOT_SEEN, entry->path,
                       "there is a text, but Mica has no reference texts here");
        } else if (match.kind == MICA_LICENCE_IDENTIFIED) {
            mica_found(a, MICA_MARK_GOOD, mica_assess_printf(a, "%s:1", entry->path), "the whole text is %s",
                       match.id);
        } else if (match.kind == MICA_LICENCE_MODIFIED) {
            mica_found(a, MICA_MARK_POOR, mica_assess_printf(a, "%s:1", entry->path),
                       "a changed text: %s, %.1f%% like %s", match.id, match.similarity * 100, match.nearest);
        } else {
            mica_found(a, MICA_MARK_POOR, entry->path, "no text that Mica knows");
        }
        if (status == MICA_OK)
            mica_free(match.diff);
    }
    mica_buf_release(&text);
}

/* The files in which a project states its licence, and the key before it. */
static const struct {
    const char *file, *key;
} metadata[] = {{"pyproject.toml", "license"}, {"package.json", "license"}, {"Cargo.toml", "license"},
                {"setup.cfg", "license"},      {"setup.py", "license"},     {"meson.build", "license"},
                {"CITATION.cff", "license"},   {"*.gemspec", "license"},    {"codemeta.json", "license"}};

/* The value after the first "key:" or "key =" of text, out of its quotes; the line it stands in, 0: none. */
static int64_t find_value(const char *text, const char *key, char out[128])
{
    size_t len = strlen(key);
    int64_t line = 1;
    for (const char *s = text; *s; s++) {
        line += *s == '\n';
        if (strncasecmp(s, key, len) != 0 ||
            (s > text && (isalnum((unsigned char)s[-1]) || strchr("-_", s[-1]))))
            continue;
        const char *at = s + len + strspn(s + len, "\"' \t"), *end;
        if (*at != ':' && *at != '=')
            continue;
        at += 1 + strspn(at + 1, "\"' \t[{");
        if (strncasecmp(at, "text", 4) == 0)
            at += 4 + strspn(at + 4, "\"' \t:=");
        end = at + strcspn(at, "\"',]}\n");
        while (end > at && isspace((unsigned char)end[-1]))
            end--;
        snprintf(out, 128, "%.*s", (int)(end - at < 120 ? end - at : 120), at);
        return line;
    }
    return 0;
}

void mica_check_folder_licence_metadata(struct mica_assess *a)
{
    bool seen = false;
    for (size_t i = 0; i < MICA_COUNT(metadata); i++) {
        const struct mica_entry *entry = mica_tree_find_top(&a->tree, metadata[i].file);
        struct mica_buf text = {0};
        char value[128];
        int64_t line = 0;
        if (entry && mica_tree_read(&a->tree, entry, &text) &&
            (line = find_value(text.data, metadata[i].key, value))) {
            char id[128];
            bool known = *value && mica_licence_canonical(value, id);
            mica_found(a, known ? MICA_MARK_GOOD : MICA_MARK_PARTIAL,
                       mica_assess_printf(a, "%s:%lld", entry->path, (long long)line),
                       known ? "states %s" : "states \"%s\", which names no one licence", known ? id : value);
            seen = true;
        }
        mica_buf_release(&text);
    }
    if (!seen)
        mica_found(a, MICA_MARK_PARTIAL, "", "no package metadata states a licence");
}

static bool is_source(const char *path)
{
    static const char *const ends[] = {".c",  ".h",  ".cc", ".cpp",  ".py", ".rs",
                                       ".go", ".js", ".ts", ".java", ".cu", ".sh"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < MICA_COUNT(ends); i++)
        if (strcmp(dot, ends[i]) == 0)
            return true;
    return false;
}

void mica_check_folder_licence_headers(struct mica_assess *a)
{
    enum { SAMPLE = 200 };
    int64_t n_source = 0, n = 0, n_stated = 0, step;
    for (int64_t i = 0; i < a->tree.n; i++)
        n_source += !a->tree.entries[i].is_folder && is_source(a->tree.entries[i].path);
    step = n_source / SAMPLE + 1;
    n_source = 0;
    for (int64_t i = 0; i < a->tree.n; i++) {
        struct mica_buf text = {0};
        if (a->tree.entries[i].is_folder || !is_source(a->tree.entries[i].path) || n_source++ % step)
            continue;
        if (mica_tree_read(&a->tree, &a->tree.entries[i], &text)) {
            int64_t line = mica_text_line(text.data, "SPDX-License-Identifier");
            n++;
            n_stated += line > 0 && line <= 20;
        }
        mica_buf_release(&text);
    }
    if (n)
        mica_found(a, n_stated * 10 >= n * 9 ? MICA_MARK_GOOD : MICA_MARK_PARTIAL, "",
                   "%lld of %lld source files looked at name their licence (SPDX-License-Identifier)",
                   (long long)n_stated, (long long)n);
    else
        mica_found(a, MICA_MARK_NOT_SEEN, "", "no source files");
}

/* ---- documentation ---- */

void mica_check_folder_readme(struct mica_assess *a)
{
    static const char *const names[] = {"README*", NULL};
    static const struct {
        const char *words[6];
        const char *what;
    } sections[] = {{{"install", "setup", "build", "getting started", "five minutes"}, "how to install"},
                    {{"usage", "quick", "example", "how to", "five minutes"}, "how to use"},
                    {{"limit", "does not", "known issues", "caveat", "not supported"}, "what it does not do"},
                    {{"licence:", "license:", "#licen", "licensed under"}, "its licence"}};
    const struct mica_entry *entry = find_any(a, names);
    struct mica_buf text = {0};
    if (!entry || !mica_tree_read(&a->tree, entry, &text)) {
        mica_found(a, MICA_MARK_POOR, "", "no README");
        mica_buf_release(&text);
        return;
    }
    int n_seen = 0;
    for (size_t i = 0; i < MICA_COUNT(sections); i++) {
        int64_t line = 0;
        for (int k = 0; k < 6 && sections[i].words[k] && !line; k++)
            line = mica_text_line(text.data, sections[i].words[k]);
        n_seen += line > 0;
        if (line)
            mica_found(a, MICA_MARK_GOOD, mica_assess_printf(a, "%s:%lld", entry->path, (long long)line),
                       "says %s", sections[i].what);
        else
            mica_found(a, MICA_MARK_PARTIAL, entry->path, "says nothing about %s", sections[i].what);
    }
    if (text.len < 500)
        mica_found(a, MICA_MARK_POOR, entry->path, "only %lld bytes", (long long)text.len);
    mica_buf_release(&text);
}

void mica_check_folder_documents(struct mica_assess *a)
{
    static const char *const folders[] = {"docs", "doc", "documentation"};
    static const char *const pages[] = {"ARCHITECTURE*", "DESIGN*", "HACKING*", NULL};
    const struct mica_entry *entry = NULL, *page = find_any(a, pages);
    for (size_t i = 0; i < MICA_COUNT(folders) && !entry; i++)
        entry = mica_tree_find(&a->tree, folders[i], true);
    int64_t n = 0;
    for (int64_t i = 0; entry && i < a->tree.n; i++)
        n += !a->tree.entries[i].is_folder &&
             strncmp(a->tree.entries[i].path, entry->path, strlen(entry->path)) == 0 &&
             a->tree.entries[i].path[strlen(entry->path)] == '/';
    if (n)
        mica_found(a, n > 2 ? MICA_MARK_GOOD : MICA_MARK_PARTIAL, entry->path, "%lld files of documentation",
                   (long long)n);
    if (page)
        mica_found(a, MICA_MARK_GOOD, page->path, "says how it is built");
    if (!n && !page)
        mica_found(a, MICA_MARK_PARTIAL, "", "no folder of documents, no page on its design");
}

void mica_check_folder_examples(struct mica_assess *a)
{
    static const char *const patterns[] = {"example*", "demo*", "tutorial*", "notebooks"};
    for (size_t i = 0; i < MICA_COUNT(patterns); i++)
        for (int folder = 0; folder < 2; folder++) {
            const struct mica_entry *entry = mica_tree_find(&a->tree, patterns[i], folder);
            if (entry) {
                mica_found(a, MICA_MARK_GOOD, entry->path, "there is something to try");
                return;
            }
        }
    mica_found(a, MICA_MARK_PARTIAL, "", "no examples");
}

/* ---- releases ---- */

/* A day YYYY-MM-DD at s, as seconds since 1970; 0: none. */
static int64_t day_at(const char *s)
{
    int year, month, day;
    char end;
    if (sscanf(s, "%4d-%2d-%2d%c", &year, &month, &day, &end) < 3 || year < 1990 || month < 1 || month > 12 ||
        day < 1 || day > 31)
        return 0;
    struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    return (int64_t)timegm(&tm);
}

static enum mica_mark by_age(const struct mica_assess *a, int64_t at)
{
    int64_t age = a->now - at;
    return age < YEAR / 2 ? MICA_MARK_GOOD : age < 2 * (int64_t)YEAR ? MICA_MARK_PARTIAL : MICA_MARK_POOR;
}

void mica_check_folder_changelog(struct mica_assess *a)
{
    static const char *const names[] = {"CHANGELOG*", "CHANGES*", "NEWS*", "HISTORY*", "RELEASE*", NULL};
    const struct mica_entry *entry = find_any(a, names);
    struct mica_buf text = {0};
    int64_t n = 0, newest = 0, newest_line = 0, line = 1;
    char date[16];
    if (!entry || !mica_tree_read(&a->tree, entry, &text)) {
        mica_found(a, MICA_MARK_PARTIAL, "", "no change log");
        mica_buf_release(&text);
        return;
    }
    for (const char *s = text.data; *s; s++) {
        line += *s == '\n';
        int64_t day =
            isdigit((unsigned char)*s) && (s == text.data || !isdigit((unsigned char)s[-1])) ? day_at(s) : 0;
        n += day > 0;
        if (day > newest && day <= a->now) {
            newest = day;
            newest_line = line;
        }
    }
    date_text(newest, date);
    if (newest)
        mica_found(a, by_age(a, newest),
                   mica_assess_printf(a, "%s:%lld", entry->path, (long long)newest_line),
                   "%lld dated entries, the newest of %s", (long long)n, date);
    else
        mica_found(a, MICA_MARK_PARTIAL, entry->path, "a change log without dates");
    mica_buf_release(&text);
}

void mica_check_folder_tags(struct mica_assess *a)
{
    const struct mica_git *git = &a->tree.git;
    char date[16];
    if (!git->seen) {
        mica_found(a, MICA_MARK_NOT_SEEN, ".git", "%s", git->why);
        return;
    }
    date_text(git->last_tag, date);
    if (git->n_tags)
        mica_found(a, git->n_tags_year ? MICA_MARK_GOOD : MICA_MARK_PARTIAL, ".git",
                   "%lld tags, %lld of them within a year; the newest is %s of %s", (long long)git->n_tags,
                   (long long)git->n_tags_year, git->tag ? git->tag : "", date);
    else
        mica_found(a, MICA_MARK_PARTIAL, ".git", "no tags");
}

void mica_check_folder_commits(struct mica_assess *a)
{
    const struct mica_git *git = &a->tree.git;
    char first[16], last[16];
    if (!git->seen) {
        mica_found(a, MICA_MARK_NOT_SEEN, ".git", "%s", git->why);
        return;
    }
    date_text(git->first, first);
    date_text(git->last, last);
    mica_found(a, git->n_commits ? by_age(a, git->last) : MICA_MARK_POOR, ".git",
               "%lld commits from %s to %s, %lld within a year", (long long)git->n_commits, first, last,
               (long long)git->n_year);
}

/* ---- evals ---- */

void mica_check_folder_tests(struct mica_assess *a)
{
    static const char *const folders[] = {"tests", "test", "spec", "t"};
    for (size_t i = 0; i < MICA_COUNT(folders); i++) {
        const struct mica_entry *entry = mica_tree_find(&a->tree, folders[i], true);
        size_t len = entry ? strlen(entry->path) : 0;
        int64_t n = 0;
        for (int64_t k = 0; entry && k < a->tree.n; k++)
            n += !a->tree.entries[k].is_folder && strncmp(a->tree.entries[k].path, entry->path, len) == 0 &&
                 a->tree.entries[k].path[len] == '/';
        if (n) {
            mica_found(a, n >= 5 ? MICA_MARK_GOOD : MICA_MARK_PARTIAL, entry->path, "%lld files of tests",
                       (long long)n);
            return;
        }
    }
    mica_found(a, MICA_MARK_POOR, "", "no folder of tests");
}

void mica_check_folder_benchmarks(struct mica_assess *a)
{
    static const char *const patterns[] = {"eval*", "bench*", "leaderboard*"};
    for (size_t i = 0; i < MICA_COUNT(patterns); i++)
        for (int folder = 1; folder >= 0; folder--) {
            const struct mica_entry *entry = mica_tree_find(&a->tree, patterns[i], folder);
            if (entry) {
                mica_found(a, MICA_MARK_GOOD, entry->path, "there are measurements, or what makes them");
                return;
            }
        }
    mica_found(a, MICA_MARK_PARTIAL, "", "no evaluations or benchmarks");
}

void mica_check_folder_continuous(struct mica_assess *a)
{
    static const char *const files[] = {".github/workflows/*", ".gitlab-ci.yml", ".circleci/config.yml",
                                        "Jenkinsfile",         ".travis.yml",    "azure-pipelines.yml",
                                        ".woodpecker*",        ".builds/*",      ".cirrus.yml"};
    for (size_t i = 0; i < MICA_COUNT(files); i++) {
        const struct mica_entry *entry = mica_tree_find(&a->tree, files[i], false);
        if (entry) {
            mica_found(a, MICA_MARK_GOOD, entry->path,
                       "runs on changes; its results are not to be seen here");
            return;
        }
    }
    mica_found(a, MICA_MARK_PARTIAL, "", "no configuration of continuous integration");
}
