/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* mica sbom: writes the bill of materials of a stored model or of Mica, and reads those of others. */
#include "cli/cli.h"
#include "cli/openness.h"
#include "cli/registered.h"
#include "cli/terminal.h"
#include "govern/card.h"
#include "govern/closure.h"
#include "govern/dependencies.h"
#include "govern/sbom.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct args {
    const char *format, *spec, *out, *check, *supplier;
    bool self, strict, json;
};

/* What a document is made from; everything is released together. */
struct material {
    struct mica_registered of;
    struct mica_model_info info;
    struct mica_sbom_facts facts;
    char **texts;
    const char *verdict, *openness;
    json_t *results;
};

static void release(struct material *m)
{
    for (int64_t i = 0; m->texts && i < m->of.closure->n; i++)
        mica_free(m->texts[i]);
    mica_free(m->texts);
    json_decref(m->results);
    mica_cli_registered_release(&m->of);
}

/* The licence texts of the rows, as far as the store has them. */
static enum mica_status read_texts(struct material *m, struct mica_err *err)
{
    enum { TEXT_MAX = 1 << 20 };
    m->texts = mica_alloc((size_t)m->of.closure->n, sizeof *m->texts);
    if (!m->texts)
        return mica_fail(err, MICA_ENOMEM, "out of memory while reading licence texts");
    for (int64_t i = 0; i < m->of.closure->n; i++)
        m->texts[i] = mica_cli_registered_text(m->of.store, m->of.closure->rows[i].licence_digest, TEXT_MAX);
    return MICA_OK;
}

/* What the model's own file says; a model of an architecture that Mica does not run has a bill, too. */
static void read_facts(struct material *m)
{
    struct mica_files *files;
    if (mica_store_files(m->of.store, m->of.manifest, &files, NULL) != MICA_OK)
        return;
    if (mica_model_inspect(files, &m->info, NULL) == MICA_OK)
        m->facts = (struct mica_sbom_facts){.architecture = m->info.architecture,
                                            .quantization = m->info.quantization,
                                            .tokenizer = m->info.tokenizer,
                                            .n_parameters = m->info.n_parameters,
                                            .n_ctx = m->info.n_ctx,
                                            .n_layers = m->info.n_layers,
                                            .d_model = m->info.d_model,
                                            .n_heads = m->info.n_heads,
                                            .n_kv_heads = m->info.n_kv_heads,
                                            .d_ff = m->info.d_ff,
                                            .n_vocab = m->info.n_vocab};
    mica_files_free(files);
}

/* Evaluation results that the card states. */
static void read_results(struct material *m)
{
    struct mica_buf text = {0};
    if (mica_store_text(m->of.store, m->of.manifest, MICA_LAYER_CARD, &text, NULL) == MICA_OK && text.data &&
        mica_card_results(text.data, text.len, "card", &m->results, NULL) != MICA_OK)
        m->results = NULL;
    mica_buf_release(&text);
}

/* What this project's policy says to using what the rows state; NULL: nothing could be decided. */
static const char *verdict_of(const char *home, const struct mica_components *closure)
{
    struct mica_policy policy = {0};
    struct mica_decision *decision = NULL;
    const char *verdict = NULL;
    if (mica_policy_load(NULL, home, &policy, NULL) == MICA_OK &&
        mica_closure_rights(closure, &policy.facts, &decision, NULL) == MICA_OK)
        verdict = mica_verdict_text(decision->verdict);
    mica_decision_free(decision);
    mica_policy_release(&policy);
    return verdict;
}

static enum mica_status gather(struct material *m, const char *text, struct mica_err *err)
{
    enum mica_status status = mica_cli_registered_model(text, &m->of, err);
    if (status == MICA_OK)
        status = read_texts(m, err);
    if (status != MICA_OK)
        return status;
    read_facts(m);
    read_results(m);
    enum mica_openness openness;
    if (mica_cli_openness(text, &openness, NULL) == MICA_OK)
        m->openness = mica_openness_text(openness);
    m->verdict = verdict_of(mica_store_home(m->of.store), m->of.closure);
    return MICA_OK;
}

static enum mica_status find_format(const char *text, enum mica_sbom_format *out, struct mica_err *err)
{
    if (!text || strcmp(text, "cyclonedx") == 0)
        *out = MICA_SBOM_CYCLONEDX;
    else if (strcmp(text, "spdx") == 0)
        *out = MICA_SBOM_SPDX;
    else
        return mica_fail(err, MICA_EARG, "--format %s: it is cyclonedx or spdx", text);
    return MICA_OK;
}

enum { GAPS_SAID = 8 }; /* a model of many datasets has a hundred */

