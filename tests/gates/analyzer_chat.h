/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* As analyzer.h, for the chat templates: their two functions that report a failure always return false. Not
 * for the source that defines them. */
#ifndef MICA_TESTS_GATES_ANALYZER_CHAT_H
#define MICA_TESTS_GATES_ANALYZER_CHAT_H

#include "format/chat_internal.h"
#define chat_fail(...)  ((chat_fail)(__VA_ARGS__), false)
#define chat_raise(...) ((chat_raise)(__VA_ARGS__), false)

#endif
