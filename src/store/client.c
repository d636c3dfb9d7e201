/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OUT_MAX = 64 << 20, MESSAGES_MAX = 64 << 10, TICK_MS = 200, LIMIT_S = 3600 };

static bool open_pipe(int fds[2])
{
    return pipe2(fds, O_CLOEXEC) == 0;
}

static void close_pipe(int fds[2])
{
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* 0 or an errno. The client leads a process group of its own, so that its children end with it. */
static int spawn(const char *const *argv, const char *folder, int out, int messages, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int code = posix_spawn_file_actions_init(&actions);
    if (code)
        return code;
    code = posix_spawnattr_init(&attributes);
    if (!code) {
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&actions, out, 1);
        posix_spawn_file_actions_adddup2(&actions, messages, 2);
        code = posix_spawn_file_actions_addchdir_np(&actions, folder);
        if (!code)
            code = posix_spawnp(pid, argv[0], &actions, &attributes, (char *const *)(uintptr_t)argv, environ);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

/* Reads what there is; false at the end of the stream. */
static bool drain(int fd, struct mica_buf *into)
{
    char chunk[16384];
    ssize_t n = read(fd, chunk, sizeof chunk);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    mica_buf_append(into, chunk, (size_t)n);
    return n > 0;
}

static enum mica_status listen_to(int out_fd, int messages_fd, struct mica_buf *out,
                                  struct mica_buf *messages, bool (*tick)(void *, uint64_t, uint64_t),
                                  void *user, struct mica_err *err)
{
    struct pollfd fds[2] = {{out_fd, POLLIN, 0}, {messages_fd, POLLIN, 0}};
    time_t end = time(NULL) + LIMIT_S;
    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
        if (poll(fds, 2, TICK_MS) < 0 && errno != EINTR)
            return mica_fail(err, MICA_EIO, "poll: %s", strerror(errno));
        if (fds[0].fd >= 0 && fds[0].revents && !drain(out_fd, out))
            fds[0].fd = -1;
        if (fds[1].fd >= 0 && fds[1].revents && !drain(messages_fd, messages))
            fds[1].fd = -1;
        if (messages->len > MESSAGES_MAX / 2) { /* only the end matters */
            memmove(messages->data, messages->data + messages->len - MESSAGES_MAX / 4, MESSAGES_MAX / 4);
            messages->len = MESSAGES_MAX / 4;
        }
        if (out->failed)
            return mica_fail(err, MICA_ELIMIT, "its answer is larger than %d MiB", OUT_MAX >> 20);
        if (tick && !tick(user, 0, 0))
            return mica_fail(err, MICA_ECANCELLED, "cancelled");
        if (time(NULL) > end)
            return mica_fail(err, MICA_EIO, "it does not come to an end");
    }
    return MICA_OK;
}

/* The last lines of text, without control characters, for a message. */
static const char *last_lines(struct mica_buf *messages)
{
    if (!messages->data)
        return "";
    while (messages->len > 0 && (unsigned char)messages->data[messages->len - 1] <= ' ')
        messages->len--;
    messages->data[messages->len] = '\0';
    for (size_t i = 0; i < messages->len; i++)
        if ((unsigned char)messages->data[i] < ' ' || messages->data[i] == 127)
            messages->data[i] = ' ';
    return messages->data + (messages->len > 400 ? messages->len - 400 : 0);
}

enum mica_status mica_client_run(const char *const *argv, const char *folder, struct mica_buf *out,
                                 bool (*tick)(void *user, uint64_t done, uint64_t total), void *user,
                                 struct mica_err *err)
{
    int out_pipe[2] = {-1, -1}, message_pipe[2] = {-1, -1}, ended = 0;
    struct mica_buf messages = {0};
    pid_t pid;
    if (!open_pipe(out_pipe) || !open_pipe(message_pipe)) {
        close_pipe(out_pipe);
        return mica_fail(err, MICA_EIO, "pipe: %s", strerror(errno));
    }
    int code = spawn(argv, folder, out_pipe[1], message_pipe[1], &pid);
    close(out_pipe[1]);
    close(message_pipe[1]);
    out_pipe[1] = message_pipe[1] = -1;
    if (code) {
        close_pipe(out_pipe);
        close_pipe(message_pipe);
        return mica_fail(err, code == ENOENT ? MICA_ENOTFOUND : MICA_EIO, "%s: %s", argv[0],
                         code == ENOENT ? "not installed, or not in PATH" : strerror(code));
    }
    out->limit = OUT_MAX;
    struct mica_err why = {MICA_OK, ""};
    enum mica_status status = listen_to(out_pipe[0], message_pipe[0], out, &messages, tick, user, &why);
    close_pipe(out_pipe);
    close_pipe(message_pipe);
    if (status != MICA_OK)
        kill(-pid, SIGKILL);
    while (waitpid(pid, &ended, 0) < 0 && errno == EINTR)
        ;
    if (status != MICA_OK)
        mica_fail(err, status, "%s: %s", argv[0], why.text);
    else if (!WIFEXITED(ended) || WEXITSTATUS(ended) != 0)
        status = mica_fail(err, MICA_EIO, "%s fails: %s", argv[0], last_lines(&messages));
    mica_buf_release(&messages);
    return status;
}