/* Reads our own document as anyone's: what our profile asks for and nobody stated is told. */
static enum mica_status tell_gaps(const char *text, bool strict, struct mica_err *err)
{
    struct mica_sbom *sbom;
    enum mica_status status = mica_sbom_read(text, strlen(text), &sbom, err);
    if (status != MICA_OK)
        return status;
    int64_t n_said = strict || sbom->n_gaps <= GAPS_SAID ? sbom->n_gaps : GAPS_SAID;
    for (int64_t i = 0; i < n_said; i++)
        mica_terminal_say("%s", sbom->gaps[i]);
    if (n_said < sbom->n_gaps)
        mica_terminal_say("and %lld more that are not stated; 'mica sbom --check FILE' lists them all",
                          (long long)(sbom->n_gaps - n_said));
    if (strict && sbom->n_gaps)
        status = mica_fail(err, MICA_EFORMAT, "--strict: %lld things are not stated (above)",
                           (long long)sbom->n_gaps);
    mica_sbom_free(sbom);
    return status;
}

static enum mica_status put_out(const char *text, const char *path, struct mica_err *err)
{
    if (path && strcmp(path, "-") != 0)
        return mica_fs_write(path, text, strlen(text), 0644, err);
    return fputs(text, stdout) >= 0 && fflush(stdout) == 0
               ? MICA_OK
               : mica_fail(err, MICA_EIO, "standard output: cannot be written");
}

static enum mica_status write_document(const struct args *args, struct mica_sbom_input *input,
                                       struct mica_err *err)
{
    json_t *document = NULL;
    struct mica_buf text = {0};
    char *dump = NULL;
    enum mica_status status = find_format(args->format, &input->format, err);
    if (status == MICA_OK)
        status = mica_sbom_make(input, &document, err);
    if (status != MICA_OK)
        return status;
    dump = json_dumps(document, JSON_INDENT(2));
    json_decref(document);
    if (dump)
        mica_buf_printf(&text, "%s\n", dump);
    free(dump);
    if (!text.data || text.failed)
        status = mica_fail(err, MICA_ENOMEM, "out of memory while writing a bill of materials");
    if (status == MICA_OK)
        status = tell_gaps(text.data, args->strict, err);
    if (status == MICA_OK)
        status = put_out(text.data, args->out, err);
    mica_buf_release(&text);
    return status;
}

static enum mica_status describe_model(const struct args *args, const char *name, struct mica_err *err)
{
    struct material m = {0};
    enum mica_status status = gather(&m, name, err);
    struct mica_sbom_input input = {.spec = args->spec,
                                    .closure = m.of.closure,
                                    .texts = (const char *const *)m.texts,
                                    .manifest = m.of.manifest,
                                    .facts = m.facts.architecture ? &m.facts : NULL,
                                    .results = m.results,
                                    .supplier = args->supplier,
                                    .verdict = m.verdict,
                                    .openness = m.openness};
    if (status == MICA_OK)
        status = write_document(args, &input, err);
    release(&m);
    return status;
}

static enum mica_status describe_self(const struct args *args, struct mica_err *err)
{
    struct mica_components *closure = NULL;
    enum mica_status status = mica_dependencies_closure(&closure, err);
    struct mica_sbom_input input = {.spec = args->spec,
                                    .closure = closure,
                                    .supplier = args->supplier ? args->supplier : "The Mica authors"};
    if (status == MICA_OK)
        status = write_document(args, &input, err);
    mica_components_free(closure);
    return status;
}

/* ---- reading ---- */

/* The verdict on one row by itself, with the facts of this project's policy. */
static const char *row_verdict(const struct mica_facts *facts, const struct mica_sbom_row *row)
{
    struct mica_subject subject = {.component = row->name,
                                   .kind = row->kind,
                                   .relation = "",
                                   .licence = row->concluded,
                                   .declared = row->declared,
                                   .text_seen = false};
    struct mica_decision *decision = NULL;
    if (mica_rights_decide(&subject, 1, facts, &decision, NULL) != MICA_OK)
        return "";
    const char *verdict = mica_verdict_text(decision->verdict);
    mica_decision_free(decision);
    return verdict;
}

static bool is_file(const struct mica_sbom_row *row)
{
    return strcmp(row->kind, "file") == 0;
}

/* Where documents are checked against. */
struct known {
    struct mica_store *store;
    struct mica_register *reg;
};

/* Models go by their manifests' digests, tokenizers and templates by those of a part of a blob: the register
 * has them. */
static bool is_known(const struct known *known, const struct mica_digest *digest)
{
    struct mica_components *found = NULL;
    bool is_registered = mica_register_find_digest(known->reg, digest, &found, NULL) == MICA_OK;
    mica_components_free(found);
    return is_registered || mica_store_has_blob(known->store, digest);
}

static const char *place_of(const struct known *known, const struct mica_sbom_row *row)
{
    struct mica_digest digest;
    if (!*row->digest || !mica_digest_parse(row->digest, &digest))
        return "";
    return is_known(known, &digest) ? "in the store" : "not in the store";
}

