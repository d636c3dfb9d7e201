/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Prints one statement of each kind that no command writes yet, with everything set: provenance_tool
 * slsa|test|vsa. */
#include "govern/provenance.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>

#define DIGEST "1111111111111111111111111111111111111111111111111111111111111111"
#define COMMIT "2222222222222222222222222222222222222222"

static const struct mica_artifact model = {.name = "tiny:q8", .sha256 = DIGEST};
static const struct mica_artifact base = {.name = "tiny:f16",
                                          .uri = "pkg:generic/tiny%3Af16",
                                          .sha256 = DIGEST,
                                          .git_commit = COMMIT,
                                          .kind = "model",
                                          .relation = "base",
                                          .licence = "Apache-2.0"};
static const char *const names[] = {"arithmetic", "spelling", NULL};

static enum mica_status make(const char *kind, json_t **out, struct mica_err *err)
{
    if (strcmp(kind, "slsa") == 0) {
        struct mica_provenance input = {.build_type = MICA_BUILD_QUANTIZE,
                                        .parameters = json_pack("{s:s}", "type", "Q8_0"),
                                        .subjects = &model,
                                        .sources = &base,
                                        .n_subjects = 1,
                                        .n_sources = 1,
                                        .invocation = "1",
                                        .started = "2026-11-24T09:00:00Z",
                                        .finished = "2026-11-24T09:01:00Z"};
        return mica_provenance_slsa(&input, out, err);
    }
    if (strcmp(kind, "test") == 0)
        return mica_provenance_test(&(struct mica_test_statement){&model, &base, 1, 1, MICA_TEST_WARNED,
                                                                  names, NULL, names,
                                                                  "https://example.com/report"},
                                    out, err);
    return mica_provenance_vsa(&(struct mica_vsa){&model, 1, "pkg:generic/tiny%3Aq8", base, &base, 1, false,
                                                  names, "2026-11-24T09:00:00Z"},
                               out, err);
}

int main(int argc, char **argv)
{
    struct mica_err err;
    struct mica_buf text = {0};
    json_t *statement = NULL;
    if (argc != 2 || make(argv[1], &statement, &err) != MICA_OK ||
        mica_provenance_write(statement, NULL, &text, &err) != MICA_OK)
        return 1;
    fputs(text.data, stdout);
    mica_buf_release(&text);
    json_decref(statement);
    return 0;
}
