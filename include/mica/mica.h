/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Everything public. See README.md for a first program and examples/ for two. */
#ifndef MICA_MICA_H
#define MICA_MICA_H

#include <mica/base.h>
#include <mica/engine.h>
#include <mica/govern.h>

#endif
