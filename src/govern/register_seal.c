/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/register_internal.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum mica_status read_key(const char *path, uint8_t key[MICA_KEY_BYTES], struct mica_err *err)
{
    struct stat st;
    uint8_t read_bytes[MICA_KEY_BYTES + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == EACCES)
        return mica_fail(err, MICA_EDENIED,
                         "%s: belongs to another user, and the register with it; set MICA_HOME to a store of "
                         "your own, 'mica register PATH' records there what lies elsewhere",
                         path);
    if (fd < 0)
        return mica_fail(err, errno == ENOENT ? MICA_ENOTFOUND : MICA_EIO, "%s: %s", path, strerror(errno));
    bool is_file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    ssize_t n = is_file ? read(fd, read_bytes, sizeof read_bytes) : -1;
    close(fd);
    if (n != MICA_KEY_BYTES)
        return mica_fail(err, MICA_EFORMAT,
                         "%s: is not a key of %d bytes; put the right one back, or move it away and record "
                         "every model anew with 'mica register NAME'",
                         path, MICA_KEY_BYTES);
    if (st.st_mode & 077)
        return mica_fail(err, MICA_EDENIED,
                         "%s: other users may read it, so it seals nothing; run: chmod 600 '%s'", path, path);
    memcpy(key, read_bytes, MICA_KEY_BYTES);
    return MICA_OK;
}

/* Written aside and linked into place: the first of several processes wins, and nobody sees half a key. */
static enum mica_status make_key(const char *path, struct mica_err *err)
{
    char aside[MICA_PATH_MAX];
    uint8_t key[MICA_KEY_BYTES];
    enum mica_status status = mica_fs_path(aside, err, "%s.XXXXXX", path);
    if (status != MICA_OK)
        return status;
    if (RAND_bytes(key, sizeof key) != 1)
        return mica_fail(err, MICA_EINTERNAL, "%s: no random bytes to be had", path);
    int fd = mkostemp(aside, O_CLOEXEC); /* mode 0600 */
    if (fd < 0)
        return mica_fail(err, MICA_EIO, "%s: %s", path, strerror(errno));
    bool ok = write(fd, key, sizeof key) == sizeof key && fsync(fd) == 0;
    ok = close(fd) == 0 && ok;
    if (!ok || (link(aside, path) != 0 && errno != EEXIST))
        status = mica_fail(err, MICA_EIO, "%s: %s", path, strerror(errno));
    unlink(aside);
    return status == MICA_OK ? mica_fs_sync_folder(path, err) : status;
}

enum mica_status mica_register_key(const char *home, uint8_t key[MICA_KEY_BYTES], struct mica_err *err)
{
    char path[MICA_PATH_MAX];
    enum mica_status status = mica_fs_path(path, err, "%s/key", home);
    if (status == MICA_OK)
        status = read_key(path, key, err);
    if (status != MICA_ENOTFOUND)
        return status;
    status = make_key(path, err);
    return status == MICA_OK ? read_key(path, key, err) : status;
}

void mica_seal_bytes(struct mica_buf *buf, const void *data, size_t len)
{
    mica_buf_printf(buf, "%zu:", len);
    if (len)
        mica_buf_append(buf, data, len);
}

void mica_seal_text(struct mica_buf *buf, const char *text)
{
    mica_seal_bytes(buf, text, text ? strlen(text) : 0);
}

void mica_seal_int(struct mica_buf *buf, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)value);
    mica_seal_text(buf, text);
}

bool mica_seal_make(const struct mica_register *reg, struct mica_buf *buf, struct mica_digest *out)
{
    size_t len;
    bool ok = !buf->failed && EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, reg->key, sizeof reg->key,
                                        (const unsigned char *)buf->data, buf->len, out->bytes,
                                        sizeof out->bytes, &len) != NULL;
    mica_buf_release(buf);
    return ok && len == sizeof out->bytes;
}
