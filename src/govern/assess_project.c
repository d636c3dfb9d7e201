/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Checks of a folder: governance, ecosystem, security, community. */
#include "govern/assess_internal.h"

#include <string.h>
#include <strings.h>

/* States the first of the files that is there, else what is missing. */
static bool look_for(struct mica_assess *a, const char *const *patterns, enum mica_mark present,
                     const char *what, enum mica_mark absent, const char *missing)
{
    for (; *patterns; patterns++) {
        const struct mica_entry *entry = strchr(*patterns, '/') ? mica_tree_find(&a->tree, *patterns, false)
                                                                : mica_tree_find_top(&a->tree, *patterns);
        if (entry) {
            mica_found(a, present, entry->path, "%s", what);
            return true;
        }
    }
    mica_found(a, absent, "", "%s", missing);
    return false;
}

/* ---- governance ---- */

void mica_check_folder_governance(struct mica_assess *a)
{
    static const char *const files[] = {"GOVERNANCE*", "CHARTER*", "STEERING*", NULL};
    look_for(a, files, MICA_MARK_GOOD, "says who decides", MICA_MARK_PARTIAL, "nothing says who decides");
}

void mica_check_folder_owners(struct mica_assess *a)
{
    static const char *const files[] = {"MAINTAINERS*", "CODEOWNERS", "OWNERS*", "AUTHORS*", NULL};
    look_for(a, files, MICA_MARK_GOOD, "names people", MICA_MARK_PARTIAL,
             "no MAINTAINERS, CODEOWNERS or AUTHORS");
}

void mica_check_folder_citation(struct mica_assess *a)
{
    static const char *const files[] = {"CITATION*", "codemeta.json", NULL};
    look_for(a, files, MICA_MARK_GOOD, "says how to cite it", MICA_MARK_PARTIAL, "no CITATION");
}

/* ---- ecosystem ---- */

void mica_check_folder_package(struct mica_assess *a)
{
    static const char *const files[] = {"pyproject.toml", "setup.py",    "package.json",   "Cargo.toml",
                                        "go.mod",         "meson.build", "CMakeLists.txt", "pom.xml",
                                        "*.gemspec",      NULL};
    look_for(a, files, MICA_MARK_GOOD, "builds the usual way", MICA_MARK_PARTIAL,
             "no metadata of a package manager or build system");
}

void mica_check_folder_locked(struct mica_assess *a)
{
    static const char *const locks[] = {
        "Cargo.lock", "package-lock.json", "poetry.lock",  "uv.lock",    "pdm.lock",
        "go.sum",     "yarn.lock",         "Pipfile.lock", "flake.lock", NULL};
    const struct mica_entry *entry = mica_tree_find(&a->tree, "requirements*", false);
    struct mica_buf text = {0};
    for (int i = 0; locks[i]; i++) {
        const struct mica_entry *lock = mica_tree_find(&a->tree, locks[i], false);
        if (lock) {
            mica_found(a, MICA_MARK_GOOD, lock->path, "dependencies are pinned with digests");
            return;
        }
    }
    if (!entry || !mica_tree_read(&a->tree, entry, &text)) {
        mica_found(a, MICA_MARK_PARTIAL, "", "no lock file");
        mica_buf_release(&text);
        return;
    }
    int64_t n = 0, pinned = 0;
    for (const char *at = text.data; *at;) {
        size_t len = strcspn(at, "\n");
        if (len && *at != '#' && *at != '-') {
            n++;
            pinned += memmem(at, len, "==", 2) != NULL;
        }
        at += len + (at[len] == '\n');
    }
    mica_found(a, n && pinned == n ? MICA_MARK_GOOD : MICA_MARK_PARTIAL, entry->path,
               "%lld of %lld requirements are pinned to a version", (long long)pinned, (long long)n);
    mica_buf_release(&text);
}

void mica_check_folder_formats(struct mica_assess *a)
{
    static const char *const open_formats[] = {"*.safetensors", "*.gguf", "*.onnx"};
    for (size_t i = 0; i < MICA_COUNT(open_formats); i++) {
        const struct mica_entry *entry = mica_tree_find(&a->tree, open_formats[i], false);
        if (entry) {
            mica_found(a, MICA_MARK_GOOD, entry->path, "weights in a format that holds data only");
            return;
        }
    }
    mica_found(a, MICA_MARK_NOT_SEEN, "", "no weights in it");
}

/* ---- security ---- */

