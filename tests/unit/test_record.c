/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Cards of every kind, and what is concluded from cards, keys and texts when a model is recorded. */
#include "base/fs.h"
#include "govern/evidence.h"
#include "govern/identify.h"
#include "support/write.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static char home[64];
static struct mica_err err;
static struct mica_store *store;
static struct mica_register *reg;

#define OK(call)                                                                                             \
    do {                                                                                                     \
        if ((call) != MICA_OK)                                                                               \
            fail_msg("%s: %s", #call, err.text);                                                             \
    } while (0)

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    return remove(path);
}

static int setup(void **state)
{
    snprintf(home, sizeof home, "/tmp/mica-record-XXXXXX");
    if (!mkdtemp(home))
        return -1;
    OK(mica_store_open(home, &store, &err));
    OK(mica_register_open(home, &reg, &err));
    return 0;
}

static int teardown(void **state)
{
    mica_register_close(reg);
    mica_store_close(store);
    return nftw(home, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- cards ---- */

static void test_cards(void **state)
{
    static const struct {
        const char *text, *licence, *base, *dataset;
    } rows[] = {
        {"---\nlicense: apache-2.0\n---\n# x", "apache-2.0", NULL, NULL},
        {"---\r\nlicense: mit\r\n---\r\n", "mit", NULL, NULL},
        {"---\nlicense: [mit, apache-2.0]\nbase_model: [a/b]\ndatasets: c/d\n---\n", "mit AND apache-2.0",
         "a/b", "c/d"},
        {"---\nlicense: other\nlicense_name: gemma\nlicense_link: LICENSE\n---\n", "gemma", NULL, NULL},
        {"---\nlicense: other\n---\n", "other", NULL, NULL},
        {"---\nlanguage: en\n---\nlicense: mit\n", NULL, NULL, NULL},
        {"# No front matter\nlicense: mit\n", NULL, NULL, NULL},
        {"", NULL, NULL, NULL},
        {"Metadata-Version: 2.4\nName: x\nLicense-Expression: MIT OR Apache-2.0\nLicense: GPL\n\nLicense: "
         "BSD",
         "MIT OR Apache-2.0", NULL, NULL},
        {"Metadata-Version: 2.1\nLicense: Apache-2.0\nClassifier: License :: OSI Approved :: MIT License\n",
         "Apache-2.0", NULL, NULL},
        {"Metadata-Version: 2.1\nLicense: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\n",
         "MIT License", NULL, NULL},
        {"Metadata-Version: 2.1\nLicense: MIT License\n        Copyright (c)\nClassifier: License :: OSI "
         "Approved :: MIT License\n",
         "a text in the package's metadata", NULL, NULL},
        {"Metadata-Version: 2.1\nName: x\n\nLicense: MIT\n", NULL, NULL, NULL},
        {"{\"license\": \"MIT\"}", "MIT", NULL, NULL},
        {"{\"license\": {\"type\": \"ISC\", \"url\": \"x\"}}", "ISC", NULL, NULL},
        {" {\"licenses\": [{\"type\": \"MIT\"}, {\"type\": \"Apache-2.0\"}]}", "MIT AND Apache-2.0", NULL,
         NULL},
        {"{}", NULL, NULL, NULL},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_arena arena = {0};
        struct mica_card card = {0};
        if (mica_card_read(rows[i].text, strlen(rows[i].text), "card", &arena, &card, &err) != MICA_OK)
            fail_msg("row %zu: %s", i, err.text);
        const struct {
            const char *want, *found;
        } fields[] = {{rows[i].licence, card.licence},
                      {rows[i].base, card.bases ? card.bases[0] : NULL},
                      {rows[i].dataset, card.datasets ? card.datasets[0] : NULL}};
        for (size_t f = 0; f < MICA_COUNT(fields); f++)
            if (!fields[f].want != !fields[f].found ||
                (fields[f].want && strcmp(fields[f].want, fields[f].found) != 0))
                fail_msg("row %zu, field %zu: %s, not %s", i, f, fields[f].found, fields[f].want);
        mica_arena_release(&arena);
    }
}

static void test_bad_cards(void **state)
{
    static const char *const rows[] = {"---\nlicense: {a: b}\n---\n", "---\nlicense: [\n---\n",
                                       "{\"license\": ", "{\"a\": 1, \"a\": 2}"};
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_arena arena = {0};
        struct mica_card card;
        enum mica_status status = mica_card_read(rows[i], strlen(rows[i]), "card", &arena, &card, &err);
        if (status != MICA_EFORMAT || strncmp(err.text, "card:", 5) != 0)
            fail_msg("row %zu: %d, %s", i, status, err.text);
        mica_arena_release(&arena);
    }
}

static void test_licence_sets(void **state)
{
    static const struct {
        const char *statement;
        int n;
        bool has_choice;
    } rows[] = {
        {"mit", 1, false},
        {"Apache License 2.0", 1, false},
        {"MIT OR Apache-2.0", 2, true},
        {"(MIT AND Apache-2.0)", 2, false},
        {"MIT AND MIT", 1, false},
        {"other", 0, false},
        {"", 0, false},
        {"MIT OR nonsense-9", 0, false},
        {"MIT Apache-2.0", 0, false},
        {"AND MIT", 0, false},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        struct mica_licence_set set;
        mica_licence_set_parse(rows[i].statement, &set);
        if (set.n != rows[i].n || set.has_choice != rows[i].has_choice)
            fail_msg("'%s': %d ids, choice %d", rows[i].statement, set.n, set.has_choice);
    }
}

/* ---- models ---- */

struct part {
    enum mica_layer_kind kind;
    const char *title, *text;
};

static void add_layer(struct mica_manifest *manifest, enum mica_layer_kind kind, const char *title,
                      const void *data, size_t len)
{
    struct mica_digest digest;
    OK(mica_store_blob_put(store, data, len, &digest, &err));
    OK(mica_manifest_add(manifest, kind, &digest, len, title, &err));
}

/* A GGUF file with these keys (name, value, …, NULL) and no tensors. */
static void put_gguf(struct mica_buf *buf, const char *const *keys)
{
    uint64_t n = 0;
    while (keys[n])
        n++;
    bool has_base = n >= 2 && strstr(keys[n - 2], "base_model");
    put_gguf_head(buf, 3, 0, n / 2 + has_base);
    for (uint64_t i = 0; i < n; i += 2)
        put_kv_str(buf, keys[i], keys[i + 1]);
    if (has_base)
        put_kv_int(buf, "general.base_model.count", GGUF_U32, 1);
}

/* Stores and records a model; the row comes back. */
static struct mica_components *record(const char *text, const char *const *keys, const struct part *parts,
                                      const struct mica_origin *origin)
{
    struct mica_name name;
    struct mica_buf gguf = {0};
    struct mica_components *found = NULL;
    char printed[MICA_NAME_TEXT];
    struct mica_manifest *manifest = mica_manifest_new();
    assert_non_null(manifest);
    put_gguf(&gguf, keys);
    add_layer(manifest, MICA_LAYER_MODEL, "", gguf.data, gguf.len);
    for (; parts && parts->text; parts++)
        add_layer(manifest, parts->kind, parts->title, parts->text, strlen(parts->text));
    OK(mica_name_parse(text, &name, &err));
    OK(mica_store_make_config(store, manifest, &err));
    OK(mica_manifest_seal(manifest, &err));
    OK(mica_record_model(store, reg, &name, manifest, origin, NULL, &err));
    mica_name_print(&name, printed);
    OK(mica_register_find(reg, MICA_COMPONENT_MODEL, printed, &found, &err));
    mica_manifest_free(manifest);
    mica_buf_release(&gguf);
    return found;
}

struct conclusion {
    const char *what, *key;
    struct part parts[4];
    const char *concluded, *drift;
};

static void check_conclusion(const struct conclusion *want)
{
    const char *const keys[] = {"general.license", want->key, NULL};
    struct mica_components *found = record("m", *want->key ? keys : &keys[2], want->parts, NULL);
    const struct mica_component *row = &found->rows[0];
    bool same = strncmp(row->concluded, want->concluded, strlen(want->concluded)) == 0 &&
                !*row->concluded == !*want->concluded;
    if (!same || strcmp(row->drift, want->drift) != 0 || strcmp(row->declared_key, want->key) != 0)
        fail_msg("%s: concluded '%s', drift '%s', key '%s'", want->what, row->concluded, row->drift,
                 row->declared_key);
    mica_components_free(found);
}

/* The texts that the rows below are about; changed is MIT with a clause more. */
static const char card_mit[] = "---\nlicense: mit\n---\n", card_isc[] = "---\nlicense: isc\n---\n",
                  both[] = "Metadata-Version: 2.4\nLicense-Expression: MIT OR ISC\n",
                  other[] = "---\nlicense: other\n---\n";

static const char family[] = "Metadata-Version: 2.1\nName: m\nLicense: BSD License\n\n",
                  elsewhere[] = "Metadata-Version: 2.1\nName: m\nLicense: see LICENSE file\n\n",
                  reserved[] = "Metadata-Version: 2.1\nName: m\nLicense: Free for non-commercial use\n\n";

static void test_conclusions(void **state)
{
    const char *mit = mica_licence_text("MIT"), *isc = mica_licence_text("ISC");
    if (!mit || !isc)
        skip();
    struct mica_buf changed = {0};
    mica_buf_printf(&changed, "%s\nFor non-commercial purposes only.\n", mit);
    const struct conclusion rows[] = {
        {"nothing", "", {{0}}, "", ""},
        {"key only", "mit", {{0}}, "", ""},
        {"text only", "", {{MICA_LAYER_LICENSE, "LICENSE", mit}}, "MIT", ""},
        {"all agree",
         "mit",
         {{MICA_LAYER_LICENSE, "LICENSE", mit}, {MICA_LAYER_CARD, "README.md", card_mit}},
         "MIT",
         ""},
        {"two texts",
         "",
         {{MICA_LAYER_LICENSE, "LICENSE", mit}, {MICA_LAYER_LICENSE, "LICENSE.isc", isc}},
         "MIT AND ISC",
         ""},
        {"a choice",
         "",
         {{MICA_LAYER_LICENSE, "LICENSE", mit},
          {MICA_LAYER_LICENSE, "LICENSE.isc", isc},
          {MICA_LAYER_CARD, "METADATA", both}},
         "MIT OR ISC",
         ""},
        {"same text twice",
         "",
         {{MICA_LAYER_LICENSE, "LICENSE", mit}, {MICA_LAYER_LICENSE, "licenses/LICENSE", mit}},
         "MIT",
         ""},
        {"notice beside",
         "",
         {{MICA_LAYER_LICENSE, "NOTICE", "Made by us."}, {MICA_LAYER_LICENSE, "LICENSE", mit}},
         "MIT",
         ""},
        {"a licence that is called a notice, too",
         "",
         {{MICA_LAYER_LICENSE, "LICENSE-third-party-notice", isc}},
         "ISC",
         ""},
        {"notice only", "", {{MICA_LAYER_LICENSE, "NOTICE.txt", mit}}, "", ""},
        {"changed text",
         "mit",
         {{MICA_LAYER_LICENSE, "LICENSE", changed.data}},
         "LicenseRef-modified-MIT",
         ""},
        {"own text",
         "mit",
         {{MICA_LAYER_LICENSE, "LICENSE", "Do what we say."}},
         "LicenseRef-unidentified-",
         ""},
        {"card against text",
         "",
         {{MICA_LAYER_LICENSE, "LICENSE", isc}, {MICA_LAYER_CARD, "README.md", card_mit}},
         "LicenseRef-disputed",
         "card says mit, text is ISC"},
        {"key against text",
         "mit",
         {{MICA_LAYER_LICENSE, "LICENSE", isc}},
         "LicenseRef-disputed",
         "file says mit, text is ISC"},
        {"card against key",
         "mit",
         {{MICA_LAYER_CARD, "README.md", card_isc}},
         "LicenseRef-disputed",
         "card says isc, file says mit"},
        {"a tag that names no text",
         "mit",
         {{MICA_LAYER_LICENSE, "LICENSE", mit}, {MICA_LAYER_CARD, "README.md", other}},
         "MIT",
         ""},
        {"a tag that nobody can judge, and no text",
         "mit",
         {{MICA_LAYER_CARD, "README.md", other}},
         "LicenseRef-disputed",
         "card says other, file says mit"},
        {"a family, and no text", "bsd-3-clause", {{MICA_LAYER_CARD, "METADATA", family}}, "", ""},
        {"a statement that points elsewhere", "mit", {{MICA_LAYER_CARD, "METADATA", elsewhere}}, "", ""},
        {"terms that hold back, against a text",
         "",
         {{MICA_LAYER_LICENSE, "LICENSE", mit}, {MICA_LAYER_CARD, "METADATA", reserved}},
         "LicenseRef-disputed",
         "card says Free for non-commercial use, text is MIT"},
        {"unreadable card",
         "",
         {{MICA_LAYER_LICENSE, "LICENSE", mit}, {MICA_LAYER_CARD, "README.md", "---\nlicense: {\n---\n"}},
         "MIT",
         ""},
    };
    for (size_t i = 0; i < MICA_COUNT(rows); i++)
        check_conclusion(&rows[i]);
    mica_buf_release(&changed);
}

static void test_policy_text(void **state)
{
    const struct part parts[] = {{MICA_LAYER_LICENSE, "", "**Llama** Acceptable Use Policy\n\nDo not."}, {0}};
    const char *const keys[] = {NULL};
    struct mica_components *found = record("m", keys, parts, NULL);
    assert_string_equal(found->rows[0].concluded, "");
    assert_int_equal(strlen(found->rows[0].policy_digest), 64);
    assert_string_equal(found->rows[0].licence_digest, "");
    mica_components_free(found);
}

/* Parts of a model, what it was made from, and what stays when it is recorded again. */
static void test_links(void **state)
{
    struct mica_components *found, *closure = NULL;
    const char *const keys[] = {"tokenizer.ggml.model",
                                "gpt2",
                                "tokenizer.chat_template",
                                "{{ messages }}",
                                "general.base_model.0.repo_url",
                                "https://huggingface.co/lab/base",
                                NULL};
    const char *const base_keys[] = {"general.license", "gemma", NULL};
    const struct mica_origin origin = {.source = "hf:lab/tuned",
                                       .declared = "mit",
                                       .datasets = "hf:x/data\nlocal",
                                       .owner = "me",
                                       .event = "pull"};
    found = record("tuned", keys, NULL, &origin);
    int64_t id = found->rows[0].id;
    assert_string_equal(found->rows[0].declared_card, "mit");
    assert_int_equal(strlen(found->rows[0].template_digest), 64);
    mica_components_free(found);
    OK(mica_register_closure(reg, id, &closure, &err));
    static const struct {
        const char *name, *declared;
        enum mica_component_kind kind;
        enum mica_relation relation;
    } rows[] = {
        {"tuned:latest", "mit", MICA_COMPONENT_MODEL, MICA_RELATION_BASE},
        {"hf:lab/base", "mit", MICA_COMPONENT_MODEL, MICA_RELATION_BASE}, /* of the same owner */
        {"tuned:latest", "mit", MICA_COMPONENT_TEMPLATE, MICA_RELATION_TEMPLATE},
        {"tuned:latest", "mit", MICA_COMPONENT_TOKENIZER, MICA_RELATION_TOKENIZER},
        {"hf:x/data", "", MICA_COMPONENT_DATASET, MICA_RELATION_TRAINED_ON},
        {"local", "", MICA_COMPONENT_DATASET, MICA_RELATION_TRAINED_ON},
    };
    assert_int_equal(closure->n, MICA_COUNT(rows));
    for (size_t i = 0; i < MICA_COUNT(rows); i++)
        if (strcmp(closure->rows[i].name, rows[i].name) != 0 || closure->rows[i].kind != rows[i].kind ||
            (i && closure->relations[i] != rows[i].relation) ||
            strcmp(closure->rows[i].declared_card, rows[i].declared) != 0)
            fail_msg("row %zu: %s %d", i, closure->rows[i].name, closure->rows[i].kind);
    mica_components_free(closure);
    /* Again, without what only a person can say: it stays. */
    found = record("tuned", keys, NULL, NULL);
    assert_string_equal(found->rows[0].owner, "me");
    assert_string_equal(found->rows[0].source, "hf:lab/tuned");
    assert_string_equal(found->rows[0].declared_card, "mit");
    mica_components_free(found);
    OK(mica_register_closure(reg, id, &closure, &err));
    assert_int_equal(closure->n, MICA_COUNT(rows));
    mica_components_free(closure);
    /* The base itself arrives, with terms of its own. */
    found = record("base", base_keys, NULL,
                   &(struct mica_origin){.source = "hf:lab/base:Q4_K_M", .event = "pull"});
    mica_components_free(found);
    OK(mica_register_closure(reg, id, &closure, &err));
    assert_int_equal(closure->n, MICA_COUNT(rows));
    assert_string_equal(closure->rows[1].name, "base:latest");
    assert_string_equal(closure->rows[1].declared_key, "gemma");
    mica_components_free(closure);
    found = record("tuned", keys, NULL, &(struct mica_origin){.relink = true, .event = "register"});
    mica_components_free(found);
    OK(mica_register_closure(reg, id, &closure, &err));
    assert_int_equal(closure->n, 4);
    mica_components_free(closure);
}

static void test_other_owner_states_nothing(void **state)
{
    struct mica_components *found, *closure = NULL;
    const char *const keys[] = {"general.base_model.0.repo_url", "https://huggingface.co/lab/base", NULL};
    found = record("tuned", keys, NULL,
                   &(struct mica_origin){.source = "hf:labour/tuned", .declared = "mit", .event = "pull"});
    OK(mica_register_closure(reg, found->rows[0].id, &closure, &err));
    assert_int_equal(closure->n, 2);
    assert_string_equal(closure->rows[1].declared_card, "");
    mica_components_free(found);
    mica_components_free(closure);
}

static void test_changed_blob(void **state)
{
    struct mica_name name;
    struct mica_digest digest;
    char path[MICA_PATH_MAX];
    struct mica_components *found = NULL;
    struct mica_manifest *manifest = mica_manifest_new();
    add_layer(manifest, MICA_LAYER_LICENSE, "LICENSE", "some text", 9);
    OK(mica_store_blob_put(store, "some text", 9, &digest, &err));
    OK(mica_store_blob_path(store, &digest, path, &err));
    chmod(path, 0644);
    OK(mica_fs_write(path, "SOME text", 9, 0644, &err));
    OK(mica_store_make_config(store, manifest, &err));
    OK(mica_manifest_seal(manifest, &err));
    OK(mica_name_parse("m", &name, &err));
    assert_int_equal(mica_record_model(store, reg, &name, manifest, NULL, NULL, &err), MICA_EFORMAT);
    assert_non_null(strstr(err.text, "was changed"));
    assert_int_equal(mica_register_all(reg, &found, &err), MICA_OK);
    assert_int_equal(found->n, 0);
    mica_components_free(found);
    mica_manifest_free(manifest);
}

/* Ollama's Go templates are not what runs; a Jinja template beside the model is. */
static void test_template_layer(void **state)
{
    static const struct {
        const char *layer, *used;
    } rows[] = {
        {"{{ if .System }}{{ .System }}{{ end }}", "{{ if .System }}{{ .System }}{{ end }}"},
        {"{{- range .Messages }}x{{ end }}", "{{- range .Messages }}x{{ end }}"},
        /* Go that does not parse, or that changes with the date, gives way to the model's own. */
        {"{{ if .System }}{{ .System }}", "{{ own }}"},
        {"{{ $x := currentDate }}", "{{ own }}"},
        {"{% for m in messages %}{{ m.content }}{% endfor %}",
         "{% for m in messages %}{{ m.content }}{% endfor %}"},
        {"{{ messages[0].content }}", "{{ messages[0].content }}"},
        {"plain", "plain"},
    };
    const char *const keys[] = {"tokenizer.chat_template", "{{ own }}", NULL};
    for (size_t i = 0; i < MICA_COUNT(rows); i++) {
        const struct part parts[] = {{MICA_LAYER_TEMPLATE, "", rows[i].layer}, {0}};
        struct mica_components *found = record("m", keys, parts, NULL);
        struct mica_digest digest;
        char hex[MICA_DIGEST_HEX];
        mica_sha256(rows[i].used, strlen(rows[i].used), &digest);
        mica_digest_hex(&digest, hex);
        if (strcmp(hex, found->rows[0].template_digest) != 0)
            fail_msg("row %zu: another template", i);
        mica_components_free(found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cards),
        cmocka_unit_test(test_bad_cards),
        cmocka_unit_test(test_licence_sets),
        cmocka_unit_test_setup_teardown(test_conclusions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_policy_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_links, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_owner_states_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changed_blob, setup, teardown),
        cmocka_unit_test_setup_teardown(test_template_layer, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
