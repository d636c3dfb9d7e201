/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* How govern hands a checked set of files to the engine, which may not see govern. */
#ifndef MICA_ADMISSION_H
#define MICA_ADMISSION_H

#include <mica/base.h>

/* Vouches for the mappings in files as they are. */
void mica_files_admit(struct mica_files *files, const struct mica_admission *admission);

#endif
