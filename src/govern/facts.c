/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/rights.h"

#include <string.h>

void mica_facts_default(struct mica_facts *facts)
{
    *facts = (struct mica_facts){.use = MICA_USE_PRIVATE,
                                 .trains_on_outputs = -1,
                                 .users_now = -1,
                                 .users_at_release = -1,
                                 .revenue_year = -1,
                                 .revenue_month = -1,
                                 .seat = "",
                                 .product = "",
                                 .declared_is_enough = true,
                                 .data_nc = MICA_DATA_BLOCK,
                                 .data_share_alike = MICA_DATA_WARN,
                                 .data_unknown = MICA_DATA_WARN};
}

const char *mica_verdict_text(enum mica_verdict verdict)
{
    static const char *const texts[] = {"YES", "YES_WITH", "NEEDS_FACT", "UNKNOWN", "NO"};
    return texts[verdict];
}

static const char *const uses[] = {"private", "research", "internal", "commercial"};

const char *mica_use_text(enum mica_use use)
{
    return uses[use];
}

bool mica_use_parse(const char *text, enum mica_use *out)
{
    for (size_t i = 0; i < MICA_COUNT(uses); i++)
        if (strcmp(uses[i], text) == 0) {
            *out = (enum mica_use)i;
            return true;
        }
    return false;
}
