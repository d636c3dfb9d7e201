/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/rights_facts.h"
#include "store/store.h"

#include <jansson.h>

#include <stdio.h>

struct args {
    const char *policy;
    bool schema, json;
};

static const char *const weights[] = {"block", "warn", "ignore"};

static int print_json(const struct mica_policy *p)
{
    json_t *keys = json_array();
    for (const char *const *key = p->keys; key && *key; key++)
        json_array_append_new(keys, json_string(*key));
    return mica_cli_print_json(
        json_pack("{s:s?, s:o, s:{s:b, s:{s:s, s:s, s:s}, s:s, s:o, s:b, s:b}}", "path", p->path, "facts",
                  mica_facts_json(&p->facts), "policy", "declared_is_enough", p->facts.declared_is_enough,
                  "data", "non_commercial", weights[p->facts.data_nc], "share_alike",
                  weights[p->facts.data_share_alike], "unknown", weights[p->facts.data_unknown], "signatures",
                  p->signatures == MICA_SIGNATURE_REQUIRED ? "required" : "optional", "keys", keys,
                  "drift_blocks", p->drift_blocks, "unregistered", p->unregistered));
}

static void print_text(const struct mica_policy *p)
{
    printf("file               %s\nfacts              ", p->path ? p->path : "none; the defaults hold");
    rights_facts_print(&p->facts);
    printf("\ndeclared licences  %s\ntraining data      non-commercial: %s, share-alike: %s, unknown terms: "
           "%s\n",
           p->facts.declared_is_enough ? "count without their text" : "count only with their text",
           weights[p->facts.data_nc], weights[p->facts.data_share_alike], weights[p->facts.data_unknown]);
    printf("signatures         %s\n", p->signatures == MICA_SIGNATURE_REQUIRED ? "required" : "optional");
    for (const char *const *key = p->keys; key && *key; key++)
        printf("key                %s\n", *key);
    printf("changed terms      %s\nunregistered       %s\n",
           p->drift_blocks ? "stop loading" : "are only said",
           p->unregistered ? "may be run with --unregistered" : "is never run");
}

static int run(void *data, char **operands, int n_operands)
{
    const struct args *args = data;
    struct mica_store *store = NULL;
    struct mica_policy policy = {0};
    struct mica_err err;
    int code = 0;
    if (args->schema)
        return mica_cli_print_json(mica_policy_schema());
    enum mica_status status = mica_store_open(NULL, &store, &err);
    if (status == MICA_OK)
        status = mica_policy_load(n_operands ? operands[0] : NULL, mica_store_home(store), &policy, &err);
    mica_store_close(store);
    if (status != MICA_OK)
        return mica_cli_fail(status, &err);
    if (args->json)
        code = print_json(&policy);
    else
        print_text(&policy);
    mica_policy_release(&policy);
    return code;
}

static const struct mica_option options[] = {
    {"schema", 0, MICA_OPT_FLAG, offsetof(struct args, schema), NULL,
     "print what the file may hold as JSON Schema"},
    {"json", 0, MICA_OPT_FLAG, offsetof(struct args, json), NULL, "one JSON object"},
};
const struct mica_command mica_command_policy = {
    options, MICA_COUNT(options), 0, 1, sizeof(struct args), NULL, run};
