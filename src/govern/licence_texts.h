/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The reference licence texts that the library carries, unpacked at first use and kept. */
#ifndef MICA_LICENCE_TEXTS_H
#define MICA_LICENCE_TEXTS_H

#include "base/mem.h"

struct mica_licence_text {
    const char *id, *name, *text;
    size_t len; /* of text */
};
/* The texts in order of id, alive as long as the process. Thread-safe. ENOMEM; EUNSUPPORTED when there are
 * none. */
enum mica_status mica_licence_texts(const struct mica_licence_text **out, int64_t *n_out,
                                    struct mica_err *err);

#endif
