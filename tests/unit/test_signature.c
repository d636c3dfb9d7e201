/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The parts of signatures: base64, the pre-authentication encoding, BLAKE2b, keys and DER, bundles and
 * statements, minisign files. Whole signatures are compared with other tools in tests/parity. */
#include "govern/blake2b.h"
#include "govern/minisign.h"
#include "govern/oms.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static void test_base64(void **state)
{
    /* RFC 4648, section 10; then texts that decoders take and this one must not. */
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    static const char *const bad[] = {"Zg",
                                      "Zg=",
                                      "Zg= =",
                                      "Zh==",
                                      "Zm9=",
                                      "Z===",
                                      "====",
                                      "Zg==Zg==",
                                      "Zm8=\n",
                                      "Zm 8",
                                      "Zm-_",
                                      "Zm8=Zm8=",
                                      "=Zm8",
                                      "Zm9v\n"
                                      "Zm9v"};
    (void)state;
    for (size_t i = 0; i < MICA_COUNT(pairs); i++) {
        struct mica_buf out = {0}, back = {0};
        mica_buf_puts(&out, "");
        mica_buf_puts(&back, "");
        assert_true(mica_base64_encode(pairs[i][0], strlen(pairs[i][0]), &out));
        assert_string_equal(out.data, pairs[i][1]);
        assert_true(mica_base64_decode(pairs[i][1], strlen(pairs[i][1]), &back));
        assert_int_equal(back.len, strlen(pairs[i][0]));
        assert_memory_equal(back.data, pairs[i][0], back.len);
        mica_buf_release(&out);
        mica_buf_release(&back);
    }
    for (size_t i = 0; i < MICA_COUNT(bad); i++) {
        struct mica_buf back = {0};
        if (mica_base64_decode(bad[i], strlen(bad[i]), &back))
            fail_msg("'%s' was decoded", bad[i]);
        mica_buf_release(&back);
    }
}

