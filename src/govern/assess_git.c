/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The history of a repository from anyone. Git runs programs that a repository's configuration names, so it
 * never sees that configuration: it runs in an empty repository of ours, over the objects of the other, and
 * is given the commits by their hashes, which we read from .git/HEAD, packed-refs and refs/. */
#include "base/fs.h"
#include "govern/assess_internal.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { REFS_MAX = 20000, OUTPUT_MAX = 16 << 20, SECONDS_MAX = 20, DEPTH_MAX = 8, NAME_MAX_BYTES = 200 };

/* Refs found so far, as lines of a packed-refs file. */
struct refs {
    struct mica_assess *a;
    struct mica_buf packed;
    int64_t n;
    int git; /* descriptor of .git */
};

static bool is_hash(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isdigit((unsigned char)text[i]) && (text[i] < 'a' || text[i] > 'f'))
            return false;
    return len == 40 && strspn(text, "0") < len;
}

/* A name that is certainly harmless in a file of refs and on a screen. */
static bool is_ref_name(const char *name, size_t len)
{
    if (len < 6 || len > NAME_MAX_BYTES || memcmp(name, "refs/", 5) != 0 || name[len - 1] == '/')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("-._/+", name[i]))
            return false;
    return !memmem(name, len, "..", 2) && !memmem(name, len, "//", 2) && !memmem(name, len, "/.", 2) &&
           !memmem(name, len, ".lock", 5);
}

static bool is_wanted(const char *name)
{
    return strncmp(name, "refs/heads/", 11) == 0 || strncmp(name, "refs/tags/", 10) == 0 ||
           strncmp(name, "refs/remotes/", 13) == 0;
}

static void add_ref(struct refs *refs, const char *hash, const char *name, size_t len)
{
    if (refs->n >= REFS_MAX || !is_ref_name(name, len) || !is_wanted(name))
        return;
    mica_buf_printf(&refs->packed, "%.40s %.*s\n", hash, (int)len, name);
    refs->n++;
}

/* Appends at most limit bytes of the regular file name of folder, following no link. */
static bool read_at(int folder, const char *name, size_t limit, struct mica_buf *out)
{
    char chunk[16384];
    struct stat st;
    ssize_t n = -1;
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    mica_buf_puts(out, "");
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        while (out->len < limit && (n = read(fd, chunk, sizeof chunk)) > 0)
            mica_buf_append(out, chunk, (size_t)n);
    if (fd >= 0)
        close(fd);
    return n >= 0 && !out->failed;
}

static void read_packed(struct refs *refs)
{
    struct mica_buf text = {0};
    if (read_at(refs->git, "packed-refs", 4 << 20, &text))
        for (const char *at = text.data; *at;) {
            size_t len = strcspn(at, "\n");
            if (len > 41 && at[40] == ' ' && is_hash(at, 40))
                add_ref(refs, at, at + 41, len - 41);
            at += len + (at[len] == '\n');
        }
    mica_buf_release(&text);
}

static void read_loose(struct refs *refs, int parent, const char *name, const char *path, int depth)
{
    struct stat st;
    char below[NAME_MAX_BYTES + 1];
    if (depth > DEPTH_MAX || refs->n >= REFS_MAX || fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    if (S_ISREG(st.st_mode)) {
        struct mica_buf text = {0};
        if (read_at(parent, name, 256, &text) && text.len >= 40 && is_hash(text.data, 40))
            add_ref(refs, text.data, path, strlen(path));
        mica_buf_release(&text);
        return;
    }
    int fd = S_ISDIR(st.st_mode) ? openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    if (!dir && fd >= 0)
        close(fd);
    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.' &&
            snprintf(below, sizeof below, "%s/%s", path, entry->d_name) < (int)sizeof below)
            read_loose(refs, dirfd(dir), entry->d_name, below, depth + 1);
    if (dir)
        closedir(dir);
}

/* Git wants refs sorted and each once; a loose one (read first) hides the packed one of its name. */
static int by_name(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    int order = strcmp(x + 41, y + 41);
    return order ? order : (x > y) - (x < y);
}

