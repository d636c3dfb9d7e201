/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The rights decision over what the register knows: the one way from registered components to a verdict. */
#ifndef MICA_CLOSURE_H
#define MICA_CLOSURE_H

#include "govern/register.h"
#include "govern/rights.h"

/* Decides over a closure (row 0 is the thing itself). Free the decision. ENOMEM. */
enum mica_status mica_closure_rights(const struct mica_components *closure, const struct mica_facts *facts,
                                     struct mica_decision **out, struct mica_err *err);
/* What is declared: the file's own statement first, unless it names no licence ("other") and the card, or a
 * person, does. */
const char *mica_component_declared(const struct mica_component *component);

#endif
