/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/provenance.h"
#include "base/fs.h"

#include <jansson.h>

#include <string.h>

#define STATEMENT_TYPE "https://in-toto.io/Statement/v1"
#define SLSA_TYPE      "https://slsa.dev/provenance/v1"
#define TEST_TYPE      "https://in-toto.io/attestation/test-result/v0.1"
#define VSA_TYPE       "https://slsa.dev/verification_summary/v1"
#define BUILDER        "pkg:generic/mica@" MICA_VERSION

static enum mica_status no_memory(struct mica_err *err)
{
    return mica_fail(err, MICA_ENOMEM, "provenance: out of memory");
}

bool mica_provenance_uri(const char *name, struct mica_buf *out)
{
    mica_buf_puts(out, "pkg:generic/");
    for (; *name; name++) {
        char c = *name;
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                        strchr("-._~/", c) != NULL;
        if (is_plain)
            mica_buf_append(out, &c, 1);
        else
            mica_buf_printf(out, "%%%02X", (unsigned char)c);
    }
    return !out->failed;
}

/* Sets key to the text unless it is NULL or "". */
static bool set_text(json_t *object, const char *key, const char *text)
{
    return !text || !*text || json_object_set_new(object, key, json_string(text)) == 0;
}

/* {name, uri, digest, annotations}; NULL when out of memory, or when a text is not UTF-8. */
static json_t *artifact_json(const struct mica_artifact *a)
{
    json_t *object = json_object(), *digest = json_object(), *notes = json_object();
    bool ok = object && digest && notes && set_text(object, "name", a->name) &&
              set_text(object, "uri", a->uri) && set_text(digest, "sha256", a->sha256) &&
              set_text(digest, "gitCommit", a->git_commit) && set_text(notes, "kind", a->kind) &&
              set_text(notes, "relation", a->relation) && set_text(notes, "licence", a->licence);
    if (ok && json_object_size(digest))
        ok = json_object_set(object, "digest", digest) == 0;
    if (ok && json_object_size(notes))
        ok = json_object_set(object, "annotations", notes) == 0;
    json_decref(digest);
    json_decref(notes);
    if (!ok) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static enum mica_status artifacts_json(const struct mica_artifact *list, int64_t n, json_t **out,
                                       struct mica_err *err)
{
    json_t *array = json_array();
    if (!array)
        return no_memory(err);
    for (int64_t i = 0; i < n; i++) {
        const struct mica_artifact *a = &list[i];
        if (!(a->uri && *a->uri) && !(a->sha256 && *a->sha256) && !(a->git_commit && *a->git_commit)) {
            json_decref(array);
            return mica_fail(err, MICA_EARG, "provenance: %s has neither a digest nor a URI",
                             a->name ? a->name : "an artifact");
        }
        if (json_array_append_new(array, artifact_json(a)) != 0) {
            json_decref(array);
            return no_memory(err);
        }
    }
    *out = array;
    return MICA_OK;
}

/* The statement around a predicate, whose reference is taken. */
static enum mica_status make_statement(const struct mica_artifact *subjects, int64_t n_subjects,
                                       const char *type, json_t *predicate, json_t **out,
                                       struct mica_err *err)
{
    json_t *list = NULL, *statement = NULL;
    enum mica_status status = predicate ? MICA_OK : no_memory(err);
    if (status == MICA_OK && n_subjects == 0)
        status = mica_fail(err, MICA_EARG, "provenance: a statement about nothing");
    for (int64_t i = 0; i < n_subjects && status == MICA_OK; i++)
        if (!subjects[i].sha256 || !*subjects[i].sha256)
            status = mica_fail(err, MICA_EARG, "provenance: a subject without a digest");
    if (status == MICA_OK)
        status = artifacts_json(subjects, n_subjects, &list, err);
    if (status != MICA_OK) {
        json_decref(predicate);
        return status;
    }
    statement = json_pack("{s:s, s:o, s:s, s:o}", "_type", STATEMENT_TYPE, "subject", list, "predicateType",
                          type, "predicate", predicate);
    if (!statement)
        return no_memory(err);
    *out = statement;
    return MICA_OK;
}

enum mica_status mica_provenance_slsa(const struct mica_provenance *input, struct json_t **out,
                                      struct mica_err *err)
{
    json_t *sources = NULL, *metadata = json_object();
    enum mica_status status = MICA_OK;
    if (!input->build_type || !*input->build_type)
        status = mica_fail(err, MICA_EARG, "provenance: no build type");
    if (status == MICA_OK)
        status = artifacts_json(input->sources, input->n_sources, &sources, err);
    if (status == MICA_OK && !(metadata && set_text(metadata, "invocationId", input->invocation) &&
                               set_text(metadata, "startedOn", input->started) &&
                               set_text(metadata, "finishedOn", input->finished)))
        status = no_memory(err);
    if (status != MICA_OK) {
        json_decref(input->parameters);
        json_decref(sources);
        json_decref(metadata);
        return status;
    }
    json_t *parameters = input->parameters ? input->parameters : json_object();
    json_t *predicate = json_pack(
        "{s:{s:s, s:o, s:o}, s:{s:{s:s, s:{s:s}}, s:o}}", "buildDefinition", "buildType", input->build_type,
        "externalParameters", parameters, "resolvedDependencies", sources, "runDetails", "builder", "id",
        input->builder ? input->builder : BUILDER, "version", "mica", MICA_VERSION, "metadata", metadata);
    return make_statement(input->subjects, input->n_subjects, SLSA_TYPE, predicate, out, err);
}

static json_t *names_json(const char *const *names)
{
    json_t *array = json_array();
    for (; array && names && *names; names++)
        if (json_array_append_new(array, json_string(*names)) != 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

enum mica_status mica_provenance_test(const struct mica_test_statement *input, struct json_t **out,
                                      struct mica_err *err)
{
    static const char *const results[] = {"PASSED", "WARNED", "FAILED"};
    json_t *configuration;
    enum mica_status status =
        artifacts_json(input->configuration, input->n_configuration, &configuration, err);
    if (status != MICA_OK)
        return status;
    json_t *predicate =
        json_pack("{s:s, s:o, s:o, s:o, s:o}", "result", results[input->result], "configuration",
                  configuration, "passedTests", names_json(input->passed), "warnedTests",
                  names_json(input->warned), "failedTests", names_json(input->failed));
    if (predicate && !set_text(predicate, "url", input->url)) {
        json_decref(predicate);
        predicate = NULL;
    }
    return make_statement(input->subjects, input->n_subjects, TEST_TYPE, predicate, out, err);
}

/* Policies and attestations of a summary are references: a URI and a digest, nothing else. */
static json_t *reference_json(const struct mica_artifact *a)
{
    return artifact_json(&(struct mica_artifact){.uri = a->uri, .sha256 = a->sha256});
}

enum mica_status mica_provenance_vsa(const struct mica_vsa *input, struct json_t **out, struct mica_err *err)
{
    char now[MICA_TIME_TEXT];
    json_t *inputs = json_array();
    bool ok = inputs != NULL;
    mica_time_text(now);
    if (!input->resource || !*input->resource || !input->policy.uri) {
        json_decref(inputs);
        return mica_fail(err, MICA_EARG, "provenance: a verification summary names a resource and a policy");
    }
    for (int64_t i = 0; i < input->n_inputs && ok; i++)
        ok = json_array_append_new(inputs, reference_json(&input->inputs[i])) == 0;
    if (!ok) {
        json_decref(inputs);
        return no_memory(err);
    }
    json_t *predicate =
        json_pack("{s:{s:s}, s:s, s:s, s:o, s:o, s:s, s:o, s:s}", "verifier", "id", BUILDER, "timeVerified",
                  input->time ? input->time : now, "resourceUri", input->resource, "policy",
                  reference_json(&input->policy), "inputAttestations", inputs, "verificationResult",
                  input->passed ? "PASSED" : "FAILED", "verifiedLevels", names_json(input->levels),
                  "slsaVersion", "1.0");
    return make_statement(input->subjects, input->n_subjects, VSA_TYPE, predicate, out, err);
}

enum mica_status mica_provenance_write(const struct json_t *statement, const struct mica_key *key,
                                       struct mica_buf *out, struct mica_err *err)
{
    json_t *envelope = NULL;
    struct mica_buf text = {0};
    enum mica_status status = mica_json_print(statement, &text) ? MICA_OK : no_memory(err);
    if (status == MICA_OK && key)
        status =
            mica_dsse_sign(MICA_DSSE_INTOTO, text.data, text.len, key, mica_key_hint(key), &envelope, err);
    if (status == MICA_OK &&
        !(mica_json_print(envelope ? envelope : statement, out) && mica_buf_puts(out, "\n")))
        status = no_memory(err);
    json_decref(envelope);
    mica_buf_release(&text);
    return status;
}
