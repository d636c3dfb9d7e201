/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Included before every source that clang-tidy analyses, except the one that defines mica_fail: the analyser
 * does not look into other files, so it must be told that mica_fail returns the status it is given. */
#ifndef MICA_TESTS_GATES_ANALYZER_H
#define MICA_TESTS_GATES_ANALYZER_H

#include <mica/base.h>
#define mica_fail(err, status, ...) ((mica_fail)(err, status, __VA_ARGS__), (status))

#endif
