/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* mica.yaml. */
#include "base/fs.h"
#include "base/yaml.h"
#include "govern/licence.h"
#include "govern/rights.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Enums of the file are ints for the schema reader. */
struct file {
    int use;
    struct mica_facts facts;
    struct data {
        int nc, share_alike, unknown;
    } data;
    int signatures;
    const char *const *keys;
    int drift_blocks, unregistered;
};
static const char *const uses[] = {"private", "research", "internal", "commercial", NULL};
static const char *const weights[] = {"block", "warn", "ignore", NULL};
static const char *const signature_words[] = {"optional", "required", NULL};

static const struct mica_yaml_key data_keys[] = {
    {"non_commercial", MICA_YAML_ENUM, offsetof(struct data, nc),
     "training data for non-commercial use in a company's model (block)", .choices = weights},
    {"share_alike", MICA_YAML_ENUM, offsetof(struct data, share_alike), "share-alike training data (warn)",
     .choices = weights},
    {"unknown", MICA_YAML_ENUM, offsetof(struct data, unknown), "training data without known terms (warn)",
     .choices = weights},
};
static const struct mica_yaml_schema data_schema = {"training data", data_keys, MICA_COUNT(data_keys)};

#define FACT(name) offsetof(struct file, facts.name)
static const struct mica_yaml_key fact_keys[] = {
    {"use", MICA_YAML_ENUM, offsetof(struct file, use),
     "private: own trial; research; internal: inside a company; commercial: in a product or service "
     "(private)",
     .choices = uses},
    {"distribute", MICA_YAML_BOOL, FACT(distribute), "copies are given to others (no)"},
    {"host", MICA_YAML_BOOL, FACT(host), "others use it over a network (no)"},
    {"modified", MICA_YAML_BOOL, FACT(modified), "weights, code or text were changed (no)"},
    {"trains_on_outputs", MICA_YAML_SWITCH, FACT(trains_on_outputs),
     "other models are trained on its outputs"},
    {"users", MICA_YAML_NUMBER, FACT(users_now), "monthly active users now"},
    {"users_at_release", MICA_YAML_NUMBER, FACT(users_at_release),
     "monthly active users in the month before the model was released"},
    {"revenue", MICA_YAML_NUMBER, FACT(revenue_year), "revenue a year, US dollars"},
    {"revenue_month", MICA_YAML_NUMBER, FACT(revenue_month), "revenue a month, US dollars"},
    {"seat", MICA_YAML_TEXT, FACT(seat), "country of the seat, ISO 3166 (DE) or EU"},
    {"markets", MICA_YAML_LIST, FACT(markets), "countries where it is offered"},
    {"domains", MICA_YAML_LIST, FACT(domains), "domains of use; mica rights --domain help lists them"},
    {"product", MICA_YAML_TEXT, FACT(product), "name of the product"},
    {"registered", MICA_YAML_LIST, FACT(registered),
     "licensors with whom a registration or licence was made"},
    {"text_only", MICA_YAML_BOOL, FACT(text_only), "no multimodal model of the family is used (no)"},
};
static const struct mica_yaml_schema fact_schema = {"facts", fact_keys, MICA_COUNT(fact_keys)};

static const struct mica_yaml_key policy_keys[] = {
    {"declared_is_enough", MICA_YAML_BOOL, FACT(declared_is_enough),
     "a licence that is only stated counts, without its text (yes)"},
    {"data", MICA_YAML_GROUP, offsetof(struct file, data), "training data", .schema = &data_schema},
    {"signatures", MICA_YAML_ENUM, offsetof(struct file, signatures),
     "models must be signed, or may be (optional)", .choices = signature_words},
    {"keys", MICA_YAML_LIST, offsetof(struct file, keys), "paths of public keys whose signatures count"},
    {"drift_blocks", MICA_YAML_SWITCH, offsetof(struct file, drift_blocks),
     "changed terms stop loading (yes)"},
    {"unregistered", MICA_YAML_SWITCH, offsetof(struct file, unregistered),
     "--unregistered may be used (yes)"},
};
static const struct mica_yaml_schema policy_schema = {"policy", policy_keys, MICA_COUNT(policy_keys)};

static const struct mica_yaml_key file_keys[] = {
    {"facts", MICA_YAML_GROUP, 0, "what is done with models; flags of mica rights come before them",
     .schema = &fact_schema},
    {"policy", MICA_YAML_GROUP, 0, "what may be loaded", .schema = &policy_schema},
};
static const struct mica_yaml_schema file_schema = {"mica.yaml", file_keys, MICA_COUNT(file_keys)};

struct json_t *mica_policy_schema(void)
{
    return mica_yaml_json_schema(&file_schema);
}

static bool is_known_domain(const char *domain)
{
    for (int i = 0; i < mica_domain_count(); i++)
        if (strcasecmp(mica_domain_name(i), domain) == 0)
            return true;
    return false;
}

static enum mica_status check_domains(const char *path, const struct mica_facts *facts, struct mica_err *err)
{
    for (const char *const *domain = facts->domains; domain && *domain; domain++)
        if (!is_known_domain(*domain))
            return mica_fail(err, MICA_EFORMAT,
                             "%s: unknown domain '%.60s'; 'mica rights --domain help' lists them", path,
                             *domain);
    return MICA_OK;
}