static bool sort_refs(struct refs *refs)
{
    char **lines = mica_alloc((size_t)refs->n + 1, sizeof *lines);
    struct mica_buf out = {0};
    int64_t n = 0;
    if (!lines || refs->packed.failed) {
        mica_free(lines);
        return false;
    }
    for (char *at = refs->packed.data; at && *at && n < refs->n;) {
        lines[n++] = at;
        at = strchr(at, '\n');
        *at++ = 0;
    }
    qsort(lines, (size_t)n, sizeof *lines, by_name);
    mica_buf_puts(&out, "# pack-refs with: sorted\n");
    for (int64_t i = 0; i < n; i++)
        if (!i || strcmp(lines[i] + 41, lines[i - 1] + 41) != 0)
            mica_buf_printf(&out, "%s\n", lines[i]);
    mica_free(lines);
    mica_buf_release(&refs->packed);
    refs->packed = out;
    return !out.failed;
}

/* ---- running git ---- */

static enum mica_status make_repository(const char *folder, const struct mica_buf *packed,
                                        struct mica_err *err)
{
    static const char config[] = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n",
                      head[] = "ref: refs/heads/none\n";
    char path[MICA_PATH_MAX];
    enum mica_status status = mica_fs_path(path, err, "%s/refs", folder);
    if (status == MICA_OK)
        status = mica_fs_mkdirs(path, err);
    if (status == MICA_OK && (status = mica_fs_path(path, err, "%s/config", folder)) == MICA_OK)
        status = mica_fs_write(path, config, sizeof config - 1, 0600, err);
    if (status == MICA_OK && (status = mica_fs_path(path, err, "%s/HEAD", folder)) == MICA_OK)
        status = mica_fs_write(path, head, sizeof head - 1, 0600, err);
    if (status == MICA_OK && (status = mica_fs_path(path, err, "%s/packed-refs", folder)) == MICA_OK)
        status = mica_fs_write(path, packed->data, packed->len, 0600, err);
    return status;
}

