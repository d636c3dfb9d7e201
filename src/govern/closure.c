/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "govern/closure.h"
#include "govern/evidence.h"

#include <string.h>

const char *mica_component_declared(const struct mica_component *component)
{
    struct mica_licence_set key, card;
    mica_licence_set_parse(component->declared_key, &key);
    mica_licence_set_parse(component->declared_card, &card);
    bool prefers_card = !*component->declared_key || (key.n == 0 && card.n > 0);
    return prefers_card ? component->declared_card : component->declared_key;
}

/* A model's own tokenizer and template come with it, under its terms, unless they state others. */
static bool follows_model(const struct mica_component *part, const struct mica_component *model)
{
    bool is_part = part->kind == MICA_COMPONENT_TOKENIZER || part->kind == MICA_COMPONENT_TEMPLATE;
    bool states_none = !*part->concluded && !*mica_component_declared(part);
    return is_part &&
           (states_none || (strcmp(part->concluded, model->concluded) == 0 &&
                            strcmp(mica_component_declared(part), mica_component_declared(model)) == 0));
}

enum mica_status mica_closure_rights(const struct mica_components *closure, const struct mica_facts *facts,
                                     struct mica_decision **out, struct mica_err *err)
{
    struct mica_subject *subjects = mica_alloc((size_t)closure->n, sizeof *subjects);
    int64_t n = 0;
    if (!subjects)
        return mica_fail(err, MICA_ENOMEM, "rights: out of memory");
    for (int64_t i = 0; i < closure->n; i++) {
        const struct mica_component *row = &closure->rows[i];
        if (i > 0 && follows_model(row, &closure->rows[0]))
            continue;
        subjects[n++] = (struct mica_subject){.component = row->name,
                                              .kind = mica_component_kind_text(row->kind),
                                              .relation = i ? mica_relation_text(closure->relations[i]) : "",
                                              .licence = row->concluded,
                                              .declared = mica_component_declared(row),
                                              .text_seen = *row->licence_digest != '\0'};
    }
    enum mica_status status = mica_rights_decide(subjects, n, facts, out, err);
    mica_free(subjects);
    return status;
}
