/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* https://HOST/PATH#sha256=HEX: one GGUF file, or an archive with a model in it. */
#include "store/source_internal.h"

#include <stdio.h>
#include <string.h>

static enum mica_status plan_url(struct mica_puller *puller, const char *scheme, const char *rest,
                                 struct mica_plan *plan, struct mica_err *err)
{
    static const char mark[] = "#sha256=";
    struct mica_buf url = {0}, name = {0};
    struct mica_digest digest;
    const char *fragment = strchr(rest, '#');
    if (!fragment || strncmp(fragment, mark, sizeof mark - 1) != 0 ||
        !mica_digest_parse(fragment + sizeof mark - 1, &digest))
        return mica_fail(err, MICA_EARG,
                         "%s:%.200s: the digest is missing: append #sha256= and its 64 hex digits, as the "
                         "publisher states them or as sha256sum prints them for a copy that you trust",
                         scheme, rest);
    mica_buf_printf(&url, "%s:%.*s", scheme, (int)(fragment - rest), rest);
    struct mica_plan_file *file = url.failed ? NULL : mica_plan_add(plan);
    enum mica_status status = file ? mica_http_url_check(url.data, puller->options->plain_http, err)
                                   : mica_fail(err, MICA_ENOMEM, "out of memory");
    if (status == MICA_OK) {
        const char *base = mica_source_base(url.data);
        size_t len = strcspn(base, "?");
        mica_buf_append(&name, base, len);
        file->has_digest = true;
        file->digest = digest;
        file->kind = MICA_LAYER_MODEL;
        status = mica_plan_set(&file->url, url.data, err);
        if (status == MICA_OK)
            status = mica_plan_set(&file->title, len ? name.data : "model.gguf", err);
        if (status == MICA_OK && len)
            status = mica_plan_set(&file->member_of, mica_source_archive(name.data), err);
        if (status == MICA_OK)
            status = mica_plan_set(&plan->location, url.data, err);
        if (status == MICA_OK)
            status = mica_plan_set(&plan->revision, fragment + 1, err);
    }
    mica_buf_release(&url);
    if (status == MICA_OK && name.len) {
        char *dot = strrchr(name.data, '.');
        if (dot)
            *dot = '\0';
        struct mica_buf clean = {0};
        if (mica_source_name(&clean, name.data))
            status = mica_plan_set(&plan->name, clean.data, err);
        mica_buf_release(&clean);
    }
    mica_buf_release(&name);
    return status;
}

enum mica_status mica_plan_https(struct mica_puller *puller, const char *rest, struct mica_plan *plan,
                                 struct mica_err *err)
{
    return plan_url(puller, "https", rest, plan, err);
}

enum mica_status mica_plan_http(struct mica_puller *puller, const char *rest, struct mica_plan *plan,
                                struct mica_err *err)
{
    return plan_url(puller, "http", rest, plan, err);
}