static void test_pae(void **state)
{
    struct mica_buf out = {0};
    (void)state;
    /* The example of the DSSE protocol. */
    assert_true(mica_dsse_pae("http://example.com/HelloWorld", "hello world", 11, &out));
    assert_string_equal(out.data, "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    mica_buf_release(&out);
}

static void check_blake2b(size_t out_len, const char *text, const char *hex)
{
    uint8_t out[64];
    char got[129];
    struct mica_blake2b h;
    mica_blake2b_begin(&h, out_len);
    /* In pieces of odd lengths: where a block ends must not matter. */
    for (size_t at = 0, n = 1; at < strlen(text); at += n, n = n * 2 + 1) {
        n = strlen(text) - at < n ? strlen(text) - at : n;
        mica_blake2b_update(&h, text + at, n);
    }
    mica_blake2b_end(&h, out);
    for (size_t i = 0; i < out_len; i++)
        snprintf(got + 2 * i, 3, "%02x", out[i]);
    assert_string_equal(got, hex);
}

static void test_blake2b(void **state)
{
    char blocks[257];
    (void)state;
    /* The first is RFC 7693's example; all computed with Python's hashlib. */
    check_blake2b(64, "abc",
                  "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
                  "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
    check_blake2b(32, "", "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    check_blake2b(32, "abc", "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    memset(blocks, 'x', 256);
    blocks[256] = '\0';
    check_blake2b(32, blocks, "cb9d468022b930d52da4d9b0226ef9c997e0acc119eeb08afefb8219bc53972b");
    blocks[128] = '\0';
    check_blake2b(32, blocks, "164ffb7089bae6f5a62fb0795e751dc9e88eac92e1a5b2fafe93a25abf2d9c3b");
}

static struct mica_key *make_key(const char *curve)
{
    struct mica_key *key;
    struct mica_err err;
    assert_int_equal(mica_key_generate(curve, &key, &err), MICA_OK);
    return key;
}

static void test_der(void **state)
{
    static const char *const curves[] = {"P-256", "P-384", "P-521"};
    (void)state;
    for (size_t c = 0; c < MICA_COUNT(curves); c++) {
        struct mica_key *key = make_key(curves[c]), *other = make_key(curves[c]);
        struct mica_buf sig = {0};
        uint8_t longer[256];
        assert_string_equal(mica_key_curve(key), curves[c]);
        assert_int_equal(mica_key_sign(key, "text", 4, &sig, NULL), MICA_OK);
        assert_true(mica_key_verify(key, "text", 4, sig.data, sig.len));
        assert_false(mica_key_verify(other, "text", 4, sig.data, sig.len));
        assert_false(mica_key_verify(key, "test", 4, sig.data, sig.len));
        assert_false(mica_key_verify(key, "text", 3, sig.data, sig.len));
        assert_false(mica_key_verify(key, "text", 4, sig.data, sig.len - 1));
        assert_false(mica_key_verify(key, "text", 4, "", 0));
        /* A byte after the end, and the outer length in a longer form, which BER allows and DER does not. */
        memcpy(longer, sig.data, sig.len);
        longer[sig.len] = 0;
        assert_false(mica_key_verify(key, "text", 4, longer, sig.len + 1));
        if ((uint8_t)sig.data[1] < 0x80) {
            longer[0] = 0x30;
            longer[1] = 0x81;
            memcpy(longer + 2, sig.data + 1, sig.len - 1);
            assert_false(mica_key_verify(key, "text", 4, longer, sig.len + 1));
        }
        for (size_t i = 0; i < sig.len; i++) {
            sig.data[i] ^= 1;
            if (mica_key_verify(key, "text", 4, sig.data, sig.len))
                fail_msg("%s: accepted with byte %zu changed", curves[c], i);
            sig.data[i] ^= 1;
        }
        mica_buf_release(&sig);
        mica_key_free(key);
        mica_key_free(other);
    }
}

static bool give(void *user, const char *what, char out[MICA_PASSWORD_MAX])
{
    (void)what;
    strcpy(out, user);
    return true;
}

static void test_key_files(void **state)
{
    struct mica_key *key = make_key("P-384"), *back = NULL;
    struct mica_buf plain = {0}, locked = {0}, public = {0};
    struct mica_password right = {give, (void *)(uintptr_t) "right"},
                         wrong = {give, (void *)(uintptr_t) "wrong"};
    struct mica_err err;
    (void)state;
    unsetenv("MICA_KEY_PASSWORD");
    assert_int_equal(mica_key_private_pem(key, NULL, &plain, &err), MICA_OK);
    assert_int_equal(mica_key_private_pem(key, "right", &locked, &err), MICA_OK);
    assert_int_equal(mica_key_public_pem(key, &public, &err), MICA_OK);
    assert_int_equal(mica_key_parse_private(plain.data, plain.len, "k", NULL, &back, &err), MICA_OK);
    assert_string_equal(mica_key_hint(back), mica_key_hint(key));
    mica_key_free(back);
    assert_int_equal(mica_key_parse_private(locked.data, locked.len, "k", &right, &back, &err), MICA_OK);
    mica_key_free(back);
    assert_int_equal(mica_key_parse_private(locked.data, locked.len, "k", &wrong, &back, &err), MICA_EDENIED);
    assert_non_null(strstr(err.text, "the password is wrong"));
    assert_int_equal(mica_key_parse_private(locked.data, locked.len, "k", NULL, &back, &err), MICA_EDENIED);
    assert_non_null(strstr(err.text, "MICA_KEY_PASSWORD"));
    assert_int_equal(mica_key_parse_public(plain.data, plain.len, "k", &back, &err), MICA_EARG);
    assert_int_equal(mica_key_parse_private(public.data, public.len, "k", NULL, &back, &err), MICA_EARG);
    assert_int_equal(mica_key_parse_public("nothing", 7, "k", &back, &err), MICA_EFORMAT);
    mica_buf_release(&plain);
    mica_buf_release(&locked);
    mica_buf_release(&public);
    mica_key_free(key);
}

/* ---- statements ---- */

#define HEX64  "1111111111111111111111111111111111111111111111111111111111111111"
#define ROW(n) "{\"name\":\"" n "\",\"algorithm\":\"sha256\",\"digest\":\"" HEX64 "\"}"

/* A statement with these rows and members of serialization, and the right root. */
static char *statement(const char *rows, const char *serialization, const char *root)
{
    struct mica_buf out = {0};
    struct mica_digest digest;
    char hex[MICA_DIGEST_HEX];
    uint8_t bytes[8 * 32];
    size_t n = 0;
    for (const char *at = rows; (at = strstr(at, HEX64)); at++, n++)
        ;
    memset(bytes, 0x11, sizeof bytes);
    assert_true(mica_sha256(bytes, 32 * n, &digest));
    mica_digest_hex(&digest, hex);
    mica_buf_printf(&out,
                    "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"name\":\"m\",\"digest\":{"
                    "\"sha256\":\"%s\"}}],\"predicateType\":\"https://model_signing/signature/v1.0\","
                    "\"predicate\":{\"resources\":[%s],\"serialization\":{%s}}}",
                    root ? root : hex, rows, serialization);
    return out.data;
}

static void test_statements(void **state)
{
    static const char files[] = "\"method\":\"files\",\"hash_type\":\"sha256\",\"allow_symlinks\":false",
                      shards[] = "\"method\":\"shards\",\"hash_type\":\"sha256\",\"shard_size\":10";
    static const struct {
        const char *rows, *serialization, *root;
        enum mica_status status;
        const char *text;
    } cases[] = {
        {ROW("a") "," ROW("b/c d"), files, NULL, MICA_OK, NULL},
        {ROW("."), files, NULL, MICA_OK, NULL},
        {ROW("a:b:0:10") "," ROW("a:b:10:15"), shards, NULL, MICA_OK, NULL},
        {ROW("a"), files, HEX64, MICA_EDENIED, "wrong root digest"},
        {ROW("a") "," ROW("a"), files, NULL, MICA_EFORMAT, "listed twice"},
        {ROW("."), shards, NULL, MICA_EFORMAT, "resources[0]"},
        {ROW(".") "," ROW("a"), files, NULL, MICA_EFORMAT, "resources[0]"},
        {ROW("../a"), files, NULL, MICA_EFORMAT, "leaves the folder"},
        {ROW("a/../b"), files, NULL, MICA_EFORMAT, "leaves the folder"},
        {ROW("a/.."), files, NULL, MICA_EFORMAT, "leaves the folder"},
        {ROW("/a"), files, NULL, MICA_EFORMAT, "absolute"},
        {ROW("./a"), files, NULL, MICA_EFORMAT, "plain form"},
        {ROW("a//b"), files, NULL, MICA_EFORMAT, "plain form"},
        {ROW("a/"), files, NULL, MICA_EFORMAT, "plain form"},
        {ROW(""), files, NULL, MICA_EFORMAT, "resources[0]"},
        {ROW("a\\u0000b"), files, NULL, MICA_EFORMAT, "malformed JSON"},
        {ROW("a:5:5"), shards, NULL, MICA_EFORMAT, "path:start:end"},
        {ROW("a:0:010"), shards, NULL, MICA_EFORMAT, "path:start:end"},
        {ROW("a:-1:9"), shards, NULL, MICA_EFORMAT, "path:start:end"},
        {ROW("a:0:99999999999999999999999"), shards, NULL, MICA_EFORMAT, "path:start:end"},
        {ROW(":0:9"), shards, NULL, MICA_EFORMAT, "plain form"},
        {ROW("../a:0:9"), shards, NULL, MICA_EFORMAT, "leaves the folder"},
        {ROW("a:0:9"), "\"method\":\"shards\",\"hash_type\":\"sha256\"", NULL, MICA_EFORMAT, "shard_size"},
        {ROW("a"), "\"method\":\"bytes\",\"hash_type\":\"sha256\"", NULL, MICA_EUNSUPPORTED, "bytes"},
        {ROW("a"), "\"method\":\"files\",\"hash_type\":\"blake3\"", NULL, MICA_EUNSUPPORTED, "blake3"},
        {ROW("a"), "\"method\":\"files\",\"hash_type\":\"blake2b\"", NULL, MICA_EFORMAT, "algorithm"},
        {ROW("a"), "\"method\":\"files\",\"hash_type\":\"sha256\",\"ignore_paths\":[3]", NULL, MICA_EFORMAT,
         "ignore_paths"},
        {"", files, NULL, MICA_EFORMAT, "resources"},
        {"3", files, NULL, MICA_EFORMAT, "resources[0]"},
        {"{\"name\":\"a\",\"algorithm\":\"sha256\",\"digest\":\"11\"}", files, NULL, MICA_EFORMAT, "digest"},
        {ROW("a"), "\"method\":\"files\",\"method\":\"files\"", NULL, MICA_EFORMAT, "malformed JSON"},
    };
    (void)state;
    for (size_t i = 0; i < MICA_COUNT(cases); i++) {
        char *text = statement(cases[i].rows, cases[i].serialization, cases[i].root);
        struct mica_oms *oms = NULL;
        struct mica_err err = {0};
        enum mica_status status = mica_oms_parse(text, strlen(text), "s", &oms, &err);
        if (status != cases[i].status || (cases[i].text && !strstr(err.text, cases[i].text)))
            fail_msg("row %zu (%s): status %d, %s", i, cases[i].rows, status, err.text);
        mica_oms_free(oms);
        mica_free(text);
    }
}

static void test_bundles(void **state)
{
    /* What is put in the place of one member of a good bundle (NULL: it is taken out), and what that gives.
     */
    static const struct {
        const char *path[3], *value;
        enum mica_status status;
        const char *text;
    } cases[] = {
        {{"mediaType"}, "\"application/vnd.dev.sigstore.bundle.v9+json\"", MICA_EUNSUPPORTED, "v9"},
        {{"mediaType"}, NULL, MICA_EFORMAT, "mediaType"},
        {{"verificationMaterial"}, NULL, MICA_EFORMAT, "verificationMaterial"},
        {{"verificationMaterial", "publicKey"}, NULL, MICA_EFORMAT, "publicKey"},
        {{"verificationMaterial", "certificate"}, "{}", MICA_EUNSUPPORTED, "keyless"},
        {{"verificationMaterial", "x509CertificateChain"}, "{}", MICA_EUNSUPPORTED, "X.509"},
        {{"verificationMaterial", "tlogEntries"}, NULL, MICA_OK, NULL},
        {{"verificationMaterial", "tlogEntries"}, "3", MICA_EFORMAT, "tlogEntries"},
        {{"verificationMaterial", "publicKey", "hint"}, NULL, MICA_OK, NULL},
        {{"verificationMaterial", "publicKey", "hint"}, "3", MICA_EFORMAT, "hint"},
        {{"verificationMaterial", "publicKey", "hint"}, "\"00\"", MICA_EDENIED, "another key"},
        {{"dsseEnvelope"}, NULL, MICA_EFORMAT, "dsseEnvelope"},
        {{"dsseEnvelope", "payloadType"}, "\"text/plain\"", MICA_EUNSUPPORTED, "text/plain"},
        {{"dsseEnvelope", "payload"}, "\"e30=\"", MICA_EDENIED, "broken"},
        {{"dsseEnvelope", "payload"}, "\"e30\"", MICA_EFORMAT, "not base64"},
        {{"dsseEnvelope", "signatures"}, "[]", MICA_EFORMAT, "exactly one"},
        {{"dsseEnvelope", "signatures"},
         "[{\"sig\":\"AAAA\"},{\"sig\":\"AAAA\"}]",
         MICA_EFORMAT,
         "exactly one"},
        {{"dsseEnvelope", "signatures"}, "[{\"sig\":\"AAAA\",\"keyid\":3}]", MICA_EFORMAT, "keyid"},
        {{"dsseEnvelope", "signatures"}, "[{\"sig\":\"AAAA\",\"keyid\":null}]", MICA_EDENIED, "broken"},
        {{"dsseEnvelope", "signatures"}, "[{}]", MICA_EFORMAT, "sig"},
    };
    struct mica_key *key = make_key("P-256");
    struct mica_oms_file file = {"a", {{0x11}}};
    struct mica_buf good = {0};
    (void)state;
    assert_int_equal(mica_oms_seal("m", &file, 1, NULL, 0, key, &good, NULL), MICA_OK);
    for (size_t i = 0; i < MICA_COUNT(cases); i++) {
        json_t *root = json_loads(good.data, 0, NULL), *at = root;
        int last = cases[i].path[2] ? 2 : cases[i].path[1] ? 1 : 0;
        for (int k = 0; k < last; k++)
            at = json_object_get(at, cases[i].path[k]);
        if (cases[i].value)
            json_object_set_new(at, cases[i].path[last], json_loads(cases[i].value, JSON_DECODE_ANY, NULL));
        else
            json_object_del(at, cases[i].path[last]);
        char *text = json_dumps(root, JSON_COMPACT);
        struct mica_oms *oms = NULL;
        struct mica_err err = {0};
        enum mica_status status = mica_oms_open(text, strlen(text), "b", key, &oms, &err);
        if (status != cases[i].status || (cases[i].text && !strstr(err.text, cases[i].text)))
            fail_msg("row %zu (%s): status %d, %s", i, cases[i].path[last], status, err.text);
        mica_oms_free(oms);
        free(text);
        json_decref(root);
    }
    mica_buf_release(&good);
    mica_key_free(key);
}

static void test_json_bomb(void **state)
{
    struct mica_bundle bundle = {0};
    struct mica_err err;
    char *bomb = malloc(1 << 20);
    (void)state;
    assert_non_null(bomb);
    for (int i = 0; i < 1 << 20; i++)
        bomb[i] = '[';
    assert_int_equal(mica_bundle_parse(bomb, 1 << 20, "b", &bundle, &err), MICA_ELIMIT);
    /* Nested as deeply as the limit of items lets through. */
    assert_int_equal(mica_bundle_parse(bomb, 9000, "b", &bundle, &err), MICA_EFORMAT);
    mica_bundle_release(&bundle);
    free(bomb);
}

/* ---- minisign ---- */

static void test_minisign(void **state)
{
    struct mica_minisign_secret secret, back;
    struct mica_minisign_public key;
    static struct mica_minisign_signature sig;
    struct mica_password right = {give, (void *)(uintptr_t) "right"},
                         wrong = {give, (void *)(uintptr_t) "wrong"};
    struct mica_buf locked = {0}, public = {0}, text = {0};
    struct mica_mapping *file, *other;
    struct mica_err err;
    (void)state;
    unsetenv("MICA_KEY_PASSWORD");
    assert_int_equal(mica_minisign_generate(&secret, &err), MICA_OK);
    assert_int_equal(mica_minisign_write_secret(&secret, "right", &locked, &err), MICA_OK);
    assert_int_equal(mica_minisign_parse_secret(locked.data, locked.len, "k", &right, &back, &err), MICA_OK);
    assert_memory_equal(&secret, &back, sizeof secret);
    assert_int_equal(mica_minisign_parse_secret(locked.data, locked.len, "k", &wrong, &back, &err),
                     MICA_EDENIED);
    assert_true(mica_minisign_write_public(secret.id, secret.key, &public));
    assert_int_equal(mica_minisign_parse_public(public.data, public.len, "p", &key, &err), MICA_OK);
    assert_int_equal(mica_mapping_from_bytes("abc", 3, "f", &file, NULL), MICA_OK);
    assert_int_equal(mica_mapping_from_bytes("abd", 3, "f", &other, NULL), MICA_OK);
    assert_int_equal(mica_minisign_sign(file, &secret, "two\nlines", &text, &err), MICA_EARG);
    assert_int_equal(mica_minisign_sign(file, &secret, "a comment", &text, &err), MICA_OK);
    assert_int_equal(mica_minisign_parse_signature(text.data, text.len, "s", &sig, &err), MICA_OK);
    assert_string_equal(sig.comment, "a comment");
    assert_int_equal(mica_minisign_verify(file, &sig, &key, "s", &err), MICA_OK);
    assert_int_equal(mica_minisign_verify(other, &sig, &key, "s", &err), MICA_EDENIED);
    assert_non_null(strstr(err.text, "f has changed"));
    sig.comment[0] = 'A';
    assert_int_equal(mica_minisign_verify(file, &sig, &key, "s", &err), MICA_EDENIED);
    assert_non_null(strstr(err.text, "trusted comment"));
    key.id[0] ^= 1;
    assert_int_equal(mica_minisign_verify(file, &sig, &key, "s", &err), MICA_EDENIED);
    assert_non_null(strstr(err.text, "another key"));
    mica_mapping_free(file);
    mica_mapping_free(other);
    mica_buf_release(&locked);
    mica_buf_release(&public);
    mica_buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64),  cmocka_unit_test(test_pae),       cmocka_unit_test(test_blake2b),
        cmocka_unit_test(test_der),     cmocka_unit_test(test_key_files), cmocka_unit_test(test_statements),
        cmocka_unit_test(test_bundles), cmocka_unit_test(test_json_bomb), cmocka_unit_test(test_minisign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
