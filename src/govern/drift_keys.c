/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Drift of what a model's file states about itself: the head of the file at the source beside the stored one.
 */
#include "format/gguf.h"
#include "format/template_source.h"
#include "govern/drift_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LIST_MAX = 200 };

/* Keys that speak of terms and origin. */
static bool is_of_interest(const char *key)
{
    static const char *const prefixes[] = {"general.license", "general.base_model.", "general.dataset"};
    for (size_t i = 0; i < MICA_COUNT(prefixes); i++)
        if (strncmp(key, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

/* A key's value as text; "" when there is none. */
static bool value_text(const struct mica_gguf *gguf, const char *key, struct mica_buf *out)
{
    const char *text;
    size_t len;
    int64_t number, n = 0;
    mica_buf_puts(out, "");
    const struct mica_str *list = mica_gguf_array_strs(gguf, key, &n);
    if (mica_gguf_str(gguf, key, &text, &len))
        mica_buf_append(out, text, strnlen(text, len));
    else if (mica_gguf_int(gguf, key, &number))
        mica_buf_printf(out, "%" PRId64, number);
    for (int64_t i = 0; list && i < n && i < LIST_MAX; i++) {
        mica_buf_puts(out, i ? ", " : "");
        mica_buf_append(out, list[i].data, strnlen(list[i].data, list[i].len));
    }
    return !out->failed;
}

static void compare_key(struct mica_drift_look *look, const char *key, const struct mica_gguf *before,
                        const struct mica_gguf *now)
{
    struct mica_buf was = {0}, is = {0};
    char what[300];
    snprintf(what, sizeof what, "key %.200s in the model at the source", key);
    if (value_text(before, key, &was) && value_text(now, key, &is))
        mica_drift_statement(look, what, key, was.data, is.data);
    else
        look->failed = true;
    mica_buf_release(&was);
    mica_buf_release(&is);
}

static bool has_key(const struct mica_gguf *gguf, const char *key)
{
    const char *other;
    for (int64_t i = 0; (other = mica_gguf_key_at(gguf, i)) != NULL; i++)
        if (strcmp(other, key) == 0)
            return true;
    return false;
}

static bool template_text(const struct mica_gguf *gguf, const struct mica_files *files, struct mica_buf *out)
{
    struct mica_template_source source;
    mica_template_find(gguf, files, &source);
    mica_buf_puts(out, "");
    mica_buf_append(out, source.text ? source.text : "", source.text ? source.len : 0);
    mica_template_source_release(&source);
    return !out->failed;
}

static void compare_all(struct mica_drift_look *look, const struct mica_gguf *before,
                        const struct mica_gguf *now)
{
    struct mica_buf was = {0}, is = {0};
    const char *key;
    bool changed = false;
    for (int64_t i = 0; (key = mica_gguf_key_at(before, i)) != NULL; i++)
        if (is_of_interest(key))
            compare_key(look, key, before, now);
    for (int64_t i = 0; (key = mica_gguf_key_at(now, i)) != NULL; i++)
        if (is_of_interest(key) && !has_key(before, key))
            compare_key(look, key, before, now);
    if (!template_text(before, NULL, &was) || !template_text(now, NULL, &is))
        look->failed = true;
    else if (was.len || is.len)
        mica_drift_text(look, "chat template of the model", &was, &is, &changed);
    mica_buf_release(&was);
    mica_buf_release(&is);
}

/* ---- which file ---- */

/* Are the model's files at the source, by their digests, those that are stored? */
static bool same_files(const struct mica_drift_look *look, const struct mica_plan *plan)
{
    for (int64_t i = 0; i < plan->n_files; i++) {
        const struct mica_plan_file *file = &plan->files[i];
        bool found = file->kind != MICA_LAYER_MODEL;
        for (int64_t k = 0; !found && file->has_digest && k < look->manifest->n_layers; k++)
            found = look->manifest->layers[k].kind == MICA_LAYER_MODEL &&
                    mica_digest_equal(&look->manifest->layers[k].digest, &file->digest);
        if (!found)
            return false;
    }
    return true;
}

static bool open_head(void *user, const struct mica_files *files)
{
    return mica_gguf_open(files, user, NULL) == MICA_OK;
}

static bool open_stored(const struct mica_drift_look *look, struct mica_gguf **out)
{
    struct mica_files *files = NULL;
    bool ok = mica_store_files(look->store, look->manifest, &files, NULL) == MICA_OK &&
              mica_gguf_open(files, out, NULL) == MICA_OK;
    mica_files_free(files);
    return ok;
}

void mica_drift_keys(struct mica_drift_look *look, const struct mica_plan *plan, bool is_pinned)
{
    static const char what[] = "keys of the model at the source";
    const struct mica_plan_file *file = mica_look_model(plan);
    struct mica_gguf *before = NULL, *now = NULL;
    struct mica_err problem;
    bool has_model = false;
    for (int64_t i = 0; i < plan->n_files; i++)
        has_model = has_model || (plan->files[i].kind == MICA_LAYER_MODEL && !plan->files[i].member_of);
    if (!has_model || !mica_manifest_find(look->manifest, MICA_LAYER_MODEL))
        return;
    if (!is_pinned && same_files(look, plan))
        mica_drift_say(look, MICA_DRIFT_SAME, "the model at the source has the registered bytes", "", "", "");
    else if (!file)
        mica_drift_say(look, MICA_DRIFT_NOT_SEEN, what, "", "it comes in several files", "");
    else if (!open_stored(look, &before))
        mica_drift_say(look, MICA_DRIFT_NOT_SEEN, what, "", "the stored model has no keys to compare with",
                       "");
    else if (mica_look_head(look->http, file, open_head, &now, &problem) != MICA_OK)
        mica_drift_say(look, MICA_DRIFT_NOT_SEEN, what, "", problem.text, "");
    else
        compare_all(look, before, now);
    mica_gguf_free(before);
    mica_gguf_free(now);
}