/* ./mica.yaml, or "" where there is none. One that another user put there speaks for nobody. */
static enum mica_status find_own(char out[MICA_PATH_MAX], struct mica_err *err)
{
    struct stat st;
    enum mica_status status = mica_fs_path(out, err, "mica.yaml");
    if (status == MICA_OK && stat(out, &st) != 0)
        out[0] = 0;
    else if (status == MICA_OK && geteuid() != 0 && st.st_uid != geteuid() && st.st_uid != 0)
        status =
            mica_fail(err, MICA_EDENIED,
                      "./mica.yaml: belongs to another user, so it is not believed; if you trust it, name "
                      "it with --policy ./mica.yaml");
    return status;
}

static enum mica_status find_stores(const char *home, char out[MICA_PATH_MAX], struct mica_err *err)
{
    out[0] = 0;
    enum mica_status status = home ? mica_fs_path(out, err, "%s/mica.yaml", home) : MICA_OK;
    if (status == MICA_OK && !mica_fs_exists(out))
        out[0] = 0;
    return status;
}

/* Relative paths of keys start at the file that names them: a folder one happens to be in brings no keys. */
static bool place_keys(const char *path, struct mica_arena *arena, const char *const **keys)
{
    const char *slash = strrchr(path, '/');
    size_t n = 0;
    while (*keys && (*keys)[n])
        n++;
    if (!slash || n == 0)
        return true;
    const char **placed = mica_arena_alloc(arena, n + 1, sizeof *placed);
    for (size_t i = 0; placed && i < n; i++) {
        struct mica_buf full = {0};
        const char *key = (*keys)[i];
        mica_buf_printf(&full, "%.*s%s", key[0] == '/' ? 0 : (int)(slash - path + 1), path, key);
        placed[i] = full.failed ? NULL : mica_arena_strndup(arena, full.data, full.len);
        mica_buf_release(&full);
        if (!placed[i])
            return false;
    }
    *keys = placed;
    return placed != NULL;
}

static enum mica_status read_file(const char *path, struct mica_policy *p, struct mica_err *err)
{
    struct file file = {.use = p->facts.use,
                        .facts = p->facts,
                        .data = {MICA_DATA_BLOCK, MICA_DATA_WARN, MICA_DATA_WARN},
                        .drift_blocks = 1,
                        .unregistered = 1};
    struct mica_buf text = {0};
    enum mica_status status = mica_fs_read(path, MICA_YAML_BYTES, &text, err);
    if (status == MICA_OK)
        status = mica_yaml_read(&file_schema, text.data, text.len, path, &p->arena, &file, err);
    mica_buf_release(&text);
    if (status == MICA_OK)
        status = check_domains(path, &file.facts, err);
    if (status != MICA_OK)
        return status;
    mica_free(p->path);
    p->path = mica_strdup(path);
    if (!p->path || !place_keys(path, &p->arena, &file.keys))
        return mica_fail(err, MICA_ENOMEM, "%s: out of memory", path);
    p->facts = file.facts;
    p->facts.use = (enum mica_use)file.use;
    p->facts.data_nc = (enum mica_data_policy)file.data.nc;
    p->facts.data_share_alike = (enum mica_data_policy)file.data.share_alike;
    p->facts.data_unknown = (enum mica_data_policy)file.data.unknown;
    p->signatures = (enum mica_signature_policy)file.signatures;
    p->keys = file.keys;
    p->drift_blocks = file.drift_blocks;
    p->unregistered = file.unregistered;
    return MICA_OK;
}

/* What the owner of the store insists on holds in every folder: a ./mica.yaml may ask for more, not for less.
 */
static void keep_strict(struct mica_policy *p, const struct mica_policy *stores)
{
    struct mica_facts *facts = &p->facts;
    const struct mica_facts *least = &stores->facts;
    if (stores->signatures == MICA_SIGNATURE_REQUIRED) {
        p->signatures = stores->signatures;
        p->keys = stores->keys;
    }
    p->drift_blocks = p->drift_blocks || stores->drift_blocks;
    p->unregistered = p->unregistered && stores->unregistered;
    facts->declared_is_enough = facts->declared_is_enough && least->declared_is_enough;
    /* The first word of each is the strictest. */
    facts->data_nc = facts->data_nc < least->data_nc ? facts->data_nc : least->data_nc;
    facts->data_share_alike =
        facts->data_share_alike < least->data_share_alike ? facts->data_share_alike : least->data_share_alike;
    facts->data_unknown =
        facts->data_unknown < least->data_unknown ? facts->data_unknown : least->data_unknown;
}

enum mica_status mica_policy_load(const char *path, const char *home, struct mica_policy *out,
                                  struct mica_err *err)
{
    struct mica_policy policy = {.drift_blocks = true, .unregistered = true};
    char own[MICA_PATH_MAX] = "", stores[MICA_PATH_MAX] = "";
    mica_facts_default(&policy.facts);
    enum mica_status status = MICA_OK;
    if (path) {
        status = mica_fs_path(own, err, "%s", path);
    } else {
        status = find_own(own, err);
        if (status == MICA_OK)
            status = find_stores(home, stores, err);
    }
    if (status == MICA_OK && stores[0])
        status = read_file(stores, &policy, err);
    if (status == MICA_OK && own[0]) {
        const struct mica_policy least = policy;
        mica_facts_default(&policy.facts);
        status = read_file(own, &policy, err);
        if (status == MICA_OK && stores[0])
            keep_strict(&policy, &least);
    }
    if (status != MICA_OK) {
        mica_policy_release(&policy);
        return status;
    }
    *out = policy;
    return MICA_OK;
}

void mica_policy_release(struct mica_policy *policy)
{
    mica_free(policy->path);
    mica_arena_release(&policy->arena);
    *policy = (struct mica_policy){0};
}
