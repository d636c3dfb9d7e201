/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What a registry says about itself, and references to it. */
#include "store/oci.h"

#include <stdlib.h>
#include <string.h>

static void check_reference(const char *text)
{
    struct mica_oci_ref ref, again;
    struct mica_name name;
    char printed[MICA_OCI_TEXT], place[MICA_NAME_TEXT];
    struct mica_err err = {0};
    enum mica_status status = mica_oci_ref_parse(text, &ref, &err);
    if (status != MICA_OK) {
        if (err.status != status || !err.text[0])
            abort();
        return;
    }
    mica_oci_ref_print(&ref, printed);
    if (strstr(printed, "..") == printed || strstr(ref.repo, "/.") || strchr(printed, '\n'))
        abort();
    if (mica_oci_ref_parse(printed, &again, NULL) != MICA_OK || strcmp(again.host, ref.host) != 0 ||
        strcmp(again.repo, ref.repo) != 0)
        abort();
    if (mica_oci_ref_name(&ref, &name, NULL) == MICA_OK)
        mica_name_print(&name, place);
}

static void check_token(const char *text, size_t size)
{
    char *token = NULL;
    if (mica_oci_token_parse(text, size, &token, NULL) != MICA_OK)
        return;
    for (const char *at = token; *at; at++)
        if (*at <= ' ' || *at >= 0x7f)
            abort();
    mica_free(token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mica_oci_challenge challenge;
    uint64_t has;
    char *text = mica_strndup((const char *)data, size);
    if (!text)
        abort();
    check_reference(text);
    check_token(text, strlen(text));
    if (mica_oci_challenge_parse(text, &challenge) &&
        (challenge.scheme == MICA_OCI_NONE || (challenge.scheme == MICA_OCI_BEARER && !challenge.realm[0])))
        abort();
    if (mica_oci_range_parse(text, &has) && has > INT64_MAX)
        abort();
    mica_free(text);
    return 0;
}