void mica_check_folder_security_policy(struct mica_assess *a)
{
    static const char *const files[] = {"SECURITY*", "security.txt", NULL};
    const struct mica_entry *entry = NULL;
    struct mica_buf text = {0};
    for (int i = 0; files[i] && !entry; i++)
        entry = mica_tree_find_top(&a->tree, files[i]);
    if (!entry || !mica_tree_read(&a->tree, entry, &text)) {
        mica_found(a, MICA_MARK_POOR, "", "no SECURITY file: nobody is told where to report a weakness");
    } else {
        int64_t line = mica_text_line(text.data, "report");
        if (!line)
            line = mica_text_line(text.data, "@");
        if (line)
            mica_found(a, MICA_MARK_GOOD, mica_assess_printf(a, "%s:%lld", entry->path, (long long)line),
                       "says how to report a weakness");
        else
            mica_found(a, MICA_MARK_PARTIAL, entry->path, "does not say where to report a weakness");
    }
    mica_buf_release(&text);
}

void mica_check_folder_pickles(struct mica_assess *a)
{
    static const char *const ends[] = {"*.pkl",    "*.pickle", "*.pt",   "*.pth",
                                       "*.ckpt",   "*.joblib", "*.dill", "pytorch_model*.bin",
                                       "*.npy.pkl"};
    int64_t n = 0;
    for (size_t i = 0; i < MICA_COUNT(ends); i++) {
        const struct mica_entry *entry = mica_tree_find(&a->tree, ends[i], false);
        if (entry) {
            mica_found(a, MICA_MARK_POOR, entry->path, "a pickle: loading it can run code");
            n++;
        }
    }
    const struct mica_entry *weights = mica_tree_find(&a->tree, "pytorch_model*", false);
    if (weights) {
        mica_found(a, MICA_MARK_POOR, weights->path, "a pickle: loading it can run code");
        n++;
    }
    if (!n)
        mica_found(a, MICA_MARK_GOOD, "", "no pickles%s", a->tree.cut ? " in what was looked at" : "");
}

void mica_check_folder_analysis(struct mica_assess *a)
{
    static const char *const files[] = {
        ".clang-tidy", ".github/dependabot.yml",  "renovate.json", ".semgrep*",
        ".bandit",     ".pre-commit-config.yaml", "deny.toml",     NULL};
    const struct mica_entry *entry = mica_tree_find(&a->tree, "fuzz*", true);
    if (!entry)
        entry = mica_tree_find(&a->tree, "fuzz*", false);
    if (entry)
        mica_found(a, MICA_MARK_GOOD, entry->path, "inputs are fuzzed");
    look_for(a, files, MICA_MARK_GOOD, "analysed or kept up to date by a tool",
             entry ? MICA_MARK_NOT_SEEN : MICA_MARK_PARTIAL,
             "no configuration of an analyser or of dependency updates");
}

void mica_check_folder_bill(struct mica_assess *a)
{
    static const char *const patterns[] = {"*.cdx.json",   "bom.json", "*.spdx.json",
                                           "*.spdx3.json", "*.spdx",   "sbom*"};
    for (size_t i = 0; i < MICA_COUNT(patterns); i++) {
        const struct mica_entry *entry = mica_tree_find(&a->tree, patterns[i], false);
        if (entry) {
            mica_found(a, MICA_MARK_GOOD, entry->path, "a bill of materials, or what writes it");
            return;
        }
    }
    mica_found(a, MICA_MARK_PARTIAL, "", "no bill of materials");
}

/* ---- community ---- */

void mica_check_folder_contributing(struct mica_assess *a)
{
    static const char *const files[] = {"CONTRIBUTING*", NULL}, *const forms[] = {
                                                                    ".github/ISSUE_TEMPLATE*",
                                                                    ".gitlab/issue_templates/*"};
    look_for(a, files, MICA_MARK_GOOD, "says how to contribute", MICA_MARK_PARTIAL, "no CONTRIBUTING");
    for (size_t i = 0; i < MICA_COUNT(forms); i++) {
        const struct mica_entry *entry = mica_tree_find(&a->tree, forms[i], false);
        if (entry)
            mica_found(a, MICA_MARK_GOOD, entry->path, "forms for issues");
    }
}

void mica_check_folder_conduct(struct mica_assess *a)
{
    static const char *const files[] = {"CODE_OF_CONDUCT*", NULL};
    look_for(a, files, MICA_MARK_GOOD, "a code of conduct", MICA_MARK_PARTIAL, "no CODE_OF_CONDUCT");
}

void mica_check_folder_authors(struct mica_assess *a)
{
    const struct mica_git *git = &a->tree.git;
    if (!git->seen) {
        mica_found(a, MICA_MARK_NOT_SEEN, ".git", "%s", git->why);
        return;
    }
    int64_t n = git->n_authors_year;
    mica_found(a,
               n >= 5   ? MICA_MARK_GOOD
               : n >= 2 ? MICA_MARK_PARTIAL
                        : MICA_MARK_POOR,
               ".git", "%lld addresses committed within a year", (long long)n);
}
