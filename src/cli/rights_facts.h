/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Facts as flags of mica rights, over those of mica.yaml. */
#ifndef MICA_CLI_RIGHTS_FACTS_H
#define MICA_CLI_RIGHTS_FACTS_H

#include "cli/cli.h"
#include "govern/rights.h"

struct rights_args {
    struct mica_text_list licences, with, trained_on, markets, domains, registered;
    const char *use, *trains, *seat, *product, *policy;
    bool distribute, host, modified, text_only, declared, json;
    double users, users_at_release, revenue, revenue_month; /* −1: not given */
};
/* The policy file's facts with the flags over them. Lists point into lists, which lives as long as *facts. */
struct rights_lists {
    const char *markets[MICA_LIST_MAX + 1], *domains[MICA_LIST_MAX + 1], *registered[MICA_LIST_MAX + 1];
    struct mica_arena arena;
};
enum mica_status rights_facts(const struct rights_args *args, struct rights_lists *lists,
                              struct mica_facts *facts, struct mica_err *err);
/* "commercial use, shipped to others, 1000 monthly users, seat DE". */
void rights_facts_print(const struct mica_facts *facts);

#endif
