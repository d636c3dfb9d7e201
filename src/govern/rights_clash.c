/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Share-alike terms that meet in one work. */
#include "govern/rights_internal.h"

#include <string.h>

/* One licence that holds for the work. */
struct part {
    const struct prepared *from;
    const struct mica_licence *row;
};

static bool reaches_whole_work(const struct judge *j, const struct part *part,
                               const struct mica_spdx_licence *licence)
{
    bool drops_share = false;
    enum mica_share share = part->row->share;
    if (licence->exception[0] && mica_exception_find(licence->exception, &drops_share) && drops_share)
        return false;
    if (share == MICA_SHARE_NETWORK)
        return j->facts->distribute || j->facts->host;
    return j->facts->distribute && part->row->family &&
           (share == MICA_SHARE_WORK || share == MICA_SHARE_ADAPTED || share == MICA_SHARE_DATABASE);
}

static bool accepts(const struct mica_licence *whole, const struct mica_licence *other)
{
    return whole == other || (other->into & whole->family & ~(unsigned)MICA_INTO_OTHER);
}

/* Looks for the parts that whole cannot take in; those before it were compared already. */
static void compare(struct judge *j, const struct part *whole, bool whole_reaches, const struct part *other,
                    bool other_reaches)
{
    bool good = (whole_reaches && accepts(whole->row, other->row)) ||
                (other_reaches && accepts(other->row, whole->row));
    if ((whole_reaches || other_reaches) && !good)
        judge_reason(j, whole->from, whole_reaches ? whole->row->id : other->row->id, "", "share-alike",
                     MICA_VERDICT_NO, "%s (%s) and %s (%s) cannot be met together in one work",
                     whole->row->id, whole->from->subject->component, other->row->id,
                     other->from->subject->component);
}

void rights_clashes(struct judge *j, const struct prepared *subjects, int64_t n)
{
    struct part parts[256];
    bool reaches[256];
    int count = 0;
    for (int64_t i = 0; i < n; i++) {
        const struct prepared *p = &subjects[i];
        const struct mica_spdx_alternative *chosen = p->spdx && !p->is_data ? &p->spdx->any[p->chosen] : NULL;
        for (int k = 0; chosen && k < chosen->n; k++) {
            const struct mica_licence *row = rights_row(chosen->all[k]);
            if (!row)
                continue;
            if (count == (int)MICA_COUNT(parts)) {
                judge_reason(j, p, "", "", "share-alike", MICA_VERDICT_UNKNOWN,
                             "more than 256 licences in one work; compare them by hand");
                return;
            }
            parts[count] = (struct part){p, row};
            reaches[count] = reaches_whole_work(j, &parts[count], chosen->all[k]);
            for (int before = 0; before < count; before++)
                compare(j, &parts[before], reaches[before], &parts[count], reaches[count]);
            count++;
        }
    }
}
