/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/signature.h"
#include "base/fs.h"
#include "govern/minisign.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* Reads a line from the terminal into out; false at its end, or when it is too long. */
static bool read_line(int tty, char out[MICA_PASSWORD_MAX])
{
    size_t n = 0;
    char c;
    while (read(tty, &c, 1) == 1) {
        if (c == '\n') {
            out[n] = '\0';
            return true;
        }
        if (n + 1 == MICA_PASSWORD_MAX)
            return false;
        out[n++] = c;
    }
    return false;
}

static bool ask_at_terminal(const char *prompt, const char *what, char out[MICA_PASSWORD_MAX])
{
    struct termios old, quiet;
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (tty < 0)
        return false;
    bool is_terminal = tcgetattr(tty, &old) == 0;
    if (is_terminal) {
        quiet = old;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(tty, TCSAFLUSH, &quiet);
    }
    dprintf(tty, "%s %s: ", prompt, what);
    bool ok = read_line(tty, out);
    if (is_terminal)
        tcsetattr(tty, TCSAFLUSH, &old);
    dprintf(tty, "\n");
    close(tty);
    return ok;
}

bool mica_cli_ask_password(void *user, const char *what, char out[MICA_PASSWORD_MAX])
{
    (void)user;
    return ask_at_terminal("Password of", what, out);
}

static bool ask_twice(void *user, const char *what, char out[MICA_PASSWORD_MAX])
{
    char again[MICA_PASSWORD_MAX] = "";
    (void)user;
    bool ok = ask_at_terminal("New password for", what, out) &&
              ask_at_terminal("The same again for", what, again) && strcmp(out, again) == 0;
    mica_wipe(again, sizeof again);
    return ok;
}

enum mica_status mica_cli_new_password(const char *what, char out[MICA_PASSWORD_MAX], struct mica_err *err)
{
    return mica_password_get(&(struct mica_password){ask_twice, NULL}, what, out, err);
}

enum mica_status mica_cli_signer_read(const char *path, struct mica_cli_signer *out, struct mica_err *err)
{
    struct mica_password password = {mica_cli_ask_password, NULL};
    struct mica_buf text = {0};
    *out = (struct mica_cli_signer){0};
    enum mica_status status = mica_fs_read(path, MICA_KEY_FILE_MAX, &text, err);
    if (status == MICA_OK && !mica_minisign_is(text.data, text.len)) {
        status = mica_key_parse_private(text.data, text.len, path, &password, &out->key, err);
    } else if (status == MICA_OK) {
        out->minisign = mica_alloc(1, sizeof *out->minisign);
        status = out->minisign
                     ? mica_minisign_parse_secret(text.data, text.len, path, &password, out->minisign, err)
                     : mica_fail(err, MICA_ENOMEM, "%s: out of memory", path);
    }
    if (text.data)
        mica_wipe(text.data, text.len);
    mica_buf_release(&text);
    if (status != MICA_OK)
        mica_cli_signer_release(out);
    return status;
}

void mica_cli_signer_release(struct mica_cli_signer *signer)
{
    mica_key_free(signer->key);
    if (signer->minisign)
        mica_wipe(signer->minisign, sizeof *signer->minisign);
    mica_free(signer->minisign);
    *signer = (struct mica_cli_signer){0};
}

bool mica_cli_is_path(struct mica_store *store, const char *operand)
{
    struct mica_name name;
    struct mica_manifest *manifest;
    struct stat st;
    if (strchr(operand, '/') && stat(operand, &st) == 0)
        return true;
    if (stat(operand, &st) != 0)
        return false;
    if (mica_name_parse(operand, &name, NULL) != MICA_OK ||
        mica_store_manifest(store, &name, &manifest, NULL) != MICA_OK)
        return true;
    mica_manifest_free(manifest);
    return false;
}
