/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The input is tried as each kind of minisign file. */
#include "govern/minisign.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(enum mica_status status, const struct mica_err *err)
{
    if (status != MICA_OK && (err->status != status || !err->text[0]))
        abort();
}

/* An encrypted key must ask; working its password out takes too long here, so there is none. */
static bool no_password(void *user, const char *what, char out[MICA_PASSWORD_MAX])
{
    (void)user;
    (void)what;
    (void)out;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mica_minisign_signature signature;
    struct mica_password password = {no_password, NULL};
    struct mica_minisign_public key = {{0}};
    struct mica_minisign_secret secret;
    struct mica_mapping *file;
    struct mica_err err = {0};
    const char *text = (const char *)data;
    enum mica_status status = mica_minisign_parse_secret(text, size, "fuzz", &password, &secret, &err);
    check(status, &err);
    check(mica_minisign_parse_public(text, size, "fuzz", &key, &err), &err);
    status = mica_minisign_parse_signature(text, size, "fuzz", &signature, &err);
    check(status, &err);
    if (status != MICA_OK)
        return 0;
    if (strlen(signature.comment) >= MICA_MINISIGN_COMMENT ||
        mica_mapping_from_bytes("abc", 3, "abc", &file, NULL) != MICA_OK)
        abort();
    memcpy(key.id, signature.id, sizeof key.id);
    check(mica_minisign_verify(file, &signature, &key, "fuzz", &err), &err);
    mica_mapping_free(file);
    return 0;
}