static void remove_repository(const char *folder)
{
    static const char *const parts[] = {"config", "HEAD", "packed-refs"};
    char path[MICA_PATH_MAX];
    for (size_t i = 0; i < MICA_COUNT(parts); i++)
        if (mica_fs_path(path, NULL, "%s/%s", folder, parts[i]) == MICA_OK)
            unlink(path);
    if (mica_fs_path(path, NULL, "%s/refs", folder) == MICA_OK)
        rmdir(path);
    rmdir(folder);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Everything the child writes; false when it wrote too much or took too long. */
static bool drain(int fd, struct mica_buf *out)
{
    char chunk[65536];
    double end = seconds() + SECONDS_MAX;
    ssize_t n = 1;
    mica_buf_puts(out, "");
    while (n > 0 && out->len < OUTPUT_MAX) {
        double left = end - seconds();
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (left <= 0 || poll(&wait, 1, (int)(left * 1e3)) <= 0)
            return false;
        n = read(fd, chunk, sizeof chunk);
        if (n > 0)
            mica_buf_append(out, chunk, (size_t)n);
    }
    return n == 0 && !out->failed;
}

/* Runs git with an environment of its own: no configuration but ours, no network, no pager, no prompt. */
static bool run_git(const char *repository, const char *objects, const char *const *arguments,
                    struct mica_buf *out)
{
    char dir[MICA_PATH_MAX + 16], object_dir[MICA_PATH_MAX + 32], path[MICA_PATH_MAX];
    const char *search = getenv("PATH");
    char *const environment[] = {dir,
                                 object_dir,
                                 path,
                                 "HOME=/nonexistent",
                                 "LC_ALL=C",
                                 "GIT_CONFIG_NOSYSTEM=1",
                                 "GIT_CONFIG_SYSTEM=/dev/null",
                                 "GIT_CONFIG_GLOBAL=/dev/null",
                                 "GIT_ALLOW_PROTOCOL=none",
                                 "GIT_NO_LAZY_FETCH=1",
                                 "GIT_NO_REPLACE_OBJECTS=1",
                                 "GIT_TERMINAL_PROMPT=0",
                                 "GIT_OPTIONAL_LOCKS=0",
                                 NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;
    int pipes[2], status = -1;
    if (snprintf(dir, sizeof dir, "GIT_DIR=%s", repository) >= (int)sizeof dir ||
        snprintf(object_dir, sizeof object_dir, "GIT_OBJECT_DIRECTORY=%s", objects) >=
            (int)sizeof object_dir ||
        snprintf(path, sizeof path, "PATH=%s", search ? search : "/usr/bin:/bin") >= (int)sizeof path ||
        pipe2(pipes, O_CLOEXEC) != 0)
        return false;
    bool ok = posix_spawn_file_actions_init(&actions) == 0;
    ok = ok && posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0) == 0 &&
         posix_spawn_file_actions_adddup2(&actions, pipes[1], 1) == 0 &&
         posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0) == 0 &&
         posix_spawnp(&child, "git", &actions, NULL, (char *const *)arguments, environment) == 0;
    posix_spawn_file_actions_destroy(&actions);
    close(pipes[1]);
    if (ok) {
        ok = drain(pipes[0], out);
        if (!ok)
            kill(child, SIGKILL);
        ok = waitpid(child, &status, 0) == child && ok && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    close(pipes[0]);
    return ok;
}

/* ---- reading what it says ---- */

enum { YEAR = 365 * 24 * 3600 };

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Lines "SECONDS AUTHOR". */
static void read_commits(struct mica_assess *a, struct mica_buf *text)
{
    struct mica_git *git = &a->tree.git;
    char **authors = NULL;
    int64_t n = 0, capacity = 0;
    for (char *at = text->data, *end; at && *at; at = end) {
        char *author;
        int64_t when = strtoll(at, &author, 10);
        end = at + strcspn(at, "\n");
        if (*end)
            *end++ = 0;
        git->n_commits++;
        git->last = when > git->last ? when : git->last;
        git->first = !git->first || when < git->first ? when : git->first;
        if (when <= a->now - YEAR)
            continue;
        git->n_year++;
        if (mica_grow(&authors, n, &capacity, sizeof *authors))
            authors[n++] = author;
        else
            a->failed = true;
    }
    if (n)
        qsort(authors, (size_t)n, sizeof *authors, by_text);
    for (int64_t i = 0; i < n; i++)
        git->n_authors_year += !i || strcmp(authors[i], authors[i - 1]) != 0;
    mica_free(authors);
}

/* Lines "SECONDS NAME". */
static void read_tags(struct mica_assess *a, const char *text)
{
    struct mica_git *git = &a->tree.git;
    for (const char *at = text; *at;) {
        char *name;
        int64_t when = strtoll(at, &name, 10);
        size_t len = strcspn(name, "\n");
        git->n_tags++;
        git->n_tags_year += when > a->now - YEAR;
        if (when >= git->last_tag) {
            git->last_tag = when;
            git->tag = mica_assess_printf(a, "%.*s", (int)(len ? len - 1 : 0), name + (len ? 1 : 0));
        }
        at = name + len + (name[len] == '\n');
    }
}

static const char *gather(struct mica_assess *a, struct refs *refs, const char *objects)
{
    static const char *const log[] = {"git",          "--no-pager",        "log",
                                      "--all",        "--max-count=50000", "--no-show-signature",
                                      "--no-mailmap", "--format=%ct %ae",  NULL};
    static const char *const tags[] = {"git",          "--no-pager",
                                       "for-each-ref", "--format=%(creatordate:unix) %(refname:short)",
                                       "refs/tags",    NULL};
    char folder[] = "/tmp/mica-git-XXXXXX";
    struct mica_buf commits = {0}, tagged = {0};
    const char *why = NULL;
    if (!mkdtemp(folder))
        return "no temporary folder could be made";
    if (make_repository(folder, &refs->packed, NULL) != MICA_OK)
        why = "no temporary repository could be made";
    else if (!run_git(folder, objects, log, &commits) || !run_git(folder, objects, tags, &tagged))
        why = "git is not installed or could not read it";
    remove_repository(folder);
    if (!why) {
        a->tree.git.seen = true;
        read_commits(a, &commits);
        read_tags(a, tagged.data);
    }
    mica_buf_release(&commits);
    mica_buf_release(&tagged);
    return why;
}

/* ---- where it is ---- */

/* A text file of one line, as git writes it, without its end and after prefix; false: it is none. */
static bool read_line(int folder, const char *name, const char *prefix, char *out, size_t size)
{
    struct mica_buf text = {0};
    size_t skip = strlen(prefix), len = 0;
    bool ok = read_at(folder, name, size, &text) && strncmp(text.data, prefix, skip) == 0;
    if (ok) {
        len = strcspn(text.data + skip, "\r\n");
        ok = len > 0 && skip + len < text.len && len < size; /* the line has an end, so it is whole */
    }
    if (ok) {
        memcpy(out, text.data + skip, len);
        out[len] = '\0';
    }
    mica_buf_release(&text);
    return ok;
}

/* A linked worktree: .git is a file that names its place in the repository. Anyone can write such a file, so
 * it counts only when that place names this very file, too, which only the repository's owner can do. */
static int open_worktree(const struct mica_assess *a, const char **why)
{
    char path[MICA_PATH_MAX], back[MICA_PATH_MAX], common[8];
    struct stat here, named;
    int fd = -1, git = -1;
    *why = ".git leads out of the folder, to a repository that does not name the folder as its worktree";
    if (read_line(a->tree.fd, ".git", "gitdir: ", path, sizeof path))
        fd = openat(a->tree.fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && read_line(fd, "gitdir", "", back, sizeof back) &&
        read_line(fd, "commondir", "", common, sizeof common) && strcmp(common, "../..") == 0 &&
        fstatat(a->tree.fd, ".git", &here, AT_SYMLINK_NOFOLLOW) == 0 &&
        fstatat(fd, back, &named, AT_SYMLINK_NOFOLLOW) == 0 && here.st_dev == named.st_dev &&
        here.st_ino == named.st_ino)
        git = openat(fd, common, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return git;
}

/* The descriptor of .git, or -1 and why not. */
static int open_repository(const struct mica_assess *a, const char **why)
{
    struct stat st;
    if (fstatat(a->tree.fd, ".git", &st, AT_SYMLINK_NOFOLLOW) != 0) {
        *why = "there is no .git";
        return -1;
    }
    if (S_ISREG(st.st_mode))
        return open_worktree(a, why);
    *why = S_ISDIR(st.st_mode) ? ".git cannot be read" : ".git leads out of the folder";
    return S_ISDIR(st.st_mode) ? openat(a->tree.fd, ".git", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                               : -1;
}

void mica_tree_read_git(struct mica_assess *a)
{
    struct mica_git *git = &a->tree.git;
    struct refs refs = {.a = a, .git = open_repository(a, &git->why)};
    struct stat st;
    char objects[64];
    if (refs.git < 0)
        return;
    git->why = NULL;
    int fd = openat(refs.git, "objects", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (fd < 0) {
        git->why = ".git has no objects";
    } else if (fstatat(fd, "info/alternates", &st, AT_SYMLINK_NOFOLLOW) == 0) {
        git->why = "its objects lie partly outside the folder";
    } else {
        mica_buf_puts(&refs.packed, "");
        read_loose(&refs, refs.git, "refs", "refs", 0);
        read_packed(&refs);
        snprintf(objects, sizeof objects, "/proc/%d/fd/%d", (int)getpid(), fd);
        git->why = !sort_refs(&refs) ? "out of memory"
                   : !refs.n         ? "there is no branch"
                                     : gather(a, &refs, objects);
    }
    mica_buf_release(&refs.packed);
    if (fd >= 0)
        close(fd);
    close(refs.git);
}
