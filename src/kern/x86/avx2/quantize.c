/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/init.h"

void mica_kern_init_avx2_quantize(struct mica_kern *kern)
{
    (void)kern;
}
