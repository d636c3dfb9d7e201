/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Stand-in until the interpreter lands: delete this file then. */
#include "format/chat.h"
enum mica_status mica_template_parse(const char *s, size_t l, struct mica_template **o, struct mica_err *e)
{
    return mica_fail(e, MICA_EUNSUPPORTED, "stub");
}
void mica_template_free(struct mica_template *t)
{
}
enum mica_status mica_template_render(const struct mica_template *t, const json_t *v,
                                      const struct mica_template_limits *l, struct mica_buf *o,
                                      struct mica_err *e)
{
    return mica_fail(e, MICA_EUNSUPPORTED, "stub");
}
