/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Every allocation fails once while a folder is signed and verified, keys and minisign files are written and
 * read, and statements are made. */
#include "alloc.h"
#include "govern/minisign.h"
#include "govern/oms.h"
#include "govern/provenance.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGEST "1111111111111111111111111111111111111111111111111111111111111111"

static char folder[] = "/tmp/mica-alloc-XXXXXX";
static const char *const names[] = {"a", "sub/b", "sub/empty"};
static struct mica_key *key;

static void path_of(const char *name, char out[256])
{
    snprintf(out, 256, "%s/%s", folder, name);
}

static int make_folder(void **state)
{
    char path[256];
    struct mica_err err;
    unsetenv("MICA_KEY_PASSWORD");
    if (!mkdtemp(folder))
        return 1;
    path_of("sub", path);
    if (mkdir(path, 0755) != 0)
        return 1;
    for (size_t i = 0; i < MICA_COUNT(names); i++) {
        path_of(names[i], path);
        FILE *f = fopen(path, "we");
        if (!f)
            return 1;
        fputs(i < 2 ? names[i] : "", f);
        fclose(f);
    }
    return mica_key_generate("P-256", &key, &err) != MICA_OK;
}

static int remove_folder(void **state)
{
    char path[256];
    for (size_t i = 0; i < MICA_COUNT(names); i++) {
        path_of(names[i], path);
        unlink(path);
    }
    path_of("sub", path);
    rmdir(path);
    mica_key_free(key);
    return rmdir(folder);
}

static enum mica_status sign_and_verify(void *arg, struct mica_err *err)
{
    static const char *const ignored[] = {"nothing"};
    struct mica_buf bundle = {0};
    struct mica_oms *oms = NULL;
    enum mica_status status =
        mica_oms_sign_folder(folder, "model.sig", ignored, 1, key, NULL, &bundle, NULL, err);
    if (status == MICA_OK)
        status = mica_oms_open(bundle.data, bundle.len, "bundle", key, &oms, err);
    if (status == MICA_OK)
        status = mica_oms_verify_folder(oms, folder, "model.sig", NULL, NULL, err);
    mica_oms_free(oms);
    mica_buf_release(&bundle);
    return status;
}

static enum mica_status write_and_read_key(void *arg, struct mica_err *err)
{
    struct mica_buf secret = {0}, public = {0};
    struct mica_key *back = NULL, *half = NULL;
    enum mica_status status = mica_key_private_pem(key, NULL, &secret, err);
    if (status == MICA_OK)
        status = mica_key_public_pem(key, &public, err);
    if (status == MICA_OK)
        status = mica_key_parse_private(secret.data, secret.len, "secret", NULL, &back, err);
    if (status == MICA_OK)
        status = mica_key_parse_public(public.data, public.len, "public", &half, err);
    mica_key_free(back);
    mica_key_free(half);
    mica_buf_release(&secret);
    mica_buf_release(&public);
    return status;
}

static enum mica_status use_minisign(void *arg, struct mica_err *err)
{
    static struct mica_minisign_signature signature;
    struct mica_minisign_secret made, secret;
    struct mica_minisign_public public;
    struct mica_buf secret_text = {0}, public_text = {0}, text = {0};
    struct mica_mapping *file = NULL;
    enum mica_status status = mica_mapping_from_bytes("abc", 3, "abc", &file, err);
    if (status == MICA_OK)
        status = mica_minisign_generate(&made, err);
    if (status == MICA_OK)
        status = mica_minisign_write_secret(&made, NULL, &secret_text, err);
    if (status == MICA_OK)
        status = mica_minisign_parse_secret(secret_text.data, secret_text.len, "secret", NULL, &secret, err);
    if (status == MICA_OK && !mica_minisign_write_public(secret.id, secret.key, &public_text))
        status = mica_fail(err, MICA_ENOMEM, "public key");
    if (status == MICA_OK)
        status = mica_minisign_parse_public(public_text.data, public_text.len, "public", &public, err);
    if (status == MICA_OK)
        status = mica_minisign_sign(file, &secret, "comment", &text, err);
    if (status == MICA_OK)
        status = mica_minisign_parse_signature(text.data, text.len, "signature", &signature, err);
    if (status == MICA_OK)
        status = mica_minisign_verify(file, &signature, &public, "signature", err);
    mica_mapping_free(file);
    mica_buf_release(&secret_text);
    mica_buf_release(&public_text);
    mica_buf_release(&text);
    return status;
}

static enum mica_status state_everything(void *arg, struct mica_err *err)
{
    static const char *const tests[] = {"one", "two", NULL};
    static const struct mica_artifact thing = {"a name", "urn:x", DIGEST, NULL, "model", "base", "MIT"};
    struct mica_provenance slsa = {.build_type = MICA_BUILD_CONVERT,
                                   .subjects = &thing,
                                   .n_subjects = 1,
                                   .sources = &thing,
                                   .n_sources = 1,
                                   .started = "2026-11-24T09:00:00Z"};
    struct mica_test_statement test = {&thing, &thing, 1,     1,           MICA_TEST_PASSED,
                                       tests,  tests,  tests, "urn:report"};
    struct mica_vsa vsa = {&thing, 1, "urn:x", thing, &thing, 1, true, tests, NULL};
    struct mica_buf text = {0};
    json_t *statements[3] = {NULL};
    enum mica_status status = mica_provenance_slsa(&slsa, &statements[0], err);
    if (status == MICA_OK)
        status = mica_provenance_test(&test, &statements[1], err);
    if (status == MICA_OK)
        status = mica_provenance_vsa(&vsa, &statements[2], err);
    if (status == MICA_OK)
        status = mica_provenance_write(statements[0], key, &text, err);
    for (int i = 0; i < 3; i++)
        json_decref(statements[i]);
    mica_buf_release(&text);
    return status;
}

static void test_folder(void **state)
{
    alloc_fail_everywhere("sign and verify", sign_and_verify, NULL, 2000);
}

static void test_key(void **state)
{
    alloc_fail_everywhere("key files", write_and_read_key, NULL, 2000);
}

static void test_minisign(void **state)
{
    alloc_fail_everywhere("minisign", use_minisign, NULL, 2000);
}

static void test_statements(void **state)
{
    alloc_fail_everywhere("statements", state_everything, NULL, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folder),
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_minisign),
        cmocka_unit_test(test_statements),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
