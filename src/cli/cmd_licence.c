/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <jansson.h>

#include <stdio.h>

#include "govern/identify.h"

struct args {
    bool json, diff, text;
};

static const char *const kinds[] = {"unknown", "modified", "identified"};

static int print(const struct args *args, const char *path, const struct mica_licence_match *match)
{
    int code = match->kind == MICA_LICENCE_IDENTIFIED ? 0 : mica_status_exit(MICA_EDENIED);
    if (args->json) {
        json_t *diff = match->diff ? json_string(match->diff) : json_null();
        json_t *id = match->id[0] ? json_string(match->id) : json_null();
        json_t *nearest = match->nearest[0] ? json_string(match->nearest) : json_null();
        int failed = mica_cli_print_json(json_pack("{s:s, s:s, s:o, s:o, s:f, s:o}", "file", path, "result",
                                                   kinds[match->kind], "id", id, "nearest", nearest,
                                                   "similarity", match->similarity, "diff", diff));
        return failed ? failed : code;
    }
    if (match->kind == MICA_LICENCE_IDENTIFIED)
        printf("%s\n", match->id);
    else if (match->kind == MICA_LICENCE_MODIFIED)
        printf("%s\n  not word for word %s, nor a version of it that is known (likeness %.3f)%s\n", match->id,
               match->nearest, match->similarity, args->diff ? "" : "; see what differs with --diff");
    else
        printf("unknown%s%s\n", match->nearest[0] ? "\n  nothing near it; nearest is " : "", match->nearest);
    if (args->diff && match->diff)
        printf("%s\n", match->diff);
    return code;
}

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    struct mica_buf text = {0};
    struct mica_licence_match match = {0};
    struct mica_err err;
    if (args->text) {
        char id[128];
        const char *reference = mica_licence_canonical(operands[0], id) ? mica_licence_text(id) : NULL;
        if (!reference)
            return mica_cli_fail(MICA_ENOTFOUND,
                                 &(struct mica_err){MICA_ENOTFOUND, "no reference text of that id"});
        fputs(reference, stdout);
        return 0;
    }
    enum mica_status status = mica_cli_read(operands[0], &text, &err);
    if (status == MICA_OK)
        status = mica_licence_identify(text.data, text.len, &match, &err);
    int code = status == MICA_OK ? print(args, operands[0], &match) : mica_cli_fail(status, &err);
    mica_free(match.diff);
    mica_buf_release(&text);
    return code;
}

static const struct mica_option options[] = {
    {"diff", 'd', MICA_OPT_FLAG, offsetof(struct args, diff), NULL,
     "of a modified text, the words added [+…+] and removed [-…-]"},
    {"text", 0, MICA_OPT_FLAG, offsetof(struct args, text), NULL,
     "the operand is an id or tag; print its reference text"},
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object"},
};
const struct mica_command mica_command_licence = {
    options, MICA_COUNT(options), 1, 1, sizeof(struct args), NULL, run};
