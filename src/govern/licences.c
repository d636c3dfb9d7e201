/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/licence.h"

#include <string.h>

/* The vocabulary of licences.def. */
#define DUTY(name, when, clause, text)                                                                       \
    {                                                                                                        \
        MICA_TERM_DUTY, #name, MICA_WHEN_##when, clause, text                                                \
    }
#define BAR(name, when, clause, text)                                                                        \
    {                                                                                                        \
        MICA_TERM_BAR, #name, MICA_WHEN_##when, clause, text                                                 \
    }
#define LIMIT(metric, value, effect, when, clause, text)                                                     \
    {                                                                                                        \
        MICA_TERM_LIMIT, #metric, MICA_WHEN_##when, clause, text, MICA_METRIC_##metric, value,               \
            MICA_LIMIT_##effect                                                                              \
    }
#define NOT_FOR(domain, clause)                                                                              \
    {                                                                                                        \
        MICA_TERM_DOMAIN, domain, MICA_WHEN_ANY, clause, "not for " domain                                   \
    }
#define ONLY_IF(domain, clause, text)                                                                        \
    {                                                                                                        \
        MICA_TERM_CONDITION, domain, MICA_WHEN_ANY, clause, text                                             \
    }
#define TERRITORY(where, markets, clause, text)                                                              \
    {                                                                                                        \
        MICA_TERM_TERRITORY, where, MICA_WHEN_ANY, clause, text, .value = (markets)                          \
    }
#define HOSTS(clause)                                                                                        \
    {                                                                                                        \
        MICA_TERM_HOSTING, "HOSTING", MICA_WHEN_HOST, clause, "hosting counts as distribution"               \
    }
#define NO_TERMS                                                                                             \
    {                                                                                                        \
        MICA_TERM_DUTY, NULL, MICA_WHEN_ANY, "", ""                                                          \
    }

#define X(row, id, name, flags, patent, share, into, family, rights, licensor, terminates, ...)              \
    static const struct mica_term terms_##row[] = {__VA_ARGS__};
#include "govern/licences.def"
#undef X

static const struct mica_licence licences[] = {
/* Short names for the columns, that mean nothing outside of this table. */
#define OSI              MICA_LICENCE_OSI
#define FSF              MICA_LICENCE_FSF
#define DATA             MICA_LICENCE_DATA
#define MUTABLE          MICA_LICENCE_MUTABLE
#define HOSTING          MICA_LICENCE_HOSTING
#define DISTILS          MICA_LICENCE_DISTILS
#define UNREAD           MICA_LICENCE_UNREAD
#define INDEMNITY        MICA_LICENCE_INDEMNITY
#define SECONDARY        MICA_LICENCE_SECONDARY
#define RESULTS          MICA_LICENCE_RESULTS
#define SECONDARY_POLICY MICA_LICENCE_SECONDARY_POLICY
#define GPL              MICA_INTO_GPL
#define GPL2             MICA_INTO_GPL2
#define GPL3             MICA_INTO_GPL3
#define AGPL3            MICA_INTO_AGPL3
#define GPL3_ON          MICA_INTO_GPL3_ON
#define SA               MICA_INTO_SA
#define SA3              MICA_INTO_SA3
#define SA4              MICA_INTO_SA4
#define OTHER            MICA_INTO_OTHER
#define X(row, id, name, flags, patent, share, into, family, rights, licensor, terminates, ...)              \
    {id,     name,   flags,    MICA_PATENT_##patent, MICA_SHARE_##share, into,                               \
     family, rights, licensor, terminates,           terms_##row,        MICA_COUNT(terms_##row)},
#include "govern/licences.def"
#undef X
};

/* SPDX exceptions: X("id", drops share-alike for what links to it). */
static const struct {
    const char *id;
    bool drops_share;
} exceptions[] = {
    {"LLVM-exception", true},         {"GCC-exception-3.1", true},
    {"GCC-exception-2.0", true},      {"Classpath-exception-2.0", true},
    {"Linux-syscall-note", true},     {"OpenSSL-exception", false},
    {"Autoconf-exception-3.0", true}, {"Bison-exception-2.2", true},
    {"Font-exception-2.0", true},     {"LGPL-3.0-linking-exception", true},
    {"Qt-GPL-exception-1.0", true},   {"Universal-FOSS-exception-1.0", false},
    {"u-boot-exception-2.0", true},   {"WxWindows-exception-3.1", true},
};

/* SPDX ids with a mark of openness: X("id", marks). */
static const struct {
    const char *id;
    unsigned marks;
} open_ids[] = {
#define X(id, marks) {id, marks},
#include "govern/spdx_open.def"
#undef X
};

static const struct {
    const char *name, *help;
} domains[] = {
#define X(name, help) {name, help},
#include "govern/domains.def"
#undef X
};

#undef OSI
#undef FSF
#undef DATA
#undef MUTABLE
#undef HOSTING
#undef DISTILS
#undef UNREAD
#undef INDEMNITY
#undef SECONDARY
#undef RESULTS
#undef SECONDARY_POLICY
#undef GPL
#undef GPL2
#undef GPL3
#undef AGPL3
#undef GPL3_ON
#undef SA
#undef SA3
#undef SA4
#undef OTHER

const struct mica_licence *mica_licence_find(const char *id)
{
    for (size_t i = 0; i < MICA_COUNT(licences); i++)
        if (strcasecmp(licences[i].id, id) == 0)
            return &licences[i];
    return NULL;
}

int mica_licence_count(void)
{
    return MICA_COUNT(licences);
}

const struct mica_licence *mica_licence_at(int i)
{
    return &licences[i];
}

bool mica_exception_find(const char *id, bool *drops_share)
{
    for (size_t i = 0; i < MICA_COUNT(exceptions); i++)
        if (strcasecmp(exceptions[i].id, id) == 0) {
            *drops_share = exceptions[i].drops_share;
            return true;
        }
    return false;
}

/* Every version and port of CC BY and CC BY-SA is an open data licence. */
static bool is_cc_open(const char *id)
{
    if (strncasecmp(id, "CC-BY-", 6) != 0)
        return false;
    id += strncasecmp(id + 6, "SA-", 3) == 0 ? 9 : 6;
    return *id >= '1' && *id <= '9';
}

static unsigned marks(const char *id)
{
    const struct mica_licence *row = mica_licence_find(id);
    unsigned found = (row ? row->flags : 0) | (is_cc_open(id) ? MICA_LICENCE_DATA : 0);
    for (size_t i = 0; i < MICA_COUNT(open_ids); i++)
        if (strcasecmp(open_ids[i].id, id) == 0)
            found |= open_ids[i].marks;
    return found & (MICA_LICENCE_OSI | MICA_LICENCE_FSF | MICA_LICENCE_DATA);
}

bool mica_licence_is_open(const char *id)
{
    return marks(id) != 0 || strncasecmp(id, "OpenMDW-", 8) == 0;
}

bool mica_licence_is_osi(const char *id)
{
    return marks(id) & MICA_LICENCE_OSI;
}

int mica_domain_count(void)
{
    return MICA_COUNT(domains);
}

const char *mica_domain_name(int i)
{
    return domains[i].name;
}

const char *mica_domain_help(int i)
{
    return domains[i].help;
}