static json_t *row_json(const struct known *known, const struct mica_facts *facts,
                        const struct mica_sbom_row *row)
{
    struct mica_digest digest;
    bool stored = *row->digest && mica_digest_parse(row->digest, &digest) && is_known(known, &digest);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:s}", "kind", row->kind, "name", row->name,
                     "version", row->version, "ref", row->ref, "sha256", row->digest, "declared",
                     row->declared, "concluded", row->concluded, "stored", stored, "verdict",
                     is_file(row) ? "" : row_verdict(facts, row));
}

static json_t *sbom_json(const struct known *known, const struct mica_facts *facts,
                         const struct mica_sbom *sbom)
{
    json_t *rows = json_array(), *gaps = json_array();
    for (int64_t i = 0; i < sbom->n_rows; i++)
        json_array_append_new(rows, row_json(known, facts, &sbom->rows[i]));
    for (int64_t i = 0; i < sbom->n_gaps; i++)
        json_array_append_new(gaps, json_string(sbom->gaps[i]));
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "format",
                     sbom->format == MICA_SBOM_SPDX ? "SPDX" : "CycloneDX", "spec", sbom->spec, "serial",
                     sbom->serial, "subject", sbom->subject, "components", rows, "gaps", gaps);
}

static void print_rows(const struct known *known, const struct mica_facts *facts,
                       const struct mica_sbom *sbom)
{
    printf("%s %s, %lld components%s%s\n", sbom->format == MICA_SBOM_SPDX ? "SPDX" : "CycloneDX", sbom->spec,
           (long long)sbom->n_rows, *sbom->serial ? ", " : "", sbom->serial);
    for (int64_t i = 0; i < sbom->n_rows; i++) {
        const struct mica_sbom_row *row = &sbom->rows[i];
        const char *licence = *row->concluded ? row->concluded : row->declared, *place = place_of(known, row);
        printf("%-10s %s%s%s", row->kind, row->name, *row->version ? " " : "", row->version);
        if (!is_file(row))
            printf(": %s%s, %s", *licence ? licence : "no licence stated",
                   *licence && !*row->concluded ? " (only declared)" : "", row_verdict(facts, row));
        printf("%s%s\n", *place ? ", " : "", place);
    }
    for (int64_t i = 0; i < sbom->n_gaps; i++)
        mica_terminal_line("missing    %s", sbom->gaps[i]);
}

static enum mica_status check(const struct args *args, struct mica_err *err)
{
    struct mica_buf text = {.limit = MICA_SBOM_BYTES_MAX + 1};
    struct known known = {0};
    struct mica_sbom *sbom = NULL;
    struct mica_policy policy = {0};
    enum mica_status status = mica_cli_read(args->check, &text, err);
    if (status == MICA_OK)
        status = mica_cli_open_register(&known.store, &known.reg, err);
    if (status == MICA_OK)
        status = mica_policy_load(NULL, mica_store_home(known.store), &policy, err);
    if (status == MICA_OK)
        status = mica_sbom_read(text.data, text.len, &sbom, err);
    if (status == MICA_OK) {
        if (args->json)
            mica_cli_print_json(sbom_json(&known, &policy.facts, sbom));
        else
            print_rows(&known, &policy.facts, sbom);
        if (args->strict && sbom->n_gaps)
            status = mica_fail(err, MICA_EFORMAT, "%s: --strict: %lld things are not stated", args->check,
                               (long long)sbom->n_gaps);
    }
    mica_sbom_free(sbom);
    mica_policy_release(&policy);
    mica_register_close(known.reg);
    mica_store_close(known.store);
    mica_buf_release(&text);
    return status;
}

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    struct mica_err err;
    if ((args->check != NULL) + args->self + n_operands != 1)
        return mica_cli_usage("sbom: give one of a model's name, --self and --check FILE");
    enum mica_status status = args->check  ? check(args, &err)
                              : args->self ? describe_self(args, &err)
                                           : describe_model(args, operands[0], &err);
    return status == MICA_OK ? 0 : mica_cli_fail(status, &err);
}

static const struct mica_option options[] = {
    {"format", 'f', MICA_OPT_TEXT, offsetof(struct args, format), "FORMAT", "cyclonedx (default) or spdx"},
    {"spec", 0, MICA_OPT_TEXT, offsetof(struct args, spec), "VERSION", "CycloneDX 1.7 (default) or 1.6"},
    {"out", 'o', MICA_OPT_TEXT, offsetof(struct args, out), "FILE", "write there; default: standard output"},
    {"self", 0, MICA_OPT_FLAG, offsetof(struct args, self), NULL, "describe Mica and its libraries"},
    {"supplier", 0, MICA_OPT_TEXT, offsetof(struct args, supplier), "NAME", "who supplies the model"},
    {"check", 0, MICA_OPT_TEXT, offsetof(struct args, check), "FILE",
     "read a document of anyone's: components, licences, what is stored, what is missing"},
    {"strict", 0, MICA_OPT_FLAG, offsetof(struct args, strict), NULL, "fail when something is not stated"},
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "with --check: one JSON object"},
};
const struct mica_command mica_command_sbom = {options, MICA_COUNT(options), 0, 1, sizeof(struct args), NULL,
                                               run};
