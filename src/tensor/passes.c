/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Rewriting a captured graph. */
#include "tensor/op.h"

enum mica_status mica_graph_fuse(struct mica_graph *graph, struct mica_err *err)
{
    (void)graph, (void)err;
    return MICA_OK;
}
