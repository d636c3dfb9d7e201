/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/rights.h"

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
                                 .declared_is_enough = true};
}

const char *mica_verdict_text(enum mica_verdict verdict)
{
    static const char *const texts[] = {"YES", "YES_WITH", "NEEDS_FACT", "UNKNOWN", "NO"};
    return texts[verdict];
}
